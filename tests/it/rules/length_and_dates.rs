//! Section 3: max_length, dates, bounds.

use super::*;

#[test]
fn a_session_of_exactly_a_day_is_kept() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2026-01-06 10:00")
        .order("a")
        .run()
        .sessions(["ann 10:00..2026-01-06 10:00 2 property"])
        .lengths_ms([86_400_000])
        .excluded(0);
}

#[test]
fn a_session_one_microsecond_over_a_day_is_excluded_and_its_events_stay_active() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2026-01-06 10:00:00.000001")
        .order("a")
        .run()
        .sessions([])
        .excluded(1)
        .activity(["2026-01-05 ann 1 [10]", "2026-01-06 ann 1 [10]"])
        .each(|told| (told.counts.in_session, told.counts.sessions), (2, 0));
}

#[test]
fn max_length_bounds_the_length_from_the_session_id() {
    under(Definition { max_length: Some(Limit::Of(HOUR)), ..nothing() })
        .view("ann", "10:00")
        .id(at_ms("09:00"))
        .view("bob", "10:00:00.000001")
        .id(at_ms("09:00"))
        .run()
        .sessions(["ann 09:00..10:00 1 session_id"])
        .excluded(1);
}

#[test]
fn max_length_none_lifts_the_bound() {
    under(of_any_length(by_order()))
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2026-01-08 10:00")
        .order("a")
        .run()
        .sessions(["ann 10:00..2026-01-08 10:00 2 property"]);
}

#[test]
fn a_session_over_midnight_is_whole_and_stands_on_its_first_day() {
    under(timeout(30 * MINUTE))
        .view("ann", "23:50")
        .view("ann", "2026-01-06 00:10")
        .run()
        .sessions(["ann 23:50..2026-01-06 00:10 2 end_of_data"])
        .dates(["2026-01-05"])
        .activity(["2026-01-05 ann 1 [23]", "2026-01-06 ann 1 [0]"]);
}

#[test]
fn a_session_at_midnight_stands_on_the_day_that_begins() {
    under(timeout(SECOND))
        .view("ann", "23:59:59")
        .view("ann", "2026-01-06 00:00")
        .run()
        .dates(["2026-01-05", "2026-01-06"]);
}

#[test]
fn a_session_stands_on_the_date_of_its_id_where_it_starts_there() {
    by_default()
        .view("ann", "2026-01-06 00:10")
        .id(at_ms("23:50"))
        .run()
        .dates(["2026-01-05"])
        .activity(["2026-01-06 ann 1 [0]"]);
}

#[test]
fn dates_are_those_of_the_output_zone() {
    under(in_zone("America/Sao_Paulo", timeout(MINUTE)))
        .view("ann", "02:30") // 23:30 of the day before
        .view("ann", "03:00")
        .run()
        .dates(["2026-01-04", "2026-01-05"])
        .activity(["2026-01-04 ann 1 [23]", "2026-01-05 ann 1 [0]"]);
}

#[test]
fn since_and_until_bound_the_dates_of_both_tables_inclusively() {
    let bounds = Definition { since: Some(date(2026, 1, 5)), until: Some(date(2026, 1, 6)), ..timeout(MINUTE) };
    under(bounds)
        .view("ann", "2026-01-04 10:00")
        .view("ann", "10:00")
        .view("ann", "2026-01-06 10:00")
        .view("ann", "2026-01-07 10:00")
        .run()
        .dates(["2026-01-05", "2026-01-06"])
        .activity(["2026-01-05 ann 1 [10]", "2026-01-06 ann 1 [10]"])
        .each(|told| (told.counts.outside_window, told.counts.in_session, told.counts.sessions), (2, 2, 2));
}

#[test]
fn events_outside_the_bounds_still_take_part_in_sessions() {
    let bounds = Definition { since: Some(date(2026, 1, 5)), until: Some(date(2026, 1, 5)), ..timeout(HOUR) };
    under(bounds)
        .view("ann", "2026-01-04 23:50") // a session of the 4th that runs into the 5th
        .view("ann", "00:10")
        .view("ann", "23:50") // a session of the 5th that runs into the 6th
        .view("ann", "2026-01-06 00:10")
        .run()
        .sessions(["ann 23:50..2026-01-06 00:10 2 end_of_data"])
        .activity(["2026-01-05 ann 2 [0, 23]"])
        .each(|told| (told.counts.outside_window, told.counts.in_session, told.counts.sessions), (2, 2, 1));
}

#[test]
fn from_and_to_bound_the_dates_of_one_run() {
    let window = Definition { from: Some(date(2026, 1, 5)), to: Some(date(2026, 1, 5)), ..timeout(HOUR) };
    under(window)
        .view("ann", "2026-01-04 23:50")
        .view("ann", "00:10")
        .view("ann", "12:00")
        .view("ann", "2026-01-06 10:00")
        .run()
        .sessions(["ann 12:00..12:00 1 timeout"]);
}

#[test]
fn sessions_outside_the_bounds_are_not_counted() {
    let bounds = Definition { since: Some(date(2026, 1, 5)), ..by_order() };
    under(bounds)
        .view("ann", "2026-01-02 10:00") // longer than a day
        .order("a")
        .view("ann", "2026-01-04 10:00")
        .order("a")
        .view("ann", "2026-01-03 10:00") // zero-length
        .order("b")
        .view("bob", "2026-01-03 10:00")
        .order("a")
        .run()
        .sessions([])
        .excluded(0)
        .each(|told| (told.counts.zero_length_sessions, told.counts.users), (0, 0));
}
