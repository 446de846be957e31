//! What `dwell charts` prints: each chart as a small table with bars.

use std::fmt::Write;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::grouped;
use super::lines::harmless;
use super::text::length_text;
use crate::charts::{Line, MeasureRow};
use crate::job::chart::{Chart, Interval};
use crate::job::dates::instant_text;
use crate::job::formula::{Formula, Unit};
use crate::sessionize::time::Timestamp;

/// More rows than this are for the files, not for the eye.
const MOST_ROWS: usize = 31;
/// So many groups or values of a segment.
const MOST_LINES: usize = 12;
const BAR: f64 = 30.0;

/// All charts as text.
pub fn charts_text(charts: &[Chart], lines: &[Line], zone: &TimeZone) -> String {
    let mut text = String::new();
    for chart in charts {
        let own: Vec<&Line> = lines.iter().filter(|line| line.label.chart == chart.name).collect();
        if !text.is_empty() {
            text.push('\n');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}, by {}", harmless(&chart.name), chart.interval.name());
        let shown: Vec<&Line> = match &chart.formula {
            Some(Formula::Number { .. }) => {
                own.iter().copied().filter(|line| line.rows.iter().any(is_formula)).collect()
            }
            _ => own,
        };
        match shown.as_slice() {
            [] => text.push_str("  no sessions\n"),
            [one] => one_line(&mut text, chart, one, zone),
            several => several.chunk_by(|a, b| a.label.series == b.label.series).for_each(|part| {
                let names = several.iter().any(|line| line.label.series != several[0].label.series);
                summed(&mut text, chart, part, names, zone);
            }),
        }
    }
    text
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
fn one_line(text: &mut String, chart: &Chart, line: &Line, zone: &TimeZone) {
    let skipped = line.rows.len().saturating_sub(MOST_ROWS);
    if skipped > 0 {
        let _ = writeln!(text, "  … {} earlier ones are in measures.csv", grouped(skipped as u64));
    }
    let rows = &line.rows[skipped..];
    let most = rows.iter().filter_map(number).fold(0.0, f64::max);
    for row in rows {
        bar_row(text, &interval_text(chart, row.interval_start, zone), row, chart, most);
    }
}

/// The lines of one series, each with all of its intervals together; of a formula those that have the latest
/// interval, and nothing but that, as rates do not add up.
fn summed(text: &mut String, chart: &Chart, lines: &[&Line], with_name: bool, zone: &TimeZone) {
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
        bar_row(text, name, row, chart, most);
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

fn bar_row(text: &mut String, name: &str, row: &MeasureRow, chart: &Chart, most: f64) {
    let share = number(row).filter(|_| most > 0.0).map_or(0.0, |value| (value / most).clamp(0.0, 1.0));
    let bar = "█".repeat((share * BAR).round() as usize);
    let name: String = harmless(name).chars().take(24).collect();
    let row = format!("  {name:<24}  {bar:<30} {:>12}  {}", number_text(chart, row), details(row));
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
