//! The sessions and activity tables (SPEC 4): rows of the kernel to columns of a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int32Array, Int64Array, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::added::{AddedFields, Origin};
use super::key_columns::{data_type, text_array, text_array_with};
use crate::events::error::InputError;
use crate::events::facts::Facts;
use crate::events::normalise::convert::float_of;
use crate::events::source::roles::{KeyType, Roles};
use crate::job::added::{property_column, HISTORY};
use crate::job::dates::{day_of_text, day_text};
use crate::job::{AddedColumns, Job, Segment};
use crate::sessionize::event_types::EventTypes;
use crate::sessionize::layout::columns::KeyColumn;
use crate::sessionize::partition::Partition;
use crate::sessionize::rule::EndReason;
use crate::sessionize::table_rows::added::AddedValues;
use crate::sessionize::table_rows::dated::Dated;
use crate::sessionize::table_rows::merge::{AllUsers, ByDate, Place};
use crate::sessionize::table_rows::numbers::Numbered;
use crate::sessionize::table_rows::records::{ActivityRow, SessionRow};
use crate::sessionize::time::{Day, Timestamp};
use crate::tables::error::TableError;
use crate::tables::write::parquet_file::{ParquetFile, Provenance, Size, SLICE_ROWS};
use crate::tables::write::parts::{in_fewer_parts, Merge, PartFile};

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

/// The number of a session among those of its user.
pub const SESSION_NUMBER: &str = HISTORY[0];
/// When the session before it ended.
pub const PREVIOUS_END_TIME: &str = HISTORY[1];
const SINCE_PREVIOUS_MS: &str = HISTORY[2];

/// The events table.
pub const EVENTS: TableName = TableName { folder: "events", date_key: "event_date" };

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
    /// Whether sessions are numbered by user.
    history: bool,
    added_to_sessions: AddedFields,
    added_to_activity: AddedFields,
}

/// What a session id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionId {
    /// Default definition: the input's own id, of this type.
    Given(KeyType),
    /// Custom definition: the start in epoch milliseconds.
    Start,
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
            history: false,
            added_to_sessions: AddedFields::default(),
            added_to_activity: AddedFields::default(),
        }
    }

    /// The columns of a run's tables of a segment, or of all events, with those that the job, charts and segments add;
    /// `performed` are those of the segment's activity table.
    ///
    /// # Errors
    /// A condition of a declared column that does not fit the columns before it.
    pub fn of_run(
        job: &Job,
        roles: &Roles,
        facts: Option<&Facts>,
        segment: Option<(&Segment, &AddedColumns)>,
    ) -> Result<Self, InputError> {
        let definition = &job.definition;
        let columns = TableColumns::new(roles, definition.property(), definition.custom().is_some());
        let columns = TableColumns { history: job.output.history, ..columns };
        let (of, performed) = segment.unzip();
        let to_sessions = AddedFields::of_sessions(job, of, facts, &columns.own_fields())?;
        let to_activity = AddedFields::of_activity(job, of, performed, facts);
        Ok(TableColumns { added_to_sessions: to_sessions, added_to_activity: to_activity, ..columns })
    }

    /// The columns that conditions over sessions may be of, with their types: those of every sessions table of the run, and
    /// the declared ones.
    pub fn of_session(&self, declared: usize) -> Schema {
        // The values of a segment stand before: those of all events have none.
        let declared = self.added_to_sessions.fields().take(declared);
        Schema::new(self.own_fields().into_iter().chain(declared).collect::<Vec<Field>>())
    }

    /// How many columns every sessions table of the run has: they come first.
    pub fn own_columns(&self) -> usize {
        self.own_fields().len()
    }

    /// Where each column of the sessions table comes from, when one is written anew.
    pub fn session_origins(&self) -> Vec<Origin<'_>> {
        let own = self.own_fields().into_iter().map(|field| match HISTORY.contains(&field.name().as_str()) {
            true if self.history => Origin::History,
            _ => Origin::Name,
        });
        own.chain(self.added_to_sessions.origins()).collect()
    }

    /// Whether sessions are numbered by user.
    pub fn have_history(&self) -> bool {
        self.history
    }

    /// The columns of a segment's sessions that they are numbered by, besides the user.
    pub fn numbered_by(&self) -> Vec<String> {
        self.added_to_sessions.of_values()
    }

    /// The type of users.
    pub fn user_type(&self) -> DataType {
        data_type(self.user)
    }

    /// All columns of rows of the sessions table, of its `own` ones and those that hold something of events.
    ///
    /// # Errors
    /// A condition of a declared column that cannot be computed of a value.
    pub fn completed(&self, mut own: Vec<ArrayRef>, of_events: Vec<ArrayRef>) -> Result<Vec<ArrayRef>, ArrowError> {
        let named: Vec<(Field, ArrayRef)> = self.own_fields().into_iter().zip(own.iter().cloned()).collect();
        own.extend(self.added_to_sessions.completed(&named, of_events)?);
        Ok(own)
    }

    fn own_fields(&self) -> Vec<Field> {
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
            field("first_event", words(), true),
            field("last_event", words(), true),
            field("end_reason", words(), false),
        ]);
        if self.history {
            fields.extend([
                field(SESSION_NUMBER, DataType::UInt32, false),
                field(PREVIOUS_END_TIME, instant(), true),
                field(SINCE_PREVIOUS_MS, DataType::Int64, true),
            ]);
        }
        fields
    }

    fn sessions_schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.own_fields().into_iter().chain(self.added_to_sessions.fields()).collect::<Vec<Field>>(),
        ))
    }

    fn activity_schema(&self) -> SchemaRef {
        let mut fields = vec![
            Field::new("user_id", data_type(self.user), false),
            Field::new("events", DataType::UInt32, false),
            Field::new("hours", DataType::UInt32, false),
        ];
        fields.extend(self.added_to_activity.fields());
        Arc::new(Schema::new(fields))
    }

    fn session_columns(&self, rows: &Rows<'_, SessionRow>, words: &Words) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns = vec![rows.users(self.user)];
        let values =
            |key_type| key_array(key_type, rows.iter().map(|(partition, row)| value_key(partition, row.value)));
        columns.push(match self.session_id {
            SessionId::Given(key_type) => values(key_type),
            SessionId::Start => Arc::new(Int64Array::from_iter_values(rows.rows.iter().map(|row| row.id))),
        });
        columns.extend(self.property.as_ref().map(|(_, key_type)| values(*key_type)));
        let added = self.added_to_sessions.arrays(&rows.added(Partition::added_to_sessions), rows.places);
        let numbers: Vec<Numbered> = rows.numbers();
        let rows = || rows.rows.iter();
        columns.push(instants(rows().map(|row| row.start)));
        columns.push(instants(rows().map(|row| row.end)));
        columns.push(Arc::new(Int64Array::from_iter_values(rows().map(|row| row.length().floor_millis()))));
        columns.push(Arc::new(UInt32Array::from_iter_values(rows().map(|row| row.event_count))));
        columns.push(words.events(rows().map(|row| row.first_event)));
        columns.push(words.events(rows().map(|row| row.last_event)));
        columns.push(words.reasons(rows().map(|row| row.reason)));
        if self.history {
            let starts: Vec<Timestamp> = rows().map(|row| row.start).collect();
            columns.extend(history_columns(&starts, &numbers));
        }
        self.completed(columns, added)
    }

    fn activity_columns(&self, rows: &Rows<'_, ActivityRow>) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns: Vec<ArrayRef> = vec![
            rows.users(self.user),
            Arc::new(UInt32Array::from_iter_values(rows.rows.iter().map(|row| row.events))),
            Arc::new(UInt32Array::from_iter_values(rows.rows.iter().map(|row| row.hours))),
        ];
        columns.extend(self.added_to_activity.arrays(&rows.added(Partition::added_to_activity), rows.places));
        Ok(columns)
    }

    /// The columns of a table as Arrow has them, without its date.
    pub fn schema(&self, table: TableName) -> SchemaRef {
        if table == SESSIONS {
            return self.sessions_schema();
        }
        self.activity_schema()
    }

    /// The rows of the sessions table on one date, in slices.
    ///
    /// # Errors
    /// Texts that have no room in an array.
    pub fn sessions_on(
        &self,
        (by_date, day): (&ByDate<'_, SessionRow>, Day),
        types: &EventTypes,
    ) -> Result<Vec<RecordBatch>, ArrowError> {
        let words = Words::new(types);
        let places = by_date.places(day);
        let columns = |rows: &Rows<'_, SessionRow>| self.session_columns(rows, &words);
        slices(&self.sessions_schema(), (by_date, day), &places, &columns).collect()
    }

    /// The rows of the activity table on one date, in slices.
    ///
    /// # Errors
    /// Texts that have no room in an array.
    pub fn activity_on(&self, (by_date, day): (&ByDate<'_, ActivityRow>, Day)) -> Result<Vec<RecordBatch>, ArrowError> {
        let places = by_date.places(day);
        let columns = |rows: &Rows<'_, ActivityRow>| self.activity_columns(rows);
        slices(&self.activity_schema(), (by_date, day), &places, &columns).collect()
    }

    /// Writes the rows of the sessions table on one date, or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_sessions(
        &self,
        path: &Path,
        to: To<'_>,
        rows: Option<(&ByDate<'_, SessionRow>, Day)>,
        types: &EventTypes,
    ) -> Result<Size, TableError> {
        let words = Words::new(types);
        write_table(path, self.sessions_schema(), to, rows, |rows| self.session_columns(rows, &words))
    }

    /// Writes the rows of the activity table on one date, or none.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_activity(
        &self,
        path: &Path,
        to: To<'_>,
        rows: Option<(&ByDate<'_, ActivityRow>, Day)>,
    ) -> Result<Size, TableError> {
        write_table(path, self.activity_schema(), to, rows, |rows| self.activity_columns(rows))
    }
}

/// What a file is.
#[derive(Clone, Copy, Debug)]
pub enum To<'a> {
    /// A file of a table, with the rows of these parts, too.
    Table(&'a Provenance, &'a [PathBuf]),
    /// A part of one.
    Part,
}

/// Writes a file of a table, or a part of one.
///
/// # Errors
/// It cannot be written, or a part cannot be read.
pub(super) fn write_table<R: Dated>(
    path: &Path,
    schema: SchemaRef,
    to: To<'_>,
    rows: Option<(&ByDate<'_, R>, Day)>,
    columns: impl Fn(&Rows<'_, R>) -> Result<Vec<ArrayRef>, ArrowError>,
) -> Result<Size, TableError> {
    let places: Vec<Place> = rows.map(|(by_date, day)| by_date.places(day)).unwrap_or_default();
    let slices = rows.into_iter().flat_map(|rows| slices(&schema, rows, &places, &columns));
    let slices = slices.map(|slice| slice.map_err(|error| TableError::of_rows(path, &error)));
    match to {
        To::Table(provenance, parts) => {
            let mut file = ParquetFile::create(path, Arc::clone(&schema), provenance)?;
            match parts.is_empty() {
                true => slices.into_iter().try_for_each(|rows| file.write(&rows?))?,
                false => {
                    let parts = in_fewer_parts(&schema, parts.to_vec())?;
                    let mut merge = Merge::new(path, Arc::clone(&schema), &parts, Box::new(slices))?;
                    while let Some(rows) = merge.next_slice()? {
                        file.write(&rows)?;
                    }
                    // Not in the way of what comes next; what stays goes with the rest.
                    parts.iter().for_each(|part| drop(std::fs::remove_file(part)));
                }
            }
            file.finish()
        }
        To::Part => {
            let mut file = PartFile::create(path, &schema)?;
            slices.into_iter().try_for_each(|rows| file.write(&rows?))?;
            file.finish()?;
            Ok(Size::default())
        }
    }
}

/// The rows of a table on one date, which are at these places, a slice at a time.
pub(super) fn slices<'r, R: Dated>(
    schema: &'r SchemaRef,
    (by_date, day): (&'r ByDate<'_, R>, Day),
    places: &'r [Place],
    columns: &'r impl Fn(&Rows<'_, R>) -> Result<Vec<ArrayRef>, ArrowError>,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> + 'r {
    // Its memory is used again for each slice: given back, every page of it would have to come from the system anew.
    let mut buffer = Vec::new();
    places.chunks(SLICE_ROWS).map(move |places| {
        buffer.clear();
        by_date.add_rows(day, places, &mut buffer);
        let rows = Rows { rows: &buffer, places, partitions: by_date.partitions(), users: by_date.users() };
        RecordBatch::try_new(Arc::clone(schema), columns(&rows)?)
    })
}

/// The columns of history of sessions that start at these times.
pub fn history_columns(starts: &[Timestamp], numbers: &[Numbered]) -> [ArrayRef; 3] {
    let ends = || numbers.iter().map(|numbered| numbered.previous_end);
    let since = starts.iter().zip(ends()).map(|(start, end)| Some(start.since(end?).floor_millis()));
    [
        Arc::new(UInt32Array::from_iter_values(numbers.iter().map(|numbered| numbered.number))),
        Arc::new(
            TimestampMicrosecondArray::from_iter(ends().map(|end| end.map(Timestamp::micros))).with_timezone("UTC"),
        ),
        Arc::new(Int64Array::from_iter(since)),
    ]
}

/// Some rows of a table, side by side: they are read once for each column.
pub(super) struct Rows<'a, R> {
    rows: &'a [R],
    /// Where each is.
    places: &'a [Place],
    partitions: &'a [Partition],
    users: &'a AllUsers,
}

impl<'a, R: Dated> Rows<'a, R> {
    /// Each row with its partition.
    pub(super) fn iter(&self) -> impl ExactSizeIterator<Item = (&'a Partition, &R)> {
        self.places.iter().map(|place| &self.partitions[place.partition()]).zip(self.rows)
    }

    /// The added columns of each partition.
    pub(super) fn added(&self, columns: fn(&Partition) -> &[AddedValues]) -> Vec<&'a [AddedValues]> {
        self.partitions.iter().map(columns).collect()
    }

    /// The number of each session among those of its user; nothing where sessions have none.
    fn numbers(&self) -> Vec<Numbered> {
        let number = |place: &Place| Some(self.partitions[place.partition()].numbers.as_ref()?.get(place.row()));
        self.places.iter().filter_map(number).collect()
    }

    /// Where each row is.
    pub(super) fn places(&self) -> &'a [Place] {
        self.places
    }

    /// The users.
    pub(super) fn users(&self, key_type: KeyType) -> ArrayRef {
        let user = |place: &Place| {
            let (column, row) = self.users.find(place.user());
            Key::at(column, row)
        };
        key_array(key_type, self.places.iter().map(user))
    }
}

/// The words of the text columns whose values are few.
pub(super) struct Words {
    events: ArrayRef,
    reasons: ArrayRef,
}

impl Words {
    /// The types of events, and why sessions end.
    pub(super) fn new(types: &EventTypes) -> Self {
        let events = (1..=types.len() as u32).map(|rank| types.name(rank));
        let reasons = EndReason::ALL.iter().map(|reason| Some(reason.name()));
        Words { events: Arc::new(StringArray::from_iter(events)), reasons: Arc::new(StringArray::from_iter(reasons)) }
    }

    /// Event types by their ranks; 0 is none.
    pub(super) fn events(&self, ranks: impl Iterator<Item = u32>) -> ArrayRef {
        let keys = Int32Array::from_iter(ranks.map(|rank| rank.checked_sub(1).map(|key| key as i32)));
        Arc::new(DictionaryArray::new(keys, Arc::clone(&self.events)))
    }

    fn reasons(&self, reasons: impl Iterator<Item = EndReason>) -> ArrayRef {
        let keys = Int32Array::from_iter_values(reasons.map(|reason| reason as i32));
        Arc::new(DictionaryArray::new(keys, Arc::clone(&self.reasons)))
    }
}

/// Text of few values: a dictionary in memory, plain text for whoever reads the file.
pub(super) fn words() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// A key as it is in memory.
#[derive(Clone, Copy)]
pub(in crate::tables) enum Key<'a> {
    /// A number, or what stands for one.
    Int(i64),
    /// Text.
    Text(&'a [u8]),
}

impl<'a> Key<'a> {
    pub(in crate::tables) fn at(column: &'a KeyColumn, row: usize) -> Self {
        match column {
            KeyColumn::Int(values) => Key::Int(values[row]),
            KeyColumn::Text(values) => Key::Text(values.get(row)),
        }
    }

    /// The number; 0 for text.
    pub(super) fn int(self) -> i64 {
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
pub(super) fn value_key(partition: &Partition, value: i64) -> Key<'_> {
    match &partition.texts {
        Some(texts) => Key::at(texts, value as usize),
        None => Key::Int(value),
    }
}

/// Keys as a column.
pub(in crate::tables) fn key_array<'a>(key_type: KeyType, keys: impl ExactSizeIterator<Item = Key<'a>>) -> ArrayRef {
    match key_type {
        KeyType::Text => text_array(keys.map(Key::text)),
        KeyType::Int => Arc::new(Int64Array::from_iter_values(keys.map(Key::int))),
        KeyType::Float => Arc::new(Float64Array::from_iter_values(keys.map(|key| float_of(key.int())))),
        KeyType::Boolean => Arc::new(BooleanArray::from_iter(keys.map(|key| Some(key.int() != 0)))),
        KeyType::Date => Arc::new(Date32Array::from_iter_values(keys.map(|key| key.int() as i32))),
        KeyType::Timestamp => instants(keys.map(|key| Timestamp::from_micros(key.int()))),
    }
}

/// Times as a column.
pub(super) fn instants(times: impl Iterator<Item = Timestamp>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(times.map(Timestamp::micros)).with_timezone("UTC"))
}

/// Texts as a column, some of them null.
pub(super) fn optional_texts(keys: Vec<Option<Key<'_>>>) -> ArrayRef {
    let valid = keys.iter().any(Option::is_none).then(|| keys.iter().map(Option::is_some).collect());
    text_array_with(keys.iter().map(|key| key.map_or(&b""[..], Key::text)), valid)
}
