//! A chart: what it is of, as lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::active::{active_users, Active, ActiveUsers};
use super::cells::{cells_of, Ask, Cell, CellKey};
use super::error::ChartError;
use super::formula::{Formula, Function};
use super::interval::{IntervalKey, Intervals};
use super::lanes::{Codes, Groups};
use super::sessions::{Ranged, SegmentTables, SeriesReader};
use super::{Bins, Label, Line, MeasureRow, Measures, Unit};
use crate::job::added::AddedColumns;
use crate::job::chart::{Chart, Series};
use crate::sessionize::aggregate::Window;
use crate::sessionize::time::Day;

/// As many files are read at once as make whole intervals and come to about this many bytes: a session of
/// a table takes some 30.
const BYTES_AT_ONCE: u64 = 1 << 25;
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
        let first = segments.iter().filter_map(|segment| segment.sessions.first()).map(|(day, _)| *day).min();
        let first = chart.window.first.or(first).unwrap_or_default();
        Ok(InRange { chart, segments, intervals: Intervals { interval: chart.interval, zone, first } })
    }

    /// Which active users the chart asks for, segment by segment.
    pub fn active_users(&self) -> impl Iterator<Item = AskedUsers<'_>> {
        self.segments.iter().map(|segment| AskedUsers {
            segment,
            window: self.chart.window,
            intervals: &self.intervals,
        })
    }

    /// Measures the chart; `active` are the users it asks for.
    ///
    /// # Errors
    /// A table that cannot be read; a value that a property cannot be compared with.
    pub fn measure(&self, added: &AddedColumns, active: &[&Active]) -> Result<Vec<Line>, ChartError> {
        let InRange { chart, segments, intervals } = self;
        let measuring = Measuring { chart, added, intervals, active, groups: Groups::default() };
        measuring.lines(segments).map_err(|error| match error {
            ChartError::Table(error) => ChartError::Table(error),
            error => ChartError::In { chart: chart.name.clone(), error: Box::new(error) },
        })
    }
}

/// The active users of a segment by interval, as a chart asks for them.
#[derive(Clone, Copy, Debug)]
pub struct AskedUsers<'a> {
    segment: &'a Ranged<'a>,
    window: Window,
    intervals: &'a Intervals<'a>,
}

impl AskedUsers<'_> {
    /// Whether another one has the same answer.
    pub fn is_same(&self, other: &AskedUsers<'_>) -> bool {
        self.segment.tables.name == other.segment.tables.name
            && (self.window, self.intervals.interval, self.intervals.first)
                == (other.window, other.intervals.interval, other.intervals.first)
    }

    /// Counts them.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn count(&self) -> Result<Active, ChartError> {
        Ok(active_users(self.segment, self.intervals)?)
    }
}

struct Measuring<'a> {
    chart: &'a Chart,
    added: &'a AddedColumns,
    intervals: &'a Intervals<'a>,
    /// The active users of each segment.
    active: &'a [&'a Active],
    groups: Groups,
}

/// Everything that was counted in a segment.
struct Counted {
    /// The name of each lane.
    lanes: Vec<String>,
    /// The cells of each series.
    cells: Vec<BTreeMap<CellKey, Cell>>,
    /// Active users.
    active: ActiveUsers,
}

impl Measuring<'_> {
    fn lines(mut self, segments: &[Ranged<'_>]) -> Result<Vec<Line>, ChartError> {
        if let Some(grouped) = self.chart.series.iter().position(|series| series.group_by.is_some()) {
            self.groups = self.largest_groups(grouped, segments)?;
        }
        let each = segments.iter().zip(self.active);
        let counted: Vec<Counted> =
            each.map(|(segment, active)| self.count(segment, active)).collect::<Result<_, _>>()?;
        let mut lines = Vec::new();
        for place in 0..self.chart.series.len() {
            counted.iter().for_each(|counted| self.add_series(place, counted, &mut lines));
        }
        if let Some(formula @ Formula::Number { .. }) = &self.chart.formula {
            counted.iter().for_each(|counted| self.add_formula(formula, counted, &mut lines));
        }
        Ok(lines)
    }

    fn reader(&self, place: usize) -> SeriesReader<'_> {
        let series = &self.chart.series[place];
        let uses = |function| self.chart.formula.iter().any(|formula| formula.functions().contains(&(function, place)));
        SeriesReader {
            series,
            added: self.added,
            intervals: self.intervals,
            groups: &self.groups,
            with_events: series.counts_events() || uses(Function::EventTotals),
            with_users: uses(Function::Uniques),
        }
    }

    fn largest_groups(&self, place: usize, segments: &[Ranged<'_>]) -> Result<Groups, ChartError> {
        let reader = self.reader(place);
        let mut sizes: BTreeMap<String, i64> = BTreeMap::new();
        for segment in segments {
            for (group, sessions) in reader.group_sizes(segment)? {
                *sizes.entry(group).or_default() += sessions;
            }
        }
        Ok(Groups::largest(sizes.into_iter().collect(), self.chart.top))
    }

    fn count(&self, segment: &Ranged<'_>, active: &Active) -> Result<Counted, ChartError> {
        let mut lanes = Codes::default();
        let mut cells = Vec::new();
        for (place, series) in self.chart.series.iter().enumerate() {
            let reader = self.reader(place);
            let bins = self.bins(place);
            let bounds = bins.as_ref().map_or(&[][..], |bins| &bins.bounds);
            let ask = Ask { bounds, bins_of_events: series.counts_events() };
            let mut all = BTreeMap::new();
            for files in self.chunks(&segment.sessions) {
                all.extend(cells_of(&reader.read(segment, files, &mut lanes)?, &ask));
            }
            cells.push(all);
        }
        let active = active.in_lanes(&mut lanes);
        let name = &segment.tables.name;
        let lanes = match segment.tables.by {
            None => vec![name.clone()],
            Some(_) => lanes.into_texts().into_iter().map(|value| format!("{name}={value}")).collect(),
        };
        Ok(Counted { lanes, cells, active })
    }

    /// The files in parts of whole intervals, so that each part's cells are whole.
    fn chunks<'f>(&self, files: &'f [(Day, PathBuf)]) -> Vec<&'f [(Day, PathBuf)]> {
        let mut chunks = Vec::new();
        let mut start = 0;
        let mut bytes = 0;
        for next in 1..=files.len() {
            let (day, path) = &files[next - 1];
            bytes += path.metadata().map_or(0, |file| file.len());
            let is_last = next == files.len();
            let is_whole = is_last || self.intervals.of(*day) != self.intervals.of(files[next].0);
            if is_last || is_whole && bytes >= BYTES_AT_ONCE {
                chunks.push(&files[start..next]);
                (start, bytes) = (next, 0);
            }
        }
        chunks
    }

    /// The bins of a series' histogram, where one is asked for.
    fn bins(&self, place: usize) -> Option<Bins> {
        let drawn = match &self.chart.formula {
            None => true,
            Some(Formula::Histogram(series)) => *series == place,
            Some(Formula::Number { .. }) => false,
        };
        let series = &self.chart.series[place];
        let (bounds, unit) = match series.counts_events() {
            true => (&self.chart.buckets, Unit::Events),
            false => (&self.chart.bins, Unit::Millis),
        };
        // A hundred groups over a year of hours would be ten million rows of zeros.
        let empty_intervals = series.group_by.is_none();
        drawn.then(|| Bins { bounds: Arc::from(bounds.as_slice()), unit, empty_intervals })
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
