//! Everything that can end a run, with its exit code.

use std::path::PathBuf;

use crate::charts::error::ChartError;
use crate::commands::compare::error::CompareError;
use crate::commands::import::error::ImportError;
use crate::commands::inspect::error::InspectError;
use crate::events::error::InputError;
use crate::job::JobError;
use crate::tables::error::TableError;

/// Why a run ended. In every case the tables are as they were; where a run dies in the middle of its commit, the next one
/// completes it ([`journal`](crate::tables::folder::journal)).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The job file or the flags are wrong.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The input cannot be read as the job says.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The output folder cannot be used or written.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A chart cannot be made of the tables.
    #[error(transparent)]
    Chart(#[from] ChartError),
    /// There is nothing to show of what was asked for.
    #[error(transparent)]
    Inspect(#[from] InspectError),
    /// Two definitions cannot be compared.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// An import cannot be done.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// More rows were rejected than the user allows.
    #[error(
        "{rejected} of {rows} rows were rejected ({reasons}), a share of {share:.4}, which is more than \
         --max-rejected {limit}; the tables are as they were. Look at these rows, or allow more"
    )]
    TooManyRejected {
        /// Rejected rows.
        rejected: u64,
        /// All rows.
        rows: u64,
        /// Rejected rows by reason.
        reasons: String,
        /// Their share.
        share: f64,
        /// The share that is allowed.
        limit: f64,
    },
    /// More events are in no session than the user allows.
    #[error(
        "{out} of {events} events are in no session ({reasons}), a share of {share:.4}, which is more than \
         --max-out-of-session {limit}; the tables are as they were. Look at the definition, or allow more"
    )]
    TooManyOutOfSession {
        /// Events in no session.
        out: u64,
        /// All events.
        events: u64,
        /// Events in no session by reason.
        reasons: String,
        /// Their share.
        share: f64,
        /// The share that is allowed.
        limit: f64,
    },
    /// There are fewer sessions than the user expects.
    #[error(
        "there {} on the dates that would be written, fewer than --min-sessions {limit}; the tables are as they were. \
         Look at the input, or expect fewer", are_sessions(*sessions)
    )]
    TooFewSessions {
        /// The sessions.
        sessions: u64,
        /// How many there have to be.
        limit: u64,
    },
    /// A date's number of sessions becomes another by more than the user allows.
    #[error(
        "{date} would have {is} sessions instead of {was}, a change of {share:.4}, which is more than --max-change \
         {limit}{}; the tables are as they were. Look at the input of that date, or allow more", and_others(*others)
    )]
    TooMuchChange {
        /// The date that changes most.
        date: String,
        /// Its sessions before.
        was: u64,
        /// Its sessions now.
        is: u64,
        /// The change, of what it was.
        share: f64,
        /// The change that is allowed.
        limit: f64,
        /// On how many other dates it is more than is allowed, too.
        others: usize,
    },
    /// A sum of whole numbers has no room in its column.
    #[error(
        "a sum of the column \"{column}\" does not fit into 64 bits; the tables are as they were. Sum a smaller unit, or leave \
         events out by `where`"
    )]
    SumTooLarge {
        /// The column.
        column: String,
    },
    /// A run has warnings, and the user allows none.
    #[error(
        "--fail-on-warning: the run warns of {}, which is above; the tables are as they were. Look at the input or the \
         job, or leave the flag out", things(*warnings)
    )]
    Warnings {
        /// How many.
        warnings: usize,
    },
    /// An examination found more than the user allows.
    #[error("--fail-on {level}: {} this bad or worse", counted(*findings))]
    Findings {
        /// How many findings.
        findings: usize,
        /// The level that they have at least.
        level: &'static str,
    },
    /// Files that the run before read are gone.
    #[error(
        "{}; the tables are as they were. Check `input.path`, or take the events of what is gone out of the tables \
         with --allow-removed", gone(*count, example)
    )]
    FilesGone {
        /// How many.
        count: usize,
        /// One of them.
        example: String,
    },
    /// The program itself does not fit into the memory that the user allows.
    #[error(
        "--memory-limit allows {}, and with {threads} threads the program alone takes about {}: allow at least that, \
         or use fewer --threads", size_text(*limit), size_text(*least)
    )]
    MemoryForThreads {
        /// The limit.
        limit: u64,
        /// How many threads there are.
        threads: usize,
        /// The least limit.
        least: u64,
    },
    /// The events of a few users are more than the memory holds that the user allows.
    #[error(
        "the events of one partition's users take about {} and --memory-limit allows {}: users cannot be divided, so \
         allow at least {}, or leave the largest users out with `input.where`; the tables are as they were",
        size_text(*needed), size_text(*limit), size_text(*enough)
    )]
    TooLittleMemory {
        /// Bytes that they take.
        needed: u64,
        /// The limit.
        limit: u64,
        /// A limit that would do.
        enough: u64,
    },
    /// A mapping of users does not fit into memory.
    #[error(
        "the mapping of `input.aliases` takes about {} in memory, which does not fit into --memory-limit {} beside everything \
         else: allow at least {}, or leave names out of it that no event has; the tables are as they were",
        size_text(*needed), size_text(*limit), size_text(*enough)
    )]
    ManyAliases {
        /// Bytes that it takes, about.
        needed: u64,
        /// The limit.
        limit: u64,
        /// A limit that would do.
        enough: u64,
    },
    /// The first hours of all users do not fit into memory.
    #[error(
        "`users` of a segment takes the first hour of every user, about {} in memory, which does not fit into --memory-limit {} \
         beside everything else: allow at least {}, or leave that segment out of the charts; the tables are as they were",
        size_text(*needed), size_text(*limit), size_text(*enough)
    )]
    ManyUsers {
        /// Bytes that they take, about.
        needed: u64,
        /// The limit.
        limit: u64,
        /// A limit that would do.
        enough: u64,
    },
    /// Pages or dictionaries of a file do not fit into memory.
    #[error(
        "{path:?} has pages or dictionaries of which reading a row group holds {} at once, which does not fit into --memory-limit {}: \
         allow at least {}, or have its writer make smaller pages; the tables are as they were",
        size_text(*needed), size_text(*limit), size_text(*enough)
    )]
    LargePages {
        /// The file.
        path: PathBuf,
        /// Bytes that they take.
        needed: u64,
        /// The limit.
        limit: u64,
        /// A limit that would do.
        enough: u64,
    },
    /// What is counted of sessions does not fit into memory.
    #[error(
        "what is kept until all events are looked at takes about {}, which does not fit into --memory-limit {}: allow at least {}, \
         or take fewer events with `input.where`",
        size_text(*needed), size_text(*limit), size_text(*enough)
    )]
    ManyResults {
        /// Bytes that it takes, about.
        needed: u64,
        /// The limit.
        limit: u64,
        /// A limit that would do.
        enough: u64,
    },
    /// Any of these, about tables in a store.
    #[error("{message}")]
    InStore {
        /// What it says.
        message: String,
        /// Its exit code.
        exit_code: u8,
    },
    /// A signal asked the run to stop.
    #[error("interrupted; the tables are as they were")]
    Interrupted,
    /// The threads that were asked for cannot be had.
    #[error("{threads} threads cannot be started ({reason}); ask for fewer with --threads")]
    Threads {
        /// How many.
        threads: usize,
        /// Why not.
        reason: String,
    },
    /// The system refuses memory, or a thread, to a library that says so.
    #[error(
        "the system refuses memory, or a thread: give the process more (look at ulimit -v, or the limit of its container), or have \
         dwell take less, with --memory-limit or fewer --threads; the tables are as they were"
    )]
    Refused,
    /// A bug.
    #[error("this is a bug in dwell; please report this line and the job: {what}; the tables are as they were")]
    Bug {
        /// What the panic said, and where.
        what: String,
    },
}

impl Error {
    /// What it says to who sees it, with what to do about an error of the system that does not say so itself.
    pub fn message(&self) -> String {
        let message = self.to_string();
        let way_out = if cfg!(unix) { WAYS_OUT.iter().find(|(number, _)| message.contains(number)) } else { None };
        match way_out {
            Some((_, way_out)) => format!("{message}; {way_out}"),
            None => message,
        }
    }

    /// The exit code (SPEC 7): 1 the run failed, 2 the command line or job is wrong, 3 a limit that the user
    /// set was exceeded.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Job(_) | Error::Inspect(_) | Error::MemoryForThreads { .. } | Error::SumTooLarge { .. } => 2,
            Error::Input(error) if error.is_usage() => 2,
            Error::Table(error) if error.is_usage() => 2,
            Error::Chart(error) if error.is_usage() => 2,
            Error::Compare(error) => error.exit_code(),
            Error::Import(error) => error.exit_code(),
            Error::InStore { exit_code, .. } => *exit_code,
            Error::TooManyRejected { .. }
            | Error::TooManyOutOfSession { .. }
            | Error::TooFewSessions { .. }
            | Error::TooMuchChange { .. }
            | Error::FilesGone { .. }
            | Error::Findings { .. }
            | Error::Warnings { .. }
            | Error::TooLittleMemory { .. }
            | Error::LargePages { .. }
            | Error::ManyAliases { .. }
            | Error::ManyUsers { .. }
            | Error::ManyResults { .. } => 3,
            _ => 1,
        }
    }
}

fn are_sessions(count: u64) -> String {
    match count {
        1 => "is 1 session".to_string(),
        more => format!("are {more} sessions"),
    }
}

fn gone(count: usize, example: &str) -> String {
    match count {
        1 => format!("a file that the run before read is gone: {example}"),
        more => format!("{more} files that the run before read are gone, for instance {example}"),
    }
}

/// What to do where a process, or the whole system, has too many files open.
const WAYS_OUT: [(&str, &str); 2] = [
    ("(os error 24)", "allow the process more open files (`ulimit -n`), or use fewer --threads"),
    ("(os error 23)", "have the system allow more open files (`sysctl fs.file-max`)"),
];

fn things(count: usize) -> String {
    match count {
        1 => "1 thing".to_string(),
        more => format!("{more} things"),
    }
}

fn counted(findings: usize) -> String {
    match findings {
        1 => "1 finding is".to_string(),
        more => format!("{more} findings are"),
    }
}

fn and_others(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => " (and so it is on another date)".to_string(),
        _ => format!(" (and so it is on {others} other dates)"),
    }
}

/// A size as people write it.
pub fn size_text(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}
