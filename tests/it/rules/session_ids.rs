//! Section 4: session ids.

use super::*;

#[test]
fn a_custom_session_id_is_the_start_in_milliseconds_floored() {
    under(timeout(MINUTE)).view("ann", "10:00:00.001999").run().session_ids([int(at_ms("10:00") + 1)]);
}

#[test]
fn custom_sessions_of_one_user_in_one_millisecond_take_the_next_free_ones() {
    let now = at_ms("10:00");
    under(starting(&["open"]))
        .event("ann", "10:00:00.000100", "open")
        .event("ann", "10:00:00.000200", "open")
        .event("ann", "10:00:00.001000", "open") // its own is taken by the one before
        .event("ann", "10:00:00.003000", "open")
        .event("bob", "10:00:00.000100", "open")
        .run()
        .session_ids([int(now), int(now + 1), int(now + 2), int(now + 3), int(now)]);
}

#[test]
fn custom_session_ids_are_taken_in_order_of_start_then_property_value() {
    under(by_order())
        .view("ann", "10:00:00.000001")
        .order("b")
        .view("ann", "10:00:00.000001")
        .order("c")
        .view("ann", "10:00:00.000002")
        .order("a")
        .run()
        .session_ids([0, 1, 2].map(|after| int(at_ms("10:00") + after)))
        .each(properties, vec![text("b"), text("c"), text("a")]);
}

#[test]
fn property_values_decide_before_the_order_in_a_group() {
    let definition = Definition { property: Some(PROPERTY.to_owned()), ..ending(&["close"]) };
    under(definition)
        .event("ann", "09:00", "close")
        .order("a")
        .view("ann", "10:00") // the second of its group
        .order("a")
        .view("ann", "10:00") // the first of its group
        .order("b")
        .run()
        .session_ids([int(at_ms("09:00")), int(at_ms("10:00")), int(at_ms("10:00") + 1)])
        .each(properties, vec![text("a"), text("a"), text("b")]);
}

#[test]
fn custom_sessions_with_one_start_and_property_value_take_ids_in_order_of_their_group() {
    under(ending(&["close", "quit"]))
        .event("ann", "10:00", "quit")
        .event("ann", "10:00", "close")
        .run()
        .session_ids([int(at_ms("10:00")), int(at_ms("10:00") + 1)])
        .ends([("close", "close"), ("quit", "quit")]);
}

#[test]
fn where_a_date_has_no_millisecond_left_the_largest_free_one_before_is_taken() {
    let last = at_ms("23:59:59.999");
    under(starting(&["open"]))
        .event("ann", "23:59:59.998000", "open")
        .event("ann", "23:59:59.999000", "open")
        .event("ann", "23:59:59.999100", "open")
        .event("ann", "23:59:59.999200", "open")
        .event("ann", "2026-01-06 00:00:00.000000", "open") // the next date begins afresh
        .run()
        .session_ids([-3, -2, -1, 0, 1].map(|after| int(last + after)))
        .each(
            |told| told.sessions.iter().map(|row| row.start_time % SECOND / 100).collect::<Vec<_>>(),
            vec![9_992, 9_991, 9_980, 9_990, 0],
        )
        .dates(["2026-01-05", "2026-01-05", "2026-01-05", "2026-01-05", "2026-01-06"]);
}

#[test]
fn the_last_millisecond_of_a_date_is_that_of_the_output_zone() {
    let last = at_ms("22:59:59.999");
    under(in_zone("Europe/Paris", starting(&["open"])))
        .event("ann", "22:59:59.999", "open")
        .event("ann", "22:59:59.999", "open")
        .event("ann", "23:00", "open")
        .run()
        .session_ids([-1, 0, 1].map(|after| int(last + after)))
        .dates(["2026-01-05", "2026-01-05", "2026-01-06"]);
}

#[test]
fn an_excluded_session_takes_no_id() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2026-01-07 10:00") // two days long
        .order("a")
        .view("ann", "10:00")
        .order("b")
        .run()
        .session_ids([int(at_ms("10:00"))])
        .each(properties, vec![text("b")]);
}
