//! `dwell gaps`: how long users pause between their events, and what each timeout would make of it.
//!
//! [`mod@candidates`] says which timeouts, [`tally`] counts the gaps and cuts each user's events with every one of them,
//! [`median`] finds their exact medians, [`valley`] looks where the [`histogram`] has room between two hills;
//! [`answer`] prints.

pub mod answer;
pub mod candidates;
pub mod histogram;
pub mod median;
pub mod page;
pub mod proposal;
pub mod tally;
pub mod valley;

use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::job::options::Resources;
use crate::job::{Job, Kind};
use crate::pipeline;
use crate::pipeline::question::{Asked, Question};
use crate::sessionize::time::Span;
use crate::sessionize::visit::{visit_users, UserVisitor};

use answer::{Answer, Rows};
use candidates::{candidates, under_timeouts};
use median::Narrowing;
use tally::{Measuring, Tally, Tallying};

/// Looks at the gaps between users' events, and tries the usual timeouts, the job's own and `more`.
///
/// # Errors
/// As a run, but for what it writes.
pub fn gaps(mut job: Job, resources: &Resources, more: &[Span]) -> Result<Answer, Error> {
    let asked_about = job.definition.clone();
    let with_timeout = asked_about.custom().filter(|custom| custom.has_timeout);
    let by_column = with_timeout.and_then(|custom| custom.timeouts.clone());
    let own = with_timeout.filter(|custom| custom.timeouts.is_none()).and_then(|custom| custom.silence);
    let timeouts = candidates(own, more);
    let tried = timeouts.len() + usize::from(by_column.is_some());
    job.definition = under_timeouts(&asked_about);
    let question = Question::open(job, resources)?;
    let asked = question.ask()?;
    let tally = Mutex::new(Tally::of(tried));
    each_user(&question, &asked, |visit| {
        let mut tallying = Tallying::new(asked.known.rules(), &timeouts);
        visit(&mut tallying);
        tally.lock().unwrap_or_else(PoisonError::into_inner).merge(&tallying.tally);
    })?;
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut medians: Vec<Narrowing> = tally.candidates.iter().map(|candidate| candidate.lengths.narrowed()).collect();
    // The lengths of all sessions of all timeouts are too many to keep: where the median is known only roughly, the
    // events, which are still at hand, are cut once more.
    while medians.iter().any(|median| !median.is_found()) {
        let counts = Mutex::new(medians.iter().map(Narrowing::counts).collect::<Vec<_>>());
        each_user(&question, &asked, |visit| {
            let mut measuring = Measuring::new(asked.known.rules(), &timeouts, &medians);
            visit(&mut measuring);
            let mut all = counts.lock().unwrap_or_else(PoisonError::into_inner);
            all.iter_mut().zip(&measuring.counts).for_each(|(all, some)| all.merge(some));
        })?;
        let counts = counts.into_inner().unwrap_or_else(PoisonError::into_inner);
        medians = medians.iter().zip(&counts).map(|(median, counts)| median.narrowed(counts)).collect();
    }
    let medians = medians.iter().map(Narrowing::value).collect();
    Ok(Answer {
        by_session_id: matches!(asked_about.kind, Kind::Default { .. }),
        property: asked_about.property().map(str::to_string),
        own,
        by_column: by_column.map(|timeouts| timeouts.by),
        rows: Rows::of(question.plan.extent, &asked.gathered.rows),
        timeouts,
        medians,
        tally,
    })
}

/// Has the users of each partition visited, on all threads.
fn each_user<V: UserVisitor>(
    question: &Question,
    asked: &Asked,
    work: impl Fn(&dyn Fn(&mut V)) + Sync,
) -> Result<(), Error> {
    pipeline::each_partition(&question.pool, &asked.gathered.events, &question.budget, |pieces| {
        work(&|visitor: &mut V| {
            visit_users(pieces, &asked.known.types, asked.known.rule, visitor);
        });
        Ok(())
    })?;
    Ok(())
}
