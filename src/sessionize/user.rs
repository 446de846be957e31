//! The walk over one user's events (SPEC 2, steps 3 to 5, and SPEC 3): deduplicate, leave inactive events out, order, group, cut, date,
//! exclude.
//!
//! It is written here once, and whoever wants to know what became of the events is a [`Sink`] of it: the tables
//! ([`aggregate`](super::aggregate)), `doctor`, `gaps`, `inspect` and `compare`. So they agree.
//!
//! ```text
//! events ─┬─► duplicate                        ┌─► out_of_session, with the reason
//!         └─► deduplicated ─┬─► inactive       │
//!                           └─► counted ─► groups ─► session: in the table, of another date, or too long
//! ```

use super::dedup::{drop_duplicates, drop_inactive};
use super::event_types::EventTypes;
use super::order::{put_in_order, settle_classes};
use super::rows::{Row, RowKey};
use super::rule::{Bounds, Looks, OutOfSession, Rule, Verdict};
use super::table_rows::added::FactRules;
use super::table_rows::event_rows::EventRules;
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
    /// Whether sessions are numbered by user.
    pub numbers: bool,
    /// What is written of events; `None` where nothing is.
    pub events: Option<&'a EventRules>,
    /// What is made of facts; `None` where nobody asks for any.
    pub facts: Option<&'a FactRules>,
}

impl Rules<'_> {
    /// Whether tables hold the date of this instant.
    pub fn hold_date_of(&self, time: Timestamp) -> bool {
        self.dates.is_all() || self.dates.holds(self.calendar.day_of(time))
    }

    /// What the rule looks at beside events.
    fn looks(&self) -> Looks<'_> {
        Looks { calendar: self.calendar, timeouts: self.types.timeouts() }
    }

    fn standing(&self, day: Day, bounds: Bounds) -> TableStanding {
        if !self.dates.holds(day) {
            TableStanding::OtherDate
        } else if self.max_length.is_some_and(|limit| bounds.length() > limit) {
            TableStanding::TooLong
        } else {
            TableStanding::InTable
        }
    }
}

/// Whether a session is in the sessions table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableStanding {
    /// It is.
    InTable,
    /// It is longer than `max_length`.
    TooLong,
    /// It starts on a date that the tables do not hold.
    OtherDate,
}

/// A session of one group's events.
#[derive(Clone, Copy, Debug)]
pub struct Session<'g, T> {
    /// Its events, in order.
    pub events: &'g [Row<T>],
    /// The events of its group after it, in order.
    pub after: &'g [Row<T>],
    /// When it starts and ends, and why.
    pub bounds: Bounds,
    /// The date that it starts on.
    pub day: Day,
    /// Whether the table has it.
    pub standing: TableStanding,
}

/// Is told what becomes of a user's events. What it does not ask about goes by.
pub trait Sink<T: RowKey> {
    /// An event that repeats another one's unique id.
    fn duplicate(&mut self, _event: &Row<T>) {}

    /// The facts of an event that stays and of a repeat of it, which nothing that orders events tells apart, as those of one.
    fn facts_of_both(&mut self, stays: u32, _repeat: u32) -> u32 {
        stays
    }

    /// All events but duplicates, in no particular order, inactive ones among them.
    fn deduplicated(&mut self, _events: &[Row<T>]) {}

    /// An event of an inactive type.
    fn inactive(&mut self, _event: &Row<T>) {}

    /// All events that count, group by group, each in order of time.
    fn counted(&mut self, _events: &[Row<T>]) {}

    /// Consecutive events of one group that are in no session.
    fn out_of_session(&mut self, _events: &[Row<T>], _reason: OutOfSession) {}

    /// A session.
    fn session(&mut self, _session: Session<'_, T>) {}
}

/// Takes the events of one user, in any order, all the way. `id_time` says which session ids are times.
pub fn walk_user<T: RowKey, S: Sink<T>>(
    rules: &Rules<'_>,
    events: &mut [Row<T>],
    id_time: &impl Fn(i64) -> Option<Timestamp>,
    sink: &mut S,
) {
    for group in groups(events_that_count(rules, events, sink)) {
        rules.rule.candidates(group, rules.looks(), id_time, |candidate| match candidate.verdict {
            Verdict::Out(reason) => sink.out_of_session(&group[candidate.events], reason),
            Verdict::Session(bounds) => {
                let (events, after) = group[candidate.events.start..].split_at(candidate.events.len());
                let day = rules.calendar.day_of(bounds.start);
                sink.session(Session { events, after, bounds, day, standing: rules.standing(day, bounds) });
            }
        });
    }
}

/// Takes the events of one user, in any order, up to where they are cut: without duplicates and inactive ones, group by
/// group, each in order of time.
pub fn events_that_count<'e, T: RowKey, S: Sink<T>>(
    rules: &Rules<'_>,
    mut events: &'e mut [Row<T>],
    sink: &mut S,
) -> &'e [Row<T>] {
    if let Some(within) = rules.dedup_within {
        let kept = drop_duplicates(events, within, |event, stays| {
            if let Some(stays) = stays {
                stays.set_fact(sink.facts_of_both(stays.fact(), event.fact()));
            }
            sink.duplicate(event);
        });
        events = &mut events[..kept];
    }
    sink.deduplicated(events);
    let kept = drop_inactive(events, rules.types, |event| sink.inactive(event));
    let events = &mut events[..kept];
    put_in_order(events);
    if !rules.types.timeouts().is_empty() {
        settle_classes(events);
    }
    sink.counted(events);
    events
}

/// The groups of events that are in order: those of one session id, or of one value of the property.
pub fn groups<T: RowKey>(events: &[Row<T>]) -> impl Iterator<Item = &[Row<T>]> {
    events.chunk_by(|a, b| a.value() == b.value())
}
