//! A diagnosis for people: at most a hundred columns.

use crate::commands::doctor::finding::{Breakdown, Cause, Finding, Level, Part, Question};
use crate::commands::doctor::{Diagnosis, NOT_CHECKED};
use crate::summary::lines::{harmless, shortened, wrapped};
use crate::summary::{grouped, percent};

const WIDTH: usize = 100;
/// Where what is said of a finding begins.
const INDENT: usize = 12;
/// So many values of a breakdown.
const MOST_PARTS: usize = 5;
/// So many parts of a finding.
const MOST_CAUSES: usize = 10;

/// The whole diagnosis.
pub fn text(diagnosis: &Diagnosis, coloured: bool) -> String {
    let mut page = Page { text: String::new(), coloured };
    let of = |count: u64, one: &str, many: &str| format!("{} {}", grouped(count), if count == 1 { one } else { many });
    page.paragraph(
        0,
        &format!(
            "{} in {}: {} of {}.",
            of(diagnosis.rows, "row", "rows"),
            of(diagnosis.files, "file", "files"),
            of(diagnosis.sessions, "session", "sessions"),
            of(diagnosis.users, "user", "users"),
        ),
    );
    page.paragraph(0, &diagnosis.definition);
    for question in Question::ALL {
        page.text.push('\n');
        page.bold(question.asked());
        diagnosis.findings.iter().filter(|finding| finding.question == question).for_each(|found| page.finding(found));
        for left_out in diagnosis.left_out.iter().filter(|left_out| left_out.question == question) {
            page.labelled("not asked", None, &format!("{}: {}", left_out.what, left_out.why));
        }
    }
    page.text.push('\n');
    page.bold("What is not checked");
    NOT_CHECKED.iter().for_each(|what| page.hanging(2, "- ", what));
    let (warnings, notices) = (diagnosis.count_from(Level::Warning), diagnosis.count_from(Level::Notice));
    page.text.push('\n');
    page.paragraph(
        0,
        &format!(
            "{}, {}.",
            of(warnings as u64, "warning", "warnings"),
            of((notices - warnings) as u64, "notice", "notices"),
        ),
    );
    page.text
}

struct Page {
    text: String,
    coloured: bool,
}

impl Page {
    fn finding(&mut self, finding: &Finding) {
        let figure = format!(
            "{} of {} {} ({})",
            grouped(finding.count),
            grouped(finding.of),
            finding.unit,
            percent(finding.count, finding.of)
        );
        let title = format!("{}: {figure}", finding.title);
        self.labelled(finding.level.name(), Some(finding.level), &title);
        self.paragraph(INDENT, &finding.meaning);
        if finding.count > 0 {
            let shown: Vec<&Cause> = finding.causes.iter().filter(|cause| cause.count > 0).collect();
            shown.iter().take(MOST_CAUSES).for_each(|cause| self.cause(cause, finding.count));
            if let Some(rest) = shown.get(MOST_CAUSES..).filter(|rest| !rest.is_empty()) {
                let count = rest.iter().map(|cause| cause.count).sum();
                let text = format!("{} others", grouped(rest.len() as u64));
                self.cause(&Cause::new("others", text, count), finding.count);
            }
            finding.breakdowns.iter().for_each(|breakdown| self.breakdown(breakdown));
        }
        if let Some(fix) = &finding.fix {
            self.hanging(INDENT, "→ ", &fix.text);
            fix.command.iter().for_each(|command| self.command(command));
        }
    }

    fn cause(&mut self, cause: &Cause, of: u64) {
        let text = shortened(&harmless(&cause.text), 63);
        let numbers = format!("{:>12} {:>8}", grouped(cause.count), percent(cause.count, of));
        self.line(&format!("{:INDENT$}  {text:<63}{numbers}", ""));
        if !cause.users.is_empty() {
            let users = cause.users.iter().map(|user| format!("{} ({})", user.name, grouped(user.count)));
            self.hanging(INDENT + 4, "users: ", &users.collect::<Vec<_>>().join(", "));
        }
    }

    fn breakdown(&mut self, breakdown: &Breakdown) {
        let mut rows: Vec<&Part> = breakdown.rows.iter().filter(|part| part.count > 0).collect();
        rows.sort_by_key(|part| std::cmp::Reverse(part.count));
        let part = |part: &&Part| {
            let value = part.value.as_deref().unwrap_or("(none)");
            format!("{value} {} of {} ({})", grouped(part.count), grouped(part.of), percent(part.count, part.of))
        };
        let mut parts: Vec<String> = rows.iter().take(MOST_PARTS).map(part).collect();
        if rows.len() > MOST_PARTS {
            parts.push(format!("{} others", grouped((rows.len() - MOST_PARTS) as u64)));
        }
        self.hanging(INDENT + 2, &format!("by {}: ", breakdown.by), &parts.join(", "));
    }

    /// A command, on lines that a shell takes for one.
    fn command(&mut self, command: &str) {
        let mut line = format!("{:INDENT$}  $", "");
        for word in shell_words(&harmless(command)) {
            if line.chars().count() + word.chars().count() + 3 > WIDTH {
                self.line(&format!("{line} \\"));
                line = format!("{:INDENT$}   ", "");
            }
            line = format!("{line} {word}");
        }
        self.line(&line);
    }

    /// A line with a word before it.
    fn labelled(&mut self, label: &str, level: Option<Level>, text: &str) {
        let begins = self.text.len();
        self.hanging_at(INDENT, &format!("  {label:<9} "), text);
        if self.coloured {
            let colour = match level {
                Some(Level::Warning) => "33",
                Some(Level::Notice) => "36",
                _ => "2",
            };
            let painted = format!("\u{1b}[{colour}m{label}\u{1b}[0m");
            self.text.replace_range(begins + 2..begins + 2 + label.len(), &painted);
        }
    }

    fn bold(&mut self, text: &str) {
        let text = if self.coloured { format!("\u{1b}[1m{text}\u{1b}[0m") } else { text.to_string() };
        self.line(&text);
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        self.hanging_at(indent, &" ".repeat(indent), text);
    }

    /// A text whose first line has something before it, indented.
    fn hanging(&mut self, indent: usize, before: &str, text: &str) {
        let first = format!("{:indent$}{before}", "");
        self.hanging_at(indent + 2, &first, text);
    }

    /// A text after the beginning of its first line; the others are indented.
    fn hanging_at(&mut self, indent: usize, first: &str, text: &str) {
        wrapped(&harmless(text), WIDTH, first, &" ".repeat(indent)).iter().for_each(|line| self.line(line));
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

/// The words of a command as a shell takes them: a space within quotes is none between words.
fn shell_words(command: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for piece in command.split(' ') {
        match words.last_mut() {
            Some(word) if is_open => {
                word.push(' ');
                word.push_str(piece);
            }
            _ => words.push(piece.to_string()),
        }
        // An escaped quote stands between quoted pieces, and opens none.
        let quotes = piece.matches('\'').count() - piece.matches("\\'").count();
        is_open ^= quotes % 2 == 1;
    }
    words
}
