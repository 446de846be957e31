//! The tables of what the kernel made: which there are, and the rows of each.

use std::path::Path;

use crate::error::Error;
use crate::events::source::plan::ReadPlan;
use crate::job::options::Table;
use crate::job::{AddedColumns, Job, Segment};
use crate::pipeline::Made;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::dated::Dated;
use crate::sessionize::table_rows::merge::ByDate;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::schema::events::EventColumns;
use crate::tables::schema::made_with::MadeWith;
use crate::tables::schema::place::TablePlace;
use crate::tables::schema::sessions::{TableColumns, To, ACTIVITY, EVENTS, SESSIONS};
use crate::tables::write::parquet_file::{Provenance, Size};

/// The tables of a job.
#[derive(Debug)]
pub struct MadeTables<'a> {
    /// The job.
    pub job: &'a Job,
    /// What is read for it.
    pub plan: &'a ReadPlan,
    /// The event types, by their codes.
    pub types: &'a EventTypes,
    /// What the tables say of themselves.
    pub provenance: &'a Provenance,
    /// Which tables are wanted. There is an events table only where the job asks for one.
    pub wanted: Vec<Table>,
}

/// A table, with its rows.
#[derive(Debug)]
pub struct MadeTable<'a, R: Dated> {
    /// Which table it is.
    pub table: Table,
    /// Where it is within an output folder.
    pub place: TablePlace,
    /// The segment that it is of, by its place; `None` for all events.
    pub segment: Option<usize>,
    /// Its rows.
    pub rows: ByDate<'a, R>,
    /// What it says of itself.
    pub provenance: Provenance,
    /// Its columns; of the events table those that all tables have.
    pub columns: &'a TableColumns,
}

/// Writes one table after the other.
pub trait TableWriter {
    /// Writes a table. `file` writes the rows of a date, or none.
    ///
    /// # Errors
    /// A file that cannot be written; an interruption.
    fn table<R: Dated + Sync>(
        &mut self,
        table: MadeTable<'_, R>,
        file: impl Fn(&Path, To<'_>, Option<(&ByDate<'_, R>, Day)>) -> Result<Size, TableError> + Sync,
    ) -> Result<(), Error>;
}

impl MadeTables<'_> {
    /// Hands a writer the tables: sessions and activity of all events, then of each segment, and then the events.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn each(&self, made: &Made, writer: &mut impl TableWriter) -> Result<(), Error> {
        let MadeTables { job, plan, types, provenance, .. } = *self;
        let facts = plan.facts.as_deref();
        let of_segments = job.segments.with_tables.iter().zip(&job.performed).enumerate().map(Some);
        for of_segment in std::iter::once(None).chain(of_segments) {
            let segment = of_segment.map(|(place, _)| place);
            let (of, performed): (Option<&Segment>, Option<&AddedColumns>) = of_segment.map(|(_, of)| of).unzip();
            let partitions = partitions_of(made, segment);
            let columns = TableColumns::of_run(job, &plan.roles, facts, of.zip(performed))?;
            let made_with = |added: &AddedColumns, history: bool| {
                provenance.with(MadeWith::new(added, of).with_history(history).metadata())
            };
            let name = of.map(|of| of.name.as_str());
            if self.wanted.contains(&Table::Sessions) {
                let table = MadeTable {
                    table: Table::Sessions,
                    place: TablePlace::new(SESSIONS, name),
                    segment,
                    rows: ByDate::new(partitions, &made.users, Partition::session_rows),
                    provenance: made_with(&job.added, job.output.history),
                    columns: &columns,
                };
                writer.table(table, |path, to, rows| columns.write_sessions(path, to, rows, types))?;
            }
            if self.wanted.contains(&Table::Activity) {
                let table = MadeTable {
                    table: Table::Activity,
                    place: TablePlace::new(ACTIVITY, name),
                    segment,
                    rows: ByDate::new(partitions, &made.users, Partition::activity_rows),
                    provenance: made_with(performed.unwrap_or(&AddedColumns::default()), false),
                    columns: &columns,
                };
                writer.table(table, |path, to, rows| columns.write_activity(path, to, rows))?;
            }
        }
        let columns = EventColumns::of_run(job, &plan.roles, facts);
        if let Some(columns) = columns.filter(|_| self.wanted.contains(&Table::Events)) {
            let table = MadeTable {
                table: Table::Events,
                place: TablePlace::new(EVENTS, None),
                segment: None,
                rows: ByDate::new(partitions_of(made, None), &made.users, Partition::event_rows),
                provenance: provenance.with(MadeWith::of_events(job).metadata()),
                columns: &TableColumns::new(&plan.roles, None, false),
            };
            writer.table(table, |path, to, rows| columns.write(path, to, rows, types))?;
        }
        Ok(())
    }
}

/// The partitions of a segment, by its place, or of all events.
fn partitions_of(made: &Made, segment: Option<usize>) -> &[Partition] {
    match segment {
        None => &made.partitions,
        // Without any event there are no partitions.
        Some(place) => made.segments.get(place).map_or(&[][..], Vec::as_slice),
    }
}
