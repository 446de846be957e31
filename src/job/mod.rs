//! What to do: the job file, the flags over it, and both validated into types that cannot be wrong.
//! Nothing is opened here but the job file itself.

pub mod added;
pub mod aliases;
pub mod bins;
pub mod chart;
pub mod chart_keys;
pub mod charts_job;
pub mod column;
pub mod dates;
pub mod definition;
pub mod derived;
pub mod duration;
pub mod error;
pub mod file;
pub mod fingerprint;
pub mod formula;
pub mod funnel;
pub mod holds;
pub mod instants;
mod key_types;
mod known_keys;
pub mod memory_limit;
pub mod options;
pub mod place;
pub mod preset;
pub mod reach;
pub mod schema;
pub mod segment;
pub mod sequence;
pub mod series;
pub mod source;
pub mod starts;
mod storage_keys;
pub mod time_on;
pub mod timeouts;
pub mod times;
pub mod value_test;
pub mod values;

use std::path::PathBuf;

use jiff::tz::TimeZone;

pub use added::AddedColumns;
pub use aliases::Aliases;
pub use chart::Chart;
pub use column::Column;
pub use definition::{Custom, Definition, Kind};
pub use derived::Derived;
pub use error::JobError;
pub use file::JobFile;
pub use segment::{Segment, Segments};
pub use starts::Starts;

use crate::sessionize::time::dates::Window;
pub use crate::sessionize::time::TimeUnit;
use crate::sessionize::time::{Span, Timestamp};
use crate::storage::location::is_url;
use crate::storage::options::StorageOptions;
use place::Place;

/// A job as meant: every key read, checked and given its default.
#[derive(Clone, Debug)]
pub struct Job {
    /// Where events come from, and which columns play which role.
    pub input: Input,
    /// What a session is.
    pub definition: Definition,
    /// Where tables go.
    pub output: Output,
    /// Segments of the events; the one of all events is not among them.
    pub segments: Segments,
    /// The columns of the sessions tables that the job declares.
    pub columns: Vec<Column>,
    /// Charts over the tables; at least one.
    pub charts: Vec<Chart>,
    /// The columns of the sessions tables that the job declares, and that charts add.
    pub added: AddedColumns,
    /// The columns that each segment with tables adds to its activity table.
    pub performed: Vec<AddedColumns>,
}

/// The keys of `[input]`, validated.
#[derive(Clone, Debug)]
pub struct Input {
    /// Files, folders and globs; at least one.
    pub paths: Vec<String>,
    /// The version of the Delta table among them that is read; `None` for the latest.
    pub version: Option<u64>,
    /// User columns in order of preference; at least one.
    pub user: Vec<String>,
    /// Whether users are text, whatever their columns hold.
    pub user_as_text: bool,
    /// The time column; `None` for the default ones.
    pub time: Option<String>,
    /// The unit of a time column of integers.
    pub time_unit: Option<TimeUnit>,
    /// The event type column; `None` for the default one, where it is there.
    pub event: Option<String>,
    /// The session id column; `None` for the default one.
    pub session_id: Option<String>,
    /// Orders events of one user at one time.
    pub sequence: Option<String>,
    /// Drops repeated events.
    pub dedup: Option<Dedup>,
    /// A SQL condition over raw events.
    pub condition: Option<String>,
    /// Event types that count for nothing, in ascending order.
    pub inactive: Vec<String>,
    /// Times that are possible: from the first, before the second.
    pub times: TimeRange,
    /// Whether the job itself says how far apart ids of `dedup` repeat.
    pub sets_dedup_within: bool,
    /// The keys that the job's source set; `None` where the job names none.
    pub preset: Option<source::Preset>,
    /// How object stores are reached.
    pub storage: StorageOptions,
    /// Who users are; `None` where they are as read.
    pub aliases: Option<Aliases>,
    /// Columns that are made of those of the input, in the order of their names.
    pub derived: Vec<Derived>,
}

/// Deduplication by a unique id.
#[derive(Clone, Debug)]
pub struct Dedup {
    /// The column.
    pub column: String,
    /// How far apart two events with one id are the same event.
    pub within: Span,
}

/// Times from one instant until before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// The first possible time.
    pub min: Timestamp,
    /// The first time that is too late.
    pub max: Timestamp,
}

impl TimeRange {
    /// Whether a time is possible.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.min <= time && time < self.max
    }
}

/// The keys of `[output]`, validated.
#[derive(Clone, Debug)]
pub struct Output {
    /// Where the tables are.
    pub place: Place,
    /// The time zone of dates.
    pub zone: TimeZone,
    /// The zone's name as given.
    pub zone_name: String,
    /// The dates that the tables hold.
    pub window: Window,
    /// What becomes of text in CSV that a spreadsheet would run.
    pub formulas: CsvFormulas,
    /// Whether sessions are numbered by user, and a table of users is written.
    pub history: bool,
    /// The columns of the input that the table of events has, besides its own; `None` where there is no such table.
    pub events: Option<Vec<String>>,
    /// What these are, with the types of their values, where these follow from the input and are known.
    pub listed: String,
}

/// What becomes of text in CSV that begins as a formula of a spreadsheet does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CsvFormulas {
    /// It has a quote in front, so that none runs it.
    #[default]
    Quote,
    /// It stays as it is.
    Keep,
}

impl CsvFormulas {
    fn parse(text: Option<&str>) -> Result<Self, JobError> {
        let words = [("quote", CsvFormulas::Quote), ("keep", CsvFormulas::Keep)];
        text.map_or(Ok(CsvFormulas::default()), |text| values::choice("output.csv_formulas", text, &words))
    }
}

const DEFAULT_DEDUP_WITHIN: &str = "7d";
const DEFAULT_MIN_TIME: &str = "2000-01-01";
const DEFAULT_MAX_TIME: &str = "2100-01-01";

impl Job {
    /// Validates a job as typed.
    ///
    /// # Errors
    /// A missing input or output, and everything that [`JobError`] lists.
    pub fn new(keys: JobFile) -> Result<Self, JobError> {
        let (keys, preset) = source::apply(keys)?;
        let keys_of_all = keys.storage.clone();
        let input = Input { preset, ..Input::new(keys.input, keys.storage)? };
        let definition = Definition::new(keys.session, &input.inactive)?;
        let starts = Starts::parse(keys.output.week_start.as_deref(), keys.output.year_start.as_deref())?;
        let output = Output::new(keys.output, keys_of_all)?;
        let segments = Segments::new(keys.segment, &input.derived)?;
        let charts = Chart::all_of(keys.chart, &segments, starts)?;
        let columns = Column::all_of(keys.column, input.dedup.is_some())?;
        let (property, history) = (definition.property(), output.history);
        let standard = added::Standard { property, history, derived: &input.derived };
        let (added, performed) = AddedColumns::of_job(&columns, &charts, &segments.with_tables, standard)?;
        Ok(Job { input, definition, output, segments, columns, charts, added, performed })
    }

    /// Validates a job whose events come from elsewhere, and whose tables go there: paths may be absent, and are not looked at.
    ///
    /// # Errors
    /// As [`Job::new`], but for those of paths.
    pub fn for_stream(keys: JobFile) -> Result<Self, JobError> {
        let elsewhere = Some(values::Names::Many(vec!["-".to_string()]));
        let input = file::InputKeys { path: elsewhere, ..keys.input };
        let output = file::OutputKeys { path: Some(".".to_string()), copy: None, ..keys.output };
        Job::new(JobFile { input, output, ..keys })
    }

    /// Validates what a question about sessions needs of a job: events and a definition. Segments and charts are
    /// not looked at, and nothing is ever written to the output's path, which may be missing.
    ///
    /// # Errors
    /// As [`Job::new`], but for those of the output's path, of segments and of charts.
    pub fn for_question(keys: JobFile) -> Result<Self, JobError> {
        let nowhere = Some(".".to_string());
        let output = file::OutputKeys { path: nowhere, copy: None, ..keys.output };
        Job::new(JobFile {
            input: keys.input,
            session: keys.session,
            storage: keys.storage,
            output,
            ..JobFile::default()
        })
    }
}

impl Job {
    /// Everything that declared columns, charts and segments need to know of events.
    pub fn holds(&self) -> impl Iterator<Item = &holds::Holds> {
        let all = std::iter::once(&self.added).chain(&self.performed);
        all.flat_map(AddedColumns::holds)
    }
}

impl Input {
    fn new(keys: file::InputKeys, storage: file::StorageKeys) -> Result<Self, JobError> {
        let storage = storage_keys::options(storage, keys.storage)?;
        let missing = JobError::Missing { key: "input.path", flag: "--input" };
        let paths = keys.path.ok_or(missing)?.into_vec();
        if paths.is_empty() || paths.iter().any(String::is_empty) {
            return Err(JobError::Empty { key: "input.path" });
        }
        let user = keys.user.map_or_else(|| vec!["user_id".to_string()], values::Names::into_vec);
        if user.is_empty() {
            return Err(JobError::Empty { key: "input.user" });
        }
        let text = |value: &Option<values::Scalar>, default: &str| {
            value.as_ref().map_or(default, |value| value.0.as_str()).to_string()
        };
        let (min_text, max_text) = (text(&keys.min_time, DEFAULT_MIN_TIME), text(&keys.max_time, DEFAULT_MAX_TIME));
        let times = TimeRange {
            min: dates::parse_instant("input.min_time", &min_text)?,
            max: dates::parse_instant("input.max_time", &max_text)?,
        };
        if times.min >= times.max {
            return Err(JobError::EmptyRange {
                first_key: "input.min_time",
                first: min_text,
                last_key: "input.max_time",
                last: max_text,
            });
        }
        let within = text(&keys.dedup_within, DEFAULT_DEDUP_WITHIN);
        let within = duration::parse_duration("input.dedup_within", &within)?;
        if keys.dedup.is_none() && keys.dedup_within.is_some() {
            let way_out = ", or name the column of unique ids in `input.dedup`";
            return Err(JobError::NoEffect { key: "input.dedup_within", why: "without `input.dedup`", way_out });
        }
        let condition = keys.r#where.map(|text| text.trim().to_string());
        if condition.as_ref().is_some_and(String::is_empty) {
            return Err(JobError::Empty { key: "input.where" });
        }
        Ok(Input {
            paths,
            version: keys.version,
            user,
            user_as_text: keys.user_type.as_deref().map(is_text).transpose()?.unwrap_or(false),
            time: keys.time,
            time_unit: keys.time_unit.as_deref().map(|text| definition::unit("input.time_unit", text)).transpose()?,
            event: keys.event,
            session_id: keys.session_id,
            sequence: keys.sequence,
            dedup: keys.dedup.map(|column| Dedup { column, within }),
            condition,
            inactive: match keys.inactive {
                // An empty list is what a generated job has where nothing is inactive.
                Some(values::Names::Many(names)) if names.is_empty() => Vec::new(),
                names => definition::event_types("input.inactive", names)?,
            },
            times,
            sets_dedup_within: keys.dedup_within.is_some(),
            preset: None,
            storage,
            aliases: keys.aliases.map(Aliases::new).transpose()?,
            derived: Derived::all_of(keys.derive.unwrap_or_default())?,
        })
    }
}

/// Whether a type that a job names is text.
fn is_text(name: &str) -> Result<bool, JobError> {
    let hint = "it is \"text\"; without it, users are of the type that their column has".to_string();
    let unknown = || JobError::Choice { key: "input.user_type", value: name.to_string(), hint };
    (name == "text").then_some(true).ok_or_else(unknown)
}

/// A folder that is written to, or has tables, by its key or flag: these are on the disk.
///
/// # Errors
/// A URL, with what to do.
pub fn local_folder(key: &'static str, path: String) -> Result<PathBuf, JobError> {
    if !is_url(&path) {
        return Ok(PathBuf::from(path));
    }
    let hint = match path.strip_prefix("file://") {
        Some(plain) => format!("write it as a plain path: {plain}"),
        None => {
            "tables are in a local folder, and not in an object store: name one, and sync it with the bucket (`aws s3 \
                 sync`, `gcloud storage rsync`, `azcopy sync`)"
                .to_string()
        }
    };
    Err(JobError::Choice { key, value: path, hint })
}

/// The columns of the input that the table of events has: each once.
fn event_columns(names: Vec<String>) -> Result<Vec<String>, JobError> {
    if names.iter().any(String::is_empty) {
        return Err(JobError::Empty { key: "output.events" });
    }
    let again = |(place, name): &(usize, &String)| names[..*place].contains(name);
    match names.iter().enumerate().find(again) {
        Some((_, name)) => {
            let hint = "it is named twice: once is enough".to_string();
            Err(JobError::Choice { key: "output.events", value: name.clone(), hint })
        }
        None => Ok(names),
    }
}

impl Output {
    fn new(keys: file::OutputKeys, storage: file::StorageKeys) -> Result<Self, JobError> {
        let path = keys.path.ok_or(JobError::Missing { key: "output.path", flag: "--output" })?;
        let place = Place::new("output.path", path, keys.copy, (storage, keys.storage))?;
        let zone_name = keys.timezone.unwrap_or_else(|| "UTC".to_string());
        let window = dates::parse_window(
            ("output.since", keys.since.as_ref().map(|date| date.0.as_str())),
            ("output.until", keys.until.as_ref().map(|date| date.0.as_str())),
        )?;
        let zone = match zone_name.as_str() {
            "UTC" => TimeZone::UTC,
            name => dates::parse_zone("output.timezone", name)?,
        };
        let formulas = CsvFormulas::parse(keys.csv_formulas.as_deref())?;
        let events = keys.events.and_then(values::NamesOrTruth::names).map(event_columns).transpose()?;
        Ok(Output {
            place,
            zone,
            zone_name,
            window,
            formulas,
            history: keys.history.unwrap_or(false),
            events,
            listed: String::new(),
        })
    }
}
