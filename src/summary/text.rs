//! The summary that a run ends with, on stdout.

use std::fmt::Write;
use std::path::Path;

use super::run_json::{RunJson, RunOutcome};
use super::{bytes_text, dates_text, files_text, grouped, percent};
use crate::charts::overview::Overview;
use crate::job::bins::DEFAULT_BINS_MS;
use crate::sessionize::time::dates::DateSet;
use crate::tables::history::changes::Changes;
use crate::tables::history::scope::Mode;

/// The summary of a run; `overview` is missing where no sessions table was written.
pub fn summary(outcome: RunOutcome<'_>, run: &RunJson, overview: Option<&Overview>, output: &Path) -> String {
    let mut text = String::new();
    let mut line = |name: &str, rest: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<15}{rest}");
    };
    let counts = outcome.counts;
    let dates = match outcome.days {
        [] => String::new(),
        [day] => format!(" on {}", crate::job::dates::day_text(*day)),
        [first, .., last] => {
            let text = crate::job::dates::day_text;
            format!(" on {} dates ({} to {})", outcome.days.len(), text(*first), text(*last))
        }
    };
    if outcome.scope.mode == Mode::Incremental {
        line("Input", files_text(&outcome.scope.difference));
    }
    if outcome.scope.mode != Mode::Full {
        let dates = DateSet::of(outcome.replaced.iter().map(|day| (*day, *day)));
        line("Replaced", dates_text(&dates));
    }
    if let Some(days) = outcome.renumbered.filter(|days| !days.is_empty()) {
        let dates = DateSet::of(days.iter().map(|day| (*day, *day)));
        line("Renumbered", format!("{}: their users have other sessions before", dates_text(&dates)));
    }
    if let Some(change) = outcome.scope.of_columns() {
        line("Columns", change.to_string());
    }
    if let Some(changes) = outcome.changes {
        line("Changes", changes_text(&changes));
    }
    line("Sessions", format!("{}{dates}", grouped(counts.sessions)));
    line("Users", format!("{} active", grouped(counts.users)));
    if let Some(overview) = overview.filter(|overview| overview.sessions > 0) {
        let average = overview.time_spent_ms / overview.sessions;
        line(
            "Length",
            format!(
                "{} average, {} median; {} of sessions have length 0",
                length_text(average),
                length_text(overview.median_ms.unwrap_or(0)),
                percent(overview.zero_length.unsigned_abs(), overview.sessions.unsigned_abs()),
            ),
        );
    }
    let out = counts.out_of_session_total();
    let inside = counts.in_session + out;
    line(
        "Out of session",
        format!("{} of {} events{}", percent(out, inside), grouped(inside), reasons(&run.counts.out_of_session)),
    );
    let left_out = [
        ("filtered", run.counts.filtered),
        ("rejected", outcome.rows.rejected_total()),
        ("duplicates", run.counts.duplicates),
        ("inactive", run.counts.inactive),
        ("outside the dates", run.counts.outside_window),
    ];
    let left_out: Vec<String> = left_out
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(name, count)| match *name {
            "rejected" => format!("{} rejected{}", grouped(*count), reasons(&run.counts.rejected)),
            name => format!("{} {name}", grouped(*count)),
        })
        .collect();
    if let Some(aliased) = run.counts.aliased {
        line("Aliased", format!("{} of {} rows have another user now", grouped(aliased), grouped(outcome.rows.passed)));
    }
    if !left_out.is_empty() {
        line("Left out", format!("{} of {} rows", left_out.join(", "), grouped(run.counts.rows)));
    }
    match run.inputs.folders_ruled_out {
        0 => {}
        1 => line("Ruled out", "1 folder, by input.where".to_string()),
        folders => line("Ruled out", format!("{} folders, by input.where", grouped(folders))),
    }
    if counts.excluded > 0 {
        let sessions = if counts.excluded == 1 { "session" } else { "sessions" };
        line("Excluded", format!("{} {sessions} longer than session.max_length", grouped(counts.excluded)));
    }
    if counts.clock_skew > 0 {
        let sessions = match counts.clock_skew {
            1 => "session whose id is later than its",
            _ => "sessions whose id is later than their",
        };
        line("Clock skew", format!("{} {sessions} events", grouped(counts.clock_skew)));
    }
    let bytes = outcome.tables.iter().map(|(_, size)| size.bytes).sum();
    line("Tables", format!("{} in {}", bytes_text(bytes), output.display()));
    if let Some(overview) = overview.filter(|overview| overview.sessions > 0) {
        text.push_str("\nLength of sessions\n");
        text.push_str(&bars(overview));
    }
    text
}

fn changes_text(changes: &Changes) -> String {
    let Changes { added, reopened, joined, split, removed } = *changes;
    let all = [(added, "added"), (reopened, "reopened"), (joined, "joined"), (split, "split"), (removed, "removed")];
    let some = all.iter().filter(|(count, _)| *count > 0).map(|(count, name)| format!("{} {name}", grouped(*count)));
    match some.collect::<Vec<_>>() {
        none if none.is_empty() => "no session is another than before".to_string(),
        some => format!("sessions: {}", some.join(", ")),
    }
}

fn reasons(counts: &serde_json::Map<String, serde_json::Value>) -> String {
    if counts.is_empty() {
        return String::new();
    }
    let each = counts.iter().map(|(name, count)| format!("{name} {}", grouped(count.as_u64().unwrap_or(0))));
    format!(" ({})", each.collect::<Vec<_>>().join(", "))
}

fn bars(overview: &Overview) -> String {
    const WIDTH: f64 = 40.0;
    let most = overview.bins.iter().copied().max().unwrap_or(0).max(1);
    let mut text = String::new();
    for (bin, sessions) in overview.bins.iter().enumerate() {
        let start = length_text(DEFAULT_BINS_MS[bin]);
        let label = match DEFAULT_BINS_MS.get(bin + 1) {
            Some(end) => format!("{start} to {}", length_text(*end)),
            None if *sessions == 0 => continue,
            None => format!("{start} and more"),
        };
        let bar = "█".repeat((*sessions as f64 / most as f64 * WIDTH).round() as usize);
        let share = percent(sessions.unsigned_abs(), overview.sessions.unsigned_abs());
        let _ = writeln!(text, "{label:>16}  {bar:<40} {:>12} {share:>8}", grouped(sessions.unsigned_abs()));
    }
    text
}

/// A length as people say it, to the second above a minute.
pub fn length_text(millis: i64) -> String {
    let (minutes, seconds) = (millis / 60_000, millis % 60_000 / 1_000);
    match (minutes, seconds) {
        (0, _) if millis % 1_000 != 0 => format!("{:.1} s", millis as f64 / 1_000.0),
        (0, seconds) => format!("{seconds} s"),
        (minutes, 0) if minutes % 60 == 0 => format!("{} h", minutes / 60),
        (minutes, 0) if minutes < 60 => format!("{minutes} min"),
        (minutes, seconds) if minutes < 60 => format!("{minutes} min {seconds} s"),
        (minutes, _) => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_read_as_people_say_them() {
        let texts = [0, 1_500, 59_000, 60_000, 61_000, 3_600_000, 5_400_000, 86_400_000].map(length_text);
        assert_eq!(texts, ["0 s", "1.5 s", "59 s", "1 min", "1 min 1 s", "1 h", "1 h 30 min", "24 h"]);
    }
}
