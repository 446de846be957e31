//! `dwell run`: flags to a job and the options of a run.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::definition::DefinitionFlags;
use super::resources::{ResourceFlags, Setup};
use crate::commands::run::run_recorded;
use crate::error::Error;
use crate::job::dates::parse_window;
use crate::job::options::{Limits, Options, Table};
use crate::job::{Job, JobError};
use crate::schedulers::run::is_nothing_new;
use crate::schedulers::{Environment, Listeners};
use crate::summary::run_json::json_line;

const LIMITS: &str = "Limits (a run that exceeds one changes nothing and ends with 3)";

/// A run, as asked for.
#[derive(Debug, Args)]
pub struct RunRequest {
    #[command(flatten)]
    definition: DefinitionFlags,

    /// Folder for the tables
    #[arg(long, value_name = "FOLDER", help_heading = "Output")]
    output: Option<String>,
    /// First date to recompute; other dates stay as they are
    #[arg(long, value_name = "DATE", help_heading = "Output")]
    from: Option<String>,
    /// Last date to recompute
    #[arg(long, value_name = "DATE", help_heading = "Output")]
    to: Option<String>,
    /// Find the dates to recompute: those that new, changed and removed input files touch
    #[arg(long, conflicts_with_all = ["from", "to"], help_heading = "Output")]
    incremental: bool,
    /// With --incremental, input files may be gone: their events leave the tables
    #[arg(long, requires = "incremental", help_heading = "Output")]
    allow_removed: bool,
    /// Write only these
    #[arg(long, value_enum, value_delimiter = ',', value_name = "TABLE", help_heading = "Output")]
    only: Vec<Table>,
    /// Rebuild a folder whose tables were made under another definition
    #[arg(long, help_heading = "Output")]
    overwrite: bool,

    /// Fail where more than this share of rows is rejected: 0.01 or 1%
    #[arg(long, value_name = "SHARE", help_heading = LIMITS)]
    max_rejected: Option<String>,
    /// … where more than this share of events is in no session
    #[arg(long, value_name = "SHARE", help_heading = LIMITS)]
    max_out_of_session: Option<String>,
    /// … where there are fewer sessions than this on the dates that are written
    #[arg(long, value_name = "N", help_heading = LIMITS)]
    min_sessions: Option<u64>,
    /// … where the number of sessions of a date becomes another by more than this share: 0.5 or 50%
    #[arg(long, value_name = "SHARE", help_heading = LIMITS)]
    max_change: Option<String>,
    /// … where the run has anything to warn of
    #[arg(long, help_heading = LIMITS)]
    fail_on_warning: bool,
    /// Write what the run did to this file, as metrics for Prometheus' textfile collector
    #[arg(long, value_name = "FILE", help_heading = "Schedulers")]
    metrics: Option<PathBuf>,
    /// Print the summary as text, or as one JSON object on one line
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Schedulers")]
    format: RunFormat,
    /// End with this code, not with 0, where an incremental run finds nothing new
    #[arg(long, value_name = "N", requires = "incremental", help_heading = "Schedulers")]
    exit_code_if_nothing_new: Option<u8>,
    /// Say what would be read, made and written, and do none of it
    #[arg(long, help_heading = "Run")]
    dry_run: bool,
    /// For programs: print what is to be read, as one line of JSON, and take the parts of tables that dwell kernel --parts makes
    /// of it from the standard input
    #[arg(long, conflicts_with_all = ["from", "to", "incremental", "only", "dry_run"], help_heading = "Run")]
    by_kernels: bool,
    #[command(flatten)]
    resources: ResourceFlags,
}

/// How the summary of a run is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum RunFormat {
    /// Text for people
    #[default]
    Text,
    /// One JSON object on one line
    Json,
}

/// What a run prints, and what the program ends with.
#[derive(Clone, Debug)]
pub struct RunAnswer {
    /// What to print.
    pub text: String,
    /// The exit code.
    pub exit_code: u8,
}

impl RunRequest {
    /// Runs the job, and tells those of it who listen.
    ///
    /// # Errors
    /// Those of the flags and the job, and of the run.
    pub fn run(self, environment: &Environment) -> Result<RunAnswer, Error> {
        let (format, quiet, dry_run) = (self.format, self.setup().quiet, self.dry_run);
        let nothing_new_code = self.exit_code_if_nothing_new.unwrap_or_default();
        let mut listeners = match dry_run {
            true => Listeners::default(),
            false => Listeners::open(self.metrics.clone(), environment),
        };
        let ran = self.resolve().and_then(|(job, options)| {
            listeners.start(&job, &options);
            run_recorded(&job, &options)
        });
        let record = ran.as_ref().map(|ran| ran.record.as_ref().unwrap_or(&Value::Null));
        listeners.end(record);
        let ran = ran?;
        let is_nothing_new = ran.record.as_ref().is_some_and(is_nothing_new);
        let text = match (format, &ran.record) {
            (RunFormat::Json, Some(record)) => json_line(record),
            _ if quiet && !dry_run => String::new(),
            _ => ran.text,
        };
        Ok(RunAnswer { text, exit_code: if is_nothing_new { nothing_new_code } else { 0 } })
    }

    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.resources.setup()
    }

    /// The job and the options of this run: the job file with the flags over it, validated.
    ///
    /// # Errors
    /// A job file that cannot be read, and everything that is wrong with its keys or the flags.
    pub fn resolve(self) -> Result<(Job, Options), Error> {
        let options = self.options()?;
        let mut keys = self.definition.keys()?;
        keys.output.path = self.output.or(keys.output.path);
        Ok((Job::new(keys)?, options))
    }

    fn options(&self) -> Result<Options, JobError> {
        Ok(Options {
            window: parse_window(("--from", self.from.as_deref()), ("--to", self.to.as_deref()))?,
            only: self.only.clone(),
            incremental: self.incremental,
            allow_removed: self.allow_removed,
            limits: Limits {
                max_rejected: limit("--max-rejected", &self.max_rejected)?,
                max_out_of_session: limit("--max-out-of-session", &self.max_out_of_session)?,
                min_sessions: self.min_sessions,
                fail_on_warning: self.fail_on_warning,
                max_change: self.max_change.as_deref().map(|text| any_share("--max-change", text)).transpose()?,
            },
            resources: self.resources.resources()?,
            dry_run: self.dry_run,
            overwrite: self.overwrite,
            by_kernels: self.by_kernels,
        })
    }
}

/// A share of a whole: at most all of it.
pub(super) fn limit(key: &'static str, text: &Option<String>) -> Result<Option<f64>, JobError> {
    let Some(text) = text else { return Ok(None) };
    let valid = share(text).filter(|share| *share <= 1.0);
    valid.map(Some).ok_or_else(|| JobError::Share { key, value: text.to_string() })
}

/// A share of what something was: it may have become many times that.
fn any_share(key: &'static str, text: &str) -> Result<f64, JobError> {
    share(text).ok_or_else(|| JobError::ShareOfBefore { key, value: text.to_string() })
}

/// Reads a share: `0.01` or `1%`.
fn share(text: &str) -> Option<f64> {
    let trimmed = text.trim();
    let parsed = match trimmed.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => trimmed.parse::<f64>(),
    };
    parsed.ok().filter(|share| share.is_finite() && *share >= 0.0)
}
