//! All events of the input, read on all threads and laid out by partition.

use jiff::tz::TimeZone;
use rayon::ThreadPool;

use super::reading::{each_group, GroupWork};
use crate::error::Error;
use crate::events::dictionaries::Dictionaries;
use crate::events::dictionary::EventDictionary;
use crate::events::normalise::{Normaliser, RowCounts};
use crate::events::plan::ReadPlan;
use crate::events::project::RoleColumns;
use crate::events::read::FileTask;
use crate::job::dates::calendar;
use crate::job::Job;
use crate::profile::{Profile, Step};
use crate::report::progress::Progress;
use crate::sessionize::burst::{Joining, Worth};
use crate::sessionize::columns::{Coded, EventBatch};
use crate::sessionize::cut::Rule;
use crate::sessionize::scatter::{scatter, Partitions};
use crate::store::{Events, Room, Store};

/// Events of a partition, about: its rows and its table of users then stay in the cache.
const PARTITION_ROWS: u64 = 1 << 16;
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

/// Reads all events and lays them out by partition.
#[derive(Clone, Copy, Debug)]
pub struct Gather<'a> {
    /// The threads.
    pub pool: &'a ThreadPool,
    /// Whose events.
    pub job: &'a Job,
    /// The rule by which events may be joined that it cannot part ([`Joining`]); `None` for events as they are.
    pub joining: Option<Rule>,
    /// What is read.
    pub plan: &'a ReadPlan,
    /// Takes the event types.
    pub types: &'a EventDictionary,
    /// The room that events have.
    pub room: &'a Room,
    /// Takes the time that it takes.
    pub profile: &'a Profile,
    /// Is told how many rows have been read.
    pub progress: &'a Progress,
}

impl Gather<'_> {
    /// All events.
    ///
    /// # Errors
    /// A file that cannot be read, by name; an interruption.
    pub fn events(self) -> Result<Gathered, Error> {
        let tasks = self.plan.tasks()?.into_iter().map(FileTask::keeping_codes).collect::<Vec<_>>();
        self.laid_out(&tasks, None)
    }

    /// All events, with facts of each batch in place of those that the plan asks for.
    ///
    /// # Errors
    /// As [`Gather::events`].
    pub fn events_with(self, facts: &FactsOf<'_>) -> Result<Gathered, Error> {
        self.laid_out(&self.plan.tasks()?, Some(facts))
    }

    fn laid_out(self, tasks: &[FileTask], facts: Option<&FactsOf<'_>>) -> Result<Gathered, Error> {
        let Gather { pool, job, joining, plan, types, room, profile, progress } = self;
        let least = pool.current_num_threads() * 4;
        let partitions = Partitions::for_rows(plan.extent.rows_read, PARTITION_ROWS, least);
        let store = Store::new(partitions, room);
        let normaliser = Normaliser::new(&job.input, &plan.roles, types).reading(plan.times());
        let block_rows = (partitions.count() * PIECE_ROWS).min(BLOCK_ROWS);
        let laying_out = LayingOut {
            normaliser: &normaliser,
            facts,
            joining: joining.map(|rule| (rule, &job.output.zone)),
            store: &store,
            partitions,
            block_rows,
            profile,
            progress,
        };
        let mut rows = RowCounts::default();
        let counts = each_group(pool, plan, profile, tasks, || GroupLaidOut::new(&laying_out))?;
        counts.iter().for_each(|counts| rows.merge(counts));
        Ok(Gathered { events: store.finish()?, rows })
    }
}

/// Makes facts of a batch of rows.
pub type FactsOf<'a> = dyn Fn(&RoleColumns) -> Option<Coded> + Sync + 'a;

/// Lays events out.
struct LayingOut<'a> {
    normaliser: &'a Normaliser<'a>,
    facts: Option<&'a FactsOf<'a>>,
    joining: Option<(Rule, &'a TimeZone)>,
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
    /// The events joined; `None` where none may be, or it is of no use.
    joining: Option<Joining>,
    /// The events as they are, unless it is certain that they will be needed no more.
    waiting: Vec<EventBatch>,
    keeps_waiting: bool,
    waiting_rows: usize,
    counts: RowCounts,
}

impl<'a> GroupLaidOut<'a> {
    fn new(by: &'a LayingOut<'a>) -> Self {
        GroupLaidOut {
            by,
            known: Dictionaries::default(),
            joining: by.joining.as_ref().map(|(rule, _)| Joining::new(*rule)),
            waiting: Vec::new(),
            keeps_waiting: true,
            waiting_rows: 0,
            counts: RowCounts::default(),
        }
    }

    /// Joins events with those before; from when on it shows what comes of it, they are in hand either as they are or
    /// joined.
    fn join(&mut self, events: &EventBatch) {
        let (Some(joining), Some((_, zone))) = (&mut self.joining, &self.by.joining) else { return };
        let (Some(first), Some(last)) = (events.times.iter().min(), events.times.iter().max()) else { return };
        let worth = calendar(zone, *first, *last).map_or(Worth::Hopeless, |calendar| {
            joining.add(events, &calendar);
            joining.worth()
        });
        match worth {
            Worth::Less => self.keeps_waiting = false,
            Worth::Hopeless if self.keeps_waiting => self.joining = None,
            Worth::More | Worth::Hopeless => {}
        }
        if !self.keeps_waiting {
            self.waiting.clear();
        }
    }

    fn lay_out(&mut self) -> Result<(), Error> {
        let is_joined = !std::mem::replace(&mut self.keeps_waiting, true);
        let waiting = std::mem::take(&mut self.waiting);
        let joining = self.joining.take();
        if std::mem::take(&mut self.waiting_rows) == 0 {
            return Ok(());
        }
        // It was of use, or was not: it will be so again.
        self.joining = self.by.joining.as_ref().filter(|_| is_joined).map(|(rule, _)| Joining::new(*rule));
        let events = match joining.filter(|_| is_joined) {
            Some(joining) => vec![self.by.profile.time(Step::Join, || joining.finish())],
            None => waiting,
        };
        self.by.profile.time(Step::Scatter, || self.by.store.add(&scatter(&events, self.by.partitions)))
    }
}

impl GroupWork for GroupLaidOut<'_> {
    type Made = RowCounts;

    fn add(&mut self, rows: &RoleColumns) -> Result<(), Error> {
        let events = self.by.profile.time(Step::Normalise, || -> Result<EventBatch, Error> {
            let with_facts = self.by.facts.map(|facts| RoleColumns { facts: facts(rows), ..rows.clone() });
            let rows = with_facts.as_ref().unwrap_or(rows);
            let (events, counts) = self.by.normaliser.events_beside(rows, &mut self.known)?;
            self.by.progress.add(counts.passed);
            self.counts.merge(&counts);
            Ok(events)
        })?;
        self.waiting_rows += events.len();
        let profile = self.by.profile;
        profile.time(Step::Join, || self.join(&events));
        if self.keeps_waiting {
            self.waiting.push(events);
        }
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
