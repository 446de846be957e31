//! Rows of the tables as the kernel makes them.

use super::dated::Dated;
use crate::sessionize::event_types::EventKey;
use crate::sessionize::layout::columns::gather;
use crate::sessionize::rows::{Row, RowKind};
use crate::sessionize::rule::{Bounds, EndReason};
use crate::sessionize::time::{Day, Span, Timestamp};

/// A row of the sessions table; users, texts and event types as places in their sorted lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// The user's place in its partition.
    pub user: u32,
    /// The date it starts on.
    pub day: Day,
    /// `session_id`: a number, or under the default definition perhaps the place of a text.
    pub id: i64,
    /// What its group has in common: the session id, the property, or 0.
    pub value: i64,
    /// `start_time`.
    pub start: Timestamp,
    /// `end_time`.
    pub end: Timestamp,
    /// `event_count`.
    pub event_count: u32,
    /// The rank of `first_event`; 0 for none.
    pub first_event: u32,
    /// The rank of `last_event`; 0 for none.
    pub last_event: u32,
    /// `end_reason`.
    pub reason: EndReason,
}

impl SessionRow {
    /// A session of these events, in order. Its id is that of its group, as long as nobody gives it another; `None`
    /// where there are no events.
    pub fn of<T: RowKind>(user: u32, day: Day, events: &[Row<T>], bounds: Bounds) -> Option<Self> {
        let first = events.first()?;
        let value = first.value().unwrap_or(0);
        Some(SessionRow {
            user,
            day,
            id: value,
            value,
            start: bounds.start,
            end: bounds.end,
            event_count: u32::try_from(count(events)).unwrap_or(u32::MAX),
            first_event: first.event().rank(),
            last_event: last_event(events)?.rank(),
            reason: bounds.reason,
        })
    }

    /// How long it lasts.
    pub fn length(&self) -> Span {
        self.end.since(self.start)
    }
}

/// How many events rows stand for.
pub fn count<T: RowKind>(rows: &[Row<T>]) -> usize {
    rows.iter().map(|row| row.count() as usize).sum()
}

/// The type of the last of some events, which are in order.
fn last_event<T: RowKind>(rows: &[Row<T>]) -> Option<EventKey> {
    let last = rows.last()?;
    match last.partial_session() {
        None => Some(last.event()),
        // Partial sessions are in order of their first events.
        Some(_) => rows
            .iter()
            .filter_map(|row| Some((row.end(), row.partial_session()?.last_event)))
            .max()
            .map(|(_, event)| event),
    }
}

/// A row of the activity table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// The user's place in its partition.
    pub user: u32,
    /// The date.
    pub day: Day,
    /// How many events.
    pub events: u32,
    /// In which hours since the date's first instant.
    pub hours: u32,
}

impl Dated for ActivityRow {
    type Kept = Vec<ActivityRow>;
    type Small = ActivityRow;

    fn day(&self) -> Day {
        self.day
    }

    fn user(&self) -> u32 {
        self.user
    }

    fn keep(rows: &[Self], order: &[u32]) -> Vec<ActivityRow> {
        gather(rows, order)
    }

    fn smalls(rows: &Vec<ActivityRow>) -> &[ActivityRow] {
        rows
    }

    fn are_usual(_: &Vec<ActivityRow>) -> bool {
        true
    }

    fn whole(row: ActivityRow, _: Day) -> Self {
        row
    }

    fn kept(rows: &Vec<ActivityRow>, row: usize, _: Day) -> Self {
        rows[row]
    }

    fn user_of(rows: &Vec<ActivityRow>, row: usize) -> u32 {
        rows[row].user
    }

    fn bytes(rows: &Vec<ActivityRow>) -> usize {
        size_of_val(rows.as_slice())
    }
}
