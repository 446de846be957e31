//! Sessions as they wait until all partitions are made, in little room: those of all users do.

use super::dated::Dated;
use super::records::SessionRow;
use crate::sessionize::rule::EndReason;
use crate::sessionize::time::{Day, TimeUnit, Timestamp};

/// Rows of the sessions table, of a partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptSessions {
    rows: Vec<KeptSession>,
    /// What the events of each have in common, where it is not the usual value.
    values: Unusual,
    /// The ids, where they are not the usual ones.
    ids: Unusual,
}

/// Numbers of rows that follow from the rest of most of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Unusual {
    /// Those of the few rows of which they do not, and which rows these are, in their order.
    Few(Vec<(u32, i64)>),
    /// Those of all rows.
    All(Vec<i64>),
}

impl Default for Unusual {
    fn default() -> Self {
        Unusual::Few(Vec::new())
    }
}

impl Unusual {
    /// One of this many rows, at most, is looked for among a few.
    const FEW: usize = 16;

    /// The numbers of rows in this order, and what is usual for each.
    fn in_order(
        rows: &[SessionRow],
        order: &[u32],
        number: fn(&SessionRow) -> i64,
        usual: fn(&SessionRow) -> i64,
    ) -> Self {
        let is_unusual = |row: &&SessionRow| number(row) != usual(row);
        let in_order = || order.iter().map(|row| &rows[*row as usize]);
        match rows.iter().filter(is_unusual).count() {
            0 => Unusual::default(),
            few if few <= rows.len() / Self::FEW => {
                let unusual = (0..).zip(in_order()).filter(|(_, row)| is_unusual(row));
                Unusual::Few(unusual.map(|(at, row)| (at, number(row))).collect())
            }
            _ => Unusual::All(in_order().map(number).collect()),
        }
    }

    /// That of a row; `None` where it is the usual one.
    fn get(&self, row: usize) -> Option<i64> {
        match self {
            Unusual::Few(few) => {
                let place = few.binary_search_by_key(&row, |(at, _)| *at as usize).ok()?;
                Some(few[place].1)
            }
            Unusual::All(all) => Some(all[row]),
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Unusual::Few(few) if few.is_empty())
    }

    fn bytes(&self) -> usize {
        match self {
            Unusual::Few(few) => size_of_val(few.as_slice()),
            Unusual::All(all) => size_of_val(all.as_slice()),
        }
    }
}

/// One of them, but for its value and its id where they are not the usual ones: its date is known otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptSession {
    start: Timestamp,
    end: Timestamp,
    /// The user, and above it the form.
    user: u32,
    event_count: u32,
    first_event: u32,
    last_event: u32,
}

impl KeptSession {
    /// The bits of a user's place: no partition has as many users.
    const USER_BITS: u32 = 28;

    fn new(row: &SessionRow) -> Self {
        let SessionRow { start, end, event_count, first_event, last_event, .. } = *row;
        debug_assert!(row.user < 1 << Self::USER_BITS);
        let user = row.user | Form::of(row).bits() << Self::USER_BITS;
        KeptSession { start, end, user, event_count, first_event, last_event }
    }

    fn user(&self) -> u32 {
        self.user & ((1 << Self::USER_BITS) - 1)
    }

    fn form(&self) -> Form {
        Form::ALL[(self.user >> Self::USER_BITS) as usize]
    }

    fn whole(self, day: Day) -> SessionRow {
        let KeptSession { start, end, event_count, first_event, last_event, .. } = self;
        let (user, form) = (self.user(), self.form());
        let (value, reason) = (form.usual_value(start), form.reason);
        let id = usual_id(reason, value, start);
        SessionRow { user, day, id, value, start, end, event_count, first_event, last_event, reason }
    }
}

impl KeptSessions {
    fn in_order(rows: &[SessionRow], order: &[u32]) -> Self {
        KeptSessions {
            rows: order.iter().map(|row| KeptSession::new(&rows[*row as usize])).collect(),
            values: Unusual::in_order(rows, order, |row| row.value, Form::usual_value_of),
            ids: Unusual::in_order(rows, order, |row| row.id, |row| usual_id(row.reason, row.value, row.start)),
        }
    }

    fn row(&self, row: usize, day: Day) -> SessionRow {
        let usual = self.rows[row].whole(day);
        let value = self.values.get(row).unwrap_or(usual.value);
        let id = self.ids.get(row).unwrap_or_else(|| usual_id(usual.reason, value, usual.start));
        SessionRow { id, value, ..usual }
    }
}

/// Why a session ended and, under the default definition, whose sessions all end for one reason, in which unit its id is
/// its start, if it is in one of these: an id in nanoseconds is finer than any start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    reason: EndReason,
    unit: TimeUnit,
}

impl Form {
    /// All of them, by their bits: those in milliseconds first, in the order of their reasons.
    const ALL: [Form; 10] = {
        const fn millis(reason: EndReason) -> Form {
            Form { reason, unit: TimeUnit::Millis }
        }
        const fn id(unit: TimeUnit) -> Form {
            Form { reason: EndReason::SessionId, unit }
        }
        let [session_id, property, end_event, timeout, midnight, change, start_event, end_of_data] = EndReason::ALL;
        [
            millis(session_id),
            millis(property),
            millis(end_event),
            millis(timeout),
            millis(midnight),
            millis(change),
            millis(start_event),
            millis(end_of_data),
            id(TimeUnit::Seconds),
            id(TimeUnit::Micros),
        ]
    };

    fn of(row: &SessionRow) -> Self {
        Form { reason: row.reason, unit: Self::unit_of_start(row).unwrap_or_default() }
    }

    /// The unit in which the id of a session is its start, under the default definition.
    #[inline]
    fn unit_of_start(row: &SessionRow) -> Option<TimeUnit> {
        let SessionRow { reason, value, start, .. } = *row;
        let units = [TimeUnit::Millis, TimeUnit::Seconds, TimeUnit::Micros].into_iter();
        units.filter(|_| reason == EndReason::SessionId).find(|unit| unit.is_count(value, start))
    }

    /// What is usual for a row of its form: as [`Form::usual_value`], without a division where the row has it.
    fn usual_value_of(row: &SessionRow) -> i64 {
        match Self::unit_of_start(row) {
            Some(_) => row.value,
            None => Form::of(row).usual_value(row.start),
        }
    }

    fn bits(self) -> u32 {
        match self.unit {
            TimeUnit::Seconds => 8,
            TimeUnit::Micros => 9,
            _ => self.reason as u32,
        }
    }

    /// What the events of a session have in common, unless it is another number: its id, where that is its start; else
    /// nothing.
    fn usual_value(self, start: Timestamp) -> i64 {
        match self.reason {
            EndReason::SessionId => self.unit.count(start).unwrap_or_default(),
            _ => 0,
        }
    }
}

/// The id of a session, unless another one was in the way: under the default definition that of the group, else the start.
fn usual_id(reason: EndReason, value: i64, start: Timestamp) -> i64 {
    match reason {
        EndReason::SessionId => value,
        _ => start.floor_millis(),
    }
}

impl Dated for SessionRow {
    type Kept = KeptSessions;
    type Small = KeptSession;

    fn day(&self) -> Day {
        self.day
    }

    fn user(&self) -> u32 {
        self.user
    }

    fn keep(rows: &[Self], order: &[u32]) -> KeptSessions {
        KeptSessions::in_order(rows, order)
    }

    fn smalls(rows: &KeptSessions) -> &[KeptSession] {
        &rows.rows
    }

    fn are_usual(rows: &KeptSessions) -> bool {
        [&rows.values, &rows.ids].iter().all(|numbers| numbers.is_empty())
    }

    fn whole(small: KeptSession, day: Day) -> Self {
        small.whole(day)
    }

    fn kept(rows: &KeptSessions, row: usize, day: Day) -> Self {
        rows.row(row, day)
    }

    fn user_of(rows: &KeptSessions, row: usize) -> u32 {
        rows.rows[row].user()
    }

    fn bytes(rows: &KeptSessions) -> usize {
        size_of_val(rows.rows.as_slice()) + rows.values.bytes() + rows.ids.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::table_rows::dated::{day_order, ByDay};
    use crate::sessionize::time::Span;
    use proptest::prelude::*;

    /// A user, a date, a time, a number for all else, a form, and whether it has a value and an id of its own, by how
    /// often sessions do.
    type Told = (u32, i32, i64, u32, usize, (f64, f64));

    fn told() -> impl Strategy<Value = Told> {
        (0u32..9, 0i32..5, any::<i64>(), any::<u32>(), 0usize..Form::ALL.len(), (0.0..1.0f64, 0.0..1.0f64))
    }

    #[test]
    fn forms_are_told_by_their_bits() {
        for (bits, form) in (0..).zip(Form::ALL) {
            assert_eq!(form.bits(), bits);
        }
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
                let (user, day, time, number, form, by) = *told;
                let start = Timestamp::from_micros(time >> 8);
                let of_id = Form { reason: EndReason::SessionId, unit: Form::ALL[form].unit };
                let form = if of_group { of_id } else { Form::ALL[form] };
                let reason = form.reason;
                let value = if by.0 < often.0 { time } else { form.usual_value(start) };
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
    fn a_session_takes_half_a_line_of_the_cache() {
        let start = Timestamp::from_millis(1_767_225_600_000);
        let session = |form: Form| SessionRow {
            user: 1,
            day: Day::from_epoch_days(20_454),
            id: usual_id(form.reason, form.usual_value(start), start),
            value: form.usual_value(start),
            start,
            end: start,
            event_count: 1,
            first_event: 1,
            last_event: 1,
            reason: form.reason,
        };
        let bytes = |sessions: &[SessionRow]| ByDay::in_order(sessions, &day_order(sessions)).bytes();
        for usual in Form::ALL.map(session) {
            assert_eq!((bytes(&[usual]), bytes(&[usual; 2])), (32, 64));
            // What is not as usual is there by itself where it is rare, else for all of a partition.
            let other_id = SessionRow { id: usual.id + 1, ..usual };
            assert_eq!((bytes(&[usual, other_id]), bytes(&[[usual; 16].as_slice(), &[other_id]].concat())), (80, 560));
            assert_eq!(
                bytes(&[SessionRow { value: 7, id: 7, ..usual }]),
                if usual.reason == EndReason::SessionId { 40 } else { 48 }
            );
        }
    }
}
