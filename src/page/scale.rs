//! Scales of figures: from a round number below to one above, zero always among them.

use super::number::Unit;

/// A scale, and where it has marks.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    /// The marks, in ascending order.
    pub marks: Vec<f64>,
}

/// As many parts a scale has at most.
const PARTS: f64 = 4.0;
/// Lengths that people count in, in milliseconds.
const LENGTHS: [f64; 24] = [
    1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 60e3, 120e3, 300e3, 600e3,
    900e3, 1_800e3, 3_600e3, 7_200e3, 21_600e3,
];

impl Scale {
    /// A scale that holds all of these values, and zero.
    pub fn of(values: impl Iterator<Item = f64>, unit: Unit) -> Self {
        let (mut least, mut most) = (0.0f64, 0.0f64);
        for value in values.filter(|value| value.is_finite()) {
            least = least.min(value);
            most = most.max(value);
        }
        if least == most {
            most = if unit == Unit::Millis { 1e3 } else { 1.0 };
        }
        let mut step = step(most - least, unit);
        if unit == Unit::Count {
            // Half a thing is no mark.
            step = step.max(1.0);
        }
        let (first, last) = ((least / step).floor(), (most / step).ceil());
        let marks: Vec<f64> = (0..=(last - first) as usize).map(|place| (first + place as f64) * step).collect();
        Scale { low: first * step, high: last * step, marks }
    }

    /// Where a value is, from 0 at the lower end to 1 at the upper one.
    pub fn place(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// The round number that divides a range into few parts.
fn step(range: f64, unit: Unit) -> f64 {
    let rough = range / PARTS;
    if unit == Unit::Millis {
        if let Some(length) = LENGTHS.into_iter().find(|length| *length >= rough) {
            return length;
        }
        const DAY: f64 = 86_400e3;
        return if rough <= DAY / 2.0 { DAY / 2.0 } else { round_up(rough / DAY) * DAY };
    }
    round_up(rough)
}

/// The next of 1, 2, 2.5, 5, 10 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    let digit = [1.0, 2.0, 2.5, 5.0].into_iter().find(|digit| digit * power >= value);
    digit.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_begin_at_zero_and_end_at_a_round_number() {
        let marks = |values: &[f64], unit| Scale::of(values.iter().copied(), unit).marks;
        assert_eq!(marks(&[1_554.0, 23.0], Unit::Count), [0.0, 500.0, 1_000.0, 1_500.0, 2_000.0]);
        assert_eq!(marks(&[3.0], Unit::Count), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(marks(&[200_000.0], Unit::Millis), [0.0, 60_000.0, 120_000.0, 180_000.0, 240_000.0]);
        assert_eq!(marks(&[-5.0, 10.0], Unit::Plain), [-5.0, 0.0, 5.0, 10.0]);
        assert_eq!(marks(&[], Unit::Count), [0.0, 1.0]);
        assert_eq!(marks(&[f64::NAN, 0.4], Unit::Percent).len(), 5);
        let scale = Scale::of([1_554.0].into_iter(), Unit::Count);
        assert_eq!((scale.place(0.0), scale.place(1_000.0), scale.place(9e9)), (0.0, 0.5, 1.0));
    }
}
