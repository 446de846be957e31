//! What a run's files are beside those that they replace.

use std::collections::BTreeSet;
use std::path::PathBuf;

use super::check::DateChange;
use crate::error::Error;
use crate::job::added::property_column;
use crate::job::Job;
use crate::sessionize::time::Day;
use crate::tables::folder::LockedFolder;
use crate::tables::history::changes::{compare, Changes, Groups};
use crate::tables::read::row_count;
use crate::tables::schema::place::TablePlace;
use crate::tables::schema::sessions::{ACTIVITY, EVENTS, SESSIONS};

/// What a run's files are beside those that they replace.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The dates of which some file is replaced, added or removed.
    pub replaced: Vec<Day>,
    /// The dates of the sessions table of all events among them, with their numbers of sessions.
    pub dates: Vec<DateChange>,
    /// The newest date that the sessions table had.
    pub newest: Option<Day>,
    /// But of a full run: what became of the sessions before.
    pub changes: Option<Changes>,
}

impl Outcome {
    /// Compares what is staged, and what it replaces, with what stands in the folder; the sessions one by one
    /// only `with_changes`, in `budget` bytes of memory.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn new(
        job: &Job,
        folder: &LockedFolder,
        replaced: &BTreeSet<PathBuf>,
        with_changes: bool,
        budget: Option<usize>,
    ) -> Result<Self, Error> {
        let staged = folder.staged_files()?;
        let touched: BTreeSet<&PathBuf> = staged.iter().chain(replaced).collect();
        // Those of segments too: their files stand in folders of these names.
        let days = touched.iter().flat_map(|file| [SESSIONS, ACTIVITY, EVENTS].map(|table| table.day_of(file)));
        let replaced: BTreeSet<Day> = days.flatten().collect();
        let place = TablePlace::new(SESSIONS, None);
        let before = folder.files_of(&place.folder())?;
        let newest = before.iter().filter_map(|file| SESSIONS.day_of(file)).max();
        let mut outcome = Outcome { newest, ..Outcome::default() };
        let mut files = (Vec::new(), Vec::new());
        for day in &replaced {
            let file = place.file_of(*day);
            if !touched.contains(&file) {
                continue;
            }
            let (old, new) = (folder.path().join(&file), folder.staged_path(&file));
            let was = before.contains(&file).then(|| row_count(&old)).transpose()?;
            let is = if staged.contains(&file) { row_count(&new)? } else { 0 };
            outcome.dates.push(DateChange { day: *day, was, is });
            files.0.extend(was.is_some().then_some(old));
            files.1.extend(staged.contains(&file).then_some(new));
        }
        if with_changes {
            let groups = match job.definition.custom() {
                None => Groups { value: Some("session_id".to_string()), names_session: true },
                Some(custom) => Groups { value: custom.property.as_deref().map(property_column), names_session: false },
            };
            outcome.changes = Some(compare(&files.0, &files.1, &groups, budget)?);
        }
        outcome.replaced = replaced.into_iter().collect();
        Ok(outcome)
    }
}
