//! The columns that a job declares, and that charts and segments add to the tables (SPEC 4, 6).

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::key_columns::{data_type, text_array_with};
use crate::events::error::InputError;
use crate::events::facts::Facts;
use crate::events::normalise::convert::float_of;
use crate::events::predicate::over_rows::RowCondition;
use crate::events::source::roles::KeyType;
use crate::job::added::{by_column, AddedColumn};
use crate::job::column::Contents;
use crate::job::holds::Holds;
use crate::job::{AddedColumns, Job, Segment};
use crate::sessionize::layout::columns::TextColumn;
use crate::sessionize::table_rows::added::{AddedValues, Lists};
use crate::sessionize::table_rows::merge::Place;
use crate::tables::write::parquet_file::REPEATS;

/// The columns added to one of the tables, in order.
#[derive(Clone, Debug, Default)]
pub struct AddedFields(Vec<AddedField>);

/// An added column as it is written.
#[derive(Clone, Debug)]
struct AddedField {
    name: String,
    /// What it holds, in words; nothing for the values of a segment.
    contents: String,
    field_type: FieldType,
}

/// What an added column is written as.
#[derive(Clone, Debug)]
enum FieldType {
    Count,
    Sum,
    Total,
    Value(KeyType),
    /// Microseconds, which hardly repeat.
    Time,
    /// Several values.
    Values(KeyType),
    /// Several instants, which hardly repeat.
    Times,
    /// Whether a condition holds over the columns before.
    When(Box<RowCondition>),
}

/// Where the columns of a table that is written anew come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    /// A column of the same name.
    Name,
    /// A column that holds this, whatever its name.
    Contents(&'a str),
    /// The columns before.
    Computed,
    /// The user's sessions before.
    History,
}

impl AddedFields {
    /// Those of the sessions table of a segment, or of all events; `own` are the columns that every sessions table of the run
    /// has.
    ///
    /// # Errors
    /// A condition of a column that does not fit the columns before it.
    pub fn of_sessions(
        job: &Job,
        segment: Option<&Segment>,
        facts: Option<&Facts>,
        own: &[Field],
    ) -> Result<Self, InputError> {
        let mut fields = AddedFields(AddedFields::by(job, segment, facts).collect());
        let mut known = own.to_vec();
        for column in job.added.columns() {
            let AddedColumn { name, contents, .. } = column;
            let field_type = match contents {
                Contents::OfEvents(holds) => type_of(holds, facts),
                Contents::When(condition) => {
                    let asked_by = format!("`when` of the column \"{name}\"");
                    let of_session = Schema::new(known.clone());
                    FieldType::When(Box::new(RowCondition::new(condition, &of_session, &asked_by)?))
                }
            };
            let field = AddedField { name: name.clone(), contents: column.held(), field_type };
            known.push(field.field());
            fields.0.push(field);
        }
        Ok(fields)
    }

    /// Those of the activity table of a segment, or of all events, to which nothing is added.
    pub fn of_activity(
        job: &Job,
        segment: Option<&Segment>,
        performed: Option<&AddedColumns>,
        facts: Option<&Facts>,
    ) -> Self {
        let columns = performed.into_iter().flat_map(AddedColumns::columns).filter_map(|column| {
            let field_type = type_of(column.contents.holds()?, facts);
            Some(AddedField { name: column.name.clone(), contents: column.held(), field_type })
        });
        AddedFields(AddedFields::by(job, segment, facts).chain(columns).collect())
    }

    /// Columns of values of events, by their names and types.
    pub fn of_values_named(columns: impl Iterator<Item = (String, KeyType)>) -> Self {
        let field =
            |(name, key_type)| AddedField { name, contents: String::new(), field_type: FieldType::Value(key_type) };
        AddedFields(columns.map(field).collect())
    }

    /// The columns of the values of which each combination is a segment.
    fn by<'a>(
        job: &'a Job,
        segment: Option<&'a Segment>,
        facts: Option<&'a Facts>,
    ) -> impl Iterator<Item = AddedField> + 'a {
        let columns = segment.into_iter().flat_map(|segment| &segment.by);
        columns.map(move |by| {
            let key_type = facts.and_then(|facts| facts.key_type(by)).unwrap_or(KeyType::Text);
            let name = by_column(by, job.definition.property());
            AddedField { name, contents: String::new(), field_type: FieldType::Value(key_type) }
        })
    }

    /// The names of the columns of values of which each combination is a segment.
    pub fn of_values(&self) -> Vec<String> {
        self.0.iter().filter(|field| field.contents.is_empty()).map(|field| field.name.clone()).collect()
    }

    /// The fields of the columns.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.0.iter().map(AddedField::field)
    }

    /// Where each of them comes from, when a table is written anew.
    pub fn origins(&self) -> impl Iterator<Item = Origin<'_>> {
        self.0.iter().map(|field| match &field.field_type {
            FieldType::When(_) => Origin::Computed,
            _ if field.contents.is_empty() => Origin::Name,
            _ => Origin::Contents(&field.contents),
        })
    }

    /// The columns of some rows that hold something of events: `columns` are those of each partition, of which `places` are
    /// rows.
    pub fn arrays(&self, columns: &[&[AddedValues]], places: &[Place]) -> Vec<ArrayRef> {
        let of_events = self.0.iter().filter(|field| !matches!(field.field_type, FieldType::When(_)));
        let of_field = |(place, field): (usize, &AddedField)| {
            let column = Column { of: columns.iter().map(|columns| columns.get(place)).collect(), places };
            column.array(&field.field_type)
        };
        of_events.enumerate().map(of_field).collect()
    }

    /// All columns of some rows: of their `own` ones, by name, and of those that hold something of events, the ones that are
    /// computed of the columns before.
    ///
    /// # Errors
    /// A condition that cannot be computed of a value.
    pub fn completed(&self, own: &[(Field, ArrayRef)], of_events: Vec<ArrayRef>) -> Result<Vec<ArrayRef>, ArrowError> {
        if of_events.len() == self.0.len() {
            return Ok(of_events);
        }
        let mut known: Vec<(Field, ArrayRef)> = own.to_vec();
        let mut of_events = of_events.into_iter();
        for field in &self.0 {
            let column: Option<ArrayRef> = match &field.field_type {
                FieldType::When(condition) => {
                    let needed = known.iter().filter(|(field, _)| condition.columns().contains(field.name()));
                    let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = needed.cloned().unzip();
                    let rows = match columns.is_empty() {
                        // For as many rows.
                        true => RecordBatch::try_new(
                            Arc::new(Schema::new(vec![known[0].0.clone()])),
                            vec![known[0].1.clone()],
                        ),
                        false => RecordBatch::try_new(Arc::new(Schema::new(fields)), columns),
                    };
                    let truths =
                        condition.truths(&rows?).map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
                    Some(Arc::new(truths))
                }
                _ => of_events.next(),
            };
            known.extend(column.map(|column| (field.field(), column)));
        }
        Ok(known.into_iter().skip(own.len()).map(|(_, column)| column).collect())
    }
}

impl AddedField {
    fn field(&self) -> Field {
        let field = match &self.field_type {
            FieldType::Count => Field::new(&self.name, DataType::UInt32, false),
            FieldType::Sum => Field::new(&self.name, DataType::Float64, false),
            FieldType::Total => Field::new(&self.name, DataType::Int64, false),
            FieldType::Time => return Field::new(&self.name, DataType::Int64, true),
            FieldType::Value(key_type) => Field::new(&self.name, data_type(*key_type), true),
            FieldType::Times => return Field::new_list(&self.name, element(KeyType::Timestamp), false),
            FieldType::Values(key_type) => Field::new_list(&self.name, element(*key_type), false),
            FieldType::When(_) => Field::new(&self.name, DataType::Boolean, true),
        };
        field.with_metadata(HashMap::from([(REPEATS.to_string(), String::new())]))
    }
}

/// A value of several in a row, under the name that Parquet has for it.
fn element(key_type: KeyType) -> FieldRef {
    Arc::new(Field::new("element", data_type(key_type), true))
}

/// What something of events is written as.
fn type_of(holds: &Holds, facts: Option<&Facts>) -> FieldType {
    let key_type = facts.and_then(|facts| facts.type_of(holds)).unwrap_or(KeyType::Text);
    match holds {
        Holds::Shortest(_) => FieldType::Time,
        Holds::Steps(_) | Holds::Times(_) => FieldType::Times,
        Holds::Count(_) | Holds::Distinct(..) => FieldType::Count,
        Holds::Sum(..) => FieldType::Sum,
        Holds::Total(..) if key_type == KeyType::Float => FieldType::Sum,
        Holds::Total(..) => FieldType::Total,
        Holds::Values(..) | Holds::Each(..) => FieldType::Values(key_type),
        _ => FieldType::Value(key_type),
    }
}

/// An added column of some rows: the values of each partition, and which of them.
struct Column<'a> {
    of: Vec<Option<&'a AddedValues>>,
    places: &'a [Place],
}

impl<'a> Column<'a> {
    /// The value of each row, out of those that `values` finds in the column of its partition.
    fn gathered<T: Copy + Default + 'a>(&self, values: impl Fn(&'a AddedValues) -> Option<&'a [T]>) -> Vec<T> {
        let of: Vec<&[T]> = self.of.iter().map(|column| column.and_then(&values).unwrap_or_default()).collect();
        self.places.iter().map(|place| of[place.partition()].get(place.row()).copied().unwrap_or_default()).collect()
    }

    fn numbers(&self) -> Vec<Option<i64>> {
        self.gathered(|values| match values {
            AddedValues::Numbers(numbers) => Some(numbers),
            _ => None,
        })
    }

    fn texts(&self) -> ArrayRef {
        let keys: Vec<Option<u32>> = self.gathered(|values| match values {
            AddedValues::Texts(keys, _) => Some(keys),
            _ => None,
        });
        let texts = |column: &Option<&'a AddedValues>| match column {
            Some(AddedValues::Texts(_, texts)) => Some(texts.as_ref()),
            _ => None,
        };
        let texts: Vec<Option<&TextColumn>> = self.of.iter().map(texts).collect();
        let text = |(key, place): (&Option<u32>, &Place)| {
            let texts = texts[place.partition()];
            key.zip(texts).map_or(&b""[..], |(key, texts)| texts.get(key as usize))
        };
        let valid = keys.contains(&None).then(|| keys.iter().map(Option::is_some).collect());
        text_array_with(keys.iter().zip(self.places).map(text), valid)
    }

    fn lists(&self, key_type: KeyType) -> ArrayRef {
        let lists = |column: &Option<&'a AddedValues>| match column {
            Some(AddedValues::Lists(lists)) => Some(lists),
            _ => None,
        };
        let lists: Vec<Option<&Lists>> = self.of.iter().map(lists).collect();
        let (mut lengths, mut places) = (Vec::with_capacity(self.places.len()), Vec::new());
        for place in self.places {
            let of_row = lists[place.partition()].map_or(0..0, |lists| lists.places(place.row()));
            lengths.push(of_row.len());
            places.extend(of_row.map(|item| place.item(item)));
        }
        let items = Column { of: lists.iter().map(|lists| lists.map(Lists::items)).collect(), places: &places };
        let items = items.array(&FieldType::Value(key_type));
        Arc::new(ListArray::new(element(key_type), OffsetBuffer::from_lengths(lengths), items, None))
    }

    fn array(&self, field_type: &FieldType) -> ArrayRef {
        let numbers = || self.numbers().into_iter();
        match field_type {
            FieldType::Count => Arc::new(UInt32Array::from(self.gathered(|values| match values {
                AddedValues::Counts(counts) => Some(counts),
                _ => None,
            }))),
            FieldType::Sum => Arc::new(Float64Array::from(self.gathered(|values| match values {
                AddedValues::Sums(sums) => Some(sums),
                _ => None,
            }))),
            // It is computed of the others.
            FieldType::When(_) => Arc::new(BooleanArray::new_null(self.places.len())),
            FieldType::Total => Arc::new(Int64Array::from_iter_values(numbers().map(Option::unwrap_or_default))),
            FieldType::Values(key_type) => self.lists(*key_type),
            FieldType::Times => self.lists(KeyType::Timestamp),
            FieldType::Value(KeyType::Text) => self.texts(),
            FieldType::Time | FieldType::Value(KeyType::Int) => Arc::new(Int64Array::from(self.numbers())),
            FieldType::Value(KeyType::Float) => Arc::new(Float64Array::from_iter(numbers().map(|n| n.map(float_of)))),
            FieldType::Value(KeyType::Boolean) => {
                Arc::new(BooleanArray::from_iter(numbers().map(|n| n.map(|n| n != 0))))
            }
            FieldType::Value(KeyType::Date) => Arc::new(Date32Array::from_iter(numbers().map(|n| n.map(|n| n as i32)))),
            FieldType::Value(KeyType::Timestamp) => {
                Arc::new(TimestampMicrosecondArray::from(self.numbers()).with_timezone("UTC"))
            }
        }
    }
}
