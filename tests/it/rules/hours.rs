//! Section 4: hours and clock changes.

use super::*;

#[test]
fn activity_counts_all_events_by_their_own_date_in_session_or_not() {
    under(starting(&["open"]))
        .view("ann", "08:15") // before any start
        .event("ann", "10:00", "open")
        .view("ann", "10:59:59.999999")
        .view("ann", "11:00")
        .run()
        .activity(["2026-01-05 ann 4 [8, 10, 11]"]);
}

#[test]
fn hours_of_a_day_of_23_hours_count_from_its_first_instant() {
    under(in_zone("Europe/Paris", timeout(MINUTE)))
        .view("ann", "2026-03-28 23:00") // midnight
        .view("ann", "2026-03-29 00:59") // 01:59
        .view("ann", "2026-03-29 01:00") // 03:00, the next minute
        .view("ann", "2026-03-29 21:59") // 23:59
        .view("ann", "2026-03-29 22:00")
        .run()
        .activity(["2026-03-29 ann 4 [0, 1, 2, 22]", "2026-03-30 ann 1 [0]"]);
}

#[test]
fn hours_of_a_day_of_25_hours_count_from_its_first_instant() {
    under(in_zone("Europe/Paris", timeout(MINUTE)))
        .view("ann", "2026-10-24 22:00") // midnight
        .view("ann", "2026-10-25 00:30") // 02:30
        .view("ann", "2026-10-25 01:30") // 02:30 again
        .view("ann", "2026-10-25 22:30") // 23:30
        .view("ann", "2026-10-25 23:00")
        .run()
        .activity(["2026-10-25 ann 4 [0, 2, 3, 24]", "2026-10-26 ann 1 [0]"]);
}

#[test]
fn hours_of_a_day_of_24_and_a_half_hours_count_from_its_first_instant() {
    under(in_zone("Australia/Lord_Howe", timeout(MINUTE)))
        .view("ann", "2026-04-04 13:00") // midnight
        .view("ann", "2026-04-04 15:00") // 01:30 for the second time
        .view("ann", "2026-04-05 13:29") // 23:59
        .view("ann", "2026-04-05 13:30")
        .run()
        .activity(["2026-04-05 ann 3 [0, 2, 24]", "2026-04-06 ann 1 [0]"]);
}

#[test]
fn a_date_whose_midnight_is_skipped_begins_an_hour_later() {
    under(in_zone("America/Sao_Paulo", timeout(MINUTE)))
        .view("ann", "2018-11-04 02:59") // 23:59 of the 3rd
        .view("ann", "2018-11-04 03:00") // 01:00 of the 4th
        .run()
        .activity(["2018-11-03 ann 1 [23]", "2018-11-04 ann 1 [0]"])
        .each(
            |told| told.measures.iter().map(|row| row.interval_start).collect::<Vec<_>>(),
            vec![at("2018-11-03 03:00"), at("2018-11-04 03:00")],
        );
}

#[test]
fn a_date_whose_midnight_would_come_twice_begins_at_the_second() {
    under(in_zone("America/Sao_Paulo", timeout(MINUTE)))
        .view("ann", "2018-02-18 01:59") // 23:59 of the 17th
        .view("ann", "2018-02-18 02:00") // 23:00 of the 17th again
        .view("ann", "2018-02-18 03:00") // 00:00 of the 18th
        .run()
        .activity(["2018-02-17 ann 2 [23, 24]", "2018-02-18 ann 1 [0]"]);
}

#[test]
fn a_clock_change_inside_a_session_does_not_change_its_length() {
    under(in_zone("Europe/Paris", timeout(30 * MINUTE)))
        .view("ann", "2026-03-29 00:50") // 01:50
        .view("ann", "2026-03-29 01:10") // 03:10
        .view("bob", "2026-10-25 00:50") // 02:50
        .view("bob", "2026-10-25 01:10") // 02:10
        .run()
        .lengths_ms([1_200_000, 1_200_000])
        .dates(["2026-03-29", "2026-10-25"]);
}
