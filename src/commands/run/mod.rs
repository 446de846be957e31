//! `dwell run`: the batch job, step by step, a file each.
//!
//! ```text
//! plan ─► read ─► make ─► check ─► commit
//! what    events  sessions, changes  all files
//! to do           tables             in one step
//! ```
//!
//! Limits end a run as soon as they can be told: those of rows in `read`, of sessions in `make`, of changes in `check`, of warnings in
//! `commit`. Where kernels elsewhere read and make, their parts come in place of the two steps ([`by_kernels`]).
//!
//! Up to the commit the output is not touched: whatever fails or is killed, the tables are as they were.

mod anew;
mod by_kernels;
pub mod check;
mod commit;
pub mod compatibility;
mod make;
mod nothing_new;
pub mod outcome;
mod plan;
mod ran;
mod read;
mod record;
pub mod scope;
mod takes;
mod users;
mod write;

use self::check::check_changes;
use self::outcome::Outcome;
use self::plan::{Plan, Planned};
pub use self::ran::Ran;
use self::write::Written;
use super::at_place::{with_tables, Access};
use crate::error::Error;
use crate::job::options::Options;
use crate::job::Job;
use crate::pipeline::progress::Progress;
use crate::profile::Profile;
use crate::summary::run_json::Stopwatch;
use crate::tables::history::scope::Mode;
pub use plan::check_conditions;

/// What is kept of the course of a run, to be shown and recorded.
struct Course {
    stopwatch: Stopwatch,
    progress: Progress,
    /// Where the threads' time goes.
    profile: Profile,
}

/// Runs a job and returns what to print.
///
/// # Errors
/// Whatever it is, the tables are as they were; where a run dies in the middle of its commit, the next one completes it.
pub fn run(job: &Job, options: &Options) -> Result<String, Error> {
    Ok(run_recorded(job, options)?.text)
}

/// Runs a job and returns what it says of itself.
///
/// # Errors
/// As [`run`].
pub fn run_recorded(job: &Job, options: &Options) -> Result<Ran, Error> {
    let access = if options.dry_run { Access::Read } else { Access::Write };
    let ran = with_tables(&job.output.place, access, || run_on_disk(job, options))?;
    Ok(Ran { text: job.output.place.in_words(&ran.text), ..ran })
}

fn run_on_disk(job: &Job, options: &Options) -> Result<Ran, Error> {
    let progress = Progress::new(!options.resources.quiet);
    let mut course = Course { stopwatch: Stopwatch::start(), progress, profile: Profile::default() };
    let mut planned = match plan::plan(job, options, jiff::Timestamp::now())? {
        Plan::Answer(ran) => return Ok(ran),
        Plan::Run(planned) => *planned,
    };
    course.stopwatch.stage("plan");
    let (read, staged) = if options.by_kernels {
        by_kernels::make(&mut planned, &mut course)?
    } else {
        let (events, read) = read::read(&planned, &mut course)?;
        course.stopwatch.stage("read");
        let staged = make::make(&planned, events, &read.known, &mut course)?;
        (read, staged)
    };
    let outcome = check(&planned, &staged.written)?;
    course.stopwatch.stage("compare");
    commit::commit(planned, &read, staged, &outcome, course)
}

/// Compares what was staged with what it replaces.
fn check(planned: &Planned<'_>, written: &Written) -> Result<Outcome, Error> {
    let Planned { options, job, definition, folder, scope, budget, .. } = planned;
    // What was under another definition is no earlier state of these sessions.
    let goes_on = scope.mode != Mode::Full && !folder.before().is_other_than(definition);
    let outcome = Outcome::new(job, folder, &written.replaced, goes_on, budget.to_compare())?;
    check_changes(&options.limits, &outcome.dates, outcome.newest)?;
    Ok(outcome)
}
