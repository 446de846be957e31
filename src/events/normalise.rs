//! Rows to events: every accepted type becomes a plain column, impossible rows are rejected and counted
//! (SPEC 1 and SPEC 2, step 2).

use polars::prelude::*;

use super::columns::ColumnRef;
use super::dictionary::EventDictionary;
use super::error::InputError;
use super::kind::Kind;
use super::roles::{KeyType, Roles, Value};
use crate::job::dates::instant_of;
use crate::job::{Input, TimeRange, TimeUnit as JobUnit};
use crate::sessionize::columns::{EventBatch, KeyColumn, TextColumn, ValueColumn};
use crate::sessionize::intern::Interner;
use crate::sessionize::session_id::{is_valid_number, is_valid_text};
use crate::sessionize::time::Timestamp;

/// What became of the rows that were read. Merging is addition; the default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that passed the condition.
    pub passed: u64,
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
}

impl<'a> Normaliser<'a> {
    /// For the columns of a run; event types are added to `types`.
    pub fn new(input: &Input, roles: &'a Roles, types: &'a EventDictionary) -> Self {
        Normaliser { roles, times: input.times, time_unit: input.time_unit, types }
    }

    /// The events of a batch of rows.
    ///
    /// # Errors
    /// A value that its role's type cannot hold.
    pub fn events(&self, rows: &DataFrame) -> Result<(EventBatch, RowCounts), InputError> {
        let mut counts = RowCounts { passed: rows.height() as u64, ..RowCounts::default() };
        let times = self.times_of(rows)?;
        let users = self.users(rows)?;
        let mut kept = Vec::with_capacity(rows.height());
        let mut kept_times = Vec::with_capacity(rows.height());
        for (row, time) in times.iter().enumerate() {
            let possible = time.filter(|time| self.times.holds(*time));
            counts.latest = counts.latest.max(possible);
            let rejection = match (users.has(row), time, possible) {
                (false, ..) => Rejection::NoUser,
                (true, None, _) => Rejection::NoTime,
                (true, Some(_), None) => Rejection::TimeOutOfRange,
                (true, Some(_), Some(time)) => {
                    kept.push(row as u32);
                    kept_times.push(time);
                    continue;
                }
            };
            counts.rejected[rejection as usize] += 1;
        }
        counts.earliest = kept_times.iter().min().copied();
        let value_column = self.roles.value.as_ref().map(|value| value.column.clone());
        let values = of_role(rows, "value", &value_column, |series, _| match &self.roles.value {
            Some(value) => values(series, value, &kept).map(Some),
            None => Ok(None),
        })?;
        let batch = EventBatch {
            users: users.into_kept(&kept),
            times: kept_times,
            events: of_role(rows, "event", &self.roles.event, |series, column| {
                self.event_codes(series, column, &kept)
            })?,
            values: values.flatten(),
            sequence: of_role(rows, "sequence", &self.roles.sequence, |series, column| {
                sequence(series, column, &kept)
            })?,
            unique_ids: of_role(rows, "dedup", &self.roles.dedup, |series, column| {
                Ok(text_column(&texts(series, column)?, &kept))
            })?,
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
            Some(unit) => unit.instant(text.parse().ok()?),
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

    fn event_codes(&self, series: &Series, column: &ColumnRef, kept: &[u32]) -> Result<Vec<u32>, InputError> {
        let texts = texts(series, column)?;
        let mut interner = Interner::of_text();
        let local: Vec<Option<u32>> =
            each_kept(&texts, kept).map(|text| text.map(|text| interner.intern_text(text.as_bytes()))).collect();
        let (distinct, ranks) = interner.into_ranked();
        let KeyColumn::Text(distinct) = distinct else { return Ok(Vec::new()) };
        // All values came out of text columns.
        let codes = self.types.codes(distinct.iter().map(|text| std::str::from_utf8(text).unwrap_or_default()));
        Ok(local.into_iter().map(|code| code.map_or(0, |code| codes[ranks[code as usize] as usize])).collect())
    }
}

/// The users of a batch; a row without one has null.
enum Users {
    Int(Int64Chunked),
    Text(StringChunked),
}

impl Users {
    fn has(&self, row: usize) -> bool {
        match self {
            Users::Int(users) => users.get(row).is_some(),
            Users::Text(users) => users.get(row).is_some(),
        }
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

    fn into_kept(self, kept: &[u32]) -> KeyColumn {
        match self {
            Users::Int(users) => KeyColumn::Int(each_kept(&users, kept).map(Option::unwrap_or_default).collect()),
            Users::Text(users) => KeyColumn::Text(text_column(&users, kept)),
        }
    }
}

/// Session ids or property values of the rows kept.
fn values(series: &Series, value: &Value, kept: &[u32]) -> Result<ValueColumn, InputError> {
    let (name, key_type, session_id) = (value.column.spelled.as_str(), value.key_type, value.is_session_id);
    if key_type == KeyType::Text {
        let texts = texts(series, &value.column)?;
        let is_valid = |text: &str| if session_id { is_valid_text(text.as_bytes()) } else { !text.is_empty() };
        let valid = each_kept(&texts, kept).map(|text| text.is_some_and(is_valid)).collect();
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
    let valid = each_kept(&numbers, kept).map(|number| number.is_some_and(is_valid)).collect();
    let keys = KeyColumn::Int(each_kept(&numbers, kept).map(Option::unwrap_or_default).collect());
    Ok(ValueColumn { keys, valid })
}

/// A whole-valued float as an integer; anything else is no id.
fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

/// A floating value as an integer of the same order; NaN is no value, and both zeros are one.
fn ordered(value: f64) -> Option<i64> {
    if value.is_nan() {
        return None;
    }
    let bits = (value + 0.0).to_bits() as i64;
    Some(bits ^ (((bits >> 63) as u64) >> 1) as i64)
}

/// The floating value that an integer of [`ordered`] stands for.
pub fn float_of(ordered: i64) -> f64 {
    f64::from_bits((ordered ^ (((ordered >> 63) as u64) >> 1) as i64) as u64)
}

fn sequence(series: &Series, column: &ColumnRef, kept: &[u32]) -> Result<Vec<i64>, InputError> {
    let numbers = integers(series, &column.spelled)?;
    // Nulls come first; a real i64::MIN would tie with them, and nobody counts from there.
    Ok(each_kept(&numbers, kept).map(|number| number.unwrap_or(i64::MIN)).collect())
}

fn text_column(texts: &StringChunked, kept: &[u32]) -> TextColumn {
    // Ids are about this long.
    let mut column = TextColumn::with_capacity(kept.len(), kept.len() * 12);
    for text in each_kept(texts, kept) {
        column.push(text.unwrap_or_default().as_bytes());
    }
    column
}

/// The values of the rows kept, in order; `kept` ascends.
fn each_kept<'a, C: ChunkAccess<'a>>(column: &'a C, kept: &'a [u32]) -> impl Iterator<Item = Option<C::Value>> + 'a {
    let mut next = 0;
    let mut values = column.values();
    kept.iter().map(move |row| {
        let skip = *row as usize - next;
        next = *row as usize + 1;
        values.nth(skip).flatten()
    })
}

/// Columns of several chunks, walked without looking for the chunk of each row.
trait ChunkAccess<'a> {
    type Value;
    fn values(&'a self) -> Box<dyn Iterator<Item = Option<Self::Value>> + 'a>;
}

impl<'a> ChunkAccess<'a> for Int64Chunked {
    type Value = i64;
    fn values(&'a self) -> Box<dyn Iterator<Item = Option<i64>> + 'a> {
        Box::new(self.iter())
    }
}

impl<'a> ChunkAccess<'a> for StringChunked {
    type Value = &'a str;
    fn values(&'a self) -> Box<dyn Iterator<Item = Option<&'a str>> + 'a> {
        Box::new(self.iter())
    }
}

fn non_empty(texts: &StringChunked) -> StringChunked {
    if texts.iter().all(|text| text != Some("")) {
        return texts.clone();
    }
    texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect()
}

/// Integers, and numbers in JSON text, as 64-bit ones.
fn integers(series: &Series, name: &str) -> Result<Int64Chunked, InputError> {
    let wide = match series.dtype() {
        DataType::Int64 => series.clone(),
        DataType::String => series.cast(&DataType::Int64).map_err(|error| polars_error(name, &error))?,
        _ => cast(series, &DataType::Int64, name)?,
    };
    wide.i64().cloned().map_err(|error| polars_error(name, &error))
}

/// Values that must all fit another type.
fn cast(series: &Series, dtype: &DataType, name: &str) -> Result<Series, InputError> {
    let cast = series.cast(dtype).map_err(|error| polars_error(name, &error))?;
    if cast.null_count() > series.null_count() {
        let lost = series.is_not_null() & cast.is_null();
        let value = series.filter(&lost).ok().and_then(|values| values.get(0).ok().map(|value| value.to_string()));
        return Err(InputError::Value {
            column: name.to_string(),
            value: value.unwrap_or_else(|| "a value".to_string()),
            problem: "more than a signed 64-bit integer can hold",
            way_out: "write the column as text instead",
        });
    }
    Ok(cast)
}

/// Single values of any type as text.
fn texts(series: &Series, column: &ColumnRef) -> Result<StringChunked, InputError> {
    let name = &column.spelled;
    match series.dtype() {
        DataType::String => series.str().cloned(),
        DataType::Binary => return bytes_as_text(series, column),
        _ => series.cast(&DataType::String).and_then(|text| text.str().cloned()),
    }
    .map_err(|error| polars_error(name, &error))
}

/// A UUID's sixteen bytes in its usual spelling; other bytes have to be text.
fn bytes_as_text(series: &Series, column: &ColumnRef) -> Result<StringChunked, InputError> {
    let values = series.binary().map_err(|error| polars_error(&column.spelled, &error))?;
    let is_uuid = column.kind == Kind::Uuid;
    let text = |bytes: &[u8]| match <[u8; 16]>::try_from(bytes) {
        Ok(uuid) if is_uuid => Ok(uuid_text(uuid)),
        _ => std::str::from_utf8(bytes).map(str::to_string).map_err(|_| InputError::Value {
            column: column.spelled.clone(),
            value: format!("{} bytes", bytes.len()),
            problem: "no UTF-8 text",
            way_out: "write the column as text instead",
        }),
    };
    let texts: Vec<Option<String>> =
        values.iter().map(|bytes| bytes.map(text).transpose()).collect::<Result<_, _>>()?;
    Ok(texts.into_iter().collect())
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

fn uuid_text(bytes: [u8; 16]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn polars_error(column: &str, error: &PolarsError) -> InputError {
    InputError::Unreadable { reason: format!("the column `{column}`: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order_as_integers_and_come_back() {
        let floats = [f64::NEG_INFINITY, -1.5, -0.0, f64::MIN_POSITIVE, 2.0, f64::INFINITY];
        let ordered: Vec<i64> = floats.iter().filter_map(|value| ordered(*value)).collect();
        assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ordered.iter().zip(floats).all(|(number, value)| float_of(*number) == value));
        assert_eq!(super::ordered(f64::NAN), None);
    }

    #[test]
    fn whole_floats_are_ids_and_others_are_not() {
        assert_eq!(whole(1_767_225_600_000.0), Some(1_767_225_600_000));
        assert_eq!((whole(1.5), whole(f64::NAN), whole(1e300)), (None, None, None));
    }

    #[test]
    fn a_uuid_is_written_in_its_usual_groups() {
        let bytes: Vec<u8> = (0xF0u8..=0xFF).collect();
        assert_eq!(uuid_text(bytes.try_into().expect("sixteen")), "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff");
    }
}
