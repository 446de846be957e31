//! `dwell init`: flags to a first job.

use std::path::PathBuf;

use clap::Args;

use super::resources::{ResourceFlags, Setup};
use crate::commands::init::{init, Ask};
use crate::error::Error;
use crate::job::file::InputKeys;
use crate::job::values::Names;

/// A first job, as asked for.
#[derive(Debug, Args)]
pub struct InitRequest {
    /// The job file to write
    #[arg(default_value = "dwell.toml")]
    job: PathBuf,

    /// Event file, folder or glob; may be given again
    #[arg(long, value_name = "PATH", required = true, help_heading = "Input")]
    input: Vec<String>,
    /// The tool the events are from, whose columns are known: amplitude, ga4, … [default: by their columns]
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    source: Option<String>,
    /// User column; may be given again: the first that has a value wins [default: one with a usual name]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    user: Option<Vec<String>>,
    /// Time column [default: one with a usual name]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    time: Option<String>,
    /// Unit of a time column of integers: s, ms, us or ns [default: the one by which they are of this century]
    #[arg(long, value_name = "UNIT", help_heading = "Input")]
    time_unit: Option<String>,
    /// Event type column [default: one with a usual name]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    event: Option<String>,
    /// Session id column [default: one with a usual name]
    #[arg(long, value_name = "COLUMN", help_heading = "Input")]
    session_id: Option<String>,
    /// Folder of the tables
    #[arg(long, value_name = "FOLDER", default_value = "sessions", help_heading = "Output")]
    output: String,
    /// Time zone of dates, for instance Europe/Paris [default: UTC]
    #[arg(long, value_name = "ZONE", help_heading = "Output")]
    timezone: Option<String>,
    #[command(flatten)]
    resources: ResourceFlags,
}

impl InitRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.resources.setup()
    }

    /// Writes the job, and returns what to print.
    ///
    /// # Errors
    /// Those of the flags, and of looking at the input; a job file that is there already.
    pub fn answer(self) -> Result<String, Error> {
        let resources = self.resources.resources()?;
        let name = |mut names: Vec<String>| match names.len() {
            1 => Names::One(names.remove(0)),
            _ => Names::Many(names),
        };
        let input = InputKeys {
            path: Some(name(self.input)),
            source: self.source,
            user: self.user.map(name),
            time: self.time,
            time_unit: self.time_unit,
            event: self.event,
            session_id: self.session_id,
            ..InputKeys::default()
        };
        init(&Ask { input, output: self.output, timezone: self.timezone, job: self.job, resources })
    }
}
