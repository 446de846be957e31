//! Values of a job file that may be written in more than one way.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{json_schema, JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::error::JobError;
use crate::stats::nearest::nearest;

/// Names: one, or a list.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum Names {
    /// One name.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Names {
    /// Whether it is a list without a name.
    pub fn is_empty(&self) -> bool {
        matches!(self, Names::Many(names) if names.is_empty())
    }

    /// As a list.
    pub fn into_vec(self) -> Vec<String> {
        match self {
            Names::One(name) => vec![name],
            Names::Many(names) => names,
        }
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |found: &toml::Value| {
            serde::de::Error::custom(format!("expected text or a list of texts, found {}", found.type_str()))
        };
        let text = |value: toml::Value| match value {
            toml::Value::String(text) => Ok(text),
            other => Err(wrong(&other)),
        };
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Array(values) => Ok(Names::Many(values.into_iter().map(text).collect::<Result<_, _>>()?)),
            value => text(value).map(Names::One),
        }
    }
}

/// Whether there is something, or names of what it has beside the usual.
#[derive(Clone, Debug, JsonSchema, Serialize)]
#[serde(untagged)]
pub enum NamesOrTruth {
    /// Whether there is.
    Truth(bool),
    /// Names.
    Names(Vec<String>),
}

impl NamesOrTruth {
    /// The names; `None` where there is nothing.
    pub fn names(self) -> Option<Vec<String>> {
        match self {
            NamesOrTruth::Truth(is) => is.then(Vec::new),
            NamesOrTruth::Names(names) => Some(names),
        }
    }
}

impl<'de> Deserialize<'de> for NamesOrTruth {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let wrong = |found: &toml::Value| {
            serde::de::Error::custom(format!("expected true, false or a list of texts, found {}", found.type_str()))
        };
        let text = |value: toml::Value| match value {
            toml::Value::String(text) => Ok(text),
            other => Err(wrong(&other)),
        };
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Boolean(is) => Ok(NamesOrTruth::Truth(is)),
            toml::Value::Array(values) => {
                Ok(NamesOrTruth::Names(values.into_iter().map(text).collect::<Result<_, _>>()?))
            }
            other => Err(wrong(&other)),
        }
    }
}

/// A value that is text to us but may be written as a number or a TOML date: `30`, `2026-01-01`.
#[derive(Clone, Debug, Serialize)]
pub struct Scalar(pub String);

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Scalar(text)),
            toml::Value::Integer(number) => Ok(Scalar(number.to_string())),
            toml::Value::Float(number) => Ok(Scalar(number.to_string())),
            toml::Value::Datetime(time) => Ok(Scalar(time.to_string())),
            other => Err(serde::de::Error::custom(format!("expected text, found {}", other.type_str()))),
        }
    }
}

/// A timeout: one for all events, or one by the value of a column.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum TimeoutKeys {
    /// A duration.
    Same(Scalar),
    /// A column, a duration for each of some values, and one for all others.
    By(BTreeMap<String, Scalar>),
}

impl std::fmt::Display for TimeoutKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TimeoutKeys::Same(text) => f.write_str(&text.0),
            TimeoutKeys::By(_) => f.write_str("a table"),
        }
    }
}

impl JsonSchema for TimeoutKeys {
    fn schema_name() -> Cow<'static, str> {
        "Timeout".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": ["string", "number"] },
            { "type": "object", "required": ["by", "default"], "additionalProperties": { "type": ["string", "number"] } },
        ] })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl<'de> Deserialize<'de> for TimeoutKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = toml::Value::deserialize(deserializer)?;
        let wrong = |error: toml::de::Error| serde::de::Error::custom(error.to_string());
        match value {
            toml::Value::Table(_) => value.try_into().map(TimeoutKeys::By).map_err(wrong),
            _ => value.try_into().map(TimeoutKeys::Same).map_err(wrong),
        }
    }
}

/// The value of a word that a key takes.
///
/// # Errors
/// Another word; the nearest one is offered.
pub fn choice<T: Copy>(key: &'static str, text: &str, words: &[(&'static str, T)]) -> Result<T, JobError> {
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(*value);
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let hint = match nearest(text, names.iter().copied()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("it is one of {}", names.join(", ")),
    };
    Err(JobError::Choice { key, value: text.to_string(), hint })
}
