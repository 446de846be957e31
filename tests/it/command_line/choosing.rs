//! What a run does and does not write: `--dry-run` and `--only`.

use super::{names, state, three_days, view, with_events, JOB};
use crate::cells::{lines_of_file, number};
use crate::support::{table_hashes, Layout, Sandbox};

// ---- --dry-run ---------------------------------------------------------------------------------------------

#[test]
fn a_dry_run_says_what_a_run_would_read_make_and_write() {
    let sandbox = with_events(&three_days());
    sandbox.events("more.parquet", &Layout { rows_per_group: 2, ..Layout::default() }, &three_days()[..3]);
    let printed = sandbox.runs(&["job.toml", "--dry-run"]).stdout;
    let line = |name: &str| {
        let found = printed.lines().find(|line| line.starts_with(name));
        found.unwrap_or_else(|| panic!("no line {name} in:\n{printed}")).to_owned()
    };
    assert!(line("Files").contains('2'), "{printed}");
    assert!(line("Row groups").contains("3 of 3"), "{printed}");
    assert!(line("Rows").contains("12 of 12"), "{printed}");
    for (column, role) in [("user_id", "user"), ("event_time", "time"), ("event_type", "event type")] {
        let has = |line: &&str| line.contains(column) && line.contains(role);
        assert!(printed.lines().any(|line| has(&line)), "no {column} as {role} in:\n{printed}");
    }
    assert!(
        printed.contains("A session is a run of one user's events and ends before a silence of 30m or more"),
        "{printed}"
    );
    let tables = line("Tables");
    assert!(["sessions", "activity", "charts", "out"].iter().all(|word| tables.contains(word)), "{printed}");
}

#[test]
fn a_dry_run_says_what_a_condition_and_the_flags_leave() {
    let sandbox = with_events(&three_days());
    let layout = Layout { rows_per_group: 3, ..Layout::default() };
    sandbox.events("events.parquet", &layout, &three_days());
    let arguments = ["job.toml", "--dry-run", "--only", "sessions", "--where", "event_time >= '2026-01-07'"];
    let printed = sandbox.runs(&arguments).stdout;
    assert!(printed.contains("1 of 3"), "row groups:\n{printed}");
    assert!(printed.contains("3 of 9"), "rows:\n{printed}");
    assert!(printed.contains("event_time >= '2026-01-07'"), "{printed}");
    let tables = printed.lines().find(|line| line.starts_with("Tables")).unwrap();
    assert!(tables.contains("sessions") && !tables.contains("activity") && !tables.contains("charts"), "{printed}");
}

#[test]
fn a_dry_run_writes_nothing() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml", "--dry-run"]);
    assert!(!sandbox.out().exists(), "a dry run made the output folder");
    sandbox.runs(&["job.toml"]);
    let before = (state(&sandbox.out()), std::fs::read(sandbox.out().join("run.json")).unwrap());
    sandbox.events("more.parquet", &Layout::default(), &[view("cid", "12:00")]);
    sandbox.runs(&["job.toml", "--dry-run"]);
    let after = (state(&sandbox.out()), std::fs::read(sandbox.out().join("run.json")).unwrap());
    assert_eq!(after, before);
}

#[test]
fn a_dry_run_finds_the_mistakes_that_a_run_would_find() {
    let sandbox = with_events(&three_days());
    let ran = sandbox.dwell(&["run", "job.toml", "--dry-run", "--user", "usr_id"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("usr_id") && ran.stderr.contains("user_id"), "{}", ran.stderr);
    assert!(!sandbox.out().exists());
}

// ---- --only ------------------------------------------------------------------------------------------------

/// Which table a file is of.
fn table_of(name: &str) -> &str {
    match name.split(['/', '.']).next().unwrap() {
        "measures" | "histogram" => "charts",
        table => table,
    }
}

/// Runs over old events, then over new ones with `--only`: the tables asked for are those of a full run, and
/// the others are as they were, to the time of their files.
fn writes_only(only: &str) {
    let asked: Vec<&str> = only.split(',').collect();
    let more = [view("cid", "12:00"), view("cid", "2026-01-06 12:00"), view("cid", "2026-01-08 12:00")];
    let full = with_events(&three_days());
    full.events("more.parquet", &Layout::default(), &more).runs(&["job.toml"]);

    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    let before = state(&sandbox.out());
    sandbox.events("more.parquet", &Layout::default(), &more).runs(&["job.toml", "--only", only]);
    let after = state(&sandbox.out());

    let expected = table_hashes(&full.out());
    let of_asked = |name: &&String| asked.contains(&table_of(name));
    for name in expected.keys().filter(of_asked) {
        assert_eq!(after.get(name).map(|(hash, _)| hash), expected.get(name), "--only {only}: {name}");
    }
    for name in before.keys().chain(after.keys()).filter(|name| !of_asked(name)) {
        assert_eq!(after.get(name), before.get(name), "--only {only}: {name}");
    }

    // The same in a folder where there was nothing.
    let fresh = with_events(&three_days());
    fresh.events("more.parquet", &Layout::default(), &more).runs(&["job.toml", "--only", only]);
    let written: Vec<String> = names(&fresh.out());
    let wanted: Vec<String> = expected.keys().filter(of_asked).cloned().collect();
    assert_eq!(written, wanted, "--only {only}");
    let written = table_hashes(&fresh.out());
    assert!(written.iter().all(|(name, hash)| expected[name] == *hash), "--only {only}");
    assert_eq!(number(&fresh.out(), "rows"), 12);
}

#[test]
fn only_sessions_are_written_where_only_these_are_asked_for() {
    writes_only("sessions");
}

#[test]
fn only_activity_is_written_where_only_this_is_asked_for() {
    writes_only("activity");
}

#[test]
fn only_charts_are_written_where_only_these_are_asked_for_and_they_are_of_new_events() {
    writes_only("charts");
}

#[test]
fn two_or_all_of_them_can_be_asked_for() {
    writes_only("sessions,activity");
    writes_only("activity,charts");
    writes_only("charts,sessions");
    writes_only("sessions,activity,charts");
}

#[test]
fn only_may_be_given_again() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml", "--only", "sessions", "--only", "activity"]);
    let mut tables: Vec<String> = names(&sandbox.out()).iter().map(|name| table_of(name).to_owned()).collect();
    tables.dedup();
    assert_eq!(tables, ["activity", "sessions"]);
}

#[test]
fn charts_of_some_dates_alone_are_over_the_tables_of_all() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    let before = state(&sandbox.out());
    sandbox.events("more.parquet", &Layout::default(), &[view("cid", "2026-01-06 12:00")]);
    let window = ["--from", "2026-01-06", "--to", "2026-01-06"];
    sandbox.runs(&[&["job.toml", "--only", "charts"], &window[..]].concat());
    let measures = lines_of_file(&sandbox.out().join("measures.parquet"), &["interval_start", "total_sessions"]);
    assert_eq!(measures, ["00:00 2", "2026-01-06 00:00 3", "2026-01-07 00:00 2"]);
    let unchanged = |name: &&String| table_of(name) != "charts";
    let after = state(&sandbox.out());
    assert!(before.keys().filter(unchanged).all(|name| after[name] == before[name]));
}

#[test]
fn a_dry_run_and_a_run_agree_on_the_definition() {
    let sandbox: Sandbox = with_events(&three_days());
    let printed = sandbox.runs(&["job.toml", "--dry-run"]).stdout;
    sandbox.job(JOB).runs(&["job.toml"]);
    let fingerprint = crate::support::read_run(&sandbox.out())["fingerprint"].as_str().unwrap().to_owned();
    assert!(printed.contains(&fingerprint), "no {fingerprint} in:\n{printed}");
}
