//! `CAST` and `TRY_CAST`, as DuckDB has them: what cannot be cast ends the run, or is null.

use polars::prelude::*;

use super::clocks;
use super::constant::{Constant, MOST_DIGITS};
use super::language::Target;
use super::numbers::{decimals, rounded, Exact};
use super::rows::{computed, height, texts, truths, Floats, Texts};
use crate::job::instants::instant_of;

/// The polars type of what is cast.
pub fn dtype_of(target: Target) -> DataType {
    match target {
        Target::Boolean => DataType::Boolean,
        Target::Int(_, most) if most > i128::from(i64::MAX) => DataType::UInt64,
        Target::Int(..) => DataType::Int64,
        Target::Float => DataType::Float32,
        Target::Double => DataType::Float64,
        Target::Decimal(precision, scale) => DataType::Decimal(precision as usize, scale as usize),
        Target::Text => DataType::String,
        Target::Date => DataType::Date,
        Target::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
    }
}

/// What a value that cannot be cast becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// Null: `TRY_CAST`.
    Null,
    /// An error.
    Fails,
}

impl Otherwise {
    fn of<T>(self, value: Option<T>, what: impl FnOnce() -> String) -> PolarsResult<Option<T>> {
        match (value, self) {
            (Some(value), _) => Ok(Some(value)),
            (None, Otherwise::Null) => Ok(None),
            (None, Otherwise::Fails) => Err(polars_err!(
                ComputeError: "CAST: {} (TRY_CAST has null for what cannot be cast)", what()
            )),
        }
    }
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("'{short}'")
}

/// A value of a type as another one; `None` where no value of the one is of the other.
pub fn cast(value: Expr, dtype: &DataType, target: Target, otherwise: Otherwise) -> Option<Expr> {
    let is_clock = matches!(dtype, DataType::Date | DataType::Datetime(..));
    let is_float = dtype.is_float();
    let is_number = dtype.is_primitive_numeric() || matches!(dtype, DataType::Decimal(..));
    let is_text = *dtype == DataType::String;
    let is_truth = *dtype == DataType::Boolean;
    Some(match target {
        Target::Boolean if is_truth => value,
        Target::Boolean if is_text => text_as_truth(value, otherwise),
        Target::Boolean if is_float => value.neq(lit(0.0)),
        Target::Boolean if is_number => exact_as_truth(value),
        Target::Int(..) if is_truth => value.cast(DataType::Int64),
        Target::Int(least, most) if is_text || is_number => as_int(value, (least, most), otherwise),
        Target::Double if is_text => text_as_float(value, otherwise),
        Target::Float if is_text => narrowed(text_as_float(value, otherwise), otherwise),
        Target::Float if *dtype == DataType::Float64 => narrowed(value, otherwise),
        Target::Double | Target::Float if is_number || is_truth => value.cast(dtype_of(target)),
        Target::Decimal(precision, scale) if is_truth => {
            as_decimal(value.cast(DataType::Int64), precision, scale, otherwise)
        }
        Target::Decimal(precision, scale) if is_text || is_number => as_decimal(value, precision, scale, otherwise),
        Target::Text => as_text(value, dtype)?,
        Target::Date if *dtype == DataType::Date => value,
        Target::Date if is_clock => clocks::date_of(value),
        Target::Timestamp if is_clock => {
            let gives = match dtype {
                DataType::Datetime(..) => return Some(value),
                _ => dtype_of(target),
            };
            clocks::as_time(value, gives)
        }
        Target::Timestamp if is_text => text_as_time(value, otherwise),
        Target::Date if is_text => clocks::date_of(text_as_time(value, otherwise)),
        _ => return None,
    })
}

/// The type of what is cast, which keeps the unit of times.
pub fn gives(dtype: &DataType, target: Target) -> DataType {
    match (dtype, target) {
        (DataType::Datetime(..), Target::Timestamp) => dtype.clone(),
        _ => dtype_of(target),
    }
}

/// A value as text; `None` where it is none that could be written.
pub fn as_text(value: Expr, dtype: &DataType) -> Option<Expr> {
    Some(match dtype {
        DataType::String => value,
        DataType::Boolean => computed(vec![value], DataType::String, |columns| {
            let truth = columns[0].as_materialized_series().rechunk();
            let truth = truth.bool()?;
            Ok(texts(truth.len(), |row| truth.get(row).map(|truth| if truth { "true" } else { "false" })))
        }),
        DataType::Float32 | DataType::Float64 => float_as_text(value, *dtype == DataType::Float32),
        DataType::Date | DataType::Datetime(..) => clocks::as_text(value),
        DataType::Decimal(..) => exact_as_text(value),
        dtype if dtype.is_integer() => exact_as_text(value),
        _ => return None,
    })
}

fn exact_as_text(value: Expr) -> Expr {
    computed(vec![value], DataType::String, |columns| {
        let value = Exact::of(&columns[0])?;
        Ok(texts(height(columns), |row| value.at(row).map(|digits| digits_text(digits, value.scale))))
    })
}

fn digits_text(digits: i128, scale: u32) -> String {
    if scale == 0 {
        return digits.to_string();
    }
    let sign = if digits < 0 { "-" } else { "" };
    let width = scale as usize + 1;
    let digits = format!("{:0width$}", digits.unsigned_abs());
    let (whole, fraction) = digits.split_at(digits.len() - scale as usize);
    format!("{sign}{whole}.{fraction}")
}

fn float_as_text(value: Expr, is_single: bool) -> Expr {
    computed(vec![value], DataType::String, move |columns| {
        let value = Floats::of(&columns[0])?;
        Ok(texts(height(columns), |row| {
            let number = value.at(row)?;
            Some(if is_single { float_text(format!("{:e}", number as f32)) } else { float_text(format!("{number:e}")) })
        }))
    })
}

/// A number as `1.5`, `100.0`, `1e-05`, `1e+20`, from the shortest that it is written as with an exponent.
fn float_text(shortest: String) -> String {
    let Some((mantissa, exponent)) = shortest.split_once('e') else { return shortest.to_lowercase() };
    let Ok(exponent) = exponent.parse::<i32>() else { return shortest };
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|sign| *sign != '.').collect();
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if exponent < 0 {
        return format!("{sign}0.{}{digits}", zeros(-exponent - 1));
    }
    let point = exponent as usize + 1;
    let digits = format!("{digits}{}", zeros(point as i32 - digits.len() as i32));
    let (whole, fraction) = digits.split_at(point);
    format!("{sign}{whole}.{}", if fraction.is_empty() { "0" } else { fraction })
}

fn text_as_truth(value: Expr, otherwise: Otherwise) -> Expr {
    computed(vec![value], DataType::Boolean, move |columns| {
        let value = Texts::of(&columns[0])?;
        let truth = |text: &str| match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" => Some(true),
            "false" | "f" | "no" | "n" | "0" => Some(false),
            _ => None,
        };
        let rows = (0..height(columns)).map(|row| match value.at(row) {
            Some(text) => otherwise.of(truth(text), || format!("{} is neither true nor false", quoted(text))),
            None => Ok(None),
        });
        let truths: Vec<Option<bool>> = rows.collect::<PolarsResult<_>>()?;
        Ok(BooleanChunked::from_iter_options("".into(), truths.into_iter()).into_column())
    })
}

fn exact_as_truth(value: Expr) -> Expr {
    computed(vec![value], DataType::Boolean, |columns| {
        let value = Exact::of(&columns[0])?;
        Ok(truths(height(columns), |row| value.at(row).map(|digits| digits != 0)))
    })
}

/// The number that a text is, with spaces around it.
fn number_of(text: &str) -> Option<(i128, u32)> {
    let text = text.trim_matches(|sign: char| sign.is_ascii_whitespace());
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.starts_with(['+', '-']) {
        return None;
    }
    let (mantissa, exponent) = match digits.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (digits, 0),
    };
    let (digits, scale) = match Constant::number(mantissa)? {
        Constant::Int(digits) => (digits, 0),
        Constant::Decimal(digits, scale) => (digits, scale),
        _ => return None,
    };
    let scale = i32::try_from(scale).ok()?.checked_sub(exponent)?;
    match u32::try_from(scale) {
        // Nothing is left of what has so many zeros after the point.
        Ok(scale) if scale > MOST_DIGITS => Some((0, 0)),
        Ok(scale) => Some((sign * digits, scale)),
        Err(_) => Some((sign * digits.checked_mul(10i128.checked_pow(scale.unsigned_abs())?)?, 0)),
    }
}

/// Numbers of any type, and texts that are some.
enum Numbers {
    Exact(Exact),
    Floats(Floats),
    Texts(Texts),
}

impl Numbers {
    fn of(column: &Column) -> PolarsResult<Numbers> {
        Ok(match column.dtype() {
            DataType::String => Numbers::Texts(Texts::of(column)?),
            dtype if dtype.is_float() => Numbers::Floats(Floats::of(column)?),
            _ => Numbers::Exact(Exact::of(column)?),
        })
    }

    /// The digits of a row with so many after the point; what has no room is `Some(None)`. Halves are rounded away from
    /// zero, but for floating numbers that become whole, where they are rounded to even.
    fn digits(&self, row: usize, scale: u32) -> Option<Option<i128>> {
        Some(match self {
            Numbers::Exact(exact) => rounded(exact.at(row)?, exact.scale, scale),
            Numbers::Texts(texts) => number_of(texts.at(row)?).and_then(|(digits, of)| rounded(digits, of, scale)),
            Numbers::Floats(floats) => {
                let number = floats.at(row)?;
                let moved = match scale {
                    0 => number.round_ties_even(),
                    scale => (number * 10f64.powi(scale as i32)).round(),
                };
                (moved.abs() < 1e38).then_some(moved as i128)
            }
        })
    }

    fn shown(&self, row: usize) -> String {
        match self {
            Numbers::Exact(exact) => exact.at(row).map(|digits| digits_text(digits, exact.scale)),
            Numbers::Floats(floats) => floats.at(row).map(|number| format!("{number:?}")),
            Numbers::Texts(texts) => texts.at(row).map(quoted),
        }
        .unwrap_or_default()
    }
}

fn as_int(value: Expr, (least, most): (i128, i128), otherwise: Otherwise) -> Expr {
    let gives = dtype_of(Target::Int(least, most));
    let as_unsigned = gives == DataType::UInt64;
    computed(vec![value], gives, move |columns| {
        let numbers = Numbers::of(&columns[0])?;
        let of = |row: usize| match numbers.digits(row, 0) {
            None => Ok(None),
            Some(number) => {
                let number = number.filter(|number| (least..=most).contains(number));
                otherwise.of(number, || format!("{} is no whole number from {least} to {most}", numbers.shown(row)))
            }
        };
        let whole: Vec<Option<i128>> = (0..height(columns)).map(of).collect::<PolarsResult<_>>()?;
        let whole = whole.into_iter();
        Ok(match as_unsigned {
            true => UInt64Chunked::from_iter_options("".into(), whole.map(|n| n.map(|n| n as u64))).into_column(),
            false => Int64Chunked::from_iter_options("".into(), whole.map(|n| n.map(|n| n as i64))).into_column(),
        })
    })
}

fn as_decimal(value: Expr, precision: u32, scale: u32, otherwise: Otherwise) -> Expr {
    let gives = DataType::Decimal(precision as usize, scale as usize);
    computed(vec![value], gives, move |columns| {
        let numbers = Numbers::of(&columns[0])?;
        let column = decimals(height(columns), scale, |row| match numbers.digits(row, scale) {
            None => Ok(None),
            Some(digits) => {
                let fits = |digits: &i128| digits.unsigned_abs() < 10u128.pow(precision);
                let what = || format!("{} is no DECIMAL({precision}, {scale})", numbers.shown(row));
                otherwise.of(digits.filter(fits), what)
            }
        })?;
        let digits = column.as_materialized_series().decimal()?.physical().clone();
        Ok(digits.into_decimal_unchecked(precision as usize, scale as usize).into_column())
    })
}

fn text_as_float(value: Expr, otherwise: Otherwise) -> Expr {
    computed(vec![value], DataType::Float64, move |columns| {
        let value = Texts::of(&columns[0])?;
        let rows = (0..height(columns)).map(|row| match value.at(row) {
            Some(text) => {
                let number = text.trim_matches(|sign: char| sign.is_ascii_whitespace()).parse::<f64>().ok();
                otherwise.of(number, || format!("{} is no number", quoted(text)))
            }
            None => Ok(None),
        });
        let numbers: Vec<Option<f64>> = rows.collect::<PolarsResult<_>>()?;
        Ok(Float64Chunked::from_iter_options("".into(), numbers.into_iter()).into_column())
    })
}

/// Floating numbers of 64 bits as ones of 32.
fn narrowed(value: Expr, otherwise: Otherwise) -> Expr {
    computed(vec![value], DataType::Float32, move |columns| {
        let value = Floats::of(&columns[0])?;
        let rows = (0..height(columns)).map(|row| match value.at(row) {
            Some(number) => {
                let single = number as f32;
                let fits = single.is_finite() || !number.is_finite();
                otherwise.of(fits.then_some(single), || format!("{number:?} is too large for FLOAT"))
            }
            None => Ok(None),
        });
        let numbers: Vec<Option<f32>> = rows.collect::<PolarsResult<_>>()?;
        Ok(Float32Chunked::from_iter_options("".into(), numbers.into_iter()).into_column())
    })
}

fn text_as_time(value: Expr, otherwise: Otherwise) -> Expr {
    computed(vec![value], dtype_of(Target::Timestamp), move |columns| {
        let value = Texts::of(&columns[0])?;
        let times = super::rows::try_ints(height(columns), |row| match value.at(row) {
            Some(text) => {
                let time = instant_of(text).map(|time| time.micros());
                otherwise.of(time, || format!("{} is no date or time", quoted(text)))
            }
            None => Ok(None),
        })?;
        times.cast(&dtype_of(Target::Timestamp))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is expected here is what DuckDB answers.

    #[test]
    fn floating_numbers_are_written_shortly() {
        let known = [
            (1.5, "1.5"),
            (100.0, "100.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1e20, "1e+20"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (0.000_123, "0.000123"),
            (-0.0, "-0.0"),
            (-12.75, "-12.75"),
            (1.25e-300, "1.25e-300"),
            (f64::NAN, "nan"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ];
        for (number, text) in known {
            assert_eq!(float_text(format!("{number:e}")), text);
        }
        assert_eq!(float_text(format!("{:e}", 0.1f32)), "0.1");
    }

    #[test]
    fn decimals_are_written_with_all_their_digits() {
        let known = [(150, 2, "1.50"), (-50, 2, "-0.50"), (5, 0, "5"), (7, 3, "0.007"), (-1_234, 1, "-123.4")];
        for (digits, scale, text) in known {
            assert_eq!(digits_text(digits, scale), text);
        }
    }

    #[test]
    fn texts_are_numbers_with_a_point_or_an_exponent() {
        let whole = |text| number_of(text).and_then(|(digits, scale)| rounded(digits, scale, 0));
        let known = [
            ("5", 5),
            (" 5 ", 5),
            ("\t5", 5),
            ("5.5", 6),
            ("2.5", 3),
            ("5.4", 5),
            ("-0.5", -1),
            ("0.5", 1),
            (".5", 1),
            ("5.", 5),
            ("1e3", 1_000),
            ("1e-1", 0),
            ("15e-1", 2),
            ("+5", 5),
            ("1e-99", 0),
        ];
        for (text, number) in known {
            assert_eq!(whole(text), Some(number), "{text:?}");
        }
        for text in ["", " ", "-", "abc", "5 5", "--5", "+-5", "1e", "e5", "1e400", "nan", "0x10"] {
            assert_eq!(whole(text), None, "{text:?}");
        }
    }
}
