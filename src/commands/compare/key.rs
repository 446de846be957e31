//! An event as one of the definitions sees it: with the roles that its event types have there, grouped by what
//! groups it there, and with its place among the events of its user, by which the other definition knows it too.
//!
//! The place is where facts are, which no definition looks at: it is the last to tell events apart.

use super::sight::Sight;
use crate::sessionize::rows::{FullEvent, PlainEvent, Row, RowKind};

/// What a definition sees of the event at this place that needs nothing but times and event types.
pub(super) fn plain<K: RowKind>(sight: &Sight, event: &Row<K>, place: u32) -> Row<PlainEvent> {
    Row::of_kind(event.time(), sight.event(event.event()), place, PlainEvent)
}

/// What any other definition sees of it.
pub(super) fn full<K: RowKind>(sight: &Sight, event: &Row<K>, place: u32) -> Row<FullEvent> {
    let (_, sequence, _) = event.order();
    let kind = FullEvent::new(
        // Whoever groups by nothing has one group.
        if sight.by_value { event.value() } else { Some(0) },
        if sight.by_sequence { sequence } else { 0 },
        event.unique_id().filter(|_| sight.by_unique_id),
        event.watched(),
    );
    Row::of_kind(event.time(), sight.event(event.event()), place, kind)
}
