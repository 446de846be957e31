//! What an import did, for people and for programs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::columns::Column;
use super::folder::{place_of_bad, Made};
use super::scan::Scanned;
use crate::summary::{bytes_text, counted, grouped};

/// What an import did, or would do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Answer {
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The folder.
    #[serde(serialize_with = "as_text")]
    pub output: PathBuf,
    /// The tool that the export is of.
    pub source: Option<String>,
    /// The time column.
    pub time: String,
    /// Files that are new.
    pub new_files: u64,
    /// Files that were imported before and have changed.
    pub changed_files: u64,
    /// Files that were imported before as they are.
    pub done_files: u64,
    /// Lines that were read.
    pub lines: u64,
    /// Those that are events.
    pub rows: u64,
    /// Those that are not, by reason.
    pub bad_lines: BTreeMap<&'static str, BadLines>,
    /// Values that do not fit the type that their column was given, and are null, by column.
    pub unfit: BTreeMap<String, u64>,
    /// All columns of the folder.
    pub columns: Vec<Column>,
    /// Columns of earlier files that hold another kind of values now.
    pub widened: Vec<String>,
    /// How many earlier files were written anew for them.
    pub widened_files: u64,
    /// The days with rows, and how many.
    pub days: BTreeMap<String, u64>,
    /// Parquet files that were written.
    pub parquet_files: u64,
    /// Their bytes.
    pub parquet_bytes: u64,
}

/// Lines that are no events, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadLines {
    /// How many.
    pub count: u64,
    /// The file of the first one.
    #[serde(serialize_with = "as_text")]
    pub file: PathBuf,
    /// Its number, from 1.
    pub line: u64,
    /// Where it is kept.
    #[serde(serialize_with = "as_text")]
    pub kept: PathBuf,
}

/// A path whose bytes that are no text are replaced.
fn as_text<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

impl Answer {
    /// Begins with what holds for all files.
    pub fn new(output: &Path, made: &Made, dry_run: bool) -> Self {
        let (source, time) = (made.source.clone(), made.time.clone());
        Answer { dry_run, output: output.to_path_buf(), source, time, ..Answer::default() }
    }

    /// Adds what is in a file.
    pub fn add(&mut self, path: &Path, name: &str, scanned: &Scanned) {
        self.lines += scanned.lines;
        self.rows += scanned.rows();
        for (reason, bad) in &scanned.bad {
            let first = BadLines {
                count: 0,
                file: path.to_path_buf(),
                line: bad.first,
                kept: self.output.join(place_of_bad(name)),
            };
            self.bad_lines.entry(reason.name()).or_insert(first).count += bad.count;
        }
    }

    /// How many lines are no events.
    pub fn bad(&self) -> u64 {
        self.bad_lines.values().map(|bad| bad.count).sum()
    }

    /// The reasons in one line.
    pub fn reasons(&self) -> String {
        let one = |(reason, bad): (&&str, &BadLines)| {
            format!("{reason} {}, the first is line {} of {}", grouped(bad.count), bad.line, bad.file.display())
        };
        self.bad_lines.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// As one line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }

    /// As text.
    pub fn text(&self) -> String {
        let mut lines = vec![format!("Files       {}", self.files())];
        if self.new_files + self.changed_files == 0 {
            lines.push("Nothing is new".to_string());
            return lines.join("\n") + "\n";
        }
        lines.push(format!("Lines       {}, {} are events", grouped(self.lines), grouped(self.rows)));
        let mut label = "Bad lines";
        for (reason, bad) in &self.bad_lines {
            let kept = match self.dry_run {
                true => String::new(),
                false => format!(", kept in {}", bad.kept.display()),
            };
            let first = format!("the first is line {} of {}{kept}", bad.line, bad.file.display());
            lines.push(format!("{label:<12}{reason} {}: {first}", grouped(bad.count)));
            label = "";
        }
        for (column, count) in &self.unfit {
            lines.push(format!(
                "No value    {} of {column} do not fit its type, and are null",
                counted(*count, "value")
            ));
        }
        let columns = self.columns.iter().map(|column| format!("{} {}", column.name, column.kind.name()));
        lines.push(format!("Columns     {}: {}", self.columns.len(), columns.collect::<Vec<_>>().join(", ")));
        if !self.widened.is_empty() {
            let widened = self.widened.join(", ");
            let files = match self.dry_run {
                true => "files of earlier imports would be written anew".to_string(),
                false => format!("{} of earlier imports written anew", counted(self.widened_files, "file")),
            };
            lines.push(format!("Other type  {widened}; {files}"));
        }
        lines.push(format!("Time        {}", self.time));
        if let (Some((first, _)), Some((last, _))) = (self.days.first_key_value(), self.days.last_key_value()) {
            lines.push(format!("Days        {} from {first} to {last}, UTC", grouped(self.days.len() as u64)));
        }
        let output = self.output.display();
        if self.dry_run {
            lines.push(format!("Would write {output}; nothing was written"));
            return lines.join("\n") + "\n";
        }
        let (files, bytes) = (counted(self.parquet_files, "file"), bytes_text(self.parquet_bytes));
        lines.push(format!("Written     {files}, {bytes} in {output}"));
        let source = self.source.as_ref().map(|source| format!(" --source {source}")).unwrap_or_default();
        lines.push(String::new());
        lines.push(match source.is_empty() {
            true => format!("To make sessions of them: dwell init --input {output}"),
            false => format!("To make sessions of them: dwell run --input {output}{source} --output sessions"),
        });
        lines.join("\n") + "\n"
    }

    fn files(&self) -> String {
        let mut parts = vec![counted(self.new_files, "new file")];
        if self.changed_files > 0 {
            parts.push(format!("{} that had changed", grouped(self.changed_files)));
        }
        if self.done_files > 0 {
            parts.push(format!("{} done before", grouped(self.done_files)));
        }
        parts.join(", ")
    }
}
