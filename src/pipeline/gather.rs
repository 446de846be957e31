//! All events of the input, read on all threads and laid out by partition.

use arrow::record_batch::RecordBatch;
use rayon::ThreadPool;

use super::event_buffer::{EventBufferWriter, Events, MemoryBudget};
use super::progress::Progress;
use super::reading::{each_group, GroupWork, Keeps};
use super::row_group_buffer::{PreAggregation, RowGroupBuffer};
use super::stream::Stream;
use crate::error::Error;
use crate::events::decode::dictionaries::Dictionaries;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::decode::read::FileTask;
use crate::events::error::InputError;
use crate::events::normalise::project::RoleColumns;
use crate::events::normalise::{Normaliser, RowCounts};
use crate::events::source::plan::ReadPlan;
use crate::job::Job;
use crate::profile::{Profile, Step};
use crate::sessionize::layout::columns::{Coded, EventBatch, Values};
use crate::sessionize::layout::scatter::{scatter, Partitions};
use crate::sessionize::rule::Rule;
use crate::sessionize::time::Timestamp;

/// Events of a partition, about: its rows and its table of users then stay in the cache.
const PARTITION_ROWS: u64 = 1 << 16;
/// Events of a partition that are laid out together, where row groups have as many: they are fetched together, too.
const PIECE_ROWS: usize = 1 << 9;
/// Events that are laid out together, at most: a thread has them buffered.
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
    /// The rule by which events may be joined that it cannot part ([`PreAggregator`](crate::sessionize::preaggregate::PreAggregator)); `None` for events as they are.
    pub preaggregation: Option<Rule>,
    /// What is read.
    pub plan: &'a ReadPlan,
    /// Takes the event types.
    pub types: &'a EventDictionary,
    /// The room that events have.
    pub budget: &'a MemoryBudget,
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
        let tasks = self.tasks()?.into_iter().map(FileTask::keeping_codes).collect::<Vec<_>>();
        self.laid_out(&tasks, None)
    }

    /// All events, with facts of each batch in place of those that the plan asks for.
    ///
    /// # Errors
    /// As [`Gather::events`].
    pub fn events_with(self, facts: &FactsOf<'_>) -> Result<Gathered, Error> {
        self.laid_out(&self.tasks()?, Some(facts))
    }

    fn tasks(&self) -> Result<Vec<FileTask>, Error> {
        Ok(self.plan.tasks()?)
    }

    /// All events of a stream that the plan is of, of which about so many rows come; with the times of all rows, filtered
    /// ones too, where `with_times`.
    ///
    /// # Errors
    /// A stream that cannot be read; an interruption.
    pub fn events_of(
        self,
        batches: impl Iterator<Item = Result<RecordBatch, InputError>> + Send + 'static,
        rows: u64,
        with_times: bool,
    ) -> Result<Streamed, Error> {
        let Gather { pool, job, plan, types, profile, .. } = self;
        let normaliser = Normaliser::new(&job.input, &plan.roles, types);
        let stream = Stream::of(plan, &normaliser, with_times, pool.current_num_threads(), batches)?;
        let gathered =
            self.laid_out_by(rows, None, |by| stream.each(pool, profile, || GroupLaidOut::new(by, BLOCK_ROWS)))?;
        let (ruled_out, latest) = stream.told();
        Ok(Streamed { gathered, ruled_out, latest })
    }

    fn laid_out(self, tasks: &[FileTask], facts: Option<&FactsOf<'_>>) -> Result<Gathered, Error> {
        let Gather { pool, plan, profile, .. } = self;
        self.laid_out_by(plan.extent.rows_read, facts, |by| {
            each_group(pool, plan, profile, tasks, Keeps::Nothing, &|rows| GroupLaidOut::new(by, rows))
        })
    }

    /// Lays about so many rows out, which `read` brings.
    fn laid_out_by(
        self,
        rows_read: u64,
        facts: Option<&FactsOf<'_>>,
        read: impl FnOnce(&LayingOut<'_>) -> Result<Vec<RowCounts>, Error>,
    ) -> Result<Gathered, Error> {
        let Gather { pool, job, preaggregation, plan, types, budget, profile, progress } = self;
        let least = pool.current_num_threads() * 4;
        let partitions = Partitions::for_rows(rows_read, PARTITION_ROWS, least);
        let store = EventBufferWriter::new(partitions, budget);
        let normaliser = Normaliser::new(&job.input, &plan.roles, types);
        let normaliser = normaliser.reading(plan.times()).naming(plan.alias_table.as_deref());
        let block_rows = (partitions.count() * PIECE_ROWS).min(BLOCK_ROWS);
        let laying_out = LayingOut {
            normaliser: &normaliser,
            facts,
            join_by: preaggregation.map(|rule| PreAggregation { rule, zone: &job.output.zone, events: block_rows }),
            store: &store,
            partitions,
            block_rows,
            block_bytes: budget.limit.map_or(usize::MAX, |limit| limit.row_group_buffer(budget.threads)),
            profile,
            progress,
        };
        let mut rows = RowCounts::default();
        let counts = read(&laying_out)?;
        counts.iter().for_each(|counts| rows.merge(counts));
        Ok(Gathered { events: store.finish()?, rows })
    }
}

/// All events of a stream, laid out by partition.
#[derive(Debug)]
pub struct Streamed {
    /// The events, and what became of the rows.
    pub gathered: Gathered,
    /// Rows that the condition ruled out without looking at them: it holds for none.
    pub ruled_out: u64,
    /// The latest possible time of all rows, filtered ones too, where it was asked for.
    pub latest: Option<Timestamp>,
}

/// Makes facts of a batch of rows.
pub type FactsOf<'a> = dyn Fn(&RoleColumns) -> Option<Coded> + Sync + 'a;

/// Lays events out.
struct LayingOut<'a> {
    normaliser: &'a Normaliser<'a>,
    facts: Option<&'a FactsOf<'a>>,
    join_by: Option<PreAggregation<'a>>,
    store: &'a EventBufferWriter<'a>,
    partitions: Partitions,
    block_rows: usize,
    /// Bytes that the events buffered may take.
    block_bytes: usize,
    profile: &'a Profile,
    progress: &'a Progress,
}

/// The events of a row group or of a piece of one, which are laid out together: the more there are, the more a partition
/// gets at once.
struct GroupLaidOut<'a> {
    by: &'a LayingOut<'a>,
    known: Dictionaries,
    row_group_buffer: RowGroupBuffer<'a>,
    /// A batch that is needed no more. Its memory is kept until the next one has its own: given back before, it goes to
    /// the system, and every page of it has to come from there again.
    done: Option<EventBatch>,
    /// How many there are buffered, and the bytes that they take, with what is made of them when they are laid out.
    rows: usize,
    bytes: usize,
    counts: RowCounts,
}

impl<'a> GroupLaidOut<'a> {
    fn new(by: &'a LayingOut<'a>, rows: usize) -> Self {
        let join_by = by.join_by.map(|join_by| PreAggregation { events: rows.min(join_by.events), ..join_by });
        GroupLaidOut {
            by,
            known: Dictionaries::default(),
            row_group_buffer: RowGroupBuffer::new(join_by),
            done: None,
            rows: 0,
            bytes: 0,
            counts: RowCounts::default(),
        }
    }

    fn lay_out(&mut self) -> Result<(), Error> {
        self.bytes = 0;
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(());
        }
        let events = self.by.profile.time(Step::Join, || self.row_group_buffer.take());
        self.known.forget_keys();
        self.by.profile.time(Step::Scatter, || self.by.store.add(&scatter(&events, self.by.partitions)))
    }
}

/// What the events of a batch take buffered, and while they are laid out, about.
fn laid_out_bytes(events: &EventBatch) -> usize {
    /// Numbers of a row: as they came, joined, and where they go.
    const ROW: usize = 96;
    /// A key is in its batch, in the table that tells keys apart, among those of all batches, and in the block, twice for a
    /// moment.
    const COPIES: usize = 5;
    let texts = events.values.as_ref().and_then(|values| match &values.values {
        Values::Int(_) => None,
        Values::Text(texts) => Some(texts),
    });
    let keys = [Some(&events.users), texts, events.facts.as_ref(), events.watched.as_ref()].into_iter().flatten();
    // A dictionary comes with each of its batches, and may be larger than they are.
    let keys: usize =
        keys.map(|coded| coded.keys.size() * coded.codes.len().min(coded.keys.len()) / coded.keys.len().max(1)).sum();
    let ids = events.unique_ids.as_ref().map_or(0, |ids| ids.size());
    events.len() * ROW + keys * COPIES + ids * 4
}

impl GroupWork for GroupLaidOut<'_> {
    type Made = RowCounts;

    fn add(&mut self, rows: RoleColumns) -> Result<(), Error> {
        let (events, counts) = self.by.profile.time(Step::Normalise, || {
            let rows = match self.by.facts {
                None => rows,
                Some(facts) => RoleColumns { facts: facts(&rows), ..rows },
            };
            self.by.normaliser.events_beside(rows, &mut self.known)
        })?;
        self.by.progress.add(counts.passed);
        self.counts.merge(&counts);
        self.rows += events.len();
        self.bytes += laid_out_bytes(&events);
        self.done = self.by.profile.time(Step::Join, || self.row_group_buffer.add(events, &counts));
        if !self.row_group_buffer.joins() {
            self.known.forget_rare_keys();
        }
        match self.rows >= self.by.block_rows || self.bytes >= self.by.block_bytes {
            true => self.lay_out(),
            false => Ok(()),
        }
    }

    fn finish(mut self) -> Result<RowCounts, Error> {
        self.lay_out()?;
        Ok(self.counts)
    }
}
