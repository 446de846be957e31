//! Why an event has no valid session id, and what ids look like that are no epoch milliseconds.

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;

use crate::events::normalise::project::RoleColumns;
use crate::sessionize::layout::columns::{Coded, KeyColumn, TextColumn};
use crate::sessionize::session_id::number_as_time;
use crate::sessionize::time::TimeUnit;

/// What an event's session id is, as far as it is valid or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// A valid one.
    Valid,
    /// Null.
    Null,
    /// `-1`.
    MinusOne,
    /// Nothing.
    Empty,
    /// The word `none`.
    Word,
}

impl IdKind {
    const ALL: [IdKind; 5] = [IdKind::Valid, IdKind::Null, IdKind::MinusOne, IdKind::Empty, IdKind::Word];

    fn of_text(text: Option<&str>) -> Self {
        match text {
            None => IdKind::Null,
            Some("-1") => IdKind::MinusOne,
            Some("") => IdKind::Empty,
            Some("none") => IdKind::Word,
            Some(_) => IdKind::Valid,
        }
    }

    /// The kind that a key of [`with_kinds`] begins with.
    pub fn of_key(key: &[u8]) -> Self {
        key.first().and_then(|kind| IdKind::ALL.get(usize::from(*kind))).copied().unwrap_or(IdKind::Valid)
    }
}

/// The facts of a batch with the kind of each row's session id before them: one byte more in each key.
pub fn with_kinds(rows: &RoleColumns) -> Option<Coded> {
    let values = rows.value.as_ref()?;
    let kind = |row: usize| match (values.as_primitive_opt::<Int64Type>(), values.as_string_view_opt()) {
        (Some(numbers), _) if numbers.is_valid(row) => match numbers.value(row) {
            -1 => IdKind::MinusOne,
            _ => IdKind::Valid,
        },
        (None, Some(texts)) => IdKind::of_text(texts.is_valid(row).then(|| texts.value(row))),
        _ => IdKind::Null,
    };
    let kinds = IdKind::ALL.len();
    let facts = rows.facts.as_ref();
    // The new code of each pair of a kind and the facts' code, where it has been seen.
    const UNSEEN: u32 = u32::MAX;
    let mut known = vec![UNSEEN; facts.map_or(1, |facts| facts.keys.len()) * kinds];
    let mut keys = TextColumn::default();
    let mut key = Vec::new();
    let codes = (0..rows.rows).map(|row| {
        let (kind, code) = (kind(row), facts.map_or(0, |facts| facts.codes[row] as usize));
        let place = &mut known[code * kinds + kind as usize];
        if *place == UNSEEN {
            *place = keys.len() as u32;
            key.clear();
            key.push(kind as u8);
            if let Some(KeyColumn::Text(facts)) = facts.map(|facts| facts.keys.as_ref()) {
                key.extend_from_slice(facts.get(code));
            }
            keys.push(&key);
        }
        *place
    });
    let codes = codes.collect();
    Some(Coded::new(KeyColumn::Text(keys), codes))
}

/// What a valid session id looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A time in epoch milliseconds.
    Millis,
    /// One in seconds, by its size.
    Seconds,
    /// One in microseconds.
    Micros,
    /// One in nanoseconds.
    Nanos,
    /// Another number.
    Number,
    /// Other text.
    Text,
}

impl Shape {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Shape; 6] =
        [Shape::Millis, Shape::Seconds, Shape::Micros, Shape::Nanos, Shape::Number, Shape::Text];

    /// The word for programs.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Millis => "milliseconds",
            Shape::Seconds => "seconds",
            Shape::Micros => "microseconds",
            Shape::Nanos => "nanoseconds",
            Shape::Number => "other_numbers",
            Shape::Text => "text",
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Shape::Millis => "epoch milliseconds, by their size",
            Shape::Seconds => "epoch seconds, by their size",
            Shape::Micros => "epoch microseconds, by their size",
            Shape::Nanos => "epoch nanoseconds, by their size",
            Shape::Number => "other numbers",
            Shape::Text => "text",
        }
    }

    /// Of times in a unit.
    pub fn of_unit(unit: TimeUnit) -> Self {
        match unit {
            TimeUnit::Seconds => Shape::Seconds,
            TimeUnit::Millis => Shape::Millis,
            TimeUnit::Micros => Shape::Micros,
            TimeUnit::Nanos => Shape::Nanos,
        }
    }

    /// The unit that it is a time in, if it is one.
    pub fn unit(self) -> Option<TimeUnit> {
        TimeUnit::ALL.into_iter().find(|unit| Shape::of_unit(*unit) == self)
    }

    /// Of a number.
    pub fn of_number(id: i64) -> Self {
        let unit = TimeUnit::ALL.into_iter().find(|unit| number_as_time(id, *unit).is_some());
        unit.map_or(Shape::Number, Shape::of_unit)
    }

    /// Of a text.
    pub fn of_text(id: &[u8]) -> Self {
        let number = std::str::from_utf8(id).ok().and_then(|text| text.parse::<i64>().ok());
        match number {
            Some(number) if id.iter().all(u8::is_ascii_digit) => Shape::of_number(number),
            Some(_) => Shape::Number,
            None => Shape::Text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_told_by_the_size_of_an_id() {
        let second = 1_767_225_600;
        let shapes = [second * 1_000, second, second * 1_000_000, second * 1_000_000_000, 7, -second];
        let shapes = shapes.map(Shape::of_number);
        use Shape::{Micros, Millis, Nanos, Number, Seconds, Text};
        assert_eq!(shapes, [Millis, Seconds, Micros, Nanos, Number, Number]);
        let texts = ["1767225600000", "1767225600", "-7", "a7b", "1.5"].map(|text| Shape::of_text(text.as_bytes()));
        assert_eq!(texts, [Millis, Seconds, Number, Text, Text]);
    }
}
