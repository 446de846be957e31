//! `dwell history`: what the last runs into a folder did.

use std::path::Path;

use crate::error::Error;
use crate::summary::history::table;
use crate::tables::error::TableError;
use crate::tables::folder::OutputFolder;
use crate::tables::history::runs;

/// The last runs into a folder as a table.
///
/// # Errors
/// It is not dwell's, or there is none.
pub fn history(output: &Path) -> Result<String, Error> {
    if !OutputFolder::look(output)?.before().is_something() {
        return Err(TableError::NoTables { path: output.to_path_buf() }.into());
    }
    Ok(table(&runs::read(output)))
}
