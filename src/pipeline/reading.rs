//! Row groups read on all threads, and work on their batches where they are decoded.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rayon::prelude::*;
use rayon::ThreadPool;

use super::fetching::{each_fetched, Fetching};
use crate::cancel;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::decode::read::{FileTask, OpenFile, Piece};
use crate::events::error::InputError;
use crate::events::normalise::error::ProjectError;
use crate::events::normalise::project::{RoleColumns, SeenBefore};
use crate::events::normalise::Normaliser;
use crate::events::source::plan::ReadPlan;
use crate::events::source::survey::Survey;
use crate::job::reach::TimeReach;
use crate::job::Job;
use crate::profile::{Profile, Step};
use crate::sessionize::time::calendar::Calendar;
use crate::sessionize::time::Timestamp;

/// The latest possible time of all rows, filtered ones too; reads the time column where the footers do not
/// tell.
///
/// # Errors
/// As [`super::Gather::events`].
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
    let latest = |rows: RoleColumns| Ok(normaliser.latest(rows)?);
    let read = each_batch(pool, plan, &Profile::default(), &plan.time_tasks(&untold)?, latest)?;
    let told = told.into_iter().filter_map(|(_, latest)| latest.ok().flatten());
    Ok(told.chain(read.into_iter().flatten()).max())
}

/// When the events of a file happened, and with `with_ids` which session ids they have.
///
/// # Errors
/// As [`super::Gather::events`].
pub fn survey(
    pool: &ThreadPool,
    job: &Job,
    plan: &ReadPlan,
    file: usize,
    calendar: &Calendar,
    with_ids: Option<&TimeReach>,
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

/// Work on the batches of a row group or of a piece of one, one after the other.
pub(super) trait GroupWork {
    /// What comes of it.
    type Made: Send;
    /// Works on a batch.
    fn add(&mut self, rows: RoleColumns) -> Result<(), Error>;
    /// Ends.
    fn finish(self) -> Result<Self::Made, Error>;
}

/// Whether the same is read once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// It is not.
    Nothing,
    /// It may be: what was fetched of objects stays at hand, as far as there is room.
    Fetched,
}

/// Pieces for each thread that a row group is read in, at most.
const PIECES: usize = 8;

/// Reads row groups on all threads, and works on the batches of each on the thread that decodes it; `begin` is told about
/// how many rows come. The last ones to be begun, one for each thread, are read in pieces, which go to whoever has nothing
/// else to do: else most threads would wait for a few. Row groups whose pages are so large that not all threads may hold some at
/// once, under the plan's memory limit, come after all others, by few threads, and with text as text.
pub(super) fn each_group<W: GroupWork>(
    pool: &ThreadPool,
    plan: &ReadPlan,
    profile: &Profile,
    tasks: &[FileTask],
    keeps: Keeps,
    begin: &(dyn Fn(usize) -> W + Sync),
) -> Result<Vec<W::Made>, Error> {
    let threads = pool.current_num_threads();
    let left = AtomicUsize::new(tasks.iter().map(|task| task.row_groups.len()).sum());
    let of_piece = |task: &FileTask, file: &OpenFile<'_>, piece: Piece| -> Result<W::Made, Error> {
        let mut work = begin(piece.rows());
        let mut batches = file.piece(piece);
        let mut seen = SeenBefore::nothing(task.keeps_codes);
        while let Some(batch) = profile.time(Step::Read, || batches.next()).transpose()? {
            cancel::check()?;
            // What is not needed of the batch is gone before the work begins: columns that are only here need not be copied.
            let project = || task.projection.apply_beside(&{ batch }, &mut seen);
            let rows = profile.time(Step::Read, project).map_err(|error| blame(plan, task, error))?;
            work.add(rows).map_err(|error| match error {
                Error::Input(error) => Error::Input(error.of_values_in(&task.path)),
                other => other,
            })?;
        }
        work.finish()
    };
    let of_group = |task: &FileTask, file: &OpenFile<'_>, number: usize, most: usize| -> Result<Vec<W::Made>, Error> {
        let pieces = file.pieces(number, most).into_par_iter().with_max_len(1);
        pieces.map(|piece| of_piece(task, file, piece)).collect()
    };
    if tasks.iter().any(|task| task.object.is_some()) {
        let (local, stored): (Vec<FileTask>, Vec<FileTask>) =
            tasks.iter().cloned().partition(|task| task.object.is_none());
        let mut done = match local.is_empty() {
            true => Vec::new(),
            false => each_group(pool, plan, profile, &local, keeps, begin)?,
        };
        done.extend(each_stored(pool, plan, &stored, keeps, of_group)?);
        return Ok(done);
    }
    let large: Mutex<Vec<LargeGroup>> = Mutex::default();
    let of_file = |(place, task): (usize, &FileTask)| -> Result<Vec<Vec<W::Made>>, Error> {
        let file = task.open()?;
        let of_group = |number: &usize| {
            let is_last = left.fetch_sub(1, Ordering::Relaxed) <= threads;
            let most = if is_last && threads > 1 { threads * PIECES } else { 1 };
            match LargeGroup::of(plan, (place, task), &file, *number)? {
                None => of_group(task, &file, *number, most),
                Some(group) => {
                    large.lock().unwrap_or_else(PoisonError::into_inner).push(group);
                    Ok(Vec::new())
                }
            }
        };
        task.row_groups.par_iter().with_max_len(1).map(of_group).collect()
    };
    let mut done: Vec<Vec<Vec<W::Made>>> =
        pool.install(|| tasks.par_iter().with_max_len(1).enumerate().map(of_file).collect::<Result<_, Error>>())?;
    let mut large = large.into_inner().unwrap_or_else(PoisonError::into_inner);
    large.sort_unstable();
    let at_once = LargeGroup::at_once(plan, &large);
    for lot in large.chunks(at_once) {
        let of_large = |group: &LargeGroup| {
            let task = tasks[group.task].clone().without_codes();
            of_group(&task, &task.open()?, group.number, at_once / lot.len())
        };
        done.push(pool.install(|| lot.par_iter().with_max_len(1).map(of_large).collect::<Result<_, Error>>())?);
    }
    Ok(done.into_iter().flatten().flatten().collect())
}

/// As [`each_group`], of objects: their row groups are fetched ahead. One whose pages are so large that not all threads may
/// hold some is worked on while no other is.
fn each_stored<M: Send>(
    pool: &ThreadPool,
    plan: &ReadPlan,
    tasks: &[FileTask],
    keeps: Keeps,
    of_group: impl Fn(&FileTask, &OpenFile<'_>, usize, usize) -> Result<Vec<M>, Error> + Sync,
) -> Result<Vec<M>, Error> {
    let threads = pool.current_num_threads();
    let groups: Vec<(usize, usize)> = tasks
        .iter()
        .enumerate()
        .flat_map(|(place, task)| task.row_groups.iter().map(move |number| (place, *number)))
        .collect();
    let files: Vec<Mutex<SharedFile<'_>>> =
        tasks.iter().map(|task| Mutex::new(SharedFile { file: None, left: task.row_groups.len() })).collect();
    let open = |place: usize| {
        let (task, number) = groups[place];
        let mut shared = files[task].lock().unwrap_or_else(PoisonError::into_inner);
        Ok((shared.open(&tasks[task])?, number))
    };
    let Some(fetching) = Fetching::of(tasks, groups.len(), plan.limit()) else { return Ok(Vec::new()) };
    let left = AtomicUsize::new(groups.len());
    let alone = RwLock::new(());
    let work = |place: usize, file: OpenFile<'_>, number: usize| {
        let task = &tasks[groups[place].0];
        let is_last = left.fetch_sub(1, Ordering::Relaxed) <= threads;
        if keeps == Keeps::Fetched {
            file.keep(fetching.room);
        }
        if LargeGroup::of(plan, (place, task), &file, number)?.is_none() {
            let _others = alone.read().unwrap_or_else(PoisonError::into_inner);
            let most = if is_last && threads > 1 { threads * PIECES } else { 1 };
            return of_group(task, &file, number, most);
        }
        let _alone = alone.write().unwrap_or_else(PoisonError::into_inner);
        let as_text = task.clone().without_codes();
        of_group(&as_text, &file.of_task(&as_text)?, number, 1)
    };
    Ok(each_fetched(pool, fetching, open, work)?.into_iter().flatten().collect())
}

/// A file that is open as long as row groups of it are to come.
struct SharedFile<'t> {
    file: Option<Arc<OpenFile<'t>>>,
    left: usize,
}

impl<'t> SharedFile<'t> {
    /// The file, for one more of its row groups.
    fn open(&mut self, task: &'t FileTask) -> Result<Arc<OpenFile<'t>>, InputError> {
        let file = match self.file.take() {
            Some(file) => file,
            None => Arc::new(task.open()?),
        };
        self.left = self.left.saturating_sub(1);
        self.file = Some(Arc::clone(&file)).filter(|_| self.left > 0);
        Ok(file)
    }
}

/// A row group whose pages and dictionaries are so large that not all threads may hold some at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct LargeGroup {
    /// The place of its file among the tasks, and its number.
    task: usize,
    number: usize,
    /// Bytes that a reader of it holds, with text as text.
    bytes: u64,
}

impl LargeGroup {
    /// A row group as one, if it is one under the memory limit of a plan.
    ///
    /// # Errors
    /// Not even one thread may hold its pages.
    fn of(
        plan: &ReadPlan,
        (place, task): (usize, &FileTask),
        file: &OpenFile<'_>,
        number: usize,
    ) -> Result<Option<Self>, Error> {
        let Some((limit, threads)) = plan.limit() else { return Ok(None) };
        let footprint = file.footprint(number);
        let of_all = if task.keeps_codes { footprint.coded } else { footprint.plain } * threads as u64;
        if of_all <= limit.pages(threads) {
            return Ok(None);
        }
        limit.check_pages(footprint.plain, threads, &task.path)?;
        Ok(Some(LargeGroup { task: place, number, bytes: footprint.plain }))
    }

    /// How many readers of them there may be at once.
    fn at_once(plan: &ReadPlan, all: &[Self]) -> usize {
        let largest = all.iter().map(|group| group.bytes).max().unwrap_or(1).max(1);
        plan.limit().map_or(1, |(limit, threads)| ((limit.pages(threads) / largest) as usize).clamp(1, threads))
    }
}

/// As [`each_group`], where each batch is worked on by itself.
fn each_batch<T: Send>(
    pool: &ThreadPool,
    plan: &ReadPlan,
    profile: &Profile,
    tasks: &[FileTask],
    work: impl Fn(RoleColumns) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    struct Each<'w, T, F> {
        work: &'w F,
        made: Vec<T>,
    }
    impl<T: Send, F: Fn(RoleColumns) -> Result<T, Error>> GroupWork for Each<'_, T, F> {
        type Made = Vec<T>;
        fn add(&mut self, rows: RoleColumns) -> Result<(), Error> {
            self.made.push((self.work)(rows)?);
            Ok(())
        }
        fn finish(self) -> Result<Vec<T>, Error> {
            Ok(self.made)
        }
    }
    let made = each_group(pool, plan, profile, tasks, Keeps::Fetched, &|_| Each { work: &work, made: Vec::new() })?;
    Ok(made.into_iter().flatten().collect())
}

/// Names the file, or the condition, that a batch failed on.
pub fn blame(plan: &ReadPlan, task: &FileTask, error: ProjectError) -> InputError {
    error.of_values_in(&task.path, plan.condition())
}
