//! What the columns hold: found value by value, in any order with the same result.

use serde::{Deserialize, Serialize};

use super::times::Times;
use crate::events::normalise::json::scalar;

/// What a column of the output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Whole numbers of 64 bits.
    Int64,
    /// Floating numbers of 64 bits.
    Float64,
    /// Truth values.
    Bool,
    /// Instants, in microseconds.
    Timestamp,
    /// Objects and arrays, as the text that they are spelled with.
    Json,
    /// Text, and whatever has values of several kinds, as it is spelled.
    Text,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [Kind::Int64, Kind::Float64, Kind::Bool, Kind::Timestamp, Kind::Json, Kind::Text];

    /// The word in `--columns` and in the summary.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Int64 => "int64",
            Kind::Float64 => "float64",
            Kind::Bool => "bool",
            Kind::Timestamp => "timestamp",
            Kind::Json => "json",
            Kind::Text => "text",
        }
    }
}

/// What the values of a column hold that have been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// What holds all of them; `None` where there is none yet.
    pub kind: Option<Kind>,
    /// Whether a whole number is among them that no floating one is equal to.
    pub wide: bool,
}

impl Seen {
    /// Of a kind that is given.
    pub fn of(kind: Kind) -> Self {
        Seen { kind: Some(kind), wide: false }
    }

    /// Adds a value, as it is spelled; `times` reads it where the column may hold instants.
    pub fn add(&mut self, value: &str, times: Option<&mut Times>) {
        if self.kind != Some(Kind::Text) {
            *self = self.and(of_value(value, times));
        }
    }

    /// What holds the values of both.
    pub fn and(self, other: Seen) -> Seen {
        let wide = self.wide || other.wide;
        let kind = match (self.kind, other.kind) {
            (a, None) => a,
            (None, b) => b,
            (a, b) if a == b => a,
            (Some(Kind::Int64), Some(Kind::Float64)) | (Some(Kind::Float64), Some(Kind::Int64)) if !wide => {
                Some(Kind::Float64)
            }
            _ => Some(Kind::Text),
        };
        Seen { kind, wide }
    }
}

fn of_value(value: &str, times: Option<&mut Times>) -> Seen {
    let Some(first) = value.bytes().next() else { return Seen::default() };
    if matches!(first, b'{' | b'[') {
        return Seen::of(Kind::Json);
    }
    let Some(text) = scalar(value) else { return Seen::default() };
    if let Some(times) = times {
        if text.is_empty() {
            return Seen::default();
        }
        if times.read(&text, first == b'"').is_some() {
            return Seen::of(Kind::Timestamp);
        }
    }
    match first {
        b'"' => Seen::of(Kind::Text),
        b't' | b'f' => Seen::of(Kind::Bool),
        _ => of_number(&text),
    }
}

/// The largest whole number up to which floating ones have all.
pub const EXACT: u64 = 1 << 53;

fn of_number(text: &str) -> Seen {
    if let Ok(number) = text.parse::<i64>() {
        return Seen { kind: Some(Kind::Int64), wide: number.unsigned_abs() > EXACT };
    }
    let is_whole = !text.contains(['.', 'e', 'E']);
    let is_finite = text.parse::<f64>().is_ok_and(f64::is_finite);
    Seen::of(if is_whole || !is_finite { Kind::Text } else { Kind::Float64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(values: &[&str]) -> Option<Kind> {
        let seen = |values: &mut dyn Iterator<Item = &&str>| {
            let mut seen = Seen::default();
            values.for_each(|value| seen.add(value, None));
            seen
        };
        let forwards = seen(&mut values.iter());
        assert_eq!(forwards.kind, seen(&mut values.iter().rev()).kind, "{values:?}");
        forwards.kind
    }

    #[test]
    fn values_of_several_kinds_are_text_and_only_exact_numbers_are_floating() {
        assert_eq!(kind_of(&["null", "NaN", "-Infinity"]), None);
        assert_eq!(kind_of(&["1", "null", "-9223372036854775808"]), Some(Kind::Int64));
        assert_eq!(kind_of(&["1", "9223372036854775808"]), Some(Kind::Text));
        assert_eq!(kind_of(&["1", "1.5", "1e3"]), Some(Kind::Float64));
        assert_eq!(kind_of(&["9007199254740993", "1.5"]), Some(Kind::Text));
        assert_eq!(kind_of(&["1.5", "1", "9007199254740993"]), Some(Kind::Text));
        assert_eq!(kind_of(&["1e999", "1"]), Some(Kind::Text));
        assert_eq!(kind_of(&["true", "false"]), Some(Kind::Bool));
        assert_eq!(kind_of(&["true", "1"]), Some(Kind::Text));
        assert_eq!(kind_of(&["\"1\"", "1"]), Some(Kind::Text));
        assert_eq!(kind_of(&["{}", "[1]"]), Some(Kind::Json));
        assert_eq!(kind_of(&["{}", "\"a\""]), Some(Kind::Text));
    }
}
