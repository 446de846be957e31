//! A diagnosis as one flat table: a row a finding, and one for each part of it.

use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::Diagnosis;
use crate::summary::format::{csv_text, csv_writer};

const HEADER: [&str; 13] =
    ["question", "finding", "level", "part", "by", "name", "count", "of", "unit", "text", "meaning", "fix", "command"];

/// The whole diagnosis.
pub fn csv(diagnosis: &Diagnosis) -> String {
    let mut writer = csv_writer();
    let mut write = |row: [&str; HEADER.len()]| {
        // Writing to memory cannot fail, and all rows have as many fields.
        let _ = writer.write_record(row);
    };
    write(HEADER);
    diagnosis.findings.iter().for_each(|finding| rows(finding, &mut write));
    for left in &diagnosis.left_out {
        write([left.question.name(), "", "", "left_out", "", "", "", "", "", left.what, &left.why, "", ""]);
    }
    csv_text(writer)
}

fn rows(finding: &Finding, write: &mut impl FnMut([&str; HEADER.len()])) {
    let (question, name, level, unit) = (finding.question.name(), finding.name, finding.level.name(), finding.unit);
    let (count, of) = (finding.count.to_string(), finding.of.to_string());
    let fix = finding.fix.as_ref().map_or("", |fix| &fix.text);
    let command = finding.fix.as_ref().and_then(|fix| fix.command.as_deref()).unwrap_or_default();
    write([question, name, level, "total", "", "", &count, &of, unit, &finding.title, &finding.meaning, fix, command]);
    let mut part = |kind: &str, by: &str, of_what: &str, count: u64, of: u64, unit: &str, text: &str| {
        write([question, name, level, kind, by, of_what, &count.to_string(), &of.to_string(), unit, text, "", "", ""]);
    };
    for cause in &finding.causes {
        part("cause", "", &cause.name, cause.count, finding.count, unit, &cause.text);
        for user in &cause.users {
            part("user", &cause.name, &user.name, user.count, cause.count, unit, "");
        }
    }
    for breakdown in &finding.breakdowns {
        for row in &breakdown.rows {
            let value = row.value.as_deref().unwrap_or_default();
            part("value", &breakdown.by, value, row.count, row.of, unit, "");
        }
    }
}
