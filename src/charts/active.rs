//! Active users: the users of the activity table, in session or not (SPEC 5). The table of a segment is read once
//! for all charts, and its users are told apart once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::interval::{IntervalKey, Intervals};
use super::lanes::Codes;
use super::rows::{FileRows, Texts, USER};
use super::segments::{Ranged, SegmentTables};
use super::tables::{in_batches, DatedFile};
use crate::job::chart::Interval;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::hash::hashes_of;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::layout::scatter::counting_sort;
use crate::tables::error::TableError;
use crate::tables::read::row_count;
use crate::tables::schema::sessions::ACTIVITY;

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
        // Weeks and years of one job begin alike.
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
        self.segment.columns().chain(own).chain(self.segment.tables.by.iter().map(String::as_str))
    }

    fn tells_users_apart(&self) -> bool {
        !matches!(self.intervals.interval, Interval::Hour | Interval::Day)
    }
}

const HOURS: &str = "hours";
/// More than the hours of the longest date.
const SLOTS: usize = 32;

/// Users are told apart in so many shares: each in a table that stays in the cache, and on whatever thread.
const SHARES: usize = 16;

/// One pass over the activity of a segment, for all who ask for its users.
#[derive(Debug)]
pub struct ActivePass<'a> {
    tables: &'a SegmentTables,
    asked: Vec<AskedUsers<'a>>,
    lanes: Codes,
    users: Vec<ActiveUsers>,
    shares: Vec<Mutex<Share>>,
}

/// What was read of a file.
#[derive(Debug)]
pub struct FileRead {
    /// For each who asks, the users that need not be told apart: of each lane of the file, by hour.
    counts: Vec<(IntervalKey, Vec<[i64; SLOTS]>)>,
    lanes: Option<Arc<Texts>>,
    apart: Option<Apart>,
}

/// The rows of a file whose users are to be told apart.
#[derive(Debug)]
struct Apart {
    users: KeyColumn,
    /// The rows, share by share, and where each share begins.
    order: Vec<u32>,
    bounds: Vec<u32>,
    /// For each who asks, the interval and which rows count; `None` for all.
    asked: Vec<Option<(IntervalKey, Option<Vec<bool>>)>>,
}

/// A file whose users are to be told apart, and the lane of each row; `None` where there are none.
#[derive(Debug)]
pub struct Present {
    apart: Apart,
    lanes: Option<Vec<u32>>,
}

impl<'a> ActivePass<'a> {
    /// For some who ask.
    pub fn new(tables: &'a SegmentTables, asked: Vec<AskedUsers<'a>>) -> Self {
        let users = asked.iter().map(|_| ActiveUsers::new()).collect();
        let shares = (0..SHARES).map(|_| Mutex::new(Share::new(asked.len()))).collect();
        ActivePass { tables, asked, lanes: Codes::default(), users, shares }
    }

    /// The files that it takes, in order of date; those in one batch, of about `at_once` bytes, may be read at once.
    pub fn batches(&self, at_once: u64) -> Vec<Vec<DatedFile>> {
        let mut files = self.tables.files.dated(ACTIVITY);
        files.retain(|(day, _)| self.asked.iter().any(|asked| asked.segment.window.holds(*day)));
        in_batches(files, at_once)
    }

    /// The numbers of the shares of users.
    pub fn shares(&self) -> Vec<usize> {
        (0..self.shares.len()).collect()
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, (day, path): &DatedFile) -> Result<FileRead, TableError> {
        let of_day = |asked: &&AskedUsers<'_>| asked.segment.window.holds(*day);
        let columns = self.asked.iter().filter(of_day).flat_map(|asked| asked.columns().map(str::to_string));
        let columns: BTreeSet<String> = columns.collect();
        let key = |asked: &AskedUsers<'_>| asked.intervals.of(*day);
        if columns.is_empty() {
            let rows = row_count(path)? as i64;
            let count = |asked: &AskedUsers<'_>| (key(asked), vec![first_slot(i64::from(of_day(&asked)) * rows)]);
            return Ok(FileRead { counts: self.asked.iter().map(count).collect(), lanes: None, apart: None });
        }
        let mut file = FileRows::read(path, &columns)?;
        let lanes = self.tables.lanes(&mut file)?;
        let mut counts = Vec::new();
        let mut apart = Vec::new();
        for asked in &self.asked {
            let counting = of_day(&asked).then(|| asked.segment.counting(&mut file)).transpose()?;
            let (here, later) = match counting {
                Some(counting) if asked.tells_users_apart() => (Vec::new(), Some((key(asked), counting))),
                Some(counting) => (asked.count(&mut file, lanes.as_deref(), counting.as_deref())?, None),
                None => (Vec::new(), None),
            };
            counts.push((key(asked), here));
            apart.push(later);
        }
        let apart = match apart.iter().any(Option::is_some) {
            true => Some(Apart::new(file.users()?, apart)),
            false => None,
        };
        Ok(FileRead { counts, lanes, apart })
    }

    /// Takes files that were read, and gives those whose users are to be told apart. The files may come several times:
    /// only the first time, the users count who need not be told apart.
    pub fn take(&mut self, files: Vec<FileRead>, is_first: bool) -> Vec<Present> {
        let mut present = Vec::new();
        for FileRead { counts, lanes, apart } in files {
            let counts = if is_first { counts } else { Vec::new() };
            for ((key, counts), users) in counts.into_iter().zip(&mut self.users) {
                for (place, counts) in counts.iter().enumerate().filter(|(_, counts)| **counts != [0; SLOTS]) {
                    let lane =
                        lanes.as_ref().map_or(0, |lanes| self.lanes.of(lanes.at(place as u32).unwrap_or_default()));
                    for (hour, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
                        let hour = IntervalKey::from_number(key.number() + hour as i64);
                        *users.entry((lane, hour)).or_default() += count;
                    }
                }
            }
            let Some(apart) = apart else { continue };
            present.push(Present { apart, lanes: lanes.map(|lanes| self.lanes.of_rows(&lanes)) });
        }
        present
    }

    /// Tells the users of a share apart; files come in order of date.
    pub fn tell_apart(&self, share: usize, files: &[Present]) {
        let mut known = self.shares[share].lock().unwrap_or_else(PoisonError::into_inner);
        files.iter().for_each(|file| known.add(share, file));
    }

    /// Forgets the users of a share: the files are to come once more for it.
    pub fn forget(&mut self, share: usize) {
        self.shares[share] = Mutex::new(Share::new(self.asked.len()));
    }

    /// The answer to each who asked.
    pub fn finish(mut self) -> Vec<Active> {
        for share in self.shares {
            let share = share.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (of_share, users) in share.answers.into_iter().zip(&mut self.users) {
                of_share.users.into_iter().for_each(|(key, count)| *users.entry(key).or_default() += count);
            }
        }
        let values = (!self.tables.by.is_empty()).then(|| self.lanes.into_texts());
        self.users.into_iter().map(|users| Active { users, values: values.clone() }).collect()
    }
}

fn first_slot(users: i64) -> [i64; SLOTS] {
    let mut slots = [0; SLOTS];
    slots[0] = users;
    slots
}

impl AskedUsers<'_> {
    /// The users of a file's rows, each of whom is another one: of each lane of the file, by hour.
    fn count(
        &self,
        file: &mut FileRows,
        lanes: Option<&Texts>,
        counting: Option<&[bool]>,
    ) -> Result<Vec<[i64; SLOTS]>, TableError> {
        let rows = (0..file.len()).filter(|row| counting.is_none_or(|counts| counts[*row]));
        // Behind the last one, those without any.
        let last = lanes.map_or(0, |lanes| lanes.distinct.len());
        let lane = |row: usize| lanes.map_or(0, |lanes| last.min(lanes.places[row] as usize));
        let mut counts = vec![[0i64; SLOTS]; last + 1];
        if self.intervals.interval != Interval::Hour {
            rows.for_each(|row| counts[lane(row)][0] += 1);
            return Ok(counts);
        }
        let hours = file.ints(HOURS)?;
        for row in rows {
            let mut rest = hours[row] as u32;
            while rest != 0 {
                counts[lane(row)][rest.trailing_zeros() as usize] += 1;
                rest &= rest - 1;
            }
        }
        Ok(counts)
    }
}

impl Apart {
    fn new(users: KeyColumn, asked: Vec<Option<(IntervalKey, Option<Vec<bool>>)>>) -> Self {
        // By other bits than those that place a user in its table.
        let share = |hash: u64| (hash >> (u64::BITS - SHARES.trailing_zeros())) as u32;
        let (order, bounds) = counting_sort(&hashes_of(&users).into_iter().map(share).collect::<Vec<_>>(), SHARES);
        Apart { users, order, bounds, asked }
    }
}

/// The users of a share that were met so far, in whatever lanes.
#[derive(Debug)]
struct Share {
    users: Option<Interner>,
    /// Of a segment `by` a column: a user of one lane is another one than the same user of another.
    in_lanes: Interner,
    answers: Vec<Answer>,
}

/// An answer in the making.
#[derive(Debug, Default)]
struct Answer {
    users: ActiveUsers,
    /// The interval that each user was met in last, as a number that counts up; 0 for none.
    met: Vec<u32>,
    interval: Option<IntervalKey>,
    number: u32,
}

impl Share {
    fn new(answers: usize) -> Self {
        let answers = (0..answers).map(|_| Answer::default()).collect();
        Share { users: None, in_lanes: Interner::of_ints(), answers }
    }

    fn add(&mut self, share: usize, file: &Present) {
        let Apart { users, order, bounds, asked } = &file.apart;
        let rows = &order[bounds[share] as usize..bounds[share + 1] as usize];
        let known = self.users.get_or_insert_with(|| Interner::like(users));
        let mut codes: Vec<u32> = rows.iter().map(|row| known.intern(users, *row as usize)).collect();
        let lane = |row: u32| file.lanes.as_ref().map_or(0, |lanes| lanes[row as usize]);
        if file.lanes.is_some() {
            for (code, row) in codes.iter_mut().zip(rows) {
                *code = self.in_lanes.intern_int(i64::from(lane(*row)) << 32 | i64::from(*code));
            }
        }
        let known = codes.iter().max().map_or(0, |last| *last as usize + 1);
        for (answer, asked) in self.answers.iter_mut().zip(asked) {
            let Some((key, counting)) = asked else { continue };
            if answer.interval != Some(*key) {
                (answer.interval, answer.number) = (Some(*key), answer.number + 1);
            }
            answer.met.resize(known.max(answer.met.len()), 0);
            // Most rows of a file are of a lane that they share with the row before.
            let mut last = (0, 0);
            for (code, row) in codes.iter().zip(rows) {
                let counts = counting.as_ref().is_none_or(|counts| counts[*row as usize]);
                let met = &mut answer.met[*code as usize];
                if !counts || *met == answer.number {
                    continue;
                }
                *met = answer.number;
                let lane = lane(*row);
                if lane != last.0 {
                    *answer.users.entry((last.0, *key)).or_default() += std::mem::take(&mut last.1);
                }
                last = (lane, last.1 + 1);
            }
            *answer.users.entry((last.0, *key)).or_default() += last.1;
        }
    }
}
