//! The tables of a job's segments, as its charts see them.

use std::sync::Arc;

use super::segments::{NewOrReturning, Performed, SegmentTables};
use super::tables::TableFiles;
use super::user_passes::Reading;
use crate::error::Error;
use crate::job::added::{by_column, AddedColumns};
use crate::job::chart::Interval;
use crate::job::segment::ALL;
use crate::job::{Chart, Segment, Segments};

/// What charts are of.
#[derive(Clone, Copy, Debug)]
pub struct ChartedSegments<'a> {
    /// The charts.
    pub charts: &'a [Chart],
    /// The segments of the job.
    pub segments: &'a Segments,
    /// The columns that each segment with tables adds to its activity table.
    pub performed: &'a [AddedColumns],
    /// The property that sessions are grouped by.
    pub property: Option<&'a str>,
}

impl ChartedSegments<'_> {
    /// The tables of all events, and of each segment; `files` are those of all events and of the segments that have tables, in
    /// order.
    ///
    /// # Errors
    /// An activity table that cannot be read, where users count by when they were first active; more of them than memory
    /// holds.
    pub fn tables(&self, reading: &Reading<'_>, files: Vec<TableFiles>) -> Result<Vec<SegmentTables>, Error> {
        let mut files = files.into_iter();
        let all = files.next().unwrap_or_default();
        let all = SegmentTables { name: ALL.to_string(), files: all, ..SegmentTables::default() };
        // Other charts may be by hours, too.
        let with_hours = self.charts.iter().any(|chart| chart.interval == Interval::Hour);
        let first = match self.asks_who_is_new() {
            true => Some(Arc::new(reading.first_active(&all, with_hours)?)),
            false => None,
        };
        let none = AddedColumns::default();
        let with_tables = self.segments.with_tables.iter().zip(self.performed).zip(files);
        let with_tables = with_tables.map(|((segment, columns), files)| (segment, columns, files));
        let of_all = self.segments.of_all.iter().map(|segment| (segment, &none, all.files.clone()));
        let one = |(segment, columns, files): (&Segment, &AddedColumns, TableFiles)| SegmentTables {
            users: segment.users.zip(first.clone()).map(|(by, first)| NewOrReturning { by, first }),
            files,
            ..self.without_files(segment, columns)
        };
        let others: Vec<SegmentTables> = with_tables.chain(of_all).map(one).collect();
        Ok(std::iter::once(all).chain(others).collect())
    }

    fn without_files(&self, segment: &Segment, columns: &AddedColumns) -> SegmentTables {
        let performed = segment.performed.iter().filter_map(|performed| {
            let column = columns.name_of(&performed.count)?.to_string();
            Some(Performed { column, at_least: performed.at_least, at_most: performed.at_most })
        });
        SegmentTables {
            name: segment.name.clone(),
            by: segment.by.iter().map(|by| by_column(by, self.property)).collect(),
            performed: performed.collect(),
            ..SegmentTables::default()
        }
    }

    /// Whether a chart is of a segment whose users count by when they were first active.
    fn asks_who_is_new(&self) -> bool {
        let mut of_users = self.segments.all().filter(|segment| segment.users.is_some());
        of_users.any(|segment| self.charts.iter().any(|chart| chart.segments.contains(&segment.name)))
    }
}
