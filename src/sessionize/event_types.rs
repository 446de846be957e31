//! Event types as the kernel sees them: an order, and what a type does to a session.

use super::facts::FactLayout;
use super::time::Span;

/// What an event type does under a custom definition. It ranks events of one user at one time
/// (SPEC 2, step 5): starting events come first, ending events last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It opens a session.
    Start,
    /// An ordinary event.
    #[default]
    Other,
    /// It closes a session.
    End,
}

/// An event's type and role in one number that orders as SPEC 2, step 5 says: by role, then by type,
/// no type before all. Where timeouts differ by a column, the number has the class of its value, too, which comes last.
///
/// ```text
///   31 30   29             28 … 8                        7 … 0
///   role    has a class    rank                          class
///   role    0              rank (28 … 0)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(u32);

impl Default for EventKey {
    fn default() -> Self {
        EventKey::NONE
    }
}

/// The bits of all but the role.
const ROLE_AT: u32 = 30;
/// Whether there is a class.
const HAS_CLASS: u32 = 1 << 29;
const CLASS_BITS: u32 = 8;
/// Classes are fewer.
pub const MOST_CLASSES: usize = 1 << CLASS_BITS;
/// Types that have classes are fewer.
pub const MOST_TYPES_WITH_CLASSES: u32 = HAS_CLASS >> CLASS_BITS;

impl EventKey {
    /// The key of an ordinary event without a type.
    pub const NONE: EventKey = EventKey((Role::Other as u32) << ROLE_AT);

    fn new(role: Role, rank: u32) -> Self {
        EventKey((role as u32) << ROLE_AT | rank)
    }

    /// Whether it opens a session.
    pub fn is_start(self) -> bool {
        self.0 >> ROLE_AT == Role::Start as u32
    }

    /// Whether it closes a session.
    pub fn is_end(self) -> bool {
        self.0 >> ROLE_AT == Role::End as u32
    }

    /// The place of its type among all types by bytes, from 1; 0 for no type.
    pub fn rank(self) -> u32 {
        let rest = self.0 & (HAS_CLASS - 1);
        if self.0 & HAS_CLASS == 0 {
            rest
        } else {
            rest >> CLASS_BITS
        }
    }

    /// The class of its value in the column that timeouts differ by; 0 where they do not.
    pub fn class(self) -> u32 {
        if self.0 & HAS_CLASS == 0 {
            0
        } else {
            self.0 & ((1 << CLASS_BITS) - 1)
        }
    }

    /// The same with another class, where it has one.
    pub fn with_class(self, class: u32) -> Self {
        if self.0 & HAS_CLASS == 0 {
            self
        } else {
            EventKey(self.0 >> CLASS_BITS << CLASS_BITS | class)
        }
    }

    /// The same with a class, where it has none.
    fn in_class(self, class: u32) -> Self {
        EventKey(self.0 >> ROLE_AT << ROLE_AT | HAS_CLASS | self.rank() << CLASS_BITS | class)
    }
}

/// All event types of a run, once they are all known.
#[derive(Clone, Debug)]
pub struct EventTypes {
    names: Vec<String>,
    keys: Vec<EventKey>,
    inactive: Vec<bool>,
    any_inactive: bool,
    /// The timeout of each class; empty where there are no classes.
    timeouts: Vec<Span>,
    /// What events have beside a type and a class that a definition looks at.
    watched: FactLayout,
}

impl EventTypes {
    /// From the types in the order of their codes (the first has code 1; code 0 is no type), the role of
    /// each, and whether its events count for nothing.
    pub fn new(types: &[String], describe: impl Fn(&str) -> (Role, bool)) -> Self {
        let mut order: Vec<u32> = (0..types.len() as u32).collect();
        order.sort_unstable_by_key(|code| types[*code as usize].as_bytes());
        let mut keys = vec![EventKey::NONE; types.len() + 1];
        let mut inactive = vec![false; types.len() + 1];
        for (place, code) in order.iter().enumerate() {
            let rank = place as u32 + 1;
            let (role, drop) = describe(&types[*code as usize]);
            keys[*code as usize + 1] = EventKey::new(role, rank);
            inactive[rank as usize] = drop;
        }
        let any_inactive = inactive.contains(&true);
        EventTypes {
            any_inactive,
            names: order.iter().map(|code| types[*code as usize].clone()).collect(),
            keys,
            inactive,
            timeouts: Vec::new(),
            watched: FactLayout::default(),
        }
    }

    /// The same types, of events that have such values in the columns that a definition watches.
    pub fn with_watched(self, watched: FactLayout) -> Self {
        EventTypes { watched, ..self }
    }

    /// The values of columns that a definition watches: none, where it watches none.
    pub fn watched(&self) -> &FactLayout {
        &self.watched
    }

    /// The same types, where each event has a class with a timeout of its own: codes are those of types times the number of
    /// classes, plus the class.
    pub fn with_timeouts(self, timeouts: Vec<Span>) -> Self {
        EventTypes { timeouts, ..self }
    }

    /// The timeout of each class; empty where there are no classes.
    pub fn timeouts(&self) -> &[Span] {
        &self.timeouts
    }

    /// The key of a code.
    pub fn key(&self, code: u32) -> EventKey {
        match self.timeouts.len() as u32 {
            0 => self.keys[code as usize],
            classes => self.keys[(code / classes) as usize].in_class(code % classes),
        }
    }

    /// The key of each type, of class 0, and of no type.
    pub fn each(&self) -> impl Iterator<Item = EventKey> + '_ {
        let classes = self.timeouts.len().max(1);
        (0..self.keys.len()).map(move |code| self.key((code * classes) as u32))
    }

    /// Whether there is a type whose events count for nothing.
    pub fn any_inactive(&self) -> bool {
        self.any_inactive
    }

    /// The same types, where none counts for nothing.
    pub fn with_all_active(mut self) -> Self {
        self.inactive.fill(false);
        self.any_inactive = false;
        self
    }

    /// Whether events of this type count for nothing (SPEC 2, step 4).
    pub fn is_inactive(&self, key: EventKey) -> bool {
        self.inactive[key.rank() as usize]
    }

    /// How many types there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no type.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The rank of a type; `None` where no event has it.
    pub fn rank_of(&self, name: &str) -> Option<u32> {
        let place = self.names.binary_search_by(|known| known.as_bytes().cmp(name.as_bytes())).ok()?;
        u32::try_from(place + 1).ok()
    }

    /// The type at a rank; `None` for 0, no type.
    pub fn name(&self, rank: u32) -> Option<&str> {
        self.names.get(rank.checked_sub(1)? as usize).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_come_after_types() {
        let names = ["b".to_string(), "a".to_string()];
        let role = |name: &str| (if name == "a" { Role::End } else { Role::Other }, false);
        let types = EventTypes::new(&names, role).with_timeouts(vec![Span::DAY; 3]);
        let mut keys: Vec<EventKey> = (0..9).map(|code| types.key(code)).collect();
        keys.reverse();
        keys.sort();
        let told: Vec<_> = keys.iter().map(|key| (types.name(key.rank()), key.class(), key.is_end())).collect();
        let of = |name, is_end| [0, 1, 2].map(|class| (name, class, is_end));
        assert_eq!(told, [of(None, false), of(Some("b"), false), of(Some("a"), true)].concat());
        assert!(keys[0].with_class(2) == keys[2] && EventKey::NONE.with_class(2) == EventKey::NONE);
    }

    #[test]
    fn keys_order_by_role_then_bytes_with_no_type_first() {
        let names = ["zz", "", "app_open", "app_close", "click"].map(String::from);
        let types = EventTypes::new(&names, |name| match name {
            "app_open" => (Role::Start, false),
            "app_close" => (Role::End, false),
            "zz" => (Role::Other, true),
            _ => (Role::Other, false),
        });
        let mut keys: Vec<EventKey> = (0..=5).map(|code| types.key(code)).collect();
        keys.sort();
        let names: Vec<Option<&str>> = keys.iter().map(|key| types.name(key.rank())).collect();
        assert_eq!(names, [Some("app_open"), None, Some(""), Some("click"), Some("zz"), Some("app_close")]);
        assert!(types.is_inactive(types.key(1)) && !types.is_inactive(EventKey::NONE));
    }
}
