//! Long series in fewer points: each stands for as many intervals, and is the mean of those that have a value.

use crate::page::axis::Grain;

/// How many intervals a point stands for, so that there are at most so many points: in steps that people count in.
pub fn factor(intervals: usize, most: usize, grain: Grain) -> usize {
    let steps: &[usize] = match grain {
        Grain::Hour => &[1, 2, 3, 6, 12, 24, 168],
        Grain::Day => &[1, 7, 14, 28],
        Grain::Week => &[1, 4, 13, 26, 52],
        Grain::Month => &[1, 3, 6, 12],
        Grain::Quarter => &[1, 4],
        Grain::Year => &[1],
    };
    let enough = |factor: &usize| intervals.div_ceil(*factor) <= most.max(1);
    let last = steps.last().copied().unwrap_or(1);
    steps.iter().copied().find(enough).unwrap_or_else(|| {
        let times = intervals.div_ceil(last).div_ceil(most.max(1));
        last * times
    })
}

/// A series in points of so many intervals.
pub fn folded(values: &[Option<f64>], factor: usize) -> Vec<Option<f64>> {
    let mean = |values: &[Option<f64>]| {
        let known: Vec<f64> = values.iter().flatten().copied().collect();
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    };
    match factor {
        1 => values.to_vec(),
        factor => values.chunks(factor).map(mean).collect(),
    }
}

/// What is said of a picture whose points stand for several intervals.
pub fn note(factor: usize, grain: Grain, is_bars: bool) -> Option<String> {
    let what = match grain {
        Grain::Hour => "hours",
        Grain::Day => "dates",
        Grain::Week => "weeks",
        Grain::Month => "months",
        Grain::Quarter => "quarters",
        Grain::Year => "years",
    };
    let each = if is_bars { "bar" } else { "point" };
    (factor > 1).then(|| format!("Each {each} is the mean of {factor} {what}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_has_no_more_points_than_there_is_room_for() {
        assert_eq!(factor(365, 400, Grain::Day), 1);
        assert_eq!(factor(365, 120, Grain::Day), 7);
        assert_eq!(factor(8_760, 400, Grain::Hour), 24);
        for (intervals, most, grain) in
            [(40_000usize, 400, Grain::Day), (100_000, 30, Grain::Hour), (900, 30, Grain::Year)]
        {
            assert!(intervals.div_ceil(factor(intervals, most, grain)) <= most);
        }
        assert_eq!(folded(&[Some(1.0), None, Some(3.0), None, None, None, Some(5.0)], 3), [Some(2.0), None, Some(5.0)]);
    }
}
