//! The values of the columns that a definition watches (`new_on_change`), as the events of a partition have them.

use super::facts::{FactLayout, FactTable};
use super::layout::columns::KeyColumn;

/// The distinct combinations of watched values in a partition, which events name by their places.
#[derive(Debug, Default)]
pub struct WatchedTable {
    table: FactTable,
    /// For each column, the place of the empty text, where there is one.
    empty: Vec<Option<i64>>,
}

impl WatchedTable {
    /// From the distinct keys, which have the values of `layout` and nothing else.
    pub fn new(layout: &FactLayout, keys: Option<KeyColumn>) -> Self {
        let Some(KeyColumn::Text(keys)) = keys else { return WatchedTable::default() };
        let table = FactTable::new(layout, &keys);
        let empty_of = |column: usize| {
            let texts = table.texts(column)?;
            // They ascend: it is the first, if it is there.
            (!texts.is_empty() && texts.get(0).is_empty()).then_some(0)
        };
        let empty = (0..layout.values.len()).map(empty_of).collect();
        WatchedTable { table, empty }
    }

    /// How many columns are watched.
    pub fn columns(&self) -> usize {
        self.empty.len()
    }

    /// An event's value in a column, as a number that orders as values do; `None` for null and empty.
    pub fn value(&self, column: usize, place: u32) -> Option<i64> {
        self.table.value(column, place).filter(|value| Some(*value) != self.empty[column])
    }

    /// The values of an event and of a repeat of it as those of one event: of each column the smallest.
    pub fn merged(&self, stays: u32, repeat: u32) -> u32 {
        self.table.merged(stays, repeat)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::facts::{FactKind, FactWriter};
    use crate::sessionize::layout::columns::TextColumn;

    #[test]
    fn null_and_empty_are_no_values_and_repeats_take_the_smallest_of_each_column() {
        let layout = FactLayout { values: vec![FactKind::Text, FactKind::Number], ..FactLayout::default() };
        let mut keys = TextColumn::default();
        let mut writer = FactWriter::default();
        for (text, number) in [(None, Some(3)), (Some(""), None), (Some("b"), Some(1)), (Some("a"), Some(2))] {
            writer.clear();
            writer.text(text.map(str::as_bytes));
            writer.number(number);
            keys.push(writer.bytes());
        }
        let table = WatchedTable::new(&layout, Some(KeyColumn::Text(keys)));
        assert_eq!([0, 1, 2, 3].map(|place| table.value(0, place).is_some()), [false, false, true, true]);
        assert_eq!([0, 1, 2, 3].map(|place| table.value(1, place)), [Some(3), None, Some(1), Some(2)]);
        let both = table.merged(2, 3);
        assert_eq!((table.value(0, both), table.value(1, both)), (table.value(0, 3), Some(1)));
        assert_eq!(table.value(0, table.merged(2, 1)), None);
        assert_eq!(WatchedTable::default().columns(), 0);
    }
}
