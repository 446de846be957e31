//! Facts: what charts and segments ask of each event besides its user, time and type.
//!
//! The facts of an event are values of properties, marks (whether a condition holds) and the segments it is in. They
//! travel as one key: bytes that order as the facts do, one after the other. So they are laid out, interned and
//! brought back like any other key, events with equal facts share one, and what they are is worked out once for
//! each distinct key.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::layout::columns::{KeyColumn, TextColumn};
use super::layout::intern::Interner;

/// Which facts events have, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FactLayout {
    /// Values, of which charts know.
    pub values: Vec<FactKind>,
    /// How many marks.
    pub marks: u32,
    /// Values of which each is a segment. After what charts know: what is kept of two events with one unique id
    /// must not depend on segments.
    pub by: Vec<FactKind>,
    /// How many segments a condition decides on.
    pub segments: u32,
}

/// What a value is in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactKind {
    /// A number, or anything that a 64-bit number stands for and orders.
    Number,
    /// Text.
    Text,
}

/// More marks than this do not fit their number.
pub const MOST_MARKS: usize = 64;

impl FactLayout {
    fn all_values(&self) -> impl Iterator<Item = FactKind> + '_ {
        self.values.iter().chain(&self.by).copied()
    }
}

/// Writes the facts of an event, one after the other in the order of their layout.
#[derive(Debug, Default)]
pub struct FactWriter {
    bytes: Vec<u8>,
}

impl FactWriter {
    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes a number; nothing comes before all numbers.
    pub fn number(&mut self, number: Option<i64>) {
        self.bytes.push(u8::from(number.is_some()));
        if let Some(number) = number {
            self.bytes.extend_from_slice(&(number as u64 ^ SIGN).to_be_bytes());
        }
    }

    /// Writes a text; nothing comes before all texts.
    pub fn text(&mut self, text: Option<&[u8]>) {
        self.bytes.push(u8::from(text.is_some()));
        if let Some(text) = text {
            for byte in text {
                self.bytes.push(*byte);
                if *byte == 0 {
                    self.bytes.push(0xFF);
                }
            }
            self.bytes.extend_from_slice(&[0, 0]);
        }
    }

    /// Writes so many bits.
    pub fn bits(&mut self, bits: u64, count: u32) {
        let bytes = bits.to_be_bytes();
        self.bytes.extend_from_slice(&bytes[8 - width(count)..]);
    }
}

const SIGN: u64 = 1 << 63;

fn width(bits: u32) -> usize {
    (bits as usize).div_ceil(8).min(8)
}

/// Reads what [`FactWriter`] wrote.
struct FactReader<'a> {
    rest: &'a [u8],
}

impl<'a> FactReader<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn is_some(&mut self) -> bool {
        self.take(1) == [1]
    }

    fn number(&mut self) -> Option<i64> {
        if !self.is_some() {
            return None;
        }
        let bytes: [u8; 8] = self.take(8).try_into().ok()?;
        Some((u64::from_be_bytes(bytes) ^ SIGN) as i64)
    }

    fn text(&mut self, text: &mut Vec<u8>) -> bool {
        text.clear();
        if !self.is_some() {
            return false;
        }
        loop {
            match self.take(1) {
                [0] if self.take(1) == [0xFF] => text.push(0),
                [byte] if *byte != 0 => text.push(*byte),
                _ => return true,
            }
        }
    }

    fn bits(&mut self, count: u32) -> u64 {
        self.take(width(count)).iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }
}

/// The distinct facts of a partition, each by its place among them.
#[derive(Debug, Default)]
pub struct FactTable {
    values: Vec<Vec<Option<i64>>>,
    /// The distinct texts of each value that is one, in ascending order: its values are places in it.
    texts: Vec<Option<TextColumn>>,
    marks: Vec<u64>,
    segments: Vec<u64>,
    /// How many of the values come before those of which each is a segment.
    of_charts: usize,
    merged: Mutex<MergedFacts>,
}

/// The facts of events that repeat others: they come after the distinct ones.
#[derive(Debug, Default)]
struct MergedFacts {
    /// Of which two each is.
    known: HashMap<(u32, u32), u32>,
    values: Vec<Vec<Option<i64>>>,
    marks: Vec<u64>,
}

impl FactTable {
    /// From the distinct keys.
    pub fn new(layout: &FactLayout, keys: &TextColumn) -> Self {
        let mut table = FactTable { of_charts: layout.values.len(), ..FactTable::default() };
        let kinds: Vec<FactKind> = layout.all_values().collect();
        let mut interners: Vec<Interner> = kinds.iter().map(|_| Interner::of_text()).collect();
        table.values = kinds.iter().map(|_| Vec::with_capacity(keys.len())).collect();
        let mut text = Vec::new();
        for key in keys.iter() {
            let mut reader = FactReader { rest: key };
            for (place, kind) in kinds.iter().enumerate() {
                if place == layout.values.len() {
                    table.marks.push(reader.bits(layout.marks));
                }
                let value = match kind {
                    FactKind::Number => reader.number(),
                    FactKind::Text => reader.text(&mut text).then(|| i64::from(interners[place].intern_text(&text))),
                };
                table.values[place].push(value);
            }
            if layout.by.is_empty() {
                table.marks.push(reader.bits(layout.marks));
            }
            table.segments.push(reader.bits(layout.segments));
        }
        for ((kind, interner), values) in kinds.iter().zip(interners).zip(&mut table.values) {
            table.texts.push(match (kind, interner.into_ranked()) {
                (FactKind::Text, (KeyColumn::Text(texts), ranks)) => {
                    for value in values.iter_mut().flatten() {
                        *value = i64::from(ranks[*value as usize]);
                    }
                    Some(texts)
                }
                _ => None,
            });
        }
        table
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.first().is_none_or(Vec::is_empty)
    }

    /// A value of some facts: a number, or the place of a text.
    pub fn value(&self, value: usize, fact: u32) -> Option<i64> {
        match self.values[value].get(fact as usize) {
            Some(value) => *value,
            None => self.merged_facts().values[fact as usize - self.marks.len()][value],
        }
    }

    /// The facts of an event and of a repeat of it, which nothing that orders events tells apart, as those of one event: of
    /// each value the smallest, so that none depends on which others there are, and the marks that both have. The segments stay
    /// those of the first.
    pub fn merged(&self, stays: u32, repeat: u32) -> u32 {
        if stays == repeat {
            return stays;
        }
        if let Some(known) = self.merged_facts().known.get(&(stays, repeat)) {
            return *known;
        }
        let smallest = |value: usize| match value < self.of_charts {
            true => self.value(value, stays).min(self.value(value, repeat)),
            false => self.value(value, stays),
        };
        let values = (0..self.values.len()).map(smallest).collect();
        let marks = self.marks_of(stays) & self.marks_of(repeat);
        let mut merged = self.merged_facts();
        let fact = (self.marks.len() + merged.marks.len()) as u32;
        merged.values.push(values);
        merged.marks.push(marks);
        merged.known.insert((stays, repeat), fact);
        fact
    }

    fn merged_facts(&self) -> MutexGuard<'_, MergedFacts> {
        self.merged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn marks_of(&self, fact: u32) -> u64 {
        match self.marks.get(fact as usize) {
            Some(marks) => *marks,
            None => self.merged_facts().marks[fact as usize - self.marks.len()],
        }
    }

    /// The texts that a value's places are in, where it is text.
    pub fn texts(&self, value: usize) -> Option<&TextColumn> {
        self.texts[value].as_ref()
    }

    /// The texts of each value.
    pub fn all_texts(&self) -> impl Iterator<Item = Option<&TextColumn>> {
        self.texts.iter().map(Option::as_ref)
    }

    /// Whether a mark is set.
    pub fn is_marked(&self, mark: u32, fact: u32) -> bool {
        self.marks_of(fact) >> mark & 1 == 1
    }

    /// The segments that an event with some facts is in, in ascending order.
    pub fn segments(&self, fact: u32) -> impl Iterator<Item = usize> {
        let mut rest = self.segments[fact as usize];
        std::iter::from_fn(move || {
            let next = rest.trailing_zeros() as usize;
            // The last one set goes.
            (rest != 0).then(|| rest &= rest - 1).map(|()| next)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Facts = (Option<i64>, Option<Vec<u8>>, u64, Option<i64>, u64);

    fn layout() -> FactLayout {
        FactLayout {
            values: vec![FactKind::Number, FactKind::Text],
            marks: 10,
            by: vec![FactKind::Number],
            segments: 64,
        }
    }

    fn key(facts: &Facts) -> Vec<u8> {
        let mut writer = FactWriter::default();
        writer.number(facts.0);
        writer.text(facts.1.as_deref());
        writer.bits(facts.2, 10);
        writer.number(facts.3);
        writer.bits(facts.4, 64);
        writer.bytes().to_vec()
    }

    fn facts() -> impl Strategy<Value = Facts> {
        let number = || prop::option::of(prop_oneof![any::<i64>(), -2i64..2]);
        let text = prop::option::of(prop::collection::vec(prop_oneof![Just(0u8), Just(0xFF), any::<u8>()], 0..4));
        (number(), text, 0u64..1024, number(), any::<u64>())
    }

    #[test]
    fn a_repeat_takes_of_each_value_the_smallest() {
        let mut keys = TextColumn::default();
        let all: [Facts; 3] = [
            (Some(2), Some(b"a".to_vec()), 0b011, Some(7), 1),
            (Some(1), Some(b"b".to_vec()), 0b110, Some(8), 2),
            (None, Some(b"c".to_vec()), 0b111, None, 4),
        ];
        all.iter().for_each(|facts| keys.push(&key(facts)));
        let table = FactTable::new(&layout(), &keys);
        let one = table.merged(0, 1);
        let texts = table.texts(1).expect("text");
        let text = |fact| table.value(1, fact).map(|text| texts.get(text as usize).to_vec());
        assert_eq!((table.value(0, one), text(one), table.value(2, one)), (Some(1), Some(b"a".to_vec()), Some(7)));
        assert_eq!((0..3).map(|mark| table.is_marked(mark, one)).collect::<Vec<_>>(), [false, true, false]);
        assert_eq!(table.merged(0, 1), one);
        let both = table.merged(one, 2);
        assert_eq!((table.value(0, both), text(both)), (None, Some(b"a".to_vec())));
        assert_eq!(table.merged(2, 2), 2);
    }

    proptest! {
        #[test]
        fn keys_order_as_facts_do_and_give_them_back(all in prop::collection::vec(facts(), 1..20)) {
            for pair in all.windows(2) {
                prop_assert_eq!(key(&pair[0]).cmp(&key(&pair[1])), pair[0].cmp(&pair[1]));
            }
            let mut keys = TextColumn::default();
            all.iter().for_each(|facts| keys.push(&key(facts)));
            let table = FactTable::new(&layout(), &keys);
            for (place, facts) in all.iter().enumerate() {
                let fact = place as u32;
                prop_assert_eq!((table.value(0, fact), table.value(2, fact)), (facts.0, facts.3));
                let texts = table.texts(1).expect("text");
                prop_assert_eq!(table.value(1, fact).map(|text| texts.get(text as usize).to_vec()), facts.1.clone());
                prop_assert!((0..10).all(|mark| table.is_marked(mark, fact) == (facts.2 >> mark & 1 == 1)));
                let segments = (0..64).filter(|segment| facts.4 >> segment & 1 == 1);
                prop_assert_eq!(table.segments(fact).collect::<Vec<_>>(), segments.collect::<Vec<_>>());
            }
        }
    }
}
