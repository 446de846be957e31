//! Step 6: one user's events to rows of the sessions and activity tables.

use super::counts::Counts;
use super::dedup::{drop_duplicates, drop_inactive};
use super::event_types::EventTypes;
use super::order::put_in_order;
use super::rows::{Row, Tie};
use super::rule::{Bounds, OutOfSession, Rule, Segment, Verdict};
use super::table_rows::added::{Adding, FactRules};
use super::table_rows::identify::identify;
use super::table_rows::records::{count, ActivityRow, SessionRow};
use super::time::calendar::Calendar;
use super::time::dates::DateSet;
use super::time::{Day, Span, Timestamp};

/// Everything that decides what sessions there are, besides the events.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// What makes a session.
    pub rule: Rule,
    /// The event types of the run.
    pub types: &'a EventTypes,
    /// How far back a unique id counts as repeated; `None` without deduplication.
    pub dedup_within: Option<Span>,
    /// Longer sessions are excluded; `None` for no limit.
    pub max_length: Option<Span>,
    /// The dates of the output's time zone.
    pub calendar: &'a Calendar,
    /// The dates to make rows of.
    pub dates: &'a DateSet,
    /// Whether rows of the activity table are needed.
    pub makes_activity: bool,
    /// What is made of facts; `None` where nobody asks for any.
    pub facts: Option<&'a FactRules>,
}

impl Rules<'_> {
    /// Whether tables hold the date of this instant.
    pub fn hold_date_of(&self, time: Timestamp) -> bool {
        self.dates.is_all() || self.dates.holds(self.calendar.day_of(time))
    }
}

/// The dates that tables hold, both ends inclusive; `None` for no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first date.
    pub first: Option<Day>,
    /// The last date.
    pub last: Option<Day>,
}

impl Window {
    /// Whether a date is within.
    pub fn holds(&self, day: Day) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }
}

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
    pub fn add_and_tell<T: Tie>(
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
    pub fn add_user<T: Tie>(
        &mut self,
        rules: &Rules<'_>,
        user: u32,
        mut events: &mut [Row<T>],
        id_time: &impl Fn(i64) -> Option<Timestamp>,
    ) {
        if let Rule::Default(_) = rules.rule {
            let untimed = |row: &&Row<T>| row.value().is_some_and(|id| id_time(id).is_none());
            self.counts.untimed_ids += events.iter().filter(untimed).map(|row| u64::from(row.count())).sum::<u64>();
        }
        if let Some(within) = rules.dedup_within {
            let kept = drop_duplicates(events, within);
            self.counts.duplicates += (events.len() - kept) as u64;
            events = &mut events[..kept];
        }
        let kept = drop_inactive(events, rules.types);
        self.counts.inactive += (events.len() - kept) as u64;
        let events = &mut events[..kept];
        put_in_order(events);
        let first_row = self.activity.len();
        self.add_activity(rules, user, events);
        if let Some(adding) = &mut self.adding {
            adding.add_activity(&self.activity[first_row..], events, rules.calendar);
        }
        let first_session = self.sessions.len();
        for group in events.chunk_by(|a, b| a.value() == b.value()) {
            rules.rule.segments(group, id_time, |segment| self.add_segment(rules, user, group, segment));
        }
        let sessions = &mut self.sessions[first_session..];
        if self.adding.is_some() {
            // While they are put in order, `user` says where they were: it is the same for all of them.
            sessions.iter_mut().zip(0..).for_each(|(session, place)| session.user = place);
        }
        match rules.rule {
            Rule::Default(_) => sessions.sort_unstable_by_key(|session| (session.day, session.id)),
            Rule::Custom(_) => identify(sessions, rules.calendar),
        }
        if let Some(adding) = &mut self.adding {
            adding.follow(sessions, first_session, user);
        }
    }

    fn add_activity<T: Tie>(&mut self, rules: &Rules<'_>, user: u32, events: &[Row<T>]) {
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
            let (hours, count) = event.burst().map_or((at, 1), |burst| (at | burst.hours, burst.count));
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

    fn add_segment<T: Tie>(&mut self, rules: &Rules<'_>, user: u32, group: &[Row<T>], segment: Segment) {
        let events = &group[segment.events];
        match segment.verdict {
            Verdict::Out(reason) => self.add_out(rules, events, reason),
            Verdict::Session(bounds) => {
                let inside = self.count_window(rules, events);
                self.counts.in_session += inside;
                self.add_session(rules, user, events, bounds);
            }
        }
    }

    fn add_out<T: Tie>(&mut self, rules: &Rules<'_>, events: &[Row<T>], reason: OutOfSession) {
        let inside = self.count_window(rules, events);
        self.counts.out_of_session[reason as usize] += inside;
    }

    /// Counts the events whose own date is outside the window, and returns how many are inside.
    fn count_window<T: Tie>(&mut self, rules: &Rules<'_>, events: &[Row<T>]) -> u64 {
        if rules.dates.is_all() {
            return count(events) as u64;
        }
        let mut cursor = rules.calendar.cursor();
        // Those of a burst are all of one date.
        let is_inside = |event: &&Row<T>| rules.dates.holds(cursor.find(event.time()).day);
        let inside: u64 = events.iter().filter(is_inside).map(|event| u64::from(event.count())).sum();
        self.counts.outside_window += count(events) as u64 - inside;
        inside
    }

    fn add_session<T: Tie>(&mut self, rules: &Rules<'_>, user: u32, events: &[Row<T>], bounds: Bounds) {
        let day = rules.calendar.day_of(bounds.start);
        if !rules.dates.holds(day) {
            return;
        }
        let Some(session) = SessionRow::of(user, day, events, bounds) else { return };
        if rules.max_length.is_some_and(|limit| session.length() > limit) {
            self.counts.excluded += 1;
            return;
        }
        self.counts.sessions += 1;
        self.counts.zero_length += u64::from(session.length().floor_millis() == 0);
        self.counts.clock_skew += u64::from(bounds.clock_skew);
        self.sessions.push(session);
        if let Some(adding) = &mut self.adding {
            adding.add_session(events);
        }
    }
}
