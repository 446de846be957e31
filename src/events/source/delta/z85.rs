//! Bytes as text: four bytes in five characters, as ZeroMQ spells them.

/// The digits of base 85.
const DIGITS: &[u8; 85] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// The bytes that some text stands for.
///
/// # Errors
/// It is none of this spelling.
pub fn z85_bytes(text: &str) -> Result<Vec<u8>, String> {
    let wrong = || format!("{text:?} is no Z85");
    let (fives, rest) = text.as_bytes().as_chunks::<5>();
    if !rest.is_empty() {
        return Err(wrong());
    }
    let mut bytes = Vec::with_capacity(fives.len() * 4);
    for five in fives {
        let mut number = 0_u64;
        for character in five {
            let digit = DIGITS.iter().position(|digit| digit == character).ok_or_else(wrong)?;
            number = number * 85 + digit as u64;
        }
        bytes.extend(u32::try_from(number).map_err(|_| wrong())?.to_be_bytes());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_bytes() {
        assert_eq!(z85_bytes("HelloWorld"), Ok(vec![0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]));
        assert_eq!(z85_bytes(""), Ok(Vec::new()));
        for wrong in ["Hell", "Hell\"", "#####", "é1234"] {
            assert!(z85_bytes(wrong).is_err(), "{wrong}");
        }
    }
}
