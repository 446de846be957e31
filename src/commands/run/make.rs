//! Makes the sessions of a run's events, and stages the tables and charts.

use super::check::check_sessions;
use super::plan::Planned;
use super::write::{Output, Written};
use super::Course;
use crate::charts::overview::Overview;
use crate::error::Error;
use crate::job::options::Table;
use crate::pipeline;
use crate::pipeline::event_buffer::Events;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::pipeline::progress::Progress;
use crate::pipeline::Made;
use crate::sessionize::partition::AllCounts;
use crate::sessionize::user::Rules;
use crate::summary::run_json::Stopwatch;
use crate::tables::write::parquet_file::Provenance;

/// The tables of a run, in the staging folder.
pub struct Staged {
    /// What became of the events.
    pub counts: AllCounts,
    /// The files.
    pub written: Written,
    /// All sessions together; `None` where nobody is shown them.
    pub overview: Option<Overview>,
}

/// Makes sessions of events, and writes them and the charts over them.
///
/// # Errors
/// Fewer sessions, or more events out of session, than the user allows; a file that cannot be written; an interruption.
pub fn make(planned: &Planned<'_>, events: Events, known: &KernelInputs, course: &mut Course) -> Result<Staged, Error> {
    let Planned { options, job, plan, pool, budget, scope, .. } = planned;
    let types = &known.types;
    let dates = scope.dates.within(job.output.window);
    let facts = plan.facts.as_ref().map(|facts| facts.rules(job, types));
    let makes_activity = options.makes(Table::Activity);
    let makes_events = options.makes(Table::Events);
    let events_rules = makes_events.then(|| KernelInputs::event_rules(job, plan, &scope.event_dates)).flatten();
    let rules =
        Rules { dates: &dates, makes_activity, facts: facts.as_ref(), events: events_rules.as_ref(), ..known.rules() };
    course.progress.stage("sessions", events.partitions().count() as u64);
    let provenance = Provenance::of(&planned.definition);
    let mut output = Output::new(planned, types, &provenance, &course.profile);
    let (made, counts) = pipeline::make(pool, events, &rules, budget, &course.profile, &course.progress, |part| {
        output.write_part(part)
    })?;
    course.stopwatch.stage("sessionize");
    tracing::info!(sessions = counts.all.sessions, users = counts.all.users, "sessionized");
    stage(planned, output, (made, counts), (&mut course.stopwatch, &mut course.progress))
}

/// Stages the tables of what was made, beside the parts that the output has, and the charts over them.
///
/// # Errors
/// As [`make`].
pub fn stage(
    planned: &Planned<'_>,
    mut output: Output<'_>,
    (made, counts): (Made, AllCounts),
    (stopwatch, progress): (&mut Stopwatch, &mut Progress),
) -> Result<Staged, Error> {
    check_sessions(&planned.options.limits, &counts.all)?;
    output.write_tables(made, progress)?;
    stopwatch.stage("write");
    let overview = output.write_charts()?;
    stopwatch.stage("charts");
    Ok(Staged { counts, written: output.finish()?, overview })
}
