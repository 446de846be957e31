//! The table of a stream: rows of the kernel, by date, into another stream.

use std::io::{BufWriter, Write};

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use rayon::ThreadPool;

use super::StreamTable;
use crate::error::Error;
use crate::events::source::plan::ReadPlan;
use crate::job::fingerprint::Canonical;
use crate::job::{AddedColumns, Job, Segment};
use crate::pipeline;
use crate::pipeline::Made;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::dated::Dated;
use crate::sessionize::table_rows::merge::ByDate;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::schema::events::EventColumns;
use crate::tables::schema::made_with::MadeWith;
use crate::tables::schema::sessions::{TableColumns, ACTIVITY, EVENTS, SESSIONS};
use crate::tables::write::arrow_stream::ArrowStream;
use crate::tables::write::parquet_file::Provenance;

/// Dates that are made into columns at a time, for each thread: the others are only rows meanwhile.
const DATES_AT_ONCE: usize = 2;

/// Writes a table into a stream.
pub(super) struct Writer<'a, W: Write> {
    pub(super) pool: &'a ThreadPool,
    pub(super) job: &'a Job,
    pub(super) plan: &'a ReadPlan,
    pub(super) types: &'a EventTypes,
    pub(super) table: StreamTable,
    /// The segment whose table it is, with its place in the job.
    pub(super) segment: Option<(usize, &'a Segment)>,
    pub(super) definition: &'a Canonical,
    /// Where it goes, until it is begun.
    pub(super) output: Option<W>,
    pub(super) stream: Option<ArrowStream<BufWriter<W>>>,
}

impl<W: Write> Writer<'_, W> {
    /// Writes rows, of which those of a user come together: by date, those of a date in the order of the table.
    ///
    /// # Errors
    /// Nobody reads them; an interruption.
    pub(super) fn write(&mut self, made: &Made) -> Result<(), Error> {
        let types = self.types;
        let partitions: &[Partition] = match self.segment {
            None => &made.partitions,
            Some((place, _)) => made.segments.get(place).map_or(&[], Vec::as_slice),
        };
        match self.table {
            StreamTable::Sessions => {
                let rows = ByDate::new(partitions, &made.users, Partition::session_rows);
                let columns = self.columns()?;
                self.write_dates(&rows, |day| columns.sessions_on((&rows, day), types))
            }
            StreamTable::Activity => {
                let rows = ByDate::new(partitions, &made.users, Partition::activity_rows);
                let columns = self.columns()?;
                self.write_dates(&rows, |day| columns.activity_on((&rows, day)))
            }
            StreamTable::Events => {
                let rows = ByDate::new(partitions, &made.users, Partition::event_rows);
                let columns = self.event_columns()?;
                self.write_dates(&rows, |day| columns.rows_on((&rows, day), types))
            }
        }
    }

    /// Ends the table, and returns how many rows it has.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(super) fn finish(mut self) -> Result<u64, Error> {
        self.begun()?;
        let stream = self.stream.take().ok_or_else(not_begun)?;
        Ok(stream.finish()?)
    }

    fn columns(&self) -> Result<TableColumns, Error> {
        let (job, facts) = (self.job, self.plan.facts.as_deref());
        let segment = self.segment.and_then(|(place, segment)| Some((segment, job.performed.get(place)?)));
        Ok(TableColumns::of_run(job, &self.plan.roles, facts, segment)?)
    }

    fn event_columns(&self) -> Result<EventColumns, Error> {
        EventColumns::of_run(self.job, &self.plan.roles, self.plan.facts.as_deref()).ok_or_else(not_begun)
    }

    fn write_dates<R: Dated + Sync>(
        &mut self,
        rows: &ByDate<'_, R>,
        slices: impl Fn(Day) -> Result<Vec<RecordBatch>, ArrowError> + Sync,
    ) -> Result<(), Error> {
        let days = rows.days();
        for days in days.chunks(self.pool.current_num_threads() * DATES_AT_ONCE) {
            let of_day = |day: &Day| slices(*day).map_err(|error| Error::from(TableError::of_stream_rows(&error)));
            let of_days = pipeline::each(self.pool, days, of_day)?;
            let stream = self.begun()?;
            for (day, slices) in days.iter().zip(of_days) {
                for slice in slices {
                    stream.write(&slice, *day)?;
                }
            }
        }
        Ok(())
    }

    /// The stream, which is begun where it is not yet.
    fn begun(&mut self) -> Result<&mut ArrowStream<BufWriter<W>>, Error> {
        if let Some(output) = self.output.take() {
            let none = AddedColumns::default();
            let segment = self.segment.map(|(_, segment)| segment);
            let performed = self.segment.and_then(|(place, _)| self.job.performed.get(place));
            let (name, schema, made_with) = match self.table {
                StreamTable::Sessions => {
                    let columns = self.columns()?;
                    let made_with = MadeWith::new(&self.job.added, segment).with_history(columns.have_history());
                    (SESSIONS, columns.schema(SESSIONS), made_with)
                }
                StreamTable::Activity => {
                    let made_with = MadeWith::new(performed.unwrap_or(&none), segment);
                    (ACTIVITY, self.columns()?.schema(ACTIVITY), made_with)
                }
                StreamTable::Events => (EVENTS, self.event_columns()?.schema(), MadeWith::of_events(self.job)),
            };
            let provenance = Provenance::of(self.definition).with(made_with.metadata());
            let output = BufWriter::with_capacity(1 << 18, output);
            self.stream = Some(ArrowStream::begin(output, &schema, name.date_key, &provenance)?);
        }
        self.stream.as_mut().ok_or_else(not_begun)
    }
}

pub(super) fn not_begun() -> Error {
    Error::Bug { what: "a table is written whose stream has not begun".to_string() }
}
