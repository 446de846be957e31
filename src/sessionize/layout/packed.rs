//! Rows of numbers, each number in as few bits as the range of its column needs: what is laid out in memory for all
//! events at once.

use std::ops::Range;

use crate::sessionize::time::Timestamp;

/// A row is read and written eight bytes at a time, whatever its width.
const PADDING: usize = 8;
/// Rows put together before they go to their places: these stay in the nearest cache.
const CHUNK: usize = 1 << 9;

/// A column of numbers to pack.
#[derive(Clone, Copy, Debug)]
pub enum Numbers<'a> {
    /// Instants.
    Times(&'a [Timestamp]),
    /// Codes.
    Codes(&'a [u32]),
    /// Anything.
    Ints(&'a [i64]),
    /// 0 and 1.
    Flags(&'a [bool]),
}

impl Numbers<'_> {
    fn len(self) -> usize {
        match self {
            Numbers::Times(times) => times.len(),
            Numbers::Codes(codes) => codes.len(),
            Numbers::Ints(ints) => ints.len(),
            Numbers::Flags(flags) => flags.len(),
        }
    }

    /// The smallest and the largest; `None` where there are none.
    fn range(self) -> Option<(i64, i64)> {
        fn of<T: Copy + Ord>(numbers: &[T], number: impl Fn(T) -> i64) -> Option<(i64, i64)> {
            let first = *numbers.first()?;
            let wider = |(least, most): (T, T), number: &T| (least.min(*number), most.max(*number));
            let (least, most) = numbers.iter().fold((first, first), wider);
            Some((number(least), number(most)))
        }
        match self {
            Numbers::Times(times) => of(times, Timestamp::micros),
            Numbers::Codes(codes) => of(codes, i64::from),
            Numbers::Ints(ints) => of(ints, |int| int),
            Numbers::Flags(flags) => of(flags, i64::from),
        }
    }

    /// Adds some numbers to words that hold other columns already.
    fn add(self, rows: Range<usize>, field: Field, words: &mut [u64]) {
        fn of<T: Copy>(numbers: &[T], field: Field, words: &mut [u64], number: impl Fn(T) -> i64) {
            for (word, value) in words.iter_mut().zip(numbers) {
                *word |= (number(*value).wrapping_sub(field.base) as u64) << field.shift;
            }
        }
        match self {
            Numbers::Times(times) => of(&times[rows], field, words, Timestamp::micros),
            Numbers::Codes(codes) => of(&codes[rows], field, words, i64::from),
            Numbers::Ints(ints) => of(&ints[rows], field, words, |int| int),
            Numbers::Flags(flags) => of(&flags[rows], field, words, i64::from),
        }
    }
}

/// Where the number of a column is in each row: its distance from the smallest one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// The smallest number of the column.
    pub base: i64,
    /// The byte at which the word begins that has it.
    pub offset: u32,
    /// The bits below it in that word.
    pub shift: u32,
    /// How many bits it has.
    pub bits: u32,
}

impl Field {
    /// For the numbers of a column, which come in parts. One that has but one number takes no bits.
    fn of<'n>(parts: impl Iterator<Item = Numbers<'n>>) -> Self {
        let wider = |(a, b): (i64, i64), (c, d): (i64, i64)| (a.min(c), b.max(d));
        let (least, most) = parts.filter_map(Numbers::range).reduce(wider).unwrap_or_default();
        // The distance between any two numbers fits 64 unsigned bits.
        let bits = u64::BITS - (most.wrapping_sub(least) as u64).leading_zeros();
        Field { base: least, offset: 0, shift: 0, bits }
    }

    fn mask(self) -> u64 {
        u64::MAX.checked_shr(u64::BITS - self.bits).unwrap_or(0)
    }
}

/// Rows side by side, in fields that whoever packed them knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackedRows {
    /// Bytes a row.
    stride: usize,
    len: usize,
    /// Longer than the rows by the padding.
    bytes: Vec<u8>,
}

impl PackedRows {
    /// Packs columns that come in parts, all parts of the same columns, row *n* of all at `places[n]`, in which each
    /// place is once. Returns the field of each column, too.
    pub fn scatter<const N: usize>(parts: &[[Option<Numbers<'_>>; N]], places: &[u32]) -> (Self, [Option<Field>; N]) {
        let mut fields: [Option<Field>; N] = std::array::from_fn(|column| {
            let is_there = parts.iter().any(|part| part[column].is_some());
            is_there.then(|| Field::of(parts.iter().filter_map(|part| part[column])))
        });
        // Fields share a word of eight bytes while they fit.
        let mut words: Vec<(usize, u32)> = Vec::new();
        for field in fields.iter_mut().flatten().filter(|field| field.bits > 0) {
            match words.last_mut() {
                Some((_, used)) if *used + field.bits <= u64::BITS => {
                    field.shift = *used;
                    *used += field.bits;
                }
                last => {
                    let offset = last.map_or(0, |(offset, used)| *offset + used.div_ceil(8) as usize);
                    words.push((offset, field.bits));
                }
            }
            field.offset = words.last().map_or(0, |(offset, _)| *offset as u32);
        }
        let stride = words.last().map_or(0, |(offset, used)| offset + used.div_ceil(8) as usize);
        let mut bytes = vec![0; places.len() * stride + PADDING];
        let mut chunk = [0; CHUNK];
        let mut first = 0;
        for columns in parts {
            let rows = columns.iter().flatten().map(|column| column.len()).next().unwrap_or(0);
            let places = &places[first..first + rows];
            first += rows;
            for (number, places) in places.chunks(CHUNK).enumerate() {
                let rows = number * CHUNK..number * CHUNK + places.len();
                for (offset, _) in &words {
                    let chunk = &mut chunk[..places.len()];
                    chunk.fill(0);
                    let in_word = |field: &&Field| field.bits > 0 && field.offset as usize == *offset;
                    for (column, field) in columns.iter().zip(&fields) {
                        if let (Some(column), Some(field)) = (column, field.as_ref().filter(in_word)) {
                            column.add(rows.clone(), *field, chunk);
                        }
                    }
                    for (place, word) in places.iter().zip(chunk) {
                        if let Some(cell) = bytes[*place as usize * stride + offset..].first_chunk_mut() {
                            // What else is in these bytes stays: rows around this one, other words of it.
                            *cell = (u64::from_le_bytes(*cell) | *word).to_le_bytes();
                        }
                    }
                }
            }
        }
        (PackedRows { stride, len: places.len(), bytes }, fields)
    }

    /// The number of a field in a row.
    pub fn get(&self, row: usize, field: Field) -> i64 {
        let word =
            self.bytes[row * self.stride + field.offset as usize..].first_chunk().map(|word| u64::from_le_bytes(*word));
        field.base.wrapping_add((word.unwrap_or(0) >> field.shift & field.mask()) as i64)
    }

    /// Some of the rows by themselves; their fields stay where they are.
    pub fn part(&self, rows: Range<usize>) -> Self {
        let len = rows.len();
        let (slice, stride) = self.slice(rows);
        PackedRows { stride, len, bytes: padded(slice) }
    }

    /// The bytes of some rows, and how many each has.
    pub fn slice(&self, rows: Range<usize>) -> (&[u8], usize) {
        (&self.bytes[rows.start * self.stride..rows.end * self.stride], self.stride)
    }

    /// Rows from the parts of a slice, whose fields are these; `None` where the bytes are not those of `len` rows.
    pub fn from_slice((slice, stride): (&[u8], usize), len: usize, fields: &[Option<Field>]) -> Option<Self> {
        let fits = |field: &Field| {
            let end = u64::from(field.shift) + u64::from(field.bits);
            field.shift < u64::BITS
                && end <= u64::from(u64::BITS)
                && u64::from(field.offset) * 8 + end <= stride as u64 * 8
        };
        if stride.checked_mul(len)? != slice.len() || !fields.iter().flatten().all(fits) {
            return None;
        }
        Some(PackedRows { stride, len, bytes: padded(slice) })
    }

    /// The memory they hold, in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.len
    }
}

fn padded(slice: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(slice.len() + PADDING);
    bytes.extend_from_slice(slice);
    bytes.resize(slice.len() + PADDING, 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    impl Numbers<'_> {
        fn part(&self, rows: Range<usize>) -> Numbers<'_> {
            match self {
                Numbers::Times(times) => Numbers::Times(&times[rows]),
                Numbers::Codes(codes) => Numbers::Codes(&codes[rows]),
                Numbers::Ints(ints) => Numbers::Ints(&ints[rows]),
                Numbers::Flags(flags) => Numbers::Flags(&flags[rows]),
            }
        }
    }

    proptest! {
        #[test]
        fn numbers_come_back(
            rows in prop::collection::vec((any::<i64>(), any::<i64>(), any::<u32>(), any::<bool>()), 0..1_200),
            shifts in (0u32..64, 0u32..64, 0u32..32),
        ) {
            let ints: Vec<i64> = rows.iter().map(|row| row.0 >> shifts.0).collect();
            let times: Vec<Timestamp> = rows.iter().map(|row| Timestamp::from_micros(row.1 >> shifts.1)).collect();
            let codes: Vec<u32> = rows.iter().map(|row| row.2 >> shifts.2).collect();
            let flags: Vec<bool> = rows.iter().map(|row| row.3).collect();
            let last = rows.len() as u32;
            let places: Vec<u32> = (0..last).rev().collect();
            let columns = [
                Some(Numbers::Times(&times)), Some(Numbers::Codes(&codes)), None,
                Some(Numbers::Ints(&ints)), Some(Numbers::Flags(&flags)),
            ];
            let part = |rows: Range<usize>| columns.each_ref().map(|column| column.as_ref().map(|column| column.part(rows.clone())));
            let half = rows.len() / 3;
            let (packed, fields) = PackedRows::scatter(&[part(0..half), part(half..rows.len())], &places);
            prop_assert_eq!(packed.len(), rows.len());
            let [Some(time), Some(code), None, Some(int), Some(flag)] = fields else { panic!("a field a column") };
            for row in 0..rows.len() {
                let place = rows.len() - 1 - row;
                prop_assert_eq!(packed.get(place, time), times[row].micros());
                prop_assert_eq!(packed.get(place, code), i64::from(codes[row]));
                prop_assert_eq!(packed.get(place, int), ints[row]);
                prop_assert_eq!(packed.get(place, flag), i64::from(flags[row]));
            }
            let (bytes, stride) = packed.slice(0..rows.len());
            prop_assert_eq!(PackedRows::from_slice((bytes, stride), rows.len(), &fields), Some(packed));
        }
    }

    #[test]
    fn fields_that_are_not_within_a_row_are_those_of_no_rows() {
        let field = |offset, shift, bits| Some(Field { base: 0, offset, shift, bits });
        let from = |field| PackedRows::from_slice((&[0; 24], 8), 3, &[field]);
        assert!(from(field(0, 0, 64)).is_some() && from(field(7, 3, 5)).is_some());
        for (offset, shift, bits) in [(0, 64, 0), (0, 1, 64), (7, 3, 6), (8, 0, 1), (u32::MAX, 0, 0)] {
            assert!(from(field(offset, shift, bits)).is_none(), "{offset} {shift} {bits}");
        }
    }

    #[test]
    fn small_ranges_take_few_bytes() {
        let stride = |values: &[i64]| {
            let places: Vec<u32> = (0..values.len() as u32).collect();
            let packed =
                PackedRows::scatter(&[[Some(Numbers::Ints(values)), Some(Numbers::Codes(&places))]], &places).0;
            packed.stride
        };
        // One bit more than the values take.
        assert_eq!(
            (stride(&[7, 7]), stride(&[7, 134]), stride(&[7, 135]), stride(&[i64::MIN, i64::MAX])),
            (1, 1, 2, 9)
        );
    }
}
