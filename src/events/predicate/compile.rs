//! Which conditions are computed by ourselves: those that are tests of columns beside constants, as far as a file has the
//! columns whole.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType as ArrowType, TimeUnit as ArrowUnit};
use polars::prelude::TimeUnit;

use super::column_test::{Asked as Test, ColumnTest, Order, Part, Tests};
use super::constant::Constant as Exact;
use super::formula::Formula;
use super::typed::Typed;
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

/// A value as it is compared: numbers, times and truths by numbers of the same order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constant {
    /// A number.
    Number(i64),
    /// Text, or what lies between texts.
    Text(Vec<u8>),
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

/// A condition over a file as questions to its columns, from its parts, which all have to hold; `None` where it has to be
/// left to polars.
pub fn formula(parts: &[(Typed, &Conjunct)], footer: &Footer) -> Option<Formula<Question>> {
    let of_part =
        |(typed, part): &(Typed, &Conjunct)| Compiler { uses: &part.uses, footer }.formula(typed.tests.as_ref()?);
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
            T::Int32 | T::Int64 | T::UInt32 => Values::Int,
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

/// What a constant is among values; `None` where it cannot be compared with them exactly.
fn among(constant: &Exact, values: Values) -> Option<Constant> {
    let float = |number: f64| ordered(number).map(Constant::Number);
    match (values, constant) {
        (Values::Text, Exact::Text(text)) => Some(Constant::Text(text.as_bytes().to_vec())),
        (Values::Int, Exact::Int(number)) => i64::try_from(*number).ok().map(Constant::Number),
        (Values::UInt64, Exact::Int(number)) => u64::try_from(*number).ok().map(unsigned).map(Constant::Number),
        (Values::Float, Exact::Float(number)) => float(*number),
        (Values::Float32, Exact::Float32(number)) => float(f64::from(*number)),
        (Values::Boolean, Exact::Boolean(truth)) => Some(Constant::Number(i64::from(*truth))),
        (Values::Date, Exact::Date(days)) => Some(Constant::Number(i64::from(*days))),
        (Values::Time(unit), Exact::Time(count, of, _)) if unit == *of => Some(Constant::Number(*count)),
        _ => None,
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
    fn formula(&self, tests: &Tests) -> Option<Formula<Question>> {
        let both = |left: &Tests, right: &Tests| Some((Box::new(self.formula(left)?), Box::new(self.formula(right)?)));
        match tests {
            Formula::Always(truth) => Some(Formula::Always(*truth)),
            Formula::Test(test) => self.question(test),
            Formula::IsNull(inner) => Some(Formula::IsNull(Box::new(self.formula(inner)?))),
            Formula::OrElse(inner, unknown) => Some(Formula::OrElse(Box::new(self.formula(inner)?), *unknown)),
            Formula::Not(inner) => Some(Formula::Not(Box::new(self.formula(inner)?))),
            Formula::And(left, right) => both(left, right).map(|(left, right)| Formula::And(left, right)),
            Formula::Or(left, right) => both(left, right).map(|(left, right)| Formula::Or(left, right)),
        }
    }

    fn question(&self, test: &ColumnTest) -> Option<Formula<Question>> {
        let column = self.column(&test.column)?;
        let values = column.values;
        match &test.asked {
            Test::IsNull => Some(ask(column, Asked::IsNull)),
            _ if values == Values::Missing => Some(Formula::Always(None)),
            Test::Is(order, constant) => Some(ask(column, Asked::Is(*order, among(constant, values)?))),
            Test::IsOneOf(constants) => {
                let constants = constants.iter().map(|constant| among(constant, values)).collect::<Option<_>>()?;
                Some(ask(column, Asked::IsOneOf(constants)))
            }
            Test::Has(_) if values != Values::Text => None,
            Test::Has(Part::Start(start)) => begins_with(column, start),
            Test::Has(part) => Some(ask(column, Asked::Holds(part.clone()))),
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
                    Kind::Text => (Values::Text, value.map(|value| Some(Constant::Text(value.as_bytes().to_vec())))),
                    _ if value.is_none() => (Values::Missing, None),
                    _ => return None,
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

fn ask(column: Column, asked: Asked) -> Formula<Question> {
    match column.held {
        Held::InColumn(column) => Formula::Test(Question { column, asked }),
        Held::Same(value) => Formula::Always(asked.of(value.as_ref())),
    }
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
