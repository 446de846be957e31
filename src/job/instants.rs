//! Instants as text, row after row: the layouts in which tables have them are read digit by digit, all others as
//! [`instant_of`] says.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::ZonedDateTime;

use crate::sessionize::time::Timestamp;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The instant that an ISO-8601 text is, floored to microseconds: with or without an offset (without:
/// UTC); a date is its first instant. A time zone may follow, in brackets as in RFC 9557, or as ` UTC`; none is passed over.
pub fn instant_of(text: &str) -> Option<Timestamp> {
    Instants::default().read(text)
}

/// As [`instant_of`], of whatever layout the text is.
fn instant_of_any_layout(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let instant = if let Some(time) = text.strip_suffix(" UTC") {
        format!("{time}Z").parse().ok()?
    } else if text.ends_with(']') {
        text.parse::<ZonedDateTime>().ok()?.timestamp()
    } else {
        text.parse::<jiff::Timestamp>()
            .ok()
            .or_else(|| Some(in_utc(text.parse::<DateTime>().ok()?)))
            .or_else(|| Some(in_utc(text.parse::<Date>().ok()?.at(0, 0, 0, 0))))?
    };
    let micros = instant.as_nanosecond().div_euclid(1_000);
    i64::try_from(micros).ok().map(Timestamp::from_micros)
}

/// What is beyond the last instant that jiff knows, some hours before the year 9999 ends, is that one; so with the first.
fn in_utc(time: DateTime) -> jiff::Timestamp {
    let beyond = if time.year() > 0 { jiff::Timestamp::MAX } else { jiff::Timestamp::MIN };
    TimeZone::UTC.to_timestamp(time).unwrap_or(beyond)
}

/// Reads instants; the date of the one before is remembered, for rows of one date follow each other.
#[derive(Clone, Copy, Debug)]
pub struct Instants {
    date: [u8; 10],
    /// The first instant of that date.
    midnight: i64,
}

impl Default for Instants {
    fn default() -> Self {
        Instants { date: *b"1970-01-01", midnight: 0 }
    }
}

impl Instants {
    /// The instant that an ISO-8601 text is, as [`instant_of`] has it.
    pub fn read(&mut self, text: &str) -> Option<Timestamp> {
        match self.of_table_layout(text.as_bytes()) {
            Some(micros) => Some(Timestamp::from_micros(micros)),
            None => instant_of_any_layout(text),
        }
    }

    /// The microseconds of `YYYY-MM-DD`, alone or with `HH:MM:SS`, up to nine digits of a fraction, and `Z`, ` UTC` or
    /// `+HH:MM`; `None` of anything else, and of what is out of the ordinary.
    fn of_table_layout(&mut self, text: &[u8]) -> Option<i64> {
        let (date, rest) = text.split_first_chunk::<10>()?;
        if *date != self.date {
            let midnight = days(date)? * DAY;
            *self = Instants { date: *date, midnight };
        }
        let [b'T' | b' ', rest @ ..] = rest else {
            return rest.is_empty().then_some(self.midnight);
        };
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let time = time_of_day(time)?;
        let (fraction, rest) = match rest {
            [b'.', rest @ ..] => fraction(rest)?,
            _ => (0, rest),
        };
        Some(self.midnight + time + fraction - offset(rest)?)
    }
}

/// The days from 1970-01-01 to a date of the years 1 to 9998: in the one after, not all instants can be expressed.
fn days(date: &[u8; 10]) -> Option<i64> {
    const BEFORE_1970: i64 = 719_162;
    const BEFORE_MONTH: [i64; 13] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *date else { return None };
    let year = pair(y1, y2)? * 100 + pair(y3, y4)?;
    let (month, day) = (pair(m1, m2)?, pair(d1, d2)?);
    if !(1..=9_998).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let before = BEFORE_MONTH[month as usize - 1];
    let length = BEFORE_MONTH[month as usize] - before + i64::from(is_leap && month == 2);
    if !(1..=length).contains(&day) {
        return None;
    }
    let years = year - 1;
    let before_year = years * 365 + years / 4 - years / 100 + years / 400;
    Some(before_year + before + i64::from(is_leap && month > 2) + day - 1 - BEFORE_1970)
}

/// The microseconds of `HH:MM:SS`.
fn time_of_day(time: &[u8; 8]) -> Option<i64> {
    // All eight at once: no digit is anything but 0 to 9 beyond b'0', and no colon anything but a colon.
    const LAYOUT: u64 = u64::from_le_bytes(*b"00:00:00");
    const TO_HIGH_BIT: u64 = u64::from_le_bytes([0x76, 0x76, 0x7f, 0x76, 0x76, 0x7f, 0x76, 0x76]);
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    let digits = u64::from_le_bytes(*time) ^ LAYOUT;
    if (digits | digits.wrapping_add(TO_HIGH_BIT)) & HIGH_BITS != 0 {
        return None;
    }
    // In each byte ten times itself and the next one: at most 99.
    let pairs = digits * 10 + (digits >> 8);
    let at = |place: u32| (pairs >> (8 * place) & 0xff) as i64;
    let (hours, minutes, seconds) = (at(0), at(3), at(6));
    let is_ordinary = hours < 24 && minutes < 60 && seconds < 60;
    is_ordinary.then(|| hours * HOUR + minutes * MINUTE + seconds * SECOND)
}

/// The microseconds of a fraction of one to nine digits, floored, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    const SCALE: [i64; 10] = [0, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1];
    let mut nanos = 0;
    let mut length = 0;
    while let Some(digit) = text.get(length).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
        nanos = nanos * 10 + i64::from(digit);
        length += 1;
        if length == SCALE.len() {
            return None;
        }
    }
    (length > 0).then(|| (nanos * SCALE[length] / 1_000, &text[length..]))
}

/// The microseconds that a clock is ahead of UTC's.
fn offset(text: &[u8]) -> Option<i64> {
    match *text {
        [] | [b'Z'] | [b' ', b'U', b'T', b'C'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (pair(h1, h2)?, pair(m1, m2)?);
            let ahead = (hours < 24 && minutes < 60).then_some(hours * HOUR + minutes * MINUTE)?;
            Some(if sign == b'-' { -ahead } else { ahead })
        }
        _ => None,
    }
}

fn pair(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Dates with the ends of months, of years, and of time, among any.
    fn dates() -> impl Strategy<Value = String> {
        let any = (0..=10_000, 0..=13, 0..=32).prop_map(|(year, month, day)| format!("{year:04}-{month:02}-{day:02}"));
        prop_oneof![
            4 => any,
            1 => "(19|20)[0-9]{2}-(02-(28|29)|0[1-9]-(30|31))",
            1 => "(0000|0001|1900|1969|1970|2000|9998|9999)-(01-01|02-29|12-31)",
        ]
    }

    fn times() -> impl Strategy<Value = String> {
        let time = prop_oneof![
            4 => "[01][0-9]:[0-5][0-9]:[0-5][0-9]",
            1 => "[0-9]{2}:[0-9]{2}:[0-9]{2}",
            1 => "(00|23|24|25):(00|59|60):(00|59|60|61)",
        ];
        let fraction = prop_oneof!["", r"\.[0-9]{1,9}", r"[.,][0-9]{0,11}"];
        let offset = prop_oneof![
            "",
            "Z",
            "[+-][0-2][0-9]:[0-5][0-9]",
            "[+-][0-9:]{1,8}",
            "z| ?UTC|\\[UTC\\]| Z|\\[Europe/Paris\\]"
        ];
        ("[T ]", time, fraction, offset).prop_map(|(t, time, fraction, offset)| format!("{t}{time}{fraction}{offset}"))
    }

    /// Texts of the layouts, some cut off, some with characters of their own.
    fn texts() -> impl Strategy<Value = String> {
        let time = prop_oneof![1 => Just(String::new()), 5 => times()];
        let whole = (dates(), time).prop_map(|(date, time)| date + &time);
        let changes =
            prop::collection::vec((0..40usize, prop::sample::select(b"0123456789-:. TtZz+/;,\0a".as_slice())), 0..3);
        (
            whole,
            prop_oneof![3 => Just(None), 1 => changes.prop_map(Some)],
            prop_oneof![4 => Just(40usize), 1 => 0..40usize],
        )
            .prop_map(|(text, changes, length)| {
                let mut bytes = text.into_bytes();
                for (place, byte) in changes.unwrap_or_default() {
                    if let Some(changed) = bytes.get_mut(place) {
                        *changed = byte;
                    }
                }
                bytes.truncate(length);
                String::from_utf8(bytes).expect("ASCII")
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn texts_are_read_as_in_any_layout(first in texts(), second in texts(), swap in any::<bool>()) {
            let mut instants = Instants::default();
            // The second one may be of the date of the first.
            let second = match (swap, first.get(..10), second.get(10..)) {
                (true, Some(date), Some(time)) => format!("{date}{time}"),
                _ => second,
            };
            for text in [&first, &second, &first] {
                prop_assert_eq!(instants.read(text), instant_of_any_layout(text), "{:?}", text);
            }
        }
    }

    #[test]
    fn all_days_of_the_calendar_are_counted() {
        let mut date = jiff::civil::Date::constant(1, 1, 1);
        let mut expected = days(b"0001-01-01").expect("a date");
        assert_eq!(days(b"1970-01-01"), Some(0));
        while date.year() < 9_999 {
            let text: [u8; 10] = date.to_string().into_bytes().try_into().expect("ten bytes");
            assert_eq!(days(&text), Some(expected), "{date}");
            expected += 1;
            date = date.tomorrow().expect("not the last");
        }
        assert_eq!(days(b"9999-01-01"), None);
    }

    #[test]
    fn layouts_of_tables_are_read_here_and_others_elsewhere() {
        let here = |text: &str| Instants::default().of_table_layout(text.as_bytes());
        assert_eq!(here("1970-01-02"), Some(DAY));
        assert_eq!(here("1970-01-01 00:00:01.5"), Some(SECOND + SECOND / 2));
        assert_eq!(here("1969-12-31T23:59:59.999999999Z"), Some(-1));
        assert_eq!(here("1970-01-01T01:00:00.000001+01:00"), Some(1));
        for other in
            ["", "1970-01-01T", "1970-01-01 00:00", "1970-01-01 00:00:60", "1970-02-29", "1970-01-01 00:00:00."]
        {
            assert_eq!(here(other), None, "{other}");
        }
    }
}
