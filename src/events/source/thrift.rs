//! Thrift's compact form, as footers and heads of pages have it, as far as it takes to look at it before the Parquet
//! reader does.

/// Structs inside each other that are skipped, at most.
const MOST_INSIDE: usize = 64;

/// Bytes that are read from the front. Each step is `None` where they are no such thing.
#[derive(Clone, Copy, Debug)]
pub struct Thrift<'a>(&'a [u8]);

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type(u8);

impl Type {
    /// A number of 32 bits.
    pub const I32: Type = Type(5);
    /// A number of 64 bits.
    pub const I64: Type = Type(6);
    /// A list.
    pub const LIST: Type = Type(9);
    /// A struct.
    pub const STRUCT: Type = Type(12);

    /// Whether it is a number of 32 bits.
    pub fn is_i32(self) -> bool {
        self == Type::I32
    }
}

/// Bytes of the same form, written.
#[derive(Clone, Debug, Default)]
pub struct Written(pub Vec<u8>);

impl Written {
    fn unsigned(&mut self, mut value: u64) {
        while value > 0x7f {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    /// The head of a field.
    pub fn field(&mut self, field: i16, of_type: Type) {
        self.0.push(of_type.0);
        self.unsigned(((field << 1) ^ (field >> 15)) as u16 as u64);
    }

    /// The head of a list.
    pub fn list(&mut self, of_type: Type, count: usize) {
        self.0.push(0xf0 | of_type.0);
        self.unsigned(count as u64);
    }

    /// The end of a struct.
    pub fn end(&mut self) {
        self.0.push(0);
    }
}

/// What comes next in a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A field, by its number and type.
    Field(i16, Type),
    /// Nothing.
    End,
}

impl<'a> Thrift<'a> {
    /// Of these bytes.
    pub fn of(bytes: &'a [u8]) -> Self {
        Thrift(bytes)
    }

    /// The bytes that were read since it was at another place.
    pub fn since(&self, before: &Self) -> &'a [u8] {
        &before.0[..before.0.len() - self.0.len()]
    }

    /// How many bytes are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn bytes(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn unsigned(&mut self) -> Option<u64> {
        let mut value = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f).wrapping_shl(7 * place);
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// An integer.
    pub fn integer(&mut self) -> Option<i64> {
        let value = self.unsigned()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field of a struct, after the field of a number.
    pub fn next(&mut self, last: i16) -> Option<Next> {
        let head = self.byte()?;
        let of_type = head & 0xf;
        if of_type == 0 {
            return Some(Next::End);
        }
        let field = match head >> 4 {
            0 => i16::try_from(self.integer()?).ok()?,
            after => last.checked_add(i16::from(after))?,
        };
        Some(Next::Field(field, Type(of_type)))
    }

    /// The head of a list: the type of what is in it, and how many there are.
    pub fn list(&mut self) -> Option<(Type, usize)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.unsigned()?).ok()?,
            count => usize::from(count),
        };
        // Whatever is in it takes a byte at least.
        (count <= self.0.len()).then_some((Type(head & 0xf), count))
    }

    /// Skips the value of a field.
    pub fn skip(&mut self, of_type: Type) -> Option<()> {
        // The type of a field that is a truth value says which.
        if matches!(of_type.0, 1 | 2) {
            return Some(());
        }
        self.skip_inside(of_type, MOST_INSIDE)
    }

    fn skip_inside(&mut self, of_type: Type, most: usize) -> Option<()> {
        let most = most.checked_sub(1)?;
        match of_type.0 {
            1..=3 => self.bytes(1),
            4..=6 => self.unsigned().map(|_| ()),
            7 => self.bytes(8),
            8 => {
                let length = usize::try_from(self.unsigned()?).ok()?;
                self.bytes(length)
            }
            9 | 10 => {
                let (of_type, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_inside(of_type, most))
            }
            11 => {
                let count = self.unsigned()?;
                let types = if count == 0 { 0 } else { self.byte()? };
                (0..count).try_for_each(|_| {
                    self.skip_inside(Type(types >> 4), most)?;
                    self.skip_inside(Type(types & 0xf), most)
                })
            }
            12 => loop {
                match self.next(0)? {
                    Next::End => return Some(()),
                    Next::Field(_, Type(1 | 2)) => {}
                    Next::Field(_, of_type) => self.skip_inside(of_type, most)?,
                }
            },
            13 => self.bytes(16),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_they_are_written() {
        for (bytes, value) in [
            (&[0][..], 0),
            (&[1], -1),
            (&[2], 1),
            (&[0xfe, 0x01], 127),
            (&[0xff; 9], 0),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], i64::MIN),
        ] {
            assert_eq!(Thrift::of(bytes).integer(), Some(value).filter(|_| bytes != [0xff; 9]), "{bytes:?}");
        }
    }

    #[test]
    fn what_is_skipped_is_skipped_whole() {
        // A struct of a truth value, a list of two texts, a map, an inner struct, and a number after it.
        let bytes = [0x11, 0x19, 0x28, 1, b'a', 0, 0x1b, 1, 0x58, 2, 1, b'x', 0x1c, 0x15, 4, 0, 0, 6];
        let mut thrift = Thrift::of(&bytes);
        assert_eq!(thrift.skip(Type::STRUCT), Some(()));
        assert_eq!(thrift.integer(), Some(3));
        for cut in 0..bytes.len() - 1 {
            assert_eq!(Thrift::of(&bytes[..cut]).skip(Type::STRUCT), None, "cut at {cut}");
        }
    }

    #[test]
    fn what_cannot_be_is_told_before_anything_is_made_of_it() {
        assert_eq!(Thrift::of(&[0xf5, 0xff, 0xff, 0xff, 0x7f]).list(), None);
        assert_eq!(Thrift::of(&[0x1c; 100_000]).skip(Type::STRUCT), None);
        assert_eq!(Thrift::of(&[0x0b, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x33]).skip(Type::STRUCT), None);
    }
}
