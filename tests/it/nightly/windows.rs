//! `--from` and `--to`: what they read, and that it is enough.

use super::fixture::{day_file, folder, month, month_in, view, visits, with_id, with_ids_in, TIMEOUT};
use crate::reference::Event;
use crate::support::{table_hashes, ColumnType, Layout, Sandbox};

fn a_month(sections: &str) -> Sandbox {
    let sandbox = folder(sections);
    month(&sandbox);
    sandbox
}

const TENTH: [&str; 4] = ["--from", "2026-01-10", "--to", "2026-01-10"];

/// Runs the tenth by itself and as a part of everything, and says how many row groups it read by itself.
fn read_for_the_tenth(sandbox: &Sandbox) -> i64 {
    let full = sandbox.full_hashes();
    sandbox.ends(0, &TENTH);
    for (name, hash) in table_hashes(&sandbox.out()) {
        if name.contains("_date=") {
            assert_eq!(Some(&hash), full.get(&name), "{name}");
        }
    }
    assert_eq!(sandbox.told("inputs", "row_groups_read") + sandbox.told("inputs", "row_groups_skipped"), 30);
    sandbox.told("inputs", "row_groups_read")
}

#[test]
fn a_date_under_a_timeout_reads_the_next_day_for_sessions_that_may_be_too_long() {
    // The ninth for half an hour before midnight, the eleventh and half an hour of the twelfth, when no one is there.
    assert_eq!(read_for_the_tenth(&a_month(TIMEOUT)), 3);
}

#[test]
fn a_shorter_longest_session_reads_less() {
    let job = "[session]\ntimeout = \"5m\"\nmax_length = \"1h\"\n";
    assert_eq!(read_for_the_tenth(&a_month(job)), 1);
}

#[test]
fn a_date_of_session_ids_reads_max_gap_and_a_day_more() {
    // A day before, for ids later than their events; until the eighteenth, for a week after ids of the eleventh.
    assert_eq!(read_for_the_tenth(&a_month("")), 10);
    assert_eq!(read_for_the_tenth(&a_month("[session]\nmax_gap = \"1d\"\n")), 4);
}

/// What ids count, and milliseconds as such an id.
type Unit = (&'static str, fn(i64) -> i64);

/// Units of ids, with how many of each a number of milliseconds is.
const UNITS: [Unit; 3] =
    [("s", |millis| millis / 1_000), ("us", |millis| millis * 1_000), ("ns", |millis| millis * 1_000_000 + 1)];

#[test]
fn a_date_of_session_ids_in_another_unit_reads_no_more() {
    for (unit, of_millis) in UNITS {
        for session_id in [ColumnType::Int, ColumnType::Text] {
            let layout = Layout { session_id, ..Layout::default() };
            let sandbox = folder(&format!("[session]\nid_unit = \"{unit}\"\n"));
            month_in(&sandbox, &layout, of_millis);
            assert_eq!(read_for_the_tenth(&sandbox), 10, "{unit}");
            // What a window says of ids, the next nights know.
            sandbox.ends(0, &[]);
            let late = vec![with_id("bob", "2026-01-06 10:00", "2026-01-03 12:00")];
            sandbox.events("late.parquet", &layout, &with_ids_in(&layout, &of_millis, late));
            assert_eq!(sandbox.night(&[]).stderr, "", "{unit}");
            assert_eq!(sandbox.replaced(), ["2026-01-03 2026-01-03", "2026-01-06 2026-01-06"], "{unit}");
            sandbox.is_as_after_a_full_run();
        }
    }
    // In milliseconds they are no times.
    let sandbox = folder("");
    month_in(&sandbox, &Layout::default(), |millis| millis / 1_000);
    assert_eq!(read_for_the_tenth(&sandbox), 30);
}

#[test]
fn deduplication_reads_what_may_be_repeated() {
    let job = "[input]\ndedup = \"insert_id\"\ndedup_within = \"3d\"\n[session]\ntimeout = \"30m\"\n";
    assert_eq!(read_for_the_tenth(&a_month(job)), 6);
}

#[test]
fn definitions_that_are_not_local_in_time_read_everything_and_say_so() {
    for (session, key) in [
        ("start_event = \"view\"\nrepeated_start = \"continue\"\n", "session.repeated_start"),
        ("timeout = \"30m\"\nmax_length = \"none\"\n", "session.max_length"),
        ("start_event = \"view\"\nmax_gap = \"none\"\n", "session.max_gap"),
        ("length_from = \"first_event\"\n", "session.length_from"),
    ] {
        let sandbox = a_month(&format!("[session]\n{session}"));
        assert_eq!(read_for_the_tenth(&sandbox), 30, "{session}");
        let said = sandbox.ends(0, &TENTH).stderr;
        assert!(said.contains("everything is computed") && said.contains(key), "{session}: {said}");
        assert_eq!(sandbox.replaced(), [""; 0], "{session}: the same again");
    }
}

#[test]
fn session_ids_that_are_no_times_have_everything_read() {
    let sandbox = a_month("");
    let odd = Event { session_id: Some(crate::reference::Cell::Int(7)), ..view("dan", "2026-01-30 10:00") };
    sandbox.events("odd.parquet", &Layout::default(), &[odd]);
    let full = sandbox.full_hashes();
    let said = sandbox.ends(0, &TENTH).stderr;
    assert!(said.contains("session ids are no times"), "{said}");
    assert_eq!(sandbox.told("inputs", "row_groups_skipped"), 0);
    let file = "sessions/session_date=2026-01-10/part-0.parquet";
    assert_eq!(table_hashes(&sandbox.out())[file], full[file]);
}

#[test]
fn the_latest_time_of_the_whole_input_ends_sessions_of_a_window() {
    // On its own, the thirtieth's last session would not have ended; a stranger a day later says it has.
    let sandbox = a_month(TIMEOUT);
    let stranger = Event { users: vec![None], ..view("", "2026-02-20 10:00") };
    sandbox.events("strangers.parquet", &Layout::default(), &[stranger]);
    let full = sandbox.full_hashes();
    sandbox.ends(0, &["--from", "2026-01-30", "--to", "2026-01-30"]);
    let file = "sessions/session_date=2026-01-30/part-0.parquet";
    assert_eq!(table_hashes(&sandbox.out())[file], full[file]);
    assert_eq!(sandbox.told("inputs", "row_groups_read"), 2);
}

#[test]
fn the_counts_of_a_window_add_up_and_are_of_its_dates() {
    let sandbox = a_month(TIMEOUT);
    sandbox.ends(0, &TENTH);
    assert_eq!(sandbox.told("", "rows"), 300);
    assert_eq!((sandbox.told("", "in_session"), sandbox.told("", "outside_window")), (10, 290));
    assert_eq!(sandbox.told("", "sessions"), 4);
}

#[test]
fn text_times_are_read_whole() {
    let sandbox = folder(TIMEOUT);
    let layout = Layout { time: crate::support::TimeType::Iso, ..Layout::default() };
    for day in 1..=3 {
        sandbox.events(&day_file(day), &layout, &visits(day));
    }
    let full = sandbox.full_hashes();
    sandbox.ends(0, &["--from", "2026-01-02", "--to", "2026-01-02"]);
    assert_eq!(sandbox.told("inputs", "row_groups_skipped"), 0);
    let file = "sessions/session_date=2026-01-02/part-0.parquet";
    assert_eq!(table_hashes(&sandbox.out())[file], full[file]);
}

#[test]
fn charts_over_dates_that_lack_a_table_are_refused() {
    let sandbox = a_month(TIMEOUT);
    sandbox.ends(0, &["--only", "sessions"]);
    let before = table_hashes(&sandbox.out());
    for arguments in [&TENTH[..], &[TENTH.as_slice(), &["--only", "activity"]].concat()] {
        let said = sandbox.ends(2, arguments).stderr;
        for word in ["sessions", "no activity", "--only", "once without --from"] {
            assert!(said.contains(word), "no {word:?} in {said}");
        }
    }
    sandbox.ends(0, &[&TENTH[..], &["--only", "sessions"]].concat());
    assert_eq!(table_hashes(&sandbox.out()), before);
    sandbox.ends(0, &[]);
    sandbox.ends(0, &TENTH);
}

const COLUMNS: &str =
    "\n[[column]]\nname = \"entry\"\nfirst = \"event_type\"\n[[column]]\nname = \"views\"\ncount = \"view\"\n\
                       [[column]]\nname = \"long\"\nwhen = \"views > 2\"\n";

fn with_columns(sandbox: &Sandbox, plain: &str, columns: &str) {
    sandbox.job(&format!("{plain}{columns}"));
}

#[test]
fn columns_that_are_there_are_removed_renamed_and_put_in_order_without_reading_events() {
    let sandbox = a_month(TIMEOUT);
    let plain = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    with_columns(&sandbox, &plain, COLUMNS);
    sandbox.night(&[]);
    let chart = "[[chart]]\nname = \"long\"\nsessions = \"long\"\n";
    for columns in [
        COLUMNS.replace("views > 2", "views > 1"),
        COLUMNS.replace("entry", "first_type"),
        COLUMNS.replace("[[column]]\nname = \"entry\"\nfirst = \"event_type\"\n", ""),
        COLUMNS.replace("[[column]]\nname = \"entry\"\nfirst = \"event_type\"\n", "").replace("views > 2", "views > 3")
            + chart,
        "[[column]]\nname = \"short\"\nwhen = \"event_count < 3\"\n".to_owned(),
        String::new(),
    ] {
        with_columns(&sandbox, &plain, &columns);
        let ran = sandbox.night(&[]);
        assert_eq!(sandbox.told("inputs", "row_groups_read"), 0, "{columns}");
        assert!(ran.stdout.contains("without reading events"), "{}", ran.stdout);
        sandbox.is_as_after_a_full_run();
        assert!(sandbox.night(&[]).stdout.starts_with("Nothing new"));
    }
    // One that takes events is made of all of them, and the run says so.
    with_columns(&sandbox, &plain, COLUMNS);
    let ran = sandbox.night(&[]);
    assert!(ran.stderr.contains("all dates are rebuilt"), "{}", ran.stderr);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_night_with_news_and_other_columns_reads_what_the_news_touch() {
    let sandbox = a_month(TIMEOUT);
    let plain = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    with_columns(&sandbox, &plain, COLUMNS);
    sandbox.night(&[]);
    sandbox.events("late.parquet", &Layout::default(), &[view("ann", "2026-01-10 09:20")]);
    let without = COLUMNS.replace("[[column]]\nname = \"entry\"\nfirst = \"event_type\"\n", "");
    with_columns(&sandbox, &plain, &without);
    sandbox.night(&[]);
    assert!(sandbox.told("inputs", "row_groups_read") < 8);
    sandbox.is_as_after_a_full_run();
    // So does one of some dates.
    with_columns(&sandbox, &plain, &without.replace("views > 2", "views > 5"));
    sandbox.ends(0, &["--from", "2026-01-05", "--to", "2026-01-06"]);
    assert!(sandbox.told("inputs", "row_groups_read") < 8);
    sandbox.is_as_after_a_full_run();
}
