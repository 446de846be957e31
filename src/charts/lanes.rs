//! Codes for what charts are told apart by: groups of sessions, and values of a segment `by` a column.

use super::rows::Texts;
use crate::sessionize::columns::KeyColumn;
use crate::sessionize::intern::Interner;

/// Texts as codes, in the order in which they come.
#[derive(Debug)]
pub struct Codes(Interner);

impl Default for Codes {
    fn default() -> Self {
        Codes(Interner::of_text())
    }
}

impl Codes {
    /// The code of a text.
    pub fn of(&mut self, text: &str) -> u32 {
        self.0.intern_text(text.as_bytes())
    }

    /// The code of each row's text; no text is an empty one.
    pub fn of_rows(&mut self, texts: &Texts) -> Vec<u32> {
        let mut known = vec![None; texts.distinct.len()];
        let code = |place: &u32| match known.get_mut(*place as usize) {
            Some(Some(code)) => *code,
            Some(unknown) => *unknown.insert(self.0.intern_text(texts.distinct.get(*place as usize))),
            None => self.of(""),
        };
        texts.places.iter().map(code).collect()
    }

    /// The texts by code.
    pub fn into_texts(self) -> Vec<String> {
        match self.0.into_keys() {
            KeyColumn::Text(texts) => texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect(),
            KeyColumn::Int(_) => Vec::new(),
        }
    }
}

/// The groups that a chart keeps.
#[derive(Debug, Default)]
pub struct Groups {
    /// Those kept, the largest first.
    kept: Vec<String>,
    codes: std::collections::HashMap<String, u32>,
}

/// The group of sessions without a value.
pub const NO_VALUE: &str = "(none)";
/// The group of all sessions of groups that are not kept.
pub const OTHER: &str = "(other)";

impl Groups {
    /// Keeps the largest of these groups, ties by value; they come with their sizes. A value that has the name of one of
    /// the groups that are always there belongs to that one.
    pub fn largest(mut sizes: Vec<(String, i64)>, top: usize) -> Self {
        sizes.retain(|(group, _)| group != NO_VALUE && group != OTHER);
        sizes.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        sizes.truncate(top);
        let kept: Vec<String> = sizes.into_iter().map(|(group, _)| group).collect();
        let codes = kept.iter().cloned().zip(0..).collect();
        Groups { kept, codes }
    }

    /// The code of a group: its place among those kept, and then the group of the others and that of
    /// sessions without a value.
    pub fn code(&self, value: Option<&str>) -> u32 {
        let kept = self.kept.len() as u32;
        match value {
            None | Some(NO_VALUE) => kept + 1,
            Some(value) => self.codes.get(value).copied().unwrap_or(kept),
        }
    }

    /// The name of a code.
    pub fn name(&self, code: u32) -> &str {
        match code as usize {
            code if code < self.kept.len() => &self.kept[code],
            code if code == self.kept.len() => OTHER,
            _ => NO_VALUE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_groups_are_kept_ties_by_value_and_the_others_are_one() {
        let sizes = [("b", 2), ("d", 5), ("a", 2), ("c", 1)].map(|(group, size)| (group.to_string(), size));
        let groups = Groups::largest(sizes.to_vec(), 2);
        let name = |value| groups.name(groups.code(value)).to_string();
        assert_eq!([Some("(none)"), Some("(other)")].map(name), [NO_VALUE, OTHER]);
        assert_eq!([Some("d"), Some("a"), Some("b"), Some("c"), None].map(name), ["d", "a", OTHER, OTHER, NO_VALUE]);
    }
}
