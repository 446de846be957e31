//! What a run writes: the tables of the kernel's rows, the charts over them, and which files of earlier
//! runs they replace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::scope::{Mode, Scope};
use crate::charts::chart_set::{segment_tables, stage_charts, unreadable, ChartSet};
use crate::charts::lonely::Sparse;
use crate::charts::overview::{overview, Overview};
use crate::charts::tables::TableFiles;
use crate::error::Error;
use crate::events::source::plan::ReadPlan;
use crate::job::options::{Options, Table};
use crate::job::{AddedColumns, Job, Segment};
use crate::pipeline;
use crate::pipeline::event_buffer::Room;
use crate::pipeline::progress::Progress;
use crate::pipeline::Made;
use crate::profile::Profile;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::dated::{ByDay, Dated};
use crate::sessionize::table_rows::merge::ByDate;
use crate::sessionize::table_rows::records::{ActivityRow, SessionRow};
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::folder::LockedFolder;
use crate::tables::schema::added::AddedFields;
use crate::tables::schema::made_with::MadeWith;
use crate::tables::schema::place::{segment_of, TablePlace, SEGMENTS};
use crate::tables::schema::sessions::{TableColumns, To, ACTIVITY, SESSIONS};
use crate::tables::write::parquet_file::{Provenance, Size, ROW_GROUP_ROWS, SLICE_ROWS};
use crate::tables::write::syncer::Syncer;

/// What has been staged.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows and bytes of each table.
    pub sizes: Vec<(String, Size)>,
    /// Files of earlier runs that this one's replace.
    pub replaced: BTreeSet<PathBuf>,
    /// Staged files that the disk has, with their names.
    pub confirmed: BTreeSet<PathBuf>,
    /// The dates that sessions were written of.
    pub days: Vec<Day>,
    /// The charts that have rows only for intervals with sessions.
    pub sparse: Vec<Sparse>,
    /// This run's sessions of all events, staged or made only to be measured.
    made: TableFiles,
    /// The tables of all events and of each segment, dates of earlier runs that stay among them.
    tables: Vec<TableFiles>,
}

/// Stages the files of a run.
#[derive(Debug)]
pub struct Output<'a> {
    job: &'a Job,
    options: &'a Options,
    scope: &'a Scope,
    folder: &'a LockedFolder,
    pool: &'a rayon::ThreadPool,
    written: Written,
    /// Has the disk confirm the files.
    syncer: Syncer,
    /// The memory that there is for it.
    room: &'a Room,
    /// How many parts there are, and how many rows they have of each table and date.
    parts: usize,
    rows_in_parts: BTreeMap<PathBuf, BTreeMap<Day, u64>>,
}

impl<'a> Output<'a> {
    /// For a run into `folder`.
    pub fn new(
        job: &'a Job,
        options: &'a Options,
        scope: &'a Scope,
        folder: &'a LockedFolder,
        pool: &'a rayon::ThreadPool,
        room: &'a Room,
    ) -> Self {
        let (parts, rows_in_parts) = (0, BTreeMap::new());
        Output {
            job,
            options,
            scope,
            folder,
            pool,
            written: Written::default(),
            syncer: Syncer::start(),
            room,
            parts,
            rows_in_parts,
        }
    }

    /// What was staged. But for a full run, files that are the same as before stay as they are.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn finish(mut self) -> Result<Written, Error> {
        self.written.confirmed = self.syncer.finish()?;
        if self.scope.mode != Mode::Full {
            let same = self.folder.keep_same()?;
            self.written.replaced.retain(|file| !same.contains(file));
        }
        Ok(self.written)
    }

    /// Stages the sessions and activity tables of all events and of each segment, as far as the run makes
    /// them.
    ///
    /// # Errors
    /// A file that cannot be written; an interruption.
    pub fn write_tables(&mut self, run: Run<'_>, made: Made, progress: &mut Progress) -> Result<(), Error> {
        self.write_all(run, Rows::Rest(&made), progress)
    }

    /// Writes some of the rows of the tables, which memory holds no longer; those of a user have to come together.
    ///
    /// # Errors
    /// As [`Output::write_tables`].
    pub fn write_part(&mut self, run: Run<'_>, made: &Made, progress: &mut Progress) -> Result<(), Error> {
        self.write_all(run, Rows::Part(made), progress)?;
        self.parts += 1;
        Ok(())
    }

    fn write_all(&mut self, run: Run<'_>, rows: Rows<'_>, progress: &mut Progress) -> Result<(), Error> {
        self.write_both(run, rows, None, progress)?;
        let job = self.job;
        for (place, of) in job.segments.iter().zip(&job.performed).enumerate() {
            self.write_both(run, rows, Some((place, of)), progress)?;
        }
        let all_tables = self.options.writes(Table::Sessions) && self.options.writes(Table::Activity);
        if all_tables && !matches!(rows, Rows::Part(_)) {
            self.remove_other_segments()?;
        }
        Ok(())
    }

    /// Stages both tables of a segment, or of all events.
    fn write_both(
        &mut self,
        run: Run<'_>,
        rows: Rows<'_>,
        segment: Option<(usize, (&Segment, &AddedColumns))>,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let Run { plan, types, provenance, profile } = run;
        let (definition, facts) = (&self.job.definition, plan.facts.as_deref());
        let partitions = rows.partitions(segment.map(|(place, _)| place));
        let (segment, performed) = segment.map(|(_, of)| of).unzip();
        let to_sessions = AddedFields::of_sessions(self.job, segment, facts);
        let to_activity = AddedFields::of_activity(self.job, segment, performed, facts);
        let columns = TableColumns::new(&plan.roles, definition.property(), definition.custom().is_some())
            .with_added(to_sessions, to_activity);
        let made_with = |added: &AddedColumns| provenance.with(MadeWith::new(added, segment).metadata());
        let name = segment.map(|segment| segment.name.as_str());
        let mut files = TableFiles::default();
        if self.options.makes(Table::Sessions) {
            let source = Source { profile, rows, by_date: ByDate::new(partitions, &rows.made().users, sessions_of) };
            let provenance = made_with(&self.job.added);
            let place = TablePlace::new(SESSIONS, name);
            let new = self.write_table(
                &place,
                Table::Sessions,
                &source,
                &provenance,
                progress,
                &mut files,
                |path, to, rows| columns.write_sessions(path, to, rows, types),
            )?;
            if segment.is_none() {
                self.written.days = new.iter().filter_map(|file| SESSIONS.day_of(file)).collect();
                self.written.made.extend(SESSIONS, new.into_iter());
            }
        }
        if self.options.makes(Table::Activity) {
            let source = Source { profile, rows, by_date: ByDate::new(partitions, &rows.made().users, activity_of) };
            let provenance = made_with(performed.unwrap_or(&AddedColumns::default()));
            let place = TablePlace::new(ACTIVITY, name);
            self.write_table(&place, Table::Activity, &source, &provenance, progress, &mut files, |path, to, rows| {
                columns.write_activity(path, to, rows)
            })?;
        }
        if !matches!(rows, Rows::Part(_)) {
            self.written.tables.push(files);
        }
        Ok(())
    }

    /// Writes the files of a table, notes which ones of earlier runs they replace and adds all of its files
    /// to `files`. The new ones are returned.
    #[allow(clippy::too_many_arguments)]
    fn write_table<R: Dated + Sync>(
        &mut self,
        name: &TablePlace,
        table: Table,
        source: &Source<'_, R>,
        provenance: &Provenance,
        progress: &mut Progress,
        files: &mut TableFiles,
        write: impl Fn(&Path, To<'_>, Option<(&ByDate<'_, R>, Day)>) -> Result<Size, TableError> + Sync,
    ) -> Result<Vec<PathBuf>, Error> {
        let days = source.by_date.days();
        let shared = self.room.shared(0);
        let takes = self.room.limit.map_or(Takes::default(), |_| Takes::of(&source.by_date));
        if let Rows::Part(_) = source.rows {
            let bytes = |day: Day| takes.of_part(source.by_date.rows_of(day));
            pipeline::write_dates(self.pool, &days, source.profile, progress, (&shared, &bytes), |day| {
                let path = self.folder.scratch(&name.part_of(self.parts, day))?;
                write(&path, To::Part, Some((&source.by_date, day)))
            })?;
            let in_parts = self.rows_in_parts.entry(name.folder()).or_default();
            days.iter().for_each(|day| *in_parts.entry(*day).or_default() += source.by_date.rows_of(*day));
            return Ok(Vec::new());
        }
        let in_parts = self.rows_in_parts.remove(&name.folder()).unwrap_or_default();
        let days: Vec<Day> =
            days.into_iter().chain(in_parts.keys().copied()).collect::<BTreeSet<_>>().into_iter().collect();
        let bytes = |day: Day| {
            takes.of_table(source.by_date.rows_of(day), in_parts.get(&day).copied().unwrap_or(0), self.parts)
        };
        progress.stage(table.name(), days.len() as u64);
        let place = |file: PathBuf| match self.options.writes(table) {
            true => self.folder.stage(&file),
            false => self.folder.scratch(&file),
        };
        let part_of = |number: usize, day: Day| self.folder.scratch_path(&name.part_of(number, day));
        let mut size = pipeline::write_dates(self.pool, &days, source.profile, progress, (&shared, &bytes), |day| {
            let path = place(name.file_of(day))?;
            let parts = (0..self.parts).map(|part| part_of(part, day)).filter(|part| part.exists());
            let parts: Vec<PathBuf> = parts.collect();
            let size = write(&path, To::Table(provenance, &parts), Some((&source.by_date, day)))?;
            if self.options.writes(table) {
                self.syncer.later(&path)?;
            }
            Ok(size)
        })?;
        let (replaced, kept) = self.earlier_files(name)?;
        files.extend(name.table, kept.iter().map(|file| self.folder.path().join(file)));
        let path = |day: &Day| match self.options.writes(table) {
            true => self.folder.staged_path(&name.file_of(*day)),
            false => self.folder.scratch_path(&name.file_of(*day)),
        };
        let new: Vec<PathBuf> = days.iter().map(path).collect();
        files.extend(name.table, new.iter().cloned());
        if !self.options.writes(table) {
            return Ok(new);
        }
        if days.is_empty() && kept.iter().all(|file| *file == name.empty_file()) {
            let path = self.folder.stage(&name.empty_file())?;
            size.merge(write(&path, To::Table(provenance, &[]), None)?);
            self.syncer.later(&path)?;
        }
        let no_longer_empty = !days.is_empty() && kept.contains(&name.empty_file());
        self.written.replaced.extend(no_longer_empty.then(|| name.empty_file()));
        self.written.replaced.extend(replaced);
        self.written.sizes.push((name.folder().to_string_lossy().into_owned(), size));
        Ok(new)
    }

    /// The files of a table from earlier runs: those of the dates that this run is about, and the others.
    fn earlier_files(&self, name: &TablePlace) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), Error> {
        // What else lies there is not ours.
        let files = self.folder.files_of(&name.folder())?.into_iter().filter(|file| name.owns(file));
        if self.scope.dates.is_all() {
            return Ok((files.collect(), BTreeSet::new()));
        }
        Ok(files.partition(|file| name.table.day_of(file).is_some_and(|day| self.scope.dates.holds(day))))
    }

    /// Segments that the job has no more go: nothing would keep them up to date.
    fn remove_other_segments(&mut self) -> Result<(), Error> {
        let is_known = |name: &str| self.job.segments.iter().any(|segment| segment.name == name);
        let files = self.folder.files_of(Path::new(SEGMENTS))?;
        let gone = files.into_iter().filter(|file| segment_of(file).is_some_and(|name| !is_known(name)));
        self.written.replaced.extend(gone);
        Ok(())
    }

    /// Measures the tables, stages the charts, and sums this run's sessions up.
    ///
    /// # Errors
    /// A table that cannot be read, a file that cannot be written.
    pub fn write_charts(&mut self, provenance: &Provenance) -> Result<Option<Overview>, Error> {
        if self.options.writes(Table::Charts) {
            let job = self.job;
            let tables = std::mem::take(&mut self.written.tables);
            let segments = segment_tables(&job.segments, &job.performed, job.definition.property(), tables);
            let limit = self.room.limit;
            let charts = ChartSet { charts: &job.charts, segments: &segments, added: &job.added, limit };
            let measured = charts.measure(self.pool, self.folder.path(), &job.output.zone)?;
            let sizes = stage_charts(self.folder, provenance, &job.charts, &measured.lines, job.output.csv_style())?;
            self.written.sizes.extend(sizes);
            self.written.sparse = measured.sparse;
        }
        // Nobody is shown the sum of a quiet run.
        match self.options.makes(Table::Sessions) && !self.options.resources.quiet {
            true => {
                let sessions = overview(self.pool, &self.written.made.sessions);
                Ok(Some(sessions.map_err(|error| unreadable(self.folder.path(), &error))?))
            }
            false => Ok(None),
        }
    }
}

/// How what a run made is written.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// Which columns there are.
    pub plan: &'a ReadPlan,
    /// The event types.
    pub types: &'a EventTypes,
    /// What the tables say of themselves.
    pub provenance: &'a Provenance,
    /// Where the time goes.
    pub profile: &'a Profile,
}

/// Rows of a run's tables.
#[derive(Clone, Copy)]
enum Rows<'a> {
    /// A part: memory does not hold the others beside them.
    Part(&'a Made),
    /// All that are in no part.
    Rest(&'a Made),
}

impl<'a> Rows<'a> {
    fn made(self) -> &'a Made {
        match self {
            Rows::Part(made) | Rows::Rest(made) => made,
        }
    }

    /// Those of a segment, by its place, or of all events.
    fn partitions(self, segment: Option<usize>) -> &'a [Partition] {
        let made = self.made();
        match segment {
            None => &made.partitions,
            // Without any event there are no partitions.
            Some(place) => made.segments.get(place).map_or(&[][..], Vec::as_slice),
        }
    }
}

/// What writing a file takes of memory, about.
#[derive(Clone, Copy, Debug, Default)]
struct Takes {
    /// A row, in columns.
    row: u64,
}

impl Takes {
    /// What takes its part of memory whatever the rows: what the compressor has at hand.
    const FIXED: u64 = 4 << 20;
    /// The place of a row among those of its date, while these are put in order.
    const PLACE: u64 = 40;

    fn of<R: Dated>(rows: &ByDate<'_, R>) -> Self {
        let bytes: usize = rows.partitions().iter().map(Partition::bytes).sum();
        let users = rows.users().bytes();
        let count: u64 = rows.days().into_iter().map(|day| rows.rows_of(day)).sum();
        Takes { row: ((bytes + users) as u64 / count.max(1)).clamp(48, 1 << 16) }
    }

    fn of_part(self, rows: u64) -> u64 {
        Self::FIXED + rows * Self::PLACE + rows.min(SLICE_ROWS as u64) * self.row * 2
    }

    /// A file of rows in memory and of rows in parts: of each part a slice is in memory, and of the file a row group.
    fn of_table(self, rows: u64, in_parts: u64, parts: usize) -> u64 {
        let slices = in_parts.min(parts as u64 * SLICE_ROWS as u64) * self.row * 2;
        self.of_part(rows) + slices + (rows + in_parts).min(ROW_GROUP_ROWS as u64) * self.row * 3 / 4
    }
}

/// The rows of one table.
struct Source<'a, R: Dated> {
    profile: &'a Profile,
    rows: Rows<'a>,
    by_date: ByDate<'a, R>,
}

fn sessions_of(partition: &Partition) -> &ByDay<SessionRow> {
    &partition.sessions
}

fn activity_of(partition: &Partition) -> &ByDay<ActivityRow> {
    &partition.activity
}
