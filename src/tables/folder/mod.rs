//! The output folder: whose it is, who writes to it, and how a run's files replace the ones before.

pub mod journal;
pub mod lock;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use self::journal::{first_missing, Journal, Places, Recovered};
use self::lock::FolderLock;
use super::error::TableError;
use super::write::files::{create_folder_of, files_below, write_synced};
use crate::job::fingerprint::Canonical;
use crate::storage::location::is_url;

/// The number of the format of the tables and of the folder.
pub const FORMAT: u32 = 1;

const OWN: &str = "_dwell";
const RECORD: &str = "folder.json";

/// An output folder that a run may write to.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    before: Before,
}

/// What the tables of a folder were made under.
#[derive(Clone, Debug, Default)]
pub struct Before(Option<Record>);

/// What `_dwell/folder.json` says.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    fingerprint: String,
    definition: Canonical,
    #[serde(flatten)]
    made: Made,
}

/// What the tables and charts of a folder are made with, besides the definition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Made {
    /// Each table.
    pub tables: Vec<String>,
    /// The charts of them; `None` where there are none, or of tables before these.
    pub charts: Option<String>,
}

impl OutputFolder {
    /// Looks at a folder without changing anything.
    ///
    /// # Errors
    /// It is a file, or not empty and not dwell's, or its record cannot be read.
    pub fn look(path: &Path) -> Result<Self, TableError> {
        let mut folder = OutputFolder { path: path.to_path_buf(), before: Before::default() };
        if !path.exists() {
            return Ok(folder);
        }
        if !path.is_dir() {
            return Err(TableError::NotAFolder { path: path.to_path_buf() });
        }
        folder.before = Before::read(path)?;
        // A first run that was killed while it committed leaves tables that nothing but the journal explains.
        if folder.before.is_something() || Places::new(path, &path.join(OWN)).is_pending() {
            return Ok(folder);
        }
        let entries = fs::read_dir(path).map_err(|error| TableError::write(path, &error))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        // Nothing but our own folder is what a first run that was killed leaves.
        match names.filter(|name| name != OWN).min() {
            Some(example) => Err(TableError::NotOurs { path: path.to_path_buf(), example }),
            None => Ok(folder),
        }
    }

    /// What the folder's tables were made under.
    pub fn before(&self) -> &Before {
        &self.before
    }

    /// A file of dwell's own in the folder.
    pub fn own(&self, name: &str) -> PathBuf {
        self.path.join(OWN).join(name)
    }

    /// What the folder's tables were made under; `None` where there are none.
    pub fn definition(&self) -> Option<&Canonical> {
        self.before.definition()
    }

    /// Takes the folder for this run, makes it where it does not exist, and brings what a killed run left into
    /// order.
    ///
    /// # Errors
    /// Another run holds it, or it cannot be written.
    pub fn lock(self) -> Result<LockedFolder, TableError> {
        let own = self.path.join(OWN);
        let mut trace = Trace { path: self.path.clone(), created: first_missing(&own) };
        fs::create_dir_all(&own).map_err(|error| TableError::write(&own, &error))?;
        let lock = FolderLock::take(&own.join("lock"), &self.path).inspect_err(|error| {
            if matches!(error, TableError::Locked { .. }) {
                // Whoever holds it was quicker: what is here is theirs by now.
                trace.created = None;
            }
        })?;
        let mut locked = LockedFolder {
            places: Places::new(&self.path, &own),
            path: self.path,
            before: self.before,
            recovered: Recovered::Nothing,
            trace,
            _lock: lock,
        };
        locked.recovered = locked.places.recover()?;
        locked.clear();
        // What was looked at before may have been another run's, which is done by now.
        locked.before = Before::read(&locked.path)?;
        Ok(locked)
    }
}

impl Before {
    fn read(folder: &Path) -> Result<Self, TableError> {
        let record = folder.join(OWN).join(RECORD);
        Ok(Before(if record.exists() { Some(read_record(&record)?) } else { None }))
    }

    /// Whether there are tables at all.
    pub fn is_something(&self) -> bool {
        self.0.is_some()
    }

    /// The definition that the tables were made under; `None` where there are none.
    pub fn definition(&self) -> Option<&Canonical> {
        self.0.as_ref().map(|record| &record.definition)
    }

    /// What the tables and charts were made with.
    pub fn made(&self) -> Made {
        self.0.as_ref().map(|record| record.made.clone()).unwrap_or_default()
    }

    /// Whether the tables were made under another definition.
    pub fn is_other_than(&self, definition: &Canonical) -> bool {
        self.0.as_ref().is_some_and(|before| before.definition != *definition)
    }

    /// Whether there are tables, and made with something else than `tables` says.
    pub fn has_other_columns(&self, tables: &[String]) -> bool {
        self.0.as_ref().is_some_and(|before| before.made.tables != tables)
    }

    /// Refuses a folder whose tables were made under another definition, unless all are to be rebuilt.
    ///
    /// # Errors
    /// The keys that differ.
    pub fn check(&self, folder: &Path, definition: &Canonical, overwrite: bool) -> Result<(), TableError> {
        match &self.0 {
            Some(before) if before.definition != *definition && !overwrite => Err(TableError::OtherDefinition {
                path: folder.to_path_buf(),
                differences: before.definition.differences(definition),
            }),
            _ => Ok(()),
        }
    }
}

fn read_record(path: &Path) -> Result<Record, TableError> {
    let bad = |reason: String| TableError::BadRecord { path: path.to_path_buf(), reason };
    let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let record: Record = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if record.format != FORMAT {
        return Err(bad(format!("it is of format {}, this version of dwell knows format {FORMAT}", record.format)));
    }
    Ok(record)
}

/// Refuses an output folder inside an input path, or around one of its files.
///
/// # Errors
/// The input path.
pub fn check_apart(output: &Path, inputs: &[String], files: &[PathBuf]) -> Result<(), TableError> {
    let absolute_output = absolute(output);
    // What is in a store is in no folder.
    let is_local = |path: &Path| !path.to_str().is_some_and(is_url);
    for input in inputs.iter().filter(|input| is_local(Path::new(input))) {
        let searched = Path::new(input);
        let found_next_time = match searched.is_dir() {
            true => absolute_output.starts_with(absolute(searched)),
            false => glob_finds(input, &absolute_output),
        };
        if found_next_time {
            return Err(TableError::InsideInput { output: output.to_path_buf(), input: searched.to_path_buf() });
        }
    }
    match files.iter().filter(|file| is_local(file)).find(|file| absolute(file).starts_with(&absolute_output)) {
        Some(file) => Err(TableError::AroundInput { output: output.to_path_buf(), input: file.clone() }),
        None => Ok(()),
    }
}

/// Whether a glob would find a table in an output folder: a folder on the way to it or in it, or a file.
fn glob_finds(pattern: &str, output: &Path) -> bool {
    let Some(wildcard) = pattern.find(['*', '?', '[']) else { return false };
    // The part before the first wildcard may be relative or go through links.
    let base_end = pattern[..wildcard].rfind('/').map_or(0, |slash| slash + 1);
    let base = if base_end == 0 { Path::new(".") } else { Path::new(&pattern[..base_end]) };
    let escaped = glob::Pattern::escape(&absolute(base).to_string_lossy());
    let Ok(pattern) = glob::Pattern::new(&format!("{}/{}", escaped.trim_end_matches('/'), &pattern[base_end..])) else {
        return false;
    };
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let table = Path::new("sessions/session_date=2026-01-01/part-0.parquet");
    let inside = [output.join(table), output.join("histogram.parquet"), output.join("activity")];
    inside.iter().flat_map(|path| path.ancestors()).any(|path| pattern.matches_path_with(path, options))
}

/// A path without links and dots, also where its end does not exist yet.
pub fn absolute(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for ancestor in path.ancestors() {
        if let (Ok(real), Ok(rest)) = (ancestor.canonicalize(), path.strip_prefix(ancestor)) {
            let mut whole = real;
            for part in rest.components() {
                match part {
                    Component::ParentDir => {
                        whole.pop();
                    }
                    Component::CurDir => {}
                    other => whole.push(other),
                }
            }
            return whole;
        }
    }
    path
}

/// An output folder held by this run. Whatever is staged in it is thrown away unless committed.
#[derive(Debug)]
pub struct LockedFolder {
    path: PathBuf,
    places: Places,
    before: Before,
    recovered: Recovered,
    // In this order: the trace is removed while the lock is held.
    trace: Trace,
    _lock: FolderLock,
}

/// The folders that a run made on its way in: removed where the run comes to nothing.
#[derive(Debug)]
struct Trace {
    path: PathBuf,
    /// The topmost one; `None` where there was nothing to make, or where the run has come to something.
    created: Option<PathBuf>,
}

impl Drop for Trace {
    fn drop(&mut self) {
        let Some(created) = &self.created else { return };
        let own = self.path.join(OWN);
        let _ = fs::remove_file(own.join("lock"));
        let mut empty = Some(own.as_path());
        while let Some(folder) = empty.filter(|folder| folder.starts_with(created)) {
            if folder.exists() && fs::remove_dir(folder).is_err() {
                break;
            }
            empty = folder.parent();
        }
    }
}

impl LockedFolder {
    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the folder's tables were made under.
    pub fn before(&self) -> &Before {
        &self.before
    }

    /// Whether a run before was killed while it committed, and its commit has been completed.
    pub fn was_recovered(&self) -> bool {
        self.recovered == Recovered::Completed
    }

    /// The path of a file of dwell's own, within the folder.
    pub fn own_file(name: &str) -> PathBuf {
        Path::new(OWN).join(name)
    }

    /// Where to write a file that will stand at `relative` once committed; its folder exists.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn stage(&self, relative: &Path) -> Result<PathBuf, TableError> {
        with_folder(self.staged_path(relative))
    }

    /// Where a file that will stand at `relative` is until it is committed.
    pub fn staged_path(&self, relative: &Path) -> PathBuf {
        self.places.staging().join(relative)
    }

    /// The files that are staged, by their path within the folder.
    ///
    /// # Errors
    /// They cannot be listed.
    pub fn staged_files(&self) -> Result<BTreeSet<PathBuf>, TableError> {
        files_below(&self.places.staging(), Path::new(""))
    }

    /// Where to write a file that is needed for this run alone; its folder exists.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn scratch(&self, relative: &Path) -> Result<PathBuf, TableError> {
        with_folder(self.scratch_path(relative))
    }

    /// Where a file that is needed for this run alone is.
    pub fn scratch_path(&self, relative: &Path) -> PathBuf {
        self.path.join(OWN).join("scratch").join(relative)
    }

    /// The files of a table that stand in the folder now, by their path within it.
    ///
    /// # Errors
    /// The folder cannot be searched.
    pub fn files_of(&self, table: &Path) -> Result<BTreeSet<PathBuf>, TableError> {
        files_below(&self.path, table)
    }

    /// Puts the staged files in place, of which the disk has those `confirmed` and their names, removes those of `replaced`
    /// for which there is no new one, and records the definition and what is `made` with what. Where anything fails, the
    /// folder is as it was; where the process is killed, the next run has it as it was or completes this.
    ///
    /// # Errors
    /// A file that cannot be moved.
    pub fn commit(
        mut self,
        replaced: &BTreeSet<PathBuf>,
        confirmed: &BTreeSet<PathBuf>,
        definition: &Canonical,
        made: Made,
    ) -> Result<(), TableError> {
        let record =
            Record { format: FORMAT, fingerprint: definition.fingerprint(), definition: definition.clone(), made };
        let record_file = Self::own_file(RECORD);
        let text = serde_json::to_string_pretty(&record).unwrap_or_default();
        write_synced(&self.stage(&record_file)?, text.as_bytes())?;
        let staged = self.staged_files()?;
        // What says of the tables what they are comes after them.
        let (own, tables): (Vec<PathBuf>, Vec<PathBuf>) =
            staged.iter().cloned().partition(|file| file.starts_with(OWN));
        let journal = Journal {
            put: tables.into_iter().chain(own).collect(),
            remove: replaced.iter().filter(|file| !staged.contains(*file)).cloned().collect(),
        };
        self.places.commit(&journal, confirmed)?;
        self.trace.created = None;
        Ok(())
    }

    /// Takes back what is staged over a table file of the same bytes, so that this stays as it is, and returns
    /// which these are.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn keep_same(&self) -> Result<BTreeSet<PathBuf>, TableError> {
        let mut same = BTreeSet::new();
        for file in self.staged_files()?.into_iter().filter(|file| !file.starts_with(OWN)) {
            let (new, old) = (self.staged_path(&file), self.path.join(&file));
            if is_same(&new, &old).map_err(|error| TableError::write(&new, &error))? {
                fs::remove_file(&new).map_err(|error| TableError::write(&new, &error))?;
                same.insert(file);
            }
        }
        Ok(same)
    }

    fn clear(&self) {
        self.places.clear();
        let _ = fs::remove_dir_all(self.scratch_path(Path::new("")));
    }
}

/// Whether there are two files of the same bytes.
fn is_same(new: &Path, old: &Path) -> std::io::Result<bool> {
    let length = |path: &Path| fs::metadata(path).map(|file| file.len());
    Ok(old.is_file() && length(new)? == length(old)? && fs::read(new)? == fs::read(old)?)
}

fn with_folder(path: PathBuf) -> Result<PathBuf, TableError> {
    create_folder_of(&path)?;
    Ok(path)
}

impl Drop for LockedFolder {
    fn drop(&mut self) {
        self.clear();
        if self.places.is_pending() {
            // The next run needs what is here.
            self.trace.created = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(folder: &LockedFolder, name: &str, text: &str) {
        let path = folder.stage(Path::new(name)).expect("staged");
        fs::write(path, text).expect("written");
    }

    fn open(path: &Path) -> LockedFolder {
        OutputFolder::look(path).expect("may be used").lock().expect("free")
    }

    #[test]
    fn a_run_that_comes_to_nothing_leaves_no_trace() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path().join("a/b/out");
        let folder = open(&path);
        stage(&folder, "sessions/part-0.parquet", "x");
        drop(folder);
        assert_eq!(fs::read_dir(base.path()).expect("readable").count(), 0);
    }

    #[test]
    fn a_commit_replaces_adds_and_removes() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path().join("out");
        let definition = Canonical::default();
        let folder = open(&path);
        stage(&folder, "t/d=1/a", "old");
        stage(&folder, "t/d=2/a", "old");
        folder.commit(&BTreeSet::new(), &BTreeSet::new(), &definition, Made::default()).expect("committed");
        let folder = open(&path);
        let before = folder.files_of(Path::new("t")).expect("listed");
        stage(&folder, "t/d=2/a", "new");
        folder.commit(&before, &BTreeSet::new(), &definition, Made::default()).expect("committed");
        assert_eq!(files_below(&path, Path::new("t")).expect("listed"), BTreeSet::from([PathBuf::from("t/d=2/a")]));
        assert_eq!(fs::read_to_string(path.join("t/d=2/a")).expect("there"), "new");
        assert!(!path.join("t/d=1").exists());
    }

    #[test]
    fn a_commit_that_fails_puts_everything_back() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path().join("out");
        let folder = open(&path);
        stage(&folder, "t/a", "old");
        folder.commit(&BTreeSet::new(), &BTreeSet::new(), &Canonical::default(), Made::default()).expect("committed");
        let folder = open(&path);
        stage(&folder, "t/a", "new");
        stage(&folder, "t/b", "new");
        // A folder in the way of a file: the rename fails after the first file has been replaced.
        fs::create_dir_all(path.join("t/b/in the way")).expect("made");
        assert!(folder.commit(&BTreeSet::new(), &BTreeSet::new(), &Canonical::default(), Made::default()).is_err());
        assert_eq!(fs::read_to_string(path.join("t/a")).expect("there"), "old");
    }

    #[test]
    fn a_glob_that_would_find_the_tables_is_known() {
        let output = absolute(Path::new("data/out"));
        let finds = |pattern| glob_finds(pattern, &output);
        for pattern in ["**/*.parquet", "data/*", "data/**", "*/out", "data/o?t/*", "./data/*/*.parquet"] {
            assert!(finds(pattern), "{pattern}");
        }
        for pattern in ["data/*.parquet", "data/events/*", "other/**/*.parquet", "data/in*"] {
            assert!(!finds(pattern), "{pattern}");
        }
    }

    #[test]
    fn a_second_run_is_told_who_holds_the_folder() {
        let base = tempfile::tempdir().expect("a folder");
        let path = base.path().join("out");
        let _held = open(&path);
        let message = OutputFolder::look(&path).expect("ours").lock().expect_err("held").to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
    }
}
