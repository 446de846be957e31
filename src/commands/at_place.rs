//! Work on tables wherever they are: in a folder on the disk, or in a store by way of a copy.

use crate::error::Error;
use crate::job::place::Place;
use crate::tables::stored::StoredFolder;

/// What is done with tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// They are read.
    Read,
    /// They are changed.
    Write,
}

/// Works on the folder on the disk of a place. Where the tables are in a store, that folder is brought to what is there
/// first, and what was made of it is put there afterwards.
///
/// # Errors
/// Those of the work, with the folder's URL for its copy's path; a store that cannot be read or written; another run that was
/// quicker.
pub fn with_tables<T>(place: &Place, access: Access, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let Some(store) = &place.store else { return work() };
    let folder = StoredFolder::new(&store.url, &place.folder, &store.options)?;
    let lock = folder.lock()?;
    let in_store =
        |error: Error| Error::InStore { message: place.in_words(&error.message()), exit_code: error.exit_code() };
    if access == Access::Read {
        folder.bring()?;
        // Whoever reads does not keep a run from its work.
        drop(lock);
        return work().map_err(in_store);
    }
    let known = folder.bring_to_write()?;
    let made = work().map_err(in_store)?;
    folder.publish(known)?;
    Ok(made)
}
