//! `dwell kernel`: what it makes of streams of some users each is what a run makes of all of them in files.

use crate::property::{case, cases, check, run_with, Case};
use crate::reference::{self, Definition, Event, YEAR_2000, YEAR_2100};
use crate::support::{job_toml, read_parquet, read_run, table_hashes, write_batch, Ran, Sandbox, PROPERTY};
use arrow::array::{
    ArrayRef, BinaryArray, Float64Array, Int32Array, Int64Array, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use proptest::prelude::*;
use serde_json::{Map, Value};
use std::io::{Cursor, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

/// What the kernel did, with what it wrote.
struct Answer {
    ran: Ran,
    written: Vec<u8>,
}

impl Answer {
    fn batches(&self) -> (Arc<Schema>, Vec<RecordBatch>) {
        self.ran.expect_code(0);
        let reader = StreamReader::try_new(Cursor::new(&self.written), None).unwrap();
        (reader.schema(), reader.map(Result::unwrap).collect())
    }

    /// Fails unless it ended with this code, said these words, and wrote nothing.
    fn fails(&self, code: i32, words: &[&str]) {
        self.ran.expect_code(code);
        for word in words {
            assert!(self.ran.stderr.contains(word), "no {word:?} in {}", self.ran.stderr);
        }
        assert_eq!(self.written, b"", "nothing goes out");
    }
}

/// Sends bytes through the kernel.
fn kernel_of(folder: &Path, bytes: &[u8], flags: &[&str]) -> Answer {
    let mut child = Command::new(env!("CARGO_BIN_EXE_dwell"))
        .arg("kernel")
        .args(flags)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
    // A kernel that has seen enough closes its end.
    let writer = std::thread::spawn(move || drop(input.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Answer { ran: Ran { code: output.status.code(), stdout: String::new(), stderr }, written: output.stdout }
}

/// A batch as a stream, in pieces of so many rows.
fn stream(batch: &RecordBatch, rows: usize) -> Vec<u8> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    for start in (0..batch.num_rows()).step_by(rows) {
        writer.write(&batch.slice(start, rows.min(batch.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap();
    writer.into_inner().unwrap()
}

/// Rows as text, in an order of their own.
fn texts(batches: &[RecordBatch], date: Option<&str>) -> Vec<String> {
    let options = FormatOptions::default().with_null("(null)");
    let mut rows = Vec::new();
    for batch in batches {
        // Instants as numbers: their zones are compared by type.
        let plain = |column: &ArrayRef| match column.data_type() {
            DataType::Timestamp(..) => cast(column, &DataType::Int64).unwrap(),
            DataType::List(element) if matches!(element.data_type(), DataType::Timestamp(..)) => {
                cast(column, &DataType::new_list(DataType::Int64, true)).unwrap()
            }
            _ => Arc::clone(column),
        };
        let columns: Vec<ArrayRef> = batch.columns().iter().map(plain).collect();
        let columns: Vec<ArrayFormatter<'_>> =
            columns.iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> =
                columns.iter().map(|column| format!("{:?}", column.value(row).to_string())).collect();
            let date = date.map(|date| format!("{date:?}"));
            rows.push(values.into_iter().chain(date).collect::<Vec<_>>().join(" "));
        }
    }
    rows.sort();
    rows
}

/// The rows of a table in files, and names and types of its columns, its date among them.
fn table(out: &Path, folder: &str, date: &str) -> (Vec<String>, Vec<(String, DataType)>) {
    let table = out.join(folder);
    let mut rows = Vec::new();
    let mut columns = Vec::new();
    for entry in std::fs::read_dir(&table).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (file, day) = match name.strip_prefix(&format!("{date}=")) {
            Some(day) => (entry.path().join("part-0.parquet"), Some(day)),
            None => (entry.path(), None),
        };
        let (schema, batches) = read_parquet(&file);
        rows.extend(texts(&batches, day));
        columns = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    }
    rows.sort();
    columns.push((date.to_string(), DataType::Date32));
    (rows, columns)
}

/// Adds the counts of one stream to those of others.
fn add(sum: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (key, value) in more {
        match (sum.get_mut(key), value) {
            (Some(Value::Object(sum)), Value::Object(more)) => add(sum, more),
            (Some(sum), Value::Number(more)) => *sum = (sum.as_u64().unwrap() + more.as_u64().unwrap()).into(),
            (Some(_), _) => {}
            (None, value) => drop(sum.insert(key.clone(), value.clone())),
        }
    }
}

/// Counts that add up over streams.
const ADD_UP: [&str; 14] = [
    "rows",
    "filtered",
    "rejected",
    "duplicates",
    "inactive",
    "outside_window",
    "in_session",
    "out_of_session",
    "sessions",
    "excluded",
    "zero_length_sessions",
    "clock_skew_sessions",
    "users",
    "segments",
];

const MORE: &str = r#"
[[segment]]
name = "kept"
where = "own_keep > 1"
[[segment]]
name = "order"
by = ["order_id", "surface"]
where = "keep > 0"
[[chart]]
name = "types"
segments = ["all", "kept"]
group_by = { first = "order_id" }
contains = [{ event = "view", at_least = 2 }]
[[chart]]
name = "seen"
sequence = { steps = [{ event = "view" }, { where = "keep > 0" }] }
group_by = { any = "order_id" }
[[chart]]
name = "steps"
funnel = { steps = [{ event = "view" }, { where = "keep > 0" }] }
[[chart]]
name = "time"
time_on = { property = "keep" }
[[column]]
name = "first_order"
first = "own_order"
[[column]]
name = "kept_of_views"
sum = "keep"
event = "view"
[[column]]
name = "busy"
when = "kept_of_views > 2 AND first_order IS NOT NULL"
[input.derive]
own_keep = "keep + 0"
own_order = "CASE WHEN own_keep > 0 THEN order_id END"
"#;

/// Whose event it is, in words; nobody's is nobody's.
fn owner(event: &Event) -> String {
    let user = |user: &Option<reference::Value>| match user {
        Some(reference::Value::Int(number)) => Some(number.to_string()),
        Some(reference::Value::Text(text)) if !text.is_empty() => Some(text.clone()),
        _ => None,
    };
    event.users.iter().find_map(user).unwrap_or_default()
}

/// The latest possible time of all rows.
fn latest(case: &Case) -> Option<String> {
    let (min, max) = (case.definition.min_time.unwrap_or(YEAR_2000), case.definition.max_time.unwrap_or(YEAR_2100));
    let table = case.layout.read_back(&case.events);
    let times = table.events.iter().filter_map(|event| event.time).filter(|time| (min..max).contains(time));
    times.max().map(|time| jiff::Timestamp::from_microsecond(time).unwrap().to_string())
}

fn agrees_with_a_run(case: &Case) -> Result<(), String> {
    let case = &Case { definition: Definition { from: None, to: None, ..case.definition.clone() }, ..case.clone() };
    let has_segments = case.definition.property.as_deref() != Some(PROPERTY);
    let joins = "history = true\nevents = [\"order_id\", \"keep\"]\n";
    let more = format!("{joins}{}", if has_segments { MORE } else { "" });
    let sandbox = run_with(case, &case.arrangements[0], &[], &more)?;
    sandbox.job(&(job_toml(&case.definition, &case.layout, &[]) + &more));
    let mut streams = [Vec::new(), Vec::new(), Vec::new()];
    for event in &case.events {
        streams[owner(event).bytes().map(usize::from).sum::<usize>() % 3].push(event.clone());
    }
    let tables: &[(&str, &str, &[&str])] = &[
        ("sessions", "session_date", &["--counts", "counts.json"]),
        ("activity", "activity_date", &["--table", "activity", "--memory-limit", "136MiB", "--threads", "1"]),
        ("events", "event_date", &["--table", "events"]),
        ("segments/kept/sessions", "session_date", &["--segment", "kept"]),
        ("segments/order/activity", "activity_date", &["--segment", "order", "--table", "activity"]),
    ];
    let tables = if has_segments { tables } else { &tables[..3] };
    let latest = latest(case);
    for (folder, date, flags) in tables {
        let (expected, columns) = table(&sandbox.out(), folder, date);
        let mut actual = Vec::new();
        for events in &streams {
            let mut all = vec!["job.toml", "--quiet"];
            all.extend(flags.iter());
            all.extend(latest.iter().flat_map(|latest| ["--latest", latest.as_str()]));
            let answer = kernel_of(sandbox.path(), &stream(&case.layout.batch(events), 7), &all);
            if answer.ran.code != Some(0) {
                return Err(answer.ran.stderr);
            }
            let (schema, batches) = answer.batches();
            let of_stream: Vec<(String, DataType)> =
                schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
            if of_stream != columns {
                return Err(format!("{folder} has the columns {columns:?}, and its stream {of_stream:?}"));
            }
            actual.extend(texts(&batches, None));
        }
        actual.sort();
        if actual != expected {
            return Err(format!("{folder} has\n{}\nand its streams\n{}", expected.join("\n"), actual.join("\n")));
        }
    }
    let run = read_run(&sandbox.out());
    let mut sum = Map::new();
    for line in std::fs::read_to_string(sandbox.path().join("counts.json")).unwrap().lines() {
        let Value::Object(mut counts) = serde_json::from_str(line).unwrap() else { return Err(line.to_string()) };
        counts.retain(|key, _| ADD_UP.contains(&key.as_str()));
        add(&mut sum, &counts);
    }
    for key in ADD_UP {
        if sum.get(key) != run.get(key) {
            return Err(format!("{key} of the run: {:?}, of its streams: {:?}", run.get(key), sum.get(key)));
        }
    }
    parts_agree(case, &sandbox, &streams)
}

/// The tables that a run makes of the parts of kernels are those of a run over the files, byte for byte, and nights go on
/// from them.
fn parts_agree(case: &Case, sandbox: &Sandbox, streams: &[Vec<Event>]) -> Result<(), String> {
    let by = sandbox.path().join("by kernels");
    let run = ByKernels::start(sandbox, &["--output", by.to_str().unwrap(), "--quiet"]);
    let said = run.said.as_ref().map_err(Clone::clone)?;
    let rows: usize = streams.iter().map(Vec::len).sum();
    if said["rows"] != rows {
        return Err(format!("{rows} rows, not as said: {said}"));
    }
    let latest = said["latest"].as_str().unwrap_or("stream").to_string();
    let mut all: Vec<RecordBatch> = Vec::new();
    for (number, events) in streams.iter().enumerate() {
        let limit = ["--memory-limit", "136MiB", "--threads", "1"];
        let flags =
            [&["job.toml", "--quiet", "--parts", "--latest", &latest], &limit[..if number == 1 { 4 } else { 0 }]];
        let answer = kernel_of(sandbox.path(), &stream(&case.layout.batch(events), 7), &flags.concat());
        if answer.ran.code != Some(0) {
            return Err(answer.ran.stderr);
        }
        all.extend(answer.batches().1);
    }
    let ran = run.finish(&all, streams.len() as i64);
    if ran.code != Some(0) {
        return Err(ran.stderr);
    }
    let (expected, actual) = (table_hashes(&sandbox.out()), table_hashes(&by));
    if expected != actual {
        let differ: Vec<&String> = expected.keys().filter(|name| expected.get(*name) != actual.get(*name)).collect();
        return Err(format!("of parts: {differ:?}, {:?} instead of {:?}", actual.keys(), expected.keys()));
    }
    let (run, by_kernels) = (read_run(&sandbox.out()), read_run(&by));
    for key in ADD_UP.iter().chain(&["fingerprint", "dates", "warnings", "definition", "mode"]) {
        if run.get(*key) != by_kernels.get(*key) {
            return Err(format!("{key} of the run: {:?}, by kernels: {:?}", run.get(*key), by_kernels.get(*key)));
        }
    }
    let night = sandbox.dwell(&["run", "job.toml", "--incremental", "--output", by.to_str().unwrap()]);
    match night.stdout.starts_with("Nothing new") {
        true => Ok(()),
        false => Err(format!("the night after: {}{}", night.stdout, night.stderr)),
    }
}

/// A run that waits for the parts of kernels.
struct ByKernels {
    child: Child,
    /// What it says is to be read, or why it does not run.
    said: Result<Value, String>,
}

impl ByKernels {
    fn start(sandbox: &Sandbox, flags: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_dwell"))
            .args(["run", "job.toml", "--by-kernels"])
            .args(flags)
            .current_dir(sandbox.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        // Byte by byte: what comes after the line is for later.
        let stdout = child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(char::from(byte[0]));
        }
        let said = serde_json::from_str(&line).map_err(|_| {
            let mut error = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut error).unwrap();
            error
        });
        ByKernels { child, said }
    }

    /// Sends the rows of kernels and the end, and waits.
    fn finish(self, batches: &[RecordBatch], kernels: i64) -> Ran {
        let end: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![""])),
            Arc::new(StringArray::from(vec!["end"])),
            Arc::new(Int32Array::from(vec![0])),
            Arc::new(Int32Array::from(vec![0])),
            Arc::new(Int64Array::from(vec![kernels])),
            Arc::new(Int64Array::from(vec![0])),
            Arc::new(BinaryArray::from(vec![&b""[..]])),
        ];
        let schema = batches[0].schema();
        let end = RecordBatch::try_new(Arc::clone(&schema), end).unwrap();
        let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
        batches.iter().chain([&end]).for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
        self.send(&writer.into_inner().unwrap())
    }

    /// Sends bytes, and waits.
    fn send(mut self, bytes: &[u8]) -> Ran {
        let mut input = self.child.stdin.take().unwrap();
        let _ = input.write_all(bytes);
        drop(input);
        let output = self.child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ran { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

#[test]
fn a_delta_table_is_none_of_files_for_others_to_read() {
    let sandbox = few_in_folders();
    let log = sandbox.path().join("data/_delta_log");
    std::fs::create_dir_all(&log).unwrap();
    let schema = r#"{\"type\":\"struct\",\"fields\":[{\"name\":\"user_id\",\"type\":\"string\",\"nullable\":true,\"metadata\":{}},{\"name\":\"event_time\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}}]}"#;
    let size = std::fs::metadata(sandbox.path().join("data/day=2026-01-02/a.parquet")).unwrap().len();
    let lines = [
        r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#.to_string(),
        format!(
            r#"{{"metaData":{{"id":"1","format":{{"provider":"parquet","options":{{}}}},"schemaString":"{schema}","partitionColumns":[],"configuration":{{}}}}}}"#
        ),
        format!(
            r#"{{"add":{{"path":"day=2026-01-02/a.parquet","partitionValues":{{}},"size":{size},"modificationTime":0,"dataChange":true}}}}"#
        ),
    ];
    std::fs::write(log.join("00000000000000000000.json"), lines.join("\n")).unwrap();
    let run = ByKernels::start(&sandbox, &[]);
    assert!(run.said.is_err_and(|error| error.contains("Delta table") && error.contains("dwell.spark.sessionize")));
    sandbox.dwell(&["run", "job.toml"]).expect_code(0);
}

/// A sandbox whose input is a few events, in two files of two date folders.
fn few_in_folders() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.job("[input]\npath = \"data\"\n[session]\ntimeout = \"30m\"\n[output]\npath = \"out\"\n");
    let data = sandbox.path().join("data");
    write_batch(&data.join("day=2026-01-01/a b.parquet"), 2, &few());
    write_batch(&data.join("day=2026-01-02/a.parquet"), 2, &few());
    sandbox
}

/// What kernels make of the events of both files, all in one.
fn few_in_parts(sandbox: &Sandbox) -> Vec<RecordBatch> {
    let both = concat_batches(&few().schema(), &[few(), few()]).unwrap();
    let flags = ["--timeout", "30m", "--latest", "2026-01-01T01:00:00Z", "--quiet", "--parts"];
    kernel_of(sandbox.path(), &stream(&both, 3), &flags).batches().1
}

#[test]
fn a_run_by_kernels_says_what_is_to_be_read() {
    let sandbox = few_in_folders();
    let run = ByKernels::start(&sandbox, &[]);
    let said = run.said.as_ref().unwrap();
    assert_eq!((&said["rows"], &said["latest"]), (&8.into(), &"2026-01-01T01:00:00Z".into()));
    assert_eq!(said["folder_columns"], serde_json::json!({ "day": "date" }));
    let path = sandbox.path().join("data/day=2026-01-01/a b.parquet");
    let expected = serde_json::json!({ "path": path, "folders": { "day": "2026-01-01" } });
    assert_eq!(said["files"][0], expected);
    // Nobody else may write meanwhile.
    sandbox.dwell(&["run", "job.toml"]).expect_code(1);
    let ran = run.finish(&few_in_parts(&sandbox), 1);
    ran.expect_code(0);
    assert!(ran.stdout.contains("sessions"), "{}", ran.stdout);
    sandbox.dwell(&["run", "job.toml", "--output", "other"]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&sandbox.path().join("other")));
}

#[test]
fn a_run_by_kernels_that_does_not_get_everything_changes_nothing() {
    let sandbox = few_in_folders();
    sandbox.dwell(&["run", "job.toml"]).expect_code(0);
    let before = table_hashes(&sandbox.out());
    let parts = few_in_parts(&sandbox);
    let half = kernel_of(
        sandbox.path(),
        &stream(&few(), 3),
        &["--timeout", "30m", "--latest", "2026-01-01T01:00:00Z", "--quiet", "--parts"],
    );
    let other_time = kernel_of(
        sandbox.path(),
        &stream(&few(), 3),
        &["--timeout", "30m", "--latest", "2026-02-01", "--quiet", "--parts"],
    );
    let kernel = |flags: &[&str]| {
        let both = concat_batches(&few().schema(), &[few(), few()]).unwrap();
        let always = ["--latest", "2026-01-01T01:00:00Z", "--quiet", "--parts"];
        kernel_of(sandbox.path(), &stream(&both, 3), &[&always, flags].concat())
    };
    let other_job = kernel(&["--timeout", "10m"]);
    let other_column = kernel(&["--timeout", "30m", "--user", "score"]);
    let with_segment = "[input]\n[session]\ntimeout = \"30m\"\n[[segment]]\nname = \"high\"\nwhere = \"score > 1\"\n";
    std::fs::write(sandbox.path().join("segment.toml"), with_segment).unwrap();
    let of_segment = kernel_of(
        sandbox.path(),
        &stream(&few(), 3),
        &["segment.toml", "--latest", "2026-01-01T01:00:00Z", "--quiet", "--parts"],
    );
    let start = || ByKernels::start(&sandbox, &[]);
    for (ran, words) in [
        (start().finish(&half.batches().1, 1), "4 rows came to the kernels, and the files have 8"),
        (start().finish(&[parts.clone(), few_in_parts(&sandbox)].concat(), 2), "16 rows"),
        (start().finish(&[parts.clone(), parts.clone()].concat(), 2), "16 rows"),
        (start().finish(&parts, 3), "3 kernels were to make it, and 1 did"),
        (start().finish(&parts[..parts.len() - 1], 0), "kernels made 0 parts, and 2 came"),
        (start().finish(&other_job.batches().1, 1), "`session.timeout` is 10m there, and 30m in this run"),
        (
            start().finish(&other_column.batches().1, 1),
            "`user` is score (integer) there, and user_id (text) in this run",
        ),
        (start().finish(&[half.batches().1, other_time.batches().1].concat(), 2), "another latest time"),
        (start().finish(&of_segment.batches().1, 1), "\"segments/high/sessions\""),
        (start().send(b""), "the stream of parts of tables on the standard input cannot be taken"),
        (start().send(&stream(&few(), 2)), "other columns"),
    ] {
        ran.expect_code(1);
        assert!(ran.stderr.contains(words), "no {words:?} in {}", ran.stderr);
        assert_eq!(table_hashes(&sandbox.out()), before);
    }
    // The files change while kernels are at work.
    let run = start();
    write_batch(&sandbox.path().join("data/day=2026-01-02/a.parquet"), 3, &few());
    let ran = run.finish(&parts, 1);
    ran.expect_code(1);
    assert!(ran.stderr.contains("changed"), "{}", ran.stderr);
    assert_eq!(table_hashes(&sandbox.out()), before);
    for flag in ["--incremental", "--dry-run"] {
        let run = ByKernels::start(&sandbox, &[flag]);
        assert!(run.said.is_err_and(|error| error.contains("--by-kernels")));
    }
}

#[test]
fn streams_of_some_users_each_give_the_rows_and_counts_of_a_run() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 1));
    check(cases() / 8, either, agrees_with_a_run);
}

/// A few events of two users, with more columns than are needed.
fn few() -> RecordBatch {
    let users: ArrayRef = Arc::new(StringArray::from(vec!["ann", "bob", "ann", "bob"]));
    let times = [0, 1, 2, 3_600].map(|second| 1_767_225_600_000_000 + second * 1_000_000);
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(times.to_vec()));
    let more: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5, f64::NAN, -0.0]));
    RecordBatch::try_from_iter([("user_id", users), ("event_time", times), ("score", more)]).unwrap()
}

const TIMEOUT: [&str; 5] = ["--timeout", "30m", "--latest", "stream", "--quiet"];

#[test]
fn a_stream_that_breaks_off_is_told_from_one_that_is_whole() {
    let sandbox = Sandbox::new();
    let whole = stream(&few(), 2);
    assert_eq!(texts(&kernel_of(sandbox.path(), &whole, &TIMEOUT).batches().1, None).len(), 3);
    for cut in (1..whole.len() - 8).step_by(11) {
        let answer = kernel_of(sandbox.path(), &whole[..whole.len() - cut], &TIMEOUT);
        answer.fails(1, &["breaks off after", "rows"]);
    }
    // Of the first message so little that it may be anything.
    for length in 1..8 {
        kernel_of(sandbox.path(), &whole[..length], &TIMEOUT).fails(2, &["no Arrow IPC stream"]);
    }
}

#[test]
fn what_is_no_stream_is_named() {
    let sandbox = Sandbox::new();
    let others: [(&[u8], &str); 5] = [
        (b"", "it is empty"),
        (b"user_id,event_time\n1,2\n", "does not begin as one"),
        (b"PAR1\0\0\0\0\0\0", "`dwell run` reads"),
        (b"ARROW1\0\0\0\0\0\0", "not a stream"),
        (b"\xff\xff\xff\xff\x10\0\0\0 nothing at all here", "first message"),
    ];
    for (bytes, words) in others {
        kernel_of(sandbox.path(), bytes, &TIMEOUT).fails(2, &["standard input", words]);
    }
}

#[test]
fn a_damaged_batch_is_named() {
    let sandbox = Sandbox::new();
    let mut bytes = stream(&few(), 2);
    // The text of a user that is no text.
    let place = bytes.windows(6).position(|window| window == b"annbob").unwrap();
    bytes[place] = 0xff;
    kernel_of(sandbox.path(), &bytes, &TIMEOUT).fails(1, &["batch 1", "cannot be read"]);
}

#[test]
fn columns_that_a_stream_lacks_or_cannot_use_are_named() {
    let sandbox = Sandbox::new();
    let bytes = stream(&few(), 2);
    let flags: [(&[&str], &str); 4] = [
        (&["--timeout", "30m", "--user", "user_idd"], "did you mean \"user_id\"?"),
        (&["--timeout", "30m", "--time", "score"], "`score`"),
        (&[], "`session_id`"),
        (&["--timeout", "30m", "--where", "scoer > 1"], "scoer"),
    ];
    for (flags, words) in flags {
        kernel_of(sandbox.path(), &bytes, flags).fails(2, &[words]);
    }
}

#[test]
fn a_latest_time_that_is_not_the_latest_is_refused_and_a_missing_one_warned_of() {
    let sandbox = Sandbox::new();
    let bytes = stream(&few(), 2);
    let early = ["--timeout", "30m", "--latest", "2026-01-01T00:30:00Z"];
    kernel_of(sandbox.path(), &bytes, &early).fails(2, &["--latest", "2026-01-01T01:00:00Z"]);
    let unsaid = kernel_of(sandbox.path(), &bytes, &["--timeout", "30m"]);
    assert!(unsaid.ran.stderr.contains("--latest stream"), "{}", unsaid.ran.stderr);
    let reasons = |answer: &Answer| {
        let (schema, batches) = answer.batches();
        let all = concat_batches(&schema, &batches).unwrap();
        texts(&[all.project(&[8]).unwrap()], None)
    };
    let timeout = r#""timeout""#;
    let end = r#""end_of_data""#;
    assert_eq!(reasons(&unsaid), [end, timeout, timeout]);
    let later = kernel_of(sandbox.path(), &bytes, &["--timeout", "30m", "--latest", "2026-01-02", "--quiet"]);
    assert_eq!(reasons(&later), [timeout, timeout, timeout]);
    // What passes no condition is time that went by, too.
    let some = kernel_of(sandbox.path(), &bytes, &[&TIMEOUT[..], &["--where", "score > 1"]].concat());
    assert_eq!(reasons(&some), [timeout, timeout]);
}

#[test]
fn a_condition_that_holds_for_nothing_leaves_an_empty_stream_and_counts_its_rows() {
    let sandbox = Sandbox::new();
    let flags = [&TIMEOUT[..], &["--where", "1 = 2", "--counts", "counts.json"]].concat();
    let (schema, batches) = kernel_of(sandbox.path(), &stream(&few(), 2), &flags).batches();
    assert!(schema.field_with_name("session_date").is_ok() && batches.is_empty());
    let counts: Value =
        serde_json::from_str(&std::fs::read_to_string(sandbox.path().join("counts.json")).unwrap()).unwrap();
    assert_eq!((&counts["rows"], &counts["filtered"]), (&4.into(), &4.into()));
}

#[test]
fn a_stream_without_rows_is_one_of_no_sessions() {
    let sandbox = Sandbox::new();
    let (schema, batches) = kernel_of(sandbox.path(), &stream(&few().slice(0, 0), 1), &TIMEOUT).batches();
    assert!(schema.field_with_name("session_date").is_ok() && batches.is_empty());
}

#[test]
fn ids_that_do_not_fit_64_bits_are_text_as_they_are_in_files() {
    let sandbox = Sandbox::new();
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_767_225_600_000_000; 3]));
    for (largest, expected) in [(7, DataType::Int64), (u64::MAX, DataType::Utf8)] {
        let users: ArrayRef = Arc::new(UInt64Array::from(vec![1, 2, largest]));
        let batch = RecordBatch::try_from_iter([("user_id", users), ("event_time", Arc::clone(&times))]).unwrap();
        let (schema, batches) = kernel_of(sandbox.path(), &stream(&batch, 2), &TIMEOUT).batches();
        assert_eq!(*schema.field(0).data_type(), expected);
        let out = format!("out {largest}");
        write_batch(&sandbox.path().join(&out).join("a.parquet"), 2, &batch);
        sandbox.dwell(&["run", "--input", &out, "--output", "out", "--overwrite", "--quiet", "--timeout", "30m"]);
        assert_eq!(texts(&batches, None), table(&sandbox.out(), "sessions", "session_date").0);
    }
}

/// A table of every spelling of text and numbers that Arrow has, of the same values.
#[test]
fn the_spelling_of_a_type_is_of_no_matter() {
    let sandbox = Sandbox::new();
    let times =
        TimestampMicrosecondArray::from((0..300).map(|n| 1_767_225_600_000_000 + n * 900_000_000).collect::<Vec<_>>());
    let users: ArrayRef = Arc::new(StringArray::from_iter_values((0..300).map(|n| format!("user {}", n % 7))));
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values((0..300).map(|n| n / 20)));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::LargeUtf8));
    let runs = DataType::RunEndEncoded(
        Arc::new(Field::new("run_ends", DataType::Int32, false)),
        Arc::new(Field::new("values", DataType::Utf8, true)),
    );
    let of_users = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, DataType::Binary, dictionary, runs];
    let of_ids = [
        DataType::Int64,
        DataType::Int16,
        DataType::UInt32,
        DataType::Float32,
        DataType::UInt64,
        DataType::Decimal128(20, 0),
    ];
    let mut expected: Option<Vec<String>> = None;
    for (user_type, id_type) in of_users.iter().zip(&of_ids) {
        let cast = |array: &ArrayRef, to: &DataType| cast(array, to).unwrap();
        let columns: [(&str, ArrayRef); 3] = [
            ("user_id", cast(&users, user_type)),
            ("event_time", Arc::new(times.clone())),
            ("session_id", cast(&ids, id_type)),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let (_, batches) = kernel_of(sandbox.path(), &stream(&batch, 64), &["--quiet"]).batches();
        let rows = texts(&batches, None);
        assert!(rows.len() > 50, "{}", rows.len());
        assert_eq!(*expected.get_or_insert_with(|| rows.clone()), rows, "{user_type:?} and {id_type:?}");
    }
}

#[test]
fn nobody_who_reads_the_sessions_is_an_error_that_says_so() {
    let rows = 200_000;
    let users: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_767_225_600_000_000; rows as usize]));
    let bytes = stream(&RecordBatch::try_from_iter([("user_id", users), ("event_time", times)]).unwrap(), 1 << 14);
    let mut child = Command::new(env!("CARGO_BIN_EXE_dwell"))
        .arg("kernel")
        .args(TIMEOUT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("cannot be written to the standard output"), "{said}");
}

#[test]
#[cfg(unix)]
fn a_signal_ends_what_waits_for_its_input() {
    let sandbox = few_in_folders();
    let before = std::fs::read_dir(sandbox.path()).unwrap().count();
    let ends = |mut child: Child, what: &str| {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        // Its input stays open: it must not wait for that.
        let _input = child.stdin.take();
        let mut error = String::new();
        child.stderr.take().unwrap().read_to_string(&mut error).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{what}: {error}");
        assert!(error.contains("interrupted"), "{what}: {error}");
    };
    let run = ByKernels::start(&sandbox, &[]);
    assert!(run.said.is_ok());
    ends(run.child, "a run by kernels");
    // Nothing is left of it.
    assert_eq!(std::fs::read_dir(sandbox.path()).unwrap().count(), before);
    let mut kernel = Command::new(env!("CARGO_BIN_EXE_dwell"))
        .args(["kernel", "--timeout", "30m", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Half a stream, so that it has begun.
    let half = stream(&few(), 2);
    kernel.stdin.as_mut().unwrap().write_all(&half[..half.len() / 2]).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(500));
    ends(kernel, "a kernel");
}
