//! Visits in which the user signs in: with a second user column they are cut in two, before and after.
//!
//! The events are read once more, with the device in place of the user, and a visit is what the job's definition makes of
//! them then.

use std::sync::{Mutex, PoisonError};

use super::beside::{Aspect, Beside};
use crate::error::Error;
use crate::events::aliases::table::AliasTable;
use crate::events::facts::Facts;
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::source::columns::Columns;
use crate::job::options::Resources;
use crate::pipeline;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::pipeline::question::Question;
use crate::sessionize::facts::{FactKind, FactLayout, FactTable};
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::{KeyColumn, TextColumn};
use crate::sessionize::partition_rows::PartitionRows;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::user::{walk_user, Session, Sink};
use crate::sessionize::visit::{with_events, IdTimes, RowsWork};

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
    let users = &question.job.input.user;
    let without_user = rows.rejected[Rejection::NoUser as usize];
    let (users, device) = match (users.as_slice(), beside.column(Aspect::Device)) {
        ([users @ .., device], _) if !users.is_empty() => (users, device.clone()),
        (users, Some(device)) if without_user > 0 && !users.iter().any(|user| user == device) => {
            (users, device.to_string())
        }
        _ => return Ok(None),
    };
    count(question, users, device, resources).map(Some)
}

fn count(of: &Question, users: &[String], device: String, resources: &Resources) -> Result<SignIns, Error> {
    let aliases = of.plan.alias_table.as_deref();
    let mut of_devices = of.job.clone();
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
        let (cut, of) = of_partition(pieces, &asked.known, &layout, aliases);
        let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
        (counted.0, counted.1) = (counted.0 + cut, counted.1 + of);
        Ok(())
    })?;
    let (cut, of) = counted.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok(SignIns { device, cut, of })
}

/// Visits that are cut, and those with a user.
fn of_partition(
    pieces: &[(&Block, usize)],
    known: &KernelInputs,
    layout: &FactLayout,
    aliases: Option<&AliasTable>,
) -> (u64, u64) {
    struct Count<'k> {
        known: &'k KernelInputs,
        layout: &'k FactLayout,
        aliases: Option<&'k AliasTable>,
    }
    impl RowsWork for Count<'_> {
        type Made = (u64, u64);
        fn work<T: RowKind>(self, mut rows: PartitionRows<T>) -> (u64, u64) {
            let users = users_of(self.layout, rows.facts.as_ref());
            let ids = IdTimes::new(self.known.rule, rows.texts.as_ref());
            let persons = self.aliases.map(|table| Persons::new(table, &users, &rows.users));
            let mut visits = Visits { users: &users, persons, device: 0, cut: 0, of: 0 };
            let watched = std::mem::take(&mut rows.watched);
            let rules = self.known.rules().watching(&watched);
            rows.each_user(|device, events| {
                visits.device = device as usize;
                walk_user(&rules, events, &|id| ids.time_of(id), &mut visits);
            });
            (visits.cut, visits.of)
        }
    }
    with_events(pieces, &known.types, Count { known, layout, aliases }).unwrap_or_default()
}

/// Who users and devices are by a mapping.
struct Persons<'t> {
    table: &'t AliasTable,
    /// By the place of an event's facts, and by that of a device, of the kind of the mapping's names.
    users: KeyColumn,
    devices: KeyColumn,
}

impl<'t> Persons<'t> {
    fn new(table: &'t AliasTable, users: &[Option<Vec<u8>>], devices: &KeyColumn) -> Self {
        let text = |row: usize| match devices.text(row) {
            Some(text) => text.to_vec(),
            None => devices.int(row).unwrap_or_default().to_string().into_bytes(),
        };
        let like_names = |all: &mut dyn Iterator<Item = Vec<u8>>| match table.names() {
            KeyColumn::Int(_) => {
                let number = |text: Vec<u8>| String::from_utf8_lossy(&text).parse().unwrap_or_default();
                KeyColumn::Int(all.map(number).collect())
            }
            KeyColumn::Text(_) => {
                let mut texts = TextColumn::default();
                all.for_each(|text| texts.push(&text));
                KeyColumn::Text(texts)
            }
        };
        Persons {
            table,
            users: like_names(&mut users.iter().map(|user| user.clone().unwrap_or_default())),
            devices: like_names(&mut (0..devices.len()).map(text)),
        }
    }

    /// Whether events without a user are of others than those with one, of one device.
    fn differ<T: RowKind>(&self, events: &[Row<T>], device: usize, has_user: impl Fn(&Row<T>) -> bool) -> bool {
        let who = |keys: &KeyColumn, row: usize, event: &Row<T>| {
            let code = self.table.who_at(keys, row, event.time().micros());
            // Whoever the mapping does not know is told apart by the name.
            (code, code.is_none().then(|| keys.gather(&[row as u32])))
        };
        let (with, without): (Vec<&Row<T>>, Vec<&Row<T>>) = events.iter().partition(|event| has_user(event));
        let with: Vec<_> = with.into_iter().map(|event| who(&self.users, event.fact() as usize, event)).collect();
        without.into_iter().any(|event| !with.contains(&who(&self.devices, device, event)))
    }
}

/// Counts visits of a device in which there is a user, and those that are cut where the user signs in or out.
struct Visits<'u> {
    /// The user, where there is one, by the place of an event's facts.
    users: &'u [Option<Vec<u8>>],
    /// Who users and devices are, where a mapping says so.
    persons: Option<Persons<'u>>,
    /// The place of the device at hand.
    device: usize,
    cut: u64,
    of: u64,
}

impl<T: RowKind> Sink<T> for Visits<'_> {
    fn session(&mut self, session: Session<'_, T>) {
        let has_user = |event: &Row<T>| self.users[event.fact() as usize].is_some();
        let with_user = session.events.iter().filter(|event| has_user(event)).count();
        let is_mixed = with_user > 0 && with_user < session.events.len();
        let differ = |persons: &Persons<'_>| persons.differ(session.events, self.device, has_user);
        self.cut += u64::from(is_mixed && self.persons.as_ref().is_none_or(differ));
        self.of += u64::from(with_user > 0);
    }
}

/// The first value of the user columns that is there and not empty, by the place of the facts.
fn users_of(layout: &FactLayout, facts: Option<&KeyColumn>) -> Vec<Option<Vec<u8>>> {
    let Some(KeyColumn::Text(keys)) = facts else { return vec![Some(Vec::new())] };
    let table = FactTable::new(layout, keys);
    let text_of = |value: usize, fact: u32| {
        let text = table.value(value, fact).zip(table.texts(value)).map(|(text, texts)| texts.get(text as usize));
        text.filter(|text| !text.is_empty()).map(<[u8]>::to_vec)
    };
    (0..keys.len() as u32).map(|fact| (0..layout.values.len()).find_map(|value| text_of(value, fact))).collect()
}
