//! Sets of instants: those that a run reads, and those that new events may have to do with.

use crate::sessionize::time::Timestamp;

/// Instants, as ranges with both ends inclusive, in ascending order and apart from each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times(Vec<(Timestamp, Timestamp)>);

impl Times {
    /// The instants of some ranges, both ends inclusive, in any order.
    pub fn of(ranges: impl IntoIterator<Item = (Timestamp, Timestamp)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first <= before.1 => before.1 = before.1.max(last),
                _ => merged.push((first, last)),
            }
        }
        Times(merged)
    }

    /// Whether an instant is one of them.
    pub fn holds(&self, time: Timestamp) -> bool {
        self.meets(time, time)
    }

    /// Whether all instants between two, these included, are among them.
    pub fn covers(&self, first: Timestamp, last: Timestamp) -> bool {
        let next = self.0.partition_point(|range| range.1 < first);
        self.0.get(next).is_some_and(|range| range.0 <= first && last <= range.1)
    }

    /// Whether one of them lies between two instants, these included.
    pub fn meets(&self, first: Timestamp, last: Timestamp) -> bool {
        let next = self.0.partition_point(|range| range.1 < first);
        self.0.get(next).is_some_and(|range| range.0 <= last)
    }

    /// The ranges, in ascending order.
    pub fn ranges(&self) -> &[(Timestamp, Timestamp)] {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_set_holds_the_instants_of_its_ranges_and_no_others(
            ranges in prop::collection::vec((0i64..40, 0i64..6), 0..6),
            asked in (0i64..45, 0i64..5),
        ) {
            let at = Timestamp::from_micros;
            let ranges: Vec<(i64, i64)> = ranges.into_iter().map(|(first, length)| (first, first + length)).collect();
            let set = Times::of(ranges.iter().map(|(first, last)| (at(*first), at(*last))));
            let holds = |time: i64| ranges.iter().any(|(first, last)| (*first..=*last).contains(&time));
            for time in -1..50 {
                prop_assert_eq!(set.holds(at(time)), holds(time));
            }
            let (first, last) = (asked.0, asked.0 + asked.1);
            prop_assert_eq!(set.meets(at(first), at(last)), (first..=last).any(holds));
            // Instants here are whole; ranges that only touch are two.
            prop_assert!(!set.covers(at(first), at(last)) || (first..=last).all(holds));
        }
    }
}
