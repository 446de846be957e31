//! What is read for one user.

use super::{event, half_an_hour, with_events};
use crate::cells::{ints, table, texts, times};
use crate::reference::{Cell, Definition, Event};
use crate::support::{at_ms, write_batch, Layout, Sandbox};
use arrow::array::{Array, ArrayRef, FixedSizeBinaryArray};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::json;
use std::sync::Arc;

/// A hundred users with ten events each, all of a user side by side.
fn by_user() -> Vec<Event> {
    let of_user =
        |user: usize| (0..10).map(move |minute| event(&format!("u{user:03}"), &format!("10:{minute:02}"), "view"));
    (0..100).flat_map(of_user).collect()
}

#[test]
fn only_row_groups_that_can_hold_the_user_are_read() {
    let sandbox = with_events(&half_an_hour(), &[]);
    sandbox.events("events.parquet", &Layout { rows_per_group: 50, ..Layout::default() }, &by_user());
    let answer = sandbox.answer(&["--user", "u042"]);
    let read = json!({"files": 1, "row_groups": 20, "row_groups_read": 1, "rows": 1000, "rows_read": 50});
    assert_eq!((&answer["read"], &answer["sessions"][0]["event_count"]), (&read, &json!(10)));
    let drawing = sandbox.drawing(&["--user", "u042"]);
    let searched = "Searched 1 of the 20 row groups of 1 file (50 of 1,000 rows); the footers rule the others out";
    assert!(drawing.ends_with(&format!("{searched}\n")), "{drawing}");
    // Nobody is between these two.
    let ran = sandbox.inspect(&["--user", "u042a"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("searched 1 of the 20 row groups"), "{}", ran.stderr);
    let ran = sandbox.inspect(&["--user", "zoe"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("searched 0 of the 20 row groups"), "{}", ran.stderr);
}

#[test]
fn session_ids_that_are_times_lead_to_the_row_group_too() {
    let mut events: Vec<Event> = Vec::new();
    for hour in 0..20 {
        for user in ["ann", "bob", "cid"] {
            let id = at_ms(&format!("{hour:02}:00")) + user.len() as i64;
            events.push(Event { session_id: Some(Cell::Int(id)), ..event(user, &format!("{hour:02}:01"), "view") });
        }
    }
    let sandbox = with_events(&Definition::default(), &[]);
    sandbox.events("events.parquet", &Layout { rows_per_group: 3, ..Layout::default() }, &events);
    let id = (at_ms("07:00") + 3).to_string();
    let answer = sandbox.answer(&["--session", &id]);
    let users: Vec<&str> =
        answer["sessions"].as_array().unwrap().iter().map(|session| session["user_id"].as_str().unwrap()).collect();
    assert_eq!(users.len(), 3, "an id is unique to a user, and three have this one");
    assert_eq!(answer["sessions"][0]["session_id"], json!(at_ms("07:00") + 3));
}

#[test]
fn a_bloom_filter_rules_out_what_bounds_cannot() {
    let sandbox = with_events(&half_an_hour(), &[]);
    // Everybody between the first and the last user could be in any of these files.
    for file in 0..4 {
        let users: Vec<String> =
            ["a", "z"].iter().map(|edge| format!("{edge}{file}")).chain([format!("m{file}")]).collect();
        let batch = table([
            ("user_id", texts(users.iter().map(String::as_str))),
            ("event_time", times(["10:00", "10:01", "10:02"])),
            ("event_type", texts(["view", "view", "view"])),
        ]);
        let path = sandbox.path().join(format!("data/part-{file}.parquet"));
        let properties = WriterProperties::builder().set_bloom_filter_enabled(true).build();
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    }
    let answer = sandbox.answer(&["--user", "m2"]);
    assert_eq!(answer["read"]["row_groups_read"], json!(1), "{answer:#}");
    assert_eq!(answer["sessions"][0]["event_count"], json!(1));
}

#[test]
fn users_are_found_whatever_holds_them() {
    let uuid = |last: u8| [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, last];
    let uuids: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter([uuid(1), uuid(255), uuid(1)].iter()).unwrap());
    let numbers = ints([7, -1, 7]);
    let small = arrow::compute::cast(&numbers, &arrow::datatypes::DataType::Int32).unwrap();
    let unsigned = arrow::compute::cast(&ints([7, 8, 7]), &arrow::datatypes::DataType::UInt64).unwrap();
    let bytes = arrow::compute::cast(&texts(["ann", "bob", "ann"]), &arrow::datatypes::DataType::Binary).unwrap();
    let json = texts([Some("{\"id\": \"ann\"}"), Some("{\"id\": 5}"), Some("{\"id\": \"ann\"}")]);
    let all: [(&str, ArrayRef, &str, &str); 6] = [
        ("user_id", uuids, "00010203-0405-0607-0809-0a0b0c0d0e01", "00010203-0405-0607-0809-0a0b0c0d0e02"),
        ("user_id", numbers, "7", "8"),
        ("user_id", small, "7", "-2"),
        ("user_id", unsigned, "7", "9"),
        ("user_id", bytes, "ann", "anna"),
        ("props", json, "ann", "6"),
    ];
    for (column, users, present, absent) in all {
        let sandbox = Sandbox::new();
        let kind = users.data_type().clone();
        let batch = table([
            (column, users),
            ("event_time", times(["10:00", "10:01", "10:02"])),
            ("event_type", texts(["open", "view", "close"])),
        ]);
        write_batch(&sandbox.path().join("data/events.parquet"), 2, &batch);
        let name = if column == "props" { "props.id" } else { column };
        let job =
            format!("[input]\npath = 'data'\nuser = '{name}'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n");
        sandbox.job(&job);
        let answer = sandbox.answer(&["--user", present]);
        assert_eq!(answer["sessions"][0]["event_count"], json!(2), "{kind}: {answer:#}");
        let ran = sandbox.inspect(&["--user", absent]);
        ran.expect_code(2);
        assert!(ran.stderr.contains("has no row"), "{kind}: {}", ran.stderr);
    }
}

#[test]
fn a_second_user_column_counts_where_the_first_has_nothing() {
    let sandbox = Sandbox::new();
    let batch = table([
        ("user_id", texts([Some("ann"), None, Some(""), Some("bob")])),
        ("device_id", texts([Some("d1"), Some("ann"), Some("ann"), Some("ann")])),
        ("event_time", times(["10:00", "10:01", "10:02", "10:03"])),
    ]);
    write_batch(&sandbox.path().join("data/events.parquet"), 2, &batch);
    sandbox.job(
        "[input]\npath = 'data'\nuser = ['user_id', 'device_id']\n[session]\ntimeout = '30m'\n[output]\npath = 'o'\n",
    );
    let answer = sandbox.answer(&["--user", "ann", "--columns", "device_id"]);
    assert_eq!(answer["sessions"][0]["event_count"], json!(3), "{answer:#}");
    let ran = sandbox.inspect(&["--user", "d1"]);
    ran.expect_code(2);
}

#[test]
fn users_that_are_folders_are_looked_for_in_their_own() {
    for (users, asked, absent) in [(["ann", "bob", "7"], "bob", "cid"), (["5", "6", "7"], "7", "8")] {
        let sandbox = Sandbox::new();
        for user in users {
            let batch = table([("event_time", times(["10:00", "10:01"])), ("event_type", texts(["open", "view"]))]);
            write_batch(&sandbox.path().join(format!("data/user_id={user}/events.parquet")), 10, &batch);
        }
        sandbox.job("[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n");
        let answer = sandbox.answer(&["--user", asked]);
        assert_eq!(answer["read"]["row_groups_read"], json!(1), "{answer:#}");
        assert_eq!(answer["sessions"][0]["event_count"], json!(2));
        sandbox.inspect(&["--user", absent]).expect_code(2);
    }
}

#[test]
fn a_condition_narrows_what_is_read_and_shown() {
    let sandbox = with_events(&half_an_hour(), &[]);
    let events: Vec<Event> =
        (0..20).map(|hour| Event { keep: Some(hour), ..event("ann", &format!("{hour:02}:00"), "view") }).collect();
    sandbox.events("events.parquet", &Layout { rows_per_group: 5, ..Layout::default() }, &events);
    let answer = sandbox.answer(&["--user", "ann", "--where", "keep >= 7 AND keep <> 9", "--columns", "keep"]);
    assert_eq!(answer["read"]["row_groups_read"], json!(3));
    let kept = answer["sessions"].as_array().unwrap().iter().rev().map(|s| s["events"][0]["columns"]["keep"].as_i64());
    let expected: Vec<_> = (7..20).filter(|keep| *keep != 9).map(Some).collect();
    assert_eq!(kept.collect::<Vec<_>>(), expected);
}

#[test]
fn dates_of_folders_are_compared_and_shown_without_a_word_on_stderr() {
    let sandbox = Sandbox::new();
    for date in ["2026-01-04", "2026-01-05"] {
        let batch = table([("user_id", texts(["ann"])), ("event_time", times(["10:00"]))]);
        write_batch(&sandbox.path().join(format!("data/event_date={date}/events.parquet")), 10, &batch);
    }
    sandbox.job("[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n");
    let condition = ["--where", "event_date >= '2026-01-05'"];
    let ran = sandbox.inspect(&[&["--user", "ann", "--columns", "event_date"][..], &condition].concat());
    ran.expect_code(0);
    assert!(ran.stdout.contains("1 session, with 1 event") && ran.stdout.contains("event_date=2026-01-05"));
    assert_eq!(ran.stderr, "");
    let ran = sandbox.dwell(&[&["run", "job.toml", "--quiet"][..], &condition].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
}
