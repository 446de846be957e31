//! What a run will read, worked out from names and footers alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use parquet::file::FOOTER_SIZE;
use polars::prelude::*;
use serde::{Deserialize, Serialize};

use super::bounds::Range;
use super::columns::{ColumnRef, Columns};
use super::find::{find_events, find_files};
use super::folder_rules::{FolderRules, KeptFiles};
use super::footer::{read_footers, FileSchema, Footer, RowGroup};
use super::kind::Kind;
use super::recognise::explained;
use super::roles::{KeyType, Roles};
use super::settle::settle;
use crate::events::aliases::table::AliasTable;
use crate::events::decode::read::FileTask;
use crate::events::derive::columns::DerivedColumn;
use crate::events::derive::resolve::derive;
use crate::events::error::InputError;
use crate::events::facts::fact_columns::FactProjection;
use crate::events::facts::Facts;
use crate::events::normalise::extract::{expr_of, made_of};
use crate::events::normalise::project::{user_name, Beside, Pass, Projection};
use crate::events::predicate::compile::formula;
use crate::events::predicate::filter::{Filter, PolarsFilter};
use crate::events::predicate::known::KnownConditions;
use crate::events::predicate::prune::can_match;
use crate::events::predicate::typed::{typed, Typed};
use crate::events::predicate::{condition_error, condition_problem, Condition, Conjunct, ParsedCondition};
use crate::job::derived::{expressions_text, Expressions, DERIVE};
use crate::job::memory_limit::MemoryLimit;
use crate::job::times::Times;
use crate::job::{Aliases, Input, Job, TimeRange, TimeUnit};
use crate::sessionize::time::Timestamp;
use crate::storage::kept_footers::KeptFooters;
use crate::storage::options::StorageOptions;

/// What a run will read.
#[derive(Debug)]
pub struct ReadPlan {
    /// All files of the input.
    pub footers: Vec<Footer>,
    /// The columns by role.
    pub roles: Arc<Roles>,
    /// What is read and what is skipped.
    pub extent: Extent,
    /// What charts and segments ask of rows; `None` where they ask nothing.
    pub facts: Option<Arc<Facts>>,
    /// The columns that the definition watches, of which a new value begins a session.
    pub watched: Option<Arc<Facts>>,
    /// How the mapping of users is read; `None` where users are as read.
    pub aliases: Option<Box<ReadPlan>>,
    /// The mapping, once it has been read.
    pub alias_table: Option<Arc<AliasTable>>,
    condition: Option<Condition>,
    /// Of the condition's parts whether they hold for all files, as their folders tell.
    answered: Vec<bool>,
    ranges_of: Vec<String>,
    time_unit: Option<TimeUnit>,
    /// The times to read; `None` for all.
    times: Option<Times>,
    /// The memory limit, and how many threads read within it.
    limit: Option<(MemoryLimit, usize)>,
    /// The files that are read, and their row groups.
    chosen: Vec<Chosen>,
}

/// A file that is read.
#[derive(Clone, Debug)]
struct Chosen {
    file: usize,
    row_groups: Vec<usize>,
}

/// Sizes of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// Folders that the condition rules out by their names: their files are no part of the input.
    pub folders_ruled_out: u64,
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
    /// Rows that are not read because the condition rules their row groups out.
    pub rows_ruled_out: u64,
    /// Rows that are not read because of their times.
    pub rows_outside: u64,
}

impl ReadPlan {
    /// Finds the files of a job, reads their footers and resolves its columns. What the job's source says of columns that
    /// these files do not have leaves the job.
    ///
    /// # Errors
    /// Everything that [`InputError`] lists, but for damage inside of files.
    pub fn new(job: &mut Job) -> Result<Self, InputError> {
        Self::knowing(job, &KeptFooters::default())
    }

    /// The same, where the footers of some objects are known.
    ///
    /// # Errors
    /// As [`ReadPlan::new`].
    pub fn knowing(job: &mut Job, known: &KeptFooters) -> Result<Self, InputError> {
        let parsed = job.input.condition.as_deref().map(ParsedCondition::parse).transpose()?;
        let rules = FolderRules::new(parsed.as_ref());
        let KeptFiles { files, folders_ruled_out, answered } = find_events(&job.input, &rules)?;
        files.iter().filter_map(|file| file.object.as_deref()).for_each(|object| known.tell(object));
        let mut plan = Self::over(job, parsed, answered, |ranges_of| read_footers(files, ranges_of))?;
        plan.extent.folders_ruled_out = folders_ruled_out;
        Ok(plan)
    }

    /// Plans what to read of a stream with these columns, which is to come: its [`Extent`] is not known.
    ///
    /// # Errors
    /// As [`ReadPlan::new`], but for those of files; [`InputError::Untold`] where the types of the tables follow from values.
    pub fn of_stream(job: &mut Job, schema: FileSchema) -> Result<Self, InputError> {
        let parsed = job.input.condition.as_deref().map(ParsedCondition::parse).transpose()?;
        Self::over(job, parsed, Vec::new(), |_| Ok(vec![Footer::of_stream(schema)]))
    }

    fn over(
        job: &mut Job,
        parsed: Option<ParsedCondition>,
        answered: Vec<bool>,
        footers: impl FnOnce(&[String]) -> Result<Vec<Footer>, InputError>,
    ) -> Result<Self, InputError> {
        let mut ranges_of = parsed.as_ref().map(ParsedCondition::names).unwrap_or_default();
        // The time column is not known yet; it is one of these.
        let times =
            job.input.time.clone().map_or_else(|| vec!["client_event_time".into(), "event_time".into()], |t| vec![t]);
        let ids = job.input.session_id.clone().unwrap_or_else(|| "session_id".into());
        let more: Vec<String> = times.into_iter().chain([ids]).filter(|name| !ranges_of.contains(name)).collect();
        ranges_of.extend(more);
        let mut footers = footers(&ranges_of)?;
        let by_folder = Columns::of(&footers).are_held_by_folders(&ranges_of);
        forget_ranges(&mut footers, &by_folder);
        derive(&job.input.derived, &mut footers)?;
        let columns = Columns::of(&footers);
        let condition = parsed.as_ref().map(|parsed| parsed.resolve(&columns)).transpose()?;
        settle(job, &columns)?;
        let mut roles = Roles::resolve(job, &columns).map_err(|error| explained(error, job, &columns))?;
        let aliases = job.input.aliases.as_ref().map(|aliases| {
            Self::of_aliases(aliases, &job.input.storage, roles.user_type).map_err(InputError::of_aliases)
        });
        let aliases = aliases.transpose()?;
        if aliases.as_ref().is_some_and(|aliases| aliases.roles.user_type == KeyType::Text) {
            roles.user_type = KeyType::Text;
        }
        let roles = Arc::new(roles);
        let facts = Facts::resolve(job, &columns)?;
        if let Some(facts) = &facts {
            job.added.note_types(|holds| facts.stored_as(holds));
            job.output.listed = facts.listed(job);
        }
        let watched = Facts::watched(&job.definition, &columns)?;
        let mut plan = ReadPlan {
            footers,
            roles,
            extent: Extent::default(),
            facts,
            watched,
            aliases: aliases.map(Box::new),
            alias_table: None,
            condition,
            answered,
            ranges_of,
            time_unit: job.input.time_unit,
            times: None,
            limit: None,
            chosen: Vec::new(),
        };
        plan.choose_files()?;
        Ok(plan)
    }

    /// Plans to read a mapping of users, who are of a type in the events: text, if they are text here or there.
    fn of_aliases(aliases: &Aliases, storage: &StorageOptions, user_type: KeyType) -> Result<Self, InputError> {
        let footers = read_footers(find_files(&aliases.paths, storage)?, &[])?;
        let roles = Roles::of_aliases(aliases, user_type == KeyType::Text, &Columns::of(&footers))?;
        let roles = if roles.user_type == KeyType::Text { roles.as_text() } else { roles };
        let mut plan = ReadPlan {
            footers,
            roles: Arc::new(roles),
            extent: Extent::default(),
            facts: None,
            watched: None,
            aliases: None,
            alias_table: None,
            condition: None,
            answered: Vec::new(),
            ranges_of: Vec::new(),
            time_unit: aliases.since_unit,
            times: None,
            limit: None,
            chosen: Vec::new(),
        };
        plan.choose_files()?;
        Ok(plan)
    }

    /// A file of the footers of all objects, for the next run; `None` where there are none.
    pub fn footers_to_keep(&self) -> Option<Vec<u8>> {
        let objects = self
            .footers
            .iter()
            .filter_map(|footer| Some((footer.file.object.as_deref()?, footer.footer_bytes + FOOTER_SIZE as u64)));
        KeptFooters::file_of(objects)
    }

    /// The files of the input, in order.
    pub fn files(&self) -> Vec<PathBuf> {
        self.footers.iter().map(|footer| footer.file.path.clone()).collect()
    }

    /// Has only row groups be read that may hold one of these times.
    ///
    /// # Errors
    /// As [`ReadPlan::new`].
    pub fn keep_times(&mut self, times: Times) -> Result<(), InputError> {
        self.times = Some(times);
        self.choose_files()
    }

    /// Has so many threads read within a memory limit.
    pub fn keep_limit(&mut self, limit: Option<MemoryLimit>, threads: usize) {
        self.limit = limit.map(|limit| (limit, threads));
        if let Some(aliases) = &mut self.aliases {
            aliases.keep_limit(limit, threads);
        }
    }

    /// The memory limit, and how many threads read within it; `None` for no limit.
    pub fn limit(&self) -> Option<(MemoryLimit, usize)> {
        self.limit
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
        columns.extend(self.watched.as_ref().map(|watched| ("new_on_change columns", watched.canonical())));
        let derived = self.derived_of_definition();
        if !derived.is_empty() {
            columns.push((DERIVE, expressions_text(&derived)));
        }
        if let (Some(aliases), Some(of)) = (&self.aliases, &input.aliases) {
            columns.extend(aliases.roles.canonical_of_aliases(of));
        }
        columns
    }

    /// The derived columns, each after those that it is made of.
    pub fn derived(&self) -> impl Iterator<Item = &DerivedColumn> {
        self.footers.first().into_iter().flat_map(|footer| footer.schema.derived.iter())
    }

    /// The derived columns that nothing of the job names, and that none is made of which something names.
    pub fn derived_for_nothing(&self) -> Vec<&str> {
        let columns = self.columns_of_definition().chain(self.facts.iter().flat_map(|facts| facts.columns()));
        let used: BTreeSet<&String> = columns.flat_map(|column| column.derived.keys()).collect();
        self.derived().filter(|column| !used.contains(&column.name)).map(|column| column.name.as_str()).collect()
    }

    /// The expressions of the derived columns that the definition uses.
    fn derived_of_definition(&self) -> Expressions {
        let columns = self.columns_of_definition();
        columns.flat_map(|column| column.derived.iter()).map(|(name, text)| (name.clone(), text.clone())).collect()
    }

    /// The columns by role, those of the condition and those that are watched.
    fn columns_of_definition(&self) -> impl Iterator<Item = &ColumnRef> {
        let roles = self.roles.all().into_iter().map(|(_, column)| column);
        let of_condition = self.condition.iter().flat_map(Condition::columns);
        roles.chain(of_condition).chain(self.watched.iter().flat_map(|watched| watched.columns()))
    }

    /// The condition, as the job has it.
    pub fn condition(&self) -> Option<&str> {
        self.condition.as_ref().map(Condition::text)
    }

    /// Begins to count anew what cannot be read.
    pub fn forget_unread(&self) {
        self.all_columns().for_each(|column| column.unread.forget());
    }

    /// What could not be read, in the order of the columns' names.
    pub fn unread(&self) -> Vec<Unreadable> {
        let mut unread: BTreeMap<(&str, &'static str), u64> = BTreeMap::new();
        for column in self.all_columns() {
            // Of JSON text, values are asked for by several names.
            let name = if column.kind == Kind::Json { column.file_column() } else { None };
            let rows = unread.entry((name.unwrap_or(&column.spelled), unreadable(&column.kind))).or_default();
            // Rows that pass the condition are some of those that are asked whether they do.
            *rows = column.unread.rows().max(*rows);
        }
        let some = unread.into_iter().filter(|(_, rows)| *rows > 0);
        let own =
            some.map(|((column, what), rows)| Unreadable { column: column.to_string(), what: what.to_string(), rows });
        own.chain(self.aliases.iter().flat_map(|aliases| aliases.unread())).collect()
    }

    fn facts_and_watched(&self) -> impl Iterator<Item = &Arc<Facts>> {
        self.facts.iter().chain(&self.watched)
    }

    fn all_columns(&self) -> impl Iterator<Item = &ColumnRef> {
        let of_facts = self.facts.iter().flat_map(|facts| facts.columns());
        self.columns_of_definition().chain(of_facts).chain(self.columns_of_derived())
    }

    /// The columns that derived ones are made of.
    fn columns_of_derived(&self) -> impl Iterator<Item = &ColumnRef> {
        self.derived().flat_map(|derived| derived.value.uses.values()).map(|used| &used.column)
    }

    /// Makes sure that no file changed since its footer was read.
    ///
    /// # Errors
    /// The first file that did.
    pub fn check_unchanged(&self) -> Result<(), InputError> {
        match self.footers.iter().find(|footer| !footer.is_current()) {
            Some(footer) => Err(InputError::Changed { path: footer.file.path.clone() }),
            None => self.aliases.as_ref().map_or(Ok(()), |aliases| aliases.check_unchanged()),
        }
    }

    /// What is read: files that the condition rules out whole are not.
    ///
    /// # Errors
    /// A condition that polars cannot compute.
    pub fn tasks(&self) -> Result<Vec<FileTask>, InputError> {
        self.tasks_of(&self.chosen, Pass::Events)
    }

    /// The columns of the files that are read, for their events or for the times of all rows, whether they have rows or not.
    ///
    /// # Errors
    /// As [`ReadPlan::tasks`].
    pub fn columns_read(&self) -> Result<Vec<String>, InputError> {
        let mut columns: BTreeSet<String> = BTreeSet::new();
        for footer in &self.footers {
            for pass in [Pass::Events, Pass::Times] {
                columns.extend(self.projection(footer, pass)?.columns().iter().cloned());
            }
        }
        Ok(columns.into_iter().collect())
    }

    /// The times of all rows of some files, whether they pass the condition or not.
    ///
    /// # Errors
    /// As [`ReadPlan::tasks`].
    pub fn time_tasks(&self, files: &[usize]) -> Result<Vec<FileTask>, InputError> {
        self.tasks_of(&self.whole(files), Pass::Times)
    }

    fn tasks_of(&self, chosen: &[Chosen], pass: Pass) -> Result<Vec<FileTask>, InputError> {
        // Files of one schema, and of one value of each folder column that is used, are read alike.
        type Alike<'a> = (&'a Arc<FileSchema>, Vec<&'a (String, Option<String>)>, Arc<Projection>);
        let used = self.hive_columns_used();
        let mut known: Vec<Alike<'_>> = Vec::new();
        let mut tasks = Vec::with_capacity(chosen.len());
        for Chosen { file, row_groups } in chosen {
            let footer = &self.footers[*file];
            let hive = footer.file.hive.iter().filter(|(key, _)| used.contains(&key.as_str())).collect::<Vec<_>>();
            let same = |(schema, folders, _): &&Alike<'_>| Arc::ptr_eq(schema, &footer.schema) && *folders == hive;
            let projection = match known.iter().rev().find(same) {
                Some((.., projection)) => Arc::clone(projection),
                None => {
                    let projection = Arc::new(self.projection(footer, pass)?);
                    known.push((&footer.schema, hive, Arc::clone(&projection)));
                    projection
                }
            };
            tasks.push(FileTask {
                path: footer.file.path.clone(),
                object: footer.file.object.clone(),
                table: footer.file.table.as_ref().map(|file| Arc::clone(&file.table)),
                deleted: footer.deleted.clone(),
                row_groups: row_groups.clone(),
                projection,
                keeps_codes: false,
                batch_bytes: self.limit.map(|(limit, threads)| limit.batch(threads)),
            });
        }
        Ok(tasks)
    }

    /// The rows of one file that pass the condition, whatever times are read.
    ///
    /// # Errors
    /// As [`ReadPlan::tasks`].
    pub fn file_tasks(&self, file: usize) -> Result<Vec<FileTask>, InputError> {
        self.tasks_of(&self.whole(&[file]), Pass::Events)
    }

    /// All row groups of some files.
    fn whole(&self, files: &[usize]) -> Vec<Chosen> {
        let all = files.iter().map(|file| {
            let row_groups = self.footers[*file].row_groups.iter().enumerate().filter(|(_, group)| group.rows > 0);
            Chosen { file: *file, row_groups: row_groups.map(|(number, _)| number).collect() }
        });
        all.filter(|chosen| !chosen.row_groups.is_empty()).collect()
    }

    /// The latest possible time of a file's rows, filtered ones too, where its footer alone tells it: no row
    /// group's latest time is unknown or impossible, or may be that of a deleted row. `Ok(None)` where there are no rows.
    ///
    /// # Errors
    /// The footer does not tell.
    pub fn latest_by_footer(&self, file: usize, possible: TimeRange) -> Result<Option<Timestamp>, Untold> {
        if self.footers[file].row_groups.iter().any(|group| group.rows > 0 && group.deleted > 0) {
            return Err(Untold);
        }
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
            Some(Some(Range::Int(min, max))) => Ok((*min, *max)),
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
            Kind::Int => self.time_unit?,
            _ => return None,
        };
        Some((unit.instant(*min)?, unit.instant(*max)?))
    }

    fn choose_files(&mut self) -> Result<(), InputError> {
        let mut extent = Extent { folders_ruled_out: self.extent.folders_ruled_out, ..Extent::default() };
        let mut chosen = Vec::new();
        let mut conditions: Vec<(Arc<FileSchema>, Vec<Typed>)> = Vec::new();
        let mut folders: HashMap<&[(String, Option<String>)], bool> = HashMap::new();
        for (file, footer) in self.footers.iter().enumerate() {
            let groups = footer.row_groups.len() as u64;
            extent.files += 1;
            extent.bytes += footer.bytes;
            extent.rows += footer.rows();
            let known = conditions.iter().position(|(schema, ..)| Arc::ptr_eq(schema, &footer.schema));
            let place = match known {
                Some(place) => place,
                None => {
                    let parts = self.checked_condition(footer)?;
                    conditions.push((Arc::clone(&footer.schema), parts));
                    conditions.len() - 1
                }
            };
            if footer.rows() == 0 {
                continue;
            }
            let can_match_folder = match folders.get(footer.file.hive.as_slice()) {
                Some(known) => *known,
                None => {
                    let can_match = self.folder_can_match(footer)?;
                    folders.insert(&footer.file.hive, can_match);
                    can_match
                }
            };
            if !can_match_folder {
                extent.row_groups_skipped += groups;
                extent.rows_ruled_out += footer.rows();
                continue;
            }
            let (_, parts) = &conditions[place];
            let can = can_match(parts, &footer.row_groups, &self.ranges_of, &footer.schema);
            let may_pass = (0..can.len()).filter(|number| can[*number]);
            let (row_groups, outside): (Vec<usize>, Vec<usize>) =
                may_pass.partition(|number| self.time_can_match(footer, &footer.row_groups[*number]));
            let rows_of = |groups: &[usize]| groups.iter().map(|number| footer.row_groups[*number].rows).sum::<u64>();
            extent.row_groups_read += row_groups.len() as u64;
            extent.row_groups_skipped += groups - row_groups.len() as u64;
            extent.rows_read += rows_of(&row_groups);
            extent.rows_outside += rows_of(&outside);
            extent.rows_ruled_out += footer.rows() - rows_of(&row_groups) - rows_of(&outside);
            if !row_groups.is_empty() {
                chosen.push(Chosen { file, row_groups });
            }
        }
        self.extent = extent;
        self.chosen = chosen;
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
        let is_open = |number: usize| self.answered.get(number) != Some(&true);
        for (_, conjunct) in condition.folder_parts().filter(|(number, _)| is_open(*number)) {
            let columns = conjunct
                .uses
                .iter()
                .map(|(name, used)| expr_of(&used.column, &footer.schema, &footer.file.hive).alias(name.as_str()));
            let failed = |error: PolarsError| self.condition_error(&error);
            let one_row = df!("dwell" => [0i32]).map_err(failed)?.lazy().with_columns(columns.collect::<Vec<_>>());
            let schema = one_row.clone().collect_schema().map_err(failed)?;
            let test = self.typed(conjunct, &schema)?;
            if one_row.filter(test.expr).collect().map_err(failed)?.height() == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The condition over the columns of one file, tried on no rows: what polars cannot compare is an
    /// error before anything is read.
    fn checked_condition(&self, footer: &Footer) -> Result<Vec<Typed>, InputError> {
        let failed = |error: PolarsError| self.condition_error(&error);
        let columns = self.condition_columns();
        let rows = footer.schema.no_rows(&columns).map_err(failed)?.lazy();
        let made = self.made_for_condition(footer);
        let mut rows = if made.is_empty() { rows } else { rows.with_columns(made) };
        let schema = rows.collect_schema().map_err(failed)?;
        self.condition_parts().map(|part| self.typed(part, &schema)).collect()
    }

    fn typed(&self, part: &Conjunct, schema: &SchemaRef) -> Result<Typed, InputError> {
        typed(&part.sql, schema).map_err(|problem| condition_problem(self.condition().unwrap_or_default(), &problem))
    }

    fn condition_parts(&self) -> impl Iterator<Item = &Conjunct> {
        self.condition.iter().flat_map(Condition::row_parts)
    }

    /// The columns of the files that the condition needs.
    fn condition_columns(&self) -> Vec<String> {
        let uses = self.condition_parts().flat_map(|part| part.uses.values());
        let columns: BTreeSet<&str> = uses.filter_map(|used| used.column.file_column()).collect();
        columns.into_iter().map(str::to_string).collect()
    }

    fn hive_columns_used(&self) -> Vec<&str> {
        let roles = self.roles.all().into_iter().map(|(_, column)| column);
        let columns = roles.chain(self.condition_parts().flat_map(|part| part.uses.values().map(|used| &used.column)));
        let columns = columns.chain(self.facts_and_watched().flat_map(|facts| facts.columns()));
        columns
            .chain(self.columns_of_derived())
            .filter(|column| column.file_column().is_none())
            .map(|column| column.spelled.as_str())
            .collect()
    }

    /// The columns of the condition that are no whole columns of a file.
    fn made_for_condition(&self, footer: &Footer) -> Vec<Expr> {
        made_of(self.condition_parts().flat_map(|part| &part.uses), footer).into_values().collect()
    }

    fn projection(&self, footer: &Footer, pass: Pass) -> Result<Projection, InputError> {
        let projected =
            |facts: &Option<Arc<Facts>>| facts.as_ref().map(|facts| FactProjection::new(facts, footer)).transpose();
        let beside = match pass {
            Pass::Times => Beside::default(),
            Pass::Events => Beside {
                filter: self.filter(footer)?,
                facts: projected(&self.facts)?,
                watched: projected(&self.watched)?,
            },
        };
        Projection::new(&self.roles, pass, footer, beside, || {
            let column = |role: &str, column| expr_of(column, &footer.schema, &footer.file.hive).alias(role);
            let mut by_role = vec![column("time", &self.roles.time)];
            if pass == Pass::Times {
                return by_role;
            }
            let users = self.roles.users.iter().enumerate();
            by_role.extend(users.map(|(place, user)| column(&user_name(place), user)));
            by_role.extend(self.roles.event.as_ref().map(|event| column("event", event)));
            by_role.extend(self.roles.value.as_ref().map(|value| column("value", &value.column)));
            by_role.extend(self.roles.sequence.as_ref().map(|sequence| column("sequence", sequence)));
            by_role.extend(self.roles.dedup.as_ref().map(|dedup| column("dedup", dedup)));
            by_role.extend(self.roles.timeout.as_ref().map(|timeout| column("timeout", &timeout.column)));
            by_role
        })
    }

    /// Which rows of a file pass the condition; `None` where all do.
    fn filter(&self, footer: &Footer) -> Result<Option<Filter>, InputError> {
        let typed = self.checked_condition(footer)?;
        let parts: Vec<(Typed, &Conjunct)> = typed.into_iter().zip(self.condition_parts()).collect();
        if parts.is_empty() {
            return Ok(None);
        }
        let known = formula(&parts, footer).map(|formula| KnownConditions::new(vec![(0, formula)]));
        if let Some((known, _)) = known.filter(|(_, too_much)| too_much.is_empty()) {
            return Ok(Some(Filter::Known(known)));
        }
        // One filter, and a balanced one: polars takes its time over long chains.
        let mut all: Vec<Expr> = parts.into_iter().map(|(part, _)| part.expr).collect();
        while all.len() > 1 {
            let pair = |pair: &[Expr]| pair.iter().cloned().reduce(Expr::and);
            all = all.chunks(2).filter_map(pair).collect();
        }
        let columns = self.condition_columns();
        let made = self.made_for_condition(footer);
        Ok(all.pop().map(|condition| Filter::Polars(PolarsFilter { columns, made, condition })))
    }

    fn condition_error(&self, error: &PolarsError) -> InputError {
        condition_error(self.condition().unwrap_or_default(), error)
    }
}

/// Values of a column that cannot be read, and count as null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unreadable {
    /// The column.
    pub column: String,
    /// What they are, in words.
    pub what: String,
    /// How many rows have one.
    pub rows: u64,
}

/// What values of a kind are where they cannot be read.
fn unreadable(kind: &Kind) -> &'static str {
    match kind {
        Kind::Json => "text that is no JSON",
        Kind::Text | Kind::Binary | Kind::Mixed => "bytes that are no UTF-8 text",
        Kind::Timestamp(_) => "times that do not fit 64 bits of microseconds",
        _ => "numbers that are not whole, or do not fit 64 bits",
    }
}

/// A column of a file whose values are those of its folder has bounds of other values.
fn forget_ranges(footers: &mut [Footer], places: &[bool]) {
    for group in footers.iter_mut().filter(|_| places.contains(&true)).flat_map(|footer| &mut footer.row_groups) {
        let forgotten = group.ranges.iter_mut().zip(places).filter(|(_, forget)| **forget);
        forgotten.for_each(|(range, _)| *range = None);
    }
}

/// The footers do not tell what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Untold;
