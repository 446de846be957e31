//! Why is my sessions table empty, or so small?

use super::beside::Aspect;
use super::cases::Case;
use super::finding::{Cause, Finding, Fix, LeftOut, Level, Question};
use super::id_kind::Shape;
use super::patient::Patient;
use super::standing::{outside, without_id, Standing};
use super::starts_at_id;
use crate::events::normalise::Rejection;
use crate::sessionize::rule::Rule;
use crate::sessionize::time::TimeUnit;

const QUESTION: Question = Question::FewSessions;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>, left_out: &mut Vec<LeftOut>) {
    findings.push(rows(patient));
    findings.push(events(patient));
    findings.push(sessions(patient));
    if let Rule::Default(by_id) = patient.known.rule {
        findings.push(shapes(patient, by_id.unit));
    } else {
        let why = "the definition takes no times from session ids".to_string();
        left_out.push(LeftOut { question: QUESTION, what: "what session ids look like", why });
    }
}

/// From rows to events in sessions: what left on the way, and by which key.
fn rows(patient: &Patient<'_>) -> Finding {
    let (exam, rows) = (patient.exam, patient.rows);
    let extent = patient.plan.extent;
    let (all, filtered) = (extent.rows, extent.rows_ruled_out + rows.filtered);
    let mut causes = vec![Cause::new("filtered", "not true under input.where", filtered)];
    let rejections = Rejection::ALL.map(|reason| {
        let text = match reason {
            Rejection::NoUser => "no user in input.user",
            Rejection::NoTime => "no readable time in input.time",
            Rejection::TimeOutOfRange => "time not within input.min_time and input.max_time",
        };
        Cause::new(reason.name(), text, rows.rejected[reason as usize])
    });
    causes.extend(rejections);
    causes.push(Cause::new("duplicates", "repeat an id of input.dedup", exam.duplicates));
    causes.push(Cause::new("inactive", "of a type of input.inactive", exam.inactive_total()));
    causes.push(Cause::new("outside_dates", "before output.since or after output.until", exam.outside_window));
    causes.extend(outs(patient));
    causes.retain(|cause| cause.count > 0);
    let in_session = patient.standing(Standing::InSession);
    let level = match (in_session, exam.sessions) {
        (0, _) | (_, 0) => Level::Warning,
        _ => Level::of_share(rows.rejected_total(), rows.passed),
    };
    let most = causes.iter().max_by_key(|cause| cause.count);
    let meaning = match most {
        None if all == 0 => "The input has no rows at all.".to_string(),
        None => "Every row of the input is an event of a session.".to_string(),
        Some(most) => format!("On the way from rows to sessions, most leave here: {}.", most.text),
    };
    let worst = match level {
        // Rejected rows are what the level is about, where there are sessions.
        Level::Notice => causes.iter().find(|cause| cause.count == rows.rejected.iter().copied().max().unwrap_or(0)),
        _ => most,
    };
    let fix = worst.map_or_else(|| Fix::from("check input.path"), |cause| row_fix(patient, &cause.name));
    Finding::new(QUESTION, "rows", "rows that are in no session")
        .counting(all - in_session, all, "rows")
        .at(level)
        .means(meaning)
        .fixed_by(fix)
        .caused_by(causes)
}

/// The reasons for which events are in no session.
fn outs(patient: &Patient<'_>) -> impl Iterator<Item = Cause> + use<> {
    let standings = patient.exam.standings();
    let out = Standing::ALL.into_iter().filter(|standing| *standing != Standing::InSession);
    out.map(move |standing| Cause::new(standing.name(), standing.text(), standings[standing as usize]))
}

fn row_fix(patient: &Patient<'_>, cause: &str) -> Fix {
    let users = &patient.job.input.user;
    match cause {
        "filtered" => {
            Fix::from(format!("look at input.where: {}", patient.plan.condition().unwrap_or_default()).as_str())
        }
        "no_user" => {
            match patient.beside.column(Aspect::Device).filter(|name| !users.iter().any(|user| user == name)) {
                Some(device) => {
                    let users = users.iter().map(String::as_str).chain([device]);
                    let flags: Vec<(&'static str, &str)> = users.map(|user| ("--user", user)).collect();
                    let text = format!("name a second user column{}", patient.cut_at_sign_in(device));
                    Fix::by(text, patient.command("run", &flags))
                }
                None => "name another user column, or several, in input.user (--user)".into(),
            }
        }
        "no_time" => "name another time column in input.time (--time)".into(),
        "time_out_of_range" => {
            "check input.time_unit (--time-unit), or name another time column in input.time (--time); \
                                input.min_time and input.max_time are the bounds"
                .into()
        }
        "duplicates" => "look at input.dedup and input.dedup_within".into(),
        "inactive" => "look at input.inactive".into(),
        "outside_dates" => "look at output.since and output.until".into(),
        "stale_id" => "look at session.max_gap, and at the clocks of devices".into(),
        "no_property" => "name another session.property (--property), or a timeout: --timeout 30m".into(),
        "no_start" => "name more of session.start_event: --start-event may be given again".into(),
        "unclosed" => "set session.unclosed = \"keep\", or name more of session.end_event".into(),
        _ => Fix::by("define sessions by a silence; see which", patient.command("gaps", &[])),
    }
}

/// Events in sessions and not, by reason, type, platform and day.
fn events(patient: &Patient<'_>) -> Finding {
    let standings = patient.exam.standings();
    let (count, all) = (outside(&standings), patient.exam.events());
    let mut causes: Vec<Cause> = outs(patient).filter(|cause| cause.count > 0).collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
    let meaning = match causes.first() {
        None => "All events belong to a session.".to_string(),
        Some(_) if without_id(&standings) * 2 > count => {
            "Most of them carry no session id: they were sent from where no session is known, such as a server."
                .to_string()
        }
        Some(most) => {
            format!("They count for active users but for no session, most of them as {}.", reason(&most.name))
        }
    };
    let fix = causes.first().map(|cause| row_fix(patient, &cause.name)).unwrap_or_default();
    Finding {
        breakdowns: patient.breakdowns(&[Aspect::Platform], outside),
        ..Finding::new(QUESTION, "events_out_of_session", "events that are in no session")
            .counting(count, all, "events")
            .at(Level::of_share(count, all))
            .means(meaning)
            .fixed_by(fix)
            .caused_by(causes)
    }
}

fn reason(name: &str) -> &'static str {
    match name {
        "stale_id" => "their session id is too far from their time",
        "no_property" => "their property has no value",
        "no_start" => "no starting event came before them",
        "unclosed" => "no ending event came after them",
        _ => "they have no session id",
    }
}

/// From sessions to the table.
fn sessions(patient: &Patient<'_>) -> Finding {
    let excluded = patient.exam.case(Case::Excluded).count;
    let outside = patient.exam.sessions_outside;
    let all = patient.exam.sessions + excluded + outside;
    let mut causes = vec![
        patient.cause(Case::Excluded, "excluded", "longer than session.max_length"),
        Cause::new("outside_dates", "start before output.since or after output.until", outside),
    ];
    causes.retain(|cause| cause.count > 0);
    let level = match (patient.exam.sessions, all) {
        (0, 1..) => Level::Warning,
        _ => Level::of_share(excluded, all),
    };
    Finding::new(QUESTION, "sessions_left_out", "sessions that are not in the table")
        .counting(excluded + outside, all, "sessions")
        .at(level)
        .means(match excluded + outside {
            0 if all == 0 => "There are no sessions.",
            0 => "The table has every session.",
            _ => "They were made, and left out of the table for their length or their date.",
        })
        .fixed_by(if excluded >= outside {
            "look at session.max_length (--max-length)"
        } else {
            "look at output.since and output.until"
        })
        .caused_by(causes)
}

/// What valid session ids look like.
fn shapes(patient: &Patient<'_>, unit: TimeUnit) -> Finding {
    let shapes = patient.exam.shapes;
    let all: u64 = shapes.iter().sum();
    let own = Shape::of_unit(unit);
    let others = all - shapes[own as usize];
    let rest = Shape::ALL.into_iter().filter(|shape| *shape != own);
    let mut causes: Vec<Cause> =
        rest.map(|shape| Cause::new(shape.name(), shape.text(), shapes[shape as usize])).collect();
    causes.retain(|cause| cause.count > 0);
    let other_units = Shape::ALL.into_iter().filter(|shape| *shape != own && shape.unit().is_some());
    let other_unit: u64 = other_units.clone().map(|shape| shapes[shape as usize]).sum();
    let starts_at_id = starts_at_id(patient.job);
    let level = match starts_at_id {
        true => Level::of_share(other_unit, all).max(Level::of_share(others, all).min(Level::Notice)),
        false => Level::Fine,
    };
    let most =
        other_units.max_by_key(|shape| shapes[*shape as usize]).filter(|shape| shapes[*shape as usize] * 2 > all);
    let words = unit.plural();
    let fix = match most.and_then(Shape::unit) {
        Some(most) => Fix::by(
            format!("they count {}: say so with session.id_unit, and sessions start at their ids", most.plural()),
            patient.command("run", &[("--id-unit", most.name())]),
        ),
        None if other_unit * 2 > others => Fix::from(
            format!("ids count different units: have all of them sent in {words}, as most libraries set them").as_str(),
        ),
        None => "nothing has to be changed; look at session.max_gap, which cuts such sessions at their first long gap"
            .into(),
    };
    let starts = "A session starts at its first event (session.length_from), whatever its id looks like.";
    Finding::new(QUESTION, "session_id_form", format!("events whose session id is no time in {words}"))
        .counting(others, all, "events with a session id")
        .at(level)
        .means(match (others, all, most) {
            (0, 0, _) => "No event has a valid session id.".to_string(),
            _ if !starts_at_id => starts.to_string(),
            (0, ..) => "All session ids are times, from which sessions start.".to_string(),
            (.., Some(most)) => format!(
                "Most look like {}, and are not taken for times: such a session starts at its first event, not at its id.",
                most.text()
            ),
            _ => format!("A session whose id is no time in {words} starts at its first event, not at its id."),
        })
        .fixed_by(fix)
        .caused_by(causes)
}
