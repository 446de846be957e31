//! Both definitions over one partition's users.

use std::cmp::Ordering;

use super::mapping::{Link, Mapper, Mapping};
use super::side::{Cut, Named, Side, NONE};
use super::tally::SideTally;
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::{KeyColumn, TextColumn};
use crate::sessionize::order::put_in_order;
use crate::sessionize::partition_rows::PartitionRows;
use crate::sessionize::rows::RowKind;
use crate::sessionize::table_rows::records::SessionRow;
use crate::sessionize::time::{Span, Timestamp};
use crate::sessionize::visit::{with_events, RowsWork};

/// What both definitions make of one partition's users.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What is counted of each.
    pub(super) tallies: [SideTally; 2],
    /// How sessions map.
    pub(super) mapping: Mapping,
    /// The users, in ascending order.
    pub(super) users: Option<KeyColumn>,
    /// Where session ids are text, the texts that the ids of each side are places in.
    pub(super) texts: [Option<KeyColumn>; 2],
    /// A row for each user with a session, in order of users.
    pub(super) rows: Vec<UserRow>,
    /// The sessions of each side, where they are asked for: those of one user together.
    pub(super) sessions: [Vec<Brief>; 2],
    /// How they map, where that is asked for: sessions by their places in `sessions`.
    pub(super) links: Vec<Link>,
}

impl Outcome {
    /// Bytes that it takes, beside its tallies.
    pub(super) fn bytes(&self) -> usize {
        let keys = self.users.iter().chain(self.texts.iter().flatten()).map(KeyColumn::size).sum::<usize>();
        let sessions = self.sessions.iter().map(|sessions| size_of_val(sessions.as_slice())).sum::<usize>();
        keys + sessions + size_of_val(self.rows.as_slice()) + size_of_val(self.links.as_slice())
    }
}

/// A user's sessions under both definitions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct UserRow {
    /// The user's place among those of the partition.
    pub(super) user: u32,
    /// How many sessions of each.
    pub(super) sessions: [u32; 2],
    /// Their lengths together, in milliseconds.
    pub(super) time_spent_ms: [i64; 2],
    /// Their events.
    pub(super) events: [u64; 2],
    /// The sessions of both that are not unchanged.
    pub(super) changed: u64,
    /// How many links are the user's; they follow those of the users before.
    pub(super) links: u32,
}

/// What the table says of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Brief {
    pub(super) id: i64,
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) event_count: u32,
}

impl Brief {
    fn new(session: &SessionRow) -> Self {
        Brief { id: session.id, start: session.start, end: session.end, event_count: session.event_count }
    }

    /// How long it lasts.
    pub(super) fn length(&self) -> Span {
        self.end.since(self.start)
    }
}

/// The two definitions, and what is asked for.
#[derive(Debug)]
pub(super) struct Comparison {
    /// The definitions.
    pub(super) sides: [Side; 2],
    /// Whether each session is asked for.
    pub(super) each_session: bool,
    /// What both know of an event.
    pub(super) common: Common,
}

/// What of an event, besides user and time, two jobs read from the same column: where each of them reads events of its
/// own, they are known by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Common {
    /// The event type.
    pub(super) event: bool,
    /// The sequence.
    pub(super) sequence: bool,
    /// What events are grouped by.
    pub(super) value: bool,
}

/// Maps the users of a partition one after the other.
struct OfPartition<'c> {
    comparison: &'c Comparison,
    mapper: Mapper,
    outcome: Outcome,
}

impl OfPartition<'_> {
    /// Maps the sessions of a user, whose shared events the mapper knows.
    fn add_user(&mut self, user: u32, a: &[SessionRow], b: &[SessionRow]) {
        let OfPartition { comparison, mapper, outcome } = self;
        let (links, changed) = mapper.map(a, b, &mut outcome.mapping);
        if a.is_empty() && b.is_empty() {
            return;
        }
        let time_spent = |of: &[SessionRow]| of.iter().map(|session| session.length().floor_millis()).sum();
        let events = |of: &[SessionRow]| of.iter().map(|session| u64::from(session.event_count)).sum();
        outcome.rows.push(UserRow {
            user,
            sessions: [a.len() as u32, b.len() as u32],
            time_spent_ms: [time_spent(a), time_spent(b)],
            events: [events(a), events(b)],
            changed,
            links: links.len() as u32,
        });
        if comparison.each_session {
            let firsts = [outcome.sessions[0].len() as u32, outcome.sessions[1].len() as u32];
            outcome.links.extend(links.iter().map(|link| Link {
                a: link.a.map(|place| firsts[0] + place),
                b: link.b.map(|place| firsts[1] + place),
                ..*link
            }));
            outcome.sessions[0].extend(a.iter().map(Brief::new));
            outcome.sessions[1].extend(b.iter().map(Brief::new));
        }
    }

    fn finish(self, users: KeyColumn, texts: [Option<KeyColumn>; 2]) -> Outcome {
        let mut outcome = self.outcome;
        // These stay until all partitions are done: no room for rows that will not come.
        outcome.rows.shrink_to_fit();
        outcome.links.shrink_to_fit();
        Outcome { users: Some(users), texts, ..outcome }
    }
}

impl Comparison {
    fn start(&self) -> OfPartition<'_> {
        OfPartition { comparison: self, mapper: Mapper::default(), outcome: Outcome::default() }
    }

    /// Both over the same rows: each event is known to both by its place.
    pub(super) fn of_same_rows(&self, pieces: &[(&Block, usize)]) -> Outcome {
        with_events(pieces, &self.sides[0].known.types, Same(self)).unwrap_or_default()
    }

    /// Each over rows of its own: events are known to both by what they are.
    pub(super) fn of_own_rows(&self, a: &[(&Block, usize)], b: &[(&Block, usize)]) -> Outcome {
        let alone = |side: usize, pieces| {
            let work = Own { side: &self.sides[side], comparison: self };
            with_events(pieces, &self.sides[side].known.types, work).unwrap_or_default()
        };
        let (mut a, mut b) = (alone(0, a), alone(1, b));
        if self.common.value {
            same_places(&mut a, &mut b);
        }
        let mut mapping = self.start();
        let mut users = Users::like(a.users.as_ref().or(b.users.as_ref()));
        let (mut at_a, mut at_b) = (0, 0);
        loop {
            let order = match (a.user(at_a), b.user(at_b)) {
                (None, None) => break,
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(users_a), Some(users_b)) => users_a.compare(at_a, users_b, at_b),
            };
            let of_a = if order.is_le() { a.of_user(at_a) } else { OfUser::default() };
            let of_b = if order.is_ge() { b.of_user(at_b) } else { OfUser::default() };
            share_alike(of_a.moments, of_b.moments, &mut mapping.mapper);
            let user = match order.is_le() {
                true => users.push(a.users.as_ref(), at_a),
                false => users.push(b.users.as_ref(), at_b),
            };
            mapping.add_user(user, of_a.sessions, of_b.sessions);
            at_a += usize::from(order.is_le());
            at_b += usize::from(order.is_ge());
        }
        mapping.outcome.tallies = [a.tally, b.tally];
        mapping.finish(users.0, [a.texts, b.texts])
    }
}

struct Same<'c>(&'c Comparison);

impl RowsWork for Same<'_> {
    type Made = Outcome;

    fn work<T: RowKind>(self, mut rows: PartitionRows<T>) -> Outcome {
        let comparison = self.0;
        let ids = [0, 1].map(|side: usize| comparison.sides[side].id_times(rows.texts.as_ref()));
        let watched = std::mem::take(&mut rows.watched);
        let mut mapping = comparison.start();
        let (mut a, mut b) = (Cut::default(), Cut::default());
        rows.each_user(|user, events| {
            // An event's place follows from what it is: nothing depends on the order in which rows came.
            put_in_order(events);
            let [tally_a, tally_b] = &mut mapping.outcome.tallies;
            comparison.sides[0].cut(events, &Named { ids: &ids[0], watched: &watched }, &mut a, tally_a);
            comparison.sides[1].cut(events, &Named { ids: &ids[1], watched: &watched }, &mut b, tally_b);
            a.owners.iter().zip(&b.owners).for_each(|(a, b)| mapping.mapper.share(*a, *b));
            mapping.add_user(user, &a.sessions, &b.sessions);
        });
        mapping.finish(rows.users, [rows.texts.clone(), rows.texts])
    }
}

/// What one definition makes of rows of its own.
#[derive(Debug, Default)]
struct Alone {
    users: Option<KeyColumn>,
    texts: Option<KeyColumn>,
    tally: SideTally,
    sessions: Vec<SessionRow>,
    moments: Vec<Moment>,
    /// Where the sessions and the moments of each user end.
    ends: Vec<(usize, usize)>,
}

/// An event in a session, by what both definitions know of it, and the place of the session. Events that are alike in
/// all of it are told apart by nothing: the first is taken for the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    known: (Timestamp, u32, i64, Option<i64>),
    session: u32,
}

#[derive(Clone, Copy, Default)]
struct OfUser<'a> {
    sessions: &'a [SessionRow],
    moments: &'a [Moment],
}

impl Alone {
    /// The users, if there is one at this place.
    fn user(&self, place: usize) -> Option<&KeyColumn> {
        self.users.as_ref().filter(|users| place < users.len())
    }

    fn of_user(&self, place: usize) -> OfUser<'_> {
        let (sessions, moments) = place.checked_sub(1).map_or((0, 0), |before| self.ends[before]);
        let (sessions_end, moments_end) = self.ends[place];
        OfUser { sessions: &self.sessions[sessions..sessions_end], moments: &self.moments[moments..moments_end] }
    }
}

struct Own<'c> {
    side: &'c Side,
    comparison: &'c Comparison,
}

impl RowsWork for Own<'_> {
    type Made = Alone;

    fn work<T: RowKind>(self, mut rows: PartitionRows<T>) -> Alone {
        let common = self.comparison.common;
        let ids = self.side.id_times(rows.texts.as_ref());
        let watched = std::mem::take(&mut rows.watched);
        let mut alone = Alone::default();
        let mut cut = Cut::default();
        rows.each_user(|_, events| {
            events.sort_unstable();
            self.side.cut(events, &Named { ids: &ids, watched: &watched }, &mut cut, &mut alone.tally);
            let owned = events.iter().zip(&cut.owners).filter(|(_, owner)| **owner != NONE);
            alone.moments.extend(owned.map(|(event, owner)| {
                let (time, sequence, key) = event.order();
                let sequence = if common.sequence { sequence } else { 0 };
                let value = event.value().filter(|_| common.value);
                let event = if common.event { key.rank() } else { 0 };
                Moment { known: (time, event, sequence, value), session: *owner }
            }));
            alone.sessions.extend_from_slice(&cut.sessions);
            alone.ends.push((alone.sessions.len(), alone.moments.len()));
        });
        Alone { users: Some(rows.users), texts: rows.texts, ..alone }
    }
}

/// Has the values of both sides be places among the texts of both together.
fn same_places(a: &mut Alone, b: &mut Alone) {
    let (Some(KeyColumn::Text(texts_a)), Some(KeyColumn::Text(texts_b))) = (&a.texts, &b.texts) else { return };
    let (mut places_a, mut places_b) = (Vec::with_capacity(texts_a.len()), Vec::with_capacity(texts_b.len()));
    for place in 0.. {
        let (next_a, next_b) = (places_a.len(), places_b.len());
        let order = match (next_a < texts_a.len(), next_b < texts_b.len()) {
            (false, false) => break,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (true, true) => texts_a.get(next_a).cmp(texts_b.get(next_b)),
        };
        if order.is_le() {
            places_a.push(place);
        }
        if order.is_ge() {
            places_b.push(place);
        }
    }
    for (side, places) in [(a, places_a), (b, places_b)] {
        for moment in &mut side.moments {
            moment.known.3 = moment.known.3.map(|text| places[text as usize]);
        }
    }
}

/// Tells the mapper of the events that are alike on both sides.
fn share_alike(a: &[Moment], b: &[Moment], mapper: &mut Mapper) {
    let sorted = |moments: &[Moment]| {
        let mut moments = moments.to_vec();
        moments.sort_unstable();
        moments
    };
    if a.is_empty() || b.is_empty() {
        return;
    }
    let (a, b) = (sorted(a), sorted(b));
    let (mut at_a, mut at_b) = (0, 0);
    while let (Some(one), Some(other)) = (a.get(at_a), b.get(at_b)) {
        let order = one.known.cmp(&other.known);
        if order.is_eq() {
            mapper.share(one.session, other.session);
        }
        at_a += usize::from(order.is_le());
        at_b += usize::from(order.is_ge());
    }
}

/// Users of both sides, in ascending order.
struct Users(KeyColumn);

impl Users {
    fn like(users: Option<&KeyColumn>) -> Self {
        Users(match users {
            Some(KeyColumn::Text(_)) => KeyColumn::Text(TextColumn::default()),
            _ => KeyColumn::Int(Vec::new()),
        })
    }

    /// Adds a user of one side, and returns the place.
    fn push(&mut self, users: Option<&KeyColumn>, place: usize) -> u32 {
        let added = self.0.len() as u32;
        match (&mut self.0, users) {
            (KeyColumn::Int(all), Some(KeyColumn::Int(users))) => all.push(users[place]),
            (KeyColumn::Text(all), Some(KeyColumn::Text(users))) => all.push(users.get(place)),
            _ => {}
        }
        added
    }
}
