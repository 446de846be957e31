//! Patterns of `LIKE`: `%` stands for any text and `_` for one character.

use polars::prelude::*;

use super::column_test::{Asked, Order, Part};
use super::constant::Constant;
use super::rows::{computed, height, truths, Texts};
use super::texts::lowered;

/// A pattern: what stands between its `%`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    parts: Vec<Vec<Sign>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    /// This character.
    Is(char),
    /// Any character.
    Any,
}

impl Pattern {
    /// Reads a pattern, in which the sign after the one that escapes is meant as itself.
    ///
    /// # Errors
    /// A pattern that ends where a sign is escaped.
    pub fn new(text: &str, escape: Option<char>) -> Result<Pattern, &'static str> {
        let mut parts = vec![Vec::new()];
        let mut signs = text.chars();
        while let Some(sign) = signs.next() {
            let next = match sign {
                sign if Some(sign) == escape => {
                    Sign::Is(signs.next().ok_or("the pattern ends with the sign that escapes the next one")?)
                }
                '%' => {
                    parts.push(Vec::new());
                    continue;
                }
                '_' => Sign::Any,
                sign => Sign::Is(sign),
            };
            if let Some(part) = parts.last_mut() {
                part.push(next);
            }
        }
        Ok(Pattern { parts })
    }

    /// The same one in lower case.
    pub fn lowered(self) -> Pattern {
        let sign = |sign: Sign| match sign {
            Sign::Is(sign) => Sign::Is(lowered(&sign.to_string()).chars().next().unwrap_or(sign)),
            Sign::Any => Sign::Any,
        };
        let parts = self.parts.into_iter().map(|part| part.into_iter().map(sign).collect()).collect();
        Pattern { parts }
    }

    /// Whether a text, from its first character to its last, is what the pattern stands for.
    pub fn matches(&self, text: &str) -> bool {
        let [first, middle @ .., last] = self.parts.as_slice() else {
            return self.parts.first().is_some_and(|only| rest_after(only, text) == Some(""));
        };
        let Some(mut rest) = rest_after(first, text) else { return false };
        for part in middle {
            match rest_after_first(part, rest) {
                Some(after) => rest = after,
                None => return false,
            }
        }
        // The last part is at the end, wherever that is.
        let length = last.len();
        let Some(start) = length
            .checked_sub(1)
            .map_or(Some(rest.len()), |before| rest.char_indices().rev().nth(before).map(|(byte, _)| byte))
        else {
            return false;
        };
        rest_after(last, &rest[start..]) == Some("")
    }

    /// What is asked of a text, where all that the pattern has is some text with nothing but `%` before or after it.
    pub fn simple(&self) -> Option<Asked> {
        let literal = |part: &[Sign]| -> Option<String> {
            let sign = |sign: &Sign| match sign {
                Sign::Is(sign) => Some(*sign),
                Sign::Any => None,
            };
            part.iter().map(sign).collect()
        };
        Some(match self.parts.as_slice() {
            [only] => Asked::Is(Order::Equal, Constant::Text(literal(only)?)),
            [begin, end] if end.is_empty() && !begin.is_empty() => Asked::Has(Part::Start(literal(begin)?)),
            [begin, end] if begin.is_empty() => Asked::Has(Part::End(literal(end)?)),
            [begin, middle, end] if begin.is_empty() && end.is_empty() => Asked::Has(Part::Anywhere(literal(middle)?)),
            _ => return None,
        })
    }

    /// The pattern as a test of text.
    pub fn test(self, text: Expr) -> Expr {
        match self.simple() {
            Some(Asked::Is(_, constant)) => return text.eq(constant.literal().0),
            Some(Asked::Has(part)) => return part.expr(text),
            _ => {}
        }
        computed(vec![text], DataType::Boolean, move |columns| {
            let text = Texts::of(&columns[0])?;
            Ok(truths(height(columns), |row| text.at(row).map(|text| self.matches(text))))
        })
    }
}

/// Patterns that are in a column.
pub fn test_by_row(text: Expr, pattern: Expr, escape: Option<char>, lower: bool) -> Expr {
    computed(vec![text, pattern], DataType::Boolean, move |columns| {
        let (text, pattern) = (Texts::of(&columns[0])?, Texts::of(&columns[1])?);
        let mut failed = None;
        let tested = truths(height(columns), |row| {
            let (text, pattern) = (text.at(row)?, pattern.at(row)?);
            match Pattern::new(pattern, escape) {
                Ok(pattern) if lower => Some(pattern.lowered().matches(&lowered(text))),
                Ok(pattern) => Some(pattern.matches(text)),
                Err(reason) => {
                    failed = Some(reason);
                    None
                }
            }
        });
        match failed {
            Some(reason) => Err(polars_err!(ComputeError: "{reason}")),
            None => Ok(tested),
        }
    })
}

/// What follows in a text that begins so.
fn rest_after<'t>(part: &[Sign], text: &'t str) -> Option<&'t str> {
    let mut signs = text.chars();
    for sign in part {
        match (sign, signs.next()?) {
            (Sign::Is(sign), next) if *sign != next => return None,
            _ => {}
        }
    }
    Some(signs.as_str())
}

/// What follows where a text first has such a part.
fn rest_after_first<'t>(part: &[Sign], text: &'t str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        match rest_after(part, rest) {
            Some(after) => return Some(after),
            None => {
                let mut signs = rest.chars();
                signs.next()?;
                rest = signs.as_str();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn like(text: &str, pattern: &str) -> bool {
        Pattern::new(pattern, None).expect("a pattern").matches(text)
    }

    /// By trying all that `%` may stand for.
    fn plainly(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|start| plainly(&text[start..], rest)),
            [sign, rest @ ..] => {
                text.first().is_some_and(|first| *sign == '_' || sign == first) && plainly(&text[1..], rest)
            }
        }
    }

    #[test]
    fn signs_that_are_escaped_are_meant_as_themselves() {
        let like = |text: &str, pattern: &str| Pattern::new(pattern, Some('!')).map(|pattern| pattern.matches(text));
        assert_eq!((like("a%c", "a!%c"), like("abc", "a!%c"), like("abc", "a!bc")), (Ok(true), Ok(false), Ok(true)));
        assert_eq!((like("a!", "a!!"), like("a_c", "a!_c"), like("abc", "a!_c")), (Ok(true), Ok(true), Ok(false)));
        assert!(like("abc", "abc!").is_err());
    }

    proptest! {
        #[test]
        fn a_pattern_stands_for_what_trying_all_finds(text in "[abé]{0,6}", pattern in "[abé%_]{0,6}") {
            let (signs, of): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
            prop_assert_eq!(like(&text, &pattern), plainly(&signs, &of));
        }

        #[test]
        fn simple_patterns_find_what_others_do(
            pattern in "[ab.%]{0,5}", texts in prop::collection::vec(prop::option::of("[ab.%\n]{0,5}"), 1..8),
        ) {
            let column = Column::new("t".into(), &texts);
            let rows = DataFrame::new(texts.len(), vec![column]).expect("a frame").lazy();
            let test = Pattern::new(&pattern, None).expect("a pattern").test(col("t"));
            let tested = rows.select([test.alias("h")]).collect().expect("computed");
            let tested: Vec<Option<bool>> = tested.column("h").expect("h").bool().expect("truths").iter().collect();
            let expected: Vec<Option<bool>> = texts.iter().map(|text| Some(like(text.as_ref()?, &pattern))).collect();
            prop_assert_eq!(tested, expected);
        }
    }
}
