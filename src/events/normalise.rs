//! Rows to events: every accepted type becomes a plain column, impossible rows are rejected and counted
//! (SPEC 1 and SPEC 2, step 2).

use polars::prelude::*;

use super::columns::ColumnRef;
use super::convert::{cast, integers, interned, non_empty, ordered, polars_error, texts, whole};
use super::dictionary::EventDictionary;
use super::error::InputError;
use super::roles::{KeyType, Roles, Value};
use crate::job::dates::instant_of;
use crate::job::times::Times;
use crate::job::{Input, TimeRange, TimeUnit as JobUnit};
use crate::sessionize::columns::{EventBatch, KeyColumn, TextColumn, ValueColumn};
use crate::sessionize::session_id::{is_valid_number, is_valid_text};
use crate::sessionize::time::Timestamp;

/// What became of the rows that were read. Merging is addition; the default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that passed the condition.
    pub passed: u64,
    /// Rows that are left out because their times are none of those that are read.
    pub outside: u64,
    /// Rows rejected, by reason.
    pub rejected: [u64; Rejection::ALL.len()],
    /// The earliest time of the events.
    pub earliest: Option<Timestamp>,
    /// The latest possible time of all rows.
    pub latest: Option<Timestamp>,
}

/// Why a row is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The user is null or empty.
    NoUser,
    /// The time is null or cannot be read.
    NoTime,
    /// The time is not within `min_time` and `max_time`.
    TimeOutOfRange,
}

impl Rejection {
    /// All reasons, in the order of their discriminants. A row with several faults counts under the first.
    pub const ALL: [Rejection; 3] = [Rejection::NoUser, Rejection::NoTime, Rejection::TimeOutOfRange];

    /// The word for `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            Rejection::NoUser => "no_user",
            Rejection::NoTime => "no_time",
            Rejection::TimeOutOfRange => "time_out_of_range",
        }
    }
}

impl RowCounts {
    /// Adds another batch's counts to these.
    pub fn merge(&mut self, other: &RowCounts) {
        self.passed += other.passed;
        self.outside += other.outside;
        for (mine, theirs) in self.rejected.iter_mut().zip(other.rejected) {
            *mine += theirs;
        }
        self.earliest = match (self.earliest, other.earliest) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        self.latest = self.latest.max(other.latest);
    }

    /// All rejected rows.
    pub fn rejected_total(&self) -> u64 {
        self.rejected.iter().sum()
    }
}

/// Makes events of rows.
#[derive(Debug)]
pub struct Normaliser<'a> {
    roles: &'a Roles,
    times: TimeRange,
    time_unit: Option<JobUnit>,
    types: &'a EventDictionary,
    /// The times that are read; `None` for all.
    read: Option<&'a Times>,
}

impl<'a> Normaliser<'a> {
    /// For the columns of a run; event types are added to `types`.
    pub fn new(input: &Input, roles: &'a Roles, types: &'a EventDictionary) -> Self {
        Normaliser { roles, times: input.times, time_unit: input.time_unit, types, read: None }
    }

    /// Leaves rows out whose times are none of these.
    pub fn reading(self, times: Option<&'a Times>) -> Self {
        Normaliser { read: times, ..self }
    }

    /// The events of a batch of rows.
    ///
    /// # Errors
    /// A value that its role's type cannot hold.
    pub fn events(&self, rows: &DataFrame) -> Result<(EventBatch, RowCounts), InputError> {
        let mut counts = RowCounts { passed: rows.height() as u64, ..RowCounts::default() };
        let times = self.times_of(rows)?;
        let users = self.users(rows)?;
        let missing = users.missing();
        let mut kept = Vec::with_capacity(rows.height());
        let mut kept_times = Vec::with_capacity(rows.height());
        for (row, time) in times.iter().enumerate() {
            let possible = time.filter(|time| self.times.holds(*time));
            counts.latest = counts.latest.max(possible);
            if possible.is_some_and(|time| self.read.is_some_and(|read| !read.holds(time))) {
                counts.outside += 1;
                continue;
            }
            let no_user = missing.as_ref().is_some_and(|missing| missing[row]);
            let rejection = match (no_user, time, possible) {
                (true, ..) => Rejection::NoUser,
                (false, None, _) => Rejection::NoTime,
                (false, Some(_), None) => Rejection::TimeOutOfRange,
                (false, Some(_), Some(time)) => {
                    kept.push(row as u32);
                    kept_times.push(time);
                    continue;
                }
            };
            counts.rejected[rejection as usize] += 1;
        }
        let kept = if kept.len() == rows.height() { Kept::All } else { Kept::Some(kept) };
        counts.earliest = kept_times.iter().min().copied();
        let values = match &self.roles.value {
            Some(value) => Some(values(&role_series(rows, "value", &value.column.spelled)?, value, &kept)?),
            None => None,
        };
        let batch = EventBatch {
            users: users.into_kept(&kept),
            times: kept_times,
            events: of_role(rows, "event", &self.roles.event, |series, column| {
                self.event_codes(series, column, &kept)
            })?,
            values,
            sequence: of_role(rows, "sequence", &self.roles.sequence, |series, column| {
                sequence(series, column, &kept)
            })?,
            unique_ids: of_role(rows, "dedup", &self.roles.dedup, |series, column| unique_ids(series, column, &kept))?,
        };
        Ok((batch, counts))
    }

    /// The latest possible time of a batch of which only times were read.
    ///
    /// # Errors
    /// A time column of a type that is none.
    pub fn latest(&self, rows: &DataFrame) -> Result<Option<Timestamp>, InputError> {
        let times = self.times_of(rows)?;
        Ok(times.into_iter().flatten().filter(|time| self.times.holds(*time)).max())
    }

    fn times_of(&self, rows: &DataFrame) -> Result<Vec<Option<Timestamp>>, InputError> {
        let name = &self.roles.time.spelled;
        let series = role_series(rows, "time", name)?;
        let physical = |unit: JobUnit| -> Result<Vec<Option<Timestamp>>, InputError> {
            let counts = integers(&series.to_physical_repr(), name)?;
            Ok(counts.iter().map(|count| unit.instant(count?)).collect())
        };
        match series.dtype() {
            DataType::Datetime(TimeUnit::Milliseconds, _) => physical(JobUnit::Millis),
            DataType::Datetime(TimeUnit::Microseconds, _) => physical(JobUnit::Micros),
            DataType::Datetime(TimeUnit::Nanoseconds, _) => physical(JobUnit::Nanos),
            dtype if dtype.is_integer() => physical(self.time_unit.unwrap_or(JobUnit::Micros)),
            DataType::Null => Ok(vec![None; series.len()]),
            _ => {
                let texts = texts(&series, &self.roles.time)?;
                Ok(texts.iter().map(|text| self.time_of_text(text?)).collect())
            }
        }
    }

    fn time_of_text(&self, text: &str) -> Option<Timestamp> {
        match self.time_unit {
            // A number in JSON text: a unit was given for it.
            Some(unit) => match text.parse() {
                Ok(count) => unit.instant(count),
                Err(_) => unit.instant_of_fraction(text.parse().ok()?),
            },
            None => instant_of(text),
        }
    }

    fn users(&self, rows: &DataFrame) -> Result<Users, InputError> {
        let mut users: Option<Users> = None;
        for (place, column) in self.roles.users.iter().enumerate() {
            if users.as_ref().is_some_and(Users::all_found) {
                break;
            }
            let series = role_series(rows, &format!("user {place}"), &column.spelled)?;
            let found = match self.roles.user_type {
                KeyType::Int => Users::Int(integers(&series, &column.spelled)?),
                _ => Users::Text(non_empty(&texts(&series, column)?)),
            };
            users = Some(match users {
                None => found,
                Some(first) => first.or(&found),
            });
        }
        users.ok_or_else(|| InputError::Unreadable { reason: "there is no user column".to_string() })
    }

    fn event_codes(&self, series: &Series, column: &ColumnRef, kept: &Kept) -> Result<Vec<u32>, InputError> {
        let (local, distinct) = interned(&texts(series, column)?);
        // All values came out of text columns.
        let codes = self.types.codes(distinct.iter().map(|text| std::str::from_utf8(text).unwrap_or_default()));
        let code = |local: &Option<u32>| local.map_or(0, |local| codes[local as usize]);
        Ok(kept.collect(local.len(), local.iter(), code))
    }
}

/// The users of a batch; a row without one has null.
enum Users {
    Int(Int64Chunked),
    Text(StringChunked),
}

impl Users {
    /// Which rows have no user; `None` where all have one.
    fn missing(&self) -> Option<Vec<bool>> {
        let nulls = match self {
            _ if self.all_found() => return None,
            Users::Int(users) => users.is_null(),
            Users::Text(users) => users.is_null(),
        };
        Some(nulls.iter().map(|null| null.unwrap_or(false)).collect())
    }

    fn all_found(&self) -> bool {
        match self {
            Users::Int(users) => users.null_count() == 0,
            Users::Text(users) => users.null_count() == 0,
        }
    }

    /// Fills the rows without a user from the next column.
    fn or(self, next: &Users) -> Users {
        match (self, next) {
            (Users::Int(first), Users::Int(next)) => {
                Users::Int(first.iter().zip(next.iter()).map(|(first, next)| first.or(next)).collect())
            }
            (Users::Text(first), Users::Text(next)) => {
                Users::Text(first.iter().zip(next.iter()).map(|(first, next)| first.or(next)).collect())
            }
            (first, _) => first,
        }
    }

    fn into_kept(self, kept: &Kept) -> KeyColumn {
        match self {
            Users::Int(users) => KeyColumn::Int(kept.collect(users.len(), users.iter(), Option::unwrap_or_default)),
            Users::Text(users) => KeyColumn::Text(text_column(&users, kept)),
        }
    }
}

/// Session ids or property values of the rows kept.
fn values(series: &Series, value: &Value, kept: &Kept) -> Result<ValueColumn, InputError> {
    let (name, key_type, session_id) = (value.column.spelled.as_str(), value.key_type, value.is_session_id);
    if key_type == KeyType::Text {
        let texts = texts(series, &value.column)?;
        let is_valid = |text: &str| if session_id { is_valid_text(text.as_bytes()) } else { !text.is_empty() };
        let valid = kept.collect(texts.len(), texts.iter(), |text| text.is_some_and(is_valid));
        return Ok(ValueColumn { keys: KeyColumn::Text(text_column(&texts, kept)), valid });
    }
    let numbers: Int64Chunked = match (key_type, series.dtype()) {
        (KeyType::Int, DataType::Float32 | DataType::Float64) => {
            let floats = cast(series, &DataType::Float64, name)?;
            floats.f64().map_err(|error| polars_error(name, &error))?.iter().map(|id| whole(id?)).collect()
        }
        (KeyType::Float, _) => {
            let floats = cast(series, &DataType::Float64, name)?;
            floats.f64().map_err(|error| polars_error(name, &error))?.iter().map(|value| ordered(value?)).collect()
        }
        (KeyType::Timestamp, _) => {
            let micros = cast(series, &DataType::Datetime(TimeUnit::Microseconds, None), name)?;
            integers(&micros.to_physical_repr(), name)?
        }
        (KeyType::Date, _) => integers(&series.to_physical_repr(), name)?,
        _ => integers(series, name)?,
    };
    let is_valid = |number: i64| !session_id || is_valid_number(number);
    let valid = kept.collect(numbers.len(), numbers.iter(), |number| number.is_some_and(is_valid));
    let keys = KeyColumn::Int(kept.collect(numbers.len(), numbers.iter(), Option::unwrap_or_default));
    Ok(ValueColumn { keys, valid })
}

fn sequence(series: &Series, column: &ColumnRef, kept: &Kept) -> Result<Vec<i64>, InputError> {
    let numbers = integers(series, &column.spelled)?;
    // Nulls come first; a real i64::MIN would tie with them, and nobody counts from there.
    Ok(kept.collect(numbers.len(), numbers.iter(), |number| number.unwrap_or(i64::MIN)))
}

/// Any single values as bytes that are equal where they are: text where there is any, else the bytes as
/// they come.
fn unique_ids(series: &Series, column: &ColumnRef, kept: &Kept) -> Result<TextColumn, InputError> {
    if *series.dtype() == DataType::Binary {
        let ids = series.binary().map_err(|error| polars_error(&column.spelled, &error))?;
        return Ok(bytes_column(ids.len(), ids.iter(), kept));
    }
    Ok(text_column(&texts(series, column)?, kept))
}

/// The rows of a batch that are not rejected.
enum Kept {
    /// All of them: the usual case, in which columns are copied chunk by chunk.
    All,
    /// These, in ascending order.
    Some(Vec<u32>),
}

impl Kept {
    /// The values of the rows kept, in order.
    fn each<V>(&self, mut values: impl Iterator<Item = V>, mut take: impl FnMut(V)) {
        match self {
            Kept::All => values.for_each(take),
            Kept::Some(rows) => {
                let mut next = 0;
                for row in rows {
                    let skip = *row as usize - next;
                    next = *row as usize + 1;
                    if let Some(value) = values.nth(skip) {
                        take(value);
                    }
                }
            }
        }
    }

    fn collect<V, T>(&self, rows: usize, values: impl Iterator<Item = V>, make: impl Fn(V) -> T) -> Vec<T> {
        let mut made = Vec::with_capacity(rows);
        self.each(values, |value| made.push(make(value)));
        made
    }
}

fn text_column(texts: &StringChunked, kept: &Kept) -> TextColumn {
    bytes_column(texts.len(), texts.iter().map(|text| text.map(str::as_bytes)), kept)
}

fn bytes_column<'a>(rows: usize, values: impl Iterator<Item = Option<&'a [u8]>>, kept: &Kept) -> TextColumn {
    // Ids are about this long.
    let mut column = TextColumn::with_capacity(rows, rows * 12);
    kept.each(values, |value| column.push(value.unwrap_or_default()));
    column
}

/// The series of a role, where a run has it, made into something.
fn of_role<T>(
    rows: &DataFrame,
    role: &str,
    column: &Option<ColumnRef>,
    make: impl FnOnce(&Series, &ColumnRef) -> Result<T, InputError>,
) -> Result<Option<T>, InputError> {
    let Some(column) = column else { return Ok(None) };
    make(&role_series(rows, role, &column.spelled)?, column).map(Some)
}

fn role_series(rows: &DataFrame, role: &str, name: &str) -> Result<Series, InputError> {
    let column = rows.column(role).map_err(|error| polars_error(name, &error))?;
    Ok(column.as_materialized_series().clone())
}
