//! Reads the events of an examination: as any question does, with the kinds of missing session ids beside them.

use super::id_kind::with_kinds;
use crate::error::Error;
use crate::events::dictionary::EventDictionary;
use crate::events::normalise::{Normaliser, RowCounts};
use crate::events::project::RoleColumns;
use crate::pipeline::{each_batch, latest_time, Gathered, PARTITION_ROWS};
use crate::profile::Profile;
use crate::question::{Asked, Known, Question};
use crate::report::progress::Progress;
use crate::rules::needs_latest;
use crate::sessionize::scatter::{scatter, Partitions};
use crate::store::Store;

/// Reads all events; with `id_kinds`, the kind of an event's session id is a fact of it, before those of the plan.
///
/// # Errors
/// A file that cannot be read, or has changed meanwhile; an interruption.
pub fn read(question: &Question, id_kinds: bool) -> Result<Asked, Error> {
    let Question { job, plan, pool, room, quiet } = question;
    let types = EventDictionary::default();
    let mut progress = Progress::new(!quiet);
    progress.stage("reading", plan.extent.rows_read);
    let partitions = Partitions::for_rows(plan.extent.rows_read, PARTITION_ROWS, pool.current_num_threads() * 4);
    let store = Store::new(partitions, room);
    let normaliser = Normaliser::new(&job.input, &plan.roles, &types).reading(plan.times());
    let counts = each_batch(pool, plan, &Profile::default(), &plan.tasks()?, |rows| {
        let (events, counts) = match id_kinds {
            true => normaliser.events(&RoleColumns { facts: with_kinds(rows), ..rows.clone() })?,
            false => normaliser.events(rows)?,
        };
        progress.add(counts.passed);
        store.add(&scatter(&[events], partitions))?;
        Ok(counts)
    })?;
    let mut rows = RowCounts::default();
    counts.iter().for_each(|counts| rows.merge(counts));
    plan.check_unchanged()?;
    progress.finish();
    let latest = match needs_latest(job) && plan.condition().is_some() {
        true => latest_time(pool, job, plan, &types)?,
        false => rows.latest,
    };
    let known = Known::new(job, &rows, &types.names(), latest);
    Ok(Asked { gathered: Gathered { events: store.finish()?, rows }, known })
}
