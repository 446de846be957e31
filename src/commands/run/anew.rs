//! Sessions tables written anew from themselves: dates that stay and get other columns, and dates whose sessions get other
//! numbers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::plan::Planned;
use super::takes::Takes;
use crate::error::Error;
use crate::pipeline;
use crate::pipeline::progress::Progress;
use crate::profile::Profile;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::numbering::{Corrected, Corrections, Numbering};
use crate::tables::read::row_count;
use crate::tables::rewrite::rewrite;
use crate::tables::schema::place::TablePlace;
use crate::tables::schema::sessions::TableColumns;
use crate::tables::write::files::create_folder_of;
use crate::tables::write::parquet_file::{Provenance, Size};
use crate::tables::write::syncer::Syncer;

/// Files of sessions that are there, and where they go.
pub struct Anew<'a> {
    /// The columns that they are to have.
    pub columns: &'a TableColumns,
    /// What they say of themselves.
    pub provenance: &'a Provenance,
    /// The files.
    pub files: BTreeMap<Day, Moved>,
    /// The numbers that sessions have now.
    pub corrected: &'a Corrected,
    /// Has the disk confirm them; `None` where they are only measured.
    pub syncer: Option<&'a Syncer>,
}

/// A file on its way.
pub struct Moved {
    /// Where it is.
    pub from: PathBuf,
    /// Where it goes.
    pub to: PathBuf,
    /// Whether all of its columns are as they are to be.
    pub is_right: bool,
}

impl Anew<'_> {
    /// Puts the files where they go: as they are where they have all columns as they are to be, and else written anew.
    ///
    /// # Errors
    /// A file that cannot be read, or written; an interruption.
    pub fn put(&self, planned: &Planned<'_>, profile: &Profile, progress: &Progress) -> Result<Size, Error> {
        let Planned { pool, budget, .. } = planned;
        let days: Vec<Day> = self.files.keys().copied().collect();
        let rows = |day: Day| self.files.get(&day).and_then(|file| row_count(&file.from).ok()).unwrap_or(0);
        let takes = Takes::of_unread();
        let bytes = |day: Day| if budget.limit.is_some() { takes.of_table(0, rows(day), 1) } else { 0 };
        pipeline::write_dates(pool, &days, profile, progress, (&budget.shared(0), &bytes), |day| {
            let Some(Moved { from, to, is_right }) = self.files.get(&day) else { return Ok(Size::default()) };
            create_folder_of(to)?;
            let size = if *is_right {
                moved(from, to)?
            } else {
                let corrections = self.corrected.get(&day).map(|paths| Corrections::open(paths)).transpose()?;
                rewrite(from, to, self.columns, self.provenance, corrections)?
            };
            if let Some(syncer) = self.syncer {
                syncer.later(to)?;
            }
            Ok(size)
        })
    }
}

fn moved(from: &Path, to: &Path) -> Result<Size, TableError> {
    let failed = |error: std::io::Error| TableError::write(to, &error);
    std::fs::rename(from, to).map_err(failed)?;
    Ok(Size { files: 1, rows: row_count(to)?, bytes: to.metadata().map_err(failed)?.len() })
}

/// Numbers the sessions of a table over all of its files, and returns what is to be corrected.
///
/// # Errors
/// A file that cannot be read; an interruption.
pub fn numbers_of<'f>(
    planned: &Planned<'_>,
    place: &TablePlace,
    columns: &TableColumns,
    files: impl Iterator<Item = (&'f Day, &'f PathBuf)>,
) -> Result<Corrected, Error> {
    let files: BTreeMap<Day, PathBuf> = files.map(|(day, file)| (*day, file.clone())).collect();
    let scratch = planned.folder.scratch_path(&Path::new("numbers").join(place.folder()));
    let values = columns.numbered_by();
    Numbering { files: &files, values: &values, room: planned.budget.to_compare(), scratch: &scratch }.corrections()
}
