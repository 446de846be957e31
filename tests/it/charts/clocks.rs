//! Charts in zones whose clocks were set back over midnight, skipped a date or had one twice; dates beyond the tables; and
//! the events of a clock that was wrong.

use super::{texts_of, write_story, Happened};
use crate::support::{at, read_run, Ran, Sandbox};
use std::path::Path;

const INTERVALS: [&str; 7] = ["hour", "day", "week", "month", "quarter", "year", "total"];

/// Runs a job over sessions of one event each, at these times.
fn run_at(times: &[&str], zone: &str, input: &str, charts: &str) -> (Sandbox, Ran) {
    let users: Vec<String> = (0..times.len()).map(|user| format!("u{user}")).collect();
    let events: Vec<Happened<'_>> =
        users.iter().zip(times).map(|(user, time)| Happened(user, time, "view", &[])).collect();
    let sandbox = Sandbox::new();
    write_story(&sandbox.path().join("data/events.parquet"), &events);
    sandbox.job(&format!(
        "[input]\npath = 'data'\n{input}\n[session]\ntimeout = '1s'\n[output]\npath = 'out'\ntimezone = '{zone}'\n{charts}"
    ));
    let ran = sandbox.dwell(&["run", "job.toml"]);
    ran.expect_code(0);
    (sandbox, ran)
}

/// A chart of each interval.
fn charts() -> String {
    INTERVALS.map(|name| format!("[[chart]]\nname = '{name}'\ninterval = '{name}'\n")).concat()
}

/// The rows of a chart with sessions, as start and sessions.
fn rows(out: &Path, chart: &str) -> Vec<String> {
    let csv = std::fs::read_to_string(out.join("measures.csv")).unwrap();
    let cells = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let own = cells.filter(|cells| cells[0] == chart && cells[5] != "0");
    own.map(|cells| format!("{} {}", cells[4], cells[5])).collect()
}

/// The sessions, and the active users, of all rows of a chart in one of its tables.
fn total(out: &Path, table: &str, chart: &str, column: &str) -> i64 {
    let table = super::read_all(&out.join(table));
    let charts = texts_of(&table, "chart");
    let numbers = texts_of(&table, column);
    let own = charts.iter().zip(&numbers).filter(|(name, _)| *name == chart);
    own.map(|(_, number)| number.parse::<i64>().unwrap()).sum()
}

#[test]
fn an_hour_in_two_pieces_loses_no_session() {
    // At 00:01, or at 02:00 with three hours, clocks went back to the day before.
    for (zone, change) in [
        ("America/St_Johns", "2006-10-29 02:31"),
        ("America/Goose_Bay", "2006-10-29 03:01"),
        ("America/Moncton", "2006-10-29 03:01"),
        ("Antarctica/Casey", "2010-03-04 15:00"),
        ("Pacific/Apia", "2011-12-30 10:00"),
        ("America/Havana", "2025-11-02 05:00"),
        ("Africa/Cairo", "2010-08-10 21:00"),
    ] {
        let quarters: Vec<String> = (-110..=110)
            .map(|quarter: i64| crate::support::clock(at(change) + quarter * 15 * 60_000_000))
            .map(|time| if time.contains(' ') { time } else { format!("2026-01-05 {time}") })
            .collect();
        let times: Vec<&str> = quarters.iter().map(String::as_str).collect();
        let (told, _) = run_at(&times, zone, "", &charts());
        for chart in INTERVALS {
            for (table, column) in [("measures.parquet", "total_sessions"), ("histogram.parquet", "sessions")] {
                assert_eq!(total(&told.out(), table, chart, column), 221, "{zone} by {chart}, {table}");
            }
            let users = total(&told.out(), "measures.parquet", chart, "active_users");
            assert_eq!(users, 221, "{zone} by {chart}: each user is active once");
            let starts: Vec<String> = rows(&told.out(), chart);
            assert!(!starts.is_empty());
        }
    }
}

#[test]
fn each_piece_of_an_hour_is_a_row_of_its_date() {
    let times = ["2006-10-29 01:00", "2006-10-29 02:30", "2006-10-29 02:45", "2006-10-29 03:15", "2006-10-29 12:00"];
    let (told, _) = run_at(&times, "America/St_Johns", "", &charts());
    let expected = [
        "2006-10-28T22:30:00-02:30 1",
        "2006-10-29T00:00:00-02:30 1",
        "2006-10-28T23:01:00-03:30 2",
        "2006-10-29T08:00:00-03:30 1",
    ];
    // Hours of a date count from its first instant, which is a full hour here.
    let found = rows(&told.out(), "hour");
    assert_eq!(found[1..], expected[1..]);
    assert_eq!(rows(&told.out(), "day"), ["2006-10-28T00:00:00-02:30 3", "2006-10-29T00:00:00-02:30 2"]);
    // The first event on the later date's one minute: the dates are those of the zone all the same.
    let (told, _) = run_at(&times[1..], "America/St_Johns", "", &charts());
    assert_eq!(rows(&told.out(), "hour"), expected[1..]);
}

#[test]
fn a_date_that_came_twice_has_all_its_sessions() {
    // Kwajalein had the last day of September 1969 for 47 hours.
    let hours: Vec<String> =
        (0..60).map(|hour| format!("1969-{} {:02}:10", ["09-29", "09-30", "10-01"][hour / 24], hour % 24)).collect();
    let times: Vec<&str> = hours.iter().map(String::as_str).collect();
    let (told, _) = run_at(&times, "Pacific/Kwajalein", "min_time = '1960-01-01'", &charts());
    for chart in INTERVALS {
        assert_eq!(total(&told.out(), "measures.parquet", chart, "total_sessions"), 60, "by {chart}");
        assert_eq!(total(&told.out(), "measures.parquet", chart, "active_users"), 60, "by {chart}");
    }
    let day = |rows: Vec<String>| rows.into_iter().find(|row| row.starts_with("1969-09-30")).unwrap();
    assert!(day(rows(&told.out(), "day")).ends_with(" 47"), "{:?}", rows(&told.out(), "day"));
    // All that is later than the 32nd hour is in it.
    assert!(rows(&told.out(), "hour").iter().any(|row| row.ends_with(" 16")), "{:?}", rows(&told.out(), "hour"));
}

#[test]
fn a_date_that_a_zone_skipped_is_no_row_and_loses_no_session() {
    for (zone, times, skipped) in [
        (
            "Pacific/Apia",
            ["2011-12-29 12:00", "2011-12-30 09:59", "2011-12-30 10:00", "2012-01-01 12:00"],
            "2011-12-30",
        ),
        (
            "Pacific/Kwajalein",
            ["1993-08-20 11:00", "1993-08-21 11:59", "1993-08-21 12:00", "1993-08-22 12:00"],
            "1993-08-21",
        ),
    ] {
        let (told, _) = run_at(&times, zone, "min_time = '1990-01-01'", &charts());
        for chart in INTERVALS {
            assert_eq!(total(&told.out(), "measures.parquet", chart, "total_sessions"), 4, "{zone} by {chart}");
        }
        let csv = std::fs::read_to_string(told.out().join("measures.csv")).unwrap();
        assert!(!csv.contains(&format!("{skipped}T")), "{csv}");
        let chart = format!("[[chart]]\nname = 'x'\nfrom = '{skipped}'\nto = '{skipped}'\n[[chart]]\nname = 'y'\ninterval = 'total'\nfrom = '{skipped}'\n");
        let (told, _) = run_at(&times, zone, "min_time = '1990-01-01'", &chart);
        assert_eq!(rows(&told.out(), "x"), [""; 0], "a date that is not there has no sessions");
        assert_eq!(total(&told.out(), "measures.parquet", "y", "total_sessions"), 2, "{zone}");
    }
}

#[test]
fn dates_of_a_chart_that_the_tables_do_not_reach_add_nothing() {
    let times = ["2026-01-05 10:00", "2026-01-07 10:00"];
    let chart = |interval: &str, from: &str, to: &str| {
        format!("[[chart]]\nname = '{interval} {from}'\ninterval = '{interval}'\nfrom = '{from}'\nto = '{to}'\n")
    };
    let all = INTERVALS.map(|name| {
        chart(name, "1990-01-01", "2090-01-01")
            + &chart(name, "2026-01-06", "2090-01-01")
            + &chart(name, "2050-01-01", "2090-01-01")
    });
    let (told, ran) = run_at(&times, "UTC", "", &all.concat());
    for name in INTERVALS {
        let of = |from| total(&told.out(), "measures.parquet", &format!("{name} {from}"), "total_sessions");
        assert_eq!([of("1990-01-01"), of("2026-01-06"), of("2050-01-01")], [2, 1, 0], "{name}");
    }
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
}

#[test]
fn a_clock_that_is_decades_off_does_not_fill_the_tables_with_zeros() {
    let mut times: Vec<String> =
        (0..300).map(|user| format!("2026-01-{:02} {:02}:00", 5 + user / 100, user % 24)).collect();
    times.push("2000-01-01 00:00".to_owned());
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    let chart = "[[chart]]\nname = 'h'\ninterval = 'hour'\n\
                 [[chart]]\nname = 'g'\ninterval = 'hour'\ngroup_by = { first = 'page' }\nformula = 'SESSIONTOTALS(A)'\n\
                 [[chart]]\nname = 'd'\n";
    let (told, ran) = run_at(&times, "UTC", "", chart);
    let said =
        "1 session on 2000-01-01 is far from all others (2026-01-05 to 2026-01-07): if clocks were wrong there, set \
                `output.since = \"2026-01-05\"`";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let warnings = read_run(&told.out())["warnings"].to_string();
    assert!(warnings.contains("the chart \\\"h\\\" by hour goes from 2000-01-01 to 2026-01-07"), "{warnings}");
    assert!(warnings.contains("\\\"g\\\"") && !warnings.contains("\\\"d\\\""), "{warnings}");
    let measures = super::read_all(&told.out().join("measures.parquet"));
    let names = texts_of(&measures, "chart");
    let count = |chart: &str| names.iter().filter(|name| *name == chart).count();
    // 24 hours of two dates and 24 of the third, and that of the wrong clock; a chart by day has all days.
    assert_eq!((count("h"), count("g"), count("d")), (73, 2 * 73, 9_504));
    for (table, column) in [("measures.parquet", "total_sessions"), ("histogram.parquet", "sessions")] {
        assert_eq!(total(&told.out(), table, "h", column), 301);
    }
    let before = std::fs::read(told.out().join("measures.parquet")).unwrap();
    let ran = told.dwell(&["charts", "job.toml"]);
    ran.expect_code(0);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(std::fs::read(told.out().join("measures.parquet")).unwrap() == before);
}

#[test]
fn a_chart_of_too_many_rows_has_those_with_sessions() {
    // Of 100 users, each in a segment of its own, two sessions two years apart: 1.7 million hours.
    let users: Vec<String> = (0..100).map(|user| format!("u{user}")).collect();
    let mut events = Vec::new();
    for user in &users {
        events.push(Happened(user, "2024-01-05 10:00", "view", &[]));
        events.push(Happened(user, "2026-01-05 10:00", "view", &[]));
    }
    let job = "[[segment]]\nname = 'u'\nby = 'user_id'\n[[chart]]\nname = 'x'\ninterval = 'hour'\nsegments = 'u'\n\
               [[chart]]\nname = 'y'\ninterval = 'hour'\n";
    let (told, ran) = super::try_story(&events, job);
    ran.expect_code(0);
    let measures = super::read_all(&told.out().join("measures.parquet"));
    let names = texts_of(&measures, "chart");
    assert_eq!(names.iter().filter(|name| *name == "x").count(), 200);
    assert_eq!(names.iter().filter(|name| *name == "y").count(), 731 * 24 + 1);
    let warnings = read_run(&told.out())["warnings"].to_string();
    assert!(warnings.contains("choose a longer `interval`") || warnings.contains("far from all others"), "{warnings}");
}
