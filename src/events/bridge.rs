//! Arrays between arrow, which reads and writes, and polars, which filters and computes, without a copy: both
//! lay arrays out as the Arrow C data interface says.

// Measured before it was taken: copying the columns of a filtered run costs as much as decoding them.
#![allow(unsafe_code)]

use std::mem::transmute;

use arrow::array::{make_array, Array, ArrayRef};
use arrow::ffi::{from_ffi, to_ffi, FFI_ArrowArray, FFI_ArrowSchema};
use arrow::record_batch::RecordBatch;
use polars::prelude::*;
use polars_arrow::ffi;

use super::error::InputError;

/// The columns of a batch as a frame.
///
/// # Errors
/// A type that polars does not have.
pub fn to_polars(batch: &RecordBatch) -> PolarsResult<DataFrame> {
    let fields = batch.schema_ref().fields().iter();
    DataFrame::new(batch.num_rows(), columns_of(fields.map(|field| field.name()).zip(batch.columns()))?)
}

/// Some columns of a batch as a frame of as many rows, with columns made of them.
///
/// # Errors
/// A type that polars does not have, or a value that it cannot make a column of.
pub fn frame_of(batch: &RecordBatch, columns: &[String], made: &[Expr]) -> PolarsResult<DataFrame> {
    let found = columns.iter().filter_map(|name| Some((name, batch.column_by_name(name)?)));
    let mut columns = columns_of(found)?;
    if columns.is_empty() {
        // So that there are as many rows.
        columns.push(Column::new_row_index("dwell row".into(), 0, batch.num_rows())?);
    }
    let rows = DataFrame::new(batch.num_rows(), columns)?;
    if made.is_empty() {
        return Ok(rows);
    }
    let rows = rows.lazy().with_columns(made).collect()?;
    // What is made of a folder's name alone is one value to polars, and so would be what is made of that.
    let columns = rows.columns().iter().map(|column| column.as_materialized_series().clone().into_column());
    DataFrame::new(rows.height(), columns.collect())
}

fn columns_of<'b>(columns: impl Iterator<Item = (&'b String, &'b ArrayRef)>) -> PolarsResult<Vec<Column>> {
    columns.map(|(name, values)| Ok(series(name, values)?.into_column())).collect()
}

fn series(name: &str, values: &ArrayRef) -> PolarsResult<Series> {
    let (array, schema) = to_ffi(&values.to_data()).map_err(|error| polars_err!(ComputeError: "{error}"))?;
    // SAFETY: both are the C data interface's structs, `repr(C)` with the same fields; ownership, with the
    // function that releases it, moves along.
    let (array, schema) = unsafe {
        (transmute::<FFI_ArrowArray, ffi::ArrowArray>(array), transmute::<FFI_ArrowSchema, ffi::ArrowSchema>(schema))
    };
    // SAFETY: arrow has just exported both, as the interface says.
    let array = unsafe {
        let field = ffi::import_field_from_c(&schema)?;
        ffi::import_array_from_c(array, field.dtype)?
    };
    Series::try_from((PlSmallStr::from_str(name), array))
}

/// A series as one array.
///
/// # Errors
/// A type that arrow does not have.
pub fn to_arrow(series: &Series) -> PolarsResult<ArrayRef> {
    let values = series.rechunk().to_arrow(0, CompatLevel::newest());
    let field = ArrowField::new(series.name().clone(), values.dtype().clone(), true);
    let (array, schema) = (ffi::export_array_to_c(values), ffi::export_field_to_c(&field));
    // SAFETY: as above, the other way round.
    let (array, schema) = unsafe {
        (transmute::<ffi::ArrowArray, FFI_ArrowArray>(array), transmute::<ffi::ArrowSchema, FFI_ArrowSchema>(schema))
    };
    // SAFETY: polars has just exported both, as the interface says.
    let data = unsafe { from_ffi(array, &schema) }.map_err(|error| polars_err!(ComputeError: "{error}"))?;
    Ok(make_array(data))
}

/// What polars says of a column.
pub fn polars_error(column: &str, error: &PolarsError) -> InputError {
    InputError::Unreadable { reason: format!("the column `{column}`: {error}") }
}

/// What polars says, in one line; it appends the plan that it failed in, which says nothing to who reads the
/// message.
pub fn one_line(error: &PolarsError) -> String {
    let text = error.to_string();
    let said = text.split("\n\n").next().unwrap_or_default();
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringViewArray, TimestampMicrosecondArray};
    use std::sync::Arc;

    #[test]
    fn columns_come_back_as_they_went() {
        let texts = StringViewArray::from(vec![Some("short"), None, Some("longer than twelve bytes"), Some("")]);
        let numbers = Int64Array::from(vec![Some(1), None, Some(i64::MIN), Some(i64::MAX)]);
        let times = TimestampMicrosecondArray::from(vec![Some(5), Some(-5), None, Some(0)]).with_timezone("UTC");
        let columns: Vec<(&str, ArrayRef)> =
            vec![("t", Arc::new(texts)), ("n", Arc::new(numbers)), ("at", Arc::new(times))];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.iter().map(|(name, v)| (*name, v.clone(), true)));
        let batch = batch.expect("of one length");
        let frame = to_polars(&batch).expect("polars has these types");
        assert_eq!(frame.height(), 4);
        for (name, values) in &columns {
            let back = to_arrow(frame.column(name).expect("there").as_materialized_series()).expect("and back");
            assert_eq!(&back, values, "{name}");
        }
        let sliced = to_polars(&batch.slice(1, 2)).expect("polars has these types");
        let back = to_arrow(sliced.column("n").expect("there").as_materialized_series()).expect("and back");
        assert_eq!(&back, &columns[1].1.slice(1, 2));
    }
}
