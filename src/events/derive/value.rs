//! What a derived column is over the files of a schema: its type, and how it is computed.

use std::collections::BTreeSet;

use arrow::array::{new_null_array, Array, ArrayRef};
use arrow::compute::cast;
use arrow::datatypes::DataType as ArrowType;
use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::columns::DerivedColumn;
use crate::events::bridge;
use crate::events::bridge::one_line;
use crate::events::error::InputError;
use crate::events::normalise::error::ProjectError;
use crate::events::normalise::extract::made_of;
use crate::events::predicate::typed::value;
use crate::events::predicate::{condition_error, condition_problem};
use crate::events::source::footer::Footer;

/// How messages name a derived column.
pub fn key_of(name: &str) -> String {
    format!("`input.derive.{name}`")
}

/// A derived column as polars computes it of the rows of files of one schema.
#[derive(Clone, Debug)]
pub struct DerivedValue {
    /// The columns that it looks at, as far as the files have them.
    pub columns: Vec<String>,
    /// The type of its values.
    pub data_type: ArrowType,
    name: String,
    text: String,
    /// Columns of it that are no whole columns of the files.
    made: Vec<Expr>,
    expr: Expr,
}

impl DerivedValue {
    /// A derived column over files like this one.
    ///
    /// # Errors
    /// An expression that does not fit the types of the files, with its position.
    pub fn over(column: &DerivedColumn, footer: &Footer) -> Result<Self, InputError> {
        Self::typed(column, footer).map_err(|error| error.asked_by(&key_of(&column.name)))
    }

    fn typed(column: &DerivedColumn, footer: &Footer) -> Result<Self, InputError> {
        let failed = |error: PolarsError| condition_error(&column.text, &error);
        let columns: BTreeSet<&str> = column.made_of().filter(|name| footer.schema.kind(name).is_some()).collect();
        let columns: Vec<String> = columns.into_iter().map(str::to_string).collect();
        let made: Vec<Expr> = made_of(column.value.uses.iter(), footer).into_values().collect();
        let types = || -> PolarsResult<SchemaRef> {
            let rows = footer.schema.no_rows(&columns)?.lazy();
            let mut rows = if made.is_empty() { rows } else { rows.with_columns(made.clone()) };
            rows.collect_schema()
        };
        let types = types().map_err(failed)?;
        let (expr, dtype) =
            value(&column.value.sql, &types).map_err(|problem| condition_problem(&column.text, &problem))?;
        let data_type = match dtype {
            DataType::Null => ArrowType::Null,
            dtype => bridge::to_arrow(&Series::new_empty("".into(), &dtype)).map_err(failed)?.data_type().clone(),
        };
        Ok(DerivedValue { columns, data_type, name: column.name.clone(), text: column.text.clone(), made, expr })
    }

    /// Its values in the rows of a batch that has what it looks at.
    ///
    /// # Errors
    /// It cannot be computed of a value.
    pub fn of_rows(&self, batch: &RecordBatch) -> Result<ArrayRef, ProjectError> {
        self.computed(batch).map_err(|reason| {
            let (of, condition) = (key_of(&self.name), self.text.clone());
            ProjectError::Facts { of, condition, reason }
        })
    }

    fn computed(&self, batch: &RecordBatch) -> Result<ArrayRef, String> {
        const NAME: &str = "dwell derived";
        if self.data_type == ArrowType::Null {
            return Ok(new_null_array(&ArrowType::Null, batch.num_rows()));
        }
        let failed = |error: PolarsError| one_line(&error);
        let rows = bridge::frame_of(batch, &self.columns, &self.made).map_err(failed)?;
        let rows = rows.lazy().with_columns([self.expr.clone().alias(NAME)]).collect().map_err(failed)?;
        let values = rows.column(NAME).map_err(failed)?.as_materialized_series();
        let values = bridge::to_arrow(values).map_err(failed)?;
        match *values.data_type() == self.data_type {
            true => Ok(values),
            false => cast(&values, &self.data_type).map_err(|error| error.to_string()),
        }
    }
}
