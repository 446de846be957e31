//! Columns of no role, to be shown beside events.

use arrow::record_batch::RecordBatch;
use jiff::tz::TimeZone;
use polars::prelude::*;
use serde_json::Value;

use crate::events::bridge;
use crate::events::bridge::polars_error;
use crate::events::derive::compute::{Derivation, SeenTexts};
use crate::events::error::InputError;
use crate::events::normalise::extract::{expr_of, uuid_as_text};
use crate::events::normalise::far_times::micros_of;
use crate::events::normalise::texts::text_of;
use crate::events::source::columns::{ColumnRef, Columns};
use crate::events::source::footer::Footer;
use crate::events::source::kind::Kind;
use crate::job::dates::instant_text;
use crate::sessionize::time::Timestamp;

/// Some columns.
#[derive(Clone, Debug)]
pub struct Extras {
    columns: Vec<ColumnRef>,
    /// The columns of files that they are, or are made of.
    in_files: Vec<String>,
}

impl Extras {
    /// Looks columns up by their names.
    ///
    /// # Errors
    /// A name of no column, with the nearest one.
    pub fn find(key: &'static str, names: &[String], footers: &[Footer]) -> Result<Self, InputError> {
        let columns = Columns::of(footers);
        let columns: Vec<ColumnRef> =
            names.iter().map(|name| columns.require(key, name, "")).collect::<Result<_, _>>()?;
        let derived = footers.first().map(|footer| &*footer.schema.derived);
        let in_files = derived.map(|derived| derived.in_files(&file_columns(&columns))).unwrap_or_default();
        Ok(Extras { columns, in_files })
    }

    /// The columns of files that they need.
    pub fn file_columns(&self) -> Vec<String> {
        self.in_files.clone()
    }

    /// Their values in the rows of a batch of a file, row by row: JSON's own types where it has them, and text
    /// else.
    ///
    /// # Errors
    /// A column of a type that has no text.
    pub fn rows(&self, batch: &RecordBatch, footer: &Footer, zone: &TimeZone) -> Result<Vec<Vec<Value>>, InputError> {
        if self.columns.is_empty() {
            return Ok(vec![Vec::new(); batch.num_rows()]);
        }
        let derivation = Derivation::new(&file_columns(&self.columns), footer)?;
        let batch = derivation.apply(batch, &mut SeenTexts::default());
        let batch = batch.map_err(|error| error.of_values_in(&footer.file.path, None))?;
        let name = |place: usize| format!("dwell extra {place}");
        let exprs = self.columns.iter().enumerate().map(|(place, column)| {
            let value = expr_of(column, &footer.schema, &footer.file.hive);
            let value = if column.kind == Kind::Uuid { uuid_as_text(value) } else { value };
            value.alias(name(place))
        });
        let frame = || bridge::to_polars(&batch)?.lazy().with_columns(exprs.collect::<Vec<_>>()).collect();
        let spelled = |place: usize| self.columns[place].spelled.as_str();
        let frame = frame().map_err(|error: PolarsError| polars_error(spelled(0), &error))?;
        let mut rows = vec![Vec::with_capacity(self.columns.len()); batch.num_rows()];
        for place in 0..self.columns.len() {
            let failed = |error: PolarsError| polars_error(spelled(place), &error);
            let series = frame.column(&name(place)).map_err(failed)?.as_materialized_series();
            let values = json_values(series, zone).map_err(failed)?;
            rows.iter_mut().zip(values).for_each(|(row, value)| row.push(value));
        }
        Ok(rows)
    }
}

/// The columns of schemas that some columns are, or are inside of.
fn file_columns(columns: &[ColumnRef]) -> Vec<String> {
    columns.iter().filter_map(ColumnRef::file_column).map(str::to_string).collect()
}

fn json_values(series: &Series, zone: &TimeZone) -> PolarsResult<Vec<Value>> {
    Ok(match series.dtype() {
        DataType::Boolean => series.bool()?.iter().map(Value::from).collect(),
        DataType::UInt64 => series.u64()?.iter().map(Value::from).collect(),
        dtype if dtype.is_integer() => series.cast(&DataType::Int64)?.i64()?.iter().map(Value::from).collect(),
        dtype if dtype.is_float() => {
            // JSON has no word for infinities.
            let number = |number: f64| match Value::from(number) {
                Value::Null => Value::from(number.to_string()),
                finite => finite,
            };
            series.cast(&DataType::Float64)?.f64()?.iter().map(|v| v.map_or(Value::Null, number)).collect()
        }
        DataType::Datetime(..) => {
            let far = text_of(series)?;
            let text = |micros: i64| Value::from(instant_text(Timestamp::from_micros(micros), zone));
            let times = micros_of(series)?;
            // What does not fit is shown by its date.
            times.iter().zip(far.iter()).map(|(micros, far)| micros.map_or_else(|| Value::from(far), text)).collect()
        }
        DataType::Date => text_of(series)?.iter().map(Value::from).collect(),
        DataType::Null => vec![Value::Null; series.len()],
        DataType::String => series.str()?.iter().map(Value::from).collect(),
        DataType::Binary => {
            let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).into_owned());
            series.binary()?.iter().map(|v| v.map_or(Value::Null, text)).collect()
        }
        _ => series
            .iter()
            .map(|value| match value {
                AnyValue::Null => Value::Null,
                other => Value::from(other.to_string()),
            })
            .collect(),
    })
}
