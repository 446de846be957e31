//! `dwell history`: what the last runs into a folder did.

use super::at_place::{with_tables, Access};
use crate::error::Error;
use crate::job::place::Place;
use crate::summary::history::table;
use crate::tables::error::TableError;
use crate::tables::folder::OutputFolder;
use crate::tables::history::runs;

/// The last runs into a folder as a table.
///
/// # Errors
/// It is not dwell's, or there is none.
pub fn history(place: &Place) -> Result<String, Error> {
    with_tables(place, Access::Read, || {
        if !OutputFolder::look(&place.folder)?.before().is_something() {
            return Err(TableError::NoTables { path: place.folder.clone() }.into());
        }
        Ok(table(&runs::read(&place.folder)))
    })
}
