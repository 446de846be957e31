//! Sums over sessions: one cell for each lane, group and interval. Plain loops over columns: each cell's
//! lengths are sorted once, and everything is read off them; sums of floating values are in a fixed order.

use std::collections::{BTreeMap, HashMap};

use super::PERCENTILES;
use crate::sessionize::scatter::counting_sort;

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

/// Sessions as columns of one length.
#[derive(Clone, Debug, Default)]
pub struct SessionColumns {
    /// Where each counts.
    pub keys: Vec<CellKey>,
    /// Lengths in milliseconds.
    pub lengths: Vec<i64>,
    /// Numbers of events: those counted, or all of them. Absent where nobody asks.
    pub events: Option<Vec<i64>>,
    /// Sums of the property.
    pub sums: Option<Vec<f64>>,
    /// Users, as codes that mean nothing outside of these columns.
    pub users: Option<Vec<u32>>,
}

/// What is asked of each cell.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The bounds of the histogram's bins; empty where none is asked for.
    pub bounds: &'a [i64],
    /// Whether bins are of numbers of events.
    pub bins_of_events: bool,
}

/// The sessions of a cell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// How many there are.
    pub sessions: i64,
    /// The sum of their lengths.
    pub time_spent_ms: i64,
    /// Lengths by nearest rank, of [`PERCENTILES`].
    pub percentiles_ms: [i64; PERCENTILES.len()],
    /// The longest.
    pub length_max_ms: i64,
    /// Sessions of length 0.
    pub zero_length: i64,
    /// The sum of their numbers of events.
    pub events: i64,
    /// The sum of the property.
    pub sum: f64,
    /// Distinct users.
    pub users: i64,
    /// Sessions below the first bound, between each two, and from the last bound on.
    pub bins: Box<[u32]>,
}

/// Puts all sessions into their cells.
pub fn cells_of(columns: &SessionColumns, ask: &Ask<'_>) -> BTreeMap<CellKey, Cell> {
    let mut codes: HashMap<CellKey, u32> = HashMap::new();
    let mut keys: Vec<CellKey> = Vec::new();
    let mut last = None;
    let of_row: Vec<u32> = columns
        .keys
        .iter()
        .map(|key| match last {
            Some((known, code)) if known == *key => code,
            _ => {
                let code = *codes.entry(*key).or_insert_with(|| {
                    keys.push(*key);
                    keys.len() as u32 - 1
                });
                last = Some((*key, code));
                code
            }
        })
        .collect();
    let (order, bounds) = counting_sort(&of_row, keys.len());
    let rows_of = |code: usize| &order[bounds[code] as usize..bounds[code + 1] as usize];
    keys.iter().enumerate().map(|(code, key)| (*key, cell(columns, rows_of(code), ask))).collect()
}

fn cell(columns: &SessionColumns, rows: &[u32], ask: &Ask<'_>) -> Cell {
    let mut lengths: Vec<i64> = rows.iter().map(|row| columns.lengths[*row as usize]).collect();
    lengths.sort_unstable();
    let mut events: Vec<i64> = match &columns.events {
        Some(events) => rows.iter().map(|row| events[*row as usize]).collect(),
        None => Vec::new(),
    };
    let mut sums: Vec<f64> = match &columns.sums {
        Some(sums) => rows.iter().map(|row| sums[*row as usize]).collect(),
        None => Vec::new(),
    };
    sums.sort_unstable_by(f64::total_cmp);
    let bins = match ask.bins_of_events {
        true => {
            events.sort_unstable();
            bins_of(&events, ask.bounds)
        }
        false => bins_of(&lengths, ask.bounds),
    };
    Cell {
        sessions: rows.len() as i64,
        time_spent_ms: lengths.iter().sum(),
        percentiles_ms: PERCENTILES.map(|percent| nearest_rank(&lengths, percent)),
        length_max_ms: lengths.last().copied().unwrap_or(0),
        zero_length: lengths.partition_point(|length| *length <= 0) as i64,
        events: events.iter().sum(),
        sum: sums.iter().sum(),
        users: columns.users.as_ref().map_or(0, |users| distinct(rows.iter().map(|row| users[*row as usize]))),
        bins,
    }
}

/// The smallest length that at least so many percent of the lengths do not exceed; they are in order.
fn nearest_rank(sorted: &[i64], percent: u32) -> i64 {
    let place = (percent as usize * sorted.len()).div_ceil(100);
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(0)
}

fn distinct(codes: impl Iterator<Item = u32>) -> i64 {
    let mut codes: Vec<u32> = codes.collect();
    codes.sort_unstable();
    codes.dedup();
    codes.len() as i64
}

fn bins_of(sorted: &[i64], bounds: &[i64]) -> Box<[u32]> {
    if bounds.is_empty() {
        return Box::default();
    }
    let mut below = 0;
    let mut bins: Vec<u32> = Vec::with_capacity(bounds.len() + 1);
    for bound in bounds {
        let until = sorted.partition_point(|value| value < bound);
        bins.push((until - below) as u32);
        below = until;
    }
    bins.push((sorted.len() - below) as u32);
    bins.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A session as a row: group, interval, length, events, sum, user.
    type Row = (u32, i64, i64, i64, i32, u32);

    fn rows() -> impl Strategy<Value = Vec<Row>> {
        let row = (0u32..3, 0i64..4, 0i64..40, 0i64..12, -100i32..100, 0u32..5);
        prop::collection::vec(row, 0..80)
    }

    proptest! {
        #[test]
        fn cells_are_what_a_loop_over_all_sessions_finds(rows in rows(), by_events in any::<bool>()) {
            let columns = SessionColumns {
                keys: rows.iter().map(|row| CellKey { lane: 0, group: row.0, interval: row.1 }).collect(),
                lengths: rows.iter().map(|row| row.2).collect(),
                events: Some(rows.iter().map(|row| row.3).collect()),
                sums: Some(rows.iter().map(|row| f64::from(row.4)).collect()),
                users: Some(rows.iter().map(|row| row.5).collect()),
            };
            let bounds = [3, 10, 20];
            let cells = cells_of(&columns, &Ask { bounds: &bounds, bins_of_events: by_events });
            let total: i64 = cells.values().map(|cell| cell.sessions).sum();
            prop_assert_eq!(total, rows.len() as i64);
            for (key, cell) in &cells {
                let own: Vec<&Row> = rows.iter().filter(|row| row.0 == key.group && row.1 == key.interval).collect();
                prop_assert_eq!(cell.sessions, own.len() as i64);
                prop_assert_eq!(cell.time_spent_ms, own.iter().map(|row| row.2).sum::<i64>());
                prop_assert_eq!(cell.zero_length, own.iter().filter(|row| row.2 == 0).count() as i64);
                prop_assert_eq!(cell.events, own.iter().map(|row| row.3).sum::<i64>());
                prop_assert_eq!(cell.sum, own.iter().map(|row| f64::from(row.4)).sum::<f64>());
                let users: std::collections::BTreeSet<u32> = own.iter().map(|row| row.5).collect();
                prop_assert_eq!(cell.users, users.len() as i64);
                for (percent, found) in PERCENTILES.iter().zip(cell.percentiles_ms) {
                    // The smallest length that enough of them do not exceed.
                    let enough = |length: i64| own.iter().filter(|row| row.2 <= length).count() * 100;
                    let expected = own.iter().map(|row| row.2).filter(|length| enough(*length) >= *percent as usize * own.len()).min();
                    prop_assert_eq!(Some(found), expected);
                }
                let value = |row: &Row| if by_events { row.3 } else { row.2 };
                let inside = |low: i64, high: i64| own.iter().filter(|row| low <= value(row) && value(row) < high).count() as u32;
                let expected = [inside(i64::MIN, 3), inside(3, 10), inside(10, 20), inside(20, i64::MAX)];
                prop_assert_eq!(&*cell.bins, &expected[..]);
                prop_assert_eq!(cell.bins.iter().map(|bin| i64::from(*bin)).sum::<i64>(), cell.sessions);
            }
        }
    }
}
