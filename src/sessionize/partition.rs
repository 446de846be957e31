//! All steps of the kernel over one partition.

use super::aggregate::{Made, Rule, Rules};
use super::block::Block;
use super::columns::KeyColumn;
use super::counts::Counts;
use super::event_types::EventKey;
use super::merge::Dated;
use super::records::{ActivityRow, SessionRow};
use super::rows::{FullTie, Grouped, PartitionRows, Tie};
use super::scatter::counting_sort;
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

/// Makes the sessions of one partition's users from the partition's rows; `pieces` are blocks and the partition's
/// number in each.
pub fn sessionize(pieces: &[(&Block, usize)], rules: &Rules<'_>) -> Option<Partition> {
    let (first, _) = pieces.first()?;
    match (first.values.is_some(), first.has_sequence_or_ids()) {
        (false, false) => of_rows(PartitionRows::<EventKey>::gather(pieces, rules.types)?, rules),
        (false, true) => of_rows(PartitionRows::<FullTie>::gather(pieces, rules.types)?, rules),
        (true, false) => of_rows(PartitionRows::<Grouped<EventKey>>::gather(pieces, rules.types)?, rules),
        (true, true) => of_rows(PartitionRows::<Grouped<FullTie>>::gather(pieces, rules.types)?, rules),
    }
}

fn of_rows<T: Tie>(mut rows: PartitionRows<T>, rules: &Rules<'_>) -> Option<Partition> {
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
    Some(Partition {
        users: rows.users,
        texts: rows.texts,
        sessions: by_day(made.sessions),
        activity: by_day(made.activity),
        counts: made.counts,
    })
}

/// Rows in order of date; those of one date keep their order, so users stay in order, and one user's rows, too.
fn by_day<R: Dated + Copy>(mut rows: Vec<R>) -> Vec<R> {
    let days = || rows.iter().map(|row| row.day().epoch_days());
    let (Some(first), Some(last)) = (days().min(), days().max()) else { return Vec::new() };
    let count = (last - first) as usize + 1;
    if count > rows.len() * 4 {
        rows.sort_by_key(Dated::day);
        // These stay until all partitions are done: no room for rows that will not come.
        rows.shrink_to_fit();
        return rows;
    }
    let (order, _) = counting_sort(&days().map(|day| (day - first) as u32).collect::<Vec<_>>(), count);
    order.iter().map(|row| rows[*row as usize]).collect()
}
