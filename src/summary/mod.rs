//! What happened, for people and programs.

pub mod braille;
pub mod charts;
pub mod dry_run;
pub mod event_counts;
pub mod format;
pub mod history;
pub mod kernel_counts;
pub mod lines;
pub mod log;
pub mod part_counts;
pub mod run_json;
pub mod text;
pub mod warnings;

use crate::job::dates::day_text;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::Day;
use crate::tables::history::ledger::Difference;

/// A count with thousands separated.
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of things, by the word for one of them: `1 file`, `1,000 files`.
pub fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// A size in the unit that suits it.
pub fn bytes_text(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

/// A share in percent; of nothing there is none.
pub fn percent(part: u64, whole: u64) -> String {
    match whole {
        0 => "–".to_string(),
        _ => format!("{:.1} %", part as f64 * 100.0 / whole as f64),
    }
}

/// Dates as ranges: `2026-01-03, 2026-01-27 to 2026-01-28`.
pub fn dates_text(dates: &DateSet) -> String {
    let end = |day: Day, none: &str| match day.epoch_days() {
        i32::MIN | i32::MAX => none.to_string(),
        _ => day_text(day),
    };
    let range = |(first, last): &(Day, Day)| match first == last {
        true => day_text(*first),
        false => format!("{} to {}", end(*first, "the first"), end(*last, "the last")),
    };
    match dates.ranges() {
        [] => "none".to_string(),
        ranges => ranges.iter().map(range).collect::<Vec<_>>().join(", "),
    }
}

/// How an input differs from that of the run before.
pub fn files_text(difference: &Difference) -> String {
    let count = |files: usize| grouped(files as u64);
    let (new, changed) = (count(difference.new.len()), count(difference.changed.len()));
    format!(
        "{new} new, {changed} changed, {} gone, {} as they were",
        count(difference.gone.len() + difference.removed.len()),
        count(difference.same)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_counted_as_one() {
        let texts = [0, 1, 2, 1_000].map(|count| counted(count, "file"));
        assert_eq!(texts, ["0 files", "1 file", "2 files", "1,000 files"]);
    }

    #[test]
    fn thousands_are_separated() {
        let texts = [0, 999, 1_000, 12_345, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}
