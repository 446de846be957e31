//! Sections 4 and 5: the chart of a job without charts.

use super::*;

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
