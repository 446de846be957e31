//! The measures and histogram tables (SPEC 4), each as Parquet and as CSV with the same rows.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use jiff::tz::TimeZone;

use super::error::TableError;
use super::files::write_synced;
use super::parquet_file::{ParquetFile, Provenance, Size, SLICE_ROWS};
use crate::charts::{HistogramRow, MeasureRow, Series};
use crate::job::dates::instant_text;
use crate::sessionize::time::Timestamp;

/// A table as columns, by name.
type Columns = Vec<(&'static str, ArrayRef)>;

/// The measures table.
pub fn measure_columns(rows: &[MeasureRow]) -> Columns {
    let int = |value: fn(&MeasureRow) -> Option<i64>| ints(rows.iter().map(value));
    let float = |value: fn(&MeasureRow) -> Option<f64>| floats(rows.iter().map(value));
    let mut columns = key_columns(rows.iter().map(|row| (&row.series, row.interval_start)));
    columns.extend([
        ("total_sessions", int(|row| Some(row.total_sessions))),
        ("active_users", int(|row| Some(row.active_users))),
        ("time_spent_ms", int(|row| Some(row.time_spent_ms))),
        ("time_spent_per_user_ms", float(MeasureRow::time_spent_per_user_ms)),
        ("avg_length_ms", float(MeasureRow::avg_length_ms)),
        ("avg_per_user", float(MeasureRow::avg_per_user)),
        ("length_p50_ms", int(|row| row.percentiles_ms[0])),
        ("length_p75_ms", int(|row| row.percentiles_ms[1])),
        ("length_p90_ms", int(|row| row.percentiles_ms[2])),
        ("length_p95_ms", int(|row| row.percentiles_ms[3])),
        ("length_p99_ms", int(|row| row.percentiles_ms[4])),
        ("length_max_ms", int(|row| row.length_max_ms)),
        ("zero_length_sessions", int(|row| Some(row.zero_length_sessions))),
        // Of charts that count an event within sessions; this one counts sessions.
        ("total_events", int(|_| None)),
        ("avg_events_per_session", float(|_| None)),
    ]);
    columns
}

/// The histogram table.
pub fn histogram_columns(rows: &[HistogramRow]) -> Columns {
    let mut columns = key_columns(rows.iter().map(|row| (&row.series, row.interval_start)));
    columns.extend([
        ("bin_start", ints(rows.iter().map(|row| row.bin_start))),
        ("bin_end", ints(rows.iter().map(|row| row.bin_end))),
        ("unit", texts(rows.iter().map(|_| Some("ms")))),
        ("sessions", ints(rows.iter().map(|row| Some(row.sessions)))),
        ("share", floats(rows.iter().map(HistogramRow::share))),
    ]);
    columns
}

fn key_columns<'a>(rows: impl Iterator<Item = (&'a Series, Timestamp)> + Clone) -> Columns {
    let starts = TimestampMicrosecondArray::from_iter_values(rows.clone().map(|(_, start)| start.micros()));
    vec![
        ("chart", texts(rows.clone().map(|(series, _)| Some(series.chart.as_str())))),
        ("series", texts(rows.clone().map(|(series, _)| Some(series.series.as_str())))),
        ("segment", texts(rows.clone().map(|(series, _)| Some(series.segment.as_str())))),
        ("group", texts(rows.map(|(series, _)| series.group.as_deref()))),
        ("interval_start", Arc::new(starts.with_timezone("UTC"))),
    ]
}

fn ints(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from_iter(values))
}

fn floats(values: impl Iterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(Float64Array::from_iter(values))
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(StringArray::from_iter(values))
}

/// Writes a table as Parquet.
///
/// # Errors
/// The file cannot be written.
pub fn write_parquet(path: &Path, provenance: &Provenance, columns: &Columns) -> Result<Size, TableError> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.iter().map(|(_, values)| Arc::clone(values)).collect();
    let all = RecordBatch::try_new(Arc::clone(&schema), arrays).map_err(|error| TableError::write(path, &error))?;
    let mut file = ParquetFile::create(path, schema, provenance)?;
    for start in (0..all.num_rows()).step_by(SLICE_ROWS) {
        file.write(&all.slice(start, SLICE_ROWS.min(all.num_rows() - start)))?;
    }
    file.finish()
}

/// Writes a table as CSV (RFC 4180): times as ISO-8601 in `zone`, nulls as nothing.
///
/// # Errors
/// The file cannot be written.
pub fn write_csv(path: &Path, columns: &Columns, zone: &TimeZone) -> Result<Size, TableError> {
    let failed = |error: csv::Error| TableError::write(path, &error);
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(columns.iter().map(|(name, _)| *name)).map_err(failed)?;
    let rows = columns.first().map_or(0, |(_, values)| values.len());
    for row in 0..rows {
        writer.write_record(columns.iter().map(|(_, values)| cell(values, row, zone))).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| TableError::write(path, error.error()))?;
    write_synced(path, &bytes)?;
    Ok(Size { files: 1, rows: rows as u64, bytes: bytes.len() as u64 })
}

fn cell(values: &ArrayRef, row: usize, zone: &TimeZone) -> String {
    if values.is_null(row) {
        return String::new();
    }
    match values.data_type() {
        DataType::Int64 => values.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => values.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let micros = values.as_primitive::<TimestampMicrosecondType>().value(row);
            instant_text(Timestamp::from_micros(micros), zone)
        }
        _ => values.as_string::<i32>().value(row).to_string(),
    }
}
