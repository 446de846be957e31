//! Changes of bytes.

use crate::random::Random;

/// Numbers at the ends of their types.
pub const ENDS: [u64; 12] =
    [0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, i64::MAX as u64, i64::MIN as u64, u64::MAX];

/// One of some inputs with a few changes.
pub fn changed(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.of(seeds).clone();
    for _ in 0..1 + random.below(6) {
        let at = random.below(bytes.len());
        let rest = bytes.len() - at.min(bytes.len());
        match random.below(7) {
            0 if rest > 0 => bytes[at] ^= 1 << random.below(8),
            1 if rest > 0 => bytes[at] = random.number() as u8,
            2 => write(&mut bytes, at, &random.of(&ENDS).to_le_bytes()[..*random.of(&[1, 2, 4, 8])]),
            3 => write(&mut bytes, at, &varint(*random.of(&ENDS))),
            4 => drop(bytes.drain(at..at + random.below(rest.min(64) + 1))),
            5 => {
                let piece = bytes[at..at + random.below(rest.min(64) + 1)].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => {
                let from = random.below(bytes.len());
                let piece = bytes[from..(from + random.below(64)).min(bytes.len())].to_vec();
                write(&mut bytes, at, &piece);
            }
        }
    }
    bytes
}

/// Writes over what is there, as far as something is.
fn write(bytes: &mut [u8], at: usize, piece: &[u8]) {
    bytes.iter_mut().skip(at).zip(piece).for_each(|(byte, new)| *byte = *new);
}

/// Seven bits a byte, the lowest first.
pub fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
    bytes
}
