//! The keys of `[[segment]]`, validated (SPEC 6).

use super::chart_keys::{EventsKeys, SegmentKeys};
use super::derived::{named_by, with_expressions, Derived, Expressions};
use super::error::JobError;
use super::holds::{EventFilter, Holds};
use super::values::{choice, Names};

/// The segment that always exists.
pub const ALL: &str = "all";

/// The segments of a job, besides the one of all events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segments {
    /// Those that have tables of their own, in order.
    pub with_tables: Vec<Segment>,
    /// Those that only choose among the users of all events, whose tables are theirs.
    pub of_all: Vec<Segment>,
}

impl Segments {
    /// Validates segments of events that have these derived columns.
    ///
    /// # Errors
    /// The first mistake, with the segment's name.
    pub fn new(keys: Vec<SegmentKeys>, derived: &[Derived]) -> Result<Self, JobError> {
        let (of_all, with_tables) = Segment::all_of(keys, derived)?.into_iter().partition(Segment::is_of_all);
        Ok(Segments { with_tables, of_all })
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Segment> + Clone {
        self.with_tables.iter().chain(&self.of_all)
    }
}

/// Some of the events, with sessions of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// The SQL condition that is true of its events; `None` for all events.
    pub condition: Option<String>,
    /// The columns of whose values each combination is a segment; none for one segment.
    pub by: Vec<String>,
    /// What its users did within a chart's range.
    pub performed: Vec<AtLeast>,
    /// Which of its users count in an interval of a chart; `None` for all of them.
    pub users: Option<UsersBy>,
    /// The names that its columns were given.
    pub named: Vec<(Holds, String)>,
    /// The expressions of the derived columns that its condition and `by` name.
    pub derived: Expressions,
}

/// Users by when they were first active, in any event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsersBy {
    /// Those who were not active before the interval.
    New,
    /// Those who were.
    Returning,
}

impl UsersBy {
    /// Whether a user counts who is new in an interval, or who is not.
    pub fn holds(self, is_new: bool) -> bool {
        is_new == (self == UsersBy::New)
    }
}

/// A number of events between two bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtLeast {
    /// The number.
    pub count: Holds,
    /// At least this.
    pub at_least: u32,
    /// At most this; `None` for any number.
    pub at_most: Option<u32>,
}

impl Segment {
    fn all_of(keys: Vec<SegmentKeys>, derived: &[Derived]) -> Result<Vec<Segment>, JobError> {
        let mut segments: Vec<Segment> = Vec::new();
        for (place, keys) in keys.into_iter().enumerate() {
            let name = keys.name.clone();
            let place = name
                .map_or_else(|| format!("[[segment]] number {}", place + 1), |name| format!("[[segment]] \"{name}\""));
            let segment = Segment::new(keys, &segments, derived).map_err(|error| error.within(&place))?;
            segments.push(segment);
        }
        Ok(segments)
    }

    fn new(keys: SegmentKeys, before: &[Segment], derived: &[Derived]) -> Result<Segment, JobError> {
        let name = keys.name.ok_or_else(|| needs("segment.name", "give every segment a name"))?;
        check_name(&name)?;
        let same = |known: &str| known.eq_ignore_ascii_case(&name);
        if same(ALL) {
            let by = "the segment of all events".to_string();
            return Err(JobError::Taken { key: "segment.name", name, by });
        }
        if let Some(other) = before.iter().find(|other| same(&other.name)) {
            let by = format!("another segment, \"{}\"", other.name);
            return Err(JobError::Taken { key: "segment.name", name, by });
        }
        if keys.r#where.is_none() && keys.by.is_none() && keys.performed.is_none() && keys.users.is_none() {
            let hint = "say which events it is of, by `where`, `by`, `performed` or `users`";
            return Err(needs("segment.where", hint));
        }
        let condition = keys.r#where.map(|condition| not_empty("segment.where", condition)).transpose()?;
        let by = keys.by.map_or_else(|| Ok(Vec::new()), by_columns)?;
        let mut named = Vec::new();
        let performed = match keys.performed {
            None => Vec::new(),
            Some(list) if list.is_empty() => return Err(JobError::Empty { key: "segment.performed" }),
            Some(list) => {
                let one = |keys| AtLeast::new(keys, &PERFORMED, &mut named);
                list.into_iter().map(one).collect::<Result<_, _>>()?
            }
        };
        let words = [("new", UsersBy::New), ("returning", UsersBy::Returning)];
        let users = keys.users.map(|text| choice("segment.users", &text, &words)).transpose()?;
        let derived = named_by(derived, by.iter().map(String::as_str), condition.as_deref());
        Ok(Segment { name, condition, by, performed, users, named, derived })
    }

    /// Whether its tables are those of all events: it only chooses among users when charts are made.
    fn is_of_all(&self) -> bool {
        self.condition.is_none() && self.by.is_empty() && self.performed.is_empty()
    }

    /// What its tables are of, in words that differ where the tables do.
    pub fn canonical(&self) -> String {
        let columns: Vec<String> = self.by.iter().map(|column| format!("\"{column}\"")).collect();
        let by = (!columns.is_empty()).then(|| format!("by {}", columns.join(", ")));
        let condition = self.condition.as_ref().map(|condition| format!("where {condition}"));
        let parts: Vec<String> = by.into_iter().chain(condition).collect();
        if parts.is_empty() {
            return "all events".to_string();
        }
        parts.join(" ") + &with_expressions(&self.derived)
    }
}

/// The columns of a segment `by` some of them, each once.
fn by_columns(names: Names) -> Result<Vec<String>, JobError> {
    const KEY: &str = "segment.by";
    let mut columns = Vec::new();
    for name in names.into_vec() {
        let name = not_empty(KEY, name)?;
        if columns.contains(&name) {
            return Err(JobError::Repeated { key: KEY, name });
        }
        columns.push(name);
    }
    if columns.is_empty() {
        return Err(JobError::Empty { key: KEY });
    }
    Ok(columns)
}

/// A segment's name is the name of a folder.
fn check_name(name: &str) -> Result<(), JobError> {
    let unfit = |letter: char| letter.is_control() || "/\\=:*?\"<>|".contains(letter);
    if name.trim() != name || name.is_empty() || name.starts_with(['.', '_']) || name.contains(unfit) {
        return Err(JobError::Choice {
            key: "segment.name",
            value: name.to_string(),
            hint: "it is the name of a folder: no / \\ = : * ? \" < > |, and no . or _ in front".to_string(),
        });
    }
    Ok(())
}

/// The names of the keys of a list of counted events, for messages.
#[derive(Clone, Copy, Debug)]
pub struct EventsNames {
    event: &'static str,
    condition: &'static str,
    at_least: &'static str,
    at_most: &'static str,
    column: &'static str,
}

const PERFORMED: EventsNames = EventsNames {
    event: "segment.performed.event",
    condition: "segment.performed.where",
    at_least: "segment.performed.at_least",
    at_most: "segment.performed.at_most",
    column: "segment.performed.column",
};

/// Those of `contains`.
pub const CONTAINS: EventsNames = EventsNames {
    event: "chart.contains.event",
    condition: "chart.contains.where",
    at_least: "chart.contains.at_least",
    at_most: "chart.contains.at_most",
    column: "chart.contains.column",
};

impl AtLeast {
    /// Validates one; a name that its column is given is added to `named`.
    ///
    /// # Errors
    /// No event, bounds that hold for all or for none.
    pub fn new(keys: EventsKeys, names: &EventsNames, named: &mut Vec<(Holds, String)>) -> Result<AtLeast, JobError> {
        let filter = event_filter((names.event, keys.event), (names.condition, keys.r#where))?;
        if filter == EventFilter::default() {
            return Err(needs(names.event, "say which events, by `event`, `where` or both"));
        }
        let count = Holds::Count(filter);
        add_name(named, &count, names.column, keys.column)?;
        let at_most = keys.at_most.map(|most| whole(names.at_most, most, 0)).transpose()?;
        let at_least = match (keys.at_least, at_most) {
            (Some(least), _) => whole(names.at_least, least, 0)?,
            (None, Some(_)) => 0,
            (None, None) => 1,
        };
        if at_least == 0 && at_most.is_none() {
            return Err(JobError::NoEffect {
                key: names.at_least,
                why: "at 0 without `at_most`",
                way_out: ", or set `at_most`",
            });
        }
        if let Some(most) = at_most.filter(|most| *most < at_least) {
            let hint = format!("it is less than `at_least` ({at_least}), so nothing would be left");
            return Err(JobError::Unfit { key: names.at_most, value: most.to_string(), hint });
        }
        Ok(AtLeast { count, at_least, at_most })
    }
}

/// Events of a type, or for which a condition is true, or both.
pub fn event_filter(
    (event_key, event): (&'static str, Option<String>),
    (condition_key, condition): (&'static str, Option<String>),
) -> Result<EventFilter, JobError> {
    Ok(EventFilter {
        events: event.map(|event| not_empty(event_key, event)).transpose()?.into_iter().collect(),
        condition: condition.map(|condition| not_empty(condition_key, condition)).transpose()?,
    })
}

/// Notes the name that a column was given.
pub fn add_name(
    named: &mut Vec<(Holds, String)>,
    holds: &Holds,
    key: &'static str,
    name: Option<String>,
) -> Result<(), JobError> {
    if let Some(name) = name {
        named.push((holds.clone(), not_empty(key, name)?));
    }
    Ok(())
}

/// Text that is not empty, trimmed.
pub fn not_empty(key: &'static str, text: String) -> Result<String, JobError> {
    match text.trim() {
        "" => Err(JobError::Empty { key }),
        text => Ok(text.to_string()),
    }
}

/// A whole number from `least` up.
pub fn whole(key: &'static str, number: i64, least: u32) -> Result<u32, JobError> {
    u32::try_from(number).ok().filter(|number| *number >= least).ok_or_else(|| JobError::Unfit {
        key,
        value: number.to_string(),
        hint: format!("it is a whole number from {least} up"),
    })
}

/// An error of a key that is missing.
pub fn needs(key: &'static str, hint: &str) -> JobError {
    JobError::Needs { key, hint: hint.to_string() }
}
