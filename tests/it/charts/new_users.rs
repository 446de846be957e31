//! Users who are new in an interval, and those who return.

use super::behind::listed;
use super::{numbers_of, read_all, run_story, texts_of, Happened};
use crate::support::Sandbox;

// 2026-01-05 is a Monday.
const EVENTS: [Happened<'static>; 8] = [
    Happened("ann", "2026-01-05 10:00", "view", &[]),
    Happened("ann", "2026-01-06 09:00", "click", &[]),
    Happened("ann", "2026-01-13 09:00", "view", &[]),
    Happened("bob", "2026-01-06 11:00", "click", &[]),
    Happened("bob", "2026-01-06 12:30", "view", &[]),
    Happened("bob", "2026-01-07 10:00", "view", &[]),
    Happened("cat", "2026-01-11 23:30", "view", &[]),
    Happened("cat", "2026-01-12 00:10", "view", &[]),
];

const JOB: &str = "
    [[segment]]
    name = 'views'
    where = \"event_type = 'view'\"
    [[segment]]
    name = 'new'
    users = 'new'
    [[segment]]
    name = 'back'
    where = \"event_type = 'view'\"
    users = 'returning'
    [[segment]]
    name = 'types'
    by = 'event_type'
    users = 'new'
    [[chart]]
    name = 'days'
    segments = ['all', 'views', 'new', 'back', 'types']
    [[chart]]
    name = 'hours'
    interval = 'hour'
    segments = ['views', 'new', 'back']
    [[chart]]
    name = 'weeks'
    interval = 'week'
    segments = ['all', 'new', 'back']
    [[chart]]
    name = 'cut weeks'
    interval = 'week'
    from = 2026-01-07
    segments = ['all', 'new']
    [[chart]]
    name = 'total'
    interval = 'total'
    [[chart]]
    name = 'cut total'
    interval = 'total'
    from = 2026-01-07
    segments = ['all', 'new', 'back']
    ";

/// The rows of a chart that count something, as `segment start: sessions, active users, new users`.
fn rows(told: &Sandbox, chart: &str) -> Vec<String> {
    let measures = read_all(&told.out().join("measures.parquet"));
    let of = |name| texts_of(&measures, name);
    let (charts, segments) = (of("chart"), of("segment"));
    let instant = |micros: Option<f64>| jiff::Timestamp::from_microsecond(micros.unwrap() as i64).unwrap().to_string();
    let starts: Vec<String> = numbers_of(&measures, "interval_start").into_iter().map(instant).collect();
    let figures = ["total_sessions", "active_users", "new_users"].map(of);
    let counts = |row: &usize| charts[*row] == chart && (figures[0][*row] != "0" || figures[1][*row] != "0");
    let start = |row: usize| {
        if chart == "hours" {
            starts[row][8..13].to_owned()
        } else {
            starts[row][8..10].to_owned()
        }
    };
    let text = |row: usize| {
        let [sessions, active, new] = figures.each_ref().map(|figures| &figures[row]);
        format!("{} {}: {sessions} {active} {new}", segments[row], start(row))
    };
    (0..measures.num_rows()).filter(counts).map(text).collect()
}

#[test]
fn users_are_new_in_the_interval_of_their_first_event_of_any_kind() {
    let told = run_story(&EVENTS, JOB);
    assert_eq!(
        rows(&told, "days"),
        [
            "all 05: 1 1 1",
            "all 06: 3 2 1",
            "all 07: 1 1 0",
            "all 11: 1 1 1",
            "all 12: 1 1 0",
            "all 13: 1 1 0",
            "views 05: 1 1 1",
            // The first event of bob's is a click of the same day.
            "views 06: 1 1 1",
            "views 07: 1 1 0",
            "views 11: 1 1 1",
            "views 12: 1 1 0",
            "views 13: 1 1 0",
            "new 05: 1 1 1",
            "new 06: 2 1 1",
            "new 11: 1 1 1",
            "back 07: 1 1 0",
            "back 12: 1 1 0",
            "back 13: 1 1 0",
            "types=click 06: 1 1 1",
            "types=view 05: 1 1 1",
            "types=view 06: 1 1 1",
            "types=view 11: 1 1 1",
        ]
    );
    assert_eq!(
        rows(&told, "hours"),
        [
            "views 05T10: 1 1 1",
            "views 06T12: 1 1 0",
            "views 07T10: 1 1 0",
            "views 11T23: 1 1 1",
            "views 12T00: 1 1 0",
            "views 13T09: 1 1 0",
            "new 05T10: 1 1 1",
            "new 06T11: 1 1 1",
            "new 11T23: 1 1 1",
            "back 06T12: 1 1 0",
            "back 07T10: 1 1 0",
            "back 12T00: 1 1 0",
            "back 13T09: 1 1 0",
        ]
    );
    assert_eq!(rows(&told, "weeks"), ["all 05: 6 3 3", "all 12: 2 2 0", "new 05: 6 3 3", "back 12: 2 2 0"]);
    assert_eq!(rows(&told, "total"), ["all 05: 8 3 3"]);
}

#[test]
fn an_interval_that_is_cut_is_whole_for_who_is_new_but_for_that_of_all_dates() {
    let told = run_story(&EVENTS, JOB);
    assert_eq!(rows(&told, "cut weeks"), ["all 05: 2 2 2", "all 12: 2 2 0", "new 05: 2 2 2"]);
    assert_eq!(rows(&told, "cut total"), ["all 07: 4 3 1", "new 07: 2 1 1", "back 07: 2 2 0"]);
}

#[test]
fn a_segment_of_users_alone_has_no_tables_and_its_figures_are_listed() {
    let told = run_story(&EVENTS, JOB);
    let folders = |name: &str| told.out().join("segments").join(name).exists();
    assert_eq!(["views", "new", "back", "types"].map(folders), [true, false, true, true]);
    let listed = |flags: &[&str]| listed(&told, &[&["--chart"], flags].concat());
    let new = ["cat 11T23:30", "bob 06T12:30", "bob 06T11:00", "ann 05T10:00"];
    assert_eq!(listed(&["days", "--segment", "new"]), new);
    assert_eq!(listed(&["days", "--segment", "new", "--interval", "2026-01-06"]), new[1..3]);
    assert_eq!(listed(&["hours", "--segment", "back", "--interval", "2026-01-06T12:00:00Z"]), ["bob 06T12:30"]);
    assert_eq!(listed(&["days", "--segment", "types=click"]), ["bob 06T11:00"]);
    let ran = told.dwell(&["kernel", "job.toml", "--segment", "new"]);
    assert!(ran.expect_code(2).stderr.contains("\"new\""), "{}", ran.stderr);
}

#[test]
fn segments_of_users_come_and_go_without_reading_events() {
    let told = run_story(&EVENTS, "[[segment]]\nname = 'new'\nwhere = \"event_type = 'click'\"\n");
    let job = |segment: &str| {
        let head = "[output]\npath = 'out'\n";
        told.job(&format!("{head}{segment}[[chart]]\nname = 'days'\nsegments = ['people']\n"));
    };
    job("[[segment]]\nname = 'people'\nusers = 'returning'\n");
    told.dwell(&["charts", "job.toml"]).expect_code(0);
    assert_eq!(rows(&told, "days"), ["people 06: 1 1 0", "people 07: 1 1 0", "people 12: 1 1 0", "people 13: 1 1 0"]);
    job("[[segment]]\nname = 'people'\nusers = 'old'\n");
    let ran = told.dwell(&["charts", "job.toml"]);
    for said in ["segment.users", "new, returning"] {
        assert!(ran.expect_code(2).stderr.contains(said), "no {said:?} in {}", ran.stderr);
    }
}
