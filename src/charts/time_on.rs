//! How long sessions stay on each value of a property.

use super::cells::Cell;
use super::{Label, MEDIAN};
use crate::sessionize::time::Timestamp;

/// The rows of a table about one segment, group and value, interval by interval.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeLine {
    /// What it is about.
    pub label: Label,
    /// The value; `None` where there is no view.
    pub value: Option<String>,
    /// What is counted, in order of time.
    pub rows: Vec<(Timestamp, TimeSpent)>,
}

/// What is counted of the views of a value in an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeSpent {
    /// Views.
    pub views: i64,
    /// The sessions that have one.
    pub sessions: i64,
    /// The views that another one comes after.
    pub timed: i64,
    /// How long these take together.
    pub time_ms: i64,
    /// Their median, by nearest rank.
    pub p50_ms: Option<i64>,
}

impl TimeSpent {
    /// From the sessions with such views, and the views that another one comes after.
    pub fn of(views: Option<&Cell>, times: Option<&Cell>) -> Self {
        let mut spent = TimeSpent::default();
        if let Some(cell) = views {
            (spent.views, spent.sessions) = (cell.events, cell.sessions);
        }
        if let Some(cell) = times {
            (spent.timed, spent.time_ms) = (cell.sessions, cell.time_spent_ms);
            spent.p50_ms = (cell.sessions > 0).then(|| cell.percentiles_ms[MEDIAN]);
        }
        spent
    }

    /// The time that a view takes on average.
    pub fn avg_ms(&self) -> Option<f64> {
        super::ratio(self.time_ms, self.timed)
    }
}

impl TimeLine {
    /// Of all intervals together: views, and the time that they take.
    pub fn totals(&self) -> TimeSpent {
        let mut all = TimeSpent::default();
        for (_, spent) in &self.rows {
            all.views += spent.views;
            all.sessions += spent.sessions;
            all.timed += spent.timed;
            all.time_ms += spent.time_ms;
        }
        all
    }
}
