//! What `dwell charts` prints: each chart as a small table with bars, in lines that fit the window; one of many intervals as a
//! line over time first.

use std::fmt::Write;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::braille;
use super::grouped;
use super::lines::{harmless, shortened};
use super::text::length_text;
use crate::charts::chart_set::Measured;
use crate::charts::funnel::FunnelLine;
use crate::charts::time_on::{TimeLine, TimeSpent};
use crate::charts::{Line, MeasureRow};
use crate::job::chart::{Chart, Interval};
use crate::job::dates::instant_text;
use crate::job::formula::{Formula, Unit};
use crate::sessionize::time::Timestamp;

/// More rows than this are for the files, not for the eye.
const MOST_ROWS: usize = 31;
/// So many groups or values of a segment.
const MOST_LINES: usize = 12;
/// Where a line over time is drawn, so many of its last intervals stand below it.
const LAST_ROWS: usize = 7;
/// As many segments and groups of a funnel stand below it.
const MOST_FUNNELS: usize = 4;
/// The letters of a line's parts: names and bars have what figures and words leave.
const FIGURE: usize = 12;
const WORDS: usize = 26;
const MOST_NAME: usize = 24;
const LEAST: usize = 8;
const MOST_BAR: usize = 120;
/// The rows of letters of a line over time.
const HEIGHT: usize = 6;

/// How many letters of a line names and bars have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Widths {
    name: usize,
    bar: usize,
    /// Whether there is room for words behind the figure.
    words: bool,
}

impl Widths {
    /// In a window of so many letters.
    fn of(window: usize) -> Self {
        let spaces = 7;
        let left = |words: usize| window.saturating_sub(spaces + FIGURE + words);
        let words = left(WORDS) >= MOST_NAME + LEAST;
        let left = left(if words { WORDS } else { 0 });
        let name = MOST_NAME.min(left / 2).max(LEAST);
        Widths { name, bar: left.saturating_sub(name).clamp(LEAST, MOST_BAR), words }
    }
}

/// All charts as text, for a window of so many letters.
pub fn charts_text(charts: &[Chart], measured: &Measured, zone: &TimeZone, window: usize) -> String {
    let mut text = String::new();
    let widths = Widths::of(window);
    for chart in charts {
        let own: Vec<&Line> = measured.lines.iter().filter(|line| line.label.chart == chart.name).collect();
        for (place, part) in chart.by_formula().iter().enumerate() {
            match chart.formulas.is_empty() {
                true => chart_text(&mut text, part, &own, zone, widths),
                false => {
                    let of_formula: Vec<Line> = own.iter().map(|line| line.of_formula(place)).collect();
                    chart_text(&mut text, part, &of_formula.iter().collect::<Vec<_>>(), zone, widths);
                }
            }
        }
        let funnels = measured.funnels.iter().filter(|funnel| funnel.label.chart == chart.name);
        funnels.take(MOST_FUNNELS).for_each(|funnel| steps(&mut text, funnel, widths));
        let times: Vec<&TimeLine> = measured.times.iter().filter(|line| line.label.chart == chart.name).collect();
        time_spent(&mut text, &times, widths);
    }
    text
}

/// The steps of a funnel, with all of its intervals together.
fn steps(text: &mut String, funnel: &FunnelLine, widths: Widths) {
    let group = funnel.label.group.as_ref().map(|group| format!(", {group}")).unwrap_or_default();
    let _ = writeln!(text, "  steps of {}{}, all intervals", harmless(&funnel.label.segment), harmless(&group));
    let totals = funnel.totals();
    let first = totals.first().copied().unwrap_or_default();
    for (name, sessions) in funnel.names.iter().zip(totals) {
        let share = if first > 0 { sessions as f64 / first as f64 } else { 0.0 };
        let bar = "█".repeat((share * widths.bar as f64).round() as usize);
        let name = shortened(&harmless(name), widths.name);
        let (figure, width) = (grouped(sessions.unsigned_abs()), widths.name);
        let _ = writeln!(text, "  {name:<width$}  {figure:>FIGURE$}  {:>6.1} %  {bar}", share * 100.0);
    }
}

/// The values that most time is spent on, with all intervals together.
fn time_spent(text: &mut String, lines: &[&TimeLine], widths: Widths) {
    let mut totals: Vec<(&TimeLine, TimeSpent)> = lines.iter().map(|line| (*line, line.totals())).collect();
    totals.retain(|(line, _)| line.value.is_some());
    totals.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.time_ms));
    if !totals.is_empty() {
        text.push_str("  time on, all intervals\n");
    }
    let names = lines.iter().any(|line| line.label != lines[0].label);
    for (line, spent) in totals.iter().take(MOST_LINES) {
        let label = line.label.group.as_deref().unwrap_or(&line.label.segment);
        let value = line.value.as_deref().unwrap_or_default();
        let name = if names { format!("{label}: {value}") } else { value.to_string() };
        let (name, width) = (shortened(&harmless(&name), widths.name), widths.name);
        let average = spent.avg_ms().map_or_else(|| "–".to_string(), |average| length_text(average as i64));
        let views = grouped(spent.views.unsigned_abs());
        let _ = writeln!(
            text,
            "  {name:<width$}  {:>FIGURE$}  {views} views, {average} on average",
            length_text(spent.time_ms)
        );
    }
    if totals.len() > MOST_LINES {
        let _ = writeln!(text, "  … {} more are in time_on.csv", grouped((totals.len() - MOST_LINES) as u64));
    }
}

/// A chart with its lines.
fn chart_text(text: &mut String, chart: &Chart, own: &[&Line], zone: &TimeZone, widths: Widths) {
    if !text.is_empty() {
        text.push('\n');
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}, by {}", harmless(&chart.name), chart.interval.name());
    let shown: Vec<&Line> = match &chart.formula {
        Some(Formula::Number { .. }) => own.iter().copied().filter(|line| line.rows.iter().any(is_formula)).collect(),
        _ => own.to_vec(),
    };
    match shown.as_slice() {
        [] => text.push_str("  no sessions\n"),
        [one] => one_line(text, chart, one, zone, widths),
        several => several.chunk_by(|a, b| a.label.series == b.label.series).for_each(|part| {
            let names = several.iter().any(|line| line.label.series != several[0].label.series);
            summed(text, chart, part, names, zone, widths);
        }),
    }
}

fn is_formula(row: &MeasureRow) -> bool {
    row.measures.is_none()
}

/// What a row is shown by: its sessions, or the events counted in them, or its formula.
fn number(row: &MeasureRow) -> Option<f64> {
    match &row.measures {
        None => row.formula,
        Some(measures) => Some(measures.total_events().unwrap_or(measures.cell.sessions) as f64),
    }
}

fn number_text(chart: &Chart, row: &MeasureRow) -> String {
    match (number(row), &chart.formula, &row.measures) {
        (None, ..) => "–".to_string(),
        (Some(number), Some(Formula::Number { unit, .. }), None) => match unit {
            Unit::Percent => format!("{number:.1} %"),
            Unit::Money => format!("${number:.2}"),
            Unit::Plain if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number}"),
            Unit::Plain => format!("{number:.2}"),
        },
        (Some(number), ..) => grouped(number as u64),
    }
}

/// The intervals of the only line of a chart.
fn one_line(text: &mut String, chart: &Chart, line: &Line, zone: &TimeZone, widths: Widths) {
    let is_long = line.rows.len() > MOST_ROWS;
    let skipped = if is_long { line.rows.len() - LAST_ROWS } else { 0 };
    if is_long {
        over_time(text, chart, &line.rows, zone, widths);
        let _ = writeln!(text, "  … {} earlier ones are in measures.csv", grouped(skipped as u64));
    }
    let rows = &line.rows[skipped..];
    let most = rows.iter().filter_map(number).fold(0.0, f64::max);
    for row in rows {
        bar_row(text, &interval_text(chart, row.interval_start, zone), row, chart, most, widths);
    }
}

/// The lines of one series, each with all of its intervals together; of a formula those that have the latest
/// interval, and nothing but that, as rates do not add up.
fn summed(text: &mut String, chart: &Chart, lines: &[&Line], with_name: bool, zone: &TimeZone, widths: Widths) {
    let is_rate = lines.iter().any(|line| line.rows.iter().any(is_formula));
    let series = if with_name { format!("series {}, ", harmless(&lines[0].label.series)) } else { String::new() };
    let latest = lines.iter().filter_map(|line| line.rows.last()).map(|row| row.interval_start).max();
    let only = latest.filter(|_| is_rate);
    let _ = match only {
        Some(_) if chart.interval == Interval::Total => writeln!(text, "  {series}all dates"),
        Some(latest) => {
            let (which, interval) = (interval_text(chart, latest, zone), chart.interval.name());
            writeln!(text, "  {series}only the last {interval}, {which}; the others are in measures.csv")
        }
        None => writeln!(text, "  {series}all intervals"),
    };
    let several_segments = lines.iter().any(|line| line.label.segment != lines[0].label.segment);
    let name = |line: &Line| match &line.label.group {
        Some(group) if several_segments => format!("{}: {group}", line.label.segment),
        Some(group) => group.clone(),
        None => line.label.segment.clone(),
    };
    let of = |line: &Line| match only {
        Some(latest) => line.rows.last().filter(|row| row.interval_start == latest).cloned(),
        None => total(&line.rows),
    };
    let totals: Vec<(String, MeasureRow)> = lines.iter().filter_map(|line| Some((name(line), of(line)?))).collect();
    let most = totals.iter().filter_map(|(_, row)| number(row)).fold(0.0, f64::max);
    for (name, row) in totals.iter().take(MOST_LINES) {
        bar_row(text, name, row, chart, most, widths);
    }
    if totals.len() > MOST_LINES {
        let _ = writeln!(text, "  … {} more are in measures.csv", grouped((totals.len() - MOST_LINES) as u64));
    }
}

fn total(rows: &[MeasureRow]) -> Option<MeasureRow> {
    let mut total = rows.last()?.clone();
    if let Some(all) = &mut total.measures {
        for more in rows.iter().rev().skip(1).filter_map(|row| row.measures.as_ref()) {
            let cell = Arc::make_mut(&mut all.cell);
            cell.sessions += more.cell.sessions;
            cell.events += more.cell.events;
            cell.time_spent_ms += more.cell.time_spent_ms;
        }
    }
    Some(total)
}

fn interval_text(chart: &Chart, start: Timestamp, zone: &TimeZone) -> String {
    let text = instant_text(start, zone);
    match chart.interval {
        Interval::Hour => text.chars().take(16).collect::<String>().replace('T', " "),
        _ => text.chars().take(10).collect(),
    }
}

/// The numbers of many intervals as a line, with the most that there is beside it and the first and last interval below.
fn over_time(text: &mut String, chart: &Chart, rows: &[MeasureRow], zone: &TimeZone, widths: Widths) {
    let Widths { name, bar, .. } = widths;
    let values: Vec<Option<f64>> = rows.iter().map(number).collect();
    // The line is of means where there are more intervals than dots, and so is its mark.
    let most = mark_text(chart, braille::top(&values, bar));
    for (place, line) in braille::plot(&values, bar, HEIGHT).iter().enumerate() {
        let mark = if place == 0 { most.as_str() } else { "" };
        let _ = writeln!(text, "{}", format!("  {mark:>name$}  {line}").trim_end());
    }
    // The date is what there is room for.
    let end = |row: Option<&MeasureRow>| -> String {
        row.map_or_else(String::new, |row| interval_text(chart, row.interval_start, zone).chars().take(10).collect())
    };
    let (first, last) = (end(rows.first()), end(rows.last()));
    let gap = bar.saturating_sub(first.chars().count());
    let first = if gap > last.chars().count() { first } else { String::new() };
    let gap = bar.saturating_sub(first.chars().count());
    let _ = writeln!(text, "  {:>name$}  {first}{last:>gap$}", "");
}

/// A mark of the scale, which may lie between whole numbers.
fn mark_text(chart: &Chart, value: f64) -> String {
    match &chart.formula {
        Some(Formula::Number { unit: Unit::Percent, .. }) => format!("{value:.1} %"),
        Some(Formula::Number { unit: Unit::Money, .. }) => format!("${value:.2}"),
        Some(Formula::Number { .. }) => format!("{value:.2}"),
        _ if value.fract() == 0.0 || value >= 1_000.0 => grouped(value.round() as u64),
        _ => format!("{value:.1}"),
    }
}

fn bar_row(text: &mut String, name: &str, row: &MeasureRow, chart: &Chart, most: f64, widths: Widths) {
    let share = number(row).filter(|_| most > 0.0).map_or(0.0, |value| (value / most).clamp(0.0, 1.0));
    let (width, room) = (widths.bar, widths.name);
    let bar = "█".repeat((share * width as f64).round() as usize);
    let name = shortened(&harmless(name), room);
    let words = if widths.words { details(row) } else { String::new() };
    let row = format!("  {name:<room$}  {bar:<width$} {:>FIGURE$}  {words}", number_text(chart, row));
    let _ = writeln!(text, "{}", row.trim_end());
}

fn details(row: &MeasureRow) -> String {
    match &row.measures {
        Some(measures) if measures.cell.sessions > 0 => {
            format!("{} on average", length_text(measures.cell.time_spent_ms / measures.cell.sessions))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_the_window() {
        for window in [40, 60, 80, 100, 132, 200] {
            let Widths { name, bar, words } = Widths::of(window);
            let length = 2 + name + 2 + bar + 1 + FIGURE + if words { 2 + WORDS } else { 0 };
            assert!(length <= window && name >= LEAST && bar >= LEAST, "{window}: {name} {bar} {length}");
        }
        assert_eq!(Widths::of(10), Widths { name: LEAST, bar: LEAST, words: false });
        assert!(Widths::of(100).words && Widths::of(400).bar == MOST_BAR);
    }
}
