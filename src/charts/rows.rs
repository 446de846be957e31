//! The rows of one file of a table as plain columns, each of them made once for all who ask for it.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::error::ArrowError;

use crate::events::error::InputError;
use crate::events::predicate::over_rows::RowCondition;
use crate::sessionize::layout::columns::{KeyColumn, TextColumn};
use crate::sessionize::layout::hash::hash_word;
use crate::sessionize::layout::intern::Interner;
use crate::sessionize::time::written::{date_text, time_text};
use crate::sessionize::time::Span;
use crate::tables::error::TableError;
use crate::tables::read::read_row_group;

/// The column of users.
pub const USER: &str = "user_id";

/// Some columns of the rows of a file.
#[derive(Debug)]
pub struct FileRows {
    path: PathBuf,
    rows: RecordBatch,
    ints: HashMap<String, Arc<Vec<i64>>>,
    texts: HashMap<String, Arc<Texts>>,
}

/// Texts as places among the distinct ones.
#[derive(Debug)]
pub struct Texts {
    /// The place of each row's text; [`Texts::NONE`] where it has none.
    pub places: Vec<u32>,
    /// The distinct texts.
    pub distinct: Arc<TextColumn>,
}

impl FileRows {
    /// Reads some columns of a file.
    ///
    /// # Errors
    /// The file cannot be read, or has no such column.
    pub fn read(path: &Path, columns: &BTreeSet<String>) -> Result<Self, TableError> {
        FileRows::read_row_group(path, None, columns)
    }

    /// The same of one row group; of all of them where it is none.
    ///
    /// # Errors
    /// As [`FileRows::read`].
    pub fn read_row_group(
        path: &Path,
        row_group: Option<usize>,
        columns: &BTreeSet<String>,
    ) -> Result<Self, TableError> {
        let rows = read_row_group(path, row_group, columns)?;
        Ok(FileRows::of(path, rows))
    }

    /// Rows of a file that were read otherwise.
    pub fn of(path: &Path, rows: RecordBatch) -> Self {
        FileRows { path: path.to_path_buf(), rows, ints: HashMap::new(), texts: HashMap::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.num_rows()
    }

    /// All that was read.
    pub fn batch(&self) -> &RecordBatch {
        &self.rows
    }

    /// A column as it was read.
    ///
    /// # Errors
    /// There is no such column.
    pub fn column(&self, name: &str) -> Result<&ArrayRef, TableError> {
        self.rows.column_by_name(name).ok_or_else(|| self.failed(format!("it has no column `{name}`")))
    }

    /// A column of numbers, of dates as days or of times as microseconds; 0 where there is none.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn ints(&mut self, name: &str) -> Result<Arc<Vec<i64>>, TableError> {
        if let Some(known) = self.ints.get(name) {
            return Ok(Arc::clone(known));
        }
        let numbers = self.numbers::<Int64Type>(name)?;
        let all = Arc::new(match numbers.nulls() {
            None => numbers.values().to_vec(),
            Some(_) => numbers.iter().map(Option::unwrap_or_default).collect(),
        });
        self.ints.insert(name.to_string(), Arc::clone(&all));
        Ok(all)
    }

    /// A column of numbers with fractions; 0 where there is none.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn floats(&self, name: &str) -> Result<Vec<f64>, TableError> {
        Ok(self.numbers::<Float64Type>(name)?.iter().map(Option::unwrap_or_default).collect())
    }

    /// A column as numbers of one type.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn numbers<T: ArrowPrimitiveType>(&self, name: &str) -> Result<PrimitiveArray<T>, TableError> {
        let mut column = Arc::clone(self.column(name)?);
        if *column.data_type() == DataType::Date32 {
            column = cast(&column, &DataType::Int32).map_err(|error| self.failed(format!("`{name}`: {error}")))?;
        }
        let column = cast(&column, &T::DATA_TYPE).map_err(|error| self.failed(format!("`{name}`: {error}")))?;
        Ok(column.as_primitive::<T>().clone())
    }

    /// A column as texts, whatever it holds.
    ///
    /// # Errors
    /// There is no such column.
    pub fn texts(&mut self, name: &str) -> Result<Arc<Texts>, TableError> {
        if let Some(known) = self.texts.get(name) {
            return Ok(Arc::clone(known));
        }
        let texts = written(self.column(name)?).map_err(|error| self.failed(format!("`{name}`: {error}")))?;
        let texts = Arc::new(Texts::of(&texts));
        self.texts.insert(name.to_string(), Arc::clone(&texts));
        Ok(texts)
    }

    /// A column of lists, as the texts of all their values, and where those of each row begin and the last ones end.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn lists(&self, name: &str) -> Result<(Texts, Vec<usize>), TableError> {
        let column = self.column(name)?;
        let lists = column.as_list_opt::<i32>().ok_or_else(|| self.failed(format!("`{name}` holds no lists")))?;
        let texts = written(lists.values()).map_err(|error| self.failed(format!("`{name}`: {error}")))?;
        Ok((Texts::of(&texts), lists.value_offsets().iter().map(|offset| *offset as usize).collect()))
    }

    /// A column of lists of numbers, or of times as microseconds: those of all rows, and where those of each row begin and the
    /// last ones end.
    ///
    /// # Errors
    /// There is no such column, or it holds something else.
    pub fn int_lists(&self, name: &str) -> Result<(Vec<i64>, Vec<usize>), TableError> {
        let column = self.column(name)?;
        let lists = column.as_list_opt::<i32>().ok_or_else(|| self.failed(format!("`{name}` holds no lists")))?;
        let values =
            cast(lists.values(), &DataType::Int64).map_err(|error| self.failed(format!("`{name}`: {error}")))?;
        let values = values.as_primitive::<Int64Type>().values().to_vec();
        Ok((values, lists.value_offsets().iter().map(|offset| *offset as usize).collect()))
    }

    /// Whether a condition holds, row by row; null where that is unknown.
    ///
    /// # Errors
    /// A column of it was not read; it cannot be computed of a value.
    pub fn truths(&self, condition: &RowCondition) -> Result<BooleanArray, InputError> {
        condition.truths(&self.rows)
    }

    /// The users, as they are.
    ///
    /// # Errors
    /// There is no such column.
    pub fn users(&mut self) -> Result<KeyColumn, TableError> {
        if self.column(USER)?.data_type().is_integer() {
            return Ok(KeyColumn::Int(self.ints(USER)?.to_vec()));
        }
        let texts = written(self.column(USER)?).map_err(|error| self.failed(format!("`{USER}`: {error}")))?;
        // Ids are about this long.
        let mut users = TextColumn::with_capacity(texts.len(), texts.len() * 12);
        texts.iter().for_each(|user| users.push(user.unwrap_or_default().as_bytes()));
        Ok(KeyColumn::Text(users))
    }

    fn failed(&self, reason: String) -> TableError {
        TableError::Read { path: self.path.clone(), reason }
    }
}

/// The values of a column of a table as text: dates and times as the calendar has them, numbers as short as they are
/// exact.
fn written(column: &ArrayRef) -> Result<StringViewArray, ArrowError> {
    Ok(match column.data_type() {
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            days.iter().map(|day| Some(date_text(i64::from(day?)))).collect()
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let times = column.as_primitive::<TimestampMicrosecondType>();
            times.iter().map(|time| Some(format!("{}+00:00", time_text(time?, Span::DAY.micros())))).collect()
        }
        DataType::Float64 => {
            let mut digits = zmij::Buffer::new();
            let floats = column.as_primitive::<Float64Type>();
            StringViewArray::from_iter(floats.iter().map(|float| Some(digits.format(float?).to_string())))
        }
        _ => cast(column, &DataType::Utf8View)?.as_string_view().clone(),
    })
}

impl Texts {
    /// The place of no text.
    pub const NONE: u32 = u32::MAX;

    fn of(column: &StringViewArray) -> Self {
        let mut distinct = Interner::of_text();
        let mut places = Vec::with_capacity(column.len());
        add_places(column, &mut distinct, &mut places);
        let distinct = match distinct.into_keys() {
            KeyColumn::Text(texts) => texts,
            KeyColumn::Int(_) => TextColumn::default(),
        };
        Texts { places, distinct: Arc::new(distinct) }
    }

    /// The distinct texts.
    pub fn distinct(&self) -> impl ExactSizeIterator<Item = &str> {
        // All came out of columns of text.
        self.distinct.iter().map(|text| std::str::from_utf8(text).unwrap_or_default())
    }

    /// The text of a row.
    pub fn get(&self, row: usize) -> Option<&str> {
        self.at(self.places[row])
    }

    /// The text at a place.
    pub fn at(&self, place: u32) -> Option<&str> {
        let is_some = (place as usize) < self.distinct.len();
        is_some.then(|| std::str::from_utf8(self.distinct.get(place as usize)).unwrap_or_default())
    }
}

/// Adds the places of a column's texts. Texts that repeat mostly come from a dictionary, and equal views of it are
/// equal texts: those met last are not looked at again.
fn add_places(column: &StringViewArray, distinct: &mut Interner, places: &mut Vec<u32>) {
    const LAST: usize = 256;
    let mut last: [Option<(u128, u32)>; LAST] = [None; LAST];
    for row in 0..column.len() {
        if !column.is_valid(row) {
            places.push(Texts::NONE);
            continue;
        }
        let view = column.views()[row];
        let met = &mut last[hash_word(view) as usize % LAST];
        places.push(match met {
            Some((known, place)) if *known == view => *place,
            _ => {
                let place = distinct.intern_text(column.value(row).as_bytes());
                *met = Some((view, place));
                place
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::compute::concat;

    #[test]
    fn texts_are_told_apart_wherever_they_lie() {
        let long = |end: &str| format!("longer than what a view has room for: {end}");
        let all: Vec<Option<String>> = (0..2_000)
            .map(|row: usize| {
                (!row.is_multiple_of(7)).then(|| {
                    if row.is_multiple_of(2) {
                        long(&(row % 300).to_string())
                    } else {
                        (row % 11).to_string()
                    }
                })
            })
            .collect();
        let column = |texts: &[Option<String>]| -> ArrayRef {
            Arc::new(texts.iter().map(Option::as_deref).collect::<StringViewArray>())
        };
        let column = concat(&[&column(&all[..900]), &column(&all[900..])]).expect("of one type");
        let column = column.as_string_view();
        let texts = Texts::of(column);
        let found: Vec<Option<String>> = (0..all.len()).map(|row| texts.get(row).map(str::to_string)).collect();
        assert_eq!(found, all);
        let known: std::collections::BTreeSet<&String> = all.iter().flatten().collect();
        assert_eq!(texts.distinct.len(), known.len(), "each once");
    }
}
