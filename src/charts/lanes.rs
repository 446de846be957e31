//! Codes for what charts are told apart by: groups of sessions, and values of a segment `by` a column.

use std::borrow::Cow;
use std::sync::Arc;

use super::rows::Texts;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::Interner;

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

    /// The code of each row's text; no text has the code of the empty one, which no segment by a column has as a value.
    pub fn of_rows(&mut self, texts: &Texts) -> Vec<u32> {
        let mut known = vec![None; texts.distinct.len()];
        let code = |place: &u32| match known.get_mut(*place as usize) {
            Some(Some(code)) => *code,
            Some(unknown) => *unknown.insert(self.0.intern_text(texts.distinct.get(*place as usize))),
            None => self.of(""),
        };
        texts.places.iter().map(code).collect()
    }

    /// The code of a text, by its bytes.
    pub fn of_bytes(&mut self, text: &[u8]) -> u32 {
        self.0.intern_text(text)
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// The texts by code, as bytes.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        let texts = match self.0.keys() {
            KeyColumn::Text(texts) => texts.len(),
            KeyColumn::Int(_) => 0,
        };
        (0..texts).map(|code| self.0.keys().text(code).unwrap_or_default())
    }

    /// The texts by code.
    pub fn into_texts(self) -> Vec<String> {
        match self.0.into_keys() {
            KeyColumn::Text(texts) => texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect(),
            KeyColumn::Int(_) => Vec::new(),
        }
    }
}

/// The name of the group or lane of no values, of one column or of several.
pub fn no_value(columns: usize) -> String {
    match columns {
        0 | 1 => NO_VALUE.to_string(),
        several => format!("[{}]", vec![format!("\"{NO_VALUE}\""); several].join(",")),
    }
}

/// The groups that series keep which are grouped by one property.
#[derive(Debug, Default)]
pub struct Groups {
    /// Those kept, the largest first.
    kept: Vec<String>,
    codes: std::collections::HashMap<String, u32>,
    /// Whether there are more, which are one group.
    has_others: bool,
    /// Of how many columns each is a combination of values.
    columns: usize,
}

/// The group of sessions without a value.
pub const NO_VALUE: &str = "(none)";
/// The group of all sessions of groups that are not kept.
pub const OTHER: &str = "(other)";

/// A value as charts name its group: one that is spelled like the group of no value, or like that of all others where there
/// is one, has a backslash in front, and so has one that begins with such backslashes, so that all values keep names of
/// their own.
pub fn named(value: &str, has_others: bool) -> Cow<'_, str> {
    match value.trim_start_matches('\\') {
        NO_VALUE => Cow::Owned(format!("\\{value}")),
        OTHER if has_others => Cow::Owned(format!("\\{value}")),
        _ => Cow::Borrowed(value),
    }
}

impl Groups {
    /// Keeps the largest of these groups, ties by value; they come with their sizes, and are all but small ones of so many.
    /// Each is a value, or a combination of values of so many `columns`.
    pub fn largest(mut sizes: Vec<(String, i64)>, of: usize, top: usize, columns: usize) -> Self {
        sizes.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let has_others = of > top;
        sizes.truncate(top);
        let kept: Vec<String> = sizes.into_iter().map(|(group, _)| group).collect();
        let codes = kept.iter().cloned().zip(0..).collect();
        Groups { kept, codes, has_others, columns }
    }

    /// The code of a group: its place among those kept, and then the group of the others and that of
    /// sessions without a value.
    pub fn code(&self, value: Option<&str>) -> u32 {
        let kept = self.kept.len() as u32;
        match value {
            None => kept + 1,
            Some(value) => self.codes.get(value).copied().unwrap_or(kept),
        }
    }

    /// How many codes there are.
    pub fn codes(&self) -> u32 {
        self.kept.len() as u32 + 2
    }

    /// The codes of all groups, with their names, in order.
    pub fn names(&self) -> impl Iterator<Item = (u32, Cow<'_, str>)> {
        let others = self.kept.len() as u32;
        (0..=others + 1).filter(move |code| *code != others || self.has_others).map(|code| (code, self.name(code)))
    }

    /// The name of a code.
    pub fn name(&self, code: u32) -> Cow<'_, str> {
        match code as usize {
            // No combination is spelled like another group.
            code if code < self.kept.len() && self.columns > 1 => Cow::Borrowed(&self.kept[code]),
            code if code < self.kept.len() => named(&self.kept[code], self.has_others),
            code if code == self.kept.len() => Cow::Borrowed(OTHER),
            _ => Cow::Owned(no_value(self.columns)),
        }
    }
}

/// The groups of each series of a chart; series that are grouped by one property share them.
#[derive(Clone, Debug, Default)]
pub struct ChartGroups(Vec<Arc<Groups>>);

impl ChartGroups {
    /// Of each series, in order.
    pub fn new(of_series: Vec<Arc<Groups>>) -> Self {
        ChartGroups(of_series)
    }

    /// Those of a series, by its place; behind them the values that time is spent on.
    pub fn of(&self, series: usize) -> &Groups {
        &self.0[series]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_groups_are_kept_ties_by_value_and_the_others_are_one() {
        let sizes = [("b", 2), ("d", 5), ("a", 2), ("c", 1)].map(|(group, size)| (group.to_string(), size));
        let groups = Groups::largest(sizes.to_vec(), sizes.len(), 2, 1);
        let name = |value| groups.name(groups.code(value)).to_string();
        assert_eq!([Some("d"), Some("a"), Some("b"), Some("c"), None].map(name), ["d", "a", OTHER, OTHER, NO_VALUE]);
    }

    #[test]
    fn values_that_are_spelled_like_other_groups_have_names_of_their_own() {
        let values = ["(none)", "(other)", "\\(none)", "\\\\(none)", "none", "(none) ", "\\", "\\none"];
        let sizes = || values.map(|value| (value.to_string(), 2)).into_iter();
        let groups =
            Groups::largest(sizes().chain([("z".to_string(), 1)]).collect(), values.len() + 1, values.len(), 1);
        let names = values.map(|value| groups.name(groups.code(Some(value))).into_owned());
        let expected = ["\\(none)", "\\(other)", "\\\\(none)", "\\\\\\(none)", "none", "(none) ", "\\", "\\none"];
        assert_eq!(names, expected);
        assert_eq!([None, Some("z")].map(|value| groups.name(groups.code(value)).into_owned()), [NO_VALUE, OTHER]);
        let all = Groups::largest(sizes().collect(), values.len(), values.len(), 1);
        assert_eq!(all.name(all.code(Some("(other)"))), OTHER);
    }
}
