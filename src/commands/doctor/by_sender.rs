//! What is said of sessions by what recorded their events: which libraries and platforms have those of no length, and
//! those with gaps.

use super::beside::Aspect;
use super::finding::{Breakdown, Part};
use super::patient::Patient;
use super::quoted::{quoted_name, quoted_value};
use super::senders::SessionTally;

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
