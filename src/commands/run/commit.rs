//! Puts a run's files in place: the record and the ledger are staged, and then all files are decided on in one step.

use std::path::Path;

use super::compatibility::made_after;
use super::make::Staged;
use super::outcome::Outcome;
use super::plan::{Planned, FOOTERS};
use super::ran::Ran;
use super::read::Read;
use super::record::record;
use super::scope::Done;
use super::Course;
use crate::cancel;
use crate::error::Error;
use crate::job::options::Table;
use crate::job::Segment;
use crate::sessionize::counts::Counts;
use crate::sessionize::time::Day;
use crate::summary::run_json::{RunJson, RunOutcome};
use crate::summary::text;
use crate::summary::warnings;
use crate::tables::folder::LockedFolder;
use crate::tables::history::ledger::LEDGER;
use crate::tables::write::files::write_synced;

/// Commits a run and returns what it says of itself. Until all files are decided on, nothing of the output has changed; from there
/// on, whoever comes next completes it ([`journal`](crate::tables::folder::journal)).
///
/// # Errors
/// A file that cannot be written; an interruption.
pub fn commit(
    planned: Planned<'_>,
    read: &Read,
    staged: Staged,
    outcome: &Outcome,
    course: Course,
) -> Result<Ran, Error> {
    let Planned { options, job, plan, definition, folder, past, scope, budget, started, .. } = planned;
    let Staged { counts: all_counts, mut written, overview } = staged;
    let counts = all_counts.all;
    let in_segment = |place: usize| all_counts.segments.get(place).copied().unwrap_or_default();
    let of_segments: Vec<(&Segment, Counts)> = job.segments.with_tables.iter().zip((0..).map(in_segment)).collect();
    let warnings = warnings::warnings(warnings::Observations {
        job: &job,
        plan: &plan,
        scope: &scope,
        rows: &read.rows,
        counts: &counts,
        types: &read.names,
        unread: &read.unread,
        cut_short: &warnings::cut_short(&job, &all_counts),
        sparse: &written.sparse,
        unmet: &written.unmet,
        limit: budget.limit,
    });
    for warning in &warnings {
        tracing::warn!("{warning}");
    }
    if options.limits.fail_on_warning && !warnings.is_empty() {
        return Err(Error::Warnings { warnings: warnings.len() });
    }
    let renumbered: Vec<Day> = written.renumbered.iter().copied().collect();
    let outcome = RunOutcome {
        definition: &definition,
        started,
        scope: &scope,
        replaced: &outcome.replaced,
        renumbered: job.output.history.then_some(&renumbered),
        changes: outcome.changes,
        extent: plan.extent,
        rows: &read.rows,
        counts: &counts,
        segments: &of_segments,
        days: &written.days,
        tables: &written.sizes,
        warnings: &warnings,
        stopwatch: &course.stopwatch,
        profile: &course.profile,
    };
    let run_json = RunJson::new(outcome);
    write_synced(&folder.stage(Path::new("run.json"))?, run_json.text().as_bytes())?;
    written.replaced.extend(record(&folder, started, &run_json.text())?);
    let (writes_sessions, writes_activity) = (options.writes(Table::Sessions), options.writes(Table::Activity));
    let done = Done {
        fingerprint: definition.fingerprint(),
        latest: read.latest,
        untimed_ids: counts.untimed_ids,
        all_tables: writes_sessions
            && writes_activity
            && (job.output.events.is_none() || options.writes(Table::Events)),
    };
    if writes_sessions || writes_activity {
        if let Some(ledger) = past.next_ledger(&job, &plan, &scope, done) {
            write_synced(&folder.stage(&LockedFolder::own_file(LEDGER))?, ledger.text().as_bytes())?;
        }
    }
    if let Some(footers) = plan.footers_to_keep() {
        write_synced(&folder.stage(&LockedFolder::own_file(FOOTERS))?, &footers)?;
    }
    cancel::check()?;
    cancel::commit_begins();
    let made = made_after(&job, options, folder.before());
    folder.commit(&written.replaced, &written.confirmed, &definition, made)?;
    tracing::info!(dates = outcome.replaced.len(), output = %job.output.place.name().display(), "committed");
    course.progress.finish();
    let text = text::summary(outcome, &run_json, overview.as_ref(), job.output.place.name());
    Ok(Ran { text, record: serde_json::to_value(&run_json).ok() })
}
