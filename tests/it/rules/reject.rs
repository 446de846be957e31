//! Section 2, step 2: reject.

use super::*;

#[test]
fn a_row_with_a_null_or_empty_user_is_rejected() {
    let nobody = Event { users: vec![None], time: Some(at("10:00")), ..Event::default() };
    under(timeout(MINUTE))
        .row(nobody)
        .view("", "10:00")
        .view(" ", "10:00") // a blank is a user
        .run()
        .rejected([("no_user", 2)])
        .sessions(["  10:00..10:00 1 end_of_data"]);
}

#[test]
fn a_row_with_a_null_or_unreadable_time_is_rejected() {
    let timeless = || Event { users: vec![text("ann")], ..Event::default() };
    under(timeout(MINUTE))
        .layout(Layout { time: TimeType::Iso, ..Layout::default() })
        .row(timeless()) // the first is written as a word, the second as null
        .row(timeless())
        .view("ann", "10:00")
        .run()
        .rejected([("no_time", 2)])
        .sessions(["ann 10:00..10:00 1 end_of_data"]);
}

#[test]
fn a_time_before_2000_is_rejected() {
    under(timeout(MINUTE))
        .view("ann", "1999-12-31 23:59:59.999999")
        .view("ann", "2000-01-01 00:00")
        .run()
        .rejected([("time_out_of_range", 1)])
        .sessions(["ann 2000-01-01 00:00..2000-01-01 00:00 1 end_of_data"]);
}

#[test]
fn a_time_from_2100_on_is_rejected() {
    under(timeout(MINUTE))
        .view("ann", "2099-12-31 23:59:59.999999")
        .view("ann", "2100-01-01 00:00")
        .run()
        .rejected([("time_out_of_range", 1)])
        .sessions(["ann 2099-12-31 23:59:59.999999..2099-12-31 23:59:59.999999 1 end_of_data"]);
}

#[test]
fn min_time_is_the_first_time_in_range_and_max_time_the_first_out_of_it() {
    let range = Definition { min_time: Some(at("10:00")), max_time: Some(at("11:00")), ..timeout(HOUR) };
    under(range)
        .view("ann", "09:59:59.999999")
        .view("ann", "10:00")
        .view("ann", "10:59:59.999999")
        .view("ann", "11:00")
        .run()
        .rejected([("time_out_of_range", 2)])
        .sessions(["ann 10:00..10:59:59.999999 2 end_of_data"]);
}

#[test]
fn a_bare_date_as_min_time_is_its_first_instant_in_utc_whatever_the_zone() {
    let range = Definition { min_time: Some(at("00:00")), ..timeout(MINUTE) };
    under(in_zone("Europe/Paris", range))
        .view("ann", "2026-01-04 23:30") // already the 5th in Paris
        .view("ann", "00:00")
        .run()
        .rejected([("time_out_of_range", 1)])
        .dates(["2026-01-05"]);
}

#[test]
fn a_row_with_several_faults_counts_once_under_the_first() {
    let timeless_nobody = Event { users: vec![None], ..Event::default() };
    under(timeout(MINUTE)).row(timeless_nobody).view("", "1970-01-01 00:00").run().rejected([("no_user", 2)]);
}

#[test]
fn rejected_rows_stop_a_run_only_beyond_the_share_allowed() {
    let one_in_four = || {
        let three = under(timeout(MINUTE)).view("ann", "10:00").view("ann", "10:00").view("ann", "10:00");
        three.view("", "10:00").argument("--max-rejected")
    };
    one_in_four().argument("0.25").run().rejected([("no_user", 1)]);
    one_in_four().argument("0.2").fails(3, &["rejected"]);
}
