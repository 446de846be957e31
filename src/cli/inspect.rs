//! `dwell inspect`: flags to a question.

use clap::Args;

use super::QuestionFlags;
use crate::commands::inspect::stream::Stream;
use crate::commands::inspect::{inspect, Ask};
use crate::error::Error;
use crate::summary::format::Format;

const WHOSE: &str = "Whose";

/// A user's events, as asked for.
#[derive(Debug, Args)]
// `--user` names the user here, not the column.
#[command(mut_arg("user", |column| column.long("user-column")))]
#[group(id = "whose", required = true, multiple = true, args = ["whom", "session"])]
pub struct InspectRequest {
    /// What is asked of every question
    #[command(flatten)]
    pub(super) question: QuestionFlags,
    /// The user whose events to show
    #[arg(id = "whom", long = "user", value_name = "USER", allow_hyphen_values = true, help_heading = WHOSE)]
    user: Option<String>,
    /// The session to show, by its id in the sessions table; without --user, of whoever has it
    #[arg(long, value_name = "ID", allow_hyphen_values = true, help_heading = WHOSE)]
    session: Option<String>,
    /// Columns to show beside each event
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Answer")]
    columns: Vec<String>,
    /// Show the rows that are no events, too: duplicates, inactive and rejected ones
    #[arg(long, help_heading = "Answer")]
    all: bool,
    /// Begin with the oldest session
    #[arg(long, help_heading = "Answer")]
    oldest_first: bool,
}

impl InspectRequest {
    /// The answer, and how it is to be printed.
    ///
    /// # Errors
    /// Those of the flags and the job, and of reading the events; no such user or session.
    pub fn answer(self) -> Result<(Stream, Format), Error> {
        let ask = Ask {
            user: self.user,
            session: self.session,
            columns: self.columns,
            all: self.all,
            oldest_first: self.oldest_first,
        };
        let format = self.question.format();
        let (job, resources) = self.question.resolve()?;
        Ok((inspect(job, &resources, &ask)?, format))
    }
}
