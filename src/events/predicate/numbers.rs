//! Arithmetic and comparisons of exact numbers: integers and decimals, whatever their types.

use std::cmp::Ordering;

use polars::prelude::*;

use super::column_test::holds;
use super::constant::MOST_DIGITS;
use super::rows::{computed, floats, height, truths, try_ints, Floats, Ints};

/// What is computed of two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `//`, truncated; by zero it is null.
    Divide,
    /// `%`, with the sign of what is divided; by zero it is null.
    Modulo,
}

/// A column of exact numbers: digits, of which so many are after the point.
pub struct Exact {
    digits: Vec<Option<i128>>,
    /// How many digits are after the point.
    pub scale: u32,
}

impl Exact {
    /// Of a column of integers or decimals.
    pub fn of(column: &Column) -> PolarsResult<Exact> {
        let series = column.as_materialized_series();
        let (digits, scale) = match series.dtype() {
            DataType::Decimal(_, scale) => (series.decimal()?.physical().iter().collect(), *scale as u32),
            DataType::UInt64 => (series.u64()?.iter().map(|number| number.map(i128::from)).collect(), 0),
            _ => {
                let numbers = series.cast(&DataType::Int64)?;
                (numbers.i64()?.iter().map(|number| number.map(i128::from)).collect(), 0)
            }
        };
        Ok(Exact { digits, scale })
    }

    /// The digits of a row; the only ones for all of them, where there is one.
    pub fn at(&self, row: usize) -> Option<i128> {
        self.digits[if self.digits.len() == 1 { 0 } else { row }]
    }
}

/// A column of decimals, row by row.
pub fn decimals(rows: usize, scale: u32, of: impl FnMut(usize) -> PolarsResult<Option<i128>>) -> PolarsResult<Column> {
    let digits: Vec<Option<i128>> = (0..rows).map(of).collect::<PolarsResult<_>>()?;
    let digits = Int128Chunked::from_iter_options("".into(), digits.into_iter());
    Ok(digits.into_decimal_unchecked(MOST_DIGITS as usize, scale as usize).into_column())
}

/// Whether digits have room in a decimal number.
fn fit(digits: i128) -> bool {
    digits.unsigned_abs() < 10u128.pow(MOST_DIGITS)
}

fn no_room(what: &str, of: &str) -> PolarsError {
    polars_err!(ComputeError: "{what} has no room in {of}; CAST a side to DOUBLE")
}

/// Some digits with more zeros after the point.
pub fn with_scale(digits: i128, scale: u32, wanted: u32) -> Option<i128> {
    digits.checked_mul(10i128.checked_pow(wanted.checked_sub(scale)?)?)
}

/// Digits rounded to fewer after the point; halves away from zero.
pub fn rounded(digits: i128, scale: u32, wanted: u32) -> Option<i128> {
    let Some(less) = scale.checked_sub(wanted).filter(|less| *less > 0) else {
        return with_scale(digits, scale, wanted);
    };
    let one = 10i128.checked_pow(less)?;
    let (quotient, rest) = (digits / one, digits % one);
    Some(quotient + if rest.unsigned_abs() >= one.unsigned_abs().div_ceil(2) { digits.signum() } else { 0 })
}

/// How a number compares to another one.
fn compared(left: i128, left_scale: u32, right: i128, right_scale: u32) -> Ordering {
    let wanted = left_scale.max(right_scale);
    match (with_scale(left, left_scale, wanted), with_scale(right, right_scale, wanted)) {
        (Some(left), Some(right)) => left.cmp(&right),
        // So large that the other one is nearer to zero.
        (None, _) => left.cmp(&0),
        (_, None) => 0.cmp(&right),
    }
}

/// A comparison of exact numbers of whatever types.
pub fn comparison(op: Operator, left: Expr, right: Expr) -> Expr {
    computed(vec![left, right], DataType::Boolean, move |columns| {
        let (left, right) = (Exact::of(&columns[0])?, Exact::of(&columns[1])?);
        Ok(truths(height(columns), |row| {
            Some(holds(op, compared(left.at(row)?, left.scale, right.at(row)?, right.scale)))
        }))
    })
}

/// Arithmetic of integers of at most 64 bits.
pub fn of_ints(op: Arithmetic, left: Expr, right: Expr) -> Expr {
    computed(vec![left, right], DataType::Int64, move |columns| {
        let (left, right) = (Ints::of(&columns[0])?, Ints::of(&columns[1])?);
        try_ints(height(columns), |row| {
            let (Some(left), Some(right)) = (left.at(row), right.at(row)) else { return Ok(None) };
            let (number, sign) = match op {
                Arithmetic::Plus => (left.checked_add(right), "+"),
                Arithmetic::Minus => (left.checked_sub(right), "-"),
                Arithmetic::Times => (left.checked_mul(right), "*"),
                Arithmetic::Divide | Arithmetic::Modulo if right == 0 => return Ok(None),
                Arithmetic::Divide => (left.checked_div(right), "//"),
                // That of the smallest number by -1 has room, unlike its quotient.
                Arithmetic::Modulo => (Some(left.wrapping_rem(right)), "%"),
            };
            number.map(Some).ok_or_else(|| no_room(&format!("{left} {sign} {right}"), "64 bits"))
        })
    })
}

/// The scale of what is computed of decimals.
pub fn scale_of(op: Arithmetic, left: u32, right: u32) -> u32 {
    match op {
        Arithmetic::Times => left + right,
        _ => left.max(right),
    }
}

/// Arithmetic of decimals, and of unsigned integers of 64 bits, which may be below zero then.
pub fn of_decimals(op: Arithmetic, left: Expr, right: Expr, scale: u32) -> Expr {
    let gives = DataType::Decimal(MOST_DIGITS as usize, scale as usize);
    computed(vec![left, right], gives, move |columns| {
        let (left, right) = (Exact::of(&columns[0])?, Exact::of(&columns[1])?);
        decimals(height(columns), scale, |row| {
            let (Some(one), Some(other)) = (left.at(row), right.at(row)) else { return Ok(None) };
            let same = || Some((with_scale(one, left.scale, scale)?, with_scale(other, right.scale, scale)?));
            let number = match op {
                Arithmetic::Plus => same().and_then(|(one, other)| one.checked_add(other)),
                Arithmetic::Minus => same().and_then(|(one, other)| one.checked_sub(other)),
                Arithmetic::Times => one.checked_mul(other),
                Arithmetic::Divide | Arithmetic::Modulo if other == 0 => return Ok(None),
                Arithmetic::Divide => one.checked_div(other),
                Arithmetic::Modulo => same().and_then(|(one, other)| one.checked_rem(other)),
            };
            number.filter(|number| fit(*number)).map(Some).ok_or_else(|| no_room("a result", "38 digits"))
        })
    })
}

/// `/` of numbers: polars multiplies by what one divided by a constant is, which is not always the same.
pub fn quotient(left: Expr, right: Expr) -> Expr {
    computed(vec![left, right], DataType::Float64, |columns| {
        let (left, right) = (Floats::of(&columns[0])?, Floats::of(&columns[1])?);
        Ok(floats(height(columns), |row| Some(left.at(row)? / right.at(row)?)))
    })
}

/// `%` of floating numbers.
pub fn float_modulo(left: Expr, right: Expr) -> Expr {
    computed(vec![left, right], DataType::Float64, |columns| {
        let (left, right) = (Floats::of(&columns[0])?, Floats::of(&columns[1])?);
        Ok(floats(height(columns), |row| Some(left.at(row)? % right.at(row)?)))
    })
}

/// What is computed of one exact number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    /// To so many digits after the point, or before it; halves away from zero.
    Nearest(i64),
    /// Down.
    Floor,
    /// Up.
    Ceil,
    /// To zero.
    Trunc,
}

impl Rounding {
    fn of_digits(self, digits: i128, scale: u32) -> Option<i128> {
        let one = 10i128.checked_pow(scale)?;
        match self {
            Rounding::Nearest(places) if places >= 0 => rounded(digits, scale, (places as u32).min(scale)),
            Rounding::Nearest(places) => {
                let less = u32::try_from(places.checked_neg()?).ok()?;
                let Some(unit) = 10i128.checked_pow(less) else { return Some(0) };
                rounded(digits, scale.checked_add(less)?, 0).map_or(Some(0), |whole| whole.checked_mul(unit))
            }
            Rounding::Floor => Some(digits.div_euclid(one)),
            Rounding::Ceil => Some(-(-digits).div_euclid(one)),
            Rounding::Trunc => Some(digits / one),
        }
    }

    fn of_float(self, number: f64) -> f64 {
        match self {
            Rounding::Nearest(0) => number.round(),
            Rounding::Nearest(places) => {
                let unit = 10f64.powi(places.unsigned_abs().min(400) as i32);
                let moved = if places > 0 { (number * unit).round() / unit } else { (number / unit).round() * unit };
                match (moved.is_finite(), places > 0) {
                    (true, _) => moved,
                    (false, true) => number,
                    (false, false) => 0.0,
                }
            }
            Rounding::Floor => number.floor(),
            Rounding::Ceil => number.ceil(),
            Rounding::Trunc => number.trunc(),
        }
    }

    /// The digits after the point of a decimal number that is rounded so.
    pub fn scale(self, scale: u32) -> u32 {
        match self {
            Rounding::Nearest(places) => u32::try_from(places).unwrap_or(0).min(scale),
            _ => 0,
        }
    }
}

/// A decimal number, or an integer, rounded.
pub fn rounded_exact(rounding: Rounding, value: Expr, scale: u32) -> Expr {
    let scale = rounding.scale(scale);
    let gives = DataType::Decimal(MOST_DIGITS as usize, scale as usize);
    computed(vec![value], gives, move |columns| {
        let value = Exact::of(&columns[0])?;
        decimals(height(columns), scale, |row| {
            let Some(digits) = value.at(row) else { return Ok(None) };
            let number = rounding.of_digits(digits, value.scale).filter(|digits| fit(*digits));
            number.map(Some).ok_or_else(|| no_room("a result", "38 digits"))
        })
    })
}

/// A floating number, rounded.
pub fn rounded_float(rounding: Rounding, value: Expr) -> Expr {
    of_float(value, move |number| rounding.of_float(number))
}

/// A function of a floating number.
pub fn of_float(value: Expr, function: impl Fn(f64) -> f64 + Send + Sync + 'static) -> Expr {
    computed(vec![value], DataType::Float64, move |columns| {
        let value = Floats::of(&columns[0])?;
        Ok(floats(height(columns), |row| value.at(row).map(&function)))
    })
}

/// A floating number to the power of another one.
pub fn power(value: Expr, exponent: Expr) -> Expr {
    computed(vec![value, exponent], DataType::Float64, |columns| {
        let (value, exponent) = (Floats::of(&columns[0])?, Floats::of(&columns[1])?);
        Ok(floats(height(columns), |row| Some(value.at(row)?.powf(exponent.at(row)?))))
    })
}

/// The sign of an exact number: -1, 0 or 1.
pub fn sign(value: Expr) -> Expr {
    computed(vec![value], DataType::Int64, |columns| {
        let value = Exact::of(&columns[0])?;
        try_ints(height(columns), |row| Ok(value.at(row).map(|digits| digits.signum() as i64)))
    })
}

/// An exact number as a decimal with so many digits after the point.
pub fn as_decimal(value: Expr, scale: u32) -> Expr {
    computed(vec![value], DataType::Decimal(MOST_DIGITS as usize, scale as usize), move |columns| {
        let value = Exact::of(&columns[0])?;
        decimals(height(columns), scale, |row| {
            let Some(digits) = value.at(row) else { return Ok(None) };
            let digits = with_scale(digits, value.scale, scale).filter(|digits| fit(*digits));
            digits.map(Some).ok_or_else(|| no_room("a number", "38 digits"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_scale_are_compared_exactly() {
        assert_eq!(compared(15, 1, 150, 2), Ordering::Equal);
        assert_eq!(compared(9_007_199_254_740_993, 0, 90_071_992_547_409_925, 1), Ordering::Greater);
        assert_eq!(compared(10i128.pow(37), 0, 1, 38), Ordering::Greater);
        assert_eq!(compared(1, 38, -(10i128.pow(37)), 0), Ordering::Greater);
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let nearest = |digits, scale, places| Rounding::Nearest(places).of_digits(digits, scale);
        assert_eq!((nearest(25, 1, 0), nearest(-25, 1, 0), nearest(24, 1, 0)), (Some(3), Some(-3), Some(2)));
        assert_eq!((nearest(2_345, 3, 2), nearest(1_250, 0, -2), nearest(7, 0, 2)), (Some(235), Some(1_300), Some(7)));
        assert_eq!((nearest(7, 0, -50), nearest(7, 0, i64::MIN)), (Some(0), None));
        assert_eq!(Rounding::Floor.of_digits(-25, 1), Some(-3));
        assert_eq!((Rounding::Ceil.of_digits(-25, 1), Rounding::Trunc.of_digits(-27, 1)), (Some(-2), Some(-2)));
    }
}
