//! `dwell compare`: two definitions over the same events, side by side.
//!
//! `reading` reads the events, once for both definitions where they ask the same of the input. `partition` has each
//! definition make its sessions of every user (`side`, with the kernel's own rules over the events as `key` has them)
//! and `mapping` says how the sessions of one map to those of the other. What is counted of both in `tally` becomes
//! `measures` and the `users` that change most; `show` prints them, and `output` writes all of it as Parquet into a
//! folder of its own.

pub mod error;
mod key;
mod mapping;
mod measures;
mod output;
mod page;
mod partition;
mod reading;
mod show;
mod side;
mod sight;
mod tally;
mod users;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

pub use reading::Compared;

use mapping::Mapping;
use measures::Measures;
use output::Output;
use partition::{Comparison, Outcome, UserRow};
use reading::{Read, Reading};
use side::Side;
use tally::SideTally;
use users::{most_changed, UserKey};

use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::job::fingerprint::{Canonical, Difference};
use crate::job::options::Resources;
use crate::pipeline;
use crate::pipeline::event_buffer::MemoryBudget;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::pipeline::progress::Progress;
use crate::summary::format::Format;

/// What is asked of a comparison besides its two jobs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The folder for all of it as Parquet.
    pub output: Option<PathBuf>,
    /// How many of the users that change most to show.
    pub users: usize,
    /// How to print the answer.
    pub format: Format,
    /// What the comparison may take of the machine.
    pub resources: Resources,
}

/// One of the two jobs, as the answer speaks of it.
#[derive(Debug)]
struct Described {
    /// The job file, as it was named.
    name: String,
    /// Its definition in one sentence.
    sentence: String,
    /// Its definition key by key.
    definition: Canonical,
}

/// What a comparison found.
#[derive(Debug)]
struct Answer {
    jobs: [Described; 2],
    /// The keys on which the definitions differ.
    differences: Vec<Difference>,
    /// How often the input was read.
    passes: u64,
    measures: Measures,
    mapping: Mapping,
    users: Vec<(UserKey, UserRow)>,
}

/// What is counted of the partitions that have been compared.
#[derive(Debug, Default)]
struct Counted {
    tallies: [SideTally; 2],
    mapping: Mapping,
    /// How many partitions there are, and the bytes of what is left of them by itself.
    partitions: usize,
    outcomes: usize,
}

impl Counted {
    /// Takes what is counted of a partition out of its outcome.
    fn take(&mut self, mut outcome: Outcome) -> Outcome {
        let [a, b] = std::mem::take(&mut outcome.tallies);
        self.tallies[0].merge(a);
        self.tallies[1].merge(b);
        self.mapping.merge(&outcome.mapping);
        self.partitions += 1;
        self.outcomes += outcome.bytes();
        outcome
    }

    /// Bytes that all of it takes, and what it will come to with so many partitions.
    fn bytes(&self, partitions: usize) -> (u64, u64) {
        let held = (self.outcomes + self.tallies.iter().map(SideTally::bytes).sum::<usize>()) as u64;
        (held, held * partitions as u64 / self.partitions.max(1) as u64)
    }
}

/// Compares the definitions of two jobs, and returns what to print.
///
/// # Errors
/// Jobs that are wrong or do not read the same events, files that cannot be read, an output that cannot be written.
pub fn compare(jobs: [&mut Compared; 2], options: &Options) -> Result<String, Error> {
    let mut reading = Reading::plan(jobs)?;
    let jobs = reading.jobs;
    let output = options.output.as_deref().map(|folder| Output::new(folder, &reading)).transpose()?;
    let threads = options.resources.threads()?;
    let pool = pipeline::pool(threads)?;
    let folder = options.resources.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    let mut budget = MemoryBudget { limit: options.resources.memory_limit, threads, folder };
    reading.load_aliases(&pool, &mut budget)?;
    // Where there are rows of each, both are in memory at once.
    let budget = match reading.passes() {
        1 => budget,
        _ => MemoryBudget { limit: budget.limit.map(|limit| limit.halved(threads)), ..budget },
    };
    reading.keep_limit(&budget);
    let mut progress = Progress::new(!options.resources.quiet);
    progress.stage("reading", reading.rows());
    let dictionary = EventDictionary::default();
    let read = reading.read(&pool, &dictionary, &budget, &progress)?;
    let names = dictionary.names();
    let side = |side: usize| {
        let rows = &read.of(side).rows;
        // The latest time decides nothing but why the last session of a user ended, which no one asks here.
        let known = KernelInputs::new(&jobs[side].job, &reading.alone[side], rows, &names, rows.latest);
        Side::new(known, &reading.roles[side])
    };
    let common = reading.common();
    let comparison = Comparison { sides: [side(0), side(1)], each_session: output.is_some(), common };
    let all: Vec<usize> = (0..read.of(0).events.partitions().count()).collect();
    progress.stage("comparing", all.len() as u64);
    // One for each set of events: whoever has some of the second has some of the first, and waits for nobody.
    let shared = [budget.shared(0), budget.shared(0)];
    let counted: Mutex<Counted> = Mutex::default();
    let outcomes = pipeline::each(&pool, &all, |number| {
        if let Some(limit) = options.resources.memory_limit {
            let (held, needed) = counted.lock().unwrap_or_else(PoisonError::into_inner).bytes(all.len());
            limit.check_results(held, needed, threads)?;
        }
        let outcome = match &read {
            Read::Once(both) => {
                both.events.with_pieces(*number, &budget, &shared[0], |rows| comparison.of_same_rows(rows))
            }
            Read::Twice(each) => {
                let [a, b] = &**each;
                a.events.with_pieces(*number, &budget, &shared[0], |rows_a| {
                    b.events.with_pieces(*number, &budget, &shared[1], |rows_b| comparison.of_own_rows(rows_a, rows_b))
                })?
            }
        };
        progress.add(1);
        Ok(counted.lock().unwrap_or_else(PoisonError::into_inner).take(outcome?))
    })?;
    let Counted { mut tallies, mapping, .. } = counted.into_inner().unwrap_or_else(PoisonError::into_inner);
    let measures = Measures::new(&mut tallies, &reading, &read);
    drop(read);
    let answer = Answer::new(&reading, measures, mapping, most_changed(&outcomes, options.users));
    if let Some(output) = output {
        progress.stage("writing", outcomes.len() as u64);
        output.write(&pool, &outcomes, &answer.measures, &show::json(&answer))?;
    }
    progress.finish();
    Ok(match options.format {
        Format::Table => show::text(&answer, options.output.as_deref()),
        Format::Json => show::json(&answer),
        Format::Csv => show::csv(&answer),
        Format::Html => page::page(&answer),
    })
}

impl Answer {
    fn new(reading: &Reading<'_>, measures: Measures, mapping: Mapping, users: Vec<(UserKey, UserRow)>) -> Self {
        let described = |side: usize| {
            let Compared { name, job, .. } = reading.jobs[side];
            Described {
                name: name.display().to_string(),
                sentence: job.definition.sentence(),
                definition: reading.definition(side),
            }
        };
        let jobs = [described(0), described(1)];
        let differences = jobs[0].definition.differences(&jobs[1].definition);
        Answer { jobs, differences, passes: reading.passes(), measures, mapping, users }
    }
}
