//! Which intervals of a chart have rows (SPEC 6): all from the first to the last one, as long as these are not too many. One event of a clock that was decades off would make millions of rows of zeros otherwise.

use std::collections::BTreeSet;

use super::interval::{Ends, IntervalKey, Intervals};
use crate::sessionize::time::Timestamp;

/// A chart of more intervals has rows only for those with a session.
pub const MOST_INTERVALS: usize = 100_000;
/// And so has a chart of more rows, that is intervals of each series, segment and group.
pub const MOST_ROWS: usize = 1_000_000;

/// The intervals of a chart, in order of time.
#[derive(Debug)]
pub struct Timeline {
    all: Vec<(IntervalKey, Timestamp)>,
    /// The place of each, in order of their keys.
    places: Vec<(IntervalKey, usize)>,
    /// Whether intervals without a session have no rows.
    is_sparse: bool,
}

impl Timeline {
    /// Of the intervals from one to another and of those with a session, line by line.
    pub fn new(intervals: &Intervals<'_>, ends: Option<Ends>, lines: &[Vec<IntervalKey>]) -> Self {
        let met = || lines.iter().flatten().copied();
        let all = || met().chain(ends.into_iter().flat_map(|(first, last)| [first, last]));
        let (Some(first), Some(last)) = (all().min(), all().max()) else {
            return Timeline { all: Vec::new(), places: Vec::new(), is_sparse: false };
        };
        if intervals.at_least(first, last) <= MOST_INTERVALS as i64 {
            let dense = Timeline::of(intervals.over(first, last), false).between(all());
            if dense.all.len() <= MOST_INTERVALS && dense.all.len() * lines.len() <= MOST_ROWS {
                return dense;
            }
        }
        let met: BTreeSet<IntervalKey> = met().collect();
        let mut all: Vec<_> = met.into_iter().map(|key| (key, intervals.start(key))).collect();
        all.sort_by_key(|(_, start)| *start);
        Timeline::of(all, true)
    }

    /// Those from the first to the last of some intervals, in order of time.
    fn between(mut self, ends: impl Iterator<Item = IntervalKey> + Clone) -> Self {
        let places = || ends.clone().filter_map(|key| self.place(key));
        let (Some(first), Some(last)) = (places().min(), places().max()) else { return self };
        self.all.truncate(last + 1);
        let all = self.all.split_off(first);
        Timeline::of(all, self.is_sparse)
    }

    fn of(all: Vec<(IntervalKey, Timestamp)>, is_sparse: bool) -> Self {
        let mut places: Vec<(IntervalKey, usize)> = all.iter().map(|(key, _)| *key).zip(0..).collect();
        places.sort_unstable();
        Timeline { all, places, is_sparse }
    }

    /// Whether intervals without a session have no rows.
    pub fn is_sparse(&self) -> bool {
        self.is_sparse
    }

    /// The intervals that have rows in a line with sessions in these.
    pub fn rows_of(&self, line: &[IntervalKey]) -> Vec<(IntervalKey, Timestamp)> {
        if self.is_sparse {
            let mut places: Vec<usize> = line.iter().filter_map(|key| self.place(*key)).collect();
            places.sort_unstable();
            return places.into_iter().map(|place| self.all[place]).collect();
        }
        self.all.clone()
    }

    fn place(&self, key: IntervalKey) -> Option<usize> {
        let at = self.places.binary_search_by_key(&key, |(known, _)| *known).ok()?;
        Some(self.places[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::chart::Interval;
    use crate::sessionize::time::Day;
    use jiff::tz::TimeZone;

    /// Lines of days with sessions, by day.
    fn timeline(lines: &[&[i32]]) -> (Timeline, Vec<Vec<IntervalKey>>) {
        let intervals = Intervals {
            interval: Interval::Day,
            starts: Default::default(),
            zone: &TimeZone::UTC,
            first: Day::default(),
        };
        let key = |day: &i32| IntervalKey::of_day(Day::from_epoch_days(*day));
        let keys: Vec<Vec<IntervalKey>> = lines.iter().map(|line| line.iter().map(key).collect()).collect();
        (Timeline::new(&intervals, None, &keys), keys)
    }

    fn rows(lines: &[&[i32]]) -> Vec<usize> {
        let (timeline, keys) = timeline(lines);
        keys.iter().map(|line| timeline.rows_of(line).len()).collect()
    }

    #[test]
    fn each_line_has_all_intervals() {
        assert_eq!(rows(&[&[3, 7], &[5], &[]]), [5, 5, 5]);
        assert_eq!(rows(&[]), [0; 0]);
        assert!(!timeline(&[&[3, 7]]).0.is_sparse());
        let intervals = Intervals {
            interval: Interval::Day,
            starts: Default::default(),
            zone: &TimeZone::UTC,
            first: Day::default(),
        };
        let key = |day: i32| IntervalKey::of_day(Day::from_epoch_days(day));
        let of =
            |lines: &[Vec<IntervalKey>]| Timeline::new(&intervals, Some((key(2), key(6))), lines).rows_of(&[]).len();
        assert_eq!((of(&[vec![]]), of(&[vec![key(1), key(3)]]), of(&[vec![key(9)]])), (5, 6, 8));
    }

    #[test]
    fn of_more_intervals_or_rows_than_there_may_be_those_with_sessions_are_left() {
        let most = MOST_INTERVALS as i32;
        assert_eq!(rows(&[&[0, most - 1], &[5, 7]]), [MOST_INTERVALS; 2]);
        assert_eq!(rows(&[&[0, most], &[5, 7]]), [2, 2], "one interval more, of the whole chart");
        assert_eq!(rows(&[&[0], &[most]]), [1, 1], "also where no line is so long");
        assert_eq!(rows(&[&[0, 2_000_000]]), [2]);
        let long: &[i32] = &[0, most - 1];
        assert_eq!(rows(&[long; 10]), [MOST_INTERVALS; 10]);
        assert_eq!(rows(&[&[long; 10][..], &[&[1]]].concat())[..2], [2, 2], "one row more");
        let (sparse, keys) = timeline(&[&[0, 2_000_000, 2]]);
        let starts: Vec<i64> =
            sparse.rows_of(&keys[0]).iter().map(|(_, start)| start.micros() / 86_400_000_000).collect();
        assert!(sparse.is_sparse() && starts[..2] == [0, 2] && starts.len() == 3, "in order of time: {starts:?}");
    }
}
