//! Sessions of no length, without activity, with gaps, and too long ones.

use super::{event, sound, with_events, with_text_ids, within};
use crate::reference::Event;

/// The sound events and these.
fn and(more: &[Event]) -> Vec<Event> {
    [sound(), more.to_vec()].concat()
}

fn zero_length(events: &[Event], arguments: &[&str]) -> Vec<(String, u64)> {
    let said = with_events(events).asks(arguments);
    let causes = said.causes("zero_length");
    assert_eq!(causes.values().sum::<u64>(), said.figure("zero_length").0);
    causes.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}

fn one(name: &str) -> Vec<(String, u64)> {
    vec![(name.to_owned(), 1)]
}

#[test]
fn sessions_with_a_length_have_no_cause() {
    assert_eq!(zero_length(&sound(), &[]), []);
    assert_eq!(zero_length(&sound(), &["--timeout", "30m"]), []);
}

#[test]
fn a_single_event_has_no_length() {
    let single = and(&[within("12:00", "ann", "12:00", "view")]);
    assert_eq!(zero_length(&single, &[]), one("single_event"));
    assert_eq!(zero_length(&single, &["--timeout", "30m"]), one("single_event"));
}

#[test]
fn a_lone_start_event_is_told_apart_from_a_single_event() {
    let start = and(&[within("12:00", "ann", "12:00", "session_start")]);
    assert_eq!(zero_length(&start, &[]), one("only_start"));
    let said = with_events(&start).asks(&[]);
    assert_eq!(said.command("zero_length"), "dwell run --input data --inactive session_start --output out");
    assert_eq!(zero_length(&start, &["--session-start-event", "hello"]), one("single_event"));
}

#[test]
fn events_all_at_one_time_have_no_length() {
    let same = and(&[event("ann", "12:00", "view"), event("ann", "12:00", "click")]);
    assert_eq!(zero_length(&same, &["--timeout", "30m"]), one("one_time"));
    let apart = and(&[event("ann", "12:00", "view"), event("ann", "12:00:00.001", "click")]);
    assert_eq!(zero_length(&apart, &["--timeout", "30m"]), []);
    // By text ids, too, which are no times.
    let said = with_text_ids(&["a"]).asks(&[]);
    assert_eq!(said.causes("zero_length"), [("single_event", 1)].into());
}

#[test]
fn an_id_later_than_its_events_is_clock_skew() {
    let skewed = and(&[within("12:00", "ann", "11:50", "view"), within("12:00", "ann", "11:58", "view")]);
    assert_eq!(zero_length(&skewed, &[]), one("clock_skew"));
    let until_id = and(&[within("12:00", "ann", "11:50", "view"), within("12:00", "ann", "12:00", "view")]);
    assert_eq!(zero_length(&until_id, &[]), one("clock_skew"));
    // Measured from its first event, it has a length.
    assert_eq!(zero_length(&skewed, &["--length-from", "first_event"]), []);
    let before_and_after = and(&[within("12:00", "ann", "11:50", "view"), within("12:00", "ann", "12:05", "view")]);
    assert_eq!(zero_length(&before_and_after, &[]), []);
}

#[test]
fn events_sent_with_the_start_as_their_time_have_no_length() {
    let all = and(&[within("12:00", "ann", "12:00", "view"), within("12:00", "ann", "12:00", "click")]);
    assert_eq!(zero_length(&all, &[]), one("start_as_time"));
    let some = and(&[within("12:00", "ann", "12:00", "view"), within("12:00", "ann", "12:01", "click")]);
    assert_eq!(zero_length(&some, &[]), []);
}

#[test]
fn the_users_with_most_are_given_as_examples() {
    let mut events = sound();
    for (user, sessions) in [("a", 1), ("b", 3), ("c", 2), ("d", 1), ("e", 1), ("f", 1), ("g", 2)] {
        let times = (0..sessions).map(|hour| format!("{}:00", 12 + hour));
        events.extend(times.map(|time| within(&time, user, &time, "view")));
    }
    let said = with_events(&events).asks(&[]);
    let users = said.users("zero_length", "single_event");
    assert_eq!(users, [("b", 3), ("c", 2), ("g", 2), ("a", 1), ("d", 1)]);
    assert_eq!((said.figure("zero_length"), said.level("zero_length")), ((11, 13), "notice"));
}

#[test]
fn sessions_of_start_and_end_events_alone_are_without_activity() {
    let bare = |name: &str, user: &str| within("12:00", user, "12:00", name);
    let events = and(&[
        bare("session_start", "ann"),
        bare("[Amplitude] End Session", "bob"),
        bare("session_start", "cid"),
        within("12:00", "cid", "12:05", "session_end"),
        bare("session_start", "dan"),
        within("12:00", "dan", "12:05", "view"),
    ]);
    let said = with_events(&events).asks(&[]);
    assert_eq!(said.figure("without_activity"), (3, 6));
    let expected = [("only_starts", 1), ("only_ends", 1), ("starts_and_ends", 1)];
    assert_eq!(said.causes("without_activity"), expected.into());
    assert_eq!(said.users("without_activity", "starts_and_ends"), [("cid", 1)]);
    assert!(said.command("without_activity").contains("--inactive '[Amplitude] End Session' --inactive session_end"));
    // The names that are given are the only ones.
    let named = ["--session-start-event", "open", "--session-end-event", "view"];
    let said = with_events(&events).asks(&named);
    assert_eq!(said.causes("without_activity"), [("starts_and_ends", 2)].into());
    assert_eq!(with_events(&sound()).asks(&[]).figure("without_activity"), (0, 2));
}

#[test]
fn sessions_of_inactive_events_alone_are_counted_by_type() {
    let events = and(&[
        within("12:00", "ann", "12:00", "push"),
        within("12:00", "ann", "12:01", "hidden"),
        within("13:00", "bob", "13:00", "push"),
        within("13:00", "bob", "13:01", "view"),
    ]);
    let said = with_events(&events).asks(&["--inactive", "push", "--inactive", "hidden"]);
    assert_eq!(said.figure("of_inactive_events"), (1, 4));
    assert_eq!(said.causes("of_inactive_events"), [("push", 1)].into());
    assert_eq!(said.figure("inactive_events"), (3, 8));
    assert_eq!(said.causes("inactive_events"), [("hidden", 1), ("push", 2)].into());
    let said = with_events(&sound()).asks(&["--inactive", "psuh"]);
    assert_eq!((said.figure("of_inactive_events").0, said.level("inactive_events")), (0, "notice"));
}

#[test]
fn a_push_that_bridges_two_visits_shows_as_what_ended_the_gap() {
    let visit = |session: &str, time: &str, name: &str| within(session, "ann", time, name);
    let events = and(&[
        visit("12:00", "12:00", "view"),
        visit("12:00", "12:31", "push"),
        visit("12:00", "12:37", "view"),
        visit("14:00", "14:00", "view"),
        visit("14:00", "14:06", "view"),
        visit("15:00", "15:05", "view"),
        visit("16:00", "16:06", "late"),
    ]);
    let said = with_events(&events).asks(&[]);
    // 31 and 6 minutes; the third has five from its id to its only event, and the last six.
    assert_eq!(said.figure("gaps"), (3, 6));
    assert_eq!(said.causes("gaps"), [("gap", 2), ("long_gap", 1)].into());
    assert_eq!(said.by("gaps", "event that ended the longest gap"), ["late 1 3", "push 1 3", "view 1 3"]);
    assert_eq!((said.figure("long_gaps"), said.level("long_gaps")), ((1, 6), "warning"));
    assert_eq!(said.by("long_gaps", "event that ended the longest gap"), ["push 1 1"]);
    assert_eq!(with_events(&sound()).asks(&[]).figure("long_gaps"), (0, 2));
    // A timeout of half an hour leaves no longer gap, and the question is another one.
    let said = with_events(&events).asks(&["--timeout", "30m"]);
    assert_eq!(said.finding("gaps")["causes"].as_array().unwrap().len(), 1);
    assert!(said.left_out().contains(&"long_sessions: long gaps in sessions".to_owned()));
    // 12:31 to 12:37, and 14:00 to 14:06.
    assert_eq!(said.figure("gaps").0, 2);
}

#[test]
fn sessions_over_a_day_are_excluded_and_their_users_named() {
    let mut events = sound();
    events.extend([within("10:00", "bot", "10:00", "view"), within("10:00", "bot", "2026-01-06 10:00:00.001", "view")]);
    let said = with_events(&events).asks(&["--where", "keep IS NULL"]);
    assert_eq!((said.figure("excluded"), said.level("excluded")), ((1, 3), "warning"));
    assert_eq!(said.users("excluded", "excluded"), [("bot", 1)]);
    assert_eq!(
        said.command("excluded"),
        "dwell run --input data --where '(keep IS NULL) AND user_id <> '\\''bot'\\''' --output out"
    );
    events.pop();
    events.push(within("10:00", "bot", "2026-01-06 10:00", "view"));
    assert_eq!(with_events(&events).asks(&[]).figure("excluded"), (0, 3));
}

#[test]
fn a_user_with_far_more_events_than_others_is_named() {
    let mut events: Vec<Event> = (0..1000)
        .map(|second| within("10:00", "bot", &format!("10:{:02}:{:02}", second / 60, second % 60), "view"))
        .collect();
    let people = |users: usize| (0..users).map(|user| within("10:00", &format!("u{user:03}"), "10:01", "view"));
    events.extend(people(100));
    let said = with_events(&events).asks(&[]);
    assert_eq!((said.figure("busiest_users"), said.level("busiest_users")), ((1004, 1100), "notice"));
    assert_eq!(said.causes("busiest_users")["bot"], 1000);
    events.remove(0);
    assert_eq!(with_events(&events).asks(&[]).level("busiest_users"), "fine");
}
