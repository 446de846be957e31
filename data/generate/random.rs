//! Chance, small and reproducible: the same seed gives the same events on every run.

/// SplitMix64. Statistically good enough for made-up events, and two multiplications a number.
pub struct Random(u64);

impl Random {
    /// A generator whose whole future is decided by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.0)
    }

    /// Evenly from 0 to 1, without 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Evenly from 0 to `limit`, without `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(limit)) >> 64) as u64
    }

    /// Evenly from `low` to `high`, without `high`.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low).unsigned_abs()) as i64
    }

    /// True in this share of cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// One of a list that is not empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}

/// The random bits that belong to `number`: lets a user be computed when needed instead of being kept.
pub fn bits_of(seed: u64, number: u64) -> u64 {
    scramble(scramble(seed) ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn scramble(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A choice with weights, laid out as one slot per unit of weight, so that choosing is one lookup.
pub struct Weighted<T>(Vec<T>);

impl<T: Copy> Weighted<T> {
    /// The weights are whole numbers with a small sum.
    pub fn new(weights: &[(T, usize)]) -> Self {
        Self(weights.iter().flat_map(|&(value, weight)| std::iter::repeat_n(value, weight)).collect())
    }

    /// One of the values.
    pub fn draw(&self, random: &mut Random) -> T {
        random.pick(&self.0)
    }
}

/// A heavy-tailed quantity: most values are near the median, a few are many times larger.
///
/// The log-logistic distribution, because that is how people pause, and its quantiles have a closed
/// form. They are tabulated once: a power per event would cost more than writing the event.
pub struct HeavyTailed(Vec<i64>);

/// Each slot of the table is one 4096th of the distribution.
const SLOT_BITS: u32 = 12;

impl HeavyTailed {
    /// A smaller `shape` has a longer tail; no value is above `most`.
    pub fn new(median: i64, shape: f64, most: i64) -> Self {
        let slots = 1u32 << SLOT_BITS;
        Self(
            (0..slots)
                .map(|slot| (f64::from(slot) + 0.5) / f64::from(slots))
                .map(|share| median as f64 * (share / (1.0 - share)).powf(shape.recip()))
                .map(|value| (value as i64).min(most))
                .collect(),
        )
    }

    /// One value.
    pub fn draw(&self, random: &mut Random) -> i64 {
        let bits = random.bits();
        let slot = (bits >> (64 - SLOT_BITS)) as usize;
        let low = self.0[slot];
        let high = self.0[(slot + 1).min(self.0.len() - 1)];
        // 16 bits between two slots keep the product inside 64 bits for any value under four years.
        low + (((high - low) * (bits & 0xffff) as i64) >> 16)
    }
}
