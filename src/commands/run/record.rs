//! The record of a run in `_dwell/runs`.

use std::path::PathBuf;

use crate::error::Error;
use crate::tables::folder::LockedFolder;
use crate::tables::history::runs;
use crate::tables::write::files::write_synced;

/// Stages a run's record, and returns those that go for it.
///
/// # Errors
/// A file that cannot be written.
pub fn record(folder: &LockedFolder, started: jiff::Timestamp, text: &str) -> Result<Vec<PathBuf>, Error> {
    let (place, gone) = runs::place(folder, started)?;
    write_synced(&folder.stage(&place)?, text.as_bytes())?;
    Ok(gone)
}
