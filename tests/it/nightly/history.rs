//! What is kept of the last runs.

use super::fixture::{folder, view, TIMEOUT};
use crate::support::{read_run, Layout, Sandbox};

fn records(sandbox: &Sandbox) -> usize {
    std::fs::read_dir(sandbox.out().join("_dwell/runs")).unwrap().count()
}

fn history(sandbox: &Sandbox) -> Vec<String> {
    let ran = sandbox.dwell(&["history", "job.toml"]);
    ran.expect_code(0);
    ran.stdout.lines().map(|line| line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn history_is_a_line_a_run_and_keeps_thirty() {
    let sandbox = folder(TIMEOUT);
    sandbox.events("1.parquet", &Layout::default(), &[view("ann", "10:00")]);
    sandbox.night(&[]);
    sandbox.night(&[]);
    sandbox.events("2.parquet", &Layout::default(), &[view("ann", "10:10"), view("ann", "2026-01-06 10:00")]);
    sandbox.night(&[]);
    let lines = history(&sandbox);
    assert_eq!(lines[0], "run dates replaced files rows read sessions late changes seconds");
    assert!(lines[1].starts_with("incremental 2026-01-05 +1 1 1 "), "{lines:#?}");
    assert_eq!(lines[2], "incremental none: nothing new as before");
    assert!(lines[3].starts_with("incremental 2026-01-05 to 2026-01-06 +1 3 2 1 1 added, 1 reopened"), "{lines:#?}");
    for _ in 0..30 {
        sandbox.ends(0, &["--quiet"]);
    }
    assert_eq!((records(&sandbox), history(&sandbox).len()), (30, 31));
    assert!(history(&sandbox)[1..].iter().all(|line| line.starts_with("full")));
}

#[test]
fn the_last_record_is_run_json() {
    let sandbox = folder(TIMEOUT);
    sandbox.events("1.parquet", &Layout::default(), &[view("ann", "10:00")]);
    sandbox.ends(0, &[]);
    let path = std::fs::read_dir(sandbox.out().join("_dwell/runs")).unwrap().next().unwrap().unwrap().path();
    let record: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(record, read_run(&sandbox.out()));
}

#[test]
fn history_of_a_folder_without_runs_is_an_error() {
    let sandbox = folder(TIMEOUT);
    let ran = sandbox.dwell(&["history", "--output", "nowhere"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
    std::fs::write(sandbox.path().join("thesis.txt"), "mine").unwrap();
    sandbox.dwell(&["history", "--output", "."]).expect_code(2);
}
