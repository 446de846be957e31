//! A comparison as a page.

use maud::{html, Markup};

use super::mapping::Change;
use super::measures::{Amount, Measure, Unit as Of};
use super::show::{is_shown, meaning};
use super::users::UserKey;
use super::Answer;
use crate::job::dates::{date_of, day_text};
use crate::page::axis::{labels, Grain};
use crate::page::colours::Colours;
use crate::page::number::Unit;
use crate::page::picture::{Drawing, Picture};
use crate::page::plot::{Form, Plot, PlotLine};
use crate::page::shell;
use crate::page::table::{of_data, Cell, Keep, Row, Table};
use crate::summary::counted;

/// The figures of the dates take at most so many bytes.
const BYTES: usize = 300_000;

/// The page.
pub(super) fn page(answer: &Answer) -> String {
    let sessions = answer.measures.totals.iter().find(|measure| measure.name == "total_sessions");
    let body = html! {
        header {
            h1 { "Two definitions of a session" }
            @if let Some(sessions) = sessions { p.lead { (lead(sessions)) } }
            dl { @for (letter, job) in ["A", "B"].into_iter().zip(&answer.jobs) {
                dt { b { (letter) } " " (of_data(&job.name)) } dd { (job.sentence) }
            } }
        }
        section {
            h2 { "Where they differ" }
            @if answer.differences.is_empty() { p.fine { "The definitions do not differ." } } @else {
                div.scroll.wide-table { table {
                    thead { tr { th.name scope="col" { "Key" } th scope="col" { "A" } th scope="col" { "B" } } }
                    tbody { @for key in &answer.differences {
                        tr { th scope="row" { code { (key.key) } } td { (value(&key.was)) } td { (value(&key.is)) } }
                    } }
                } }
            }
        }
        section.wide-table { h2 { "What they make of the same events" } (totals(answer).markup(1, BYTES)) }
        section.wide-table { h2 { "What becomes of the sessions" } (mapping(answer).markup(2, BYTES)) }
        @if !answer.measures.days.is_empty() { section { h2 { "Date by date" } (days(answer).markup(3, BYTES)) } }
        @if !answer.users.is_empty() { section.wide-table { h2 { "Users that change most" } (users(answer).markup(4, BYTES)) } }
        footer { "Made by dwell compare." }
    };
    shell::page("Two definitions of a session", &body)
}

fn value(value: &Option<String>) -> Markup {
    html! { @match value { Some(value) => (of_data(value)), None => span.soft { "not set" } } }
}

fn lead(sessions: &Measure) -> String {
    let count = |side: usize| sessions.of[side].map_or(0.0, Amount::number);
    let (a, b) = (count(0), count(1));
    let text = |value: f64| Unit::Count.text(Some(value));
    let change = match a {
        0.0 => String::new(),
        a if a == b => ", as many".to_string(),
        a => format!(", {:.1} % {}", ((b - a) / a * 100.0).abs(), if b > a { "more" } else { "fewer" }),
    };
    format!("{} sessions under A, {} under B{change}.", text(a), text(b))
}

fn figures(title: &str, table: Table) -> Picture {
    Picture {
        title: title.to_string(),
        subtitle: String::new(),
        description: String::new(),
        drawing: Drawing::Figures,
        table,
        notes: Vec::new(),
    }
}

fn unit(measure: &Measure) -> Unit {
    match measure.unit {
        Of::Count => Unit::Count,
        Of::Millis => Unit::Millis,
    }
}

fn totals(answer: &Answer) -> Picture {
    let row = |measure: &Measure| {
        let cell = |amount: Option<Amount>| Cell::new(amount.map(Amount::number), unit(measure));
        Row {
            name: measure.label.to_string(),
            cells: vec![
                cell(measure.of[0]),
                cell(measure.of[1]),
                cell(measure.difference()),
                Cell::new(measure.ratio(), Unit::Plain),
            ],
        }
    };
    let rows = answer.measures.totals.iter().filter(|measure| is_shown(measure)).map(row).collect();
    let head = ["Measure", "A", "B", "B − A", "B / A"].map(str::to_string).to_vec();
    figures("All dates together", Table { head, rows, keep: Keep::First, all_in: "" })
}

fn mapping(answer: &Answer) -> Picture {
    let mapping = &answer.mapping;
    let all = |side: usize| mapping.sessions.iter().map(|both| both[side]).sum::<u64>();
    let share = |part: u64, side: usize| {
        let whole = all(side);
        Cell::new((whole > 0).then(|| part as f64 * 100.0 / whole as f64), Unit::Percent)
    };
    let row = |change: Change| {
        let [a, b] = mapping.sessions[change as usize];
        Row {
            name: format!("{} – {}", change.name(), meaning(change)),
            cells: vec![Cell::count(a), share(a, 0), Cell::count(b), share(b, 1)],
        }
    };
    let head = ["Sessions", "Of A", "Share", "Of B", "Share"].map(str::to_string).to_vec();
    let mut picture = figures(
        "Each session of one beside those of the other",
        Table { head, rows: Change::ALL.into_iter().map(row).collect(), keep: Keep::First, all_in: "" },
    );
    for (says, parts) in [("Split into", &mapping.split_into), ("Joined from", &mapping.joined_from)] {
        let each: Vec<String> = parts
            .iter()
            .take(8)
            .map(|(parts, count)| format!("{parts} ({})", crate::summary::grouped(*count)))
            .collect();
        if !each.is_empty() {
            picture.notes.push(format!("{says} {}", each.join(", ")));
        }
    }
    picture
}

/// The sessions of each date under both.
fn days(answer: &Answer) -> Picture {
    let of = |measures: &[Measure], side: usize| {
        let sessions = measures.iter().find(|measure| measure.name == "total_sessions");
        sessions.and_then(|measure| measure.of[side]).map(Amount::number)
    };
    let days = &answer.measures.days;
    let colours = Colours::about("A").of(&[Some("A"), Some("B")]);
    let line = |side: usize| PlotLine {
        name: ["A", "B"][side].to_string(),
        colour: colours[side],
        values: days.iter().map(|(_, measures)| of(measures, side)).collect(),
        total: None,
    };
    let starts: Vec<_> = days.iter().map(|(day, _)| date_of(*day).at(0, 0, 0, 0)).collect();
    let row = |(day, measures): &(_, Vec<Measure>)| Row {
        name: day_text(*day),
        cells: (0..2).map(|side| Cell::new(of(measures, side), Unit::Count)).collect(),
    };
    Picture {
        title: "Sessions".to_string(),
        subtitle: "Sessions that start on each date, under A and under B".to_string(),
        description: format!("Two lines over {}.", counted(days.len() as u64, "date")),
        drawing: Drawing::Plot(Plot {
            form: Form::Lines,
            unit: Unit::Count,
            lines: vec![line(0), line(1)],
            labels: labels(&starts, Grain::Day),
            intervals: starts.len(),
        }),
        table: Table {
            head: ["Date", "A", "B"].map(str::to_string).to_vec(),
            rows: days.iter().map(row).collect(),
            keep: Keep::Last,
            all_in: "--format csv",
        },
        notes: Vec::new(),
    }
}

fn users(answer: &Answer) -> Picture {
    let row = |(user, row): &(UserKey, super::partition::UserRow)| Row {
        name: match user {
            UserKey::Int(number) => number.to_string(),
            UserKey::Text(name) => name.clone(),
        },
        cells: vec![
            Cell::count(row.changed),
            Cell::count(u64::from(row.sessions[0])),
            Cell::count(u64::from(row.sessions[1])),
            Cell::new(Some(row.time_spent_ms[0] as f64), Unit::Millis),
            Cell::new(Some(row.time_spent_ms[1] as f64), Unit::Millis),
        ],
    };
    let head = ["User", "Changed", "In A", "In B", "Time in A", "Time in B"].map(str::to_string).to_vec();
    figures(
        "Sessions and time of each",
        Table { head, rows: answer.users.iter().map(row).collect(), keep: Keep::First, all_in: "" },
    )
}
