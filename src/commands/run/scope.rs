//! Finds what a run is about: the dates that it makes anew, and the times that it reads for them.
//!
//! How far events can matter is said in [`reach`](crate::job::reach); here it is put to use, once from the dates
//! that were asked for, and once from the files that came, went or changed.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;

use super::compatibility::ColumnChange;
use crate::error::Error;
use crate::events::source::plan::ReadPlan;
use crate::events::source::survey::{FileSpans, Survey};
use crate::job::dates::{calendar, dates_over, instants_of};
use crate::job::options::Options;
use crate::job::reach::{EventReach, TimeReach, Unbounded};
use crate::job::times::Times;
use crate::job::{Job, Kind};
use crate::pipeline;
use crate::pipeline::kernel_inputs::needs_latest;
use crate::sessionize::session_id::number_as_time;
use crate::sessionize::time::calendar::Calendar;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::history::ledger::{mark_of, name_of, table_of, Difference, Entry, Ledger, Mark};
use crate::tables::history::scope::{Mode, Scope, Whole};

/// The input of a run beside what the run before read.
#[derive(Debug)]
pub struct Past {
    names: Vec<String>,
    ledger: Option<Ledger>,
    difference: Difference,
    columns: ColumnChange,
    /// What tells the mapping of users from another state of itself.
    aliases: Option<String>,
}

/// What a run came to, as far as the next one has to know.
#[derive(Clone, Debug)]
pub struct Done {
    /// The definition's fingerprint.
    pub fingerprint: String,
    /// The latest possible time of all rows.
    pub latest: Option<Timestamp>,
    /// How many events have a session id that is valid and no time, of those that were read.
    pub untimed_ids: u64,
    /// Whether it wrote both the sessions and the activity table.
    pub all_tables: bool,
}

/// Finds out what a run is about.
#[derive(Clone, Copy, Debug)]
pub struct Finder<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its input.
    pub plan: &'a ReadPlan,
    /// Threads to look at files with.
    pub pool: &'a rayon::ThreadPool,
    /// What the run before read.
    pub past: &'a Past,
}

impl Past {
    /// Compares the files of `plan` with those of the ledger. `columns` says what the columns that the run would write are
    /// beside those that the tables have.
    pub fn new(plan: &ReadPlan, ledger: Option<Ledger>, columns: ColumnChange) -> Self {
        let names: Vec<String> = plan.footers.iter().map(|footer| name_of(&footer.file.path)).collect();
        let difference = match &ledger {
            Some(ledger) => ledger.difference(&names, &plan.footers),
            None => Ledger::default().difference(&names, &plan.footers),
        };
        let aliases = plan.aliases.as_ref().map(|aliases| mark_of(&aliases.footers));
        Past { names, ledger, difference, columns, aliases }
    }

    /// How many files the input has.
    pub fn file_count(&self) -> usize {
        self.names.len()
    }

    /// What the next run is to compare its input with, after a run about `scope`; `None` where that is what it
    /// was.
    pub fn next_ledger(&self, job: &Job, plan: &ReadPlan, scope: &Scope, done: Done) -> Option<Ledger> {
        let Done { fingerprint, latest, untimed_ids, all_tables } = done;
        if scope.mode == Mode::Dates || !all_tables {
            let ledger = self.ledger.as_ref().filter(|_| !self.difference.is_nothing())?;
            return Some(Ledger { apart: ledger.apart.and(&scope.dates), ..ledger.clone() });
        }
        let before = self.ledger.as_ref();
        let with_ids = TimeReach::of(job, || true).is_ok_and(|reach| with_ids(job, &reach).is_some());
        let entry = |(file, name): (usize, &String)| {
            let mark = Mark::of(&plan.footers[file]);
            let known = before.and_then(|ledger| ledger.files.get(name)).filter(|entry| entry.mark == mark);
            let spans = match (scope.surveys.get(&file), known) {
                (Some(survey), _) => survey.spans(with_ids),
                (None, Some(known)) => known.spans.clone(),
                (None, None) => FileSpans::by_footer(plan, file),
            };
            (name.clone(), Entry { mark, spans, table: table_of(&plan.footers[file]).map(str::to_string) })
        };
        let all_read = scope.times.is_none();
        Some(Ledger {
            fingerprint,
            latest: latest.filter(|_| needs_latest(job)),
            // A run about some dates was so because there were none before and none in the new files.
            ids_are_times: if all_read { untimed_ids == 0 } else { before.is_some_and(|ledger| ledger.ids_are_times) },
            apart: DateSet::default(),
            aliases: self.aliases.clone(),
            files: self.names.iter().enumerate().map(entry).collect(),
        })
    }
}

impl Finder<'_> {
    /// What a run with these options is about; `None` where there is nothing to do.
    ///
    /// # Errors
    /// Files that are gone, where that was not allowed; a file that cannot be read.
    pub fn scope(&self, options: &Options) -> Result<Option<Scope>, Error> {
        if options.incremental {
            return self.incremental(options);
        }
        let mut scope = self.everything(Mode::Full, None);
        let dates = DateSet::of_window(options.window);
        if !dates.is_all() && self.past.columns == ColumnChange::OfEvents {
            scope.whole = Some(Whole::Columns);
        } else if !dates.is_all() {
            scope.mode = Mode::Dates;
            match self.reaches(|| self.ids_are_times()) {
                Ok((reach, of_events)) => {
                    let zone = &self.job.output.zone;
                    scope.event_dates = of_events.map_or(dates.clone(), |reach| dates_of_events(&dates, &reach, zone));
                    scope.times = Some(self.times_for((&dates, &reach), (&scope.event_dates, of_events.as_ref())));
                }
                Err(why) => scope.whole = Some(Whole::Unbounded(why)),
            }
            scope.latest = self.latest()?;
            scope.dates = dates;
            scope.rewrites = self.past.columns == ColumnChange::OfTables;
        }
        Ok(Some(scope))
    }

    fn everything(&self, mode: Mode, whole: Option<Whole>) -> Scope {
        Scope {
            mode,
            dates: DateSet::all(),
            event_dates: DateSet::all(),
            times: None,
            whole,
            latest: None,
            difference: self.past.difference.clone(),
            surveys: BTreeMap::new(),
            rewrites: false,
        }
    }

    fn incremental(&self, options: &Options) -> Result<Option<Scope>, Error> {
        let everything = |whole| self.everything(Mode::Incremental, Some(whole));
        let Some(ledger) = &self.past.ledger else { return Ok(Some(everything(Whole::First))) };
        if let (Some(example), false) = (self.past.difference.gone.first(), options.allow_removed) {
            return Err(Error::FilesGone { count: self.past.difference.gone.len(), example: example.clone() });
        }
        if self.past.columns == ColumnChange::OfEvents {
            return Ok(Some(everything(Whole::Columns)));
        }
        if self.past.aliases != ledger.aliases {
            // Whom it is about is not kept, and they may have events on any date.
            return Ok(Some(everything(Whole::Aliases)));
        }
        let rewrites = self.past.columns == ColumnChange::OfTables;
        if self.past.difference.is_nothing() && ledger.apart.is_empty() {
            // No date takes events, and where the input ends is known.
            return Ok(rewrites.then(|| Scope {
                dates: DateSet::default(),
                event_dates: DateSet::default(),
                times: Some(Times::default()),
                latest: ledger.latest,
                rewrites,
                ..self.everything(Mode::Incremental, None)
            }));
        }
        let surveys = self.survey_new_files()?;
        let timed = ledger.ids_are_times && surveys.values().all(|survey| !survey.untimed_ids);
        let (reach, of_events) = match self.reaches(|| timed) {
            Ok(reaches) => reaches,
            Err(why) => return Ok(Some(Scope { surveys, ..everything(Whole::Unbounded(why)) })),
        };
        let old = self
            .past
            .difference
            .gone
            .iter()
            .chain(&self.past.difference.removed)
            .chain(self.past.difference.changed.iter().map(|file| &self.past.names[*file]));
        let mut news: Vec<FileSpans> = Vec::new();
        for name in old {
            let spans = ledger.files.get(name).map(|entry| &entry.spans);
            match spans.filter(|spans| spans.events.is_some()) {
                Some(spans) => news.push(spans.clone()),
                None => return Ok(Some(Scope { surveys, ..everything(Whole::Unknown(name.clone())) })),
            }
        }
        let with_ids = with_ids(self.job, &reach).is_some();
        news.extend(surveys.values().map(|survey| survey.spans(with_ids)));
        let mut touched: Vec<_> = news.iter().flat_map(|spans| touched_by(spans, &reach)).collect();
        let latest = self.latest()?;
        if let (Some(before), Some(now)) = (ledger.latest, latest) {
            touched.extend(reach.ends_decided_between(before, now));
        }
        let zone = &self.job.output.zone;
        let dates = DateSet::of(touched.into_iter().map(|range| dates_over(range, zone))).and(&ledger.apart);
        let event_dates = of_events.map_or(dates.clone(), |of_events| {
            let touched = news.iter().flat_map(|spans| rows_touched_by(spans, (&reach, &of_events), zone));
            let dates = DateSet::of(touched.map(|range| dates_over(range, zone)));
            dates.and(&dates_of_events(&ledger.apart, &of_events, zone))
        });
        let times = self.times_for((&dates, &reach), (&event_dates, of_events.as_ref()));
        Ok(Some(Scope {
            mode: Mode::Incremental,
            dates,
            event_dates,
            times: Some(times),
            whole: None,
            latest,
            difference: self.past.difference.clone(),
            surveys,
            rewrites,
        }))
    }

    /// How far events can matter to sessions and activity, and to the rows of events, where there are some.
    fn reaches(&self, ids_are_times: impl FnOnce() -> bool) -> Result<(TimeReach, Option<EventReach>), Unbounded> {
        let reach = TimeReach::of(self.job, ids_are_times)?;
        // Where that has a bound, ids are times.
        let of_events = self.job.output.events.as_ref().map(|_| EventReach::of(self.job, || true)).transpose()?;
        Ok((reach, of_events))
    }

    /// The times to read to make some dates, and the rows of events of some dates.
    fn times_for(
        &self,
        (dates, reach): (&DateSet, &TimeReach),
        (event_dates, of_events): (&DateSet, Option<&EventReach>),
    ) -> Times {
        let (window, zone) = (self.job.output.window, &self.job.output.zone);
        let needed = |range: &(Day, Day)| {
            let (first, last) = instants_of(*range, zone);
            reach.needed(first, last)
        };
        let written = dates.within(window);
        let sessions = written.ranges().iter().map(needed);
        let rows = event_dates.within(window);
        let events =
            of_events.into_iter().flat_map(|reach| rows.ranges().iter().map(|range| reach.needed(*range, zone)));
        Times::of(sessions.chain(events))
    }

    fn latest(&self) -> Result<Option<Timestamp>, Error> {
        if !needs_latest(self.job) {
            return Ok(None);
        }
        pipeline::latest_time(self.pool, self.job, self.plan, &Default::default())
    }

    /// When the events of all new and changed files happened.
    fn survey_new_files(&self) -> Result<BTreeMap<usize, Survey>, Error> {
        let calendar = self.possible_dates();
        // Whether there are ids that are no times is found out on the way.
        let reach = TimeReach::of(self.job, || true).ok();
        let with_ids = reach.as_ref().and_then(|reach| with_ids(self.job, reach));
        let files = self.past.difference.new.iter().chain(&self.past.difference.changed);
        files.map(|file| Ok((*file, self.survey(*file, &calendar, with_ids)?))).collect()
    }

    fn survey(&self, file: usize, calendar: &Calendar, with_ids: Option<&TimeReach>) -> Result<Survey, Error> {
        pipeline::survey(self.pool, self.job, self.plan, file, calendar, with_ids)
    }

    fn possible_dates(&self) -> Calendar {
        let times = self.job.input.times;
        calendar(&self.job.output.zone, times.min, times.max).unwrap_or_else(Calendar::single)
    }

    /// Whether all session ids are times: by the run before, by the footers, or by a look at a file. What cannot
    /// be looked at is left to the run itself to fail on.
    fn ids_are_times(&self) -> bool {
        let known = |file: &usize| {
            let ledger = self.past.ledger.as_ref().filter(|ledger| ledger.ids_are_times);
            let entry = ledger.and_then(|ledger| ledger.files.get(&self.past.names[*file]));
            entry.is_some_and(|entry| entry.mark == Mark::of(&self.plan.footers[*file]))
        };
        let Ok(reach) = TimeReach::of(self.job, || true) else { return false };
        let unit = reach.id_unit().unwrap_or_default();
        let is_time = |id: i64| number_as_time(id, unit).is_some();
        let by_footer = |file: &usize| {
            let ids = self.plan.ids_by_footer(*file);
            ids.is_ok_and(|ids| ids.iter().all(|(min, max)| is_time(*min) && is_time(*max)))
        };
        let mut calendar = None;
        (0..self.past.names.len()).filter(|file| !known(file) && !by_footer(file)).all(|file| {
            let calendar = calendar.get_or_insert_with(|| self.possible_dates());
            self.survey(file, calendar, Some(&reach)).is_ok_and(|survey| !survey.untimed_ids)
        })
    }
}

/// The times of a file's events.
fn times_of(spans: &FileSpans) -> impl Iterator<Item = (Timestamp, Timestamp)> + '_ {
    spans.events.iter().flatten().map(|stretch| (stretch.first, stretch.last))
}

/// The instants of the rows that a file's events can matter to.
fn touched_by(spans: &FileSpans, reach: &TimeReach) -> Vec<(Timestamp, Timestamp)> {
    match spans.ids.as_ref().filter(|_| reach.is_told_by_ids()) {
        // Their own dates' activity, and the sessions that they name.
        Some(ids) => {
            let sessions = ids.iter().map(|(first, last)| TimeReach::touched_by_ids(*first, *last));
            times_of(spans).chain(sessions).collect()
        }
        None => times_of(spans).map(|(first, last)| reach.touched(first, last)).collect(),
    }
}

/// The instants of the rows of events that a file's events can matter to.
fn rows_touched_by(
    spans: &FileSpans,
    (reach, of_events): (&TimeReach, &EventReach),
    zone: &TimeZone,
) -> Vec<(Timestamp, Timestamp)> {
    match spans.ids.as_ref().filter(|_| reach.is_told_by_ids()) {
        Some(ids) => {
            let last = times_of(spans).map(|(_, last)| last).max().unwrap_or(Timestamp::MIN);
            let sessions = ids.iter().map(|ids| of_events.touched_by_ids(*ids, last));
            times_of(spans).chain(sessions).collect()
        }
        None => times_of(spans).map(|times| of_events.touched(times, zone)).collect(),
    }
}

/// The dates of the events of sessions that start on some dates.
fn dates_of_events(dates: &DateSet, reach: &EventReach, zone: &TimeZone) -> DateSet {
    let of = |range: &(Day, Day)| dates_over(reach.of_sessions(*range, zone), zone);
    DateSet::of(dates.ranges().iter().map(of)).and(dates)
}

/// The reach, under a definition whose session ids have to be looked at.
fn with_ids<'r>(job: &Job, reach: &'r TimeReach) -> Option<&'r TimeReach> {
    matches!(job.definition.kind, Kind::Default { starts_at_id: true, .. }).then_some(reach)
}
