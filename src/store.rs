//! Where events wait until all have been read: in memory, or on disk where memory does not hold them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

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
    spilled: Mutex<Option<Spilled>>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By group of partitions.
    groups: Vec<Vec<Block>>,
    bytes: usize,
}

impl Waiting {
    fn add(&mut self, blocks: Vec<Block>) {
        self.bytes += blocks.iter().map(Block::bytes).sum::<usize>();
        self.groups.resize_with(blocks.len(), Vec::new);
        self.groups.iter_mut().zip(blocks).for_each(|(group, block)| group.push(block));
    }
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
    pub fn add(&self, block: &Block) -> Result<(), Error> {
        let most = self.room.limit.map(|limit| limit.waiting_events(self.room.threads));
        let blocks = block.split(self.partitions.groups());
        {
            let mut waiting = lock(&self.waiting);
            waiting.add(blocks);
            if most.is_none_or(|most| waiting.bytes <= most) {
                return Ok(());
            }
        }
        let mut spilled = lock(&self.spilled);
        // Another thread may have made room meanwhile.
        let groups = {
            let mut waiting = lock(&self.waiting);
            if most.is_some_and(|most| waiting.bytes <= most) {
                return Ok(());
            }
            std::mem::take(&mut *waiting).groups
        };
        self.spill(&groups, &mut spilled)
    }

    fn spill(&self, groups: &[Vec<Block>], spilled: &mut Option<Spilled>) -> Result<(), Error> {
        let file = match spilled {
            Some(file) => file,
            none => none.insert(Spilled::create(&self.room.folder)?),
        };
        Ok(file.add(groups, self.partitions)?)
    }

    /// All events. Where some are on disk, all are: memory is needed for what comes next.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self) -> Result<Events, Error> {
        let Waiting { mut groups, .. } = std::mem::take(&mut *lock(&self.waiting));
        // Threads come in any order; where files follow time, users' events do so now.
        groups.iter_mut().for_each(|blocks| blocks.sort_by_key(Block::earliest));
        let mut spilled = lock(&self.spilled).take();
        if spilled.is_some() && !groups.is_empty() {
            self.spill(&groups, &mut spilled)?;
            groups = Vec::new();
        }
        Ok(Events { partitions: self.partitions, groups: groups.into_iter().map(Group::new).collect(), spilled })
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All events of a run, by partition.
#[derive(Debug)]
pub struct Events {
    partitions: Partitions,
    groups: Vec<Group>,
    spilled: Option<Spilled>,
}

/// The blocks of a group of partitions, until nobody needs them any more.
#[derive(Debug)]
struct Group {
    blocks: RwLock<Vec<Block>>,
    /// How many partitions of the group have been taken.
    taken: AtomicUsize,
}

impl Group {
    fn new(blocks: Vec<Block>) -> Self {
        Group { blocks: RwLock::new(blocks), taken: AtomicUsize::new(0) }
    }
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
        if let Some((limit, spilled)) = room.limit.zip(self.spilled.as_ref()) {
            limit.check_partition(spilled.rows(partition) * ROW_BYTES, room.threads)?;
        }
        let back = self.spilled.as_ref().map(|spilled| spilled.read(partition)).transpose()?.unwrap_or_default();
        let (group, place) = self.partitions.in_group(partition);
        let blocks = self.groups.get(group).map(|group| group.blocks.read().unwrap_or_else(PoisonError::into_inner));
        let in_memory = blocks.iter().flat_map(|blocks| blocks.iter()).map(|block| (block, place));
        let pieces: Vec<(&Block, usize)> = in_memory.chain(back.iter().map(|block| (block, 0))).collect();
        Ok(work(&pieces))
    }

    /// As [`Events::with_pieces`], for who needs the partition's events no more: memory is free again once a group of
    /// partitions has been taken.
    ///
    /// # Errors
    /// As there.
    pub fn take_pieces<T>(
        &self,
        partition: usize,
        room: &Room,
        work: impl FnOnce(&[(&Block, usize)]) -> T,
    ) -> Result<T, Error> {
        let made = self.with_pieces(partition, room, work)?;
        if let Some(group) = self.groups.get(self.partitions.in_group(partition).0) {
            let taken = group.taken.fetch_add(1, Ordering::AcqRel) + 1;
            if taken == self.partitions.count() / self.partitions.groups() {
                group.blocks.write().unwrap_or_else(PoisonError::into_inner).drain(..);
            }
        }
        Ok(made)
    }
}
