//! `dwell history`: flags to a folder.

use std::path::PathBuf;

use clap::Args;

use super::job_file;
use crate::error::Error;
use crate::job::{local_folder, JobError};

/// The folder whose runs are asked for.
#[derive(Debug, Args)]
pub struct HistoryRequest {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,
    /// Folder of the tables
    #[arg(long, value_name = "FOLDER")]
    output: Option<String>,
}

impl HistoryRequest {
    /// The output folder.
    ///
    /// # Errors
    /// A job file that cannot be read, or no folder.
    pub fn resolve(self) -> Result<PathBuf, Error> {
        let named = match self.output {
            Some(output) => Some(output),
            None => job_file(self.job.as_deref())?.output.path,
        };
        let missing = JobError::Missing { key: "output.path", flag: "--output" };
        Ok(local_folder("output.path", named.filter(|path| !path.is_empty()).ok_or(missing)?)?)
    }
}
