//! Tables that cannot be read, and what is said of them.

use super::log::{add, Lake, Settings};
use crate::nightly::fixture::{day_file, folder, visits, TIMEOUT};
use crate::support::Sandbox;
use serde_json::json;

fn table(settings: &Settings) -> Sandbox {
    let sandbox = folder(TIMEOUT);
    let file = Lake::file(&sandbox, &day_file(1), &visits(1));
    Lake::new(&sandbox, settings, &[file]);
    sandbox
}

fn fails(sandbox: &Sandbox, code: i32, arguments: &[&str], words: &[&str]) {
    let ran = sandbox.ends(code, arguments);
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in: {}", ran.stderr);
    }
    assert!(!sandbox.out().join("sessions").exists());
}

#[test]
fn what_a_table_needs_and_is_not_known_is_named() {
    let known = Settings::ordinary().with_features(&["timestampNtz", "v2Checkpoint", "vacuumProtocolCheck"]);
    table(&known).is_as_plain_files(&[]);
    let unknown = Settings::ordinary().with_features(&["v2Checkpoint", "catalogManaged"]);
    fails(
        &table(&unknown),
        2,
        &[],
        &["the reader feature catalogManaged", "DROP FEATURE catalogManaged", "input.path"],
    );
    let mut newer = Settings::ordinary();
    newer.protocol = json!({"minReaderVersion": 4, "minWriterVersion": 9});
    fails(&table(&newer), 2, &[], &["version 4", "plain Parquet"]);
}

#[test]
fn parts_of_tables_and_folders_around_them_are_no_input() {
    let sandbox = table(&Settings::ordinary());
    sandbox.events("day=1/a.parquet", &crate::support::Layout::default(), &visits(2));
    let file = sandbox.path().join("data").join(day_file(1));
    for input in [file.to_str().unwrap(), "data/*.parquet", "data/day=1", "."] {
        fails(
            &sandbox,
            2,
            &["--input", input],
            &["data\" is a Delta Lake table", "name the table itself", "input.path"],
        );
    }
}

#[test]
fn logs_that_are_not_whole_are_told() {
    let sandbox = table(&Settings::ordinary());
    let log = |version: u64| sandbox.path().join(format!("data/_delta_log/{version:020}.json"));
    std::fs::write(log(2), "{}\n").unwrap();
    fails(&sandbox, 1, &[], &["has no version 1", "to read version 2"]);
    std::fs::remove_file(log(2)).unwrap();
    std::fs::write(log(1), "{\"add\": {\"pa").unwrap();
    fails(&sandbox, 1, &[], &["00000000000000000001.json", "line 1"]);
    std::fs::write(log(1), "{\"remove\": {\"path\": \"2026-01-01.parquet\"}}").unwrap();
    fails(&sandbox, 2, &[], &["has no files in its version 1"]);
    std::fs::remove_file(log(1)).unwrap();
    std::fs::write(log(0), "{\"commitInfo\":{}}").unwrap();
    fails(&sandbox, 1, &[], &["it has no `protocol`"]);
    std::fs::remove_file(log(0)).unwrap();
    fails(&sandbox, 2, &[], &["without a version", "_delta_log"]);
}

#[test]
fn files_that_are_not_there_are_told() {
    let sandbox = table(&Settings::ordinary());
    std::fs::remove_file(sandbox.path().join("data").join(day_file(1))).unwrap();
    fails(&sandbox, 1, &[], &["2026-01-01.parquet\" is not there", "vacuumed"]);
    let elsewhere = folder(TIMEOUT);
    let _ = Lake::file(&elsewhere, &day_file(1), &visits(1));
    let mut file = add(&elsewhere, &day_file(1), json!({}));
    file["add"]["path"] = json!("s3://bucket/a.parquet");
    Lake::new(&elsewhere, &Settings::ordinary(), &[file]);
    fails(&elsewhere, 2, &[], &["s3://bucket/a.parquet", "shallow clone"]);
}
