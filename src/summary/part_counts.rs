//! What a kernel says of its events to the run that puts the parts of its tables together: a line of JSON that only dwell reads.

use serde::{Deserialize, Serialize};

use crate::events::normalise::RowCounts;
use crate::events::source::plan::Unreadable;
use crate::job::fingerprint::Canonical;
use crate::sessionize::partition::AllCounts;
use crate::sessionize::time::Timestamp;

/// What became of the events of some users. Merging is addition.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PartCounts {
    /// The version of dwell that made them.
    pub version: String,
    /// All rows that came.
    pub rows: u64,
    passed: u64,
    filtered: u64,
    aliased: Option<u64>,
    rejected: [u64; 3],
    earliest: Option<i64>,
    latest: Option<i64>,
    /// The latest time of the whole input, as the kernel was told, where that makes a difference.
    pub latest_of_input: Option<i64>,
    /// What the kernel took the job and its columns to mean.
    pub definition: Canonical,
    /// What became of the events.
    pub counts: AllCounts,
    /// The event types there were.
    pub event_types: Vec<String>,
    /// Values that could not be read.
    pub unread: Vec<Unreadable>,
}

impl PartCounts {
    /// Counts of a kernel, which passed over `ruled_out` of its rows unread.
    pub fn of(ruled_out: u64, rows: &RowCounts, counts: &AllCounts) -> Self {
        PartCounts {
            version: env!("CARGO_PKG_VERSION").to_string(),
            rows: rows.passed + rows.filtered + ruled_out,
            passed: rows.passed,
            filtered: rows.filtered + ruled_out,
            aliased: rows.aliased,
            rejected: rows.rejected,
            earliest: rows.earliest.map(Timestamp::micros),
            latest: rows.latest.map(Timestamp::micros),
            counts: counts.clone(),
            ..PartCounts::default()
        }
    }

    /// As one line.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a line.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }

    /// Adds those of another kernel.
    pub fn merge(&mut self, other: PartCounts) {
        let mut rows = self.row_counts();
        rows.merge(&other.row_counts());
        let mut counts = std::mem::take(&mut self.counts);
        counts.merge(&other.counts);
        let mut unread = std::mem::take(&mut self.unread);
        for more in other.unread {
            match unread.iter_mut().find(|known| (&known.column, &known.what) == (&more.column, &more.what)) {
                Some(known) => known.rows += more.rows,
                None => unread.push(more),
            }
        }
        let mut event_types = std::mem::take(&mut self.event_types);
        event_types.extend(other.event_types);
        event_types.sort_unstable();
        event_types.dedup();
        let latest_of_input = self.latest_of_input.max(other.latest_of_input);
        // In the order in which a run tells them, whichever kernel came first.
        unread.sort_by(|a, b| (&a.column, &a.what).cmp(&(&b.column, &b.what)));
        let definition = other.definition;
        *self = PartCounts { latest_of_input, definition, event_types, unread, ..PartCounts::of(0, &rows, &counts) };
    }

    /// What became of the rows.
    pub fn row_counts(&self) -> RowCounts {
        RowCounts {
            passed: self.passed,
            filtered: self.filtered,
            outside: 0,
            aliased: self.aliased,
            rejected: self.rejected,
            earliest: self.earliest.map(Timestamp::from_micros),
            latest: self.latest.map(Timestamp::from_micros),
        }
    }
}
