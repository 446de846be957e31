//! Sessions as they come out of a table, and which cell each of them is in.

use std::sync::Arc;

use crate::sessionize::layout::intern::Interner;

/// Which cell a session counts in. A lane is a segment of the chart, or one value of a segment `by` a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CellKey {
    /// The lane.
    pub lane: u32,
    /// The group; 0 where there are none.
    pub group: u32,
    /// The interval, as a number.
    pub interval: i64,
}

/// Sessions that start on one date, as columns of one length.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The interval that the date is in, as a number; for hours, that of its first one.
    pub interval: i64,
    /// How many hours later each session counts; where it counts by hours.
    pub hours: Option<Vec<u8>>,
    /// The lane of each; 0 where there are none.
    pub lanes: Option<Vec<u32>>,
    /// The group of each; 0 where there are none.
    pub groups: Option<Vec<u32>>,
    /// Lengths in milliseconds; series that are of the same sessions share them.
    pub lengths: Arc<Vec<i64>>,
    /// Numbers of events: those counted, or all of them. Absent where nobody asks.
    pub events: Option<Arc<Vec<i64>>>,
    /// Sums of the property.
    pub sums: Option<Vec<f64>>,
    /// Users, as codes.
    pub users: Option<Vec<u32>>,
}

/// Which cell each session of some parts is in.
#[derive(Debug)]
pub struct Cells {
    /// The cells.
    pub keys: Vec<CellKey>,
    /// Of each part and session, its cell.
    codes: Vec<Vec<u32>>,
    /// Where the sessions of each cell begin, once they are brought together, and where the last ones end.
    pub bounds: Vec<usize>,
}

impl Cells {
    /// Those of some parts.
    pub fn of(parts: &[Part]) -> Self {
        let mut keys = Keys::new();
        let codes: Vec<Vec<u32>> = parts.iter().map(|part| keys.codes_of(part)).collect();
        let mut counts = vec![0; keys.keys.len()];
        codes.iter().flatten().for_each(|code| counts[*code as usize] += 1);
        let mut bounds = vec![0];
        counts.iter().for_each(|count| bounds.push(bounds[bounds.len() - 1] + count));
        Cells { keys: keys.keys, codes, bounds }
    }
}

/// The cells met so far, by codes in the order in which they come.
#[derive(Debug)]
struct Keys {
    keys: Vec<CellKey>,
    codes: Interner,
    /// Lanes and groups that come together.
    sides: Interner,
    /// The intervals of parts.
    intervals: Vec<i64>,
}

impl Keys {
    fn new() -> Self {
        Keys { keys: Vec::new(), codes: Interner::of_ints(), sides: Interner::of_ints(), intervals: Vec::new() }
    }

    /// The code of the cell of each session.
    fn codes_of(&mut self, part: &Part) -> Vec<u32> {
        // Parts come in order of time.
        if self.intervals.last() != Some(&part.interval) {
            self.intervals.push(part.interval);
        }
        let interval = self.intervals.len() as i64 - 1;
        let at = |column: &Option<Vec<u32>>, row: usize| column.as_ref().map_or(0, |column| column[row]);
        let mut last: Option<(CellKey, u32)> = None;
        let code = |row: usize| {
            let hour = part.hours.as_ref().map_or(0, |hours| i64::from(hours[row]));
            let key =
                CellKey { lane: at(&part.lanes, row), group: at(&part.groups, row), interval: part.interval + hour };
            match last {
                Some((known, code)) if known == key => code,
                _ => {
                    let code = self.code(key, interval << HOUR_BITS | hour);
                    last = Some((key, code));
                    code
                }
            }
        };
        (0..part.lengths.len()).map(code).collect()
    }

    /// The code of a cell; `time` stands for its interval among those of the parts, and is small.
    fn code(&mut self, key: CellKey, time: i64) -> u32 {
        let side = self.sides.intern_int(i64::from(key.lane) << 32 | i64::from(key.group));
        let code = self.codes.intern_int(time << 32 | i64::from(side));
        if code as usize == self.keys.len() {
            self.keys.push(key);
        }
        code
    }
}

/// Enough for the hours of a date.
const HOUR_BITS: u32 = 8;

/// A column of all parts, the values of each cell together; `None` where a part lacks it.
pub fn by_cell<'p, T: Copy + Default + 'p>(
    cells: &Cells,
    column: impl Fn(usize) -> Option<&'p Vec<T>>,
) -> Option<Vec<T>> {
    let mut next = cells.bounds.clone();
    let mut all = vec![T::default(); cells.bounds.last().copied().unwrap_or(0)];
    for (part, codes) in cells.codes.iter().enumerate() {
        for (code, value) in codes.iter().zip(column(part)?) {
            let place = &mut next[*code as usize];
            all[*place] = *value;
            *place += 1;
        }
    }
    Some(all)
}
