//! Why so many zero-length sessions?

use super::cases::Case;
use super::finding::{Cause, Finding, Fix, Level, Question};
use super::marks::Mark;
use super::patient::Patient;
use super::starts_at_id;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    let (count, all) = (patient.exam.zero_length(), patient.exam.sessions);
    let mut causes = vec![
        patient.cause(Case::SingleEvent, "single_event", "a single event"),
        patient.cause(Case::OnlyStart, "only_start", "nothing but events that say that a session starts"),
        patient.cause(Case::OneTime, "one_time", "several events, all at one time"),
    ];
    if starts_at_id(patient.job) {
        causes.push(patient.cause(Case::ClockSkew, "clock_skew", "session id later than its events (clock skew)"));
    }
    if patient.is_default {
        let text = "several events, all sent with the session's start as their time";
        causes.push(patient.cause(Case::StartAsTime, "start_as_time", text));
    }
    let most = causes.iter().max_by_key(|cause| cause.count).filter(|cause| cause.count > 0);
    // A visit of a single event is no mistake of anyone's, however many there are.
    let others = count - patient.exam.case(Case::SingleEvent).count;
    let level = Level::of_share(others, all).max(Level::of_share(count, all).min(Level::Notice));
    let finding = Finding::new(Question::ZeroLength, "zero_length", "sessions of length 0")
        .counting(count, all, "sessions")
        .at(level)
        .means(match most {
            None => "No session begins and ends in one millisecond.".to_string(),
            Some(most) => format!("They begin and end in one millisecond, most often for this: {}.", most.text),
        })
        .fixed_by(most.map(|most| fix(patient, most)).unwrap_or_default());
    findings.push(finding.caused_by(causes));
}

fn fix(patient: &Patient<'_>, cause: &Cause) -> Fix {
    match cause.name.as_str() {
        "only_start" => patient.inactive("have such events count for nothing", patient.marked(&[Mark::Start])),
        "one_time" => "read the time of the device, not of the upload: input.time (--time)".into(),
        "clock_skew" => {
            Fix::by("measure from the first event instead", patient.command("run", &[("--length-from", "first_event")]))
        }
        "start_as_time" => "send each event with its own time, or name another time column: input.time (--time)".into(),
        _ => "nothing is wrong with them; a chart leaves them out with min_length = \"1s\"".into(),
    }
}
