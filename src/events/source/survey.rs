//! When a file's events happened, and which session ids they have: what a later run has to know of it when the
//! file is no longer there, or no longer as it was.

use std::collections::BTreeMap;

use super::plan::ReadPlan;
use crate::job::reach::TimeReach;
use crate::sessionize::layout::columns::{Coded, EventBatch, KeyColumn, Values};
use crate::sessionize::session_id::{number_as_time, text_as_time};
use crate::sessionize::time::calendar::Calendar;
use crate::sessionize::time::{Day, TimeUnit, Timestamp};

/// The events of one file, as far as it is known when they happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSpans {
    /// Stretches of time that hold all of its events; `None` where that is not known.
    pub events: Option<Vec<Stretch>>,
    /// Stretches that hold all of their session ids that are times, as far as these are near their events;
    /// `None` where that is not known.
    pub ids: Option<Vec<(Timestamp, Timestamp)>>,
}

/// A stretch of time, and how many rows are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Its first instant.
    pub first: Timestamp,
    /// Its last.
    pub last: Timestamp,
    /// The rows.
    pub rows: u64,
}

impl FileSpans {
    /// What the statistics in a file's footer tell: at least where its events are.
    pub fn by_footer(plan: &ReadPlan, file: usize) -> Self {
        let Ok(times) = plan.times_by_footer(file) else { return FileSpans::default() };
        let groups = plan.footers[file].row_groups.iter().filter(|group| group.rows > 0);
        let mut stretches: Vec<Stretch> = times
            .into_iter()
            .zip(groups)
            .map(|((first, last), group)| Stretch { first, last, rows: group.rows })
            .collect();
        stretches.sort_unstable_by_key(|stretch| stretch.first);
        let mut merged: Vec<Stretch> = Vec::new();
        for next in stretches {
            match merged.last_mut() {
                Some(before) if next.first <= before.last => {
                    before.last = before.last.max(next.last);
                    before.rows += next.rows;
                }
                _ => merged.push(next),
            }
        }
        FileSpans { events: Some(merged), ids: None }
    }
}

/// The time that a session id is in a unit, if it is one.
fn id_at(keys: &KeyColumn, place: usize, unit: TimeUnit) -> Option<Timestamp> {
    match keys {
        KeyColumn::Int(numbers) => number_as_time(numbers[place], unit),
        KeyColumn::Text(texts) => text_as_time(texts.get(place), unit),
    }
}

/// What reading a file's events tells of it, date by date. Merging is a union; the default changes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    dates: BTreeMap<Day, Stretch>,
    ids: BTreeMap<Day, (Timestamp, Timestamp)>,
    /// Whether some valid session id is no time.
    pub untimed_ids: bool,
}

impl Survey {
    /// Of a batch of events. `with_ids` are the ids to note, by how far they can matter; `None` to note none.
    pub fn of(batch: &EventBatch, calendar: &Calendar, with_ids: Option<&TimeReach>) -> Self {
        let mut survey = Survey::default();
        let mut cursor = calendar.cursor();
        for time in &batch.times {
            let here = Stretch { first: *time, last: *time, rows: 1 };
            let known = survey.dates.entry(cursor.find(*time).day).or_insert(Stretch { rows: 0, ..here });
            known.merge(here);
        }
        let (Some(values), Some(reach)) = (&batch.values, with_ids) else { return survey };
        let unit = reach.id_unit().unwrap_or_default();
        let is_valid = |row: usize| values.valid.as_ref().is_none_or(|valid| valid[row]);
        for (row, time) in batch.times.iter().enumerate().filter(|(row, _)| is_valid(*row)) {
            let id = match &values.values {
                Values::Int(numbers) => number_as_time(numbers[row], unit),
                Values::Text(Coded { keys, codes, .. }) => id_at(keys, codes[row] as usize, unit),
            };
            match id {
                None => survey.untimed_ids = true,
                Some(id) if reach.is_near(*time, id) => {
                    let known = survey.ids.entry(cursor.find(id).day).or_insert((id, id));
                    *known = (known.0.min(id), known.1.max(id));
                }
                Some(_) => {}
            }
        }
        survey
    }

    /// Adds what another batch of the file tells.
    pub fn merge(&mut self, other: Survey) {
        for (day, stretch) in other.dates {
            self.dates.entry(day).or_insert(Stretch { rows: 0, ..stretch }).merge(stretch);
        }
        for (day, (first, last)) in other.ids {
            let known = self.ids.entry(day).or_insert((first, last));
            *known = (known.0.min(first), known.1.max(last));
        }
        self.untimed_ids |= other.untimed_ids;
    }

    /// Rows by date.
    pub fn rows_by_date(&self) -> impl Iterator<Item = (Day, u64)> + '_ {
        self.dates.iter().map(|(day, stretch)| (*day, stretch.rows))
    }

    /// When they were; `with_ids` says whether ids were noted.
    pub fn spans(&self, with_ids: bool) -> FileSpans {
        FileSpans {
            events: Some(self.dates.values().copied().collect()),
            ids: with_ids.then(|| self.ids.values().copied().collect()),
        }
    }
}

impl Stretch {
    fn merge(&mut self, other: Stretch) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.rows += other.rows;
    }
}
