//! Runs in little memory: the same tables, and plain words where it cannot be done.

use crate::support::{table_hashes, Ran, Sandbox};
use std::path::Path;

/// As much as the program takes with one thread: nothing is left for events, so all of them go to disk.
const LEAST: &str = "136MiB";

fn sample() -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events").to_string_lossy().into_owned()
}

/// Runs over the sample into a folder of its own.
fn run(sandbox: &Sandbox, output: &str, flags: &[&str]) -> Ran {
    let sample = sample();
    let arguments = ["run", "--input", &sample, "--output", output, "--quiet", "--threads", "1"];
    sandbox.dwell(&[&arguments[..], flags].concat())
}

fn files_below(folder: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(files_below(&entry.path())),
            false => files.push(entry.path().to_string_lossy().into_owned()),
        }
    }
    files
}

#[test]
fn tables_made_on_disk_are_the_same_bytes() {
    for definition in [&[][..], &["--timeout", "30m"], &["--property", "utm_source", "--dedup", "$insert_id"]] {
        let sandbox = Sandbox::new();
        run(&sandbox, "whole", definition).expect_code(0);
        run(&sandbox, "little", &[definition, &["--memory-limit", LEAST]].concat()).expect_code(0);
        let (whole, little) = (sandbox.path().join("whole"), sandbox.path().join("little"));
        assert_eq!(table_hashes(&little), table_hashes(&whole), "{definition:?}");
        let left = files_below(&little).into_iter().filter(|file| file.contains("parts") || file.contains("spill"));
        assert_eq!(left.collect::<Vec<_>>(), [""; 0], "nothing is left of what was on disk");
    }
}

#[test]
fn segments_and_added_columns_made_on_disk_are_the_same_bytes() {
    let sandbox = Sandbox::new();
    sandbox.job(
        r#"
        [session]
        timeout = "30m"
        [[segment]]
        name = "phones"
        where = "platform IN ('ios', 'android')"
        [[segment]]
        name = "country"
        by = "country"
        [[chart]]
        name = "campaigns"
        segments = ["all", "phones", "country"]
        group_by = { first = "utm_source" }
        count = { event = "purchase", property = "revenue" }
        "#,
    );
    let job = |output: &str, flags: &[&str]| {
        let (sample, fixed) =
            (sample(), ["run", "job.toml", "--quiet", "--threads", "1", "--output", output, "--input"]);
        sandbox.dwell(&[&fixed[..], &[&sample], flags].concat())
    };
    job("whole", &[]).expect_code(0);
    job("little", &["--memory-limit", LEAST]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.path().join("little")), table_hashes(&sandbox.path().join("whole")));
}

#[test]
fn a_limit_below_what_the_program_takes_is_refused_with_one_that_would_do() {
    let ran = run(&Sandbox::new(), "out", &["--memory-limit", "100MiB"]);
    ran.expect_code(2);
    for word in ["--memory-limit", "100.00 MiB", "136.00 MiB", "--threads"] {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
}

#[test]
fn a_limit_needs_a_unit() {
    let ran = run(&Sandbox::new(), "out", &["--memory-limit", "4"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("did you mean 4GiB?"), "{}", ran.stderr);
}

#[test]
fn what_does_not_fit_goes_to_the_temp_dir_and_leaves_nothing_there() {
    let sandbox = Sandbox::new();
    run(&sandbox, "out", &["--memory-limit", LEAST, "--temp-dir", "elsewhere", "--timeout", "30m"]).expect_code(0);
    assert_eq!(files_below(&sandbox.path().join("elsewhere")), [""; 0]);
}

#[test]
fn a_temp_dir_that_cannot_be_written_is_named() {
    let sandbox = Sandbox::new();
    std::fs::write(sandbox.path().join("file"), "in the way").unwrap();
    let ran = run(&sandbox, "out", &["--memory-limit", LEAST, "--temp-dir", "file/folder"]);
    ran.expect_code(1);
    for word in ["file/folder", "--temp-dir"] {
        assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
    }
    assert!(!sandbox.path().join("out").exists(), "a failed run left something");
}
