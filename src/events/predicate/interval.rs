//! Stretches of time as conditions spell them.

use super::language::Field;

/// A stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Months, which are of different lengths.
    pub months: i64,
    /// Days.
    pub days: i64,
    /// Microseconds.
    pub micros: i64,
}

impl Interval {
    /// Reads such as `1 day 2 hours`; a number alone is of the unit given.
    pub fn read(text: &str, unit: Option<Field>) -> Option<Interval> {
        let mut words = text.split_whitespace().peekable();
        let mut all = Interval::default();
        words.peek()?;
        while let Some(word) = words.next() {
            let digits = word.find(|sign: char| sign.is_ascii_alphabetic()).unwrap_or(word.len());
            let (count, name) = word.split_at(digits);
            let of = match (name, unit) {
                ("", Some(unit)) => unit,
                ("", None) => Field::named(words.next()?)?,
                (name, _) => Field::named(name)?,
            };
            all = all.plus(Interval::of(count, of)?)?;
        }
        Some(all)
    }

    fn of(count: &str, unit: Field) -> Option<Interval> {
        let whole: Option<i64> = count.parse().ok();
        let micros = |each: i64| {
            let micros = match whole {
                Some(count) => count.checked_mul(each)?,
                None => {
                    let micros = count.parse::<f64>().ok()? * each as f64;
                    (micros.abs() < 9e18).then_some(micros.round() as i64)?
                }
            };
            Some(Interval { micros, ..Interval::default() })
        };
        let months = |each: i64| Some(Interval { months: whole?.checked_mul(each)?, ..Interval::default() });
        let days = |each: i64| Some(Interval { days: whole?.checked_mul(each)?, ..Interval::default() });
        match unit {
            Field::Year => months(12),
            Field::Quarter => months(3),
            Field::Month => months(1),
            Field::Week => days(7),
            Field::Day => days(1),
            Field::Hour => micros(3_600_000_000),
            Field::Minute => micros(60_000_000),
            Field::Second => micros(1_000_000),
            Field::Millisecond => micros(1_000),
            Field::Microsecond => micros(1),
            _ => None,
        }
    }

    fn plus(self, other: Interval) -> Option<Interval> {
        Some(Interval {
            months: self.months.checked_add(other.months)?,
            days: self.days.checked_add(other.days)?,
            micros: self.micros.checked_add(other.micros)?,
        })
    }

    /// The same one backwards.
    pub fn backwards(self) -> Interval {
        Interval {
            months: self.months.saturating_neg(),
            days: self.days.saturating_neg(),
            micros: self.micros.saturating_neg(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_numbers_of_units() {
        let read = |text, unit| Interval::read(text, unit);
        assert_eq!(read("7", Some(Field::Day)), Some(Interval { days: 7, ..Interval::default() }));
        assert_eq!(read("1d", None), None);
        assert_eq!(read("2hours", None), Some(Interval { micros: 7_200_000_000, ..Interval::default() }));
        assert_eq!(
            (read("", None), read("day", None), read("5", None), read("1.5 months", None)),
            (None, None, None, None)
        );
        assert_eq!(read(&format!("{} weeks", i64::MAX), None), None);
    }
}
