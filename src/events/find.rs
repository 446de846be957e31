//! Which files the input is: folders searched, globs expanded, hive folders read.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::error::InputError;

/// A file of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is, as found from the path given.
    pub path: PathBuf,
    /// The `key=value` folders on the way to it; `None` for `__HIVE_DEFAULT_PARTITION__`.
    pub hive: Vec<(String, Option<String>)>,
}

/// Finds all files that the paths of `input.path` mean, each once, in ascending order.
///
/// # Errors
/// A path that does not exist, a glob that matches nothing or cannot be read, a folder without a Parquet
/// file, a Delta or Iceberg table, an object store.
pub fn find_files(paths: &[String]) -> Result<Vec<InputFile>, InputError> {
    let mut found = BTreeSet::new();
    for path in paths {
        let before = found.len();
        let given = Path::new(path);
        if given.is_dir() {
            search_folder(given, &mut found)?;
            if found.len() == before && !any_inside(given, &found) {
                return Err(InputError::NoParquet { path: given.to_path_buf() });
            }
        } else if given.exists() {
            found.insert(given.to_path_buf());
        } else if path.contains("://") {
            let plain = path.strip_prefix("file://");
            return Err(match plain {
                Some(plain) => InputError::FileUrl { path: path.clone(), plain: plain.to_string() },
                None => InputError::ObjectStore { path: path.clone() },
            });
        } else if path.contains(['*', '?', '[']) {
            expand_glob(path, &mut found)?;
        } else {
            return Err(InputError::NoSuchPath { path: given.to_path_buf(), nearest: nearest_sibling(given) });
        }
    }
    for folder in found.iter().filter_map(|file| file.parent()).collect::<BTreeSet<_>>() {
        refuse_table_formats_above(folder)?;
    }
    let mut seen = BTreeSet::new();
    // Two spellings of one path (`a/b` and `a/./b`, or a link) are one file: reading it twice would
    // double its events.
    let once = found.into_iter().filter(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
    Ok(once.map(|path| InputFile { hive: hive_columns(&path), path }).collect())
}

fn any_inside(folder: &Path, found: &BTreeSet<PathBuf>) -> bool {
    found.iter().any(|file| file.starts_with(folder))
}

fn search_folder(folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<(), InputError> {
    refuse_table_formats(folder)?;
    let failed = |source| InputError::Open { path: folder.to_path_buf(), source };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.starts_with(['_', '.']) {
            continue;
        }
        if path.is_dir() {
            search_folder(&path, found)?;
        } else if name.to_lowercase().ends_with(".parquet") {
            found.insert(path);
        }
    }
    Ok(())
}

fn expand_glob(pattern: &str, found: &mut BTreeSet<PathBuf>) -> Result<(), InputError> {
    let bad = |reason: String| InputError::BadGlob { pattern: pattern.to_string(), reason };
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..glob::MatchOptions::new() };
    let matches = glob::glob_with(pattern, options).map_err(|error| bad(error.to_string()))?;
    let mut any = false;
    for path in matches {
        let path = path.map_err(|error| bad(error.to_string()))?;
        if is_hidden(&path, pattern) {
            continue;
        }
        any = true;
        if path.is_dir() {
            search_folder(&path, found)?;
        } else {
            found.insert(path);
        }
    }
    if any {
        Ok(())
    } else {
        let folders = if pattern.ends_with("**") { "; ** stands for folders: end it with **/*.parquet" } else { "" };
        Err(bad(format!("it matches no file{folders}")))
    }
}

/// Whether a wildcard found a name that begins with `_` or `.`: what others have not committed yet. Names
/// that the pattern spells out are meant.
fn is_hidden(path: &Path, pattern: &str) -> bool {
    let spelled: Vec<&str> = pattern.split('/').collect();
    let mut names = path.iter().filter_map(|name| name.to_str());
    names.any(|name| name.starts_with(['_', '.']) && !matches!(name, "." | "..") && !spelled.contains(&name))
}

/// A file of a Delta or Iceberg table read by itself may be one that the table has deleted.
fn refuse_table_formats_above(folder: &Path) -> Result<(), InputError> {
    let mut folder = Some(folder);
    while let Some(path) = folder {
        refuse_table_formats(path)?;
        // Iceberg keeps its files in `data`, beside `metadata`.
        let inner = |name: &str| name.contains('=') || name == "data";
        let goes_on = path.file_name().is_some_and(|name| inner(&name.to_string_lossy()));
        folder = path.parent().filter(|_| goes_on);
    }
    Ok(())
}

fn refuse_table_formats(folder: &Path) -> Result<(), InputError> {
    let refuse = |format| Err(InputError::TableFormat { path: folder.to_path_buf(), format });
    if folder.join("_delta_log").is_dir() {
        return refuse("Delta Lake");
    }
    let is_iceberg = |name: &str| name.ends_with(".metadata.json") || name == "version-hint.text";
    let entries = std::fs::read_dir(folder.join("metadata")).into_iter().flatten().flatten();
    if entries.into_iter().any(|entry| is_iceberg(&entry.file_name().to_string_lossy())) {
        return refuse("Iceberg");
    }
    Ok(())
}

fn hive_columns(path: &Path) -> Vec<(String, Option<String>)> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let parts = folders.filter_map(|part| part.as_os_str().to_str()?.split_once('='));
    let mut columns: Vec<(String, Option<String>)> = Vec::new();
    for (key, value) in parts.filter(|(key, _)| !key.is_empty()) {
        let value = (value != "__HIVE_DEFAULT_PARTITION__").then(|| percent_decoded(value));
        let key = percent_decoded(key);
        columns.retain(|(known, _)| *known != key);
        columns.push((key, value));
    }
    columns
}

/// Writers of hive folders escape what a file system may not take as `%` and two hexadecimal digits.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        let escaped = escaped.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn nearest_sibling(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name()?.to_string_lossy().into_owned();
    let siblings: Vec<String> = std::fs::read_dir(parent)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let near = crate::nearest::nearest(&name, siblings.iter().map(String::as_str))?;
    Some(path.with_file_name(near))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hive_folders_are_columns_with_escapes_and_nulls() {
        let columns =
            hive_columns(Path::new("in/country=FR/city=Saint%2FDenis/x=__HIVE_DEFAULT_PARTITION__/a.parquet"));
        let expected = [("country", Some("FR")), ("city", Some("Saint/Denis")), ("x", None)];
        let expected = expected.map(|(key, value)| (key.to_string(), value.map(str::to_string)));
        assert_eq!(columns, expected);
    }

    #[test]
    fn a_folder_is_searched_without_hidden_names_and_each_file_is_found_once() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.parquet", "a/c.PARQUET", "_staging/d.parquet", ".hidden.parquet", "notes.txt"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().expect("has one")).expect("made");
            std::fs::write(path, "x").expect("written");
        }
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let paths =
            [text(folder.path()), text(&folder.path().join("*.parquet")), text(&folder.path().join("./b.parquet"))];
        let found = find_files(&paths).expect("files");
        let names: Vec<String> =
            found.iter().map(|file| text(file.path.file_name().expect("named").as_ref())).collect();
        assert_eq!(names, ["c.PARQUET", "b.parquet"]);
    }
}
