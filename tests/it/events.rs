//! The events table: random tables against the reference, and stories by hand.

use crate::charts::{read_all, run_story, texts_of, try_story, write_story, Happened, COLUMNS_AND_CHARTS};
use crate::property::{case, cases, check, run_with, Case};
use crate::reference::{self, Definition};
use crate::support::{dated_files, first_difference, read_run, table_hashes, Sandbox};
use arrow::array::AsArray;
use arrow::datatypes::TimestampMicrosecondType;
use proptest::prelude::*;
use std::path::Path;

const NAMES: [&str; 7] =
    ["user_id", "event_type", "session_id", "session_date", "session_position", "out_of_session", "order_id"];

/// The rows of an events table as text, with two columns that the job names.
fn written(out: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    for (date, file) in dated_files(&out.join("events"), "event_date") {
        let batch = read_all(&file);
        let times = batch.column_by_name("event_time").unwrap().as_primitive::<TimestampMicrosecondType>().clone();
        let columns: Vec<Vec<String>> = NAMES.iter().chain(&["keep"]).map(|name| texts_of(&batch, name)).collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let texts: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
            format!("{date} {} {}", times.value(row), texts.join(" | "))
        }));
    }
    rows
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

fn expected(row: &reference::EventRow) -> String {
    let event = &row.event;
    let session = row.session.as_ref().ok();
    let texts = [
        event.user.to_string(),
        text(event.event.clone()),
        text(session.map(|(id, ..)| id.clone())),
        text(session.map(|(_, date, _)| date)),
        text(session.map(|(.., place)| place)),
        text(row.session.as_ref().err()),
        text(event.property.clone()),
        text(event.keep),
    ];
    format!("{} {} {}", row.date, event.time, texts.join(" | "))
}

/// As the jobs of these tests have it: the keys of `[output]` come last.
fn with_events(job: &str) -> String {
    format!("events = [\"order_id\", \"keep\"]\n{job}")
}

fn agrees_with_the_reference(case: &Case) -> Result<(), String> {
    // A run of some dates writes events of others, too: nights have such runs.
    let definition = Definition { from: None, to: None, ..case.definition.clone() };
    let case = &Case { definition, ..case.clone() };
    let table = case.layout.read_back(&case.events);
    let detail = reference::detail(&table, &case.definition, &|_| true);
    let rows: Vec<String> = detail.listed.iter().map(expected).collect();
    // With charts and columns, which look at other values, and without.
    for job in ["", COLUMNS_AND_CHARTS] {
        let sandbox = run_with(case, &case.arrangements[0], &[], &with_events(job))?;
        if let Some(difference) = first_difference("events", &rows, &written(&sandbox.out())) {
            return Err(difference);
        }
        let run = read_run(&sandbox.out());
        let counted = |key: &str| run[key].as_i64().unwrap();
        let out: i64 = run["out_of_session"].as_object().unwrap().values().map(|count| count.as_i64().unwrap()).sum();
        if counted("in_session") + out != rows.len() as i64 {
            return Err(format!("{} rows, and run.json counts {run:#}", rows.len()));
        }
    }
    Ok(())
}

#[test]
fn events_under_the_default_definition_agree_with_the_reference() {
    check(cases() / 4, case(false, 1), agrees_with_the_reference);
}

#[test]
fn events_under_custom_definitions_agree_with_the_reference() {
    check(cases() / 4, case(true, 1), agrees_with_the_reference);
}

#[test]
fn events_are_the_same_bytes_in_any_order_files_number_of_threads_and_memory() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 2));
    check(cases() / 16, either, |case| {
        let mut hashes = Vec::new();
        for (arrangement, threads) in case.arrangements.iter().zip(["1", "8"]) {
            let sandbox = run_with(case, arrangement, &["--threads", threads], &with_events(COLUMNS_AND_CHARTS))?;
            hashes.push(table_hashes(&sandbox.out()));
        }
        (hashes[0] == hashes[1]).then_some(()).ok_or("the tables differ".to_owned())
    });
}

const STORY: &[Happened<'static>] = &[
    Happened("ann", "2026-01-01 23:50", "view", &[("page", "/a")]),
    Happened("ann", "2026-01-02 00:10", "buy", &[("page", "/b"), ("amt", "2.5")]),
    Happened("bob", "2026-01-02 12:00", "view", &[("page", "/a")]),
    Happened("ann", "2026-01-04 09:00", "view", &[]),
];

fn rows(out: &Path, names: &[&str]) -> Vec<String> {
    let mut rows = Vec::new();
    for (date, file) in dated_files(&out.join("events"), "event_date") {
        let batch = read_all(&file);
        let columns: Vec<Vec<String>> = names.iter().map(|name| texts_of(&batch, name)).collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let texts: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
            format!("{date} {}", texts.join(" "))
        }));
    }
    rows
}

#[test]
fn events_by_hand() {
    let sandbox = run_story(STORY, "since = 2026-01-02\nevents = ['page', 'amt', 'event_type']\n");
    assert_eq!(
        rows(&sandbox.out(), &["user_id", "event_type", "session_position", "out_of_session", "page", "amt"]),
        ["2026-01-02 ann buy - outside_bounds /b 2.5", "2026-01-02 bob view 1 - /a -", "2026-01-04 ann view 1 - - -",]
    );
    // A name that is taken.
    assert_eq!(rows(&sandbox.out(), &["input_event_type"])[0], "2026-01-02 buy");
    let sandbox = run_story(STORY, "events = true\n");
    assert_eq!(
        rows(&sandbox.out(), &["user_id", "session_date", "session_position"]),
        [
            "2026-01-01 ann 2026-01-01 1",
            "2026-01-02 ann 2026-01-01 2",
            "2026-01-02 bob 2026-01-02 1",
            "2026-01-04 ann 2026-01-04 1"
        ]
    );
}

#[test]
fn a_late_event_renews_the_rows_of_its_session_and_no_others() {
    let sandbox = run_story(STORY, "events = ['page']\n");
    let before = table_hashes(&sandbox.out());
    write_story(&sandbox.path().join("data/late.parquet"), &[Happened("ann", "2026-01-01 23:30", "view", &[])]);
    sandbox.dwell(&["run", "job.toml", "--quiet", "--incremental"]).expect_code(0);
    let after = table_hashes(&sandbox.out());
    let full = sandbox.path().join("full");
    sandbox.dwell(&["run", "job.toml", "--quiet", "--output", full.to_str().unwrap()]).expect_code(0);
    assert_eq!(after, table_hashes(&full));
    let renewed: Vec<&String> =
        after.iter().filter(|(name, hash)| before.get(*name) != Some(*hash)).map(|(name, _)| name).collect();
    let of_events: Vec<&&String> = renewed.iter().filter(|name| name.starts_with("events/")).collect();
    assert_eq!(
        of_events,
        [&"events/event_date=2026-01-01/part-0.parquet", &"events/event_date=2026-01-02/part-0.parquet"]
    );
}

#[test]
fn the_table_of_events_goes_with_its_key_and_comes_with_it() {
    let sandbox = run_story(STORY, "");
    let without = table_hashes(&sandbox.out());
    let text = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    let run = |keys: &str| {
        sandbox.job(&text.replace("[output]", &format!("[output]\n{keys}")));
        sandbox.dwell(&["run", "job.toml", "--quiet", "--incremental"]).expect_code(0);
        read_run(&sandbox.out())["inputs"]["row_groups_read"].as_i64().unwrap()
    };
    assert_eq!(run("events = []"), 1);
    assert_eq!(rows(&sandbox.out(), &["user_id"]).len(), 4);
    assert_eq!(run("events = ['page']"), 1);
    assert_eq!(rows(&sandbox.out(), &["page"])[0], "2026-01-01 /a");
    assert_eq!(run(""), 0);
    assert_eq!(table_hashes(&sandbox.out()), without);
}

#[test]
fn mistakes_about_the_table_of_events_say_the_way_out() {
    for (job, told) in [
        ("events = ['pge']\n", &["`output.events`", "pge", "page"][..]),
        ("events = 'page'\n", &["output.events", "true or false"]),
        ("events = ['page', 'page']\n", &["output.events", "twice"]),
        ("events = ['']\n", &["output.events"]),
    ] {
        let (_, ran) = try_story(STORY, job);
        ran.expect_code(2);
        assert!(told.iter().all(|part| ran.stderr.contains(part)), "{told:?}: {}", ran.stderr);
    }
    let sandbox = Sandbox::new();
    write_story(&sandbox.path().join("data/events.parquet"), STORY);
    let head = "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n";
    sandbox.job(head);
    let ran = sandbox.dwell(&["run", "job.toml", "--only", "events"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("output.events"), "{}", ran.stderr);
}
