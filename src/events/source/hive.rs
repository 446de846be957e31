//! Folders named `key=value` as columns (SPEC 1).

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;

use super::kind::Kind;

/// What a folder is called whose value is null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The columns that the folders on the way to a file are. Of two folders of one key, the inner one holds.
pub fn hive_columns(path: &Path) -> Vec<(String, Option<String>)> {
    let folders = path.parent().into_iter().flat_map(Path::components);
    let mut columns: Vec<(String, Option<String>)> = Vec::new();
    for (key, value) in folders.filter_map(|folder| key_and_value(folder.as_os_str())) {
        columns.retain(|(known, _)| *known != key);
        columns.push((key, value));
    }
    columns
}

/// The key and the value of a folder, if it has them.
pub fn key_and_value(name: &OsStr) -> Option<(String, Option<String>)> {
    let bytes = name.as_encoded_bytes();
    let equals = bytes.iter().position(|byte| *byte == b'=').filter(|place| *place > 0)?;
    let (key, value) = (&bytes[..equals], &bytes[equals + 1..]);
    Some((unescaped(key), (value != NULL.as_bytes()).then(|| unescaped(value))))
}

/// Whether a folder is called like one of a column.
pub fn is_hive(name: &str) -> bool {
    name.find('=').is_some_and(|place| place > 0)
}

/// Decodes what writers of folders escape as `%` and two hexadecimal digits. Bytes that are no UTF-8 stay escaped, or
/// become so: different values stay different.
fn unescaped(bytes: &[u8]) -> String {
    let decoded = unescaped_bytes(bytes);
    let mut text = String::with_capacity(decoded.len());
    for chunk in decoded.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Decodes what is escaped as `%` and two hexadecimal digits.
pub fn unescaped_bytes(bytes: &[u8]) -> Vec<u8> {
    let digit = |place: usize| bytes.get(place).and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = if bytes[at] == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        let escaped = escaped.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

/// What a folder's value can be read as: a number or a date only where it is spelled as one is printed. `007` is text,
/// as it is not the same as `7`.
pub fn hive_kind(value: &str) -> Kind {
    if value.parse::<i64>().is_ok_and(|number| number.to_string() == value) {
        Kind::Int
    } else if value.parse::<jiff::civil::Date>().is_ok_and(|date| date.to_string() == value) {
        Kind::Date
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(path: &str) -> Vec<(String, Option<String>)> {
        hive_columns(Path::new(path))
    }

    #[test]
    fn hive_folders_are_columns_with_escapes_and_nulls() {
        let expected = [("country", Some("FR")), ("city", Some("Saint/Denis")), ("x", None)];
        let expected = expected.map(|(key, value)| (key.to_string(), value.map(str::to_string)));
        assert_eq!(columns("in/country=FR/city=Saint%2FDenis/x=__HIVE_DEFAULT_PARTITION__/a.parquet"), expected);
    }

    #[test]
    fn odd_folders_are_read_as_they_are_spelled() {
        let one = |path: &str| columns(path).pop().map(|(key, value)| (key, value.unwrap_or_default()));
        for (path, key, value) in [
            ("a=b=c/x", "a", "b=c"),
            ("a=/x", "a", ""),
            ("_day=1/x", "_day", "1"),
            ("a=%/x", "a", "%"),
            ("a=%4/x", "a", "%4"),
            ("a=%+4/x", "a", "%+4"),
            ("a=%E9/x", "a", "%E9"),
            ("a=%C3%A9/x", "a", "é"),
            ("a=é%/x", "a", "é%"),
            ("a=1/a=2/x", "a", "2"),
        ] {
            assert_eq!(one(path), Some((key.to_string(), value.to_string())), "{path}");
        }
        assert_eq!((one("=a/x"), one("a/x"), one("a=1")), (None, None, None));
    }

    #[cfg(unix)]
    #[test]
    fn bytes_that_are_no_text_are_escaped() {
        use std::os::unix::ffi::OsStrExt;
        let path = Path::new(OsStr::from_bytes(b"k=caf\xe9/x"));
        assert_eq!(hive_columns(path), [("k".to_string(), Some("caf%E9".to_string()))]);
    }

    #[test]
    fn values_are_numbers_or_dates_only_as_these_are_printed() {
        for number in ["0", "7", "-7", "20260131", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(hive_kind(number), Kind::Int, "{number}");
        }
        for date in ["2026-01-31", "1969-12-31"] {
            assert_eq!(hive_kind(date), Kind::Date, "{date}");
        }
        for text in ["", "007", "+7", "-0", " 7", "7 ", "9223372036854775808", "1.5", "1e3", "2026-1-1", "2026-02-30"] {
            assert_eq!(hive_kind(text), Kind::Text, "{text:?}");
        }
    }
}
