//! Section 3, custom: a new value of a column begins a session.

use super::*;
use crate::reference::{KEEP, PLATFORM};

fn on_change(columns: &[&str]) -> Definition {
    Definition { new_on_change: columns.iter().map(ToString::to_string).collect(), ..nothing() }
}

#[test]
fn a_new_value_begins_a_session_and_null_and_empty_are_no_values() {
    under(on_change(&[PLATFORM]))
        .view("ann", "10:00")
        .view("ann", "10:01")
        .on("google")
        .view("ann", "10:02")
        .view("ann", "10:03")
        .on("")
        .view("ann", "10:04")
        .on("google")
        .view("ann", "10:05")
        .on("mail")
        .view("ann", "10:06")
        .view("ann", "10:07")
        .on("google")
        .run()
        .sessions(["ann 10:00..10:04 5 change", "ann 10:05..10:06 2 change", "ann 10:07..10:07 1 end_of_data"]);
}

#[test]
fn a_value_is_forgotten_after_a_silence_that_cuts_and_after_max_length() {
    // The silence cuts anyway; what comes after it is compared with nothing before it.
    under(Definition { timeout: Some(30 * MINUTE), ..on_change(&[PLATFORM]) })
        .view("ann", "10:00")
        .on("google")
        .view("ann", "10:30")
        .view("ann", "10:31")
        .on("mail")
        .view("ann", "10:32")
        .on("google")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:30..10:31 2 change", "ann 10:32..10:32 1 end_of_data"]);
    let within = |last: &str| {
        under(Definition { max_length: Some(Limit::Of(HOUR)), ..on_change(&[PLATFORM]) })
            .view("ann", "10:00")
            .on("google")
            .view("ann", "10:30")
            .view("ann", last)
            .on("mail")
            .run()
    };
    within("11:00").sessions(["ann 10:00..10:30 2 change", "ann 11:00..11:00 1 end_of_data"]);
    // An hour and a microsecond later it is not new, and the session is too long.
    within("11:00:00.000001").sessions([]);
}

#[test]
fn what_else_cuts_forgets_nothing() {
    under(Definition {
        at_midnight: Some(AtMidnight::Split),
        end_event: ending(&["close"]).end_event,
        ..on_change(&[PLATFORM])
    })
    .view("ann", "23:57")
    .on("google")
    .event("ann", "23:58", "close")
    .view("ann", "23:59")
    .view("ann", "2026-01-06 00:00")
    .on("google")
    .view("ann", "2026-01-06 00:01")
    .on("mail")
    .run()
    .sessions([
        "ann 23:57..23:58 2 end_event",
        "ann 23:59..23:59 1 midnight",
        "ann 2026-01-06 00:00..2026-01-06 00:00 1 change",
        "ann 2026-01-06 00:01..2026-01-06 00:01 1 end_of_data",
    ]);
    // Also over a date without a value.
    under(Definition { at_midnight: Some(AtMidnight::Split), max_gap: Some(Limit::Never), ..on_change(&[PLATFORM]) })
        .view("ann", "23:58")
        .on("google")
        .view("ann", "2026-01-06 00:01")
        .view("ann", "2026-01-06 00:02")
        .on("mail")
        .run()
        .sessions([
            "ann 23:58..23:58 1 midnight",
            "ann 2026-01-06 00:01..2026-01-06 00:01 1 change",
            "ann 2026-01-06 00:02..2026-01-06 00:02 1 end_of_data",
        ]);
}

#[test]
fn a_session_opened_by_a_change_has_to_open_with_a_starting_event() {
    under(Definition { start_event: starting(&["open"]).start_event, ..on_change(&[PLATFORM]) })
        .event("ann", "10:00", "open")
        .on("google")
        .view("ann", "10:01")
        .on("mail")
        .event("ann", "10:02", "open")
        .on("google")
        .event("ann", "10:03", "open")
        .on("google")
        .run()
        .sessions(["ann 10:00..10:00 1 change", "ann 10:02..10:02 1 start_event", "ann 10:03..10:03 1 end_of_data"])
        .out_of_session([("no_start", 1)]);
}

#[test]
fn any_of_several_columns_cuts_and_each_is_compared_with_its_own() {
    under(on_change(&[PLATFORM, KEEP]))
        .view("ann", "10:00")
        .on("google")
        .keep(1)
        .view("ann", "10:01")
        .keep(2)
        .view("ann", "10:02")
        .on("google")
        .view("ann", "10:03")
        .on("mail")
        .keep(2)
        .run()
        .sessions(["ann 10:00..10:00 1 change", "ann 10:01..10:02 2 change", "ann 10:03..10:03 1 end_of_data"]);
}

#[test]
fn of_events_at_one_time_values_ascend() {
    let story = |definition: Definition| {
        under(definition)
            .view("ann", "10:00")
            .on("b")
            .unique("y")
            .view("ann", "10:00")
            .on("a")
            .unique("z")
            .view("ann", "10:00")
            .on("b")
            .unique("x")
            .view("ann", "10:01")
            .on("b")
            .run()
    };
    story(on_change(&[PLATFORM])).sessions(["ann 10:00..10:00 1 change", "ann 10:00..10:01 3 end_of_data"]);
    // With unique ids, in their order: b, b, a.
    story(deduplicated(on_change(&[PLATFORM]))).sessions([
        "ann 10:00..10:00 2 change",
        "ann 10:00..10:00 1 change",
        "ann 10:01..10:01 1 end_of_data",
    ]);
}

#[test]
fn of_repeats_at_one_time_the_smallest_value_of_each_column_stays() {
    under(deduplicated(on_change(&[PLATFORM, KEEP])))
        .view("ann", "10:00")
        .on("mail")
        .keep(1)
        .unique("x")
        .view("ann", "10:00")
        .on("google")
        .keep(2)
        .unique("x")
        .view("ann", "10:01")
        .on("google")
        .keep(1)
        .run()
        .sessions(["ann 10:00..10:01 2 end_of_data"]);
}

#[test]
fn values_are_those_of_the_group() {
    under(Definition { new_on_change: on_change(&[PLATFORM]).new_on_change, ..by_order() })
        .view("ann", "10:00")
        .order("a")
        .on("google")
        .view("ann", "10:01")
        .order("b")
        .on("mail")
        .view("ann", "10:02")
        .order("a")
        .on("google")
        .view("ann", "10:03")
        .order("a")
        .on("mail")
        .run()
        .sessions(["ann 10:00..10:02 2 change", "ann 10:01..10:01 1 end_of_data", "ann 10:03..10:03 1 end_of_data"]);
}

#[test]
fn numbers_may_be_watched() {
    let numbers = under(on_change(&[PROPERTY]))
        .view("ann", "10:00")
        .order_number(7)
        .view("ann", "10:01")
        .order_number(7)
        .view("ann", "10:02")
        .order_number(0);
    numbers.run().sessions(["ann 10:00..10:01 2 change", "ann 10:02..10:02 1 end_of_data"]);
}

#[test]
fn a_flag_says_so_and_no_columns_are_as_if_not_written() {
    let story = || under(nothing()).view("ann", "10:00").on("a").view("ann", "10:01").on("b");
    let sessions = |story: Story| story.by_program_alone().sessions.len();
    let timeout = || story().line("session", "timeout = '30m'");
    assert_eq!(sessions(timeout().line("session", "new_on_change = []")), 1);
    assert_eq!(sessions(timeout().argument("--new-on-change=surface")), 2);
    assert_eq!(sessions(timeout().line("session", "new_on_change = 'surface'")), 2);
    // The default definition stays what it is.
    assert_eq!(sessions(story().line("session", "new_on_change = []")), 0);
}

#[test]
fn what_is_wrong_with_it_is_named() {
    for (keys, words) in [
        ("new_on_change = ['surfcae']", ["session.new_on_change", "surface"]),
        ("new_on_change = ['order_id']\nproperty = 'order_id'", ["session.new_on_change", "session.property"]),
        ("new_on_change = ['']", ["session.new_on_change", "empty"]),
        ("new_on_change = 5", ["session.new_on_change", "utm_campaign"]),
        ("new_on_change = ['surface']\nlength_from = 'first_event'", ["session.length_from", "custom"]),
    ] {
        under(nothing()).line("session", keys).view("ann", "10:00").fails(2, &words);
    }
}
