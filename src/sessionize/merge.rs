//! Step 7: the rows of all partitions, date by date and in the order of the tables.

use std::collections::BTreeSet;
use std::ops::Range;

use super::columns::KeyColumn;
use super::partition::Partition;
use super::records::{ActivityRow, SessionRow};
use super::time::Day;

/// Rows that stand on a date.
pub trait Dated {
    /// The date.
    fn day(&self) -> Day;
    /// The user's place in its partition.
    fn user(&self) -> u32;
}

impl Dated for SessionRow {
    fn day(&self) -> Day {
        self.day
    }

    fn user(&self) -> u32 {
        self.user
    }
}

impl Dated for ActivityRow {
    fn day(&self) -> Day {
        self.day
    }

    fn user(&self) -> u32 {
        self.user
    }
}

/// The place of each partition's users among all users.
#[derive(Clone, Debug)]
pub struct UserRanks(Vec<Vec<u32>>);

impl UserRanks {
    /// From all users, as (partition, place in it), in ascending order.
    pub fn of_sorted(users: &[(u32, u32)], partitions: &[Partition]) -> Self {
        let mut ranks: Vec<Vec<u32>> = partitions.iter().map(|partition| vec![0; partition.users.len()]).collect();
        for (rank, (partition, user)) in users.iter().enumerate() {
            ranks[*partition as usize][*user as usize] = rank as u32;
        }
        UserRanks(ranks)
    }
}

/// All users as (partition, place in it), to be sorted by [`compare_users`].
pub fn all_users(partitions: &[Partition]) -> Vec<(u32, u32)> {
    let of = |(number, partition): (usize, &Partition)| {
        let number = number as u32;
        (0..partition.users.len() as u32).map(move |user| (number, user))
    };
    partitions.iter().enumerate().flat_map(of).collect()
}

/// Orders two users of any partitions.
pub fn compare_users(partitions: &[Partition], a: (u32, u32), b: (u32, u32)) -> std::cmp::Ordering {
    let users = |at: (u32, u32)| -> &KeyColumn { &partitions[at.0 as usize].users };
    users(a).compare(a.1 as usize, users(b), b.1 as usize)
}

/// The rows of a table by date: partitions' rows are in order of date already.
#[derive(Debug)]
pub struct ByDate<'a, R> {
    partitions: &'a [Partition],
    rows: fn(&Partition) -> &[R],
    ranks: &'a UserRanks,
}

/// Where one row of a date is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    rank: u32,
    // Rows of one user are in one partition, in order: this is their order.
    row: u32,
    partition: u32,
}

impl<'a, R: Dated> ByDate<'a, R> {
    /// The rows that `rows` takes from each partition.
    pub fn new(partitions: &'a [Partition], ranks: &'a UserRanks, rows: fn(&Partition) -> &[R]) -> Self {
        ByDate { partitions, rows, ranks }
    }

    /// All dates that have a row, in order.
    pub fn days(&self) -> Vec<Day> {
        let days = self.partitions.iter().flat_map(|partition| {
            (self.rows)(partition).chunk_by(|a, b| a.day() == b.day()).map(|chunk| chunk[0].day())
        });
        days.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The places of a date's rows, in order of user and then as they are in their partition.
    pub fn places(&self, day: Day) -> Vec<Place> {
        let mut places = Vec::new();
        for (number, partition) in self.partitions.iter().enumerate() {
            let rows = (self.rows)(partition);
            let ranks = &self.ranks.0[number];
            places.extend(rows_of(rows, day).map(|row| Place {
                rank: ranks[rows[row].user() as usize],
                row: row as u32,
                partition: number as u32,
            }));
        }
        places.sort_unstable();
        places
    }

    /// A row, and the partition that its user and texts are in.
    pub fn row(&self, place: Place) -> (&'a Partition, &'a R) {
        let partition = &self.partitions[place.partition as usize];
        (partition, &(self.rows)(partition)[place.row as usize])
    }
}

fn rows_of<R: Dated>(rows: &[R], day: Day) -> Range<usize> {
    rows.partition_point(|row| row.day() < day)..rows.partition_point(|row| row.day() <= day)
}
