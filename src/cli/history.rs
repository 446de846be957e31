//! `dwell history`: flags to a folder.

use std::path::PathBuf;

use clap::Args;

use super::job_file;
use crate::error::Error;
use crate::job::place::Place;
use crate::job::{JobError, JobFile};
use crate::storage::location::is_url;

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
    /// Where the tables are.
    ///
    /// # Errors
    /// A job file that cannot be read, or no folder.
    pub fn resolve(self) -> Result<Place, Error> {
        // How a store is reached is in the job.
        let needs_job = self.output.as_deref().is_none_or(is_url);
        let job = if needs_job { job_file(self.job.as_deref())? } else { JobFile::default() };
        let missing = JobError::Missing { key: "output.path", flag: "--output" };
        let named = self.output.or(job.output.path).filter(|path| !path.is_empty()).ok_or(missing)?;
        let copy = job.output.copy.filter(|_| is_url(&named));
        Ok(Place::new("output.path", named, copy, (job.storage, job.output.storage))?)
    }
}
