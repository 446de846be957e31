//! Where events wait until all have been read: in memory, or on disk where memory does not hold them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::spill::Spilled;
use crate::error::Error;
use crate::job::memory_limit::{MemoryLimit, Shared};
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::scatter::Partitions;

/// What a row takes while the sessions of its user are made, beside what it takes laid out: the largest there is.
const ROW_BYTES: u64 = 64;
/// What a row may take at most, where it is a session: as it is made, and as it waits.
const SESSION_BYTES: u64 = 192;
/// Fewer bytes of events than this are not worth a place on disk of their own.
const LEAST_SPILLED: usize = 8 << 20;

/// How much room events have, and where they go beyond it.
#[derive(Clone, Debug)]
pub struct MemoryBudget {
    /// The memory that the run may take; `None` for no limit.
    pub limit: Option<MemoryLimit>,
    /// How many threads share it.
    pub threads: usize,
    /// A folder for what it does not hold.
    pub folder: PathBuf,
}

/// Takes blocks from all threads.
#[derive(Debug)]
pub struct EventBufferWriter<'a> {
    partitions: Partitions,
    budget: &'a MemoryBudget,
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

impl MemoryBudget {
    /// Whether the process holds nearly as much as it may.
    pub fn is_tight(&self) -> bool {
        self.limit.is_some_and(MemoryLimit::is_near)
    }

    /// Bytes that sessions may take which are compared with those before, once nothing else is in memory.
    pub fn to_compare(&self) -> Option<usize> {
        self.limit.map(|limit| limit.to_compare(self.threads))
    }

    /// What threads may take together for the partitions they have buffered, where `reserved` bytes are for other things.
    pub fn shared(&self, reserved: u64) -> Shared {
        self.limit.map_or(Shared::new(None), |limit| limit.shared(self.threads, reserved))
    }
}

impl<'a> EventBufferWriter<'a> {
    /// A store for blocks of so many partitions.
    pub fn new(partitions: Partitions, budget: &'a MemoryBudget) -> Self {
        EventBufferWriter { partitions, budget, waiting: Mutex::default(), spilled: Mutex::default() }
    }

    /// Takes a block.
    ///
    /// # Errors
    /// The disk is full, where memory is, too.
    pub fn add(&self, block: &Block) -> Result<(), Error> {
        let most = self.budget.limit.map(|limit| limit.waiting_events(self.budget.threads));
        let fits = |waiting: &Waiting| most.is_none_or(|most| waiting.bytes <= most);
        let blocks = block.split(self.partitions.groups());
        {
            let mut waiting = lock(&self.waiting);
            waiting.add(blocks);
            if fits(&waiting) && (waiting.bytes < LEAST_SPILLED || !self.budget.is_tight()) {
                return Ok(());
            }
        }
        let mut spilled = lock(&self.spilled);
        // Another thread may have made room meanwhile.
        let groups = {
            let mut waiting = lock(&self.waiting);
            if fits(&waiting) && (waiting.bytes < LEAST_SPILLED || !self.budget.is_tight()) {
                return Ok(());
            }
            std::mem::take(&mut *waiting).groups
        };
        self.spill(&groups, &mut spilled)
    }

    fn spill(&self, groups: &[Vec<Block>], spilled: &mut Option<Spilled>) -> Result<(), Error> {
        let file = match spilled {
            Some(file) => file,
            none => none.insert(Spilled::create(&self.budget.folder)?),
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

    /// How many rows a partition has.
    pub fn rows(&self, partition: usize) -> u64 {
        let on_disk = self.spilled.as_ref().map_or(0, |spilled| spilled.rows(partition));
        let (group, place) = self.partitions.in_group(partition);
        let blocks = self.groups.get(group).map(|group| group.blocks.read().unwrap_or_else(PoisonError::into_inner));
        let in_memory = blocks.iter().flat_map(|blocks| blocks.iter()).map(|block| block.rows(place).len() as u64);
        on_disk + in_memory.sum::<u64>()
    }

    /// What the sessions of a partition take while they are made: at least, and at most.
    fn needed(&self, partition: usize) -> (u64, u64) {
        let rows = self.rows(partition);
        let back = self.spilled.as_ref().map_or(0, |spilled| spilled.bytes(partition));
        (back + rows * ROW_BYTES, back + rows * (ROW_BYTES + SESSION_BYTES))
    }

    /// Works on the blocks that have rows of a partition, each with the partition's number in it, as soon as `shared` has
    /// the memory for it.
    ///
    /// # Errors
    /// What was put on disk cannot be read back, or is more than memory holds.
    pub fn with_pieces<T>(
        &self,
        partition: usize,
        budget: &MemoryBudget,
        shared: &Shared,
        work: impl FnOnce(&[(&Block, usize)]) -> T,
    ) -> Result<T, Error> {
        let (least, most) = self.needed(partition);
        if let Some(limit) = budget.limit {
            limit.check_partition(least, budget.threads)?;
        }
        let _taken = shared.take(most);
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
        budget: &MemoryBudget,
        shared: &Shared,
        work: impl FnOnce(&[(&Block, usize)]) -> T,
    ) -> Result<T, Error> {
        let made = self.with_pieces(partition, budget, shared, work)?;
        if let Some(group) = self.groups.get(self.partitions.in_group(partition).0) {
            let taken = group.taken.fetch_add(1, Ordering::AcqRel) + 1;
            if taken == self.partitions.count() / self.partitions.groups() {
                group.blocks.write().unwrap_or_else(PoisonError::into_inner).drain(..);
            }
        }
        Ok(made)
    }
}
