//! `input.where`: a SQL condition over raw events (SPEC 2, step 1).
//!
//! sqlparser reads it, so that mistakes have a position; what is not of our language is refused, and the columns in it
//! are resolved like those of any key.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use polars::error::PolarsError;
use sqlparser::ast::{
    BinaryOperator, Expr as Sql, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, UnaryOperator, Value, Visit,
    VisitMut, Visitor, VisitorMut,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use super::language;
use super::language::{function_of, Function, Problem, Target};
use crate::events::bridge::one_line;
use crate::events::error::InputError;
use crate::events::source::columns::{ColumnRef, Columns, Source};
use crate::events::source::kind::Kind;

/// More of these are refused: a list says the same.
const MOST_OPERATORS: usize = 500;
/// Expressions are walked recursively: a deeper one would take the whole stack.
const MOST_LEVELS: usize = 100;
/// Words and signs beside the values of lists: a chain of them is as deep as it is long.
const MOST_SIGNS: usize = 5_000;

/// Calls inside of each other of functions whose arguments have words between them, at most: where one of them is wrong, the
/// parser reads what is inside of each in two or three ways before it says so.
const MOST_RETRIED: usize = 8;
const RETRIED: [&str; 10] =
    ["cast", "ceil", "floor", "interval", "overlay", "position", "safe_cast", "substr", "substring", "try_cast"];

/// The beginning of a text, as long as it is printed.
fn abridged(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text.to_string(),
    }
}

/// As long a part of a condition is printed.
const PRINTED: usize = 1_000;

/// As much of a condition as is printed.
pub fn printed(condition: &str) -> String {
    abridged(condition, PRINTED)
}

/// Some types and intervals are read recursively without an end: they are so on a stack that has room for all signs.
fn on_large_stack<T: Send>(read: impl FnOnce() -> T + Send) -> std::io::Result<T> {
    const STACK: usize = 256 << 20;
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, read)?;
        reader.join().map_err(|_| std::io::Error::other("the reader gave up"))
    })
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
    pub sql: Sql,
    /// The columns in it, by the name that `sql` has for them.
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
    /// Text that is no SQL expression, or not of our language, with the position.
    pub fn parse(text: &str) -> Result<Self, InputError> {
        let failed = |error: std::io::Error| {
            let reason = format!("there is no room to read it: {error}");
            InputError::Condition { condition: printed(text), reason, position: None }
        };
        on_large_stack(|| Self::read(text)).map_err(failed)?
    }

    fn read(text: &str) -> Result<Self, InputError> {
        let unread = |error: &dyn std::fmt::Display| placed(text, problem_of_parser(text, &error.to_string()));
        let failed = |problem: &Problem| condition_problem(text, problem);
        let mut tokenizer = Tokenizer::new(&GenericDialect {}, text);
        let tokens = tokenizer.tokenize_with_location().map_err(|error| unread(&error))?;
        if let Some(at) = one_too_many(&tokens) {
            let reason = format!("it is too long: more than {MOST_SIGNS} words and signs; use IN (…) for long lists");
            return Err(failed(&Problem { reason, at }));
        }
        if let Some(at) = one_too_deep(&tokens) {
            let reason = format!(
                "it is nested too deep: CAST, SUBSTRING and the like stand inside of each other at most {MOST_RETRIED} times, \
                 and after a period comes a name"
            );
            return Err(failed(&Problem { reason, at }));
        }
        let mut parser =
            Parser::new(&GenericDialect {}).with_recursion_limit(2 * MOST_LEVELS).with_tokens_with_locations(tokens);
        let sql = parser.parse_expr().map_err(|error| unread(&error))?;
        let next = parser.peek_token();
        if next.token != Token::EOF {
            let what = match next.token {
                Token::SemiColon => "it is one condition, and goes on after a semicolon".to_string(),
                other => format!("it goes on with {other}"),
            };
            let at = next.span.start;
            let reason = format!("{what} at Line: {}, Column: {}", at.line, at.column);
            return Err(placed(text, Problem { reason, at }));
        }
        let mut shape = Shape::default();
        if let ControlFlow::Break(problem) = sql.visit(&mut shape) {
            return Err(failed(&problem));
        }
        language::check(&sql).map_err(|problem| failed(&problem))?;
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

    /// The text of the whole condition.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts between its outermost `AND`s, each a condition.
    pub fn parts(&self) -> Vec<ParsedCondition> {
        let mut parts = Vec::new();
        split_conjuncts(&self.sql, &mut parts);
        parts.into_iter().map(|sql| ParsedCondition { text: self.text.clone(), sql }).collect()
    }

    /// What was read.
    #[cfg(test)]
    pub fn sql(&self) -> &Sql {
        &self.sql
    }

    /// Looks its columns up.
    ///
    /// # Errors
    /// A column that does not exist, with its position.
    pub fn resolve(&self, columns: &Columns<'_>) -> Result<Condition, InputError> {
        let conjuncts = self.parts().iter().map(|part| part.resolve_whole(columns)).collect::<Result<_, _>>()?;
        Ok(Condition { text: self.text.clone(), conjuncts })
    }

    /// Looks its columns up, where it is one part or a value.
    ///
    /// # Errors
    /// As [`ParsedCondition::resolve`].
    pub fn resolve_whole(&self, columns: &Columns<'_>) -> Result<Conjunct, InputError> {
        let mut part = self.sql.clone();
        let mut rewriter = Rewriter { condition: self, columns, uses: BTreeMap::new() };
        if let ControlFlow::Break(error) = VisitMut::visit(&mut part, &mut rewriter) {
            return Err(error);
        }
        Ok(Conjunct { sql: part, uses: rewriter.uses })
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
        let name = abridged(name, PRINTED / 2);
        let reason = format!("there is no column `{name}` at line {}, column {}{quotes}; {hint}", at.line, at.column);
        placed(&self.text, Problem { reason, at })
    }
}

impl Condition {
    /// The condition as the job has it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The parts that are about `key=value` folders alone, with their numbers among all: they choose whole files.
    pub fn folder_parts(&self) -> impl Iterator<Item = (usize, &Conjunct)> {
        self.conjuncts.iter().enumerate().filter(|(_, conjunct)| conjunct.is_about_folders())
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

/// What is wrong with a condition, as an error of it.
pub fn condition_problem(condition: &str, problem: &Problem) -> InputError {
    let Problem { reason, at } = problem;
    let mut reason = abridged(reason, PRINTED / 2);
    if at.line > 0 {
        reason += &format!(" (line {}, column {})", at.line, at.column);
    }
    placed(condition, Problem { reason, at: *at })
}

/// What is wrong with a condition, with the place in its words.
fn placed(condition: &str, problem: Problem) -> InputError {
    let Problem { reason, at } = problem;
    let shown = printed(condition);
    let is_in_first_line = at.line > 0 && !condition.contains('\n');
    let position = usize::try_from(at.column).ok().filter(|_| is_in_first_line);
    let position = position.filter(|column| *column <= shown.chars().count() + 1);
    InputError::Condition { condition: shown, reason, position }
}

/// What the parser says, which has the place in its words.
fn problem_of_parser(text: &str, said: &str) -> Problem {
    let number = |after: &str| {
        let digits: String = said.rsplit(after).next()?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse::<u64>().ok()
    };
    let end = Location {
        line: text.lines().count() as u64,
        column: text.lines().last().map_or(0, |line| line.chars().count()) as u64 + 1,
    };
    let at = if said.contains(" at Line: ") {
        Location { line: number("Line: ").unwrap_or(0), column: number("Column: ").unwrap_or(0) }
    } else if said.contains("EOF") {
        end
    } else {
        Location { line: 0, column: 0 }
    };
    let reason = match said.trim_start_matches("sql parser error: ") {
        "recursion limit exceeded" => format!("it is nested too deep: more than {MOST_LEVELS} levels"),
        other => abridged(other, PRINTED / 2),
    };
    Problem { reason, at }
}

/// Where more is inside of each other of what the parser reads in several ways than it can in a moment: calls of some functions,
/// `INTERVAL`, and names before a period that no name follows.
fn one_too_deep(tokens: &[TokenWithSpan]) -> Option<Location> {
    let is_retried = |token: Option<&Token>| match token {
        Some(Token::Word(word)) => RETRIED.contains(&word.value.to_ascii_lowercase().as_str()),
        _ => false,
    };
    let is_name = |token: &Token| matches!(token, Token::Word(_));
    // For each open bracket whether it is of such a call, and how many of them are.
    let (mut open, mut retried) = (Vec::new(), 0);
    let (mut names, mut intervals) = (0, 0);
    let mut last: Option<&Token> = None;
    for token in tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))) {
        let after_period = matches!(last, Some(Token::Period));
        match &token.token {
            Token::LParen => {
                open.push(is_retried(last));
                retried += usize::from(is_retried(last));
            }
            Token::RParen => retried -= usize::from(open.pop().unwrap_or(false)),
            Token::Period => names += 1,
            other if is_name(other) && !after_period => names = 0,
            _ => {}
        }
        let is_interval = matches!(&token.token, Token::Word(word) if word.value.eq_ignore_ascii_case("interval"));
        intervals = if is_interval { intervals + 1 } else { 0 };
        let ends_in_period = after_period && !is_name(&token.token) && names > MOST_RETRIED;
        if retried > MOST_RETRIED || intervals > MOST_RETRIED || ends_in_period {
            return Some(token.span.start);
        }
        last = Some(&token.token);
    }
    let end = tokens.last().filter(|_| matches!(last, Some(Token::Period)) && names > MOST_RETRIED);
    end.map(|token| token.span.start)
}

/// The first of more words and signs than there can be. The values of lists do not count, and neither do their signs.
fn one_too_many(tokens: &[TokenWithSpan]) -> Option<Location> {
    let mut last = None;
    let mut signs = 0;
    for token in tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))) {
        let is_value = match &token.token {
            Token::Number(..) | Token::SingleQuotedString(_) | Token::Comma => true,
            Token::Minus | Token::Plus => matches!(last, Some(Token::Comma | Token::LParen)),
            _ => false,
        };
        signs += usize::from(!is_value);
        if signs > MOST_SIGNS {
            return Some(token.span.start);
        }
        last = Some(token.token.clone());
    }
    None
}

/// How deep a condition is nested, where what AND or OR joins is on one level, and how many of these there are.
#[derive(Default)]
struct Shape {
    levels: usize,
    operators: usize,
}

fn is_logic(sql: &Sql) -> bool {
    matches!(sql, Sql::BinaryOp { op: BinaryOperator::And | BinaryOperator::Or, .. })
}

impl Visitor for Shape {
    type Break = Problem;

    fn pre_visit_expr(&mut self, sql: &Sql) -> ControlFlow<Problem> {
        if is_logic(sql) {
            self.operators += 1;
        } else {
            self.levels += 1;
        }
        let refused = |reason: String| ControlFlow::Break(Problem { reason, at: Location { line: 0, column: 0 } });
        if self.operators > MOST_OPERATORS {
            return refused(format!("it has more than {MOST_OPERATORS} times AND and OR; use IN (…)"));
        }
        if self.levels > MOST_LEVELS {
            return refused(format!("it is nested too deep: more than {MOST_LEVELS} levels"));
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, sql: &Sql) -> ControlFlow<Problem> {
        self.levels -= usize::from(!is_logic(sql));
        ControlFlow::Continue(())
    }
}

/// What polars says of a condition, as an error of the condition.
pub fn condition_error(condition: &str, error: &PolarsError) -> InputError {
    InputError::Condition { condition: printed(condition), reason: one_line(error), position: None }
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
    /// Whether something is a number: written as one, reckoned, or a column of them.
    fn is_number(&self, sql: &Sql) -> bool {
        match sql {
            Sql::Value(value) => matches!(value.value, Value::Number(..)),
            Sql::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr } | Sql::Nested(expr) => {
                self.is_number(expr)
            }
            Sql::BinaryOp { left, op, right } => is_arithmetic(op) && self.is_number(left) && self.is_number(right),
            Sql::Cast { data_type, .. } => Target::of(data_type).is_some_and(Target::is_number),
            Sql::Extract { .. } | Sql::Position { .. } | Sql::Ceil { .. } | Sql::Floor { .. } => true,
            Sql::Function(call) => language::function(sql, call).is_ok_and(|(function, _)| function.gives_number()),
            other => name_of(other).is_some_and(|(name, _)| {
                let found = self.columns.find(&name).ok().flatten();
                found.is_some_and(|column| {
                    matches!(column.kind, Kind::Int | Kind::UInt64 | Kind::Float | Kind::Decimal(_))
                })
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
        let mut ident = Ident::with_quote('"', alias.as_str());
        ident.span = sqlparser::ast::Spanned::span(sql);
        *sql = Sql::Identifier(ident);
        self.uses.insert(alias, ColumnUse { column, as_number });
        ControlFlow::Continue(())
    }
}

impl Rewriter<'_> {
    /// Replaces the columns on both sides of a comparison: each is needed as a number where the other side is one.
    fn replace_sides(&mut self, left: &mut Sql, right: &mut Sql) -> ControlFlow<InputError> {
        let (left_is_number, right_is_number) = (self.is_number(left), self.is_number(right));
        if right_is_number {
            self.replace(left, true)?;
        }
        if left_is_number {
            self.replace(right, true)?;
        }
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = InputError;

    fn pre_visit_expr(&mut self, sql: &mut Sql) -> ControlFlow<InputError> {
        match sql {
            Sql::BinaryOp { left, op, right } if wants_equal_types(op) => self.replace_sides(left, right),
            Sql::Between { expr, low, high, .. } if self.is_number(low) || self.is_number(high) => {
                self.replace(expr, true)
            }
            Sql::InList { expr, list, .. } if list.iter().any(|value| self.is_number(value)) => {
                self.replace(expr, true)
            }
            Sql::IsDistinctFrom(left, right) | Sql::IsNotDistinctFrom(left, right) => self.replace_sides(left, right),
            Sql::UnaryOp { op: UnaryOperator::Minus | UnaryOperator::Plus, expr }
            | Sql::Ceil { expr, .. }
            | Sql::Floor { expr, .. } => self.replace(expr, true),
            Sql::Function(call) => {
                let takes_numbers = function_of(call).is_some_and(Function::takes_numbers);
                if let (true, FunctionArguments::List(list)) = (takes_numbers, &mut call.args) {
                    for argument in &mut list.args {
                        if let FunctionArg::Unnamed(FunctionArgExpr::Expr(argument)) = argument {
                            self.replace(argument, true)?;
                        }
                    }
                }
                ControlFlow::Continue(())
            }
            other => self.replace(other, false),
        }
    }
}

fn is_arithmetic(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    matches!(op, B::Plus | B::Minus | B::Multiply | B::Divide | B::Modulo | B::DuckIntegerDivide)
}

fn wants_equal_types(op: &BinaryOperator) -> bool {
    use BinaryOperator as B;
    is_arithmetic(op) || matches!(op, B::Gt | B::Lt | B::GtEq | B::LtEq | B::Eq | B::NotEq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn what_the_parser_would_read_over_and_over_is_refused() {
        let began = Instant::now();
        for part in ["substr(", "CAST(", "position(", "lower(floor(", "interval ", "INTERVAL (", "x.", "x . "] {
            for end in ["", "a b", ")"] {
                let refused = ParsedCondition::parse(&format!("{}{end}", part.repeat(40)));
                let said = refused.err().map(|error| error.to_string()).unwrap_or_default();
                // A name that goes on is one.
                let is_name = part.starts_with('x') && end == "a b";
                assert!(said.contains("nested too deep") || is_name, "{part} {end}: {said}");
            }
        }
        assert!(began.elapsed() < Duration::from_secs(20));
        let of =
            |open: &str, close: &str, times: usize| format!("{}x{} = 'a'", open.repeat(times), close.repeat(times));
        for whole in [
            of("substr(", ", 1)", 8),
            of("lower(", ")", 20),
            of("x.", "", 20),
            "CAST(a AS int) = 1 OR ".repeat(20) + "TRUE",
        ] {
            let refused = ParsedCondition::parse(&whole).err().map(|error| error.to_string());
            assert_eq!(refused, None, "{whole}");
        }
    }
}
