//! Section 2, step 3: deduplicate.

use super::*;

#[test]
fn a_repeated_id_exactly_dedup_within_older_is_a_duplicate_and_one_microsecond_more_is_not() {
    let within = Definition { dedup_within: Some(HOUR), ..deduplicated(timeout(2 * HOUR)) };
    under(within)
        .view("ann", "10:00")
        .unique("m1")
        .view("ann", "11:00")
        .unique("m1")
        .view("bob", "10:00")
        .unique("m1")
        .view("bob", "11:00:00.000001")
        .unique("m1")
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data", "bob 10:00..11:00:00.000001 2 end_of_data"])
        .each(duplicates, 1);
}

#[test]
fn without_dedup_within_an_id_is_remembered_for_seven_days() {
    under(deduplicated(timeout(MINUTE)))
        .view("ann", "10:00")
        .unique("m1")
        .view("ann", "2026-01-12 10:00")
        .unique("m1")
        .view("bob", "10:00")
        .unique("m1")
        .view("bob", "2026-01-12 10:00:00.000001")
        .unique("m1")
        .run()
        .activity(["2026-01-05 ann 1 [10]", "2026-01-05 bob 1 [10]", "2026-01-12 bob 1 [10]"])
        .each(duplicates, 1);
}

#[test]
fn a_duplicate_is_measured_from_the_repetition_before_it_though_that_was_dropped() {
    under(deduplicated(timeout(MINUTE)))
        .view("ann", "10:00")
        .unique("m1")
        .view("ann", "2026-01-09 10:00")
        .unique("m1")
        .view("ann", "2026-01-13 10:00") // eight days after the first, four after the second
        .unique("m1")
        .run()
        .activity(["2026-01-05 ann 1 [10]"])
        .each(duplicates, 2);
}

#[test]
fn null_and_empty_ids_are_never_duplicates() {
    under(deduplicated(timeout(MINUTE)))
        .view("ann", "10:00")
        .view("ann", "10:00")
        .view("ann", "10:00")
        .unique("")
        .view("ann", "10:00")
        .unique("")
        .run()
        .sessions(["ann 10:00..10:00 4 end_of_data"])
        .each(duplicates, 0);
}

#[test]
fn two_users_may_send_the_same_id() {
    under(deduplicated(timeout(MINUTE)))
        .view("ann", "10:00")
        .unique("m1")
        .view("bob", "10:00")
        .unique("m1")
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data", "bob 10:00..10:00 1 end_of_data"])
        .each(duplicates, 0);
}

#[test]
fn without_dedup_repeated_ids_stay() {
    under(timeout(MINUTE))
        .view("ann", "10:00")
        .unique("m1")
        .view("ann", "10:00")
        .unique("m1")
        .run()
        .sessions(["ann 10:00..10:00 2 end_of_data"]);
}

#[test]
fn of_two_events_with_one_id_the_earlier_in_order_stays_whatever_their_order_in_the_file() {
    under(deduplicated(timeout(MINUTE)))
        .event("ann", "10:00:01", "late")
        .unique("m1")
        .event("ann", "10:00:00", "early")
        .unique("m1")
        .run()
        .ends([("early", "early")]);
}

#[test]
fn of_two_events_with_one_id_at_one_time_the_lower_sequence_stays() {
    let sequenced = Definition { sequence: true, ..deduplicated(timeout(MINUTE)) };
    under(sequenced)
        .event("ann", "10:00", "a")
        .unique("m1")
        .sequence(2)
        .event("ann", "10:00", "b")
        .unique("m1")
        .sequence(1)
        .run()
        .ends([("b", "b")]);
}

#[test]
fn of_two_otherwise_equal_events_with_one_id_the_one_of_the_smaller_session_id_stays() {
    under(deduplicated(nothing()))
        .view("ann", "10:00")
        .unique("m1")
        .id(10)
        .view("ann", "10:00")
        .unique("m1")
        .id(9)
        .view("bob", "10:00")
        .unique("m1")
        .id(7)
        .view("bob", "10:00") // no valid id comes before any
        .unique("m1")
        .id(-1)
        .run()
        .session_ids([int(9)])
        .out_of_session([("no_session_id", 1)])
        .each(duplicates, 2);
}

#[test]
fn a_filtered_event_makes_no_duplicate() {
    let kept = Definition { keep_above: Some(0), ..deduplicated(timeout(MINUTE)) };
    under(kept)
        .view("ann", "10:00")
        .unique("m1")
        .keep(0)
        .view("ann", "10:01")
        .unique("m1")
        .keep(1)
        .run()
        .sessions(["ann 10:01..10:01 1 end_of_data"])
        .each(duplicates, 0);
}

#[test]
fn duplicates_are_dropped_before_inactive_events() {
    under(inactive("push", deduplicated(timeout(MINUTE))))
        .event("ann", "10:00", "push")
        .unique("m1")
        .view("ann", "10:01") // repeats the id of an event that is dropped only later
        .unique("m1")
        .run()
        .sessions([])
        .each(|told| (told.counts.duplicates, told.counts.inactive), (1, 1));
}
