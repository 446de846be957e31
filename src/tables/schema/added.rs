//! The columns that charts and segments add to the tables (SPEC 4, 6).

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field};

use super::key_columns::{data_type, text_array_with};
use crate::events::facts::Facts;
use crate::events::normalise::convert::float_of;
use crate::events::source::roles::KeyType;
use crate::job::added::by_column;
use crate::job::holds::Holds;
use crate::job::{AddedColumns, Job, Segment};
use crate::sessionize::layout::columns::TextColumn;
use crate::sessionize::table_rows::added::AddedValues;
use crate::sessionize::table_rows::merge::Place;
use crate::tables::write::parquet_file::REPEATS;

/// The columns added to one of the tables, in order.
#[derive(Clone, Debug, Default)]
pub struct AddedFields(Vec<(String, FieldType)>);

/// What an added column is written as.
#[derive(Clone, Copy, Debug)]
enum FieldType {
    Count,
    Sum,
    Value(KeyType),
}

impl AddedFields {
    /// Those of the sessions table of a segment, or of all events.
    pub fn of_sessions(job: &Job, segment: Option<&Segment>, facts: Option<&Facts>) -> Self {
        AddedFields::new(job, segment, &job.added, facts)
    }

    /// Those of the activity table of a segment, or of all events, to which nothing is added.
    pub fn of_activity(
        job: &Job,
        segment: Option<&Segment>,
        performed: Option<&AddedColumns>,
        facts: Option<&Facts>,
    ) -> Self {
        AddedFields::new(job, segment, performed.unwrap_or(&AddedColumns::default()), facts)
    }

    fn new(job: &Job, segment: Option<&Segment>, added: &AddedColumns, facts: Option<&Facts>) -> Self {
        let value = |property: &str| {
            FieldType::Value(facts.and_then(|facts| facts.key_type(property)).unwrap_or(KeyType::Text))
        };
        let by = segment.and_then(Segment::by).map(|by| (by_column(by, job.definition.property()), value(by)));
        let columns = added.columns().iter().map(|column| {
            let field_type = match &column.holds {
                Holds::Count(_) => FieldType::Count,
                Holds::Sum(..) => FieldType::Sum,
                Holds::First(property, _) | Holds::Last(property, _) => value(property),
            };
            (column.name.clone(), field_type)
        });
        AddedFields(by.into_iter().chain(columns).collect())
    }

    /// The fields of the columns.
    pub fn fields(&self) -> impl Iterator<Item = Field> + '_ {
        self.0
            .iter()
            .map(|(name, field_type)| match field_type {
                FieldType::Count => Field::new(name, DataType::UInt32, false),
                FieldType::Sum => Field::new(name, DataType::Float64, false),
                FieldType::Value(key_type) => Field::new(name, data_type(*key_type), true),
            })
            .map(|field| field.with_metadata(HashMap::from([(REPEATS.to_string(), String::new())])))
    }

    /// The columns of some rows: `columns` are those of each partition, of which `places` are rows.
    pub fn arrays(&self, columns: &[&[AddedValues]], places: &[Place]) -> Vec<ArrayRef> {
        let of_field = |(field, (_, field_type)): (usize, &(String, FieldType))| {
            let column = Column { of: columns.iter().map(|columns| columns.get(field)).collect(), places };
            column.array(*field_type)
        };
        self.0.iter().enumerate().map(of_field).collect()
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

    fn array(&self, field_type: FieldType) -> ArrayRef {
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
            FieldType::Value(KeyType::Text) => self.texts(),
            FieldType::Value(KeyType::Int) => Arc::new(Int64Array::from(self.numbers())),
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
