//! What `dwell charts` needs of a job: where the tables are, and what to make of them. Where events came from is
//! no matter.

use serde_json::Value;

use super::chart::Chart;
use super::column::Column;
use super::derived::Derived;
use super::error::JobError;
use super::file::{InputKeys, JobFile};
use super::fingerprint::Canonical;
use super::place::Place;
use super::segment::Segments;
use super::source;
use super::starts::Starts;
use super::values::Names;
use super::{CsvFormulas, Job};

/// The part of a job that is about charts.
#[derive(Clone, Debug)]
pub struct ChartsJob {
    /// Where the tables are.
    pub place: Place,
    /// The time zone, where the job names one.
    pub zone_name: Option<String>,
    /// What the job says of which sessions there are, as far as it does.
    pub says: Canonical,
    /// Segments of the events.
    pub segments: Segments,
    /// The declared columns of the sessions tables.
    pub columns: Vec<Column>,
    /// The charts.
    pub charts: Vec<Chart>,
    /// What becomes of text in CSV that a spreadsheet would run.
    pub formulas: CsvFormulas,
    /// Whether sessions are numbered by user.
    pub history: bool,
    /// The derived columns of events.
    pub derived: Vec<Derived>,
}

impl ChartsJob {
    /// Validates the part of a job as typed.
    ///
    /// # Errors
    /// A missing output, and everything that is wrong with segments and charts.
    pub fn new(keys: JobFile) -> Result<Self, JobError> {
        let says = said(&keys)?;
        let has_ids = has_ids(&keys)?;
        let output = keys.output.path.ok_or(JobError::Missing { key: "output.path", flag: "--output" })?;
        let place = Place::new("output.path", output, keys.output.copy, (keys.storage, keys.output.storage))?;
        let derived = Derived::all_of(keys.input.derive.unwrap_or_default())?;
        let segments = Segments::new(keys.segment, &derived)?;
        let starts = Starts::parse(keys.output.week_start.as_deref(), keys.output.year_start.as_deref())?;
        let charts = Chart::all_of(keys.chart, &segments, starts)?;
        let columns = Column::all_of(keys.column, has_ids)?;
        let formulas = CsvFormulas::parse(keys.output.csv_formulas.as_deref())?;
        let (zone_name, history) = (keys.output.timezone, keys.output.history.unwrap_or(false));
        Ok(ChartsJob { place, zone_name, says, segments, columns, charts, formulas, history, derived })
    }
}

/// Whether events have unique ids: the job names the column, or its source does.
fn has_ids(keys: &JobFile) -> Result<bool, JobError> {
    let (keys, _) = source::apply(keys.clone())?;
    Ok(keys.input.dedup.is_some())
}

/// The keys of `[session]` and those of `[input]` that decide which sessions there are, as far as a job gives them: what it
/// leaves out may have been a flag of the run.
fn said(keys: &JobFile) -> Result<Canonical, JobError> {
    let of_input = ["where", "inactive", "min_time", "max_time", "dedup_within"];
    let given = |keys: serde_json::Result<Value>| match keys {
        Ok(Value::Object(keys)) => keys.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key).collect(),
        _ => Vec::new(),
    };
    let decides = |key: &String| of_input.contains(&key.as_str());
    let of_input = given(serde_json::to_value(&keys.input)).into_iter().filter(decides);
    let mut given_keys: Vec<String> = of_input.map(|key| format!("input.{key}")).collect();
    given_keys.extend(given(serde_json::to_value(&keys.session)).iter().map(|key| format!("session.{key}")));
    if given_keys.is_empty() {
        return Ok(Canonical::default());
    }
    // Where events came from is no matter.
    let input = InputKeys { path: Some(Names::One(".".to_string())), ..keys.input.clone() };
    let job = Job::for_question(JobFile { input, session: keys.session.clone(), ..JobFile::default() })?;
    Ok(Canonical::new(&job, Vec::new()).of(&given_keys))
}
