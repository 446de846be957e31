//! The rows of one file of a table as plain columns, each of them made once for all who ask for it.

use std::collections::HashMap;
use std::sync::Arc;

use polars::prelude::*;
use polars_arrow::array::{Array, Utf8ViewArray};

use super::segments::USER;
use crate::events::normalise::convert::text_of;
use crate::sessionize::layout::columns::{KeyColumn, TextColumn};
use crate::sessionize::layout::hash::hash_word;
use crate::sessionize::layout::intern::Interner;

/// Some columns of the rows of a file.
#[derive(Debug)]
pub struct FileRows {
    frame: DataFrame,
    ints: HashMap<String, Arc<Vec<i64>>>,
    texts: HashMap<String, Arc<Texts>>,
}

/// Texts as places among the distinct ones.
#[derive(Debug)]
pub struct Texts {
    /// The place of each row's text; [`Texts::NONE`] where it has none.
    pub places: Vec<u32>,
    /// The distinct texts.
    pub distinct: TextColumn,
}

impl FileRows {
    /// Of a file that was read.
    pub fn new(frame: DataFrame) -> Self {
        FileRows { frame, ints: HashMap::new(), texts: HashMap::new() }
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.frame.height()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a column's values are.
    ///
    /// # Errors
    /// There is no such column.
    pub fn data_type(&self, name: &str) -> PolarsResult<&DataType> {
        Ok(self.frame.column(name)?.dtype())
    }

    /// A column of numbers; 0 where there is none.
    ///
    /// # Errors
    /// There is no such column.
    pub fn ints(&mut self, name: &str) -> PolarsResult<Arc<Vec<i64>>> {
        if let Some(known) = self.ints.get(name) {
            return Ok(Arc::clone(known));
        }
        let column = self.frame.column(name)?.to_physical_repr().cast(&DataType::Int64)?;
        let mut all = Vec::with_capacity(column.len());
        for chunk in column.i64()?.downcast_iter() {
            match chunk.validity() {
                None => all.extend_from_slice(chunk.values()),
                Some(_) => all.extend(chunk.iter().map(|value| value.copied().unwrap_or_default())),
            }
        }
        let all = Arc::new(all);
        self.ints.insert(name.to_string(), Arc::clone(&all));
        Ok(all)
    }

    /// A column of numbers with fractions; 0 where there is none.
    ///
    /// # Errors
    /// There is no such column.
    pub fn floats(&self, name: &str) -> PolarsResult<Vec<f64>> {
        let column = self.frame.column(name)?.cast(&DataType::Float64)?;
        Ok(column.f64()?.iter().map(Option::unwrap_or_default).collect())
    }

    /// A column as texts, whatever it holds.
    ///
    /// # Errors
    /// There is no such column.
    pub fn texts(&mut self, name: &str) -> PolarsResult<Arc<Texts>> {
        if let Some(known) = self.texts.get(name) {
            return Ok(Arc::clone(known));
        }
        let texts = text_of(self.frame.column(name)?.as_materialized_series())?;
        let texts = Arc::new(Texts::of(&texts));
        self.texts.insert(name.to_string(), Arc::clone(&texts));
        Ok(texts)
    }

    /// The users, as they are.
    ///
    /// # Errors
    /// There is no such column.
    pub fn users(&mut self) -> PolarsResult<KeyColumn> {
        if self.data_type(USER)?.is_integer() {
            return Ok(KeyColumn::Int(self.ints(USER)?.to_vec()));
        }
        let column = self.frame.column(USER)?.cast(&DataType::String)?;
        let texts = column.str()?;
        // Ids are about this long.
        let mut users = TextColumn::with_capacity(texts.len(), texts.len() * 12);
        texts.iter().for_each(|user| users.push(user.unwrap_or_default().as_bytes()));
        Ok(KeyColumn::Text(users))
    }

    /// Of each row, whether a condition holds.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn holds(&self, condition: Expr) -> PolarsResult<Vec<bool>> {
        const HOLDS: &str = "dwell holds";
        // A column of its own, so that what is the same for all rows is said of each.
        let asked = self.frame.clone().lazy().with_columns([condition.alias(HOLDS)]).select([col(HOLDS)]);
        let answers = asked.collect_with_engine(Engine::InMemory)?.unwrap_single();
        Ok(answers.column(HOLDS)?.bool()?.iter().map(|holds| holds == Some(true)).collect())
    }
}

impl Texts {
    /// The place of no text.
    pub const NONE: u32 = u32::MAX;

    fn of(column: &StringChunked) -> Self {
        let mut distinct = Interner::of_text();
        let mut places = Vec::with_capacity(column.len());
        column.downcast_iter().for_each(|chunk| add_places(chunk, &mut distinct, &mut places));
        let distinct = match distinct.into_keys() {
            KeyColumn::Text(texts) => texts,
            KeyColumn::Int(_) => TextColumn::default(),
        };
        Texts { places, distinct }
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

/// Adds the places of a chunk's texts. Texts that repeat mostly come from a dictionary, and equal views of it are
/// equal texts: those met last are not looked at again.
fn add_places(chunk: &Utf8ViewArray, distinct: &mut Interner, places: &mut Vec<u32>) {
    const LAST: usize = 256;
    let mut last: [Option<(u128, u32)>; LAST] = [None; LAST];
    for row in 0..chunk.len() {
        if !chunk.is_valid(row) {
            places.push(Texts::NONE);
            continue;
        }
        let view = chunk.views()[row].as_u128();
        let met = &mut last[hash_word(view) as usize % LAST];
        places.push(match met {
            Some((known, place)) if *known == view => *place,
            _ => {
                let place = distinct.intern_text(chunk.value(row).as_bytes());
                *met = Some((view, place));
                place
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let mut column = StringChunked::from_iter(all[..900].iter().map(Option::as_deref));
        column.append(&StringChunked::from_iter(all[900..].iter().map(Option::as_deref))).expect("of one type");
        let texts = Texts::of(&column);
        let found: Vec<Option<String>> = (0..all.len()).map(|row| texts.get(row).map(str::to_string)).collect();
        assert_eq!(found, all);
        let known: std::collections::BTreeSet<&String> = all.iter().flatten().collect();
        assert_eq!(texts.distinct.len(), known.len(), "each once");
    }
}
