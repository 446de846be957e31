//! Conditions: `input.where`, and those of charts and segments.
//!
//! [`parsed`] reads SQL, refuses what is not of our [`language`] and looks the columns up; [`typed`] gives each part of it
//! the type that it has in a file, and makes an expression of it: with [`constant`]s of the very types of columns, and
//! with functions of ours where polars means something else than DuckDB by them ([`numbers`], [`texts`], [`like`],
//! [`clocks`], [`casts`], [`chosen`], all by [`rows`]). What is a [`column_test`] beside other ones is one by the same step:
//! by these, [`prune`] rules row groups out, and [`compile`] decides that a condition is computed as a [`formula`] of ours; the
//! rest is left to polars. The formulas
//! of a run are [`known`] together: each value of a column is [`placed`] among the constants that it is compared with,
//! and from the places of a row, all answers are looked up at once. Conditions of declared columns and charts over columns of a
//! session are computed [`over_rows`] of its table.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod answers;
pub mod casts;
pub mod chosen;
pub mod clocks;
pub mod column_test;
pub mod compile;
pub mod constant;
pub mod filter;
pub mod formula;
pub mod interval;
pub mod known;
pub mod language;
pub mod like;
pub mod numbers;
pub mod over_rows;
pub mod parsed;
pub mod placed;
pub mod prune;
pub mod rows;
pub mod texts;
pub mod typed;

pub use parsed::{condition_error, condition_problem, printed, ColumnUse, Condition, Conjunct, ParsedCondition};
