//! One test for each rule of SPEC 2 to 5, named after it. What is expected is written by hand, and holds for the
//! program and for the reference.

use crate::reference::{
    AtMidnight, BinRow, Definition, Event, GapEqual, IdUnit, LengthFrom, Limit, Outcome, RepeatedStart, Timeouts,
    Unclosed, Value, DAY, HOUR, MILLI, MINUTE, SECOND, SESSION_ID,
};
use crate::support::{
    at, at_ms, by_default, dated_files, read_metadata, read_parquet, text, under, ColumnType, Layout, Story, TimeType,
    Unit, PROPERTY,
};
use arrow::datatypes::{DataType, TimeUnit};
use jiff::civil::date;
use parquet::basic::Compression;
use parquet::file::reader::{FileReader, SerializedFileReader};

mod by_property;
mod by_session_id;
mod deduplicate;
mod default_chart;
mod ends;
mod files;
mod filter;
mod hours;
mod inactive;
mod length_and_dates;
mod midnight;
mod new_on_change;
mod order;
mod reading;
mod reject;
mod session_ids;
mod start_and_end;
mod timeout;
mod timeout_by_column;
mod without_effect;

fn nothing() -> Definition {
    Definition::default()
}

fn timeout(timeout: i64) -> Definition {
    Definition { timeout: Some(timeout), ..nothing() }
}

fn max_gap(max_gap: i64) -> Definition {
    Definition { max_gap: Some(Limit::Of(max_gap)), ..nothing() }
}

fn starting(names: &[&str]) -> Definition {
    Definition { start_event: names.iter().map(ToString::to_string).collect(), ..nothing() }
}

fn ending(names: &[&str]) -> Definition {
    Definition { end_event: names.iter().map(ToString::to_string).collect(), ..nothing() }
}

/// From `open` to `close`.
fn from_open_to_close() -> Definition {
    Definition { end_event: ending(&["close"]).end_event, ..starting(&["open"]) }
}

fn by_order() -> Definition {
    Definition { property: Some(PROPERTY.to_owned()), ..nothing() }
}

fn inactive(name: &str, definition: Definition) -> Definition {
    Definition { inactive: vec![name.to_owned()], ..definition }
}

fn deduplicated(definition: Definition) -> Definition {
    Definition { dedup: true, ..definition }
}

fn in_zone(timezone: &str, definition: Definition) -> Definition {
    Definition { timezone: Some(timezone.to_owned()), ..definition }
}

fn of_any_length(definition: Definition) -> Definition {
    Definition { max_length: Some(Limit::Never), ..definition }
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn word(word: &str) -> Value {
    Value::Text(word.to_owned())
}

fn duplicates(told: &Outcome) -> i64 {
    told.counts.duplicates
}

fn properties(told: &Outcome) -> Vec<Option<Value>> {
    told.sessions.iter().map(|row| row.property.clone()).collect()
}
