//! The bins of histograms (SPEC 6).

use super::chart_keys::BinKeys;
use super::duration::parse_duration;
use super::error::JobError;
use super::segment::needs;
use super::values::Scalar;

/// The bounds of the default bins, in milliseconds.
pub const DEFAULT_BINS_MS: [i64; 10] =
    [0, 3_000, 10_000, 30_000, 60_000, 180_000, 600_000, 1_800_000, 3_600_000, 86_400_000];

/// More bins than this say nothing more.
const MOST: i64 = 10_000;

/// The bounds of bins of lengths, in milliseconds: each bin starts at one and ends at the next.
///
/// # Errors
/// Bounds that cannot be read, are finer than milliseconds, or leave no bin.
pub fn length_bins(keys: &BinKeys) -> Result<Vec<i64>, JobError> {
    let max = keys.max.as_ref().ok_or_else(|| needs("chart.bins.max", "say where the last bin ends, like 30m"))?;
    let max = millis("chart.bins.max", max)?;
    let min = match &keys.min {
        // A duration of zero is an error elsewhere; here it is where the shortest session is.
        Some(min) if matches!(min.0.trim(), "0" | "0s" | "0m" | "0ms") => 0,
        Some(min) => millis("chart.bins.min", min)?,
        None => 0,
    };
    if min >= max {
        let text = |scalar: &Option<Scalar>| scalar.as_ref().map_or("0s", |scalar| &scalar.0).to_string();
        return Err(JobError::EmptyRange {
            first_key: "chart.bins.min",
            first: text(&keys.min),
            last_key: "chart.bins.max",
            last: text(&keys.max),
        });
    }
    let bounds = match &keys.size {
        Some(size) => {
            let width = millis("chart.bins.size", size)?;
            if (max - min) / width > MOST {
                let hint = format!("it makes more than {MOST} bins: make them wider");
                return Err(JobError::Choice { key: "chart.bins.size", value: size.0.clone(), hint });
            }
            stepped(min, min, max, width)
        }
        None => {
            let width = round_width(max - min);
            // The first multiple of the width above `min`.
            stepped(min, (min / width + 1) * width, max, width)
        }
    };
    Ok(bounds)
}

/// `min`, then each step from `next` on, then `max`.
fn stepped(min: i64, next: i64, max: i64, width: i64) -> Vec<i64> {
    let mut bounds = vec![min];
    let mut at = if next > min { next } else { min + width };
    while at < max {
        bounds.push(at);
        at += width;
    }
    bounds.push(max);
    bounds
}

/// Of the widths that people use, the one that comes nearest to ten bins.
fn round_width(range: i64) -> i64 {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let decimal = [1, 2, 5].into_iter().flat_map(|digit| [digit, digit * 10, digit * 100]);
    let sixties = [1, 2, 3, 5, 10, 15, 20, 30];
    let widths = decimal
        .chain(sixties.map(|number| number * SECOND))
        .chain(sixties.map(|number| number * MINUTE))
        .chain([1, 2, 3, 6, 12].map(|number| number * HOUR))
        .chain((0..16).map(|power| DAY << power));
    // How far from ten, as a ratio: five bins and twenty are equally far.
    let distance = |width: &i64| {
        let bins = range as f64 / *width as f64;
        (bins / 10.0).ln().abs()
    };
    widths.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(1)
}

/// A length in whole milliseconds.
pub fn millis(key: &'static str, text: &Scalar) -> Result<i64, JobError> {
    let micros = parse_duration(key, &text.0)?.micros();
    if micros % 1_000 != 0 {
        let hint = "lengths are in whole milliseconds (ms)".to_string();
        return Err(JobError::Duration { key, value: text.0.clone(), hint });
    }
    Ok(micros / 1_000)
}

/// The bounds of bins of numbers of events.
///
/// # Errors
/// Fewer than two, negative ones, or bounds out of order.
pub fn buckets(bounds: Vec<i64>) -> Result<Vec<i64>, JobError> {
    let key = "chart.buckets";
    let text = || format!("{bounds:?}");
    let hint = if bounds.len() < 2 {
        "a bucket has two ends: give at least two numbers"
    } else if bounds[0] < 0 {
        "no session has fewer than 0 events"
    } else if bounds.windows(2).any(|pair| pair[0] >= pair[1]) {
        "each number has to be above the one before"
    } else {
        return Ok(bounds);
    };
    Err(JobError::Unfit { key, value: text(), hint: hint.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bins(min: &str, max: &str, size: &str) -> Result<Vec<i64>, String> {
        let given = |text: &str| (!text.is_empty()).then(|| Scalar(text.to_string()));
        let keys = BinKeys { min: given(min), max: given(max), size: given(size) };
        length_bins(&keys).map_err(|error| error.to_string())
    }

    fn minutes(bounds: Result<Vec<i64>, String>) -> Vec<i64> {
        bounds.expect("bins").iter().map(|bound| bound / 60_000).collect()
    }

    #[test]
    fn bins_start_at_min_and_the_last_one_is_cut_at_max() {
        assert_eq!(minutes(bins("1m", "30m", "5m")), [1, 6, 11, 16, 21, 26, 30]);
        assert_eq!(minutes(bins("", "10m", "5m")), [0, 5, 10]);
        assert_eq!(minutes(bins("0s", "10m", "1h")), [0, 10]);
    }

    #[test]
    fn without_a_size_bins_are_round_and_about_ten() {
        assert_eq!(minutes(bins("1m", "30m", "")), [1, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30]);
        assert_eq!(minutes(bins("", "100m", "")), (0..=10).map(|ten| ten * 10).collect::<Vec<_>>());
        for max in ["7ms", "10ms", "1s", "47s", "90m", "1d", "400d", "90000d"] {
            let count = bins("", max, "").expect(max).len();
            assert!((5..=22).contains(&count), "{max}: {count} bounds");
        }
    }

    #[test]
    fn impossible_bins_are_errors() {
        for (min, max, size, named) in [
            ("1m", "", "", "chart.bins.max"),
            ("5m", "1m", "", "chart.bins.min"),
            ("", "1h", "0s", "chart.bins.size"),
            ("", "1d", "1ms", "chart.bins.size"),
            ("", "1500us", "", "chart.bins.max"),
            ("", "30", "", "chart.bins.max"),
        ] {
            let message = bins(min, max, size).expect_err(named);
            assert!(message.contains(named), "{message}");
        }
        for bounds in [vec![], vec![1], vec![-1, 2], vec![1, 1], vec![2, 1]] {
            assert!(buckets(bounds.clone()).is_err(), "{bounds:?}");
        }
    }
}
