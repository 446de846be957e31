//! Active users: the users of the activity table, in session or not (SPEC 5), and those among them who are new (SPEC 5). The
//! table of a segment is read once for all charts, and its users are told apart once.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::first_active::{FirstActive, FirstHours, InShares, Meeting, SHARES};
use super::interval::{IntervalKey, Intervals};
use super::lanes::Codes;
use super::rows::{FileRows, Texts, USER};
use super::segments::{Ranged, SegmentTables};
use super::tables::DatedFile;
use crate::job::chart::Interval;
use crate::job::segment::UsersBy;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::read::{columns_in_slices, row_count};
use crate::tables::schema::sessions::ACTIVITY;

/// Distinct users by lane and interval.
pub type ActiveUsers = HashMap<(u32, IntervalKey), UserCounts>;

/// Numbers of users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserCounts {
    /// Those who are active in the interval.
    pub active: i64,
    /// Those among them who were not active before it.
    pub new: i64,
}

impl UserCounts {
    fn add(&mut self, is_new: bool) {
        self.merge(UserCounts { active: 1, new: i64::from(is_new) });
    }

    fn merge(&mut self, other: UserCounts) {
        self.active += other.active;
        self.new += other.new;
    }
}

/// The active users of a segment, which charts share that ask for the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    users: ActiveUsers,
    /// Of a segment `by` a column, the values by their lanes here.
    values: Option<Vec<String>>,
}

impl Active {
    /// Of all events, the users of some dates.
    pub fn of_dates(users: impl Iterator<Item = ActiveUsers>) -> Self {
        Active { users: users.flatten().collect(), values: None }
    }

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

    /// Whether an interval is of one date at most, on which each user stands once.
    pub fn is_within_dates(&self) -> bool {
        matches!(self.intervals.interval, Interval::Hour | Interval::Day)
    }

    /// The columns that it takes to count them, besides users.
    fn columns(&self) -> impl Iterator<Item = &str> {
        let hours = (self.intervals.interval == Interval::Hour).then_some(HOURS);
        self.segment.columns().chain(hours).chain(self.segment.tables.by.iter().map(String::as_str))
    }
}

/// Of all users, those who are active in intervals of one date, for each of some who ask; nobody has to be told apart where it
/// is known how many were first active when.
///
/// # Errors
/// A file that cannot be read.
pub fn of_date(
    (day, path): &DatedFile,
    asked: &[AskedUsers<'_>],
    first: &FirstHours,
) -> Result<Vec<ActiveUsers>, TableError> {
    let start = IntervalKey::of_day(*day);
    let hour = |hour: usize| IntervalKey::from_number(start.number() + hour as i64);
    let one = |asked: &AskedUsers<'_>| {
        let mut users = ActiveUsers::new();
        if !asked.segment.window.holds(*day) {
            return Ok(users);
        }
        if asked.intervals.interval == Interval::Day {
            let new = first.within(start..hour(SLOTS));
            users.insert((0, start), UserCounts { active: row_count(path)? as i64, new });
            return Ok(users);
        }
        let mut active = [0; SLOTS];
        for hours in FileRows::read(path, &BTreeSet::from([HOURS.to_string()]))?.ints(HOURS)?.iter() {
            hours_in(*hours as u32).for_each(|hour| active[hour as usize] += 1);
        }
        for (place, active) in active.into_iter().enumerate().filter(|(_, active)| *active > 0) {
            let new = first.within(hour(place)..hour(place + 1));
            users.insert((0, hour(place)), UserCounts { active, new });
        }
        Ok(users)
    };
    asked.iter().map(one).collect()
}

/// The column of the hours that a user was active in, a bit for each.
pub const HOURS: &str = "hours";
/// More than the hours of the longest date.
const SLOTS: usize = 32;

/// One pass over the activity of a segment, for all who ask for its users.
#[derive(Debug)]
pub struct ActivePass<'a> {
    tables: &'a SegmentTables,
    asked: Vec<AskedUsers<'a>>,
    /// Whether it goes over all dates, to see when users were first active, and whether their hours matter.
    meets: Option<WithHours>,
    lanes: Mutex<Codes>,
    shares: Vec<Mutex<Share>>,
}

/// Whether hours matter, and not only dates.
pub type WithHours = bool;

/// What was read of a file, or of some of its rows.
#[derive(Debug)]
pub struct FileRead {
    path: PathBuf,
    day: Day,
    users: InShares,
    hours: Option<Arc<Vec<i64>>>,
    lanes: Option<Arc<Texts>>,
    /// For each who asks, the interval of the date and which rows count; `None` for none, and for all.
    asked: Vec<Option<(IntervalKey, Option<Vec<bool>>)>>,
}

/// A file that was read, and the lane of each row; `None` where there are none.
#[derive(Debug)]
pub struct Present {
    file: FileRead,
    lanes: Option<Vec<u32>>,
}

impl<'a> ActivePass<'a> {
    /// For some who ask; where it `meets` users, it also sees when they were first active.
    pub fn new(tables: &'a SegmentTables, asked: Vec<AskedUsers<'a>>, meets: Option<WithHours>) -> Self {
        let shares = (0..SHARES).map(|_| Mutex::new(Share::new(asked.len()))).collect();
        ActivePass { tables, asked, meets, lanes: Mutex::default(), shares }
    }

    /// Whether it sees when users were first active.
    pub fn meets(&self) -> bool {
        self.meets.is_some()
    }

    /// Whether it has anything to count.
    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The files that it takes, in order of date.
    pub fn files(&self) -> Vec<DatedFile> {
        let mut files = self.tables.files.dated(ACTIVITY);
        let is_asked = |day: Day| self.asked.iter().any(|asked| asked.segment.window.holds(day));
        files.retain(|(day, _)| self.meets.is_some() || is_asked(*day));
        files
    }

    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, file: &DatedFile) -> Result<FileRead, TableError> {
        let (day, path) = file;
        self.of_rows(*day, path, FileRows::read(path, &self.columns(*day))?)
    }

    /// Reads a file, so many rows at a time.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn slices<'s>(
        &'s self,
        (day, path): &'s DatedFile,
        rows: usize,
    ) -> Result<impl Iterator<Item = Result<FileRead, TableError>> + 's, TableError> {
        let columns = self.columns(*day);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let slices = columns_in_slices(path, rows, &columns)?;
        Ok(slices.map(move |rows| self.of_rows(*day, path, FileRows::of(path, rows?))))
    }

    /// The columns that it takes of the file of a date.
    fn columns(&self, day: Day) -> BTreeSet<String> {
        let asked = self.asked.iter().filter(|asked| asked.segment.window.holds(day)).flat_map(AskedUsers::columns);
        let first = self.meets.and_then(|with_hours| with_hours.then_some(HOURS));
        asked.chain(first).chain([USER]).map(str::to_string).collect()
    }

    fn of_rows(&self, day: Day, path: &Path, mut rows: FileRows) -> Result<FileRead, TableError> {
        let one = |asked: &AskedUsers<'_>| {
            let is_asked = asked.segment.window.holds(day);
            let counting = is_asked.then(|| asked.segment.performing(&mut rows)).transpose()?;
            Ok(counting.map(|counting| (asked.intervals.of(day), counting)))
        };
        Ok(FileRead {
            asked: self.asked.iter().map(one).collect::<Result<_, TableError>>()?,
            path: path.to_path_buf(),
            day,
            users: InShares::new(rows.users()?),
            hours: rows.batch().column_by_name(HOURS).is_some().then(|| rows.ints(HOURS)).transpose()?,
            lanes: if self.is_asked() { self.tables.lanes(&mut rows)? } else { None },
        })
    }

    /// Takes files that were read.
    pub fn take(&self, files: Vec<FileRead>) -> Vec<Present> {
        let mut codes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |file: FileRead| Present { lanes: file.lanes.as_ref().map(|lanes| codes.of_rows(lanes)), file };
        files.into_iter().map(one).collect()
    }

    /// Counts the users of a share, which are met here; files come in order of date.
    pub fn count_and_meet(&self, share: usize, files: &[Present], users: &Meeting) {
        let (mut counts, mut known) = (self.share(share), users.share(share));
        for present in files {
            let FileRead { users, hours, day, .. } = &present.file;
            let start = IntervalKey::of_day(*day).number();
            let hours = hours.as_ref().filter(|_| self.meets == Some(true));
            let first = |row: u32| start + hours.map_or(0, |hours| i64::from(first_of(hours[row as usize])));
            let codes = known.meet(&users.users, users.rows(share), first);
            counts.add(&self.asked, share, present, codes, known.first());
        }
    }

    /// Counts the users of a share, whose first hours are known; files come in order of date.
    ///
    /// # Errors
    /// A user who is not known.
    pub fn count(&self, share: usize, files: &[Present], first: &FirstActive) -> Result<(), TableError> {
        let (mut counts, known) = (self.share(share), first.share(share));
        for present in files {
            let users = &present.file.users;
            let codes = users.rows(share).iter().map(|row| known.code(&users.users, *row));
            let codes = codes.collect::<Option<Vec<u32>>>().ok_or_else(|| TableError::Read {
                path: present.file.path.clone(),
                reason: "it has a user who is not in the activity table of all events; make both tables again, by \
                         `dwell run --overwrite`"
                    .to_string(),
            })?;
            counts.add(&self.asked, share, present, codes, known.first());
        }
        Ok(())
    }

    fn share(&self, share: usize) -> std::sync::MutexGuard<'_, Share> {
        self.shares[share].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was counted of a share: the files are to come once more for it.
    pub fn forget(&self, share: usize) {
        *self.share(share) = Share::new(self.asked.len());
    }

    /// The answer to each who asked.
    pub fn finish(self) -> Vec<Active> {
        let mut users: Vec<ActiveUsers> = self.asked.iter().map(|_| ActiveUsers::new()).collect();
        for share in self.shares {
            let share = share.into_inner().unwrap_or_else(PoisonError::into_inner);
            for (of_share, users) in share.answers.into_iter().zip(&mut users) {
                of_share.users.into_iter().for_each(|(key, counts)| users.entry(key).or_default().merge(counts));
            }
        }
        let lanes = self.lanes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let values = (!self.tables.by.is_empty()).then(|| lanes.into_texts());
        users.into_iter().map(|users| Active { users, values: values.clone() }).collect()
    }
}

/// The hours of a date that have a bit each, in order.
fn hours_in(mut bits: u32) -> impl Iterator<Item = u32> {
    std::iter::from_fn(move || {
        let hour = (bits != 0).then(|| bits.trailing_zeros())?;
        bits &= bits - 1;
        Some(hour)
    })
}

/// The first of some hours of a date.
fn first_of(hours: i64) -> u32 {
    hours_in(hours as u32).next().unwrap_or(SLOTS as u32 - 1)
}

/// What is counted of a share of users.
#[derive(Debug)]
struct Share {
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
        Share { in_lanes: Interner::of_ints(), answers }
    }

    /// Counts the users of a file, whose codes are given row by row, with the first hour of each code.
    fn add(&mut self, asked: &[AskedUsers<'_>], share: usize, present: &Present, codes: Vec<u32>, first: &[i64]) {
        let rows = present.file.users.rows(share);
        let first: Vec<i64> = codes.iter().map(|code| first[*code as usize]).collect();
        let tells_apart = |asked: &AskedUsers<'_>| !asked.is_within_dates();
        let mut in_lanes = codes;
        if let Some(lanes) = present.lanes.as_ref().filter(|_| asked.iter().any(tells_apart)) {
            for (code, row) in in_lanes.iter_mut().zip(rows) {
                *code = self.in_lanes.intern_int(i64::from(lanes[*row as usize]) << 32 | i64::from(*code));
            }
        }
        let of_file = OfFile { rows, codes: &in_lanes, first: &first, present };
        for ((asked, answer), of_day) in asked.iter().zip(&mut self.answers).zip(&present.file.asked) {
            let Some((key, counting)) = of_day else { continue };
            let by = asked.segment.tables.users.as_ref().map(|users| users.by);
            let counts = |row: u32| counting.as_ref().is_none_or(|counts| counts[row as usize]);
            match asked.intervals.interval {
                Interval::Hour => answer.add_hours(&of_file, *key, by, counts),
                Interval::Day => answer.add_days(&of_file, *key, by, counts),
                _ => {
                    let since = asked.segment.window.first;
                    let is_new = |first: i64| asked.intervals.is_new(*key, first, since);
                    answer.add_apart(&of_file, *key, by, (counts, is_new));
                }
            }
        }
    }
}

/// The rows of a file that are of a share, with the code and the first hour of the user of each.
struct OfFile<'a> {
    rows: &'a [u32],
    codes: &'a [u32],
    first: &'a [i64],
    present: &'a Present,
}

impl OfFile<'_> {
    fn lane(&self, row: u32) -> u32 {
        self.present.lanes.as_ref().map_or(0, |lanes| lanes[row as usize])
    }
}

impl Answer {
    /// Counts users by hours: a user stands once on a date, with all hours.
    fn add_hours(&mut self, file: &OfFile<'_>, day: IntervalKey, by: Option<UsersBy>, counts: impl Fn(u32) -> bool) {
        let Some(hours) = &file.present.file.hours else { return };
        let mut tally = Tally::default();
        for (row, first) in file.rows.iter().zip(file.first).filter(|(row, _)| counts(**row)) {
            let since = u32::try_from(first - day.number()).ok();
            let new = since.and_then(|hour| 1u32.checked_shl(hour)).unwrap_or(0);
            let hours = hours[*row as usize] as u32;
            let counted = match by {
                None => hours,
                Some(UsersBy::New) => hours & new,
                Some(UsersBy::Returning) => hours & !new,
            };
            let slots = tally.of_lane(file.lane(*row), day, &mut self.users);
            hours_in(counted).for_each(|hour| slots[hour as usize].add(1 << hour == new));
        }
        tally.finish(day, &mut self.users);
    }

    /// Counts users by days, on which each stands once.
    fn add_days(&mut self, file: &OfFile<'_>, day: IntervalKey, by: Option<UsersBy>, counts: impl Fn(u32) -> bool) {
        let mut tally = Tally::default();
        for (row, first) in file.rows.iter().zip(file.first).filter(|(row, _)| counts(**row)) {
            let is_new = *first >= day.number();
            if by.is_none_or(|by| by.holds(is_new)) {
                tally.of_lane(file.lane(*row), day, &mut self.users)[0].add(is_new);
            }
        }
        tally.finish(day, &mut self.users);
    }

    /// Counts users by intervals of several dates, each once; with which rows count, and whose first hour is of a new user.
    fn add_apart(
        &mut self,
        file: &OfFile<'_>,
        key: IntervalKey,
        by: Option<UsersBy>,
        (counts, is_new): (impl Fn(u32) -> bool, impl Fn(i64) -> bool),
    ) {
        if self.interval != Some(key) {
            (self.interval, self.number) = (Some(key), self.number + 1);
        }
        let known = file.codes.iter().max().map_or(0, |last| *last as usize + 1);
        self.met.resize(known.max(self.met.len()), 0);
        let mut tally = Tally::default();
        for ((row, code), first) in file.rows.iter().zip(file.codes).zip(file.first) {
            let met = &mut self.met[*code as usize];
            if *met == self.number || !counts(*row) {
                continue;
            }
            *met = self.number;
            let is_new = is_new(*first);
            if by.is_none_or(|by| by.holds(is_new)) {
                tally.of_lane(file.lane(*row), key, &mut self.users)[0].add(is_new);
            }
        }
        tally.finish(key, &mut self.users);
    }
}

/// Counts of one lane by hour, on their way: most rows of a file are of a lane that they share with the row before.
#[derive(Default)]
struct Tally {
    lane: u32,
    slots: [UserCounts; SLOTS],
}

impl Tally {
    /// The counts of a lane; those of the one before go to all.
    fn of_lane(&mut self, lane: u32, key: IntervalKey, users: &mut ActiveUsers) -> &mut [UserCounts; SLOTS] {
        if lane != self.lane {
            std::mem::replace(self, Tally { lane, ..Tally::default() }).finish(key, users);
        }
        &mut self.slots
    }

    fn finish(self, key: IntervalKey, users: &mut ActiveUsers) {
        for (hour, counts) in self.slots.iter().enumerate().filter(|(_, counts)| counts.active > 0) {
            let hour = IntervalKey::from_number(key.number() + hour as i64);
            users.entry((self.lane, hour)).or_default().merge(*counts);
        }
    }
}
