//! The folder of an import, and what it remembers of the files that are in it.
//!
//! ```text
//! events/event_date=2026-01-02/NAME.parquet     the rows of a file that are of a day
//! events/_dwell_import/state.json               which files are done, the columns, and what is being put in place
//! events/_dwell_import/bad/NAME.jsonl           the lines of a file that are no events
//! events/_dwell_import/staging/                 files that are not in place yet, at the path that they will have
//! ```
//!
//! Files are staged whole. Then the state says which of them are to be put in place and which files are to go: that is the
//! decision, and whoever comes next carries it out to its end, as often as it takes. What is staged without a decision is
//! thrown away.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::columns::Column;
use super::error::ImportError;
use super::find::{stem, LinesFile, Version};
use super::shape::DAY_COLUMN;
use crate::error::Error;
use crate::sessionize::time::written::date_text;
use crate::tables::error::TableError;
use crate::tables::folder::lock::FolderLock;
use crate::tables::write::files::{create_folder_of, replace_file, sync_folder};

const OWN: &str = "_dwell_import";
const FORMAT: u32 = 1;

/// What a folder was imported with: what holds for all of its files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// The tool.
    pub source: Option<String>,
    /// The time column.
    pub time: String,
    /// What numbers count there.
    pub time_unit: Option<String>,
    /// Further keys whose own keys are columns.
    pub expand: Vec<String>,
    /// The columns that were asked for.
    pub columns: Option<String>,
}

/// What is remembered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct State {
    format: u32,
    /// What the files were imported with; `None` where there is none yet.
    pub made: Option<Made>,
    /// The columns of all files; older ones may lack the last of them.
    pub columns: Vec<Column>,
    /// Whether files are being brought to these columns.
    pub widening: bool,
    /// The files that are done, by where they really are.
    pub files: BTreeMap<String, Done>,
    /// What is being put in place.
    pending: Option<Pending>,
}

/// A file that is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What it was.
    #[serde(flatten)]
    pub version: Version,
    /// What its Parquet files are called.
    pub name: String,
    /// Its rows by day.
    pub days: BTreeMap<String, u64>,
    /// How many lines were no events.
    pub bad: u64,
}

/// Files that are decided on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Pending {
    put: BTreeSet<String>,
    remove: BTreeSet<String>,
    files: BTreeMap<String, Done>,
}

impl Done {
    /// All that it has in the folder, by path in it.
    pub fn parquet(&self) -> impl Iterator<Item = String> + '_ {
        self.days.keys().map(|day| place_of_day(day, &self.name))
    }

    fn all(&self) -> BTreeSet<String> {
        let bad = (self.bad > 0).then(|| place_of_bad(&self.name));
        self.parquet().chain(bad).collect()
    }
}

/// Where the rows of a day are, in the folder.
pub fn place_of_day(day: &str, name: &str) -> String {
    format!("{DAY_COLUMN}={day}/{name}.parquet")
}

/// Where the lines are that are no events, in the folder.
pub fn place_of_bad(name: &str) -> String {
    format!("{OWN}/bad/{name}.jsonl")
}

/// A day as text, counted from 1970-01-01.
pub fn day_text(day: i64) -> String {
    date_text(day)
}

/// What the files of an input are called: its name, as far as it is plain, and what tells it from others of that name.
pub fn name_of(file: &LinesFile) -> String {
    let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let plain = |letter: char| {
        let is_plain = letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        if is_plain {
            letter
        } else {
            '_'
        }
    };
    // A name that begins with a dot or an underscore would be passed over as hidden.
    let plain: String = stem(&name).trim_start_matches(['.', '_']).chars().take(100).map(plain).collect();
    let hash = Sha256::digest(file.canonical.as_os_str().as_encoded_bytes());
    let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{hash}", plain.trim_start_matches('_'))
}

/// What a file is remembered by.
pub fn key_of(file: &LinesFile) -> String {
    file.canonical.to_string_lossy().into_owned()
}

/// The folder of an import.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// What it remembers.
    pub state: State,
    _lock: Option<FolderLock>,
}

impl Folder {
    /// Looks at a folder without changing anything.
    ///
    /// # Errors
    /// It is a file, or holds something else; what it remembers cannot be read.
    pub fn look(path: &Path) -> Result<Self, Error> {
        let mut folder = Folder { path: path.to_path_buf(), state: State::default(), _lock: None };
        if !path.exists() {
            return Ok(folder);
        }
        if !path.is_dir() {
            return Err(TableError::NotAFolder { path: path.to_path_buf() }.into());
        }
        if let Some(state) = read_state(&folder.own("state.json"))? {
            folder.state = state;
            return Ok(folder);
        }
        let entries = fs::read_dir(path).map_err(|error| TableError::write(path, &error))?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        // Nothing but its own folder is what a first import that was killed leaves.
        match names.filter(|name| name != OWN).min() {
            Some(example) => Err(ImportError::NotOurs { path: path.to_path_buf(), example }.into()),
            None => Ok(folder),
        }
    }

    /// Takes a folder for this import, makes it where there is none, and brings what a killed import left into order.
    ///
    /// # Errors
    /// As [`Folder::look`]; another import holds it; it cannot be written.
    pub fn lock(path: &Path) -> Result<Self, Error> {
        Folder::look(path)?;
        let own = path.join(OWN);
        fs::create_dir_all(&own).map_err(|error| TableError::write(&own, &error))?;
        let lock = FolderLock::take(&own.join("lock"), path)?;
        // Whoever held it may have changed it meanwhile.
        let mut folder = Folder { _lock: Some(lock), ..Folder::look(path)? };
        folder.carry_out()?;
        folder.clear_staging()?;
        Ok(folder)
    }

    fn own(&self, name: &str) -> PathBuf {
        self.path.join(OWN).join(name)
    }

    /// Where a file is, by its path in the folder.
    pub fn place(&self, relative: &str) -> PathBuf {
        self.path.join(relative)
    }

    /// Where a file is staged that is to have this path in the folder.
    pub fn staged(&self, relative: &str) -> PathBuf {
        self.own("staging").join(relative)
    }

    /// Throws away what is staged.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn clear_staging(&self) -> Result<(), TableError> {
        let staging = self.own("staging");
        match fs::remove_dir_all(&staging) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(TableError::write(&staging, &error)),
            _ => Ok(()),
        }
    }

    /// Remembers what the state says.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&mut self) -> Result<(), TableError> {
        self.state.format = FORMAT;
        let text = serde_json::to_vec_pretty(&self.state).unwrap_or_default();
        replace_file(&self.own("state.json"), &text)
    }

    /// Puts the files of inputs that are staged in place, and takes those away that the same inputs had before.
    ///
    /// # Errors
    /// Something cannot be written; whoever comes next goes on.
    pub fn put(&mut self, files: BTreeMap<String, Done>) -> Result<(), TableError> {
        let put: BTreeSet<String> = files.values().flat_map(Done::all).collect();
        let before = files.keys().filter_map(|key| self.state.files.get(key)).flat_map(Done::all);
        let remove = before.filter(|path| !put.contains(path)).collect();
        self.state.pending = Some(Pending { put, remove, files });
        self.save()?;
        self.carry_out()
    }

    fn carry_out(&mut self) -> Result<(), TableError> {
        let Some(pending) = self.state.pending.take() else { return Ok(()) };
        let mut folders = BTreeSet::new();
        for relative in &pending.put {
            let (staged, place) = (self.staged(relative), self.place(relative));
            create_folder_of(&place)?;
            match fs::rename(&staged, &place) {
                // It was put there before.
                Err(error) if error.kind() == ErrorKind::NotFound && place.exists() => {}
                done => done.map_err(|error| TableError::write(&place, &error))?,
            }
            folders.extend(place.parent().map(Path::to_path_buf));
        }
        for relative in &pending.remove {
            let place = self.place(relative);
            match fs::remove_file(&place) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(TableError::write(&place, &error)),
                _ => {}
            }
            if let Some(folder) = place.parent() {
                // Only a folder that is empty goes.
                let _ = fs::remove_dir(folder);
            }
        }
        folders.iter().try_for_each(|folder| sync_folder(folder))?;
        sync_folder(&self.path)?;
        self.state.files.extend(pending.files);
        self.save()
    }
}

fn read_state(path: &Path) -> Result<Option<State>, ImportError> {
    let bad = |reason: String| ImportError::BadState { path: path.to_path_buf(), reason };
    let text = match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        read => read.map_err(|error| bad(error.to_string()))?,
    };
    let state: State = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    if state.format != FORMAT {
        return Err(bad(format!("it is of format {}, and this dwell knows {FORMAT}", state.format)));
    }
    Ok(Some(state))
}
