//! `dwell charts`: flags to a job of charts.

use std::path::PathBuf;

use clap::Args;

use super::job_file;
use super::resources::Setup;
use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::file::{JobFile, OutputKeys};
use crate::job::memory_limit::MemoryLimit;
use crate::job::options::Resources;
use crate::summary::log::LogFormat;

/// Charts, as asked for.
#[derive(Debug, Args)]
pub struct ChartsRequest {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,

    /// Folder of the tables
    #[arg(long, value_name = "FOLDER")]
    output: Option<String>,
    /// Threads to use, up to 512 [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    threads: Option<u16>,
    /// Memory to use, for instance 4GiB; beyond it, the tables are read more often [default: no limit]
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

impl ChartsRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        Setup { log_format: self.log_format, quiet: self.quiet, threads: self.threads.map(usize::from) }
    }

    /// What it may take of the machine.
    ///
    /// # Errors
    /// A size without a unit, or of none that is known.
    pub fn resources(&self) -> Result<Resources, Error> {
        let memory_limit = self.memory_limit.as_deref();
        let memory_limit = memory_limit.map(|text| MemoryLimit::parse("--memory-limit", text)).transpose()?;
        Ok(Resources { threads: self.setup().threads, memory_limit, temp_dir: None, quiet: self.quiet })
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
