//! Charts of too many intervals for a row each, and the dates that make them so long: those of clocks that were wrong.

use std::collections::BTreeMap;

use super::timeline::{MOST_INTERVALS, MOST_ROWS};
use crate::job::chart::Interval;
use crate::job::dates::day_text;
use crate::sessionize::time::Day;

/// A chart that has rows only for intervals with sessions, as all of them are too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sparse {
    /// The chart's name.
    chart: String,
    interval: Interval,
    /// Dates with sessions that are near each other, in order of time.
    runs: Vec<Run>,
}

/// Dates without a long time between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    first: Day,
    last: Day,
    sessions: i64,
}

/// Dates with nothing between them for longer than this are far from each other.
const FAR_DAYS: i32 = 366;

impl Sparse {
    /// A chart with so many sessions in the intervals that begin with these dates; `None` where there is no session.
    pub fn new(chart: &str, interval: Interval, sessions: &BTreeMap<Day, i64>) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for (day, sessions) in sessions {
            match runs.last_mut() {
                Some(run) if day.epoch_days() - run.last.epoch_days() <= FAR_DAYS => {
                    (run.last, run.sessions) = (*day, run.sessions + sessions);
                }
                _ => runs.push(Run { first: *day, last: *day, sessions: *sessions }),
            }
        }
        Sparse { chart: chart.to_string(), interval, runs }
    }

    /// What the user should know: which dates are lonely, and the way out.
    pub fn text(&self) -> String {
        let Sparse { chart, interval, runs } = self;
        let (first, last) = (runs.first().map(|run| run.first), runs.last().map(|run| run.last));
        let ends = (day_text(first.unwrap_or_default()), day_text(last.unwrap_or_default()));
        let what = format!(
            "the chart \"{chart}\" by {} goes from {} to {}: of more than {MOST_INTERVALS} intervals, or {MOST_ROWS} \
             rows, only those with sessions are written",
            interval.name(),
            ends.0,
            ends.1
        );
        let Some(main) = runs.iter().max_by_key(|run| run.sessions).filter(|_| runs.len() > 1) else {
            return format!("{what}; for all of them, choose a longer `interval`, fewer groups, or `from` and `to`");
        };
        let lonely: Vec<&Run> = runs.iter().filter(|run| *run != main).collect();
        let sessions: i64 = lonely.iter().map(|run| run.sessions).sum();
        let mut keys = Vec::new();
        if first != Some(main.first) {
            keys.push(format!("`output.since = \"{}\"`", day_text(main.first)));
        }
        if last != Some(main.last) {
            keys.push(format!("`output.until = \"{}\"`", day_text(main.last)));
        }
        let (are, sessions) = match sessions {
            1 => ("is", "1 session".to_string()),
            several => ("are", format!("{several} sessions")),
        };
        format!(
            "{what}; {sessions} on {} {are} far from all others ({} to {}): if clocks were wrong there, set {}",
            dates(&lonely),
            day_text(main.first),
            day_text(main.last),
            keys.join(" and ")
        )
    }
}

/// Some runs of dates in words; of many the first ones.
fn dates(runs: &[&Run]) -> String {
    const MOST: usize = 5;
    let one = |run: &&Run| match run.first == run.last {
        true => day_text(run.first),
        false => format!("{} to {}", day_text(run.first), day_text(run.last)),
    };
    let more = runs.len().saturating_sub(MOST);
    let mut texts: Vec<String> = runs.iter().take(MOST).map(one).collect();
    texts.extend((more > 0).then(|| format!("{more} other times")));
    match texts.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::dates::day_of_text;

    fn text(sessions: &[(&str, i64)]) -> String {
        let sessions = sessions.iter().map(|(day, count)| (day_of_text(day).expect("a date"), *count)).collect();
        Sparse::new("h", Interval::Hour, &sessions).text()
    }

    #[test]
    fn dates_far_from_all_others_are_named_with_the_bounds_that_leave_them_out() {
        let before = text(&[("2000-01-01", 1), ("2026-01-01", 5), ("2026-01-03", 2)]);
        assert!(
            before.contains("1 session on 2000-01-01 is far from all others (2026-01-01 to 2026-01-03)"),
            "{before}"
        );
        assert!(before.ends_with("set `output.since = \"2026-01-01\"`"), "{before}");
        let both = text(&[("2000-01-01", 1), ("2000-01-03", 1), ("2026-01-01", 5), ("2090-01-01", 2)]);
        assert!(both.contains("4 sessions on 2000-01-01 to 2000-01-03 and 2090-01-01 are far"), "{both}");
        assert!(both.ends_with("`output.since = \"2026-01-01\"` and `output.until = \"2026-01-01\"`"), "{both}");
        let many = text(&[("2000-01-01", 5), ("2001-01-01", 2), ("2001-12-31", 1)]);
        assert!(many.contains("choose a longer `interval`") && many.contains("2000-01-01 to 2001-12-31"), "{many}");
    }
}
