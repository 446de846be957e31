//! Tests of values as expressions over the columns that hold them.

use polars::prelude::*;

use super::error::ChartError;
use crate::events::normalise::convert::as_text;
use crate::job::dates::instant_of;
use crate::job::value_test::{Literal, Op, ValueTest};

/// Whether the values of a column of this type pass a test; null where they are null and that decides.
///
/// # Errors
/// A value that the column's type cannot be compared with.
pub fn passes(test: &ValueTest, column: &str, dtype: &DataType) -> Result<Expr, ChartError> {
    let value = col(column);
    let wrong = |literal: &Literal, holds: &'static str| ChartError::Value {
        property: test.value.property().unwrap_or_default().to_string(),
        value: literal.to_string(),
        holds,
    };
    let compared = |literal: &Literal| comparable(col(column), dtype, literal).map_err(|holds| wrong(literal, holds));
    let one = || test.with.first().cloned().unwrap_or(Literal::Text(String::new()));
    let nothing = |passes: bool| lit(passes);
    Ok(match test.op {
        Op::IsSet => value.is_not_null(),
        Op::IsNotSet => value.is_null(),
        Op::Contains => text(value, dtype).str().contains_literal(lit(one().to_string())).fill_null(nothing(false)),
        Op::StartsWith => text(value, dtype).str().starts_with(lit(one().to_string())).fill_null(nothing(false)),
        Op::Is => {
            let (left, right) = compared(&one())?;
            left.eq(right).fill_null(nothing(false))
        }
        Op::IsNot => {
            let (left, right) = compared(&one())?;
            left.neq(right).fill_null(nothing(true))
        }
        Op::In => {
            let mut any = lit(false);
            for literal in &test.with {
                let (left, right) = compared(literal)?;
                any = any.or(left.eq(right).fill_null(nothing(false)));
            }
            any
        }
        Op::Greater | Op::GreaterOrEqual | Op::Less | Op::LessOrEqual => {
            let literal = one();
            if matches!(dtype, DataType::Boolean) {
                return Err(wrong(&literal, "truth values, which have no order"));
            }
            let (left, right) = compared(&literal)?;
            let holds = match test.op {
                Op::Greater => left.gt(right),
                Op::GreaterOrEqual => left.gt_eq(right),
                Op::Less => left.lt(right),
                _ => left.lt_eq(right),
            };
            holds.fill_null(nothing(false))
        }
    })
}

fn text(value: Expr, dtype: &DataType) -> Expr {
    match dtype {
        DataType::String => value,
        DataType::Date | DataType::Datetime(..) => as_text(value),
        _ => value.cast(DataType::String),
    }
}

/// A column and a literal as values of one type; or what the column holds that it cannot be compared with.
fn comparable(value: Expr, dtype: &DataType, literal: &Literal) -> Result<(Expr, Expr), &'static str> {
    const NUMBERS: &str = "numbers";
    const TIMES: &str = "dates or times, like 2026-01-31";
    const TRUTHS: &str = "truth values: true or false";
    match dtype {
        DataType::String => Ok(match literal {
            Literal::Text(text) => (value, lit(text.clone())),
            Literal::Boolean(truth) => (value, lit(truth.to_string())),
            // A number in JSON text; other text is none.
            Literal::Int(number) => (value.cast(DataType::Float64), lit(*number as f64)),
            Literal::Float(number) => (value.cast(DataType::Float64), lit(*number)),
        }),
        DataType::Boolean => match literal {
            Literal::Boolean(truth) => Ok((value, lit(*truth))),
            Literal::Text(text) => Ok((value, lit(text.parse::<bool>().map_err(|_| TRUTHS)?))),
            _ => Err(TRUTHS),
        },
        DataType::Date | DataType::Datetime(..) => {
            let Literal::Text(text) = literal else { return Err(TIMES) };
            let time = instant_of(text).ok_or(TIMES)?;
            let micros = DataType::Datetime(TimeUnit::Microseconds, None);
            let value = match dtype {
                DataType::Date => value.cast(micros),
                _ => value,
            };
            Ok((value.to_physical(), lit(time.micros())))
        }
        DataType::Float32 | DataType::Float64 => match literal {
            Literal::Int(number) => Ok((value, lit(*number as f64))),
            Literal::Float(number) => Ok((value, lit(*number))),
            Literal::Text(text) => Ok((value, lit(text.trim().parse::<f64>().map_err(|_| NUMBERS)?))),
            Literal::Boolean(_) => Err(NUMBERS),
        },
        _ => match literal {
            Literal::Int(number) => Ok((value, lit(*number))),
            Literal::Float(number) => Ok((value.cast(DataType::Float64), lit(*number))),
            Literal::Text(text) => match text.trim().parse::<i64>() {
                Ok(number) => Ok((value, lit(number))),
                Err(_) => {
                    let number = text.trim().parse::<f64>().map_err(|_| NUMBERS)?;
                    Ok((value.cast(DataType::Float64), lit(number)))
                }
            },
            Literal::Boolean(_) => Err(NUMBERS),
        },
    }
}
