//! Section 2, step 4: inactive.

use super::*;

#[test]
fn inactive_events_count_for_nothing() {
    under(inactive("push", timeout(30 * MINUTE)))
        .view("ann", "10:00")
        .event("ann", "10:20", "push") // bridges no silence
        .view("ann", "10:40")
        .event("bob", "10:00", "push") // makes nobody active
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:40..10:40 1 end_of_data"])
        .activity(["2026-01-05 ann 2 [10]"])
        .each(|told| (told.counts.inactive, told.counts.users), (2, 1));
}

#[test]
fn an_event_without_a_type_is_an_ordinary_event() {
    under(inactive("push", timeout(30 * MINUTE)))
        .view("ann", "10:00")
        .untyped()
        .event("ann", "10:01", "")
        .run()
        .sessions(["ann 10:00..10:01 2 end_of_data"])
        .ends([("-", "")]);
}
