//! Lays events out by partition, by a hash of their user.
//!
//! One table of all users would miss the cache on every event. So the rows of a batch are first laid
//! out partition by partition, ids and all; what follows works on one partition at a time, small
//! enough for the cache, and fetches nothing at random.

use super::block::{Block, UserRuns};
use super::columns::{Coded, EventBatch};
use super::hash::hashes_of;

/// How many partitions there are: a power of two, so that a hash's top bits name one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partitions {
    bits: u32,
}

/// Groups of partitions leave memory one after the other while their sessions are made.
const GROUP_BITS: u32 = 4;

impl Partitions {
    /// Enough partitions for `rows` events at about `rows_each` a partition, from `least` up to 2048: a batch then
    /// still has many rows of each.
    pub fn for_rows(rows: u64, rows_each: u64, least: usize) -> Self {
        let wanted = rows.div_ceil(rows_each.max(1)).max(least as u64).clamp(1, 2048);
        Partitions { bits: wanted.next_power_of_two().trailing_zeros() }
    }

    /// How many there are.
    pub fn count(self) -> usize {
        1 << self.bits
    }

    /// How many groups of consecutive partitions a block is split into.
    pub fn groups(self) -> usize {
        1 << self.bits.min(GROUP_BITS)
    }

    /// The group of a partition, and its place in it.
    pub fn in_group(self, partition: usize) -> (usize, usize) {
        let each = self.count() / self.groups();
        (partition / each, partition % each)
    }

    fn of(self, hash: u64) -> u32 {
        // A shift by 64 is no shift at all: with one partition there are no bits to take.
        hash.checked_shr(64 - self.bits).unwrap_or(0) as u32
    }
}

/// Lays batches out together, by partition and user; the events of a user keep their order.
pub fn scatter(batches: &[EventBatch], partitions: Partitions) -> Block {
    let (keys, firsts) = Coded::joined(batches.iter().map(|batch| &batch.users));
    let mut counts = vec![0u32; keys.len()];
    for (batch, first) in batches.iter().zip(&firsts) {
        batch.users.codes.iter().for_each(|code| counts[(first + code) as usize] += 1);
    }
    // Those without rows, as a dictionary may have some, go behind the last partition.
    let count = partitions.count();
    let partition_of = |(hash, rows): (u64, &u32)| if *rows == 0 { count as u32 } else { partitions.of(hash) };
    let of_user: Vec<u32> = hashes_of(&keys).into_iter().zip(&counts).map(partition_of).collect();
    let (mut order, mut key_bounds) = counting_sort(&of_user, count + 1);
    key_bounds.truncate(count + 1);
    order.truncate(key_bounds[count] as usize);
    let mut row_bounds = Vec::with_capacity(order.len() + 1);
    let mut end = 0;
    for user in &order {
        row_bounds.push(end);
        // From here on: where the next row of the user goes.
        end += std::mem::replace(&mut counts[*user as usize], end);
    }
    row_bounds.push(end);
    let mut next = counts;
    let mut places = Vec::with_capacity(end as usize);
    for (batch, first) in batches.iter().zip(firsts) {
        places.extend(batch.users.codes.iter().map(|code| {
            let next = &mut next[(first + code) as usize];
            *next += 1;
            *next - 1
        }));
    }
    Block::new(batches, UserRuns { keys: keys.gather(&order), key_bounds, row_bounds }, &places)
}

/// The rows in ascending order of their key, rows of one key in their own order, and where each key's
/// rows begin (one bound more than there are keys).
pub fn counting_sort(keys: &[u32], key_count: usize) -> (Vec<u32>, Vec<u32>) {
    let mut bounds = vec![0u32; key_count + 1];
    for key in keys {
        bounds[*key as usize + 1] += 1;
    }
    for key in 0..key_count {
        bounds[key + 1] += bounds[key];
    }
    let mut next = bounds.clone();
    let mut order = vec![0u32; keys.len()];
    for (row, key) in keys.iter().enumerate() {
        let place = &mut next[*key as usize];
        order[*place as usize] = row as u32;
        *place += 1;
    }
    (order, bounds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::layout::columns::KeyColumn;
    use crate::sessionize::time::Timestamp;

    fn batch(users: &[i64]) -> EventBatch {
        EventBatch {
            users: Coded::new(KeyColumn::Int(users.to_vec()), (0..users.len() as u32).collect()),
            times: (0..users.len() as i64).map(Timestamp::from_micros).collect(),
            events: None,
            values: None,
            sequence: None,
            unique_ids: None,
            facts: None,
            watched: None,
            partial_sessions: None,
        }
    }

    #[test]
    fn every_event_of_a_user_lands_in_one_partition() {
        let users: Vec<i64> = (0..1_000).map(|row| row % 37).collect();
        let mut events = batch(&(0..37).collect::<Vec<_>>());
        events.users.codes = users.iter().map(|user| *user as u32).collect();
        events.times = (0..1_000).map(Timestamp::from_micros).collect();
        let block = scatter(&[events], Partitions::for_rows(1_000, 100, 1));
        let KeyColumn::Int(keys) = &block.users.keys else { panic!("numbers stay numbers") };
        assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), keys.len(), "each user is in one");
        for partition in 0..16 {
            for key in block.users.of_partition(partition) {
                for row in block.users.run(key) {
                    assert_eq!(keys[key], users[block.time(row).micros() as usize]);
                }
            }
        }
        assert_eq!((keys.len(), block.rows(15).end), (37, 1_000));
        let used = (0..16).filter(|partition| !block.rows(*partition).is_empty()).count();
        assert!(used > 8, "users spread out");
    }

    #[test]
    fn one_partition_keeps_everything() {
        let block = scatter(&[batch(&[3, 1, 2])], Partitions::for_rows(0, 100, 1));
        assert_eq!(block.rows(0), 0..3);
    }

    #[test]
    fn counting_sort_is_stable() {
        let (order, bounds) = counting_sort(&[2, 0, 2, 1, 0], 3);
        assert_eq!(order, [1, 4, 3, 0, 2]);
        assert_eq!(bounds, [0, 2, 3, 5]);
    }
}
