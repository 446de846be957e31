//! Puts what a run made of the copy into the store: staged, decided in one step, and then placed.
//!
//! ```text
//! stage   _dwell/stage/RUN/…     new files, where nobody looks
//! decide  _dwell/state.json      replaced if it is the one that was read: of two runs, one wins
//! place   each file              if what it replaces is there; tables first, what tells of them last
//! close   _dwell/state.json      nothing is pending any more
//! ```
//!
//! A run that is killed before the decision has changed nothing. One that is killed after it is completed by the next run, from
//! the stage. A run that is held up while another completes it, and goes on, finds other objects than it may replace, and
//! ends; where it may, as there is nothing any more, the next run takes what it leaves away ([`StoredFolder::look`]).

use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::copy::Known;
use super::state::{FileMark, Pending, RunMark, State, Stored, STAGE};
use super::{index::mark_of_bytes, StoredFolder};
use crate::storage::error::StorageError;
use crate::storage::location::Service;
use crate::storage::writing::{Over, Version, Written};
use crate::tables::error::TableError;

/// Objects at a file's place that are none of ours, one after the other, at most.
const MOST_STRANGERS: u32 = 5;

/// The bytes that a file is placed with.
#[derive(Clone, Copy)]
enum From {
    Copy,
    Stage,
}

impl StoredFolder {
    /// Completes what a run has decided that was killed, and has the copy be what the folder is.
    ///
    /// # Errors
    /// As [`StoredFolder::bring`], and what cannot be written.
    pub fn bring_to_write(&self) -> Result<Known, TableError> {
        let known = self.known()?;
        if let (State { pending: Some(pending), .. }, Some(version)) = (&known.state, &known.version) {
            tracing::warn!(
                "a run before this one ({}) did not put all its files in place: that is completed now",
                known.state.by.in_words()
            );
            self.carry_out(&known.state, version, pending, From::Stage)?;
        }
        self.bring_beside(|known| self.look(known))
    }

    /// Has the folder be what the copy is.
    ///
    /// # Errors
    /// Another run has changed it since it was `known`; something cannot be written.
    pub fn publish(&self, known: Known) -> Result<(), TableError> {
        let here = self.marks()?;
        let Known { state: State { run, files, .. }, version: before, strays } = known;
        let is_new = |(file, mark): &&(String, FileMark)| files.get(file).is_none_or(|stored| stored.file != *mark);
        let put: Vec<&(String, FileMark)> = here.iter().filter(is_new).collect();
        let is_here = |file: &String| here.binary_search_by(|(name, _)| name.cmp(file)).is_ok();
        let remove: Vec<String> = files.keys().chain(&strays).filter(|file| !is_here(file)).cloned().collect();
        if put.is_empty() && remove.is_empty() {
            return Ok(());
        }
        let by = RunMark::new(run + 1);
        let put = put.into_iter().cloned().collect();
        let pending = Pending { stage: format!("{STAGE}/{}", by.id), put, remove };
        let decided = State { run: run + 1, by, files, pending: Some(pending.clone()), ..State::empty() };
        let staged = || {
            if before.is_none() {
                self.refuse_careless(&pending)?;
            }
            self.stage(&pending)
        };
        staged().inspect_err(|_| self.clear_stage(&pending.stage))?;
        let unknown = |error: TableError| TableError::Unknown { url: self.url.clone(), reason: reason_of(&error) };
        let version = match self.replace_state(&decided, before.as_ref()).map_err(unknown)? {
            Written::There(version) => version,
            Written::Lost => {
                self.clear_stage(&pending.stage);
                return Err(self.overtaken()?);
            }
        };
        let carried_out = self.carry_out(&decided, &version, &pending, From::Copy);
        carried_out.map_err(|error| TableError::Undone { url: self.url.clone(), reason: reason_of(&error) })?;
        self.clear_old_stages(run + 1);
        Ok(())
    }

    /// Puts files where nobody looks for them.
    fn stage(&self, pending: &Pending) -> Result<(), TableError> {
        let most = most_bytes(self.client.service());
        if let Some((file, mark)) = pending.put.iter().find(|(_, mark)| mark.bytes > most) {
            let path = PathBuf::from(self.url_of(file));
            return Err(TableError::LargeObject { path, bytes: mark.bytes, most });
        }
        let files: Vec<&String> = pending.put.keys().collect();
        let put = |file: &&String| {
            let bytes = self.bytes_of(file)?;
            let put = self.client.put(&self.key(&pending.staged(file)), &bytes, Over::Anything);
            match put.map_err(TableError::Storage)? {
                Written::There(_) => Ok(()),
                Written::Lost => Err(TableError::Changing { path: PathBuf::from(self.url_of(&pending.staged(file))) }),
            }
        };
        self.each(&files, |file| pending.put[*file].bytes, put).map(drop)
    }

    /// Refuses a store that writes whatever the condition, as some do that speak S3: two runs could mix their tables.
    fn refuse_careless(&self, pending: &Pending) -> Result<(), TableError> {
        let key = self.key(&pending.staged("_probe"));
        let put = |text: &'static str, over: Over<'_>| {
            self.client.put(&key, &Bytes::from_static(text.as_bytes()), over).map_err(TableError::Storage)
        };
        put("1", Over::Anything)?;
        let over_nothing = put("2", Over::Nothing)?;
        let never = Version { etag: Some("\"0123456789abcdef\"".to_string()), generation: Some("1".to_string()) };
        let over_another = put("3", Over::Version(&never))?;
        if over_nothing != Written::Lost || over_another != Written::Lost {
            let url = self.url.clone();
            return Err(TableError::Storage(StorageError::NoConditions { url }));
        }
        Ok(())
    }

    fn replace_state(&self, state: &State, before: Option<&Version>) -> Result<Written, TableError> {
        let over = before.map_or(Over::Nothing, Over::Version);
        self.client.put(&self.state_key(), &Bytes::from(state.text()), over).map_err(TableError::Storage)
    }

    /// Who was quicker.
    fn overtaken(&self) -> Result<TableError, TableError> {
        let winner = self.known()?.state.by.in_words();
        Ok(TableError::Overtaken { url: self.url.clone(), winner })
    }

    /// Does what is decided, and says that it is done.
    fn carry_out(&self, state: &State, version: &Version, pending: &Pending, from: From) -> Result<(), TableError> {
        let mut files = state.files.clone();
        for group in in_order(pending) {
            let place = |(file, mark): &(&String, &FileMark)| self.place(state, pending, file, mark, from);
            let stored: Option<Vec<(String, Stored)>> =
                self.each(&group, |(_, mark)| mark.bytes, place)?.into_iter().collect();
            // Another run has gone on.
            let Some(stored) = stored else { return Ok(()) };
            files.extend(stored);
        }
        for removed in self.each(&pending.remove, |_| 0, |file| self.remove(state, file))? {
            if !removed {
                return Ok(());
            }
        }
        files.retain(|file, _| !pending.remove.contains(file));
        let done = State { files, pending: None, ..state.clone() };
        // Where that is lost, another run has done the same.
        self.replace_state(&done, Some(version))?;
        self.clear_stage(&pending.stage);
        Ok(())
    }

    /// Puts a file in its place; `None` where another run has gone on from this state.
    fn place(
        &self,
        state: &State,
        pending: &Pending,
        file: &str,
        mark: &FileMark,
        from: From,
    ) -> Result<Option<(String, Stored)>, TableError> {
        let is_undecided = || Ok::<bool, TableError>(self.known()?.state == *state);
        let bytes = match from {
            From::Copy => self.bytes_of(file)?,
            From::Stage => {
                match self.client.read(&self.key(&pending.staged(file)), mark.bytes).map_err(TableError::Storage)? {
                    Some((bytes, _)) if mark_of_bytes(&bytes) == *mark => bytes,
                    _ if !is_undecided()? => return Ok(None),
                    _ => return Err(self.stage_is_gone(file)),
                }
            }
        };
        let key = self.key(file);
        let stored = |version| Some((file.to_string(), Stored { version, file: mark.clone() }));
        let mut before = state.files.get(file).map(|stored| stored.version.clone());
        for _ in 0..MOST_STRANGERS {
            let over = before.as_ref().map_or(Over::Nothing, Over::Version);
            match self.client.put(&key, &bytes, over).map_err(TableError::Storage)? {
                Written::There(version) => return Ok(stored(version)),
                // Somebody has changed or removed it, or this is decided no more.
                Written::Lost if is_undecided()? => {
                    before =
                        self.client.read(&key, mark.bytes).map_err(TableError::Storage)?.map(|(_, version)| version);
                }
                Written::Lost => return Ok(None),
            }
        }
        Err(TableError::Changing { path: PathBuf::from(self.url_of(file)) })
    }

    /// Removes a file; false where another run has gone on from this state.
    fn remove(&self, state: &State, file: &str) -> Result<bool, TableError> {
        let key = self.key(file);
        let there = self.client.head(&key).map_err(TableError::Storage)?;
        let before = state.files.get(file).map(|stored| &stored.version);
        let is_as_it_was =
            |there: &crate::storage::client::Listed| before.is_none_or(|before| before.etag == there.etag);
        match there {
            None => return Ok(true),
            Some(there) if is_as_it_was(&there) => {}
            Some(_) if self.known()?.state == *state => {}
            Some(_) => return Ok(false),
        }
        self.client.remove(&key).map_err(TableError::Storage)?;
        Ok(true)
    }

    fn stage_is_gone(&self, file: &str) -> TableError {
        let reason = format!("the staged file of {file:?}, which it has decided to put, is gone");
        TableError::BadRecord { path: PathBuf::from(self.url_of(super::state::STATE)), reason }
    }

    /// Removes what was staged. Should that fail, the next run does it.
    fn clear_stage(&self, stage: &str) {
        self.clear_below(&self.key(stage));
    }

    fn clear_below(&self, prefix: &str) {
        if let Ok(listed) = self.client.list(prefix) {
            let _ = self.each(&listed, |_| 0, |object| self.client.remove(&object.key).map_err(TableError::Storage));
        }
    }

    /// Removes what runs staged for states that are no more.
    fn clear_old_stages(&self, run: u64) {
        let Ok(level) = self.client.level(&self.key(STAGE)) else { return };
        let is_old = |folder: &&String| {
            let name = Path::new(folder).file_name().and_then(|name| name.to_str());
            name.and_then(RunMark::run_of).is_some_and(|staged| staged <= run)
        };
        level.folders.iter().filter(is_old).for_each(|folder| self.clear_below(folder));
    }
}

/// Why something failed, where it is not known to have changed nothing.
fn reason_of(error: &TableError) -> String {
    match error {
        TableError::Storage(StorageError::Interrupted) => "a signal came".to_string(),
        error => error.to_string(),
    }
}

/// The files to put: those of tables, then what is made of them, then dwell's own.
fn in_order(pending: &Pending) -> [Vec<(&String, &FileMark)>; 3] {
    let mut groups = [const { Vec::new() }; 3];
    for (file, mark) in &pending.put {
        let group = match (file.starts_with("_dwell/"), file.contains('/')) {
            (true, _) => 2,
            (_, true) => 0,
            (_, false) => 1,
        };
        groups[group].push((file, mark));
    }
    groups
}

/// The largest object that a store takes in one request, as its documentation says.
fn most_bytes(service: Service) -> u64 {
    match service {
        Service::S3 => 5 << 30,
        Service::Azure => 5_000 << 20,
        Service::Gcs => 5 << 40,
        Service::Http => u64::MAX,
    }
}
