//! Which tool an input was exported from, by its columns.

use super::columns::Columns;
use super::kind::Kind;
use crate::events::error::InputError;
use crate::job::source::{Key, Source};
use crate::job::{Input, Job};

/// The source whose export has these columns, if it is sure: all that its preset needs are there, and some that are usual
/// there and nowhere else.
pub fn recognise(columns: &Columns<'_>) -> Option<Source> {
    let names = columns.names();
    let has = |name: &str| names.iter().any(|known| known == name);
    let all = |names: &[&str]| names.iter().all(|name| has(name));
    let looks_like = |source: Source| match source {
        Source::Amplitude => all(&["amplitude_id", "client_event_time", "event_type"]),
        Source::Ga4 => all(&["user_pseudo_id", "event_timestamp", "event_name"]),
        Source::Posthog => all(&["uuid", "distinct_id", "person_id", "timestamp", "event", "properties"]),
        Source::Mixpanel => {
            let is_expanded = all(&["properties.distinct_id", "properties.time"]);
            has("event") && (is_expanded || properties_are_all(columns, &names))
        }
        Source::Snowplow => all(&["domain_userid", "domain_sessionid", "derived_tstamp"]),
        Source::Rudderstack => all(&["anonymous_id", "context_session_id", "original_timestamp", "received_at"]),
        // RudderStack's tables look alike, but for their channel.
        Source::Segment => {
            all(&["id", "anonymous_id", "original_timestamp", "received_at"])
                && !has("channel")
                && !has("context_session_id")
        }
    };
    Source::ALL.into_iter().find(|source| looks_like(*source) && has_needed(*source, columns))
}

/// Whether the column that holds a source's properties has no others beside it than Mixpanel writes: of a text column it
/// is not known what is in it.
fn properties_are_all(columns: &Columns<'_>, names: &[String]) -> bool {
    match columns.find("properties").ok().flatten().map(|column| column.kind) {
        Some(Kind::Struct(fields)) => {
            ["distinct_id", "time"].iter().all(|name| fields.iter().any(|(field, _)| field == name))
        }
        Some(_) => names.iter().all(|name| ["event", "properties"].contains(&name.as_str())),
        None => false,
    }
}

/// Whether the columns are there that a source's preset cannot do without.
fn has_needed(source: Source, columns: &Columns<'_>) -> bool {
    let is_there = |name: &&str| columns.has(name).unwrap_or(false);
    source.keys().iter().all(|(key, value)| match key {
        Key::User => value.all().iter().any(is_there),
        Key::Time | Key::Event | Key::SessionId => value.all().iter().all(is_there),
        _ => true,
    })
}

/// Says of a column that is missing or unfit what the job's source has to do with it; or, where the job names no source,
/// which one knows the columns that there are.
pub fn explained(error: InputError, job: &Job, columns: &Columns<'_>) -> InputError {
    match error {
        InputError::NoColumn { column, key, nearest, columns: names, way_out } => {
            let way_out = match of_source(&job.input, key) {
                Some(text) => text,
                None => way_out + &known_by_source(job, key, columns),
            };
            InputError::NoColumn { column, key, nearest, columns: names, way_out }
        }
        InputError::WrongType { column, key, found, accepted } => {
            let more = of_source(&job.input, key).unwrap_or_default();
            InputError::WrongType { column, key, found, accepted: accepted + &more }
        }
        other => other,
    }
}

/// What to do about a column that the job's source names.
fn of_source(input: &Input, key: &str) -> Option<String> {
    let preset = input.preset.as_ref()?;
    let (key, _) = preset.keys.iter().find(|(set, _)| set.name() == key && preset.has(*set))?;
    let flag = match key {
        Key::User => " (--user; --user-column of `dwell inspect`)".to_string(),
        key => key.flag().map(|flag| format!(" ({flag})")).unwrap_or_default(),
    };
    let or = match key {
        Key::SessionId => ", or define sessions by other means, for instance --timeout 30m",
        _ => "",
    };
    let (source, name) = (preset.source, key.name());
    Some(format!(
        "; {} has it there, and `input.source` is \"{}\": name the column of your files in `{name}`{flag}{or}",
        source.export(),
        source.name(),
    ))
}

/// The source that knows the columns, where a job that names none lacks one of the default ones.
fn known_by_source(job: &Job, key: &str, columns: &Columns<'_>) -> String {
    let is_default = match key {
        "input.user" => job.input.user == ["user_id"],
        "input.time" => job.input.time.is_none(),
        "input.event" => job.input.event.is_none(),
        "input.session_id" => job.input.session_id.is_none(),
        _ => false,
    };
    match recognise(columns).filter(|_| is_default && job.input.preset.is_none()) {
        Some(source) => format!(
            "; these look like the columns of {}: --source {} (`input.source`) knows them",
            source.export(),
            source.name()
        ),
        None => String::new(),
    }
}
