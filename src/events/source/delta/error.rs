//! What can be wrong with a Delta table.

use std::path::PathBuf;

/// A problem with a Delta table: with its log, or with what it takes to read it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DeltaError {
    /// A log without a version.
    #[error(
        "{table:?} has a folder _delta_log without a version of a Delta table in it; check `input.path`, or remove that \
         folder if this is no Delta table"
    )]
    NoVersion {
        /// The table.
        table: PathBuf,
    },
    /// A log with a gap.
    #[error(
        "the log of the Delta table {table:?} has no version {version}, which is needed to read version {latest}: is it a copy that \
         is not whole? Copy the whole folder _delta_log, or restore the file"
    )]
    Gap {
        /// The table.
        table: PathBuf,
        /// The version that is not there.
        version: u64,
        /// The latest version.
        latest: u64,
    },
    /// A version that is asked for and is not there yet.
    #[error("the Delta table {table:?} has no version {version} (`input.version`): its latest is {latest}")]
    Later {
        /// The table.
        table: PathBuf,
        /// The version asked for.
        version: u64,
        /// The latest version.
        latest: u64,
    },
    /// A version that is asked for and of which the log has not all any more.
    #[error(
        "version {version} of the Delta table {table:?} (`input.version`) cannot be read any more: its log has no version {needed} and no \
         checkpoint between the two; ask for a later version"
    )]
    Gone {
        /// The table.
        table: PathBuf,
        /// The version asked for.
        version: u64,
        /// The version of which the log has nothing.
        needed: u64,
    },
    /// A version of something else than one table.
    #[error("`input.version` is a version of one Delta table, and {found}; name the folder of one in `input.path`, or leave it out")]
    VersionOf {
        /// What there is in its place.
        found: String,
    },
    /// A file of the log that cannot be read.
    #[error("{file:?} of the log of a Delta table cannot be read: {reason}; restore it, or copy the table anew")]
    BadLog {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// A table that needs more than there is here.
    #[error(
        "the Delta table {table:?} uses {features}, which dwell cannot read: {way_out}, or export the current rows to plain \
         Parquet and point `input.path` there"
    )]
    Unsupported {
        /// The table.
        table: PathBuf,
        /// What it needs, by its names in the protocol.
        features: String,
        /// What to do.
        way_out: String,
    },
    /// A table without rows.
    #[error("the Delta table {table:?} has no files in its version {version}: there are no events to read; check `input.path`")]
    Empty {
        /// The table.
        table: PathBuf,
        /// The version.
        version: u64,
    },
    /// A file that the log names, and that is not there.
    #[error(
        "{file:?} is not there, and the log of the Delta table {table:?} names it: it was removed by hand, or the table was \
         vacuumed while it was read, or this is a copy that is not whole; run again, or copy the table anew"
    )]
    NoFile {
        /// The table.
        table: PathBuf,
        /// The file.
        file: PathBuf,
    },
    /// Deleted rows that cannot be told from others.
    #[error(
        "which rows of {file:?} its Delta table has deleted cannot be read: {reason}; restore the table to a version before, or copy \
         it anew"
    )]
    BadDeletions {
        /// The file, or what says it.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file outside of the table that cannot be reached from it.
    #[error(
        "the log of the Delta table {table:?} names {file:?}, which is in another place than the table (a shallow clone?) and \
         is not read from here; clone the table with its files"
    )]
    Elsewhere {
        /// The table.
        table: PathBuf,
        /// The file, as the log spells it.
        file: String,
    },
}

impl DeltaError {
    /// Whether the job is wrong, rather than the table.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            DeltaError::NoVersion { .. }
                | DeltaError::Later { .. }
                | DeltaError::Gone { .. }
                | DeltaError::VersionOf { .. }
                | DeltaError::Unsupported { .. }
                | DeltaError::Empty { .. }
                | DeltaError::Elsewhere { .. }
        )
    }
}
