//! A diagnosis as a page, or as a part of one.

use maud::{html, Markup};

use crate::commands::doctor::finding::{Finding, Level};
use crate::commands::doctor::{Diagnosis, NOT_CHECKED};
use crate::page::number::Unit;
use crate::page::shell;
use crate::page::table::of_data;
use crate::summary::{counted, grouped};

/// The page.
pub fn page(diagnosis: &Diagnosis) -> String {
    let body = html! {
        header {
            h1 { "What doctor finds" }
            p.lead { (counted(diagnosis.sessions, "session")) " of " (counted(diagnosis.users, "user")) "." }
            p { (diagnosis.definition) }
        }
        (findings(diagnosis))
        @if !diagnosis.left_out.is_empty() { section {
            h2 { "What was not asked" }
            ul { @for left in &diagnosis.left_out { li { (left.what) ": " (whole(&left.why)) } } }
        } }
        section { h2 { "What is not checked" } ul { @for what in NOT_CHECKED { li { (what) } } } }
        footer { "Made by dwell doctor." }
    };
    shell::page("What doctor finds", &body)
}

/// The section of a page: what is worth a look first, then how much is fine.
pub fn findings(diagnosis: &Diagnosis) -> Markup {
    let mut shown: Vec<&Finding> = diagnosis.findings.iter().filter(|finding| finding.level > Level::Fine).collect();
    shown.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    let fine = diagnosis.findings.len() - shown.len();
    html! { section {
        h2 { "What doctor finds in the events" }
        p.soft { "Of " (counted(diagnosis.rows, "row")) " in " (counted(diagnosis.files, "file")) ", read for this page." }
        @if !shown.is_empty() { ul.findings { @for finding in &shown { (item(finding)) } } }
        p { span.level.fine-level { "fine" } " " (counted(fine as u64, "other answer")) @if fine == 1 { " is" } @else { " are" } " fine." }
    } }
}

fn item(finding: &Finding) -> Markup {
    let share = (finding.of > 0).then(|| finding.count as f64 * 100.0 / finding.of as f64);
    html! { li class=(finding.level.name()) {
        div { span.level { (finding.level.name()) } " " strong { (of_data(&finding.title)) } }
        @if finding.of > 0 { div.soft {
            b data-value=(finding.count) { (grouped(finding.count)) } " of " (grouped(finding.of)) " " (finding.unit)
            " (" (Unit::Percent.text(share)) ")"
        } }
        @if !finding.meaning.is_empty() { div { (whole(&finding.meaning)) } }
        @if !finding.causes.is_empty() { ul { @for cause in finding.causes.iter().filter(|cause| cause.count > 0).take(8) {
            li { b data-value=(cause.count) { (grouped(cause.count)) } " " (whole(&cause.text)) }
        } } }
        @if let Some(fix) = &finding.fix {
            div { (whole(&fix.text)) }
            @if let Some(command) = &fix.command { pre { (whole(command)) } }
        }
    } }
}

/// A text that may have words of the data in it, in full.
fn whole(text: &str) -> Markup {
    html! { bdi { (crate::summary::lines::harmless(text)) } }
}
