//! What a run will read, worked out from names and footers alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use polars::prelude::*;

use super::columns::{ColumnRef, Columns};
use super::condition::{condition_error, Condition, ParsedCondition};
use super::error::InputError;
use super::extract::{expr_of, uuid_as_text};
use super::find::find_files;
use super::footer::{read_footers, FileSchema, Footer, Range, RowGroup};
use super::kind::Kind;
use super::prune::can_match;
use super::roles::Roles;
use super::typed::typed;
use crate::guard::{against_damage, Panicked};
use crate::job::times::Times;
use crate::job::{Input, Job, TimeRange, TimeUnit};
use crate::sessionize::time::Timestamp;

/// What a run will read.
#[derive(Debug)]
pub struct ReadPlan {
    /// All files of the input.
    pub footers: Vec<Footer>,
    /// The columns by role.
    pub roles: Roles,
    /// What is read and what is skipped.
    pub extent: Extent,
    condition: Option<Condition>,
    ranges_of: Vec<String>,
    time_unit: Option<TimeUnit>,
    /// The times to read; `None` for all.
    times: Option<Times>,
    scans: Vec<Scan>,
}

/// Sizes of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// All files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// All rows.
    pub rows: u64,
    /// Row groups that are read.
    pub row_groups_read: u64,
    /// Row groups that are ruled out by their statistics or their folder: by the condition, or by the times
    /// that are read.
    pub row_groups_skipped: u64,
    /// Rows of the row groups that are read.
    pub rows_read: u64,
    /// Rows that are not read because of their times.
    pub rows_outside: u64,
}

/// Files of one schema, and of one value of each folder column that is used: they are read as one.
#[derive(Debug)]
struct Scan {
    files: Vec<usize>,
    schema: Arc<FileSchema>,
    hive: Vec<(String, Option<String>)>,
}

/// One of the frames to read, and the files it is of.
#[derive(Clone)]
pub struct Frame {
    /// Its rows: those that pass the condition, as columns by role.
    pub frame: LazyFrame,
    /// Its files, for messages.
    pub files: Vec<std::path::PathBuf>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame").field("files", &self.files).finish_non_exhaustive()
    }
}

impl ReadPlan {
    /// Finds the files of a job, reads their footers and resolves its columns.
    ///
    /// # Errors
    /// Everything that [`InputError`] lists, but for damage inside of files.
    pub fn new(job: &Job) -> Result<Self, InputError> {
        let parsed = job.input.condition.as_deref().map(ParsedCondition::parse).transpose()?;
        let files = find_files(&job.input.paths)?;
        let mut ranges_of = parsed.as_ref().map(ParsedCondition::names).unwrap_or_default();
        // The time column is not known yet; it is one of these.
        let times =
            job.input.time.clone().map_or_else(|| vec!["client_event_time".into(), "event_time".into()], |t| vec![t]);
        let ids = job.input.session_id.clone().unwrap_or_else(|| "session_id".into());
        let more: Vec<String> = times.into_iter().chain([ids]).filter(|name| !ranges_of.contains(name)).collect();
        ranges_of.extend(more);
        let footers = read_footers(files, &ranges_of)?;
        let columns = Columns::of(&footers);
        let condition = parsed.as_ref().map(|parsed| parsed.resolve(&columns)).transpose()?;
        let roles = Roles::resolve(job, &columns)?;
        let mut plan = ReadPlan {
            footers,
            roles,
            extent: Extent::default(),
            condition,
            ranges_of,
            time_unit: job.input.time_unit,
            times: None,
            scans: Vec::new(),
        };
        plan.choose_files()?;
        Ok(plan)
    }

    /// Has only row groups be read that may hold one of these times.
    ///
    /// # Errors
    /// As [`ReadPlan::new`].
    pub fn keep_times(&mut self, times: Times) -> Result<(), InputError> {
        self.times = Some(times);
        self.choose_files()
    }

    /// The times that are read; `None` for all.
    pub fn times(&self) -> Option<&Times> {
        self.times.as_ref()
    }

    /// The columns by role and those of the condition, each with its type, for the definition's fingerprint.
    pub fn canonical(&self, input: &Input) -> Vec<(&'static str, String)> {
        let mut columns = self.roles.canonical(input);
        let uses = self.condition.iter().flat_map(Condition::columns);
        let used: BTreeSet<String> =
            uses.map(|column| format!("{} ({})", column.spelled, column.kind.name())).collect();
        if !used.is_empty() {
            columns.push(("input.where columns", used.into_iter().collect::<Vec<_>>().join(", ")));
        }
        columns
    }

    /// The condition, as the job has it.
    pub fn condition(&self) -> Option<&str> {
        self.condition.as_ref().map(Condition::text)
    }

    /// Makes sure that no file changed since its footer was read.
    ///
    /// # Errors
    /// The first file that did.
    pub fn check_unchanged(&self) -> Result<(), InputError> {
        match self.footers.iter().find(|footer| !footer.is_current()) {
            Some(footer) => Err(InputError::Changed { path: footer.file.path.clone() }),
            None => Ok(()),
        }
    }

    /// The frames that make up the input. Files that the condition rules out whole are in none.
    ///
    /// # Errors
    /// A file that cannot be opened any more.
    pub fn frames(&self) -> Result<Vec<Frame>, InputError> {
        self.scans.iter().map(|scan| self.frame(scan, &scan.files, Rows::Passing)).collect()
    }

    /// Each file's frame, with the condition and without it, to find out what cannot be read.
    ///
    /// # Errors
    /// As [`ReadPlan::frames`].
    pub fn frames_by_file(&self) -> Result<Vec<(Frame, Frame)>, InputError> {
        let both = |scan, file: &usize| {
            Ok((self.frame(scan, &[*file], Rows::Passing)?, self.frame(scan, &[*file], Rows::Unfiltered)?))
        };
        self.scans.iter().flat_map(|scan| scan.files.iter().map(move |file| both(scan, file))).collect()
    }

    /// The time column of some files, without the condition.
    ///
    /// # Errors
    /// As [`ReadPlan::frames`].
    pub fn time_frames(&self, files: &[usize]) -> Result<Vec<Frame>, InputError> {
        self.group(files).iter().map(|scan| self.frame(scan, &scan.files, Rows::OnlyTimes)).collect()
    }

    /// The rows of one file that pass the condition, whatever times are read.
    ///
    /// # Errors
    /// As [`ReadPlan::frames`].
    pub fn file_frame(&self, file: usize) -> Result<Vec<Frame>, InputError> {
        self.group(&[file]).iter().map(|scan| self.frame(scan, &scan.files, Rows::Passing)).collect()
    }

    /// The latest possible time of a file's rows, filtered ones too, where its footer alone tells it: no row
    /// group's latest time is unknown or impossible. `Ok(None)` where there are no rows.
    ///
    /// # Errors
    /// The footer does not tell.
    pub fn latest_by_footer(&self, file: usize, possible: TimeRange) -> Result<Option<Timestamp>, Untold> {
        let mut latest = None;
        for (_, last) in self.times_by_footer(file)? {
            latest = latest.max(Some(Some(last).filter(|time| possible.holds(*time)).ok_or(Untold)?));
        }
        Ok(latest)
    }

    /// The earliest and the latest time of each row group of a file that has rows.
    ///
    /// # Errors
    /// The footer does not tell.
    pub fn times_by_footer(&self, file: usize) -> Result<Vec<(Timestamp, Timestamp)>, Untold> {
        let footer = &self.footers[file];
        let groups = footer.row_groups.iter().filter(|group| group.rows > 0);
        groups.map(|group| self.times_of_group(footer, group).ok_or(Untold)).collect()
    }

    /// The smallest and the largest session id of each row group of a file that has rows.
    ///
    /// # Errors
    /// The footer does not tell.
    pub fn ids_by_footer(&self, file: usize) -> Result<Vec<(i64, i64)>, Untold> {
        let column = self.roles.value.as_ref().map(|value| &value.column).filter(|column| column.is_plain());
        let name = column.and_then(ColumnRef::file_column).ok_or(Untold)?;
        let place = self.ranges_of.iter().position(|known| known == name).ok_or(Untold)?;
        let footer = &self.footers[file];
        if footer.schema.kind(name) != Some(&Kind::Int) {
            return Err(Untold);
        }
        let range = |group: &RowGroup| match group.ranges.get(place) {
            Some(Some(Range::Int(min, max))) if min <= max => Ok((*min, *max)),
            _ => Err(Untold),
        };
        footer.row_groups.iter().filter(|group| group.rows > 0).map(range).collect()
    }

    fn times_of_group(&self, footer: &Footer, group: &RowGroup) -> Option<(Timestamp, Timestamp)> {
        let name = self.roles.time.file_column().filter(|_| self.roles.time.is_plain())?;
        let place = self.ranges_of.iter().position(|known| known == name)?;
        let Some(Some(Range::Int(min, max))) = group.ranges.get(place) else { return None };
        let unit = match footer.schema.kind(name)? {
            Kind::Timestamp(unit) => *unit,
            // Of unsigned integers, the large ones are negative here.
            Kind::Int if *min >= 0 => self.time_unit?,
            _ => return None,
        };
        (min <= max).then_some((unit.instant(*min)?, unit.instant(*max)?))
    }

    fn choose_files(&mut self) -> Result<(), InputError> {
        let mut extent = Extent::default();
        let mut chosen = Vec::new();
        let mut conditions: Vec<(Arc<FileSchema>, Vec<Expr>, SchemaRef)> = Vec::new();
        for (file, footer) in self.footers.iter().enumerate() {
            let groups = footer.row_groups.len() as u64;
            extent.files += 1;
            extent.bytes += footer.bytes;
            extent.rows += footer.rows();
            let known = conditions.iter().position(|(schema, ..)| Arc::ptr_eq(schema, &footer.schema));
            let place = match known {
                Some(place) => place,
                None => {
                    let (exprs, schema) = self.checked_condition(file)?;
                    conditions.push((Arc::clone(&footer.schema), exprs, schema));
                    conditions.len() - 1
                }
            };
            if footer.rows() == 0 {
                continue;
            }
            if !self.folder_can_match(footer)? {
                extent.row_groups_skipped += groups;
                continue;
            }
            let (_, exprs, schema) = &conditions[place];
            let can = can_match(exprs, &footer.row_groups, &self.ranges_of, schema)
                .map_err(|error| self.condition_error(&error))?;
            let may_pass = footer.row_groups.iter().zip(&can).filter(|(_, can)| **can).map(|(group, _)| group);
            let (inside, outside): (Vec<&RowGroup>, Vec<&RowGroup>) =
                may_pass.partition(|group| self.time_can_match(footer, group));
            let rows_of = |groups: &[&RowGroup]| groups.iter().map(|group| group.rows).sum::<u64>();
            extent.row_groups_read += inside.len() as u64;
            extent.row_groups_skipped += groups - inside.len() as u64;
            extent.rows_read += rows_of(&inside);
            match inside.is_empty() {
                false => chosen.push(file),
                // Of a file that is read, the rows outside are left to be found by their times.
                true => extent.rows_outside += rows_of(&outside),
            }
        }
        self.extent = extent;
        self.scans = self.group(&chosen);
        Ok(())
    }

    /// Whether one of the times to read may be in a row group.
    fn time_can_match(&self, footer: &Footer, group: &RowGroup) -> bool {
        let Some(times) = &self.times else { return true };
        self.times_of_group(footer, group).is_none_or(|(first, last)| times.meets(first, last))
    }

    /// Whether the parts of the condition that are about folders alone hold for a file's folder.
    fn folder_can_match(&self, footer: &Footer) -> Result<bool, InputError> {
        let Some(condition) = &self.condition else { return Ok(true) };
        for conjunct in condition.folder_parts() {
            let columns = conjunct
                .uses
                .iter()
                .map(|(name, used)| expr_of(&used.column, &footer.schema, &footer.file.hive).alias(name.as_str()));
            let test = || -> PolarsResult<bool> {
                let one_row = df!("dwell" => [0i32])?.lazy().with_columns(columns.collect::<Vec<_>>());
                let schema = one_row.clone().collect_schema()?;
                let test = typed(&conjunct.expr, &schema)?;
                Ok(one_row.filter(test).collect()?.height() > 0)
            };
            if !test().map_err(|error| self.condition_error(&error))? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The condition over the columns of one file, tried on no rows: what polars cannot compare is an
    /// error before anything is read.
    fn checked_condition(&self, file: usize) -> Result<(Vec<Expr>, SchemaRef), InputError> {
        let footer = &self.footers[file];
        let scan = Scan { files: vec![file], schema: Arc::clone(&footer.schema), hive: footer.file.hive.clone() };
        let schema = of_file(footer, || self.source(&scan, &scan.files)?.collect_schema())?;
        let Some(condition) = &self.condition else { return Ok((Vec::new(), schema)) };
        let parts = condition.row_parts().map(|part| typed(&part.expr, &schema));
        let parts = parts.collect::<PolarsResult<_>>().map_err(|error| self.condition_error(&error))?;
        Ok((parts, schema))
    }

    /// Files that can be read as one frame: of one schema, and of one value of each folder column used.
    fn group(&self, files: &[usize]) -> Vec<Scan> {
        let used = self.hive_columns_used();
        let mut scans: Vec<Scan> = Vec::new();
        for file in files {
            let footer = &self.footers[*file];
            let hive: Vec<(String, Option<String>)> =
                footer.file.hive.iter().filter(|(key, _)| used.contains(&key.as_str())).cloned().collect();
            let same = |scan: &&mut Scan| Arc::ptr_eq(&scan.schema, &footer.schema) && scan.hive == hive;
            match scans.iter_mut().rev().find(same) {
                Some(scan) => scan.files.push(*file),
                None => scans.push(Scan { files: vec![*file], schema: Arc::clone(&footer.schema), hive }),
            }
        }
        scans
    }

    fn hive_columns_used(&self) -> Vec<&str> {
        let roles = self.roles.all().into_iter().map(|(_, column)| column);
        let parts = self.condition.iter().flat_map(Condition::row_parts);
        let columns = roles.chain(parts.flat_map(|part| part.uses.values().map(|used| &used.column)));
        columns.filter(|column| column.file_column().is_none()).map(|column| column.spelled.as_str()).collect()
    }

    fn source(&self, scan: &Scan, files: &[usize]) -> PolarsResult<LazyFrame> {
        let paths = files.iter().map(|file| PlRefPath::try_from_path(&self.footers[*file].file.path));
        let args = ScanArgsParquet {
            glob: false,
            cache: false,
            hive_options: polars::io::HiveOptions::new_disabled(),
            ..ScanArgsParquet::default()
        };
        let source = LazyFrame::scan_parquet_files(paths.collect::<PolarsResult<_>>()?, args)?;
        let uses = self.condition.iter().flat_map(Condition::row_parts).flat_map(|part| &part.uses);
        // Whole columns stay as they are: only then can their statistics rule row groups out.
        let made = uses.filter(|(_, used)| !used.column.is_plain() || is_missing(&used.column, &scan.schema));
        let made: Vec<Expr> = made
            .map(|(name, used)| {
                let value = expr_of(&used.column, &scan.schema, &scan.hive);
                let value = match used.column.kind {
                    _ if used.as_number => value.cast(DataType::Float64),
                    Kind::Uuid => uuid_as_text(value),
                    _ => value,
                };
                value.alias(name.as_str())
            })
            .collect();
        Ok(if made.is_empty() { source } else { source.with_columns(made) })
    }

    fn frame(&self, scan: &Scan, files: &[usize], rows: Rows) -> Result<Frame, InputError> {
        let make = || -> PolarsResult<LazyFrame> {
            let mut source = self.source(scan, files)?;
            let parts = || self.condition.iter().flat_map(Condition::row_parts);
            let column = |role: &str, column| expr_of(column, &scan.schema, &scan.hive).alias(role);
            let mut columns = vec![column("time", &self.roles.time)];
            match rows {
                Rows::OnlyTimes => return Ok(source.select(columns)),
                Rows::Passing => {
                    let schema = source.collect_schema()?;
                    let mut all = parts().map(|part| typed(&part.expr, &schema)).collect::<PolarsResult<Vec<_>>>()?;
                    // One filter, and a balanced one: polars takes its time over long chains.
                    while all.len() > 1 {
                        let pair = |pair: &[Expr]| pair.iter().cloned().reduce(Expr::and);
                        all = all.chunks(2).filter_map(pair).collect();
                    }
                    if let Some(all) = all.pop() {
                        source = source.filter(all);
                    }
                }
                Rows::Unfiltered => {
                    let uses = parts().flat_map(|part| part.uses.keys());
                    columns.extend(uses.enumerate().map(|(n, used)| col(used.as_str()).alias(format!("used {n}"))));
                }
            }
            let users = self.roles.users.iter().enumerate();
            columns.extend(users.map(|(place, user)| column(&format!("user {place}"), user)));
            columns.extend(self.roles.event.as_ref().map(|event| column("event", event)));
            columns.extend(self.roles.value.as_ref().map(|value| column("value", &value.column)));
            columns.extend(self.roles.sequence.as_ref().map(|sequence| column("sequence", sequence)));
            columns.extend(self.roles.dedup.as_ref().map(|dedup| column("dedup", dedup)));
            Ok(source.select(columns))
        };
        let paths = files.iter().map(|file| self.footers[*file].file.path.clone()).collect();
        Ok(Frame { frame: of_file(&self.footers[files[0]], make)?, files: paths })
    }

    fn condition_error(&self, error: &PolarsError) -> InputError {
        condition_error(self.condition().unwrap_or_default(), error)
    }
}

/// Which rows and columns of a scan.
#[derive(Clone, Copy)]
enum Rows {
    /// The rows that pass the condition, as columns by role.
    Passing,
    /// All rows, with the columns of the condition beside those of the roles.
    Unfiltered,
    /// All rows, and nothing but times.
    OnlyTimes,
}

/// The footers do not tell what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untold;

fn is_missing(column: &super::columns::ColumnRef, schema: &FileSchema) -> bool {
    column.file_column().is_some_and(|name| schema.kind(name).is_none_or(|kind| *kind == Kind::Null))
}

/// What polars makes of a file whose footer has been read; it is less patient with damage in there.
fn of_file<T>(footer: &Footer, read: impl FnOnce() -> PolarsResult<T>) -> Result<T, InputError> {
    let damaged = |reason: String| InputError::Damaged { path: footer.file.path.clone(), reason };
    match against_damage(read) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(Panicked) => Err(damaged("the Parquet reader gave up on its footer".to_string())),
    }
}
