//! The users whose sessions differ most.

use std::cmp::{Ordering, Reverse};

use super::partition::{Outcome, UserRow};
use crate::sessionize::layout::columns::KeyColumn;

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UserKey {
    /// A number.
    Int(i64),
    /// Text.
    Text(String),
}

impl UserKey {
    /// The user at a place.
    pub(super) fn at(users: &KeyColumn, place: u32) -> Self {
        match users {
            KeyColumn::Int(users) => UserKey::Int(users[place as usize]),
            // All users came out of text columns.
            KeyColumn::Text(users) => UserKey::Text(String::from_utf8_lossy(users.get(place as usize)).into_owned()),
        }
    }
}

/// The users with the largest change among those of all partitions: with the most sessions of both definitions that are
/// not unchanged, then with the largest difference in time spent, then in order of users.
pub(super) fn most_changed(outcomes: &[Outcome], most: usize) -> Vec<(UserKey, UserRow)> {
    let size = |row: &UserRow| (Reverse(row.changed), Reverse(row.time_spent_ms[0].abs_diff(row.time_spent_ms[1])));
    let mut found: Vec<(UserKey, UserRow)> = Vec::new();
    for outcome in outcomes {
        let Some(users) = &outcome.users else { continue };
        let by_change = |a: &&UserRow, b: &&UserRow| -> Ordering { (size(a), a.user).cmp(&(size(b), b.user)) };
        let mut rows: Vec<&UserRow> = outcome.rows.iter().filter(|row| row.changed > 0).collect();
        if rows.len() > most && most > 0 {
            rows.select_nth_unstable_by(most - 1, by_change);
        }
        rows.truncate(most);
        found.extend(rows.into_iter().map(|row| (UserKey::at(users, row.user), *row)));
    }
    found.sort_unstable_by(|(key_a, a), (key_b, b)| (size(a), key_a).cmp(&(size(b), key_b)));
    found.truncate(most);
    found
}
