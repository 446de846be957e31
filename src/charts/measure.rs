//! A chart: what it asks of the tables, and what was counted there as lines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::active::{ActiveUsers, AskedUsers};
use super::cells::{Ask, Cell, CellKey};
use super::error::ChartError;
use super::formula::{Formula, Function};
use super::interval::{IntervalKey, Intervals};
use super::lanes::Groups;
use super::segments::{Ranged, SegmentTables};
use super::series::SeriesOf;
use super::{Bins, Label, Line, MeasureRow, Measures, Unit};
use crate::job::added::AddedColumns;
use crate::job::chart::{Chart, Series};

/// The series of a line that is a formula's.
const FORMULA: &str = "formula";

/// A chart within its dates.
#[derive(Debug)]
pub struct InRange<'a> {
    chart: &'a Chart,
    segments: Vec<Ranged<'a>>,
    intervals: Intervals<'a>,
}

impl<'a> InRange<'a> {
    /// For a chart of some of these segments.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn new(chart: &'a Chart, segments: &'a [SegmentTables], zone: &'a TimeZone) -> Result<Self, ChartError> {
        let chosen = chart.segments.iter().filter_map(|name| segments.iter().find(|segment| segment.name == *name));
        let segments: Vec<Ranged<'_>> =
            chosen.map(|segment| Ranged::new(segment, chart.window)).collect::<Result<_, _>>()?;
        let first = segments.iter().filter_map(|segment| segment.first).min();
        let first = chart.window.first.or(first).unwrap_or_default();
        Ok(InRange { chart, segments, intervals: Intervals { interval: chart.interval, zone, first } })
    }

    /// The names of its segments, in order.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| segment.tables.name.as_str())
    }

    /// How many groups it keeps.
    pub fn top(&self) -> usize {
        self.chart.top
    }

    /// The active users of one of its segments.
    pub fn asked_users(&self, segment: usize) -> AskedUsers<'_> {
        AskedUsers { segment: &self.segments[segment], intervals: &self.intervals }
    }

    /// Its series over one of its segments, with what is asked of their cells.
    pub fn series_of<'s>(
        &'s self,
        segment: usize,
        added: &'s AddedColumns,
        groups: &'s Groups,
    ) -> Vec<(SeriesOf<'s>, Ask<'s>)> {
        let one = |(place, series): (usize, &'s Series)| {
            let uses =
                |function| self.chart.formula.iter().any(|formula| formula.functions().contains(&(function, place)));
            let of = SeriesOf {
                chart: &self.chart.name,
                series,
                segment: &self.segments[segment],
                added,
                intervals: &self.intervals,
                groups,
                with_events: series.counts_events() || uses(Function::EventTotals),
                with_users: uses(Function::Uniques),
            };
            let (bounds, unit) = self.bounds(place);
            let bounds = if self.draws(place) { bounds } else { &[] };
            (of, Ask { bounds, bins_of_events: unit == Unit::Events })
        };
        self.chart.series.iter().enumerate().map(one).collect()
    }

    /// The series that have groups. The sizes of those of the first one decide which ones the chart keeps.
    pub fn grouped(&self) -> impl Iterator<Item = usize> + '_ {
        let series = self.chart.series.iter().enumerate();
        series.filter(|(_, series)| series.group_by.is_some()).map(|(place, _)| place)
    }

    /// Whether a series has a histogram.
    fn draws(&self, place: usize) -> bool {
        match &self.chart.formula {
            None => true,
            Some(Formula::Histogram(series)) => *series == place,
            Some(Formula::Number { .. }) => false,
        }
    }

    fn bounds(&self, place: usize) -> (&[i64], Unit) {
        match self.chart.series[place].counts_events() {
            true => (&self.chart.buckets, Unit::Events),
            false => (&self.chart.bins, Unit::Millis),
        }
    }

    /// The lines of the chart, from what was counted in each of its segments.
    pub fn lines(&self, groups: &Groups, counted: &[Counted]) -> Vec<Line> {
        let InRange { chart, intervals, .. } = self;
        let laying_out = LayingOut { of: self, chart, intervals, groups };
        let mut lines = Vec::new();
        for place in 0..chart.series.len() {
            counted.iter().for_each(|counted| laying_out.add_series(place, counted, &mut lines));
        }
        if let Some(formula @ Formula::Number { .. }) = &chart.formula {
            counted.iter().for_each(|counted| laying_out.add_formula(formula, counted, &mut lines));
        }
        lines
    }
}

/// A chart on its way into lines.
struct LayingOut<'a> {
    of: &'a InRange<'a>,
    chart: &'a Chart,
    intervals: &'a Intervals<'a>,
    groups: &'a Groups,
}

/// Everything that was counted in a segment for a chart.
#[derive(Debug)]
pub struct Counted {
    /// The name of each lane.
    pub lanes: Arc<[String]>,
    /// The cells of each series.
    pub cells: Vec<BTreeMap<CellKey, Cell>>,
    /// Active users.
    pub active: ActiveUsers,
}

impl LayingOut<'_> {
    /// The bins of a series' histogram, where one is asked for.
    fn bins(&self, place: usize) -> Option<Bins> {
        let (bounds, unit) = self.of.bounds(place);
        // A hundred groups over a year of hours would be ten million rows of zeros.
        let empty_intervals = self.chart.series[place].group_by.is_none();
        self.of.draws(place).then(|| Bins { bounds: Arc::from(bounds), unit, empty_intervals })
    }

    fn add_series(&self, place: usize, counted: &Counted, lines: &mut Vec<Line>) {
        let series = &self.chart.series[place];
        let cells = &counted.cells[place];
        for (lane, segment) in counted.lanes_by_name() {
            let of_lane = range(cells, lane, 0..=u32::MAX);
            let groups: BTreeSet<u32> = of_lane.map(|(key, _)| key.group).collect();
            for group in groups {
                let rows = self.measure_rows(series, counted, cells, lane, group);
                let group = series.group_by.as_ref().map(|_| self.groups.name(group).to_string());
                let label = self.label(&series.name, segment, group);
                lines.push(Line { label, rows, bins: self.bins(place) });
            }
        }
    }

    fn measure_rows(
        &self,
        series: &Series,
        counted: &Counted,
        cells: &BTreeMap<CellKey, Cell>,
        lane: u32,
        group: u32,
    ) -> Vec<MeasureRow> {
        let row = |key: IntervalKey| {
            let cell = cells.get(&CellKey { lane, group, interval: key.number() }).cloned().unwrap_or_default();
            let active_users = counted.active.get(&(lane, key)).copied().unwrap_or(0);
            let measures = Measures { cell, active_users, counts_events: series.counts_events() };
            MeasureRow { interval_start: self.intervals.start(key), measures: Some(measures), formula: None }
        };
        self.intervals_of([range(cells, lane, group..=group)]).into_iter().map(row).collect()
    }

    fn add_formula(&self, formula: &Formula, counted: &Counted, lines: &mut Vec<Line>) {
        let used: BTreeSet<usize> = formula.functions().into_iter().map(|(_, series)| series).collect();
        let is_grouped = |place: usize| self.chart.series[place].group_by.is_some();
        for (lane, segment) in counted.lanes_by_name() {
            let grouped = used.iter().filter(|place| is_grouped(**place));
            let groups: BTreeSet<u32> = match used.iter().any(|place| is_grouped(*place)) {
                true => grouped
                    .flat_map(|place| range(&counted.cells[*place], lane, 0..=u32::MAX))
                    .map(|(key, _)| key.group)
                    .collect(),
                false => BTreeSet::from([0]),
            };
            for group in groups {
                // A series without groups applies to every group.
                let group_in = |place: usize| if is_grouped(place) { group } else { 0 };
                let cells =
                    used.iter().map(|place| range(&counted.cells[*place], lane, group_in(*place)..=group_in(*place)));
                let row = |key: IntervalKey| {
                    let of = |function: Function, place: usize| {
                        let key = CellKey { lane, group: group_in(place), interval: key.number() };
                        Some(counted.cells[place].get(&key).map_or(0.0, |cell| self.number(function, place, cell)))
                    };
                    let value = formula.value(&of);
                    MeasureRow { interval_start: self.intervals.start(key), measures: None, formula: value }
                };
                let rows: Vec<MeasureRow> = self.intervals_of(cells).into_iter().map(row).collect();
                let is_of_group = used.iter().any(|place| is_grouped(*place));
                let group = is_of_group.then(|| self.groups.name(group).to_string());
                if !rows.is_empty() {
                    lines.push(Line { label: self.label(FORMULA, segment, group), rows, bins: None });
                }
            }
        }
    }

    fn number(&self, function: Function, place: usize, cell: &Cell) -> f64 {
        match function {
            Function::SessionTotals => cell.sessions as f64,
            Function::EventTotals => cell.events as f64,
            Function::Uniques => cell.users as f64,
            Function::PropSum if self.chart.series[place].counts_events() => cell.sum,
            Function::PropSum => cell.time_spent_ms as f64 / 1_000.0,
        }
    }

    /// All intervals from the first to the last one of some cells.
    fn intervals_of<'c>(
        &self,
        cells: impl IntoIterator<Item = impl DoubleEndedIterator<Item = (&'c CellKey, &'c Cell)>>,
    ) -> Vec<IntervalKey> {
        let ends = cells.into_iter().flat_map(|mut cells| {
            let first = cells.next().map(|(key, _)| key.interval);
            let last = cells.next_back().map(|(key, _)| key.interval);
            first.into_iter().chain(last)
        });
        let ends: Vec<i64> = ends.collect();
        match (ends.iter().min(), ends.iter().max()) {
            (Some(first), Some(last)) => {
                self.intervals.between(IntervalKey::from_number(*first), IntervalKey::from_number(*last))
            }
            _ => Vec::new(),
        }
    }

    fn label(&self, series: &str, segment: &str, group: Option<String>) -> Label {
        Label { chart: self.chart.name.clone(), series: series.to_string(), segment: segment.to_string(), group }
    }
}

impl Counted {
    /// The lanes in order of their names.
    fn lanes_by_name(&self) -> Vec<(u32, &str)> {
        let mut lanes: Vec<(u32, &str)> = (0..).zip(self.lanes.iter().map(String::as_str)).collect();
        lanes.sort_by_key(|(_, name)| *name);
        lanes
    }
}

fn range(
    cells: &BTreeMap<CellKey, Cell>,
    lane: u32,
    groups: std::ops::RangeInclusive<u32>,
) -> impl DoubleEndedIterator<Item = (&CellKey, &Cell)> {
    let first = CellKey { lane, group: *groups.start(), interval: i64::MIN };
    let last = CellKey { lane, group: *groups.end(), interval: i64::MAX };
    cells.range(first..=last)
}
