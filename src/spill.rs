//! Events that memory does not hold, on disk: partition by partition, so that they can come back one partition at
//! a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::sessionize::block::Block;
use crate::sessionize::scatter::Partitions;
use crate::tables::error::TableError;

/// Some blocks on disk, in a file without a name: it is gone when the process is, however that ends.
#[derive(Debug)]
pub struct Spilled {
    folder: PathBuf,
    file: File,
    /// Where each partition's events begin, and last where the file ends.
    bounds: Vec<u64>,
    /// How many events each partition has.
    rows: Vec<u64>,
}

impl Spilled {
    /// Writes blocks, by group of partitions, to a new file in a folder.
    ///
    /// # Errors
    /// The disk is full, or nothing can be written there.
    pub fn write(folder: &Path, groups: &[Vec<Block>], partitions: Partitions) -> Result<Self, TableError> {
        let failed = |error: std::io::Error| TableError::spill(folder, &error);
        let made = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
        let mut spilled =
            Spilled { folder: folder.to_path_buf(), file: made.map_err(failed)?, bounds: vec![0], rows: Vec::new() };
        let mut writer = BufWriter::with_capacity(1 << 20, &spilled.file);
        let (mut events, mut end) = (Vec::new(), 0);
        for partition in 0..partitions.count() {
            events.clear();
            let (group, partition) = partitions.in_group(partition);
            let blocks = &groups[group];
            let some = blocks.iter().filter(|block| !block.rows(partition).is_empty());
            some.for_each(|block| block.write(partition, &mut events));
            let packed = lz4_flex::block::compress_prepend_size(&events);
            writer.write_all(&packed).map_err(failed)?;
            spilled.rows.push(blocks.iter().map(|block| block.rows(partition).len() as u64).sum());
            end += packed.len() as u64;
            spilled.bounds.push(end);
        }
        writer.flush().map_err(failed)?;
        drop(writer);
        Ok(spilled)
    }

    /// The events of a partition.
    ///
    /// # Errors
    /// The file cannot be read, or is no longer what was written.
    pub fn read(&self, partition: usize) -> Result<Vec<Block>, TableError> {
        let (start, end) = (self.bounds[partition], self.bounds[partition + 1]);
        let mut packed = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
        self.file.read_exact_at(&mut packed, start).map_err(|error| self.damaged(&error.to_string()))?;
        let events =
            lz4_flex::block::decompress_size_prepended(&packed).map_err(|error| self.damaged(&error.to_string()))?;
        let mut rest = events.as_slice();
        let mut blocks = Vec::new();
        while !rest.is_empty() {
            blocks.push(Block::read(&mut rest).ok_or_else(|| self.damaged("it is cut short"))?);
        }
        Ok(blocks)
    }

    /// How many events a partition has.
    pub fn rows(&self, partition: usize) -> u64 {
        self.rows[partition]
    }

    fn damaged(&self, reason: &str) -> TableError {
        TableError::Spilled { folder: self.folder.clone(), reason: reason.to_string() }
    }
}
