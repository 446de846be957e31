//! The columns that a job declares and that charts add to the sessions tables, and segments to their activity tables: a pure
//! function of the job (SPEC 4, 6).

use std::collections::BTreeSet;

use super::chart::Chart;
use super::column::{Column, Contents};
use super::derived::{named_by, with_expressions, Derived, Expressions};
use super::error::JobError;
use super::holds::Holds;
use super::segment::Segment;
use super::series::GroupBy;
use crate::stats::nearest::nearest;

/// The columns of every sessions table, and the key of its folders.
const OF_SESSIONS: [&str; 10] = [
    "session_date",
    "user_id",
    "session_id",
    "start_time",
    "end_time",
    "length_ms",
    "event_count",
    "first_event",
    "last_event",
    "end_reason",
];
/// The columns of history: the number of a session among those of its user, when the one before it ended, and how long after
/// that it starts.
pub const HISTORY: [&str; 3] = ["session_number", "previous_end_time", "since_previous_ms"];
/// The other columns of every activity table.
const OF_ACTIVITY: [&str; 3] = ["activity_date", "events", "hours"];

/// The columns of the events table, and the key of its folders.
const OF_EVENTS: [&str; 8] = [
    "event_date",
    "user_id",
    "event_time",
    "event_type",
    "session_id",
    "session_date",
    "session_position",
    "out_of_session",
];

/// What the sessions tables of a job have besides the columns of every sessions table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standard<'a> {
    /// The property that sessions share.
    pub property: Option<&'a str>,
    /// Whether sessions are numbered by user.
    pub history: bool,
    /// The derived columns of events.
    pub derived: &'a [Derived],
}

impl Standard<'_> {
    /// The names of all columns that come before added ones.
    fn columns(&self) -> Vec<String> {
        let history = if self.history { &HISTORY[..] } else { &[] };
        let fixed = OF_SESSIONS.iter().chain(history).map(|name| name.to_string());
        fixed.chain(self.property.map(property_column)).collect()
    }
}

/// The name of the column of the property that sessions share.
pub fn property_column(property: &str) -> String {
    match is_one_of(&OF_SESSIONS, property) || is_one_of(&HISTORY, property) {
        true => format!("property_{property}"),
        false => property.to_string(),
    }
}

/// The name of the column of which each value is a segment.
pub fn by_column(by: &str, property: Option<&str>) -> String {
    let is_property = property.is_some_and(|property| property_column(property).eq_ignore_ascii_case(by));
    let is_taken = is_one_of(&OF_SESSIONS, by) || is_one_of(&HISTORY, by) || is_one_of(&OF_ACTIVITY, by);
    match is_taken || is_property {
        true => format!("segment_{by}"),
        false => by.to_string(),
    }
}

/// The names of columns of the input in the events table: `input_…` where a name is taken.
pub fn event_column_names(columns: &[String]) -> Vec<String> {
    let mut used: BTreeSet<String> = OF_EVENTS.iter().map(|name| name.to_string()).collect();
    let name_of = |column: &String| {
        let is_taken = used.contains(&column.to_lowercase());
        free_name(&if is_taken { format!("input_{column}") } else { column.clone() }, &mut used)
    };
    columns.iter().map(name_of).collect()
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    // Engines that read the tables often take names without regard to case.
    names.iter().any(|fixed| fixed.eq_ignore_ascii_case(name))
}

/// A column of a table, besides those that every table of its kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddedColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub contents: Contents,
    /// The type of its values, where that follows from the input and is known.
    pub stored: Option<&'static str>,
    /// The expressions of the derived columns that it is made of.
    pub derived: Expressions,
}

impl AddedColumn {
    fn new(name: String, contents: Contents) -> Self {
        AddedColumn { name, contents, stored: None, derived: Expressions::new() }
    }

    /// What it holds, and as what: a column that holds the same as another type, or of other expressions, is another column.
    pub fn held(&self) -> String {
        let held = format!("{}{}", self.contents, with_expressions(&self.derived));
        match self.stored {
            Some(stored) => format!("{held}{AS}{stored}"),
            None => held,
        }
    }
}

/// Between what a column holds and the type of its values: nothing that a condition has in it.
pub const AS: char = '\t';

/// The columns added to one table: those that are declared, in the order of the job, and then those that only charts need,
/// each once, in an order that follows from what they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddedColumns {
    columns: Vec<AddedColumn>,
    /// How many of them are declared.
    declared: usize,
}

impl AddedColumns {
    /// The declared columns, and what the charts of a job need to know of sessions beside them. `taken` are the names of the
    /// table's own columns.
    ///
    /// # Errors
    /// A column that was given two names, or a name that is taken.
    pub fn of_charts(declared: &[Column], charts: &[Chart], taken: &[String]) -> Result<Self, JobError> {
        let holds = charts.iter().flat_map(Chart::holds).cloned().collect();
        let named: Vec<_> = charts.iter().flat_map(|chart| chart.named.iter().cloned()).collect();
        AddedColumns::named(declared, holds, &named, taken)
    }

    /// What a segment needs to know of its users on each date.
    ///
    /// # Errors
    /// As [`AddedColumns::of_charts`].
    pub fn of_segment(segment: &Segment, taken: &[String]) -> Result<Self, JobError> {
        let holds = segment.performed.iter().map(|performed| performed.count.clone()).collect();
        AddedColumns::named(&[], holds, &segment.named, taken)
    }

    fn named(
        declared: &[Column],
        mut holds: BTreeSet<Holds>,
        named: &[(Holds, String)],
        taken: &[String],
    ) -> Result<Self, JobError> {
        // Engines that read the tables often take names without regard to case.
        let mut used: BTreeSet<String> = taken.iter().map(|name| name.to_lowercase()).collect();
        let mut columns = Vec::new();
        for Column { name, contents } in declared {
            if !used.insert(name.to_lowercase()) {
                let by = "another column of the sessions tables".to_string();
                return Err(JobError::Taken { key: "column.name", name: name.clone(), by });
            }
            // What charts need of it is there already.
            if let Some(known) = contents.holds() {
                holds.remove(known);
            }
            columns.push(AddedColumn::new(name.clone(), contents.clone()));
        }
        let known: Vec<(Holds, String)> = declared
            .iter()
            .filter_map(|column| Some((column.contents.holds()?.clone(), column.name.clone())))
            .collect();
        let mut given: Vec<&(Holds, String)> = known.iter().collect();
        for pair in named {
            let (holds, name) = pair;
            match given.iter().find(|(known, _)| known == holds) {
                Some(_) if given.contains(&pair) => continue,
                Some((_, other)) => {
                    let (name, other) = (name.clone(), other.clone());
                    return Err(JobError::TwoNames { name, other, holds: holds.to_string() });
                }
                None if !used.insert(name.to_lowercase()) => {
                    let by = "another column of the same table".to_string();
                    return Err(JobError::Taken { key: "column", name: name.clone(), by });
                }
                None => given.push(pair),
            }
        }
        for holds in holds {
            let name = match given.iter().find(|(known, _)| *known == holds) {
                Some((_, name)) => name.clone(),
                None => free_name(&holds.readable_name(), &mut used),
            };
            columns.push(AddedColumn::new(name, Contents::OfEvents(holds)));
        }
        Ok(AddedColumns { columns, declared: declared.len() })
    }

    /// The columns that a job adds to the sessions tables, and to the activity table of each segment.
    ///
    /// # Errors
    /// A column that was given two names, or a name that is taken.
    pub fn of_job(
        declared: &[Column],
        charts: &[Chart],
        segments: &[Segment],
        standard: Standard<'_>,
    ) -> Result<(AddedColumns, Vec<AddedColumns>), JobError> {
        let mut taken = standard.columns();
        check_groups(declared, charts, standard)?;
        segments.iter().try_for_each(|segment| check_by(segment, standard.property))?;
        let by = segments.iter().flat_map(|segment| &segment.by);
        taken.extend(by.map(|by| by_column(by, standard.property)));
        let sessions = AddedColumns::of_charts(declared, charts, &taken)?.made_of(standard.derived);
        let of_segment = |segment| Ok(AddedColumns::of_segment(segment, &taken)?.made_of(standard.derived));
        Ok((sessions, segments.iter().map(of_segment).collect::<Result<_, JobError>>()?))
    }

    /// The same, of events that have these derived columns.
    fn made_of(mut self, derived: &[Derived]) -> Self {
        for column in &mut self.columns {
            let Some(holds) = column.contents.holds() else { continue };
            let conditions = holds.filters().iter().filter_map(|filter| filter.condition.as_deref());
            column.derived = named_by(derived, holds.property(), conditions);
        }
        self
    }

    /// The columns in order.
    pub fn columns(&self) -> &[AddedColumn] {
        &self.columns
    }

    /// Those that are declared.
    pub fn declared(&self) -> &[AddedColumn] {
        &self.columns[..self.declared]
    }

    /// Those that only charts need.
    pub fn of_charts_alone(&self) -> &[AddedColumn] {
        &self.columns[self.declared..]
    }

    /// What of events they hold.
    pub fn holds(&self) -> impl Iterator<Item = &Holds> {
        self.columns.iter().filter_map(|column| column.contents.holds())
    }

    /// The name of the column that holds something.
    pub fn name_of(&self, holds: &Holds) -> Option<&str> {
        let holds = |column: &&AddedColumn| column.contents.holds() == Some(holds);
        self.columns.iter().find(holds).map(|column| column.name.as_str())
    }

    /// Notes the types of values, as `stored` knows them of what a column holds.
    pub fn note_types(&mut self, stored: impl Fn(&Holds) -> Option<&'static str>) {
        for column in &mut self.columns {
            column.stored = column.contents.holds().and_then(&stored);
        }
    }

    /// Name and contents of each as text, for the metadata of a table.
    pub fn text(&self) -> String {
        self.columns.iter().map(|column| format!("{} = {}\n", column.name, column.held())).collect()
    }
}

/// Refuses a segment of whose columns two would have one name.
fn check_by(segment: &Segment, property: Option<&str>) -> Result<(), JobError> {
    let mut used = BTreeSet::new();
    for by in &segment.by {
        let name = by_column(by, property);
        if !used.insert(name.to_lowercase()) {
            let by = format!("another column of the segment \"{}\"", segment.name);
            return Err(JobError::Taken { key: "segment.by", name, by });
        }
    }
    Ok(())
}

/// Refuses charts that are grouped by a column that is none of the session's.
fn check_groups(declared: &[Column], charts: &[Chart], standard: Standard<'_>) -> Result<(), JobError> {
    let own = standard.columns();
    // The date is none: it is the key of folders.
    let known = || own[1..].iter().map(String::as_str).chain(declared.iter().map(|column| column.name.as_str()));
    for group in charts.iter().flat_map(|chart| &chart.series).flat_map(|series| &series.group_by) {
        let GroupBy::Column(name) = group else { continue };
        if known().any(|column| column == name) {
            continue;
        }
        let hint = match nearest(name, known()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("the columns of the session are {}", known().collect::<Vec<_>>().join(", ")),
        };
        return Err(JobError::Choice { key: "chart.group_by.column", value: name.clone(), hint });
    }
    Ok(())
}

fn free_name(name: &str, used: &mut BTreeSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = std::iter::once(name.to_string()).chain(numbered);
    let free = names.find(|name| used.insert(name.to_lowercase()));
    free.unwrap_or_else(|| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::{JobFile, Segments};
    use std::path::Path;

    fn added(text: &str) -> Result<Vec<String>, String> {
        let job = JobFile::parse(text, Path::new("job")).map_err(|error| error.to_string())?;
        let segments = Segments::new(job.segment, &[]).map_err(|error| error.to_string())?;
        let charts = Chart::all_of(job.chart, &segments, Default::default()).map_err(|error| error.to_string())?;
        let declared = Column::all_of(job.column, false).map_err(|error| error.to_string())?;
        let columns =
            AddedColumns::of_charts(&declared, &charts, &["user_id".to_string()]).map_err(|error| error.to_string())?;
        Ok(columns.columns().iter().map(|column| column.name.clone()).collect())
    }

    #[test]
    fn what_two_charts_need_is_one_column_and_every_name_is_its_own() {
        let names = added(
            "[[chart]]\nname = 'a'\ncontains = [{ event = 'x' }, { event = 'X!' }]\n\
             [[chart]]\nname = 'b'\ncount = { event = 'x', property = 'p' }\ngroup_by = { last = 'p' }\n",
        );
        assert_eq!(names.expect("fine"), ["count_x", "count_x_2", "sum_p_of_x", "last_p"]);
    }

    #[test]
    fn a_chart_may_name_its_columns_but_not_twice_and_not_as_others() {
        let chart = |name: &str, column: &str| {
            format!("[[chart]]\nname = '{name}'\ncontains = [{{ event = 'x', column = '{column}' }}]\n")
        };
        assert_eq!(added(&chart("a", "views")).expect("fine"), ["views"]);
        assert_eq!(added(&(chart("a", "views") + &chart("b", "views"))).expect("fine"), ["views"]);
        assert!(added(&(chart("a", "views") + &chart("b", "others"))).expect_err("two names").contains("views"));
        assert!(added(&chart("a", "User_ID")).expect_err("taken").contains("another column"));
    }

    #[test]
    fn declared_columns_come_first_in_their_order_and_charts_use_them() {
        let declared = "[[column]]\nname = 'views'\ncount = 'x'\n[[column]]\nname = 'engaged'\nwhen = 'views > 1'\n\
                        [[column]]\nname = 'again'\ncount = 'x'\n";
        let chart = "[[chart]]\nname = 'a'\ncontains = [{ event = 'x' }, { event = 'y' }]\n";
        assert_eq!(added(&format!("{declared}{chart}")).expect("fine"), ["views", "engaged", "again", "count_y"]);
        let named = |name: &str| format!("[[chart]]\nname = 'a'\ncontains = [{{ event = 'x', column = '{name}' }}]\n");
        assert_eq!(added(&format!("{declared}{}", named("again"))).expect("fine"), ["views", "engaged", "again"]);
        assert!(added(&format!("{declared}{}", named("more"))).expect_err("two names").contains("more"));
        let taken = |name: &str| format!("{declared}[[column]]\nname = '{name}'\ncount = '*'\n");
        assert!(added(&taken("VIEWS")).expect_err("taken").contains("`column.name`"));
        assert!(added(&taken("user_id")).expect_err("taken").contains("another column"));
        assert_eq!(added(&taken("count_y")).expect("fine").last().map(String::as_str), Some("count_y"));
        let both = added(&format!("{}{chart}", taken("count_y"))).expect("fine");
        assert_eq!(both.last().map(String::as_str), Some("count_y_2"));
    }
}
