//! What a folder in a store says of itself: which files it has, and which a run has decided to put and to remove.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};

use crate::storage::writing::Version;
use crate::tables::folder::lock::host;

/// Where it stands in the folder.
pub const STATE: &str = "_dwell/state.json";
/// Where files are before a run decides to put them.
pub const STAGE: &str = "_dwell/stage";

const FORMAT: u32 = 1;

/// The state of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The number of the format of this.
    pub format: u32,
    /// How many runs have changed the folder.
    pub run: u64,
    /// The run that wrote this.
    pub by: RunMark,
    /// The files of the folder, without what is pending.
    pub files: BTreeMap<String, Stored>,
    /// What the run has decided and may not have carried out.
    pub pending: Option<Pending>,
}

/// Which run it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMark {
    /// No other run has the same.
    pub id: String,
    /// The machine.
    pub host: String,
    /// Its process there.
    pub process: u32,
    /// When it began to write.
    pub since: String,
}

/// A file as it is in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The object.
    pub version: Version,
    /// Its bytes.
    pub file: FileMark,
}

/// What is in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileMark {
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub sha256: String,
}

/// What is to be done for all files to be those of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The folder of the staged files.
    pub stage: String,
    /// The files to put.
    pub put: BTreeMap<String, FileMark>,
    /// The files to remove.
    pub remove: Vec<String>,
}

impl State {
    /// Of a folder without files.
    pub fn empty() -> Self {
        State { format: FORMAT, run: 0, by: RunMark::default(), files: BTreeMap::new(), pending: None }
    }

    /// Reads one.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let state: State = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        if state.format != FORMAT {
            return Err(format!("it is of format {}, this version of dwell knows format {FORMAT}", state.format));
        }
        let pending = state.pending.iter().flat_map(|pending| pending.put.keys().chain(&pending.remove));
        match state.files.keys().chain(pending).find(|file| !is_within(file)) {
            Some(file) => Err(format!("{file:?} is no file within the folder")),
            None => Ok(state),
        }
    }

    /// Its text.
    pub fn text(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// The files of the folder once what is pending is carried out: the key of each below the folder, and what is in it.
    pub fn files_to_be(&self) -> BTreeMap<&str, (String, &FileMark)> {
        let mut files: BTreeMap<&str, (String, &FileMark)> =
            self.files.iter().map(|(file, stored)| (file.as_str(), (file.clone(), &stored.file))).collect();
        if let Some(pending) = &self.pending {
            files.extend(pending.put.iter().map(|(file, mark)| (file.as_str(), (pending.staged(file), mark))));
            files.retain(|file, _| !pending.remove.iter().any(|removed| removed == file));
        }
        files
    }
}

impl Pending {
    /// Where a file is staged.
    pub fn staged(&self, file: &str) -> String {
        format!("{}/{file}", self.stage)
    }
}

impl RunMark {
    /// Of this process, for a folder that so many runs have changed.
    pub fn new(run: u64) -> Self {
        let now = jiff::Timestamp::now();
        let host = host();
        let in_a_key = |sign: &char| sign.is_ascii_alphanumeric() || *sign == '.';
        let host_in_a_key: String = host.chars().filter(in_a_key).collect();
        let process = std::process::id();
        RunMark {
            // The number comes first: what was staged for a state that is no more is known by it.
            id: format!("{run}-{:x}-{process:x}-{host_in_a_key}", now.as_microsecond()),
            host,
            process,
            since: now.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        }
    }

    /// The number of the run that staged files in a folder of this name are for.
    pub fn run_of(id: &str) -> Option<u64> {
        id.split('-').next()?.parse().ok()
    }

    /// Who it is, for people.
    pub fn in_words(&self) -> String {
        let on = if self.host.is_empty() { String::new() } else { format!(" on {}", self.host) };
        format!("process {}{on} since {}", self.process, self.since)
    }
}

fn is_within(file: &str) -> bool {
    let path = Path::new(file);
    !file.is_empty() && file != STATE && path.components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(sha256: &str) -> FileMark {
        FileMark { bytes: 1, sha256: sha256.to_string() }
    }

    #[test]
    fn what_is_pending_counts_as_done() {
        let stored = |sha256| Stored { version: Version::default(), file: mark(sha256) };
        let files = [("a", stored("1")), ("b", stored("2")), ("c", stored("3"))];
        let pending = Pending {
            stage: "_dwell/stage/7-x".to_string(),
            put: [("b".to_string(), mark("4")), ("d".to_string(), mark("5"))].into(),
            remove: vec!["c".to_string()],
        };
        let files = files.into_iter().map(|(file, stored)| (file.to_string(), stored)).collect();
        let state = State { files, pending: Some(pending), ..State::empty() };
        let found = state.files_to_be();
        let found: Vec<(&str, &str, &str)> =
            found.iter().map(|(file, (key, mark))| (*file, key.as_str(), mark.sha256.as_str())).collect();
        assert_eq!(found, [("a", "a", "1"), ("b", "_dwell/stage/7-x/b", "4"), ("d", "_dwell/stage/7-x/d", "5")]);
        assert_eq!(State::parse(&state.text()), Ok(state));
        assert_eq!(RunMark::run_of("7-x"), Some(7));
    }

    #[test]
    fn files_outside_of_the_folder_are_refused() {
        for file in ["../x", "/x", "a/../../x", "", "_dwell/state.json"] {
            let pending = Pending { remove: vec![file.to_string()], ..Pending::default() };
            let state = State { pending: Some(pending), ..State::empty() };
            let said = State::parse(&state.text()).expect_err("outside");
            assert!(said.contains("no file within the folder"), "{said}");
        }
        let other = String::from_utf8(State::empty().text()).expect("text").replace("\"format\": 1", "\"format\": 2");
        assert!(State::parse(other.as_bytes()).expect_err("another format").contains("format 2"));
    }
}
