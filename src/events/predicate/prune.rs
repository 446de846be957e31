//! Which row groups a condition rules out, by the statistics in the footers.
//!
//! They are not read, and files that are ruled out whole not opened again.

use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use polars::prelude::*;

use super::compile::{Literal, Order};
use crate::events::source::bounds::Range;
use crate::events::source::footer::{FileSchema, RowGroup};

/// For each row group of a file whether the condition may hold in one of its rows. `exprs` all have to hold;
/// `ranges_of` names the columns of the groups' ranges.
pub fn can_match(exprs: &[Expr], groups: &[RowGroup], ranges_of: &[String], schema: &FileSchema) -> Vec<bool> {
    let bounded = Bounded { ranges_of, schema };
    let tests: Vec<Test> = exprs.iter().filter_map(|expr| bounded.test(expr)).collect();
    groups.iter().map(|group| tests.iter().all(|test| test.may_hold(&group.ranges))).collect()
}

/// A question to the ranges of a row group.
#[derive(Debug, PartialEq)]
enum Test {
    Both(Box<Test>, Box<Test>),
    Either(Box<Test>, Box<Test>),
    Stands {
        /// The column's place among the ranges.
        place: usize,
        order: Order,
        constant: Bound,
    },
}

/// A constant as it is compared with ranges.
#[derive(Debug, PartialEq)]
enum Bound {
    /// A number among integers that are so many times as large as those of the range.
    Int(i128, i128),
    Float(f64),
    Bytes(Vec<u8>),
}

impl Test {
    /// Whether one of the rows may pass: where a range is not known, one may.
    fn may_hold(&self, ranges: &[Option<Range>]) -> bool {
        match self {
            Test::Both(left, right) => left.may_hold(ranges) && right.may_hold(ranges),
            Test::Either(left, right) => left.may_hold(ranges) || right.may_hold(ranges),
            Test::Stands { place, order, constant } => {
                let range = ranges.get(*place).and_then(Option::as_ref);
                range.is_none_or(|range| may_stand(range, *order, constant))
            }
        }
    }
}

fn may_stand(range: &Range, order: Order, constant: &Bound) -> bool {
    match (range, constant) {
        (Range::Int(min, max), Bound::Int(constant, scale)) => {
            order.may_hold(&(i128::from(*min) * scale), &(i128::from(*max) * scale), constant)
        }
        (Range::UInt(min, max), Bound::Int(constant, scale)) => {
            order.may_hold(&(i128::from(*min) * scale), &(i128::from(*max) * scale), constant)
        }
        // NaN is above everything, and is not in the range.
        (Range::Float(..), Bound::Float(_)) if matches!(order, Order::Greater | Order::GreaterOrEqual) => true,
        (Range::Float(min, max), Bound::Float(constant)) => order.may_hold(min, max, constant),
        (Range::Bytes(min, max), Bound::Bytes(constant)) => order.may_hold(min, max, constant),
        _ => true,
    }
}

impl Order {
    /// Whether a value between two may stand so to a constant.
    fn may_hold<T: PartialOrd + ?Sized>(self, min: &T, max: &T, constant: &T) -> bool {
        match self {
            Order::Less => min < constant,
            Order::LessOrEqual => min <= constant,
            Order::Equal => min <= constant && constant <= max,
            Order::GreaterOrEqual => max >= constant,
            Order::Greater => max > constant,
        }
    }
}

struct Bounded<'a> {
    ranges_of: &'a [String],
    schema: &'a FileSchema,
}

impl Bounded<'_> {
    /// Whether an expression may hold, as a test of ranges; `None` where ranges say nothing.
    fn test(&self, expr: &Expr) -> Option<Test> {
        let Expr::BinaryExpr { left, op, right } = expr else { return None };
        match (left.as_ref(), op, right.as_ref()) {
            (left, Operator::And | Operator::LogicalAnd, right) => match (self.test(left), self.test(right)) {
                (Some(left), Some(right)) => Some(Test::Both(Box::new(left), Box::new(right))),
                (left, right) => left.or(right),
            },
            (left, Operator::Or | Operator::LogicalOr, right) => {
                Some(Test::Either(Box::new(self.test(left)?), Box::new(self.test(right)?)))
            }
            (Expr::Column(column), op, constant) => self.compare(column, *op, constant),
            (constant, op, Expr::Column(column)) => self.compare(column, op.swap_operands()?, constant),
            _ => None,
        }
    }

    fn compare(&self, column: &str, op: Operator, constant: &Expr) -> Option<Test> {
        let place = self.ranges_of.iter().position(|name| name == column)?;
        let order = Order::of(op)?;
        let constant = bound(Literal::of(constant)?, self.schema.data_type(column)?)?;
        Some(Test::Stands { place, order, constant })
    }
}

/// A constant beside a column; `None` where it is not compared in the order of the column's values.
fn bound(constant: Literal<'_>, column: &ArrowType) -> Option<Bound> {
    Some(match (constant, column) {
        (Literal::Int(number), of) if of.is_integer() => Bound::Int(i128::from(number), 1),
        (Literal::UInt(number), of) if of.is_integer() => Bound::Int(i128::from(number), 1),
        (Literal::Int(number), ArrowType::Float64) => Bound::Float(number as f64),
        (Literal::Float(number), ArrowType::Float32 | ArrowType::Float64) if !number.is_nan() => Bound::Float(number),
        (Literal::Text(text), ArrowType::Utf8View) => Bound::Bytes(text.as_bytes().to_vec()),
        (Literal::Date(days), ArrowType::Date32) => Bound::Int(i128::from(days), 1),
        (Literal::Time(count, unit), ArrowType::Timestamp(of, _)) => match (of, unit) {
            // polars has no seconds.
            (ArrowUnit::Second, TimeUnit::Milliseconds) => Bound::Int(i128::from(count), 1_000),
            (ArrowUnit::Millisecond, TimeUnit::Milliseconds)
            | (ArrowUnit::Microsecond, TimeUnit::Microseconds)
            | (ArrowUnit::Nanosecond, TimeUnit::Nanoseconds) => Bound::Int(i128::from(count), 1),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn may_hold(condition: Expr, column: ArrowType, range: Option<Range>) -> bool {
        let schema = Arc::new(FileSchema::of(vec![("x".to_string(), column)]));
        let group = RowGroup { rows: 1, ranges: vec![range] };
        can_match(&[condition], &[group], &["x".to_string()], &schema) == [true]
    }

    #[test]
    fn a_row_group_is_ruled_out_where_no_value_between_its_bounds_matches() {
        let in_ints = |condition: Expr| may_hold(condition, ArrowType::Int64, Some(Range::Int(5, 9)));
        for holds in [col("x").eq(lit(5i64)), col("x").lt(lit(6i64)), col("x").gt_eq(lit(9i64)), lit(8i64).lt(col("x"))]
        {
            assert!(in_ints(holds.clone()), "{holds}");
        }
        for not in [col("x").eq(lit(4i64)), col("x").lt(lit(5i64)), col("x").gt(lit(9i64)), lit(9i64).lt(col("x"))] {
            assert!(!in_ints(not.clone()), "{not}");
        }
        assert!(may_hold(col("x").eq(lit(4i64)), ArrowType::Int64, None));
    }

    #[test]
    fn large_unsigned_numbers_are_beside_their_bounds_what_they_are() {
        let range = || Some(Range::UInt(5, u64::MAX));
        assert!(may_hold(col("x").gt(lit(u64::MAX - 1)), ArrowType::UInt64, range()));
        assert!(!may_hold(col("x").lt(lit(5u64)), ArrowType::UInt64, range()));
        assert!(!may_hold(col("x").lt(lit(-1i64)), ArrowType::UInt64, range()));
    }

    #[test]
    fn seconds_are_beside_constants_in_milliseconds() {
        let noon = Scalar::new(
            DataType::Datetime(TimeUnit::Milliseconds, None),
            AnyValue::Datetime(43_200_000, TimeUnit::Milliseconds, None),
        );
        let at = |seconds| {
            let range = Some(Range::Int(seconds, seconds));
            may_hold(col("x").eq(lit(noon.clone())), ArrowType::Timestamp(ArrowUnit::Second, None), range)
        };
        assert_eq!([43_199, 43_200, 43_201, 43_200_000].map(at), [false, true, false, false]);
    }

    #[test]
    fn not_a_number_may_be_above_what_the_bounds_say() {
        let range = || Some(Range::Float(1.0, 2.0));
        assert!(may_hold(col("x").gt(lit(9.0)), ArrowType::Float64, range()));
        assert!(may_hold(col("x").eq(lit(f64::NAN)), ArrowType::Float64, range()));
        assert!(!may_hold(col("x").lt(lit(0.5)), ArrowType::Float64, range()));
        assert!(may_hold(col("x").eq(lit(0.0)), ArrowType::Float64, Some(Range::Float(-0.0, -0.0))));
    }
}
