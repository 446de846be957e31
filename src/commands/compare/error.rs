//! What can be wrong with a comparison.

use std::path::PathBuf;

/// Why two definitions are not compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// One of the jobs is wrong, or its input cannot be read.
    #[error("{}: {error}", .job.display())]
    In {
        /// The job file.
        job: PathBuf,
        /// What is wrong.
        error: Box<dyn std::error::Error + Send + Sync>,
        /// What the program exits with.
        exit_code: u8,
    },
    /// The jobs read different files.
    #[error(
        "the jobs read different files: {example:?} is read by {} alone{}; definitions are compared over the same \
         events, so name the same `input.path` in both, or give one with --input",
        .job.display(),
        and_more(*others)
    )]
    OtherFiles {
        /// A file that only one of them reads.
        example: PathBuf,
        /// The job that reads it.
        job: PathBuf,
        /// How many other files only one of them reads.
        others: usize,
    },
    /// The users of one are numbers and those of the other are text.
    #[error(
        "users are numbers in one job ({numbers}) and text in the other ({texts}), so that none of one is known to \
         the other; name the same columns in `input.user` of both"
    )]
    OtherUsers {
        /// The columns of numbers.
        numbers: String,
        /// The columns of text.
        texts: String,
    },
    /// The times of one are not those of the other.
    #[error(
        "times are read from {a} in one job and from {b} in the other, so that no event of one is known to the other; \
         name the same column and unit in `input.time` and `input.time_unit` of both, or run each job and compare \
         their measures"
    )]
    OtherTimes {
        /// The column and unit of the first.
        a: String,
        /// Those of the second.
        b: String,
    },
    /// The output would go where the tables of a run are.
    #[error("{path:?} {what}; a comparison writes into a folder of its own, so name another one in --output")]
    NotItsOwn {
        /// The folder.
        path: PathBuf,
        /// What is there.
        what: String,
    },
}

impl CompareError {
    /// What the program exits with.
    pub fn exit_code(&self) -> u8 {
        match self {
            CompareError::In { exit_code, .. } => *exit_code,
            _ => 2,
        }
    }
}

fn and_more(others: usize) -> String {
    match others {
        0 => String::new(),
        1 => ", and so is another".to_string(),
        _ => format!(", and so are {others} more"),
    }
}
