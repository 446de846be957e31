//! `dwell inspect --chart`: the sessions that the figures of charts count.

use super::{run_story, Happened};
use crate::examples::with_sample;
use crate::support::Sandbox;
use serde_json::{json, Value};
use std::path::Path;

const EVENTS: [Happened<'static>; 7] = [
    Happened("ann", "10:00", "view", &[("page", "A")]),
    Happened("ann", "10:05", "click", &[("page", "B")]),
    Happened("bob", "11:00", "view", &[("page", "B"), ("name", "x")]),
    Happened("ann", "2026-01-06 09:00", "view", &[("page", "A"), ("name", "=x")]),
    Happened("cat", "2026-01-06 09:00", "click", &[("name", "x")]),
    Happened("cat", "2026-01-06 09:01", "click", &[("name", "x")]),
    Happened("cat", "2026-01-06 09:02", "view", &[]),
];

const JOB: &str = "
    [[segment]]
    name = 'by name'
    by = 'name'
    [[chart]]
    name = 'days'
    segments = ['all', 'by name']
    [[chart]]
    name = 'pages'
    interval = 'total'
    group_by = { first = 'page', top = 1 }
    [[chart]]
    name = 'clicks'
    interval = 'total'
    count = { event = 'click' }
    buckets = [1, 2]
    [[chart]]
    name = 'names'
    interval = 'week'
    group_by = { last = 'name' }
    [[chart]]
    name = 'rate'
    formula = '%: SESSIONTOTALS(A) / SESSIONTOTALS(B)'
    [[chart.series]]
    contains = [{ event = 'click' }]
    [[chart.series]]
    ";

fn answer(told: &Sandbox, flags: &[&str]) -> Value {
    let all = [&["inspect", "job.toml", "--format", "json"], flags].concat();
    let ran = told.dwell(&all);
    ran.expect_code(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// What is listed, as `user start`.
pub fn listed(told: &Sandbox, flags: &[&str]) -> Vec<String> {
    let answer = answer(told, flags);
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    let rows = answer["rows"].as_array().unwrap();
    rows.iter().map(|row| format!("{} {}", text(row, "user_id"), &text(row, "start_time")[8..16])).collect()
}

#[test]
fn the_sessions_of_a_figure_are_listed_and_the_newest_come_first() {
    let told = run_story(&EVENTS, JOB);
    let all = ["ann 06T09:00", "cat 06T09:00", "bob 05T11:00", "ann 05T10:00"];
    assert_eq!(listed(&told, &["--chart", "days"]), all);
    assert_eq!(listed(&told, &["--chart", "days", "--limit", "3"]), all[..3]);
    assert_eq!(listed(&told, &["--chart", "days", "--interval", "2026-01-05T00:00:00Z"]), all[2..]);
    assert_eq!(listed(&told, &["--chart", "days", "--interval", "2026-01-05", "--bin", "0"]), all[2..3]);
    assert_eq!(listed(&told, &["--chart", "days", "--bin", "180000"]), all[3..]);
    assert_eq!(listed(&told, &["--chart", "days", "--segment", "by name=x"]), ["cat 06T09:00", "bob 05T11:00"]);
    assert_eq!(listed(&told, &["--chart", "days", "--segment", "by name=(none)"]), ["cat 06T09:02", "ann 05T10:00"]);
    assert_eq!(listed(&told, &["--chart", "pages", "--group", "A"]), ["ann 06T09:00", "ann 05T10:00"]);
    assert_eq!(listed(&told, &["--chart", "pages", "--group", "(other)"]), ["bob 05T11:00"]);
    assert_eq!(listed(&told, &["--chart", "pages", "--group", "(none)"]), ["cat 06T09:00"]);
    assert_eq!(listed(&told, &["--chart", "clicks", "--bin", "none"]), ["ann 06T09:00", "bob 05T11:00"]);
    assert_eq!(listed(&told, &["--chart", "clicks", "--bin", "1"]), ["ann 05T10:00"]);
    assert_eq!(listed(&told, &["--chart", "clicks", "--bin", "2"]), ["cat 06T09:00"]);
    assert_eq!(listed(&told, &["--chart", "rate", "--series", "a"]), ["cat 06T09:00", "ann 05T10:00"]);
    // As CSV has it, where no spreadsheet runs it.
    assert_eq!(listed(&told, &["--chart", "names", "--group", "'=x"]), ["ann 06T09:00"]);
}

#[test]
fn an_answer_says_what_it_is_about_and_has_the_rows_of_the_table() {
    let told = run_story(&EVENTS, JOB);
    let found = answer(&told, &["--chart", "clicks", "--bin", "1", "--interval", "2026-01-05"]);
    assert_eq!(
        found,
        json!({
            "chart": "clicks", "series": "A", "segment": "all", "group": null, "bin_start": "1", "sessions": 1,
            "interval_start": "2026-01-05T00:00:00Z",
            "rows": [{
                "user_id": "ann", "session_id": 1_767_607_200_000i64,
                "start_time": "2026-01-05T10:00:00Z", "end_time": "2026-01-05T10:05:00Z", "length_ms": 300_000,
                "event_count": 2, "first_event": "view", "last_event": "click", "end_reason": "timeout",
                "count_click": 1, "first_page": "A", "last_name": null, "session_date": "2026-01-05",
            }]
        })
    );
    let users = answer(&told, &["--chart", "days", "--users", "--limit", "1"]);
    assert_eq!((&users["sessions"], &users["users"]), (&json!(4), &json!(3)));
    assert_eq!(users["rows"], json!([{"user_id": "ann", "sessions": 2, "last_start_time": "2026-01-06T09:00:00Z"}]));
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "days", "--limit", "1", "--format", "csv"]);
    assert_eq!(ran.stdout.lines().nth(1).unwrap().split(',').next(), Some("ann"), "{}", ran.stdout);
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "pages", "--group", "A", "--limit", "1"]);
    for said in ["2, of which 1 follow, the newest first; --limit none", "group A", "view → view  first_page=A"] {
        assert!(ran.expect_code(0).stdout.contains(said), "no {said:?} in {}", ran.stdout);
    }
}

#[test]
fn what_a_chart_does_not_have_is_refused_with_what_it_has() {
    let told = run_story(&EVENTS, JOB);
    let before = crate::support::table_hashes(&told.out());
    for (flags, said) in [
        (&["--chart", "day"][..], "did you mean \"days\"?"),
        (&["--chart", "rate"], "the chart has A, B: name one"),
        (&["--chart", "rate", "--series", "formula"], "its series do: ask for A or B"),
        (&["--chart", "days", "--segment", "by name=y"], "did you mean \"by name=x\"?"),
        (&["--chart", "days", "--segment", "by name"], "as in \"by name=VALUE\""),
        (&["--chart", "pages", "--segment", "by name=x"], "the chart is of all"),
        (&["--chart", "pages", "--group", "home"], "the groups are A, (other), (none)"),
        (&["--chart", "days", "--group", "B"], "`--group` has no effect"),
        (&["--chart", "days", "--bin", "7"], "bins start at 0, 3000"),
        (&["--chart", "rate", "--series", "A", "--bin", "0"], "`--bin` has no effect"),
        (&["--chart", "names", "--interval", "2026-01-06"], "the week that it is in starts at 2026-01-05T00:00:00Z"),
        (&["--chart", "days", "--limit", "few"], "none for all"),
        (&["--chart", "days", "--timeout", "5m"], "cannot be used with"),
        (&["--user", "ann", "--limit", "5"], "--chart"),
        (&["--chart", "days", "--format", "html"], "table, json or csv"),
        (&["--chart", "days", "--output", "elsewhere"], "there are no tables"),
    ] {
        let ran = told.dwell(&[&["inspect", "job.toml"], flags].concat());
        assert_eq!(ran.code, Some(2), "{flags:?} {}", ran.stderr);
        assert!(ran.stderr.contains(said), "{flags:?} {}", ran.stderr);
    }
    assert_eq!(crate::support::table_hashes(&told.out()), before);
}

/// A table of charts as rows by the names of columns.
fn rows_of(path: &Path) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut csv = csv::Reader::from_path(path).unwrap();
    csv.deserialize().map(Result::unwrap).collect()
}

#[test]
fn every_figure_of_the_samples_charts_is_listed_with_as_many_sessions() {
    let sandbox = with_sample();
    let mut figures = 0;
    for name in ["charts", "columns", "segments"] {
        let job = format!("data/jobs/{name}.toml");
        sandbox.dwell(&["run", &job, "--quiet"]).expect_code(0);
        let of = |table: &str| rows_of(&sandbox.out().join(name).join(table));
        let measures = of("measures.csv").into_iter().filter(|row| row["series"] != "formula");
        // Of the hours, whose bins are of many hours, some.
        let bins = of("histogram.csv").into_iter().enumerate();
        let bins = bins.filter(|(place, row)| row["chart"] != "hours" || place % 11 == 0).map(|(_, row)| row);
        let rows: Vec<_> = measures.chain(bins).collect();
        let check = |row: &std::collections::BTreeMap<String, String>| {
            let mut flags = vec!["inspect", job.as_str(), "--format", "json", "--limit", "none"];
            for (flag, column) in [
                ("--chart", "chart"),
                ("--series", "series"),
                ("--segment", "segment"),
                ("--interval", "interval_start"),
            ] {
                flags.extend([flag, row[column].as_str()]);
            }
            if !row["group"].is_empty() {
                flags.extend(["--group", row["group"].as_str()]);
            }
            if let Some(bin) = row.get("bin_start") {
                flags.extend(["--bin", if bin.is_empty() { "none" } else { bin }]);
            }
            let ran = sandbox.dwell(&flags);
            ran.expect_code(0);
            let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
            let listed = answer["rows"].as_array().unwrap();
            let sessions = row.get("total_sessions").unwrap_or_else(|| &row["sessions"]);
            assert_eq!(*sessions, listed.len().to_string(), "{flags:?}");
            assert_eq!(*sessions, answer["sessions"].to_string(), "{flags:?}");
            if let Some(spent) = row.get("time_spent_ms") {
                let lengths = listed.iter().map(|session| session["length_ms"].as_i64().unwrap());
                assert_eq!(*spent, lengths.sum::<i64>().to_string(), "{flags:?}");
            }
        };
        let (even, odd): (Vec<_>, Vec<_>) = rows.iter().enumerate().partition(|(place, _)| place % 2 == 0);
        std::thread::scope(|scope| {
            scope.spawn(|| even.iter().for_each(|(_, row)| check(row)));
            odd.iter().for_each(|(_, row)| check(row));
        });
        figures += rows.len();
    }
    assert!(figures > 300, "{figures}");
}
