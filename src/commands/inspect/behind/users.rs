//! The users of the sessions behind a figure.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::Rows;
use crate::charts::rows::USER;
use crate::job::dates::instant_text;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::time::Timestamp;

/// The users of some sessions of a file, and when these start, in microseconds.
#[derive(Debug)]
pub struct UsersOfFile {
    /// The user of each session.
    pub users: KeyColumn,
    /// The start of each.
    pub starts: Vec<i64>,
}

/// A user of sessions.
#[derive(Clone, Copy, Debug)]
struct Seen {
    sessions: usize,
    last_start: i64,
}

/// The users of sessions, each once: who has the newest one first.
pub fn users<'f>(files: impl Iterator<Item = &'f UsersOfFile>, zone: &TimeZone, limit: Option<usize>) -> Rows {
    let (names, seen) = tallied(files);
    let mut places: Vec<usize> = (0..seen.len()).collect();
    places.sort_by(|a, b| {
        let newest_first = seen[*b].last_start.cmp(&seen[*a].last_start);
        newest_first.then_with(|| names.compare(*a, &names, *b))
    });
    let name = |place: usize| match &names {
        KeyColumn::Int(ids) => Value::from(ids[place]),
        KeyColumn::Text(texts) => Value::from(String::from_utf8_lossy(texts.get(place))),
    };
    let row = |place: usize| {
        let Seen { sessions, last_start } = seen[place];
        let last_start = instant_text(Timestamp::from_micros(last_start), zone);
        vec![name(place), Value::from(sessions), Value::from(last_start)]
    };
    let shown = places.into_iter().take(limit.unwrap_or(usize::MAX));
    Rows {
        columns: [USER, "sessions", "last_start_time"].map(str::to_string).to_vec(),
        rows: shown.map(row).collect(),
        users: Some(seen.len()),
    }
}

/// The different users, and what each was seen with.
fn tallied<'f>(files: impl Iterator<Item = &'f UsersOfFile>) -> (KeyColumn, Vec<Seen>) {
    let mut known: Option<Interner> = None;
    let mut seen: Vec<Seen> = Vec::new();
    for UsersOfFile { users, starts } in files {
        let known = known.get_or_insert_with(|| Interner::like(users));
        for (row, start) in starts.iter().enumerate() {
            let code = known.intern(users, row) as usize;
            if code == seen.len() {
                seen.push(Seen { sessions: 0, last_start: *start });
            }
            seen[code].sessions += 1;
            seen[code].last_start = seen[code].last_start.max(*start);
        }
    }
    (known.map_or_else(|| KeyColumn::Int(Vec::new()), Interner::into_keys), seen)
}
