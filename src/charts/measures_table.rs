//! The tables of charts (SPEC 4): measures, histograms, funnels and times on values, each as Parquet and as CSV with the same rows.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;

use super::funnel::{FunnelLine, FunnelRow};
use super::time_on::{TimeLine, TimeSpent};
use super::{HistogramRow, Label, Line, MeasureRow, Measures};
use crate::job::chart::{Chart, FORMULA_COLUMNS};
use crate::sessionize::time::Timestamp;
use crate::tables::error::TableError;
use crate::tables::write::csv_file::{CsvFile, CsvStyle};
use crate::tables::write::parquet_file::{ParquetFile, Provenance, Size, SLICE_ROWS};
use crate::tables::write::syncer::sync;

/// A table as columns, by name.
type Columns = Vec<(&'static str, ArrayRef)>;

/// The two files of a table.
#[derive(Clone, Copy, Debug)]
pub struct Paths<'a> {
    /// The Parquet file.
    pub parquet: &'a Path,
    /// The CSV file.
    pub csv: &'a Path,
}

/// The columns of formulas that measures have.
#[derive(Clone, Copy, Debug, Default)]
pub struct FormulaColumns {
    /// Whether there is one of charts of one formula.
    one: bool,
    /// How many there are of charts of several.
    several: usize,
}

impl FormulaColumns {
    /// Those that some charts need.
    pub fn of(charts: &[Chart]) -> Self {
        FormulaColumns {
            one: charts.iter().any(|chart| chart.formula.is_some()),
            several: charts.iter().map(|chart| chart.formulas.len()).max().unwrap_or(0),
        }
    }
}

/// Writes the measures of lines, with such columns of formulas.
///
/// # Errors
/// A file that cannot be written.
pub fn write_measures(
    paths: Paths<'_>,
    provenance: &Provenance,
    lines: &[Line],
    formulas: FormulaColumns,
    style: CsvStyle<'_>,
) -> Result<Size, TableError> {
    let rows = lines.iter().flat_map(|line| line.rows.iter().map(move |row| (&line.label, row)));
    write_table(paths, provenance, rows, style, |rows| measure_columns(rows, formulas))
}

/// Writes the histograms of lines.
///
/// # Errors
/// A file that cannot be written.
pub fn write_histograms(
    paths: Paths<'_>,
    provenance: &Provenance,
    lines: &[Line],
    style: CsvStyle<'_>,
) -> Result<Size, TableError> {
    write_table(paths, provenance, lines.iter().flat_map(Line::histogram), style, histogram_columns)
}

/// Writes the steps of funnels.
///
/// # Errors
/// A file that cannot be written.
pub fn write_funnels(
    paths: Paths<'_>,
    provenance: &Provenance,
    lines: &[FunnelLine],
    style: CsvStyle<'_>,
) -> Result<Size, TableError> {
    write_table(paths, provenance, lines.iter().flat_map(FunnelLine::table), style, funnel_columns)
}

/// Writes the times that are spent on values.
///
/// # Errors
/// A file that cannot be written.
pub fn write_times(
    paths: Paths<'_>,
    provenance: &Provenance,
    lines: &[TimeLine],
    style: CsvStyle<'_>,
) -> Result<Size, TableError> {
    let rows = lines.iter().flat_map(|line| line.rows.iter().map(move |(start, spent)| (line, *start, *spent)));
    write_table(paths, provenance, rows, style, time_columns)
}

fn measure_columns(rows: &[(&Label, &MeasureRow)], formulas: FormulaColumns) -> Columns {
    let measures = || rows.iter().map(|(_, row)| row.measures.as_ref());
    let int = |value: fn(&Measures) -> Option<i64>| ints(measures().map(|row| value(row?)));
    let float = |value: fn(&Measures) -> Option<f64>| floats(measures().map(|row| value(row?)));
    let mut columns = key_columns(rows.iter().map(|(label, row)| (*label, row.interval_start)));
    columns.extend([
        ("total_sessions", int(|row| Some(row.cell.sessions))),
        ("active_users", int(|row| Some(row.users.active))),
        ("new_users", int(|row| Some(row.users.new))),
        ("time_spent_ms", int(|row| Some(row.cell.time_spent_ms))),
        ("time_spent_per_user_ms", float(Measures::time_spent_per_user_ms)),
        ("avg_length_ms", float(Measures::avg_length_ms)),
        ("avg_per_user", float(Measures::avg_per_user)),
        ("length_p50_ms", int(|row| row.percentile_ms(0))),
        ("length_p75_ms", int(|row| row.percentile_ms(1))),
        ("length_p90_ms", int(|row| row.percentile_ms(2))),
        ("length_p95_ms", int(|row| row.percentile_ms(3))),
        ("length_p99_ms", int(|row| row.percentile_ms(4))),
        ("length_max_ms", int(Measures::length_max_ms)),
        ("zero_length_sessions", int(|row| Some(row.cell.zero_length))),
        ("total_events", int(Measures::total_events)),
        ("avg_events_per_session", float(Measures::avg_events_per_session)),
    ]);
    if formulas.one {
        columns.push(("formula", floats(rows.iter().map(|(_, row)| row.formula))));
    }
    for (place, name) in FORMULA_COLUMNS.iter().enumerate().take(formulas.several) {
        columns.push((name, floats(rows.iter().map(|(_, row)| row.formulas.get(place).copied().flatten()))));
    }
    columns
}

fn histogram_columns(rows: &[HistogramRow<'_>]) -> Columns {
    let mut columns = key_columns(rows.iter().map(|row| (row.label, row.interval_start)));
    columns.extend([
        ("bin_start", ints(rows.iter().map(|row| row.bin_start))),
        ("bin_end", ints(rows.iter().map(|row| row.bin_end))),
        ("unit", texts(rows.iter().map(|row| Some(row.unit.name())))),
        ("sessions", ints(rows.iter().map(|row| Some(row.sessions)))),
        ("share", floats(rows.iter().map(HistogramRow::share))),
    ]);
    columns
}

fn funnel_columns(rows: &[FunnelRow<'_>]) -> Columns {
    let mut columns = key_columns_without_series(rows.iter().map(|row| (row.label, row.interval_start)));
    columns.extend([
        ("step", ints(rows.iter().map(|row| Some(row.step)))),
        ("name", texts(rows.iter().map(|row| Some(row.name)))),
        ("sessions", ints(rows.iter().map(|row| Some(row.of.sessions)))),
        ("share_of_first", floats(rows.iter().map(FunnelRow::share_of_first))),
        ("share_of_previous", floats(rows.iter().map(FunnelRow::share_of_previous))),
        ("median_ms", ints(rows.iter().map(|row| row.of.median_ms))),
        ("p90_ms", ints(rows.iter().map(|row| row.of.p90_ms))),
    ]);
    columns
}

fn time_columns(rows: &[(&TimeLine, Timestamp, TimeSpent)]) -> Columns {
    let spent = || rows.iter().map(|(_, _, spent)| spent);
    let mut columns = key_columns_without_series(rows.iter().map(|(line, start, _)| (&line.label, *start)));
    columns.extend([
        ("value", texts(rows.iter().map(|(line, ..)| line.value.as_deref()))),
        ("views", ints(spent().map(|spent| Some(spent.views)))),
        ("sessions", ints(spent().map(|spent| Some(spent.sessions)))),
        ("time_ms", ints(spent().map(|spent| Some(spent.time_ms)))),
        ("avg_ms", floats(spent().map(TimeSpent::avg_ms))),
        ("p50_ms", ints(spent().map(|spent| spent.p50_ms))),
    ]);
    columns
}

/// The key columns of a table of charts that has no series.
fn key_columns_without_series<'a>(rows: impl Iterator<Item = (&'a Label, Timestamp)> + Clone) -> Columns {
    let mut columns = key_columns(rows);
    columns.retain(|(name, _)| *name != "series");
    columns
}

fn key_columns<'a>(rows: impl Iterator<Item = (&'a Label, Timestamp)> + Clone) -> Columns {
    let starts = TimestampMicrosecondArray::from_iter_values(rows.clone().map(|(_, start)| start.micros()));
    vec![
        ("chart", texts(rows.clone().map(|(label, _)| Some(label.chart.as_str())))),
        ("series", texts(rows.clone().map(|(label, _)| Some(label.series.as_str())))),
        ("segment", texts(rows.clone().map(|(label, _)| Some(label.segment.as_str())))),
        ("group", texts(rows.map(|(label, _)| label.group.as_deref()))),
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

/// Writes rows as both files, slice by slice: a table may be larger than memory has room for as columns.
fn write_table<R>(
    paths: Paths<'_>,
    provenance: &Provenance,
    mut rows: impl Iterator<Item = R>,
    style: CsvStyle<'_>,
    columns: impl Fn(&[R]) -> Columns,
) -> Result<Size, TableError> {
    let none = columns(&[]);
    let fields = none.iter().map(|(name, values)| Field::new(*name, values.data_type().clone(), true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let mut parquet = ParquetFile::create(paths.parquet, Arc::clone(&schema), provenance)?;
    let mut csv = CsvFile::create(paths.csv, none.iter().map(|(name, _)| *name), style)?;
    loop {
        let slice: Vec<R> = rows.by_ref().take(SLICE_ROWS).collect();
        if slice.is_empty() {
            break;
        }
        let arrays: Vec<ArrayRef> = columns(&slice).into_iter().map(|(_, values)| values).collect();
        csv.write(&arrays)?;
        let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)
            .map_err(|error| TableError::write(paths.parquet, &error))?;
        parquet.write(&batch)?;
    }
    let mut size = parquet.finish()?;
    sync(paths.parquet)?;
    // One table in two files: its rows count once.
    size.merge(Size { rows: 0, ..csv.finish()? });
    Ok(size)
}
