//! Few rows among many: those that have one of some keys in one of some columns.
//!
//! Row groups that cannot have one are told by the statistics in their footers and by their bloom filters. Of the others
//! the columns with keys are decoded, and of the rest only what is in rows that have one.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowPredicate, ArrowPredicateFn, RowFilter};
use parquet::basic::Type;
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::ParquetMetaData;

use super::read::OpenFile;
use crate::events::source::bounds::Range;
use crate::events::source::columns::{ColumnRef, Source};
use crate::events::source::footer::Footer;
use crate::events::source::kind::Kind;
use crate::sessionize::layout::columns::KeyColumn;

/// Keys to look for: as the kernel has users and session ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// Numbers.
    Ints(BTreeSet<i64>),
    /// Texts.
    Texts(BTreeSet<Vec<u8>>),
}

impl Keys {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Keys::Ints(keys) => keys.len(),
            Keys::Texts(keys) => keys.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a key of a column of their kind.
    pub fn add(&mut self, column: &KeyColumn, row: usize) {
        match (self, column) {
            (Keys::Ints(keys), KeyColumn::Int(values)) => {
                keys.insert(values[row]);
            }
            (Keys::Texts(keys), KeyColumn::Text(values)) => {
                keys.insert(values.get(row).to_vec());
            }
            // A run's users are of one kind.
            _ => {}
        }
    }

    /// Whether a key of a column is one of them.
    pub fn has(&self, column: &KeyColumn, row: usize) -> bool {
        match (self, column) {
            (Keys::Ints(keys), KeyColumn::Int(values)) => keys.contains(&values[row]),
            (Keys::Texts(keys), KeyColumn::Text(values)) => keys.contains(values.get(row)),
            _ => false,
        }
    }

    /// Whether a value of a column by role, which is not null, is one of them.
    pub fn holds(&self, values: &ArrayRef, row: usize) -> bool {
        match self {
            Keys::Ints(keys) => values.as_primitive_opt::<Int64Type>().is_some_and(|v| keys.contains(&v.value(row))),
            Keys::Texts(keys) => values.as_string_view_opt().is_some_and(|v| keys.contains(v.value(row).as_bytes())),
        }
    }
}

/// What to look for.
#[derive(Clone, Debug)]
pub struct Lookup<'a> {
    columns: Vec<&'a ColumnRef>,
    keys: &'a Keys,
}

/// What a column of a file has to hold.
#[derive(Clone, Debug)]
enum Held {
    /// It has none of the keys, in no row.
    Nothing,
    /// Whole values, as they are in the file.
    Values(Arc<InFile>),
    /// It cannot be told before its values are made.
    Untold,
}

/// Keys as a column of a file holds them, in ascending order.
#[derive(Clone, Debug)]
enum InFile {
    Ints(BTreeSet<i64>),
    Bytes(BTreeSet<Vec<u8>>),
}

/// With more keys than this, bloom filters are not asked: one of so many is likely to be everywhere.
const MOST_FOR_BLOOM: usize = 64;

impl<'a> Lookup<'a> {
    /// Rows in which one of these columns holds one of the keys.
    pub fn new(columns: Vec<&'a ColumnRef>, keys: &'a Keys) -> Self {
        Lookup { columns, keys }
    }

    /// The row groups among `groups` of a file that may have such a row.
    pub fn may_hold(&self, file: &OpenFile<'_>, footer: &Footer, groups: &[usize]) -> Vec<usize> {
        let held: Vec<(Option<usize>, Held)> =
            self.columns.iter().map(|column| (leaf_of(file.metadata(), column), self.held(column, footer))).collect();
        let may_hold = |number: &usize| held.iter().any(|(leaf, held)| column_may_hold(file, *number, *leaf, held));
        groups.iter().copied().filter(may_hold).collect()
    }

    /// Lets the rows pass that have one of the keys in one of the columns; `None` where that cannot be told before
    /// columns are made of the file's.
    pub fn row_filter(&self, file: &OpenFile<'_>, footer: &Footer) -> Option<RowFilter> {
        let mut columns: Vec<(String, Arc<InFile>)> = Vec::new();
        for column in &self.columns {
            match self.held(column, footer) {
                Held::Nothing => {}
                Held::Values(values) => columns.push((column.file_column()?.to_string(), values)),
                Held::Untold => return None,
            }
        }
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let mask = file.columns(&names);
        let test = move |rows: RecordBatch| -> Result<BooleanArray, ArrowError> {
            let mut any = vec![false; rows.num_rows()];
            for (name, values) in &columns {
                if let Some(column) = rows.column_by_name(name) {
                    values.mark(column, &mut any)?;
                }
            }
            Ok(BooleanArray::from(any))
        };
        let predicate: Box<dyn ArrowPredicate> = Box::new(ArrowPredicateFn::new(mask, test));
        Some(RowFilter::new(vec![predicate]))
    }

    fn held(&self, column: &ColumnRef, footer: &Footer) -> Held {
        let name = match &column.source {
            Source::File { column, path: None } => column,
            Source::File { .. } => return Held::Untold,
            Source::Hive => return self.held_by_folder(column, footer),
        };
        if footer.schema.derived.get(name).is_some() {
            return Held::Untold;
        }
        let Some(kind) = footer.schema.kind(name) else { return Held::Nothing };
        let values = match (kind, self.keys) {
            (Kind::Null, _) => return Held::Nothing,
            (Kind::Int | Kind::UInt64, Keys::Ints(keys)) => InFile::Ints(keys.clone()),
            // Numbers that are read as text are spelled in one way.
            (Kind::Int | Kind::UInt64, Keys::Texts(keys)) => {
                let number = |key: &Vec<u8>| {
                    let text = std::str::from_utf8(key).ok()?;
                    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
                };
                // Unsigned ones may be larger.
                if *kind == Kind::UInt64 {
                    return Held::Untold;
                }
                InFile::Ints(keys.iter().filter_map(number).collect())
            }
            (Kind::Text | Kind::Binary, Keys::Texts(keys)) => InFile::Bytes(keys.clone()),
            (Kind::Uuid, Keys::Texts(keys)) => InFile::Bytes(keys.iter().filter_map(|key| uuid_bytes(key)).collect()),
            _ => return Held::Untold,
        };
        if values.is_empty() {
            return Held::Nothing;
        }
        Held::Values(Arc::new(values))
    }

    /// A folder's name is the value of all of its rows.
    fn held_by_folder(&self, column: &ColumnRef, footer: &Footer) -> Held {
        let value = footer.file.hive.iter().find(|(key, _)| *key == column.spelled);
        let Some(value) = value.and_then(|(_, value)| value.as_deref()) else { return Held::Nothing };
        let is_one = match (&column.kind, self.keys) {
            (Kind::Int, Keys::Ints(keys)) => value.parse().is_ok_and(|number| keys.contains(&number)),
            (Kind::Int, Keys::Texts(keys)) => {
                value.parse::<i64>().is_ok_and(|number| keys.contains(number.to_string().as_bytes()))
            }
            (Kind::Text, Keys::Texts(keys)) => keys.contains(value.as_bytes()),
            _ => true,
        };
        if is_one {
            Held::Untold
        } else {
            Held::Nothing
        }
    }
}

impl InFile {
    fn is_empty(&self) -> bool {
        match self {
            InFile::Ints(keys) => keys.is_empty(),
            InFile::Bytes(keys) => keys.is_empty(),
        }
    }

    /// Marks the rows that hold one of them.
    fn mark(&self, column: &ArrayRef, any: &mut [bool]) -> Result<(), ArrowError> {
        match self {
            InFile::Ints(keys) => {
                let numbers = cast(column, &DataType::Int64)?;
                let numbers = numbers.as_primitive::<Int64Type>();
                for (row, number) in numbers.iter().enumerate() {
                    any[row] |= number.is_some_and(|number| keys.contains(&number));
                }
            }
            InFile::Bytes(keys) => {
                let only = keys.first().filter(|_| keys.len() == 1);
                let holds = |value: &[u8]| only.map_or_else(|| keys.contains(value), |only| only == value);
                if let Some(texts) = column.as_string_view_opt() {
                    for (row, text) in texts.iter().enumerate() {
                        any[row] |= text.is_some_and(|text| holds(text.as_bytes()));
                    }
                } else {
                    let bytes = cast(column, &DataType::BinaryView)?;
                    for (row, bytes) in bytes.as_binary_view().iter().enumerate() {
                        any[row] |= bytes.is_some_and(&holds);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether one of them may lie within the bounds of a row group.
    fn meets(&self, range: &Range) -> bool {
        match (self, range) {
            (InFile::Ints(keys), Range::Int(min, max)) => keys.range(min..=max).next().is_some(),
            (InFile::Ints(keys), Range::UInt(min, max)) => {
                let within = |key: &i64| u64::try_from(*key).is_ok_and(|key| (*min..=*max).contains(&key));
                keys.iter().any(within)
            }
            (InFile::Bytes(keys), Range::Bytes(min, max)) => keys.iter().any(|key| min <= key && key <= max),
            _ => true,
        }
    }

    /// Whether a bloom filter lets one of them pass.
    fn passes(&self, filter: &Sbbf, is_32_bits: bool) -> bool {
        match self {
            // Large unsigned ones are negative here, and in the filter.
            InFile::Ints(keys) if is_32_bits => keys.iter().any(|key| filter.check(&(*key as i32))),
            InFile::Ints(keys) => keys.iter().any(|key| filter.check(key)),
            InFile::Bytes(keys) => keys.iter().any(|key| filter.check(key.as_slice())),
        }
    }

    fn len(&self) -> usize {
        match self {
            InFile::Ints(keys) => keys.len(),
            InFile::Bytes(keys) => keys.len(),
        }
    }
}

fn column_may_hold(file: &OpenFile<'_>, number: usize, leaf: Option<usize>, held: &Held) -> bool {
    let values = match held {
        Held::Nothing => return false,
        Held::Untold => return true,
        Held::Values(values) => values,
    };
    let Some(leaf) = leaf else { return true };
    if file.range(number, leaf).is_some_and(|range| !values.meets(&range)) {
        return false;
    }
    if values.len() > MOST_FOR_BLOOM {
        return true;
    }
    let is_32_bits = file.metadata().row_group(number).column(leaf).column_type() == Type::INT32;
    file.bloom_filter(number, leaf).is_none_or(|filter| values.passes(&filter, is_32_bits))
}

fn leaf_of(metadata: &ParquetMetaData, column: &ColumnRef) -> Option<usize> {
    let name = column.file_column()?;
    let leaves = metadata.file_metadata().schema_descr().columns();
    leaves.iter().position(|leaf| leaf.path().parts().len() == 1 && leaf.path().parts()[0] == name)
}

/// The sixteen bytes of a UUID in its usual spelling; any other text is none.
fn uuid_bytes(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    let digits: String = text.chars().filter(|sign| *sign != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32)?;
    let bytes = number.to_be_bytes();
    (crate::events::normalise::texts::uuid_text(bytes) == text).then(|| bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rule_out_what_lies_outside_of_them() {
        let ints = |numbers: &[i64], range| InFile::Ints(numbers.iter().copied().collect()).meets(&range);
        assert!(ints(&[5], Range::Int(5, 9)) && ints(&[1, 9], Range::Int(5, 9)));
        assert!(!ints(&[4, 10], Range::Int(5, 9)) && !ints(&[400], Range::Int(-1, 9)));
        assert!(ints(&[-1, 9], Range::UInt(9, u64::MAX)) && !ints(&[-1, 8], Range::UInt(9, u64::MAX)));
        let bounds = Range::Bytes(b"b".to_vec(), b"d".to_vec());
        let holds = |key: &str| InFile::Bytes(BTreeSet::from([key.as_bytes().to_vec()])).meets(&bounds);
        assert_eq!(["a", "b", "c", "d", "da", ""].map(holds), [false, true, true, true, false, false]);
    }

    #[test]
    fn uuids_are_found_by_their_usual_spelling_and_no_other() {
        let spelled = "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff";
        assert_eq!(uuid_bytes(spelled.as_bytes()), Some((0xF0u8..=0xFF).collect()));
        for other in ["F0F1F2F3-F4F5-F6F7-F8F9-FAFBFCFDFEFF", "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "", "ann"] {
            assert_eq!(uuid_bytes(other.as_bytes()), None, "{other}");
        }
    }
}
