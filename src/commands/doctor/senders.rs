//! Counts sessions by what recorded their events: by library, source and platform.

use std::collections::{BTreeMap, HashMap};

use super::beside::{Aspect, Beside};
use crate::sessionize::facts::FactTable;

/// Sessions in numbers. Merging is addition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SessionTally {
    /// All of them.
    pub sessions: u64,
    /// Those of no length.
    pub zero_length: u64,
    /// Those of no length that are a single event.
    pub single_event: u64,
    /// Those with a gap above the first limit.
    pub gaps: u64,
    /// Those with a gap above the second.
    pub long_gaps: u64,
}

impl SessionTally {
    /// Adds other sessions.
    pub fn add(&mut self, more: &SessionTally) {
        self.sessions += more.sessions;
        self.zero_length += more.zero_length;
        self.single_event += more.single_event;
        self.gaps += more.gaps;
        self.long_gaps += more.long_gaps;
    }
}

/// Sessions by the values of a column, those of their first event.
pub type BySender = BTreeMap<Option<String>, SessionTally>;

/// What ended the longest gaps of sessions: counts by event type, by platform.
pub type EndersByPlatform = BTreeMap<Option<String>, Vec<u64>>;

/// The sessions of a partition, by the facts of their first event.
#[derive(Debug, Default)]
pub struct OfFacts {
    sessions: Vec<SessionTally>,
    /// Sessions with a gap by the place of the platform's text and the rank of the event that ended it.
    enders: HashMap<(Option<i64>, u32), u64>,
    platform: Option<usize>,
}

impl OfFacts {
    /// No sessions yet, of so many facts.
    pub fn new(facts: usize, beside: &Beside) -> Self {
        OfFacts {
            sessions: vec![SessionTally::default(); facts],
            enders: HashMap::new(),
            platform: beside.place(Aspect::Platform),
        }
    }

    /// Adds a session, with the type of the event that ended its longest gap, where it has one.
    pub fn add(&mut self, table: &FactTable, fact: u32, tally: &SessionTally, ender: Option<u32>) {
        self.sessions[fact as usize].add(tally);
        if let (Some(place), Some(ender)) = (self.platform, ender) {
            *self.enders.entry((table.value(place, fact), ender)).or_default() += 1;
        }
    }

    /// By the values of each column but the device, and what ended gaps by platform; event types are `types` ranks.
    pub fn by_value(&self, table: &FactTable, beside: &Beside, types: usize) -> (Vec<BySender>, EndersByPlatform) {
        let name = |place: usize, text: Option<i64>| {
            let texts = table.texts(place)?;
            text.map(|text| String::from_utf8_lossy(texts.get(text as usize)).into_owned())
        };
        let some = self.sessions.iter().zip(0..).filter(|(tally, _)| tally.sessions > 0);
        let of_aspect = |(place, (aspect, _)): (usize, &(Aspect, _))| {
            let mut by_text: BTreeMap<Option<i64>, SessionTally> = BTreeMap::new();
            for (tally, fact) in some.clone().filter(|_| *aspect != Aspect::Device) {
                by_text.entry(table.value(place, fact)).or_default().add(tally);
            }
            let mut by_value = BySender::new();
            by_text.iter().for_each(|(text, tally)| by_value.entry(name(place, *text)).or_default().add(tally));
            by_value
        };
        let by_sender = beside.aspects.iter().enumerate().map(of_aspect).collect();
        let mut enders = EndersByPlatform::new();
        for ((text, rank), count) in &self.enders {
            let Some(place) = self.platform else { continue };
            enders.entry(name(place, *text)).or_insert_with(|| vec![0; types])[*rank as usize] += count;
        }
        (by_sender, enders)
    }
}
