//! `dwell run`: the batch job, step by step.

use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::events::dictionary::EventDictionary;
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::plan::ReadPlan;
use crate::job::fingerprint::Canonical;
use crate::job::options::{Options, Table};
use crate::job::{Job, JobError};
use crate::kept::check_kept;
use crate::output::{Output, Run};
use crate::pipeline;
use crate::report::progress::Progress;
use crate::report::run_json::{Facts, RunJson, Stopwatch};
use crate::report::{dry_run, summary, warnings};
use crate::rules::{calendar_of, describe, needs_latest, rule};
use crate::sessionize::aggregate::{Rules, Window};
use crate::sessionize::event_types::EventTypes;
use crate::store::Room;
use crate::tables::folder::{check_apart, write_synced, OutputFolder};
use crate::tables::parquet_file::Provenance;

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
    let definition_check = folder.check_definition(&definition, options.overwrite);
    if options.dry_run {
        let plan = dry_run::plan_text(job, options, &plan, &definition);
        let refusal = definition_check.err().map(|error| format!("\nThis run would be refused: {error}\n"));
        return Ok(plan + &refusal.unwrap_or_default());
    }
    definition_check?;
    // So a rebuild is a plain run, which replaces all files: nothing of the old definition can stay.
    if folder.is_other_definition(&definition) && (options.window != Window::default() || !options.only.is_empty()) {
        return Err(JobError::PartOfRebuild.into());
    }
    let folder = folder.lock()?;
    check_kept(job, options, &folder)?;
    stopwatch.stage("plan");
    let extent = plan.extent;
    tracing::info!(files = extent.files, rows = extent.rows, row_groups = extent.row_groups_read, "planned");

    let threads = options.threads.unwrap_or_else(pipeline::available_threads);
    let pool = pipeline::pool(threads)?;
    let mut progress = Progress::new(!options.quiet);
    let dictionary = EventDictionary::default();
    progress.stage("reading", plan.extent.rows_read);
    let room = Room {
        limit: options.memory_limit,
        threads,
        folder: options.temp_dir.clone().unwrap_or_else(|| folder.scratch_path(Path::new("events"))),
    };
    let gathered = pipeline::gather(&pool, job, &plan, &dictionary, &room, &progress)?;
    plan.check_unchanged()?;
    let rows = gathered.rows;
    check_rejected(options, &rows)?;
    let latest = if needs_latest(job) && plan.condition().is_some() {
        pipeline::latest_time(&pool, job, &plan, &dictionary)?
    } else {
        rows.latest
    };
    stopwatch.stage("read");
    tracing::info!(rows = rows.passed, rejected = rows.rejected_total(), "read");

    let names = dictionary.names();
    let types = EventTypes::new(&names, |name| describe(job, name));
    let days = calendar_of(job, &rows);
    let facts = plan.facts.as_ref().map(|facts| facts.rules(job, &types));
    let rules = Rules {
        rule: rule(job, latest.unwrap_or_default()),
        types: &types,
        dedup_within: job.input.dedup.as_ref().map(|dedup| dedup.within),
        max_length: job.definition.max_length,
        calendar: &days,
        window: options.window(job),
        makes_activity: options.makes(Table::Activity),
        facts: facts.as_ref(),
    };
    progress.stage("sessions", gathered.events.partitions().count() as u64);
    let provenance = Provenance::of(&definition);
    let run = Run { plan: &plan, types: &types, provenance: &provenance };
    let mut output = Output::new(job, options, &folder, &pool);
    let (made, counts) = pipeline::make(&pool, gathered.events, &rules, &room, &progress, |part| {
        output.write_part(run, part, &mut Progress::new(false))
    })?;
    stopwatch.stage("sessionize");
    tracing::info!(sessions = counts.sessions, users = counts.users, "sessionized");

    output.write_tables(run, made, &mut progress)?;
    stopwatch.stage("write");
    let overview = output.write_charts(&provenance)?;
    stopwatch.stage("charts");

    let warnings = warnings::warnings(job, &plan, &rows, &counts, &names);
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    let written = output.finish();
    let facts = Facts {
        definition: &definition,
        extent: plan.extent,
        rows: &rows,
        counts: &counts,
        days: &written.days,
        tables: &written.sizes,
        warnings: &warnings,
        stopwatch: &stopwatch,
    };
    let run_json = RunJson::new(facts);
    write_synced(&folder.stage(Path::new("run.json"))?, run_json.text().as_bytes())?;
    crate::cancel::check()?;
    crate::cancel::commit_begins();
    folder.commit(&written.replaced, &definition)?;
    tracing::info!(dates = written.days.len(), output = %job.output.path.display(), "committed");
    progress.finish();
    Ok(summary::summary(facts, &run_json, overview.as_ref(), &job.output.path))
}

fn check_rejected(options: &Options, rows: &RowCounts) -> Result<(), Error> {
    let Some(limit) = options.max_rejected else { return Ok(()) };
    let rejected = rows.rejected_total();
    // Of the rows that pass the condition: the others were not looked at.
    let share = if rows.passed == 0 { 0.0 } else { rejected as f64 / rows.passed as f64 };
    if share <= limit {
        return Ok(());
    }
    let reasons = Rejection::ALL.iter().filter(|reason| rows.rejected[**reason as usize] > 0);
    let reasons: Vec<String> =
        reasons.map(|reason| format!("{} {}", reason.name(), rows.rejected[*reason as usize])).collect();
    Err(Error::TooManyRejected { rejected, rows: rows.passed, reasons: reasons.join(", "), share, limit })
}
