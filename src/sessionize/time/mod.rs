//! Instants, spans and dates as the kernel sees them.

pub mod calendar;
pub mod dates;
pub mod written;

use serde::{Deserialize, Serialize};

/// An instant: microseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[repr(transparent)]
pub struct Timestamp(i64);

/// A length of time in microseconds; negative where an instant is before another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Span(i64);

/// A civil date in the output's time zone: days since 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Day(i32);

/// What a number counts since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    #[default]
    Millis,
    /// Microseconds.
    Micros,
    /// Nanoseconds.
    Nanos,
}

impl TimeUnit {
    /// All of them, the coarsest first.
    pub const ALL: [TimeUnit; 4] = [TimeUnit::Seconds, TimeUnit::Millis, TimeUnit::Micros, TimeUnit::Nanos];

    /// The word in a job.
    pub const fn name(self) -> &'static str {
        match self {
            TimeUnit::Seconds => "s",
            TimeUnit::Millis => "ms",
            TimeUnit::Micros => "us",
            TimeUnit::Nanos => "ns",
        }
    }

    /// The word in a sentence.
    pub const fn plural(self) -> &'static str {
        match self {
            TimeUnit::Seconds => "seconds",
            TimeUnit::Millis => "milliseconds",
            TimeUnit::Micros => "microseconds",
            TimeUnit::Nanos => "nanoseconds",
        }
    }

    /// How many of it a second has.
    pub const fn per_second(self) -> i64 {
        match self {
            TimeUnit::Seconds => 1,
            TimeUnit::Millis => 1_000,
            TimeUnit::Micros => 1_000_000,
            TimeUnit::Nanos => 1_000_000_000,
        }
    }

    /// A count of this unit since the epoch, floored to microseconds; `None` where it does not fit.
    pub fn instant(self, count: i64) -> Option<Timestamp> {
        let micros = match self {
            TimeUnit::Seconds => count.checked_mul(1_000_000)?,
            TimeUnit::Millis => count.checked_mul(1_000)?,
            TimeUnit::Micros => count,
            TimeUnit::Nanos => count.div_euclid(1_000),
        };
        Some(Timestamp::from_micros(micros))
    }

    /// As [`TimeUnit::instant`], of a count with a fraction.
    pub fn instant_of_fraction(self, count: f64) -> Option<Timestamp> {
        let per_micro = match self {
            TimeUnit::Seconds => 1e6,
            TimeUnit::Millis => 1e3,
            TimeUnit::Micros => 1.0,
            TimeUnit::Nanos => 1e-3,
        };
        let micros = (count * per_micro).floor();
        (micros.abs() < 9e18).then(|| Timestamp::from_micros(micros as i64))
    }

    /// Whether so many whole ones of it are from the epoch to an instant: as [`TimeUnit::count`] tells, without a division.
    #[inline]
    pub fn is_count(self, count: i64, instant: Timestamp) -> bool {
        let length = match self {
            TimeUnit::Seconds => 1_000_000,
            TimeUnit::Millis => 1_000,
            TimeUnit::Micros => 1,
            TimeUnit::Nanos => return self.count(instant) == Some(count),
        };
        // From one that is earlier, the unsigned distance is right however far it is.
        let is_within = |first: i64| instant.0 >= first && (instant.0.wrapping_sub(first) as u64) < length as u64;
        count.checked_mul(length).is_some_and(is_within)
    }

    /// How many whole ones of it there are from the epoch to an instant; `None` where they do not fit.
    pub const fn count(self, instant: Timestamp) -> Option<i64> {
        match self {
            TimeUnit::Seconds => Some(instant.0.div_euclid(1_000_000)),
            TimeUnit::Millis => Some(instant.0.div_euclid(1_000)),
            TimeUnit::Micros => Some(instant.0),
            TimeUnit::Nanos => instant.0.checked_mul(1_000),
        }
    }
}

impl Timestamp {
    /// The latest instant that can be expressed.
    pub const MAX: Timestamp = Timestamp(i64::MAX);
    /// The earliest instant that can be expressed.
    pub const MIN: Timestamp = Timestamp(i64::MIN);

    /// An instant from microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Timestamp(micros)
    }

    /// An instant from milliseconds since the epoch; saturates outside ±292,000 years.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis.saturating_mul(1_000))
    }

    /// Microseconds since the epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, floored.
    pub const fn floor_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// The span from `earlier` to this instant.
    pub const fn since(self, earlier: Timestamp) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This instant, `span` later.
    pub const fn plus(self, span: Span) -> Self {
        Timestamp(self.0.saturating_add(span.0))
    }

    /// This instant, `span` earlier.
    pub const fn minus(self, span: Span) -> Self {
        Timestamp(self.0.saturating_sub(span.0))
    }
}

impl Span {
    /// 24 hours.
    pub const DAY: Span = Span(86_400_000_000);

    /// A span from microseconds.
    pub const fn from_micros(micros: i64) -> Self {
        Span(micros)
    }

    /// The span in microseconds.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The span in milliseconds, floored.
    pub const fn floor_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }
}

impl Day {
    /// A date from days since 1970-01-01.
    pub const fn from_epoch_days(days: i32) -> Self {
        Day(days)
    }

    /// Days since 1970-01-01.
    pub const fn epoch_days(self) -> i32 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_are_told_without_a_division(
            instant in prop_oneof![any::<i64>(), -5_000_000i64..5_000_000, Just(i64::MIN), Just(i64::MAX)],
            near in -2i64..3,
            any in any::<i64>(),
        ) {
            let instant = Timestamp::from_micros(instant);
            for unit in TimeUnit::ALL {
                let count = unit.count(instant);
                for other in [any, count.unwrap_or(0).wrapping_add(near)] {
                    // Before the first whole one that can be expressed, there are none to compare with.
                    let is_expressed = unit == TimeUnit::Nanos || unit.instant(other).is_some();
                    prop_assert_eq!(unit.is_count(other, instant), is_expressed && count == Some(other), "{:?} {}", unit, other);
                }
            }
        }
    }
}
