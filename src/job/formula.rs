//! Formulas over the series of a chart (SPEC 6): `%: SESSIONTOTALS(A) / SESSIONTOTALS(B)`.
//!
//! A sum of products of factors, read from left to right; division by zero is nothing, and so is what is
//! computed from it.

use std::fmt;

/// A formula, or a histogram in its place.
///
/// ```
/// use dwell::job::formula::{Formula, Function};
///
/// let series = ["A".to_string(), "B".to_string()];
/// let share = Formula::parse("%: SESSIONTOTALS(A) / SESSIONTOTALS(B)", &series).unwrap();
/// let sessions = |of_a, of_b| move |_: Function, series: usize| Some([of_a, of_b][series]);
/// assert_eq!(share.value(&sessions(3.0, 12.0)), Some(25.0));
/// // A share of nothing is nothing, not zero.
/// assert_eq!(share.value(&sessions(0.0, 0.0)), None);
///
/// let error = Formula::parse("UNIQUES(C)", &series).unwrap_err();
/// assert_eq!(error.position, 9);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A number for each interval.
    Number {
        /// How it is shown.
        unit: Unit,
        /// What it is.
        term: Term,
    },
    /// `HIST(A)`: the histogram of this series.
    Histogram(usize),
}

/// How a formula's number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// As it is.
    Plain,
    /// `%:`, times 100.
    Percent,
    /// `$:`, an amount of money.
    Money,
}

/// A part of a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    /// A number.
    Number(f64),
    /// A number of a series.
    Of(Function, usize),
    /// A negated part.
    Negative(Box<Term>),
    /// Two parts.
    Pair(Box<Term>, Operator, Box<Term>),
}

/// What two parts are combined by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Times,
    /// `/`
    Over,
}

/// What a formula takes of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// Sessions.
    SessionTotals,
    /// Events counted in them.
    EventTotals,
    /// Distinct users with such a session.
    Uniques,
    /// Total length in seconds, or the sum of the property.
    PropSum,
}

impl Function {
    const ALL: [(&'static str, Function); 4] = [
        ("SESSIONTOTALS", Function::SessionTotals),
        ("EVENTTOTALS", Function::EventTotals),
        ("UNIQUES", Function::Uniques),
        ("PROPSUM", Function::PropSum),
    ];
}

/// A formula that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormulaError {
    /// The character that is wrong, from 1.
    pub position: usize,
    /// What is there and what was expected.
    pub reason: String,
}

impl Formula {
    /// Reads a formula over series of these names.
    ///
    /// # Errors
    /// Where it goes wrong, and what was expected there.
    pub fn parse(text: &str, series: &[String]) -> Result<Formula, FormulaError> {
        let tokens = tokens(text)?;
        if let Some((position, _)) = tokens.get(MOST_TOKENS) {
            let reason = format!("it goes on after {MOST_TOKENS} numbers, functions, operators and brackets");
            return Err(FormulaError { position: *position, reason });
        }
        let mut parser = Parser { tokens, at: 0, depth: 0, series };
        let unit = parser.unit();
        if let Some(series) = parser.histogram(unit)? {
            return Ok(Formula::Histogram(series));
        }
        let term = parser.sum()?;
        match parser.peek() {
            Token::End => Ok(Formula::Number { unit, term }),
            _ => Err(parser.expected("an operator (+ - * /) or the end")),
        }
    }

    /// Whether it takes this of any series.
    pub fn uses(&self, function: Function) -> bool {
        match self {
            Formula::Number { term, .. } => term.functions().iter().any(|(used, _)| *used == function),
            Formula::Histogram(_) => false,
        }
    }

    /// What it takes of which series.
    pub fn functions(&self) -> Vec<(Function, usize)> {
        match self {
            Formula::Number { term, .. } => term.functions(),
            Formula::Histogram(_) => Vec::new(),
        }
    }

    /// Its number, given those of the series; `None` where it divides by zero, or anything it needs is
    /// nothing.
    pub fn value(&self, of: &impl Fn(Function, usize) -> Option<f64>) -> Option<f64> {
        match self {
            Formula::Number { unit: Unit::Percent, term } => term.value(of).map(|value| value * 100.0),
            Formula::Number { term, .. } => term.value(of),
            Formula::Histogram(_) => None,
        }
        .filter(|value| value.is_finite())
    }
}

impl Term {
    fn functions(&self) -> Vec<(Function, usize)> {
        match self {
            Term::Number(_) => Vec::new(),
            Term::Of(function, series) => vec![(*function, *series)],
            Term::Negative(term) => term.functions(),
            Term::Pair(left, _, right) => [left.functions(), right.functions()].concat(),
        }
    }

    fn value(&self, of: &impl Fn(Function, usize) -> Option<f64>) -> Option<f64> {
        match self {
            Term::Number(number) => Some(*number),
            Term::Of(function, series) => of(*function, *series),
            Term::Negative(term) => Some(-term.value(of)?),
            Term::Pair(left, operator, right) => {
                let (left, right) = (left.value(of)?, right.value(of)?);
                match operator {
                    Operator::Plus => Some(left + right),
                    Operator::Minus => Some(left - right),
                    Operator::Times => Some(left * right),
                    Operator::Over => (right != 0.0).then(|| left / right),
                }
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Word(String),
    Sign(char),
    Unit(Unit),
    End,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Number(number) => write!(f, "{number}"),
            Token::Word(word) => write!(f, "{word}"),
            Token::Sign(sign) => write!(f, "{sign}"),
            Token::Unit(Unit::Money) => write!(f, "$:"),
            Token::Unit(_) => write!(f, "%:"),
            Token::End => write!(f, "the end"),
        }
    }
}

/// The tokens with the position of each, from 1; the last one is the end.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FormulaError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let start = at;
        let rest = |at: usize, holds: fn(char) -> bool| {
            characters[at..].iter().take_while(|character| holds(**character)).count()
        };
        let token = match characters[at] {
            space if space.is_whitespace() => {
                at += 1;
                continue;
            }
            '%' | '$' if characters.get(at + 1) == Some(&':') => {
                at += 2;
                Token::Unit(if characters[start] == '%' { Unit::Percent } else { Unit::Money })
            }
            '0'..='9' | '.' => {
                at += rest(at, |character| character.is_ascii_digit() || character == '.');
                let written: String = characters[start..at].iter().collect();
                let number = written
                    .parse()
                    .map_err(|_| FormulaError { position: start + 1, reason: format!("{written} is no number") })?;
                Token::Number(number)
            }
            letter if letter.is_alphabetic() => {
                at += rest(at, |character| character.is_alphanumeric() || character == '_');
                Token::Word(characters[start..at].iter().collect())
            }
            sign => {
                at += 1;
                Token::Sign(sign)
            }
        };
        tokens.push((start + 1, token));
    }
    tokens.push((characters.len() + 1, Token::End));
    Ok(tokens)
}

/// What is computed recursively must not take the whole stack: nobody writes a formula of so many parts.
const MOST_TOKENS: usize = 2_000;
/// Brackets and minus signs may be inside of each other this deep.
const MOST_NESTED: usize = 100;

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    depth: usize,
    series: &'a [String],
}

impl Parser<'_> {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].1
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn takes(&mut self, sign: char) -> bool {
        let found = *self.peek() == Token::Sign(sign);
        if found {
            self.next();
        }
        found
    }

    fn expected(&self, what: &str) -> FormulaError {
        let (position, token) = &self.tokens[self.at];
        FormulaError { position: *position, reason: format!("expected {what}, found {token}") }
    }

    fn expect(&mut self, sign: char) -> Result<(), FormulaError> {
        match self.takes(sign) {
            true => Ok(()),
            false => Err(self.expected(&format!("{sign}"))),
        }
    }

    fn unit(&mut self) -> Unit {
        match *self.peek() {
            Token::Unit(unit) => {
                self.next();
                unit
            }
            _ => Unit::Plain,
        }
    }

    fn histogram(&mut self, unit: Unit) -> Result<Option<usize>, FormulaError> {
        if !matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case("HIST")) || unit != Unit::Plain {
            return Ok(None);
        }
        self.next();
        let series = self.series_in_brackets()?;
        match self.peek() {
            Token::End => Ok(Some(series)),
            _ => Err(self.expected("the end: HIST stands alone")),
        }
    }

    fn sum(&mut self) -> Result<Term, FormulaError> {
        let mut left = self.product()?;
        loop {
            let operator = match self.peek() {
                Token::Sign('+') => Operator::Plus,
                Token::Sign('-') => Operator::Minus,
                _ => return Ok(left),
            };
            self.next();
            left = Term::Pair(Box::new(left), operator, Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Result<Term, FormulaError> {
        let mut left = self.factor()?;
        loop {
            let operator = match self.peek() {
                Token::Sign('*') => Operator::Times,
                Token::Sign('/') => Operator::Over,
                _ => return Ok(left),
            };
            self.next();
            left = Term::Pair(Box::new(left), operator, Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Result<Term, FormulaError> {
        self.depth += 1;
        if self.depth > MOST_NESTED {
            return Err(self.expected(&format!("at most {MOST_NESTED} brackets inside of each other")));
        }
        let factor = self.factor_inside()?;
        self.depth -= 1;
        Ok(factor)
    }

    fn factor_inside(&mut self) -> Result<Term, FormulaError> {
        if self.takes('-') {
            return Ok(Term::Negative(Box::new(self.factor()?)));
        }
        if self.takes('(') {
            let inner = self.sum()?;
            self.expect(')')?;
            return Ok(inner);
        }
        let function = match self.peek() {
            Token::Number(number) => {
                let number = *number;
                self.next();
                return Ok(Term::Number(number));
            }
            Token::Word(word) if word.eq_ignore_ascii_case("HIST") => {
                return Err(self.expected("a number or a function; HIST stands alone"));
            }
            Token::Word(word) => {
                let known = Function::ALL.iter().find(|(name, _)| word.eq_ignore_ascii_case(name));
                match known {
                    Some((_, function)) => *function,
                    None => {
                        let names = Function::ALL.map(|(name, _)| name);
                        let near = crate::stats::nearest::nearest(word, names);
                        let hint = near.map_or_else(|| names.join(", ") + " or HIST", |near| format!("{near}(A)"));
                        return Err(self.expected(&hint));
                    }
                }
            }
            _ => return Err(self.expected("a number, a function like SESSIONTOTALS(A), or a bracket")),
        };
        self.next();
        Ok(Term::Of(function, self.series_in_brackets()?))
    }

    fn series_in_brackets(&mut self) -> Result<usize, FormulaError> {
        self.expect('(')?;
        let names = self.series.join(", ");
        let known = match self.peek() {
            Token::Word(word) => self.series.iter().position(|name| name.eq_ignore_ascii_case(word)),
            _ => None,
        };
        let Some(series) = known else { return Err(self.expected(&format!("a series ({names})"))) };
        self.next();
        self.expect(')')?;
        Ok(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Formula, FormulaError> {
        Formula::parse(text, &["A".to_string(), "B".to_string()])
    }

    /// With 6 sessions, 20 events, 3 users and 90 seconds in A, and nothing in B.
    fn value(text: &str) -> Option<f64> {
        parse(text).expect(text).value(&|function, series| {
            let numbers = if series == 0 { [6.0, 20.0, 3.0, 90.0] } else { [0.0; 4] };
            Some(numbers[function as usize])
        })
    }

    #[test]
    fn products_bind_closer_than_sums_and_both_go_from_left_to_right() {
        assert_eq!(value("1 + 2 * 3"), Some(7.0));
        assert_eq!(value("8 - 4 - 2"), Some(2.0));
        assert_eq!(value("8 / 4 / 2"), Some(1.0));
        assert_eq!(value("(1 + 2) * -3"), Some(-9.0));
        assert_eq!(value("SESSIONTOTALS(A) / uniques(a) + EventTotals(A)"), Some(22.0));
        assert_eq!(value("PROPSUM(A) / 60"), Some(1.5));
        assert_eq!(value("%: 3 / 4"), Some(75.0));
        assert_eq!(value("$: 2.5 * 2"), Some(5.0));
    }

    #[test]
    fn division_by_zero_is_nothing_and_so_is_what_comes_of_it() {
        assert_eq!(value("1 / SESSIONTOTALS(B)"), None);
        assert_eq!(value("2 + 1 / (1 - 1) * 0"), None);
        assert_eq!(value("SESSIONTOTALS(B) / 1"), Some(0.0));
    }

    #[test]
    fn a_histogram_stands_alone() {
        assert_eq!(parse("HIST(B)"), Ok(Formula::Histogram(1)));
        for text in ["HIST(A) + 1", "1 + HIST(A)", "%: HIST(A)"] {
            assert!(parse(text).expect_err(text).reason.contains("HIST stands alone"), "{text}");
        }
    }

    #[test]
    fn mistakes_are_named_with_their_place_and_what_was_expected() {
        for (text, position, expected) in [
            ("", 1, "a number, a function"),
            ("1 +", 4, "a number, a function"),
            ("SESSIONTOTALS(C)", 15, "a series (A, B), found C"),
            ("SESSIONTOTALS A", 15, "expected (, found A"),
            ("SESIONTOTALS(A)", 1, "SESSIONTOTALS(A)"),
            ("(1 + 2", 7, "expected ), found the end"),
            ("1 2", 3, "an operator"),
            ("1.2.3", 1, "1.2.3 is no number"),
            ("1 % 2", 3, "an operator"),
            ("1 + %: 2", 5, "found %:"),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.position, position, "{text}: {}", error.reason);
            assert!(error.reason.contains(expected), "{text}: {}", error.reason);
        }
        assert!(parse(&"(".repeat(10_000)).is_err() && parse(&"-".repeat(10_000)).is_err());
        for chain in ["+1", "*1", "/UNIQUES(A)"] {
            let long = format!("UNIQUES(A){}", chain.repeat(10_000));
            assert!(parse(&long).expect_err(chain).reason.contains("2000 numbers"), "{chain}");
            assert!(parse(&format!("UNIQUES(A){}", chain.repeat(300))).is_ok(), "{chain}");
        }
    }

    /// A random formula as text, and its value computed beside it.
    fn random() -> impl Strategy<Value = (String, Option<f64>)> {
        let leaf = (0u32..20).prop_map(|number| (number.to_string(), Some(f64::from(number))));
        leaf.prop_recursive(5, 40, 2, |inner| {
            (inner.clone(), prop::sample::select(&['+', '-', '*', '/'][..]), inner).prop_map(
                |((left_text, left), operator, (right_text, right))| {
                    let both = left.zip(right);
                    let value = both.and_then(|(left, right)| match operator {
                        '+' => Some(left + right),
                        '-' => Some(left - right),
                        '*' => Some(left * right),
                        _ => (right != 0.0).then(|| left / right),
                    });
                    (format!("({left_text}{operator} {right_text})"), value)
                },
            )
        })
    }

    proptest! {
        #[test]
        fn values_are_those_of_plain_arithmetic((text, expected) in random()) {
            prop_assert_eq!(value(&text), expected.filter(|value| value.is_finite()));
        }
    }
}
