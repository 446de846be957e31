//! Charts: measures and histograms over the tables that a run wrote (SPEC 5 and 6).
//!
//! A [`measure::InRange`] is a chart within its dates: it says what it asks of the tables of its [`segments`], and lays
//! what was counted there out as [`Line`]s, interval by interval. Each table is read once for all charts: a [`pass`] over the
//! sessions of a segment hands each file ([`rows`]) to all [`series`], which take those that they are of ([`passes`])
//! and have them put into [`cells`]; the [`active`] users are counted in others ([`user_passes`]), which also see when each was first
//! active ([`first_active`]). Formulas ([`crate::job::formula`]) are computed over cells.
//! A row may be in several groups ([`grouping`]), and groups and lanes may be combinations of values ([`combined`]). The steps of a
//! [`funnel`] and the views of [`time_on`] are further series over the same sessions, whose cells become tables of their own.
//! [`overview`] is what a run's summary says, [`figure`] which sessions are behind a row,
//! [`unmet`] which filters none passes.

pub mod active;
pub mod cells;
pub mod chart_set;
pub mod combined;
pub mod error;
pub mod figure;
pub mod first_active;
pub mod funnel;
pub mod grouping;
pub mod interval;
pub mod lanes;
pub mod lonely;
pub mod measure;
pub mod measures_table;
pub mod overview;
pub mod packed;
pub mod parts;
mod pass;
pub mod passes;
pub mod rows;
pub mod segment_tables;
pub mod segments;
pub mod series;
pub mod spread;
pub mod tables;
pub mod time_on;
pub mod timeline;
pub mod unmet;
pub mod user_passes;

use std::sync::Arc;

use crate::sessionize::time::Timestamp;
use active::UserCounts;

/// What a line of a chart is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The chart's name.
    pub chart: String,
    /// The series within it; `formula` for that of its formula.
    pub series: String,
    /// The segment of the events.
    pub segment: String,
    /// The group of the sessions; `None` where they are not grouped.
    pub group: Option<String>,
}

/// The percentiles of length that are measured, in order.
pub const PERCENTILES: [u32; 5] = [50, 75, 90, 95, 99];
/// The places of the median and of nine of ten among them.
const MEDIAN: usize = 0;
const P90: usize = 2;

/// The rows of a chart about one series, segment and group, interval by interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it is about.
    pub label: Label,
    /// Its rows in order of time.
    pub rows: Vec<MeasureRow>,
    /// The bins of its histogram, where it has one.
    pub bins: Option<Bins>,
}

/// The bins of a histogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bins {
    /// The bounds: each bin starts at one and ends at the next.
    pub bounds: Arc<[i64]>,
    /// What they are of.
    pub unit: Unit,
    /// Whether intervals without a session have rows of zeros.
    pub empty_intervals: bool,
}

/// What a histogram's bins are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Lengths in milliseconds.
    Millis,
    /// Numbers of events.
    Events,
}

impl Unit {
    /// The word in the histogram.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Millis => "ms",
            Unit::Events => "events",
        }
    }
}

/// The measures of one interval. Times in milliseconds; what is over nothing is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasureRow {
    /// The interval's first instant.
    pub interval_start: Timestamp,
    /// What is measured of its sessions; `None` in a row that is a formula's.
    pub measures: Option<Measures>,
    /// The formula's number.
    pub formula: Option<f64>,
    /// The numbers of several formulas.
    pub formulas: Vec<Option<f64>>,
}

/// What is measured of the sessions of an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Measures {
    /// Its sessions; intervals without any share one cell, as most may be of that kind.
    pub cell: Arc<cells::Cell>,
    /// Users with an event in the interval, in session or not, and those among them who had none before.
    pub users: UserCounts,
    /// Whether events are counted.
    pub counts_events: bool,
}

impl Measures {
    /// Time spent over active users.
    pub fn time_spent_per_user_ms(&self) -> Option<f64> {
        ratio(self.cell.time_spent_ms, self.users.active)
    }

    /// Time spent over sessions.
    pub fn avg_length_ms(&self) -> Option<f64> {
        ratio(self.cell.time_spent_ms, self.cell.sessions)
    }

    /// Sessions over active users.
    pub fn avg_per_user(&self) -> Option<f64> {
        ratio(self.cell.sessions, self.users.active)
    }

    /// A percentile of length.
    pub fn percentile_ms(&self, place: usize) -> Option<i64> {
        self.of_some(self.cell.percentiles_ms[place])
    }

    /// The longest length.
    pub fn length_max_ms(&self) -> Option<i64> {
        self.of_some(self.cell.length_max_ms)
    }

    /// The events counted.
    pub fn total_events(&self) -> Option<i64> {
        self.counts_events.then_some(self.cell.events)
    }

    /// The events counted over sessions.
    pub fn avg_events_per_session(&self) -> Option<f64> {
        ratio(self.total_events()?, self.cell.sessions)
    }

    fn of_some(&self, value: i64) -> Option<i64> {
        (self.cell.sessions > 0).then_some(value)
    }
}

/// The sessions of one interval and bin. A missing bound is the side on which sessions lie outside of all
/// bins.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistogramRow<'a> {
    /// What it is about.
    pub label: &'a Label,
    /// The interval's first instant.
    pub interval_start: Timestamp,
    /// Where the bin starts, included.
    pub bin_start: Option<i64>,
    /// Where it ends, excluded.
    pub bin_end: Option<i64>,
    /// What bins are of.
    pub unit: Unit,
    /// Sessions in the bin.
    pub sessions: i64,
    /// Sessions of the interval.
    pub of: i64,
}

impl HistogramRow<'_> {
    /// The share of the interval's sessions.
    pub fn share(&self) -> Option<f64> {
        ratio(self.sessions, self.of)
    }
}

impl Line {
    /// It with one of several formulas alone.
    pub fn of_formula(&self, place: usize) -> Line {
        let one = |row: &MeasureRow| MeasureRow {
            formula: row.formulas.get(place).copied().flatten(),
            formulas: Vec::new(),
            ..row.clone()
        };
        Line { rows: self.rows.iter().map(one).collect(), ..self.clone() }
    }

    /// The rows of its histogram: all bins of an interval, and rows for the sessions outside of them where
    /// there are any.
    pub fn histogram(&self) -> impl Iterator<Item = HistogramRow<'_>> {
        let bins = self.bins.iter();
        bins.flat_map(move |bins| self.rows.iter().flat_map(move |row| self.histogram_of(bins, row)))
    }

    fn histogram_of<'a>(&'a self, bins: &'a Bins, row: &'a MeasureRow) -> impl Iterator<Item = HistogramRow<'a>> {
        let of = row.measures.as_ref().map_or(0, |measures| measures.cell.sessions);
        let sessions = move |bin: usize| {
            let counts = row.measures.as_ref().map(|measures| &measures.cell.bins);
            counts.and_then(|counts| counts.get(bin)).map_or(0, |count| i64::from(*count))
        };
        let shown = bins.empty_intervals || of > 0;
        let places = (0..=bins.bounds.len()).filter(move |_| shown);
        places.filter_map(move |bin| {
            let (bin_start, bin_end) =
                (bin.checked_sub(1).map(|start| bins.bounds[start]), bins.bounds.get(bin).copied());
            let inside = bin_start.is_some() && bin_end.is_some();
            (inside || sessions(bin) > 0).then(|| HistogramRow {
                label: &self.label,
                interval_start: row.interval_start,
                bin_start,
                bin_end,
                unit: bins.unit,
                sessions: sessions(bin),
                of,
            })
        })
    }
}

/// A ratio; over nothing it is nothing.
fn ratio(part: i64, whole: i64) -> Option<f64> {
    (whole != 0).then(|| part as f64 / whole as f64)
}
