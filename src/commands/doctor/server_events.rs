//! Do server-side events carry session ids?

use super::beside::Aspect;
use super::by_sender::Senders;
use super::finding::{Breakdown, Finding, Fix, LeftOut, Level, Part, Question};
use super::patient::Patient;
use super::standing::{Standing, Standings};
use super::zero_length::of_senders;

const QUESTION: Question = Question::ServerEvents;
/// Where this share of a value's events has no id, none of its events is meant to have one.
const NEARLY_ALL: f64 = 0.99;

/// Asks it.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>, left_out: &mut Vec<LeftOut>) {
    let not = |why: &str| LeftOut { question: QUESTION, what: "session ids by sender", why: why.to_string() };
    if !patient.by_session_id {
        left_out.push(not("the definition does not use session ids"));
        return;
    }
    let aspects = [Aspect::Library, Aspect::Source, Aspect::Platform];
    let columns = aspects.into_iter().filter_map(|aspect| patient.by_aspect(aspect, minus_one));
    let before = findings.len();
    findings.extend(columns.map(|by| of_column(patient, by)));
    if findings.len() == before {
        left_out.push(not("no column says what sent an event; name one with --library, --source-column or --platform"));
    }
}

fn minus_one(standings: &Standings) -> u64 {
    standings[Standing::MinusOne as usize]
}

fn of_column(patient: &Patient<'_>, by: Breakdown) -> Finding {
    let (count, all) = (patient.standing(Standing::MinusOne), patient.exam.events());
    let nearly_all = |part: &Part| part.count > 0 && part.count as f64 >= part.of as f64 * NEARLY_ALL;
    let without = Senders::of(&by, nearly_all);
    let most_of = Senders::of(&by, |part| part.count > 0 && part.count * 2 >= part.of);
    let of_most = most_of.as_ref().map_or(Level::Fine, |senders| of_senders(senders.count, all));
    Finding::new(QUESTION, "minus_one", format!("events whose session id is -1, by {}", by.by))
        .counting(count, all, "events")
        .at(Level::of_share(count, all).max(of_most))
        .means(match (count, &without, &most_of) {
            (0, ..) => "No event says that it belongs to no session.".to_string(),
            (_, Some(senders), _) => format!(
                "Next to no event of {} carries a session id, as is usual for servers, which do not know that of the \
                 user's device.",
                senders.named()
            ),
            (_, None, Some(senders)) => format!(
                "Most events of {} carry no session id: they are sent from where that of the user's device is not known.",
                senders.named()
            ),
            (_, None, None) => "They come from senders that have session ids on other events.".to_string(),
        })
        .fixed_by(Fix::by(
            match &most_of {
                Some(senders) => format!(
                    "pass the device's session id along with such events; or leave them out by input.where: {}; or define \
                     sessions by a silence, and see which",
                    senders.left_out()
                ),
                None => "send the session id along with such events, or define sessions by a silence".to_string(),
            },
            patient.command("gaps", &[]),
        ))
        .broken_down(by)
}

impl Finding {
    fn broken_down(mut self, by: Breakdown) -> Self {
        self.breakdowns.push(by);
        self
    }
}
