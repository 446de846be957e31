//! The columns of the output: those that are found, or those that are named.

use serde::{Deserialize, Serialize};

use super::event_line::ColumnIndex;
use super::kinds::{Kind, Seen};
use crate::job::JobError;

/// A column of the output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Whether it has whole numbers that no floating one is equal to.
    pub wide: bool,
}

/// The columns that are asked for by `--columns`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Those that are named, each with what it is to hold.
    named: Vec<(String, Option<Kind>)>,
    /// Whether all others are wanted, too.
    others: bool,
}

impl Default for Wanted {
    /// All that are found.
    fn default() -> Self {
        Wanted { named: Vec::new(), others: true }
    }
}

impl Wanted {
    /// Reads a list like `user_id:text,plan,*`.
    ///
    /// # Errors
    /// A name that is empty or comes twice, a type that there is none of.
    pub fn parse(list: &str) -> Result<Self, JobError> {
        let mut wanted = Wanted { named: Vec::new(), others: false };
        for part in list.split(',').map(str::trim) {
            let bad = |hint: String| JobError::Choice { key: "--columns", value: part.to_string(), hint };
            if part == "*" {
                wanted.others = true;
                continue;
            }
            let (name, kind) = match part.rsplit_once(':') {
                None => (part, None),
                Some((name, word)) => {
                    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == word);
                    let all = Kind::ALL.map(Kind::name).join(", ");
                    (name, Some(kind.ok_or_else(|| bad(format!("the types are {all}")))?))
                }
            };
            if name.is_empty() {
                return Err(bad("name columns like user_id:text,plan,* (* stands for all others)".to_string()));
            }
            if wanted.named.iter().any(|(known, _)| known == name) {
                return Err(bad("it is named twice: once is enough".to_string()));
            }
            wanted.named.push((name.to_string(), kind));
        }
        Ok(wanted)
    }

    /// What columns are looked for.
    pub fn index(&self, time: &str) -> ColumnIndex {
        if self.others {
            return ColumnIndex::open();
        }
        let named = self.named.iter().map(|(name, _)| name.clone()).filter(|name| name != time);
        ColumnIndex::of(std::iter::once(time.to_string()).chain(named))
    }

    /// The first that is named and none of these columns.
    pub fn missing(&self, columns: &[Column]) -> Option<&str> {
        let is_there = |name: &str| columns.iter().any(|column| column.name == name);
        self.named.iter().map(|(name, _)| name.as_str()).find(|name| !is_there(name))
    }

    /// What a column is to hold; `None` where that is to be found.
    fn kind(&self, name: &str) -> Option<Kind> {
        self.named.iter().find(|(known, _)| known == name).and_then(|(_, kind)| *kind)
    }

    /// The columns of `before` and those that have been seen since, with what holds all of their values. The column of the
    /// time is always wanted; a column without any value is none.
    pub fn columns(&self, before: &[Column], seen: &[(String, Seen)], time: &str) -> Vec<Column> {
        let mut columns = before.to_vec();
        for (name, seen) in seen {
            let is_wanted = self.others || name == time || self.named.iter().any(|(known, _)| known == name);
            let Some(kind) = seen.kind.filter(|_| is_wanted) else { continue };
            let given = self.kind(name).filter(|_| name != time);
            match (columns.iter_mut().find(|column| column.name == *name), given) {
                (Some(_), Some(_)) => {}
                (Some(column), None) => {
                    let both = Seen { kind: Some(column.kind), wide: column.wide }.and(*seen);
                    (column.kind, column.wide) = (both.kind.unwrap_or(kind), both.wide);
                }
                (None, given) => {
                    columns.push(Column { name: name.clone(), kind: given.unwrap_or(kind), wide: seen.wide });
                }
            }
        }
        columns
    }
}

/// What was seen in several files, in the order of the files.
pub fn together<'s>(files: impl Iterator<Item = &'s [(String, Seen)]>) -> Vec<(String, Seen)> {
    let mut all: Vec<(String, Seen)> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for (name, seen) in files.flatten() {
        let place = *places.entry(name.as_str()).or_insert_with(|| {
            all.push((name.clone(), Seen::default()));
            all.len() - 1
        });
        all[place].1 = all[place].1.and(*seen);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_columns_names_types_and_maybe_all_others() {
        let seen = [("a", Kind::Int64), ("b", Kind::Bool), ("t", Kind::Timestamp)]
            .map(|(name, kind)| (name.to_string(), Seen::of(kind)));
        let columns = |list: &str| {
            let columns = Wanted::parse(list).expect(list).columns(&[], &seen, "t");
            columns.iter().map(|column| format!("{}:{}", column.name, column.kind.name())).collect::<Vec<_>>()
        };
        assert_eq!(columns("b"), ["b:bool", "t:timestamp"]);
        assert_eq!(columns("a:text, *"), ["a:text", "b:bool", "t:timestamp"]);
        assert_eq!(columns("t:text"), ["t:timestamp"]);
        for bad in ["", "a,a", "a:number", ":text", "a,"] {
            assert!(Wanted::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn columns_of_before_stay_and_widen() {
        let before = [Column { name: "a".to_string(), kind: Kind::Int64, wide: true }];
        let seen = [("a".to_string(), Seen::of(Kind::Float64)), ("none".to_string(), Seen::default())];
        let columns = Wanted::default().columns(&before, &seen, "t");
        assert_eq!(columns, [Column { name: "a".to_string(), kind: Kind::Text, wide: true }]);
    }
}
