//! Dates and times as text and as microseconds, as far from today as 64 bits can say: Postgres and DuckDB write the
//! largest number there is for infinity, and no calendar of ours goes that far.

use polars::prelude::*;

/// Days around 1970 that polars can write: it gives up some 262,000 years from today.
const NEAR: i64 = 95_000_000;

/// Dates or times as text, those that polars can write as it does.
///
/// # Errors
/// Other values.
pub fn text_of(series: &Series) -> PolarsResult<StringChunked> {
    let counts = series.to_physical_repr().cast(&DataType::Int64)?;
    let counts = counts.i64()?;
    let in_a_day = match series.dtype() {
        DataType::Datetime(TimeUnit::Nanoseconds, _) => 86_400_000_000_000,
        DataType::Datetime(TimeUnit::Microseconds, _) => 86_400_000_000,
        DataType::Datetime(TimeUnit::Milliseconds, _) => 86_400_000,
        _ => 1,
    };
    let is_near = |count: i64| (-NEAR..NEAR).contains(&count.div_euclid(in_a_day));
    if counts.iter().flatten().all(is_near) {
        return series.cast(&DataType::String)?.str().cloned();
    }
    let near: BooleanChunked = counts.iter().map(|count| count.map(is_near)).collect();
    let near = series.zip_with(&near, &Series::full_null(series.name().clone(), series.len(), series.dtype()))?;
    let near = near.cast(&DataType::String)?;
    let texts = near.str()?.iter().zip(counts.iter());
    Ok(texts
        .map(|(near, count)| near.map_or_else(|| count.map(|count| far(count, in_a_day)), |t| Some(t.to_string())))
        .collect())
}

/// Times as microseconds since 1970-01-01, floored; null where those are too many.
///
/// # Errors
/// Other values.
pub fn micros_of(series: &Series) -> PolarsResult<Int64Chunked> {
    let counts = series.to_physical_repr().cast(&DataType::Int64)?;
    let counts = counts.i64()?.iter();
    Ok(match series.dtype() {
        DataType::Datetime(TimeUnit::Nanoseconds, _) => counts.map(|count| Some(count?.div_euclid(1_000))).collect(),
        DataType::Datetime(TimeUnit::Milliseconds, _) => counts.map(|count| count?.checked_mul(1_000)).collect(),
        _ => counts.collect(),
    })
}

/// A date, or a time of so many parts a day, as ISO 8601 writes what is far away: with a sign before the year.
fn far(count: i64, in_a_day: i64) -> String {
    let (year, month, day) = civil(count.div_euclid(in_a_day));
    let date = format!("{year:+05}-{month:02}-{day:02}");
    let digits = match in_a_day {
        86_400_000_000_000 => 9,
        86_400_000_000 => 6,
        86_400_000 => 3,
        _ => return date,
    };
    let (in_a_second, of_day) = (in_a_day / 86_400, count.rem_euclid(in_a_day));
    let (second, fraction) = (of_day / in_a_second, of_day % in_a_second);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{date} {hour:02}:{minute:02}:{second:02}.{fraction:0digits$}")
}

/// The date of a day, counted from 1970-01-01, in the calendar of today.
fn civil(days: i64) -> (i64, i64, i64) {
    const DAYS_OF_400_YEARS: i64 = 146_097;
    // From the first of March of the year 0, so that a leap day is the last one of its year.
    let days = i128::from(days) + 719_468;
    let cycles = days.div_euclid(i128::from(DAYS_OF_400_YEARS)) as i64;
    let day = days.rem_euclid(i128::from(DAYS_OF_400_YEARS)) as i64;
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (400 * cycles + year, (month + 2) % 12 + 1);
    (year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let mut date = jiff::civil::Date::constant(-9999, 1, 1);
        let first = date.since(jiff::civil::Date::constant(1970, 1, 1)).expect("days").get_days();
        for days in i64::from(first)..i64::from(first) + 5_000_000 {
            let expected = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
            assert_eq!(civil(days), expected);
            date = date.tomorrow().expect("not the last");
        }
    }

    #[test]
    fn the_ends_of_time_are_text() {
        let texts = |unit, counts: &[Option<i64>]| -> Vec<Option<String>> {
            let series = Series::new("t".into(), counts).cast(&DataType::Datetime(unit, None)).expect("times");
            text_of(&series).expect("text").iter().map(|text| text.map(str::to_string)).collect()
        };
        let text = |text: &str| Some(text.to_string());
        assert_eq!(
            texts(TimeUnit::Microseconds, &[Some(i64::MAX), None, Some(0)]),
            [text("+294247-01-10 04:00:54.775807"), None, text("1970-01-01 00:00:00.000000")]
        );
        assert_eq!(
            texts(TimeUnit::Milliseconds, &[Some(i64::MIN), Some(i64::MAX)]),
            [text("-292275055-05-16 16:47:04.192"), text("+292278994-08-17 07:12:55.807")]
        );
        let days = Series::new("d".into(), [i32::MIN, i32::MAX, 0]).cast(&DataType::Date).expect("dates");
        let dates: Vec<Option<String>> = text_of(&days).expect("text").iter().map(|t| t.map(str::to_string)).collect();
        assert_eq!(dates, [text("-5877641-06-23"), text("+5881580-07-11"), text("1970-01-01")]);
    }

    #[test]
    fn near_times_are_as_polars_writes_them() {
        let counts = [0, -1, 1_767_225_600_000_001, NEAR * 86_400_000_000 - 1, -NEAR * 86_400_000_000];
        let near =
            Series::new("t".into(), counts).cast(&DataType::Datetime(TimeUnit::Microseconds, None)).expect("times");
        let theirs = near.cast(&DataType::String).expect("text");
        assert!(text_of(&near).expect("text").iter().eq(theirs.str().expect("text").iter()));
        let ours: Vec<String> = counts[3..].iter().map(|count| far(*count, 86_400_000_000)).collect();
        assert_eq!(ours, theirs.str().expect("text").iter().skip(3).flatten().collect::<Vec<_>>());
    }
}
