//! Which columns a line makes: its keys, as the export of a known tool has them.

use std::borrow::Cow;

use crate::events::normalise::json::{at_path, each_member, elements, scalar, NoObject};
use crate::job::source::Source;

/// The column that the folders of days are.
pub const DAY_COLUMN: &str = "event_date";
/// What a key of that name is called.
const OTHER_DAY_COLUMN: &str = "event_date_1";

/// Which columns the keys of a line are.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    /// Keys whose own keys are columns, `properties.plan`.
    expand: Vec<String>,
    /// Keys, or paths in them, and the columns that they are.
    named: Vec<(&'static str, &'static str)>,
    /// Columns that hold instants, where all of their values do.
    times: Vec<&'static str>,
}

impl Shape {
    /// Of a tool's export, with further keys to expand.
    pub fn new(source: Option<Source>, expand: &[String]) -> Self {
        let mut shape = source.map(of_source).unwrap_or_default();
        shape.expand.extend(expand.iter().cloned());
        shape
    }

    /// Whether a column may hold instants.
    pub fn may_be_time(&self, column: &str) -> bool {
        self.times.contains(&column)
    }

    /// The column that a key is.
    pub fn column<'k>(&self, key: &'k str) -> &'k str {
        // Engines that ignore case would take another spelling for the column of the folders, too.
        if key.eq_ignore_ascii_case(DAY_COLUMN) {
            return OTHER_DAY_COLUMN;
        }
        self.named.iter().find(|(path, _)| *path == key).map_or(key, |(_, column)| column)
    }

    /// Goes through the columns of a line, with their values as they are spelled. Of a column that comes twice the last one
    /// that is not null counts.
    ///
    /// # Errors
    /// The line is no JSON object.
    pub fn each_column<'j>(&self, line: &'j str, mut take: impl FnMut(&str, &'j str)) -> Result<(), NoObject> {
        let mut name = String::new();
        each_member(line, |key, value| {
            for (path, column) in &self.named {
                let inside = path.strip_prefix(key.as_ref()).and_then(|rest| rest.strip_prefix('.'));
                if let Some(inside) = inside.and_then(|path| at_path(value, path)) {
                    take(column, inside);
                }
            }
            if self.expand.iter().any(|expanded| *expanded == key) && value.starts_with(['{', '[']) {
                name.clear();
                name.push_str(&key);
                name.push('.');
                if expand(&mut name, value, &mut take) {
                    return;
                }
            }
            take(self.column(&key), value);
        })
    }
}

/// Goes through the keys of an object, or of a list of keys and values; whether it is one.
fn expand<'j>(name: &mut String, value: &'j str, take: &mut impl FnMut(&str, &'j str)) -> bool {
    let prefix = name.len();
    if value.starts_with('[') {
        let Some(entries) = entries(value) else { return false };
        for (key, value) in entries {
            name.truncate(prefix);
            name.push_str(&key);
            take(name, value);
        }
        return true;
    }
    let all = each_member(value, |key, value| {
        name.truncate(prefix);
        name.push_str(&key);
        take(name, value);
    });
    all.is_ok()
}

/// The keys and values of a list of them, the first one of each key; `None` where it has anything else. A value that is an
/// object is the first of its own that is not null.
fn entries(list: &str) -> Option<Vec<(Cow<'_, str>, &str)>> {
    let mut entries: Vec<(Cow<'_, str>, &str)> = Vec::new();
    for entry in elements(list) {
        let (mut key, mut value) = (None, None);
        each_member(entry, |name, inside| match name.as_ref() {
            "key" | "name" => key = scalar(inside),
            "value" => value = Some(inside),
            _ => {}
        })
        .ok()?;
        let key = key?;
        let is_known = entries.iter().any(|(known, _)| *known == key);
        if let Some(value) = value.and_then(first_value).filter(|_| !is_known) {
            entries.push((key, value));
        }
    }
    Some(entries)
}

fn first_value(value: &str) -> Option<&str> {
    if !value.starts_with('{') {
        return Some(value);
    }
    let mut first = None;
    let all = each_member(value, |_, inside| {
        if first.is_none() && inside != "null" {
            first = Some(inside);
        }
    });
    all.ok().and(first)
}

/// What the export of a tool has besides plain columns, so that the columns of its preset (SPEC 1) are there.
fn of_source(source: Source) -> Shape {
    let (expand, named, times): (&[&str], &[_], &[_]) = match source {
        Source::Amplitude => (
            &[],
            &[],
            &[
                "client_event_time",
                "client_upload_time",
                "event_time",
                "processed_time",
                "server_received_time",
                "server_upload_time",
                "user_creation_time",
            ],
        ),
        Source::Ga4 => (&["event_params", "user_properties"], &[], &[]),
        Source::Posthog => (&[], &[], &["timestamp", "created_at"]),
        Source::Mixpanel => (&["properties"], &[], &[]),
        Source::Snowplow => (
            &[],
            &[],
            &[
                "collector_tstamp",
                "derived_tstamp",
                "dvce_created_tstamp",
                "dvce_sent_tstamp",
                "etl_tstamp",
                "true_tstamp",
            ],
        ),
        Source::Rudderstack | Source::Segment => (
            &[],
            // Their warehouses' names of the keys that their SDKs send.
            &[
                ("userId", "user_id"),
                ("anonymousId", "anonymous_id"),
                ("messageId", "id"),
                ("originalTimestamp", "original_timestamp"),
                ("sentAt", "sent_at"),
                ("receivedAt", "received_at"),
                ("context.sessionId", "context_session_id"),
            ],
            &["timestamp", "original_timestamp", "sent_at", "received_at"],
        ),
    };
    let expand = expand.iter().map(ToString::to_string).collect();
    Shape { expand, named: named.to_vec(), times: times.to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(shape: &Shape, line: &str) -> Vec<String> {
        let mut found = Vec::new();
        shape.each_column(line, |name, value| found.push(format!("{name}={value}"))).expect("an object");
        found
    }

    #[test]
    fn keys_of_expanded_objects_and_lists_are_columns() {
        let mixpanel = Shape::new(Some(Source::Mixpanel), &[]);
        let line = r#"{"event":"a","properties":{"time":1,"x":{"y":[2]}}}"#;
        assert_eq!(columns(&mixpanel, line), ["event=\"a\"", "properties.time=1", "properties.x={\"y\":[2]}"]);
        assert_eq!(columns(&mixpanel, r#"{"properties":null}"#), ["properties=null"]);
        let ga4 = Shape::new(Some(Source::Ga4), &[]);
        let line = r#"{"event_date":"20260102","event_params":[{"key":"id","value":{"string_value":null,"int_value":"7"}},
            {"key":"id","value":{"int_value":"8"}},{"key":"none","value":{}},{"name":"plain","value":1.5}]}"#;
        assert_eq!(
            columns(&ga4, line),
            ["event_date_1=\"20260102\"", "event_params.id=\"7\"", "event_params.plain=1.5"]
        );
        assert_eq!(columns(&ga4, r#"{"event_params":[1]}"#), ["event_params=[1]"]);
    }

    #[test]
    fn no_key_is_called_as_the_folders_of_days_are() {
        let line = r#"{"event_date":1,"Event_Date":2,"event_dates":3}"#;
        assert_eq!(columns(&Shape::default(), line), ["event_date_1=1", "event_date_1=2", "event_dates=3"]);
    }

    #[test]
    fn keys_of_sdks_have_the_names_of_their_warehouses() {
        let line = r#"{"anonymousId":"a","context":{"sessionId":5,"ip":"::1"},"timestamp":"t"}"#;
        assert_eq!(
            columns(&Shape::new(Some(Source::Rudderstack), &[]), line),
            [
                "anonymous_id=\"a\"",
                "context_session_id=5",
                "context={\"sessionId\":5,\"ip\":\"::1\"}",
                "timestamp=\"t\""
            ]
        );
        assert_eq!(columns(&Shape::new(None, &["context".to_string()]), line)[1], "context.sessionId=5");
    }
}
