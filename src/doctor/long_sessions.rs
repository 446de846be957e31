//! Why are some sessions so long, or why do they contain long gaps?

use super::cases::Case;
use super::finding::{Breakdown, Cause, Finding, Fix, LeftOut, Level, Part, Question, User};
use super::patient::Patient;
use super::standing::total;
use crate::job::duration::duration_text;
use crate::sessionize::cut::Rule;
use crate::sessionize::time::Span;

const QUESTION: Question = Question::LongSessions;
/// A user with this many times the events of an average one …
const TIMES_AVERAGE: u64 = 50;
/// … and at least so many is no person, probably.
const BUSY: u64 = 1_000;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>, left_out: &mut Vec<LeftOut>) {
    let longest_possible = match patient.known.rule {
        Rule::Custom(cutting) => cutting.silence.limit,
        Rule::Default(_) => None,
    };
    let mut none_longer = |limit: Span, what| {
        let why = format!("a silence of {} ends a session, so that none has a longer gap", duration_text(limit));
        left_out.push(LeftOut { question: QUESTION, what, why });
    };
    match longest_possible {
        Some(limit) if limit <= patient.gaps[0] => none_longer(limit, "gaps in sessions"),
        Some(limit) if limit <= patient.gaps[1] => {
            findings.push(gaps(patient, longest_possible));
            none_longer(limit, "long gaps in sessions");
        }
        _ => findings.extend([gaps(patient, longest_possible), long_gaps(patient)]),
    }
    match patient.known.max_length {
        Some(limit) => findings.push(excluded(patient, limit)),
        None => left_out.push(LeftOut {
            question: QUESTION,
            what: "excluded sessions",
            why: "session.max_length is none".to_string(),
        }),
    }
    findings.push(busiest(patient));
}

/// Sessions with a gap above the shorter limit, however long it is.
fn gaps(patient: &Patient<'_>, longest_possible: Option<Span>) -> Finding {
    let [short, long] = patient.gaps.map(duration_text);
    let has_long = allows_long(patient, longest_possible);
    let up_to = if has_long { format!(", up to {long}") } else { String::new() };
    let mut causes = vec![patient.cause(Case::Gap, "gap", &format!("longest gap above {short}{up_to}"))];
    if has_long {
        causes.push(patient.cause(Case::LongGap, "long_gap", &format!("longest gap above {long}")));
    }
    let count = causes.iter().map(|cause| cause.count).sum();
    let [some, more] = &patient.exam.gap_enders;
    let longest = some.len().max(more.len());
    let at = |of: &[u64], rank: usize| of.get(rank).copied().unwrap_or(0);
    let enders: Vec<u64> = (0..longest).map(|rank| at(some, rank) + at(more, rank)).collect();
    let ended = patient.causes_by_type(&enders);
    Finding {
        breakdowns: vec![by_ender(&ended, count)],
        ..Finding::new(QUESTION, "gaps", format!("sessions with a gap above {short}"))
            .counting(count, patient.exam.sessions, "sessions")
            .means(match ended.first() {
                Some(most) => format!("The user paused and went on; most often {} ended the silence.", most.name),
                None => format!("No session has a silence above {short} in it."),
            })
            .caused_by(causes)
    }
}

/// Sessions with a gap above the longer limit: something bridges two visits.
fn long_gaps(patient: &Patient<'_>) -> Finding {
    let long = duration_text(patient.gaps[1]);
    let cause = patient.cause(Case::LongGap, "long_gap", &format!("longest gap above {long}"));
    let (count, all) = (cause.count, patient.exam.sessions);
    let ended = patient.causes_by_type(&patient.exam.gap_enders[1]);
    let fix = match ended.first() {
        Some(most) if !patient.is_default => {
            let text = format!("if {} is sent while nobody uses the app, have it count for nothing", most.name);
            patient.inactive(&text, [most.name.as_str()])
        }
        _ => Fix::by("see what a timeout would do", patient.command("gaps", &[])),
    };
    Finding {
        breakdowns: vec![by_ender(&ended, count)],
        ..Finding::new(QUESTION, "long_gaps", format!("sessions with a gap above {long}"))
            .counting(count, all, "sessions")
            .at(Level::of_share(count, all))
            .means(match ended.first() {
                Some(most) => format!(
                    "Nothing was sent for so long and the session went on; most often {} ended the silence: where it is \
                     sent in the background, it bridges two visits.",
                    most.name
                ),
                None => format!("No session has a silence above {long} in it."),
            })
            .fixed_by(fix)
            .caused_by(vec![cause])
    }
}

/// Whether a session may have a gap above the longer limit.
fn allows_long(patient: &Patient<'_>, longest_possible: Option<Span>) -> bool {
    longest_possible.is_none_or(|limit| limit > patient.gaps[1])
}

/// Sessions by the event that ended their longest gap.
fn by_ender(ended: &[Cause], count: u64) -> Breakdown {
    let rows = ended.iter().map(|cause| Part { value: Some(cause.name.clone()), count: cause.count, of: count });
    Breakdown { by: "event that ended the longest gap".to_string(), rows: rows.collect() }
}

fn excluded(patient: &Patient<'_>, limit: Span) -> Finding {
    let limit = duration_text(limit);
    let cause = patient.cause(Case::Excluded, "excluded", &format!("longer than {limit}"));
    let (count, all) = (cause.count, patient.exam.sessions + cause.count);
    let fix = cause.users.first().map(|user| leave_out(patient, user)).unwrap_or_default();
    Finding::new(QUESTION, "excluded", format!("sessions longer than {limit}, which are excluded"))
        .counting(count, all, "sessions")
        .at(Level::of_share(count, all).max(Level::of_any(count)))
        .means(match count {
            0 => "No session is as long as that.",
            _ => "Who never pauses for long is a program rather than a person, or a session id is kept for too long.",
        })
        .fixed_by(fix)
        .caused_by(vec![cause])
}

fn leave_out(patient: &Patient<'_>, user: &User) -> Fix {
    if patient.job.input.user.len() > 1 {
        return "leave such users out with input.where (--where)".into();
    }
    let condition = format!("{} <> {}", patient.user_column(), patient.user_value(&user.name));
    let condition = match patient.plan.condition() {
        Some(before) => format!("({before}) AND {condition}"),
        None => condition,
    };
    Fix::by("leave such users out", patient.command("run", &[("--where", &condition)]))
}

fn busiest(patient: &Patient<'_>) -> Finding {
    let tally = patient.exam.case(Case::Event);
    let all = total(&patient.exam.standings());
    let users: Vec<User> = tally.top().iter().map(|(count, name)| User { name: name.clone(), count: *count }).collect();
    let count = users.iter().map(|user| user.count).sum();
    let average = all.checked_div(tally.users).unwrap_or(0);
    let is_busy = |user: &&User| user.count >= BUSY && user.count > average * TIMES_AVERAGE;
    let busy = users.iter().filter(is_busy).count();
    Finding::new(QUESTION, "busiest_users", format!("events of the {} busiest users", users.len()))
        .counting(count, all, "events")
        .at(Level::of_any(busy as u64))
        .means(match busy {
            0 => format!("An average user has {average} events; none has more than {TIMES_AVERAGE} times that and {BUSY}."),
            _ => format!("Some have more than {TIMES_AVERAGE} times the {average} events of an average user: programs, probably."),
        })
        .fixed_by(users.first().map(|user| leave_out(patient, user)).unwrap_or_default())
        .caused_by(users.iter().map(|user| Cause::new(user.name.clone(), user.name.clone(), user.count)).collect())
}
