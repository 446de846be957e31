//! Where tables are: a folder on the disk, or one in an object store and its copy on the disk.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::JobError;
use super::file::StorageKeys;
use super::storage_keys;
use crate::storage::location::is_url;
use crate::storage::options::StorageOptions;

/// Where tables are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder on the disk: that of the tables, or of their copy.
    pub folder: PathBuf,
    /// The folder in a store, where they are there.
    pub store: Option<StorePlace>,
}

/// A folder in a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorePlace {
    /// Its URL, without a slash at the end.
    pub url: String,
    /// How it is reached.
    pub options: StorageOptions,
}

impl Place {
    /// The place that a path or URL names.
    ///
    /// # Errors
    /// Nothing named; a `file://` URL; keys of `[storage]` that are wrong.
    pub fn new(
        key: &'static str,
        path: String,
        copy: Option<String>,
        (of_all, of_output): (StorageKeys, Option<StorageKeys>),
    ) -> Result<Self, JobError> {
        if path.is_empty() {
            return Err(JobError::Empty { key });
        }
        if let Some(plain) = path.strip_prefix("file://") {
            let hint = format!("write it as a plain path: {plain}");
            return Err(JobError::Choice { key, value: path, hint });
        }
        let options = storage_keys::options(of_all, of_output)?;
        if !is_url(&path) {
            return match copy {
                None => Ok(Place { folder: PathBuf::from(path), store: None }),
                Some(copy) => {
                    let hint = "only tables in an object store have a copy on the disk; leave the key out".to_string();
                    Err(JobError::Choice { key: "output.copy", value: copy, hint })
                }
            };
        }
        let url = path.trim_end_matches('/').to_string();
        let folder = copy.filter(|copy| !copy.is_empty()).map_or_else(|| usual_copy(&url, &options), PathBuf::from);
        // Where it is in words, it is known by all of its path.
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        Ok(Place { folder, store: Some(StorePlace { url, options }) })
    }

    /// Words about the folder on the disk, as words about the tables.
    pub fn in_words(&self, said: &str) -> String {
        let (copy, name) = (self.folder.display().to_string(), self.name().display().to_string());
        let mut parts = said.split(&copy);
        let mut words = parts.next().unwrap_or_default().to_string();
        for part in parts {
            // Another folder may begin with the same letters.
            let is_it = !part.starts_with(|next: char| next.is_alphanumeric() || "-_.".contains(next));
            words += if is_it { &name } else { &copy };
            words += part;
        }
        // The disk that is full, or that nothing can be written to, is that of the copy.
        if self.store.is_some() && words.contains("(os error") {
            words += &format!("; the copy of the tables is in {copy:?}: `output.copy` puts it elsewhere");
        }
        words
    }

    /// What people call it: its path, or its URL.
    pub fn name(&self) -> &Path {
        self.store.as_ref().map_or(&self.folder, |store| Path::new(&store.url))
    }
}

/// Where the copy of a folder in a store is that the job gives no place: in the user's cache, or, where there is none,
/// among temporary files.
fn usual_copy(url: &str, options: &StorageOptions) -> PathBuf {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let base = cache.unwrap_or_else(std::env::temp_dir);
    let endpoint = options.endpoint.as_deref().unwrap_or_default();
    let hash = Sha256::digest(format!("{endpoint} {url}"));
    let digits: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    base.join("dwell/tables").join(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, copy: Option<&str>) -> Result<Place, String> {
        let keys = (StorageKeys::default(), None);
        let place = Place::new("output.path", path.to_string(), copy.map(str::to_string), keys);
        place.map_err(|error| error.to_string())
    }

    #[test]
    fn a_url_has_a_copy_of_its_own_and_a_path_has_none() {
        let local = place("out", None).expect("a place");
        assert_eq!((local.folder.as_path(), local.name(), &local.store), (Path::new("out"), Path::new("out"), &None));
        let stored = place("s3://b/out/", None).expect("a place");
        assert_eq!(stored.name(), Path::new("s3://b/out"));
        assert!(stored.folder.to_string_lossy().contains("dwell/tables/"), "{stored:?}");
        assert_eq!(place("s3://b/out", None), Ok(stored.clone()));
        assert_ne!(place("s3://b/other", None).expect("a place").folder, stored.folder);
        assert_eq!(
            place("s3://b/out", Some("here")).expect("a place").folder,
            std::path::absolute("here").expect("a path")
        );
        assert!(place("out", Some("here")).expect_err("no copy").contains("`output.copy`"));
        assert!(place("file:///out", None).expect_err("a path").contains("plain path: /out"));
    }
}
