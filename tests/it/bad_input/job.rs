//! Job files and flags that cannot be meant.

use super::{assert_clean, assert_untouched, file, job, run, tree, Sandbox};
use crate::support::write_events;
use crate::support::Layout;

// ---- The file ----------------------------------------------------------------------------------------------

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest() {
    for (text, words) in [
        ("\n[session]\ntimout = \"5m\"\n", ["`session.timout`", "line 3", "did you mean `session.timeout`?"]),
        ("[input]\npaths = \"data\"\n", ["`input.paths`", "line 2", "did you mean `input.path`?"]),
        ("[sesion]\ntimeout = \"5m\"\n", ["`sesion`", "line 1", "did you mean `session`?"]),
        ("# ours\n\ntimeout = \"5m\"\n", ["`timeout`", "line 3", "it belongs under [session]"]),
        ("[output]\nzzzzzz = 1\n", ["`output.zzzzzz`", "line 2", "the keys are path, timezone"]),
        ("[output]\nthreads = 4\n", ["`output.threads`", "line 2", "the keys are path, timezone"]),
        ("session.timout = \"5m\"\n", ["`session.timout`", "line 1", "did you mean `session.timeout`?"]),
        ("session = { timout = \"5m\" }\n", ["`session.timout`", "line 1", "did you mean `session.timeout`?"]),
    ] {
        let mut all = vec!["\"job.toml\""];
        all.extend(words);
        job(text).fails(2, &all);
    }
}

#[test]
fn a_job_file_that_is_not_toml_is_shown_with_its_line() {
    for (text, line) in [
        ("[session\ntimeout = \"5m\"\n", "line 1"),
        ("[session]\ntimeout = 5m\n", "line 2"),
        ("[session]\ntimeout = \"5m\n", "line 2"),
        ("[input]\npath: data\n", "line 2"),
        ("[session]\ntimeout = \"5m\"\ntimeout = \"6m\"\n", "line 3"),
    ] {
        job(text).fails(2, &["\"job.toml\"", "cannot be understood", line]);
    }
    run(&[]).job_at("job.toml").when(file("job.toml", b"\xff\xfe[\0i\0")).fails(2, &["\"job.toml\""]);
}

#[test]
fn a_job_file_that_cannot_be_read_is_named() {
    run(&[]).job_at("jbo.toml").fails(2, &["\"jbo.toml\"", "cannot be read", "check the path"]);
    let near = run(&[]).job_at("jbo.toml").when(file("job.toml", b""));
    near.fails(2, &["\"jbo.toml\"", "check the path"]);
    run(&[]).job_at("data").fails(2, &["\"data\"", "is a folder, not a job file"]);
    run(&[]).job_at("data/events.parquet").fails(2, &["\"data/events.parquet\""]);
}

#[test]
fn a_value_of_the_wrong_type_is_shown_with_its_line_and_the_type_that_is_right() {
    for (text, words) in [
        ("[input]\nwhere = 5\n", ["line 2", "`input.where`", "text in quotes"]),
        ("[input]\ntime_unit = 3\n", ["line 2", "`input.time_unit`", "text in quotes"]),
        ("[session]\ntimeout = true\n", ["line 2", "`session.timeout`", "a duration in quotes"]),
        ("[session]\n\ntimeout = [\"5m\"]\n", ["line 3", "`session.timeout`", "a duration in quotes"]),
        ("[input]\ninactive = 5\n", ["line 2", "inactive", "list"]),
        ("[session]\nstart_event = [1, 2]\n", ["line 2", "start_event", "list"]),
        ("[input]\npath = { folder = \"data\" }\n", ["line 2", "path", "list"]),
        ("[input]\nuser = true\n", ["line 2", "user", "list"]),
        ("input = \"data\"\n", ["line 1", "input", "[input]"]),
        ("[[input]]\npath = \"data\"\n", ["line 1", "input", "[input]"]),
    ] {
        let mut all = vec!["\"job.toml\""];
        all.extend(words);
        job(text).fails(2, &all);
    }
}

#[test]
fn dwell_toml_of_the_current_folder_is_judged_like_any_job() {
    run(&[])
        .when(file("dwell.toml", b"[session]\ntimout = '5m'\n"))
        .fails(2, &["\"dwell.toml\"", "`session.timout`", "line 2", "`session.timeout`"]);
}

#[test]
fn a_word_that_a_key_does_not_know_is_answered_with_those_it_does() {
    for (text, words) in [
        ("[session]\ntimeout = \"5m\"\ngap_equal = \"splt\"\n", ["`session.gap_equal` = \"splt\"", "split", "join"]),
        ("[session]\nend_event = \"x\"\nunclosed = \"no\"\n", ["`session.unclosed` = \"no\"", "keep", "drop"]),
        (
            "[session]\nstart_event = \"x\"\nrepeated_start = \"\"\n",
            ["`session.repeated_start` = \"\"", "split", "continue"],
        ),
        ("[session]\nlength_from = \"start\"\n", ["`session.length_from` = \"start\"", "session_id", "first_event"]),
        ("[session]\nid_unit = \"seconds\"\n", ["`session.id_unit` = \"seconds\"", "s, ms", "ns"]),
        ("[input]\nsource = \"google\"\n", ["`input.source` = \"google\"", "amplitude", "ga4"]),
        ("[input]\ntime_unit = \"seconds\"\n", ["`input.time_unit` = \"seconds\"", "s, ms", "ns"]),
    ] {
        job(text).fails(2, &words);
    }
    for (text, key) in [
        ("[input]\npath = []\n", "input.path"),
        ("[input]\nuser = []\n", "input.user"),
        ("[session]\nstart_event = []\n", "session.start_event"),
        ("[session]\nend_event = []\n", "session.end_event"),
    ] {
        let case = job(text);
        let case = if key == "input.path" { case.without_input() } else { case };
        case.fails(2, &[&format!("`{key}` is empty")]);
    }
}

// ---- Durations, zones, dates -------------------------------------------------------------------------------

#[test]
fn a_duration_without_a_unit_is_asked_for_the_likeliest() {
    run(&["--timeout", "30"]).fails(2, &["`session.timeout` = \"30\"", "did you mean 30m?"]);
    job("[session]\ntimeout = 30\n").fails(2, &["`session.timeout` = \"30\"", "did you mean 30m?"]);
    job("[session]\ntimeout = 1.5\n").fails(2, &["`session.timeout` = \"1.5\"", "unit"]);
    run(&["--max-gap", "7"]).fails(2, &["`session.max_gap` = \"7\"", "did you mean 7d?"]);
    run(&["--max-length", "1"]).fails(2, &["`session.max_length` = \"1\"", "did you mean 1d?"]);
    job("[input]\ndedup = \"insert_id\"\ndedup_within = 7\n").fails(2, &["`input.dedup_within`", "did you mean 7d?"]);
}

#[test]
fn a_duration_of_zero_or_nonsense_is_an_error() {
    for zero in ["0", "0s", "0m", "0d0h"] {
        run(&["--timeout", zero]).fails(2, &["`session.timeout`", zero]);
    }
    run(&["--timeout", "0s"]).fails(2, &["zero"]);
    run(&["--max-gap", "0d"]).fails(2, &["`session.max_gap`", "zero"]);
    run(&["--max-length", "0d"]).fails(2, &["`session.max_length`", "zero"]);
    for nonsense in ["soon", "5 parsecs", "-5m", "m", "5m5", "100ns", "99999999999999999999d", "300000000y", "", "none"]
    {
        let flag = format!("--timeout={nonsense}");
        run(&[&flag]).fails(2, &[&format!("`session.timeout` = \"{nonsense}\"")]);
    }
    run(&["--timeout", "soon"]).fails(2, &["45s, 5m, 1h30m"]);
}

#[test]
fn an_unknown_time_zone_is_answered_with_the_nearest() {
    run(&["--timezone", "Europe/Pari"])
        .fails(2, &["`output.timezone` = \"Europe/Pari\"", "did you mean Europe/Paris?"]);
    run(&["--timezone", "Mars/Olympus Mons"]).fails(2, &["`output.timezone`", "IANA", "Europe/Paris"]);
    run(&["--timezone", ""]).fails(2, &["`output.timezone`"]);
}

#[test]
fn a_window_that_ends_before_it_begins_names_both_ends() {
    run(&["--from", "2026-01-07", "--to", "2026-01-06"])
        .fails(2, &["`--from` (2026-01-07)", "after", "`--to` (2026-01-06)", "swap"]);
    job("[output]\nsince = 2026-01-07\nuntil = \"2026-01-06\"\n")
        .fails(2, &["`output.since` (2026-01-07)", "after", "`output.until` (2026-01-06)", "swap"]);
    job("[input]\nmin_time = 2026-01-07\nmax_time = 2026-01-06\n")
        .fails(2, &["`input.min_time` (2026-01-07)", "after", "`input.max_time` (2026-01-06)"]);
}

#[test]
fn a_date_that_is_none_is_named_with_one_that_is() {
    for bad in ["yesterday", "2026-02-30", "05/01/2026", "20260105x", ""] {
        for flag in ["--from", "--to"] {
            run(&[flag, bad]).fails(2, &[&format!("`{flag}` = \"{bad}\""), "2026-01-31"]);
        }
    }
    for (text, key) in [
        ("[output]\nsince = \"May\"\n", "output.since"),
        ("[output]\nuntil = 5\n", "output.until"),
        ("[input]\nmin_time = \"May\"\n", "input.min_time"),
        ("[input]\nmax_time = \"2026-01-06 25:00\"\n", "input.max_time"),
    ] {
        job(text).fails(2, &[&format!("`{key}` = "), "2026-01-31"]);
    }
}

// ---- Definitions -------------------------------------------------------------------------------------------

#[test]
fn an_event_type_that_starts_and_ends_sessions_is_named_with_both_keys() {
    run(&["--start-event", "view", "--end-event", "click", "--end-event", "view"])
        .fails(2, &["\"view\"", "`session.start_event`", "`session.end_event`", "take it out"]);
}

#[test]
fn a_boundary_that_is_inactive_is_named_with_both_keys() {
    run(&["--start-event", "view", "--inactive", "view"])
        .fails(2, &["\"view\"", "`session.start_event`", "`input.inactive`", "take it out"]);
    run(&["--end-event", "click", "--inactive", "push", "--inactive", "click"])
        .fails(2, &["\"click\"", "`session.end_event`", "`input.inactive`", "take it out"]);
}

#[test]
fn an_option_without_effect_is_an_error_that_says_under_what() {
    for (text, key) in [
        ("[session]\ntimeout = \"5m\"\nlength_from = \"first_event\"\n", "session.length_from"),
        ("[session]\nproperty = \"order_id\"\nlength_from = \"session_id\"\n", "session.length_from"),
        ("[session]\nstart_event = \"view\"\nlength_from = \"first_event\"\n", "session.length_from"),
        ("[session]\nend_event = \"view\"\nlength_from = \"first_event\"\n", "session.length_from"),
        ("[session]\ntimeout = \"5m\"\nid_unit = \"s\"\n", "session.id_unit"),
        ("[session]\nproperty = \"session_id\"\nid_unit = \"ms\"\n", "session.id_unit"),
        ("[session]\nlength_from = \"first_event\"\nid_unit = \"us\"\n", "session.id_unit"),
        ("[session]\ngap_equal = \"join\"\n", "session.gap_equal"),
        ("[session]\ngap_equal = \"split\"\n", "session.gap_equal"),
        ("[session]\ntimeout = \"5m\"\nmax_gap = \"1d\"\n", "session.max_gap"),
        ("[session]\ntimeout = \"5m\"\nmax_gap = \"none\"\n", "session.max_gap"),
        ("[session]\ntimeout = \"5m\"\nunclosed = \"drop\"\n", "session.unclosed"),
        ("[session]\nstart_event = \"view\"\nunclosed = \"keep\"\n", "session.unclosed"),
        ("[session]\nunclosed = \"drop\"\n", "session.unclosed"),
        ("[session]\ntimeout = \"5m\"\nrepeated_start = \"continue\"\n", "session.repeated_start"),
        ("[session]\nend_event = \"view\"\nrepeated_start = \"split\"\n", "session.repeated_start"),
        ("[session]\nrepeated_start = \"split\"\n", "session.repeated_start"),
        ("[input]\ndedup_within = \"1d\"\n", "input.dedup_within"),
    ] {
        job(text).fails(2, &[&format!("`{key}` has no effect"), "remove it"]);
    }
    run(&["--timeout", "5m", "--max-gap", "1d"]).fails(2, &["`session.max_gap` has no effect", "remove it"]);
    run(&["--gap-equal", "join"]).fails(2, &["`session.gap_equal` has no effect", "remove it"]);
}

// ---- The command line --------------------------------------------------------------------------------------

/// A command line that cannot be read is answered with how it is meant, and exit code 2.
fn misread(arguments: &[&str], words: &[&str]) {
    let sandbox = Sandbox::new();
    write_events(&sandbox.path().join("data/events.parquet"), &Layout::default(), &super::ordinary());
    let before = tree(sandbox.path());
    let ran = sandbox.dwell(arguments);
    ran.expect_code(2);
    assert_clean(&ran, "usage");
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
    assert_untouched(&before, &tree(sandbox.path()), "usage");
}

#[test]
fn no_arguments_show_how_the_program_is_used() {
    misread(&[], &["Usage: dwell", "run"]);
}

#[test]
fn a_command_line_that_cannot_be_read_says_what_is_wrong_with_it() {
    misread(&["rnu"], &["'rnu'", "Usage: dwell"]);
    misread(&["run", "--inptu", "data", "--output", "out"], &["--inptu", "--input"]);
    misread(&["run", "--input", "data", "--output"], &["--output"]);
    misread(&["run", "--input", "data", "--output", "out", "--only", "sesions"], &["--only", "sesions", "sessions"]);
    misread(&["run", "--input", "data", "--output", "out", "--threads", "0"], &["--threads", "0"]);
    misread(&["run", "--input", "data", "--output", "out", "--threads", "many"], &["--threads", "many"]);
    misread(&["run", "--input", "data", "--output", "out", "--log-format", "xml"], &["--log-format", "xml", "json"]);
    misread(&["run", "a.toml", "b.toml"], &["b.toml"]);
    misread(&["run", "--input", "data", "--output", "out", "--output", "other"], &["--output"]);
}

#[test]
fn errors_are_one_json_object_a_line_where_that_is_asked_for() {
    let sandbox = run(&[]).prepare(false);
    let ran = sandbox.dwell(&["run", "--input", "dta", "--output", "out", "--log-format", "json"]);
    ran.expect_code(2);
    let lines: Vec<serde_json::Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1, "{}", ran.stderr);
    assert_eq!(lines[0]["level"], "ERROR");
    let message = lines[0]["message"].as_str().unwrap();
    assert!(message.contains("\"dta\" does not exist") && message.contains("\"data\""), "{message}");
}

#[test]
fn quiet_runs_say_their_error_all_the_same() {
    run(&["--quiet"]).input("dta").fails(2, &["\"dta\" does not exist"]);
    run(&["--quiet", "--dry-run"]).input("dta").fails(2, &["\"dta\" does not exist"]);
}
