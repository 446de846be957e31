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
        let op = choice(spelled.op, &op, &OPS)?;
        let with = literals(spelled.value, op, keys.value)?;
        Ok(ValueTest { value, op, with })
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

fn literals(key: &'static str, op: Op, value: Option<toml::Value>) -> Result<Vec<Literal>, JobError> {
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
