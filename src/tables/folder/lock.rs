//! The lock of an output folder: one run at a time.
//!
//! The operating system holds it for the process: it goes with the process, however that ends, and it
//! means the same in every container that sees the file. The text in it is for people.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;

use crate::tables::error::TableError;

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub struct FolderLock(File);

impl FolderLock {
    /// Takes the lock at `path`, which is made where it does not exist, for a run into `folder`.
    ///
    /// # Errors
    /// Another run holds it, by what it says of itself; or the file cannot be written or locked.
    pub fn take(path: &Path, folder: &Path) -> Result<Self, TableError> {
        let failed = |error: std::io::Error| TableError::write(path, &error);
        loop {
            let file =
                File::options().create(true).read(true).write(true).truncate(false).open(path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {
                    let said = fs::read_to_string(path).unwrap_or_default();
                    let holder = if said.trim().is_empty() { "it has only just begun" } else { said.trim() };
                    return Err(TableError::Locked { path: folder.to_path_buf(), holder: holder.to_string() });
                }
            }
            // A first run that came to nothing takes its lock file away: a lock on that is one on nothing.
            if is_still_at(path, &file) {
                let mut lock = FolderLock(file);
                lock.sign().map_err(failed)?;
                return Ok(lock);
            }
        }
    }

    /// Says who holds it.
    fn sign(&mut self) -> std::io::Result<()> {
        let since = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        let host = host();
        let on = if host.is_empty() { String::new() } else { format!(" on {host}") };
        self.0.set_len(0)?;
        writeln!(self.0, "process {}{on} since {since}", std::process::id())
    }
}

/// The name of this machine; empty where it has none.
pub fn host() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_string()
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        let _ = self.0.set_len(0);
    }
}

#[cfg(unix)]
fn is_still_at(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(here), Ok(there)) = (file.metadata(), fs::metadata(path)) else { return false };
    (here.dev(), here.ino()) == (there.dev(), there.ino())
}

/// Elsewhere an open file cannot be removed.
#[cfg(not(unix))]
fn is_still_at(_: &Path, _: &File) -> bool {
    true
}
