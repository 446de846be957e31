//! Events that say nothing but that a session starts or ends.

use crate::sessionize::event_types::EventTypes;

/// What an event says of a session besides that something happened in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Something happened.
    Activity,
    /// It only says that a session starts.
    Start,
    /// It only says that a session ends.
    End,
}

/// The types that only say that a session starts or ends, where they are named; else the common spellings are taken
/// for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkNames {
    /// Types that start a session.
    pub starts: Vec<String>,
    /// Types that end one.
    pub ends: Vec<String>,
}

const STARTS: [&str; 6] =
    ["sessionstart", "sessionstarted", "startsession", "sessionbegin", "sessionbegan", "beginsession"];
const ENDS: [&str; 5] = ["sessionend", "sessionended", "endsession", "sessionfinish", "sessionfinished"];

impl MarkNames {
    /// What a type says.
    pub fn mark(&self, name: &str) -> Mark {
        let plain = plain(name);
        let is = |named: &[String], known: &[&str]| match named {
            [] => known.contains(&plain.as_str()),
            named => named.iter().any(|named| named == name),
        };
        if is(&self.starts, &STARTS) {
            Mark::Start
        } else if is(&self.ends, &ENDS) {
            Mark::End
        } else {
            Mark::Activity
        }
    }

    /// What each type says, by its rank.
    pub fn by_rank(&self, types: &EventTypes) -> Vec<Mark> {
        (0..=types.len() as u32).map(|rank| types.name(rank).map_or(Mark::Activity, |name| self.mark(name))).collect()
    }
}

/// A name without the product before it, and without what spellings differ in: `[Amplitude] Start Session` is
/// `startsession`.
fn plain(name: &str) -> String {
    let name = name.trim();
    let name = name.strip_prefix('[').and_then(|rest| Some(rest.split_once(']')?.1)).unwrap_or(name);
    name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_spellings_are_known() {
        let names = MarkNames::default();
        for name in ["session_start", "[Amplitude] Start Session", "Session Started", "sessionStart", "$session_start"]
        {
            assert_eq!(names.mark(name), Mark::Start, "{name}");
        }
        for name in ["session_end", "[Amplitude] End Session", "$session_end", "Session Ended"] {
            assert_eq!(names.mark(name), Mark::End, "{name}");
        }
        for name in ["app_open", "session", "start", "page_view", "training_session_start", ""] {
            assert_eq!(names.mark(name), Mark::Activity, "{name}");
        }
    }

    #[test]
    fn names_that_are_given_take_the_place_of_the_known_ones() {
        let names = MarkNames { starts: vec!["hello".to_string()], ends: Vec::new() };
        assert_eq!(names.mark("hello"), Mark::Start);
        assert_eq!(names.mark("session_start"), Mark::Activity);
        assert_eq!(names.mark("session_end"), Mark::End);
    }
}
