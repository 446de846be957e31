//! The mapping of users, read on all threads into a table that is looked up while events are read.

use std::sync::{Arc, Mutex, PoisonError};

use rayon::ThreadPool;

use super::event_buffer::MemoryBudget;
use super::reading::{each_group, GroupWork, Keeps};
use crate::error::Error;
use crate::events::aliases::table::{AliasBuilder, AliasTable};
use crate::events::decode::dictionary::EventDictionary;
use crate::events::decode::read::FileTask;
use crate::events::error::InputError;
use crate::events::normalise::project::RoleColumns;
use crate::events::normalise::Normaliser;
use crate::events::source::kind::Kind;
use crate::events::source::plan::ReadPlan;
use crate::events::source::roles::KeyType;
use crate::job::Input;
use crate::profile::Profile;

/// Reads the mapping of a job into its plan, and counts the memory that it takes into that of plan and budget. Nothing
/// where the job has none.
///
/// # Errors
/// A file that cannot be read or changed, a name of which two rows differ, more names than memory holds.
pub fn load_aliases(
    pool: &ThreadPool,
    input: &Input,
    plan: &mut ReadPlan,
    budget: &mut MemoryBudget,
) -> Result<(), Error> {
    let Some(of) = plan.aliases.as_deref() else { return Ok(()) };
    let table = read(pool, input, of, budget)?;
    tracing::info!(bytes = table.bytes(), "read the mapping of users");
    budget.limit = budget.limit.map(|limit| limit.beside(table.bytes()));
    plan.keep_limit(budget.limit, budget.threads);
    plan.alias_table = Some(Arc::new(table));
    Ok(())
}

fn read(pool: &ThreadPool, input: &Input, plan: &ReadPlan, budget: &MemoryBudget) -> Result<AliasTable, Error> {
    let with_since = plan.roles.time.kind != Kind::Null;
    let builder = AliasBuilder::new(plan.roles.user_type == KeyType::Text, with_since);
    let builder = Mutex::new((builder, 0u64));
    let types = EventDictionary::default();
    let input = Input { time_unit: input.aliases.as_ref().and_then(|aliases| aliases.since_unit), ..input.clone() };
    let normaliser = Normaliser::new(&input, &plan.roles, &types);
    // A dictionary would be looked at anew for each batch.
    let tasks: Vec<FileTask> = plan.tasks()?.into_iter().map(FileTask::without_codes).collect();
    let of_group = |_: usize| OfGroup { normaliser: &normaliser, builder: &builder, plan, budget };
    each_group(pool, plan, &Profile::default(), &tasks, Keeps::Nothing, &of_group).map_err(|error| match error {
        Error::Input(error) => Error::Input(error.of_aliases()),
        other => other,
    })?;
    plan.check_unchanged().map_err(InputError::of_aliases)?;
    let (builder, _) = builder.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(builder.build().map_err(|(name, at_one_time)| InputError::AliasesDiffer { name, at_one_time })?)
}

/// Takes the rows of a row group into the builder.
struct OfGroup<'b> {
    normaliser: &'b Normaliser<'b>,
    /// With the rows that it has taken.
    builder: &'b Mutex<(AliasBuilder, u64)>,
    plan: &'b ReadPlan,
    budget: &'b MemoryBudget,
}

impl GroupWork for OfGroup<'_> {
    type Made = ();

    fn add(&mut self, rows: RoleColumns) -> Result<(), Error> {
        let number = rows.rows as u64;
        let rows = self.normaliser.aliases(rows)?;
        let (builder, done) = &mut *self.builder.lock().unwrap_or_else(PoisonError::into_inner);
        builder.add(&rows);
        *done += number;
        let Some(limit) = self.budget.limit else { return Ok(()) };
        limit.check_aliases(builder.bytes(), (*done, self.plan.extent.rows), self.budget.threads)
    }

    fn finish(self) -> Result<(), Error> {
        Ok(())
    }
}
