//! What a table says of one of its files.

use std::collections::BTreeMap;
use std::sync::Arc;

use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::deleted::Deletions;
use super::mapping::Mapping;
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
    /// What columns are called in files; `None` where that is their names.
    pub mapping: Option<Mapping>,
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
    /// Tells this way of reading the file (column mapping, deleted rows) from others, for the ledger; `None` where there is only
    /// one.
    pub fn mark(&self, is_in_file: impl Fn(&str) -> bool) -> Option<String> {
        let mapping = self.table.mapping.as_ref().map(|mapping| mapping.text(is_in_file));
        let deletions = self.deletions.as_ref().map(Deletions::id);
        (mapping.is_some() || deletions.is_some()).then(|| digest(format!("{mapping:?} {deletions:?}").as_bytes()))
    }
}

impl TableView {
    /// A footer of one of its files, with the names of the table.
    ///
    /// # Errors
    /// A schema that Parquet does not allow, or that does not say which columns are which.
    pub fn named(&self, metadata: ParquetMetaData) -> Result<ParquetMetaData, ParquetError> {
        match &self.mapping {
            None => Ok(metadata),
            Some(mapping) if mapping.finds(&metadata) => mapping.named(metadata),
            Some(_) => {
                let reason =
                    "its columns have no ids, by which its Delta table finds them (delta.columnMapping.mode = id)";
                Err(ParquetError::General(reason.to_string()))
            }
        }
    }

    /// What the values of a column hold that the table has, whether its files have it or not.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.columns.iter().find(|column| column.name == name).map(|column| &column.kind)
    }

    /// Whether a column of this name is one that is read from files.
    pub fn is_in_files(&self, name: &str) -> bool {
        self.kind(name).is_some() && !self.partitions.contains_key(name)
    }
}
