//! What a run writes: the tables of the kernel's rows, the charts over them, and which files of earlier
//! runs they replace.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::charts::daily::{measure, overview, Overview, TableFiles};
use crate::error::Error;
use crate::job::dates::first_instant;
use crate::job::options::{Options, Table};
use crate::job::{Job, JobError};
use crate::limits::DateChange;
use crate::pipeline::{self, Made};
use crate::report::progress::Progress;
use crate::scope::{Mode, Scope};
use crate::sessionize::dates::DateSet;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::merge::{ByDate, Dated};
use crate::sessionize::partition::Partition;
use crate::sessionize::time::Day;
use crate::tables::changes::{compare, rows_of, Changes, Groups};
use crate::tables::error::TableError;
use crate::tables::folder::LockedFolder;
use crate::tables::measures::{histogram_columns, measure_columns, write_csv, write_parquet};
use crate::tables::parquet_file::{Provenance, Size};
use crate::tables::sessions::{property_column, TableColumns, TableName, ACTIVITY, SESSIONS};

/// What has been staged.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows and bytes of each table.
    pub sizes: Vec<(&'static str, Size)>,
    /// Files of earlier runs that this one's replace.
    pub replaced: BTreeSet<PathBuf>,
    /// This run's tables, staged or made only to be measured.
    measured: TableFiles,
    /// Dates of earlier runs that stay.
    kept: TableFiles,
    /// The dates that sessions were written of.
    pub days: Vec<Day>,
    /// Whether the sessions are compared with those before.
    is_compared: bool,
}

/// What a run's files are beside those that they replace.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The dates of which some file is replaced, added or removed.
    pub replaced: Vec<Day>,
    /// The dates of the sessions table among them, with their numbers of sessions.
    pub dates: Vec<DateChange>,
    /// The newest date that the sessions table had.
    pub newest: Option<Day>,
    /// But of a full run: what became of the sessions before.
    pub changes: Option<Changes>,
}

impl Written {
    /// Compares what is staged with what stands in the folder.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn compare(&self, job: &Job, folder: &LockedFolder) -> Result<Outcome, Error> {
        let staged = folder.staged_files()?;
        let touched: BTreeSet<&PathBuf> = staged.iter().chain(&self.replaced).collect();
        let days_of = |table: TableName| touched.iter().filter_map(move |file| table.day_of(file));
        let replaced: BTreeSet<Day> = [SESSIONS, ACTIVITY].into_iter().flat_map(days_of).collect();
        let before = folder.files_of(SESSIONS.folder)?;
        let newest = before.iter().filter_map(|file| SESSIONS.day_of(file)).max();
        let mut outcome = Outcome { replaced: replaced.into_iter().collect(), newest, ..Outcome::default() };
        let mut files = (Vec::new(), Vec::new());
        for day in days_of(SESSIONS) {
            let file = SESSIONS.file_of(day);
            let (old, new) = (folder.path().join(&file), folder.staged_path(&file));
            let was = before.contains(&file).then(|| rows_of(&old)).transpose()?;
            let is = if staged.contains(&file) { rows_of(&new)? } else { 0 };
            outcome.dates.push(DateChange { day, was, is });
            files.0.extend(was.is_some().then_some(old));
            files.1.extend(staged.contains(&file).then_some(new));
        }
        if self.is_compared {
            let groups = match job.definition.custom() {
                None => Groups { value: Some("session_id".to_string()), names_session: true },
                Some(custom) => Groups { value: custom.property.as_deref().map(property_column), names_session: false },
            };
            outcome.changes = Some(compare(&files.0, &files.1, &groups)?);
        }
        Ok(outcome)
    }
}

/// Refuses a run of some dates that would leave tables, or charts over them, of which one has dates that another
/// lacks.
///
/// # Errors
/// The table that lacks them.
pub fn check_tables(job: &Job, options: &Options, dates: &DateSet, folder: &LockedFolder) -> Result<(), Error> {
    if dates.is_all() {
        return Ok(());
    }
    let kept = |table: TableName| -> Result<(bool, BTreeSet<Day>), Error> {
        let files = folder.files_of(table.folder)?;
        let days = files.iter().filter_map(|file| table.day_of(file)).filter(|day| !dates.holds(*day)).collect();
        Ok((files.iter().any(|file| table.owns(file)), days))
    };
    let ((has_sessions, sessions), (has_activity, activity)) = (kept(SESSIONS)?, kept(ACTIVITY)?);
    let refuse = |has: TableName, lacks: TableName| {
        let path = folder.path().to_path_buf();
        Err(JobError::PartOfTables { path, has: has.folder, lacks: lacks.folder }.into())
    };
    // Where a session starts there is an event, unless its id says where it starts.
    let inactive = job.definition.custom().is_some() && !sessions.is_subset(&activity);
    let charts = options.writes(Table::Charts);
    match (has_sessions, has_activity) {
        (true, false) if charts || options.writes(Table::Activity) => refuse(SESSIONS, ACTIVITY),
        (false, true) if charts || options.writes(Table::Sessions) => refuse(ACTIVITY, SESSIONS),
        (true, true) if charts && inactive => refuse(SESSIONS, ACTIVITY),
        _ => Ok(()),
    }
}

/// Stages the files of a run.
#[derive(Debug)]
pub struct Output<'a> {
    job: &'a Job,
    options: &'a Options,
    scope: &'a Scope,
    columns: &'a TableColumns,
    folder: &'a LockedFolder,
    pool: &'a rayon::ThreadPool,
    written: Written,
}

impl<'a> Output<'a> {
    /// For a run into `folder`.
    pub fn new(
        job: &'a Job,
        options: &'a Options,
        scope: &'a Scope,
        columns: &'a TableColumns,
        folder: &'a LockedFolder,
        pool: &'a rayon::ThreadPool,
    ) -> Self {
        Output { job, options, scope, columns, folder, pool, written: Written::default() }
    }

    /// What was staged. But for a full run, files that are the same as before stay as they are.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn finish(mut self) -> Result<Written, Error> {
        if self.scope.mode != Mode::Full {
            let same = self.folder.keep_same()?;
            self.written.replaced.retain(|file| !same.contains(file));
            self.written.is_compared = true;
        }
        Ok(self.written)
    }

    /// Stages the sessions and activity tables, as far as the run makes them.
    ///
    /// # Errors
    /// A file that cannot be written; an interruption.
    pub fn write_tables(
        &mut self,
        made: &Made,
        types: &EventTypes,
        provenance: &Provenance,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let columns = self.columns;
        if self.options.makes(Table::Sessions) {
            let rows = ByDate::new(&made.partitions, &made.ranks, |partition: &Partition| &partition.sessions);
            progress.stage("sessions", rows.days().len() as u64);
            self.written.days = rows.days();
            self.write_table(SESSIONS, Table::Sessions, &rows, progress, |path, rows| {
                columns.write_sessions(path, provenance, rows, types)
            })?;
        }
        if self.options.makes(Table::Activity) {
            let rows = ByDate::new(&made.partitions, &made.ranks, |partition: &Partition| &partition.activity);
            progress.stage("activity", rows.days().len() as u64);
            self.write_table(ACTIVITY, Table::Activity, &rows, progress, |path, rows| {
                columns.write_activity(path, provenance, rows)
            })?;
        }
        Ok(())
    }

    /// Writes the files of a table, and notes which ones of earlier runs they replace.
    fn write_table<R: Dated + Sync>(
        &mut self,
        name: TableName,
        table: Table,
        rows: &ByDate<'_, R>,
        progress: &Progress,
        write: impl Fn(&Path, Option<(&ByDate<'_, R>, Day)>) -> Result<Size, TableError> + Sync,
    ) -> Result<(), Error> {
        let days = rows.days();
        let place = |file: PathBuf| match self.options.writes(table) {
            true => self.folder.stage(&file),
            false => self.folder.scratch(&file),
        };
        let mut size = pipeline::write_dates(self.pool, &days, progress, |day| {
            write(&place(name.file_of(day))?, Some((rows, day)))
        })?;
        let (replaced, kept) = self.earlier_files(name)?;
        self.written.kept.extend(name, kept.iter().map(|file| self.folder.path().join(file)));
        if !self.options.writes(table) {
            self.written.measured.extend(name, days.iter().map(|day| self.folder.scratch_path(&name.file_of(*day))));
            return Ok(());
        }
        self.written.measured.extend(name, days.iter().map(|day| self.folder.staged_path(&name.file_of(*day))));
        if days.is_empty() && kept.iter().all(|file| *file == name.empty_file()) {
            size.merge(write(&self.folder.stage(&name.empty_file())?, None)?);
        }
        let no_longer_empty = !days.is_empty() && kept.contains(&name.empty_file());
        self.written.replaced.extend(no_longer_empty.then(|| name.empty_file()));
        self.written.replaced.extend(replaced);
        self.written.sizes.push((table.name(), size));
        Ok(())
    }

    /// The files of a table that stand in the folder; what else lies there is not ours.
    fn files_of(&self, name: TableName) -> Result<BTreeSet<PathBuf>, Error> {
        Ok(self.folder.files_of(name.folder)?.into_iter().filter(|file| name.owns(file)).collect())
    }

    /// The files of a table from earlier runs: those of the dates that this run is about, and the others.
    fn earlier_files(&self, name: TableName) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), Error> {
        let all = self.files_of(name)?;
        if self.scope.dates.is_all() {
            return Ok((all, BTreeSet::new()));
        }
        Ok(all.into_iter().partition(|file| name.day_of(file).is_some_and(|day| self.scope.dates.holds(day))))
    }

    /// Measures the tables, stages the default chart, and sums this run's sessions up.
    ///
    /// # Errors
    /// A table that cannot be read, a file that cannot be written.
    pub fn write_charts(&mut self, provenance: &Provenance) -> Result<Option<Overview>, Error> {
        let unreadable = |error: polars::error::PolarsError| TableError::Read {
            path: self.folder.path().to_path_buf(),
            reason: error.to_string(),
        };
        if self.options.writes(Table::Charts) {
            let mut files = self.written.measured.clone();
            files.sessions.extend(self.written.kept.sessions.iter().cloned());
            files.activity.extend(self.written.kept.activity.iter().cloned());
            let zone = &self.job.output.zone;
            let chart = measure(&files, |day| first_instant(day, zone)).map_err(unreadable)?;
            for (name, columns) in
                [("measures", measure_columns(&chart.measures)), ("histogram", histogram_columns(&chart.histogram))]
            {
                let stage = |extension: &str| self.folder.stage(Path::new(&format!("{name}.{extension}")));
                let mut size = write_parquet(&stage("parquet")?, provenance, &columns)?;
                let csv = write_csv(&stage("csv")?, &columns, zone)?;
                // One table in two files: its rows count once.
                size.merge(Size { rows: 0, ..csv });
                self.written.sizes.push((name, size));
            }
        }
        match self.options.makes(Table::Sessions) {
            true => Ok(Some(overview(&self.written.measured.sessions).map_err(unreadable)?)),
            false => Ok(None),
        }
    }
}
