//! What became of the sessions that the tables had: which go on, were joined, split, or are gone.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{TimestampMicrosecondType, UInt32Type};
use arrow::row::{RowConverter, SortField};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::ProjectionMask;

use crate::tables::error::TableError;
use crate::tables::read::row_count;

/// How the sessions of some dates differ from what the tables said before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Changes {
    /// Sessions that meet none of those before.
    pub added: u64,
    /// Sessions that go on from one before: with other events, another start or end, or ended otherwise.
    pub reopened: u64,
    /// Sessions that were several before.
    pub joined: u64,
    /// Sessions before that are several now.
    pub split: u64,
    /// Sessions before that meet none of those now.
    pub removed: u64,
}

/// Which sessions are to be compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    /// The column besides the user that they share, if any.
    pub value: Option<String>,
    /// Whether that names a session by itself; else they are compared by their times.
    pub names_session: bool,
}

/// A session, as far as it is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    group: u64,
    start: i64,
    end: i64,
    events: u32,
    reason: u8,
}

impl Changes {
    /// Adds those of other sessions.
    fn merge(&mut self, other: Changes) {
        self.added += other.added;
        self.reopened += other.reopened;
        self.joined += other.joined;
        self.split += other.split;
        self.removed += other.removed;
    }
}

/// What a session takes in memory while it is compared: by itself, and once more where it is another than before.
const BYTES_EACH: u64 = 2 * size_of::<Session>() as u64;

/// Compares the sessions of the files before with those of the files now. Of the dates that are the same
/// before and now, neither need be given. Where `budget` does not hold all of them, the files are read several times:
/// sessions of one group are compared with each other only, so each time those of some groups.
///
/// # Errors
/// A file that cannot be read.
pub fn compare(
    before: &[PathBuf],
    now: &[PathBuf],
    groups: &Groups,
    room: Option<usize>,
) -> Result<Changes, TableError> {
    let shares = match room {
        None => 1,
        Some(room) => {
            let rows = before.iter().chain(now).map(|file| row_count(file)).sum::<Result<u64, TableError>>()?;
            (rows * BYTES_EACH).div_ceil(room.max(1) as u64).max(1)
        }
    };
    let mut reasons = HashMap::new();
    let mut changes = Changes::default();
    for share in 0..shares {
        let mut read = |files: &[PathBuf]| {
            let mut sessions = Vec::new();
            for file in files {
                read_sessions(file, groups, |group| group % shares == share, &mut reasons, &mut sessions)?;
            }
            sessions.sort_unstable();
            Ok(sessions)
        };
        let (before, now) = (read(before)?, read(now)?);
        changes.merge(compare_sorted(&only_in(&before, &now), &only_in(&now, &before), groups.names_session));
    }
    Ok(changes)
}

/// The sessions of `these` that are not also, the very same, in `others`; both in ascending order.
fn only_in(these: &[Session], others: &[Session]) -> Vec<Session> {
    let mut others = others.iter().peekable();
    let mut only = Vec::new();
    for session in these {
        while others.peek().is_some_and(|other| *other < session) {
            others.next();
        }
        if others.peek() == Some(&session) {
            others.next();
        } else {
            only.push(*session);
        }
    }
    only
}

fn compare_sorted(before: &[Session], now: &[Session], names_session: bool) -> Changes {
    let mut changes = Changes::default();
    let meets = |a: &Session, b: &Session| names_session || meet(a, b);
    let count = |session: &Session, others: &[Session]| {
        group_of(others, session.group).iter().filter(|other| meets(session, other)).count()
    };
    for session in now {
        match count(session, before) {
            0 => changes.added += 1,
            1 => {
                let was = group_of(before, session.group).iter().find(|other| meets(session, other));
                changes.reopened += u64::from(was.is_some_and(|was| count(was, now) == 1));
            }
            _ => changes.joined += 1,
        }
    }
    for session in before {
        match count(session, now) {
            0 => changes.removed += 1,
            1 => {}
            _ => changes.split += 1,
        }
    }
    changes
}

fn group_of(sessions: &[Session], group: u64) -> &[Session] {
    let first = sessions.partition_point(|session| session.group < group);
    let end = sessions[first..].partition_point(|session| session.group == group);
    &sessions[first..first + end]
}

/// Whether two sessions of one group have a time in common. Of sessions that changed, one that began at the very
/// time of another's last event is taken for it.
fn meet(a: &Session, b: &Session) -> bool {
    a.start <= b.end && b.start <= a.end
}

fn read_sessions(
    path: &Path,
    groups: &Groups,
    is_asked_for: impl Fn(u64) -> bool,
    reasons: &mut HashMap<String, u8>,
    sessions: &mut Vec<Session>,
) -> Result<(), TableError> {
    let failed = |reason: String| TableError::Read { path: path.to_path_buf(), reason };
    let said = |error: &dyn std::fmt::Display| failed(error.to_string());
    let file = std::fs::File::open(path).map_err(|error| said(&error))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| said(&error))?;
    let keys: Vec<&str> = ["user_id"].into_iter().chain(groups.value.as_deref()).collect();
    let wanted: Vec<&str> =
        keys.iter().copied().chain(["start_time", "end_time", "event_count", "end_reason"]).collect();
    // By place: a name that has dots in it, as of a field inside of a column, is one column of the table.
    let fields = reader.schema().fields().iter().enumerate();
    let places = fields.filter(|(_, field)| wanted.contains(&field.name().as_str())).map(|(place, _)| place);
    let mask = ProjectionMask::roots(reader.parquet_schema(), places);
    let reader = reader.with_projection(mask).build().map_err(|error| said(&error))?;
    for batch in reader {
        let batch = batch.map_err(|error| said(&error))?;
        let missing = |name: &str| failed(format!("it has no column {name}"));
        let column = |name: &str| batch.column_by_name(name).ok_or_else(|| missing(name));
        let keys: Vec<ArrayRef> = keys.iter().map(|name| column(name).cloned()).collect::<Result<_, _>>()?;
        let groups = hashes(&keys).map_err(|error| said(&error))?;
        let time = |name: &str| {
            let times = column(name)?.as_primitive_opt::<TimestampMicrosecondType>().cloned();
            times.ok_or_else(|| missing(name))
        };
        let (starts, ends) = (time("start_time")?, time("end_time")?);
        let counts = column("event_count")?.as_primitive_opt::<UInt32Type>().ok_or_else(|| missing("event_count"))?;
        let ended = column("end_reason")?.as_string_opt::<i32>().ok_or_else(|| missing("end_reason"))?;
        for (row, group) in groups.into_iter().enumerate().filter(|(_, group)| is_asked_for(*group)) {
            let next = reasons.len() as u8;
            let reason = match reasons.get(ended.value(row)) {
                Some(code) => *code,
                None => *reasons.entry(ended.value(row).to_string()).or_insert(next),
            };
            let (start, end, events) = (starts.value(row), ends.value(row), counts.value(row));
            sessions.push(Session { group, start, end, events, reason });
        }
    }
    Ok(())
}

/// A hash of each row. That two groups share one is not to be expected, and would be wrong by one in a report.
fn hashes(keys: &[ArrayRef]) -> Result<Vec<u64>, arrow::error::ArrowError> {
    use std::hash::{DefaultHasher, Hasher};
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    let rows = RowConverter::new(fields)?.convert_columns(keys)?;
    let hash = |row: arrow::row::Row<'_>| {
        let mut hasher = DefaultHasher::new();
        hasher.write(row.as_ref());
        hasher.finish()
    };
    Ok(rows.iter().map(hash).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(list: &[(i64, i64)]) -> Vec<Session> {
        list.iter().map(|(start, end)| Session { group: 1, start: *start, end: *end, events: 1, reason: 0 }).collect()
    }

    fn changes(before: &[(i64, i64)], now: &[(i64, i64)]) -> [u64; 5] {
        let (before, now) = (sessions(before), sessions(now));
        let found = compare_sorted(&only_in(&before, &now), &only_in(&now, &before), false);
        [found.added, found.reopened, found.joined, found.split, found.removed]
    }

    #[test]
    fn sessions_go_on_are_joined_split_and_go() {
        assert_eq!(changes(&[(0, 9)], &[(0, 9)]), [0; 5]);
        assert_eq!(changes(&[], &[(0, 9)]), [1, 0, 0, 0, 0]);
        assert_eq!(changes(&[(0, 9)], &[(0, 12)]), [0, 1, 0, 0, 0]);
        assert_eq!(changes(&[(0, 4), (6, 9)], &[(0, 9)]), [0, 0, 1, 0, 0]);
        assert_eq!(changes(&[(0, 9)], &[(0, 4), (6, 9)]), [0, 0, 0, 1, 0]);
        assert_eq!(changes(&[(0, 9)], &[]), [0, 0, 0, 0, 1]);
    }

    #[test]
    fn sessions_that_are_the_same_meet_no_others() {
        // A starting event at the time of the last event before it.
        assert_eq!(changes(&[(0, 5), (5, 9)], &[(0, 5), (5, 8)]), [0, 1, 0, 0, 0]);
        assert_eq!(changes(&[(0, 5)], &[(0, 5), (5, 5)]), [1, 0, 0, 0, 0]);
        assert_eq!(changes(&[(0, 9)], &[(0, 6), (9, 9)]), [0, 0, 0, 1, 0]);
    }

    #[test]
    fn sessions_of_other_groups_do_not_meet() {
        let of = |group| vec![Session { group, start: 0, end: 9, events: 1, reason: 0 }];
        assert_eq!(compare_sorted(&of(1), &of(2), false), Changes { added: 1, removed: 1, ..Changes::default() });
        assert_eq!(compare_sorted(&of(1), &of(2), true), Changes { added: 1, removed: 1, ..Changes::default() });
    }
}
