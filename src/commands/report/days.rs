//! The sessions of a folder date by date, read from the tables of sessions and activity: two columns of the one, the number of
//! rows of the other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use jiff::tz::TimeZone;
use rayon::prelude::*;
use rayon::ThreadPool;

use crate::job::bins::DEFAULT_BINS_MS;
use crate::job::dates::date_of;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::read::{read_columns, row_count};
use crate::tables::schema::sessions::{TableName, ACTIVITY, SESSIONS};

/// The figures of a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayFigures {
    /// Sessions that start on it.
    pub sessions: u64,
    /// Users with an event on it.
    pub users: u64,
    /// The sum of the sessions' lengths, in milliseconds.
    pub time_ms: i64,
    /// The median of their lengths, by nearest rank.
    pub median_ms: Option<i64>,
    /// Sessions of length 0.
    pub zero_length: u64,
    /// The hour of the day in which the last one starts.
    pub last_hour: Option<i8>,
}

impl DayFigures {
    /// Time spent over sessions.
    pub fn average_ms(&self) -> Option<f64> {
        (self.sessions > 0).then(|| self.time_ms as f64 / self.sessions as f64)
    }

    /// Sessions over users.
    pub fn per_user(&self) -> Option<f64> {
        (self.users > 0).then(|| self.sessions as f64 / self.users as f64)
    }
}

/// The figures of all dates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Days {
    /// Every date from the first to the last one, those without a session, too.
    pub dates: Vec<(Day, DayFigures)>,
    /// Sessions by default bin of length, and last those at or above the last bound.
    pub bins: [u64; DEFAULT_BINS_MS.len()],
    /// Sessions by weekday, Monday first, and hour of their start.
    pub hours: [[u64; 24]; 7],
}

impl Days {
    /// All sessions.
    pub fn sessions(&self) -> u64 {
        self.dates.iter().map(|(_, of)| of.sessions).sum()
    }

    /// How many dates there are of each weekday, Monday first.
    pub fn weekdays(&self) -> [u64; 7] {
        let mut counts = [0; 7];
        self.dates.iter().for_each(|(day, _)| counts[weekday(*day)] += 1);
        counts
    }
}

/// The place of a date's weekday; Monday is the first.
pub fn weekday(day: Day) -> usize {
    date_of(day).weekday().to_monday_zero_offset() as usize
}

/// Reads the figures of all dates.
///
/// # Errors
/// There is no sessions table; a file that cannot be read.
pub fn read(output: &Path, zone: &TimeZone, pool: &ThreadPool) -> Result<Days, TableError> {
    let sessions = files(output, SESSIONS)?;
    if sessions.is_empty() && !output.join(SESSIONS.empty_file()).exists() {
        let path = output.join(SESSIONS.folder);
        return Err(TableError::Lacks { path, what: "all of its files".to_string() });
    }
    let of_files: Vec<OfFile> = pool.install(|| {
        let read = |(day, path): &(Day, PathBuf)| OfFile::read(*day, path, zone);
        sessions.par_iter().with_max_len(1).map(read).collect::<Result<_, _>>()
    })?;
    let mut days = Days::default();
    let mut found: BTreeMap<Day, DayFigures> = BTreeMap::new();
    for of in of_files {
        found.insert(of.day, of.figures);
        days.bins.iter_mut().zip(of.bins).for_each(|(all, count)| *all += count);
        let weekday = weekday(of.day);
        days.hours[weekday].iter_mut().zip(of.hours).for_each(|(all, count)| *all += count);
    }
    for (day, path) in files(output, ACTIVITY)? {
        found.entry(day).or_default().users = row_count(&path)?;
    }
    if let (Some((first, _)), Some((last, _))) = (found.first_key_value(), found.last_key_value()) {
        let all = (first.epoch_days()..=last.epoch_days()).map(Day::from_epoch_days);
        days.dates = all.map(|day| (day, found.get(&day).copied().unwrap_or_default())).collect();
    }
    Ok(days)
}

/// The files of a table with their dates, in order.
fn files(output: &Path, table: TableName) -> Result<Vec<(Day, PathBuf)>, TableError> {
    let folder = output.join(table.folder);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let failed = |error: std::io::Error| TableError::Read { path: folder.clone(), reason: error.to_string() };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path().join("part-0.parquet");
        files.extend(table.day_of(&path).filter(|_| path.is_file()).map(|day| (day, path)));
    }
    files.sort();
    Ok(files)
}

/// What one file says.
struct OfFile {
    day: Day,
    figures: DayFigures,
    bins: [u64; DEFAULT_BINS_MS.len()],
    hours: [u64; 24],
}

/// Clocks differ from UTC by multiples of this many microseconds.
const QUARTER: i64 = 900_000_000;

impl OfFile {
    fn read(day: Day, path: &Path, zone: &TimeZone) -> Result<Self, TableError> {
        let columns = ["start_time", "length_ms"].map(str::to_string);
        let rows = read_columns(path, &BTreeSet::from(columns))?;
        let wrong =
            |name: &str| TableError::Read { path: path.to_path_buf(), reason: format!("`{name}` is of another type") };
        let starts =
            rows.column_by_name("start_time").and_then(|starts| starts.as_primitive_opt::<TimestampMicrosecondType>());
        let lengths = rows.column_by_name("length_ms").and_then(|lengths| lengths.as_primitive_opt::<Int64Type>());
        let mut quarters: BTreeMap<i64, u64> = BTreeMap::new();
        for start in starts.ok_or_else(|| wrong("start_time"))?.values() {
            *quarters.entry(start.div_euclid(QUARTER)).or_default() += 1;
        }
        let mut lengths: Vec<i64> = lengths.ok_or_else(|| wrong("length_ms"))?.values().to_vec();
        let mut of = OfFile { day, figures: DayFigures::default(), bins: Default::default(), hours: [0; 24] };
        of.figures.sessions = lengths.len() as u64;
        of.figures.time_ms = lengths.iter().sum();
        of.figures.zero_length = lengths.iter().filter(|length| **length == 0).count() as u64;
        for length in &lengths {
            if let Some(bin) = DEFAULT_BINS_MS.iter().rposition(|start| start <= length) {
                of.bins[bin] += 1;
            }
        }
        if let Some(last) = lengths.len().checked_sub(1) {
            of.figures.median_ms = Some(*lengths.select_nth_unstable(last / 2).1);
        }
        for (quarter, count) in quarters {
            let start = jiff::Timestamp::from_microsecond(quarter * QUARTER).unwrap_or_default();
            let hour = start.to_zoned_datetime(zone.clone()).hour();
            of.hours[hour.clamp(0, 23) as usize] += count;
            of.figures.last_hour = Some(hour);
        }
        Ok(of)
    }
}
