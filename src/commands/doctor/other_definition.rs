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
    let words = &patient.options.words;
    let (text, command) = match words.job_file.as_deref().map(shell_word) {
        Some(file) => {
            ("copy the job to other.toml and change its [session] there", format!("dwell compare {file} other.toml"))
        }
        None => {
            let inputs = words.flags.iter().filter(|(flag, _)| *flag == "--input");
            let inputs: String = inputs.map(|(flag, path)| format!(" {flag} {}", shell_word(path))).collect();
            let text = "write both definitions as job files: this.toml and other.toml";
            (text, format!("dwell compare this.toml other.toml{inputs}"))
        }
    };
    findings.push(point(
        "comparison",
        "sessions to compare with those of another job",
        "Which sessions stay, split, join, go and come is seen side by side.",
        Fix::by(text, command),
    ));
}
