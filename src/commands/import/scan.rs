//! The first look at a file: its columns, its days, and its lines that are no events.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::columns::Wanted;
use super::error::ImportError;
use super::event_line::{Reading, Reason};
use super::find::LinesFile;
use super::kinds::{Kind, Seen};
use super::lines::Lines;
use super::times::Times;
use crate::error::Error;
use crate::tables::error::TableError;
use crate::tables::write::files::create_folder_of;

/// What is in a file.
#[derive(Clone, Debug, Default)]
pub struct Scanned {
    /// Lines that are not empty.
    pub lines: u64,
    /// The columns in the order in which they come, with what they hold.
    pub columns: Vec<(String, Seen)>,
    /// The days, counted from 1970-01-01.
    pub days: BTreeMap<i64, OfDay>,
    /// Lines that are no events, by reason.
    pub bad: BTreeMap<Reason, BadLines>,
}

/// How much of a file is of a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfDay {
    /// Rows.
    pub rows: u64,
    /// Bytes of their lines.
    pub bytes: u64,
}

/// Lines of a file that are no events, for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLines {
    /// How many.
    pub count: u64,
    /// The number of the first one, from 1.
    pub first: u64,
}

impl Scanned {
    /// How many lines are no events.
    pub fn bad_lines(&self) -> u64 {
        self.bad.values().map(|bad| bad.count).sum()
    }

    /// How many are.
    pub fn rows(&self) -> u64 {
        self.days.values().map(|day| day.rows).sum()
    }
}

/// The most columns that a file may have.
const MOST_COLUMNS: usize = 10_000;

/// Looks at all lines of a file; those that are no events go to `bad` as they are, if it is given.
///
/// # Errors
/// The file cannot be read, or has too many columns; what is bad cannot be written; an interruption.
pub fn scan(file: &LinesFile, reading: &Reading, wanted: &Wanted, bad: Option<&Path>) -> Result<Scanned, Error> {
    /// A signal is looked for once in so many lines.
    const STRIDE: u64 = 4096;
    let mut reading = reading.clone();
    let mut lines = Lines::open(&file.path)?;
    let mut index = wanted.index(&reading.time);
    let (mut seen, mut may_be_time): (Vec<Seen>, Vec<bool>) = (Vec::new(), Vec::new());
    let mut times = Times::default();
    let mut scanned = Scanned::default();
    let mut aside = Aside::new(bad);
    while let Some((number, line)) = lines.next_line()? {
        scanned.lines += 1;
        if scanned.lines % STRIDE == 0 {
            crate::cancel::check()?;
        }
        let event = match reading.read(line, &mut index) {
            Ok(event) => event,
            Err(reason) => {
                scanned.bad.entry(reason).or_insert(BadLines { count: 0, first: number }).count += 1;
                aside.put(line)?;
                continue;
            }
        };
        if index.names().len() > MOST_COLUMNS {
            let example = index.names().last().cloned().unwrap_or_default();
            return Err(ImportError::ManyColumns {
                path: file.path.clone(),
                line: number,
                most: MOST_COLUMNS,
                example,
            }
            .into());
        }
        for name in &index.names()[seen.len()..] {
            seen.push(if *name == reading.time { Seen::of(Kind::Timestamp) } else { Seen::default() });
            may_be_time.push(reading.shape.may_be_time(name));
        }
        for (place, value) in event.values.iter().enumerate() {
            let Some(value) = value.filter(|_| index.names()[place] != reading.time) else { continue };
            seen[place].add(value, may_be_time[place].then_some(&mut times));
        }
        let day = scanned.days.entry(event.day).or_default();
        day.rows += 1;
        day.bytes += line.len() as u64;
    }
    aside.finish()?;
    // Bad lines have columns, too, which hold nothing.
    seen.resize(index.names().len(), Seen::default());
    scanned.columns = index.names().iter().cloned().zip(seen).collect();
    Ok(scanned)
}

/// The file of lines that are no events, which is made for the first one.
struct Aside<'p> {
    path: Option<&'p Path>,
    file: Option<BufWriter<File>>,
}

impl<'p> Aside<'p> {
    fn new(path: Option<&'p Path>) -> Self {
        Aside { path, file: None }
    }

    fn put(&mut self, line: &[u8]) -> Result<(), TableError> {
        let Some(path) = self.path else { return Ok(()) };
        let failed = |error: std::io::Error| TableError::write(path, &error);
        if self.file.is_none() {
            create_folder_of(path)?;
            self.file = Some(BufWriter::new(File::create(path).map_err(failed)?));
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(line).and_then(|()| file.write_all(b"\n")).map_err(failed)
    }

    fn finish(self) -> Result<(), TableError> {
        let (Some(path), Some(file)) = (self.path, self.file) else { return Ok(()) };
        let failed = |error: &std::io::Error| TableError::write(path, error);
        let file = file.into_inner().map_err(|error| failed(error.error()))?;
        file.sync_all().map_err(|error| failed(&error))
    }
}
