//! Incremental runs over tables: what a log removes is a change.

use super::log::{remove, Lake, Settings};
use crate::nightly::fixture::{day_file, folder, visits, TIMEOUT};
use crate::support::Sandbox;
use serde_json::Value;

fn table(sandbox: &Sandbox) -> Lake<'_> {
    let files: Vec<Value> = (1..=20).map(|day| Lake::file(sandbox, &day_file(day), &visits(day))).collect();
    Lake::new(sandbox, &Settings::ordinary(), &files)
}

fn files(sandbox: &Sandbox) -> [i64; 4] {
    ["new", "changed", "gone", "same"].map(|key| sandbox.told("files", key))
}

#[test]
fn files_that_a_log_removes_and_adds_touch_their_dates() {
    let sandbox = folder(TIMEOUT);
    let lake = table(&sandbox);
    sandbox.night(&[]);
    lake.commit(&[remove(&day_file(10)), Lake::file(&sandbox, "rewritten.parquet", &visits(10)[..5])]);
    sandbox.night(&[]);
    assert_eq!(files(&sandbox), [1, 0, 1, 19]);
    assert_eq!(sandbox.replaced(), ["2026-01-10 2026-01-10"]);
    sandbox.is_as_after_a_full_run();
    // One that is removed, and nothing comes in its place.
    lake.commit(&[remove(&day_file(20))]);
    sandbox.night(&[]);
    assert_eq!(files(&sandbox), [0, 0, 1, 19]);
    sandbox.is_as_after_a_full_run();
    let ran = sandbox.night(&[]);
    assert!(ran.stdout.contains("Nothing new") || ran.stderr.contains("Nothing new"), "{} {}", ran.stdout, ran.stderr);
}

#[test]
fn other_files_that_are_gone_are_told_still() {
    let sandbox = folder(TIMEOUT);
    let lake = table(&sandbox);
    let of_more = Sandbox::new();
    let more = of_more.path().join("more.parquet");
    crate::support::write_events(&more, &crate::support::Layout::default(), &visits(21));
    let inputs = ["--input", "data", "--input", more.to_str().unwrap()];
    sandbox.night(&inputs);
    std::fs::rename(&more, more.with_extension("old.parquet")).unwrap();
    let renamed = more.with_extension("old.parquet");
    let inputs = ["--input", "data", "--input", renamed.to_str().unwrap()];
    lake.commit(&[remove(&day_file(3))]);
    let ran = sandbox.ends(3, &[&["--incremental"], &inputs[..]].concat());
    assert!(ran.stderr.contains("more.parquet") && !ran.stderr.contains(&day_file(3)), "{}", ran.stderr);
}
