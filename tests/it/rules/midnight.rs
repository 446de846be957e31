//! Section 3, custom: sessions that end at midnight.

use super::*;

fn midnight() -> Definition {
    Definition { at_midnight: Some(AtMidnight::Split), ..nothing() }
}

#[test]
fn a_session_ends_at_midnight() {
    under(Definition { at_midnight: midnight().at_midnight, ..timeout(30 * MINUTE) })
        .view("ann", "23:50")
        .view("ann", "23:59:59.999999")
        .view("ann", "2026-01-06 00:00")
        .view("ann", "2026-01-06 00:10")
        .run()
        .sessions(["ann 23:50..23:59:59.999999 2 midnight", "ann 2026-01-06 00:00..2026-01-06 00:10 2 end_of_data"]);
}

#[test]
fn with_join_a_session_runs_over_midnight() {
    under(Definition { at_midnight: Some(AtMidnight::Join), ..timeout(30 * MINUTE) })
        .view("ann", "23:50")
        .view("ann", "2026-01-06 00:10")
        .run()
        .sessions(["ann 23:50..2026-01-06 00:10 2 end_of_data"]);
}

#[test]
fn midnight_alone_makes_a_session_of_each_date() {
    under(midnight())
        .view("ann", "00:00")
        .view("ann", "23:00")
        .view("ann", "2026-01-07 12:00")
        .run()
        .sessions(["ann 00:00..23:00 2 midnight", "ann 2026-01-07 12:00..2026-01-07 12:00 1 end_of_data"]);
}

#[test]
fn a_silence_is_told_before_midnight_and_midnight_before_the_next_start() {
    under(Definition { at_midnight: midnight().at_midnight, ..timeout(30 * MINUTE) })
        .view("ann", "23:50")
        .view("ann", "2026-01-06 00:20")
        .run()
        .sessions(["ann 23:50..23:50 1 timeout", "ann 2026-01-06 00:20..2026-01-06 00:20 1 end_of_data"]);
    under(Definition { at_midnight: midnight().at_midnight, ..starting(&["open"]) })
        .event("ann", "23:50", "open")
        .event("ann", "2026-01-06 00:20", "open")
        .run()
        .sessions(["ann 23:50..23:50 1 midnight", "ann 2026-01-06 00:20..2026-01-06 00:20 1 end_of_data"]);
}

#[test]
fn the_rest_of_a_session_after_midnight_is_out_of_session_where_starts_are_needed() {
    under(Definition { at_midnight: midnight().at_midnight, ..starting(&["open"]) })
        .event("ann", "23:50", "open")
        .view("ann", "2026-01-06 00:05")
        .run()
        .sessions(["ann 23:50..23:50 1 midnight"])
        .out_of_session([("no_start", 1)]);
}

#[test]
fn the_last_session_ends_at_midnight_where_the_input_goes_on_after_it() {
    under(midnight())
        .view("ann", "10:00")
        .view("bob", "2026-01-06 00:00")
        .run()
        .sessions(["ann 10:00..10:00 1 midnight", "bob 2026-01-06 00:00..2026-01-06 00:00 1 end_of_data"]);
}

#[test]
fn midnight_is_that_of_the_output_time_zone() {
    under(Definition { timezone: Some("Europe/Paris".to_owned()), ..midnight() })
        .view("ann", "22:59:59")
        .view("ann", "23:00")
        .run()
        .sessions(["ann 22:59:59..22:59:59 1 midnight", "ann 23:00..23:00 1 end_of_data"]);
}

#[test]
fn a_property_beside_midnight_is_no_property_alone() {
    under(Definition { at_midnight: midnight().at_midnight, ..by_order() })
        .view("ann", "23:50")
        .order("a")
        .view("ann", "2026-01-06 00:10")
        .order("a")
        .run()
        .sessions(["ann 23:50..23:50 1 midnight", "ann 2026-01-06 00:10..2026-01-06 00:10 1 end_of_data"]);
}
