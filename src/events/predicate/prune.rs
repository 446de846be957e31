//! Which row groups a condition rules out, by the statistics in the footers.
//!
//! They are not read, and files that are ruled out whole not opened again.

use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use polars::prelude::TimeUnit;

use super::column_test::{Asked, ColumnTest, Order, Tests};
use super::constant::Constant;
use super::formula::Formula;
use super::typed::Typed;
use crate::events::source::bounds::Range;
use crate::events::source::footer::{FileSchema, RowGroup};

/// For each row group of a file whether the condition may hold in one of its rows. `parts` all have to hold;
/// `ranges_of` names the columns of the groups' ranges.
pub fn can_match(parts: &[Typed], groups: &[RowGroup], ranges_of: &[String], schema: &FileSchema) -> Vec<bool> {
    let bounded = Bounded { ranges_of, schema };
    let tests: Vec<Test> = parts.iter().filter_map(|part| bounded.test(part.tests.as_ref()?)).collect();
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
    /// Whether a condition may hold, as a test of ranges; `None` where ranges say nothing.
    fn test(&self, tests: &Tests) -> Option<Test> {
        match tests {
            Formula::And(left, right) => match (self.test(left), self.test(right)) {
                (Some(left), Some(right)) => Some(Test::Both(Box::new(left), Box::new(right))),
                (left, right) => left.or(right),
            },
            Formula::Or(left, right) => Some(Test::Either(Box::new(self.test(left)?), Box::new(self.test(right)?))),
            Formula::Test(ColumnTest { column, asked: Asked::Is(order, constant) }) => {
                let place = self.ranges_of.iter().position(|name| name == column)?;
                let constant = bound(constant, self.schema.data_type(column)?)?;
                Some(Test::Stands { place, order: *order, constant })
            }
            _ => None,
        }
    }
}

/// A constant beside a column; `None` where it is not compared in the order of the column's values.
fn bound(constant: &Constant, column: &ArrowType) -> Option<Bound> {
    Some(match (constant, column) {
        (Constant::Int(number), of) if of.is_integer() => Bound::Int(*number, 1),
        (Constant::Float(number), ArrowType::Float64) if !number.is_nan() => Bound::Float(*number),
        (Constant::Float32(number), ArrowType::Float32) if !number.is_nan() => Bound::Float(f64::from(*number)),
        (Constant::Text(text), ArrowType::Utf8View) => Bound::Bytes(text.as_bytes().to_vec()),
        (Constant::Date(days), ArrowType::Date32) => Bound::Int(i128::from(*days), 1),
        (Constant::Time(count, unit, _), ArrowType::Timestamp(of, _)) => match (of, unit) {
            // polars has no seconds.
            (ArrowUnit::Second, TimeUnit::Milliseconds) => Bound::Int(i128::from(*count), 1_000),
            (ArrowUnit::Millisecond, TimeUnit::Milliseconds)
            | (ArrowUnit::Microsecond, TimeUnit::Microseconds)
            | (ArrowUnit::Nanosecond, TimeUnit::Nanoseconds) => Bound::Int(i128::from(*count), 1),
            _ => return None,
        },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::predicate::column_test;
    use std::sync::Arc;

    fn may_hold(order: Order, constant: Constant, column: ArrowType, range: Option<Range>) -> bool {
        let schema = Arc::new(FileSchema::of(vec![("x".to_string(), column)]));
        let group = RowGroup { rows: 1, deleted: 0, ranges: vec![range] };
        let tests = column_test::test("x", Asked::Is(order, constant));
        let part = Typed { expr: polars::prelude::lit(true), tests: Some(tests) };
        can_match(&[part], &[group], &["x".to_string()], &schema) == [true]
    }

    #[test]
    fn a_row_group_is_ruled_out_where_no_value_between_its_bounds_matches() {
        let in_ints = |order, number| may_hold(order, Constant::Int(number), ArrowType::Int64, Some(Range::Int(5, 9)));
        use Order::{Equal, Greater, GreaterOrEqual, Less};
        for (order, number) in [(Equal, 5), (Less, 6), (GreaterOrEqual, 9), (Greater, 8)] {
            assert!(in_ints(order, number), "{order:?} {number}");
        }
        for (order, number) in [(Equal, 4), (Less, 5), (Greater, 9), (Equal, 10)] {
            assert!(!in_ints(order, number), "{order:?} {number}");
        }
        assert!(may_hold(Equal, Constant::Int(4), ArrowType::Int64, None));
    }

    #[test]
    fn large_unsigned_numbers_are_beside_their_bounds_what_they_are() {
        let beside =
            |order, number| may_hold(order, Constant::Int(number), ArrowType::UInt64, Some(Range::UInt(5, u64::MAX)));
        assert!(beside(Order::Greater, i128::from(u64::MAX) - 1));
        assert!(!beside(Order::Less, 5));
        assert!(!beside(Order::Less, -1));
    }

    #[test]
    fn seconds_are_beside_constants_in_milliseconds() {
        let noon = Constant::Time(43_200_000, TimeUnit::Milliseconds, None);
        let at = |seconds| {
            let range = Some(Range::Int(seconds, seconds));
            may_hold(Order::Equal, noon.clone(), ArrowType::Timestamp(ArrowUnit::Second, None), range)
        };
        assert_eq!([43_199, 43_200, 43_201, 43_200_000].map(at), [false, true, false, false]);
    }

    #[test]
    fn not_a_number_may_be_above_what_the_bounds_say() {
        let beside =
            |order, number| may_hold(order, Constant::Float(number), ArrowType::Float64, Some(Range::Float(1.0, 2.0)));
        assert!(beside(Order::Greater, 9.0));
        assert!(beside(Order::Equal, f64::NAN));
        assert!(!beside(Order::Less, 0.5));
        let zero = Some(Range::Float(-0.0, -0.0));
        assert!(may_hold(Order::Equal, Constant::Float(0.0), ArrowType::Float64, zero));
    }
}
