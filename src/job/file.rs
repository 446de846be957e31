//! The job as typed: the keys of a job file, all of them optional, and flags over them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use super::chart_keys::{ChartKeys, ColumnKeys, SegmentKeys};
use super::error::JobError;
use super::known_keys::check_keys;
use super::values::{Names, NamesOrTruth, Scalar, TimeoutKeys};

/// A job as typed, in a file, by flags, or both. [`Job::new`](super::Job::new) checks it and fills the defaults in.
///
/// A key that does not exist is an error that names the line and the nearest key; keys of flags go over those of a file:
///
/// ```
/// # use std::path::Path;
/// # use dwell::job::JobFile;
/// let parse = |text| JobFile::parse(text, Path::new("dwell.toml"));
/// let error = parse("[session]\ntimout = '5m'").unwrap_err().to_string();
/// assert!(error.contains("unknown key `session.timout`") && error.contains("did you mean `session.timeout`?"));
///
/// let file = parse("[input]\npath = 'events'\n[session]\ntimeout = '5m'").unwrap();
/// let flags = parse("[session]\ntimeout = '30m'").unwrap();
/// let both = file.merge(flags);
/// assert_eq!(both.session.timeout.unwrap().to_string(), "30m");
/// assert!(both.input.path.is_some());
/// ```
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct JobFile {
    /// Where events come from.
    pub input: InputKeys,
    /// What a session is.
    pub session: SessionKeys,
    /// Where tables go.
    pub output: OutputKeys,
    /// How object stores are reached.
    pub storage: StorageKeys,
    /// Segments of the events.
    pub segment: Vec<SegmentKeys>,
    /// Columns of the sessions tables.
    pub column: Vec<ColumnKeys>,
    /// Charts over the tables.
    pub chart: Vec<ChartKeys>,
}

macro_rules! keys {
    ($(#[$doc:meta])* $name:ident { $($(#[$key_doc:meta])* $key:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            $($(#[$key_doc])* pub $key: Option<$type>,)*
        }

        impl $name {
            pub(super) fn merge(self, over: Self) -> Self {
                $name { $($key: over.$key.or(self.$key),)* }
            }
        }
    };
}

keys! {
    /// The keys of `[input]`.
    InputKeys {
        /// Files, folders and globs.
        path: Names,
        /// The version of the Delta table that is read; the latest one, if not given.
        version: u64,
        /// The tool the events are from: its columns are the defaults.
        source: String,
        /// The user column, or several of which the first that has a value wins.
        user: Names,
        /// What users are, whatever their columns hold: `text`.
        user_type: String,
        /// The time column.
        time: String,
        /// The unit of a time column of integers.
        time_unit: String,
        /// The event type column.
        event: String,
        /// The session id column.
        session_id: String,
        /// Orders events of one user at one time.
        sequence: String,
        /// The column with unique ids of events.
        dedup: String,
        /// How far apart two events with one id are the same event.
        dedup_within: Scalar,
        /// A SQL condition over raw events.
        r#where: String,
        /// Event types that count for nothing.
        inactive: Names,
        /// Earlier times are rejected.
        min_time: Scalar,
        /// This time and later ones are rejected.
        max_time: Scalar,
        /// How the object stores of the input are reached, where that is another way than `[storage]` says.
        storage: StorageKeys,
        /// Who users are that have several names.
        aliases: AliasKeys,
        /// Columns of your own: expressions over the columns of one row, by name.
        derive: BTreeMap<String, String>,
    }
}

/// The keys of `[input.aliases]`. They are of one mapping: all of them come from one place.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct AliasKeys {
    /// Parquet files, folders and globs.
    pub path: Option<Names>,
    /// The column of the names that events have.
    pub from: Option<String>,
    /// The column of who they are.
    pub to: Option<String>,
    /// The column of the times from when on they are.
    pub since: Option<String>,
    /// What such a time counts, where it is an integer.
    pub since_unit: Option<String>,
}

keys! {
    /// The keys of `[session]`.
    SessionKeys {
        /// The column that sessions share.
        property: String,
        /// Event types that open a session.
        start_event: Names,
        /// Event types that close a session.
        end_event: Names,
        /// The silence that ends a session, or one by the value of a column.
        timeout: TimeoutKeys,
        /// The silence that ends a session where there is no timeout.
        max_gap: Scalar,
        /// Whether a silence of exactly the timeout splits.
        gap_equal: String,
        /// What becomes of sessions without an ending event.
        unclosed: String,
        /// What a starting event in an open session does.
        repeated_start: String,
        /// Longer sessions are excluded.
        max_length: Scalar,
        /// Where a session of the default definition starts.
        length_from: String,
        /// What a session id that is a time counts.
        id_unit: String,
        /// Whether a session ends at midnight.
        at_midnight: String,
        /// Columns of which a new value begins a session.
        new_on_change: Names,
    }
}

keys! {
    /// The keys of `[output]`.
    OutputKeys {
        /// The folder for the tables.
        path: String,
        /// The time zone of dates.
        timezone: String,
        /// The first date that the tables hold.
        since: Scalar,
        /// The last date that the tables hold.
        until: Scalar,
        /// What becomes of text in CSV that a spreadsheet would run.
        csv_formulas: String,
        /// The folder on the disk for the copy of tables that are in an object store.
        copy: String,
        /// How the object store of the tables is reached, where that is another way than `[storage]` says.
        storage: StorageKeys,
        /// The weekday that weeks of charts begin with.
        week_start: String,
        /// The month that years and quarters of charts begin with.
        year_start: String,
        /// Whether sessions are numbered by user, and a table of users is written.
        history: bool,
        /// Whether a table of events is written, and which columns of the input it has.
        events: NamesOrTruth,
    }
}

keys! {
    /// The keys of `[storage]`, `[input.storage]` and `[output.storage]`.
    StorageKeys {
        /// The URL of the service, for others than those of the clouds.
        endpoint: String,
        /// The region of the bucket (S3).
        region: String,
        /// Whether the bucket is in the path of a request's URL, or in its host (S3).
        path_style: bool,
        /// Whether requests may go over http.
        allow_http: bool,
        /// Whether requests are not signed, as for public buckets.
        skip_signature: bool,
        /// Whether the one who asks pays (S3).
        request_payer: bool,
        /// Requests that are under way at once.
        concurrency: i64,
        /// How long a request is tried again that fails in passing.
        retry_timeout: Scalar,
    }
}

/// What there is in the place of a job file, where that is events.
fn events_at(path: &Path) -> Option<&'static str> {
    if path.is_dir() {
        return Some("a folder");
    }
    if !path.is_file() {
        return None;
    }
    let mut magic = [0; 4];
    std::fs::File::open(path).ok()?.read_exact(&mut magic).ok()?;
    matches!(&magic, b"PAR1" | b"PARE").then_some("a Parquet file")
}

impl JobFile {
    /// Reads a job file.
    ///
    /// # Errors
    /// The file cannot be read, is no TOML, has a key that does not exist or a value of the wrong type.
    pub fn read(path: &Path) -> Result<Self, JobError> {
        if let Some(what) = events_at(path) {
            return Err(JobError::Events { path: path.to_path_buf(), what });
        }
        let text =
            std::fs::read_to_string(path).map_err(|source| JobError::Read { path: path.to_path_buf(), source })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a job file; `path` is for messages.
    ///
    /// # Errors
    /// As [`JobFile::read`], but for reading.
    pub fn parse(text: &str, path: &Path) -> Result<Self, JobError> {
        let syntax = |error: toml::de::Error| JobError::Syntax {
            path: path.to_path_buf(),
            message: error.to_string().trim_end().to_string(),
        };
        let table = DeTable::parse(text).map_err(syntax)?;
        check_keys(table.get_ref(), &JobFile::all_keys(), text, path)?;
        toml::from_str(text).map_err(syntax)
    }

    /// All keys there are, as an object of those that hold further keys.
    pub(super) fn all_keys() -> serde_json::Value {
        let all = JobFile {
            column: vec![ColumnKeys::default()],
            chart: vec![ChartKeys::with_all_keys()],
            segment: vec![SegmentKeys::with_all_keys()],
            input: InputKeys {
                storage: Some(StorageKeys::default()),
                aliases: Some(AliasKeys::default()),
                ..InputKeys::default()
            },
            output: OutputKeys { storage: Some(StorageKeys::default()), ..OutputKeys::default() },
            ..JobFile::default()
        };
        serde_json::to_value(all).unwrap_or_default()
    }

    /// This job with `over`'s keys in place of its own where it has them.
    pub fn merge(self, over: JobFile) -> Self {
        JobFile {
            input: self.input.merge(over.input),
            storage: self.storage.merge(over.storage),
            session: self.session.merge(over.session),
            output: self.output.merge(over.output),
            segment: if over.segment.is_empty() { self.segment } else { over.segment },
            column: if over.column.is_empty() { self.column } else { over.column },
            chart: if over.chart.is_empty() { self.chart } else { over.chart },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<JobFile, String> {
        JobFile::parse(text, Path::new("dwell.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_one() {
        let message = parse("[input]\npath = 'x'\n\n[session]\ntimout = '5m'\n").expect_err("unknown");
        assert!(message.contains("`session.timout`") && message.contains("line 5"), "{message}");
        assert!(message.contains("did you mean `session.timeout`?"), "{message}");
        let message = parse("timeout = '5m'\n").expect_err("no section");
        assert!(message.contains("belongs under [session]"), "{message}");
        let chart = "[[chart]]\nname = 'x'\n[[chart.series]]\ncontains = [\n  { evnt = 'x' },\n]\n";
        let message = parse(chart).expect_err("unknown");
        assert!(message.contains("`chart.series.contains.evnt`") && message.contains("line 5"), "{message}");
        assert!(message.contains("did you mean `chart.series.contains.event`?"), "{message}");
        let message = parse("[chart]\nname = 'x'\n").expect_err("one chart");
        assert!(message.contains("[[chart]]"), "{message}");
    }

    #[test]
    fn numbers_and_dates_without_quotes_are_text_to_be_judged_later() {
        let job = parse("[input]\nmin_time = 2020-01-01\n[session]\ntimeout = 30\n").expect("parses");
        assert_eq!(job.session.timeout.expect("given").to_string(), "30");
        assert_eq!(job.input.min_time.expect("given").0, "2020-01-01");
    }

    #[test]
    fn flags_win() {
        let file = parse("[session]\ntimeout = '5m'\nproperty = 'p'\n").expect("parses");
        let flags = parse("[session]\ntimeout = '30m'\n").expect("parses");
        let merged = file.merge(flags);
        assert_eq!(merged.session.timeout.expect("given").to_string(), "30m");
        assert_eq!(merged.session.property.as_deref(), Some("p"));
    }
}
