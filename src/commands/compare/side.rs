//! What one definition makes of one user's events: the sessions of its table, and whose session each event is in.
//!
//! The rules are the kernel's; what is added here is that each event remembers its place.

use super::key::{full, plain};
use super::sight::Sight;
use super::tally::SideTally;
use crate::events::source::roles::Roles;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::rows::{FullEvent, PlainEvent, Row, RowKind};
use crate::sessionize::rule::{OutOfSession, Rule};
use crate::sessionize::table_rows::identify::identify;
use crate::sessionize::table_rows::records::SessionRow;
use crate::sessionize::time::Day;
use crate::sessionize::user::{walk_user, Session, Sink, TableStanding};
use crate::sessionize::visit::IdTimes;
use crate::sessionize::watched::WatchedTable;

/// In place of a session: the event is in none.
pub(super) const NONE: u32 = u32::MAX;

/// One of the two definitions, over events that were read for both or for it alone.
#[derive(Debug)]
pub(super) struct Side {
    /// The rules.
    pub(super) known: KernelInputs,
    sight: Sight,
}

/// What the events of a partition name by their places, and what they are to a definition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named<'n> {
    /// Which session ids are times.
    pub(super) ids: &'n IdTimes,
    /// The values that the definition watches.
    pub(super) watched: &'n WatchedTable,
}

/// What a definition made of the user that was looked at last.
#[derive(Debug, Default)]
pub(super) struct Cut {
    /// The sessions, as the sessions table has them, in its order.
    pub(super) sessions: Vec<SessionRow>,
    /// For each event by its place, the place of its session among `sessions`, or [`NONE`].
    pub(super) owners: Vec<u32>,
    plain: Vec<Row<PlainEvent>>,
    full: Vec<Row<FullEvent>>,
    days: Vec<Day>,
    places: Vec<u32>,
}

impl Side {
    /// A definition; `roles` are its own, whatever else was read for the other one.
    pub(super) fn new(known: KernelInputs, roles: &Roles) -> Self {
        let sight = Sight::new(&known.types, roles);
        Side { known, sight }
    }

    /// Which session ids are times to this definition; `texts` are the ids, where they are text.
    pub(super) fn id_times(&self, texts: Option<&KeyColumn>) -> IdTimes {
        IdTimes::new(self.known.rule, texts)
    }

    /// Makes the sessions of a user's events.
    pub(super) fn cut<T: RowKind>(&self, events: &[Row<T>], named: &Named<'_>, cut: &mut Cut, tally: &mut SideTally) {
        cut.sessions.clear();
        cut.owners.clear();
        cut.owners.resize(events.len(), NONE);
        let placed = events.iter().zip(0..);
        if self.sight.is_plain() {
            let mut rows = std::mem::take(&mut cut.plain);
            rows.clear();
            rows.extend(placed.map(|(event, place)| plain(&self.sight, event, place)));
            self.cut_rows(&mut rows, named, cut, tally);
            cut.plain = rows;
        } else {
            let mut rows = std::mem::take(&mut cut.full);
            rows.clear();
            rows.extend(placed.map(|(event, place)| full(&self.sight, event, place)));
            self.cut_rows(&mut rows, named, cut, tally);
            cut.full = rows;
        }
        self.put_in_order(cut);
        tally.add_sessions(&cut.sessions);
    }

    fn cut_rows<K: RowKind>(&self, rows: &mut [Row<K>], named: &Named<'_>, cut: &mut Cut, tally: &mut SideTally) {
        let rules = self.known.rules().watching(named.watched);
        walk_user(&rules, rows, &|id| named.ids.time_of(id), &mut OfUser { side: self, cut, tally });
    }

    /// The dates on which the user is active.
    fn find_days<S: RowKind>(&self, rows: &[Row<S>], days: &mut Vec<Day>) {
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

    /// How many events are on dates that tables hold.
    fn inside<S: RowKind>(&self, events: &[Row<S>]) -> u64 {
        if self.known.dates.is_all() {
            return events.len() as u64;
        }
        let mut cursor = self.known.calendar.cursor();
        events.iter().filter(|event| self.known.dates.holds(cursor.find(event.time()).day)).count() as u64
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

/// What becomes of the events of the user at hand under one definition.
struct OfUser<'c> {
    side: &'c Side,
    cut: &'c mut Cut,
    tally: &'c mut SideTally,
}

impl<S: RowKind> Sink<S> for OfUser<'_> {
    fn duplicate(&mut self, _: &Row<S>) {
        self.tally.duplicates += 1;
    }

    fn inactive(&mut self, _: &Row<S>) {
        self.tally.inactive += 1;
    }

    fn counted(&mut self, events: &[Row<S>]) {
        self.side.find_days(events, &mut self.cut.days);
        self.tally.add_days(&self.cut.days);
    }

    fn out_of_session(&mut self, events: &[Row<S>], _: OutOfSession) {
        self.tally.out_of_session += self.side.inside(events);
    }

    fn session(&mut self, session: Session<'_, S>) {
        let Session { events, bounds, day, standing, .. } = session;
        self.tally.in_session += self.side.inside(events);
        match standing {
            TableStanding::OtherDate => return,
            TableStanding::TooLong => {
                self.tally.excluded += 1;
                return;
            }
            TableStanding::InTable => {}
        }
        // While they are put in order, the user says where they were.
        let place = self.cut.sessions.len() as u32;
        let Some(row) = SessionRow::of(place, day, events, bounds) else { return };
        self.tally.clock_skew += u64::from(bounds.clock_skew);
        self.tally.events_of_sessions += events.len() as u64;
        events.iter().for_each(|event| self.cut.owners[event.fact() as usize] = place);
        self.cut.sessions.push(row);
    }
}
