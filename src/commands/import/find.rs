//! Which files an import reads: folders searched, globs expanded, each file once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use super::error::ImportError;
use crate::error::Error;
use crate::events::source::glob::expand;
use crate::events::source::walk::{walk, Place};
use crate::storage::location::is_url;

/// A file of JSON lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinesFile {
    /// The way to it, as it was found.
    pub path: PathBuf,
    /// Where it really is: what it is remembered by.
    pub canonical: PathBuf,
    /// What it was when it was found.
    pub version: Version,
}

/// What tells a file from another state of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its size in bytes.
    pub bytes: u64,
    /// When it was last modified: seconds since the epoch, and nanoseconds beyond.
    pub modified: (u64, u32),
}

const FROM_PIPE: &str = "what comes through a pipe cannot be remembered as done: write it to a file first";

impl Version {
    /// Of the file at a path.
    ///
    /// # Errors
    /// There is none any more.
    pub fn of(path: &Path) -> Result<Self, Error> {
        let failed = |source| ImportError::Read { path: path.to_path_buf(), line: 0, source };
        let metadata = std::fs::metadata(path).map_err(failed)?;
        if !metadata.is_file() {
            let (path, what, way_out) = (path.to_path_buf(), "a pipe or a device", FROM_PIPE);
            return Err(ImportError::OtherKind { path, what, way_out }.into());
        }
        let modified = metadata.modified().map_err(failed)?;
        let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Version { bytes: metadata.len(), modified: (since.as_secs(), since.subsec_nanos()) })
    }
}

impl LinesFile {
    /// Makes sure that it is as it was found.
    ///
    /// # Errors
    /// It has changed.
    pub fn check_unchanged(&self) -> Result<(), Error> {
        if Version::of(&self.path)? == self.version {
            return Ok(());
        }
        Err(ImportError::Changed { path: self.path.clone() }.into())
    }
}

/// Finds all files that the paths mean, each once, in ascending order.
///
/// # Errors
/// A path that does not exist or is not local, a folder or glob without such a file.
pub fn find(paths: &[String]) -> Result<Vec<LinesFile>, Error> {
    let mut found: BTreeMap<PathBuf, PathBuf> = BTreeMap::new();
    for path in paths {
        let given = Path::new(path);
        if given.is_dir() {
            add_folder(&Place::given(given), &mut found)?;
        } else if given.exists() {
            add(Place::given(given), &mut found);
        } else if path == "-" {
            return Err(ImportError::NotLocal { path: path.clone(), hint: FROM_PIPE }.into());
        } else if is_url(path) {
            let hint = "copy the export to a folder first (`aws s3 sync`, `gcloud storage rsync`, `azcopy sync`)";
            return Err(ImportError::NotLocal { path: path.clone(), hint }.into());
        } else if path.contains(['*', '?', '[']) {
            let places = expand(path)?;
            if places.is_empty() {
                return Err(ImportError::NoFiles { path: given.to_path_buf(), hint: ": it matches nothing" }.into());
            }
            for place in places {
                if place.is_folder() {
                    add_folder(&place, &mut found)?;
                } else {
                    place.refuse_broken_link()?;
                    add(place, &mut found);
                }
            }
        } else {
            return Err(ImportError::NoSuchPath { path: given.to_path_buf() }.into());
        }
    }
    let file = |(canonical, path): (PathBuf, PathBuf)| Ok(LinesFile { version: Version::of(&path)?, path, canonical });
    let mut files = found.into_iter().map(file).collect::<Result<Vec<_>, Error>>()?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn add(place: Place, found: &mut BTreeMap<PathBuf, PathBuf>) {
    found.entry(place.canonical).or_insert(place.path);
}

fn add_folder(folder: &Place, found: &mut BTreeMap<PathBuf, PathBuf>) -> Result<(), Error> {
    let files: Vec<Place> = walk(folder)?.into_iter().flat_map(|folder| folder.files).collect();
    let has_zips = files.iter().any(|file| file.name().to_lowercase().ends_with(".zip"));
    let of_lines: Vec<Place> = files.into_iter().filter(|file| is_lines(&file.name())).collect();
    if of_lines.is_empty() {
        let hint = match has_zips {
            true => ", but zip archives: unzip them first (`unzip -d FOLDER ARCHIVE.zip`)",
            false => "; names that begin with _ or . are skipped",
        };
        return Err(ImportError::NoFiles { path: folder.path.clone(), hint }.into());
    }
    for file in of_lines {
        file.refuse_broken_link()?;
        add(file, found);
    }
    Ok(())
}

/// Whether a file of this name in a folder is taken for JSON lines.
fn is_lines(name: &str) -> bool {
    stem(name).len() < without_compression(&name.to_lowercase()).len()
}

/// A name without the ends that say what is in the file.
pub fn stem(name: &str) -> &str {
    let lower = name.to_lowercase();
    let plain = without_compression(&lower);
    let ends = [".json", ".jsonl", ".ndjson"];
    let bare = ends.iter().find_map(|end| plain.strip_suffix(end)).unwrap_or(plain);
    name.get(..bare.len()).unwrap_or(name)
}

fn without_compression(lower: &str) -> &str {
    let ends = [".gz", ".gzip", ".zst", ".zstd"];
    ends.iter().find_map(|end| lower.strip_suffix(end)).unwrap_or(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_of_lines() {
        for name in ["a.json", "a.JSONL", "a.ndjson.gz", "a.json.zst", "a#1.b.json.gz"] {
            assert!(is_lines(name), "{name}");
        }
        for name in ["a", "a.gz", "json", "a.json.zip", "a.json.tmp", "a.parquet", "a.csv.gz"] {
            assert!(!is_lines(name), "{name}");
        }
        assert_eq!(stem("1_2026-01-02_3#4.json.gz"), "1_2026-01-02_3#4");
        assert_eq!(stem("notes.txt"), "notes.txt");
    }
}
