//! Section 4: length and end_reason.

use super::*;

#[test]
fn a_length_is_floored_to_milliseconds_and_zero_length_means_zero_of_them() {
    under(timeout(MINUTE))
        .view("ann", "10:00:00.000001")
        .view("ann", "10:00:00.001000")
        .view("bob", "10:00:00.000001")
        .view("bob", "10:00:00.001001")
        .run()
        .lengths_ms([0, 1])
        .each(|told| told.counts.zero_length_sessions, 1);
}

#[test]
fn a_session_of_one_event_is_zero_length() {
    under(timeout(MINUTE)).view("ann", "10:00").run().lengths_ms([0]).each(|told| told.counts.zero_length_sessions, 1);
}

#[test]
fn with_only_a_property_set_every_session_ends_by_property_whatever_cut_it() {
    let gap = Definition { max_gap: Some(Limit::Of(HOUR)), ..by_order() };
    under(gap)
        .view("ann", "10:00")
        .order("a")
        .view("ann", "12:00")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:00 1 property", "ann 12:00..12:00 1 property"]);
}

#[test]
fn an_end_event_is_the_reason_also_where_a_silence_or_a_start_follows() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..from_open_to_close() };
    under(definition)
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "close")
        .event("ann", "10:02", "open")
        .event("ann", "10:03", "close")
        .event("ann", "11:00", "open")
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:02..10:03 2 end_event", "ann 11:00..11:00 1 end_of_data"]);
}

#[test]
fn a_start_after_the_timeout_is_a_timeout() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..starting(&["open"]) };
    under(definition)
        .event("ann", "10:00", "open")
        .event("ann", "10:29:59.999999", "open")
        .event("ann", "10:59:59.999999", "open")
        .run()
        .sessions([
            "ann 10:00..10:00 1 start_event",
            "ann 10:29:59.999999..10:29:59.999999 1 timeout",
            "ann 10:59:59.999999..10:59:59.999999 1 end_of_data",
        ]);
}

#[test]
fn the_last_session_of_a_user_timed_out_where_the_silence_up_to_the_latest_time_cuts() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:00")
        .view("bob", "10:00:00.000001")
        .view("cy", "10:30") // the latest time of the whole input
        .run()
        .sessions([
            "ann 10:00..10:00 1 timeout",
            "bob 10:00:00.000001..10:00:00.000001 1 end_of_data",
            "cy 10:30..10:30 1 end_of_data",
        ]);
}

#[test]
fn the_silence_up_to_the_latest_time_is_judged_by_gap_equal() {
    let join = Definition { gap_equal: Some(GapEqual::Join), ..timeout(30 * MINUTE) };
    under(join).view("ann", "09:59:59.999999").view("bob", "10:00").view("cy", "10:30").run().sessions([
        "ann 09:59:59.999999..09:59:59.999999 1 timeout",
        "bob 10:00..10:00 1 end_of_data",
        "cy 10:30..10:30 1 end_of_data",
    ]);
}

#[test]
fn the_latest_time_is_that_of_filtered_rows_too() {
    let kept = Definition { keep_above: Some(0), ..timeout(30 * MINUTE) };
    under(kept)
        .view("ann", "10:00")
        .keep(1)
        .view("bob", "10:30")
        .keep(0)
        .run()
        .sessions(["ann 10:00..10:00 1 timeout"]);
}

#[test]
fn the_latest_time_is_that_of_inactive_events_and_of_rows_without_user_too() {
    under(inactive("push", timeout(30 * MINUTE)))
        .view("ann", "10:00")
        .event("bob", "10:30", "push")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout"]);
    under(timeout(30 * MINUTE)).view("ann", "10:00").view("", "10:30").run().sessions(["ann 10:00..10:00 1 timeout"]);
}

#[test]
fn a_time_out_of_range_is_not_the_latest_time() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:00")
        .view("bob", "2100-01-01 00:00")
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data"]);
}

#[test]
fn a_session_closed_by_a_silence_of_max_gap_timed_out() {
    under(starting(&["open"]))
        .event("ann", "10:00", "open")
        .view("bob", "2026-01-12 10:00") // seven days later
        .run()
        .sessions(["ann 10:00..10:00 1 timeout"]);
}

#[test]
fn where_no_silence_can_cut_the_last_session_always_ends_with_the_data() {
    let endless = Definition { max_gap: Some(Limit::Never), ..starting(&["open"]) };
    under(endless)
        .event("ann", "10:00", "open")
        .view("bob", "2027-01-05 10:00")
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data"]);
}
