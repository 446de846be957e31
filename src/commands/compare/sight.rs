//! How a definition sees the events that were read for two.

use crate::events::source::roles::Roles;
use crate::sessionize::event_types::{EventKey, EventTypes};

/// What a definition sees of an event.
#[derive(Debug)]
pub(super) struct Sight {
    /// The key of each event type by its rank: roles differ between definitions, ranks do not.
    keys: Vec<EventKey>,
    /// Whether a sequence orders events of one time.
    pub(super) by_sequence: bool,
    /// Whether events that repeat a unique id are dropped.
    pub(super) by_unique_id: bool,
    /// Whether events are grouped by a session id or a property.
    pub(super) by_value: bool,
    /// Whether it watches values.
    watches: bool,
}

impl Sight {
    pub(super) fn new(types: &EventTypes, roles: &Roles) -> Self {
        let mut keys = vec![EventKey::NONE; types.len() + 1];
        for key in types.each() {
            keys[key.rank() as usize] = key;
        }
        Sight {
            keys,
            by_sequence: roles.sequence.is_some(),
            by_unique_id: roles.dedup.is_some(),
            by_value: roles.value.is_some(),
            watches: !types.watched().values.is_empty(),
        }
    }

    /// The key that a type has here, from any definition's.
    pub(super) fn event(&self, key: EventKey) -> EventKey {
        self.keys[key.rank() as usize].with_class(key.class())
    }

    /// Whether it sees nothing but times and event types.
    pub(super) fn is_plain(&self) -> bool {
        !(self.by_sequence || self.by_unique_id || self.by_value || self.watches)
    }
}
