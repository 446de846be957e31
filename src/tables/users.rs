//! `users/`: a row for each user of the activity and sessions tables of all events (SPEC 4), summed up over their files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray, UInt32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType, UInt32Type};
use arrow::error::ArrowError;
use rayon::prelude::*;

use super::error::TableError;
use super::of_users::{in_shares, types_of, Keys, OfUsers, Share, TooMany};
use super::read::columns_in_slices;
use super::schema::key_columns::data_type;
use super::schema::sessions::{key_array, Key};
use super::write::parquet_file::{ParquetFile, Provenance, Size, ROW_GROUP_ROWS, SLICE_ROWS};
use super::write::parts::{in_fewer_parts, Merge, PartFile, Slices};
use crate::cancel;
use crate::error::Error;
use crate::events::source::roles::KeyType;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::merge::AllUsers;
use crate::sessionize::table_rows::records::{ActivityRow, SessionRow};
use crate::sessionize::time::{Day, Timestamp};

/// The folder of the table.
pub const USERS: &str = "users";

/// A file of the table, within the output folder.
pub fn file_of(number: usize) -> PathBuf {
    Path::new(USERS).join(format!("part-{number}.parquet"))
}

/// Whether a file within the output folder is one of this table.
pub fn owns(file: &Path) -> bool {
    let number = |name: &str| name.strip_prefix("part-")?.strip_suffix(".parquet")?.parse().ok();
    let name = file.file_name().and_then(|name| name.to_str());
    name.and_then(number).is_some_and(|number| file == file_of(number))
}

/// The tables that the users are of: their files with their dates.
#[derive(Clone, Debug, Default)]
pub struct UserTables {
    /// Of the sessions table.
    pub sessions: Vec<(Day, PathBuf)>,
    /// Of the activity table.
    pub activity: Vec<(Day, PathBuf)>,
}

/// What is known of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct User {
    active: Option<(Day, Day)>,
    active_days: u32,
    events: i64,
    sessions: u32,
    time_spent_ms: i64,
    /// The first start, and the latest end.
    spent: Option<(Timestamp, Timestamp)>,
}

impl User {
    /// Adds a date on which the user is active.
    fn add_active(&mut self, day: Day, events: u32) {
        self.active = Some(self.active.map_or((day, day), |(first, last)| (first.min(day), last.max(day))));
        self.active_days += 1;
        self.events += i64::from(events);
    }

    /// Adds a session.
    fn add_session(&mut self, start: Timestamp, end: Timestamp, length_ms: i64) {
        self.spent = Some(self.spent.map_or((start, end), |(first, last)| (first.min(start), last.max(end))));
        self.sessions += 1;
        self.time_spent_ms += length_ms;
    }
}

/// How the table is written.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'a> {
    /// The type of users.
    pub user_type: KeyType,
    /// What it says of itself.
    pub provenance: &'a Provenance,
    /// Bytes of memory that users may take, if there is a limit.
    pub room: Option<usize>,
    /// A folder for its parts.
    pub scratch: &'a Path,
}

impl Writing<'_> {
    /// The same of rows that are in memory, which are all that the tables have.
    ///
    /// # Errors
    /// A file that cannot be written; an interruption.
    pub fn write_rows(
        &self,
        partitions: &[Partition],
        users: &AllUsers,
        place: impl Fn(usize) -> Result<PathBuf, TableError>,
    ) -> Result<(Vec<PathBuf>, Size), Error> {
        let states = sum_of_rows(partitions, users);
        let ranks: Vec<usize> = (0..states.len()).filter(|rank| states[*rank] != User::default()).collect();
        let mut ranks = ranks.chunks(SLICE_ROWS);
        let slices = std::iter::from_fn(|| {
            let ranks = ranks.next()?;
            let key = |rank: &usize| {
                let (column, row) = users.find(*rank);
                Key::at(column, row)
            };
            let of_slice: Vec<User> = ranks.iter().map(|rank| states[*rank]).collect();
            let rows = self.batch(key_array(self.user_type, ranks.iter().map(key)), &of_slice);
            Some(rows.map_err(|error| TableError::of_rows(Path::new(USERS), &error)))
        });
        self.merge(Vec::new(), Box::new(slices), place)
    }

    /// Sums the tables up, and writes the table to the files that `place` names, of at most so many users each as a row group
    /// has rows; where there is no user, a file without rows. Returns the files.
    ///
    /// # Errors
    /// A file that cannot be read, or written; an interruption.
    pub fn write(
        &self,
        tables: &UserTables,
        place: impl Fn(usize) -> Result<PathBuf, TableError>,
    ) -> Result<(Vec<PathBuf>, Size), Error> {
        in_shares(|shares| {
            let mut parts = Vec::new();
            for share in Share::all(shares) {
                let mut users = OfUsers::new(share, self.room);
                if sum_up(tables, &mut users)?.is_err() {
                    return Ok(Err(TooMany));
                }
                let slices = self.slices(users);
                if share.number() + 1 == shares {
                    return Ok(Ok(self.merge(parts, slices, &place)?));
                }
                std::fs::create_dir_all(self.scratch).map_err(|error| TableError::write(self.scratch, &error))?;
                let path = self.scratch.join(format!("users-{}-of-{shares}.arrow", share.number()));
                let mut part = PartFile::create(&path, &self.schema())?;
                slices.into_iter().try_for_each(|rows| part.write(&rows?))?;
                part.finish()?;
                parts.push(path);
            }
            Ok(Err(TooMany))
        })
    }

    fn schema(&self) -> SchemaRef {
        let instant = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        Arc::new(Schema::new(vec![
            Field::new("user_id", data_type(self.user_type), false),
            Field::new("first_active_date", DataType::Date32, true),
            Field::new("last_active_date", DataType::Date32, true),
            Field::new("active_days", DataType::UInt32, false),
            Field::new("events", DataType::Int64, false),
            Field::new("sessions", DataType::UInt32, false),
            Field::new("time_spent_ms", DataType::Int64, false),
            Field::new("first_session_start", instant(), true),
            Field::new("last_session_end", instant(), true),
        ]))
    }

    /// Users in ascending order, a slice at a time.
    fn slices(&self, users: OfUsers<User>) -> Slices<'_> {
        let (keys, users) = users.in_order();
        let mut begin = 0;
        Box::new(std::iter::from_fn(move || {
            let end = users.len().min(begin + SLICE_ROWS);
            let rows = begin..end;
            begin = end;
            let failed = |error: ArrowError| TableError::of_rows(Path::new(USERS), &error);
            let of_keys = |keys: &KeyColumn| self.batch(self.ids(keys, rows.clone())?, &users[rows.clone()]);
            (!rows.is_empty()).then(|| of_keys(&keys).map_err(failed))
        }))
    }

    /// The users of some keys.
    fn ids(&self, keys: &KeyColumn, rows: std::ops::Range<usize>) -> Result<ArrayRef, ArrowError> {
        let user_type = data_type(self.user_type);
        // Tables are read with views of their texts.
        let is_text = matches!(user_type, DataType::LargeUtf8);
        let read_as = if is_text { DataType::Utf8View } else { user_type.clone() };
        let of_rows = rows.filter_map(|row| keys.text(row));
        cast(&Keys::of([read_as])?.column(of_rows)?, &user_type)
    }

    fn batch(&self, ids: ArrayRef, users: &[User]) -> Result<RecordBatch, ArrowError> {
        let users = || users.iter();
        let days = |day: fn((Day, Day)) -> Day| -> ArrayRef {
            Arc::new(Date32Array::from_iter(users().map(|user| Some(day(user.active?).epoch_days()))))
        };
        let instants = |time: fn((Timestamp, Timestamp)) -> Timestamp| -> ArrayRef {
            let times = users().map(|user| Some(time(user.spent?).micros()));
            Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
        };
        let columns: Vec<ArrayRef> = vec![
            ids,
            days(|(first, _)| first),
            days(|(_, last)| last),
            Arc::new(UInt32Array::from_iter_values(users().map(|user| user.active_days))),
            Arc::new(Int64Array::from_iter_values(users().map(|user| user.events))),
            Arc::new(UInt32Array::from_iter_values(users().map(|user| user.sessions))),
            Arc::new(Int64Array::from_iter_values(users().map(|user| user.time_spent_ms))),
            instants(|(first, _)| first),
            instants(|(_, last)| last),
        ];
        RecordBatch::try_new(self.schema(), columns)
    }

    /// Puts parts and the last users together.
    fn merge(
        &self,
        parts: Vec<PathBuf>,
        slices: Slices<'_>,
        place: impl Fn(usize) -> Result<PathBuf, TableError>,
    ) -> Result<(Vec<PathBuf>, Size), Error> {
        let schema = self.schema();
        let parts = in_fewer_parts(&schema, parts)?;
        let mut path = place(0)?;
        let named = path.clone();
        let mut merge = Merge::new(&named, Arc::clone(&schema), &parts, slices)?;
        let mut file = ParquetFile::create(&path, Arc::clone(&schema), self.provenance)?;
        let (mut files, mut size, mut in_file) = (Vec::new(), Size::default(), 0);
        while let Some(rows) = merge.next_slice()? {
            cancel::check()?;
            if in_file == ROW_GROUP_ROWS {
                size.merge(file.finish()?);
                files.push(path);
                path = place(files.len())?;
                file = ParquetFile::create(&path, Arc::clone(&schema), self.provenance)?;
                in_file = 0;
            }
            in_file += rows.num_rows();
            file.write(&rows)?;
        }
        size.merge(file.finish()?);
        files.push(path);
        Ok((files, size))
    }
}

/// What rows say of each user, by rank; nothing of those without any.
fn sum_of_rows(partitions: &[Partition], users: &AllUsers) -> Vec<User> {
    let of_partition = |(number, partition): (usize, &Partition)| {
        let mut own = vec![User::default(); users.ranks_of(number).len()];
        for ActivityRow { user, day, events, .. } in partition.activity_rows().iter() {
            own[user as usize].add_active(day, events);
        }
        for session in partition.session_rows().iter() {
            let SessionRow { user, start, end, .. } = session;
            own[user as usize].add_session(start, end, session.length().floor_millis());
        }
        own
    };
    let of_partitions: Vec<Vec<User>> = partitions.par_iter().enumerate().map(of_partition).collect();
    let mut all = vec![User::default(); users.len()];
    for (number, own) in of_partitions.into_iter().enumerate() {
        own.into_iter().zip(users.ranks_of(number)).for_each(|(user, rank)| all[*rank as usize] = user);
    }
    all
}

/// Adds what tables say of some users.
fn sum_up(tables: &UserTables, users: &mut OfUsers<User>) -> Result<Result<(), TooMany>, Error> {
    for (day, path) in &tables.activity {
        let rows = each_user(path, &["events"], users, |user, columns, row| {
            user.add_active(*day, columns[0].as_primitive::<UInt32Type>().value(row));
        })?;
        if rows.is_err() {
            return Ok(rows);
        }
    }
    for (_, path) in &tables.sessions {
        let rows = each_user(path, &["start_time", "end_time", "length_ms"], users, |user, columns, row| {
            let at =
                |times: &ArrayRef| Timestamp::from_micros(times.as_primitive::<TimestampMicrosecondType>().value(row));
            user.add_session(at(&columns[0]), at(&columns[1]), columns[2].as_primitive::<Int64Type>().value(row));
        })?;
        if rows.is_err() {
            return Ok(rows);
        }
    }
    Ok(Ok(()))
}

/// Adds each row of a file to what is known of its user.
fn each_user(
    path: &Path,
    names: &[&str],
    users: &mut OfUsers<User>,
    add: impl Fn(&mut User, &[ArrayRef], usize),
) -> Result<Result<(), TooMany>, Error> {
    cancel::check()?;
    let failed = |reason: String| TableError::Read { path: path.to_path_buf(), reason };
    let all: Vec<&str> = std::iter::once("user_id").chain(names.iter().copied()).collect();
    for rows in columns_in_slices(path, SLICE_ROWS, &all)? {
        let rows = rows?;
        let column = |name: &&str| {
            rows.column_by_name(name).cloned().ok_or_else(|| failed(format!("it has no column `{name}`")))
        };
        let ids = [column(&"user_id")?];
        let columns = names.iter().map(column).collect::<Result<Vec<ArrayRef>, TableError>>()?;
        let keys = Keys::of(types_of(&ids)).and_then(|keys| keys.rows(&ids));
        let keys = keys.map_err(|error| failed(error.to_string()))?;
        for (row, code) in users.codes(&keys, &keys).into_iter().enumerate() {
            if let Some(code) = code {
                add(users.of(code), &columns, row);
            }
        }
        if users.check().is_err() {
            return Ok(Err(TooMany));
        }
    }
    Ok(Ok(()))
}
