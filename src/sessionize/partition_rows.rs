//! Brings the events of one partition together as rows, user by user.

use std::ops::Range;

use super::block_rows::BlockRows;
use super::event_types::EventTypes;
use super::layout::block::{Block, BlockKeys, CodedKeys};
use super::layout::columns::KeyColumn;
use super::layout::intern::Interner;
use super::rows::{Row, RowKind};
use super::watched::WatchedTable;

/// The events of one partition: distinct users in ascending order, and the rows of each.
#[derive(Debug)]
pub struct PartitionRows<K> {
    /// The users.
    pub users: KeyColumn,
    /// Where text is grouped by: the distinct texts in ascending order, which the rows' values point to.
    pub texts: Option<KeyColumn>,
    /// Where facts are asked for: the distinct ones in ascending order, which the rows' facts are places in.
    pub facts: Option<KeyColumn>,
    /// The values that the definition watches, which rows name by their places.
    pub watched: WatchedTable,
    /// The codes of unique ids, until they are put in order.
    ids: Option<Interner>,
    rows: Vec<Row<K>>,
    /// Where each user's rows begin, and last where all end.
    bounds: Vec<u32>,
}

impl<K: RowKind> PartitionRows<K> {
    /// Brings the rows of a partition together; `pieces` are blocks and the partition's number in each. Rows of one
    /// user come out in no particular order.
    pub fn gather(pieces: &[(&Block, usize)], types: &EventTypes) -> Option<Self> {
        let users =
            SortedKeys::of(pieces, |block, partition| Some((&block.users.keys, block.users.of_partition(partition))))?;
        let texts = SortedKeys::of(pieces, |block, partition| match &block.values.as_ref()?.keys {
            BlockKeys::Int(_) => None,
            BlockKeys::Text(keys) => Some(of_partition(keys, partition)),
        });
        let facts = SortedKeys::of(pieces, |block, partition| Some(of_partition(block.facts.as_ref()?, partition)));
        let watched = SortedKeys::of(pieces, |block, partition| Some(of_partition(block.watched.as_ref()?, partition)));
        let bounds = row_bounds(pieces, &users);
        let mut rows = vec![Row::default(); bounds.last().map_or(0, |end| *end as usize)];
        let mut ids = Interner::of_text();
        // Where the next row of each user goes.
        let mut next = bounds.clone();
        for (piece, (block, partition)) in pieces.iter().enumerate() {
            let places = |keys| places_of(keys, piece);
            let (texts, facts, watched) = (places(&texts), places(&facts), places(&watched));
            let from = BlockRows { block, types, texts, facts, watched };
            for (key, user) in block.users.of_partition(*partition).zip(&users.places[piece]) {
                let run = block.users.run(key);
                let first = next[*user as usize] as usize;
                next[*user as usize] += run.len() as u32;
                for (to, row) in rows[first..first + run.len()].iter_mut().zip(run) {
                    *to = Row::read(&from, row, &mut ids);
                }
            }
        }
        let watched = WatchedTable::new(types.watched(), watched.map(|watched| watched.keys));
        let looks_at_values = !types.timeouts().is_empty() || watched.columns() > 0;
        let (texts, facts) = (texts.map(|texts| texts.keys), facts.map(|facts| facts.keys));
        let mut rows = PartitionRows { users: users.keys, texts, facts, watched, ids: Some(ids), rows, bounds };
        if looks_at_values {
            rows.order_ids();
        }
        Some(rows)
    }

    /// Gives rows the places of their unique ids among the distinct ones, in ascending order, in place of codes, whose
    /// order is that in which files came.
    pub fn order_ids(&mut self) {
        let Some(ids) = self.ids.take() else { return };
        let (_, ranks) = ids.into_ranked();
        self.rows.iter_mut().for_each(|row| row.rank_id(&ranks));
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The rows of each user, users in ascending order, with the user's place in `users`.
    pub fn each_user(&mut self, mut visit: impl FnMut(u32, &mut [Row<K>])) {
        for (user, bounds) in self.bounds.windows(2).enumerate() {
            visit(user as u32, &mut self.rows[bounds[0] as usize..bounds[1] as usize]);
        }
    }
}

/// The distinct keys of a partition, whatever block they are in.
struct SortedKeys {
    /// In ascending order.
    keys: KeyColumn,
    /// For each block, where its keys are among them.
    places: Vec<Vec<u32>>,
}

impl SortedKeys {
    /// Of the keys that `keys_of` finds in blocks; `None` where none of them has any.
    fn of<'b>(
        pieces: &[(&'b Block, usize)],
        keys_of: impl Fn(&'b Block, usize) -> Option<(&'b KeyColumn, Range<usize>)>,
    ) -> Option<Self> {
        let mut interner: Option<Interner> = None;
        let mut places = Vec::with_capacity(pieces.len());
        for (block, partition) in pieces {
            let Some((keys, own)) = keys_of(block, *partition) else {
                places.push(Vec::new());
                continue;
            };
            let interner = interner.get_or_insert_with(|| Interner::like(keys));
            places.push(own.map(|key| interner.intern(keys, key)).collect::<Vec<u32>>());
        }
        let (keys, ranks) = interner?.into_ranked();
        places.iter_mut().flatten().for_each(|place| *place = ranks[*place as usize]);
        Some(SortedKeys { keys, places })
    }
}

/// Where the keys of a block are among those of the partition, where there are any.
fn places_of(keys: &Option<SortedKeys>, block: usize) -> &[u32] {
    keys.as_ref().map_or(&[], |keys| &keys.places[block])
}

/// A block's distinct keys in a partition: they are in a column of all of them.
fn of_partition(keys: &CodedKeys, partition: usize) -> (&KeyColumn, Range<usize>) {
    (&keys.keys, keys.of_partition(partition))
}

/// Where each user's rows begin when those of all blocks are together, and last where all end.
fn row_bounds(pieces: &[(&Block, usize)], users: &SortedKeys) -> Vec<u32> {
    let mut bounds = vec![0; users.keys.len() + 1];
    for ((block, partition), users) in pieces.iter().zip(&users.places) {
        for (key, user) in block.users.of_partition(*partition).zip(users) {
            bounds[*user as usize + 1] += block.users.run(key).len() as u32;
        }
    }
    for user in 1..bounds.len() {
        bounds[user] += bounds[user - 1];
    }
    bounds
}
