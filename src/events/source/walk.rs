//! Folders and what is in them, links followed: each folder once, however many links lead to it.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::fs::FileType;
use std::path::{Path, PathBuf};

use super::hive::{hive_columns, is_hive};
use crate::events::error::InputError;

/// A file or folder, and the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The way.
    pub path: PathBuf,
    /// Where it really is.
    pub canonical: PathBuf,
    /// The links on the way, but for those that were spelled out.
    pub links: usize,
}

/// What is in a folder, in order of name.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder.
    pub place: Place,
    /// Its files, and links that lead nowhere.
    pub files: Vec<Place>,
}

impl Place {
    /// One that was given by its path.
    pub fn given(path: &Path) -> Self {
        Place { path: path.to_path_buf(), canonical: canonical(path), links: 0 }
    }

    /// Whether it is a folder, or a link to one.
    pub fn is_folder(&self) -> bool {
        or_current(&self.path).is_dir()
    }

    /// Its name, as far as it is text.
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Makes sure that it is there.
    ///
    /// # Errors
    /// It is a link that leads nowhere.
    pub fn refuse_broken_link(&self) -> Result<(), InputError> {
        if self.links > 0 && std::fs::metadata(&self.path).is_err() {
            return Err(InputError::broken_link(&self.path));
        }
        Ok(())
    }
}

/// A name in a folder.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Where it is.
    pub place: Place,
    /// Whether it is a folder, or a link to one.
    pub is_folder: bool,
    is_link: bool,
}

/// The names in a folder, in order, but for those that tell that others are not done with them.
///
/// # Errors
/// The folder cannot be read.
pub fn entries(folder: &Place, is_meant: impl Fn(&str) -> bool) -> Result<Vec<Entry>, InputError> {
    let failed = |source| InputError::Open { path: folder.path.clone(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(or_current(&folder.path)).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if is_meant(&name.to_string_lossy()) {
            entries.push(Entry::of(folder, folder.path.join(&name), entry.file_type().map_err(failed)?));
        }
    }
    entries.sort_by(|a, b| a.place.path.cmp(&b.place.path));
    Ok(entries)
}

impl Entry {
    fn of(folder: &Place, path: PathBuf, file_type: FileType) -> Self {
        let is_link = file_type.is_symlink();
        let canonical = match path.file_name() {
            Some(name) if !is_link => folder.canonical.join(name),
            _ => canonical(&path),
        };
        let is_folder = if is_link { path.is_dir() } else { file_type.is_dir() };
        Entry { place: Place { path, canonical, links: folder.links + usize::from(is_link) }, is_folder, is_link }
    }
}

/// Whether a name tells that it is none of the data: of what others are not done with, or keep for themselves.
pub fn is_hidden(name: &str) -> bool {
    name.starts_with('.') || name.starts_with('_') && !is_hive(name)
}

/// A folder and all folders in it. Of several ways to one, those without links come first; it is there once more only by
/// a way with all of its folders' values and one more.
///
/// # Errors
/// A folder that cannot be read, a link of a `key=value` folder that leads nowhere.
pub fn walk(start: &Place) -> Result<Vec<Folder>, InputError> {
    let mut folders = Vec::new();
    let mut seen: HashMap<PathBuf, BTreeSet<String>> = HashMap::new();
    let mut linked = VecDeque::new();
    let mut real = vec![start.clone()];
    while let Some(place) = real.pop().or_else(|| linked.pop_front()) {
        let keys = hive_columns(&place.path.join("file")).into_iter().map(|(key, _)| key).collect::<BTreeSet<_>>();
        if seen.get(&place.canonical).is_some_and(|known| *known == keys || !known.is_subset(&keys)) {
            continue;
        }
        seen.insert(place.canonical.clone(), keys);
        let mut files = Vec::new();
        let mut inner = Vec::new();
        for entry in entries(&place, |name| !is_hidden(name))? {
            match (entry.is_folder, entry.is_link) {
                (true, false) => inner.push(entry.place),
                // A link back to where it is found only goes round.
                (true, true) if place.canonical.starts_with(&entry.place.canonical) => {}
                (true, true) => linked.push_back(entry.place),
                (false, _) => {
                    if is_hive(&entry.place.name()) {
                        entry.place.refuse_broken_link()?;
                    }
                    files.push(entry.place);
                }
            }
        }
        real.extend(inner.into_iter().rev());
        folders.push(Folder { place, files });
    }
    Ok(folders)
}

fn canonical(path: &Path) -> PathBuf {
    or_current(path).canonicalize().unwrap_or_else(|_| path.to_path_buf())
}

/// The current folder is no part of the paths below it.
fn or_current(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// The folders of a tree of folders and links (`name -> target`), by their paths in it.
    fn walked<const N: usize>(tree: [&str; N]) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        for line in tree {
            match line.split_once(" -> ") {
                Some((link, target)) => symlink(target, folder.path().join(link)).expect("a link"),
                None => std::fs::create_dir_all(folder.path().join(line)).expect("a folder"),
            }
        }
        let folders = walk(&Place::given(folder.path())).expect("folders");
        let inside =
            |found: Folder| found.place.path.strip_prefix(folder.path()).expect("inside").display().to_string();
        folders.into_iter().map(inside).filter(|path| !path.is_empty()).collect()
    }

    #[test]
    fn links_that_lead_back_are_not_followed() {
        assert_eq!(walked(["a/b", "l -> .", "m -> .", "a/up -> ..", "a/b/top -> ../.."]), ["a", "a/b"]);
        assert_eq!(walked(["a", "b", "a/l -> ../b", "b/l -> ../a"]), ["a", "b"]);
        assert_eq!(walked(["a", "l -> l", "m -> n", "n -> m"]), ["a"]);
    }

    #[test]
    fn folders_come_by_themselves_first_and_by_a_link_only_where_it_adds_a_value() {
        assert_eq!(walked(["z=1/a", "current -> z=1", "latest -> z=1/a"]), ["z=1", "z=1/a"]);
        assert_eq!(walked(["m=2", "z=1", "m=2/k=3 -> ../z=1"]), ["m=2", "z=1"]);
        assert_eq!(walked(["store/one", "day=1 -> store/one"]), ["store", "store/one", "day=1"]);
    }

    #[test]
    fn hidden_folders_are_left_alone_unless_they_are_columns() {
        assert_eq!(walked(["_tmp", ".git", "_day=1", "a"]), ["_day=1", "a"]);
    }
}
