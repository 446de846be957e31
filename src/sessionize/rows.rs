//! What the kernel holds of an event while it makes sessions: a row of numbers.
//!
//! Rows are of four kinds, and the kernel is compiled once for each, so that a row moves no more bytes than its job needs:
//!
//! | kind | a row is | bytes |
//! |---|---|---|
//! | [`PlainEvent`] | an event of a job by times and event types alone | 16 |
//! | [`GroupedEvent`] | an event that is grouped by a session id or a property, and needs nothing else | 32 |
//! | [`FullEvent`] | an event with all that any job needs | 48 |
//! | [`PartialSession`] | several events that the rule cannot part, summed up as they were read | 48 |
//!
//! More kinds would make rows smaller by a few bytes and the program larger by a kernel each; what each was worth is in
//! `benches/NOTES.md`, "Kinds of rows". [`with_rows`](super::visit::with_rows) chooses the kind from what the events of a partition have.

use std::cmp::Ordering;

use super::block_rows::BlockRows;
use super::event_types::EventKey;
use super::layout::intern::Interner;
use super::time::{Span, Timestamp};

/// An event, or a partial session of events: then its time and type are those of the first.
///
/// Rows ascend by their group (rows without a value first), then by time, then by what else orders events (SPEC 2, step 5),
/// then by their facts. What tells rows apart after that decides nothing but their place among equals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row<K> {
    time: Timestamp,
    event: EventKey,
    fact: u32,
    /// What rows of this kind hold besides.
    kind: K,
}

/// What a row holds beside its time, event type and facts: one of four kinds.
pub trait RowKind: Copy + Default + Ord + Send {
    /// Reads it from a row of a block. `ids` gives unique ids codes, in the order in which they come.
    fn read(from: &BlockRows<'_>, row: usize, ids: &mut Interner) -> Self;

    /// What the event is grouped by; `None` where it has no valid value.
    fn value(&self) -> Option<i64> {
        // Nothing but the user: one group.
        Some(0)
    }

    /// The event's place among those of its user at its time.
    fn sequence(&self) -> i64 {
        0
    }

    /// The event's unique id as a code, where it has one.
    fn unique_id(&self) -> Option<u32> {
        None
    }

    /// Puts the place of the unique id among all in place of its code.
    fn rank_id(&mut self, _ranks: &[u32]) {}

    /// The event's values in the columns that the definition watches, by their place; 0 where it watches none.
    fn watched(&self) -> u32 {
        0
    }

    /// Gives it other watched values, where it has some.
    fn set_watched(&mut self, _watched: u32) {}

    /// The rest of the partial session that it stands for; `None` where it is one event.
    fn partial_session(&self) -> Option<&PartialSession> {
        None
    }
}

/// An event of which nothing else is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlainEvent;

impl RowKind for PlainEvent {
    fn read(_: &BlockRows<'_>, _: usize, _: &mut Interner) -> Self {
        PlainEvent
    }
}

/// An event that is grouped by a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupedEvent {
    value: i64,
    has_value: bool,
}

impl RowKind for GroupedEvent {
    fn read(from: &BlockRows<'_>, row: usize, _: &mut Interner) -> Self {
        let value = from.value(row);
        GroupedEvent { value: value.unwrap_or_default(), has_value: value.is_some() }
    }

    fn value(&self) -> Option<i64> {
        self.has_value.then_some(self.value)
    }
}

/// An event with all that any job needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FullEvent {
    sequence: i64,
    unique_id: Option<u32>,
    watched: u32,
    value: i64,
    // Not an optional value, which would take eight bytes more.
    has_value: bool,
}

impl FullEvent {
    /// An event with such a group, sequence, unique id and watched values; see [`RowKind`].
    pub fn new(value: Option<i64>, sequence: i64, unique_id: Option<u32>, watched: u32) -> Self {
        FullEvent { sequence, unique_id, watched, value: value.unwrap_or_default(), has_value: value.is_some() }
    }
}

impl RowKind for FullEvent {
    fn read(from: &BlockRows<'_>, row: usize, ids: &mut Interner) -> Self {
        let unique_id = from.block.unique_id(row).map(|id| ids.intern_text(id));
        FullEvent::new(from.value(row), from.block.sequence(row), unique_id, from.watched(row))
    }

    fn value(&self) -> Option<i64> {
        self.has_value.then_some(self.value)
    }

    fn sequence(&self) -> i64 {
        self.sequence
    }

    fn unique_id(&self) -> Option<u32> {
        self.unique_id
    }

    fn rank_id(&mut self, ranks: &[u32]) {
        self.unique_id = self.unique_id.map(|code| ranks[code as usize]);
    }

    fn watched(&self) -> u32 {
        self.watched
    }

    fn set_watched(&mut self, watched: u32) {
        self.watched = watched;
    }
}

/// A partial session of events ([`partial_session`](super::preaggregate::partial_session)), but for its first event. A single
/// event is one, too: pre-aggregating may have been of no use for some blocks of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialSession {
    /// The type and role of its last event.
    pub last_event: EventKey,
    /// How many events it stands for.
    pub count: u32,
    /// In which hours of its date they are, as bits; 0 for a single event.
    pub hours: u32,
    /// From its first event to its last.
    pub length: Span,
    value: i64,
    // Not an optional value, which would take eight bytes more.
    has_value: bool,
}

impl RowKind for PartialSession {
    fn read(from: &BlockRows<'_>, row: usize, _: &mut Interner) -> Self {
        let (event, value) = (from.event(row), from.value(row));
        let single = PartialSession {
            last_event: event,
            count: 1,
            hours: 0,
            length: Span::from_micros(0),
            value: value.unwrap_or_default(),
            has_value: value.is_some(),
        };
        let Some(fields) = from.block.partial_sessions else { return single };
        let int = |field| from.block.int(field, row);
        PartialSession {
            last_event: fields.last_event.map_or(event, |last| from.types.key(int(last) as u32)),
            count: int(fields.count) as u32,
            hours: int(fields.hours) as u32,
            length: Span::from_micros(int(fields.length)),
            ..single
        }
    }

    fn value(&self) -> Option<i64> {
        self.has_value.then_some(self.value)
    }

    fn partial_session(&self) -> Option<&PartialSession> {
        Some(self)
    }
}

impl Row<PlainEvent> {
    /// An event without facts.
    pub fn new(time: Timestamp, event: EventKey) -> Self {
        Row::of_kind(time, event, 0, PlainEvent)
    }
}

impl<K: RowKind> Row<K> {
    /// A row of any kind.
    pub fn of_kind(time: Timestamp, event: EventKey, fact: u32, kind: K) -> Self {
        Row { time, event, fact, kind }
    }

    /// Reads a row of a block. `ids` gives unique ids codes, in the order in which they come.
    #[inline]
    pub fn read(from: &BlockRows<'_>, row: usize, ids: &mut Interner) -> Self {
        Row::of_kind(from.block.time(row), from.event(row), from.fact(row), K::read(from, row, ids))
    }

    /// What it is grouped by; `None` where it has no valid value.
    pub fn value(&self) -> Option<i64> {
        self.kind.value()
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Its type and role.
    pub fn event(&self) -> EventKey {
        self.event
    }

    /// Gives its event another class (SPEC 3, timeouts by a column), where it has one.
    pub fn set_class(&mut self, class: u32) {
        self.event = self.event.with_class(class);
    }

    /// Its facts, by their place; 0 where nobody asks for facts.
    pub fn fact(&self) -> u32 {
        self.fact
    }

    /// Gives it other facts.
    pub fn set_fact(&mut self, fact: u32) {
        self.fact = fact;
    }

    /// Its unique id as a code, where it has one.
    pub fn unique_id(&self) -> Option<u32> {
        self.kind.unique_id()
    }

    /// Puts the place of its unique id among all in place of its code.
    pub fn rank_id(&mut self, ranks: &[u32]) {
        self.kind.rank_id(ranks);
    }

    /// Its values in the columns that the definition watches, by their place; 0 where it watches none.
    pub fn watched(&self) -> u32 {
        self.kind.watched()
    }

    /// Gives it other watched values, where it has some.
    pub fn set_watched(&mut self, watched: u32) {
        self.kind.set_watched(watched);
    }

    /// What orders events of one user, but for unique ids (SPEC 2, step 5); the class of its event does not.
    pub fn order(&self) -> (Timestamp, i64, EventKey) {
        (self.time, self.kind.sequence(), self.event.with_class(0))
    }

    /// The rest of the partial session that it stands for; `None` where it is one event.
    pub fn partial_session(&self) -> Option<&PartialSession> {
        self.kind.partial_session()
    }

    /// How many events it stands for.
    pub fn count(&self) -> u32 {
        self.partial_session().map_or(1, |partial_session| partial_session.count)
    }

    /// When its last event happened.
    pub fn end(&self) -> Timestamp {
        self.partial_session().map_or(self.time, |partial_session| self.time.plus(partial_session.length))
    }

    /// The type and role of its last event.
    pub fn last_event(&self) -> EventKey {
        self.partial_session().map_or(self.event, |partial_session| partial_session.last_event)
    }
}

impl<K: RowKind> Ord for Row<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        let before_ties = (self.value(), self.time).cmp(&(other.value(), other.time));
        let told = |row: &Self| (row.order(), row.fact);
        // Codes of unique ids follow the order in which files come: they are the last to tell events apart.
        let rest = |row: &Self| (row.event, row.kind);
        before_ties.then_with(|| told(self).cmp(&told(other))).then_with(|| rest(self).cmp(&rest(other)))
    }
}

impl<K: RowKind> PartialOrd for Row<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_order_events_before_unique_ids_do() {
        let row = |unique_id, fact| {
            let kind = FullEvent::new(Some(0), 0, unique_id, 0);
            Row::of_kind(Timestamp::from_micros(1), EventKey::NONE, fact, kind)
        };
        // Files come in any order, and so do the codes of unique ids.
        assert!(row(Some(7), 1) < row(None, 2) && row(Some(7), 1) < row(Some(3), 2));
        assert!(row(None, 1) < row(Some(0), 1));
    }

    #[test]
    fn rows_are_as_small_as_is_said() {
        assert_eq!(size_of::<Row<PlainEvent>>(), 16);
        assert_eq!(size_of::<Row<GroupedEvent>>(), 32);
        assert_eq!(size_of::<Row<FullEvent>>(), 48);
        assert_eq!(size_of::<Row<PartialSession>>(), 48);
    }
}
