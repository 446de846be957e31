//! A chart: what it asks of the tables, and what was counted there as lines.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use jiff::tz::TimeZone;

use super::active::{ActiveUsers, AskedUsers};
use super::cells::{Ask, Cell};
use super::error::ChartError;
use super::funnel::{FunnelLine, Step};
use super::interval::{Ends, IntervalKey, Intervals};
use super::lanes::ChartGroups;
use super::lonely::Sparse;
use super::parts::CellKey;
use super::rows::FileRows;
use super::segments::{Ranged, SegmentTables};
use super::series::{SeriesOf, Takes};
use super::tables::DatedFile;
use super::time_on::{TimeLine, TimeSpent};
use super::timeline::Timeline;
use super::{Bins, Label, Line, MeasureRow, Measures, Unit};
use crate::events::predicate::over_rows::RowCondition;
use crate::job::added::AddedColumns;
use crate::job::chart::{Chart, Interval};
use crate::job::formula::{Formula, Function};
use crate::job::segment::ALL;
use crate::job::series::{GroupKey, Series};
use crate::sessionize::time::dates::Window;
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;
use crate::tables::read::schema_of;
use crate::tables::schema::sessions::SESSIONS;

/// The series of a line that is a formula's.
const FORMULA: &str = "formula";

/// A chart within its dates.
#[derive(Debug)]
pub struct InRange<'a> {
    chart: &'a Chart,
    segments: Vec<Ranged<'a>>,
    intervals: Intervals<'a>,
    /// The first and the last interval, as far as its dates or the sessions of all events say.
    ends: Option<Ends>,
    /// The series that its formula takes something of.
    used: BTreeSet<usize>,
    /// Of each segment and series, the condition of sessions; none where there is no session.
    sessions: Vec<Vec<Option<RowCondition>>>,
}

impl<'a> InRange<'a> {
    /// For a chart of some of these segments, whose tables have the columns `added`.
    ///
    /// # Errors
    /// A table that cannot be read; a condition that does not fit its columns.
    pub fn new(
        chart: &'a Chart,
        segments: &'a [SegmentTables],
        added: &AddedColumns,
        zone: &'a TimeZone,
    ) -> Result<Self, ChartError> {
        let all = segments.iter().find(|segment| segment.name == ALL);
        let chosen = chart.segments.iter().filter_map(|name| segments.iter().find(|segment| segment.name == *name));
        let segments: Vec<Ranged<'_>> =
            chosen.map(|segment| Ranged::new(segment, chart.window)).collect::<Result<_, _>>()?;
        let of_all = all_sessions(all, chart.window);
        let first = segments.iter().filter_map(|segment| segment.first).chain(of_all.first().map(|(day, _)| *day));
        let first = chart.window.first.or(first.min()).unwrap_or_default();
        let intervals = Intervals { interval: chart.interval, starts: chart.starts, zone, first };
        let ends = ends_of(&intervals, chart.window, &of_all)?;
        let functions = chart.all_formulas().flat_map(Formula::functions);
        let used = functions.map(|(_, series)| series).collect();
        let sessions = segments.iter().map(|segment| conditions(chart, segment, added)).collect::<Result<_, _>>()?;
        Ok(InRange { chart, segments, intervals, ends, used, sessions })
    }

    /// The names of its segments, in order.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|segment| segment.tables.name.as_str())
    }

    /// The columns of whose values each combination is one of a segment's, by the segment's place.
    pub fn columns_of_segment(&self, place: usize) -> &[String] {
        self.segments.get(place).map_or(&[], |segment| &segment.tables.by)
    }

    /// The chart.
    pub fn chart(&self) -> &'a Chart {
        self.chart
    }

    /// Its intervals.
    pub fn intervals(&self) -> &Intervals<'a> {
        &self.intervals
    }

    /// The active users of one of its segments.
    pub fn asked_users(&self, segment: usize) -> AskedUsers<'_> {
        AskedUsers { segment: &self.segments[segment], intervals: &self.intervals }
    }

    /// Its series over one of its segments, with what is asked of their cells; then the steps of its funnel, or the
    /// views that time is spent on and how long they take.
    pub fn series_of<'s>(
        &'s self,
        segment: usize,
        added: &'s AddedColumns,
        groups: &'s ChartGroups,
    ) -> Vec<(SeriesOf<'s>, Ask<'s>)> {
        let one = |(place, series): (usize, &'s Series)| {
            let uses =
                |function| self.chart.all_formulas().any(|formula| formula.functions().contains(&(function, place)));
            let of = SeriesOf {
                chart: &self.chart.name,
                series,
                segment: &self.segments[segment],
                added,
                sessions: self.sessions[segment][place].as_ref(),
                intervals: &self.intervals,
                groups: groups.of(place),
                with_events: series.counts_events() || uses(Function::EventTotals),
                with_users: uses(Function::Uniques),
                values: groups.of(self.chart.series.len()),
                takes: Takes::Sessions,
            };
            let (bounds, unit) = self.bounds(place);
            let bounds = if self.draws(place) { bounds } else { &[] };
            (of, Ask { bounds, bins_of_events: unit == Unit::Events })
        };
        let mut all: Vec<(SeriesOf<'s>, Ask<'s>)> = self.chart.series.iter().enumerate().map(one).collect();
        let steps = self.chart.funnel().map_or(0, |funnel| funnel.names.len());
        let (of, ask) = (all[0].0, Ask { bounds: &[], bins_of_events: false });
        let views = self.chart.time_on().map(|_| [Takes::Views, Takes::Times]);
        let parts = (0..steps).map(Takes::Step).chain(views.into_iter().flatten());
        all.extend(parts.map(|takes| (SeriesOf { takes, ..of }, ask.clone())));
        all
    }

    /// The properties that its series are grouped by, or several together, in the order in which they come, then the one that
    /// time is spent on; and of each series its place among them. Which groups are kept is decided for each property by the first series that is grouped by it.
    pub fn grouped(&self) -> (Vec<Grouping>, Vec<Option<usize>>) {
        let mut properties: Vec<Vec<GroupKey<'_>>> = Vec::new();
        let one = |series: &'a Series| {
            let property = series.group_keys();
            if property.is_empty() {
                return None;
            }
            let known = properties.iter().position(|known| *known == property);
            Some(known.unwrap_or_else(|| {
                properties.push(property);
                properties.len() - 1
            }))
        };
        let mut of_series: Vec<Option<usize>> = self.chart.series.iter().map(one).collect();
        let grouping = |property: &Vec<GroupKey<'_>>| Grouping { columns: property.len(), top: self.chart.top };
        let mut groupings: Vec<Grouping> = properties.iter().map(grouping).collect();
        // The views that time is spent on come behind the series.
        of_series.push(self.chart.time_on().map(|time_on| {
            groupings.push(Grouping { columns: 1, top: time_on.top });
            groupings.len() - 1
        }));
        (groupings, of_series)
    }

    /// Whether a series has a histogram.
    fn draws(&self, place: usize) -> bool {
        match &self.chart.formula {
            None => self.chart.formulas.is_empty(),
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
    pub fn lines(&self, groups: &ChartGroups, counted: &[Counted]) -> Laid {
        let laying_out = LayingOut { of: self, chart: self.chart, groups, empty: Arc::default() };
        let planned = laying_out.plan(counted);
        let keys: Vec<Vec<IntervalKey>> = planned.iter().map(|line| line.keys(self.chart)).collect();
        let timeline = Timeline::new(&self.intervals, self.ends, &keys);
        let lay_out = |(line, keys): (&Planned<'_>, &Vec<IntervalKey>)| {
            let rows = timeline.rows_of(keys);
            laying_out.line(line, &rows)
        };
        let lines = planned.iter().zip(&keys).map(lay_out).filter(|line| !line.rows.is_empty()).collect();
        let funnels = match self.chart.funnel() {
            None => Vec::new(),
            Some(funnel) => {
                let lay_out = |(line, keys): (&Planned<'_>, &Vec<IntervalKey>)| {
                    laying_out.funnel(line, &timeline.rows_of(keys), &funnel.names)
                };
                planned.iter().zip(&keys).map(lay_out).collect()
            }
        };
        let by_day = || sessions_by_day(counted, self.chart.series.len());
        let sparse = timeline.is_sparse().then(|| Sparse::new(&self.chart.name, self.chart.interval, &by_day()));
        let times = if self.chart.time_on().is_some() { laying_out.times(&planned, &keys) } else { Vec::new() };
        Laid { lines, funnels, times, sparse }
    }
}

/// What is grouped by, and how many groups of it are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grouping {
    /// How many columns it is.
    pub columns: usize,
    /// How many groups are kept.
    pub top: usize,
}

/// A chart in lines.
#[derive(Debug, Default)]
pub struct Laid {
    /// Those of its measures and histograms.
    pub lines: Vec<Line>,
    /// Those of its funnel.
    pub funnels: Vec<FunnelLine>,
    /// Those of what time is spent on.
    pub times: Vec<TimeLine>,
    /// Where intervals without sessions have no rows, why.
    pub sparse: Option<Sparse>,
}

/// The files of the sessions of all events on some dates, in order.
fn all_sessions(all: Option<&SegmentTables>, window: Window) -> Vec<DatedFile> {
    let mut files = all.map(|all| all.files.dated(SESSIONS)).unwrap_or_default();
    files.retain(|(day, _)| window.holds(*day));
    files
}

/// The first and the last interval of a chart: from the first to the last date where it names them, else from the first to
/// the last session of all events; `None` where there is none.
fn ends_of(intervals: &Intervals<'_>, window: Window, all: &[DatedFile]) -> Result<Option<Ends>, TableError> {
    let first = match (window.first, all.first()) {
        (Some(day), _) => Some((day, None)),
        (None, Some(file)) => Some((file.0, outer_start(intervals, file, false)?)),
        (None, None) => None,
    };
    let last = match (window.last, all.last()) {
        (Some(day), _) => Some((day, None)),
        (None, Some(file)) => Some((file.0, outer_start(intervals, file, true)?)),
        (None, None) => None,
    };
    let (Some((first, first_start)), Some((last, last_start))) = (first, last) else { return Ok(None) };
    if first > last {
        return Ok(None);
    }
    let of_dates = intervals.of_dates(first, last);
    Ok(of_dates.map(|ends| (first_start.unwrap_or(ends.0), last_start.unwrap_or(ends.1))))
}

/// The interval of the first or last session of a date, where that is not the date's own.
fn outer_start(
    intervals: &Intervals<'_>,
    (day, path): &DatedFile,
    is_last: bool,
) -> Result<Option<IntervalKey>, TableError> {
    const START: &str = "start_time";
    if intervals.interval != Interval::Hour {
        return Ok(None);
    }
    let starts = FileRows::read(path, &BTreeSet::from([START.to_string()]))?.ints(START)?;
    let start = if is_last { starts.iter().max() } else { starts.iter().min() };
    Ok(start.map(|start| intervals.of_start(*day, Timestamp::from_micros(*start))))
}

/// The conditions of sessions of a chart's series, over the columns of a segment's table.
fn conditions(
    chart: &Chart,
    segment: &Ranged<'_>,
    added: &AddedColumns,
) -> Result<Vec<Option<RowCondition>>, ChartError> {
    let none = chart.series.iter().all(|series| series.sessions.is_none());
    let Some((_, first)) = segment.tables.files.dated(SESSIONS).into_iter().next().filter(|_| !none) else {
        return Ok(chart.series.iter().map(|_| None).collect());
    };
    let all = schema_of(&first)?;
    let by = segment.tables.by.iter().map(String::as_str);
    let others: BTreeSet<&str> = added.of_charts_alone().iter().map(|column| column.name.as_str()).chain(by).collect();
    let of_session = all.fields().iter().filter(|field| !others.contains(field.name().as_str()));
    let of_session = Schema::new(of_session.cloned().collect::<Vec<FieldRef>>());
    let asked_by = format!("`sessions` of {}", chart.in_words());
    let one = |text: &String| RowCondition::new(text, &of_session, &asked_by);
    chart.series.iter().map(|series| Ok(series.sessions.as_ref().map(one).transpose()?)).collect()
}

/// The sessions of the intervals that begin with each date: those of the series, of so many, and the segment that have most.
fn sessions_by_day(counted: &[Counted], series: usize) -> BTreeMap<Day, i64> {
    let mut most = BTreeMap::new();
    for cells in counted.iter().flat_map(|counted| counted.cells.iter().take(series)) {
        let mut of_series: BTreeMap<Day, i64> = BTreeMap::new();
        for (key, cell) in cells {
            *of_series.entry(IntervalKey::from_number(key.interval).day()).or_default() += cell.sessions;
        }
        for (day, sessions) in of_series {
            let known: &mut i64 = most.entry(day).or_default();
            *known = sessions.max(*known);
        }
    }
    most
}

/// A chart on its way into lines.
struct LayingOut<'a> {
    of: &'a InRange<'a>,
    chart: &'a Chart,
    groups: &'a ChartGroups,
    /// The cell of no session.
    empty: Arc<Cell>,
}

/// Everything that was counted in a segment for a chart.
#[derive(Debug)]
pub struct Counted {
    /// The name of each lane.
    pub lanes: Arc<[String]>,
    /// Where a lane is a value of a column, the lanes that sessions of the chart's dates are in; else there is one.
    pub met: Option<BTreeSet<u32>>,
    /// The cells of each series, and then of each step of a funnel, or of views and of how long they take.
    pub cells: Vec<BTreeMap<CellKey, Cell>>,
    /// Active users.
    pub active: ActiveUsers,
}

/// A line, as what it is about.
struct Planned<'a> {
    counted: &'a Counted,
    lane: u32,
    /// The code of its group; `None` where there is no session, and so no group.
    group: Option<u32>,
    what: What<'a>,
}

/// What a line shows.
enum What<'a> {
    /// The measures of a series, by its place.
    Series(usize),
    /// Its formulas over some series, by their places.
    Formulas(&'a BTreeSet<usize>),
}

impl Planned<'_> {
    /// The places of the series that it is made of.
    fn series(&self) -> Vec<usize> {
        match self.what {
            What::Series(place) => vec![place],
            What::Formulas(used) => used.iter().copied().collect(),
        }
    }

    /// The cells of a series that it shows; a series without groups applies to every group.
    fn cell_key(&self, chart: &Chart, place: usize) -> Option<CellKey> {
        let group = if chart.series[place].group_by.is_empty() { 0 } else { self.group? };
        Some(CellKey { lane: self.lane, group, interval: 0 })
    }

    /// The intervals in which it has sessions, each once.
    fn keys(&self, chart: &Chart) -> Vec<IntervalKey> {
        let of_series = |place: usize| {
            let key = self.cell_key(chart, place);
            let cells = key.map(|key| range(&self.counted.cells[place], key.lane, key.group..=key.group));
            cells.into_iter().flatten().map(|(key, _)| key.interval)
        };
        let mut keys: Vec<i64> = self.series().into_iter().flat_map(of_series).collect();
        keys.sort_unstable();
        keys.dedup();
        keys.into_iter().map(IntervalKey::from_number).collect()
    }
}

impl LayingOut<'_> {
    /// The bins of a series' histogram, where one is asked for.
    fn bins(&self, place: usize) -> Option<Bins> {
        let (bounds, unit) = self.of.bounds(place);
        // A hundred groups over a year of hours would be ten million rows of zeros.
        let empty_intervals = self.chart.series[place].group_by.is_empty();
        self.of.draws(place).then(|| Bins { bounds: Arc::from(bounds), unit, empty_intervals })
    }

    /// All lines, in order.
    fn plan<'p>(&'p self, counted: &'p [Counted]) -> Vec<Planned<'p>> {
        let mut lines = Vec::new();
        for place in 0..self.chart.series.len() {
            for counted in counted {
                for (lane, _) in counted.lanes_by_name() {
                    let line = |group| Planned { counted, lane, group, what: What::Series(place) };
                    lines.extend(self.groups_in(counted, lane, &[place]).into_iter().map(line));
                }
            }
        }
        if !self.chart.all_formulas().any(|formula| matches!(formula, Formula::Number { .. })) {
            return lines;
        }
        let used = &self.of.used;
        let places: Vec<usize> = used.iter().copied().collect();
        for counted in counted {
            for (lane, _) in counted.lanes_by_name() {
                let line = |group| Planned { counted, lane, group, what: What::Formulas(used) };
                lines.extend(self.groups_in(counted, lane, &places).into_iter().map(line));
            }
        }
        lines
    }

    /// The groups that some series have in a lane: one where they have none, in place of which none is where there might be.
    fn groups_in(&self, counted: &Counted, lane: u32, places: &[usize]) -> Vec<Option<u32>> {
        let mut grouped = places.iter().filter(|place| self.is_grouped(**place)).peekable();
        if grouped.peek().is_none() {
            return vec![Some(0)];
        }
        let groups: BTreeSet<u32> = grouped.flat_map(|place| groups_of(&counted.cells[*place], lane)).collect();
        match groups.is_empty() {
            true => vec![None],
            false => groups.into_iter().map(Some).collect(),
        }
    }

    fn line(&self, line: &Planned<'_>, rows: &[(IntervalKey, Timestamp)]) -> Line {
        let segment = &line.counted.lanes[line.lane as usize];
        let grouped = line.series().into_iter().find(|place| self.is_grouped(*place));
        let group = grouped.and_then(|place| Some(self.groups.of(place).name(line.group?).into_owned()));
        let (name, bins) = match line.what {
            What::Series(place) => (self.chart.series[place].name.as_str(), self.bins(place)),
            What::Formulas(_) => (FORMULA, None),
        };
        let label = Label { chart: self.chart.name.clone(), series: name.to_string(), segment: segment.clone(), group };
        Line { label, rows: rows.iter().map(|(key, start)| self.row(line, *key, *start)).collect(), bins }
    }

    /// The steps of a funnel in each interval, of the sessions that a line of measures is of.
    fn funnel(&self, line: &Planned<'_>, rows: &[(IntervalKey, Timestamp)], names: &[String]) -> FunnelLine {
        let of_interval = |(key, start): &(IntervalKey, Timestamp)| {
            let cell = |step: usize| {
                let key = CellKey { interval: key.number(), ..line.cell_key(self.chart, 0)? };
                line.counted.cells[self.chart.series.len() + step].get(&key)
            };
            (*start, (0..names.len()).map(|step| Step::of(step, cell(step))).collect())
        };
        let label = self.line(line, &[]).label;
        FunnelLine { label, names: names.to_vec(), rows: rows.iter().map(of_interval).collect() }
    }

    /// The values that time is spent on, of the sessions that each line of measures is of: those have sessions in the intervals
    /// `of_measures`.
    fn times(&self, planned: &[Planned<'_>], of_measures: &[Vec<IntervalKey>]) -> Vec<TimeLine> {
        let views = self.chart.series.len();
        let values = self.groups.of(views);
        // A line for each value of a line; where it has none, one without.
        let mut lines: Vec<(&Planned<'_>, Option<u32>)> = Vec::new();
        for line in planned {
            let key = line.cell_key(self.chart, 0);
            let codes = key.map_or(0..=0, |key| {
                let first = key.group.saturating_mul(values.codes());
                first..=first.saturating_add(values.codes() - 1)
            });
            let cells = range(&line.counted.cells[views], line.lane, codes).map(|(key, _)| key.group);
            let met: BTreeSet<u32> = if key.is_some() { cells.collect() } else { BTreeSet::new() };
            match met.is_empty() {
                true => lines.push((line, None)),
                false => lines.extend(met.into_iter().map(|code| (line, Some(code)))),
            }
        }
        let of_line = |(line, code): &(&Planned<'_>, Option<u32>)| -> Vec<IntervalKey> {
            let Some(code) = code else { return Vec::new() };
            let cells = range(&line.counted.cells[views], line.lane, *code..=*code);
            cells.map(|(key, _)| IntervalKey::from_number(key.interval)).collect()
        };
        let keys: Vec<Vec<IntervalKey>> = lines.iter().map(of_line).collect();
        // From the first to the last one of the measures: sessions without a view have intervals, too.
        let spans: Vec<Vec<IntervalKey>> = keys.iter().chain(of_measures).cloned().collect();
        let timeline = Timeline::new(&self.of.intervals, self.of.ends, &spans);
        let lay_out = |((line, code), keys): (&(&Planned<'_>, Option<u32>), &Vec<IntervalKey>)| {
            let of_interval = |(key, start): (IntervalKey, Timestamp)| {
                let cell = |place: usize| {
                    let key = CellKey { lane: line.lane, group: (*code)?, interval: key.number() };
                    line.counted.cells[place].get(&key)
                };
                (start, TimeSpent::of(cell(views), cell(views + 1)))
            };
            TimeLine {
                label: self.line(line, &[]).label,
                value: code.map(|code| values.name(code % values.codes()).into_owned()),
                rows: timeline.rows_of(keys).into_iter().map(of_interval).collect(),
            }
        };
        lines.iter().zip(&keys).map(lay_out).collect()
    }

    fn row(&self, line: &Planned<'_>, key: IntervalKey, interval_start: Timestamp) -> MeasureRow {
        let cell = |place: usize| {
            let key = CellKey { interval: key.number(), ..line.cell_key(self.chart, place)? };
            line.counted.cells[place].get(&key)
        };
        match line.what {
            What::Series(place) => {
                let users = line.counted.active.get(&(line.lane, key)).copied().unwrap_or_default();
                let counts_events = self.chart.series[place].counts_events();
                let cell = cell(place).map_or_else(|| Arc::clone(&self.empty), |cell| Arc::new(cell.clone()));
                MeasureRow {
                    interval_start,
                    measures: Some(Measures { cell, users, counts_events }),
                    formula: None,
                    formulas: Vec::new(),
                }
            }
            What::Formulas(_) => {
                let of = |function: Function, place: usize| {
                    Some(cell(place).map_or(0.0, |cell| self.number(function, place, cell)))
                };
                let formula = self.chart.formula.as_ref().and_then(|formula| formula.value(&of));
                let formulas = self.chart.formulas.iter().map(|formula| formula.value(&of)).collect();
                MeasureRow { interval_start, measures: None, formula, formulas }
            }
        }
    }

    fn is_grouped(&self, place: usize) -> bool {
        !self.chart.series[place].group_by.is_empty()
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
}

impl Counted {
    /// The lanes in order of their names. Of a segment `by` a column, those of values that a user or a session of the chart's
    /// dates has: other charts may be of other dates.
    fn lanes_by_name(&self) -> Vec<(u32, &str)> {
        let active: BTreeSet<u32> = self.active.keys().map(|(lane, _)| *lane).collect();
        let is_there = |lane: &u32| self.met.as_ref().is_none_or(|met| met.contains(lane) || active.contains(lane));
        let all = (0..).zip(self.lanes.iter().map(String::as_str));
        let mut lanes: Vec<(u32, &str)> = all.filter(|(lane, _)| is_there(lane)).collect();
        lanes.sort_by_key(|(_, name)| *name);
        lanes
    }
}

/// The groups that have sessions in a lane.
fn groups_of(cells: &BTreeMap<CellKey, Cell>, lane: u32) -> BTreeSet<u32> {
    range(cells, lane, 0..=u32::MAX).map(|(key, _)| key.group).collect()
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
