//! Which session ids are valid, and which are times (SPEC 3, default definition).

use super::time::Timestamp;

/// 2000-01-01 and 2100-01-01 in epoch milliseconds: an id between them is a time.
const FIRST_TIME_MS: i64 = 946_684_800_000;
const END_TIME_MS: i64 = 4_102_444_800_000;

/// Whether a number is a valid session id: anything but -1.
pub fn is_valid_number(id: i64) -> bool {
    id != -1
}

/// Whether a text is a valid session id: neither empty nor `-1` nor `none`.
pub fn is_valid_text(id: &[u8]) -> bool {
    !matches!(id, b"" | b"-1" | b"none")
}

/// The time that a number is, if it counts milliseconds in 2000-01-01 ≤ id < 2100-01-01.
pub fn millis_as_time(id: i64) -> Option<Timestamp> {
    (FIRST_TIME_MS..END_TIME_MS).contains(&id).then(|| Timestamp::from_millis(id))
}

/// The time that a text of ASCII digits is, if it counts milliseconds in that range.
pub fn text_as_time(id: &[u8]) -> Option<Timestamp> {
    // Leading zeros aside, 13 digits are all that the range holds.
    let digits = id.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(id).ok().filter(|_| digits && !id.is_empty())?;
    millis_as_time(text.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_milliseconds_of_this_century_are_times() {
        assert_eq!(millis_as_time(946_684_800_000), Some(Timestamp::from_millis(946_684_800_000)));
        assert_eq!(millis_as_time(946_684_799_999), None);
        assert_eq!(millis_as_time(4_102_444_800_000), None);
        assert_eq!(text_as_time(b"1767225600000"), Some(Timestamp::from_millis(1_767_225_600_000)));
        for text in ["", "+1767225600000", "1767225600000.0", " 1767225600000", "99999999999999999999999", "abc"] {
            assert_eq!(text_as_time(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn minus_one_empty_and_none_are_no_ids() {
        assert!(!is_valid_number(-1) && is_valid_number(0) && is_valid_number(-2));
        assert!(["", "-1", "none"].iter().all(|id| !is_valid_text(id.as_bytes())));
        assert!(["None", "null", " ", "0", "-10"].iter().all(|id| is_valid_text(id.as_bytes())));
    }
}
