//! What can be wrong with a job file or the command line.

use std::path::PathBuf;

/// A mistake in the job file or the flags. Each message names the key and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The job file cannot be read.
    #[error("the job file {path:?} cannot be read ({source}); check the path")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// What is named as a job file is events.
    #[error(
        "{path:?} is {what}, not a job file: events are named with --input; put a glob in quotes, as in --input \
         'data/*.parquet', so that the shell leaves it as it is"
    )]
    Events {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// The job file is no TOML, or a value has the wrong type.
    #[error("the job file {path:?} cannot be understood: {message}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What TOML says, with line and column.
        message: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in {path:?}, line {line}; {hint}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key with its section.
        key: String,
        /// Its line, from 1.
        line: usize,
        /// The nearest key, or the keys there are.
        hint: String,
    },
    /// A value of another type than its key takes.
    #[error("`{key}` in {path:?}, line {line}, {misfit}")]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The key with its section.
        key: String,
        /// Its line, from 1.
        line: usize,
        /// What it is, what the key takes, and an example.
        misfit: String,
    },
    /// A key that a run needs is missing.
    #[error("`{key}` is missing: set it in the job file or pass {flag}")]
    Missing {
        /// The key.
        key: &'static str,
        /// The flag of the same meaning.
        flag: &'static str,
    },
    /// A key that others need beside them is missing.
    #[error("`{key}` is missing: set it in the job file")]
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A duration that cannot be read.
    #[error("`{key}` = \"{value}\" is no duration; {hint}")]
    Duration {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What to write.
        hint: String,
    },
    /// A value that is none of the words a key takes.
    #[error("`{key}` = \"{value}\" is not known; {hint}")]
    Choice {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What the key takes.
        hint: String,
    },
    /// A date or time that cannot be read.
    #[error("`{key}` = \"{value}\" is no {expected}, for instance {example}")]
    Date {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// `date`, or `date or time`.
        expected: &'static str,
        /// A value that can be read.
        example: &'static str,
    },
    /// A range that ends before it begins.
    #[error("`{first_key}` ({first}) is after `{last_key}` ({last}); swap them or change one")]
    EmptyRange {
        /// The key of the beginning.
        first_key: &'static str,
        /// The beginning.
        first: String,
        /// The key of the end.
        last_key: &'static str,
        /// The end.
        last: String,
    },
    /// An event type that starts and ends sessions.
    #[error(
        "the event type \"{event}\" is in both `session.start_event` and `session.end_event`; \
         an event can open a session or close one, so take it out of one of them"
    )]
    StartAndEnd {
        /// The event type.
        event: String,
    },
    /// A starting or ending event type that is also inactive.
    #[error(
        "the event type \"{event}\" is in both `{key}` and `input.inactive`; \
         inactive events count for nothing, so take it out of one of them"
    )]
    InactiveBoundary {
        /// The event type.
        event: String,
        /// `session.start_event` or `session.end_event`.
        key: &'static str,
    },
    /// An option that changes nothing under the definition given.
    #[error("`{key}` has no effect {why}; remove it{way_out}")]
    NoEffect {
        /// The key.
        key: &'static str,
        /// Under which circumstance.
        why: &'static str,
        /// Another way to give it an effect.
        way_out: &'static str,
    },
    /// An empty name or list.
    #[error("`{key}` is empty; give it a value, or remove the key")]
    Empty {
        /// The key.
        key: &'static str,
    },
    /// A share that is none.
    #[error("`{key}` = \"{value}\" is no share; write it like 0.05 or 5%, from 0 to 1")]
    Share {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// A share of what was that is none.
    #[error("`{key}` = \"{value}\" is no share; write it like 0.5 or 50%, from 0 on")]
    ShareOfBefore {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
    },
    /// Some tables of all that an incremental run keeps.
    #[error(
        "--incremental keeps the sessions, activity and events tables in step with the input, and --only asks for some of \
         them: remove one of the two"
    )]
    PartOfIncremental,
    /// A device that is the user.
    #[error(
        "--device: \"{column}\" is the column of users (`input.user`), and the device is another one; name the column of the \
         devices, or with --user that of those who sign in"
    )]
    DeviceIsUser {
        /// The column.
        column: String,
    },
    /// The events table of a segment.
    #[error("--segment: the events table is of all events; leave --segment out, or filter with input.where")]
    EventsOfSegment,
    /// A table is asked for that the job has not.
    #[error(
        "--only events: the job has no table of events; `output.events = true` makes one, and a list of columns in the place \
         of `true` one with these"
    )]
    NoEventsTable,
    /// Charts or tables over dates of which the folder has no rows.
    #[error(
        "{path:?} has {has} of all its dates but no {lacks} (it was written with --only), so a run of some dates \
         would leave tables and charts that say there was none; run once without --from, --to and --incremental, \
         or with --only {has}"
    )]
    PartOfTables {
        /// The folder.
        path: PathBuf,
        /// The table that is there.
        has: &'static str,
        /// The one that is not.
        lacks: &'static str,
    },
    /// A size in bytes that is none.
    #[error("`{key}` = \"{value}\": {hint}")]
    Size {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What to write instead.
        hint: String,
    },
    /// A mistake in one of several charts or segments.
    #[error("{place}: {error}")]
    In {
        /// Which one.
        place: String,
        /// The mistake.
        error: Box<JobError>,
    },
    /// A key that another one needs, or that cannot be done without.
    #[error("`{key}` is missing: {hint}")]
    Needs {
        /// The key.
        key: &'static str,
        /// What to write.
        hint: String,
    },
    /// Two keys of which only one can be.
    #[error("`{key}` cannot stand beside `{other}`; {hint}")]
    NotBoth {
        /// The key.
        key: &'static str,
        /// The other key.
        other: &'static str,
        /// What to write.
        hint: &'static str,
    },
    /// A name that is given twice.
    #[error("`{key}` = \"{name}\" is taken by {by}; give it another name")]
    Taken {
        /// The key.
        key: &'static str,
        /// The name.
        name: String,
        /// What has it.
        by: String,
    },
    /// A name that stands twice in a list.
    #[error("`{key}` names \"{name}\" twice; once is enough")]
    Repeated {
        /// The key.
        key: &'static str,
        /// The name.
        name: String,
    },
    /// A column that is given two names.
    #[error(
        "`column` = \"{name}\" and `column` = \"{other}\" name the same column ({holds}), which is made once for all charts; \
         use one name in both places"
    )]
    TwoNames {
        /// One name.
        name: String,
        /// The one that came first.
        other: String,
        /// What the column holds.
        holds: String,
    },
    /// A value that a key cannot take.
    #[error("`{key}` = {value} cannot be; {hint}")]
    Unfit {
        /// The key.
        key: &'static str,
        /// What was given.
        value: String,
        /// What the key takes.
        hint: String,
    },
    /// A formula that cannot be read.
    #[error("the formula \"{formula}\" cannot be read at character {position}: {reason}")]
    Formula {
        /// The formula.
        formula: String,
        /// Where, from 1.
        position: usize,
        /// What is there and what was expected.
        reason: String,
    },
    /// Some dates or tables in a folder of another definition.
    #[error(
        "--overwrite rebuilds all dates and tables when the definition is another one, and --from, --to and --only \
         ask for some: remove them"
    )]
    PartOfRebuild,
}

impl JobError {
    /// This mistake, in one of several charts or segments.
    pub fn within(self, place: &str) -> Self {
        JobError::In { place: place.to_string(), error: Box::new(self) }
    }
}
