//! The groups of the rows of a file: the values of a column, combinations of several columns', or each value of a list, in which
//! case a row is in several groups.

use std::sync::Arc;

use super::combined::{combinations, texts_of};
use super::rows::{FileRows, Texts};
use crate::tables::error::TableError;

/// A column that sessions are grouped by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupColumn {
    /// Its name.
    pub name: String,
    /// Whether it holds lists.
    pub is_list: bool,
}

/// The groups of each row.
#[derive(Debug)]
pub struct RowGroups {
    /// The groups of all rows, one row after the other.
    texts: Arc<Texts>,
    /// Where those of each row begin, and where the last ones end; `None` where each has one.
    bounds: Option<Vec<usize>>,
}

impl RowGroups {
    /// The groups of a file by these columns, of which one may be of lists.
    ///
    /// # Errors
    /// The file lacks a column.
    pub fn of(file: &mut FileRows, columns: &[GroupColumn]) -> Result<Self, TableError> {
        let Some(list) = columns.iter().find(|column| column.is_list) else {
            let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
            return Ok(RowGroups { texts: texts_of(file, &names)?, bounds: None });
        };
        let (items, offsets) = file.lists(&list.name)?;
        let (mut bounds, mut places, mut rows) = (vec![0], Vec::new(), Vec::new());
        for row in 0..file.len() {
            let own = &items.places[offsets[row]..offsets[row + 1]];
            // Without a value, a row is in the group of none.
            places.extend_from_slice(if own.is_empty() { &[Texts::NONE] } else { own });
            rows.resize(places.len(), row);
            bounds.push(places.len());
        }
        let of_items = Arc::new(Texts { places, distinct: items.distinct });
        let texts = match columns {
            [_] => of_items,
            several => {
                let of_column = |column: &GroupColumn| match column.is_list {
                    true => Ok(Arc::clone(&of_items)),
                    false => file.texts(&column.name).map(|texts| {
                        let places = rows.iter().map(|row| texts.places[*row]).collect();
                        Arc::new(Texts { places, distinct: Arc::clone(&texts.distinct) })
                    }),
                };
                let all = several.iter().map(of_column).collect::<Result<Vec<_>, TableError>>()?;
                Arc::new(combinations(rows.len(), &all))
            }
        };
        Ok(RowGroups { texts, bounds: Some(bounds) })
    }

    /// Some rows with the codes of their groups, each row as often as it has codes; of `None`, all rows.
    pub fn coded(&self, rows: Option<Vec<u32>>, code: impl Fn(Option<&str>) -> u32) -> (Option<Vec<u32>>, Vec<u32>) {
        let of: Vec<u32> = self.texts.distinct().map(|value| code(Some(value))).collect();
        let none = code(None);
        let code = |place: u32| of.get(place as usize).copied().unwrap_or(none);
        let places = &self.texts.places;
        let Some(bounds) = &self.bounds else {
            let codes = match &rows {
                Some(rows) => rows.iter().map(|row| code(places[*row as usize])).collect(),
                None => places.iter().map(|place| code(*place)).collect(),
            };
            return (rows, codes);
        };
        let (mut repeated, mut codes, mut own) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.unwrap_or_else(|| (0..bounds.len() as u32 - 1).collect()) {
            own.clear();
            own.extend(places[bounds[row as usize]..bounds[row as usize + 1]].iter().map(|place| code(*place)));
            own.sort_unstable();
            // Several values of one group count once.
            own.dedup();
            repeated.resize(repeated.len() + own.len(), row);
            codes.extend_from_slice(&own);
        }
        (Some(repeated), codes)
    }

    /// How many of some rows, of `None` all, are in each group; those without a value in none.
    pub fn sizes(&self, rows: Option<&[u32]>) -> impl Iterator<Item = (&str, i64)> {
        let mut counts = vec![0; self.texts.distinct.len()];
        let mut add = |places: &[u32]| {
            places.iter().filter(|place| **place != Texts::NONE).for_each(|place| counts[*place as usize] += 1);
        };
        match (rows, &self.bounds) {
            (None, _) => add(&self.texts.places),
            (Some(rows), None) => rows.iter().for_each(|row| add(&self.texts.places[*row as usize..=*row as usize])),
            (Some(rows), Some(bounds)) => {
                rows.iter()
                    .map(|row| *row as usize)
                    .for_each(|row| add(&self.texts.places[bounds[row]..bounds[row + 1]]));
            }
        }
        self.texts.distinct().zip(counts).filter(|(_, count)| *count > 0)
    }
}
