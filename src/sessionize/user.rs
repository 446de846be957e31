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
use super::order::{put_in_order, settle_classes, settle_watched, watched_values};
use super::rows::{Row, RowKind};
use super::rule::{Bounds, Looks, OutOfSession, Rule, Verdict, Watched};
use super::table_rows::added::FactRules;
use super::table_rows::event_rows::EventRules;
use super::time::calendar::Calendar;
use super::time::dates::DateSet;
use super::time::{Day, Span, Timestamp};
use super::watched::WatchedTable;

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
    /// The watched values of the partition at hand; `None` where the rule watches none.
    pub watched: Option<&'a WatchedTable>,
}

impl<'a> Rules<'a> {
    /// The same over the rows of a partition with these watched values.
    pub fn watching<'b>(&self, watched: &'b WatchedTable) -> Rules<'b>
    where
        'a: 'b,
    {
        Rules { watched: Some(watched).filter(|watched| watched.columns() > 0), ..*self }
    }

    /// Whether tables hold the date of this instant.
    pub fn hold_date_of(&self, time: Timestamp) -> bool {
        self.dates.is_all() || self.dates.holds(self.calendar.day_of(time))
    }

    /// What the rule looks at beside events, which have these watched values.
    fn looks<'b>(&'b self, watched: Watched<'b>) -> Looks<'b> {
        Looks { calendar: self.calendar, timeouts: self.types.timeouts(), watched }
    }

    /// The watched values of events that count, event by event.
    pub fn watched_values<T: RowKind>(&self, events: &[Row<T>]) -> Vec<Option<i64>> {
        self.watched.map_or_else(Vec::new, |table| watched_values(events, table))
    }

    /// How many columns are watched.
    pub fn watched_columns(&self) -> usize {
        self.watched.map_or(0, WatchedTable::columns)
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
pub trait Sink<T: RowKind> {
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

/// Deduplicates, orders, groups and cuts the events of one user, given in any order, and tells `sink` what becomes of each. `id_time`
/// says which session ids are times.
pub fn walk_user<T: RowKind, S: Sink<T>>(
    rules: &Rules<'_>,
    events: &mut [Row<T>],
    id_time: &impl Fn(i64) -> Option<Timestamp>,
    sink: &mut S,
) {
    let events = events_that_count(rules, events, sink);
    let values = rules.watched_values(events);
    for (group, watched) in groups_watched(events, Watched { values: &values, columns: rules.watched_columns() }) {
        rules.rule.candidates(group, rules.looks(watched), id_time, |candidate| match candidate.verdict {
            Verdict::Out(reason) => sink.out_of_session(&group[candidate.events], reason),
            Verdict::Session(bounds) => {
                let (events, after) = group[candidate.events.start..].split_at(candidate.events.len());
                let day = rules.calendar.day_of(bounds.start);
                sink.session(Session { events, after, bounds, day, standing: rules.standing(day, bounds) });
            }
        });
    }
}

/// Takes a user's events as far as the cut: drops repeats and inactive ones, and returns the rest group by group, each in order
/// of time.
pub fn events_that_count<'e, T: RowKind, S: Sink<T>>(
    rules: &Rules<'_>,
    mut events: &'e mut [Row<T>],
    sink: &mut S,
) -> &'e [Row<T>] {
    if let Some(within) = rules.dedup_within {
        let kept = drop_duplicates(events, within, |event, stays| {
            if let Some(stays) = stays {
                stays.set_fact(sink.facts_of_both(stays.fact(), event.fact()));
                if let Some(watched) = rules.watched {
                    stays.set_watched(watched.merged(stays.watched(), event.watched()));
                }
            }
            sink.duplicate(event);
        });
        events = &mut events[..kept];
    }
    sink.deduplicated(events);
    let kept = drop_inactive(events, rules.types, |event| sink.inactive(event));
    let events = &mut events[..kept];
    put_in_order(events);
    if let Some(watched) = rules.watched {
        settle_watched(events, watched);
    }
    if !rules.types.timeouts().is_empty() {
        settle_classes(events);
    }
    sink.counted(events);
    events
}

/// Splits ordered events into their groups, each with the watched values of its own events.
pub fn groups_watched<'e, T: RowKind>(
    events: &'e [Row<T>],
    watched: Watched<'e>,
) -> impl Iterator<Item = (&'e [Row<T>], Watched<'e>)> {
    let mut next = 0;
    groups(events).map(move |group| {
        let first = next;
        next += group.len();
        (group, watched.of(first..next))
    })
}

/// The groups of events that are in order: those of one session id, or of one value of the property.
pub fn groups<T: RowKind>(events: &[Row<T>]) -> impl Iterator<Item = &[Row<T>]> {
    events.chunk_by(|a, b| a.value() == b.value())
}
