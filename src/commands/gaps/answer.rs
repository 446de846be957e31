//! The answer of `dwell gaps`, for people and for programs.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;

use super::histogram::{bounds_ms, BINS};
use super::tally::Tally;
use super::valley::{valleys, Valley};
use crate::events::normalise::{Rejection, RowCounts};
use crate::events::source::plan::Extent;
use crate::job::duration::duration_text;
use crate::sessionize::time::Span;
use crate::summary::format::{csv_text, csv_writer, Format};
use crate::summary::grouped;
use crate::summary::text::length_text;

/// How users pause, and what each timeout would make of it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether the job defines sessions by session id, under which no timeout has an effect.
    pub by_session_id: bool,
    /// The property that sessions share: gaps are between events that share it, too.
    pub property: Option<String>,
    /// The job's own timeout.
    pub own: Option<Span>,
    /// The column that the job's own timeouts differ by: they are tried, too, after all others.
    pub by_column: Option<String>,
    /// What became of the rows.
    pub rows: Rows,
    /// The timeouts that were tried.
    pub timeouts: Vec<Span>,
    /// The median length of each timeout's sessions in milliseconds.
    pub medians: Vec<Option<i64>>,
    /// Everything that was counted.
    pub tally: Tally,
}

/// What became of the rows before there were events of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rows {
    rows: u64,
    filtered: u64,
    rejected: u64,
}

impl Rows {
    /// As counted while reading.
    pub fn of(extent: Extent, rows: &RowCounts) -> Self {
        let rejected = Rejection::ALL.iter().map(|reason| rows.rejected[*reason as usize]).sum();
        Rows { rows: extent.rows, filtered: extent.rows_ruled_out + rows.filtered, rejected }
    }
}

#[derive(Serialize)]
struct Json<'a> {
    #[serde(flatten)]
    rows: Rows,
    duplicates: u64,
    inactive: u64,
    no_property: u64,
    events: u64,
    users: u64,
    property: Option<&'a str>,
    gaps: u64,
    histogram: Vec<BinJson>,
    valleys: Vec<ValleyJson>,
    timeouts: Vec<TimeoutRow>,
}

#[derive(Serialize)]
struct BinJson {
    from_ms: i64,
    to_ms: Option<i64>,
    gaps: u64,
    share: Option<f64>,
}

#[derive(Serialize)]
struct ValleyJson {
    from_ms: i64,
    to_ms: Option<i64>,
    lowest: StretchJson,
    before: StretchJson,
    after: StretchJson,
}

#[derive(Serialize)]
struct StretchJson {
    from_ms: i64,
    to_ms: Option<i64>,
    gaps: u64,
}

/// A row of the table of timeouts: of the JSON object and of the CSV file.
#[derive(Serialize)]
pub(super) struct TimeoutRow {
    pub(super) timeout: String,
    pub(super) timeout_ms: Value,
    pub(super) own: bool,
    pub(super) sessions: u64,
    pub(super) excluded: u64,
    pub(super) median_length_ms: Option<i64>,
    pub(super) zero_length_sessions: u64,
    pub(super) zero_length_share: Option<f64>,
    pub(super) gaps_near: u64,
    pub(super) gaps_near_share: Option<f64>,
}

impl Answer {
    /// As text for people, as JSON, or as CSV.
    pub fn text(&self, format: Format) -> String {
        match format {
            Format::Table | Format::Html => self.table(),
            Format::Json => serde_json::to_string_pretty(&self.json()).unwrap_or_default() + "\n",
            Format::Csv => self.csv(),
        }
    }

    pub(super) fn valleys(&self) -> Vec<Valley> {
        valleys(&self.tally.gaps)
    }

    fn json(&self) -> Json<'_> {
        let Tally { duplicates, inactive, no_property, events, users, gaps, .. } = &self.tally;
        let bin = |bin: usize| {
            let (from_ms, to_ms) = bounds_ms(bin);
            let count = gaps.count(bin);
            BinJson { from_ms, to_ms, gaps: count, share: share(count, gaps.total()) }
        };
        let stretch = |bin: usize| {
            let (from_ms, to_ms) = bounds_ms(bin);
            StretchJson { from_ms, to_ms, gaps: gaps.count(bin) }
        };
        let valley = |valley: &Valley| ValleyJson {
            from_ms: bounds_ms(valley.first).0,
            to_ms: bounds_ms(valley.last).1,
            lowest: stretch(valley.lowest),
            before: stretch(valley.before),
            after: stretch(valley.after),
        };
        Json {
            rows: self.rows,
            duplicates: *duplicates,
            inactive: *inactive,
            no_property: *no_property,
            events: *events,
            users: *users,
            property: self.property.as_deref(),
            gaps: gaps.total(),
            histogram: (0..BINS).map(bin).collect(),
            valleys: self.valleys().iter().map(valley).collect(),
            timeouts: self.timeout_rows(),
        }
    }

    pub(super) fn timeout_rows(&self) -> Vec<TimeoutRow> {
        let gaps = self.tally.gaps.total();
        let same = self.timeouts.iter().map(|timeout| {
            let millis: Value = match timeout.micros() % 1_000 {
                0 => timeout.floor_millis().into(),
                _ => (timeout.micros() as f64 / 1e3).into(),
            };
            (duration_text(*timeout), millis, self.own == Some(*timeout))
        });
        let by_column = self.by_column.iter().map(|column| (format!("by {column}"), Value::Null, true));
        let of = same.chain(by_column).zip(&self.tally.candidates).zip(&self.medians);
        of.map(|(((timeout, timeout_ms, own), counts), median)| TimeoutRow {
            timeout,
            timeout_ms,
            own,
            sessions: counts.sessions,
            excluded: counts.excluded,
            median_length_ms: *median,
            zero_length_sessions: counts.zero_length,
            zero_length_share: share(counts.zero_length, counts.sessions),
            gaps_near: counts.near,
            gaps_near_share: share(counts.near, gaps),
        })
        .collect()
    }

    fn csv(&self) -> String {
        let mut csv = csv_writer();
        // Writing to memory cannot fail.
        for row in self.timeout_rows() {
            let _ = csv.serialize(row);
        }
        csv_text(csv)
    }

    fn table(&self) -> String {
        let mut text = self.head();
        let gaps = self.tally.gaps.total();
        if gaps == 0 {
            text.push_str("No user has two events that count: there are no gaps to look at\n");
            return text;
        }
        text.push_str("\nGaps between one event and the next\n");
        self.bars(&mut text);
        text.push('\n');
        text.push_str(&self.valleys_text());
        text.push_str("\nWhat a timeout would make of them\n");
        self.candidates(&mut text);
        text
    }

    /// Where gaps are few between many, in words.
    pub(super) fn valleys_text(&self) -> String {
        let mut text = String::new();
        match self.valleys().as_slice() {
            [] => text.push_str(
                "No valley: nowhere are there at most half as many gaps as both before and after it, so that the\n\
                 gaps alone speak for no timeout\n",
            ),
            valleys => valleys.iter().for_each(|valley| self.valley(&mut text, valley)),
        }
        text
    }

    fn head(&self) -> String {
        let tally = &self.tally;
        let mut text = String::new();
        let mut line = |name: &str, rest: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<10}{rest}");
        };
        line("Events", format!("{} of {} users", grouped(tally.events), grouped(tally.users)));
        let left_out = [
            (self.rows.filtered, "filtered"),
            (self.rows.rejected, "rejected"),
            (tally.duplicates, "duplicates"),
            (tally.inactive, "inactive"),
        ];
        let some = left_out.iter().filter(|(count, _)| *count > 0);
        let some: Vec<String> = some.map(|(count, name)| format!("{} {name}", grouped(*count))).collect();
        if !some.is_empty() {
            line("Left out", format!("{} of {} rows", some.join(", "), grouped(self.rows.rows)));
        }
        match &self.property {
            Some(property) if tally.no_property > 0 => {
                let without = grouped(tally.no_property);
                line("Gaps", format!("between events of one user and one {property}; {without} events have none"));
            }
            Some(property) => line("Gaps", format!("between events of one user and one {property}")),
            None => {}
        }
        if self.by_session_id {
            line("Sessions", "the job makes them by session id, and no timeout has a part in it: below is what".into());
            line("", "a timeout would make of all events of a user instead".into());
        }
        text
    }

    fn bars(&self, text: &mut String) {
        const WIDTH: f64 = 40.0;
        let gaps = &self.tally.gaps;
        let counts: Vec<u64> = (0..BINS).map(|bin| gaps.count(bin)).collect();
        let most = counts.iter().copied().max().unwrap_or(0).max(1);
        let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
        for (bin, count) in counts.iter().enumerate().take(last + 1) {
            let bar = "█".repeat((*count as f64 / most as f64 * WIDTH).round() as usize);
            let share = share_text(*count, gaps.total());
            let _ = writeln!(text, "{:>16}  {bar:<40} {:>15} {share:>8}", bin_text(bin), grouped(*count));
        }
    }

    fn valley(&self, text: &mut String, valley: &Valley) {
        let gaps = &self.tally.gaps;
        let (from, to) = (bounds_ms(valley.first).0, bounds_ms(valley.last).1.unwrap_or(i64::MAX));
        let of = |bin: usize| share_text(gaps.count(bin), gaps.total());
        let _ = writeln!(text, "Valley: {} to {}", gap_text(from), gap_text(to));
        let lowest = if valley.first == valley.last { "there".to_string() } else { bin_text(valley.lowest) };
        let _ = writeln!(
            text,
            "  {} of gaps {lowest}, beside {} at {} and {} at {}",
            of(valley.lowest),
            of(valley.before),
            bin_text(valley.before),
            of(valley.after),
            bin_text(valley.after),
        );
        let inside = |timeout: &&Span| from * 1_000 <= timeout.micros() && timeout.micros() <= to.saturating_mul(1_000);
        let inside: Vec<String> = self.timeouts.iter().filter(inside).map(|timeout| duration_text(*timeout)).collect();
        if !inside.is_empty() {
            let _ = writeln!(text, "  timeouts in it: {}", inside.join(", "));
        }
    }

    fn candidates(&self, text: &mut String) {
        let rows = self.timeout_rows();
        let width = rows.iter().map(|row| row.timeout.chars().count()).fold(10, usize::max);
        let _ = writeln!(
            text,
            "{:>width$}  {:>15}  {:>15}  {:>10}  {:>15}  {:>12}",
            "timeout", "sessions", "median length", "length 0", "gaps near it", "excluded"
        );
        for row in rows {
            let median = row.median_length_ms.map_or_else(|| "–".to_string(), length_text);
            let _ = writeln!(
                text,
                "{:>width$}  {:>15}  {median:>15}  {:>10}  {:>15}  {:>12}{}",
                row.timeout,
                grouped(row.sessions),
                share_text(row.zero_length_sessions, row.sessions),
                fine_share_text(row.gaps_near, self.tally.gaps.total()),
                grouped(row.excluded),
                if row.own { "  *" } else { "" },
            );
        }
        text.push_str("Near: within 10 % of the timeout. Excluded: longer than session.max_length\n");
        if self.own.is_some() || self.by_column.is_some() {
            text.push_str("* the job's own\n");
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn share_text(part: u64, whole: u64) -> String {
    crate::summary::percent(part, whole)
}

/// With two digits: few gaps are near a timeout.
fn fine_share_text(part: u64, whole: u64) -> String {
    share(part, whole).map_or_else(|| "–".to_string(), |share| format!("{:.2} %", share * 100.0))
}

/// A bin as people say it.
pub(super) fn bin_text(bin: usize) -> String {
    match bounds_ms(bin) {
        (0, _) => "0 s".to_string(),
        (1, Some(end)) => format!("under {}", gap_text(end)),
        (start, Some(end)) => format!("{} to {}", gap_text(start), gap_text(end)),
        (start, None) => format!("{} and more", gap_text(start)),
    }
}

/// A length as people say it, in days where it is some.
fn gap_text(millis: i64) -> String {
    const DAY: i64 = 86_400_000;
    match (millis / DAY, millis % DAY) {
        (2.., 0) => format!("{} d", millis / DAY),
        _ => length_text(millis),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_read_as_people_say_them() {
        let texts = [0, 1, 2, 6, 13, 18, 19, 20, 23].map(bin_text);
        let expected = [
            "0 s",
            "under 1 s",
            "1 s to 2 s",
            "15 s to 30 s",
            "30 min to 1 h",
            "16 h to 36 h",
            "36 h to 3 d",
            "3 d to 7 d",
            "28 d and more",
        ];
        assert_eq!(texts, expected);
    }
}
