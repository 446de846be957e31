//! Is the data sound?

use super::cases::Case;
use super::exam::LATEST;
use super::finding::{Breakdown, Cause, Finding, Fix, LeftOut, Level, Part, Question};
use super::patient::Patient;
use super::sign_ins::SignIns;
use super::words::shell_word;
use crate::events::source::columns::Columns;
use crate::job::dates::day_text;
use crate::job::duration::duration_text;
use crate::sessionize::time::Day;

const QUESTION: Question = Question::Soundness;

/// Columns that are unique ids of events, by their names.
const UNIQUE_IDS: [&str; 7] = ["$insert_id", "insert_id", "event_id", "message_id", "messageId", "event_uuid", "uuid"];

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>, left_out: &mut Vec<LeftOut>) {
    let mut not = |what, why: String| left_out.push(LeftOut { question: QUESTION, what, why });
    match &patient.job.input.dedup {
        Some(dedup) => findings.push(duplicates(patient, &dedup.column, &duration_text(dedup.within))),
        None => not("duplicates", no_unique_id(patient)),
    }
    findings.push(future(patient));
    match patient.beside.column(super::beside::Aspect::Device) {
        Some(column) => findings.push(devices(patient, column)),
        None => not("devices of a user at once", "there is no device column; name one with --device".to_string()),
    }
    if let Some(sign_ins) = patient.sign_ins.filter(|_| patient.job.input.user.len() > 1) {
        findings.push(cut_at_sign_in(patient, sign_ins));
    }
    match patient.is_default || patient.job.definition.property().is_some() {
        true => findings.push(overlaps(patient)),
        false => not("sessions that overlap", "those of one user cannot under this definition".to_string()),
    }
    match &patient.beside.arrival {
        Some(column) => {
            findings.push(late(patient, &column.spelled));
            findings.push(early(patient, &column.spelled));
        }
        None => not("lateness", "no column or folder says when an event arrived; name one with --arrival".to_string()),
    }
    findings.push(empty_days(patient));
}

fn no_unique_id(patient: &Patient<'_>) -> String {
    let columns = Columns::of(&patient.plan.footers);
    let known = UNIQUE_IDS.into_iter().find(|name| columns.has(name).unwrap_or(false));
    match known {
        Some(name) => format!("no unique id is named; ask again with --dedup {}", shell_word(name)),
        None => "no unique id is named; name one with --dedup".to_string(),
    }
}

fn duplicates(patient: &Patient<'_>, column: &str, within: &str) -> Finding {
    let count = patient.exam.duplicates;
    let all = patient.rows.passed - patient.rows.rejected_total();
    Finding::new(QUESTION, "duplicates", format!("events that repeat an id of {column}"))
        .counting(count, all, "events")
        .at(Level::of_share(count, all))
        .means(match count {
            0 => format!("No event repeats one of the same user within {within}."),
            _ => "They are dropped, so sessions are not changed by them; uploads were repeated.".to_string(),
        })
        .fixed_by("nothing in the job: input.dedup drops them; look at what sends events twice")
}

fn future(patient: &Patient<'_>) -> Finding {
    let cause = patient.cause(Case::Future, "future", "later than now");
    let (count, all) = (cause.count, patient.exam.events());
    Finding::new(QUESTION, "future", "events in the future")
        .counting(count, all, "events")
        .at(Level::of_share(count, all).max(Level::of_any(count)))
        .means(match count {
            0 => "No event is later than now.",
            _ => "Clocks of these devices are ahead, and the input seems to end later than it does.",
        })
        .fixed_by("reject them with input.max_time, or read another time column: input.time (--time)")
        .caused_by(vec![cause])
}

fn devices(patient: &Patient<'_>, column: &str) -> Finding {
    let within = duration_text(patient.at_once);
    let (tally, cause) = (
        patient.exam.case(Case::Devices),
        patient.cause(Case::Devices, "devices", "an event of one between two of another"),
    );
    let users = patient.exam.case(Case::Event).users;
    Finding::new(QUESTION, "devices", format!("users with events of several devices at once ({column})"))
        .counting(tally.users, users, "users")
        .at(Level::of_share(tally.users, users))
        .means(match tally.users {
            0 => format!("No user has an event of one device between two of another within {within}."),
            _ => format!(
                "An event of one device comes between two of another that are at most {within} apart: a shared \
                 account, or a program."
            ),
        })
        .fixed_by(Fix::by(
            "keep the devices apart",
            patient.command("run", &[("--property", column), ("--timeout", "30m")]),
        ))
        .caused_by(vec![Cause { count: tally.users, ..cause }])
}

/// Visits in which the user signs in, where the users before and after are two.
fn cut_at_sign_in(patient: &Patient<'_>, sign_ins: &SignIns) -> Finding {
    let SignIns { device, cut, of } = sign_ins;
    Finding::new(QUESTION, "cut_at_sign_in", "visits that are cut where the user signs in")
        .counting(*cut, *of, "visits with a user")
        // However few there are, one command mends them.
        .at(if *cut == 0 { Level::Fine } else { Level::Notice })
        .means(match cut {
            0 => format!("In no visit do events without a user, which count for {device}, come beside others."),
            _ => format!(
                "The events before are of a user that {device} names, those after of another: one visit is two sessions, and \
                 one person two users."
            ),
        })
        .fixed_by(Fix::by(
            "have one person be one user: write a mapping of devices to users, and name it in [input.aliases]",
            patient.command("identify", &[("--device", device), ("--output", "aliases")]),
        ))
}

fn overlaps(patient: &Patient<'_>) -> Finding {
    let cause = patient.cause(Case::Overlap, "overlap", "begin before another of the same user ends");
    let (count, all) = (cause.count, patient.exam.sessions);
    Finding::new(QUESTION, "overlapping_sessions", "sessions that overlap another of the same user")
        .counting(count, all, "sessions")
        .at(Level::of_share(count, all))
        .means(match count {
            0 => "One user's sessions come one after the other.",
            _ => "The user was on two devices or in two apps, each with a session of its own: their time counts twice.",
        })
        .fixed_by(Fix::by("one session whatever the device: define them by a silence", patient.command("gaps", &[])))
        .caused_by(vec![cause])
}

/// Bounds of the days by which an event is late, both inclusive.
const LATE: [(usize, usize); 5] = [(1, 1), (2, 3), (4, 7), (8, LATEST), (LATEST + 1, usize::MAX)];

fn late(patient: &Patient<'_>, column: &str) -> Finding {
    let by_days = patient.exam.late.iter().skip(1).enumerate();
    let causes: Vec<Cause> = LATE
        .into_iter()
        .map(|(first, last)| {
            let count = by_days.clone().filter(|(days, _)| (first..=last).contains(days)).map(|(_, count)| count).sum();
            let text = match (first, last) {
                (first, last) if first == last => format!("{first} day late"),
                (first, usize::MAX) => format!("{first} days late or more"),
                (first, last) => format!("{first} to {last} days late"),
            };
            Cause::new(text.replace(' ', "_"), text, count)
        })
        .collect();
    let count = causes.iter().map(|cause| cause.count).sum();
    let all = patient.exam.late.iter().sum();
    let days = patient.exam.by_day.iter().map(|(day, of_day)| Part {
        value: Some(day_text(*day)),
        count: of_day.late,
        of: super::standing::total(&of_day.standings),
    });
    Finding {
        breakdowns: vec![Breakdown { by: "day".to_string(), rows: days.collect() }],
        ..Finding::new(QUESTION, "late", format!("events that arrived on a later date ({column})"))
            .counting(count, all, "events")
            .at(Level::of_share(count, all).min(Level::Notice))
            .means(match count {
                0 => "Every event arrived on its date.",
                _ => "Sessions of days that seemed to be over change when these arrive.",
            })
            .fixed_by(Fix::by("keep the tables right every night", patient.command("run", &[("--incremental", "")])))
            .caused_by(causes)
    }
}

fn early(patient: &Patient<'_>, column: &str) -> Finding {
    let count = patient.exam.late.first().copied().unwrap_or(0);
    let all = patient.exam.late.iter().sum();
    Finding::new(QUESTION, "early", format!("events that arrived before their date ({column})"))
        .counting(count, all, "events")
        .at(Level::of_share(count, all).max(Level::of_any(count)))
        .means(match count {
            0 => "No event arrived before it happened.",
            _ => "Clocks are ahead, or dates of arrival are not in UTC.",
        })
        .fixed_by("read the time of the server: input.time (--time)")
}

fn empty_days(patient: &Patient<'_>) -> Finding {
    let days: Vec<i32> = patient.exam.by_day.keys().map(|day| day.epoch_days()).collect();
    let all = match (days.first(), days.last()) {
        (Some(first), Some(last)) => (i64::from(*last) - i64::from(*first) + 1).unsigned_abs(),
        _ => 0,
    };
    let gaps = days.windows(2).filter(|pair| pair[1] - pair[0] > 1).map(|pair| (pair[0] + 1, pair[1] - 1));
    let causes: Vec<Cause> = gaps
        .map(|(first, last)| {
            let text = |day| day_text(Day::from_epoch_days(day));
            let name = if first == last { text(first) } else { format!("{} to {}", text(first), text(last)) };
            Cause::new(name.clone(), name, (i64::from(last) - i64::from(first) + 1).unsigned_abs())
        })
        .collect();
    let count = causes.iter().map(|cause| cause.count).sum();
    Finding::new(QUESTION, "empty_days", "days without events, between the first and the last with some")
        .counting(count, all, "days")
        .at(Level::of_share(count, all).max(Level::of_any(count)))
        .means(match count {
            0 if all == 0 => "There are no events.",
            0 => "Every day has events.",
            _ => "Files of these days are missing, or nothing was sent.",
        })
        .fixed_by("check input.path, and input.where")
        .caused_by(causes)
}
