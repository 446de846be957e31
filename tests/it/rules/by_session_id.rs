//! Section 3, default definition.

use super::*;

#[test]
fn events_of_one_user_and_session_id_are_one_session() {
    by_default()
        .view("ann", "10:00")
        .id(1)
        .view("ann", "10:05")
        .id(2)
        .view("ann", "10:10") // sessions may overlap
        .id(1)
        .run()
        .sessions(["ann 10:00..10:10 2 session_id", "ann 10:05..10:05 1 session_id"])
        .session_ids([int(1), int(2)]);
}

#[test]
fn two_users_may_have_the_same_session_id() {
    by_default()
        .view("ann", "10:00")
        .id(1)
        .view("bob", "10:00")
        .id(1)
        .run()
        .sessions(["ann 10:00..10:00 1 session_id", "bob 10:00..10:00 1 session_id"]);
}

#[test]
fn null_and_minus_one_are_no_session_ids() {
    by_default()
        .view("ann", "10:00")
        .view("ann", "10:01")
        .id(-1)
        .view("ann", "10:02")
        .id(0)
        .view("ann", "10:03")
        .id(-2)
        .run()
        .out_of_session([("no_session_id", 2)])
        .session_ids([int(-2), int(0)]);
}

#[test]
fn minus_one_as_text_the_empty_text_and_none_are_no_session_ids() {
    by_default()
        .view("ann", "10:00")
        .text_id("-1")
        .view("ann", "10:01")
        .text_id("")
        .view("ann", "10:02")
        .text_id("none")
        .view("ann", "10:03")
        .text_id("None") // exactly `none` only
        .view("ann", "10:04")
        .text_id("-1.0")
        .run()
        .out_of_session([("no_session_id", 3)])
        .session_ids([word("-1.0"), word("None")]);
}

#[test]
fn events_out_of_session_still_make_their_user_active() {
    by_default()
        .view("ann", "10:00")
        .run()
        .sessions([])
        .activity(["2026-01-05 ann 1 [10]"])
        .each(|told| told.counts.users, 1);
}

#[test]
fn whole_valued_floats_are_integer_session_ids() {
    by_default()
        .view("ann", "10:00")
        .float_id(at_ms("09:59") as f64)
        .view("ann", "10:01")
        .float_id(7.0)
        .run()
        .sessions(["ann 10:01..10:01 1 session_id", "ann 09:59..10:00 1 session_id"])
        .session_ids([int(7), int(at_ms("09:59"))]);
}

#[test]
fn floats_that_are_minus_one_not_whole_or_no_number_are_no_session_ids() {
    by_default()
        .view("ann", "10:00")
        .float_id(-1.0)
        .view("ann", "10:00")
        .float_id(1.5)
        .view("ann", "10:00")
        .float_id(f64::NAN)
        .view("ann", "10:00")
        .run()
        .sessions([])
        .out_of_session([("no_session_id", 4)]);
}

#[test]
fn text_session_ids_stay_text_and_are_sorted_as_bytes() {
    by_default()
        .view("ann", "10:00")
        .text_id("9")
        .view("ann", "10:00")
        .text_id("10")
        .view("ann", "10:00")
        .text_id("é")
        .view("ann", "10:00")
        .text_id("web-1")
        .run()
        .session_ids([word("10"), word("9"), word("web-1"), word("é")]);
}

#[test]
fn a_session_whose_id_is_a_time_starts_at_its_id() {
    by_default()
        .view("ann", "10:00")
        .id(at_ms("09:59:30"))
        .view("ann", "10:10")
        .id(at_ms("09:59:30"))
        .run()
        .sessions(["ann 09:59:30..10:10 2 session_id"])
        .lengths_ms([630_000]);
}

#[test]
fn digit_text_is_a_time_too() {
    by_default()
        .view("ann", "10:00")
        .text_id(&at_ms("09:59").to_string())
        .run()
        .sessions(["ann 09:59..10:00 1 session_id"])
        .session_ids([word(&at_ms("09:59").to_string())]);
}

#[test]
fn text_with_anything_but_ascii_digits_is_no_time() {
    let id = at_ms("09:59");
    by_default()
        .view("ann", "10:00")
        .text_id(&format!("+{id}"))
        .view("ann", "10:01")
        .text_id(&format!("{id} "))
        .view("ann", "10:02")
        .text_id(&format!("{id}.0"))
        .view("ann", "10:03")
        .text_id("99999999999999999999999")
        .run()
        .sessions([
            "ann 10:00..10:00 1 session_id",
            "ann 10:01..10:01 1 session_id",
            "ann 10:02..10:02 1 session_id",
            "ann 10:03..10:03 1 session_id",
        ]);
}

#[test]
fn an_id_is_a_time_from_2000_on() {
    by_default()
        .view("ann", "2000-01-01 00:00:01")
        .id(946_684_799_999)
        .view("bob", "2000-01-01 00:00:01")
        .id(946_684_800_000)
        .run()
        .sessions([
            "ann 2000-01-01 00:00:01..2000-01-01 00:00:01 1 session_id",
            "bob 2000-01-01 00:00..2000-01-01 00:00:01 1 session_id",
        ]);
}

#[test]
fn an_id_is_a_time_until_2100() {
    let (last, next) = (4_102_444_799_999, 4_102_444_800_000);
    by_default()
        .view("ann", "2099-12-31 23:59:58")
        .id(last) // a time later than its events
        .view("ann", "2099-12-31 23:59:59")
        .id(last)
        .view("bob", "2099-12-31 23:59:58")
        .id(next)
        .view("bob", "2099-12-31 23:59:59")
        .id(next)
        .run()
        .sessions([
            "ann 2099-12-31 23:59:59..2099-12-31 23:59:59 2 session_id",
            "bob 2099-12-31 23:59:58..2099-12-31 23:59:59 2 session_id",
        ]);
}

#[test]
fn a_session_starts_at_its_id_also_when_some_events_are_earlier() {
    by_default()
        .view("ann", "09:58")
        .id(at_ms("10:00"))
        .view("ann", "10:03")
        .id(at_ms("10:00"))
        .run()
        .sessions(["ann 10:00..10:03 2 session_id"])
        .lengths_ms([180_000])
        .each(|told| told.counts.clock_skew_sessions, 0);
}

#[test]
fn an_id_later_than_every_event_starts_and_ends_at_its_last_event() {
    by_default()
        .view("ann", "09:58")
        .id(at_ms("10:00"))
        .view("ann", "09:59")
        .id(at_ms("10:00"))
        .run()
        .sessions(["ann 09:59..09:59 2 session_id"])
        .lengths_ms([0])
        .session_ids([int(at_ms("10:00"))])
        .each(|told| (told.counts.clock_skew_sessions, told.counts.zero_length_sessions), (1, 1));
}

#[test]
fn an_id_at_the_time_of_its_last_event_is_no_clock_skew() {
    by_default()
        .view("ann", "10:00")
        .id(at_ms("10:00"))
        .run()
        .sessions(["ann 10:00..10:00 1 session_id"])
        .each(|told| (told.counts.clock_skew_sessions, told.counts.zero_length_sessions), (0, 1));
}

#[test]
fn an_event_more_than_a_day_before_its_id_is_stale_and_exactly_a_day_is_not() {
    let id = at_ms("2026-01-06 10:00");
    by_default()
        .view("ann", "09:59:59.999999")
        .id(id)
        .view("ann", "10:00")
        .id(id)
        .run()
        .sessions(["ann 10:00..10:00 1 session_id"])
        .out_of_session([("stale_id", 1)]);
}

#[test]
fn an_event_more_than_a_day_before_its_id_is_stale_whatever_max_gap() {
    let id = at_ms("2026-01-06 10:00");
    under(Definition { max_gap: Some(Limit::Never), ..nothing() })
        .view("ann", "09:59:59.999999")
        .id(id)
        .view("bob", "09:59:59.999999")
        .id(id)
        .view("bob", "2026-01-06 10:00")
        .id(id)
        .run()
        .sessions(["bob 2026-01-06 10:00..2026-01-06 10:00 1 session_id"])
        .out_of_session([("stale_id", 2)]);
}

#[test]
fn an_event_max_gap_after_its_id_is_stale_and_one_microsecond_less_is_not() {
    let id = at_ms("10:00");
    under(max_gap(HOUR))
        .view("ann", "10:59:59.999999")
        .id(id)
        .view("ann", "11:00")
        .id(id)
        .run()
        .sessions(["ann 10:00..10:59:59.999999 1 session_id"])
        .out_of_session([("stale_id", 1)]);
}

#[test]
fn max_gap_counts_from_the_id_and_not_from_the_event_before() {
    let id = at_ms("10:00");
    under(max_gap(HOUR))
        .view("ann", "10:30")
        .id(id)
        .view("ann", "11:15") // three quarters of an hour of silence, but too long after the id
        .id(id)
        .run()
        .sessions(["ann 10:00..10:30 1 session_id"])
        .out_of_session([("stale_id", 1)]);
}

#[test]
fn without_max_gap_an_id_is_stale_after_seven_days() {
    let id = at_ms("10:00");
    under(of_any_length(nothing()))
        .view("ann", "2026-01-12 09:59:59.999999")
        .id(id)
        .view("ann", "2026-01-12 10:00")
        .id(id)
        .run()
        .sessions(["ann 10:00..2026-01-12 09:59:59.999999 1 session_id"])
        .out_of_session([("stale_id", 1)]);
}

#[test]
fn with_max_gap_none_an_id_is_never_too_old() {
    let endless = Definition { max_gap: Some(Limit::Never), ..of_any_length(nothing()) };
    under(endless)
        .view("ann", "2026-02-05 10:00")
        .id(at_ms("10:00"))
        .run()
        .sessions(["ann 10:00..2026-02-05 10:00 1 session_id"]);
}

#[test]
fn with_length_from_first_event_a_session_starts_at_its_first_event() {
    let from_first = Definition { length_from: Some(LengthFrom::FirstEvent), ..nothing() };
    under(from_first)
        .view("ann", "10:00")
        .id(at_ms("09:00"))
        .view("ann", "10:10")
        .id(at_ms("09:00"))
        .run()
        .sessions(["ann 10:00..10:10 2 session_id"])
        .lengths_ms([600_000])
        .session_ids([int(at_ms("09:00"))]);
}

#[test]
fn with_length_from_first_event_no_id_is_clock_skew() {
    let from_first = Definition { length_from: Some(LengthFrom::FirstEvent), ..nothing() };
    under(from_first)
        .view("ann", "10:00")
        .id(at_ms("11:00"))
        .view("ann", "10:10")
        .id(at_ms("11:00"))
        .run()
        .sessions(["ann 10:00..10:10 2 session_id"])
        .each(|told| told.counts.clock_skew_sessions, 0);
}

#[test]
fn with_length_from_first_event_all_events_from_the_first_gap_of_max_gap_on_are_stale() {
    let from_first = Definition { length_from: Some(LengthFrom::FirstEvent), ..max_gap(HOUR) };
    let id = at_ms("10:00");
    under(from_first)
        .view("ann", "10:00")
        .id(id)
        .view("ann", "10:59:59.999999")
        .id(id)
        .view("ann", "11:59:59.999999") // the gap
        .id(id)
        .view("ann", "12:00") // close to the event before, but after the gap
        .id(id)
        .run()
        .sessions(["ann 10:00..10:59:59.999999 2 session_id"])
        .out_of_session([("stale_id", 2)]);
}

#[test]
fn a_session_whose_id_is_no_time_starts_at_its_first_event_and_breaks_at_the_first_gap_of_max_gap() {
    under(max_gap(HOUR))
        .view("ann", "10:00")
        .text_id("abc")
        .view("ann", "10:50")
        .text_id("abc")
        .view("ann", "11:40") // long after the first event, but after no long gap
        .text_id("abc")
        .view("ann", "12:40")
        .text_id("abc")
        .view("ann", "12:41")
        .text_id("abc")
        .run()
        .sessions(["ann 10:00..11:40 3 session_id"])
        .out_of_session([("stale_id", 2)]);
}

#[test]
fn with_max_gap_none_a_session_whose_id_is_no_time_never_breaks() {
    let endless = Definition { max_gap: Some(Limit::Never), ..of_any_length(nothing()) };
    under(endless)
        .view("ann", "10:00")
        .id(7)
        .view("ann", "2026-02-05 10:00")
        .id(7)
        .run()
        .sessions(["ann 10:00..2026-02-05 10:00 2 session_id"]);
}

fn ids_in(unit: IdUnit) -> Definition {
    Definition { id_unit: Some(unit), ..nothing() }
}

#[test]
fn an_id_in_another_unit_is_the_start_of_its_session_and_is_kept_as_it_was() {
    let second = at_ms("10:00") / 1_000;
    for (unit, id) in [
        (IdUnit::Seconds, second),
        (IdUnit::Millis, second * 1_000),
        (IdUnit::Micros, second * 1_000_000),
        (IdUnit::Nanos, second * 1_000_000_000 + 999),
    ] {
        let story = || under(ids_in(unit));
        let told = story().view("ann", "09:59").id(id).view("ann", "10:05").id(id).run();
        told.sessions(["ann 10:00..10:05 2 session_id"]).session_ids([int(id)]).lengths_ms([300_000]);
        let told = story().view("ann", "10:05").text_id(&id.to_string()).run();
        told.sessions(["ann 10:00..10:05 1 session_id"]).session_ids([Value::Text(id.to_string())]);
    }
}

#[test]
fn an_id_counts_the_unit_that_is_set_and_no_other() {
    // Milliseconds, where ids count seconds, are a number like any other.
    under(ids_in(IdUnit::Seconds))
        .view("ann", "10:00")
        .id(at_ms("09:00"))
        .view("ann", "10:10")
        .id(at_ms("09:00"))
        .run()
        .sessions(["ann 10:00..10:10 2 session_id"]);
    by_default().view("ann", "10:00").id(at_ms("09:00") / 1_000).run().sessions(["ann 10:00..10:00 1 session_id"]);
}

#[test]
fn stale_ids_and_clock_skew_are_of_the_unit_of_ids() {
    let id = at_ms("2026-01-06 10:00") / 1_000;
    under(ids_in(IdUnit::Seconds))
        .view("ann", "09:59:59.999999")
        .id(id)
        .view("ann", "10:00")
        .id(id)
        .run()
        .sessions(["ann 10:00..10:00 1 session_id"])
        .out_of_session([("stale_id", 1)])
        .each(|told| told.counts.clock_skew_sessions, 1);
    let id = at_ms("10:00") * 1_000;
    under(Definition { id_unit: Some(IdUnit::Micros), ..max_gap(HOUR) })
        .view("ann", "10:59:59.999999")
        .id(id)
        .view("ann", "11:00")
        .id(id)
        .run()
        .sessions(["ann 10:00..10:59:59.999999 1 session_id"])
        .out_of_session([("stale_id", 1)]);
}
