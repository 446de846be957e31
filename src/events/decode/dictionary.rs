//! The event types of a run, as codes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Event types by code, shared by all threads; codes count from 1 in the order in which types come, so
/// they mean nothing until all types are known.
#[derive(Debug, Default)]
pub struct EventDictionary {
    codes: Mutex<HashMap<String, u32>>,
}

impl EventDictionary {
    /// The codes of the distinct types of a batch.
    pub fn codes<'a>(&self, types: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        types
            .map(|name| match codes.get(name) {
                Some(code) => *code,
                None => {
                    let code = codes.len() as u32 + 1;
                    codes.insert(name.to_string(), code);
                    code
                }
            })
            .collect()
    }

    /// All types, in the order of their codes.
    pub fn names(&self) -> Vec<String> {
        let codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut names: Vec<(u32, String)> = codes.iter().map(|(name, code)| (*code, name.clone())).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name).collect()
    }
}
