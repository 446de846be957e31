//! What charts and segments ask of each row: conditions that hold and values of properties, as facts (SPEC 6).

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use polars::prelude::*;

use super::bridge;
use super::coded::{coded, coded_numbers};
use super::columns::{ColumnRef, Columns, Source};
use super::condition::{condition_error, ColumnUse, Condition, ParsedCondition};
use super::convert::{float_of, polars_error, values};
use super::error::InputError;
use super::extract::{expr_of, made_of, uuid_as_text};
use super::footer::{FileSchema, Footer};
use super::kind::Kind;
use super::roles::{key_type, KeyType, Value};
use super::typed::typed;
use crate::job::holds::{EventFilter, Holds};
use crate::job::segment::Pick as JobPick;
use crate::job::Job;
use crate::sessionize::added::{Added, EventTest, FactRules, Pick, SegmentRule, What};
use crate::sessionize::columns::{Coded, KeyColumn, TextColumn};
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::facts::{FactKind, FactLayout, FactWriter, MOST_MARKS};
use crate::sessionize::intern::Interner;

/// The facts of a run, over columns that exist.
#[derive(Debug)]
pub struct Facts {
    /// The values that charts need, in a fixed order.
    values: Vec<Property>,
    /// The conditions of charts, and of what segments' users performed.
    marks: Vec<Condition>,
    /// The first chart or segment of the job that each of the conditions is of: those of charts, then those of segments.
    asked_by: Vec<String>,
    /// The columns of which each value is a segment.
    by: Vec<Property>,
    /// The conditions of segments.
    segments: Vec<Condition>,
}

/// A property as a fact.
#[derive(Clone, Debug)]
struct Property {
    column: ColumnRef,
    /// Whether it is needed as a number.
    as_number: bool,
    value: Value,
}

impl Property {
    fn find(name: &str, as_number: bool, columns: &Columns<'_>) -> Result<Self, InputError> {
        let key = if as_number { "chart.count.property" } else { "a property of a chart or segment" };
        let column = columns.require(key, name, "")?;
        let fits = match as_number {
            true => matches!(
                column.kind,
                Kind::Int | Kind::UInt64 | Kind::Float | Kind::Decimal | Kind::Json | Kind::Text | Kind::Null
            ),
            false => column.kind.is_scalar(),
        };
        if !fits {
            let accepted = if as_number { "what is summed is a number" } else { "a property is a single value" };
            let found = column.kind.name();
            return Err(InputError::WrongType { column: name.to_string(), key, found, accepted: accepted.to_string() });
        }
        let key_type = if as_number { KeyType::Float } else { key_type(&column.kind) };
        let value = Value { column: column.clone(), key_type, is_session_id: false };
        Ok(Property { column, as_number, value })
    }

    fn kind(&self) -> FactKind {
        match self.value.key_type {
            KeyType::Text => FactKind::Text,
            _ => FactKind::Number,
        }
    }

    fn expr(&self, footer: &Footer) -> Expr {
        let value = expr_of(&self.column, &footer.schema, &footer.file.hive);
        match self.column.kind {
            _ if self.as_number => value.cast(DataType::Float64),
            Kind::Uuid => uuid_as_text(value),
            _ if self.value.key_type == KeyType::Date => value.cast(DataType::Date),
            _ => value,
        }
    }
}

impl Facts {
    /// Looks up what a job's charts and segments need; `None` where they need nothing.
    ///
    /// # Errors
    /// A column that does not exist or does not fit, a condition that cannot be understood, or too many.
    pub fn resolve(job: &Job, columns: &Columns<'_>) -> Result<Option<Arc<Facts>>, InputError> {
        if job.added.is_empty() && job.segments.is_empty() {
            return Ok(None);
        }
        let condition = |text: &String| {
            let parsed = ParsedCondition::parse(text).and_then(|parsed| parsed.resolve(columns));
            parsed.map_err(InputError::of_charts)
        };
        let holds = || job.holds();
        let mut names: Vec<(&str, bool)> =
            holds().filter_map(|holds| Some((holds.property()?, matches!(holds, Holds::Sum(..))))).collect();
        names.sort_unstable();
        names.dedup();
        let mut marks: Vec<&String> = holds().filter_map(|holds| holds.filter().condition.as_ref()).collect();
        marks.sort_unstable();
        marks.dedup();
        let mut by: Vec<&str> = job.segments.iter().filter_map(|segment| segment.by()).collect();
        by.sort_unstable();
        by.dedup();
        let mut segments: Vec<&String> = job.segments.iter().filter_map(|segment| where_of(&segment.pick)).collect();
        segments.sort_unstable();
        segments.dedup();
        for (conditions, of) in [(marks.len(), "charts"), (segments.len(), "segments")] {
            if conditions > MOST_MARKS {
                return Err(InputError::TooManyConditions { conditions, of, most: MOST_MARKS });
            }
        }
        let of_charts = marks.iter().map(|text| who_marks(job, text));
        let asked_by = of_charts.chain(segments.iter().map(|text| who_picks(job, text))).collect();
        let facts = Facts {
            asked_by,
            values: names
                .into_iter()
                .map(|(name, as_number)| Property::find(name, as_number, columns))
                .collect::<Result<_, _>>()?,
            marks: marks.into_iter().map(condition).collect::<Result<_, _>>()?,
            by: by.into_iter().map(|name| Property::find(name, false, columns)).collect::<Result<_, _>>()?,
            segments: segments.into_iter().map(condition).collect::<Result<_, _>>()?,
        };
        Ok(Some(Arc::new(facts)))
    }

    /// Columns whose values are wanted beside events, for questions about them: some as text, then some as dates in
    /// UTC.
    pub fn beside(texts: Vec<ColumnRef>, dates: Vec<ColumnRef>) -> Arc<Facts> {
        let of = |column: ColumnRef, key_type: KeyType| {
            let value = Value { column: column.clone(), key_type, is_session_id: false };
            Property { column, as_number: false, value }
        };
        let texts = texts.into_iter().map(|column| of(column, KeyType::Text));
        let values = texts.chain(dates.into_iter().map(|column| of(column, KeyType::Date))).collect();
        Arc::new(Facts { values, marks: Vec::new(), by: Vec::new(), segments: Vec::new(), asked_by: Vec::new() })
    }

    /// Which facts there are, in which order.
    pub fn layout(&self) -> FactLayout {
        let kinds = |properties: &[Property]| properties.iter().map(Property::kind).collect();
        FactLayout {
            values: kinds(&self.values),
            marks: self.marks.len() as u32,
            by: kinds(&self.by),
            segments: self.segments.len() as u32,
        }
    }

    /// How the values of something are written to the tables.
    pub fn key_type(&self, property: &str) -> Option<KeyType> {
        let mut all = self.values.iter().chain(&self.by);
        all.find(|known| !known.as_number && known.column.spelled == property).map(|known| known.value.key_type)
    }

    fn uses(&self) -> impl Iterator<Item = (&String, &ColumnUse)> {
        let conditions = self.marks.iter().chain(&self.segments);
        conditions.flat_map(|condition| condition.parts().flat_map(|part| &part.uses))
    }

    /// Everything of the files and folders that they need.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnRef> {
        let properties = self.values.iter().chain(&self.by).map(|property| &property.column);
        properties.chain(self.uses().map(|(_, used)| &used.column))
    }

    /// The columns of a file that they need.
    pub fn file_columns(&self, schema: &FileSchema) -> Vec<String> {
        let names = self.columns().filter_map(|column| column.file_column());
        names.filter(|name| schema.kind(name).is_some()).map(str::to_string).collect()
    }

    /// Whether a folder's name is of use.
    pub fn uses_folder(&self, key: &str) -> bool {
        self.columns().any(|column| column.source == Source::Hive && column.spelled == key)
    }

    /// The columns of the conditions that are no whole columns of a file, by their names in the conditions.
    pub fn made(&self, footer: &Footer) -> BTreeMap<String, Expr> {
        made_of(self.uses(), footer)
    }

    /// The condition that one of [`Facts::exprs`] is, and the chart or segment that it is of; `None` for a value.
    pub fn condition(&self, place: usize) -> Option<(&Condition, &str)> {
        let condition = self.marks.iter().chain(&self.segments).nth(place)?;
        Some((condition, self.asked_by.get(place)?))
    }

    /// The facts as columns of a frame of the file's columns and those made of them.
    ///
    /// # Errors
    /// A condition that polars cannot compute over this file.
    pub fn exprs(&self, footer: &Footer) -> Result<Vec<Expr>, InputError> {
        let mut exprs = Vec::new();
        for (name, conditions) in [("mark", &self.marks), ("segment", &self.segments)] {
            for (place, condition) in conditions.iter().enumerate() {
                let holds = self
                    .holds(condition, footer)
                    .map_err(|error| InputError::of_charts(condition_error(condition.text(), &error)))?;
                exprs.push(holds.alias(format!("{name} {place}")));
            }
        }
        for (name, properties) in [("fact", &self.values), ("by", &self.by)] {
            let named = properties.iter().enumerate();
            exprs.extend(named.map(|(place, property)| property.expr(footer).alias(format!("{name} {place}"))));
        }
        Ok(exprs)
    }

    fn holds(&self, condition: &Condition, footer: &Footer) -> PolarsResult<Expr> {
        let made: Vec<Expr> = self.made(footer).into_values().collect();
        let rows = footer.schema.no_rows(&self.file_columns(&footer.schema))?.lazy();
        let mut rows = if made.is_empty() { rows } else { rows.with_columns(made) };
        let schema = rows.collect_schema()?;
        let parts = condition.parts().map(|part| typed(&part.expr, &schema)).collect::<PolarsResult<Vec<_>>>()?;
        let all = parts.into_iter().reduce(Expr::and).unwrap_or_else(|| lit(true));
        Ok(all.fill_null(lit(false)))
    }

    /// Whether they are all of them nothing: counting events of a type takes no more than its type.
    pub fn are_none(&self) -> bool {
        self.layout() == FactLayout::default()
    }

    /// The facts of so many rows where there are none.
    pub fn none(rows: usize) -> Coded {
        let mut keys = TextColumn::default();
        keys.push(b"");
        Coded::new(KeyColumn::Text(keys), vec![0; rows])
    }

    /// The facts of the rows of a frame that has them as columns.
    ///
    /// # Errors
    /// A value that its type cannot hold.
    pub fn coded(&self, rows: &DataFrame) -> Result<Coded, InputError> {
        let mut tuples = Tuples::new(rows.height());
        let mut columns: Vec<Values> = Vec::new();
        for (place, property) in self.values.iter().enumerate() {
            columns.push(Values::read(rows, &format!("fact {place}"), property)?);
        }
        let marks = bits(rows, "mark", self.marks.len())?;
        for (place, property) in self.by.iter().enumerate() {
            columns.push(Values::read(rows, &format!("by {place}"), property)?);
        }
        let segments = bits(rows, "segment", self.segments.len())?;
        columns.iter().for_each(|column| tuples.add(&column.codes));
        [&marks, &segments].into_iter().flatten().for_each(|bits| tuples.add_bits(bits));
        let mut keys = TextColumn::default();
        let mut writer = FactWriter::default();
        let of = |bits: &Option<Vec<u64>>, row: usize| bits.as_ref().map_or(0, |bits| bits[row]);
        for row in tuples.first_rows {
            writer.clear();
            let (charts, by) = columns.split_at(self.values.len());
            charts.iter().for_each(|column| column.write(row, &mut writer));
            writer.bits(of(&marks, row), self.marks.len() as u32);
            by.iter().for_each(|column| column.write(row, &mut writer));
            writer.bits(of(&segments, row), self.segments.len() as u32);
            keys.push(writer.bytes());
        }
        Ok(Coded::new(KeyColumn::Text(keys), tuples.codes))
    }

    /// What is made of the facts, once all event types are known.
    pub fn rules(&self, job: &Job, types: &EventTypes) -> FactRules {
        let value = |property: &str, as_number: bool| {
            let mut values = self.values.iter();
            values.position(|known| known.column.spelled == property && known.as_number == as_number).unwrap_or(0)
        };
        let place = |conditions: &[Condition], text: &str| {
            conditions.iter().position(|known| known.text() == text).map(|place| place as u32)
        };
        let test = |filter: &EventFilter| EventTest {
            event: filter.event.as_ref().map(|event| types.rank_of(event).unwrap_or(EventTest::NO_SUCH_TYPE)),
            mark: filter.condition.as_ref().and_then(|condition| place(&self.marks, condition)),
        };
        let added = job.added.columns().iter().map(|column| Added {
            of: test(column.holds.filter()),
            what: match &column.holds {
                Holds::Count(_) => What::Count,
                Holds::Sum(property, _) => What::Sum(value(property, true), float_of),
                Holds::First(property, _) => What::First(value(property, false)),
                Holds::Last(property, _) => What::Last(value(property, false)),
            },
        });
        let by = |column: &str| self.by.iter().position(|known| known.column.spelled == column).unwrap_or(0);
        let segments = job.segments.iter().zip(&job.performed).map(|(segment, performed)| SegmentRule {
            pick: match &segment.pick {
                JobPick::All => Pick::All,
                JobPick::Where(condition) => Pick::In(place(&self.segments, condition).unwrap_or(0)),
                JobPick::By(column) => Pick::By(self.values.len() + by(column)),
            },
            performed: performed.columns().iter().map(|column| test(column.holds.filter())).collect(),
        });
        FactRules { layout: self.layout(), added: added.collect(), segments: segments.collect() }
    }
}

/// The first chart that asks for a condition of events, or segment that does so of what its users performed.
fn who_marks(job: &Job, text: &str) -> String {
    let is_of = |holds: &Holds| holds.filter().condition.as_deref() == Some(text);
    let chart = job.charts.iter().find(|chart| chart.holds().into_iter().any(is_of));
    if let Some(chart) = chart {
        return format!("the chart \"{}\"", chart.name);
    }
    let segment = job.segments.iter().find(|segment| segment.performed.iter().any(|times| is_of(&times.count)));
    segment.map_or_else(String::new, |segment| format!("`performed` of the segment \"{}\"", segment.name))
}

/// The first segment of the events for which a condition holds.
fn who_picks(job: &Job, text: &str) -> String {
    let segment = job.segments.iter().find(|segment| where_of(&segment.pick).is_some_and(|of| of == text));
    segment.map_or_else(String::new, |segment| format!("the segment \"{}\"", segment.name))
}

fn where_of(pick: &JobPick) -> Option<&String> {
    match pick {
        JobPick::Where(condition) => Some(condition),
        _ => None,
    }
}

/// The values of a property as codes: 0 for none, and the place of the others from 1.
struct Values {
    codes: Vec<u32>,
    keys: Arc<KeyColumn>,
}

impl Values {
    fn read(rows: &DataFrame, name: &str, property: &Property) -> Result<Self, InputError> {
        let failed = |error: PolarsError| polars_error(&property.column.spelled, &error);
        let series = rows.column(name).map_err(failed)?.as_materialized_series();
        let none = || Values { codes: vec![0; series.len()], keys: Arc::new(KeyColumn::Int(Vec::new())) };
        if *series.dtype() == DataType::Null {
            return Ok(none());
        }
        let array = bridge::to_arrow(&values(series, &property.value)?).map_err(failed)?;
        let Coded { keys, mut codes } = match (array.as_string_view_opt(), array.as_primitive_opt::<Int64Type>()) {
            (Some(texts), _) => coded(texts),
            (None, Some(numbers)) => coded_numbers(numbers.values()),
            (None, None) => return Ok(none()),
        };
        for (row, code) in codes.iter_mut().enumerate() {
            *code = if array.is_null(row) { 0 } else { *code + 1 };
        }
        Ok(Values { codes, keys })
    }

    fn write(&self, row: usize, writer: &mut FactWriter) {
        let place = self.codes[row].checked_sub(1).map(|place| place as usize);
        match self.keys.as_ref() {
            KeyColumn::Int(numbers) => writer.number(place.map(|place| numbers[place])),
            KeyColumn::Text(texts) => writer.text(place.map(|place| texts.get(place))),
        }
    }
}

/// Which of several conditions hold, one bit each; `None` where there are no conditions.
fn bits(rows: &DataFrame, name: &str, count: usize) -> Result<Option<Vec<u64>>, InputError> {
    if count == 0 {
        return Ok(None);
    }
    let mut bits = vec![0u64; rows.height()];
    for place in 0..count {
        let name = format!("{name} {place}");
        let failed = |error: PolarsError| polars_error(&name, &error);
        let holds = rows.column(&name).map_err(failed)?.bool().map_err(failed)?;
        let mut first = 0;
        for chunk in holds.downcast_iter() {
            // No condition is null: that was made false.
            chunk.values().true_idx_iter().for_each(|row| bits[first + row] |= 1 << place);
            first += chunk.len();
        }
    }
    Ok(Some(bits))
}

/// Distinct tuples of codes, found column by column.
struct Tuples {
    codes: Vec<u32>,
    /// The first row of each tuple.
    first_rows: Vec<usize>,
}

impl Tuples {
    fn new(rows: usize) -> Self {
        Tuples { codes: vec![0; rows], first_rows: (rows > 0).then_some(0).into_iter().collect() }
    }

    fn add(&mut self, column: &[u32]) {
        self.add_each(column.iter().map(|value| i64::from(*value)));
    }

    fn add_bits(&mut self, bits: &[u64]) {
        if bits.iter().all(|bits| *bits <= u64::from(u32::MAX)) {
            return self.add_each(bits.iter().map(|bits| *bits as i64));
        }
        let bits: Vec<i64> = bits.iter().map(|bits| *bits as i64).collect();
        self.add(&coded_numbers(&bits).codes);
    }

    /// Adds values that fit 32 bits.
    fn add_each(&mut self, column: impl Iterator<Item = i64>) {
        let mut interner = Interner::of_ints();
        self.first_rows.clear();
        for (row, (code, value)) in self.codes.iter_mut().zip(column).enumerate() {
            *code = interner.intern_int(i64::from(*code) << 32 | value);
            if *code as usize == self.first_rows.len() {
                self.first_rows.push(row);
            }
        }
    }
}
