//! The answer for people, and as CSV.

use super::write_job;
use crate::reference::Event;
use crate::support::{at, text, Layout, Sandbox};
use std::path::Path;

fn story() -> Sandbox {
    let sandbox = Sandbox::new();
    let event = |user: &str, time: &str| Event { users: vec![text(user)], time: Some(at(time)), ..Event::default() };
    let long = "a user with a name that is much longer than the column it stands in \u{1b}[31m";
    let events =
        [event("o\"neil, jr", "10:00"), event("o\"neil, jr", "10:10"), event(long, "10:00"), event(long, "10:20")];
    sandbox.events("events.parquet", &Layout::default(), &events);
    write_job(&sandbox, "a.toml", "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n");
    let b = "[input]\npath = 'data'\n[session]\nstart_event = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', \
             'eight', 'nine', 'ten', 'eleven', 'twelve']\n";
    write_job(&sandbox, "b.toml", b);
    write_job(&sandbox, "c.toml", "[input]\npath = 'data'\n[session]\ntimeout = '5m'\n");
    sandbox
}

#[test]
fn people_get_lines_of_at_most_a_hundred_columns_without_control_characters() {
    let sandbox = story();
    for b in ["b.toml", "c.toml", "a.toml"] {
        let ran = sandbox.dwell(&["compare", "a.toml", b]);
        ran.expect_code(0);
        for line in ran.stdout.lines() {
            assert!(line.chars().count() <= 100 && !line.chars().any(char::is_control), "{line:?}");
        }
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
    }
    let ran = sandbox.dwell(&["compare", "a.toml", "c.toml", "--output", "compared"]);
    for words in [
        "session.timeout: 30m in A, 5m in B",
        "Sessions                                 2                 4                +2     2.000",
        "split                    2  100.0 %             4  100.0 %   one of A is several of B",
        "Split into 2 (2)",
        "2026-01-05                               2                 4                +2     2.000",
        "o\"neil, jr",
        "All of it is in compared",
    ] {
        assert!(ran.stdout.contains(words), "no {words:?} in\n{}", ran.stdout);
    }
    let ran = sandbox.dwell(&["compare", "a.toml", "a.toml"]);
    assert!(ran.stdout.contains("The definitions do not differ."), "{}", ran.stdout);
    assert!(!ran.stdout.contains("Users that change most"), "{}", ran.stdout);
}

#[test]
fn csv_is_one_flat_table() {
    let ran = story().dwell(&["compare", "a.toml", "c.toml", "--format", "csv"]);
    ran.expect_code(0);
    let mut reader = csv::Reader::from_reader(ran.stdout.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(header, ["part", "name", "measure", "a", "b", "difference", "ratio"]);
    let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    for row in [
        ["total", "", "total_sessions", "2", "4", "2", "2"],
        ["total", "", "duplicates", "0", "0", "0", ""],
        ["mapping", "split", "total_sessions", "2", "4", "2", "2"],
        ["mapping", "gone", "total_sessions", "0", "0", "0", ""],
        ["date", "2026-01-05", "time_spent_ms", "1800000", "0", "-1800000", "0"],
        ["user", "o\"neil, jr", "total_sessions", "1", "2", "1", "2"],
    ] {
        assert!(rows.iter().any(|found| *found == row), "no {row:?} in\n{}", ran.stdout);
    }
}

#[test]
fn all_of_it_says_what_was_compared() {
    let sandbox = story();
    sandbox.dwell(&["compare", "a.toml", "c.toml", "--output", "compared"]).expect_code(0);
    let folder = sandbox.path().join("compared");
    for name in ["sessions.parquet", "measures.parquet", "users.parquet"] {
        let metadata = crate::support::read_metadata(&folder.join(name));
        assert!(metadata["dwell.definition"].contains("session.timeout = 30m"), "{metadata:?}");
        assert!(metadata["dwell.compared_with"].contains("session.timeout = 5m"), "{metadata:?}");
    }
    let json = |path: &Path| std::fs::read_to_string(path).unwrap();
    let ran = sandbox.dwell(&["compare", "a.toml", "c.toml", "--format", "json"]);
    assert_eq!(json(&folder.join("comparison.json")), ran.stdout);
}
