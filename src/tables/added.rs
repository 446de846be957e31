//! The columns that charts and segments add to the tables (SPEC 4, 6).

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, LargeStringBuilder, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::datatypes::{DataType, Field};

use super::parquet_file::REPEATS;
use super::sessions::data_type;
use crate::events::convert::float_of;
use crate::events::facts::Facts;
use crate::events::roles::KeyType;
use crate::job::added::by_column;
use crate::job::holds::Holds;
use crate::job::{AddedColumns, Job, Segment};
use crate::sessionize::added::AddedValues;

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

    /// The columns of some rows, each named by the columns of its partition and its place in them.
    pub fn arrays(&self, rows: &[(&[AddedValues], usize)]) -> Vec<ArrayRef> {
        let columns = self.0.iter().enumerate();
        columns.map(|(place, (_, field_type))| array(*field_type, rows, place)).collect()
    }
}

fn array(field_type: FieldType, rows: &[(&[AddedValues], usize)], place: usize) -> ArrayRef {
    let cells = || rows.iter().map(|(columns, row)| (&columns[place], *row));
    let numbers = || {
        cells().map(|(values, row)| match values {
            AddedValues::Numbers(numbers) => numbers[row],
            _ => None,
        })
    };
    match field_type {
        FieldType::Count => Arc::new(UInt32Array::from_iter_values(cells().map(|(values, row)| match values {
            AddedValues::Counts(counts) => counts[row],
            _ => 0,
        }))),
        FieldType::Sum => Arc::new(Float64Array::from_iter_values(cells().map(|(values, row)| match values {
            AddedValues::Sums(sums) => sums[row],
            _ => 0.0,
        }))),
        FieldType::Value(KeyType::Text) => {
            let mut builder = LargeStringBuilder::new();
            for (values, row) in cells() {
                // All texts came out of text columns.
                builder.append_option(match values {
                    AddedValues::Texts(places, texts) => {
                        places[row].map(|place| std::str::from_utf8(texts.get(place as usize)).unwrap_or_default())
                    }
                    _ => None,
                });
            }
            Arc::new(builder.finish())
        }
        FieldType::Value(KeyType::Int) => Arc::new(Int64Array::from_iter(numbers())),
        FieldType::Value(KeyType::Float) => Arc::new(Float64Array::from_iter(numbers().map(|n| n.map(float_of)))),
        FieldType::Value(KeyType::Boolean) => Arc::new(BooleanArray::from_iter(numbers().map(|n| n.map(|n| n != 0)))),
        FieldType::Value(KeyType::Date) => Arc::new(Date32Array::from_iter(numbers().map(|n| n.map(|n| n as i32)))),
        FieldType::Value(KeyType::Timestamp) => {
            Arc::new(TimestampMicrosecondArray::from_iter(numbers()).with_timezone("UTC"))
        }
    }
}
