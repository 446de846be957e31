//! What a job's source says of columns that the input does not have (SPEC 1).

use super::columns::Columns;
use super::kind::Kind;
use super::roles::{is_a_sequence, needs_event};
use crate::events::error::InputError;
use crate::job::source::{Key, Preset};
use crate::job::{Input, Job};

/// Takes the keys out of a job that its source set and that this input has no use for: a column that is not there, where
/// nothing needs it, and a unit of times that have one. A key that the job itself sets stays, to be an error where it has
/// to be one.
///
/// # Errors
/// As [`Columns::find`].
pub fn settle(job: &mut Job, columns: &Columns<'_>) -> Result<(), InputError> {
    let needs_event = needs_event(job);
    let Some(mut preset) = job.input.preset.take() else { return Ok(()) };
    let settled = settle_input(&mut job.input, &mut preset, columns, needs_event);
    job.input.preset = Some(preset);
    settled
}

fn settle_input(
    input: &mut Input,
    preset: &mut Preset,
    columns: &Columns<'_>,
    needs_event: bool,
) -> Result<(), InputError> {
    for (key, value) in preset.keys.clone() {
        for word in value.all() {
            let why = match key {
                Key::User if input.user.len() > 1 => absent(columns, word)?,
                Key::TimeUnit => unit_of_times(input, columns)?,
                Key::Event if !needs_event => absent(columns, word)?,
                Key::Sequence => unfit(columns, word, is_a_sequence)?,
                // Who says how far apart ids repeat needs them.
                Key::Dedup if !input.sets_dedup_within => unfit(columns, word, Kind::is_scalar)?,
                _ => None,
            };
            let Some(why) = why else { continue };
            match key {
                Key::User => input.user.retain(|user| user != word),
                Key::TimeUnit => input.time_unit = None,
                Key::Event => input.event = None,
                Key::Sequence => input.sequence = None,
                Key::Dedup => input.dedup = None,
                _ => {}
            }
            preset.pass_over(key, word, why);
        }
    }
    Ok(())
}

/// That a column is not there, where it is not.
fn absent(columns: &Columns<'_>, name: &str) -> Result<Option<String>, InputError> {
    unfit(columns, name, |_| true)
}

/// Why a column cannot play its role, where it cannot.
fn unfit(columns: &Columns<'_>, name: &str, fits: impl Fn(&Kind) -> bool) -> Result<Option<String>, InputError> {
    Ok(match columns.find(name)?.map(|column| column.kind) {
        None => Some("no such column".to_string()),
        Some(kind) if !fits(&kind) => Some(format!("it is {}", kind.in_words())),
        Some(_) => None,
    })
}

/// Why times need no unit, where they do not.
fn unit_of_times(input: &Input, columns: &Columns<'_>) -> Result<Option<String>, InputError> {
    let Some(name) = &input.time else { return Ok(None) };
    let kind = columns.find(name)?.map(|column| column.kind);
    let needs_none = |kind: &Kind| matches!(kind, Kind::Timestamp(_) | Kind::Text | Kind::Binary);
    Ok(kind.filter(needs_none).map(|kind| format!("the times are {}", kind.in_words())))
}
