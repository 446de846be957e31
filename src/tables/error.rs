//! What can go wrong with the output folder.

use std::path::{Path, PathBuf};

use arrow::error::ArrowError;
use indicatif::BinaryBytes;

use crate::events::error::InputError;
use crate::job::fingerprint::Difference;
use crate::storage::error::StorageError;

/// A problem with the output folder. Whatever it is, the tables are as they were.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The path is a file.
    #[error("the output {path:?} is a file; `output.path` (--output) has to be a folder")]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder holds something that is not dwell's.
    #[error(
        "the output folder {path:?} is not empty and not dwell's (it has {example:?} but no _dwell/folder.json); \
         give `output.path` (--output) a folder of its own"
    )]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Something in it.
        example: String,
    },
    /// The folder's own record cannot be read.
    #[error("{path:?} cannot be read ({reason}), so it is not known what the folder's tables are; restore it, or write to another folder")]
    BadRecord {
        /// The record.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The ledger cannot be read.
    #[error(
        "{path:?} cannot be read ({reason}), so it is not known which files the tables were made of; run once \
         without --incremental to make them anew"
    )]
    BadLedger {
        /// The ledger.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The folder's tables were made under another definition.
    #[error(
        "the tables in {path:?} were made under another definition:\n  {}\nrun with --overwrite to rebuild all of \
         them under the new one, or write to another folder",
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
    )]
    OtherDefinition {
        /// The folder.
        path: PathBuf,
        /// The keys that differ.
        differences: Vec<Difference>,
    },
    /// The tables are not of the definition that a job of charts gives.
    #[error(
        "the tables in {path:?} were made under another definition than the job gives, which `dwell charts` does not \
         change:\n  {}\nmake them anew by `dwell run`, or give the folder of the tables that the job is of",
        differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
    )]
    MadeOtherwise {
        /// The folder.
        path: PathBuf,
        /// The keys that differ.
        differences: Vec<Difference>,
    },
    /// The folder lies inside the input, or the other way round.
    #[error(
        "the output folder {output:?} lies inside the input {input:?}: the next run would read this one's tables \
         as events; give `output.path` (--output) a folder outside of it"
    )]
    InsideInput {
        /// The output folder.
        output: PathBuf,
        /// The input path.
        input: PathBuf,
    },
    /// The input lies inside the output folder.
    #[error(
        "the input {input:?} lies inside the output folder {output:?}, whose files are dwell's; \
         give `output.path` (--output) a folder of its own"
    )]
    AroundInput {
        /// The output folder.
        output: PathBuf,
        /// A file of the input.
        input: PathBuf,
    },
    /// Another run holds the folder.
    #[error("another run writes to {path:?} ({holder}); wait until it is done")]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who holds it.
        holder: String,
    },
    /// A file cannot be written.
    #[error("{path:?} cannot be written: {reason}; {}", way_out(*full))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
        /// Whether the disk is full.
        full: bool,
    },
    /// A part of a table cannot be read back.
    #[error("{path:?}, a part of a table, cannot be read back: {reason}; check the disk, and run again")]
    Part {
        /// The part.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Two parts of a table have rows of one user.
    #[error(
        "of {path:?}, two parts have rows of one user: the events of a user came to two kernels, where each needs all of them; nothing was \
         changed"
    )]
    UserInTwoParts {
        /// The file that is put together.
        path: PathBuf,
    },
    /// Events that memory has no room for cannot be put on disk.
    #[error(
        "events that --memory-limit leaves no room for cannot be written to {folder:?}: {reason}; {}",
        if *full { "the disk is full: free space, allow more memory, or give another folder with --temp-dir" }
        else { "check the folder, or give another one with --temp-dir" }
    )]
    Spill {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
        /// Whether the disk is full.
        full: bool,
    },
    /// Events that were put on disk cannot be read back.
    #[error(
        "events that --memory-limit leaves no room for cannot be read back from {folder:?}: {reason}; check the \
         disk, or give another folder with --temp-dir"
    )]
    Spilled {
        /// The folder.
        folder: PathBuf,
        /// Why.
        reason: String,
    },
    /// A table that goes to the standard output does not get there.
    #[error(
        "the table cannot be written to the standard output: {reason}; whoever reads it has to read it to its end, or the \
         disk that it goes to is full"
    )]
    Stream {
        /// Why.
        reason: String,
    },
    /// The rows that kernels made elsewhere do not all get here.
    #[error("the stream of parts of tables on the standard input cannot be taken: {reason}; nothing was changed")]
    StreamOfParts {
        /// Why.
        reason: String,
    },
    /// A folder without tables.
    #[error("there are no tables in {path:?}; make them with `dwell run`, or check `output.path` (--output)")]
    NoTables {
        /// The folder.
        path: PathBuf,
    },
    /// The charts of a folder are not those of a job.
    #[error(
        "the charts in {path:?} are not those of the job: `dwell charts` with this job makes them, without reading \
         events"
    )]
    OtherCharts {
        /// The folder.
        path: PathBuf,
    },
    /// A folder whose files are being replaced.
    #[error(
        "a run is putting its files in place in {path:?}, or was killed while it did; ask again once it is done, or \
         run `dwell run` again, which completes it"
    )]
    Changing {
        /// The folder.
        path: PathBuf,
    },
    /// The store that tables are in.
    #[error(transparent)]
    Storage(StorageError),
    /// A file that is larger than what a store takes in one request.
    #[error(
        "{path:?} would have {}, and the store takes at most {} in one request, which is how files are put there so that no other \
         run gets in between: write the tables to a local folder (--output) and copy them from there",
        BinaryBytes(*bytes), BinaryBytes(*most)
    )]
    LargeObject {
        /// Where it was to be put.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The largest that is taken.
        most: u64,
    },
    /// A folder for a copy that is something else.
    #[error(
        "{copy:?} is to be the copy of {url:?}, but has something else in it ({example:?}), which would be removed; give `output.copy` an \
         empty folder, or leave it out"
    )]
    NoCopy {
        /// The folder.
        copy: PathBuf,
        /// The folder in the store.
        url: String,
        /// Something in it.
        example: String,
    },
    /// A copy that another process keeps.
    #[error(
        "the copy of {url:?} in {copy:?} is in use ({holder}); wait until that is done, or give this run an `output.copy` of its own"
    )]
    CopyInUse {
        /// The folder.
        copy: PathBuf,
        /// The folder in the store.
        url: String,
        /// Who has it.
        holder: String,
    },
    /// A decision whose answer did not come.
    #[error(
        "whether the tables of {url:?} are decided is not known ({reason}): the next run into it finds out, and completes what is; run \
         again"
    )]
    Unknown {
        /// The folder.
        url: String,
        /// Why not.
        reason: String,
    },
    /// Another run was quicker.
    #[error(
        "another run into {url:?} was quicker ({winner}): its tables are there, and those of this run are not; have one run at a \
         time write there, and run again"
    )]
    Overtaken {
        /// The folder.
        url: String,
        /// Which run.
        winner: String,
    },
    /// A run has decided, and could not put all files in place.
    #[error(
        "the tables of {url:?} are decided, but not all of their files are in place yet ({reason}): the next run into it \
         completes that, before anything else; run again"
    )]
    Undone {
        /// The folder.
        url: String,
        /// Why not.
        reason: String,
    },
    /// A table lacks what a chart needs.
    #[error("the table {path:?} lacks {what}; `dwell run` with this job, without --from, --to and --only, adds it to all dates")]
    Lacks {
        /// The table.
        path: PathBuf,
        /// What it lacks.
        what: String,
    },
    /// A column's condition cannot be computed of a session.
    #[error("{0}")]
    Column(String),
    /// A table of an earlier run cannot be read.
    #[error(
        "the table file {path:?} cannot be read: {reason}; `dwell run` without --incremental, --from, --to and --only \
         makes all tables anew"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

fn way_out(full: bool) -> &'static str {
    if full {
        "the disk is full or a size limit is reached: free space or write elsewhere; the tables are as they were"
    } else {
        "check the folder and its permissions; the tables are as they were"
    }
}

impl TableError {
    /// Whether the command line or job is wrong, rather than the disk.
    pub fn is_usage(&self) -> bool {
        if let TableError::Storage(error) = self {
            return error.is_usage();
        }
        matches!(
            self,
            TableError::NotAFolder { .. }
                | TableError::NotOurs { .. }
                | TableError::NoCopy { .. }
                | TableError::OtherDefinition { .. }
                | TableError::MadeOtherwise { .. }
                | TableError::InsideInput { .. }
                | TableError::AroundInput { .. }
                | TableError::NoTables { .. }
                | TableError::OtherCharts { .. }
                | TableError::Lacks { .. }
                | TableError::Column(_)
        )
    }

    /// An error of putting events on disk.
    pub fn spill(folder: &Path, source: &std::io::Error) -> Self {
        let (reason, full) = reason_of(source);
        TableError::Spill { folder: folder.to_path_buf(), reason, full }
    }

    /// An error of writing a table to the standard output.
    pub fn stream(source: &(dyn std::error::Error + 'static)) -> Self {
        TableError::Stream { reason: reason_of(source).0 }
    }

    /// An error of making the rows that are written to `path`.
    pub fn of_rows(path: &Path, error: &ArrowError) -> Self {
        TableError::of_column(error).unwrap_or_else(|| TableError::write(path, error))
    }

    /// An error of making the rows that are written to the standard output.
    pub fn of_stream_rows(error: &ArrowError) -> Self {
        TableError::of_column(error).unwrap_or_else(|| TableError::stream(error))
    }

    /// The error of a column's condition, where it is one.
    fn of_column(error: &ArrowError) -> Option<Self> {
        let ArrowError::ExternalError(source) = error else { return None };
        source.downcast_ref::<InputError>().map(|input| TableError::Column(input.to_string()))
    }

    /// An error of writing `path`.
    pub fn write(path: &Path, source: &(dyn std::error::Error + 'static)) -> Self {
        let (reason, full) = reason_of(source);
        TableError::Write { path: path.to_path_buf(), reason, full }
    }
}

/// What an error comes to, and whether the disk is full.
fn reason_of(source: &(dyn std::error::Error + 'static)) -> (String, bool) {
    use std::io::ErrorKind;
    let mut cause = Some(source);
    let mut full = false;
    let mut reason = source.to_string();
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            full = matches!(io.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge);
            reason = io.to_string();
        }
        cause = error.source();
    }
    // Writers wrap the cause in text of their own: look there too.
    full |= ["No space left", "File too large", "quota exceeded"].iter().any(|words| reason.contains(words));
    (reason, full)
}
