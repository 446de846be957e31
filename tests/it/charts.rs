//! Charts and segments: stories by hand, and random tables against plain loops.

mod behind;
mod clocks;
mod columns;
mod command;
mod funnels;
mod groups;
mod naive;
mod new_users;
mod random;
mod segments;
mod sequences;
mod stories;
mod times;
mod types;

pub use columns::JOB as COLUMNS_AND_CHARTS;
pub use random::JOB as SEGMENTS_AND_CHARTS;

use crate::support::{read_parquet, write_batch, Ran, Sandbox};
use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use std::path::Path;
use std::sync::Arc;

/// An event: user, time, type, and what is named of page, name, type of ad and amount.
pub struct Happened<'a>(pub &'a str, pub &'a str, pub &'a str, pub &'a [(&'a str, &'a str)]);

/// Writes events with the columns `page`, `name`, `type` and `amt`.
pub fn write_story(path: &Path, events: &[Happened<'_>]) {
    let texts = |value: &dyn Fn(&Happened<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(events.iter().map(value).collect::<StringArray>())
    };
    let property = |name: &str| {
        let name = name.to_owned();
        move |event: &Happened<'_>| {
            event.3.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        }
    };
    let times = events.iter().map(|event| crate::support::at(event.1));
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"));
    let amounts = events.iter().map(|event| property("amt")(event).map(|amount| amount.parse::<f64>().unwrap()));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("user_id", texts(&|event| Some(event.0.to_owned()))),
        ("event_time", times),
        ("event_type", texts(&|event| Some(event.2.to_owned()))),
        ("page", texts(&property("page"))),
        ("name", texts(&property("name"))),
        ("type", texts(&property("type"))),
        ("amt", Arc::new(amounts.collect::<Float64Array>())),
    ];
    let columns = columns.into_iter().map(|(name, values)| (name, values, true));
    write_batch(path, 1000, &RecordBatch::try_from_iter_with_nullable(columns).unwrap());
}

/// Runs a job over a story.
pub fn run_story(events: &[Happened<'_>], job: &str) -> Sandbox {
    let (sandbox, ran) = try_story(events, job);
    ran.expect_code(0);
    sandbox
}

/// As [`run_story`], whatever comes of it.
pub fn try_story(events: &[Happened<'_>], job: &str) -> (Sandbox, Ran) {
    let sandbox = Sandbox::new();
    write_story(&sandbox.path().join("data/events.parquet"), events);
    let head = "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n";
    sandbox.job(&format!("{head}{job}"));
    let ran = sandbox.dwell(&["run", "job.toml", "--quiet"]);
    (sandbox, ran)
}

/// One batch of a whole Parquet file.
pub fn read_all(path: &Path) -> RecordBatch {
    let (schema, batches) = read_parquet(path);
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

/// A column as texts; null is `-`.
pub fn texts_of(batch: &RecordBatch, name: &str) -> Vec<String> {
    let column = batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name} in {:?}", batch.schema()));
    let texts = cast(column, &DataType::Utf8).unwrap();
    texts.as_string::<i32>().iter().map(|text| text.unwrap_or("-").to_owned()).collect()
}

/// A column as numbers.
pub fn numbers_of(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let column = batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name} in {:?}", batch.schema()));
    let numbers = cast(column, &DataType::Float64).unwrap();
    numbers.as_primitive::<Float64Type>().iter().collect()
}

/// The formula's rows of a chart as `group number`, the number to two places.
pub fn formula_of(out: &Path, chart: &str) -> Vec<String> {
    let measures = read_all(&out.join("measures.parquet"));
    let (charts, series) = (texts_of(&measures, "chart"), texts_of(&measures, "series"));
    let (groups, values) = (texts_of(&measures, "group"), numbers_of(&measures, "formula"));
    let rows = (0..measures.num_rows()).filter(|row| charts[*row] == chart && series[*row] == "formula");
    rows.map(|row| match values[row] {
        Some(value) => format!("{} {value:.2}", groups[row]),
        None => format!("{} null", groups[row]),
    })
    .collect()
}

/// The rows of one series as `segment group sessions`.
pub fn sessions_of(out: &Path, chart: &str, series: &str) -> Vec<String> {
    let measures = read_all(&out.join("measures.parquet"));
    let (charts, names) = (texts_of(&measures, "chart"), texts_of(&measures, "series"));
    let (segments, groups) = (texts_of(&measures, "segment"), texts_of(&measures, "group"));
    let sessions = texts_of(&measures, "total_sessions");
    let rows = (0..measures.num_rows()).filter(|row| charts[*row] == chart && names[*row] == series);
    rows.map(|row| format!("{} {} {}", segments[row], groups[row], sessions[row])).collect()
}
