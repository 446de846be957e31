//! Active users: the users of the activity table, in session or not (SPEC 5).

use std::collections::HashMap;

use polars::prelude::*;

use super::interval::{IntervalKey, Intervals};
use super::lanes::{Codes, Pairs};
use super::sessions::Ranged;
use super::tables::{collect, scan_file};
use crate::job::chart::Interval;
use crate::sessionize::time::Day;

/// Distinct users by lane and interval.
pub type ActiveUsers = HashMap<(u32, IntervalKey), i64>;

/// The active users of a segment, which charts share that ask for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    users: ActiveUsers,
    /// Of a segment `by` a column, the values by their lanes here.
    values: Option<Vec<String>>,
}

impl Active {
    /// Those of a segment's lanes in a chart, which gets lanes for all values.
    pub fn in_lanes(&self, lanes: &mut Codes) -> ActiveUsers {
        let Some(values) = &self.values else { return self.users.clone() };
        let of: Vec<u32> = values.iter().map(|value| lanes.of(value)).collect();
        self.users.iter().map(|((lane, key), users)| ((of[*lane as usize], *key), *users)).collect()
    }
}

/// Counts the active users of a segment.
///
/// # Errors
/// A table that cannot be read.
pub fn active_users(segment: &Ranged<'_>, intervals: &Intervals<'_>) -> PolarsResult<Active> {
    let mut users = ActiveUsers::new();
    let mut lanes = Codes::default();
    let by = segment.tables.by.as_deref();
    let same = |a: &(Day, _), b: &(Day, _)| intervals.of(a.0) == intervals.of(b.0);
    for files in segment.activity.chunk_by(same) {
        let first = intervals.of(files[0].0);
        let rows = files.iter().map(|(_, path)| scan_file(path)).collect::<PolarsResult<Vec<_>>>()?;
        let rows = segment.of_its_users(concat(rows, UnionArgs::default())?);
        // A user stands once on a date: only where an interval is of several are users told apart.
        let mut columns = match intervals.interval {
            Interval::Hour => vec![col("hours").cast(DataType::Int64)],
            Interval::Day => vec![col("hours").is_not_null().alias("row")],
            _ => vec![col("user_id").cast(DataType::String)],
        };
        columns.extend(by.map(|by| col(by).cast(DataType::String).alias("lane")));
        let rows = collect(rows.select(columns))?;
        let lane_of: Option<Vec<u32>> = match by {
            Some(_) => {
                let names = rows.column("lane")?.str()?;
                Some(names.iter().map(|name| lanes.of(name.unwrap_or_default())).collect())
            }
            None => None,
        };
        let lane = |row: usize| lane_of.as_ref().map_or(0, |lanes| lanes[row]);
        match intervals.interval {
            Interval::Hour => {
                for (row, hours) in rows.column("hours")?.i64()?.iter().enumerate() {
                    let mut rest = hours.unwrap_or(0);
                    while rest != 0 {
                        let hour = i64::from(rest.trailing_zeros());
                        rest &= rest - 1;
                        *users.entry((lane(row), IntervalKey::from_number(first.number() + hour))).or_default() += 1;
                    }
                }
            }
            Interval::Day if lane_of.is_none() => {
                users.insert((0, first), rows.height() as i64);
            }
            Interval::Day => (0..rows.height()).for_each(|row| *users.entry((lane(row), first)).or_default() += 1),
            _ => {
                let mut codes = Codes::default();
                let of = rows.column("user_id")?.str()?.iter().map(|user| codes.of(user.unwrap_or_default()));
                if lane_of.is_none() {
                    // Codes count up from 0.
                    let last = of.max();
                    users.extend(last.map(|last| ((0, first), i64::from(last) + 1)));
                    continue;
                }
                let mut met = Pairs::default();
                for (row, code) in of.enumerate() {
                    if met.is_new(lane(row), code) {
                        *users.entry((lane(row), first)).or_default() += 1;
                    }
                }
            }
        }
    }
    Ok(Active { users, values: by.map(|_| lanes.into_texts()) })
}
