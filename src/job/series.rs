//! The series of a chart, validated (SPEC 6).

use super::bins::millis;
use super::chart_keys::{ChartKeys, CountKeys, GroupKeys, SeriesKeys};
use super::error::JobError;
use super::holds::{EventFilter, Holds};
use super::segment::{add_name, event_filter, needs, not_empty, whole, AtLeast, CONTAINS};
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
    /// What its sessions are grouped by.
    pub group_by: Option<GroupBy>,
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
    /// What the groups are values of: those of one property match, whether it is the first or the last value.
    pub fn key(&self) -> GroupKey<'_> {
        match self {
            GroupBy::Value(holds) => GroupKey::Property(holds.property().unwrap_or_default()),
            GroupBy::Column(name) => GroupKey::Column(name),
        }
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
            group_by: None,
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
            group_by: keys.group_by,
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
            let first_grouped = series.iter().all(|series| series.group_by.is_none());
            if let Some(number) = keys.group_by.as_ref().and_then(|group| group.top) {
                if !first_grouped {
                    let why = "in a later series: the first one that is grouped says which groups are kept";
                    return Err(JobError::NoEffect { key: "chart.group_by.top", why, way_out: "" });
                }
                top = Some(whole("chart.group_by.top", number, 1)? as usize);
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
        let group_by = keys.group_by.map(|keys| group(keys, named)).transpose()?;
        let sessions = keys.sessions.map(|condition| not_empty("chart.sessions", condition)).transpose()?;
        Ok(Series { name, count, min_length_ms, max_length_ms, contains, values, sessions, group_by })
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
        if let Some(GroupBy::Value(group)) = &self.group_by {
            holds.push(group);
        }
        holds
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
        ("chart.group_by", keys.group_by.is_some()),
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

fn group(keys: GroupKeys, named: &mut Vec<(Holds, String)>) -> Result<GroupBy, JobError> {
    if let (None, None, Some(column)) = (&keys.first, &keys.last, &keys.column) {
        let beside = [("chart.group_by.event", keys.event.is_some()), ("chart.group_by.where", keys.r#where.is_some())];
        if let Some((key, _)) = beside.iter().find(|(_, is_set)| *is_set) {
            let why = "beside `column` alone, which is read as it is";
            return Err(JobError::NoEffect { key, why, way_out: ", or name the property in `first` or `last`" });
        }
        return Ok(GroupBy::Column(not_empty("chart.group_by.column", column.clone())?));
    }
    let filter = event_filter(("chart.group_by.event", keys.event), ("chart.group_by.where", keys.r#where))?;
    let holds = match (keys.first, keys.last) {
        (Some(_), Some(_)) => {
            let hint = "a session is in one group: by the first value or by the last";
            return Err(JobError::NotBoth { key: "chart.group_by.first", other: "chart.group_by.last", hint });
        }
        (Some(property), None) => Holds::First(not_empty("chart.group_by.first", property)?, filter),
        (None, Some(property)) => Holds::Last(not_empty("chart.group_by.last", property)?, filter),
        (None, None) => {
            let hint = "name the property whose first value is the group, or a column of the session in `column`";
            return Err(needs("chart.group_by.first", hint));
        }
    };
    add_name(named, &holds, "chart.group_by.column", keys.column)?;
    Ok(GroupBy::Value(holds))
}
