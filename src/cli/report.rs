//! `dwell report`: flags to a page.

use std::path::{Path, PathBuf};

use clap::Args;

use super::job_file;
use super::resources::Setup;
use crate::commands::doctor::words::Words;
use crate::commands::doctor::{self, Diagnosis};
use crate::commands::report::{report, Options};
use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::file::{JobFile, OutputKeys};
use crate::job::options::Resources;
use crate::job::{Job, JobError};
use crate::sessionize::time::Timestamp;
use crate::summary::bytes_text;
use crate::summary::log::LogFormat;
use crate::tables::write::files::replace_file;

/// A report, as asked for.
#[derive(Debug, Args)]
pub struct ReportRequest {
    /// The job file; without it, dwell.toml in the current folder, if there is one
    job: Option<PathBuf>,

    /// The file to write the page to; - prints it
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    output: PathBuf,
    /// Folder of the tables, where it is not the job's output.path
    #[arg(long, value_name = "FOLDER")]
    tables: Option<String>,
    /// The title of the page
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Write a picture of all sessions to this file, too, as SVG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Read the events, and show what doctor finds in them
    #[arg(long)]
    doctor: bool,
    /// Print nothing but errors
    #[arg(long)]
    quiet: bool,
    /// How to log
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log_format: LogFormat,
}

impl ReportRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        Setup { log_format: self.log_format, quiet: self.quiet, threads: None }
    }

    /// Writes what is asked for, and returns what to print.
    ///
    /// # Errors
    /// Those of the job and its tables, and of writing the files.
    pub fn answer(self) -> Result<String, Error> {
        let is_printed = self.output == Path::new("-");
        let file = job_file(self.job.as_deref())?;
        let has_charts = !file.chart.is_empty();
        let diagnosis = if self.doctor { Some(self.diagnosis(&file)?) } else { None };
        let output = OutputKeys { path: self.tables.clone(), ..OutputKeys::default() };
        let job = ChartsJob::new(file.merge(JobFile { output, ..JobFile::default() })).map_err(with_flag)?;
        let made = report(&job, &Options { title: self.title, has_charts, diagnosis })?;
        if let (Some(path), Some(picture)) = (&self.picture, &made.picture) {
            replace_file(path, picture.as_bytes())?;
        } else if let Some(path) = &self.picture {
            tracing::warn!("the tables have no session, so there is no picture to write to {path:?}");
        }
        if is_printed {
            return Ok(made.page);
        }
        replace_file(&self.output, made.page.as_bytes())?;
        let size = bytes_text(made.page.len() as u64);
        Ok(if self.quiet { String::new() } else { format!("{} in {} ({size})\n", made.extent, self.output.display()) })
    }

    fn diagnosis(&self, file: &JobFile) -> Result<Diagnosis, Error> {
        let options = doctor::Options {
            named: doctor::beside::Named::default(),
            marks: doctor::marks::MarkNames::default(),
            now: Timestamp::from_micros(jiff::Timestamp::now().as_microsecond()),
            words: Words {
                job_file: self.job.as_ref().map(|path| path.display().to_string()),
                flags: Vec::new(),
                has_output: file.output.path.is_some(),
            },
            fail_on: None,
            shown: doctor::Shown::default(),
        };
        let resources = Resources { quiet: self.quiet, ..Resources::default() };
        doctor::diagnose(Job::for_question(file.clone())?, &resources, &options)
    }
}

/// The flag for the folder of the tables has another name here.
fn with_flag(error: JobError) -> JobError {
    match error {
        JobError::Missing { key, .. } => JobError::Missing { key, flag: "--tables" },
        error => error,
    }
}
