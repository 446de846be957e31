//! Columns of keys: users, session ids and properties.

use std::sync::Arc;

use arrow::array::{ArrayRef, LargeStringArray};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, TimeUnit};

use crate::events::source::roles::KeyType;

/// The type of a column of keys.
pub fn data_type(key_type: KeyType) -> DataType {
    match key_type {
        KeyType::Text => DataType::LargeUtf8,
        KeyType::Int => DataType::Int64,
        KeyType::Float => DataType::Float64,
        KeyType::Boolean => DataType::Boolean,
        KeyType::Date => DataType::Date32,
        KeyType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// Texts side by side in one buffer, whose offsets are 64 bits wide: ids may be of any length.
pub fn text_array<'a>(texts: impl ExactSizeIterator<Item = &'a [u8]>) -> ArrayRef {
    text_array_with(texts, None)
}

/// The same, where those that `valid` does not hold for are null.
pub fn text_array_with<'a>(texts: impl ExactSizeIterator<Item = &'a [u8]>, valid: Option<NullBuffer>) -> ArrayRef {
    let mut offsets = Vec::with_capacity(texts.len() + 1);
    // Ids are about this long.
    let mut bytes = Vec::with_capacity(texts.len() * 12);
    offsets.push(0);
    for text in texts {
        bytes.extend_from_slice(text);
        offsets.push(bytes.len() as i64);
    }
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    // All texts came out of text columns, so they are valid.
    let texts = LargeStringArray::try_new(offsets, Buffer::from_vec(bytes), valid);
    Arc::new(texts.unwrap_or_else(|_| LargeStringArray::new_null(0)))
}
