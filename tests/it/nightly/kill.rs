//! Runs that are killed at any moment, with a reader beside them: no file is ever seen in part, and the next run
//! brings the tables in order.

use super::fixture::{folder, view};
use crate::reference::Event;
use crate::support::{table_hashes, Layout, Sandbox};
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const DATES: u32 = 28;
const KILLS: u32 = 200;

/// Events of `users` users on every date: each state of the input has other tables on each of its dates.
fn input(users: u32) -> Vec<Event> {
    let visit = |day: u32, user: u32| view(&format!("user-{user}"), &format!("2026-02-{day:02} 10:{:02}", user % 60));
    (1..=DATES).flat_map(|day| (0..users).map(move |user| visit(day, user))).collect()
}

type Hashes = BTreeMap<String, (usize, u64)>;

/// Reads every table file over and over, until told to stop: each has to be one whole file of a state of the input.
fn read_on(out: &Path, states: &[BTreeSet<(usize, u64)>], stop: &AtomicBool, reads: &AtomicU64) {
    use std::hash::{DefaultHasher, Hash, Hasher};
    while !stop.load(Ordering::Relaxed) {
        for path in tables(out) {
            // Removed since it was listed: that is whole, too.
            let Ok(bytes) = std::fs::read(&path) else { continue };
            let mut hasher = DefaultHasher::new();
            bytes.hash(&mut hasher);
            let seen = (bytes.len(), hasher.finish());
            assert!(states.iter().any(|state| state.contains(&seen)), "{} is of no run", path.display());
            reads.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The Parquet files outside of `_dwell`.
fn tables(out: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![out.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match path.is_dir() {
                true if path.ends_with("_dwell") => {}
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "parquet") => found.push(path),
                false => {}
            }
        }
    }
    found
}

fn spawn(sandbox: &Sandbox) -> Child {
    Command::new(env!("CARGO_BIN_EXE_dwell"))
        .args(["run", "job.toml", "--quiet", "--threads", "1"])
        .current_dir(sandbox.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// When a run is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// So long after it began.
    After(Duration),
    /// So long after it decided to put its files in place.
    Committing(Duration),
}

/// Kills a run at a moment; false where it was done by then.
fn kill(sandbox: &Sandbox, moment: Moment) -> bool {
    let mut child = spawn(sandbox);
    let (journal, began) = (sandbox.out().join("_dwell/journal.json"), Instant::now());
    match moment {
        Moment::After(time) => std::thread::sleep(time),
        Moment::Committing(time) => {
            while !journal.exists() && child.try_wait().unwrap().is_none() {
                assert!(began.elapsed() < Duration::from_secs(60), "it never came to its end");
                std::hint::spin_loop();
            }
            let decided = Instant::now();
            while decided.elapsed() < time {
                std::hint::spin_loop();
            }
        }
    }
    // SIGKILL: nothing of it runs any more.
    let _ = child.kill();
    !child.wait().unwrap().success()
}

#[test]
fn a_run_killed_at_any_moment_leaves_whole_files_and_the_next_one_succeeds() {
    let sandbox = folder("[session]\ntimeout = \"30m\"\n");
    let mut states: Vec<Hashes> = Vec::new();
    for users in [40, 60] {
        sandbox.events("events.parquet", &Layout::default(), &input(users));
        states.push(sandbox.full_hashes());
    }
    let sets: Vec<BTreeSet<(usize, u64)>> = states.iter().map(|state| state.values().copied().collect()).collect();
    let began = Instant::now();
    assert!(spawn(&sandbox).wait().unwrap().success());
    let whole = began.elapsed();
    let (stop, reads, out) = (AtomicBool::new(false), AtomicU64::new(0), sandbox.out());
    let (mut killed, mut pending, mut mixed) = (0, 0, 0);
    // A commit takes as long as the machine is busy: kills come later where they were too early, and the other way round.
    let mut reach = Duration::from_millis(4);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| read_on(&out, &sets, &stop, &reads));
        // Whatever fails below, the reader has to stop, or this would wait for it.
        let work = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for round in 0..KILLS {
                let state = (round % 2) as usize;
                sandbox.events("events.parquet", &Layout::default(), &input([40, 60][state]));
                let part = f64::from(round * 7919 % 997) / 997.0;
                let moment = match round % 4 {
                    0 => Moment::After(whole.mul_f64(part)),
                    _ => Moment::Committing(reach.mul_f64(part)),
                };
                let is_pending = || out.join("_dwell/journal.json").exists();
                let was_pending = is_pending();
                killed += u32::from(kill(&sandbox, moment));
                let journal = is_pending();
                pending += u32::from(journal);
                let here = table_hashes(&out);
                let is_mixed = here != states[0] && here != states[1];
                mixed += u32::from(is_mixed);
                // What an earlier kill left is completed first: that says nothing of this commit.
                if matches!(moment, Moment::Committing(_)) && !was_pending && !is_mixed {
                    let late = here == states[state];
                    reach = reach.mul_f64(if late { 0.8 } else { 1.25 }).min(Duration::from_secs(1));
                }
                // Before the decision nothing has changed; only a commit can be half way.
                assert!(journal || !is_mixed, "round {round}, {moment:?}: mixed without a journal");
                for (name, hash) in &here {
                    assert!(states.iter().any(|state| state.get(name) == Some(hash)), "{name} is of no run");
                }
                if round % 5 == 4 {
                    assert!(spawn(&sandbox).wait().unwrap().success(), "round {round}: the next run");
                    assert_eq!(table_hashes(&out), states[state], "round {round}");
                }
            }
        }));
        stop.store(true, Ordering::Relaxed);
        reader.join().expect("the reader saw whole files alone");
        work.expect("every round went well");
    });
    let reads = reads.into_inner();
    assert!(
        killed > KILLS / 2 && pending > KILLS / 10 && mixed > 0,
        "{killed} killed, {pending} pending, {mixed} mixed"
    );
    assert!(reads > 1000, "{reads} files were read meanwhile");
    for path in tables(&out) {
        SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap().metadata();
    }
}

#[test]
fn a_first_run_killed_while_it_commits_is_completed_by_the_next() {
    for _ in 0..20 {
        let sandbox = folder("[session]\ntimeout = \"30m\"\n");
        sandbox.events("events.parquet", &Layout::default(), &input(20));
        kill(&sandbox, Moment::Committing(Duration::from_micros(300)));
        let was_pending = sandbox.out().join("_dwell/journal.json").exists();
        let ran = sandbox.ends(0, &[]);
        assert_eq!(ran.stderr.contains("that has been completed"), was_pending, "{}", ran.stderr);
        assert_eq!(table_hashes(&sandbox.out()), sandbox.full_hashes());
        if was_pending {
            return;
        }
    }
    panic!("no run was killed in time");
}

#[test]
fn a_commit_to_be_completed_under_another_definition_is_completed_first() {
    for _ in 0..20 {
        let sandbox = folder("[session]\ntimeout = \"30m\"\n");
        sandbox.events("events.parquet", &Layout::default(), &input(20));
        kill(&sandbox, Moment::Committing(Duration::from_micros(300)));
        if sandbox.out().join("_dwell/journal.json").exists() {
            let said = sandbox.ends(2, &["--timeout", "5m"]).stderr;
            assert!(said.contains("session.timeout: 30m before, 5m now"), "{said}");
            assert_eq!(table_hashes(&sandbox.out()), sandbox.full_hashes());
            return;
        }
    }
    panic!("no run was killed in time");
}
