//! Runs in little memory: the same tables, and plain words where it cannot be done.

use crate::support::{read_run, table_hashes, write_batch, Ran, Sandbox};
use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// As much as the program takes with one thread: nothing is left for events, so all of them go to disk.
const LEAST: &str = "136MiB";

fn sample() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events").to_string_lossy().into_owned()
}

/// Runs over the sample into a folder of its own.
fn run(sandbox: &Sandbox, output: &str, flags: &[&str]) -> Ran {
    let sample = sample();
    let arguments = ["run", "--input", &sample, "--output", output, "--quiet", "--threads", "1"];
    sandbox.dwell(&[&arguments[..], flags].concat())
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false => files.push(entry.path().to_string_lossy().into_owned()),
        }
    }
    files
}

#[test]
fn tables_made_on_disk_are_the_same_bytes() {
    for definition in [&[][..], &["--timeout", "30m"], &["--property", "utm_source", "--dedup", "$insert_id"]] {
        let sandbox = Sandbox::new();
        run(&sandbox, "whole", definition).expect_code(0);
        run(&sandbox, "little", &[definition, &["--memory-limit", LEAST]].concat()).expect_code(0);
        let (whole, little) = (sandbox.path().join("whole"), sandbox.path().join("little"));
        assert_eq!(table_hashes(&little), table_hashes(&whole), "{definition:?}");
        let left = files_below(&little).into_iter().filter(|file| file.contains("parts") || file.contains("spill"));
        assert_eq!(left.collect::<Vec<_>>(), [""; 0], "nothing is left of what was on disk");
    }
}

#[test]
fn segments_and_added_columns_made_on_disk_are_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.job(
        r#"
        [session]
        timeout = "30m"
        [[segment]]
        name = "phones"
        where = "platform IN ('ios', 'android')"
        [[segment]]
        name = "country"
        by = "country"
        [[chart]]
        name = "campaigns"
        segments = ["all", "phones", "country"]
        group_by = { first = "utm_source" }
        count = { event = "purchase", property = "revenue" }
        "#,
    );
    let job = |output: &str, flags: &[&str]| {
        let (sample, fixed) =
            (sample(), ["run", "job.toml", "--quiet", "--threads", "1", "--output", output, "--input"]);
        sandbox.dwell(&[&fixed[..], &[&sample], flags].concat())
    };
    job("whole", &[]).expect_code(0);
    job("little", &["--memory-limit", LEAST]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.path().join("little")), table_hashes(&sandbox.path().join("whole")));
}

#[test]
fn a_limit_below_what_the_program_takes_is_refused_with_one_that_would_do() {
    let ran = run(&Sandbox::new(), "out", &["--memory-limit", "100MiB"]);
    ran.expect_code(2);
    for word in ["--memory-limit", "100.00 MiB", "136.00 MiB", "--threads"] {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
}

#[test]
fn a_limit_needs_a_unit() {
    let ran = run(&Sandbox::new(), "out", &["--memory-limit", "4"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("did you mean 4GiB?"), "{}", ran.stderr);
}

#[test]
fn what_does_not_fit_goes_to_the_temp_dir_and_leaves_nothing_there() {
    let sandbox = Sandbox::new();
    run(&sandbox, "out", &["--memory-limit", LEAST, "--temp-dir", "elsewhere", "--timeout", "30m"]).expect_code(0);
    assert_eq!(files_below(&sandbox.path().join("elsewhere")), [""; 0]);
}

#[test]
fn a_temp_dir_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("file"), "in the way").unwrap();
    let ran = run(&sandbox, "out", &["--memory-limit", LEAST, "--temp-dir", "file/folder"]);
    ran.expect_code(1);
    for word in ["file/folder", "--temp-dir"] {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
    assert!(!sandbox.path().join("out").exists(), "a failed run left something");
}

/// A table of so many events in half a month; what they are follows from their number.
fn many(rows: i64, columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let times = (0..rows).map(|row| 1_767_225_600_000_000 + row * 7_919 % 1_296_000 * 1_000_000);
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"));
    let types: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("type {}", row % 5))));
    RecordBatch::try_from_iter([("event_time", times), ("event_type", types)].into_iter().chain(columns)).unwrap()
}

fn texts(rows: i64, text: impl Fn(i64) -> String) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..rows).map(text)))
}

/// A number that looks like any other.
fn scrambled(row: i64) -> i64 {
    (row + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_u64 as i64) >> 1
}

/// Runs over `events` with and without the limit: the run's own peak keeps to it, and the tables are the same.
fn keeps_to_its_limit(rows_per_group: usize, events: &RecordBatch, limit_mib: u64, flags: &[&str]) {
    let sandbox = Sandbox::new();
    write_batch(&sandbox.path().join("events/a.parquet"), rows_per_group, events);
    let run = |output: &str, more: &[&str]| {
        let all = ["run", "--input", "events", "--quiet", "--threads", "2", "--output", output];
        sandbox.dwell(&[&all[..], flags, more].concat()).expect_code(0);
        sandbox.path().join(output)
    };
    let whole = run("whole", &[]);
    let little = run("little", &["--memory-limit", &format!("{limit_mib}MiB")]);
    assert_eq!(table_hashes(&little), table_hashes(&whole));
    let told = read_run(&little);
    let peak = told["peak_memory_bytes"].as_u64().unwrap() >> 20;
    assert!(peak <= limit_mib + limit_mib / 5, "{peak} MiB with a limit of {limit_mib} MiB");
    assert_eq!(told["warnings"], serde_json::json!([]));
}

#[test]
fn users_of_one_event_each_keep_to_the_limit() {
    let rows = 1_500_000;
    let users = texts(rows, |row| format!("user-{row}"));
    keeps_to_its_limit(1 << 17, &many(rows, vec![("user_id", users)]), 200, &["--timeout", "30m"]);
}

#[test]
fn users_with_long_ids_in_one_row_group_keep_to_the_limit() {
    let rows = 1_000_000;
    let users = texts(rows, |row| format!("{:016x}{:016x}{:016x}{row:016x}", scrambled(row), scrambled(-row), row));
    keeps_to_its_limit(1 << 20, &many(rows, vec![("user_id", users)]), 200, &["--timeout", "30m"]);
}

#[test]
fn unique_ids_keep_to_the_limit() {
    let rows = 1_000_000;
    let users: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(|row| scrambled(row) % 40_000)));
    let ids = texts(rows, |row| format!("{:016x}{:016x}", scrambled(row), scrambled(-row)));
    let events = many(rows, vec![("user_id", users), ("insert_id", ids)]);
    keeps_to_its_limit(1 << 18, &events, 250, &["--timeout", "30m", "--dedup", "insert_id"]);
}

#[test]
fn sessions_of_one_date_keep_to_the_limit() {
    let rows = 1_200_000;
    let users: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(scrambled)));
    let mut events = many(rows, vec![("user_id", users)]);
    let times = (0..rows).map(|row| 1_767_225_600_000_000 + row % 86_400 * 1_000_000);
    let times = TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC");
    let columns = [vec![Arc::new(times) as ArrayRef], events.columns()[1..].to_vec()].concat();
    events = RecordBatch::try_new(events.schema(), columns).unwrap();
    keeps_to_its_limit(1 << 17, &events, 200, &["--timeout", "30m"]);
}

#[test]
fn a_user_who_does_not_fit_is_refused_with_a_limit_that_would_do() {
    let rows = 1_500_000;
    // A sequence keeps events apart, so that each of them is a row.
    let users = texts(rows, |row| if row % 10 == 0 { format!("user-{row}") } else { "bot".to_string() });
    let sequence: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    let events = many(rows, vec![("user_id", users), ("n", sequence)]);
    let sandbox = Sandbox::new();
    write_batch(&sandbox.path().join("events/a.parquet"), 1 << 17, &events);
    std::fs::write(sandbox.path().join("job.toml"), "input = { path = 'events', sequence = 'n' }\n").unwrap();
    let run = |limit: &str| {
        let flags = ["run", "job.toml", "--timeout", "30m", "--quiet", "--threads", "2", "--output", "out"];
        sandbox.dwell(&[&flags[..], &["--memory-limit", limit]].concat())
    };
    let refused = run("180MiB");
    refused.expect_code(3);
    let enough = refused.stderr.split("allow at least ").nth(1).and_then(|rest| rest.split(',').next());
    let enough = enough.unwrap_or_else(|| panic!("{}", refused.stderr)).replace(' ', "");
    run(&enough).expect_code(0);
    let told = read_run(&sandbox.out());
    assert_eq!(told["warnings"], serde_json::json!([]), "{enough}");
}

/// A file of one row group whose users, of this many bytes each, are in one dictionary.
fn one_dictionary(sandbox: &Sandbox, rows: i64, users: i64, bytes: usize) {
    let user = |row: i64| format!("{:0bytes$}", scrambled(row % users));
    let events = many(rows, vec![("user_id", texts(rows, user))]);
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(1 << 30).build();
    let path = sandbox.path().join("events/a.parquet");
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), events.schema(), Some(properties)).unwrap();
    writer.write(&events).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_large_dictionary_is_held_by_as_many_threads_as_may() {
    let sandbox = Sandbox::new();
    one_dictionary(&sandbox, 1_000_000, 500_000, 48);
    let run = |output: &str, more: &[&str]| {
        let all = ["run", "--input", "events", "--quiet", "--timeout", "30m", "--output", output];
        sandbox.dwell(&[&all[..], more].concat()).expect_code(0);
        (table_hashes(&sandbox.path().join(output)), read_run(&sandbox.path().join(output)))
    };
    let (whole, _) = run("whole", &["--threads", "4"]);
    for (threads, limit_mib) in [("1", 150), ("2", 220), ("4", 300)] {
        let limit = format!("{limit_mib}MiB");
        let (little, told) = run("little", &["--threads", threads, "--memory-limit", &limit, "--overwrite"]);
        assert_eq!(little, whole, "{limit}");
        let peak = told["peak_memory_bytes"].as_u64().unwrap() >> 20;
        assert!(peak <= limit_mib + limit_mib / 5, "{peak} MiB with a limit of {limit}");
    }
}

#[test]
fn a_dictionary_that_does_not_fit_is_refused_with_a_limit_that_would_do() {
    let sandbox = Sandbox::new();
    one_dictionary(&sandbox, 600_000, 500_000, 200);
    let run = |limit: &str| {
        let flags = ["run", "--input", "events", "--output", "out", "--timeout", "30m", "--quiet", "--threads", "1"];
        sandbox.dwell(&[&flags[..], &["--memory-limit", limit]].concat())
    };
    let refused = run("140MiB");
    refused.expect_code(3);
    assert!(refused.stderr.contains("a.parquet"), "{}", refused.stderr);
    assert!(!sandbox.out().exists() || table_hashes(&sandbox.out()).is_empty(), "something is left");
    let enough = refused.stderr.split("allow at least ").nth(1).and_then(|rest| rest.split(',').next());
    let enough = enough.unwrap_or_else(|| panic!("{}", refused.stderr)).replace(' ', "");
    run(&enough).expect_code(0);
    assert_eq!(read_run(&sandbox.out())["warnings"], serde_json::json!([]), "{enough}");
}

#[test]
fn a_comparison_that_does_not_fit_is_refused_with_a_limit_that_would_do() {
    let sandbox = Sandbox::new();
    let rows = 600_000;
    let users: ArrayRef = Arc::new(Int64Array::from_iter_values((0..rows).map(scrambled)));
    write_batch(&sandbox.path().join("events/a.parquet"), 1 << 17, &many(rows, vec![("user_id", users)]));
    for (name, timeout) in [("a.toml", "30m"), ("b.toml", "5m")] {
        let job = format!("input = {{ path = 'events' }}\nsession = {{ timeout = '{timeout}' }}\n");
        std::fs::write(sandbox.path().join(name), job).unwrap();
    }
    let compare = |limit: &str| {
        sandbox.dwell(&["compare", "a.toml", "b.toml", "--quiet", "--threads", "1", "--memory-limit", limit])
    };
    let refused = compare(LEAST);
    refused.expect_code(3);
    let enough = refused.stderr.split("allow at least ").nth(1).and_then(|rest| rest.split(',').next());
    let enough = enough.unwrap_or_else(|| panic!("{}", refused.stderr)).replace(' ', "");
    compare(&enough).expect_code(0);
}

#[test]
fn charts_of_tables_keep_to_a_limit_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.job("[session]\ntimeout = '30m'\n[[chart]]\nname = 'starts'\ninterval = 'hour'\n");
    let job = |command: &str, flags: &[&str]| {
        let (sample, input) = (sample(), "--input");
        let input = if command == "run" { vec![input, &sample] } else { Vec::new() };
        let fixed = [command, "job.toml", "--quiet", "--output", "out"];
        sandbox.dwell(&[&fixed[..], &input, flags].concat())
    };
    job("run", &[]).expect_code(0);
    let charts = || ["measures.csv", "histogram.csv"].map(|file| std::fs::read(sandbox.out().join(file)).unwrap());
    let before = charts();
    job("charts", &["--threads", "1", "--memory-limit", LEAST]).expect_code(0);
    assert_eq!(charts(), before);
    for (limit, word) in [("100MiB", "136.00 MiB"), ("4", "did you mean 4GiB?")] {
        let refused = job("charts", &["--threads", "1", "--memory-limit", limit]);
        refused.expect_code(2);
        assert!(refused.stderr.contains(word), "{}", refused.stderr);
    }
}

#[test]
fn memory_that_the_system_refuses_is_said_in_a_line() {
    let sandbox = Sandbox::new();
    let rows = 600_000;
    let users = texts(rows, |row| format!("user-{row}"));
    write_batch(&sandbox.path().join("events/a.parquet"), 1 << 17, &many(rows, vec![("user_id", users)]));
    let run = |kilobytes: u64| {
        let script = format!(
            "ulimit -v {kilobytes}; exec \"$0\" run --input events --output out --timeout 30m --threads 2 --quiet"
        );
        let mut shell = Command::new("sh");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_dwell")]).current_dir(sandbox.path());
        let output = shell.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let mut refusals = 0;
    for megabytes in (200..700).step_by(25) {
        let (code, stderr) = run(megabytes << 10);
        match code {
            Some(0) => assert_eq!(stderr, "", "{megabytes} MB"),
            Some(1) => {
                refusals += 1;
                assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{megabytes} MB: {stderr}");
                for word in ["panicked", "bug", "damaged", "backtrace"] {
                    assert!(!stderr.contains(word), "{megabytes} MB: {stderr}");
                }
            }
            other => panic!("{megabytes} MB: {other:?}, {stderr}"),
        }
    }
    assert!(refusals > 0, "everything fits into 200 MB");
    let ran = sandbox.dwell(&["run", "--input", "events", "--output", "out", "--timeout", "30m", "--quiet"]);
    ran.expect_code(0);
    let left = files_below(&sandbox.out()).into_iter().filter(|file| file.contains("parts") || file.contains("spill"));
    assert_eq!(left.collect::<Vec<_>>(), [""; 0], "nothing is left of the runs that ended");
}
