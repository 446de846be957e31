//! One test for each rule of SPEC 2 to 5, named after it. What is expected is written by hand, and holds for the
//! program and for the reference.

use crate::reference::{
    BinRow, Definition, Event, GapEqual, IdUnit, LengthFrom, Limit, Outcome, RepeatedStart, Unclosed, Value, DAY, HOUR,
    MILLI, MINUTE, SECOND, SESSION_ID,
};
use crate::support::{
    at, at_ms, by_default, dated_files, read_metadata, read_parquet, text, under, ColumnType, Layout, Story, TimeType,
    Unit, PROPERTY,
};
use arrow::datatypes::{DataType, TimeUnit};
use jiff::civil::date;
use parquet::basic::Compression;
use parquet::file::reader::{FileReader, SerializedFileReader};

// ---- Definitions, and what stories look at -----------------------------------------------------------------

fn nothing() -> Definition {
    Definition::default()
}

fn timeout(timeout: i64) -> Definition {
    Definition { timeout: Some(timeout), ..nothing() }
}

fn max_gap(max_gap: i64) -> Definition {
    Definition { max_gap: Some(Limit::Of(max_gap)), ..nothing() }
}

fn starting(names: &[&str]) -> Definition {
    Definition { start_event: names.iter().map(ToString::to_string).collect(), ..nothing() }
}

fn ending(names: &[&str]) -> Definition {
    Definition { end_event: names.iter().map(ToString::to_string).collect(), ..nothing() }
}

/// From `open` to `close`.
fn from_open_to_close() -> Definition {
    Definition { end_event: ending(&["close"]).end_event, ..starting(&["open"]) }
}

fn by_order() -> Definition {
    Definition { property: Some(PROPERTY.to_owned()), ..nothing() }
}

fn inactive(name: &str, definition: Definition) -> Definition {
    Definition { inactive: vec![name.to_owned()], ..definition }
}

fn deduplicated(definition: Definition) -> Definition {
    Definition { dedup: true, ..definition }
}

fn in_zone(timezone: &str, definition: Definition) -> Definition {
    Definition { timezone: Some(timezone.to_owned()), ..definition }
}

fn of_any_length(definition: Definition) -> Definition {
    Definition { max_length: Some(Limit::Never), ..definition }
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn word(word: &str) -> Value {
    Value::Text(word.to_owned())
}

fn duplicates(told: &Outcome) -> i64 {
    told.counts.duplicates
}

fn properties(told: &Outcome) -> Vec<Option<Value>> {
    told.sessions.iter().map(|row| row.property.clone()).collect()
}

// ---- Section 1: what rules below rest on -------------------------------------------------------------------

#[test]
fn the_first_user_column_that_is_neither_null_nor_empty_wins() {
    let layout = Layout { users: vec![ColumnType::Text, ColumnType::Text], ..Layout::default() };
    let visit = |user: Option<Value>, device: Option<Value>| Event {
        users: vec![user, device],
        time: Some(at("10:00")),
        ..Event::default()
    };
    under(timeout(MINUTE))
        .layout(layout)
        .row(visit(text("ann"), text("phone")))
        .row(visit(None, text("ann")))
        .row(visit(text(""), text("tablet")))
        .row(visit(text(""), None))
        .run()
        .sessions(["ann 10:00..10:00 2 end_of_data", "tablet 10:00..10:00 1 end_of_data"])
        .rejected([("no_user", 1)]);
}

#[test]
fn user_columns_of_mixed_types_become_text() {
    let layout = Layout { users: vec![ColumnType::Int, ColumnType::Text], ..Layout::default() };
    let visit = |user: Option<i64>, device: &str| Event {
        users: vec![user.map(int), text(device)],
        time: Some(at("10:00")),
        ..Event::default()
    };
    under(timeout(MINUTE))
        .layout(layout)
        .row(visit(Some(7), "phone"))
        .row(visit(None, "7"))
        .row(visit(None, "10"))
        .run()
        .each(
            |told| told.sessions.iter().map(|row| (row.user_id.clone(), row.event_count)).collect::<Vec<_>>(),
            vec![(word("10"), 1), (word("7"), 2)],
        );
}

#[test]
fn integer_users_stay_integers_and_are_sorted_as_numbers() {
    let layout = Layout { users: vec![ColumnType::Int], ..Layout::default() };
    let visit = |user: i64| Event { users: vec![Some(int(user))], time: Some(at("10:00")), ..Event::default() };
    under(timeout(MINUTE)).layout(layout).row(visit(10)).row(visit(9)).row(visit(-1)).run().each(
        |told| told.activity.iter().map(|row| row.user_id.clone()).collect::<Vec<_>>(),
        vec![int(-1), int(9), int(10)],
    );
}

#[test]
fn times_are_floored_to_microseconds() {
    // The nanosecond column holds some nanoseconds more than each time of the story.
    let layout = Layout { time: TimeType::Timestamp(Unit::Nanos, false), ..Layout::default() };
    under(timeout(MINUTE))
        .layout(layout)
        .view("ann", "10:00:00.000001")
        .view("ann", "10:01:00.000001")
        .view("ann", "10:02:00")
        .run()
        .sessions(["ann 10:00:00.000001..10:00:00.000001 1 timeout", "ann 10:01:00.000001..10:02 2 end_of_data"]);
}

#[test]
fn without_an_event_column_all_types_are_null() {
    let layout = Layout { without: vec!["event_type"], ..Layout::default() };
    under(timeout(MINUTE)).layout(layout).view("ann", "10:00").untyped().run().ends([("-", "-")]);
}

#[test]
fn a_missing_event_column_that_a_start_event_needs_is_an_error() {
    let layout = Layout { without: vec!["event_type"], ..Layout::default() };
    under(starting(&["open"])).layout(layout).view("ann", "10:00").fails(2, &["event_type"]);
}

#[test]
fn a_missing_session_id_column_under_the_default_definition_is_an_error() {
    let layout = Layout { without: vec!["session_id"], ..Layout::default() };
    by_default().layout(layout).view("ann", "10:00").fails(2, &["session_id"]);
}

// ---- Section 2, step 1: filter -----------------------------------------------------------------------------

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

// ---- Section 2, step 2: reject -----------------------------------------------------------------------------

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

// ---- Section 2, step 3: deduplicate ------------------------------------------------------------------------

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

// ---- Section 2, step 4: inactive ---------------------------------------------------------------------------

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

// ---- Section 2, step 5: order ------------------------------------------------------------------------------

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

// ---- Section 3, default definition -------------------------------------------------------------------------

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

// ---- Section 3, custom: timeout and silence ----------------------------------------------------------------

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

// ---- Section 3, custom: property ---------------------------------------------------------------------------

#[test]
fn a_property_groups_the_events_of_a_user() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "10:01")
        .order("b")
        .view("ann", "10:02") // sessions of two values may overlap
        .order("a")
        .view("bob", "10:00")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:02 2 property", "ann 10:01..10:01 1 property", "bob 10:00..10:00 1 property"])
        .each(properties, vec![text("a"), text("b"), text("a")]);
}

#[test]
fn an_event_with_a_null_or_empty_property_is_out_of_session() {
    under(by_order())
        .view("ann", "10:00")
        .view("ann", "10:00")
        .order("")
        .view("ann", "10:00")
        .order("none") // only a session id is no value when it is `none` or `-1`
        .view("ann", "10:00")
        .order("-1")
        .run()
        .out_of_session([("no_property", 2)])
        .each(properties, vec![text("-1"), text("none")]);
}

#[test]
fn an_integer_property_stays_an_integer() {
    under(by_order())
        .view("ann", "10:00")
        .order_number(10)
        .view("ann", "10:00")
        .order_number(9)
        .view("ann", "10:00")
        .order_number(-1)
        .view("ann", "10:00")
        .run()
        .out_of_session([("no_property", 1)])
        .each(properties, vec![Some(int(-1)), Some(int(9)), Some(int(10))]);
}

#[test]
fn the_session_id_as_property_has_to_be_valid() {
    let by_session_id = Definition { property: Some(SESSION_ID.to_owned()), ..nothing() };
    under(by_session_id)
        .view("ann", "10:00")
        .view("ann", "10:00")
        .id(-1)
        .view("ann", "10:00")
        .id(at_ms("09:00"))
        .run()
        .sessions(["ann 10:00..10:00 1 property"]) // it starts at its first event, not at the id
        .session_ids([int(at_ms("10:00"))])
        .out_of_session([("no_property", 2)])
        .each(properties, vec![Some(int(at_ms("09:00")))]);
}

#[test]
fn the_session_id_as_text_property_has_to_be_valid() {
    let by_session_id = Definition { property: Some(SESSION_ID.to_owned()), ..nothing() };
    under(by_session_id)
        .view("ann", "10:00")
        .text_id("none")
        .view("ann", "10:00")
        .text_id("-1")
        .view("ann", "10:00")
        .text_id("")
        .view("ann", "10:00")
        .text_id("abc")
        .run()
        .out_of_session([("no_property", 3)])
        .each(properties, vec![text("abc")]);
}

#[test]
fn a_timeout_beside_a_property_splits_within_its_value() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..by_order() };
    under(definition)
        .view("ann", "10:00")
        .order("a")
        .view("ann", "10:20") // of another order: bridges nothing
        .order("b")
        .view("ann", "10:40")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:20..10:20 1 end_of_data", "ann 10:40..10:40 1 end_of_data"]);
}

#[test]
fn an_ending_event_ends_only_the_session_of_its_property_value() {
    let definition = Definition { property: Some(PROPERTY.to_owned()), ..ending(&["close"]) };
    under(definition)
        .view("ann", "10:00")
        .order("a")
        .event("ann", "10:01", "close")
        .order("b")
        .view("ann", "10:02")
        .order("a")
        .run()
        .sessions(["ann 10:00..10:02 2 end_of_data", "ann 10:01..10:01 1 end_event"]);
}

// ---- Section 3, custom: start and end events ---------------------------------------------------------------

#[test]
fn a_starting_event_opens_a_session_and_the_next_one_ends_it() {
    under(starting(&["open"]))
        .event("ann", "10:00", "open")
        .view("ann", "10:01")
        .event("ann", "10:02", "open")
        .view("ann", "10:03")
        .run()
        .sessions(["ann 10:00..10:01 2 start_event", "ann 10:02..10:03 2 end_of_data"]);
}

#[test]
fn events_before_the_first_starting_event_are_out_of_session() {
    under(starting(&["open"]))
        .view("ann", "09:58")
        .view("ann", "09:59")
        .event("ann", "10:00", "open")
        .run()
        .sessions(["ann 10:00..10:00 1 end_of_data"])
        .out_of_session([("no_start", 2)]);
}

#[test]
fn events_after_a_timeout_are_out_of_session_until_the_next_starting_event() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..starting(&["open"]) };
    under(definition)
        .event("ann", "10:00", "open")
        .view("ann", "10:30")
        .view("ann", "10:31")
        .event("ann", "10:32", "open")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:32..10:32 1 end_of_data"])
        .out_of_session([("no_start", 2)]);
}

#[test]
fn any_of_a_list_of_starting_events_opens_a_session() {
    under(starting(&["open", "resume"]))
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "resume")
        .run()
        .sessions(["ann 10:00..10:00 1 start_event", "ann 10:01..10:01 1 end_of_data"]);
}

#[test]
fn with_repeated_start_continue_a_starting_event_in_an_open_session_is_an_ordinary_event() {
    let continued = Definition { repeated_start: Some(RepeatedStart::Continue), ..starting(&["open"]) };
    under(continued)
        .event("ann", "10:00", "open")
        .view("ann", "10:01")
        .event("ann", "10:02", "open")
        .run()
        .sessions(["ann 10:00..10:02 3 end_of_data"]);
}

#[test]
fn with_repeated_start_continue_a_starting_event_opens_a_session_where_none_is_open() {
    let definition = Definition { timeout: Some(30 * MINUTE), ..from_open_to_close() };
    let continued = Definition { repeated_start: Some(RepeatedStart::Continue), ..definition };
    under(continued)
        .view("ann", "09:59") // no session
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "close")
        .event("ann", "10:02", "open")
        .event("ann", "10:32", "open") // after a silence
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:02..10:02 1 timeout", "ann 10:32..10:32 1 end_of_data"])
        .out_of_session([("no_start", 1)]);
}

#[test]
fn with_repeated_start_continue_starting_events_still_come_first_at_one_time() {
    let continued = Definition { repeated_start: Some(RepeatedStart::Continue), ..starting(&["open"]) };
    under(continued)
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "apply")
        .event("ann", "10:01", "open")
        .run()
        .ends([("open", "apply")]);
}

#[test]
fn an_ending_event_ends_its_session_and_the_next_event_opens_one() {
    under(ending(&["close"]))
        .view("ann", "10:00")
        .event("ann", "10:01", "close")
        .view("ann", "10:02")
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:02..10:02 1 end_of_data"]);
}

#[test]
fn any_of_a_list_of_ending_events_ends_a_session_alone_if_need_be() {
    under(ending(&["close", "quit"]))
        .event("ann", "10:00", "close")
        .event("ann", "10:01", "quit")
        .run()
        .sessions(["ann 10:00..10:00 1 end_event", "ann 10:01..10:01 1 end_event"]);
}

#[test]
fn events_between_an_ending_and_the_next_starting_event_are_out_of_session() {
    under(from_open_to_close())
        .event("ann", "10:00", "open")
        .event("ann", "10:01", "close")
        .view("ann", "10:02")
        .event("ann", "10:03", "close")
        .event("ann", "10:04", "open")
        .run()
        .sessions(["ann 10:00..10:01 2 end_event", "ann 10:04..10:04 1 end_of_data"])
        .out_of_session([("no_start", 2)]);
}

#[test]
fn an_unclosed_session_is_kept_by_default() {
    under(Definition { timeout: Some(30 * MINUTE), ..ending(&["close"]) })
        .view("ann", "10:00")
        .view("ann", "10:30")
        .event("ann", "10:31", "close")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:30..10:31 2 end_event"]);
}

#[test]
fn with_unclosed_drop_a_segment_without_an_ending_event_is_no_session() {
    let dropped = Definition { unclosed: Some(Unclosed::Drop), ..ending(&["close"]) };
    under(Definition { timeout: Some(30 * MINUTE), ..dropped })
        .view("ann", "10:00")
        .view("ann", "10:01")
        .view("ann", "10:31")
        .event("ann", "10:32", "close")
        .view("ann", "10:33") // the last one may yet be closed, but is not
        .run()
        .sessions(["ann 10:31..10:32 2 end_event"])
        .out_of_session([("unclosed", 3)]);
}

#[test]
fn a_segment_without_start_and_end_counts_as_without_start() {
    let dropped = Definition { unclosed: Some(Unclosed::Drop), ..from_open_to_close() };
    under(dropped)
        .view("ann", "10:00")
        .event("ann", "10:01", "open")
        .event("ann", "10:02", "open")
        .event("ann", "10:03", "close")
        .run()
        .sessions(["ann 10:02..10:03 2 end_event"])
        .out_of_session([("no_start", 1), ("unclosed", 1)]);
}

// ---- Section 3: max_length, dates, bounds ------------------------------------------------------------------

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

// ---- Section 3: options without effect are errors ----------------------------------------------------------

/// One event, so that only the definition can be wrong.
fn one_event_under(definition: Definition) -> Story {
    under(definition).view("ann", "10:00").id(1).order("a")
}

#[test]
fn length_from_under_a_custom_definition_is_an_error() {
    let definition = Definition { length_from: Some(LengthFrom::FirstEvent), ..timeout(MINUTE) };
    one_event_under(definition).fails(2, &["length_from"]);
}

#[test]
fn gap_equal_under_the_default_definition_is_an_error() {
    let definition = Definition { gap_equal: Some(GapEqual::Join), ..nothing() };
    one_event_under(definition).fails(2, &["gap_equal"]);
}

#[test]
fn max_gap_beside_a_timeout_is_an_error() {
    let definition = Definition { max_gap: Some(Limit::Of(DAY)), ..timeout(MINUTE) };
    one_event_under(definition).fails(2, &["max_gap"]);
}

#[test]
fn unclosed_without_an_ending_event_is_an_error() {
    let definition = Definition { unclosed: Some(Unclosed::Drop), ..starting(&["open"]) };
    one_event_under(definition).fails(2, &["unclosed"]);
}

#[test]
fn repeated_start_without_a_starting_event_is_an_error() {
    let definition = Definition { repeated_start: Some(RepeatedStart::Continue), ..ending(&["close"]) };
    one_event_under(definition).fails(2, &["repeated_start"]);
}

#[test]
fn a_starting_event_that_is_inactive_is_an_error() {
    one_event_under(inactive("open", starting(&["open"]))).fails(2, &["open", "inactive"]);
}

#[test]
fn an_ending_event_that_is_inactive_is_an_error() {
    one_event_under(inactive("quit", ending(&["close", "quit"]))).fails(2, &["quit", "inactive"]);
}

#[test]
fn an_event_type_that_starts_and_ends_is_an_error() {
    let definition = Definition { end_event: vec!["open".to_owned()], ..starting(&["open"]) };
    one_event_under(definition).fails(2, &["open"]);
}

#[test]
fn a_duration_of_zero_is_an_error() {
    one_event_under(nothing()).line("session", "timeout = \"0s\"").fails(2, &["timeout"]);
    one_event_under(nothing()).line("session", "max_gap = \"0s\"").fails(2, &["max_gap"]);
    one_event_under(nothing()).line("session", "max_length = \"0ms\"").fails(2, &["max_length"]);
}

#[test]
fn a_bare_number_is_no_duration() {
    one_event_under(nothing()).line("session", "timeout = 30").fails(2, &["timeout"]);
    one_event_under(nothing()).line("session", "timeout = \"30\"").fails(2, &["timeout"]);
}

// ---- Section 4: session ids --------------------------------------------------------------------------------

#[test]
fn a_custom_session_id_is_the_start_in_milliseconds_floored() {
    under(timeout(MINUTE)).view("ann", "10:00:00.001999").run().session_ids([int(at_ms("10:00") + 1)]);
}

#[test]
fn custom_sessions_of_one_user_in_one_millisecond_take_the_next_free_ones() {
    let now = at_ms("10:00");
    under(starting(&["open"]))
        .event("ann", "10:00:00.000100", "open")
        .event("ann", "10:00:00.000200", "open")
        .event("ann", "10:00:00.001000", "open") // its own is taken by the one before
        .event("ann", "10:00:00.003000", "open")
        .event("bob", "10:00:00.000100", "open")
        .run()
        .session_ids([int(now), int(now + 1), int(now + 2), int(now + 3), int(now)]);
}

#[test]
fn custom_session_ids_are_taken_in_order_of_start_then_property_value() {
    under(by_order())
        .view("ann", "10:00:00.000001")
        .order("b")
        .view("ann", "10:00:00.000001")
        .order("c")
        .view("ann", "10:00:00.000002")
        .order("a")
        .run()
        .session_ids([0, 1, 2].map(|after| int(at_ms("10:00") + after)))
        .each(properties, vec![text("b"), text("c"), text("a")]);
}

#[test]
fn property_values_decide_before_the_order_in_a_group() {
    let definition = Definition { property: Some(PROPERTY.to_owned()), ..ending(&["close"]) };
    under(definition)
        .event("ann", "09:00", "close")
        .order("a")
        .view("ann", "10:00") // the second of its group
        .order("a")
        .view("ann", "10:00") // the first of its group
        .order("b")
        .run()
        .session_ids([int(at_ms("09:00")), int(at_ms("10:00")), int(at_ms("10:00") + 1)])
        .each(properties, vec![text("a"), text("a"), text("b")]);
}

#[test]
fn custom_sessions_with_one_start_and_property_value_take_ids_in_order_of_their_group() {
    under(ending(&["close", "quit"]))
        .event("ann", "10:00", "quit")
        .event("ann", "10:00", "close")
        .run()
        .session_ids([int(at_ms("10:00")), int(at_ms("10:00") + 1)])
        .ends([("close", "close"), ("quit", "quit")]);
}

#[test]
fn where_a_date_has_no_millisecond_left_the_largest_free_one_before_is_taken() {
    let last = at_ms("23:59:59.999");
    under(starting(&["open"]))
        .event("ann", "23:59:59.998000", "open")
        .event("ann", "23:59:59.999000", "open")
        .event("ann", "23:59:59.999100", "open")
        .event("ann", "23:59:59.999200", "open")
        .event("ann", "2026-01-06 00:00:00.000000", "open") // the next date begins afresh
        .run()
        .session_ids([-3, -2, -1, 0, 1].map(|after| int(last + after)))
        .each(
            |told| told.sessions.iter().map(|row| row.start_time % SECOND / 100).collect::<Vec<_>>(),
            vec![9_992, 9_991, 9_980, 9_990, 0],
        )
        .dates(["2026-01-05", "2026-01-05", "2026-01-05", "2026-01-05", "2026-01-06"]);
}

#[test]
fn the_last_millisecond_of_a_date_is_that_of_the_output_zone() {
    let last = at_ms("22:59:59.999");
    under(in_zone("Europe/Paris", starting(&["open"])))
        .event("ann", "22:59:59.999", "open")
        .event("ann", "22:59:59.999", "open")
        .event("ann", "23:00", "open")
        .run()
        .session_ids([-1, 0, 1].map(|after| int(last + after)))
        .dates(["2026-01-05", "2026-01-05", "2026-01-06"]);
}

#[test]
fn an_excluded_session_takes_no_id() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2026-01-07 10:00") // two days long
        .order("a")
        .view("ann", "10:00")
        .order("b")
        .run()
        .session_ids([int(at_ms("10:00"))])
        .each(properties, vec![text("b")]);
}

// ---- Section 4: length and end_reason ----------------------------------------------------------------------

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

// ---- Section 4: hours and clock changes --------------------------------------------------------------------

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

// ---- Section 4: the files ----------------------------------------------------------------------------------

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[test]
fn the_tables_have_the_columns_and_types_of_their_description() {
    let told = under(by_order()).view("ann", "10:00").order("a").run();
    let out = told.sandbox.out();
    let (_, sessions) = dated_files(&out.join("sessions"), "session_date").remove(0);
    let (schema, _) = read_parquet(&sessions);
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let expected = [
        "user_id",
        "session_id",
        PROPERTY,
        "start_time",
        "end_time",
        "length_ms",
        "event_count",
        "first_event",
        "last_event",
        "end_reason",
    ];
    assert_eq!(names, expected);
    let data_type = |name: &str| schema.field_with_name(name).unwrap().data_type();
    for name in ["user_id", PROPERTY, "first_event", "last_event", "end_reason"] {
        assert!(is_text(data_type(name)), "{name}: {}", data_type(name));
    }
    assert_eq!((data_type("session_id"), data_type("length_ms")), (&DataType::Int64, &DataType::Int64));
    assert_eq!(data_type("event_count"), &DataType::UInt32);
    for name in ["start_time", "end_time"] {
        let DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) = data_type(name) else {
            panic!("{name}: {}", data_type(name));
        };
        assert!(["UTC", "+00:00"].contains(&zone.as_ref()), "{name}: {zone}");
    }

    let (_, activity) = dated_files(&out.join("activity"), "activity_date").remove(0);
    let (schema, _) = read_parquet(&activity);
    let types: Vec<_> = schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
    assert_eq!(types[0].0, "user_id");
    assert_eq!(types[1..], [("events", &DataType::UInt32), ("hours", &DataType::UInt32)]);
}

#[test]
fn without_a_property_there_is_no_column_for_one() {
    let told = by_default().view("ann", "10:00").id(1).run();
    let (_, file) = dated_files(&told.sandbox.out().join("sessions"), "session_date").remove(0);
    let (schema, _) = read_parquet(&file);
    assert_eq!(schema.fields().len(), 9, "{schema}");
}

#[test]
fn the_tables_are_compressed_with_zstd_and_describe_themselves() {
    let told = under(timeout(MINUTE)).view("ann", "10:00").run();
    let out = told.sandbox.out();
    for (table, column) in [("sessions", "session_date"), ("activity", "activity_date")] {
        let (_, path) = dated_files(&out.join(table), column).remove(0);
        let metadata = read_metadata(&path);
        assert!(metadata["dwell.format"].parse::<u32>().is_ok(), "{metadata:?}");
        assert!(!metadata["dwell.definition"].is_empty());
        assert!(!metadata["dwell.fingerprint"].is_empty());
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        for chunk in reader.metadata().row_group(0).columns() {
            assert!(matches!(chunk.compression(), Compression::ZSTD(_)), "{}", chunk.column_path());
        }
    }
}

#[test]
fn a_table_without_rows_has_one_file_without_rows() {
    // Reading the tables back checks that each has exactly one file.
    let told = under(timeout(MINUTE)).run();
    told.sessions([]).activity([]).each(|told| told.measures.len() + told.histogram.len(), 0);
    let out = told.sandbox.out();
    assert_eq!(dated_files(&out.join("sessions"), "session_date"), []);
    assert_eq!(dated_files(&out.join("activity"), "activity_date"), []);
}

#[test]
fn sessions_are_sorted_by_user_and_session_id() {
    by_default()
        .view("bob", "10:00")
        .id(3)
        .view("ann", "10:00")
        .id(20)
        .view("ann", "10:01")
        .id(4)
        .view("Zed", "10:00")
        .id(1)
        .run()
        .each(
            |told| {
                let key = |row: &crate::reference::SessionRow| (row.user_id.clone(), row.session_id.clone());
                told.sessions.iter().map(key).collect::<Vec<_>>()
            },
            vec![(word("Zed"), int(1)), (word("ann"), int(4)), (word("ann"), int(20)), (word("bob"), int(3))],
        );
}

// ---- Sections 4 and 5: the chart of a job without charts ---------------------------------------------------

/// Three sessions of 0, 10 and 30 s on the 5th, an active user without session on the 6th, one session on the
/// 7th, an active user on the 8th.
fn four_days() -> Story {
    by_default()
        .view("ann", "10:00")
        .id(1)
        .view("ann", "11:00")
        .id(2)
        .view("ann", "11:00:10")
        .id(2)
        .view("bob", "10:00")
        .id(3)
        .view("bob", "10:00:30")
        .id(3)
        .view("cy", "10:00")
        .view("cy", "2026-01-06 10:00")
        .view("bob", "2026-01-07 10:00")
        .id(4)
        .view("bob", "2026-01-07 10:00:03")
        .id(4)
        .view("cy", "2026-01-08 10:00")
}

#[test]
fn measures_of_a_day_count_its_sessions_and_all_active_users() {
    let told = four_days().run();
    let first = |told: &Outcome| told.measures[0].clone();
    told.each(|told| (first(told).total_sessions, first(told).active_users), (3, 3))
        .each(|told| (first(told).time_spent_ms, first(told).zero_length_sessions), (40_000, 1))
        .each(|told| first(told).time_spent_per_user_ms, Some(40_000.0 / 3.0))
        .each(|told| (first(told).avg_length_ms, first(told).avg_per_user), (Some(40_000.0 / 3.0), Some(1.0)))
        .each(|told| (first(told).length_p50_ms, first(told).length_p75_ms), (Some(10_000), Some(30_000)))
        .each(|told| (first(told).length_p90_ms, first(told).length_p95_ms), (Some(30_000), Some(30_000)))
        .each(|told| (first(told).length_p99_ms, first(told).length_max_ms), (Some(30_000), Some(30_000)))
        .each(|told| (first(told).total_events, first(told).avg_events_per_session), (None, None));
}

#[test]
fn an_interval_without_session_between_the_first_and_the_last_with_one_is_a_row() {
    let told = four_days().run();
    let second = |told: &Outcome| told.measures[1].clone();
    told.each(
        |told| told.measures.iter().map(|row| row.interval_start).collect::<Vec<_>>(),
        vec![at("00:00"), at("2026-01-06 00:00"), at("2026-01-07 00:00")],
    )
    .each(|told| (second(told).total_sessions, second(told).active_users), (0, 1))
    .each(|told| (second(told).time_spent_ms, second(told).zero_length_sessions), (0, 0))
    // Nothing over nothing is null; nothing over one user is 0.
    .each(|told| (second(told).avg_length_ms, second(told).avg_per_user), (None, Some(0.0)))
    .each(|told| (second(told).length_p50_ms, second(told).length_max_ms), (None, None));
}

#[test]
fn percentiles_are_the_nearest_rank() {
    let mut story = under(ending(&["close"]));
    let lengths = ["00:10", "00:20", "00:30", "00:40", "00:50", "01:00", "01:10", "01:20", "01:30", "01:40"];
    for (hour, length) in lengths.iter().enumerate() {
        story = story.view("ann", &format!("{hour:02}:00"));
        story = story.event("ann", &format!("{hour:02}:{length}"), "close");
    }
    let told = story.run();
    let row = |told: &Outcome| told.measures[0].clone();
    told.each(|told| (row(told).length_p50_ms, row(told).length_p75_ms), (Some(50_000), Some(80_000)))
        .each(|told| (row(told).length_p90_ms, row(told).length_p95_ms), (Some(90_000), Some(100_000)))
        .each(|told| (row(told).length_p99_ms, row(told).length_max_ms), (Some(100_000), Some(100_000)));
}

#[test]
fn a_session_that_starts_on_a_day_without_active_users_has_null_for_ratios_over_them() {
    by_default()
        .view("ann", "2026-01-06 00:10")
        .id(at_ms("23:50"))
        .run()
        .each(|told| (told.measures[0].total_sessions, told.measures[0].active_users), (1, 0))
        .each(|told| (told.measures[0].avg_per_user, told.measures[0].time_spent_per_user_ms), (None, None))
        .each(|told| told.measures[0].avg_length_ms, Some(1_200_000.0));
}

/// The bins of one interval, as start and end in seconds and sessions.
fn bins(told: &Outcome, interval: &str) -> Vec<(Option<i64>, Option<i64>, i64)> {
    let seconds = |bound: Option<i64>| bound.map(|bound| bound / MILLI);
    let bin = |row: &BinRow| (seconds(row.bin_start), seconds(row.bin_end), row.sessions);
    told.histogram.iter().filter(|row| row.interval_start == at(interval)).map(bin).collect()
}

#[test]
fn bins_include_their_start_and_exclude_their_end_and_empty_ones_are_rows() {
    let told = four_days().run();
    let expected = |first: i64, from_3: i64, from_10: i64, from_30: i64| {
        let counts = [first, from_3, from_10, from_30, 0, 0, 0, 0, 0];
        let bounds = [0, 3, 10, 30, 60, 180, 600, 1800, 3600, 86400];
        let bins = bounds.windows(2).zip(counts);
        bins.map(|(pair, count)| (Some(pair[0]), Some(pair[1]), count)).collect::<Vec<_>>()
    };
    told.each(|told| bins(told, "00:00"), expected(1, 0, 1, 1))
        .each(|told| bins(told, "2026-01-06 00:00"), expected(0, 0, 0, 0))
        .each(|told| bins(told, "2026-01-07 00:00"), expected(0, 1, 0, 0));
}

#[test]
fn the_share_of_a_bin_is_of_its_interval_and_null_where_that_has_no_session() {
    let shares = |told: &Outcome| told.histogram.iter().map(|row| row.share).step_by(9).collect::<Vec<_>>();
    four_days().run().each(shares, vec![Some(1.0 / 3.0), None, Some(0.0)]);
}

#[test]
fn a_session_of_a_day_is_counted_above_the_bins() {
    under(by_order())
        .view("ann", "10:00")
        .order("a")
        .view("ann", "2026-01-06 09:59:59.999999")
        .order("a")
        .view("bob", "10:00")
        .order("a")
        .view("bob", "2026-01-06 10:00")
        .order("a")
        .run()
        .each(|told| bins(told, "00:00").split_off(8), vec![(Some(3_600), Some(86_400), 1), (Some(86_400), None, 1)]);
}

#[test]
fn the_default_chart_is_named_sessions_and_counts_in_milliseconds() {
    let names = |told: &Outcome| {
        let row = told.measures[0].clone();
        (row.chart, row.series, row.segment, row.group)
    };
    let told = four_days().run();
    told.each(names, ("sessions".to_owned(), "A".to_owned(), "all".to_owned(), None))
        .each(|told| told.histogram[0].unit.clone(), "ms".to_owned())
        .each(|told| told.histogram[0].chart.clone(), "sessions".to_owned());
}

#[test]
fn measures_and_histogram_are_csv_files_too() {
    let told = four_days().run();
    for (name, rows) in [("measures", 3), ("histogram", 27)] {
        let csv = std::fs::read_to_string(told.sandbox.out().join(format!("{name}.csv"))).unwrap();
        let (schema, _) = read_parquet(&told.sandbox.out().join(format!("{name}.parquet")));
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!(csv.lines().next().unwrap(), columns.join(","));
        assert_eq!(csv.lines().count(), rows + 1, "{csv}");
    }
}

#[test]
fn intervals_begin_at_the_first_instant_of_their_date_in_the_output_zone() {
    under(in_zone("Europe/Paris", timeout(MINUTE)))
        .view("ann", "2026-03-29 10:00")
        .view("ann", "2026-03-30 10:00")
        .run()
        .each(
            |told| told.measures.iter().map(|row| row.interval_start).collect::<Vec<_>>(),
            vec![at("2026-03-28 23:00"), at("2026-03-29 22:00")],
        );
}
