//! What an examination knows of all events, and how partitions' knowledge is put together.

use std::collections::BTreeMap;

use super::beside::Beside;
use super::cases::{Case, Tally};
use super::id_kind::Shape;
use super::marks::Mark;
use super::senders::{BySender, EndersByPlatform};
use super::standing::{add, total, Standings};
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::sessionize::time::{Day, Span, Timestamp};

/// How many days late an event can be, each counted; later ones are counted together.
pub const LATEST: usize = 31;

/// What is examined, besides the events.
#[derive(Clone, Copy, Debug)]
pub struct Examination<'a> {
    /// What the kernel knows.
    pub known: &'a KernelInputs,
    /// The columns beside those of a run.
    pub beside: &'a Beside,
    /// Whether events are grouped by the session id, so that its kind is known.
    pub by_session_id: bool,
    /// What each event type says, by its rank.
    pub marks: &'a [Mark],
    /// Gaps that are worth asking about: above the first, and above the second.
    pub gaps: [Span; 2],
    /// The events of two devices this close to each other are at once.
    pub at_once: Span,
    /// Later events have not happened yet.
    pub now: Timestamp,
}

/// Sessions and events in numbers. Merging is addition; the default changes nothing.
#[derive(Clone, Debug, Default)]
pub struct Exam {
    /// Events dropped as duplicates.
    pub duplicates: u64,
    /// Events whose own date is outside of the dates asked about.
    pub outside_window: u64,
    /// Sessions in the tables.
    pub sessions: u64,
    /// Sessions that start on other dates than those asked about.
    pub sessions_outside: u64,
    /// Inactive events by type.
    pub inactive: Vec<u64>,
    /// Sessions that there would be if inactive events counted, by the type of the first of them.
    pub inactive_sessions: Vec<u64>,
    /// Events by type and where they stand; the first are those without a type.
    pub by_type: Vec<Standings>,
    /// Events by date.
    pub by_day: BTreeMap<Day, OfDay>,
    /// Events by the values of each column beside those of a run.
    pub by_aspect: Vec<BTreeMap<Option<String>, Standings>>,
    /// Sessions by the values of each column beside those of a run, those of their first event.
    pub by_sender: Vec<BySender>,
    /// What ended gaps above the first limit, by platform.
    pub enders_by_platform: EndersByPlatform,
    /// Events with a valid session id by what it looks like.
    pub shapes: [u64; Shape::ALL.len()],
    /// Sessions with a gap above each limit, by the type of the event that ended their longest.
    pub gap_enders: [Vec<u64>; 2],
    /// Events by days between their date and that of their arrival: earlier, none, one and so on, and more.
    pub late: Vec<u64>,
    /// What was counted user by user.
    pub cases: Vec<Tally<String>>,
}

/// The events of a date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfDay {
    /// By where they stand.
    pub standings: Standings,
    /// Those that arrived on a later date.
    pub late: u64,
}

impl Exam {
    /// What was counted user by user.
    pub fn case(&self, case: Case) -> Tally<String> {
        self.cases.get(case as usize).cloned().unwrap_or_default()
    }

    /// All events on the dates asked about, by where they stand.
    pub fn standings(&self) -> Standings {
        let mut all = Standings::default();
        self.by_type.iter().for_each(|of_type| add(&mut all, of_type));
        all
    }

    /// All events on the dates asked about.
    pub fn events(&self) -> u64 {
        total(&self.standings())
    }

    /// All inactive events.
    pub fn inactive_total(&self) -> u64 {
        self.inactive.iter().sum()
    }

    /// Sessions of no length.
    pub fn zero_length(&self) -> u64 {
        [Case::SingleEvent, Case::OnlyStart, Case::OneTime, Case::ClockSkew, Case::StartAsTime]
            .iter()
            .map(|case| self.case(*case).count)
            .sum()
    }

    /// Adds what another partition came to.
    pub fn merge(&mut self, other: Exam) {
        self.duplicates += other.duplicates;
        self.outside_window += other.outside_window;
        self.sessions += other.sessions;
        self.sessions_outside += other.sessions_outside;
        add_each(&mut self.inactive, &other.inactive);
        add_each(&mut self.inactive_sessions, &other.inactive_sessions);
        self.by_type.resize(self.by_type.len().max(other.by_type.len()), Standings::default());
        self.by_type.iter_mut().zip(&other.by_type).for_each(|(mine, theirs)| add(mine, theirs));
        for (day, theirs) in other.by_day {
            self.by_day.entry(day).or_default().merge(&theirs);
        }
        self.by_aspect.resize_with(self.by_aspect.len().max(other.by_aspect.len()), BTreeMap::new);
        for (mine, theirs) in self.by_aspect.iter_mut().zip(other.by_aspect) {
            theirs.into_iter().for_each(|(value, standings)| add(mine.entry(value).or_default(), &standings));
        }
        self.by_sender.resize_with(self.by_sender.len().max(other.by_sender.len()), BTreeMap::new);
        for (mine, theirs) in self.by_sender.iter_mut().zip(other.by_sender) {
            theirs.into_iter().for_each(|(value, tally)| mine.entry(value).or_default().add(&tally));
        }
        for (platform, enders) in other.enders_by_platform {
            add_each(self.enders_by_platform.entry(platform).or_default(), &enders);
        }
        add_each_fixed(&mut self.shapes, &other.shapes);
        self.gap_enders.iter_mut().zip(&other.gap_enders).for_each(|(mine, theirs)| add_each(mine, theirs));
        add_each(&mut self.late, &other.late);
        self.cases.resize_with(self.cases.len().max(other.cases.len()), Tally::default);
        self.cases.iter_mut().zip(other.cases).for_each(|(mine, theirs)| mine.merge(theirs));
    }
}

impl OfDay {
    /// Adds more events of the date.
    pub fn merge(&mut self, other: &OfDay) {
        add(&mut self.standings, &other.standings);
        self.late += other.late;
    }
}

fn add_each(to: &mut Vec<u64>, more: &[u64]) {
    to.resize(to.len().max(more.len()), 0);
    add_each_fixed(to, more);
}

fn add_each_fixed(to: &mut [u64], more: &[u64]) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to += more);
}
