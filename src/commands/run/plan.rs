//! Plans a run: finds out what it reads and which dates it makes, and locks the output folder.

use std::path::Path;

use rayon::ThreadPool;

use super::compatibility::{check_kept, ColumnChange};
use super::nothing_new::nothing_new;
use super::ran::Ran;
use super::scope::{Finder, Past};
use crate::error::Error;
use crate::events::predicate::over_rows::RowCondition;
use crate::events::source::plan::ReadPlan;
use crate::job::fingerprint::Canonical;
use crate::job::options::{Options, Table};
use crate::job::{Job, JobError};
use crate::pipeline;
use crate::pipeline::event_buffer::MemoryBudget;
use crate::pipeline::Pool;
use crate::sessionize::time::dates::Window;
use crate::storage::kept_footers::KeptFooters;
use crate::summary::dry_run;
use crate::tables::folder::{check_apart, LockedFolder, OutputFolder};
use crate::tables::history::ledger::{Ledger, LEDGER};
use crate::tables::history::scope::Scope;
use crate::tables::schema::sessions::{TableColumns, ACTIVITY, SESSIONS};
use crate::tables::stored;

/// What the file is called, among dwell's own, with the footers of the objects that the run before read.
pub const FOOTERS: &str = "footers";

/// A run that is about to read.
pub struct Planned<'o> {
    /// What was asked for.
    pub options: &'o Options,
    /// The job, with what the input says of it.
    pub job: Job,
    /// What is read, and how.
    pub plan: ReadPlan,
    /// The definition of the job over this input.
    pub definition: Canonical,
    /// The output, where no other run writes.
    pub folder: LockedFolder,
    /// The threads.
    pub pool: Pool,
    /// The input beside what the run before read.
    pub past: Past,
    /// The dates that it makes.
    pub scope: Scope,
    /// The memory that there is for it.
    pub budget: MemoryBudget,
    /// When it began.
    pub started: jiff::Timestamp,
}

/// What comes of looking at a job's input and output.
pub enum Plan<'o> {
    /// There is nothing to run: this is the answer.
    Answer(Ran),
    /// There is.
    Run(Box<Planned<'o>>),
}

/// Looks at input and output.
///
/// # Errors
/// Anything that is known to go wrong before events are read: an input that does not fit the job, an output that is not
/// dwell's or of another definition, files that are gone.
pub fn plan<'o>(job: &Job, options: &'o Options, started: jiff::Timestamp) -> Result<Plan<'o>, Error> {
    let all = [Table::Sessions, Table::Activity].into_iter().chain(job.output.events.as_ref().map(|_| Table::Events));
    if options.incremental && !all.into_iter().all(|table| options.writes(table)) {
        return Err(JobError::PartOfIncremental.into());
    }
    if let Some(version) = job.input.version.filter(|_| options.incremental) {
        let hint = "an incremental run goes on from the version that the run before read to the latest one: leave `input.version` out, \
                    or make a full run";
        let value = format!("{version} beside --incremental");
        return Err(JobError::Unfit { key: "input.version", value, hint: hint.to_string() }.into());
    }
    if options.only.contains(&Table::Events) && job.output.events.is_none() {
        return Err(JobError::NoEventsTable.into());
    }
    let mut job = job.clone();
    let known = KeptFooters::read(&job.output.place.folder.join(LockedFolder::own_file(FOOTERS)));
    let mut plan = ReadPlan::knowing(&mut job, &known)?;
    drop(known);
    check_conditions(&job, &plan)?;
    let definition = Canonical::new(&job, plan.canonical(&job.input));
    let (place, mut inputs, mut files) = (&job.output.place, job.input.paths.clone(), plan.files());
    if let (Some(aliases), Some(of)) = (&job.input.aliases, &plan.aliases) {
        inputs.extend(aliases.paths.iter().cloned());
        files.extend(of.files());
    }
    check_apart(&place.folder, &inputs, &files)?;
    if let Some(store) = &place.store {
        stored::check_apart(&store.url, &inputs, &files)?;
    }
    let folder = OutputFolder::look(&job.output.place.folder)?;
    let threads = options.resources.threads()?;
    plan.keep_limit(options.resources.memory_limit, threads);
    let pool = pipeline::pool(threads)?;
    if options.dry_run {
        let text = preview(&job, options, plan, &definition, &folder, &pool)?;
        return Ok(Plan::Answer(Ran { text, record: None }));
    }
    folder.before().check(&job.output.place.folder, &definition, options.overwrite)?;
    let folder = lock(folder, &job, options, &definition)?;
    let ledger = ledger_beside(&folder, &definition, options)?;
    let past = Past::new(&plan, ledger, ColumnChange::of(&job, options, folder.before()));
    let Some(scope) = (Finder { job: &job, plan: &plan, pool: &pool, past: &past }).scope(options)? else {
        return nothing_new(&pool, folder, &definition, &job, options, &past, started).map(Plan::Answer);
    };
    check_kept(&job, options, &scope, &folder)?;
    if let Some(times) = &scope.times {
        plan.keep_times(times.clone())?;
    }
    let scratch = || folder.scratch_path(Path::new("events"));
    let mut budget = MemoryBudget {
        limit: options.resources.memory_limit,
        threads,
        folder: options.resources.temp_dir.clone().unwrap_or_else(scratch),
    };
    pipeline::load_aliases(&pool, &job.input, &mut plan, &mut budget)?;
    let extent = plan.extent;
    tracing::info!(files = extent.files, rows = extent.rows, row_groups = extent.row_groups_read, "planned");
    let planned = Planned { options, job, plan, definition, folder, pool, past, scope, budget, started };
    Ok(Plan::Run(Box::new(planned)))
}

/// Checks the conditions of columns and charts over columns of the session.
///
/// # Errors
/// One that does not fit the columns.
pub fn check_conditions(job: &Job, plan: &ReadPlan) -> Result<(), Error> {
    let columns = TableColumns::of_run(job, &plan.roles, plan.facts.as_deref(), None)?;
    let of_session = columns.of_session(job.columns.len());
    for chart in &job.charts {
        for condition in chart.series.iter().filter_map(|series| series.sessions.as_ref()) {
            RowCondition::new(condition, &of_session, &format!("`sessions` of {}", chart.in_words()))?;
        }
    }
    Ok(())
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
    let definition_check = folder.before().check(&job.output.place.folder, definition, options.overwrite);
    let ledger = ledger_of(&folder.own(LEDGER), definition, options)?;
    let past = Past::new(&plan, ledger, ColumnChange::of(job, options, folder.before()));
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
    folder.before().check(&job.output.place.folder, definition, options.overwrite)?;
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
