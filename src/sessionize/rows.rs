//! Step 3: the events of one partition as rows, user by user and in order.

use super::block::{Block, BlockKeys, CodedKeys};
use super::columns::KeyColumn;
use super::event_types::{EventKey, EventTypes};
use super::intern::Interner;
use super::scatter::counting_sort;
use super::time::Timestamp;

/// What orders events of one user at one time (SPEC 2, step 5). Two kinds, so that the usual job, without
/// a sequence or unique ids, moves rows of half the size.
pub trait Tie: Copy + Ord + Send {
    /// Reads a row's tie from its block.
    fn read(block: &Block, row: usize, event: EventKey, ids: &mut Interner) -> Self;
    /// The event's type and role.
    fn event(self) -> EventKey;
    /// The event's unique id as a code, where it has one.
    fn unique_id(self) -> Option<u32>;
}

impl Tie for EventKey {
    fn read(_: &Block, _: usize, event: EventKey, _: &mut Interner) -> Self {
        event
    }

    fn event(self) -> EventKey {
        self
    }

    fn unique_id(self) -> Option<u32> {
        None
    }
}

/// A tie with sequence and unique id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FullTie {
    sequence: i64,
    event: EventKey,
    // Last, so that it decides nothing but the place of events that are equal in all that counts.
    unique_id: Option<u32>,
}

impl Tie for FullTie {
    fn read(block: &Block, row: usize, event: EventKey, ids: &mut Interner) -> Self {
        let unique_id = block.unique_id(row).map(|id| ids.intern_text(id));
        FullTie { sequence: block.sequence(row), event, unique_id }
    }

    fn event(self) -> EventKey {
        self.event
    }

    fn unique_id(self) -> Option<u32> {
        self.unique_id
    }
}

/// One event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row<T> {
    // The order of the fields is the order of rows: events without a value first, then value by value.
    valued: bool,
    value: i64,
    time: Timestamp,
    tie: T,
}

impl<T: Tie> Row<T> {
    /// An event with a value: a session id, a property, or 0 where the definition groups by user alone.
    pub fn new(value: Option<i64>, time: Timestamp, tie: T) -> Self {
        Row { valued: value.is_some(), value: value.unwrap_or(0), time, tie }
    }

    /// What the event is grouped by; `None` where it has no valid value.
    pub fn value(&self) -> Option<i64> {
        self.valued.then_some(self.value)
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Its type and role.
    pub fn event(&self) -> EventKey {
        self.tie.event()
    }

    /// Its unique id as a code.
    pub fn unique_id(&self) -> Option<u32> {
        self.tie.unique_id()
    }

    /// Its place among the events of its user, whatever group it is in (SPEC 2, step 5).
    pub fn moment(&self) -> (Timestamp, T) {
        (self.time, self.tie)
    }

    fn ranked(mut self, ranks: &[u32]) -> Self {
        if self.valued {
            self.value = i64::from(ranks[self.value as usize]);
        }
        self
    }
}

/// The events of one partition: distinct users in ascending order, and the rows of each.
#[derive(Debug)]
pub struct PartitionRows<T> {
    /// The users.
    pub users: KeyColumn,
    /// Where text is grouped by: the distinct texts in ascending order, which the rows' values point to.
    pub texts: Option<KeyColumn>,
    rows: Vec<Row<T>>,
    bounds: Vec<u32>,
}

impl<T: Tie> PartitionRows<T> {
    /// Brings the rows of `partition` together from all blocks. Rows of one user come out in no
    /// particular order.
    pub fn gather(blocks: &[Block], partition: usize, types: &EventTypes) -> Option<Self> {
        let first = blocks.first()?;
        let row_count = blocks.iter().map(|block| block.rows(partition).len()).sum();
        let mut users = Interner::like(&first.users.keys);
        let has_texts = matches!(first.values.as_ref().map(|values| &values.keys), Some(BlockKeys::Text(_)));
        let mut texts = has_texts.then(Interner::of_text);
        let mut ids = Interner::of_text();
        let mut user_codes = Vec::with_capacity(row_count);
        let mut rows = Vec::with_capacity(row_count);
        for block in blocks {
            let block_users = global_codes(&block.users, partition, &mut users);
            let block_texts = match (block.values.as_ref().map(|values| &values.keys), &mut texts) {
                (Some(BlockKeys::Text(keys)), Some(texts)) => global_codes(keys, partition, texts),
                _ => Vec::new(),
            };
            for row in block.rows(partition) {
                user_codes.push(block_users[block.users.code(row)]);
                let value = match &block.values {
                    None => Some(0),
                    Some(values) if !values.is_valid(row) => None,
                    Some(values) => Some(match &values.keys {
                        BlockKeys::Int(numbers) => numbers.get(row),
                        BlockKeys::Text(keys) => i64::from(block_texts[keys.code(row)]),
                    }),
                };
                let event = types.key(block.event(row));
                rows.push(Row::new(value, block.time(row), T::read(block, row, event, &mut ids)));
            }
        }
        let (users, user_ranks) = users.into_ranked();
        for code in &mut user_codes {
            *code = user_ranks[*code as usize];
        }
        let (order, bounds) = counting_sort(&user_codes, users.len());
        let (texts, text_ranks) = texts.map(Interner::into_ranked).unzip();
        let rows = match text_ranks {
            None => order.iter().map(|row| rows[*row as usize]).collect(),
            Some(ranks) => order.iter().map(|row| rows[*row as usize].ranked(&ranks)).collect(),
        };
        Some(PartitionRows { users, texts, rows, bounds })
    }

    /// The rows of each user, users in ascending order, with the user's place in `users`.
    pub fn each_user(&mut self, mut visit: impl FnMut(u32, &mut Vec<Row<T>>)) {
        let mut events = Vec::new();
        for (user, bounds) in self.bounds.windows(2).enumerate() {
            events.clear();
            events.extend_from_slice(&self.rows[bounds[0] as usize..bounds[1] as usize]);
            visit(user as u32, &mut events);
        }
    }
}

/// The codes in the whole partition of a block's distinct keys in it.
fn global_codes(keys: &CodedKeys, partition: usize, interner: &mut Interner) -> Vec<u32> {
    keys.of_partition(partition).map(|key| interner.intern(&keys.keys, key)).collect()
}
