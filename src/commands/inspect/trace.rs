//! What becomes of each event of a user: the kernel's own steps, with every event's place kept.

use std::collections::HashSet;

use crate::pipeline::kernel_inputs::Known;
use crate::sessionize::aggregate::Rules;
use crate::sessionize::dedup::{drop_duplicates, drop_inactive};
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::order::put_in_order;
use crate::sessionize::rows::{Row, Tie};
use crate::sessionize::rule::{Bounds, OutOfSession, Rule, Segment, Verdict};
use crate::sessionize::table_rows::identify::identify;
use crate::sessionize::table_rows::records::SessionRow;
use crate::sessionize::time::{Span, Timestamp};
use crate::sessionize::visit::{visit_users, IdTimes, UserVisitor};

/// The events of some users, followed.
#[derive(Clone, Debug, Default)]
pub struct Traced {
    /// The users, in ascending order.
    pub users: Vec<TracedUser>,
    /// Their names.
    pub names: Option<KeyColumn>,
    /// Where text is grouped by, the texts.
    pub texts: Option<KeyColumn>,
    /// When each event was, and the rank of its type; by the event's place.
    pub moments: Vec<(Timestamp, u32)>,
}

/// The events of one user; events by their places.
#[derive(Clone, Debug, Default)]
pub struct TracedUser {
    /// The user's place among the names.
    pub user: u32,
    /// All events that count, in order.
    pub events: Vec<usize>,
    /// The sessions, group by group and in order.
    pub sessions: Vec<TracedSession>,
    /// Events in no session.
    pub out: Vec<(usize, OutOfSession)>,
    /// Events that repeat another.
    pub duplicates: Vec<usize>,
    /// Events that count for nothing.
    pub inactive: Vec<usize>,
}

/// A session and its events.
#[derive(Clone, Debug)]
pub struct TracedSession {
    /// The session as the table has it; its id is of no meaning where the table does not have it.
    pub row: SessionRow,
    /// Whether the table has it.
    pub standing: Standing,
    /// Its events, in order.
    pub events: Vec<usize>,
    /// What its group did after it.
    pub then: Then,
}

/// Whether a session is in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is.
    InTable,
    /// It is longer than `max_length`.
    TooLong,
    /// It starts on a date that the tables do not hold.
    OtherDate,
}

impl Standing {
    /// Why it is not in the table.
    pub fn excluded(self) -> Option<&'static str> {
        match self {
            Standing::InTable => None,
            Standing::TooLong => Some("max_length"),
            Standing::OtherDate => Some("date"),
        }
    }
}

/// What comes after a session in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The next event, so long after.
    Event(Span),
    /// No event until the input ends, so long after.
    Nothing(Span),
}

/// Follows the events of all users in these blocks of one partition.
pub fn trace(blocks: &[Block], known: &Known) -> Traced {
    let pieces: Vec<(&Block, usize)> = blocks.iter().map(|block| (block, 0)).collect();
    let events: usize = blocks.iter().map(|block| block.rows(0).len()).sum();
    let mut tracer = Tracer {
        rules: known.rules(),
        latest: known.latest,
        traced: Traced { moments: vec![Default::default(); events], ..Traced::default() },
    };
    let visited = visit_users(&pieces, &known.types, known.rule, &mut tracer);
    let mut traced = tracer.traced;
    if let Some(visited) = visited {
        (traced.names, traced.texts) = (Some(visited.users), visited.texts);
    }
    traced
}

struct Tracer<'r> {
    rules: Rules<'r>,
    latest: Option<Timestamp>,
    traced: Traced,
}

impl UserVisitor for Tracer<'_> {
    fn visit<T: Tie>(&mut self, user: u32, mut events: &mut [Row<T>], ids: &IdTimes) {
        for event in events.iter() {
            self.traced.moments[place(event)] = (event.time(), event.event().rank());
        }
        let mut traced = TracedUser { user, ..TracedUser::default() };
        if let Some(within) = self.rules.dedup_within {
            let all = places(events);
            let kept = drop_duplicates(events, within);
            events = &mut events[..kept];
            traced.duplicates = without(all, events);
        }
        let all = places(events);
        let kept = drop_inactive(events, self.rules.types);
        let events = &mut events[..kept];
        traced.inactive = without(all, events);
        let mut in_order: Vec<&Row<T>> = events.iter().collect();
        in_order.sort_unstable_by_key(|event| (event.moment(), event.fact()));
        traced.events = in_order.iter().map(|event| place(event)).collect();
        put_in_order(events);
        for group in events.chunk_by(|a, b| a.value() == b.value()) {
            self.add_group(&mut traced, group, ids);
        }
        self.name(&mut traced.sessions);
        self.traced.users.push(traced);
    }
}

impl Tracer<'_> {
    fn add_group<T: Tie>(&self, traced: &mut TracedUser, group: &[Row<T>], ids: &IdTimes) {
        self.rules.rule.segments(
            group,
            |id| ids.time_of(id),
            |segment| match segment.verdict {
                Verdict::Session(bounds) => traced.sessions.extend(self.session(group, &segment, bounds)),
                Verdict::Out(reason) => {
                    traced.out.extend(group[segment.events].iter().map(|event| (place(event), reason)));
                }
            },
        );
    }

    /// The session that a segment is; no segment is empty.
    fn session<T: Tie>(&self, group: &[Row<T>], segment: &Segment, bounds: Bounds) -> Option<TracedSession> {
        let events = &group[segment.events.clone()];
        let day = self.rules.calendar.day_of(bounds.start);
        let row = SessionRow::of(0, day, events, bounds)?;
        let standing = if !self.rules.dates.holds(day) {
            Standing::OtherDate
        } else if self.rules.max_length.is_some_and(|limit| row.length() > limit) {
            Standing::TooLong
        } else {
            Standing::InTable
        };
        let then = match group.get(segment.events.end) {
            Some(next) => Then::Event(next.time().since(bounds.end)),
            None => Then::Nothing(self.latest.unwrap_or(bounds.end).since(bounds.end)),
        };
        Some(TracedSession { row, standing, events: places(events), then })
    }

    /// Gives the sessions of a user the ids that the table has.
    fn name(&self, sessions: &mut [TracedSession]) {
        let Rule::Custom(_) = self.rules.rule else { return };
        let in_table = sessions.iter().enumerate().filter(|(_, session)| session.standing == Standing::InTable);
        // Meanwhile `user` says which session it is: they are all of one.
        let mut rows: Vec<SessionRow> =
            in_table.map(|(place, session)| SessionRow { user: place as u32, ..session.row }).collect();
        identify(&mut rows, self.rules.calendar);
        for row in rows {
            sessions[row.user as usize].row.id = row.id;
        }
    }
}

fn place<T: Tie>(event: &Row<T>) -> usize {
    event.fact() as usize
}

fn places<T: Tie>(events: &[Row<T>]) -> Vec<usize> {
    events.iter().map(place).collect()
}

/// The places that are not those of `events`.
fn without<T: Tie>(all: Vec<usize>, events: &[Row<T>]) -> Vec<usize> {
    if all.len() == events.len() {
        return Vec::new();
    }
    let left: HashSet<usize> = events.iter().map(place).collect();
    let mut gone: Vec<usize> = all.into_iter().filter(|place| !left.contains(place)).collect();
    gone.sort_unstable();
    gone
}
