//! `dwell gaps`: flags to a question.

use clap::Args;

use super::QuestionFlags;
use crate::commands::gaps::answer::Answer;
use crate::commands::gaps::gaps;
use crate::error::Error;
use crate::job::duration::parse_duration;
use crate::summary::format::Format;

/// How long users pause, as asked for.
#[derive(Debug, Args)]
pub struct GapsRequest {
    /// What is asked of every question
    #[command(flatten)]
    pub(super) question: QuestionFlags,
    /// Timeouts to try beside the usual ones, for instance 3m,25m
    #[arg(long, value_name = "DURATION", value_delimiter = ',', help_heading = "Answer")]
    timeouts: Vec<String>,
}

impl GapsRequest {
    /// The answer, and how it is to be printed.
    ///
    /// # Errors
    /// Those of the flags and the job, and of reading the events.
    pub fn answer(self) -> Result<(Answer, Format), Error> {
        let more =
            self.timeouts.iter().map(|text| parse_duration("--timeouts", text)).collect::<Result<Vec<_>, _>>()?;
        let format = self.question.format();
        let (job, resources) = self.question.resolve()?;
        Ok((gaps(job, &resources, &more)?, format))
    }
}
