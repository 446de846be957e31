//! One pass over the sessions of a segment, for all series of all charts that are of it: each file is read once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::cells::{cells_of, Ask, Cell};
use super::error::ChartError;
use super::lanes::Codes;
use super::packed::{Packed, Waiting};
use super::parts::{CellKey, Part};
use super::rows::{FileRows, Texts};
use super::segments::SegmentTables;
use super::series::{of_rows, GroupSizes, SeriesOf, Taken};
use super::tables::{parts_in_batches, TablePart};
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::SESSIONS;

/// Series over the sessions of a segment, on their way into cells. Sessions wait as long as more may come of their
/// interval, in columns that series share.
#[derive(Debug)]
pub struct Pass<'a> {
    segment: &'a SegmentTables,
    series: Vec<(SeriesOf<'a>, Ask<'a>)>,
    waiting: Vec<Waiting>,
    cells: Vec<BTreeMap<CellKey, Cell>>,
    lanes: Codes,
    met: LanesMet,
    users: Option<Interner>,
}

/// The lanes that sessions of each date are in, whether a series takes them or not.
pub type LanesMet = BTreeMap<Day, BTreeSet<u32>>;

/// What comes of a pass: the cells of each series, the lanes that they are in, and which of them the sessions of each date
/// are in.
pub type Passed = (Vec<BTreeMap<CellKey, Cell>>, Codes, LanesMet);

/// What the series take of a file.
#[derive(Debug)]
pub struct FileTaken {
    day: Day,
    /// What each series takes.
    taken: Vec<Option<Taken>>,
    lanes: Option<Arc<Texts>>,
    users: Option<KeyColumn>,
}

/// Sessions of whole intervals, and the place of the series that they are of.
pub type Whole = (usize, Waiting);

impl<'a> Pass<'a> {
    /// For some series over a segment.
    pub fn new(segment: &'a SegmentTables, series: Vec<(SeriesOf<'a>, Ask<'a>)>) -> Self {
        let waiting = series.iter().map(|_| Waiting::default()).collect();
        let cells = series.iter().map(|_| BTreeMap::new()).collect();
        Pass { segment, series, waiting, cells, lanes: Codes::default(), met: LanesMet::new(), users: None }
    }

    /// The files that any of the series is of, in order of date; those in one batch, of about `at_once` bytes, may be read
    /// at once.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn batches(&self, at_once: u64) -> Result<Vec<Vec<TablePart>>, TableError> {
        let mut files = self.segment.files.dated(SESSIONS);
        files.retain(|(day, _)| self.series.iter().any(|(series, _)| series.segment.window.holds(*day)));
        parts_in_batches(files, at_once)
    }

    /// Reads a file, or a part of it.
    ///
    /// # Errors
    /// It cannot be read; a value that a property cannot be compared with.
    pub fn read(&self, TablePart { day, path, row_group }: &TablePart) -> Result<FileTaken, ChartError> {
        let of_day = |series: &SeriesOf<'_>| series.segment.window.holds(*day);
        let columns = self.series.iter().filter(|(series, _)| of_day(series)).map(|(series, _)| series.columns());
        let columns: BTreeSet<String> =
            columns.collect::<Result<Vec<_>, TableError>>()?.into_iter().flatten().collect();
        let mut file = FileRows::read_row_group(path, *row_group, &columns)?;
        let take = |(series, _): &(SeriesOf<'_>, Ask<'_>)| {
            of_day(series).then(|| series.take(*day, &mut file).map_err(|error| series.blame(error))).transpose()
        };
        let taken = self.series.iter().map(take).collect::<Result<Vec<_>, _>>()?;
        let needs_users = self.series.iter().any(|(series, _)| of_day(series) && series.with_users);
        Ok(FileTaken {
            day: *day,
            taken,
            lanes: self.segment.lanes(&mut file)?,
            users: if needs_users { Some(file.users()?) } else { None },
        })
    }

    /// Takes files that were read, in order of date.
    pub fn take(&mut self, files: Vec<FileTaken>) {
        for FileTaken { day, taken, lanes, users } in files {
            let lanes = lanes.map(|lanes| self.lanes.of_rows(&lanes));
            self.meet(day, lanes.as_deref().unwrap_or_default());
            let users: Option<Vec<u32>> = users.map(|users| {
                let known = self.users.get_or_insert_with(|| Interner::like(&users));
                (0..users.len()).map(|row| known.intern(&users, row)).collect()
            });
            for ((taken, (series, _)), waiting) in taken.into_iter().zip(&self.series).zip(&mut self.waiting) {
                let Some(Taken { part, rows }) = taken else { continue };
                let of_part = |column: &Option<Vec<u32>>| column.as_ref().map(|column| of_rows(&rows, column));
                let users = if series.with_users { of_part(&users) } else { None };
                waiting.parts.push(Part { lanes: of_part(&lanes), users, ..part });
            }
        }
    }

    /// Notes the lanes of a date's sessions.
    fn meet(&mut self, day: Day, lanes: &[u32]) {
        let mut are_met = vec![false; self.lanes.texts().len()];
        lanes.iter().for_each(|lane| are_met[*lane as usize] = true);
        let met = (0..).zip(are_met).filter(|(_, is_met)| *is_met).map(|(lane, _)| lane);
        self.met.entry(day).or_default().extend(met);
    }

    /// The parts that wait, each with the place of its series.
    pub fn waiting(&self) -> Vec<(usize, &Part)> {
        let waiting = self.waiting.iter().enumerate();
        waiting.flat_map(|(place, waiting)| waiting.parts.iter().map(move |part| (place, part))).collect()
    }

    /// Has the parts that wait make room for what is packed of them, in their order.
    pub fn replace(&mut self, packed: Vec<(usize, Packed)>) {
        self.waiting.iter_mut().for_each(|waiting| waiting.parts.clear());
        for (place, packed) in packed {
            self.waiting[place].packed.push(Arc::new(packed));
        }
    }

    /// The sessions of intervals that nothing more comes of, once files from `next` on are left; all of them where
    /// none is left.
    pub fn whole(&mut self, next: Option<Day>) -> Vec<Whole> {
        let mut all = Vec::new();
        for (place, ((series, _), waiting)) in self.series.iter().zip(&mut self.waiting).enumerate() {
            let next = next.map(|next| series.intervals.of(next).number());
            let is_whole = |interval: i64| next.is_none_or(|next| interval < next);
            let parts = waiting.parts.partition_point(|part| is_whole(part.interval));
            let packed = waiting.packed.partition_point(|packed| is_whole(packed.interval));
            let whole = Waiting {
                parts: waiting.parts.drain(..parts).collect(),
                packed: waiting.packed.drain(..packed).collect(),
            };
            all.extend((!whole.is_empty()).then_some((place, whole)));
        }
        all
    }

    /// The cells of whole intervals.
    pub fn cells_of(&self, (series, waiting): &Whole) -> BTreeMap<CellKey, Cell> {
        cells_of(waiting, &self.series[*series].1)
    }

    /// Takes the cells of a series.
    pub fn add(&mut self, series: usize, cells: BTreeMap<CellKey, Cell>) {
        self.cells[series].extend(cells);
    }

    /// The cells of each series, the lanes that they are in, and which of them the sessions of each date are in.
    pub fn finish(self) -> Passed {
        (self.cells, self.lanes, self.met)
    }
}

/// The sizes of the groups of some series in a file, each in its place.
///
/// # Errors
/// As [`Pass::read`].
pub fn group_sizes(part: &TablePart, series: &[SeriesOf<'_>]) -> Result<Vec<GroupSizes>, ChartError> {
    let TablePart { day, path, row_group } = part;
    let of_day = |series: &SeriesOf<'_>| series.segment.window.holds(*day);
    let columns = series.iter().filter(|series| of_day(series)).map(SeriesOf::columns_of_groups);
    let columns: BTreeSet<String> = columns.collect::<Result<Vec<_>, TableError>>()?.into_iter().flatten().collect();
    let mut sizes: Vec<GroupSizes> = series.iter().map(|_| GroupSizes::default()).collect();
    if columns.is_empty() {
        return Ok(sizes);
    }
    let mut file = FileRows::read_row_group(path, *row_group, &columns)?;
    for (series, sizes) in series.iter().zip(&mut sizes).filter(|(series, _)| of_day(series)) {
        series.group_sizes(*day, &mut file, sizes).map_err(|error| series.blame(error))?;
    }
    Ok(sizes)
}
