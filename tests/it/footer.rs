//! Footers of Parquet files, to be changed: what writers get wrong, made by hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A value of Thrift's compact form.
#[derive(Clone, Debug, PartialEq)]
pub enum Thrift {
    Bool(bool),
    Byte(u8),
    /// Of a type, 4 to 6: 16, 32 or 64 bits.
    Int(u8, i64),
    Double([u8; 8]),
    Bytes(Vec<u8>),
    /// Of elements of a type.
    List(u8, Vec<Thrift>),
    Struct(BTreeMap<i16, Thrift>),
}

/// A number of 32 bits.
pub fn i32(value: i64) -> Thrift {
    Thrift::Int(5, value)
}

/// A number of 64 bits.
pub fn i64(value: i64) -> Thrift {
    Thrift::Int(6, value)
}

/// A struct of these fields.
pub fn fields<const N: usize>(fields: [(i16, Thrift); N]) -> Thrift {
    Thrift::Struct(BTreeMap::from(fields))
}

/// A file, as its bytes before the footer and its footer.
pub struct Opened {
    path: PathBuf,
    pub body: Vec<u8>,
    pub footer: Thrift,
}

impl Opened {
    pub fn read(path: &Path) -> Opened {
        let mut body = std::fs::read(path).unwrap();
        body.truncate(body.len() - 4);
        let length = body.split_off(body.len() - 4);
        let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
        let bytes = body.split_off(body.len() - length);
        let footer = Reader(&bytes).value(12);
        Opened { path: path.to_owned(), body, footer }
    }

    pub fn write(&self) {
        let mut footer = Vec::new();
        write(&mut footer, &self.footer);
        let length = (footer.len() as u32).to_le_bytes();
        std::fs::write(&self.path, [&self.body[..], &footer, &length, b"PAR1"].concat()).unwrap();
    }

    /// What is at a place of the footer: fields of structs by number, elements of lists by place.
    pub fn at(&mut self, place: &[i16]) -> &mut Thrift {
        place.iter().fold(&mut self.footer, |value, step| match value {
            Thrift::Struct(fields) => fields.get_mut(step).unwrap_or_else(|| panic!("no field {step} of {place:?}")),
            Thrift::List(_, elements) => &mut elements[*step as usize],
            other => panic!("{other:?} has no parts: {place:?}"),
        })
    }

    /// Sets a field of a struct, whether it is there or not.
    pub fn set(&mut self, place: &[i16], field: i16, value: Thrift) {
        match self.at(place) {
            Thrift::Struct(fields) => fields.insert(field, value),
            other => panic!("{other:?} is no struct"),
        };
    }
}

/// Changes a file's footer.
pub fn change(path: &Path, change: impl FnOnce(&mut Opened)) {
    let mut opened = Opened::read(path);
    change(&mut opened);
    opened.write();
}

/// Where the metadata of a column of a row group is.
pub fn column(row_group: i16, column: i16) -> [i16; 5] {
    [4, row_group, 1, column, 3]
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap();
        self.0 = rest;
        *first
    }

    fn unsigned(&mut self) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return value;
            }
        }
    }

    fn int(&mut self) -> i64 {
        let value = self.unsigned();
        (value >> 1) as i64 ^ -((value & 1) as i64)
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn value(&mut self, of_type: u8) -> Thrift {
        match of_type {
            3 => Thrift::Byte(self.byte()),
            4..=6 => Thrift::Int(of_type, self.int()),
            7 => Thrift::Double(self.take(8).try_into().unwrap()),
            8 => {
                let length = self.unsigned() as usize;
                Thrift::Bytes(self.take(length).to_vec())
            }
            9 => {
                let head = self.byte();
                let count = if head >> 4 == 15 { self.unsigned() } else { u64::from(head >> 4) };
                let element = |reader: &mut Self| match head & 0xf {
                    1 | 2 => Thrift::Bool(reader.byte() == 1),
                    of_type => reader.value(of_type),
                };
                Thrift::List(head & 0xf, (0..count).map(|_| element(self)).collect())
            }
            12 => {
                let (mut fields, mut last) = (BTreeMap::new(), 0);
                loop {
                    let head = self.byte();
                    if head == 0 {
                        return Thrift::Struct(fields);
                    }
                    last = if head >> 4 == 0 { self.int() as i16 } else { last + i16::from(head >> 4) };
                    let value = match head & 0xf {
                        truth @ 1..=2 => Thrift::Bool(truth == 1),
                        of_type => self.value(of_type),
                    };
                    fields.insert(last, value);
                }
            }
            other => panic!("type {other}"),
        }
    }
}

fn unsigned(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Writes a value as it stands in a list or as a whole.
pub fn write(bytes: &mut Vec<u8>, value: &Thrift) {
    match value {
        Thrift::Bool(truth) => bytes.push(if *truth { 1 } else { 2 }),
        Thrift::Byte(byte) => bytes.push(*byte),
        Thrift::Int(_, value) => unsigned(bytes, ((value << 1) ^ (value >> 63)) as u64),
        Thrift::Double(double) => bytes.extend(double),
        Thrift::Bytes(inner) => {
            unsigned(bytes, inner.len() as u64);
            bytes.extend(inner);
        }
        Thrift::List(of_type, elements) => {
            bytes.push(0xf0 | of_type);
            unsigned(bytes, elements.len() as u64);
            elements.iter().for_each(|element| write(bytes, element));
        }
        Thrift::Struct(fields) => {
            for (field, value) in fields {
                let of_type = match value {
                    Thrift::Bool(true) => 1,
                    Thrift::Bool(false) => 2,
                    Thrift::Byte(_) => 3,
                    Thrift::Int(of_type, _) => *of_type,
                    Thrift::Double(_) => 7,
                    Thrift::Bytes(_) => 8,
                    Thrift::List(..) => 9,
                    Thrift::Struct(_) => 12,
                };
                bytes.push(of_type);
                unsigned(bytes, ((i64::from(*field) << 1) ^ (i64::from(*field) >> 63)) as u64);
                if of_type > 2 {
                    write(bytes, value);
                }
            }
            bytes.push(0);
        }
    }
}
