//! The segments that charts are of, as tables, and which of a segment's users count within a chart's dates.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::combined::{name_of, texts_of};
use super::first_active::FirstActive;
use super::interval::{IntervalKey, Intervals};
use super::lanes::Codes;
use super::rows::{FileRows, Texts, USER};
use super::tables::{DatedFile, TableFiles};
use crate::job::segment::UsersBy;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::time::dates::Window;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::{ACTIVITY, SESSIONS};

/// The tables of a segment, as charts see them.
#[derive(Clone, Debug, Default)]
pub struct SegmentTables {
    /// The segment's name.
    pub name: String,
    /// The columns of whose values each combination is a segment; none for one segment.
    pub by: Vec<String>,
    /// Columns of the activity table whose sums over a chart's range have to be within bounds.
    pub performed: Vec<Performed>,
    /// Which of its users count in an interval; `None` for all of them.
    pub users: Option<NewOrReturning>,
    /// The files.
    pub files: TableFiles,
}

/// Users by when they were first active.
#[derive(Clone, Debug)]
pub struct NewOrReturning {
    /// Which of them count.
    pub by: UsersBy,
    /// When each was.
    pub first: Arc<FirstActive>,
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

impl SegmentTables {
    /// The lane of each row of a file, as the text of its values; `None` where there is one lane.
    ///
    /// # Errors
    /// The file lacks a column.
    pub fn lanes(&self, file: &mut FileRows) -> Result<Option<Arc<Texts>>, TableError> {
        if self.by.is_empty() {
            return Ok(None);
        }
        texts_of(file, &self.by).map(Some)
    }

    /// What measures call the lane of some values; `None` for no values.
    pub fn lane_name(&self, value: Option<&str>) -> String {
        match self.by.is_empty() {
            true => self.name.clone(),
            false => format!("{}={}", self.name, name_of(value, self.by.len())),
        }
    }
}

impl Performed {
    fn holds(&self, times: i64) -> bool {
        times >= i64::from(self.at_least) && self.at_most.is_none_or(|most| times <= i64::from(most))
    }
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
    pub fn new(tables: &'a SegmentTables, window: Window) -> Result<Self, TableError> {
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

    /// Which columns tell whether a row is of a user that counts, besides the start of sessions.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let of_members = self.members.iter().flat_map(|_| self.tables.by.iter().map(String::as_str));
        (self.members.is_some() || self.tables.users.is_some()).then_some(USER).into_iter().chain(of_members)
    }

    /// Whether a user counts in some intervals and not in others.
    pub fn is_by_interval(&self) -> bool {
        self.tables.users.is_some()
    }

    /// Of each session, whether it is of a user that counts in the interval that the session is in; `None` where all do.
    ///
    /// # Errors
    /// The rows lack a column.
    pub fn counting(
        &self,
        rows: &mut FileRows,
        intervals: &Intervals<'_>,
        interval: impl Fn(usize) -> IntervalKey,
    ) -> Result<Option<Vec<bool>>, TableError> {
        let performing = self.performing(rows)?;
        let Some(NewOrReturning { by, first }) = &self.tables.users else { return Ok(performing) };
        let first = first.hours(rows.users()?);
        // No session is of a user without activity: it would be new.
        let is_new =
            |row: usize| first[row].is_none_or(|first| intervals.is_new(interval(row), first, self.window.first));
        let counts = |row: usize| by.holds(is_new(row)) && performing.as_ref().is_none_or(|holds| holds[row]);
        Ok(Some((0..rows.len()).map(counts).collect()))
    }

    /// Of each row, whether it is of a user that did what the segment asks for; `None` where all did.
    ///
    /// # Errors
    /// The rows lack a column.
    pub fn performing(&self, rows: &mut FileRows) -> Result<Option<Vec<bool>>, TableError> {
        let Some(members) = &self.members else { return Ok(None) };
        let users = rows.texts(USER)?;
        let values = self.tables.lanes(rows)?;
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
    fn performing(tables: &SegmentTables, activity: &[DatedFile]) -> Result<Self, TableError> {
        let counted: Vec<&str> = tables.performed.iter().map(|performed| performed.column.as_str()).collect();
        let keys = std::iter::once(USER).chain(tables.by.iter().map(String::as_str));
        let columns: BTreeSet<String> = keys.chain(counted.iter().copied()).map(str::to_string).collect();
        let mut sums = Sums::new(counted.len());
        for (_, path) in activity {
            let mut file = FileRows::read(path, &columns)?;
            let (users, lanes) = (file.users()?, tables.lanes(&mut file)?);
            let lanes = lanes.map(|lanes| sums.lanes.of_rows(&lanes));
            let counts = counted.iter().map(|column| file.ints(column)).collect::<Result<Vec<_>, _>>()?;
            for row in 0..file.len() {
                let all = sums.of(lanes.as_ref().map_or(0, |lanes| lanes[row]), &users, row);
                all.iter_mut().zip(&counts).for_each(|(sum, counts)| *sum += counts[row]);
            }
        }
        Ok(sums.where_each(|sums| tables.performed.iter().zip(sums).all(|(performed, sum)| performed.holds(*sum))))
    }

    fn hold(&self, value: &str, user: &str) -> bool {
        self.0.get(value).is_some_and(|users| users.contains(user))
    }
}

/// Sums of some columns by user and lane.
struct Sums {
    lanes: Codes,
    users: Option<Interner>,
    /// Each lane and user, as codes of both.
    keys: Interner,
    columns: usize,
    /// Of each key, the sum of each column.
    sums: Vec<i64>,
}

impl Sums {
    fn new(columns: usize) -> Self {
        Sums { lanes: Codes::default(), users: None, keys: Interner::of_ints(), columns, sums: Vec::new() }
    }

    /// The sums of the user in a row, within a lane.
    fn of(&mut self, lane: u32, users: &KeyColumn, row: usize) -> &mut [i64] {
        let user = self.users.get_or_insert_with(|| Interner::like(users)).intern(users, row);
        let key = self.keys.intern_int(i64::from(lane) << 32 | i64::from(user)) as usize;
        let first = key * self.columns;
        self.sums.resize(self.sums.len().max(first + self.columns), 0);
        &mut self.sums[first..first + self.columns]
    }

    /// The users whose sums are as wanted.
    fn where_each(self, are_so: impl Fn(&[i64]) -> bool) -> Members {
        let mut members = Members::default();
        let (Some(users), KeyColumn::Int(keys)) = (self.users, self.keys.into_keys()) else { return members };
        let (users, lanes) = (users.into_keys(), self.lanes.into_texts());
        for (key, _) in keys.iter().zip(self.sums.chunks(self.columns)).filter(|(_, sums)| are_so(sums)) {
            let (lane, user) = ((key >> 32) as usize, (key & i64::from(u32::MAX)) as usize);
            let user = match &users {
                KeyColumn::Int(ids) => ids[user].to_string(),
                KeyColumn::Text(texts) => String::from_utf8_lossy(texts.get(user)).into_owned(),
            };
            let lane = lanes.get(lane).map(String::as_str).unwrap_or_default();
            match members.0.get_mut(lane) {
                Some(known) => drop(known.insert(user)),
                None => drop(members.0.insert(lane.to_string(), HashSet::from([user]))),
            }
        }
        members
    }
}
