//! Tools whose exports are known: what their columns are for, as defaults of a job's keys (SPEC 1).
//!
//! [`apply`] sets the keys of a job that names its source and leaves them unset. What it set is noted in a [`Preset`], so
//! that a column that the input turns out to lack can be passed over where nobody asked for it.

use super::error::JobError;
use super::file::JobFile;
use super::values::{Names, Scalar, TimeoutKeys};
use crate::stats::nearest::nearest;

/// A tool that events are exported from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Amplitude's event export.
    Amplitude,
    /// The BigQuery export of Google Analytics 4.
    Ga4,
    /// PostHog's batch export.
    Posthog,
    /// Mixpanel's raw export.
    Mixpanel,
    /// Snowplow's table of atomic events.
    Snowplow,
    /// RudderStack's warehouse tables.
    Rudderstack,
    /// Segment's warehouse tables.
    Segment,
}

impl Source {
    /// All of them.
    pub const ALL: [Source; 7] = [
        Source::Amplitude,
        Source::Ga4,
        Source::Posthog,
        Source::Mixpanel,
        Source::Snowplow,
        Source::Rudderstack,
        Source::Segment,
    ];

    /// The word in a job.
    pub const fn name(self) -> &'static str {
        match self {
            Source::Amplitude => "amplitude",
            Source::Ga4 => "ga4",
            Source::Posthog => "posthog",
            Source::Mixpanel => "mixpanel",
            Source::Snowplow => "snowplow",
            Source::Rudderstack => "rudderstack",
            Source::Segment => "segment",
        }
    }

    /// The export, as its vendor calls it.
    pub const fn export(self) -> &'static str {
        match self {
            Source::Amplitude => "Amplitude's event export",
            Source::Ga4 => "the BigQuery export of Google Analytics 4",
            Source::Posthog => "PostHog's batch export",
            Source::Mixpanel => "Mixpanel's raw export",
            Source::Snowplow => "Snowplow's atomic events",
            Source::Rudderstack => "RudderStack's warehouse tables",
            Source::Segment => "Segment's warehouse tables",
        }
    }

    /// The source of this name.
    ///
    /// # Errors
    /// There is none.
    pub fn parse(text: &str) -> Result<Self, JobError> {
        let names = || Source::ALL.into_iter().map(Source::name);
        let source = Source::ALL.into_iter().find(|source| source.name() == text);
        source.ok_or_else(|| {
            let all = names().collect::<Vec<_>>().join(", ");
            let hint = match nearest(text, names()) {
                Some(near) => format!("did you mean \"{near}\"? The sources are {all}"),
                None => format!("the sources are {all}; for any other, name its columns in the keys of [input]"),
            };
            JobError::Choice { key: "input.source", value: text.to_string(), hint }
        })
    }

    /// The keys that it stands for, in the order of the specification.
    pub fn keys(self) -> Vec<(Key, Value)> {
        use Key::{Dedup, Event, IdUnit, Sequence, SessionId, Time, TimeUnit, Timeout, User};
        use Value::{Many, One};
        const EITHER: Value = Many(&["user_id", "anonymous_id"]);
        let keys: &[(Key, Value)] = match self {
            Source::Amplitude => &[
                (User, One("amplitude_id")),
                (Time, One("client_event_time")),
                (Event, One("event_type")),
                (SessionId, One("session_id")),
                (Dedup, One("$insert_id")),
                (Sequence, One("event_id")),
            ],
            Source::Ga4 => &[
                (User, One("user_pseudo_id")),
                (Time, One("event_timestamp")),
                (TimeUnit, One("us")),
                (Event, One("event_name")),
                (SessionId, One("event_params.ga_session_id")),
                (IdUnit, One("s")),
            ],
            Source::Posthog => &[
                (User, One("person_id")),
                (Time, One("timestamp")),
                (Event, One("event")),
                (SessionId, One("properties.$session_id")),
                (Dedup, One("uuid")),
            ],
            Source::Mixpanel => &[
                (User, One("properties.distinct_id")),
                (Time, One("properties.time")),
                (TimeUnit, One("s")),
                (Event, One("event")),
                (Dedup, One("properties.$insert_id")),
                (Timeout, One("30m")),
            ],
            Source::Snowplow => &[
                (User, One("domain_userid")),
                (Time, One("derived_tstamp")),
                (Event, One("event_name")),
                (SessionId, One("domain_sessionid")),
                (Dedup, One("event_id")),
            ],
            Source::Rudderstack => &[
                (User, EITHER),
                (Time, One("timestamp")),
                (Event, One("event")),
                (SessionId, One("context_session_id")),
                (Dedup, One("id")),
            ],
            Source::Segment => &[
                (User, EITHER),
                (Time, One("timestamp")),
                (Event, One("event")),
                (Dedup, One("id")),
                (Timeout, One("30m")),
            ],
        };
        keys.to_vec()
    }

    /// The column or word that it has for a key.
    pub fn value(self, key: Key) -> Option<Value> {
        self.keys().into_iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }
}

/// A key that a source may stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `input.user`.
    User,
    /// `input.time`.
    Time,
    /// `input.time_unit`.
    TimeUnit,
    /// `input.event`.
    Event,
    /// `input.session_id`.
    SessionId,
    /// `input.sequence`.
    Sequence,
    /// `input.dedup`.
    Dedup,
    /// `session.timeout`.
    Timeout,
    /// `session.id_unit`.
    IdUnit,
}

impl Key {
    /// The key with its section.
    pub const fn name(self) -> &'static str {
        match self {
            Key::User => "input.user",
            Key::Time => "input.time",
            Key::TimeUnit => "input.time_unit",
            Key::Event => "input.event",
            Key::SessionId => "input.session_id",
            Key::Sequence => "input.sequence",
            Key::Dedup => "input.dedup",
            Key::Timeout => "session.timeout",
            Key::IdUnit => "session.id_unit",
        }
    }

    /// The flag of the same meaning, where there is one.
    pub const fn flag(self) -> Option<&'static str> {
        match self {
            Key::User => Some("--user"),
            Key::Time => Some("--time"),
            Key::TimeUnit => Some("--time-unit"),
            Key::Event => Some("--event"),
            Key::SessionId => Some("--session-id"),
            Key::Sequence => None,
            Key::Dedup => Some("--dedup"),
            Key::Timeout => Some("--timeout"),
            Key::IdUnit => Some("--id-unit"),
        }
    }
}

/// What a source has for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// A column, a unit or a duration.
    One(&'static str),
    /// Columns, of which the first with a value wins.
    Many(&'static [&'static str]),
}

impl Value {
    /// The columns or words.
    pub fn all(&self) -> &[&'static str] {
        match self {
            Value::One(one) => std::slice::from_ref(one),
            Value::Many(many) => many,
        }
    }

    fn one(self) -> String {
        self.all().first().map(|word| word.to_string()).unwrap_or_default()
    }
}

impl std::fmt::Display for Value {
    /// As a job file has it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::One(one) => write!(f, "\"{one}\""),
            Value::Many(many) => write!(f, "[\"{}\"]", many.join("\", \"")),
        }
    }
}

/// The keys that a job's source set, because the job did not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preset {
    /// The source.
    pub source: Source,
    /// The keys that it set.
    pub keys: Vec<(Key, Value)>,
    /// What of them was passed over, with why.
    pub passed_over: Vec<(Key, &'static str, String)>,
}

impl Preset {
    /// Whether it is the source that set a key.
    pub fn has(&self, key: Key) -> bool {
        self.keys.iter().any(|(set, _)| *set == key)
    }

    /// Passes over what the source has for a key: a column or a word.
    pub fn pass_over(&mut self, key: Key, what: &'static str, why: String) {
        let known = self.passed_over.iter().any(|(passed, word, _)| (*passed, *word) == (key, what));
        if !known {
            self.passed_over.push((key, what, why));
        }
    }

    /// Whether all that the source has for a key was passed over.
    pub fn is_passed_over(&self, key: Key) -> bool {
        let is_passed = |word: &&str| self.passed_over.iter().any(|(passed, known, _)| *passed == key && known == word);
        self.keys.iter().any(|(set, value)| *set == key && value.all().iter().all(is_passed))
    }

    /// What it stands for in this job, in one line.
    pub fn sentence(&self) -> String {
        let set = self.keys.iter().filter(|(key, _)| !self.is_passed_over(*key));
        let set = set.map(|(key, value)| format!("{} = {value}", key.name())).collect::<Vec<_>>();
        let set = if set.is_empty() { "nothing that the job does not say".to_string() } else { set.join(", ") };
        let over = self.passed_over.iter().map(|(key, word, why)| format!("{} = \"{word}\" ({why})", key.name()));
        let over = over.collect::<Vec<_>>();
        let over = if over.is_empty() { String::new() } else { format!("; passed over: {}", over.join(", ")) };
        format!("{}: {set}{over}", self.source.name())
    }
}

/// Sets the keys that a job's source stands for, where the job leaves them unset.
///
/// # Errors
/// A source that is not known.
pub fn apply(mut job: JobFile) -> Result<(JobFile, Option<Preset>), JobError> {
    let Some(name) = job.input.source.take() else { return Ok((job, None)) };
    let source = Source::parse(&name)?;
    let mut preset = Preset { source, keys: Vec::new(), passed_over: Vec::new() };
    let is_custom = is_custom(&job);
    let is_defined = is_defined(&job);
    let measures_events = job.session.length_from.as_deref() == Some("first_event");
    for (key, value) in source.keys() {
        let why = match key {
            Key::Timeout if is_defined => Some("the job has a definition of its own"),
            Key::IdUnit if is_custom => Some("the definition takes no times from session ids"),
            Key::IdUnit if measures_events => Some("no session starts at its id"),
            _ => None,
        };
        if is_set(&job, key) {
            continue;
        }
        preset.keys.push((key, value));
        match (why, value) {
            (Some(why), Value::One(word)) => preset.pass_over(key, word, why.to_string()),
            _ => set(&mut job, key, value),
        }
    }
    Ok((job, Some(preset)))
}

/// Whether the job has a custom definition.
fn is_custom(job: &JobFile) -> bool {
    let session = &job.session;
    session.property.is_some()
        || session.start_event.is_some()
        || session.end_event.is_some()
        || session.timeout.is_some()
        || session.at_midnight.as_deref() == Some("split")
        || session.new_on_change.as_ref().is_some_and(|columns| !columns.is_empty())
}

/// Whether the job says by itself what a session is, in full or in part.
fn is_defined(job: &JobFile) -> bool {
    let session = &job.session;
    let by_id = job.input.session_id.is_some() || session.length_from.is_some() || session.id_unit.is_some();
    is_custom(job) || by_id || session.max_gap.is_some()
}

fn is_set(job: &JobFile, key: Key) -> bool {
    match key {
        Key::User => job.input.user.is_some(),
        Key::Time => job.input.time.is_some(),
        Key::TimeUnit => job.input.time_unit.is_some(),
        Key::Event => job.input.event.is_some(),
        Key::SessionId => job.input.session_id.is_some(),
        Key::Sequence => job.input.sequence.is_some(),
        Key::Dedup => job.input.dedup.is_some(),
        Key::Timeout => job.session.timeout.is_some(),
        Key::IdUnit => job.session.id_unit.is_some(),
    }
}

fn set(job: &mut JobFile, key: Key, value: Value) {
    let one = || Some(value.one());
    match key {
        Key::User => job.input.user = Some(Names::Many(value.all().iter().map(ToString::to_string).collect())),
        Key::Time => job.input.time = one(),
        Key::TimeUnit => job.input.time_unit = one(),
        Key::Event => job.input.event = one(),
        Key::SessionId => job.input.session_id = one(),
        Key::Sequence => job.input.sequence = one(),
        Key::Dedup => job.input.dedup = one(),
        Key::Timeout => job.session.timeout = Some(TimeoutKeys::Same(Scalar(value.one()))),
        Key::IdUnit => job.session.id_unit = one(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;
    use std::path::Path;

    fn job(input: &str, session: &str) -> Result<Job, String> {
        let text = format!("[input]\npath = 'x'\n{input}\n[session]\n{session}\n[output]\npath = 'y'\n");
        let file = JobFile::parse(&text, Path::new("job")).map_err(|error| error.to_string())?;
        Job::new(file).map_err(|error| error.to_string())
    }

    fn definition(input: &str, session: &str) -> String {
        let job = job(input, session).expect("valid");
        job.definition.keys().into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }

    #[test]
    fn a_source_is_a_default_for_each_key_and_what_is_set_wins() {
        let job = job("source = 'amplitude'\nuser = 'user_id'", "").expect("valid");
        assert_eq!(
            (job.input.user, job.input.time.as_deref()),
            (vec!["user_id".to_string()], Some("client_event_time"))
        );
        assert_eq!(job.input.sequence.as_deref(), Some("event_id"));
        assert_eq!(job.input.dedup.expect("set").column, "$insert_id");
        let preset = job.input.preset.expect("a source");
        assert!(!preset.has(Key::User) && preset.has(Key::Time));
    }

    #[test]
    fn every_source_makes_a_job() {
        for source in Source::ALL {
            let job = job(&format!("source = '{}'", source.name()), "").expect("a job");
            let sentence = job.input.preset.expect("a source").sentence();
            assert!(sentence.starts_with(&format!("{}: input.user = ", source.name())), "{sentence}");
            assert!(!sentence.contains("passed over"), "{sentence}");
        }
    }

    #[test]
    fn a_timeout_of_a_source_gives_way_to_any_part_of_a_definition() {
        assert!(definition("source = 'segment'", "").contains("session.timeout = 30m"));
        assert!(definition("source = 'segment'", "max_length = '2h'").contains("session.timeout = 30m"));
        assert!(definition("source = 'segment'", "gap_equal = 'join'").contains("session.gap_equal = join"));
        // No columns are as none.
        assert!(definition("source = 'segment'", "new_on_change = []").contains("session.timeout = 30m"));
        for (input, session) in [
            ("session_id = 'visit'", ""),
            ("", "max_gap = '1d'"),
            ("", "length_from = 'first_event'"),
            ("", "id_unit = 's'"),
            ("", "property = 'p'"),
            ("", "start_event = 'x'"),
            ("", "end_event = 'x'"),
        ] {
            let keys = definition(&format!("source = 'segment'\n{input}"), session);
            assert!(!keys.contains("session.timeout"), "{input} {session}: {keys}");
        }
        assert!(definition("source = 'segment'", "timeout = '5m'").contains("session.timeout = 5m"));
    }

    #[test]
    fn a_unit_of_ids_gives_way_where_no_session_starts_at_its_id() {
        assert!(definition("source = 'ga4'", "").contains("session.id_unit = s"));
        for session in ["timeout = '30m'", "length_from = 'first_event'", "property = 'p'"] {
            let job = job("source = 'ga4'", session).expect(session);
            assert_eq!(job.definition.id_unit(), None, "{session}");
            let sentence = job.input.preset.expect("a source").sentence();
            assert!(sentence.contains("passed over: session.id_unit = \"s\" ("), "{sentence}");
        }
        assert!(definition("source = 'ga4'", "id_unit = 'us'").contains("session.id_unit = us"));
    }

    #[test]
    fn an_unknown_source_names_the_nearest_and_all() {
        let message = job("source = 'amplitud'", "").expect_err("unknown");
        assert!(message.contains("did you mean \"amplitude\"?") && message.contains("snowplow"), "{message}");
        let message = job("source = 'heap'", "").expect_err("unknown");
        assert!(message.contains("the sources are amplitude, ga4"), "{message}");
    }
}
