//! Section 3, custom: timeouts that differ by a column.

use super::*;

/// 5 minutes on ios, half an hour elsewhere.
fn by_platform() -> Definition {
    by_value(&[("ios", 5 * MINUTE)], 30 * MINUTE)
}

fn by_value(listed: &[(&str, i64)], default: i64) -> Definition {
    let listed = listed.iter().map(|(value, timeout)| (value.to_string(), *timeout)).collect();
    Definition { timeouts: Some(Timeouts { listed, default }), ..nothing() }
}

#[test]
fn a_gap_is_judged_by_the_timeout_of_the_event_before_it() {
    under(by_platform())
        .view("ann", "10:00")
        .on("ios")
        .view("ann", "10:05")
        .on("web")
        .view("ann", "10:34:59.999999")
        .on("ios")
        .view("ann", "10:39:59.999998")
        .on("web")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:05..10:39:59.999998 3 end_of_data"]);
}

#[test]
fn null_empty_and_unlisted_values_and_those_in_other_letters_take_the_default() {
    under(by_platform())
        .view("ann", "10:00")
        .view("ann", "10:20")
        .on("")
        .view("ann", "10:40")
        .on("IOS")
        .view("ann", "11:00")
        .on("ios ")
        .view("ann", "11:20")
        .on("ios")
        .view("ann", "11:25")
        .run()
        .sessions(["ann 10:00..11:20 5 timeout", "ann 11:25..11:25 1 end_of_data"]);
}

#[test]
fn a_gap_that_equals_the_timeout_of_its_event_is_judged_by_gap_equal() {
    let story = |definition: Definition| {
        under(definition)
            .view("ann", "10:00")
            .on("ios")
            .view("ann", "10:05")
            .on("ios")
            .view("ann", "10:10:00.000001")
            .run()
    };
    story(by_platform()).sessions([
        "ann 10:00..10:00 1 timeout",
        "ann 10:05..10:05 1 timeout",
        "ann 10:10:00.000001..10:10:00.000001 1 end_of_data",
    ]);
    story(Definition { gap_equal: Some(GapEqual::Join), ..by_platform() })
        .sessions(["ann 10:00..10:05 2 timeout", "ann 10:10:00.000001..10:10:00.000001 1 end_of_data"]);
}

#[test]
fn the_silence_at_the_end_of_the_input_is_judged_by_the_last_event() {
    under(by_platform())
        .view("ann", "10:00")
        .on("ios")
        .view("bob", "10:00")
        .on("web")
        .view("zoe", "10:05")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "bob 10:00..10:00 1 end_of_data", "zoe 10:05..10:05 1 end_of_data"]);
}

#[test]
fn of_events_at_one_time_the_last_one_decides() {
    // By type, the later one is `view`.
    under(by_platform())
        .event("ann", "10:00", "click")
        .on("ios")
        .view("ann", "10:00")
        .on("web")
        .view("ann", "10:10")
        .run()
        .sessions(["ann 10:00..10:10 3 end_of_data"]);
    // By value, the later one is "web".
    under(by_platform())
        .view("ann", "10:00")
        .on("web")
        .view("ann", "10:00")
        .on("ios")
        .view("ann", "10:10")
        .run()
        .sessions(["ann 10:00..10:10 3 end_of_data"]);
    // By unique id, the later one is "ios".
    under(deduplicated(by_platform()))
        .view("ann", "10:00")
        .on("ios")
        .unique("b")
        .view("ann", "10:00")
        .on("web")
        .unique("a")
        .view("ann", "10:10")
        .unique("c")
        .run()
        .sessions(["ann 10:00..10:00 2 timeout", "ann 10:10..10:10 1 end_of_data"]);
}

#[test]
fn of_repeats_at_one_time_the_smallest_value_stays() {
    under(deduplicated(by_platform()))
        .view("ann", "10:00")
        .on("web")
        .unique("a")
        .view("ann", "10:00")
        .on("ios")
        .unique("a")
        .view("ann", "10:10")
        .run()
        .sessions(["ann 10:00..10:00 1 timeout", "ann 10:10..10:10 1 end_of_data"]);
}

#[test]
fn starting_and_ending_events_and_midnight_cut_beside_it() {
    under(Definition {
        at_midnight: Some(AtMidnight::Split),
        start_event: starting(&["open"]).start_event,
        ..by_platform()
    })
    .event("ann", "23:50", "open")
    .on("web")
    .view("ann", "23:59")
    .on("ios")
    .view("ann", "2026-01-06 00:01")
    .event("ann", "2026-01-06 00:02", "open")
    .on("ios")
    .view("ann", "2026-01-06 00:07")
    .run()
    .sessions(["ann 23:50..23:59 2 midnight", "ann 2026-01-06 00:02..2026-01-06 00:02 1 timeout"])
    .out_of_session([("no_start", 2)]);
}

#[test]
fn a_flag_replaces_the_table() {
    under(timeout(10 * MINUTE))
        .view("ann", "10:00")
        .view("ann", "10:09")
        .view("ann", "10:19")
        .run()
        .sessions(["ann 10:00..10:09 2 timeout", "ann 10:19..10:19 1 end_of_data"]);
    let plain = under(nothing())
        .line("session", "timeout = { by = 'surface', ios = '1m', default = '1m' }")
        .argument("--timeout=30m")
        .view("ann", "10:00")
        .on("ios")
        .view("ann", "10:09");
    assert_eq!(plain.by_program_alone().sessions.len(), 1);
}

#[test]
fn a_number_is_compared_as_text() {
    let story = under(nothing())
        .line("session", "timeout = { by = 'keep', 7 = '1m', default = '30m' }")
        .view("ann", "10:00")
        .keep(7)
        .view("ann", "10:01")
        .keep(8)
        .view("ann", "10:30");
    let counts: Vec<i64> = story.by_program_alone().sessions.iter().map(|row| row.event_count).collect();
    assert_eq!(counts, [1, 2]);
}

#[test]
fn what_is_wrong_with_the_table_is_named() {
    for (keys, words) in [
        ("timeout = { by = 'surface', ios = '5m' }", ["session.timeout", "`default`"]),
        ("timeout = { ios = '5m', default = '30m' }", ["session.timeout", "`by`"]),
        ("timeout = { by = 'surface', default = '30m' }", ["session.timeout", "value"]),
        ("timeout = { by = 'surface', ios = 5, default = '30m' }", ["session.timeout", "5m"]),
        ("timeout = { by = 'surface', ios = ['5m'], default = '30m' }", ["session.timeout", "duration"]),
        ("timeout = { by = 'surfcae', ios = '5m', default = '30m' }", ["session.timeout.by", "surface"]),
        ("timeout = { by = 'surface', ios = '0s', default = '30m' }", ["session.timeout", "0s"]),
        ("timeout = { by = 'surface', ios = '5m', default = '30m' }\nmax_gap = '7d'", ["session.max_gap", "timeout"]),
    ] {
        under(nothing()).line("session", keys).view("ann", "10:00").fails(2, &words);
    }
}
