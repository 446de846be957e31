//! Section 1: what rules below rest on.

use super::*;

#[test]
fn the_first_user_column_that_is_neither_null_nor_empty_wins() {
    let layout = Layout { users: vec![ColumnType::Text, ColumnType::Text], ..Layout::default() };
    let visit = |user: Option<Value>, device: Option<Value>| Event {
        users: vec![user, device],
        time: Some(at("10:00")),
        ..Event::default()
    };
    under(timeout(MINUTE))
        .layout(layout)
        .row(visit(text("ann"), text("phone")))
        .row(visit(None, text("ann")))
        .row(visit(text(""), text("tablet")))
        .row(visit(text(""), None))
        .run()
        .sessions(["ann 10:00..10:00 2 end_of_data", "tablet 10:00..10:00 1 end_of_data"])
        .rejected([("no_user", 1)]);
}

#[test]
fn user_columns_of_mixed_types_become_text() {
    let layout = Layout { users: vec![ColumnType::Int, ColumnType::Text], ..Layout::default() };
    let visit = |user: Option<i64>, device: &str| Event {
        users: vec![user.map(int), text(device)],
        time: Some(at("10:00")),
        ..Event::default()
    };
    under(timeout(MINUTE))
        .layout(layout)
        .row(visit(Some(7), "phone"))
        .row(visit(None, "7"))
        .row(visit(None, "10"))
        .run()
        .each(
            |told| told.sessions.iter().map(|row| (row.user_id.clone(), row.event_count)).collect::<Vec<_>>(),
            vec![(word("10"), 1), (word("7"), 2)],
        );
}

#[test]
fn integer_users_stay_integers_and_are_sorted_as_numbers() {
    let layout = Layout { users: vec![ColumnType::Int], ..Layout::default() };
    let visit = |user: i64| Event { users: vec![Some(int(user))], time: Some(at("10:00")), ..Event::default() };
    under(timeout(MINUTE)).layout(layout).row(visit(10)).row(visit(9)).row(visit(-1)).run().each(
        |told| told.activity.iter().map(|row| row.user_id.clone()).collect::<Vec<_>>(),
        vec![int(-1), int(9), int(10)],
    );
}

#[test]
fn times_are_floored_to_microseconds() {
    // The nanosecond column holds some nanoseconds more than each time of the story.
    let layout = Layout { time: TimeType::Timestamp(Unit::Nanos, false), ..Layout::default() };
    under(timeout(MINUTE))
        .layout(layout)
        .view("ann", "10:00:00.000001")
        .view("ann", "10:01:00.000001")
        .view("ann", "10:02:00")
        .run()
        .sessions(["ann 10:00:00.000001..10:00:00.000001 1 timeout", "ann 10:01:00.000001..10:02 2 end_of_data"]);
}

#[test]
fn without_an_event_column_all_types_are_null() {
    let layout = Layout { without: vec!["event_type"], ..Layout::default() };
    under(timeout(MINUTE)).layout(layout).view("ann", "10:00").untyped().run().ends([("-", "-")]);
}

#[test]
fn a_missing_event_column_that_a_start_event_needs_is_an_error() {
    let layout = Layout { without: vec!["event_type"], ..Layout::default() };
    under(starting(&["open"])).layout(layout).view("ann", "10:00").fails(2, &["event_type"]);
}

#[test]
fn a_missing_session_id_column_under_the_default_definition_is_an_error() {
    let layout = Layout { without: vec!["session_id"], ..Layout::default() };
    by_default().layout(layout).view("ann", "10:00").fails(2, &["session_id"]);
}
