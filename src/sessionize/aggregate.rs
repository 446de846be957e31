//! Makes rows of the sessions and activity tables of one user after the other.

use super::counts::Counts;
use super::rows::{Row, RowKind};
use super::rule::{OutOfSession, Rule};
use super::table_rows::added::Adding;
use super::table_rows::event_rows::{Listing, NotInTable};
use super::table_rows::identify::identify;
use super::table_rows::records::{count, ActivityRow, SessionRow};
use super::time::Timestamp;
use super::user::{walk_user, Rules, Session, Sink, TableStanding};

/// The rows made so far.
#[derive(Debug, Default)]
pub struct Made<'f> {
    /// Rows of the sessions table; those of one user together, in order of date and id.
    pub sessions: Vec<SessionRow>,
    /// Rows of the activity table, in order of user and date.
    pub activity: Vec<ActivityRow>,
    /// What became of the events.
    pub counts: Counts,
    /// The columns that facts add; `None` where there are no facts.
    pub adding: Option<Adding<'f>>,
    /// Rows of events; `None` where there are to be none.
    pub listing: Option<Listing<'f>>,
}

/// What was made of one user.
#[derive(Clone, Copy, Debug)]
pub struct LastUser {
    /// Where its rows begin.
    sessions: usize,
    activity: usize,
    /// What became of its events.
    counts: Counts,
}

impl Made<'_> {
    /// As [`Made::add_user`], and tells what was made.
    pub fn add_and_tell<T: RowKind>(
        &mut self,
        rules: &Rules<'_>,
        user: u32,
        events: &mut [Row<T>],
        id_time: &impl Fn(i64) -> Option<Timestamp>,
    ) -> LastUser {
        let before = std::mem::take(&mut self.counts);
        let (sessions, activity) = (self.sessions.len(), self.activity.len());
        self.add_user(rules, user, events, id_time);
        let counts = self.counts;
        self.counts.merge(&before);
        LastUser { sessions, activity, counts }
    }

    /// Adds what `other` made of its last user: it is what would be made of the same events here. No columns may be added
    /// to activity, and to sessions the same as there.
    pub fn add_like(&mut self, other: &Made<'_>, last: &LastUser) {
        self.sessions.extend_from_slice(&other.sessions[last.sessions..]);
        self.activity.extend_from_slice(&other.activity[last.activity..]);
        self.counts.merge(&last.counts);
        if let (Some(mine), Some(theirs)) = (&mut self.adding, &other.adding) {
            mine.add_like(theirs, last.sessions);
        }
    }

    /// Takes the events of one user, in any order. `id_time` says which session ids are times.
    pub fn add_user<T: RowKind>(
        &mut self,
        rules: &Rules<'_>,
        user: u32,
        events: &mut [Row<T>],
        id_time: &impl Fn(i64) -> Option<Timestamp>,
    ) {
        if let Rule::Default(_) = rules.rule {
            let untimed = |row: &&Row<T>| row.value().is_some_and(|id| id_time(id).is_none());
            self.counts.untimed_ids += events.iter().filter(untimed).map(|row| u64::from(row.count())).sum::<u64>();
        }
        let first_session = self.sessions.len();
        walk_user(rules, events, id_time, &mut UserRows { made: self, rules, user });
        let sessions = &mut self.sessions[first_session..];
        if self.adding.is_some() || self.listing.is_some() {
            // While they are put in order, `user` says where they were: it is the same for all of them.
            places_for_users(sessions);
        }
        let in_order = |sessions: &mut [SessionRow]| match rules.rule {
            Rule::Default(_) => sessions.sort_unstable_by_key(|session| (session.day, session.id)),
            Rule::Custom(_) => identify(sessions, rules.calendar),
        };
        in_order(sessions);
        if let Some(listing) = &mut self.listing {
            places_for_users(listing.others());
            in_order(listing.others());
            listing.finish_user(user, sessions, rules.calendar);
        }
        if let Some(adding) = &mut self.adding {
            adding.follow(sessions, first_session);
        }
        sessions.iter_mut().for_each(|session| session.user = user);
    }

    fn add_activity<T: RowKind>(&mut self, rules: &Rules<'_>, user: u32, events: &[Row<T>]) {
        if !rules.makes_activity {
            self.counts.users += u64::from(events.iter().any(|event| rules.hold_date_of(event.time())));
            return;
        }
        let mut cursor = rules.calendar.cursor();
        let first = self.activity.len();
        for event in events {
            let stretch = cursor.find(event.time());
            if !rules.dates.holds(stretch.day) {
                continue;
            }
            let at = 1 << stretch.hour(event.time());
            let (hours, count) = event
                .partial_session()
                .map_or((at, 1), |partial_session| (at | partial_session.hours, partial_session.count));
            match self.activity[first..].last_mut() {
                Some(row) if row.day == stretch.day => {
                    row.events = row.events.saturating_add(count);
                    row.hours |= hours;
                }
                _ => self.activity.push(ActivityRow { user, day: stretch.day, events: count, hours }),
            }
        }
        // Groups come one after the other, each in order of time: a date may have come more than once.
        let rows = &mut self.activity[first..];
        rows.sort_unstable_by_key(|row| row.day);
        let mut kept = first;
        for at in first..self.activity.len() {
            let row = self.activity[at];
            match self.activity[first..kept].last_mut() {
                Some(last) if last.day == row.day => {
                    last.events = last.events.saturating_add(row.events);
                    last.hours |= row.hours;
                }
                _ => {
                    self.activity[kept] = row;
                    kept += 1;
                }
            }
        }
        self.activity.truncate(kept);
        self.counts.users += u64::from(kept > first);
    }

    /// Counts the events whose own date is outside the window, and returns how many are inside.
    fn count_window<T: RowKind>(&mut self, rules: &Rules<'_>, events: &[Row<T>]) -> u64 {
        if rules.dates.is_all() {
            return count(events) as u64;
        }
        let mut cursor = rules.calendar.cursor();
        // Those of a partial session are all of one date.
        let is_inside = |event: &&Row<T>| rules.dates.holds(cursor.find(event.time()).day);
        let inside: u64 = events.iter().filter(is_inside).map(|event| u64::from(event.count())).sum();
        self.counts.outside_window += count(events) as u64 - inside;
        inside
    }
}

/// Has each session say where it is instead of whose it is.
fn places_for_users(sessions: &mut [SessionRow]) {
    sessions.iter_mut().zip(0..).for_each(|(session, place)| session.user = place);
}

/// Makes rows of what becomes of a user's events.
struct UserRows<'m, 'f, 'r> {
    made: &'m mut Made<'f>,
    rules: &'m Rules<'r>,
    user: u32,
}

impl<T: RowKind> Sink<T> for UserRows<'_, '_, '_> {
    fn duplicate(&mut self, _: &Row<T>) {
        self.made.counts.duplicates += 1;
    }

    fn facts_of_both(&mut self, stays: u32, repeat: u32) -> u32 {
        match (&self.made.adding, &self.made.listing) {
            (Some(adding), _) => adding.facts_of_both(stays, repeat),
            (None, Some(listing)) => listing.facts_of_both(stays, repeat),
            (None, None) => stays,
        }
    }

    fn inactive(&mut self, _: &Row<T>) {
        self.made.counts.inactive += 1;
    }

    fn counted(&mut self, events: &[Row<T>]) {
        let first_row = self.made.activity.len();
        self.made.add_activity(self.rules, self.user, events);
        if let Some(adding) = &mut self.made.adding {
            adding.add_activity(&self.made.activity[first_row..], events, self.rules.calendar);
        }
    }

    fn out_of_session(&mut self, events: &[Row<T>], reason: OutOfSession) {
        let inside = self.made.count_window(self.rules, events);
        self.made.counts.out_of_session[reason as usize] += inside;
        if let Some(listing) = &mut self.made.listing {
            listing.add_out(events, NotInTable::Out(reason));
        }
    }

    fn session(&mut self, session: Session<'_, T>) {
        let Session { events, bounds, day, standing, .. } = session;
        let inside = self.made.count_window(self.rules, events);
        let counts = &mut self.made.counts;
        counts.in_session += inside;
        let row = SessionRow::of(self.user, day, events, bounds);
        if let (Some(listing), Some(row)) = (&mut self.made.listing, row) {
            let is_too_long = self.rules.max_length.is_some_and(|limit| bounds.length() > limit);
            listing.add_session(events, row, standing == TableStanding::InTable, is_too_long);
        }
        let counts = &mut self.made.counts;
        match standing {
            TableStanding::OtherDate => return,
            TableStanding::TooLong => {
                counts.excluded += 1;
                return;
            }
            TableStanding::InTable => {}
        }
        let Some(row) = row else { return };
        counts.sessions += 1;
        counts.zero_length += u64::from(row.length().floor_millis() == 0);
        counts.clock_skew += u64::from(bounds.clock_skew);
        self.made.sessions.push(row);
        if let Some(adding) = &mut self.made.adding {
            adding.add_session(events);
        }
    }
}
