//! What is said of senders: servers whose events have no session of their own device, telephones, second user columns,
//! and exports whose columns are known.

use super::{event, from, sound, with_events, with_id, within};
use crate::cells::{ints, table, texts, times};
use crate::reference::Event;
use crate::support::{at_ms, text, write_batch, Layout, Sandbox};

const LIBRARY: [&str; 2] = ["--library", "order_id"];
const PLATFORM: [&str; 2] = ["--platform", "order_id"];

fn clock(minute: i64) -> String {
    format!("{:02}:{:02}", 8 + minute / 60, minute % 60)
}

/// So many events of a server, each with a session id of its own.
fn one_by_one(library: &str, events: i64) -> Vec<Event> {
    let one = |minute: i64| from(library, within(&clock(minute), &format!("u{minute}"), &clock(minute), "mail"));
    (0..events).map(one).collect()
}

/// Visits of ten minutes.
fn visits(library: &str, visits: i64) -> Vec<Event> {
    let visit = |minute: i64| {
        let user = format!("v{minute}");
        [clock(minute), clock(minute + 10)].map(|time| from(library, within(&clock(minute), &user, &time, "view")))
    };
    (0..visits).flat_map(visit).collect()
}

#[test]
fn a_server_whose_events_are_sessions_of_their_own_is_named_with_the_way_out() {
    let said = with_events(&[visits("ios/8.0", 100), one_by_one("http/2", 200)].concat()).asks(&LIBRARY);
    assert_eq!((said.figure("zero_length"), said.level("zero_length")), ((200, 300), "warning"));
    assert_eq!(said.causes("zero_length"), [("single_event", 200)].into());
    assert_eq!(said.by("zero_length", "order_id"), ["http/2 200 200"]);
    let meaning = said.finding("zero_length")["meaning"].as_str().unwrap();
    for word in ["http/2 (order_id)", "200 of 200 sessions", "a server sends without the session id of the device"] {
        assert!(meaning.contains(word), "no {word:?} in {meaning}");
    }
    let fix = said.finding("zero_length")["fix"].as_str().unwrap();
    assert!(fix.contains("pass the device's session id along") && fix.contains("--timeout 30m"), "{fix}");
    assert_eq!(
        said.command("zero_length"),
        "dwell run --input data --where 'order_id <> '\\''http/2'\\''' --output out"
    );
}

#[test]
fn visits_of_one_event_are_no_warning_where_others_of_the_same_sender_have_a_length() {
    let events = [visits("web", 30), one_by_one("web", 70)].concat();
    let said = with_events(&events).asks(&LIBRARY);
    assert_eq!((said.figure("zero_length"), said.level("zero_length")), ((70, 100), "notice"));
    assert_eq!(said.by("zero_length", "order_id"), ["web 70 100"]);
    assert_eq!(said.command("zero_length"), "");
    // Of a few nothing can be said.
    let said = with_events(&[visits("web", 30), one_by_one("http", 19)].concat()).asks(&LIBRARY);
    assert_eq!(said.level("zero_length"), "notice");
    assert!(!said.finding("zero_length")["meaning"].as_str().unwrap().contains("server"));
    // And of no column, nothing by it.
    let said = with_events(&events).asks(&[]);
    assert_eq!(said.finding("zero_length")["breakdowns"].as_array().unwrap().len(), 0);
}

#[test]
fn a_sender_that_minus_one_dominates_is_a_warning_however_small_its_part() {
    let server = |minute: i64| from("http", with_id(-1, event("ann", &clock(minute), "mail")));
    let events = [visits("web", 50), (0..2).map(server).collect()].concat();
    let said = with_events(&events).asks(&LIBRARY);
    assert_eq!((said.figure("minus_one"), said.level("minus_one")), ((2, 102), "warning"));
    let fix = said.finding("minus_one")["fix"].as_str().unwrap();
    assert!(fix.contains("pass the device's session id along") && fix.contains("order_id <> 'http'"), "{fix}");
    // One among many of a sender is not.
    let lost = from("web", with_id(-1, event("ann", "08:00", "mail")));
    let said = with_events(&[visits("web", 50), vec![lost]].concat()).asks(&LIBRARY);
    assert_eq!(said.level("minus_one"), "fine");
}

/// So many visits on a platform that a push after a quarter of an hour keeps alive, among others without one.
fn pushed(platform: &str, with: i64, without: i64) -> Vec<Event> {
    let visit = |minute: i64| {
        let (user, session) = (format!("p{minute}"), clock(minute));
        let mut events = vec![(0, "open"), (1, "view"), (2, "view"), (3, "view")];
        events.extend((minute < with).then_some((18, "push_received")));
        let one = |(after, name)| from(platform, within(&session, &user, &clock(minute + after), name));
        events.into_iter().map(one).collect::<Vec<_>>()
    };
    (0..with + without).flat_map(visit).collect()
}

#[test]
fn gaps_on_telephones_that_one_type_ends_are_a_warning_with_the_way_out() {
    let said = with_events(&[pushed("iOS", 14, 86), visits("web", 50)].concat()).asks(&PLATFORM);
    assert_eq!((said.figure("gaps"), said.level("gaps")), ((64, 150), "warning"));
    assert_eq!(said.by("gaps", "order_id"), ["web 50 50", "iOS 14 100"]);
    let meaning = said.finding("gaps")["meaning"].as_str().unwrap();
    for word in ["14.0 % of the sessions on mobile platforms", "push_received ended 100.0 %", "several visits"] {
        assert!(meaning.contains(word), "no {word:?} in {meaning}");
    }
    assert_eq!(said.command("gaps"), "dwell run --input data --inactive push_received --output out");
    assert!(said.finding("gaps")["fix"].as_str().unwrap().contains("--timeout 5m"));
    // What people do themselves ends sessions at a shorter silence.
    let returned = pushed("android", 14, 86)
        .into_iter()
        .map(|event| Event { event: event.event.map(|name| name.replace("push_received", "view")), ..event });
    let said = with_events(&returned.collect::<Vec<_>>()).asks(&PLATFORM);
    assert_eq!(said.level("gaps"), "warning");
    assert_eq!(said.command("gaps"), "dwell gaps --input data");
}

#[test]
fn gaps_elsewhere_are_fine_but_where_one_type_ends_more_than_its_share() {
    let said = with_events(&visits("web", 50)).asks(&PLATFORM);
    assert_eq!((said.figure("gaps"), said.level("gaps")), ((50, 50), "fine"));
    for flags in [&PLATFORM[..], &[]] {
        let said = with_events(&pushed("web", 14, 86)).asks(flags);
        assert_eq!((said.figure("gaps"), said.level("gaps")), ((14, 100), "notice"));
        assert!(said.command("gaps").contains("--inactive push_received"), "{}", said.command("gaps"));
    }
}

// ---- A second user column ----------------------------------------------------------------------------------

/// A visit of a device in which someone signs in, and one in which nobody does.
fn signing_in() -> Sandbox {
    let device = |user: Option<&str>, session: &str, time: &str| Event {
        users: vec![user.and_then(text), text("d1")],
        ..within(session, "", time, "view")
    };
    let events = [
        device(None, "10:00", "10:00"),
        device(Some("ann"), "10:00", "10:01"),
        device(None, "12:00", "12:00"),
        device(None, "12:00", "12:02"),
        device(Some("ann"), "14:00", "14:00"),
        device(Some(""), "14:00", "14:01"),
        device(Some("ann"), "16:00", "16:00"),
    ];
    let sandbox = Sandbox::new();
    let layout = Layout { users: vec![crate::support::ColumnType::Text; 2], ..Layout::default() };
    sandbox.events("events.parquet", &layout, &events);
    sandbox
}

#[test]
fn a_second_user_column_is_recommended_with_the_visits_that_it_cuts() {
    let said = signing_in().asks(&[]);
    let fix = said.finding("rows")["fix"].as_str().unwrap();
    assert!(fix.contains("name a second user column") && fix.contains("that cuts 2 of 3 visits in two"), "{fix}");
    assert!(said.command("rows").contains("--user user_id --user device_id"), "{}", said.command("rows"));
}

#[test]
fn a_job_with_a_second_user_column_is_told_how_many_visits_it_cuts() {
    let sandbox = signing_in();
    let said = sandbox.asks(&["--user", "user_id", "--user", "device_id"]);
    assert_eq!((said.figure("cut_at_sign_in"), said.level("cut_at_sign_in")), ((2, 3), "notice"));
    assert_eq!(
        said.command("cut_at_sign_in"),
        "dwell identify --input data --user user_id --user device_id --device device_id --output aliases"
    );
    // By a silence, too: all but the last two hours apart.
    let said = sandbox.asks(&["--user", "user_id", "--user", "device_id", "--timeout", "30m"]);
    assert_eq!(said.figure("cut_at_sign_in"), (2, 3));
    assert!(with_events(&sound()).asks(&[]).findings().all(|finding| finding["finding"] != "cut_at_sign_in"));
}

// ---- Ids in another unit -----------------------------------------------------------------------------------

fn in_unit(per_milli: (i64, i64)) -> Vec<Event> {
    let id = |session: &str| at_ms(session) * per_milli.0 / per_milli.1;
    sound()
        .into_iter()
        .zip(["10:00", "10:00", "11:00", "11:00"])
        .map(|(event, session)| with_id(id(session), event))
        .collect()
}

#[test]
fn ids_in_another_unit_are_answered_with_the_key_that_reads_them() {
    let units = [("s", "seconds", (1, 1000)), ("us", "microseconds", (1000, 1)), ("ns", "nanoseconds", (1_000_000, 1))];
    for (unit, words, per_milli) in units {
        let sandbox = with_events(&in_unit(per_milli));
        let said = sandbox.asks(&[]);
        assert_eq!((said.figure("session_id_form"), said.level("session_id_form")), ((4, 4), "warning"), "{unit}");
        assert_eq!(said.command("session_id_form"), format!("dwell run --input data --id-unit {unit} --output out"));
        let fix = said.finding("session_id_form")["fix"].as_str().unwrap();
        assert!(fix.contains(words) && fix.contains("session.id_unit"), "{fix}");
        let said = sandbox.asks(&["--id-unit", unit]);
        assert_eq!((said.figure("session_id_form"), said.level("session_id_form")), ((0, 4), "fine"), "{unit}");
        // Where no session starts at its id, it is all the same.
        assert_eq!(sandbox.asks(&["--length-from", "first_event"]).level("session_id_form"), "fine");
    }
    let said = with_events(&sound()).asks(&["--id-unit", "s"]);
    assert_eq!(said.causes("session_id_form"), [("milliseconds", 4)].into());
    assert_eq!(said.command("session_id_form"), "dwell run --input data --id-unit ms --output out");
    // Half and half: no one unit reads both.
    let mixed = [in_unit((1, 1000))[..2].to_vec(), sound()[2..].to_vec()].concat();
    let said = with_events(&mixed).asks(&[]);
    assert_eq!((said.figure("session_id_form"), said.command("session_id_form")), ((2, 4), ""));
}

// ---- A source that is recognised ---------------------------------------------------------------------------

fn amplitude() -> Sandbox {
    let ids = ints(["10:00", "10:00", "11:00"].map(at_ms));
    let batch = table([
        ("amplitude_id", ints([7, 7, 7])),
        ("user_id", texts(["ann"; 3])),
        ("session_id", ids),
        ("$insert_id", texts(["a", "b", "c"])),
        ("event_id", ints([1, 2, 3])),
        ("event_type", texts(["view"; 3])),
        ("client_event_time", times(["10:00", "10:04", "11:00"])),
    ]);
    let sandbox = Sandbox::new();
    write_batch(&sandbox.path().join("data/events.parquet"), 1000, &batch);
    sandbox
}

#[test]
fn an_export_whose_columns_are_known_is_named_with_the_source_and_what_it_has_otherwise() {
    let sandbox = amplitude();
    let said = sandbox.asks(&["--user", "user_id"]);
    assert_eq!((said.figure("source"), said.level("source")), ((3, 6), "notice"));
    let keys: Vec<&str> = said.causes("source").into_keys().collect();
    assert_eq!(keys, ["input.dedup", "input.sequence", "input.user"]);
    assert_eq!(said.command("source"), "dwell doctor --input data --source amplitude");
    let names_none = |flags: &[&str]| {
        let said = sandbox.asks(flags);
        assert!(said.findings().all(|finding| finding["finding"] != "source"), "{flags:?}");
    };
    names_none(&["--source", "amplitude"]);
    names_none(&["--source", "amplitude", "--user", "user_id"]);
    // The same keys by hand.
    sandbox.job(
        "[input]\npath = 'data'\nuser = 'amplitude_id'\ndedup = '$insert_id'\nsequence = 'event_id'\n[output]\npath = 'out'\n",
    );
    let ran = sandbox.dwell(&["doctor", "job.toml", "--format", "json"]);
    assert!(!ran.expect_code(0).stdout.contains("--source amplitude"), "{}", ran.stdout);
    // A table of nobody's is nobody's.
    assert!(with_events(&sound()).asks(&[]).findings().all(|finding| finding["finding"] != "source"));
}
