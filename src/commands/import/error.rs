//! What can go wrong with an import.

use std::path::PathBuf;

/// Why an import ended. The files that it had put in place before stay and are remembered; nothing of any other is there.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A path that does not exist.
    #[error("{path:?} does not exist; check the path, and put a glob in quotes")]
    NoSuchPath {
        /// The path.
        path: PathBuf,
    },
    /// A glob or a folder without a file of JSON lines.
    #[error("{path:?} has no file of JSON lines (*.json, *.jsonl or *.ndjson, or these with .gz or .zst){hint}")]
    NoFiles {
        /// The folder or glob.
        path: PathBuf,
        /// What else is there.
        hint: &'static str,
    },
    /// A path that is not on the disk.
    #[error("{path:?} is not on this disk, and `dwell import` works with local files: {hint}")]
    NotLocal {
        /// The path.
        path: String,
        /// How to have it there.
        hint: &'static str,
    },
    /// A file of another kind.
    #[error("{path:?} is {what}, and `dwell import` reads JSON lines, plain or compressed by gzip or zstd: {way_out}")]
    OtherKind {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// A file that cannot be read to its end.
    #[error("{path:?} cannot be read beyond line {line} ({source}); fetch it again, or leave it out")]
    Read {
        /// The file.
        path: PathBuf,
        /// The last line that was read.
        line: u64,
        /// Why.
        source: std::io::Error,
    },
    /// A line that is too long to be one.
    #[error(
        "line {line} of {path:?} is longer than {} MiB: is it all of one JSON array? `jq -c '.[]' FILE` makes lines of it",
        most >> 20
    )]
    LongLine {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// How many bytes a line may have.
        most: u64,
    },
    /// A file that is still being written.
    #[error("{path:?} has changed while it was imported; import it again when it is whole")]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The output holds something else.
    #[error("the output {path:?} holds {example:?}, and no import has been here; give --output a folder of its own")]
    NotOurs {
        /// The folder.
        path: PathBuf,
        /// Something in it.
        example: String,
    },
    /// The output was imported to under other options.
    #[error(
        "{path:?} holds what was imported with {key} {was}, and this import has {is}: files of both would not fit together. Leave \
         {key} out, or import all files into another folder"
    )]
    Otherwise {
        /// The folder.
        path: PathBuf,
        /// The flag.
        key: &'static str,
        /// What it was.
        was: String,
        /// What it is.
        is: String,
    },
    /// What is remembered cannot be read.
    #[error("{path:?} cannot be read ({reason}), so it is not known which files are imported; restore it, or import into another folder")]
    BadState {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// No column has the times.
    #[error(
        "no column of {path:?} has a name that is usual for times; name it with --time, or the tool that the export is of with \
         --source. The columns are {columns}"
    )]
    NoTime {
        /// The file that was looked at.
        path: PathBuf,
        /// The columns that there are.
        columns: String,
    },
    /// Keys that are no names of columns, but values.
    #[error(
        "{path:?} has more than {most} columns by line {line}, for instance {example:?}: are some keys values, ids for instance? Name \
         the columns to write with --columns, or leave their object out of --expand"
    )]
    ManyColumns {
        /// The file.
        path: PathBuf,
        /// The line.
        line: u64,
        /// How many there may be.
        most: usize,
        /// The last one.
        example: String,
    },
    /// Not one line is an event.
    #[error("none of the {lines} lines is an event: {reasons}. The time is looked for in `{time}` (--time); the columns are {columns}")]
    NoEvents {
        /// How many lines there are.
        lines: u64,
        /// Bad lines by reason.
        reasons: String,
        /// The time column.
        time: String,
        /// The columns that there are.
        columns: String,
    },
    /// More lines are bad than the user allows.
    #[error(
        "{bad} of {lines} lines are bad ({reasons}), a share of {share:.4}, which is more than --max-bad-lines {limit}; nothing \
         was imported. Look at these lines, or allow more"
    )]
    TooManyBad {
        /// Bad lines.
        bad: u64,
        /// All lines.
        lines: u64,
        /// Bad lines by reason.
        reasons: String,
        /// Their share.
        share: f64,
        /// The share that is allowed.
        limit: f64,
    },
}

impl ImportError {
    /// The exit code (SPEC 7).
    pub fn exit_code(&self) -> u8 {
        match self {
            ImportError::Read { .. }
            | ImportError::LongLine { .. }
            | ImportError::Changed { .. }
            | ImportError::BadState { .. } => 1,
            ImportError::TooManyBad { .. } => 3,
            _ => 2,
        }
    }
}
