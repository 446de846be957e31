//! A file of the input, and what names tell of files and folders.

use std::path::PathBuf;
use std::sync::Arc;

use super::delta::table_file::TableFile;
use super::hive::hive_kind;
use super::kind::Kind;
use crate::storage::object::Object;

/// The keys of folders, in the order in which files have them, and what their values hold.
pub type FolderKinds = Vec<(String, Kind)>;

/// A file of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is, as found from the path given.
    pub path: PathBuf,
    /// The `key=value` folders on the way to it, or the values that its table's log has of it; `None` for null
    /// (`__HIVE_DEFAULT_PARTITION__`).
    pub hive: Vec<(String, Option<String>)>,
    /// What the values of these folders hold, where that was found out from more folders than those of the input.
    pub folder_kinds: Option<Arc<FolderKinds>>,
    /// What it is in a store; `None` for a file on the disk.
    pub object: Option<Arc<Object>>,
    /// What its Delta table says of it; `None` for a file that is part of none.
    pub table: Option<Arc<TableFile>>,
}

impl InputFile {
    /// What the values of a `key=value` folder hold, as far as this file tells: a table says it, else it is told by the value.
    pub fn kind_of_folder(&self, key: &str, value: Option<&str>) -> Option<Kind> {
        match (&self.table, &self.folder_kinds) {
            (Some(file), _) => file.table.partitions.get(key).cloned(),
            (None, Some(kinds)) => kinds.iter().find(|(known, _)| known == key).map(|(_, kind)| kind.clone()),
            (None, None) => value.map(hive_kind),
        }
    }
}

/// What the folders on the way to some files hold: of one key integers or dates, or what a table says, only where all of them do.
pub fn folder_kinds<'f>(files: impl Iterator<Item = &'f InputFile>) -> FolderKinds {
    let mut kinds: Vec<(String, Option<Kind>)> = Vec::new();
    for (file, (key, value)) in files.flat_map(|file| file.hive.iter().map(move |folder| (file, folder))) {
        let kind = file.kind_of_folder(key, value.as_deref());
        match kinds.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) if known.is_none() => *known = kind,
            Some((_, known)) if kind.is_some() && *known != kind => *known = Some(Kind::Text),
            Some(_) => {}
            None => kinds.push((key.clone(), kind)),
        }
    }
    kinds.into_iter().map(|(key, kind)| (key, kind.unwrap_or(Kind::Text))).collect()
}

/// What files beside Parquet files are called that are not whole yet, or a copy, a checksum or a note of one.
const NOT_DATA: [&str; 22] = [
    "asc",
    "bak",
    "copy",
    "crc",
    "csv",
    "inprogress",
    "json",
    "lock",
    "log",
    "md5",
    "old",
    "orig",
    "part",
    "partial",
    "sha1",
    "sha256",
    "sha512",
    "sig",
    "swp",
    "temp",
    "tmp",
    "txt",
];

/// Whether a file of this name in a folder is taken for Parquet: `*.parquet`, or `*.parquet.zst` and the like, which
/// some writers call files by how their pages are compressed.
pub fn is_parquet(name: &str) -> bool {
    let name = name.to_lowercase();
    let Some((_, end)) = name.rsplit_once(".parquet") else { return false };
    let Some(suffix) = end.strip_prefix('.') else { return end.is_empty() };
    let last = suffix.rsplit('.').next().unwrap_or_default();
    let is_word = !suffix.is_empty() && suffix.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
    is_word && !NOT_DATA.contains(&last)
}

/// Whether a folder of this name may be inside of a table: Iceberg keeps its files in `data`, beside `metadata`.
pub fn is_table_inside(name: &str) -> bool {
    name.contains('=') || name == "data"
}

/// Whether a file of this name, in a folder `metadata`, is of an Iceberg table.
pub fn is_iceberg(name: &str) -> bool {
    name.ends_with(".metadata.json") || name == "version-hint.text"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_taken_for_parquet_by_their_names() {
        for name in ["a.parquet", "A.PARQUET", "a.parquet.zst", "a.parquet.gz", "a.parquet.lz4.parquet", "b.c.parquet"]
        {
            assert!(is_parquet(name), "{name}");
        }
        for name in [
            "a",
            "parquet",
            "a.parquet.tmp",
            "a.parquet.zst.tmp",
            "a.parquet.crc",
            "a.parquet~",
            "a.parquets",
            "a.zst",
            "a.parquet.",
            "a.parquet._COPYING_",
            "a.parquet.swp",
        ] {
            assert!(!is_parquet(name), "{name}");
        }
    }
}
