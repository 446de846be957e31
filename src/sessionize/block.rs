//! A batch of events laid out partition by partition, in as little memory as it needs.

use std::ops::Range;

use super::columns::{Coded, EventBatch, KeyColumn, TextColumn, ValueColumn, Values};
use super::packed::Packed;
use super::time::Timestamp;

/// A batch laid out partition by partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub(super) bounds: Vec<u32>,
    /// Who did it.
    pub users: CodedKeys,
    pub(super) times: Packed,
    pub(super) events: Option<Packed>,
    /// Session ids or property values, where the definition needs some.
    pub values: Option<BlockValues>,
    pub(super) sequence: Option<Packed>,
    pub(super) unique_ids: Option<TextColumn>,
    /// What charts and segments ask of events.
    pub facts: Option<CodedKeys>,
}

/// Keys of a block: the distinct ones of each partition once, and a code for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedKeys {
    /// The distinct keys, those of one partition side by side.
    pub keys: KeyColumn,
    pub(super) key_bounds: Vec<u32>,
    pub(super) codes: Packed,
}

/// Values of a block, and which rows have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockValues {
    /// 1 for rows with a valid value, 0 for others; `None` where all have one.
    pub(super) valid: Option<Packed>,
    /// The values.
    pub keys: BlockKeys,
}

/// The values of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockKeys {
    /// Numbers.
    Int(Packed),
    /// Text.
    Text(CodedKeys),
}

impl Block {
    /// Lays out the rows of `batch` in `order`, in which those of partition *p* are at
    /// `bounds[p]..bounds[p + 1]`.
    pub fn new(batch: &EventBatch, order: &[u32], bounds: Vec<u32>) -> Self {
        let values = |column: &ValueColumn| BlockValues {
            valid: column.valid.as_ref().map(|valid| Packed::gather(valid, order, i64::from)),
            keys: match &column.values {
                Values::Int(numbers) => BlockKeys::Int(Packed::gather(numbers, order, |number| number)),
                Values::Text(texts) => BlockKeys::Text(CodedKeys::new(texts, order, &bounds)),
            },
        };
        Block {
            users: CodedKeys::new(&batch.users, order, &bounds),
            times: Packed::gather(&batch.times, order, Timestamp::micros),
            events: batch.events.as_ref().map(|events| Packed::gather(events, order, i64::from)),
            values: batch.values.as_ref().map(values),
            sequence: batch.sequence.as_ref().map(|sequence| Packed::gather(sequence, order, |number| number)),
            unique_ids: batch.unique_ids.as_ref().map(|ids| ids.gather(order)),
            facts: batch.facts.as_ref().map(|facts| CodedKeys::new(facts, order, &bounds)),
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

    /// The memory it holds, in bytes.
    pub fn bytes(&self) -> usize {
        let packed = |column: &Option<Packed>| column.as_ref().map_or(0, Packed::bytes);
        let values = self.values.as_ref().map_or(0, |values| {
            packed(&values.valid)
                + match &values.keys {
                    BlockKeys::Int(numbers) => numbers.bytes(),
                    BlockKeys::Text(keys) => keys.bytes(),
                }
        });
        let ids = self.unique_ids.as_ref().map_or(0, TextColumn::size);
        let facts = self.facts.as_ref().map_or(0, CodedKeys::bytes);
        let fixed = size_of::<Block>() + self.bounds.len() * size_of::<u32>();
        fixed
            + self.users.bytes()
            + self.times.bytes()
            + packed(&self.events)
            + values
            + packed(&self.sequence)
            + ids
            + facts
    }
}

impl BlockValues {
    /// Whether a row has a valid value.
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.get(row) != 0)
    }
}

impl CodedKeys {
    fn new(coded: &Coded, order: &[u32], bounds: &[u32]) -> Self {
        // For each key the partition that has it last, and its place among that partition's keys.
        let mut last = vec![(u32::MAX, 0u32); coded.keys.len()];
        let mut distinct = Vec::new();
        let mut key_bounds = vec![0];
        let mut codes = Vec::with_capacity(order.len());
        for (partition, rows) in bounds.windows(2).enumerate() {
            let first = distinct.len();
            for row in &order[rows[0] as usize..rows[1] as usize] {
                let key = coded.codes[*row as usize];
                let known = &mut last[key as usize];
                if known.0 != partition as u32 {
                    *known = (partition as u32, (distinct.len() - first) as u32);
                    distinct.push(key);
                }
                codes.push(known.1);
            }
            key_bounds.push(distinct.len() as u32);
        }
        CodedKeys { keys: coded.keys.gather(&distinct), key_bounds, codes: Packed::new(&codes, i64::from) }
    }

    /// The places in `keys` of a partition's distinct keys.
    pub fn of_partition(&self, partition: usize) -> Range<usize> {
        self.key_bounds[partition] as usize..self.key_bounds[partition + 1] as usize
    }

    /// A row's key, as its place among the distinct keys of its partition.
    pub fn code(&self, row: usize) -> usize {
        self.codes.get(row) as usize
    }

    fn bytes(&self) -> usize {
        self.keys.size() + self.key_bounds.len() * size_of::<u32>() + self.codes.bytes()
    }
}
