//! Which dates a run replaces, and whose dates they are.

use super::{names, state, three_days, view, with_events, JOB};
use crate::cells::{lines_of_file, number};
use crate::reference::Event;
use crate::support::{read_run, Layout, Sandbox};

fn measures(sandbox: &Sandbox) -> Vec<String> {
    let columns = ["interval_start", "total_sessions", "active_users", "time_spent_ms"];
    lines_of_file(&sandbox.out().join("measures.parquet"), &columns)
}

/// The dates of files that are not as they were before.
fn changed_dates(sandbox: &Sandbox, before: &super::State) -> Vec<String> {
    let after = state(&sandbox.out());
    let all = before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
    let mut dates: Vec<String> =
        all.filter_map(|name| Some(name.split_once("_date=")?.1.split('/').next()?.to_owned())).collect();
    dates.sort();
    dates.dedup();
    dates
}

/// One more user on each of the three days.
fn cid_on_each_day() -> Vec<Event> {
    ["2026-01-05", "2026-01-06", "2026-01-07"].map(|day| view("cid", &format!("{day} 12:00"))).to_vec()
}

#[test]
fn from_and_to_replace_their_dates_and_leave_the_others_untouched() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    let before = state(&sandbox.out());
    sandbox.events("more.parquet", &Layout::default(), &cid_on_each_day());
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    assert_eq!(changed_dates(&sandbox, &before), ["2026-01-06"]);
    let second: Vec<String> = sandbox.sessions().into_iter().filter(|line| line.contains("2026-01-06")).collect();
    assert_eq!(second.len(), 3, "{second:?}");
    assert_eq!((sandbox.sessions().len(), sandbox.activity().len()), (7, 7));
}

#[test]
fn measures_after_some_dates_cover_all() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    assert_eq!(measures(&sandbox), ["00:00 2 2 600000", "2026-01-06 00:00 2 2 600000", "2026-01-07 00:00 2 2 600000"]);
    sandbox.events("more.parquet", &Layout::default(), &cid_on_each_day());
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    assert_eq!(measures(&sandbox), ["00:00 2 2 600000", "2026-01-06 00:00 3 3 600000", "2026-01-07 00:00 2 2 600000"]);
    let bins = lines_of_file(&sandbox.out().join("histogram.parquet"), &["sessions"]);
    assert_eq!(bins.iter().map(|sessions| sessions.parse::<i64>().unwrap()).sum::<i64>(), 7);
}

#[test]
fn all_dates_in_windows_are_the_same_as_in_one_run() {
    let whole = with_events(&three_days());
    whole.runs(&["job.toml"]);
    let pieces = with_events(&three_days());
    for day in ["2026-01-06", "2026-01-05", "2026-01-07"] {
        pieces.runs(&["job.toml", "--from", day, "--to", day]);
    }
    assert_eq!(crate::support::table_hashes(&pieces.out()), crate::support::table_hashes(&whole.out()));
}

#[test]
fn a_window_may_be_open_at_one_end() {
    for (arguments, dates) in [
        (["--from", "2026-01-06"], &["2026-01-06", "2026-01-07"][..]),
        (["--to", "2026-01-06"], &["2026-01-05", "2026-01-06"]),
    ] {
        let sandbox = with_events(&three_days());
        sandbox.runs(&["job.toml"]);
        let before = state(&sandbox.out());
        sandbox.events("more.parquet", &Layout::default(), &cid_on_each_day());
        sandbox.runs(&[&["job.toml"], &arguments[..]].concat());
        assert_eq!(changed_dates(&sandbox, &before), dates);
    }
}

#[test]
fn a_session_over_midnight_is_replaced_with_the_date_it_starts_on() {
    let night = [view("ann", "2026-01-05 23:50"), view("ann", "2026-01-06 00:10")];
    let sandbox = with_events(&night);
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    assert_eq!(sandbox.sessions(), [""; 0]);
    assert_eq!(sandbox.activity(), ["2026-01-06 ann 1 1"]);
    sandbox.runs(&["job.toml", "--from", "2026-01-05", "--to", "2026-01-05"]);
    assert_eq!(sandbox.sessions(), ["2026-01-05 ann 23:50 2"]);
    assert_eq!(sandbox.activity().len(), 2);
}

#[test]
fn events_outside_of_a_window_are_counted_so() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    let is = |path| number(&sandbox.out(), path);
    assert_eq!((is("rows"), is("outside_window"), is("in_session"), is("sessions")), (9, 6, 3, 2));
    assert_eq!(sandbox.sessions().len(), 2);
}

#[test]
fn a_run_replaces_what_the_run_before_it_wrote() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    assert_eq!(sandbox.sessions().len(), 6);
    sandbox.events("events.parquet", &Layout::default(), &three_days()[..6]).runs(&["job.toml"]);
    assert_eq!(sandbox.sessions().len(), 4);
    assert!(!names(&sandbox.out()).iter().any(|name| name.contains("2026-01-07")), "a date without sessions stays");
    assert!(!sandbox.out().join("sessions/session_date=2026-01-07").exists(), "an empty folder stays");
    assert!(!sandbox.out().join("activity/activity_date=2026-01-07").exists(), "an empty folder stays");
    let fresh = with_events(&three_days()[..6]);
    fresh.runs(&["job.toml"]);
    assert_eq!(crate::support::table_hashes(&sandbox.out()), crate::support::table_hashes(&fresh.out()));
}

#[test]
fn a_window_removes_only_its_own_dates() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    sandbox.events("events.parquet", &Layout::default(), &three_days()[..3]);
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    let dates: Vec<String> = sandbox.sessions().iter().map(|line| line[..10].to_owned()).collect();
    assert_eq!(dates, ["2026-01-05", "2026-01-05", "2026-01-07", "2026-01-07"]);
    assert_eq!(measures(&sandbox), ["00:00 2 2 600000", "2026-01-06 00:00 0 0 0", "2026-01-07 00:00 2 2 600000"]);
}

#[test]
fn the_same_run_again_writes_the_same_bytes() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    let first = crate::support::table_hashes(&sandbox.out());
    sandbox.runs(&["job.toml"]);
    assert_eq!(crate::support::table_hashes(&sandbox.out()), first);
}

// ---- Time zones --------------------------------------------------------------------------------------------

#[test]
fn dates_hours_and_intervals_are_those_of_the_zone() {
    let sandbox = with_events(&[view("ann", "2026-01-05 14:30"), view("ann", "2026-01-05 15:30")]);
    sandbox.job(&JOB.replace("[output]", "[output]\ntimezone = \"Asia/Tokyo\"")).runs(&["job.toml"]);
    assert_eq!(sandbox.sessions(), ["2026-01-05 ann 14:30 1", "2026-01-06 ann 15:30 1"]);
    // Half past eleven at night and half past midnight.
    assert_eq!(sandbox.activity(), [format!("2026-01-05 ann 1 {}", 1 << 23), "2026-01-06 ann 1 1".to_owned()]);
    let starts = lines_of_file(&sandbox.out().join("measures.parquet"), &["interval_start", "total_sessions"]);
    assert_eq!(starts, ["2026-01-04 15:00 1", "15:00 1"]);
    let dates = &read_run(&sandbox.out())["dates"];
    assert_eq!((&dates["first"], &dates["last"]), (&"2026-01-05".into(), &"2026-01-06".into()));
}

#[test]
fn a_window_is_of_dates_of_the_zone() {
    let sandbox = with_events(&[view("ann", "2026-01-05 14:30"), view("ann", "2026-01-05 15:30")]);
    let window = ["--from", "2026-01-06", "--to", "2026-01-06", "--timezone", "Asia/Tokyo"];
    sandbox.runs(&[&["job.toml"], &window[..]].concat());
    assert_eq!(sandbox.sessions(), ["2026-01-06 ann 15:30 1"]);
    assert_eq!(number(&sandbox.out(), "outside_window"), 1);
}

#[test]
fn a_day_of_a_clock_change_has_its_own_hours() {
    // 01:30 twice: before and after Paris sets its clocks back, on a date that begins at 22:00 UTC.
    let clocks = ["2026-10-25 00:30", "2026-10-25 01:30", "2026-10-25 22:59"];
    let sandbox = with_events(&clocks.map(|clock| view("ann", clock)));
    sandbox.runs(&["job.toml", "--timezone", "Europe/Paris"]);
    let hours = (1_i64 << 2) | (1 << 3) | (1 << 24);
    assert_eq!(sandbox.activity(), [format!("2026-10-25 ann 3 {hours}")]);
}
