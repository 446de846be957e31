//! The tables that charts are made of, as files.

use std::path::{Path, PathBuf};

use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::read::row_group_count;
use crate::tables::schema::sessions::{TableName, ACTIVITY, SESSIONS};

/// The files of the tables to measure; those without rows may be left out.
#[derive(Clone, Debug, Default)]
pub struct TableFiles {
    /// The sessions table's.
    pub sessions: Vec<PathBuf>,
    /// The activity table's.
    pub activity: Vec<PathBuf>,
}

impl TableFiles {
    /// Adds files of one of the two tables; those of a table without rows, which stand on no date, are
    /// passed over.
    pub fn extend(&mut self, table: TableName, files: impl Iterator<Item = PathBuf>) {
        let dated = files.filter(|file| table.day_of(file).is_some());
        if table == SESSIONS {
            self.sessions.extend(dated);
        } else {
            self.activity.extend(dated);
        }
    }

    /// The files of one of the two tables with their dates, in order.
    pub fn dated(&self, table: TableName) -> Vec<DatedFile> {
        let files = if table == ACTIVITY { &self.activity } else { &self.sessions };
        let mut dated: Vec<DatedFile> =
            files.iter().filter_map(|file| Some((table.day_of(file)?, file.clone()))).collect();
        dated.sort();
        dated
    }
}

/// As many files are read at once as come to about this many bytes, unless less memory is allowed: a session of a table
/// takes some 20.
pub const BYTES_AT_ONCE: u64 = 1 << 25;

/// A file of a table, and its date.
pub type DatedFile = (Day, PathBuf);

/// Files in the order they have, in batches of about `at_once` bytes.
pub fn in_batches(files: Vec<DatedFile>, at_once: u64) -> Vec<Vec<DatedFile>> {
    let mut batches = Vec::new();
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for file in files {
        bytes += file.1.metadata().map_or(0, |file| file.len());
        batch.push(file);
        if bytes >= at_once {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
    }
    batches.extend((!batch.is_empty()).then_some(batch));
    batches
}

/// A file of a table, or a row group of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TablePart {
    /// The date.
    pub day: Day,
    /// The file.
    pub path: PathBuf,
    /// The row group; all of them where it is none.
    pub row_group: Option<usize>,
}

/// The row groups that a file of more than `large` bytes is read in, if it has several; else all of them at once, as `None`.
///
/// # Errors
/// The file cannot be read.
pub fn row_groups(path: &Path, large: u64) -> Result<Vec<Option<usize>>, TableError> {
    let is_large = path.metadata().is_ok_and(|file| file.len() > large);
    let groups = if is_large { row_group_count(path)? } else { 1 };
    Ok(if groups < 2 { vec![None] } else { (0..groups).map(Some).collect() })
}

/// The same in parts: files of more than `at_once` bytes come row group by row group.
///
/// # Errors
/// A file that cannot be read.
pub fn parts_in_batches(files: Vec<DatedFile>, at_once: u64) -> Result<Vec<Vec<TablePart>>, TableError> {
    let mut batches = Vec::new();
    for batch in in_batches(files, at_once) {
        let mut parts = Vec::with_capacity(batch.len());
        for (day, path) in batch {
            let groups = row_groups(&path, at_once)?;
            if groups == [None] {
                parts.push(TablePart { day, path, row_group: None });
                continue;
            }
            batches.extend((!parts.is_empty()).then(|| std::mem::take(&mut parts)));
            batches.extend(groups.into_iter().map(|row_group| vec![TablePart { day, path: path.clone(), row_group }]));
        }
        batches.extend((!parts.is_empty()).then_some(parts));
    }
    Ok(batches)
}
