//! Which files the input is: folders searched, globs expanded, each file once.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::delta::error::DeltaError;
use super::delta::root::{Root, LOG};
use super::delta::table::files_of;
use super::find_objects::ObjectFinder;
use super::folder_rules::{FolderRules, KeptFiles};
use super::glob::expand;
use super::hive::hive_columns;
use super::input_file::{is_iceberg, is_parquet, is_table_inside, InputFile};
use super::walk::{walk, Place};
use crate::events::error::InputError;
use crate::job::Input;
use crate::storage::location::is_url;
use crate::storage::options::StorageOptions;

/// Finds all files that the paths of `input.path` mean, each once, in ascending order.
///
/// # Errors
/// A path that does not exist, a glob that matches nothing or cannot be read, a folder without a Parquet
/// file, a link that leads nowhere, a Delta table that cannot be read or of which a part is named, an Iceberg table, a store
/// that cannot be listed.
pub fn find_files(paths: &[String], storage: &StorageOptions) -> Result<Vec<InputFile>, InputError> {
    find(paths, None, storage)
}

/// Finds the files of the events of a job, but for those in folders that are ruled out.
///
/// # Errors
/// As [`find_files`]; a version of something else than one table; a part of the condition that cannot be computed; all folders are
/// ruled out.
pub fn find_events(input: &Input, rules: &FolderRules) -> Result<KeptFiles, InputError> {
    let files = find(&input.paths, input.version, &input.storage)?;
    if input.version.is_some() {
        check_one_table(&files)?;
    }
    rules.keep(files)
}

/// Files at a version are those of one table.
fn check_one_table(files: &[InputFile]) -> Result<(), DeltaError> {
    let tables: BTreeSet<Option<&str>> =
        files.iter().map(|file| file.table.as_ref().map(|file| file.table.name.as_str())).collect();
    let found = match tables.into_iter().collect::<Vec<_>>()[..] {
        [Some(_)] => return Ok(()),
        [None] => "`input.path` leads to plain files".to_string(),
        [None, Some(table), ..] => format!("`input.path` leads to plain files beside {table:?}"),
        [Some(one), Some(other), ..] => format!("`input.path` leads to {one:?} and {other:?}"),
        _ => "`input.path` leads to no file".to_string(),
    };
    Err(DeltaError::VersionOf { found })
}

fn find(paths: &[String], version: Option<u64>, storage: &StorageOptions) -> Result<Vec<InputFile>, InputError> {
    let mut found = Found { version, ..Found::default() };
    let mut objects = ObjectFinder::new(storage, version);
    for path in paths {
        let given = Path::new(path);
        if is_delta(given) {
            found.add_table(&Place::given(given))?;
        } else if given.is_dir() {
            if !found.add_folder(&Place::given(given))? {
                return Err(InputError::NoParquet { path: given.to_path_buf() });
            }
        } else if given.exists() {
            found.add_file(Place::given(given));
        } else if is_url(path) {
            if let Some(plain) = path.strip_prefix("file://") {
                return Err(InputError::FileUrl { path: path.clone(), plain: plain.to_string() });
            }
            objects.add(path)?;
        } else if path.contains(['*', '?', '[']) {
            found.add_glob(path)?;
        } else if std::fs::symlink_metadata(given).is_ok() {
            return Err(InputError::broken_link(given));
        } else {
            return Err(InputError::NoSuchPath { path: given.to_path_buf(), nearest: nearest_sibling(given) });
        }
    }
    let mut files = found.files();
    let plain = files.iter().filter(|file| file.table.is_none());
    for folder in plain.filter_map(|file| file.path.parent()).collect::<BTreeSet<_>>() {
        refuse_table_formats_above(folder)?;
    }
    files.extend(objects.files());
    Ok(files)
}

/// The files found so far, by where they really are: two spellings of one path (`a/b` and `a/./b`, or a link) are one
/// file, and reading it twice would double its events.
#[derive(Debug, Default)]
struct Found {
    by_place: HashMap<PathBuf, Spelling>,
    /// The version of tables that is read; `None` for the latest.
    version: Option<u64>,
}

/// One of the ways to a file.
#[derive(Debug)]
struct Spelling {
    file: InputFile,
    links: usize,
}

impl Found {
    /// Adds the Parquet files of a folder and of all folders in it, and says whether there is one.
    fn add_folder(&mut self, place: &Place) -> Result<bool, InputError> {
        let mut any = false;
        for folder in walk(place)? {
            refuse_table_formats(&folder.place.path)?;
            for file in folder.files.into_iter().filter(|file| is_parquet(&file.name())) {
                file.refuse_broken_link()?;
                any = true;
                self.add_file(file);
            }
        }
        Ok(any)
    }

    /// Adds the files of a Delta table.
    fn add_table(&mut self, place: &Place) -> Result<(), InputError> {
        for file in files_of(&Root::Local(place.path.clone()), self.version)? {
            let canonical = file.path.canonicalize().unwrap_or_else(|_| file.path.clone());
            self.add(canonical, Spelling { file, links: place.links });
        }
        Ok(())
    }

    /// Adds what a glob matches: files, and those of folders and tables.
    fn add_glob(&mut self, pattern: &str) -> Result<(), InputError> {
        let matches = expand(pattern)?;
        if matches.is_empty() {
            let ends_in_folders = pattern.ends_with("**");
            let folders = if ends_in_folders { "; ** stands for folders: end it with **/*.parquet" } else { "" };
            return Err(InputError::BadGlob {
                pattern: pattern.to_string(),
                reason: format!("it matches no file{folders}"),
            });
        }
        for place in matches {
            if is_delta(&place.path) {
                self.add_table(&place)?;
            } else if place.is_folder() {
                self.add_folder(&place)?;
            } else {
                place.refuse_broken_link()?;
                self.add_file(place);
            }
        }
        Ok(())
    }

    /// Adds a file. Of several ways to one, the one with the values of more folders stays, then the one with fewer links.
    fn add_file(&mut self, place: Place) {
        let Place { path, canonical, links } = place;
        let file = InputFile { hive: hive_columns(&path), folder_kinds: None, path, object: None, table: None };
        self.add(canonical, Spelling { file, links });
    }

    fn add(&mut self, canonical: PathBuf, new: Spelling) {
        match self.by_place.entry(canonical) {
            Entry::Vacant(entry) => {
                entry.insert(new);
            }
            Entry::Occupied(mut known) => {
                if new.is_better_than(known.get()) {
                    known.insert(new);
                }
            }
        }
    }

    fn files(self) -> Vec<InputFile> {
        let mut files: Vec<InputFile> = self.by_place.into_values().map(|spelling| spelling.file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }
}

impl Spelling {
    fn is_better_than(&self, known: &Self) -> bool {
        let has_all_of = |a: &Self, b: &Self| {
            let mut keys = b.file.hive.iter().map(|(key, _)| key);
            keys.all(|key| a.file.hive.iter().any(|(known, _)| known == key))
        };
        match (has_all_of(self, known), has_all_of(known, self)) {
            (true, false) => true,
            (false, true) => false,
            _ => (self.links, &self.file.path) < (known.links, &known.file.path),
        }
    }
}

/// A file of a Delta or Iceberg table read by itself may be one that the table has deleted.
fn refuse_table_formats_above(folder: &Path) -> Result<(), InputError> {
    let mut folder = Some(folder);
    while let Some(path) = folder {
        refuse_table_formats(path)?;
        let goes_on = path.file_name().is_some_and(|name| is_table_inside(&name.to_string_lossy()));
        folder = path.parent().filter(|_| goes_on);
    }
    Ok(())
}

fn refuse_table_formats(folder: &Path) -> Result<(), InputError> {
    if is_delta(folder) {
        return Err(InputError::PartOfTable { table: folder.to_path_buf() });
    }
    let entries = std::fs::read_dir(folder.join("metadata")).into_iter().flatten().flatten();
    if entries.into_iter().any(|entry| is_iceberg(&entry.file_name().to_string_lossy())) {
        return Err(InputError::TableFormat { path: folder.to_path_buf(), format: "Iceberg" });
    }
    Ok(())
}

/// Whether a folder is a Delta table.
fn is_delta(folder: &Path) -> bool {
    folder.join(LOG).is_dir()
}

fn nearest_sibling(path: &Path) -> Option<PathBuf> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name()?.to_string_lossy().into_owned();
    let siblings: Vec<String> = std::fs::read_dir(parent)
        .ok()?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let near = crate::stats::nearest::nearest(&name, siblings.iter().map(String::as_str))?;
    Some(path.with_file_name(near))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found = find_files(&paths, &StorageOptions::default()).expect("files");
        let names: Vec<String> =
            found.iter().map(|file| text(file.path.file_name().expect("named").as_ref())).collect();
        assert_eq!(names, ["c.PARQUET", "b.parquet"]);
    }
}
