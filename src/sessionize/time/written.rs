//! Dates and times as text, as far from today as 64 bits can say: ISO 8601, with a sign before years of more than four
//! digits and before those that are negative.

/// A date, by its days since 1970-01-01, like `2026-01-31`.
pub fn date_text(days: i64) -> String {
    let (year, month, day) = civil(days);
    if (0..=9_999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:+05}-{month:02}-{day:02}")
    }
}

/// A time, by the count since 1970-01-01 of what a day has so many of: 86,400,000 milliseconds, say. It has all digits of
/// its second, like `2026-01-31 12:00:00.000`.
pub fn time_text(count: i64, in_a_day: i64) -> String {
    let date = date_text(count.div_euclid(in_a_day));
    let (in_a_second, of_day) = (in_a_day / 86_400, count.rem_euclid(in_a_day));
    let digits = in_a_second.ilog10() as usize;
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
}
