//! The copy of a folder of tables: brought to what the folder's state says, before a run or whoever reads.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rayon::prelude::*;

use super::index::{mark_of_bytes, Index};
use super::state::{FileMark, State, STATE};
use super::StoredFolder;
use crate::storage::client::is_same_etag;
use crate::storage::error::StorageError;
use crate::storage::location::{Location, Service};
use crate::storage::options::StorageOptions;
use crate::storage::store::Stores;
use crate::storage::writing::Version;
use crate::tables::error::TableError;
use crate::tables::folder::lock::FolderLock;
use crate::tables::write::files::files_below;

const OWN: &str = "_dwell";
/// Files of a folder's own that are of this machine alone.
const LOCAL: [&str; 10] = [
    COPY_OF,
    "lock",
    "copy.lock",
    "copy.json",
    "state.json",
    "journal.json",
    "journal.json.new",
    "staging",
    "before",
    "scratch",
];
/// Says which folder a copy is of.
const COPY_OF: &str = "copy_of";
/// How long the copy is waited for that another process has.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often runs may change the folder while it is read.
const MOST_CHANGES: u32 = 5;
/// Files that are read or written at once, at most, and their bytes: each is in memory.
const AT_ONCE: usize = 8;
const BYTES_AT_ONCE: u64 = 256 << 20;

/// What is known of a folder: its state, and which object that is; none for a folder without tables.
#[derive(Clone, Debug)]
pub struct Known {
    /// The state.
    pub state: State,
    /// The object.
    pub version: Option<Version>,
    /// Table files that are there, and of no run: one that was held up has left them.
    pub strays: Vec<String>,
}

impl StoredFolder {
    /// The folder at a URL, with its copy in a folder on the disk.
    ///
    /// # Errors
    /// A web server; what the job and the environment say does not suffice to reach it.
    pub fn new(url: &str, copy: &Path, options: &StorageOptions) -> Result<Self, TableError> {
        let location = Location::parse(url).map_err(TableError::Storage)?;
        if location.service == Service::Http {
            let reason = "a web server is only read from; name a folder, or a bucket".to_string();
            return Err(TableError::Storage(StorageError::Settings { url: location.root, reason }));
        }
        let client = Stores::new(options).of(&location).map_err(TableError::Storage)?;
        let prefix = location.key.trim_end_matches('/').to_string();
        let url = location.url_of(&prefix);
        Ok(StoredFolder { client, prefix, url, copy: copy.to_path_buf() })
    }

    /// Takes the copy for this process; another process that has it is waited for, for a minute.
    ///
    /// # Errors
    /// Another process keeps it; the folder is something else than a copy of these tables; it cannot be written.
    pub fn lock(&self) -> Result<FolderLock, TableError> {
        const PAUSE: Duration = Duration::from_millis(100);
        self.refuse_no_copy()?;
        let own = self.copy.join(OWN);
        fs::create_dir_all(&own).map_err(|error| TableError::write(&own, &error))?;
        let begun = Instant::now();
        let lock = loop {
            match FolderLock::take(&own.join("copy.lock"), Path::new(&self.url)) {
                Err(TableError::Locked { .. }) if begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
                Err(TableError::Locked { holder, .. }) => {
                    return Err(TableError::CopyInUse { copy: self.copy.clone(), url: self.url.clone(), holder })
                }
                taken => break taken?,
            }
            crate::cancel::check().map_err(|_| TableError::Storage(StorageError::Interrupted))?;
        };
        let mark = own.join(COPY_OF);
        fs::write(&mark, &self.url).map_err(|error| TableError::write(&mark, &error))?;
        Ok(lock)
    }

    /// Refuses a folder that is not empty and no copy of these tables: what is in it would be removed.
    fn refuse_no_copy(&self) -> Result<(), TableError> {
        let names = |folder: &Path| -> Vec<String> {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
        };
        let own = self.copy.join(OWN);
        let is_of_these = fs::read_to_string(own.join(COPY_OF)).is_ok_and(|of| of == self.url);
        let others = names(&self.copy).into_iter().filter(|name| name != OWN);
        let others = others.chain(names(&own).into_iter().filter(|name| name != "copy.lock")).min();
        match others.filter(|_| !is_of_these) {
            Some(example) => Err(TableError::NoCopy { copy: self.copy.clone(), url: self.url.clone(), example }),
            None => Ok(()),
        }
    }

    /// Has the copy be what the folder is, once all that was decided is done.
    ///
    /// # Errors
    /// It cannot be read; it changes again and again.
    pub fn bring(&self) -> Result<Known, TableError> {
        self.bring_beside(|_| Ok(()))
    }

    /// The same, where what is known of the folder is looked at first.
    pub(super) fn bring_beside(
        &self,
        look: impl Fn(&mut Known) -> Result<(), TableError>,
    ) -> Result<Known, TableError> {
        for _ in 0..MOST_CHANGES {
            let mut known = self.known()?;
            look(&mut known)?;
            let fetched = self.fetch(&known.state)?;
            if fetched == 0 || self.known()?.version == known.version {
                return Ok(known);
            }
        }
        Err(TableError::Changing { path: PathBuf::from(&self.url) })
    }

    /// The state of the folder.
    ///
    /// # Errors
    /// It cannot be read; a prefix that has something else than tables.
    pub(super) fn known(&self) -> Result<Known, TableError> {
        let bad = |reason: String| TableError::BadRecord { path: PathBuf::from(self.url_of(STATE)), reason };
        match self.client.read(&self.state_key(), 0).map_err(TableError::Storage)? {
            Some((bytes, version)) => {
                Ok(Known { state: State::parse(&bytes).map_err(bad)?, version: Some(version), strays: Vec::new() })
            }
            None => {
                self.refuse_others()?;
                Ok(Known { state: State::empty(), version: None, strays: Vec::new() })
            }
        }
    }

    /// Refuses a prefix with objects that are nobody's tables.
    fn refuse_others(&self) -> Result<(), TableError> {
        let level = self.client.level(&self.prefix).map_err(TableError::Storage)?;
        let names = level.folders.iter().chain(level.objects.iter().map(|object| &object.key));
        let names = names.filter_map(|key| key.strip_prefix(&self.prefix)).map(|name| name.trim_matches('/'));
        match names.filter(|name| !name.is_empty() && *name != OWN).min() {
            Some(example) => Err(TableError::NotOurs { path: PathBuf::from(&self.url), example: example.to_string() }),
            None => Ok(()),
        }
    }

    /// Looks at what is there beside what the state says: a table that somebody removed is made again, one that somebody
    /// replaced is taken as it is, and what a run left that was held up is to go.
    pub(super) fn look(&self, known: &mut Known) -> Result<(), TableError> {
        let listed = self.client.list(&self.prefix).map_err(TableError::Storage)?;
        let below = |key: &str| Some(key.strip_prefix(&self.prefix)?.trim_start_matches('/').to_string());
        let there: BTreeMap<String, Option<String>> =
            listed.into_iter().filter_map(|object| Some((below(&object.key)?, object.etag))).collect();
        let files = &mut known.state.files;
        let is_ours = |file: &str| {
            ["sessions/", "activity/", "segments/"].iter().any(|table| file.starts_with(table))
                && file.ends_with(".parquet")
        };
        known.strays = there.keys().filter(|file| is_ours(file) && !files.contains_key(*file)).cloned().collect();
        files.retain(|file, stored| match there.get(file) {
            None if !file.starts_with(OWN) => {
                tracing::warn!("{:?} is gone, which the run before had written", self.url_of(file));
                false
            }
            Some(Some(etag)) if stored.version.etag.as_ref().is_some_and(|known| !is_same_etag(known, etag)) => {
                // Whatever is in it, it is not what is known.
                stored.file = FileMark::default();
                true
            }
            _ => true,
        });
        Ok(())
    }

    /// Has the copy's files be those of a state, and returns how many had to be fetched.
    fn fetch(&self, state: &State) -> Result<usize, TableError> {
        let wanted = state.files_to_be();
        self.clear()?;
        for file in self.local_files()?.iter().filter(|file| !wanted.contains_key(file.as_str())) {
            let path = self.copy.join(file);
            fs::remove_file(&path).map_err(|error| TableError::write(&path, &error))?;
            // Only empty folders go.
            let folders = path.ancestors().skip(1).take_while(|folder| *folder != self.copy);
            let _ = folders.take_while(|folder| fs::remove_dir(folder).is_ok()).count();
        }
        let mut index = Index::read(&self.copy);
        let mut missing = Vec::new();
        for (file, (key, mark)) in &wanted {
            let here = index.mark(file).map_err(|error| TableError::write(&self.copy.join(file), &error))?;
            if here.as_ref() != Some(*mark) {
                missing.push((*file, key.as_str(), *mark));
            }
        }
        self.each(&missing, |(.., mark)| mark.bytes, |(file, key, mark)| self.fetch_file(state, file, key, mark))?;
        for (file, ..) in &missing {
            index.mark(file).map_err(|error| TableError::write(&self.copy.join(file), &error))?;
        }
        index.keep(wanted.keys().copied());
        Ok(missing.len())
    }

    /// Fetches a file. One that somebody else has changed or removed is taken as it is, as in a local folder.
    fn fetch_file(&self, state: &State, file: &str, key: &str, mark: &FileMark) -> Result<(), TableError> {
        let read = |key: &str| self.client.read(&self.key(key), mark.bytes).map_err(TableError::Storage);
        let found = match read(key)? {
            // What was staged may be in its place by now.
            None if key != file => read(file)?.filter(|(bytes, _)| mark_of_bytes(bytes) == *mark),
            found => found,
        };
        let path = self.copy.join(file);
        let Some((bytes, _)) = found else {
            if key != file && self.known()?.state == *state {
                let reason = "a file that it has decided to put is gone".to_string();
                return Err(TableError::BadRecord { path: PathBuf::from(self.url_of(STATE)), reason });
            }
            tracing::warn!("{:?} is gone, which the run before had written", self.url_of(file));
            return remove_if_there(&path);
        };
        let folder = path.parent().unwrap_or(&self.copy);
        fs::create_dir_all(folder).map_err(|error| TableError::write(folder, &error))?;
        fs::write(&path, &bytes).map_err(|error| TableError::write(&path, &error))
    }

    /// Removes what a run left in the copy that was killed: the folder in the store decides.
    fn clear(&self) -> Result<(), TableError> {
        let own = self.copy.join(OWN);
        for file in ["journal.json", "journal.json.new"] {
            remove_if_there(&own.join(file))?;
        }
        for folder in ["staging", "before", "scratch"] {
            let path = own.join(folder);
            if path.exists() {
                fs::remove_dir_all(&path).map_err(|error| TableError::write(&path, &error))?;
            }
        }
        Ok(())
    }

    /// The files of the copy that are of the folder, too.
    pub(super) fn local_files(&self) -> Result<BTreeSet<String>, TableError> {
        let files = files_below(&self.copy, Path::new(""))?;
        let is_local = |file: &Path| {
            file.strip_prefix(OWN)
                .ok()
                .and_then(|file| file.components().next())
                .is_some_and(|first| LOCAL.iter().any(|name| first.as_os_str() == *name))
        };
        Ok(files.iter().filter(|file| !is_local(file)).filter_map(|file| file.to_str()).map(str::to_string).collect())
    }

    /// The bytes of a file of the copy.
    pub(super) fn bytes_of(&self, file: &str) -> Result<Bytes, TableError> {
        let path = self.copy.join(file);
        fs::read(&path).map(Bytes::from).map_err(|error| TableError::write(&path, &error))
    }

    /// What is in each file of the copy.
    pub(super) fn marks(&self) -> Result<Vec<(String, FileMark)>, TableError> {
        let files = self.local_files()?;
        let mut index = Index::read(&self.copy);
        let mut marks = Vec::with_capacity(files.len());
        for file in &files {
            let mark = index.mark(file).map_err(|error| TableError::write(&self.copy.join(file), &error))?;
            marks.extend(mark.map(|mark| (file.clone(), mark)));
        }
        index.keep(files.iter().map(String::as_str));
        Ok(marks)
    }

    /// Works on some things, each of so many bytes in memory, several at once.
    pub(super) fn each<T: Sync, R: Send>(
        &self,
        things: &[T],
        bytes: impl Fn(&T) -> u64,
        work: impl Fn(&T) -> Result<R, TableError> + Send + Sync,
    ) -> Result<Vec<R>, TableError> {
        if things.is_empty() {
            return Ok(Vec::new());
        }
        let mut batches = Vec::new();
        let (mut first, mut held) = (0, 0);
        for (place, thing) in things.iter().enumerate() {
            let bytes = bytes(thing);
            if place > first && held + bytes > BYTES_AT_ONCE {
                batches.push(first..place);
                (first, held) = (place, 0);
            }
            held += bytes;
        }
        batches.push(first..things.len());
        let threads = self.client.concurrency().min(AT_ONCE).min(things.len());
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| TableError::write(&self.copy, &std::io::Error::other(error)))?;
        let mut done = Vec::with_capacity(things.len());
        for batch in batches {
            let of_batch: Result<Vec<R>, TableError> =
                pool.install(|| things[batch].par_iter().with_max_len(1).map(&work).collect());
            done.extend(of_batch?);
        }
        Ok(done)
    }
}

fn remove_if_there(path: &Path) -> Result<(), TableError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(TableError::write(path, &error)),
        _ => Ok(()),
    }
}
