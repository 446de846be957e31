//! Sets of dates: those that a run writes.

use super::Day;

/// The dates that tables hold, both ends inclusive; `None` for no bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first date.
    pub first: Option<Day>,
    /// The last date.
    pub last: Option<Day>,
}

impl Window {
    /// Whether a date is within.
    pub fn holds(&self, day: Day) -> bool {
        self.first.is_none_or(|first| first <= day) && self.last.is_none_or(|last| day <= last)
    }
}

/// Dates, as ranges with both ends inclusive, in ascending order and with other dates between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateSet(Vec<(Day, Day)>);

const FIRST: Day = Day::from_epoch_days(i32::MIN);
const LAST: Day = Day::from_epoch_days(i32::MAX);

impl DateSet {
    /// All dates.
    pub fn all() -> Self {
        DateSet(vec![(FIRST, LAST)])
    }

    /// The dates of some ranges, both ends inclusive, in any order; a range that ends before it begins has none.
    pub fn of(ranges: impl IntoIterator<Item = (Day, Day)>) -> Self {
        let mut ranges: Vec<(Day, Day)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(Day, Day)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some(before) if first.epoch_days() <= before.1.epoch_days().saturating_add(1) => {
                    before.1 = before.1.max(last);
                }
                _ => merged.push((first, last)),
            }
        }
        DateSet(merged)
    }

    /// The dates of a window.
    pub fn of_window(window: Window) -> Self {
        DateSet::of([(window.first.unwrap_or(FIRST), window.last.unwrap_or(LAST))])
    }

    /// Whether a date is one of them.
    pub fn holds(&self, day: Day) -> bool {
        self.0.iter().any(|(first, last)| *first <= day && day <= *last)
    }

    /// Whether these are all dates.
    pub fn is_all(&self) -> bool {
        self.0 == [(FIRST, LAST)]
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ranges, in ascending order.
    pub fn ranges(&self) -> &[(Day, Day)] {
        &self.0
    }

    /// The dates that are also within a window.
    pub fn within(&self, window: Window) -> Self {
        let bound = |(first, last): &(Day, Day)| {
            ((*first).max(window.first.unwrap_or(FIRST)), (*last).min(window.last.unwrap_or(LAST)))
        };
        DateSet::of(self.0.iter().map(bound))
    }

    /// These dates and others.
    pub fn and(&self, other: &DateSet) -> Self {
        DateSet::of(self.0.iter().chain(&other.0).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(day: i32) -> Day {
        Day::from_epoch_days(day)
    }

    proptest! {
        #[test]
        fn a_set_holds_the_dates_of_its_ranges_and_no_others(
            ranges in prop::collection::vec((0i32..40, 0i32..6), 0..6),
            window in (prop::option::of(0i32..40), prop::option::of(0i32..40)),
        ) {
            let ranges: Vec<(i32, i32)> = ranges.into_iter().map(|(first, length)| (first, first + length)).collect();
            let set = DateSet::of(ranges.iter().map(|(first, last)| (day(*first), day(*last))));
            let window = Window { first: window.0.map(day), last: window.1.map(day) };
            for date in -1..50 {
                let inside = ranges.iter().any(|(first, last)| (*first..=*last).contains(&date));
                prop_assert_eq!(set.holds(day(date)), inside);
                prop_assert_eq!(set.within(window).holds(day(date)), inside && window.holds(day(date)));
                prop_assert!(DateSet::all().holds(day(date)) && !DateSet::default().holds(day(date)));
            }
            prop_assert!(set.ranges().windows(2).all(|pair| pair[0].1.epoch_days() + 1 < pair[1].0.epoch_days()));
        }
    }

    #[test]
    fn a_window_without_ends_is_all_dates() {
        assert!(DateSet::of_window(Window::default()).is_all());
        assert!(!DateSet::of_window(Window { first: Some(day(3)), last: None }).is_all());
    }
}
