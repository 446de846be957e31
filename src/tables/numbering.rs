//! Numbers the sessions of a table by user (SPEC 4), over all of its files: those of dates that a run made, and those of
//! dates that stay. What a file says already stays unsaid; the rest goes to files of corrections, which
//! [`rewrite`](super::rewrite) takes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType, UInt32Type};
use arrow::row::Rows;

use super::error::TableError;
use super::of_users::{in_shares, types_of, Keys, OfUsers, Share, TooMany};
use super::read::columns_in_slices;
use super::schema::sessions::{PREVIOUS_END_TIME, SESSION_NUMBER};
use super::write::parquet_file::SLICE_ROWS;
use crate::cancel;
use crate::error::Error;
use crate::sessionize::table_rows::numbers::{Numbered, SoFar};
use crate::sessionize::time::{Day, Timestamp};

/// The sessions table of all events, or of a segment.
#[derive(Clone, Copy, Debug)]
pub struct Numbering<'a> {
    /// Its files by date: all of them.
    pub files: &'a BTreeMap<Day, PathBuf>,
    /// The columns that sessions are numbered by, besides the user.
    pub values: &'a [String],
    /// Bytes of memory that users may take, if there is a limit.
    pub room: Option<usize>,
    /// A folder for corrections.
    pub scratch: &'a Path,
}

/// The corrections of some dates.
pub type Corrected = BTreeMap<Day, Vec<PathBuf>>;

/// A session of a user who has several on a date, as far as it is numbered.
struct Session {
    row: u64,
    /// The code of whose it is.
    whose: u32,
    times: (Timestamp, Timestamp),
    id: Vec<u8>,
    /// What the file says.
    said: Option<Numbered>,
}

impl Numbering<'_> {
    /// Numbers the sessions of all files, and returns the corrections of those that say otherwise or nothing.
    ///
    /// # Errors
    /// A file that cannot be read, or written; an interruption.
    pub fn corrections(&self) -> Result<Corrected, Error> {
        in_shares(|shares| {
            let mut corrected = Corrected::new();
            for share in Share::all(shares) {
                let mut users = OfUsers::new(share, self.room);
                for (day, path) in self.files {
                    cancel::check()?;
                    let corrections = self.scratch.join(format!("{}-of-{shares}", share.number()));
                    std::fs::create_dir_all(&corrections).map_err(|error| TableError::write(&corrections, &error))?;
                    let corrections = corrections.join(format!("{}.numbers", day.epoch_days()));
                    let (written, held) = self.of_file(path, &mut users, &corrections)?;
                    if held.is_err() {
                        return Ok(Err(TooMany));
                    }
                    if written {
                        corrected.entry(*day).or_default().push(corrections);
                    }
                }
            }
            Ok(Ok(corrected))
        })
    }

    /// Numbers the sessions of a file, and says whether there are corrections, and whether memory holds the users.
    fn of_file(
        &self,
        path: &Path,
        users: &mut OfUsers<SoFar>,
        corrections: &Path,
    ) -> Result<(bool, Result<(), TooMany>), Error> {
        let values = self.values.iter().map(String::as_str);
        let known = ["user_id", "session_id", "start_time", "end_time", SESSION_NUMBER, PREVIOUS_END_TIME];
        let columns: Vec<&str> = known.into_iter().chain(values).collect();
        let mut corrections = CorrectionsFile { path: corrections, file: None };
        let mut first_row = 0;
        // The sessions of one user may be several, and in several slices.
        let mut of_user: Vec<Session> = Vec::new();
        let mut user = Vec::new();
        for rows in columns_in_slices(path, SLICE_ROWS, &columns)? {
            let slice = Slice::new(path, &rows?, self.values)?;
            let codes = users.codes(&slice.users, slice.keys());
            for (row, whose) in codes.into_iter().enumerate() {
                if slice.users.row(row).as_ref() != user.as_slice() {
                    number(&mut of_user, users, &mut corrections)?;
                    user.clear();
                    user.extend_from_slice(slice.users.row(row).as_ref());
                }
                let Some(whose) = whose else { continue };
                let is_alone = of_user.is_empty() && slice.ends_user(row);
                if is_alone {
                    // As nearly always: there is nothing to be put in order.
                    let numbered = users.of(whose).next(slice.said.times(row).1);
                    if slice.said.numbered(row) != Some(numbered) {
                        corrections.write(first_row + row as u64, numbered)?;
                    }
                } else {
                    of_user.push(slice.session(row, first_row, whose));
                }
            }
            first_row += slice.said.len() as u64;
            if users.check().is_err() {
                return Ok((false, Err(TooMany)));
            }
        }
        number(&mut of_user, users, &mut corrections)?;
        Ok((corrections.finish()?, Ok(())))
    }
}

/// Numbers the sessions of one user and date.
fn number(
    sessions: &mut Vec<Session>,
    users: &mut OfUsers<SoFar>,
    corrections: &mut CorrectionsFile<'_>,
) -> Result<(), TableError> {
    sessions.sort_by(|a, b| (a.times.0, &a.id).cmp(&(b.times.0, &b.id)));
    let mut wrong: Vec<(u64, Numbered)> = Vec::new();
    for session in sessions.drain(..) {
        let numbered = users.of(session.whose).next(session.times.1);
        if session.said != Some(numbered) {
            wrong.push((session.row, numbered));
        }
    }
    wrong.sort_by_key(|(row, _)| *row);
    wrong.iter().try_for_each(|(row, numbered)| corrections.write(*row, *numbered))
}

/// What rows of a file say of their times and their numbers.
pub struct Said {
    starts: ArrayRef,
    ends: ArrayRef,
    numbers: Option<(ArrayRef, ArrayRef)>,
}

impl Said {
    /// Some rows of a file.
    ///
    /// # Errors
    /// They have no times.
    pub fn of(path: &Path, rows: &RecordBatch) -> Result<Self, TableError> {
        let times = |name: &str| {
            let times = column(path, rows, name)?;
            match times.data_type() {
                DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(times),
                other => Err(unreadable(path, format!("the column `{name}` is {other} and no time"))),
            }
        };
        let optional = |name: &str| rows.column_by_name(name).cloned();
        let are_numbers = |(numbers, ends): &(ArrayRef, ArrayRef)| {
            *numbers.data_type() == DataType::UInt32
                && matches!(ends.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _))
        };
        let numbers = optional(SESSION_NUMBER).zip(optional(PREVIOUS_END_TIME)).filter(are_numbers);
        Ok(Said { starts: times("start_time")?, ends: times("end_time")?, numbers })
    }

    fn len(&self) -> usize {
        self.starts.len()
    }

    /// When the session of a row starts.
    pub fn start(&self, row: usize) -> Timestamp {
        instant(&self.starts, row)
    }

    /// When the session of a row starts and ends.
    fn times(&self, row: usize) -> (Timestamp, Timestamp) {
        (self.start(row), instant(&self.ends, row))
    }

    /// The number of the session of a row; `None` where the file has none.
    pub fn numbered(&self, row: usize) -> Option<Numbered> {
        let (numbers, ends) = self.numbers.as_ref()?;
        Some(Numbered {
            number: numbers.as_primitive::<UInt32Type>().value(row),
            previous_end: ends.is_valid(row).then(|| instant(ends, row)),
        })
    }
}

fn instant(times: &ArrayRef, row: usize) -> Timestamp {
    Timestamp::from_micros(times.as_primitive::<TimestampMicrosecondType>().value(row))
}

fn column(path: &Path, rows: &RecordBatch, name: &str) -> Result<ArrayRef, TableError> {
    rows.column_by_name(name).cloned().ok_or_else(|| unreadable(path, format!("it has no column `{name}`")))
}

fn unreadable(path: &Path, reason: String) -> TableError {
    TableError::Read { path: path.to_path_buf(), reason }
}

/// Some rows of a file.
struct Slice {
    users: Rows,
    /// Of the user and values; `None` where the users are the keys.
    keys: Option<Rows>,
    ids: Rows,
    said: Said,
}

impl Slice {
    fn new(path: &Path, rows: &RecordBatch, values: &[String]) -> Result<Self, TableError> {
        let keys_of = |columns: &[ArrayRef]| {
            let keys = Keys::of(types_of(columns)).and_then(|keys| keys.rows(columns));
            keys.map_err(|error| unreadable(path, error.to_string()))
        };
        let user = column(path, rows, "user_id")?;
        let mut key = vec![ArrayRef::clone(&user)];
        for name in values {
            key.push(column(path, rows, name)?);
        }
        Ok(Slice {
            users: keys_of(&[user])?,
            keys: (!values.is_empty()).then(|| keys_of(&key)).transpose()?,
            ids: keys_of(&[column(path, rows, "session_id")?])?,
            said: Said::of(path, rows)?,
        })
    }

    /// What sessions are numbered by.
    fn keys(&self) -> &Rows {
        self.keys.as_ref().unwrap_or(&self.users)
    }

    /// Whether the next row is another user's, as far as it is at hand.
    fn ends_user(&self, row: usize) -> bool {
        row + 1 < self.said.len() && self.users.row(row + 1) != self.users.row(row)
    }

    fn session(&self, row: usize, first_row: u64, whose: u32) -> Session {
        Session {
            row: first_row + row as u64,
            whose,
            times: self.said.times(row),
            id: self.ids.row(row).as_ref().to_vec(),
            said: self.said.numbered(row),
        }
    }
}

/// Corrections of a date's file, being written, in the order of its rows. There is no file until there are some.
struct CorrectionsFile<'p> {
    path: &'p Path,
    file: Option<BufWriter<File>>,
}

/// A correction in bytes: the row, the number, and the end of the session before.
const CORRECTION: usize = 8 + 4 + 8;

impl CorrectionsFile<'_> {
    fn write(&mut self, row: u64, numbered: Numbered) -> Result<(), TableError> {
        let failed = |error: std::io::Error| TableError::write(self.path, &error);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(File::create(self.path).map_err(failed)?)),
        };
        let mut bytes = [0; CORRECTION];
        bytes[..8].copy_from_slice(&row.to_le_bytes());
        bytes[8..12].copy_from_slice(&numbered.number.to_le_bytes());
        bytes[12..].copy_from_slice(&numbered.previous_end.map_or(0, Timestamp::micros).to_le_bytes());
        file.write_all(&bytes).map_err(failed)
    }

    /// Whether there are any.
    fn finish(self) -> Result<bool, TableError> {
        let Some(mut file) = self.file else { return Ok(false) };
        file.flush().map_err(|error| TableError::write(self.path, &error))?;
        Ok(true)
    }
}

/// The corrections of a date's file, read in the order of its rows.
pub struct Corrections(Vec<Shared>);

/// Those of a share of the users.
struct Shared {
    path: PathBuf,
    file: BufReader<File>,
    next: Option<(u64, Numbered)>,
}

impl Corrections {
    /// Those of some shares.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(paths: &[PathBuf]) -> Result<Self, TableError> {
        let open = |path: &PathBuf| {
            let file = OpenOptions::new().read(true).open(path);
            let file = BufReader::new(file.map_err(|error| TableError::write(path, &error))?);
            let mut shared = Shared { path: path.clone(), file, next: None };
            shared.advance()?;
            Ok(shared)
        };
        Ok(Corrections(paths.iter().map(open).collect::<Result<_, TableError>>()?))
    }

    /// That of a row; rows are asked for in their order. `None` where the file is right.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn of(&mut self, row: u64) -> Result<Option<Numbered>, TableError> {
        let is_next = |shared: &&mut Shared| shared.next.is_some_and(|(next, _)| next == row);
        match self.0.iter_mut().find(is_next) {
            Some(shared) => shared.advance(),
            None => Ok(None),
        }
    }
}

impl Shared {
    /// Takes the next one, and returns the one before.
    fn advance(&mut self) -> Result<Option<Numbered>, TableError> {
        let taken = self.next.take();
        let mut bytes = [0; CORRECTION];
        match self.file.read_exact(&mut bytes) {
            Ok(()) => {
                let (row, rest) = bytes.split_at(8);
                let (number, end) = rest.split_at(4);
                let number = u32::from_le_bytes(number.try_into().unwrap_or_default());
                let end = i64::from_le_bytes(end.try_into().unwrap_or_default());
                let previous_end = (number > 1).then_some(Timestamp::from_micros(end));
                self.next =
                    Some((u64::from_le_bytes(row.try_into().unwrap_or_default()), Numbered { number, previous_end }));
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
            Err(error) => return Err(TableError::write(&self.path, &error)),
        }
        Ok(taken.map(|(_, numbered)| numbered))
    }
}
