//! A hash for short keys. It places users in partitions and table slots and never shows in a result.

use super::columns::KeyColumn;

const K0: u64 = 0x9E37_79B9_7F4A_7C15;
const K1: u64 = 0xD6E8_FEB8_6659_FD93;

/// The high and low half of a 128-bit product, folded: every input bit reaches every output bit.
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Hashes all keys of a column.
pub fn hashes_of(keys: &KeyColumn) -> Vec<u64> {
    match keys {
        KeyColumn::Int(keys) => keys.iter().map(|key| hash_int(*key)).collect(),
        KeyColumn::Text(keys) => keys.iter().map(hash_bytes).collect(),
    }
}

/// Hashes a number.
pub fn hash_int(value: i64) -> u64 {
    fold(value as u64 ^ K0, K1)
}

/// Hashes text, eight bytes at a time.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut hash = K0 ^ bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        hash = fold(hash ^ u64::from_le_bytes(word), K1);
    }
    let rest = chunks.remainder();
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = fold(hash ^ u64::from_le_bytes(word), K1);
    }
    fold(hash, K0)
}

/// Hashes sixteen bytes.
pub fn hash_word(word: u128) -> u64 {
    fold(word as u64 ^ K0, (word >> 64) as u64 ^ K1)
}
