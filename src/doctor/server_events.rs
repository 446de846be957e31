//! Do server-side events carry session ids?

use super::beside::Aspect;
use super::finding::{Breakdown, Finding, Fix, LeftOut, Level, Part, Question};
use super::patient::Patient;
use super::standing::{Standing, Standings};

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
    let value = |part: &Part| part.value.clone().unwrap_or_else(|| "(none)".to_string());
    let without: Vec<String> = by
        .rows
        .iter()
        .filter(|part| part.count as f64 >= part.of as f64 * NEARLY_ALL && part.count > 0)
        .map(value)
        .collect();
    const MOST: usize = 5;
    let named = match without.len() {
        ..=MOST => without.join(", "),
        more => format!("{} and {} others", without[..MOST].join(", "), more - MOST),
    };
    Finding::new(QUESTION, "minus_one", format!("events whose session id is -1, by {}", by.by))
        .counting(count, all, "events")
        .at(Level::of_share(count, all))
        .means(match (count, without.is_empty()) {
            (0, _) => "No event says that it belongs to no session.".to_string(),
            (_, true) => "They come from senders that have session ids on other events.".to_string(),
            (_, false) => format!("Next to no event of {named} carries a session id, as is usual for servers."),
        })
        .fixed_by(Fix::by(
            "send the session id along with such events, or define sessions by a silence",
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
