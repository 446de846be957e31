//! `dwell import`: flags to Parquet of JSON lines.

use std::path::PathBuf;

use clap::Args;

use super::resources::Setup;
use super::run::{limit, RunFormat};
use crate::commands::import::error::ImportError;
use crate::commands::import::{import, Ask};
use crate::error::Error;
use crate::job::memory_limit::MemoryLimit;
use crate::job::options::Resources;
use crate::storage::location::is_url;
use crate::summary::log::LogFormat;

/// An import, as asked for.
#[derive(Debug, Args)]
pub struct ImportRequest {
    /// Files of JSON lines, plain or compressed by gzip or zstd; folders and globs of them
    #[arg(required = true, value_name = "PATH", help_heading = "Input")]
    input: Vec<String>,
    /// The tool that the export is of, whose columns are known: amplitude, mixpanel, ga4, …
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    source: Option<String>,
    /// Time column [default: that of the source, or the one with the most usual name]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    time: Option<String>,
    /// What numbers count in the time column: s, ms, us or ns [default: the one by which they are of this century]
    #[arg(long, value_name = "UNIT", help_heading = "Input")]
    time_unit: Option<String>,
    /// Make columns of the keys of this object, like properties.plan; may be given again
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    expand: Vec<String>,
    /// Columns, with types where they are not to be found, like user_id:text,plan,* (* for all others) [default: all]
    #[arg(long, value_name = "LIST", help_heading = "Input")]
    columns: Option<String>,
    /// Import nothing where more than this share of the lines is bad, for instance 0.01, or 0 [default: no limit]
    #[arg(long, value_name = "SHARE", help_heading = "Input")]
    max_bad_lines: Option<String>,
    /// Folder of the Parquet files
    #[arg(long, value_name = "FOLDER", required = true, help_heading = "Output")]
    output: String,
    /// Print what was done as text, or as one JSON object on one line
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    format: RunFormat,
    /// Say which columns and days there are, and write nothing
    #[arg(long, help_heading = "Output")]
    dry_run: bool,
    /// Threads to use, up to 512: each reads a file [default: as many as the machine has]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512), help_heading = "Run")]
    threads: Option<u16>,
    /// Memory to use, for instance 1GiB [default: a few hundred MiB]
    #[arg(long, value_name = "SIZE", help_heading = "Run")]
    memory_limit: Option<String>,
    /// Print nothing but errors
    #[arg(long, help_heading = "Run")]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Run")]
    log_format: LogFormat,
}

impl ImportRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        Setup { log_format: self.log_format, quiet: self.quiet, threads: self.threads.map(usize::from) }
    }

    /// Imports, and returns what to print.
    ///
    /// # Errors
    /// Those of the flags, of reading the lines, and of writing.
    pub fn answer(self) -> Result<String, Error> {
        let memory_limit = self.memory_limit.as_deref();
        let ask = Ask {
            max_bad_lines: limit("--max-bad-lines", &self.max_bad_lines)?,
            resources: Resources {
                threads: self.threads.map(usize::from),
                memory_limit: memory_limit.map(|text| MemoryLimit::parse("--memory-limit", text)).transpose()?,
                temp_dir: None,
                quiet: self.quiet,
            },
            inputs: self.input,
            output: local(self.output)?,
            source: self.source,
            time: self.time,
            time_unit: self.time_unit,
            expand: self.expand,
            columns: self.columns,
            dry_run: self.dry_run,
        };
        let answer = import(&ask)?;
        Ok(match self.format {
            RunFormat::Json => answer.json(),
            RunFormat::Text if self.quiet && !ask.dry_run => String::new(),
            RunFormat::Text => answer.text(),
        })
    }
}

/// A folder on this disk.
fn local(output: String) -> Result<PathBuf, ImportError> {
    if is_url(&output) {
        let hint =
            "name a local folder, and copy it to the store (`aws s3 sync`, `gcloud storage rsync`, `azcopy sync`)";
        return Err(ImportError::NotLocal { path: output, hint });
    }
    Ok(PathBuf::from(output))
}
