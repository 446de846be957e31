//! The partial sessions of the events that have come: open ones by user, ended ones as columns.

use super::partial_session::{OpenSession, PartialSessions};
use crate::sessionize::time::Timestamp;

/// The partial session that each user's next event may join, by the code of the user.
#[derive(Debug)]
pub struct Open {
    /// Those of events with a value, or of all where there are none to have, of the users with the lowest codes: where a
    /// user has none, [`OpenSession::NONE`].
    direct: Vec<OpenSession>,
    /// So many users have theirs there, at most: a dictionary may have far more than there are events.
    most_direct: usize,
    /// Of other users and of events without a value: where each is in `others`, and one more; 0 where there is none.
    places: [Vec<u32>; 2],
    others: Vec<OpenSession>,
}

impl Open {
    /// None; about so many events will come.
    pub fn new(events: usize) -> Self {
        Open { direct: Vec::new(), most_direct: events / 2, places: [Vec::new(), Vec::new()], others: Vec::new() }
    }

    /// That of a user's events with a value, or without one; one that nothing may join, or `None`, where there is none.
    #[inline]
    pub fn of(&mut self, user: u32, has_value: bool) -> Option<&mut OpenSession> {
        let at = user as usize;
        match has_value && at < self.direct.len() {
            true => Some(&mut self.direct[at]),
            false => self.by_place(at, has_value),
        }
    }

    #[inline(never)]
    fn by_place(&mut self, user: usize, has_value: bool) -> Option<&mut OpenSession> {
        let place = self.places[usize::from(has_value)].get(user)?.checked_sub(1)?;
        self.others.get_mut(place as usize)
    }

    /// Opens another one of its user, and returns the one before.
    pub fn replace(&mut self, partial_session: OpenSession) -> Option<OpenSession> {
        if let Some(open) = self.of(partial_session.user, partial_session.has_value) {
            return Some(std::mem::replace(open, partial_session)).filter(OpenSession::is_some);
        }
        let user = partial_session.user as usize;
        if partial_session.has_value && user < self.most_direct {
            // New users of a row group mostly come one after the other.
            self.direct.resize(user, OpenSession::NONE);
            self.direct.push(partial_session);
        } else {
            let places = &mut self.places[usize::from(partial_session.has_value)];
            places.resize(places.len().max(user + 1), 0);
            self.others.push(partial_session);
            places[user] = self.others.len() as u32;
        }
        None
    }

    /// Makes room for so many users, and for half as many again: a dictionary that overflows has most of them, and what
    /// grows is copied, to memory that is new.
    pub fn make_room(&mut self, users: usize) {
        if users.min(self.most_direct) > self.direct.capacity() {
            let budget = (users + users / 2).min(self.most_direct);
            self.direct.reserve_exact(budget - self.direct.len());
        }
    }

    /// All of them.
    pub fn partial_sessions(&mut self) -> impl Iterator<Item = &mut OpenSession> {
        self.direct.iter_mut().chain(&mut self.others).filter(|partial_session| partial_session.is_some())
    }

    /// Takes all of them; some may be none.
    pub fn take(&mut self) -> [Vec<OpenSession>; 2] {
        self.places = [Vec::new(), Vec::new()];
        [std::mem::take(&mut self.direct), std::mem::take(&mut self.others)]
    }
}

/// Partial sessions that no event joins any more, as columns: those that come after the last [`Ended::settle`] are not there yet.
#[derive(Debug, Default)]
pub struct Ended {
    /// The last ones, which are in no column yet: columns take several at once in less time than one by one.
    last: Vec<OpenSession>,
    /// The code of each one's user.
    pub users: Vec<u32>,
    /// When it begins.
    pub starts: Vec<Timestamp>,
    /// The code of its first event's type.
    pub first_events: Vec<u32>,
    /// Where values are kept: each one's, or anything where it has none.
    pub values: Vec<i64>,
    /// Where values are kept: whether it has one.
    pub has_value: Vec<bool>,
    /// Where facts are kept: the code of its facts.
    pub facts: Vec<u32>,
    /// The rest of each.
    pub rest: PartialSessions,
    /// Whether values are kept.
    pub keeps_values: bool,
    /// Whether facts are.
    pub keeps_facts: bool,
}

impl Ended {
    /// So many are in no column yet, at most.
    const LAST: usize = 1 << 7;

    /// Room for so many: what grows is copied, to memory that is new.
    pub fn with_room(partial_sessions: usize) -> Self {
        Ended {
            last: Vec::with_capacity(Self::LAST),
            users: Vec::with_capacity(partial_sessions),
            starts: Vec::with_capacity(partial_sessions),
            first_events: Vec::with_capacity(partial_sessions),
            rest: PartialSessions {
                lengths: Vec::with_capacity(partial_sessions),
                last_events: Vec::with_capacity(partial_sessions),
                counts: Vec::with_capacity(partial_sessions),
                hours: Vec::with_capacity(partial_sessions),
            },
            ..Ended::default()
        }
    }

    /// Takes another one.
    pub fn push(&mut self, partial_session: OpenSession) {
        self.last.push(partial_session);
        if self.last.len() == Self::LAST {
            self.settle();
        }
    }

    /// Takes several, of which some may be none.
    pub fn take(&mut self, partial_sessions: &[OpenSession]) {
        for some in partial_sessions.chunks(Self::LAST) {
            if some.iter().all(OpenSession::is_some) {
                self.settle();
                self.put(some);
            } else {
                some.iter()
                    .filter(|partial_session| partial_session.is_some())
                    .for_each(|partial_session| self.push(*partial_session));
            }
        }
        self.settle();
    }

    /// Puts the last ones into the columns.
    #[inline(never)]
    pub fn settle(&mut self) {
        let mut last = std::mem::take(&mut self.last);
        self.put(&last);
        last.clear();
        self.last = last;
    }

    fn put(&mut self, partial_sessions: &[OpenSession]) {
        self.users.extend(partial_sessions.iter().map(|partial_session| partial_session.user));
        self.starts.extend(partial_sessions.iter().map(|partial_session| partial_session.start));
        self.first_events.extend(partial_sessions.iter().map(|partial_session| partial_session.first_event));
        self.rest.lengths.extend(
            partial_sessions.iter().map(|partial_session| partial_session.end.since(partial_session.start).micros()),
        );
        self.rest.last_events.extend(partial_sessions.iter().map(|partial_session| partial_session.last_event));
        self.rest.counts.extend(partial_sessions.iter().map(|partial_session| u32::from(partial_session.count)));
        self.rest.hours.extend(partial_sessions.iter().map(|partial_session| {
            if partial_session.count == 1 {
                0
            } else {
                partial_session.hours
            }
        }));
        if self.keeps_values {
            self.values.extend(partial_sessions.iter().map(|partial_session| partial_session.value));
            self.has_value.extend(partial_sessions.iter().map(|partial_session| partial_session.has_value));
        }
        if self.keeps_facts {
            self.facts.extend(partial_sessions.iter().map(|partial_session| partial_session.fact));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partial_session(user: u32, has_value: bool, value: i64) -> OpenSession {
        OpenSession { user, has_value, value, count: 1, ..OpenSession::NONE }
    }

    #[test]
    fn each_user_has_one_with_a_value_and_one_without_whatever_the_code() {
        for most_direct in [0, 3, 100] {
            let mut open = Open::new(most_direct * 2);
            let users = [7, 0, 2, 50, 3];
            [4, 8, 60].iter().for_each(|users| open.make_room(*users));
            assert!(open.direct.capacity() <= most_direct);
            for (value, has_value) in [(1, true), (2, false)] {
                users.iter().for_each(|user| assert!(open.replace(partial_session(*user, has_value, value)).is_none()));
            }
            let before = open
                .replace(partial_session(50, true, 3))
                .map(|partial_session| (partial_session.user, partial_session.value));
            assert_eq!(before, Some((50, 1)));
            let values = |open: &mut Open, user| {
                [true, false].map(|has| open.of(user, has).map(|partial_session| partial_session.value))
            };
            assert_eq!(values(&mut open, 50), [Some(3), Some(2)]);
            assert_eq!(values(&mut open, 7), [Some(1), Some(2)]);
            assert!(open.of(1, true).is_none_or(|partial_session| !partial_session.is_some()));
            assert_eq!((open.partial_sessions().count(), open.direct.len().min(most_direct)), (10, open.direct.len()));
            assert_eq!(open.take().iter().flatten().filter(|partial_session| partial_session.is_some()).count(), 10);
            assert!(values(&mut open, 7) == [None, None]);
        }
    }
}
