//! Values of any type as text.

use polars::prelude::*;

use super::far_times;

/// Single values of any type as text: bytes where they are UTF-8, and times as far from today as they may be.
///
/// # Errors
/// Values that are no single ones.
pub fn text_of(series: &Series) -> PolarsResult<StringChunked> {
    match series.dtype() {
        DataType::String => series.str().cloned(),
        DataType::Binary => {
            let text = |bytes: Option<&[u8]>| std::str::from_utf8(bytes?).ok().map(str::to_string);
            Ok(series.binary()?.iter().map(text).collect())
        }
        DataType::Date | DataType::Datetime(..) => far_times::text_of(series),
        _ => series.cast(&DataType::String)?.str().cloned(),
    }
}

/// A UUID in its usual spelling.
pub fn uuid_text(bytes: [u8; 16]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    /// Where the two digits of each byte are, between dashes.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = [b'-'; 36];
    for (place, byte) in PLACES.into_iter().zip(bytes) {
        text[place] = HEX[usize::from(byte >> 4)];
        text[place + 1] = HEX[usize::from(byte & 15)];
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_written_in_its_usual_groups() {
        let bytes: Vec<u8> = (0xF0u8..=0xFF).collect();
        assert_eq!(uuid_text(bytes.try_into().expect("sixteen")), "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff");
    }
}
