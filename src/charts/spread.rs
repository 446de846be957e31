//! How values spread: percentiles by nearest rank, and how many values are below each of some bounds.
//!
//! Both need the order of a few values only, not of all. So values are counted by how large they are, roughly; then
//! only those as large as the ones asked for are sorted.

use super::packed::Ints;
use crate::stats::log_bins::bin_of;
use crate::stats::ranks::nearest_rank;

/// What is asked of some values, and what comes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// The smallest values that at least so many percent do not exceed; 0 where there are no values.
    pub percentiles: Vec<i64>,
    /// How many values are below each bound.
    pub below: Vec<usize>,
}

/// Fewer values than this are sorted.
const FEW: usize = 1 << 9;

impl Spread {
    /// Of some values, wherever they lie.
    pub fn of(values: &[Ints<'_>], percents: &[u32], bounds: &[i64]) -> Self {
        let count: usize = values.iter().map(|some| some.len()).sum();
        let ranks: Vec<usize> = percents.iter().map(|percent| nearest_rank(*percent, count).unwrap_or(0)).collect();
        match count < FEW {
            true => {
                let mut all = Vec::with_capacity(count);
                each(values, |value| all.push(value));
                all.sort_unstable();
                let values = all;
                let percentiles = ranks.iter().map(|rank| values.get(*rank).copied().unwrap_or(0)).collect();
                let below = bounds.iter().map(|bound| values.partition_point(|value| value < bound)).collect();
                Spread { percentiles, below }
            }
            false => Spread::by_magnitude(values, &ranks, bounds),
        }
    }

    fn by_magnitude(values: &[Ints<'_>], ranks: &[usize], bounds: &[i64]) -> Self {
        let mut largest = 0;
        each(values, |value| largest = value.max(largest));
        let mut counts = vec![0u32; magnitude(largest) + 1];
        each(values, |value| counts[magnitude(value)] += 1);
        // Where each magnitude begins among all values in order.
        let mut begins = Vec::with_capacity(counts.len() + 1);
        begins.push(0usize);
        counts.iter().for_each(|count| begins.push(begins[begins.len() - 1] + *count as usize));
        let of_rank = |rank: usize| begins.partition_point(|begin| *begin <= rank) - 1;
        let of_bound = |bound: i64| Some(magnitude(bound)).filter(|magnitude| *magnitude < counts.len());
        let mut asked = vec![false; counts.len()];
        ranks.iter().for_each(|rank| asked[of_rank(*rank)] = true);
        bounds.iter().filter_map(|bound| of_bound(*bound)).for_each(|magnitude| asked[magnitude] = true);
        let few = asked.iter().zip(&counts).filter(|(asked, _)| **asked).map(|(_, count)| *count as usize).sum();
        let mut sorted: Vec<i64> = Vec::with_capacity(few);
        each(values, |value| {
            if asked[magnitude(value)] {
                sorted.push(value);
            }
        });
        sorted.sort_unstable();
        // Where each magnitude that is asked for begins among those sorted.
        let mut place = 0;
        let mut places = Vec::with_capacity(counts.len());
        for (asked, count) in asked.iter().zip(&counts) {
            places.push(place);
            place += usize::from(*asked) * *count as usize;
        }
        let percentiles = ranks.iter().map(|rank| {
            let magnitude = of_rank(*rank);
            sorted[places[magnitude] + rank - begins[magnitude]]
        });
        let below = bounds.iter().map(|bound| match of_bound(*bound) {
            None => begins[counts.len()],
            Some(magnitude) => {
                let of_magnitude = &sorted[places[magnitude]..places[magnitude] + counts[magnitude] as usize];
                begins[magnitude] + of_magnitude.partition_point(|value| value < bound)
            }
        });
        Spread { percentiles: percentiles.collect(), below: below.collect() }
    }
}

fn each(values: &[Ints<'_>], mut with: impl FnMut(i64)) {
    values.iter().for_each(|some| some.each(&mut with));
}

/// About how large a value is, as a number that never falls while values rise.
pub(super) fn magnitude(value: i64) -> usize {
    bin_of::<6>(value.max(0).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_asked_is_what_sorting_all_values_finds(
            values in prop::collection::vec(prop_oneof![Just(0i64), 0i64..100, 0i64..90_000_000, any::<i64>(), Just(i64::MAX)], 0..2_000),
            percents in prop::collection::vec(1u32..=100, 0..6),
            bounds in prop::collection::vec(prop_oneof![-2i64..200, 0i64..90_000_000, any::<i64>()], 0..12),
            cut in any::<prop::sample::Index>(),
        ) {
            let cut = cut.index(values.len() + 1);
            let mut sorted = values.clone();
            sorted.sort_unstable();
            let spread = Spread::of(&[Ints::Plain(&values[..cut]), Ints::Plain(&values[cut..])], &percents, &bounds);
            for (percent, found) in percents.iter().zip(&spread.percentiles) {
                let enough = |value: i64| sorted.iter().filter(|other| **other <= value).count() * 100 >= *percent as usize * sorted.len();
                prop_assert_eq!(Some(*found), sorted.iter().copied().find(|value| enough(*value)).or(Some(0)));
            }
            for (bound, below) in bounds.iter().zip(&spread.below) {
                prop_assert_eq!(*below, sorted.iter().filter(|value| *value < bound).count());
            }
        }
    }
}
