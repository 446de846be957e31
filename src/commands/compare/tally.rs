//! What is counted of each definition, partition by partition. Merging is addition; the default changes nothing.

use crate::sessionize::table_rows::records::SessionRow;
use crate::sessionize::time::Day;

/// The sessions and events of one definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SideTally {
    /// Events that repeat another one.
    pub(super) duplicates: u64,
    /// Events that count for nothing.
    pub(super) inactive: u64,
    /// Events in sessions, those of excluded sessions among them.
    pub(super) in_session: u64,
    /// Events in no session.
    pub(super) out_of_session: u64,
    /// Events of the sessions of the table.
    pub(super) events_of_sessions: u64,
    /// Sessions longer than `session.max_length`.
    pub(super) excluded: u64,
    /// Sessions whose id is later than their events.
    pub(super) clock_skew: u64,
    /// Users with an event.
    pub(super) active_users: u64,
    /// Users with a session.
    pub(super) users_with_sessions: u64,
    /// Each session's date and length in milliseconds.
    pub(super) lengths: Vec<(Day, i64)>,
    /// The dates on which each user is active.
    pub(super) active: Vec<Day>,
}

impl SideTally {
    /// Adds the sessions of a user.
    pub(super) fn add_sessions(&mut self, sessions: &[SessionRow]) {
        self.users_with_sessions += u64::from(!sessions.is_empty());
        self.lengths.extend(sessions.iter().map(|session| (session.day, session.length().floor_millis())));
    }

    /// Adds the dates on which a user is active.
    pub(super) fn add_days(&mut self, days: &[Day]) {
        self.active_users += u64::from(!days.is_empty());
        self.active.extend_from_slice(days);
    }

    /// Bytes that it takes, with what is made of one side's lengths in the end.
    pub(super) fn bytes(&self) -> usize {
        self.lengths.len() * (size_of::<(Day, i64)>() + size_of::<i64>()) + size_of_val(self.active.as_slice())
    }

    /// Adds another partition's tally to this.
    pub(super) fn merge(&mut self, other: SideTally) {
        self.duplicates += other.duplicates;
        self.inactive += other.inactive;
        self.in_session += other.in_session;
        self.out_of_session += other.out_of_session;
        self.events_of_sessions += other.events_of_sessions;
        self.excluded += other.excluded;
        self.clock_skew += other.clock_skew;
        self.active_users += other.active_users;
        self.users_with_sessions += other.users_with_sessions;
        self.lengths.extend(other.lengths);
        self.active.extend(other.active);
    }
}
