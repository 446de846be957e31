//! Chooses the kind of rows for a partition, and has work done on them or each user visited.

use super::event_types::EventTypes;
use super::layout::block::Block;
use super::layout::columns::KeyColumn;
use super::partition_rows::PartitionRows;
use super::rows::{FullEvent, GroupedEvent, PartialSession, PlainEvent, Row, RowKind};
use super::rule::Rule;
use super::session_id::{text_as_time, NumberTimes};
use super::time::Timestamp;
use super::watched::WatchedTable;

/// Work on the rows of a partition, of whatever kind they are.
pub trait RowsWork {
    /// What it makes.
    type Made;
    /// Does it.
    fn work<T: RowKind>(self, rows: PartitionRows<T>) -> Self::Made;
}

/// Brings the rows of a partition together and works on them: in rows of the kind that holds what its blocks have.
/// `None` where there are no blocks.
pub fn with_rows<W: RowsWork>(pieces: &[(&Block, usize)], types: &EventTypes, work: W) -> Option<W::Made> {
    // Some blocks may have none: there it was of no use to pre-aggregate.
    match has_partial_sessions(pieces) {
        true => Some(work.work(PartitionRows::<PartialSession>::gather(pieces, types)?)),
        false => with_events(pieces, types, work),
    }
}

/// As [`with_rows`], where each row is an event: of blocks that were not pre-aggregated, as questions about single events have
/// them read (`preaggregation` of `pipeline::gather` is `None`).
pub fn with_events<W: RowsWork>(pieces: &[(&Block, usize)], types: &EventTypes, work: W) -> Option<W::Made> {
    debug_assert!(!has_partial_sessions(pieces), "these are partial sessions, not events");
    let (first, _) = pieces.first()?;
    if first.watched.is_some() || first.has_sequence_or_ids() {
        return Some(work.work(PartitionRows::<FullEvent>::gather(pieces, types)?));
    }
    if first.values.is_some() {
        return Some(work.work(PartitionRows::<GroupedEvent>::gather(pieces, types)?));
    }
    Some(work.work(PartitionRows::<PlainEvent>::gather(pieces, types)?))
}

fn has_partial_sessions(pieces: &[(&Block, usize)]) -> bool {
    pieces.iter().any(|(block, _)| block.has_partial_sessions())
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
    fn visit<T: RowKind>(&mut self, user: u32, events: &mut [Row<T>], ids: &IdTimes, watched: &WatchedTable);
}

/// What the rows of a visited partition name by their places.
#[derive(Debug)]
pub struct Visited {
    /// The users, in ascending order.
    pub users: KeyColumn,
    /// Where text is grouped by, the texts in ascending order: an event's value is a place in it.
    pub texts: Option<KeyColumn>,
}

/// Visits the users of a partition, event by event, in ascending order; `pieces` are blocks and the partition's number in each. `rule`
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
        fn work<T: RowKind>(self, mut rows: PartitionRows<T>) -> Visited {
            let ids = IdTimes::new(self.0, rows.texts.as_ref());
            let watched = std::mem::take(&mut rows.watched);
            rows.each_user(|user, events| self.1.visit(user, events, &ids, &watched));
            Visited { users: rows.users, texts: rows.texts }
        }
    }
    with_events(pieces, types, Visit(rule, visitor))
}
