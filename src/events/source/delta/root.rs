//! Where a table is, on the disk or in a store: its log and its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::error::DeltaError;
use crate::events::error::InputError;
use crate::events::source::hive::unescaped_bytes;
use crate::storage::client::{Client, Listed};
use crate::storage::location::is_url;
use crate::storage::object::Object;
use crate::storage::read_at::ReadAt;

/// The folder of a table's log.
pub const LOG: &str = "_delta_log";

/// The folder of a table.
#[derive(Clone, Debug)]
pub enum Root {
    /// On the disk.
    Local(PathBuf),
    /// In a store.
    Stored(StoredRoot),
}

/// The folder of a table in a store, with all that was listed below it.
#[derive(Clone, Debug)]
pub struct StoredRoot {
    client: Arc<Client>,
    key: String,
    listed: Arc<BTreeMap<String, Listed>>,
}

/// A file of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its path or URL.
    pub path: PathBuf,
    /// What it is in a store; `None` for a file on the disk.
    pub object: Option<Arc<Object>>,
}

impl StoredRoot {
    /// The folder of a key, and the objects that were listed below it.
    pub fn new(client: Arc<Client>, key: &str, listed: Vec<Listed>) -> Self {
        let listed = listed.into_iter().map(|object| (object.key.clone(), object)).collect();
        StoredRoot { client, key: key.to_string(), listed: Arc::new(listed) }
    }

    fn key_of(&self, path: &str) -> String {
        if self.key.is_empty() {
            return path.to_string();
        }
        format!("{}/{path}", self.key)
    }

    /// The key that a URL names in the same bucket. Spark's names for the schemes of S3 are known, too.
    fn key_of_url(&self, url: &str) -> Option<String> {
        let (scheme, rest) = url.split_once("://")?;
        let scheme = if matches!(scheme, "s3a" | "s3n") { "s3" } else { scheme };
        let root = self.client.url_of("");
        let key = format!("{scheme}://{rest}").strip_prefix(&root)?.strip_prefix('/')?.to_string();
        Some(unescaped(&key))
    }

    fn place(&self, key: String) -> Option<Place> {
        let object = Object::new(Arc::clone(&self.client), self.listed.get(&key)?.clone());
        Some(Place { path: PathBuf::from(object.url()), object: Some(Arc::new(object)) })
    }
}

impl Root {
    /// Its path or URL.
    pub fn path(&self) -> PathBuf {
        match self {
            Root::Local(path) => path.clone(),
            Root::Stored(root) => PathBuf::from(root.client.url_of(&root.key)),
        }
    }

    /// The names of the files that are directly in the folder of the log.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn log(&self) -> Result<Vec<String>, InputError> {
        match self {
            Root::Local(path) => {
                let path = path.join(LOG);
                let failed = |source| InputError::Open { path: path.clone(), source };
                let entries = std::fs::read_dir(&path).map_err(failed)?;
                let name = |entry: std::fs::DirEntry| entry.file_name().into_string().ok();
                let names = entries.map(|entry| entry.map(name)).collect::<Result<Vec<_>, _>>().map_err(failed)?;
                Ok(names.into_iter().flatten().collect())
            }
            Root::Stored(root) => {
                let start = root.key_of(&format!("{LOG}/"));
                let names = root.listed.keys().filter_map(|key| key.strip_prefix(&start));
                Ok(names.filter(|name| !name.contains('/')).map(str::to_string).collect())
            }
        }
    }

    /// The bytes of a file of the log.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_log(&self, name: &str) -> Result<Bytes, InputError> {
        self.inside(&format!("{LOG}/{name}"))?.read(None)
    }

    /// A file by its path below the table.
    ///
    /// # Errors
    /// It is not there.
    pub fn inside(&self, path: &str) -> Result<Place, InputError> {
        match self {
            Root::Local(root) => Ok(Place { path: root.join(path), object: None }),
            Root::Stored(root) => {
                let key = root.key_of(path);
                let missing = || self.no_file(Path::new(&root.client.url_of(&key)));
                root.place(key.clone()).ok_or_else(missing)
            }
        }
    }

    /// A file as the log names it: by its path below the table, or by a URL, either with characters escaped.
    ///
    /// # Errors
    /// It is not there, or cannot be reached.
    pub fn named(&self, path: &str) -> Result<Place, InputError> {
        let place = match self {
            Root::Local(root) => self.local(root, path)?,
            Root::Stored(root) if is_url(path) => {
                let key = root.key_of_url(path).ok_or_else(|| self.elsewhere(path))?;
                root.place(key).ok_or_else(|| self.no_file(Path::new(path)))?
            }
            Root::Stored(_) => self.inside(&unescaped(path))?,
        };
        if place.object.is_none() && std::fs::metadata(&place.path).is_err_and(|error| is_missing(&error)) {
            return Err(self.no_file(&place.path));
        }
        Ok(place)
    }

    fn local(&self, root: &Path, path: &str) -> Result<Place, InputError> {
        let plain = path.strip_prefix("file:").map(|rest| rest.strip_prefix("//").unwrap_or(rest));
        let path = match plain {
            Some(absolute) => PathBuf::from(unescaped(absolute)),
            None if is_url(path) => return Err(self.elsewhere(path)),
            None => root.join(unescaped(path)),
        };
        Ok(Place { path, object: None })
    }

    fn elsewhere(&self, file: &str) -> InputError {
        DeltaError::Elsewhere { table: self.path(), file: file.to_string() }.into()
    }

    fn no_file(&self, file: &Path) -> InputError {
        DeltaError::NoFile { table: self.path(), file: file.to_path_buf() }.into()
    }
}

impl Place {
    /// Its bytes: all, or so many from one on.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, part: Option<(u64, u64)>) -> Result<Bytes, InputError> {
        let failed = |source| InputError::Open { path: self.path.clone(), source };
        if let Some(object) = &self.object {
            let (start, length) = part.unwrap_or((0, object.bytes));
            let end = start.saturating_add(length).min(object.bytes);
            let fetched = object.fetch(std::iter::once(start..end).collect())?;
            return Ok(fetched.get(start, usize::try_from(end.saturating_sub(start)).unwrap_or(0)).unwrap_or_default());
        }
        match part {
            None => std::fs::read(&self.path).map(Bytes::from).map_err(failed),
            Some((start, length)) => {
                let file = std::fs::File::open(&self.path).map_err(failed)?;
                file.read_at(start, length).map(Bytes::from).map_err(failed)
            }
        }
    }
}

fn is_missing(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::NotFound
}

/// A path without what is escaped in it. What does not become text stays as it is.
fn unescaped(path: &str) -> String {
    String::from_utf8(unescaped_bytes(path.as_bytes())).unwrap_or_else(|_| path.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_unescaped_once() {
        for (escaped, plain) in [
            ("d=a%20b/x.parquet", "d=a b/x.parquet"),
            ("d=a%2520b", "d=a%20b"),
            ("%C3%A9", "é"),
            ("100%", "100%"),
            ("%E9", "%E9"),
        ] {
            assert_eq!(unescaped(escaped), plain);
        }
    }
}
