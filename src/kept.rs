//! Dates that a run keeps from earlier ones have to have what this run's charts and segments need.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::job::options::Options;
use crate::job::{AddedColumns, Job, Segment};
use crate::sessionize::aggregate::Window;
use crate::tables::error::TableError;
use crate::tables::folder::LockedFolder;
use crate::tables::made_with::MadeWith;
use crate::tables::place::TablePlace;
use crate::tables::sessions::{TableName, ACTIVITY, SESSIONS};

/// Refuses a run of some dates where the others lack a column or a segment: their tables would not fit
/// together.
///
/// # Errors
/// The first table that lacks something, and what.
pub fn check_kept(job: &Job, options: &Options, folder: &LockedFolder) -> Result<(), Error> {
    if options.window == Window::default() {
        return Ok(());
    }
    let none = AddedColumns::default();
    check_both(options.window, folder, None, &job.added, &none)?;
    let keeps_any = !kept_files(folder, &TablePlace::new(ACTIVITY, None), options.window)?.is_empty();
    for (segment, performed) in job.segments.iter().zip(&job.performed) {
        let is_new = folder.files_of(&TablePlace::new(ACTIVITY, Some(&segment.name)).folder())?.is_empty();
        if is_new && keeps_any {
            let path = folder.path().join(TablePlace::new(SESSIONS, Some(&segment.name)).folder());
            return Err(TableError::Lacks { path, what: "the segment's dates before and after".to_string() }.into());
        }
        check_both(options.window, folder, Some(segment), &job.added, performed)?;
    }
    Ok(())
}

fn check_both(
    window: Window,
    folder: &LockedFolder,
    segment: Option<&Segment>,
    to_sessions: &AddedColumns,
    to_activity: &AddedColumns,
) -> Result<(), Error> {
    let tables: [(TableName, &AddedColumns); 2] = [(SESSIONS, to_sessions), (ACTIVITY, to_activity)];
    for (table, added) in tables {
        let place = TablePlace::new(table, segment.map(|segment| segment.name.as_str()));
        let needed = MadeWith::new(added, segment);
        for file in kept_files(folder, &place, window)? {
            if let Some(what) = MadeWith::read(&folder.path().join(file))?.lacks(&needed) {
                return Err(TableError::Lacks { path: folder.path().join(place.folder()), what }.into());
            }
        }
    }
    Ok(())
}

fn kept_files(folder: &LockedFolder, place: &TablePlace, window: Window) -> Result<Vec<PathBuf>, TableError> {
    let is_kept = |file: &Path| place.owns(file) && place.table.day_of(file).is_some_and(|day| !window.holds(day));
    Ok(folder.files_of(&place.folder())?.into_iter().filter(|file| is_kept(file)).collect())
}
