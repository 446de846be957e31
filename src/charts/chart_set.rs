//! The charts of a job over the tables of a folder: measured, and staged as the folder's measures and
//! histograms.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use rayon::ThreadPool;

use super::active::{Active, ActivePass, ActiveUsers, AskedUsers};
use super::error::ChartError;
use super::first_active::FirstHours;
use super::funnel::FunnelLine;
use super::lanes::{ChartGroups, Groups};
use super::lonely::Sparse;
use super::measure::{Counted, Grouping, InRange};
use super::measures_table::{write_funnels, write_histograms, write_measures, write_times, FormulaColumns, Paths};
use super::packed::Packed;
use super::parts::Part;
use super::pass::{group_sizes, Pass, Passed};
use super::segments::SegmentTables;
use super::series::{GroupSizes, LargestGroups, SeriesOf, GROUP_SHARES};
use super::tables::parts_in_batches;
use super::time_on::TimeLine;
use super::unmet::Unmet;
use super::user_passes::{all_shares, Reading};
use super::Line;
use crate::error::Error;
use crate::job::added::AddedColumns;
use crate::job::chart::Interval;
use crate::job::memory_limit::MemoryLimit;
use crate::job::segment::ALL;
use crate::job::Chart;
use crate::pipeline;
use crate::tables::error::TableError;
use crate::tables::folder::LockedFolder;
use crate::tables::schema::sessions::SESSIONS;
use crate::tables::write::csv_file::CsvStyle;
use crate::tables::write::parquet_file::{Provenance, Size};

/// Charts and what they are made of.
#[derive(Clone, Copy, Debug)]
pub struct ChartSet<'a> {
    /// The charts.
    pub charts: &'a [Chart],
    /// The tables of all segments.
    pub segments: &'a [SegmentTables],
    /// The columns that the job declares and the charts added to the sessions tables.
    pub added: &'a AddedColumns,
    /// The memory that may be taken; `None` for no limit.
    pub limit: Option<MemoryLimit>,
    /// How many users were first active when, where that is known.
    pub first_hours: Option<&'a FirstHours>,
}

/// What came of charts.
#[derive(Debug)]
pub struct Measured {
    /// Their lines, in order.
    pub lines: Vec<Line>,
    /// The lines of funnels, in order.
    pub funnels: Vec<FunnelLine>,
    /// The lines of what time is spent on, in order.
    pub times: Vec<TimeLine>,
    /// The charts that have rows only for intervals with sessions.
    pub sparse: Vec<Sparse>,
    /// The filters that no session passes.
    pub unmet: Vec<Unmet>,
}

impl ChartSet<'_> {
    /// Measures all charts.
    ///
    /// # Errors
    /// A table that cannot be read; a value that a property cannot be compared with.
    pub fn measure(&self, pool: &ThreadPool, zone: &TimeZone) -> Result<Measured, Error> {
        let charts: Vec<&Chart> = self.charts.iter().collect();
        let charts = pipeline::each(pool, &charts, |&chart| {
            InRange::new(chart, self.segments, self.added, zone).map_err(failed)
        })?;
        let measuring = self.measuring(pool, &charts);
        let groups = measuring.largest_groups()?;
        // What was counted for each chart, in the order of its segments.
        let mut counted: Vec<BTreeMap<usize, Counted>> = charts.iter().map(|_| BTreeMap::new()).collect();
        let each_segment: Vec<(&SegmentTables, Vec<Active>)> = self.segments.iter().zip(measuring.active()?).collect();
        let counts = |(segment, active): &(&SegmentTables, Vec<Active>)| measuring.count(segment, active, &groups);
        for of_segment in pipeline::each(pool, &each_segment, counts)? {
            of_segment.into_iter().for_each(|(of, in_it)| drop(counted[of.chart].insert(of.segment, in_it)));
        }
        let (mut lines, mut funnels, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let (mut sparse, mut unmet) = (Vec::new(), Vec::<Unmet>::new());
        for ((chart, groups), counted) in charts.iter().zip(groups).zip(counted) {
            let found = measuring.unmet(chart, &groups, counted.values()).map_err(failed)?;
            // A filter of all series is one.
            found.into_iter().for_each(|found| unmet.extend((!unmet.contains(&found)).then_some(found)));
            let laid = chart.lines(&groups, &counted.into_values().collect::<Vec<_>>());
            lines.extend(laid.lines);
            funnels.extend(laid.funnels);
            times.extend(laid.times);
            sparse.extend(laid.sparse);
        }
        Ok(Measured { lines, funnels, times, sparse, unmet })
    }

    /// The groups that a chart of these keeps.
    ///
    /// # Errors
    /// As [`ChartSet::measure`].
    pub fn groups_of(&self, pool: &ThreadPool, chart: &InRange<'_>) -> Result<ChartGroups, Error> {
        let groups = self.measuring(pool, std::slice::from_ref(chart)).largest_groups()?;
        Ok(groups.into_iter().next().unwrap_or_default())
    }

    fn measuring<'s>(&'s self, pool: &'s ThreadPool, charts: &'s [InRange<'s>]) -> Measuring<'s> {
        let ChartSet { segments, added, limit, first_hours, .. } = *self;
        Measuring { pool, segments, added, charts, limit, first_hours }
    }
}

/// An error of a table as such, and not as one of a chart.
pub fn failed(error: ChartError) -> Error {
    match error {
        ChartError::Table(error) => error.into(),
        other => other.into(),
    }
}

/// A segment of a chart, by their places among the charts, and among the segments of the chart.
#[derive(Clone, Copy)]
struct ChartSegment {
    chart: usize,
    segment: usize,
}

/// Charts on their way over the tables, on all threads.
struct Measuring<'a> {
    pool: &'a ThreadPool,
    segments: &'a [SegmentTables],
    added: &'a AddedColumns,
    charts: &'a [InRange<'a>],
    limit: Option<MemoryLimit>,
    first_hours: Option<&'a FirstHours>,
}

impl Measuring<'_> {
    /// The charts that are of a segment.
    fn charts_of<'s>(&'s self, segment: &'s SegmentTables) -> impl Iterator<Item = ChartSegment> + 's {
        self.charts.iter().enumerate().filter_map(|(chart, in_range)| {
            let segment = in_range.segments().position(|name| name == segment.name)?;
            Some(ChartSegment { chart, segment })
        })
    }

    /// The filters of a chart that no session passes: of its series that count none.
    fn unmet<'c>(
        &self,
        chart: &InRange<'_>,
        groups: &ChartGroups,
        counted: impl Iterator<Item = &'c Counted> + Clone,
    ) -> Result<Vec<Unmet>, ChartError> {
        let segments = chart.segments().count();
        let mut unmet = Vec::new();
        for place in 0..chart.chart().series.len() {
            if counted.clone().any(|counted| !counted.cells[place].is_empty()) {
                continue;
            }
            let of_segment = |segment: usize| chart.series_of(segment, self.added, groups).into_iter().nth(place);
            let series: Vec<SeriesOf<'_>> = (0..segments).filter_map(of_segment).map(|(series, _)| series).collect();
            unmet.extend(Unmet::of(&series).map_err(|error| series[0].blame(error))?);
        }
        Ok(unmet)
    }

    /// The groups that each chart keeps.
    fn largest_groups(&self) -> Result<Vec<ChartGroups>, Error> {
        let grouped: Vec<(Vec<Grouping>, Vec<Option<usize>>)> = self.charts.iter().map(InRange::grouped).collect();
        let none: Vec<ChartGroups> = grouped.iter().map(|(_, series)| no_groups(series.len())).collect();
        // Of each chart, for each property that its series are grouped by.
        let mut largest: Vec<Vec<LargestGroups>> = grouped
            .iter()
            .map(|(properties, _)| properties.iter().map(|_| LargestGroups::default()).collect())
            .collect();
        let mut left = Vec::from_iter(std::iter::once(0..GROUP_SHARES));
        while let Some(shares) = left.pop() {
            let sizes = self.group_sizes(&grouped, &none, shares, &mut left)?;
            for (((groupings, _), largest), sizes) in grouped.iter().zip(&mut largest).zip(sizes) {
                let each = largest.iter_mut().zip(sizes).zip(groupings);
                each.for_each(|((largest, sizes), grouping)| largest.take(&sizes, grouping.top));
            }
        }
        let groups = grouped.iter().zip(largest);
        Ok(groups.map(|((groupings, series), largest)| groups_of_series(groupings, series, largest)).collect())
    }

    /// The sizes of the groups of some shares, of each chart, for each property that its series are grouped by; shares that
    /// memory does not hold beside others are left.
    fn group_sizes(
        &self,
        grouped: &[(Vec<Grouping>, Vec<Option<usize>>)],
        none: &[ChartGroups],
        mut shares: Range<usize>,
        left: &mut Vec<Range<usize>>,
    ) -> Result<Vec<Vec<GroupSizes>>, Error> {
        let mut sizes: Vec<Vec<GroupSizes>> =
            grouped.iter().map(|(properties, _)| properties.iter().map(|_| GroupSizes::default()).collect()).collect();
        for segment in self.segments {
            let of_chart = |of: ChartSegment| {
                let series = self.charts[of.chart].series_of(of.segment, self.added, &none[of.chart]);
                let properties = &grouped[of.chart].1;
                let one = |(place, property): (usize, &Option<usize>)| {
                    let is_ranked = match self.charts[of.chart].chart().ranked {
                        Some(ranked) => place == ranked,
                        None => properties[..place].iter().all(|before| before != property),
                    };
                    Some(((of.chart, (*property)?, is_ranked), series[place].0))
                };
                properties.iter().enumerate().filter_map(one).collect::<Vec<_>>()
            };
            let (places, series): (Vec<(usize, usize, bool)>, Vec<SeriesOf<'_>>) =
                self.charts_of(segment).flat_map(of_chart).unzip();
            if series.is_empty() {
                continue;
            }
            let batches = parts_in_batches(segment.files.dated(SESSIONS), self.reading().at_once());
            for files in batches.map_err(|error| failed(error.into()))? {
                let of_files = pipeline::each(self.pool, &files, |file| group_sizes(file, &series).map_err(failed))?;
                for of_file in of_files {
                    for ((chart, property, is_ranked), of_file) in places.iter().zip(of_file) {
                        let sizes = &mut sizes[*chart][*property];
                        match is_ranked {
                            true => sizes.merge(&of_file, &shares),
                            // The series that ranks them may have none.
                            false => sizes.meet(&of_file, &shares),
                        }
                    }
                    while shares.len() > 1 && self.is_near_with(&sizes) {
                        let middle = shares.start + shares.len() / 2;
                        left.push(middle..shares.end);
                        shares.end = middle;
                        sizes.iter_mut().flatten().for_each(|sizes| sizes.keep(&shares));
                    }
                }
            }
        }
        Ok(sizes)
    }

    /// Whether memory may not hold what these grow to.
    fn is_near_with(&self, sizes: &[Vec<GroupSizes>]) -> bool {
        let held: usize = sizes.iter().flatten().map(GroupSizes::bytes).sum();
        self.limit.is_some_and(|limit| limit.is_near_with(held as u64))
    }

    /// What charts count in a segment, with the active users of it in order of those who ask for them.
    fn count(
        &self,
        segment: &SegmentTables,
        active: &[Active],
        groups: &[ChartGroups],
    ) -> Result<Vec<(ChartSegment, Counted)>, Error> {
        let charts: Vec<ChartSegment> = self.charts_of(segment).collect();
        let (_, answers) = self.asked_users(segment);
        let mut series = Vec::new();
        let mut counts = Vec::new();
        for of in &charts {
            let of_chart = self.charts[of.chart].series_of(of.segment, self.added, &groups[of.chart]);
            counts.push(of_chart.len());
            series.extend(of_chart);
        }
        let (cells, mut lanes, met) = self.pass(Pass::new(segment, series))?;
        let active: Vec<ActiveUsers> = active.iter().map(|active| active.in_lanes(&mut lanes)).collect();
        let is_by_value = !segment.by.is_empty();
        let lanes: Arc<[String]> = match is_by_value {
            false => Arc::from([segment.lane_name(None)]),
            // No values have the empty text.
            true => lanes
                .into_texts()
                .iter()
                .map(|text| segment.lane_name(Some(text.as_str()).filter(|text| !text.is_empty())))
                .collect(),
        };
        let mut cells = cells.into_iter();
        let of_charts = charts.into_iter().zip(counts).zip(answers).map(|((of, series), answer)| {
            let cells = cells.by_ref().take(series).collect();
            let (lanes, active) = (Arc::clone(&lanes), active[answer].clone());
            let window = self.charts[of.chart].chart().window;
            let of_dates = met.iter().filter(|(day, _)| window.holds(**day)).flat_map(|(_, lanes)| lanes).copied();
            (of, Counted { lanes, met: is_by_value.then(|| of_dates.collect()), cells, active })
        });
        Ok(of_charts.collect())
    }

    /// What charts ask of the users of a segment, each answer once, however many charts ask for it; and of each chart of the
    /// segment, which of the answers is its own.
    fn asked_users<'s>(&'s self, segment: &'s SegmentTables) -> (Vec<AskedUsers<'s>>, Vec<usize>) {
        let mut asked: Vec<AskedUsers<'_>> = Vec::new();
        let mut answers = Vec::new();
        for of in self.charts_of(segment) {
            let users = self.charts[of.chart].asked_users(of.segment);
            answers.push(asked.iter().position(|known| known.is_same(&users)).unwrap_or(asked.len()));
            if answers.last() == Some(&asked.len()) {
                asked.push(users);
            }
        }
        (asked, answers)
    }

    /// The active users of each segment, in order of those who ask for them.
    fn active(&self) -> Result<Vec<Vec<Active>>, Error> {
        if let Some(first) = self.first_hours.filter(|_| self.asks_for_dates_of_all()) {
            let of_dates = |segment| self.reading().of_dates(segment, &self.asked_users(segment).0, first);
            return self.segments.iter().map(of_dates).collect();
        }
        let known = self.segments.iter().find_map(|segment| segment.users.as_ref());
        // Where they are not known, one sees when users were first active.
        let with_hours = self.charts.iter().any(|chart| chart.chart().interval == Interval::Hour);
        let meets = |segment: &SegmentTables| (known.is_none() && segment.name == ALL).then_some(with_hours);
        let of_segments = self.segments.iter();
        let passes: Vec<ActivePass<'_>> =
            of_segments.map(|segment| ActivePass::new(segment, self.asked_users(segment).0, meets(segment))).collect();
        match known {
            Some(known) => {
                drop(pipeline::each(self.pool, &passes, |pass| self.reading().count(pass, all_shares(), &known.first))?)
            }
            None => self.count_and_meet(&passes)?,
        }
        Ok(passes.into_iter().map(ActivePass::finish).collect())
    }

    /// Whether all charts are of all events and of intervals of one date at most.
    fn asks_for_dates_of_all(&self) -> bool {
        self.segments.iter().all(|segment| {
            let asked = self.asked_users(segment).0;
            asked.is_empty() || segment.name == ALL && asked.iter().all(AskedUsers::is_within_dates)
        })
    }

    /// Counts the users of all segments while those of all events are met; some after the others, where memory does not hold
    /// all.
    fn count_and_meet(&self, passes: &[ActivePass<'_>]) -> Result<(), Error> {
        let (all, others): (Vec<_>, Vec<_>) = passes.iter().partition(|pass| pass.meets());
        let others: Vec<&ActivePass<'_>> = others.into_iter().filter(|pass| pass.is_asked()).collect();
        for all in all {
            let mut shares = all_shares();
            while !shares.is_empty() {
                let met = self.reading().meet(all, shares)?;
                pipeline::each(self.pool, &others, |pass| self.reading().count(pass, met.shares.clone(), &met.first))?;
                shares = met.left;
            }
        }
        Ok(())
    }

    fn reading(&self) -> Reading<'_> {
        Reading { pool: self.pool, limit: self.limit }
    }

    /// Takes series over the sessions of a segment.
    fn pass(&self, mut pass: Pass<'_>) -> Result<Passed, Error> {
        let batches = pass.batches(self.reading().at_once()).map_err(|error| failed(error.into()))?;
        let mut batches = batches.into_iter().peekable();
        while let Some(files) = batches.next() {
            let taken = pipeline::each(self.pool, &files, |file| pass.read(file).map_err(failed))?;
            pass.take(taken);
            let next = batches.peek().and_then(|next| next.first()).map(|part| part.day);
            if self.limit.is_some_and(MemoryLimit::is_near) {
                let pack = |(place, part): &(usize, &Part)| Ok((*place, Packed::new(part)));
                let packed = pipeline::each(self.pool, &pass.waiting(), pack)?;
                pass.replace(packed);
            }
            let whole = pass.whole(next);
            let cells = pipeline::each(self.pool, &whole, |whole| Ok(pass.cells_of(whole)))?;
            whole.iter().zip(cells).for_each(|((series, _), cells)| pass.add(*series, cells));
        }
        Ok(pass.finish())
    }
}

/// The groups of each series, by what it is grouped by.
fn groups_of_series(groupings: &[Grouping], series: &[Option<usize>], largest: Vec<LargestGroups>) -> ChartGroups {
    let of_property = |(largest, of): (LargestGroups, &Grouping)| Arc::new(largest.into_groups(of.top, of.columns));
    let of_properties: Vec<Arc<Groups>> = largest.into_iter().zip(groupings).map(of_property).collect();
    let of_series = series
        .iter()
        .map(|property| property.map_or_else(Arc::default, |property: usize| Arc::clone(&of_properties[property])));
    ChartGroups::new(of_series.collect())
}

/// Of so many series, no groups.
fn no_groups(series: usize) -> ChartGroups {
    ChartGroups::new((0..series).map(|_| Arc::default()).collect())
}

/// The tables of charts that there are only where a chart is of this kind.
const OF_SOME: [&str; 2] = [FUNNEL, TIME_ON];
const FUNNEL: &str = "funnel";
const TIME_ON: &str = "time_on";

/// Stages the tables of charts, and says which of those in the folder are no more.
///
/// # Errors
/// A file that cannot be written.
pub fn stage_charts(
    folder: &LockedFolder,
    provenance: &Provenance,
    charts: &[Chart],
    measured: &Measured,
    style: CsvStyle<'_>,
) -> Result<StagedCharts, Error> {
    let files = |name: &str| -> Result<_, TableError> {
        let stage = |extension: &str| folder.stage(Path::new(&format!("{name}.{extension}")));
        Ok((stage("parquet")?, stage("csv")?))
    };
    let lines = &measured.lines;
    let (parquet, csv) = files("measures")?;
    let measures =
        write_measures(Paths { parquet: &parquet, csv: &csv }, provenance, lines, FormulaColumns::of(charts), style)?;
    let (parquet, csv) = files("histogram")?;
    let histograms = write_histograms(Paths { parquet: &parquet, csv: &csv }, provenance, lines, style)?;
    let mut sizes = vec![("measures".to_string(), measures), ("histogram".to_string(), histograms)];
    if charts.iter().any(|chart| chart.funnel().is_some()) {
        let (parquet, csv) = files(FUNNEL)?;
        let paths = Paths { parquet: &parquet, csv: &csv };
        sizes.push((FUNNEL.to_string(), write_funnels(paths, provenance, &measured.funnels, style)?));
    }
    if charts.iter().any(|chart| chart.time_on().is_some()) {
        let (parquet, csv) = files(TIME_ON)?;
        let paths = Paths { parquet: &parquet, csv: &csv };
        sizes.push((TIME_ON.to_string(), write_times(paths, provenance, &measured.times, style)?));
    }
    let is_made = |name: &str| sizes.iter().any(|(made, _)| made == name);
    let others = OF_SOME.into_iter().filter(|name| !is_made(name));
    let files =
        others.flat_map(|name| ["parquet", "csv"].map(|extension| PathBuf::from(format!("{name}.{extension}"))));
    let gone = files.filter(|file| folder.path().join(file).exists()).collect();
    Ok(StagedCharts { sizes, gone })
}

/// The tables of charts on their way into a folder.
#[derive(Debug)]
pub struct StagedCharts {
    /// Their names and sizes.
    pub sizes: Vec<(String, Size)>,
    /// The files that no chart has any more.
    pub gone: BTreeSet<PathBuf>,
}
