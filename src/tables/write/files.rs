//! Files and folders on disk: what is there, and having the disk confirm it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::tables::error::TableError;

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

/// Writes a whole file beside its place and puts it there by one rename: who reads it sees what was there before, or all of
/// this.
///
/// # Errors
/// The file cannot be written.
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), TableError> {
    let failed = |error: std::io::Error| TableError::write(path, &error);
    let is_special = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
    if is_special {
        // A pipe or a device has no place to be renamed into.
        return fs::write(path, bytes).map_err(failed);
    }
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_synced(&beside, bytes).and_then(|()| fs::rename(&beside, path).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Makes the folder that a file is to be in, where there is none.
///
/// # Errors
/// It cannot be made.
pub fn create_folder_of(path: &Path) -> Result<(), TableError> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent).map_err(|error| TableError::write(parent, &error))
}

/// Has the disk confirm the names in a folder.
///
/// # Errors
/// It cannot.
#[cfg(unix)]
pub fn sync_folder(path: &Path) -> Result<(), TableError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(|error| TableError::write(path, &error))
}

/// Elsewhere folders are no files.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> Result<(), TableError> {
    Ok(())
}

/// All files below `root/relative`, by their path within `root`.
///
/// # Errors
/// A folder cannot be searched.
pub fn files_below(root: &Path, relative: &Path) -> Result<BTreeSet<PathBuf>, TableError> {
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

/// All folders below `root` by their path within it, itself included and the outer ones first; as far as they
/// can be searched.
pub fn folders_below(root: &Path) -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::new()];
    let mut next = 0;
    while let Some(folder) = folders.get(next).cloned() {
        next += 1;
        let entries = fs::read_dir(root.join(&folder)).into_iter().flatten().flatten();
        let inside = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        folders.extend(inside.map(|entry| folder.join(entry.file_name())));
    }
    folders
}
