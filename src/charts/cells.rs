//! Sums over sessions: one cell for each lane, group and interval. Plain loops over columns: the sessions of a cell
//! are brought together, and everything is read off them; sums of floating values are in a fixed order.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::packed::{Ints, Packed, Waiting};
use super::parts::{by_cell, CellKey, Cells, Part};
use super::spread::Spread;
use super::PERCENTILES;

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
pub fn cells_of(waiting: &Waiting, ask: &Ask<'_>) -> BTreeMap<CellKey, Cell> {
    let Waiting { parts, packed } = waiting;
    let has_keys = |part: &Part| part.hours.is_some() || part.lanes.is_some() || part.groups.is_some();
    if !packed.is_empty() {
        return cells_of_packed(parts, packed, ask);
    }
    match parts.iter().any(has_keys) {
        true => cells_of_keys(parts, ask),
        false => {
            // All sessions of a part are in one cell, and stay where they are.
            let same = parts.chunk_by(|a, b| a.interval == b.interval);
            let one = |parts: &[Part]| {
                let key = CellKey { lane: 0, group: 0, interval: parts[0].interval };
                (key, cell(Columns::of_parts(parts), ask))
            };
            // A cell of no session would be a row before the first interval that has one.
            same.filter(|parts| parts.iter().any(|part| !part.lengths.is_empty())).map(one).collect()
        }
    }
}

/// Puts sessions into the cells that their keys name.
fn cells_of_keys(parts: &[Part], ask: &Ask<'_>) -> BTreeMap<CellKey, Cell> {
    let cells = Cells::of(parts);
    let lengths = by_cell(&cells, |part| Some(&parts[part].lengths)).unwrap_or_default();
    let events = by_cell(&cells, |part| parts[part].events.as_deref());
    let sums = by_cell(&cells, |part| parts[part].sums.as_ref());
    let users = by_cell(&cells, |part| parts[part].users.as_ref());
    let one = |(code, key)| {
        let rows = cells.bounds[code]..cells.bounds[code + 1];
        let columns = Columns {
            lengths: vec![Ints::Plain(&lengths[rows.clone()])],
            events: events.iter().map(|events| Ints::Plain(&events[rows.clone()])).collect(),
            sums: sums.iter().map(|sums| &sums[rows.clone()]).collect(),
            users: users.iter().map(|users| Cow::Borrowed(&users[rows.clone()])).collect(),
        };
        (key, cell(columns, ask))
    };
    cells.keys.iter().copied().enumerate().map(one).collect()
}

/// Puts sessions of which some are packed into their cells.
fn cells_of_packed(parts: &[Part], packed: &[Arc<Packed>], ask: &Ask<'_>) -> BTreeMap<CellKey, Cell> {
    let rest = parts.iter().filter(|part| !part.lengths.is_empty()).map(|part| Arc::new(Packed::new(part)));
    let packed: Vec<Arc<Packed>> = packed.iter().cloned().chain(rest).collect();
    let mut places: BTreeMap<CellKey, Vec<(usize, usize)>> = BTreeMap::new();
    for (part, packed) in packed.iter().enumerate() {
        for (cell, key) in packed.keys.iter().enumerate() {
            places.entry(*key).or_default().push((part, cell));
        }
    }
    let one = |(key, places): (CellKey, Vec<(usize, usize)>)| {
        let places = || places.iter().map(|(part, cell)| (&packed[*part], *cell));
        let columns = Columns {
            lengths: places().map(|(packed, cell)| packed.lengths(cell)).collect(),
            events: places().filter_map(|(packed, cell)| packed.events(cell)).collect(),
            sums: places().filter_map(|(packed, cell)| packed.sums(cell)).collect(),
            users: places().filter_map(|(packed, cell)| packed.users(cell)).map(Cow::Owned).collect(),
        };
        (key, cell(columns, ask))
    };
    places.into_iter().map(one).collect()
}

/// The sessions of a cell, each column in as many pieces as it comes in; none where nobody asks for it.
struct Columns<'c> {
    lengths: Vec<Ints<'c>>,
    events: Vec<Ints<'c>>,
    sums: Vec<&'c [f64]>,
    users: Vec<Cow<'c, [u32]>>,
}

impl<'c> Columns<'c> {
    fn of_parts(parts: &'c [Part]) -> Self {
        Columns {
            lengths: parts.iter().map(|part| Ints::Plain(&part.lengths)).collect(),
            events: parts.iter().filter_map(|part| part.events.as_deref()).map(|all| Ints::Plain(all)).collect(),
            sums: parts.iter().filter_map(|part| part.sums.as_deref()).collect(),
            users: parts.iter().filter_map(|part| part.users.as_deref()).map(Cow::Borrowed).collect(),
        }
    }
}

fn cell(columns: Columns<'_>, ask: &Ask<'_>) -> Cell {
    let Columns { lengths, events, sums, users } = columns;
    let mut sums = sums.concat();
    // In an order of their own: that of files is none.
    sums.sort_unstable_by(f64::total_cmp);
    let sessions: usize = lengths.iter().map(|lengths| lengths.len()).sum();
    let (mut time_spent_ms, mut length_max_ms, mut zero_length) = (0, None, 0);
    for lengths in &lengths {
        lengths.each(|length| {
            time_spent_ms += length;
            length_max_ms = length_max_ms.max(Some(length));
            zero_length += i64::from(length <= 0);
        });
    }
    let mut all_events = 0;
    events.iter().for_each(|events| events.each(|count| all_events += count));
    let bounds_of_lengths = if ask.bins_of_events { &[] } else { ask.bounds };
    let spread = Spread::of(&lengths, &PERCENTILES, bounds_of_lengths);
    let bins = match ask.bins_of_events {
        true => bins_of(&Spread::of(&events, &[], ask.bounds).below, sessions),
        false => bins_of(&spread.below, sessions),
    };
    let mut percentiles_ms = [0; PERCENTILES.len()];
    percentiles_ms.copy_from_slice(&spread.percentiles);
    Cell {
        sessions: sessions as i64,
        time_spent_ms,
        percentiles_ms,
        length_max_ms: length_max_ms.unwrap_or(0),
        zero_length,
        events: all_events,
        sum: sums.iter().fold(0.0, |sum, part| sum + part),
        users: distinct(users.concat()),
        bins,
    }
}

fn distinct(mut codes: Vec<u32>) -> i64 {
    codes.sort_unstable();
    codes.chunk_by(|a, b| a == b).count() as i64
}

/// From how many values are below each bound to how many are between.
fn bins_of(below: &[usize], values: usize) -> Box<[u32]> {
    if below.is_empty() {
        return Box::default();
    }
    let untils = below.iter().copied().chain([values]);
    let befores = [0].into_iter().chain(below.iter().copied());
    untils.zip(befores).map(|(until, before)| (until - before) as u32).collect()
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

    #[test]
    fn parts_without_keys_are_cells_of_their_intervals_and_an_interval_without_sessions_is_none() {
        let part = |interval, lengths: &[i64]| {
            let events = Some(Arc::new(vec![2; lengths.len()]));
            Part { interval, lengths: Arc::new(lengths.to_vec()), events, ..Part::default() }
        };
        let parts = [part(1, &[]), part(2, &[5, 0]), part(2, &[]), part(2, &[30]), part(3, &[]), part(4, &[7])];
        let waiting = Waiting { parts: parts.to_vec(), packed: Vec::new() };
        let cells = cells_of(&waiting, &Ask { bounds: &[3, 10], bins_of_events: false });
        let found: Vec<_> = cells
            .iter()
            .map(|(key, cell)| {
                (key.interval, cell.sessions, cell.time_spent_ms, cell.events, cell.percentiles_ms[0], &*cell.bins)
            })
            .collect();
        assert_eq!(found, [(2, 3, 35, 6, 5, &[1, 1, 1][..]), (4, 1, 7, 2, 7, &[0, 1, 0][..])]);
    }

    proptest! {
        #[test]
        fn cells_are_what_a_loop_over_all_sessions_finds(rows in rows(), by_events in any::<bool>(), packed in 0usize..4) {
            let part = |interval: i64| {
                // Intervals 0 and 1 are hours of one date, 2 and 3 are two dates.
                let of = |row: &&Row| if interval == 0 { row.1 < 2 } else { row.1 == interval };
                let rows: Vec<&Row> = rows.iter().filter(of).collect();
                Part {
                    interval,
                    hours: (interval == 0).then(|| rows.iter().map(|row| row.1 as u8).collect()),
                    lanes: None,
                    groups: Some(rows.iter().map(|row| row.0).collect()),
                    lengths: Arc::new(rows.iter().map(|row| row.2).collect()),
                    events: Some(Arc::new(rows.iter().map(|row| row.3).collect())),
                    sums: Some(rows.iter().map(|row| f64::from(row.4)).collect()),
                    users: Some(rows.iter().map(|row| row.5).collect()),
                }
            };
            let bounds = [3, 10, 20];
            let parts = [0, 2, 3].map(part);
            let waiting = Waiting {
                packed: parts[..packed].iter().map(|part| Arc::new(Packed::new(part))).collect(),
                parts: parts[packed..].to_vec(),
            };
            let cells = cells_of(&waiting, &Ask { bounds: &bounds, bins_of_events: by_events });
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
