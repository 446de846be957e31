//! A batch of events laid out partition by partition, in as little memory as it needs.

use std::ops::Range;

use super::columns::{EventBatch, KeyColumn, TextColumn, ValueColumn};
use super::hash::hashes_of;
use super::packed::Packed;
use super::time::Timestamp;

/// A batch laid out partition by partition.
#[derive(Clone, Debug)]
pub struct Block {
    bounds: Vec<u32>,
    /// Who did it.
    pub users: CodedKeys,
    times: Packed,
    events: Option<Packed>,
    /// Session ids or property values, where the definition needs some.
    pub values: Option<BlockValues>,
    sequence: Option<Packed>,
    unique_ids: Option<TextColumn>,
}

/// Keys of a block: the distinct ones of each partition once, and a code for each row.
#[derive(Clone, Debug)]
pub struct CodedKeys {
    /// The distinct keys, those of one partition side by side.
    pub keys: KeyColumn,
    key_bounds: Vec<u32>,
    codes: Packed,
}

/// Values of a block, and which rows have none.
#[derive(Clone, Debug)]
pub struct BlockValues {
    /// Which rows have a valid value; `None` where all have.
    valid: Option<Vec<bool>>,
    /// The values.
    pub keys: BlockKeys,
}

/// The values of a block.
#[derive(Clone, Debug)]
pub enum BlockKeys {
    /// Numbers.
    Int(Packed),
    /// Text.
    Text(CodedKeys),
}

impl Block {
    /// Lays out the rows of `batch` in `order`, in which those of partition *p* are at
    /// `bounds[p]..bounds[p + 1]`.
    ///
    /// `hashes` are those of the users, by row.
    pub fn new(batch: &EventBatch, hashes: &[u64], order: &[u32], bounds: Vec<u32>) -> Self {
        let values = |values: &ValueColumn| BlockValues {
            valid: (!values.valid.iter().all(|valid| *valid))
                .then(|| order.iter().map(|row| values.valid[*row as usize]).collect()),
            keys: match &values.keys {
                KeyColumn::Int(numbers) => BlockKeys::Int(Packed::gather(numbers, order, |number| number)),
                texts => BlockKeys::Text(CodedKeys::new(texts, &hashes_of(texts), order, &bounds)),
            },
        };
        Block {
            users: CodedKeys::new(&batch.users, hashes, order, &bounds),
            times: Packed::gather(&batch.times, order, Timestamp::micros),
            events: batch.events.as_ref().map(|events| Packed::gather(events, order, i64::from)),
            values: batch.values.as_ref().map(values),
            sequence: batch.sequence.as_ref().map(|sequence| Packed::gather(sequence, order, |number| number)),
            unique_ids: batch.unique_ids.as_ref().map(|ids| ids.gather(order)),
            bounds,
        }
    }

    /// The rows of one partition.
    pub fn rows(&self, partition: usize) -> Range<usize> {
        self.bounds[partition] as usize..self.bounds[partition + 1] as usize
    }

    /// When a row's event happened.
    pub fn time(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.times.get(row))
    }

    /// The code of a row's event type; 0 for none.
    pub fn event(&self, row: usize) -> u32 {
        self.events.as_ref().map_or(0, |events| events.get(row) as u32)
    }

    /// A row's place among the events of its user at its time; `i64::MIN` for none.
    pub fn sequence(&self, row: usize) -> i64 {
        self.sequence.as_ref().map_or(i64::MIN, |sequence| sequence.get(row))
    }

    /// A row's unique id, where it has one.
    pub fn unique_id(&self, row: usize) -> Option<&[u8]> {
        self.unique_ids.as_ref().map(|ids| ids.get(row)).filter(|id| !id.is_empty())
    }

    /// Whether ties in time need more than event types.
    pub fn has_sequence_or_ids(&self) -> bool {
        self.sequence.is_some() || self.unique_ids.is_some()
    }
}

impl BlockValues {
    /// Whether a row has a valid value.
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid[row])
    }
}

impl CodedKeys {
    fn new(keys: &KeyColumn, hashes: &[u64], order: &[u32], bounds: &[u32]) -> Self {
        let widest = bounds.windows(2).map(|partition| partition[1] - partition[0]).max().unwrap_or(0);
        let mut table = CodeTable::for_rows(widest as usize);
        let mut distinct = Vec::new();
        let mut key_bounds = vec![0];
        let mut codes = vec![0u32; order.len()];
        for partition in bounds.windows(2) {
            table.clear();
            let first = distinct.len();
            for place in partition[0] as usize..partition[1] as usize {
                let row = order[place];
                let hash = hashes[row as usize];
                let same = |code: u32| {
                    let known = distinct[first + code as usize];
                    hashes[known as usize] == hash && keys.compare(known as usize, keys, row as usize).is_eq()
                };
                let next = (distinct.len() - first) as u32;
                let code = table.find_or_insert(hash, next, same);
                if code == next {
                    distinct.push(row);
                }
                codes[place] = code;
            }
            key_bounds.push(distinct.len() as u32);
        }
        let in_order: Vec<u32> = (0..order.len() as u32).collect();
        CodedKeys { keys: keys.gather(&distinct), key_bounds, codes: Packed::gather(&codes, &in_order, i64::from) }
    }

    /// The places in `keys` of a partition's distinct keys.
    pub fn of_partition(&self, partition: usize) -> Range<usize> {
        self.key_bounds[partition] as usize..self.key_bounds[partition + 1] as usize
    }

    /// A row's key, as its place among the distinct keys of its partition.
    pub fn code(&self, row: usize) -> usize {
        self.codes.get(row) as usize
    }
}

/// Codes of the distinct keys of one partition's rows. A user's events come in bursts: within a batch and
/// a partition there are few users, and the table stays in the cache.
struct CodeTable {
    /// In the upper half of a slot the round it is of, in the lower one the code: a new round empties all.
    slots: Vec<u64>,
    round: u32,
}

impl CodeTable {
    fn for_rows(rows: usize) -> Self {
        CodeTable { slots: vec![0; (rows * 2).next_power_of_two().max(2)], round: 0 }
    }

    fn clear(&mut self) {
        self.round += 1;
    }

    /// The code of the key with this hash for which `same` holds, or `next` as a new one.
    fn find_or_insert(&mut self, hash: u64, next: u32, same: impl Fn(u32) -> bool) -> u32 {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let (round, code) = ((self.slots[slot] >> 32) as u32, self.slots[slot] as u32);
            if round != self.round {
                self.slots[slot] = u64::from(self.round) << 32 | u64::from(next);
                return next;
            }
            if same(code) {
                return code;
            }
            slot = (slot + 1) & mask;
        }
    }
}
