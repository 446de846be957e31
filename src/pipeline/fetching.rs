//! Row groups of objects, fetched ahead of the threads that decode them.
//!
//! ```text
//! fetchers, as many as requests may be under way      the threads of the pool
//! turn 0 ─► open, ranges ─► room? ─► fetch ─┐
//! turn 1 ─► open, ranges ─► room? ─► fetch ─┼─► ready ─► decode, work, give the room back
//! turn 2 ─► …                               ┘
//! ```
//!
//! Room is given in turn, so that what comes first is there first; a row group of more bytes than there are in all is
//! fetched by itself. Fetchers wait for the network, and nobody else does.

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use rayon::ThreadPool;

use crate::cancel;
use crate::error::Error;
use crate::events::decode::read::{FileTask, OpenFile};
use crate::events::error::InputError;
use crate::job::memory_limit::MemoryLimit;
use crate::storage::fetched::joined;

/// What is fetched, and how.
#[derive(Clone, Copy, Debug)]
pub struct Fetching {
    /// How many row groups there are.
    pub count: usize,
    /// How many fetchers there are.
    pub fetchers: usize,
    /// Bytes that may be on their way, or wait to be decoded.
    pub room: u64,
}

impl Fetching {
    /// How so many row groups of some files are fetched; `None` where no file is an object.
    pub fn of<T: Borrow<FileTask>>(tasks: &[T], count: usize, limit: Option<(MemoryLimit, usize)>) -> Option<Self> {
        let tasks = tasks.iter().map(|task| -> &FileTask { task.borrow() });
        let objects = tasks.filter_map(|task| task.object.as_ref());
        let fetchers = objects.map(|object| object.concurrency()).max()?;
        Some(Fetching { count, fetchers, room: Fetching::room(limit) })
    }

    /// The room under a memory limit, for so many threads.
    fn room(limit: Option<(MemoryLimit, usize)>) -> u64 {
        /// Without a limit: enough for a fast network.
        const UNLIMITED: u64 = 512 << 20;
        limit.map_or(UNLIMITED, |(limit, threads)| limit.fetched(threads))
    }
}

/// A row group that was fetched.
struct Ready<'t> {
    place: usize,
    number: usize,
    bytes: u64,
    file: OpenFile<'t>,
}

struct State<'t> {
    /// The next one to be begun.
    next: usize,
    /// Whose turn it is to take room.
    turn: usize,
    held: u64,
    ready: VecDeque<Result<Ready<'t>, InputError>>,
    /// How many were taken out of `ready`.
    taken: usize,
    is_over: bool,
}

struct Queue<'t> {
    fetching: Fetching,
    state: Mutex<State<'t>>,
    news: Condvar,
}

/// Fetches row groups in order, and works on each on a thread of the pool; what comes of each is in their order. `open` says
/// for each place which row group of which file it is.
///
/// # Errors
/// The first that comes: an object that cannot be read, work that fails, an interruption.
pub fn each_fetched<'t, F: Borrow<OpenFile<'t>>, T: Send>(
    pool: &ThreadPool,
    fetching: Fetching,
    open: impl Fn(usize) -> Result<(F, usize), InputError> + Sync,
    work: impl Fn(usize, OpenFile<'t>, usize) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let state = State { next: 0, turn: 0, held: 0, ready: VecDeque::new(), taken: 0, is_over: fetching.count == 0 };
    let queue = Queue { fetching, state: Mutex::new(state), news: Condvar::new() };
    let worker = || -> Result<Vec<(usize, T)>, Error> {
        let end = EndOnDrop(&queue);
        let mut done = Vec::new();
        while let Some(ready) = queue.next() {
            cancel::check()?;
            let Ready { place, number, bytes, file } = ready?;
            let _room = RoomOnDrop(&queue, bytes);
            done.push((place, work(place, file, number)?));
        }
        std::mem::forget(end);
        Ok(done)
    };
    let done = std::thread::scope(|scope| {
        // Where the system gives no thread, others fetch.
        let fetcher = || queue.fetch_all(&open);
        let begun = (0..fetching.fetchers.min(fetching.count))
            .map(|_| std::thread::Builder::new().name("dwell-fetch".to_string()).spawn_scoped(scope, fetcher))
            .filter(Result::is_ok)
            .count();
        if begun == 0 && fetching.count > 0 {
            return vec![Err(Error::Refused)];
        }
        pool.broadcast(|_| worker())
    });
    let mut all: Vec<(usize, T)> = Vec::with_capacity(fetching.count);
    for of_thread in done {
        all.extend(of_thread?);
    }
    all.sort_by_key(|(place, _)| *place);
    Ok(all.into_iter().map(|(_, made)| made).collect())
}

impl<'t> Queue<'t> {
    fn lock(&self) -> MutexGuard<'_, State<'t>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State<'t>>) -> MutexGuard<'g, State<'t>> {
        self.news.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Fetches one after the other, as long as there are some.
    fn fetch_all<F: Borrow<OpenFile<'t>>>(&self, open: &(impl Fn(usize) -> Result<(F, usize), InputError> + Sync)) {
        // Should a fetcher panic, nobody waits for it.
        let end = EndOnDrop(self);
        while let Some(place) = self.begin() {
            let opened = open(place);
            let wanted = opened.as_ref().map_or(0, |(file, number)| bytes_of(file.borrow(), *number));
            if !self.take_room(place, wanted) {
                return;
            }
            let fetched = opened.and_then(|(file, number)| {
                let file: &OpenFile<'t> = file.borrow();
                let file = file.fetch(number)?;
                Ok(Ready { place, number, bytes: wanted, file })
            });
            self.lock().ready.push_back(fetched);
            self.news.notify_all();
        }
        std::mem::forget(end);
    }

    fn begin(&self) -> Option<usize> {
        let mut state = self.lock();
        let place = state.next;
        if state.is_over || place >= self.fetching.count {
            return None;
        }
        state.next += 1;
        Some(place)
    }

    /// Takes room in turn, as soon as there is; `false` where it is over.
    fn take_room(&self, place: usize, bytes: u64) -> bool {
        let mut state = self.lock();
        while !state.is_over && (state.turn != place || state.held > 0 && state.held + bytes > self.fetching.room) {
            state = self.wait(state);
        }
        state.held += bytes;
        state.turn += 1;
        self.news.notify_all();
        !state.is_over
    }

    /// The next one that is there; `None` where there are no more, or where it is over.
    fn next(&self) -> Option<Result<Ready<'t>, InputError>> {
        let mut state = self.lock();
        loop {
            if state.is_over || state.taken == self.fetching.count {
                return None;
            }
            if let Some(ready) = state.ready.pop_front() {
                state.taken += 1;
                if state.taken == self.fetching.count {
                    self.news.notify_all();
                }
                return Some(ready);
            }
            state = self.wait(state);
        }
    }
}

/// The bytes of a row group that are read.
fn bytes_of(file: &OpenFile<'_>, number: usize) -> u64 {
    joined(file.wanted(number)).iter().map(|range| range.end - range.start).sum()
}

/// Ends it for all, unless it is forgotten.
struct EndOnDrop<'q, 't>(&'q Queue<'t>);

impl Drop for EndOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().is_over = true;
        self.0.news.notify_all();
    }
}

/// Gives room back.
struct RoomOnDrop<'q, 't>(&'q Queue<'t>, u64);

impl Drop for RoomOnDrop<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().held -= self.1;
        self.0.news.notify_all();
    }
}
