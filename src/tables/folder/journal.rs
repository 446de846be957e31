//! A commit that a kill at any moment leaves either undone or to be completed.
//!
//! A run's files are staged first, under `_dwell/staging`. Then, in this order: what the new files will
//! replace is kept in `_dwell/before`; the folders they need are made; everything is synced; and the list of
//! what to do is renamed to `_dwell/journal.json`. **That rename is the decision**: before it, nothing that a
//! reader sees has changed and the staged files are thrown away by the next run that takes the lock; after
//! it, that run carries the list out to its end ([`Places::recover`]). Each file is put in its place by one rename, so that a reader
//! sees the old one or the new one. Carrying the list out twice is the same as once.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::tables::error::TableError;
use crate::tables::write::files::{files_below, folders_below, sync_folder, write_synced};
use crate::tables::write::syncer::sync_folders;

/// What a commit does to the files of a folder, whose paths are all within it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Files to put in their places, in this order.
    pub put: Vec<PathBuf>,
    /// Files to remove.
    pub remove: Vec<PathBuf>,
}

impl Journal {
    /// Reads the text of a journal.
    ///
    /// # Errors
    /// Why it is none, or names files that are not within a folder: those are not touched, whoever wrote it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let journal: Journal = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let is_within = |file: &Path| {
            let mut parts = file.components().peekable();
            parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        match journal.put.iter().chain(&journal.remove).find(|file| !is_within(file)) {
            Some(file) => Err(format!("{file:?} is no file within the folder")),
            None => Ok(journal),
        }
    }
}

/// Where a commit keeps its files: staged ones, those before, and the journal.
#[derive(Clone, Debug)]
pub struct Places {
    folder: PathBuf,
    own: PathBuf,
}

/// What [`Places::recover`] found of a run that was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing, or files that were staged and not decided on: they are gone.
    Nothing,
    /// A commit that was decided on: it is complete now.
    Completed,
}

impl Places {
    /// In `folder`, whose part that is dwell's own is `own`.
    pub fn new(folder: &Path, own: &Path) -> Self {
        Places { folder: folder.to_path_buf(), own: own.to_path_buf() }
    }

    /// Where files are staged.
    pub fn staging(&self) -> PathBuf {
        self.own.join("staging")
    }

    fn before(&self) -> PathBuf {
        self.own.join("before")
    }

    fn journal(&self) -> PathBuf {
        self.own.join("journal.json")
    }

    /// Whether a commit has been decided on and not been carried out to its end.
    pub fn is_pending(&self) -> bool {
        self.journal().exists()
    }

    /// Throws away what is staged, unless that has been decided on.
    pub fn clear(&self) {
        if self.is_pending() {
            return;
        }
        let staging = self.staging();
        // Folders made for these files; those that hold anything stay.
        for folder in folders_below(&staging).iter().rev().filter(|folder| !folder.as_os_str().is_empty()) {
            let _ = fs::remove_dir(self.folder.join(folder));
        }
        // What cannot be cleared away will be in the way, and named, when it is written over.
        let _ = fs::remove_dir_all(staging);
        let _ = fs::remove_dir_all(self.before());
        let _ = fs::remove_file(self.own.join(NEW_JOURNAL));
    }

    /// Brings a folder that a killed run left into order: what was decided on is carried out, anything else
    /// is thrown away.
    ///
    /// # Errors
    /// A file that cannot be moved, or a journal that cannot be read.
    pub fn recover(&self) -> Result<Recovered, TableError> {
        if !self.is_pending() {
            self.clear();
            return Ok(Recovered::Nothing);
        }
        let path = self.journal();
        let bad = |reason: String| TableError::BadRecord { path: path.clone(), reason };
        let text = fs::read_to_string(&path).map_err(|error| bad(error.to_string()))?;
        let journal = Journal::parse(&text).map_err(bad)?;
        self.make_folders(&journal, &mut Vec::new())?;
        self.carry_out(&journal, &mut Vec::new())?;
        self.finish(&journal)?;
        Ok(Recovered::Completed)
    }

    /// Commits. Where a file cannot be put in its place, the folder is as it was. Where not even that can be undone, or
    /// the journal cannot be removed at the end, the journal stays, and the next run carries it out. `confirmed` are staged files that the disk has, with their
    /// names.
    ///
    /// # Errors
    /// A file that cannot be moved.
    pub fn commit(&self, journal: &Journal, confirmed: &BTreeSet<PathBuf>) -> Result<(), TableError> {
        let mut made = Vec::new();
        if let Err(error) = self.decide(journal, confirmed, &mut made) {
            self.take_back(&made);
            return Err(error);
        }
        step();
        let mut done = Vec::new();
        if let Err(error) = self.carry_out(journal, &mut done) {
            // Where not even that works, the next run carries the journal out.
            if self.undo(&done).is_ok() && fs::remove_file(self.journal()).is_ok() {
                self.take_back(&made);
            }
            return Err(error);
        }
        self.finish(journal)
    }

    /// Everything up to the decision.
    fn decide(
        &self,
        journal: &Journal,
        confirmed: &BTreeSet<PathBuf>,
        made: &mut Vec<PathBuf>,
    ) -> Result<(), TableError> {
        let _ = fs::remove_dir_all(self.before());
        for file in journal.put.iter().chain(&journal.remove) {
            self.keep(file)?;
        }
        step();
        self.make_folders(journal, made)?;
        step();
        sync_folders(&self.folders_to_sync(journal, confirmed))?;
        let (new, path) = (self.own.join(NEW_JOURNAL), self.journal());
        write_synced(&new, serde_json::to_string_pretty(journal).unwrap_or_default().as_bytes())?;
        step();
        fs::rename(&new, &path).map_err(|error| TableError::write(&path, &error))?;
        sync_folder(&self.own).inspect_err(|_| drop(fs::remove_file(&path)))
    }

    /// The folders whose names the disk has to have before the decision: all that lead to staged files. The folder of a
    /// file whose name it has need not be synced for that file, only those around it.
    fn folders_to_sync(&self, journal: &Journal, confirmed: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let staging = self.staging();
        let unsynced = |file: &PathBuf| if confirmed.contains(&staging.join(file)) { 2 } else { 1 };
        let within = journal.put.iter().flat_map(|file| file.ancestors().skip(unsynced(file)));
        let folders: BTreeSet<PathBuf> = within.map(|folder| staging.join(folder)).chain([self.own.clone()]).collect();
        folders.into_iter().collect()
    }

    /// Keeps the file that stands at a place, so that it can be put back.
    fn keep(&self, file: &Path) -> Result<(), TableError> {
        let (from, to) = (self.folder.join(file), self.before().join(file));
        if !from.is_file() {
            return Ok(());
        }
        make_folder(to.parent().unwrap_or(&to))?;
        second_name(&from, &to)
    }

    /// Makes the folders of new files, and notes the topmost ones made: from here on, no rename needs room.
    fn make_folders(&self, journal: &Journal, made: &mut Vec<PathBuf>) -> Result<(), TableError> {
        for file in &journal.put {
            let to = self.folder.join(file);
            let parent = to.parent().unwrap_or(&self.folder);
            made.extend(first_missing(parent));
            make_folder(parent)?;
        }
        Ok(())
    }

    /// Puts and removes files as a journal says; those that are in their places already are passed over.
    fn carry_out(&self, journal: &Journal, done: &mut Vec<PathBuf>) -> Result<(), TableError> {
        let staging = self.staging();
        for file in &journal.put {
            let (from, to) = (staging.join(file), self.folder.join(file));
            if from.exists() {
                fs::rename(&from, &to).map_err(|error| TableError::write(&to, &error))?;
                done.push(file.clone());
                step();
            }
        }
        for file in &journal.remove {
            let path = self.folder.join(file);
            match fs::remove_file(&path) {
                Ok(()) => done.push(file.clone()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(TableError::write(&path, &error)),
            }
            step();
        }
        let files = journal.put.iter().chain(&journal.remove);
        let folders: BTreeSet<&Path> = files.flat_map(|file| file.ancestors().skip(1)).collect();
        sync_folders(&folders.into_iter().map(|folder| self.folder.join(folder)).collect::<Vec<_>>())
    }

    /// Puts back what stood there before. New files become staged ones again first: whenever this is
    /// interrupted, the journal can still be carried out.
    fn undo(&self, done: &[PathBuf]) -> Result<(), TableError> {
        for file in done.iter().rev() {
            let (place, old, new) = (self.folder.join(file), self.before().join(file), self.staging().join(file));
            if place.is_file() {
                second_name(&place, &new)?;
            }
            let moved = if old.is_file() { fs::rename(&old, &place) } else { fs::remove_file(&place) };
            moved.map_err(|error| TableError::write(&place, &error))?;
        }
        Ok(())
    }

    /// After the last file: the journal goes, and then what only it needed.
    fn finish(&self, journal: &Journal) -> Result<(), TableError> {
        let path = self.journal();
        fs::remove_file(&path).map_err(|error| TableError::write(&path, &error))?;
        step();
        // Should the removal be lost, the journal is carried out again, which changes nothing.
        let _ = sync_folder(&self.own);
        for file in &journal.remove {
            // Only empty folders go: those of a date, and of a segment that is no more.
            let folders = file.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            let _ = folders.take_while(|folder| fs::remove_dir(self.folder.join(folder)).is_ok()).count();
        }
        let _ = fs::remove_dir_all(self.before());
        let _ = fs::remove_dir_all(self.staging());
        Ok(())
    }

    /// Removes folders that were made for nothing.
    fn take_back(&self, made: &[PathBuf]) {
        for folder in made.iter().rev() {
            let files =
                folder.strip_prefix(&self.folder).ok().and_then(|within| files_below(&self.folder, within).ok());
            // By now they hold nothing but empty folders.
            if files.is_some_and(|files| files.is_empty()) {
                let _ = fs::remove_dir_all(folder);
            }
        }
        self.clear();
    }
}

const NEW_JOURNAL: &str = "journal.json.new";

/// The first folder on the way to `path` that does not exist.
pub fn first_missing(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .filter(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
        .last()
        .map(Path::to_path_buf)
}

fn make_folder(path: &Path) -> Result<(), TableError> {
    fs::create_dir_all(path).map_err(|error| TableError::write(path, &error))
}

/// Has a file stand at another place too; copied where the file system has no second names.
fn second_name(from: &Path, to: &Path) -> Result<(), TableError> {
    let copied = || {
        fs::copy(from, to)?;
        File::open(to)?.sync_all()
    };
    fs::hard_link(from, to).or_else(|_| copied()).map_err(|error| TableError::write(to, &error))
}

/// A moment at which tests kill the process; nothing else is here.
#[cfg(not(test))]
fn step() {}

#[cfg(test)]
use tests::step;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How many steps are left until the process kills itself; 0 for never.
    static LEFT: AtomicUsize = AtomicUsize::new(0);

    pub fn step() {
        if LEFT.load(Ordering::SeqCst) > 0 && LEFT.fetch_sub(1, Ordering::SeqCst) == 1 {
            // No destructor runs and nothing is flushed.
            let _ = Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
    }

    const CHILD: &str = "DWELL_TEST_COMMIT";

    fn places(folder: &Path) -> Places {
        Places::new(folder, &folder.join("_dwell"))
    }

    /// Stages `new` in some places and says that one file is to go.
    fn stage(folder: &Path) -> Journal {
        let journal = Journal {
            put: ["t/d=2/a", "t/d=3/a", "u/d=2/a", "run.json"].map(PathBuf::from).to_vec(),
            remove: vec![PathBuf::from("t/d=1/a")],
        };
        for file in &journal.put {
            let path = places(folder).staging().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, format!("new {}", file.display())).expect("written");
        }
        journal
    }

    fn old(folder: &Path) {
        fs::create_dir_all(folder.join("_dwell")).expect("made");
        for file in ["t/d=1/a", "t/d=2/a", "u/d=2/a", "run.json"] {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, format!("old {file}")).expect("written");
        }
    }

    /// All files outside of `_dwell`, each as its name and the first word in it.
    fn seen(folder: &Path) -> Vec<String> {
        let files = files_below(folder, Path::new("")).expect("listed");
        let files = files.into_iter().filter(|file| !file.starts_with("_dwell"));
        let line = |file: PathBuf| {
            let text = fs::read_to_string(folder.join(&file)).expect("readable");
            let word = text.split(' ').next().expect("a word").to_owned();
            assert_eq!(text, format!("{word} {}", file.display()), "a file of its own");
            format!("{} {word}", file.display())
        };
        files.map(line).collect()
    }

    const OLD: [&str; 4] = ["run.json old", "t/d=1/a old", "t/d=2/a old", "u/d=2/a old"];
    const NEW: [&str; 4] = ["run.json new", "t/d=2/a new", "t/d=3/a new", "u/d=2/a new"];

    /// Not a test of its own: what the test below starts as another process, to be killed at a step.
    #[test]
    fn child_that_is_killed() {
        let Ok(order) = std::env::var(CHILD) else { return };
        let (steps, folder) = order.split_once(' ').expect("steps and a folder");
        LEFT.store(steps.parse().expect("a number"), Ordering::SeqCst);
        let places = places(Path::new(folder));
        match places.is_pending() {
            true => drop(places.recover()),
            false => places.commit(&stage(Path::new(folder)), &BTreeSet::new()).expect("committed"),
        }
    }

    /// Runs the child; false where it was killed.
    fn child(folder: &Path, steps: usize) -> bool {
        let name = "tables::folder::journal::tests::child_that_is_killed";
        let status = Command::new(std::env::current_exe().expect("this program"))
            .args([name, "--exact", "--test-threads", "1"])
            .env(CHILD, format!("{steps} {}", folder.display()))
            .stdout(Stdio::null())
            .status();
        status.expect("ran").success()
    }

    #[test]
    fn a_journal_of_files_outside_of_the_folder_is_refused_and_nothing_is_touched() {
        let base = tempfile::tempdir().expect("a folder");
        let folder = base.path().join("out");
        old(&folder);
        let outside = base.path().join("x");
        fs::write(&outside, "mine").expect("written");
        for file in ["../x", outside.to_str().expect("text"), "t/../../x", "./x", "", "/"] {
            let journal = Journal { put: Vec::new(), remove: vec![PathBuf::from(file)] };
            let text = serde_json::to_string(&journal).expect("text");
            write_synced(&places(&folder).journal(), text.as_bytes()).expect("written");
            let said = places(&folder).recover().expect_err("outside").to_string();
            assert!(said.contains("journal.json") && said.contains("no file within the folder"), "{said}");
            assert!(outside.exists() && seen(&folder) == OLD, "{file}");
        }
    }

    #[test]
    fn folders_of_files_that_the_disk_has_are_not_synced_again() {
        let places = places(Path::new("out"));
        let put = ["t/d=1/a", "t/d=2/a", "t/d=2/b", "run.json"].map(PathBuf::from).to_vec();
        let journal = Journal { put, remove: vec![PathBuf::from("u/d=1/a")] };
        let to_sync = |confirmed: &[&str]| {
            let confirmed = confirmed.iter().map(|file| places.staging().join(file)).collect();
            let folders = places.folders_to_sync(&journal, &confirmed).into_iter();
            folders.map(|folder| folder.display().to_string()).collect::<Vec<_>>()
        };
        let around = ["out/_dwell", "out/_dwell/staging/", "out/_dwell/staging/t"];
        let (first, second) = ("out/_dwell/staging/t/d=1", "out/_dwell/staging/t/d=2");
        assert_eq!(to_sync(&[]), [around.as_slice(), &[first, second]].concat());
        assert_eq!(to_sync(&["t/d=1/a", "t/d=2/a"]), [around.as_slice(), &[second]].concat());
        assert_eq!(to_sync(&["t/d=1/a", "t/d=2/a", "t/d=2/b"]), around);
    }

    #[test]
    fn a_kill_at_any_step_leaves_each_file_whole_and_the_next_run_all_of_one_run() {
        let mut decided = 0;
        for steps in 1.. {
            let base = tempfile::tempdir().expect("a folder");
            let folder = base.path();
            old(folder);
            if child(folder, steps) {
                assert_eq!(seen(folder), NEW, "step {steps}");
                assert!(decided > 5 && steps > 8, "killed at {steps} steps, {decided} of them decided");
                return;
            }
            // Whatever a reader sees by now is whole: `seen` says so.
            seen(folder);
            let pending = places(folder).is_pending();
            decided += usize::from(pending);
            let found = places(folder).recover().expect("recovered");
            assert_eq!(found == Recovered::Completed, pending, "step {steps}");
            let after: Vec<String> = seen(folder);
            assert!(if pending { after == NEW } else { after == OLD || after == NEW }, "step {steps}: {after:?}");
            assert!(pending || after == OLD || decided > 0, "step {steps}: undecided and new");
            assert!(!folder.join("t/d=3").exists() || after == NEW, "step {steps}: a folder for nothing");
            assert!(!folder.join("_dwell/staging").exists() && !folder.join("_dwell/before").exists());
        }
    }

    #[test]
    fn a_kill_at_any_step_of_the_completion_is_completed_by_the_one_after() {
        for first in 5..8 {
            for second in 1..8 {
                let base = tempfile::tempdir().expect("a folder");
                let folder = base.path();
                old(folder);
                assert!(!child(folder, first));
                if !places(folder).is_pending() {
                    continue;
                }
                child(folder, second);
                places(folder).recover().expect("recovered");
                assert_eq!(seen(folder), NEW, "steps {first} and {second}");
            }
        }
    }

    #[test]
    fn a_commit_that_fails_half_way_puts_everything_back() {
        let base = tempfile::tempdir().expect("a folder");
        let folder = base.path();
        old(folder);
        let journal = stage(folder);
        // A folder in the way of a file: the rename fails after others have been done.
        fs::create_dir_all(folder.join("t/d=3/a/in the way")).expect("made");
        places(folder).commit(&journal, &BTreeSet::new()).expect_err("in the way");
        assert_eq!(seen(folder), OLD);
        assert!(!places(folder).is_pending());
        assert!(!folder.join("_dwell/staging").exists());
    }

    #[test]
    fn an_undone_commit_can_still_be_carried_out_until_its_journal_is_gone() {
        let base = tempfile::tempdir().expect("a folder");
        let folder = base.path();
        old(folder);
        let journal = stage(folder);
        let places = places(folder);
        places.decide(&journal, &BTreeSet::new(), &mut Vec::new()).expect("decided");
        let mut done = Vec::new();
        places.carry_out(&journal, &mut done).expect("carried out");
        places.undo(&done).expect("undone");
        assert_eq!(seen(folder), OLD);
        assert_eq!(places.recover().expect("recovered"), Recovered::Completed);
        assert_eq!(seen(folder), NEW);
    }
}
