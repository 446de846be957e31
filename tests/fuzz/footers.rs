//! Changes of a footer as what it is: structures in Thrift's compact form, whose numbers, texts and lists are changed and which
//! are then written as such again.

use crate::bytes::{self, varint, ENDS};
use crate::random::Random;

/// A value with the number of its type.
#[derive(Clone, Debug)]
enum Value {
    Truth(bool),
    Byte(u8),
    Integer(u8, i64),
    Double([u8; 8]),
    Binary(Vec<u8>),
    List(u8, Vec<Value>),
    Struct(Vec<(i16, Value)>),
}

/// One of some footers with a few changes; now and then of its bytes.
pub fn changed(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut rest = random.of(seeds).as_slice();
    let footer = if random.below(8) == 0 { None } else { Value::read(&mut rest, 12) };
    let Some(mut footer) = footer else { return bytes::changed(random, seeds) };
    for _ in 0..1 + random.below(3) {
        let at = random.below(footer.count());
        footer.change(&mut at.clone(), random);
    }
    let mut bytes = Vec::new();
    footer.write(&mut bytes);
    bytes
}

fn take<'b>(rest: &mut &'b [u8], count: usize) -> Option<&'b [u8]> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(rest, 1)?[0];
        number |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// A signed number from one in which the lowest bit is the sign, and back.
fn signed(number: u64) -> i64 {
    (number >> 1) as i64 ^ -((number & 1) as i64)
}

fn unsigned(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)) as u64
}

impl Value {
    fn read(rest: &mut &[u8], of: u8) -> Option<Value> {
        Some(match of {
            1 | 2 => Value::Truth(of == 1),
            3 => Value::Byte(take(rest, 1)?[0]),
            4..=6 => Value::Integer(of, signed(number(rest)?)),
            7 => Value::Double(take(rest, 8)?.try_into().ok()?),
            8 => {
                let length = number(rest)? as usize;
                Value::Binary(take(rest, length)?.to_vec())
            }
            9 | 10 => {
                let head = take(rest, 1)?[0];
                let count = if head >> 4 == 15 { number(rest)? as usize } else { usize::from(head >> 4) };
                let inner = head & 15;
                let values = (0..count).map(|_| match inner {
                    1 | 2 => Some(Value::Truth(take(rest, 1)?[0] == 1)),
                    _ => Value::read(rest, inner),
                });
                Value::List(inner, values.collect::<Option<_>>()?)
            }
            12 => {
                let (mut fields, mut id) = (Vec::new(), 0i16);
                loop {
                    let head = take(rest, 1)?[0];
                    if head == 0 {
                        break;
                    }
                    let step = i16::from(head >> 4);
                    id = if step > 0 { id.wrapping_add(step) } else { signed(number(rest)?) as i16 };
                    fields.push((id, Value::read(rest, head & 15)?));
                }
                Value::Struct(fields)
            }
            _ => return None,
        })
    }

    fn of(&self) -> u8 {
        match self {
            Value::Truth(truth) => 2 - u8::from(*truth),
            Value::Byte(_) => 3,
            Value::Integer(of, _) => *of,
            Value::Double(_) => 7,
            Value::Binary(_) => 8,
            Value::List(..) => 9,
            Value::Struct(_) => 12,
        }
    }

    fn write(&self, to: &mut Vec<u8>) {
        match self {
            Value::Truth(_) => {}
            Value::Byte(byte) => to.push(*byte),
            Value::Integer(_, number) => to.extend(varint(unsigned(*number))),
            Value::Double(bytes) => to.extend(bytes),
            Value::Binary(bytes) => {
                to.extend(varint(bytes.len() as u64));
                to.extend(bytes);
            }
            Value::List(inner, values) => {
                to.push(0xF0 | inner);
                to.extend(varint(values.len() as u64));
                for value in values {
                    match value {
                        Value::Truth(truth) => to.push(2 - u8::from(*truth)),
                        value => value.write(to),
                    }
                }
            }
            Value::Struct(fields) => {
                let mut before = 0i16;
                for (id, value) in fields {
                    match id.wrapping_sub(before) {
                        step @ 1..=15 => to.push((step as u8) << 4 | value.of()),
                        _ => {
                            to.push(value.of());
                            to.extend(varint(unsigned(i64::from(*id))));
                        }
                    }
                    before = *id;
                    value.write(to);
                }
                to.push(0);
            }
        }
    }

    /// How many values are in it, itself among them.
    fn count(&self) -> usize {
        1 + match self {
            Value::List(_, values) => values.iter().map(Value::count).sum::<usize>(),
            Value::Struct(fields) => fields.iter().map(|(_, value)| value.count()).sum(),
            _ => 0,
        }
    }

    /// Changes the value that is so many after this one.
    fn change(&mut self, after: &mut usize, random: &mut Random) {
        if *after == 0 {
            return self.change_this(random);
        }
        *after -= 1;
        let inner: Vec<&mut Value> = match self {
            Value::List(_, values) => values.iter_mut().collect(),
            Value::Struct(fields) => fields.iter_mut().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        };
        for value in inner {
            match value.count() {
                count if *after >= count => *after -= count,
                _ => return value.change(after, random),
            }
        }
    }

    fn change_this(&mut self, random: &mut Random) {
        match self {
            Value::Truth(truth) => *truth = !*truth,
            Value::Byte(byte) => *byte = random.number() as u8,
            Value::Integer(_, number) => {
                *number = match random.below(4) {
                    0 => *random.of(&ENDS) as i64,
                    1 => -*number,
                    2 => random.below(40) as i64,
                    _ => number.wrapping_add(*random.of(&[-8, -1, 1, 2, 7, 100])),
                }
            }
            Value::Double(bytes) => *bytes = random.number().to_le_bytes(),
            Value::Binary(bytes) => *bytes = bytes::changed(random, std::slice::from_ref(bytes)),
            Value::List(_, values) if !values.is_empty() => {
                let at = random.below(values.len());
                match random.below(3) {
                    0 => drop(values.remove(at)),
                    1 => values.insert(at, values[random.below(values.len())].clone()),
                    _ => values.swap(at, 0),
                }
            }
            Value::List(..) => {}
            Value::Struct(fields) if !fields.is_empty() => {
                let at = random.below(fields.len());
                match random.below(3) {
                    0 => drop(fields.remove(at)),
                    1 => {
                        let other = random.below(fields.len());
                        fields[at].1 = fields[other].1.clone();
                    }
                    _ => fields[at].0 = random.below(20) as i16,
                }
            }
            Value::Struct(_) => {}
        }
    }
}
