//! Text as codes: most rows of a batch repeat what an earlier one says.

use arrow::array::{Array, StringViewArray};

use crate::sessionize::columns::Coded;
use crate::sessionize::hash::hash_int;
use crate::sessionize::intern::Interner;

/// Views that are remembered, per text that may be distinct: more than the event types of most inputs, and a
/// good part of the users of a batch.
const RECENT_BITS: u32 = 12;

/// The view of an empty text.
const NOTHING: u128 = 0;

/// Each text as a code of the distinct ones; null and nothing are the same.
pub fn coded(texts: &StringViewArray) -> Coded {
    let mut interner = Interner::of_text();
    let mut codes = Vec::with_capacity(texts.len());
    // Equal views are equal texts: short texts are in the view itself, longer ones of a dictionary page share
    // their place. So most rows need neither their bytes nor a hash of them.
    let mut recent = vec![(u128::MAX, 0u32); 1 << RECENT_BITS];
    let mut code_of = |row: usize, view: u128| {
        let slot = &mut recent[(hash_int((view ^ (view >> 64)) as i64) >> (64 - RECENT_BITS)) as usize];
        if slot.0 != view {
            *slot = (view, interner.intern_text(text_of(texts, row)));
        }
        slot.1
    };
    for (row, view) in texts.views().iter().enumerate() {
        codes.push(code_of(row, if texts.is_null(row) { NOTHING } else { *view }));
    }
    Coded { keys: interner.into_keys(), codes }
}

fn text_of(texts: &StringViewArray, row: usize) -> &[u8] {
    if texts.is_null(row) {
        b""
    } else {
        texts.value(row).as_bytes()
    }
}

/// Each number as a code of the distinct ones.
pub fn coded_numbers(numbers: &[i64]) -> Coded {
    let mut interner = Interner::of_ints();
    let codes = numbers.iter().map(|number| interner.intern_int(*number)).collect();
    Coded { keys: interner.into_keys(), codes }
}
