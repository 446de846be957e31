//! `COALESCE`, `GREATEST` and `LEAST`, which pass over null; what is not a number is greater than all numbers.
//!
//! Polars' own `coalesce` makes constants narrower than they are typed here and then fails on them.

use std::cmp::Ordering;

use polars::prelude::*;

use super::numbers::{decimals, Exact};
use super::rows::{computed, floats, height, ints, texts, Floats, Ints, Texts};

/// Which of some values is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The first.
    First,
    /// The largest.
    Greatest,
    /// The smallest.
    Least,
}

impl Choice {
    fn of<T>(self, mut values: impl Iterator<Item = T>, order: impl Fn(&T, &T) -> Ordering) -> Option<T> {
        match self {
            Choice::First => values.next(),
            Choice::Greatest => values.max_by(order),
            Choice::Least => values.min_by(order),
        }
    }
}

/// One of some values, all of them of one type.
pub fn chosen(which: Choice, values: Vec<Expr>, dtype: DataType) -> Expr {
    computed(values, dtype.clone(), move |columns| {
        let rows = height(columns);
        match &dtype {
            DataType::String => {
                let columns = columns.iter().map(Texts::of).collect::<PolarsResult<Vec<_>>>()?;
                let all = |row| which.of(columns.iter().filter_map(|column| column.at(row)), Ord::cmp);
                Ok(texts(rows, all))
            }
            DataType::Float32 | DataType::Float64 => {
                let columns = columns.iter().map(Floats::of).collect::<PolarsResult<Vec<_>>>()?;
                let all = |row| which.of(columns.iter().filter_map(|column| column.at(row)), in_order);
                floats(rows, all).cast(&dtype)
            }
            DataType::UInt64 | DataType::Decimal(..) => {
                let columns = columns.iter().map(Exact::of).collect::<PolarsResult<Vec<_>>>()?;
                let scale = columns.first().map_or(0, |column| column.scale);
                let all = |row| which.of(columns.iter().filter_map(|column| column.at(row)), Ord::cmp);
                decimals(rows, scale, |row| Ok(all(row)))?.cast(&dtype)
            }
            dtype => {
                let columns = columns.iter().map(Ints::of).collect::<PolarsResult<Vec<_>>>()?;
                let all = |row| which.of(columns.iter().filter_map(|column| column.at(row)), Ord::cmp);
                let chosen = ints(rows, all);
                match dtype {
                    DataType::Date => chosen.cast(&DataType::Int32)?.cast(dtype),
                    other => chosen.cast(other),
                }
            }
        }
    })
}

fn in_order(left: &f64, right: &f64) -> Ordering {
    left.partial_cmp(right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}
