//! `dwell compare`: two job files, and what is asked of their comparison.

use std::path::{Path, PathBuf};

use clap::Args;

use super::resources::{ResourceFlags, Setup};
use crate::commands::compare::error::CompareError;
use crate::commands::compare::{Compared, Options};
use crate::error::Error;
use crate::job::file::{InputKeys, JobFile};
use crate::job::values::Names;
use crate::job::{local_folder, Job, JobError};
use crate::summary::format::Format;

/// A comparison, as asked for.
#[derive(Debug, Args)]
pub struct CompareRequest {
    /// The job file of one definition
    #[arg(value_name = "A.toml")]
    a: PathBuf,
    /// The job file of the other one
    #[arg(value_name = "B.toml")]
    b: PathBuf,

    /// Event file, folder or glob for both; may be given again
    #[arg(long, value_name = "PATH", help_heading = "Input")]
    input: Option<Vec<String>>,
    /// The tool the events are from, whose columns are known, for both: amplitude, ga4, …
    #[arg(long, value_name = "NAME", help_heading = "Input")]
    source: Option<String>,
    /// Folder of its own for all of it as Parquet: how sessions map, measures and users
    #[arg(long, value_name = "FOLDER", help_heading = "Output")]
    output: Option<String>,
    /// How many of the users that change most to show
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output")]
    users: usize,
    /// How to print the answer
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t, help_heading = "Output")]
    format: Format,
    #[command(flatten)]
    resources: ResourceFlags,
}

impl CompareRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.resources.setup()
    }

    /// The two jobs, and what is asked of their comparison.
    ///
    /// # Errors
    /// A job file that cannot be read, and everything that is wrong with its keys or the flags.
    pub fn resolve(self) -> Result<([Compared; 2], Options), Error> {
        let resources = self.resources.resources()?;
        let job = |path: &Path| job(path, self.input.clone(), self.source.clone());
        let jobs = [job(&self.a)?, job(&self.b)?];
        let output = self.output.map(|path| local_folder("--output", path)).transpose()?;
        Ok((jobs, Options { output, users: self.users, format: self.format, resources }))
    }
}

/// One of the two jobs, over an input and a source that were given for both.
fn job(path: &Path, input: Option<Vec<String>>, source: Option<String>) -> Result<Compared, Error> {
    let keys = JobFile::read(path)?;
    let input = InputKeys { path: input.map(Names::Many), source, ..InputKeys::default() };
    let keys = keys.merge(JobFile { input, ..JobFile::default() });
    let output = keys.output.path.clone().filter(|path| !path.is_empty()).map(PathBuf::from);
    let within = |error: JobError| CompareError::In { job: path.to_path_buf(), exit_code: 2, error: Box::new(error) };
    Ok(Compared { name: path.to_path_buf(), job: Job::for_question(keys).map_err(within)?, output })
}
