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

use crate::events::columns::{ColumnRef, Columns, Source};
use crate::events::error::InputError;
use crate::events::kind::Kind;

/// Expressions are walked recursively: a longer chain would take minutes, or the whole stack.
const MOST_OPERATORS: usize = 500;

/// The beginning of a condition too long to print.
fn abridged(text: &str) -> String {
    text.chars().take(80).collect::<String>() + " …"
}

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
        let mut operators = 0;
        let asks = sqlparser::ast::visit_expressions(&sql, |expr| {
            operators +=
                usize::from(matches!(expr, Sql::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. }));
            match expr {
                Sql::Subquery(_) | Sql::Exists { .. } | Sql::InSubquery { .. } => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        if asks.is_break() {
            return Err(failed("it is asked of each row by itself, so it cannot have a query in it".to_string()));
        }
        if operators > MOST_OPERATORS {
            let reason = format!(
                "it has {operators} times AND and OR, and at most {MOST_OPERATORS} can be computed; use IN (…)"
            );
            return Err(InputError::Condition { condition: abridged(text), reason, position: None });
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
        let expr = polars::sql::sql_expr(part.to_string()).map_err(|error| match error.to_string() {
            // It shows its insides where it does not know something.
            what if what.contains("Span(") => {
                let reason = format!("this is not known here: {part}");
                InputError::Condition { condition: self.text.clone(), reason, position: None }
            }
            _ => condition_error(&self.text, &error),
        })?;
        // A list after IN is imploded: that is no aggregate over rows.
        let aggregates = |expr: &Expr| match expr {
            Expr::Agg(AggExpr::Implode { .. }) => false,
            other => matches!(other, Expr::Agg(_) | Expr::Len | Expr::Over { .. }),
        };
        if expr.into_iter().any(aggregates) {
            let reason = "it is asked of each row by itself, so it cannot aggregate over rows".to_string();
            return Err(InputError::Condition { condition: self.text.clone(), reason, position: None });
        }
        Ok(Conjunct { expr, uses: rewriter.uses })
    }

    fn unknown_column(&self, name: &str, at: Location, columns: &Columns<'_>) -> InputError {
        let outer = name.split_once('.').and_then(|(outer, _)| Some((outer, columns.find(outer).ok()??)));
        let hint = match (outer, columns.nearest(name)) {
            (Some((outer, ColumnRef { kind: Kind::Struct(fields), .. })), _) => {
                let fields: Vec<&str> = fields.iter().map(|(field, _)| field.as_str()).collect();
                format!("the fields of {outer} are {}", fields.join(", "))
            }
            (_, Some(near)) => format!("did you mean {near}?"),
            (_, None) => format!("the columns are {}", columns.names().join(", ")),
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

    /// The columns in it.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnRef> {
        self.conjuncts.iter().flat_map(|conjunct| conjunct.uses.values()).map(|used| &used.column)
    }

    /// All parts.
    pub fn parts(&self) -> impl Iterator<Item = &Conjunct> {
        self.conjuncts.iter()
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
    /// Whether something is a number: written as one, or a column of them.
    fn is_number(&self, sql: &Sql) -> bool {
        match sql {
            Sql::Value(value) => matches!(value.value, Value::Number(..)),
            Sql::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } | Sql::Nested(expr) => {
                self.is_number(expr)
            }
            Sql::BinaryOp { left, op, right } => wants_equal_types(op) && self.is_number(left) && self.is_number(right),
            other => name_of(other).is_some_and(|(name, _)| {
                let found = self.columns.find(&name).ok().flatten();
                found.is_some_and(|column| matches!(column.kind, Kind::Int | Kind::UInt64 | Kind::Float))
            }),
        }
    }

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
        // A column of nulls has no type of its own.
        let as_number = number_needed && (column.kind.is_text_or_number() || column.kind == Kind::Null);
        let alias = if as_number { format!("{name} as a number") } else { name };
        *sql = Sql::Identifier(Ident::with_quote('"', alias.as_str()));
        self.uses.insert(alias, ColumnUse { column, as_number });
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = InputError;

    fn pre_visit_expr(&mut self, sql: &mut Sql) -> ControlFlow<InputError> {
        spell_out(sql);
        match sql {
            Sql::BinaryOp { left, op, right } if wants_equal_types(op) => {
                let (left_is_number, right_is_number) = (self.is_number(left), self.is_number(right));
                if right_is_number {
                    self.replace(left, true)?;
                }
                if left_is_number {
                    self.replace(right, true)?;
                }
                ControlFlow::Continue(())
            }
            Sql::Between { expr, low, high, .. } if self.is_number(low) || self.is_number(high) => {
                self.replace(expr, true)
            }
            Sql::InList { expr, list, .. } if list.iter().any(|value| self.is_number(value)) => {
                self.replace(expr, true)
            }
            other => self.replace(other, false),
        }
    }
}

/// Lists up to this long are spelled out as alternatives, which know the types of what they compare.
const SHORT_LIST: usize = 256;

/// Puts what polars takes differently, or not at all, into words that it takes as SQL means them.
fn spell_out(sql: &mut Sql) {
    let nested = |expr: Sql| Sql::Nested(Box::new(expr));
    let not = |expr: Sql| Sql::UnaryOp { op: UnaryOperator::Not, expr: Box::new(nested(expr)) };
    let or = |left: Sql, right: Sql| {
        nested(Sql::BinaryOp { left: Box::new(left), op: BinaryOperator::Or, right: Box::new(right) })
    };
    match sql {
        // These hold for null, too.
        Sql::IsNotTrue(inner) => *sql = or(Sql::IsNull(inner.clone()), not(inner.as_ref().clone())),
        Sql::IsNotFalse(inner) => *sql = or(Sql::IsNull(inner.clone()), nested(inner.as_ref().clone())),
        Sql::InList { expr, list, negated } if !list.is_empty() && list.len() <= SHORT_LIST => {
            let is = |value: &Sql| Sql::BinaryOp {
                left: expr.clone(),
                op: BinaryOperator::Eq,
                right: Box::new(value.clone()),
            };
            let mut any: Vec<Sql> = list.iter().map(is).collect();
            // As a balanced tree: polars walks expressions recursively.
            while any.len() > 1 {
                any = any
                    .chunks(2)
                    .map(|pair| pair.iter().cloned().reduce(or).unwrap_or_else(|| pair[0].clone()))
                    .collect();
            }
            let any = nested(any.swap_remove(0));
            *sql = if *negated { not(any) } else { any };
        }
        _ => {}
    }
}

fn wants_equal_types(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(
        op,
        B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo | B::Gt | B::Lt | B::GtEq | B::LtEq | B::Eq | B::NotEq
    )
}
