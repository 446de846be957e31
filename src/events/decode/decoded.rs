//! The types in which columns are decoded, and those in which they go on: as few as there are meanings, and none that
//! polars does not have.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Schema, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// The type in which a column is decoded: text as views, which are quick to make and to compare. `plain` is its type by
/// Parquet alone, and `hinted` the one that the writer remembers.
pub fn decoded(plain: &DataType, hinted: &DataType) -> DataType {
    use DataType as T;
    match (plain, hinted) {
        (_, T::Dictionary(_, values)) => decoded(plain, values),
        // The reader does not check bytes to be text because a writer says so.
        (T::Binary, T::Utf8 | T::LargeUtf8 | T::Utf8View) => T::Binary,
        (_, T::Utf8 | T::LargeUtf8) => T::Utf8View,
        (_, T::Decimal32(precision, scale) | T::Decimal64(precision, scale)) => T::Decimal128(*precision, *scale),
        // Neither offsets nor zones of other planets are known to polars; the instants are the same.
        (_, T::Timestamp(unit, Some(zone))) if jiff::tz::TimeZone::get(zone).is_err() => {
            T::Timestamp(*unit, Some("UTC".into()))
        }
        (T::Date32, T::Date64) => T::Date32,
        (_, T::Date64) => T::Timestamp(TimeUnit::Millisecond, None),
        (T::Struct(plain), T::Struct(hinted)) if plain.len() == hinted.len() => {
            T::Struct(plain.iter().zip(hinted).map(|(plain, hinted)| decoded_field(plain, hinted)).collect())
        }
        (T::Map(plain, _), T::Map(hinted, sorted)) => T::Map(decoded_field(plain, hinted), *sorted),
        (plain, hinted) => match (item(plain), item(hinted)) {
            (Some(plain), Some(field)) => {
                let field = decoded_field(plain, field);
                let is_large = matches!(hinted, T::LargeList(_) | T::LargeListView(_));
                if is_large {
                    T::LargeList(field)
                } else {
                    T::List(field)
                }
            }
            _ => hinted.clone(),
        },
    }
}

fn decoded_field(plain: &FieldRef, hinted: &FieldRef) -> FieldRef {
    with_type(hinted, decoded(plain.data_type(), hinted.data_type()))
}

fn with_type(field: &FieldRef, data_type: DataType) -> FieldRef {
    if *field.data_type() == data_type {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}

/// What lists of a type are of.
pub fn item(list: &DataType) -> Option<&FieldRef> {
    use DataType as T;
    match list {
        T::List(field)
        | T::LargeList(field)
        | T::ListView(field)
        | T::LargeListView(field)
        | T::FixedSizeList(field, _) => Some(field),
        _ => None,
    }
}

/// The type in which values of a decoded type go on: numbers have 32 bits at least, and intervals and decimals of more than
/// 38 digits are spelled.
pub fn settled(decoded: &DataType) -> DataType {
    use DataType as T;
    let field = |field: &FieldRef| with_type(field, settled(field.data_type()));
    match decoded {
        T::Float16 => T::Float32,
        T::Int8 | T::Int16 => T::Int32,
        T::UInt8 | T::UInt16 => T::UInt32,
        T::Decimal256(..) | T::Interval(_) => T::Utf8View,
        T::Struct(fields) => T::Struct(fields.iter().map(field).collect()),
        T::Map(entries, sorted) => T::Map(field(entries), *sorted),
        T::List(item) => T::List(field(item)),
        T::LargeList(item) => T::LargeList(field(item)),
        other => other.clone(),
    }
}

/// A decoded batch whose values go on.
///
/// # Errors
/// A value that has no place in its type.
pub fn settle(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let is_settled = |field: &FieldRef| settled(field.data_type()) == *field.data_type();
    if batch.schema_ref().fields().iter().all(is_settled) {
        return Ok(batch);
    }
    let settle = |column: &ArrayRef| cast(column, &settled(column.data_type()));
    let columns: Vec<ArrayRef> = batch.columns().iter().map(settle).collect::<Result<_, _>>()?;
    let fields = batch.schema_ref().fields().iter().zip(&columns);
    let fields = fields.map(|(field, column)| with_type(field, column.data_type().clone()));
    let schema = Schema::new_with_metadata(fields.collect::<Vec<_>>(), batch.schema_ref().metadata().clone());
    RecordBatch::try_new(Arc::new(schema), columns)
}
