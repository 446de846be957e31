//! What a series takes of the sessions of a file.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::Int64Type;

use super::error::ChartError;
use super::grouping::{GroupColumn, RowGroups};
use super::interval::{IntervalKey, Intervals, HOUR_MICROS};
use super::lanes::{Codes, Groups};
use super::parts::Part;
use super::passes::passes;
use super::rows::{FileRows, Texts, USER};
use super::segments::Ranged;
use crate::events::predicate::over_rows::RowCondition;
use crate::job::added::AddedColumns;
use crate::job::chart::Interval;
use crate::job::dates::first_instant;
use crate::job::funnel::Funnel;
use crate::job::holds::Holds;
use crate::job::segment::AtLeast;
use crate::job::sequence::Sequence;
use crate::job::series::{Count, GroupBy, Series};
use crate::job::time_on::TimeOn;
use crate::job::value_test::ValueTest;
use crate::sessionize::layout::hash::hash_bytes;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::SESSIONS;

/// A series of a chart over the sessions of a segment.
#[derive(Clone, Copy, Debug)]
pub struct SeriesOf<'a> {
    /// The name of the chart.
    pub chart: &'a str,
    /// The series.
    pub series: &'a Series,
    /// The segment, within the dates of the chart.
    pub segment: &'a Ranged<'a>,
    /// The columns that charts added.
    pub added: &'a AddedColumns,
    /// The condition of its sessions, over the columns of the segment's table.
    pub sessions: Option<&'a RowCondition>,
    /// The intervals.
    pub intervals: &'a Intervals<'a>,
    /// The groups that are kept.
    pub groups: &'a Groups,
    /// Whether numbers of events are needed.
    pub with_events: bool,
    /// Whether users are needed.
    pub with_users: bool,
    /// The values that time is spent on and that are kept.
    pub values: &'a Groups,
    /// What of them is taken.
    pub takes: Takes,
}

/// What of its sessions a series takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// The sessions as such.
    Sessions,
    /// Those that reach a step of its funnel, counted from 0, as long as it took from the step before.
    Step(usize),
    /// Those with a view of each value, and how many they have: a session as often as it has values. Groups are those of
    /// sessions and of values together, by [`SeriesOf::group_of_value`].
    Views,
    /// Their views but for the last one of each session, as long as it took until the next one, in such groups.
    Times,
}

/// The sessions of a file that a series is of.
#[derive(Debug)]
pub struct Taken {
    /// They; without lanes and users.
    pub part: Part,
    /// Which rows of the file they are, in order, a row once for each of its groups; `None` for all.
    pub rows: Option<Vec<u32>>,
}

/// A filter of a series.
#[derive(Clone, Copy, Debug)]
pub enum Filter<'a> {
    /// Not shorter than this, and shorter than that, in milliseconds.
    Length(Option<i64>, Option<i64>),
    /// A number of events.
    Contains(&'a AtLeast),
    /// A first or last value.
    Value(&'a ValueTest),
    /// A condition over columns of the session.
    Sessions(&'a RowCondition),
    /// Events that follow each other.
    Sequence(&'a Sequence),
    /// A step of a funnel that is reached, counted from 0.
    Reaches(&'a Funnel, usize),
}

const START: &str = "start_time";
const LENGTH: &str = "length_ms";

impl SeriesOf<'_> {
    /// The columns that the series is made of.
    ///
    /// # Errors
    /// Nobody added one of them.
    pub fn columns(&self) -> Result<BTreeSet<String>, TableError> {
        let mut columns = self.columns_of_conditions()?;
        columns.insert(LENGTH.to_string());
        if self.intervals.interval == Interval::Hour {
            columns.insert(START.to_string());
        }
        columns.extend(self.number()?.map(str::to_string));
        columns.extend(self.sum()?.map(str::to_string));
        columns.extend(self.with_users.then(|| USER.to_string()));
        columns.extend(self.groups_by()?.into_iter().map(|column| column.name));
        columns.extend(self.columns_of_views()?);
        columns.extend(self.segment.tables.by.iter().cloned());
        Ok(columns)
    }

    /// The columns that its groups are found in.
    ///
    /// # Errors
    /// Nobody added one of them.
    pub fn columns_of_groups(&self) -> Result<BTreeSet<String>, TableError> {
        let mut columns = self.columns_of_conditions()?;
        columns.extend(self.groups_by()?.into_iter().map(|column| column.name));
        columns.extend(self.columns_of_views()?);
        Ok(columns)
    }

    fn columns_of_conditions(&self) -> Result<BTreeSet<String>, TableError> {
        let mut columns: BTreeSet<String> = self.segment.columns().map(str::to_string).collect();
        if self.segment.is_by_interval() && self.intervals.interval == Interval::Hour {
            columns.insert(START.to_string());
        }
        if self.series.min_length_ms.is_some() || self.series.max_length_ms.is_some() {
            columns.insert(LENGTH.to_string());
        }
        let counts = self.series.contains.iter().map(|contains| &contains.count);
        columns.extend(self.sessions.into_iter().flat_map(RowCondition::columns).cloned());
        let values = self.series.values.iter().map(|test| &test.value);
        let sequence = self.series.sequence.iter().map(|sequence| &sequence.shortest);
        let funnel = self.series.funnel.iter().map(|funnel| &funnel.steps);
        for holds in counts.chain(values).chain(sequence).chain(funnel) {
            columns.insert(self.column(holds)?.to_string());
        }
        Ok(columns)
    }

    /// What it takes of the rows of a file, the sessions that start on a date.
    ///
    /// # Errors
    /// A column that is not there; a value that a property cannot be compared with.
    pub fn take(&self, day: Day, file: &mut FileRows) -> Result<Taken, ChartError> {
        let rows = self.passing(day, file)?;
        let by = self.groups_by()?;
        let (rows, groups) = match by.is_empty() {
            true => (rows, None),
            false => {
                let (rows, codes) = RowGroups::of(file, &by)?.coded(rows, |value| self.groups.code(value));
                (rows, Some(codes))
            }
        };
        if let (Some(time_on), Takes::Views | Takes::Times) = (&self.series.time_on, self.takes) {
            let all = rows.unwrap_or_else(|| (0..file.len() as u32).collect());
            let groups = groups.unwrap_or_else(|| vec![0; all.len()]);
            return self.take_views(time_on, day, file, all.into_iter().zip(groups));
        }
        let part = Part {
            interval: self.intervals.of(day).number(),
            hours: self.hours_of(&rows, day, file)?,
            lanes: None,
            groups,
            lengths: shared(&rows, self.lengths(file)?),
            events: self.number()?.map(|number| file.ints(number)).transpose()?.map(|all| shared(&rows, all)),
            sums: self.sum()?.map(|sum| file.floats(sum)).transpose()?.map(|all| of_rows(&rows, &all)),
            users: None,
        };
        Ok(Taken { part, rows })
    }

    /// The groups of its sessions in a file, with the number of sessions of each that has any.
    ///
    /// # Errors
    /// As [`SeriesOf::take`].
    pub fn group_sizes(&self, day: Day, file: &mut FileRows, sizes: &mut GroupSizes) -> Result<(), ChartError> {
        if let (Some(time_on), Takes::Views) = (&self.series.time_on, self.takes) {
            let rows = self.passing(day, file)?;
            return self.value_sizes(time_on, rows.as_deref(), file, sizes);
        }
        let by = self.groups_by()?;
        if by.is_empty() {
            return Ok(());
        }
        let rows = self.passing(day, file)?;
        RowGroups::of(file, &by)?.sizes(rows.as_deref()).for_each(|(value, count)| sizes.add(value.as_bytes(), count));
        Ok(())
    }

    /// The step of a funnel that is taken, counted from 0.
    pub fn step(&self) -> Option<usize> {
        match self.takes {
            Takes::Step(step) => Some(step),
            _ => None,
        }
    }

    /// The code of a group of sessions and of a value together.
    pub fn group_of_value(&self, group: u32, value: u32) -> u32 {
        group.saturating_mul(self.values.codes()).saturating_add(value)
    }

    /// The views of some sessions, whose rows come with the codes of their groups.
    fn take_views(
        &self,
        time_on: &TimeOn,
        day: Day,
        file: &mut FileRows,
        rows: impl Iterator<Item = (u32, u32)>,
    ) -> Result<Taken, ChartError> {
        let (values, bounds) = file.lists(self.column(&time_on.values)?)?;
        let (times, _) = file.int_lists(self.column(&time_on.times)?)?;
        let of_distinct: Vec<u32> = values.distinct().map(|value| self.values.code(Some(value))).collect();
        let none = self.values.code(None);
        let code = |view: usize| of_distinct.get(values.places[view] as usize).copied().unwrap_or(none);
        let (mut taken, mut groups, mut lengths, mut events) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (row, group) in rows {
            let views = bounds[row as usize]..bounds[row as usize + 1];
            let first = groups.len();
            for view in views.clone() {
                let group = self.group_of_value(group, code(view));
                if self.takes == Takes::Times {
                    if view + 1 == views.end {
                        continue;
                    }
                    lengths.push(time_on.millis(times[view], times[view + 1]));
                } else if let Some(known) = groups[first..].iter().position(|known| *known == group) {
                    events[first + known] += 1;
                    continue;
                } else {
                    lengths.push(0);
                }
                taken.push(row);
                groups.push(group);
                events.push(1);
            }
        }
        let rows = Some(taken);
        let part = Part {
            interval: self.intervals.of(day).number(),
            hours: self.hours_of(&rows, day, file)?,
            groups: Some(groups),
            lengths: Arc::new(lengths),
            events: Some(Arc::new(events)),
            ..Part::default()
        };
        Ok(Taken { part, rows })
    }

    /// How many views of each value some rows have; of `None`, all rows.
    fn value_sizes(
        &self,
        time_on: &TimeOn,
        rows: Option<&[u32]>,
        file: &FileRows,
        sizes: &mut GroupSizes,
    ) -> Result<(), ChartError> {
        let (values, bounds) = file.lists(self.column(&time_on.values)?)?;
        let mut counts = vec![0; values.distinct.len()];
        let mut add = |places: &[u32]| {
            places.iter().filter(|place| **place != Texts::NONE).for_each(|place| counts[*place as usize] += 1);
        };
        match rows {
            None => add(&values.places),
            Some(rows) => {
                rows.iter().map(|row| *row as usize).for_each(|row| add(&values.places[bounds[row]..bounds[row + 1]]));
            }
        }
        let met = values.distinct().zip(counts).filter(|(_, count)| *count > 0);
        met.for_each(|(value, count)| sizes.add(value.as_bytes(), count));
        Ok(())
    }

    /// The hours of some rows, where it counts by hours.
    fn hours_of(&self, rows: &Option<Vec<u32>>, day: Day, file: &mut FileRows) -> Result<Option<Vec<u8>>, TableError> {
        match self.intervals.interval {
            Interval::Hour => Ok(Some(of_rows(rows, &self.hours(day, file)?))),
            _ => Ok(None),
        }
    }

    /// An error of the series with its chart's name, where the job is wrong and not a table.
    pub fn blame(&self, error: ChartError) -> ChartError {
        match error {
            ChartError::Table(error) => ChartError::Table(error),
            ChartError::Condition(error) => ChartError::Condition(error),
            error => ChartError::In { chart: self.chart.to_string(), error: Box::new(error) },
        }
    }

    /// The rows that the series is of; `None` for all.
    fn passing(&self, day: Day, file: &mut FileRows) -> Result<Option<Vec<u32>>, ChartError> {
        let hours = match self.segment.is_by_interval() {
            true => self.hours_of(&None, day, file)?,
            false => None,
        };
        let date = self.intervals.of(day).number();
        let interval =
            |row: usize| IntervalKey::from_number(date + hours.as_ref().map_or(0, |hours| i64::from(hours[row])));
        let mut passes = Passing(self.segment.counting(file, self.intervals, interval)?);
        for filter in self.filters() {
            passes.and(self.passes_one(filter, file)?);
        }
        Ok(passes.rows())
    }

    /// Its filters.
    pub fn filters(&self) -> Vec<Filter<'_>> {
        let Series { min_length_ms, max_length_ms, contains, values, sequence, funnel, .. } = self.series;
        let mut filters = Vec::new();
        if min_length_ms.is_some() || max_length_ms.is_some() {
            filters.push(Filter::Length(*min_length_ms, *max_length_ms));
        }
        filters.extend(contains.iter().map(Filter::Contains));
        filters.extend(values.iter().map(Filter::Value));
        filters.extend(self.sessions.map(Filter::Sessions));
        filters.extend(sequence.as_ref().map(Filter::Sequence));
        filters.extend(funnel.as_ref().map(|funnel| Filter::Reaches(funnel, self.step().unwrap_or(0))));
        filters
    }

    /// Of each row of a file, whether it passes one of the filters.
    ///
    /// # Errors
    /// As [`SeriesOf::take`].
    pub fn passes_one(&self, filter: Filter<'_>, file: &mut FileRows) -> Result<Vec<bool>, ChartError> {
        Ok(match filter {
            Filter::Length(min, max) => {
                let fits = |length: i64| min.is_none_or(|min| length >= min) && max.is_none_or(|max| length < max);
                file.ints(LENGTH)?.iter().map(|length| fits(*length)).collect()
            }
            Filter::Contains(contains) => {
                let (least, most) = (i64::from(contains.at_least), contains.at_most.map(i64::from));
                let enough = |count: i64| count >= least && most.is_none_or(|most| count <= most);
                file.ints(self.column(&contains.count)?)?.iter().map(|count| enough(*count)).collect()
            }
            Filter::Value(test) => passes(test, self.column(&test.value)?, file)?,
            Filter::Reaches(funnel, step) => {
                let (times, offsets) = file.int_lists(self.column(&funnel.steps)?)?;
                offsets.windows(2).map(|row| funnel.reached(&times[row[0]..row[1]]) > step).collect()
            }
            Filter::Sequence(Sequence { shortest, within }) => {
                let fits = |time: i64| within.is_none_or(|within| time <= within.micros());
                let times = file.numbers::<Int64Type>(self.column(shortest)?)?;
                times.iter().map(|time| time.is_some_and(fits)).collect()
            }
            Filter::Sessions(condition) => file.truths(condition)?.iter().map(|holds| holds == Some(true)).collect(),
        })
    }

    /// The length of each row's session; for a step of a funnel, the time from the step before.
    fn lengths(&self, file: &mut FileRows) -> Result<Arc<Vec<i64>>, TableError> {
        let (Some(funnel), Some(step)) = (&self.series.funnel, self.step()) else { return file.ints(LENGTH) };
        let (times, offsets) = file.int_lists(self.column(&funnel.steps)?)?;
        let one = |row: &[usize]| match times[row[0]..row[1]].get(step.saturating_sub(1)..=step) {
            Some([before, .., reached]) => (reached - before).div_euclid(1_000),
            _ => 0,
        };
        Ok(Arc::new(offsets.windows(2).map(one).collect()))
    }

    /// The hour of each row's start, since the first instant of its date.
    fn hours(&self, day: Day, file: &mut FileRows) -> Result<Vec<u8>, TableError> {
        let first = first_instant(day, self.intervals.zone).micros();
        let last = IntervalKey::of_hour(day, i64::MAX).number() - IntervalKey::of_day(day).number();
        let hour = |start: &i64| (start - first).div_euclid(HOUR_MICROS).clamp(0, last) as u8;
        Ok(file.ints(START)?.iter().map(hour).collect())
    }

    fn number(&self) -> Result<Option<&str>, TableError> {
        match &self.series.count {
            _ if !self.with_events => Ok(None),
            Count::Sessions => Ok(Some("event_count")),
            Count::Events { number, .. } => self.column(number).map(Some),
        }
    }

    fn sum(&self) -> Result<Option<&str>, TableError> {
        match &self.series.count {
            Count::Events { sum: Some(sum), .. } => self.column(sum).map(Some),
            _ => Ok(None),
        }
    }

    /// The columns of views, where these are taken.
    fn columns_of_views(&self) -> Result<Vec<String>, TableError> {
        match (&self.series.time_on, self.takes) {
            (Some(time_on), Takes::Views | Takes::Times) => [&time_on.values, &time_on.times]
                .map(|holds| self.column(holds).map(str::to_string))
                .into_iter()
                .collect(),
            _ => Ok(Vec::new()),
        }
    }

    /// The columns that its sessions are grouped by.
    fn groups_by(&self) -> Result<Vec<GroupColumn>, TableError> {
        let one = |group: &GroupBy| {
            let name = match group {
                GroupBy::Value(value) => self.column(value)?.to_string(),
                GroupBy::Column(name) => name.clone(),
            };
            Ok(GroupColumn { name, is_list: group.is_any() })
        };
        self.series.group_by.iter().map(one).collect()
    }

    /// The column that holds something of events.
    ///
    /// # Errors
    /// Nobody added it.
    pub fn column(&self, holds: &Holds) -> Result<&str, TableError> {
        // The columns of all charts were derived together.
        let missing =
            || TableError::Read { path: SESSIONS.folder.into(), reason: format!("no column of it holds {holds}") };
        self.added.name_of(holds).ok_or_else(missing)
    }
}

/// How many sessions each group has.
#[derive(Debug, Default)]
pub struct GroupSizes {
    groups: Codes,
    sizes: Vec<i64>,
}

/// Groups come in so many shares by their hash: where memory does not hold all, some of them are counted at a time.
pub const GROUP_SHARES: usize = 16;

fn is_of(shares: &Range<usize>, group: &[u8]) -> bool {
    *shares == (0..GROUP_SHARES) || shares.contains(&(hash_bytes(group) as usize % GROUP_SHARES))
}

impl GroupSizes {
    /// So many more sessions of a group.
    pub fn add(&mut self, group: &[u8], sessions: i64) {
        let code = self.groups.of_bytes(group) as usize;
        self.sizes.resize(self.sizes.len().max(code + 1), 0);
        self.sizes[code] += sessions;
    }

    /// Those of other files, as far as they are of some shares.
    pub fn merge(&mut self, other: &GroupSizes, shares: &Range<usize>) {
        other.each().filter(|(group, _)| is_of(shares, group)).for_each(|(group, sessions)| self.add(group, sessions));
    }

    /// The groups of another series: they are there, whatever their size.
    pub fn meet(&mut self, other: &GroupSizes, shares: &Range<usize>) {
        other.each().filter(|(group, _)| is_of(shares, group)).for_each(|(group, _)| self.add(group, 0));
    }

    /// Keeps the groups of some shares.
    pub fn keep(&mut self, shares: &Range<usize>) {
        let all = std::mem::take(self);
        self.merge(&all, shares);
    }

    /// The memory they hold, in bytes: about as much again while they grow.
    pub fn bytes(&self) -> usize {
        self.groups.bytes() + size_of::<i64>() * self.sizes.capacity()
    }

    fn each(&self) -> impl Iterator<Item = (&[u8], i64)> {
        self.groups.texts().zip(self.sizes.iter().copied())
    }
}

/// The largest groups of some that come in shares.
#[derive(Debug, Default)]
pub struct LargestGroups {
    /// So many of each share, with their sizes.
    candidates: Vec<(String, i64)>,
    /// How many groups there are.
    count: usize,
}

impl LargestGroups {
    /// Takes the groups of other shares; `top` are kept of all.
    pub fn take(&mut self, sizes: &GroupSizes, top: usize) {
        let mut groups: Vec<(&[u8], i64)> = sizes.each().collect();
        self.count += groups.len();
        if groups.len() > top && top > 0 {
            groups.select_nth_unstable_by(top - 1, |a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        }
        let largest = groups.into_iter().take(top);
        self.candidates.extend(largest.map(|(group, size)| (String::from_utf8_lossy(group).into_owned(), size)));
    }

    /// The groups that are kept, of values of so many columns.
    pub fn into_groups(self, top: usize, columns: usize) -> Groups {
        Groups::largest(self.candidates, self.count, top, columns)
    }
}

/// Of each row, whether everything holds that has been asked so far; `None` while nothing has been.
struct Passing(Option<Vec<bool>>);

impl Passing {
    fn and(&mut self, holds: Vec<bool>) {
        match &mut self.0 {
            Some(all) => all.iter_mut().zip(holds).for_each(|(all, holds)| *all &= holds),
            None => self.0 = Some(holds),
        }
    }

    fn rows(self) -> Option<Vec<u32>> {
        let passes = self.0.filter(|passes| passes.contains(&false))?;
        Some((0..).zip(passes).filter(|(_, passes)| *passes).map(|(row, _)| row).collect())
    }
}

/// The values of some rows of a file; `None` for all of them.
pub fn of_rows<T: Copy>(rows: &Option<Vec<u32>>, all: &[T]) -> Vec<T> {
    match rows {
        Some(rows) => rows.iter().map(|row| all[*row as usize]).collect(),
        None => all.to_vec(),
    }
}

fn shared(rows: &Option<Vec<u32>>, all: Arc<Vec<i64>>) -> Arc<Vec<i64>> {
    match rows {
        Some(_) => Arc::new(of_rows(rows, &all)),
        None => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_groups_are_the_same_whichever_shares_are_counted_at_a_time() {
        let mut all = GroupSizes::default();
        (0..500i64).for_each(|group| all.add(format!("group {group}").as_bytes(), group * 7_919 % 40));
        for top in [0, 1, 7, 499, 500, 501] {
            let names = |parts: &[Range<usize>]| {
                let mut largest = LargestGroups::default();
                for shares in parts {
                    let mut sizes = GroupSizes::default();
                    sizes.merge(&all, &(0..GROUP_SHARES));
                    sizes.keep(shares);
                    largest.take(&sizes, top);
                }
                let groups = largest.into_groups(top, 1);
                (0..=top.min(500) as u32 + 1).map(|code| groups.name(code).into_owned()).collect::<Vec<_>>()
            };
            let whole = names(std::slice::from_ref(&(0..GROUP_SHARES)));
            assert_eq!(names(&[0..3, 3..4, 4..GROUP_SHARES]), whole, "{top}");
            assert_eq!(names(&(0..GROUP_SHARES).map(|share| share..share + 1).collect::<Vec<_>>()), whole, "{top}");
        }
    }
}
