//! What the commands that answer questions about sessions share: they read events as a run does, look at them with the
//! kernel's rules, and write no tables.

use super::event_buffer::MemoryBudget;
use super::kernel_inputs::{needs_latest, KernelInputs};
use super::progress::Progress;
use super::{FactsOf, Gather, Gathered, Pool};
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::source::plan::ReadPlan;
use crate::job::options::Resources;
use crate::job::Job;
use crate::pipeline;
use crate::profile::Profile;

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
    pub budget: MemoryBudget,
    /// Whether to say on a terminal what is being done.
    pub quiet: bool,
}

/// All events of a question.
#[derive(Debug)]
pub struct Asked {
    /// The events, and what became of the rows.
    pub gathered: Gathered,
    /// What the kernel has to know of the job and of these events.
    pub known: KernelInputs,
}

impl Question {
    /// Finds the files of a job and plans what to read of them.
    ///
    /// # Errors
    /// Paths without files, files that do not go together, columns that are not there.
    pub fn open(mut job: Job, resources: &Resources) -> Result<Self, Error> {
        let mut plan = ReadPlan::new(&mut job)?;
        let threads = resources.threads()?;
        plan.keep_limit(resources.memory_limit, threads);
        let folder = resources.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let mut budget = MemoryBudget { limit: resources.memory_limit, threads, folder };
        let pool = pipeline::pool(threads)?;
        pipeline::load_aliases(&pool, &job.input, &mut plan, &mut budget)?;
        Ok(Question { job, plan, pool, budget, quiet: resources.quiet })
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
        let Question { job, plan, pool, budget, quiet } = self;
        let dictionary = EventDictionary::default();
        let mut progress = Progress::new(!quiet);
        progress.stage("reading", plan.extent.rows_read);
        let gather = Gather {
            pool,
            job,
            preaggregation: None,
            plan,
            types: &dictionary,
            budget,
            profile: &Profile::default(),
            progress: &progress,
        };
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
        let known = KernelInputs::new(&self.job, &self.plan, &gathered.rows, &dictionary.names(), latest);
        Ok(Asked { gathered, known })
    }
}
