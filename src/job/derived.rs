//! The keys of `[input.derive]` (SPEC 1): columns of one's own, each an expression over the columns of one row.

use std::collections::{BTreeMap, BTreeSet};

use super::error::JobError;

/// The key of a definition that has the expressions of the derived columns it uses.
pub const DERIVE: &str = "input.derive";

/// A column of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// Its name.
    pub name: String,
    /// The expression that its values are.
    pub expression: String,
}

/// The expressions of derived columns, by their names.
pub type Expressions = BTreeMap<String, String>;

impl Derived {
    /// The derived columns of a job, in the order of their names.
    ///
    /// # Errors
    /// A name or an expression that is empty.
    pub fn all_of(keys: Expressions) -> Result<Vec<Derived>, JobError> {
        let one = |(name, expression): (String, String)| match (name.trim() == name, expression.trim()) {
            _ if name.is_empty() => Err(JobError::Empty { key: DERIVE }),
            (false, _) => {
                let hint = "a name has no space in front of it or behind it".to_string();
                Err(JobError::Choice { key: DERIVE, value: name, hint })
            }
            (true, "") => {
                let hint = "its expression is empty: write one over the columns of the input, or remove it".to_string();
                Err(JobError::Choice { key: DERIVE, value: name, hint })
            }
            (true, expression) => Ok(Derived { expression: expression.to_string(), name }),
        };
        keys.into_iter().map(one).collect()
    }

    /// Whether a column's name means this one, or something inside of it.
    pub fn is_meant_by(&self, column: &str) -> bool {
        let rest = column.strip_prefix(&self.name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Whether a condition or an expression names it, or something inside of it.
    fn is_in(&self, sql: &str) -> bool {
        names_in(sql).iter().any(|name| self.is_meant_by(name))
    }
}

/// All that may be names of columns in a condition or an expression: words, and what is in double quotes, with what follows
/// a dot behind them. Texts in single quotes are none.
fn names_in(sql: &str) -> Vec<String> {
    let is_of_word = |sign: char| sign.is_alphanumeric() || sign == '_' || sign == '$';
    let mut names: Vec<String> = Vec::new();
    let (mut rest, mut follows_dot) = (sql, false);
    while let Some(first) = rest.chars().next() {
        let (name, length) = if first == '"' {
            quoted(rest, first)
        } else if first == '\'' {
            (rest, follows_dot) = (&rest[quoted(rest, first).1..], false);
            continue;
        } else {
            let word: String = rest.chars().take_while(|sign| is_of_word(*sign)).collect();
            let length = word.len();
            (word, length)
        };
        if length == 0 {
            follows_dot = first == '.' || follows_dot && first.is_whitespace();
            rest = &rest[first.len_utf8()..];
            continue;
        }
        match names.last_mut().filter(|_| follows_dot) {
            Some(before) => {
                before.push('.');
                before.push_str(&name);
            }
            None => names.push(name),
        }
        (rest, follows_dot) = (&rest[length..], false);
    }
    names
}

/// What is in the quotes that a text begins with, where quotes in it are doubled, and as how many bytes it is written.
fn quoted(text: &str, quote: char) -> (String, usize) {
    let mut name = String::new();
    let mut signs = text.char_indices().skip(1).peekable();
    while let Some((at, sign)) = signs.next() {
        if sign == quote && signs.next_if(|(_, next)| *next == quote).is_none() {
            return (name, at + 1);
        }
        name.push(sign);
    }
    (name, text.len())
}

/// The expressions of the derived columns that columns or conditions name, and of those that these are made of.
pub fn named_by<'a>(
    derived: &[Derived],
    columns: impl IntoIterator<Item = &'a str>,
    conditions: impl IntoIterator<Item = &'a str>,
) -> Expressions {
    let (columns, conditions): (Vec<&str>, Vec<&str>) =
        (columns.into_iter().collect(), conditions.into_iter().collect());
    let is_named = |derived: &&Derived| {
        columns.iter().any(|column| derived.is_meant_by(column)) || conditions.iter().any(|sql| derived.is_in(sql))
    };
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut rest: Vec<&Derived> = derived.iter().filter(is_named).collect();
    let mut expressions = Expressions::new();
    while let Some(next) = rest.pop() {
        if found.insert(&next.name) {
            expressions.insert(next.name.clone(), next.expression.clone());
            rest.extend(derived.iter().filter(|other| other.is_in(&next.expression)));
        }
    }
    expressions
}

/// Expressions as one line of JSON.
pub fn expressions_text(expressions: &Expressions) -> String {
    serde_json::to_string(expressions).unwrap_or_default()
}

/// What to write behind the words for something that is made of derived columns; nothing where it is made of none.
pub fn with_expressions(expressions: &Expressions) -> String {
    match expressions.is_empty() {
        true => String::new(),
        false => format!(" with {}", expressions_text(expressions)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn derived(all: &[(&str, &str)]) -> Vec<Derived> {
        let keys = all.iter().map(|(name, expression)| (name.to_string(), expression.to_string())).collect();
        Derived::all_of(keys).expect("names and expressions")
    }

    fn names(derived: &[Derived], columns: &[&str], conditions: &[&str]) -> Vec<String> {
        named_by(derived, columns.iter().copied(), conditions.iter().copied()).into_keys().collect()
    }

    #[test]
    fn what_is_named_is_found_with_what_it_is_made_of() {
        let all = derived(&[
            ("channel", "CASE WHEN source = 'google' THEN 'search' ELSE 'other' END"),
            ("source", "LOWER(utm_source)"),
            ("alone", "1"),
            ("my \"own\"", "2"),
        ]);
        assert_eq!(names(&all, &["channel"], &[]), ["channel", "source"]);
        assert_eq!(names(&all, &["source.inside"], &[]), ["source"]);
        assert_eq!(names(&all, &["sources", "utm_source"], &[]), [""; 0]);
        assert_eq!(names(&all, &[], &["channels = 1 OR utm_source = 'x' OR source > '5'"]), ["source"]);
        assert_eq!(names(&all, &[], &["\"my \"\"own\"\"\" = 2"]), ["my \"own\""]);
        assert_eq!(names(&all, &[], &[]), [""; 0]);
        let all = derived(&[("a.b", "1"), ("a", "2"), ("c", "\"a\" . b")]);
        for spelled in ["a.b = 1", "\"a.b\" = 1", "\"a\".\"b\" = 1", "a . b IS NULL", "f(a.\"b\")"] {
            assert_eq!(names(&all, &[], &[spelled]), ["a", "a.b"], "{spelled}");
        }
        assert_eq!(names(&all, &["c"], &[]), ["a", "a.b", "c"]);
        assert_eq!(names(&all, &[], &["x = 'it''s \"' AND a = 1"]), ["a"]);
        assert_eq!(names(&all, &[], &["x.a = 1 AND b = 'a' OR y = '\"a\"'"]), [""; 0]);
        assert_eq!(names(&all, &[], &["b = 1 OR ab = 2 OR \"a\"\"\" = 3"]), [""; 0]);
    }

    #[test]
    fn empty_names_and_expressions_are_refused() {
        let refused = |name: &str, expression: &str| {
            Derived::all_of([(name.to_string(), expression.to_string())].into()).map_err(|error| error.to_string())
        };
        assert!(refused("", "1").expect_err("empty").contains("`input.derive`"));
        assert!(refused("x", " ").expect_err("empty").contains("\"x\""));
        assert!(refused(" x", "1").expect_err("a space").contains("space"));
        assert_eq!(refused("x", " 1 ").expect("fine")[0].expression, "1");
    }
}
