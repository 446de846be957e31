//! What a condition asks of one column beside constants: the part of a condition that row groups can be ruled out by, and
//! that is looked up instead of computed.

use std::cmp::Ordering;

use polars::prelude::{lit, Expr, Operator};

use super::constant::Constant;
use super::formula::Formula;

/// A condition of columns beside constants.
pub type Tests = Formula<ColumnTest>;

/// A question to each value of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnTest {
    /// The column, by its name in the condition.
    pub column: String,
    /// What is asked.
    pub asked: Asked,
}

/// What is asked of a value; constants are of the column's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Whether it is null.
    IsNull,
    /// Whether it stands so to a constant.
    Is(Order, Constant),
    /// Whether it is one of some constants.
    IsOneOf(Vec<Constant>),
    /// Whether it is text with this in it.
    Has(Part),
}

/// How a value stands to a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is less.
    Less,
    /// It is less, or equal.
    LessOrEqual,
    /// It is equal.
    Equal,
    /// It is greater, or equal.
    GreaterOrEqual,
    /// It is greater.
    Greater,
}

/// A part of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// At its beginning.
    Start(String),
    /// At its end.
    End(String),
    /// Anywhere.
    Anywhere(String),
}

impl Order {
    /// Whether this is how something stands to a constant that it compares to so.
    pub fn holds(self, compared: Ordering) -> bool {
        match self {
            Order::Less => compared.is_lt(),
            Order::LessOrEqual => compared.is_le(),
            Order::Equal => compared.is_eq(),
            Order::GreaterOrEqual => compared.is_ge(),
            Order::Greater => compared.is_gt(),
        }
    }

    /// What an operator asks, if it is one of these.
    fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Lt => Order::Less,
            Operator::LtEq => Order::LessOrEqual,
            Operator::Eq => Order::Equal,
            Operator::GtEq => Order::GreaterOrEqual,
            Operator::Gt => Order::Greater,
            _ => return None,
        })
    }
}

/// Whether an operator that compares, `<>` among them, holds for two values that compare so.
pub fn holds(operator: Operator, compared: Ordering) -> bool {
    match Order::of(operator) {
        Some(order) => order.holds(compared),
        None => compared.is_ne(),
    }
}

impl Part {
    /// Whether a text has it.
    pub fn is_in(&self, text: &str) -> bool {
        match self {
            Part::Start(start) => text.starts_with(start.as_str()),
            Part::End(end) => text.ends_with(end.as_str()),
            Part::Anywhere(part) => text.contains(part.as_str()),
        }
    }

    /// As a test of text.
    pub fn expr(&self, text: Expr) -> Expr {
        match self {
            Part::Start(start) => text.str().starts_with(lit(start.as_str())),
            Part::End(end) => text.str().ends_with(lit(end.as_str())),
            Part::Anywhere(part) => text.str().contains_literal(lit(part.as_str())),
        }
    }
}

/// A column, of which something is asked.
pub fn test(column: &str, asked: Asked) -> Tests {
    Formula::Test(ColumnTest { column: column.to_string(), asked })
}

/// A column beside a constant; `None` where an operator is no comparison.
pub fn compared(column: &str, operator: Operator, constant: Constant) -> Option<Tests> {
    if operator == Operator::NotEq {
        return Some(not(test(column, Asked::Is(Order::Equal, constant))));
    }
    Some(test(column, Asked::Is(Order::of(operator)?, constant)))
}

/// The opposite.
pub fn not(tests: Tests) -> Tests {
    Formula::Not(Box::new(tests))
}

/// A column of truths as a condition.
pub fn is_true(column: &str) -> Tests {
    test(column, Asked::Is(Order::Equal, Constant::Boolean(true)))
}
