//! Which row groups a condition rules out, by the statistics in the footers.
//!
//! They are not read, and files that are ruled out whole not opened again.

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
    let bounds = Bounds { groups, ranges_of, schema };
    let Some(test) = exprs.iter().filter_map(|expr| bounds.test(expr)).reduce(Expr::and) else {
        return Ok(vec![true; groups.len()]);
    };
    let answer = bounds.frame()?.lazy().select([test.alias("can")]).collect()?;
    Ok(answer.column("can")?.bool()?.iter().map(|can| can.unwrap_or(true)).collect())
}

struct Bounds<'a> {
    groups: &'a [RowGroup],
    ranges_of: &'a [String],
    schema: &'a Schema,
}

impl Bounds<'_> {
    /// Whether an expression may hold, as a test of the columns' bounds; `None` where bounds say nothing.
    fn test(&self, expr: &Expr) -> Option<Expr> {
        let Expr::BinaryExpr { left, op, right } = expr else { return None };
        match (left.as_ref(), op, right.as_ref()) {
            (left, Operator::And | Operator::LogicalAnd, right) => match (self.test(left), self.test(right)) {
                (Some(left), Some(right)) => Some(left.and(right)),
                (left, right) => left.or(right),
            },
            (left, Operator::Or | Operator::LogicalOr, right) => Some(self.test(left)?.or(self.test(right)?)),
            (Expr::Column(column), op, constant @ Expr::Literal(_)) => self.compare(column, *op, constant),
            (constant @ Expr::Literal(_), op, Expr::Column(column)) => {
                self.compare(column, op.swap_operands()?, constant)
            }
            _ => None,
        }
    }

    fn compare(&self, column: &str, op: Operator, constant: &Expr) -> Option<Expr> {
        let place = self.ranges_of.iter().position(|name| name == column)?;
        let dtype = self.schema.get(column)?;
        let (min, max) = (col(min_name(place)), col(max_name(place)));
        let constant = constant.clone();
        let test = match op {
            Operator::Eq if can_be_bounded(dtype) => min.lt_eq(constant.clone()).and(max.gt_eq(constant)),
            _ if !is_ordered_as_bounds(dtype) => return None,
            // Statistics leave NaN out, and NaN is above everything.
            Operator::Gt | Operator::GtEq if dtype.is_float() => return None,
            Operator::Lt => min.lt(constant),
            Operator::LtEq => min.lt_eq(constant),
            Operator::Gt => max.gt(constant),
            Operator::GtEq => max.gt_eq(constant),
            _ => return None,
        };
        // A missing bound compares to null: then nothing is known, and the group may match.
        Some(test.fill_null(lit(true)))
    }

    /// The bounds of all columns, a row for each group.
    fn frame(&self) -> PolarsResult<DataFrame> {
        let mut columns = vec![Column::new_row_index("group".into(), 0, self.groups.len())?];
        for (place, name) in self.ranges_of.iter().enumerate() {
            if let Some(dtype) = self.schema.get(name).filter(|dtype| can_be_bounded(dtype)) {
                columns.push(self.bound(place, dtype, min_name(place), false)?);
                columns.push(self.bound(place, dtype, max_name(place), true)?);
            }
        }
        DataFrame::new(self.groups.len(), columns)
    }

    fn bound(&self, place: usize, dtype: &DataType, name: String, upper: bool) -> PolarsResult<Column> {
        let ranges = || self.groups.iter().map(|group| group.ranges.get(place).and_then(Option::as_ref));
        let series = if is_text(dtype) {
            let values = ranges().map(|range| match range {
                Some(Range::Text(min, max)) => Some(if upper { max.as_str() } else { min.as_str() }),
                _ => None,
            });
            StringChunked::from_iter_options(name.into(), values).into_series()
        } else if dtype.is_float() {
            let values = ranges().map(|range| match range {
                Some(Range::Float(min, max)) => Some(if upper { *max } else { *min }),
                _ => None,
            });
            Float64Chunked::from_iter_options(name.into(), values).into_series()
        } else {
            let values = ranges().map(|range| match range {
                Some(Range::Int(min, max)) => Some(if upper { *max } else { *min }),
                _ => None,
            });
            Int64Chunked::from_iter_options(name.into(), values).into_series().cast(dtype)?
        };
        Ok(series.into_column())
    }
}

fn min_name(place: usize) -> String {
    format!("min {place}")
}

fn max_name(place: usize) -> String {
    format!("max {place}")
}

fn is_text(dtype: &DataType) -> bool {
    matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Enum(..))
}

/// Whether equal values lie within the statistics, in whatever order.
fn can_be_bounded(dtype: &DataType) -> bool {
    is_text(dtype) || is_ordered_as_bounds(dtype)
}

/// Whether values are ordered as their statistics are.
fn is_ordered_as_bounds(dtype: &DataType) -> bool {
    // Dictionaries compare as the text in them; an Enum has an order of its own.
    matches!(dtype, DataType::String | DataType::Categorical(..) | DataType::Date | DataType::Datetime(..))
        || dtype.is_float()
        || dtype.is_integer() && *dtype != DataType::UInt64
}
