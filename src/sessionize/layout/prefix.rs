//! Numbers that order most keys: comparing two keys by their bytes fetches both.

use super::columns::KeyColumn;

/// How many bytes all texts begin with alike.
pub fn shared_bytes<'a>(mut texts: impl Iterator<Item = &'a [u8]>) -> usize {
    let Some(first) = texts.next() else { return 0 };
    texts.fold(first.len(), |shared, text| first[..shared].iter().zip(text).take_while(|(a, b)| a == b).count())
}

/// A number that orders a key among others as they are ordered, or not at all: the eight bytes of a text after those
/// that all of them share. Of numbers it leaves nothing open.
pub fn prefix(keys: &KeyColumn, row: usize, shared: usize) -> u64 {
    match keys {
        KeyColumn::Int(keys) => keys[row] as u64 ^ (1 << 63),
        KeyColumn::Text(keys) => {
            let rest = &keys.get(row)[shared..];
            let mut word = [0; 8];
            let length = rest.len().min(8);
            word[..length].copy_from_slice(&rest[..length]);
            u64::from_be_bytes(word)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessionize::layout::columns::TextColumn;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn prefixes_never_contradict_the_order(
            texts in prop::collection::vec("u?[ab\\x00]{0,11}", 1..9),
            numbers in prop::collection::vec(any::<i64>(), 1..9),
        ) {
            let mut column = TextColumn::default();
            texts.iter().for_each(|text| column.push(text.as_bytes()));
            let shared = shared_bytes(column.iter());
            prop_assert!(texts.iter().all(|text| text.as_bytes()[..shared] == texts[0].as_bytes()[..shared]));
            prop_assert!(texts.iter().any(|text| text.as_bytes().get(shared) != texts[0].as_bytes().get(shared)
                || text.len() == shared));
            for keys in [KeyColumn::Text(column), KeyColumn::Int(numbers)] {
                for (a, b) in (0..keys.len()).flat_map(|a| (0..keys.len()).map(move |b| (a, b))) {
                    let by_prefix = prefix(&keys, a, shared).cmp(&prefix(&keys, b, shared));
                    let by_all = keys.compare(a, &keys, b);
                    prop_assert!(by_prefix.is_eq() && keys.int(a).is_none() || by_prefix == by_all);
                }
            }
        }
    }
}
