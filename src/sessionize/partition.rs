//! All steps of the kernel over one partition.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::aggregate::Made;
use super::counts::Counts;
use super::facts::FactTable;
use super::layout::block::Block;
use super::layout::columns::{KeyColumn, TextColumn};
use super::order::put_in_order;
use super::partition_rows::PartitionRows;
use super::rows::RowKind;
use super::segments::{Picked, SegmentMade};
use super::table_rows::added::{AddedColumns, AddedValues, Adding, FactRules, Texts};
use super::table_rows::dated::{day_order, ByDay};
use super::table_rows::event_rows::{EventRow, EventRows, Listing};
use super::table_rows::numbers::Numbers;
use super::table_rows::records::{ActivityRow, SessionRow};
use super::user::Rules;
use super::visit::{with_rows, IdTimes, RowsWork};

/// The tables of one partition's users.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The distinct users, in ascending order: rows name them by their place.
    pub users: Arc<KeyColumn>,
    /// Where text is grouped by, the distinct texts in ascending order: values are places in it.
    pub texts: Option<Arc<KeyColumn>>,
    /// Rows of the sessions table, in order of date, user and id.
    pub sessions: ByDay<SessionRow>,
    /// Rows of the activity table, in order of date and user.
    pub activity: ByDay<ActivityRow>,
    /// The columns that charts and segments added to both.
    pub added: AddedColumns,
    /// The number of each session among those of its user, where tables have it.
    pub numbers: Option<Numbers>,
    /// Rows of the events table, where there is one.
    pub events: EventRows,
    /// What became of the events.
    pub counts: Counts,
    /// The tables of each segment, of the same users.
    pub segments: Vec<Partition>,
}

/// What became of all events, and of those of each segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllCounts {
    /// Of all events.
    pub all: Counts,
    /// Of each segment's, in the order of segments; there are none where there is no event.
    pub segments: Vec<Counts>,
    /// Of each column of the sessions table that holds something of events, how many sessions of all events have more values
    /// than it keeps.
    pub cut_short: Vec<u64>,
}

impl AllCounts {
    /// Adds those of a partition.
    pub fn add(&mut self, partition: &Partition) {
        let segments: Vec<Counts> = partition.segments.iter().map(|segment| segment.counts).collect();
        self.add_counts(&partition.counts, &segments, &partition.added.cut_short);
    }

    /// Adds those of other users.
    pub fn merge(&mut self, other: &AllCounts) {
        self.add_counts(&other.all, &other.segments, &other.cut_short);
    }

    fn add_counts(&mut self, all: &Counts, segments: &[Counts], cut_short: &[u64]) {
        self.all.merge(all);
        self.segments.resize_with(segments.len().max(self.segments.len()), Counts::default);
        self.segments.iter_mut().zip(segments).for_each(|(counts, more)| counts.merge(more));
        self.cut_short.resize(cut_short.len().max(self.cut_short.len()), 0);
        self.cut_short.iter_mut().zip(cut_short).for_each(|(counted, more)| *counted += more);
    }
}

impl Partition {
    /// The memory it holds, in bytes.
    pub fn bytes(&self) -> usize {
        let keys = self.users.size() + self.texts.as_ref().map_or(0, |texts| texts.size());
        // Segments share them.
        keys + self.rows_bytes() + self.text_bytes()
    }

    /// Texts of added columns: columns share them, and so do segments.
    fn text_bytes(&self) -> usize {
        let of_events = self.events.values.iter().filter_map(AddedValues::texts);
        let all = std::iter::once(self).chain(&self.segments).flat_map(|of| of.added.texts()).chain(of_events);
        let texts: HashMap<*const TextColumn, usize> = all.map(|texts| (Arc::as_ptr(texts), texts.size())).collect();
        texts.values().sum()
    }

    fn rows_bytes(&self) -> usize {
        let rows = self.sessions.bytes() + self.activity.bytes();
        let numbers = self.numbers.as_ref().map_or(0, Numbers::bytes);
        rows + numbers
            + self.events.bytes()
            + self.added.bytes()
            + self.segments.iter().map(Partition::rows_bytes).sum::<usize>()
    }

    /// The place of a column of sums, of this or of a segment, of which one does not fit its type.
    pub fn too_large(&self) -> Option<usize> {
        self.added.too_large.or_else(|| self.segments.iter().find_map(Partition::too_large))
    }

    /// Its rows of the sessions table.
    pub fn session_rows(&self) -> &ByDay<SessionRow> {
        &self.sessions
    }

    /// Its rows of the activity table.
    pub fn activity_rows(&self) -> &ByDay<ActivityRow> {
        &self.activity
    }

    /// Its rows of the events table.
    pub fn event_rows(&self) -> &ByDay<EventRow> {
        &self.events.rows
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
    struct Sessionize<'r, F> {
        rules: &'r Rules<'r>,
        interned: F,
    }
    impl<F: FnOnce()> RowsWork for Sessionize<'_, F> {
        type Made = Partition;
        fn work<T: RowKind>(self, rows: PartitionRows<T>) -> Partition {
            (self.interned)();
            of_rows(rows, self.rules)
        }
    }
    with_rows(pieces, rules.types, Sessionize { rules, interned })
}

fn of_rows<T: RowKind>(mut rows: PartitionRows<T>, rules: &Rules<'_>) -> Partition {
    if rules.events.is_some() || rules.facts.is_some_and(FactRules::need_ordered_ids) {
        rows.order_ids();
    }
    let ids = IdTimes::new(rules.rule, rows.texts.as_ref());
    let id_time = |id: i64| ids.time_of(id);
    let watched = std::mem::take(&mut rows.watched);
    let rules = &rules.watching(&watched);
    let table = match (rules.facts, rows.facts.take()) {
        (Some(facts), Some(KeyColumn::Text(keys))) => FactTable::new(&facts.layout, &keys),
        _ => FactTable::default(),
    };
    let texts = Texts::new(&table);
    let mut segments = SegmentMade::all_of(rules, &table, &texts);
    let adding = rules.facts.map(|facts| Adding::new(facts, None, &table, &texts));
    // Where events are joined, there are about as many sessions as rows. What grows is copied.
    let room = rows.row_count().min(1 << 16);
    let listing = rules.events.map(|events| Listing::new(events, &table, &texts));
    let mut made = Made { adding, listing, sessions: Vec::with_capacity(room), ..Made::default() };
    let mut picked = Picked::of(rules.facts.map_or(0, |facts| facts.layout.segments));
    let mut own = Vec::new();
    rows.each_user(|user, events| {
        if segments.is_empty() {
            return made.add_user(rules, user, events, &id_time);
        }
        put_in_order(events);
        picked.pick(events, &table);
        let all = events.len();
        for segment in segments.iter_mut().filter(|segment| !segment.is_of_all(&picked, all)) {
            segment.add_user(rules, user, events, &picked, &mut own, &id_time);
        }
        let last = made.add_and_tell(rules, user, events, &id_time);
        for segment in segments.iter_mut().filter(|segment| segment.is_of_all(&picked, all)) {
            segment.made.add_like(&made, &last);
        }
    });
    let (users, texts) = (Arc::new(rows.users), rows.texts.map(Arc::new));
    // How many columns of values sessions are numbered by, besides the user.
    let finished = |made: Made<'_>, values: usize| {
        let partition = finish(made, &users, &texts);
        let numbers = || Numbers::of(&partition.sessions, &partition.added.sessions[..values]);
        Partition { numbers: rules.numbers.then(numbers), ..partition }
    };
    let segments = segments.into_iter().map(|segment| {
        let values = segment.values();
        finished(segment.made, values)
    });
    let segments = segments.collect();
    Partition { segments, ..finished(made, 0) }
}

fn finish(made: Made<'_>, users: &Arc<KeyColumn>, texts: &Option<Arc<KeyColumn>>) -> Partition {
    let Made { sessions, activity, counts, adding, listing } = made;
    let events = listing.map(Listing::finish).unwrap_or_default();
    let (sessions, activity, added) = match adding {
        Some(adding) => adding.finish(&sessions, &activity),
        None => {
            let (of_sessions, of_activity) = (day_order(&sessions), day_order(&activity));
            let sessions = ByDay::in_order(&sessions, &of_sessions);
            (sessions, ByDay::in_order(&activity, &of_activity), AddedColumns::default())
        }
    };
    let (users, texts) = (Arc::clone(users), texts.clone());
    Partition { users, texts, sessions, activity, added, numbers: None, events, counts, segments: Vec::new() }
}
