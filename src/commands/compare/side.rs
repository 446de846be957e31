//! What one definition makes of one user's events: the sessions of its table, and whose session each event is in.
//!
//! The rules are the kernel's; what is added here is that each event remembers its place.

use super::tally::SideTally;
use super::tie::{Light, SideTie, Whole};
use crate::events::source::roles::Roles;
use crate::pipeline::kernel_inputs::Known;
use crate::sessionize::dedup::{drop_duplicates, drop_inactive};
use crate::sessionize::event_types::{EventKey, EventTypes};
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::order::put_in_order;
use crate::sessionize::rows::{Row, Tie};
use crate::sessionize::rule::{Bounds, Rule, Verdict};
use crate::sessionize::table_rows::identify::identify;
use crate::sessionize::table_rows::records::SessionRow;
use crate::sessionize::time::Day;
use crate::sessionize::visit::IdTimes;

/// In place of a session: the event is in none.
pub(super) const NONE: u32 = u32::MAX;

/// One of the two definitions, over events that were read for both or for it alone.
#[derive(Debug)]
pub(super) struct Side {
    /// The rules.
    pub(super) known: Known,
    sight: Sight,
}

/// What a definition sees of an event.
#[derive(Debug)]
pub(super) struct Sight {
    /// The key of each event type by its rank: roles differ between definitions, ranks do not.
    keys: Vec<EventKey>,
    /// Whether a sequence orders events of one time.
    pub(super) by_sequence: bool,
    /// Whether events that repeat a unique id are dropped.
    pub(super) by_unique_id: bool,
    /// Whether events are grouped by a session id or a property.
    pub(super) by_value: bool,
}

impl Sight {
    fn new(types: &EventTypes, roles: &Roles) -> Self {
        let mut keys = vec![EventKey::NONE; types.len() + 1];
        for code in 0..=types.len() as u32 {
            let key = types.key(code);
            keys[key.rank() as usize] = key;
        }
        Sight {
            keys,
            by_sequence: roles.sequence.is_some(),
            by_unique_id: roles.dedup.is_some(),
            by_value: roles.value.is_some(),
        }
    }

    /// The key that a type has here, from any definition's.
    pub(super) fn event(&self, key: EventKey) -> EventKey {
        self.keys[key.rank() as usize]
    }

    fn is_light(&self) -> bool {
        !(self.by_sequence || self.by_unique_id || self.by_value)
    }
}

/// What a definition made of the user that was looked at last.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The sessions, as the sessions table has them, in its order.
    pub(super) sessions: Vec<SessionRow>,
    /// For each event by its place, the place of its session among `sessions`, or [`NONE`].
    pub(super) owners: Vec<u32>,
    light: Vec<Row<Light>>,
    whole: Vec<Row<Whole>>,
    days: Vec<Day>,
    places: Vec<u32>,
}

impl Side {
    /// A definition; `roles` are its own, whatever else was read for the other one.
    pub(super) fn new(known: Known, roles: &Roles) -> Self {
        let sight = Sight::new(&known.types, roles);
        Side { known, sight }
    }

    /// Which session ids are times to this definition; `texts` are the ids, where they are text.
    pub(super) fn id_times(&self, texts: Option<&KeyColumn>) -> IdTimes {
        IdTimes::new(self.known.rule, texts)
    }

    /// Makes the sessions of a user's events.
    pub(super) fn cut<T: Tie>(&self, events: &[Row<T>], ids: &IdTimes, cut: &mut Cut, tally: &mut SideTally) {
        cut.sessions.clear();
        cut.owners.clear();
        cut.owners.resize(events.len(), NONE);
        if self.sight.is_light() {
            let mut rows = std::mem::take(&mut cut.light);
            self.cut_rows(events, &mut rows, ids, cut, tally);
            cut.light = rows;
        } else {
            let mut rows = std::mem::take(&mut cut.whole);
            self.cut_rows(events, &mut rows, ids, cut, tally);
            cut.whole = rows;
        }
        self.put_in_order(cut);
        tally.add_sessions(&cut.sessions);
    }

    fn cut_rows<T: Tie, S: SideTie>(
        &self,
        events: &[Row<T>],
        rows: &mut Vec<Row<S>>,
        ids: &IdTimes,
        cut: &mut Cut,
        tally: &mut SideTally,
    ) {
        rows.clear();
        rows.extend(
            events.iter().zip(0..).map(|(event, place)| Row::new(event.time(), S::see(&self.sight, event, place))),
        );
        let mut rows = &mut rows[..];
        if let Some(within) = self.known.dedup_within {
            let kept = drop_duplicates(rows, within);
            tally.duplicates += (rows.len() - kept) as u64;
            rows = &mut rows[..kept];
        }
        let kept = drop_inactive(rows, &self.known.types);
        tally.inactive += (rows.len() - kept) as u64;
        let rows = &mut rows[..kept];
        put_in_order(rows);
        self.find_days(rows, &mut cut.days);
        tally.add_days(&cut.days);
        for group in rows.chunk_by(|a, b| a.value() == b.value()) {
            self.cut_group(group, ids, cut, tally);
        }
    }

    /// The dates on which the user is active.
    fn find_days<S: Tie>(&self, rows: &[Row<S>], days: &mut Vec<Day>) {
        days.clear();
        let mut cursor = self.known.calendar.cursor();
        for row in rows {
            let day = cursor.find(row.time()).day;
            if days.last() != Some(&day) && self.known.dates.holds(day) {
                days.push(day);
            }
        }
        // Groups come one after the other, so a date may come again.
        days.sort_unstable();
        days.dedup();
    }

    fn cut_group<S: Tie>(&self, group: &[Row<S>], ids: &IdTimes, cut: &mut Cut, tally: &mut SideTally) {
        self.known.rule.segments(
            group,
            |id| ids.time_of(id),
            |segment| {
                let events = &group[segment.events];
                match segment.verdict {
                    Verdict::Out(_) => tally.out_of_session += self.inside(events),
                    Verdict::Session(bounds) => {
                        tally.in_session += self.inside(events);
                        self.add_session(events, bounds, cut, tally);
                    }
                }
            },
        );
    }

    /// How many events are on dates that tables hold.
    fn inside<S: Tie>(&self, events: &[Row<S>]) -> u64 {
        if self.known.dates.is_all() {
            return events.len() as u64;
        }
        let mut cursor = self.known.calendar.cursor();
        events.iter().filter(|event| self.known.dates.holds(cursor.find(event.time()).day)).count() as u64
    }

    fn add_session<S: Tie>(&self, events: &[Row<S>], bounds: Bounds, cut: &mut Cut, tally: &mut SideTally) {
        let day = self.known.calendar.day_of(bounds.start);
        if !self.known.dates.holds(day) {
            return;
        }
        // While they are put in order, the user says where they were.
        let place = cut.sessions.len() as u32;
        let Some(session) = SessionRow::of(place, day, events, bounds) else { return };
        if self.known.max_length.is_some_and(|limit| session.length() > limit) {
            tally.excluded += 1;
            return;
        }
        tally.clock_skew += u64::from(bounds.clock_skew);
        tally.events_of_sessions += events.len() as u64;
        events.iter().for_each(|event| cut.owners[event.fact() as usize] = place);
        cut.sessions.push(session);
    }

    /// Gives sessions their ids and puts them in the order of the table.
    fn put_in_order(&self, cut: &mut Cut) {
        let sessions = &mut cut.sessions;
        match self.known.rule {
            Rule::Default(_) => sessions.sort_unstable_by_key(|session| (session.day, session.id)),
            Rule::Custom(_) => identify(sessions, &self.known.calendar),
        }
        if sessions.iter().zip(0..).all(|(session, place)| session.user == place) {
            return;
        }
        cut.places.clear();
        cut.places.resize(sessions.len(), 0);
        for (session, place) in sessions.iter().zip(0..) {
            cut.places[session.user as usize] = place;
        }
        for owner in cut.owners.iter_mut().filter(|owner| **owner != NONE) {
            *owner = cut.places[*owner as usize];
        }
    }
}
