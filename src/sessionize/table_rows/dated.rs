//! Rows in order of date, and where each date's rows are.

use std::fmt::Debug;
use std::ops::Range;

use crate::sessionize::layout::scatter::counting_sort;
use crate::sessionize::time::Day;

/// Rows that stand on a date.
pub trait Dated: Sized + 'static {
    /// Rows as they are kept until all have been made.
    type Kept: Clone + Debug + PartialEq + Eq;
    /// One of them, but for what is unusual about it.
    type Small: Copy + Debug + Send + Sync;
    /// The date.
    fn day(&self) -> Day;
    /// The user's place in its partition.
    fn user(&self) -> u32;
    /// Rows in an order of theirs. Their dates are known otherwise.
    fn keep(rows: &[Self], order: &[u32]) -> Self::Kept;
    /// The rows, but for what is unusual about some.
    fn smalls(rows: &Self::Kept) -> &[Self::Small];
    /// Whether nothing is unusual about any of them.
    fn are_usual(rows: &Self::Kept) -> bool;
    /// A row that nothing is unusual about, which is one of a date.
    fn whole(small: Self::Small, day: Day) -> Self;
    /// Any row, which is one of a date.
    fn kept(rows: &Self::Kept, row: usize, day: Day) -> Self;
    /// The user of a row.
    fn user_of(rows: &Self::Kept, row: usize) -> u32;
    /// The memory that rows hold, in bytes.
    fn bytes(rows: &Self::Kept) -> usize;
}

/// Rows in order of date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByDay<R: Dated> {
    rows: R::Kept,
    /// The dates that there are, in order, with where the rows of each end.
    ends: Vec<(Day, u32)>,
}

impl<R: Dated> ByDay<R> {
    /// Rows in an order of theirs, which follows their dates.
    pub fn in_order(rows: &[R], order: &[u32]) -> Self {
        let day = |row: &u32| rows[*row as usize].day();
        let mut end = 0;
        let of_day = |same: &[u32]| {
            end += same.len() as u32;
            (day(&same[0]), end)
        };
        let ends = order.chunk_by(|a, b| day(a) == day(b)).map(of_day).collect();
        ByDay { rows: R::keep(rows, order), ends }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.ends.last().map_or(0, |(_, end)| *end as usize)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A row, which is one of a date.
    pub fn row(&self, day: Day, row: usize) -> R {
        R::kept(&self.rows, row, day)
    }

    /// The rows, but for what is unusual about some, and whether nothing is about any.
    pub fn smalls(&self) -> (&[R::Small], bool) {
        (R::smalls(&self.rows), R::are_usual(&self.rows))
    }

    /// The user of a row, by the place in its partition.
    pub fn user_of(&self, row: usize) -> u32 {
        R::user_of(&self.rows, row)
    }

    /// All rows.
    pub fn iter(&self) -> impl Iterator<Item = R> + '_ {
        self.days().flat_map(move |day| self.of_day(day).map(move |row| self.row(day, row)))
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        R::bytes(&self.rows)
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
    use crate::sessionize::table_rows::records::ActivityRow;
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
                let found: Vec<ActivityRow> = by_day.of_day(day).map(|row| by_day.row(day, row)).collect();
                prop_assert!(by_day.of_day(day).zip(&own).all(|(row, own)| by_day.user_of(row) == own.user));
                prop_assert_eq!(&found, &own);
                all.extend(own);
            }
            prop_assert_eq!(by_day.iter().collect::<Vec<_>>(), all);
            let missing = (-1i32..10).map(Day::from_epoch_days).filter(|day| !rows.iter().any(|row| row.day == *day));
            prop_assert!(missing.into_iter().all(|day| by_day.of_day(day).is_empty()));
        }
    }
}
