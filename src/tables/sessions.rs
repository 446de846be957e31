//! The sessions and activity tables (SPEC 4): rows of the kernel to columns of a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, StringBuilder, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::record_batch::RecordBatch;

use super::error::TableError;
use super::parquet_file::{ParquetFile, Provenance, Size, SLICE_ROWS};
use crate::events::convert::float_of;
use crate::events::roles::{KeyType, Roles};
use crate::job::dates::{day_of_text, day_text};
use crate::sessionize::columns::KeyColumn;
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::merge::{ByDate, Dated, Place};
use crate::sessionize::partition::Partition;
use crate::sessionize::records::{ActivityRow, SessionRow};
use crate::sessionize::time::{Day, Timestamp};

/// The name of a table's folder, and of the column that its date folders stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The folder.
    pub folder: &'static str,
    /// The key of the date folders.
    pub date_key: &'static str,
}

/// The sessions table.
pub const SESSIONS: TableName = TableName { folder: "sessions", date_key: "session_date" };
/// The activity table.
pub const ACTIVITY: TableName = TableName { folder: "activity", date_key: "activity_date" };

impl TableName {
    /// The file of a date, within the output folder.
    pub fn file_of(self, day: Day) -> PathBuf {
        Path::new(self.folder).join(format!("{}={}", self.date_key, day_text(day))).join("part-0.parquet")
    }

    /// The date of a file of this table; `None` for the file of a table without rows, and for files that
    /// are not dwell's.
    pub fn day_of(self, file: &Path) -> Option<Day> {
        let folder = file.parent()?.file_name()?.to_str()?;
        let day = day_of_text(folder.strip_prefix(self.date_key)?.strip_prefix('=')?)?;
        file.ends_with(self.file_of(day)).then_some(day)
    }

    /// Whether a file within the output folder is one of this table.
    pub fn owns(self, file: &Path) -> bool {
        file == self.empty_file() || self.day_of(file).is_some()
    }

    /// The file of a table without rows, within the output folder.
    pub fn empty_file(self) -> PathBuf {
        Path::new(self.folder).join("part-0.parquet")
    }
}

/// The columns of a run's tables.
#[derive(Clone, Debug)]
pub struct TableColumns {
    user: KeyType,
    session_id: SessionId,
    property: Option<(String, KeyType)>,
}

/// What a session id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionId {
    /// Default definition: the input's own id, of this type.
    Given(KeyType),
    /// Custom definition: the start in epoch milliseconds.
    Start,
}

const FIXED: [&str; 10] = [
    "session_date",
    "user_id",
    "session_id",
    "start_time",
    "end_time",
    "length_ms",
    "event_count",
    "first_event",
    "last_event",
    "end_reason",
];

/// The column of the sessions table that holds a property.
pub fn property_column(property: &str) -> String {
    // Engines that read the tables often take names without regard to case.
    match FIXED.iter().any(|fixed| fixed.eq_ignore_ascii_case(property)) {
        true => format!("property_{property}"),
        false => property.to_string(),
    }
}

impl TableColumns {
    /// The columns for a run's roles; `property` is the property's name under a custom definition that
    /// has one.
    pub fn new(roles: &Roles, property: Option<&str>, custom: bool) -> Self {
        let given = roles.value.as_ref().map_or(KeyType::Int, |value| value.key_type);
        TableColumns {
            user: roles.user_type,
            session_id: if custom { SessionId::Start } else { SessionId::Given(given) },
            property: property.map(|property| (property_column(property), given)),
        }
    }

    /// Each table with its columns and their types, to tell whether a table has the ones a run would write.
    pub fn tables(&self) -> Vec<String> {
        let line = |name: TableName, schema: SchemaRef| {
            let columns = schema.fields().iter().map(|field| format!("{} {}", field.name(), field.data_type()));
            format!("{}: {}", name.folder, columns.collect::<Vec<_>>().join(", "))
        };
        vec![line(SESSIONS, self.sessions_schema()), line(ACTIVITY, self.activity_schema())]
    }

    fn sessions_schema(&self) -> SchemaRef {
        let field = |name: &str, data_type: DataType, nullable: bool| Field::new(name, data_type, nullable);
        let instant = || DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        let id_type = match self.session_id {
            SessionId::Given(key_type) => data_type(key_type),
            SessionId::Start => DataType::Int64,
        };
        let mut fields = vec![field("user_id", data_type(self.user), false), field("session_id", id_type, false)];
        fields.extend(self.property.as_ref().map(|(name, key_type)| field(name, data_type(*key_type), false)));
        fields.extend([
            field("start_time", instant(), false),
            field("end_time", instant(), false),
            field("length_ms", DataType::Int64, false),
            field("event_count", DataType::UInt32, false),
            field("first_event", DataType::Utf8, true),
            field("last_event", DataType::Utf8, true),
            field("end_reason", DataType::Utf8, false),
        ]);
        Arc::new(Schema::new(fields))
    }

    fn activity_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("user_id", data_type(self.user), false),
            Field::new("events", DataType::UInt32, false),
            Field::new("hours", DataType::UInt32, false),
        ]))
    }

    fn session_columns(&self, rows: &[(&Partition, &SessionRow)], types: &EventTypes) -> Vec<ArrayRef> {
        let mut columns = vec![key_array(self.user, rows.iter().map(|(p, row)| Key::at(&p.users, row.user)))];
        let values = || rows.iter().map(|(partition, row)| value_key(partition, row.value));
        columns.push(match self.session_id {
            SessionId::Given(key_type) => key_array(key_type, values()),
            SessionId::Start => Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, row)| row.id))),
        });
        columns.extend(self.property.as_ref().map(|(_, key_type)| key_array(*key_type, values())));
        let event = |rank: fn(&SessionRow) -> u32| -> ArrayRef {
            text_array(rows.iter().map(|(_, row)| types.name(rank(row)).map(str::as_bytes)))
        };
        columns.push(instants(rows.iter().map(|(_, row)| row.start)));
        columns.push(instants(rows.iter().map(|(_, row)| row.end)));
        columns.push(Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, row)| row.length().floor_millis()))));
        columns.push(Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(_, row)| row.event_count))));
        columns.push(event(|row| row.first_event));
        columns.push(event(|row| row.last_event));
        columns.push(text_array(rows.iter().map(|(_, row)| Some(row.reason.name().as_bytes()))));
        columns
    }

    fn activity_columns(&self, rows: &[(&Partition, &ActivityRow)]) -> Vec<ArrayRef> {
        vec![
            key_array(self.user, rows.iter().map(|(p, row)| Key::at(&p.users, row.user))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(_, row)| row.events))),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|(_, row)| row.hours))),
        ]
    }

    /// Writes the rows of the sessions table on one date, or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_sessions(
        &self,
        path: &Path,
        provenance: &Provenance,
        rows: Option<(&ByDate<'_, SessionRow>, Day)>,
        types: &EventTypes,
    ) -> Result<Size, TableError> {
        write_table(path, self.sessions_schema(), provenance, rows, |rows| self.session_columns(rows, types))
    }

    /// Writes the rows of the activity table on one date, or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_activity(
        &self,
        path: &Path,
        provenance: &Provenance,
        rows: Option<(&ByDate<'_, ActivityRow>, Day)>,
    ) -> Result<Size, TableError> {
        write_table(path, self.activity_schema(), provenance, rows, |rows| self.activity_columns(rows))
    }
}

fn write_table<R: Dated>(
    path: &Path,
    schema: SchemaRef,
    provenance: &Provenance,
    rows: Option<(&ByDate<'_, R>, Day)>,
    columns: impl Fn(&[(&Partition, &R)]) -> Vec<ArrayRef>,
) -> Result<Size, TableError> {
    let mut file = ParquetFile::create(path, Arc::clone(&schema), provenance)?;
    if let Some((by_date, day)) = rows {
        let places: Vec<Place> = by_date.places(day);
        for slice in places.chunks(SLICE_ROWS) {
            let rows: Vec<(&Partition, &R)> = slice.iter().map(|place| by_date.row(*place)).collect();
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns(&rows))
                .map_err(|error| TableError::write(path, &error))?;
            file.write(&batch)?;
        }
    }
    file.finish()
}

fn data_type(key_type: KeyType) -> DataType {
    match key_type {
        KeyType::Text => DataType::Utf8,
        KeyType::Int => DataType::Int64,
        KeyType::Float => DataType::Float64,
        KeyType::Boolean => DataType::Boolean,
        KeyType::Date => DataType::Date32,
        KeyType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

/// A key as it is in memory.
#[derive(Clone, Copy)]
enum Key<'a> {
    Int(i64),
    Text(&'a [u8]),
}

impl<'a> Key<'a> {
    fn at(column: &'a KeyColumn, row: u32) -> Self {
        match column {
            KeyColumn::Int(values) => Key::Int(values[row as usize]),
            KeyColumn::Text(values) => Key::Text(values.get(row as usize)),
        }
    }

    fn int(self) -> i64 {
        match self {
            Key::Int(value) => value,
            Key::Text(_) => 0,
        }
    }

    fn text(self) -> &'a [u8] {
        match self {
            Key::Int(_) => b"",
            Key::Text(value) => value,
        }
    }
}

/// A row's value: a number, or the place of a text.
fn value_key(partition: &Partition, value: i64) -> Key<'_> {
    match &partition.texts {
        Some(texts) => Key::at(texts, value as u32),
        None => Key::Int(value),
    }
}

fn key_array<'a>(key_type: KeyType, keys: impl Iterator<Item = Key<'a>>) -> ArrayRef {
    match key_type {
        KeyType::Text => text_array(keys.map(|key| Some(key.text()))),
        KeyType::Int => Arc::new(Int64Array::from_iter_values(keys.map(Key::int))),
        KeyType::Float => Arc::new(Float64Array::from_iter_values(keys.map(|key| float_of(key.int())))),
        KeyType::Boolean => Arc::new(BooleanArray::from_iter(keys.map(|key| Some(key.int() != 0)))),
        KeyType::Date => Arc::new(Date32Array::from_iter_values(keys.map(|key| key.int() as i32))),
        KeyType::Timestamp => instants(keys.map(|key| Timestamp::from_micros(key.int()))),
    }
}

fn text_array<'a>(texts: impl Iterator<Item = Option<&'a [u8]>>) -> ArrayRef {
    let mut builder = StringBuilder::new();
    for text in texts {
        // All texts came out of text columns.
        builder.append_option(text.map(|bytes| std::str::from_utf8(bytes).unwrap_or_default()));
    }
    Arc::new(builder.finish())
}

fn instants(times: impl Iterator<Item = Timestamp>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(times.map(Timestamp::micros)).with_timezone("UTC"))
}
