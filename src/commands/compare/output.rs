//! All of a comparison as Parquet, in a folder of its own.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int64Array, LargeStringArray, StringArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use rayon::prelude::*;
use rayon::ThreadPool;

use super::error::CompareError;
use super::mapping::Link;
use super::measures::{Amount, Measure, Measures};
use super::partition::{Brief, Outcome, UserRow};
use super::reading::Reading;
use crate::error::Error;
use crate::events::source::roles::KeyType;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;
use crate::tables::folder::{absolute, check_apart};
use crate::tables::write::files::{sync_folder, write_synced};
use crate::tables::write::parquet_file::{ParquetFile, Provenance, REPEATS, SLICE_ROWS};

const SESSIONS: &str = "sessions.parquet";
const MEASURES: &str = "measures.parquet";
const USERS: &str = "users.parquet";
const ANSWER: &str = "comparison.json";
const FILES: [&str; 4] = [SESSIONS, MEASURES, USERS, ANSWER];

/// A folder for a comparison.
#[derive(Debug)]
pub(super) struct Output {
    folder: PathBuf,
    provenance: Provenance,
    users: KeyType,
    /// Whether the session ids of each side are text.
    text_ids: [bool; 2],
}

/// A column of a table.
struct Column {
    field: Field,
    values: ArrayRef,
}

impl Column {
    /// All rows have a value.
    fn full(name: impl Into<String>, values: ArrayRef) -> Self {
        Column { field: Field::new(name, values.data_type().clone(), false), values }
    }

    /// Some rows may have none.
    fn sparse(name: impl Into<String>, values: ArrayRef) -> Self {
        Column { field: Field::new(name, values.data_type().clone(), true), values }
    }

    /// Its values, of which all rows have one, repeat.
    fn repeating(name: impl Into<String>, values: ArrayRef) -> Self {
        let Column { field, values } = Column::full(name, values);
        Column { field: field.with_metadata(HashMap::from([(REPEATS.to_string(), String::new())])), values }
    }
}

impl Output {
    /// A folder that is there for a comparison, or not yet.
    ///
    /// # Errors
    /// It is a run's, or within one; it is something else than a comparison's; the next run would read it as events.
    pub(super) fn new(folder: &Path, reading: &Reading<'_>) -> Result<Self, Error> {
        check_own(folder)?;
        for side in [0, 1] {
            check_apart(folder, &reading.jobs[side].job.input.paths, &reading.alone[side].files())?;
            let of_run = reading.jobs[side].output.as_deref().map(absolute);
            if of_run.is_some_and(|of_run| absolute(folder).starts_with(of_run)) {
                let what = format!("is where runs of {} write to", reading.jobs[side].name.display());
                return Err(CompareError::NotItsOwn { path: folder.to_path_buf(), what }.into());
            }
        }
        let is_text_id = |side: usize| {
            let value = reading.roles[side].value.as_ref();
            let custom = reading.jobs[side].job.definition.custom().is_some();
            !custom && value.is_some_and(|value| value.key_type == KeyType::Text)
        };
        let of_b = vec![("dwell.compared_with", reading.definition(1).text())];
        Ok(Output {
            folder: folder.to_path_buf(),
            provenance: Provenance::of(&reading.definition(0)).with(of_b),
            users: reading.roles[0].user_type,
            text_ids: [is_text_id(0), is_text_id(1)],
        })
    }

    /// Writes everything: beside the files first, which then take their places.
    ///
    /// # Errors
    /// The disk is full, or a file cannot be written.
    pub(super) fn write(
        &self,
        pool: &ThreadPool,
        outcomes: &[Outcome],
        measures: &Measures,
        json: &str,
    ) -> Result<(), Error> {
        let written = |path: &Path, error: std::io::Error| Error::from(TableError::write(path, &error));
        fs::create_dir_all(&self.folder).map_err(|error| written(&self.folder, error))?;
        let staged = FILES.map(|name| self.folder.join(format!("{name}.new")));
        let put = || -> Result<(), Error> {
            let users = in_order(pool, outcomes);
            let (sessions, others) = pool.join(
                || self.write_sessions(&staged[0], outcomes, &users),
                || -> Result<(), Error> {
                    self.write_measures(&staged[1], measures)?;
                    self.write_users(&staged[2], outcomes, &users)
                },
            );
            sessions.and(others)?;
            write_synced(&staged[3], json.as_bytes())?;
            crate::cancel::check()
        };
        let done = put().and_then(|()| {
            let renamed = |(from, name): (&PathBuf, &str)| fs::rename(from, self.folder.join(name));
            let all = staged.iter().zip(FILES).try_for_each(renamed);
            all.map_err(|error| written(&self.folder, error))?;
            Ok(sync_folder(&self.folder)?)
        });
        if done.is_err() {
            // What is in the way is not in the way of the next one.
            staged.iter().for_each(|path| drop(fs::remove_file(path)));
        }
        done
    }

    /// A row for each two sessions that share events, and for each session that shares none.
    fn write_sessions(&self, path: &Path, outcomes: &[Outcome], users: &[Ordered]) -> Result<(), Error> {
        let links = users.iter().flat_map(|user| {
            let of = &outcomes[user.outcome];
            of.links[user.links..user.links + user.row.links as usize].iter().map(move |link| (of, user.row.user, link))
        });
        self.write_table(path, links, |rows| {
            let counts = |of: fn(&Link) -> u32| -> ArrayRef {
                Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(.., link)| of(link))))
            };
            let changes = rows.iter().map(|(.., link)| link.change.name());
            let users = self.user_array(rows.iter().map(|(of, user, _)| (*of, *user)));
            let mut columns = vec![
                Column::full("user_id", users),
                Column::repeating("change", Arc::new(StringArray::from_iter_values(changes))),
                Column::full("group", counts(|link| link.group + 1)),
                Column::full("a_sessions", counts(|link| link.a_sessions)),
                Column::full("b_sessions", counts(|link| link.b_sessions)),
            ];
            for (side, letter) in ["a", "b"].into_iter().enumerate() {
                let session = |(of, _, link): &(&Outcome, u32, &Link)| {
                    let place = if side == 0 { link.a } else { link.b };
                    place.map(|place| of.sessions[side][place as usize])
                };
                let instants = |time: fn(&Brief) -> Timestamp| -> ArrayRef {
                    let times = rows.iter().map(|row| session(row).map(|session| time(&session).micros()));
                    Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone("UTC"))
                };
                let lengths = rows.iter().map(|row| session(row).map(|session| session.length().floor_millis()));
                let counts = rows.iter().map(|row| session(row).map(|session| session.event_count));
                let ids = rows.iter().map(|row| session(row).map(|session| (row.0, session.id)));
                let mut add = |name, values| columns.push(Column::sparse(format!("{letter}_{name}"), values));
                add("session_id", self.id_array(side, ids));
                add("start_time", instants(|session| session.start));
                add("end_time", instants(|session| session.end));
                add("length_ms", Arc::new(Int64Array::from_iter(lengths)));
                add("event_count", Arc::new(UInt32Array::from_iter(counts)));
            }
            columns.push(Column::full("shared_events", counts(|link| link.shared)));
            columns
        })
    }

    /// A row for each measure of each date, and of all dates together, whose date is null.
    fn write_measures(&self, path: &Path, measures: &Measures) -> Result<(), Error> {
        let totals = measures.totals.iter().map(|measure| (None, measure));
        let days = measures.days.iter().flat_map(|(day, of)| of.iter().map(|measure| (Some(*day), measure)));
        self.write_table(path, totals.chain(days), |rows: &[(Option<Day>, &Measure)]| {
            let numbers = |of: fn(&Measure) -> Option<f64>| -> ArrayRef {
                Arc::new(Float64Array::from_iter(rows.iter().map(|(_, measure)| of(measure))))
            };
            let dates = rows.iter().map(|(day, _)| day.map(Day::epoch_days));
            let names = rows.iter().map(|(_, measure)| measure.name);
            vec![
                Column::sparse("date", Arc::new(Date32Array::from_iter(dates))),
                Column::repeating("measure", Arc::new(StringArray::from_iter_values(names))),
                Column::sparse("a", numbers(|measure| measure.of[0].map(Amount::number))),
                Column::sparse("b", numbers(|measure| measure.of[1].map(Amount::number))),
                Column::sparse("difference", numbers(|measure| measure.difference().map(Amount::number))),
                Column::sparse("ratio", numbers(Measure::ratio)),
            ]
        })
    }

    /// A row for each user with a session.
    fn write_users(&self, path: &Path, outcomes: &[Outcome], users: &[Ordered]) -> Result<(), Error> {
        self.write_table(path, users.iter(), |rows| {
            let users = self.user_array(rows.iter().map(|user| (&outcomes[user.outcome], user.row.user)));
            let mut columns = vec![Column::full("user_id", users)];
            let ints = |of: &dyn Fn(&UserRow) -> i64| -> ArrayRef {
                Arc::new(Int64Array::from_iter_values(rows.iter().map(|user| of(&user.row))))
            };
            for (side, letter) in ["a", "b"].into_iter().enumerate() {
                let mut add = |name: &str, of: &dyn Fn(&UserRow) -> i64| {
                    columns.push(Column::full(format!("{letter}_{name}"), ints(of)));
                };
                add("sessions", &|row| i64::from(row.sessions[side]));
                add("time_spent_ms", &|row| row.time_spent_ms[side]);
                add("events", &|row| row.events[side] as i64);
            }
            columns.push(Column::full("changed_sessions", ints(&|row| row.changed as i64)));
            columns
        })
    }

    fn write_table<R>(
        &self,
        path: &Path,
        rows: impl Iterator<Item = R>,
        columns: impl Fn(&[R]) -> Vec<Column>,
    ) -> Result<(), Error> {
        let mut rows = rows.peekable();
        let mut slice: Vec<R> = Vec::new();
        let mut file: Option<ParquetFile> = None;
        loop {
            crate::cancel::check()?;
            slice.clear();
            slice.extend(rows.by_ref().take(SLICE_ROWS));
            let columns = columns(&slice);
            let schema = Arc::new(Schema::new(columns.iter().map(|column| column.field.clone()).collect::<Vec<_>>()));
            let writer = match &mut file {
                Some(file) => file,
                None => file.insert(ParquetFile::create(path, Arc::clone(&schema), &self.provenance)?),
            };
            let arrays = columns.into_iter().map(|column| column.values).collect();
            writer.write(&RecordBatch::try_new(schema, arrays).map_err(|error| TableError::write(path, &error))?)?;
            if rows.peek().is_none() {
                break;
            }
        }
        if let Some(file) = file {
            file.finish()?;
        }
        let synced = File::open(path).and_then(|file| file.sync_all());
        Ok(synced.map_err(|error| TableError::write(path, &error))?)
    }

    fn user_array<'o>(&self, users: impl Iterator<Item = (&'o Outcome, u32)>) -> ArrayRef {
        let columns = users.map(|(of, user)| (of.users.as_ref(), user as usize));
        match self.users {
            KeyType::Text => Arc::new(LargeStringArray::from_iter_values(columns.map(|(users, user)| match users {
                Some(KeyColumn::Text(users)) => text(users.get(user)),
                _ => "",
            }))),
            _ => Arc::new(Int64Array::from_iter_values(columns.map(|(users, user)| match users {
                Some(KeyColumn::Int(users)) => users[user],
                _ => 0,
            }))),
        }
    }

    fn id_array<'o>(&self, side: usize, ids: impl Iterator<Item = Option<(&'o Outcome, i64)>>) -> ArrayRef {
        match self.text_ids[side] {
            true => Arc::new(LargeStringArray::from_iter(ids.map(|id| match id {
                Some((of, place)) => match &of.texts[side] {
                    Some(KeyColumn::Text(texts)) => Some(text(texts.get(place as usize))),
                    _ => None,
                },
                None => None,
            }))),
            false => Arc::new(Int64Array::from_iter(ids.map(|id| id.map(|(_, id)| id)))),
        }
    }
}

/// Text that came out of a text column.
fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

/// A user, with where its rows are.
struct Ordered {
    outcome: usize,
    row: UserRow,
    /// The place of its first link among those of its partition.
    links: usize,
}

/// The users of all partitions, in ascending order.
fn in_order(pool: &ThreadPool, outcomes: &[Outcome]) -> Vec<Ordered> {
    let mut users = Vec::with_capacity(outcomes.iter().map(|outcome| outcome.rows.len()).sum());
    for (outcome, of) in outcomes.iter().enumerate() {
        let mut links = 0;
        for row in &of.rows {
            users.push(Ordered { outcome, row: *row, links });
            links += row.links as usize;
        }
    }
    let compare = |a: &Ordered, b: &Ordered| match (&outcomes[a.outcome].users, &outcomes[b.outcome].users) {
        (Some(of_a), Some(of_b)) => of_a.compare(a.row.user as usize, of_b, b.row.user as usize),
        _ => a.outcome.cmp(&b.outcome),
    };
    pool.install(|| users.par_sort_unstable_by(compare));
    users
}

/// Makes sure that a folder is a comparison's, if it is there at all, and within no run's folder.
fn check_own(folder: &Path) -> Result<(), CompareError> {
    let refuse = |what: String| Err(CompareError::NotItsOwn { path: folder.to_path_buf(), what });
    let real = absolute(folder);
    if let Some(of_run) = real.ancestors().find(|ancestor| ancestor.join("_dwell").exists()) {
        let within = if of_run == real { "is" } else { "is within" };
        return refuse(format!("{within} the output folder of a run"));
    }
    if !folder.exists() {
        return Ok(());
    }
    if !folder.is_dir() {
        return refuse("is a file".to_string());
    }
    let is_own = |name: &str| FILES.contains(&name.strip_suffix(".new").unwrap_or(name));
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let other = entries.map(|entry| entry.file_name()).find(|name| !name.to_str().is_some_and(is_own));
    match other {
        Some(name) => refuse(format!("holds {name:?}, which is no comparison's")),
        None => Ok(()),
    }
}
