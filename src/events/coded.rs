//! Text as codes: most rows of a batch repeat what an earlier one says.

use arrow::array::{Array, StringViewArray};

use crate::sessionize::columns::{Coded, KeyColumn, TextColumn};
use crate::sessionize::hash::{hash_bytes, hash_word};
use crate::sessionize::intern::Interner;

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
    let mut table = ViewTable::new(texts);
    let mut codes = Vec::with_capacity(texts.len());
    match texts.nulls() {
        None => codes.extend(texts.views().iter().map(|view| table.code(*view))),
        Some(nulls) => {
            let view = |(view, valid): (&u128, bool)| if valid { *view } else { NOTHING };
            codes.extend(texts.views().iter().zip(nulls.iter()).map(|row| table.code(view(row))));
        }
    }
    Coded::new(KeyColumn::Text(table.into_keys()), codes)
}

/// Each number as a code of the distinct ones.
pub fn coded_numbers(numbers: &[i64]) -> Coded {
    let mut interner = Interner::of_ints();
    let codes = numbers.iter().map(|number| interner.intern_int(*number)).collect();
    Coded::new(interner.into_keys(), codes)
}

/// Codes of distinct views: open addressing, at most half full.
struct ViewTable<'a> {
    texts: &'a StringViewArray,
    /// In the upper half of a slot a code, in the lower one a part of its text's hash: small, so that they stay in the
    /// cache.
    slots: Vec<u64>,
    /// The first view of each distinct text, by code.
    distinct: Vec<u128>,
    /// Views of longer texts seen last, with their codes: the rows of a dictionary page share a few.
    recent: Vec<(u128, u32)>,
}

impl<'a> ViewTable<'a> {
    const RECENT: usize = 1 << 10;

    fn new(texts: &'a StringViewArray) -> Self {
        ViewTable { texts, slots: vec![FREE; 1 << 12], distinct: Vec::new(), recent: Vec::new() }
    }

    fn code(&mut self, view: u128) -> u32 {
        let hash = hash_word(view);
        if view as u32 <= INLINE {
            return self.find_or_insert(hash, view, |known, _| known == view);
        }
        if self.recent.is_empty() {
            self.recent = vec![(NO_VIEW, 0); Self::RECENT];
        }
        let place = (hash >> 32) as usize % Self::RECENT;
        if self.recent[place].0 != view {
            let text = long_text(self.texts, view);
            // The lower half is the length and the first bytes.
            let same = |known: u128, texts: &'a StringViewArray| {
                known as u64 == view as u64 && long_text(texts, known) == text
            };
            let code = self.find_or_insert(hash_bytes(text), view, same);
            self.recent[place] = (view, code);
        }
        self.recent[place].1
    }

    fn find_or_insert(&mut self, hash: u64, view: u128, same: impl Fn(u128, &'a StringViewArray) -> bool) -> u32 {
        let mask = self.slots.len() - 1;
        let tag = hash >> 32;
        let mut slot = hash as usize & mask;
        loop {
            let held = self.slots[slot];
            if held == FREE {
                break;
            }
            let code = (held >> 32) as u32;
            if held & TAG == tag && same(self.distinct[code as usize], self.texts) {
                return code;
            }
            slot = (slot + 1) & mask;
        }
        let code = self.distinct.len() as u32;
        self.slots[slot] = u64::from(code) << 32 | tag;
        self.distinct.push(view);
        if self.distinct.len() * 2 > self.slots.len() {
            self.grow();
        }
        code
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 4 - 1;
        self.slots = vec![FREE; mask + 1];
        for (code, view) in self.distinct.iter().enumerate() {
            let long = *view as u32 > INLINE;
            let hash = if long { hash_bytes(long_text(self.texts, *view)) } else { hash_word(*view) };
            let mut slot = hash as usize & mask;
            while self.slots[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = (code as u64) << 32 | hash >> 32;
        }
    }

    fn into_keys(self) -> TextColumn {
        let bytes = self.distinct.iter().map(|view| *view as u32 as usize).sum();
        let mut keys = TextColumn::with_capacity(self.distinct.len(), bytes);
        for view in &self.distinct {
            let length = *view as u32;
            match length <= INLINE {
                // After the length come the bytes.
                true => keys.push(&view.to_le_bytes()[4..4 + length as usize]),
                false => keys.push(long_text(self.texts, *view)),
            }
        }
        keys
    }
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

    #[test]
    fn a_dictionary_of_long_texts_and_many_distinct_ones_are_told_apart() {
        let names: Vec<String> = (0..5_000).map(|n| format!("user with a long name {}", n % 2_500)).collect();
        let coded = coded(&StringViewArray::from_iter_values(&names));
        assert_eq!(coded.keys.len(), 2_500);
        assert!((0..2_500).all(|row| coded.codes[row] == coded.codes[row + 2_500]));
    }
}
