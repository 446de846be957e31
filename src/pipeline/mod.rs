//! Runs the stages on all threads: batches to the scatter ([`Gather`]), partitions to the kernel ([`make()`]), dates to
//! the writers. The only place that hands work to threads. Whatever the threads do, results come out in a fixed order.

mod aliases;
pub mod event_buffer;
pub mod fetching;
mod gather;
pub mod kernel_inputs;
mod make;
pub mod progress;
pub mod question;
mod reading;
mod row_group_buffer;
pub mod spill;
mod stream;
mod threads;

use rayon::prelude::*;
use rayon::ThreadPool;

pub use aliases::load_aliases;
pub use gather::{FactsOf, Gather, Gathered, Streamed};
pub use make::{make, Made};
pub use reading::{blame, latest_time, survey};
pub use threads::{pool, Pool};

use self::event_buffer::{Events, MemoryBudget};
use self::progress::Progress;
use crate::cancel;
use crate::error::Error;
use crate::job::memory_limit::Shared;
use crate::profile::{Profile, Step};
use crate::sessionize::layout::block::Block;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::write::parquet_file::Size;

/// Works on each partition that has events, on all threads; what comes of them is in their order.
///
/// # Errors
/// The first, in order, that fails; users with more events than memory holds; an interruption.
pub fn each_partition<R: Send>(
    pool: &ThreadPool,
    events: &Events,
    budget: &MemoryBudget,
    work: impl Fn(&[(&Block, usize)]) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let all: Vec<usize> = (0..events.partitions().count()).collect();
    let shared = budget.shared(0);
    each(pool, &all, |number| events.with_pieces(*number, budget, &shared, &work)?)
}

/// Does something with each of some items on all threads; what comes of them is in their order.
///
/// # Errors
/// The first, in order, that fails; an interruption.
pub fn each<T: Sync, R: Send>(
    pool: &ThreadPool,
    items: &[T],
    work: impl Fn(&T) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let one = |item: &T| {
        cancel::check()?;
        work(item)
    };
    let done: Vec<Result<R, Error>> = pool.install(|| items.par_iter().with_max_len(1).map(one).collect());
    done.into_iter().collect()
}

/// Writes the files of some dates, on all threads: as many at once as `shared` has memory for, by what each of them takes.
///
/// # Errors
/// The first date, in order, that cannot be written; an interruption.
pub fn write_dates(
    pool: &ThreadPool,
    days: &[Day],
    profile: &Profile,
    progress: &Progress,
    (shared, bytes): (&Shared, &(dyn Fn(Day) -> u64 + Sync)),
    write: impl Fn(Day) -> Result<Size, TableError> + Sync,
) -> Result<Size, Error> {
    let one = |day: &Day| {
        let _taken = shared.take(bytes(*day));
        let size = profile.time(Step::Write, || write(*day))?;
        progress.add(1);
        Ok(size)
    };
    let mut total = Size::default();
    each(pool, days, one)?.into_iter().for_each(|size| total.merge(size));
    Ok(total)
}
