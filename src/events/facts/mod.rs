//! What charts and segments ask of each row: conditions that hold and values of properties, as facts (SPEC 6).

pub mod extras;
pub mod fact_columns;
pub mod tuples;

use std::collections::BTreeSet;
use std::sync::Arc;

use polars::prelude::*;

use super::error::InputError;
use super::normalise::convert::float_of;
use super::normalise::extract::{expr_of, made_of, uuid_as_text};
use super::predicate::typed::{typed, Typed};
use super::predicate::{condition_error, condition_problem, Condition, Conjunct, ParsedCondition};
use super::source::columns::{ColumnRef, Columns};
use super::source::footer::{FileSchema, Footer};
use super::source::kind::Kind;
use super::source::roles::{key_type, KeyType, Value};
use crate::job::added::AS;
use crate::job::derived::{named_by, with_expressions};
use crate::job::holds::{EventFilter, Holds};
use crate::job::segment::Segment;
use crate::job::{Definition, Job};
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::facts::{FactKind, FactLayout, FactWriter, MOST_MARKS};
use crate::sessionize::layout::columns::{Coded, KeyColumn, TextColumn};
use crate::sessionize::table_rows::added::{Added, FactRules, Pick, SegmentRule, Ties, What};
use crate::sessionize::table_rows::event_test::{EventTest, TypeTest};

/// The facts of a run, over columns that exist.
#[derive(Debug)]
pub struct Facts {
    /// The values that charts need, in a fixed order.
    values: Vec<Property>,
    /// What is made of values that are taken as numbers with fractions.
    of_numbers: BTreeSet<Holds>,
    /// The conditions of charts, and of what segments' users performed.
    marks: Vec<Condition>,
    /// The first chart or segment of the job that each of the conditions is of: those of charts, then those of segments.
    asked_by: Vec<String>,
    /// The columns of which each value is a segment.
    by: Vec<Property>,
    /// The conditions of segments.
    segments: Vec<Condition>,
}

/// The bit of the first segment's condition: those of charts are before.
const SEGMENT_BITS: u32 = MOST_MARKS as u32;

/// A property as a fact.
#[derive(Clone, Debug)]
pub struct Property {
    /// The column.
    pub column: ColumnRef,
    /// Whether it is needed as a number.
    pub as_number: bool,
    /// How its values are kept.
    pub value: Value,
}

impl Property {
    fn find(name: &str, as_number: bool, columns: &Columns<'_>, of: &str) -> Result<Self, InputError> {
        let key = if as_number { "chart.count.property" } else { "a property of columns, charts or segments" };
        Self::of_key(key, name, as_number, columns, of)
    }

    fn of_key(
        key: &'static str,
        name: &str,
        as_number: bool,
        columns: &Columns<'_>,
        of: &str,
    ) -> Result<Self, InputError> {
        let column = columns.require(key, name, &format!("; {of} asks for it"))?;
        let fits = match as_number {
            true => matches!(
                column.kind,
                Kind::Int
                    | Kind::UInt64
                    | Kind::Float
                    | Kind::Decimal(_)
                    | Kind::Json
                    | Kind::Mixed
                    | Kind::Text
                    | Kind::Null
            ),
            false => column.kind.is_scalar(),
        };
        if !fits {
            let accepted = match as_number {
                true => format!("what {of} sums has to be a number"),
                false => format!("a property has to be a single value, and {of} asks for it"),
            };
            return Err(InputError::WrongType {
                column: name.to_string(),
                key,
                found: column.kind.in_words(),
                accepted,
            });
        }
        let key_type = if as_number { KeyType::Float } else { key_type(&column, columns)? };
        let value = Value { column: column.clone(), key_type, is_session_id: false, is_id: false };
        Ok(Property { column, as_number, value })
    }

    fn kind(&self) -> FactKind {
        match self.value.key_type {
            KeyType::Text => FactKind::Text,
            _ => FactKind::Number,
        }
    }

    /// Its values over a file.
    pub fn expr(&self, footer: &Footer) -> Expr {
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
        let of_events = || job.output.events.iter().flatten();
        if job.holds().next().is_none() && job.segments.with_tables.is_empty() && of_events().next().is_none() {
            return Ok(None);
        }
        let condition = |text: &String, of: &String| {
            let parsed = ParsedCondition::parse(text).and_then(|parsed| parsed.resolve(columns));
            parsed.map_err(|error| error.asked_by(of))
        };
        let conditions = |texts: Vec<&String>, asked_by: &[String]| {
            texts.into_iter().zip(asked_by).map(|(text, of)| condition(text, of)).collect::<Result<Vec<_>, _>>()
        };
        let holds = || job.holds();
        let mut of_numbers = BTreeSet::new();
        for holds in holds() {
            if is_of_numbers(job, holds, columns)? {
                of_numbers.insert(holds.clone());
            }
        }
        let mut names: Vec<(&str, bool)> =
            holds().filter_map(|holds| Some((holds.property()?, of_numbers.contains(holds)))).collect();
        names.extend(of_events().map(|column| (column.as_str(), false)));
        names.sort_unstable();
        names.dedup();
        let mut marks: Vec<&String> =
            holds().flat_map(Holds::filters).filter_map(|filter| filter.condition.as_ref()).collect();
        marks.sort_unstable();
        marks.dedup();
        let mut by: Vec<&str> =
            job.segments.with_tables.iter().flat_map(|segment| segment.by.iter().map(String::as_str)).collect();
        by.sort_unstable();
        by.dedup();
        let mut segments: Vec<&String> =
            job.segments.with_tables.iter().filter_map(|segment| segment.condition.as_ref()).collect();
        segments.sort_unstable();
        segments.dedup();
        for (conditions, of) in [(marks.len(), "charts"), (segments.len(), "segments")] {
            if conditions > MOST_MARKS {
                return Err(InputError::TooManyConditions { conditions, of, most: MOST_MARKS });
            }
        }
        let of_charts = marks.iter().map(|text| who_marks(job, text));
        let asked_by: Vec<String> = of_charts.chain(segments.iter().map(|text| who_picks(job, text))).collect();
        let (of_marks, of_segments) = asked_by.split_at(marks.len());
        let property = |(name, as_number)| {
            Property::find(name, as_number, columns, &who_needs(job, |holds| holds.property() == Some(name)))
        };
        let by_value = |name| {
            let segment = job.segments.with_tables.iter().find(|segment| segment.by.iter().any(|by| by == name));
            Property::find(name, false, columns, &segment.map(of_segment).unwrap_or_default())
        };
        let facts = Facts {
            values: names.into_iter().map(property).collect::<Result<_, _>>()?,
            of_numbers,
            marks: conditions(marks, of_marks)?,
            by: by.into_iter().map(by_value).collect::<Result<_, _>>()?,
            segments: conditions(segments, of_segments)?,
            asked_by,
        };
        Ok(Some(Arc::new(facts)))
    }

    /// The columns of which a definition has a new value begin a session; `None` where it does so of none.
    ///
    /// # Errors
    /// A column that does not exist or does not fit.
    pub fn watched(definition: &Definition, columns: &Columns<'_>) -> Result<Option<Arc<Facts>>, InputError> {
        const KEY: &str = "session.new_on_change";
        let names = definition.custom().map_or(&[][..], |custom| &custom.new_on_change);
        if names.is_empty() {
            return Ok(None);
        }
        let property = |name: &String| Property::of_key(KEY, name, false, columns, "the definition");
        Ok(Some(Arc::new(Facts::of_values(names.iter().map(property).collect::<Result<_, _>>()?))))
    }

    /// Columns whose values are wanted beside events, for questions about them: some as text, then some as dates in
    /// UTC.
    pub fn beside(texts: Vec<ColumnRef>, dates: Vec<ColumnRef>) -> Arc<Facts> {
        let of = |column: ColumnRef, key_type: KeyType| {
            let value = Value { column: column.clone(), key_type, is_session_id: false, is_id: false };
            Property { column, as_number: false, value }
        };
        let texts = texts.into_iter().map(|column| of(column, KeyType::Text));
        let values = texts.chain(dates.into_iter().map(|column| of(column, KeyType::Date))).collect();
        Arc::new(Facts::of_values(values))
    }

    /// Users of events whose user column is another: columns of which the first that is there and not empty is the user, as
    /// users of a type are read.
    pub fn of_users(columns: Vec<ColumnRef>, user_type: KeyType) -> Arc<Facts> {
        let of = |column: ColumnRef| {
            // As ids are read: a whole-valued float is the integer it is.
            let value = Value { column: column.clone(), key_type: user_type, is_session_id: false, is_id: true };
            Property { column, as_number: false, value }
        };
        Arc::new(Facts::of_values(columns.into_iter().map(of).collect()))
    }

    fn of_values(values: Vec<Property>) -> Self {
        Facts {
            values,
            of_numbers: BTreeSet::new(),
            marks: Vec::new(),
            by: Vec::new(),
            segments: Vec::new(),
            asked_by: Vec::new(),
        }
    }

    /// The columns of values with their types, for the definition's fingerprint.
    pub fn canonical(&self) -> String {
        let one = |property: &Property| {
            let Property { column, value, .. } = property;
            let as_text = if value.key_type == KeyType::Text && column.kind.is_whole() { " as text" } else { "" };
            format!("{} ({}{as_text})", column.spelled, column.kind.name())
        };
        self.values.iter().map(one).collect::<Vec<_>>().join(", ")
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

    /// How something that is no number or count of events is written to the tables.
    pub fn type_of(&self, holds: &Holds) -> Option<KeyType> {
        match self.of_numbers.contains(holds) {
            true => Some(KeyType::Float),
            false => self.key_type(holds.property()?),
        }
    }

    /// The type that follows from the input of what a column holds; `None` of what is always of one type.
    pub fn stored_as(&self, holds: &Holds) -> Option<&'static str> {
        match holds {
            Holds::Count(_) | Holds::Distinct(..) | Holds::Sum(..) => None,
            Holds::Shortest(_) | Holds::Steps(_) | Holds::Times(_) => None,
            _ => self.type_of(holds).map(KeyType::name),
        }
    }

    /// Everything of the files and folders that they need.
    pub fn columns(&self) -> impl Iterator<Item = &ColumnRef> {
        let properties = self.values.iter().chain(&self.by).map(|property| &property.column);
        properties.chain(self.conditions().flat_map(|(_, condition)| condition.columns()))
    }

    /// The columns of a file that they need.
    pub fn file_columns(&self, schema: &FileSchema) -> Vec<String> {
        let names = self.columns().filter_map(|column| column.file_column());
        names.filter(|name| schema.kind(name).is_some()).map(str::to_string).collect()
    }

    /// The conditions, each with its bit among the answers of a row.
    pub fn conditions(&self) -> impl Iterator<Item = (u32, &Condition)> {
        (0..).zip(&self.marks).chain((SEGMENT_BITS..).zip(&self.segments))
    }

    /// The chart or segment that a condition is of, by its bit.
    pub fn who_asks(&self, bit: u32) -> &str {
        let place = match bit.checked_sub(SEGMENT_BITS) {
            Some(segment) => self.marks.len() + segment as usize,
            None => bit as usize,
        };
        self.asked_by.get(place).map_or("", String::as_str)
    }

    /// Those of a condition's parts over a file, of the types that it has.
    ///
    /// # Errors
    /// A condition that polars cannot compute over this file.
    pub fn typed<'c>(
        &self,
        (bit, condition): (u32, &'c Condition),
        footer: &Footer,
    ) -> Result<Vec<(Typed, &'c Conjunct)>, InputError> {
        let schema = || -> PolarsResult<SchemaRef> {
            let uses = condition.parts().flat_map(|part| &part.uses);
            let made: Vec<Expr> = made_of(uses, footer).into_values().collect();
            let rows = footer.schema.no_rows(&self.file_columns(&footer.schema))?.lazy();
            let mut rows = if made.is_empty() { rows } else { rows.with_columns(made) };
            rows.collect_schema()
        };
        let asked_by = |error: InputError| error.asked_by(self.who_asks(bit));
        let schema = schema().map_err(|error| asked_by(condition_error(condition.text(), &error)))?;
        let part = |part: &'c Conjunct| match typed(&part.sql, &schema) {
            Ok(expr) => Ok((expr, part)),
            Err(problem) => Err(asked_by(condition_problem(condition.text(), &problem))),
        };
        condition.parts().map(part).collect()
    }

    /// The properties that are values of charts, and those of which each value is a segment.
    pub fn properties(&self) -> (&[Property], &[Property]) {
        (&self.values, &self.by)
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

    /// The key of some facts: answers by bit, and values written by their place among all properties.
    pub fn write(&self, answers: u128, writer: &mut FactWriter, mut value: impl FnMut(usize, &mut FactWriter)) {
        writer.clear();
        (0..self.values.len()).for_each(|place| value(place, writer));
        writer.bits(answers as u64, self.marks.len() as u32);
        (0..self.by.len()).for_each(|place| value(self.values.len() + place, writer));
        writer.bits((answers >> SEGMENT_BITS) as u64, self.segments.len() as u32);
    }

    /// The place of a property among the values.
    fn place_of(&self, property: &str, as_number: bool) -> usize {
        let mut values = self.values.iter();
        values.position(|known| known.column.spelled == property && known.as_number == as_number).unwrap_or(0)
    }

    /// The values of the columns of the events table, in their order.
    pub fn values_of_events(&self, job: &Job) -> Vec<usize> {
        job.output.events.iter().flatten().map(|column| self.place_of(column, false)).collect()
    }

    /// The columns of the events table and the types of their values, on a line each.
    pub fn listed(&self, job: &Job) -> String {
        let one = |column: &String| {
            let (stored, derived) = (self.key_type(column).map_or("", KeyType::name), &job.input.derived);
            let expressions = with_expressions(&named_by(derived, [column.as_str()], []));
            format!("{column}{expressions}{AS}{stored}\n")
        };
        job.output.events.iter().flatten().map(one).collect()
    }

    /// What is made of the facts, once all event types are known.
    pub fn rules(&self, job: &Job, types: &EventTypes) -> FactRules {
        let value = |property: &str, as_number: bool| self.place_of(property, as_number);
        let place = |conditions: &[Condition], text: &str| {
            conditions.iter().position(|known| known.text() == text).map(|place| place as u32)
        };
        let test = |filter: &EventFilter| EventTest {
            event: TypeTest::of(filter.events.iter().map(|event| types.rank_of(event))),
            mark: filter.condition.as_ref().and_then(|condition| place(&self.marks, condition)),
        };
        let value_of = |holds: &Holds, property: &String| value(property, self.of_numbers.contains(holds));
        let added = job.added.holds().map(|holds| Added {
            // Steps are of several kinds of events.
            of: if let [filter] = holds.filters() { test(filter) } else { EventTest::default() },
            what: match holds {
                Holds::Shortest(steps) => What::Shortest(steps.iter().map(test).collect()),
                Holds::Steps(steps) => What::Steps(steps.iter().map(test).collect()),
                Holds::Each(property, _) => What::Each(value(property, false)),
                Holds::Times(_) => What::Times,
                Holds::Count(_) => What::Count,
                Holds::Total(property, _) if !self.of_numbers.contains(holds) => What::Total(value(property, false)),
                Holds::Sum(property, _) | Holds::Total(property, _) => What::Sum(value(property, true), float_of),
                Holds::First(property, _) => What::First(value(property, false), Ties::Values),
                Holds::Last(property, _) => What::Last(value(property, false), Ties::Values),
                Holds::FirstById(property, _) => What::First(value(property, false), Ties::Ids),
                Holds::LastById(property, _) => What::Last(value(property, false), Ties::Ids),
                Holds::Min(property, _) => What::Min(value_of(holds, property)),
                Holds::Max(property, _) => What::Max(value_of(holds, property)),
                Holds::Distinct(property, _) => What::Distinct(value(property, false)),
                Holds::Values(property, _) => What::Values(value(property, false)),
            },
        });
        let by = |column: &str| self.by.iter().position(|known| known.column.spelled == column).unwrap_or(0);
        let segments = job.segments.with_tables.iter().zip(&job.performed).map(|(segment, performed)| SegmentRule {
            pick: match &segment.condition {
                None => Pick::All,
                Some(condition) => Pick::In(place(&self.segments, condition).unwrap_or(0)),
            },
            by: segment.by.iter().map(|column| self.values.len() + by(column)).collect(),
            performed: performed.holds().flat_map(Holds::filters).map(test).collect(),
        });
        let names = job.added.columns().iter().filter(|column| column.contents.holds().is_some());
        FactRules {
            layout: self.layout(),
            added: added.collect(),
            names: names.map(|column| column.name.clone()).collect(),
            segments: segments.collect(),
        }
    }
}

/// Whether something is made of values as numbers with fractions, whatever they are read as.
///
/// # Errors
/// A column that does not exist, or of which there is no sum, or no smallest and largest value.
fn is_of_numbers(job: &Job, holds: &Holds, columns: &Columns<'_>) -> Result<bool, InputError> {
    let (key, property, accepted) = match holds {
        Holds::Sum(..) => return Ok(true),
        Holds::Total(property, _) => ("column.sum", property, "a sum is of numbers"),
        Holds::Min(property, _) => ("column.min", property, "the smallest value is of numbers, times or text"),
        Holds::Max(property, _) => ("column.max", property, "the largest value is of numbers, times or text"),
        _ => return Ok(false),
    };
    let of = who_needs(job, |known| known == holds);
    let column = columns.require(key, property, &format!("; {of} asks for it"))?;
    let is_sum = matches!(holds, Holds::Total(..));
    let fits = match &column.kind {
        Kind::Int | Kind::UInt64 | Kind::Float | Kind::Decimal(_) | Kind::Null => true,
        Kind::Json | Kind::Mixed | Kind::Text => true,
        Kind::Date | Kind::Timestamp(_) | Kind::Uuid => !is_sum,
        _ => false,
    };
    if !fits {
        let accepted = accepted.to_string();
        return Err(InputError::WrongType { column: property.clone(), key, found: column.kind.in_words(), accepted });
    }
    let is_number = matches!(column.kind, Kind::Int | Kind::UInt64 | Kind::Float | Kind::Decimal(_));
    // Numbers that do not all fit into 64 bits are read as text, which has another order.
    Ok((is_sum || is_number) && key_type(&column, columns)? != KeyType::Int)
}

/// The first chart that asks for a condition of events, or segment that does so of what its users performed.
fn who_marks(job: &Job, text: &str) -> String {
    format!(
        "`where` of {}",
        who_needs(job, |holds| holds.filters().iter().any(|filter| filter.condition.as_deref() == Some(text)))
    )
}

/// The first chart that asks for something of events, or segment that does so of what its users performed.
fn who_needs(job: &Job, asks: impl Fn(&Holds) -> bool) -> String {
    let column = job.added.declared().iter().find(|column| column.contents.holds().is_some_and(&asks));
    if let Some(column) = column {
        return format!("the column \"{}\"", column.name);
    }
    let chart = job.charts.iter().find(|chart| chart.holds().into_iter().any(&asks));
    if let Some(chart) = chart {
        return chart.in_words();
    }
    let segment =
        job.segments.with_tables.iter().find(|segment| segment.performed.iter().any(|times| asks(&times.count)));
    match segment {
        Some(segment) => format!("`performed` of {}", of_segment(segment)),
        None => "`output.events`".to_string(),
    }
}

fn of_segment(segment: &Segment) -> String {
    format!("the segment \"{}\"", segment.name)
}

/// The first segment of the events for which a condition holds.
fn who_picks(job: &Job, text: &str) -> String {
    let segment = job.segments.with_tables.iter().find(|segment| segment.condition.as_deref() == Some(text));
    segment.map_or_else(String::new, |segment| format!("`where` of {}", of_segment(segment)))
}
