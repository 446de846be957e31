//! Batches of a stream, worked on by all threads as they come.
//!
//! One thread of its own reads the stream, so that whoever writes it hardly waits; those of the pool take the next batch as
//! soon as they are free.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use rayon::ThreadPool;

use super::reading::{blame, GroupWork};
use crate::cancel;
use crate::error::Error;
use crate::events::decode::read::FileTask;
use crate::events::error::InputError;
use crate::events::normalise::project::{RoleColumns, SeenBefore};
use crate::events::normalise::Normaliser;
use crate::events::source::plan::ReadPlan;
use crate::profile::{Profile, Step};
use crate::sessionize::time::Timestamp;

/// How long a thread waits for a batch before it looks whether somebody wants the program to end.
const PATIENCE: Duration = Duration::from_millis(100);
/// Batches that wait to be worked on, for each thread.
const WAITING: usize = 2;

/// What comes next of a stream: a batch, or nothing more.
type Next = Result<Option<RecordBatch>, InputError>;

/// A stream that is being read.
pub(super) struct Stream<'a> {
    plan: &'a ReadPlan,
    /// What becomes of the batches; `None` where no row passes.
    task: Option<FileTask>,
    /// How their times are had, where they are asked for.
    times: Option<FileTask>,
    normaliser: &'a Normaliser<'a>,
    next: Mutex<Receiver<Next>>,
    /// Whether the last batch has come, or somebody failed.
    is_over: AtomicBool,
    ruled_out: AtomicU64,
    latest: AtomicI64,
}

impl<'a> Stream<'a> {
    /// A stream that a plan is of; reading begins, and `threads` threads will work on what comes.
    ///
    /// # Errors
    /// A condition that cannot be computed; there is no thread to read on.
    pub(super) fn of(
        plan: &'a ReadPlan,
        normaliser: &'a Normaliser<'a>,
        with_times: bool,
        threads: usize,
        batches: impl Iterator<Item = Result<RecordBatch, InputError>> + Send + 'static,
    ) -> Result<Self, Error> {
        let started = start_reading(batches, threads * WAITING);
        let failed = |error: std::io::Error| Error::Threads { threads: threads + 1, reason: error.to_string() };
        let times = if with_times { plan.time_tasks(&[0])?.pop() } else { None };
        Ok(Stream {
            plan,
            task: plan.tasks()?.pop(),
            times,
            normaliser,
            next: Mutex::new(started.map_err(failed)?),
            is_over: AtomicBool::new(false),
            ruled_out: AtomicU64::new(0),
            latest: AtomicI64::new(i64::MIN),
        })
    }

    /// Works on all batches, on all threads of a pool.
    ///
    /// # Errors
    /// The stream cannot be read, a batch is of no use, or the program is to end.
    pub(super) fn each<W: GroupWork>(
        &self,
        pool: &ThreadPool,
        profile: &Profile,
        begin: impl Fn() -> W + Sync,
    ) -> Result<Vec<W::Made>, Error> {
        let one = || -> Result<W::Made, Error> {
            let mut work = begin();
            let mut seen = SeenBefore::nothing(false);
            while let Some(batch) = profile.time(Step::Read, || self.next())? {
                self.note_times(&batch)?;
                let Some(rows) = profile.time(Step::Read, || self.by_role(batch, &mut seen))? else { continue };
                work.add(rows).map_err(|error| match (error, &self.task) {
                    (Error::Input(error), Some(task)) => Error::Input(error.of_values_in(&task.path)),
                    (other, _) => other,
                })?;
            }
            work.finish()
        };
        let guarded = |_: rayon::BroadcastContext<'_>| {
            let done = one();
            if done.is_err() {
                self.is_over.store(true, Ordering::Release);
            }
            done
        };
        pool.broadcast(guarded).into_iter().collect()
    }

    /// How many rows were ruled out unseen, and the latest time of all, where times were asked for.
    pub(super) fn told(&self) -> (u64, Option<Timestamp>) {
        let latest = self.latest.load(Ordering::Acquire);
        let latest = (latest != i64::MIN).then(|| Timestamp::from_micros(latest));
        (self.ruled_out.load(Ordering::Acquire), latest)
    }

    /// The next batch that no other thread has; `None` where there are no more.
    fn next(&self) -> Result<Option<RecordBatch>, Error> {
        loop {
            cancel::check()?;
            let next = lock(&self.next);
            if self.is_over.load(Ordering::Acquire) {
                return Ok(None);
            }
            match next.recv_timeout(PATIENCE) {
                Ok(Ok(Some(batch))) => return Ok(Some(batch)),
                Ok(end) => {
                    self.is_over.store(true, Ordering::Release);
                    return Ok(end?);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Bug { what: "whoever reads the stream has gone".to_string() });
                }
            }
        }
    }

    fn by_role(&self, batch: RecordBatch, seen: &mut SeenBefore) -> Result<Option<RoleColumns>, Error> {
        let Some(task) = &self.task else {
            self.ruled_out.fetch_add(batch.num_rows() as u64, Ordering::AcqRel);
            return Ok(None);
        };
        let rows = task.projection.apply_beside(&batch, seen);
        Ok(Some(rows.map_err(|error| blame(self.plan, task, error))?))
    }

    fn note_times(&self, batch: &RecordBatch) -> Result<(), Error> {
        let Some(task) = &self.times else { return Ok(()) };
        let rows = task.projection.apply(batch).map_err(|error| blame(self.plan, task, error))?;
        let latest = self.normaliser.latest(rows)?;
        self.latest.fetch_max(latest.map_or(i64::MIN, Timestamp::micros), Ordering::AcqRel);
        Ok(())
    }
}

/// Reads batches on a thread of their own. Where nobody wants the next one any more, it ends; where it waits for one that
/// does not come, it ends with the program.
fn start_reading(
    batches: impl Iterator<Item = Result<RecordBatch, InputError>> + Send + 'static,
    waiting: usize,
) -> std::io::Result<Receiver<Next>> {
    let (give, take) = sync_channel(waiting);
    let read = move || {
        for batch in batches {
            let failed = batch.is_err();
            if give.send(batch.map(Some)).is_err() || failed {
                return;
            }
        }
        // Whoever is not there any more has failed and says why.
        let _ = give.send(Ok(None));
    };
    std::thread::Builder::new().name("dwell-stream".to_string()).spawn(read)?;
    Ok(take)
}

fn lock<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
