//! UUIDs as text: each distinct one is spelled once, however many rows have it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, DictionaryArray, FixedSizeBinaryArray, StringBuilder, UInt32Array};
use arrow::buffer::ScalarBuffer;
use arrow::error::ArrowError;

use super::texts::uuid_text;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::layout::intern::Interner;

/// Sixteen bytes a row as codes of a dictionary of texts, as [`crate::events::decode::dictionaries::CodedText`] reads them.
///
/// # Errors
/// None of values of sixteen bytes.
pub fn uuids_as_codes(uuids: &FixedSizeBinaryArray) -> Result<ArrayRef, ArrowError> {
    let mut interner = Interner::of_text();
    let mut code = |row: usize| match uuids.is_valid(row) {
        true => interner.intern_text(uuids.value(row)),
        // No UUID, and no text either.
        false => interner.intern_text(b""),
    };
    let codes: Vec<u32> = (0..uuids.len()).map(&mut code).collect();
    const TEXT_BYTES: usize = 36;
    let mut texts = StringBuilder::with_capacity(interner.len(), interner.len() * TEXT_BYTES);
    if let KeyColumn::Text(distinct) = interner.keys() {
        for uuid in distinct.iter() {
            texts.append_value(<[u8; 16]>::try_from(uuid).map(uuid_text).unwrap_or_default());
        }
    }
    let codes = UInt32Array::try_new(ScalarBuffer::from(codes), uuids.nulls().cloned())?;
    Ok(Arc::new(DictionaryArray::try_new(codes, Arc::new(texts.finish()))?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::decode::dictionaries::{text_as_codes, CodedText};
    use arrow::array::AsArray;
    use arrow::compute::cast;
    use arrow::datatypes::DataType;

    #[test]
    fn each_row_has_the_text_of_its_uuid_and_each_distinct_one_is_there_once() {
        let rows = [Some([7u8; 16]), None, Some([255; 16]), Some([7; 16]), Some([0; 16])];
        let uuids = FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows.into_iter(), 16).expect("sixteen bytes");
        for start in 0..rows.len() {
            let codes = uuids_as_codes(&uuids.slice(start, rows.len() - start)).expect("codes");
            assert_eq!(*codes.data_type(), text_as_codes());
            let views = cast(&codes, &DataType::Utf8View).expect("text");
            let found: Vec<Option<&str>> = views.as_string_view().iter().collect();
            let expected: Vec<Option<String>> = rows[start..].iter().map(|row| row.map(uuid_text)).collect();
            assert_eq!(found, expected.iter().map(Option::as_deref).collect::<Vec<_>>());
        }
        let codes = uuids_as_codes(&uuids).expect("codes");
        let text = CodedText::of(&codes).expect("text as codes");
        assert_eq!(text.codes()[0], text.codes()[3]);
        assert_eq!(text.texts().len(), 4);
    }

    #[test]
    fn no_rows_and_rows_of_nulls_are_no_uuids() {
        for rows in [0, 3] {
            let uuids = FixedSizeBinaryArray::new_null(16, rows);
            let codes = uuids_as_codes(&uuids).expect("codes");
            assert_eq!((codes.len(), codes.null_count()), (rows, rows));
        }
    }
}
