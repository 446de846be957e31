//! `dwell inspect`: the events of one user in order, and what became of each.
//!
//! [`mod@search`] reads the user's rows and as little else as it can, [`mod@holders`] finds out whose a session is where only
//! its id is named, [`mod@trace`] follows each event through the kernel, [`stream`] puts sessions and events together;
//! [`draw`] prints for people and [`records`] for programs. [`behind`] lists sessions of a chart, from the tables alone.

mod aliases;
pub mod behind;
pub mod draw;
pub mod error;
pub mod holders;
pub mod records;
pub mod search;
pub mod stream;
pub mod trace;

use crate::error::Error;
use crate::events::decode::lookup::{Keys, Lookup};
use crate::events::facts::extras::Extras;
use crate::job::options::Resources;
use crate::job::Job;
use crate::pipeline;
use crate::pipeline::kernel_inputs::needs_latest;
use crate::pipeline::kernel_inputs::KernelInputs;
use crate::pipeline::question::Question;

use aliases::Whom;
use error::InspectError;
use search::search;
use stream::Stream;
use trace::trace;

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The user; `None` for those who have the session.
    pub user: Option<String>,
    /// The session; `None` for all.
    pub session: Option<String>,
    /// Columns to show beside events.
    pub columns: Vec<String>,
    /// Whether to show rows that are no events: duplicates, inactive and rejected ones.
    pub all: bool,
    /// Whether the oldest session comes first.
    pub oldest_first: bool,
}

/// Follows the events of a user, or of the users who have a session.
///
/// # Errors
/// No such user, no such session, and as a run, but for what it writes.
pub fn inspect(job: Job, resources: &Resources, ask: &Ask) -> Result<Stream, Error> {
    let question = Question::open(job, resources)?;
    let roles = &question.plan.roles;
    let extras = Extras::find("--columns", &ask.columns, &question.plan.footers)?;
    let aliases = question.plan.alias_table.as_deref();
    let whom = match &ask.user {
        Some(user) => {
            let unfit = || InspectError::NotANumber { flag: "--user", value: user.clone(), what: "the users" };
            Whom::named(search::key_of(user, roles.user_type).ok_or_else(unfit)?, aliases)
        }
        None => Whom::who_are(holders::holders(&question, ask.session.as_deref().unwrap_or_default())?, aliases),
    };
    let lookup = Lookup::new(roles.users.iter().collect(), &whom.names);
    let found = search(&question, &lookup, &whom, &extras)?;
    question.plan.check_unchanged()?;
    if found.is_empty() {
        return Err(nobody(&question, ask, &whom.users, &found.read).into());
    }
    let latest = match needs_latest(&question.job) {
        true => pipeline::latest_time(&question.pool, &question.job, &question.plan, &Default::default())?,
        false => found.rows.latest,
    };
    let known = KernelInputs::new(&question.job, &question.plan, &found.rows, &found.types, latest);
    let traced = trace(&found.blocks, &known);
    let mut stream = Stream::new(&question, &known, found, &traced, ask);
    if let Some(session) = &ask.session {
        stream.keep_session(session);
        if stream.sessions.is_empty() {
            return Err(no_session(ask, session, &stream).into());
        }
        stream.check_owners(session)?;
    }
    Ok(stream)
}

fn nobody(question: &Question, ask: &Ask, keys: &Keys, read: &search::Read) -> InspectError {
    let columns: Vec<&str> = question.plan.roles.users.iter().map(|user| user.spelled.as_str()).collect();
    let user = match (&ask.user, keys) {
        (Some(user), _) => user.clone(),
        (None, keys) => format!("{} users", keys.len()),
    };
    let filtered = question.plan.condition().is_some();
    InspectError::NoUser { user, columns: columns.join(", "), searched: read.sentence(), filtered }
}

fn no_session(ask: &Ask, session: &str, stream: &Stream) -> InspectError {
    let owner = match &ask.user {
        Some(user) => format!("user {user:?}"),
        None => "any user who has an event of it".to_string(),
    };
    InspectError::NoSession { session: session.to_string(), owner, searched: stream.read.sentence() }
}
