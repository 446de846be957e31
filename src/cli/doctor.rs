//! `dwell doctor`: flags to a job and what to know besides.

use clap::Args;

use super::resources::Setup;
use super::QuestionFlags;
use crate::commands::doctor::beside::Named;
use crate::commands::doctor::finding::Level;
use crate::commands::doctor::marks::MarkNames;
use crate::commands::doctor::{Options, Shown};
use crate::error::Error;
use crate::job::options::Resources;
use crate::job::Job;
use crate::sessionize::time::Timestamp;

const COLUMNS: &str = "Columns beside those of a run (the usual names are known)";

/// A doctor, as asked for.
#[derive(Debug, Args)]
pub struct DoctorRequest {
    #[command(flatten)]
    question: QuestionFlags,

    /// End with 3 where a finding is this bad, or worse
    #[arg(long, value_enum, value_name = "LEVEL")]
    fail_on: Option<FailOn>,
    /// Event type that only says that a session starts; may be given again [default: the common spellings]
    #[arg(long, value_name = "TYPE")]
    session_start_event: Vec<String>,
    /// Event type that only says that a session ends; may be given again [default: the common spellings]
    #[arg(long, value_name = "TYPE")]
    session_end_event: Vec<String>,

    /// What an event happened on
    #[arg(long, value_name = "COLUMN", help_heading = COLUMNS)]
    platform: Option<String>,
    /// What recorded it
    #[arg(long, value_name = "COLUMN", help_heading = COLUMNS)]
    library: Option<String>,
    /// Where it came from
    #[arg(long, value_name = "COLUMN", help_heading = COLUMNS)]
    source_column: Option<String>,
    /// The device
    #[arg(long, value_name = "COLUMN", help_heading = COLUMNS)]
    device: Option<String>,
    /// When it arrived: a date or a timestamp
    #[arg(long, value_name = "COLUMN", help_heading = COLUMNS)]
    arrival: Option<String>,
}

/// A level that a command fails on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// Anything worth a look
    Notice,
    /// Warnings only
    Warning,
}

impl DoctorRequest {
    /// What is set up before it begins.
    pub(super) fn setup(&self) -> Setup {
        self.question.setup()
    }

    /// The job that is asked about, what the answer may take, and what to know besides.
    ///
    /// # Errors
    /// As [`QuestionFlags::resolve`].
    pub fn resolve(self, coloured: bool) -> Result<(Job, Resources, Options), Error> {
        let options = Options {
            named: Named {
                platform: self.platform,
                library: self.library,
                source: self.source_column,
                device: self.device,
                arrival: self.arrival,
            },
            marks: MarkNames { starts: self.session_start_event, ends: self.session_end_event },
            now: Timestamp::from_micros(jiff::Timestamp::now().as_microsecond()),
            words: self.question.words()?,
            fail_on: self.fail_on.map(|level| match level {
                FailOn::Notice => Level::Notice,
                FailOn::Warning => Level::Warning,
            }),
            shown: Shown { format: self.question.format(), coloured },
        };
        let (job, resources) = self.question.resolve()?;
        Ok((job, resources, options))
    }
}
