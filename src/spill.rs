//! Events that memory does not hold, on disk: partition by partition, so that they can come back one partition at
//! a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::sessionize::block::Block;
use crate::sessionize::scatter::Partitions;
use crate::tables::error::TableError;

/// Blocks on disk, in a file without a name: it is gone when the process is, however that ends.
#[derive(Debug)]
pub struct Spilled {
    folder: PathBuf,
    file: File,
    /// Where the file ends.
    end: u64,
    /// What was written at a time.
    parts: Vec<Part>,
}

/// Blocks that were written together.
#[derive(Debug)]
struct Part {
    /// Where each partition's events begin, and last where all end.
    bounds: Vec<u64>,
    /// How many rows each partition has.
    rows: Vec<u32>,
    /// How many bytes its events are in memory.
    sizes: Vec<u64>,
}

impl Spilled {
    /// A new file in a folder, which is made where it is not there.
    ///
    /// # Errors
    /// Nothing can be written there.
    pub fn create(folder: &Path) -> Result<Self, TableError> {
        let made = std::fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
        let file = made.map_err(|error| TableError::spill(folder, &error))?;
        Ok(Spilled { folder: folder.to_path_buf(), file, end: 0, parts: Vec::new() })
    }

    /// Adds blocks, by group of partitions.
    ///
    /// # Errors
    /// The disk is full.
    pub fn add(&mut self, groups: &[Vec<Block>], partitions: Partitions) -> Result<(), TableError> {
        let failed = |error: std::io::Error| TableError::spill(&self.folder, &error);
        let mut writer = BufWriter::with_capacity(1 << 20, &self.file);
        let mut part = Part { bounds: vec![self.end], rows: Vec::new(), sizes: Vec::new() };
        let mut events = Vec::new();
        for partition in 0..partitions.count() {
            events.clear();
            let (group, partition) = partitions.in_group(partition);
            let blocks = &groups[group];
            let some = blocks.iter().filter(|block| !block.rows(partition).is_empty());
            some.for_each(|block| block.write(partition, &mut events));
            let packed = lz4_flex::block::compress_prepend_size(&events);
            writer.write_all(&packed).map_err(failed)?;
            part.rows.push(blocks.iter().map(|block| block.rows(partition).len() as u32).sum());
            part.sizes.push(events.len() as u64);
            self.end += packed.len() as u64;
            part.bounds.push(self.end);
        }
        writer.flush().map_err(failed)?;
        drop(writer);
        self.parts.push(part);
        Ok(())
    }

    /// The events of a partition.
    ///
    /// # Errors
    /// The file cannot be read, or is no longer what was written.
    pub fn read(&self, partition: usize) -> Result<Vec<Block>, TableError> {
        let mut blocks = Vec::new();
        for part in &self.parts {
            let (start, end) = (part.bounds[partition], part.bounds[partition + 1]);
            let mut packed = vec![0; usize::try_from(end - start).unwrap_or(usize::MAX)];
            self.file.read_exact_at(&mut packed, start).map_err(|error| self.damaged(&error.to_string()))?;
            let events = lz4_flex::block::decompress_size_prepended(&packed);
            let events = events.map_err(|error| self.damaged(&error.to_string()))?;
            let mut rest = events.as_slice();
            while !rest.is_empty() {
                blocks.push(Block::read(&mut rest).ok_or_else(|| self.damaged("it is cut short"))?);
            }
        }
        Ok(blocks)
    }

    /// How many rows a partition has.
    pub fn rows(&self, partition: usize) -> u64 {
        self.parts.iter().map(|part| u64::from(part.rows[partition])).sum()
    }

    /// How many bytes a partition's events are in memory.
    pub fn bytes(&self, partition: usize) -> u64 {
        self.parts.iter().map(|part| part.sizes[partition]).sum()
    }

    fn damaged(&self, reason: &str) -> TableError {
        TableError::Spilled { folder: self.folder.clone(), reason: reason.to_string() }
    }
}
