//! Values of partition columns as a log spells them.

use crate::events::source::kind::Kind;
use crate::job::dates::day_of_text;

/// A value of a partition column; `None` for null.
///
/// # Errors
/// It is none of the column's type.
pub fn partition_value(text: Option<&str>, kind: &Kind) -> Result<Option<String>, ()> {
    // The protocol spells null in both ways.
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let value = match kind {
        Kind::Int => text.parse::<i64>().map_err(drop)?.to_string(),
        Kind::Float => text.parse::<f64>().map_err(drop)?.to_string(),
        Kind::Boolean => text.to_lowercase().parse::<bool>().map_err(drop)?.to_string(),
        Kind::Date => day_of_text(text).map(|_| text.to_string()).ok_or(())?,
        Kind::Timestamp(_) => micros_of(text).map(|_| text.to_string()).ok_or(())?,
        _ => text.to_string(),
    };
    Ok(Some(value))
}

/// A time as logs spell it, in microseconds since the epoch: with an offset, or in UTC.
pub fn micros_of(text: &str) -> Option<i64> {
    let text = text.trim();
    let with_offset = text.parse::<jiff::Timestamp>().ok();
    let at = match with_offset {
        Some(at) => at,
        None => jiff::tz::TimeZone::UTC.to_timestamp(text.parse::<jiff::civil::DateTime>().ok()?).ok()?,
    };
    Some(at.as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::TimeUnit;

    #[test]
    fn values_are_read_by_the_columns_types() {
        let value = |text: &str, kind: Kind| partition_value(Some(text), &kind);
        let some = |text: &str| Ok(Some(text.to_string()));
        assert_eq!(value("007", Kind::Text), some("007"));
        assert_eq!(value("007", Kind::Int), some("7"));
        assert_eq!(value("True", Kind::Boolean), some("true"));
        assert_eq!(value("1.50", Kind::Float), some("1.5"));
        assert_eq!(value("2026-01-31", Kind::Date), some("2026-01-31"));
        for kind in [Kind::Text, Kind::Int, Kind::Date] {
            assert_eq!((value("", kind.clone()), partition_value(None, &kind)), (Ok(None), Ok(None)));
        }
        for (text, kind) in [("x", Kind::Int), ("2026-02-30", Kind::Date), ("yes", Kind::Boolean)] {
            assert_eq!(value(text, kind), Err(()));
        }
        assert_eq!(value("soon", Kind::Timestamp(TimeUnit::Micros)), Err(()));
    }

    #[test]
    fn times_are_in_utc_unless_they_say_otherwise() {
        for text in [
            "1970-01-01 00:00:01.5",
            "1970-01-01 00:00:01.500000",
            "1970-01-01T00:00:01.5Z",
            "1970-01-01T01:00:01.5+01:00",
        ] {
            assert_eq!(micros_of(text), Some(1_500_000), "{text}");
        }
        assert_eq!(micros_of("1970-01-01 00:00:02"), Some(2_000_000));
    }
}
