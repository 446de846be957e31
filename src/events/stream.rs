//! Arrow IPC streams of events, as other programs write them into a pipe.
//!
//! The columns of a stream are taken to the types in which those of files are decoded, so that everything after it (roles,
//! conditions, normalising) is the same for both.

use std::io::{Chain, Cursor, Read};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::record_batch::RecordBatch;

use super::decode::decoded::{decoded, settled};
use super::error::InputError;
use super::source::footer::FileSchema;
use crate::guard::against_damage;

/// Rows of a batch, at most: larger ones are handed on in pieces, so that all threads have something to do.
const MOST_ROWS: usize = 1 << 16;
/// Batches of fewer rows are put together: what is done once for a batch would take longer than what is done for its rows.
const FEW_ROWS: usize = 1 << 13;
/// The description of the columns takes no more bytes than this: more is a sign that it is none.
const MOST_HEAD_BYTES: usize = 1 << 28;

/// A stream of events: its columns are known, its batches are still to come.
pub struct EventStream<R: Read> {
    head: Vec<u8>,
    input: R,
    schema: SchemaRef,
}

impl<R: Read> std::fmt::Debug for EventStream<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl<R: Read> EventStream<R> {
    /// Reads which columns a stream has.
    ///
    /// # Errors
    /// What comes is no Arrow IPC stream, or breaks off.
    pub fn open(mut input: R) -> Result<Self, InputError> {
        let head = read_head(&mut input)?;
        let opened = against_damage(|| StreamReader::try_new(Cursor::new(&head), None));
        let schema = match opened {
            Ok(Ok(reader)) => reader.schema(),
            Ok(Err(error)) => return Err(no_stream(&format!("its first message cannot be read ({error})"))),
            Err(_) => return Err(no_stream("its first message cannot be read")),
        };
        Ok(EventStream { head, input, schema })
    }

    /// Its columns, in the types in which they go on.
    pub fn schema(&self) -> FileSchema {
        let fields = self.schema.fields().iter();
        FileSchema::of(fields.map(|field| (field.name().clone(), decoded_of(field.data_type()))).collect())
    }

    /// Its batches, of the columns named, which it has, in the types in which those of files go on.
    ///
    /// # Errors
    /// A column that it does not have.
    pub fn batches(self, columns: &[String]) -> Result<EventBatches<R>, InputError> {
        let place = |name: &String| self.schema.index_of(name);
        let places = columns.iter().map(place).collect::<Result<Vec<_>, ArrowError>>();
        let mut places = places.map_err(|error| no_stream(&error.to_string()))?;
        places.sort_unstable();
        let reader = self.read(Some(places))?;
        Ok(EventBatches { reader, batches: 0, rows: 0, rest: None, waiting: None, as_they_are: false, is_done: false })
    }

    /// Its batches, of all columns, in the types in which they come.
    ///
    /// # Errors
    /// As [`EventStream::batches`].
    pub fn unchanged_batches(self) -> Result<EventBatches<R>, InputError> {
        let reader = self.read(None)?;
        Ok(EventBatches { reader, batches: 0, rows: 0, rest: None, waiting: None, as_they_are: true, is_done: false })
    }

    /// The types in which they come.
    pub fn types(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn read(self, places: Option<Vec<usize>>) -> Result<Reader<R>, InputError> {
        let input = Watched { input: Cursor::new(self.head).chain(self.input), has_ended: false };
        StreamReader::try_new(input, places).map_err(|error| no_stream(&error.to_string()))
    }
}

/// Reads a stream whose first message has been read before.
type Reader<R> = StreamReader<Watched<Chain<Cursor<Vec<u8>>, R>>>;

/// The batches of a stream.
pub struct EventBatches<R: Read> {
    reader: Reader<R>,
    /// How many have come, and their rows.
    batches: usize,
    rows: u64,
    /// A batch that came when small ones were being put together.
    waiting: Option<RecordBatch>,
    /// What is left of a large one.
    rest: Option<RecordBatch>,
    as_they_are: bool,
    is_done: bool,
}

impl<R: Read> std::fmt::Debug for EventBatches<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EventBatches").field("batches", &self.batches).finish_non_exhaustive()
    }
}

impl<R: Read> EventBatches<R> {
    /// The next batch as the stream has it.
    fn read(&mut self) -> Result<Option<RecordBatch>, InputError> {
        let damaged = |batch, reason| InputError::StreamDamaged { batch, reason };
        let next = against_damage(|| self.reader.next().transpose());
        if self.reader.get_ref().has_ended {
            return Err(InputError::StreamEnded { batches: self.batches, rows: self.rows });
        }
        let number = self.batches + 1;
        let batch = match next {
            Ok(Ok(batch)) => batch,
            Ok(Err(error)) => return Err(damaged(number, error.to_string())),
            Err(_) => return Err(damaged(number, "it cannot be decoded".to_string())),
        };
        let Some(batch) = batch else { return Ok(None) };
        self.batches = number;
        self.rows += batch.num_rows() as u64;
        if self.as_they_are {
            return Ok(Some(batch));
        }
        let as_decoded = against_damage(|| as_decoded(batch)).unwrap_or_else(|_| {
            let reason = "its values cannot be decoded".to_string();
            Err(ArrowError::CastError(reason))
        });
        as_decoded.map(Some).map_err(|error| damaged(number, error.to_string()))
    }

    /// The next batch, and after it as many as it takes for them not to be small together.
    fn read_enough(&mut self) -> Result<Option<RecordBatch>, InputError> {
        let mut small = Vec::new();
        let mut rows = 0;
        loop {
            let batch = match self.waiting.take() {
                Some(batch) => Some(batch),
                None => self.read()?,
            };
            let Some(batch) = batch else {
                self.is_done = true;
                break;
            };
            if batch.num_rows() >= FEW_ROWS && small.is_empty() {
                return Ok(Some(batch));
            }
            if batch.num_rows() >= FEW_ROWS {
                self.waiting = Some(batch);
                break;
            }
            rows += batch.num_rows();
            small.push(batch);
            if rows >= FEW_ROWS {
                break;
            }
        }
        let Some(first) = small.first() else { return Ok(None) };
        let schema = first.schema();
        let together = concat_batches(&schema, &small);
        together.map(Some).map_err(|error| InputError::StreamDamaged { batch: self.batches, reason: error.to_string() })
    }

    fn next_piece(&mut self) -> Result<Option<RecordBatch>, InputError> {
        loop {
            let batch = match self.rest.take() {
                Some(batch) => batch,
                None if self.is_done => return Ok(None),
                None => match self.read_enough()? {
                    Some(batch) => batch,
                    None => return Ok(None),
                },
            };
            if batch.num_rows() > MOST_ROWS {
                self.rest = Some(batch.slice(MOST_ROWS, batch.num_rows() - MOST_ROWS));
                return Ok(Some(batch.slice(0, MOST_ROWS)));
            }
            if batch.num_rows() > 0 {
                return Ok(Some(batch));
            }
        }
    }
}

impl<R: Read> Iterator for EventBatches<R> {
    type Item = Result<RecordBatch, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_piece();
        if next.is_err() {
            self.is_done = true;
        }
        next.transpose()
    }
}

/// A reader that tells whether more was asked of it than there was. A whole stream says itself where it ends.
struct Watched<R> {
    input: R,
    has_ended: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.input.read(buffer);
        self.has_ended |= !buffer.is_empty() && matches!(read, Ok(0) | Err(_));
        // What a signal interrupted is asked for again.
        if matches!(&read, Err(error) if error.kind() == std::io::ErrorKind::Interrupted) {
            self.has_ended = false;
        }
        read
    }
}

/// The bytes of the first message, which says which columns there are.
fn read_head(input: &mut impl Read) -> Result<Vec<u8>, InputError> {
    let failed = |error: std::io::Error| no_stream(&format!("it cannot be read ({error})"));
    let mut head = Vec::new();
    input.take(8).read_to_end(&mut head).map_err(failed)?;
    if head.is_empty() {
        return Err(no_stream("it is empty"));
    }
    if let Some((_, what)) = OTHER_FORMATS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Err(no_stream(what));
    }
    let marker = [0xFF; 4];
    // Before version 0.15 of the format, no marker stood before a message's length.
    let length = if head.starts_with(&marker) { head.get(4..8) } else { head.get(0..4) };
    let length = length.and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes);
    let Some(length) = length.map(|length| length as usize) else {
        return Err(no_stream("it is shorter than any"));
    };
    if length == 0 || length > MOST_HEAD_BYTES {
        return Err(no_stream("it does not begin as one"));
    }
    let whole = length + if head.starts_with(&marker) { 8 } else { 4 };
    let missing = whole.saturating_sub(head.len());
    let read = input.take(missing as u64).read_to_end(&mut head).map_err(failed)?;
    match read < missing && head.starts_with(&marker) {
        true => Err(InputError::StreamEnded { batches: 0, rows: 0 }),
        false => Ok(head),
    }
}

/// How other formats begin, and what to do with them.
const OTHER_FORMATS: [(&[u8], &str); 5] = [
    (b"PAR1", "it is a Parquet file, which `dwell run` reads"),
    (b"ARROW1", "it is an Arrow file, not a stream: write it with the stream writer of your library"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd: decompress it on the way"),
    (b"\x1f\x8b", "it is compressed with gzip: decompress it on the way"),
    (b"FEA1", "it is a Feather file: write an Arrow IPC stream"),
];

fn no_stream(what: &str) -> InputError {
    InputError::NoStream { what: what.to_string() }
}

/// The type in which values of a stream's type go on.
fn decoded_of(of: &DataType) -> DataType {
    let of = match of {
        DataType::RunEndEncoded(_, values) => values.data_type(),
        of => of,
    };
    decoded(of, of)
}

/// A batch in the types in which those of files go on.
fn as_decoded(batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
    let target = |field: &FieldRef| settled(&decoded_of(field.data_type()));
    if batch.schema_ref().fields().iter().all(|field| target(field) == *field.data_type()) {
        return Ok(batch);
    }
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    let mut fields: Vec<FieldRef> = Vec::with_capacity(batch.num_columns());
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let data_type = target(field);
        if data_type == *field.data_type() {
            columns.push(Arc::clone(column));
            fields.push(Arc::clone(field));
            continue;
        }
        // By way of the type that a file would be decoded to: what cannot be cast at once can be in two steps.
        let column = cast(&cast(column, &decoded_of(field.data_type()))?, &data_type)?;
        columns.push(column);
        fields.push(Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true)));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}
