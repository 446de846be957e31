//! The command line: what is asked for, and the flags of each command, a file each.

mod charts;
mod compare;
mod definition;
mod doctor;
mod gaps;
mod history;
mod inspect;
mod kernel;
mod question;
mod resources;
mod run;

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};

pub use charts::ChartsRequest;
pub use compare::CompareRequest;
pub use doctor::DoctorRequest;
pub use gaps::GapsRequest;
pub use history::HistoryRequest;
pub use inspect::InspectRequest;
pub use kernel::KernelRequest;
pub use question::QuestionFlags;
pub use run::RunRequest;

use crate::job::{JobError, JobFile};

/// Turns Parquet event tables into user sessions.
#[derive(Debug, Parser)]
#[command(name = "dwell", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Request,
}

/// What a command line asks for.
#[derive(Debug, Subcommand)]
pub enum Request {
    /// Make sessions of events and write the tables
    Run(Box<RunRequest>),
    /// Show what the last runs into a folder did
    History(HistoryRequest),
    /// Recompute measures and histograms from the tables of a run, without reading events
    Charts(ChartsRequest),
    /// Answer the usual questions about sessions from their events
    Doctor(Box<DoctorRequest>),
    /// Show how long users pause between events, and what each timeout would make of it
    Gaps(Box<GapsRequest>),
    /// Show a user's events, the session that each is in, and why
    Inspect(Box<InspectRequest>),
    /// Compare the sessions of two definitions over the same events
    Compare(CompareRequest),
    /// Make sessions of an Arrow IPC stream of events, for other programs: events come in, sessions go out
    Kernel(Box<KernelRequest>),
    /// Print shell completions
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
}

impl Cli {
    /// What the command line asks for; ends the program where it cannot be understood.
    pub fn from_arguments() -> Self {
        Self::try_parse().unwrap_or_else(|error| with_tip(error).exit())
    }

    /// What is asked for.
    pub fn request(self) -> Request {
        self.command
    }

    /// The completions of a shell.
    pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "dwell", &mut script);
        script
    }
}

/// Says what to do where the shell made something of a path that was not meant.
fn with_tip(mut error: clap::Error) -> clap::Error {
    let is_event_file = |value: &ContextValue| match value {
        ContextValue::String(text) => text.to_lowercase().contains(".parquet"),
        _ => false,
    };
    let tip = match error.kind() {
        ErrorKind::UnknownArgument if error.get(ContextKind::InvalidArg).is_some_and(is_event_file) => {
            "put a glob in quotes, as in --input 'data/*.parquet', so that the shell leaves it as it is"
        }
        ErrorKind::InvalidUtf8 => "in a path, put ? in the place of what is no UTF-8, and quotes around it",
        _ => return error,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
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
