//! Having the disk confirm files while other work goes on: a thread that waits for the disk computes nothing.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::files::sync_folder;
use crate::tables::error::TableError;

/// So many files may wait for the disk at once.
const THREADS: usize = 4;

/// Has the disk confirm files, on threads of its own.
#[derive(Debug)]
pub struct Syncer {
    files: Option<Sender<PathBuf>>,
    threads: Vec<JoinHandle<Result<Vec<PathBuf>, TableError>>>,
}

impl Syncer {
    /// Starts.
    pub fn start() -> Self {
        let (files, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let start = |_| {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().name("dwell-sync".to_string()).spawn(move || sync_all(&waiting)).ok()
        };
        let threads: Vec<_> = (0..THREADS).filter_map(start).collect();
        Syncer { files: Some(files).filter(|_| !threads.is_empty()), threads }
    }

    /// Has the disk confirm a file that is written and its name in its folder, at once or soon.
    ///
    /// # Errors
    /// It was done at once, and the disk did not.
    pub fn later(&self, file: &Path) -> Result<(), TableError> {
        match self.files.as_ref().map(|files| files.send(file.to_path_buf())) {
            Some(Ok(())) => Ok(()),
            // Without a thread to do it.
            _ => sync_with_name(file),
        }
    }

    /// Waits until all are confirmed, and returns which have been, each with its name.
    ///
    /// # Errors
    /// The first that was not.
    pub fn finish(mut self) -> Result<BTreeSet<PathBuf>, TableError> {
        self.files = None;
        let lost =
            || Err(TableError::write(Path::new("the output folder"), &std::io::Error::other("a thread was lost")));
        let mut confirmed = BTreeSet::new();
        for thread in self.threads {
            confirmed.extend(thread.join().unwrap_or_else(|_| lost())?);
        }
        Ok(confirmed)
    }
}

/// Has the disk confirm the names in some folders, in whatever order, several at once.
///
/// # Errors
/// It cannot, of the first of them.
pub fn sync_folders(folders: &[PathBuf]) -> Result<(), TableError> {
    let each = folders.len().div_ceil(THREADS).max(1);
    let some = |folders: &[PathBuf]| folders.iter().try_for_each(|folder| sync_folder(folder));
    std::thread::scope(|scope| {
        let parts: Vec<_> = folders.chunks(each).collect();
        let spawn =
            |part| std::thread::Builder::new().name("dwell-sync".to_string()).spawn_scoped(scope, move || some(part));
        let started: Vec<_> = parts.iter().skip(1).map(|part| (*part, spawn(*part))).collect();
        parts.first().map_or(Ok(()), |part| some(part))?;
        started.into_iter().try_for_each(|(part, thread)| match thread.map(|thread| thread.join()) {
            Ok(Ok(synced)) => synced,
            // Without a thread to do it.
            _ => some(part),
        })
    })
}

/// Syncs files until there are no more, and returns which; after one that fails the others are not needed.
fn sync_all(waiting: &Mutex<Receiver<PathBuf>>) -> Result<Vec<PathBuf>, TableError> {
    let mut confirmed = Vec::new();
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(file) = next else { return Ok(confirmed) };
        sync_with_name(&file)?;
        confirmed.push(file);
    }
}

/// Has the disk confirm a file, and then its name.
fn sync_with_name(path: &Path) -> Result<(), TableError> {
    sync(path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Has the disk confirm a file.
///
/// # Errors
/// It does not, or the file cannot be opened.
pub fn sync(path: &Path) -> Result<(), TableError> {
    let synced = File::open(path).and_then(|file| file.sync_all());
    synced.map_err(|error| TableError::write(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_synced_is_named_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let syncer = Syncer::start();
        let paths: BTreeSet<PathBuf> = (0..20).map(|number| folder.path().join(number.to_string())).collect();
        for path in &paths {
            std::fs::write(path, "x").expect("written");
            syncer.later(path).expect("taken");
        }
        assert_eq!(syncer.finish().expect("all are there"), paths);
        let syncer = Syncer::start();
        syncer.later(&folder.path().join("gone")).expect("taken");
        let error = syncer.finish().expect_err("one is not there");
        assert!(error.to_string().contains("gone"), "{error}");
    }
}
