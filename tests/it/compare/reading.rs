//! How the events are read decides nothing of the answer.

use super::{compare, kinds, write_job};
use crate::support::{table_hashes, Sandbox};
use std::path::Path;

fn sample() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events").to_string_lossy().into_owned()
}

/// A sandbox with jobs over the sample, by their names.
fn sandbox(jobs: &[(&str, &str)]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, keys) in jobs {
        write_job(&sandbox, name, &format!("[input]\npath = '{}'\n{keys}", sample()));
    }
    sandbox
}

const JOBS: [(&str, &str); 3] = [
    ("timeout.toml", "[session]\ntimeout = '30m'\n"),
    ("id.toml", "dedup = '$insert_id'\n[output]\ntimezone = 'Europe/Paris'\n"),
    ("web.toml", "where = \"platform = 'web'\"\n[session]\nproperty = 'utm_source'\n"),
];

#[test]
fn the_answer_is_the_same_bytes_whatever_the_threads_and_the_memory() {
    for (a, b) in [("timeout.toml", "id.toml"), ("id.toml", "web.toml")] {
        let sandbox = sandbox(&JOBS);
        let files = |flags: &[&str]| {
            compare(&sandbox, a, b, flags).unwrap();
            ["sessions.parquet", "measures.parquet", "users.parquet", "comparison.json"]
                .map(|name| std::fs::read(sandbox.path().join("compared").join(name)).unwrap())
        };
        let whole = files(&["--threads", "1"]);
        assert!(files(&["--threads", "3"]) == whole, "{a} {b}: other threads");
        assert!(files(&["--threads", "1", "--memory-limit", "136MiB"]) == whole, "{a} {b}: on disk");
    }
}

#[test]
fn what_leaves_after_reading_needs_no_second_reading() {
    let base = "[session]\ntimeout = '30m'\n";
    for (other, passes) in [
        ("[session]\nstart_event = 'session_start'\n", 1),
        ("[session]\nproperty = 'utm_source'\n", 1),
        ("", 1),
        ("inactive = ['page_view']\n[session]\ntimeout = '30m'\n", 1),
        ("dedup = '$insert_id'\n[session]\ntimeout = '30m'\n", 1),
        ("[session]\ntimeout = '30m'\nmax_length = '1h'\n[output]\ntimezone = 'Asia/Tokyo'\n", 1),
        ("where = \"platform <> 'ios'\"\n[session]\ntimeout = '30m'\n", 2),
        ("user = ['user_id', 'device_id']\n[session]\ntimeout = '30m'\n", 2),
        ("max_time = '2026-01-10'\n[session]\ntimeout = '30m'\n", 2),
    ] {
        let sandbox = sandbox(&[("a.toml", base), ("b.toml", other)]);
        let answer = compare(&sandbox, "a.toml", "b.toml", &[]).unwrap();
        assert_eq!(answer["passes"], passes, "{other}");
        for (side, job) in [("a", "a.toml"), ("b", "b.toml")] {
            sandbox.dwell(&["run", job, "--quiet", "--output", side]).expect_code(0);
            let run = crate::support::read_run(&sandbox.path().join(side));
            assert_eq!(answer["totals"]["total_sessions"][side], run["sessions"], "{side} of {other}");
            assert_eq!(answer["totals"]["in_session"][side], run["in_session"], "{side} of {other}");
        }
    }
}

#[test]
fn a_run_s_folder_is_left_as_it_is() {
    let sandbox = sandbox(&JOBS);
    sandbox.dwell(&["run", "timeout.toml", "--quiet", "--output", "out"]).expect_code(0);
    let before = table_hashes(&sandbox.out());
    compare(&sandbox, "timeout.toml", "id.toml", &[]).unwrap();
    assert_eq!(table_hashes(&sandbox.out()), before);
    assert_eq!(std::fs::read_dir(sandbox.path().join("compared")).unwrap().count(), 4);
}

#[test]
fn an_input_without_rows_has_nothing_to_compare() {
    let sandbox = Sandbox::new();
    sandbox.events("events.parquet", &crate::support::Layout::default(), &[]);
    for (name, timeout) in [("a.toml", "30m"), ("b.toml", "5m")] {
        write_job(&sandbox, name, &format!("[input]\npath = 'data'\n[session]\ntimeout = '{timeout}'\n"));
    }
    let answer = compare(&sandbox, "a.toml", "b.toml", &[]).unwrap();
    assert_eq!(kinds(&answer), []);
    assert_eq!(answer["totals"]["total_sessions"]["ratio"], serde_json::Value::Null);
    let ran = sandbox.dwell(&["compare", "a.toml", "b.toml"]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("Sessions"), "{}", ran.stdout);
}
