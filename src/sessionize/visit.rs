//! Whatever kind of rows a partition has: work on all of them, or a visit to each user.

use super::event_types::{EventKey, EventTypes};
use super::layout::block::Block;
use super::layout::columns::KeyColumn;
use super::rows::{FactKey, FullKey, Grouped, PartialKey, PartitionRows, Row, RowKey, WatchedKey};
use super::rule::Rule;
use super::session_id::{text_as_time, NumberTimes};
use super::time::Timestamp;
use super::watched::WatchedTable;

/// Work on the rows of a partition, of whatever kind they are.
pub trait RowsWork {
    /// What it makes.
    type Made;
    /// Does it.
    fn work<T: RowKey>(self, rows: PartitionRows<T>) -> Self::Made;
}

/// Brings the rows of a partition together and works on them: in rows that hold a group, a sequence, unique ids and facts
/// where the blocks do, and no others; where values are watched, in rows that hold all of it. `None` where there are no blocks.
pub fn with_rows<W: RowsWork>(pieces: &[(&Block, usize)], types: &EventTypes, work: W) -> Option<W::Made> {
    let (first, _) = pieces.first()?;
    // Some blocks may have none: there it was of no use to join events.
    if pieces.iter().any(|(block, _)| block.has_partial_sessions()) {
        return match first.values.is_some() {
            false => with_facts::<PartialKey, W>(pieces, types, work),
            true => with_facts::<Grouped<PartialKey>, W>(pieces, types, work),
        };
    }
    if first.watched.is_some() {
        // In rows that have everything: for few jobs, all kinds of rows are not worth the compiler's time.
        return Some(work.work(PartitionRows::<FactKey<WatchedKey<Grouped<FullKey>>>>::gather(pieces, types)?));
    }
    match (first.values.is_some(), first.has_sequence_or_ids()) {
        (false, false) => with_facts::<EventKey, W>(pieces, types, work),
        (false, true) => with_facts::<FullKey, W>(pieces, types, work),
        (true, false) => with_facts::<Grouped<EventKey>, W>(pieces, types, work),
        (true, true) => with_facts::<Grouped<FullKey>, W>(pieces, types, work),
    }
}

/// With rows that have facts where someone asks for them.
fn with_facts<T: RowKey, W: RowsWork>(pieces: &[(&Block, usize)], types: &EventTypes, work: W) -> Option<W::Made> {
    match pieces.first()?.0.facts.is_some() {
        false => Some(work.work(PartitionRows::<T>::gather(pieces, types)?)),
        true => Some(work.work(PartitionRows::<FactKey<T>>::gather(pieces, types)?)),
    }
}

/// Which session ids are times (SPEC 3).
#[derive(Debug)]
pub enum IdTimes {
    /// None is: the definition is not about ids.
    None,
    /// Numbers, those that count a unit.
    Numbers(NumberTimes),
    /// Those of texts, which rows name by their places.
    Texts(Vec<Option<Timestamp>>),
}

impl IdTimes {
    /// Of numbers, or of these texts, which rows name by their places.
    pub fn new(rule: Rule, texts: Option<&KeyColumn>) -> Self {
        let Rule::Default(by_id) = rule else { return IdTimes::None };
        match texts {
            Some(KeyColumn::Text(texts)) => {
                IdTimes::Texts(texts.iter().map(|text| text_as_time(text, by_id.unit)).collect())
            }
            _ => IdTimes::Numbers(NumberTimes::of(by_id.unit)),
        }
    }

    /// The time that an id is.
    #[inline]
    pub fn time_of(&self, id: i64) -> Option<Timestamp> {
        match self {
            IdTimes::None => None,
            IdTimes::Numbers(times) => times.time_of(id),
            IdTimes::Texts(times) => times[id as usize],
        }
    }
}

/// Looks at the events of one user after the other.
pub trait UserVisitor {
    /// All events of a user that passed the filter and were not rejected, in no particular order, duplicates and
    /// inactive ones among them. `user` is the user's place among those of the partition.
    fn visit<T: RowKey>(&mut self, user: u32, events: &mut [Row<T>], ids: &IdTimes, watched: &WatchedTable);
}

/// What the rows of a visited partition name by their places.
#[derive(Debug)]
pub struct Visited {
    /// The users, in ascending order.
    pub users: KeyColumn,
    /// Where text is grouped by, the texts in ascending order: an event's value is a place in it.
    pub texts: Option<KeyColumn>,
}

/// Visits the users of a partition in ascending order; `pieces` are blocks and the partition's number in each. `rule`
/// says what session ids count. `None` where there are none.
pub fn visit_users<V: UserVisitor>(
    pieces: &[(&Block, usize)],
    types: &EventTypes,
    rule: Rule,
    visitor: &mut V,
) -> Option<Visited> {
    struct Visit<'v, V>(Rule, &'v mut V);
    impl<V: UserVisitor> RowsWork for Visit<'_, V> {
        type Made = Visited;
        fn work<T: RowKey>(self, mut rows: PartitionRows<T>) -> Visited {
            let ids = IdTimes::new(self.0, rows.texts.as_ref());
            let watched = std::mem::take(&mut rows.watched);
            rows.each_user(|user, events| self.1.visit(user, events, &ids, &watched));
            Visited { users: rows.users, texts: rows.texts }
        }
    }
    with_rows(pieces, types, Visit(rule, visitor))
}
