//! All steps of the kernel over one partition.

use std::sync::Arc;

use super::added::{AddedColumns, AddedValues, Adding, Texts};
use super::aggregate::{Made, Rule, Rules};
use super::block::Block;
use super::columns::KeyColumn;
use super::counts::Counts;
use super::event_types::EventKey;
use super::facts::FactTable;
use super::merge::Dated;
use super::records::{ActivityRow, SessionRow};
use super::rows::{FactTie, FullTie, Grouped, PartitionRows, Tie};
use super::scatter::counting_sort;
use super::segments::SegmentMade;
use super::session_id::{millis_as_time, text_as_time};
use super::time::Timestamp;

/// The tables of one partition's users.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The distinct users, in ascending order: rows name them by their place.
    pub users: Arc<KeyColumn>,
    /// Where text is grouped by, the distinct texts in ascending order: values are places in it.
    pub texts: Option<Arc<KeyColumn>>,
    /// Rows of the sessions table, in order of date, user and id.
    pub sessions: Vec<SessionRow>,
    /// Rows of the activity table, in order of date and user.
    pub activity: Vec<ActivityRow>,
    /// The columns that charts and segments added to both.
    pub added: AddedColumns,
    /// What became of the events.
    pub counts: Counts,
    /// The tables of each segment, of the same users.
    pub segments: Vec<Partition>,
}

impl Partition {
    /// The memory it holds, in bytes.
    pub fn bytes(&self) -> usize {
        let keys = self.users.size() + self.texts.as_ref().map_or(0, |texts| texts.size());
        // Segments share them.
        keys + self.rows_bytes()
    }

    fn rows_bytes(&self) -> usize {
        let rows = self.sessions.len() * size_of::<SessionRow>() + self.activity.len() * size_of::<ActivityRow>();
        rows + self.added.bytes() + self.segments.iter().map(Partition::rows_bytes).sum::<usize>()
    }

    /// The columns that charts and segments added to its sessions.
    pub fn added_to_sessions(&self) -> &[AddedValues] {
        &self.added.sessions
    }

    /// The columns that segments added to its activity.
    pub fn added_to_activity(&self) -> &[AddedValues] {
        &self.added.activity
    }
}

/// Makes the sessions of one partition's users from the partition's rows; `pieces` are blocks and the partition's
/// number in each. `interned` is told when the rows are in their places, between one half of the work and the other.
pub fn sessionize(pieces: &[(&Block, usize)], rules: &Rules<'_>, interned: impl FnOnce()) -> Option<Partition> {
    let (first, _) = pieces.first()?;
    match (first.values.is_some(), first.has_sequence_or_ids()) {
        (false, false) => with_facts::<EventKey>(pieces, rules, interned),
        (false, true) => with_facts::<FullTie>(pieces, rules, interned),
        (true, false) => with_facts::<Grouped<EventKey>>(pieces, rules, interned),
        (true, true) => with_facts::<Grouped<FullTie>>(pieces, rules, interned),
    }
}

/// With rows that have facts where someone asks for them.
fn with_facts<T: Tie>(pieces: &[(&Block, usize)], rules: &Rules<'_>, interned: impl FnOnce()) -> Option<Partition> {
    match pieces.first()?.0.facts.is_some() {
        false => of_rows(PartitionRows::<T>::gather(pieces, rules.types)?, rules, interned),
        true => of_rows(PartitionRows::<FactTie<T>>::gather(pieces, rules.types)?, rules, interned),
    }
}

fn of_rows<T: Tie>(mut rows: PartitionRows<T>, rules: &Rules<'_>, interned: impl FnOnce()) -> Option<Partition> {
    interned();
    let text_times: Option<Vec<Option<Timestamp>>> = match (&rows.texts, rules.rule) {
        (Some(KeyColumn::Text(texts)), Rule::Default(_)) => Some(texts.iter().map(text_as_time).collect()),
        _ => None,
    };
    let id_time = |id: i64| match &text_times {
        Some(times) => times[id as usize],
        None => millis_as_time(id),
    };
    let table = match (rules.facts, rows.facts.take()) {
        (Some(facts), Some(KeyColumn::Text(keys))) => FactTable::new(&facts.layout, &keys),
        _ => FactTable::default(),
    };
    let texts = Texts::new(&table);
    let mut segments = SegmentMade::all_of(rules, &table, &texts);
    let adding = rules.facts.map(|facts| Adding::new(facts, None, &table, &texts));
    let mut made = Made { adding, ..Made::default() };
    let mut own = Vec::new();
    rows.each_user(|user, events| {
        if !segments.is_empty() {
            events.sort_unstable();
        }
        for segment in &mut segments {
            segment.add_user(rules, user, events, &mut own, &id_time);
        }
        made.add_user(rules, user, events, &id_time);
    });
    let (users, texts) = (Arc::new(rows.users), rows.texts.map(Arc::new));
    let finished = |made: Made<'_>| finish(made, &users, &texts);
    let segments = segments.into_iter().map(|segment| finished(segment.made)).collect();
    Some(Partition { segments, ..finished(made) })
}

fn finish(made: Made<'_>, users: &Arc<KeyColumn>, texts: &Option<Arc<KeyColumn>>) -> Partition {
    let Made { sessions, activity, counts, adding } = made;
    let (sessions, activity, added) = match adding {
        Some(adding) => adding.finish(sessions, activity),
        None => (by_day(sessions), by_day(activity), AddedColumns::default()),
    };
    let (users, texts) = (Arc::clone(users), texts.clone());
    Partition { users, texts, sessions, activity, added, counts, segments: Vec::new() }
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
