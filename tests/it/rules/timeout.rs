//! Section 3, custom: timeout and silence.

use super::*;

#[test]
fn a_gap_equal_to_the_timeout_splits() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:00")
        .view("ann", "10:30")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:30..10:30 1 end_of_data"]);
}

#[test]
fn a_gap_one_microsecond_below_the_timeout_stays_one_session() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:00")
        .view("ann", "10:29:59.999999")
        .run()
        .sessions(["ann 10:00..10:29:59.999999 2 end_of_data"]);
}

#[test]
fn with_join_a_gap_equal_to_the_timeout_stays_one_session() {
    let join = Definition { gap_equal: Some(GapEqual::Join), ..timeout(30 * MINUTE) };
    under(join).view("ann", "10:00").view("ann", "10:30").run().sessions(["ann 10:00..10:30 2 end_of_data"]);
}

#[test]
fn with_join_a_gap_one_microsecond_above_the_timeout_splits() {
    let join = Definition { gap_equal: Some(GapEqual::Join), ..timeout(30 * MINUTE) };
    under(join)
        .view("ann", "10:00")
        .view("ann", "10:30:00.000001")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:30:00.000001..10:30:00.000001 1 end_of_data"]);
}

#[test]
fn the_timeout_counts_from_the_event_before_and_not_from_the_start() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:00")
        .view("ann", "10:20")
        .view("ann", "10:40")
        .view("ann", "11:00")
        .run()
        .sessions(["ann 10:00..11:00 4 end_of_data"]);
}

#[test]
fn the_silence_of_one_user_ends_no_session_of_another() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:00")
        .view("bob", "10:15")
        .view("ann", "10:29")
        .view("bob", "10:44")
        .run()
        .sessions(["ann 10:00..10:29 2 end_of_data", "bob 10:15..10:44 2 end_of_data"]);
}

#[test]
fn without_a_timeout_a_silence_of_seven_days_splits() {
    under(of_any_length(ending(&["close"])))
        .view("ann", "10:00")
        .view("ann", "2026-01-12 09:59:59.999999")
        .view("ann", "2026-01-19 09:59:59.999999")
        .run()
        .sessions([
            "ann 10:00..2026-01-12 09:59:59.999999 2 timeout",
            "ann 2026-01-19 09:59:59.999999..2026-01-19 09:59:59.999999 1 end_of_data",
        ]);
}

#[test]
fn without_a_timeout_a_silence_of_max_gap_splits() {
    let gap = Definition { max_gap: Some(Limit::Of(HOUR)), ..starting(&["open"]) };
    under(gap)
        .event("ann", "10:00", "open")
        .view("ann", "10:59")
        .view("ann", "11:59")
        .run()
        .sessions(["ann 10:00..10:59 2 timeout"])
        .out_of_session([("no_start", 1)]);
}

#[test]
fn gap_equal_judges_max_gap_like_a_timeout() {
    let gap = Definition { max_gap: Some(Limit::Of(HOUR)), gap_equal: Some(GapEqual::Join), ..by_order() };
    under(gap)
        .view("ann", "10:00")
        .order("a")
        .view("ann", "11:00")
        .order("a")
        .view("ann", "12:00:00.000001")
        .order("a")
        .run()
        .sessions(["ann 10:00..11:00 2 property", "ann 12:00:00.000001..12:00:00.000001 1 property"]);
}

#[test]
fn with_max_gap_none_no_silence_splits() {
    let endless = Definition { max_gap: Some(Limit::Never), ..of_any_length(by_order()) };
    under(endless)
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2027-01-05 10:00")
        .order("a")
        .run()
        .sessions(["ann 10:00..2027-01-05 10:00 2 property"]);
}
