//! An event as one of the definitions sees it: with the roles that its event types have there, grouped by what
//! groups it there, and with its place among the events of its user, by which the other definition knows it too.

use super::sight::Sight;
use crate::sessionize::event_types::EventKey;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::rows::{FullKey, Grouped, Row, RowKey, Source};

/// A row key that a definition makes of an event as it was read.
pub(super) trait SideKey: RowKey {
    /// What `sight` sees of the event at this place among those of its user.
    fn see<T: RowKey>(sight: &Sight, event: &Row<T>, place: u32) -> Self;
}

/// For definitions that need nothing but times and event types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Light {
    event: EventKey,
    // Last, so that it decides nothing but the order of events that are equal in all that counts.
    place: u32,
}

impl RowKey for Light {
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self {
        Light { event: EventKey::read(source, row, ids), place: 0 }
    }

    fn event(self) -> EventKey {
        self.event
    }

    fn order(self) -> (i64, EventKey) {
        (0, self.event)
    }

    fn fact(self) -> u32 {
        self.place
    }

    fn with_class(self, class: u32) -> Self {
        Light { event: self.event.with_class(class), ..self }
    }

    fn with_fact(self, place: u32) -> Self {
        Light { place, ..self }
    }
}

impl SideKey for Light {
    fn see<T: RowKey>(sight: &Sight, event: &Row<T>, place: u32) -> Self {
        Light { event: sight.event(event.event()), place }
    }
}

/// For all others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whole {
    sequence: i64,
    event: EventKey,
    unique_id: Option<u32>,
    value: Option<i64>,
    watched: u32,
    place: u32,
}

impl RowKey for Whole {
    fn read(source: &Source<'_>, row: usize, ids: &mut Interner) -> Self {
        let key = Grouped::<FullKey>::read(source, row, ids);
        let (sequence, event) = key.order();
        Whole { sequence, event, unique_id: key.unique_id(), value: key.value(), watched: 0, place: 0 }
    }

    fn event(self) -> EventKey {
        self.event
    }

    fn value(self) -> Option<i64> {
        self.value
    }

    fn unique_id(self) -> Option<u32> {
        self.unique_id
    }

    fn order(self) -> (i64, EventKey) {
        (self.sequence, self.event)
    }

    fn fact(self) -> u32 {
        self.place
    }

    fn with_class(self, class: u32) -> Self {
        Whole { event: self.event.with_class(class), ..self }
    }

    fn watched(self) -> u32 {
        self.watched
    }

    fn with_watched(self, watched: u32) -> Self {
        Whole { watched, ..self }
    }

    fn with_fact(self, place: u32) -> Self {
        Whole { place, ..self }
    }
}

impl SideKey for Whole {
    fn see<T: RowKey>(sight: &Sight, event: &Row<T>, place: u32) -> Self {
        let (_, sequence, _) = event.order();
        Whole {
            sequence: if sight.by_sequence { sequence } else { 0 },
            event: sight.event(event.event()),
            unique_id: event.unique_id().filter(|_| sight.by_unique_id),
            // Whoever groups by nothing has one group.
            value: if sight.by_value { event.value() } else { Some(0) },
            watched: event.watched(),
            place,
        }
    }
}
