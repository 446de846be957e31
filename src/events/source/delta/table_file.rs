//! What a table says of one of its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deleted::Deletions;
use super::schema::TableColumn;
use crate::events::source::kind::Kind;
use crate::job::fingerprint::digest;

/// How the files of a table are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableView {
    /// What the table is called in a ledger: its path, without links, or its URL.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// Those of which each file has one value, with what they hold.
    pub partitions: BTreeMap<String, Kind>,
}

/// What a table says of one of its files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableFile {
    /// The table.
    pub table: Arc<TableView>,
    /// Which of its rows are deleted; `None` where none is.
    pub deletions: Option<Deletions>,
}

impl TableFile {
    /// What tells how the file is read from other ways, where the same file may be read in several; `None` where there is but
    /// one.
    pub fn mark(&self) -> Option<String> {
        self.deletions.as_ref().map(|deletions| digest(deletions.id().as_bytes()))
    }
}

impl TableView {
    /// What the values of a column hold that the table has, whether its files have it or not.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.kind)
    }

    /// Whether a column of this name is one that is read from files.
    pub fn is_in_files(&self, name: &str) -> bool {
        self.kind(name).is_some() && !self.partitions.contains_key(name)
    }
}
