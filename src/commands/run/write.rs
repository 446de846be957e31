//! Writes what a run made: the tables of the kernel's rows, the charts over them, and which files of earlier
//! runs they replace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::anew::{numbers_of, Anew, Moved};
use super::plan::Planned;
use super::takes::Takes;
use super::users::stage_users;
use crate::charts::chart_set::{stage_charts, ChartSet};
use crate::charts::first_active::FirstHours;
use crate::charts::lonely::Sparse;
use crate::charts::overview::{overview, Overview};
use crate::charts::segment_tables::ChartedSegments;
use crate::charts::tables::TableFiles;
use crate::charts::unmet::Unmet;
use crate::charts::user_passes::Reading;
use crate::commands::made_tables::{MadeTable, MadeTables, TableWriter};
use crate::error::Error;
use crate::job::options::Table;
use crate::pipeline;
use crate::pipeline::progress::Progress;
use crate::pipeline::Made;
use crate::profile::Profile;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::table_rows::dated::Dated;
use crate::sessionize::table_rows::merge::ByDate;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::history::scope::{Mode, Scope};
use crate::tables::numbering::Corrected;
use crate::tables::schema::place::{segment_of, TablePlace, SEGMENTS};
use crate::tables::schema::sessions::{To, EVENTS, SESSIONS};
use crate::tables::users::{self, USERS};
use crate::tables::write::files::create_folder_of;
use crate::tables::write::parquet_file::{Provenance, Size};
use crate::tables::write::part_stream::ReceivedParts;
use crate::tables::write::syncer::Syncer;

/// What has been staged.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows and bytes of each table.
    pub sizes: Vec<(String, Size)>,
    /// Files of earlier runs that this one's replace.
    pub replaced: BTreeSet<PathBuf>,
    /// Staged files that the disk has, with their names.
    pub confirmed: BTreeSet<PathBuf>,
    /// The dates that sessions were written of.
    pub days: Vec<Day>,
    /// The dates that stay, and whose sessions have other numbers than before.
    pub renumbered: BTreeSet<Day>,
    /// The charts that have rows only for intervals with sessions.
    pub sparse: Vec<Sparse>,
    /// The filters of charts that no session passes.
    pub unmet: Vec<Unmet>,
    /// This run's sessions of all events, staged or made only to be measured.
    made: TableFiles,
    /// How many users were first active when, where memory held all dates.
    first_hours: Option<FirstHours>,
    /// The tables of all events and of each segment, dates of earlier runs that stay among them.
    tables: Vec<TableFiles>,
}

/// Stages the files of a run: first the parts of tables that memory does not hold beside the rest, if there are any, and then
/// the tables.
pub struct Output<'a> {
    planned: &'a Planned<'a>,
    types: &'a EventTypes,
    /// What the tables say of themselves.
    provenance: &'a Provenance,
    /// Where the time goes.
    profile: &'a Profile,
    written: Written,
    /// Has the disk confirm the files.
    syncer: Syncer,
    parts: Parts,
}

/// The parts of tables that were written because memory did not hold them.
#[derive(Debug, Default)]
struct Parts {
    /// How many there are.
    count: usize,
    /// How many rows they have of each table, by its folder, and date.
    rows: BTreeMap<PathBuf, BTreeMap<Day, u64>>,
}

impl<'a> Output<'a> {
    /// For a run.
    pub fn new(
        planned: &'a Planned<'a>,
        types: &'a EventTypes,
        provenance: &'a Provenance,
        profile: &'a Profile,
    ) -> Self {
        let (written, syncer, parts) = (Written::default(), Syncer::start(), Parts::default());
        Output { planned, types, provenance, profile, written, syncer, parts }
    }

    /// The tables that the run makes.
    fn tables(&self) -> MadeTables<'a> {
        let Planned { job, plan, options, .. } = self.planned;
        let all = [Table::Sessions, Table::Activity, Table::Events];
        let wanted = all.into_iter().filter(|table| options.makes(*table)).collect();
        MadeTables { job, plan, types: self.types, provenance: self.provenance, wanted }
    }

    /// What was staged. But for a full run, files that are the same as before stay as they are.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn finish(mut self) -> Result<Written, Error> {
        self.written.confirmed = self.syncer.finish()?;
        if self.planned.scope.mode != Mode::Full {
            let same = self.planned.folder.keep_same()?;
            self.written.replaced.retain(|file| !same.contains(file));
        }
        Ok(self.written)
    }

    /// Writes some of the rows of the tables, which memory holds no longer; those of a user have to come together.
    ///
    /// # Errors
    /// A file that cannot be written; an interruption.
    pub fn write_part(&mut self, made: &Made) -> Result<(), Error> {
        self.tables().each(made, &mut PartWriter(self))?;
        self.parts.count += 1;
        Ok(())
    }

    /// Takes the parts that kernels made, which stand where this run's own would.
    pub fn take_parts(&mut self, received: ReceivedParts) {
        self.parts = Parts { count: received.numbers, rows: received.rows };
    }

    /// Stages the sessions and activity tables of all events and of each segment, as far as the run makes them, with the
    /// rows of parts.
    ///
    /// # Errors
    /// As [`Output::write_part`].
    pub fn write_tables(&mut self, made: Made, progress: &mut Progress) -> Result<(), Error> {
        let Planned { job, options, pool, .. } = self.planned;
        self.written.tables = vec![TableFiles::default(); job.segments.with_tables.len() + 1];
        self.tables().each(&made, &mut FileWriter { output: self, progress })?;
        let all = self.all_rows(&made);
        let asks_who_is_new = options.writes(Table::Charts);
        self.written.first_hours =
            all.filter(|_| asks_who_is_new).map(|all| pool.install(|| FirstHours::of(&all.partitions)));
        if options.writes(Table::Sessions) && options.writes(Table::Activity) {
            self.remove_other_segments()?;
            if job.output.events.is_none() {
                let place = TablePlace::new(EVENTS, None);
                let gone = self.planned.folder.files_of(&place.folder())?.into_iter().filter(|file| place.owns(file));
                self.written.replaced.extend(gone);
            }
        }
        if options.writes(Table::Sessions) || options.writes(Table::Activity) {
            let before = self.planned.folder.files_of(Path::new(USERS))?.into_iter().filter(|file| users::owns(file));
            self.written.replaced.extend(before);
            if job.output.history {
                let (files, size) = stage_users(self.planned, &self.written.tables[0], all, self.provenance)?;
                files.iter().try_for_each(|file| self.syncer.later(file))?;
                self.written.sizes.push((USERS.to_string(), size));
            }
        }
        Ok(())
    }

    /// What was made, where it is all that the sessions and activity tables have, and memory may hold more beside it.
    fn all_rows<'m>(&self, made: &'m Made) -> Option<&'m Made> {
        let Planned { options, scope, budget, .. } = self.planned;
        let writes_both = options.writes(Table::Sessions) && options.writes(Table::Activity);
        let is_all = writes_both && scope.dates.is_all() && self.parts.count == 0;
        (is_all && budget.limit.is_none()).then_some(made)
    }

    /// The files of a table from earlier runs: those of the dates that this run is about, and the others.
    fn earlier_files(&self, name: &TablePlace) -> Result<(BTreeSet<PathBuf>, BTreeSet<PathBuf>), Error> {
        let Scope { dates, event_dates, .. } = &self.planned.scope;
        let dates = if name.table == EVENTS { event_dates } else { dates };
        // What else lies there is not ours.
        let files = self.planned.folder.files_of(&name.folder())?.into_iter().filter(|file| name.owns(file));
        if dates.is_all() {
            return Ok((files.collect(), BTreeSet::new()));
        }
        Ok(files.partition(|file| name.table.day_of(file).is_some_and(|day| dates.holds(day))))
    }

    /// Where a table's file goes: to be committed, or only to be measured.
    fn path_of(&self, name: &Path, is_staged: bool) -> PathBuf {
        let folder = &self.planned.folder;
        if is_staged {
            folder.staged_path(name)
        } else {
            folder.scratch_path(name)
        }
    }

    /// Segments that the job has no more go: nothing would keep them up to date.
    fn remove_other_segments(&mut self) -> Result<(), Error> {
        let is_known = |name: &str| self.planned.job.segments.with_tables.iter().any(|segment| segment.name == name);
        let files = self.planned.folder.files_of(Path::new(SEGMENTS))?;
        let gone = files.into_iter().filter(|file| segment_of(file).is_some_and(|name| !is_known(name)));
        self.written.replaced.extend(gone);
        Ok(())
    }

    /// Measures the tables, stages the charts, and sums this run's sessions up.
    ///
    /// # Errors
    /// A table that cannot be read, a file that cannot be written.
    pub fn write_charts(&mut self) -> Result<Option<Overview>, Error> {
        if self.planned.options.writes(Table::Charts) {
            let job = &self.planned.job;
            let tables = std::mem::take(&mut self.written.tables);
            let (pool, limit) = (&self.planned.pool, self.planned.budget.limit);
            let charted = ChartedSegments {
                charts: &job.charts,
                segments: &job.segments,
                performed: &job.performed,
                property: job.definition.property(),
            };
            let segments = charted.tables(&Reading { pool, limit }, tables)?;
            let first_hours = self.written.first_hours.as_ref();
            let charts = ChartSet { charts: &job.charts, segments: &segments, added: &job.added, limit, first_hours };
            let measured = charts.measure(pool, &job.output.zone)?;
            let staged =
                stage_charts(&self.planned.folder, self.provenance, &job.charts, &measured, job.output.csv_style())?;
            self.written.sizes.extend(staged.sizes);
            self.written.replaced.extend(staged.gone);
            self.written.sparse = measured.sparse;
            self.written.unmet = measured.unmet;
        }
        // Nobody is shown the sum of a quiet run.
        match self.planned.options.makes(Table::Sessions) && !self.planned.options.resources.quiet {
            true => Ok(Some(overview(&self.planned.pool, &self.written.made.sessions)?)),
            false => Ok(None),
        }
    }
}

/// The folder of files, needed for this run alone, whose sessions have their numbers yet to get.
const UNNUMBERED: &str = "unnumbered";

/// Writes rows of tables as a part, beside the tables.
struct PartWriter<'o, 'a>(&'o mut Output<'a>);

impl TableWriter for PartWriter<'_, '_> {
    fn table<R: Dated + Sync>(
        &mut self,
        table: MadeTable<'_, R>,
        file: impl Fn(&Path, To<'_>, Option<(&ByDate<'_, R>, Day)>) -> Result<Size, TableError> + Sync,
    ) -> Result<(), Error> {
        let MadeTable { place, rows, .. } = table;
        let Output { planned, profile, ref mut parts, .. } = *self.0;
        let Planned { folder, pool, budget, .. } = planned;
        let days = rows.days();
        let takes = Takes::of(&rows, budget);
        let bytes = |day: Day| takes.of_part(rows.rows_of(day));
        let number = parts.count;
        pipeline::write_dates(pool, &days, profile, &Progress::new(false), (&budget.shared(0), &bytes), |day| {
            let path = folder.scratch(&place.part_of(number, day))?;
            file(&path, To::Part, Some((&rows, day)))
        })?;
        let rows_of_table = parts.rows.entry(place.folder()).or_default();
        days.iter().for_each(|day| *rows_of_table.entry(*day).or_default() += rows.rows_of(*day));
        Ok(())
    }
}

/// Stages the files of tables, of rows in memory and of those in parts, and notes which ones of earlier runs they replace.
struct FileWriter<'o, 'a, 'p> {
    output: &'o mut Output<'a>,
    progress: &'p mut Progress,
}

impl TableWriter for FileWriter<'_, '_, '_> {
    fn table<R: Dated + Sync>(
        &mut self,
        table: MadeTable<'_, R>,
        file: impl Fn(&Path, To<'_>, Option<(&ByDate<'_, R>, Day)>) -> Result<Size, TableError> + Sync,
    ) -> Result<(), Error> {
        let MadeTable { table, place, segment, rows, provenance, columns } = table;
        let Output { planned, profile, .. } = *self.output;
        let Planned { folder, pool, budget, options, .. } = planned;
        let count = self.output.parts.count;
        let in_parts = self.output.parts.rows.remove(&place.folder()).unwrap_or_default();
        let days: BTreeSet<Day> = rows.days().into_iter().chain(in_parts.keys().copied()).collect();
        let days: Vec<Day> = days.into_iter().collect();
        let takes = if rows.days().is_empty() { Takes::of_unread() } else { Takes::of(&rows, budget) };
        let bytes = |day: Day| takes.of_table(rows.rows_of(day), in_parts.get(&day).copied().unwrap_or(0), count);
        // A table that is only measured is not staged.
        let is_staged = options.writes(table);
        // What numbers sessions have, of which not all dates are made, is known when these are.
        let is_numbered_later = table == Table::Sessions && columns.have_history() && !planned.scope.dates.is_all();
        let syncer = &self.output.syncer;
        self.progress.stage(table.name(), days.len() as u64);
        let written_to = |name: &Path| match is_numbered_later {
            true => folder.scratch_path(&Path::new(UNNUMBERED).join(name)),
            false => self.output.path_of(name, is_staged),
        };
        let mut size =
            pipeline::write_dates(pool, &days, profile, self.progress, (&budget.shared(0), &bytes), |day| {
                let path = written_to(&place.file_of(day));
                create_folder_of(&path)?;
                let part = |number: usize| folder.scratch_path(&place.part_of(number, day));
                let parts: Vec<PathBuf> = (0..count).map(part).filter(|part| part.exists()).collect();
                let size = file(&path, To::Table(&provenance, &parts), Some((&rows, day)))?;
                if is_staged && !is_numbered_later {
                    syncer.later(&path)?;
                }
                Ok(size)
            })?;
        let (replaced, kept) = self.output.earlier_files(&place)?;
        let dated = |file: &PathBuf| Some((place.table.day_of(file)?, folder.path().join(file)));
        let stay: BTreeMap<Day, PathBuf> = kept.iter().filter_map(dated).collect();
        let new: BTreeMap<Day, PathBuf> = days.iter().map(|day| (*day, written_to(&place.file_of(*day)))).collect();
        let corrected = match is_numbered_later {
            true => numbers_of(planned, &place, columns, stay.iter().chain(&new))?,
            false => Corrected::new(),
        };
        let rewrites = table == Table::Sessions && planned.scope.rewrites;
        let to = |day: Day| self.output.path_of(&place.file_of(day), is_staged);
        let moved = |(day, from): (&Day, &PathBuf), is_right: bool| {
            (*day, Moved { from: from.clone(), to: to(*day), is_right })
        };
        let others = stay.iter().filter(|(day, _)| rewrites || corrected.contains_key(day));
        let mut anew: BTreeMap<Day, Moved> = others.map(|file| moved(file, false)).collect();
        let renumbered: Vec<Day> = anew.keys().copied().filter(|day| corrected.contains_key(day)).collect();
        if is_numbered_later {
            // They are counted where they are put in place.
            size = Size::default();
            anew.extend(new.iter().map(|file| moved(file, !corrected.contains_key(file.0))));
        }
        let place_now = |(day, path): (&Day, &PathBuf)| anew.get(day).map_or(path, |file| &file.to).clone();
        let (stay, new): (Vec<PathBuf>, Vec<PathBuf>) =
            (stay.iter().map(place_now).collect(), new.iter().map(place_now).collect());
        let syncer = is_staged.then_some(&self.output.syncer);
        let anew = Anew { columns, provenance: &provenance, files: anew, corrected: &corrected, syncer };
        size.merge(anew.put(planned, profile, self.progress)?);
        let written = &mut self.output.written;
        written.renumbered.extend(renumbered);
        let files = &mut written.tables[segment.map_or(0, |segment| segment + 1)];
        if table != Table::Events {
            files.extend(place.table, stay.into_iter());
            files.extend(place.table, new.iter().cloned());
        }
        if table == Table::Sessions && segment.is_none() {
            written.days = days.clone();
            written.made.extend(SESSIONS, new.into_iter());
        }
        if !is_staged {
            return Ok(());
        }
        if days.is_empty() && kept.iter().all(|file| *file == place.empty_file()) {
            let path = folder.stage(&place.empty_file())?;
            size.merge(file(&path, To::Table(&provenance, &[]), None)?);
            self.output.syncer.later(&path)?;
        }
        let no_longer_empty = !days.is_empty() && kept.contains(&place.empty_file());
        written.replaced.extend(no_longer_empty.then(|| place.empty_file()));
        written.replaced.extend(replaced);
        written.sizes.push((place.folder().to_string_lossy().into_owned(), size));
        Ok(())
    }
}
