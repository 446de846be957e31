//! What a run is about: the dates that it makes anew, and the times that it reads for them.

use std::collections::BTreeMap;

use super::ledger::Difference;
use crate::events::source::survey::Survey;
use crate::job::reach::Unbounded;
use crate::job::times::Times;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::Timestamp;

/// What a run is about.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Which kind of run it is.
    pub mode: Mode,
    /// The dates whose files it replaces.
    pub dates: DateSet,
    /// The dates of the events table whose files it replaces: those of all events of sessions that can be others.
    pub event_dates: DateSet,
    /// The times that it reads; `None` for all.
    pub times: Option<Times>,
    /// Why it reads everything, or makes all dates, where that was not asked for.
    pub whole: Option<Whole>,
    /// The latest time of the whole input, where it is known before reading.
    pub latest: Option<Timestamp>,
    /// How the input differs from that of the run before.
    pub difference: Difference,
    /// What was found in files that are new or changed.
    pub surveys: BTreeMap<usize, Survey>,
    /// Whether the sessions of the dates that stay get other columns, which are made of the tables, without reading events.
    pub rewrites: bool,
}

impl Scope {
    /// What becomes of the columns of the dates that stay, where they get others.
    pub fn of_columns(&self) -> Option<&'static str> {
        self.rewrites.then_some("others, which the dates that stay get from their tables, without reading events")
    }
}

/// Kinds of runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// All dates.
    Full,
    /// The dates asked for by `--from` and `--to`.
    Dates,
    /// The dates that new, changed and removed files touch.
    Incremental,
}

impl Mode {
    /// The word for `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Full => "full",
            Mode::Dates => "dates",
            Mode::Incremental => "incremental",
        }
    }
}

/// Why a run reads everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whole {
    /// The definition, or the ids of the input.
    Unbounded(Unbounded),
    /// No run before has said what it read.
    First,
    /// The tables get other columns than they have.
    Columns,
    /// The mapping of users is another than that of the run before.
    Aliases,
    /// A file is gone or changed, and it is not known where its events were.
    Unknown(String),
}

impl std::fmt::Display for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Whole::Unbounded(why) => write!(f, "everything is computed: {why}"),
            Whole::First => write!(f, "everything is computed: no run before this one has said which files it read"),
            Whole::Columns => write!(f, "all dates are rebuilt: the tables get other columns than they have"),
            Whole::Aliases => {
                write!(f, "everything is computed: the files of input.aliases are not those of the run before")
            }
            Whole::Unknown(file) => {
                write!(f, "everything is computed: {file} is gone or changed, and it is not known when its events were")
            }
        }
    }
}
