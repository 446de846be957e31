//! Derived columns, looked up and put among the columns of files.

use std::sync::Arc;

use super::columns::DerivedColumn;
use super::value::{key_of, DerivedValue};
use crate::events::error::InputError;
use crate::events::predicate::ParsedCondition;
use crate::events::source::columns::Columns;
use crate::events::source::footer::{FileSchema, Footer};
use crate::job::derived::Expressions;
use crate::job::Derived;

/// Has all files have the derived columns of a job, in the types that they have there.
///
/// # Errors
/// An expression that cannot be understood, or that names a column that does not exist; a circle; a name that a column of the
/// input has.
pub fn derive(derived: &[Derived], footers: &mut [Footer]) -> Result<(), InputError> {
    let mut parsed = Vec::new();
    for one in derived {
        let expression = ParsedCondition::parse(&one.expression);
        parsed.push((one, expression.map_err(|error| error.asked_by(&key_of(&one.name)))?));
    }
    for (one, expression) in in_order(&parsed, &Columns::of(footers))? {
        add(one, expression, footers)?;
    }
    Ok(())
}

/// A derived column and its expression.
type Parsed<'p> = (&'p Derived, ParsedCondition);

/// Derived columns, each after those that it is made of.
fn in_order<'p>(
    parsed: &'p [Parsed<'p>],
    columns: &Columns<'_>,
) -> Result<Vec<(&'p Derived, &'p ParsedCondition)>, InputError> {
    let mut order = Order { parsed, made_of: Vec::new(), way: Vec::new(), done: Vec::new() };
    for (one, expression) in parsed {
        if columns.has(&one.name)? {
            return Err(InputError::DerivedTaken { column: one.name.clone() });
        }
        let mut made_of = Vec::new();
        for name in expression.names() {
            // What the input has means that.
            if !columns.has(&name)? {
                // The longest name that it begins with: what has all of it is meant before what has something of it inside.
                let meant = parsed.iter().enumerate().filter(|(_, (other, _))| other.is_meant_by(&name));
                made_of.extend(meant.max_by_key(|(_, (other, _))| other.name.len()).map(|(place, _)| place));
            }
        }
        order.made_of.push(made_of);
    }
    (0..parsed.len()).try_for_each(|place| order.visit(place))?;
    Ok(order.done.iter().map(|place| (parsed[*place].0, &parsed[*place].1)).collect())
}

/// Puts derived columns behind those that they are made of.
struct Order<'p> {
    parsed: &'p [Parsed<'p>],
    /// For each the places of those that it is made of.
    made_of: Vec<Vec<usize>>,
    /// Those that are being looked at, each made of the next one.
    way: Vec<usize>,
    done: Vec<usize>,
}

impl Order<'_> {
    fn visit(&mut self, place: usize) -> Result<(), InputError> {
        if self.done.contains(&place) {
            return Ok(());
        }
        if let Some(first) = self.way.iter().position(|known| *known == place) {
            let circle = self.way[first..].iter().chain([&place]);
            let names = circle.map(|place| self.parsed[*place].0.name.clone()).collect();
            return Err(InputError::DerivedCircle { names });
        }
        self.way.push(place);
        for next in self.made_of[place].clone() {
            self.visit(next)?;
        }
        self.way.pop();
        self.done.push(place);
        Ok(())
    }
}

/// Adds a derived column to all files, which have those that it is made of.
fn add(derived: &Derived, expression: &ParsedCondition, footers: &mut [Footer]) -> Result<(), InputError> {
    let value =
        expression.resolve_whole(&Columns::of(footers)).map_err(|error| error.asked_by(&key_of(&derived.name)))?;
    let Some(first) = footers.first() else { return Ok(()) };
    let mut expressions = Expressions::from([(derived.name.clone(), derived.expression.clone())]);
    for used in value.uses.values() {
        expressions.extend(used.column.derived.iter().map(|(name, text)| (name.clone(), text.clone())));
    }
    let (name, text) = (derived.name.clone(), derived.expression.clone());
    let column = DerivedColumn { name, text, value, expressions: Arc::new(expressions) };
    let all = Arc::new(first.schema.derived.and(column.clone()));
    // Files share schemas, and go on to do so.
    let mut known: Vec<(Arc<FileSchema>, Arc<FileSchema>)> = Vec::new();
    for footer in footers {
        let of_file = known.iter().rev().find(|(was, _)| Arc::ptr_eq(was, &footer.schema));
        let with = match of_file {
            Some((_, with)) => Arc::clone(with),
            None => {
                let data_type = DerivedValue::over(&column, footer)?.data_type;
                let with = Arc::new(footer.schema.with_derived(&column.name, data_type, &all));
                known.push((Arc::clone(&footer.schema), Arc::clone(&with)));
                with
            }
        };
        footer.schema = with;
    }
    Ok(())
}
