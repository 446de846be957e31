//! The command line: flags to a job as typed and the options of a run.

use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::dates::parse_window;
use crate::job::file::{InputKeys, JobFile, Names, OutputKeys, Scalar, SessionKeys};
use crate::job::options::{Limits, Options, Table};
use crate::job::{Job, JobError};
use crate::memory::MemoryLimit;
use crate::report::log::LogFormat;

/// Turns Parquet event tables into user sessions.
#[derive(Debug, Parser)]
#[command(name = "dwell", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make sessions of events and write the tables
    Run(Box<RunFlags>),
    /// Show what the last runs into a folder did
    History(HistoryFlags),
    /// Recompute measures and histograms from the tables of a run, without reading events
    Charts(ChartsFlags),
    /// Print shell completions
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
}

/// What a command line asks for.
#[derive(Debug)]
pub enum Request {
    /// A run.
    Run(Box<RunRequest>),
    /// What the last runs did.
    History(HistoryRequest),
    /// Charts.
    Charts(ChartsRequest),
    /// Shell completions.
    Completions(clap_complete::Shell),
}

/// Charts, as asked for.
#[derive(Debug)]
pub struct ChartsRequest {
    flags: ChartsFlags,
}

#[derive(Debug, Args)]
struct ChartsFlags {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,

    /// Folder of the tables
    #[arg(long, value_name = "FOLDER")]
    output: Option<String>,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

/// A run, as asked for.
#[derive(Debug)]
pub struct RunRequest {
    flags: RunFlags,
}

/// The folder whose runs are asked for.
#[derive(Debug)]
pub struct HistoryRequest {
    flags: HistoryFlags,
}

#[derive(Debug, Args)]
struct HistoryFlags {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,
    /// Folder of the tables
    #[arg(long, value_name = "FOLDER")]
    output: Option<String>,
}

const LIMITS: &str = "Limits (a run that exceeds one changes nothing and ends with 3)";
const SESSION: &str = "Session (without any of the first four: one session a session id)";

#[derive(Debug, Args)]
struct RunFlags {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,

    /// Event file, folder or glob; may be given again
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    input: Option<Vec<String>>,
    /// User column; given twice, the first that has a value wins [default: user_id]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    user: Option<Vec<String>>,
    /// Time column [default: client_event_time, else event_time]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    time: Option<String>,
    /// What an integer time column counts: s, ms, us or ns
    #[arg(long, value_name = "UNIT", help_heading = "Input")]
    time_unit: Option<String>,
    /// Event type column [default: event_type]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    event: Option<String>,
    /// Session id column [default: session_id]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    session_id: Option<String>,
    /// Column of unique event ids: events that repeat one are dropped
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    dedup: Option<String>,
    /// SQL condition that events have to meet
    #[arg(long, value_name = "SQL", help_heading = "Input")]
    r#where: Option<String>,
    /// Event type that counts for nothing; may be given again
    #[arg(long, value_name = "TYPE", help_heading = "Input")]
    inactive: Option<Vec<String>>,

    /// Column that the events of a session share
    #[arg(
        long,
        value_name = "COLUMN",
        help_heading = SESSION
    )]
    property: Option<String>,
    /// Event type that opens a session; may be given again
    #[arg(
        long,
        value_name = "TYPE",
        help_heading = SESSION
    )]
    start_event: Option<Vec<String>>,
    /// Event type that closes a session; may be given again
    #[arg(
        long,
        value_name = "TYPE",
        help_heading = SESSION
    )]
    end_event: Option<Vec<String>>,
    /// Silence that ends a session, for instance 30m
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = SESSION
    )]
    timeout: Option<String>,
    /// Silence that ends a session where there is no timeout, or none [default: 7d]
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = SESSION
    )]
    max_gap: Option<String>,
    /// Whether a silence of exactly the timeout splits a session: split or join [default: split]
    #[arg(
        long,
        value_name = "WORD",
        help_heading = SESSION
    )]
    gap_equal: Option<String>,
    /// Sessions longer than this are excluded, or none [default: 1d]
    #[arg(
        long,
        value_name = "DURATION",
        help_heading = SESSION
    )]
    max_length: Option<String>,
    /// Where a session of one session id starts: session_id or first_event [default: session_id]
    #[arg(
        long,
        value_name = "WORD",
        help_heading = SESSION
    )]
    length_from: Option<String>,

    /// Folder for the tables
    #[arg(long, value_name = "FOLDER", help_heading = "Output")]
    output: Option<String>,
    /// Time zone of dates [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Output")]
    timezone: Option<String>,
    /// First date to recompute; other dates stay as they are
    #[arg(long, value_name = "DATE", help_heading = "Output")]
    from: Option<String>,
    /// Last date to recompute
    #[arg(long, value_name = "DATE", help_heading = "Output")]
    to: Option<String>,
    /// Find the dates to recompute: those that new, changed and removed input files touch
    #[arg(long, conflicts_with_all = ["from", "to"], help_heading = "Output")]
    incremental: bool,
    /// With --incremental, input files may be gone: their events leave the tables
    #[arg(long, requires = "incremental", help_heading = "Output")]
    allow_removed: bool,
    /// Write only these
    #[arg(long, value_enum, value_delimiter = ',', value_name = "TABLE", help_heading = "Output")]
    only: Vec<Table>,
    /// Rebuild a folder whose tables were made under another definition
    #[arg(long, help_heading = "Output")]
    overwrite: bool,

    /// Threads to use, up to 512 [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), help_heading = "Run")]
    threads: Option<u16>,
    /// Memory to use, for instance 4GiB; what does not fit goes to disk [default: no limit]
    #[arg(long, value_name = "SIZE", help_heading = "Run")]
    memory_limit: Option<String>,
    /// Folder for what does not fit into memory [default: the output folder's own]
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    temp_dir: Option<PathBuf>,
    /// Fail where more than this share of rows is rejected: 0.01 or 1%
    #[arg(long, value_name = "SHARE", help_heading = LIMITS)]
    max_rejected: Option<String>,
    /// … where more than this share of events is in no session
    #[arg(long, value_name = "SHARE", help_heading = LIMITS)]
    max_out_of_session: Option<String>,
    /// … where there are fewer sessions than this on the dates that are written
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    min_sessions: Option<u64>,
    /// … where the number of sessions of a date becomes another by more than this share: 0.5 or 50%
    #[arg(long, value_name = "SHARE", help_heading = LIMITS)]
    max_change: Option<String>,
    /// Say what would be read, made and written, and do none of it
    #[arg(long, help_heading = "Run")]
    dry_run: bool,
    /// Print nothing but errors
    #[arg(long, help_heading = "Run")]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Run")]
    log_format: LogFormat,
}

impl Cli {
    /// What is asked for.
    pub fn request(self) -> Request {
        match self.command {
            Command::Run(flags) => Request::Run(Box::new(RunRequest { flags: *flags })),
            Command::History(flags) => Request::History(HistoryRequest { flags }),
            Command::Charts(flags) => Request::Charts(ChartsRequest { flags }),
            Command::Completions { shell } => Request::Completions(shell),
        }
    }

    /// The completions of a shell.
    pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "dwell", &mut script);
        script
    }
}

impl ChartsRequest {
    /// How to log.
    pub fn log_format(&self) -> LogFormat {
        self.flags.log_format
    }

    /// Whether to print nothing but errors.
    pub fn quiet(&self) -> bool {
        self.flags.quiet
    }

    /// What the job says of charts, with the flags over it, validated.
    ///
    /// # Errors
    /// A job file that cannot be read, and everything that is wrong with its keys or the flags.
    pub fn resolve(self) -> Result<ChartsJob, Error> {
        let file = job_file(self.flags.job.as_deref())?;
        let output = OutputKeys { path: self.flags.output, ..OutputKeys::default() };
        Ok(ChartsJob::new(file.merge(JobFile { output, ..JobFile::default() }))?)
    }
}

impl RunRequest {
    /// How to log.
    pub fn log_format(&self) -> LogFormat {
        self.flags.log_format
    }

    /// Whether to print nothing but errors.
    pub fn quiet(&self) -> bool {
        self.flags.quiet
    }

    /// How many threads were asked for.
    pub fn threads(&self) -> Option<usize> {
        self.flags.threads.map(usize::from)
    }

    /// The job and the options of this run: the job file with the flags over it, validated.
    ///
    /// # Errors
    /// A job file that cannot be read, and everything that is wrong with its keys or the flags.
    pub fn resolve(self) -> Result<(Job, Options), Error> {
        let file = job_file(self.flags.job.as_deref())?;
        let options = self.flags.options()?;
        let job = Job::new(file.merge(self.flags.into_keys()))?;
        Ok((job, options))
    }
}

impl HistoryRequest {
    /// The output folder.
    ///
    /// # Errors
    /// A job file that cannot be read, or no folder.
    pub fn resolve(self) -> Result<PathBuf, Error> {
        let named = match self.flags.output {
            Some(output) => Some(output),
            None => job_file(self.flags.job.as_deref())?.output.path,
        };
        let missing = JobError::Missing { key: "output.path", flag: "--output" };
        Ok(PathBuf::from(named.filter(|path| !path.is_empty()).ok_or(missing)?))
    }
}

/// The job file that is named, else the one in the current folder, else an empty one.
fn job_file(named: Option<&Path>) -> Result<JobFile, JobError> {
    let default = Path::new("dwell.toml");
    match named {
        Some(path) => JobFile::read(path),
        None if default.exists() => JobFile::read(default),
        None => Ok(JobFile::default()),
    }
}

impl RunFlags {
    fn options(&self) -> Result<Options, JobError> {
        Ok(Options {
            window: parse_window(("--from", self.from.as_deref()), ("--to", self.to.as_deref()))?,
            only: self.only.clone(),
            threads: self.threads.map(usize::from),
            incremental: self.incremental,
            allow_removed: self.allow_removed,
            limits: Limits {
                max_rejected: limit("--max-rejected", &self.max_rejected)?,
                max_out_of_session: limit("--max-out-of-session", &self.max_out_of_session)?,
                min_sessions: self.min_sessions,
                max_change: self.max_change.as_deref().map(|text| any_share("--max-change", text)).transpose()?,
            },
            memory_limit: self
                .memory_limit
                .as_deref()
                .map(|text| MemoryLimit::parse("--memory-limit", text))
                .transpose()?,
            temp_dir: self.temp_dir.clone(),
            dry_run: self.dry_run,
            overwrite: self.overwrite,
            quiet: self.quiet,
        })
    }

    fn into_keys(self) -> JobFile {
        let names = |names: Option<Vec<String>>| names.map(Names::Many);
        let scalar = |text: Option<String>| text.map(Scalar);
        JobFile {
            input: InputKeys {
                path: names(self.input),
                user: names(self.user),
                time: self.time,
                time_unit: self.time_unit,
                event: self.event,
                session_id: self.session_id,
                dedup: self.dedup,
                r#where: self.r#where,
                inactive: names(self.inactive),
                ..InputKeys::default()
            },
            session: SessionKeys {
                property: self.property,
                start_event: names(self.start_event),
                end_event: names(self.end_event),
                timeout: scalar(self.timeout),
                max_gap: scalar(self.max_gap),
                gap_equal: self.gap_equal,
                max_length: scalar(self.max_length),
                length_from: self.length_from,
                ..SessionKeys::default()
            },
            output: OutputKeys { path: self.output, timezone: self.timezone, ..OutputKeys::default() },
            ..JobFile::default()
        }
    }
}

/// A share of a whole: at most all of it.
fn limit(key: &'static str, text: &Option<String>) -> Result<Option<f64>, JobError> {
    let Some(text) = text else { return Ok(None) };
    let valid = share(text).filter(|share| *share <= 1.0);
    valid.map(Some).ok_or_else(|| JobError::Share { key, value: text.to_string() })
}

/// A share of what something was: it may have become many times that.
fn any_share(key: &'static str, text: &str) -> Result<f64, JobError> {
    share(text).ok_or_else(|| JobError::ShareOfBefore { key, value: text.to_string() })
}

/// Reads a share: `0.01` or `1%`.
fn share(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let parsed = match trimmed.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => trimmed.parse::<f64>(),
    };
    parsed.ok().filter(|share| share.is_finite() && *share >= 0.0)
}
