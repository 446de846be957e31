//! The series of a chart, validated (SPEC 6).

use super::bins::millis;
use super::chart_keys::{ChartKeys, CountKeys, GroupKeys, SeriesKeys};
use super::error::JobError;
use super::funnel::Funnel;
use super::holds::{EventFilter, Holds};
use super::segment::{add_name, event_filter, needs, not_empty, whole, AtLeast, CONTAINS};
use super::sequence::Sequence;
use super::time_on::TimeOn;
use super::value_test::ValueTest;
use super::values::Scalar;

/// A series of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name: A, B, …
    pub name: String,
    /// What is counted.
    pub count: Count,
    /// The shortest session, in milliseconds.
    pub min_length_ms: Option<i64>,
    /// Sessions are shorter than this, in milliseconds.
    pub max_length_ms: Option<i64>,
    /// The events that its sessions contain.
    pub contains: Vec<AtLeast>,
    /// The values that its sessions have.
    pub values: Vec<ValueTest>,
    /// The SQL condition that holds for columns of its sessions.
    pub sessions: Option<String>,
    /// The events that follow each other in its sessions.
    pub sequence: Option<Sequence>,
    /// The steps that its sessions reach: the first one at least.
    pub funnel: Option<Funnel>,
    /// What they spend time on.
    pub time_on: Option<TimeOn>,
    /// What its sessions are grouped by, together; empty where they are not.
    pub group_by: Vec<GroupBy>,
}

/// What sessions are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// A value of events.
    Value(Holds),
    /// A column of the session, by its name.
    Column(String),
}

/// What groups are values of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupKey<'a> {
    /// A property of events.
    Property(&'a str),
    /// A column of the session.
    Column(&'a str),
}

impl GroupBy {
    /// What the groups are values of: those of one property match, whether it is the first, the last or any value.
    pub fn key(&self) -> GroupKey<'_> {
        match self {
            GroupBy::Value(holds) => GroupKey::Property(holds.property().unwrap_or_default()),
            GroupBy::Column(name) => GroupKey::Column(name),
        }
    }

    /// Whether a session is in a group for each of several values.
    pub fn is_any(&self) -> bool {
        matches!(self, GroupBy::Value(Holds::Values(..)))
    }
}

impl std::fmt::Display for GroupKey<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            GroupKey::Property(name) => f.write_str(name),
            GroupKey::Column(name) => write!(f, "the column {name}"),
        }
    }
}

/// What a series counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Count {
    /// Sessions.
    Sessions,
    /// Events within sessions.
    Events {
        /// Their number.
        number: Holds,
        /// The sum of a property of them.
        sum: Option<Holds>,
    },
}

/// How many groups are kept where a chart does not say.
pub(super) const DEFAULT_TOP: usize = 100;
/// As many series as there are letters.
const MOST_SERIES: usize = 26;

impl Series {
    pub(super) fn of_all_sessions() -> Self {
        Series {
            name: "A".to_string(),
            count: Count::Sessions,
            min_length_ms: None,
            max_length_ms: None,
            contains: Vec::new(),
            values: Vec::new(),
            sessions: None,
            sequence: None,
            funnel: None,
            time_on: None,
            group_by: Vec::new(),
        }
    }

    /// The series of a chart, and how many groups are kept.
    pub(super) fn all_of(keys: ChartKeys, named: &mut Vec<(Holds, String)>) -> Result<(Vec<Series>, usize), JobError> {
        let own = SeriesKeys {
            count: keys.count,
            min_length: keys.min_length,
            max_length: keys.max_length,
            contains: keys.contains,
            first: keys.first,
            last: keys.last,
            sessions: keys.sessions,
            sequence: keys.sequence,
            group_by: keys.group_by,
            top: keys.top,
        };
        let list = match keys.series {
            None => vec![own],
            Some(list) => {
                refuse_beside_series(&own)?;
                list
            }
        };
        if list.is_empty() || list.len() > MOST_SERIES {
            let hint = format!("a chart has 1 to {MOST_SERIES} series");
            return Err(JobError::Unfit { key: "chart.series", value: format!("{} series", list.len()), hint });
        }
        let mut top = None;
        let mut series: Vec<Series> = Vec::new();
        for (keys, letter) in list.into_iter().zip('A'..='Z') {
            let first_grouped = series.iter().all(|series| series.group_by.is_empty());
            if let Some((key, number)) = top_of(&keys)? {
                if !first_grouped {
                    let why = "in a later series: the first one that is grouped says which groups are kept";
                    return Err(JobError::NoEffect { key, why, way_out: "" });
                }
                top = Some(whole(key, number, 1)? as usize);
            }
            series.push(Series::new(letter.to_string(), keys, named)?);
        }
        Ok((series, top.unwrap_or(DEFAULT_TOP)))
    }

    /// Validates a series.
    ///
    /// # Errors
    /// The first mistake.
    pub fn new(name: String, keys: SeriesKeys, named: &mut Vec<(Holds, String)>) -> Result<Series, JobError> {
        let length = |key, text: &Option<Scalar>| text.as_ref().map(|text| millis(key, text)).transpose();
        let (min_length_ms, max_length_ms) =
            (length("chart.min_length", &keys.min_length)?, length("chart.max_length", &keys.max_length)?);
        if let (Some(min), Some(max)) = (min_length_ms, max_length_ms) {
            if min >= max {
                let text = |scalar: Option<Scalar>| scalar.map_or_else(String::new, |scalar| scalar.0);
                return Err(JobError::EmptyRange {
                    first_key: "chart.min_length",
                    first: text(keys.min_length),
                    last_key: "chart.max_length",
                    last: text(keys.max_length),
                });
            }
        }
        let count = match keys.count {
            None => Count::Sessions,
            Some(keys) => Count::new(keys, named)?,
        };
        let contains = keys.contains.unwrap_or_default();
        let contains =
            contains.into_iter().map(|keys| AtLeast::new(keys, &CONTAINS, named)).collect::<Result<_, _>>()?;
        let mut values = Vec::new();
        for keys in keys.first.map(|several| several.0).unwrap_or_default() {
            values.push(ValueTest::first(keys, named)?);
        }
        for keys in keys.last.map(|several| several.0).unwrap_or_default() {
            values.push(ValueTest::last(keys, named)?);
        }
        let group_by = keys.group_by.map_or_else(|| Ok(Vec::new()), |several| groups(several.0, named))?;
        let sequence = keys.sequence.map(|keys| Sequence::new(keys, named)).transpose()?;
        let sessions = keys.sessions.map(|condition| not_empty("chart.sessions", condition)).transpose()?;
        Ok(Series {
            name,
            count,
            min_length_ms,
            max_length_ms,
            contains,
            values,
            sessions,
            sequence,
            funnel: None,
            time_on: None,
            group_by,
        })
    }

    /// Whether it counts events rather than sessions.
    pub fn counts_events(&self) -> bool {
        matches!(self.count, Count::Events { .. })
    }

    /// Everything that it needs to know of sessions.
    pub fn holds(&self) -> Vec<&Holds> {
        let mut holds: Vec<&Holds> = Vec::new();
        if let Count::Events { number, sum } = &self.count {
            holds.push(number);
            holds.extend(sum);
        }
        holds.extend(self.contains.iter().map(|contains| &contains.count));
        holds.extend(self.values.iter().map(|test| &test.value));
        holds.extend(self.sequence.as_ref().map(|sequence| &sequence.shortest));
        holds.extend(self.funnel.as_ref().map(|funnel| &funnel.steps));
        holds.extend(self.time_on.iter().flat_map(|time_on| [&time_on.values, &time_on.times]));
        for group in &self.group_by {
            if let GroupBy::Value(value) = group {
                holds.push(value);
            }
        }
        holds
    }

    /// What its groups are values of.
    pub fn group_keys(&self) -> Vec<GroupKey<'_>> {
        self.group_by.iter().map(GroupBy::key).collect()
    }

    /// Whether a session may be in several of its groups, so that they add up to more than all sessions.
    pub fn overlaps(&self) -> bool {
        self.group_by.iter().any(GroupBy::is_any)
    }
}

fn refuse_beside_series(keys: &SeriesKeys) -> Result<(), JobError> {
    let set = [
        ("chart.count", keys.count.is_some()),
        ("chart.min_length", keys.min_length.is_some()),
        ("chart.max_length", keys.max_length.is_some()),
        ("chart.contains", keys.contains.is_some()),
        ("chart.first", keys.first.is_some()),
        ("chart.last", keys.last.is_some()),
        ("chart.sessions", keys.sessions.is_some()),
        ("chart.sequence", keys.sequence.is_some()),
        ("chart.group_by", keys.group_by.is_some()),
        ("chart.top", keys.top.is_some()),
    ];
    match set.iter().find(|(_, set)| *set) {
        Some((key, _)) => {
            let hint = "each [[chart.series]] has its own: write it there";
            Err(JobError::NotBoth { key, other: "chart.series", hint })
        }
        None => Ok(()),
    }
}

impl Count {
    fn new(keys: CountKeys, named: &mut Vec<(Holds, String)>) -> Result<Count, JobError> {
        let keys = match keys {
            CountKeys::Word(word) if word == "sessions" => return Ok(Count::Sessions),
            CountKeys::Word(word) => {
                let hint = "it is \"sessions\", or events like { event = \"page_view\" }".to_string();
                return Err(JobError::Choice { key: "chart.count", value: word, hint });
            }
            CountKeys::Events(keys) => keys,
        };
        let filter = event_filter(("chart.count.event", keys.event), ("chart.count.where", keys.r#where))?;
        if filter == EventFilter::default() {
            return Err(needs("chart.count.event", "say which events, by `event`, `where` or both"));
        }
        let number = Holds::Count(filter.clone());
        add_name(named, &number, "chart.count.column", keys.column)?;
        let property = keys.property.map(|property| not_empty("chart.count.property", property)).transpose()?;
        Ok(Count::Events { number, sum: property.map(|property| Holds::Sum(property, filter)) })
    }
}

/// As many things sessions are grouped by together.
const MOST_GROUPS: usize = 3;

/// How many groups are kept, and the key that says so: within `group_by` where it is one, else beside it.
fn top_of(keys: &SeriesKeys) -> Result<Option<(&'static str, i64)>, JobError> {
    const WITHIN: &str = "chart.group_by.top";
    const BESIDE: &str = "chart.top";
    let several = keys.group_by.as_ref().map(|several| several.0.as_slice()).unwrap_or_default();
    let within = several.iter().find_map(|keys| keys.top);
    match (within, keys.top) {
        (Some(number), _) if several.len() > 1 => {
            let hint = "it ranks combinations: write `top` beside `group_by`".to_string();
            Err(JobError::Unfit { key: WITHIN, value: number.to_string(), hint })
        }
        (Some(_), Some(_)) => {
            Err(JobError::NotBoth { key: WITHIN, other: BESIDE, hint: "both say how many groups are kept" })
        }
        (None, Some(_)) if keys.group_by.is_none() => {
            let way_out = ", or say what sessions are grouped by";
            Err(JobError::NoEffect { key: BESIDE, why: "without `chart.group_by` or `chart.preset`", way_out })
        }
        (within, beside) => Ok(within.map(|number| (WITHIN, number)).or(beside.map(|number| (BESIDE, number)))),
    }
}

fn groups(keys: Vec<GroupKeys>, named: &mut Vec<(Holds, String)>) -> Result<Vec<GroupBy>, JobError> {
    const KEY: &str = "chart.group_by";
    let unfit = |value: String, hint: &str| Err(JobError::Unfit { key: KEY, value, hint: hint.to_string() });
    if keys.is_empty() {
        return Err(JobError::Empty { key: KEY });
    }
    if keys.len() > MOST_GROUPS {
        return unfit(format!("a list of {}", keys.len()), "sessions are grouped by at most three values together");
    }
    let mut groups: Vec<GroupBy> = Vec::new();
    for keys in keys {
        let by = group(keys, named)?;
        if by.is_any() && groups.iter().any(GroupBy::is_any) {
            return unfit(
                "two of `any`".to_string(),
                "one of them may be `any`: a session has a first and a last value of the other",
            );
        }
        if groups.contains(&by) {
            return unfit("the same value twice".to_string(), "name it once");
        }
        groups.push(by);
    }
    Ok(groups)
}

fn group(keys: GroupKeys, named: &mut Vec<(Holds, String)>) -> Result<GroupBy, JobError> {
    if let (None, None, None, Some(column)) = (&keys.first, &keys.last, &keys.any, &keys.column) {
        let beside = [("chart.group_by.event", keys.event.is_some()), ("chart.group_by.where", keys.r#where.is_some())];
        if let Some((key, _)) = beside.iter().find(|(_, is_set)| *is_set) {
            let why = "beside `column` alone, which is read as it is";
            return Err(JobError::NoEffect { key, why, way_out: ", or name the property in `first`, `last` or `any`" });
        }
        return Ok(GroupBy::Column(not_empty("chart.group_by.column", column.clone())?));
    }
    let filter = event_filter(("chart.group_by.event", keys.event), ("chart.group_by.where", keys.r#where))?;
    let (first, last, any) = ("chart.group_by.first", "chart.group_by.last", "chart.group_by.any");
    let mut given = [
        (first, keys.first, Holds::First as fn(String, EventFilter) -> Holds),
        (last, keys.last, Holds::Last),
        (any, keys.any, Holds::Values),
    ]
    .into_iter()
    .filter_map(|(key, property, holds)| Some((key, property?, holds)));
    let Some((key, property, holds)) = given.next() else {
        let hint = "name the property whose first value is the group, or a column of the session in `column`";
        return Err(needs(first, hint));
    };
    if let Some((other, ..)) = given.next() {
        let hint = "a group is by one of them: for both, make `group_by` a list";
        return Err(JobError::NotBoth { key, other, hint });
    }
    let holds = holds(not_empty(key, property)?, filter);
    add_name(named, &holds, "chart.group_by.column", keys.column)?;
    Ok(GroupBy::Value(holds))
}
