//! The segments that charts are of, as tables, and which of a segment's users count within a chart's dates.

use std::collections::{BTreeSet, HashMap, HashSet};

use polars::prelude::*;

use super::rows::FileRows;
use super::tables::{collect, scan_file, DatedFile, TableFiles};
use crate::sessionize::aggregate::Window;
use crate::sessionize::time::Day;
use crate::tables::schema::sessions::{ACTIVITY, SESSIONS};

/// The column of users.
pub const USER: &str = "user_id";

/// The tables of a segment, as charts see them.
#[derive(Clone, Debug, Default)]
pub struct SegmentTables {
    /// The segment's name.
    pub name: String,
    /// The column of which each value is a segment.
    pub by: Option<String>,
    /// Columns of the activity table whose sums over a chart's range have to be within bounds.
    pub performed: Vec<Performed>,
    /// The files.
    pub files: TableFiles,
}

/// What a segment's users did within a chart's range.
#[derive(Clone, Debug)]
pub struct Performed {
    /// The column that counts it.
    pub column: String,
    /// At least so often.
    pub at_least: u32,
    /// At most so often.
    pub at_most: Option<u32>,
}

/// A segment within a chart's dates.
#[derive(Debug)]
pub struct Ranged<'a> {
    /// Its tables.
    pub tables: &'a SegmentTables,
    /// The dates.
    pub window: Window,
    /// The first date within them that has sessions.
    pub first: Option<Day>,
    /// Its users, where it has conditions of them.
    members: Option<Members>,
}

impl<'a> Ranged<'a> {
    /// The part of a segment within these dates.
    ///
    /// # Errors
    /// A table that cannot be read.
    pub fn new(tables: &'a SegmentTables, window: Window) -> PolarsResult<Self> {
        let within = |table| {
            let dated = tables.files.dated(table).into_iter();
            dated.filter(|(day, _)| window.holds(*day)).collect::<Vec<DatedFile>>()
        };
        let first = within(SESSIONS).first().map(|(day, _)| *day);
        let members = match tables.performed.is_empty() {
            true => None,
            false => Some(Members::performing(tables, &within(ACTIVITY))?),
        };
        Ok(Ranged { tables, window, first, members })
    }

    /// Which columns tell whether a row is of a user that counts.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.members.iter().flat_map(|_| std::iter::once(USER).chain(self.tables.by.as_deref()))
    }

    /// Of each row, whether it is of a user that meets the segment's conditions; `None` where all are.
    ///
    /// # Errors
    /// The rows lack a column.
    pub fn counting(&self, rows: &mut FileRows) -> PolarsResult<Option<Vec<bool>>> {
        let Some(members) = &self.members else { return Ok(None) };
        let users = rows.texts(USER)?;
        let values = self.tables.by.as_deref().map(|by| rows.texts(by)).transpose()?;
        let value = |row: usize| values.as_ref().and_then(|values| values.get(row)).unwrap_or_default();
        let holds = |row: usize| members.hold(value(row), users.get(row).unwrap_or_default());
        Ok(Some((0..rows.len()).map(holds).collect()))
    }
}

/// Users that meet the conditions of a segment, by the value that they do it with.
#[derive(Debug, Default)]
struct Members(HashMap<String, HashSet<String>>);

impl Members {
    /// Those who did so often what the segment asks for, by the files of its activity table.
    fn performing(tables: &SegmentTables, activity: &[DatedFile]) -> PolarsResult<Self> {
        if activity.is_empty() {
            return Ok(Members::default());
        }
        let keys = || std::iter::once(USER).chain(tables.by.as_deref()).map(col);
        let rows = activity.iter().map(|(_, path)| scan_file(path)).collect::<PolarsResult<Vec<_>>>()?;
        // Several conditions may be of one column.
        let counted: BTreeSet<&str> = tables.performed.iter().map(|performed| performed.column.as_str()).collect();
        let sums: Vec<Expr> = counted.into_iter().map(|column| col(column).cast(DataType::Int64).sum()).collect();
        let mut sums = concat(rows, UnionArgs::default())?.group_by(keys().collect::<Vec<_>>()).agg(sums);
        for performed in &tables.performed {
            let times = || col(performed.column.as_str());
            sums = sums.filter(times().gt_eq(lit(i64::from(performed.at_least))));
            if let Some(most) = performed.at_most {
                sums = sums.filter(times().lt_eq(lit(i64::from(most))));
            }
        }
        let users = collect(sums.select(keys().map(|key| key.cast(DataType::String)).collect::<Vec<_>>()))?;
        let mut members = Members::default();
        let values = tables.by.as_deref().map(|by| users.column(by)?.str()).transpose()?;
        for (row, user) in users.column(USER)?.str()?.iter().enumerate() {
            let value = values.and_then(|values| values.get(row)).unwrap_or_default();
            let of_value = match members.0.get_mut(value) {
                Some(known) => known,
                None => members.0.entry(value.to_string()).or_default(),
            };
            of_value.insert(user.unwrap_or_default().to_string());
        }
        Ok(members)
    }

    fn hold(&self, value: &str, user: &str) -> bool {
        self.0.get(value).is_some_and(|users| users.contains(user))
    }
}
