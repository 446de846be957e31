//! Gives ids small codes, inside one partition.

use super::columns::{KeyColumn, TextColumn};
use super::hash::{hash_bytes, hash_int};
use super::prefix::{prefix, shared_bytes};

/// A table of distinct keys: open addressing, linear probing, at most half full.
#[derive(Debug)]
struct Slots {
    slots: Vec<u32>,
    hashes: Vec<u64>,
}

const FREE: u32 = u32::MAX;

impl Slots {
    fn new() -> Self {
        Slots { slots: vec![FREE; 64], hashes: Vec::new() }
    }

    /// The code of the key with this hash for which `same` holds; or, where there is none, the next
    /// code, `true`.
    fn find_or_insert(&mut self, hash: u64, same: impl Fn(u32) -> bool) -> (u32, bool) {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                FREE => break,
                code if self.hashes[code as usize] == hash && same(code) => return (code, false),
                _ => slot = (slot + 1) & mask,
            }
        }
        let code = self.hashes.len() as u32;
        self.slots[slot] = code;
        self.hashes.push(hash);
        if self.hashes.len() * 2 > self.slots.len() {
            self.grow();
        }
        (code, true)
    }

    /// The codes at the first places of some hashes, of keys with these hashes; [`FREE`] where there is another or none.
    /// With nothing to do in between, memory fetches many at once.
    fn guess(&self, hashes: &[u64], codes: &mut [u32]) {
        let mask = self.slots.len() - 1;
        codes.iter_mut().zip(hashes).for_each(|(code, hash)| *code = self.slots[*hash as usize & mask]);
        for (code, hash) in codes.iter_mut().zip(hashes) {
            if *code != FREE && self.hashes[*code as usize] != *hash {
                *code = FREE;
            }
        }
    }

    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        self.slots = vec![FREE; mask + 1];
        for (code, hash) in self.hashes.iter().enumerate() {
            let mut slot = *hash as usize & mask;
            while self.slots[slot] != FREE {
                slot = (slot + 1) & mask;
            }
            self.slots[slot] = code as u32;
        }
    }
}

/// As many keys are looked up side by side.
const LOT: usize = 64;

/// Gives each distinct key a code, in the order in which they come.
#[derive(Debug)]
pub struct Interner {
    slots: Slots,
    keys: KeyColumn,
}

impl Interner {
    /// An interner of numbers.
    pub fn of_ints() -> Self {
        Interner { slots: Slots::new(), keys: KeyColumn::Int(Vec::new()) }
    }

    /// An interner of text.
    pub fn of_text() -> Self {
        Interner { slots: Slots::new(), keys: KeyColumn::Text(TextColumn::default()) }
    }

    /// An interner for keys like those of `column`.
    pub fn like(column: &KeyColumn) -> Self {
        match column {
            KeyColumn::Int(_) => Interner::of_ints(),
            KeyColumn::Text(_) => Interner::of_text(),
        }
    }

    /// The code of a row of `column`, which holds keys of this interner's kind.
    pub fn intern(&mut self, column: &KeyColumn, row: usize) -> u32 {
        match column {
            KeyColumn::Int(values) => self.intern_int(values[row]),
            KeyColumn::Text(values) => self.intern_text(values.get(row)),
        }
    }

    /// The codes of some rows of `column`, as [`Interner::intern`] gives them one after the other: where keys are many, faster.
    pub fn intern_rows(&mut self, column: &KeyColumn, rows: &[u32]) -> Vec<u32> {
        match column {
            KeyColumn::Int(_) => rows.iter().map(|row| self.intern(column, *row as usize)).collect(),
            KeyColumn::Text(values) => {
                let texts: Vec<&[u8]> = rows.iter().map(|row| values.get(*row as usize)).collect();
                self.intern_texts(&texts)
            }
        }
    }

    /// The codes of some texts, as [`Interner::intern_text`] gives them one after the other: where texts are many, faster.
    pub fn intern_texts(&mut self, texts: &[&[u8]]) -> Vec<u32> {
        let mut codes = Vec::with_capacity(texts.len());
        for lot in texts.chunks(LOT) {
            let (mut hashes, mut found) = ([0; LOT], [FREE; LOT]);
            hashes.iter_mut().zip(lot).for_each(|(hash, text)| *hash = hash_bytes(text));
            self.slots.guess(&hashes[..lot.len()], &mut found[..lot.len()]);
            if let KeyColumn::Text(keys) = &self.keys {
                let known = found.map(|code| if code == FREE { &b""[..] } else { keys.get(code as usize) });
                for ((code, known), text) in found.iter_mut().zip(known).zip(lot) {
                    if known != *text {
                        *code = FREE;
                    }
                }
            }
            for (code, text) in found.iter().zip(lot) {
                codes.push(if *code == FREE { self.intern_text(text) } else { *code });
            }
        }
        codes
    }

    /// The code of a number.
    pub fn intern_int(&mut self, value: i64) -> u32 {
        let KeyColumn::Int(keys) = &mut self.keys else { return FREE };
        let (code, new) = self.slots.find_or_insert(hash_int(value), |code| keys[code as usize] == value);
        if new {
            keys.push(value);
        }
        code
    }

    /// The code of a text.
    pub fn intern_text(&mut self, value: &[u8]) -> u32 {
        let KeyColumn::Text(keys) = &mut self.keys else { return FREE };
        let (code, new) = self.slots.find_or_insert(hash_bytes(value), |code| keys.get(code as usize) == value);
        if new {
            keys.push(value);
        }
        code
    }

    /// The memory it holds, in bytes: about as much again while it grows.
    pub fn bytes(&self) -> usize {
        size_of::<u32>() * self.slots.slots.capacity()
            + size_of::<u64>() * self.slots.hashes.capacity()
            + self.keys.bytes()
    }

    /// How many distinct keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The distinct keys up to now, by code.
    pub fn keys(&self) -> &KeyColumn {
        &self.keys
    }

    /// The distinct keys by code.
    pub fn into_keys(self) -> KeyColumn {
        self.keys
    }

    /// The distinct keys, to be looked up and not to grow any more.
    pub fn into_lookup(self) -> InternedKeys {
        InternedKeys { slots: self.slots.slots, keys: self.keys }
    }

    /// The distinct keys in ascending order, and for each code its place among them.
    pub fn into_ranked(self) -> (KeyColumn, Vec<u32>) {
        let keys = &self.keys;
        let shared = shared_bytes((0..keys.len()).filter_map(|code| keys.text(code)));
        let mut order: Vec<(u64, u32)> =
            (0..keys.len() as u32).map(|code| (prefix(keys, code as usize, shared), code)).collect();
        order.sort_unstable_by(|(a, a_code), (b, b_code)| {
            a.cmp(b).then_with(|| keys.compare(*a_code as usize, keys, *b_code as usize))
        });
        let order: Vec<u32> = order.into_iter().map(|(_, code)| code).collect();
        let mut ranks = vec![0; order.len()];
        for (rank, code) in order.iter().enumerate() {
            ranks[*code as usize] = rank as u32;
        }
        (self.keys.gather(&order), ranks)
    }
}

/// Distinct keys, each by its code.
#[derive(Debug)]
pub struct InternedKeys {
    slots: Vec<u32>,
    keys: KeyColumn,
}

impl InternedKeys {
    /// The code of a row of `column`, where it is one of the keys; they are of one kind.
    pub fn code(&self, column: &KeyColumn, row: usize) -> Option<u32> {
        let hash = match column {
            KeyColumn::Int(values) => hash_int(values[row]),
            KeyColumn::Text(values) => hash_bytes(values.get(row)),
        };
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots[slot] {
                FREE => return None,
                code if self.keys.compare(code as usize, column, row).is_eq() => return Some(code),
                _ => slot = (slot + 1) & mask,
            }
        }
    }

    /// The keys by code.
    pub fn keys(&self) -> &KeyColumn {
        &self.keys
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        size_of::<u32>() * self.slots.capacity() + self.keys.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_looked_up_by_what_they_are() {
        let mut interner = Interner::of_text();
        let names: Vec<String> = (0..1_000).map(|number| format!("name {number}")).collect();
        names.iter().for_each(|name| assert!(interner.intern_text(name.as_bytes()) < 1_000));
        let lookup = interner.into_lookup();
        let mut asked = TextColumn::default();
        names.iter().for_each(|name| asked.push(name.as_bytes()));
        asked.push(b"nobody");
        let asked = KeyColumn::Text(asked);
        assert!((0..1_000).all(|row| lookup.code(&asked, row) == Some(row as u32)));
        assert_eq!(lookup.code(&asked, 1_000), None);
    }

    #[test]
    fn texts_in_lots_have_the_codes_that_they_have_one_by_one() {
        // Some of them again and again, the empty one among them.
        let names: Vec<String> =
            (0..5_000u32).map(|n| n * 7 % 1_300).map(|n| "x".repeat(n as usize % 7) + &n.to_string()).collect();
        let texts: Vec<&[u8]> = names.iter().map(|name| name.as_bytes()).chain([&b""[..], b"x", b""]).collect();
        let mut one_by_one = Interner::of_text();
        let expected: Vec<u32> = texts.iter().map(|text| one_by_one.intern_text(text)).collect();
        let mut in_lots = Interner::of_text();
        assert_eq!(in_lots.intern_texts(&texts[..777]), expected[..777]);
        assert_eq!(in_lots.intern_texts(&texts[777..]), expected[777..]);
        assert_eq!(in_lots.len(), one_by_one.len());
    }

    #[test]
    fn equal_keys_share_a_code_and_ranks_follow_the_bytes() {
        let mut interner = Interner::of_text();
        let codes: Vec<u32> = ["b", "a", "b", "", "é", "a"].map(|key| interner.intern_text(key.as_bytes())).to_vec();
        assert_eq!(codes, [0, 1, 0, 2, 3, 1]);
        let (keys, ranks) = interner.into_ranked();
        assert_eq!(ranks, [2, 1, 0, 3]);
        let KeyColumn::Text(keys) = keys else { panic!("text stays text") };
        assert_eq!(keys.iter().collect::<Vec<_>>(), [b"".as_slice(), b"a", b"b", "é".as_bytes()]);
    }

    #[test]
    fn grows_past_its_first_slots() {
        let values = KeyColumn::Int((0..10_000).map(|n| n * 7919 % 5_000).collect());
        let mut interner = Interner::of_ints();
        let codes: Vec<u32> = (0..values.len()).map(|row| interner.intern(&values, row)).collect();
        let (keys, ranks) = interner.into_ranked();
        let (KeyColumn::Int(keys), KeyColumn::Int(values)) = (keys, values) else { panic!("numbers") };
        assert_eq!(keys.len(), 5_000);
        assert!(codes.iter().zip(&values).all(|(code, value)| keys[ranks[*code as usize] as usize] == *value));
    }
}
