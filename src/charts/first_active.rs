//! When each user was first active: the first hour of the activity table of all events, over all its dates (SPEC 5).

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use super::interval::IntervalKey;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::hash::hashes_of;
use crate::sessionize::layout::intern::{InternedKeys, Interner};
use crate::sessionize::layout::scatter::counting_sort;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::records::ActivityRow;

/// Users are told apart in so many shares: each in a table that stays in the cache, and on whatever thread.
pub const SHARES: usize = 64;

/// The rows of a file, share by share of their users.
#[derive(Debug)]
pub struct InShares {
    /// The user of each row.
    pub users: KeyColumn,
    order: Vec<u32>,
    bounds: Vec<u32>,
}

impl InShares {
    /// Of the users of rows.
    pub fn new(users: KeyColumn) -> Self {
        // By other bits than those that place a user in its table.
        let share = |hash: u64| (hash >> (u64::BITS - SHARES.trailing_zeros())) as u32;
        let (order, bounds) = counting_sort(&hashes_of(&users).into_iter().map(share).collect::<Vec<_>>(), SHARES);
        InShares { users, order, bounds }
    }

    /// The rows of a share, in order.
    pub fn rows(&self, share: usize) -> &[u32] {
        &self.order[self.bounds[share] as usize..self.bounds[share + 1] as usize]
    }
}

/// The users of all events, as they come date by date.
#[derive(Debug)]
pub struct Meeting(Vec<Mutex<Met>>);

/// The users of a share that have come so far.
#[derive(Debug, Default)]
pub struct Met {
    users: Option<Interner>,
    first: Vec<i64>,
}

impl Meeting {
    /// Of nobody yet.
    pub fn new() -> Self {
        Meeting((0..SHARES).map(|_| Mutex::default()).collect())
    }

    /// A share of them.
    pub fn share(&self, share: usize) -> MutexGuard<'_, Met> {
        self.0[share].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the users of a share.
    pub fn forget(&self, share: usize) {
        *self.share(share) = Met::default();
    }

    /// All of them, once all dates have come.
    pub fn finish(self) -> FirstActive {
        let shares = self.0.into_iter().map(|share| {
            let Met { users, first } = share.into_inner().unwrap_or_else(PoisonError::into_inner);
            FirstUsers { users: users.map(Interner::into_lookup), first }
        });
        FirstActive(shares.collect())
    }
}

impl Met {
    /// Takes the users of some rows of a file that is of no earlier date than those before, and gives their codes; `hour`
    /// is the first hour of a row, as the number of an [`IntervalKey`].
    pub fn meet(&mut self, users: &KeyColumn, rows: &[u32], hour: impl Fn(u32) -> i64) -> Vec<u32> {
        let known = self.users.get_or_insert_with(|| Interner::like(users));
        let codes = known.intern_rows(users, rows);
        for (code, row) in codes.iter().zip(rows) {
            // Codes count up, in the order of rows.
            if *code as usize == self.first.len() {
                self.first.push(hour(*row));
            }
        }
        codes
    }

    /// The first hour of each user, by its code.
    pub fn first(&self) -> &[i64] {
        &self.first
    }
}

/// The first hour of each user.
#[derive(Debug)]
pub struct FirstActive(Vec<FirstUsers>);

/// Those of a share.
#[derive(Debug)]
pub struct FirstUsers {
    users: Option<InternedKeys>,
    first: Vec<i64>,
}

impl FirstActive {
    /// The users of a share.
    pub fn share(&self, share: usize) -> &FirstUsers {
        &self.0[share]
    }

    /// The memory that they take, in bytes.
    pub fn bytes(&self) -> u64 {
        let of_share = |share: &FirstUsers| {
            share.users.as_ref().map_or(0, InternedKeys::bytes) + size_of::<i64>() * share.first.capacity()
        };
        self.0.iter().map(of_share).sum::<usize>() as u64
    }

    /// Of each of some users, the first hour, as the number of an [`IntervalKey`]; `None` where one was never active.
    pub fn hours(&self, users: KeyColumn) -> Vec<Option<i64>> {
        let mut hours = vec![None; users.len()];
        let all = InShares::new(users);
        for (share, known) in self.0.iter().enumerate() {
            for row in all.rows(share) {
                let code = known.code(&all.users, *row);
                hours[*row as usize] = code.map(|code| known.first[code as usize]);
            }
        }
        hours
    }
}

impl FirstUsers {
    /// The code of the user in a row; `None` where one was never active.
    pub fn code(&self, users: &KeyColumn, row: u32) -> Option<u32> {
        self.users.as_ref()?.code(users, row as usize)
    }

    /// The first hour of each user, by its code.
    pub fn first(&self) -> &[i64] {
        &self.first
    }
}

/// How many users were first active in each hour.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstHours(BTreeMap<IntervalKey, i64>);

impl FirstHours {
    /// Of rows in memory that are those of all dates.
    pub fn of(partitions: &[Partition]) -> Self {
        let of_partition = |partition: &Partition| {
            let mut hours = BTreeMap::new();
            let mut met = Vec::new();
            // In order of date.
            for ActivityRow { user, day, hours: active, .. } in partition.activity_rows().iter() {
                let user = user as usize;
                met.resize(met.len().max(user + 1), false);
                if !std::mem::replace(&mut met[user], true) {
                    *hours.entry(IntervalKey::of_hour(day, i64::from(active.trailing_zeros()))).or_default() += 1;
                }
            }
            hours
        };
        let mut all = FirstHours::default();
        for hours in partitions.par_iter().map(of_partition).collect::<Vec<BTreeMap<IntervalKey, i64>>>() {
            hours.into_iter().for_each(|(hour, users)| *all.0.entry(hour).or_default() += users);
        }
        all
    }

    /// How many were first active in hours from the first on, before the second.
    pub fn within(&self, hours: std::ops::Range<IntervalKey>) -> i64 {
        self.0.range(hours).map(|(_, users)| users).sum()
    }
}
