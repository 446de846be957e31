//! An example for each thing that can become of a session.

use super::{compare, kinds, write_job};
use crate::cells::lines_of_file;
use crate::reference::{Cell, Event, Value};
use crate::support::{at, at_ms, text, Layout, Sandbox};
use std::collections::BTreeMap;

/// An event: user, time, type, and what is set besides.
struct Happened(&'static str, &'static str, &'static str, fn(Event) -> Event);

fn view(user: &'static str, time: &'static str) -> Happened {
    Happened(user, time, "view", |event| event)
}

fn order(time: &'static str, of: fn(Event) -> Event) -> Happened {
    Happened("ann", time, "view", of)
}

/// Tells of sessions as `ann split 10:00..10:40 -> 10:00..10:05`, with what two sessions share.
fn told(events: &[Happened], a: &str, b: &str) -> (Sandbox, serde_json::Value, Vec<String>) {
    let sandbox = Sandbox::new();
    let event = |Happened(user, time, kind, more): &Happened| {
        more(Event {
            users: vec![text(user)],
            time: Some(at(time)),
            event: Some((*kind).to_owned()),
            ..Event::default()
        })
    };
    sandbox.events("events.parquet", &Layout::default(), &events.iter().map(event).collect::<Vec<_>>());
    for (name, job) in [("a.toml", a), ("b.toml", b)] {
        let head = if job.contains("[input]") { "" } else { "[input]\npath = 'data'\n" };
        write_job(&sandbox, name, &format!("{head}{job}"));
    }
    let answer = compare(&sandbox, "a.toml", "b.toml", &[]).unwrap();
    let columns = ["user_id", "change", "a_start_time", "a_end_time", "b_start_time", "b_end_time", "shared_events"];
    let lines = lines_of_file(&sandbox.path().join("compared/sessions.parquet"), &columns);
    let told = lines.iter().map(|line| {
        let cells: Vec<&str> = line.split(' ').collect();
        let [user, change, a_start, a_end, b_start, b_end, shared] = cells[..] else { panic!("{line}") };
        let span = |start: &str, end: &str| if start == "-" { "-".to_owned() } else { format!("{start}..{end}") };
        format!("{user} {change} {} -> {} ({shared})", span(a_start, a_end), span(b_start, b_end))
    });
    let told = told.collect();
    (sandbox, answer, told)
}

const HALF_AN_HOUR: &str = "[session]\ntimeout = '30m'\n";
const FIVE_MINUTES: &str = "[session]\ntimeout = '5m'\n";

#[test]
fn a_shorter_timeout_splits_sessions_and_leaves_others_unchanged() {
    let events = [view("ann", "10:00"), view("ann", "10:04"), view("ann", "10:20"), view("ann", "12:00")];
    let (_, answer, told) = told(&events, HALF_AN_HOUR, FIVE_MINUTES);
    assert_eq!(
        told,
        [
            "ann split 10:00..10:20 -> 10:00..10:04 (2)",
            "ann split 10:00..10:20 -> 10:20..10:20 (1)",
            "ann unchanged 12:00..12:00 -> 12:00..12:00 (1)",
        ]
    );
    assert_eq!(kinds(&answer), [("unchanged".to_owned(), 1, 1), ("split".to_owned(), 1, 2)]);
    assert_eq!(answer["split_into"], serde_json::json!({ "2": 1 }));
    assert_eq!((&answer["passes"], &answer["totals"]["total_sessions"]["difference"]), (&1.into(), &1.into()));
}

#[test]
fn a_longer_timeout_joins_sessions() {
    let events = [view("ann", "10:00"), view("ann", "10:10"), view("ann", "10:20")];
    let (_, answer, told) = told(&events, FIVE_MINUTES, HALF_AN_HOUR);
    assert_eq!(
        told,
        [
            "ann joined 10:00..10:00 -> 10:00..10:20 (1)",
            "ann joined 10:10..10:10 -> 10:00..10:20 (1)",
            "ann joined 10:20..10:20 -> 10:00..10:20 (1)",
        ]
    );
    assert_eq!(answer["joined_from"], serde_json::json!({ "3": 1 }));
}

#[test]
fn a_session_that_ends_earlier_is_changed() {
    let end = |time| Happened("ann", time, "close", |event| event);
    let events = [view("ann", "10:00"), end("10:01"), view("ann", "10:02"), view("bob", "10:00")];
    let b = "[session]\ntimeout = '30m'\nend_event = 'close'\nunclosed = 'drop'\n";
    let (_, answer, told) = told(&events, HALF_AN_HOUR, b);
    assert_eq!(told, ["ann changed 10:00..10:02 -> 10:00..10:01 (2)", "bob gone 10:00..10:00 -> - (0)"]);
    assert_eq!(kinds(&answer), [("changed".to_owned(), 1, 1), ("gone".to_owned(), 1, 0)]);
}

#[test]
fn a_session_that_starts_at_its_id_is_changed_although_its_events_are_the_same() {
    let events =
        [Happened("ann", "10:00", "view", |event| Event { session_id: Some(Cell::Int(at_ms("09:59"))), ..event })];
    let (_, _, told) = told(&events, HALF_AN_HOUR, "");
    assert_eq!(told, ["ann changed 10:00..10:00 -> 09:59..10:00 (1)"]);
}

#[test]
fn sessions_that_overlap_crosswise_are_regrouped() {
    let events = [
        order("10:00", |event| Event { property: text("x"), ..event }),
        order("10:20", |event| Event { property: text("y"), ..event }),
        order("12:00", |event| Event { property: text("y"), ..event }),
        order("12:10", |event| Event { property: text("z"), ..event }),
    ];
    let (_, answer, told) = told(&events, HALF_AN_HOUR, "[session]\nproperty = 'order_id'\n");
    assert_eq!(
        told,
        [
            "ann regrouped 10:00..10:20 -> 10:00..10:00 (1)",
            "ann regrouped 10:00..10:20 -> 10:20..12:00 (1)",
            "ann regrouped 12:00..12:10 -> 10:20..12:00 (1)",
            "ann regrouped 12:00..12:10 -> 12:10..12:10 (1)",
        ]
    );
    assert_eq!(kinds(&answer), [("regrouped".to_owned(), 2, 3)]);
}

#[test]
fn a_session_of_events_that_the_other_leaves_out_is_gone_and_the_other_way_round_new() {
    let push = |time| Happened("ann", time, "push", |event| event);
    let events = [push("08:00"), view("ann", "10:00"), push("10:10")];
    let without = "[input]\npath = 'data'\ninactive = ['push']\n[session]\ntimeout = '5m'\n";
    let (_, answer, gone) = told(&events, FIVE_MINUTES, without);
    assert_eq!(
        gone,
        [
            "ann gone 08:00..08:00 -> - (0)",
            "ann unchanged 10:00..10:00 -> 10:00..10:00 (1)",
            "ann gone 10:10..10:10 -> - (0)",
        ]
    );
    assert_eq!(answer["passes"], 1, "inactive types leave after reading");
    let (_, answer, new) = told(&events, without, FIVE_MINUTES);
    assert_eq!(kinds(&answer), [("unchanged".to_owned(), 1, 1), ("new".to_owned(), 0, 2)]);
    assert_eq!(new[1..], ["ann new - -> 08:00..08:00 (0)", "ann new - -> 10:10..10:10 (0)"]);
}

#[test]
fn a_session_that_the_other_excludes_is_gone() {
    let events = [view("ann", "10:00"), view("ann", "10:20")];
    let (_, answer, told) = told(&events, HALF_AN_HOUR, "[session]\ntimeout = '30m'\nmax_length = '10m'\n");
    assert_eq!(told, ["ann gone 10:00..10:20 -> - (0)"]);
    assert_eq!(answer["totals"]["excluded_sessions"]["b"], 1);
    assert_eq!(answer["totals"]["in_session"]["difference"], 0, "its events are in a session all the same");
}

#[test]
fn another_filter_reads_the_input_once_more_and_sessions_are_known_by_their_events() {
    let kept = |time, keep: fn(Event) -> Event| Happened("ann", time, "view", keep);
    let events = [
        kept("10:00", |event| Event { keep: Some(1), ..event }),
        kept("10:20", |event| Event { keep: Some(0), ..event }),
        kept("10:40", |event| Event { keep: Some(1), ..event }),
        kept("15:00", |event| Event { keep: Some(0), ..event }),
    ];
    let filtered = "[input]\npath = 'data'\nwhere = 'keep > 0'\n[session]\ntimeout = '30m'\n";
    let (_, answer, told) = told(&events, HALF_AN_HOUR, filtered);
    assert_eq!(
        told,
        [
            "ann split 10:00..10:40 -> 10:00..10:00 (1)",
            "ann split 10:00..10:40 -> 10:40..10:40 (1)",
            "ann gone 15:00..15:00 -> - (0)",
        ]
    );
    assert_eq!((&answer["passes"], &answer["totals"]["filtered"]["b"]), (&2.into(), &2.into()));
}

#[test]
fn jobs_that_leave_out_other_folders_are_compared() {
    let sandbox = Sandbox::new();
    for (day, user) in [(1, "ann"), (2, "bob"), (3, "cid")] {
        let event = Event { users: vec![text(user)], time: Some(at("10:00")), ..Event::default() };
        sandbox.events(&format!("day={day}/events.parquet"), &Layout::default(), &[event]);
    }
    for (name, condition) in [("a.toml", "day < 3"), ("b.toml", "day > 1")] {
        write_job(&sandbox, name, &format!("[input]\npath = 'data'\nwhere = '{condition}'\n{HALF_AN_HOUR}"));
    }
    let answer = compare(&sandbox, "a.toml", "b.toml", &[]).unwrap();
    assert_eq!(
        kinds(&answer),
        [("unchanged", 1, 1), ("gone", 1, 0), ("new", 0, 1)].map(|(kind, a, b)| (kind.to_owned(), a, b))
    );
}

#[test]
fn two_properties_read_the_input_once_each_and_events_of_one_time_keep_apart() {
    // Alike in all that both know: the first is taken for the first.
    let both = |event: Event| Event { property: text("x"), session_id: Some(Cell::Int(7)), ..event };
    let events = [
        order("10:00", both),
        order("10:00", both),
        order("10:01", |event| Event { property: text("x"), session_id: Some(Cell::Int(8)), ..event }),
    ];
    let (_, answer, told) = told(&events, "", "[session]\nproperty = 'order_id'\n");
    assert_eq!(told, ["ann joined 10:00..10:00 -> 10:00..10:01 (2)", "ann joined 10:01..10:01 -> 10:00..10:01 (1)"]);
    assert_eq!(answer["passes"], 2);
}

#[test]
fn each_definition_has_the_dates_of_its_own_zone() {
    let (_, answer, _) =
        told(&[view("ann", "23:30")], HALF_AN_HOUR, &format!("{HALF_AN_HOUR}[output]\ntimezone = 'Europe/Paris'\n"));
    let days: BTreeMap<&str, (&serde_json::Value, &serde_json::Value)> = answer["days"]
        .as_array()
        .unwrap()
        .iter()
        .map(|day| (day["date"].as_str().unwrap(), (&day["total_sessions"]["a"], &day["total_sessions"]["b"])))
        .collect();
    let (none, one) = (&0.into(), &1.into());
    assert_eq!(days, BTreeMap::from([("2026-01-05", (one, none)), ("2026-01-06", (none, one))]));
    assert_eq!((kinds(&answer), &answer["passes"]), (vec![("unchanged".to_owned(), 1, 1)], one));
}

#[test]
fn the_users_that_change_most_come_first() {
    let events = [
        view("ann", "10:00"),
        view("bob", "10:00"),
        view("bob", "10:10"),
        view("bob", "10:20"),
        view("cat", "10:00"),
        view("cat", "10:10"),
        view("dan", "10:00"),
        view("dan", "10:20"),
    ];
    let (sandbox, answer, _) = told(&events, HALF_AN_HOUR, FIVE_MINUTES);
    let users: Vec<(&str, u64)> = answer["users"]
        .as_array()
        .unwrap()
        .iter()
        .map(|user| (user["user_id"].as_str().unwrap(), user["changed_sessions"].as_u64().unwrap()))
        .collect();
    // Of two with as many, the one whose time changes more.
    assert_eq!(users, [("bob", 4), ("dan", 3), ("cat", 3)]);
    let all = lines_of_file(
        &sandbox.path().join("compared/users.parquet"),
        &["user_id", "a_sessions", "b_sessions", "a_time_spent_ms", "b_time_spent_ms", "changed_sessions"],
    );
    assert_eq!(all, ["ann 1 1 0 0 0", "bob 1 3 1200000 0 4", "cat 1 2 600000 0 3", "dan 1 2 1200000 0 3"]);
    let answer = compare(&sandbox, "a.toml", "b.toml", &["--users", "1"]).unwrap();
    assert_eq!(answer["users"].as_array().unwrap().len(), 1);
}

#[test]
fn users_of_other_columns_are_known_by_their_ids() {
    let sandbox = Sandbox::new();
    let layout = Layout { users: vec![crate::support::ColumnType::Text; 2], ..Layout::default() };
    let event = |user: Option<Value>, device: &str, time: &str| Event {
        users: vec![user, text(device)],
        time: Some(at(time)),
        ..Event::default()
    };
    sandbox.events(
        "events.parquet",
        &layout,
        &[event(text("ann"), "phone", "10:00"), event(text("ann"), "phone", "10:01"), event(None, "tv", "10:02")],
    );
    write_job(&sandbox, "a.toml", "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n");
    let users = "[input]\npath = 'data'\nuser = ['user_id', 'device_id']\n[session]\ntimeout = '30m'\n";
    write_job(&sandbox, "b.toml", users);
    let answer = compare(&sandbox, "a.toml", "b.toml", &[]).unwrap();
    assert_eq!(kinds(&answer), [("unchanged".to_owned(), 1, 1), ("new".to_owned(), 0, 1)]);
    assert_eq!((&answer["passes"], &answer["totals"]["rejected"]["a"]), (&2.into(), &1.into()));
}
