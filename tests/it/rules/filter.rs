//! Section 2, step 1: filter.

use super::*;

#[test]
fn rows_where_the_condition_is_not_true_leave() {
    let kept = Definition { keep_above: Some(0), ..timeout(MINUTE) };
    under(kept)
        .view("ann", "10:00")
        .keep(1)
        .view("bob", "10:00")
        .keep(0)
        .view("cy", "10:00") // null is not true
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data"])
        .activity(["2026-01-05 ann 1 [10]"])
        .each(|told| told.counts.filtered, 2);
}

#[test]
fn filters_act_before_sessions_are_made() {
    let kept = Definition { keep_above: Some(0), ..timeout(30 * MINUTE) };
    under(kept)
        .view("ann", "10:00")
        .keep(1)
        .view("ann", "10:20") // would have bridged the silence
        .keep(0)
        .view("ann", "10:40")
        .keep(1)
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:40..10:40 1 end_of_data"]);
}

#[test]
fn row_groups_that_cannot_match_count_as_filtered_and_still_tell_the_latest_time() {
    let kept = Definition { keep_above: Some(0), ..timeout(30 * MINUTE) };
    under(kept)
        .layout(Layout { rows_per_group: 2, ..Layout::default() })
        .view("ann", "10:00")
        .keep(1)
        .view("ann", "10:01")
        .keep(1)
        .view("ann", "10:02")
        .keep(0)
        .view("bob", "12:00")
        .keep(0)
        .run()
        .sessions(["ann 10:00..10:01 2 timeout"])
        .each(|told| (told.counts.rows, told.counts.filtered), (4, 2));
}

#[test]
fn a_filtered_row_is_not_rejected_as_well() {
    let kept = Definition { keep_above: Some(0), ..timeout(MINUTE) };
    under(kept)
        .view("", "10:00")
        .keep(0)
        .view("ann", "10:00")
        .keep(1)
        .run()
        .rejected([])
        .each(|told| told.counts.filtered, 1);
}
