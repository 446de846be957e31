//! Measures and histograms: group-bys over the tables that a run wrote (SPEC 5).

pub mod daily;

use crate::sessionize::time::Timestamp;

/// What a row of a chart is about, besides its interval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The chart's name.
    pub chart: String,
    /// The series within it.
    pub series: String,
    /// The segment of the events.
    pub segment: String,
    /// The group of the sessions; `None` where they are not grouped.
    pub group: Option<String>,
}

impl Series {
    /// The chart of a job that asks for none: all sessions.
    pub fn of_all_sessions() -> Self {
        Series { chart: "sessions".to_string(), series: "A".to_string(), segment: "all".to_string(), group: None }
    }
}

/// The percentiles of length that are measured, in order.
pub const PERCENTILES: [f64; 5] = [0.50, 0.75, 0.90, 0.95, 0.99];

/// The bounds of the default bins, in milliseconds.
pub const DEFAULT_BINS_MS: [i64; 10] =
    [0, 3_000, 10_000, 30_000, 60_000, 180_000, 600_000, 1_800_000, 3_600_000, 86_400_000];

/// The measures of one interval. Times in milliseconds; what is over nothing is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureRow {
    /// What it is about.
    pub series: Series,
    /// The interval's first instant.
    pub interval_start: Timestamp,
    /// Sessions that start in the interval.
    pub total_sessions: i64,
    /// Users with an event in the interval, in session or not.
    pub active_users: i64,
    /// The sum of the lengths.
    pub time_spent_ms: i64,
    /// Lengths by nearest rank, of [`PERCENTILES`].
    pub percentiles_ms: [Option<i64>; PERCENTILES.len()],
    /// The longest length.
    pub length_max_ms: Option<i64>,
    /// Sessions of length 0.
    pub zero_length_sessions: i64,
}

impl MeasureRow {
    /// Time spent over active users.
    pub fn time_spent_per_user_ms(&self) -> Option<f64> {
        ratio(self.time_spent_ms, self.active_users)
    }

    /// Time spent over sessions.
    pub fn avg_length_ms(&self) -> Option<f64> {
        ratio(self.time_spent_ms, self.total_sessions)
    }

    /// Sessions over active users.
    pub fn avg_per_user(&self) -> Option<f64> {
        ratio(self.total_sessions, self.active_users)
    }
}

/// The sessions of one interval and bin. A missing bound is the side on which sessions lie outside of all
/// bins.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramRow {
    /// What it is about.
    pub series: Series,
    /// The interval's first instant.
    pub interval_start: Timestamp,
    /// Where the bin starts, in milliseconds, included.
    pub bin_start: Option<i64>,
    /// Where it ends, excluded.
    pub bin_end: Option<i64>,
    /// Sessions in the bin.
    pub sessions: i64,
    /// Sessions of the interval.
    pub of: i64,
}

impl HistogramRow {
    /// The share of the interval's sessions.
    pub fn share(&self) -> Option<f64> {
        ratio(self.sessions, self.of)
    }
}

/// A ratio; over nothing it is nothing.
fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}
