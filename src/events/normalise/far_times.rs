//! Dates and times as text and as microseconds, as far from today as 64 bits can say: Postgres and DuckDB write the
//! largest number there is for infinity, and no calendar of ours goes that far.

use polars::prelude::*;

use crate::sessionize::time::written::{date_text, time_text};

/// Days around 1970 that polars can write: it gives up some 262,000 years from today.
const NEAR: i64 = 95_000_000;

/// Dates or times as text, those that polars can write as it does.
///
/// # Errors
/// Other values.
pub fn text_of(series: &Series) -> PolarsResult<StringChunked> {
    let counts = series.to_physical_repr().cast(&DataType::Int64)?;
    let counts = counts.i64()?;
    let in_a_day = match series.dtype() {
        DataType::Datetime(TimeUnit::Nanoseconds, _) => 86_400_000_000_000,
        DataType::Datetime(TimeUnit::Microseconds, _) => 86_400_000_000,
        DataType::Datetime(TimeUnit::Milliseconds, _) => 86_400_000,
        _ => 1,
    };
    let is_near = |count: i64| (-NEAR..NEAR).contains(&count.div_euclid(in_a_day));
    if counts.iter().flatten().all(is_near) {
        return series.cast(&DataType::String)?.str().cloned();
    }
    let near: BooleanChunked = counts.iter().map(|count| count.map(is_near)).collect();
    let near = series.zip_with(&near, &Series::full_null(series.name().clone(), series.len(), series.dtype()))?;
    let near = near.cast(&DataType::String)?;
    let texts = near.str()?.iter().zip(counts.iter());
    Ok(texts
        .map(|(near, count)| near.map_or_else(|| count.map(|count| written(count, in_a_day)), |t| Some(t.to_string())))
        .collect())
}

/// Times as microseconds since 1970-01-01, floored; null where those are too many.
///
/// # Errors
/// Other values.
pub fn micros_of(series: &Series) -> PolarsResult<Int64Chunked> {
    let counts = series.to_physical_repr().cast(&DataType::Int64)?;
    let counts = counts.i64()?.iter();
    Ok(match series.dtype() {
        DataType::Datetime(TimeUnit::Nanoseconds, _) => counts.map(|count| Some(count?.div_euclid(1_000))).collect(),
        DataType::Datetime(TimeUnit::Milliseconds, _) => counts.map(|count| count?.checked_mul(1_000)).collect(),
        _ => counts.collect(),
    })
}

fn written(count: i64, in_a_day: i64) -> String {
    if in_a_day == 1 {
        date_text(count)
    } else {
        time_text(count, in_a_day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time_are_text() {
        let texts = |unit, counts: &[Option<i64>]| -> Vec<Option<String>> {
            let series = Series::new("t".into(), counts).cast(&DataType::Datetime(unit, None)).expect("times");
            text_of(&series).expect("text").iter().map(|text| text.map(str::to_string)).collect()
        };
        let text = |text: &str| Some(text.to_string());
        assert_eq!(
            texts(TimeUnit::Microseconds, &[Some(i64::MAX), None, Some(0)]),
            [text("+294247-01-10 04:00:54.775807"), None, text("1970-01-01 00:00:00.000000")]
        );
        assert_eq!(
            texts(TimeUnit::Milliseconds, &[Some(i64::MIN), Some(i64::MAX)]),
            [text("-292275055-05-16 16:47:04.192"), text("+292278994-08-17 07:12:55.807")]
        );
        let days = Series::new("d".into(), [i32::MIN, i32::MAX, 0]).cast(&DataType::Date).expect("dates");
        let dates: Vec<Option<String>> = text_of(&days).expect("text").iter().map(|t| t.map(str::to_string)).collect();
        assert_eq!(dates, [text("-5877641-06-23"), text("+5881580-07-11"), text("1970-01-01")]);
    }

    #[test]
    fn near_times_are_as_polars_writes_them() {
        let counts = [0, -1, 1_767_225_600_000_001, NEAR * 86_400_000_000 - 1, -NEAR * 86_400_000_000];
        let near =
            Series::new("t".into(), counts).cast(&DataType::Datetime(TimeUnit::Microseconds, None)).expect("times");
        let theirs = near.cast(&DataType::String).expect("text");
        assert!(text_of(&near).expect("text").iter().eq(theirs.str().expect("text").iter()));
        let ours: Vec<String> = counts[3..].iter().map(|count| time_text(*count, 86_400_000_000)).collect();
        assert_eq!(ours, theirs.str().expect("text").iter().skip(3).flatten().collect::<Vec<_>>());
    }
}
