//! Ids for the sessions of custom definitions.

use std::collections::HashMap;

use super::records::SessionRow;
use crate::sessionize::time::calendar::Calendar;

/// Gives the sessions of one user and a custom definition their ids (SPEC 4, `session_id`): the start in
/// epoch milliseconds, or the next one free on that date, so that (user, id) is unique. Leaves them in
/// order of date and id.
///
/// The sessions of one group come in order.
pub fn identify(sessions: &mut [SessionRow], calendar: &Calendar) {
    let own = |session: &SessionRow| session.start.floor_millis();
    if sessions.windows(2).all(|pair| (pair[0].day, own(&pair[0])) < (pair[1].day, own(&pair[1]))) {
        // As nearly always: nothing is in the way of anything.
        sessions.iter_mut().for_each(|session| session.id = own(session));
        return;
    }
    // Stable: sessions of one group that start together stay in their order.
    sessions.sort_by_key(|session| (session.day, session.start, session.value));
    let mut cursor = calendar.cursor();
    for day in sessions.chunk_by_mut(|a, b| a.day == b.day) {
        let mut overflowed = None;
        for at in 0..day.len() {
            let own = own(&day[at]);
            // Starts ascend, so the ids taken at or after this one's own reach up to the last one given.
            let id = if at == 0 || overflowed.is_some() { own } else { own.max(day[at - 1].id + 1) };
            // A start is within its date; only what was moved may be past its end.
            let mut is_free = || id == own || id < cursor.find(day[at].start).day_end.floor_millis();
            if overflowed.is_none() && is_free() {
                day[at].id = id;
            } else {
                let taken = overflowed.get_or_insert_with(|| Taken::by(&day[..at]));
                day[at].id = taken.largest_free_before(own);
            }
        }
        if overflowed.is_some() {
            day.sort_by_key(|session| session.id);
        }
    }
}

/// The ids that are taken, each with one below it that may be free: what is looked up is made shorter on the way, as many
/// sessions may be at the end of one date.
struct Taken(HashMap<i64, i64>);

impl Taken {
    fn by(sessions: &[SessionRow]) -> Self {
        Taken(sessions.iter().map(|session| (session.id, session.id - 1)).collect())
    }

    /// Takes the largest id up to `own` that is free.
    fn largest_free_before(&mut self, own: i64) -> i64 {
        let (mut free, mut passed) = (own, Vec::new());
        while let Some(below) = self.0.get(&free) {
            passed.push(free);
            free = *below;
        }
        passed.push(free);
        self.0.extend(passed.into_iter().map(|id| (id, free - 1)));
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::rule::EndReason;
    use crate::sessionize::time::calendar::Stretch;
    use crate::sessionize::time::{Day, Timestamp};

    fn ids_of(starts_in_millis: &[i64]) -> Vec<i64> {
        let at = Timestamp::from_millis;
        let stretch = |start, day| Stretch {
            start: at(start),
            day: Day::from_epoch_days(day),
            day_start: at(start),
            day_end: at(start + 10),
        };
        let calendar = Calendar::new(vec![stretch(0, 0), stretch(10, 1)]).expect("in order");
        let mut sessions: Vec<SessionRow> = starts_in_millis
            .iter()
            .map(|start| SessionRow {
                user: 0,
                day: calendar.day_of(at(*start)),
                id: 0,
                value: 0,
                start: at(*start),
                end: at(*start),
                event_count: 1,
                first_event: 0,
                last_event: 0,
                reason: EndReason::Timeout,
            })
            .collect();
        identify(&mut sessions, &calendar);
        sessions.iter().map(|session| session.id).collect()
    }

    #[test]
    fn sessions_that_start_in_one_millisecond_take_the_next_free_ones() {
        assert_eq!(ids_of(&[3, 3, 4, 7]), [3, 4, 5, 7]);
    }

    #[test]
    fn at_the_end_of_a_date_the_largest_free_one_before_is_taken() {
        assert_eq!(ids_of(&[7, 9, 9, 9, 9, 12]), [5, 6, 7, 8, 9, 12]);
    }

    #[test]
    fn many_at_the_end_of_a_date_take_one_after_the_other_before_it() {
        let mut taken = Taken(HashMap::from([(7, 6), (4, 3)]));
        let found: Vec<i64> = [9, 9, 9, 9, 9, 5, 8].map(|own| taken.largest_free_before(own)).to_vec();
        assert_eq!(found, [9, 8, 6, 5, 3, 2, 1]);
    }
}
