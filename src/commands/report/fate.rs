//! What became of every row of the last run, beside the run before it.

use maud::{html, Markup};
use serde_json::Value;

use super::record::{count, reasons, total, Records};
use crate::page::number::Unit;
use crate::page::plot::px;
use crate::page::table::of_data;
use crate::summary::grouped;

/// A fate of rows, and how many had it.
struct Fate {
    name: &'static str,
    what: &'static str,
    class: &'static str,
    rows: fn(&Value) -> u64,
    parts: Option<&'static str>,
}

const FATES: [Fate; 7] = [
    Fate {
        name: "In a session",
        what: "events of sessions, those longer than the limit among them",
        class: "k0",
        rows: |run| count(run, "in_session"),
        parts: None,
    },
    Fate {
        name: "Out of session",
        what: "events that no session holds",
        class: "k1",
        rows: |run| total(run, "out_of_session"),
        parts: Some("out_of_session"),
    },
    Fate {
        name: "Duplicates",
        what: "events with the id of an earlier one",
        class: "k3",
        rows: |run| count(run, "duplicates"),
        parts: None,
    },
    Fate {
        name: "Inactive",
        what: "events of types that count for nothing",
        class: "k5",
        rows: |run| count(run, "inactive"),
        parts: None,
    },
    Fate {
        name: "Rejected",
        what: "rows that cannot be events",
        class: "k4",
        rows: |run| total(run, "rejected"),
        parts: Some("rejected"),
    },
    Fate {
        name: "Filtered",
        what: "rows that input.where leaves out",
        class: "k6",
        rows: |run| count(run, "filtered"),
        parts: None,
    },
    Fate {
        name: "Outside the dates",
        what: "rows of other dates than the run was about",
        class: "kg",
        rows: |run| count(run, "outside_window"),
        parts: None,
    },
];

/// The section of the page.
pub fn fate(records: &Records) -> Markup {
    let run = &records.last;
    let rows = count(run, "rows");
    html! { section {
        h2 { "What became of every row" }
        p { (about(run)) " Every row is in one line of the table." }
        @if rows > 0 { (bar(run, rows)) }
        (table(run, records.before.as_ref()))
    } }
}

/// Which dates the run was about.
fn about(run: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    let dates = &run["dates"];
    let span = match (text(&dates["first"]), text(&dates["last"])) {
        (first, last) if first.is_empty() || last.is_empty() => "no date".to_string(),
        (first, last) if first == last => first,
        (first, last) => format!("{first} to {last}"),
    };
    let how = match run["mode"].as_str() {
        Some("incremental") => "an incremental run",
        Some("dates") => "a run of some dates",
        _ => "a run of all dates",
    };
    format!(
        "The last run, {how}, read {} and wrote sessions of {span}.",
        crate::summary::counted(count(run, "rows"), "row")
    )
}

/// All rows as one bar.
fn bar(run: &Value, rows: u64) -> Markup {
    let mut from = 0.0;
    let mut parts = Vec::new();
    for fate in &FATES {
        let share = (fate.rows)(run) as f64 / rows as f64 * 100.0;
        parts.push((fate, from, share));
        from += share;
    }
    parts.retain(|(_, _, share)| *share > 0.0);
    html! { figure {
        ul.legend { @for (fate, _, share) in &parts {
            li class=(fate.class) {
                svg width="14" height="12" aria-hidden="true" { rect.f width="12" height="12" {} } " "
                (fate.name) " " b { (Unit::Percent.text(Some(*share))) }
            }
        } }
        div.plot { svg role="img" width="100%" height="28" aria-labelledby="tf df" {
            title id="tf" { "What became of every row" }
            desc id="df" { @for (fate, _, share) in &parts { (fate.name) ": " (Unit::Percent.text(Some(*share))) ". " } }
            @for (fate, from, share) in &parts {
                rect class={ "f " (fate.class) } x={ (px(*from)) "%" } width={ (px(*share)) "%" } height="28" {}
            }
        } }
    } }
}

fn table(run: &Value, before: Option<&Value>) -> Markup {
    let (rows, rows_before) = (count(run, "rows"), before.map_or(0, |before| count(before, "rows")));
    let share = |part: u64, whole: u64| Unit::Percent.text((whole > 0).then(|| part as f64 * 100.0 / whole as f64));
    let line = |part: u64, part_before: Option<u64>| {
        html! {
            td data-value=(part) { (grouped(part)) }
            td { (share(part, rows)) }
            @if let Some(part) = part_before { td data-value=(part) { (grouped(part)) } td { (share(part, rows_before)) } }
        }
    };
    html! { div.scroll.wide-table { table {
        thead { tr {
            th.name scope="col" { "Rows" } th scope="col" { "Last run" } th scope="col" { "Share" }
            @if before.is_some() { th scope="col" { "Run before" } th scope="col" { "Share" } }
        } }
        tbody {
            @for fate in &FATES {
                @let (now, was) = ((fate.rows)(run), before.map(fate.rows));
                @if now > 0 || was.is_some_and(|was| was > 0) {
                    tr { th scope="row" { (fate.name) " " span.soft { "– " (fate.what) } } (line(now, was)) }
                    @if let Some(key) = fate.parts { @for (reason, rows) in reasons(run, key) {
                        @let was = before.map(|before| reasons(before, key).into_iter().find(|(known, _)| *known == reason).map_or(0, |(_, rows)| rows));
                        tr.part { th scope="row" { code { (of_data(&reason)) } } (line(rows, was)) }
                    } }
                }
            }
            tr.sum { th scope="row" { "All rows" } (line(rows, before.map(|_| rows_before))) }
        }
    } } }
}
