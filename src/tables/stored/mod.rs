//! Tables in an object store: a folder there, and a copy of it on this machine, where they are made.
//!
//! ```text
//! bucket/…                          copy on the disk
//! _dwell/state.json   ─► bring ─►   as it says      ─► a run, as into any folder
//! tables              ◄─ place ◄─   what differs    ◄─
//! ```
//!
//! No store renames, so none of what a local folder rests on is there. The decision is one object, `_dwell/state.json`, which
//! is replaced on the condition that it is the one that was read ([`publish`]). Who reads tables reads those of the
//! last decision ([`copy`]).

pub mod copy;
mod index;
pub mod publish;
mod state;

use std::path::PathBuf;
use std::sync::Arc;

use crate::storage::client::Client;
use crate::storage::location::{is_url, Location};
use crate::tables::error::TableError;

/// A folder of tables in a store.
#[derive(Debug)]
pub struct StoredFolder {
    client: Arc<Client>,
    /// What its keys begin with; without a slash at the end.
    prefix: String,
    /// Its URL.
    url: String,
    /// The copy.
    copy: PathBuf,
}

impl StoredFolder {
    /// The key of a file.
    fn key(&self, file: &str) -> String {
        match self.prefix.as_str() {
            "" => file.to_string(),
            prefix => format!("{prefix}/{file}"),
        }
    }

    /// The key of the state.
    fn state_key(&self) -> String {
        self.key(state::STATE)
    }

    /// The URL of a file.
    fn url_of(&self, file: &str) -> String {
        format!("{}/{file}", self.url)
    }
}

/// Refuses a folder in a store inside an input prefix, or around one of its objects.
///
/// # Errors
/// The input.
pub fn check_apart(output: &str, inputs: &[String], files: &[PathBuf]) -> Result<(), TableError> {
    let output_is = Location::parse(output).map_err(TableError::Storage)?;
    let folder = output_is.key.trim_end_matches('/');
    let is_in_bucket = |other: &Location| (other.service, &other.bucket) == (output_is.service, &output_is.bucket);
    let path = PathBuf::from(output);
    for input in inputs.iter().filter(|input| is_url(input)) {
        let Ok(searched) = Location::parse(input) else { continue };
        if !is_in_bucket(&searched) {
            continue;
        }
        let is_glob = searched.key.contains(['*', '?', '[']);
        let is_inside = if is_glob { is_glob_of(&searched.key, folder) } else { is_below(folder, &searched.key) };
        if is_inside {
            return Err(TableError::InsideInput { output: path, input: PathBuf::from(input) });
        }
    }
    let is_around = |file: &&PathBuf| {
        let file = file.to_str().filter(|file| is_url(file)).and_then(|file| Location::parse(file).ok());
        file.is_some_and(|file| is_in_bucket(&file) && is_below(&file.key, folder))
    };
    match files.iter().find(is_around) {
        Some(file) => Err(TableError::AroundInput { output: path, input: file.clone() }),
        None => Ok(()),
    }
}

/// Whether a key is in a folder, or is it.
fn is_below(key: &str, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    folder.is_empty() || key.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a glob finds a table of a folder, or a folder on the way to it.
fn is_glob_of(input: &str, output: &str) -> bool {
    let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let Ok(pattern) = glob::Pattern::new(input) else { return false };
    let inside = |name: &str| if output.is_empty() { name.to_string() } else { format!("{output}/{name}") };
    let table = inside("sessions/session_date=2026-01-01/part-0.parquet");
    let others = ["histogram.parquet", "activity"].map(inside);
    let found = |path: &str| PathBuf::from(path).ancestors().any(|path| pattern.matches_path_with(path, options));
    found(&table) || others.iter().any(|path| found(path))
}
