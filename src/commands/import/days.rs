//! The rows of a file, written day by day.
//!
//! A day's rows go to its Parquet file as they are read. It is known beforehand how many there are, so that the file is ended with
//! the last of them: rows in order of time have one or two days open at once. Where more days would be open than there is
//! memory for, those that come last wait, and the file is read once more for them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use arrow::datatypes::SchemaRef;

use super::columns::Column;
use super::error::ImportError;
use super::event_line::{ColumnIndex, EventLine, Reading};
use super::find::LinesFile;
use super::lines::Lines;
use super::parquet::EventsFile;
use super::rows::{schema_of, Rows};
use super::scan::OfDay;
use crate::error::Error;
use crate::tables::error::TableError;

/// Rows handed to a file at a time, and bytes of their lines.
const SLICE_ROWS: usize = 1 << 13;
const SLICE_BYTES: usize = 1 << 22;

/// How rows are written.
#[derive(Clone, Debug)]
pub struct Writing<'w> {
    /// How lines are read.
    pub reading: &'w Reading,
    /// The columns of all files.
    pub columns: &'w [Column],
    /// Bytes of lines whose rows a thread may hold.
    pub room: u64,
    /// Files that a thread may have open.
    pub open: usize,
}

/// What was written of a file.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Bytes of the Parquet files.
    pub bytes: u64,
    /// Values that do not fit the type that their column was given, by column.
    pub unfit: BTreeMap<String, u64>,
}

struct Open {
    path: PathBuf,
    rows: Rows,
    /// Bytes of the lines of the rows that wait.
    waiting: usize,
    file: EventsFile,
    left: u64,
    held: u64,
}

/// Writes the rows of a file that are of these days, each day to the path that `place` says.
///
/// # Errors
/// The file cannot be read, or is another than it was; the disk is full; an interruption.
pub fn write(
    file: &LinesFile,
    mut days: BTreeMap<i64, OfDay>,
    writing: &Writing<'_>,
    place: impl Fn(i64) -> PathBuf,
) -> Result<Written, Error> {
    let mut written = Written::default();
    let schema = schema_of(writing.columns);
    while !days.is_empty() {
        let before = days.len();
        let mut pass = Pass::new(&days, writing, &schema);
        pass.read(file, &place)?;
        pass.end(&mut written);
        let ended = pass.ended;
        days.retain(|day, _| !ended.contains(day));
        file.check_unchanged()?;
        if days.len() == before {
            return Err(ImportError::Changed { path: file.path.clone() }.into());
        }
    }
    Ok(written)
}

/// One reading of a file.
struct Pass<'p> {
    days: &'p BTreeMap<i64, OfDay>,
    writing: &'p Writing<'p>,
    schema: &'p SchemaRef,
    /// Where the instants go; `None` where they are in another column.
    time: Option<usize>,
    open: HashMap<i64, Open>,
    /// Days that wait for another pass, and those that are written.
    waiting: HashSet<i64>,
    ended: HashSet<i64>,
    room: u64,
    bytes: u64,
    unfit: Vec<u64>,
}

impl<'p> Pass<'p> {
    fn new(days: &'p BTreeMap<i64, OfDay>, writing: &'p Writing<'p>, schema: &'p SchemaRef) -> Self {
        Pass {
            days,
            writing,
            schema,
            time: writing.columns.iter().position(|column| column.name == writing.reading.time),
            open: HashMap::new(),
            waiting: HashSet::new(),
            ended: HashSet::new(),
            room: writing.room,
            bytes: 0,
            unfit: vec![0; writing.columns.len()],
        }
    }

    fn read(&mut self, file: &LinesFile, place: &impl Fn(i64) -> PathBuf) -> Result<(), Error> {
        let mut reading = self.writing.reading.clone();
        let mut index = ColumnIndex::of(self.writing.columns.iter().map(|column| column.name.clone()));
        let mut lines = Lines::open(&file.path)?;
        while let Some((_, line)) = lines.next_line()? {
            let Ok(event) = reading.read(line, &mut index) else { continue };
            if self.is_open(event.day, place)? {
                self.push(&event, line.len())?;
            }
        }
        Ok(())
    }

    /// Whether the file of a day is open; opens it where there is room.
    fn is_open(&mut self, day: i64, place: &impl Fn(i64) -> PathBuf) -> Result<bool, Error> {
        if self.open.contains_key(&day) {
            return Ok(true);
        }
        let Some(of_day) = self.days.get(&day).filter(|_| !self.waiting.contains(&day) && !self.ended.contains(&day))
        else {
            return Ok(false);
        };
        // A row group ends before it takes more than all of the room.
        let held = of_day.bytes.min(self.writing.room);
        if !self.open.is_empty() && (held > self.room || self.open.len() == self.writing.open) {
            self.waiting.insert(day);
            return Ok(false);
        }
        crate::cancel::check()?;
        let path = place(day);
        let file = EventsFile::create(&path, SchemaRef::clone(self.schema), self.writing.room as usize)?;
        self.room = self.room.saturating_sub(held);
        let rows = Rows::new(self.writing.columns);
        self.open.insert(day, Open { path, rows, waiting: 0, file, left: of_day.rows, held });
        Ok(true)
    }

    fn push(&mut self, event: &EventLine<'_>, bytes: usize) -> Result<(), Error> {
        let Some(open) = self.open.get_mut(&event.day) else { return Ok(()) };
        let unfit = &mut self.unfit;
        open.rows.push(&event.values, (self.time, event.time), |place| unfit[place] += 1);
        open.left -= 1;
        open.waiting += bytes;
        if open.rows.count() == SLICE_ROWS || open.waiting >= SLICE_BYTES || open.left == 0 {
            open.waiting = 0;
            crate::cancel::check()?;
            let rows = open.rows.take(self.schema).map_err(|error| TableError::write(&open.path, &error))?;
            open.file.write(&rows)?;
        }
        if open.left > 0 {
            return Ok(());
        }
        let Some(open) = self.open.remove(&event.day) else { return Ok(()) };
        self.ended.insert(event.day);
        self.room += open.held;
        self.bytes += open.file.finish()?;
        Ok(())
    }

    fn end(&self, written: &mut Written) {
        written.bytes += self.bytes;
        let unfit = self.writing.columns.iter().zip(&self.unfit).filter(|(_, count)| **count > 0);
        for (column, count) in unfit {
            *written.unfit.entry(column.name.clone()).or_default() += count;
        }
    }
}
