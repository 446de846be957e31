//! Why are some sessions so long, or why do they contain long gaps?

use super::cases::Case;
use super::finding::{Breakdown, Cause, Finding, Fix, LeftOut, Level, Part, Question, User};
use super::patient::Patient;
use super::standing::{total, Standing, Standings};
use crate::job::duration::duration_text;
use crate::sessionize::rule::Rule;
use crate::sessionize::time::Span;
use crate::summary::percent;

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
    let judged = judged(patient, count, &enders, &short);
    let mut breakdowns = vec![by_ender(&ended, count)];
    breakdowns.extend(patient.sessions_by_sender(|tally| tally.gaps));
    Finding {
        breakdowns,
        ..Finding::new(QUESTION, "gaps", format!("sessions with a gap above {short}"))
            .counting(count, patient.exam.sessions, "sessions")
            .at(judged.level)
            .means(match ended.first() {
                Some(most) => judged.meaning.unwrap_or_else(|| {
                    format!("The user paused and went on; most often {} ended the silence.", most.name)
                }),
                None => format!("No session has a silence above {short} in it."),
            })
            .fixed_by(judged.fix)
            .caused_by(causes)
    }
}

/// What to make of gaps.
#[derive(Default)]
struct Judged {
    level: Level,
    meaning: Option<String>,
    fix: Fix,
}

/// Judges gaps above the shorter limit: on telephones a visit is over by then, and an event that ends most of them is
/// hardly what the user did.
fn judged(patient: &Patient<'_>, count: u64, enders: &[u64], short: &str) -> Judged {
    if let Some((tally, enders)) = patient.mobile_gaps().filter(|(tally, _)| tally.gaps > 0) {
        let level = Level::of_share(tally.gaps, tally.sessions);
        let share = percent(tally.gaps, tally.sessions);
        let most = most_of(patient, &enders, tally.gaps);
        let ended = match &most {
            Some(most) => format!("; {} ended {} of these silences", most.name, percent(most.count, tally.gaps)),
            None => String::new(),
        };
        let meaning = format!(
            "{share} of the sessions on mobile platforms have a silence above {short} in them, after which a visit to an app \
             is usually over{ended}: sessions may be several visits, bridged by what was sent in the background."
        );
        let level = if most.is_some() { level } else { level.min(Level::Notice) };
        return Judged {
            level,
            meaning: (level > Level::Fine).then_some(meaning),
            fix: mobile_fix(patient, most, tally.gaps),
        };
    }
    /// Of fewer gaps nothing can be said.
    const FEWEST: u64 = 10;
    let most = most_of(patient, enders, count).filter(|most| most.count >= FEWEST && is_unusual(patient, most, count));
    let Some(most) = most else { return Judged::default() };
    let meaning = format!(
        "Of these silences {} ended {}, far more than its share of events: where it is sent in the background, it bridges two \
         visits.",
        most.name,
        percent(most.count, count)
    );
    let level = Level::of_share(count, patient.exam.sessions).min(Level::Notice);
    Judged { level, meaning: (level > Level::Fine).then_some(meaning), fix: background(patient, &most) }
}

/// The type that ended at least half of so many gaps.
fn most_of(patient: &Patient<'_>, enders: &[u64], gaps: u64) -> Option<Cause> {
    patient.causes_by_type(enders).into_iter().next().filter(|most| most.count * 2 >= gaps)
}

/// Whether a type ends gaps far more often than it happens.
fn is_unusual(patient: &Patient<'_>, most: &Cause, gaps: u64) -> bool {
    const TIMES: u128 = 2;
    let in_session = |standings: &Standings| u128::from(standings[Standing::InSession as usize]);
    let by_type = patient.exam.by_type.iter().enumerate();
    let of_type = by_type.filter(|(rank, _)| patient.type_name(*rank) == most.name);
    let of_type = of_type.map(|(_, standings)| in_session(standings)).sum::<u128>();
    let all = in_session(&patient.exam.standings());
    u128::from(most.count) * all > TIMES * of_type * u128::from(gaps)
}

fn mobile_fix(patient: &Patient<'_>, most: Option<Cause>, gaps: u64) -> Fix {
    match most {
        Some(most) if is_unusual(patient, &most, gaps) => background(patient, &most),
        _ => Fix::by(
            "end sessions at the silence that is usual on mobile platforms: session.timeout = \"5m\" (--timeout 5m); see \
             what it would do",
            patient.command("gaps", &[]),
        ),
    }
}

/// Has a type count for nothing that is probably sent while nobody uses the app.
fn background(patient: &Patient<'_>, most: &Cause) -> Fix {
    let text = format!(
        "if {} is sent while nobody uses the app, have it count for nothing: input.inactive; or end sessions at a shorter \
         silence, 5m as is usual on mobile platforms: --timeout 5m",
        most.name
    );
    patient.inactive(&text, [most.name.as_str()])
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
    let mut breakdowns = vec![by_ender(&ended, count)];
    breakdowns.extend(patient.sessions_by_sender(|tally| tally.long_gaps));
    Finding {
        breakdowns,
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
    Fix::by("leave such users out", patient.run_where(&condition))
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
