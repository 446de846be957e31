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
//! Folders are asked level by level, the outermost first, and what is below one that is ruled out is not looked at any more: not
//! for what the values of folders are, either. So nothing depends on whether it was listed.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use polars::prelude::*;

use super::columns::Columns;
use super::hive::{hive_kind, FolderKinds};
use super::input_file::InputFile;
use super::kind::Kind;
use crate::events::error::InputError;
use crate::events::normalise::extract::folder_values;
use crate::events::predicate::typed::typed;
use crate::events::predicate::{condition_error, condition_problem, printed, ColumnUse, ParsedCondition};

/// The parts of a condition that may be about folders alone.
#[derive(Debug, Default)]
pub struct FolderRules {
    /// Each with the names in it.
    parts: Vec<(ParsedCondition, BTreeSet<String>)>,
}

/// The files that stay.
#[derive(Debug)]
pub struct KeptFiles {
    /// In the order in which they were found.
    pub files: Vec<InputFile>,
    /// How many folders the condition rules out. One inside of another is not counted.
    pub folders_ruled_out: u64,
}

/// The folders on the way to a file down to some level.
type Way<'f> = &'f [(String, Option<String>)];

impl FolderRules {
    /// Those of a condition.
    pub fn new(condition: Option<&ParsedCondition>) -> Self {
        let parts = condition.map(ParsedCondition::parts).unwrap_or_default();
        let named = parts.into_iter().map(|part| {
            let names = part.names().into_iter().collect::<BTreeSet<_>>();
            (part, names)
        });
        FolderRules { parts: named.filter(|(_, names)| !names.is_empty()).collect() }
    }

    /// Whether one of them is about folders of this key, if there are such.
    pub fn name(&self, key: &str) -> bool {
        self.parts.iter().any(|(_, names)| names.contains(key))
    }

    /// Which folders are not ruled out, of all those directly in one folder. `None` where what their values hold is not the same of
    /// all of them: then it is told by those alone that have files.
    ///
    /// # Errors
    /// A part of the condition that cannot be computed.
    pub fn stays(&self, ways: &[Vec<(String, Option<String>)>]) -> Result<Option<Vec<bool>>, InputError> {
        let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
        for (key, value) in ways.iter().flatten() {
            let Some(kind) = value.as_deref().map(hive_kind) else { continue };
            if *kinds.entry(key).or_insert_with(|| kind.clone()) != kind {
                return Ok(None);
            }
        }
        let ways: Vec<Way<'_>> = ways.iter().map(Vec::as_slice).collect();
        Ok(Some(self.ask(&ways)?.stays))
    }

    /// Takes the files away whose folders are ruled out. A part of the condition rules out where all files are in folders of the
    /// keys that it names; those of tables are in none, whatever their folders are called.
    ///
    /// # Errors
    /// A part of the condition that cannot be computed; no file stays.
    pub fn keep(&self, files: Vec<InputFile>) -> Result<KeptFiles, InputError> {
        let ways: Vec<Way<'_>> =
            files.iter().map(|file| if file.table.is_some() { &[][..] } else { &file.hive }).collect();
        let Asked { stays, kinds, ruled_out, .. } = self.ask(&ways)?;
        if ruled_out.is_empty() {
            return Ok(KeptFiles { files, folders_ruled_out: 0 });
        }
        if !stays.contains(&true) {
            return Err(self.all_ruled_out(&ruled_out));
        }
        let folders_ruled_out = ruled_out.len() as u64;
        let kinds = Some(Arc::new(kinds));
        let kept = files.into_iter().zip(stays).filter(|(_, stays)| *stays);
        let files = kept.map(|(file, _)| InputFile { folder_kinds: kinds.clone(), ..file }).collect();
        Ok(KeptFiles { files, folders_ruled_out })
    }

    /// Asks all folders, level by level.
    fn ask<'f>(&self, ways: &[Way<'f>]) -> Result<Asked<'f>, InputError> {
        let mut asked = Asked { stays: vec![true; ways.len()], ..Asked::default() };
        for level in 0..ways.iter().map(|way| way.len()).max().unwrap_or_default() {
            self.ask_level(ways, level, &mut asked)?;
        }
        Ok(asked)
    }

    /// Asks the folders down to one level, of the files that stay so far, what can be known now and could not further up.
    fn ask_level<'f>(&self, ways: &[Way<'f>], level: usize, asked: &mut Asked<'f>) -> Result<(), InputError> {
        let down_to = |file: usize| -> Way<'f> { &ways[file][..ways[file].len().min(level + 1)] };
        let new = |file: &usize| asked.stays[*file] && ways[*file].len() > level;
        let keys: Vec<&(String, Option<String>)> = (0..ways.len()).filter(new).map(|file| &ways[file][level]).collect();
        keys.into_iter().for_each(|folder| note_kind(&mut asked.kinds, folder));
        for (number, (part, names)) in self.parts.iter().enumerate() {
            if asked.parts.contains(&number) {
                continue;
            }
            let left: Vec<usize> = (0..ways.len()).filter(|file| asked.stays[*file]).collect();
            let value = |way: Way<'f>, name: &String| {
                way.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_deref())
            };
            let mut files_of: BTreeMap<Vec<Option<&str>>, Vec<usize>> = BTreeMap::new();
            let mut all_are_known = true;
            for file in left {
                match names.iter().map(|name| value(down_to(file), name)).collect::<Option<Vec<_>>>() {
                    Some(values) => files_of.entry(values).or_default().push(file),
                    // It may have a column of the name inside, which then means that in all files.
                    None => all_are_known = false,
                }
            }
            if !all_are_known || files_of.is_empty() {
                continue;
            }
            asked.parts.insert(number);
            let values: Vec<&Vec<Option<&str>>> = files_of.keys().collect();
            let passing = passing(part, names, &values, &asked.kinds)?;
            for file in files_of.values().zip(passing).filter(|(_, passes)| !passes).flat_map(|(files, _)| files) {
                asked.stays[*file] = false;
                asked.ruled_out.insert(down_to(*file));
            }
        }
        Ok(())
    }

    fn all_ruled_out(&self, folders: &BTreeSet<Way<'_>>) -> InputError {
        let name = |way: Way<'_>| {
            let name =
                |(key, value): &(String, Option<String>)| format!("{key}={}", value.as_deref().unwrap_or("null"));
            way.iter().map(name).collect::<Vec<_>>().join("/")
        };
        InputError::FoldersRuledOut {
            condition: self.parts.first().map(|(part, _)| printed(part.text())).unwrap_or_default(),
            folders: folders.iter().map(|way| name(way)).collect(),
        }
    }
}

/// What is known so far.
#[derive(Default)]
struct Asked<'f> {
    /// The parts of the condition that all folders have been asked.
    parts: BTreeSet<usize>,
    /// Of each file whether it stays.
    stays: Vec<bool>,
    kinds: FolderKinds,
    /// The folders that are ruled out.
    ruled_out: BTreeSet<Way<'f>>,
}

/// Folders of one key hold integers or dates only where all of them do.
fn note_kind(kinds: &mut FolderKinds, (key, value): &(String, Option<String>)) {
    let Some(kind) = value.as_deref().map(hive_kind) else { return };
    match kinds.get_mut(key) {
        Some(known) if *known != kind => *known = Kind::Text,
        Some(_) => {}
        None => drop(kinds.insert(key.clone(), kind)),
    }
}

/// For each row of values of some folders whether a part of a condition holds.
fn passing(
    part: &ParsedCondition,
    names: &BTreeSet<String>,
    rows: &[&Vec<Option<&str>>],
    kinds: &FolderKinds,
) -> Result<Vec<bool>, InputError> {
    const PASSES: &str = "dwell passes";
    let failed = |error: PolarsError| condition_error(part.text(), &error);
    let kind_of = |name: &String| (name.clone(), kinds.get(name).cloned().unwrap_or(Kind::Text));
    let condition = part.resolve(&Columns::of_folder_kinds(names.iter().map(kind_of).collect()))?;
    let places: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
    let mut passes = vec![true; rows.len()];
    for conjunct in condition.parts() {
        let column = |(name, used): (&String, &ColumnUse)| {
            let place = places.get(used.column.spelled.as_str()).copied().unwrap_or_default();
            folder_values(name, rows.iter().map(|row| row[place]), &used.column.kind)
        };
        let columns: Vec<Column> = conjunct.uses.iter().map(column).collect();
        let frame = DataFrame::new(rows.len(), columns).map_err(failed)?.lazy();
        let schema = frame.clone().collect_schema().map_err(failed)?;
        let test = typed(&conjunct.sql, &schema).map_err(|problem| condition_problem(part.text(), &problem))?;
        let answers = frame.with_columns([test.expr.alias(PASSES)]).collect().map_err(failed)?;
        let answers = answers.column(PASSES).and_then(|answers| answers.bool().cloned()).map_err(failed)?;
        passes.iter_mut().zip(answers.iter()).for_each(|(passes, answer)| *passes &= answer == Some(true));
    }
    Ok(passes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::source::hive::hive_columns;
    use std::path::{Path, PathBuf};

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
        // Folders may stand in any order.
        let paths = ["x=1/k=1/b", "k=2/c", "k=1/x=1/d"];
        assert_eq!(keep("k > 1", &paths).expect("some"), (vec!["k=2/c".to_string()], 2));
    }

    #[test]
    fn values_are_what_all_folders_that_are_looked_at_hold() {
        // Text, by one of them, which is ruled out and yet known.
        let paths = ["k=12/a", "k=9/b", "k=9-beta/c"];
        assert_eq!(keep("k < '9-'", &paths).expect("some").0, ["k=12/a", "k=9/b"]);
        let parsed = ParsedCondition::parse("k < '9-'").expect("a condition");
        let kept = FolderRules::new(Some(&parsed)).keep(files(&paths)).expect("some");
        assert!(kept.files.iter().all(|file| file.kind_of_folder("k", Some("9")) == Some(Kind::Text)));
        // Below one that is ruled out nothing is looked at.
        let paths = ["y=1/m=x/a", "y=2/m=7/b", "y=2/m=12/c"];
        assert_eq!(keep("y = 2 AND m > 9", &paths).expect("some").0, ["y=2/m=12/c"]);
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
