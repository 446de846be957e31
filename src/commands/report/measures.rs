//! The measures and histograms of charts, as the files of a folder have them.

use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};

use crate::job::chart::FORMULA_COLUMNS;
use crate::tables::error::TableError;
use crate::tables::read::in_slices;
use crate::tables::write::parquet_file::SLICE_ROWS;

/// What rows of a chart are about: its series, segment and group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineKey {
    /// The chart.
    pub chart: String,
    /// The series.
    pub series: String,
    /// The segment.
    pub segment: String,
    /// The group, if there are any.
    pub group: Option<String>,
}

/// The rows of one of these, in order of time.
#[derive(Clone, Debug, PartialEq)]
pub struct ChartLine {
    /// What it is about.
    pub key: LineKey,
    /// Its rows.
    pub rows: Vec<MeasuredRow>,
    /// Sessions by bin, over all intervals.
    pub bins: Vec<Bin>,
}

impl ChartLine {
    /// It with one of several formulas alone.
    pub fn of_formula(&self, place: usize) -> ChartLine {
        let one = |row: &MeasuredRow| MeasuredRow { formula: row.formulas[place], ..*row };
        ChartLine { rows: self.rows.iter().map(one).collect(), ..self.clone() }
    }
}

/// A row of measures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuredRow {
    /// The interval's first instant, in microseconds.
    pub start: i64,
    /// `total_sessions`.
    pub sessions: Option<i64>,
    /// `active_users`.
    pub users: Option<i64>,
    /// `new_users`.
    pub new_users: Option<i64>,
    /// `time_spent_ms`.
    pub time_ms: Option<i64>,
    /// `avg_length_ms`.
    pub average_ms: Option<f64>,
    /// `length_p50_ms`.
    pub median_ms: Option<i64>,
    /// `length_p90_ms`.
    pub p90_ms: Option<i64>,
    /// `zero_length_sessions`.
    pub zero_length: Option<i64>,
    /// `total_events`.
    pub events: Option<i64>,
    /// `formula`.
    pub formula: Option<f64>,
    /// `formula_1` and so on.
    pub formulas: [Option<f64>; FORMULA_COLUMNS.len()],
}

/// A bin of a histogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Where it starts and ends; a side on which sessions are outside of all bins has no bound.
    pub bounds: (Option<i64>, Option<i64>),
    /// Whether its bounds are numbers of events, not milliseconds.
    pub is_events: bool,
    /// Sessions in it.
    pub sessions: i64,
}

/// Reads all lines of a folder, in the order of the files.
///
/// # Errors
/// A file that cannot be read.
pub fn read(output: &Path) -> Result<Vec<ChartLine>, TableError> {
    let mut lines: Vec<ChartLine> = Vec::new();
    each_batch(&output.join("measures.parquet"), |columns| {
        for row in 0..columns.rows() {
            let key = columns.key(row);
            if lines.last().is_none_or(|line| line.key != key) {
                lines.push(ChartLine { key, rows: Vec::new(), bins: Vec::new() });
            }
            if let Some(line) = lines.last_mut() {
                line.rows.push(MeasuredRow {
                    start: columns.instant("interval_start", row).unwrap_or_default(),
                    sessions: columns.int("total_sessions", row),
                    users: columns.int("active_users", row),
                    new_users: columns.int("new_users", row),
                    time_ms: columns.int("time_spent_ms", row),
                    average_ms: columns.float("avg_length_ms", row),
                    median_ms: columns.int("length_p50_ms", row),
                    p90_ms: columns.int("length_p90_ms", row),
                    zero_length: columns.int("zero_length_sessions", row),
                    events: columns.int("total_events", row),
                    formula: columns.float("formula", row),
                    formulas: FORMULA_COLUMNS.map(|name| columns.float(name, row)),
                });
            }
        }
    })?;
    let mut place = 0;
    each_batch(&output.join("histogram.parquet"), |columns| {
        for row in 0..columns.rows() {
            let key = columns.key(row);
            // Both files have their lines in one order.
            if lines.get(place).is_none_or(|line| line.key != key) {
                let Some(found) = lines.iter().position(|line| line.key == key) else { continue };
                place = found;
            }
            let bounds = (columns.int("bin_start", row), columns.int("bin_end", row));
            let sessions = columns.int("sessions", row).unwrap_or_default();
            let bins = &mut lines[place].bins;
            match bins.iter_mut().find(|bin| bin.bounds == bounds) {
                Some(bin) => bin.sessions += sessions,
                None => bins.push(Bin { bounds, is_events: columns.text("unit", row) == Some("events"), sessions }),
            }
        }
    })?;
    for line in &mut lines {
        // What is below all bins comes first, what is above them last.
        line.bins.sort_by_key(|bin| bin.bounds.0.unwrap_or(i64::MIN));
    }
    Ok(lines)
}

/// The steps of a funnel about one segment and group, with all of its intervals together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunnelSteps {
    /// What it is about.
    pub key: LineKey,
    /// The name of each step, and the sessions that reach it.
    pub steps: Vec<(String, i64)>,
}

/// Reads the funnels of a folder, in the order of the file; none where there is no such file.
///
/// # Errors
/// A file that cannot be read.
pub fn read_funnels(output: &Path) -> Result<Vec<FunnelSteps>, TableError> {
    let path = output.join("funnel.parquet");
    let mut funnels: Vec<FunnelSteps> = Vec::new();
    if !path.exists() {
        return Ok(funnels);
    }
    each_batch(&path, |columns| {
        for row in 0..columns.rows() {
            let key = columns.key(row);
            if funnels.last().is_none_or(|funnel| funnel.key != key) {
                funnels.push(FunnelSteps { key, steps: Vec::new() });
            }
            let Some(FunnelSteps { steps, .. }) = funnels.last_mut() else { continue };
            let place = columns.int("step", row).and_then(|step| usize::try_from(step - 1).ok()).unwrap_or_default();
            let sessions = columns.int("sessions", row).unwrap_or_default();
            match steps.get_mut(place) {
                Some((_, all)) => *all += sessions,
                None => steps.push((columns.text("name", row).unwrap_or_default().to_string(), sessions)),
            }
        }
    })?;
    Ok(funnels)
}

/// The time spent on a value, with all intervals together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeOnValue {
    /// What it is about.
    pub key: LineKey,
    /// The value.
    pub value: String,
    /// Views.
    pub views: i64,
    /// Sessions with such a view.
    pub sessions: i64,
    /// The time that they take together.
    pub time_ms: i64,
}

/// Reads the times on values of a folder, in the order of the file; none where there is no such file.
///
/// # Errors
/// A file that cannot be read.
pub fn read_times(output: &Path) -> Result<Vec<TimeOnValue>, TableError> {
    let path = output.join("time_on.parquet");
    let mut times: Vec<TimeOnValue> = Vec::new();
    if !path.exists() {
        return Ok(times);
    }
    each_batch(&path, |columns| {
        for row in 0..columns.rows() {
            let (key, Some(value)) = (columns.key(row), columns.text("value", row)) else { continue };
            if times.last().is_none_or(|known| known.key != key || known.value != value) {
                times.push(TimeOnValue { key, value: value.to_string(), views: 0, sessions: 0, time_ms: 0 });
            }
            let Some(known) = times.last_mut() else { continue };
            known.views += columns.int("views", row).unwrap_or_default();
            known.sessions += columns.int("sessions", row).unwrap_or_default();
            known.time_ms += columns.int("time_ms", row).unwrap_or_default();
        }
    })?;
    Ok(times)
}

fn each_batch(path: &Path, mut take: impl FnMut(&Columns<'_>)) -> Result<(), TableError> {
    for rows in in_slices(path, SLICE_ROWS)? {
        take(&Columns(&rows?));
    }
    Ok(())
}

/// The columns of some rows, by name; one that is not there has no values.
struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    fn rows(&self) -> usize {
        self.0.num_rows()
    }

    fn key(&self, row: usize) -> LineKey {
        let text = |name: &str| self.text(name, row).unwrap_or_default().to_string();
        LineKey {
            chart: text("chart"),
            series: text("series"),
            segment: text("segment"),
            group: self.text("group", row).map(str::to_string),
        }
    }

    fn text(&self, name: &str, row: usize) -> Option<&str> {
        let column = self.0.column_by_name(name)?.as_string_view_opt()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn int(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn float(&self, name: &str, row: usize) -> Option<f64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    fn instant(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    }
}
