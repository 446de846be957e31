//! Numbers in as few bytes as their range needs: what is laid out in memory for all events at once.

use std::ops::Range;

/// A number is read and written as eight bytes, whatever its width.
const PADDING: usize = 8;

/// Some numbers of a column, as they are in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedSlice<'a> {
    /// The smallest number of the column.
    pub base: i64,
    /// Bytes a number.
    pub width: usize,
    /// The numbers' distances from the smallest, each in `width` bytes.
    pub bytes: &'a [u8],
}

/// Numbers of one column as their distance from the smallest, each in the same number of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    base: i64,
    width: usize,
    /// The bits of a number's width.
    mask: u64,
    len: usize,
    /// Longer than the numbers by the padding.
    bytes: Vec<u8>,
}

impl Packed {
    /// Packs the numbers of a column in another order: `order` has each of its rows once.
    pub fn gather<T: Copy>(values: &[T], order: &[u32], number: impl Fn(T) -> i64) -> Self {
        Packed::of(values.iter().map(|value| number(*value)), order.iter().map(|row| number(values[*row as usize])))
    }

    /// Packs numbers.
    pub fn new<T: Copy>(values: &[T], number: impl Fn(T) -> i64) -> Self {
        let numbers = || values.iter().map(|value| number(*value));
        Packed::of(numbers(), numbers())
    }

    /// Packs numbers; those of `range`, in whatever order, say which there are.
    fn of(range: impl Iterator<Item = i64>, numbers: impl ExactSizeIterator<Item = i64>) -> Self {
        let len = numbers.len();
        if len == 0 {
            return Packed::default();
        }
        let (least, most) =
            range.fold((i64::MAX, i64::MIN), |(least, most), number| (least.min(number), most.max(number)));
        // The distance between any two numbers fits 64 unsigned bits.
        let range = most.wrapping_sub(least) as u64;
        let width = (64 - range.leading_zeros()).div_ceil(8) as usize;
        let mut bytes = vec![0; len * width + PADDING];
        for (place, number) in numbers.enumerate() {
            let distance = number.wrapping_sub(least);
            bytes[place * width..place * width + 8].copy_from_slice(&distance.to_le_bytes());
        }
        Packed { base: least, width, mask: mask(width), len, bytes }
    }

    /// The number at a place.
    pub fn get(&self, place: usize) -> i64 {
        let at = place * self.width;
        let mut word = [0; 8];
        word.copy_from_slice(&self.bytes[at..at + 8]);
        self.base.wrapping_add((u64::from_le_bytes(word) & self.mask) as i64)
    }

    /// The numbers at some places.
    pub fn slice(&self, places: Range<usize>) -> PackedSlice<'_> {
        let bytes = &self.bytes[places.start * self.width..places.end * self.width];
        PackedSlice { base: self.base, width: self.width, bytes }
    }

    /// Numbers from the parts of a slice; `None` where the bytes are not those of `len` numbers.
    pub fn from_slice(slice: PackedSlice<'_>, len: usize) -> Option<Self> {
        let PackedSlice { base, width, bytes } = slice;
        if width > 8 || width.checked_mul(len)? != bytes.len() {
            return None;
        }
        let mut padded = Vec::with_capacity(bytes.len() + PADDING);
        padded.extend_from_slice(bytes);
        padded.resize(bytes.len() + PADDING, 0);
        Some(Packed { base, width, mask: mask(width), len, bytes: padded })
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no number.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

fn mask(width: usize) -> u64 {
    u64::MAX.checked_shr(64 - 8 * width as u32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(values in prop::collection::vec(any::<i64>(), 0..40), shift in 0u32..64) {
            let values: Vec<i64> = values.iter().map(|value| value >> shift).collect();
            let rows: Vec<u32> = (0..values.len() as u32).rev().collect();
            let packed = Packed::gather(&values, &rows, |value| value);
            prop_assert_eq!(packed.len(), values.len());
            let back: Vec<i64> = (0..packed.len()).rev().map(|place| packed.get(place)).collect();
            prop_assert_eq!(back, values);
        }
    }

    #[test]
    fn small_ranges_take_few_bytes() {
        let width = |values: &[i64]| Packed::gather(values, &(0..values.len() as u32).collect::<Vec<_>>(), |v| v).width;
        assert_eq!((width(&[7, 7]), width(&[7, 262]), width(&[7, 263]), width(&[i64::MIN, i64::MAX])), (0, 1, 2, 8));
    }
}
