//! Dates that a run keeps from earlier ones have to have what this run's charts and segments need.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::job::chart::Chart;
use crate::job::fingerprint::digest;
use crate::job::options::{Options, Table};
use crate::job::{AddedColumns, CsvFormulas, Job, JobError, Segment, Segments};
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::folder::{Before, LockedFolder, Made};
use crate::tables::history::scope::Scope;
use crate::tables::schema::made_with::MadeWith;
use crate::tables::schema::place::{TablePlace, SEGMENTS};
use crate::tables::schema::sessions::{TableName, ACTIVITY, EVENTS, SESSIONS};

/// What the columns that a run's tables get are beside those that they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnChange {
    /// The same.
    None,
    /// Others, which can be made of those that are there.
    OfTables,
    /// Others, which take events.
    OfEvents,
}

impl ColumnChange {
    /// Of the tables of a job beside those of a folder.
    pub fn of(job: &Job, options: &Options, before: &Before) -> Self {
        let now = made_with(job);
        if !before.has_other_columns(&now) {
            return ColumnChange::None;
        }
        let is_of_sessions = |line: &String| !line.starts_with(&of_events(""));
        let (was_of_events, was): (Vec<String>, Vec<String>) =
            before.made().tables.into_iter().partition(|line| !is_of_sessions(line));
        let (now_of_events, now): (Vec<String>, Vec<String>) = now.into_iter().partition(|line| !is_of_sessions(line));
        // Without rows of events any more, they go; others take events.
        if !now_of_events.is_empty() && was_of_events != now_of_events {
            return ColumnChange::OfEvents;
        }
        let told = |line: &str| line.split_once(':').map(|(table, made)| (table.to_string(), MadeWith::of_text(made)));
        let segments = std::iter::once(None).chain(job.segments.with_tables.iter().map(Some));
        let can_be_made =
            segments.flat_map(|segment| [(SESSIONS, segment), (ACTIVITY, segment)]).all(|(table, segment)| {
                let place = TablePlace::new(table, segment.map(|segment| segment.name.as_str())).folder();
                let known = was.iter().find(|line| told(line).is_some_and(|(table, _)| Path::new(&table) == place));
                let Some(known) = known else { return false };
                let made = told(known).is_some_and(|(_, made)| made.lacks_for(&job.added, segment).is_none());
                now.contains(known) || table == SESSIONS && made
            });
        match can_be_made && was.len() == now.len() && options.writes(Table::Sessions) {
            true => ColumnChange::OfTables,
            false => ColumnChange::OfEvents,
        }
    }
}

/// Refuses a run of some dates where the others lack a column or a segment: their tables would not fit
/// together.
///
/// # Errors
/// The first table that lacks something, and what.
pub fn check_kept(job: &Job, options: &Options, scope: &Scope, folder: &LockedFolder) -> Result<(), Error> {
    let dates = &scope.dates;
    if dates.is_all() {
        return Ok(());
    }
    check_tables(job, options, dates, folder)?;
    let none = AddedColumns::default();
    let history = job.output.history;
    check_both(scope, folder, None, &job.added, &none, history)?;
    let keeps_any = !kept_files(folder, &TablePlace::new(ACTIVITY, None), dates)?.is_empty();
    for (segment, performed) in job.segments.with_tables.iter().zip(&job.performed) {
        let is_new = folder.files_of(&TablePlace::new(ACTIVITY, Some(&segment.name)).folder())?.is_empty();
        if is_new && keeps_any {
            let path = folder.path().join(TablePlace::new(SESSIONS, Some(&segment.name)).folder());
            return Err(TableError::Lacks { path, what: "the segment's dates before and after".to_string() }.into());
        }
        check_both(scope, folder, Some(segment), &job.added, performed, history)?;
    }
    Ok(())
}

fn check_both(
    scope: &Scope,
    folder: &LockedFolder,
    segment: Option<&Segment>,
    to_sessions: &AddedColumns,
    to_activity: &AddedColumns,
    history: bool,
) -> Result<(), Error> {
    let tables: [(TableName, &AddedColumns); 2] = [(SESSIONS, to_sessions), (ACTIVITY, to_activity)];
    for (table, added) in tables {
        let place = TablePlace::new(table, segment.map(|segment| segment.name.as_str()));
        let needed = MadeWith::new(added, segment).with_history(history && table == SESSIONS);
        for file in kept_files(folder, &place, &scope.dates)? {
            let made_with = MadeWith::read(&folder.path().join(file))?;
            let lacks = match scope.rewrites && table == SESSIONS {
                true => made_with.lacks_for(added, segment),
                false => made_with.lacks(&needed),
            };
            if let Some(what) = lacks {
                return Err(TableError::Lacks { path: folder.path().join(place.folder()), what }.into());
            }
        }
    }
    Ok(())
}

fn kept_files(folder: &LockedFolder, place: &TablePlace, dates: &DateSet) -> Result<Vec<PathBuf>, TableError> {
    let is_kept = |file: &Path| place.owns(file) && place.table.day_of(file).is_some_and(|day| !dates.holds(day));
    Ok(folder.files_of(&place.folder())?.into_iter().filter(|file| is_kept(file)).collect())
}

/// Refuses a run of some dates that would leave tables, or charts over them, of which one has dates that another
/// lacks.
fn check_tables(job: &Job, options: &Options, dates: &DateSet, folder: &LockedFolder) -> Result<(), Error> {
    let kept = |table: TableName| -> Result<(bool, BTreeSet<Day>), Error> {
        let place = TablePlace::new(table, None);
        let files: Vec<PathBuf> =
            folder.files_of(&place.folder())?.into_iter().filter(|file| place.owns(file)).collect();
        let days = files.iter().filter_map(|file| table.day_of(file)).filter(|day| !dates.holds(*day)).collect();
        Ok((!files.is_empty(), days))
    };
    let ((has_sessions, sessions), (has_activity, activity)) = (kept(SESSIONS)?, kept(ACTIVITY)?);
    let refuse = |has: TableName, lacks: TableName| {
        let path = folder.path().to_path_buf();
        Err(JobError::PartOfTables { path, has: has.folder, lacks: lacks.folder }.into())
    };
    // Where a session starts there is an event, unless its id says where it starts.
    let inactive = job.definition.custom().is_some() && !sessions.is_subset(&activity);
    let charts = options.writes(Table::Charts);
    match (has_sessions, has_activity) {
        (true, false) if charts || options.writes(Table::Activity) => refuse(SESSIONS, ACTIVITY),
        (false, true) if charts || options.writes(Table::Sessions) => refuse(ACTIVITY, SESSIONS),
        (true, true) if charts && inactive => refuse(SESSIONS, ACTIVITY),
        _ => Ok(()),
    }
}

/// What the tables and charts of a folder are made with once a run with these options is done: what it does not write stays
/// what it was.
pub fn made_after(job: &Job, options: &Options, before: &Before) -> Made {
    let (sessions, activity) = (options.writes(Table::Sessions), options.writes(Table::Activity));
    let events = options.writes(Table::Events);
    let table_of = |line: &str| line.split(':').next().unwrap_or_default().to_string();
    let before = before.made().tables;
    let was = |table: &str| before.iter().find(|line| table_of(line) == table).cloned();
    let now = made_with(job);
    let mut tables = Vec::new();
    for line in &now {
        let table = table_of(line);
        let is_written = match table.as_str() {
            table if table == EVENTS.folder => events,
            table if table.ends_with(SESSIONS.folder) => sessions,
            _ => activity,
        };
        // A table of all events that is not there lacks nothing, until someone asks for it.
        let is_new = !table.starts_with(SEGMENTS) && was(&table).is_none();
        tables.extend(if is_written || is_new { Some(line.clone()) } else { was(&table) });
    }
    // Tables of segments that are no more go with a run that writes both.
    let gone = |line: &&String| !now.iter().any(|known| table_of(known) == table_of(line));
    tables.extend(before.iter().filter(gone).filter(|_| !(sessions && activity)).cloned());
    Made {
        tables,
        charts: options.writes(Table::Charts).then(|| charts_mark(&job.charts, &job.segments, job.output.formulas)),
    }
}

/// What tells charts from others that can be made of the same tables.
pub fn charts_mark(charts: &[Chart], segments: &Segments, formulas: CsvFormulas) -> String {
    digest(format!("{charts:?} {segments:?} {formulas:?}").as_bytes())
}

/// What the events table is made with: its columns.
fn of_events(columns: &str) -> String {
    format!("{}: {columns}", EVENTS.folder)
}

/// What each of a job's tables is made with, to tell whether the tables of a folder are made with the same.
pub fn made_with(job: &Job) -> Vec<String> {
    let line = |table: TableName, segment: Option<&Segment>, added: &AddedColumns| {
        let place = TablePlace::new(table, segment.map(|segment| segment.name.as_str()));
        let history = job.output.history && table == SESSIONS;
        let metadata = MadeWith::new(added, segment).with_history(history).metadata();
        let metadata = metadata.into_iter().map(|(key, value)| format!(" {key} {value}")).collect::<String>();
        format!("{}:{metadata}", place.folder().display())
    };
    let none = AddedColumns::default();
    let mut lines = vec![line(SESSIONS, None, &job.added), line(ACTIVITY, None, &none)];
    for (segment, performed) in job.segments.with_tables.iter().zip(&job.performed) {
        lines.extend([line(SESSIONS, Some(segment), &job.added), line(ACTIVITY, Some(segment), performed)]);
    }
    lines.extend(job.output.events.as_ref().map(|_| of_events(&job.output.listed)));
    lines
}
