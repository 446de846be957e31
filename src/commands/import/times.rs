//! Instants as exports spell them.

use crate::job::instants::Instants;
use crate::job::TimeUnit;
use crate::sessionize::session_id::{END_SECOND, FIRST_SECOND};

/// The first instant of the year 1, and the first one after the year 9999: dates beyond have no four digits.
const FIRST: i64 = -62_135_596_800_000_000;
const END: i64 = 253_402_300_800_000_000;
/// The first instants of the years 2000 and 2100.
const YEAR_2000: i64 = FIRST_SECOND * 1_000_000;
const YEAR_2100: i64 = END_SECOND * 1_000_000;

/// Reads instants, one after the other.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    instants: Instants,
    /// What numbers count; `None` for the unit by which a number is of the years 2000 to 2099.
    unit: Option<TimeUnit>,
}

impl Times {
    /// Reads numbers as counts of this unit.
    pub fn new(unit: Option<TimeUnit>) -> Self {
        Times { instants: Instants::default(), unit }
    }

    /// The microseconds since the epoch of a number or of text: ISO 8601, without an offset in UTC, or a count as text.
    pub fn read(&mut self, text: &str, is_text: bool) -> Option<i64> {
        let count = self.count(text);
        if count.is_some() || !is_text {
            return count.filter(is_of_calendar);
        }
        self.instants.read(text).map(|instant| instant.micros()).filter(is_of_calendar)
    }

    fn count(&self, text: &str) -> Option<i64> {
        let (first, rest) = text.as_bytes().split_first()?;
        let is_of_number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+');
        // A date has a dash in it.
        if !(first.is_ascii_digit() || *first == b'-') || !rest.iter().all(is_of_number) {
            return None;
        }
        match self.unit {
            Some(unit) => micros(text, unit),
            None => TimeUnit::ALL
                .into_iter()
                .filter_map(|unit| micros(text, unit))
                .find(|micros| (YEAR_2000..YEAR_2100).contains(micros)),
        }
    }
}

fn is_of_calendar(micros: &i64) -> bool {
    (FIRST..END).contains(micros)
}

/// A count of a unit as microseconds, floored.
fn micros(text: &str, unit: TimeUnit) -> Option<i64> {
    if let Ok(count) = text.parse::<i64>() {
        return unit.instant(count).map(|instant| instant.micros());
    }
    let (whole, fraction) = text.split_once('.')?;
    let is_plain = fraction.bytes().all(|byte| byte.is_ascii_digit()) && !whole.starts_with('-');
    if !is_plain {
        let count = text.parse::<f64>().ok().filter(|count| count.is_finite())?;
        return unit.instant_of_fraction(count).map(|instant| instant.micros());
    }
    let digits = match unit {
        TimeUnit::Seconds => 6,
        TimeUnit::Millis => 3,
        TimeUnit::Micros | TimeUnit::Nanos => 0,
    };
    let start = unit.instant(whole.parse().ok()?)?.micros();
    let beyond: String = fraction.chars().chain(std::iter::repeat('0')).take(digits).collect();
    start.checked_add(beyond.parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_the_unit_by_which_they_are_of_this_century_or_the_one_given() {
        let second = 1_767_323_045_000_000;
        let read = |text: &str, unit, is_text| Times::new(unit).read(text, is_text);
        for text in ["1767323045", "1767323045000", "1767323045000000", "1767323045000000000", "1767323045.0"] {
            assert_eq!(read(text, None, false), Some(second), "{text}");
            assert_eq!(read(text, None, true), Some(second), "{text}");
        }
        assert_eq!(read("1767323045.1234567", None, false), Some(second + 123_456));
        assert_eq!(read("1767323045123.5", None, false), Some(second + 123_500));
        assert_eq!(read("-1.5", Some(TimeUnit::Seconds), false), Some(-1_500_000));
        assert_eq!(read("1", Some(TimeUnit::Millis), false), Some(1_000));
        assert_eq!(read("1", None, false), None);
        assert_eq!(read("1767323045000", Some(TimeUnit::Seconds), false), None);
    }

    #[test]
    fn text_is_an_instant_of_the_calendar() {
        let read = |text: &str| Times::default().read(text, true);
        assert_eq!(read("2026-01-02 03:04:05.123456"), Some(1_767_323_045_123_456));
        assert_eq!(read("2026-01-02T04:04:05.123456+01:00"), Some(1_767_323_045_123_456));
        assert_eq!(read("2026-01-02"), Some(1_767_312_000_000_000));
        for other in ["", "yesterday", "2026-13-01", "12", "-"] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
