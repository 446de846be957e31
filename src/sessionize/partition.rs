//! All steps of the kernel over one partition.

use super::aggregate::{Made, Rule, Rules};
use super::block::Block;
use super::columns::KeyColumn;
use super::counts::Counts;
use super::event_types::EventKey;
use super::records::{ActivityRow, SessionRow};
use super::rows::{FullTie, PartitionRows, Tie};
use super::session_id::{millis_as_time, text_as_time};
use super::time::Timestamp;

/// The tables of one partition's users.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The distinct users, in ascending order: rows name them by their place.
    pub users: KeyColumn,
    /// Where text is grouped by, the distinct texts in ascending order: values are places in it.
    pub texts: Option<KeyColumn>,
    /// Rows of the sessions table, in order of date, user and id.
    pub sessions: Vec<SessionRow>,
    /// Rows of the activity table, in order of date and user.
    pub activity: Vec<ActivityRow>,
    /// What became of the events.
    pub counts: Counts,
}

/// Makes the sessions of one partition's users from the partition's rows in all blocks.
pub fn sessionize(blocks: &[Block], partition: usize, rules: &Rules<'_>) -> Option<Partition> {
    if blocks.first()?.has_sequence_or_ids() {
        sessionize_rows(PartitionRows::<FullTie>::gather(blocks, partition, rules.types)?, rules)
    } else {
        sessionize_rows(PartitionRows::<EventKey>::gather(blocks, partition, rules.types)?, rules)
    }
}

fn sessionize_rows<T: Tie>(mut rows: PartitionRows<T>, rules: &Rules<'_>) -> Option<Partition> {
    let text_times: Option<Vec<Option<Timestamp>>> = match (&rows.texts, rules.rule) {
        (Some(KeyColumn::Text(texts)), Rule::Default(_)) => Some(texts.iter().map(text_as_time).collect()),
        _ => None,
    };
    let id_time = |id: i64| match &text_times {
        Some(times) => times[id as usize],
        None => millis_as_time(id),
    };
    let mut made = Made::default();
    rows.each_user(|user, events| made.add_user(rules, user, events, &id_time));
    // Stable: users stay in order within a date, and one user's rows too.
    made.sessions.sort_by_key(|session| session.day);
    made.activity.sort_by_key(|row| row.day);
    // These stay until all partitions are done: no room for rows that will not come.
    made.sessions.shrink_to_fit();
    made.activity.shrink_to_fit();
    Some(Partition {
        users: rows.users,
        texts: rows.texts,
        sessions: made.sessions,
        activity: made.activity,
        counts: made.counts,
    })
}
