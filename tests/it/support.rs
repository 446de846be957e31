//! Fixtures: event tables as Parquet files, jobs as TOML, runs of the real program, and its tables read back
//! into the rows of the reference.

use crate::reference::{
    self, ActivityRow, Alias, AtMidnight, BinRow, Cell, Counts, Definition, Event, GapEqual, LengthFrom, Limit,
    MeasureRow, Outcome, RepeatedStart, SessionRow, Table, Unclosed, Value, DAY, HOUR, MILLI, MINUTE, SECOND,
};
use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema, TimeUnit};
use jiff::civil::Date;
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

/// The columns of every event table written here.
pub const USER_COLUMNS: [&str; 2] = ["user_id", "device_id"];
pub const PROPERTY: &str = "order_id";
pub const SEQUENCE: &str = "server_seq";
pub const DEDUP: &str = "insert_id";
/// No name that `doctor` knows.
pub use crate::reference::PLATFORM;

/// The type of a user, session id or property column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    Int,
    Float,
    Text,
}

/// How the time column holds its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeType {
    /// A timestamp, with the zone UTC or without one.
    Timestamp(Unit, bool),
    Iso,
    /// An integer, its unit in the job's `time_unit`.
    Int(Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    pub fn key(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Millis => "ms",
            Unit::Micros => "us",
            Unit::Nanos => "ns",
        }
    }

    /// A time in this unit. Nanoseconds get some of their own, which the program floors away.
    fn count(self, time: i64) -> i64 {
        match self {
            Unit::Seconds => time.div_euclid(SECOND),
            Unit::Millis => time.div_euclid(MILLI),
            Unit::Micros => time,
            Unit::Nanos => time * 1000 + time.rem_euclid(1000),
        }
    }

    /// The shortest time it can tell apart.
    fn step(self) -> i64 {
        match self {
            Unit::Seconds => SECOND,
            Unit::Millis => MILLI,
            Unit::Micros | Unit::Nanos => 1,
        }
    }
}

/// How a table of events is laid down in Parquet.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// One for each user column, in the order they are coalesced in.
    pub users: Vec<ColumnType>,
    pub time: TimeType,
    pub event_is_dictionary: bool,
    pub session_id: ColumnType,
    pub property: ColumnType,
    pub rows_per_group: usize,
    /// Columns to leave out.
    pub without: Vec<&'static str>,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout {
            users: vec![ColumnType::Text],
            time: TimeType::Timestamp(Unit::Micros, true),
            event_is_dictionary: false,
            session_id: ColumnType::Int,
            property: ColumnType::Text,
            rows_per_group: 1000,
            without: Vec::new(),
        }
    }
}

impl Layout {
    /// The events as they can be read back: a column of milliseconds knows no microseconds.
    pub fn read_back(&self, events: &[Event]) -> Table {
        let step = match self.time {
            TimeType::Timestamp(unit, _) | TimeType::Int(unit) => unit.step(),
            TimeType::Iso => 1,
        };
        let floored =
            |event: &Event| Event { time: event.time.map(|time| time.div_euclid(step) * step), ..event.clone() };
        Table {
            events: events.iter().map(floored).collect(),
            user_is_text: self.users.contains(&ColumnType::Text),
            aliases: None,
        }
    }

    /// The events as one batch.
    pub fn batch(&self, events: &[Event]) -> RecordBatch {
        let mut columns: Vec<(&str, ArrayRef)> = Vec::new();
        for (place, column) in self.users.iter().enumerate() {
            let values = events.iter().map(|event| event.users.get(place).cloned().flatten().map(cell));
            columns.push((USER_COLUMNS[place], values_array(*column, values.collect())));
        }
        columns.push(("event_time", self.times(events)));
        let types: ArrayRef = Arc::new(events.iter().map(|event| event.event.clone()).collect::<StringArray>());
        let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let types = if self.event_is_dictionary { cast(&types, &dictionary).unwrap() } else { types };
        columns.push(("event_type", types));
        let ids = events.iter().map(|event| event.session_id.clone()).collect();
        columns.push(("session_id", values_array(self.session_id, ids)));
        let properties = events.iter().map(|event| event.property.clone().map(cell)).collect();
        columns.push((PROPERTY, values_array(self.property, properties)));
        columns.push((SEQUENCE, Arc::new(events.iter().map(|event| event.sequence).collect::<Int64Array>())));
        let unique: StringArray = events.iter().map(|event| event.dedup.clone()).collect();
        columns.push((DEDUP, Arc::new(unique)));
        let platforms: StringArray = events.iter().map(|event| event.platform.clone()).collect();
        columns.push((PLATFORM, Arc::new(platforms)));
        columns.push(("keep", Arc::new(events.iter().map(|event| event.keep).collect::<Int64Array>())));
        columns.retain(|(name, _)| !self.without.contains(name));

        // Every column may hold nulls, whether this file has one or not, so that all files have one schema.
        let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
        let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(schema), arrays).unwrap()
    }

    fn times(&self, events: &[Event]) -> ArrayRef {
        let times = || events.iter().map(|event| event.time);
        match self.time {
            TimeType::Int(unit) => Arc::new(times().map(|time| Some(unit.count(time?))).collect::<Int64Array>()),
            TimeType::Timestamp(unit, zoned) => {
                let zone = zoned.then_some("UTC");
                let counts = times().map(|time| Some(unit.count(time?)));
                match unit {
                    Unit::Seconds => panic!("Parquet has no timestamps in seconds"),
                    Unit::Millis => Arc::new(counts.collect::<TimestampMillisecondArray>().with_timezone_opt(zone)),
                    Unit::Micros => Arc::new(counts.collect::<TimestampMicrosecondArray>().with_timezone_opt(zone)),
                    Unit::Nanos => Arc::new(counts.collect::<TimestampNanosecondArray>().with_timezone_opt(zone)),
                }
            }
            TimeType::Iso => Arc::new(
                events.iter().enumerate().map(|(place, event)| iso_text(event.time, place)).collect::<StringArray>(),
            ),
        }
    }
}

/// A time as ISO-8601 text, in one of several spellings; a missing time is null or nothing readable.
fn iso_text(time: Option<i64>, place: usize) -> Option<String> {
    let Some(time) = time else {
        return place.is_multiple_of(2).then(|| "soon".to_owned());
    };
    let utc = Timestamp::from_microsecond(time).unwrap().to_string();
    Some(match place % 3 {
        0 => utc,
        1 => {
            let ahead = Timestamp::from_microsecond(time + 2 * HOUR).unwrap().to_string();
            ahead.replace('Z', "+02:00")
        }
        // Without a zone: UTC.
        _ => utc.replace('Z', ""),
    })
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Int(number) => Cell::Int(number),
        Value::Text(text) => Cell::Text(text),
    }
}

fn values_array(column: ColumnType, cells: Vec<Option<Cell>>) -> ArrayRef {
    match column {
        ColumnType::Int => Arc::new(
            cells
                .into_iter()
                .map(|cell| {
                    cell.map(|cell| match cell {
                        Cell::Int(number) => number,
                        other => panic!("{other:?} in an integer column"),
                    })
                })
                .collect::<Int64Array>(),
        ),
        ColumnType::Float => Arc::new(
            cells
                .into_iter()
                .map(|cell| {
                    cell.map(|cell| match cell {
                        Cell::Int(number) => number as f64,
                        Cell::Float(number) => number,
                        other => panic!("{other:?} in a float column"),
                    })
                })
                .collect::<Float64Array>(),
        ),
        ColumnType::Text => Arc::new(
            cells
                .into_iter()
                .map(|cell| {
                    cell.map(|cell| match cell {
                        Cell::Text(text) => text,
                        other => panic!("{other:?} in a text column"),
                    })
                })
                .collect::<StringArray>(),
        ),
    }
}

/// Writes a mapping of users as one Parquet file, its names in a column of a type; with a column of times or without.
pub fn write_aliases(path: &Path, column: ColumnType, with_since: bool, aliases: &[Alias]) {
    let names = |of: fn(&Alias) -> &Option<Value>| -> ArrayRef {
        values_array(column, aliases.iter().map(|alias| of(alias).clone().map(cell)).collect())
    };
    let since: TimestampMicrosecondArray = aliases.iter().map(|alias| alias.since).collect();
    let mut columns: Vec<(&str, ArrayRef)> =
        vec![("from", names(|alias| &alias.from)), ("to", names(|alias| &alias.to))];
    if with_since {
        columns.push(("since", Arc::new(since.with_timezone("UTC"))));
    }
    let field = |(name, array): &(&str, ArrayRef)| Field::new(*name, array.data_type().clone(), true);
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    write_batch(path, 3, &RecordBatch::try_new(Arc::new(schema), arrays).unwrap());
}

/// The section of a job that names such a mapping.
pub fn aliases_toml(with_since: bool) -> String {
    let since = if with_since { "since = \"since\"\n" } else { "" };
    format!("[input.aliases]\npath = \"aliases\"\nfrom = \"from\"\nto = \"to\"\n{since}")
}

/// Writes events as one Parquet file.
pub fn write_events(path: &Path, layout: &Layout, events: &[Event]) {
    write_batch(path, layout.rows_per_group, &layout.batch(events));
}

/// Writes any table as one Parquet file.
pub fn write_batch(path: &Path, rows_per_group: usize, batch: &RecordBatch) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(rows_per_group)).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// A duration as a job spells it, such as `1h30m`.
pub fn duration_text(duration: i64) -> String {
    let mut text = String::new();
    let mut rest = duration;
    for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (MILLI, "ms")] {
        if rest >= unit {
            write!(text, "{}{name}", rest / unit).unwrap();
            rest %= unit;
        }
    }
    assert!(rest == 0 && duration > 0, "{duration} us cannot be written as a duration");
    text
}

fn limit_text(limit: Limit) -> String {
    match limit {
        Limit::Of(duration) => duration_text(duration),
        Limit::Never => "none".to_owned(),
    }
}

fn quoted(text: impl AsRef<str>) -> String {
    toml::Value::String(text.as_ref().to_owned()).to_string()
}

/// One name, or a list of them.
fn quoted_list(texts: &[String]) -> String {
    match texts {
        [one] => quoted(one),
        many => format!("[{}]", many.iter().map(quoted).collect::<Vec<_>>().join(", ")),
    }
}

/// The job of a definition: reads `data`, writes `out`. `lines` are further lines of a section.
pub fn job_toml(definition: &Definition, layout: &Layout, lines: &[(&str, &str)]) -> String {
    let d = definition;
    let mut input = vec![("path", Some(quoted("data")))];
    let users: Vec<String> = USER_COLUMNS[..layout.users.len()].iter().map(ToString::to_string).collect();
    input.push(("user", (users.len() > 1).then(|| quoted_list(&users))));
    let time_unit = match layout.time {
        TimeType::Int(unit) => Some(quoted(unit.key())),
        _ => None,
    };
    input.push(("time_unit", time_unit));
    input.push(("where", d.keep_above.map(|bound| quoted(format!("keep > {bound}")))));
    input.push(("min_time", d.min_time.map(time_key)));
    input.push(("max_time", d.max_time.map(time_key)));
    input.push(("sequence", d.sequence.then(|| quoted(SEQUENCE))));
    input.push(("dedup", d.dedup.then(|| quoted(DEDUP))));
    input.push(("dedup_within", d.dedup_within.map(|within| quoted(duration_text(within)))));
    input.push(("inactive", list_key(&d.inactive)));

    let session = vec![
        ("property", d.property.as_ref().map(quoted)),
        ("start_event", list_key(&d.start_event)),
        ("end_event", list_key(&d.end_event)),
        ("timeout", timeout_key(d)),
        ("max_gap", d.max_gap.map(|limit| quoted(limit_text(limit)))),
        (
            "gap_equal",
            d.gap_equal.map(|equal| {
                quoted(match equal {
                    GapEqual::Split => "split",
                    GapEqual::Join => "join",
                })
            }),
        ),
        (
            "unclosed",
            d.unclosed.map(|unclosed| {
                quoted(match unclosed {
                    Unclosed::Keep => "keep",
                    Unclosed::Drop => "drop",
                })
            }),
        ),
        (
            "repeated_start",
            d.repeated_start.map(|repeated| {
                quoted(match repeated {
                    RepeatedStart::Split => "split",
                    RepeatedStart::Continue => "continue",
                })
            }),
        ),
        ("max_length", d.max_length.map(|limit| quoted(limit_text(limit)))),
        (
            "length_from",
            d.length_from.map(|from| {
                quoted(match from {
                    LengthFrom::SessionId => "session_id",
                    LengthFrom::FirstEvent => "first_event",
                })
            }),
        ),
        ("id_unit", d.id_unit.map(|unit| quoted(unit.key()))),
        (
            "at_midnight",
            d.at_midnight.map(|at| {
                quoted(match at {
                    AtMidnight::Join => "join",
                    AtMidnight::Split => "split",
                })
            }),
        ),
        ("new_on_change", list_key(&d.new_on_change)),
    ];

    let output = vec![
        ("path", Some(quoted("out"))),
        ("timezone", d.timezone.as_ref().map(quoted)),
        ("since", d.since.map(|date| quoted(date.to_string()))),
        ("until", d.until.map(|date| quoted(date.to_string()))),
    ];

    let mut text = String::new();
    for (section, keys) in [("input", input), ("session", session), ("output", output)] {
        writeln!(text, "[{section}]").unwrap();
        for (key, value) in keys {
            if let Some(value) = value {
                writeln!(text, "{key} = {value}").unwrap();
            }
        }
        for (_, line) in lines.iter().filter(|(of, _)| *of == section) {
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

fn list_key(names: &[String]) -> Option<String> {
    (!names.is_empty()).then(|| quoted_list(names))
}

/// One timeout, or a table of them.
fn timeout_key(definition: &Definition) -> Option<String> {
    let Some(timeouts) = &definition.timeouts else {
        return definition.timeout.map(|timeout| quoted(duration_text(timeout)));
    };
    let mut keys = format!("{{ by = {}", quoted(PLATFORM));
    for (value, timeout) in &timeouts.listed {
        write!(keys, ", {} = {}", quoted(value), quoted(duration_text(*timeout))).unwrap();
    }
    Some(format!("{keys}, default = {} }}", quoted(duration_text(timeouts.default))))
}

/// A bare date where the time is one's first instant, else a timestamp.
fn time_key(time: i64) -> String {
    let text = Timestamp::from_microsecond(time).unwrap().to_string();
    quoted(text.strip_suffix("T00:00:00Z").unwrap_or(&text))
}

/// What a run of the program left.
#[derive(Clone, Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// Fails with all the program said unless it exited with this code.
    pub fn expect_code(&self, code: i32) -> &Ran {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A folder of its own with `data`, `job.toml` and `out`.
pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    pub fn new() -> Sandbox {
        Sandbox { folder: TempDir::new().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn out(&self) -> PathBuf {
        self.path().join("out")
    }

    /// Writes a file of events at a path relative to `data`.
    pub fn events(&self, name: &str, layout: &Layout, events: &[Event]) -> &Sandbox {
        write_events(&self.path().join("data").join(name), layout, events);
        self
    }

    pub fn job(&self, text: &str) -> &Sandbox {
        std::fs::write(self.path().join("job.toml"), text).unwrap();
        self
    }

    /// Runs the program in this folder, so that paths in jobs can be relative and the same in each.
    pub fn dwell(&self, arguments: &[&str]) -> Ran {
        let output =
            Command::new(env!("CARGO_BIN_EXE_dwell")).args(arguments).current_dir(self.path()).output().unwrap();
        Ran {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// `dwell run job.toml --quiet`, with the window of the definition as flags.
    pub fn run(&self, definition: &Definition, arguments: &[&str]) -> Ran {
        let window = [("--from", definition.from), ("--to", definition.to)]
            .into_iter()
            .filter_map(|(flag, date)| Some([flag.to_owned(), date?.to_string()]))
            .flatten()
            .collect::<Vec<_>>();
        let mut all = vec!["run", "job.toml", "--quiet"];
        all.extend(window.iter().map(String::as_str));
        all.extend(arguments);
        self.dwell(&all)
    }

    /// Everything the run wrote, as the reference states it.
    pub fn outcome(&self, definition: &Definition) -> Outcome {
        read_outcome(&self.out(), definition)
    }
}

/// Reads an output folder.
pub fn read_outcome(out: &Path, definition: &Definition) -> Outcome {
    Outcome {
        sessions: read_sessions(out, definition),
        activity: read_activity(out),
        measures: read_measures(out),
        histogram: read_histogram(out),
        counts: read_counts(out),
    }
}

/// The schema and rows of one Parquet file.
pub fn read_parquet(path: &Path) -> (Arc<Schema>, Vec<RecordBatch>) {
    let file = std::fs::File::open(path).unwrap_or_else(|error| panic!("cannot open {}: {error}", path.display()));
    let builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let schema = builder.schema().clone();
    let batches = builder.build().unwrap().map(Result::unwrap).collect();
    (schema, batches)
}

/// The key-value metadata of one Parquet file.
pub fn read_metadata(path: &Path) -> BTreeMap<String, String> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let pairs = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    pairs.into_iter().filter_map(|pair| Some((pair.key, pair.value?))).collect()
}

/// The files of a table by date. A table without rows has one file without rows directly in its folder.
pub fn dated_files(table: &Path, column: &str) -> Vec<(Date, PathBuf)> {
    let mut dated = Vec::new();
    let mut direct = Vec::new();
    let entries = std::fs::read_dir(table).unwrap_or_else(|error| panic!("no table {}: {error}", table.display()));
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(date) = name.strip_prefix(&format!("{column}=")) {
            let files: Vec<PathBuf> = std::fs::read_dir(&path).unwrap().map(|file| file.unwrap().path()).collect();
            assert_eq!(files, [path.join("part-0.parquet")], "one file a date");
            dated.push((date.parse().unwrap(), path.join("part-0.parquet")));
        } else {
            direct.push(path);
        }
    }
    if dated.is_empty() {
        assert_eq!(direct.len(), 1, "a table without rows has one file: {direct:?}");
        let rows: usize = read_parquet(&direct[0]).1.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(rows, 0, "rows outside of the dates of {}", table.display());
    } else {
        assert!(direct.is_empty(), "beside the dates: {direct:?}");
    }
    dated.sort();
    dated
}

/// A column by name, whatever its exact type.
struct Columns<'a>(&'a RecordBatch);

impl Columns<'_> {
    fn column(&self, name: &str) -> &ArrayRef {
        let columns = self.0.schema();
        let names: Vec<_> = columns.fields().iter().map(|field| field.name().clone()).collect();
        self.0.column_by_name(name).unwrap_or_else(|| panic!("no column {name} among {names:?}"))
    }

    fn optional_texts(&self, name: &str) -> Vec<Option<String>> {
        let texts = cast(self.column(name), &DataType::Utf8).unwrap();
        texts.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
    }

    fn texts(&self, name: &str) -> Vec<String> {
        without_nulls(name, self.optional_texts(name))
    }

    fn optional_ints(&self, name: &str) -> Vec<Option<i64>> {
        let ints = cast(self.column(name), &DataType::Int64).unwrap();
        ints.as_primitive::<Int64Type>().iter().collect()
    }

    fn ints(&self, name: &str) -> Vec<i64> {
        without_nulls(name, self.optional_ints(name))
    }

    fn optional_floats(&self, name: &str) -> Vec<Option<f64>> {
        let floats = cast(self.column(name), &DataType::Float64).unwrap();
        floats.as_primitive::<Float64Type>().iter().collect()
    }

    fn times(&self, name: &str) -> Vec<i64> {
        let unit = match self.column(name).data_type() {
            DataType::Timestamp(unit, _) => *unit,
            other => panic!("{name} is no timestamp but {other}"),
        };
        assert_eq!(unit, TimeUnit::Microsecond, "unit of {name}");
        self.ints(name)
    }

    fn optional_values(&self, name: &str) -> Vec<Option<Value>> {
        if self.column(name).data_type().is_integer() {
            self.optional_ints(name).into_iter().map(|number| number.map(Value::Int)).collect()
        } else {
            self.optional_texts(name).into_iter().map(|text| text.map(Value::Text)).collect()
        }
    }

    fn values(&self, name: &str) -> Vec<Value> {
        without_nulls(name, self.optional_values(name))
    }
}

fn without_nulls<T>(name: &str, values: Vec<Option<T>>) -> Vec<T> {
    values.into_iter().map(|value| value.unwrap_or_else(|| panic!("null in {name}"))).collect()
}

/// The column of the sessions table that holds the property: `property_…` where the name is taken.
pub fn property_column(property: &str) -> String {
    let taken = [
        "user_id",
        "session_id",
        "start_time",
        "end_time",
        "length_ms",
        "event_count",
        "first_event",
        "last_event",
        "end_reason",
    ];
    if taken.contains(&property) {
        format!("property_{property}")
    } else {
        property.to_owned()
    }
}

pub fn read_sessions(out: &Path, definition: &Definition) -> Vec<SessionRow> {
    let mut rows = Vec::new();
    for (date, file) in dated_files(&out.join("sessions"), "session_date") {
        for batch in read_parquet(&file).1 {
            let columns = Columns(&batch);
            let properties = match &definition.property {
                Some(name) => columns.optional_values(&property_column(name)),
                None => vec![None; batch.num_rows()],
            };
            let (users, ids) = (columns.values("user_id"), columns.values("session_id"));
            let (starts, ends) = (columns.times("start_time"), columns.times("end_time"));
            let (lengths, counts) = (columns.ints("length_ms"), columns.ints("event_count"));
            let (firsts, lasts) = (columns.optional_texts("first_event"), columns.optional_texts("last_event"));
            let reasons = columns.texts("end_reason");
            for row in 0..batch.num_rows() {
                rows.push(SessionRow {
                    date,
                    user_id: users[row].clone(),
                    session_id: ids[row].clone(),
                    property: properties[row].clone(),
                    start_time: starts[row],
                    end_time: ends[row],
                    length_ms: lengths[row],
                    event_count: counts[row],
                    first_event: firsts[row].clone(),
                    last_event: lasts[row].clone(),
                    end_reason: reasons[row].clone(),
                });
            }
        }
    }
    rows
}

pub fn read_activity(out: &Path) -> Vec<ActivityRow> {
    let mut rows = Vec::new();
    for (date, file) in dated_files(&out.join("activity"), "activity_date") {
        for batch in read_parquet(&file).1 {
            let columns = Columns(&batch);
            let (users, events) = (columns.values("user_id"), columns.ints("events"));
            let hours = columns.ints("hours");
            for row in 0..batch.num_rows() {
                let (events, hours) = (events[row], hours[row]);
                rows.push(ActivityRow { date, user_id: users[row].clone(), events, hours });
            }
        }
    }
    rows
}

pub fn read_measures(out: &Path) -> Vec<MeasureRow> {
    let mut rows = Vec::new();
    for batch in read_parquet(&out.join("measures.parquet")).1 {
        let columns = Columns(&batch);
        let (charts, series) = (columns.texts("chart"), columns.texts("series"));
        let (segments, groups) = (columns.texts("segment"), columns.optional_texts("group"));
        let intervals = columns.times("interval_start");
        let percentile = |of: &str| columns.optional_ints(&format!("length_{of}_ms"));
        let [p50, p75, p90, p95, p99, max] = ["p50", "p75", "p90", "p95", "p99", "max"].map(percentile);
        let (sessions, users) = (columns.ints("total_sessions"), columns.ints("active_users"));
        let (spent, zero) = (columns.ints("time_spent_ms"), columns.ints("zero_length_sessions"));
        let spent_per_user = columns.optional_floats("time_spent_per_user_ms");
        let (length, per_user) = (columns.optional_floats("avg_length_ms"), columns.optional_floats("avg_per_user"));
        let events = columns.optional_ints("total_events");
        let events_per_session = columns.optional_floats("avg_events_per_session");
        for row in 0..batch.num_rows() {
            rows.push(MeasureRow {
                chart: charts[row].clone(),
                series: series[row].clone(),
                segment: segments[row].clone(),
                group: groups[row].clone(),
                interval_start: intervals[row],
                total_sessions: sessions[row],
                active_users: users[row],
                time_spent_ms: spent[row],
                time_spent_per_user_ms: spent_per_user[row],
                avg_length_ms: length[row],
                avg_per_user: per_user[row],
                length_p50_ms: p50[row],
                length_p75_ms: p75[row],
                length_p90_ms: p90[row],
                length_p95_ms: p95[row],
                length_p99_ms: p99[row],
                length_max_ms: max[row],
                zero_length_sessions: zero[row],
                total_events: events[row],
                avg_events_per_session: events_per_session[row],
            });
        }
    }
    rows
}

pub fn read_histogram(out: &Path) -> Vec<BinRow> {
    let mut rows = Vec::new();
    for batch in read_parquet(&out.join("histogram.parquet")).1 {
        let columns = Columns(&batch);
        let (charts, series) = (columns.texts("chart"), columns.texts("series"));
        let (segments, groups) = (columns.texts("segment"), columns.optional_texts("group"));
        let intervals = columns.times("interval_start");
        let (starts, ends) = (columns.optional_ints("bin_start"), columns.optional_ints("bin_end"));
        let (units, sessions) = (columns.texts("unit"), columns.ints("sessions"));
        let shares = columns.optional_floats("share");
        for row in 0..batch.num_rows() {
            rows.push(BinRow {
                chart: charts[row].clone(),
                series: series[row].clone(),
                segment: segments[row].clone(),
                group: groups[row].clone(),
                interval_start: intervals[row],
                bin_start: starts[row],
                bin_end: ends[row],
                unit: units[row].clone(),
                sessions: sessions[row],
                share: shares[row],
            });
        }
    }
    rows
}

/// `run.json` as it is.
pub fn read_run(out: &Path) -> serde_json::Value {
    let path = out.join("run.json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The counts of `run.json`.
pub fn read_counts(out: &Path) -> Counts {
    let run = read_run(out);
    let number = |key: &str| run[key].as_i64().unwrap_or_else(|| panic!("{key} in {run:#}"));
    let reasons = |key: &str| {
        let reasons = run[key].as_object().unwrap_or_else(|| panic!("{key} in {run:#}"));
        let counted = reasons.iter().map(|(reason, count)| (reason.clone(), count.as_i64().unwrap()));
        counted.filter(|(_, count)| *count != 0).collect()
    };
    Counts {
        rows: number("rows"),
        filtered: number("filtered"),
        rejected: reasons("rejected"),
        aliased: run["aliased"].as_i64(),
        duplicates: number("duplicates"),
        inactive: number("inactive"),
        outside_window: number("outside_window"),
        in_session: number("in_session"),
        out_of_session: reasons("out_of_session"),
        sessions: number("sessions"),
        excluded: reasons("excluded"),
        zero_length_sessions: number("zero_length_sessions"),
        clock_skew_sessions: number("clock_skew_sessions"),
        users: number("users"),
    }
}

/// Section 4: the counts add up to the rows, so that this is 0.
pub fn uncounted_rows(counts: &Counts) -> i64 {
    let reasons = |counts: &BTreeMap<String, i64>| counts.values().sum::<i64>();
    counts.rows
        - counts.filtered
        - reasons(&counts.rejected)
        - counts.duplicates
        - counts.inactive
        - counts.outside_window
        - counts.in_session
        - reasons(&counts.out_of_session)
}

/// Length and hash of every file a reader of the tables could see.
pub fn table_hashes(out: &Path) -> BTreeMap<String, (usize, u64)> {
    let mut hashes = BTreeMap::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(out).unwrap().to_string_lossy().into_owned();
            if name == "run.json" || name == "_dwell" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            hashes.insert(name, (bytes.len(), hasher.finish()));
        }
    }
    hashes
}

/// The first difference of two lists of rows, or nothing.
pub fn first_difference<T: std::fmt::Debug + PartialEq>(name: &str, expected: &[T], actual: &[T]) -> Option<String> {
    let rows = expected.len().max(actual.len());
    for row in 0..rows {
        let (expected, actual) = (expected.get(row), actual.get(row));
        if expected != actual {
            return Some(format!("{name}, row {row}\nexpected {expected:#?}\nactual   {actual:#?}"));
        }
    }
    None
}

/// The first difference of two outcomes: counts last, since what they count explains them.
pub fn outcome_difference(expected: &Outcome, actual: &Outcome) -> Option<String> {
    first_difference("sessions", &expected.sessions, &actual.sessions)
        .or_else(|| first_difference("activity", &expected.activity, &actual.activity))
        .or_else(|| {
            (expected.counts != actual.counts)
                .then(|| format!("counts\nexpected {:#?}\nactual   {:#?}", expected.counts, actual.counts))
        })
        .or_else(|| first_difference("measures", &expected.measures, &actual.measures))
        .or_else(|| first_difference("histogram", &expected.histogram, &actual.histogram))
}

// ---- Stories -----------------------------------------------------------------------------------------------

/// The day of every time of a story that names none, a Monday.
pub const STORY_DAY: &str = "2026-01-05";

/// A time of a story: `10:00`, `10:00:00.000001`, `2026-01-06 10:00`; UTC.
pub fn at(text: &str) -> i64 {
    let (date, clock) = text.split_once(' ').unwrap_or((STORY_DAY, text));
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    let instant: Timestamp = format!("{date}T{clock}{seconds}Z").parse().unwrap();
    instant.as_microsecond()
}

/// The milliseconds of a time of a story, as a session id holds them.
pub fn at_ms(text: &str) -> i64 {
    at(text).div_euclid(MILLI)
}

/// A time as stories spell it.
pub fn clock(time: i64) -> String {
    let text = Timestamp::from_microsecond(time).unwrap().to_string();
    let (date, clock) = text.trim_end_matches('Z').split_once('T').unwrap();
    let clock = clock.strip_suffix(":00").filter(|rest| rest.len() == 5).unwrap_or(clock);
    if date == STORY_DAY {
        clock.to_owned()
    } else {
        format!("{date} {clock}")
    }
}

pub fn text(text: &str) -> Option<Value> {
    Some(Value::Text(text.to_owned()))
}

/// A definition, events that happen one after the other, and what the program makes of them. Each is also told
/// to the reference, so that the values written by hand vouch for both.
pub struct Story {
    definition: Definition,
    layout: Layout,
    events: Vec<Event>,
    lines: Vec<(&'static str, &'static str)>,
    arguments: Vec<&'static str>,
}

/// A story under a definition.
pub fn under(definition: Definition) -> Story {
    Story { definition, layout: Layout::default(), events: Vec::new(), lines: Vec::new(), arguments: Vec::new() }
}

/// A story under the default definition.
pub fn by_default() -> Story {
    under(Definition::default())
}

impl Story {
    pub fn layout(mut self, layout: Layout) -> Story {
        self.layout = layout;
        self
    }

    /// A line of the job that the definition has no words for.
    pub fn line(mut self, section: &'static str, line: &'static str) -> Story {
        self.lines.push((section, line));
        self
    }

    pub fn argument(mut self, argument: &'static str) -> Story {
        self.arguments.push(argument);
        self
    }

    pub fn row(mut self, event: Event) -> Story {
        self.events.push(event);
        self
    }

    /// An event of this type.
    pub fn event(self, user: &str, time: &str, event: &str) -> Story {
        self.row(Event {
            users: vec![text(user)],
            time: Some(at(time)),
            event: Some(event.to_owned()),
            ..Event::default()
        })
    }

    /// An ordinary event.
    pub fn view(self, user: &str, time: &str) -> Story {
        self.event(user, time, "view")
    }

    /// The last event has no type.
    pub fn untyped(self) -> Story {
        self.last(|event| event.event = None)
    }

    fn last(mut self, change: impl FnOnce(&mut Event)) -> Story {
        change(self.events.last_mut().unwrap());
        self
    }

    /// The user columns of the last event.
    pub fn users<const N: usize>(self, users: [Option<Value>; N]) -> Story {
        self.last(|event| event.users = users.to_vec())
    }

    /// The session id of the last event.
    pub fn id(self, id: i64) -> Story {
        self.last(|event| event.session_id = Some(Cell::Int(id)))
    }

    pub fn float_id(mut self, id: f64) -> Story {
        self.layout.session_id = ColumnType::Float;
        self.last(|event| event.session_id = Some(Cell::Float(id)))
    }

    pub fn text_id(mut self, id: &str) -> Story {
        self.layout.session_id = ColumnType::Text;
        self.last(|event| event.session_id = Some(Cell::Text(id.to_owned())))
    }

    /// The property of the last event.
    pub fn order(self, order: &str) -> Story {
        self.last(|event| event.property = text(order))
    }

    pub fn order_number(mut self, order: i64) -> Story {
        self.layout.property = ColumnType::Int;
        self.last(|event| event.property = Some(Value::Int(order)))
    }

    /// The unique id of the last event.
    pub fn unique(self, id: &str) -> Story {
        self.last(|event| event.dedup = Some(id.to_owned()))
    }

    /// What timeouts differ by, of the last event.
    pub fn on(self, platform: &str) -> Story {
        self.last(|event| event.platform = Some(platform.to_owned()))
    }

    pub fn sequence(self, sequence: i64) -> Story {
        self.last(|event| event.sequence = Some(sequence))
    }

    /// What `where = "keep > 0"` sees of the last event.
    pub fn keep(self, keep: i64) -> Story {
        self.last(|event| event.keep = Some(keep))
    }

    /// The events and the job, with more at its end, and nothing run yet.
    pub fn laid_out(&self, more: &str) -> Sandbox {
        let sandbox = Sandbox::new();
        sandbox.events("events.parquet", &self.layout, &self.events);
        sandbox.job(&(job_toml(&self.definition, &self.layout, &self.lines) + more));
        sandbox
    }

    fn play(&self) -> (Sandbox, Ran) {
        let sandbox = Sandbox::new();
        sandbox.events("events.parquet", &self.layout, &self.events).job(&job_toml(
            &self.definition,
            &self.layout,
            &self.lines,
        ));
        let ran = sandbox.run(&self.definition, &self.arguments);
        (sandbox, ran)
    }

    /// The story must end well.
    pub fn run(self) -> Told {
        let (sandbox, ran) = self.play();
        ran.expect_code(0);
        let told = Told {
            by_reference: reference::run(&self.layout.read_back(&self.events), &self.definition),
            by_program: sandbox.outcome(&self.definition),
            sandbox,
        };
        told.each(|told| uncounted_rows(&told.counts), 0);
        told
    }

    /// The story must end well, under keys that the reference does not know.
    pub fn by_program_alone(self) -> Outcome {
        let (sandbox, ran) = self.play();
        ran.expect_code(0);
        sandbox.outcome(&Definition { timeout: Some(MINUTE), ..self.definition })
    }

    /// The story must end with this code and a message that says all of `words`, and leave no tables.
    pub fn fails(self, code: i32, words: &[&str]) {
        let (sandbox, ran) = self.play();
        ran.expect_code(code);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        assert!(!sandbox.out().join("sessions").exists(), "a failed run left tables");
    }
}

/// What a story came to.
pub struct Told {
    pub by_reference: Outcome,
    pub by_program: Outcome,
    pub sandbox: Sandbox,
}

impl Told {
    /// What the reference and the program must both have seen.
    pub fn each<T: PartialEq + std::fmt::Debug>(&self, see: impl Fn(&Outcome) -> T, expected: T) -> &Told {
        assert_eq!(see(&self.by_reference), expected, "the reference");
        assert_eq!(see(&self.by_program), expected, "the program");
        self
    }

    /// All sessions, as `ann 10:00..10:20 3 timeout`: user, start, end, events and the reason of its end.
    pub fn sessions<const N: usize>(&self, expected: [&str; N]) -> &Told {
        let line = |row: &SessionRow| {
            let (start, end) = (clock(row.start_time), clock(row.end_time));
            format!("{} {start}..{end} {} {}", row.user_id, row.event_count, row.end_reason)
        };
        self.each(|told| told.sessions.iter().map(line).collect(), expected.map(str::to_owned).to_vec())
    }

    /// All session ids, in the order of the table.
    pub fn session_ids<const N: usize>(&self, expected: [Value; N]) -> &Told {
        let ids = |told: &Outcome| told.sessions.iter().map(|row| row.session_id.clone()).collect();
        self.each(ids, expected.to_vec())
    }

    pub fn lengths_ms<const N: usize>(&self, expected: [i64; N]) -> &Told {
        self.each(|told| told.sessions.iter().map(|row| row.length_ms).collect(), expected.to_vec())
    }

    /// The dates of all sessions, in the order of the table.
    pub fn dates<const N: usize>(&self, expected: [&str; N]) -> &Told {
        let dates = |told: &Outcome| told.sessions.iter().map(|row| row.date.to_string()).collect();
        self.each(dates, expected.map(str::to_owned).to_vec())
    }

    /// The first and last event types of all sessions, null as `-`.
    pub fn ends<const N: usize>(&self, expected: [(&str, &str); N]) -> &Told {
        let name = |event: &Option<String>| event.clone().unwrap_or_else(|| "-".to_owned());
        let ends =
            |told: &Outcome| told.sessions.iter().map(|row| (name(&row.first_event), name(&row.last_event))).collect();
        let expected = expected.map(|(first, last)| (first.to_owned(), last.to_owned()));
        self.each(ends, expected.to_vec())
    }

    /// All activity, as `2026-01-05 ann 3 [10, 11]`: date, user, events and the hours that are set.
    pub fn activity<const N: usize>(&self, expected: [&str; N]) -> &Told {
        let line = |row: &ActivityRow| {
            let hours: Vec<u32> = (0..32).filter(|hour| row.hours >> hour & 1 == 1).collect();
            format!("{} {} {} {hours:?}", row.date, row.user_id, row.events)
        };
        self.each(|told| told.activity.iter().map(line).collect(), expected.map(str::to_owned).to_vec())
    }

    pub fn out_of_session<const N: usize>(&self, expected: [(&str, i64); N]) -> &Told {
        let expected = expected.map(|(reason, count)| (reason.to_owned(), count));
        self.each(|told| told.counts.out_of_session.clone(), expected.into())
    }

    pub fn rejected<const N: usize>(&self, expected: [(&str, i64); N]) -> &Told {
        let expected = expected.map(|(reason, count)| (reason.to_owned(), count));
        self.each(|told| told.counts.rejected.clone(), expected.into())
    }

    pub fn excluded(&self, expected: i64) -> &Told {
        self.each(|told| told.counts.excluded.values().sum(), expected)
    }
}
