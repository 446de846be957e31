//! `dwell charts`: recomputes measures and histograms from the tables a run wrote, without reading events.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use rayon::ThreadPool;

use super::at_place::{with_tables, Access};
use super::run::compatibility::charts_mark;
use crate::charts::chart_set::{stage_charts, ChartSet, Measured};
use crate::charts::segment_tables::ChartedSegments;
use crate::charts::segments::SegmentTables;
use crate::charts::tables::TableFiles;
use crate::charts::user_passes::Reading;
use crate::error::Error;
use crate::job::added::Standard;
use crate::job::chart::Chart;
use crate::job::charts_job::ChartsJob;
use crate::job::dates::parse_zone;
use crate::job::derived::{Expressions, DERIVE};
use crate::job::fingerprint::{Canonical, Difference};
use crate::job::memory_limit::{self, MemoryLimit};
use crate::job::options::Resources;
use crate::job::{AddedColumns, Column, Derived, JobError, Segment, Segments};
use crate::pipeline;
use crate::summary::charts::charts_text;
use crate::summary::warnings;
use crate::tables::error::TableError;
use crate::tables::folder::{LockedFolder, Made, OutputFolder};
use crate::tables::schema::made_with::MadeWith;
use crate::tables::schema::place::TablePlace;
use crate::tables::schema::sessions::{ACTIVITY, SESSIONS};
use crate::tables::write::csv_file::CsvStyle;
use crate::tables::write::files::files_below;
use crate::tables::write::parquet_file::Provenance;

/// Makes the charts of a job and returns them as text, for a window of so many letters.
///
/// # Errors
/// A folder without tables, tables that lack what a chart needs. Whatever it is, the charts are as they were.
pub fn make_charts(job: &ChartsJob, resources: &Resources, window: usize) -> Result<String, Error> {
    with_tables(&job.place, Access::Write, || make_on_disk(job, resources, window))
}

fn make_on_disk(job: &ChartsJob, resources: &Resources, window: usize) -> Result<String, Error> {
    let threads = resources.threads()?;
    let (folder, definition, zone) = tables_of(job)?;
    let folder = folder.lock()?;
    // A run that was killed may have been completed by now.
    let definition = folder.before().definition().cloned().unwrap_or_else(|| definition.clone());
    let pool = pipeline::pool(threads)?;
    let style = CsvStyle { zone: &zone, formulas: job.formulas };
    let (measured, gone) = stage_anew(&pool, &folder, &definition, style, resources.memory_limit, Asked::of(job))?;
    if let Some(warning) = warnings::memory(resources.memory_limit, memory_limit::peak()) {
        tracing::warn!("{warning}");
    }
    crate::cancel::check()?;
    crate::cancel::commit_begins();
    let made = Made { charts: Some(charts_mark(&job.charts, &job.segments, job.formulas)), ..folder.before().made() };
    folder.commit(&gone, &BTreeSet::new(), &definition, made)?;
    Ok(charts_text(&job.charts, &measured, &zone, window))
}

/// What a job asks of the tables of a folder.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The columns that it declares.
    pub columns: &'a [Column],
    /// Its charts.
    pub charts: &'a [Chart],
    /// Its segments.
    pub segments: &'a Segments,
    /// Whether its sessions are numbered by user.
    pub history: bool,
    /// The derived columns of its events.
    pub derived: &'a [Derived],
}

impl<'a> Asked<'a> {
    /// All that a job asks.
    pub fn of(job: &'a ChartsJob) -> Self {
        Asked {
            columns: &job.columns,
            charts: &job.charts,
            segments: &job.segments,
            history: job.history,
            derived: &job.derived,
        }
    }
}

/// Stages charts of the tables of a folder within a memory limit, warns of those that have rows only for intervals with
/// sessions, and says which files of charts are no more.
///
/// # Errors
/// Tables that lack what a chart needs, or cannot be read; a file that cannot be written.
pub fn stage_anew(
    pool: &ThreadPool,
    folder: &LockedFolder,
    definition: &Canonical,
    style: CsvStyle<'_>,
    limit: Option<MemoryLimit>,
    asked: Asked<'_>,
) -> Result<(Measured, BTreeSet<PathBuf>), Error> {
    let property = definition.get("session.property");
    let (tables, added) = measured_tables(folder.path(), property, asked, &Reading { pool, limit })?;
    let charts = asked.charts;
    let set = ChartSet { charts, segments: &tables, added: &added, limit, first_hours: None };
    let measured = set.measure(pool, style.zone)?;
    measured.sparse.iter().for_each(|sparse| tracing::warn!("{}", sparse.text()));
    measured.unmet.iter().for_each(|unmet| tracing::warn!("{}", unmet.text()));
    let staged = stage_charts(folder, &Provenance::of(definition), charts, &measured, style)?;
    Ok((measured, staged.gone))
}

/// The tables of all events and of each segment in a folder, and the columns that are added to them.
///
/// # Errors
/// Tables that lack what a chart needs, or that cannot be read; more users than memory holds.
pub fn measured_tables(
    folder: &Path,
    property: Option<&str>,
    Asked { columns, charts, segments, history, derived }: Asked<'_>,
    reading: &Reading<'_>,
) -> Result<(Vec<SegmentTables>, AddedColumns), Error> {
    let standard = Standard { property, history, derived };
    let (added, performed) = AddedColumns::of_job(columns, charts, &segments.with_tables, standard)?;
    let files = files_of(folder, charts, &segments.with_tables, &added, &performed)?;
    let charted = ChartedSegments { charts, segments, performed: &performed, property };
    Ok((charted.tables(reading, files)?, added))
}

/// The folder of a job's tables, with the definition that they were made under and the zone of their dates.
///
/// # Errors
/// A folder without tables, or with tables that were made otherwise than the job says.
pub fn tables_of(job: &ChartsJob) -> Result<(OutputFolder, Canonical, TimeZone), Error> {
    let folder = OutputFolder::look(&job.place.folder)?;
    let Some(definition) = folder.definition().cloned() else {
        return Err(TableError::NoTables { path: job.place.folder.clone() }.into());
    };
    let zone = zone_of(job, &definition)?;
    let mut differences = job.says.contradicted_by(&definition);
    differences.extend(other_expressions(job, &definition));
    if !differences.is_empty() {
        return Err(TableError::MadeOtherwise { path: job.place.folder.clone(), differences }.into());
    }
    Ok((folder, definition, zone))
}

/// The derived columns that the tables' sessions are made by, and of which the job has another expression.
fn other_expressions(job: &ChartsJob, definition: &Canonical) -> Vec<Difference> {
    let known = definition.get(DERIVE).and_then(|text| serde_json::from_str::<Expressions>(text).ok());
    let known = known.unwrap_or_default();
    let other = |derived: &Derived| {
        let was = known.get(&derived.name).filter(|was| **was != derived.expression)?;
        let (key, is) = (format!("{DERIVE}.{}", derived.name), Some(derived.expression.clone()));
        Some(Difference { key, was: Some(was.clone()), is })
    };
    job.derived.iter().filter_map(other).collect()
}

/// The zone that the tables' dates are of; a job may not name another one.
///
/// # Errors
/// It does.
fn zone_of(job: &ChartsJob, definition: &Canonical) -> Result<TimeZone, Error> {
    let of_tables = definition.get("output.timezone").unwrap_or("UTC");
    match &job.zone_name {
        Some(named) if named != of_tables => {
            let hint = format!("the tables' dates are of {of_tables}; only `dwell run --overwrite` can change that");
            Err(JobError::Unfit { key: "output.timezone", value: format!("\"{named}\""), hint }.into())
        }
        _ if of_tables == "UTC" => Ok(TimeZone::UTC),
        _ => Ok(parse_zone("output.timezone", of_tables)?),
    }
}

/// The files of all events' tables and of those of each segment, which have all columns that charts need.
fn files_of(
    folder: &Path,
    charts: &[Chart],
    segments: &[Segment],
    added: &AddedColumns,
    performed: &[AddedColumns],
) -> Result<Vec<TableFiles>, Error> {
    let used = |segment: &Segment| charts.iter().any(|chart| chart.segments.contains(&segment.name));
    let mut all = vec![both_tables(folder, None, added, &AddedColumns::default())?];
    for (segment, performed) in segments.iter().zip(performed) {
        // Tables that no chart is of may lack anything.
        all.push(match used(segment) {
            true => both_tables(folder, Some(segment), added, performed)?,
            false => TableFiles::default(),
        });
    }
    Ok(all)
}

fn both_tables(
    folder: &Path,
    segment: Option<&Segment>,
    to_sessions: &AddedColumns,
    to_activity: &AddedColumns,
) -> Result<TableFiles, Error> {
    let mut files = TableFiles::default();
    for (table, added) in [(SESSIONS, to_sessions), (ACTIVITY, to_activity)] {
        let place = TablePlace::new(table, segment.map(|segment| segment.name.as_str()));
        let found: Vec<PathBuf> =
            files_below(folder, &place.folder())?.into_iter().filter(|file| place.owns(file)).collect();
        let needed = MadeWith::new(added, segment);
        check(folder, &place, &found, &needed)?;
        files.extend(table, found.iter().map(|file| folder.join(file)));
    }
    Ok(files)
}

/// Every file has to have what is needed: runs of some dates may have left others as they were.
fn check(folder: &Path, place: &TablePlace, files: &[PathBuf], needed: &MadeWith) -> Result<(), Error> {
    let lacks = |what: String| TableError::Lacks { path: folder.join(place.folder()), what };
    if files.is_empty() {
        let what = if needed.segment.is_empty() { "all of its files" } else { "the segment's tables" };
        return Err(lacks(what.to_string()).into());
    }
    for file in files {
        if let Some(what) = MadeWith::read(&folder.join(file))?.lacks(needed) {
            return Err(lacks(what).into());
        }
    }
    Ok(())
}
