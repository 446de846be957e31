//! Constants of a condition, exactly as they are written.

use polars::prelude::*;

use super::interval::Interval;

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub enum Constant {
    /// `NULL`
    Null,
    /// `TRUE`, `FALSE`
    Boolean(bool),
    /// A whole number.
    Int(i128),
    /// Digits, and how many of them are after the point.
    Decimal(i128, u32),
    /// A floating number of 32 bits.
    Float32(f32),
    /// A floating number.
    Float(f64),
    /// A text.
    Text(String),
    /// Days since 1970.
    Date(i32),
    /// An instant, with the zone that its type has.
    Time(i64, TimeUnit, Option<TimeZone>),
    /// A stretch of time.
    Interval(Interval),
}

/// The most digits that a decimal number has.
pub const MOST_DIGITS: u32 = 38;

impl Constant {
    /// The number that is written so.
    pub fn number(text: &str) -> Option<Constant> {
        if text.contains(['e', 'E']) {
            return text.parse().ok().map(Constant::Float);
        }
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let scale = fraction.len() as u32;
        match digits.parse::<i128>().ok().filter(|digits| *digits < 10i128.pow(MOST_DIGITS)) {
            Some(digits) if !text.contains('.') => Some(Constant::Int(digits)),
            Some(digits) if scale <= MOST_DIGITS => Some(Constant::Decimal(digits, scale)),
            _ => text.parse().ok().map(Constant::Float),
        }
    }

    /// The constant that polars computed.
    pub fn of(value: &AnyValue<'_>) -> Option<Constant> {
        Some(match value {
            AnyValue::Null => Constant::Null,
            AnyValue::Boolean(truth) => Constant::Boolean(*truth),
            AnyValue::Int8(number) => Constant::Int(i128::from(*number)),
            AnyValue::Int16(number) => Constant::Int(i128::from(*number)),
            AnyValue::Int32(number) => Constant::Int(i128::from(*number)),
            AnyValue::Int64(number) => Constant::Int(i128::from(*number)),
            AnyValue::UInt64(number) => Constant::Int(i128::from(*number)),
            AnyValue::Decimal(digits, _, 0) => Constant::Int(*digits),
            AnyValue::Decimal(digits, _, scale) => Constant::Decimal(*digits, *scale as u32),
            AnyValue::Float32(number) => Constant::Float32(*number),
            AnyValue::Float64(number) => Constant::Float(*number),
            AnyValue::Date(days) => Constant::Date(*days),
            AnyValue::Datetime(count, unit, zone) => Constant::Time(*count, *unit, zone.cloned()),
            AnyValue::DatetimeOwned(count, unit, zone) => Constant::Time(*count, *unit, zone.as_deref().cloned()),
            other => Constant::Text(other.get_str()?.to_string()),
        })
    }

    /// As polars has it, with its type.
    pub fn literal(&self) -> (Expr, DataType) {
        let typed = |dtype: DataType, value: AnyValue<'static>| (lit(Scalar::new(dtype.clone(), value)), dtype);
        let decimal = |digits: i128, scale: u32| {
            let (precision, scale) = (MOST_DIGITS as usize, scale as usize);
            typed(DataType::Decimal(precision, scale), AnyValue::Decimal(digits, precision, scale))
        };
        match self {
            Constant::Null => (lit(NULL), DataType::Null),
            Constant::Boolean(truth) => (lit(*truth), DataType::Boolean),
            Constant::Int(number) => match (i64::try_from(*number), u64::try_from(*number)) {
                (Ok(number), _) => (lit(number), DataType::Int64),
                (Err(_), Ok(number)) => (lit(number), DataType::UInt64),
                (Err(_), Err(_)) => decimal(*number, 0),
            },
            Constant::Decimal(digits, scale) => decimal(*digits, *scale),
            Constant::Float32(number) => (lit(*number), DataType::Float32),
            Constant::Float(number) => (lit(*number), DataType::Float64),
            Constant::Text(text) => (lit(text.as_str()), DataType::String),
            Constant::Date(days) => typed(DataType::Date, AnyValue::Date(*days)),
            Constant::Time(count, unit, zone) => {
                let value = AnyValue::DatetimeOwned(*count, *unit, zone.clone().map(Arc::new));
                typed(DataType::Datetime(*unit, zone.clone()), value)
            }
            Constant::Interval(_) => (lit(NULL), DataType::Duration(TimeUnit::Microseconds)),
        }
    }

    /// The nearest floating number, of one that is a number.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Constant::Int(number) => Some(*number as f64),
            Constant::Decimal(digits, scale) => format!("{digits}e-{scale}").parse().ok(),
            Constant::Float32(number) => Some(f64::from(*number)),
            Constant::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// The largest whole number that is not above it, and whether that is itself; `None` where it is no number, or so
    /// large a floating one that it lies between no two whole ones.
    pub fn floor(&self) -> Option<(i128, bool)> {
        /// Below it, all whole numbers are floating ones of their own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        match self {
            Constant::Int(number) => Some((*number, true)),
            Constant::Decimal(digits, scale) => {
                let one = 10i128.checked_pow(*scale)?;
                Some((digits.div_euclid(one), digits.rem_euclid(one) == 0))
            }
            Constant::Float(number) if number.abs() < EXACT => Some((number.floor() as i128, number.fract() == 0.0)),
            Constant::Float32(number) => Constant::Float(f64::from(*number)).floor(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_what_is_written() {
        let number = Constant::number;
        assert_eq!(number("5"), Some(Constant::Int(5)));
        assert_eq!(number("18446744073709551616"), Some(Constant::Int(1 << 64)));
        assert_eq!(number("0.10"), Some(Constant::Decimal(10, 2)));
        assert_eq!((number(".5"), number("5.")), (Some(Constant::Decimal(5, 1)), Some(Constant::Decimal(5, 0))));
        assert_eq!(number("1e3"), Some(Constant::Float(1_000.0)));
        assert_eq!(number(&"9".repeat(50)), Some(Constant::Float(1e50)));
        assert_eq!(number(&format!("0.{}1", "0".repeat(50))), Some(Constant::Float(1e-51)));
        assert_eq!((number("0x1F"), number("1_000"), number(".")), (None, None, None));
    }

    #[test]
    fn a_constant_lies_on_or_after_a_whole_number() {
        assert_eq!(Constant::Decimal(-15, 1).floor(), Some((-2, false)));
        assert_eq!(Constant::Decimal(20, 1).floor(), Some((2, true)));
        assert_eq!((Constant::Float(2.5).floor(), Constant::Float(1e300).floor()), (Some((2, false)), None));
        assert_eq!((Constant::Float(f64::NAN).floor(), Constant::Text("5".to_string()).floor()), (None, None));
    }
}
