//! What a reader with twenty seconds wants to know: what happened, whether it is as usual, and what needs a look.

use maud::{html, Markup};

use super::days::{DayFigures, Days};
use super::record::{self, count, total, Records};
use crate::job::dates::{date_of, day_text};
use crate::page::axis::long_day;
use crate::page::number::Unit;
use crate::page::table::of_data;
use crate::sessionize::time::Day;
use crate::summary::{counted, grouped};

/// A date, and those before it.
struct Latest<'a> {
    day: Day,
    figures: DayFigures,
    /// The dates before, the latest first.
    before: Vec<&'a (Day, DayFigures)>,
    /// The newest date of the tables, where it is not over.
    unfinished: Option<&'a (Day, DayFigures)>,
}

/// As many dates say what is usual.
const DATES: usize = 14;
/// As many weeks back, a weekday is compared with itself.
const WEEKS: usize = 8;
/// A figure is as usual this far beyond those before.
const BEYOND: f64 = 0.05;

/// How a figure is beside those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    AsUsual,
    Nearly,
    Lower,
    Higher,
}

/// The figures that a figure is judged by.
struct Usual {
    least: f64,
    most: f64,
    of: String,
    standing: Standing,
}

impl<'a> Latest<'a> {
    /// The newest date that is over: the one before, where the newest one ends hours before those before it do.
    fn of(days: &'a Days) -> Option<Self> {
        let (newest, earlier) = days.dates.split_last()?;
        let hours = earlier.iter().rev().take(7).map(|(_, figures)| figures.last_hour);
        let usual = hours.min().flatten();
        let is_unfinished =
            !earlier.is_empty() && usual.is_some_and(|usual| newest.1.last_hour.is_none_or(|hour| hour + 1 < usual));
        let (latest, earlier) = if is_unfinished { earlier.split_last()? } else { (newest, earlier) };
        Some(Latest {
            day: latest.0,
            figures: latest.1,
            before: earlier.iter().rev().collect(),
            unfinished: is_unfinished.then_some(newest),
        })
    }

    fn week_before(&self) -> Option<&DayFigures> {
        self.before.get(6).map(|(_, figures)| figures)
    }

    fn usual(&self, figure: fn(&DayFigures) -> Option<f64>) -> Option<Usual> {
        let value = figure(&self.figures)?;
        let same = self.before.iter().skip(6).step_by(7).take(WEEKS).filter_map(|(_, of)| figure(of));
        let same: Vec<f64> = same.collect();
        let (values, of) = if same.len() >= 3 {
            let of = format!("the {} {}s before", same.len(), date_of(self.day).strftime("%A"));
            (same, of)
        } else {
            let values: Vec<f64> = self.before.iter().take(DATES).filter_map(|(_, of)| figure(of)).collect();
            let of = format!("the {} dates before", values.len());
            (values, of)
        };
        if values.len() < 3 {
            return None;
        }
        let (least, most) =
            (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(f64::MIN, f64::max));
        let standing = match value {
            value if value < least * (1.0 - BEYOND) => Standing::Lower,
            value if value > most * (1.0 + BEYOND) => Standing::Higher,
            value if value < least || value > most => Standing::Nearly,
            _ => Standing::AsUsual,
        };
        Some(Usual { least, most, of, standing })
    }
}

/// The top of the page: what happened on the latest date, what needs a look, and the figures.
pub fn headline(days: &Days, records: &Records) -> Markup {
    let latest = Latest::of(days);
    let needs = needs(days, latest.as_ref(), records);
    html! {
        @match &latest {
            Some(latest) => p.lead { (lead(latest)) },
            None => p.lead { "The tables have no session." },
        }
        @if needs.is_empty() { p.fine { "Nothing needs a look." } } @else {
            section.needs {
                h2 { "What needs a look" }
                ul { @for need in &needs { li { (need) } } }
            }
        }
        @if let Some(latest) = &latest { div.cards {
            (card(latest, "Sessions", Unit::Count, |of| Some(of.sessions as f64)))
            (card(latest, "Active users", Unit::Count, |of| Some(of.users as f64)))
            (card(latest, "Average length", Unit::Millis, DayFigures::average_ms))
            (card(latest, "Sessions a user", Unit::Plain, DayFigures::per_user))
        } }
        (before(days, records))
    }
}

fn lead(latest: &Latest<'_>) -> String {
    let (day, of) = (long_day(date_of(latest.day)), latest.figures);
    let what = format!("{} of {}", counted(of.sessions, "session"), counted(of.users, "active user"));
    let usual = latest.usual(|of| Some(of.sessions as f64));
    let beside = usual.map(|usual| {
        let range = format!("{} had {}", usual.of, range_text(&usual, Unit::Count));
        match usual.standing {
            Standing::AsUsual => format!(", as usual ({range})"),
            Standing::Nearly => format!(", about as usual ({range})"),
            Standing::Lower => format!(", fewer than usual ({range})"),
            Standing::Higher => format!(", more than usual ({range})"),
        }
    });
    format!("{day}: {what}{}.", beside.unwrap_or_default())
}

fn range_text(usual: &Usual, unit: Unit) -> String {
    format!("{} to {}", unit.text(Some(usual.least)), unit.text(Some(usual.most)))
}

fn card(latest: &Latest<'_>, title: &str, unit: Unit, figure: fn(&DayFigures) -> Option<f64>) -> Markup {
    let value = figure(&latest.figures);
    let week = latest.week_before().and_then(figure);
    let change = value.zip(week).filter(|(_, week)| *week != 0.0).map(|(value, week)| (value - week) / week * 100.0);
    html! { div.card {
        h3 { (title) }
        div.big data-value=(Unit::exact(value)) { (unit.text(value)) }
        @if let (Some(change), Some(week)) = (change, week) {
            p { (change_text(change)) " against a week before (" span data-value=(Unit::exact(Some(week))) { (unit.text(Some(week))) } ")" }
        }
        @if let Some(usual) = latest.usual(figure) {
            p.soft { @match usual.standing {
                Standing::AsUsual => "as usual: ",
                Standing::Nearly => "about as usual: ",
                Standing::Lower => strong { "lower than usual: " },
                Standing::Higher => strong { "higher than usual: " },
            } (range_text(&usual, unit)) " on " (usual.of) }
        } @else { p.soft { "too few dates before to say what is usual" } }
    } }
}

fn change_text(change: f64) -> String {
    match change {
        change if change >= 0.05 => format!("▲ {change:.1} %"),
        change if change <= -0.05 => format!("▼ {:.1} %", change.abs()),
        _ => "no change".to_string(),
    }
}

/// All dates together, and the run before beside this one.
fn before(days: &Days, records: &Records) -> Markup {
    let sessions = days.sessions();
    let (first, last) = (days.dates.first(), days.dates.last());
    html! { p.soft {
        "All dates: " b data-value=(sessions) { (grouped(sessions)) } @if sessions == 1 { " session" } @else { " sessions" }
        @if let (Some(first), Some(last)) = (first, last) { ", " (day_text(first.0)) " to " (day_text(last.0)) }
        ". "
        @if let Some(before) = &records.before {
            "The last run wrote " (counted(count(&records.last, "sessions"), "session")) ", the run before it "
            (grouped(count(before, "sessions"))) "."
        } @else { "No run before the last one is on record." }
    } }
}

/// What needs a look, a sentence each.
fn needs(days: &Days, latest: Option<&Latest<'_>>, records: &Records) -> Vec<Markup> {
    let mut needs = Vec::new();
    if let Some((day, figures)) = latest.and_then(|latest| latest.unfinished) {
        let until = figures
            .last_hour
            .map_or_else(|| "no session".to_string(), |hour| format!("sessions until {}:59 only", hour));
        needs.push(html! { (day_text(*day)) " has " (until) ": it is not over, or events are missing. It is left out of the figures above." });
    }
    if let Some(latest) = latest {
        let usual = latest
            .usual(|of| Some(of.sessions as f64))
            .filter(|usual| matches!(usual.standing, Standing::Lower | Standing::Higher));
        if let Some(usual) = usual {
            needs.push(html! {
                (day_text(latest.day)) " has " (counted(latest.figures.sessions, "session")) "; "
                (usual.of) " had " (range_text(&usual, Unit::Count)) "."
            });
        }
    }
    let empty: Vec<Day> = days.dates.iter().filter(|(_, of)| of.sessions == 0).map(|(day, _)| *day).collect();
    let unfinished = latest.and_then(|latest| latest.unfinished).map(|(day, _)| *day);
    let empty: Vec<Day> = empty.into_iter().filter(|day| Some(*day) != unfinished).collect();
    if let Some(day) = empty.last() {
        needs.push(html! { (counted(empty.len() as u64, "date")) " without any session, the last of them " (day_text(*day)) "." });
    }
    needs.extend(shares(records));
    let warnings = records.last["warnings"].as_array().into_iter().flatten().filter_map(|warning| warning.as_str());
    needs.extend(warnings.map(|warning| html! { "The run warned: " (of_long_data(warning)) }));
    needs
}

/// Shares of a run that are larger than those of the run before.
fn shares(records: &Records) -> Vec<Markup> {
    // Points of percent that a share may grow by from run to run.
    const GROWTH: f64 = 5.0;
    const REJECTED: f64 = 1.0;
    let share = |part: u64, whole: u64| if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    let rejected = |run: &serde_json::Value| share(total(run, "rejected"), count(run, "rows"));
    let outside = |run: &serde_json::Value| {
        let out = total(run, "out_of_session");
        share(out, out + count(run, "in_session"))
    };
    let mut needs = Vec::new();
    if let Some(before) = &records.before {
        let (was, is) = (rejected(before), rejected(&records.last));
        if is > was + REJECTED {
            let most = record::reasons(&records.last, "rejected").into_iter().max_by_key(|(_, count)| *count);
            needs.push(html! {
                (Unit::Percent.text(Some(is))) " of rows are rejected, " (Unit::Percent.text(Some(was))) " in the run before"
                @if let Some((reason, count)) = most { "; most of them (" (grouped(count)) ") for " code { (of_data(&reason)) } }
                "."
            });
        }
        let (was, is) = (outside(before), outside(&records.last));
        if is > was + GROWTH {
            needs.push(html! {
                (Unit::Percent.text(Some(is))) " of events are out of session, " (Unit::Percent.text(Some(was))) " in the run before."
            });
        }
    }
    needs
}

fn of_long_data(text: &str) -> Markup {
    const LETTERS: usize = 600;
    html! { bdi { (crate::summary::lines::shortened(&crate::summary::lines::harmless(text), LETTERS)) } }
}
