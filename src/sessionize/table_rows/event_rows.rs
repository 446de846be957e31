//! Rows of the events table (SPEC 4): every event that counts, with the session it is in, or why it is in none.

use super::added::{AddedValues, Texts};
use super::dated::{day_order, ByDay, Dated};
use super::records::SessionRow;
use crate::sessionize::event_types::EventKey;
use crate::sessionize::facts::FactTable;
use crate::sessionize::layout::columns::gather;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::rule::OutOfSession;
use crate::sessionize::time::calendar::Calendar;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::{Day, Timestamp};

/// What is written of events.
#[derive(Clone, Debug)]
pub struct EventRules {
    /// The dates of events to make rows of.
    pub dates: DateSet,
    /// The dates of sessions that the sessions table holds, whatever run makes them.
    pub session_dates: DateSet,
    /// The values of facts that become columns, in their order.
    pub values: Vec<usize>,
}

/// Why an event is in no session of the sessions table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotInTable {
    /// It is in no session.
    Out(OutOfSession),
    /// Its session is longer than `max_length`.
    Excluded,
    /// Its session's date is not one that the tables hold.
    OutsideBounds,
}

impl NotInTable {
    /// All reasons, in the order of their codes.
    pub const ALL: [NotInTable; OutOfSession::ALL.len() + 2] = {
        let mut all = [NotInTable::Excluded; OutOfSession::ALL.len() + 2];
        let mut at = 0;
        while at < OutOfSession::ALL.len() {
            all[at] = NotInTable::Out(OutOfSession::ALL[at]);
            at += 1;
        }
        all[at + 1] = NotInTable::OutsideBounds;
        all
    };

    /// Its place in [`NotInTable::ALL`].
    pub fn code(self) -> usize {
        match self {
            NotInTable::Out(reason) => reason as usize,
            NotInTable::Excluded => OutOfSession::ALL.len(),
            NotInTable::OutsideBounds => OutOfSession::ALL.len() + 1,
        }
    }

    /// The word of the events table.
    pub fn name(self) -> &'static str {
        match self {
            NotInTable::Out(reason) => reason.name(),
            NotInTable::Excluded => "excluded",
            NotInTable::OutsideBounds => "outside_bounds",
        }
    }
}

/// An event's session in the sessions table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InSession {
    /// `session_id`: a number, or under the default definition perhaps the place of a text.
    pub id: i64,
    /// The session's date.
    pub day: Day,
    /// The event's place in it: 1 for the first.
    pub position: u32,
}

/// A row of the events table; users, texts and event types as places in their sorted lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// The user's place in its partition.
    pub user: u32,
    /// The event's own date.
    pub day: Day,
    /// `event_time`.
    pub time: Timestamp,
    /// The rank of `event_type`; 0 for none.
    pub event: u32,
    /// The session that it is in, or why it is in none of the table.
    pub session: Result<InSession, NotInTable>,
}

impl Dated for EventRow {
    type Kept = Vec<EventRow>;
    type Small = EventRow;

    fn day(&self) -> Day {
        self.day
    }

    fn user(&self) -> u32 {
        self.user
    }

    fn keep(rows: &[Self], order: &[u32]) -> Vec<EventRow> {
        gather(rows, order)
    }

    fn smalls(rows: &Vec<EventRow>) -> &[EventRow] {
        rows
    }

    fn are_usual(_: &Vec<EventRow>) -> bool {
        true
    }

    fn whole(row: EventRow, _: Day) -> Self {
        row
    }

    fn kept(rows: &Vec<EventRow>, row: usize, _: Day) -> Self {
        rows[row]
    }

    fn user_of(rows: &Vec<EventRow>, row: usize) -> u32 {
        rows[row].user
    }

    fn bytes(rows: &Vec<EventRow>) -> usize {
        size_of_val(rows.as_slice())
    }
}

/// The rows of a partition's events, and the columns that the job names.
#[derive(Clone, Debug)]
pub struct EventRows {
    /// The rows, in order of date, user, and what orders a user's events.
    pub rows: ByDay<EventRow>,
    /// The columns.
    pub values: Vec<AddedValues>,
}

impl Default for EventRows {
    fn default() -> Self {
        EventRows { rows: ByDay::in_order(&[], &[]), values: Vec::new() }
    }
}

impl EventRows {
    /// The memory they hold, in bytes; texts count for none.
    pub fn bytes(&self) -> usize {
        self.rows.bytes() + self.values.iter().map(AddedValues::bytes).sum::<usize>()
    }
}

/// Rows of events in the making.
#[derive(Debug)]
pub struct Listing<'a> {
    rules: &'a EventRules,
    table: &'a FactTable,
    rows: Vec<EventRow>,
    values: Vec<AddedValues>,
    of_user: OfUser,
}

/// What is known of a user's events until all of its sessions are.
#[derive(Debug, Default)]
struct OfUser {
    events: Vec<Listed>,
    /// How many sessions of the table were found that the run makes rows of.
    made: usize,
    /// Those that it makes none of.
    others: Vec<SessionRow>,
}

/// An event on its way to the table.
#[derive(Clone, Copy, Debug)]
struct Listed {
    /// What it is grouped by.
    group: Option<i64>,
    order: (Timestamp, i64, EventKey),
    /// The place of its unique id among the distinct ones.
    unique_id: Option<u32>,
    fact: u32,
    session: Result<Found, NotInTable>,
}

/// A session, by its place in the order in which those of its user were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    /// One that the run makes a row of.
    Made(usize),
    /// Another one.
    Other(usize),
}

impl<'a> Listing<'a> {
    /// No rows yet.
    pub fn new(rules: &'a EventRules, table: &'a FactTable, texts: &Texts) -> Self {
        let values = rules.values.iter().map(|value| texts.values_of(*value)).collect();
        Listing { rules, table, rows: Vec::new(), values, of_user: OfUser::default() }
    }

    /// The facts of an event and of a repeat of it as those of one event.
    pub fn facts_of_both(&self, stays: u32, repeat: u32) -> u32 {
        self.table.merged(stays, repeat)
    }

    /// Adds events that are in no session of the table.
    pub fn add_out<T: RowKind>(&mut self, events: &[Row<T>], reason: NotInTable) {
        self.add(events, Err(reason));
    }

    /// Adds the events of a session. `row` is the session, and `is_made` says that the run makes a row of it.
    pub fn add_session<T: RowKind>(&mut self, events: &[Row<T>], row: SessionRow, is_made: bool, is_too_long: bool) {
        if !self.rules.session_dates.holds(row.day) {
            return self.add(events, Err(NotInTable::OutsideBounds));
        }
        if is_too_long {
            return self.add(events, Err(NotInTable::Excluded));
        }
        let of_user = &mut self.of_user;
        let found = if is_made {
            of_user.made += 1;
            Found::Made(of_user.made - 1)
        } else {
            of_user.others.push(row);
            Found::Other(of_user.others.len() - 1)
        };
        self.add(events, Ok(found));
    }

    fn add<T: RowKind>(&mut self, events: &[Row<T>], session: Result<Found, NotInTable>) {
        self.of_user.events.extend(events.iter().map(|event| Listed {
            group: event.value(),
            order: event.order(),
            unique_id: event.unique_id(),
            fact: event.fact(),
            session,
        }));
    }

    /// The sessions of the user that the run makes no rows of, to be given their ids: `user` of each is its place.
    pub fn others(&mut self) -> &mut Vec<SessionRow> {
        &mut self.of_user.others
    }

    /// Makes rows of a user's events, once its sessions have their ids: of both, `user` says in which place each was found.
    pub fn finish_user(&mut self, user: u32, made: &[SessionRow], calendar: &Calendar) {
        let OfUser { mut events, others, .. } = std::mem::take(&mut self.of_user);
        let by_place = |sessions: &[SessionRow]| {
            let mut known = vec![InSession { id: 0, day: Day::from_epoch_days(0), position: 0 }; sessions.len()];
            for session in sessions {
                known[session.user as usize] = InSession { id: session.id, day: session.day, position: 0 };
            }
            known
        };
        // Of each session, the place of the last of its events so far.
        let (mut made, mut others) = (by_place(made), by_place(&others));
        let (table, values) = (self.table, &self.rules.values);
        let values_of = |fact: u32| values.iter().map(|value| table.value(*value, fact)).collect::<Vec<Option<i64>>>();
        // Where a session ends between events that nothing tells apart, which of them is in it is decided by the columns alone.
        for alike in events.chunk_by_mut(|a, b| (a.group, a.order, a.unique_id) == (b.group, b.order, b.unique_id)) {
            if alike.iter().any(|event| event.session != alike[0].session) {
                let mut facts: Vec<u32> = alike.iter().map(|event| event.fact).collect();
                facts.sort_by_key(|fact| values_of(*fact));
                alike.iter_mut().zip(facts).for_each(|(event, fact)| event.fact = fact);
            }
        }
        let last = |event: &Listed| {
            let id = event.session.ok().map(|found| match found {
                Found::Made(place) => made[place].id,
                Found::Other(place) => others[place].id,
            });
            (id, values_of(event.fact))
        };
        events.sort_by(|a, b| (a.order, a.unique_id).cmp(&(b.order, b.unique_id)).then_with(|| last(a).cmp(&last(b))));
        let mut cursor = calendar.cursor();
        for event in &events {
            let session = event.session.map(|found| {
                let session = match found {
                    Found::Made(place) => &mut made[place],
                    Found::Other(place) => &mut others[place],
                };
                session.position += 1;
                *session
            });
            let (time, _, event_key) = event.order;
            let day = cursor.find(time).day;
            if !self.rules.dates.holds(day) {
                continue;
            }
            self.rows.push(EventRow { user, day, time, event: event_key.rank(), session });
            for (value, column) in values.iter().zip(&mut self.values) {
                column.push(table.value(*value, event.fact));
            }
        }
        // Their room is used again.
        events.clear();
        self.of_user.events = events;
    }

    /// Brings the rows into the order of the table.
    pub fn finish(mut self) -> EventRows {
        let order = day_order(&self.rows);
        self.values.iter_mut().for_each(|column| column.reorder(0, &order));
        EventRows { rows: ByDay::in_order(&self.rows, &order), values: self.values }
    }
}
