//! What would another definition change?

use super::finding::{Finding, Question};
use super::patient::Patient;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let count = patient.exam.sessions;
    let point = |name, title: &str, meaning: &str, fix: String| Finding {
        fix: Some(fix),
        ..Finding::new(Question::OtherDefinition, name, title).counting(count, count, "sessions").means(meaning)
    };
    findings.push(point(
        "timeouts",
        "sessions under this definition",
        "How many there would be under each timeout is another pass over the same events.",
        patient.command("gaps", ""),
    ));
    let this = match patient.options.job_file.as_deref() {
        Some(file) => super::patient::shell_word(file),
        None => "this.toml".to_string(),
    };
    findings.push(point(
        "comparison",
        "sessions to compare with those of another job",
        "Which sessions stay, split, join, go and come is seen side by side.",
        format!("dwell compare {this} other.toml"),
    ));
}
