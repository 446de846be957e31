//! Rows in order of date, and where each date's rows are.

use std::ops::{Deref, Range};

use super::scatter::counting_sort;
use super::time::Day;

/// Rows that stand on a date.
pub trait Dated {
    /// The date.
    fn day(&self) -> Day;
    /// The user's place in its partition.
    fn user(&self) -> u32;
}

/// Rows in order of date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByDay<R> {
    rows: Vec<R>,
    /// The dates that there are, in order, with where the rows of each end.
    ends: Vec<(Day, u32)>,
}

impl<R: Dated + Copy> ByDay<R> {
    /// Rows in an order of theirs, which follows their dates.
    pub fn in_order(rows: &[R], order: &[u32]) -> Self {
        let rows: Vec<R> = order.iter().map(|row| rows[*row as usize]).collect();
        let mut end = 0;
        let of_day = |same: &[R]| {
            end += same.len() as u32;
            (same[0].day(), end)
        };
        let ends = rows.chunk_by(|a, b| a.day() == b.day()).map(of_day).collect();
        ByDay { rows, ends }
    }

    /// The dates that there are, in order.
    pub fn days(&self) -> impl Iterator<Item = Day> + '_ {
        self.ends.iter().map(|(day, _)| *day)
    }

    /// Where the rows of a date are.
    pub fn of_day(&self, day: Day) -> Range<usize> {
        match self.ends.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(at) => at.checked_sub(1).map_or(0, |before| self.ends[before].1 as usize)..self.ends[at].1 as usize,
            Err(_) => 0..0,
        }
    }
}

impl<R> Deref for ByDay<R> {
    type Target = [R];

    fn deref(&self) -> &[R] {
        &self.rows
    }
}

/// The order of rows by date; those of one date keep their order, so users stay in order, and one user's rows, too.
pub fn day_order<R: Dated>(rows: &[R]) -> Vec<u32> {
    let days = || rows.iter().map(|row| row.day().epoch_days());
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return Vec::new() };
    let count = (i64::from(last) - i64::from(first)) as usize + 1;
    if count > rows.len() * 4 {
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|row| rows[*row as usize].day());
        return order;
    }
    counting_sort(&days().map(|day| (day - first) as u32).collect::<Vec<_>>(), count).0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::records::ActivityRow;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_date_has_its_rows_in_the_order_they_had(days in prop::collection::vec(prop_oneof![0i32..9, any::<i32>()], 0..60)) {
            let row = |(user, day): (usize, &i32)| {
                ActivityRow { user: user as u32, day: Day::from_epoch_days(*day), events: 1, hours: 1 }
            };
            let rows: Vec<ActivityRow> = days.iter().enumerate().map(row).collect();
            let by_day = ByDay::in_order(&rows, &day_order(&rows));
            let mut all = Vec::new();
            for day in by_day.days() {
                let own: Vec<ActivityRow> = rows.iter().filter(|row| row.day == day).copied().collect();
                prop_assert_eq!(&by_day[by_day.of_day(day)], &own[..]);
                all.extend(own);
            }
            prop_assert_eq!(&by_day[..], &all[..]);
            let missing = (-1i32..10).map(Day::from_epoch_days).filter(|day| !rows.iter().any(|row| row.day == *day));
            prop_assert!(missing.into_iter().all(|day| by_day.of_day(day).is_empty()));
        }
    }
}
