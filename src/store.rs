//! Where events wait until all have been read: in memory, or on disk where memory does not hold them.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::memory::MemoryLimit;
use crate::sessionize::block::Block;
use crate::sessionize::scatter::Partitions;
use crate::spill::Spilled;

/// What an event takes while the sessions of its user are made, about: laid out, and as a row.
const ROW_BYTES: u64 = 48;

/// How much room events have, and where they go beyond it.
#[derive(Clone, Debug)]
pub struct Room {
    /// The memory that the run may take; `None` for no limit.
    pub limit: Option<MemoryLimit>,
    /// How many threads share it.
    pub threads: usize,
    /// A folder for what it does not hold.
    pub folder: PathBuf,
}

/// Takes blocks from all threads.
#[derive(Debug)]
pub struct Store<'a> {
    partitions: Partitions,
    room: &'a Room,
    waiting: Mutex<Waiting>,
    /// Held while blocks are written: one thread writes, and who has more than fits waits for it.
    spilled: Mutex<Vec<Spilled>>,
}

#[derive(Debug, Default)]
struct Waiting {
    blocks: Vec<Block>,
    bytes: usize,
}

impl<'a> Store<'a> {
    /// A store for blocks of so many partitions.
    pub fn new(partitions: Partitions, room: &'a Room) -> Self {
        Store { partitions, room, waiting: Mutex::default(), spilled: Mutex::default() }
    }

    /// Takes a block.
    ///
    /// # Errors
    /// The disk is full, where memory is, too.
    pub fn add(&self, block: Block) -> Result<(), Error> {
        let most = self.room.limit.map(|limit| limit.waiting_events(self.room.threads));
        {
            let mut waiting = lock(&self.waiting);
            waiting.bytes += block.bytes();
            waiting.blocks.push(block);
            if most.is_none_or(|most| waiting.bytes <= most) {
                return Ok(());
            }
        }
        let mut spilled = lock(&self.spilled);
        // Another thread may have made room meanwhile.
        let blocks = {
            let mut waiting = lock(&self.waiting);
            if most.is_some_and(|most| waiting.bytes <= most) {
                return Ok(());
            }
            std::mem::take(&mut *waiting).blocks
        };
        self.spill(&blocks, &mut spilled)
    }

    fn spill(&self, blocks: &[Block], spilled: &mut Vec<Spilled>) -> Result<(), Error> {
        spilled.push(Spilled::write(&self.room.folder, blocks, self.partitions)?);
        Ok(())
    }

    /// All events. Where some are on disk, all are: memory is needed for what comes next.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self) -> Result<Events, Error> {
        let Waiting { mut blocks, .. } = std::mem::take(&mut *lock(&self.waiting));
        // Threads come in any order; where files follow time, users' events do so now.
        blocks.sort_by_key(Block::earliest);
        let mut spilled = std::mem::take(&mut *lock(&self.spilled));
        if !spilled.is_empty() && !blocks.is_empty() {
            self.spill(&blocks, &mut spilled)?;
            blocks = Vec::new();
        }
        Ok(Events { partitions: self.partitions, blocks, spilled })
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All events of a run, by partition.
#[derive(Debug)]
pub struct Events {
    partitions: Partitions,
    blocks: Vec<Block>,
    spilled: Vec<Spilled>,
}

impl Events {
    /// How many partitions there are.
    pub fn partitions(&self) -> Partitions {
        self.partitions
    }

    /// Works on the blocks that have rows of a partition, each with the partition's number in it.
    ///
    /// # Errors
    /// What was put on disk cannot be read back, or is more than memory holds.
    pub fn with_pieces<T>(
        &self,
        partition: usize,
        room: &Room,
        work: impl FnOnce(&[(&Block, usize)]) -> T,
    ) -> Result<T, Error> {
        if let Some(limit) = room.limit.filter(|_| !self.spilled.is_empty()) {
            let rows: u64 = self.spilled.iter().map(|spilled| spilled.rows(partition)).sum();
            limit.check_partition(rows * ROW_BYTES, room.threads)?;
        }
        let mut back = Vec::new();
        for spilled in &self.spilled {
            back.extend(spilled.read(partition)?);
        }
        let in_memory = self.blocks.iter().map(|block| (block, partition));
        let pieces: Vec<(&Block, usize)> = in_memory.chain(back.iter().map(|block| (block, 0))).collect();
        Ok(work(&pieces))
    }
}
