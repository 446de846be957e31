//! What an import is asked to do, and what of it holds for all files of a folder.

use std::path::{Path, PathBuf};

use super::columns::Wanted;
use super::error::ImportError;
use super::event_line::{ColumnIndex, Reading};
use super::find::LinesFile;
use super::folder::{Folder, Made};
use super::lines::Lines;
use super::shape::Shape;
use super::times::Times;
use crate::commands::init::roles::TIMES;
use crate::error::Error;
use crate::job::options::Resources;
use crate::job::source::{Key, Source};
use crate::job::{JobError, TimeUnit};

/// What an import is asked to do.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// Files, folders and globs.
    pub inputs: Vec<String>,
    /// The folder of the Parquet files.
    pub output: PathBuf,
    /// The tool that the export is of.
    pub source: Option<String>,
    /// The time column.
    pub time: Option<String>,
    /// What numbers count there.
    pub time_unit: Option<String>,
    /// Further keys whose own keys are columns.
    pub expand: Vec<String>,
    /// The columns that are wanted.
    pub columns: Option<String>,
    /// The share of lines that may be bad.
    pub max_bad_lines: Option<f64>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// What it may take of the machine.
    pub resources: Resources,
}

/// What holds for all files of a folder.
#[derive(Clone, Debug)]
pub struct Settled {
    /// As it is remembered.
    pub made: Made,
    /// How lines are read.
    pub reading: Reading,
    /// Which columns are wanted.
    pub wanted: Wanted,
}

impl Settled {
    /// What is asked for, and what earlier imports into the folder were made with where nothing is; `files` tell of the time
    /// column, where nothing else does.
    ///
    /// # Errors
    /// A word that is not known; something else than what the folder was made with; no time column.
    pub fn new(ask: &Ask, folder: &Folder, files: &[&LinesFile]) -> Result<Self, Error> {
        let before = folder.state.made.as_ref();
        let made = Made {
            source: ask.source.clone().or_else(|| before.and_then(|made| made.source.clone())),
            time: String::new(),
            time_unit: ask.time_unit.clone().or_else(|| before.and_then(|made| made.time_unit.clone())),
            expand: if ask.expand.is_empty() {
                before.map(|made| made.expand.clone()).unwrap_or_default()
            } else {
                ask.expand.clone()
            },
            columns: ask.columns.clone().or_else(|| before.and_then(|made| made.columns.clone())),
        };
        let source = made.source.as_deref().map(Source::parse).transpose().map_err(in_flags)?;
        let unit = made.time_unit.as_deref().map(parse_unit).transpose()?;
        let wanted = made.columns.as_deref().map(Wanted::parse).transpose()?.unwrap_or_default();
        let shape = Shape::new(source, &made.expand);
        let time = match (&ask.time, before, source.and_then(|source| source.value(Key::Time))) {
            (Some(time), ..) => shape.column(time).to_string(),
            (None, Some(before), _) => before.time.clone(),
            (None, None, Some(time)) => time.all().first().copied().unwrap_or_default().to_string(),
            (None, None, None) => usual_time(&shape, files)?,
        };
        let made = Made { time: time.clone(), ..made };
        if let Some(before) = before {
            check_same(&ask.output, before, &made)?;
        }
        Ok(Settled { made, reading: Reading { shape, time, times: Times::new(unit) }, wanted })
    }
}

/// The same message with the flag in the place of the key of a job.
fn in_flags(error: JobError) -> JobError {
    match error {
        JobError::Choice { value, hint, .. } => JobError::Choice { key: "--source", value, hint },
        other => other,
    }
}

fn parse_unit(text: &str) -> Result<TimeUnit, JobError> {
    TimeUnit::ALL.into_iter().find(|unit| unit.name() == text).ok_or_else(|| JobError::Choice {
        key: "--time-unit",
        value: text.to_string(),
        hint: "the units are s, ms, us and ns".to_string(),
    })
}

fn check_same(path: &Path, before: &Made, now: &Made) -> Result<(), ImportError> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "left out".to_string());
    let list = |values: &Vec<String>| if values.is_empty() { "left out".to_string() } else { values.join(", ") };
    let both = [
        ("--source", text(&before.source), text(&now.source)),
        ("--time", before.time.clone(), now.time.clone()),
        ("--time-unit", text(&before.time_unit), text(&now.time_unit)),
        ("--expand", list(&before.expand), list(&now.expand)),
        ("--columns", text(&before.columns), text(&now.columns)),
    ];
    match both.into_iter().find(|(_, was, is)| was != is) {
        Some((key, was, is)) => Err(ImportError::Otherwise { path: path.to_path_buf(), key, was, is }),
        None => Ok(()),
    }
}

/// The column that has a name that is usual for times, the best of those in the first lines.
fn usual_time(shape: &Shape, files: &[&LinesFile]) -> Result<String, Error> {
    /// Lines that are looked at.
    const LINES: usize = 1_000;
    let mut reading = Reading { shape: shape.clone(), time: String::new(), times: Times::default() };
    for file in files {
        let mut lines = Lines::open(&file.path)?;
        let mut index = ColumnIndex::open();
        for _ in 0..LINES {
            let Some((_, line)) = lines.next_line()? else { break };
            // Without a time column no line is an event; its columns are known by then.
            let _ = reading.read(line, &mut index);
        }
        if index.names().is_empty() {
            continue;
        }
        let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
        let rank = |name: &&String| TIMES.iter().position(|usual| *usual == plain(name));
        let best = index.names().iter().filter(|name| rank(name).is_some()).min_by_key(rank);
        return match best {
            Some(time) => Ok(time.clone()),
            None => Err(ImportError::NoTime { path: file.path.clone(), columns: list_of(index.names()) }.into()),
        };
    }
    // There is no line of JSON anywhere: nothing is an event, whatever the time is.
    Ok("event_time".to_string())
}

/// Some names in a row.
pub fn list_of(names: &[String]) -> String {
    const MOST: usize = 40;
    let mut list = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        list += &format!(" and {} more", names.len() - MOST);
    }
    list
}
