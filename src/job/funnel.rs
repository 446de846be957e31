//! How far sessions come in steps, validated (SPEC 6).

use super::chart_keys::{ChartKeys, FunnelKeys};
use super::duration::{duration_text, parse_duration};
use super::error::JobError;
use super::holds::{EventFilter, Holds};
use super::segment::{add_name, not_empty};
use super::sequence::{check_number, step_of};
use crate::sessionize::time::Span;

/// Steps that sessions reach one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funnel {
    /// The times at which each is reached.
    pub steps: Holds,
    /// Their names.
    pub names: Vec<String>,
    /// A step is reached in at most so long from the first; `None` for any time.
    pub within: Option<Span>,
}

impl Funnel {
    /// Validates steps; a name that their column is given is added to `named`.
    ///
    /// # Errors
    /// Too few or too many steps, a step of all events, a duration that is none.
    pub fn new(keys: FunnelKeys, named: &mut Vec<(Holds, String)>) -> Result<Funnel, JobError> {
        const KEY: &str = "chart.funnel.steps";
        let steps = keys.steps.unwrap_or_default();
        check_number(KEY, steps.len())?;
        let (mut filters, mut names) = (Vec::new(), Vec::new());
        for step in steps {
            let (event, condition) = ("chart.funnel.steps.event", "chart.funnel.steps.where");
            let filter = step_of((event, step.event), (condition, step.r#where))?;
            names.push(match step.name {
                Some(name) => not_empty("chart.funnel.steps.name", name)?,
                None => name_of(&filter),
            });
            filters.push(filter);
        }
        let steps = Holds::Steps(filters);
        add_name(named, &steps, "chart.funnel.column", keys.column)?;
        let within = keys.within.map(|text| parse_duration("chart.funnel.within", &text.0)).transpose()?;
        Ok(Funnel { steps, names, within })
    }

    /// How many steps a session reaches, of which these are the times of events that follow each other.
    pub fn reached(&self, times: &[i64]) -> usize {
        let Some(first) = times.first() else { return 0 };
        let is_soon = |time: &&i64| self.within.is_none_or(|within| **time - first <= within.micros());
        times.iter().take_while(is_soon).count()
    }
}

impl std::fmt::Display for Funnel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names.join(", then "))?;
        match self.within {
            Some(within) => write!(f, ", within {}", duration_text(within)),
            None => Ok(()),
        }
    }
}

/// The name of a step that was given none.
fn name_of(filter: &EventFilter) -> String {
    match (filter.events.first(), &filter.condition) {
        (Some(event), _) => event.clone(),
        (None, condition) => condition.clone().unwrap_or_default(),
    }
}

/// Refuses keys that a chart without series of its own has no place for, beside the key that makes it one.
///
/// # Errors
/// The first such key.
pub fn refuse_beside(keys: &ChartKeys, other: &'static str, has_formula: bool) -> Result<(), JobError> {
    let set = [
        ("chart.count", keys.count.is_some()),
        ("chart.series", keys.series.is_some()),
        ("chart.formula", has_formula),
        ("chart.preset", keys.preset.is_some()),
    ];
    match set.iter().find(|(_, set)| *set) {
        Some((key, _)) => {
            let hint = "it is a chart of its own: make two of them";
            Err(JobError::NotBoth { key, other, hint })
        }
        None => Ok(()),
    }
}
