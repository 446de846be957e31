//! Reads the events of a run: decoded, checked, and laid out by partition of users.

use super::check::check_rows;
use super::plan::Planned;
use super::Course;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::normalise::RowCounts;
use crate::events::source::plan::Unreadable;
use crate::pipeline;
use crate::pipeline::event_buffer::Events;
use crate::pipeline::kernel_inputs::{needs_latest, preaggregation, KernelInputs};
use crate::pipeline::Gather;
use crate::sessionize::time::Timestamp;

/// What is known of a run's events.
pub struct Read {
    /// What became of the rows.
    pub rows: RowCounts,
    /// Values that could not be read.
    pub unread: Vec<Unreadable>,
    /// The event types, by their codes.
    pub names: Vec<String>,
    /// The latest possible time of all rows.
    pub latest: Option<Timestamp>,
    /// What the kernel needs to know.
    pub known: KernelInputs,
}

/// Reads all events that the run is about, by partition of users.
///
/// # Errors
/// A file that cannot be read or has changed; more rejected rows than the user allows.
pub fn read(planned: &Planned<'_>, course: &mut Course) -> Result<(Events, Read), Error> {
    let Planned { job, plan, pool, budget, scope, .. } = planned;
    let types = &EventDictionary::default();
    course.progress.stage("reading", plan.extent.rows_read);
    let (profile, progress) = (&course.profile, &course.progress);
    plan.forget_unread();
    let gathered =
        Gather { pool, job, preaggregation: preaggregation(job), plan, types, budget, profile, progress }.events()?;
    let unread = plan.unread();
    plan.check_unchanged()?;
    let rows = gathered.rows;
    check_rows(&planned.options.limits, &rows)?;
    let latest = match scope.latest {
        Some(latest) => Some(latest),
        // What the condition leaves out is part of the input all the same.
        None if needs_latest(job) && plan.condition().is_some() => pipeline::latest_time(pool, job, plan, types)?,
        None => rows.latest,
    };
    tracing::info!(rows = rows.passed, rejected = rows.rejected_total(), "read");
    let names = types.names();
    let known = KernelInputs::new(job, plan, &rows, &names, latest);
    Ok((gathered.events, Read { rows, unread, names, latest, known }))
}
