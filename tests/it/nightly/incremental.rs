//! `--incremental`: which dates it finds, and that the tables are those of a full run afterwards.

use super::fixture::{day_file, differing, folder, month, view, visits, with_id, TIMEOUT};
use crate::cells::{lines, texts};
use crate::input_forms::nested::{structs, with_column};
use crate::reference::Event;
use crate::support::{read_run, table_hashes, write_batch, Layout, Sandbox};

/// A month that a run has read.
fn after_a_month(sections: &str) -> Sandbox {
    let sandbox = folder(sections);
    month(&sandbox);
    sandbox.night(&[]);
    sandbox
}

fn adds(sandbox: &Sandbox, name: &str, events: &[Event]) {
    sandbox.events(name, &Layout::default(), events);
}

#[test]
fn the_first_run_computes_everything() {
    let sandbox = after_a_month(TIMEOUT);
    sandbox.is_as_after_a_full_run();
    assert_eq!(sandbox.told("files", "new"), 30);
    assert_eq!(read_run(&sandbox.out())["mode"], "incremental");
    assert!(read_run(&sandbox.out())["everything"].as_str().unwrap().contains("no run before"));
}

#[test]
fn a_plain_run_is_as_good_a_first_run() {
    let sandbox = folder(TIMEOUT);
    month(&sandbox);
    sandbox.ends(0, &[]);
    assert!(sandbox.night(&[]).stdout.starts_with("Nothing new"));
}

#[test]
fn nothing_new_touches_nothing_and_says_so() {
    let sandbox = after_a_month(TIMEOUT);
    let state = |sandbox: &Sandbox| {
        let written = |name: &String| std::fs::metadata(sandbox.out().join(name)).unwrap().modified().unwrap();
        let tables = table_hashes(&sandbox.out()).into_keys().map(|name| (name.clone(), written(&name)));
        let run = std::fs::read(sandbox.out().join("run.json")).unwrap();
        (tables.collect::<Vec<_>>(), run)
    };
    let before = state(&sandbox);
    let ran = sandbox.night(&[]);
    assert!(ran.stdout.starts_with("Nothing new: the 30 files"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
    assert_eq!(state(&sandbox), before);
    assert_eq!(sandbox.night(&["--quiet"]).stdout, "");
}

#[test]
fn a_new_day_writes_itself_and_the_day_before() {
    let sandbox = after_a_month(TIMEOUT);
    let before = table_hashes(&sandbox.out());
    adds(&sandbox, "2026-01-31.parquet", &visits(31));
    sandbox.night(&[]);
    // On the thirtieth a session was the last of all, and has ended now.
    assert_eq!(sandbox.replaced(), ["2026-01-30 2026-01-31"]);
    assert_eq!(differing(&before, &sandbox.out()), ["2026-01-30", "2026-01-31"]);
    assert!(sandbox.told("inputs", "row_groups_read") <= 4);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn one_late_row_touches_its_dates_and_not_the_month_between() {
    let sandbox = after_a_month(TIMEOUT);
    let before = table_hashes(&sandbox.out());
    let mut night = visits(31);
    night.push(view("bob", "2026-01-03 12:20"));
    adds(&sandbox, "2026-01-31.parquet", &night);
    sandbox.night(&[]);
    assert_eq!(sandbox.replaced(), ["2026-01-03 2026-01-03", "2026-01-30 2026-01-31"]);
    assert_eq!(differing(&before, &sandbox.out()), ["2026-01-03", "2026-01-30", "2026-01-31"]);
    // The second to the fifth and the twenty-ninth to the thirty-first, at most.
    assert!(sandbox.told("inputs", "row_groups_read") <= 8);
    assert_eq!(read_run(&sandbox.out())["lateness"], serde_json::json!({ "0": 10, "28": 1 }));
    sandbox.is_as_after_a_full_run();
}

/// Sessions of a user, as start, events and reason.
fn sessions_of(sandbox: &Sandbox, user: &str, date: &str) -> Vec<String> {
    let all = lines(&sandbox.out(), "sessions", &["date", "user_id", "start_time", "event_count", "end_reason"]);
    let start = format!("{date} {user} {date} ");
    all.iter().filter_map(|line| line.strip_prefix(&start)).map(str::to_owned).collect()
}

#[test]
fn a_late_event_extends_a_session_of_a_week_ago() {
    let sandbox = after_a_month(TIMEOUT);
    adds(&sandbox, "late.parquet", &[view("bob", "2026-01-23 12:30")]);
    sandbox.night(&[]);
    assert_eq!(sessions_of(&sandbox, "bob", "2026-01-23"), ["12:00 4 timeout"]);
    assert_eq!(sandbox.told("changes", "reopened"), 1);
    assert_eq!(["added", "joined", "split", "removed"].map(|key| sandbox.told("changes", key)), [0; 4]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_late_event_joins_two_sessions_also_over_midnight() {
    let sandbox = after_a_month(TIMEOUT);
    adds(&sandbox, "night.parquet", &[view("ann", "2026-01-12 00:35")]);
    sandbox.night(&[]);
    assert_eq!(sessions_of(&sandbox, "ann", "2026-01-12").len(), 3);
    adds(&sandbox, "late.parquet", &[view("ann", "2026-01-12 00:12")]);
    sandbox.night(&[]);
    assert_eq!(sessions_of(&sandbox, "ann", "2026-01-11"), ["09:00 3 timeout", "23:50 3 timeout"]);
    assert_eq!(sessions_of(&sandbox, "ann", "2026-01-12").len(), 2);
    assert_eq!((sandbox.told("changes", "joined"), sandbox.told("changes", "removed")), (1, 0));
    assert_eq!(sandbox.replaced(), ["2026-01-11 2026-01-12"]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_late_ending_event_splits_a_session() {
    let sandbox = after_a_month("[session]\ntimeout = \"30m\"\nend_event = \"close\"\n");
    adds(&sandbox, "late.parquet", &[super::fixture::event("bob", "2026-01-23 12:06", "close")]);
    sandbox.night(&[]);
    assert_eq!(sessions_of(&sandbox, "bob", "2026-01-23"), ["12:00 3 end_event", "12:10 1 timeout"]);
    assert_eq!(sandbox.told("changes", "split"), 1);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_late_event_may_make_a_session_too_long() {
    let sandbox = after_a_month("[session]\ntimeout = \"23h\"\nmax_length = \"12h\"\n");
    sandbox.is_as_after_a_full_run();
    adds(&sandbox, "late.parquet", &[view("bob", "2026-01-24 10:00")]);
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_rewritten_file_loses_what_it_no_longer_has() {
    let sandbox = after_a_month(TIMEOUT);
    adds(&sandbox, &day_file(10), &visits(10)[..4]);
    sandbox.night(&[]);
    assert_eq!((sandbox.told("files", "changed"), sandbox.told("changes", "removed")), (1, 2));
    assert_eq!(sandbox.told("changes", "reopened"), 1);
    assert_eq!(sandbox.replaced(), ["2026-01-10 2026-01-10"]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn files_that_are_gone_are_a_limit_unless_they_may_be() {
    let sandbox = after_a_month(TIMEOUT);
    let before = table_hashes(&sandbox.out());
    sandbox.removes(&day_file(10));
    sandbox.removes(&day_file(11));
    let said = sandbox.ends(3, &["--incremental"]).stderr;
    for word in ["2 files", "gone", "2026-01-10.parquet", "--allow-removed"] {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    assert_eq!(table_hashes(&sandbox.out()), before);
    sandbox.night(&["--allow-removed"]);
    assert_eq!(sandbox.replaced(), ["2026-01-10 2026-01-11"]);
    assert!(!sandbox.out().join("sessions/session_date=2026-01-10").exists());
    assert_eq!(sandbox.told("files", "gone"), 2);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn an_event_from_the_future_does_not_keep_later_ones_out() {
    let sandbox = after_a_month(TIMEOUT);
    adds(&sandbox, "future.parquet", &[view("eve", "2027-06-01 10:00")]);
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
    adds(&sandbox, "2026-01-31.parquet", &visits(31));
    sandbox.night(&[]);
    assert_eq!(sandbox.replaced(), ["2026-01-31 2026-01-31"]);
    sandbox.is_as_after_a_full_run();
    sandbox.removes("future.parquet");
    sandbox.night(&["--allow-removed"]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn an_empty_night_does_not_block_the_next() {
    let sandbox = after_a_month(TIMEOUT);
    adds(&sandbox, "empty.parquet", &[]);
    sandbox.night(&[]);
    assert_eq!(sandbox.replaced(), [""; 0]);
    assert!(sandbox.night(&[]).stdout.starts_with("Nothing new"));
    adds(&sandbox, "2026-01-31.parquet", &visits(31));
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn session_ids_name_the_dates_that_new_events_touch() {
    let sandbox = after_a_month("");
    let before = table_hashes(&sandbox.out());
    let mut night = visits(31);
    night.push(with_id("bob", "2026-01-06 10:00", "2026-01-03 12:00"));
    adds(&sandbox, "2026-01-31.parquet", &night);
    sandbox.night(&[]);
    // The session of the third, which is too long by now, and activity on the sixth.
    assert_eq!(differing(&before, &sandbox.out()), ["2026-01-03", "2026-01-06", "2026-01-31"]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn an_id_that_is_no_time_has_everything_computed_until_it_is_gone() {
    let sandbox = after_a_month("");
    let odd = Event { session_id: Some(crate::reference::Cell::Int(7)), ..view("dan", "2026-01-05 10:00") };
    adds(&sandbox, "odd.parquet", &[odd]);
    let said = sandbox.night(&[]).stderr;
    assert!(said.contains("session ids are no times"), "{said}");
    sandbox.is_as_after_a_full_run();
    adds(&sandbox, "more.parquet", &[view("dan", "2026-01-06 10:00")]);
    assert!(sandbox.night(&[]).stderr.contains("session ids are no times"));
    sandbox.removes("odd.parquet");
    sandbox.night(&["--allow-removed"]);
    sandbox.is_as_after_a_full_run();
    adds(&sandbox, "more.parquet", &[view("dan", "2026-01-07 10:00")]);
    assert_eq!(sandbox.night(&[]).stderr, "");
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_window_does_not_mark_files_as_read_that_it_did_not_read() {
    let sandbox = after_a_month(TIMEOUT);
    let mut night = visits(31);
    night.push(view("bob", "2026-01-03 12:20"));
    adds(&sandbox, "2026-01-31.parquet", &night);
    sandbox.ends(0, &["--from", "2026-01-31", "--to", "2026-01-31"]);
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn dates_that_a_window_made_of_other_files_are_made_again_when_these_are_back() {
    let sandbox = after_a_month(TIMEOUT);
    let (file, aside) = (sandbox.path().join("data").join(day_file(10)), sandbox.path().join("aside"));
    std::fs::rename(&file, &aside).unwrap();
    sandbox.ends(0, &["--from", "2026-01-10", "--to", "2026-01-10"]);
    assert!(!sandbox.out().join("sessions/session_date=2026-01-10").exists());
    std::fs::rename(&aside, &file).unwrap();
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
    assert!(sandbox.night(&[]).stdout.starts_with("Nothing new"));
}

#[test]
fn tables_written_one_by_one_are_brought_in_step_by_the_next_night() {
    let sandbox = after_a_month(TIMEOUT);
    adds(&sandbox, "2026-01-31.parquet", &visits(31));
    sandbox.ends(0, &["--only", "sessions"]);
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn another_definition_is_refused_and_its_rebuild_is_a_full_run() {
    let sandbox = after_a_month(TIMEOUT);
    let before = table_hashes(&sandbox.out());
    let said = sandbox.ends(2, &["--incremental", "--timeout", "5m"]).stderr;
    assert!(said.contains("session.timeout: 30m before, 5m now") && said.contains("--overwrite"), "{said}");
    assert_eq!(table_hashes(&sandbox.out()), before);
    sandbox.night(&["--timeout", "5m", "--overwrite"]);
    assert!(sandbox.night(&["--timeout", "5m"]).stdout.starts_with("Nothing new"));
    sandbox.night(&["--overwrite"]);
    assert_eq!(table_hashes(&sandbox.out()), before);
}

#[test]
fn tables_of_other_columns_are_rebuilt() {
    let sandbox = after_a_month(TIMEOUT);
    // As a job with other segments may have left it.
    let path = sandbox.out().join("_dwell/folder.json");
    let mut record: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    record["tables"][1] = "activity: with a column more".into();
    std::fs::write(&path, record.to_string()).unwrap();
    adds(&sandbox, "late.parquet", &[view("bob", "2026-01-03 12:20")]);
    let said = sandbox.night(&[]).stderr;
    assert!(said.contains("all dates are rebuilt: the tables get other columns"), "{said}");
    assert_eq!(sandbox.told("inputs", "row_groups_skipped"), 0);
    sandbox.is_as_after_a_full_run();
    assert!(sandbox.night(&[]).stdout.starts_with("Nothing new"));
}

#[test]
fn a_table_that_was_removed_is_made_again() {
    let sandbox = after_a_month(TIMEOUT);
    std::fs::remove_dir_all(sandbox.out().join("activity")).unwrap();
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn what_a_condition_is_about_is_part_of_the_definition() {
    let sandbox = after_a_month("[input]\nwhere = \"keep > 0 OR keep IS NULL\"\n[session]\ntimeout = \"30m\"\n");
    assert!(read_run(&sandbox.out())["definition"]["input.where columns"].as_str().unwrap().contains("keep"));
}

#[test]
fn a_damaged_ledger_is_named_and_any_other_run_makes_it_anew() {
    let sandbox = after_a_month(TIMEOUT);
    let ledger = sandbox.out().join("_dwell/ledger.json");
    std::fs::write(&ledger, "{").unwrap();
    let said = sandbox.ends(1, &["--incremental"]).stderr;
    assert!(said.contains("ledger.json") && said.contains("once without --incremental"), "{said}");
    sandbox.ends(0, &[]);
    assert!(sandbox.night(&[]).stdout.starts_with("Nothing new"));
}

#[test]
fn a_dry_run_says_which_dates_and_why() {
    let sandbox = after_a_month(TIMEOUT);
    let plan = sandbox.night(&["--dry-run"]).stdout;
    assert!(plan.contains("none: the files are those of the run before"), "{plan}");
    adds(&sandbox, "late.parquet", &[view("bob", "2026-01-03 12:20")]);
    let plan = sandbox.night(&["--dry-run"]).stdout;
    assert!(plan.contains("1 new") && plan.contains("2026-01-02 to 2026-01-03"), "{plan}");
    sandbox.removes(&day_file(1));
    assert!(sandbox.night(&["--dry-run"]).stdout.contains("would be refused"));
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let sandbox = after_a_month(TIMEOUT);
    for arguments in [
        &["--incremental", "--from", "2026-01-01"][..],
        &["--incremental", "--only", "sessions"],
        &["--incremental", "--only", "charts"],
        &["--allow-removed"],
    ] {
        sandbox.ends(2, arguments);
    }
    sandbox.night(&["--only", "sessions,activity"]);
}

/// Adds segments and charts to the job of these sections, in place of those it has.
fn asks_for(sandbox: &Sandbox, more: &str) {
    let path = sandbox.path().join("job.toml");
    let job = std::fs::read_to_string(&path).unwrap();
    let without = job.find("\n[[").map_or(job.as_str(), |at| &job[..at]);
    sandbox.job(&format!("{without}\n{more}"));
}

const VIEWS: &str = "[[chart]]\nname = 'views'\ncontains = [{ event = 'view', at_least = 2 }]\n";

#[test]
fn charts_that_changed_are_made_again_without_news() {
    let sandbox = after_a_month(TIMEOUT);
    for more in [
        "[[chart]]\nname = 'by week'\ninterval = 'week'\n",
        "[[chart]]\nname = 'by week'\ninterval = 'week'\nmin_length = '5m'\n",
        "",
    ] {
        asks_for(&sandbox, more);
        let ran = sandbox.night(&[]);
        assert!(ran.stdout.contains("the charts are made again"), "{}", ran.stdout);
        sandbox.is_as_after_a_full_run();
        assert!(!sandbox.night(&[]).stdout.contains("made again"));
    }
    // Tables that went on without their charts.
    adds(&sandbox, "2026-01-31.parquet", &visits(31));
    sandbox.night(&["--only", "sessions,activity"]);
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn what_a_run_of_some_tables_did_not_write_is_made_by_the_next_night() {
    let segment = "[[segment]]\nname = 's'\nwhere = \"user_id = 'ann'\"\n[[chart]]\nname = 'x'\nsegments = 's'\n";
    for more in [VIEWS, segment] {
        for only in ["activity", "charts", "sessions", "sessions,charts", "activity,charts"] {
            let sandbox = after_a_month(TIMEOUT);
            asks_for(&sandbox, more);
            sandbox.ends(0, &["--only", only]);
            sandbox.night(&[]);
            sandbox.is_as_after_a_full_run();
            adds(&sandbox, "2026-01-31.parquet", &visits(31));
            let ran = sandbox.night(&[]);
            assert!(!ran.stderr.contains("all dates are rebuilt"), "{}", ran.stderr);
            sandbox.is_as_after_a_full_run();
        }
    }
    // Of the same columns, nothing has to be made again.
    let sandbox = after_a_month(TIMEOUT);
    sandbox.ends(0, &["--only", "sessions"]);
    assert!(!sandbox.night(&[]).stderr.contains("all dates are rebuilt"));
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_night_may_go_over_to_another_definition() {
    let sandbox = after_a_month(TIMEOUT);
    let flags = ["--property", "event_type", "--overwrite"];
    sandbox.night(&flags);
    let here = table_hashes(&sandbox.out());
    sandbox.ends(0, &[&flags[..], &["--output", "other"]].concat());
    assert_eq!(here, table_hashes(&sandbox.path().join("other")));
}

#[test]
fn a_segment_that_goes_leaves_no_folder() {
    let sandbox = after_a_month(TIMEOUT);
    asks_for(&sandbox, "[[segment]]\nname = 's'\nwhere = \"user_id = 'ann'\"\n");
    sandbox.night(&[]);
    assert!(sandbox.out().join("segments/s/sessions").is_dir());
    asks_for(&sandbox, "");
    sandbox.night(&[]);
    assert!(!sandbox.out().join("segments").exists());
}

#[test]
fn a_property_inside_of_a_column_is_compared_like_any_other() {
    let sandbox = folder("[session]\nproperty = \"event_properties.order_id\"\n");
    let data = |name: &str| sandbox.path().join("data").join(name);
    std::fs::create_dir_all(data("")).unwrap();
    let orders = |ids: [&str; 4]| with_column("event_properties", structs([("order_id", texts(ids))]));
    write_batch(&data("a.parquet"), 10, &orders(["o1", "o1", "o2", "o2"]));
    sandbox.night(&[]);
    write_batch(&data("b.parquet"), 10, &orders(["o2", "o2", "o3", "o3"]));
    sandbox.night(&[]);
    sandbox.is_as_after_a_full_run();
    assert_eq!([sandbox.told("changes", "added"), sandbox.told("changes", "reopened")], [1, 1]);
}
