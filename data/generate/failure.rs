//! Why no events were written.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use arrow::error::ArrowError;

/// The reason, and what to do about it.
#[derive(Debug)]
pub enum Failure {
    /// There is something in the output folder.
    NotEmpty(PathBuf),
    /// The days asked for are not in the calendar.
    Dates(jiff::Error),
    /// A file or folder cannot be written.
    File(PathBuf, io::Error),
    /// The columns do not fit together, which would be a mistake of this program.
    Table(ArrowError),
}

impl Failure {
    /// About this file or folder.
    pub fn file(path: &Path, source: io::Error) -> Self {
        Self::File(path.to_owned(), source)
    }

    /// 2 when the command line has to change, 1 when the machine failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::NotEmpty(_) | Self::Dates(_) => 2,
            Self::File(..) | Self::Table(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotEmpty(path) => {
                write!(f, "{} is not empty; give --out a new folder, or remove what is in this one", path.display())
            }
            Self::Dates(error) => {
                write!(f, "--start and --days go beyond the calendar: {error}")
            }
            Self::File(path, error) => write!(f, "cannot write {}: {error}", path.display()),
            Self::Table(error) => write!(f, "cannot build the table: {error}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotEmpty(_) => None,
            Self::Dates(error) => Some(error),
            Self::File(_, error) => Some(error),
            Self::Table(error) => Some(error),
        }
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        Self::Table(error)
    }
}

impl From<jiff::Error> for Failure {
    fn from(error: jiff::Error) -> Self {
        Self::Dates(error)
    }
}
