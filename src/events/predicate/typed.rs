//! A condition over the very types of a file: each part of it is given a type once, and becomes a polars expression that
//! means what DuckDB means by it.
//!
//! polars is never left to find a type for two sides: whatever is compared or reckoned with is of one type before, or
//! computed by functions of ours. A whole column beside a constant of its type stays just that, as row groups can be
//! skipped and answers looked up for nothing else.

use polars::prelude::*;
use sqlparser::ast::{
    BinaryOperator, CastKind, Expr as Sql, Interval as SqlInterval, TrimWhereField, UnaryOperator, Value,
};

use super::casts;
use super::casts::Otherwise;
use super::chosen::{chosen, Choice};
use super::clocks;
use super::column_test;
use super::column_test::{Asked, Tests};
use super::constant::Constant;
use super::formula::Formula;
use super::interval::Interval;
use super::language;
use super::language::{Field, Function, Problem, Sides, Target, FIELDS};
use super::like::{test_by_row, Pattern};
use super::numbers;
use super::numbers::{scale_of, Arithmetic, Rounding};
use super::texts;
use crate::events::bridge::one_line;
use crate::job::instants::instant_of;

/// A condition over the types of a file.
#[derive(Clone, Debug)]
pub struct Typed {
    /// As polars computes it.
    pub expr: Expr,
    /// As tests of columns beside constants, where that is all there is to it.
    pub tests: Option<Tests>,
}

/// A condition that polars can compute over `schema`, tried on no rows.
///
/// # Errors
/// What is wrong with it, and where.
pub fn typed(sql: &Sql, schema: &SchemaRef) -> Result<Typed, Problem> {
    let term = Typing { schema }.term(sql)?;
    let condition = match family(&term.dtype) {
        Family::Truth => Typed { expr: term.expr, tests: term.tests },
        Family::Null => Typed { expr: truth(None).expr, tests: truth(None).tests },
        of => {
            let reason = format!("it is {}, and a condition is true or false", of.in_words());
            return Err(Problem::new(sql, reason));
        }
    };
    let tried = DataFrame::empty_with_schema(schema).lazy().filter(condition.expr.clone()).collect();
    tried.map_err(|error| Problem::new(sql, one_line(&error)))?;
    Ok(condition)
}

/// The value of an expression that polars can compute over `schema`, tried on no rows, and its type.
///
/// # Errors
/// What is wrong with it, and where.
pub fn value(sql: &Sql, schema: &SchemaRef) -> Result<(Expr, DataType), Problem> {
    let Term { expr, dtype, .. } = Typing { schema }.term(sql)?;
    if let of @ (Family::Interval | Family::Other(_)) = family(&dtype) {
        let reason = format!("it is {}, and a column is of truths, numbers, text, dates or times", of.in_words());
        return Err(Problem::new(sql, reason));
    }
    let tried = DataFrame::empty_with_schema(schema).lazy().select([expr.clone().alias("dwell value")]).collect();
    tried.map_err(|error| Problem::new(sql, one_line(&error)))?;
    Ok((expr, dtype))
}

/// A part of a condition.
#[derive(Clone, Debug)]
struct Term {
    expr: Expr,
    dtype: DataType,
    /// What it is, where it is the same for all rows.
    constant: Option<Constant>,
    /// The column that it is, where it is nothing else.
    column: Option<String>,
    /// Of a condition: the same as tests of columns beside constants, where that is all there is to it.
    tests: Option<Tests>,
    /// How many parts it is made of, with those that it has more than once.
    size: usize,
}

/// More parts than this are not computed: what is asked more than once of a part has it more than once.
const MOST_PARTS: usize = 100_000;
/// Lists up to this long are spelled out as alternatives, of which row groups can be ruled out.
const SHORT_LIST: usize = 256;

/// Types that can be compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Family {
    Null,
    Truth,
    Number,
    Text,
    Clock,
    Interval,
    Other(String),
}

impl Family {
    fn in_words(&self) -> &str {
        match self {
            Family::Null => "null",
            Family::Truth => "true or false",
            Family::Number => "a number",
            Family::Text => "text",
            Family::Clock => "a date or time",
            Family::Interval => "an interval",
            Family::Other(name) => name,
        }
    }
}

fn family(dtype: &DataType) -> Family {
    match dtype {
        DataType::Null => Family::Null,
        DataType::Boolean => Family::Truth,
        DataType::String => Family::Text,
        DataType::Date | DataType::Datetime(..) => Family::Clock,
        DataType::Duration(_) => Family::Interval,
        DataType::Decimal(..) => Family::Number,
        DataType::Float32 | DataType::Float64 => Family::Number,
        dtype if dtype.is_integer() => Family::Number,
        DataType::List(_) => Family::Other("a list".to_string()),
        DataType::Struct(_) => Family::Other("a struct".to_string()),
        other => Family::Other(format!("of the type {other}")),
    }
}

fn constant(constant: Constant) -> Term {
    let (expr, dtype) = constant.literal();
    let tests = match &constant {
        Constant::Boolean(truth) => Some(Formula::Always(Some(*truth))),
        Constant::Null => Some(Formula::Always(None)),
        _ => None,
    };
    Term { expr, dtype, constant: Some(constant), column: None, tests, size: 1 }
}

fn truth(truth: Option<bool>) -> Term {
    let known = truth.map_or(Constant::Null, Constant::Boolean);
    let expr = truth.map_or_else(|| lit(NULL).cast(DataType::Boolean), lit);
    let tests = Some(Formula::Always(truth));
    Term { expr, dtype: DataType::Boolean, constant: Some(known), column: None, tests, size: 1 }
}

/// What has to be computed.
fn computed_term(expr: Expr, dtype: DataType, size: usize) -> Term {
    Term { expr, dtype, constant: None, column: None, tests: None, size }
}

impl Term {
    fn family(&self) -> Family {
        family(&self.dtype)
    }

    fn is_constant(&self) -> bool {
        self.constant.is_some()
    }

    fn is_null(&self) -> bool {
        self.constant == Some(Constant::Null)
    }

    /// As a value of a type that holds all of its own.
    fn widened(&self, dtype: &DataType) -> Expr {
        match (&self.constant, dtype) {
            (Some(Constant::Null), _) => lit(NULL).cast(dtype.clone()),
            _ if self.dtype == *dtype => self.expr.clone(),
            (Some(known), DataType::Float64) => known.as_float().map_or_else(|| self.expr.clone(), lit),
            (Some(known), DataType::Float32) => {
                known.as_float().map_or_else(|| self.expr.clone(), |number| lit(number as f32))
            }
            (_, DataType::Decimal(_, scale)) => numbers::as_decimal(self.expr.clone(), *scale as u32),
            (_, DataType::Datetime(..)) => clocks::as_time(self.expr.clone(), dtype.clone()),
            _ => self.expr.clone().cast(dtype.clone()),
        }
    }

    fn scale(&self) -> u32 {
        match self.dtype {
            DataType::Decimal(_, scale) => scale as u32,
            _ => 0,
        }
    }

    fn is_whole(&self) -> bool {
        self.dtype.is_integer()
    }
}

struct Typing<'a> {
    schema: &'a SchemaRef,
}

impl Typing<'_> {
    fn term(&self, sql: &Sql) -> Result<Term, Problem> {
        match sql {
            Sql::Nested(inner) => self.term(inner),
            Sql::Identifier(name) => self.column(sql, &name.value),
            Sql::Value(value) => literal(sql, &value.value),
            Sql::TypedString(typed) => {
                let text = constant(Constant::Text(typed.value.value.clone().into_string().unwrap_or_default()));
                self.cast(sql, text, Target::of(&typed.data_type).unwrap_or(Target::Text), Otherwise::Fails)
            }
            Sql::Interval(interval) => self.interval(sql, interval),
            Sql::UnaryOp { op: UnaryOperator::Not, expr } => {
                let term = self.truth(expr)?;
                Ok(not(term))
            }
            Sql::UnaryOp { op, expr } => self.signed(sql, *op, expr),
            Sql::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. } => self.logic(sql),
            Sql::BinaryOp { left, op, right } => {
                let (left, right) = (self.term(left)?, self.term(right)?);
                match comparison(op) {
                    Some(op) => self.compared(sql, op, left, right),
                    None => self.reckoned(sql, op, left, right),
                }
            }
            Sql::IsNull(inner) => Ok(null_test(self.term(inner)?)),
            Sql::IsNotNull(inner) => Ok(not(null_test(self.term(inner)?))),
            Sql::IsUnknown(inner) => Ok(null_test(self.truth(inner)?)),
            Sql::IsNotUnknown(inner) => Ok(not(null_test(self.truth(inner)?))),
            // These are never null.
            Sql::IsTrue(inner) => Ok(or_else(self.truth(inner)?, false)),
            Sql::IsNotTrue(inner) => Ok(not(or_else(self.truth(inner)?, false))),
            Sql::IsFalse(inner) => Ok(not(or_else(self.truth(inner)?, true))),
            Sql::IsNotFalse(inner) => Ok(or_else(self.truth(inner)?, true)),
            Sql::IsDistinctFrom(left, right) => self.same(sql, left, right).map(not),
            Sql::IsNotDistinctFrom(left, right) => self.same(sql, left, right),
            Sql::InList { expr, list, negated } => {
                let any = self.one_of(sql, expr, list)?;
                Ok(if *negated { not(any) } else { any })
            }
            Sql::Between { expr, negated, low, high } => {
                let (value, low, high) = (self.term(expr)?, self.term(low)?, self.term(high)?);
                let above = self.compared(sql, Operator::GtEq, value.clone(), low)?;
                let below = self.compared(sql, Operator::LtEq, value, high)?;
                let between = joined(sql, above, below, Logic::And)?;
                Ok(if *negated { not(between) } else { between })
            }
            Sql::Like { negated, expr, pattern, escape_char, .. } => {
                let like = self.like(sql, expr, pattern, escape_char.as_ref().map(|sign| &sign.value), false)?;
                Ok(if *negated { not(like) } else { like })
            }
            Sql::ILike { negated, expr, pattern, escape_char, .. } => {
                let like = self.like(sql, expr, pattern, escape_char.as_ref().map(|sign| &sign.value), true)?;
                Ok(if *negated { not(like) } else { like })
            }
            Sql::Case { operand, conditions, else_result, .. } => {
                let branches = conditions.iter().map(|branch| (&branch.condition, &branch.result));
                self.case(sql, operand.as_deref(), branches, else_result.as_deref())
            }
            Sql::Cast { kind, expr, data_type, .. } => {
                let otherwise = match kind {
                    CastKind::TryCast | CastKind::SafeCast => Otherwise::Null,
                    CastKind::Cast | CastKind::DoubleColon => Otherwise::Fails,
                };
                let target = Target::of(data_type).ok_or_else(|| not_known(sql))?;
                let term = self.term(expr)?;
                self.cast(sql, term, target, otherwise)
            }
            Sql::Extract { field, expr, .. } => {
                self.field(sql, Field::of(field).ok_or_else(|| not_known(sql))?, self.term(expr)?)
            }
            Sql::Position { expr, r#in } => {
                self.call(sql, Function::Position, vec![self.term(r#in)?, self.term(expr)?])
            }
            Sql::Substring { expr, substring_from, substring_for, .. } => {
                let arguments = [Some(expr), substring_from.as_ref(), substring_for.as_ref()];
                self.call(sql, Function::Substring, self.terms(arguments.into_iter().flatten().map(AsRef::as_ref))?)
            }
            Sql::Trim { expr, trim_where, trim_what, trim_characters } => {
                let sides = match trim_where {
                    None | Some(TrimWhereField::Both) => Sides::Both,
                    Some(TrimWhereField::Leading) => Sides::Start,
                    Some(TrimWhereField::Trailing) => Sides::End,
                };
                let signs = trim_what.as_deref().into_iter().chain(trim_characters.iter().flatten());
                let arguments: Vec<&Sql> = std::iter::once(expr.as_ref()).chain(signs).collect();
                if arguments.len() > 2 {
                    return Err(not_known(sql));
                }
                self.call(sql, Function::Trim(sides), self.terms(arguments.into_iter())?)
            }
            Sql::Ceil { expr, .. } => self.call(sql, Function::Ceil, vec![self.term(expr)?]),
            Sql::Floor { expr, .. } => self.call(sql, Function::Floor, vec![self.term(expr)?]),
            Sql::Function(call) => {
                let (function, arguments) = language::function(sql, call)?;
                match (function, arguments.as_slice()) {
                    (Function::If, [condition, then, other]) => {
                        self.case(sql, None, std::iter::once((*condition, *then)), Some(other))
                    }
                    _ => self.call(sql, function, self.terms(arguments.into_iter())?),
                }
            }
            _ => Err(not_known(sql)),
        }
    }

    fn terms<'s>(&self, all: impl Iterator<Item = &'s Sql>) -> Result<Vec<Term>, Problem> {
        all.map(|sql| self.term(sql)).collect()
    }

    fn column(&self, sql: &Sql, name: &str) -> Result<Term, Problem> {
        // The columns have been looked up.
        let dtype = self.schema.get(name).ok_or_else(|| Problem::new(sql, format!("there is no column `{name}`")))?;
        let column = col(name);
        Ok(match dtype {
            DataType::Binary => computed_term(texts::of_bytes(column), DataType::String, 1),
            dtype => {
                let tests = (*dtype == DataType::Boolean).then(|| column_test::is_true(name));
                let whole = Some(name.to_string());
                Term { column: whole, tests, ..computed_term(column, dtype.clone(), 1) }
            }
        })
    }

    fn interval(&self, sql: &Sql, interval: &SqlInterval) -> Result<Term, Problem> {
        let unit = interval.leading_field.as_ref().map(|field| Field::of(field).ok_or_else(|| not_known(sql)));
        let text = match self.term(&interval.value)?.constant {
            Some(Constant::Text(text)) => Some(text),
            Some(Constant::Int(number)) => Some(number.to_string()),
            _ => None,
        };
        let unit = unit.transpose()?;
        let read = text.filter(|_| interval.last_field.is_none()).and_then(|text| Interval::read(&text, unit));
        let bad = || Problem::new(sql, "this is no interval; write it like INTERVAL '1 day' or INTERVAL '90 minutes'");
        read.map(|interval| constant(Constant::Interval(interval))).ok_or_else(bad)
    }

    // ---- Truths --------------------------------------------------------------------------------------------

    fn truth(&self, sql: &Sql) -> Result<Term, Problem> {
        let term = self.term(sql)?;
        match term.family() {
            Family::Truth => Ok(term),
            Family::Null => Ok(truth(None)),
            of => Err(Problem::new(sql, format!("this is {}, where something true or false is needed", of.in_words()))),
        }
    }

    /// All that one kind of operator joins, as a balanced tree: polars walks expressions recursively.
    fn logic(&self, sql: &Sql) -> Result<Term, Problem> {
        let Sql::BinaryOp { op: joint, .. } = sql else { return Err(not_known(sql)) };
        let mut parts = Vec::new();
        let mut rest = vec![sql];
        while let Some(part) = rest.pop() {
            match part {
                Sql::BinaryOp { left, op, right } if op == joint => rest.extend([right.as_ref(), left.as_ref()]),
                part => parts.push(self.truth(part)?),
            }
        }
        let join = if *joint == BinaryOperator::And { Logic::And } else { Logic::Or };
        balanced(sql, parts, join)
    }

    // ---- Comparisons ---------------------------------------------------------------------------------------

    fn compared(&self, sql: &Sql, op: Operator, left: Term, right: Term) -> Result<Term, Problem> {
        let size = sum(sql, &[&left, &right])?;
        let (expr, tests) = match (left.family(), right.family()) {
            (Family::Other(of), _) | (_, Family::Other(of)) => return Err(Problem::new(sql, cannot_compare(&of))),
            (Family::Interval, _) | (_, Family::Interval) => {
                return Err(Problem::new(sql, cannot_compare("an interval")))
            }
            (Family::Null, _) | (_, Family::Null) => return Ok(truth(None)),
            (Family::Truth, Family::Truth) | (Family::Text, Family::Text) => {
                let same = |_: &Term, constant: &Constant, op| Some((op, constant.clone()));
                let compared = |left: &Term, right: &Term| operation(left.expr.clone(), op, right.expr.clone());
                beside_constant(op, &left, &right, same, compared)
            }
            (Family::Number, Family::Number) => {
                beside_constant(op, &left, &right, number_beside, |left, right| numbers_compared(op, left, right))
            }
            (Family::Clock, Family::Clock) => clocks_compared(op, &left, &right),
            (Family::Clock, Family::Text) if right.is_constant() => clocks_compared(op, &left, &instant(sql, &right)?),
            (Family::Text, Family::Clock) if left.is_constant() => clocks_compared(op, &instant(sql, &left)?, &right),
            (left, right) => return Err(Problem::new(sql, mismatch(&left, &right))),
        };
        let both = left.constant.is_some() && right.constant.is_some();
        let result = self.result(sql, expr, DataType::Boolean, size, both)?;
        Ok(Term { tests: result.tests.or(tests), ..result })
    }

    /// `IS NOT DISTINCT FROM`: null is like null.
    fn same(&self, sql: &Sql, left: &Sql, right: &Sql) -> Result<Term, Problem> {
        let (left, right) = (self.term(left)?, self.term(right)?);
        match (left.is_null(), right.is_null()) {
            (true, _) => return Ok(null_test(right)),
            (_, true) => return Ok(null_test(left)),
            _ => {}
        }
        let is_one_constant = left.is_constant() || right.is_constant();
        let equal = or_else(self.compared(sql, Operator::Eq, left.clone(), right.clone())?, false);
        if is_one_constant {
            return Ok(equal);
        }
        let both = joined(sql, null_test(left), null_test(right), Logic::And)?;
        joined(sql, equal, both, Logic::Or)
    }

    fn one_of(&self, sql: &Sql, value: &Sql, list: &[Sql]) -> Result<Term, Problem> {
        let value = self.term(value)?;
        let list = self.terms(list.iter())?;
        if list.is_empty() {
            return Ok(truth(Some(false)));
        }
        if list.len() > SHORT_LIST {
            if let Some(term) = self.one_of_many(&value, &list) {
                return Ok(term);
            }
            if list.len() > MOST_PARTS / value.size.max(1) / 4 {
                return Err(Problem::new(sql, "a list this long takes constants of the type that the column has"));
            }
        }
        let is = |other: Term| self.compared(sql, Operator::Eq, value.clone(), other);
        balanced(sql, list.into_iter().map(is).collect::<Result<_, _>>()?, Logic::Or)
    }

    /// A column among many constants of its very type; `None` where they are not.
    fn one_of_many(&self, value: &Term, list: &[Term]) -> Option<Term> {
        let has_null = list.iter().any(Term::is_null);
        let constants = || list.iter().filter(|term| !term.is_null()).map(|term| term.constant.as_ref());
        let whole = |constant: Option<&Constant>| match constant?.floor()? {
            (number, true) => Some(Some(number)),
            // What is no such number equals none.
            _ => Some(None),
        };
        let (values, known) = match &value.dtype {
            DataType::String => {
                let texts = constants().map(|constant| match constant {
                    Some(Constant::Text(text)) => Some(text.as_str()),
                    _ => None,
                });
                let texts = texts.collect::<Option<Vec<_>>>()?;
                let known = texts.iter().map(|text| Constant::Text(text.to_string())).collect();
                (StringChunked::from_iter_values("".into(), texts.into_iter()).into_series(), known)
            }
            DataType::UInt64 => {
                let numbers = constants().map(whole).collect::<Option<Vec<_>>>()?;
                let numbers: Vec<u64> =
                    numbers.into_iter().flatten().filter_map(|number| number.try_into().ok()).collect();
                let known = numbers.iter().map(|number| Constant::Int(i128::from(*number))).collect();
                (UInt64Chunked::from_iter_values("".into(), numbers.into_iter()).into_series(), known)
            }
            dtype if dtype.is_integer() => {
                let numbers = constants().map(whole).collect::<Option<Vec<_>>>()?;
                let numbers: Vec<i64> =
                    numbers.into_iter().flatten().filter_map(|number| number.try_into().ok()).collect();
                let known = numbers.iter().map(|number| Constant::Int(i128::from(*number))).collect();
                (Int64Chunked::from_iter_values("".into(), numbers.into_iter()).into_series(), known)
            }
            _ => return None,
        };
        let is_one = value.expr.clone().is_in(lit(values).implode(true), false);
        let tests = value.column.as_deref().map(|column| column_test::test(column, Asked::IsOneOf(known)));
        let size = value.size + 2;
        let is_one = Term { tests, ..computed_term(is_one, DataType::Boolean, size) };
        Some(if has_null { Logic::Or.of(is_one, truth(None), size) } else { is_one })
    }

    fn like(
        &self,
        sql: &Sql,
        text: &Sql,
        pattern: &Sql,
        escape: Option<&Value>,
        ignores_case: bool,
    ) -> Result<Term, Problem> {
        let (text, pattern) = (self.term(text)?, self.term(pattern)?);
        self.need(sql, "LIKE", &text, Family::Text)?;
        self.need(sql, "LIKE", &pattern, Family::Text)?;
        let escape = match escape {
            None => None,
            Some(sign) => {
                let sign = sign.clone().into_string().unwrap_or_default();
                let mut signs = sign.chars();
                let (escape, more) = (signs.next(), signs.next());
                if more.is_some() {
                    return Err(Problem::new(sql, "what ESCAPE names is one sign"));
                }
                escape
            }
        };
        let size = sum(sql, &[&text, &pattern])?;
        let of_constants = text.is_constant() && pattern.is_constant();
        let mut tests = None;
        let expr = match pattern.constant {
            Some(Constant::Null) => return Ok(truth(None)),
            Some(Constant::Text(known)) => {
                let pattern = Pattern::new(&known, escape).map_err(|reason| Problem::new(sql, reason))?;
                if ignores_case {
                    pattern.lowered().test(texts::to_lower(text.widened(&DataType::String)))
                } else {
                    let simple = text.column.as_deref().zip(pattern.simple());
                    tests = simple.map(|(column, asked)| column_test::test(column, asked));
                    pattern.test(text.widened(&DataType::String))
                }
            }
            _ => test_by_row(text.widened(&DataType::String), pattern.expr, escape, ignores_case),
        };
        let result = self.result(sql, expr, DataType::Boolean, size, of_constants)?;
        Ok(Term { tests: result.tests.or(tests), ..result })
    }

    // ---- Arithmetic ----------------------------------------------------------------------------------------

    fn signed(&self, sql: &Sql, op: UnaryOperator, of: &Sql) -> Result<Term, Problem> {
        let term = self.term(of)?;
        match (&term.constant, op) {
            (_, UnaryOperator::Plus) => {}
            (Some(Constant::Int(number)), _) => return Ok(constant(Constant::Int(-number))),
            (Some(Constant::Decimal(digits, scale)), _) => return Ok(constant(Constant::Decimal(-digits, *scale))),
            (Some(Constant::Float(number)), _) => return Ok(constant(Constant::Float(-number))),
            (Some(Constant::Interval(interval)), _) => return Ok(constant(Constant::Interval(interval.backwards()))),
            _ => {}
        }
        self.need(sql, "a sign", &term, Family::Number)?;
        if op == UnaryOperator::Plus || term.is_null() {
            return Ok(term);
        }
        if term.dtype.is_float() {
            let size = sum(sql, &[&term])?;
            return self.result(sql, term.expr * lit(-1.0f32), term.dtype, size, term.constant.is_some());
        }
        self.numbers_reckoned(sql, &BinaryOperator::Minus, constant(Constant::Int(0)), term)
    }

    fn reckoned(&self, sql: &Sql, op: &BinaryOperator, left: Term, right: Term) -> Result<Term, Problem> {
        use BinaryOperator as B;
        if *op == B::StringConcat {
            return self.concatenated(sql, vec![left, right], false);
        }
        let size = sum(sql, &[&left, &right])?;
        let both = left.is_constant() && right.is_constant();
        match (left.family(), op, right.family()) {
            (Family::Null, _, Family::Null) => Ok(constant(Constant::Null)),
            (Family::Number | Family::Null, _, Family::Number | Family::Null) => {
                self.numbers_reckoned(sql, op, left, right)
            }
            (Family::Clock | Family::Text, B::Plus | B::Minus, Family::Interval) => {
                let time = if left.family() == Family::Text { instant(sql, &left)? } else { left };
                let Some(Constant::Interval(interval)) = right.constant else { return Err(not_known(sql)) };
                let interval = if *op == B::Minus { interval.backwards() } else { interval };
                let gives = clocks::reckoned(&time.dtype);
                self.result(sql, clocks::later(time.expr, interval, gives.clone()), gives, size, both)
            }
            (Family::Interval, B::Plus, Family::Clock | Family::Text) => self.reckoned(sql, op, right, left),
            (Family::Clock, B::Plus | B::Minus, Family::Number)
                if left.dtype == DataType::Date && right.is_whole() && right.dtype != DataType::UInt64 =>
            {
                let later = clocks::days_later(left.expr, right.expr, *op == B::Minus);
                self.result(sql, later, DataType::Date, size, both)
            }
            (Family::Number, B::Plus, Family::Clock) => self.reckoned(sql, op, right, left),
            (Family::Clock, B::Minus, Family::Clock) if left.dtype == DataType::Date && left.dtype == right.dtype => {
                let expr = numbers::of_ints(Arithmetic::Minus, left.expr, right.expr);
                self.result(sql, expr, DataType::Int64, size, both)
            }
            (Family::Clock, B::Minus, Family::Clock) => Err(Problem::new(
                sql,
                "the time between two times is not known here; write EPOCH(…) - EPOCH(…), which is in seconds",
            )),
            (left, _, right) => {
                let reason = format!("{op} is not known between {} and {}", left.in_words(), right.in_words());
                Err(Problem::new(sql, reason))
            }
        }
    }

    fn numbers_reckoned(&self, sql: &Sql, op: &BinaryOperator, left: Term, right: Term) -> Result<Term, Problem> {
        use BinaryOperator as B;
        let size = sum(sql, &[&left, &right])?;
        let both = left.is_constant() && right.is_constant();
        let is_float = left.dtype.is_float() || right.dtype.is_float();
        let op = match op {
            B::Plus => Arithmetic::Plus,
            B::Minus => Arithmetic::Minus,
            B::Multiply => Arithmetic::Times,
            B::Modulo => Arithmetic::Modulo,
            B::DuckIntegerDivide => Arithmetic::Divide,
            _ => {
                let dtype = match common_float(&left, &right) {
                    DataType::Float32 if is_float => DataType::Float32,
                    _ => DataType::Float64,
                };
                // Of 32 bits, too, as a quotient of such numbers has room in 64 to be rounded once more.
                let expr = numbers::quotient(left.widened(&dtype), right.widened(&dtype)).cast(dtype.clone());
                return self.result(sql, expr, dtype, size, both);
            }
        };
        if is_float && op != Arithmetic::Divide {
            let dtype = common_float(&left, &right);
            let (left, right) = (left.widened(&dtype), right.widened(&dtype));
            let expr = match op {
                Arithmetic::Plus => operation(left, Operator::Plus, right),
                Arithmetic::Minus => operation(left, Operator::Minus, right),
                Arithmetic::Times => operation(left, Operator::Multiply, right),
                _ => numbers::float_modulo(left, right).cast(dtype.clone()),
            };
            return self.result(sql, expr, dtype, size, both);
        }
        if op == Arithmetic::Divide && [&left, &right].iter().any(|term| !term.is_null() && !term.is_whole()) {
            return Err(Problem::new(sql, "// is known between whole numbers only; write FLOOR(… / …)"));
        }
        let is_small = |term: &Term| term.is_null() || term.is_whole() && term.dtype != DataType::UInt64;
        if is_small(&left) && is_small(&right) {
            let int = DataType::Int64;
            let expr = numbers::of_ints(op, left.widened(&int), right.widened(&int));
            return self.result(sql, expr, int, size, both);
        }
        let scale = scale_of(op, left.scale(), right.scale());
        if scale > super::constant::MOST_DIGITS {
            return Err(Problem::new(sql, "this has more than 38 digits after the point; CAST a side to DOUBLE"));
        }
        let dtype = decimal(scale);
        let side = |term: &Term| if term.is_null() { term.widened(&dtype) } else { term.expr.clone() };
        let expr = numbers::of_decimals(op, side(&left), side(&right), scale);
        self.result(sql, expr, dtype, size, both)
    }

    // ---- Values --------------------------------------------------------------------------------------------

    fn cast(&self, sql: &Sql, term: Term, target: Target, otherwise: Otherwise) -> Result<Term, Problem> {
        let gives = casts::gives(&term.dtype, target);
        if term.is_null() {
            let expr = lit(NULL).cast(gives.clone());
            let tests = Some(Formula::Always(None));
            return Ok(Term { constant: Some(Constant::Null), tests, ..computed_term(expr, gives, 1) });
        }
        let size = sum(sql, &[&term])?;
        let of = term.family();
        let expr = casts::cast(term.expr, &term.dtype, target, otherwise)
            .ok_or_else(|| Problem::new(sql, format!("what is {} cannot be cast to this type", of.in_words())))?;
        self.result(sql, expr, gives, size, term.constant.is_some())
    }

    fn case<'s>(
        &self,
        sql: &Sql,
        operand: Option<&Sql>,
        branches: impl Iterator<Item = (&'s Sql, &'s Sql)>,
        otherwise: Option<&Sql>,
    ) -> Result<Term, Problem> {
        let operand = operand.map(|operand| self.term(operand)).transpose()?;
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for (condition, value) in branches {
            conditions.push(match &operand {
                None => self.truth(condition)?,
                Some(operand) => self.compared(sql, Operator::Eq, operand.clone(), self.term(condition)?)?,
            });
            values.push(self.term(value)?);
        }
        values.push(otherwise.map_or_else(|| Ok(constant(Constant::Null)), |sql| self.term(sql))?);
        let size = sum(sql, &conditions.iter().chain(&values).collect::<Vec<_>>())?;
        let of_constants = conditions.iter().chain(&values).all(Term::is_constant);
        let dtype = common(sql, &values)?;
        let mut values: Vec<Expr> = values.iter().map(|value| value.widened(&dtype)).collect();
        let mut expr = values.pop().unwrap_or_else(|| lit(NULL));
        for (condition, value) in conditions.into_iter().zip(values).rev() {
            // What is null is not so.
            expr = when(condition.expr.fill_null(lit(false))).then(value).otherwise(expr);
        }
        self.result(sql, expr, dtype, size, of_constants)
    }

    fn concatenated(&self, sql: &Sql, parts: Vec<Term>, passes_over_null: bool) -> Result<Term, Problem> {
        let size = sum(sql, &parts.iter().collect::<Vec<_>>())?;
        let of_constants = parts.iter().all(Term::is_constant);
        let text = |part: Term| {
            let of = part.family();
            let null = || lit(NULL).cast(DataType::String);
            let text = if part.is_null() { Some(null()) } else { casts::as_text(part.expr, &part.dtype) };
            text.ok_or_else(|| Problem::new(sql, format!("what is {} cannot be written as text", of.in_words())))
        };
        let parts = parts.into_iter().map(text).collect::<Result<_, _>>()?;
        self.result(sql, texts::concat(parts, passes_over_null), DataType::String, size, of_constants)
    }

    fn field(&self, sql: &Sql, field: Field, time: Term) -> Result<Term, Problem> {
        self.need(sql, "this part", &time, Family::Clock)?;
        let size = sum(sql, &[&time])?;
        let gives = if field == Field::Epoch { DataType::Float64 } else { DataType::Int64 };
        if time.is_null() {
            return Ok(constant(Constant::Null));
        }
        self.result(sql, clocks::field(field, time.expr), gives, size, time.constant.is_some())
    }

    fn need(&self, sql: &Sql, what: &str, term: &Term, needed: Family) -> Result<(), Problem> {
        let found = term.family();
        if found == needed || found == Family::Null {
            return Ok(());
        }
        let reason = format!("{what} is of {}, and this is {}", needed.in_words(), found.in_words());
        Err(Problem::new(sql, reason))
    }

    fn call(&self, sql: &Sql, function: Function, arguments: Vec<Term>) -> Result<Term, Problem> {
        use Function as F;
        let size = sum(sql, &arguments.iter().collect::<Vec<_>>())?;
        let of_constants = arguments.iter().all(Term::is_constant);
        let give = |expr: Expr, dtype: DataType| self.result(sql, expr, dtype, size, of_constants);
        match function {
            F::Coalesce | F::Greatest | F::Least | F::NullIf => return self.chosen(sql, function, arguments),
            F::Concat => return self.concatenated(sql, arguments, true),
            F::Field(field) => return self.field(sql, field, one(sql, arguments)?),
            F::DatePart | F::DateTrunc => return self.part_of_time(sql, function, arguments),
            F::If => return Err(not_known(sql)),
            F::Mod => {
                let [left, right] = arguments.try_into().map_err(|_| not_known(sql))?;
                return self.reckoned(sql, &BinaryOperator::Modulo, left, right);
            }
            F::Abs | F::Sign | F::Round | F::Floor | F::Ceil | F::Trunc | F::Sqrt | F::Power => {
                for argument in &arguments {
                    self.need(sql, "this", argument, Family::Number)?;
                }
                if arguments.iter().any(Term::is_null) {
                    return Ok(constant(Constant::Null));
                }
                return self.of_numbers(sql, function, arguments);
            }
            _ => {}
        }
        // All others are of text, some with a number.
        let counts: &[usize] = match function {
            F::Substring => &[1, 2],
            F::Left | F::Right => &[1],
            F::SplitPart => &[2],
            _ => &[],
        };
        let mut values = Vec::new();
        for (place, argument) in arguments.iter().enumerate() {
            let (needed, dtype) = match counts.contains(&place) {
                true => (Family::Number, DataType::Int64),
                false => (Family::Text, DataType::String),
            };
            self.need(sql, "this", argument, needed.clone())?;
            let is_whole = argument.is_null() || argument.is_whole() && argument.dtype != DataType::UInt64;
            if needed == Family::Number && !is_whole {
                return Err(Problem::new(sql, "a place in text is a whole number"));
            }
            values.push(argument.widened(&dtype));
        }
        let pattern = arguments.get(1).and_then(|pattern| pattern.constant.clone());
        let mut values = values.into_iter();
        let mut next = || values.next().ok_or_else(|| not_known(sql));
        let (text, string) = (next()?, DataType::String);
        match function {
            F::Lower => give(texts::to_lower(text), string),
            F::Upper => give(texts::to_upper(text), string),
            F::Length => give(texts::length(text), DataType::Int64),
            F::Trim(sides) => give(texts::trim(sides, text, next().ok()), string),
            F::Replace => give(texts::replace(text, next()?, next()?), string),
            F::Substring => give(texts::substring(text, next()?, next().ok()), string),
            F::Left => give(texts::left(text, next()?), string),
            F::Right => give(texts::right(text, next()?), string),
            F::SplitPart => give(texts::split_part(text, next()?, next()?), string),
            F::Position => give(texts::position(text, next()?), DataType::Int64),
            F::StartsWith | F::EndsWith | F::Contains => {
                let part = next()?;
                let expr = match (function, &pattern) {
                    (F::StartsWith, Some(Constant::Text(part))) if !part.is_empty() => {
                        text.str().starts_with(lit(part.as_str()))
                    }
                    (F::EndsWith, Some(Constant::Text(part))) => text.str().ends_with(lit(part.as_str())),
                    (F::Contains, Some(Constant::Text(part))) => text.str().contains_literal(lit(part.as_str())),
                    (F::StartsWith, _) => texts::test(text, part, |text, part| text.starts_with(part)),
                    (F::EndsWith, _) => texts::test(text, part, |text, part| text.ends_with(part)),
                    _ => texts::test(text, part, |text, part| text.contains(part)),
                };
                give(expr, DataType::Boolean)
            }
            F::Matches => match pattern {
                Some(Constant::Text(pattern)) => {
                    let tried = StringChunked::full("".into(), "", 1).contains(&pattern, true);
                    tried.map_err(|error| Problem::new(sql, format!("the pattern is none: {}", one_line(&error))))?;
                    give(text.str().contains(lit(pattern), true), DataType::Boolean)
                }
                Some(_) => Ok(truth(None)),
                None => Err(Problem::new(sql, "a regular expression is a constant")),
            },
            _ => Err(not_known(sql)),
        }
    }

    fn part_of_time(&self, sql: &Sql, function: Function, arguments: Vec<Term>) -> Result<Term, Problem> {
        let [name, time] = <[Term; 2]>::try_from(arguments).map_err(|_| not_known(sql))?;
        let named = match &name.constant {
            Some(Constant::Text(name)) => Field::named(name),
            _ => None,
        };
        let field =
            named.ok_or_else(|| Problem::new(sql, format!("this part of a time is not known here; {FIELDS}")))?;
        if function == Function::DatePart {
            return self.field(sql, field, time);
        }
        self.need(sql, "DATE_TRUNC", &time, Family::Clock)?;
        if !field.is_unit() {
            return Err(Problem::new(sql, "times are cut to years, quarters, months, weeks, days, hours and the like"));
        }
        if time.is_null() {
            return Ok(constant(Constant::Null));
        }
        let (size, gives) = (sum(sql, &[&time])?, clocks::reckoned(&time.dtype));
        let expr = clocks::truncated(field, time.expr, gives.clone());
        self.result(sql, expr, gives, size, time.constant.is_some())
    }

    fn of_numbers(&self, sql: &Sql, function: Function, arguments: Vec<Term>) -> Result<Term, Problem> {
        use Function as F;
        let size = sum(sql, &arguments.iter().collect::<Vec<_>>())?;
        let of_constants = arguments.iter().all(Term::is_constant);
        let give = |expr: Expr, dtype: DataType| self.result(sql, expr, dtype, size, of_constants);
        let (value, second) = (&arguments[0], arguments.get(1));
        let float = DataType::Float64;
        let rounding = match (function, second.and_then(|second| second.constant.as_ref())) {
            (F::Power, _) => {
                let exponent = second.ok_or_else(|| not_known(sql))?;
                return give(numbers::power(value.widened(&float), exponent.widened(&float)), float);
            }
            (F::Sqrt, _) => return give(numbers::of_float(value.widened(&float), f64::sqrt), float),
            (F::Sign, _) if value.dtype.is_float() => {
                let sign = |number: f64| {
                    if number > 0.0 {
                        1.0
                    } else if number < 0.0 {
                        -1.0
                    } else {
                        0.0
                    }
                };
                return give(numbers::of_float(value.expr.clone(), sign).cast(DataType::Int64), DataType::Int64);
            }
            (F::Sign, _) => return give(numbers::sign(value.expr.clone()), DataType::Int64),
            (F::Abs, _) if value.dtype.is_float() => {
                let expr = numbers::of_float(value.expr.clone(), f64::abs).cast(value.dtype.clone());
                return give(expr, value.dtype.clone());
            }
            (F::Abs, _) => {
                let sign = computed_term(numbers::sign(value.expr.clone()), DataType::Int64, value.size);
                let times = self.numbers_reckoned(sql, &BinaryOperator::Multiply, value.clone(), sign)?;
                return give(times.expr, times.dtype);
            }
            (F::Round, None) if second.is_none() => Rounding::Nearest(0),
            (F::Round, Some(Constant::Int(places))) => {
                Rounding::Nearest(i64::try_from(*places).unwrap_or(0).clamp(-1_000, 1_000))
            }
            (F::Round, _) => return Err(Problem::new(sql, "ROUND takes a constant number of digits")),
            (F::Floor, _) => Rounding::Floor,
            (F::Ceil, _) => Rounding::Ceil,
            _ => Rounding::Trunc,
        };
        if value.dtype.is_float() {
            let rounded = numbers::rounded_float(rounding, value.expr.clone()).cast(value.dtype.clone());
            return give(rounded, value.dtype.clone());
        }
        let is_as_it_is = !matches!(rounding, Rounding::Nearest(places) if places < 0);
        if value.is_whole() && is_as_it_is {
            return Ok(value.clone());
        }
        let dtype = decimal(rounding.scale(value.scale()));
        give(numbers::rounded_exact(rounding, value.expr.clone(), value.scale()), dtype)
    }

    /// `COALESCE`, `GREATEST`, `LEAST` and `NULLIF`.
    fn chosen(&self, sql: &Sql, function: Function, arguments: Vec<Term>) -> Result<Term, Problem> {
        let of_constants = arguments.iter().all(Term::is_constant);
        if function == Function::NullIf {
            let [value, other] = <[Term; 2]>::try_from(arguments).map_err(|_| not_known(sql))?;
            if value.is_null() || other.is_null() {
                return Ok(value);
            }
            let equal = or_else(self.compared(sql, Operator::Eq, value.clone(), other)?, false);
            let size = sum(sql, &[&value, &equal])?;
            let null = lit(NULL).cast(value.dtype.clone());
            let expr = when(equal.expr).then(null).otherwise(value.expr);
            return self.result(sql, expr, value.dtype, size, of_constants);
        }
        let dtype = common(sql, &arguments)?;
        let size = sum(sql, &arguments.iter().collect::<Vec<_>>())?;
        if dtype == DataType::Null {
            return Ok(constant(Constant::Null));
        }
        let values: Vec<Expr> = arguments.iter().map(|term| term.widened(&dtype)).collect();
        let choice = match function {
            Function::Greatest => Choice::Greatest,
            Function::Least => Choice::Least,
            _ => Choice::First,
        };
        let expr = chosen(choice, values, dtype.clone());
        self.result(sql, expr, dtype, size, of_constants)
    }

    /// What results, which is computed at once where all it is made of is constant.
    fn result(&self, sql: &Sql, expr: Expr, dtype: DataType, size: usize, is_constant: bool) -> Result<Term, Problem> {
        if !is_constant {
            return Ok(computed_term(expr, dtype, size));
        }
        let failed = |error: PolarsError| Problem::new(sql, one_line(&error));
        let compute = || df!("dwell" => [0i32])?.lazy().select([expr.alias("value")]).collect();
        let computed = compute().map_err(failed)?;
        let value = computed.column("value").and_then(|value| value.get(0)).map_err(failed)?;
        let known = Constant::of(&value).ok_or_else(|| not_known(sql))?;
        if known == Constant::Null {
            let expr = lit(NULL).cast(dtype.clone());
            let tests = Some(Formula::Always(None));
            return Ok(Term { constant: Some(known), tests, ..computed_term(expr, dtype, 1) });
        }
        Ok(constant(known))
    }
}

// ---- Parts ---------------------------------------------------------------------------------------------------

fn literal(sql: &Sql, value: &Value) -> Result<Term, Problem> {
    Ok(constant(match value {
        Value::Null => Constant::Null,
        Value::Boolean(true) => return Ok(truth(Some(true))),
        Value::Boolean(false) => return Ok(truth(Some(false))),
        Value::Number(text, _) => {
            Constant::number(text).ok_or_else(|| Problem::new(sql, format!("{text} is no number")))?
        }
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Constant::Text(text.clone()),
        Value::DollarQuotedString(text) => Constant::Text(text.value.clone()),
        _ => return Err(not_known(sql)),
    }))
}

fn not_known(sql: &Sql) -> Problem {
    let text: String = sql.to_string().chars().take(80).collect();
    Problem::new(sql, format!("this is not known here: {text}"))
}

/// How many parts some have together.
fn sum(sql: &Sql, terms: &[&Term]) -> Result<usize, Problem> {
    let all = 1 + terms.iter().map(|term| term.size).sum::<usize>();
    if all > MOST_PARTS {
        return Err(Problem::new(sql, "this is too long to be computed"));
    }
    Ok(all)
}

fn one(sql: &Sql, mut terms: Vec<Term>) -> Result<Term, Problem> {
    terms.pop().ok_or_else(|| not_known(sql))
}

fn operation(left: Expr, op: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr { left: Arc::new(left), op, right: Arc::new(right) }
}

/// How two conditions are joined.
#[derive(Clone, Copy)]
enum Logic {
    And,
    Or,
}

impl Logic {
    /// Both conditions as one of so many parts.
    fn of(self, left: Term, right: Term, size: usize) -> Term {
        let tests = left.tests.zip(right.tests).map(|(left, right)| (Box::new(left), Box::new(right)));
        let (expr, tests) = match self {
            Logic::And => (left.expr.and(right.expr), tests.map(|(left, right)| Formula::And(left, right))),
            Logic::Or => (left.expr.or(right.expr), tests.map(|(left, right)| Formula::Or(left, right))),
        };
        Term { tests, ..computed_term(expr, DataType::Boolean, size) }
    }
}

fn joined(sql: &Sql, left: Term, right: Term, join: Logic) -> Result<Term, Problem> {
    let size = sum(sql, &[&left, &right])?;
    Ok(join.of(left, right, size))
}

fn balanced(sql: &Sql, mut parts: Vec<Term>, join: Logic) -> Result<Term, Problem> {
    while parts.len() > 1 {
        let mut halved = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            halved.push(match rest.next() {
                Some(right) => joined(sql, left, right, join)?,
                None => left,
            });
        }
        parts = halved;
    }
    one(sql, parts)
}

fn not(term: Term) -> Term {
    let constant = match term.constant {
        Some(Constant::Boolean(known)) => return truth(Some(!known)),
        other => other,
    };
    Term { expr: term.expr.not(), constant, column: None, tests: term.tests.map(column_test::not), ..term }
}

fn null_test(term: Term) -> Term {
    if let Some(known) = &term.constant {
        return truth(Some(*known == Constant::Null));
    }
    let tests = match &term.column {
        Some(column) => Some(column_test::test(column, Asked::IsNull)),
        None => term.tests.map(|tests| Formula::IsNull(Box::new(tests))),
    };
    Term { tests, ..computed_term(term.expr.is_null(), DataType::Boolean, term.size + 1) }
}

/// A truth, or what is meant where it is null.
fn or_else(term: Term, unknown: bool) -> Term {
    match &term.constant {
        Some(Constant::Boolean(known)) => truth(Some(*known)),
        Some(_) => truth(Some(unknown)),
        None => {
            let tests = term.tests.map(|tests| Formula::OrElse(Box::new(tests), unknown));
            let expr = term.expr.fill_null(lit(unknown));
            Term { tests, ..computed_term(expr, term.dtype, term.size + 1) }
        }
    }
}

fn comparison(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

fn cannot_compare(of: &str) -> String {
    format!("what is {of} cannot be compared; only IS NULL can be asked of it")
}

fn mismatch(left: &Family, right: &Family) -> String {
    match (left, right) {
        (Family::Number, Family::Text) | (Family::Text, Family::Number) => {
            "a number is compared with text; write the number without quotes, or CAST one of them".to_string()
        }
        (Family::Number, Family::Clock) | (Family::Clock, Family::Number) => {
            "a time is compared with a number; write the time like '2026-01-31 12:30:00'".to_string()
        }
        (Family::Text, Family::Clock) | (Family::Clock, Family::Text) => {
            "a time is compared with text; CAST the text to TIMESTAMP".to_string()
        }
        (left, right) => format!("{} cannot be compared with {}", left.in_words(), right.in_words()),
    }
}

// ---- Numbers -------------------------------------------------------------------------------------------------

fn decimal(scale: u32) -> DataType {
    DataType::Decimal(super::constant::MOST_DIGITS as usize, scale as usize)
}

/// The floating type of two numbers: constants take that of what is beside them.
fn common_float(left: &Term, right: &Term) -> DataType {
    let is_double = |term: &Term| term.dtype == DataType::Float64;
    match left.dtype == DataType::Float32 || right.dtype == DataType::Float32 {
        true if !is_double(left) && !is_double(right) => DataType::Float32,
        _ => DataType::Float64,
    }
}

fn numbers_compared(op: Operator, left: &Term, right: &Term) -> Expr {
    if left.dtype.is_float() || right.dtype.is_float() {
        let dtype = common_float(left, right);
        return operation(left.widened(&dtype), op, right.widened(&dtype));
    }
    if left.dtype == right.dtype && left.is_whole() {
        return operation(left.expr.clone(), op, right.expr.clone());
    }
    let is_small = |term: &Term| term.is_whole() && term.dtype != DataType::UInt64;
    if is_small(left) && is_small(right) {
        return operation(left.widened(&DataType::Int64), op, right.widened(&DataType::Int64));
    }
    numbers::comparison(op, left.expr.clone(), right.expr.clone())
}

/// A value beside a constant, which `of_type` has as one of the value's type, with an operator; any two values, and a
/// constant that is none of that type, are compared as `compared` does.
fn beside_constant(
    op: Operator,
    left: &Term,
    right: &Term,
    of_type: impl Fn(&Term, &Constant, Operator) -> Option<(Operator, Constant)>,
    compared: impl Fn(&Term, &Term) -> Expr,
) -> (Expr, Option<Tests>) {
    let (value, known, op) = match (&left.constant, &right.constant) {
        (None, Some(known)) => (left, known, op),
        (Some(known), None) => (right, known, op.swap_operands().unwrap_or(op)),
        _ => return (compared(left, right), None),
    };
    let Some((op, constant)) = of_type(value, known, op) else { return (compared(left, right), None) };
    let tests = match (&value.column, &constant, &value.tests) {
        (Some(column), ..) => column_test::compared(column, op, constant.clone()),
        (None, Constant::Boolean(truth), Some(tests)) if matches!(op, Operator::Eq | Operator::NotEq) => {
            let is_same = *truth == (op == Operator::Eq);
            Some(if is_same { tests.clone() } else { column_test::not(tests.clone()) })
        }
        _ => None,
    };
    (operation(value.expr.clone(), op, literal_of(&value.dtype, &constant)), tests)
}

/// A constant of a value's type, as polars has it.
fn literal_of(dtype: &DataType, constant: &Constant) -> Expr {
    match (dtype, constant) {
        (DataType::UInt64, Constant::Int(number)) => u64::try_from(*number).map_or_else(|_| constant.literal().0, lit),
        _ => constant.literal().0,
    }
}

/// A constant beside a number, as one of the number's type; `None` where the number has to be widened.
fn number_beside(value: &Term, constant: &Constant, op: Operator) -> Option<(Operator, Constant)> {
    match &value.dtype {
        DataType::Float64 => Some((op, Constant::Float(constant.as_float()?))),
        DataType::Float32 if !matches!(constant, Constant::Float(_)) => {
            Some((op, Constant::Float32(constant.as_float()? as f32)))
        }
        dtype if dtype.is_integer() => {
            let (floor, is_whole) = constant.floor()?;
            let (least, most) = match dtype {
                DataType::UInt64 => (0, i128::from(u64::MAX)),
                _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
            };
            // True for all integers, or false; null for null.
            let always = Some((Operator::GtEq, Constant::Int(least)));
            let never = Some((Operator::Lt, Constant::Int(least)));
            let op = match op {
                op if is_whole => op,
                Operator::Lt | Operator::LtEq => Operator::LtEq,
                Operator::Gt | Operator::GtEq => Operator::Gt,
                Operator::Eq => return never,
                _ => return always,
            };
            match op {
                op if (least..=most).contains(&floor) => Some((op, Constant::Int(floor))),
                Operator::NotEq => always,
                Operator::Lt | Operator::LtEq if floor > 0 => always,
                Operator::Gt | Operator::GtEq if floor < 0 => always,
                _ => never,
            }
        }
        _ => None,
    }
}

/// The type that holds the values of several.
fn common(sql: &Sql, terms: &[Term]) -> Result<DataType, Problem> {
    let known: Vec<&Term> = terms.iter().filter(|term| term.family() != Family::Null).collect();
    let Some(first) = known.first() else { return Ok(DataType::Null) };
    if let Some(other) = known.iter().find(|term| term.family() != first.family()) {
        let (first, other) = (first.family(), other.family());
        let reason = format!("its values are {} and {}; CAST one of them", first.in_words(), other.in_words());
        return Err(Problem::new(sql, reason));
    }
    if known.iter().all(|term| term.dtype == first.dtype) {
        return Ok(first.dtype.clone());
    }
    match first.family() {
        Family::Number if known.iter().any(|term| term.dtype == DataType::Float64) => Ok(DataType::Float64),
        Family::Number if known.iter().any(|term| term.dtype == DataType::Float32) => Ok(DataType::Float32),
        Family::Number => {
            let is_small = |term: &&Term| term.is_whole() && term.dtype != DataType::UInt64;
            if known.iter().all(is_small) {
                return Ok(DataType::Int64);
            }
            Ok(decimal(known.iter().map(|term| term.scale()).max().unwrap_or(0)))
        }
        Family::Clock => {
            let is_fine = |term: &&Term| matches!(term.dtype, DataType::Datetime(TimeUnit::Nanoseconds, _));
            let unit = if known.iter().any(is_fine) { TimeUnit::Nanoseconds } else { TimeUnit::Microseconds };
            Ok(DataType::Datetime(unit, None))
        }
        of => Err(Problem::new(sql, format!("what is {} cannot be chosen from", of.in_words()))),
    }
}

// ---- Times ---------------------------------------------------------------------------------------------------

/// A constant text as the instant that is meant.
fn instant(sql: &Sql, text: &Term) -> Result<Term, Problem> {
    let time = match &text.constant {
        Some(Constant::Text(text)) => instant_of(text).ok_or(text),
        _ => return Err(Problem::new(sql, mismatch(&Family::Text, &Family::Clock))),
    };
    match time {
        Ok(time) => Ok(constant(Constant::Time(time.micros(), TimeUnit::Microseconds, None))),
        Err(text) => {
            let text: String = text.chars().take(40).collect();
            let reason = format!("'{text}' is no date or time; write it like '2026-01-31' or '2026-01-31 12:30:00'");
            Err(Problem::new(sql, reason))
        }
    }
}

fn clocks_compared(op: Operator, left: &Term, right: &Term) -> (Expr, Option<Tests>) {
    beside_constant(op, left, right, clock_beside, |left, right| match left.dtype == right.dtype {
        true => operation(left.expr.clone(), op, right.expr.clone()),
        false => clocks::comparison(op, left.expr.clone(), right.expr.clone()),
    })
}

/// A constant beside a date or time, as one of its very type: people write `event_time >= '2026-01-05'`, and row groups can
/// only be skipped where no cast is in between. `None` where it lies between two values of the type.
fn clock_beside(value: &Term, constant: &Constant, op: Operator) -> Option<(Operator, Constant)> {
    const DAY: i64 = 86_400_000_000;
    let nanos = match constant {
        Constant::Date(days) => i128::from(*days) * i128::from(DAY) * 1_000,
        Constant::Time(count, unit, _) => i128::from(*count) * nanos_of(*unit),
        _ => return None,
    };
    let whole = |each: i128| (nanos.rem_euclid(each) == 0).then(|| nanos.div_euclid(each));
    Some(match &value.dtype {
        DataType::Date => (op, Constant::Date(i32::try_from(whole(i128::from(DAY) * 1_000)?).ok()?)),
        DataType::Datetime(unit, zone) => {
            (op, Constant::Time(i64::try_from(whole(nanos_of(*unit))?).ok()?, *unit, zone.clone()))
        }
        _ => return None,
    })
}

fn nanos_of(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Nanoseconds => 1,
        TimeUnit::Microseconds => 1_000,
        TimeUnit::Milliseconds => 1_000_000,
    }
}
