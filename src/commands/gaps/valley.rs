//! Where the histogram of gaps has a valley: pauses within visits on one side of it, between visits on the other.
//!
//! A valley that is not there would be taken for advice, so the test is strict, and can be checked by eye: a bin has at
//! most half as many gaps as one before it and one after it; it has so in each of two halves of the users, too, so that
//! no few users make it; and in each half by more than four standard errors, so that chance does not. What is shorter
//! than a second is no pause of a person, and makes no hill. Bins are not quite equally wide, but the widest by no more
//! than a third, which is far from half.

use super::histogram::{Half, Histogram, BINS, FIRST_DOUBLING};

/// A valley, by its bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Valley {
    /// The top of the hill before it.
    pub before: usize,
    /// The first bin with at most half as many gaps as both tops.
    pub first: usize,
    /// The bin with the fewest.
    pub lowest: usize,
    /// The last bin with at most half as many as both tops.
    pub last: usize,
    /// The top of the hill after it.
    pub after: usize,
}

/// All valleys, from short gaps to long ones.
pub fn valleys(histogram: &Histogram) -> Vec<Valley> {
    let bins: Vec<Bin> = (FIRST_DOUBLING..BINS - 1).map(|bin| Bin::new(histogram, bin)).collect();
    let mut found: Vec<(usize, usize)> = Vec::new();
    let (mut top, mut lowest) = (0, None);
    for place in 1..bins.len() {
        let bin = &bins[place];
        match lowest {
            None if bin.count > bins[top].count => top = place,
            None if bin.is_far_below(&bins[top]) => lowest = Some(place),
            None => {}
            Some(low) if bin.count < bins[low].count => lowest = Some(place),
            Some(low) if bins[low].is_far_below(bin) => {
                found.push((top, low));
                (top, lowest) = (place, None);
            }
            Some(_) => {}
        }
    }
    let ends = found.iter().skip(1).map(|(_, low)| *low).chain([bins.len()]);
    let valley = |((before, lowest), end): (&(usize, usize), usize)| {
        // The hill after it may go on to rise.
        let highest = |best: usize, place: usize| if bins[place].count > bins[best].count { place } else { best };
        let after = (lowest + 1..end).reduce(highest).unwrap_or(*lowest);
        let half = bins[*before].count.min(bins[after].count) / 2.0;
        let is_low = |place: &usize| bins[*place].count <= half;
        let first = (*before..*lowest).rev().take_while(is_low).last().unwrap_or(*lowest);
        let last = (lowest + 1..after).take_while(is_low).last().unwrap_or(*lowest);
        let [before, first, lowest, last, after] =
            [*before, first, *lowest, last, after].map(|place| place + FIRST_DOUBLING);
        Valley { before, first, lowest, last, after }
    };
    found.iter().zip(ends).map(valley).collect()
}

struct Bin {
    count: f64,
    halves: [f64; 2],
}

impl Bin {
    fn new(histogram: &Histogram, bin: usize) -> Self {
        let halves = Half::BOTH.map(|half| histogram.count_of(half, bin) as f64);
        Bin { count: histogram.count(bin) as f64, halves }
    }

    /// Whether there are at most half as many gaps as in another, in all and in each half of the users, and not by
    /// chance.
    fn is_far_below(&self, top: &Bin) -> bool {
        const STANDARD_ERRORS: f64 = 4.0;
        let not_by_chance = |low: f64, high: f64| high - low > STANDARD_ERRORS * (high + low).sqrt();
        let mut halves = self.halves.iter().zip(&top.halves);
        self.count * 2.0 <= top.count && halves.all(|(low, high)| low * 2.0 <= *high && not_by_chance(*low, *high))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::gaps::histogram::bounds_ms;
    use crate::sessionize::time::Span;
    use proptest::prelude::*;

    /// Numbers that are random enough to draw gaps from.
    struct Random(u64);

    impl Random {
        fn uniform(&mut self) -> f64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 11) as f64 + 0.5) / (1u64 << 53) as f64
        }

        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
        }

        /// Seconds whose logarithm is normal about that of `middle`, `spread` doublings wide.
        fn about(&mut self, middle: f64, spread: f64) -> f64 {
            middle * 2f64.powf(self.normal() * spread)
        }
    }

    fn histogram(users: u64, gaps_each: usize, mut draw: impl FnMut(&mut Random, u64) -> f64) -> Histogram {
        let mut random = Random(users ^ 0x5EED);
        let mut histogram = Histogram::default();
        for user in 0..users {
            for _ in 0..gaps_each {
                let micros = (draw(&mut random, user) * 1e6).min(1e15) as i64;
                histogram.add(Half::BOTH[user as usize % 2], Span::from_micros(micros));
            }
        }
        histogram
    }

    fn named(histogram: &Histogram) -> Vec<(i64, Option<i64>)> {
        valleys(histogram).iter().map(|valley| (bounds_ms(valley.first).0, bounds_ms(valley.last).1)).collect()
    }

    #[test]
    fn pauses_within_visits_and_between_them_leave_a_valley() {
        let day_and_night = |random: &mut Random, _| match random.uniform() {
            visit if visit < 0.7 => random.about(20.0, 1.5),
            _ => random.about(86_400.0, 1.0),
        };
        let found = valleys(&histogram(2_000, 20, day_and_night));
        assert_eq!(found.len(), 1);
        let (from, to) = (bounds_ms(found[0].first).0, bounds_ms(found[0].last).1.expect("it ends"));
        assert!(from >= 60_000 && to <= 16 * 3_600_000, "{from} to {to}");
        assert!((15_000..60_000).contains(&bounds_ms(found[0].before).0));
    }

    #[test]
    fn three_kinds_of_pauses_leave_two() {
        let three = |random: &mut Random, _| match random.uniform() {
            click if click < 0.4 => random.about(4.0, 0.6),
            page if page < 0.7 => random.about(300.0, 0.6),
            _ => random.about(86_400.0, 0.6),
        };
        assert_eq!(valleys(&histogram(2_000, 20, three)).len(), 2);
    }

    #[test]
    fn one_kind_of_pauses_leaves_none_however_they_are_spread() {
        for spread in [0.3, 1.0, 3.0, 6.0] {
            assert_eq!(named(&histogram(1_000, 30, |random, _| random.about(600.0, spread))), []);
        }
        let waiting = |random: &mut Random, _| -random.uniform().ln() * 3_600.0;
        assert_eq!(named(&histogram(1_000, 30, waiting)), []);
        let long_tail = |random: &mut Random, _| random.uniform().powf(-1.0);
        assert_eq!(named(&histogram(1_000, 30, long_tail)), []);
    }

    #[test]
    fn one_user_makes_no_valley() {
        let robot = |random: &mut Random, user| match (user, random.uniform()) {
            (7, visit) if visit < 0.5 => 2.0,
            (7, _) => 40_000.0,
            _ => random.about(600.0, 1.5),
        };
        let mut all = histogram(300, 5, robot);
        for _ in 0..5_000 {
            all.add(Half::Other, Span::from_micros(2_000_000));
            all.add(Half::Other, Span::from_micros(40_000_000_000));
        }
        assert_eq!(named(&all), []);
    }

    #[test]
    fn times_in_whole_minutes_make_none() {
        let rounded = |random: &mut Random, _| (random.about(600.0, 3.0) / 60.0).round() * 60.0;
        assert_eq!(named(&histogram(2_000, 20, rounded)), []);
    }

    proptest! {
        #[test]
        fn chance_makes_none(seed in any::<u64>(), gaps in 2u64..3_000) {
            // As many for each doubling: whatever is seen in them is chance.
            let mut random = Random(seed);
            let mut all = Histogram::default();
            for gap in 0..gaps {
                let seconds = 2f64.powf(random.uniform() * 22.0);
                all.add(Half::BOTH[gap as usize % 2], Span::from_micros((seconds * 1e6) as i64));
            }
            prop_assert_eq!(named(&all), []);
        }
    }
}
