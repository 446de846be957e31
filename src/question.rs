//! What the commands that answer questions about sessions share: they read events as a run does, look at them with the
//! kernel's rules, and write no tables.

use crate::error::Error;
use crate::events::dictionary::EventDictionary;
use crate::events::normalise::RowCounts;
use crate::events::plan::ReadPlan;
use crate::job::options::Resources;
use crate::job::Job;
use crate::pipeline::{self, FactsOf, Gather, Gathered, Pool};
use crate::profile::Profile;
use crate::report::progress::Progress;
use crate::rules::{calendar_of, describe, needs_latest, rule};
use crate::sessionize::aggregate::Rules;
use crate::sessionize::calendar::Calendar;
use crate::sessionize::cut::Rule;
use crate::sessionize::dates::DateSet;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::time::{Span, Timestamp};
use crate::store::Room;

/// A question's events: found, planned, not yet read.
#[derive(Debug)]
pub struct Question {
    /// The job whose sessions are asked about.
    pub job: Job,
    /// What is read.
    pub plan: ReadPlan,
    /// The threads.
    pub pool: Pool,
    /// The room that events have.
    pub room: Room,
    /// Whether to say on a terminal what is being done.
    pub quiet: bool,
}

/// All events of a question.
#[derive(Debug)]
pub struct Asked {
    /// The events, and what became of the rows.
    pub gathered: Gathered,
    /// What the kernel has to know of the job and of these events.
    pub known: Known,
}

/// What the kernel has to know of a job once its events have been read.
#[derive(Clone, Debug)]
pub struct Known {
    /// What makes a session.
    pub rule: Rule,
    /// The event types.
    pub types: EventTypes,
    /// How far back a unique id counts as repeated; `None` without deduplication.
    pub dedup_within: Option<Span>,
    /// Longer sessions are excluded; `None` for no limit.
    pub max_length: Option<Span>,
    /// The dates of the output's time zone.
    pub calendar: Calendar,
    /// The dates that tables hold.
    pub dates: DateSet,
    /// The latest possible time of all rows, filtered ones too; `None` where there is none.
    pub latest: Option<Timestamp>,
}

impl Question {
    /// Finds the files of a job and plans what to read of them.
    ///
    /// # Errors
    /// Paths without files, files that do not go together, columns that are not there.
    pub fn open(job: Job, resources: &Resources) -> Result<Self, Error> {
        let plan = ReadPlan::new(&job)?;
        let threads = resources.threads()?;
        let folder = resources.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let room = Room { limit: resources.memory_limit, threads, folder };
        Ok(Question { job, plan, pool: pipeline::pool(threads)?, room, quiet: resources.quiet })
    }

    /// Reads all events.
    ///
    /// # Errors
    /// A file that cannot be read, or has changed meanwhile; an interruption.
    pub fn ask(&self) -> Result<Asked, Error> {
        self.read(None)
    }

    /// Reads all events, with facts of each batch in place of those that the plan asks for.
    ///
    /// # Errors
    /// As [`Question::ask`].
    pub fn ask_with(&self, facts: &FactsOf<'_>) -> Result<Asked, Error> {
        self.read(Some(facts))
    }

    fn read(&self, facts: Option<&FactsOf<'_>>) -> Result<Asked, Error> {
        let Question { job, plan, pool, room, quiet } = self;
        let dictionary = EventDictionary::default();
        let mut progress = Progress::new(!quiet);
        progress.stage("reading", plan.extent.rows_read);
        let gather =
            Gather { pool, job, plan, types: &dictionary, room, profile: &Profile::default(), progress: &progress };
        let gathered = match facts {
            Some(facts) => gather.events_with(facts)?,
            None => gather.events()?,
        };
        self.plan.check_unchanged()?;
        progress.finish();
        let latest = match needs_latest(&self.job) && self.plan.condition().is_some() {
            true => pipeline::latest_time(&self.pool, &self.job, &self.plan, &dictionary)?,
            false => gathered.rows.latest,
        };
        let known = Known::new(&self.job, &gathered.rows, &dictionary.names(), latest);
        Ok(Asked { gathered, known })
    }
}

impl Known {
    /// Of a job, the rows that were read, the event types they had, and the latest time of all rows.
    pub fn new(job: &Job, rows: &RowCounts, names: &[String], latest: Option<Timestamp>) -> Self {
        Known {
            rule: rule(job, latest.unwrap_or_default()),
            types: EventTypes::new(names, |name| describe(job, name)),
            dedup_within: job.input.dedup.as_ref().map(|dedup| dedup.within),
            max_length: job.definition.max_length,
            calendar: calendar_of(job, rows),
            dates: DateSet::all().within(job.output.window),
            latest,
        }
    }

    /// As the kernel takes it, without charts and segments.
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            rule: self.rule,
            types: &self.types,
            dedup_within: self.dedup_within,
            max_length: self.max_length,
            calendar: &self.calendar,
            dates: &self.dates,
            makes_activity: false,
            facts: None,
        }
    }
}
