//! `LIKE` without regular expressions, where its pattern is some text with nothing but `%` before or after it: a
//! regular expression takes ten times as long.

use polars::lazy::dsl::{FunctionExpr, StringFunction};
use polars::prelude::*;

/// The same expression, in which simple patterns are tests of text.
pub fn without_patterns(expr: Expr) -> Expr {
    expr.map_expr(|expr| match &expr {
        Expr::Function {
            input,
            function: FunctionExpr::StringExpr(StringFunction::Contains { literal: false, strict: true }),
        } => match input.as_slice() {
            [text, Expr::Literal(pattern)] => {
                pattern.extract_str().and_then(Simple::of).map(|simple| simple.test(text.clone())).unwrap_or(expr)
            }
            _ => expr,
        },
        _ => expr,
    })
}

/// A simple pattern.
#[derive(Debug, PartialEq, Eq)]
enum Simple {
    /// `abc%`
    Begins(String),
    /// `%abc`
    Ends(String),
    /// `%abc%`
    Holds(String),
}

impl Simple {
    /// From the regular expression that a pattern is written as.
    fn of(pattern: &str) -> Option<Simple> {
        const ANYTHING: &str = ".*";
        let inner = pattern.strip_prefix("^(?s)")?.strip_suffix('$')?;
        let (open_start, inner) = inner.strip_prefix(ANYTHING).map_or((false, inner), |rest| (true, rest));
        // A dot that is meant as one has a backslash before it.
        let end = inner.strip_suffix(ANYTHING).filter(|rest| !rest.ends_with('\\'));
        let (open_end, inner) = end.map_or((false, inner), |rest| (true, rest));
        let text = literal(inner).filter(|text| !text.is_empty())?;
        match (open_start, open_end) {
            (false, true) => Some(Simple::Begins(text)),
            (true, false) => Some(Simple::Ends(text)),
            (true, true) => Some(Simple::Holds(text)),
            (false, false) => None,
        }
    }

    fn test(self, text: Expr) -> Expr {
        match self {
            Simple::Begins(with) => text.str().starts_with(lit(with)),
            Simple::Ends(with) => text.str().ends_with(lit(with)),
            Simple::Holds(part) => text.str().contains_literal(lit(part)),
        }
    }
}

/// The text that a regular expression is of, if of nothing else.
fn literal(pattern: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            // Before a letter or digit it would be a class.
            '\\' => text.push(letters.next().filter(char::is_ascii_punctuation)?),
            '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            _ => text.push(letter),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(condition: &str, texts: &[Option<String>]) -> (Vec<Option<bool>>, Vec<Option<bool>>) {
        let expr = polars::sql::sql_expr(condition).expect("a condition");
        let column = Column::new("t".into(), texts);
        let rows = DataFrame::new(texts.len(), vec![column]).expect("a frame").lazy();
        let of = |expr: Expr| {
            let holds = rows.clone().select([expr.alias("h")]).collect().expect("computed");
            holds.column("h").expect("h").bool().expect("truths").iter().collect()
        };
        (of(expr.clone()), of(without_patterns(expr)))
    }

    #[test]
    fn text_with_anything_before_or_after_it_is_simple() {
        assert_eq!(Simple::of("^(?s)/pri\\.ce.*$"), Some(Simple::Begins("/pri.ce".to_string())));
        assert_eq!(Simple::of("^(?s).*\\.png$"), Some(Simple::Ends(".png".to_string())));
        assert_eq!(Simple::of("^(?s).*a\\*.*$"), Some(Simple::Holds("a*".to_string())));
        for other in ["^(?s).*$", "^(?s)a.b.*$", "^(?s)a.*b$", "^(?is)a.*$", "a.*", "^(?s)a\\.*$", "^(?s)\\d.*$"] {
            assert_eq!(Simple::of(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn simple_patterns_find_what_regular_expressions_do(
            pattern in "[ab.*%_\\\\\n$^]{0,5}",
            texts in prop::collection::vec(prop::option::of("[ab.*%\\\\\n$^]{0,5}"), 1..8),
        ) {
            for not in ["", "NOT "] {
                let (expected, simple) = found(&format!("t {not}LIKE '{pattern}'"), &texts);
                prop_assert_eq!(simple, expected);
            }
        }
    }
}
