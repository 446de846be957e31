//! Added columns: what a job declares and charts need to know of sessions, and segments of users (SPEC 4, 6).

use std::ops::Range;
use std::sync::Arc;

use super::dated::{day_order, ByDay, Dated};
use super::event_test::EventTest;
use super::records::{ActivityRow, SessionRow};
use super::steps::{reached, shortest};
use crate::sessionize::facts::{FactLayout, FactTable};
use crate::sessionize::layout::columns::TextColumn;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::time::calendar::Calendar;
use crate::sessionize::time::Timestamp;

/// What is made of the facts of events.
#[derive(Clone, Debug, Default)]
pub struct FactRules {
    /// The facts.
    pub layout: FactLayout,
    /// The columns added to the sessions tables that hold something of events.
    pub added: Vec<Added>,
    /// Their names.
    pub names: Vec<String>,
    /// The segments.
    pub segments: Vec<SegmentRule>,
}

/// A segment as the kernel takes it.
#[derive(Clone, Debug)]
pub struct SegmentRule {
    /// Which events.
    pub pick: Pick,
    /// The facts of whose values each combination has sessions of its own; none for one group of all.
    pub by: Vec<usize>,
    /// The events counted in columns of its activity table.
    pub performed: Vec<EventTest>,
}

/// Which events a segment is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// All.
    All,
    /// Those in this segment.
    In(u32),
}

/// A column of the sessions tables.
#[derive(Clone, Debug)]
pub struct Added {
    /// Of which events.
    pub of: EventTest,
    /// What of them.
    pub what: What,
}

/// What a column holds of events.
#[derive(Clone, Debug)]
pub enum What {
    /// Their number.
    Count,
    /// The sum of a value, each of which is a number by this function.
    Sum(usize, fn(i64) -> f64),
    /// The sum of a value that is a whole number.
    Total(usize),
    /// The first value.
    First(usize, Ties),
    /// The last value.
    Last(usize, Ties),
    /// The smallest value.
    Min(usize),
    /// The largest value.
    Max(usize),
    /// How many different values there are.
    Distinct(usize),
    /// The first different values, as many as [`MOST_VALUES`].
    Values(usize),
    /// The shortest time in which events of these steps follow each other.
    Shortest(Vec<EventTest>),
    /// The times at which events of these steps follow each other.
    Steps(Vec<EventTest>),
    /// The value of each event.
    Each(usize),
    /// The time of each event.
    Times,
}

/// As many different values of a session are kept.
pub const MOST_VALUES: usize = 100;

/// Which of the values of events that are equal in all that orders events comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ties {
    /// The smallest.
    Values,
    /// That of the smallest unique id; none is the smallest. Of equal ids, the smallest value.
    Ids,
}

/// The values of an added column, in the order of the rows of its table.
#[derive(Clone, Debug)]
pub enum AddedValues {
    /// Numbers of events.
    Counts(Vec<u32>),
    /// Sums.
    Sums(Vec<f64>),
    /// Values that are, or stand for, numbers.
    Numbers(Vec<Option<i64>>),
    /// Values that are texts, by their place.
    Texts(Vec<Option<u32>>, Arc<TextColumn>),
    /// Several values in each row.
    Lists(Lists),
}

/// Several values in each row of a column: those of all rows, one row after the other.
#[derive(Clone, Debug)]
pub struct Lists {
    /// Where the values of each row end.
    ends: Vec<usize>,
    items: Box<AddedValues>,
}

impl Lists {
    fn of(items: AddedValues) -> Self {
        Lists { ends: Vec::new(), items: Box::new(items) }
    }

    /// The values of all rows.
    pub fn items(&self) -> &AddedValues {
        &self.items
    }

    /// The places of a row's values among those of all rows.
    pub fn places(&self, row: usize) -> Range<usize> {
        self.start_of(row)..self.ends[row]
    }

    fn start_of(&self, row: usize) -> usize {
        row.checked_sub(1).map_or(0, |before| self.ends[before])
    }

    fn push(&mut self, values: impl Iterator<Item = Option<i64>>) {
        values.for_each(|value| self.items.push(value));
        self.ends.push(self.items.len());
    }

    fn extend_from(&mut self, other: &Lists, start: usize) {
        let (first, own) = (other.start_of(start), self.items.len());
        self.items.extend_from(&other.items, first);
        self.ends.extend(other.ends[start..].iter().map(|end| end - first + own));
    }

    fn reorder(&mut self, start: usize, order: &[u32]) {
        let first = self.start_of(start);
        let rows = || order.iter().map(|row| self.places(start + *row as usize));
        let items: Vec<u32> = rows().flatten().map(|item| (item - first) as u32).collect();
        let lengths: Vec<usize> = rows().map(|places| places.len()).collect();
        self.items.reorder(first, &items);
        let mut end = first;
        for (of_row, length) in self.ends[start..].iter_mut().zip(lengths) {
            end += length;
            *of_row = end;
        }
    }
}

impl AddedValues {
    /// The memory they hold, in bytes; texts count for none.
    pub fn bytes(&self) -> usize {
        // They have grown row by row, and may have room for more.
        match self {
            AddedValues::Counts(values) => values.capacity() * size_of::<u32>(),
            AddedValues::Sums(values) => values.capacity() * size_of::<f64>(),
            AddedValues::Numbers(values) => values.capacity() * size_of::<Option<i64>>(),
            AddedValues::Texts(values, _) => values.capacity() * size_of::<Option<u32>>(),
            AddedValues::Lists(lists) => lists.ends.capacity() * size_of::<usize>() + lists.items.bytes(),
        }
    }

    fn len(&self) -> usize {
        match self {
            AddedValues::Counts(values) => values.len(),
            AddedValues::Sums(values) => values.len(),
            AddedValues::Numbers(values) => values.len(),
            AddedValues::Texts(values, _) => values.len(),
            AddedValues::Lists(lists) => lists.ends.len(),
        }
    }

    /// The texts that values are places in.
    pub fn texts(&self) -> Option<&Arc<TextColumn>> {
        match self {
            AddedValues::Texts(_, texts) => Some(texts),
            AddedValues::Lists(lists) => lists.items.texts(),
            _ => None,
        }
    }

    /// What tells a row's single value from others of the column; `None` for no value.
    pub fn place(&self, row: usize) -> Option<i64> {
        match self {
            AddedValues::Counts(values) => values.get(row).map(|count| i64::from(*count)),
            AddedValues::Sums(values) => values.get(row).map(|sum| sum.to_bits() as i64),
            AddedValues::Numbers(values) => values.get(row).copied().flatten(),
            AddedValues::Texts(values, _) => values.get(row).copied().flatten().map(i64::from),
            AddedValues::Lists(_) => None,
        }
    }

    /// Appends the values of `other`, which are of the same kind, from `start` on.
    fn extend_from(&mut self, other: &AddedValues, start: usize) {
        match (self, other) {
            (AddedValues::Counts(mine), AddedValues::Counts(theirs)) => mine.extend_from_slice(&theirs[start..]),
            (AddedValues::Sums(mine), AddedValues::Sums(theirs)) => mine.extend_from_slice(&theirs[start..]),
            (AddedValues::Numbers(mine), AddedValues::Numbers(theirs)) => mine.extend_from_slice(&theirs[start..]),
            (AddedValues::Texts(mine, _), AddedValues::Texts(theirs, _)) => mine.extend_from_slice(&theirs[start..]),
            (AddedValues::Lists(mine), AddedValues::Lists(theirs)) => mine.extend_from(theirs, start),
            // Columns of one place are of one kind.
            _ => {}
        }
    }

    /// Appends a value: a number, or the place of a text.
    pub fn push(&mut self, value: Option<i64>) {
        match self {
            AddedValues::Texts(places, _) => places.push(value.map(|place| place as u32)),
            AddedValues::Numbers(numbers) => numbers.push(value),
            AddedValues::Counts(_) | AddedValues::Sums(_) | AddedValues::Lists(_) => {}
        }
    }

    /// Brings the values from `start` on into this order of them.
    pub fn reorder(&mut self, start: usize, order: &[u32]) {
        fn of<T: Copy>(values: &mut [T], order: &[u32]) {
            let before = values.to_vec();
            for (value, place) in values.iter_mut().zip(order) {
                *value = before[*place as usize];
            }
        }
        match self {
            AddedValues::Counts(values) => of(&mut values[start..], order),
            AddedValues::Sums(values) => of(&mut values[start..], order),
            AddedValues::Numbers(values) => of(&mut values[start..], order),
            AddedValues::Texts(values, _) => of(&mut values[start..], order),
            AddedValues::Lists(lists) => lists.reorder(start, order),
        }
    }
}

/// The added columns of a partition's two tables.
#[derive(Clone, Debug, Default)]
pub struct AddedColumns {
    /// Those of the sessions table.
    pub sessions: Vec<AddedValues>,
    /// Those of the activity table.
    pub activity: Vec<AddedValues>,
    /// The place of a column of sums, of which one does not fit its type.
    pub too_large: Option<usize>,
    /// Of each column of the sessions table that holds something of events, how many sessions have more values than it keeps.
    pub cut_short: Vec<u64>,
}

impl FactRules {
    /// Whether the order of unique ids matters.
    pub fn need_ordered_ids(&self) -> bool {
        let by_id = |added: &Added| matches!(added.what, What::First(_, Ties::Ids) | What::Last(_, Ties::Ids));
        self.added.iter().any(by_id)
    }
}

impl AddedColumns {
    /// The memory they hold, in bytes; texts that are shared count for none.
    pub fn bytes(&self) -> usize {
        self.sessions.iter().chain(&self.activity).map(AddedValues::bytes).sum()
    }

    /// The texts that values are places in, some of them several times.
    pub fn texts(&self) -> impl Iterator<Item = &Arc<TextColumn>> {
        self.sessions.iter().chain(&self.activity).filter_map(AddedValues::texts)
    }

    fn reorder(columns: &mut [AddedValues], start: usize, order: &[u32]) {
        columns.iter_mut().for_each(|column| column.reorder(start, order));
    }
}

/// Fills the added columns, row by row.
#[derive(Debug)]
pub struct Adding<'a> {
    added: &'a [Added],
    performed: &'a [EventTest],
    table: &'a FactTable,
    /// The values that all events have now, in a segment of each value.
    by: Vec<Option<i64>>,
    columns: AddedColumns,
}

impl<'a> Adding<'a> {
    /// For the sessions of all events (`segment` is `None`), or of a segment.
    pub fn new(rules: &'a FactRules, segment: Option<&'a SegmentRule>, table: &'a FactTable, texts: &Texts) -> Self {
        let by = segment.map_or(&[][..], |segment| &segment.by);
        let mut columns = AddedColumns { cut_short: vec![0; rules.added.len()], ..AddedColumns::default() };
        let of_value = |value: usize| texts.values_of(value);
        columns.sessions.extend(by.iter().copied().map(of_value));
        columns.activity.extend(by.iter().copied().map(of_value));
        columns.sessions.extend(rules.added.iter().map(|added| match added.what {
            What::Shortest(_) => AddedValues::Numbers(Vec::new()),
            What::Steps(_) | What::Times => AddedValues::Lists(Lists::of(AddedValues::Numbers(Vec::new()))),
            What::Count | What::Distinct(_) => AddedValues::Counts(Vec::new()),
            What::Sum(..) => AddedValues::Sums(Vec::new()),
            What::Total(_) => AddedValues::Numbers(Vec::new()),
            What::First(value, _) | What::Last(value, _) | What::Min(value) | What::Max(value) => of_value(value),
            What::Values(value) | What::Each(value) => AddedValues::Lists(Lists::of(of_value(value))),
        }));
        let performed = segment.map_or(&[][..], |segment| &segment.performed);
        columns.activity.extend(performed.iter().map(|_| AddedValues::Counts(Vec::new())));
        Adding { added: &rules.added, performed, table, by: vec![None; by.len()], columns }
    }

    /// The facts of an event and of a repeat of it as those of one event.
    pub fn facts_of_both(&self, stays: u32, repeat: u32) -> u32 {
        self.table.merged(stays, repeat)
    }

    /// From here on all events have these values, of which the segment is.
    pub fn by(&mut self, values: &[Option<i64>]) {
        self.by.copy_from_slice(values);
    }

    /// Adds a session of these events, which are in order.
    pub fn add_session<T: RowKind>(&mut self, events: &[Row<T>]) {
        let (too_large, cut_short) = (&mut self.columns.too_large, &mut self.columns.cut_short);
        let mut columns = self.columns.sessions.iter_mut();
        self.by.iter().zip(columns.by_ref()).for_each(|(value, column)| column.push(*value));
        for ((place, added), column) in self.added.iter().enumerate().zip(columns) {
            let table = self.table;
            let mut of = events.iter().filter(|row| added.of.passes(row, table));
            match (&added.what, column) {
                (What::Count, AddedValues::Counts(counts)) => counts.push(of.count() as u32),
                (What::Sum(value, number), AddedValues::Sums(sums)) => {
                    let mut numbers: Vec<f64> =
                        of.filter_map(|row| table.value(*value, row.fact())).map(*number).collect();
                    // In an order of their own: that of equal events is none.
                    numbers.sort_unstable_by(f64::total_cmp);
                    // The sum of none is 0, not the -0 that adds to anything without a trace.
                    sums.push(numbers.iter().fold(0.0, |sum, number| sum + number));
                }
                (What::Total(value), column) => {
                    let total: i128 = of.filter_map(|row| table.value(*value, row.fact())).map(i128::from).sum();
                    let fits = i64::try_from(total).ok();
                    *too_large = too_large.or_else(|| fits.is_none().then_some(place));
                    column.push(fits.or(Some(0)));
                }
                (What::First(value, Ties::Values), column) => {
                    column.push(outermost(&mut of, *value, table, i64::min));
                }
                (What::Last(value, Ties::Values), column) => {
                    column.push(outermost(&mut of.rev(), *value, table, i64::max));
                }
                (What::First(value, Ties::Ids), column) => {
                    column.push(outermost_by_id(&mut of, *value, table, i64::min, |own, known| own < known));
                }
                (What::Last(value, Ties::Ids), column) => {
                    let rows = &mut of.rev();
                    column.push(outermost_by_id(rows, *value, table, i64::max, |own, known| own > known));
                }
                (What::Min(value), column) => {
                    column.push(of.filter_map(|row| table.value(*value, row.fact())).min());
                }
                (What::Max(value), column) => {
                    column.push(of.filter_map(|row| table.value(*value, row.fact())).max());
                }
                (What::Distinct(value), AddedValues::Counts(counts)) => {
                    let mut values: Vec<i64> = of.filter_map(|row| table.value(*value, row.fact())).collect();
                    values.sort_unstable();
                    values.dedup();
                    counts.push(values.len() as u32);
                }
                (What::Values(value), AddedValues::Lists(lists)) => {
                    let values = first_values(of, *value, table);
                    cut_short[place] += u64::from(values.len() > MOST_VALUES);
                    lists.push(values.into_iter().take(MOST_VALUES).map(Some));
                }
                (What::Shortest(steps), column) => column.push(shortest(events, steps, table)),
                (What::Steps(steps), AddedValues::Lists(lists)) => {
                    lists.push(reached(events, steps, table).into_iter().map(Some));
                }
                (What::Each(value), AddedValues::Lists(lists)) => {
                    lists.push(each_value(of, *value, table).into_iter());
                }
                (What::Times, AddedValues::Lists(lists)) => lists.push(of.map(|row| Some(row.time().micros()))),
                // Not reached: `new` gave each column the kind that its `What` fills. A new `What` needs an arm above.
                _ => {}
            }
        }
    }

    /// Adds the rows of the activity table of one user, whose events these are.
    pub fn add_activity<T: RowKind>(&mut self, rows: &[ActivityRow], events: &[Row<T>], calendar: &Calendar) {
        let mut columns = self.columns.activity.iter_mut();
        for (value, column) in self.by.iter().zip(columns.by_ref()) {
            rows.iter().for_each(|_| column.push(*value));
        }
        for (test, column) in self.performed.iter().zip(columns) {
            let AddedValues::Counts(counts) = column else { continue };
            let first = counts.len();
            counts.resize(first + rows.len(), 0);
            let mut cursor = calendar.cursor();
            for event in events.iter().filter(|row| test.passes(row, self.table)) {
                let day = cursor.find(event.time()).day;
                if let Ok(place) = rows.binary_search_by_key(&day, |row| row.day) {
                    counts[first + place] += 1;
                }
            }
        }
    }

    /// Adds the columns of the sessions that `other` has from `start` on.
    pub fn add_like(&mut self, other: &Adding<'_>, start: usize) {
        let columns = self.columns.sessions.iter_mut().zip(&other.columns.sessions);
        columns.for_each(|(mine, theirs)| mine.extend_from(theirs, start));
        self.columns.too_large = self.columns.too_large.or(other.columns.too_large);
        // How many lists are cut short is asked of all events alone.
    }

    /// Brings the sessions from `start` on, which were added in order, into the order that they have been
    /// given since: `user` of each is its place before.
    pub fn follow(&mut self, sessions: &[SessionRow], start: usize) {
        let order: Vec<u32> = sessions.iter().map(|session| session.user).collect();
        AddedColumns::reorder(&mut self.columns.sessions, start, &order);
    }

    /// Brings both tables into their final order, and gives the columns.
    pub fn finish(
        mut self,
        sessions: &[SessionRow],
        activity: &[ActivityRow],
    ) -> (ByDay<SessionRow>, ByDay<ActivityRow>, AddedColumns) {
        let order = self.order(sessions, &self.columns.sessions, |session| session.id);
        let sessions = ByDay::in_order(sessions, &order);
        AddedColumns::reorder(&mut self.columns.sessions, 0, &order);
        let order = self.order(activity, &self.columns.activity, |_| 0);
        let activity = ByDay::in_order(activity, &order);
        AddedColumns::reorder(&mut self.columns.activity, 0, &order);
        debug_assert!(self.columns.sessions.iter().all(|column| column.len() == sessions.len()));
        (sessions, activity, self.columns)
    }

    fn order<R: Dated>(&self, rows: &[R], columns: &[AddedValues], id: impl Fn(&R) -> i64) -> Vec<u32> {
        if self.by.is_empty() {
            return day_order(rows);
        }
        // Rows of one user are in order already, but for those of several values.
        let by = |row: u32| {
            columns[..self.by.len()].iter().map(move |column| match column {
                AddedValues::Texts(places, _) => places[row as usize].map(i64::from),
                AddedValues::Numbers(numbers) => numbers[row as usize],
                _ => None,
            })
        };
        let key = |row: u32| {
            let of_day = &rows[row as usize];
            (of_day.day(), of_day.user(), id(of_day))
        };
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by(|a, b| key(*a).cmp(&key(*b)).then_with(|| by(*a).cmp(by(*b))));
        order
    }
}

/// The value of each event, in their order; of events that nothing tells apart ascending, none first.
fn each_value<'r, T: RowKind + 'r>(
    events: impl Iterator<Item = &'r Row<T>>,
    value: usize,
    table: &FactTable,
) -> Vec<Option<i64>> {
    let events: Vec<&Row<T>> = events.collect();
    let mut values: Vec<Option<i64>> = events.iter().map(|row| table.value(value, row.fact())).collect();
    let mut first = 0;
    for alike in events.chunk_by(|a, b| a.order() == b.order()) {
        values[first..first + alike.len()].sort_unstable();
        first += alike.len();
    }
    values
}

/// The different values of some events, in the order of the time of the first event that has each, at one time ascending.
fn first_values<'r, T: RowKind + 'r>(
    events: impl Iterator<Item = &'r Row<T>>,
    value: usize,
    table: &FactTable,
) -> Vec<i64> {
    let valued = events.filter_map(|row| Some((table.value(value, row.fact())?, row.time())));
    let mut values: Vec<(i64, Timestamp)> = valued.collect();
    values.sort_unstable();
    // Of each value the earliest stays.
    values.dedup_by_key(|(value, _)| *value);
    values.sort_unstable_by_key(|(value, time)| (*time, *value));
    values.into_iter().map(|(value, _)| value).collect()
}

/// The value of the first event that has one; of several that nothing tells apart, the one that `choose` takes.
fn outermost<'r, T: RowKind + 'r>(
    events: &mut dyn Iterator<Item = &'r Row<T>>,
    value: usize,
    table: &FactTable,
    choose: fn(i64, i64) -> i64,
) -> Option<i64> {
    let mut found: Option<(&Row<T>, i64)> = None;
    for event in events {
        match found {
            Some((first, _)) if first.order() != event.order() => break,
            _ => {}
        }
        let Some(own) = table.value(value, event.fact()) else { continue };
        found = Some(found.map_or((event, own), |(first, known)| (first, choose(known, own))));
    }
    found.map(|(_, value)| value)
}

/// As [`outermost`], where of several that nothing else tells apart the one whose unique id `comes_before` the others' is
/// taken, and of equal ids the value that `choose` takes. Unique ids are in their order.
fn outermost_by_id<'r, T: RowKind + 'r>(
    events: &mut dyn Iterator<Item = &'r Row<T>>,
    value: usize,
    table: &FactTable,
    choose: fn(i64, i64) -> i64,
    comes_before: fn(Option<u32>, Option<u32>) -> bool,
) -> Option<i64> {
    let mut found: Option<(&Row<T>, i64)> = None;
    for event in events {
        let Some((first, known)) = found else {
            found = table.value(value, event.fact()).map(|own| (event, own));
            continue;
        };
        if first.order() != event.order() {
            break;
        }
        let Some(own) = table.value(value, event.fact()) else { continue };
        if comes_before(event.unique_id(), first.unique_id()) {
            found = Some((event, own));
        } else if event.unique_id() == first.unique_id() {
            found = Some((first, choose(known, own)));
        }
    }
    found.map(|(_, value)| value)
}

/// The texts of a partition's facts, shared by all columns of them.
#[derive(Debug)]
pub struct Texts(Vec<Option<Arc<TextColumn>>>);

impl Texts {
    /// Those of a table.
    pub fn new(table: &FactTable) -> Self {
        Texts(table.all_texts().map(|texts| texts.cloned().map(Arc::new)).collect())
    }

    /// An empty column of a value.
    pub fn values_of(&self, value: usize) -> AddedValues {
        match self.0.get(value).cloned().flatten() {
            Some(texts) => AddedValues::Texts(Vec::new(), texts),
            None => AddedValues::Numbers(Vec::new()),
        }
    }
}
