//! Section 3, custom: start and end events.

use super::*;

#[test]
fn a_starting_event_opens_a_session_and_the_next_one_ends_it() {
    under(starting(&["open"]))
        .event("ann", "10:00", "open")
        .view("ann", "10:01")
        .event("ann", "10:02", "open")
        .view("ann", "10:03")
        .run()
        .sessions(["ann 10:00..10:01 2 start_event", "ann 10:02..10:03 2 end_of_data"]);
}

#[test]
fn events_before_the_first_starting_event_are_out_of_session() {
    under(starting(&["open"]))
        .view("ann", "09:58")
        .view("ann", "09:59")
        .event("ann", "10:00", "open")
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data"])
        .out_of_session([("no_start", 2)]);
}

#[test]
fn events_after_a_timeout_are_out_of_session_until_the_next_starting_event() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..starting(&["open"]) };
    under(definition)
        .event("ann", "10:00", "open")
        .view("ann", "10:30")
        .view("ann", "10:31")
        .event("ann", "10:32", "open")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:32..10:32 1 end_of_data"])
        .out_of_session([("no_start", 2)]);
}

#[test]
fn any_of_a_list_of_starting_events_opens_a_session() {
    under(starting(&["open", "resume"]))
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "resume")
        .run()
        .sessions(["ann 10:00..10:00 1 start_event", "ann 10:01..10:01 1 end_of_data"]);
}

#[test]
fn with_repeated_start_continue_a_starting_event_in_an_open_session_is_an_ordinary_event() {
    let continued = Definition { repeated_start: Some(RepeatedStart::Continue), ..starting(&["open"]) };
    under(continued)
        .event("ann", "10:00", "open")
        .view("ann", "10:01")
        .event("ann", "10:02", "open")
        .run()
        .sessions(["ann 10:00..10:02 3 end_of_data"]);
}

#[test]
fn with_repeated_start_continue_a_starting_event_opens_a_session_where_none_is_open() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..from_open_to_close() };
    let continued = Definition { repeated_start: Some(RepeatedStart::Continue), ..definition };
    under(continued)
        .view("ann", "09:59") // no session
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "close")
        .event("ann", "10:02", "open")
        .event("ann", "10:32", "open") // after a silence
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:02..10:02 1 timeout", "ann 10:32..10:32 1 end_of_data"])
        .out_of_session([("no_start", 1)]);
}

#[test]
fn with_repeated_start_continue_starting_events_still_come_first_at_one_time() {
    let continued = Definition { repeated_start: Some(RepeatedStart::Continue), ..starting(&["open"]) };
    under(continued)
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "apply")
        .event("ann", "10:01", "open")
        .run()
        .ends([("open", "apply")]);
}

#[test]
fn an_ending_event_ends_its_session_and_the_next_event_opens_one() {
    under(ending(&["close"]))
        .view("ann", "10:00")
        .event("ann", "10:01", "close")
        .view("ann", "10:02")
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:02..10:02 1 end_of_data"]);
}

#[test]
fn any_of_a_list_of_ending_events_ends_a_session_alone_if_need_be() {
    under(ending(&["close", "quit"]))
        .event("ann", "10:00", "close")
        .event("ann", "10:01", "quit")
        .run()
        .sessions(["ann 10:00..10:00 1 end_event", "ann 10:01..10:01 1 end_event"]);
}

#[test]
fn events_between_an_ending_and_the_next_starting_event_are_out_of_session() {
    under(from_open_to_close())
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "close")
        .view("ann", "10:02")
        .event("ann", "10:03", "close")
        .event("ann", "10:04", "open")
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:04..10:04 1 end_of_data"])
        .out_of_session([("no_start", 2)]);
}

#[test]
fn an_unclosed_session_is_kept_by_default() {
    under(Definition { timeout: Some(30 * MINUTE), ..ending(&["close"]) })
        .view("ann", "10:00")
        .view("ann", "10:30")
        .event("ann", "10:31", "close")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:30..10:31 2 end_event"]);
}

#[test]
fn with_unclosed_drop_a_segment_without_an_ending_event_is_no_session() {
    let dropped = Definition { unclosed: Some(Unclosed::Drop), ..ending(&["close"]) };
    under(Definition { timeout: Some(30 * MINUTE), ..dropped })
        .view("ann", "10:00")
        .view("ann", "10:01")
        .view("ann", "10:31")
        .event("ann", "10:32", "close")
        .view("ann", "10:33") // the last one may yet be closed, but is not
        .run()
        .sessions(["ann 10:31..10:32 2 end_event"])
        .out_of_session([("unclosed", 3)]);
}

#[test]
fn a_segment_without_start_and_end_counts_as_without_start() {
    let dropped = Definition { unclosed: Some(Unclosed::Drop), ..from_open_to_close() };
    under(dropped)
        .view("ann", "10:00")
        .event("ann", "10:01", "open")
        .event("ann", "10:02", "open")
        .event("ann", "10:03", "close")
        .run()
        .sessions(["ann 10:02..10:03 2 end_event"])
        .out_of_session([("no_start", 1), ("unclosed", 1)]);
}
