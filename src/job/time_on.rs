//! The time that sessions spend on each value of a property, validated (SPEC 6).

use super::chart_keys::TimeOnKeys;
use super::duration::parse_limit;
use super::error::JobError;
use super::holds::Holds;
use super::segment::{event_filter, needs, not_empty, whole};
use crate::sessionize::time::Span;

/// Views, each of a value, and what it takes until the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeOn {
    /// The value of each view.
    pub values: Holds,
    /// The time of each view.
    pub times: Holds,
    /// A view takes at most so long; `None` for any time.
    pub cap: Option<Span>,
    /// How many values are kept.
    pub top: usize,
}

/// What a view takes at most where a chart does not say.
const DEFAULT_CAP: &str = "30m";
/// More values than these are for no eye.
const MOST_VALUES: u32 = 10_000;

impl TimeOn {
    /// Validates the keys; so many values are kept where they do not say.
    ///
    /// # Errors
    /// No property, a duration that is none, too many values.
    pub fn new(keys: TimeOnKeys, default_top: usize) -> Result<TimeOn, JobError> {
        const PROPERTY: &str = "chart.time_on.property";
        const TOP: &str = "chart.time_on.top";
        let property =
            keys.property.ok_or_else(|| needs(PROPERTY, "name the property on whose values time is spent"))?;
        let property = not_empty(PROPERTY, property)?;
        let filter = event_filter(("chart.time_on.event", keys.event), ("chart.time_on.where", keys.r#where))?;
        let cap = keys.cap.map_or_else(|| DEFAULT_CAP.to_string(), |cap| cap.0);
        let top = keys.top.map(|top| whole(TOP, top, 1)).transpose()?;
        if let Some(top) = top.filter(|top| *top > MOST_VALUES) {
            let hint = format!("it is at most {MOST_VALUES}");
            return Err(JobError::Unfit { key: TOP, value: top.to_string(), hint });
        }
        Ok(TimeOn {
            values: Holds::Each(property, filter.clone()),
            times: Holds::Times(filter),
            cap: parse_limit("chart.time_on.cap", &cap)?,
            top: top.map_or(default_top, |top| top as usize),
        })
    }

    /// The milliseconds from one view to the next, as far as they count.
    pub fn millis(&self, from: i64, to: i64) -> i64 {
        let took = (to - from).div_euclid(1_000);
        self.cap.map_or(took, |cap| took.min(cap.floor_millis()))
    }
}
