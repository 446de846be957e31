//! Functions of text, in characters, as DuckDB has them.

use polars::prelude::*;

use super::language::Sides;
use super::rows::{computed, height, ints, texts, truths, Ints, Texts};

/// A character in lower case: one for one, wherever it stands.
fn lower(sign: char) -> char {
    // The only one that becomes two is a capital I with a dot, whose first is the small one.
    sign.to_lowercase().next().unwrap_or(sign)
}

/// A character in upper case: one for one, so that those that would become several stay.
fn upper(sign: char) -> char {
    let mut capitals = sign.to_uppercase();
    match (capitals.next(), capitals.next(), sign) {
        (Some(capital), None, _) => capital,
        (.., 'ß') => 'ẞ',
        // Greek with a small iota below, which has capitals with one beside them.
        (.., 'ᾀ'..='ᾇ' | 'ᾐ'..='ᾗ' | 'ᾠ'..='ᾧ') => char::from_u32(sign as u32 + 8).unwrap_or(sign),
        (.., 'ᾳ' | 'ῃ' | 'ῳ') => char::from_u32(sign as u32 + 9).unwrap_or(sign),
        _ => sign,
    }
}

/// A text in lower case.
pub fn lowered(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.chars().map(lower).collect(),
    }
}

/// A text in upper case.
fn uppered(text: &str) -> String {
    match text.is_ascii() {
        true => text.to_ascii_uppercase(),
        false => text.chars().map(upper).collect(),
    }
}

/// `LOWER`
pub fn to_lower(text: Expr) -> Expr {
    of_text(text, lowered)
}

/// `UPPER`
pub fn to_upper(text: Expr) -> Expr {
    of_text(text, uppered)
}

fn of_text(text: Expr, function: impl Fn(&str) -> String + Send + Sync + 'static) -> Expr {
    computed(vec![text], DataType::String, move |columns| {
        let text = Texts::of(&columns[0])?;
        Ok(texts(height(columns), |row| text.at(row).map(&function)))
    })
}

/// Bytes as text; what is no text is null.
pub fn of_bytes(bytes: Expr) -> Expr {
    computed(vec![bytes], DataType::String, |columns| {
        let bytes = columns[0].as_materialized_series().rechunk();
        let bytes = bytes.binary()?;
        Ok(texts(bytes.len(), |row| bytes.get(row).and_then(|bytes| std::str::from_utf8(bytes).ok())))
    })
}

/// `LENGTH`, in characters.
pub fn length(text: Expr) -> Expr {
    computed(vec![text], DataType::Int64, |columns| {
        let text = Texts::of(&columns[0])?;
        Ok(ints(height(columns), |row| text.at(row).map(|text| text.chars().count() as i64)))
    })
}

/// The characters from one on and before another, counted from 0: they may lie outside of the text.
fn between(text: &str, start: i64, end: i64) -> &str {
    if end <= start || end <= 0 {
        return "";
    }
    let byte = |place: i64| match usize::try_from(place) {
        Err(_) => 0,
        Ok(place) if text.is_ascii() => place.min(text.len()),
        Ok(place) => text.char_indices().nth(place).map_or(text.len(), |(byte, _)| byte),
    };
    &text[byte(start)..byte(end)]
}

/// `SUBSTR` from a place on, the first of which is 1; before it there are others. From the end where it is below zero.
fn part(text: &str, start: i64, length: Option<i64>) -> &str {
    let characters = text.chars().count() as i64;
    let start = if start < 0 { characters.saturating_add(start) } else { start - 1 };
    match length {
        None => between(text, start, characters),
        Some(length) if length < 0 => between(text, start.saturating_add(length), start),
        Some(length) => between(text, start, start.saturating_add(length)),
    }
}

/// `SUBSTR`
pub fn substring(text: Expr, start: Expr, length: Option<Expr>) -> Expr {
    let arguments: Vec<Expr> = [text, start].into_iter().chain(length).collect();
    computed(arguments, DataType::String, |columns| {
        let (text, start) = (Texts::of(&columns[0])?, Ints::of(&columns[1])?);
        let length = columns.get(2).map(Ints::of).transpose()?;
        Ok(texts(height(columns), |row| {
            let length = match &length {
                Some(length) => Some(length.at(row)?),
                None => None,
            };
            Some(part(text.at(row)?, start.at(row)?, length))
        }))
    })
}

/// `LEFT`: so many characters, or all but so many at the end.
pub fn left(text: Expr, length: Expr) -> Expr {
    of_text_and_int(text, length, |text, length| {
        let end = if length < 0 { (text.chars().count() as i64).saturating_add(length) } else { length };
        between(text, 0, end)
    })
}

/// `RIGHT`: so many characters, or all but so many at the beginning.
pub fn right(text: Expr, length: Expr) -> Expr {
    of_text_and_int(text, length, |text, length| {
        let characters = text.chars().count() as i64;
        // As DuckDB has it, -2 leaves out two; more than there are leave nothing.
        let start = if length < 0 { length.saturating_neg() } else { characters.saturating_sub(length) };
        between(text, start, characters)
    })
}

fn of_text_and_int(text: Expr, number: Expr, function: impl Fn(&str, i64) -> &str + Send + Sync + 'static) -> Expr {
    computed(vec![text, number], DataType::String, move |columns| {
        let (text, number) = (Texts::of(&columns[0])?, Ints::of(&columns[1])?);
        Ok(texts(height(columns), |row| Some(function(text.at(row)?, number.at(row)?))))
    })
}

/// Whether a character is a space to `TRIM`.
fn is_space(sign: char) -> bool {
    matches!(sign, ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// `TRIM` of spaces, or of the characters of a text.
pub fn trim(sides: Sides, text: Expr, signs: Option<Expr>) -> Expr {
    let arguments: Vec<Expr> = std::iter::once(text).chain(signs).collect();
    computed(arguments, DataType::String, move |columns| {
        let text = Texts::of(&columns[0])?;
        let signs = columns.get(1).map(Texts::of).transpose()?;
        Ok(texts(height(columns), |row| {
            let text = text.at(row)?;
            match &signs {
                None => Some(trimmed(sides, text, is_space)),
                Some(signs) => {
                    let signs = signs.at(row)?;
                    Some(trimmed(sides, text, |sign| signs.contains(sign)))
                }
            }
        }))
    })
}

fn trimmed(sides: Sides, text: &str, goes: impl Fn(char) -> bool) -> &str {
    let text = if sides == Sides::End { text } else { text.trim_start_matches(&goes) };
    if sides == Sides::Start {
        text
    } else {
        text.trim_end_matches(&goes)
    }
}

/// `REPLACE`: of nothing by something, nothing.
pub fn replace(text: Expr, part: Expr, by: Expr) -> Expr {
    computed(vec![text, part, by], DataType::String, |columns| {
        let (text, part, by) = (Texts::of(&columns[0])?, Texts::of(&columns[1])?, Texts::of(&columns[2])?);
        Ok(texts(height(columns), |row| {
            let (text, part, by) = (text.at(row)?, part.at(row)?, by.at(row)?);
            Some(if part.is_empty() { text.to_string() } else { text.replace(part, by) })
        }))
    })
}

/// Texts one after the other: null where one of them is, or without those that are.
pub fn concat(parts: Vec<Expr>, passes_over_null: bool) -> Expr {
    computed(parts, DataType::String, move |columns| {
        let parts = columns.iter().map(Texts::of).collect::<PolarsResult<Vec<_>>>()?;
        Ok(texts(height(columns), |row| {
            let mut all = String::new();
            for part in &parts {
                match part.at(row) {
                    Some(part) => all.push_str(part),
                    None if passes_over_null => {}
                    None => return None,
                }
            }
            Some(all)
        }))
    })
}

/// Something of two texts that is true or false.
pub fn test(text: Expr, other: Expr, test: impl Fn(&str, &str) -> bool + Send + Sync + 'static) -> Expr {
    computed(vec![text, other], DataType::Boolean, move |columns| {
        let (text, other) = (Texts::of(&columns[0])?, Texts::of(&columns[1])?);
        Ok(truths(height(columns), |row| Some(test(text.at(row)?, other.at(row)?))))
    })
}

/// `STRPOS`: the place of the first character of a part, from 1, and 0 where there is no such part.
pub fn position(text: Expr, part: Expr) -> Expr {
    computed(vec![text, part], DataType::Int64, |columns| {
        let (text, part) = (Texts::of(&columns[0])?, Texts::of(&columns[1])?);
        Ok(ints(height(columns), |row| {
            let (text, part) = (text.at(row)?, part.at(row)?);
            Some(text.find(part).map_or(0, |byte| text[..byte].chars().count() as i64 + 1))
        }))
    })
}

/// One of the parts of a text between separators, from 1, or from the end, from -1.
fn split<'t>(text: &'t str, separator: &str, number: i64) -> &'t str {
    let at = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    if separator.is_empty() {
        let characters = text.chars().count() as i64;
        let place = if number < 0 { characters.saturating_add(number) } else { number.saturating_sub(1) };
        return if number == 0 { "" } else { between(text, place, place.saturating_add(1)) };
    }
    let found = match number {
        0 => None,
        1.. => text.split(separator).nth(at(number.unsigned_abs())),
        _ => text.split(separator).collect::<Vec<_>>().into_iter().rev().nth(at(number.unsigned_abs())),
    };
    found.unwrap_or_default()
}

/// `SPLIT_PART`
pub fn split_part(text: Expr, separator: Expr, number: Expr) -> Expr {
    computed(vec![text, separator, number], DataType::String, |columns| {
        let (text, separator) = (Texts::of(&columns[0])?, Texts::of(&columns[1])?);
        let number = Ints::of(&columns[2])?;
        Ok(texts(height(columns), |row| Some(split(text.at(row)?, separator.at(row)?, number.at(row)?))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // What is expected here is what DuckDB answers.

    #[test]
    fn letters_change_case_one_for_one() {
        assert_eq!(uppered("straße ﬁ ᾳ ŉ ΐ é ǆ"), "STRAẞE ﬁ ᾼ ŉ ΐ É Ǆ");
        assert_eq!(lowered("İ ΑΣ K É"), "i ασ k é");
    }

    #[test]
    fn parts_of_text_may_begin_before_it_and_end_after_it() {
        let part = |start, length| part("hello", start, Some(length));
        let known = [
            (0, 2, "h"),
            (-3, 2, "ll"),
            (-10, 3, ""),
            (-10, 7, "he"),
            (2, 0, ""),
            (2, -1, "h"),
            (3, -2, "he"),
            (3, -5, "he"),
            (-2, -1, "l"),
            (0, 0, ""),
            (0, -1, ""),
            (1, -1, ""),
            (-5, 1, "h"),
            (-6, 2, "h"),
            (7, -3, "lo"),
            (9, -3, ""),
            (-1, -2, "ll"),
            (i64::MIN, i64::MAX, "hell"),
            (i64::MAX, i64::MAX, ""),
        ];
        for (start, length, expected) in known {
            assert_eq!(part(start, length), expected, "{start}, {length}");
        }
        let open = |text, start| super::part(text, start, None);
        assert_eq!(
            [open("hello", 0), open("hello", -3), open("hello", 10), open("héllo", 3)],
            ["hello", "llo", "", "llo"]
        );
    }

    #[test]
    fn texts_are_split_from_either_end() {
        let split = |number| split("a/b/c", "/", number);
        assert_eq!([2, -1, 0, 9, -3, -4].map(split), ["b", "c", "", "", "a", ""]);
        assert_eq!([1, 2, -1, 0].map(|number| super::split("abc", "", number)), ["a", "b", "c", ""]);
    }

    #[test]
    fn spaces_of_all_kinds_are_trimmed_and_tabs_are_not() {
        assert_eq!(trimmed(Sides::Both, "\u{a0}a\u{3000} ", is_space), "a");
        assert_eq!(trimmed(Sides::Start, "\ta ", is_space), "\ta ");
        assert_eq!(trimmed(Sides::End, " a ", is_space), " a");
    }
}
