//! What a folder's tables were made under: everything that changes which sessions exist (SPEC 8).

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::dates::day_text;
use super::Job;
use crate::sessionize::time::Timestamp;

/// The keys that make a definition, with their values, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Canonical(Vec<(String, String)>);

/// 32 hexadecimal digits that differ where the bytes do.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// A key that two definitions disagree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: String,
    /// Its value in the first; `None` where it is not set.
    pub was: Option<String>,
    /// Its value in the second.
    pub is: Option<String>,
}

impl Canonical {
    /// The definition of a job over columns that were resolved to `columns`: role and column, type
    /// included.
    pub fn new(job: &Job, columns: Vec<(&'static str, String)>) -> Self {
        let mut keys: Vec<(String, String)> = Vec::new();
        let mut set = |key: &str, value: String| keys.push((key.to_string(), value));
        for (role, column) in columns {
            set(role, column);
        }
        if let Some(dedup) = &job.input.dedup {
            set("input.dedup_within", super::duration::duration_text(dedup.within));
        }
        if let Some(condition) = &job.input.condition {
            set("input.where", condition.clone());
        }
        if !job.input.inactive.is_empty() {
            set("input.inactive", serde_json::Value::from(job.input.inactive.as_slice()).to_string());
        }
        let instant = |time: Timestamp| super::dates::instant_text(time, &jiff::tz::TimeZone::UTC);
        set("input.min_time", instant(job.input.times.min));
        set("input.max_time", instant(job.input.times.max));
        for (key, value) in job.definition.keys() {
            set(key, value);
        }
        set("output.timezone", job.output.zone_name.clone());
        if let Some(first) = job.output.window.first {
            set("output.since", day_text(first));
        }
        if let Some(last) = job.output.window.last {
            set("output.until", day_text(last));
        }
        Canonical(keys)
    }

    /// One `key = value` a line.
    pub fn text(&self) -> String {
        self.0.iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }

    /// 32 hexadecimal digits that differ where the text does.
    pub fn fingerprint(&self) -> String {
        digest(self.text().as_bytes())
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Some of the keys, in this order; those that are not set are not there.
    pub fn of(&self, keys: &[String]) -> Canonical {
        Canonical(keys.iter().filter_map(|key| Some((key.clone(), self.get(key)?.to_string()))).collect())
    }

    /// The keys of this that `other` does not have so.
    pub fn contradicted_by(&self, other: &Canonical) -> Vec<Difference> {
        let keys: Vec<String> = self.0.iter().map(|(key, _)| key.clone()).collect();
        other.of(&keys).differences(self)
    }

    /// Keys and values as a JSON object.
    pub fn to_json(&self) -> serde_json::Value {
        self.0.iter().map(|(key, value)| (key.clone(), serde_json::Value::from(value.as_str()))).collect()
    }

    /// The keys on which `newer` differs.
    pub fn differences(&self, newer: &Canonical) -> Vec<Difference> {
        let added = newer.0.iter().filter(|(key, _)| self.get(key).is_none());
        let keys = self.0.iter().chain(added).map(|(key, _)| key);
        let both = keys.map(|key| Difference {
            key: key.clone(),
            was: self.get(key).map(str::to_string),
            is: newer.get(key).map(str::to_string),
        });
        both.filter(|difference| difference.was != difference.is).collect()
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not set)".to_string());
        write!(f, "{}: {} before, {} now", self.key, value(&self.was), value(&self.is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(keys: &[(&str, &str)]) -> Canonical {
        Canonical(keys.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect())
    }

    #[test]
    fn differences_name_changed_added_and_removed_keys() {
        let was = canonical(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let is = canonical(&[("a", "1"), ("b", "9"), ("d", "4")]);
        let found: Vec<String> = was.differences(&is).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["b: 2 before, 9 now", "c: 3 before, (not set) now", "d: (not set) before, 4 now"]);
        assert_ne!(was.fingerprint(), is.fingerprint());
        assert_eq!(was.fingerprint().len(), 32);
    }
}
