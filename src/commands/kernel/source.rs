//! The events of a stream, laid out by partition.
//!
//! Mostly the batches go straight to the threads. Where the types of the tables follow from all values of a column (whole
//! numbers that may not fit 64 bits), the stream is put into a file first, and read from there as any file is.

use std::io::Read;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rayon::ThreadPool;
use tempfile::NamedTempFile;

use crate::commands::run::check_conditions;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::error::InputError;
use crate::events::source::plan::{Extent, ReadPlan};
use crate::events::stream::{EventBatches, EventStream};
use crate::job::fingerprint::Canonical;
use crate::job::Job;
use crate::pipeline;
use crate::pipeline::event_buffer::MemoryBudget;
use crate::pipeline::kernel_inputs::{needs_latest, preaggregation};
use crate::pipeline::progress::Progress;
use crate::pipeline::{Gather, Gathered, Streamed};
use crate::profile::Profile;
use crate::sessionize::time::Timestamp;
use crate::tables::error::TableError;

/// Reads a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) pool: &'a ThreadPool,
    pub(super) budget: &'a MemoryBudget,
    /// Takes the event types.
    pub(super) types: &'a EventDictionary,
}

/// The events of a stream, and what was found out about it.
#[derive(Debug)]
pub(super) struct Events {
    /// The job, without what its source says of columns that the stream does not have.
    pub(super) job: Job,
    pub(super) plan: ReadPlan,
    pub(super) gathered: Gathered,
    /// The latest possible time of all rows, filtered ones too.
    pub(super) latest: Option<Timestamp>,
    pub(super) definition: Canonical,
}

impl Source<'_> {
    /// Reads all events of a stream.
    ///
    /// # Errors
    /// It is no stream, breaks off, or lacks a column; memory and disk hold no more; an interruption.
    pub(super) fn events(&self, job: Job, input: impl Read + Send + 'static) -> Result<Events, Error> {
        let stream = EventStream::open(input)?;
        let mut of_stream = job.clone();
        match ReadPlan::of_stream(&mut of_stream, stream.schema()) {
            Ok(plan) => {
                check_conditions(&of_stream, &plan)?;
                self.straight(of_stream, plan, stream)
            }
            Err(InputError::Untold { .. }) => self.by_file(job, stream),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands batches straight to the threads.
    fn straight<R: Read + Send + 'static>(
        &self,
        job: Job,
        mut plan: ReadPlan,
        stream: EventStream<R>,
    ) -> Result<Events, Error> {
        let columns = plan.columns_read()?;
        let budget = self.with_aliases(&job, &mut plan)?;
        let (batches, rows) = self.begin(stream.batches(&columns)?)?;
        let definition = Canonical::new(&job, plan.canonical(&job.input));
        let with_times = needs_latest(&job) && plan.condition().is_some();
        plan.forget_unread();
        let Streamed { mut gathered, ruled_out, latest } = self
            .gather((&job, &budget), &plan, &Progress::new(false), &Profile::default())
            .events_of(batches, rows, with_times)?;
        plan.alias_table = None;
        gathered.rows.latest = gathered.rows.latest.max(latest);
        let rows = &gathered.rows;
        let read = rows.passed + rows.filtered;
        plan.extent =
            Extent { rows: read + ruled_out, rows_read: read, rows_ruled_out: ruled_out, ..Extent::default() };
        let latest = gathered.rows.latest;
        Ok(Events { job, plan, gathered, latest, definition })
    }

    /// Puts the stream into a file, and reads that.
    fn by_file<R: Read>(&self, mut job: Job, stream: EventStream<R>) -> Result<Events, Error> {
        let file = self.spool(stream)?;
        job.input.paths = vec![file.path().to_string_lossy().into_owned()];
        let mut plan = ReadPlan::new(&mut job)?;
        let budget = self.with_aliases(&job, &mut plan)?;
        let definition = Canonical::new(&job, plan.canonical(&job.input));
        plan.forget_unread();
        let mut gathered = self.gather((&job, &budget), &plan, &Progress::new(false), &Profile::default()).events()?;
        plan.alias_table = None;
        let latest = match needs_latest(&job) && plan.condition().is_some() {
            true => pipeline::latest_time(self.pool, &job, &plan, self.types)?,
            false => gathered.rows.latest,
        };
        gathered.rows.latest = latest;
        Ok(Events { job, plan, gathered, latest, definition })
    }

    /// Reads the mapping of users, where the job has one: the memory that is left beside it.
    fn with_aliases(&self, job: &Job, plan: &mut ReadPlan) -> Result<MemoryBudget, Error> {
        let mut budget = self.budget.clone();
        pipeline::load_aliases(self.pool, &job.input, plan, &mut budget)?;
        Ok(budget)
    }

    fn gather<'g>(
        &'g self,
        (job, budget): (&'g Job, &'g MemoryBudget),
        plan: &'g ReadPlan,
        progress: &'g Progress,
        profile: &'g Profile,
    ) -> Gather<'g> {
        Gather {
            pool: self.pool,
            job,
            preaggregation: preaggregation(job),
            plan,
            types: self.types,
            budget,
            profile,
            progress,
        }
    }

    /// All batches, of which the first ones have been read to see how many rows there are, about. It says into how many
    /// partitions users are divided.
    fn begin<R: Read + Send + 'static>(&self, mut batches: EventBatches<R>) -> Result<(Begun<R>, u64), InputError> {
        /// Rows of a stream that is taken to have many more once it has so many.
        const FEW: usize = 1 << 19;
        const FEW_IN_LITTLE_MEMORY: usize = 1 << 16;
        /// Enough for partitions to be small also where there are as many as a large machine makes of one stream.
        const MANY: u64 = 1 << 25;
        const MANY_IN_LITTLE_MEMORY: u64 = 1 << 27;
        let (few, many) = match self.budget.limit {
            None => (FEW, MANY),
            Some(_) => (FEW_IN_LITTLE_MEMORY, MANY_IN_LITTLE_MEMORY),
        };
        let mut first = Vec::new();
        let mut rows = 0;
        while rows < few {
            match batches.next().transpose()? {
                Some(batch) => {
                    rows += batch.num_rows();
                    first.push(Ok(batch));
                }
                None => return Ok((first.into_iter().chain(batches), rows as u64)),
            }
        }
        Ok((first.into_iter().chain(batches), many))
    }

    /// Puts a stream into a Parquet file, which is gone when it is dropped.
    fn spool<R: Read>(&self, stream: EventStream<R>) -> Result<NamedTempFile, Error> {
        let folder = &self.budget.folder;
        let spill = |error: &std::io::Error| TableError::spill(folder, error);
        let made = std::fs::create_dir_all(folder)
            .and_then(|()| tempfile::Builder::new().prefix("dwell-").suffix(".parquet").tempfile_in(folder));
        let file = made.map_err(|error| spill(&error))?;
        let failed = |error: &parquet::errors::ParquetError| TableError::write(file.path(), error);
        let properties =
            WriterProperties::builder().set_compression(Compression::LZ4_RAW).set_dictionary_enabled(false);
        let properties = Some(properties.build());
        let mut writer =
            ArrowWriter::try_new(file.as_file(), stream.types(), properties).map_err(|error| failed(&error))?;
        for batch in stream.unchanged_batches()? {
            crate::cancel::check()?;
            writer.write(&batch?).map_err(|error| failed(&error))?;
        }
        writer.close().map_err(|error| failed(&error))?;
        Ok(file)
    }
}

/// Batches of a stream, the first of which have been read.
type Begun<R> = std::iter::Chain<std::vec::IntoIter<Result<RecordBatch, InputError>>, EventBatches<R>>;
