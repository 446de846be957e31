//! Visits in which the user signs in: with a second user column they are cut in two, before and after.
//!
//! The events are read once more, with the device in place of the user, and a visit is what the job's definition makes of
//! them then.

use std::sync::{Mutex, PoisonError};

use super::beside::{Aspect, Beside};
use crate::error::Error;
use crate::events::facts::Facts;
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::source::columns::Columns;
use crate::job::options::Resources;
use crate::job::Job;
use crate::pipeline;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::pipeline::question::Question;
use crate::sessionize::facts::{FactKind, FactLayout, FactTable};
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::rows::{PartitionRows, RowKey};
use crate::sessionize::user::{walk_user, Session, Sink};
use crate::sessionize::visit::{with_rows, IdTimes, RowsWork};

/// Visits of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIns {
    /// The column of the device.
    pub device: String,
    /// Visits with events both without and with a user.
    pub cut: u64,
    /// Visits with a user.
    pub of: u64,
}

/// Counts them where the job falls back on a second user column, or where one would be recommended: rows without a user
/// have a device.
///
/// # Errors
/// As of any question.
pub fn ask_where_it_matters(
    question: &Question,
    beside: &Beside,
    rows: &RowCounts,
    resources: &Resources,
) -> Result<Option<SignIns>, Error> {
    // A mapping of users may have mended them, and what it leaves is not counted.
    if question.job.input.aliases.is_some() {
        return Ok(None);
    }
    let users = &question.job.input.user;
    let without_user = rows.rejected[Rejection::NoUser as usize];
    let (users, device) = match (users.as_slice(), beside.column(Aspect::Device)) {
        ([users @ .., device], _) if !users.is_empty() => (users, device.clone()),
        (users, Some(device)) if without_user > 0 && !users.iter().any(|user| user == device) => {
            (users, device.to_string())
        }
        _ => return Ok(None),
    };
    count(&question.job, users, device, resources).map(Some)
}

fn count(job: &Job, users: &[String], device: String, resources: &Resources) -> Result<SignIns, Error> {
    let mut of_devices = job.clone();
    of_devices.input.user = vec![device.clone()];
    of_devices.input.aliases = None;
    let mut question = Question::open(of_devices, resources)?;
    let columns = Columns::of(&question.plan.footers);
    let users = users.iter().filter_map(|user| columns.find(user).transpose()).collect::<Result<Vec<_>, _>>()?;
    let layout = FactLayout { values: vec![FactKind::Text; users.len()], ..FactLayout::default() };
    question.plan.facts = Some(Facts::beside(users, Vec::new()));
    let asked = question.ask()?;
    let counted = Mutex::new((0, 0));
    pipeline::each_partition(&question.pool, &asked.gathered.events, &question.budget, |pieces| {
        let (cut, of) = of_partition(pieces, &asked.known, &layout);
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        (counted.0, counted.1) = (counted.0 + cut, counted.1 + of);
        Ok(())
    })?;
    let (cut, of) = counted.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(SignIns { device, cut, of })
}

/// Visits that are cut, and those with a user.
fn of_partition(pieces: &[(&Block, usize)], known: &KernelInputs, layout: &FactLayout) -> (u64, u64) {
    struct Count<'k> {
        known: &'k KernelInputs,
        layout: &'k FactLayout,
    }
    impl RowsWork for Count<'_> {
        type Made = (u64, u64);
        fn work<T: RowKey>(self, mut rows: PartitionRows<T>) -> (u64, u64) {
            let has_user = have_users(self.layout, rows.facts.as_ref());
            let ids = IdTimes::new(self.known.rule, rows.texts.as_ref());
            let mut visits = Visits { has_user: &has_user, cut: 0, of: 0 };
            let watched = std::mem::take(&mut rows.watched);
            let rules = self.known.rules().watching(&watched);
            rows.each_user(|_, events| walk_user(&rules, events, &|id| ids.time_of(id), &mut visits));
            (visits.cut, visits.of)
        }
    }
    with_rows(pieces, &known.types, Count { known, layout }).unwrap_or_default()
}

/// Counts visits of a device in which there is a user, and those that are cut where the user signs in or out.
struct Visits<'u> {
    /// Whether there is a user, by the place of an event's facts.
    has_user: &'u [bool],
    cut: u64,
    of: u64,
}

impl<T: RowKey> Sink<T> for Visits<'_> {
    fn session(&mut self, session: Session<'_, T>) {
        let with_user = session.events.iter().filter(|event| self.has_user[event.fact() as usize]).count();
        self.cut += u64::from(with_user > 0 && with_user < session.events.len());
        self.of += u64::from(with_user > 0);
    }
}

/// Whether some user column has a value, by the place of the facts.
fn have_users(layout: &FactLayout, facts: Option<&KeyColumn>) -> Vec<bool> {
    let Some(KeyColumn::Text(keys)) = facts else { return vec![true] };
    let table = FactTable::new(layout, keys);
    let has_text = |value: usize, fact: u32| {
        let text = table.value(value, fact).zip(table.texts(value)).map(|(text, texts)| texts.get(text as usize));
        text.is_some_and(|text| !text.is_empty())
    };
    (0..keys.len() as u32).map(|fact| (0..layout.values.len()).any(|value| has_text(value, fact))).collect()
}
