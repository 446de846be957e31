//! Whose a session is, where only its id is named.
//!
//! Ids that were given are looked up as users are. Ids of custom sessions are made, and are the time at which the session
//! starts: the users who did something about then may have it.

use std::collections::BTreeSet;

use arrow::record_batch::RecordBatch;

use super::error::InspectError;
use super::search::{each_batch, key_of, Read};
use crate::error::Error;
use crate::events::decode::dictionary::EventDictionary;
use crate::events::decode::lookup::{Keys, Lookup};
use crate::events::decode::read::FileTask;
use crate::events::normalise::Normaliser;
use crate::events::source::footer::Footer;
use crate::events::source::plan::ReadPlan;
use crate::events::source::roles::KeyType;
use crate::job::times::Times;
use crate::job::Kind;
use crate::pipeline;
use crate::pipeline::question::Question;
use crate::sessionize::layout::columns::{EventBatch, KeyColumn, Values};
use crate::sessionize::time::{Span, Timestamp};

/// How far an id may be moved from its session's start for others of its user that start in the same millisecond: as many
/// milliseconds as there are such sessions, and nobody has so many.
const MOVED: Span = Span::from_micros(1_000_000);
/// More users than this are not followed all at once.
const MOST: usize = 10_000;

/// The users who may have a session of an id.
///
/// # Errors
/// There are none, or too many; and as a run.
pub fn holders(question: &Question, session: &str) -> Result<Keys, Error> {
    let (users, read, hint) = match &question.job.definition.kind {
        Kind::Default { .. } => {
            let (users, read) = by_given_id(question, session)?;
            (users, read, "Check the id, and `input.session_id` (--session-id)")
        }
        Kind::Custom(_) => {
            let (users, read) = by_start(question, session)?;
            let hint = "Ids of custom sessions are their start in epoch milliseconds, and no user has an event within \
                        a second of that";
            (users, read, hint)
        }
    };
    let session = session.to_string();
    if users.is_empty() {
        return Err(InspectError::NoHolder { session, searched: read.sentence(), hint }.into());
    }
    if users.len() > MOST {
        let examples = match &users {
            Keys::Ints(users) => users.iter().take(3).map(i64::to_string).collect::<Vec<_>>(),
            Keys::Texts(users) => {
                users.iter().take(3).map(|user| format!("{:?}", String::from_utf8_lossy(user))).collect()
            }
        };
        return Err(InspectError::ManyHolders { session, users: users.len(), examples: examples.join(", ") }.into());
    }
    Ok(users)
}

/// The users who have an event with this session id.
fn by_given_id(question: &Question, session: &str) -> Result<(Keys, Read), Error> {
    let Some(value) = &question.plan.roles.value else { return Ok((none(question), Read::default())) };
    let unfit = || InspectError::NotANumber { flag: "--session", value: session.to_string(), what: "the session ids" };
    let keys = key_of(session, value.key_type).ok_or_else(unfit)?;
    let lookup = Lookup::new(vec![&value.column], &keys);
    users_where(question, &question.plan, Some(&lookup), |events, row| {
        let Some(values) = events.values.as_ref() else { return false };
        let is_valid = values.valid.as_ref().is_none_or(|valid| valid[row]);
        is_valid
            && match (&values.values, &keys) {
                (Values::Int(numbers), Keys::Ints(keys)) => keys.contains(&numbers[row]),
                (Values::Text(texts), Keys::Texts(keys)) => match texts.keys.as_ref() {
                    KeyColumn::Text(distinct) => keys.contains(distinct.get(texts.codes[row] as usize)),
                    KeyColumn::Int(_) => false,
                },
                _ => false,
            }
    })
}

/// The users who have an event about the time that this id is.
fn by_start(question: &Question, session: &str) -> Result<(Keys, Read), Error> {
    let unfit =
        || InspectError::NotANumber { flag: "--session", value: session.to_string(), what: "ids of custom sessions" };
    let millis: i64 = session.trim().parse().map_err(|_| unfit())?;
    let start = Timestamp::from_millis(millis);
    let times = Times::of([(start.minus(MOVED), start.plus(MOVED))]);
    let mut plan = ReadPlan::new(&mut question.job.clone())?;
    plan.keep_times(times.clone())?;
    plan.alias_table = question.plan.alias_table.clone();
    users_where(question, &plan, None, |events, row| times.holds(events.times[row]))
}

fn users_where(
    question: &Question,
    plan: &ReadPlan,
    lookup: Option<&Lookup<'_>>,
    is_one: impl Fn(&EventBatch, usize) -> bool + Sync,
) -> Result<(Keys, Read), Error> {
    // The types found here are of no use.
    let types = EventDictionary::default();
    let normaliser = Normaliser::new(&question.job.input, &plan.roles, &types).naming(plan.alias_table.as_deref());
    let one = |task: &FileTask, _: &Footer, batch: RecordBatch| -> Result<Option<Keys>, Error> {
        let rows = task.projection.apply(&batch).map_err(|error| pipeline::blame(plan, task, error))?;
        let (events, _) = normaliser.events(rows)?;
        let mut users = none(question);
        for row in (0..events.len()).filter(|row| is_one(&events, *row)) {
            users.add(&events.users.keys, events.users.codes[row] as usize);
        }
        Ok(Some(users))
    };
    let (parts, read) = each_batch(question, plan, lookup, &[], one)?;
    let mut users = none(question);
    for part in parts {
        match (&mut users, part) {
            (Keys::Ints(users), Keys::Ints(more)) => users.extend(more),
            (Keys::Texts(users), Keys::Texts(more)) => users.extend(more),
            _ => {}
        }
    }
    Ok((users, read))
}

fn none(question: &Question) -> Keys {
    match question.plan.roles.user_type {
        KeyType::Int => Keys::Ints(BTreeSet::new()),
        _ => Keys::Texts(BTreeSet::new()),
    }
}
