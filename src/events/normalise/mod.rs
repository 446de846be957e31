//! Makes events of columns by role. Rows without a user or a possible time are rejected and counted by
//! `Normaliser::accepted` (SPEC 1 and SPEC 2, step 2).

pub mod convert;
pub mod error;
pub mod extract;
pub mod far_times;
pub mod json;
pub mod project;
pub mod texts;
pub mod unread;
pub mod uuids;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, StringViewArray, UInt32Array};
use arrow::compute::kernels::zip::zip;
use arrow::compute::take;
use arrow::datatypes::{
    DataType, Int64Type, TimeUnit as ArrowUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};

use serde::{Deserialize, Serialize};

use self::project::RoleColumns;
use super::aliases::table::{AliasRows, AliasTable};
use super::decode::coded::coded;
use super::decode::dictionaries::{CodedText, Dictionaries, Keys};
use super::decode::dictionary::EventDictionary;
use super::decode::owned::numbers_of;
use super::error::InputError;
use super::source::roles::{KeyType, Roles};
use crate::job::instants::Instants;
use crate::job::timeouts::Timeouts;
use crate::job::times::Times;
use crate::job::{Input, TimeRange, TimeUnit as JobUnit};
use crate::sessionize::event_types::MOST_TYPES_WITH_CLASSES;
use crate::sessionize::layout::columns::{gather, Coded, EventBatch, KeyColumn, TextColumn, ValueColumn, Values};
use crate::sessionize::session_id::{is_valid_number, is_valid_text};
use crate::sessionize::time::Timestamp;

/// What became of the rows that were read. Merging is addition; the default changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowCounts {
    /// Rows that passed the condition, those of `outside` and `rejected` among them.
    pub passed: u64,
    /// Rows that did not, of the row groups that were read.
    pub filtered: u64,
    /// Rows among these whose time this run does not read. They are not looked at further, so none of them is rejected.
    pub outside: u64,
    /// Events whose user is now another; `None` where users are as read.
    pub aliased: Option<u64>,
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
        self.filtered += other.filtered;
        self.outside += other.outside;
        self.aliased = match (self.aliased, other.aliased) {
            (Some(mine), Some(more)) => Some(mine + more),
            (mine, more) => mine.or(more),
        };
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
    /// Who users are; `None` where they are as read.
    aliases: Option<&'a AliasTable>,
}

impl<'a> Normaliser<'a> {
    /// For the columns of a run; event types are added to `types`.
    pub fn new(input: &Input, roles: &'a Roles, types: &'a EventDictionary) -> Self {
        Normaliser { roles, times: input.times, time_unit: input.time_unit, types, read: None, aliases: None }
    }

    /// Has users be those whom a mapping says they are.
    pub fn naming(self, aliases: Option<&'a AliasTable>) -> Self {
        Normaliser { aliases, ..self }
    }

    /// Who the users of a batch of rows are, all of which have one; of rows without a time, who they were first.
    ///
    /// # Errors
    /// As [`Normaliser::events`].
    pub fn who(&self, rows: &RoleColumns) -> Result<Coded, InputError> {
        let known = &mut Dictionaries::default();
        let users = self.users(rows.users.clone(), known.users())?;
        let users = users_as_codes(users, known.users());
        let times = self.micros(Arc::clone(&rows.time))?;
        let times: Vec<Timestamp> = times.into_iter().map(Timestamp::from_micros).collect();
        Ok(match self.aliases {
            None => users,
            Some(aliases) => known.replaced().replace(users, &times, aliases).0,
        })
    }

    /// The rows of a batch of a mapping of users that have a name.
    ///
    /// # Errors
    /// A column of a type that its role does not take, a time that cannot be read.
    pub fn aliases(&self, rows: RoleColumns) -> Result<AliasRows, InputError> {
        let known = &mut Dictionaries::default();
        let since = self.micros(Arc::clone(&rows.time))?;
        let is_there = |row: usize| rows.time.is_valid(row) && !rows.time.data_type().is_null();
        if let Some(row) = (0..since.len()).find(|row| since[*row] == NO_TIME && is_there(*row)) {
            let value = rows.time.as_string_view_opt().map(|texts| texts.value(row).to_string());
            return Err(InputError::AliasTime { column: self.roles.time.spelled.clone(), value });
        }
        let users = self.users(rows.users, known.users())?;
        let named: UInt32Array = match missing(&users, known.users()) {
            None => (0..users.len() as u32).collect(),
            Some(missing) => (0..users.len()).filter(|row| !missing.value(*row)).map(|row| row as u32).collect(),
        };
        let only_named = |column: &ArrayRef| take(column, &named, None).map_err(|error| unreadable(&error.to_string()));
        let of_rows = |coded: &Coded| coded.keys.gather(&coded.codes);
        let to = rows.value.as_ref().map(only_named).transpose()?;
        let to = to.map(|to| self.values(to, known)).transpose()?;
        let to = to.unwrap_or_else(|| ValueColumn::none(named.len(), self.roles.user_type == KeyType::Text));
        Ok(AliasRows {
            from: of_rows(&users_as_codes(only_named(&users)?, known.users())),
            to: match &to.values {
                Values::Int(numbers) => KeyColumn::Int(numbers.clone()),
                Values::Text(texts) => of_rows(texts),
            },
            to_valid: to.valid,
            since: gather(&since, named.values()),
        })
    }

    /// Leaves rows out whose times are none of these.
    pub fn reading(self, times: Option<&'a Times>) -> Self {
        Normaliser { read: times, ..self }
    }

    /// The events of a batch of rows.
    ///
    /// # Errors
    /// A column of a type that its role does not take.
    pub fn events(&self, rows: RoleColumns) -> Result<(EventBatch, RowCounts), InputError> {
        self.events_beside(rows, &mut Dictionaries::default())
    }

    /// The events of a batch of rows; `known` are the dictionaries of the batches before.
    ///
    /// # Errors
    /// As [`Normaliser::events`].
    pub fn events_beside(
        &self,
        rows: RoleColumns,
        known: &mut Dictionaries,
    ) -> Result<(EventBatch, RowCounts), InputError> {
        let mut counts = RowCounts { passed: rows.rows as u64, filtered: rows.filtered as u64, ..RowCounts::default() };
        let users = self.users(rows.users, known.users())?;
        let times = self.micros(rows.time)?;
        let kept = self.accepted(&times, missing(&users, known.users()), &mut counts);
        let times: Vec<Timestamp> = match &kept {
            None => times.into_iter().map(Timestamp::from_micros).collect(),
            Some(kept) => kept.values().iter().map(|row| Timestamp::from_micros(times[*row as usize])).collect(),
        };
        let only_kept = |column: ArrayRef| match &kept {
            None => Ok(column),
            Some(kept) => take(&column, kept, None).map_err(|error| unreadable(&error.to_string())),
        };
        let column = |column: Option<ArrayRef>| column.map(only_kept).transpose();
        let coded_kept = |keys: Coded| match &kept {
            None => keys,
            Some(kept) => Coded { codes: gather(&keys.codes, kept.values()), ..keys },
        };
        let users = users_as_codes(only_kept(users)?, known.users());
        let users = match self.aliases {
            None => users,
            Some(aliases) => {
                let (users, others) = known.replaced().replace(users, &times, aliases);
                counts.aliased = Some(others);
                users
            }
        };
        let batch = EventBatch {
            users,
            times,
            events: self.with_classes(
                column(rows.event)?.map(|events| self.event_codes(&events, known)).transpose()?,
                column(rows.timeout)?,
            )?,
            values: column(rows.value)?.map(|values| self.values(values, known)).transpose()?,
            sequence: column(rows.sequence)?.map(sequence),
            unique_ids: column(rows.dedup)?.as_ref().map(unique_ids),
            facts: rows.facts.map(coded_kept),
            watched: rows.watched.map(coded_kept),
            partial_sessions: None,
        };
        Ok((batch, counts))
    }

    /// The latest possible time of a batch of which only times were read.
    ///
    /// # Errors
    /// A time column of a type that is none.
    pub fn latest(&self, rows: RoleColumns) -> Result<Option<Timestamp>, InputError> {
        let times = self.micros(rows.time)?;
        Ok(times.into_iter().map(Timestamp::from_micros).filter(|time| self.times.holds(*time)).max())
    }

    /// The rows that are events; counts the rejected ones and those of other times. `None` where all rows are events.
    fn accepted(&self, times: &[i64], missing: Option<BooleanArray>, counts: &mut RowCounts) -> Option<UInt32Array> {
        let (least, most) =
            times.iter().fold((i64::MAX, i64::MIN), |(least, most), time| (least.min(*time), most.max(*time)));
        let possible = |micros: i64| self.times.holds(Timestamp::from_micros(micros));
        let read = |micros: i64| self.read.is_none_or(|read| read.holds(Timestamp::from_micros(micros)));
        let all_read =
            self.read.is_none_or(|read| read.covers(Timestamp::from_micros(least), Timestamp::from_micros(most)));
        if missing.is_none() && (times.is_empty() || possible(least) && possible(most) && all_read) {
            if !times.is_empty() {
                counts.earliest = Some(Timestamp::from_micros(least));
                counts.latest = Some(Timestamp::from_micros(most));
            }
            return None;
        }
        let mut kept = Vec::with_capacity(times.len());
        for (row, micros) in times.iter().enumerate() {
            let time = Timestamp::from_micros(*micros);
            if possible(*micros) {
                counts.latest = counts.latest.max(Some(time));
            }
            if possible(*micros) && !read(*micros) {
                counts.outside += 1;
                continue;
            }
            let rejection = if missing.as_ref().is_some_and(|missing| missing.value(row)) {
                Rejection::NoUser
            } else if *micros == NO_TIME {
                Rejection::NoTime
            } else if !possible(*micros) {
                Rejection::TimeOutOfRange
            } else {
                counts.earliest = Some(counts.earliest.map_or(time, |earliest| earliest.min(time)));
                kept.push(row as u32);
                continue;
            };
            counts.rejected[rejection as usize] += 1;
        }
        Some(UInt32Array::from(kept))
    }

    /// Times in microseconds; [`NO_TIME`] where there is none.
    fn micros(&self, times: ArrayRef) -> Result<Vec<i64>, InputError> {
        let counts = match times.data_type() {
            DataType::Timestamp(ArrowUnit::Second, _) => times.as_primitive::<TimestampSecondType>().values(),
            DataType::Timestamp(ArrowUnit::Millisecond, _) => times.as_primitive::<TimestampMillisecondType>().values(),
            DataType::Timestamp(ArrowUnit::Microsecond, _) if times.null_count() == 0 => {
                return Ok(numbers_of::<TimestampMicrosecondType>(times));
            }
            DataType::Timestamp(ArrowUnit::Microsecond, _) => times.as_primitive::<TimestampMicrosecondType>().values(),
            DataType::Timestamp(ArrowUnit::Nanosecond, _) => times.as_primitive::<TimestampNanosecondType>().values(),
            DataType::Int64 => times.as_primitive::<Int64Type>().values(),
            DataType::Utf8View => {
                let mut instants = Instants::default();
                let mut time = |text: Option<&str>| self.time_of_text(text?, &mut instants).map(Timestamp::micros);
                return Ok(times.as_string_view().iter().map(|text| time(text).unwrap_or(NO_TIME)).collect());
            }
            DataType::Null => return Ok(vec![NO_TIME; times.len()]),
            other => return Err(unreadable(&format!("the column `{}` is {other}", self.roles.time.spelled))),
        };
        let unit = match times.data_type() {
            DataType::Timestamp(ArrowUnit::Second, _) => JobUnit::Seconds,
            DataType::Timestamp(ArrowUnit::Millisecond, _) => JobUnit::Millis,
            DataType::Timestamp(ArrowUnit::Nanosecond, _) => JobUnit::Nanos,
            DataType::Int64 => self.time_unit.unwrap_or(JobUnit::Micros),
            _ => JobUnit::Micros,
        };
        let micros = |(row, count): (usize, &i64)| match times.is_valid(row) {
            true => unit.instant(*count).map_or(NO_TIME, Timestamp::micros),
            false => NO_TIME,
        };
        Ok(counts.iter().enumerate().map(micros).collect())
    }

    fn time_of_text(&self, text: &str, instants: &mut Instants) -> Option<Timestamp> {
        match self.time_unit {
            // A number in JSON text: a unit was given for it.
            Some(unit) => match text.parse() {
                Ok(count) => unit.instant(count),
                Err(_) => unit.instant_of_fraction(text.parse().ok()?),
            },
            None => instants.read(text),
        }
    }

    /// The first user of each row that is there and not empty.
    fn users(&self, columns: Vec<ArrayRef>, known: &mut Keys) -> Result<ArrayRef, InputError> {
        let typed = |users: ArrayRef| match (users.data_type(), self.roles.user_type) {
            (DataType::Null, KeyType::Int) => Arc::new(Int64Array::new_null(users.len())) as ArrayRef,
            (DataType::Null, _) => Arc::new(StringViewArray::new_null(users.len())) as ArrayRef,
            _ => users,
        };
        let mut columns = columns.into_iter().map(typed);
        let mut users = columns.next().ok_or_else(|| unreadable("there is no user column"))?;
        for next in columns {
            let Some(missing) = missing(&users, known) else { break };
            users = zip(&missing, &next, &users).map_err(|error| unreadable(&error.to_string()))?;
        }
        Ok(users)
    }

    fn event_codes(&self, events: &ArrayRef, known: &mut Dictionaries) -> Result<Vec<u32>, InputError> {
        if let Some(text) = CodedText::of(events) {
            return Ok(known.events(text, self.types));
        }
        let Some(texts) = events.as_string_view_opt() else {
            return match events.data_type() {
                DataType::Null => Ok(vec![0; events.len()]),
                other => Err(unreadable(&format!("event types are {other}"))),
            };
        };
        let Coded { keys, mut codes, .. } = coded(texts);
        let KeyColumn::Text(distinct) = keys.as_ref() else { return Ok(Vec::new()) };
        // All values came out of text columns.
        let of_run = self.types.codes(distinct.iter().map(|text| std::str::from_utf8(text).unwrap_or_default()));
        for (row, code) in codes.iter_mut().enumerate() {
            *code = if texts.is_null(row) { 0 } else { of_run[*code as usize] };
        }
        Ok(codes)
    }

    /// The codes of events' types with the classes of their values in the column that timeouts differ by.
    fn with_classes(&self, codes: Option<Vec<u32>>, by: Option<ArrayRef>) -> Result<Option<Vec<u32>>, InputError> {
        let (Some(by), Some(role)) = (by, &self.roles.timeout) else { return Ok(codes) };
        let of_rows = classes(&by, &role.timeouts)?;
        let Some(mut codes) = codes else { return Ok(Some(of_rows)) };
        if codes.iter().any(|code| *code >= MOST_TYPES_WITH_CLASSES) {
            let reason = "it has more than two million event types, too many where timeouts differ by a column";
            return Err(unreadable(reason));
        }
        let number = role.timeouts.classes();
        codes.iter_mut().zip(of_rows).for_each(|(code, class)| *code = *code * number + class);
        Ok(Some(codes))
    }

    /// Session ids or property values.
    fn values(&self, values: ArrayRef, known: &mut Dictionaries) -> Result<ValueColumn, InputError> {
        let is_session_id = self.roles.value.as_ref().is_some_and(|value| value.is_session_id);
        let is_text = self.roles.value.as_ref().is_some_and(|value| value.key_type == KeyType::Text);
        let is_valid = |text: &str| if is_session_id { is_valid_text(text.as_bytes()) } else { !text.is_empty() };
        if let Some(text) = CodedText::of(&values) {
            let valid = known.values().valid_rows(text, is_valid);
            return Ok(ValueColumn { values: Values::Text(known.values().of_codes(values)), valid });
        }
        match values.data_type() {
            DataType::Null => Ok(ValueColumn::none(values.len(), is_text)),
            DataType::Int64 => {
                let numbers = values.as_primitive::<Int64Type>().values();
                let is_valid = |number: &i64| !is_session_id || is_valid_number(*number);
                let valid = match values.nulls() {
                    None => numbers.iter().map(is_valid).collect(),
                    Some(nulls) => numbers.iter().zip(nulls).map(|(number, there)| there && is_valid(number)).collect(),
                };
                Ok(ValueColumn::new(Values::Int(numbers_of::<Int64Type>(values)), valid))
            }
            DataType::Utf8View => {
                let texts = values.as_string_view();
                let valid = texts.iter().map(|text| text.is_some_and(is_valid));
                Ok(ValueColumn::new(Values::Text(known.values().of_text(texts)), valid.collect()))
            }
            other => Err(unreadable(&format!("what events are grouped by is {other}"))),
        }
    }
}

/// In place of a time that is not there or cannot be read; no job can make it possible.
const NO_TIME: i64 = i64::MIN;

fn unreadable(reason: &str) -> InputError {
    InputError::Unreadable { reason: reason.to_string() }
}

/// Which rows have no user, or an empty one; `None` where all have one.
fn missing(users: &ArrayRef, known: &mut Keys) -> Option<BooleanArray> {
    if let Some(text) = CodedText::of(users) {
        let there = known.valid_rows(text, |user| !user.is_empty())?;
        return Some(there.into_iter().map(|there| Some(!there)).collect());
    }
    let Some(texts) = users.as_string_view_opt() else {
        return (users.null_count() > 0).then(|| (0..users.len()).map(|row| Some(users.is_null(row))).collect());
    };
    // A view begins with the length.
    let any_empty = texts.views().iter().any(|view| *view as u32 == 0);
    let is_missing = |row| texts.is_null(row) || texts.value(row).is_empty();
    (any_empty || texts.null_count() > 0).then(|| (0..texts.len()).map(|row| Some(is_missing(row))).collect())
}

/// Users as codes; all have one.
fn users_as_codes(users: ArrayRef, known: &mut Keys) -> Coded {
    match (CodedText::of(&users).is_some(), users.as_string_view_opt()) {
        (true, _) => known.of_codes(users),
        (false, Some(texts)) => known.of_text(texts),
        (false, None) => known.of_numbers(users.as_primitive::<Int64Type>().values()),
    }
}

/// The class of each value in the column that timeouts differ by.
fn classes(values: &ArrayRef, timeouts: &Timeouts) -> Result<Vec<u32>, InputError> {
    if let Some(text) = CodedText::of(values) {
        let of_codes: Vec<u32> = text.texts().iter().map(|value| timeouts.class_of(value)).collect();
        return Ok(text.look_up(&of_codes, timeouts.class_of(None)));
    }
    if let Some(texts) = values.as_string_view_opt() {
        return Ok(texts.iter().map(|value| timeouts.class_of(value)).collect());
    }
    match values.data_type() {
        DataType::Null => Ok(vec![timeouts.class_of(None); values.len()]),
        other => Err(unreadable(&format!("what timeouts differ by is {other}"))),
    }
}

fn sequence(numbers: ArrayRef) -> Vec<i64> {
    match numbers.as_primitive_opt::<Int64Type>() {
        None => vec![i64::MIN; numbers.len()],
        // Nulls come first; a real i64::MIN would tie with them, and nobody counts from there.
        Some(some) if some.null_count() > 0 => some.iter().map(|number| number.unwrap_or(i64::MIN)).collect(),
        Some(_) => numbers_of::<Int64Type>(numbers),
    }
}

fn unique_ids(ids: &ArrayRef) -> TextColumn {
    // Ids are about this long.
    let mut column = TextColumn::with_capacity(ids.len(), ids.len() * 12);
    match (ids.as_string_view_opt(), ids.as_binary_view_opt()) {
        (Some(texts), _) => texts.iter().for_each(|text| column.push(text.unwrap_or_default().as_bytes())),
        (None, Some(bytes)) => bytes.iter().for_each(|bytes| column.push(bytes.unwrap_or_default())),
        (None, None) => (0..ids.len()).for_each(|_| column.push(b"")),
    }
    column
}
