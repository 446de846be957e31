//! The answer of `dwell gaps` as a page.

use maud::html;

use super::answer::{bin_text, Answer};
use super::histogram::BINS;
use crate::page::colours::Colour;
use crate::page::number::Unit;
use crate::page::picture::{Drawing, Picture};
use crate::page::ranked::{Ranked, RankedBar};
use crate::page::shell;
use crate::page::table::{of_data, Cell, Keep, Row, Table};
use crate::summary::{counted, grouped};

/// The figures of each picture take at most so many bytes, which is more than there are.
const BYTES: usize = 200_000;

/// The page.
pub fn page(answer: &Answer) -> String {
    let tally = &answer.tally;
    let all = tally.gaps.total();
    let text = answer.valleys_text();
    let body = html! {
        header {
            h1 { "How long users pause" }
            p.lead { (counted(tally.events, "event")) " of " (counted(tally.users, "user")) ", with "
                b data-value=(all) { (grouped(all)) } @if all == 1 { " gap" } @else { " gaps" } " between one event and the next." }
            @if let Some(property) = &answer.property { p.soft { "Gaps are between events of one user and one " (of_data(property)) "." } }
            @if answer.by_session_id {
                p.soft { "The job makes sessions by session id, and no timeout has a part in it: below is what a timeout would make of all events of a user instead." }
            }
        }
        @if all == 0 { p.fine { "No user has two events that count: there are no gaps to look at." } } @else {
            section {
                h2 { "Gaps" }
                (gaps(answer, all).markup(1, BYTES))
                @for line in text.lines() { p { (line.trim()) } }
            }
            section.wide-table {
                h2 { "What a timeout would make of them" }
                (sessions(answer).markup(2, BYTES))
                (timeouts(answer).markup(3, BYTES))
                p.soft { "Near: within 10 % of the timeout. Excluded: longer than session.max_length." }
            }
        }
        footer { "Made by dwell gaps." }
    };
    shell::page("How long users pause", &body)
}

/// How many gaps are how long.
fn gaps(answer: &Answer, all: u64) -> Picture {
    let counts: Vec<u64> = (0..BINS).map(|bin| answer.tally.gaps.count(bin)).collect();
    let last = counts.iter().rposition(|count| *count > 0).unwrap_or(0);
    let share = |count: u64| count as f64 * 100.0 / all as f64;
    let bins: Vec<(String, u64)> =
        counts.iter().enumerate().take(last + 1).map(|(bin, count)| (bin_text(bin), *count)).collect();
    let bar = |(name, count): &(String, u64)| RankedBar {
        name: name.clone(),
        colour: Colour::FIRST,
        value: Some(*count as f64),
        note: Unit::Percent.text(Some(share(*count))),
    };
    let row = |(name, count): &(String, u64)| Row {
        name: name.clone(),
        cells: vec![Cell::count(*count), Cell::new(Some(share(*count)), Unit::Percent)],
    };
    Picture {
        title: "How long gaps are".to_string(),
        subtitle: "All gaps between one event of a user and the next".to_string(),
        description: format!("{} in {}.", counted(all, "gap"), counted(bins.len() as u64, "bin")),
        drawing: Drawing::Ranked(Ranked { unit: Unit::Count, bars: bins.iter().map(bar).collect() }),
        table: Table {
            head: ["Gap", "Gaps", "Share"].map(str::to_string).to_vec(),
            rows: bins.iter().map(row).collect(),
            keep: Keep::First,
            all_in: "",
        },
        notes: Vec::new(),
    }
}

/// How many sessions each timeout makes.
fn sessions(answer: &Answer) -> Picture {
    let rows = answer.timeout_rows();
    let name = |timeout: &str, own: bool| if own { format!("{timeout} (the job's own)") } else { timeout.to_string() };
    let bar = |row: &super::answer::TimeoutRow| RankedBar {
        name: name(&row.timeout, row.own),
        colour: if row.own { Colour::FIRST } else { Colour::GREY },
        value: Some(row.sessions as f64),
        note: String::new(),
    };
    let of_table = |row: &super::answer::TimeoutRow| Row {
        name: name(&row.timeout, row.own),
        cells: vec![Cell::count(row.sessions)],
    };
    Picture {
        title: "Sessions by timeout".to_string(),
        subtitle: "How many sessions each timeout would make".to_string(),
        description: rows.iter().map(|row| format!("{}: {} sessions. ", row.timeout, grouped(row.sessions))).collect(),
        drawing: Drawing::Ranked(Ranked { unit: Unit::Count, bars: rows.iter().map(bar).collect() }),
        table: Table {
            head: ["Timeout", "Sessions"].map(str::to_string).to_vec(),
            rows: rows.iter().map(of_table).collect(),
            keep: Keep::First,
            all_in: "",
        },
        notes: Vec::new(),
    }
}

/// Everything about each timeout.
fn timeouts(answer: &Answer) -> Picture {
    let percent = |share: Option<f64>| Cell::new(share.map(|share| share * 100.0), Unit::Percent);
    let row = |row: super::answer::TimeoutRow| Row {
        name: if row.own { format!("{} (the job's own)", row.timeout) } else { row.timeout.clone() },
        cells: vec![
            Cell::count(row.sessions),
            Cell::new(row.median_length_ms.map(|median| median as f64), Unit::Millis),
            percent(row.zero_length_share),
            percent(row.gaps_near_share),
            Cell::count(row.excluded),
        ],
    };
    let head = ["Timeout", "Sessions", "Median length", "Length 0", "Gaps near it", "Excluded"];
    Picture {
        title: "Each timeout".to_string(),
        subtitle: String::new(),
        description: String::new(),
        drawing: Drawing::Figures,
        table: Table {
            head: head.map(str::to_string).to_vec(),
            rows: answer.timeout_rows().into_iter().map(row).collect(),
            keep: Keep::First,
            all_in: "",
        },
        notes: Vec::new(),
    }
}
