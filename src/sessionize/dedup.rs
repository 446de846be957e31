//! Step 4: events that repeat an earlier one, and events that count for nothing, leave.

use std::collections::HashMap;

use super::event_types::EventTypes;
use super::rows::{Row, RowKey};
use super::time::{Span, Timestamp};

/// Drops the events of one user that repeat an earlier event's unique id within `within`
/// (SPEC 2, step 3), and returns how many stay: they are the first, in order of time.
///
/// An event is compared with the one before it that has its id, whether that one stayed or not: so
/// whether it is dropped depends on no event further away than `within`.
pub fn drop_duplicates<T: RowKey>(events: &mut [Row<T>], within: Span, dropped: impl FnMut(&Row<T>)) -> usize {
    // Among events that are equal in all that orders them, the one of the smallest value stays.
    events.sort_unstable_by_key(|row| (row.moment(), row.value(), row.fact()));
    let mut last_seen: HashMap<u32, Timestamp> = HashMap::new();
    let stays = |row: &Row<T>| {
        let Some(id) = row.unique_id() else { return true };
        match last_seen.insert(id, row.time()) {
            Some(earlier) => row.time().since(earlier) > within,
            None => true,
        }
    };
    keep(events, stays, dropped)
}

/// Drops inactive events (SPEC 2, step 4) and returns how many stay: they are the first, in the order they had.
pub fn drop_inactive<T: RowKey>(events: &mut [Row<T>], types: &EventTypes, dropped: impl FnMut(&Row<T>)) -> usize {
    if !types.any_inactive() {
        return events.len();
    }
    keep(events, |row| !types.is_inactive(row.event()), dropped)
}

/// Moves the rows that `stays` holds for to the front, in order, and returns how many they are; `dropped` gets the others.
fn keep<T: RowKey>(
    events: &mut [Row<T>],
    mut stays: impl FnMut(&Row<T>) -> bool,
    mut dropped: impl FnMut(&Row<T>),
) -> usize {
    let mut kept = 0;
    for at in 0..events.len() {
        let row = events[at];
        if stays(&row) {
            events[kept] = row;
            kept += 1;
        } else {
            dropped(&row);
        }
    }
    kept
}
