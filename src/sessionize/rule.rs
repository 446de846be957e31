//! The session rule (SPEC 3): how the events of one group fall into sessions.
//!
//! [`CustomRule`] is the rule of custom definitions, for all of them: timeout, starting events, ending
//! events and property in any combination. [`SessionIdRule`] is the default definition beside it. Both take the
//! events of one group in order and return candidates that cover all of them, in order.

use std::ops::Range;

use super::event_types::EventKey;
use super::rows::{Row, RowKind};
use super::time::calendar::Calendar;
use super::time::{Day, Span, TimeUnit, Timestamp};

/// What makes a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The default definition: the session id.
    Default(SessionIdRule),
    /// A custom definition.
    Custom(CustomRule),
}

impl Rule {
    /// Cuts the events of one group, which are in order. `id_time` says which session ids are times.
    pub fn candidates<T: RowKind>(
        &self,
        group: &[Row<T>],
        looks: Looks<'_>,
        id_time: impl Fn(i64) -> Option<Timestamp>,
        mut found: impl FnMut(Candidate),
    ) {
        let Some(first) = group.first() else { return };
        let whole = |reason| Candidate { events: 0..group.len(), verdict: Verdict::Out(reason) };
        match (self, first.value()) {
            (Rule::Default(by_id), Some(id)) => by_id.candidates(group, id_time(id), found),
            (Rule::Custom(cutting), Some(_)) => cutting.candidates(group, looks, found),
            (Rule::Default(_), None) => found(whole(OutOfSession::NoSessionId)),
            (Rule::Custom(_), None) => found(whole(OutOfSession::NoProperty)),
        }
    }

    /// The bound within which events of one group are always in one session, whatever lies between them. It holds only where no event
    /// starts or ends a session by its type, which `preaggregation` has asked before. `id` is the group's session id, where that is a
    /// time.
    pub fn merge_bound(&self, id: Option<Timestamp>, event: Timestamp) -> MergeBound {
        let silence = match self {
            Rule::Default(by_id) => match id.filter(|_| by_id.starts_at_id) {
                Some(id) => {
                    let (from, until) = by_id.near(id);
                    return match from <= event && event < until {
                        true => MergeBound::Within(from, until),
                        // Each is stale by itself.
                        false => MergeBound::Within(Timestamp::MAX, Timestamp::MIN),
                    };
                }
                None => by_id.silence(),
            },
            Rule::Custom(cutting) => cutting.silence,
        };
        silence.merge_bound()
    }
}

/// What a custom rule looks at beside the events.
#[derive(Clone, Copy, Debug)]
pub struct Looks<'a> {
    /// The dates that midnight is between.
    pub calendar: &'a Calendar,
    /// The timeout after an event of each class; empty where it is the same after all.
    pub timeouts: &'a [Span],
    /// The values of which a new one begins a session.
    pub watched: Watched<'a>,
}

/// The values of a group's events in the columns of which a new value begins a session (`new_on_change`).
///
/// Of events that are equal in all that orders events, those of each column ascend on their own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Watched<'a> {
    /// Of one event after the other, a value for each column; `None` where it is null or empty.
    pub values: &'a [Option<i64>],
    /// How many columns there are.
    pub columns: usize,
}

impl<'a> Watched<'a> {
    /// Those of consecutive events.
    pub fn of(self, events: Range<usize>) -> Self {
        Watched { values: &self.values[events.start * self.columns..events.end * self.columns], ..self }
    }
}

/// A bound within which events of one group are in one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeBound {
    /// From the first instant on, and before the second.
    Within(Timestamp, Timestamp),
    /// A chain of gaps, each shorter than this.
    Silence(Span),
}

/// Consecutive events of one group, and what they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which events.
    pub events: Range<usize>,
    /// A session, or why not.
    pub verdict: Verdict,
}

/// Whether a candidate is a session, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A session.
    Session(Bounds),
    /// Its events are out of session.
    Out(OutOfSession),
}

/// When a session starts and ends, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Its start, which names its date.
    pub start: Timestamp,
    /// The time of its last event.
    pub end: Timestamp,
    /// Why it ended.
    pub reason: EndReason,
    /// Whether its id is a time later than all of its events.
    pub clock_skew: bool,
}

impl Bounds {
    /// How long the session lasts.
    pub fn length(self) -> Span {
        self.end.since(self.start)
    }
}

/// Why a session ended, in the words of the sessions table. What another reason takes is in
/// [`guide::architecture`](crate::guide::architecture), "Where to look".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The default definition: its id says so.
    SessionId,
    /// Only a property defines sessions.
    Property,
    /// It ends with an ending event.
    EndEvent,
    /// A silence as long as the timeout (or `max_gap`) followed.
    Timeout,
    /// It ends with its date (`at_midnight`).
    Midnight,
    /// A new value of a column cut it (`new_on_change`).
    Change,
    /// The next starting event cut it.
    StartEvent,
    /// The input ends before anything did.
    EndOfData,
}

impl EndReason {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [EndReason; 8] = [
        EndReason::SessionId,
        EndReason::Property,
        EndReason::EndEvent,
        EndReason::Timeout,
        EndReason::Midnight,
        EndReason::Change,
        EndReason::StartEvent,
        EndReason::EndOfData,
    ];

    /// The word for the column `end_reason`.
    pub fn name(self) -> &'static str {
        match self {
            EndReason::SessionId => "session_id",
            EndReason::Property => "property",
            EndReason::EndEvent => "end_event",
            EndReason::Timeout => "timeout",
            EndReason::Midnight => "midnight",
            EndReason::Change => "change",
            EndReason::StartEvent => "start_event",
            EndReason::EndOfData => "end_of_data",
        }
    }
}

/// Why an event is in no session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfSession {
    /// Default definition: no valid session id.
    NoSessionId,
    /// Default definition: too far from its session id's time, or from its session's other events.
    StaleId,
    /// The property is null or empty.
    NoProperty,
    /// Its candidate does not open with a starting event.
    NoStart,
    /// Its candidate does not end with an ending event, and `unclosed` is `drop`.
    Unclosed,
}

impl OutOfSession {
    /// All reasons, in the order of their discriminants.
    pub const ALL: [OutOfSession; 5] = [
        OutOfSession::NoSessionId,
        OutOfSession::StaleId,
        OutOfSession::NoProperty,
        OutOfSession::NoStart,
        OutOfSession::Unclosed,
    ];

    /// The word for `run.json`.
    pub fn name(self) -> &'static str {
        match self {
            OutOfSession::NoSessionId => "no_session_id",
            OutOfSession::StaleId => "stale_id",
            OutOfSession::NoProperty => "no_property",
            OutOfSession::NoStart => "no_start",
            OutOfSession::Unclosed => "unclosed",
        }
    }
}

/// How long a silence may last within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// The timeout, or `max_gap` in its place; `None` where no silence cuts.
    pub limit: Option<Span>,
    /// Whether a silence of exactly the limit cuts (`gap_equal = "split"`).
    pub equal_cuts: bool,
}

impl Silence {
    /// Whether a silence from `earlier` to `later` ends a session.
    pub fn cuts(self, earlier: Timestamp, later: Timestamp) -> bool {
        let gap = later.since(earlier);
        self.limit.is_some_and(|limit| gap > limit || self.equal_cuts && gap == limit)
    }

    /// What it leaves together.
    fn merge_bound(self) -> MergeBound {
        match self.limit {
            None => MergeBound::Within(Timestamp::MIN, Timestamp::MAX),
            Some(limit) if self.equal_cuts => MergeBound::Silence(limit),
            Some(limit) => MergeBound::Silence(Span::from_micros(limit.micros().saturating_add(1))),
        }
    }
}

/// The rule of custom definitions.
///
/// ```text
///   timeout of 5 minutes, `open` starts a session:
///
///   10:00   10:01   10:02        10:30   10:31
///   view    open    view    …    view    view      end of the input: 10:31
///   ─┬──    ─┬──────────         ─┬──────────
///    out     session              out
///    (no_start)  (timeout)        (no_start)
/// ```
///
/// ```
/// use dwell::kernel::{Calendar, CustomRule, EventTypes, Looks, Role, Row, Silence, Span, Timestamp, Verdict, Watched};
///
/// const MINUTE: i64 = 60_000_000;
/// let names = ["open".to_string(), "view".to_string()];
/// let types = EventTypes::new(&names, |name| (if name == "open" { Role::Start } else { Role::Other }, false));
/// let [open, view] = [types.key(1), types.key(2)];
/// let event = |minute: i64, event| Row::new(Timestamp::from_micros(minute * MINUTE), event);
/// let events = [event(0, view), event(1, open), event(2, view), event(30, view), event(31, view)];
///
/// let rule = CustomRule {
///     silence: Silence { limit: Some(Span::from_micros(5 * MINUTE)), equal_cuts: true },
///     needs_start: true,
///     needs_end: false,
///     starts_continue: false,
///     at_midnight: false,
///     remembers: None,
///     property_only: false,
///     latest: Timestamp::from_micros(31 * MINUTE),
/// };
/// let mut found = Vec::new();
/// let looks = Looks { calendar: &Calendar::single(), timeouts: &[], watched: Watched::default() };
/// rule.candidates(&events, looks, |candidate| {
///     found.push((candidate.events, match candidate.verdict {
///         Verdict::Session(bounds) => bounds.reason.name(),
///         Verdict::Out(reason) => reason.name(),
///     }))
/// });
/// assert_eq!(found, [(0..1, "no_start"), (1..3, "timeout"), (3..5, "no_start")]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CustomRule {
    /// The silence that cuts.
    pub silence: Silence,
    /// Whether sessions open with a starting event and with nothing else.
    pub needs_start: bool,
    /// Whether a candidate without an ending event is no session (`unclosed = "drop"`).
    pub needs_end: bool,
    /// Whether a starting event inside an open session is an ordinary one (`repeated_start = "continue"`).
    pub starts_continue: bool,
    /// Whether a session ends with its date (`at_midnight = "split"`).
    pub at_midnight: bool,
    /// How old the latest value of a column may be for another value to count as new (`max_length`); `None` for any age.
    pub remembers: Option<Span>,
    /// Whether only a property is set: `end_reason` then says nothing else.
    pub property_only: bool,
    /// The latest time of the whole input.
    pub latest: Timestamp,
}

impl CustomRule {
    /// Cuts the events of one group.
    pub fn candidates<T: RowKind>(&self, events: &[Row<T>], looks: Looks<'_>, mut found: impl FnMut(Candidate)) {
        let Some(first) = events.first() else { return };
        let mut dates = Dates { ends: self.at_midnight.then_some(looks.calendar), date: None };
        dates.go_to(first.time());
        let mut values = LatestValues::new(looks.watched, self.remembers);
        values.go_to(0, first.time(), false);
        let mut last = Last::of(first);
        let mut open = 0;
        for (next, event) in events.iter().enumerate().skip(1) {
            let midnight = dates.go_to(event.time());
            let silent = last.silence(self.silence, looks).cuts(last.end, event.time());
            let change = values.go_to(next, event.time(), silent);
            if midnight || silent || change || self.opens(events, open, next) {
                let cut = Cut { silent, midnight, change };
                found(Candidate { events: open..next, verdict: self.judge(events, open..next, last.end, cut) });
                open = next;
            }
            // After a silence that cuts, all that came before has ended earlier, so this event is the last one.
            last.go_on(event);
        }
        let midnight = dates.go_to(self.latest);
        let silent = last.silence(self.silence, looks).cuts(last.end, self.latest);
        let (rest, cut) = (open..events.len(), Cut { silent, midnight, change: false });
        found(Candidate { events: rest.clone(), verdict: self.judge(events, rest, last.end, cut) });
    }

    /// Whether the event at `next` opens a new candidate by the types of events: silences, midnight and changes are asked for by
    /// the caller. The current one opened at `open`.
    fn opens<T: RowKind>(&self, events: &[Row<T>], open: usize, next: usize) -> bool {
        let (previous, event) = (&events[next - 1], &events[next]);
        let in_session = events[open].event().is_start();
        event.event().is_start() && !(self.starts_continue && in_session) || previous.event().is_end()
    }

    /// Whether a candidate whose last event ended at `last_end` is a session, and why it ended; the reasons are in the order of
    /// SPEC 4. `cut` says what follows it.
    fn judge<T: RowKind>(&self, events: &[Row<T>], candidate: Range<usize>, last_end: Timestamp, cut: Cut) -> Verdict {
        let (first, last) = (&events[candidate.start], &events[candidate.end - 1]);
        if self.needs_start && !first.event().is_start() {
            return Verdict::Out(OutOfSession::NoStart);
        }
        if self.needs_end && !last.event().is_end() {
            return Verdict::Out(OutOfSession::Unclosed);
        }
        let has_next = candidate.end < events.len();
        let reason = if self.property_only {
            EndReason::Property
        } else if last.event().is_end() {
            EndReason::EndEvent
        } else if cut.silent {
            EndReason::Timeout
        } else if cut.midnight {
            EndReason::Midnight
        } else if cut.change {
            EndReason::Change
        } else if has_next {
            EndReason::StartEvent
        } else {
            EndReason::EndOfData
        };
        Verdict::Session(Bounds { start: first.time(), end: last_end, reason, clock_skew: false })
    }
}

/// What follows a candidate, before the next event or the end of the input, besides the types of events.
#[derive(Clone, Copy)]
struct Cut {
    /// A silence that cuts.
    silent: bool,
    /// The end of a date, where dates end sessions.
    midnight: bool,
    /// A new value of a column, where these begin sessions.
    change: bool,
}

/// The latest value of each watched column since the last silence that cut, and when it was.
struct LatestValues<'a> {
    watched: Watched<'a>,
    remembers: Option<Span>,
    latest: Vec<Option<(i64, Timestamp)>>,
}

impl<'a> LatestValues<'a> {
    fn new(watched: Watched<'a>, remembers: Option<Span>) -> Self {
        LatestValues { watched, remembers, latest: vec![None; watched.columns] }
    }

    /// Goes on to an event, after a silence that cuts or not; whether one of its values is new.
    fn go_to(&mut self, event: usize, time: Timestamp, silent: bool) -> bool {
        if self.latest.is_empty() {
            return false;
        }
        if silent {
            self.latest.fill(None);
        }
        let mut is_new = false;
        for (latest, value) in self.latest.iter_mut().zip(self.watched.of(event..event + 1).values) {
            let Some(value) = *value else { continue };
            let remembers = |then| self.remembers.is_none_or(|limit| time.since(then) <= limit);
            is_new |= latest.is_some_and(|(known, then)| known != value && remembers(then));
            *latest = Some((value, time));
        }
        is_new
    }
}

/// The last event so far of a group: the one that ended last, and of several the last in order.
struct Last {
    end: Timestamp,
    event: EventKey,
}

impl Last {
    fn of<T: RowKind>(row: &Row<T>) -> Self {
        Last { end: row.end(), event: row.last_event() }
    }

    /// Goes on to the next row. Events come in order; partial sessions do by their first events.
    fn go_on<T: RowKind>(&mut self, row: &Row<T>) {
        let next = Last::of(row);
        let is_later = match row.partial_session() {
            None => true,
            Some(_) => (self.end, self.event) <= (next.end, next.event),
        };
        if is_later {
            *self = next;
        }
    }

    /// The silence that cuts after it.
    fn silence(&self, of_all: Silence, looks: Looks<'_>) -> Silence {
        match looks.timeouts.get(self.event.class() as usize) {
            Some(timeout) => Silence { limit: Some(*timeout), ..of_all },
            None => of_all,
        }
    }
}

/// The date that the walk over a group is on, where dates end sessions.
struct Dates<'a> {
    /// The dates; `None` where they end nothing.
    ends: Option<&'a Calendar>,
    date: Option<Day>,
}

impl Dates<'_> {
    /// Goes on to an instant; whether that is on another date.
    fn go_to(&mut self, time: Timestamp) -> bool {
        let Some(calendar) = self.ends else { return false };
        let before = self.date.replace(calendar.day_of(time));
        before != self.date
    }
}

/// The default definition: the events of one (user, session id) are one session, but for those too far
/// from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionIdRule {
    /// How long after the id, or how long a gap, makes events stale; `None` for never.
    pub max_gap: Option<Span>,
    /// Whether an id that is a time is where its session starts (`length_from = "session_id"`).
    pub starts_at_id: bool,
    /// What an id that is a time counts.
    pub unit: TimeUnit,
}

impl SessionIdRule {
    /// Cuts the events of one session id, which is a time or not.
    pub fn candidates<T: RowKind>(&self, events: &[Row<T>], id: Option<Timestamp>, mut found: impl FnMut(Candidate)) {
        let id = id.filter(|_| self.starts_at_id);
        let session = match id {
            Some(id) => self.near_id(events, id),
            None => self.until_first_gap(events),
        };
        let stale = Verdict::Out(OutOfSession::StaleId);
        if session.start > 0 {
            found(Candidate { events: 0..session.start, verdict: stale });
        }
        if !session.is_empty() {
            let first = events[session.start].time();
            let end = last_end(&events[session.clone()]);
            let start = id.map_or(first, |id| id.min(end));
            let clock_skew = id.is_some_and(|id| id > end);
            let bounds = Bounds { start, end, reason: EndReason::SessionId, clock_skew };
            found(Candidate { events: session.clone(), verdict: Verdict::Session(bounds) });
        }
        if session.end < events.len() {
            found(Candidate { events: session.end..events.len(), verdict: stale });
        }
    }

    /// The events from a day before the id until `max_gap` after it.
    fn near_id<T: RowKind>(&self, events: &[Row<T>], id: Timestamp) -> Range<usize> {
        // Joined events are near it all, or none of them is.
        let (from, until) = self.near(id);
        let before = |time: Timestamp| events.partition_point(|row| row.time() < time);
        let start = before(from);
        start..before(until).max(start)
    }

    /// The times, before the second, that are near enough to an id.
    fn near(&self, id: Timestamp) -> (Timestamp, Timestamp) {
        (id.minus(Span::DAY), self.max_gap.map_or(Timestamp::MAX, |gap| id.plus(gap)))
    }

    fn silence(&self) -> Silence {
        Silence { limit: self.max_gap, equal_cuts: true }
    }

    /// The events before the first gap of `max_gap` or more.
    fn until_first_gap<T: RowKind>(&self, events: &[Row<T>]) -> Range<usize> {
        let silence = self.silence();
        let mut last_end = Timestamp::MIN;
        let gap = events.iter().position(|row| {
            let cuts = last_end != Timestamp::MIN && silence.cuts(last_end, row.time());
            last_end = last_end.max(row.end());
            cuts
        });
        0..gap.unwrap_or(events.len())
    }
}

/// When the last of some events happened, which are in order of their first.
fn last_end<T: RowKind>(events: &[Row<T>]) -> Timestamp {
    events.iter().map(Row::end).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::event_types::{EventTypes, Role};
    use crate::sessionize::rows::PlainEvent;

    /// Events written as `(time, letter)`: `s` starts, `e` ends, anything else is ordinary.
    fn story(events: &[(i64, char)]) -> Vec<Row<PlainEvent>> {
        let names: Vec<String> = events.iter().map(|(_, letter)| letter.to_string()).collect();
        let types = EventTypes::new(&names, |name| match name {
            "s" => (Role::Start, false),
            "e" => (Role::End, false),
            _ => (Role::Other, false),
        });
        let row = |(code, (time, _)): (usize, &(i64, char))| {
            Row::new(Timestamp::from_micros(*time), types.key(code as u32 + 1))
        };
        events.iter().enumerate().map(row).collect()
    }

    fn timeout(limit: i64) -> CustomRule {
        CustomRule {
            silence: Silence { limit: Some(Span::from_micros(limit)), equal_cuts: true },
            needs_start: false,
            needs_end: false,
            starts_continue: false,
            at_midnight: false,
            remembers: None,
            property_only: false,
            latest: Timestamp::from_micros(1_000),
        }
    }

    /// What each candidate is: its length and why it ended or is out.
    fn cut(rule: CustomRule, events: &[(i64, char)]) -> Vec<(usize, &'static str)> {
        let mut found = Vec::new();
        let looks = Looks { calendar: &Calendar::single(), timeouts: &[], watched: Watched::default() };
        rule.candidates(&story(events), looks, |candidate| {
            let why = match candidate.verdict {
                Verdict::Session(bounds) => bounds.reason.name(),
                Verdict::Out(reason) => reason.name(),
            };
            found.push((candidate.events.len(), why));
        });
        found
    }

    #[test]
    fn a_gap_equal_to_the_timeout_splits_unless_joined() {
        let events = [(0, 'a'), (9, 'a'), (19, 'a')];
        assert_eq!(cut(timeout(10), &events), [(2, "timeout"), (1, "timeout")]);
        let joined = Silence { equal_cuts: false, ..timeout(10).silence };
        assert_eq!(cut(CustomRule { silence: joined, ..timeout(10) }, &events), [(3, "timeout")]);
    }

    #[test]
    fn start_and_end_events_cut_on_their_own_side() {
        let rule = CustomRule { needs_start: true, ..timeout(100) };
        let events = [(0, 'a'), (1, 's'), (2, 'a'), (3, 's'), (4, 'e'), (5, 'a')];
        assert_eq!(cut(rule, &events), [(1, "no_start"), (2, "start_event"), (2, "end_event"), (1, "no_start")]);
    }

    #[test]
    fn a_repeated_start_continues_only_an_open_session() {
        let rule = CustomRule { needs_start: true, starts_continue: true, ..timeout(100) };
        let events = [(0, 'a'), (1, 's'), (2, 's'), (3, 'e'), (4, 's')];
        assert_eq!(cut(rule, &events), [(1, "no_start"), (3, "end_event"), (1, "timeout")]);
    }

    #[test]
    fn the_latest_time_of_the_input_decides_between_timeout_and_end_of_data() {
        let latest = |micros| CustomRule { latest: Timestamp::from_micros(micros), ..timeout(10) };
        assert_eq!(cut(latest(9), &[(0, 'a')]), [(1, "end_of_data")]);
        assert_eq!(cut(latest(10), &[(0, 'a')]), [(1, "timeout")]);
    }

    #[test]
    fn an_id_later_than_every_event_starts_and_ends_at_its_last_event() {
        let rule = SessionIdRule { max_gap: Some(Span::from_micros(50)), starts_at_id: true, unit: TimeUnit::Millis };
        let mut found = Vec::new();
        rule.candidates(&story(&[(1, 'a'), (7, 'b')]), Some(Timestamp::from_micros(20)), |s| found.push(s.verdict));
        let at = Timestamp::from_micros(7);
        let skewed = Bounds { start: at, end: at, reason: EndReason::SessionId, clock_skew: true };
        assert_eq!(found, [Verdict::Session(skewed)]);
    }

    #[test]
    fn events_are_stale_max_gap_after_the_id_and_more_than_a_day_before() {
        let day = Span::DAY.micros();
        let rule = SessionIdRule { max_gap: Some(Span::from_micros(50)), starts_at_id: true, unit: TimeUnit::Millis };
        let mut found = Vec::new();
        let events = story(&[(-day - 1, 'a'), (-day, 'a'), (49, 'a'), (50, 'a')]);
        rule.candidates(&events, Some(Timestamp::from_micros(0)), |candidate| found.push(candidate.events));
        assert_eq!(found, [0..1, 1..3, 3..4]);
    }
}
