//! `run.json`: what a run did, in counts that add up (SPEC 4).

use serde::Serialize;
use serde_json::{Map, Value};

use super::event_counts::EventCounts;
use crate::events::normalise::RowCounts;
use crate::events::source::plan::Extent;
use crate::events::source::survey::Survey;
use crate::job::dates::day_text;
use crate::job::fingerprint::Canonical;
use crate::job::Segment;
use crate::sessionize::counts::Counts;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::Day;
use crate::tables::history::changes::Changes;
use crate::tables::history::ledger::Difference;
use crate::tables::history::scope::Scope;
use crate::tables::write::parquet_file::Size;

/// One object for a whole run.
#[derive(Clone, Debug, Serialize)]
pub struct RunJson {
    /// dwell's version.
    pub version: &'static str,
    /// When it started.
    pub started: String,
    /// `full`, `dates` or `incremental`.
    pub mode: &'static str,
    /// Why everything was computed, where that was not asked for.
    pub everything: Option<String>,
    /// The definition: key by key.
    pub definition: Value,
    /// The definition's fingerprint.
    pub fingerprint: String,
    /// What was read.
    pub inputs: Inputs,
    /// How many files are new, changed, gone, and as the run before read them.
    pub files: Files,
    /// Of an incremental run after another: the events of new and changed files by days between their date and
    /// the newest date among them.
    pub lateness: Option<Map<String, Value>>,
    /// What became of rows and events.
    #[serde(flatten)]
    pub counts: EventCounts,
    /// The dates that this run wrote sessions of.
    pub dates: Dates,
    /// The dates of which a file of a table was replaced, added or removed.
    pub replaced: Replaced,
    /// The dates among them that the run was not about, and whose sessions have other numbers than before; `None` where
    /// sessions have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renumbered: Option<Replaced>,
    /// But of a full run: what became of the sessions that the tables had on the dates replaced.
    pub changes: Option<Changes>,
    /// Rows and bytes of each table that this run wrote.
    pub tables: Map<String, Value>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Seconds by stage, and in all.
    pub seconds: Map<String, Value>,
    /// Seconds that threads spent on each step, summed over all threads.
    pub thread_seconds: Map<String, Value>,
    /// The most memory the process held, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

/// What was read.
#[derive(Clone, Debug, Serialize)]
pub struct Inputs {
    files: u64,
    bytes: u64,
    row_groups_read: u64,
    row_groups_skipped: u64,
    /// Folders that the condition rules out: their files are none of these.
    pub folders_ruled_out: u64,
}

/// Files of the input beside those that the run before read.
#[derive(Clone, Debug, Serialize)]
pub struct Files {
    new: usize,
    changed: usize,
    gone: usize,
    same: usize,
}

impl Files {
    /// As counted in a comparison.
    pub fn of(difference: &Difference) -> Self {
        Files {
            new: difference.new.len(),
            changed: difference.changed.len(),
            gone: difference.gone.len() + difference.removed.len(),
            same: difference.same,
        }
    }
}

/// Dates that were replaced.
#[derive(Clone, Debug, Serialize)]
pub struct Replaced {
    count: usize,
    /// First and last of each run of dates without another between them.
    ranges: Vec<(String, String)>,
}

impl Replaced {
    /// These dates, in order.
    pub fn of(days: &[Day]) -> Self {
        let ranges = DateSet::of(days.iter().map(|day| (*day, *day)));
        let ranges = ranges.ranges().iter().map(|(first, last)| (day_text(*first), day_text(*last))).collect();
        Replaced { count: days.len(), ranges }
    }
}

/// Some dates.
#[derive(Clone, Debug, Serialize)]
pub struct Dates {
    count: usize,
    first: Option<String>,
    last: Option<String>,
}

impl Dates {
    /// These dates, in order.
    pub fn of(days: &[Day]) -> Self {
        Dates {
            count: days.len(),
            first: days.first().map(|day| day_text(*day)),
            last: days.last().map(|day| day_text(*day)),
        }
    }
}

/// How long each stage took.
#[derive(Clone, Debug)]
pub struct Stopwatch {
    began: std::time::Instant,
    last: std::time::Instant,
    stages: Vec<(&'static str, f64)>,
}

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        let now = std::time::Instant::now();
        Stopwatch { began: now, last: now, stages: Vec::new() }
    }

    /// What was done since the last call was this stage.
    pub fn stage(&mut self, name: &'static str) {
        let now = std::time::Instant::now();
        self.stages.push((name, (now - self.last).as_secs_f64()));
        self.last = now;
    }

    fn seconds(&self) -> Map<String, Value> {
        let rounded = |seconds: f64| Value::from((seconds * 1e4).round() / 1e4);
        let mut all: Map<String, Value> =
            self.stages.iter().map(|(name, seconds)| (name.to_string(), rounded(*seconds))).collect();
        all.insert("total".to_string(), rounded(self.began.elapsed().as_secs_f64()));
        all
    }
}

/// What [`RunJson::new`] puts together.
#[derive(Clone, Copy, Debug)]
pub struct RunOutcome<'a> {
    /// The definition.
    pub definition: &'a Canonical,
    /// When the run started.
    pub started: jiff::Timestamp,
    /// What it was about.
    pub scope: &'a Scope,
    /// The dates of which files were replaced.
    pub replaced: &'a [Day],
    /// The dates among them whose sessions have other numbers, and nothing else; `None` where sessions have none.
    pub renumbered: Option<&'a [Day]>,
    /// What became of the sessions before.
    pub changes: Option<Changes>,
    /// What was read and skipped.
    pub extent: Extent,
    /// What became of the rows.
    pub rows: &'a RowCounts,
    /// What became of the events.
    pub counts: &'a Counts,
    /// What became of the events of each segment.
    pub segments: &'a [(&'a Segment, Counts)],
    /// The dates that sessions were written of.
    pub days: &'a [Day],
    /// The tables written.
    pub tables: &'a [(String, Size)],
    /// The warnings.
    pub warnings: &'a [super::warnings::Warning],
    /// The time taken.
    pub stopwatch: &'a Stopwatch,
    /// The time that threads spent.
    pub profile: &'a crate::profile::Profile,
}

impl RunJson {
    /// What is told of a run whose outcome this is.
    pub fn new(outcome: RunOutcome<'_>) -> Self {
        let RunOutcome { definition, extent, rows, counts, scope, .. } = outcome;
        RunJson {
            version: env!("CARGO_PKG_VERSION"),
            started: started_text(outcome.started),
            mode: scope.mode.name(),
            everything: scope.whole.as_ref().map(ToString::to_string),
            definition: definition.to_json(),
            fingerprint: definition.fingerprint(),
            inputs: Inputs {
                files: extent.files,
                bytes: extent.bytes,
                row_groups_read: extent.row_groups_read,
                row_groups_skipped: extent.row_groups_skipped,
                folders_ruled_out: extent.folders_ruled_out,
            },
            files: Files::of(&scope.difference),
            lateness: lateness(scope),
            counts: EventCounts::of(&extent, rows, counts, outcome.segments),
            dates: Dates::of(outcome.days),
            replaced: Replaced::of(outcome.replaced),
            renumbered: outcome.renumbered.map(Replaced::of),
            changes: outcome.changes,
            tables: outcome
                .tables
                .iter()
                .map(|(name, size)| (name.to_string(), serde_json::to_value(size).unwrap_or_default()))
                .collect(),
            warnings: outcome.warnings.iter().map(ToString::to_string).collect(),
            seconds: outcome.stopwatch.seconds(),
            thread_seconds: outcome.profile.seconds(),
            peak_memory_bytes: crate::job::memory_limit::peak(),
        }
    }

    /// As text.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// A time as records have it, to the second.
pub fn started_text(started: jiff::Timestamp) -> String {
    started.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The record of a run that found nothing new in these many files.
pub fn nothing_new(started: jiff::Timestamp, files: usize) -> String {
    let record = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "started": started_text(started),
        "mode": "incremental",
        "nothing_new": true,
        "files": { "new": 0, "changed": 0, "gone": 0, "same": files },
    });
    serde_json::to_string_pretty(&record).unwrap_or_default() + "\n"
}

/// A run's record as one line for a program that started it: what it did, in the words of `run.json`.
pub fn json_line(record: &Value) -> String {
    const KEYS: [&str; 12] = [
        "version",
        "mode",
        "nothing_new",
        "fingerprint",
        "files",
        "rows",
        "sessions",
        "users",
        "dates",
        "replaced",
        "warnings",
        "seconds",
    ];
    let mut line = Map::new();
    for key in KEYS {
        let value = match key {
            "nothing_new" => Value::from(record[key] == true),
            "seconds" => record[key]["total"].clone(),
            key => record[key].clone(),
        };
        line.extend((!value.is_null()).then(|| (key.to_string(), value)));
    }
    Value::Object(line).to_string() + "\n"
}

fn lateness(scope: &Scope) -> Option<Map<String, Value>> {
    let mut rows = std::collections::BTreeMap::<Day, u64>::new();
    for (day, count) in scope.surveys.values().flat_map(Survey::rows_by_date) {
        *rows.entry(day).or_default() += count;
    }
    let newest = rows.keys().last()?.epoch_days();
    let late = |(day, count): (&Day, &u64)| ((newest - day.epoch_days()).to_string(), Value::from(*count));
    Some(rows.iter().rev().map(late).collect())
}
