//! The sessions that a series is of, read from the tables as plain columns.

use std::path::PathBuf;

use polars::prelude::*;

use super::cells::{CellKey, SessionColumns};
use super::error::ChartError;
use super::interval::{IntervalKey, Intervals, HOUR_MICROS};
use super::lanes::{Codes, Groups};
use super::passes::passes;
use super::tables::{collect, scan_file, TableFiles};
use crate::job::added::AddedColumns;
use crate::job::chart::{Count, Interval, Series};
use crate::job::dates::first_instant;
use crate::job::holds::Holds;
use crate::sessionize::aggregate::Window;
use crate::sessionize::time::Day;
use crate::tables::sessions::{ACTIVITY, SESSIONS};

/// The tables of a segment, as charts see them.
#[derive(Clone, Debug, Default)]
pub struct SegmentTables {
    /// The segment's name.
    pub name: String,
    /// The column of which each value is a segment.
    pub by: Option<String>,
    /// Columns of the activity table whose sums over a chart's range have to be within bounds.
    pub performed: Vec<Performed>,
    /// The files.
    pub files: TableFiles,
}

/// What a segment's users did within a chart's range.
#[derive(Clone, Debug)]
pub struct Performed {
    /// The column that counts it.
    pub column: String,
    /// At least so often.
    pub at_least: u32,
    /// At most so often.
    pub at_most: Option<u32>,
}

/// A segment within a chart's dates.
#[derive(Debug)]
pub struct Ranged<'a> {
    /// Its tables.
    pub tables: &'a SegmentTables,
    /// The files of its sessions table, by date.
    pub sessions: Vec<(Day, PathBuf)>,
    /// The files of its activity table, by date.
    pub activity: Vec<(Day, PathBuf)>,
    /// Its users, where it has conditions of them: `user_id`, and the column of its `by`.
    users: Option<DataFrame>,
}

impl<'a> Ranged<'a> {
    /// The part of a segment within these dates.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn new(tables: &'a SegmentTables, window: Window) -> PolarsResult<Self> {
        let within = |table| {
            let mut dated = tables.files.dated(table);
            dated.retain(|(day, _)| window.holds(*day));
            dated
        };
        let mut ranged = Ranged { tables, sessions: within(SESSIONS), activity: within(ACTIVITY), users: None };
        if !tables.performed.is_empty() && !ranged.activity.is_empty() {
            ranged.users = Some(ranged.performing_users()?);
        }
        Ok(ranged)
    }

    fn user_columns(&self) -> Vec<Expr> {
        std::iter::once("user_id").chain(self.tables.by.as_deref()).map(col).collect()
    }

    fn performing_users(&self) -> PolarsResult<DataFrame> {
        let rows = self.activity.iter().map(|(_, path)| scan_file(path)).collect::<PolarsResult<Vec<_>>>()?;
        let counted = self.tables.performed.iter().map(|performed| performed.column.as_str());
        let sums: Vec<Expr> = counted.map(|column| col(column).cast(DataType::Int64).sum()).collect();
        let mut sums = concat(rows, UnionArgs::default())?.group_by(self.user_columns()).agg(sums);
        for performed in &self.tables.performed {
            let times = || col(performed.column.as_str());
            sums = sums.filter(times().gt_eq(lit(i64::from(performed.at_least))));
            if let Some(most) = performed.at_most {
                sums = sums.filter(times().lt_eq(lit(i64::from(most))));
            }
        }
        collect(sums.select(self.user_columns()))
    }

    /// Only the rows of users that meet the segment's conditions.
    pub fn of_its_users(&self, rows: LazyFrame) -> LazyFrame {
        match &self.users {
            Some(users) => {
                let on = self.user_columns();
                rows.join(users.clone().lazy(), &on, &on, JoinArgs::new(JoinType::Semi))
            }
            None => rows,
        }
    }
}

/// What is read of the sessions of a series.
#[derive(Debug)]
pub struct SeriesReader<'a> {
    /// The series.
    pub series: &'a Series,
    /// The columns that charts added.
    pub added: &'a AddedColumns,
    /// The intervals.
    pub intervals: &'a Intervals<'a>,
    /// The groups that are kept.
    pub groups: &'a Groups,
    /// Whether numbers of events are needed.
    pub with_events: bool,
    /// Whether users are needed.
    pub with_users: bool,
}

impl SeriesReader<'_> {
    /// The groups of the series in a segment, with the number of their sessions.
    ///
    /// # Errors
    /// A table that cannot be read; a value that a property cannot be compared with.
    pub fn group_sizes(&self, segment: &Ranged<'_>) -> Result<Vec<(String, i64)>, ChartError> {
        let Some(group) = &self.series.group_by else { return Ok(Vec::new()) };
        let Some(rows) = self.passing(segment, &segment.sessions)? else { return Ok(Vec::new()) };
        let sizes = rows
            .select([col(self.column(group)?).cast(DataType::String).alias("group")])
            .filter(col("group").is_not_null())
            .group_by([col("group")])
            .agg([len().cast(DataType::Int64).alias("sessions")]);
        let sizes = collect(sizes)?;
        let (groups, counts) = (sizes.column("group")?.str()?, sizes.column("sessions")?.i64()?);
        Ok(groups.iter().zip(counts.iter()).filter_map(|(group, count)| Some((group?.to_string(), count?))).collect())
    }

    /// The sessions of some files as columns.
    ///
    /// # Errors
    /// As [`SeriesReader::group_sizes`].
    pub fn read(
        &self,
        segment: &Ranged<'_>,
        files: &[(Day, PathBuf)],
        lanes: &mut Codes,
    ) -> Result<SessionColumns, ChartError> {
        let Some(rows) = self.passing(segment, files)? else { return Ok(SessionColumns::default()) };
        let mut columns = vec![col("dwell interval").alias("interval"), col("length_ms").alias("length")];
        if self.with_events {
            let number = match &self.series.count {
                Count::Sessions => "event_count",
                Count::Events { number, .. } => self.column(number)?,
            };
            columns.push(col(number).cast(DataType::Int64).alias("events"));
        }
        if let Count::Events { sum: Some(sum), .. } = &self.series.count {
            columns.push(col(self.column(sum)?).cast(DataType::Float64).alias("sum"));
        }
        if self.with_users {
            columns.push(col("user_id").cast(DataType::String).alias("user"));
        }
        if let Some(group) = &self.series.group_by {
            columns.push(col(self.column(group)?).cast(DataType::String).alias("group"));
        }
        if let Some(by) = &segment.tables.by {
            columns.push(col(by.as_str()).cast(DataType::String).alias("lane"));
        }
        Ok(self.columns_of(&collect(rows.select(columns))?, lanes)?)
    }

    fn columns_of(&self, rows: &DataFrame, lanes: &mut Codes) -> PolarsResult<SessionColumns> {
        let ints = |name: &str| -> PolarsResult<Vec<i64>> {
            let column = rows.column(name)?.i64()?;
            let mut all = Vec::with_capacity(column.len());
            for chunk in column.downcast_iter() {
                match chunk.validity() {
                    None => all.extend_from_slice(chunk.values()),
                    Some(_) => all.extend(chunk.iter().map(|value| value.copied().unwrap_or_default())),
                }
            }
            Ok(all)
        };
        let has = |name: &str| rows.column(name).is_ok();
        let mut keys: Vec<CellKey> =
            ints("interval")?.into_iter().map(|interval| CellKey { lane: 0, group: 0, interval }).collect();
        if has("group") {
            // Which group a value is in is looked up once for each distinct value.
            let mut values = Codes::default();
            let mut group_of: Vec<u32> = Vec::new();
            let none = self.groups.code(None);
            for (key, value) in keys.iter_mut().zip(rows.column("group")?.str()?.iter()) {
                key.group = value.map_or(none, |value| {
                    let code = values.of(value) as usize;
                    if code == group_of.len() {
                        group_of.push(self.groups.code(Some(value)));
                    }
                    group_of[code]
                });
            }
        }
        if has("lane") {
            for (key, lane) in keys.iter_mut().zip(rows.column("lane")?.str()?.iter()) {
                key.lane = lanes.of(lane.unwrap_or_default());
            }
        }
        let users = match has("user") {
            true => {
                let mut codes = Codes::default();
                let users = rows.column("user")?.str()?;
                Some(users.iter().map(|user| codes.of(user.unwrap_or_default())).collect())
            }
            false => None,
        };
        let sums = match has("sum") {
            true => Some(rows.column("sum")?.f64()?.iter().map(Option::unwrap_or_default).collect()),
            false => None,
        };
        let events = if has("events") { Some(ints("events")?) } else { None };
        Ok(SessionColumns { keys, lengths: ints("length")?, events, sums, users })
    }

    /// The sessions of some files that the series is of, with their intervals; `None` where there is no file.
    fn passing(&self, segment: &Ranged<'_>, files: &[(Day, PathBuf)]) -> Result<Option<LazyFrame>, ChartError> {
        let Some((_, first)) = files.first() else { return Ok(None) };
        let schema = scan_file(first)?.collect_schema()?;
        let conditions = self.conditions(&schema)?;
        let rows = files.iter().map(|(day, path)| self.with_interval(scan_file(path)?, *day));
        let mut rows = concat(rows.collect::<PolarsResult<Vec<_>>>()?, UnionArgs::default())?;
        if let Some(all) = conditions.into_iter().reduce(Expr::and) {
            rows = rows.filter(all);
        }
        Ok(Some(segment.of_its_users(rows)))
    }

    fn with_interval(&self, rows: LazyFrame, day: Day) -> PolarsResult<LazyFrame> {
        let first = lit(self.intervals.of(day).number());
        let interval = match self.intervals.interval {
            Interval::Hour => {
                let since = col("start_time").to_physical() - lit(first_instant(day, self.intervals.zone).micros());
                let last = IntervalKey::of_hour(day, i64::MAX).number() - IntervalKey::of_day(day).number();
                let hour = since.floor_div(lit(HOUR_MICROS));
                first + when(hour.clone().gt(lit(last))).then(lit(last)).otherwise(hour)
            }
            _ => first,
        };
        Ok(rows.with_columns([interval.cast(DataType::Int64).alias("dwell interval")]))
    }

    /// What every session of the series passes.
    fn conditions(&self, schema: &Schema) -> Result<Vec<Expr>, ChartError> {
        let mut conditions = Vec::new();
        let length = || col("length_ms");
        conditions.extend(self.series.min_length_ms.map(|min| length().gt_eq(lit(min))));
        conditions.extend(self.series.max_length_ms.map(|max| length().lt(lit(max))));
        for contains in &self.series.contains {
            let number = || Ok::<_, ChartError>(col(self.column(&contains.count)?).cast(DataType::Int64));
            if contains.at_least > 0 {
                conditions.push(number()?.gt_eq(lit(i64::from(contains.at_least))));
            }
            if let Some(most) = contains.at_most {
                conditions.push(number()?.lt_eq(lit(i64::from(most))));
            }
        }
        for test in &self.series.values {
            let column = self.column(&test.value)?;
            let dtype = schema.try_get(column).map_err(ChartError::from)?;
            conditions.push(passes(test, column, dtype)?);
        }
        Ok(conditions)
    }

    fn column(&self, holds: &Holds) -> PolarsResult<&str> {
        // The columns of all charts were derived together.
        self.added.name_of(holds).ok_or_else(|| polars_err!(ColumnNotFound: "{holds}"))
    }
}
