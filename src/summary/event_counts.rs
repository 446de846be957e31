//! What became of rows and events, in counts that add up (SPEC 4).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::events::normalise::{Rejection, RowCounts};
use crate::events::source::plan::Extent;
use crate::job::Segment;
use crate::sessionize::counts::Counts;
use crate::sessionize::rule::OutOfSession;

/// The counts of `run.json`, which those of streams of different users add up to: a row is filtered, rejected, a duplicate,
/// inactive, outside the window, in a session, or out of one.
#[derive(Clone, Debug, Serialize)]
pub struct EventCounts {
    /// Rows of all files.
    pub rows: u64,
    /// Rows for which the condition is not true, those of skipped row groups too.
    pub filtered: u64,
    /// Rejected rows by reason.
    pub rejected: Map<String, Value>,
    /// Events whose user is now another, of those that were read; where the job has a mapping of users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliased: Option<u64>,
    /// Events dropped as duplicates.
    pub duplicates: u64,
    /// Events of inactive types.
    pub inactive: u64,
    /// Events whose own date is outside the run's dates, and rows that were not read for their times.
    pub outside_window: u64,
    /// Events in sessions, excluded ones included.
    pub in_session: u64,
    /// Events in no session, by reason.
    pub out_of_session: Map<String, Value>,
    /// Sessions in the table.
    pub sessions: u64,
    /// Sessions left out of the table, by reason.
    pub excluded: Map<String, Value>,
    /// Sessions of length 0.
    pub zero_length_sessions: u64,
    /// Sessions whose id is later than all of their events.
    pub clock_skew_sessions: u64,
    /// Distinct users in the activity table.
    pub users: u64,
    /// The same counts of each segment, by its name.
    pub segments: Map<String, Value>,
}

impl EventCounts {
    /// Of an input of this extent, of its rows, and of its events and those of segments.
    pub fn of(extent: &Extent, rows: &RowCounts, counts: &Counts, segments: &[(&Segment, Counts)]) -> Self {
        EventCounts {
            rows: extent.rows,
            filtered: extent.rows_ruled_out + rows.filtered,
            rejected: by_reason(Rejection::ALL.map(|reason| (reason.name(), rows.rejected[reason as usize]))),
            aliased: rows.aliased,
            duplicates: counts.duplicates,
            inactive: counts.inactive,
            outside_window: extent.rows_outside + rows.outside + counts.outside_window,
            in_session: counts.in_session,
            out_of_session: out_of_session(counts),
            sessions: counts.sessions,
            excluded: by_reason([("max_length", counts.excluded)]),
            zero_length_sessions: counts.zero_length,
            clock_skew_sessions: counts.clock_skew,
            users: counts.users,
            segments: segments.iter().map(|(of, counts)| (of.name.clone(), segment_json(counts))).collect(),
        }
    }
}

/// What became of a segment's events, under the keys that the whole run has for the same, and how many of all events it is
/// not of.
fn segment_json(counts: &Counts) -> Value {
    serde_json::json!({
        "left_out": by_reason([(FILTERED, counts.left_out)]),
        "events": counts.events(),
        "duplicates": counts.duplicates,
        "inactive": counts.inactive,
        "outside_window": counts.outside_window,
        "in_session": counts.in_session,
        "out_of_session": out_of_session(counts),
        "sessions": counts.sessions,
        "excluded": by_reason([("max_length", counts.excluded)]),
        "zero_length_sessions": counts.zero_length,
        "clock_skew_sessions": counts.clock_skew,
        "users": counts.users,
    })
}

/// Events for which a segment's condition is not true.
const FILTERED: &str = "filtered";

fn out_of_session(counts: &Counts) -> Map<String, Value> {
    by_reason(OutOfSession::ALL.map(|reason| (reason.name(), counts.out_of_session[reason as usize])))
}

fn by_reason<const N: usize>(reasons: [(&'static str, u64); N]) -> Map<String, Value> {
    reasons.into_iter().filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_string(), count.into())).collect()
}
