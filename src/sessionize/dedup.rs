//! Drops events that repeat an earlier one, and those of inactive types (SPEC 2, steps 3 and 4).

use std::collections::HashMap;

use super::event_types::EventTypes;
use super::rows::{Row, RowKind};
use super::time::{Span, Timestamp};

/// Drops the events of one user that repeat an earlier event's unique id within `within`
/// (SPEC 2, step 3), and returns how many stay: they are the first, in order of time.
///
/// An event is compared with the one before it that has its id, whether that one stayed or not: so
/// whether it is dropped depends on no event further away than `within`. `dropped` gets each that leaves, and the one that
/// stays where nothing that orders events tells the two apart.
pub fn drop_duplicates<T: RowKind>(
    events: &mut [Row<T>],
    within: Span,
    mut dropped: impl FnMut(&Row<T>, Option<&mut Row<T>>),
) -> usize {
    // Among events that are equal in all that orders them, the one of the smallest value stays; what is looked at of them
    // besides is for whoever gets to know of both.
    events.sort_unstable_by_key(|row| (row.order(), row.unique_id(), row.value(), row.fact()));
    let mut last_seen: HashMap<u32, Timestamp> = HashMap::new();
    let mut stays = |row: &Row<T>| {
        let Some(id) = row.unique_id() else { return true };
        match last_seen.insert(id, row.time()) {
            Some(earlier) => row.time().since(earlier) > within,
            None => true,
        }
    };
    let mut kept = 0;
    for at in 0..events.len() {
        let row = events[at];
        if stays(&row) {
            events[kept] = row;
            kept += 1;
            continue;
        }
        // Those of one id and place come one after the other.
        let last = events[..kept].last_mut();
        let mut same = last.filter(|last| last.unique_id() == row.unique_id() && last.order() == row.order());
        if let Some(stays) = &mut same {
            stays.set_class(stays.event().class().min(row.event().class()));
        }
        dropped(&row, same);
    }
    kept
}

/// Drops inactive events (SPEC 2, step 4) and returns how many stay: they are the first, in the order they had.
pub fn drop_inactive<T: RowKind>(events: &mut [Row<T>], types: &EventTypes, mut dropped: impl FnMut(&Row<T>)) -> usize {
    if !types.any_inactive() {
        return events.len();
    }
    let mut kept = 0;
    for at in 0..events.len() {
        let row = events[at];
        if types.is_inactive(row.event()) {
            dropped(&row);
        } else {
            events[kept] = row;
            kept += 1;
        }
    }
    kept
}
