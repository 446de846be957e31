//! What became of the events: counts that add up.

use serde::{Deserialize, Serialize};

use super::rule::OutOfSession;

/// What a partition's events and sessions come to. Merging is addition: it associates, and the default
/// changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Events dropped as duplicates.
    pub duplicates: u64,
    /// Events of inactive types.
    pub inactive: u64,
    /// Events whose own date is outside the run's dates.
    pub outside_window: u64,
    /// Events in sessions, excluded ones included.
    pub in_session: u64,
    /// Events in no session, by reason.
    pub out_of_session: [u64; OutOfSession::ALL.len()],
    /// Sessions in the table.
    pub sessions: u64,
    /// Sessions left out of the table for being longer than `max_length`.
    pub excluded: u64,
    /// Sessions in the table whose length is 0 ms.
    pub zero_length: u64,
    /// Sessions in the table whose id is later than all of their events.
    pub clock_skew: u64,
    /// Distinct users in the activity table.
    pub users: u64,
    /// Events whose session id is valid but no time, repeats included.
    pub untimed_ids: u64,
    /// Of a segment: events of other users and of its own that it is not of. They are in no other of these counts.
    pub left_out: u64,
}

impl Counts {
    /// Adds another partition's counts to these.
    pub fn merge(&mut self, other: &Counts) {
        self.duplicates += other.duplicates;
        self.inactive += other.inactive;
        self.outside_window += other.outside_window;
        self.in_session += other.in_session;
        for (mine, theirs) in self.out_of_session.iter_mut().zip(other.out_of_session) {
            *mine += theirs;
        }
        self.sessions += other.sessions;
        self.excluded += other.excluded;
        self.zero_length += other.zero_length;
        self.clock_skew += other.clock_skew;
        self.users += other.users;
        self.untimed_ids += other.untimed_ids;
        self.left_out += other.left_out;
    }

    /// All events in no session.
    pub fn out_of_session_total(&self) -> u64 {
        self.out_of_session.iter().sum()
    }

    /// All events that these counts are about; of a segment those that it is of.
    pub fn events(&self) -> u64 {
        self.duplicates + self.inactive + self.outside_window + self.in_session + self.out_of_session_total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn counts()(n in prop::array::uniform32(0u64..1 << 40)) -> Counts {
            Counts {
                duplicates: n[0], inactive: n[1], outside_window: n[2], in_session: n[3],
                out_of_session: [n[4], n[5], n[6], n[7], n[8]],
                sessions: n[9], excluded: n[10], zero_length: n[11], clock_skew: n[12], users: n[13], untimed_ids: n[14],
                left_out: n[15],
            }
        }
    }

    fn merged(a: &Counts, b: &Counts) -> Counts {
        let mut sum = *a;
        sum.merge(b);
        sum
    }

    proptest! {
        #[test]
        fn merging_is_a_monoid(a in counts(), b in counts(), c in counts()) {
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &Counts::default()), a);
            prop_assert_eq!(merged(&Counts::default(), &a), a);
            prop_assert_eq!(merged(&a, &b).events(), a.events() + b.events());
        }
    }
}
