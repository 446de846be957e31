//! What would another definition change?

use super::finding::{Finding, Fix, Question};
use super::patient::Patient;
use super::words::shell_word;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let count = patient.exam.sessions;
    let point = |name, title: &str, meaning: &str, fix: Fix| Finding {
        fix: Some(fix),
        ..Finding::new(Question::OtherDefinition, name, title).counting(count, count, "sessions").means(meaning)
    };
    findings.push(point(
        "timeouts",
        "sessions under this definition",
        "How many there would be under each timeout is another pass over the same events.",
        Fix::by("look at all of them", patient.command("gaps", &[])),
    ));
    let this = patient.options.words.job_file.as_deref().map_or_else(|| "this.toml".to_string(), shell_word);
    findings.push(point(
        "comparison",
        "sessions to compare with those of another job",
        "Which sessions stay, split, join, go and come is seen side by side.",
        Fix::by("write the other definition to a job file", format!("dwell compare {this} other.toml")),
    ));
}
