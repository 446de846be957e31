//! Brings the rows of all partitions together, date by date and in the order of the tables.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use rayon::prelude::*;

use super::dated::{ByDay, Dated};
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::prefix::{prefix, shared_bytes};
use crate::sessionize::layout::scatter::counting_sort;
use crate::sessionize::partition::Partition;
use crate::sessionize::time::Day;

/// A user of any partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AnyUser {
    /// Orders most users.
    prefix: u64,
    partition: u32,
    user: u32,
}

impl AnyUser {
    /// Orders two users.
    fn compare(&self, other: &AnyUser, partitions: &[Partition]) -> Ordering {
        self.prefix.cmp(&other.prefix).then_with(|| {
            let (mine, theirs) = (&partitions[self.partition as usize], &partitions[other.partition as usize]);
            mine.users.compare(self.user as usize, &theirs.users, other.user as usize)
        })
    }
}

/// All users of all partitions, to be sorted by [`AnyUser::compare`].
fn any_users(partitions: &[Partition]) -> Vec<AnyUser> {
    // What the first and the last of a partition share, all in between share, too.
    let ends = partitions.iter().map(|partition| &partition.users).filter(|users| !users.is_empty());
    let shared = shared_bytes(ends.flat_map(|users| [users.text(0), users.text(users.len() - 1)]).flatten());
    let of = |(number, partition): (usize, &Partition)| -> Vec<AnyUser> {
        let users = 0..partition.users.len();
        users
            .map(|user| AnyUser {
                prefix: prefix(&partition.users, user, shared),
                partition: number as u32,
                user: user as u32,
            })
            .collect()
    };
    partitions.par_iter().enumerate().map(of).collect::<Vec<_>>().concat()
}

/// All users in ascending order.
#[derive(Clone, Debug)]
pub struct AllUsers {
    /// The users, by rank, in pieces of [`PIECE`].
    pieces: Vec<KeyColumn>,
    count: usize,
    /// The ranks of each partition's users.
    ranks: Vec<Vec<u32>>,
}

/// Users that a thread brings together in one go.
const PIECE: usize = 1 << 14;

impl AllUsers {
    /// The users of all partitions, in order.
    pub fn of(partitions: &[Partition]) -> Self {
        let mut sorted = any_users(partitions);
        sorted.par_sort_unstable_by(|a, b| a.compare(b, partitions));
        let mut ranks: Vec<Vec<u32>> = partitions.iter().map(|partition| vec![0; partition.users.len()]).collect();
        for (rank, user) in sorted.iter().enumerate() {
            ranks[user.partition as usize][user.user as usize] = rank as u32;
        }
        let in_order = |users: &[AnyUser]| {
            let of = |user: &AnyUser| (&*partitions[user.partition as usize].users, user.user as usize);
            KeyColumn::picked(users.iter().map(of))
        };
        AllUsers { pieces: sorted.par_chunks(PIECE).map(in_order).collect(), count: sorted.len(), ranks }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The ranks of a partition's users, by their places in it.
    pub fn ranks_of(&self, partition: usize) -> &[u32] {
        &self.ranks[partition]
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(KeyColumn::size).sum::<usize>() + self.count * size_of::<u32>()
    }

    /// Where the user of a rank is: a column, and its row.
    pub fn find(&self, rank: usize) -> (&KeyColumn, usize) {
        (&self.pieces[rank / PIECE], rank % PIECE)
    }
}

/// The rows of a table by date: partitions' rows are in order of date already.
#[derive(Debug)]
pub struct ByDate<'a, R: Dated> {
    partitions: &'a [Partition],
    rows: fn(&Partition) -> &ByDay<R>,
    /// Where the rows of each partition are: side by side, so that it is at hand for any row of any of them.
    smalls: Vec<(&'a [R::Small], bool)>,
    users: &'a AllUsers,
}

/// Where one row of a date is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    rank: u32,
    // Rows of one user are in one partition, in order: this is their order.
    row: u32,
    partition: u32,
}

impl Place {
    /// The place of its user among all users.
    pub fn user(self) -> usize {
        self.rank as usize
    }

    /// The number of its partition.
    pub fn partition(self) -> usize {
        self.partition as usize
    }

    /// Its place among the rows of its partition.
    pub fn row(self) -> usize {
        self.row as usize
    }

    /// Another place in the same partition: that of one of several values that its row has.
    pub fn item(self, place: usize) -> Place {
        Place { row: place as u32, ..self }
    }
}

impl<'a, R: Dated> ByDate<'a, R> {
    /// The rows that `rows` takes from each partition.
    pub fn new(partitions: &'a [Partition], users: &'a AllUsers, rows: fn(&Partition) -> &ByDay<R>) -> Self {
        let smalls = partitions.iter().map(|partition| rows(partition).smalls()).collect();
        ByDate { partitions, rows, smalls, users }
    }

    /// All dates that have a row, in order.
    pub fn days(&self) -> Vec<Day> {
        let days: BTreeSet<Day> = self.partitions.iter().flat_map(|partition| (self.rows)(partition).days()).collect();
        days.into_iter().collect()
    }

    /// How many rows a date has.
    pub fn rows_of(&self, day: Day) -> u64 {
        self.partitions.iter().map(|partition| (self.rows)(partition).of_day(day).len() as u64).sum()
    }

    /// The places of a date's rows, in order of user and then as they are in their partition.
    pub fn places(&self, day: Day) -> Vec<Place> {
        let mut places = Vec::new();
        for (number, partition) in self.partitions.iter().enumerate() {
            let rows = (self.rows)(partition);
            let ranks = &self.users.ranks[number];
            places.extend(rows.of_day(day).map(|row| Place {
                rank: ranks[rows.user_of(row) as usize],
                row: row as u32,
                partition: number as u32,
            }));
        }
        in_order(&places, self.users.len())
    }

    /// All users.
    pub fn users(&self) -> &'a AllUsers {
        self.users
    }

    /// The partitions, by their numbers.
    pub fn partitions(&self) -> &'a [Partition] {
        self.partitions
    }

    /// Adds rows of a date, whose texts are in their partitions.
    pub fn add_rows(&self, day: Day, places: &[Place], rows: &mut Vec<R>) {
        /// Rows that are fetched before anything is made of them.
        const FETCHED: usize = 1 << 7;
        let mut fetched = Vec::with_capacity(FETCHED);
        for places in places.chunks(FETCHED) {
            // Each is somewhere else in memory: with nothing to do in between, many are on their way at once.
            fetched.clear();
            fetched.extend(places.iter().map(|place| {
                let (smalls, are_usual) = self.smalls[place.partition()];
                (smalls[place.row()], are_usual)
            }));
            rows.extend(places.iter().zip(&fetched).map(|(place, (small, is_usual))| match is_usual {
                true => R::whole(*small, day),
                false => (self.rows)(&self.partitions[place.partition()]).row(day, place.row()),
            }));
        }
    }
}

/// Sorts places whose ranks are below `ranks` and spread over all of them: into bins of a few places, and then
/// each bin.
fn in_order(places: &[Place], ranks: usize) -> Vec<Place> {
    const PER_BIN: usize = 4;
    let bins = (places.len() / PER_BIN).max(1);
    let bin = |place: &Place| (place.rank as u64 * bins as u64 / ranks.max(1) as u64) as u32;
    let (order, bounds) = counting_sort(&places.iter().map(bin).collect::<Vec<_>>(), bins);
    let mut sorted: Vec<Place> = order.iter().map(|at| places[*at as usize]).collect();
    bounds.windows(2).for_each(|bin| sorted[bin[0] as usize..bin[1] as usize].sort_unstable());
    sorted
}
