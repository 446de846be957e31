//! The sessions of all partitions, made on all threads.

use std::sync::Arc;
use std::time::Instant;

use rayon::ThreadPool;

use super::each;
use super::event_buffer::{Events, MemoryBudget};
use super::progress::Progress;
use crate::error::Error;
use crate::profile::{Profile, Step};
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::partition::{sessionize, AllCounts, Partition};
use crate::sessionize::table_rows::merge::AllUsers;
use crate::sessionize::user::Rules;

/// Fewer bytes of sessions than this are not worth a part of the tables of their own.
const LEAST_PART: usize = 8 << 20;

/// The tables of all partitions.
#[derive(Debug)]
pub struct Made {
    /// One result a partition.
    pub partitions: Vec<Partition>,
    /// Those of each segment.
    pub segments: Vec<Vec<Partition>>,
    /// All users in order, and no longer in the partitions.
    pub users: AllUsers,
}

/// Makes the sessions of all partitions. Where memory does not hold all of them, `part` is called with those made
/// so far, which are then dropped; the rest is returned.
///
/// # Errors
/// An interruption, users with more events than memory holds, and what `part` fails on.
pub fn make(
    pool: &ThreadPool,
    events: Events,
    rules: &Rules<'_>,
    budget: &MemoryBudget,
    profile: &Profile,
    progress: &Progress,
    mut part: impl FnMut(&Made) -> Result<(), Error>,
) -> Result<(Made, AllCounts), Error> {
    let most = budget.limit.map(|limit| limit.waiting_sessions(budget.threads));
    let mut counts = AllCounts::default();
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for numbers in at_once(&events, budget, most) {
        let shared = budget.shared(most.map_or(0, |most| most.saturating_sub(bytes)) as u64);
        let one = |number: &usize| {
            let began = Instant::now();
            let mut interned = began;
            let made = events.take_pieces(*number, budget, &shared, |pieces| {
                sessionize(pieces, rules, || interned = Instant::now())
            })?;
            profile.add(Step::Intern, interned - began);
            profile.add(Step::Cut, interned.elapsed());
            progress.add(1);
            Ok(made)
        };
        for partition in each(pool, &numbers, one)?.into_iter().flatten() {
            if let Some(place) = partition.too_large() {
                let name = rules.facts.and_then(|facts| facts.names.get(place));
                return Err(Error::SumTooLarge { column: name.cloned().unwrap_or_default() });
            }
            counts.add(&partition);
            bytes += partition.bytes();
            waiting.push(partition);
        }
        if most.is_some_and(|most| bytes > most || bytes >= LEAST_PART && budget.is_tight()) {
            part(&profile.time(Step::Order, || Made::new(pool, std::mem::take(&mut waiting))))?;
            bytes = 0;
        }
    }
    drop(events);
    Ok((profile.time(Step::Order, || Made::new(pool, waiting)), counts))
}

/// The partitions, in order, in as many lots as it takes for what comes of one of them to be little beside the sessions
/// that may wait, `most` bytes; all of them at once, where there is no limit.
fn at_once(events: &Events, budget: &MemoryBudget, most: Option<usize>) -> Vec<Vec<usize>> {
    /// What a row comes to, about, where it is a session.
    const ROW_BYTES: u64 = 64;
    let all: Vec<usize> = (0..events.partitions().count()).collect();
    let Some(most) = most else { return vec![all] };
    let mut lots: Vec<Vec<usize>> = Vec::new();
    let mut bytes = 0;
    for partition in all {
        let more = events.rows(partition) * ROW_BYTES;
        bytes += more;
        match lots.last_mut().filter(|lot| lot.len() < budget.threads * 4 && bytes <= most as u64 / 4) {
            Some(lot) => lot.push(partition),
            None => {
                lots.push(vec![partition]);
                bytes = more;
            }
        }
    }
    lots
}

impl Made {
    /// No table has a row.
    pub fn nothing(pool: &ThreadPool) -> Self {
        Made::new(pool, Vec::new())
    }

    fn new(pool: &ThreadPool, mut partitions: Vec<Partition>) -> Self {
        let mut segments: Vec<Vec<Partition>> = Vec::new();
        for partition in &mut partitions {
            let of_segments = std::mem::take(&mut partition.segments);
            segments.resize_with(of_segments.len().max(segments.len()), Vec::new);
            segments.iter_mut().zip(of_segments).for_each(|(segment, of)| segment.push(of));
        }
        let users = pool.install(|| AllUsers::of(&partitions));
        let none = Arc::new(KeyColumn::Int(Vec::new()));
        let all = partitions.iter_mut().chain(segments.iter_mut().flatten());
        all.for_each(|partition| partition.users = Arc::clone(&none));
        Made { partitions, segments, users }
    }
}
