//! Events that memory does not hold, on disk: partition by partition, so that they can come back one partition at
//! a time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::hash::hash_bytes;
use crate::sessionize::layout::scatter::Partitions;
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
    /// A hash of what was written of each partition: events that a disk gives back otherwise would be others.
    hashes: Vec<u64>,
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
        let mut part = Part { bounds: vec![self.end], rows: Vec::new(), sizes: Vec::new(), hashes: Vec::new() };
        let mut events = Vec::new();
        for partition in 0..partitions.count() {
            events.clear();
            let (group, partition) = partitions.in_group(partition);
            let blocks = &groups[group];
            let some = blocks.iter().filter(|block| !block.rows(partition).is_empty());
            some.for_each(|block| block.write(partition, &mut events));
            let packed = lz4_flex::block::compress_prepend_size(&events);
            writer.write_all(&packed).map_err(failed)?;
            part.hashes.push(hash_bytes(&packed));
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
            if hash_bytes(&packed) != part.hashes[partition] {
                return Err(self.damaged("it is not what was written"));
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::layout::columns::{Coded, EventBatch, KeyColumn};
    use crate::sessionize::layout::scatter::scatter;
    use crate::sessionize::time::Timestamp;

    fn spilled(folder: &Path) -> Spilled {
        let batch = EventBatch {
            users: Coded::new(KeyColumn::Int(vec![1, 2]), vec![0, 1, 0, 1]),
            times: [0, 1, 2, 300].map(Timestamp::from_micros).to_vec(),
            events: None,
            values: None,
            sequence: None,
            unique_ids: None,
            watched: None,
            partial_sessions: None,
            facts: None,
        };
        let partitions = Partitions::for_rows(1, 1, 1);
        let groups: Vec<Vec<Block>> =
            scatter(&[batch], partitions).split(partitions.groups()).into_iter().map(|block| vec![block]).collect();
        let mut spilled = Spilled::create(folder).expect("a folder");
        spilled.add(&groups, partitions).expect("room on disk");
        spilled
    }

    #[test]
    fn events_come_back_as_they_were_or_not_at_all() {
        let folder = tempfile::tempdir().expect("a folder");
        let spilled = spilled(folder.path());
        let (start, end) = (spilled.parts[0].bounds[0], spilled.end);
        let rows =
            |spilled: &Spilled| spilled.read(0).map(|blocks| blocks.iter().map(|block| block.rows(0).len()).sum());
        assert_eq!(rows(&spilled).ok(), Some(4usize));
        for place in start..end {
            let mut byte = [0];
            spilled.file.read_exact_at(&mut byte, place).expect("there");
            for other in [0, 1, 0x7F, 0x80, 0xFF, byte[0] ^ 1] {
                spilled.file.write_all_at(&[other], place).expect("written");
                let changed = other != byte[0];
                let read = rows(&spilled);
                assert_eq!(read.is_err(), changed, "{place}: {other}");
                let said = read.err().map(|error| error.to_string()).unwrap_or_default();
                assert!(!changed || said.contains("cannot be read back"), "{said}");
            }
            spilled.file.write_all_at(&byte, place).expect("written");
        }
        assert_eq!(rows(&spilled).ok(), Some(4));
    }
}
