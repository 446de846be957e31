//! Any table as lines of text, and tables of any columns: for tests of what is read and written, not of how
//! sessions are made.

use crate::support::{at, clock, dated_files, read_parquet, read_run};
use arrow::array::{
    make_array, Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;
use std::path::Path;
use std::sync::Arc;

// ---- Tables to be read -------------------------------------------------------------------------------------

/// A table of these columns, all of which may hold nulls.
pub fn table<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    let fields = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true));
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

pub fn texts<'a, T: Into<Option<&'a str>>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(values.into_iter().map(Into::into).collect::<StringArray>())
}

pub fn ints<T: Into<Option<i64>>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    Arc::new(values.into_iter().map(Into::into).collect::<Int64Array>())
}

/// Times as stories spell them, in microseconds and UTC.
pub fn times<'a, T: Into<Option<&'a str>>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    let times = values.into_iter().map(|time| time.into().map(at));
    Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// The same values as another type; times keep their instants.
pub fn of_type(array: &ArrayRef, data_type: DataType) -> ArrayRef {
    let without_zone = match array.data_type() {
        DataType::Timestamp(unit, _) => in_zone(array, *unit, None),
        _ => Arc::clone(array),
    };
    let other = match data_type {
        DataType::Timestamp(unit, zone) => {
            in_zone(&cast(&without_zone, &timestamp(unit, None)).unwrap(), unit, zone.as_deref())
        }
        other => cast(&without_zone, &other).unwrap(),
    };
    assert_eq!(other.null_count(), array.null_count(), "{} cannot hold {array:?}", other.data_type());
    other
}

/// The same counts under another zone: a zone is only how instants are shown.
fn in_zone(column: &ArrayRef, unit: TimeUnit, zone: Option<&str>) -> ArrayRef {
    make_array(column.to_data().into_builder().data_type(timestamp(unit, zone)).build().unwrap())
}

pub fn dictionary(array: &ArrayRef) -> ArrayRef {
    of_type(array, DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)))
}

pub fn timestamp(unit: TimeUnit, zone: Option<&str>) -> DataType {
    DataType::Timestamp(unit, zone.map(Into::into))
}

// ---- Tables that were written ------------------------------------------------------------------------------

fn cell(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return "-".to_owned();
    }
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            clock(column.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        _ => array_value_to_string(column, row).unwrap(),
    }
}

/// Some columns of a file, a line a row: null as `-`, times as stories spell them.
pub fn lines_of_file(file: &Path, columns: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in read_parquet(file).1 {
        let column = |name: &&str| {
            batch.column_by_name(name).unwrap_or_else(|| panic!("no {name} in {}: {}", file.display(), batch.schema()))
        };
        let columns: Vec<&ArrayRef> = columns.iter().map(column).collect();
        lines.extend(
            (0..batch.num_rows())
                .map(|row| columns.iter().map(|column| cell(column, row)).collect::<Vec<_>>().join(" ")),
        );
    }
    lines
}

/// Some columns of `sessions` or `activity`, in the order of the table. `date` is the date of the folder.
pub fn lines(out: &Path, table: &str, columns: &[&str]) -> Vec<String> {
    let folder = if table == "sessions" { "session_date" } else { "activity_date" };
    let mut lines = Vec::new();
    for (date, file) in dated_files(&out.join(table), folder) {
        match columns {
            ["date", rest @ ..] => {
                lines.extend(lines_of_file(&file, rest).into_iter().map(|line| format!("{date} {line}")));
            }
            columns => lines.extend(lines_of_file(&file, columns)),
        }
    }
    lines
}

/// A number of `run.json` by the way to it, such as `rejected.no_user`; a reason that is not there is 0.
pub fn number(out: &Path, path: &str) -> i64 {
    let run = read_run(out);
    let (parents, last) = path.rsplit_once('.').map_or((None, path), |(parents, last)| (Some(parents), last));
    let mut value = &run;
    for key in parents.iter().flat_map(|parents| parents.split('.')) {
        value = value.get(key).unwrap_or_else(|| panic!("no {path} in {run:#}"));
    }
    match (value.get(last), parents) {
        (Some(number), _) => number.as_i64().unwrap_or_else(|| panic!("{path} is no integer in {run:#}")),
        (None, Some("rejected" | "out_of_session" | "excluded")) => 0,
        (None, _) => panic!("no {path} in {run:#}"),
    }
}
