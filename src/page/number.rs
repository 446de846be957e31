//! How figures are written for people, by what they count.

use crate::summary::grouped;
use crate::summary::text::length_text;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things: `1,234`.
    Count,
    /// Milliseconds, written as a length: `3 min 20 s`.
    Millis,
    /// Hundredths: `12.5 %`.
    Percent,
    /// An amount: `$12.50`.
    Money,
    /// A number of whatever kind.
    Plain,
}

impl Unit {
    /// A figure as people read it; what is over nothing is a dash.
    pub fn text(self, value: Option<f64>) -> String {
        let Some(value) = value.filter(|value| value.is_finite()) else { return "–".to_string() };
        let sign = if value < 0.0 { "−" } else { "" };
        let size = value.abs();
        match self {
            Unit::Count | Unit::Plain => format!("{sign}{}", decimal(size, 2)),
            Unit::Millis => format!("{sign}{}", length_text(size.round() as i64)),
            Unit::Percent => format!("{sign}{size:.1} %"),
            Unit::Money => format!("{sign}${}", with_cents(size)),
        }
    }

    /// The figure as it is, for programs that read the page.
    pub fn exact(value: Option<f64>) -> String {
        value.filter(|value| value.is_finite()).map_or_else(String::new, |value| value.to_string())
    }

    /// A mark of an axis.
    pub fn mark(self, value: f64) -> String {
        let sign = if value < 0.0 { "−" } else { "" };
        let size = value.abs();
        match self {
            Unit::Count | Unit::Plain => format!("{sign}{}", short(size)),
            Unit::Money => format!("{sign}${}", short(size)),
            Unit::Percent => format!("{sign}{} %", short(size)),
            Unit::Millis => format!("{sign}{}", length_text(size.round() as i64)),
        }
    }
}

/// A number with thousands separated, and as many decimals as say something.
fn decimal(value: f64, decimals: usize) -> String {
    if value >= 1e15 {
        return format!("{value:e}");
    }
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    let rest = rest.trim_end_matches('0');
    let whole = grouped(whole.parse().unwrap_or_default());
    if rest.is_empty() {
        whole
    } else {
        format!("{whole}.{rest}")
    }
}

fn with_cents(value: f64) -> String {
    if value >= 1e15 {
        return format!("{value:e}");
    }
    let text = format!("{value:.2}");
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    format!("{}.{cents}", grouped(whole.parse().unwrap_or_default()))
}

/// A number in a few letters: `1.5 M`.
fn short(value: f64) -> String {
    let of = |part: f64, letter: &str| format!("{} {letter}", decimal(value / part, 2));
    match value {
        value if value >= 1e15 => format!("{value:e}"),
        value if value >= 1e12 => of(1e12, "T"),
        value if value >= 1e9 => of(1e9, "G"),
        value if value >= 1e6 => of(1e6, "M"),
        value if value >= 1e4 => of(1e3, "k"),
        value if value > 0.0 && value < 0.01 => format!("{value:.1e}"),
        value => decimal(value, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_as_people_write_them() {
        let texts = [
            Unit::Count.text(Some(1_234_567.0)),
            Unit::Count.text(Some(12.5)),
            Unit::Millis.text(Some(200_000.4)),
            Unit::Percent.text(Some(12.34)),
            Unit::Money.text(Some(-1_234.5)),
            Unit::Plain.text(None),
            Unit::Plain.text(Some(f64::NAN)),
        ];
        assert_eq!(texts, ["1,234,567", "12.5", "3 min 20 s", "12.3 %", "−$1,234.50", "–", "–"]);
        let marks = [
            Unit::Count.mark(1_500_000.0),
            Unit::Count.mark(20_000.0),
            Unit::Count.mark(2_000.0),
            Unit::Percent.mark(0.25),
            Unit::Millis.mark(90_000.0),
        ];
        assert_eq!(marks, ["1.5 M", "20 k", "2,000", "0.25 %", "1 min 30 s"]);
        assert_eq!(Unit::exact(Some(1.0 / 3.0)), "0.3333333333333333");
    }
}
