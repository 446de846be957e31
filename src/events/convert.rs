//! Values of any accepted type as the plain ones that a role takes.

use polars::prelude::*;

use super::columns::ColumnRef;
use super::error::InputError;
use super::kind::Kind;
use super::roles::{KeyType, Value};

/// Integers, and numbers in JSON text, as 64-bit ones.
pub fn integers(series: &Series, name: &str) -> Result<Int64Chunked, InputError> {
    let wide = match series.dtype() {
        DataType::Int64 => series.clone(),
        DataType::String => series.cast(&DataType::Int64).map_err(|error| polars_error(name, &error))?,
        _ => cast(series, &DataType::Int64, name)?,
    };
    wide.i64().cloned().map_err(|error| polars_error(name, &error))
}

/// Values that must all fit another type.
pub fn cast(series: &Series, dtype: &DataType, name: &str) -> Result<Series, InputError> {
    let cast = series.cast(dtype).map_err(|error| polars_error(name, &error))?;
    if cast.null_count() > series.null_count() {
        let lost = series.is_not_null() & cast.is_null();
        let value = series.filter(&lost).ok().and_then(|values| values.get(0).ok().map(|value| value.to_string()));
        return Err(InputError::Value {
            column: name.to_string(),
            value: value.unwrap_or_else(|| "a value".to_string()),
            problem: "more than a signed 64-bit integer can hold",
            way_out: "write the column as text instead",
        });
    }
    Ok(cast)
}

/// Single values of any type as text.
pub fn texts(series: &Series, column: &ColumnRef) -> Result<StringChunked, InputError> {
    let name = &column.spelled;
    match series.dtype() {
        DataType::String => series.str().cloned(),
        DataType::Binary => return bytes_as_text(series, column),
        _ => series.cast(&DataType::String).and_then(|text| text.str().cloned()),
    }
    .map_err(|error| polars_error(name, &error))
}

/// A UUID's sixteen bytes in its usual spelling; other bytes have to be text.
fn bytes_as_text(series: &Series, column: &ColumnRef) -> Result<StringChunked, InputError> {
    let values = series.binary().map_err(|error| polars_error(&column.spelled, &error))?;
    let is_uuid = column.kind == Kind::Uuid;
    let text = |bytes: &[u8]| match <[u8; 16]>::try_from(bytes) {
        Ok(uuid) if is_uuid => Ok(uuid_text(uuid)),
        _ => std::str::from_utf8(bytes).map(str::to_string).map_err(|_| InputError::Value {
            column: column.spelled.clone(),
            value: format!("{} bytes", bytes.len()),
            problem: "no UTF-8 text",
            way_out: "write the column as text instead",
        }),
    };
    let texts: Vec<Option<String>> =
        values.iter().map(|bytes| bytes.map(text).transpose()).collect::<Result<_, _>>()?;
    Ok(texts.into_iter().collect())
}

/// Session ids or property values as text, or as the numbers that stand for them in memory.
///
/// # Errors
/// A value that its type cannot hold.
pub fn values(series: &Series, value: &Value) -> Result<Series, InputError> {
    let name = value.column.spelled.as_str();
    let floats = || -> Result<Series, InputError> { cast(series, &DataType::Float64, name) };
    let each = |number: fn(f64) -> Option<i64>| -> Result<Series, InputError> {
        let floats = floats()?;
        let floats = floats.f64().map_err(|error| polars_error(name, &error))?;
        Ok(floats.iter().map(|value| number(value?)).collect::<Int64Chunked>().into_series())
    };
    Ok(match (value.key_type, series.dtype()) {
        (KeyType::Text, _) => texts(series, &value.column)?.into_series(),
        (KeyType::Int, DataType::Float32 | DataType::Float64) => each(whole)?,
        (KeyType::Float, _) => each(ordered)?,
        (KeyType::Timestamp, _) => {
            let micros = cast(series, &DataType::Datetime(TimeUnit::Microseconds, None), name)?;
            integers(&micros.to_physical_repr(), name)?.into_series()
        }
        (KeyType::Date, _) => integers(&series.to_physical_repr(), name)?.into_series(),
        _ => integers(series, name)?.into_series(),
    })
}

/// Any single values as something that is equal where they are: text where there is any, else the bytes as
/// they come.
///
/// # Errors
/// Bytes that are no text, where text is needed.
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

/// A UUID in its usual spelling.
pub fn uuid_text(bytes: [u8; 16]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    /// Where the two digits of each byte are, between dashes.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = [b'-'; 36];
    for (place, byte) in PLACES.into_iter().zip(bytes) {
        text[place] = HEX[usize::from(byte >> 4)];
        text[place + 1] = HEX[usize::from(byte & 15)];
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// What polars says of a column.
pub fn polars_error(column: &str, error: &PolarsError) -> InputError {
    InputError::Unreadable { reason: format!("the column `{column}`: {error}") }
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

    #[test]
    fn a_uuid_is_written_in_its_usual_groups() {
        let bytes: Vec<u8> = (0xF0u8..=0xFF).collect();
        assert_eq!(uuid_text(bytes.try_into().expect("sixteen")), "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff");
    }
}
