//! Why so many zero-length sessions?

use super::by_sender::{Senders, FEWEST};
use super::cases::Case;
use super::finding::{Cause, Finding, Fix, Level, Question};
use super::marks::Mark;
use super::patient::Patient;
use super::starts_at_id;
use crate::summary::grouped;

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
    // But that all visits to a place are of one is.
    let senders = patient.one_event_senders();
    let level = level.max(senders.as_ref().map_or(Level::Fine, |senders| of_senders(senders.count, all)));
    let finding = Finding::new(Question::ZeroLength, "zero_length", "sessions of length 0")
        .counting(count, all, "sessions")
        .at(level)
        .means(match (most, &senders) {
            (None, _) => "No session begins and ends in one millisecond.".to_string(),
            (Some(_), Some(senders)) => one_event_each(senders, patient.is_default),
            (Some(most), None) => {
                format!("They begin and end in one millisecond, most often for this: {}.", most.text)
            }
        })
        .fixed_by(match (&senders, most) {
            (Some(senders), _) => without_senders(patient, senders),
            (None, most) => most.map(|most| fix(patient, most)).unwrap_or_default(),
        });
    let breakdowns = patient.sessions_by_sender(|tally| tally.zero_length);
    findings.push(Finding { breakdowns, ..finding.caused_by(causes) });
}

/// Of something that most sessions or events of some senders have: from a hundredth of all on a warning, else worth a
/// look where there are more than a few.
pub fn of_senders(count: u64, all: u64) -> Level {
    match Level::of_share(count, all) {
        Level::Fine if count < FEWEST => Level::Fine,
        Level::Fine => Level::Notice,
        _ => Level::Warning,
    }
}

fn one_event_each(senders: &Senders, by_id: bool) -> String {
    let (named, column) = (senders.named(), &senders.column);
    let figure = format!("{} of {} sessions", grouped(senders.count), grouped(senders.of));
    if by_id {
        format!(
            "Nearly every event of {named} ({column}) is a session of its own ({figure} have no length): so it is with \
             events that a server sends without the session id of the device that the user is on."
        )
    } else {
        format!(
            "Nearly every event of {named} ({column}) is alone in its session ({figure} have no length): so it is with \
             events that a server sends whether the user is there or not."
        )
    }
}

fn without_senders(patient: &Patient<'_>, senders: &Senders) -> Fix {
    let text = if patient.is_default {
        "pass the device's session id along with events that a server sends; until then leave them out, or define \
         sessions by a silence, which takes no ids: --timeout 30m"
    } else {
        "leave these events out, or have their types count for nothing: input.inactive"
    };
    Fix::by(text, patient.run_where(&senders.left_out()))
}

fn fix(patient: &Patient<'_>, cause: &Cause) -> Fix {
    match cause.name.as_str() {
        "only_start" => patient.inactive("have such events count for nothing", patient.marked(&[Mark::Start])),
        "one_time" => "read the time of the device, not of the upload: input.time (--time)".into(),
        "clock_skew" => {
            Fix::by("measure from the first event instead", patient.command("run", &[("--length-from", "first_event")]))
        }
        "start_as_time" => "send each event with its own time, or name another time column: input.time (--time)".into(),
        _ => {
            "visits of one event are no mistake by themselves; a chart leaves them out with min_length = \"1s\"".into()
        }
    }
}
