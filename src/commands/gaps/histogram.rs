//! Gaps by length, each bin about twice as long as the one before.

use crate::sessionize::time::Span;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Where bins begin, in milliseconds: lengths that have names, each 1.9 to 2.4 times the one before. The first two
/// bins are what happens at one time and what happens within a second.
const STARTS_MS: [i64; BINS] = [
    0,
    1,
    SECOND,
    2 * SECOND,
    4 * SECOND,
    8 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    4 * MINUTE,
    8 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    4 * HOUR,
    8 * HOUR,
    16 * HOUR,
    36 * HOUR,
    3 * DAY,
    7 * DAY,
    14 * DAY,
    28 * DAY,
];

/// How many bins there are.
pub const BINS: usize = 24;
/// The first of the bins that double.
pub const FIRST_DOUBLING: usize = 2;

/// Gaps of two halves of the users, by bin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    halves: [[u64; BINS]; 2],
}

/// The halves that users are in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// One half.
    One,
    /// The other half.
    Other,
}

impl Half {
    /// Both.
    pub const BOTH: [Half; 2] = [Half::One, Half::Other];

    /// By a number that is any.
    pub fn of_hash(hash: u64) -> Self {
        if hash >> 63 == 0 {
            Half::One
        } else {
            Half::Other
        }
    }
}

impl Histogram {
    /// Counts a gap of a user in this half.
    pub fn add(&mut self, half: Half, gap: Span) {
        let millis = gap.floor_millis();
        let bin = STARTS_MS.partition_point(|start| *start <= millis).saturating_sub(1);
        self.halves[half as usize][bin] += 1;
    }

    /// Adds the gaps of another one.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.halves.iter_mut().flatten().zip(other.halves.iter().flatten()) {
            *mine += theirs;
        }
    }

    /// Gaps in a bin.
    pub fn count(&self, bin: usize) -> u64 {
        Half::BOTH.iter().map(|half| self.count_of(*half, bin)).sum()
    }

    /// Gaps in a bin, of one half of the users.
    pub fn count_of(&self, half: Half, bin: usize) -> u64 {
        self.halves[half as usize][bin]
    }

    /// All gaps.
    pub fn total(&self) -> u64 {
        (0..BINS).map(|bin| self.count(bin)).sum()
    }
}

/// Where a bin begins, and before what it ends; `None` for the last one, which does not end.
pub fn bounds_ms(bin: usize) -> (i64, Option<i64>) {
    (STARTS_MS[bin], STARTS_MS.get(bin + 1).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_has_its_start_and_not_its_end() {
        let mut histogram = Histogram::default();
        let gaps_us = [0, 999, 1_000, 999_999, 1_000_000, 1_999_999, 2_000_000, 1_800_000_000, i64::MAX];
        gaps_us.iter().for_each(|micros| histogram.add(Half::One, Span::from_micros(*micros)));
        let counts: Vec<u64> = (0..4).map(|bin| histogram.count(bin)).collect();
        assert_eq!((counts, histogram.count(13), histogram.count(BINS - 1)), (vec![2, 2, 2, 1], 1, 1));
        assert_eq!(histogram.total(), gaps_us.len() as u64);
    }

    #[test]
    fn bins_double() {
        for bin in FIRST_DOUBLING..BINS - 1 {
            let (start, end) = bounds_ms(bin);
            let ratio = end.expect("it ends") as f64 / start as f64;
            assert!((1.8..2.4).contains(&ratio), "{bin}: {ratio}");
        }
    }
}
