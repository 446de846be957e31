//! The command line: what is asked for, and the flags of each command, a file each.

mod charts;
mod compare;
mod dbt;
mod definition;
mod doctor;
mod gaps;
mod history;
mod identify;
mod import;
mod init;
mod inspect;
mod kernel;
mod program;
mod question;
mod report;
mod resources;
mod run;

use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};

pub use program::main;

use charts::ChartsRequest;
use compare::CompareRequest;
use dbt::DbtRequest;
use doctor::DoctorRequest;
use gaps::GapsRequest;
use history::HistoryRequest;
use identify::IdentifyRequest;
use import::ImportRequest;
use init::InitRequest;
use inspect::InspectRequest;
use kernel::KernelRequest;
use question::QuestionFlags;
use report::ReportRequest;
use resources::Setup;
use run::RunRequest;

use crate::error::Error;
use crate::job::{JobError, JobFile};
use crate::stats::nearest::nearest;

/// Turns Parquet event tables into user sessions.
#[derive(Debug, Parser)]
#[command(name = "dwell", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Request,
}

/// What a command line asks for.
#[derive(Debug, Subcommand)]
enum Request {
    /// Write a first job for some events, by a look at them
    Init(Box<InitRequest>),
    /// Make Parquet of JSON lines, as tools export them, ready for a run
    Import(Box<ImportRequest>),
    /// Make sessions of events and write the tables
    Run(Box<RunRequest>),
    /// Show what the last runs into a folder did
    History(HistoryRequest),
    /// Recompute measures and histograms from the tables of a run, without reading events
    Charts(ChartsRequest),
    /// Make a page to look at from the tables of a run, without reading events
    Report(ReportRequest),
    /// Answer the usual questions about sessions from their events
    Doctor(Box<DoctorRequest>),
    /// Show how long users pause between events, and what each timeout would make of it
    Gaps(Box<GapsRequest>),
    /// Show a user's events, the session that each is in, and why
    Inspect(Box<InspectRequest>),
    /// Compare the sessions of two definitions over the same events
    Compare(CompareRequest),
    /// Make a mapping of devices to the users who signed in on them, for input.aliases
    Identify(Box<IdentifyRequest>),
    /// Make sessions of an Arrow IPC stream of events, for other programs
    Kernel(Box<KernelRequest>),
    /// Print the tables of a folder as a dbt sources file
    Dbt(DbtRequest),
    /// Print the JSON schema of the job file, for editors that complete and check it
    Schema,
    /// Print the manual page of dwell, or of one of its commands, for man
    Man {
        /// The command, for instance run
        command: Option<String>,
    },
    /// Print shell completions
    Completions {
        /// The shell to complete for
        shell: clap_complete::Shell,
    },
}

impl Request {
    /// What is set up before it begins.
    fn setup(&self) -> Setup {
        match self {
            Request::Init(request) => request.setup(),
            Request::Import(request) => request.setup(),
            Request::Run(request) => request.setup(),
            Request::Charts(request) => request.setup(),
            Request::Report(request) => request.setup(),
            Request::Doctor(request) => request.setup(),
            Request::Gaps(request) => request.question.setup(),
            Request::Inspect(request) => request.question.setup(),
            Request::Compare(request) => request.setup(),
            Request::Identify(request) => request.setup(),
            Request::Kernel(request) => request.setup(),
            Request::History(_)
            | Request::Dbt(_)
            | Request::Schema
            | Request::Man { .. }
            | Request::Completions { .. } => Setup::default(),
        }
    }
}

impl Cli {
    /// What the command line asks for; ends the program where it cannot be understood.
    fn from_arguments() -> Self {
        Self::try_parse().unwrap_or_else(|error| with_tip(error).exit())
    }

    /// What is asked for.
    fn request(self) -> Request {
        self.command
    }

    /// The completions of a shell.
    fn completions(shell: clap_complete::Shell) -> String {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "dwell", &mut script);
        String::from_utf8_lossy(&script).into_owned()
    }
}

impl Cli {
    /// The manual page of the program, or of one of its commands.
    ///
    /// # Errors
    /// There is no such command.
    fn manual(command: Option<&str>) -> Result<String, Error> {
        let mut program = Cli::command();
        program.build();
        let shown = match command {
            None => program,
            Some(name) => match program.find_subcommand(name) {
                Some(found) => found.clone().display_name(format!("dwell-{name}")).bin_name(format!("dwell {name}")),
                None => {
                    let names: Vec<&str> = program.get_subcommands().map(clap::Command::get_name).collect();
                    let hint = match nearest(name, names.iter().copied()) {
                        Some(near) => format!("did you mean {near}?"),
                        None => format!("the commands are {}", names.join(", ")),
                    };
                    return Err(JobError::Choice { key: "dwell man", value: name.to_string(), hint }.into());
                }
            },
        };
        let mut page = Vec::new();
        // Writing to memory cannot fail.
        let _ = clap_mangen::Man::new(shown).render(&mut page);
        Ok(String::from_utf8_lossy(&page).into_owned())
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
