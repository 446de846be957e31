//! Funnels: how many sessions reach each step, and how long it takes them.

use super::cells::Cell;
use super::{Label, MEDIAN, P90};
use crate::sessionize::time::Timestamp;

/// The rows of a funnel about one segment and group, interval by interval.
#[derive(Clone, Debug, PartialEq)]
pub struct FunnelLine {
    /// What it is about.
    pub label: Label,
    /// The names of its steps.
    pub names: Vec<String>,
    /// What is counted of each step, in order of time.
    pub rows: Vec<(Timestamp, Vec<Step>)>,
}

/// What is counted of a step in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The sessions that reach it.
    pub sessions: i64,
    /// The median of the time from the step before, by nearest rank.
    pub median_ms: Option<i64>,
    /// The time in which nine of ten come from the step before.
    pub p90_ms: Option<i64>,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FunnelRow<'a> {
    /// What it is about.
    pub label: &'a Label,
    /// The interval's first instant.
    pub interval_start: Timestamp,
    /// The number of the step, from 1.
    pub step: i64,
    /// Its name.
    pub name: &'a str,
    /// What is counted.
    pub of: Step,
    /// The sessions that reach the first step.
    pub first: i64,
    /// The sessions that reach the step before; `None` for the first one.
    pub previous: Option<i64>,
}

impl Step {
    /// A step, by its place, from the sessions that reach it, as long as it took from the step before.
    pub fn of(place: usize, cell: Option<&Cell>) -> Self {
        let Some(cell) = cell else { return Step::default() };
        let time = |percentile: usize| (place > 0 && cell.sessions > 0).then(|| cell.percentiles_ms[percentile]);
        Step { sessions: cell.sessions, median_ms: time(MEDIAN), p90_ms: time(P90) }
    }
}

impl FunnelLine {
    /// The sessions that reach each step, of all intervals together.
    pub fn totals(&self) -> Vec<i64> {
        let mut totals = vec![0; self.names.len()];
        for (_, steps) in &self.rows {
            totals.iter_mut().zip(steps).for_each(|(total, step)| *total += step.sessions);
        }
        totals
    }

    /// The rows of the table: all steps of an interval.
    pub fn table(&self) -> impl Iterator<Item = FunnelRow<'_>> {
        self.rows.iter().flat_map(|(start, steps)| {
            steps.iter().zip(&self.names).enumerate().map(|(place, (of, name))| FunnelRow {
                label: &self.label,
                interval_start: *start,
                step: place as i64 + 1,
                name,
                of: *of,
                first: steps[0].sessions,
                previous: place.checked_sub(1).map(|before| steps[before].sessions),
            })
        })
    }
}

impl FunnelRow<'_> {
    /// The share of those who reach the first step.
    pub fn share_of_first(&self) -> Option<f64> {
        super::ratio(self.of.sessions, self.first)
    }

    /// The share of those who reach the step before.
    pub fn share_of_previous(&self) -> Option<f64> {
        super::ratio(self.of.sessions, self.previous?)
    }
}
