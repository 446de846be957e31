//! `dwell run`: the batch job, step by step.

pub mod check;
pub mod compatibility;
pub mod outcome;
pub mod output;
pub mod scope;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::ThreadPool;

use self::check::{check_changes, check_rows, check_sessions};
use self::compatibility::{charts_mark, check_kept, made_after, made_with};
use self::outcome::Outcome;
use self::output::{Output, Run};
use self::scope::{Done, Finder, Mode, Past, Scope};
use super::charts::stage_anew;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::source::plan::ReadPlan;
use crate::job::fingerprint::Canonical;
use crate::job::options::{Options, Table};
use crate::job::{Job, JobError, Segment};
use crate::pipeline;
use crate::pipeline::event_buffer::Room;
use crate::pipeline::kernel_inputs::{joining, needs_latest, Known};
use crate::pipeline::progress::Progress;
use crate::pipeline::Gather;
use crate::profile::Profile;
use crate::sessionize::aggregate::{Rules, Window};
use crate::sessionize::counts::Counts;
use crate::summary::run_json::{Facts, RunJson, Stopwatch};
use crate::summary::warnings::Warning;
use crate::summary::{dry_run, grouped, text, warnings};
use crate::tables::folder::{check_apart, LockedFolder, OutputFolder};
use crate::tables::history::ledger::{Ledger, LEDGER};
use crate::tables::history::runs;
use crate::tables::schema::sessions::{ACTIVITY, SESSIONS};
use crate::tables::write::files::write_synced;
use crate::tables::write::parquet_file::Provenance;

/// What a run says of itself.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What to print.
    pub text: String,
    /// Its record, as `run.json` or that of a run that found nothing new; `None` where it only looked.
    pub record: Option<serde_json::Value>,
}

/// Runs a job and returns what to print.
///
/// # Errors
/// Whatever it is, the tables are as they were.
pub fn run(job: &Job, options: &Options) -> Result<String, Error> {
    Ok(run_recorded(job, options)?.text)
}

/// Runs a job.
///
/// # Errors
/// Whatever it is, the tables are as they were.
pub fn run_recorded(job: &Job, options: &Options) -> Result<Ran, Error> {
    let mut stopwatch = Stopwatch::start();
    let started = jiff::Timestamp::now();
    let all_tables = options.writes(Table::Sessions) && options.writes(Table::Activity);
    if options.incremental && !all_tables {
        return Err(JobError::PartOfIncremental.into());
    }
    let mut job = job.clone();
    let mut plan = ReadPlan::new(&mut job)?;
    let job = &job;
    let definition = Canonical::new(job, plan.canonical(&job.input));
    let files: Vec<PathBuf> = plan.footers.iter().map(|footer| footer.file.path.clone()).collect();
    check_apart(&job.output.path, &job.input.paths, &files)?;
    let folder = OutputFolder::look(&job.output.path)?;
    let threads = options.resources.threads()?;
    let pool = pipeline::pool(threads)?;
    let tables = made_with(job);
    if options.dry_run {
        let text = preview(job, options, plan, &definition, &folder, &pool)?;
        return Ok(Ran { text, record: None });
    }
    folder.before().check(&job.output.path, &definition, options.overwrite)?;
    let folder = lock(folder, job, options, &definition)?;
    let ledger = ledger_beside(&folder, &definition, options)?;
    let past = Past::new(&plan, ledger, folder.before().has_other_columns(&tables));
    let Some(scope) = (Finder { job, plan: &plan, pool: &pool, past: &past }).scope(options)? else {
        return nothing_new(&pool, folder, &definition, job, options, &past, started);
    };
    check_kept(job, options, &scope.dates, &folder)?;
    if let Some(times) = &scope.times {
        plan.keep_times(times.clone())?;
    }
    stopwatch.stage("plan");
    let extent = plan.extent;
    tracing::info!(files = extent.files, rows = extent.rows, row_groups = extent.row_groups_read, "planned");

    let mut progress = Progress::new(!options.resources.quiet);
    let dictionary = EventDictionary::default();
    progress.stage("reading", plan.extent.rows_read);
    let room = Room {
        limit: options.resources.memory_limit,
        threads,
        folder: options.resources.temp_dir.clone().unwrap_or_else(|| folder.scratch_path(Path::new("events"))),
    };
    let profile = Profile::default();
    let gather = Gather {
        pool: &pool,
        job,
        joining: joining(job),
        plan: &plan,
        types: &dictionary,
        room: &room,
        profile: &profile,
        progress: &progress,
    };
    plan.forget_unread();
    let gathered = gather.events()?;
    let unread = plan.unread();
    plan.check_unchanged()?;
    let rows = gathered.rows;
    check_rows(&options.limits, &rows)?;
    let latest = match scope.latest {
        Some(latest) => Some(latest),
        None if needs_latest(job) && plan.condition().is_some() => {
            pipeline::latest_time(&pool, job, &plan, &dictionary)?
        }
        None => rows.latest,
    };
    stopwatch.stage("read");
    tracing::info!(rows = rows.passed, rejected = rows.rejected_total(), "read");

    let names = dictionary.names();
    let known = Known::new(job, &rows, &names, latest);
    let types = &known.types;
    let dates = scope.dates.within(job.output.window);
    let facts = plan.facts.as_ref().map(|facts| facts.rules(job, types));
    let makes_activity = options.makes(Table::Activity);
    let rules = Rules { dates: &dates, makes_activity, facts: facts.as_ref(), ..known.rules() };
    progress.stage("sessions", gathered.events.partitions().count() as u64);
    let provenance = Provenance::of(&definition);
    let run = Run { plan: &plan, types, provenance: &provenance, profile: &profile };
    let mut output = Output::new(job, options, &scope, &folder, &pool, &room);
    let (made, all_counts) = pipeline::make(&pool, gathered.events, &rules, &room, &profile, &progress, |part| {
        output.write_part(run, part, &mut Progress::new(false))
    })?;
    let counts = all_counts.all;
    check_sessions(&options.limits, &counts)?;
    stopwatch.stage("sessionize");
    tracing::info!(sessions = counts.sessions, users = counts.users, "sessionized");

    output.write_tables(run, made, &mut progress)?;
    stopwatch.stage("write");
    let overview = output.write_charts(&provenance)?;
    stopwatch.stage("charts");
    let mut written = output.finish()?;
    // What was under another definition is no earlier state of these sessions.
    let goes_on = scope.mode != Mode::Full && !folder.before().is_other_than(&definition);
    let outcome = Outcome::new(job, &folder, &written.replaced, goes_on, room.to_compare())?;
    check_changes(&options.limits, &outcome.dates, outcome.newest)?;
    stopwatch.stage("compare");

    let in_segment = |place: usize| all_counts.segments.get(place).copied().unwrap_or_default();
    let of_segments: Vec<(&Segment, Counts)> = job.segments.iter().zip((0..).map(in_segment)).collect();
    let mut warnings = warnings::warnings(job, &plan, &scope, &rows, &counts, &names);
    warnings.extend(unread.into_iter().map(Warning::Unread));
    warnings.extend(warnings::without_value(&of_segments));
    warnings.extend(std::mem::take(&mut written.sparse).into_iter().map(Warning::Sparse));
    warnings.extend(warnings::memory(room.limit, crate::job::memory_limit::peak()));
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    if options.limits.fail_on_warning && !warnings.is_empty() {
        return Err(Error::Warnings { warnings: warnings.len() });
    }
    let facts = Facts {
        definition: &definition,
        started,
        scope: &scope,
        replaced: &outcome.replaced,
        changes: outcome.changes,
        extent: plan.extent,
        rows: &rows,
        counts: &counts,
        segments: &of_segments,
        days: &written.days,
        tables: &written.sizes,
        warnings: &warnings,
        stopwatch: &stopwatch,
        profile: &profile,
    };
    let run_json = RunJson::new(facts);
    write_synced(&folder.stage(Path::new("run.json"))?, run_json.text().as_bytes())?;
    written.replaced.extend(record(&folder, started, &run_json.text())?);
    let done = Done { fingerprint: definition.fingerprint(), latest, untimed_ids: counts.untimed_ids, all_tables };
    if options.writes(Table::Sessions) || options.writes(Table::Activity) {
        if let Some(ledger) = past.next_ledger(job, &plan, &scope, done) {
            write_synced(&folder.stage(&LockedFolder::own_file(LEDGER))?, ledger.text().as_bytes())?;
        }
    }
    crate::cancel::check()?;
    crate::cancel::commit_begins();
    let made = made_after(job, options, folder.before());
    folder.commit(&written.replaced, &written.confirmed, &definition, made)?;
    tracing::info!(dates = outcome.replaced.len(), output = %job.output.path.display(), "committed");
    progress.finish();
    let text = text::summary(facts, &run_json, overview.as_ref(), &job.output.path);
    Ok(Ran { text, record: serde_json::to_value(&run_json).ok() })
}

/// What a run would do, and whether it would be refused.
fn preview(
    job: &Job,
    options: &Options,
    mut plan: ReadPlan,
    definition: &Canonical,
    folder: &OutputFolder,
    pool: &ThreadPool,
) -> Result<String, Error> {
    let definition_check = folder.before().check(&job.output.path, definition, options.overwrite);
    let ledger = ledger_of(&folder.own(LEDGER), definition, options)?;
    let past = Past::new(&plan, ledger, folder.before().has_other_columns(&made_with(job)));
    let scope = Finder { job, plan: &plan, pool, past: &past }.scope(options);
    if let Ok(Some(Scope { times: Some(times), .. })) = &scope {
        plan.keep_times(times.clone())?;
    }
    let (scope, refused) = match scope {
        Ok(scope) => (scope, definition_check.err().map(Error::from)),
        Err(error) => (None, Some(definition_check.map_or_else(Error::from, |()| error))),
    };
    let refusal = refused.map(|error| format!("\nThis run would be refused: {error}\n"));
    let text = dry_run::plan_text(job, options, &plan, definition, scope.as_ref());
    Ok(text + &refusal.unwrap_or_default())
}

/// Locks the output folder, and looks at it once more: another run may have been there in the meantime.
fn lock(folder: OutputFolder, job: &Job, options: &Options, definition: &Canonical) -> Result<LockedFolder, Error> {
    let folder = folder.lock()?;
    if folder.was_recovered() {
        tracing::warn!("a run before this one was killed while it put its files in place: that has been completed");
    }
    folder.before().check(&job.output.path, definition, options.overwrite)?;
    // So a rebuild is a plain run, which replaces all files: nothing of the old definition can stay.
    if folder.before().is_other_than(definition) && (options.window != Window::default() || !options.only.is_empty()) {
        return Err(JobError::PartOfRebuild.into());
    }
    Ok(folder)
}

/// The ledger of a folder whose tables are there.
fn ledger_beside(folder: &LockedFolder, definition: &Canonical, options: &Options) -> Result<Option<Ledger>, Error> {
    let ledger = ledger_of(&folder.path().join(LockedFolder::own_file(LEDGER)), definition, options)?;
    // Whoever removed a table wants it made again.
    let is_there = |table: &str| folder.files_of(Path::new(table)).is_ok_and(|files| !files.is_empty());
    Ok(ledger.filter(|_| [SESSIONS, ACTIVITY].iter().all(|table| is_there(table.folder))))
}

/// The ledger of a folder, as far as it is of this definition. Only an incremental run cannot do without one
/// that it finds and cannot read: any other makes it anew.
fn ledger_of(path: &Path, definition: &Canonical, options: &Options) -> Result<Option<Ledger>, Error> {
    match Ledger::read(path, &definition.fingerprint()) {
        Err(error) if options.incremental => Err(error.into()),
        read => Ok(read.unwrap_or_default()),
    }
}

/// Stages a run's record, and returns those that go for it.
fn record(folder: &LockedFolder, started: jiff::Timestamp, text: &str) -> Result<Vec<PathBuf>, Error> {
    let (place, gone) = runs::place(folder, started)?;
    write_synced(&folder.stage(&place)?, text.as_bytes())?;
    Ok(gone)
}

/// An incremental run whose input is that of the run before: the tables are not touched, and nothing but a
/// record says that it was there, unless there are other charts to make of them.
fn nothing_new(
    pool: &ThreadPool,
    folder: LockedFolder,
    definition: &Canonical,
    job: &Job,
    options: &Options,
    past: &Past,
    started: jiff::Timestamp,
) -> Result<Ran, Error> {
    let files = past.file_count();
    let mut made = folder.before().made();
    let charts = Some(charts_mark(&job.charts, &job.segments, job.output.formulas));
    let other_charts = options.writes(Table::Charts) && made.charts != charts;
    if other_charts {
        stage_anew(pool, &folder, definition, job.output.csv_style(), (&job.charts, &job.segments))?;
        made.charts = charts;
    }
    let of_run = crate::summary::run_json::nothing_new(started, files);
    let gone = record(&folder, started, &of_run)?;
    let path = folder.path().to_path_buf();
    crate::cancel::check()?;
    crate::cancel::commit_begins();
    folder.commit(&BTreeSet::from_iter(gone), &BTreeSet::new(), definition, made)?;
    tracing::info!(files, other_charts, "nothing new");
    let charts = if other_charts { "; the charts are made again" } else { "" };
    let those = if files == 1 { "file is that" } else { "files are those" };
    let text = format!(
        "Nothing new: the {} {those} of the run before, and the tables in {} stay{charts}\n",
        grouped(files as u64),
        path.display()
    );
    Ok(Ran { text, record: serde_json::from_str(&of_run).ok() })
}
