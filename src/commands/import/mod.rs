//! `dwell import`: JSON lines, as tools export them, into Parquet by day, ready for a run.
//!
//! ```text
//! find ─► scan ─────────────► widen ──────────► days ───────────► folder
//! files   columns and days,   earlier files,    rows to Parquet,  in place,
//!         bad lines aside     if they have to   a file a day      and remembered
//! ```
//!
//! Every file is read twice: once to find out what its columns hold, so that each of them has one type in all files whatever
//! comes late, and once to write them. A file of lines becomes one Parquet file for each of its days, called by its name: so a
//! file that comes again replaces itself and nothing else.

mod answer;
mod columns;
mod days;
pub mod error;
mod event_line;
mod find;
mod folder;
mod kinds;
mod lines;
mod options;
mod parquet;
mod rows;
mod scan;
mod shape;
mod times;
mod widen;

use std::collections::BTreeMap;

use rayon::prelude::*;

pub use answer::Answer;
pub use options::Ask;

use self::columns::{together, Column};
use self::days::{Writing, Written};
use self::error::ImportError;
use self::find::{find, LinesFile};
use self::folder::{day_text, key_of, name_of, place_of_bad, place_of_day, Done, Folder, Made};
use self::kinds::Kind;
use self::options::{list_of, Settled};
use self::scan::{scan, Scanned};
use self::widen::{widen, widened};
use crate::error::Error;
use crate::job::JobError;
use crate::pipeline::pool;
use crate::pipeline::progress::Progress;

/// Bytes of lines whose rows are held at once, where no limit is given.
const ROOM: u64 = 256 << 20;
/// The least of them that a thread has.
const LEAST_ROOM: u64 = 8 << 20;
/// Files that are open at once: fewer than a process usually may have.
const OPEN: usize = 512;
/// Files are put in place together as long as they have no more bytes.
const TOGETHER: u64 = 1 << 30;
/// Nor more files than these.
const MOST_TOGETHER: usize = 256;

/// A file to import, with what it is called and what is in it.
struct Import {
    file: LinesFile,
    name: String,
    scanned: Scanned,
}

/// Imports what is new.
///
/// # Errors
/// Input that cannot be found or read, a folder that is another's, more bad lines than are allowed, a disk that is full. What
/// was put in place before stays.
pub fn import(ask: &Ask) -> Result<Answer, Error> {
    let threads = ask.resources.threads()?;
    let pool = pool(threads)?;
    let files = find(&ask.inputs)?;
    // What is wrong with the flags is said before anything is made.
    Settled::new(ask, &Folder::look(&ask.output)?, &files.iter().collect::<Vec<_>>())?;
    let mut folder = if ask.dry_run { Folder::look(&ask.output)? } else { Folder::lock(&ask.output)? };
    let room = room(ask, threads);
    if folder.state.widening && !ask.dry_run {
        pool.install(|| widen(&mut folder, room as usize))?;
    }
    let (done, new): (Vec<LinesFile>, Vec<LinesFile>) = files.into_iter().partition(|file| is_done(file, &folder));
    let settled = Settled::new(ask, &folder, &new.iter().collect::<Vec<_>>())?;
    let mut answer = Answer::new(&ask.output, &settled.made, ask.dry_run);
    answer.done_files = done.len() as u64;
    answer.changed_files = new.iter().filter(|file| folder.state.files.contains_key(&key_of(file))).count() as u64;
    answer.new_files = new.len() as u64 - answer.changed_files;
    answer.columns.clone_from(&folder.state.columns);
    if new.is_empty() {
        return Ok(answer);
    }
    let mut progress = Progress::new(!ask.resources.quiet);
    progress.stage("reading", new.len() as u64);
    let imports = pool.install(|| scan_all(new, &settled, &folder, ask.dry_run, &progress))?;
    progress.stage("writing", imports.len() as u64);
    for import in &imports {
        answer.add(&import.file.path, &import.name, &import.scanned);
        for (day, of_day) in &import.scanned.days {
            *answer.days.entry(day_text(*day)).or_default() += of_day.rows;
        }
    }
    let seen = together(imports.iter().map(|import| import.scanned.columns.as_slice()));
    check(ask, &answer, &settled, &seen.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>())
        .inspect_err(|_| drop(folder.clear_staging()))?;
    let columns = settled.wanted.columns(&folder.state.columns, &seen, &settled.reading.time);
    check_named(&settled, &columns).inspect_err(|_| drop(folder.clear_staging()))?;
    check_expanded(&settled.made, &columns).inspect_err(|_| drop(folder.clear_staging()))?;
    let changed = widened(&folder.state.columns, &columns);
    answer.widened = changed.iter().map(|column| format!("{} {}", column.name, column.kind.name())).collect();
    answer.columns.clone_from(&columns);
    if ask.dry_run {
        return Ok(answer);
    }
    // Files without lines say nothing about others.
    if answer.lines > 0 {
        folder.state.made = Some(settled.made.clone());
    }
    folder.state.columns.clone_from(&columns);
    pool.install(|| {
        if !changed.is_empty() && !folder.state.files.is_empty() {
            answer.widened_files = widen(&mut folder, room as usize)?;
        }
        let writing = Writing { reading: &settled.reading, columns: &columns, room, open: (OPEN / threads).max(1) };
        for part in parts(imports) {
            let written = write_all(&part, &writing, &folder, &progress)?;
            put(part, written, &mut folder, &mut answer)?;
        }
        Ok::<(), Error>(())
    })
    .inspect_err(|_| drop(folder.clear_staging()))?;
    folder.clear_staging()?;
    Ok(answer)
}

/// Bytes of lines whose rows a thread may hold.
fn room(ask: &Ask, threads: usize) -> u64 {
    let all = ask.resources.memory_limit.map_or(ROOM, |limit| limit.left(0) / 4);
    (all / threads as u64).max(LEAST_ROOM)
}

fn is_done(file: &LinesFile, folder: &Folder) -> bool {
    folder.state.files.get(&key_of(file)).is_some_and(|done| done.version == file.version)
}

fn scan_all(
    files: Vec<LinesFile>,
    settled: &Settled,
    folder: &Folder,
    dry_run: bool,
    progress: &Progress,
) -> Result<Vec<Import>, Error> {
    let scan_one = |file: LinesFile| {
        let name = name_of(&file);
        let bad = folder.staged(&place_of_bad(&name));
        let scanned = scan(&file, &settled.reading, &settled.wanted, (!dry_run).then_some(bad.as_path()))?;
        file.check_unchanged()?;
        progress.add(1);
        Ok(Import { file, name, scanned })
    };
    let all = files.into_par_iter().with_max_len(1).map(scan_one).collect::<Result<Vec<Import>, Error>>();
    all.inspect_err(|_| {
        if !dry_run {
            drop(folder.clear_staging())
        }
    })
}

/// Makes sure that what was read is what was meant.
fn check(ask: &Ask, answer: &Answer, settled: &Settled, columns: &[String]) -> Result<(), ImportError> {
    let (bad, lines) = (answer.bad(), answer.lines);
    if answer.rows == 0 && lines > 0 {
        let (reasons, time) = (answer.reasons(), settled.reading.time.clone());
        return Err(ImportError::NoEvents { lines, reasons, time, columns: list_of(columns) });
    }
    let share = bad as f64 / lines.max(1) as f64;
    match ask.max_bad_lines.filter(|limit| share > *limit) {
        Some(limit) => Err(ImportError::TooManyBad { bad, lines, reasons: answer.reasons(), share, limit }),
        None => Ok(()),
    }
}

/// Makes sure that all columns that are named are there.
fn check_named(settled: &Settled, columns: &[Column]) -> Result<(), JobError> {
    let Some(missing) = settled.wanted.missing(columns) else { return Ok(()) };
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let hint = format!("no line has a value of it; the columns are {}", list_of(&names));
    Err(JobError::Choice { key: "--columns", value: missing.to_string(), hint })
}

/// Makes sure that what is expanded has keys of its own, in a folder of whatever columns there are.
fn check_expanded(made: &Made, columns: &[Column]) -> Result<(), JobError> {
    if made.columns.is_some() {
        return Ok(());
    }
    let is_inside = |name: &str, key: &str| name.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
    let has_keys = |key: &&String| columns.iter().any(|column| is_inside(&column.name, key));
    let Some(missing) = made.expand.iter().find(|key| !has_keys(key)) else { return Ok(()) };
    let objects = columns.iter().filter(|column| column.kind == Kind::Json).map(|column| column.name.clone());
    let hint = match list_of(&objects.collect::<Vec<_>>()) {
        none if none.is_empty() => "no line has an object".to_string(),
        list => format!("no line has an object by that key; objects are in {list}"),
    };
    Err(JobError::Choice { key: "--expand", value: missing.clone(), hint })
}

/// Files that are put in place together.
fn parts(imports: Vec<Import>) -> Vec<Vec<Import>> {
    let mut parts: Vec<Vec<Import>> = Vec::new();
    let mut bytes = 0;
    for import in imports {
        bytes += import.file.version.bytes;
        match parts.last_mut().filter(|part| bytes <= TOGETHER && part.len() < MOST_TOGETHER) {
            Some(part) => part.push(import),
            None => {
                bytes = import.file.version.bytes;
                parts.push(vec![import]);
            }
        }
    }
    parts
}

/// Writes the rows of files of lines beside their places.
fn write_all(
    part: &[Import],
    writing: &Writing<'_>,
    folder: &Folder,
    progress: &Progress,
) -> Result<Vec<Written>, Error> {
    let write_one = |import: &Import| {
        let place = |day: i64| folder.staged(&place_of_day(&day_text(day), &import.name));
        let written = days::write(&import.file, import.scanned.days.clone(), writing, place);
        progress.add(1);
        written
    };
    part.par_iter().with_max_len(1).map(write_one).collect()
}

/// Puts what was written of files of lines in its places.
fn put(part: Vec<Import>, written: Vec<Written>, folder: &mut Folder, answer: &mut Answer) -> Result<(), Error> {
    let mut files = BTreeMap::new();
    for (import, written) in part.into_iter().zip(written) {
        answer.parquet_files += import.scanned.days.len() as u64;
        answer.parquet_bytes += written.bytes;
        for (column, count) in written.unfit {
            *answer.unfit.entry(column).or_default() += count;
        }
        let days = import.scanned.days.iter().map(|(day, of_day)| (day_text(*day), of_day.rows)).collect();
        let bad = import.scanned.bad_lines();
        files.insert(key_of(&import.file), Done { version: import.file.version, name: import.name, days, bad });
    }
    Ok(folder.put(files)?)
}
