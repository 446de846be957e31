//! `dwell charts`: flags to a job of charts.

use std::path::PathBuf;

use clap::Args;

use super::job_file;
use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::file::{JobFile, OutputKeys};
use crate::summary::log::LogFormat;

/// Charts, as asked for.
#[derive(Debug, Args)]
pub struct ChartsRequest {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,

    /// Folder of the tables
    #[arg(long, value_name = "FOLDER")]
    output: Option<String>,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

impl ChartsRequest {
    /// How to log.
    pub fn log_format(&self) -> LogFormat {
        self.log_format
    }

    /// Whether to print nothing but errors.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// What the job says of charts, with the flags over it, validated.
    ///
    /// # Errors
    /// A job file that cannot be read, and everything that is wrong with its keys or the flags.
    pub fn resolve(self) -> Result<ChartsJob, Error> {
        let file = job_file(self.job.as_deref())?;
        let output = OutputKeys { path: self.output, ..OutputKeys::default() };
        Ok(ChartsJob::new(file.merge(JobFile { output, ..JobFile::default() }))?)
    }
}
