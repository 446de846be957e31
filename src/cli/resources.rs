//! The flags that say what a command may take of the machine, and how it logs.

use std::path::PathBuf;

use clap::Args;

use crate::job::memory_limit::MemoryLimit;
use crate::job::options::Resources;
use crate::job::JobError;
use crate::summary::log::LogFormat;

/// What is set up before a command begins its work.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setup {
    /// How to log.
    pub log_format: LogFormat,
    /// Whether to log nothing but errors.
    pub quiet: bool,
    /// How many threads were asked for.
    pub threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(super) struct ResourceFlags {
    /// Threads to use, up to 512 [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), help_heading = "Run")]
    threads: Option<u16>,
    /// Memory to use, for instance 4GiB; what does not fit goes to disk [default: no limit]
    #[arg(long, value_name = "SIZE", help_heading = "Run")]
    memory_limit: Option<String>,
    /// Folder for what does not fit into memory [default: the output folder's own, or the system's]
    #[arg(long, value_name = "FOLDER", help_heading = "Run")]
    temp_dir: Option<PathBuf>,
    /// Print nothing but errors, and the answer where a question was asked
    #[arg(long, help_heading = "Run")]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Run")]
    log_format: LogFormat,
}

impl ResourceFlags {
    /// What is set up before the command begins.
    pub(super) fn setup(&self) -> Setup {
        let threads = self.threads.map(usize::from);
        Setup { log_format: self.log_format, quiet: self.quiet, threads }
    }

    /// What the command may take.
    ///
    /// # Errors
    /// A size without a unit, or of none that is known.
    pub(super) fn resources(&self) -> Result<Resources, JobError> {
        let memory_limit = self.memory_limit.as_deref();
        if let Some(folder) = self.temp_dir.as_ref().filter(|folder| folder.exists() && !folder.is_dir()) {
            let hint = "it is a file: name a folder".to_string();
            return Err(JobError::Unfit { key: "--temp-dir", value: format!("{folder:?}"), hint });
        }
        Ok(Resources {
            threads: self.setup().threads,
            memory_limit: memory_limit.map(|text| MemoryLimit::parse("--memory-limit", text)).transpose()?,
            temp_dir: self.temp_dir.clone(),
            quiet: self.quiet,
        })
    }
}
