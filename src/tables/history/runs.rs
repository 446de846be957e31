//! `_dwell/runs/`: the `run.json` of the last runs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::tables::error::TableError;
use crate::tables::folder::LockedFolder;

/// How many runs are kept.
pub const KEPT: usize = 30;

/// The folder's name among dwell's own.
pub const RUNS: &str = "runs";

/// Where the record of a run that started at a time goes, and which records have to go for it.
///
/// # Errors
/// The folder cannot be searched.
pub fn place(folder: &LockedFolder, started: jiff::Timestamp) -> Result<(PathBuf, Vec<PathBuf>), TableError> {
    let own = LockedFolder::own_file(RUNS);
    let known = folder.files_of(&own)?;
    let stamp = started.strftime("%Y-%m-%dT%H-%M-%S%.6fZ").to_string();
    // Two runs of one microsecond are possible where a clock is set back.
    let names = (0..).map(|number| own.join(format!("{stamp}{}.json", "+".repeat(number))));
    let place = names.into_iter().find(|name| !known.contains(name)).unwrap_or_else(|| own.join("run.json"));
    let all: BTreeSet<&PathBuf> = known.iter().chain([&place]).collect();
    let gone = all.len().saturating_sub(KEPT);
    let gone = all.into_iter().take(gone).filter(|file| **file != place).cloned().collect();
    Ok((place, gone))
}

/// The texts of the last runs' records, the oldest first; those that cannot be read are passed over.
pub fn read(output: &Path) -> Vec<String> {
    let folder = output.join(LockedFolder::own_file(RUNS));
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths: BTreeSet<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect()
}
