//! Dates, times and time zones as a job names them.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::JobError;
use super::instants::instant_of;
use crate::sessionize::time::calendar::{Calendar, Stretch};
use crate::sessionize::time::dates::Window;
use crate::sessionize::time::{Day, Span, Timestamp};

/// Reads an instant: a time with or without an offset (without: UTC), or a date, whose first instant in
/// UTC is meant.
///
/// # Errors
/// Anything else.
pub fn parse_instant(key: &'static str, text: &str) -> Result<Timestamp, JobError> {
    let bad = || JobError::Date { key, value: text.to_string(), expected: "date or time", example: "2026-01-31" };
    instant_of(text).ok_or_else(bad)
}

/// Reads a date.
///
/// # Errors
/// Anything but `YYYY-MM-DD`.
pub fn parse_day(key: &'static str, text: &str) -> Result<Day, JobError> {
    let bad = || JobError::Date { key, value: text.to_string(), expected: "date", example: "2026-01-31" };
    // A time of day would be lost, and other forms of dates be read as something else.
    let is_plain = |text: &str| text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
    let date: Option<Date> = text.trim().parse().ok().filter(|_| is_plain(text.trim()));
    date.and_then(day_of_date).ok_or_else(bad)
}

/// Reads a time zone by its IANA name.
///
/// # Errors
/// An unknown name; the message offers the nearest one.
pub fn parse_zone(key: &'static str, name: &str) -> Result<TimeZone, JobError> {
    TimeZone::get(name).map_err(|_| {
        let known: Vec<String> = jiff::tz::db().available().map(|zone| zone.to_string()).collect();
        let is_offset = name.contains(['+', '-']) && name.chars().any(|sign| sign.is_ascii_digit());
        let near = crate::stats::nearest::nearest(name, known.iter().map(String::as_str));
        let hint = match near.filter(|near| !is_offset || near.contains(['+', '-'])) {
            Some(near) => format!("did you mean {near}?"),
            None => WHAT_ZONES_ARE.to_string(),
        };
        JobError::Choice { key, value: name.to_string(), hint }
    })
}

const WHAT_ZONES_ARE: &str = "give the IANA name of a time zone, for instance Europe/Paris or UTC (two hours ahead of \
                              UTC all year is Etc/GMT-2, with the sign that way round)";
const THREE_DAYS: Span = Span::from_micros(3 * Span::DAY.micros());

/// The day of a civil date.
pub fn day_of_date(date: Date) -> Option<Day> {
    let epoch = Date::constant(1970, 1, 1);
    let days = date.since(epoch).ok()?.get_days();
    Some(Day::from_epoch_days(days))
}

/// The civil date of a day; dates that jiff cannot express (past the year 9999) are the last one it can.
pub fn date_of(day: Day) -> Date {
    let extreme = if day.epoch_days() < 0 { Date::MIN } else { Date::MAX };
    let span = jiff::Span::new().try_days(day.epoch_days());
    span.map_or(extreme, |span| Date::constant(1970, 1, 1).saturating_add(span))
}

/// The first instant of a day in a time zone.
pub fn first_instant(day: Day, zone: &TimeZone) -> Timestamp {
    let midnight = date_of(day).at(0, 0, 0, 0).to_zoned_datetime(zone.clone());
    let start = midnight.and_then(|midnight| midnight.start_of_day());
    // Dates at the very ends of time have none; nothing happens there.
    start.map_or(Timestamp::MIN, |start| Timestamp::from_micros(start.timestamp().as_microsecond()))
}

/// Instants from the first of the first day to the last of the last one, in a time zone; perhaps some more,
/// where clocks are set back over midnight.
pub fn instants_of((first, last): (Day, Day), zone: &TimeZone) -> (Timestamp, Timestamp) {
    const INSTANT: Span = Span::from_micros(1);
    let start = if first.epoch_days() == i32::MIN { Timestamp::MIN } else { first_instant(first, zone) };
    if date_of(last) == Date::MAX {
        return (start, Timestamp::MAX);
    }
    let end = first_instant(Day::from_epoch_days(last.epoch_days() + 1), zone);
    // A clock set back within a day may bring the date before back.
    let set_back = next_change(zone, end.minus(INSTANT)).filter(|change| date_at(*change, zone) <= last);
    (start, set_back.map_or(end, |change| change.plus(Span::DAY)).minus(INSTANT))
}

/// The dates that hold all instants from `first` to `last` in a time zone.
pub fn dates_over((first, last): (Timestamp, Timestamp), zone: &TimeZone) -> (Day, Day) {
    let (mut start, mut end) = (date_at(first, zone), date_at(last, zone));
    // A clock set back over midnight brings an earlier date after a later one.
    if let Some(change) = next_change(zone, first).filter(|change| *change <= last) {
        start = start.min(date_at(change, zone));
    }
    if let Some(change) = zone.preceding(jiff_of(last)).next() {
        let before = Timestamp::from_micros(change.timestamp().as_microsecond() - 1);
        if before >= first && last.since(before) <= Span::DAY {
            end = end.max(date_at(before, zone));
        }
    }
    (start, end)
}

/// The first change of a zone's clock after an instant, if it is within a day.
fn next_change(zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let change = zone.following(jiff_of(after)).next()?.timestamp();
    Some(Timestamp::from_micros(change.as_microsecond())).filter(|change| change.since(after) <= Span::DAY)
}

/// The date of an instant; those outside the years -9999 to 9999 are the first or last date there is.
pub fn date_at(time: Timestamp, zone: &TimeZone) -> Day {
    let date = jiff_of(time).to_zoned_datetime(zone.clone()).date();
    day_of_date(date).unwrap_or_default()
}

fn jiff_of(time: Timestamp) -> jiff::Timestamp {
    let extreme = if time.micros() < 0 { jiff::Timestamp::MIN } else { jiff::Timestamp::MAX };
    jiff::Timestamp::from_microsecond(time.micros()).unwrap_or(extreme)
}

/// Reads a day as [`day_text`] writes it.
pub fn day_of_text(text: &str) -> Option<Day> {
    day_of_date(text.parse().ok()?)
}

/// Writes a day as `YYYY-MM-DD`.
pub fn day_text(day: Day) -> String {
    date_of(day).to_string()
}

/// Writes an instant as ISO-8601 in a time zone, with its offset (`Z` for UTC).
pub fn instant_text(instant: Timestamp, zone: &TimeZone) -> String {
    let Ok(timestamp) = jiff::Timestamp::from_microsecond(instant.micros()) else {
        return format!("{} us", instant.micros());
    };
    if *zone == TimeZone::UTC {
        return timestamp.to_string();
    }
    let zoned = timestamp.to_zoned_datetime(zone.clone());
    zoned.strftime("%Y-%m-%dT%H:%M:%S%.f%:z").to_string()
}

/// The dates of `zone` over all instants from `first` to `last`.
///
/// Built offset by offset: where a clock is set back over midnight, a date comes in two pieces. Instants
/// outside the years -9999 to 9999 belong to the first or last date there is.
pub fn calendar(zone: &TimeZone, first: Timestamp, last: Timestamp) -> Option<Calendar> {
    // Three dates more at both ends, so that all pieces of the dates in range are known, whatever the clocks do there.
    let (first, last) = (jiff_of(first.min(last).minus(THREE_DAYS)), jiff_of(last.plus(THREE_DAYS)));
    // From the first instant of the first date: its hours are counted from there.
    let mut from =
        first.to_zoned_datetime(zone.clone()).start_of_day().map_or(first, |start| start.timestamp()).min(first);
    let mut pieces: Vec<(Timestamp, Day)> = Vec::new();
    while from <= last {
        let offset = zone.to_offset(from);
        let until = zone.following(from).next().map(|transition| transition.timestamp());
        let mut date = offset.to_datetime(from).date();
        let mut start = from;
        loop {
            let day = day_of_date(date)?;
            match pieces.last() {
                // A change of offset within one date does not interrupt it.
                Some((_, last_day)) if *last_day == day => {}
                _ => pieces.push((Timestamp::from_micros(start.as_microsecond()), day)),
            }
            let Some(midnight) = date.tomorrow().ok().and_then(|next| offset.to_timestamp(next.at(0, 0, 0, 0)).ok())
            else {
                break;
            };
            if until.is_some_and(|until| midnight >= until) || midnight > last {
                break;
            }
            date = date.tomorrow().ok()?;
            start = midnight;
        }
        match until {
            Some(until) => from = until,
            None => break,
        }
    }
    Calendar::new(with_day_bounds(&pieces))
}

/// Each piece with the first instant of its date and the instant at which the date is over for good.
fn with_day_bounds(pieces: &[(Timestamp, Day)]) -> Vec<Stretch> {
    // A date's pieces are near each other: a clock is never set back by more than a few hours.
    const NEAR: usize = 4;
    let stretch = |(at, (start, day)): (usize, &(Timestamp, Day))| {
        let near = at.saturating_sub(NEAR)..(at + NEAR).min(pieces.len());
        let mut same = near.filter(|other| pieces[*other].1 == *day);
        let first = same.next().unwrap_or(at);
        let last = same.next_back().unwrap_or(first);
        let day_end = pieces.get(last + 1).map_or(Timestamp::MAX, |next| next.0);
        Stretch { start: *start, day: *day, day_start: pieces[first].0, day_end }
    };
    pieces.iter().enumerate().map(stretch).collect()
}

/// Reads both ends of a range of dates.
///
/// # Errors
/// An end that is no date, or a range that ends before it begins.
pub fn parse_window(
    (first_key, first): (&'static str, Option<&str>),
    (last_key, last): (&'static str, Option<&str>),
) -> Result<Window, JobError> {
    let first = first.map(|text| parse_day(first_key, text)).transpose()?;
    let last = last.map(|text| parse_day(last_key, text)).transpose()?;
    if let (Some(first), Some(last)) = (first, last) {
        if first > last {
            return Err(JobError::EmptyRange { first_key, first: day_text(first), last_key, last: day_text(last) });
        }
    }
    Ok(Window { first, last })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn civil_date(instant: jiff::Timestamp, zone: &TimeZone) -> Date {
        instant.to_zoned_datetime(zone.clone()).date()
    }

    /// Zones with whole-hour and half-hour changes, changes at midnight, a skipped date, and, in
    /// St. John's until 2011, a clock set back over midnight.
    const ZONES: [&str; 7] = [
        "UTC",
        "Europe/Paris",
        "America/Sao_Paulo",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "America/St_Johns",
        "Asia/Beirut",
    ];

    proptest! {
        #[test]
        fn a_calendar_agrees_with_the_civil_date(
            zone in prop::sample::select(&ZONES[..]),
            start in 946_684_800i64..1_800_000_000,
            length in 0i64..40_000_000,
            points in prop::collection::vec(0.0f64..1.0, 50),
        ) {
            let zone = TimeZone::get(zone).expect("known zone");
            let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
            let calendar = calendar(&zone, at(start), at(start + length)).expect("not empty");
            let mut cursor = calendar.cursor();
            for point in points {
                let second = start + (length as f64 * point) as i64;
                let instant = jiff::Timestamp::from_second(second).expect("in range");
                let found = cursor.find(at(second));
                prop_assert_eq!(date_of(found.day), civil_date(instant, &zone));
                let first = civil_date(instant, &zone).to_zoned_datetime(zone.clone()).expect("exists").start_of_day().expect("has one");
                prop_assert_eq!(found.day_start.micros(), first.timestamp().as_microsecond());
            }
        }
    }

    proptest! {
        #[test]
        fn dates_and_instants_hold_each_other(
            zone in prop::sample::select(&ZONES[..]),
            start in 946_684_800i64..1_800_000_000,
            length in 0i64..200_000,
            points in prop::collection::vec(0.0f64..1.0, 20),
        ) {
            let zone = TimeZone::get(zone).expect("known zone");
            let at = |second: i64| Timestamp::from_micros(second * 1_000_000);
            let (first, last) = dates_over((at(start), at(start + length)), &zone);
            let instants = instants_of((first, last), &zone);
            prop_assert!(instants.0 <= at(start) && at(start + length) <= instants.1);
            for point in points {
                // Inside, no other dates; outside of the instants of these dates, none of them.
                let inside = date_at(at(start + (length as f64 * point) as i64), &zone);
                prop_assert!(first <= inside && inside <= last);
                let beside = at(start - 200_000 + ((length + 400_000) as f64 * point) as i64);
                let is_one = (first..=last).contains(&date_at(beside, &zone));
                prop_assert!(!is_one || instants.0 <= beside && beside <= instants.1);
            }
        }
    }

    #[test]
    fn all_dates_are_all_instants() {
        let day = Day::from_epoch_days;
        let all = instants_of((day(i32::MIN), day(i32::MAX)), &TimeZone::UTC);
        assert_eq!(all, (Timestamp::MIN, Timestamp::MAX));
        let dates = dates_over(all, &TimeZone::UTC);
        assert!(dates.0.epoch_days() < -4_000_000 && dates.1.epoch_days() > 2_000_000);
    }

    #[test]
    fn days_of_a_clock_change_have_23_and_25_hours() {
        let zone = TimeZone::get("Europe/Paris").expect("known zone");
        let instant = |text: &str| parse_instant("test", text).expect("an instant");
        let calendar = calendar(&zone, instant("2026-03-28"), instant("2026-11-01")).expect("not empty");
        let mut cursor = calendar.cursor();
        let mut hours = |text: &str| cursor.find(instant(text)).day_length().micros() / 3_600_000_000;
        assert_eq!(hours("2026-03-29T12:00:00Z"), 23);
        assert_eq!(hours("2026-06-01T12:00:00Z"), 24);
        assert_eq!(hours("2026-10-25T12:00:00Z"), 25);
    }

    #[test]
    fn instants_come_with_and_without_offset() {
        let micros = |text: &str| parse_instant("test", text).expect(text).micros();
        assert_eq!(micros("2026-01-31"), micros("2026-01-31T00:00:00Z"));
        assert_eq!(micros("2026-01-31T02:00:00"), micros("2026-01-31T03:00:00+01:00"));
        assert!(parse_instant("input.min_time", "yesterday").is_err());
    }
}
