//! Keys that do not exist are errors that name the nearest one that does.

use std::path::Path;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use super::error::JobError;
use super::key_types::misfit;
use crate::stats::nearest::nearest;

/// Refuses keys that do not exist, with the nearest one that does, and values that a key does not take, with an example:
/// the known keys are read off the types, so that this list cannot go stale.
///
/// # Errors
/// The first such key.
pub fn check_keys(table: &DeTable<'_>, known: &Value, text: &str, path: &Path) -> Result<(), JobError> {
    let file = File { text, path };
    let sections = keys_of(known);
    for (section, value) in table {
        let name = section.get_ref().as_ref();
        let at = section.span().start;
        if !sections.contains(&name) {
            // A key outside of any section is usually one that lost its section.
            let home = sections.iter().find(|section| keys_of(&known[**section]).contains(&name));
            let hint = home.map(|home| format!("it belongs under [{home}]"));
            return Err(file.unknown(at, name, &sections, "", hint));
        }
        let header = if known[name].is_array() { format!("[[{name}]]") } else { format!("[{name}]") };
        let fits = match value.get_ref() {
            DeValue::Table(_) => known[name].is_object(),
            // `chart = [1]` is no list of sections.
            DeValue::Array(values) => known[name].is_array() && values.iter().all(|value| value.get_ref().is_table()),
            _ => false,
        };
        if !fits {
            let line = file.line_of(at);
            let message = format!("line {line}: `{name}` is a section: write {header} on a line, and its keys below");
            return Err(JobError::Syntax { path: path.to_path_buf(), message });
        }
        file.check(value.get_ref(), &known[name], name)?;
    }
    Ok(())
}

struct File<'a> {
    text: &'a str,
    path: &'a Path,
}

impl File<'_> {
    /// Checks the keys inside of the key `prefix`, and their values.
    fn check(&self, value: &DeValue<'_>, known: &Value, prefix: &str) -> Result<(), JobError> {
        let known = known.get(0).unwrap_or(known);
        match value {
            DeValue::Array(values) => values.iter().try_for_each(|value| self.check(value.get_ref(), known, prefix)),
            DeValue::Table(keys) if known.is_object() => {
                let candidates = keys_of(known);
                for (key, value) in keys {
                    let given = key.get_ref().as_ref();
                    if !candidates.contains(&given) {
                        return Err(self.unknown(key.span().start, given, &candidates, &format!("{prefix}."), None));
                    }
                    let name = format!("{prefix}.{given}");
                    if let Some(misfit) = misfit(&name, value.get_ref()) {
                        return Err(self.misfit(key.span().start, name, misfit));
                    }
                    self.check(value.get_ref(), &known[given], &name)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn unknown(&self, at: usize, given: &str, candidates: &[&str], prefix: &str, hint: Option<String>) -> JobError {
        let near = nearest(given, candidates.iter().copied());
        let hint = hint.unwrap_or_else(|| match near {
            Some(near) => format!("did you mean `{prefix}{near}`?"),
            None => format!("the keys are {}", candidates.join(", ")),
        });
        JobError::UnknownKey {
            path: self.path.to_path_buf(),
            key: format!("{prefix}{given}"),
            line: self.line_of(at),
            hint,
        }
    }

    fn misfit(&self, at: usize, key: String, misfit: String) -> JobError {
        JobError::Misfit { path: self.path.to_path_buf(), key, line: self.line_of(at), misfit }
    }

    fn line_of(&self, at: usize) -> usize {
        self.text[..at.min(self.text.len())].matches('\n').count() + 1
    }
}

fn keys_of(value: &Value) -> Vec<&str> {
    value.as_object().map(|keys| keys.keys().map(String::as_str).collect()).unwrap_or_default()
}
