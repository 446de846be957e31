//! How far in time an event can matter: what makes windows and incremental runs exact.
//!
//! Everything follows from one statement about each row of the tables:
//!
//! > A row about the instant *s* (a session that starts at *s*, or activity at *s*) is a function of the events
//! > in [*s* − back, *s* + ahead], and of nothing else but the latest time of the whole input.
//!
//! Read one way it says what a run has to read to write the rows of some dates; read the other way, which rows
//! an event that came or went can have changed: those about instants in [*t* − ahead, *t* + back].
//!
//! **Custom definitions.** H is the silence that cuts (the timeout, else `max_gap`), M is `max_length`, D is
//! `dedup_within` with deduplication and nothing without.
//!
//! - Whether an event opens a candidate depends on the event before it alone: on how long ago that was, on whether
//!   either of them is a starting or an ending event. An event before that is more than H away changes nothing:
//!   it is cut off. So *a candidate begins at s* depends on events in [s − H, s].
//! - A candidate that begins at s is followed event by event until one opens the next candidate. If it ends at or
//!   before s + M, the event after its last one is at most H later or is cut off by the silence: events up to
//!   s + M + H decide. If it does not, it has an event in (s + M, s + M + H], and that it is longer than M
//!   (so that it is excluded) is all that the tables say of it.
//! - Whether an event is dropped as a repeat depends on the events with its id up to D before it: D more on the
//!   far side. The event types, `where` and `inactive` look at one event.
//! - The id of a session depends on the other sessions of its user on the same date, that is on whole dates,
//!   which is what is written.
//! - Activity at s depends on the events at s, of which repeats of [s − D, s] are dropped.
//!
//! So back = H + D and ahead = M + H. Where there is no H or no M, there is no such bound.
//! `repeated_start = "continue"` makes an event depend on how its candidate opened, which may be any time ago.
//!
//! **`at_midnight = "split"`** cuts between any two events of different dates. So what a date's sessions are depends on the
//! events of that date alone, whatever other rules there are, `repeated_start = "continue"` and no `max_length` among them; a
//! row about s is one about the whole date of s. Only the `end_reason` of its last session looks further: `timeout` where the
//! next event is a silence away, which may be up to H after it, and `midnight` else. So back = D and ahead = H, counted from
//! the ends of the date. Where no silence cuts, any later event, or end of the input, on another date says `midnight`, and
//! ahead is a day, for dates in two pieces alone (a clock set back over midnight): what lies between the pieces parts them.
//!
//! **Timeouts by a column** are judged by the event before a gap: H is the longest of them, as an event more than that ago is cut
//! off whatever it is, and no gap within a candidate is longer.
//!
//! **`new_on_change`** compares an event's values with those of events up to M before it, and after the last silence that cuts:
//! of both, those events tell. So whether a candidate begins at s depends on events in [s − max(H, M), s], also under
//! `at_midnight`, where dates forget nothing, and back = max(H, M) + D, or M + D. How far ahead events matter is as without it: a
//! candidate that is followed to its end may be cut by any of its events. Without M there is no bound, whatever else cuts.
//!
//! What a session's `end_reason` says (`timeout` or `end_of_data`) depends also on the latest time E of the input:
//! [`TimeReach::ends_decided_between`].
//!
//! **The default definition**, where an id is a time and the session starts there: its events are in
//! [id − 1 day, id + G), G being `max_gap`, and it starts at its id, or at its last event where that is earlier,
//! which is at most a day before its id. So s ≤ id ≤ s + 1 day, back = 1 day + D and ahead = 1 day + G; `max_length`
//! has no part in it. Without G, ahead has no bound, and back has. Ids that are no times, and
//! `length_from = "first_event"`, have a session start at the first event that ever had its id: no bound.

use jiff::tz::TimeZone;

use super::dates::{date_at, instants_of};
use super::{Custom, Job, Kind};
use crate::sessionize::time::{Day, Span, TimeUnit, Timestamp};

/// How far in time an event can matter to a row of the tables.
///
/// ```
/// use std::path::Path;
///
/// use dwell::job::reach::{TimeReach, Unbounded};
/// use dwell::job::{Job, JobFile};
/// use dwell::kernel::Timestamp;
///
/// let job = |session: &str| {
///     let text = format!("[input]\npath = 'events'\n[output]\npath = 'out'\n[session]\n{session}");
///     Job::new(JobFile::parse(&text, Path::new("job.toml")).unwrap()).unwrap()
/// };
/// const HOUR: i64 = 3_600_000_000;
/// let reach = TimeReach::of(&job("timeout = '1h'\nmax_length = '6h'"), || true).unwrap();
/// // The sessions that start in the first hour of time depend on the events from an hour before it to seven hours after it.
/// let (first, last) = reach.needed(Timestamp::from_micros(0), Timestamp::from_micros(HOUR));
/// assert_eq!((first.micros(), last.micros()), (-HOUR, 8 * HOUR));
///
/// let endless = TimeReach::of(&job("timeout = '1h'\nmax_length = 'none'"), || true);
/// assert_eq!(endless, Err(Unbounded::MaxLength));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeReach {
    /// How long before a row's instant.
    back: Span,
    /// How long after it; `None` for however long.
    ahead: Option<Span>,
    /// How long before an event its repeats are dropped for it; `None` without deduplication.
    dedup: Option<Span>,
    /// What an `end_reason` depends on besides events, where it depends on where the input ends.
    ends: Option<Ends>,
    /// What session ids count where sessions have them from the input: they name the instants they start at.
    ids: Option<TimeUnit>,
}

/// How far before the end of the input sessions start whose `end_reason` it decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// By a silence, the shortest where it is not the same after all events, of sessions up to `longest`.
    BySilence { shortest: Span, silence: Span, longest: Span },
    /// By a silence, and by the date of the end of the input.
    ByDate { shortest: Span, silence: Span },
}

/// Why a definition's sessions depend on events at any distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbounded {
    /// `session.repeated_start` is `continue`.
    RepeatedStart,
    /// `session.max_length` is `none`.
    MaxLength,
    /// `session.max_length` is `none`, and `session.new_on_change` compares values.
    Values,
    /// `session.max_gap` is `none`.
    MaxGap,
    /// `session.length_from` is `first_event`.
    FirstEvent,
    /// Some session ids are no times.
    Ids,
    /// `output.events` says why an event is in no session, under a definition with starting events or `unclosed = "drop"`.
    Reasons,
}

impl std::fmt::Display for Unbounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Unbounded::RepeatedStart => {
                "with session.repeated_start = \"continue\" a session depends on how the one before it began"
            }
            Unbounded::MaxLength => "with session.max_length = \"none\" a session may go on for however long",
            Unbounded::Values => {
                "with session.new_on_change and session.max_length = \"none\" values are compared over however long"
            }
            Unbounded::MaxGap => "with session.max_gap = \"none\" events belong together however far they are apart",
            Unbounded::FirstEvent => {
                "with session.length_from = \"first_event\" a session starts at the first event that ever had its id"
            }
            Unbounded::Ids => {
                "some session ids are no times, and such a session starts at the first event that ever had its id"
            }
            Unbounded::Reasons => {
                "with output.events and starting events, or unclosed = \"drop\", why an event is in no session of the table \
                 depends on how its candidate began and ends, however long it is"
            }
        })
    }
}

const DAY: Span = Span::DAY;
const INSTANT: Span = Span::from_micros(1);

impl TimeReach {
    /// How far events can matter under a job's definition. `ids_are_times` says that every valid session id of
    /// the input is a time; it is asked only where that matters.
    ///
    /// # Errors
    /// Why there is no bound.
    pub fn of(job: &Job, ids_are_times: impl FnOnce() -> bool) -> Result<Self, Unbounded> {
        let dedup = job.input.dedup.as_ref().map(|dedup| dedup.within);
        let kept_apart = dedup.unwrap_or_default();
        match &job.definition.kind {
            Kind::Default { starts_at_id: false, .. } => Err(Unbounded::FirstEvent),
            Kind::Default { .. } if !ids_are_times() => Err(Unbounded::Ids),
            Kind::Default { max_gap, id_unit, .. } => Ok(TimeReach {
                back: sum(DAY, kept_apart),
                ahead: max_gap.map(|gap| sum(DAY, gap)),
                dedup,
                ends: None,
                ids: Some(*id_unit),
            }),
            Kind::Custom(custom) if custom.at_midnight => Ok(TimeReach {
                back: sum(Self::remembered(custom, job)?, kept_apart),
                ahead: Some(custom.silence.unwrap_or(DAY)),
                dedup,
                ends: Some(Ends::ByDate {
                    shortest: custom.shortest_silence().unwrap_or_default(),
                    silence: custom.silence.unwrap_or_default(),
                }),
                ids: None,
            }),
            Kind::Custom(Custom { starts_continue: true, .. }) => Err(Unbounded::RepeatedStart),
            Kind::Custom(custom) => {
                let silence = custom.silence.ok_or(Unbounded::MaxGap)?;
                let shortest = custom.shortest_silence().unwrap_or(silence);
                let longest = job.definition.max_length.ok_or(Unbounded::MaxLength)?;
                Ok(TimeReach {
                    back: sum(silence.max(Self::remembered(custom, job)?), kept_apart),
                    ahead: Some(sum(longest, silence)),
                    dedup,
                    ends: Some(Ends::BySilence { shortest, silence, longest }),
                    ids: None,
                })
            }
        }
    }

    /// How long after it an event's value tells whether another one is new.
    fn remembered(custom: &Custom, job: &Job) -> Result<Span, Unbounded> {
        if custom.new_on_change.is_empty() {
            return Ok(Span::default());
        }
        job.definition.max_length.ok_or(Unbounded::Values)
    }

    /// The events to read for the rows about instants from `first` to `last`.
    pub fn needed(&self, first: Timestamp, last: Timestamp) -> (Timestamp, Timestamp) {
        (first.minus(self.back), self.ahead.map_or(Timestamp::MAX, |ahead| last.plus(ahead)))
    }

    /// The instants that events at times from `first` to `last` can matter to.
    pub fn touched(&self, first: Timestamp, last: Timestamp) -> (Timestamp, Timestamp) {
        (self.ahead.map_or(Timestamp::MIN, |ahead| first.minus(ahead)), last.plus(self.back))
    }

    /// What session ids count; `None` where sessions do not have them from the input.
    pub fn id_unit(&self) -> Option<TimeUnit> {
        self.ids
    }

    /// Whether the ids of events name the sessions that they can matter to, which are fewer than those of
    /// [`TimeReach::touched`]. A repeat that is dropped or not may be of another session: not with deduplication.
    pub fn is_told_by_ids(&self) -> bool {
        self.ids.is_some() && self.dedup.is_none()
    }

    /// Whether an event is so near to its session id that it may be in its session.
    pub fn is_near(&self, time: Timestamp, id: Timestamp) -> bool {
        id.minus(DAY) <= time && self.ahead.is_none_or(|ahead| time <= id.plus(ahead))
    }

    /// The starts of the sessions that events with ids from `first` to `last` belong to.
    pub fn touched_by_ids(first: Timestamp, last: Timestamp) -> (Timestamp, Timestamp) {
        (first.minus(DAY), last)
    }

    /// Where the latest time of the input moved from one instant to the other, the starts of the sessions
    /// whose `end_reason` that may have changed. Such a session's last event is less than the silence before
    /// the one, and not less before the other.
    pub fn ends_decided_between(&self, a: Timestamp, b: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let ends = self.ends.filter(|_| a != b)?;
        let (earlier, later) = (a.min(b), a.max(b));
        Some(match ends {
            Ends::BySilence { shortest, silence, longest } => {
                (earlier.minus(silence).minus(longest), later.minus(shortest))
            }
            // The date that the input ended on, too: its last sessions are now cut by its end.
            Ends::ByDate { shortest, silence } => (earlier.minus(silence), earlier.max(later.minus(shortest))),
        })
    }
}

/// How far in time an event can matter to a row of the events table.
///
/// A row about an event at *t* says in which session of the table it is, and in which place of it, or why it is in none.
///
/// - **Custom definitions.** Its session starts at or after t − M, and is there if it is not longer than M: the events that
///   decide on sessions that start from t − M to t do, and those of an instant more, as what is exactly M long is there. A candidate that is longer is
///   seen to be so within these times, too, but not how it began or ends: with starting events, or `unclosed = "drop"`, there
///   is no bound. The id of a session depends on those of its user that start before it on its date: so the times begin with
///   the first instant of the date of t − M.
/// - **`at_midnight = "split"`**: on the events of its date, as its session is; where a clock is set back over midnight, on those
///   between the two pieces of the date.
/// - **The default definition**: on the events that have its session id, which are in [id − 1 day, id + G).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventReach {
    /// How long before an event its session starts, at most, where it matters on which date.
    longest: Span,
    back: Span,
    ahead: Span,
    /// How long before its start a session can have events, and how long after.
    of_session: (Span, Span),
}

impl EventReach {
    /// How far events can matter under a job's definition; `ids_are_times` as for [`TimeReach::of`].
    ///
    /// # Errors
    /// Why there is no bound.
    pub fn of(job: &Job, ids_are_times: impl FnOnce() -> bool) -> Result<Self, Unbounded> {
        let reach = TimeReach::of(job, ids_are_times)?;
        let dedup = reach.dedup.unwrap_or_default();
        let none = Span::from_micros(0);
        match &job.definition.kind {
            Kind::Default { max_gap, .. } => {
                let gap = max_gap.ok_or(Unbounded::MaxGap)?;
                let longest = job.definition.max_length.unwrap_or(gap);
                let both = sum(DAY, gap);
                Ok(EventReach { longest: none, back: sum(both, dedup), ahead: both, of_session: (DAY, longest) })
            }
            Kind::Custom(custom) if custom.at_midnight => {
                Ok(EventReach { longest: none, back: sum(DAY, reach.back), ahead: DAY, of_session: (none, none) })
            }
            Kind::Custom(custom) if !custom.start_events.is_empty() || custom.drop_unclosed => Err(Unbounded::Reasons),
            Kind::Custom(_) => {
                let longest = job.definition.max_length.ok_or(Unbounded::MaxLength)?;
                Ok(EventReach {
                    longest,
                    back: sum(reach.back, INSTANT),
                    ahead: reach.ahead.ok_or(Unbounded::MaxGap)?,
                    of_session: (none, longest),
                })
            }
        }
    }

    /// The events to read for the rows of some dates.
    pub fn needed(&self, dates: (Day, Day), zone: &TimeZone) -> (Timestamp, Timestamp) {
        let (first, last) = instants_of(dates, zone);
        let date = date_at(first.minus(self.longest), zone);
        (instants_of((date, date), zone).0.min(first).minus(self.back), last.plus(self.ahead))
    }

    /// The instants of the rows that events at times from `first` to `last` can matter to.
    pub fn touched(&self, (first, last): (Timestamp, Timestamp), zone: &TimeZone) -> (Timestamp, Timestamp) {
        let date = date_at(last.plus(self.back), zone);
        (first.minus(self.ahead), instants_of((date, date), zone).1.max(last).plus(self.longest))
    }

    /// The same of events at times up to `last`, where the session ids of events, which are these times, name the sessions
    /// that they can matter to.
    pub fn touched_by_ids(&self, ids: (Timestamp, Timestamp), last: Timestamp) -> (Timestamp, Timestamp) {
        (ids.0.minus(DAY), ids.1.plus(self.of_session.1).max(last))
    }

    /// The instants of the events of sessions that start on some dates.
    pub fn of_sessions(&self, dates: (Day, Day), zone: &TimeZone) -> (Timestamp, Timestamp) {
        let (first, last) = instants_of(dates, zone);
        (first.minus(self.of_session.0), last.plus(self.of_session.1))
    }
}

/// The instants of a range that excludes its end, as one that includes it.
pub fn up_to(first: Timestamp, end: Timestamp) -> (Timestamp, Timestamp) {
    (first, end.minus(INSTANT))
}

fn sum(a: Span, b: Span) -> Span {
    Span::from_micros(a.micros().saturating_add(b.micros()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::JobFile;
    use std::path::Path;

    const HOUR: i64 = 3_600_000_000;
    const A_DAY: i64 = 24 * HOUR;

    fn reach_with(keys: &str, ids_are_times: bool) -> Result<TimeReach, Unbounded> {
        let (input, session) = keys.split_once('|').unwrap_or(("", keys));
        let text = format!("[input]\npath = 'x'\n{input}\n[session]\n{session}\n[output]\npath = 'y'\n");
        let job = Job::new(JobFile::parse(&text, Path::new("job")).expect("parses")).expect("valid");
        TimeReach::of(&job, || ids_are_times)
    }

    fn reach(keys: &str) -> TimeReach {
        reach_with(keys, true).expect("bounded")
    }

    fn micros((first, last): (Timestamp, Timestamp)) -> (i64, i64) {
        (first.micros(), last.micros())
    }

    fn needed(keys: &str) -> (i64, i64) {
        let day = up_to(Timestamp::from_micros(0), Timestamp::from_micros(A_DAY));
        let (first, last) = micros(reach(keys).needed(day.0, day.1));
        (first, last + 1)
    }

    fn touched(keys: &str) -> (i64, i64) {
        micros(reach(keys).touched(Timestamp::from_micros(0), Timestamp::from_micros(0)))
    }

    #[test]
    fn a_date_under_a_timeout_needs_a_timeout_before_and_the_longest_session_and_a_timeout_after() {
        let half = HOUR / 2;
        assert_eq!(needed("timeout = '30m'"), (-half, A_DAY + A_DAY + half));
        assert_eq!(needed("timeout = '30m'\nmax_length = '2h'"), (-half, A_DAY + 2 * HOUR + half));
        assert_eq!(needed("start_event = 'x'\nmax_gap = '1h'"), (-HOUR, A_DAY + A_DAY + HOUR));
        // max_gap is a week unless it is set.
        assert_eq!(needed("property = 'x'\nmax_length = '2h'"), (-7 * A_DAY, A_DAY + 2 * HOUR + 7 * A_DAY));
    }

    #[test]
    fn an_event_touches_starts_as_far_the_other_way_round() {
        let half = HOUR / 2;
        assert_eq!(touched("timeout = '30m'"), (-A_DAY - half, half));
        assert_eq!(touched("dedup = 'x'\ndedup_within = '2d'|timeout = '30m'"), (-A_DAY - half, half + 2 * A_DAY));
    }

    #[test]
    fn deduplication_needs_the_events_that_others_repeat() {
        assert_eq!(needed("dedup = 'x'|timeout = '1h'").0, -HOUR - 7 * A_DAY);
        assert_eq!(needed("dedup = 'x'\ndedup_within = '1h'|").0, -A_DAY - HOUR);
    }

    #[test]
    fn a_date_of_ids_needs_a_day_before_and_max_gap_and_a_day_after() {
        assert_eq!(needed(""), (-A_DAY, A_DAY + A_DAY + 7 * A_DAY));
        assert_eq!(needed("max_gap = '2d'\nmax_length = 'none'"), (-A_DAY, A_DAY + A_DAY + 2 * A_DAY));
        assert_eq!(needed("max_gap = 'none'"), (-A_DAY, Timestamp::MAX.micros().wrapping_add(1)));
        assert!(reach("").is_told_by_ids() && !reach("dedup = 'x'|").is_told_by_ids());
        assert!(!reach("timeout = '1h'").is_told_by_ids());
    }

    #[test]
    fn some_definitions_have_no_bound() {
        for (keys, why) in [
            ("start_event = 'x'\nrepeated_start = 'continue'", Unbounded::RepeatedStart),
            ("timeout = '30m'\nmax_length = 'none'", Unbounded::MaxLength),
            ("start_event = 'x'\nmax_gap = 'none'", Unbounded::MaxGap),
            ("length_from = 'first_event'", Unbounded::FirstEvent),
            ("new_on_change = 'x'\nmax_length = 'none'\nat_midnight = 'split'", Unbounded::Values),
            ("new_on_change = 'x'\nmax_gap = 'none'", Unbounded::MaxGap),
        ] {
            assert_eq!(reach_with(keys, true), Err(why), "{keys}");
        }
        assert_eq!(reach_with("", false), Err(Unbounded::Ids));
        // Only under the default definition are ids asked for.
        assert!(reach_with("timeout = '30m'", false).is_ok());
    }

    #[test]
    fn a_date_that_midnight_cuts_off_needs_no_more_than_a_silence_after() {
        let half = HOUR / 2;
        assert_eq!(needed("at_midnight = 'split'\ntimeout = '30m'"), (0, A_DAY + half));
        assert_eq!(needed("at_midnight = 'split'"), (0, 8 * A_DAY));
        assert_eq!(needed("at_midnight = 'split'\nmax_gap = 'none'"), (0, 2 * A_DAY));
        assert_eq!(needed("dedup = 'x'|at_midnight = 'split'\nmax_gap = '1h'"), (-7 * A_DAY, A_DAY + HOUR));
        // What has no bound without it.
        let continues = "start_event = 'x'\nrepeated_start = 'continue'\nmax_length = 'none'\nmax_gap = '1h'";
        assert_eq!(needed(&format!("{continues}\nat_midnight = 'split'")), (0, A_DAY + HOUR));
        assert_eq!(touched("at_midnight = 'split'\ntimeout = '30m'"), (-half, 0));
    }

    #[test]
    fn values_are_compared_as_far_back_as_the_longest_session() {
        let half = HOUR / 2;
        assert_eq!(needed("new_on_change = 'x'\ntimeout = '30m'"), (-A_DAY, A_DAY + A_DAY + half));
        assert_eq!(needed("new_on_change = 'x'\nmax_length = '2h'"), (-7 * A_DAY, A_DAY + 2 * HOUR + 7 * A_DAY));
        assert_eq!(needed("new_on_change = 'x'\nat_midnight = 'split'\ntimeout = '30m'"), (-A_DAY, A_DAY + half));
        assert_eq!(needed("dedup = 'x'|new_on_change = 'y'\ntimeout = '30m'").0, -A_DAY - 7 * A_DAY);
    }

    #[test]
    fn where_the_input_ends_decides_the_sessions_of_its_date() {
        let at = Timestamp::from_micros;
        let between = |keys, a, b| reach(keys).ends_decided_between(at(a), at(b)).map(micros);
        let keys = "at_midnight = 'split'\ntimeout = '1h'";
        assert_eq!(between(keys, 0, 5 * HOUR), Some((-HOUR, 4 * HOUR)));
        assert_eq!(between(keys, 0, HOUR / 2), Some((-HOUR, 0)));
        assert_eq!(between("at_midnight = 'split'\nmax_gap = 'none'", 0, HOUR), Some((0, HOUR)));
    }

    #[test]
    fn timeouts_by_a_column_reach_as_far_as_the_longest() {
        let keys = "timeout = { by = 'platform', ios = '30m', default = '1h' }";
        assert_eq!(needed(keys), needed("timeout = '1h'"));
        let at = Timestamp::from_micros;
        let between = reach(keys).ends_decided_between(at(0), at(5 * HOUR)).map(micros);
        assert_eq!(between, Some((-A_DAY - HOUR, 5 * HOUR - HOUR / 2)));
    }

    #[test]
    fn where_the_input_ends_decides_sessions_a_silence_before() {
        let at = Timestamp::from_micros;
        let between = |a, b| reach("timeout = '1h'").ends_decided_between(at(a), at(b)).map(micros);
        assert_eq!(between(0, 5 * HOUR), Some((-A_DAY - HOUR, 4 * HOUR)));
        assert_eq!(between(5 * HOUR, 0), between(0, 5 * HOUR));
        assert_eq!(between(7, 7), None);
        assert_eq!(reach("").ends_decided_between(at(0), at(9)), None);
    }
}
