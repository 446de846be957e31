//! Rows as columns of Arrow, value by value.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::columns::Column;
use super::kinds::Kind;
use super::times::Times;
use crate::events::normalise::json::scalar;

/// The type of a kind in Arrow.
pub fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Int64 => DataType::Int64,
        Kind::Float64 => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Json | Kind::Text => DataType::Utf8,
    }
}

/// The schema of the columns.
pub fn schema_of(columns: &[Column]) -> SchemaRef {
    let field = |column: &Column| Field::new(&column.name, data_type(column.kind), true);
    Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()))
}

/// Rows that are added to, value by value.
#[derive(Debug)]
pub struct Rows {
    columns: Vec<Builder>,
    times: Times,
    length: usize,
}

#[derive(Debug)]
enum Builder {
    Int64(Int64Builder),
    Float64(Float64Builder),
    Bool(BooleanBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Rows {
    /// None yet, of these columns.
    pub fn new(columns: &[Column]) -> Self {
        let columns = columns.iter().map(|column| Builder::new(column.kind)).collect();
        Rows { columns, times: Times::default(), length: 0 }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.length
    }

    /// Adds a row: the values as they are spelled, and the instant in the place of the time column. Tells of each column
    /// whose value does not fit, which is null then.
    pub fn push(&mut self, values: &[Option<&str>], time: (Option<usize>, i64), mut unfit: impl FnMut(usize)) {
        for (place, column) in self.columns.iter_mut().enumerate() {
            if time.0 == Some(place) {
                column.push_instant(time.1);
            } else if !column.push(values.get(place).copied().flatten(), &mut self.times) {
                unfit(place);
            }
        }
        self.length += 1;
    }

    /// The rows as a batch; there are none afterwards.
    ///
    /// # Errors
    /// The columns are not those of the schema.
    pub fn take(&mut self, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
        self.length = 0;
        let columns = self.columns.iter_mut().map(Builder::finish).collect();
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Int64 => Builder::Int64(Int64Builder::new()),
            Kind::Float64 => Builder::Float64(Float64Builder::new()),
            Kind::Bool => Builder::Bool(BooleanBuilder::new()),
            Kind::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Kind::Json | Kind::Text => Builder::Text(StringBuilder::new()),
        }
    }

    fn push_instant(&mut self, micros: i64) {
        if let Builder::Timestamp(instants) = self {
            instants.append_value(micros);
        }
    }

    /// Adds a value as it is spelled, or null; whether it fits.
    fn push(&mut self, value: Option<&str>, times: &mut Times) -> bool {
        let spelled = value.unwrap_or("null");
        let text = scalar(spelled);
        let is_nested = spelled.starts_with(['{', '[']);
        let is_null = text.is_none() && !is_nested;
        match self {
            Builder::Int64(numbers) => {
                let number = text.as_deref().and_then(whole);
                numbers.append_option(number);
                is_null || number.is_some()
            }
            Builder::Float64(numbers) => {
                let number = text.and_then(|text| text.parse::<f64>().ok()).filter(|number| number.is_finite());
                numbers.append_option(number);
                is_null || number.is_some()
            }
            Builder::Bool(truths) => {
                let truth = text.and_then(|text| text.parse::<bool>().ok());
                truths.append_option(truth);
                is_null || truth.is_some()
            }
            Builder::Timestamp(instants) => {
                let is_empty = text.as_deref() == Some("");
                let instant = text.and_then(|text| times.read(&text, spelled.starts_with('"')));
                instants.append_option(instant);
                is_null || is_empty || instant.is_some()
            }
            Builder::Text(texts) => {
                match text {
                    Some(text) => texts.append_value(text),
                    None if is_nested => texts.append_value(spelled),
                    None => texts.append_null(),
                }
                true
            }
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Int64(numbers) => Arc::new(numbers.finish()),
            Builder::Float64(numbers) => Arc::new(numbers.finish()),
            Builder::Bool(truths) => Arc::new(truths.finish()),
            Builder::Timestamp(instants) => Arc::new(instants.finish()),
            Builder::Text(texts) => Arc::new(texts.finish()),
        }
    }
}

/// The whole number that a text is, also where it is spelled like `12.0`.
fn whole(text: &str) -> Option<i64> {
    let without_zeros = |(whole, fraction): (&str, &str)| {
        let is_zero = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
        whole.parse().ok().filter(|_| is_zero)
    };
    text.parse().ok().or_else(|| text.split_once('.').and_then(without_zeros))
}
