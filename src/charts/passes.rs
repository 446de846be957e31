//! Tests of values: which rows of a file pass one.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::error::ChartError;
use super::rows::{FileRows, Texts};
use crate::job::instants::instant_of;
use crate::job::value_test::{Asks, Comparison, Literal, ValueTest};
use crate::sessionize::time::Span;

/// Of each row, whether its value passes a test. Null passes a negation, and nothing else.
///
/// # Errors
/// A column that is not there; a value that the column's type cannot be compared with.
pub fn passes(test: &ValueTest, column: &str, rows: &mut FileRows) -> Result<Vec<bool>, ChartError> {
    let values = Arc::clone(rows.column(column)?);
    let mut passes = match &test.asks {
        Asks::Set => (0..values.len()).map(|row| values.is_valid(row)).collect(),
        Asks::Text(asked) => texts_that(&*rows.texts(column)?, |text| asked.holds(text)),
        Asks::Compared(comparison, with) => compared(test, *comparison, with, (column, &values), rows)?,
    };
    if test.negated {
        passes.iter_mut().for_each(|passes| *passes = !*passes);
    }
    Ok(passes)
}

/// Of each row, whether its text is of some kind; of each distinct text it is asked once.
fn texts_that(texts: &Texts, is: impl Fn(&str) -> bool) -> Vec<bool> {
    let passing: Vec<bool> = texts.distinct().map(is).collect();
    texts.places.iter().map(|place| passing.get(*place as usize).copied().unwrap_or(false)).collect()
}

/// A value of a row.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a str),
    Int(i64),
    Float(f64),
    Boolean(bool),
}

/// Of each row, whether it is to one of some literals as a test says.
fn compared(
    test: &ValueTest,
    comparison: Comparison,
    with: &[Literal],
    (column, values): (&str, &ArrayRef),
    rows: &mut FileRows,
) -> Result<Vec<bool>, ChartError> {
    let wrong = |literal: &Literal, holds: &'static str| ChartError::Value {
        property: test.value.property().unwrap_or_default().to_string(),
        value: literal.to_string(),
        holds,
    };
    let dtype = values.data_type();
    if let (DataType::Boolean, true, Some(literal)) = (dtype, comparison != Comparison::Equal, with.first()) {
        return Err(wrong(literal, "truth values, which have no order"));
    }
    let one = |literal: &Literal| comparable(dtype, literal).map_err(|holds| wrong(literal, holds));
    let with: Vec<Literal> = with.iter().map(one).collect::<Result<_, _>>()?;
    let passes = |value: Value<'_>| with.iter().any(|literal| is_so(comparison, value, literal));
    Ok(match dtype {
        DataType::Boolean => {
            let truths: &BooleanArray = values.as_boolean();
            truths.iter().map(|truth| truth.is_some_and(|truth| passes(Value::Boolean(truth)))).collect()
        }
        DataType::Float64 => {
            let numbers = rows.numbers::<Float64Type>(column)?;
            numbers.iter().map(|number| number.is_some_and(|number| passes(Value::Float(number)))).collect()
        }
        DataType::Date32 => {
            let days = rows.numbers::<Int64Type>(column)?;
            let passes = |day: i64| passes(Value::Int(day * Span::DAY.micros()));
            days.iter().map(|day| day.is_some_and(passes)).collect()
        }
        dtype if dtype.is_integer() || matches!(dtype, DataType::Timestamp(..)) => {
            let numbers = rows.numbers::<Int64Type>(column)?;
            numbers.iter().map(|number| number.is_some_and(|number| passes(Value::Int(number)))).collect()
        }
        _ => {
            let texts = rows.texts(column)?;
            texts_that(&texts, |text| passes(Value::Text(text)))
        }
    })
}

/// A literal as values of a column's type are compared with it; or what the column holds that it cannot be compared with.
fn comparable(dtype: &DataType, literal: &Literal) -> Result<Literal, &'static str> {
    const NUMBERS: &str = "numbers";
    const TIMES: &str = "dates or times, like 2026-01-31";
    const TRUTHS: &str = "truth values: true or false";
    match (dtype, literal) {
        (DataType::Boolean, Literal::Boolean(truth)) => Ok(Literal::Boolean(*truth)),
        (DataType::Boolean, Literal::Text(text)) => Ok(Literal::Boolean(text.parse().map_err(|_| TRUTHS)?)),
        (DataType::Boolean, _) => Err(TRUTHS),
        (DataType::Date32 | DataType::Timestamp(..), Literal::Text(text)) => {
            Ok(Literal::Int(instant_of(text).ok_or(TIMES)?.micros()))
        }
        (DataType::Date32 | DataType::Timestamp(..), _) => Err(TIMES),
        (dtype, literal) if dtype.is_numeric() => match literal {
            Literal::Text(text) => {
                let whole = text.trim().parse::<i64>().ok().filter(|_| dtype.is_integer()).map(Literal::Int);
                whole.or_else(|| text.trim().parse().ok().map(Literal::Float)).ok_or(NUMBERS)
            }
            Literal::Boolean(_) => Err(NUMBERS),
            number => Ok(number.clone()),
        },
        (_, Literal::Boolean(truth)) => Ok(Literal::Text(truth.to_string())),
        (_, literal) => Ok(literal.clone()),
    }
}

/// Whether a value is to a literal as a comparison says.
fn is_so(comparison: Comparison, value: Value<'_>, literal: &Literal) -> bool {
    let Some(order) = order(value, literal) else { return false };
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
    }
}

/// How a value compares to a literal; `None` where it does not, as text that is no number does not to a number.
fn order(value: Value<'_>, literal: &Literal) -> Option<Ordering> {
    match (value, literal) {
        (Value::Text(text), Literal::Text(other)) => Some(text.cmp(other.as_str())),
        (Value::Text(text), Literal::Int(number)) => Some(order_of_floats(text.parse().ok()?, *number as f64)),
        (Value::Text(text), Literal::Float(number)) => Some(order_of_floats(text.parse().ok()?, *number)),
        (Value::Int(number), Literal::Int(other)) => Some(number.cmp(other)),
        (Value::Int(number), Literal::Float(other)) => Some(order_of_floats(number as f64, *other)),
        (Value::Float(number), Literal::Int(other)) => Some(order_of_floats(number, *other as f64)),
        (Value::Float(number), Literal::Float(other)) => Some(order_of_floats(number, *other)),
        (Value::Boolean(truth), Literal::Boolean(other)) => Some(truth.cmp(other)),
        _ => None,
    }
}

/// Both zeros are equal, and what is no number is above all numbers.
fn order_of_floats(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}
