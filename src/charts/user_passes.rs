//! Goes over the activity tables of segments to count their users, within a memory limit.

use rayon::ThreadPool;

use super::active::{of_date, Active, ActivePass, AskedUsers, FileRead, Present, WithHours};
use super::first_active::{FirstActive, FirstHours, Meeting, SHARES};
use super::segments::SegmentTables;
use super::tables::{in_batches, BYTES_AT_ONCE};
use crate::error::Error;
use crate::job::memory_limit::MemoryLimit;
use crate::pipeline;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::ACTIVITY;

/// How tables are gone over.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// On all of these threads.
    pub pool: &'a ThreadPool,
    /// The memory that may be taken; `None` for no limit.
    pub limit: Option<MemoryLimit>,
}

/// As many rows are read at once under a memory limit: a hundred bytes each, while they are put into shares.
const ROWS_AT_ONCE: usize = 1 << 16;

/// Numbers of shares of users.
pub type Shares = Vec<usize>;

/// All shares of users.
pub fn all_shares() -> Shares {
    (0..SHARES).collect()
}

/// Users of some shares.
#[derive(Debug)]
pub struct MetUsers {
    /// When each was first active.
    pub first: FirstActive,
    /// The shares that they are of.
    pub shares: Shares,
    /// Those that memory did not hold beside them.
    pub left: Shares,
}

impl Reading<'_> {
    /// Bytes of files that are read at once.
    pub fn at_once(&self) -> u64 {
        let threads = self.pool.current_num_threads();
        self.limit.map_or(BYTES_AT_ONCE, |limit| limit.files_at_once(threads).min(BYTES_AT_ONCE))
    }

    /// When every user of some tables was first active.
    ///
    /// # Errors
    /// A table that cannot be read; more users than memory holds.
    pub fn first_active(&self, all: &SegmentTables, with_hours: WithHours) -> Result<FirstActive, Error> {
        let pass = ActivePass::new(all, Vec::new(), Some(with_hours));
        let MetUsers { first, shares, left } = self.meet(&pass, all_shares())?;
        match self.limit.filter(|limit| !left.is_empty() || limit.is_near()) {
            Some(limit) => Err(limit.many_users(first.bytes() * (SHARES / shares.len().max(1)) as u64)),
            None => Ok(first),
        }
    }

    /// Counts the users of all events of some shares, or of as many of them as memory holds, while they are met.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn meet(&self, pass: &ActivePass<'_>, shares: Shares) -> Result<MetUsers, Error> {
        let users = Meeting::new();
        let count = |share: usize, files: &[Present]| {
            pass.count_and_meet(share, files, &users);
            Ok(())
        };
        let forget = |share: usize| {
            pass.forget(share);
            users.forget(share);
        };
        let (shares, left) = self.go_over(pass, shares, count, forget)?;
        Ok(MetUsers { first: users.finish(), shares, left })
    }

    /// The active users of all events in intervals of one date, in order of those who ask for them.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn of_dates(
        &self,
        all: &SegmentTables,
        asked: &[AskedUsers<'_>],
        first: &FirstHours,
    ) -> Result<Vec<Active>, Error> {
        let files = all.files.dated(ACTIVITY);
        let of_files = pipeline::each(self.pool, &files, |file| Ok(of_date(file, asked, first)?))?;
        let of_one = |place: usize| Active::of_dates(of_files.iter().map(|of_file| of_file[place].clone()));
        Ok((0..asked.len()).map(of_one).collect())
    }

    /// Counts the users of some shares, whose first hours are known.
    ///
    /// # Errors
    /// A table that cannot be read, or has a user whose first hour is not known.
    pub fn count(&self, pass: &ActivePass<'_>, mut shares: Shares, first: &FirstActive) -> Result<(), Error> {
        while !shares.is_empty() {
            let count = |share: usize, files: &[Present]| pass.count(share, files, first);
            (_, shares) = self.go_over(pass, shares, count, |share| pass.forget(share))?;
        }
        Ok(())
    }

    /// Takes the files of a pass to each share; gives the shares that memory holds, and those that wait for another time.
    fn go_over(
        &self,
        pass: &ActivePass<'_>,
        mut shares: Shares,
        count: impl Fn(usize, &[Present]) -> Result<(), TableError> + Sync,
        forget: impl Fn(usize),
    ) -> Result<(Shares, Shares), Error> {
        let mut left = Vec::new();
        let mut take = |read: Vec<FileRead>| -> Result<(), Error> {
            let present = pass.take(read);
            pipeline::each(self.pool, &shares, |share| count(*share, &present).map_err(Error::from))?;
            drop(present);
            // Half of the users wait for the next time.
            while shares.len() > 1 && self.limit.is_some_and(MemoryLimit::is_near) {
                let later = shares.split_off(shares.len().div_ceil(2));
                later.iter().for_each(|share| forget(*share));
                left.extend(later);
            }
            Ok(())
        };
        match self.limit {
            None => {
                for files in in_batches(pass.files(), self.at_once()) {
                    take(pipeline::each(self.pool, &files, |file| Ok(pass.read(file)?))?)?;
                }
            }
            Some(_) => {
                for file in pass.files() {
                    for rows in pass.slices(&file, ROWS_AT_ONCE)? {
                        take(vec![rows?])?;
                    }
                }
            }
        }
        Ok((shares, left))
    }
}
