//! What is counted user by user, with the users who have most of it.

/// What is counted user by user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// A zero-length session of a single event.
    SingleEvent,
    /// … of events that only say that a session starts.
    OnlyStart,
    /// … of several events at one time.
    OneTime,
    /// … whose id is later than its events, or all but the last of them.
    ClockSkew,
    /// … of several events that all have the session's start as their time.
    StartAsTime,
    /// A session of nothing but events that say that a session starts.
    BareStart,
    /// … that it ends.
    BareEnd,
    /// … that it starts and ends.
    BareBoth,
    /// A session that there would be if inactive events counted.
    Inactive,
    /// A session with a gap above the shorter of two limits, but not the longer.
    Gap,
    /// A session with a gap above the longer.
    LongGap,
    /// A session longer than `max_length`.
    Excluded,
    /// An event.
    Event,
    /// An event later than now.
    Future,
    /// An event of a device between two events of another, of the same user, that are close to each other.
    Devices,
    /// A session that begins before another one of the same user ends.
    Overlap,
}

impl Case {
    /// How many there are.
    pub const COUNT: usize = Case::Overlap as usize + 1;
}

/// How many users are given as examples.
const MOST: usize = 5;

/// How often something is the case, and with whom most often. Merging is addition; the default changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally<U> {
    /// How often.
    pub count: u64,
    /// With how many users.
    pub users: u64,
    /// Those with most, the most first, and of those with as many the smallest.
    top: Vec<(u64, U)>,
}

impl<U> Default for Tally<U> {
    fn default() -> Self {
        Tally { count: 0, users: 0, top: Vec::new() }
    }
}

impl<U: Ord> Tally<U> {
    /// Counts a user, once.
    pub fn add(&mut self, count: u64, user: U) {
        self.count += count;
        self.users += 1;
        self.offer(count, user);
    }

    fn offer(&mut self, count: u64, user: U) {
        let place = self.top.partition_point(|(most, name)| *most > count || *most == count && *name < user);
        if place < MOST {
            self.top.insert(place, (count, user));
            self.top.truncate(MOST);
        }
    }

    /// Adds what was counted of other users.
    pub fn merge(&mut self, other: Tally<U>) {
        self.count += other.count;
        self.users += other.users;
        for (count, user) in other.top {
            self.offer(count, user);
        }
    }

    /// The same with other names of users.
    pub fn named<N>(self, name: impl Fn(U) -> N) -> Tally<N> {
        let top = self.top.into_iter().map(|(count, user)| (count, name(user))).collect();
        Tally { count: self.count, users: self.users, top }
    }

    /// The users with most, the most first.
    pub fn top(&self) -> &[(u64, U)] {
        &self.top
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(users: &[(u64, u32)]) -> Tally<u32> {
        let mut tally = Tally::default();
        users.iter().for_each(|(count, user)| tally.add(*count, *user));
        tally
    }

    proptest! {
        #[test]
        fn the_users_with_most_are_the_same_however_users_are_divided(
            counts in prop::collection::vec(1u64..6, 0..30),
            cut in 0usize..30,
        ) {
            let users: Vec<(u64, u32)> = counts.into_iter().zip(0..).collect();
            let cut = cut.min(users.len());
            let mut merged = tally(&users[cut..]);
            merged.merge(tally(&users[..cut]));
            prop_assert_eq!(&merged, &tally(&users));
            let mut sorted = users.clone();
            sorted.sort_by_key(|(count, user)| (u64::MAX - count, *user));
            sorted.truncate(MOST);
            prop_assert_eq!(merged.top(), sorted.as_slice());
            prop_assert_eq!(merged.users, users.len() as u64);
        }
    }
}
