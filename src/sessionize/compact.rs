//! Sessions as they wait for the last event, in little room: those of all users do.

use super::cut::EndReason;
use super::dated::Dated;
use super::records::SessionRow;
use super::time::{Day, Timestamp};

/// Rows of the sessions table, of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptSessions {
    rows: Vec<KeptSession>,
    /// What the groups have in common, where it is not 0 for all of them.
    values: Option<Vec<i64>>,
    /// The ids, where one of them is not the usual one.
    ids: Option<Vec<i64>>,
}

/// One of them: its date is known otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeptSession {
    start: Timestamp,
    end: Timestamp,
    /// The user, and above it the reason.
    user: u32,
    event_count: u32,
    first_event: u32,
    last_event: u32,
}

impl KeptSession {
    /// The bits of a user's place: no partition has as many users.
    const USER_BITS: u32 = 29;

    fn new(row: &SessionRow) -> Self {
        let SessionRow { start, end, event_count, first_event, last_event, .. } = *row;
        debug_assert!(row.user < 1 << Self::USER_BITS);
        let user = row.user | (row.reason as u32) << Self::USER_BITS;
        KeptSession { start, end, user, event_count, first_event, last_event }
    }

    fn user(&self) -> u32 {
        self.user & ((1 << Self::USER_BITS) - 1)
    }

    fn reason(&self) -> EndReason {
        EndReason::ALL[(self.user >> Self::USER_BITS) as usize]
    }
}

impl KeptSessions {
    fn in_order(rows: &[SessionRow], order: &[u32]) -> Self {
        let of = |number: fn(&SessionRow) -> i64| order.iter().map(|row| number(&rows[*row as usize])).collect();
        let has_values = rows.iter().any(|row| row.value != 0);
        let has_ids = rows.iter().any(|row| row.id != usual_id(row.reason, row.value, row.start));
        KeptSessions {
            rows: order.iter().map(|row| KeptSession::new(&rows[*row as usize])).collect(),
            values: has_values.then(|| of(|row| row.value)),
            ids: has_ids.then(|| of(|row| row.id)),
        }
    }

    fn row(&self, row: usize, day: Day) -> SessionRow {
        let kept = &self.rows[row];
        let KeptSession { start, end, event_count, first_event, last_event, .. } = *kept;
        let (user, reason) = (kept.user(), kept.reason());
        let value = self.values.as_ref().map_or(0, |values| values[row]);
        let id = self.ids.as_ref().map_or_else(|| usual_id(reason, value, start), |ids| ids[row]);
        SessionRow { user, day, id, value, start, end, event_count, first_event, last_event, reason }
    }
}

/// The id of a session, unless another one was in the way: under the default definition, whose sessions all end for one
/// reason, that of the group, else the start.
fn usual_id(reason: EndReason, value: i64, start: Timestamp) -> i64 {
    match reason {
        EndReason::SessionId => value,
        _ => start.floor_millis(),
    }
}

impl Dated for SessionRow {
    type Kept = KeptSessions;

    fn day(&self) -> Day {
        self.day
    }

    fn user(&self) -> u32 {
        self.user
    }

    fn keep(rows: &[Self], order: &[u32]) -> KeptSessions {
        KeptSessions::in_order(rows, order)
    }

    fn kept(rows: &KeptSessions, row: usize, day: Day) -> Self {
        rows.row(row, day)
    }

    fn user_of(rows: &KeptSessions, row: usize) -> u32 {
        rows.rows[row].user()
    }

    fn bytes(rows: &KeptSessions) -> usize {
        let numbers = rows.values.iter().chain(&rows.ids).map(|numbers| size_of_val(numbers.as_slice()));
        size_of_val(rows.rows.as_slice()) + numbers.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::dated::{day_order, ByDay};
    use crate::sessionize::time::Span;
    use proptest::prelude::*;

    /// A user, a date, a time, a number for all else, a reason, and whether it has a value and an id of its own, by how
    /// often sessions do.
    type Told = (u32, i32, i64, u32, usize, (f64, f64));

    fn told() -> impl Strategy<Value = Told> {
        (0u32..9, 0i32..5, any::<i64>(), any::<u32>(), 0usize..6, (0.0..1.0f64, 0.0..1.0f64))
    }

    proptest! {
        #[test]
        fn sessions_come_back_as_they_were(
            // With values and with ids of their own more or less often: for some runs, in none.
            often in (0.0..1.0f64, 0.0..0.3f64).prop_map(|(a, b)| (a.max(0.2) - 0.2, b.max(0.1) - 0.1)),
            of_group in any::<bool>(),
            rows in prop::collection::vec(told(), 0..60),
        ) {
            let session = |(place, told): (usize, &Told)| {
                let (user, day, time, number, reason, by) = *told;
                let start = Timestamp::from_micros(time >> 8);
                let value = if by.0 < often.0 { time } else { 0 };
                let reason = if of_group { EndReason::SessionId } else { EndReason::ALL[reason] };
                let usual = usual_id(reason, value, start);
                SessionRow {
                    user: user + (1 << KeptSession::USER_BITS) - 9,
                    day: Day::from_epoch_days(day),
                    id: if by.1 < often.1 { usual + 1 } else { usual },
                    value,
                    start,
                    end: start.plus(Span::from_micros(i64::from(number))),
                    event_count: number,
                    first_event: number >> 7,
                    last_event: place as u32,
                    reason,
                }
            };
            let rows: Vec<SessionRow> = rows.iter().enumerate().map(session).collect();
            let order = day_order(&rows);
            let kept = ByDay::in_order(&rows, &order);
            let expected: Vec<SessionRow> = order.iter().map(|row| rows[*row as usize]).collect();
            prop_assert_eq!(kept.iter().collect::<Vec<_>>(), expected);
            let of_days = kept.days().flat_map(|day| kept.of_day(day));
            prop_assert!(of_days.zip(kept.iter()).all(|(at, row)| kept.user_of(at) == row.user));
            prop_assert_eq!(kept.len(), rows.len());
        }
    }

    #[test]
    fn a_session_under_a_timeout_takes_half_a_line_of_the_cache() {
        let (start, reason) = (Timestamp::from_millis(1_767_225_600_123), EndReason::Timeout);
        let session = SessionRow {
            user: 1,
            day: Day::from_epoch_days(20_454),
            id: usual_id(reason, 0, start),
            value: 0,
            start,
            end: start,
            event_count: 1,
            first_event: 1,
            last_event: 1,
            reason,
        };
        let bytes = |sessions: &[SessionRow]| ByDay::in_order(sessions, &day_order(sessions)).bytes();
        assert_eq!((bytes(&[session]), bytes(&[session, session])), (32, 64));
        // What is not as usual is there for all of a partition.
        assert_eq!(bytes(&[session, SessionRow { id: session.id + 1, ..session }]), 80);
        assert_eq!(bytes(&[SessionRow { value: 7, ..session }]), 40);
    }
}
