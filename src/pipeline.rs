//! Runs the stages on all threads: batches to the scatter, partitions to the kernel, dates to the writers.
//! The only place that knows rayon. Whatever the threads do, results come out in a fixed order.

use rayon::prelude::*;
use rayon::ThreadPool;

use crate::cancel;
use crate::error::Error;
use crate::events::dictionary::EventDictionary;
use crate::events::normalise::{Normaliser, RowCounts};
use crate::events::plan::{Frame, ReadPlan};
use crate::events::read::{blame, Batches};
use crate::events::survey::Survey;
use crate::job::reach::Reach;
use crate::job::Job;
use crate::report::progress::Progress;
use crate::sessionize::aggregate::Rules;
use crate::sessionize::block::Block;
use crate::sessionize::calendar::Calendar;
use crate::sessionize::counts::Counts;
use crate::sessionize::merge::{all_users, compare_users, UserRanks};
use crate::sessionize::partition::{sessionize, Partition};
use crate::sessionize::scatter::{scatter, Partitions};
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;
use crate::tables::parquet_file::Size;

/// Events of a partition, about: its rows and its table of users then stay in the cache.
const PARTITION_ROWS: u64 = 1 << 16;

/// All events of the input, laid out by partition.
#[derive(Debug)]
pub struct Gathered {
    /// The events.
    pub blocks: Vec<Block>,
    /// How many partitions there are.
    pub partitions: Partitions,
    /// What became of the rows.
    pub rows: RowCounts,
}

/// The tables of all partitions.
#[derive(Debug)]
pub struct Made {
    /// One result a partition.
    pub partitions: Vec<Partition>,
    /// The order of all users.
    pub ranks: UserRanks,
    /// What became of the events.
    pub counts: Counts,
}

/// A pool of this many threads.
///
/// # Errors
/// They cannot be started.
pub fn pool(threads: usize) -> Result<ThreadPool, Error> {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|number| format!("dwell-{number}"))
        .build()
        .map_err(|error| Error::Threads { threads, reason: error.to_string() })
}

/// Reads all events and scatters them.
///
/// # Errors
/// A file that cannot be read, by name; an interruption.
pub fn gather(
    pool: &ThreadPool,
    job: &Job,
    plan: &ReadPlan,
    types: &EventDictionary,
    progress: &Progress,
) -> Result<Gathered, Error> {
    let least = pool.current_num_threads() * 4;
    let partitions = Partitions::for_rows(plan.extent.rows_read, PARTITION_ROWS, least);
    let normaliser = Normaliser::new(&job.input, &plan.roles, types).reading(plan.times());
    let laid_out = each_batch(pool, plan, plan.frames()?, |rows| {
        let (events, counts) = normaliser.events(rows)?;
        progress.add(counts.passed);
        Ok((scatter(&events, partitions), counts))
    })?;
    let mut rows = RowCounts::default();
    let mut blocks = Vec::with_capacity(laid_out.len());
    for (block, counts) in laid_out {
        rows.merge(&counts);
        blocks.push(block);
    }
    Ok(Gathered { blocks, partitions, rows })
}

/// The latest possible time of all rows, filtered ones too; reads the time column where the footers do not
/// tell.
///
/// # Errors
/// As [`gather`].
pub fn latest_time(
    pool: &ThreadPool,
    job: &Job,
    plan: &ReadPlan,
    types: &EventDictionary,
) -> Result<Option<Timestamp>, Error> {
    let told: Vec<_> =
        (0..plan.footers.len()).map(|file| (file, plan.latest_by_footer(file, job.input.times))).collect();
    let untold: Vec<usize> = told.iter().filter(|(_, latest)| latest.is_err()).map(|(file, _)| *file).collect();
    let normaliser = Normaliser::new(&job.input, &plan.roles, types);
    let read = each_batch(pool, plan, plan.time_frames(&untold)?, |rows| Ok(normaliser.latest(rows)?))?;
    let told = told.into_iter().filter_map(|(_, latest)| latest.ok().flatten());
    Ok(told.chain(read.into_iter().flatten()).max())
}

/// When the events of a file happened, and with `with_ids` which session ids they have.
///
/// # Errors
/// As [`gather`].
pub fn survey(
    pool: &ThreadPool,
    job: &Job,
    plan: &ReadPlan,
    file: usize,
    calendar: &Calendar,
    with_ids: Option<&Reach>,
) -> Result<Survey, Error> {
    // The types found here are of no use to the run itself.
    let types = EventDictionary::default();
    let normaliser = Normaliser::new(&job.input, &plan.roles, &types);
    let parts = each_batch(pool, plan, plan.file_frame(file)?, |rows| {
        Ok(Survey::of(&normaliser.events(rows)?.0, calendar, with_ids))
    })?;
    let mut survey = Survey::default();
    for part in parts {
        survey.merge(part);
    }
    Ok(survey)
}

fn each_batch<T: Send>(
    pool: &ThreadPool,
    plan: &ReadPlan,
    frames: Vec<Frame>,
    work: impl Fn(&polars::frame::DataFrame) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let batches = Batches::read(frames);
    let work = |batch: Result<polars::frame::DataFrame, _>| {
        cancel::check()?;
        work(&batch.map_err(|error| Error::Input(blame(plan, &error)))?)
    };
    // Batches are taken as threads come free: that, and the one batch of room, bounds what is in flight.
    pool.install(|| batches.par_bridge().map(work).collect())
}

/// Makes the sessions of all partitions.
///
/// # Errors
/// An interruption.
pub fn make(pool: &ThreadPool, gathered: Gathered, rules: &Rules<'_>, progress: &Progress) -> Result<Made, Error> {
    let blocks = &gathered.blocks;
    let one = |number: usize| {
        cancel::check()?;
        let made = sessionize(blocks, number, rules);
        progress.add(1);
        Ok(made)
    };
    let partitions: Vec<Option<Partition>> = pool.install(|| {
        (0..gathered.partitions.count()).into_par_iter().with_max_len(1).map(one).collect::<Result<_, Error>>()
    })?;
    drop(gathered);
    let partitions: Vec<Partition> = partitions.into_iter().flatten().collect();
    let mut counts = Counts::default();
    for partition in &partitions {
        counts.merge(&partition.counts);
    }
    let mut users = all_users(&partitions);
    pool.install(|| users.par_sort_unstable_by(|a, b| compare_users(&partitions, *a, *b)));
    let ranks = UserRanks::of_sorted(&users, &partitions);
    Ok(Made { partitions, ranks, counts })
}

/// Writes the files of some dates, on all threads.
///
/// # Errors
/// The first date, in order, that cannot be written; an interruption.
pub fn write_dates(
    pool: &ThreadPool,
    days: &[Day],
    progress: &Progress,
    write: impl Fn(Day) -> Result<Size, TableError> + Sync,
) -> Result<Size, Error> {
    let one = |day: &Day| {
        cancel::check()?;
        let size = write(*day)?;
        progress.add(1);
        Ok(size)
    };
    let sizes: Vec<Result<Size, Error>> = pool.install(|| days.par_iter().with_max_len(1).map(one).collect());
    let mut total = Size::default();
    for size in sizes {
        total.merge(size?);
    }
    Ok(total)
}
