//! The sessions of all partitions, made on all threads.

use std::sync::Arc;
use std::time::Instant;

use rayon::ThreadPool;

use super::each;
use crate::error::Error;
use crate::profile::{Profile, Step};
use crate::report::progress::Progress;
use crate::sessionize::aggregate::Rules;
use crate::sessionize::columns::KeyColumn;
use crate::sessionize::merge::AllUsers;
use crate::sessionize::partition::{sessionize, AllCounts, Partition};
use crate::store::{Events, Room};

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

/// Makes the sessions of all partitions. Where memory does not hold all of them, `part` takes some at a time, and
/// what it has not taken is left.
///
/// # Errors
/// An interruption, users with more events than memory holds, and what `part` fails on.
pub fn make(
    pool: &ThreadPool,
    events: Events,
    rules: &Rules<'_>,
    room: &Room,
    profile: &Profile,
    progress: &Progress,
    mut part: impl FnMut(&Made) -> Result<(), Error>,
) -> Result<(Made, AllCounts), Error> {
    let one = |number: &usize| {
        let began = Instant::now();
        let mut interned = began;
        let made =
            events.take_pieces(*number, room, |pieces| sessionize(pieces, rules, || interned = Instant::now()))?;
        profile.add(Step::Intern, interned - began);
        profile.add(Step::Cut, interned.elapsed());
        progress.add(1);
        Ok(made)
    };
    let all: Vec<usize> = (0..events.partitions().count()).collect();
    let most = room.limit.map(|limit| limit.waiting_sessions(room.threads));
    // Without a limit all are made at once; with one, a few at a time.
    let at_once = if most.is_some() { room.threads * 4 } else { all.len() };
    let mut counts = AllCounts::default();
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    for numbers in all.chunks(at_once) {
        for partition in each(pool, numbers, one)?.into_iter().flatten() {
            counts.add(&partition);
            bytes += partition.bytes();
            waiting.push(partition);
        }
        if most.is_some_and(|most| bytes > most) {
            part(&profile.time(Step::Order, || Made::new(pool, std::mem::take(&mut waiting))))?;
            bytes = 0;
        }
    }
    drop(events);
    Ok((profile.time(Step::Order, || Made::new(pool, waiting)), counts))
}

impl Made {
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
