//! Why the sessions table is empty or small, and whether servers send session ids.

use super::{event, from, sound, with_events, with_id, with_text_ids, within};
use crate::reference::{Event, YEAR_2000};
use crate::support::{at_ms, text};

#[test]
fn nothing_is_wrong_with_a_table_where_nothing_is() {
    let said = with_events(&sound()).asks(&[]);
    for name in ["rows", "events_out_of_session", "sessions_left_out", "session_id_form", "zero_length", "gaps"] {
        assert_eq!((said.figure(name).0, said.level(name)), (0, "fine"), "{name}");
        assert!(said.causes(name).is_empty(), "{name}");
        assert!(said.finding(name)["fix"].is_null(), "{name}");
    }
    assert_eq!(said.0["level"], "fine");
    assert_eq!((said.0["sessions"].as_u64(), said.0["users"].as_u64()), (Some(2), Some(2)));
}

#[test]
fn missing_session_ids_are_told_apart() {
    let null = event("cid", "12:00", "mail");
    let said = with_events(&[sound(), vec![null, with_id(-1, event("cid", "12:01", "mail"))]].concat()).asks(&[]);
    assert_eq!(said.figure("events_out_of_session"), (2, 6));
    assert_eq!(said.causes("events_out_of_session"), [("null_id", 1), ("minus_one", 1)].into());
    assert_eq!(said.by("events_out_of_session", "event_type"), ["mail 2 2"]);
    assert_eq!(said.by("events_out_of_session", "day"), ["2026-01-05 2 6"]);
    assert!(said.command("events_out_of_session").starts_with("dwell gaps --input data"));
    let said = with_text_ids(&["a", "", "none", "none", "-1", "a"]).asks(&[]);
    let expected = [("empty_id", 1), ("none_id", 2), ("minus_one", 1)];
    assert_eq!(said.causes("events_out_of_session"), expected.into());
}

#[test]
fn events_too_far_from_their_id_are_stale() {
    let late = within("10:00", "ann", "2026-01-12 10:00", "view");
    let said = with_events(&[sound(), vec![late]].concat()).asks(&[]);
    assert_eq!(said.causes("events_out_of_session"), [("stale_id", 1)].into());
    assert_eq!(said.by("events_out_of_session", "day"), ["2026-01-12 1 1"]);
    let kept = within("10:00", "ann", "2026-01-12 09:59", "view");
    let said = with_events(&[sound(), vec![kept]].concat()).asks(&[]);
    assert_eq!(said.figure("events_out_of_session"), (0, 5));
}

#[test]
fn no_sessions_at_all_is_a_warning() {
    let said = with_events(&[event("ann", "10:00", "view")]).asks(&[]);
    assert_eq!((said.level("rows"), said.figure("rows")), ("warning", (1, 1)));
    let said = with_events(&[]).asks(&[]);
    assert_eq!((said.level("rows"), said.figure("rows")), ("warning", (0, 0)));
    assert!(said.finding("rows")["meaning"].as_str().unwrap().contains("no rows"));
}

#[test]
fn each_step_from_rows_to_events_is_counted_with_its_key() {
    let mut rows: Vec<Event> = sound().into_iter().map(|event| Event { keep: Some(1), ..event }).collect();
    let first = rows[0].clone();
    let odd = |change: fn(&mut Event)| {
        let mut event = first.clone();
        change(&mut event);
        event
    };
    rows.push(odd(|event| event.keep = Some(0)));
    rows.push(odd(|event| event.users = vec![None]));
    rows.push(odd(|event| event.time = None));
    rows.push(odd(|event| event.time = Some(YEAR_2000 - 1)));
    rows.push(odd(|event| event.event = Some("push".to_owned())));
    rows.extend([odd(|event| event.dedup = Some("x".to_owned())), odd(|event| event.dedup = Some("x".to_owned()))]);
    let said = with_events(&rows).asks(&["--where", "keep > 0", "--inactive", "push", "--dedup", "insert_id"]);
    let causes = said.causes("rows");
    let each = ["filtered", "no_user", "no_time", "time_out_of_range", "inactive", "duplicates"];
    assert_eq!(causes, each.map(|cause| (cause, 1)).into());
    assert_eq!(said.figure("rows"), (6, 11));
    assert_eq!(said.figure("duplicates"), (1, 7));
}

#[test]
fn dates_outside_of_the_output_are_counted() {
    let sandbox = with_events(&[sound(), vec![within("2026-01-09 10:00", "ann", "2026-01-09 10:00", "view")]].concat());
    sandbox.job("[input]\npath = 'data'\n[output]\nuntil = 2026-01-08\n");
    let ran = sandbox.dwell(&["doctor", "job.toml", "--format", "json"]);
    let said = super::Said(serde_json::from_str(&ran.expect_code(0).stdout).unwrap());
    assert_eq!(said.causes("rows"), [("outside_dates", 1)].into());
    assert_eq!(said.causes("sessions_left_out"), [("outside_dates", 1)].into());
}

#[test]
fn ids_in_another_unit_are_recognised() {
    let ms = at_ms("10:00");
    let each = |id: i64| with_events(&[with_id(id, event("ann", "10:00", "view"))]).asks(&[]);
    for (id, name, level) in [
        (ms / 1000, "seconds", "warning"),
        (ms * 1000, "microseconds", "warning"),
        (ms * 1_000_000, "nanoseconds", "warning"),
        (7, "other_numbers", "notice"),
    ] {
        let said = each(id);
        assert_eq!(said.causes("session_id_form"), [(name, 1)].into());
        assert_eq!(said.level("session_id_form"), level, "{name}");
    }
    assert_eq!(each(ms).figure("session_id_form"), (0, 1));
    let said = with_text_ids(&["a1", "1767607200", "1767607200000"]).asks(&[]);
    assert_eq!(said.causes("session_id_form"), [("text", 1), ("seconds", 1)].into());
}

#[test]
fn servers_that_send_no_session_ids_are_named() {
    let server = |minute: i64| from("http/2", with_id(-1, event("ann", &format!("12:{minute}"), "mail")));
    let web = sound().into_iter().map(|event| from("web/1", event));
    let events: Vec<Event> = web.chain([server(10), server(11)]).collect();
    let said = with_events(&events).asks(&["--library", "order_id"]);
    assert_eq!((said.figure("minus_one"), said.level("minus_one")), ((2, 6), "warning"));
    assert_eq!(said.by("minus_one", "order_id"), ["http/2 2 2"]);
    assert!(said.finding("minus_one")["meaning"].as_str().unwrap().contains("http/2"));
    let sound: Vec<Event> = sound().into_iter().map(|event| from("web/1", event)).collect();
    let said = with_events(&sound).asks(&["--library", "order_id", "--platform", "order_id"]);
    assert_eq!((said.figure("minus_one"), said.level("minus_one")), ((0, 4), "fine"));
    assert_eq!(said.by("events_out_of_session", "order_id"), Vec::<String>::new());
}

#[test]
fn what_makes_no_sense_under_a_custom_definition_is_left_out() {
    let said = with_events(&sound()).asks(&["--timeout", "5m"]);
    assert_eq!(
        said.left_out(),
        [
            "few_sessions: what session ids look like",
            "no_activity: sessions of inactive events",
            "long_sessions: gaps in sessions",
            "server_events: session ids by sender",
            "soundness: duplicates",
            "soundness: devices of a user at once",
            "soundness: sessions that overlap",
            "soundness: lateness",
        ]
    );
    let causes = said.finding("zero_length")["causes"].as_array().unwrap().len();
    assert_eq!(causes, 3, "neither clock skew nor the id's own time");
}

#[test]
fn events_that_a_custom_definition_puts_in_no_session_have_its_reasons() {
    let unnamed = event("ann", "10:20", "view");
    let named = |time: &str, name: &str| from("o1", event("ann", time, name));
    let rows =
        [named("09:00", "view"), named("10:00", "open"), named("10:01", "close"), named("10:02", "open"), unnamed];
    let sandbox = with_events(&rows);
    sandbox.job(
        "[input]\npath = 'data'\n[session]\nproperty = 'order_id'\nstart_event = 'open'\nend_event = 'close'\n\
         unclosed = 'drop'\n",
    );
    let ran = sandbox.dwell(&["doctor", "job.toml", "--format", "json"]);
    let said = super::Said(serde_json::from_str(&ran.expect_code(0).stdout).unwrap());
    let expected = [("no_start", 1), ("unclosed", 1), ("no_property", 1)];
    assert_eq!(said.causes("events_out_of_session"), expected.into());
    assert_eq!(said.figure("events_out_of_session"), (3, 5));
}

#[test]
fn a_second_user_column_is_offered_where_a_device_is_known() {
    let mut nobody = event("ann", "10:00", "view");
    nobody.users = vec![None, text("d1")];
    let layout = crate::support::Layout { users: vec![crate::support::ColumnType::Text; 2], ..Default::default() };
    let sandbox = crate::support::Sandbox::new();
    let mut events = vec![nobody];
    events.extend(sound());
    sandbox.events("events.parquet", &layout, &events);
    let said = sandbox.asks(&[]);
    assert_eq!(said.causes("rows"), [("no_user", 1)].into());
    let expected = "dwell run --input data --user user_id --user device_id --output out";
    assert_eq!(said.command("rows"), expected);
    let typed: Vec<&str> = expected.split(' ').skip(1).collect();
    sandbox.dwell(&typed).expect_code(0);
    assert_eq!(crate::cells::number(&sandbox.out(), "rejected.no_user"), 0);
}
