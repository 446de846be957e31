//! Exact medians of more lengths than memory holds, by counting them more and more finely where the median is.

use crate::stats::log_bins::{bin_of, start_of};

/// The first counts are exact below 2^(`BITS` + 1) milliseconds, and above it to one part in 2^`BITS`.
const BITS: u32 = 8;
/// A stretch that is looked at again is divided into so many parts, or into milliseconds.
const PARTS_LOG: u32 = 14;

/// Counts of lengths in milliseconds, each bin at most a 256th of its own start long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lengths {
    // Bin by bin, as far as there are any.
    counts: Vec<u64>,
}

impl Lengths {
    /// Counts a length; a negative one is one of nothing.
    pub fn add(&mut self, millis: i64) {
        let bin = bin_of::<BITS>(millis.max(0).unsigned_abs());
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Lengths) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
    }

    /// Where the median is, as far as these tell.
    pub fn narrowed(&self) -> Narrowing {
        let total: u64 = self.counts.iter().sum();
        // Nearest rank: of an even number, the lower one of the two in the middle.
        let Some((bin, rank)) = find(&self.counts, total.div_ceil(2)) else { return Narrowing::default() };
        let (low, width_log) = start_of::<BITS>(bin);
        Narrowing { at: Some(Stretch { low, width_log, rank }) }
    }
}

/// Where a median is known to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Narrowing {
    /// `None` where there is nothing.
    at: Option<Stretch>,
}

/// Lengths from one until before another, of which the median is the one of a rank, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    low: u64,
    width_log: u32,
    rank: u64,
}

impl Narrowing {
    /// Whether it is known to the millisecond, or known not to be.
    pub fn is_found(&self) -> bool {
        self.at.is_none_or(|at| at.width_log == 0)
    }

    /// The median, once it is found.
    pub fn value(&self) -> Option<i64> {
        self.at.map(|at| at.low as i64)
    }

    /// Counts for the lengths among which it is.
    pub fn counts(&self) -> Finer {
        let open = self.at.filter(|at| at.width_log > 0);
        let Some(at) = open else { return Finer::default() };
        let part_log = at.width_log.saturating_sub(PARTS_LOG);
        Finer { low: at.low, part_log, counts: vec![0; 1 << (at.width_log - part_log)] }
    }

    /// Where the median is, by counts of the lengths among which it is.
    pub fn narrowed(&self, finer: &Finer) -> Narrowing {
        let Some(at) = self.at.filter(|at| at.width_log > 0) else { return *self };
        let Some((part, rank)) = find(&finer.counts, at.rank) else { return *self };
        let low = at.low + ((part as u64) << finer.part_log);
        Narrowing { at: Some(Stretch { low, width_log: finer.part_log, rank }) }
    }
}

/// Counts of the lengths in one stretch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finer {
    low: u64,
    part_log: u32,
    counts: Vec<u64>,
}

impl Finer {
    /// Counts a length, if it is in the stretch.
    pub fn add(&mut self, millis: i64) {
        let distance = millis.max(0).unsigned_abs().wrapping_sub(self.low) >> self.part_log;
        if let Some(count) = usize::try_from(distance).ok().and_then(|part| self.counts.get_mut(part)) {
            *count += 1;
        }
    }

    /// Adds others of the same stretch.
    pub fn merge(&mut self, other: &Finer) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(mine, theirs)| *mine += theirs);
    }
}

/// The bin that holds the value of a rank, from 1, and its rank in that bin.
fn find(counts: &[u64], rank: u64) -> Option<(usize, u64)> {
    let mut left = rank.checked_sub(1)?;
    for (bin, count) in counts.iter().enumerate() {
        match left.checked_sub(*count) {
            Some(rest) => left = rest,
            None => return Some((bin, left + 1)),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn median(lengths: &[i64]) -> (Option<i64>, usize) {
        let mut counted = Lengths::default();
        lengths.iter().for_each(|length| counted.add(*length));
        let (mut narrowing, mut passes) = (counted.narrowed(), 1);
        while !narrowing.is_found() {
            let mut finer = narrowing.counts();
            lengths.iter().for_each(|length| finer.add(*length));
            narrowing = narrowing.narrowed(&finer);
            passes += 1;
        }
        (narrowing.value(), passes)
    }

    proptest! {
        #[test]
        fn the_median_is_the_one_of_the_sorted_lengths(
            lengths in prop::collection::vec((any::<i64>(), 0u32..63), 1..60),
        ) {
            let lengths: Vec<i64> = lengths.iter().map(|(length, shift)| (length & i64::MAX) >> shift).collect();
            let mut sorted = lengths.clone();
            sorted.sort_unstable();
            prop_assert_eq!(median(&lengths).0, Some(sorted[sorted.len().div_ceil(2) - 1]));
        }
    }

    #[test]
    fn of_nothing_there_is_no_median() {
        assert_eq!(median(&[]), (None, 1));
    }

    #[test]
    fn sessions_of_usual_lengths_take_two_passes_at_most() {
        let passes = |length| median(&[length]).1;
        assert_eq!((passes(0), passes(511), passes(512 * 2), passes(2 * 3_600_000)), (1, 1, 2, 2));
    }
}
