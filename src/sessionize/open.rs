//! The bursts of the events that have come: open ones by user, ended ones as columns.

use super::burst::{Burst, Bursts};
use super::time::Timestamp;

/// The burst that each user's next event may join, by the code of the user.
#[derive(Debug, Default)]
pub struct Open {
    /// That of events with a value, or of all where there are none to have; [`Burst::NONE`] for users that have none.
    with_value: Vec<Burst>,
    /// Where among the others the one of events without a value is, and one more; 0 where the user has none. Such events
    /// are few, and come in the midst of others.
    places: Vec<u32>,
    without_value: Vec<Burst>,
}

impl Open {
    /// That of a user's events with a value, or without one; one that nothing may join, or `None`, where there is none.
    #[inline]
    pub fn of(&mut self, user: u32, has_value: bool) -> Option<&mut Burst> {
        let user = user as usize;
        match has_value {
            true => self.with_value.get_mut(user),
            false => self.of_none(user),
        }
    }

    #[inline(never)]
    fn of_none(&mut self, user: usize) -> Option<&mut Burst> {
        let place = self.places.get(user)?.checked_sub(1)?;
        self.without_value.get_mut(place as usize)
    }

    /// Opens another one of its user, and returns the one before.
    pub fn replace(&mut self, burst: Burst) -> Option<Burst> {
        if let Some(open) = self.of(burst.user, burst.has_value) {
            return Some(std::mem::replace(open, burst)).filter(Burst::is_some);
        }
        let user = burst.user as usize;
        if burst.has_value {
            // New users mostly come one after the other.
            self.with_value.resize(user, Burst::NONE);
            self.with_value.push(burst);
        } else {
            self.without_value.push(burst);
            self.places.resize(self.places.len().max(user + 1), 0);
            self.places[user] = self.without_value.len() as u32;
        }
        None
    }

    /// Makes room for so many users: it is touched as they come.
    pub fn make_room(&mut self, users: usize) {
        self.with_value.reserve(users.saturating_sub(self.with_value.len()));
    }

    /// All of them.
    pub fn bursts(&mut self) -> impl Iterator<Item = &mut Burst> {
        self.with_value.iter_mut().chain(&mut self.without_value).filter(|burst| burst.is_some())
    }

    /// Takes all of them; some may be none.
    pub fn take(&mut self) -> [Vec<Burst>; 2] {
        let Open { with_value, without_value, .. } = std::mem::take(self);
        [with_value, without_value]
    }
}

/// Bursts that no event joins any more, as columns: those that come after the last [`Ended::settle`] are not there yet.
#[derive(Debug, Default)]
pub struct Ended {
    /// The last ones, which are in no column yet: columns take several at once in less time than one by one.
    last: Vec<Burst>,
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
    pub rest: Bursts,
    /// Whether values are kept.
    pub keeps_values: bool,
    /// Whether facts are.
    pub keeps_facts: bool,
}

impl Ended {
    /// So many are in no column yet, at most.
    const LAST: usize = 1 << 7;

    /// Room for so many: what grows is copied, to memory that is new.
    pub fn with_room(bursts: usize) -> Self {
        Ended {
            last: Vec::with_capacity(Self::LAST),
            users: Vec::with_capacity(bursts),
            starts: Vec::with_capacity(bursts),
            first_events: Vec::with_capacity(bursts),
            rest: Bursts {
                lengths: Vec::with_capacity(bursts),
                last_events: Vec::with_capacity(bursts),
                counts: Vec::with_capacity(bursts),
                hours: Vec::with_capacity(bursts),
            },
            ..Ended::default()
        }
    }

    /// Takes another one.
    pub fn push(&mut self, burst: Burst) {
        self.last.push(burst);
        if self.last.len() == Self::LAST {
            self.settle();
        }
    }

    /// Takes several, of which some may be none.
    pub fn take(&mut self, bursts: &[Burst]) {
        for some in bursts.chunks(Self::LAST) {
            if some.iter().all(Burst::is_some) {
                self.settle();
                self.put(some);
            } else {
                some.iter().filter(|burst| burst.is_some()).for_each(|burst| self.push(*burst));
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

    fn put(&mut self, bursts: &[Burst]) {
        self.users.extend(bursts.iter().map(|burst| burst.user));
        self.starts.extend(bursts.iter().map(|burst| burst.start));
        self.first_events.extend(bursts.iter().map(|burst| burst.first_event));
        self.rest.lengths.extend(bursts.iter().map(|burst| burst.end.since(burst.start).micros()));
        self.rest.last_events.extend(bursts.iter().map(|burst| burst.last_event));
        self.rest.counts.extend(bursts.iter().map(|burst| u32::from(burst.count)));
        self.rest.hours.extend(bursts.iter().map(|burst| if burst.count == 1 { 0 } else { burst.hours }));
        if self.keeps_values {
            self.values.extend(bursts.iter().map(|burst| burst.value));
            self.has_value.extend(bursts.iter().map(|burst| burst.has_value));
        }
        if self.keeps_facts {
            self.facts.extend(bursts.iter().map(|burst| burst.fact));
        }
    }
}
