//! Which session ids are valid, and which are times (SPEC 3, default definition).

use super::time::{TimeUnit, Timestamp};

/// 2000-01-01 and 2100-01-01 in seconds since the epoch: an id between them, in its unit, is a time.
pub const FIRST_SECOND: i64 = 946_684_800;
pub const END_SECOND: i64 = 4_102_444_800;

/// Whether a number is a valid session id: anything but -1.
pub fn is_valid_number(id: i64) -> bool {
    id != -1
}

/// Whether a text is a valid session id: neither empty nor `-1` nor `none`.
pub fn is_valid_text(id: &[u8]) -> bool {
    !matches!(id, b"" | b"-1" | b"none")
}

/// The numbers that are times: those that count a unit in 2000-01-01 ≤ id < 2100-01-01. Made once, it is asked of each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberTimes {
    first: i64,
    end: i64,
    /// Microseconds of one, and ones of a microsecond: one of the two is 1.
    micros: i64,
    per_micro: i64,
}

impl NumberTimes {
    /// Those that count this unit.
    pub const fn of(unit: TimeUnit) -> Self {
        let per_second = unit.per_second();
        let (micros, per_micro) = match unit {
            TimeUnit::Nanos => (1, 1_000),
            _ => (1_000_000 / per_second, 1),
        };
        NumberTimes { first: FIRST_SECOND * per_second, end: END_SECOND * per_second, micros, per_micro }
    }

    /// The time that a number is, if it is one.
    #[inline]
    pub fn time_of(self, id: i64) -> Option<Timestamp> {
        if id < self.first || id >= self.end {
            return None;
        }
        let micros = if self.per_micro == 1 { id * self.micros } else { id / self.per_micro };
        Some(Timestamp::from_micros(micros))
    }
}

/// The time that a number is, if it counts units in 2000-01-01 ≤ id < 2100-01-01.
pub fn number_as_time(id: i64, unit: TimeUnit) -> Option<Timestamp> {
    NumberTimes::of(unit).time_of(id)
}

/// The time that a text of ASCII digits is, if it counts units in that range.
pub fn text_as_time(id: &[u8], unit: TimeUnit) -> Option<Timestamp> {
    // Leading zeros aside, 19 digits are all that the range holds.
    let digits = id.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(id).ok().filter(|_| digits && !id.is_empty())?;
    number_as_time(text.parse().ok()?, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_of_this_century_in_their_unit_are_times() {
        for unit in TimeUnit::ALL {
            let as_time = |id| number_as_time(id, unit).map(Timestamp::micros);
            let (first, end) = (FIRST_SECOND * unit.per_second(), END_SECOND * unit.per_second());
            assert_eq!((as_time(first - 1), as_time(first)), (None, Some(946_684_800_000_000)), "{unit:?}");
            let last = unit.instant(end - 1).map(Timestamp::micros);
            assert_eq!((as_time(end - 1), as_time(end)), (last, None), "{unit:?}");
            // No number is a time in two units.
            let others = TimeUnit::ALL.into_iter().filter(|other| *other != unit);
            assert!(others.into_iter().all(|other| number_as_time(first, other).is_none()), "{unit:?}");
        }
        assert_eq!(
            number_as_time(1_767_225_600_000_000_999, TimeUnit::Nanos).map(Timestamp::micros),
            Some(1_767_225_600_000_000)
        );
        let millis = |text: &str| text_as_time(text.as_bytes(), TimeUnit::Millis);
        assert_eq!(millis("1767225600000"), Some(Timestamp::from_millis(1_767_225_600_000)));
        assert_eq!(text_as_time(b"001767225600", TimeUnit::Seconds), millis("1767225600000"));
        for text in ["", "+1767225600000", "1767225600000.0", " 1767225600000", "99999999999999999999999", "abc"] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn minus_one_empty_and_none_are_no_ids() {
        assert!(!is_valid_number(-1) && is_valid_number(0) && is_valid_number(-2));
        assert!(["", "-1", "none"].iter().all(|id| !is_valid_text(id.as_bytes())));
        assert!(["None", "null", " ", "0", "-10"].iter().all(|id| is_valid_text(id.as_bytes())));
    }
}
