//! Segments: some of a partition's events, with sessions of their own, made in the same pass (SPEC 6).
//!
//! What a segment's tables hold is what a run would make whose condition only its events pass: all steps from
//! deduplication on are taken for its events alone.

use super::aggregate::Made;
use super::facts::FactTable;
use super::rows::{Row, RowKind};
use super::table_rows::added::{Adding, Pick, SegmentRule, Texts};
use super::table_rows::records::count;
use super::time::Timestamp;
use super::user::Rules;

/// A user's events by the conditions of segments that hold of them: those of all segments are found in one go.
#[derive(Debug)]
pub struct Picked<T>(Vec<Vec<Row<T>>>);

impl<T: RowKind> Picked<T> {
    /// For so many conditions.
    pub fn of(conditions: u32) -> Self {
        Picked((0..conditions).map(|_| Vec::new()).collect())
    }

    /// Takes another user's events, in order.
    pub fn pick(&mut self, events: &[Row<T>], table: &FactTable) {
        self.0.iter_mut().for_each(Vec::clear);
        if !self.0.is_empty() {
            for row in events {
                table.segments(row.fact()).for_each(|segment| self.0[segment].push(*row));
            }
        }
    }
}

/// A segment's rows in the making.
#[derive(Debug)]
pub struct SegmentMade<'f> {
    rule: &'f SegmentRule,
    table: &'f FactTable,
    /// The rows.
    pub made: Made<'f>,
}

impl<'f> SegmentMade<'f> {
    /// All segments of a run, for one partition.
    pub fn all_of(rules: &Rules<'f>, table: &'f FactTable, texts: &Texts) -> Vec<Self> {
        let Some(facts) = rules.facts else { return Vec::new() };
        let one = |rule: &'f SegmentRule| {
            let adding = Some(Adding::new(facts, Some(rule), table, texts));
            SegmentMade { rule, table, made: Made { adding, ..Made::default() } }
        };
        facts.segments.iter().map(one).collect()
    }

    /// Whether its tables hold of a user with so many events what those of all events do.
    pub fn is_of_all<T: RowKind>(&self, picked: &Picked<T>, events: usize) -> bool {
        let all = match self.rule.pick {
            Pick::All => true,
            Pick::In(segment) => picked.0[segment as usize].len() == events,
        };
        all && self.rule.by.is_empty() && self.rule.performed.is_empty()
    }

    /// How many columns of values its tables have, each combination of which is a segment: they come before other added ones.
    pub fn values(&self) -> usize {
        self.rule.by.len()
    }

    /// Takes those of a user's events that the segment is of, and counts the others; the events are in order of time. `own`
    /// is only for its room.
    pub fn add_user<T: RowKind>(
        &mut self,
        rules: &Rules<'_>,
        user: u32,
        all: &[Row<T>],
        picked: &Picked<T>,
        own: &mut Vec<Row<T>>,
        id_time: &impl Fn(i64) -> Option<Timestamp>,
    ) {
        let events = match self.rule.pick {
            Pick::All => all,
            Pick::In(segment) => &picked.0[segment as usize],
        };
        self.made.counts.left_out += (count(all) - count(events)) as u64;
        if events.is_empty() {
            return;
        }
        if !self.rule.by.is_empty() {
            return self.add_by_values(rules, user, events, own, id_time);
        }
        own.clear();
        own.extend_from_slice(events);
        self.made.add_user(rules, user, own, id_time);
    }

    /// Takes the events of each combination of values by themselves: the values join the group, and no value is one of them.
    fn add_by_values<T: RowKind>(
        &mut self,
        rules: &Rules<'_>,
        user: u32,
        events: &[Row<T>],
        own: &mut Vec<Row<T>>,
        id_time: &impl Fn(i64) -> Option<Timestamp>,
    ) {
        let columns = self.rule.by.len();
        let mut values: Vec<Option<i64>> = Vec::with_capacity(events.len() * columns);
        for row in events {
            values.extend(self.rule.by.iter().map(|column| self.value(*column, row.fact())));
        }
        let of = |place: usize| &values[place * columns..(place + 1) * columns];
        let mut places: Vec<usize> = (0..events.len()).collect();
        // Stable: the events of each combination stay in order.
        places.sort_by(|a, b| of(*a).cmp(of(*b)));
        for same in places.chunk_by(|a, b| of(*a) == of(*b)) {
            own.clear();
            own.extend(same.iter().map(|place| events[*place]));
            if let Some(adding) = &mut self.made.adding {
                adding.by(of(same[0]));
            }
            self.made.add_user(rules, user, own, id_time);
        }
    }

    /// A value of an event; as with a property, an empty text is none.
    fn value(&self, column: usize, fact: u32) -> Option<i64> {
        let is_empty =
            |place: &i64| self.table.texts(column).is_some_and(|texts| texts.get(*place as usize).is_empty());
        self.table.value(column, fact).filter(|place| !is_empty(place))
    }
}
