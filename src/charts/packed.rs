//! Sessions that wait for the rest of their interval, in little room: the numbers of each cell in ascending order, each as how
//! much more it is than the one before. Most take a byte or two.

use std::sync::Arc;

use super::parts::{by_cell, CellKey, Cells, Part};

/// The sessions of a part, by their cells.
#[derive(Clone, Debug)]
pub struct Packed {
    /// The interval of the part.
    pub interval: i64,
    /// The cells.
    pub keys: Vec<CellKey>,
    /// Where the sessions of each cell begin among those of all, and where the last ones end.
    bounds: Vec<usize>,
    lengths: Runs,
    events: Option<Runs>,
    sums: Option<Vec<f64>>,
    users: Option<Runs>,
}

/// Ascending numbers of each cell.
#[derive(Clone, Debug, Default)]
struct Runs {
    bytes: Vec<u8>,
    /// Where the bytes of each cell end, and how many numbers that are.
    ends: Vec<(usize, usize)>,
}

/// Whole numbers, wherever they lie.
#[derive(Clone, Copy, Debug)]
pub enum Ints<'c> {
    /// As they are.
    Plain(&'c [i64]),
    /// Packed: their bytes, and how many they are.
    Packed(&'c [u8], usize),
}

impl<'c> Ints<'c> {
    /// How many there are.
    pub fn len(self) -> usize {
        match self {
            Ints::Plain(values) => values.len(),
            Ints::Packed(_, count) => count,
        }
    }

    /// Goes over all of them.
    pub fn each(self, mut with: impl FnMut(i64)) {
        match self {
            Ints::Plain(values) => values.iter().for_each(|value| with(*value)),
            Ints::Packed(bytes, count) => unpack(bytes, count, with),
        }
    }
}

impl Packed {
    /// The sessions of a part.
    pub fn new(part: &Part) -> Self {
        let cells = Cells::of(std::slice::from_ref(part));
        let lengths = by_cell(&cells, |_| Some(&part.lengths)).unwrap_or_default();
        let events = by_cell(&cells, |_| part.events.as_deref());
        let users = by_cell(&cells, |_| part.users.as_ref());
        let users = users.map(|users| users.into_iter().map(i64::from).collect());
        Packed {
            interval: part.interval,
            lengths: Runs::of(lengths, &cells.bounds, false),
            events: events.map(|events| Runs::of(events, &cells.bounds, false)),
            sums: by_cell(&cells, |_| part.sums.as_ref()),
            users: users.map(|users| Runs::of(users, &cells.bounds, true)),
            bounds: cells.bounds,
            keys: cells.keys,
        }
    }

    /// The lengths in a cell.
    pub fn lengths(&self, cell: usize) -> Ints<'_> {
        self.lengths.of_cell(cell)
    }

    /// The numbers of events of the sessions in a cell.
    pub fn events(&self, cell: usize) -> Option<Ints<'_>> {
        Some(self.events.as_ref()?.of_cell(cell))
    }

    /// The sums of the sessions in a cell.
    pub fn sums(&self, cell: usize) -> Option<&[f64]> {
        Some(&self.sums.as_ref()?[self.bounds[cell]..self.bounds[cell + 1]])
    }

    /// The users of the sessions in a cell, each once.
    pub fn users(&self, cell: usize) -> Option<Vec<u32>> {
        let run = self.users.as_ref()?.of_cell(cell);
        let mut users = Vec::with_capacity(run.len());
        run.each(|user| users.push(user as u32));
        Some(users)
    }
}

impl Runs {
    fn of(mut values: Vec<i64>, bounds: &[usize], once: bool) -> Self {
        let mut runs = Runs::default();
        for cell in bounds.windows(2) {
            let values = &mut values[cell[0]..cell[1]];
            values.sort_unstable();
            let mut before = None;
            let mut count = 0;
            for value in values {
                if once && before == Some(*value) {
                    continue;
                }
                // The first one may be below 0: its sign is its last bit.
                let more =
                    before.map_or((*value << 1 ^ *value >> 63) as u64, |before| value.wrapping_sub(before) as u64);
                push(&mut runs.bytes, more);
                before = Some(*value);
                count += 1;
            }
            runs.ends.push((runs.bytes.len(), count));
        }
        runs.bytes.shrink_to_fit();
        runs
    }

    fn of_cell(&self, cell: usize) -> Ints<'_> {
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before].0);
        let (end, count) = self.ends[cell];
        Ints::Packed(&self.bytes[start..end], count)
    }
}

/// Seven bits in each byte, the lowest first; the last byte has no eighth.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn unpack(bytes: &[u8], count: usize, mut with: impl FnMut(i64)) {
    let mut bytes = bytes.iter();
    let mut next = || {
        let (mut number, mut shift) = (0_u64, 0);
        for byte in bytes.by_ref() {
            number |= u64::from(byte & 0x7F) << shift;
            shift += 7;
            if *byte < 0x80 {
                break;
            }
        }
        number
    };
    let mut value = 0;
    for place in 0..count {
        let more = next();
        value = if place == 0 { (more >> 1) as i64 ^ -((more & 1) as i64) } else { value.wrapping_add(more as i64) };
        with(value);
    }
}

/// Sessions on their way into cells, some of them packed.
#[derive(Clone, Debug, Default)]
pub struct Waiting {
    /// As they came.
    pub parts: Vec<Part>,
    /// Packed.
    pub packed: Vec<Arc<Packed>>,
}

impl Waiting {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.packed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back_in_order(
            values in prop::collection::vec(prop_oneof![Just(0_i64), -5_i64..300, 0_i64..90_000_000, any::<i64>(), Just(i64::MAX), Just(i64::MIN)], 0..200),
            cut in any::<prop::sample::Index>(),
            once in any::<bool>(),
        ) {
            let cut = cut.index(values.len() + 1);
            let runs = Runs::of(values.clone(), &[0, cut, values.len()], once);
            for (cell, part) in [&values[..cut], &values[cut..]].into_iter().enumerate() {
                let mut expected = part.to_vec();
                expected.sort_unstable();
                if once {
                    expected.dedup();
                }
                let run = runs.of_cell(cell);
                let mut found = Vec::new();
                run.each(|value| found.push(value));
                prop_assert_eq!(run.len(), expected.len());
                prop_assert_eq!(found, expected);
            }
        }
    }
}
