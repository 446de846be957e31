//! What becomes of each event of a user: the kernel's own steps, with every event's place kept.

use crate::pipeline::kernel_inputs::KernelInputs;
use crate::sessionize::layout::block::Block;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::rule::{OutOfSession, Rule};
use crate::sessionize::table_rows::identify::identify;
use crate::sessionize::table_rows::records::SessionRow;
use crate::sessionize::time::{Span, Timestamp};
use crate::sessionize::user::{walk_user, Rules, Session, Sink, TableStanding};
use crate::sessionize::visit::{visit_users, IdTimes, UserVisitor};
use crate::sessionize::watched::WatchedTable;

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
    pub standing: TableStanding,
    /// Its events, in order.
    pub events: Vec<usize>,
    /// What its group did after it.
    pub then: Then,
}

/// Why a session is not in the table.
pub fn excluded(standing: TableStanding) -> Option<&'static str> {
    match standing {
        TableStanding::InTable => None,
        TableStanding::TooLong => Some("max_length"),
        TableStanding::OtherDate => Some("date"),
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
pub fn trace(blocks: &[Block], known: &KernelInputs) -> Traced {
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
    fn visit<T: RowKind>(&mut self, user: u32, events: &mut [Row<T>], ids: &IdTimes, watched: &WatchedTable) {
        for event in events.iter() {
            self.traced.moments[place(event)] = (event.time(), event.event().rank());
        }
        let mut of_user = OfUser { traced: TracedUser { user, ..TracedUser::default() }, latest: self.latest };
        walk_user(&self.rules.watching(watched), events, &|id| ids.time_of(id), &mut of_user);
        let mut traced = of_user.traced;
        traced.duplicates.sort_unstable();
        traced.inactive.sort_unstable();
        self.name(&mut traced.sessions);
        self.traced.users.push(traced);
    }
}

/// Follows the events of one user.
struct OfUser {
    traced: TracedUser,
    latest: Option<Timestamp>,
}

impl<T: RowKind> Sink<T> for OfUser {
    fn duplicate(&mut self, event: &Row<T>) {
        self.traced.duplicates.push(place(event));
    }

    fn inactive(&mut self, event: &Row<T>) {
        self.traced.inactive.push(place(event));
    }

    fn counted(&mut self, events: &[Row<T>]) {
        let mut in_order: Vec<&Row<T>> = events.iter().collect();
        in_order.sort_unstable_by_key(|event| (event.order(), event.unique_id(), event.value(), event.fact()));
        self.traced.events = in_order.into_iter().map(place).collect();
    }

    fn out_of_session(&mut self, events: &[Row<T>], reason: OutOfSession) {
        self.traced.out.extend(events.iter().map(|event| (place(event), reason)));
    }

    fn session(&mut self, session: Session<'_, T>) {
        let Session { events, after, bounds, day, standing } = session;
        let Some(row) = SessionRow::of(0, day, events, bounds) else { return };
        let then = match after.first() {
            Some(next) => Then::Event(next.time().since(bounds.end)),
            None => Then::Nothing(self.latest.unwrap_or(bounds.end).since(bounds.end)),
        };
        self.traced.sessions.push(TracedSession { row, standing, events: events.iter().map(place).collect(), then });
    }
}

impl Tracer<'_> {
    /// Gives the sessions of a user the ids that the table has.
    fn name(&self, sessions: &mut [TracedSession]) {
        let Rule::Custom(_) = self.rules.rule else { return };
        let in_table = sessions.iter().enumerate().filter(|(_, session)| session.standing == TableStanding::InTable);
        // Meanwhile `user` says which session it is: they are all of one.
        let mut rows: Vec<SessionRow> =
            in_table.map(|(place, session)| SessionRow { user: place as u32, ..session.row }).collect();
        identify(&mut rows, self.rules.calendar);
        for row in rows {
            sessions[row.user as usize].row.id = row.id;
        }
    }
}

fn place<T: RowKind>(event: &Row<T>) -> usize {
    event.fact() as usize
}
