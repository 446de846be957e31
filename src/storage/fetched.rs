//! Parts of an object in memory, and which parts are asked for at once.

use std::ops::Range;

use bytes::Bytes;

/// Between two ranges that are fetched as one, at most: to read past so many bytes is faster than to ask once more.
const GAP: u64 = 1 << 20;

/// Parts of an object.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// Each with its first byte, in order; no two overlap.
    parts: Vec<(u64, Bytes)>,
}

impl Fetched {
    /// Parts with their first bytes.
    pub fn new(mut parts: Vec<(u64, Bytes)>) -> Self {
        parts.sort_by_key(|(start, _)| *start);
        Fetched { parts }
    }

    /// The parts, each with its first byte, in order.
    pub fn parts(&self) -> &[(u64, Bytes)] {
        &self.parts
    }

    /// All bytes from one on that are at hand without a gap; `None` where it is not.
    pub fn from(&self, start: u64) -> Option<Bytes> {
        let after = self.parts.partition_point(|(first, _)| *first <= start);
        let (first, bytes) = self.parts.get(after.checked_sub(1)?)?;
        let skipped = usize::try_from(start - first).ok()?;
        (skipped < bytes.len()).then(|| bytes.slice(skipped..))
    }

    /// So many bytes from one on; `None` where they are not all at hand.
    pub fn get(&self, start: u64, length: usize) -> Option<Bytes> {
        if length == 0 {
            return Some(Bytes::new());
        }
        let bytes = self.from(start)?;
        (length <= bytes.len()).then(|| bytes.slice(..length))
    }

    /// Whether a whole range is at hand.
    pub fn has(&self, range: &Range<u64>) -> bool {
        usize::try_from(range.end - range.start).is_ok_and(|length| self.get(range.start, length).is_some())
    }
}

/// Ranges as they are asked for: in order, those that overlap or lie close together as one.
pub fn joined(mut wanted: Vec<Range<u64>>) -> Vec<Range<u64>> {
    wanted.retain(|range| !range.is_empty());
    wanted.sort_by_key(|range| range.start);
    let mut joined: Vec<Range<u64>> = Vec::with_capacity(wanted.len());
    for range in wanted {
        match joined.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(GAP) => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_joined_where_little_lies_between() {
        let (far, near) = (GAP + 1, GAP);
        let one = |wanted: Vec<Range<u64>>, all: Range<u64>| assert_eq!(joined(wanted), vec![all; 1]);
        one(vec![20..30, 0..10], 0..30);
        one(vec![0..10, 10 + near..20 + near], 0..20 + near);
        assert_eq!(joined(vec![0..10, 10 + far..20 + far]), [0..10, 10 + far..20 + far]);
        one(vec![0..100, 5..10, 40..40], 0..100);
        assert!(joined(Vec::new()).is_empty());
    }

    #[test]
    fn what_was_fetched_is_at_hand_and_nothing_else() {
        let fetched = Fetched::new(vec![(100, Bytes::from_static(b"later")), (10, Bytes::from_static(b"first"))]);
        assert_eq!(fetched.get(10, 5).as_deref(), Some(b"first".as_slice()));
        assert_eq!(fetched.get(102, 2).as_deref(), Some(b"te".as_slice()));
        assert_eq!(
            (fetched.get(9, 2), fetched.get(12, 4), fetched.get(15, 1), fetched.get(105, 1)),
            (None, None, None, None)
        );
        assert_eq!(fetched.get(50, 0), Some(Bytes::new()));
        assert_eq!(fetched.from(103).as_deref(), Some(b"er".as_slice()));
        assert!(fetched.has(&(10..15)) && !fetched.has(&(10..16)));
    }
}
