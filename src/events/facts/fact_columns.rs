//! What charts and segments ask of each row of a batch, as one code a row.
//!
//! Conditions that we know and columns that are taken as they are decoded are all that most jobs have; polars computes
//! what else there is.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast as arrow_cast;
use arrow::datatypes::{DataType as ArrowType, Float64Type, Int64Type};
use arrow::record_batch::RecordBatch;
use polars::prelude::*;

use super::tuples::Tuples;
use super::{Facts, Property};
use crate::events::bridge;
use crate::events::bridge::one_line;
use crate::events::bridge::polars_error;
use crate::events::decode::coded::{coded, coded_numbers};
use crate::events::decode::dictionaries::CodedText;
use crate::events::error::InputError;
use crate::events::normalise::convert::{ordered, values};
use crate::events::normalise::error::ProjectError;
use crate::events::normalise::extract::made_of;
use crate::events::predicate::compile::formula;
use crate::events::predicate::formula::Formula;
use crate::events::predicate::known::{KnownConditions, Seen};
use crate::events::predicate::ColumnUse;
use crate::events::source::columns::Source;
use crate::events::source::footer::{FileSchema, Footer};
use crate::events::source::kind::Kind;
use crate::events::source::roles::KeyType;
use crate::sessionize::facts::FactWriter;
use crate::sessionize::layout::columns::{Coded, KeyColumn, TextColumn};

/// How the facts of files of one schema are computed.
#[derive(Clone, Debug)]
pub struct FactProjection {
    facts: Arc<Facts>,
    /// The columns of the file that it needs.
    columns: Vec<String>,
    known: KnownConditions,
    values: Vec<Taken>,
    rest: Rest,
}

/// Where the values of a property are.
#[derive(Clone, Debug)]
enum Taken {
    /// There are none.
    Nowhere,
    /// In a column of the file, as it is decoded.
    Column(String),
    /// In a column that polars makes.
    Made(String),
}

/// What polars has to compute.
#[derive(Clone, Debug, Default)]
struct Rest {
    /// The columns of the file that it looks at.
    columns: Vec<String>,
    /// Columns of conditions that are no whole columns of the file.
    made: Vec<Expr>,
    /// The conditions, by their bits.
    conditions: Vec<(u32, Expr)>,
    /// The values.
    values: Vec<Expr>,
}

impl FactProjection {
    /// For files like this one.
    ///
    /// # Errors
    /// A condition that polars cannot compute over these files.
    pub fn new(facts: &Arc<Facts>, footer: &Footer) -> Result<Self, InputError> {
        let mut typed = Vec::new();
        for (bit, condition) in facts.conditions() {
            typed.push((bit, condition, facts.typed((bit, condition), footer)?));
        }
        let known = typed.iter().filter_map(|(bit, _, parts)| Some((*bit, formula(parts, footer)?)));
        let known: Vec<(u32, Formula<_>)> = known.collect();
        let mut ours: Vec<u32> = known.iter().map(|(bit, _)| *bit).collect();
        let (known, too_much) = KnownConditions::new(known);
        ours.retain(|bit| !too_much.contains(bit));
        let mut rest = Rest::default();
        let mut uses: Vec<(&String, &ColumnUse)> = Vec::new();
        for (bit, _, parts) in typed.iter().filter(|(bit, ..)| !ours.contains(bit)) {
            let all = parts.iter().map(|(part, _)| part.expr.clone()).reduce(Expr::and).unwrap_or_else(|| lit(true));
            rest.conditions.push((*bit, all.fill_null(lit(false)).alias(condition_name(*bit))));
            uses.extend(parts.iter().flat_map(|(_, part)| &part.uses));
        }
        rest.columns.extend(uses.iter().filter_map(|(_, used)| used.column.file_column()).map(str::to_string));
        rest.made = made_of(uses.into_iter(), footer).into_values().collect();
        let (values, by) = facts.properties();
        let take = |(place, property): (usize, &Property)| {
            let taken = taken(property, &footer.schema);
            taken.unwrap_or_else(|| {
                let name = format!("dwell value {place}");
                rest.values.push(property.expr(footer).alias(name.as_str()));
                rest.columns.extend(property.column.file_column().map(str::to_string));
                Taken::Made(name)
            })
        };
        let values = values.iter().chain(by).enumerate().map(take).collect();
        rest.columns.sort_unstable();
        rest.columns.dedup();
        let columns = facts.file_columns(&footer.schema);
        Ok(FactProjection { facts: Arc::clone(facts), columns, known, values, rest })
    }

    /// The columns of the file that it needs.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Those among them that polars looks at.
    pub fn polars_columns(&self) -> &[String] {
        &self.rest.columns
    }

    /// The facts of the rows of a batch.
    ///
    /// # Errors
    /// A condition fails on a value, or a value is of no use.
    pub fn apply(&self, batch: &RecordBatch, seen: &mut Seen) -> Result<Coded, ProjectError> {
        let rows = batch.num_rows();
        if self.facts.are_none() {
            return Ok(Facts::none(rows));
        }
        let made = self.rest.computed(batch).map_err(|(bit, reason)| self.blame(bit, reason))?;
        let (of_charts, by) = self.facts.properties();
        let properties = of_charts.iter().chain(by);
        let columns = self.values.iter().zip(properties).map(|(taken, property)| match taken {
            Taken::Nowhere => Ok(ValueCodes::none(rows)),
            Taken::Column(name) => match batch.column_by_name(name) {
                Some(column) => ValueCodes::as_decoded(column, property),
                None => Ok(ValueCodes::none(rows)),
            },
            Taken::Made(name) => ValueCodes::computed(&made, name, property),
        });
        let columns: Vec<ValueCodes<'_>> = columns.collect::<Result<_, _>>()?;
        let answers = self.known.answers(batch, seen);
        let others: Vec<(u32, Vec<u32>)> =
            self.rest.conditions.iter().map(|(bit, _)| truths(&made, *bit)).collect::<Result<_, _>>()?;
        let mut tuples = Tuples::new(rows);
        columns.iter().for_each(|column| tuples.add(&column.codes, column.distinct()));
        if !self.known.is_empty() {
            tuples.add(&answers.codes, answers.by_code.len());
        }
        others.iter().for_each(|(_, holds)| tuples.add(holds, 2));
        let (codes, first_rows) = tuples.into_parts();
        let mut keys = TextColumn::default();
        let mut writer = FactWriter::default();
        for row in first_rows {
            let of_others = others.iter().map(|(bit, holds)| u128::from(holds[row]) << bit);
            let bits = of_others.fold(answers.by_code[answers.codes[row] as usize], |all, bit| all | bit);
            self.facts.write(bits, &mut writer, |place, writer| columns[place].write(row, writer));
            keys.push(writer.bytes());
        }
        Ok(Coded::new(KeyColumn::Text(keys), codes))
    }

    fn blame(&self, bit: Option<u32>, reason: String) -> ProjectError {
        let condition = bit.and_then(|bit| self.facts.conditions().find(|(known, _)| *known == bit));
        match condition {
            Some((bit, condition)) => ProjectError::Facts {
                of: self.facts.who_asks(bit).to_string(),
                condition: condition.text().to_string(),
                reason,
            },
            None => ProjectError::Input(InputError::Unreadable { reason }),
        }
    }
}

impl Rest {
    /// Its columns; or which condition cannot be computed of these rows, the first that cannot by itself, and why.
    fn computed(&self, batch: &RecordBatch) -> Result<DataFrame, (Option<u32>, String)> {
        if self.conditions.is_empty() && self.values.is_empty() {
            return Ok(DataFrame::empty());
        }
        let failed = |error: PolarsError| (None, one_line(&error));
        let rows = bridge::frame_of(batch, &self.columns, &self.made).map_err(failed)?;
        // Beside a column of as many rows: what comes of a folder's name alone would be a single one.
        let beside = rows.get_column_names().first().map(|name| col(name.as_str()));
        let rows = rows.lazy();
        let conditions = self.conditions.iter().map(|(_, condition)| condition);
        let exprs: Vec<Expr> = conditions.chain(&self.values).cloned().chain(beside).collect();
        rows.clone().select(exprs).collect().map_err(|error| {
            let alone = |expr: &Expr| rows.clone().select([expr.clone()]).collect().err();
            let failing = self.conditions.iter().find_map(|(bit, expr)| Some((*bit, alone(expr)?)));
            failing.map_or_else(|| failed(error), |(bit, error)| (Some(bit), one_line(&error)))
        })
    }
}

fn condition_name(bit: u32) -> String {
    format!("dwell condition {bit}")
}

/// Where the values of a property are in a file; `None` where polars has to make them.
fn taken(property: &Property, schema: &FileSchema) -> Option<Taken> {
    let Source::File { column, path } = &property.column.source else { return None };
    let kind = match schema.kind(column) {
        None | Some(Kind::Null) => return Some(Taken::Nowhere),
        Some(kind) => kind,
    };
    let as_it_is = match property.value.key_type {
        _ if property.as_number => matches!(kind, Kind::Int | Kind::UInt64 | Kind::Float),
        KeyType::Text => *kind == Kind::Text,
        KeyType::Int => *kind == Kind::Int,
        _ => false,
    };
    (path.is_none() && as_it_is && !property.column.kind.is_text_or_number()).then(|| Taken::Column(column.clone()))
}

/// Whether a condition that polars computes holds, row by row.
fn truths(made: &DataFrame, bit: u32) -> Result<(u32, Vec<u32>), InputError> {
    let name = condition_name(bit);
    let failed = |error: PolarsError| polars_error(&name, &error);
    let holds = made.column(&name).map_err(failed)?.bool().map_err(failed)?;
    Ok((bit, holds.iter().map(|holds| u32::from(holds == Some(true))).collect()))
}

/// The values of a property as codes: 0 for none, and the place of the others from 1.
struct ValueCodes<'a> {
    codes: Vec<u32>,
    values: DistinctValues<'a>,
}

enum DistinctValues<'a> {
    Keys(Arc<KeyColumn>),
    Dictionary(CodedText<'a>),
}

impl<'a> ValueCodes<'a> {
    fn none(rows: usize) -> Self {
        let values = DistinctValues::Keys(Arc::new(KeyColumn::Int(Vec::new())));
        ValueCodes { codes: vec![0; rows], values }
    }

    /// Of a column that is taken as it is decoded.
    fn as_decoded(column: &'a ArrayRef, property: &Property) -> Result<Self, InputError> {
        let failed = |error: arrow::error::ArrowError| InputError::Unreadable {
            reason: format!("the column `{}`: {error}", property.column.spelled),
        };
        if let Some(text) = CodedText::of(column) {
            let codes = text.codes().iter().enumerate();
            let codes = codes.map(|(row, code)| if column.is_null(row) { 0 } else { *code + 1 }).collect();
            return Ok(ValueCodes { codes, values: DistinctValues::Dictionary(text) });
        }
        if property.as_number {
            let numbers = arrow_cast(column, &ArrowType::Float64).map_err(failed)?;
            let numbers = numbers.as_primitive::<Float64Type>().iter();
            let numbers: Int64Array = numbers.map(|number| ordered(number?)).collect();
            return Ok(Self::of(&(Arc::new(numbers) as ArrayRef)));
        }
        match column.data_type() {
            ArrowType::Utf8View => Ok(Self::of(column)),
            _ => Ok(Self::of(&arrow_cast(column, &ArrowType::Int64).map_err(failed)?)),
        }
    }

    /// Of a column that polars made.
    fn computed(made: &DataFrame, name: &str, property: &Property) -> Result<Self, InputError> {
        let failed = |error: PolarsError| polars_error(&property.column.spelled, &error);
        let series = made.column(name).map_err(failed)?.as_materialized_series();
        if *series.dtype() == DataType::Null {
            return Ok(Self::none(series.len()));
        }
        Ok(Self::of(&bridge::to_arrow(&values(series, &property.value)?).map_err(failed)?))
    }

    /// Of text, or of numbers.
    fn of(array: &ArrayRef) -> Self {
        let Coded { keys, mut codes, .. } = match (array.as_string_view_opt(), array.as_primitive_opt::<Int64Type>()) {
            (Some(texts), _) => coded(texts),
            (None, Some(numbers)) => coded_numbers(numbers.values()),
            (None, None) => return Self::none(array.len()),
        };
        for (row, code) in codes.iter_mut().enumerate() {
            *code = if array.is_null(row) { 0 } else { *code + 1 };
        }
        ValueCodes { codes, values: DistinctValues::Keys(keys) }
    }

    /// All codes are less.
    fn distinct(&self) -> usize {
        1 + match &self.values {
            DistinctValues::Keys(keys) => keys.len(),
            DistinctValues::Dictionary(text) => text.texts().len(),
        }
    }

    fn write(&self, row: usize, writer: &mut FactWriter) {
        let place = self.codes[row].checked_sub(1).map(|place| place as usize);
        match &self.values {
            DistinctValues::Dictionary(text) => writer.text(place.map(|place| text.texts().value(place).as_bytes())),
            DistinctValues::Keys(keys) => match keys.as_ref() {
                KeyColumn::Int(numbers) => writer.number(place.map(|place| numbers[place])),
                KeyColumn::Text(texts) => writer.text(place.map(|place| texts.get(place))),
            },
        }
    }
}
