//! How the sessions of one definition map to those of the other.
//!
//! A session of A and one of B are *linked* where they share an event. Sessions that hang together by links, directly
//! or over others, are a group, and each session of both tables is in exactly one: so the counts of each kind of
//! group add up to the sessions of A and to those of B.

use std::collections::BTreeMap;

use super::side::NONE;
use crate::sessionize::table_rows::records::SessionRow;

/// What became of the sessions of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// One session of A is one of B: the same events, the same start and end.
    Unchanged,
    /// One session of A is one of B, with other events, another start or another end.
    Changed,
    /// One session of A is several of B.
    Split,
    /// Several sessions of A are one of B.
    Joined,
    /// Several sessions of A hang together with several of B.
    Regrouped,
    /// A session of A that shares no event with any of B.
    Gone,
    /// A session of B that shares no event with any of A.
    New,
}

impl Change {
    /// All kinds, in the order of their discriminants.
    pub(super) const ALL: [Change; 7] = [
        Change::Unchanged,
        Change::Changed,
        Change::Split,
        Change::Joined,
        Change::Regrouped,
        Change::Gone,
        Change::New,
    ];

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Change::Unchanged => "unchanged",
            Change::Changed => "changed",
            Change::Split => "split",
            Change::Joined => "joined",
            Change::Regrouped => "regrouped",
            Change::Gone => "gone",
            Change::New => "new",
        }
    }
}

/// A session of A and one of B that share events; or one of either that shares none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// What became of its group.
    pub(super) change: Change,
    /// The number of its group among those of its user, from 0.
    pub(super) group: u32,
    /// How many sessions of A its group has.
    pub(super) a_sessions: u32,
    /// How many of B.
    pub(super) b_sessions: u32,
    /// The place of the session of A among those of its user.
    pub(super) a: Option<u32>,
    /// The place of the session of B.
    pub(super) b: Option<u32>,
    /// The events that they share.
    pub(super) shared: u32,
}

/// How many sessions went which way. Merging is addition; the default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mapping {
    /// Sessions of A and of B by kind.
    pub(super) sessions: [[u64; 2]; Change::ALL.len()],
    /// Groups by kind.
    pub(super) groups: [u64; Change::ALL.len()],
    /// Sessions of A that are split, by how many sessions of B they are.
    pub(super) split_into: BTreeMap<u32, u64>,
    /// Sessions of B that are joined, by of how many sessions of A they are.
    pub(super) joined_from: BTreeMap<u32, u64>,
}

impl Mapping {
    /// Adds a group.
    fn add(&mut self, change: Change, a_sessions: u32, b_sessions: u32) {
        let kind = change as usize;
        self.groups[kind] += 1;
        self.sessions[kind][0] += u64::from(a_sessions);
        self.sessions[kind][1] += u64::from(b_sessions);
        match change {
            Change::Split => *self.split_into.entry(b_sessions).or_default() += 1,
            Change::Joined => *self.joined_from.entry(a_sessions).or_default() += 1,
            _ => {}
        }
    }

    /// Adds another partition's mapping to this.
    pub(super) fn merge(&mut self, other: &Mapping) {
        for (mine, theirs) in self.sessions.iter_mut().zip(other.sessions) {
            mine[0] += theirs[0];
            mine[1] += theirs[1];
        }
        self.groups.iter_mut().zip(other.groups).for_each(|(mine, theirs)| *mine += theirs);
        other.split_into.iter().for_each(|(parts, count)| *self.split_into.entry(*parts).or_default() += count);
        other.joined_from.iter().for_each(|(parts, count)| *self.joined_from.entry(*parts).or_default() += count);
    }
}

/// Maps the sessions of one user after the other.
#[derive(Debug, Default)]
pub(super) struct Mapper {
    /// The sessions that share events, and how many.
    edges: Vec<(u32, u32, u32)>,
    /// For each session, those of B after those of A, one of its group: the first one leads to itself.
    leaders: Vec<u32>,
    /// For the leader of each group, its sessions of A and of B, and its number.
    sizes: Vec<([u32; 2], u32)>,
    links: Vec<Link>,
}

impl Mapper {
    /// Notes that an event is in these sessions of A and of B; [`NONE`] for none.
    pub(super) fn share(&mut self, a: u32, b: u32) {
        if a == NONE || b == NONE {
            return;
        }
        match self.edges.last_mut() {
            Some((last_a, last_b, shared)) if *last_a == a && *last_b == b => *shared += 1,
            _ => self.edges.push((a, b, 1)),
        }
    }

    /// Maps the sessions between which events were shared since it was called last, and returns their links, in order
    /// of the sessions of A, then of those of B; sessions of B alone come last. How many sessions of both are other
    /// than unchanged is returned, too.
    pub(super) fn map(&mut self, a: &[SessionRow], b: &[SessionRow], mapping: &mut Mapping) -> (&[Link], u64) {
        self.edges.sort_unstable();
        self.edges.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        let first_b = a.len() as u32;
        self.leaders.clear();
        self.leaders.extend(0..first_b + b.len() as u32);
        for place in 0..self.edges.len() {
            let (a, b, _) = self.edges[place];
            let (one, other) = (self.leader(a), self.leader(first_b + b));
            // The earlier one leads: groups are then numbered in order of their first session.
            self.leaders[one.max(other) as usize] = one.min(other);
        }
        self.sizes.clear();
        self.sizes.resize(self.leaders.len(), ([0, 0], 0));
        for session in 0..self.leaders.len() as u32 {
            let leader = self.leader(session) as usize;
            self.sizes[leader].0[usize::from(session >= first_b)] += 1;
        }
        self.links.clear();
        let mut changed = 0;
        let mut groups = 0;
        let mut edge = 0;
        for session in 0..self.leaders.len() as u32 {
            let leader = self.leader(session);
            let ([a_sessions, b_sessions], _) = self.sizes[leader as usize];
            let own_edges = self.edges[edge..].iter().take_while(|(a, ..)| session < first_b && *a == session).count();
            let own = edge..edge + own_edges;
            edge = own.end;
            let change = match (a_sessions, b_sessions) {
                (1, 0) => Change::Gone,
                (0, _) => Change::New,
                (1, 1) => match self.edges[own.clone()].first() {
                    Some(edge) if is_same(&a[edge.0 as usize], &b[edge.1 as usize], edge.2) => Change::Unchanged,
                    _ => Change::Changed,
                },
                (1, _) => Change::Split,
                (_, 1) => Change::Joined,
                _ => Change::Regrouped,
            };
            if leader == session {
                self.sizes[leader as usize].1 = groups;
                groups += 1;
                mapping.add(change, a_sessions, b_sessions);
                changed += if change == Change::Unchanged { 0 } else { u64::from(a_sessions + b_sessions) };
            }
            let group = self.sizes[leader as usize].1;
            let link = |a, b, shared| Link { change, group, a_sessions, b_sessions, a, b, shared };
            if session >= first_b {
                if change == Change::New {
                    self.links.push(link(None, Some(session - first_b), 0));
                }
            } else if own.is_empty() {
                self.links.push(link(Some(session), None, 0));
            } else {
                self.links.extend(self.edges[own].iter().map(|(a, b, shared)| link(Some(*a), Some(*b), *shared)));
            }
        }
        self.edges.clear();
        (&self.links, changed)
    }

    fn leader(&mut self, session: u32) -> u32 {
        let mut leader = session;
        while self.leaders[leader as usize] != leader {
            let next = self.leaders[leader as usize];
            // The way is shorter for whoever comes next.
            self.leaders[leader as usize] = self.leaders[next as usize];
            leader = next;
        }
        leader
    }
}

/// Whether two sessions that share this many events are the same one.
fn is_same(a: &SessionRow, b: &SessionRow, shared: u32) -> bool {
    let bounds = |session: &SessionRow| (session.start, session.end);
    bounds(a) == bounds(b) && a.event_count == shared && b.event_count == shared
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::rule::EndReason;
    use crate::sessionize::time::{Day, Timestamp};
    use proptest::prelude::*;

    /// The sessions of a user whose events, a second apart, are in these sessions.
    fn sessions(owners: &[Option<u32>]) -> Vec<SessionRow> {
        let count = owners.iter().flatten().max().map_or(0, |last| last + 1);
        let of = |place: u32| {
            let events = || (0..owners.len()).filter(move |event| owners[*event] == Some(place));
            let at = |event: Option<usize>| Timestamp::from_millis(event.map_or(0, |event| event as i64 * 1_000));
            SessionRow {
                user: 0,
                day: Day::default(),
                id: i64::from(place),
                value: 0,
                start: at(events().next()),
                end: at(events().next_back()),
                event_count: events().count() as u32,
                first_event: 0,
                last_event: 0,
                reason: EndReason::Timeout,
            }
        };
        (0..count).map(of).collect()
    }

    /// Numbers sessions as they come: `None` is out of session.
    fn owners(text: &str) -> Vec<Option<u32>> {
        let mut known = Vec::new();
        let mut place = |letter: char| {
            let found = known.iter().position(|known| *known == letter).unwrap_or(known.len());
            if found == known.len() {
                known.push(letter);
            }
            found as u32
        };
        text.chars().map(|letter| (letter != '.').then(|| place(letter))).collect()
    }

    fn map(a: &str, b: &str) -> (Mapping, Vec<Link>) {
        let (a, b) = (owners(a), owners(b));
        let mut mapper = Mapper::default();
        a.iter().zip(&b).for_each(|(a, b)| mapper.share(a.unwrap_or(NONE), b.unwrap_or(NONE)));
        let mut mapping = Mapping::default();
        let links = mapper.map(&sessions(&a), &sessions(&b), &mut mapping).0.to_vec();
        (mapping, links)
    }

    fn kinds(a: &str, b: &str) -> Vec<(&'static str, [u64; 2])> {
        let mapping = map(a, b).0;
        let some = Change::ALL.into_iter().filter(|change| mapping.groups[*change as usize] > 0);
        some.map(|change| (change.name(), mapping.sessions[change as usize])).collect()
    }

    #[test]
    fn each_kind_has_its_example() {
        assert_eq!(kinds("aab", "xxy"), [("unchanged", [2, 2])]);
        assert_eq!(kinds("aaa", "xx."), [("changed", [1, 1])]);
        assert_eq!(kinds("aaa", "xyz"), [("split", [1, 3])]);
        assert_eq!(kinds("aabb", "xxxx"), [("joined", [2, 1])]);
        assert_eq!(kinds("aabbcc", "xyyyyz"), [("regrouped", [3, 3])]);
        assert_eq!(kinds("aa", ".."), [("gone", [1, 0])]);
        assert_eq!(kinds("..", "xy"), [("new", [0, 2])]);
    }

    #[test]
    fn an_event_that_only_one_has_links_nothing() {
        assert_eq!(kinds("a..b", ".xx."), [("gone", [2, 0]), ("new", [0, 1])]);
    }

    #[test]
    fn how_many_parts_are_counted_and_groups_numbered_in_order() {
        let (mapping, links) = map("aaabbccd.", "xyzppqq.r");
        assert_eq!(mapping.split_into, BTreeMap::from([(3, 1)]));
        let seen: Vec<_> = links.iter().map(|link| (link.group, link.change.name(), link.a, link.b)).collect();
        assert_eq!(
            seen,
            [
                (0, "split", Some(0), Some(0)),
                (0, "split", Some(0), Some(1)),
                (0, "split", Some(0), Some(2)),
                (1, "unchanged", Some(1), Some(3)),
                (2, "unchanged", Some(2), Some(4)),
                (3, "gone", Some(3), None),
                (4, "new", None, Some(5)),
            ]
        );
        assert_eq!(map("aabbcc", "xxxxxx").0.joined_from, BTreeMap::from([(3, 1)]));
    }

    proptest! {
        #[test]
        fn kinds_add_up_to_the_sessions_of_both(
            owned in prop::collection::vec((prop::option::of(0..6u8), prop::option::of(0..6u8)), 0..30)
        ) {
            let text = |owner: Option<u8>| owner.map_or('.', |owner| char::from(b'a' + owner));
            let a: String = owned.iter().map(|(a, _)| text(*a)).collect();
            let b: String = owned.iter().map(|(_, b)| text(*b)).collect();
            let (mapping, links) = map(&a, &b);
            let total = |side: usize| mapping.sessions.iter().map(|both| both[side]).sum::<u64>();
            prop_assert_eq!(total(0), sessions(&owners(&a)).len() as u64);
            prop_assert_eq!(total(1), sessions(&owners(&b)).len() as u64);
            let shared = owned.iter().filter(|(a, b)| a.is_some() && b.is_some()).count();
            prop_assert_eq!(links.iter().map(|link| link.shared as usize).sum::<usize>(), shared);
            prop_assert_eq!(links.iter().map(|link| link.group + 1).max().unwrap_or(0) as u64, mapping.groups.iter().sum::<u64>());
        }
    }
}
