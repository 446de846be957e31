//! `dwell run`: the batch job, step by step.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::charts::daily::{measure, overview, Overview, TableFiles};
use crate::error::Error;
use crate::events::dictionary::EventDictionary;
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::plan::ReadPlan;
use crate::job::dates::{calendar, first_instant, intersect};
use crate::job::fingerprint::Canonical;
use crate::job::{Custom, Job, JobError, Kind};
use crate::pipeline::{self, Made};
use crate::report::progress::Progress;
use crate::report::run_json::{Facts, RunJson, Stopwatch};
use crate::report::{dry_run, summary, warnings};
use crate::sessionize::aggregate::{Rule, Rules, Window};
use crate::sessionize::calendar::Calendar;
use crate::sessionize::cut::{ById, Cutting, Silence};
use crate::sessionize::event_types::{EventTypes, Role};
use crate::sessionize::merge::{ByDate, Dated};
use crate::sessionize::partition::Partition;
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;
use crate::tables::folder::{check_apart, write_synced, LockedFolder, OutputFolder};
use crate::tables::measures::{histogram_columns, measure_columns, write_csv, write_parquet};
use crate::tables::parquet_file::{Provenance, Size};
use crate::tables::sessions::{TableColumns, TableName, ACTIVITY, SESSIONS};

/// What the command line says of this one run, and of no other.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The dates to recompute: `--from` and `--to`.
    pub window: Window,
    /// What to write; empty for everything.
    pub only: Vec<Table>,
    /// Threads; `None` for as many as the machine has.
    pub threads: Option<usize>,
    /// The share of rows that may be rejected.
    pub max_rejected: Option<f64>,
    /// Only say what would be done.
    pub dry_run: bool,
    /// Rebuild a folder of another definition.
    pub overwrite: bool,
    /// Print nothing but errors.
    pub quiet: bool,
}

/// What a run writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Table {
    /// The sessions table.
    Sessions,
    /// The activity table.
    Activity,
    /// Measures and histograms.
    Charts,
}

impl Table {
    /// The word on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Table::Sessions => "sessions",
            Table::Activity => "activity",
            Table::Charts => "charts",
        }
    }
}

impl Options {
    /// The dates that this run writes.
    pub fn window(&self, job: &Job) -> Window {
        intersect(self.window, job.output.window)
    }

    /// What this run writes.
    pub fn tables(&self) -> Vec<Table> {
        let all = [Table::Sessions, Table::Activity, Table::Charts];
        all.into_iter().filter(|table| self.only.is_empty() || self.only.contains(table)).collect()
    }

    fn writes(&self, table: Table) -> bool {
        self.tables().contains(&table)
    }

    /// Whether a table has to be made, be it only to be measured.
    fn makes(&self, table: Table) -> bool {
        self.writes(table) || self.writes(Table::Charts)
    }
}

/// Runs a job and returns what to print.
///
/// # Errors
/// Whatever it is, the tables are as they were.
pub fn run(job: &Job, options: &Options) -> Result<String, Error> {
    let mut stopwatch = Stopwatch::start();
    let plan = ReadPlan::new(job)?;
    let definition = Canonical::new(job, plan.roles.canonical(&job.input));
    let files: Vec<PathBuf> = plan.footers.iter().map(|footer| footer.file.path.clone()).collect();
    check_apart(&job.output.path, &job.input.paths, &files)?;
    let folder = OutputFolder::look(&job.output.path)?;
    folder.check_definition(&definition, options.overwrite)?;
    if options.dry_run {
        return Ok(dry_run::plan_text(job, options, &plan, &definition));
    }
    let rebuild = folder.is_other_definition(&definition);
    if rebuild && options.window != Window::default() {
        return Err(JobError::WindowOfRebuild.into());
    }
    let folder = folder.lock()?;
    stopwatch.stage("plan");

    let threads = options.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let pool = pipeline::pool(threads)?;
    let mut progress = Progress::new(!options.quiet);
    let dictionary = EventDictionary::default();
    progress.stage("reading", plan.extent.rows_read);
    let gathered = pipeline::gather(&pool, job, &plan, &dictionary, &progress)?;
    let rows = gathered.rows;
    check_rejected(options, &rows, plan.extent.rows)?;
    let latest = if needs_latest(job) && plan.condition().is_some() {
        pipeline::latest_time(&pool, job, &plan, &dictionary)?
    } else {
        rows.latest
    };
    stopwatch.stage("read");

    let names = dictionary.names();
    let types = EventTypes::new(&names, |name| describe(job, name));
    let days = calendar_of(job, &rows);
    let rules = Rules {
        rule: rule(job, latest.unwrap_or_default()),
        types: &types,
        dedup_within: job.input.dedup.as_ref().map(|dedup| dedup.within),
        max_length: job.definition.max_length,
        calendar: &days,
        window: options.window(job),
    };
    progress.stage("sessions", gathered.partitions.count() as u64);
    let made = pipeline::make(&pool, gathered, &rules, &progress)?;
    stopwatch.stage("sessionize");

    let mut output = Output { job, options, folder: &folder, pool: &pool, rebuild, written: Written::default() };
    let provenance = Provenance::of(&definition);
    if rebuild {
        output.replace_everything()?;
    }
    output.write_tables(&plan, &made, &types, &provenance, &mut progress)?;
    stopwatch.stage("write");
    let overview = output.write_charts(&provenance)?;
    stopwatch.stage("charts");

    let warnings = warnings::warnings(job, &plan, &rows, &made.counts, &names);
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let Written { sizes, replaced, days, .. } = output.written;
    let facts = Facts {
        definition: &definition,
        extent: plan.extent,
        rows: &rows,
        counts: &made.counts,
        days: &days,
        tables: &sizes,
        warnings: &warnings,
        stopwatch: &stopwatch,
    };
    let run_json = RunJson::new(facts);
    write_synced(&folder.stage(Path::new("run.json"))?, run_json.text().as_bytes())?;
    crate::cancel::check()?;
    folder.commit(&replaced, &definition)?;
    progress.finish();
    Ok(summary::summary(facts, &run_json, overview.as_ref(), &job.output.path))
}

/// Whether why a session ended depends on where the input ends.
fn needs_latest(job: &Job) -> bool {
    job.definition.custom().is_some_and(|custom| !property_only(custom))
}

fn property_only(custom: &Custom) -> bool {
    custom.property.is_some() && custom.start_events.is_empty() && custom.end_events.is_empty() && !custom.has_timeout
}

/// The definition as the kernel takes it.
fn rule(job: &Job, latest: Timestamp) -> Rule {
    match &job.definition.kind {
        Kind::Default { max_gap, starts_at_id } => {
            Rule::Default(ById { max_gap: *max_gap, starts_at_id: *starts_at_id })
        }
        Kind::Custom(custom) => Rule::Custom(Cutting {
            silence: Silence { limit: custom.silence, equal_cuts: custom.equal_cuts },
            needs_start: !custom.start_events.is_empty(),
            needs_end: custom.drop_unclosed,
            starts_continue: custom.starts_continue,
            property_only: property_only(custom),
            latest,
        }),
    }
}

/// What an event type does, and whether it is inactive.
fn describe(job: &Job, name: &str) -> (Role, bool) {
    let named = |names: &[String]| names.iter().any(|known| known == name);
    let role = match job.definition.custom() {
        Some(custom) if named(&custom.start_events) => Role::Start,
        Some(custom) if named(&custom.end_events) => Role::End,
        _ => Role::Other,
    };
    (role, named(&job.input.inactive))
}

/// The dates from the earliest instant at which a session can start to the latest event.
fn calendar_of(job: &Job, rows: &RowCounts) -> Calendar {
    /// Session ids are times from 2000-01-01 on.
    const FIRST_ID: Timestamp = Timestamp::from_millis(946_684_800_000);
    let last = rows.latest.unwrap_or(FIRST_ID);
    let earliest = rows.earliest.unwrap_or(last);
    let first = match job.definition.kind {
        Kind::Default { .. } => earliest.min(FIRST_ID),
        Kind::Custom(_) => earliest,
    };
    let utc = || calendar(&jiff::tz::TimeZone::UTC, first, last);
    // Both have at least the one date of `first`.
    calendar(&job.output.zone, first, last).or_else(utc).unwrap_or_else(Calendar::single)
}

fn check_rejected(options: &Options, rows: &RowCounts, all: u64) -> Result<(), Error> {
    let Some(limit) = options.max_rejected else { return Ok(()) };
    let rejected = rows.rejected_total();
    let share = if all == 0 { 0.0 } else { rejected as f64 / all as f64 };
    if share <= limit {
        return Ok(());
    }
    let reasons = Rejection::ALL.iter().filter(|reason| rows.rejected[**reason as usize] > 0);
    let reasons: Vec<String> =
        reasons.map(|reason| format!("{} {}", reason.name(), rows.rejected[*reason as usize])).collect();
    Err(Error::TooManyRejected { rejected, rows: all, reasons: reasons.join(", "), share, limit })
}

/// What has been staged so far.
#[derive(Default)]
struct Written {
    sizes: Vec<(&'static str, Size)>,
    /// Files of earlier runs that this one's replace.
    replaced: BTreeSet<PathBuf>,
    /// This run's tables, staged or made only to be measured.
    measured: TableFiles,
    /// Dates of earlier runs that stay.
    kept: TableFiles,
    /// The dates that sessions were written of.
    days: Vec<Day>,
}

/// Stages the files of a run.
struct Output<'a> {
    job: &'a Job,
    options: &'a Options,
    folder: &'a LockedFolder,
    pool: &'a rayon::ThreadPool,
    /// Whether everything in the folder is to go.
    rebuild: bool,
    written: Written,
}

impl Output<'_> {
    /// Nothing of another definition may stay beside this one's tables.
    fn replace_everything(&mut self) -> Result<(), Error> {
        for name in [SESSIONS, ACTIVITY] {
            self.written.replaced.extend(self.folder.files_of(name.folder)?);
        }
        for file in CHART_FILES {
            self.written.replaced.extend(self.folder.path().join(file).exists().then(|| PathBuf::from(file)));
        }
        Ok(())
    }

    fn write_tables(
        &mut self,
        plan: &ReadPlan,
        made: &Made,
        types: &EventTypes,
        provenance: &Provenance,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let definition = &self.job.definition;
        let columns = TableColumns::new(&plan.roles, definition.property(), definition.custom().is_some());
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
        if !self.options.writes(table) {
            self.written.measured.extend(name, days.iter().map(|day| self.folder.scratch_path(&name.file_of(*day))));
            return Ok(());
        }
        self.written.measured.extend(name, days.iter().map(|day| self.folder.staged_path(&name.file_of(*day))));
        let (replaced, kept) = self.earlier_files(name)?;
        if days.is_empty() && kept.iter().all(|file| *file == name.empty_file()) {
            size.merge(write(&self.folder.stage(&name.empty_file())?, None)?);
        }
        let no_longer_empty = !days.is_empty() && kept.contains(&name.empty_file());
        self.written.replaced.extend(no_longer_empty.then(|| name.empty_file()));
        self.written.replaced.extend(replaced);
        self.written.kept.extend(name, kept.iter().map(|file| self.folder.path().join(file)));
        self.written.sizes.push((table.name(), size));
        Ok(())
    }

    /// The files of a table from earlier runs: those of the dates that this run is about, and the others.
    fn earlier_files(&self, name: TableName) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), Error> {
        let all = self.folder.files_of(name.folder)?;
        let window = self.options.window;
        if window == Window::default() || self.rebuild {
            return Ok((all, BTreeSet::new()));
        }
        Ok(all.into_iter().partition(|file| name.day_of(file).is_some_and(|day| window.holds(day))))
    }

    /// Measures the tables, writes the default chart, and sums this run's sessions up.
    fn write_charts(&mut self, provenance: &Provenance) -> Result<Option<Overview>, Error> {
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

const CHART_FILES: [&str; 4] = ["measures.parquet", "measures.csv", "histogram.parquet", "histogram.csv"];
