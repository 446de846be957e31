//! Which conditions are computed by ourselves: those of columns beside constants.
//!
//! A condition comes as polars would compute it, with constants of the column's type. What is no column beside
//! constants, or where polars would compare in a type in which values are rounded, is not for us.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use polars::lazy::dsl::{BooleanFunction, FunctionExpr, StringFunction};
use polars::prelude::*;

use super::formula::Formula;
use super::{ColumnUse, Conjunct};
use crate::events::normalise::convert::ordered;
use crate::events::source::columns::Source;
use crate::events::source::footer::Footer;
use crate::events::source::kind::Kind;
use crate::job::dates::day_of_text;

/// A question to each value of a column.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The column of the file.
    pub column: String,
    /// What is asked.
    pub asked: Asked,
}

/// What can be asked of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Whether it is null.
    IsNull,
    /// Whether it stands so to a constant.
    Is(Order, Constant),
    /// Whether it is one of some constants.
    IsOneOf(Vec<Constant>),
    /// Whether it is text with this in it.
    Holds(Part),
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

/// A value as it is compared: numbers, times and truths by numbers of the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constant {
    /// A number.
    Number(i64),
    /// Text, or what lies between texts.
    Text(Vec<u8>),
}

/// A part of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
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

    /// What an operator asks, if it compares so.
    pub fn of(operator: Operator) -> Option<Self> {
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
            Part::End(end) => text.ends_with(end.as_str()),
            Part::Anywhere(part) => text.contains(part.as_str()),
        }
    }
}

impl Asked {
    /// The answer of one value; `None` where it is null.
    fn of(&self, value: Option<&Constant>) -> Option<bool> {
        match self {
            Asked::IsNull => Some(value.is_none()),
            Asked::Is(order, constant) => Some(order.holds(value?.cmp(constant))),
            Asked::IsOneOf(constants) => Some(constants.contains(value?)),
            Asked::Holds(part) => match value? {
                Constant::Text(text) => Some(part.is_in(&String::from_utf8_lossy(text))),
                Constant::Number(_) => None,
            },
        }
    }
}

/// A condition over a file as a formula of ours, from its parts, which all have to hold; `None` where it has to be left
/// to polars.
pub fn formula(parts: &[(Expr, &Conjunct)], footer: &Footer) -> Option<Formula<Question>> {
    let of_part = |(expr, part): &(Expr, &Conjunct)| Compiler { uses: &part.uses, footer }.formula(expr);
    let mut formulas = parts.iter().map(of_part).collect::<Option<Vec<_>>>()?.into_iter();
    let first = formulas.next().unwrap_or(Formula::Always(Some(true)));
    Some(formulas.fold(first, |all, next| Formula::And(Box::new(all), Box::new(next))))
}

/// A column as a condition has it.
struct Column {
    values: Values,
    held: Held,
}

/// Where its values are.
enum Held {
    /// In a column of the file.
    InColumn(String),
    /// One for all rows of the file.
    Same(Option<Constant>),
}

/// What values are, as far as it matters to comparing them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    Text,
    /// Integers that fit a signed one of 64 bits.
    Int,
    UInt64,
    Float,
    Float32,
    Boolean,
    Date,
    Time(TimeUnit),
    /// Of any type: all of them are null.
    Missing,
    /// Nothing that could be compared.
    Other,
}

impl Values {
    fn of(data_type: &ArrowType) -> Self {
        use ArrowType as T;
        match data_type {
            T::Utf8View => Values::Text,
            T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 => Values::Int,
            T::UInt64 => Values::UInt64,
            T::Float64 => Values::Float,
            T::Float32 => Values::Float32,
            T::Boolean => Values::Boolean,
            T::Date32 => Values::Date,
            T::Timestamp(unit, _) => Values::Time(match unit {
                // polars has no seconds.
                ArrowUnit::Second | ArrowUnit::Millisecond => TimeUnit::Milliseconds,
                ArrowUnit::Microsecond => TimeUnit::Microseconds,
                ArrowUnit::Nanosecond => TimeUnit::Nanoseconds,
            }),
            _ => Values::Other,
        }
    }
}

/// A constant of an expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Literal<'e> {
    /// Null.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Int(i64),
    /// A whole number above those.
    UInt(u64),
    /// A floating number.
    Float(f64),
    /// Text.
    Text(&'e str),
    /// Days since 1970.
    Date(i32),
    /// So many since 1970.
    Time(i64, TimeUnit),
}

/// Below it, all integers are floating values of their own.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl<'e> Literal<'e> {
    /// The constant that an expression is.
    pub fn of(expr: &'e Expr) -> Option<Self> {
        match expr {
            Expr::Literal(LiteralValue::Series(_) | LiteralValue::Range(_)) => None,
            Expr::Literal(value) => match (value.extract_str(), value.extract_i64()) {
                (Some(text), _) => Some(Literal::Text(text)),
                (None, Ok(number)) => Some(Literal::Int(number)),
                (None, Err(_)) => Self::of_value(&value.to_any_value()?),
            },
            _ => None,
        }
    }

    fn of_value(value: &AnyValue<'_>) -> Option<Self> {
        Some(match value {
            AnyValue::Null => Literal::Null,
            AnyValue::Boolean(truth) => Literal::Boolean(*truth),
            AnyValue::UInt64(number) => Literal::UInt(*number),
            AnyValue::Float32(number) => Literal::Float(f64::from(*number)),
            AnyValue::Float64(number) => Literal::Float(*number),
            AnyValue::Date(days) => Literal::Date(*days),
            AnyValue::Datetime(count, unit, _) => Literal::Time(*count, *unit),
            AnyValue::DatetimeOwned(count, unit, _) => Literal::Time(*count, *unit),
            _ => return None,
        })
    }

    /// What it is among values; `None` where it cannot be compared with them exactly.
    fn among(self, values: Values) -> Option<Constant> {
        let float = |number: f64| ordered(number).map(Constant::Number);
        match (values, self) {
            (Values::Text, Literal::Text(text)) => Some(Constant::Text(text.as_bytes().to_vec())),
            (Values::Int, Literal::Int(number)) => Some(Constant::Number(number)),
            (Values::UInt64, Literal::Int(number)) => u64::try_from(number).ok().map(unsigned).map(Constant::Number),
            (Values::UInt64, Literal::UInt(number)) => Some(Constant::Number(unsigned(number))),
            (Values::Float, Literal::Float(number)) => float(number),
            (Values::Float, Literal::Int(number)) => float(number as f64),
            (Values::Float32, Literal::Float(number)) if f64::from(number as f32) == number => float(number),
            (Values::Float32, Literal::Int(number)) if (number as f32) as i64 == number => float(number as f64),
            (Values::Boolean, Literal::Boolean(truth)) => Some(Constant::Number(i64::from(truth))),
            (Values::Date, Literal::Date(days)) => Some(Constant::Number(i64::from(days))),
            (Values::Time(unit), Literal::Time(count, of)) if unit == of => Some(Constant::Number(count)),
            _ => None,
        }
    }
}

/// An unsigned number as a signed one of the same order.
pub fn unsigned(number: u64) -> i64 {
    (number ^ 1 << 63) as i64
}

struct Compiler<'c> {
    uses: &'c BTreeMap<String, ColumnUse>,
    footer: &'c Footer,
}

impl Compiler<'_> {
    fn formula(&self, expr: &Expr) -> Option<Formula<Question>> {
        match expr {
            Expr::Literal(_) => match Literal::of(expr)? {
                Literal::Boolean(truth) => Some(Formula::Always(Some(truth))),
                Literal::Null => Some(Formula::Always(None)),
                _ => None,
            },
            Expr::Column(name) => {
                let column = self.column(name)?;
                match column.values {
                    Values::Missing => Some(Formula::Always(None)),
                    Values::Boolean => Some(ask(column, Asked::Is(Order::Equal, Constant::Number(1)))),
                    _ => None,
                }
            }
            // NOT casts what it is before; truths stay what they are.
            Expr::Cast { expr, dtype, .. } if dtype.as_literal() == Some(&DataType::Boolean) => self.formula(expr),
            Expr::BinaryExpr { left, op, right } => self.of_two(left, *op, right),
            Expr::Function { input, function } => self.function(input, function),
            _ => None,
        }
    }

    fn of_two(&self, left: &Expr, op: Operator, right: &Expr) -> Option<Formula<Question>> {
        if matches!(op, Operator::And | Operator::LogicalAnd | Operator::Or | Operator::LogicalOr) {
            let (left, right) = (Box::new(self.formula(left)?), Box::new(self.formula(right)?));
            return Some(match op {
                Operator::And | Operator::LogicalAnd => Formula::And(left, right),
                _ => Formula::Or(left, right),
            });
        }
        let (value, op, constant) = match (Literal::of(left), Literal::of(right)) {
            (None, Some(constant)) => (left, op, constant),
            (Some(constant), None) => (right, op.swap_operands()?, constant),
            _ => return None,
        };
        if op == Operator::NotEq {
            return Some(not(self.compared(value, Order::Equal, constant)?));
        }
        self.compared(value, Order::of(op)?, constant)
    }

    fn compared(&self, value: &Expr, order: Order, constant: Literal<'_>) -> Option<Formula<Question>> {
        let Expr::Column(name) = value else {
            let value = self.formula(value)?;
            return match (order, constant) {
                (Order::Equal, Literal::Boolean(true)) => Some(value),
                (Order::Equal, Literal::Boolean(false)) => Some(not(value)),
                _ => None,
            };
        };
        let column = self.column(name)?;
        if constant == Literal::Null || column.values == Values::Missing {
            return Some(Formula::Always(None));
        }
        if let (Values::Int, Literal::Float(number)) = (column.values, constant) {
            return among_integers(order, number).map(|asked| ask(column, asked));
        }
        let constant = constant.among(column.values)?;
        Some(ask(column, Asked::Is(order, constant)))
    }

    fn function(&self, input: &[Expr], function: &FunctionExpr) -> Option<Formula<Question>> {
        match (function, input) {
            (FunctionExpr::Boolean(BooleanFunction::Not), [inner]) => self.formula(inner).map(not),
            (FunctionExpr::Boolean(BooleanFunction::IsNull), [inner]) => self.is_null(inner),
            (FunctionExpr::Boolean(BooleanFunction::IsNotNull), [inner]) => self.is_null(inner).map(not),
            (FunctionExpr::FillNull, [inner, unknown]) => match Literal::of(unknown)? {
                Literal::Boolean(unknown) => Some(Formula::OrElse(Box::new(self.formula(inner)?), unknown)),
                _ => None,
            },
            (FunctionExpr::Boolean(BooleanFunction::IsIn { nulls_equal: false }), [Expr::Column(name), list]) => {
                let column = self.column(name)?;
                if column.values == Values::Missing {
                    return Some(Formula::Always(None));
                }
                let constants = constants_of(list, column.values)?;
                Some(ask(column, Asked::IsOneOf(constants)))
            }
            (FunctionExpr::StringExpr(function), [Expr::Column(name), part]) => {
                let column = self.column(name)?;
                let Literal::Text(part) = Literal::of(part)? else { return None };
                match function {
                    StringFunction::StartsWith | StringFunction::EndsWith | StringFunction::Contains { .. }
                        if column.values == Values::Missing =>
                    {
                        Some(Formula::Always(None))
                    }
                    _ if column.values != Values::Text => None,
                    StringFunction::StartsWith => begins_with(column, part),
                    StringFunction::EndsWith => Some(ask(column, Asked::Holds(Part::End(part.to_string())))),
                    StringFunction::Contains { literal: true, .. } => {
                        Some(ask(column, Asked::Holds(Part::Anywhere(part.to_string()))))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn is_null(&self, expr: &Expr) -> Option<Formula<Question>> {
        match expr {
            Expr::Column(name) => self.column(name).map(|column| ask(column, Asked::IsNull)),
            other => self.formula(other).map(|inner| Formula::IsNull(Box::new(inner))),
        }
    }

    /// A column that is whole in the file, or the same for all of its rows.
    fn column(&self, name: &str) -> Option<Column> {
        let ColumnUse { column, as_number } = self.uses.get(name)?;
        let missing = Column { values: Values::Missing, held: Held::Same(None) };
        match &column.source {
            Source::Hive => {
                let folder = self.footer.file.hive.iter().find(|(key, _)| *key == column.spelled);
                let value = folder.and_then(|(_, value)| value.as_deref());
                let (values, value) = match &column.kind {
                    Kind::Int => (Values::Int, value.map(|value| value.parse().ok().map(Constant::Number))),
                    Kind::Date => {
                        let day = |value| day_of_text(value).map(|day| Constant::Number(i64::from(day.epoch_days())));
                        (Values::Date, value.map(day))
                    }
                    _ => (Values::Text, value.map(|value| Some(Constant::Text(value.as_bytes().to_vec())))),
                };
                Some(match value.flatten() {
                    Some(value) if !as_number => Column { values, held: Held::Same(Some(value)) },
                    Some(_) => return None,
                    None => missing,
                })
            }
            Source::File { column: name, path } => match self.footer.schema.data_type(name) {
                None | Some(ArrowType::Null) => Some(missing),
                Some(data_type) if path.is_none() && column.is_plain() && !as_number => {
                    Some(Column { values: Values::of(data_type), held: Held::InColumn(name.clone()) })
                }
                Some(_) => None,
            },
        }
    }
}

fn not(formula: Formula<Question>) -> Formula<Question> {
    Formula::Not(Box::new(formula))
}

fn ask(column: Column, asked: Asked) -> Formula<Question> {
    match column.held {
        Held::InColumn(column) => Formula::Test(Question { column, asked }),
        Held::Same(value) => Formula::Always(asked.of(value.as_ref())),
    }
}

/// A floating constant as integers see it.
fn among_integers(order: Order, number: f64) -> Option<Asked> {
    if number.is_nan() || number.abs() >= EXACT {
        return None;
    }
    let below = Constant::Number(number.floor() as i64);
    Some(match order {
        _ if number.fract() == 0.0 => Asked::Is(order, below),
        Order::Less | Order::LessOrEqual => Asked::Is(Order::LessOrEqual, below),
        Order::Greater | Order::GreaterOrEqual => Asked::Is(Order::Greater, below),
        Order::Equal => Asked::IsOneOf(Vec::new()),
    })
}

/// Texts with one beginning lie side by side.
fn begins_with(column: Column, beginning: &str) -> Option<Formula<Question>> {
    let mut end = beginning.as_bytes().to_vec();
    // No text has the byte 255 in it.
    *end.last_mut()? += 1;
    let Column { values, held } = column;
    let Held::InColumn(name) = held else {
        let Held::Same(value) = held else { return None };
        let begins = |value: Constant| match value {
            Constant::Text(text) => Some(text.starts_with(beginning.as_bytes())),
            Constant::Number(_) => None,
        };
        return Some(Formula::Always(value.and_then(begins)));
    };
    let is = |order, text: Vec<u8>| {
        let column = Column { values, held: Held::InColumn(name.clone()) };
        Box::new(ask(column, Asked::Is(order, Constant::Text(text))))
    };
    Some(Formula::And(is(Order::GreaterOrEqual, beginning.as_bytes().to_vec()), is(Order::Less, end)))
}

/// The constants of a list too long to be spelled out.
fn constants_of(list: &Expr, values: Values) -> Option<Vec<Constant>> {
    let list = match list {
        Expr::Agg(AggExpr::Implode { input, .. }) => input.as_ref(),
        other => other,
    };
    let Expr::Literal(LiteralValue::Series(series)) = list else { return None };
    match values {
        Values::Text => series.str().ok()?.iter().map(|text| Some(Constant::Text(text?.as_bytes().to_vec()))).collect(),
        Values::UInt64 => series.u64().ok()?.iter().map(|number| Some(Constant::Number(unsigned(number?)))).collect(),
        Values::Int => series.i64().ok()?.iter().map(|number| Some(Constant::Number(number?))).collect(),
        _ => None,
    }
}
