//! Why are there sessions without activity?

use super::cases::Case;
use super::finding::{Finding, LeftOut, Level, Question};
use super::marks::Mark;
use super::patient::Patient;

const QUESTION: Question = Question::NoActivity;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>, left_out: &mut Vec<LeftOut>) {
    findings.push(bare(patient));
    if patient.job.input.inactive.is_empty() {
        let why = "input.inactive names no event types".to_string();
        left_out.push(LeftOut { question: QUESTION, what: "sessions of inactive events", why });
        return;
    }
    findings.push(inactive_sessions(patient));
    findings.push(inactive_events(patient));
}

/// Sessions of nothing but events that say that a session starts or ends.
fn bare(patient: &Patient<'_>) -> Finding {
    let causes = vec![
        patient.cause(Case::BareStart, "only_starts", "only events that say that it starts"),
        patient.cause(Case::BareEnd, "only_ends", "only events that say that it ends"),
        patient.cause(Case::BareBoth, "starts_and_ends", "both, and nothing between"),
    ];
    let count = causes.iter().map(|cause| cause.count).sum();
    let all = patient.exam.sessions;
    let types = patient.marked(&[Mark::Start, Mark::End]);
    Finding::new(QUESTION, "without_activity", "sessions without activity")
        .counting(count, all, "sessions")
        .at(Level::of_share(count, all))
        .means(match (types.as_slice(), count) {
            ([], _) => {
                "No event type only says that a session starts or ends; name yours with --session-start-event and \
                 --session-end-event."
                    .to_string()
            }
            (types, 0) => format!("In every session there is more than {}.", types.join(" and ")),
            (types, _) => {
                format!("They consist of {} alone: the app was opened and nothing done.", types.join(" and "))
            }
        })
        .fixed_by(patient.inactive("have these events count for nothing", types.iter().copied()))
        .caused_by(causes)
}

/// Sessions that there would be if inactive events counted.
fn inactive_sessions(patient: &Patient<'_>) -> Finding {
    let tally = patient.exam.case(Case::Inactive);
    let all = patient.exam.sessions + tally.count;
    Finding::new(QUESTION, "of_inactive_events", "more sessions that inactive events would make")
        .counting(tally.count, all, "sessions")
        .means(match tally.count {
            0 => "Inactive events would make no session of their own if they counted.",
            _ => "These sessions would consist of inactive events alone, so input.inactive keeps them out.",
        })
        .caused_by(patient.causes_by_type(&patient.exam.inactive_sessions))
}

/// Inactive events, by type.
fn inactive_events(patient: &Patient<'_>) -> Finding {
    let count = patient.exam.inactive_total();
    let all = patient.rows.passed - patient.rows.rejected_total() - patient.exam.duplicates;
    let unknown: Vec<&str> = (patient.job.input.inactive.iter().map(String::as_str))
        .filter(|name| patient.known.types.rank_of(name).is_none())
        .collect();
    Finding::new(QUESTION, "inactive_events", "inactive events")
        .counting(count, all, "events")
        .at(Level::of_any(unknown.len() as u64))
        .means(match unknown.as_slice() {
            [] => "They count for nothing: no session, no activity.".to_string(),
            unknown => format!("No event has the type {} that input.inactive names.", unknown.join(" or ")),
        })
        .fixed_by("check the spelling in input.inactive (--inactive)")
        .caused_by(patient.causes_by_type(&patient.exam.inactive))
}
