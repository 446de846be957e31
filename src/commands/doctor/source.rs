//! Whether the input is the export of a tool whose columns are known, and the job does not say so.

use super::finding::{Cause, Finding, Fix, Level, Question};
use super::patient::Patient;
use super::words::Words;
use crate::events::source::columns::Columns;
use crate::events::source::recognise::recognise;
use crate::job::source::{Key, Source, Value};
use crate::job::Job;
use crate::pipeline::question::Question as Events;

/// The source of a question's events: the job's, else the one that they look like.
pub fn of(question: &Events) -> Option<Source> {
    let own = question.job.input.preset.as_ref().map(|preset| preset.source);
    own.or_else(|| recognise(&Columns::of(&question.plan.footers)))
}

/// Names the preset of an input whose columns are recognised, where the job reads it otherwise.
pub fn ask(patient: &Patient<'_>, findings: &mut Vec<Finding>) {
    if patient.job.input.preset.is_some() {
        return;
    }
    let Some(source) = recognise(&Columns::of(&patient.plan.footers)) else { return };
    let keys = source.keys();
    let others: Vec<&(Key, Value)> =
        keys.iter().filter(|(key, value)| concerns(patient, *key, *value) && !is_so(patient, *key, *value)).collect();
    if others.is_empty() {
        return;
    }
    let name = source.name();
    let text = match &patient.options.words.job_file {
        Some(_) => {
            format!("set input.source = \"{name}\" in the job in place of the keys it stands for; what is set wins")
        }
        None => format!("name the source, which knows its columns: input.source = \"{name}\""),
    };
    let cause = |(key, value): &&(Key, Value)| {
        let now = own(patient.job, *key).map_or_else(String::new, |own| format!(", and not {own}"));
        Cause::new(key.name(), format!("{} is {value}{now}", key.name()), 1)
    };
    let finding = Finding::new(Question::OtherDefinition, "source", format!("keys that \"{name}\" has otherwise"))
        .counting(others.len() as u64, keys.len() as u64, "keys")
        .at(Level::Notice)
        .means(format!("The columns are those of {}, and the job reads them otherwise.", source.export()))
        .fixed_by(Fix::by(text, command(&patient.options.words, source)));
    findings.push(finding.caused_by(others.iter().map(cause).collect()));
}

/// Whether a key of the source has a column, and an effect under the job's definition.
fn concerns(patient: &Patient<'_>, key: Key, value: Value) -> bool {
    let columns = Columns::of(&patient.plan.footers);
    let is_there = || value.all().iter().any(|name| columns.has(name).unwrap_or(false));
    match key {
        Key::TimeUnit => false,
        Key::Timeout => patient.is_default && patient.job.input.session_id.is_none(),
        Key::IdUnit => patient.job.definition.id_unit().is_some(),
        Key::SessionId => patient.by_session_id && is_there(),
        _ => is_there(),
    }
}

/// Whether the job has it so.
fn is_so(patient: &Patient<'_>, key: Key, value: Value) -> bool {
    let (job, roles) = (patient.job, &patient.plan.roles);
    let one = value.all().first().copied();
    match key {
        Key::User => job.input.user == value.all(),
        Key::Time => Some(roles.time.spelled.as_str()) == one,
        Key::Event => roles.event.as_ref().map(|event| event.spelled.as_str()) == one,
        Key::SessionId => roles.value.as_ref().map(|value| value.column.spelled.as_str()) == one,
        Key::Sequence => job.input.sequence.as_deref() == one,
        Key::Dedup => job.input.dedup.as_ref().map(|dedup| dedup.column.as_str()) == one,
        Key::IdUnit => job.definition.id_unit().map(|unit| unit.name()) == one,
        Key::TimeUnit | Key::Timeout => false,
    }
}

/// What the job has for a key.
fn own(job: &Job, key: Key) -> Option<String> {
    match key {
        Key::User => Some(job.input.user.join(", ")),
        Key::Time => job.input.time.clone(),
        Key::Event => job.input.event.clone(),
        Key::SessionId => job.input.session_id.clone(),
        Key::Sequence => job.input.sequence.clone(),
        Key::Dedup => job.input.dedup.as_ref().map(|dedup| dedup.column.clone()),
        Key::IdUnit => job.definition.id_unit().map(|unit| unit.name().to_string()),
        Key::TimeUnit | Key::Timeout => None,
    }
}

/// The same question with the source in place of the flags that it stands for.
fn command(words: &Words, source: Source) -> String {
    let flags: Vec<&str> = source.keys().iter().filter_map(|(key, _)| key.flag()).collect();
    let kept = words.flags.iter().filter(|(flag, _)| !flags.contains(flag)).cloned();
    let words = Words { flags: kept.collect(), ..words.clone() };
    words.command("doctor", &[("--source", source.name().to_string())])
}
