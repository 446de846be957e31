//! A diagnosis for programs: one object.

use serde_json::{json, Value};

use crate::commands::doctor::finding::{Finding, Question};
use crate::commands::doctor::{Diagnosis, NOT_CHECKED};

/// The whole diagnosis.
pub fn json(diagnosis: &Diagnosis) -> String {
    let question = |question: Question| {
        let findings = diagnosis.findings.iter().filter(|finding| finding.question == question);
        let left_out = diagnosis.left_out.iter().filter(|left_out| left_out.question == question);
        json!({
            "question": question.name(),
            "asked": question.asked(),
            "findings": findings.map(finding_json).collect::<Vec<_>>(),
            "left_out": left_out.map(|left| json!({"what": left.what, "why": left.why})).collect::<Vec<_>>(),
        })
    };
    let object = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "definition": diagnosis.definition,
        "rows": diagnosis.rows,
        "files": diagnosis.files,
        "sessions": diagnosis.sessions,
        "users": diagnosis.users,
        "level": diagnosis.worst().name(),
        "questions": Question::ALL.map(question),
        "not_checked": NOT_CHECKED,
    });
    // A value made of strings and numbers is always written.
    serde_json::to_string_pretty(&object).unwrap_or_default() + "\n"
}

fn finding_json(finding: &Finding) -> Value {
    let causes = finding.causes.iter().map(|cause| {
        let users: Vec<Value> =
            cause.users.iter().map(|user| json!({"user": user.name, "count": user.count})).collect();
        json!({"cause": cause.name, "text": cause.text, "count": cause.count, "users": users})
    });
    let breakdowns = finding.breakdowns.iter().map(|breakdown| {
        let rows: Vec<Value> = (breakdown.rows.iter())
            .map(|part| json!({"value": part.value, "count": part.count, "of": part.of}))
            .collect();
        json!({"by": breakdown.by, "values": rows})
    });
    json!({
        "finding": finding.name,
        "level": finding.level.name(),
        "title": finding.title,
        "count": finding.count,
        "of": finding.of,
        "unit": finding.unit,
        "share": (finding.of > 0).then(|| finding.count as f64 / finding.of as f64),
        "meaning": finding.meaning,
        "causes": causes.collect::<Vec<_>>(),
        "breakdowns": breakdowns.collect::<Vec<_>>(),
        "fix": finding.fix.as_ref().map(|fix| &fix.text),
        "command": finding.fix.as_ref().and_then(|fix| fix.command.as_ref()),
    })
}
