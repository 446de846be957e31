//! How the events of two definitions are read: once for both where they ask the same of the input, else once for each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::ThreadPool;

use super::error::CompareError;
use super::partition::Common;
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::source::columns::ColumnRef;
use crate::events::source::plan::{Extent, ReadPlan};
use crate::events::source::roles::{KeyType, Roles, Value};
use crate::job::derived::with_expressions;
use crate::job::fingerprint::Canonical;
use crate::job::{Input, Job};
use crate::pipeline::event_buffer::MemoryBudget;
use crate::pipeline::progress::Progress;
use crate::pipeline::{load_aliases, Gather, Gathered};
use crate::profile::Profile;

/// A job of which the definition is compared.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The job file, as it was named.
    pub name: PathBuf,
    /// What it says.
    pub job: Job,
    /// Where its runs write to, if it says so.
    pub output: Option<PathBuf>,
}

/// Two jobs over the same files, and how their events are read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    /// The jobs.
    pub(super) jobs: [&'a Compared; 2],
    /// The columns by role of each job.
    pub(super) roles: [Arc<Roles>; 2],
    /// What each of them reads, were it alone.
    pub(super) alone: [ReadPlan; 2],
    /// What is read for both, where that can be.
    together: Option<ReadPlan>,
}

/// The events of two jobs.
#[derive(Debug)]
pub(super) enum Read {
    /// The same rows for both.
    Once(Gathered),
    /// The rows of each.
    Twice(Box<[Gathered; 2]>),
}

impl Read {
    /// The events of each.
    pub(super) fn of(&self, side: usize) -> &Gathered {
        match self {
            Read::Once(both) => both,
            Read::Twice(each) => &each[side],
        }
    }
}

impl<'a> Reading<'a> {
    /// Finds the files of two jobs and plans what to read of them.
    ///
    /// # Errors
    /// Those of each job, other files, and users that cannot be compared.
    pub(super) fn plan([a, b]: [&'a mut Compared; 2]) -> Result<Self, Error> {
        fn plan(of: &mut Compared) -> Result<ReadPlan, Error> {
            ReadPlan::new(&mut of.job).map_err(|error| within(of, error.into()))
        }
        let mut alone = [plan(a)?, plan(b)?];
        let jobs = [&*a, &*b];
        check_files(jobs, &alone)?;
        let roles = [Arc::clone(&alone[0].roles), Arc::clone(&alone[1].roles)];
        check_users(&roles)?;
        let inputs = [&jobs[0].job.input, &jobs[1].job.input];
        check_times(&roles, inputs)?;
        let watched = [0, 1].map(|side: usize| alone[side].watched.as_ref().map(|watched| watched.canonical()));
        let together = match union(&roles, inputs).filter(|_| watched[0] == watched[1]) {
            Some(union) => {
                let mut plan = plan(&mut jobs[0].clone())?;
                plan.roles = Arc::new(union);
                Some(plan)
            }
            None => {
                // Users are then in partitions of the same numbers on both sides.
                let rows = alone[0].extent.rows_read.max(alone[1].extent.rows_read);
                alone.iter_mut().for_each(|plan| plan.extent.rows_read = rows);
                None
            }
        };
        Ok(Reading { jobs, roles, alone, together })
    }

    /// Reads the mappings of users, where the jobs have some.
    ///
    /// # Errors
    /// One that cannot be read, is not one, or does not fit into memory.
    pub(super) fn load_aliases(&mut self, pool: &ThreadPool, budget: &mut MemoryBudget) -> Result<(), Error> {
        let inputs = [0, 1].map(|side: usize| &self.jobs[side].job.input);
        if let Some(plan) = &mut self.together {
            return load_aliases(pool, inputs[0], plan, budget).map_err(|error| within(self.jobs[0], error));
        }
        let [a, b] = &mut self.alone;
        load_aliases(pool, inputs[0], a, budget).map_err(|error| within(self.jobs[0], error))?;
        if inputs[0].aliases == inputs[1].aliases {
            b.alias_table = a.alias_table.clone();
            return Ok(());
        }
        load_aliases(pool, inputs[1], b, budget).map_err(|error| within(self.jobs[1], error))
    }

    /// Has the events be read within the memory of a room.
    pub(super) fn keep_limit(&mut self, budget: &MemoryBudget) {
        let plans = self.alone.iter_mut().chain(&mut self.together);
        plans.for_each(|plan| plan.keep_limit(budget.limit, budget.threads));
    }

    /// What both jobs know of an event, besides its user and time.
    pub(super) fn common(&self) -> Common {
        let [a, b] = [&*self.roles[0], &*self.roles[1]];
        let value = value_of(a);
        Common {
            event: a.event == b.event,
            sequence: a.sequence.is_some() && a.sequence == b.sequence,
            value: value.is_some() && value == value_of(b),
        }
    }

    /// The definition of a job key by key.
    pub(super) fn definition(&self, side: usize) -> Canonical {
        let job = &self.jobs[side].job;
        Canonical::new(job, self.alone[side].canonical(&job.input))
    }

    /// How many rows are read.
    pub(super) fn rows(&self) -> u64 {
        match &self.together {
            Some(plan) => plan.extent.rows_read,
            None => self.alone.iter().map(|plan| plan.extent.rows_read).sum(),
        }
    }

    /// What is read for a job.
    pub(super) fn extent(&self, side: usize) -> Extent {
        self.together.as_ref().unwrap_or(&self.alone[side]).extent
    }

    /// How often the input is read.
    pub(super) fn passes(&self) -> u64 {
        if self.together.is_some() {
            1
        } else {
            2
        }
    }

    /// Reads the events.
    ///
    /// # Errors
    /// A file that cannot be read, or has changed meanwhile; an interruption.
    pub(super) fn read(
        &self,
        pool: &ThreadPool,
        types: &EventDictionary,
        budget: &MemoryBudget,
        progress: &Progress,
    ) -> Result<Read, Error> {
        let gather = |side: usize, plan: &ReadPlan| -> Result<Gathered, Error> {
            let profile = Profile::default();
            let of = self.jobs[side];
            let gather =
                Gather { pool, job: &of.job, preaggregation: None, plan, types, budget, profile: &profile, progress };
            let gathered = gather.events().map_err(|error| within(of, error))?;
            plan.check_unchanged()?;
            Ok(gathered)
        };
        Ok(match &self.together {
            Some(plan) => Read::Once(gather(0, plan)?),
            None => Read::Twice(Box::new([gather(0, &self.alone[0])?, gather(1, &self.alone[1])?])),
        })
    }
}

/// An error of one of the two jobs.
pub(super) fn within(of: &Compared, error: Error) -> Error {
    match error {
        Error::Interrupted => error,
        error => {
            let exit_code = error.exit_code();
            CompareError::In { job: of.name.clone(), exit_code, error: Box::new(error) }.into()
        }
    }
}

fn check_files(jobs: [&Compared; 2], plans: &[ReadPlan; 2]) -> Result<(), CompareError> {
    // They may leave out other folders.
    if jobs[0].job.input.paths == jobs[1].job.input.paths {
        return Ok(());
    }
    let files = |plan: &ReadPlan| -> BTreeSet<PathBuf> {
        let path = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        plan.footers.iter().map(|footer| path(&footer.file.path)).collect()
    };
    let (a, b) = (files(&plans[0]), files(&plans[1]));
    let only = |one: &BTreeSet<PathBuf>, other: &BTreeSet<PathBuf>| one.difference(other).next().cloned();
    let job = usize::from(a.is_subset(&b));
    match only(&a, &b).or_else(|| only(&b, &a)) {
        Some(example) => Err(CompareError::OtherFiles {
            example,
            job: jobs[job].name.clone(),
            others: a.symmetric_difference(&b).count() - 1,
        }),
        None => Ok(()),
    }
}

fn check_users(roles: &[Arc<Roles>; 2]) -> Result<(), CompareError> {
    let names = |roles: &Roles| roles.users.iter().map(|user| user.spelled.as_str()).collect::<Vec<_>>().join(", ");
    let is_text = |roles: &Roles| roles.user_type == KeyType::Text;
    if is_text(&roles[0]) == is_text(&roles[1]) {
        return Ok(());
    }
    let text = usize::from(is_text(&roles[1]));
    Err(CompareError::OtherUsers { numbers: names(&roles[1 - text]), texts: names(&roles[text]) })
}

/// An event is known to both by its time.
fn check_times(roles: &[Arc<Roles>; 2], inputs: [&Input; 2]) -> Result<(), CompareError> {
    let unit = |side: usize| inputs[side].time_unit.map_or_else(String::new, |unit| format!(" in {}", unit.name()));
    let time = |side: usize| {
        let column = &roles[side].time;
        format!("{}{}{}", column.spelled, unit(side), with_expressions(&column.derived))
    };
    match time(0) == time(1) {
        true => Ok(()),
        false => Err(CompareError::OtherTimes { a: time(0), b: time(1) }),
    }
}

/// The columns to read once for both; `None` where rows that pass, users, times or types are not the same for both,
/// or where both group, order or deduplicate by something, and not by the same.
fn union(roles: &[Arc<Roles>; 2], inputs: [&Input; 2]) -> Option<Roles> {
    let [a, b] = [&*roles[0], &*roles[1]];
    let rows = |input: &Input| {
        let Input { condition, times, time_unit, version, aliases, derived, .. } = input.clone();
        (condition, times, time_unit, version, aliases, derived)
    };
    let same_rows = rows(inputs[0]) == rows(inputs[1]);
    let same_columns = (&a.users, a.user_type, &a.time, &a.event, &a.timeout)
        == (&b.users, b.user_type, &b.time, &b.event, &b.timeout);
    if !same_rows || !same_columns {
        return None;
    }
    either(&value_of(a), &value_of(b))?;
    Some(Roles {
        value: a.value.clone().or_else(|| b.value.clone()),
        sequence: either(&a.sequence, &b.sequence)?,
        dedup: either(&a.dedup, &b.dedup)?,
        ..a.clone()
    })
}

/// What events are grouped by, and how.
fn value_of(roles: &Roles) -> Option<(ColumnRef, KeyType, bool)> {
    let Value { column, key_type, is_session_id, .. } = roles.value.as_ref()?;
    Some((column.clone(), *key_type, *is_session_id))
}

/// What either has; `None` where both have something, and not the same.
fn either<T: Clone + PartialEq>(a: &Option<T>, b: &Option<T>) -> Option<Option<T>> {
    match (a, b) {
        (Some(a), Some(b)) if a != b => None,
        _ => Some(a.clone().or_else(|| b.clone())),
    }
}
