//! A job's definition as the kernel takes it.

use crate::events::normalise::RowCounts;
use crate::events::source::plan::ReadPlan;
use crate::job::dates::calendar;
use crate::job::timeouts::Timeouts;
use crate::job::{Custom, Job, Kind};
use crate::sessionize::event_types::{EventTypes, Role};
use crate::sessionize::rule::{CustomRule, Rule, SessionIdRule, Silence};
use crate::sessionize::session_id::FIRST_SECOND;
use crate::sessionize::table_rows::event_rows::EventRules;
use crate::sessionize::time::calendar::Calendar;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::{Span, Timestamp};
use crate::sessionize::user::Rules;

/// Whether `end_reason` depends on the latest time of the input.
pub fn needs_latest(job: &Job) -> bool {
    job.definition.custom().is_some_and(|custom| !property_only(custom))
}

fn property_only(custom: &Custom) -> bool {
    let by_type = !custom.start_events.is_empty() || !custom.end_events.is_empty();
    let by_value = !custom.new_on_change.is_empty();
    custom.property.is_some() && !by_type && !by_value && !custom.has_timeout && !custom.at_midnight
}

/// The definition as the kernel takes it.
fn rule(job: &Job, latest: Timestamp) -> Rule {
    match &job.definition.kind {
        Kind::Default { max_gap, starts_at_id, id_unit } => {
            Rule::Default(SessionIdRule { max_gap: *max_gap, starts_at_id: *starts_at_id, unit: *id_unit })
        }
        Kind::Custom(custom) => Rule::Custom(CustomRule {
            silence: Silence { limit: custom.silence, equal_cuts: custom.equal_cuts },
            needs_start: !custom.start_events.is_empty(),
            needs_end: custom.drop_unclosed,
            starts_continue: custom.starts_continue,
            at_midnight: custom.at_midnight,
            remembers: job.definition.max_length,
            property_only: property_only(custom),
            latest,
        }),
    }
}

/// The rule by which events may be joined as soon as they are read: of each event it needs no more than its time and
/// what it is grouped by, and nobody asks for more than the segments it is in. `None` where that is not so.
pub fn preaggregation(job: &Job) -> Option<Rule> {
    // Of a definition that watches values, each event may cut, whatever its time.
    let by_event = job.definition.custom().is_some_and(|custom| {
        let by_type = !custom.start_events.is_empty() || !custom.end_events.is_empty() || custom.drop_unclosed;
        by_type || !custom.new_on_change.is_empty()
    });
    let one_by_one = job.input.dedup.is_some() || job.input.sequence.is_some() || !job.input.inactive.is_empty();
    let asks_for_more = job.holds().next().is_some() || job.output.events.is_some();
    // Partial sessions are of one date: there have to be dates at both ends of time.
    let has_dates = |time: Timestamp| calendar(&job.output.zone, time, time).is_some();
    let joins = !by_event && !one_by_one && !asks_for_more;
    let joins = joins && has_dates(job.input.times.min) && has_dates(job.input.times.max);
    // Where the input ends parts no events.
    let rule = joins.then(|| rule(job, Timestamp::default()))?;
    Some(match (rule, job.definition.custom()) {
        (Rule::Custom(cutting), Some(custom)) => {
            // Of several timeouts, a gap has to be too short for the shortest: any event may come between.
            let silence = Silence { limit: custom.shortest_silence(), ..cutting.silence };
            Rule::Custom(CustomRule { silence, ..cutting })
        }
        (rule, _) => rule,
    })
}

/// What an event type does, and whether it is inactive.
fn describe(job: &Job, name: &str) -> (Role, bool) {
    let named = |names: &[String]| names.iter().any(|known| known == name);
    let role = match job.definition.custom() {
        Some(custom) if named(&custom.start_events) => Role::Start,
        Some(custom) if named(&custom.end_events) => Role::End,
        _ => Role::Other,
    };
    (role, named(&job.input.inactive))
}

/// The dates from the earliest instant at which a session can start to the latest event, and to the latest time of all rows.
fn calendar_of(job: &Job, rows: &RowCounts, latest: Option<Timestamp>) -> Calendar {
    /// Session ids are times from 2000-01-01 on.
    const FIRST_ID: Timestamp = Timestamp::from_millis(FIRST_SECOND * 1_000);
    let last = rows.latest.max(latest).unwrap_or(FIRST_ID);
    let earliest = rows.earliest.unwrap_or(last);
    let first = match job.definition.kind {
        Kind::Default { .. } => earliest.min(FIRST_ID),
        Kind::Custom(_) => earliest,
    };
    let utc = || calendar(&jiff::tz::TimeZone::UTC, first, last);
    // The times of both are within what a job allows, so there is a calendar.
    calendar(&job.output.zone, first, last).or_else(utc).unwrap_or_else(Calendar::single)
}

/// What the kernel has to know of a job once its events have been read.
#[derive(Clone, Debug)]
pub struct KernelInputs {
    /// What makes a session.
    pub rule: Rule,
    /// The event types.
    pub types: EventTypes,
    /// How far back a unique id counts as repeated; `None` without deduplication.
    pub dedup_within: Option<Span>,
    /// Longer sessions are excluded; `None` for no limit.
    pub max_length: Option<Span>,
    /// The dates of the output's time zone.
    pub calendar: Calendar,
    /// The dates that tables hold.
    pub dates: DateSet,
    /// The latest possible time of all rows, filtered ones too; `None` where there is none.
    pub latest: Option<Timestamp>,
    /// Whether sessions are numbered by user.
    pub numbers: bool,
}

impl KernelInputs {
    /// Of a job, what is read for it, the rows that were, the event types they had, and the latest time of all rows.
    pub fn new(job: &Job, plan: &ReadPlan, rows: &RowCounts, names: &[String], latest: Option<Timestamp>) -> Self {
        let timeouts = job.definition.custom().and_then(|custom| custom.timeouts.as_ref());
        let timeouts = timeouts.map(Timeouts::by_class).unwrap_or_default();
        let types = EventTypes::new(names, |name| describe(job, name)).with_timeouts(timeouts);
        KernelInputs {
            rule: rule(job, latest.unwrap_or_default()),
            types: types.with_watched(plan.watched.as_ref().map(|watched| watched.layout()).unwrap_or_default()),
            dedup_within: job.input.dedup.as_ref().map(|dedup| dedup.within),
            max_length: job.definition.max_length,
            calendar: calendar_of(job, rows, latest),
            dates: DateSet::all().within(job.output.window),
            latest,
            numbers: job.output.history,
        }
    }

    /// What is written of the events of some dates; `None` where the job asks for no such table.
    pub fn event_rules(job: &Job, plan: &ReadPlan, dates: &DateSet) -> Option<EventRules> {
        job.output.events.as_ref()?;
        Some(EventRules {
            dates: dates.within(job.output.window),
            session_dates: DateSet::of_window(job.output.window),
            values: plan.facts.as_ref().map(|facts| facts.values_of_events(job)).unwrap_or_default(),
        })
    }

    /// As the kernel takes it, without charts and segments.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            rule: self.rule,
            types: &self.types,
            dedup_within: self.dedup_within,
            max_length: self.max_length,
            calendar: &self.calendar,
            dates: &self.dates,
            makes_activity: false,
            numbers: self.numbers,
            events: None,
            facts: None,
            watched: None,
        }
    }
}
