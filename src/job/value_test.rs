//! Tests of the first or last value of a property in a session: `first = { property, op, value }`.

use super::chart::choice;
use super::chart_keys::ValueKeys;
use super::error::JobError;
use super::holds::Holds;
use super::segment::{add_name, event_filter, needs, not_empty};

/// A test of a session's value.
#[derive(Clone, Debug, PartialEq)]
pub struct ValueTest {
    /// The value.
    pub value: Holds,
    /// How it is compared.
    pub op: Op,
    /// What with: one value, several for [`Op::In`], none for [`Op::IsSet`] and [`Op::IsNotSet`].
    pub with: Vec<Literal>,
}

/// How a value is compared. Null passes only [`Op::IsNot`] and [`Op::IsNotSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Equal.
    Is,
    /// Not equal, or null.
    IsNot,
    /// Text with this in it.
    Contains,
    /// Text that begins with this.
    StartsWith,
    /// Above.
    Greater,
    /// Above or equal.
    GreaterOrEqual,
    /// Below.
    Less,
    /// Below or equal.
    LessOrEqual,
    /// Equal to one of these.
    In,
    /// Not null.
    IsSet,
    /// Null.
    IsNotSet,
}

const OPS: [(&str, Op); 11] = [
    ("is", Op::Is),
    ("is_not", Op::IsNot),
    ("contains", Op::Contains),
    ("starts_with", Op::StartsWith),
    (">", Op::Greater),
    (">=", Op::GreaterOrEqual),
    ("<", Op::Less),
    ("<=", Op::LessOrEqual),
    ("in", Op::In),
    ("is_set", Op::IsSet),
    ("is_not_set", Op::IsNotSet),
];

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
        ValueTest::new(keys, Holds::First, named)
    }

    /// A test of a last value.
    ///
    /// # Errors
    /// As [`ValueTest::first`].
    pub fn last(keys: ValueKeys, named: &mut Vec<(Holds, String)>) -> Result<ValueTest, JobError> {
        ValueTest::new(keys, Holds::Last, named)
    }

    fn new(
        keys: ValueKeys,
        make: impl Fn(String, super::holds::EventFilter) -> Holds,
        named: &mut Vec<(Holds, String)>,
    ) -> Result<ValueTest, JobError> {
        let property = keys.property.ok_or_else(|| needs("chart.first.property", "name the property"))?;
        let filter = event_filter(("chart.first.event", keys.event), ("chart.first.where", keys.r#where))?;
        let value = make(not_empty("chart.first.property", property)?, filter);
        add_name(named, &value, "chart.first.column", keys.column)?;
        let op = keys.op.ok_or_else(|| needs("chart.first.op", "say how it is compared, for instance \"is\""))?;
        let op = choice("chart.first.op", &op, &OPS)?;
        let with = literals(op, keys.value)?;
        Ok(ValueTest { value, op, with })
    }
}

fn literals(op: Op, value: Option<toml::Value>) -> Result<Vec<Literal>, JobError> {
    let key = "chart.first.value";
    let wrong = |value: &toml::Value, hint: &str| JobError::Choice {
        key,
        value: value.to_string().trim_matches('"').to_string(),
        hint: hint.to_string(),
    };
    match (op, value) {
        (Op::IsSet | Op::IsNotSet, None) => Ok(Vec::new()),
        (Op::IsSet | Op::IsNotSet, Some(_)) => {
            Err(JobError::NoEffect { key, why: "beside `is_set` and `is_not_set`", way_out: "" })
        }
        (_, None) => Err(needs(key, "say what the property is compared with")),
        (Op::In, Some(toml::Value::Array(values))) if !values.is_empty() => values
            .iter()
            .map(|value| literal(value).ok_or_else(|| wrong(value, "it is text, a number or true")))
            .collect(),
        (Op::In, Some(value)) => Err(wrong(&value, "`in` takes a list, like [\"a\", \"b\"]")),
        (Op::Contains | Op::StartsWith, Some(value)) if !value.is_str() => {
            Err(wrong(&value, "`contains` and `starts_with` take a text"))
        }
        (_, Some(value)) => match literal(&value) {
            Some(literal) => Ok(vec![literal]),
            None => Err(wrong(&value, "it is text, a number or true; for a list there is op = \"in\"")),
        },
    }
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
