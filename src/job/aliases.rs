//! The mapping of users who have several names (SPEC 12): `[input.aliases]`.

use super::definition::unit;
use super::error::JobError;
use super::file::AliasKeys;
use super::values::Names;
use crate::sessionize::time::TimeUnit;

/// A table that says who an event's user is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliases {
    /// Files, folders and globs, as for events.
    pub paths: Vec<String>,
    /// The column of the names that events have.
    pub from: String,
    /// The column of who they are.
    pub to: String,
    /// The column of the times from when on they are; `None` where they always are.
    pub since: Option<String>,
    /// What such a time counts, where it is an integer.
    pub since_unit: Option<TimeUnit>,
}

impl Aliases {
    /// Validates the keys of `[input.aliases]`.
    ///
    /// # Errors
    /// A key that is missing or empty, a unit that is none, or one without times.
    pub fn new(keys: AliasKeys) -> Result<Self, JobError> {
        let required = |key, value: Option<String>| match value {
            Some(value) if value.is_empty() => Err(JobError::Empty { key }),
            Some(value) => Ok(value),
            None => Err(JobError::MissingKey { key }),
        };
        let paths = keys.path.map(Names::into_vec).ok_or(JobError::MissingKey { key: "input.aliases.path" })?;
        if paths.is_empty() || paths.iter().any(String::is_empty) {
            return Err(JobError::Empty { key: "input.aliases.path" });
        }
        if keys.since.as_ref().is_some_and(String::is_empty) {
            return Err(JobError::Empty { key: "input.aliases.since" });
        }
        if keys.since.is_none() && keys.since_unit.is_some() {
            let (why, way_out) = ("without `input.aliases.since`", ", or name the column of times there");
            return Err(JobError::NoEffect { key: "input.aliases.since_unit", why, way_out });
        }
        Ok(Aliases {
            paths,
            from: required("input.aliases.from", keys.from)?,
            to: required("input.aliases.to", keys.to)?,
            since: keys.since,
            since_unit: keys.since_unit.map(|text| unit("input.aliases.since_unit", &text)).transpose()?,
        })
    }
}
