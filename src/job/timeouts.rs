//! Timeouts that differ by a column (SPEC 3): `timeout = { by = "platform", ios = "5m", default = "30m" }`.

use std::collections::BTreeMap;

use super::duration::{duration_text, parse_duration};
use super::error::JobError;
use super::values::Scalar;
use crate::sessionize::event_types::MOST_CLASSES;
use crate::sessionize::time::Span;

/// The timeout after an event, by its value in a column.
///
/// Values fall into classes, which ascend as values do: of each two listed values that come one after the other, what lies
/// between them is a class, too.
///
/// ```text
///   null, empty, "a"    "android"    "b"        "ios"    "web"
///   0: default          1: 5m        2: default 3: 5m    4: default
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The column.
    pub by: String,
    /// The timeout of each value that has one of its own, in ascending order of their bytes.
    pub listed: Vec<(String, Span)>,
    /// That of all others.
    pub default: Span,
}

impl Timeouts {
    /// Reads the keys of the table.
    ///
    /// # Errors
    /// `by` or `default` is missing, a duration cannot be read, or there is nothing that differs.
    pub fn new(mut keys: BTreeMap<String, Scalar>) -> Result<Self, JobError> {
        let missing = |key, hint: &str| JobError::Choice {
            key: "session.timeout",
            value: format!("a table without `{key}`"),
            hint: hint.to_string(),
        };
        let example = "write it like { by = \"platform\", ios = \"5m\", default = \"30m\" }";
        let by = keys.remove("by").filter(|by| !by.0.is_empty()).ok_or_else(|| missing("by", example))?.0;
        let default = keys.remove("default").ok_or_else(|| missing("default", example))?;
        let default = parse_duration("session.timeout.default", &default.0)?;
        if keys.is_empty() {
            let way_out = ", or list values of the column, each with a timeout";
            return Err(JobError::NoEffect { key: "session.timeout.by", why: "without a value listed", way_out });
        }
        if keys.contains_key("") {
            let why = "for empty text, which takes `default`, as null does";
            return Err(JobError::NoEffect { key: "session.timeout", why, way_out: "" });
        }
        if keys.len() * 2 + 1 > MOST_CLASSES {
            let hint = format!("list at most {} values; all others take `default`", (MOST_CLASSES - 1) / 2);
            return Err(JobError::Choice { key: "session.timeout", value: format!("{} values", keys.len()), hint });
        }
        let listed = keys.into_iter().map(|(value, text)| Ok((value, parse_duration("session.timeout", &text.0)?)));
        Ok(Timeouts { by, listed: listed.collect::<Result<_, JobError>>()?, default })
    }

    /// The class of a value.
    pub fn class_of(&self, value: Option<&str>) -> u32 {
        let Some(value) = value else { return 0 };
        match self.listed.binary_search_by(|(known, _)| known.as_bytes().cmp(value.as_bytes())) {
            Ok(place) => place as u32 * 2 + 1,
            Err(place) => place as u32 * 2,
        }
    }

    /// How many classes there are.
    pub fn classes(&self) -> u32 {
        self.listed.len() as u32 * 2 + 1
    }

    /// The timeout of each class.
    pub fn by_class(&self) -> Vec<Span> {
        let listed = self.listed.iter().flat_map(|(_, timeout)| [*timeout, self.default]);
        std::iter::once(self.default).chain(listed).collect()
    }

    /// The longest of them.
    pub fn longest(&self) -> Span {
        self.listed.iter().map(|(_, timeout)| *timeout).fold(self.default, Span::max)
    }

    /// The shortest of them: events less apart are in one session, whatever lies between.
    pub fn shortest(&self) -> Span {
        self.listed.iter().map(|(_, timeout)| *timeout).fold(self.default, Span::min)
    }

    /// As it is written in a job.
    pub fn text(&self) -> String {
        let value = |text: &str| serde_json::Value::from(text).to_string();
        let mut text = format!("{{ by = {}", value(&self.by));
        for (name, timeout) in &self.listed {
            text += &format!(", {} = {}", value(name), value(&duration_text(*timeout)));
        }
        text + &format!(", default = {} }}", value(&duration_text(self.default)))
    }

    /// The silences in words, the default one first; `or_more` is what follows each duration.
    pub fn sentence(&self, or_more: impl Fn(Span) -> String) -> String {
        let mut of_spans: BTreeMap<Span, Vec<String>> = BTreeMap::new();
        for (value, timeout) in &self.listed {
            of_spans.entry(*timeout).or_default().push(format!("\"{value}\""));
        }
        let listed = of_spans.into_iter().map(|(timeout, values)| {
            format!("{} after an event whose {} is {}", or_more(timeout), self.by, values.join(" or "))
        });
        let all: Vec<String> = listed.collect();
        format!("{} ({})", or_more(self.default), all.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeouts(keys: &[(&str, &str)]) -> Result<Timeouts, String> {
        let keys = keys.iter().map(|(key, value)| (key.to_string(), Scalar(value.to_string()))).collect();
        Timeouts::new(keys).map_err(|error| error.to_string())
    }

    #[test]
    fn classes_ascend_as_values_do() {
        let all = timeouts(&[("by", "p"), ("ios", "5m"), ("android", "1m"), ("default", "30m")]).expect("fine");
        let values = [None, Some(""), Some("a"), Some("android"), Some("b"), Some("ios"), Some("iosx")];
        assert_eq!(values.map(|value| all.class_of(value)), [0, 0, 0, 1, 2, 3, 4]);
        let minutes: Vec<i64> = all.by_class().iter().map(|span| span.micros() / 60_000_000).collect();
        assert_eq!(minutes, [30, 1, 30, 5, 30]);
        assert_eq!((all.shortest(), all.longest()), (Span::from_micros(60_000_000), Span::from_micros(1_800_000_000)));
        assert_eq!(all.text(), r#"{ by = "p", "android" = "1m", "ios" = "5m", default = "30m" }"#);
    }

    #[test]
    fn what_is_missing_or_has_no_effect_is_named() {
        for (keys, named) in [
            (&[("ios", "5m"), ("default", "30m")][..], "`by`"),
            (&[("by", "p"), ("ios", "5m")], "`default`"),
            (&[("by", "p"), ("default", "30m")], "session.timeout.by"),
            (&[("by", "p"), ("default", "30m"), ("", "1m")], "empty text"),
            (&[("by", "p"), ("default", "0s"), ("ios", "1m")], "session.timeout.default"),
            (&[("by", "p"), ("default", "5m"), ("ios", "soon")], "session.timeout"),
        ] {
            let message = timeouts(keys).expect_err(named);
            assert!(message.contains(named), "{message}");
        }
    }
}
