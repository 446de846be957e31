//! Which rows of a batch pass the condition of a job.

use arrow::array::{AsArray, BooleanArray};
use arrow::buffer::BooleanBuffer;
use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::known::{KnownConditions, Seen};
use crate::events::bridge;
use crate::events::bridge::one_line;
use crate::events::error::InputError;
use crate::events::normalise::error::ProjectError;

/// A condition over files of one schema.
#[derive(Clone, Debug)]
pub enum Filter {
    /// One that we compute.
    Known(KnownConditions),
    /// One that polars computes.
    Polars(PolarsFilter),
}

/// What polars computes to know which rows pass.
#[derive(Clone, Debug)]
pub struct PolarsFilter {
    /// The columns of the file that it looks at.
    pub columns: Vec<String>,
    /// The columns of the condition that are no whole columns of the file.
    pub made: Vec<Expr>,
    /// The condition.
    pub condition: Expr,
}

impl Filter {
    /// The columns of the file that polars looks at.
    pub fn polars_columns(&self) -> &[String] {
        match self {
            Filter::Known(_) => &[],
            Filter::Polars(filter) => &filter.columns,
        }
    }

    /// The columns of the file that it looks at.
    pub fn columns(&self) -> Vec<String> {
        match self {
            Filter::Known(known) => known.columns().map(str::to_string).collect(),
            Filter::Polars(filter) => filter.columns.clone(),
        }
    }

    /// Which rows pass; what is null there does not.
    ///
    /// # Errors
    /// The condition fails on a value.
    pub fn passing(&self, batch: &RecordBatch, seen: &mut Seen) -> Result<BooleanArray, ProjectError> {
        match self {
            Filter::Known(known) => {
                let answers = known.answers(batch, seen);
                let passes: Vec<bool> = answers.by_code.iter().map(|answers| *answers != 0).collect();
                let row = |row| passes[answers.codes[row] as usize];
                Ok(BooleanBuffer::collect_bool(answers.codes.len(), row).into())
            }
            Filter::Polars(filter) => filter.passing(batch),
        }
    }
}

impl PolarsFilter {
    fn passing(&self, batch: &RecordBatch) -> Result<BooleanArray, ProjectError> {
        const NAME: &str = "dwell passes";
        let unreadable = |error: PolarsError| InputError::Unreadable { reason: one_line(&error) };
        let rows = bridge::frame_of(batch, &self.columns, &self.made).map_err(unreadable)?;
        let passing = rows.lazy().with_columns([self.condition.clone().alias(NAME)]).collect();
        let passing = passing.map_err(|error| ProjectError::Condition(one_line(&error)))?;
        let passing = passing.column(NAME).and_then(|passing| bridge::to_arrow(passing.as_materialized_series()));
        let passing = passing.map_err(unreadable)?;
        let no_truths = || InputError::Unreadable { reason: "the condition is neither true nor false".to_string() };
        Ok(passing.as_boolean_opt().cloned().ok_or_else(no_truths)?)
    }
}
