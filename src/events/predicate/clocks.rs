//! Dates and times: their parts, and reckoning with them. All of it is in UTC, whatever zone a column names.

use polars::prelude::*;

use super::column_test::holds;
use super::interval::Interval;
use super::language::Field;
use super::rows::{computed, floats, height, ints, truths, Ints};

const NANOS: i64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;
const DAY_NANOS: i64 = DAY_SECONDS * NANOS;

/// An instant: a day since 1970, and the nanoseconds since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Instant {
    day: i64,
    nanos: i64,
}

/// A column of dates or times.
struct Clock {
    counts: Ints,
    /// How many a second has; `None` where days are counted.
    per_second: Option<i64>,
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Milliseconds => 1_000,
        TimeUnit::Microseconds => 1_000_000,
        TimeUnit::Nanoseconds => NANOS,
    }
}

impl Clock {
    fn of(column: &Column) -> PolarsResult<Clock> {
        let per_second = match column.dtype() {
            DataType::Datetime(unit, _) => Some(per_second(*unit)),
            _ => None,
        };
        Ok(Clock { counts: Ints::of(column)?, per_second })
    }

    fn at(&self, row: usize) -> Option<Instant> {
        let count = self.counts.at(row)?;
        let Some(per_second) = self.per_second else { return Some(Instant { day: count, nanos: 0 }) };
        let per_day = per_second * DAY_SECONDS;
        Some(Instant { day: count.div_euclid(per_day), nanos: count.rem_euclid(per_day) * (NANOS / per_second) })
    }
}

impl Instant {
    /// So many since 1970, floored; `None` beyond 64 bits.
    fn count(self, per_second: i64) -> Option<i64> {
        let whole = i128::from(self.day) * i128::from(per_second * DAY_SECONDS);
        i64::try_from(whole + i128::from(self.nanos / (NANOS / per_second))).ok()
    }

    fn field(self, field: Field) -> i64 {
        let date = Civil::of(self.day);
        let of_minute = |each: i64| self.nanos % (60 * NANOS) / each;
        match field {
            Field::Year => date.year,
            Field::Quarter => (date.month - 1) / 3 + 1,
            Field::Month => date.month,
            Field::Day => date.day,
            Field::DayOfYear => self.day - Civil { year: date.year, month: 1, day: 1 }.epoch_day() + 1,
            // 1970 began on a Thursday.
            Field::DayOfWeek => (self.day + 4).rem_euclid(7),
            Field::IsoDayOfWeek => (self.day + 3).rem_euclid(7) + 1,
            Field::IsoYear => iso_week(self.day).0,
            Field::Week => iso_week(self.day).1,
            Field::Hour => self.nanos / (3_600 * NANOS),
            Field::Minute => self.nanos / (60 * NANOS) % 60,
            Field::Second => of_minute(NANOS),
            Field::Millisecond => of_minute(1_000_000),
            Field::Microsecond => of_minute(1_000),
            Field::Epoch => self.count(1).unwrap_or(i64::MAX),
            Field::EpochMillis => self.count(1_000).unwrap_or(i64::MAX),
        }
    }

    /// The first instant of its year, its month and so on.
    fn truncated(self, unit: Field) -> Instant {
        let date = Civil::of(self.day);
        let first = |month: i64| Instant { day: Civil { year: date.year, month, day: 1 }.epoch_day(), nanos: 0 };
        let cut = |each: i64| Instant { day: self.day, nanos: self.nanos - self.nanos % each };
        match unit {
            Field::Year => first(1),
            Field::Quarter => first((date.month - 1) / 3 * 3 + 1),
            Field::Month => first(date.month),
            Field::Week => Instant { day: self.day - (self.day + 3).rem_euclid(7), nanos: 0 },
            Field::Hour => cut(3_600 * NANOS),
            Field::Minute => cut(60 * NANOS),
            Field::Second => cut(NANOS),
            Field::Millisecond => cut(1_000_000),
            Field::Microsecond => cut(1_000),
            _ => cut(DAY_NANOS),
        }
    }

    /// Months first, the day at most the last of its month; then days, then the rest.
    fn plus(self, interval: Interval) -> Option<Instant> {
        let date = Civil::of(self.day);
        let months = date.year.checked_mul(12)?.checked_add(date.month - 1)?.checked_add(interval.months)?;
        let (year, month) = (months.div_euclid(12), months.rem_euclid(12) + 1);
        if year.abs() > 300_000 {
            return None;
        }
        let day = date.day.min(days_of_month(year, month));
        let day = Civil { year, month, day }.epoch_day().checked_add(interval.days)?;
        let nanos = i128::from(self.nanos) + i128::from(interval.micros) * 1_000;
        let more = i64::try_from(nanos.div_euclid(i128::from(DAY_NANOS))).ok()?;
        Some(Instant { day: day.checked_add(more)?, nanos: nanos.rem_euclid(i128::from(DAY_NANOS)) as i64 })
    }
}

/// A date of the Gregorian calendar, which goes on before its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Civil {
    year: i64,
    month: i64,
    day: i64,
}

/// Days of four hundred years, after which the calendar repeats.
const ERA: i64 = 146_097;
/// Days from 1 March of the year 0 to 1970.
const TO_1970: i64 = 719_468;

impl Civil {
    /// Years begin in March here, so that the day that not all of them have is their last.
    fn of(epoch_day: i64) -> Civil {
        let day = epoch_day.saturating_add(TO_1970);
        let (era, of_era) = (day.div_euclid(ERA), day.rem_euclid(ERA));
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year + era * 400 + i64::from(month <= 2);
        Civil { year, month, day: of_year - (153 * from_march + 2) / 5 + 1 }
    }

    fn epoch_day(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let from_march = if self.month > 2 { self.month - 3 } else { self.month + 9 };
        let of_year = (153 * from_march + 2) / 5 + self.day - 1;
        era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - TO_1970
    }
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    Civil { year: next_year, month: next, day: 1 }.epoch_day() - Civil { year, month, day: 1 }.epoch_day()
}

/// The ISO year and week: a week is of the year that its Thursday is in.
fn iso_week(day: i64) -> (i64, i64) {
    let thursday = day - (day + 3).rem_euclid(7) + 3;
    let year = Civil::of(thursday).year;
    (year, (thursday - Civil { year, month: 1, day: 1 }.epoch_day()) / 7 + 1)
}

/// A part of a time.
pub fn field(field: Field, time: Expr) -> Expr {
    if field == Field::Epoch {
        return computed(vec![time], DataType::Float64, |columns| {
            let clock = Clock::of(&columns[0])?;
            let seconds = |count: i64| match clock.per_second {
                None => (count * DAY_SECONDS) as f64,
                Some(per_second) => count as f64 / per_second as f64,
            };
            Ok(floats(height(columns), |row| clock.counts.at(row).map(seconds)))
        });
    }
    computed(vec![time], DataType::Int64, move |columns| {
        let clock = Clock::of(&columns[0])?;
        Ok(ints(height(columns), |row| clock.at(row).map(|time| time.field(field))))
    })
}

/// Times, row by row: what is beyond those that a column has room for is null.
fn times(dtype: &DataType, rows: usize, of: impl Fn(usize) -> Option<Instant>) -> PolarsResult<Column> {
    let per_second = match dtype {
        DataType::Datetime(unit, _) => per_second(*unit),
        _ => return Ok(Column::full_null("".into(), rows, dtype)),
    };
    ints(rows, |row| of(row)?.count(per_second)).cast(dtype)
}

/// What reckoning with a date or time gives: a time in microseconds, or in nanoseconds where it was.
pub fn reckoned(dtype: &DataType) -> DataType {
    match dtype {
        DataType::Datetime(TimeUnit::Nanoseconds, zone) => DataType::Datetime(TimeUnit::Nanoseconds, zone.clone()),
        DataType::Datetime(_, zone) => DataType::Datetime(TimeUnit::Microseconds, zone.clone()),
        _ => DataType::Datetime(TimeUnit::Microseconds, None),
    }
}

/// `DATE_TRUNC`
pub fn truncated(unit: Field, time: Expr, gives: DataType) -> Expr {
    computed(vec![time], gives.clone(), move |columns| {
        let clock = Clock::of(&columns[0])?;
        times(&gives, height(columns), |row| clock.at(row).map(|time| time.truncated(unit)))
    })
}

/// A time and a stretch of time after it.
pub fn later(time: Expr, interval: Interval, gives: DataType) -> Expr {
    computed(vec![time], gives.clone(), move |columns| {
        let clock = Clock::of(&columns[0])?;
        times(&gives, height(columns), |row| clock.at(row)?.plus(interval))
    })
}

/// A date so many days later; beyond those that there are it is null.
pub fn days_later(date: Expr, days: Expr, backwards: bool) -> Expr {
    computed(vec![date, days], DataType::Date, move |columns| {
        let (date, days) = (Ints::of(&columns[0])?, Ints::of(&columns[1])?);
        let dates = Int32Chunked::from_iter_options(
            "".into(),
            (0..height(columns)).map(|row| {
                let (date, days) = (date.at(row)?, days.at(row)?);
                let day = if backwards { date.checked_sub(days) } else { date.checked_add(days) };
                i32::try_from(day?).ok()
            }),
        );
        dates.into_series().cast(&DataType::Date).map(Series::into_column)
    })
}

/// The date of a time.
pub fn date_of(time: Expr) -> Expr {
    computed(vec![time], DataType::Date, |columns| {
        let clock = Clock::of(&columns[0])?;
        let days = (0..height(columns)).map(|row| i32::try_from(clock.at(row)?.day).ok());
        let days = Int32Chunked::from_iter_options("".into(), days);
        days.into_series().cast(&DataType::Date).map(Series::into_column)
    })
}

/// A date or time as a time of another unit.
pub fn as_time(time: Expr, gives: DataType) -> Expr {
    computed(vec![time], gives.clone(), move |columns| {
        let clock = Clock::of(&columns[0])?;
        times(&gives, height(columns), |row| clock.at(row))
    })
}

/// A comparison of dates and times of whatever units and zones, as instants.
pub fn comparison(op: Operator, left: Expr, right: Expr) -> Expr {
    computed(vec![left, right], DataType::Boolean, move |columns| {
        let (left, right) = (Clock::of(&columns[0])?, Clock::of(&columns[1])?);
        Ok(truths(height(columns), |row| Some(holds(op, left.at(row)?.cmp(&right.at(row)?)))))
    })
}

/// Dates and times as text, as DuckDB writes them: `2026-01-31`, `2026-01-31 12:30:00.5`; with a zone `…+00` follows.
pub fn as_text(time: Expr) -> Expr {
    computed(vec![time], DataType::String, |columns| {
        let clock = Clock::of(&columns[0])?;
        let is_zoned = matches!(columns[0].dtype(), DataType::Datetime(_, Some(_)));
        let has_time = clock.per_second.is_some();
        Ok(super::rows::texts(height(columns), |row| {
            let time = clock.at(row)?;
            let date = Civil::of(time.day);
            // The year 0 is 1 BC.
            let (year, era) = if date.year > 0 { (date.year, "") } else { (1 - date.year, " (BC)") };
            let mut text = format!("{year:04}-{:02}-{:02}{era}", date.month, date.day);
            if has_time {
                let part = |field| time.field(field);
                text += &format!(" {:02}:{:02}:{:02}", part(Field::Hour), part(Field::Minute), part(Field::Second));
                let nanos = time.nanos % NANOS;
                if nanos > 0 {
                    text += format!(".{nanos:09}").trim_end_matches('0');
                }
                text += if is_zoned { "+00" } else { "" };
            }
            Some(text)
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> i64 {
        i64::from(crate::job::dates::day_of_text(text).expect("a date").epoch_days())
    }

    fn at(date: &str, seconds: i64) -> Instant {
        Instant { day: day(date), nanos: seconds * NANOS }
    }

    #[test]
    fn days_are_dates_of_the_calendar() {
        for days in (-800_000..800_000).step_by(97) {
            let date = Civil::of(days);
            assert_eq!(date.epoch_day(), days);
            let text = format!("{:04}-{:02}-{:02}", date.year, date.month, date.day);
            assert!(date.year < 0 || day(&text) == days, "{text}");
        }
        assert_eq!(Civil::of(day("2024-02-29")), Civil { year: 2024, month: 2, day: 29 });
    }

    // What is expected here is what DuckDB answers.

    #[test]
    fn times_have_parts() {
        let sunday = at("2026-01-04", 10 * 3_600 + 7 * 60 + 9);
        let part = |field| sunday.field(field);
        assert_eq!((part(Field::DayOfWeek), part(Field::IsoDayOfWeek), part(Field::Week)), (0, 7, 1));
        assert_eq!((part(Field::Hour), part(Field::Minute), part(Field::Second)), (10, 7, 9));
        assert_eq!((part(Field::Millisecond), part(Field::Microsecond)), (9_000, 9_000_000));
        let new_year = at("2027-01-01", 0);
        assert_eq!((new_year.field(Field::Week), new_year.field(Field::IsoYear)), (53, 2026));
        assert_eq!(at("2028-12-31", 0).field(Field::DayOfYear), 366);
        assert_eq!(at("2026-05-04", 0).field(Field::Quarter), 2);
        assert_eq!(at("1969-12-28", 0).field(Field::DayOfWeek), 0);
    }

    #[test]
    fn times_are_cut_to_units() {
        let time = at("2026-05-06", 10 * 3_600 + 7 * 60 + 9);
        assert_eq!(time.truncated(Field::Week), at("2026-05-04", 0));
        assert_eq!(time.truncated(Field::Quarter), at("2026-04-01", 0));
        assert_eq!(time.truncated(Field::Hour), at("2026-05-06", 10 * 3_600));
        assert_eq!(at("1969-12-30", 5).truncated(Field::Week), at("1969-12-29", 0));
    }

    #[test]
    fn months_end_where_they_end() {
        let after = |date, text| at(date, 0).plus(Interval::read(text, None).expect("an interval"));
        assert_eq!(after("2026-01-31", "1 month"), Some(at("2026-02-28", 0)));
        assert_eq!(after("2024-02-29", "1 year"), Some(at("2025-02-28", 0)));
        assert_eq!(after("2026-01-31", "-2 months"), Some(at("2025-11-30", 0)));
        assert_eq!(after("2026-01-31", "1 month 1 day 90 minutes"), Some(at("2026-03-01", 5_400)));
        assert_eq!(after("2026-01-31", "1.5 hours"), Some(at("2026-01-31", 5_400)));
        assert_eq!(after("2026-01-31", &format!("{} years", i64::MAX / 12)), None);
    }
}
