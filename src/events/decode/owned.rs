//! Numbers of a column that is needed no more, as they are in memory.

use arrow::array::{ArrayRef, AsArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, UInt32Type};

/// The numbers of a column of this type, anything where it is null; an empty list for a column of another type. They are
/// copied only where someone else holds them, too.
pub fn numbers_of<T: ArrowPrimitiveType>(column: ArrayRef) -> Vec<T::Native> {
    let numbers = column.as_primitive_opt::<T>().cloned();
    drop(column);
    numbers.map(values_of).unwrap_or_default()
}

/// The same of the codes of a dictionary.
pub fn codes_of(column: ArrayRef) -> Vec<u32> {
    let codes = column.as_dictionary_opt::<UInt32Type>().map(|column| column.keys().clone());
    drop(column);
    codes.map(values_of).unwrap_or_default()
}

fn values_of<T: ArrowPrimitiveType>(numbers: PrimitiveArray<T>) -> Vec<T::Native> {
    let (_, values, _) = numbers.into_parts();
    let rows = values.len();
    let values = values.into_inner().into_vec::<T::Native>();
    values.unwrap_or_else(|shared| shared.typed_data::<T::Native>()[..rows].to_vec())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use arrow::array::{Array, DictionaryArray, Int64Array, StringArray, UInt32Array};
    use arrow::datatypes::Int64Type;

    #[test]
    fn numbers_that_nobody_else_holds_stay_where_they_are() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let place = column.as_primitive::<Int64Type>().values().as_ptr();
        let numbers = numbers_of::<Int64Type>(column);
        assert_eq!((numbers.as_ptr(), numbers), (place, vec![1, 2, 3]));
    }

    #[test]
    fn others_keep_theirs_and_a_part_is_a_part() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
        assert_eq!(numbers_of::<Int64Type>(Arc::clone(&column)), [1, 2, 3]);
        assert_eq!(numbers_of::<Int64Type>(column.slice(1, 1)), [2]);
        let part = column.slice(1, 2);
        drop(column);
        assert_eq!(numbers_of::<Int64Type>(part), [2, 3]);
        assert!(numbers_of::<Int64Type>(Arc::new(UInt32Array::from(vec![1]))).is_empty());
    }

    #[test]
    fn codes_are_those_of_the_rows() {
        let texts = Arc::new(StringArray::from(vec!["a", "b"]));
        let column: ArrayRef = Arc::new(DictionaryArray::<UInt32Type>::new(UInt32Array::from(vec![1, 0, 1]), texts));
        assert_eq!(codes_of(column.slice(1, 2)), [0, 1]);
        assert_eq!(codes_of(column), [1, 0, 1]);
    }
}
