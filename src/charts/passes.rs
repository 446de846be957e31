//! Tests of values: which rows of a file pass one.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type};

use super::error::ChartError;
use super::rows::{FileRows, Texts};
use crate::job::instants::instant_of;
use crate::job::value_test::{Literal, Op, ValueTest};
use crate::sessionize::time::Span;

/// Of each row, whether its value passes a test. Null passes only [`Op::IsNot`] and [`Op::IsNotSet`].
///
/// # Errors
/// A column that is not there; a value that the column's type cannot be compared with.
pub fn passes(test: &ValueTest, column: &str, rows: &mut FileRows) -> Result<Vec<bool>, ChartError> {
    let values = Arc::clone(rows.column(column)?);
    let none = Literal::Text(String::new());
    let one = test.with.first().unwrap_or(&none);
    match test.op {
        Op::IsSet => Ok((0..values.len()).map(|row| values.is_valid(row)).collect()),
        Op::IsNotSet => Ok((0..values.len()).map(|row| values.is_null(row)).collect()),
        Op::Contains => Ok(texts_that(&*rows.texts(column)?, |text| text.contains(&one.to_string()))),
        Op::StartsWith => Ok(texts_that(&*rows.texts(column)?, |text| text.starts_with(&one.to_string()))),
        Op::In => compared(test, &test.with, column, &values, rows),
        _ => compared(test, std::slice::from_ref(one), column, &values, rows),
    }
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
    with: &[Literal],
    column: &str,
    values: &ArrayRef,
    rows: &mut FileRows,
) -> Result<Vec<bool>, ChartError> {
    let wrong = |literal: &Literal, holds: &'static str| ChartError::Value {
        property: test.value.property().unwrap_or_default().to_string(),
        value: literal.to_string(),
        holds,
    };
    let dtype = values.data_type();
    let is_of_order = matches!(test.op, Op::Greater | Op::GreaterOrEqual | Op::Less | Op::LessOrEqual);
    if let (DataType::Boolean, true, Some(literal)) = (dtype, is_of_order, with.first()) {
        return Err(wrong(literal, "truth values, which have no order"));
    }
    let one = |literal: &Literal| comparable(dtype, literal).map_err(|holds| wrong(literal, holds));
    let with: Vec<Literal> = with.iter().map(one).collect::<Result<_, _>>()?;
    let passes = |value: Option<Value<'_>>| with.iter().any(|literal| is_so(test.op, value, literal));
    Ok(match dtype {
        DataType::Boolean => {
            let truths: &BooleanArray = values.as_boolean();
            truths.iter().map(|truth| passes(truth.map(Value::Boolean))).collect()
        }
        DataType::Float64 => {
            rows.numbers::<Float64Type>(column)?.iter().map(|number| passes(number.map(Value::Float))).collect()
        }
        DataType::Date32 => {
            let days = rows.numbers::<Int64Type>(column)?;
            days.iter().map(|day| passes(day.map(|day| Value::Int(day * Span::DAY.micros())))).collect()
        }
        dtype if dtype.is_integer() || matches!(dtype, DataType::Timestamp(..)) => {
            rows.numbers::<Int64Type>(column)?.iter().map(|number| passes(number.map(Value::Int))).collect()
        }
        _ => {
            let texts = rows.texts(column)?;
            let passing: Vec<bool> = texts.distinct().map(|text| passes(Some(Value::Text(text)))).collect();
            let null = passes(None);
            texts.places.iter().map(|place| passing.get(*place as usize).copied().unwrap_or(null)).collect()
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

/// Whether a value is to a literal as an operator says.
fn is_so(op: Op, value: Option<Value<'_>>, literal: &Literal) -> bool {
    let order = value.and_then(|value| order(value, literal));
    match op {
        Op::IsNot => order != Some(Ordering::Equal),
        Op::Greater => order.is_some_and(Ordering::is_gt),
        Op::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        Op::Less => order.is_some_and(Ordering::is_lt),
        Op::LessOrEqual => order.is_some_and(Ordering::is_le),
        _ => order == Some(Ordering::Equal),
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
