//! The axis of time: which of a row of intervals have a label, so that labels never touch.

use jiff::civil::DateTime;
use jiff::ToSpan;

/// How long the intervals of an axis are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// Hours.
    Hour,
    /// Dates.
    Day,
    /// Weeks.
    Week,
    /// Months.
    Month,
    /// Quarters.
    Quarter,
    /// Years, or one interval of all dates.
    Year,
}

/// A label of an axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The place of its interval.
    pub place: usize,
    /// What it says.
    pub text: String,
    /// Whether there is room for it on a narrow page, too.
    pub is_narrow: bool,
}

/// As many labels a wide page has room for, and a narrow one.
const MOST: usize = 8;
const MOST_NARROW: usize = 4;

/// The labels of intervals that start at these times.
pub fn labels(starts: &[DateTime], grain: Grain) -> Vec<Label> {
    let texts = chosen(starts, grain);
    let every = texts.len().div_ceil(MOST_NARROW).max(1);
    let label = |(number, (place, text)): (usize, (usize, String))| Label {
        place,
        text,
        is_narrow: number.is_multiple_of(every),
    };
    texts.into_iter().enumerate().map(label).collect()
}

fn chosen(starts: &[DateTime], grain: Grain) -> Vec<(usize, String)> {
    let beginnings = |begins: &dyn Fn(&DateTime) -> i32| -> Vec<usize> {
        let before = |place: usize| match place.checked_sub(1) {
            Some(before) => starts[before],
            // The first one may have begun before.
            None => starts[place].saturating_sub(1.second()),
        };
        (0..starts.len()).filter(|place| begins(&starts[*place]) != begins(&before(*place))).collect()
    };
    let is_fine = matches!(grain, Grain::Hour | Grain::Day | Grain::Week);
    if is_fine && starts.len() > MOST {
        let month = |start: &DateTime| i32::from(start.year()) * 12 + i32::from(start.month());
        let quarter = |start: &DateTime| (month(start) - 1).div_euclid(3);
        let year = |start: &DateTime| i32::from(start.year());
        let months = beginnings(&month);
        let all = [months, beginnings(&quarter), beginnings(&year)];
        // Two beginnings of a month: the axis is long enough to be told by them.
        if all[0].len() > 1 {
            if let Some(places) = all.iter().find(|places| (2..=MOST + 4).contains(&places.len())) {
                let text = |place: &usize| (*place, month_text(&starts[*place], *place == places[0]));
                return places.iter().map(text).collect();
            }
            let years = &all[2];
            let every = years.len().div_ceil(MOST).max(1);
            return years.iter().step_by(every).map(|place| (*place, starts[*place].year().to_string())).collect();
        }
        if grain == Grain::Hour {
            let days = beginnings(&|start: &DateTime| i32::from(start.day()));
            if days.len() > 1 {
                let every = days.len().div_ceil(MOST).max(1);
                return days.iter().step_by(every).map(|place| (*place, day_text(&starts[*place]))).collect();
            }
        }
    }
    let every = match (grain, starts.len().div_ceil(MOST)) {
        (Grain::Hour, 2..=3) => 3,
        (Grain::Hour, 4..=6) => 6,
        (Grain::Day, 3..=7) => 7,
        (_, every) => every.max(1),
    };
    (0..starts.len()).step_by(every).map(|place| (place, interval_text(&starts[place], grain))).collect()
}

/// An interval's name, by its start.
pub fn interval_text(start: &DateTime, grain: Grain) -> String {
    match grain {
        Grain::Hour => format!("{} {:02}:{:02}", day_text(start), start.hour(), start.minute()),
        Grain::Day | Grain::Week => day_text(start),
        Grain::Month => start.strftime("%b %Y").to_string(),
        Grain::Quarter => format!("Q{} {}", (start.month() - 1) / 3 + 1, start.year()),
        Grain::Year => start.year().to_string(),
    }
}

/// A date in full, with its weekday.
pub fn long_day(day: jiff::civil::Date) -> String {
    day.strftime("%A, %-d %B %Y").to_string()
}

fn day_text(start: &DateTime) -> String {
    start.strftime("%-d %b").to_string()
}

fn month_text(start: &DateTime, with_year: bool) -> String {
    match start.month() {
        // A January is told by its year.
        1 => start.year().to_string(),
        _ if with_year => start.strftime("%b ’%y").to_string(),
        _ => start.strftime("%b").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn texts(count: i64, grain: Grain) -> Vec<String> {
        let first = date(2026, 1, 1).at(0, 0, 0, 0);
        let start = |place: i64| match grain {
            Grain::Hour => first + place.hours(),
            Grain::Day => first + place.days(),
            Grain::Week => first + place.weeks(),
            _ => first + place.months(),
        };
        let starts: Vec<DateTime> = (0..count).map(start).collect();
        let labels = labels(&starts, grain);
        assert!(labels.len() <= MOST + 4, "{labels:?}");
        assert!(labels.iter().filter(|label| label.is_narrow).count() <= MOST_NARROW, "{labels:?}");
        labels.into_iter().map(|label| label.text).collect()
    }

    #[test]
    fn labels_are_few_and_fall_on_what_people_count_by() {
        assert_eq!(texts(3, Grain::Day), ["1 Jan", "2 Jan", "3 Jan"]);
        assert_eq!(texts(15, Grain::Day), ["1 Jan", "3 Jan", "5 Jan", "7 Jan", "9 Jan", "11 Jan", "13 Jan", "15 Jan"]);
        assert_eq!(texts(31, Grain::Day), ["1 Jan", "8 Jan", "15 Jan", "22 Jan", "29 Jan"]);
        assert_eq!(texts(365, Grain::Day)[..2], ["2026", "Feb"]);
        assert_eq!(texts(365, Grain::Day).len(), 12);
        assert_eq!(texts(24, Grain::Hour)[..2], ["1 Jan 00:00", "1 Jan 03:00"]);
        assert_eq!(texts(48, Grain::Hour), ["1 Jan", "2 Jan"]);
        assert_eq!(texts(0, Grain::Day).len(), 0);
        assert_eq!(texts(1, Grain::Month), ["Jan 2026"]);
        for (count, grain) in [(9_000, Grain::Hour), (20_000, Grain::Day), (200, Grain::Week), (300, Grain::Month)] {
            assert!(texts(count, grain).len() > 2);
        }
    }
}
