//! Signals: a run that is told to stop does so soon, and leaves everything as it was.

use super::{assert_one_clean_error, assert_untouched, ran, run, tree, Sandbox};
use crate::support::{at, at_ms, write_batch};
use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROWS_PER_FILE: i64 = 500_000;

/// So many files of events, all of them one on disk. With the good run before, the ordinary events are there too.
fn write_files(sandbox: &Sandbox, files: usize) {
    let first = sandbox.path().join("data/0.parquet");
    if !first.exists() {
        let mixed = |row: i64| (row * 7919) % 1_000_003;
        let users: StringArray = (0..ROWS_PER_FILE).map(|row| Some(format!("user-{}", mixed(row) % 60_000))).collect();
        let times: TimestampMicrosecondArray =
            (0..ROWS_PER_FILE).map(|row| Some(at("00:00") + mixed(row) * 500_000)).collect();
        let ids: Int64Array = (0..ROWS_PER_FILE).map(|row| Some(at_ms("00:00") + mixed(row) / 100 * 50_000)).collect();
        let types: StringArray = (0..ROWS_PER_FILE).map(|row| Some(format!("type {}", row % 10))).collect();
        let rows = RecordBatch::try_from_iter([
            ("user_id", Arc::new(users) as _),
            ("event_time", Arc::new(times.with_timezone("UTC")) as _),
            ("event_type", Arc::new(types) as _),
            ("session_id", Arc::new(ids) as _),
        ]);
        write_batch(&first, 100_000, &rows.unwrap());
    }
    for file in 1..files {
        let path = sandbox.path().join(format!("data/{file}.parquet"));
        if !path.exists() {
            std::fs::hard_link(&first, path).unwrap();
        }
    }
}

/// Sends a signal to a process of ours.
fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success(), "{signal} was not sent");
}

fn spawn(sandbox: &Sandbox) -> Child {
    Command::new(env!("CARGO_BIN_EXE_dwell"))
        .args(run(&[]).arguments())
        .current_dir(sandbox.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits until `seen` is true of a running program; false where it ended before.
fn wait_for(child: &mut Child, seen: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !seen() {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "nothing was to be seen for a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

/// When a signal is sent.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So many milliseconds after the folder was taken.
    Taken(u64),
    /// When the first file was staged.
    Writing,
}

fn has_come(sandbox: &Sandbox, moment: Moment) -> bool {
    let own = sandbox.out().join("_dwell");
    match moment {
        Moment::Taken(_) => std::fs::metadata(own.join("lock")).is_ok_and(|lock| lock.len() > 0),
        Moment::Writing => own.join("staging/sessions").exists(),
    }
}

/// Sends the signal at the moment, with more and more events until the run is still at work then.
fn stops(signal: &str, moment: Moment, after_a_run: bool) {
    let sandbox = run(&[]).prepare(after_a_run);
    for files in [2, 4, 8, 16, 32] {
        write_files(&sandbox, files);
        // A run that was faster than the signal has left tables: begin again.
        let _ = std::fs::remove_dir_all(sandbox.out());
        if after_a_run {
            let ordinary = super::owned(&["run", "--input", "data/events.parquet", "--output", "out"]);
            super::start(&sandbox, &ordinary, None).expect_code(0);
        }
        let before = tree(sandbox.path());
        let context = format!("{signal} {moment:?}, {files} files, after a run: {after_a_run}");
        let mut child = spawn(&sandbox);
        if wait_for(&mut child, || has_come(&sandbox, moment)) {
            if let Moment::Taken(millis) = moment {
                std::thread::sleep(Duration::from_millis(millis));
            }
            if child.try_wait().unwrap().is_none() {
                send(signal, &child);
            }
        }
        let sent = Instant::now();
        let ran = ran(child.wait_with_output().unwrap());
        if ran.code == Some(0) {
            continue;
        }
        assert!(sent.elapsed() < Duration::from_secs(10), "{context}: it took {:?} to stop", sent.elapsed());
        assert_eq!(ran.code, Some(1), "{context}\n{}", ran.stderr);
        assert_one_clean_error(&ran, &context);
        for word in ["interrupted", "as they were"] {
            assert!(ran.stderr.contains(word), "{context}: no {word:?} in:\n{}", ran.stderr);
        }
        assert_untouched(&before, &tree(sandbox.path()), &context);
        return;
    }
    panic!("{signal} {moment:?} never came in time");
}

#[test]
fn a_run_that_is_told_to_terminate_leaves_everything_as_it_was() {
    for moment in [Moment::Taken(0), Moment::Taken(100), Moment::Writing] {
        for after_a_run in [false, true] {
            stops("TERM", moment, after_a_run);
        }
    }
}

#[test]
fn a_run_that_is_interrupted_leaves_everything_as_it_was() {
    for after_a_run in [false, true] {
        stops("INT", Moment::Taken(20), after_a_run);
    }
}

#[test]
fn a_second_run_into_one_folder_names_the_first() {
    let sandbox = run(&[]).prepare(false);
    for files in [4, 8, 16, 32] {
        write_files(&sandbox, files);
        let _ = std::fs::remove_dir_all(sandbox.out());
        let mut first = spawn(&sandbox);
        wait_for(&mut first, || has_come(&sandbox, Moment::Taken(0)));
        let second = super::start(&sandbox, &run(&[]).arguments(), None);
        let still_at_work = first.try_wait().unwrap().is_none();
        let name = format!("process {}", first.id());
        if still_at_work {
            send("TERM", &first);
        }
        first.wait_with_output().unwrap();
        if still_at_work {
            second.expect_code(1);
            assert_one_clean_error(&second, "the second run");
            assert!(second.stderr.contains(&name), "no {name:?} in:\n{}", second.stderr);
            return;
        }
    }
    panic!("the first run was always done before the second");
}
