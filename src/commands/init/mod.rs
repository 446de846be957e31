//! `dwell init`: a first job for an input, by a look at its columns and at the gaps between events.
//!
//! [`roles`] finds the column of each role by the names that are usual; [`text`] writes the job. What the user names stays as it
//! is, and an input that is recognised as a tool's export gets the tool's preset.

pub mod roles;
pub mod text;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::commands::gaps::gaps;
use crate::commands::gaps::proposal::Proposal;
use crate::error::Error;
use crate::events::source::columns::Columns;
use crate::events::source::find::find_files;
use crate::events::source::footer::{read_footers, Footer};
use crate::events::source::plan::ReadPlan;
use crate::events::source::recognise::recognise;
use crate::job::file::{InputKeys, JobFile, SessionKeys};
use crate::job::options::Resources;
use crate::job::source::{Key, Source};
use crate::job::values::{Names, Scalar, TimeoutKeys};
use crate::job::{Job, JobError};
use crate::storage::options::StorageOptions;
use crate::tables::error::TableError;
use crate::tables::folder::check_apart;
use roles::Roles;
use text::Written;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The input, and the columns that the user names.
    pub input: InputKeys,
    /// The folder of the tables.
    pub output: String,
    /// The zone of their dates.
    pub timezone: Option<String>,
    /// The job file to write.
    pub job: PathBuf,
    /// What may be taken of the machine.
    pub resources: Resources,
}

/// What defines sessions.
#[derive(Clone, Debug)]
pub enum Defined {
    /// The ids of this column, or of the source.
    BySessionId,
    /// A timeout.
    ByTimeout(Proposal),
}

/// Looks at the input, writes the job, and returns what to print.
///
/// # Errors
/// An input that cannot be read; a role without a column; a job file that is there already.
pub fn init(ask: &Ask) -> Result<String, Error> {
    if ask.job.exists() {
        return Err(exists(&ask.job));
    }
    let paths = ask.input.path.clone().map(Names::into_vec).unwrap_or_default();
    if paths.is_empty() {
        return Err(JobError::Missing { key: "input.path", flag: "--input" }.into());
    }
    let footers = read_footers(find_files(&paths, &StorageOptions::default())?, &[])?;
    let columns = Columns::of(&footers);
    let mut input = ask.input.clone();
    if input.source.is_none() && names_nothing(&input) {
        input.source = recognise(&columns).map(|source| source.name().to_string());
    }
    let roles = if input.source.is_none() { Roles::find(&columns, &input)? } else { Roles::default() };
    roles.name(&mut input);
    if roles.time_counts && input.time_unit.is_none() {
        input.time_unit = footers.iter().find(|footer| footer.rows() > 0).and_then(|one| unit(&input, one));
    }
    let defined = defined(&input, &ask.resources)?;
    let written = Written {
        input: &input,
        roles: &roles,
        defined: &defined,
        output: &ask.output,
        timezone: ask.timezone.as_deref(),
        rows: footers.iter().map(Footer::rows).sum(),
        files: footers.len(),
    };
    let text = written.text();
    // It is a job that can be run, or it is not written.
    let mut job = Job::new(JobFile::parse(&text, &ask.job)?)?;
    let plan = ReadPlan::new(&mut job)?;
    check_apart(&job.output.place.folder, &job.input.paths, &plan.files())?;
    write(&ask.job, &text)?;
    Ok(format!("{}\n{}", written.summary(&job, &ask.job), next(&ask.job)))
}

/// Whether the user names no column.
fn names_nothing(input: &InputKeys) -> bool {
    input.user.is_none() && input.time.is_none() && input.event.is_none() && input.session_id.is_none()
}

/// What defines sessions: their ids where the input has them, else a timeout.
fn defined(input: &InputKeys, resources: &Resources) -> Result<Defined, Error> {
    let of_source = input.source.as_deref().map(Source::parse).transpose()?;
    if input.session_id.is_some() || of_source.is_some_and(|source| source.value(Key::SessionId).is_some()) {
        return Ok(Defined::BySessionId);
    }
    Ok(Defined::ByTimeout(gaps(under_timeout(input.clone())?, resources, &[])?.proposal()))
}

/// The events under half an hour's timeout: to look at, before it is known what a session is.
fn under_timeout(input: InputKeys) -> Result<Job, JobError> {
    let session = SessionKeys { timeout: Some(TimeoutKeys::Same(Scalar("30m".to_string()))), ..SessionKeys::default() };
    Job::for_question(JobFile { input, session, ..JobFile::default() })
}

/// The unit of times that are numbers: the one by which the footer of a file has them in this century.
fn unit(input: &InputKeys, file: &Footer) -> Option<String> {
    let path = Names::One(file.file.path.to_str()?.to_string());
    let fits = |unit: &&&str| {
        let input = InputKeys { time_unit: Some(unit.to_string()), path: Some(path.clone()), ..input.clone() };
        let Ok(mut job) = under_timeout(input) else { return false };
        let possible = job.input.times;
        ReadPlan::new(&mut job).is_ok_and(|plan| {
            let times = (0..plan.footers.len()).filter_map(|file| plan.times_by_footer(file).ok()).flatten();
            times.into_iter().any(|(first, last)| possible.holds(first) && possible.holds(last))
        })
    };
    ["ms", "s", "us", "ns"].iter().find(fits).map(|unit| unit.to_string())
}

fn exists(path: &Path) -> Error {
    let hint = "it is there already, and is not written over: name another file".to_string();
    JobError::Unfit { key: "the job file", value: format!("{path:?}"), hint }.into()
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let mut file = match OpenOptions::new().write(true).create_new(true).open(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(exists(path)),
        opened => opened.map_err(|error| TableError::write(path, &error))?,
    };
    file.write_all(text.as_bytes()).map_err(|error| {
        // A part of a job is none.
        let _ = std::fs::remove_file(path);
        TableError::write(path, &error).into()
    })
}

/// What to do next.
fn next(path: &Path) -> String {
    let job = if path == Path::new("dwell.toml") { String::new() } else { format!(" {}", path.display()) };
    format!(
        "Next:\n  dwell run{job} --dry-run   what a run reads and writes\n  dwell run{job}             the tables\n  \
         dwell doctor{job}          the usual questions about them\n"
    )
}
