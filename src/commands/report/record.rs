//! What the last run and the one before it did, as their records say.

use std::path::Path;

use serde_json::Value;

use crate::tables::error::TableError;
use crate::tables::history::runs;

/// `run.json`, and the record of the run before that made tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    /// The run that made the tables what they are.
    pub last: Value,
    /// The run before it.
    pub before: Option<Value>,
}

impl Records {
    /// Reads them.
    ///
    /// # Errors
    /// `run.json` cannot be read.
    pub fn read(output: &Path) -> Result<Self, TableError> {
        let path = output.join("run.json");
        let failed = |reason: String| TableError::Read { path: path.clone(), reason };
        let text = std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        let last: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        let all = runs::read(output);
        let all = all.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
        // Runs that found nothing new made nothing.
        let made: Vec<Value> = all.filter(|run| run["nothing_new"] != true).collect();
        let place = made.iter().rposition(|run| *run == last);
        let before = place.and_then(|place| place.checked_sub(1)).map(|place| made[place].clone());
        Ok(Records { last, before })
    }
}

/// A count of a record.
pub fn count(record: &Value, key: &str) -> u64 {
    record[key].as_u64().unwrap_or_default()
}

/// The counts of a record by reason.
pub fn reasons(record: &Value, key: &str) -> Vec<(String, u64)> {
    let all = record[key].as_object().into_iter().flatten();
    all.map(|(reason, count)| (reason.clone(), count.as_u64().unwrap_or_default())).collect()
}

/// All counts by reason together.
pub fn total(record: &Value, key: &str) -> u64 {
    reasons(record, key).iter().map(|(_, count)| count).sum()
}
