//! Which objects the input is: prefixes searched as folders are, globs expanded, each object once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use glob::{MatchOptions, Pattern};

use super::delta::root::{Root, StoredRoot, LOG};
use super::delta::table::files_of;
use super::hive::hive_columns;
use super::input_file::{is_iceberg, is_parquet, is_table_inside, InputFile};
use super::walk::is_hidden;
use crate::events::error::InputError;
use crate::storage::client::{Client, Listed};
use crate::storage::error::StorageError;
use crate::storage::location::{Location, Service};
use crate::storage::object::Object;
use crate::storage::options::StorageOptions;
use crate::storage::store::Stores;

/// Finds objects, and remembers which.
#[derive(Debug)]
pub struct ObjectFinder<'o> {
    stores: Stores<'o>,
    /// The version of tables that is read; `None` for the latest.
    version: Option<u64>,
    found: BTreeMap<PathBuf, InputFile>,
    /// The whole links of web servers, by what is shown of them.
    links: BTreeMap<String, String>,
}

impl<'o> ObjectFinder<'o> {
    /// Nothing is found yet.
    pub fn new(options: &'o StorageOptions, version: Option<u64>) -> Self {
        ObjectFinder { stores: Stores::new(options), version, found: BTreeMap::new(), links: BTreeMap::new() }
    }

    /// Adds what a URL means: an object, all Parquet objects whose keys begin with it as with a folder, or what a glob matches.
    ///
    /// # Errors
    /// There is nothing, or no Parquet; it cannot be listed; a Delta table that cannot be
    /// read or of which a part is named, an Iceberg table.
    pub fn add(&mut self, url: &str) -> Result<(), InputError> {
        let location = Location::parse(url)?;
        let client = self.stores.of(&location)?;
        if location.service == Service::Http {
            if location.root.contains('*') {
                let reason = "a web server cannot be listed: name each file by its URL".to_string();
                return Err(InputError::BadGlob { pattern: location.root, reason });
            }
            let before = self.links.insert(location.root.clone(), location.bucket.clone());
            if before.is_some_and(|before| before != location.bucket) {
                let reason = "two links differ only in what comes after the `?`, and dwell tells files by what comes before it: \
                              download them, and give local paths";
                return Err(StorageError::BadUrl { url: location.root, reason: reason.to_string() }.into());
            }
            self.keep(Object::of_server(client)?);
            return Ok(());
        }
        let key = location.key.trim_end_matches('/');
        if key.contains(['*', '?', '[']) {
            return self.add_glob(&client, url, &location.key);
        }
        let name = key.rsplit('/').next().unwrap_or_default();
        let is_folder = location.key.ends_with('/') || key.is_empty();
        if !is_folder && is_parquet(name) && self.add_object(&client, key)? {
            return Ok(());
        }
        let listed = client.list(key)?;
        if listed.is_empty() {
            if !is_folder && !is_parquet(name) && self.add_object(&client, key)? {
                return Ok(());
            }
            return Err(StorageError::Nothing { url: url.to_string() }.into());
        }
        if listed.iter().any(|object| names_below(key, &object.key).first() == Some(&LOG)) {
            return self.add_table(&client, key, listed);
        }
        let below = |object: &Listed| is_visible(&names_below(key, &object.key));
        refuse_tables_above(&client, key)?;
        if !self.add_listed(&client, listed, below)? {
            return Err(InputError::NoParquet { path: PathBuf::from(url) });
        }
        Ok(())
    }

    /// Adds an object, if there is one of this key.
    fn add_object(&mut self, client: &Arc<Client>, key: &str) -> Result<bool, InputError> {
        let Some(listed) = client.head(key)? else { return Ok(false) };
        let folder = key.rsplit_once('/').map_or("", |(folder, _)| folder);
        refuse_table(client, folder)?;
        refuse_tables_above(client, folder)?;
        self.keep(Object::new(Arc::clone(client), listed));
        Ok(true)
    }

    /// Adds the files of a Delta table, of which all objects were listed.
    fn add_table(&mut self, client: &Arc<Client>, key: &str, listed: Vec<Listed>) -> Result<(), InputError> {
        for file in files_of(&Root::Stored(StoredRoot::new(Arc::clone(client), key, listed)), self.version)? {
            self.found.entry(file.path.clone()).or_insert(file);
        }
        Ok(())
    }

    fn add_glob(&mut self, client: &Arc<Client>, url: &str, key: &str) -> Result<(), InputError> {
        let bad = |reason: String| InputError::BadGlob { pattern: url.to_string(), reason };
        let glob = KeyGlob::parse(key).map_err(bad)?;
        let listed = client.list(&glob.start)?;
        refuse_tables_above(client, &glob.start)?;
        if !self.add_listed(client, listed, |object| glob.matches(&object.key))? {
            let folders = if key.ends_with("**") { "; ** stands for folders: end it with **/*.parquet" } else { "" };
            return Err(bad(format!("it matches no object{folders}")));
        }
        Ok(())
    }

    /// Adds the objects that are meant among those listed, and says whether there is one.
    fn add_listed(
        &mut self,
        client: &Arc<Client>,
        listed: Vec<Listed>,
        is_meant: impl Fn(&Listed) -> bool,
    ) -> Result<bool, InputError> {
        let tables = tables_of(&listed);
        let folders: BTreeSet<String> = listed.iter().flat_map(|object| folders_of(&object.key)).collect();
        let mut any = false;
        // Some stores have an empty object for each folder.
        for object in listed.into_iter().filter(|object| object.bytes > 0 || !folders.contains(&object.key)) {
            if !is_meant(&object) {
                continue;
            }
            let table = folders_of(&object.key).find_map(|folder| tables.get_key_value(&folder));
            if let Some((folder, format)) = table {
                return Err(refused(client, folder, *format));
            }
            any = true;
            self.keep(Object::new(Arc::clone(client), object));
        }
        Ok(any)
    }

    fn keep(&mut self, object: Object) {
        let path = PathBuf::from(object.url());
        let object = Some(Arc::new(object));
        let file = InputFile { hive: hive_columns(&path), folder_kinds: None, path: path.clone(), object, table: None };
        self.found.entry(path).or_insert(file);
    }

    /// What was found, in ascending order.
    pub fn files(self) -> impl Iterator<Item = InputFile> {
        self.found.into_values()
    }
}

/// The names of a key below a folder's.
fn names_below<'k>(folder: &str, key: &'k str) -> Vec<&'k str> {
    let below = key.strip_prefix(folder).unwrap_or(key);
    below.split('/').filter(|name| !name.is_empty()).collect()
}

/// Whether an object with these names below a folder is one of its Parquet files.
fn is_visible(names: &[&str]) -> bool {
    names.iter().all(|name| !is_hidden(name)) && names.last().is_some_and(|name| is_parquet(name))
}

/// The folders on the way to a key.
fn folders_of(key: &str) -> impl Iterator<Item = String> + '_ {
    std::iter::once(String::new()).chain(key.match_indices('/').map(|(end, _)| key[..end].to_string()))
}

/// What a folder is whose files mean something only together with its log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TableFormat {
    Delta,
    Iceberg,
}

/// That a table is not read in this way.
fn refused(client: &Client, folder: &str, format: TableFormat) -> InputError {
    let path = PathBuf::from(client.url_of(folder));
    match format {
        TableFormat::Delta => InputError::PartOfTable { table: path },
        TableFormat::Iceberg => InputError::TableFormat { path, format: "Iceberg" },
    }
}

/// The folders that are tables, by their logs.
fn tables_of(listed: &[Listed]) -> BTreeMap<String, TableFormat> {
    let mut tables = BTreeMap::new();
    for object in listed {
        let Some((folder, name)) = object.key.rsplit_once('/') else { continue };
        let is_in = |inner: &str| {
            let rest = folder.strip_suffix(inner)?;
            rest.strip_suffix('/').or_else(|| rest.is_empty().then_some(rest))
        };
        if let Some(table) = is_in(LOG) {
            tables.insert(table.to_string(), TableFormat::Delta);
        } else if let Some(table) = is_in("metadata").filter(|_| is_iceberg(name)) {
            tables.insert(table.to_string(), TableFormat::Iceberg);
        }
    }
    tables
}

/// A part of a table read by itself may have files that the table has deleted. Who may not look there reads all the same.
fn refuse_tables_above(client: &Client, folder: &str) -> Result<(), InputError> {
    let mut folder = folder;
    while is_table_inside(folder.rsplit('/').next().unwrap_or_default()) {
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        refuse_table(client, folder)?;
    }
    Ok(())
}

fn refuse_table(client: &Client, folder: &str) -> Result<(), InputError> {
    let inside = |name: &str| if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") };
    match client.has_any(&inside(LOG)) {
        Ok(true) => return Err(refused(client, folder, TableFormat::Delta)),
        Err(error @ StorageError::Interrupted) => return Err(error.into()),
        _ => {}
    }
    let level = client.level(&inside("metadata")).unwrap_or_default();
    let is_iceberg = |object: &Listed| is_iceberg(object.key.rsplit('/').next().unwrap_or_default());
    match level.objects.iter().any(is_iceberg) {
        true => Err(refused(client, folder, TableFormat::Iceberg)),
        false => Ok(()),
    }
}

/// A glob over keys: what the local one means by the same signs.
struct KeyGlob {
    /// The names before the first one with wildcards.
    start: String,
    parts: Vec<KeyPart>,
    only_folders: bool,
}

/// A part of a glob, between two slashes.
enum KeyPart {
    /// A name as it is.
    Name(String),
    /// A name with wildcards, and whether it is spelled to match hidden names.
    Names(Pattern, bool),
    /// `**`: any folders, or none.
    Folders,
}

impl KeyGlob {
    fn parse(glob: &str) -> Result<Self, String> {
        let bad = |error: glob::PatternError| format!("{} (character {})", error.msg, error.pos + 1);
        Pattern::new(glob).map_err(bad)?;
        let mut parts = Vec::new();
        let mut start: Vec<&str> = Vec::new();
        for name in glob.split('/').filter(|name| !name.is_empty()) {
            let is_plain = !name.contains(['*', '?', '[']);
            if is_plain && start.len() == parts.len() {
                start.push(name);
            }
            parts.push(match name {
                "**" => KeyPart::Folders,
                name if is_plain => KeyPart::Name(name.to_string()),
                names => KeyPart::Names(Pattern::new(names).map_err(bad)?, names.starts_with(['_', '.'])),
            });
        }
        Ok(KeyGlob { start: start.join("/"), parts, only_folders: glob.ends_with('/') })
    }

    fn matches(&self, key: &str) -> bool {
        let names: Vec<&str> = key.split('/').collect();
        self.meets(&self.parts, &names)
    }

    /// Whether the rest of the glob matches an object of these names, or a folder with it.
    fn meets(&self, parts: &[KeyPart], names: &[&str]) -> bool {
        let Some((part, rest)) = parts.split_first() else {
            return if names.is_empty() { !self.only_folders } else { is_visible(names) };
        };
        let Some((name, below)) = names.split_first() else { return false };
        match part {
            KeyPart::Name(spelled) => name == spelled && self.meets(rest, below),
            KeyPart::Names(pattern, is_spelled) => {
                let options = MatchOptions { require_literal_leading_dot: true, ..MatchOptions::new() };
                (*is_spelled || !is_hidden(name)) && pattern.matches_with(name, options) && self.meets(rest, below)
            }
            // At the end, folders in this one are meant.
            KeyPart::Folders if rest.is_empty() => !below.is_empty() && is_visible(names),
            KeyPart::Folders => (0..names.len())
                .take_while(|folders| names[..*folders].iter().all(|name| !is_hidden(name)))
                .any(|folders| self.meets(rest, &names[folders..])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched<'k>(glob: &str, keys: &[&'k str]) -> Vec<&'k str> {
        let glob = KeyGlob::parse(glob).expect("a glob");
        keys.iter().copied().filter(|key| glob.matches(key)).collect()
    }

    #[test]
    fn globs_mean_what_they_mean_locally() {
        let keys = [
            "a.parquet",
            "b/a.parquet",
            "b/c/a.parquet",
            "b/c/x.csv",
            "_t/a.parquet",
            "_day=1/a.parquet",
            "b/_h/a.parquet",
        ];
        assert_eq!(matched("*.parquet", &keys), ["a.parquet"]);
        assert_eq!(matched("*/a.parquet", &keys), ["b/a.parquet", "_day=1/a.parquet"]);
        assert_eq!(matched("**/a.parquet", &keys), ["a.parquet", "b/a.parquet", "b/c/a.parquet", "_day=1/a.parquet"]);
        assert_eq!(matched("b/*", &keys), ["b/a.parquet", "b/c/a.parquet"]);
        assert_eq!(matched("b/c/*", &keys), ["b/c/a.parquet", "b/c/x.csv"]);
        assert_eq!(matched("_t/*", &keys), ["_t/a.parquet"]);
        assert_eq!(matched("_*/a*", &keys), ["_t/a.parquet", "_day=1/a.parquet"]);
        assert_eq!(matched("**", &keys), ["b/a.parquet", "b/c/a.parquet", "_day=1/a.parquet"]);
        assert_eq!(matched("*/", &keys), ["b/a.parquet", "b/c/a.parquet", "_day=1/a.parquet"]);
        assert_eq!(KeyGlob::parse("a/b/x*/c").expect("a glob").start, "a/b");
        assert!(KeyGlob::parse("a/[").is_err());
    }

    #[test]
    fn tables_are_known_by_their_logs() {
        let listed = |key: &str| Listed { key: key.to_string(), bytes: 1, etag: None, modified: std::time::UNIX_EPOCH };
        let keys = [
            "_delta_log/0.json",
            "t/_delta_log/0.json",
            "i/metadata/v1.metadata.json",
            "x/metadata/notes.txt",
            "my_delta_log/x",
        ];
        let tables = tables_of(&keys.map(listed));
        let expected = [("", TableFormat::Delta), ("i", TableFormat::Iceberg), ("t", TableFormat::Delta)];
        assert_eq!(tables, BTreeMap::from(expected.map(|(folder, format)| (folder.to_string(), format))));
        assert_eq!(folders_of("a/b/c").collect::<Vec<_>>(), ["", "a", "a/b"]);
    }
}
