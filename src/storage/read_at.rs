//! Bytes at a place: of a file on the disk, or of an object.

use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom};

/// What has bytes at places, as a file.
pub trait ReadAt {
    /// How many there are.
    ///
    /// # Errors
    /// That cannot be found out.
    fn size(&self) -> Result<u64>;

    /// So many bytes from one on; fewer where it ends before.
    ///
    /// # Errors
    /// They cannot be read.
    fn read_at(&self, start: u64, most: u64) -> Result<Vec<u8>>;
}

impl ReadAt for File {
    fn size(&self) -> Result<u64> {
        let mut file = self;
        file.seek(SeekFrom::End(0))
    }

    fn read_at(&self, start: u64, most: u64) -> Result<Vec<u8>> {
        let mut file = self;
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(start))?;
        let room = usize::try_from(most.min(end.saturating_sub(start))).unwrap_or(0);
        let mut bytes = Vec::with_capacity(room);
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
