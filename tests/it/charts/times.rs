//! The time that sessions spend on the values of a property.

use super::{read_all, run_story, sessions_of, texts_of, try_story, Happened};
use std::path::Path;

const EVENTS: [Happened<'static>; 8] = [
    Happened("ann", "10:00", "view", &[("page", "A")]),
    Happened("ann", "10:01", "click", &[("page", "C")]),
    Happened("ann", "10:02", "view", &[("page", "B")]),
    Happened("ann", "10:22", "view", &[("page", "A")]),
    Happened("ann", "10:23", "view", &[]),
    Happened("ann", "10:24", "view", &[("page", "A")]),
    Happened("bob", "11:00", "view", &[("page", "A")]),
    Happened("cat", "2026-01-06 12:00", "click", &[]),
];

fn job(keys: &str) -> String {
    format!("[[chart]]\nname = 'x'\ninterval = 'total'\ntime_on = {{ property = 'page', event = 'view'{keys} }}\n")
}

/// The rows of the table: value, views, sessions, time, average and median.
fn rows(out: &Path) -> Vec<String> {
    let table = read_all(&out.join("time_on.parquet"));
    let columns = ["value", "views", "sessions", "time_ms", "avg_ms", "p50_ms"].map(|name| texts_of(&table, name));
    (0..table.num_rows())
        .map(|row| columns.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn a_view_lasts_until_the_next_one_and_the_last_one_nobody_knows_how_long() {
    let told = run_story(&EVENTS, &job(""));
    let expected = ["A 4 2 180000 90000.0 60000", "B 1 1 1200000 1200000.0 1200000", "(none) 1 1 60000 60000.0 60000"];
    assert_eq!(rows(&told.out()), expected);
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["all - 3"], "measures are of all sessions");
    let csv = std::fs::read_to_string(told.out().join("time_on.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    let head = "chart,segment,group,interval_start,value,views,sessions,time_ms,avg_ms,p50_ms";
    assert_eq!(lines[..2], [head, "x,all,,2026-01-05T00:00:00Z,A,4,2,180000,90000,60000"]);
    // Another cap, other values and other groups take the tables alone.
    let text = std::fs::read_to_string(told.path().join("job.toml")).unwrap();
    told.job(&text.replace("event = 'view'", "event = 'view', cap = '90s', top = 1"));
    let ran = told.dwell(&["charts", "job.toml"]);
    assert!(ran.expect_code(0).stdout.contains("time on, all intervals"), "{}", ran.stdout);
    assert_eq!(
        rows(&told.out()),
        ["A 4 2 150000 75000.0 60000", "(other) 1 1 90000 90000.0 90000", "(none) 1 1 60000 60000.0 60000"]
    );
    let ran = told.dwell(&["report", "job.toml", "--output", "report.html"]);
    ran.expect_code(0);
    assert!(std::fs::read_to_string(told.path().join("report.html")).unwrap().contains("Time spent on each value"));
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "x", "--format", "csv"]);
    assert_eq!(ran.expect_code(0).stdout.lines().count(), 4, "{}", ran.stdout);
    // Where no chart is of this kind, there is no such table.
    told.job(&text[..text.find("[[chart]]").unwrap()]);
    told.dwell(&["charts", "job.toml"]).expect_code(0);
    assert!(!told.out().join("time_on.parquet").exists() && !told.out().join("time_on.csv").exists());
}

#[test]
fn every_day_has_rows_and_a_group_without_views_one_without_a_value() {
    let told = run_story(
        &EVENTS,
        &job("").replace("total", "day").replace("time_on", "group_by = { first = 'page' }\ntime_on"),
    );
    let table = read_all(&told.out().join("time_on.parquet"));
    let [groups, values, views] = ["group", "value", "views"].map(|name| texts_of(&table, name));
    let found: Vec<String> =
        (0..table.num_rows()).map(|row| format!("{} {} {}", groups[row], values[row], views[row])).collect();
    let expected = ["A A 4", "A A 0", "A B 1", "A B 0", "A (none) 1", "A (none) 0", "(none) - 0", "(none) - 0"];
    assert_eq!(found, expected);
}

#[test]
fn equal_views_have_their_values_ascending() {
    let events = [
        Happened("ann", "10:00", "view", &[("page", "B")]),
        Happened("ann", "10:00", "view", &[("page", "A")]),
        Happened("ann", "10:05", "view", &[("page", "C")]),
    ];
    let told = run_story(&events, &job(""));
    assert_eq!(rows(&told.out()), ["A 1 1 0 0.0 0", "B 1 1 300000 300000.0 300000", "C 1 1 0 - -"]);
}

#[test]
fn what_makes_no_such_chart_is_refused() {
    for (text, parts) in [
        ("time_on = { event = 'view' }", &["`chart.time_on.property`"][..]),
        ("time_on = { property = 'pagee' }", &["pagee", "page"]),
        ("time_on = { property = 'page', cap = '5' }", &["`chart.time_on.cap`", "unit"]),
        ("time_on = { property = 'page', top = 10001 }", &["`chart.time_on.top`", "10000"]),
        ("count = { event = 'view' }\ntime_on = { property = 'page' }", &["`chart.count`", "`chart.time_on`"]),
        (
            "funnel = { steps = [{ event = 'a' }, { event = 'b' }] }\ntime_on = { property = 'page' }",
            &["`chart.time_on`", "`chart.funnel`"],
        ),
    ] {
        let ran = try_story(&EVENTS, &format!("[[chart]]\nname = 'x'\n{text}\n")).1;
        ran.expect_code(2);
        assert!(parts.iter().all(|part| ran.stderr.contains(part)), "{text}: {}", ran.stderr);
    }
}
