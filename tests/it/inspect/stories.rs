//! What people see.

use super::{event, half_an_hour, with_events};
use crate::reference::{Cell, Definition, Event, Limit, HOUR, MINUTE};
use crate::support::{at, at_ms, job_toml, Layout, Sandbox};
use serde_json::json;

/// Two visits by timeout, with a repeated event, an inactive one and an impossible one.
fn visits() -> Sandbox {
    let definition = Definition { dedup: true, inactive: vec!["push".to_owned()], ..half_an_hour() };
    let unique = |id: &str, event: Event| Event { dedup: Some(id.to_owned()), ..event };
    with_events(
        &definition,
        &[
            event("ann", "10:00", "open"),
            unique("x", event("ann", "10:05", "view")),
            unique("x", event("ann", "10:06", "view")),
            event("ann", "10:07", "push"),
            event("ann", "10:20", "view"),
            event("ann", "12:00", "open"),
            event("bob", "15:00", "open"),
            Event { time: None, ..event("ann", "10:00", "lost") },
            Event { time: Some(at("1970-01-02 00:00")), ..event("ann", "10:00", "ancient") },
        ],
    )
}

#[test]
fn sessions_are_connected_lines_the_newest_first() {
    let drawing = visits().drawing(&["--user", "ann"]);
    let expected = "\
User           ann
Sessions       2 sessions, with 4 events
Left out       4 rows (duplicate 1, inactive 1, no_time 1, time_out_of_range 1); --all shows them
Definition     A session is a run of one user's events and ends before a silence of 30m or more;
               sessions longer than 1d are excluded.
Time zone      UTC

╭ 2026-01-05 12:00:00.000   0 s   1 event   session 1767614400000
│ 2026-01-05 12:00:00.000  +1 h 40 min  open
╰ timeout: silent for 3 h until the input ends

╭ 2026-01-05 10:00:00.000   20 min   3 events   session 1767607200000
│ 2026-01-05 10:00:00.000               open
│ 2026-01-05 10:05:00.000       +5 min  view
│ 2026-01-05 10:20:00.000      +15 min  view
╰ timeout: silent for 1 h 40 min until the next event

Searched the only row group there is
";
    assert_eq!(drawing, expected);
    let other_way = visits().drawing(&["--user", "ann", "--oldest-first"]);
    let starts = |text: &str| text.lines().filter(|line| line.starts_with('╭')).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(starts(&drawing).into_iter().rev().collect::<Vec<_>>(), starts(&other_way));
}

#[test]
fn rows_that_are_no_events_are_shown_when_asked_for() {
    let drawing = visits().drawing(&["--user", "ann", "--all"]);
    let lines: Vec<&str> = drawing.lines().collect();
    let at = |start: &str| lines.iter().position(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{drawing}"));
    // Where they happened, within the session but not of it.
    assert!(at("│ 2026-01-05 10:05") < at("│×2026-01-05 10:06") && at("│×2026-01-05 10:07") < at("│ 2026-01-05 10:20"));
    assert!(lines[at("│×2026-01-05 10:06")].ends_with("(duplicate)"), "{drawing}");
    assert!(lines[at("│×2026-01-05 10:07")].ends_with("(inactive)"), "{drawing}");
    assert!(lines[at("× no time")].ends_with("(rejected: no_time)"), "{drawing}");
    assert!(lines[at("× 1970-01-02")].ends_with("(rejected: time_out_of_range)"), "{drawing}");
    let answer = visits().answer(&["--user", "ann", "--all"]);
    let left_out = answer["left_out"].as_array().unwrap();
    let statuses: Vec<&str> = left_out.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses.iter().filter(|status| **status == "rejected").count(), 2, "{answer:#}");
    assert_eq!(visits().answer(&["--user", "ann"])["left_out"], json!([]), "they were not asked for");
}

#[test]
fn events_in_no_session_stand_alone_with_the_reason() {
    let id = |time: &str| Some(Cell::Int(at_ms(time)));
    let events = [
        Event { session_id: id("10:00"), ..event("ann", "10:00", "open") },
        Event { session_id: Some(Cell::Int(-1)), ..event("ann", "10:01", "push") },
        Event { session_id: id("10:00"), ..event("ann", "10:02", "view") },
        Event { session_id: id("10:00"), ..event("ann", "2026-01-14 10:00", "late") },
    ];
    let sandbox = with_events(&Definition::default(), &events);
    let drawing = sandbox.drawing(&["--user", "ann"]);
    assert!(drawing.contains("Out of session 2 events (no_session_id 1, stale_id 1)"), "{drawing}");
    assert!(drawing.contains("○ 2026-01-05 10:01:00.000       +1 min  push            (no_session_id)"), "{drawing}");
    assert!(drawing.contains("○ 2026-01-14 10:00:00.000    +8 d 23 h  late            (stale_id)"), "{drawing}");
    assert!(drawing.contains("╰ session_id: the last event with this id"), "{drawing}");
    let answer = sandbox.answer(&["--user", "ann"]);
    assert_eq!(answer["sessions"][0]["event_count"], json!(2));
    assert_eq!(answer["sessions"][0]["events"][1]["gap_ms"], json!(120_000), "within the session");
    assert_eq!(answer["out_of_session"][1]["gap_ms"], json!(60_000), "since the user's event before");
}

#[test]
fn sessions_that_are_not_in_the_table_say_why() {
    let definition = Definition { max_length: Some(Limit::Of(10 * MINUTE)), ..half_an_hour() };
    let events = [event("ann", "10:00", "open"), event("ann", "10:11", "view")];
    let sandbox = with_events(&definition, &events);
    let drawing = sandbox.drawing(&["--user", "ann"]);
    assert!(
        drawing.contains("session (no id)\n") && drawing.contains("not in the sessions table: longer than"),
        "{drawing}"
    );
    let session = sandbox.answer(&["--user", "ann"])["sessions"][0].clone();
    assert_eq!((&session["in_table"], &session["excluded"]), (&json!(false), &json!("max_length")));
    assert_eq!(session["session_id"], json!(null));
    let definition = Definition { since: Some("2026-01-06".parse().unwrap()), ..half_an_hour() };
    let drawing = with_events(&definition, &events).drawing(&["--user", "ann"]);
    assert!(drawing.contains("not in the sessions table: starts on a date that it does not hold"), "{drawing}");
}

#[test]
fn why_a_session_ended_is_said_of_each() {
    let definition = Definition {
        start_event: vec!["open".to_owned()],
        end_event: vec!["close".to_owned()],
        timeout: Some(HOUR),
        ..Definition::default()
    };
    let events = [
        event("ann", "10:00", "open"),
        event("ann", "10:01", "close"),
        event("ann", "10:02", "view"),
        event("ann", "10:03", "open"),
        event("ann", "10:04", "open"),
    ];
    let drawing = with_events(&definition, &events).drawing(&["--user", "ann"]);
    let ends: Vec<&str> = drawing.lines().filter(|line| line.starts_with('╰')).collect();
    assert_eq!(
        ends,
        [
            "╰ end_of_data: the input ends 0 s later",
            "╰ start_event: the next event starts another session",
            "╰ end_event: the last event ends it"
        ]
    );
    assert!(drawing.contains("(no_start)"), "{drawing}");
}

#[test]
fn chosen_columns_are_shown_whatever_they_hold_and_however_long() {
    let long = "x".repeat(70);
    let events = [Event {
        property: crate::support::text(&format!("{long}\u{1b}[2J")),
        sequence: Some(4),
        keep: None,
        ..event("ann", "10:00", "open")
    }];
    let sandbox = with_events(&half_an_hour(), &events);
    let drawing = sandbox.drawing(&["--user", "ann", "--columns", "server_seq,order_id,keep"]);
    assert!(drawing.contains("open            server_seq=4"), "{drawing}");
    assert!(drawing.contains("order_id=xxxx") && drawing.contains('…') && !drawing.contains("keep="), "{drawing}");
    let answer = sandbox.answer(&["--user", "ann", "--columns", "server_seq,order_id", "--columns", "keep"]);
    let columns = &answer["sessions"][0]["events"][0]["columns"];
    assert_eq!(columns, &json!({"server_seq": 4, "order_id": format!("{long}\u{1b}[2J"), "keep": null}));
    let ran = sandbox.inspect(&["--user", "ann", "--columns", "order_di"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("--columns") && ran.stderr.contains("did you mean \"order_id\"?"), "{}", ran.stderr);
}

#[test]
fn csv_has_a_row_for_each_event() {
    let ran = visits().inspect(&["--user", "ann", "--format", "csv", "--all", "--columns", "insert_id"]);
    ran.expect_code(0);
    let lines: Vec<&str> = ran.stdout.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "user_id,status,reason,session_id,property,session_start,session_end,session_length_ms,end_reason,time,gap_ms,\
         event_type,insert_id"
    );
    assert_eq!(
        lines[2],
        "ann,in_session,,1767607200000,,2026-01-05T10:00:00Z,2026-01-05T10:20:00Z,1200000,timeout,\
         2026-01-05T10:00:00Z,,open,"
    );
    assert!(lines.contains(&"ann,duplicate,,,,,,,,2026-01-05T10:06:00Z,,view,x"), "{}", ran.stdout);
    assert!(lines.contains(&"ann,rejected,no_time,,,,,,,,,lost,"), "{}", ran.stdout);
    assert_eq!(lines.len(), 1 + 4 + 4 + 1);
}

#[test]
fn times_are_those_of_the_time_zone() {
    let definition = Definition { timezone: Some("Europe/Paris".to_owned()), ..half_an_hour() };
    let sandbox = with_events(&definition, &[event("ann", "23:30", "open")]);
    assert!(sandbox.drawing(&["--user", "ann"]).contains("│ 2026-01-06 00:30:00.000"));
    let answer = sandbox.answer(&["--user", "ann"]);
    assert_eq!(answer["sessions"][0]["start_time"], json!("2026-01-06T00:30:00+01:00"));
}

#[test]
fn who_or_what_is_not_there_is_said_with_what_was_searched() {
    let sandbox = visits();
    for (arguments, words) in [
        (&["--user", "andy"][..], "user \"andy\" has no row: searched 0 of the 1 row group of 1 file"),
        (&["--user", "anne"], "user \"anne\" has no row: searched the only row group there is"),
        (&["--session", "123"], "no event is of a session 123"),
        (&["--session", "abc"], "--session \"abc\" is no number"),
        (&["--user", "bob", "--session", "1767607200000"], "no session of user \"bob\" has the id 1767607200000"),
        (&["--session", "1767607500000"], "no session of any user who has an event of it has the id 1767607500000"),
    ] {
        let ran = sandbox.inspect(arguments);
        ran.expect_code(2);
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
    let ran = sandbox.inspect(&[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("--user") && ran.stderr.contains("--session"), "{}", ran.stderr);
    let filtered = Definition { keep_above: Some(0), ..half_an_hour() };
    let ran = with_events(&filtered, &[event("ann", "10:00", "open")]).inspect(&["--user", "ann"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("has no row that passes `input.where`"), "{}", ran.stderr);
}

#[test]
fn an_id_that_many_share_asks_for_the_user() {
    let events: Vec<Event> = (0..21)
        .map(|user| Event { session_id: Some(Cell::Int(5)), ..event(&format!("u{user}"), "10:00", "open") })
        .collect();
    let sandbox = with_events(&Definition::default(), &events);
    let ran = sandbox.inspect(&["--session", "5"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("21 users have a session 5") && ran.stderr.contains("--user"), "{}", ran.stderr);
    assert_eq!(sandbox.answer(&["--session", "5", "--user", "u3"])["sessions"][0]["user_id"], json!("u3"));
}

#[test]
fn a_user_without_a_single_event_that_counts_is_there_all_the_same() {
    let sandbox = with_events(&half_an_hour(), &[Event { time: None, ..event("ann", "10:00", "lost") }]);
    let drawing = sandbox.drawing(&["--user", "ann"]);
    assert!(drawing.contains("User           ann\nSessions       0 sessions, with 0 events\n"), "{drawing}");
    assert!(drawing.contains("1 row (no_time 1); --all shows them"), "{drawing}");
}

#[test]
fn the_column_of_users_is_named_by_a_flag_of_its_own() {
    let sandbox = Sandbox::new();
    let layout = Layout { users: vec![crate::support::ColumnType::Text; 2], ..Layout::default() };
    let both =
        Event { users: vec![crate::support::text("ann"), crate::support::text("phone")], ..event("", "10:00", "open") };
    sandbox.events("events.parquet", &layout, &[both]).job(&job_toml(&half_an_hour(), &Layout::default(), &[]));
    assert!(sandbox.drawing(&["--user-column", "device_id", "--user", "phone"]).contains("1 session, with 1 event"));
    sandbox.inspect(&["--user", "phone"]).expect_code(2);
    assert!(!sandbox.out().exists(), "a question made an output folder");
}
