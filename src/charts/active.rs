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

/// Counts the active users of a segment.
///
/// # Errors
/// A table that cannot be read.
pub fn active_users(segment: &Ranged<'_>, intervals: &Intervals<'_>, lanes: &mut Codes) -> PolarsResult<ActiveUsers> {
    let mut users = ActiveUsers::new();
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
        let by = segment.tables.by.as_deref();
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
                let mut met = Pairs::default();
                for (row, user) in rows.column("user_id")?.str()?.iter().enumerate() {
                    let code = codes.of(user.unwrap_or_default());
                    if met.is_new(lane(row), code) {
                        *users.entry((lane(row), first)).or_default() += 1;
                    }
                }
            }
        }
    }
    Ok(users)
}
