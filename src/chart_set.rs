//! The charts of a job over the tables of a folder: measured, and staged as the folder's measures and
//! histograms.

use std::path::Path;

use jiff::tz::TimeZone;
use rayon::ThreadPool;

use crate::charts::active::Active;
use crate::charts::error::ChartError;
use crate::charts::measure::{AskedUsers, InRange};
use crate::charts::sessions::{Performed, SegmentTables};
use crate::charts::tables::TableFiles;
use crate::charts::Line;
use crate::error::Error;
use crate::job::added::{by_column, AddedColumns};
use crate::job::segment::ALL;
use crate::job::{Chart, Segment};
use crate::pipeline;
use crate::tables::error::TableError;
use crate::tables::folder::LockedFolder;
use crate::tables::measures::{write_histograms, write_measures, Paths};
use crate::tables::parquet_file::{Provenance, Size};

/// Charts and what they are made of.
#[derive(Clone, Copy, Debug)]
pub struct ChartSet<'a> {
    /// The charts.
    pub charts: &'a [Chart],
    /// The tables of all segments.
    pub segments: &'a [SegmentTables],
    /// The columns that the charts added to the sessions tables.
    pub added: &'a AddedColumns,
}

impl ChartSet<'_> {
    /// The lines of all charts, in order; `folder` is for messages.
    ///
    /// # Errors
    /// A table that cannot be read; a value that a property cannot be compared with.
    pub fn measure(&self, pool: &ThreadPool, folder: &Path, zone: &TimeZone) -> Result<Vec<Line>, Error> {
        let failed = |error: ChartError| match error {
            ChartError::Table(error) => unreadable(folder, &error),
            other => other.into(),
        };
        let charts: Vec<&Chart> = self.charts.iter().collect();
        let charts = pipeline::each(pool, &charts, |&chart| InRange::new(chart, self.segments, zone).map_err(failed))?;
        // Each answer once, however many charts ask for it.
        let mut asked: Vec<AskedUsers<'_>> = Vec::new();
        let mut answers_of: Vec<Vec<usize>> = Vec::new();
        for chart in &charts {
            let mut answers = Vec::new();
            for users in chart.active_users() {
                answers.push(asked.iter().position(|known| known.is_same(&users)).unwrap_or(asked.len()));
                if answers.last() == Some(&asked.len()) {
                    asked.push(users);
                }
            }
            answers_of.push(answers);
        }
        let active = pipeline::each(pool, &asked, |users| users.count().map_err(failed))?;
        let charts: Vec<(&InRange<'_>, Vec<usize>)> = charts.iter().zip(answers_of).collect();
        let lines = pipeline::each(pool, &charts, |(chart, answers)| {
            let active: Vec<&Active> = answers.iter().map(|answer| &active[*answer]).collect();
            chart.measure(self.added, &active).map_err(failed)
        })?;
        Ok(lines.into_iter().flatten().collect())
    }
}

/// The tables of all events and of the segments of a job as charts see them; `files` are theirs, in that order.
pub fn segment_tables(
    segments: &[Segment],
    performed: &[AddedColumns],
    property: Option<&str>,
    files: Vec<TableFiles>,
) -> Vec<SegmentTables> {
    let mut files = files.into_iter();
    let all = files.next().unwrap_or_default();
    let mut tables = vec![SegmentTables { name: ALL.to_string(), files: all, ..SegmentTables::default() }];
    tables.extend(segments.iter().zip(performed).map(|(segment, columns)| {
        SegmentTables {
            name: segment.name.clone(),
            by: segment.by().map(|by| by_column(by, property)),
            performed: segment
                .performed
                .iter()
                .filter_map(|performed| {
                    let column = columns.name_of(&performed.count)?.to_string();
                    Some(Performed { column, at_least: performed.at_least, at_most: performed.at_most })
                })
                .collect(),
            files: files.next().unwrap_or_default(),
        }
    }));
    tables
}

/// Stages the measures and histograms of charts.
///
/// # Errors
/// A file that cannot be written.
pub fn stage_charts(
    folder: &LockedFolder,
    provenance: &Provenance,
    charts: &[Chart],
    lines: &[Line],
    zone: &TimeZone,
) -> Result<[(String, Size); 2], Error> {
    let with_formula = charts.iter().any(|chart| chart.formula.is_some());
    let files = |name: &str| -> Result<_, TableError> {
        let stage = |extension: &str| folder.stage(Path::new(&format!("{name}.{extension}")));
        Ok((stage("parquet")?, stage("csv")?))
    };
    let (parquet, csv) = files("measures")?;
    let measures = write_measures(Paths { parquet: &parquet, csv: &csv }, provenance, lines, with_formula, zone)?;
    let (parquet, csv) = files("histogram")?;
    let histograms = write_histograms(Paths { parquet: &parquet, csv: &csv }, provenance, lines, zone)?;
    Ok([("measures".to_string(), measures), ("histogram".to_string(), histograms)])
}

/// A table that cannot be read.
pub fn unreadable(folder: &Path, error: &polars::error::PolarsError) -> Error {
    TableError::Read { path: folder.to_path_buf(), reason: error.to_string() }.into()
}
