//! Intervals of a chart: runs of dates in the output's time zone, or hours of them (SPEC 5).

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::job::chart::Interval;
use crate::job::dates::{calendar, date_at, date_of, day_of_date, first_instant};
use crate::job::starts::Starts;
use crate::sessionize::time::calendar::{Calendar, Stretch, LAST_HOUR};
use crate::sessionize::time::{Day, Span, Timestamp};

/// One interval: its first date, and the hour since that date's first instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntervalKey(i64);

/// As many hours as a date has at most: the last one lasts to the end of the date.
const HOURS: i64 = LAST_HOUR as i64 + 1;
/// Microseconds of an hour.
pub const HOUR_MICROS: i64 = 3_600_000_000;
const INSTANT: Span = Span::from_micros(1);

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

    /// Its first date.
    pub fn day(self) -> Day {
        Day::from_epoch_days(i32::try_from(self.0.div_euclid(HOURS)).unwrap_or_default())
    }

    fn hour(self) -> i64 {
        self.0.rem_euclid(HOURS)
    }
}

/// The first and the last of some intervals, both included.
pub type Ends = (IntervalKey, IntervalKey);

/// The first date of the month of a date, or of one so many months before.
fn first_of_month(date: Date, before: i16) -> Option<Day> {
    let months = i32::from(date.year()) * 12 + i32::from(date.month()) - 1 - i32::from(before);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
    day_of_date(Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?)
}

/// The intervals of a chart.
#[derive(Clone, Debug)]
pub struct Intervals<'a> {
    /// What an interval is.
    pub interval: Interval,
    /// When weeks, quarters and years begin.
    pub starts: Starts,
    /// The zone of dates.
    pub zone: &'a TimeZone,
    /// The date that the one interval of [`Interval::Total`] begins with.
    pub first: Day,
}

impl Intervals<'_> {
    /// The interval that a date is in; for hours, that of its first one.
    pub fn of(&self, day: Day) -> IntervalKey {
        let date = date_of(day);
        // Months since the year began.
        let since_year = (i16::from(date.month()) - 1 - i16::from(self.starts.year)).rem_euclid(12);
        let month = |before: i16| first_of_month(date, before).unwrap_or(day);
        let first = match self.interval {
            Interval::Hour | Interval::Day => day,
            Interval::Week => {
                // 1970-01-01 was a Thursday.
                let since_monday = day.epoch_days() + 3;
                let since_week = (since_monday - i32::from(self.starts.week)).rem_euclid(7);
                Day::from_epoch_days(day.epoch_days() - since_week)
            }
            Interval::Month => month(0),
            Interval::Quarter => month(since_year % 3),
            Interval::Year => month(since_year),
            Interval::Total => self.first,
        };
        IntervalKey::of_day(first)
    }

    /// The first instant of an interval: of an hour, the first one that its date has in it.
    pub fn start(&self, key: IntervalKey) -> Timestamp {
        let first = first_instant(key.day(), self.zone);
        let start = first.plus(Span::from_micros(key.hour() * HOUR_MICROS));
        if key.hour() == 0 || date_at(start, self.zone) == key.day() {
            return start;
        }
        // The hour begins with instants of another date: the clock was set back over midnight.
        let end = start.plus(Span::from_micros(HOUR_MICROS));
        let calendar = calendar(self.zone, start, end).unwrap_or_else(Calendar::single);
        let later = calendar.bounded().map(|(stretch, _)| stretch).find(|s| s.day == key.day() && s.start > start);
        later.map_or(start, |stretch| stretch.start)
    }

    /// Whether an hour, as the number of its key, is no earlier than an interval; the one of all dates begins with `since`.
    pub fn is_new(&self, key: IntervalKey, hour: i64, since: Option<Day>) -> bool {
        match self.interval {
            Interval::Total => since.is_none_or(|since| hour >= IntervalKey::of_day(since).number()),
            _ => hour >= key.number(),
        }
    }

    /// The interval of a session that starts at an instant of a date.
    pub fn of_start(&self, day: Day, start: Timestamp) -> IntervalKey {
        let since = start.micros() - first_instant(day, self.zone).micros();
        match self.interval {
            Interval::Hour => IntervalKey::of_hour(day, since.div_euclid(HOUR_MICROS)),
            _ => self.of(day),
        }
    }

    /// The first and the last interval of the dates from one to another; `None` where there is none.
    pub fn of_dates(&self, first: Day, last: Day) -> Option<Ends> {
        let all = self.over(self.of(first), self.of(last));
        Some((all.first()?.0, all.last()?.0))
    }

    /// As many intervals there are at least from one to another, both included.
    pub fn at_least(&self, first: IntervalKey, last: IntervalKey) -> i64 {
        let days = i64::from(last.day().epoch_days()) - i64::from(first.day().epoch_days());
        // But for one date or two that a zone skipped or cut short.
        let whole = (days - 2).max(0);
        match self.interval {
            Interval::Hour => whole * 20,
            Interval::Day => whole,
            Interval::Week => whole / 7,
            Interval::Month => whole / 31,
            Interval::Quarter => whole / 92,
            Interval::Year | Interval::Total => whole / 366,
        }
    }

    /// All intervals of the dates from that of one interval to that of another, with their first instants, in order of
    /// these.
    pub fn over(&self, first: IntervalKey, last: IntervalKey) -> Vec<(IntervalKey, Timestamp)> {
        match self.interval {
            Interval::Hour => self.hours(first.day(), last.day()),
            Interval::Day => self.days(first.day(), last.day()),
            _ => {
                let next = |key: &IntervalKey| Some(self.next(*key)).filter(|next| *next <= last && next > key);
                let keys = std::iter::successors(Some(first), next);
                keys.map(|key| (key, self.start(key))).collect()
            }
        }
    }

    /// The dates from one to another, but for those that the zone skipped.
    fn days(&self, first: Day, last: Day) -> Vec<(IntervalKey, Timestamp)> {
        let mut starts = BTreeMap::new();
        for (stretch, _) in self.stretches(first, last) {
            starts.insert(IntervalKey::of_day(stretch.day), stretch.day_start);
        }
        starts.into_iter().collect()
    }

    /// The hours of these dates, but for those in which the date has no instant.
    fn hours(&self, first: Day, last: Day) -> Vec<(IntervalKey, Timestamp)> {
        let mut hours: Vec<(IntervalKey, Timestamp)> = Vec::new();
        for (stretch, end) in self.stretches(first, last) {
            for hour in stretch.hour(stretch.start)..=stretch.hour(end.minus(INSTANT)) {
                let key = IntervalKey::of_hour(stretch.day, i64::from(hour));
                // A date in two pieces may have both in one hour.
                if !hours.iter().rev().take(HOURS as usize).any(|(known, _)| *known == key) {
                    hours.push((key, stretch.hour_start(hour).max(stretch.start)));
                }
            }
        }
        hours
    }

    /// The stretches of time that dates consist of, in order, each with its end.
    fn stretches(&self, first: Day, last: Day) -> Vec<(Stretch, Timestamp)> {
        let range = (first_instant(first, self.zone), first_instant(last, self.zone));
        let calendar = calendar(self.zone, range.0, range.1).unwrap_or_else(Calendar::single);
        let all = calendar.bounded().filter(|(stretch, _)| first <= stretch.day && stretch.day <= last);
        all.map(|(stretch, end)| (*stretch, end)).collect()
    }

    fn next(&self, key: IntervalKey) -> IntervalKey {
        let day = key.day();
        let after = |days: i32| Day::from_epoch_days(day.epoch_days() + days);
        match self.interval {
            Interval::Week => IntervalKey::of_day(after(7)),
            // Every month has a day that is this long after its first, and it is in the next one.
            Interval::Month => self.of(after(31)),
            Interval::Quarter => self.of(after(92)),
            Interval::Year => self.of(after(366)),
            // The one of all dates has none after it; hours and days are counted elsewhere.
            Interval::Hour | Interval::Day | Interval::Total => key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::dates::{day_of_text, instant_text};
    use std::collections::BTreeSet;

    fn starts(interval: Interval, zone: &str, first: &str, last: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).expect("known zone");
        let day = |text: &str| day_of_text(text).expect("a date");
        let intervals = Intervals { interval, starts: Starts::default(), zone: &zone, first: day(first) };
        let keys = intervals.over(intervals.of(day(first)), intervals.of(day(last)));
        keys.into_iter().map(|(_, start)| instant_text(start, &zone)).collect()
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
    fn weeks_quarters_and_years_begin_when_they_are_said_to() {
        let of = |interval, starts, text: &str| {
            let intervals = Intervals { interval, starts, zone: &TimeZone::UTC, first: Day::default() };
            date_of(intervals.of(day_of_text(text).expect("a date")).day()).to_string()
        };
        let starts = Starts { week: 6, year: 3 };
        assert_eq!(of(Interval::Week, starts, "2026-01-10"), "2026-01-04", "a Sunday");
        assert_eq!(of(Interval::Year, starts, "2026-03-31"), "2025-04-01");
        assert_eq!(of(Interval::Quarter, starts, "2026-03-31"), "2026-01-01");
        assert_eq!(of(Interval::Quarter, Starts { year: 10, ..starts }, "2026-01-31"), "2025-11-01");
        // Every date of years with and without a 29th of February, day by day backwards.
        for (week, year) in (0..7).flat_map(|week| (0..12).map(move |year| (week, year))) {
            let starts = Starts { week, year };
            let zone = TimeZone::UTC;
            let intervals = |interval| Intervals { interval, starts, zone: &zone, first: Day::default() };
            for day in (10_950..12_500).chain(-800..-300).step_by(7 + usize::from(week)).map(Day::from_epoch_days) {
                let back = |begins: &dyn Fn(Date) -> bool| {
                    let days = (0..).map(|days| Day::from_epoch_days(day.epoch_days() - days));
                    days.into_iter().find(|day| begins(date_of(*day))).expect("some day")
                };
                let first = |date: Date| date.day() == 1;
                let since = |date: Date| (i32::from(date.month()) - 1 - i32::from(year)).rem_euclid(12);
                let expected = [
                    back(&|date| date.weekday().to_monday_zero_offset() as u8 == week),
                    back(&first),
                    back(&|date| first(date) && since(date) % 3 == 0),
                    back(&|date| first(date) && since(date) == 0),
                ];
                let kinds = [Interval::Week, Interval::Month, Interval::Quarter, Interval::Year];
                for (interval, expected) in kinds.into_iter().zip(expected) {
                    let intervals = intervals(interval);
                    assert_eq!(intervals.of(day), IntervalKey::of_day(expected), "{interval:?} {starts:?} {day:?}");
                    let next = intervals.next(intervals.of(day));
                    let before = Day::from_epoch_days(next.day().epoch_days() - 1);
                    assert_eq!(intervals.of(before), intervals.of(day), "the next one follows");
                }
            }
        }
    }

    #[test]
    fn a_date_that_a_zone_skipped_is_no_interval() {
        let days = |interval, first, last| -> Vec<String> {
            starts(interval, "Pacific/Apia", first, last).iter().map(|start| start[5..10].to_string()).collect()
        };
        assert_eq!(days(Interval::Day, "2011-12-29", "2012-01-01"), ["12-29", "12-31", "01-01"]);
        assert_eq!(days(Interval::Day, "2011-12-30", "2011-12-31"), ["12-31"]);
        assert_eq!(days(Interval::Day, "2011-12-29", "2011-12-30"), ["12-29"]);
        assert_eq!(days(Interval::Week, "2011-12-26", "2012-01-02"), ["12-26", "01-02"]);
        assert_eq!(days(Interval::Total, "2011-12-30", "2012-01-02"), ["12-31"]);
        assert_eq!(days(Interval::Hour, "2011-12-29", "2011-12-31").len(), 48);
    }

    #[test]
    fn a_day_of_a_clock_change_has_23_or_25_hours() {
        let hours = |day: &str| {
            let starts = starts(Interval::Hour, "Europe/Paris", day, day);
            assert!(starts.iter().all(|start| start.starts_with(day)), "{starts:?}");
            starts.len()
        };
        assert_eq!(hours("2026-03-28"), 24);
        assert_eq!(hours("2026-03-29"), 23);
        assert_eq!(hours("2026-10-25"), 25);
        let days = starts(Interval::Day, "Europe/Paris", "2026-10-25", "2026-10-26");
        assert_eq!(days, ["2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"]);
    }

    #[test]
    fn an_hour_in_two_pieces_is_that_of_each_of_the_two_dates() {
        // At 00:01 the clock went back to 23:01 of the day before.
        let hours = starts(Interval::Hour, "America/St_Johns", "2006-10-28", "2006-10-29");
        assert_eq!(
            hours[23..27],
            [
                "2006-10-28T23:00:00-02:30",
                "2006-10-29T00:00:00-02:30",
                "2006-10-28T23:01:00-03:30",
                "2006-10-29T00:00:00-03:30"
            ]
        );
        assert_eq!(hours.len(), 25 + 25);
    }

    /// Instants around a change of clocks: before it and after it, and near the midnights and hours there.
    fn around(change: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        const HALF: i64 = HOUR_MICROS / 2;
        let change = change.micros();
        let mut micros: Vec<i64> = (-8..=8).map(|half| change + half * HALF).collect();
        micros.extend((-9..=9).map(|step| change + step * 3 * HOUR_MICROS));
        let edges = (-2..=2).map(|day| date_at(Timestamp::from_micros(change + day * Span::DAY.micros()), zone));
        micros.extend(edges.map(|day| first_instant(day, zone).micros()));
        micros.iter().flat_map(|at| [at - 1, *at]).map(Timestamp::from_micros).collect()
    }

    /// The interval that a session is counted in, as a run does it: by the date that the calendar of all its
    /// instants says, and the hour since that date's first instant.
    fn counted(intervals: &Intervals<'_>, times: &[Timestamp]) -> Vec<(IntervalKey, Timestamp)> {
        let ends = (times.iter().min().copied().expect("some"), times.iter().max().copied().expect("some"));
        let calendar = calendar(intervals.zone, ends.0, ends.1).expect("dates");
        let (mut cursor, mut firsts) = (calendar.cursor(), BTreeMap::new());
        let one = |time: &Timestamp| {
            let stretch = cursor.find(*time);
            let hour = i64::from(stretch.hour(*time));
            let first = *firsts.entry(stretch.day).or_insert_with_key(|day| first_instant(*day, intervals.zone));
            assert_eq!(stretch.day, date_at(*time, intervals.zone));
            assert_eq!(stretch.day_start, first, "{:?} {time:?}", intervals.zone.iana_name());
            let key = match intervals.interval {
                Interval::Hour => IntervalKey::of_hour(stretch.day, hour),
                _ => intervals.of(stretch.day),
            };
            (key, *time)
        };
        times.iter().map(one).collect()
    }

    fn check(interval: Interval, zone: &TimeZone, times: &[Timestamp]) {
        let name = zone.iana_name().unwrap_or_default();
        let first = times.iter().map(|time| date_at(*time, zone)).min().expect("some");
        let intervals = Intervals { interval, starts: Starts::default(), zone, first };
        let counted = counted(&intervals, times);
        let keys: BTreeSet<IntervalKey> = counted.iter().map(|(key, _)| *key).collect();
        let rows = intervals.over(*keys.first().expect("some"), *keys.last().expect("some"));
        assert!(
            rows.windows(2).all(|pair| pair[0].1 < pair[1].1),
            "{name} {interval:?}: starts are in order, each once"
        );
        let starts: BTreeMap<IntervalKey, Timestamp> = rows.iter().copied().collect();
        assert_eq!(starts.len(), rows.len(), "{name} {interval:?}: each interval once");
        for (key, start) in &starts {
            assert_eq!(intervals.start(*key), *start, "{name} {interval:?}");
        }
        for (key, time) in counted {
            let Some(start) = starts.get(&key) else {
                panic!("{name} {interval:?}: {} is in no row", instant_text(time, zone))
            };
            assert!(*start <= time, "{name} {interval:?}: {} is before its row", instant_text(time, zone));
        }
    }

    /// Every change of every zone since then, for the intervals that dates are cut into and dates themselves.
    fn check_all_zones(since: &str) -> usize {
        let since: jiff::Timestamp = format!("{since}T00:00:00Z").parse().expect("a time");
        let until: jiff::Timestamp = "2027-01-01T00:00:00Z".parse().expect("a time");
        let mut changes = 0;
        let mut known = BTreeSet::new();
        for name in jiff::tz::db().available() {
            let zone = TimeZone::get(name.as_str()).expect("known zone");
            let following = zone.following(since).take_while(|change| change.timestamp() < until);
            let following: Vec<(i64, i32)> =
                following.map(|change| (change.timestamp().as_microsecond(), change.offset().seconds())).collect();
            // Many zones are others by another name.
            if !known.insert((zone.to_offset(since).seconds(), following.clone())) {
                continue;
            }
            for (change, _) in following {
                let times = around(Timestamp::from_micros(change), &zone);
                for interval in [Interval::Hour, Interval::Day] {
                    check(interval, &zone, &times);
                }
                changes += 1;
            }
        }
        changes
    }

    #[test]
    fn around_every_change_of_clocks_each_session_is_in_a_row() {
        assert!(check_all_zones("2000-01-01") > 2_000);
    }

    #[test]
    fn dates_that_came_twice_have_a_last_hour_that_is_longer() {
        // Kwajalein crossed the date line backwards in 1969, Alaska in 1867.
        for (name, change) in
            [("Pacific/Kwajalein", "1969-09-30T13:00:00Z"), ("America/Juneau", "1867-10-19T00:00:00Z")]
        {
            let zone = TimeZone::get(name).expect("known zone");
            let change = crate::job::instants::instant_of(change).expect("a time");
            for interval in [Interval::Hour, Interval::Day, Interval::Week, Interval::Month, Interval::Year] {
                check(interval, &zone, &around(change, &zone));
            }
        }
    }
}
