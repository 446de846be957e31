//! Tables as an Arrow IPC stream, for a program at the other end of a pipe.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::parquet_file::Provenance;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;

/// A table that goes into a stream, with its date as the last column.
pub struct ArrowStream<W: Write> {
    writer: StreamWriter<W>,
    schema: SchemaRef,
    rows: u64,
}

impl<W: Write> std::fmt::Debug for ArrowStream<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ArrowStream").field("schema", &self.schema).field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl<W: Write> ArrowStream<W> {
    /// Begins a stream of a table of these columns, and of its date under the name `date_key`.
    ///
    /// # Errors
    /// Nobody reads it.
    pub fn begin(output: W, table: &Schema, date_key: &str, provenance: &Provenance) -> Result<Self, TableError> {
        let mut fields: Vec<Field> = table.fields().iter().map(|field| plain_field(field)).collect();
        fields.push(Field::new(date_key, DataType::Date32, false));
        let metadata: std::collections::HashMap<String, String> =
            provenance.pairs().into_iter().map(|(key, value)| (key.to_string(), value)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        let writer = StreamWriter::try_new(output, &schema).map_err(|error| failed(&error))?;
        Ok(ArrowStream { writer, schema, rows: 0 })
    }

    /// Adds rows of a date.
    ///
    /// # Errors
    /// Nobody reads them any more.
    pub fn write(&mut self, rows: &RecordBatch, day: Day) -> Result<(), TableError> {
        self.rows += rows.num_rows() as u64;
        let rows = dated(rows, day, &self.schema).map_err(|error| failed(&error))?;
        self.writer.write(&rows).map_err(|error| failed(&error))
    }

    /// Ends the stream, and returns how many rows it has.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn finish(mut self) -> Result<u64, TableError> {
        self.writer.finish().map_err(|error| failed(&error))?;
        self.writer.flush().map_err(|error| failed(&error))?;
        Ok(self.rows)
    }
}

fn failed(error: &ArrowError) -> TableError {
    TableError::stream(error)
}

/// A field of the type that every reader takes: text is text, whether its values are few or long.
fn plain_field(field: &Field) -> Field {
    Field::new(field.name(), plain(field.data_type()), field.is_nullable())
}

fn plain(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => plain(values),
        DataType::LargeUtf8 => DataType::Utf8,
        DataType::List(element) => DataType::List(Arc::new(plain_field(element))),
        other => other.clone(),
    }
}

/// Rows with the date that they are of.
fn dated(rows: &RecordBatch, day: Day, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = rows.columns().iter().zip(schema.fields());
    let mut columns: Vec<ArrayRef> =
        columns.map(|(column, field)| cast(column, field.data_type())).collect::<Result<_, _>>()?;
    columns.push(Arc::new(Date32Array::from_value(day.epoch_days(), rows.num_rows())));
    RecordBatch::try_new(Arc::clone(schema), columns)
}
