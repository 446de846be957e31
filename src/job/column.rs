//! The keys of `[[column]]`, validated: columns of the sessions tables that a job declares (SPEC 4).

use super::chart_keys::ColumnKeys;
use super::error::JobError;
use super::holds::{EventFilter, Holds};
use super::segment::{needs, not_empty};
use super::values::Names;

/// A declared column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub contents: Contents,
}

/// What a column of a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contents {
    /// Something of events.
    OfEvents(Holds),
    /// Whether this SQL condition over columns of the session is true.
    When(String),
}

impl Contents {
    /// What it holds of events.
    pub fn holds(&self) -> Option<&Holds> {
        match self {
            Contents::OfEvents(holds) => Some(holds),
            Contents::When(_) => None,
        }
    }
}

impl std::fmt::Display for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Contents::OfEvents(holds) => write!(f, "{holds}"),
            Contents::When(condition) => write!(f, "when {condition}"),
        }
    }
}

/// The key with all event types, in `count`.
const ALL_EVENTS: &str = "*";

impl Column {
    /// The columns of a job; `has_ids` is whether its events have unique ids.
    ///
    /// # Errors
    /// The first mistake.
    pub fn all_of(all: Vec<ColumnKeys>, has_ids: bool) -> Result<Vec<Column>, JobError> {
        all.into_iter().map(|keys| Column::new(keys, has_ids)).collect()
    }

    fn new(keys: ColumnKeys, has_ids: bool) -> Result<Column, JobError> {
        let name = keys.name.clone().ok_or_else(|| needs("column.name", "give every column a name"))?;
        let name = check_name(not_empty("column.name", name)?)?;
        let given = keys.given();
        if let [one, other, ..] = given.as_slice() {
            let hint = "a column holds one thing: declare two";
            return Err(JobError::NotBoth { key: one, other, hint });
        }
        if given.is_empty() {
            let hint = "say what it holds: first, last, sum, min, max or distinct with a property, count, or when";
            return Err(needs("column.first", hint));
        }
        if let Some(condition) = keys.when {
            let beside = [("column.event", keys.event.is_some()), ("column.where", keys.r#where.is_some())];
            if let Some((key, _)) = beside.iter().find(|(_, is_set)| *is_set) {
                let why = "beside `column.when`, which is about the session and not about its events";
                return Err(JobError::NoEffect { key, why, way_out: "" });
            }
            return Ok(Column { name, contents: Contents::When(not_empty("column.when", condition)?) });
        }
        let mut filter = EventFilter {
            events: events(keys.event)?,
            condition: keys.r#where.map(|condition| not_empty("column.where", condition)).transpose()?,
        };
        if let Some(event) = keys.count {
            let event = not_empty("column.count", event)?;
            if event != ALL_EVENTS {
                if !filter.events.is_empty() {
                    let hint = "`count` names a type already; `count = \"*\"` counts those of `event`";
                    return Err(JobError::NotBoth { key: "column.event", other: "column.count", hint });
                }
                filter.events.push(event);
            }
            return Ok(Column { name, contents: Contents::OfEvents(Holds::Count(filter)) });
        }
        let of = |key, property: String| not_empty(key, property);
        let holds = if let Some(property) = keys.first {
            let make = if has_ids { Holds::FirstById } else { Holds::First };
            make(of("column.first", property)?, filter)
        } else if let Some(property) = keys.last {
            let make = if has_ids { Holds::LastById } else { Holds::Last };
            make(of("column.last", property)?, filter)
        } else if let Some(property) = keys.sum {
            Holds::Total(of("column.sum", property)?, filter)
        } else if let Some(property) = keys.min {
            Holds::Min(of("column.min", property)?, filter)
        } else if let Some(property) = keys.max {
            Holds::Max(of("column.max", property)?, filter)
        } else {
            Holds::Distinct(of("column.distinct", keys.distinct.unwrap_or_default())?, filter)
        };
        Ok(Column { name, contents: Contents::OfEvents(holds) })
    }
}

/// Event types, in ascending order, each once.
fn events(names: Option<Names>) -> Result<Vec<String>, JobError> {
    let Some(names) = names else { return Ok(Vec::new()) };
    let names = names.into_vec();
    if names.is_empty() {
        return Err(JobError::Empty { key: "column.event" });
    }
    let mut events =
        names.into_iter().map(|name| not_empty("column.event", name)).collect::<Result<Vec<_>, JobError>>()?;
    events.sort_unstable();
    events.dedup();
    Ok(events)
}

/// A name that stands on one line, apart from what the column holds.
fn check_name(name: String) -> Result<String, JobError> {
    if name.contains(|letter: char| letter.is_control() || letter == '=') {
        let hint = "a column's name has no = and no line breaks".to_string();
        return Err(JobError::Choice { key: "column.name", value: name, hint });
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobFile;
    use std::path::Path;

    fn columns(text: &str, has_ids: bool) -> Result<Vec<String>, String> {
        let job = JobFile::parse(text, Path::new("job")).map_err(|error| error.to_string())?;
        let columns = Column::all_of(job.column, has_ids).map_err(|error| error.to_string())?;
        Ok(columns.iter().map(|column| format!("{} = {}", column.name, column.contents)).collect())
    }

    fn of(keys: &str) -> Result<String, String> {
        let mut all = columns(&format!("[[column]]\n{keys}\n"), false)?;
        Ok(all.remove(0))
    }

    #[test]
    fn a_column_says_what_it_holds() {
        for (keys, expected) in [
            ("name = 'a'\nfirst = 'page'", "a = first page of any event"),
            ("name = 'a'\nlast = 'page'\nevent = ['x', 'b', 'x']", "a = last page of \"b\", \"x\""),
            ("name = 'a'\nsum = 'n'\nwhere = 'n > 1'", "a = exact sum of n of any event where n > 1"),
            ("name = 'a'\nmin = 'n'", "a = smallest n of any event"),
            ("name = 'a'\nmax = 'n'", "a = largest n of any event"),
            ("name = 'a'\ndistinct = 'n'\nevent = 'x'", "a = different values of n of \"x\""),
            ("name = 'a'\ncount = 'x'", "a = count of \"x\""),
            ("name = 'a'\ncount = '*'", "a = count of any event"),
            ("name = 'a'\ncount = '*'\nevent = ['x', 'y']", "a = count of \"x\", \"y\""),
            ("name = 'a'\nwhen = 'length_ms > 5'", "a = when length_ms > 5"),
        ] {
            assert_eq!(of(keys).as_deref(), Ok(expected), "{keys}");
        }
        let by_id = columns("[[column]]\nname = 'a'\nlast = 'page'\n", true).expect("fine");
        assert_eq!(by_id, ["a = last page, by unique id, of any event"]);
    }

    #[test]
    fn mistakes_are_named() {
        for (keys, parts) in [
            ("first = 'page'", &["`column.name`"][..]),
            ("name = 'a=b'\nfirst = 'page'", &["`column.name`", "a=b"]),
            ("name = 'a'", &["`column.first`", "say what it holds"]),
            ("name = 'a'\nfirst = 'page'\nsum = 'n'", &["`column.first`", "`column.sum`"]),
            ("name = 'a'\ncount = 'x'\nevent = 'y'", &["`column.event`", "`column.count`"]),
            ("name = 'a'\nwhen = 'x'\nevent = 'y'", &["`column.event`", "`column.when`"]),
            ("name = 'a'\nfirst = ' '", &["`column.first`", "empty"]),
            ("name = 'a'\nfirst = 'p'\nevent = []", &["`column.event`", "empty"]),
            ("name = 'a'\nfirst = ['p']", &["`column.first`", "takes"]),
        ] {
            let message = of(keys).expect_err(keys);
            assert!(parts.iter().all(|part| message.contains(part)), "{keys}: {message}");
        }
    }
}
