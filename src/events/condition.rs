//! `input.where`: a SQL condition over raw events (SPEC 2, step 1).
//!
//! sqlparser reads it, so that mistakes have a position; the columns in it are then resolved like those
//! of any key, and polars makes expressions of what results.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use polars::prelude::*;
use sqlparser::ast::{BinaryOperator, Expr as Sql, Ident, UnaryOperator, Value, VisitMut, VisitorMut};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token};

use super::columns::{ColumnRef, Columns, Source};
use super::error::InputError;
use super::kind::Kind;
use crate::job::dates::instant_of;

/// A condition that is SQL; its columns are not looked up yet.
#[derive(Clone, Debug)]
pub struct ParsedCondition {
    text: String,
    sql: Sql,
}

/// A condition over columns that exist. All conjuncts must hold.
#[derive(Clone, Debug)]
pub struct Condition {
    text: String,
    /// The parts between its outermost `AND`s.
    conjuncts: Vec<Conjunct>,
}

/// A part of a condition.
#[derive(Clone, Debug)]
pub struct Conjunct {
    /// The part, over the names of `uses`.
    pub expr: Expr,
    /// The columns in it, by the name that `expr` has for them.
    pub uses: BTreeMap<String, ColumnUse>,
}

/// A column as a condition uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnUse {
    /// The column.
    pub column: ColumnRef,
    /// Whether a scalar in JSON is needed as a number.
    pub as_number: bool,
}

impl ParsedCondition {
    /// Reads a condition.
    ///
    /// # Errors
    /// Text that is no SQL expression, with the position.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let failed = |reason: String| {
            let position = reason.rsplit("Column: ").next().and_then(|rest| {
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().ok()
            });
            let at_end = text.chars().count() + 1;
            let position =
                position.filter(|_| reason.contains("Column: ")).or(reason.contains("EOF").then_some(at_end));
            let position = position.filter(|_| !text.contains('\n'));
            let reason = reason.trim_start_matches("sql parser error: ").to_string();
            InputError::Condition { condition: text.to_string(), reason, position }
        };
        let mut parser = Parser::new(&GenericDialect).try_with_sql(text).map_err(|error| failed(error.to_string()))?;
        let sql = parser.parse_expr().map_err(|error| failed(error.to_string()))?;
        let next = parser.peek_token();
        if next.token != Token::EOF {
            let Location { line, column } = next.span.start;
            return Err(failed(format!("it goes on with {} at Line: {line}, Column: {column}", next.token)));
        }
        Ok(ParsedCondition { text: text.to_string(), sql })
    }

    /// The names in it that may be columns.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        let _ = sqlparser::ast::visit_expressions(&self.sql, |expr| {
            names.extend(name_of(expr).map(|(name, _)| name));
            ControlFlow::<()>::Continue(())
        });
        names.sort();
        names.dedup();
        names
    }

    /// Looks its columns up.
    ///
    /// # Errors
    /// A column that does not exist, with its position; or something that polars cannot compute row by
    /// row.
    pub fn resolve(&self, columns: &Columns<'_>) -> Result<Condition, InputError> {
        let mut parts = Vec::new();
        split_conjuncts(&self.sql, &mut parts);
        let conjuncts = parts.into_iter().map(|part| self.resolve_part(part, columns)).collect::<Result<_, _>>()?;
        Ok(Condition { text: self.text.clone(), conjuncts })
    }

    fn resolve_part(&self, mut part: Sql, columns: &Columns<'_>) -> Result<Conjunct, InputError> {
        let mut rewriter = Rewriter { condition: self, columns, uses: BTreeMap::new() };
        if let ControlFlow::Break(error) = part.visit(&mut rewriter) {
            return Err(error);
        }
        let expr = polars::sql::sql_expr(part.to_string()).map_err(|error| condition_error(&self.text, &error))?;
        let aggregates = |expr: &Expr| matches!(expr, Expr::Agg(_) | Expr::Len | Expr::Over { .. });
        if expr.into_iter().any(aggregates) {
            let reason = "it is asked of each row by itself, so it cannot aggregate over rows".to_string();
            return Err(InputError::Condition { condition: self.text.clone(), reason, position: None });
        }
        Ok(Conjunct { expr, uses: rewriter.uses })
    }

    fn unknown_column(&self, name: &str, at: Location, columns: &Columns<'_>) -> InputError {
        let hint = match columns.nearest(name) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("the columns are {}", columns.names().join(", ")),
        };
        // A text in double quotes is a column's name in SQL: the commonest mistake of all.
        let quoted = self.text.contains(&format!("\"{name}\""));
        let quotes = if quoted { " (text is written in single quotes)" } else { "" };
        let reason = format!("there is no column `{name}` at line {}, column {}{quotes}; {hint}", at.line, at.column);
        let position = usize::try_from(at.column).ok().filter(|_| !self.text.contains('\n'));
        InputError::Condition { condition: self.text.clone(), reason, position }
    }
}

impl Condition {
    /// The condition as the job has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts that are about `key=value` folders alone: they choose whole files.
    pub fn folder_parts(&self) -> impl Iterator<Item = &Conjunct> {
        self.conjuncts.iter().filter(|conjunct| conjunct.is_about_folders())
    }

    /// The other parts, asked of each row.
    pub fn row_parts(&self) -> impl Iterator<Item = &Conjunct> {
        self.conjuncts.iter().filter(|conjunct| !conjunct.is_about_folders())
    }
}

impl Conjunct {
    fn is_about_folders(&self) -> bool {
        !self.uses.is_empty() && self.uses.values().all(|used| used.column.source == Source::Hive)
    }
}

/// What polars says of a condition, as an error of the condition.
pub fn condition_error(condition: &str, error: &PolarsError) -> InputError {
    let reason = error.to_string();
    // polars appends the plan that it failed in, which says nothing to who wrote the condition.
    let reason = reason.split("\n\n").next().unwrap_or_default();
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    InputError::Condition { condition: condition.to_string(), reason, position: None }
}

fn split_conjuncts(sql: &Sql, parts: &mut Vec<Sql>) {
    match sql {
        Sql::BinaryOp { left, op: BinaryOperator::And, right } => {
            split_conjuncts(left, parts);
            split_conjuncts(right, parts);
        }
        Sql::Nested(inner) => split_conjuncts(inner, parts),
        other => parts.push(other.clone()),
    }
}

fn name_of(sql: &Sql) -> Option<(String, Location)> {
    match sql {
        Sql::Identifier(name) => Some((name.value.clone(), name.span.start)),
        Sql::CompoundIdentifier(names) => {
            let name = names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".");
            Some((name, names.first()?.span.start))
        }
        _ => None,
    }
}

/// Replaces every column by one quoted name, so that paths reach polars as plain columns.
struct Rewriter<'a> {
    condition: &'a ParsedCondition,
    columns: &'a Columns<'a>,
    uses: BTreeMap<String, ColumnUse>,
}

impl Rewriter<'_> {
    fn replace(&mut self, sql: &mut Sql, number_needed: bool) -> ControlFlow<InputError> {
        let Some((name, at)) = name_of(sql) else { return ControlFlow::Continue(()) };
        if self.uses.get(&name).is_some_and(|known| known.as_number) {
            return ControlFlow::Continue(());
        }
        let column = match self.columns.find(&name) {
            Ok(Some(column)) => column,
            Ok(None) => return ControlFlow::Break(self.condition.unknown_column(&name, at, self.columns)),
            Err(error) => return ControlFlow::Break(error),
        };
        let as_number = number_needed && column.kind == Kind::Json;
        let alias = if as_number { format!("{name} as a number") } else { name };
        *sql = Sql::Identifier(Ident::with_quote('"', alias.as_str()));
        self.uses.insert(alias, ColumnUse { column, as_number });
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = InputError;

    fn pre_visit_expr(&mut self, sql: &mut Sql) -> ControlFlow<InputError> {
        match sql {
            Sql::BinaryOp { left, op, right } if wants_equal_types(op) => {
                if is_number(right) {
                    self.replace(left, true)?;
                }
                if is_number(left) {
                    self.replace(right, true)?;
                }
                ControlFlow::Continue(())
            }
            Sql::Between { expr, low, high, .. } if is_number(low) || is_number(high) => self.replace(expr, true),
            Sql::InList { expr, list, .. } if list.iter().any(is_number) => self.replace(expr, true),
            other => self.replace(other, false),
        }
    }
}

fn wants_equal_types(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo | B::Gt | B::Lt | B::GtEq | B::LtEq | B::Eq | B::NotEq
    )
}

fn is_number(sql: &Sql) -> bool {
    match sql {
        Sql::Value(value) => matches!(value.value, Value::Number(..)),
        Sql::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } | Sql::Nested(expr) => is_number(expr),
        Sql::BinaryOp { left, op, right } => wants_equal_types(op) && is_number(left) && is_number(right),
        _ => false,
    }
}

/// Makes the text beside a date or time column a date or time of that column's very type: people write
/// `event_time >= '2026-01-05'`, and row groups can only be skipped where no cast is in between.
///
/// # Errors
/// Text that is no date or time.
pub fn with_typed_times(expr: Expr, schema: &Schema) -> PolarsResult<Expr> {
    expr.try_map_expr(|expr| match expr {
        Expr::BinaryExpr { left, op, right } if op.is_comparison() => {
            let typed = |column: &Expr, other: &Arc<Expr>| match column {
                Expr::Column(name) => typed_time(other, schema.get(name)),
                _ => Ok(None),
            };
            let new_right = typed(&left, &right)?;
            let new_left = typed(&right, &left)?;
            Ok(Expr::BinaryExpr { left: new_left.map_or(left, Arc::new), op, right: new_right.map_or(right, Arc::new) })
        }
        other => Ok(other),
    })
}

fn typed_time(literal: &Expr, dtype: Option<&DataType>) -> PolarsResult<Option<Expr>> {
    let Some(dtype) = dtype.filter(|dtype| matches!(dtype, DataType::Date | DataType::Datetime(..))) else {
        return Ok(None);
    };
    if is_number_literal(literal) {
        polars_bail!(ComputeError: "a time is compared with a number; write the time like '2026-01-31 12:30:00'");
    }
    let Some(text) = literal_text(literal) else { return Ok(None) };
    let micros = instant_of(&text)
        .ok_or_else(|| polars_err!(ComputeError: "'{text}' is no date or time; write it like '2026-01-31' or '2026-01-31 12:30:00'"))?
        .micros();
    let value = match dtype {
        DataType::Date => AnyValue::Date(i32::try_from(micros.div_euclid(86_400_000_000)).unwrap_or(i32::MAX)),
        DataType::Datetime(unit, zone) => {
            let count = match unit {
                TimeUnit::Nanoseconds => micros.saturating_mul(1_000),
                TimeUnit::Microseconds => micros,
                TimeUnit::Milliseconds => micros.div_euclid(1_000),
            };
            AnyValue::DatetimeOwned(count, *unit, zone.clone().map(Arc::new))
        }
        _ => return Ok(None),
    };
    Ok(Some(lit(Scalar::new(dtype.clone(), value))))
}

fn is_number_literal(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(value) => value.get_datatype().is_primitive_numeric(),
        Expr::Function { input, .. } => input.iter().all(is_number_literal),
        _ => false,
    }
}

/// The text of a literal, also of one that SQL has made a time: `TIMESTAMP '…'`, `DATE '…'`.
fn literal_text(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Literal(value) => value.extract_str().map(str::to_string),
        Expr::Cast { expr, .. } => literal_text(expr),
        Expr::Function { input, .. } => literal_text(input.first()?),
        _ => None,
    }
}
