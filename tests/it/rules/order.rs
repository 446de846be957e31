//! Section 2, step 5: order.

use super::*;

#[test]
fn rows_need_not_be_in_order_of_time() {
    under(timeout(30 * MINUTE))
        .view("ann", "10:40")
        .view("ann", "10:00")
        .view("ann", "10:20")
        .run()
        .sessions(["ann 10:00..10:40 3 end_of_data"]);
}

#[test]
fn at_one_time_starting_events_come_first_and_ending_events_last() {
    // By their names alone they would come as close, open, view.
    under(from_open_to_close())
        .event("ann", "10:00", "close")
        .view("ann", "10:00")
        .event("ann", "10:00", "open")
        .run()
        .sessions(["ann 10:00..10:00 3 end_event"])
        .ends([("open", "close")]);
}

#[test]
fn at_one_time_and_rank_events_are_in_order_of_the_bytes_of_their_type() {
    under(timeout(MINUTE))
        .event("ann", "10:00", "é")
        .event("ann", "10:00", "Zoom")
        .event("ann", "10:00", "apply")
        .run()
        .ends([("Zoom", "é")]);
}

#[test]
fn at_one_time_a_null_type_comes_before_an_empty_one() {
    under(timeout(MINUTE)).event("ann", "10:00", "").view("ann", "10:00").untyped().run().ends([("-", "")]);
}

#[test]
fn sequence_decides_before_rank_and_type() {
    let sequenced = Definition { sequence: true, ..from_open_to_close() };
    under(sequenced)
        .event("ann", "10:00", "open")
        .sequence(2)
        .event("ann", "10:00", "close")
        .sequence(1)
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data"])
        .ends([("open", "open")])
        .out_of_session([("no_start", 1)]);
}

#[test]
fn a_null_sequence_comes_first() {
    let sequenced = Definition { sequence: true, ..timeout(MINUTE) };
    under(sequenced).event("ann", "10:00", "a").sequence(-5).event("ann", "10:00", "b").run().ends([("b", "a")]);
}

#[test]
fn time_decides_before_sequence() {
    let sequenced = Definition { sequence: true, ..timeout(MINUTE) };
    under(sequenced)
        .event("ann", "10:00:01", "late")
        .sequence(1)
        .event("ann", "10:00:00", "early")
        .sequence(2)
        .run()
        .ends([("early", "late")]);
}

#[test]
fn a_sequence_column_the_job_does_not_name_decides_nothing() {
    under(timeout(MINUTE))
        .event("ann", "10:00", "a")
        .sequence(2)
        .event("ann", "10:00", "b")
        .sequence(1)
        .run()
        .ends([("a", "b")]);
}
