//! A condition over the rows of a table of ours: the columns of a session (SPEC 4).

use std::collections::BTreeSet;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType as ArrowType, Schema};
use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::typed::typed;
use super::{condition_error, condition_problem, ColumnUse, ParsedCondition};
use crate::events::bridge;
use crate::events::bridge::one_line;
use crate::events::decode::decoded::{decoded, settled};
use crate::events::error::InputError;
use crate::events::normalise::extract::made_of;
use crate::events::source::columns::Columns;
use crate::events::source::footer::{FileSchema, Footer};

/// A condition over columns of a table, of three values: it holds, it does not, or it is unknown.
#[derive(Clone, Debug)]
pub struct RowCondition {
    text: String,
    /// Who asks for it, in words.
    asked_by: String,
    /// The columns that it looks at.
    columns: Vec<String>,
    /// Columns of it that are no whole columns of the table.
    made: Vec<Expr>,
    expr: Expr,
}

const NAME: &str = "dwell holds";

impl RowCondition {
    /// Over a table of these columns; `asked_by` says who asks, for messages.
    ///
    /// # Errors
    /// What is no condition, names a column that the table does not have, or does not fit the types of columns.
    pub fn new(text: &str, schema: &Schema, asked_by: &str) -> Result<Self, InputError> {
        Self::over(text, schema, asked_by).map_err(|error| error.asked_by(asked_by))
    }

    fn over(text: &str, schema: &Schema, asked_by: &str) -> Result<Self, InputError> {
        let fields = schema.fields().iter();
        let fields = fields.map(|field| (field.name().clone(), type_in_memory(field.data_type())));
        let footers = [Footer::of_stream(FileSchema::of(fields.collect()))];
        let footer = &footers[0];
        let condition = ParsedCondition::parse(text)?.resolve(&Columns::of(&footers))?;
        let columns: BTreeSet<String> =
            condition.columns().filter_map(|column| column.file_column()).map(str::to_string).collect();
        let columns: Vec<String> = columns.into_iter().collect();
        let uses: Vec<(&String, &ColumnUse)> = condition.parts().flat_map(|part| &part.uses).collect();
        let made: Vec<Expr> = made_of(uses.into_iter(), footer).into_values().collect();
        let types = || -> PolarsResult<SchemaRef> {
            let rows = footer.schema.no_rows(&columns)?.lazy();
            let mut rows = if made.is_empty() { rows } else { rows.with_columns(made.clone()) };
            rows.collect_schema()
        };
        let types = types().map_err(|error| condition_error(text, &error))?;
        let parts = condition.parts().map(|part| typed(&part.sql, &types).map(|typed| typed.expr));
        let parts: Vec<Expr> = parts.collect::<Result<_, _>>().map_err(|problem| condition_problem(text, &problem))?;
        let expr = parts.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true));
        Ok(RowCondition { text: text.to_string(), asked_by: asked_by.to_string(), columns, made, expr })
    }

    /// The columns that it looks at.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Whether it holds, row by row; null where that is unknown. `rows` has the columns that it looks at.
    ///
    /// # Errors
    /// It cannot be computed of a value.
    pub fn truths(&self, rows: &RecordBatch) -> Result<BooleanArray, InputError> {
        self.computed(rows).map_err(|reason| {
            let condition = self.text.clone();
            InputError::ChartConditionFails { of: self.asked_by.clone(), path: "sessions".into(), reason, condition }
        })
    }

    fn computed(&self, rows: &RecordBatch) -> Result<BooleanArray, String> {
        let column = |name: &String| -> Result<(String, ArrayRef), String> {
            let column = rows.column_by_name(name).ok_or_else(|| format!("the rows have no column `{name}`"))?;
            let values = cast(column, &type_in_memory(column.data_type())).map_err(|error| error.to_string())?;
            Ok((name.clone(), values))
        };
        let columns: Vec<(String, ArrayRef)> = self.columns.iter().map(column).collect::<Result<_, _>>()?;
        let batch = match columns.is_empty() {
            true => rows.clone(),
            false => RecordBatch::try_from_iter(columns).map_err(|error| error.to_string())?,
        };
        let failed = |error: PolarsError| one_line(&error);
        let frame = bridge::frame_of(&batch, &self.columns, &self.made).map_err(failed)?;
        let answered = frame.lazy().with_columns([self.expr.clone().alias(NAME)]).collect().map_err(failed)?;
        let answers = answered.column(NAME).and_then(|answers| {
            let truths = answers.as_materialized_series().cast(&DataType::Boolean)?;
            bridge::to_arrow(&truths)
        });
        let answers = answers.map_err(failed)?;
        answers.as_boolean_opt().cloned().ok_or_else(|| "it is neither true nor false".to_string())
    }
}

/// The type in which conditions know the values of a table's column.
fn type_in_memory(of: &ArrowType) -> ArrowType {
    settled(&decoded(of, of))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{DictionaryArray, Int64Array, LargeStringArray, UInt32Array};
    use arrow::datatypes::Int32Type;
    use std::sync::Arc;

    fn rows() -> RecordBatch {
        let words: DictionaryArray<Int32Type> = [Some("a"), None, Some("b")].into_iter().collect();
        let columns: [(&str, ArrayRef); 4] = [
            ("length_ms", Arc::new(Int64Array::from(vec![5, 6, 7]))),
            ("first_event", Arc::new(words)),
            ("channel", Arc::new(LargeStringArray::from(vec![Some("x"), Some(""), None]))),
            ("event_count", Arc::new(UInt32Array::from(vec![1, 2, 3]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, of)| (name, of, true))).expect("of one length")
    }

    fn truths(text: &str) -> Result<Vec<Option<bool>>, String> {
        let rows = rows();
        let condition =
            RowCondition::new(text, &rows.schema(), "the column \"x\"").map_err(|error| error.to_string())?;
        Ok(condition.truths(&rows).map_err(|error| error.to_string())?.iter().collect())
    }

    #[test]
    fn what_is_unknown_is_null() {
        let all = |of: [Option<bool>; 3]| Ok(of.to_vec());
        assert_eq!(truths("event_count = 1 AND length_ms < 10"), all([Some(true), Some(false), Some(false)]));
        assert_eq!(truths("first_event = 'a'"), all([Some(true), None, Some(false)]));
        assert_eq!(truths("channel = 'x' AND length_ms > 5"), all([Some(false), Some(false), None]));
        assert_eq!(truths("channel = 'x' OR event_count = 3"), all([Some(true), Some(false), Some(true)]));
        assert_eq!(truths("TRUE"), all([Some(true); 3]));
        assert_eq!(truths("NULL"), all([None; 3]));
    }

    #[test]
    fn mistakes_name_who_asks_and_the_nearest_column() {
        let message = truths("chanel = 'x'").expect_err("no such column");
        assert!(message.contains("the column \"x\"") && message.contains("did you mean channel?"), "{message}");
        assert!(truths("length_ms").expect_err("a number").contains("true or false"));
        assert!(truths("channel > 5").expect_err("text beside a number").contains("the column \"x\""));
        let message = truths("CAST(channel AS BIGINT) = 5").expect_err("fails on a value");
        assert!(message.contains("the column \"x\""), "{message}");
    }
}
