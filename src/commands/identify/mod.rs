//! `dwell identify`: a mapping of devices to the users who signed in on them, made of the events (SPEC 12).
//!
//! [`stretches`] finds from when on each device was whose, [`mod@write`] puts that into a file for `[input.aliases]`.

pub mod stretches;
pub mod write;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::events::error::InputError;
use crate::events::facts::Facts;
use crate::events::source::columns::Columns;
use crate::events::source::roles::Roles;
use crate::job::file::SessionKeys;
use crate::job::fingerprint::Canonical;
use crate::job::options::Resources;
use crate::job::values::{Scalar, TimeoutKeys};
use crate::job::{Definition, Job, JobError};
use crate::pipeline;
use crate::pipeline::question::Question;
use crate::summary::grouped;
use stretches::{of_partition, Stretches, Told};
use write::{Folder, FILE};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The column of the device.
    pub device: String,
    /// The folder of the mapping.
    pub output: PathBuf,
    /// Devices of more users are left out; `None` for no limit.
    pub most_users: Option<u64>,
}

/// Makes the mapping, and returns what to print.
///
/// # Errors
/// A job without a user column beside the device, a folder that is something else's, and as of any question.
pub fn identify(mut job: Job, resources: &Resources, ask: &Ask) -> Result<String, Error> {
    let users: Vec<String> = job.input.user.iter().filter(|user| **user != ask.device).cloned().collect();
    if users.is_empty() {
        return Err(JobError::DeviceIsUser { column: ask.device.clone() }.into());
    }
    let folder = Folder::new(&ask.output)?;
    job.input.user = vec![ask.device.clone()];
    // Who is whom follows from the events as they are: nothing else of the job is about that.
    (job.input.aliases, job.input.dedup, job.input.sequence) = (None, None, None);
    job.input.inactive.clear();
    job.definition = by_time()?;
    let mut question = Question::open(job, resources).map_err(|error| of_device(error, &ask.device))?;
    folder.check_apart(&question)?;
    let columns = Columns::of(&question.plan.footers);
    let (columns, user_type) = Roles::users(&users, question.job.input.user_as_text, &columns, "")?;
    let facts = Facts::of_users(columns, user_type);
    let layout = facts.layout();
    question.plan.facts = Some(facts);
    let definition = Canonical::new(&question.job, question.plan.canonical(&question.job.input));
    let asked = question.ask()?;
    // What is found of each partition stays until all are done.
    let found = Mutex::new((0u64, 0u64));
    let all = asked.gathered.events.partitions().count() as u64;
    let stretches = pipeline::each_partition(&question.pool, &asked.gathered.events, &question.budget, |pieces| {
        let stretches = of_partition(pieces, &asked.known.types, &layout, user_type, ask.most_users);
        if let Some(limit) = question.budget.limit {
            let (done, bytes) = &mut *found.lock().unwrap_or_else(PoisonError::into_inner);
            (*done, *bytes) = (*done + 1, *bytes + stretches.bytes());
            limit.check_results(*bytes, *bytes * all / *done, question.budget.threads)?;
        }
        Ok(stretches)
    })?;
    drop(asked);
    let rows = folder.write(&stretches, question.plan.roles.user_type, user_type, &definition)?;
    Ok(if question.quiet { String::new() } else { text(&stretches, rows, ask) })
}

/// An error about the column of the device, which takes the role of the user, as one about its flag.
fn of_device(error: Error, device: &str) -> Error {
    match error {
        Error::Input(InputError::NoColumn { column, nearest, columns, .. }) if column == device => {
            let (key, way_out) = ("--device", String::new());
            Error::Input(InputError::NoColumn { column, key, nearest, columns, way_out })
        }
        other => other,
    }
}

/// A definition that needs no column but the time.
fn by_time() -> Result<Definition, JobError> {
    let timeout = Some(TimeoutKeys::Same(Scalar("30m".to_string())));
    Definition::new(SessionKeys { timeout, ..SessionKeys::default() }, &[])
}

/// Devices that are named as those of most users.
const MOST_NAMED: usize = 3;

fn text(all: &[Stretches], rows: u64, ask: &Ask) -> String {
    let told = Told::of(all);
    let file = ask.output.join(FILE);
    let mut lines = vec![
        format!("Devices     {} on which someone signed in, of {}", grouped(told.signed_in), grouped(told.devices)),
        format!("Users       one on {} devices, several on {}", grouped(told.of_one), grouped(told.of_several)),
    ];
    let named = |devices: &[(u64, String)]| {
        let named: Vec<String> =
            devices.iter().take(MOST_NAMED).map(|(users, name)| format!("{name} ({})", grouped(*users))).collect();
        named.join(", ")
    };
    if !told.most.is_empty() {
        lines.push(format!("Most users  {}", named(&told.most)));
    }
    if let Some(most) = ask.most_users.filter(|_| told.left_out > 0) {
        let left_out = format!("{} devices of more than {} users", grouped(told.left_out), grouped(most));
        lines.push(format!("Left out    {left_out}, events without a user stay theirs"));
    }
    lines.push(format!("Mapping     {} rows in {}", grouped(rows), file.display()));
    lines.push(String::new());
    lines.push("To have one person be one user, in the job:".to_string());
    lines.push(String::new());
    lines.push("[input.aliases]".to_string());
    lines.push(format!("path = {}", toml::Value::from(ask.output.display().to_string())));
    lines.extend(["from = \"from\"", "to = \"to\"", "since = \"since\""].map(str::to_string));
    lines.join("\n") + "\n"
}
