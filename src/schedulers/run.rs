//! A run that has ended, as those see it who listen.

use std::path::Path;

use arrow::datatypes::Schema;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::sessionize::time::Day;
use crate::tables::schema::sessions::{TableName, ACTIVITY, EVENTS, SESSIONS};

/// A run that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// When.
    pub at: jiff::Timestamp,
    /// With what.
    pub exit_code: u8,
    /// Its record, as `run.json` has it; `None` where it failed.
    pub record: Option<&'a Value>,
    /// Why it failed.
    pub error: Option<&'a String>,
    /// The tables as they are now.
    pub tables: &'a Tables,
}

/// The tables of a folder.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// The newest date of the sessions table.
    pub newest: Option<Day>,
    /// Each table's name and columns.
    pub schemas: Vec<(String, Schema)>,
}

impl Tables {
    /// Looks at a folder; what cannot be read is not there.
    pub fn read(output: &Path) -> Self {
        let mut tables = Tables { newest: newest(output, SESSIONS), schemas: Vec::new() };
        for table in [SESSIONS, ACTIVITY, EVENTS] {
            let file = newest(output, table).map_or_else(|| table.empty_file(), |day| table.file_of(day));
            tables.schemas.extend(schema(&output.join(file)).map(|schema| (table.folder.to_string(), schema)));
        }
        for table in ["measures", "histogram", "funnel", "time_on"] {
            let file = output.join(format!("{table}.parquet"));
            tables.schemas.extend(schema(&file).map(|schema| (table.to_string(), schema)));
        }
        tables
    }

    /// The columns of a table; those of a segment's are as those of all events, but for a column more.
    pub fn schema(&self, table: &str) -> Option<&Schema> {
        self.schemas.iter().find(|(name, _)| name == table).map(|(_, schema)| schema)
    }
}

fn newest(output: &Path, table: TableName) -> Option<Day> {
    let folders = std::fs::read_dir(output.join(table.folder)).ok()?.flatten();
    folders.filter_map(|entry| table.day_of(&entry.path().join("part-0.parquet"))).max()
}

fn schema(path: &Path) -> Option<Schema> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).ok()?).ok()?;
    Some(builder.schema().as_ref().clone())
}

/// A count of a record.
pub fn count(record: &Value, key: &str) -> u64 {
    record[key].as_u64().unwrap_or_default()
}

/// The counts of a record by reason.
pub fn by_reason<'a>(record: &'a Value, key: &str) -> Vec<(&'a str, u64)> {
    let counts = record[key].as_object().into_iter().flatten();
    counts.map(|(reason, count)| (reason.as_str(), count.as_u64().unwrap_or_default())).collect()
}

/// What became of a record's rows; all of them together are its rows.
pub fn fates(record: &Value) -> [(&'static str, u64); 7] {
    let total = |key: &str| by_reason(record, key).iter().map(|(_, count)| count).sum();
    [
        ("in_session", count(record, "in_session")),
        ("out_of_session", total("out_of_session")),
        ("duplicates", count(record, "duplicates")),
        ("inactive", count(record, "inactive")),
        ("rejected", total("rejected")),
        ("filtered", count(record, "filtered")),
        ("outside_window", count(record, "outside_window")),
    ]
}

/// A record's tables, each with its rows and bytes.
pub fn sizes(record: &Value) -> Vec<(&str, u64, u64)> {
    let tables = record["tables"].as_object().into_iter().flatten();
    tables.map(|(name, size)| (name.as_str(), count(size, "rows"), count(size, "bytes"))).collect()
}

/// Whether a record is that of a run that found nothing new.
pub fn is_nothing_new(record: &Value) -> bool {
    record["nothing_new"] == true
}
