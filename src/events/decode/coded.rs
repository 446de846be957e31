//! Text and numbers as codes: most rows repeat what an earlier one says, of their batch or of one before it.

use std::sync::Arc;

use arrow::array::{make_view, Array, StringViewArray};

use crate::sessionize::layout::columns::{Coded, KeyColumn, TextColumn};
use crate::sessionize::layout::hash::{hash_bytes, hash_word};
use crate::sessionize::layout::intern::Interner;

/// Texts up to this many bytes are in the view itself, so equal views are equal texts and the other way round.
const INLINE: u32 = 12;
/// The view of an empty text.
const NOTHING: u128 = 0;
/// No view: no text is this long.
const NO_VIEW: u128 = u128::MAX;
/// No code: the upper half of a slot that holds one is never all ones.
const FREE: u64 = u64::MAX;
const TAG: u64 = u32::MAX as u64;

/// Each text as a code of the distinct ones; null and nothing are the same.
pub fn coded(texts: &StringViewArray) -> Coded {
    Texts::default().coded(texts)
}

/// Each number as a code of the distinct ones.
pub fn coded_numbers(numbers: &[i64]) -> Coded {
    Numbers::default().coded(numbers)
}

/// The distinct numbers of batches that come one after the other.
#[derive(Debug, Default)]
pub struct Numbers(Option<Interner>);

impl Numbers {
    /// Each number as a code of the distinct ones, those of the batches before among them.
    pub fn coded(&mut self, numbers: &[i64]) -> Coded {
        let interner = self.0.get_or_insert_with(Interner::of_ints);
        let first = interner.len();
        let codes = numbers.iter().map(|number| interner.intern_int(*number)).collect();
        let keys = interner.keys().part(first..interner.len());
        Coded { keys: Arc::new(keys), first: first as u32, codes }
    }
}

/// The distinct texts of batches that come one after the other: open addressing, at most half full.
#[derive(Debug, Default)]
pub struct Texts {
    /// In the upper half of a slot a code, in the lower one a part of its text's hash: small, so that they stay in the
    /// cache.
    slots: Vec<u64>,
    /// The view of each distinct text, by code; the upper half of a longer one's is where it is among `long`.
    distinct: Vec<u128>,
    /// The longer ones.
    long: TextColumn,
    /// Views of longer texts seen last, with their codes: the rows of a dictionary page share a few.
    recent: Vec<(u128, u32)>,
}

impl Texts {
    const RECENT: usize = 1 << 10;
    const FIRST_SLOTS: usize = 1 << 12;

    /// Those of a dictionary, by their codes in it.
    pub fn of_dictionary(dictionary: &TextColumn) -> Self {
        let mut texts = Texts { slots: vec![FREE; (dictionary.len() * 2).next_power_of_two()], ..Texts::default() };
        for (place, text) in dictionary.iter().enumerate() {
            let view = make_view(text, 0, 0);
            let code = if view as u32 <= INLINE { texts.short_code(view) } else { texts.long_code(view, text) };
            if texts.distinct.len() == place {
                // There twice: the second one has a code as well, though texts that follow have the first one's.
                texts.distinct.push(texts.distinct[code as usize]);
            }
        }
        texts
    }

    /// Each text as a code of the distinct ones, those of the batches before among them; null and nothing are the same.
    pub fn coded(&mut self, texts: &StringViewArray) -> Coded {
        let first = self.distinct.len();
        // They are of the batch before.
        self.recent.clear();
        let mut codes = Vec::with_capacity(texts.len());
        match texts.nulls() {
            None => codes.extend(texts.views().iter().map(|view| self.code(texts, *view))),
            Some(nulls) => {
                let view = |(view, valid): (&u128, bool)| if valid { *view } else { NOTHING };
                codes.extend(texts.views().iter().zip(nulls.iter()).map(|row| self.code(texts, view(row))));
            }
        }
        Coded { keys: Arc::new(KeyColumn::Text(self.keys_from(first))), first: first as u32, codes }
    }

    #[inline]
    fn code(&mut self, texts: &StringViewArray, view: u128) -> u32 {
        if view as u32 <= INLINE {
            return self.short_code(view);
        }
        if self.recent.is_empty() {
            self.recent = vec![(NO_VIEW, 0); Self::RECENT];
        }
        let place = (hash_word(view) >> 32) as usize % Self::RECENT;
        if self.recent[place].0 != view {
            let code = self.long_code(view, long_text(texts, view));
            self.recent[place] = (view, code);
        }
        self.recent[place].1
    }

    #[inline]
    fn short_code(&mut self, view: u128) -> u32 {
        let (code, new) = self.find_or_insert(hash_word(view), |known, _| known == view);
        if new {
            self.distinct.push(view);
        }
        code
    }

    fn long_code(&mut self, view: u128, text: &[u8]) -> u32 {
        // The lower half is the length and the first bytes.
        let same = |known: u128, long: &TextColumn| known as u64 == view as u64 && long.get(at(known)) == text;
        let (code, new) = self.find_or_insert(hash_bytes(text), same);
        if new {
            self.distinct.push((self.long.len() as u128) << 64 | u128::from(view as u64));
            self.long.push(text);
        }
        code
    }

    /// The code of the text with this hash that `same` holds for; or, where there is none, the next code, `true`.
    #[inline]
    fn find_or_insert(&mut self, hash: u64, same: impl Fn(u128, &TextColumn) -> bool) -> (u32, bool) {
        if self.distinct.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut slot = hash as usize & mask;
        loop {
            let held = self.slots[slot];
            if held == FREE {
                break;
            }
            let code = (held >> 32) as u32;
            if held & TAG == tag && same(self.distinct[code as usize], &self.long) {
                return (code, false);
            }
            slot = (slot + 1) & mask;
        }
        let code = self.distinct.len() as u32;
        self.slots[slot] = u64::from(code) << 32 | tag;
        (code, true)
    }

    fn grow(&mut self) {
        let mask = (self.slots.len() * 4).max(Self::FIRST_SLOTS) - 1;
        self.slots = vec![FREE; mask + 1];
        for (code, view) in self.distinct.iter().enumerate() {
            let hash = match *view as u32 > INLINE {
                true => hash_bytes(self.long.get(at(*view))),
                false => hash_word(*view),
            };
            let mut slot = hash as usize & mask;
            while self.slots[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = (code as u64) << 32 | hash >> 32;
        }
    }

    /// The texts of this code and the following ones.
    fn keys_from(&self, first: usize) -> TextColumn {
        let views = &self.distinct[first..];
        let bytes = views.iter().map(|view| *view as u32 as usize).sum();
        let mut keys = TextColumn::with_capacity(views.len(), bytes);
        for view in views {
            let length = *view as u32;
            match length <= INLINE {
                // After the length come the bytes.
                true => keys.push(&view.to_le_bytes()[4..4 + length as usize]),
                false => keys.push(self.long.get(at(*view))),
            }
        }
        keys
    }
}

/// Where a longer text is, as the view that stands for it says.
fn at(view: u128) -> usize {
    (view >> 64) as usize
}

/// The bytes of a text that is not in its view, which says how many they are, in which buffer, and where.
fn long_text(texts: &StringViewArray, view: u128) -> &[u8] {
    let (length, buffer, offset) = (view as u32 as usize, (view >> 64) as u32 as usize, (view >> 96) as usize);
    &texts.data_buffers()[buffer].as_slice()[offset..offset + length]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn equal_texts_share_a_code(rows in prop::collection::vec(prop::option::of("[ab]{0,3}|x{9,15}[ab]{0,2}"), 0..3_000)) {
            let texts = StringViewArray::from_iter(rows.iter().map(Option::as_deref));
            let coded = coded(&texts.slice(rows.len() / 7, rows.len() - rows.len() / 7));
            let KeyColumn::Text(keys) = coded.keys.as_ref() else { panic!("text stays text") };
            let distinct: std::collections::HashSet<&[u8]> = keys.iter().collect();
            prop_assert_eq!(distinct.len(), keys.len());
            for (code, text) in coded.codes.iter().zip(&rows[rows.len() / 7..]) {
                prop_assert_eq!(keys.get(*code as usize), text.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }

    proptest! {
        #[test]
        fn batches_go_on_with_the_codes_of_those_before(
            rows in prop::collection::vec(prop::option::of("[ab]{0,3}|x{9,15}[ab]{0,2}"), 0..600),
            each in 1usize..200,
        ) {
            let mut texts = Texts::default();
            let batches: Vec<Coded> = rows
                .chunks(each)
                .map(|rows| texts.coded(&StringViewArray::from_iter(rows.iter().map(Option::as_deref))))
                .collect();
            let (keys, firsts) = Coded::joined(batches.iter());
            prop_assert!(firsts.iter().all(|first| *first == 0));
            let codes = batches.iter().flat_map(|batch| &batch.codes);
            for (code, text) in codes.zip(&rows) {
                let KeyColumn::Text(keys) = keys.as_ref() else { panic!("text stays text") };
                prop_assert_eq!(keys.get(*code as usize), text.as_deref().unwrap_or_default().as_bytes());
            }
            let distinct: std::collections::HashSet<&str> =
                rows.iter().map(|text| text.as_deref().unwrap_or_default()).collect();
            prop_assert_eq!(keys.len(), distinct.len());
        }
    }

    proptest! {
        #[test]
        fn texts_go_on_from_those_of_a_dictionary(
            dictionary in prop::collection::vec("[ab]{0,3}|x{9,15}[ab]{0,2}", 0..200),
            rows in prop::collection::vec(prop::option::of("[abc]{0,3}|x{9,15}[abc]{0,2}"), 0..600),
        ) {
            let mut keys = TextColumn::default();
            dictionary.iter().for_each(|text| keys.push(text.as_bytes()));
            let mut texts = Texts::of_dictionary(&keys);
            let coded = texts.coded(&StringViewArray::from_iter(rows.iter().map(Option::as_deref)));
            prop_assert_eq!(coded.first as usize, dictionary.len());
            let KeyColumn::Text(more) = coded.keys.as_ref() else { panic!("text stays text") };
            let distinct: std::collections::HashSet<&[u8]> = keys.iter().collect();
            prop_assert!(more.iter().all(|text| !distinct.contains(text)), "what the dictionary has is not there again");
            keys.extend(more);
            for (code, text) in coded.codes.iter().zip(&rows) {
                prop_assert_eq!(keys.get(*code as usize), text.as_deref().unwrap_or_default().as_bytes());
            }
        }
    }

    #[test]
    fn numbers_go_on_too() {
        let mut numbers = Numbers::default();
        let (one, two) = (numbers.coded(&[5, 7, 5]), numbers.coded(&[7, 9]));
        assert_eq!((one.codes, two.codes, two.first), (vec![0, 1, 0], vec![1, 2], 2));
        assert_eq!((&*one.keys, &*two.keys), (&KeyColumn::Int(vec![5, 7]), &KeyColumn::Int(vec![9])));
    }

    #[test]
    fn a_dictionary_of_long_texts_and_many_distinct_ones_are_told_apart() {
        let names: Vec<String> = (0..5_000).map(|n| format!("user with a long name {}", n % 2_500)).collect();
        let coded = coded(&StringViewArray::from_iter_values(&names));
        assert_eq!(coded.keys.len(), 2_500);
        assert!((0..2_500).all(|row| coded.codes[row] == coded.codes[row + 2_500]));
    }
}
