//! Durations as people write them: `45s`, `5m`, `1h30m`, `1d`, `500ms`.

use super::error::JobError;
use crate::sessionize::time::Span;

/// Reads the duration of a key: text with a unit, above zero, in whole microseconds.
///
/// ```
/// # use dwell::job::duration::{duration_text, parse_duration};
/// let timeout = parse_duration("session.timeout", "1h 30m").unwrap();
/// assert_eq!(timeout.micros(), 90 * 60 * 1_000_000);
/// assert_eq!(duration_text(timeout), "1h30m");
///
/// // Nobody has to guess what 30 means.
/// let error = parse_duration("session.timeout", "30").unwrap_err();
/// assert!(error.to_string().contains("did you mean 30m?"));
/// ```
///
/// # Errors
/// A bare number (the message offers the likeliest unit), an unknown unit, zero, or more than fits.
pub fn parse_duration(key: &'static str, text: &str) -> Result<Span, JobError> {
    let bad = |hint: String| JobError::Duration { key, value: text.to_string(), hint };
    let trimmed = text.trim();
    let zero = || bad("a duration of zero has no effect: leave the key out, or give it one above zero".to_string());
    match trimmed.parse::<f64>() {
        Ok(0.0) => return Err(zero()),
        Ok(_) => return Err(bad(format!("a duration needs a unit: did you mean {trimmed}{}?", likeliest_unit(key)))),
        Err(_) => {}
    }
    let mut units = trimmed.split(|letter: char| !letter.is_alphabetic());
    if units.any(|unit| MONTHS_AND_YEARS.contains(&unit)) {
        let minutes = trimmed.replace('M', "m");
        let hint = match trimmed.contains('M') {
            true => format!("minutes are written with a small m: did you mean {minutes}?"),
            false => "months and years are of no fixed length: write it in days".to_string(),
        };
        return Err(bad(hint));
    }
    let duration =
        humantime::parse_duration(trimmed).map_err(|_| bad("write it like 45s, 5m, 1h30m, 1d or 500ms".to_string()))?;
    let micros = i64::try_from(duration.as_micros()).map_err(|_| bad("that is too long".to_string()))?;
    if duration.subsec_nanos() % 1_000 != 0 {
        return Err(bad("nothing is finer than a microsecond (us)".to_string()));
    }
    if micros == 0 {
        return Err(zero());
    }
    Ok(Span::from_micros(micros))
}

/// Units that are no fixed time.
const MONTHS_AND_YEARS: [&str; 7] = ["M", "month", "months", "y", "yr", "year", "years"];

/// Reads a duration for which `none` means that there is no limit.
///
/// # Errors
/// As [`parse_duration`].
pub fn parse_limit(key: &'static str, text: &str) -> Result<Option<Span>, JobError> {
    if text.trim() == "none" {
        return Ok(None);
    }
    parse_duration(key, text).map(Some)
}

/// Timeouts are minutes, the other durations days, when people leave the unit out.
fn likeliest_unit(key: &str) -> &'static str {
    if ["session.timeout", "--timeouts"].contains(&key) {
        "m"
    } else {
        "d"
    }
}

/// Writes a span the way it is read.
pub fn duration_text(span: Span) -> String {
    let duration = std::time::Duration::from_micros(span.micros().unsigned_abs());
    let days = duration.as_secs() / 86_400;
    // Durations in `humantime` grow months and years, which are no fixed time to a reader.
    let rest = duration - std::time::Duration::from_secs(days * 86_400);
    match (days, rest.is_zero()) {
        (0, _) => humantime::format_duration(rest).to_string().replace(' ', ""),
        (days, true) => format!("{days}d"),
        (days, false) => format!("{days}d{}", humantime::format_duration(rest).to_string().replace(' ', "")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        for text in ["45s", "5m", "1h30m", "1d", "500ms", "7d", "400d", "1d2h", "1us"] {
            let span = parse_duration("session.timeout", text).expect(text);
            assert_eq!(duration_text(span), text);
        }
    }

    #[test]
    fn a_bare_number_is_asked_for_its_unit() {
        let message = parse_duration("session.timeout", "30").expect_err("no unit").to_string();
        assert!(message.contains("did you mean 30m?"), "{message}");
    }

    #[test]
    fn months_are_no_minutes() {
        let message = parse_duration("session.timeout", "5M").expect_err("months").to_string();
        assert!(message.contains("did you mean 5m?"), "{message}");
    }

    #[test]
    fn zero_and_nonsense_are_errors() {
        for text in ["0s", "0", "", "abc", "-5m", "5 parsecs", "100ns", "5M", "1y", "2months"] {
            assert!(parse_duration("session.timeout", text).is_err(), "{text}");
        }
        assert_eq!(parse_limit("session.max_gap", "none").expect("no limit"), None);
    }
}
