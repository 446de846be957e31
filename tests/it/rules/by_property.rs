//! Section 3, custom: property.

use super::*;

#[test]
fn a_property_groups_the_events_of_a_user() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "10:01")
        .order("b")
        .view("ann", "10:02") // sessions of two values may overlap
        .order("a")
        .view("bob", "10:00")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:02 2 property", "ann 10:01..10:01 1 property", "bob 10:00..10:00 1 property"])
        .each(properties, vec![text("a"), text("b"), text("a")]);
}

#[test]
fn an_event_with_a_null_or_empty_property_is_out_of_session() {
    under(by_order())
        .view("ann", "10:00")
        .view("ann", "10:00")
        .order("")
        .view("ann", "10:00")
        .order("none") // only a session id is no value when it is `none` or `-1`
        .view("ann", "10:00")
        .order("-1")
        .run()
        .out_of_session([("no_property", 2)])
        .each(properties, vec![text("-1"), text("none")]);
}

#[test]
fn an_integer_property_stays_an_integer() {
    under(by_order())
        .view("ann", "10:00")
        .order_number(10)
        .view("ann", "10:00")
        .order_number(9)
        .view("ann", "10:00")
        .order_number(-1)
        .view("ann", "10:00")
        .run()
        .out_of_session([("no_property", 1)])
        .each(properties, vec![Some(int(-1)), Some(int(9)), Some(int(10))]);
}

#[test]
fn the_session_id_as_property_has_to_be_valid() {
    let by_session_id = Definition { property: Some(SESSION_ID.to_owned()), ..nothing() };
    under(by_session_id)
        .view("ann", "10:00")
        .view("ann", "10:00")
        .id(-1)
        .view("ann", "10:00")
        .id(at_ms("09:00"))
        .run()
        .sessions(["ann 10:00..10:00 1 property"]) // it starts at its first event, not at the id
        .session_ids([int(at_ms("10:00"))])
        .out_of_session([("no_property", 2)])
        .each(properties, vec![Some(int(at_ms("09:00")))]);
}

#[test]
fn the_session_id_as_text_property_has_to_be_valid() {
    let by_session_id = Definition { property: Some(SESSION_ID.to_owned()), ..nothing() };
    under(by_session_id)
        .view("ann", "10:00")
        .text_id("none")
        .view("ann", "10:00")
        .text_id("-1")
        .view("ann", "10:00")
        .text_id("")
        .view("ann", "10:00")
        .text_id("abc")
        .run()
        .out_of_session([("no_property", 3)])
        .each(properties, vec![text("abc")]);
}

#[test]
fn a_timeout_beside_a_property_splits_within_its_value() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..by_order() };
    under(definition)
        .view("ann", "10:00")
        .order("a")
        .view("ann", "10:20") // of another order: bridges nothing
        .order("b")
        .view("ann", "10:40")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:20..10:20 1 end_of_data", "ann 10:40..10:40 1 end_of_data"]);
}

#[test]
fn an_ending_event_ends_only_the_session_of_its_property_value() {
    let definition = Definition { property: Some(PROPERTY.to_owned()), ..ending(&["close"]) };
    under(definition)
        .view("ann", "10:00")
        .order("a")
        .event("ann", "10:01", "close")
        .order("b")
        .view("ann", "10:02")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:02 2 end_of_data", "ann 10:01..10:01 1 end_event"]);
}
