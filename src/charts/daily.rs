//! The default chart: all sessions, day by day.

use std::collections::BTreeMap;
use std::path::PathBuf;

use polars::prelude::*;

use super::{HistogramRow, MeasureRow, Series, DEFAULT_BINS_MS, PERCENTILES};
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::sessions::{TableName, ACTIVITY, SESSIONS};

/// The files of the tables to measure; those without rows may be left out.
#[derive(Clone, Debug, Default)]
pub struct TableFiles {
    /// The sessions table's.
    pub sessions: Vec<PathBuf>,
    /// The activity table's.
    pub activity: Vec<PathBuf>,
}

impl TableFiles {
    /// Adds files of one of the two tables; those of a table without rows, which stand on no date, are
    /// passed over.
    pub fn extend(&mut self, table: TableName, files: impl Iterator<Item = PathBuf>) {
        let dated = files.filter(|file| table.day_of(file).is_some());
        if table == SESSIONS {
            self.sessions.extend(dated);
        } else {
            self.activity.extend(dated);
        }
    }
}

/// The two tables of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChartTables {
    /// The measures.
    pub measures: Vec<MeasureRow>,
    /// The histogram.
    pub histogram: Vec<HistogramRow>,
}

/// All sessions of the tables together, for the summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overview {
    /// How many sessions there are.
    pub sessions: i64,
    /// The sum of their lengths in milliseconds.
    pub time_spent_ms: i64,
    /// The median length in milliseconds, by nearest rank.
    pub median_ms: Option<i64>,
    /// Sessions of length 0.
    pub zero_length: i64,
    /// Sessions by default bin, and last those at or above the last bound.
    pub bins: Vec<i64>,
}

/// What one date's sessions come to.
struct DaySummary {
    sessions: i64,
    time_spent_ms: i64,
    percentiles_ms: [Option<i64>; PERCENTILES.len()],
    max_ms: Option<i64>,
    zero_length: i64,
    bins: Vec<i64>,
}

/// Measures the default chart. `start_of` gives the first instant of a date.
///
/// # Errors
/// A table that cannot be read.
pub fn measure(files: &TableFiles, start_of: impl Fn(Day) -> Timestamp) -> PolarsResult<ChartTables> {
    let sessions = sessions_by_day(&files.sessions)?;
    let active = active_users_by_day(&files.activity)?;
    let series = Series::of_all_sessions();
    let mut tables = ChartTables::default();
    let (Some(first), Some(last)) = (sessions.keys().next(), sessions.keys().last()) else { return Ok(tables) };
    for day in first.epoch_days()..=last.epoch_days() {
        let day = Day::from_epoch_days(day);
        let nothing = DaySummary::nothing();
        let summary = sessions.get(&day).unwrap_or(&nothing);
        let interval_start = start_of(day);
        tables.measures.push(MeasureRow {
            series: series.clone(),
            interval_start,
            total_sessions: summary.sessions,
            active_users: active.get(&day).copied().unwrap_or(0),
            time_spent_ms: summary.time_spent_ms,
            percentiles_ms: summary.percentiles_ms,
            length_max_ms: summary.max_ms,
            zero_length_sessions: summary.zero_length,
        });
        tables.histogram.extend(summary.histogram(&series, interval_start));
    }
    Ok(tables)
}

/// Sums all sessions of the tables up.
///
/// # Errors
/// A table that cannot be read.
pub fn overview(files: &[PathBuf]) -> PolarsResult<Overview> {
    if files.is_empty() {
        return Ok(Overview { bins: vec![0; DEFAULT_BINS_MS.len()], ..Overview::default() });
    }
    let mut exprs = count_exprs();
    exprs.push(nearest_rank(0.5).alias("median"));
    let summary = scan(files, SESSIONS)?.select(exprs).collect_with_engine(Engine::Streaming)?.unwrap_single();
    let row = Row { frame: &summary, row: 0 };
    Ok(Overview {
        sessions: row.count("sessions")?,
        time_spent_ms: row.count("time_spent")?,
        median_ms: row.get("median")?,
        zero_length: row.count("zero_length")?,
        bins: row.bins()?,
    })
}

fn sessions_by_day(files: &[PathBuf]) -> PolarsResult<BTreeMap<Day, DaySummary>> {
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    let grouped = scan(files, SESSIONS)?.group_by([col(SESSIONS.date_key)]).agg(summary_exprs());
    let grouped = grouped.collect_with_engine(Engine::Streaming)?.unwrap_single();
    let days = days_of(&grouped, SESSIONS)?;
    days.into_iter()
        .enumerate()
        .map(|(row, day)| Ok((day, DaySummary::from_row(Row { frame: &grouped, row })?)))
        .collect()
}

fn active_users_by_day(files: &[PathBuf]) -> PolarsResult<BTreeMap<Day, i64>> {
    if files.is_empty() {
        return Ok(BTreeMap::new());
    }
    // A user stands once on a date.
    let users = len().cast(DataType::Int64).alias("users");
    let grouped = scan(files, ACTIVITY)?.group_by([col(ACTIVITY.date_key)]).agg([users]);
    let grouped = grouped.collect_with_engine(Engine::Streaming)?.unwrap_single();
    let users = grouped.column("users")?.i64()?.clone();
    Ok(days_of(&grouped, ACTIVITY)?.into_iter().zip(users.iter().map(Option::unwrap_or_default)).collect())
}

/// All of a table's rows, with the date of the file that each is in.
fn scan(files: &[PathBuf], table: TableName) -> PolarsResult<LazyFrame> {
    // By our own names of files: folders above the output may be of the form `key=value`, too.
    let dated = |path: &PathBuf| {
        let day = table.day_of(path).unwrap_or_default().epoch_days();
        let hive_options = polars::io::HiveOptions::new_disabled();
        let args = ScanArgsParquet { glob: false, cache: false, hive_options, ..ScanArgsParquet::default() };
        let rows = LazyFrame::scan_parquet(PlRefPath::try_from_path(path)?, args)?;
        Ok(rows.with_columns([lit(day).cast(DataType::Date).alias(table.date_key)]))
    };
    concat(files.iter().map(dated).collect::<PolarsResult<Vec<_>>>()?, UnionArgs::default())
}

fn days_of(grouped: &DataFrame, table: TableName) -> PolarsResult<Vec<Day>> {
    let days = grouped.column(table.date_key)?.to_physical_repr();
    Ok(days.i32()?.iter().map(|day| Day::from_epoch_days(day.unwrap_or_default())).collect())
}

fn count_exprs() -> Vec<Expr> {
    let count = |condition: Expr| condition.cast(DataType::Int64).sum();
    let mut exprs = vec![
        len().cast(DataType::Int64).alias("sessions"),
        length().sum().alias("time_spent"),
        count(length().eq(lit(0i64))).alias("zero_length"),
    ];
    for (bin, start) in DEFAULT_BINS_MS.iter().enumerate() {
        let from = length().gt_eq(lit(*start));
        let inside = match DEFAULT_BINS_MS.get(bin + 1) {
            Some(end) => from.and(length().lt(lit(*end))),
            None => from,
        };
        exprs.push(count(inside).alias(format!("bin{bin}")));
    }
    exprs
}

fn summary_exprs() -> Vec<Expr> {
    let mut exprs = count_exprs();
    exprs.push(length().max().alias("max"));
    exprs.extend(PERCENTILES.iter().enumerate().map(|(place, share)| nearest_rank(*share).alias(format!("p{place}"))));
    exprs
}

fn length() -> Expr {
    col("length_ms")
}

/// The smallest length that at least this share of sessions does not exceed.
fn nearest_rank(share: f64) -> Expr {
    length().quantile(lit(share), QuantileMethod::Equiprobable).cast(DataType::Int64)
}

/// A row of what [`count_exprs`] or [`summary_exprs`] came to.
struct Row<'a> {
    frame: &'a DataFrame,
    row: usize,
}

impl Row<'_> {
    fn get(&self, name: &str) -> PolarsResult<Option<i64>> {
        Ok(self.frame.column(name)?.i64()?.get(self.row))
    }

    fn count(&self, name: &str) -> PolarsResult<i64> {
        self.get(name).map(Option::unwrap_or_default)
    }

    fn bins(&self) -> PolarsResult<Vec<i64>> {
        (0..DEFAULT_BINS_MS.len()).map(|bin| self.count(&format!("bin{bin}"))).collect()
    }
}

impl DaySummary {
    fn nothing() -> Self {
        DaySummary {
            sessions: 0,
            time_spent_ms: 0,
            percentiles_ms: [None; PERCENTILES.len()],
            max_ms: None,
            zero_length: 0,
            bins: vec![0; DEFAULT_BINS_MS.len()],
        }
    }

    fn from_row(row: Row<'_>) -> PolarsResult<Self> {
        let mut percentiles_ms = [None; PERCENTILES.len()];
        for (place, value) in percentiles_ms.iter_mut().enumerate() {
            *value = row.get(&format!("p{place}"))?;
        }
        Ok(DaySummary {
            sessions: row.count("sessions")?,
            time_spent_ms: row.count("time_spent")?,
            percentiles_ms,
            max_ms: row.get("max")?,
            zero_length: row.count("zero_length")?,
            bins: row.bins()?,
        })
    }

    /// All bins, and a row for the sessions above the last one where there are any; none is below 0.
    fn histogram(&self, series: &Series, interval_start: Timestamp) -> Vec<HistogramRow> {
        let rows = DEFAULT_BINS_MS.iter().zip(&self.bins).enumerate().map(|(bin, (start, sessions))| HistogramRow {
            series: series.clone(),
            interval_start,
            bin_start: Some(*start),
            bin_end: DEFAULT_BINS_MS.get(bin + 1).copied(),
            sessions: *sessions,
            of: self.sessions,
        });
        rows.filter(|row| row.bin_end.is_some() || row.sessions > 0).collect()
    }
}
