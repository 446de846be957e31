//! The history of sessions (SPEC 4): the number of each among those of its user, and when the one before ended.

use std::collections::HashMap;

use super::added::AddedValues;
use super::dated::ByDay;
use super::records::SessionRow;
use crate::sessionize::time::Timestamp;

/// The history of a partition's sessions, in the order of their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    numbers: Vec<u32>,
    /// Of those whose number is 1, nothing ended before.
    previous_ends: Vec<Timestamp>,
}

/// A session's place among those of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// 1 for the first.
    pub number: u32,
    /// When the one before ended; `None` for the first.
    pub previous_end: Option<Timestamp>,
}

/// What is known of a user's sessions so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct SoFar {
    count: u32,
    last_end: Timestamp,
}

impl SoFar {
    /// The number of the next session, which ends then.
    pub fn next(&mut self, end: Timestamp) -> Numbered {
        self.count = self.count.saturating_add(1);
        let previous_end = (self.count > 1).then_some(self.last_end);
        self.last_end = end;
        Numbered { number: self.count, previous_end }
    }
}

impl Numbers {
    /// Numbers sessions by user, or by user and values, from 1 on, in order of start and then id.
    pub fn of(sessions: &ByDay<SessionRow>, values: &[AddedValues]) -> Self {
        let mut numbers =
            Numbers { numbers: vec![0; sessions.len()], previous_ends: vec![Timestamp::default(); sessions.len()] };
        let mut whose = Whose { values, known: HashMap::new() };
        let mut so_far: Vec<SoFar> = Vec::new();
        let mut order: Vec<(Timestamp, i64, usize)> = Vec::new();
        for day in sessions.days() {
            let rows = sessions.of_day(day);
            let mut begin = rows.start;
            while begin < rows.end {
                let user = sessions.user_of(begin);
                let end = (begin + 1..rows.end).find(|row| sessions.user_of(*row) != user).unwrap_or(rows.end);
                order.clear();
                // Those that start together and have one id are of different values.
                order.extend((begin..end).map(|row| {
                    let session = sessions.row(day, row);
                    (session.start, session.id, row)
                }));
                order.sort_unstable();
                for (_, _, row) in &order {
                    let of = whose.number(user, *row);
                    if of >= so_far.len() {
                        so_far.resize(of + 1, SoFar::default());
                    }
                    let Numbered { number, previous_end } = so_far[of].next(sessions.row(day, *row).end);
                    numbers.numbers[*row] = number;
                    numbers.previous_ends[*row] = previous_end.unwrap_or_default();
                }
                begin = end;
            }
        }
        numbers
    }

    /// That of a row.
    pub fn get(&self, row: usize) -> Numbered {
        let number = self.numbers[row];
        Numbered { number, previous_end: (number > 1).then_some(self.previous_ends[row]) }
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        size_of_val(self.numbers.as_slice()) + size_of_val(self.previous_ends.as_slice())
    }
}

/// Who sessions are numbered for: a user, or each user and values.
struct Whose<'a> {
    values: &'a [AddedValues],
    known: HashMap<(u32, Vec<Option<i64>>), usize>,
}

impl Whose<'_> {
    fn number(&mut self, user: u32, row: usize) -> usize {
        if self.values.is_empty() {
            return user as usize;
        }
        let next = self.known.len();
        let values = self.values.iter().map(|values| values.place(row)).collect();
        *self.known.entry((user, values)).or_insert(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::rule::EndReason;
    use crate::sessionize::table_rows::dated::day_order;
    use crate::sessionize::time::Day;

    fn session(user: u32, day: i32, id: i64, start: i64, end: i64) -> SessionRow {
        let at = Timestamp::from_micros;
        SessionRow {
            user,
            day: Day::from_epoch_days(day),
            id,
            value: id,
            start: at(start),
            end: at(end),
            event_count: 1,
            first_event: 0,
            last_event: 0,
            reason: EndReason::SessionId,
        }
    }

    fn numbered(rows: &[SessionRow], values: &[AddedValues]) -> Vec<(u32, Option<i64>)> {
        let sessions = ByDay::in_order(rows, &day_order(rows));
        let numbers = Numbers::of(&sessions, values);
        let of = |row| numbers.get(row);
        (0..rows.len()).map(|row| (of(row).number, of(row).previous_end.map(Timestamp::micros))).collect()
    }

    #[test]
    fn sessions_of_a_user_are_numbered_by_their_start_and_then_their_id() {
        // In the order of the table: by date, user and id.
        let rows = [
            session(0, 1, 5, 30, 40),
            session(0, 1, 7, 10, 90),
            session(1, 1, 4, 20, 21),
            session(0, 2, 1, 200, 210),
            session(0, 2, 2, 200, 250),
        ];
        assert_eq!(numbered(&rows, &[]), [(2, Some(90)), (1, None), (1, None), (3, Some(40)), (4, Some(210))]);
    }

    #[test]
    fn sessions_of_each_value_are_numbered_by_themselves() {
        let rows = [session(0, 1, 1, 1, 2), session(0, 1, 2, 3, 4), session(0, 1, 3, 5, 6), session(0, 2, 9, 50, 60)];
        let values = AddedValues::Numbers(vec![Some(7), None, Some(7), None]);
        assert_eq!(numbered(&rows, &[values]), [(1, None), (1, None), (2, Some(2)), (2, Some(4))]);
    }
}
