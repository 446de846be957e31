//! `dwell inspect`: flags to a question.

use clap::Args;

use super::QuestionFlags;
use crate::charts::figure::Asked;
use crate::commands::inspect::behind::{behind, FigureAsk};
use crate::commands::inspect::{inspect, Ask};
use crate::error::Error;
use crate::job::charts_job::ChartsJob;
use crate::job::file::{JobFile, OutputKeys};
use crate::job::JobError;
use crate::summary::format::Format;

const WHOSE: &str = "Whose";
const FIGURE: &str = "Behind a figure, from the tables of a run";

/// A user's events, or the sessions behind a figure, as asked for.
#[derive(Debug, Args)]
// `--user` names the user here, not the column.
#[command(mut_arg("user", |column| column.long("user-column")))]
#[group(id = "whose", required = true, multiple = true, args = ["whom", "session", "chart"])]
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
    /// The chart whose sessions to list: those that its figures count, in place of a user's events
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, help_heading = FIGURE, conflicts_with_all = OF_EVENTS)]
    chart: Option<String>,
    /// Of this series [default: that of a chart of one]
    #[arg(long, value_name = "LETTER", help_heading = FIGURE)]
    series: Option<String>,
    /// Of this segment, as in country=FR [default: all]
    #[arg(long, value_name = "NAME", allow_hyphen_values = true, help_heading = FIGURE)]
    segment: Option<String>,
    /// Of the interval with this start, as measures have it, or a date [default: of all of them]
    #[arg(long, value_name = "START", help_heading = FIGURE)]
    interval: Option<String>,
    /// Of this group [default: of all of them]
    #[arg(long, value_name = "GROUP", allow_hyphen_values = true, help_heading = FIGURE)]
    group: Option<String>,
    /// Of the bin with this start, as the histogram has it; none for what lies below all bins
    #[arg(long, value_name = "START", allow_hyphen_values = true, help_heading = FIGURE)]
    bin: Option<String>,
    /// Of the step of a funnel with this number [default: the first]
    #[arg(long, value_name = "N", help_heading = FIGURE)]
    step: Option<String>,
    /// List the users of these sessions, each once
    #[arg(long, help_heading = FIGURE)]
    users: bool,
    /// List so many, the newest first; none for all [default: 100]
    #[arg(long, value_name = "N", help_heading = FIGURE)]
    limit: Option<String>,
    /// Folder of the tables
    #[arg(long, value_name = "FOLDER", help_heading = FIGURE)]
    output: Option<String>,
}

/// Flags about events, what a session is and the memory for both: tables have that behind them.
const OF_EVENTS: [&str; 28] = [
    "whom",
    "session",
    "columns",
    "all",
    "oldest_first",
    "input",
    "source",
    "user",
    "time",
    "time_unit",
    "event",
    "session_id",
    "dedup",
    "where",
    "inactive",
    "property",
    "start_event",
    "end_event",
    "timeout",
    "max_gap",
    "gap_equal",
    "max_length",
    "length_from",
    "id_unit",
    "at_midnight",
    "new_on_change",
    "timezone",
    "temp_dir",
];

/// So many rows are listed where nothing is said.
const LIMIT: usize = 100;

impl InspectRequest {
    /// The answer, for a terminal or not.
    ///
    /// # Errors
    /// Those of the flags and the job, and of reading the events or tables; no such user, session or figure.
    pub fn answer(self, is_terminal: bool) -> Result<String, Error> {
        let format = self.question.format();
        if format == Format::Html {
            // These are lines to read: there is nothing to draw.
            let hint = "inspect prints table, json or csv; pages are those of report, doctor, gaps and compare";
            let (key, value, hint) = ("--format", "html".to_string(), hint.to_string());
            return Err(JobError::Choice { key, value, hint }.into());
        }
        if self.chart.is_some() {
            return self.behind(format);
        }
        let of_figure = [
            ("--series", self.series.is_some()),
            ("--segment", self.segment.is_some()),
            ("--interval", self.interval.is_some()),
            ("--group", self.group.is_some()),
            ("--bin", self.bin.is_some()),
            ("--step", self.step.is_some()),
            ("--users", self.users),
            ("--limit", self.limit.is_some()),
            ("--output", self.output.is_some()),
        ];
        let ask = Ask {
            user: self.user,
            session: self.session,
            columns: self.columns,
            all: self.all,
            oldest_first: self.oldest_first,
        };
        if let Some((key, _)) = of_figure.iter().find(|(_, is_set)| *is_set) {
            return Err(JobError::NoEffect { key, why: "without `--chart`", way_out: ", or name the chart" }.into());
        }
        let (job, resources) = self.question.resolve()?;
        let stream = inspect(job, &resources, &ask)?;
        Ok(match format {
            Format::Json => stream.json(),
            Format::Csv => stream.csv(),
            Format::Table | Format::Html => stream.drawing(is_terminal),
        })
    }

    /// The sessions behind a figure.
    fn behind(self, format: Format) -> Result<String, Error> {
        let ask = FigureAsk {
            chart: self.chart.unwrap_or_default(),
            figure: Asked {
                series: self.series,
                segment: self.segment,
                interval: self.interval,
                group: self.group,
                bin: self.bin,
                step: self.step,
            },
            users: self.users,
            limit: limit(self.limit.as_deref())?,
        };
        let (keys, resources) = self.question.keys()?;
        let output = OutputKeys { path: self.output, ..OutputKeys::default() };
        let job = ChartsJob::new(keys.merge(JobFile { output, ..JobFile::default() }))?;
        Ok(behind(&job, &resources, &ask)?.text(format))
    }
}

/// How many rows are listed; `None` for all.
fn limit(text: Option<&str>) -> Result<Option<usize>, JobError> {
    match text {
        None => Ok(Some(LIMIT)),
        Some("none") => Ok(None),
        Some(text) => {
            let (value, hint) = (text.to_string(), "it is a whole number, or none for all".to_string());
            text.parse().map(Some).map_err(|_| JobError::Choice { key: "--limit", value, hint })
        }
    }
}
