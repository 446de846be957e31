//! Limits for schedulers: a run that exceeds one changes nothing.

use super::fixture::{day_file, folder, month, view, visits, TIMEOUT};
use crate::support::{table_hashes, Layout, Sandbox};

fn a_month(sections: &str) -> Sandbox {
    let sandbox = folder(sections);
    month(&sandbox);
    sandbox
}

/// A run that exceeds a limit, says so with these words, and changes nothing.
fn exceeds(sandbox: &Sandbox, arguments: &[&str], words: &[&str]) {
    let before = sandbox.out().exists().then(|| table_hashes(&sandbox.out()));
    let said = sandbox.ends(3, arguments).stderr;
    for word in words.iter().chain(&["as they were"]) {
        assert!(said.contains(word), "no {word:?} in {said}");
    }
    assert_eq!(sandbox.out().exists().then(|| table_hashes(&sandbox.out())), before);
}

#[test]
fn events_out_of_session_have_a_limit() {
    let sandbox = a_month("[session]\nstart_event = \"open\"\n");
    exceeds(&sandbox, &["--max-out-of-session", "99%"], &["300 of 300", "no_start 300", "--max-out-of-session 0.99"]);
    sandbox.ends(0, &["--max-out-of-session", "1"]);
}

#[test]
fn there_may_have_to_be_some_sessions() {
    let sandbox = a_month(TIMEOUT);
    exceeds(&sandbox, &["--min-sessions", "121"], &["120 sessions", "--min-sessions 121"]);
    sandbox.ends(0, &["--min-sessions", "120"]);
    exceeds(&sandbox, &["--from", "2026-01-10", "--to", "2026-01-10", "--min-sessions", "5"], &["4 sessions"]);
}

#[test]
fn a_date_may_change_by_so_much() {
    let sandbox = a_month(TIMEOUT);
    sandbox.night(&["--max-change", "0"]);
    // Four sessions become three.
    sandbox.events(&day_file(10), &Layout::default(), &visits(10)[..9]);
    let words = ["2026-01-10", "3 sessions instead of 4", "0.2500", "--max-change 0.24"];
    exceeds(&sandbox, &["--incremental", "--max-change", "24%"], &words);
    exceeds(&sandbox, &["--max-change", "0.24"], &words);
    // That is for the next night to read, too.
    exceeds(&sandbox, &["--incremental", "--max-change", "24%"], &words);
    sandbox.night(&["--max-change", "25%"]);
    sandbox.is_as_after_a_full_run();
}

#[test]
fn a_date_that_would_be_gone_changes_by_all_of_it() {
    let sandbox = a_month(TIMEOUT);
    sandbox.night(&[]);
    sandbox.removes(&day_file(10));
    let arguments = ["--incremental", "--allow-removed", "--max-change", "0.99"];
    exceeds(&sandbox, &arguments, &["2026-01-10", "0 sessions instead of 4"]);
}

#[test]
fn the_newest_date_may_change_as_it_will() {
    let sandbox = a_month(TIMEOUT);
    sandbox.night(&[]);
    let night: Vec<_> = (0..20).map(|user| view(&format!("u{user}"), "2026-01-30 21:00")).collect();
    sandbox.events("more.parquet", &Layout::default(), &night);
    sandbox.night(&["--max-change", "0"]);
}

#[test]
fn limits_that_are_none_are_refused() {
    let sandbox = a_month(TIMEOUT);
    for (flag, value) in
        [("--max-out-of-session", "2"), ("--min-sessions", "-1"), ("--max-change", "-1"), ("--max-change", "inf")]
    {
        let ran = sandbox.ends(2, &[&format!("{flag}={value}")]);
        assert!(ran.stderr.contains(flag), "{}", ran.stderr);
    }
    sandbox.ends(0, &["--max-change", "300%"]);
}
