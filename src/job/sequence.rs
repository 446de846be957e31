//! Events that follow each other in a session, validated (SPEC 6).

use super::chart_keys::{EventKeys, SequenceKeys};
use super::duration::{duration_text, parse_duration};
use super::error::JobError;
use super::holds::{EventFilter, Holds};
use super::segment::{add_name, event_filter, needs};
use crate::sessionize::time::Span;

/// A filter of sessions: those in which such events follow each other, a different one for each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// The shortest time in which they do.
    pub shortest: Holds,
    /// They do in at most so long; `None` for any time.
    pub within: Option<Span>,
}

impl std::fmt::Display for Sequence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let steps: Vec<String> = self.shortest.filters().iter().map(EventFilter::to_string).collect();
        f.write_str(&steps.join(", then "))?;
        match self.within {
            Some(within) => write!(f, ", within {}", duration_text(within)),
            None => Ok(()),
        }
    }
}

/// As many steps there are.
pub const MOST_STEPS: usize = 20;

impl Sequence {
    /// Validates a filter; a name that its column is given is added to `named`.
    ///
    /// # Errors
    /// Too few or too many steps, a step of all events, a duration that is none.
    pub fn new(keys: SequenceKeys, named: &mut Vec<(Holds, String)>) -> Result<Sequence, JobError> {
        const KEY: &str = "chart.sequence.steps";
        let steps = keys.steps.unwrap_or_default();
        check_number(KEY, steps.len())?;
        let step = |keys: EventKeys| {
            let (event, condition) = ("chart.sequence.steps.event", "chart.sequence.steps.where");
            step_of((event, keys.event), (condition, keys.r#where))
        };
        let shortest = Holds::Shortest(steps.into_iter().map(step).collect::<Result<_, _>>()?);
        add_name(named, &shortest, "chart.sequence.column", keys.column)?;
        let within = keys.within.map(|text| parse_duration("chart.sequence.within", &text.0)).transpose()?;
        Ok(Sequence { shortest, within })
    }
}

/// Refuses so many steps.
///
/// # Errors
/// They are too few or too many.
pub fn check_number(key: &'static str, steps: usize) -> Result<(), JobError> {
    match steps {
        0 => Err(needs(key, "name the events, in their order: [{ event = \"a\" }, { event = \"b\" }]")),
        1 => {
            let hint = "nothing follows: name two steps or more, or ask for one event by `contains`".to_string();
            Err(JobError::Unfit { key, value: "one step".to_string(), hint })
        }
        steps if steps > MOST_STEPS => {
            let hint = format!("there are at most {MOST_STEPS}");
            Err(JobError::Unfit { key, value: format!("{steps} steps"), hint })
        }
        _ => Ok(()),
    }
}

/// The events of a step.
///
/// # Errors
/// It says of none which it is of.
pub fn step_of(
    (event_key, event): (&'static str, Option<String>),
    (condition_key, condition): (&'static str, Option<String>),
) -> Result<EventFilter, JobError> {
    let filter = event_filter((event_key, event), (condition_key, condition))?;
    match filter == EventFilter::default() {
        true => Err(needs(event_key, "say which events, by `event`, `where` or both")),
        false => Ok(filter),
    }
}
