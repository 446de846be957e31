//! Conditions: `input.where`, and those of charts and segments.
//!
//! [`parsed`] reads SQL and looks its columns up, [`typed`] fits what results to the types of a file, with the
//! patterns of [`like`] made plain. How it is computed is decided in one place, [`compile`]: what consists of columns
//! compared with constants becomes a [`formula`] of ours, the rest is left to polars, which knows all of SQL. The
//! formulas of a run are [`known`] together: each value of a column is [`placed`] among the constants that it is
//! compared with, and from the places of a row, all answers are looked up at once.

#[cfg(test)]
mod agreement;
pub mod compile;
pub mod formula;
pub mod known;
pub mod like;
pub mod parsed;
pub mod placed;
pub mod typed;

pub use parsed::{condition_error, ColumnUse, Condition, Conjunct, ParsedCondition};
