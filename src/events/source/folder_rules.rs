//! Folders that a condition rules out by their names alone: what is in them is no part of the input (SPEC 2, step 1).
//!
//! ```text
//!   where = "event_date >= '2026-01-02' AND platform = 'ios'"
//!            ╰─ about folders alone ──╯
//!
//!   event_date=2026-01-01/   ruled out: its files are not opened, and not counted
//!   event_date=2026-01-02/   stays
//! ```
//!
//! What the values of folders hold is told by all of them, those that are ruled out too, and a part of the condition rules out only
//! where all files are in folders of the keys that it names: a file outside may have a column of the name, which then means that in
//! all files.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use polars::prelude::*;

use super::columns::Columns;
use super::hive::key_and_value;
use super::input_file::{folder_kinds, InputFile};
use crate::events::error::InputError;
use crate::events::normalise::extract::folder_values;
use crate::events::predicate::typed::typed;
use crate::events::predicate::{condition_error, condition_problem, printed, ColumnUse, Conjunct, ParsedCondition};

/// The parts of a condition that may be about folders alone.
#[derive(Debug)]
pub struct FolderRules {
    /// Each with the names in it.
    parts: Vec<(ParsedCondition, BTreeSet<String>)>,
}

/// The files that stay.
#[derive(Debug)]
pub struct KeptFiles {
    /// In the order in which they were found.
    pub files: Vec<InputFile>,
    /// How many folders the condition rules out.
    pub folders_ruled_out: u64,
    /// Of the parts of the condition, by their number, whether all folders were asked: it holds for each file that stays.
    pub answered: Vec<bool>,
}

impl FolderRules {
    /// Those of a condition.
    pub fn new(condition: Option<&ParsedCondition>) -> Self {
        let parts = condition.map(ParsedCondition::parts).unwrap_or_default();
        let named = parts.into_iter().map(|part| {
            let names = part.names().into_iter().collect();
            (part, names)
        });
        FolderRules { parts: named.collect() }
    }

    /// Takes the files away whose folders are ruled out. Those of tables are in no folders, whatever these are called.
    ///
    /// # Errors
    /// A part of the condition that cannot be computed; no file stays.
    pub fn keep(&self, files: Vec<InputFile>) -> Result<KeptFiles, InputError> {
        let kinds = folder_kinds(files.iter());
        let columns = Columns::of_folders_alone(kinds.clone());
        let mut stays = vec![true; files.len()];
        let mut ruled_out: BTreeSet<&Path> = BTreeSet::new();
        let mut answered = Vec::with_capacity(self.parts.len());
        for (part, names) in &self.parts {
            let files_of = files_by_values(names, &files);
            answered.push(files_of.is_some());
            let Some(mut files_of) = files_of else { continue };
            // What an earlier part rules out, a later one is not asked: it may guard it.
            files_of.values_mut().for_each(|files| files.retain(|file| stays[*file]));
            files_of.retain(|_, files| !files.is_empty());
            if files_of.is_empty() {
                continue;
            }
            let values: Vec<&Values<'_>> = files_of.keys().collect();
            let passing = passing(part, names, &values, &columns)?;
            for file in files_of.values().zip(passing).filter(|(_, passes)| !passes).flat_map(|(files, _)| files) {
                stays[*file] = false;
                ruled_out.insert(folder_of(&files[*file].path, names));
            }
        }
        let folders_ruled_out = ruled_out.len() as u64;
        if folders_ruled_out == 0 {
            return Ok(KeptFiles { files, folders_ruled_out, answered });
        }
        if !stays.contains(&true) {
            return Err(self.all_ruled_out(&ruled_out));
        }
        let kinds = Some(Arc::new(kinds));
        let kept = files.into_iter().zip(stays).filter(|(_, stays)| *stays);
        let files = kept.map(|(file, _)| InputFile { folder_kinds: kinds.clone(), ..file }).collect();
        Ok(KeptFiles { files, folders_ruled_out, answered })
    }

    fn all_ruled_out(&self, folders: &BTreeSet<&Path>) -> InputError {
        InputError::FoldersRuledOut {
            condition: self.parts.first().map(|(part, _)| printed(part.text())).unwrap_or_default(),
            folders: folders.iter().map(|folder| folder.display().to_string()).collect(),
        }
    }
}

/// The values of some folders, in the order of their keys.
type Values<'f> = Vec<Option<&'f str>>;

/// The files by the values of the folders of these keys; `None` where one is not in a folder of each, or there are no keys.
fn files_by_values<'f>(names: &BTreeSet<String>, files: &'f [InputFile]) -> Option<BTreeMap<Values<'f>, Vec<usize>>> {
    if names.is_empty() {
        return None;
    }
    let mut files_of: BTreeMap<Values<'f>, Vec<usize>> = BTreeMap::new();
    for (number, file) in files.iter().enumerate() {
        let way = if file.table.is_some() { &[][..] } else { &file.hive };
        let value = |name| way.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_deref());
        files_of.entry(names.iter().map(value).collect::<Option<_>>()?).or_default().push(number);
    }
    Some(files_of)
}

/// The folder that decides about a file: the innermost on its way that is one of these keys.
fn folder_of<'f>(file: &'f Path, names: &BTreeSet<String>) -> &'f Path {
    let is_named = |folder: &&Path| {
        let own = folder.file_name().and_then(key_and_value);
        own.is_some_and(|(key, _)| names.contains(&key))
    };
    file.ancestors().skip(1).find(is_named).unwrap_or(file)
}

/// For each row of values of folders of these keys whether a part of a condition holds.
fn passing(
    part: &ParsedCondition,
    names: &BTreeSet<String>,
    rows: &[&Values<'_>],
    columns: &Columns<'_>,
) -> Result<Vec<bool>, InputError> {
    const PASSES: &str = "dwell passes";
    let failed = |error: PolarsError| condition_error(part.text(), &error);
    let Conjunct { sql, uses } = part.resolve_whole(columns)?;
    let places: HashMap<&String, usize> = names.iter().zip(0..).collect();
    let column = |(name, used): (&String, &ColumnUse)| {
        let place = places.get(&used.column.spelled).copied().unwrap_or_default();
        folder_values(name, rows.iter().map(|row| row[place]), &used.column.kind)
    };
    let frame = DataFrame::new(rows.len(), uses.iter().map(column).collect()).map_err(failed)?.lazy();
    let schema = frame.clone().collect_schema().map_err(failed)?;
    let test = typed(&sql, &schema).map_err(|problem| condition_problem(part.text(), &problem))?;
    let answers = frame.with_columns([test.expr.alias(PASSES)]).collect().map_err(failed)?;
    let answers = answers.column(PASSES).and_then(|answers| answers.bool().cloned()).map_err(failed)?;
    Ok(answers.iter().map(|answer| answer == Some(true)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::source::hive::hive_columns;
    use crate::events::source::kind::Kind;
    use std::path::PathBuf;

    fn files(paths: &[&str]) -> Vec<InputFile> {
        let file = |path: &&str| InputFile {
            path: PathBuf::from(path),
            hive: hive_columns(Path::new(path)),
            folder_kinds: None,
            object: None,
            table: None,
        };
        paths.iter().map(file).collect()
    }

    fn keep(condition: &str, paths: &[&str]) -> Result<(Vec<String>, u64), InputError> {
        let parsed = ParsedCondition::parse(condition).expect("a condition");
        let kept = FolderRules::new(Some(&parsed)).keep(files(paths))?;
        let paths = kept.files.iter().map(|file| file.path.to_string_lossy().into_owned()).collect();
        Ok((paths, kept.folders_ruled_out))
    }

    const DATES: [&str; 4] = ["d=2026-01-01/h=7/a", "d=2026-01-01/h=9/b", "d=2026-01-02/h=7/c", "d=2026-01-03/h=9/e"];

    #[test]
    fn parts_about_folders_alone_rule_files_out() {
        for (condition, expected, folders) in [
            ("d >= '2026-01-02'", &["d=2026-01-02/h=7/c", "d=2026-01-03/h=9/e"][..], 1),
            ("d = '2026-01-01' AND h > 7", &["d=2026-01-01/h=9/b"], 3),
            ("h > 7 AND x = 1", &["d=2026-01-01/h=9/b", "d=2026-01-03/h=9/e"], 2),
            ("(d <> '2026-01-02' OR h = 7) AND NOT (h = 9 AND d = '2026-01-03')", &DATES[..3], 1),
            // One that names something else says nothing by itself.
            ("d = '2026-01-01' OR x = 1", &DATES, 0),
            ("x = 1", &DATES, 0),
            ("TRUE", &DATES, 0),
        ] {
            let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
            assert_eq!(keep(condition, &DATES).expect(condition), (expected, folders), "{condition}");
        }
    }

    #[test]
    fn null_is_not_true_and_files_outside_of_such_folders_leave_all_in() {
        let paths = ["k=1/b", "k=__HIVE_DEFAULT_PARTITION__/c", "k=2/d"];
        assert_eq!(keep("k > 1", &paths).expect("some").0, ["k=2/d"]);
        assert_eq!(keep("k IS NULL", &paths).expect("some").0, ["k=__HIVE_DEFAULT_PARTITION__/c"]);
        // It may have a column `k` inside.
        let paths = ["a", "k=1/b", "k=2/d"];
        assert_eq!(keep("k > 1", &paths).expect("all"), (paths.map(str::to_string).to_vec(), 0));
        // Folders may stand in any order, and of two of one key the inner one holds.
        let paths = ["x=1/k=1/b", "k=2/c", "k=1/x=1/d", "k=1/k=2/e"];
        let expected = ["k=2/c", "k=1/k=2/e"].map(str::to_string).to_vec();
        assert_eq!(keep("k > 1", &paths).expect("some"), (expected, 2));
    }

    #[test]
    fn values_are_what_all_folders_hold() {
        // Text, by one of them, which is ruled out and yet known.
        let paths = ["k=12/a", "k=9/b", "k=9-beta/c"];
        assert_eq!(keep("k < '9-'", &paths).expect("some").0, ["k=12/a", "k=9/b"]);
        let parsed = ParsedCondition::parse("k < '9-'").expect("a condition");
        let kept = FolderRules::new(Some(&parsed)).keep(files(&paths)).expect("some");
        assert!(kept.files.iter().all(|file| file.kind_of_folder("k", Some("9")) == Some(Kind::Text)));
        let paths = ["y=1/m=01/a", "y=2/m=11/b", "y=2/m=12/c"];
        assert_eq!(keep("y = 2 AND m > '11'", &paths).expect("some").0, ["y=2/m=12/c"]);
        // What one part rules out, the next is not asked.
        let paths = ["k=abc/a", "k=12/b"];
        assert_eq!(keep("k <> 'abc' AND CAST(k AS INTEGER) > 3", &paths).expect("some").0, ["k=12/b"]);
    }

    #[test]
    fn that_nothing_is_left_is_an_error_with_the_folders() {
        let error = keep("d > '2027-01-01' AND n > 3", &DATES).expect_err("none is left").to_string();
        for part in ["d > '2027-01-01'", "all 3 folders", "from d=2026-01-01 to d=2026-01-03"] {
            assert!(error.contains(part), "{error}");
        }
        let error = keep("d > '2027-01-01' AND h > 3", &DATES[..1]).expect_err("none is left").to_string();
        assert!(error.contains("the only folder of the input, d=2026-01-01;"), "{error}");
    }
}
