//! A condition over the very types of a file: SQL writes times as text and takes dictionaries for text,
//! polars does neither.

use polars::prelude::*;

use super::like::without_patterns;
use crate::events::convert::as_text;
use crate::job::dates::instant_of;

/// A condition that polars can compute over `schema`, tried on no rows.
///
/// # Errors
/// What cannot be compared, in polars' words.
pub fn typed(expr: &Expr, schema: &SchemaRef) -> PolarsResult<Expr> {
    let expr = with_far_times(with_wide_integers(with_typed_times(expr.clone(), schema)?, schema), schema);
    let tried = |expr: &Expr| DataFrame::empty_with_schema(schema).lazy().filter(expr.clone()).collect();
    match tried(&expr) {
        Ok(_) => Ok(without_patterns(expr)),
        Err(error) => {
            // Whole columns are compared as they are where that goes: only then can their statistics rule
            // row groups out. Functions of text need text.
            let as_text = with_text(expr, schema);
            tried(&as_text).map(|_| without_patterns(as_text)).map_err(|_| error)
        }
    }
}

/// Columns of dictionaries and bytes as text.
fn with_text(expr: Expr, schema: &Schema) -> Expr {
    expr.map_expr(|expr| match &expr {
        Expr::Column(name) => match schema.get(name) {
            Some(DataType::Categorical(..) | DataType::Enum(..) | DataType::Binary) => expr.cast(DataType::String),
            _ => expr,
        },
        _ => expr,
    })
}

/// Dates and times as text by ourselves: polars gives up on those that are far away.
fn with_far_times(expr: Expr, schema: &SchemaRef) -> Expr {
    expr.map_expr(|expr| match &expr {
        Expr::Cast { expr: inner, dtype, .. } if dtype.as_literal() == Some(&DataType::String) => {
            match dtype_of(inner, schema) {
                Ok(Some(DataType::Date | DataType::Datetime(..))) => as_text(inner.as_ref().clone()),
                _ => expr,
            }
        }
        _ => expr,
    })
}

/// What an expression is over a schema, where it can be computed.
fn dtype_of(expr: &Expr, schema: &SchemaRef) -> PolarsResult<Option<DataType>> {
    if let Expr::Column(name) = expr {
        return Ok(schema.get(name).cloned());
    }
    let mut one = DataFrame::empty_with_schema(schema).lazy().select([expr.clone().alias("value")]);
    Ok(one.collect_schema()?.get("value").cloned())
}

/// Integers that something is reckoned from as 64 bits: in the few of its column, a result would not fit, and come out
/// as another number. Unsigned ones of 64 bits become floating numbers, as below zero they have no room at all.
fn with_wide_integers(expr: Expr, schema: &SchemaRef) -> Expr {
    let wide = |side: Arc<Expr>| {
        let wider = match dtype_of(&side, schema) {
            Ok(Some(DataType::Int64)) => None,
            Ok(Some(DataType::UInt64)) => Some(DataType::Float64),
            Ok(Some(dtype)) if dtype.is_integer() => Some(DataType::Int64),
            _ => None,
        };
        // Constants take the type of what is beside them.
        let wider = wider.filter(|_| !matches!(side.as_ref(), Expr::Literal(_)));
        wider.map_or_else(|| Arc::clone(&side), |dtype| Arc::new(side.as_ref().clone().cast(dtype)))
    };
    expr.map_expr(|expr| match expr {
        Expr::BinaryExpr { left, op, right } if op.is_arithmetic() => {
            Expr::BinaryExpr { left: wide(left), op, right: wide(right) }
        }
        other => other,
    })
}

/// Makes the constant beside a date or time a date or time of that very type: people write
/// `event_time >= '2026-01-05'`, and row groups can only be skipped where no cast is in between.
fn with_typed_times(expr: Expr, schema: &SchemaRef) -> PolarsResult<Expr> {
    expr.try_map_expr(|expr| match expr {
        Expr::BinaryExpr { left, op, right } if op.is_comparison() => {
            let (left, right) = match (is_constant(&left), is_constant(&right)) {
                (false, true) => same_time_type(left, right, schema)?,
                (true, false) => {
                    let (right, left) = same_time_type(right, left, schema)?;
                    (left, right)
                }
                _ => (left, right),
            };
            Ok(Expr::BinaryExpr { left, op, right })
        }
        other => Ok(other),
    })
}

fn is_constant(expr: &Expr) -> bool {
    !expr.into_iter().any(|expr| matches!(expr, Expr::Column(_)))
}

/// A value of rows and a constant beside it, both of one type of times if the value is a time. A decimal number is
/// compared with no text: polars would compare it as one.
fn same_time_type(value: Arc<Expr>, constant: Arc<Expr>, schema: &SchemaRef) -> PolarsResult<(Arc<Expr>, Arc<Expr>)> {
    let dtype = dtype_of(&value, schema)?;
    if matches!(dtype, Some(DataType::Decimal(..))) && dtype_of(&constant, schema)? == Some(DataType::String) {
        polars_bail!(ComputeError: "a number is compared with text; write the number without quotes");
    }
    let Some(dtype) = dtype.filter(|dtype| matches!(dtype, DataType::Date | DataType::Datetime(..))) else {
        return Ok((value, constant));
    };
    let Some(micros) = micros_of(&constant)? else { return Ok((value, constant)) };
    let zone = match &dtype {
        DataType::Datetime(_, zone) => zone.clone(),
        _ => None,
    };
    if let Some(exact) = in_type(micros, &dtype) {
        return Ok((value, Arc::new(lit(Scalar::new(dtype, exact)))));
    }
    // The constant lies between two values of the column's type.
    let finer = DataType::Datetime(TimeUnit::Microseconds, zone.clone());
    let constant = AnyValue::DatetimeOwned(micros, TimeUnit::Microseconds, zone.map(Arc::new));
    let value = Arc::unwrap_or_clone(value).cast(finer.clone());
    Ok((Arc::new(value), Arc::new(lit(Scalar::new(finer, constant)))))
}

/// An instant as a value of a type of times, if it is one.
fn in_type(micros: i64, dtype: &DataType) -> Option<AnyValue<'static>> {
    const DAY: i64 = 86_400_000_000;
    match dtype {
        DataType::Date => {
            let days = i32::try_from(micros.div_euclid(DAY)).ok()?;
            (micros.rem_euclid(DAY) == 0).then_some(AnyValue::Date(days))
        }
        DataType::Datetime(unit, zone) => {
            let count = match unit {
                TimeUnit::Nanoseconds => micros.checked_mul(1_000)?,
                TimeUnit::Microseconds => micros,
                TimeUnit::Milliseconds if micros.rem_euclid(1_000) == 0 => micros.div_euclid(1_000),
                TimeUnit::Milliseconds => return None,
            };
            Some(AnyValue::DatetimeOwned(count, *unit, zone.clone().map(Arc::new)))
        }
        _ => None,
    }
}

/// The instant that a constant is; `None` for null.
fn micros_of(constant: &Expr) -> PolarsResult<Option<i64>> {
    let compute = |constant: Expr| df!("dwell" => [0i32])?.lazy().select([constant.alias("value")]).collect();
    let value = match compute(constant.clone()) {
        Ok(value) => value,
        Err(error) => compute(with_text_as_times(constant.clone())).map_err(|_| error)?,
    };
    let value = value.column("value")?.get(0)?.into_static();
    Ok(Some(match value {
        AnyValue::Null => return Ok(None),
        AnyValue::Date(days) => i64::from(days) * 86_400_000_000,
        AnyValue::Datetime(count, unit, _) => in_micros(count, unit),
        AnyValue::DatetimeOwned(count, unit, _) => in_micros(count, unit),
        other => match other.get_str().map(|text| (text, instant_of(text))) {
            Some((_, Some(time))) => time.micros(),
            Some((text, None)) => polars_bail!(
                ComputeError: "'{text}' is no date or time; write it like '2026-01-31' or '2026-01-31 12:30:00'"
            ),
            None => polars_bail!(
                ComputeError: "a time is compared with a number; write the time like '2026-01-31 12:30:00'"
            ),
        },
    }))
}

/// Text that something is reckoned from as a time: `'2026-01-31' + INTERVAL '1 day'`.
fn with_text_as_times(constant: Expr) -> Expr {
    let time = |expr: &Expr| match expr {
        Expr::Literal(value) => value.extract_str().and_then(instant_of).map(|time| {
            let dtype = DataType::Datetime(TimeUnit::Microseconds, None);
            lit(Scalar::new(dtype, AnyValue::Datetime(time.micros(), TimeUnit::Microseconds, None)))
        }),
        _ => None,
    };
    constant.map_expr(|expr| match expr {
        Expr::BinaryExpr { left, op, right } => {
            Expr::BinaryExpr { left: time(&left).map_or(left, Arc::new), op, right }
        }
        Expr::Function { mut input, function } => {
            if let Some(time) = input.first().and_then(time) {
                input[0] = time;
            }
            Expr::Function { input, function }
        }
        other => other,
    })
}

fn in_micros(count: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Nanoseconds => count.div_euclid(1_000),
        TimeUnit::Microseconds => count,
        TimeUnit::Milliseconds => count.saturating_mul(1_000),
    }
}
