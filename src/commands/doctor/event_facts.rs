//! The distinct facts of a partition's events as an examination takes them.

use std::collections::BTreeMap;

use super::beside::{Aspect, Beside};
use super::exam::{Exam, Examination};
use super::id_kind::IdKind;
use super::senders::{OfFacts, SessionTally};
use super::standing::{add, Standings};
use crate::sessionize::facts::{FactKind, FactLayout, FactTable};
use crate::sessionize::layout::columns::{KeyColumn, TextColumn};

/// What the facts of events say, by their place. An event without facts has those of place 0.
#[derive(Debug)]
pub struct EventFacts {
    /// The kind of the session id.
    pub kinds: Vec<IdKind>,
    /// The device, as a number.
    pub devices: Vec<Option<i64>>,
    /// The day of arrival, in days since 1970-01-01.
    pub arrivals: Vec<Option<i64>>,
    /// Events by where they stand.
    pub standings: Vec<Standings>,
    sessions: OfFacts,
    table: FactTable,
}

impl EventFacts {
    /// From the distinct keys.
    pub fn new(examination: &Examination<'_>, keys: Option<&KeyColumn>) -> Self {
        let nothing = TextColumn::default();
        let keys = match keys {
            Some(KeyColumn::Text(keys)) => keys,
            _ => &nothing,
        };
        let places = keys.len().max(1);
        let mut kinds = vec![IdKind::Valid; places];
        let mut rest = TextColumn::with_capacity(keys.len(), 0);
        for (place, key) in keys.iter().enumerate() {
            match examination.by_session_id {
                true => {
                    kinds[place] = IdKind::of_key(key);
                    rest.push(key.get(1..).unwrap_or_default());
                }
                false => rest.push(key),
            }
        }
        let beside = examination.beside;
        let table = match keys.is_empty() {
            true => FactTable::default(),
            false => FactTable::new(&layout(beside), &rest),
        };
        let value = |place: Option<usize>| match place {
            Some(value) if !keys.is_empty() => (0..places as u32).map(|fact| table.value(value, fact)).collect(),
            _ => vec![None; places],
        };
        let devices = value(beside.place(Aspect::Device));
        let arrivals = value(beside.arrival.as_ref().map(|_| beside.aspects.len()));
        let sessions = OfFacts::new(places, beside);
        EventFacts { kinds, devices, arrivals, standings: vec![Standings::default(); places], sessions, table }
    }

    /// Adds a session whose first event has these facts, with the type of the event that ended its longest gap, where it
    /// has one.
    pub fn add_session(&mut self, fact: u32, tally: &SessionTally, ender: Option<u32>) {
        if !self.table.is_empty() {
            self.sessions.add(&self.table, fact, tally, ender);
        }
    }

    /// Adds the events, by the values of each column but the device.
    pub fn add_to(&self, exam: &mut Exam, beside: &Beside) {
        if !self.table.is_empty() {
            (exam.by_sender, exam.enders_by_platform) = self.sessions.by_value(&self.table, beside, exam.by_type.len());
        }
        exam.by_aspect = vec![BTreeMap::new(); beside.aspects.len()];
        let values = exam.by_aspect.iter_mut().zip(&beside.aspects).enumerate();
        for (place, (found, _)) in values.filter(|(_, (_, (aspect, _)))| *aspect != Aspect::Device) {
            let Some(texts) = self.table.all_texts().nth(place).flatten() else { continue };
            let mut by_text = vec![Standings::default(); texts.len() + 1];
            for (fact, standings) in self.standings.iter().enumerate() {
                let text = self.table.value(place, fact as u32).map_or(0, |text| text as usize + 1);
                add(&mut by_text[text], standings);
            }
            let named =
                by_text.into_iter().enumerate().filter(|(_, standings)| standings.iter().any(|count| *count > 0));
            for (text, standings) in named {
                let value = text.checked_sub(1).map(|text| String::from_utf8_lossy(texts.get(text)).into_owned());
                add(found.entry(value).or_default(), &standings);
            }
        }
    }
}

fn layout(beside: &Beside) -> FactLayout {
    let texts = beside.aspects.iter().map(|_| FactKind::Text);
    let values = texts.chain(beside.arrival.iter().map(|_| FactKind::Number)).collect();
    FactLayout { values, ..FactLayout::default() }
}
