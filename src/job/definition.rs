//! What a session is: the keys of `[session]`, validated (SPEC 3).

use super::duration::{duration_text, parse_duration, parse_limit};
use super::error::JobError;
use super::file::SessionKeys;
use super::timeouts::Timeouts;
use super::values::{Names, Scalar, TimeoutKeys};
use crate::sessionize::time::{Span, TimeUnit};

/// A definition of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Default or custom.
    pub kind: Kind,
    /// Longer sessions are excluded; `None` for no limit.
    pub max_length: Option<Span>,
}

/// The two kinds of definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Events of one session id.
    Default {
        /// From this long after the id events are stale; `None` for never.
        max_gap: Option<Span>,
        /// Whether an id that is a time is where its session starts.
        starts_at_id: bool,
        /// What an id that is a time counts.
        id_unit: TimeUnit,
    },
    /// A property, starting and ending events, a timeout, in any combination.
    Custom(Custom),
}

/// A custom definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custom {
    /// The column that sessions share.
    pub property: Option<String>,
    /// Event types that open a session; empty where any event does.
    pub start_events: Vec<String>,
    /// Event types that close a session.
    pub end_events: Vec<String>,
    /// Whether `timeout` is set; else `max_gap` stands in for it.
    pub has_timeout: bool,
    /// Timeouts that differ by a column.
    pub timeouts: Option<Timeouts>,
    /// The silence that cuts: the timeout, the longest of several, or `max_gap`; `None` for never.
    pub silence: Option<Span>,
    /// Whether a silence of exactly that cuts.
    pub equal_cuts: bool,
    /// Whether sessions without an ending event are dropped.
    pub drop_unclosed: bool,
    /// Whether a starting event in an open session is an ordinary one.
    pub starts_continue: bool,
    /// Whether a session ends at midnight.
    pub at_midnight: bool,
    /// The columns of which a new value begins a session, in ascending order.
    pub new_on_change: Vec<String>,
}

const DEFAULT_MAX_GAP: &str = "7d";
const DEFAULT_MAX_LENGTH: &str = "1d";

impl Definition {
    /// Validates the keys of `[session]`; `inactive` are the event types of `input.inactive`.
    ///
    /// # Errors
    /// Durations and words that cannot be read, types that both start and end, and options that have no
    /// effect under this definition.
    pub fn new(keys: SessionKeys, inactive: &[String]) -> Result<Self, JobError> {
        let limit = |key, value: &Option<Scalar>, default: &str| {
            parse_limit(key, value.as_ref().map_or(default, |value| &value.0))
        };
        let max_length = limit("session.max_length", &keys.max_length, DEFAULT_MAX_LENGTH)?;
        let max_gap = limit("session.max_gap", &keys.max_gap, DEFAULT_MAX_GAP)?;
        let gap_equal = choice("session.gap_equal", keys.gap_equal.as_deref(), ["split", "join"])?;
        let unclosed = choice("session.unclosed", keys.unclosed.as_deref(), ["keep", "drop"])?;
        let repeated_start = choice("session.repeated_start", keys.repeated_start.as_deref(), ["split", "continue"])?;
        let length_from = choice("session.length_from", keys.length_from.as_deref(), ["session_id", "first_event"])?;
        let id_unit = keys.id_unit.as_deref().map(|text| unit("session.id_unit", text)).transpose()?;
        let at_midnight = choice("session.at_midnight", keys.at_midnight.as_deref(), ["join", "split"])? == Some(1);
        let new_on_change = watched_columns(keys.new_on_change, keys.property.as_deref())?;
        let by_type = keys.start_event.is_some() || keys.end_event.is_some();
        let by_value = !new_on_change.is_empty();
        let custom = keys.property.is_some() || by_type || by_value || keys.timeout.is_some() || at_midnight;
        let start_events = event_types("session.start_event", keys.start_event)?;
        let end_events = event_types("session.end_event", keys.end_event)?;
        check_boundaries(&start_events, &end_events, inactive)?;

        let no_effect = |key, why, way_out| Err(JobError::NoEffect { key, why, way_out });
        if unclosed.is_some() && end_events.is_empty() {
            return no_effect("session.unclosed", "without an ending event", ", or set `session.end_event`");
        }
        if repeated_start.is_some() && start_events.is_empty() {
            return no_effect("session.repeated_start", "without a starting event", ", or set `session.start_event`");
        }
        if !custom {
            if gap_equal.is_some() {
                return no_effect("session.gap_equal", "under the default definition", ", or set `session.timeout`");
            }
            let starts_at_id = length_from != Some(1);
            if id_unit.is_some() && !starts_at_id {
                let why = "where `session.length_from` is \"first_event\": no session starts at its id";
                return no_effect("session.id_unit", why, "");
            }
            let id_unit = id_unit.unwrap_or_default();
            return Ok(Definition { kind: Kind::Default { max_gap, starts_at_id, id_unit }, max_length });
        }
        if id_unit.is_some() {
            let why = "under a custom definition, where a session starts at its first event, whatever its id";
            return no_effect("session.id_unit", why, "");
        }
        if length_from.is_some() {
            let why = "under a custom definition, where a session starts at its first event";
            return no_effect("session.length_from", why, "");
        }
        if keys.timeout.is_some() && keys.max_gap.is_some() {
            return no_effect("session.max_gap", "beside `session.timeout`, which takes its place", "");
        }
        let (timeout, timeouts) = match keys.timeout {
            None => (None, None),
            Some(TimeoutKeys::Same(text)) => (Some(parse_duration("session.timeout", &text.0)?), None),
            Some(TimeoutKeys::By(keys)) => {
                let timeouts = Timeouts::new(keys)?;
                (Some(timeouts.longest()), Some(timeouts))
            }
        };
        let silence = timeout.or(max_gap);
        if gap_equal.is_some() && silence.is_none() {
            return no_effect("session.gap_equal", "where `session.max_gap` is \"none\"", "");
        }
        if keys.property.as_deref().is_some_and(|name| name.is_empty()) {
            return Err(JobError::Empty { key: "session.property" });
        }
        let custom = Custom {
            property: keys.property,
            start_events,
            end_events,
            has_timeout: timeout.is_some(),
            timeouts,
            silence,
            equal_cuts: gap_equal != Some(1),
            drop_unclosed: unclosed == Some(1),
            starts_continue: repeated_start == Some(1),
            at_midnight,
            new_on_change,
        };
        Ok(Definition { kind: Kind::Custom(custom), max_length })
    }

    /// The custom definition, if it is one.
    pub fn custom(&self) -> Option<&Custom> {
        match &self.kind {
            Kind::Custom(custom) => Some(custom),
            Kind::Default { .. } => None,
        }
    }

    /// The property that sessions share, if there is one.
    pub fn property(&self) -> Option<&str> {
        self.custom()?.property.as_deref()
    }

    /// What session ids that are times count, where sessions start at them.
    pub fn id_unit(&self) -> Option<TimeUnit> {
        match self.kind {
            Kind::Default { starts_at_id: true, id_unit, .. } => Some(id_unit),
            _ => None,
        }
    }

    /// Whether the definition needs event types.
    pub fn needs_event_types(&self) -> bool {
        self.custom().is_some_and(|custom| !custom.start_events.is_empty() || !custom.end_events.is_empty())
    }

    /// The definition's keys and values, in a fixed order, for the fingerprint.
    pub fn keys(&self) -> Vec<(&'static str, String)> {
        let limit = |span: Option<Span>| span.map_or_else(|| "none".to_string(), duration_text);
        let mut keys = match &self.kind {
            Kind::Default { max_gap, starts_at_id, id_unit } => {
                let from = if *starts_at_id { "session_id" } else { "first_event" };
                let mut keys = vec![("session.max_gap", limit(*max_gap)), ("session.length_from", from.to_string())];
                // Folders that were made before there was a choice have the default, and do not say so.
                if *id_unit != TimeUnit::default() {
                    keys.push(("session.id_unit", id_unit.name().to_string()));
                }
                keys
            }
            Kind::Custom(custom) => custom.keys(),
        };
        keys.push(("session.max_length", limit(self.max_length)));
        keys
    }

    /// The definition in one plain sentence.
    pub fn sentence(&self) -> String {
        let mut sentence = match &self.kind {
            Kind::Default { max_gap, starts_at_id, id_unit } => default_sentence(*max_gap, *starts_at_id, *id_unit),
            Kind::Custom(custom) => custom.sentence(),
        };
        if let Some(limit) = self.max_length {
            sentence += &format!("; sessions longer than {} are excluded", duration_text(limit));
        }
        sentence + "."
    }
}

fn default_sentence(max_gap: Option<Span>, starts_at_id: bool, id_unit: TimeUnit) -> String {
    let mut sentence = "A session is all events of one user with the same session id".to_string();
    if starts_at_id {
        let unit = match id_unit {
            TimeUnit::Millis => String::new(),
            unit => format!(" in {}", unit.plural()),
        };
        sentence += &format!(", from the time that the id is{unit} (or its first event) to its last event");
    } else {
        sentence += ", from its first to its last event";
    }
    if let Some(gap) = max_gap {
        sentence += &format!("; events {} or more away from it are out of session", duration_text(gap));
    }
    sentence
}

impl Custom {
    /// The shortest silence that cuts after any event; `None` for never.
    pub fn shortest_silence(&self) -> Option<Span> {
        self.timeouts.as_ref().map(Timeouts::shortest).or(self.silence)
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        let names = |names: &[String]| serde_json::Value::from(names).to_string();
        let silence = match (&self.timeouts, self.silence) {
            (Some(timeouts), _) => timeouts.text(),
            (None, silence) => silence.map_or_else(|| "none".to_string(), duration_text),
        };
        let mut keys = Vec::new();
        keys.extend(self.property.clone().map(|property| ("session.property", property)));
        if !self.start_events.is_empty() {
            let repeated = if self.starts_continue { "continue" } else { "split" };
            keys.push(("session.start_event", names(&self.start_events)));
            keys.push(("session.repeated_start", repeated.to_string()));
        }
        if !self.end_events.is_empty() {
            let unclosed = if self.drop_unclosed { "drop" } else { "keep" };
            keys.push(("session.end_event", names(&self.end_events)));
            keys.push(("session.unclosed", unclosed.to_string()));
        }
        keys.push((if self.has_timeout { "session.timeout" } else { "session.max_gap" }, silence));
        if self.silence.is_some() {
            keys.push(("session.gap_equal", if self.equal_cuts { "split" } else { "join" }.to_string()));
        }
        if self.at_midnight {
            keys.push(("session.at_midnight", "split".to_string()));
        }
        if !self.new_on_change.is_empty() {
            keys.push(("session.new_on_change", names(&self.new_on_change)));
        }
        keys
    }

    fn sentence(&self) -> String {
        let names = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(" or ");
        let mut sentence = "A session is a run of one user's events".to_string();
        if let Some(property) = &self.property {
            sentence += &format!(" with the same {property}");
        }
        if !self.start_events.is_empty() {
            sentence += &format!(" that opens with {}", names(&self.start_events));
            if self.starts_continue {
                sentence += " (which may come again inside it)";
            }
        }
        let mut ends = Vec::new();
        if !self.end_events.is_empty() {
            let must = if self.drop_unclosed { "must end with" } else { "ends with" };
            ends.push(format!("{must} {}", names(&self.end_events)));
        }
        if let Some(silence) = self.silence {
            let as_long = |silence: Span| match self.equal_cuts {
                true => format!("{} or more", duration_text(silence)),
                false => format!("more than {}", duration_text(silence)),
            };
            let silence = match &self.timeouts {
                Some(timeouts) => timeouts.sentence(as_long),
                None => as_long(silence),
            };
            ends.push(format!("ends before a silence of {silence}"));
        }
        if self.at_midnight {
            ends.push("ends at midnight in output.timezone".to_string());
        }
        if !self.new_on_change.is_empty() {
            ends.push(format!("ends before a new value of {}", self.new_on_change.join(" or ")));
        }
        if !ends.is_empty() {
            sentence += &format!(" and {}", ends.join(", or "));
        }
        sentence
    }
}

/// Which of two words a key has; the first is the default.
fn choice(key: &'static str, value: Option<&str>, words: [&str; 2]) -> Result<Option<usize>, JobError> {
    let Some(value) = value else { return Ok(None) };
    let place = words.iter().position(|word| *word == value).ok_or_else(|| JobError::Choice {
        key,
        value: value.to_string(),
        hint: format!("it is \"{}\" or \"{}\"", words[0], words[1]),
    })?;
    Ok(Some(place))
}

/// The unit that a key names.
pub fn unit(key: &'static str, text: &str) -> Result<TimeUnit, JobError> {
    TimeUnit::ALL.into_iter().find(|unit| unit.name() == text).ok_or_else(|| JobError::Choice {
        key,
        value: text.to_string(),
        hint: "it is s, ms, us or ns".to_string(),
    })
}

/// Event types in ascending order, each once: their order in a job means nothing.
pub fn event_types(key: &'static str, names: Option<Names>) -> Result<Vec<String>, JobError> {
    let Some(names) = names else { return Ok(Vec::new()) };
    let mut names = names.into_vec();
    if names.is_empty() {
        return Err(JobError::Empty { key });
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// The columns of which a new value begins a session, in ascending order, each once. None is as if the key were not written.
fn watched_columns(names: Option<Names>, property: Option<&str>) -> Result<Vec<String>, JobError> {
    const KEY: &str = "session.new_on_change";
    let mut names = names.map(Names::into_vec).unwrap_or_default();
    if names.iter().any(String::is_empty) {
        return Err(JobError::Empty { key: KEY });
    }
    if names.iter().any(|name| Some(name.as_str()) == property) {
        let why = "for the column of `session.property`: all events of a session have the same value of it";
        return Err(JobError::NoEffect { key: KEY, why, way_out: "" });
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn check_boundaries(starts: &[String], ends: &[String], inactive: &[String]) -> Result<(), JobError> {
    if let Some(event) = starts.iter().find(|event| ends.contains(event)) {
        return Err(JobError::StartAndEnd { event: event.clone() });
    }
    for (key, events) in [("session.start_event", starts), ("session.end_event", ends)] {
        if let Some(event) = events.iter().find(|event| inactive.contains(event)) {
            return Err(JobError::InactiveBoundary { event: event.clone(), key });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn define(session: &str) -> Result<Definition, String> {
        let text = format!("[session]\n{session}");
        let job = super::super::file::JobFile::parse(&text, Path::new("job")).map_err(|error| error.to_string())?;
        Definition::new(job.session, &["push".to_string()]).map_err(|error| error.to_string())
    }

    #[test]
    fn options_without_effect_are_errors() {
        for (session, named) in [
            ("length_from = 'first_event'\ntimeout = '5m'", "session.length_from"),
            ("length_from = 'first_event'\nid_unit = 's'", "session.id_unit"),
            ("timeout = '5m'\nid_unit = 'ms'", "session.id_unit"),
            ("id_unit = 'sec'", "s, ms, us or ns"),
            ("gap_equal = 'join'", "session.gap_equal"),
            ("gap_equal = 'split'", "session.gap_equal"),
            ("timeout = '5m'\nmax_gap = '1d'", "session.max_gap"),
            ("timeout = '5m'\nunclosed = 'drop'", "session.unclosed"),
            ("timeout = '5m'\nrepeated_start = 'split'", "session.repeated_start"),
            ("start_event = 'push'", "input.inactive"),
            ("end_event = ['x', 'push']", "input.inactive"),
            ("start_event = 'a'\nend_event = ['b', 'a']", "\"a\""),
            ("timeout = '0s'", "session.timeout"),
            ("property = 'p'\nmax_gap = 'none'\ngap_equal = 'join'", "session.gap_equal"),
            ("start_event = []", "session.start_event"),
            ("at_midnight = 'split'\nlength_from = 'first_event'", "session.length_from"),
            ("at_midnight = 'split'\nid_unit = 's'", "session.id_unit"),
            ("at_midnight = 'split'\nmax_gap = 'none'\ngap_equal = 'join'", "session.gap_equal"),
            ("at_midnight = 'cut'", "it is \"join\" or \"split\""),
            ("new_on_change = 'page'\nproperty = 'page'", "session.property"),
            ("new_on_change = ['page', '']", "session.new_on_change"),
            ("new_on_change = 'page'\nid_unit = 's'", "session.id_unit"),
        ] {
            let message = define(session).expect_err(session);
            assert!(message.contains(named), "{session}: {message}");
        }
    }

    #[test]
    fn timeouts_by_a_column_read_as_a_sentence() {
        let by = define("timeout = { by = 'platform', ios = '5m', default = '30m' }").expect("fine");
        let sentence = by.sentence();
        let silence = "a silence of 30m or more (5m or more after an event whose platform is \"ios\")";
        assert!(sentence.contains(silence), "{sentence}");
        assert!(by
            .keys()
            .contains(&("session.timeout", r#"{ by = "platform", "ios" = "5m", default = "30m" }"#.into())));
        let message = define("timeout = { by = 'platform', ios = '5m', default = '30m' }\nmax_gap = '1d'");
        assert!(message.expect_err("both").contains("session.max_gap"));
    }

    #[test]
    fn a_unit_of_ids_that_is_the_default_changes_nothing() {
        let keys = |session| define(session).expect(session).keys();
        assert_eq!(keys(""), keys("id_unit = 'ms'"));
        assert!(keys("id_unit = 's'").contains(&("session.id_unit", "s".to_string())));
        let sentence = define("id_unit = 's'").expect("seconds").sentence();
        assert!(sentence.contains("from the time that the id is in seconds (or its first event)"), "{sentence}");
    }

    #[test]
    fn joining_at_midnight_is_as_if_it_were_not_written() {
        let keys = |session| define(session).expect(session).keys();
        assert_eq!(keys(""), keys("at_midnight = 'join'"));
        assert_eq!(keys("timeout = '5m'"), keys("timeout = '5m'\nat_midnight = 'join'"));
        assert!(keys("at_midnight = 'split'").contains(&("session.at_midnight", "split".to_string())));
        let sentence = define("at_midnight = 'split'\nmax_gap = 'none'").expect("alone").sentence();
        assert!(sentence.starts_with("A session is a run of one user's events and ends at midnight"), "{sentence}");
    }

    #[test]
    fn columns_of_which_a_new_value_begins_a_session_have_no_order() {
        let keys = |session| define(session).expect(session).keys();
        assert_eq!(keys(""), keys("new_on_change = []"));
        let two = keys("new_on_change = ['b', 'a', 'b']");
        assert!(two.contains(&("session.new_on_change", r#"["a","b"]"#.to_string())));
        assert_eq!(two, keys("new_on_change = ['a', 'b']"));
        let sentence = define("new_on_change = ['b', 'a']\ntimeout = '30m'").expect("fine").sentence();
        assert!(
            sentence.contains("before a silence of 30m or more, or ends before a new value of a or b"),
            "{sentence}"
        );
    }

    #[test]
    fn a_definition_reads_as_a_sentence() {
        let sentence = |session| define(session).expect(session).sentence();
        assert_eq!(
            sentence("start_event = 'app_open'\ntimeout = '5m'"),
            "A session is a run of one user's events that opens with \"app_open\" and ends before a silence of 5m \
             or more; sessions longer than 1d are excluded."
        );
        assert!(sentence("").starts_with("A session is all events of one user with the same session id"));
        assert!(sentence("property = 'trip'\ngap_equal = 'join'\nmax_length = 'none'").ends_with("more than 7d."));
    }
}
