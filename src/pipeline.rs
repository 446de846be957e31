//! Runs the stages on all threads: batches to the scatter, partitions to the kernel, dates to the writers.
//! The only place that knows rayon. Whatever the threads do, results come out in a fixed order.

use std::time::Instant;

use arrow::record_batch::RecordBatch;
use rayon::prelude::*;
use rayon::ThreadPool;

use crate::cancel;
use crate::error::Error;
use crate::events::dictionaries::Dictionaries;
use crate::events::dictionary::EventDictionary;
use crate::events::error::InputError;
use crate::events::normalise::{Normaliser, RowCounts};
use crate::events::plan::ReadPlan;
use crate::events::project::{ProjectError, RoleColumns};
use crate::events::read::{Batches, FileTask};
use crate::events::survey::Survey;
use crate::job::reach::Reach;
use crate::job::Job;
use crate::profile::{Profile, Step};
use crate::report::progress::Progress;
use crate::sessionize::aggregate::Rules;
use crate::sessionize::block::Block;
use crate::sessionize::calendar::Calendar;
use crate::sessionize::columns::EventBatch;
use crate::sessionize::merge::{all_users, UserRanks};
use crate::sessionize::partition::{sessionize, AllCounts, Partition};
use crate::sessionize::scatter::{scatter, Partitions};
use crate::sessionize::time::{Day, Timestamp};
use crate::store::{Events, Room, Store};
use crate::tables::error::TableError;
use crate::tables::parquet_file::Size;

/// Events of a partition, about: its rows and its table of users then stay in the cache.
pub const PARTITION_ROWS: u64 = 1 << 16;
/// Events of a partition that are laid out together, at least: they are fetched together, too.
const PIECE_ROWS: usize = 1 << 9;
/// Events that are laid out together, at most: a thread has them in hand.
const BLOCK_ROWS: usize = 1 << 20;

/// All events of the input, laid out by partition.
#[derive(Debug)]
pub struct Gathered {
    /// The events.
    pub events: Events,
    /// What became of the rows.
    pub rows: RowCounts,
}

/// The tables of all partitions.
#[derive(Debug)]
pub struct Made {
    /// One result a partition.
    pub partitions: Vec<Partition>,
    /// Those of each segment.
    pub segments: Vec<Vec<Partition>>,
    /// The order of all users.
    pub ranks: UserRanks,
}

/// As many threads as the machine has.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
    room: &Room,
    profile: &Profile,
    progress: &Progress,
) -> Result<Gathered, Error> {
    let least = pool.current_num_threads() * 4;
    let partitions = Partitions::for_rows(plan.extent.rows_read, PARTITION_ROWS, least);
    let store = Store::new(partitions, room);
    let normaliser = Normaliser::new(&job.input, &plan.roles, types).reading(plan.times());
    let block_rows = (partitions.count() * PIECE_ROWS).min(BLOCK_ROWS);
    let laying_out = LayingOut { normaliser: &normaliser, store: &store, partitions, block_rows, profile, progress };
    let tasks: Vec<FileTask> = plan.tasks()?.into_iter().map(FileTask::keeping_codes).collect();
    let mut rows = RowCounts::default();
    let counts = each_group(pool, plan, profile, &tasks, || GroupLaidOut::new(&laying_out))?;
    counts.iter().for_each(|counts| rows.merge(counts));
    Ok(Gathered { events: store.finish()?, rows })
}

/// Lays events out.
struct LayingOut<'a> {
    normaliser: &'a Normaliser<'a>,
    store: &'a Store<'a>,
    partitions: Partitions,
    block_rows: usize,
    profile: &'a Profile,
    progress: &'a Progress,
}

/// The events of a row group, which are laid out together: the more there are, the more a partition gets at once.
struct GroupLaidOut<'a> {
    by: &'a LayingOut<'a>,
    known: Dictionaries,
    waiting: Vec<EventBatch>,
    waiting_rows: usize,
    counts: RowCounts,
}

impl<'a> GroupLaidOut<'a> {
    fn new(by: &'a LayingOut<'a>) -> Self {
        GroupLaidOut {
            by,
            known: Dictionaries::default(),
            waiting: Vec::new(),
            waiting_rows: 0,
            counts: RowCounts::default(),
        }
    }

    fn lay_out(&mut self) -> Result<(), Error> {
        let events = std::mem::take(&mut self.waiting);
        self.waiting_rows = 0;
        if events.is_empty() {
            return Ok(());
        }
        self.by.profile.time(Step::Scatter, || self.by.store.add(&scatter(&events, self.by.partitions)))
    }
}

impl GroupWork for GroupLaidOut<'_> {
    type Made = RowCounts;

    fn add(&mut self, rows: &RoleColumns) -> Result<(), Error> {
        self.by.profile.time(Step::Normalise, || -> Result<(), Error> {
            let (events, counts) = self.by.normaliser.events_beside(rows, &mut self.known)?;
            self.by.progress.add(counts.passed);
            self.counts.merge(&counts);
            self.waiting_rows += events.len();
            self.waiting.push(events);
            Ok(())
        })?;
        match self.waiting_rows >= self.by.block_rows {
            true => self.lay_out(),
            false => Ok(()),
        }
    }

    fn finish(mut self) -> Result<RowCounts, Error> {
        self.lay_out()?;
        Ok(self.counts)
    }
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
    let latest = |rows: &RoleColumns| Ok(normaliser.latest(rows)?);
    let read = each_batch(pool, plan, &Profile::default(), &plan.time_tasks(&untold)?, latest)?;
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
    let parts = each_batch(pool, plan, &Profile::default(), &plan.file_tasks(file)?, |rows| {
        Ok(Survey::of(&normaliser.events(rows)?.0, calendar, with_ids))
    })?;
    let mut survey = Survey::default();
    for part in parts {
        survey.merge(part);
    }
    Ok(survey)
}

/// Work on the batches of a row group, one after the other.
trait GroupWork {
    /// What comes of it.
    type Made: Send;
    /// Works on a batch.
    fn add(&mut self, rows: &RoleColumns) -> Result<(), Error>;
    /// Ends.
    fn finish(self) -> Result<Self::Made, Error>;
}

/// Reads row groups on all threads, and works on the batches of each on the thread that decodes it, or where there are
/// fewer row groups than threads, on each batch on any.
fn each_group<W: GroupWork>(
    pool: &ThreadPool,
    plan: &ReadPlan,
    profile: &Profile,
    tasks: &[FileTask],
    begin: impl Fn() -> W + Sync,
) -> Result<Vec<W::Made>, Error> {
    let threads = pool.current_num_threads();
    let groups: usize = tasks.iter().map(|task| task.row_groups.len()).sum();
    let of_group = |task: &FileTask, mut batches: Batches<'_>| -> Result<Vec<W::Made>, Error> {
        let project = |batch: RecordBatch| task.projection.apply(&batch).map_err(|error| blame(plan, task, error));
        let add = |work: &mut W, batch: RecordBatch| {
            cancel::check()?;
            work.add(&profile.time(Step::Read, || project(batch))?)
        };
        let mut next = || profile.time(Step::Read, || batches.next()).transpose();
        if groups >= threads {
            let mut work = begin();
            while let Some(batch) = next()? {
                add(&mut work, batch)?;
            }
            return Ok(vec![work.finish()?]);
        }
        let alone = |batch: RecordBatch| {
            let mut work = begin();
            add(&mut work, batch)?;
            work.finish()
        };
        // While some batches are worked on, the next ones are decoded.
        let mut some = || (0..threads).map_while(|_| next().transpose()).collect::<Result<Vec<_>, InputError>>();
        let mut done = Vec::new();
        let mut ready = some()?;
        while !ready.is_empty() {
            let worked = || ready.into_par_iter().map(alone).collect::<Result<Vec<W::Made>, Error>>();
            let (read, worked) = rayon::join(&mut some, worked);
            done.extend(worked?);
            ready = read?;
        }
        Ok(done)
    };
    let of_file = |task: &FileTask| -> Result<Vec<Vec<W::Made>>, Error> {
        let file = task.open()?;
        let groups = task.row_groups.par_iter().with_max_len(1);
        groups.map(|number| of_group(task, file.row_group(*number)?)).collect()
    };
    let done: Vec<Vec<Vec<W::Made>>> =
        pool.install(|| tasks.par_iter().with_max_len(1).map(of_file).collect::<Result<_, Error>>())?;
    Ok(done.into_iter().flatten().flatten().collect())
}

/// As [`each_group`], where each batch is worked on by itself.
///
/// # Errors
/// A file that cannot be read, by name; an interruption; what `work` fails on.
pub fn each_batch<T: Send>(
    pool: &ThreadPool,
    plan: &ReadPlan,
    profile: &Profile,
    tasks: &[FileTask],
    work: impl Fn(&RoleColumns) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    struct Each<'w, T, F> {
        work: &'w F,
        made: Vec<T>,
    }
    impl<T: Send, F: Fn(&RoleColumns) -> Result<T, Error>> GroupWork for Each<'_, T, F> {
        type Made = Vec<T>;
        fn add(&mut self, rows: &RoleColumns) -> Result<(), Error> {
            self.made.push((self.work)(rows)?);
            Ok(())
        }
        fn finish(self) -> Result<Vec<T>, Error> {
            Ok(self.made)
        }
    }
    let made = each_group(pool, plan, profile, tasks, || Each { work: &work, made: Vec::new() })?;
    Ok(made.into_iter().flatten().collect())
}

/// Names the file, or the condition, that a batch failed on.
pub fn blame(plan: &ReadPlan, task: &FileTask, error: ProjectError) -> InputError {
    match error {
        ProjectError::Condition(reason) => InputError::Condition {
            condition: plan.condition().unwrap_or_default().to_string(),
            reason: format!("it fails on values of {:?}: {reason}", task.path),
            position: None,
        },
        ProjectError::Facts { of, condition, reason } => {
            InputError::ChartConditionFails { of, condition, path: task.path.clone(), reason }
        }
        ProjectError::Input(InputError::Unreadable { reason }) => {
            InputError::Damaged { path: task.path.clone(), reason }
        }
        ProjectError::Input(error) => error,
    }
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
        let mut users = all_users(&partitions);
        pool.install(|| users.par_sort_unstable_by(|a, b| a.compare(b, &partitions)));
        let ranks = UserRanks::of_sorted(&users, &partitions);
        Made { partitions, segments, ranks }
    }
}

/// Works on each partition that has events, on all threads; what comes of them is in their order.
///
/// # Errors
/// The first, in order, that fails; users with more events than memory holds; an interruption.
pub fn each_partition<R: Send>(
    pool: &ThreadPool,
    events: &Events,
    room: &Room,
    work: impl Fn(&[(&Block, usize)]) -> Result<R, Error> + Sync,
) -> Result<Vec<R>, Error> {
    let all: Vec<usize> = (0..events.partitions().count()).collect();
    each(pool, &all, |number| events.with_pieces(*number, room, &work)?)
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

/// Writes the files of some dates, on all threads.
///
/// # Errors
/// The first date, in order, that cannot be written; an interruption.
pub fn write_dates(
    pool: &ThreadPool,
    days: &[Day],
    profile: &Profile,
    progress: &Progress,
    write: impl Fn(Day) -> Result<Size, TableError> + Sync,
) -> Result<Size, Error> {
    let one = |day: &Day| {
        let size = profile.time(Step::Write, || write(*day))?;
        progress.add(1);
        Ok(size)
    };
    let mut total = Size::default();
    each(pool, days, one)?.into_iter().for_each(|size| total.merge(size));
    Ok(total)
}
