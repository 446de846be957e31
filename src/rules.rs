//! A job's definition as the kernel takes it.

use crate::events::normalise::RowCounts;
use crate::job::dates::calendar;
use crate::job::{Custom, Job, Kind};
use crate::sessionize::calendar::Calendar;
use crate::sessionize::cut::{ById, Cutting, Rule, Silence};
use crate::sessionize::event_types::Role;
use crate::sessionize::time::Timestamp;

/// Whether why a session ended depends on where the input ends.
pub fn needs_latest(job: &Job) -> bool {
    job.definition.custom().is_some_and(|custom| !property_only(custom))
}

fn property_only(custom: &Custom) -> bool {
    custom.property.is_some() && custom.start_events.is_empty() && custom.end_events.is_empty() && !custom.has_timeout
}

/// The definition as the kernel takes it.
pub fn rule(job: &Job, latest: Timestamp) -> Rule {
    match &job.definition.kind {
        Kind::Default { max_gap, starts_at_id } => {
            Rule::Default(ById { max_gap: *max_gap, starts_at_id: *starts_at_id })
        }
        Kind::Custom(custom) => Rule::Custom(Cutting {
            silence: Silence { limit: custom.silence, equal_cuts: custom.equal_cuts },
            needs_start: !custom.start_events.is_empty(),
            needs_end: custom.drop_unclosed,
            starts_continue: custom.starts_continue,
            property_only: property_only(custom),
            latest,
        }),
    }
}

/// What an event type does, and whether it is inactive.
pub fn describe(job: &Job, name: &str) -> (Role, bool) {
    let named = |names: &[String]| names.iter().any(|known| known == name);
    let role = match job.definition.custom() {
        Some(custom) if named(&custom.start_events) => Role::Start,
        Some(custom) if named(&custom.end_events) => Role::End,
        _ => Role::Other,
    };
    (role, named(&job.input.inactive))
}

/// The dates from the earliest instant at which a session can start to the latest event.
pub fn calendar_of(job: &Job, rows: &RowCounts) -> Calendar {
    /// Session ids are times from 2000-01-01 on.
    const FIRST_ID: Timestamp = Timestamp::from_millis(946_684_800_000);
    let last = rows.latest.unwrap_or(FIRST_ID);
    let earliest = rows.earliest.unwrap_or(last);
    let first = match job.definition.kind {
        Kind::Default { .. } => earliest.min(FIRST_ID),
        Kind::Custom(_) => earliest,
    };
    let utc = || calendar(&jiff::tz::TimeZone::UTC, first, last);
    // Both have at least the one date of `first`.
    calendar(&job.output.zone, first, last).or_else(utc).unwrap_or_else(Calendar::single)
}
