//! Disks that are full, and files that may not grow.

use super::{differences, ordinary, ran, run, start, traces, tree, Sandbox, Tree};
use crate::reference::Cell;
use crate::support::{at, at_ms, text, Layout, Ran};
use std::path::Path;
use std::process::Command;

/// What a message says where there is no room.
const FULL: &str = "the disk is full or a size limit is reached";

/// A run whose files may have so many blocks, with the signal that would end it ignored, so that writing fails.
fn with_size_limit(blocks: usize) -> String {
    format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"")
}

/// What is wrong with a run that found no room: nothing, if it says so and left all as it was.
fn trouble(ran: &Ran, before: &Tree, after: &Tree, context: &str) -> Option<String> {
    let unsaid = ["out", "cannot be written", FULL, "free space", "as they were"];
    let unsaid: Vec<&str> = unsaid.into_iter().filter(|word| !ran.stderr.contains(word)).collect();
    let (traces, changed) = (traces(ran), differences(before, after));
    let good = ran.code == Some(1) && unsaid.is_empty() && traces.is_empty() && changed.is_empty();
    let what = || {
        let code = ran.code;
        format!("{context}: exit code {code:?}, {changed:?}, not said: {unsaid:?}, {traces:?}\n{}", ran.stderr)
    };
    (!good).then(what)
}

/// Gives a run a little more room until it fits: none before it may leave a trace. An attempt is `None` where
/// there was not even room to begin. Returns what was wrong.
fn fits_in_time(after_a_run: bool, attempt: impl Fn(usize) -> Option<(Ran, Tree, Tree)>) -> Vec<String> {
    let mut troubles = Vec::new();
    let mut failed = 0;
    for room in 0..400 {
        let Some((ran, before, after)) = attempt(room) else { continue };
        if ran.code == Some(0) {
            assert!(failed >= 3, "it failed only {failed} times");
            return troubles;
        }
        failed += 1;
        troubles.extend(trouble(&ran, &before, &after, &format!("room {room}, after a run: {after_a_run}")));
    }
    panic!("there was never enough room\n{}", troubles.join("\n"));
}

/// Fails with all that was wrong in a new folder and after a good run.
fn assert_none(troubles: [Vec<String>; 2]) {
    let troubles = troubles.concat();
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

/// Another user on two other dates, so that a run has more to write than the one before.
fn write_more(sandbox: &Sandbox) {
    let mut events = ordinary();
    for (event, time) in events.iter_mut().zip(["2026-01-02 10:00", "2026-01-02 11:00", "2026-01-09 10:00"]) {
        (event.users, event.time) = (vec![text("cho")], Some(at(time)));
        event.session_id = Some(Cell::Int(at_ms(time)));
    }
    sandbox.events("more.parquet", &Layout::default(), &events[..3]);
}

#[test]
fn a_size_limit_at_any_file_leaves_everything_as_it_was() {
    assert_none([false, true].map(|after_a_run| {
        // Zero stops even the first file that is written.
        fits_in_time(after_a_run, |blocks| {
            let case = run(&[]).when(write_more).through(&with_size_limit(blocks));
            let sandbox = case.prepare(after_a_run);
            let before = tree(sandbox.path());
            let ran = start(&sandbox, &case.arguments(), case.shell.as_deref());
            Some((ran, before, tree(sandbox.path())))
        })
    }));
}

#[test]
fn a_size_limit_during_a_rebuild_leaves_the_old_definition() {
    let case = run(&["--timeout", "5m", "--overwrite"]).through(&with_size_limit(3));
    case.fails(1, &["out/", "cannot be written", FULL]);
}

/// Runs on a disk of its own with little room. Whether there can be one depends on the machine.
struct SmallDisk {
    sandbox: Sandbox,
    after_a_run: bool,
}

impl SmallDisk {
    fn new(after_a_run: bool) -> Option<SmallDisk> {
        let sandbox = run(&[]).when(write_more).prepare(after_a_run);
        std::fs::create_dir(sandbox.path().join("disk")).unwrap();
        let disk = SmallDisk { sandbox, after_a_run };
        let probe = disk.command("true", "size=64k").status();
        probe.is_ok_and(|status| status.success()).then_some(disk)
    }

    fn command(&self, script: &str, options: &str) -> Command {
        let mounted = format!("mount -t tmpfs -o {options} tmpfs disk || exit 91; {script}");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &mounted, env!("CARGO_BIN_EXE_dwell")]).current_dir(self.sandbox.path());
        command
    }

    /// A run into `disk/out`, which holds the good run's tables if there was one. `None` where not even these
    /// have room. What is on the disk afterwards is copied to `after`.
    fn run(&self, options: &str) -> Option<(Ran, Tree)> {
        let after = self.sandbox.path().join("after");
        let _ = std::fs::remove_dir_all(&after);
        let script = "{ [ ! -e out ] || cp -a out disk/out; } || exit 92
            \"$0\" run --input data --output disk/out; code=$?
            cp -a disk after || exit 93
            exit $code";
        let ran = ran(self.command(script, options).output().unwrap());
        match ran.code {
            Some(92) => None,
            Some(91 | 93) => panic!("{options}: {ran:?}"),
            _ => Some((ran, tree(&after))),
        }
    }

    fn before(&self) -> Tree {
        let mut before = Tree::new();
        if self.after_a_run {
            before.insert("out".into(), None);
            let out = tree(&self.sandbox.out());
            before.extend(out.into_iter().map(|(name, content)| (Path::new("out").join(name), content)));
        }
        before
    }
}

fn fits_on_a_disk_in_time(options: impl Fn(usize) -> String) {
    assert_none([false, true].map(|after_a_run| match SmallDisk::new(after_a_run) {
        Some(disk) => fits_in_time(after_a_run, |room| {
            let (ran, after) = disk.run(&options(room))?;
            Some((ran, disk.before(), after))
        }),
        None => {
            eprintln!("no disk of its own can be had here: nothing was tested");
            Vec::new()
        }
    }));
}

#[test]
fn a_disk_that_fills_up_at_any_moment_is_left_as_it_was() {
    fits_on_a_disk_in_time(|pages| format!("size={}k", (pages + 1) * 4));
}

#[test]
fn a_disk_without_room_for_another_file_is_left_as_it_was() {
    fits_on_a_disk_in_time(|files| format!("size=4m,nr_inodes={}", files + 2));
}
