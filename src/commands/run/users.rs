//! Stages the table of users, of the tables of all events as they are after the run.

use std::path::{Path, PathBuf};

use super::plan::Planned;
use crate::charts::tables::TableFiles;
use crate::error::Error;
use crate::job::options::Table;
use crate::pipeline::Made;
use crate::sessionize::time::Day;
use crate::tables::schema::place::TablePlace;
use crate::tables::schema::sessions::{TableName, ACTIVITY, SESSIONS};
use crate::tables::users::{file_of, UserTables, Writing, USERS};
use crate::tables::write::parquet_file::{Provenance, Size};

/// Stages the table; `made` are the files of the tables that the run makes, dates that stay among them, and `rows` all of their
/// rows, where memory holds them. Returns its files.
///
/// # Errors
/// A file that cannot be read, or written; an interruption.
pub fn stage_users(
    planned: &Planned<'_>,
    made: &TableFiles,
    rows: Option<&Made>,
    provenance: &Provenance,
) -> Result<(Vec<PathBuf>, Size), Error> {
    let Planned { plan, options, folder, budget, pool, .. } = planned;
    let files = |table: Table, name: TableName| -> Result<Vec<(Day, PathBuf)>, Error> {
        if options.writes(table) {
            return Ok(made.dated(name));
        }
        let place = TablePlace::new(name, None);
        let there = folder.files_of(&place.folder())?.into_iter().filter(|file| place.owns(file));
        Ok(there.filter_map(|file| Some((name.day_of(&file)?, folder.path().join(file)))).collect())
    };
    let writing = Writing {
        user_type: plan.roles.user_type,
        provenance,
        room: budget.to_compare(),
        scratch: &folder.scratch_path(Path::new(USERS)),
    };
    let place = |number| folder.stage(&file_of(number));
    if let Some(rows) = rows {
        return pool.install(|| writing.write_rows(&rows.partitions, &rows.users, place));
    }
    let tables =
        UserTables { sessions: files(Table::Sessions, SESSIONS)?, activity: files(Table::Activity, ACTIVITY)? };
    writing.write(&tables, place)
}
