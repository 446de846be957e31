//! Percentiles by nearest rank (SPEC 5).

/// The place of a percentile among so many values in ascending order: that of the smallest value that at least so many
/// percent of them do not exceed. `None` where there are no values.
pub fn nearest_rank(percent: u32, count: usize) -> Option<usize> {
    // Of a percentile of 0, the smallest value is the one.
    let last = count.checked_sub(1)?;
    Some((percent as usize * count).div_ceil(100).saturating_sub(1).min(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_even_number_the_median_is_the_lower_one_of_the_two_in_the_middle() {
        assert_eq!([1, 2, 3, 4, 5].map(|count| nearest_rank(50, count)), [0, 0, 1, 1, 2].map(Some));
        assert_eq!([nearest_rank(100, 7), nearest_rank(99, 7), nearest_rank(1, 7)], [6, 6, 0].map(Some));
        assert_eq!(nearest_rank(50, 0), None);
    }
}
