//! Active users: the users of the activity table, in session or not (SPEC 5). The table of a segment is read once
//! for all charts, and its users are told apart once.

use std::collections::{BTreeSet, HashMap};

use polars::prelude::*;

use super::interval::{IntervalKey, Intervals};
use super::lanes::Codes;
use super::rows::FileRows;
use super::segments::{Ranged, SegmentTables, USER};
use super::tables::{read_file, row_count};
use crate::job::chart::Interval;
use crate::sessionize::columns::KeyColumn;
use crate::sessionize::intern::Interner;
use crate::tables::sessions::ACTIVITY;

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

/// The active users of a segment by interval, as a chart asks for them.
#[derive(Clone, Copy, Debug)]
pub struct AskedUsers<'a> {
    /// The segment, within the dates of the chart.
    pub segment: &'a Ranged<'a>,
    /// The intervals of the chart.
    pub intervals: &'a Intervals<'a>,
}

impl AskedUsers<'_> {
    /// Whether another one of the same segment has the same answer.
    pub fn is_same(&self, other: &AskedUsers<'_>) -> bool {
        (self.segment.window, self.intervals.interval, self.intervals.first)
            == (other.segment.window, other.intervals.interval, other.intervals.first)
    }

    /// The columns that it takes to count them.
    fn columns(&self) -> impl Iterator<Item = &str> {
        // A user stands once on a date: only where an interval is of several are users told apart.
        let own = match self.intervals.interval {
            Interval::Hour => Some(HOURS),
            Interval::Day => None,
            _ => Some(USER),
        };
        self.segment.columns().chain(own).chain(self.segment.tables.by.as_deref())
    }

    fn tells_users_apart(&self) -> bool {
        !matches!(self.intervals.interval, Interval::Hour | Interval::Day)
    }
}

const HOURS: &str = "hours";
/// More than the hours of the longest date.
const SLOTS: usize = 32;

/// Counts the active users of a segment for all who ask for them.
///
/// # Errors
/// A table that cannot be read.
pub fn active_users(tables: &SegmentTables, asked: &[AskedUsers<'_>]) -> PolarsResult<Vec<Active>> {
    let mut counting: Vec<Counting<'_>> = asked.iter().map(Counting::new).collect();
    let mut people = People::default();
    for (day, path) in tables.files.dated(ACTIVITY) {
        let mut of_day: Vec<&mut Counting<'_>> = Vec::new();
        of_day.extend(counting.iter_mut().filter(|counting| counting.asked.segment.window.holds(day)));
        let Some(_) = of_day.first() else { continue };
        let columns = of_day.iter().flat_map(|counting| counting.asked.columns().map(str::to_string));
        let columns: BTreeSet<String> = columns.collect();
        if columns.is_empty() {
            let rows = row_count(&path)? as i64;
            of_day.iter_mut().for_each(|counting| counting.add(0, counting.asked.intervals.of(day), rows));
            continue;
        }
        let mut file = FileRows::new(read_file(&path, &columns)?);
        let apart = of_day.iter().any(|counting| counting.asked.tells_users_apart());
        let present = people.present(tables, &mut file, apart)?;
        for counting in of_day {
            let key = counting.asked.intervals.of(day);
            counting.count(key, &present, &mut file)?;
        }
    }
    let values = tables.by.as_ref().map(|_| people.lanes.into_texts());
    Ok(counting.into_iter().map(|counting| Active { users: counting.users, values: values.clone() }).collect())
}

/// The users met so far, in whatever lanes.
#[derive(Default)]
struct People {
    lanes: Codes,
    users: Option<Interner>,
    /// Of a segment `by` a column: a user of one lane is another one than the same user of another.
    in_lanes: Option<Interner>,
}

/// Who the rows of a file are of.
struct Present {
    /// The lane of each row; `None` where there are none.
    lanes: Option<Vec<u32>>,
    /// The code of each row's user; nothing where nobody asks.
    users: Vec<u32>,
}

impl People {
    fn present(&mut self, tables: &SegmentTables, file: &mut FileRows, apart: bool) -> PolarsResult<Present> {
        let lanes = match &tables.by {
            Some(by) => Some(self.lanes.of_rows(&*file.texts(by)?)),
            None => None,
        };
        let mut users = Vec::new();
        if apart {
            let column: KeyColumn = file.users()?;
            let known = self.users.get_or_insert_with(|| Interner::like(&column));
            users.extend((0..column.len()).map(|row| known.intern(&column, row)));
        }
        if let Some(lanes) = lanes.as_ref().filter(|_| apart) {
            let known = self.in_lanes.get_or_insert_with(Interner::of_ints);
            let both = lanes.iter().zip(&mut users);
            both.for_each(|(lane, user)| *user = known.intern_int(i64::from(*lane) << 32 | i64::from(*user)));
        }
        Ok(Present { lanes, users })
    }
}

/// An answer in the making.
struct Counting<'a> {
    asked: &'a AskedUsers<'a>,
    users: ActiveUsers,
    /// The interval that each user was met in last, as a number that counts up; 0 for none.
    met: Vec<u32>,
    interval: Option<IntervalKey>,
    number: u32,
}

impl<'a> Counting<'a> {
    fn new(asked: &'a AskedUsers<'a>) -> Self {
        Counting { asked, users: ActiveUsers::new(), met: Vec::new(), interval: None, number: 0 }
    }

    fn add(&mut self, lane: u32, key: IntervalKey, users: i64) {
        *self.users.entry((lane, key)).or_default() += users;
    }

    /// Takes the rows of a date, which come in order.
    fn count(&mut self, key: IntervalKey, present: &Present, file: &mut FileRows) -> PolarsResult<()> {
        let counts_for = self.asked.segment.counting(file)?;
        let rows = (0..file.len()).filter(|row| counts_for.as_ref().is_none_or(|counts| counts[*row]));
        let lane = |row: usize| present.lanes.as_ref().map_or(0, |lanes| lanes[row] as usize);
        let lanes = present.lanes.iter().flatten().max().map_or(1, |last| *last as usize + 1);
        let mut counts = vec![[0i64; SLOTS]; lanes];
        match self.asked.intervals.interval {
            Interval::Hour => {
                let hours = file.ints(HOURS)?;
                for row in rows {
                    let mut rest = hours[row] as u32;
                    while rest != 0 {
                        counts[lane(row)][rest.trailing_zeros() as usize] += 1;
                        rest &= rest - 1;
                    }
                }
            }
            Interval::Day => rows.for_each(|row| counts[lane(row)][0] += 1),
            _ => {
                if self.interval != Some(key) {
                    (self.interval, self.number) = (Some(key), self.number + 1);
                }
                let users = present.users.iter().max().map_or(0, |last| *last as usize + 1);
                self.met.resize(users.max(self.met.len()), 0);
                for row in rows {
                    let met = std::mem::replace(&mut self.met[present.users[row] as usize], self.number);
                    counts[lane(row)][0] += i64::from(met != self.number);
                }
            }
        }
        for (lane, counts) in counts.iter().enumerate() {
            for (hour, users) in counts.iter().enumerate().filter(|(_, users)| **users > 0) {
                self.add(lane as u32, IntervalKey::from_number(key.number() + hour as i64), *users);
            }
        }
        Ok(())
    }
}
