//! Values of any accepted type as the plain ones that a role takes.

use polars::prelude::*;

use super::far_times;
use super::texts::{text_of, uuid_text};
use crate::events::bridge::polars_error;
use crate::events::error::InputError;
use crate::events::source::columns::ColumnRef;
use crate::events::source::kind::Kind;
use crate::events::source::roles::{KeyType, Value};

/// Numbers as 64-bit integers, and null where they are none; text as the number that it spells.
///
/// # Errors
/// Values that are neither.
pub fn integers(series: &Series, column: &ColumnRef) -> Result<Int64Chunked, InputError> {
    let failed = |error: PolarsError| polars_error(&column.spelled, &error);
    let integers = match series.dtype() {
        DataType::Float32 | DataType::Float64 => {
            let floats = series.cast(&DataType::Float64).map_err(failed)?;
            floats.f64().map_err(failed)?.iter().map(|value| whole(value?)).collect()
        }
        _ => series.cast(&DataType::Int64).and_then(|wide| wide.i64().cloned()).map_err(failed)?,
    };
    // Text that spells no number is text all the same.
    if *series.dtype() != DataType::String {
        count_lost(series, integers.null_count(), column);
    }
    Ok(integers)
}

/// Single values of any type as text, and null where they are none.
///
/// # Errors
/// Values that are no single ones.
pub fn texts(series: &Series, column: &ColumnRef) -> Result<StringChunked, InputError> {
    let failed = |error: PolarsError| polars_error(&column.spelled, &error);
    let texts = match series.dtype() {
        DataType::Binary if column.kind == Kind::Uuid => {
            let uuid = |bytes: Option<&[u8]>| bytes.and_then(|bytes| bytes.try_into().ok()).map(uuid_text);
            series.binary().map_err(failed)?.iter().map(uuid).collect()
        }
        _ => text_of(series).map_err(failed)?,
    };
    count_lost(series, texts.null_count(), column);
    Ok(texts)
}

/// What are numbers as the text of the integers that they are, and null where they are none; what is text as it is.
///
/// # Errors
/// Values that are no single ones.
pub fn id_texts(series: &Series, column: &ColumnRef) -> Result<StringChunked, InputError> {
    let failed = |error: PolarsError| polars_error(&column.spelled, &error);
    if !matches!(series.dtype(), DataType::Float32 | DataType::Float64) {
        return texts(series, column);
    }
    let floats = series.cast(&DataType::Float64).map_err(failed)?;
    let text = |value: f64| (value.fract() == 0.0).then(|| format!("{:.0}", value + 0.0));
    let texts: StringChunked = floats.f64().map_err(failed)?.iter().map(|value| text(value?)).collect();
    count_lost(series, texts.null_count(), column);
    Ok(texts)
}

/// Counts the values that are null now and were not.
fn count_lost(series: &Series, nulls: usize, column: &ColumnRef) {
    column.unread.add(nulls.saturating_sub(series.null_count()));
}

/// Session ids or property values as text, or as the numbers that stand for them in memory.
///
/// # Errors
/// Values that are no single ones.
pub fn values(series: &Series, value: &Value) -> Result<Series, InputError> {
    let column = &value.column;
    let failed = |error: PolarsError| polars_error(&column.spelled, &error);
    Ok(match (value.key_type, series.dtype()) {
        (KeyType::Text, _) if value.is_id => id_texts(series, column)?.into_series(),
        (KeyType::Text, _) => texts(series, column)?.into_series(),
        (KeyType::Float, _) => {
            let floats = series.cast(&DataType::Float64).map_err(failed)?;
            count_lost(series, floats.null_count(), column);
            let ordered = floats.f64().map_err(failed)?.iter().map(|value| ordered(value?));
            ordered.collect::<Int64Chunked>().into_series()
        }
        (KeyType::Timestamp, _) => {
            let micros = far_times::micros_of(series).map_err(failed)?;
            count_lost(series, micros.null_count(), column);
            micros.into_series()
        }
        (KeyType::Boolean, _) => series.cast(&DataType::Int64).map_err(failed)?,
        (KeyType::Date, _) => series.to_physical_repr().cast(&DataType::Int64).map_err(failed)?,
        (KeyType::Int, _) => integers(series, column)?.into_series(),
    })
}

/// Any single values as something that is equal where they are: text where there is any, else the bytes as
/// they come.
///
/// # Errors
/// Values that are no single ones.
pub fn unique_ids(series: &Series, column: &ColumnRef) -> Result<Series, InputError> {
    match series.dtype() {
        DataType::Binary => Ok(series.clone()),
        _ => Ok(texts(series, column)?.into_series()),
    }
}

/// A whole-valued float as an integer; anything else is no id.
pub fn whole(value: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (value.fract() == 0.0 && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

/// A floating value as an integer of the same order; NaN is no value, and both zeros are one.
pub fn ordered(value: f64) -> Option<i64> {
    if value.is_nan() {
        return None;
    }
    let bits = (value + 0.0).to_bits() as i64;
    Some(bits ^ (((bits >> 63) as u64) >> 1) as i64)
}

/// The floating value that an integer of [`ordered`] stands for.
pub fn float_of(ordered: i64) -> f64 {
    f64::from_bits((ordered ^ (((ordered >> 63) as u64) >> 1) as i64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_order_as_integers_and_come_back() {
        let floats = [f64::NEG_INFINITY, -1.5, -0.0, f64::MIN_POSITIVE, 2.0, f64::INFINITY];
        let ordered: Vec<i64> = floats.iter().filter_map(|value| ordered(*value)).collect();
        assert!(ordered.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ordered.iter().zip(floats).all(|(number, value)| float_of(*number) == value));
        assert_eq!(super::ordered(f64::NAN), None);
    }

    #[test]
    fn whole_floats_are_ids_and_others_are_not() {
        assert_eq!(whole(1_767_225_600_000.0), Some(1_767_225_600_000));
        assert_eq!((whole(1.5), whole(f64::NAN), whole(1e300)), (None, None, None));
    }
}
