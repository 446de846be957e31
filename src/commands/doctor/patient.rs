//! What the questions look at: the examination, and what it was of.

use super::beside::{Aspect, Beside};
use super::cases::Case;
use super::exam::Exam;
use super::finding::{Breakdown, Cause, Fix, Part, User};
use super::marks::Mark;
use super::quoted::{quoted_name, quoted_value};
use super::sign_ins::SignIns;
use super::standing::{total, Standing, Standings};
use super::Options;
use crate::events::normalise::RowCounts;
use crate::events::source::plan::ReadPlan;
use crate::events::source::roles::KeyType;
use crate::job::dates::day_text;
use crate::job::Job;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::sessionize::time::Span;
use crate::summary::grouped;

/// What the questions look at.
#[derive(Clone, Copy, Debug)]
pub struct Patient<'a> {
    /// The job.
    pub job: &'a Job,
    /// What was read.
    pub plan: &'a ReadPlan,
    /// What became of the rows.
    pub rows: &'a RowCounts,
    /// What the kernel knows.
    pub known: &'a KernelInputs,
    /// What was counted.
    pub exam: &'a Exam,
    /// The columns beside those of a run.
    pub beside: &'a Beside,
    /// What was asked for.
    pub options: &'a Options,
    /// Visits in which the user signs in, where that was asked.
    pub sign_ins: Option<&'a SignIns>,
    /// The gaps that are worth asking about.
    pub gaps: [Span; 2],
    /// How close events of two devices are at once.
    pub at_once: Span,
    /// Whether the definition is the default one.
    pub is_default: bool,
    /// Whether events are grouped by the session id.
    pub by_session_id: bool,
}

/// An event without a type.
const NO_TYPE: &str = "(no event type)";

impl Patient<'_> {
    /// How often something is the case, as a part of a finding.
    pub fn cause(&self, case: Case, name: &str, text: &str) -> Cause {
        let tally = self.exam.case(case);
        let users = tally.top().iter().map(|(count, name)| User { name: name.clone(), count: *count }).collect();
        Cause { users, ..Cause::new(name, text, tally.count) }
    }

    /// The event type at a rank.
    pub fn type_name(&self, rank: usize) -> &str {
        u32::try_from(rank).ok().and_then(|rank| self.known.types.name(rank)).unwrap_or(NO_TYPE)
    }

    /// Counts by event type as parts of a finding, the largest first.
    pub fn causes_by_type(&self, counts: &[u64]) -> Vec<Cause> {
        let some = counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let mut causes: Vec<Cause> =
            some.map(|(rank, count)| Cause::new(self.type_name(rank), self.type_name(rank), *count)).collect();
        causes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(&b.name)));
        causes
    }

    /// Events by type, by the columns of some aspects, and by date: how many `of` them are counted.
    pub fn breakdowns(&self, aspects: &[Aspect], of: fn(&Standings) -> u64) -> Vec<Breakdown> {
        let by_type = self.exam.by_type.iter().enumerate().map(|(rank, standings)| {
            let name = (rank > 0).then(|| self.type_name(rank).to_string());
            part(name, standings, of)
        });
        let mut all = vec![Breakdown { by: "event_type".to_string(), rows: largest_first(by_type) }];
        for aspect in aspects {
            all.extend(self.by_aspect(*aspect, of));
        }
        let days = self.exam.by_day.iter().map(|(day, events)| part(Some(day_text(*day)), &events.standings, of));
        all.push(Breakdown { by: "day".to_string(), rows: days.filter(|part| part.of > 0).collect() });
        all
    }

    /// Events by the column of an aspect; `None` where there is none.
    pub fn by_aspect(&self, aspect: Aspect, of: fn(&Standings) -> u64) -> Option<Breakdown> {
        let place = self.beside.place(aspect)?;
        let values = self.exam.by_aspect.get(place).into_iter().flatten();
        let rows = largest_first(values.map(|(value, standings)| part(value.clone(), standings, of)));
        Some(Breakdown { by: self.beside.column(aspect)?.to_string(), rows })
    }

    /// How many events stand so.
    pub fn standing(&self, standing: Standing) -> u64 {
        self.exam.standings()[standing as usize]
    }

    /// A command over the same events, with these flags.
    pub fn command(&self, command: &str, more: &[(&'static str, &str)]) -> String {
        let more: Vec<_> = more.iter().map(|(flag, value)| (*flag, value.to_string())).collect();
        self.options.words.command(command, &more)
    }

    /// Has more event types count for nothing; those that open or close sessions cannot.
    pub fn inactive<'n>(&self, text: &str, types: impl IntoIterator<Item = &'n str>) -> Fix {
        let custom = self.job.definition.custom();
        let is_boundary = |name: &str| {
            custom.is_some_and(|custom| custom.start_events.iter().chain(&custom.end_events).any(|known| known == name))
        };
        let more: Vec<&str> = types.into_iter().filter(|name| !is_boundary(name)).collect();
        let all = self.job.input.inactive.iter().map(String::as_str).chain(more.iter().copied());
        let flags: Vec<(&'static str, &str)> = all.map(|name| ("--inactive", name)).collect();
        match more.is_empty() {
            true => Fix::from("look at session.start_event and session.end_event: they are what makes these sessions"),
            false => Fix::by(text, self.command("run", &flags)),
        }
    }

    /// A run over the rows for which one more condition is true.
    pub fn run_where(&self, condition: &str) -> String {
        let condition = match self.plan.condition() {
            Some(before) => format!("({before}) AND {condition}"),
            None => condition.to_string(),
        };
        self.command("run", &[("--where", &condition)])
    }

    /// That a second user column cuts visits at sign-in, and how many.
    pub fn cut_at_sign_in(&self, second: &str) -> String {
        match self.sign_ins.filter(|sign_ins| sign_ins.device == second) {
            None => "; a visit in which someone signs in is then cut in two".to_string(),
            Some(SignIns { cut: 0, .. }) => {
                "; a visit in which someone signs in would then be cut in two, but there is none".to_string()
            }
            Some(SignIns { device, cut, of }) => format!(
                "; but who signs in during a visit is two users then, of {device} before and of their own after: that cuts \
                 {} of {} visits in two",
                grouped(*cut),
                grouped(*of)
            ),
        }
    }

    /// The types that only say that a session starts or ends.
    pub fn marked(&self, marks: &[Mark]) -> Vec<&str> {
        let types = (1..=self.known.types.len() as u32).filter_map(|rank| self.known.types.name(rank));
        types.filter(|name| marks.contains(&self.options.marks.mark(name))).collect()
    }

    /// The user column, as conditions spell it, where it is a single one.
    pub fn user_column(&self) -> String {
        quoted_name(self.job.input.user.first().map_or("user_id", String::as_str))
    }

    /// A value of the user column, as conditions spell it.
    pub fn user_value(&self, user: &str) -> String {
        match self.plan.roles.user_type {
            KeyType::Int => user.to_string(),
            _ => quoted_value(user),
        }
    }
}

fn part(value: Option<String>, standings: &Standings, of: fn(&Standings) -> u64) -> Part {
    Part { value, count: of(standings), of: total(standings) }
}

fn largest_first(parts: impl Iterator<Item = Part>) -> Vec<Part> {
    let mut rows: Vec<Part> = parts.filter(|part| part.of > 0).collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then(b.of.cmp(&a.of)).then_with(|| a.value.cmp(&b.value)));
    rows
}
