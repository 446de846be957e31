//! What a kernel says of its events to the run that puts the parts of its tables together: a line of JSON that only dwell reads.

use serde::{Deserialize, Serialize};

use crate::events::normalise::RowCounts;
use crate::events::source::plan::Unreadable;
use crate::job::fingerprint::Canonical;
use crate::sessionize::partition::AllCounts;
use crate::sessionize::time::Timestamp;

/// What became of the events of some users. Merging is addition; the default changes nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PartCounts {
    /// The version of dwell that made them: [`PartCounts::VERSION`].
    pub version: String,
    /// All rows that came; those that were passed over unread are among the filtered ones.
    pub rows: RowCounts,
    /// The latest time of the whole input, as the kernel was told, where that makes a difference.
    pub latest_of_input: Option<Timestamp>,
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
    /// The version of this program.
    pub const VERSION: &str = env!("CARGO_PKG_VERSION");

    /// All rows that came.
    pub fn all_rows(&self) -> u64 {
        self.rows.passed + self.rows.filtered
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

    /// Adds those of another kernel, whose version and definition are taken to be the same.
    pub fn merge(&mut self, other: PartCounts) {
        self.version = other.version;
        self.definition = other.definition;
        self.rows.merge(&other.rows);
        self.latest_of_input = self.latest_of_input.max(other.latest_of_input);
        self.counts.merge(&other.counts);
        self.event_types.extend(other.event_types);
        self.event_types.sort_unstable();
        self.event_types.dedup();
        for more in other.unread {
            match self.unread.iter_mut().find(|known| (&known.column, &known.what) == (&more.column, &more.what)) {
                Some(known) => known.rows += more.rows,
                None => self.unread.push(more),
            }
        }
        // In the order in which a run tells them, whichever kernel came first.
        self.unread.sort_by(|a, b| (&a.column, &a.what).cmp(&(&b.column, &b.what)));
    }
}
