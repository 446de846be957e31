//! Which row groups a condition rules out, by the statistics in the footers.
//!
//! polars skips these by itself while reading; they are worked out here to say so before and after, and
//! so that files that are ruled out whole are not opened again.

use polars::prelude::*;

use super::footer::{Range, RowGroup};

/// For each row group whether the condition may hold in one of its rows. `exprs` all have to hold;
/// `ranges_of` names the columns of the groups' ranges.
///
/// # Errors
/// What polars says of a comparison that it cannot make.
pub fn can_match(
    exprs: &[Expr],
    groups: &[RowGroup],
    ranges_of: &[String],
    schema: &Schema,
) -> PolarsResult<Vec<bool>> {
    let mut can = vec![true; groups.len()];
    let mut parts = Vec::new();
    exprs.iter().for_each(|expr| split_and(expr, &mut parts));
    for (column, test) in parts.into_iter().filter_map(range_test) {
        let (Some(place), Some(dtype)) = (ranges_of.iter().position(|name| *name == column), schema.get(&column))
        else {
            continue;
        };
        let ranges: Vec<Option<&Range>> =
            groups.iter().map(|group| group.ranges.get(place).and_then(Option::as_ref)).collect();
        let Some(bounds) = bounds_frame(&ranges, dtype)? else { continue };
        // A missing bound compares to null: then nothing is known, and the group may match.
        let answer = bounds.lazy().select([test.fill_null(lit(true)).alias("can")]).collect()?;
        for (can, test) in can.iter_mut().zip(answer.column("can")?.bool()?.iter()) {
            *can &= test.unwrap_or(true);
        }
    }
    Ok(can)
}

fn split_and<'e>(expr: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match expr {
        Expr::BinaryExpr { left, op: Operator::And | Operator::LogicalAnd, right } => {
            split_and(left, parts);
            split_and(right, parts);
        }
        other => parts.push(other),
    }
}

/// For a comparison of a column with a constant: the column, and a test of its `min` and `max`.
fn range_test(expr: &Expr) -> Option<(String, Expr)> {
    let Expr::BinaryExpr { left, op, right } = expr else { return None };
    let (column, op, constant) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(column), constant @ Expr::Literal(_)) => (column, *op, constant.clone()),
        (constant @ Expr::Literal(_), Expr::Column(column)) => (column, op.swap_operands()?, constant.clone()),
        _ => return None,
    };
    let (min, max) = (col("min"), col("max"));
    let test = match op {
        Operator::Eq => min.lt_eq(constant.clone()).and(max.gt_eq(constant)),
        Operator::Lt => min.lt(constant),
        Operator::LtEq => min.lt_eq(constant),
        Operator::Gt => max.gt(constant),
        Operator::GtEq => max.gt_eq(constant),
        _ => return None,
    };
    Some((column.to_string(), test))
}

/// The ranges as columns `min` and `max` of the column's own type; `None` for types whose order in the
/// file may differ from that of their values.
fn bounds_frame(ranges: &[Option<&Range>], dtype: &DataType) -> PolarsResult<Option<DataFrame>> {
    let ordered = dtype.is_string()
        || matches!(dtype, DataType::Date | DataType::Datetime(..))
        || dtype.is_integer() && *dtype != DataType::UInt64;
    if !ordered {
        return Ok(None);
    }
    let column = |name: &str, upper: bool| -> PolarsResult<Column> {
        let series = if dtype.is_string() {
            let values = ranges.iter().map(|range| match range {
                Some(Range::Text(min, max)) => Some(if upper { max.as_str() } else { min.as_str() }),
                _ => None,
            });
            StringChunked::from_iter_options(name.into(), values).into_series()
        } else {
            let values = ranges.iter().map(|range| match range {
                Some(Range::Int(min, max)) => Some(if upper { *max } else { *min }),
                _ => None,
            });
            Int64Chunked::from_iter_options(name.into(), values).into_series().cast(dtype)?
        };
        Ok(series.into_column())
    };
    DataFrame::new(ranges.len(), vec![column("min", false)?, column("max", true)?]).map(Some)
}
