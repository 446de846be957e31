//! The output folder: whose it is, who writes to it, and how a run's files replace the ones before.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::TableError;
use crate::job::fingerprint::Canonical;

/// The number of the format of the tables and of the folder.
pub const FORMAT: u32 = 1;

const OWN: &str = "_dwell";
const RECORD: &str = "folder.json";

/// An output folder that a run may write to.
#[derive(Debug)]
pub struct OutputFolder {
    path: PathBuf,
    /// What the folder's tables were made under; `None` where there are none.
    before: Option<Canonical>,
}

/// What `_dwell/folder.json` says.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    fingerprint: String,
    definition: Canonical,
}

impl OutputFolder {
    /// Looks at a folder without changing anything.
    ///
    /// # Errors
    /// It is a file, or not empty and not dwell's, or its record cannot be read.
    pub fn look(path: &Path) -> Result<Self, TableError> {
        let mut folder = OutputFolder { path: path.to_path_buf(), before: None };
        if !path.exists() {
            return Ok(folder);
        }
        if !path.is_dir() {
            return Err(TableError::NotAFolder { path: path.to_path_buf() });
        }
        let record = path.join(OWN).join(RECORD);
        if record.exists() {
            folder.before = Some(read_record(&record)?);
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

    /// Refuses a folder whose tables were made under another definition, unless all are to be rebuilt.
    ///
    /// # Errors
    /// The keys that differ.
    pub fn check_definition(&self, definition: &Canonical, overwrite: bool) -> Result<(), TableError> {
        match &self.before {
            Some(before) if before != definition && !overwrite => Err(TableError::OtherDefinition {
                path: self.path.clone(),
                differences: before.differences(definition),
            }),
            _ => Ok(()),
        }
    }

    /// What the folder's tables were made under; `None` where there are none.
    pub fn definition(&self) -> Option<&Canonical> {
        self.before.as_ref()
    }

    /// Whether the folder's tables were made under another definition.
    pub fn is_other_definition(&self, definition: &Canonical) -> bool {
        self.before.as_ref().is_some_and(|before| before != definition)
    }

    /// Takes the folder for this run, makes it where it does not exist, and clears away what a killed
    /// run left.
    ///
    /// # Errors
    /// Another run holds it, or it cannot be written.
    pub fn lock(self) -> Result<LockedFolder, TableError> {
        let own = self.path.join(OWN);
        let trace = Trace { path: self.path.clone(), created: first_missing(&own) };
        fs::create_dir_all(&own).map_err(|error| TableError::write(&own, &error))?;
        let lock_path = own.join("lock");
        let failed = |error: std::io::Error| TableError::write(&lock_path, &error);
        let mut lock =
            File::options().create(true).read(true).write(true).truncate(false).open(&lock_path).map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(failed(error)),
            Err(TryLockError::WouldBlock) => {
                let holder = fs::read_to_string(&lock_path).unwrap_or_default();
                return Err(TableError::Locked { path: self.path, holder: holder.trim().to_string() });
            }
        }
        let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        lock.set_len(0).map_err(failed)?;
        writeln!(lock, "process {} since {since}", std::process::id()).map_err(failed)?;
        let staging = own.join("staging");
        let locked = LockedFolder { path: self.path, staging, trace, lock };
        locked.clear_staging();
        Ok(locked)
    }
}

fn read_record(path: &Path) -> Result<Canonical, TableError> {
    let bad = |reason: String| TableError::BadRecord { path: path.to_path_buf(), reason };
    let text = fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
    let record: Record = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    if record.format != FORMAT {
        return Err(bad(format!("it is of format {}, this version of dwell knows format {FORMAT}", record.format)));
    }
    Ok(record.definition)
}

/// The first folder on the way to `path` that does not exist.
fn first_missing(path: &Path) -> Option<PathBuf> {
    path.ancestors()
        .filter(|ancestor| !ancestor.as_os_str().is_empty() && !ancestor.exists())
        .last()
        .map(Path::to_path_buf)
}

/// Refuses an output folder inside an input path, or around one of its files.
///
/// # Errors
/// The input path.
pub fn check_apart(output: &Path, inputs: &[String], files: &[PathBuf]) -> Result<(), TableError> {
    let absolute_output = absolute(output);
    for input in inputs {
        let searched = Path::new(input);
        let found_next_time = match searched.is_dir() {
            true => absolute_output.starts_with(absolute(searched)),
            false => glob_finds(input, &absolute_output),
        };
        if found_next_time {
            return Err(TableError::InsideInput { output: output.to_path_buf(), input: searched.to_path_buf() });
        }
    }
    match files.iter().find(|file| absolute(file).starts_with(&absolute_output)) {
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
fn absolute(path: &Path) -> PathBuf {
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
    staging: PathBuf,
    trace: Trace,
    lock: File,
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

    /// Where to write a file that will stand at `relative` once committed; its folder exists.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn stage(&self, relative: &Path) -> Result<PathBuf, TableError> {
        with_folder(self.staged_path(relative))
    }

    /// Where a file that will stand at `relative` is until it is committed.
    pub fn staged_path(&self, relative: &Path) -> PathBuf {
        self.staging.join(relative)
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

    /// Puts the staged files in place and removes those of `replaced` for which there is no new one, then
    /// records the definition. Where anything fails, the files before are put back.
    ///
    /// # Errors
    /// A file that cannot be moved.
    pub fn commit(mut self, replaced: &BTreeSet<PathBuf>, definition: &Canonical) -> Result<(), TableError> {
        let record = Record { format: FORMAT, fingerprint: definition.fingerprint(), definition: definition.clone() };
        let record_file = Path::new(OWN).join(RECORD);
        let record_path = self.stage(&record_file)?;
        let text = serde_json::to_string_pretty(&record).unwrap_or_default();
        write_synced(&record_path, text.as_bytes())?;
        let mut staged = files_below(&self.staging, Path::new(""))?;
        // Last: until every table is of this definition, the folder does not say that it is.
        staged.remove(&record_file);
        let gone: Vec<&PathBuf> = replaced.iter().filter(|file| !staged.contains(*file)).collect();
        let backup = self.path.join(OWN).join("before");
        // What a killed run left there is of no use to this one.
        let _ = fs::remove_dir_all(&backup);
        let mut swap = Swap { folder: &self.path, backup: &backup, done: Vec::new(), made: Vec::new() };
        let moved = staged
            .iter()
            .try_for_each(|file| swap.put(&self.staging.join(file), file))
            .and_then(|()| gone.iter().try_for_each(|file| swap.remove(file)))
            .and_then(|()| swap.put(&record_path, &record_file));
        if let Err(error) = moved {
            swap.undo();
            return Err(error);
        }
        for file in gone {
            // Only empty folders go.
            let _ = self.path.join(file).parent().map(fs::remove_dir);
        }
        let _ = fs::remove_dir_all(&backup);
        self.trace.created = None;
        Ok(())
    }

    fn clear_staging(&self) {
        // What cannot be cleared away will be in the way, and named, when it is written over.
        let _ = fs::remove_dir_all(&self.staging);
        let _ = fs::remove_dir_all(self.scratch_path(Path::new("")));
    }
}

fn with_folder(path: PathBuf) -> Result<PathBuf, TableError> {
    let parent = path.parent().unwrap_or(&path);
    fs::create_dir_all(parent).map_err(|error| TableError::write(parent, &error))?;
    Ok(path)
}

impl Drop for LockedFolder {
    fn drop(&mut self) {
        self.clear_staging();
        let _ = self.lock.set_len(0);
    }
}

/// Moves files over others, remembering what was there.
struct Swap<'a> {
    folder: &'a Path,
    backup: &'a Path,
    done: Vec<(PathBuf, bool)>,
    /// The topmost folder made for each file that needed one.
    made: Vec<PathBuf>,
}

impl Swap<'_> {
    fn put(&mut self, from: &Path, file: &Path) -> Result<(), TableError> {
        let to = self.folder.join(file);
        let parent = to.parent().unwrap_or(self.folder);
        self.made.extend(first_missing(parent));
        fs::create_dir_all(parent).map_err(|error| TableError::write(parent, &error))?;
        self.keep(file)?;
        // A rename replaces in one step: a reader sees the old file or the new one.
        fs::rename(from, &to).map_err(|error| TableError::write(&to, &error))
    }

    fn remove(&mut self, file: &Path) -> Result<(), TableError> {
        self.keep(file)?;
        let path = self.folder.join(file);
        fs::remove_file(&path).map_err(|error| TableError::write(&path, &error))
    }

    fn keep(&mut self, file: &Path) -> Result<(), TableError> {
        let (from, to) = (self.folder.join(file), self.backup.join(file));
        let existed = from.exists();
        if existed {
            let parent = to.parent().unwrap_or(self.backup);
            fs::create_dir_all(parent).map_err(|error| TableError::write(parent, &error))?;
            fs::hard_link(&from, &to)
                .or_else(|_| fs::copy(&from, &to).map(drop))
                .map_err(|error| TableError::write(&to, &error))?;
        }
        self.done.push((file.to_path_buf(), existed));
        Ok(())
    }

    fn undo(&self) {
        for (file, existed) in self.done.iter().rev() {
            // Best effort: the error that led here is what the user hears of.
            let path = self.folder.join(file);
            let _ = if *existed { fs::rename(self.backup.join(file), &path) } else { fs::remove_file(&path) };
        }
        for folder in self.made.iter().rev() {
            // By now it holds nothing but empty folders.
            let _ = fs::remove_dir_all(folder);
        }
        let _ = fs::remove_dir_all(self.backup);
    }
}

/// Writes a whole file and has the disk confirm it.
///
/// # Errors
/// The file cannot be written.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), TableError> {
    let failed = |error: std::io::Error| TableError::write(path, &error);
    let mut file = File::create(path).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn files_below(root: &Path, relative: &Path) -> Result<BTreeSet<PathBuf>, TableError> {
    let mut files = BTreeSet::new();
    let folder = root.join(relative);
    if !folder.is_dir() {
        return Ok(files);
    }
    let failed = |error: std::io::Error| TableError::write(&folder, &error);
    for entry in fs::read_dir(&folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = relative.join(entry.file_name());
        // Not through links: what they lead to is not ours.
        if entry.file_type().map_err(failed)?.is_dir() {
            files.extend(files_below(root, &path)?);
        } else {
            files.insert(path);
        }
    }
    Ok(files)
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
        folder.commit(&BTreeSet::new(), &definition).expect("committed");
        let folder = open(&path);
        let before = folder.files_of(Path::new("t")).expect("listed");
        stage(&folder, "t/d=2/a", "new");
        folder.commit(&before, &definition).expect("committed");
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
        folder.commit(&BTreeSet::new(), &Canonical::default()).expect("committed");
        let folder = open(&path);
        stage(&folder, "t/a", "new");
        stage(&folder, "t/b", "new");
        // A folder in the way of a file: the rename fails after the first file has been replaced.
        fs::create_dir_all(path.join("t/b/in the way")).expect("made");
        assert!(folder.commit(&BTreeSet::new(), &Canonical::default()).is_err());
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
