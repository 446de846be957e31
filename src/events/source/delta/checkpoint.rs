//! Checkpoints: all that is true of a table at a version, in Parquet.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use arrow::error::ArrowError;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::ProjectionMask;
use parquet::errors::ParquetError;
use parquet::schema::types::SchemaDescriptor;
use serde_json::{Map, Value};

use super::actions::Line;
use crate::guard::against_damage;

/// What is read of a checkpoint: other columns, such as statistics, may be most of it.
const NEEDED: [&[&str]; 6] = [
    &["add", "path"],
    &["add", "partitionValues"],
    &["add", "deletionVector"],
    &["metaData"],
    &["protocol"],
    &["sidecar"],
];

/// The actions of a checkpoint's file.
///
/// # Errors
/// Why it cannot be read.
pub fn actions_of(file: Bytes) -> Result<Vec<Line>, String> {
    let read = || read(file).map_err(|error| error.to_string());
    against_damage(read).unwrap_or_else(|_| Err("it is damaged".to_string()))
}

fn read(file: Bytes) -> Result<Vec<Line>, ParquetError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
    let mask = ProjectionMask::leaves(builder.parquet_schema(), needed(builder.parquet_schema()));
    let mut lines = Vec::new();
    for batch in builder.with_projection(mask).build()? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let line = batch.schema_ref().fields().iter().zip(batch.columns());
            let line = line.map(|(field, values)| Ok((field.name().clone(), value_at(values.as_ref(), row)?)));
            let line = Value::Object(line.collect::<Result<Map<String, Value>, ArrowError>>()?);
            let line: Line = serde_json::from_value(line).map_err(|error| ParquetError::External(Box::new(error)))?;
            lines.push(line);
        }
    }
    Ok(lines)
}

fn needed(schema: &SchemaDescriptor) -> Vec<usize> {
    let is_needed = |leaf: &usize| {
        let path = schema.column(*leaf).path().clone();
        NEEDED
            .iter()
            .any(|start| path.parts().len() >= start.len() && path.parts().iter().zip(*start).all(|(a, b)| a == b))
    };
    (0..schema.num_columns()).filter(is_needed).collect()
}

/// A value of a column as JSON.
fn value_at(values: &dyn Array, row: usize) -> Result<Value, ArrowError> {
    if values.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match values.data_type() {
        DataType::Utf8 => Value::from(values.as_string::<i32>().value(row)),
        DataType::Boolean => Value::from(values.as_boolean().value(row)),
        DataType::Int32 => Value::from(values.as_primitive::<Int32Type>().value(row)),
        DataType::Int64 => Value::from(values.as_primitive::<Int64Type>().value(row)),
        DataType::Struct(fields) => {
            let columns = fields.iter().zip(values.as_struct().columns());
            let inside = columns.map(|(field, values)| Ok((field.name().clone(), value_at(values.as_ref(), row)?)));
            Value::Object(inside.collect::<Result<Map<String, Value>, ArrowError>>()?)
        }
        DataType::List(_) => {
            let items = values.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|item| value_at(items.as_ref(), item)).collect::<Result<_, _>>()?)
        }
        DataType::Map(..) => {
            let entries = values.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let entry = |row: usize| {
                let key = value_at(keys.as_ref(), row)?.as_str().unwrap_or_default().to_string();
                Ok((key, value_at(values.as_ref(), row)?))
            };
            Value::Object((0..entries.len()).map(entry).collect::<Result<Map<String, Value>, ArrowError>>()?)
        }
        // Nothing that matters is of another type.
        _ => Value::Null,
    })
}
