//! Everything that can end a run, with its exit code.

use crate::charts::error::ChartError;
use crate::events::error::InputError;
use crate::job::JobError;
use crate::tables::error::TableError;

/// Why a run ended. In every case the tables are as they were.
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
    /// A bug.
    #[error("this is a bug in dwell; please report this line and the job: {what}; the tables are as they were")]
    Bug {
        /// What the panic said, and where.
        what: String,
    },
}

impl Error {
    /// The exit code (SPEC 7): 1 the run failed, 2 the command line or job is wrong, 3 a limit that the user
    /// set was exceeded.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Job(_) => 2,
            Error::Input(error) if error.is_usage() => 2,
            Error::Table(error) if error.is_usage() => 2,
            Error::Chart(error) if error.is_usage() => 2,
            Error::TooManyRejected { .. } | Error::TooLittleMemory { .. } => 3,
            _ => 1,
        }
    }
}

fn size_text(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}
