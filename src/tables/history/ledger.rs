//! `_dwell/ledger.json`: which input files the tables were made of, and where their events are. It is what an
//! incremental run compares the input with.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::events::source::footer::Footer;
use crate::events::source::survey::{FileSpans, Stretch};
use crate::job::dates::{day_of_text, day_text};
use crate::job::fingerprint::digest;
use crate::sessionize::time::dates::DateSet;
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;

/// The ledger's name among dwell's own files.
pub const LEDGER: &str = "ledger.json";

/// The input that a folder's tables were made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The definition they were made under, by its fingerprint.
    pub fingerprint: String,
    /// The latest possible time of all rows, where that was asked.
    pub latest: Option<Timestamp>,
    /// Whether all session ids are times.
    pub ids_are_times: bool,
    /// Dates that were made of another input than these files: a later run has to make them again.
    pub apart: DateSet,
    /// What tells the mapping of users from another state of itself; `None` where there was none.
    pub aliases: Option<String>,
    /// The files by name.
    pub files: BTreeMap<String, Entry>,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What tells it from another state of itself.
    pub mark: Mark,
    /// Where its events are.
    pub spans: FileSpans,
    /// The Delta table whose log names it; `None` for a file that is part of none.
    pub table: Option<String>,
}

/// What tells a file from another state of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    bytes: u64,
    /// When it was written last, in nanoseconds since the epoch, where the file system tells.
    modified: Option<i64>,
    /// A hash of its footer; of an object with an ETag none, as that and its size tell all.
    footer: String,
    /// The ETag of an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    /// A hash of what its table says of it, where that is more than its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of_table: Option<String>,
}

/// How the input of a run differs from that of a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Files that it does not know, by their place in the plan.
    pub new: Vec<usize>,
    /// Files that are no longer as they were, by their place in the plan.
    pub changed: Vec<usize>,
    /// Files that are gone, by name, and should not be.
    pub gone: Vec<String>,
    /// Files that the log of their table has removed, by name.
    pub removed: Vec<String>,
    /// How many are as they were.
    pub same: usize,
}

impl Difference {
    /// Whether there is none.
    pub fn is_nothing(&self) -> bool {
        self.new.is_empty() && self.changed.is_empty() && self.gone.is_empty() && self.removed.is_empty()
    }
}

impl Mark {
    /// Of a file as its footer was read.
    pub fn of(footer: &Footer) -> Self {
        let since = |time: SystemTime| match time.duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_nanos()).ok(),
            Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|nanos| -nanos),
        };
        let etag = footer.file.object.as_ref().and_then(|object| object.etag.clone());
        let of_table = footer.file.table.as_ref().and_then(|file| file.mark(|name| footer.schema.kind(name).is_some()));
        match etag {
            Some(_) => Mark { bytes: footer.bytes, modified: None, footer: String::new(), etag, of_table },
            None => Mark {
                bytes: footer.bytes,
                modified: footer.modified.and_then(since),
                footer: footer.hash.clone(),
                etag: None,
                of_table,
            },
        }
    }
}

/// The table that a file is of, by its name in a ledger.
pub fn table_of(footer: &Footer) -> Option<&str> {
    footer.file.table.as_ref().map(|file| file.table.name.as_str())
}

/// What tells some files together from other states of themselves.
pub fn mark_of(footers: &[Footer]) -> String {
    let one = |footer: &Footer| (name_of(&footer.file.path), Mark::of(footer));
    let mut all: Vec<(String, Mark)> = footers.iter().map(one).collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    digest(&serde_json::to_vec(&all).unwrap_or_default())
}

/// The name of an input file in a ledger: the same however the path to it is spelled.
pub fn name_of(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    match path.to_str() {
        Some(text) => text.to_string(),
        None => format!("bytes {}", path.as_os_str().as_encoded_bytes().escape_ascii()),
    }
}

impl Ledger {
    /// Reads the ledger of a folder for a definition; `None` where there is none, or one of another definition.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(path: &Path, fingerprint: &str) -> Result<Option<Self>, TableError> {
        if !path.exists() {
            return Ok(None);
        }
        let bad = |reason: String| TableError::BadLedger { path: path.to_path_buf(), reason };
        let text = std::fs::read_to_string(path).map_err(|error| bad(error.to_string()))?;
        let ledger = Self::parse(&text).map_err(bad)?;
        Ok(Some(ledger).filter(|ledger| ledger.fingerprint == fingerprint))
    }

    /// Reads the text of a ledger.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Written = serde_json::from_str(text).map_err(|error| error.to_string())?;
        written.into_ledger()
    }

    /// How an input differs from this one.
    pub fn difference(&self, names: &[String], footers: &[Footer]) -> Difference {
        let mut difference = Difference::default();
        for (file, (name, footer)) in names.iter().zip(footers).enumerate() {
            match self.files.get(name) {
                None => difference.new.push(file),
                Some(entry) if entry.mark != Mark::of(footer) => difference.changed.push(file),
                Some(_) => difference.same += 1,
            }
        }
        let here: BTreeSet<&String> = names.iter().collect();
        let tables: BTreeSet<&str> = footers.iter().filter_map(table_of).collect();
        for (name, entry) in self.files.iter().filter(|(name, _)| !here.contains(name)) {
            match entry.table.as_deref().is_some_and(|table| tables.contains(table)) {
                true => difference.removed.push(name.clone()),
                false => difference.gone.push(name.clone()),
            }
        }
        difference
    }

    /// As text.
    pub fn text(&self) -> String {
        serde_json::to_string(&Written::of(self)).unwrap_or_default() + "\n"
    }
}

/// The ledger as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    fingerprint: String,
    latest: Option<i64>,
    ids_are_times: bool,
    apart: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    aliases: Option<String>,
    files: Vec<WrittenEntry>,
}

/// An entry as it is written: times in microseconds since the epoch.
#[derive(Debug, Serialize, Deserialize)]
struct WrittenEntry {
    path: String,
    #[serde(flatten)]
    mark: Mark,
    /// First and last time, and rows.
    events: Option<Vec<(i64, i64, u64)>>,
    ids: Option<Vec<(i64, i64)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    table: Option<String>,
}

impl Written {
    fn of(ledger: &Ledger) -> Self {
        let entry = |(path, entry): (&String, &Entry)| WrittenEntry {
            path: path.clone(),
            mark: entry.mark.clone(),
            events: entry.spans.events.as_ref().map(|stretches| {
                stretches.iter().map(|part| (part.first.micros(), part.last.micros(), part.rows)).collect()
            }),
            ids: entry
                .spans
                .ids
                .as_ref()
                .map(|ids| ids.iter().map(|(first, last)| (first.micros(), last.micros())).collect()),
            table: entry.table.clone(),
        };
        Written {
            fingerprint: ledger.fingerprint.clone(),
            latest: ledger.latest.map(Timestamp::micros),
            ids_are_times: ledger.ids_are_times,
            apart: ledger.apart.ranges().iter().map(|(first, last)| (date_text(*first), date_text(*last))).collect(),
            aliases: ledger.aliases.clone(),
            files: ledger.files.iter().map(entry).collect(),
        }
    }

    fn into_ledger(self) -> Result<Ledger, String> {
        let at = Timestamp::from_micros;
        // Taken for no time at all, such events would be in the tables for good.
        let ends_before_it_begins = |entry: &WrittenEntry| {
            let events = entry.events.iter().flatten().any(|(first, last, _)| first > last);
            events || entry.ids.iter().flatten().any(|(first, last)| first > last)
        };
        if let Some(entry) = self.files.iter().find(|entry| ends_before_it_begins(entry)) {
            return Err(format!("of {:?}, a stretch of time ends before it begins", entry.path));
        }
        let entry = |entry: WrittenEntry| {
            let spans = FileSpans {
                events: entry.events.map(|events| {
                    events
                        .into_iter()
                        .map(|(first, last, rows)| Stretch { first: at(first), last: at(last), rows })
                        .collect()
                }),
                ids: entry.ids.map(|ids| ids.into_iter().map(|(first, last)| (at(first), at(last))).collect()),
            };
            (entry.path, Entry { mark: entry.mark, spans, table: entry.table })
        };
        let range = |(first, last): &(String, String)| {
            let range = date_of_text(first).zip(date_of_text(last)).filter(|(first, last)| first <= last);
            range.ok_or_else(|| format!("{first} to {last} are no dates"))
        };
        let apart: Vec<_> = self.apart.iter().map(range).collect::<Result<_, _>>()?;
        Ok(Ledger {
            fingerprint: self.fingerprint,
            latest: self.latest.map(at),
            ids_are_times: self.ids_are_times,
            apart: DateSet::of(apart),
            aliases: self.aliases,
            files: self.files.into_iter().map(entry).collect(),
        })
    }
}

const FIRST: &str = "first";
const LAST: &str = "last";

/// A date, or a word for the end of all of them.
fn date_text(day: Day) -> String {
    match day.epoch_days() {
        i32::MIN => FIRST.to_string(),
        i32::MAX => LAST.to_string(),
        _ => day_text(day),
    }
}

fn date_of_text(text: &str) -> Option<Day> {
    match text {
        FIRST => Some(Day::from_epoch_days(i32::MIN)),
        LAST => Some(Day::from_epoch_days(i32::MAX)),
        _ => day_of_text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ledger_is_read_back_as_it_was() {
        let at = Timestamp::from_micros;
        let spans = FileSpans {
            events: Some(vec![Stretch { first: at(-5), last: at(7), rows: 3 }]),
            ids: Some(vec![(at(1), at(2))]),
        };
        let mark = Mark { bytes: 7, modified: Some(-1), footer: "ab".to_string(), etag: None, of_table: None };
        let of_table = Mark { modified: None, of_table: Some("t".to_string()), ..mark.clone() };
        let unknown = Entry { mark: of_table, spans: FileSpans::default(), table: Some("/t".to_string()) };
        let day = Day::from_epoch_days;
        let ledger = Ledger {
            fingerprint: "f".to_string(),
            latest: Some(at(7)),
            ids_are_times: true,
            apart: DateSet::of([(day(i32::MIN), day(3)), (day(20_000), day(20_001))]),
            aliases: Some("b".to_string()),
            files: BTreeMap::from([
                ("/a".to_string(), Entry { mark, spans, table: None }),
                ("/ä".to_string(), unknown),
            ]),
        };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join(LEDGER);
        std::fs::write(&path, ledger.text()).expect("written");
        assert_eq!(Ledger::read(&path, "f").expect("readable"), Some(ledger));
        assert_eq!(Ledger::read(&path, "g").expect("readable"), None);
        std::fs::write(&path, "{").expect("written");
        assert!(Ledger::read(&path, "f").is_err());
    }

    #[test]
    fn stretches_and_dates_that_end_before_they_begin_are_no_ledger() {
        let entry = |events: &str, ids: &str| {
            format!(r#"{{"path":"a","bytes":1,"modified":null,"footer":"","events":{events},"ids":{ids}}}"#)
        };
        let ledger = |apart: &str, files: &str| {
            Ledger::parse(&format!(
                r#"{{"fingerprint":"f","latest":null,"ids_are_times":true,"apart":{apart},"files":[{files}]}}"#
            ))
        };
        assert!(ledger("[]", &entry("[[1,1,1]]", "[[2,2]]")).is_ok());
        for (events, ids) in [("[[2,1,1]]", "null"), ("null", "[[3,4],[2,1]]")] {
            assert!(ledger("[]", &entry(events, ids)).expect_err("backwards").contains("\"a\""));
        }
        for apart in [r#"[["2026-01-02","2026-01-01"]]"#, r#"[["2026-02-30","last"]]"#, r#"[["last","first"]]"#] {
            assert!(ledger(apart, "").expect_err("no dates").contains("no dates"));
        }
    }
}
