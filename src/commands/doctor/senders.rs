//! Sessions by what recorded their events: which libraries and platforms have those of no length, and those with gaps.

use std::collections::{BTreeMap, HashMap};

use super::beside::{Aspect, Beside};
use super::finding::{Breakdown, Part};
use super::patient::{quoted_name, quoted_value, Patient};
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

/// Senders of one kind, as a finding speaks of them.
#[derive(Clone, Debug)]
pub struct Senders {
    /// Their column.
    pub column: String,
    /// Their values, those with most first.
    pub values: Vec<String>,
    /// What is counted of them.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Whether some events have no value there.
    has_nulls: bool,
}

/// Of fewer sessions or events of a sender nothing can be said.
pub const FEWEST: u64 = 20;

/// The aspects that say who sent an event, those first that say it best.
const SAYING: [Aspect; 3] = [Aspect::Library, Aspect::Source, Aspect::Platform];

impl Senders {
    /// The parts of a breakdown that stand out, if there are any.
    pub fn of(by: &Breakdown, stands_out: impl Fn(&Part) -> bool) -> Option<Self> {
        let rows = by.rows.iter().filter(|part| part.value.is_some() && stands_out(part));
        let (count, of) = rows.clone().fold((0, 0), |(count, of), part| (count + part.count, of + part.of));
        let values: Vec<String> = rows.filter_map(|part| part.value.clone()).collect();
        let has_nulls = by.rows.iter().any(|part| part.value.is_none());
        (!values.is_empty()).then(|| Senders { column: by.by.clone(), values, count, of, has_nulls })
    }

    /// Their names in a sentence.
    pub fn named(&self) -> String {
        const MOST: usize = 5;
        match self.values.len() {
            ..=MOST => self.values.join(", "),
            more => format!("{} and {} others", self.values[..MOST].join(", "), more - MOST),
        }
    }

    /// A condition that leaves them out, and nothing else.
    pub fn left_out(&self) -> String {
        let column = quoted_name(&self.column);
        let values: Vec<String> = self.values.iter().map(|value| quoted_value(value)).collect();
        let others = match values.as_slice() {
            [one] => format!("{column} <> {one}"),
            many => format!("{column} NOT IN ({})", many.join(", ")),
        };
        if self.has_nulls {
            format!("({column} IS NULL OR {others})")
        } else {
            others
        }
    }
}

impl Patient<'_> {
    /// Sessions by the column of an aspect: how many `of` them are counted. `None` where there is none.
    pub fn sessions_by(&self, aspect: Aspect, of: fn(&SessionTally) -> u64) -> Option<Breakdown> {
        let place = self.beside.place(aspect)?;
        let values = self.exam.by_sender.get(place).into_iter().flatten();
        let mut rows: Vec<Part> =
            values.map(|(value, tally)| Part { value: value.clone(), count: of(tally), of: tally.sessions }).collect();
        rows.sort_by(|a, b| b.count.cmp(&a.count).then(b.of.cmp(&a.of)).then_with(|| a.value.cmp(&b.value)));
        Some(Breakdown { by: self.beside.column(aspect)?.to_string(), rows })
    }

    /// Sessions by library and by platform.
    pub fn sessions_by_sender(&self, of: fn(&SessionTally) -> u64) -> Vec<Breakdown> {
        [Aspect::Library, Aspect::Platform].into_iter().filter_map(|aspect| self.sessions_by(aspect, of)).collect()
    }

    /// The senders of whose sessions nearly all have no length and most are a single event, by what says best who they
    /// are.
    pub fn one_event_senders(&self) -> Option<Senders> {
        let single = |place: usize, value: &Option<String>| {
            self.exam.by_sender.get(place).and_then(|values| values.get(value)).map_or(0, |tally| tally.single_event)
        };
        SAYING.into_iter().find_map(|aspect| {
            let (by, place) = (self.sessions_by(aspect, |tally| tally.zero_length)?, self.beside.place(aspect)?);
            Senders::of(&by, |part| {
                let nearly_all = part.count * 100 >= part.of * 95 && part.count >= FEWEST;
                nearly_all && single(place, &part.value) * 2 > part.count
            })
        })
    }

    /// Sessions of telephones and tablets: how many, those with a gap above the shorter limit, and the types that ended
    /// these, by rank.
    pub fn mobile_gaps(&self) -> Option<(SessionTally, Vec<u64>)> {
        let place = self.beside.place(Aspect::Platform)?;
        let mut all = SessionTally::default();
        let values = self.exam.by_sender.get(place)?;
        values.iter().filter(|(value, _)| is_mobile(value)).for_each(|(_, tally)| all.add(tally));
        let mut enders: Vec<u64> = Vec::new();
        for (_, counts) in self.exam.enders_by_platform.iter().filter(|(value, _)| is_mobile(value)) {
            enders.resize(enders.len().max(counts.len()), 0);
            enders.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
        }
        (all.sessions > 0).then_some((all, enders))
    }
}

/// Whether a platform is that of telephones or tablets, however it is spelled.
fn is_mobile(platform: &Option<String>) -> bool {
    let Some(platform) = platform else { return false };
    let plain = platform.to_lowercase();
    ["ios", "android", "ipad", "iphone", "mob"].iter().any(|known| plain.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephones_are_known_by_the_usual_spellings() {
        let is = |platform: &str| is_mobile(&Some(platform.to_string()));
        assert!(["iOS", "Android", "iPadOS", "IOS", "mobile", "mob", "android_tv"].into_iter().all(is));
        assert!(!["web", "Windows", "srv", "macOS", ""].into_iter().any(is) && !is_mobile(&None));
    }

    #[test]
    fn a_condition_leaves_senders_out_and_keeps_rows_without_one() {
        let part = |value: Option<&str>| Part { value: value.map(str::to_string), count: 1, of: 1 };
        let by = |values: &[Option<&str>]| Breakdown {
            by: "context.library".to_string(),
            rows: values.iter().map(|value| part(*value)).collect(),
        };
        let left_out = |values| Senders::of(&by(values), |_| true).map(|senders| senders.left_out());
        assert_eq!(left_out(&[Some("http")]).as_deref(), Some("\"context.library\" <> 'http'"));
        assert_eq!(left_out(&[Some("a"), Some("b'")]).as_deref(), Some("\"context.library\" NOT IN ('a', 'b''')"));
        let with_null = left_out(&[Some("a"), None]);
        assert_eq!(with_null.as_deref(), Some("(\"context.library\" IS NULL OR \"context.library\" <> 'a')"));
        assert_eq!(left_out(&[None]), None);
    }
}
