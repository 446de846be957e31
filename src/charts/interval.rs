//! Intervals of a chart: runs of dates in the output's time zone, or hours of them (SPEC 5).

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::job::chart::Interval;
use crate::job::dates::{date_of, day_of_date, first_instant};
use crate::sessionize::time::{Day, Timestamp};

/// One interval: its first date, and the hour since that date's first instant. Ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntervalKey(i64);

/// More than the hours of the longest date.
const HOURS: i64 = 32;
/// Microseconds of an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;

impl IntervalKey {
    /// The interval that begins with a date.
    pub fn of_day(day: Day) -> Self {
        IntervalKey(i64::from(day.epoch_days()) * HOURS)
    }

    /// The interval that begins with an hour of a date.
    pub fn of_hour(day: Day, hour: i64) -> Self {
        IntervalKey(IntervalKey::of_day(day).0 + hour.clamp(0, HOURS - 1))
    }

    /// As a number, for a column of them.
    pub fn number(self) -> i64 {
        self.0
    }

    /// From that number.
    pub fn from_number(number: i64) -> Self {
        IntervalKey(number)
    }

    fn day(self) -> Day {
        Day::from_epoch_days(i32::try_from(self.0.div_euclid(HOURS)).unwrap_or_default())
    }

    fn hour(self) -> i64 {
        self.0.rem_euclid(HOURS)
    }
}

/// The intervals of a chart.
#[derive(Clone, Debug)]
pub struct Intervals<'a> {
    /// What an interval is.
    pub interval: Interval,
    /// The zone of dates.
    pub zone: &'a TimeZone,
    /// The date that the one interval of [`Interval::Total`] begins with.
    pub first: Day,
}

impl Intervals<'_> {
    /// The interval that a date is in; for hours, that of its first one.
    pub fn of(&self, day: Day) -> IntervalKey {
        let date = date_of(day);
        let month = |month: i8| Date::new(date.year(), month, 1).ok().and_then(day_of_date).unwrap_or(day);
        let first = match self.interval {
            Interval::Hour | Interval::Day => day,
            // 1970-01-01 was a Thursday.
            Interval::Week => Day::from_epoch_days(day.epoch_days() - (day.epoch_days() + 3).rem_euclid(7)),
            Interval::Month => month(date.month()),
            Interval::Quarter => month((date.month() - 1) / 3 * 3 + 1),
            Interval::Year => month(1),
            Interval::Total => self.first,
        };
        IntervalKey::of_day(first)
    }

    /// The first instant of an interval.
    pub fn start(&self, key: IntervalKey) -> Timestamp {
        let day = first_instant(key.day(), self.zone);
        Timestamp::from_micros(day.micros() + key.hour() * HOUR_MICROS)
    }

    /// All intervals from one to another, both included.
    pub fn between(&self, first: IntervalKey, last: IntervalKey) -> Vec<IntervalKey> {
        let mut keys = Vec::new();
        let mut key =
            if self.is_skipped(first.day()) { IntervalKey::of_day(self.day_after(first.day())) } else { first };
        while key < last {
            keys.push(key);
            key = self.next(key);
        }
        // Where a clock was set back over midnight, the last hour may be one that no date is said to have.
        keys.extend((!self.is_skipped(last.day())).then_some(last));
        keys
    }

    /// Whether a date is none that intervals begin with: a zone that crosses the date line skips one.
    fn is_skipped(&self, day: Day) -> bool {
        let by_date = matches!(self.interval, Interval::Hour | Interval::Day);
        let first = first_instant(day, self.zone);
        by_date
            && first != Timestamp::MIN
            && first == first_instant(Day::from_epoch_days(day.epoch_days() + 1), self.zone)
    }

    fn day_after(&self, day: Day) -> Day {
        let after = Day::from_epoch_days(day.epoch_days() + 1);
        if self.is_skipped(after) {
            self.day_after(after)
        } else {
            after
        }
    }

    fn next(&self, key: IntervalKey) -> IntervalKey {
        let day = key.day();
        let after = |days: i32| Day::from_epoch_days(day.epoch_days() + days);
        match self.interval {
            Interval::Hour => {
                let length = first_instant(after(1), self.zone).since(first_instant(day, self.zone)).micros();
                match key.hour() + 1 {
                    hour if hour * HOUR_MICROS < length => IntervalKey::of_hour(day, hour),
                    _ => IntervalKey::of_day(self.day_after(day)),
                }
            }
            Interval::Day | Interval::Total => IntervalKey::of_day(self.day_after(day)),
            Interval::Week => IntervalKey::of_day(after(7)),
            // Every month has a day that is this long after its first, and it is in the next one.
            Interval::Month => self.of(after(31)),
            Interval::Quarter => self.of(after(92)),
            Interval::Year => self.of(after(366)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::dates::{day_of_text, instant_text};

    fn starts(interval: Interval, zone: &str, first: &str, last: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("known zone");
        let day = |text: &str| day_of_text(text).expect("a date");
        let intervals = Intervals { interval, zone: &zone, first: day(first) };
        let keys = intervals.between(intervals.of(day(first)), intervals.of(day(last)));
        keys.into_iter().map(|key| instant_text(intervals.start(key), &zone)).collect()
    }

    #[test]
    fn weeks_begin_on_mondays_and_months_on_their_first() {
        let days = |interval, first, last| -> Vec<String> {
            starts(interval, "UTC", first, last).iter().map(|start| start[..10].to_string()).collect()
        };
        assert_eq!(days(Interval::Week, "2026-01-01", "2026-01-12"), ["2025-12-29", "2026-01-05", "2026-01-12"]);
        assert_eq!(days(Interval::Week, "1969-12-28", "1969-12-29"), ["1969-12-22", "1969-12-29"]);
        assert_eq!(
            days(Interval::Month, "2025-12-31", "2026-03-01"),
            ["2025-12-01", "2026-01-01", "2026-02-01", "2026-03-01"]
        );
        assert_eq!(days(Interval::Quarter, "2025-12-31", "2026-06-30"), ["2025-10-01", "2026-01-01", "2026-04-01"]);
        assert_eq!(days(Interval::Year, "2023-06-01", "2025-01-01"), ["2023-01-01", "2024-01-01", "2025-01-01"]);
        assert_eq!(days(Interval::Total, "2026-01-02", "2026-03-01"), ["2026-01-02"]);
    }

    #[test]
    fn a_date_that_a_zone_skipped_is_no_interval() {
        let days = |interval, first, last| -> Vec<String> {
            starts(interval, "Pacific/Apia", first, last).iter().map(|start| start[5..10].to_string()).collect()
        };
        assert_eq!(days(Interval::Day, "2011-12-29", "2012-01-01"), ["12-29", "12-31", "01-01"]);
        assert_eq!(days(Interval::Day, "2011-12-30", "2011-12-31"), ["12-31"]);
        assert_eq!(days(Interval::Day, "2011-12-29", "2011-12-30"), ["12-29"]);
        assert_eq!(days(Interval::Hour, "2011-12-29", "2011-12-31").len(), 25);
    }

    #[test]
    fn a_day_of_a_clock_change_has_23_or_25_hours() {
        let hours = |day: &str, next: &str| {
            let starts = starts(Interval::Hour, "Europe/Paris", day, next);
            assert_eq!(starts.last().map(|start| &start[..16]), Some(format!("{next}T00:00").as_str()));
            starts.len() - 1
        };
        assert_eq!(hours("2026-03-28", "2026-03-29"), 24);
        assert_eq!(hours("2026-03-29", "2026-03-30"), 23);
        assert_eq!(hours("2026-10-25", "2026-10-26"), 25);
        let days = starts(Interval::Day, "Europe/Paris", "2026-10-25", "2026-10-26");
        assert_eq!(days, ["2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"]);
    }
}
