//! The derived columns of an input.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::events::predicate::Conjunct;
use crate::job::derived::Expressions;

/// A column that is made of others of its row.
#[derive(Clone, Debug)]
pub struct DerivedColumn {
    /// Its name.
    pub name: String,
    /// The expression, as the job has it.
    pub text: String,
    /// The expression, over columns that exist.
    pub value: Conjunct,
    /// Its expression and those of the derived columns that it is made of.
    pub expressions: Arc<Expressions>,
}

impl DerivedColumn {
    /// The columns that it is made of, derived ones among them.
    pub fn made_of(&self) -> impl Iterator<Item = &str> {
        self.value.uses.values().filter_map(|used| used.column.file_column())
    }
}

/// The derived columns of an input, each after those that it is made of.
#[derive(Clone, Debug, Default)]
pub struct DerivedColumns(Vec<DerivedColumn>);

impl DerivedColumns {
    /// These and one more.
    pub fn and(&self, column: DerivedColumn) -> Self {
        DerivedColumns(self.0.iter().cloned().chain([column]).collect())
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &DerivedColumn> {
        self.0.iter()
    }

    /// The one of a name.
    pub fn get(&self, name: &str) -> Option<&DerivedColumn> {
        self.0.iter().find(|column| column.name == name)
    }

    /// Those among some columns, and those that these are made of, each after what it is made of.
    pub fn needed_for(&self, columns: &[String]) -> Vec<&DerivedColumn> {
        let named: Vec<&DerivedColumn> = columns.iter().filter_map(|name| self.get(name)).collect();
        let is_needed =
            |column: &&DerivedColumn| named.iter().any(|named| named.expressions.contains_key(&column.name));
        self.0.iter().filter(is_needed).collect()
    }

    /// The columns of files that some columns are, or are made of, in ascending order.
    pub fn in_files(&self, columns: &[String]) -> Vec<String> {
        let needed = self.needed_for(columns);
        let names = columns.iter().map(String::as_str).chain(needed.iter().flat_map(|column| column.made_of()));
        let in_files: BTreeSet<&str> = names.filter(|name| self.get(name).is_none()).collect();
        in_files.into_iter().map(str::to_string).collect()
    }
}
