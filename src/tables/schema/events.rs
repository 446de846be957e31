//! The events table (SPEC 4): rows of the kernel to columns of a file.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, DictionaryArray, Int32Array, Int64Array, StringArray, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::added::AddedFields;
use super::key_columns::data_type;
use super::sessions::{instants, optional_texts, slices, value_key, words, write_table, Rows, To, Words};
use crate::events::facts::Facts;
use crate::events::source::roles::{KeyType, Roles};
use crate::job::added::event_column_names;
use crate::job::Job;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::partition::Partition;
use crate::sessionize::table_rows::event_rows::{EventRow, InSession, NotInTable};
use crate::sessionize::table_rows::merge::ByDate;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::write::parquet_file::Size;

/// The columns of a run's events table.
#[derive(Clone, Debug)]
pub struct EventColumns {
    user: KeyType,
    /// The type of session ids: `None` where they are the start in epoch milliseconds.
    given: Option<KeyType>,
    /// The columns that the job names.
    named: AddedFields,
}

impl EventColumns {
    /// Those of a job; `None` where it asks for no such table.
    pub fn of_run(job: &Job, roles: &Roles, facts: Option<&Facts>) -> Option<Self> {
        let named = job.output.events.as_ref()?;
        let type_of = |column: &String| facts.and_then(|facts| facts.key_type(column)).unwrap_or(KeyType::Text);
        let named = event_column_names(named).into_iter().zip(named.iter().map(type_of));
        let given = roles.value.as_ref().map_or(KeyType::Int, |value| value.key_type);
        Some(EventColumns {
            user: roles.user_type,
            given: job.definition.custom().is_none().then_some(given),
            named: AddedFields::of_values_named(named),
        })
    }

    /// The columns as Arrow has them, without the date.
    pub fn schema(&self) -> SchemaRef {
        let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let mut fields = vec![
            Field::new("user_id", data_type(self.user), false),
            Field::new("event_time", instant, false),
            Field::new("event_type", words(), true),
            Field::new("session_id", self.given.map_or(DataType::Int64, data_type), true),
            Field::new("session_date", DataType::Date32, true),
            Field::new("session_position", DataType::UInt32, true),
            Field::new("out_of_session", words(), true),
        ];
        fields.extend(self.named.fields());
        Arc::new(Schema::new(fields))
    }

    fn columns(&self, rows: &Rows<'_, EventRow>, words: &EventWords) -> Result<Vec<ArrayRef>, ArrowError> {
        let all = || rows.iter().map(|(_, row)| row);
        let sessions = || all().map(|row| row.session.ok());
        let of_session = |of: fn(InSession) -> i64| sessions().map(move |session| session.map(of));
        let ids: ArrayRef = match self.given {
            None => Arc::new(Int64Array::from_iter(of_session(|session| session.id))),
            Some(key_type) => {
                let ids = rows.iter().map(|(partition, row)| Some(value_key(partition, row.session.ok()?.id)));
                match key_type {
                    KeyType::Text => optional_texts(ids.collect()),
                    // Ids are numbers or text; of those without one nothing is read.
                    _ => Arc::new(Int64Array::from_iter(ids.map(|id| id.map(|id| id.int())))),
                }
            }
        };
        let reason = |row: &EventRow| row.session.err().map(|reason| reason.code() as i32);
        let reasons = Int32Array::from_iter(all().map(reason));
        let named = rows.added(|partition: &Partition| &partition.events.values);
        let mut columns: Vec<ArrayRef> = vec![
            rows.users(self.user),
            instants(all().map(|row| row.time)),
            words.events.events(all().map(|row| row.event)),
            ids,
            Arc::new(Date32Array::from_iter(
                of_session(|session| i64::from(session.day.epoch_days())).map(|day| day.map(|day| day as i32)),
            )),
            Arc::new(UInt32Array::from_iter(sessions().map(|session| session.map(|session| session.position)))),
            Arc::new(DictionaryArray::new(reasons, Arc::clone(&words.reasons))),
        ];
        columns.extend(self.named.arrays(&named, rows.places()));
        Ok(columns)
    }

    /// The rows on one date, in slices.
    ///
    /// # Errors
    /// Texts that have no room in an array.
    pub fn rows_on(
        &self,
        (by_date, day): (&ByDate<'_, EventRow>, Day),
        types: &EventTypes,
    ) -> Result<Vec<RecordBatch>, ArrowError> {
        let words = EventWords::new(types);
        let places = by_date.places(day);
        let columns = |rows: &Rows<'_, EventRow>| self.columns(rows, &words);
        slices(&self.schema(), (by_date, day), &places, &columns).collect()
    }

    /// Writes the rows on one date, or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(
        &self,
        path: &Path,
        to: To<'_>,
        rows: Option<(&ByDate<'_, EventRow>, Day)>,
        types: &EventTypes,
    ) -> Result<Size, TableError> {
        let words = EventWords::new(types);
        write_table(path, self.schema(), to, rows, |rows| self.columns(rows, &words))
    }
}

/// The words of the text columns whose values are few.
struct EventWords {
    events: Words,
    reasons: ArrayRef,
}

impl EventWords {
    fn new(types: &EventTypes) -> Self {
        let reasons = NotInTable::ALL.iter().map(|reason| Some(reason.name()));
        EventWords { events: Words::new(types), reasons: Arc::new(StringArray::from_iter(reasons)) }
    }
}
