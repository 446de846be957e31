//! A batch of events laid out user by user and partition by partition, in as little memory as it needs.

use std::ops::Range;

use super::columns::{Coded, EventBatch, KeyColumn, TextColumn, Values};
use super::packed::{Field, Numbers, PackedRows};
use crate::sessionize::time::Timestamp;

/// A batch laid out by user: those of one partition side by side, the rows of each user in the order of the batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Who did what is in the rows.
    pub users: UserRuns,
    pub(in crate::sessionize) rows: PackedRows,
    pub(in crate::sessionize) time: Field,
    pub(in crate::sessionize) event: Option<Field>,
    pub(in crate::sessionize) sequence: Option<Field>,
    /// Session ids or property values, where the definition needs some.
    pub values: Option<BlockValues>,
    pub(in crate::sessionize) unique_ids: Option<TextColumn>,
    /// What charts and segments ask of events.
    pub facts: Option<CodedKeys>,
    /// The values of columns that the definition watches.
    pub watched: Option<CodedKeys>,
    /// Where rows are partial sessions: the rest of each.
    pub(in crate::sessionize) partial_sessions: Option<PartialSessionFields>,
}

/// Where the rest of a partial session is in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sessionize) struct PartialSessionFields {
    pub(in crate::sessionize) length: Field,
    pub(in crate::sessionize) count: Field,
    pub(in crate::sessionize) hours: Field,
    /// `None` where the input has no event types.
    pub(in crate::sessionize) last_event: Option<Field>,
}

/// The users of a block, and how many rows each has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRuns {
    /// The distinct users, those of one partition side by side.
    pub keys: KeyColumn,
    /// Where each partition's users begin, and last where all end.
    pub(in crate::sessionize) key_bounds: Vec<u32>,
    /// Where each user's rows begin, and last where all end.
    pub(in crate::sessionize) row_bounds: Vec<u32>,
}

/// Keys of a block: the distinct ones of each partition once, and a code for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedKeys {
    /// The distinct keys, those of one partition side by side.
    pub keys: KeyColumn,
    pub(in crate::sessionize) key_bounds: Vec<u32>,
    pub(in crate::sessionize) code: Field,
}

/// Values of a block, and which rows have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockValues {
    /// 1 for rows with a valid value, 0 for others; `None` where all have one.
    pub(in crate::sessionize) valid: Option<Field>,
    /// The values.
    pub keys: BlockKeys,
}

/// The values of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BlockKeys {
    /// Numbers.
    Int(Field),
    /// Text.
    Text(CodedKeys),
}

impl Block {
    /// Lays out the rows of batches: row *n* of all of them at `places[n]`, which are the places of `users`.
    pub fn new(batches: &[EventBatch], users: UserRuns, places: &[u32]) -> Self {
        let facts = PartitionKeys::new(batches, |batch| batch.facts.as_ref(), &users, places);
        let watched = PartitionKeys::new(batches, |batch| batch.watched.as_ref(), &users, places);
        let texts = PartitionKeys::new(batches, text_values, &users, places);
        let any_invalid =
            batches.iter().any(|batch| batch.values.as_ref().is_some_and(|values| values.valid.is_some()));
        let valid = |batch: &EventBatch| match batch.values.as_ref().and_then(|values| values.valid.clone()) {
            None if any_invalid => Some(vec![true; batch.len()]),
            valid => valid,
        };
        // Where some batches have only valid values, and others have not.
        let valid: Vec<Option<Vec<bool>>> = batches.iter().map(valid).collect();
        let mut first = 0;
        let parts = batches.iter().zip(&valid).map(|(batch, valid)| {
            let rows = first..first + batch.len();
            first = rows.end;
            let numbers = batch.values.as_ref().and_then(|values| match &values.values {
                Values::Int(numbers) => Some(Numbers::Ints(numbers)),
                Values::Text(_) => texts.as_ref().map(|texts| Numbers::Codes(&texts.codes[rows.clone()])),
            });
            [
                Some(Numbers::Times(&batch.times)),
                batch.events.as_deref().map(Numbers::Codes),
                numbers,
                valid.as_deref().map(Numbers::Flags),
                batch.sequence.as_deref().map(Numbers::Ints),
                facts.as_ref().map(|facts| Numbers::Codes(&facts.codes[rows.clone()])),
                watched.as_ref().map(|watched| Numbers::Codes(&watched.codes[rows])),
                batch.partial_sessions.as_ref().map(|partial_sessions| Numbers::Ints(&partial_sessions.lengths)),
                batch.partial_sessions.as_ref().map(|partial_sessions| Numbers::Codes(&partial_sessions.counts)),
                batch.partial_sessions.as_ref().map(|partial_sessions| Numbers::Codes(&partial_sessions.hours)),
                batch.partial_sessions.as_ref().map(|partial_sessions| Numbers::Codes(&partial_sessions.last_events)),
            ]
        });
        let (rows, [time, event, value, valid, sequence, fact, watch, length, count, hours, last_event]) =
            PackedRows::scatter(&parts.collect::<Vec<_>>(), places);
        let values = value.map(|field| BlockValues {
            valid,
            keys: match texts {
                None => BlockKeys::Int(field),
                Some(texts) => BlockKeys::Text(texts.in_rows(field)),
            },
        });
        Block {
            users,
            rows,
            time: time.unwrap_or_default(),
            event,
            sequence,
            values,
            unique_ids: unique_ids(batches, places),
            facts: facts.zip(fact).map(|(facts, field)| facts.in_rows(field)),
            watched: watched.zip(watch).map(|(watched, field)| watched.in_rows(field)),
            partial_sessions: length.zip(count).zip(hours).map(|((length, count), hours)| PartialSessionFields {
                length,
                count,
                hours,
                last_event: last_event.filter(|_| event.is_some()),
            }),
        }
    }

    /// Its partitions in so many groups of as many consecutive ones each, as blocks of their own.
    pub fn split(&self, groups: usize) -> Vec<Block> {
        let each = self.users.partitions().count() / groups;
        (0..groups).map(|group| self.part(group * each..(group + 1) * each)).collect()
    }

    fn part(&self, partitions: Range<usize>) -> Block {
        let rows = self.rows(partitions.start).start..self.rows(partitions.end - 1).end;
        let keys = |keys: &CodedKeys| {
            let (keys_there, key_bounds) = part_of(&keys.keys, &keys.key_bounds, partitions.clone());
            CodedKeys { keys: keys_there, key_bounds, code: keys.code }
        };
        let (users, key_bounds) = part_of(&self.users.keys, &self.users.key_bounds, partitions.clone());
        let places = self.users.of_partition(partitions.start).start..=self.users.of_partition(partitions.end - 1).end;
        let row_bounds = self.users.row_bounds[places].iter().map(|bound| bound - rows.start as u32).collect();
        Block {
            users: UserRuns { keys: users, key_bounds, row_bounds },
            rows: self.rows.part(rows.clone()),
            time: self.time,
            event: self.event,
            sequence: self.sequence,
            values: self.values.as_ref().map(|values| BlockValues {
                valid: values.valid,
                keys: match &values.keys {
                    BlockKeys::Int(field) => BlockKeys::Int(*field),
                    BlockKeys::Text(texts) => BlockKeys::Text(keys(texts)),
                },
            }),
            unique_ids: self.unique_ids.as_ref().map(|ids| ids.part(rows)),
            facts: self.facts.as_ref().map(keys),
            watched: self.watched.as_ref().map(keys),
            partial_sessions: self.partial_sessions,
        }
    }

    /// The rows of one partition.
    pub fn rows(&self, partition: usize) -> Range<usize> {
        self.users.rows(partition)
    }

    /// When the earliest of its events happened.
    pub fn earliest(&self) -> Timestamp {
        Timestamp::from_micros(self.time.base)
    }

    /// When a row's event happened.
    pub fn time(&self, row: usize) -> Timestamp {
        Timestamp::from_micros(self.rows.get(row, self.time))
    }

    /// The code of a row's event type; 0 for none.
    pub fn event(&self, row: usize) -> u32 {
        self.event.map_or(0, |event| self.rows.get(row, event) as u32)
    }

    /// A row's place among the events of its user at its time; `i64::MIN` for none.
    pub fn sequence(&self, row: usize) -> i64 {
        self.sequence.map_or(i64::MIN, |sequence| self.rows.get(row, sequence))
    }

    /// Whether a row has a valid value.
    pub fn is_valid(&self, values: &BlockValues, row: usize) -> bool {
        values.valid.is_none_or(|valid| self.rows.get(row, valid) != 0)
    }

    /// A row's value, where values are numbers.
    pub fn int(&self, field: Field, row: usize) -> i64 {
        self.rows.get(row, field)
    }

    /// A row's key, as its place among the distinct keys of its partition.
    pub fn code(&self, keys: &CodedKeys, row: usize) -> usize {
        self.rows.get(row, keys.code) as usize
    }

    /// A row's unique id, where it has one.
    pub fn unique_id(&self, row: usize) -> Option<&[u8]> {
        self.unique_ids.as_ref().map(|ids| ids.get(row)).filter(|id| !id.is_empty())
    }

    /// Whether its rows are partial sessions of events ([`crate::sessionize::preaggregate::partial_session`]).
    pub fn has_partial_sessions(&self) -> bool {
        self.partial_sessions.is_some()
    }

    /// Whether its events have a sequence or unique ids.
    pub fn has_sequence_or_ids(&self) -> bool {
        self.sequence.is_some() || self.unique_ids.is_some()
    }

    /// The memory it holds, in bytes.
    pub fn bytes(&self) -> usize {
        let texts = self.values.as_ref().map_or(0, |values| match &values.keys {
            BlockKeys::Int(_) => 0,
            BlockKeys::Text(keys) => keys.bytes(),
        });
        let ids = self.unique_ids.as_ref().map_or(0, TextColumn::size);
        let keys: usize = self.facts.iter().chain(&self.watched).map(CodedKeys::bytes).sum();
        size_of::<Block>() + self.users.bytes() + self.rows.bytes() + texts + ids + keys
    }
}

fn text_values(batch: &EventBatch) -> Option<&Coded> {
    match &batch.values.as_ref()?.values {
        Values::Int(_) => None,
        Values::Text(texts) => Some(texts),
    }
}

/// The unique ids of all batches, by place.
fn unique_ids(batches: &[EventBatch], places: &[u32]) -> Option<TextColumn> {
    let mut ids = batches.iter().filter_map(|batch| batch.unique_ids.as_ref());
    let mut all = ids.next()?.clone();
    ids.for_each(|ids| all.extend(ids));
    Some(all.gather(&rows_at(places)))
}

/// The keys of consecutive partitions, and where those of each begin.
fn part_of(keys: &KeyColumn, bounds: &[u32], partitions: Range<usize>) -> (KeyColumn, Vec<u32>) {
    let bounds = &bounds[partitions.start..=partitions.end];
    let (first, last) = (bounds[0], bounds[partitions.len()]);
    (keys.part(first as usize..last as usize), bounds.iter().map(|bound| bound - first).collect())
}

/// Which row is at each place.
fn rows_at(places: &[u32]) -> Vec<u32> {
    let mut rows = vec![0; places.len()];
    places.iter().zip(0..).for_each(|(place, row)| rows[*place as usize] = row);
    rows
}

impl UserRuns {
    /// The places in `keys` of a partition's users.
    pub fn of_partition(&self, partition: usize) -> Range<usize> {
        self.key_bounds[partition] as usize..self.key_bounds[partition + 1] as usize
    }

    /// The rows of the user at a place in `keys`.
    pub fn run(&self, key: usize) -> Range<usize> {
        self.row_bounds[key] as usize..self.row_bounds[key + 1] as usize
    }

    fn rows(&self, partition: usize) -> Range<usize> {
        let users = self.of_partition(partition);
        self.row_bounds[users.start] as usize..self.row_bounds[users.end] as usize
    }

    fn partitions(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        (0..self.key_bounds.len() - 1).map(|partition| self.rows(partition))
    }

    fn bytes(&self) -> usize {
        self.keys.size() + (self.key_bounds.len() + self.row_bounds.len()) * size_of::<u32>()
    }
}

/// The keys of each partition, and the code of each row of some batches among those of its partition.
struct PartitionKeys {
    keys: KeyColumn,
    key_bounds: Vec<u32>,
    codes: Vec<u32>,
}

impl PartitionKeys {
    /// Of what batches have in place of `coded`; `None` where they have nothing.
    fn new<'b>(
        batches: &'b [EventBatch],
        coded: impl Fn(&'b EventBatch) -> Option<&'b Coded>,
        users: &UserRuns,
        places: &[u32],
    ) -> Option<Self> {
        let each: Vec<&Coded> = batches.iter().filter_map(coded).collect();
        if each.is_empty() {
            return None;
        }
        let (keys, firsts) = Coded::joined(each.iter().copied());
        let of_batches =
            each.iter().zip(firsts).flat_map(|(coded, first)| coded.codes.iter().map(move |code| first + code));
        let of_batches: Vec<u32> = of_batches.collect();
        let rows_at = rows_at(places);
        // For each key the partition that has it last, and its place among that partition's keys.
        let mut last = vec![(u32::MAX, 0u32); keys.len()];
        let mut distinct = Vec::new();
        let mut key_bounds = vec![0];
        let mut codes = vec![0; places.len()];
        for (partition, rows) in users.partitions().enumerate() {
            let first = distinct.len();
            for row in &rows_at[rows] {
                let key = of_batches[*row as usize];
                let known = &mut last[key as usize];
                if known.0 != partition as u32 {
                    *known = (partition as u32, (distinct.len() - first) as u32);
                    distinct.push(key);
                }
                codes[*row as usize] = known.1;
            }
            key_bounds.push(distinct.len() as u32);
        }
        Some(PartitionKeys { keys: keys.gather(&distinct), key_bounds, codes })
    }

    fn in_rows(self, code: Field) -> CodedKeys {
        CodedKeys { keys: self.keys, key_bounds: self.key_bounds, code }
    }
}

impl CodedKeys {
    /// The places in `keys` of a partition's distinct keys.
    pub fn of_partition(&self, partition: usize) -> Range<usize> {
        self.key_bounds[partition] as usize..self.key_bounds[partition + 1] as usize
    }

    fn bytes(&self) -> usize {
        self.keys.size() + self.key_bounds.len() * size_of::<u32>()
    }
}
