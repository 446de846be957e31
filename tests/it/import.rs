//! `dwell import`: JSON lines into Parquet by day, by hand and against a plain reading of the same lines.

use crate::support::{read_parquet, read_run, Ran, Sandbox};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use flate2::write::GzEncoder;
use flate2::Compression;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// A row: each value that is not null, by column.
type Row = BTreeMap<String, Cell>;

#[derive(Clone, Debug, PartialEq)]
enum Cell {
    Int(i64),
    Float(f64),
    Bool(bool),
    /// Microseconds since the epoch.
    Time(i64),
    Text(String),
}

fn cell(column: &ArrayRef, row: usize) -> Option<Cell> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Int64 => Cell::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Cell::Bool(column.as_boolean().value(row)),
        DataType::Timestamp(..) => Cell::Time(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        _ => Cell::Text(column.as_string::<i32>().value(row).to_owned()),
    })
}

/// The Parquet files of an import, by path in its folder.
fn files(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for day in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = day.file_name().into_string().unwrap();
        if !name.starts_with("event_date=") {
            continue;
        }
        for file in std::fs::read_dir(day.path()).unwrap().flatten() {
            found.insert(format!("{name}/{}", file.file_name().to_str().unwrap()), file.path());
        }
    }
    found
}

fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    files(folder).into_iter().map(|(name, path)| (name, std::fs::read(path).unwrap())).collect()
}

/// The rows of a folder in order of file and row, each with the day of its file under "event_date".
fn rows(folder: &Path) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, path) in files(folder) {
        let day = name.strip_prefix("event_date=").unwrap().split('/').next().unwrap().to_owned();
        let (schema, batches) = read_parquet(&path);
        for batch in batches {
            for row in 0..batch.num_rows() {
                let columns = schema.fields().iter().zip(batch.columns());
                let cells = columns.filter_map(|(field, column)| Some((field.name().clone(), cell(column, row)?)));
                let day = ("event_date".to_owned(), Cell::Text(day.clone()));
                rows.push(cells.chain([day]).collect());
            }
        }
    }
    rows
}

fn text(value: &str) -> Option<Cell> {
    Some(Cell::Text(value.to_owned()))
}

/// The values of a column, row by row.
fn column(rows: &[Row], name: &str) -> Vec<Option<Cell>> {
    rows.iter().map(|row| row.get(name).cloned()).collect()
}

impl Sandbox {
    fn lines(&self, name: &str, lines: &[&str]) -> &Sandbox {
        self.file(name, format!("{}\n", lines.join("\n")).as_bytes())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> &Sandbox {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        self
    }

    fn import(&self, arguments: &[&str]) -> Ran {
        self.dwell(&[&["import", "export", "--output", "events"][..], arguments].concat())
    }

    fn imported(&self, arguments: &[&str]) -> Vec<Row> {
        self.import(arguments).expect_code(0);
        rows(&self.path().join("events"))
    }

    fn state(&self) -> serde_json::Value {
        let text = std::fs::read_to_string(self.path().join("events/_dwell_import/state.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn each_type_is_found_and_columns_of_several_are_text_as_it_is_spelled() {
    let sandbox = Sandbox::new();
    let line = |more: &str| format!("{{\"event_time\": \"2026-01-02 03:04:05.123456\", {more}}}");
    let lines = [
        line(
            r#""n": 1, "big": 9007199254740993, "f": 1, "b": true, "s": "a\"\u00e9\n", "o": {"x": [1,  2]}, "m": 1.50, "h": 1"#,
        ),
        line(
            r#""n": -9223372036854775808, "big": 1, "f": 2.5e1, "b": null, "s": "", "o": [], "m": "t", "h": 18446744073709551616"#,
        ),
        line(r#""n": null, "big": 0.5, "f": NaN, "b": false, "s": "\ud83d", "m": {"a":1}, "h": -7, "none": null"#),
        line(r#""n": 1, "n": 2, "m": true, "A": 1"#),
    ];
    let rows = sandbox.lines("export/a.json", &lines.each_ref().map(String::as_str)).imported(&[]);
    assert!(rows.iter().all(|row| row["event_time"] == Cell::Time(1_767_323_045_123_456)));
    assert!(rows.iter().all(|row| row["event_date"] == Cell::Text("2026-01-02".to_owned())));
    let of = |name: &str| column(&rows, name);
    assert_eq!(of("n"), [Some(Cell::Int(1)), Some(Cell::Int(i64::MIN)), None, Some(Cell::Int(2))]);
    // No floating number is equal to the first one.
    assert_eq!(of("big"), [text("9007199254740993"), text("1"), text("0.5"), None]);
    assert_eq!(of("f"), [Some(Cell::Float(1.0)), Some(Cell::Float(25.0)), None, None]);
    assert_eq!(of("b"), [Some(Cell::Bool(true)), None, Some(Cell::Bool(false)), None]);
    assert_eq!(of("s"), [text("a\"é\n"), text(""), text("\u{fffd}"), None]);
    assert_eq!(of("o"), [text(r#"{"x": [1,  2]}"#), text("[]"), None, None]);
    assert_eq!(of("m"), [text("1.50"), text("t"), text(r#"{"a":1}"#), text("true")]);
    assert_eq!(of("h"), [text("1"), text("18446744073709551616"), text("-7"), None]);
    assert_eq!(of("A"), [None, None, None, Some(Cell::Int(1))]);
    let (schema, _) = read_parquet(files(&sandbox.path().join("events")).values().next().unwrap());
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    // In the order in which they come; what never has a value is no column.
    assert_eq!(names, ["event_time", "n", "big", "f", "b", "s", "o", "m", "h", "A"]);
}

#[test]
fn times_are_text_or_counts_and_tell_the_day_in_utc() {
    let sandbox = Sandbox::new();
    sandbox.lines(
        "export/a.jsonl",
        &[
            r#"{"ts": "2026-01-02T00:30:00+01:00"}"#,
            r#"{"ts": 1767312000}"#,
            r#"{"ts": 1767312000000}"#,
            r#"{"ts": "1767312000000000"}"#,
            r#"{"ts": 1767311999.999999}"#,
            r#"{"ts": "2026-01-02"}"#,
        ],
    );
    let rows = sandbox.imported(&[]);
    let days = column(&rows, "event_date");
    assert_eq!(days, ["2026-01-01", "2026-01-01", "2026-01-02", "2026-01-02", "2026-01-02", "2026-01-02"].map(text));
    let midnight = 1_767_312_000_000_000;
    let times = [midnight - 1_800_000_000, midnight - 1, midnight, midnight, midnight, midnight];
    assert_eq!(column(&rows, "ts"), times.map(|time| Some(Cell::Time(time))));
}

#[test]
fn lines_that_are_no_events_are_counted_by_reason_and_kept_as_they_are() {
    let sandbox = Sandbox::new();
    let deep = format!("{{\"event_time\": 1767312000, \"d\": {}{}}}", "[".repeat(129), "]".repeat(129));
    let good = br#"{"event_time": 1767312000, "a": 1}"#;
    let bad: [&[u8]; 10] = [
        b"{\"event_time\": 1767312000",
        b"{\"event_time\": 1767312000, \"a\": \"\xff\"}",
        deep.as_bytes(),
        b"[1]",
        b"7",
        b"{\"a\": \"only a bad line has text\"}",
        b"{\"event_time\": null}",
        b"{\"event_time\": \"yesterday\"}",
        b"{\"event_time\": 12}",
        b"{\"event_time\": {\"s\": 1767312000}} \r",
    ];
    let all = [&[&good[..], b"", b"  "][..], &bad, &[good]].concat().join(&b'\n');
    sandbox.file("export/a.json", &all);
    let ran = sandbox.import(&["--format", "json"]);
    ran.expect_code(0);
    let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&told["lines"], &told["rows"]), (&12.into(), &2.into()));
    let counts = told["bad_lines"].as_object().unwrap();
    let counts: Vec<String> =
        counts.iter().map(|(reason, bad)| format!("{reason} {} at {}", bad["count"], bad["line"])).collect();
    assert_eq!(
        counts.into_iter().collect::<BTreeSet<_>>(),
        BTreeSet::from(
            [
                "no_json 1 at 4",
                "no_utf8 1 at 5",
                "too_deep 1 at 6",
                "no_object 2 at 7",
                "no_time 2 at 9",
                "unreadable_time 3 at 11"
            ]
            .map(str::to_owned)
        )
    );
    let kept = told["bad_lines"]["no_json"]["kept"].as_str().unwrap();
    assert_eq!(std::fs::read(sandbox.path().join(kept)).unwrap(), [&bad.join(&b'\n')[..], b"\n"].concat());
    // A bad line says nothing about columns.
    assert_eq!(column(&rows(&sandbox.path().join("events")), "a"), vec![Some(Cell::Int(1)); 2]);
    let refused = Sandbox::new();
    refused.file("export/a.json", &all);
    let ran = refused.import(&["--max-bad-lines", "0.5"]);
    ran.expect_code(3);
    assert!(ran.stderr.contains("no_json 1, the first is line 4 of export/a.json"), "{}", ran.stderr);
    assert!(files(&refused.path().join("events")).is_empty());
    refused.import(&["--max-bad-lines", "0.9"]).expect_code(0);
}

#[test]
fn compressed_files_are_those_that_are_not() {
    let text = |from: i64| -> String {
        (from..from + 50).map(|n| format!("{{\"event_time\": {}, \"n\": {n}}}\n", 1_767_312_000 + n)).collect()
    };
    let plain = Sandbox::new();
    let expected = plain.file("export/a.json", (text(0) + &text(50)).as_bytes()).imported(&[]);
    assert_eq!(expected.len(), 100);
    let same = |bytes: &[u8], name: &str| {
        let sandbox = Sandbox::new();
        assert_eq!(sandbox.file(name, bytes).imported(&[]), expected, "{name}");
    };
    // Several members are one file, and names tell nothing.
    same(&[gzip(&text(0)), gzip(&text(50))].concat(), "export/a.json.gz");
    same(&gzip(&(text(0) + &text(50))), "export/a.jsonl");
    let zstd = |text: &str| zstd::encode_all(text.as_bytes(), 1).unwrap();
    same(&[zstd(&text(0)), zstd(&text(50))].concat(), "export/a.ndjson.zst");

    let sandbox = Sandbox::new();
    let whole = gzip(&text(0));
    sandbox.file("export/b.json.gz", &whole[..whole.len() - 9]);
    let ran = sandbox.import(&[]);
    ran.expect_code(1);
    assert!(ran.stderr.contains("b.json.gz\" cannot be read beyond line"), "{}", ran.stderr);
    assert!(files(&sandbox.path().join("events")).is_empty());
}

#[test]
fn what_is_done_stays_and_what_changed_replaces_itself() {
    let sandbox = Sandbox::new();
    let events = sandbox.path().join("events");
    sandbox.lines(
        "export/a.json",
        &[r#"{"event_time": "2026-01-01", "n": 1}"#, r#"{"event_time": "2026-01-02", "n": 2}"#, "bad"],
    );
    sandbox.lines("export/b.json", &[r#"{"event_time": "2026-01-01", "n": 3}"#]);
    sandbox.import(&[]).expect_code(0);
    let first = bytes(&events);
    assert_eq!(first.len(), 3);
    let ran = sandbox.import(&[]);
    assert!(ran.expect_code(0).stdout.contains("2 done before\nNothing is new"), "{}", ran.stdout);
    assert_eq!(bytes(&events), first);

    // One more, and one that has another day now, with a column of its own, and nothing bad.
    sandbox.lines("export/c.json", &[r#"{"event_time": "2026-01-03", "n": 4}"#]);
    sandbox.lines(
        "export/a.json",
        &[r#"{"event_time": "2026-01-02", "n": 5, "late": true}"#, r#"{"event_time": "2026-01-04", "n": 6}"#],
    );
    let ran = sandbox.import(&["--threads", "1"]);
    assert!(ran.expect_code(0).stdout.contains("1 new file, 1 that had changed, 1 done before"), "{}", ran.stdout);
    let all = rows(&events);
    let mut told: Vec<String> = all.iter().map(|row| format!("{:?} {:?}", row["event_date"], row["n"])).collect();
    told.sort();
    assert_eq!(
        told,
        [("01", 3), ("02", 5), ("03", 4), ("04", 6)].map(|(day, n)| format!("Text(\"2026-01-{day}\") Int({n})"))
    );
    assert!(!events.join("_dwell_import/bad").exists());
    // What did not change has the same bytes; a file of before lacks the late column, and is read with it.
    let now = bytes(&events);
    assert!(first.iter().filter(|(name, _)| name.contains("/b-")).all(|(name, bytes)| now[name] == *bytes));
    let ran = sandbox.dwell(&[
        "run",
        "--input",
        "events",
        "--time",
        "event_time",
        "--user",
        "n",
        "--timeout",
        "30m",
        "--where",
        "late IS NULL",
        "--output",
        "out",
        "--quiet",
    ]);
    ran.expect_code(0);
    assert_eq!(read_run(&sandbox.out())["rows"], 4);
}

#[test]
fn columns_that_come_to_hold_other_values_are_other_columns_in_files_of_before_too() {
    let sandbox = Sandbox::new();
    sandbox.lines(
        "export/a.json",
        &[
            r#"{"event_time": 1767312000, "t": 7, "f": 3, "b": true, "wide": 9007199254740993, "j": {}}"#,
            r#"{"event_time": 1767312001, "t": -1, "f": 4, "wide": null, "stays": 1}"#,
        ],
    );
    sandbox.import(&[]).expect_code(0);
    sandbox
        .lines("export/b.json", &[r#"{"event_time": 1767312002, "t": "x", "f": 0.25, "b": 1, "wide": 0.5, "j": "k"}"#]);
    let dry = sandbox.import(&["--dry-run"]);
    assert!(dry.expect_code(0).stdout.contains("would be written anew"), "{}", dry.stdout);
    let ran = sandbox.import(&[]);
    let said = "t text, f float64, b text, wide text; 1 file of earlier imports written anew";
    assert!(ran.expect_code(0).stdout.contains(said), "{}", ran.stdout);
    let rows = rows(&sandbox.path().join("events"));
    assert_eq!(column(&rows, "t"), [text("7"), text("-1"), text("x")]);
    assert_eq!(column(&rows, "f"), [3.0, 4.0, 0.25].map(|number| Some(Cell::Float(number))));
    assert_eq!(column(&rows, "b"), [text("true"), None, text("1")]);
    assert_eq!(column(&rows, "wide"), [text("9007199254740993"), None, text("0.5")]);
    assert_eq!(column(&rows, "j"), [text("{}"), None, text("k")]);
    assert_eq!(column(&rows, "stays"), [None, Some(Cell::Int(1)), None]);
    // A widening that was killed goes on, whatever there is to import.
    let state = sandbox.path().join("events/_dwell_import/state.json");
    let killed = std::fs::read_to_string(&state).unwrap().replace("\"widening\": false", "\"widening\": true");
    std::fs::write(&state, killed.replace("\"kind\": \"float64\"", "\"kind\": \"text\"")).unwrap();
    let rows = sandbox.imported(&[]);
    assert_eq!(column(&rows, "f"), [text("3"), text("4"), text("0.25")]);
    assert_eq!(sandbox.state()["widening"], false);
}

#[test]
fn columns_are_named_and_typed_where_they_are_not_to_be_found() {
    let lines = [
        r#"{"event_time": 1767312000, "id": 5, "n": "12", "x": "12.0", "other": 1, "when": "2026-01-02T00:00:01Z"}"#,
        r#"{"event_time": 1767312001, "id": 6, "n": "none", "x": 3, "when": ""}"#,
    ];
    let sandbox = Sandbox::new();
    sandbox.lines("export/a.json", &lines);
    let ran = sandbox.import(&["--columns", "id:text,n:int64,x:int64,when:timestamp"]);
    assert!(ran.expect_code(0).stdout.contains("1 value of n do not fit its type"), "{}", ran.stdout);
    let rows = rows(&sandbox.path().join("events"));
    assert_eq!(column(&rows, "id"), [text("5"), text("6")]);
    assert_eq!(column(&rows, "n"), [Some(Cell::Int(12)), None]);
    assert_eq!(column(&rows, "x"), [Some(Cell::Int(12)), Some(Cell::Int(3))]);
    assert_eq!(column(&rows, "when"), [Some(Cell::Time(1_767_312_001_000_000)), None]);
    assert_eq!(column(&rows, "other"), [None, None]);
    assert!(rows[0].contains_key("event_time"));

    let all = Sandbox::new();
    let rows = all.lines("export/a.json", &lines).imported(&["--columns", "id:text, *"]);
    assert_eq!(
        (column(&rows, "id"), column(&rows, "other")),
        (vec![text("5"), text("6")], vec![Some(Cell::Int(1)), None])
    );
}

#[test]
fn mixpanel_and_amplitude_are_ready_for_a_run() {
    let sandbox = Sandbox::new();
    let mixpanel = |event: &str, user: &str, seconds: i64, id: &str| {
        format!(
            "{{\"event\":\"{event}\",\"properties\":{{\"time\":{},\"distinct_id\":\"{user}\",\"$insert_id\":\"{id}\",\
                 \"plan\":\"a\",\"list\":[1]}}}}",
            1_767_312_000 + seconds
        )
    };
    let lines = [
        mixpanel("view", "u", 0, "1"),
        mixpanel("buy", "u", 60, "2"),
        mixpanel("buy", "u", 60, "2"),
        mixpanel("view", "v", 5_000, "3"),
    ];
    sandbox.lines("export/a.json", &lines.each_ref().map(String::as_str));
    let rows = sandbox.imported(&["--source", "mixpanel"]);
    assert_eq!(rows[1]["properties.time"], Cell::Time(1_767_312_060_000_000));
    assert_eq!(
        (&rows[0]["properties.plan"], &rows[0]["properties.list"]),
        (&Cell::Text("a".into()), &Cell::Text("[1]".into()))
    );
    // A further import needs not say it again, and init sees what it is.
    sandbox.lines("export/b.json", &[&mixpanel("view", "w", 9_000, "4")]).import(&[]).expect_code(0);
    sandbox.dwell(&["run", "--source", "mixpanel", "--input", "events", "--output", "out", "--quiet"]).expect_code(0);
    let counts = &read_run(&sandbox.out());
    assert_eq!((&counts["rows"], &counts["duplicates"], &counts["sessions"]), (&5.into(), &1.into(), &3.into()));
    let ran = sandbox.dwell(&["init", "--input", "events"]);
    assert!(
        std::fs::read_to_string(sandbox.path().join("dwell.toml")).unwrap().contains("source = \"mixpanel\""),
        "{}",
        ran.stdout
    );

    let sandbox = Sandbox::new();
    let amplitude = |seconds: i64, session: i64| {
        format!("{{\"$insert_id\":\"{seconds}\",\"amplitude_id\":100000000001,\"client_event_time\":\"2026-01-02 00:{:02}:00.500000\",\
                 \"event_id\":{seconds},\"event_type\":\"view\",\"session_id\":{session},\"server_upload_time\":\"2026-01-02 01:00:00.000001\",\
                 \"event_properties\":{{\"page\":\"/a\"}},\"user_properties\":{{}}}}", seconds / 60)
    };
    let lines = [amplitude(0, 1_767_312_000_000), amplitude(60, 1_767_312_000_000), amplitude(120, -1)];
    sandbox.file("export/1#2.json.gz", &gzip(&lines.join("\n")));
    let rows = sandbox.imported(&["--source", "amplitude"]);
    assert_eq!(rows[0]["server_upload_time"], Cell::Time(1_767_315_600_000_001));
    sandbox
        .dwell(&[
            "run",
            "--source",
            "amplitude",
            "--input",
            "events",
            "--output",
            "out",
            "--quiet",
            "--where",
            "event_properties.page = '/a'",
        ])
        .expect_code(0);
    let counts = &read_run(&sandbox.out());
    assert_eq!((&counts["sessions"], &counts["in_session"], &counts["filtered"]), (&1.into(), &2.into(), &0.into()));
    sandbox.dwell(&["doctor", "--source", "amplitude", "--input", "events"]).expect_code(0);

    let sandbox = Sandbox::new();
    let ga4 = |seconds: i64| {
        format!(
            "{{\"event_date\":\"20260101\",\"event_timestamp\":\"{}\",\"event_name\":\"view\",\"user_pseudo_id\":\"1.2\",\
             \"event_params\":[{{\"key\":\"ga_session_id\",\"value\":{{\"int_value\":\"1767312000\"}}}}],\"geo\":{{\"country\":\"NO\"}}}}",
            (1_767_312_000 + seconds) * 1_000_000
        )
    };
    sandbox.lines("export/a.json", &[&ga4(1), &ga4(9)]).import(&["--source", "ga4"]).expect_code(0);
    let arguments = ["run", "--source", "ga4", "--input", "events", "--output", "out", "--quiet"];
    let condition = ["--where", "geo.country = 'NO' AND event_date_1 = '20260101'"];
    sandbox.dwell(&[&arguments[..], &condition].concat()).expect_code(0);
    let counts = &read_run(&sandbox.out());
    assert_eq!((&counts["sessions"], &counts["in_session"]), (&1.into(), &2.into()));
}

#[test]
fn the_columns_of_every_other_preset_are_there() {
    let ready = |source: &str, lines: [&str; 2], sessions: i64| {
        let sandbox = Sandbox::new();
        sandbox.lines("export/a.json", &lines).import(&["--source", source]).expect_code(0);
        let ran = ["run", "--source", source, "--input", "events", "--output", "out", "--quiet"];
        sandbox.dwell(&ran).expect_code(0);
        let run = read_run(&sandbox.out());
        assert_eq!((&run["in_session"], &run["sessions"]), (&2.into(), &sessions.into()), "{source}");
        rows(&sandbox.path().join("events"))
    };
    let rows = ready(
        "posthog",
        [
            r#"{"uuid":"1","event":"a","properties":{"$session_id":"s"},"person_id":"p","timestamp":"2026-01-02T03:04:05.123Z","created_at":""}"#,
            r#"{"uuid":"2","event":"b","properties":{"$session_id":"s"},"person_id":"p","timestamp":"2026-01-02T03:05:05.123Z","created_at":"2026-01-02T04:00:00Z"}"#,
        ],
        1,
    );
    assert_eq!(column(&rows, "created_at"), [None, Some(Cell::Time(1_767_326_400_000_000))]);
    ready(
        "snowplow",
        [
            r#"{"domain_userid":"u","domain_sessionid":"x","event_id":"1","event_name":"a","derived_tstamp":"2026-01-02 03:04:05.123"}"#,
            r#"{"domain_userid":"u","domain_sessionid":"y","event_id":"2","event_name":"a","derived_tstamp":"2026-01-02 03:05:05.123"}"#,
        ],
        2,
    );
    let lines = [
        r#"{"anonymousId":"a","messageId":"1","event":"x","timestamp":"2026-01-02T03:04:05.123Z","context":{"sessionId":1767323040000}}"#,
        r#"{"anonymousId":"a","messageId":"2","event":"x","timestamp":"2026-01-02T03:44:05.123Z","context":{"sessionId":1767323040000}}"#,
    ];
    ready("segment", lines, 2);
    ready("rudderstack", lines, 1);
}

#[test]
fn what_cannot_be_imported_is_named_with_a_way_out_and_leaves_nothing() {
    let refused = |name: &str, bytes: &[u8], arguments: &[&str], code: i32, words: &[&str]| {
        let sandbox = Sandbox::new();
        sandbox.file(name, bytes);
        let ran = sandbox.import(arguments);
        ran.expect_code(code);
        words.iter().for_each(|word| assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr));
        assert!(files(&sandbox.path().join("events")).is_empty());
    };
    let event = br#"{"event_time": 1767312000, "a": 1}"#;
    refused("export/a.json", b"PK\x03\x04...", &[], 2, &["a.json", "zip", "unzip"]);
    refused("export/a.zip", b"PK\x03\x04...", &[], 2, &["export", "unzip"]);
    refused("export/a.json", b" [{\"event_time\": 1}]", &[], 2, &["a.json", "JSON array", "jq"]);
    refused("export/a.json", b"PAR1", &[], 2, &["dwell run"]);
    refused("export/a.txt", event, &[], 2, &["export", "*.json"]);
    refused("export/a.json", b"{\"x\": 1}", &[], 2, &["--time", "--source", "columns are x"]);
    refused("export/a.json", event, &["--time", "tme"], 2, &["no_time 1", "`tme` (--time)", "event_time, a"]);
    refused("export/a.json", event, &["--source", "amplitud"], 2, &["--source", "did you mean \"amplitude\""]);
    refused("export/a.json", event, &["--time-unit", "h"], 2, &["--time-unit", "s, ms, us and ns"]);
    refused("export/a.json", event, &["--columns", "a:number"], 2, &["a:number", "int64"]);
    refused("export/a.json", event, &["--columns", "b"], 2, &["--columns", "event_time"]);
    let keys: Vec<String> = (0..10_001).map(|key| format!("\"k{key}\": {{\"{key}\": 1}}")).collect();
    let many = format!("{{\"event_time\": 1767312000, \"n\": 1, {}}}", keys.join(","));
    refused("export/a.json", many.as_bytes(), &[], 2, &["10000 columns", "--columns"]);
    let sandbox = Sandbox::new();
    let rows = sandbox.file("export/a.json", many.as_bytes()).imported(&["--columns", "n,k7"]);
    assert_eq!((rows.len(), rows[0].len(), &rows[0]["k7"]), (1, 4, &Cell::Text("{\"7\": 1}".into())));
    for (input, words) in
        [("s3://b/x", "aws s3 sync"), ("-", "pipe"), ("nowhere", "does not exist"), ("x*", "matches nothing")]
    {
        let ran = Sandbox::new().dwell(&["import", input, "--output", "events"]);
        ran.expect_code(2);
        assert!(ran.stderr.contains(words), "{}", ran.stderr);
    }

    let sandbox = Sandbox::new();
    let ran = sandbox.file("export/a.json", event).dwell(&["import", "export", "--output", "s3://b/x"]);
    assert!(ran.expect_code(2).stderr.contains("\"s3://b/x\" is not on this disk"), "{}", ran.stderr);
    let sandbox = Sandbox::new();
    sandbox.file("export/a.json", event).file("events/notes.txt", b"x");
    let ran = sandbox.import(&[]);
    assert!(ran.expect_code(2).stderr.contains("notes.txt"), "{}", ran.stderr);
    std::fs::remove_file(sandbox.path().join("events/notes.txt")).unwrap();
    let ran = sandbox.import(&["--dry-run"]);
    assert!(ran.expect_code(0).stdout.contains("event_time timestamp, a int64"), "{}", ran.stdout);
    assert!(std::fs::read_dir(sandbox.path().join("events")).unwrap().next().is_none());
    sandbox.import(&[]).expect_code(0);
    let ran = sandbox.import(&["--time", "a"]);
    assert!(ran.expect_code(2).stderr.contains("--time event_time, and this import has a"), "{}", ran.stderr);
}

#[test]
fn a_file_without_lines_is_done_and_says_nothing_about_others() {
    let sandbox = Sandbox::new();
    let ran = sandbox.file("export/a.json", b"\n\n").import(&[]);
    assert!(ran.expect_code(0).stdout.contains("0 files, 0 B"), "{}", ran.stdout);
    let rows = sandbox.lines("export/b.json", &[r#"{"timestamp": 1767312000}"#]).imported(&[]);
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&sandbox.state()["made"]["time"], &rows[0]["timestamp"]),
        (&"timestamp".into(), &Cell::Time(1_767_312_000_000_000))
    );
}

/// Lines of `days` days, in an order that is none.
fn many_days(days: i64, of_each: i64) -> String {
    let count = days * of_each;
    let line = |place: i64| {
        let n = place * 7_919 % count;
        format!(
            "{{\"event_time\": {}, \"n\": {n}, \"text\": \"{}\"}}\n",
            1_700_000_000 + n * 86_400 / of_each,
            "x".repeat(500)
        )
    };
    (0..count).map(line).collect()
}

#[test]
fn many_days_in_any_order_are_written_in_little_memory() {
    let sandbox = Sandbox::new();
    // More bytes than a thread may hold, and more days than it has files open.
    sandbox.file("export/a.json", many_days(300, 121).as_bytes());
    let rows = sandbox.imported(&["--threads", "2", "--memory-limit", "200MiB"]);
    assert_eq!(rows.len(), 300 * 121);
    let seen: BTreeSet<i64> = rows
        .iter()
        .map(|row| match row["n"] {
            Cell::Int(n) => n,
            _ => unreachable!("{row:?}"),
        })
        .collect();
    assert_eq!(seen, (0..300 * 121).collect());
    let other = Sandbox::new();
    other.file("export/a.json", many_days(300, 121).as_bytes()).import(&["--threads", "1"]).expect_code(0);
    let [a, b] = [&sandbox, &other].map(|sandbox| bytes(&sandbox.path().join("events")));
    assert_eq!(a.values().collect::<Vec<_>>(), b.values().collect::<Vec<_>>());
}

#[test]
fn an_import_that_is_killed_is_repeated_as_if_it_had_not_been() {
    let line =
        |file: i64, n: i64| format!("{{\"event_time\": {}, \"n\": {n}}}", 1_767_312_000 + file * 50_000 + n * 40);
    let fill = |sandbox: &Sandbox| {
        for file in 0..6 {
            let lines: Vec<String> = (0..4_000).map(|n| line(file, n)).collect();
            sandbox.lines(&format!("export/{file}.json"), &lines.iter().map(String::as_str).collect::<Vec<_>>());
        }
    };
    let sandbox = Sandbox::new();
    fill(&sandbox);
    let whole = sandbox.imported(&[]);
    let expected = bytes(&sandbox.path().join("events"));
    assert_eq!(whole.len(), 24_000);
    for kill in 0..12u64 {
        std::fs::remove_dir_all(sandbox.path().join("events")).unwrap();
        let import = |after: Option<u64>| {
            let mut child = Command::new(env!("CARGO_BIN_EXE_dwell"))
                .args(["import", "export", "--output", "events"])
                .current_dir(sandbox.path())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            if let Some(after) = after {
                std::thread::sleep(Duration::from_millis(after));
                child.kill().unwrap();
            }
            child.wait().unwrap()
        };
        import(Some(kill * 60));
        for path in files(&sandbox.path().join("events")).values() {
            // Whatever is in place is whole.
            SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap().metadata();
        }
        assert!(import(None).success());
        assert_eq!(bytes(&sandbox.path().join("events")), expected, "killed after {} ms", kill * 60);
    }
    // Killed after its decision: the next one puts in place what was staged.
    let events = sandbox.path().join("events");
    let mut state = sandbox.state();
    let done = std::mem::replace(&mut state["files"], serde_json::json!({}));
    let put: Vec<&String> = expected.keys().collect();
    state["pending"] = serde_json::json!({ "put": put, "remove": [], "files": done });
    for name in expected.keys().skip(1) {
        let staged = events.join("_dwell_import/staging").join(name);
        std::fs::create_dir_all(staged.parent().unwrap()).unwrap();
        std::fs::rename(events.join(name), staged).unwrap();
    }
    std::fs::write(events.join("_dwell_import/state.json"), state.to_string()).unwrap();
    let ran = sandbox.import(&[]);
    assert!(ran.expect_code(0).stdout.contains("6 done before"), "{}", ran.stdout);
    assert_eq!(bytes(&events), expected);
}

#[test]
fn times_that_become_text_are_text_in_files_of_before_too() {
    let sandbox = Sandbox::new();
    let line = |at: &str, created: &str| {
        format!(
            r#"{{"amplitude_id": 1, "event_type": "a", "client_event_time": "{at}", "user_creation_time": "{created}"}}"#
        )
    };
    sandbox.lines("export/a.json", &[&line("2026-01-02 01:02:03", "2026-01-01 00:00:00.5")]);
    sandbox.import(&["--source", "amplitude"]).expect_code(0);
    sandbox.lines("export/b.json", &[&line("2026-01-02 01:02:04", "never")]);
    let rows = sandbox.imported(&[]);
    assert_eq!(column(&rows, "user_creation_time"), [text("2026-01-01T00:00:00.5Z"), text("never")]);
}

#[test]
fn a_day_that_was_removed_stays_removed_and_hinders_nothing() {
    let sandbox = Sandbox::new();
    sandbox.lines("export/a.json", &[r#"{"event_time": 1767312000, "n": 1}"#, r#"{"event_time": 1767398400, "n": 2}"#]);
    sandbox.import(&[]).expect_code(0);
    std::fs::remove_dir_all(sandbox.path().join("events/event_date=2026-01-02")).unwrap();
    sandbox.lines("export/b.json", &[r#"{"event_time": 1767398401, "n": "x"}"#]);
    let rows = sandbox.imported(&[]);
    assert_eq!(column(&rows, "n"), [text("2"), text("x")]);
}

#[test]
fn of_keys_that_are_one_column_the_one_with_a_value_counts() {
    let sandbox = Sandbox::new();
    let lines = [
        r#"{"timestamp": "2026-01-02T00:00:00Z", "userId": "u", "user_id": null, "context": {"sessionId": 5}, "context_session_id": null}"#,
        r#"{"timestamp": "2026-01-02T00:00:01Z", "user_id": "v", "userId": null}"#,
    ];
    sandbox.lines("export/a.json", &lines);
    let rows = sandbox.imported(&["--source", "rudderstack"]);
    assert_eq!(column(&rows, "user_id"), [text("u"), text("v")]);
    assert_eq!(column(&rows, "context_session_id"), [Some(Cell::Int(5)), None]);
}

#[test]
fn what_is_expanded_has_to_be_an_object() {
    let sandbox = Sandbox::new();
    sandbox.lines("export/a.json", &[r#"{"event_time": 1767312000, "meta": {"a": 1}, "other": {}, "n": 1}"#]);
    for key in ["nothere", "n", "meta.a"] {
        let ran = sandbox.import(&["--expand", key]);
        assert!(ran.expect_code(2).stderr.contains("objects are in"), "{}", ran.stderr);
    }
    assert_eq!(column(&sandbox.imported(&["--expand", "meta"]), "meta.a"), [Some(Cell::Int(1))]);
    // Files that come later need not have it.
    sandbox.lines("export/b.json", &[r#"{"event_time": 1767312001}"#]);
    sandbox.import(&[]).expect_code(0);
}

#[test]
fn what_is_no_lines_is_refused_by_what_it_is() {
    let sandbox = Sandbox::new();
    let import = |bytes: &[u8]| {
        std::fs::create_dir_all(sandbox.path().join("export")).unwrap();
        std::fs::write(sandbox.path().join("export/a.json"), bytes).unwrap();
        sandbox.import(&[])
    };
    for array in [&b"\n[\n{\"event_time\": 1}\n]\n"[..], b"\xef\xbb\xbf[{\"event_time\": 1}]", b"\xef\xbb\xbf\n [1]"] {
        let ran = import(array);
        assert!(ran.expect_code(2).stderr.contains("one JSON array"), "{}", ran.stderr);
    }
    let made = Command::new("mkfifo").arg(sandbox.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let ran = sandbox.dwell(&["import", "pipe", "--output", "events"]);
    assert!(ran.expect_code(2).stderr.contains("write it to a file first"), "{}", ran.stderr);
}

/// A value of a line, and how it is spelled.
#[derive(Clone, Debug)]
enum Given {
    Missing,
    Null,
    Int(i64),
    Float(f64),
    Big(u128),
    Bool(bool),
    Text(String),
    Nested(serde_json::Value),
}

impl Given {
    fn spelled(&self) -> Option<String> {
        Some(match self {
            Given::Missing => return None,
            Given::Null => "null".to_owned(),
            Given::Int(number) => number.to_string(),
            Given::Float(number) => format!("{number:?}"),
            Given::Big(number) => number.to_string(),
            Given::Bool(truth) => truth.to_string(),
            Given::Text(text) => serde_json::to_string(text).unwrap(),
            Given::Nested(value) => serde_json::to_string(value).unwrap(),
        })
    }

    /// What it is as text.
    fn text(&self) -> Option<Cell> {
        match self {
            Given::Missing | Given::Null => None,
            Given::Text(value) => text(value),
            other => text(&other.spelled().unwrap()),
        }
    }
}

fn given() -> impl Strategy<Value = Given> {
    let nested = prop_oneof![
        Just(serde_json::json!({})),
        "[a-c\"\\\\é]{0,3}".prop_map(|text| serde_json::json!([text, { "k": null }])),
        any::<i32>().prop_map(|number| serde_json::json!({ "a": number, "b": [true] })),
    ];
    prop_oneof![
        2 => Just(Given::Missing),
        1 => Just(Given::Null),
        4 => prop_oneof![(-9i64..9).boxed(), any::<i64>().boxed()].prop_map(Given::Int),
        3 => (-40i32..40).prop_map(|quarters| Given::Float(f64::from(quarters) / 4.0 + 0.125)),
        1 => (u128::from(u64::MAX)..u128::MAX).prop_map(Given::Big),
        2 => any::<bool>().prop_map(Given::Bool),
        3 => any::<String>().prop_map(Given::Text),
        2 => nested.prop_map(Given::Nested),
    ]
}

/// What the column has of these values: one type for all of them, and text where there is none.
fn expected(values: &[Given]) -> Vec<Option<Cell>> {
    let there: Vec<&Given> = values.iter().filter(|value| !matches!(value, Given::Missing | Given::Null)).collect();
    let all = |is: fn(&Given) -> bool| there.iter().all(|value| is(value));
    let of = |cell: fn(&Given) -> Option<Cell>| values.iter().map(cell).collect();
    let is_exact = |value: &Given| match value {
        Given::Int(number) => number.unsigned_abs() <= 1 << 53,
        value => matches!(value, Given::Float(_)),
    };
    if all(|value| matches!(value, Given::Int(_))) {
        return of(|value| match value {
            Given::Int(number) => Some(Cell::Int(*number)),
            _ => None,
        });
    }
    if all(is_exact) {
        return of(|value| match value {
            Given::Int(number) => Some(Cell::Float(*number as f64)),
            Given::Float(number) => Some(Cell::Float(*number)),
            _ => None,
        });
    }
    if all(|value| matches!(value, Given::Bool(_))) {
        return of(|value| match value {
            Given::Bool(truth) => Some(Cell::Bool(*truth)),
            _ => None,
        });
    }
    of(Given::text)
}

/// Two columns of some kinds, and any others.
fn line() -> impl Strategy<Value = Vec<Given>> {
    let few = prop_oneof![Just(Given::Null), (-9i64..9).prop_map(Given::Int), Just(Given::Float(0.5))];
    let truths = prop_oneof![9 => any::<bool>().prop_map(Given::Bool), 1 => Just(Given::Missing)];
    (few, truths, given(), given()).prop_map(|(a, b, c, d)| vec![a, b, c, d])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_are_those_of_the_lines(lines in prop::collection::vec((line(), 0..4u64, 0..3usize), 1..30), at_once in any::<bool>()) {
        const NAMES: [&str; 4] = ["a", "b", "c.d", "é \""];
        let sandbox = Sandbox::new();
        // Lines of three files, and of some days each.
        let of_file = |file: usize| lines.iter().enumerate().filter(move |(_, (.., of))| *of == file);
        for file in 0..3 {
            let spelled: Vec<String> = of_file(file).map(|(number, (values, day, _))| {
                let members = NAMES.iter().zip(values).filter_map(|(name, value)| {
                    Some(format!("{}: {}", serde_json::to_string(name).unwrap(), value.spelled()?))
                });
                let time = format!("\"event_time\": {}, \"number\": {number}", 1_767_312_000 + day * 86_400);
                format!("{{{}}}", std::iter::once(time).chain(members).collect::<Vec<_>>().join(" , "))
            }).collect();
            if !spelled.is_empty() {
                sandbox.lines(&format!("export/{file}.json"), &spelled.iter().map(String::as_str).collect::<Vec<_>>());
            }
            if !at_once && sandbox.path().join("export").exists() {
                sandbox.import(&[]).expect_code(0);
            }
        }
        let mut rows = sandbox.imported(&[]);
        rows.sort_by_key(|row| match row["number"] {
            Cell::Int(number) => number,
            _ => unreachable!("{row:?}"),
        });
        prop_assert_eq!(rows.len(), lines.len());
        for (place, name) in NAMES.iter().enumerate() {
            let values: Vec<Given> = lines.iter().map(|(values, ..)| values[place].clone()).collect();
            prop_assert_eq!(column(&rows, name), expected(&values), "{}", name);
        }
    }
}
