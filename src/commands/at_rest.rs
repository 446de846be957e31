//! Reading a folder that no run changes meanwhile, without holding it.

use std::path::Path;

use crate::error::Error;
use crate::tables::error::TableError;
use crate::tables::folder::OutputFolder;
use crate::tables::history::runs;

/// Reads a folder that no run changes meanwhile: where one does, it is waited for, and the folder is read again.
///
/// # Errors
/// Those of reading; a commit that takes longer than commits do, or was killed.
pub fn at_rest<T>(output: &Path, read: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
    // A commit takes far less than this.
    const TIMES: u32 = 20;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
    for _ in 0..TIMES {
        crate::cancel::check()?;
        let before = state(output);
        let read = read();
        if !is_changing(output) && before == state(output) {
            return read;
        }
        std::thread::sleep(PAUSE);
    }
    Err(TableError::Changing { path: output.to_path_buf() }.into())
}

/// What changes with every run that changes a folder.
fn state(output: &Path) -> (Option<Vec<u8>>, usize) {
    (std::fs::read(output.join("run.json")).ok(), runs::read(output).len())
}

/// Whether a run is putting its files in place, or was killed while it did.
fn is_changing(output: &Path) -> bool {
    OutputFolder::look(output).is_ok_and(|folder| folder.own("journal.json").exists())
}
