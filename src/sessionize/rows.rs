//! Step 3: the events of one partition as rows, user by user.

use std::cmp::Ordering;

use super::event_types::{EventKey, EventTypes};
use super::layout::block::{Block, BlockKeys, CodedKeys};
use super::layout::columns::KeyColumn;
use super::layout::intern::Interner;
use super::time::{Span, Timestamp};
use super::watched::WatchedTable;

/// What an event is besides its time: what it is grouped by, and what orders events of one user at one time
/// (SPEC 2, step 5). Several kinds, so that the usual job, without groups, a sequence or unique ids, moves rows of
/// half the size.
pub trait RowKey: Copy + Ord + Default + Send {
    /// Reads a row's key from its block.
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self;
    /// The event's type and role.
    fn event(self) -> EventKey;
    /// What the event is grouped by; `None` where it has no valid value.
    fn value(self) -> Option<i64> {
        // Nothing but the user: one group.
        Some(0)
    }
    /// The event's unique id as a code, where it has one.
    fn unique_id(self) -> Option<u32> {
        None
    }
    /// The event's sequence and type: nothing else orders events of one time.
    fn order(self) -> (i64, EventKey);
    /// The event's facts, by their place; 0 where nobody asks for facts.
    fn fact(self) -> u32 {
        0
    }
    /// The event's values in the columns that the definition watches, by their place; 0 where it watches none.
    fn watched(self) -> u32 {
        0
    }
    /// The same with other watched values, where it has some.
    fn with_watched(self, _: u32) -> Self {
        self
    }
    /// The rest of it, where it stands for a partial session of events rather than one.
    fn partial_session(self) -> Option<PartialKey> {
        None
    }
    /// With these facts, where there is room for them.
    fn with_fact(self, _: u32) -> Self {
        self
    }
    /// The same with another class of its event (SPEC 3, timeouts by a column), where it has one.
    fn with_class(self, class: u32) -> Self;
    /// The same with the places of codes in place of the codes, where text is grouped by.
    fn ranked(self, _: &[u32]) -> Self {
        self
    }
    /// The same with the places of unique ids among the distinct ones in place of their codes.
    fn with_ordered_id(self, _: &[u32]) -> Self {
        self
    }
}

/// A block, with what its codes stand for in the whole partition.
#[derive(Debug)]
pub struct Source<'a> {
    block: &'a Block,
    types: &'a EventTypes,
    texts: Vec<u32>,
    facts: Vec<u32>,
    watched: Vec<u32>,
}

impl Source<'_> {
    fn fact(&self, row: usize) -> u32 {
        self.block.facts.as_ref().map_or(0, |keys| self.facts[self.block.code(keys, row)])
    }

    fn watched(&self, row: usize) -> u32 {
        self.block.watched.as_ref().map_or(0, |keys| self.watched[self.block.code(keys, row)])
    }

    fn event(&self, row: usize) -> EventKey {
        self.types.key(self.block.event(row))
    }

    fn value(&self, row: usize) -> Option<i64> {
        // Nothing but the user: one group.
        let Some(values) = &self.block.values else { return Some(0) };
        self.block.is_valid(values, row).then(|| match &values.keys {
            BlockKeys::Int(field) => self.block.int(*field, row),
            BlockKeys::Text(keys) => i64::from(self.texts[self.block.code(keys, row)]),
        })
    }
}

impl RowKey for EventKey {
    fn read(source: &Source<'_>, row: usize, _: &mut Interner) -> Self {
        source.event(row)
    }

    fn event(self) -> EventKey {
        self
    }

    fn order(self) -> (i64, EventKey) {
        (0, self)
    }

    fn with_class(self, class: u32) -> Self {
        EventKey::with_class(self, class)
    }
}

/// A row key with sequence and unique id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FullKey {
    sequence: i64,
    event: EventKey,
    // Last, so that it decides nothing but the place of events that are equal in all that counts.
    unique_id: Option<u32>,
}

impl RowKey for FullKey {
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self {
        let unique_id = source.block.unique_id(row).map(|id| ids.intern_text(id));
        FullKey { sequence: source.block.sequence(row), event: source.event(row), unique_id }
    }

    fn event(self) -> EventKey {
        self.event
    }

    fn unique_id(self) -> Option<u32> {
        self.unique_id
    }

    fn order(self) -> (i64, EventKey) {
        (self.sequence, self.event)
    }

    fn with_class(self, class: u32) -> Self {
        FullKey { event: self.event.with_class(class), ..self }
    }

    fn with_ordered_id(self, ranks: &[u32]) -> Self {
        FullKey { unique_id: self.unique_id.map(|code| ranks[code as usize]), ..self }
    }
}

/// A row key of a partial session of events ([`super::preaggregate::partial_session`]); of its first event, as far as it orders events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartialKey {
    first_event: EventKey,
    /// The type and role of its last event.
    pub last_event: EventKey,
    /// How many events it stands for.
    pub count: u32,
    /// In which hours of its date they are, as bits; 0 for a single event.
    pub hours: u32,
    /// From its first event to its last.
    pub length: Span,
}

impl RowKey for PartialKey {
    fn read(source: &Source<'_>, row: usize, _: &mut Interner) -> Self {
        let (block, first_event) = (source.block, source.event(row));
        match block.partial_sessions {
            // Pre-aggregating was of no use for these.
            None => {
                PartialKey { first_event, last_event: first_event, count: 1, hours: 0, length: Span::from_micros(0) }
            }
            Some(partial_sessions) => PartialKey {
                first_event,
                last_event: partial_sessions
                    .last_event
                    .map_or(first_event, |last| source.types.key(block.int(last, row) as u32)),
                count: block.int(partial_sessions.count, row) as u32,
                hours: block.int(partial_sessions.hours, row) as u32,
                length: Span::from_micros(block.int(partial_sessions.length, row)),
            },
        }
    }

    fn event(self) -> EventKey {
        self.first_event
    }

    fn order(self) -> (i64, EventKey) {
        (0, self.first_event)
    }

    fn with_class(self, class: u32) -> Self {
        PartialKey { first_event: self.first_event.with_class(class), ..self }
    }

    fn partial_session(self) -> Option<PartialKey> {
        Some(self)
    }
}

/// A row key of an event that is grouped by a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Grouped<T> {
    key: T,
    // Last: within a group all are equal, and across groups they decide only between events that are equal in all
    // that counts. Not an option, which would take eight bytes more.
    has_value: bool,
    value: i64,
}

impl<T> Grouped<T> {
    /// A row key of an event that is grouped by this value, or has no valid one.
    pub fn new(key: T, value: Option<i64>) -> Self {
        Grouped { key, has_value: value.is_some(), value: value.unwrap_or_default() }
    }
}

impl<T: RowKey> RowKey for Grouped<T> {
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self {
        Grouped::new(T::read(source, row, ids), source.value(row))
    }

    fn event(self) -> EventKey {
        self.key.event()
    }

    fn value(self) -> Option<i64> {
        self.has_value.then_some(self.value)
    }

    fn unique_id(self) -> Option<u32> {
        self.key.unique_id()
    }

    fn order(self) -> (i64, EventKey) {
        self.key.order()
    }

    fn partial_session(self) -> Option<PartialKey> {
        self.key.partial_session()
    }

    fn with_class(self, class: u32) -> Self {
        Grouped { key: self.key.with_class(class), ..self }
    }

    fn ranked(self, ranks: &[u32]) -> Self {
        Grouped { value: self.value().map_or(0, |code| i64::from(ranks[code as usize])), ..self }
    }

    fn with_ordered_id(self, ranks: &[u32]) -> Self {
        Grouped { key: self.key.with_ordered_id(ranks), ..self }
    }
}

/// A row key of an event with values that the definition watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct WatchedKey<T> {
    key: T,
    // Last, so that it decides nothing but the place of events that are equal in all that counts.
    watched: u32,
}

impl<T: RowKey> RowKey for WatchedKey<T> {
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self {
        WatchedKey { key: T::read(source, row, ids), watched: source.watched(row) }
    }

    fn event(self) -> EventKey {
        self.key.event()
    }

    fn value(self) -> Option<i64> {
        self.key.value()
    }

    fn unique_id(self) -> Option<u32> {
        self.key.unique_id()
    }

    fn order(self) -> (i64, EventKey) {
        self.key.order()
    }

    fn watched(self) -> u32 {
        self.watched
    }

    fn with_watched(self, watched: u32) -> Self {
        WatchedKey { watched, ..self }
    }

    fn with_class(self, class: u32) -> Self {
        WatchedKey { key: self.key.with_class(class), ..self }
    }

    fn ranked(self, ranks: &[u32]) -> Self {
        WatchedKey { key: self.key.ranked(ranks), ..self }
    }

    fn with_ordered_id(self, ranks: &[u32]) -> Self {
        WatchedKey { key: self.key.with_ordered_id(ranks), ..self }
    }
}

/// A row key of an event with facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FactKey<T> {
    key: T,
    // Last, so that facts decide nothing but the place of events that are equal in all that counts.
    fact: u32,
}

impl<T: RowKey> RowKey for FactKey<T> {
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self {
        FactKey { key: T::read(source, row, ids), fact: source.fact(row) }
    }

    fn event(self) -> EventKey {
        self.key.event()
    }

    fn value(self) -> Option<i64> {
        self.key.value()
    }

    fn unique_id(self) -> Option<u32> {
        self.key.unique_id()
    }

    fn order(self) -> (i64, EventKey) {
        self.key.order()
    }

    fn fact(self) -> u32 {
        self.fact
    }

    fn watched(self) -> u32 {
        self.key.watched()
    }

    fn with_watched(self, watched: u32) -> Self {
        FactKey { key: self.key.with_watched(watched), ..self }
    }

    fn partial_session(self) -> Option<PartialKey> {
        self.key.partial_session()
    }

    fn with_fact(self, fact: u32) -> Self {
        FactKey { fact, ..self }
    }

    fn with_class(self, class: u32) -> Self {
        FactKey { key: self.key.with_class(class), ..self }
    }

    fn ranked(self, ranks: &[u32]) -> Self {
        FactKey { key: self.key.ranked(ranks), ..self }
    }

    fn with_ordered_id(self, ranks: &[u32]) -> Self {
        FactKey { key: self.key.with_ordered_id(ranks), ..self }
    }
}

/// One event. Rows are in order of their group (events without a value first), then of time, then of what else orders
/// events (SPEC 2, step 5), then of their facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row<T> {
    time: Timestamp,
    key: T,
}

impl<T: RowKey> Row<T> {
    /// An event.
    pub fn new(time: Timestamp, key: T) -> Self {
        Row { time, key }
    }

    /// What the event is grouped by; `None` where it has no valid value.
    pub fn value(&self) -> Option<i64> {
        self.key.value()
    }

    /// When it happened.
    pub fn time(&self) -> Timestamp {
        self.time
    }

    /// Its type and role.
    pub fn event(&self) -> EventKey {
        self.key.event()
    }

    /// Its unique id as a code.
    pub fn unique_id(&self) -> Option<u32> {
        self.key.unique_id()
    }

    /// When its last event happened: it is one event, unless it stands for a partial session of them.
    pub fn end(&self) -> Timestamp {
        self.key.partial_session().map_or(self.time, |partial_session| self.time.plus(partial_session.length))
    }

    /// The rest of it, where it stands for a partial session of events.
    pub fn partial_session(&self) -> Option<PartialKey> {
        self.key.partial_session()
    }

    /// How many events it stands for.
    pub fn count(&self) -> u32 {
        self.key.partial_session().map_or(1, |partial_session| partial_session.count)
    }

    /// Its facts, by their place.
    pub fn fact(&self) -> u32 {
        self.key.fact()
    }

    /// Gives it other facts.
    pub fn set_fact(&mut self, fact: u32) {
        self.key = self.key.with_fact(fact);
    }

    /// Its values in the columns that the definition watches, by their place.
    pub fn watched(&self) -> u32 {
        self.key.watched()
    }

    /// Gives it other watched values.
    pub fn set_watched(&mut self, watched: u32) {
        self.key = self.key.with_watched(watched);
    }

    /// Its place among the events of its user, whatever group it is in (SPEC 2, step 5).
    pub fn moment(&self) -> (Timestamp, T) {
        (self.time, self.key.with_fact(0).with_class(0).with_watched(0))
    }

    /// What of its moment orders events that have no unique ids; the class of its event does not.
    pub fn order(&self) -> (Timestamp, i64, EventKey) {
        let (sequence, event) = self.key.order();
        (self.time, sequence, event.with_class(0))
    }

    /// The type and role of its last event: it is one event, unless it stands for a partial session of them.
    pub fn last_event(&self) -> EventKey {
        self.key.partial_session().map_or(self.event(), |partial_session| partial_session.last_event)
    }

    /// Gives its event another class, where it has one.
    pub fn set_class(&mut self, class: u32) {
        self.key = self.key.with_class(class);
    }
}

impl<T: RowKey> Ord for Row<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let before_ties = (self.value(), self.time).cmp(&(other.value(), other.time));
        // Codes of unique ids follow the order in which files come: they are the last to tell events apart.
        let told = |row: &Self| (row.order(), row.fact());
        before_ties.then_with(|| told(self).cmp(&told(other))).then_with(|| self.key.cmp(&other.key))
    }
}

impl<T: RowKey> PartialOrd for Row<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The events of one partition: distinct users in ascending order, and the rows of each.
#[derive(Debug)]
pub struct PartitionRows<T> {
    /// The users.
    pub users: KeyColumn,
    /// Where text is grouped by: the distinct texts in ascending order, which the rows' values point to.
    pub texts: Option<KeyColumn>,
    /// Where facts are asked for: the distinct ones in ascending order, which the rows' facts are places in.
    pub facts: Option<KeyColumn>,
    /// The values that the definition watches, which rows name by their places.
    pub watched: WatchedTable,
    /// The codes of unique ids, until they are put in order.
    ids: Option<Interner>,
    rows: Vec<Row<T>>,
    bounds: Vec<u32>,
}

impl<T: RowKey> PartitionRows<T> {
    /// Brings the rows of a partition together; `pieces` are blocks and the partition's number in each. Rows of one
    /// user come out in no particular order.
    pub fn gather(pieces: &[(&Block, usize)], types: &EventTypes) -> Option<Self> {
        let (first, _) = pieces.first()?;
        let mut users = Interner::like(&first.users.keys);
        let has_texts = matches!(first.values.as_ref().map(|values| &values.keys), Some(BlockKeys::Text(_)));
        let mut texts = has_texts.then(Interner::of_text);
        // Whose each row is, to begin with; then, where the next row of each user goes.
        let mut users_of = Vec::with_capacity(pieces.len());
        let mut counts: Vec<u32> = Vec::new();
        for (block, partition) in pieces {
            let runs = &block.users;
            let code = |key: usize| users.intern(&runs.keys, key);
            let of_block: Vec<u32> = runs.of_partition(*partition).map(code).collect();
            counts.resize(users.len(), 0);
            let keys = runs.of_partition(*partition);
            keys.zip(&of_block).for_each(|(key, code)| counts[*code as usize] += runs.run(key).len() as u32);
            users_of.push(of_block);
        }
        let (users, ranks) = users.into_ranked();
        let mut bounds = vec![0u32; users.len() + 1];
        for (code, rank) in ranks.iter().enumerate() {
            bounds[*rank as usize + 1] = counts[code];
        }
        for user in 0..users.len() {
            bounds[user + 1] += bounds[user];
        }
        let mut next: Vec<u32> = ranks.iter().map(|rank| bounds[*rank as usize]).collect();
        let mut rows = vec![Row::default(); bounds.last().map_or(0, |end| *end as usize)];
        let mut ids = Interner::of_text();
        let mut facts = first.facts.as_ref().map(|_| Interner::of_text());
        let mut watched = first.watched.as_ref().map(|_| Interner::of_text());
        for ((block, partition), of_block) in pieces.iter().zip(users_of) {
            let texts = match (block.values.as_ref().map(|values| &values.keys), &mut texts) {
                (Some(BlockKeys::Text(keys)), Some(texts)) => global_codes(keys, *partition, texts),
                _ => Vec::new(),
            };
            let facts = match (&block.facts, &mut facts) {
                (Some(keys), Some(facts)) => global_codes(keys, *partition, facts),
                _ => Vec::new(),
            };
            let watched = match (&block.watched, &mut watched) {
                (Some(keys), Some(watched)) => global_codes(keys, *partition, watched),
                _ => Vec::new(),
            };
            let source = Source { block, types, texts, facts, watched };
            for (key, code) in block.users.of_partition(*partition).zip(of_block) {
                let run = block.users.run(key);
                let place = &mut next[code as usize];
                let places = *place as usize..*place as usize + run.len();
                *place += run.len() as u32;
                for (to, row) in rows[places].iter_mut().zip(run) {
                    *to = Row::new(block.time(row), T::read(&source, row, &mut ids));
                }
            }
        }
        let (texts, text_ranks) = texts.map(Interner::into_ranked).unzip();
        if let Some(ranks) = text_ranks {
            rows.iter_mut().for_each(|row| row.key = row.key.ranked(&ranks));
        }
        let (facts, fact_ranks) = facts.map(Interner::into_ranked).unzip();
        if let Some(ranks) = fact_ranks {
            rows.iter_mut().for_each(|row| row.key = row.key.with_fact(ranks[row.fact() as usize]));
        }
        let (watched, watched_ranks) = watched.map(Interner::into_ranked).unzip();
        if let Some(ranks) = watched_ranks {
            rows.iter_mut().for_each(|row| row.set_watched(ranks[row.watched() as usize]));
        }
        let watched = WatchedTable::new(types.watched(), watched);
        let looks_at_values = !types.timeouts().is_empty() || watched.columns() > 0;
        let mut rows = PartitionRows { users, texts, facts, watched, ids: Some(ids), rows, bounds };
        if looks_at_values {
            rows.order_ids();
        }
        Some(rows)
    }

    /// Gives rows the places of their unique ids among the distinct ones, in ascending order, in place of codes, whose
    /// order is that in which files came.
    pub fn order_ids(&mut self) {
        let Some(ids) = self.ids.take() else { return };
        let (_, ranks) = ids.into_ranked();
        self.rows.iter_mut().for_each(|row| row.key = row.key.with_ordered_id(&ranks));
    }

    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.rows.len()
    }

    /// The rows of each user, users in ascending order, with the user's place in `users`.
    pub fn each_user(&mut self, mut visit: impl FnMut(u32, &mut [Row<T>])) {
        for (user, bounds) in self.bounds.windows(2).enumerate() {
            visit(user as u32, &mut self.rows[bounds[0] as usize..bounds[1] as usize]);
        }
    }
}

/// The codes in the whole partition of a block's distinct keys in it.
fn global_codes(keys: &CodedKeys, partition: usize, interner: &mut Interner) -> Vec<u32> {
    keys.of_partition(partition).map(|key| interner.intern(&keys.keys, key)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_order_events_before_unique_ids_do() {
        let row = |unique_id, fact| {
            let key = FullKey { sequence: 0, event: EventKey::NONE, unique_id };
            Row::new(Timestamp::from_micros(1), FactKey { key, fact })
        };
        // Files come in any order, and so do the codes of unique ids.
        assert!(row(Some(7), 1) < row(None, 2) && row(Some(7), 1) < row(Some(3), 2));
        assert!(row(None, 1) < row(Some(0), 1));
    }
}
