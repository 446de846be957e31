//! Tests of the first or last value of a property in a session: `first = { property, op, value }`.

use super::chart_keys::ValueKeys;
use super::error::JobError;
use super::holds::Holds;
use super::segment::{add_name, event_filter, needs, not_empty};
use super::values::choice;

/// A test of a session's value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTest {
    /// The value.
    pub value: Holds,
    /// What is asked of it. Null has nothing of it.
    pub asks: Asks,
    /// Whether the value passes that is not so: null does.
    pub negated: bool,
}

/// What a test asks of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Asks {
    /// Not to be null.
    Set,
    /// A comparison, with any of these.
    Compared(Comparison, Vec<Literal>),
    /// Something of its text, whatever its case.
    Text(TextTest),
}

/// How a value is to what it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Above.
    Greater,
    /// Above or equal.
    GreaterOrEqual,
    /// Below.
    Less,
    /// Below or equal.
    LessOrEqual,
}

/// What is asked of a text; texts here are in lower case, and so is what they are compared with.
#[derive(Clone, Debug, PartialEq)]
pub enum TextTest {
    /// To have this in it.
    Contains(String),
    /// To begin with this.
    StartsWith(String),
    /// To end with this.
    EndsWith(String),
    /// To be, as a whole, as this pattern says.
    Glob(glob::Pattern),
}

impl ValueTest {
    /// The text that is asked for; `None` where a number is, or nothing, or any other.
    pub fn asked_text(&self) -> Option<&str> {
        match &self.asks {
            _ if self.negated => None,
            Asks::Compared(Comparison::Equal, with) => match with.first() {
                Some(Literal::Text(text)) => Some(text),
                _ => None,
            },
            Asks::Text(TextTest::Contains(part) | TextTest::StartsWith(part) | TextTest::EndsWith(part)) => Some(part),
            _ => None,
        }
    }
}

impl std::fmt::Display for ValueTest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (op, with) = match &self.asks {
            Asks::Set => (Op::Set, Vec::new()),
            Asks::Compared(Comparison::Equal, with) if with.len() > 1 => {
                (Op::In, with.iter().map(Literal::to_string).collect())
            }
            Asks::Compared(Comparison::Equal, with) => (Op::Is, with.iter().map(Literal::to_string).collect()),
            Asks::Compared(comparison, with) => (Op::Order(*comparison), with.iter().map(Literal::to_string).collect()),
            Asks::Text(TextTest::Contains(part)) => (Op::Contains, vec![part.clone()]),
            Asks::Text(TextTest::StartsWith(part)) => (Op::StartsWith, vec![part.clone()]),
            Asks::Text(TextTest::EndsWith(part)) => (Op::EndsWith, vec![part.clone()]),
            Asks::Text(TextTest::Glob(pattern)) => (Op::Glob, vec![pattern.as_str().to_string()]),
        };
        let word = OPS.iter().find(|(_, known)| *known == (op, self.negated)).map_or("", |(word, _)| word);
        write!(f, "{}: {word}", self.value)?;
        for (place, with) in with.iter().enumerate() {
            write!(f, "{} \"{with}\"", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl TextTest {
    /// Whether a text is so, in whatever case.
    pub fn holds(&self, text: &str) -> bool {
        let text = lower(text);
        match self {
            TextTest::Contains(part) => text.contains(part.as_str()),
            TextTest::StartsWith(part) => text.starts_with(part.as_str()),
            TextTest::EndsWith(part) => text.ends_with(part.as_str()),
            TextTest::Glob(pattern) => pattern.matches(&text),
        }
    }
}

/// A text in lower case, letter by letter: what is a part of a text stays one.
fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// How a value is compared, as a job says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Is,
    In,
    Set,
    Order(Comparison),
    Contains,
    StartsWith,
    EndsWith,
    Glob,
}

/// The words of a job, each with whether it is a negation.
const OPS: [(&str, (Op, bool)); 18] = [
    ("is", (Op::Is, false)),
    ("is_not", (Op::Is, true)),
    ("contains", (Op::Contains, false)),
    ("not_contains", (Op::Contains, true)),
    ("starts_with", (Op::StartsWith, false)),
    ("not_starts_with", (Op::StartsWith, true)),
    ("ends_with", (Op::EndsWith, false)),
    ("not_ends_with", (Op::EndsWith, true)),
    ("glob", (Op::Glob, false)),
    ("not_glob", (Op::Glob, true)),
    (">", (Op::Order(Comparison::Greater), false)),
    (">=", (Op::Order(Comparison::GreaterOrEqual), false)),
    ("<", (Op::Order(Comparison::Less), false)),
    ("<=", (Op::Order(Comparison::LessOrEqual), false)),
    ("in", (Op::In, false)),
    ("not_in", (Op::In, true)),
    ("is_set", (Op::Set, false)),
    ("is_not_set", (Op::Set, true)),
];

/// What SQL would write for some of them.
const OF_SQL: [(&str, &str); 4] = [("=", "is"), ("==", "is"), ("!=", "is_not"), ("<>", "is_not")];

/// A value in a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// Text, also a date or time.
    Text(String),
    /// An integer.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
    /// A truth value.
    Boolean(bool),
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Literal::Text(text) => write!(f, "{text}"),
            Literal::Int(number) => write!(f, "{number}"),
            Literal::Float(number) => write!(f, "{number}"),
            Literal::Boolean(truth) => write!(f, "{truth}"),
        }
    }
}

impl ValueTest {
    /// A test of a first value.
    ///
    /// # Errors
    /// A key that is missing, or a value that its `op` cannot take.
    pub fn first(keys: ValueKeys, named: &mut Vec<(Holds, String)>) -> Result<ValueTest, JobError> {
        ValueTest::new(keys, &FIRST, Holds::First, named)
    }

    /// A test of a last value.
    ///
    /// # Errors
    /// As [`ValueTest::first`].
    pub fn last(keys: ValueKeys, named: &mut Vec<(Holds, String)>) -> Result<ValueTest, JobError> {
        ValueTest::new(keys, &LAST, Holds::Last, named)
    }

    fn new(
        keys: ValueKeys,
        spelled: &Spelled,
        make: impl Fn(String, super::holds::EventFilter) -> Holds,
        named: &mut Vec<(Holds, String)>,
    ) -> Result<ValueTest, JobError> {
        let property = keys.property.ok_or_else(|| needs(spelled.property, "name the property"))?;
        let filter = event_filter((spelled.event, keys.event), (spelled.condition, keys.r#where))?;
        let value = make(not_empty(spelled.property, property)?, filter);
        add_name(named, &value, spelled.column, keys.column)?;
        let op = keys.op.ok_or_else(|| needs(spelled.op, "say how it is compared, for instance \"is\""))?;
        if let Some((_, word)) = OF_SQL.iter().find(|(sign, _)| *sign == op) {
            let hint = format!("did you mean \"{word}\"?");
            return Err(JobError::Choice { key: spelled.op, value: op, hint });
        }
        let (op, negated) = choice(spelled.op, &op, &OPS)?;
        Ok(ValueTest { value, asks: asks(spelled.value, op, keys.value)?, negated })
    }
}

/// The keys of a test, as messages name them.
struct Spelled {
    property: &'static str,
    event: &'static str,
    condition: &'static str,
    column: &'static str,
    op: &'static str,
    value: &'static str,
}

const FIRST: Spelled = Spelled {
    property: "chart.first.property",
    event: "chart.first.event",
    condition: "chart.first.where",
    column: "chart.first.column",
    op: "chart.first.op",
    value: "chart.first.value",
};

const LAST: Spelled = Spelled {
    property: "chart.last.property",
    event: "chart.last.event",
    condition: "chart.last.where",
    column: "chart.last.column",
    op: "chart.last.op",
    value: "chart.last.value",
};

fn asks(key: &'static str, op: Op, value: Option<toml::Value>) -> Result<Asks, JobError> {
    let Some(value) = value else {
        return match op {
            Op::Set => Ok(Asks::Set),
            _ => Err(needs(key, "say what the property is compared with")),
        };
    };
    match op {
        Op::Set => Err(JobError::NoEffect { key, why: "beside `is_set` and `is_not_set`", way_out: "" }),
        Op::In => Ok(Asks::Compared(Comparison::Equal, list(key, &value)?)),
        Op::Is => Ok(Asks::Compared(Comparison::Equal, vec![one(key, &value)?])),
        Op::Order(comparison) => Ok(Asks::Compared(comparison, vec![one(key, &value)?])),
        Op::Contains => Ok(Asks::Text(TextTest::Contains(lower_text(key, &value)?))),
        Op::StartsWith => Ok(Asks::Text(TextTest::StartsWith(lower_text(key, &value)?))),
        Op::EndsWith => Ok(Asks::Text(TextTest::EndsWith(lower_text(key, &value)?))),
        Op::Glob => Ok(Asks::Text(TextTest::Glob(pattern(key, &lower_text(key, &value)?)?))),
    }
}

/// A value that cannot be compared with, and what can.
fn wrong(key: &'static str, value: &toml::Value, hint: &str) -> JobError {
    JobError::Choice { key, value: value.to_string().trim_matches('"').to_string(), hint: hint.to_string() }
}

fn one(key: &'static str, value: &toml::Value) -> Result<Literal, JobError> {
    literal(value).ok_or_else(|| wrong(key, value, "it is text, a number or true; for a list there is op = \"in\""))
}

fn list(key: &'static str, value: &toml::Value) -> Result<Vec<Literal>, JobError> {
    let none = || wrong(key, value, "`in` and `not_in` take a list, like [\"a\", \"b\"]");
    let values = value.as_array().filter(|values| !values.is_empty()).ok_or_else(none)?;
    values.iter().map(|value| literal(value).ok_or_else(|| wrong(key, value, "it is text, a number or true"))).collect()
}

fn lower_text(key: &'static str, value: &toml::Value) -> Result<String, JobError> {
    let text = value.as_str().ok_or_else(|| wrong(key, value, "it takes a text, in quotes"))?;
    Ok(lower(text))
}

/// A pattern with `*`, `?` and `[…]`.
fn pattern(key: &'static str, text: &str) -> Result<glob::Pattern, JobError> {
    // Two stars stand for nothing that one does not: for paths they would.
    let mut single = String::with_capacity(text.len());
    let mut in_brackets = false;
    for sign in text.chars() {
        in_brackets = if in_brackets { sign != ']' || single.ends_with(['[', '!']) } else { sign == '[' };
        if sign != '*' || in_brackets || !single.ends_with('*') {
            single.push(sign);
        }
    }
    glob::Pattern::new(&single).map_err(|error| JobError::Choice {
        key,
        value: text.to_string(),
        hint: format!(
            "at character {} it is no pattern ({}); * is any text, ? any letter, [a-z] or [!a-z] one letter of these or \
             not, and [*], [?] and [[] are the signs themselves",
            error.pos + 1,
            error.msg
        ),
    })
}

fn literal(value: &toml::Value) -> Option<Literal> {
    Some(match value {
        toml::Value::String(text) => Literal::Text(text.clone()),
        toml::Value::Integer(number) => Literal::Int(*number),
        toml::Value::Float(number) => Literal::Float(*number),
        toml::Value::Boolean(truth) => Literal::Boolean(*truth),
        toml::Value::Datetime(time) => Literal::Text(time.to_string()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glob(text: &str) -> TextTest {
        TextTest::Glob(pattern("chart.first.value", &lower(text)).expect(text))
    }

    #[test]
    fn patterns_are_of_the_whole_text_and_know_no_paths_and_no_case() {
        for (text, holds, others) in [
            ("/Blog/*", &["/blog/", "/BLOG/a/b"][..], &["/blog", "x/blog/"][..]),
            ("**a**", &["a", "bab", "/x/a/y"], &["b"]),
            ("?[0-9]", &["a1", "é9"], &["1", "ab", "aa1"]),
            ("[!a-c]x", &["dx", "DX"], &["ax", "Bx"]),
            ("[*][**]", &["**"], &["a*", "*"]),
            ("", &[""], &["a"]),
            ("STRASSE*", &["strasse 1"], &["straße"]),
            ("Σ*", &["σας", "Σ"], &["ας"]),
        ] {
            holds.iter().for_each(|other| assert!(glob(text).holds(other), "{text} {other}"));
            others.iter().for_each(|other| assert!(!glob(text).holds(other), "{text} {other}"));
        }
        let error = pattern("chart.first.value", "ab[c").expect_err("open").to_string();
        assert!(error.contains("at character 3"), "{error}");
    }

    #[test]
    fn a_part_of_a_text_is_found_in_whatever_case() {
        assert!(TextTest::Contains(lower("ΑΣ")).holds("αςΑΣα") && TextTest::EndsWith(lower("ΑΣ")).holds("ΑΣ"));
        assert!(TextTest::Contains(lower("İ")).holds("xİx") && !TextTest::StartsWith(lower("İ")).holds("ix"));
    }
}
