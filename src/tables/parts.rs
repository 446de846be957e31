//! Tables in parts: what memory does not hold of a date's rows is written part by part, and put together at the
//! end. A part has the rows of some users, all of them, in the order of the table; so parts are put together user
//! by user.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::interleave;
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::ipc::CompressionType;
use arrow::record_batch::RecordBatch;

use super::error::TableError;
use super::parquet_file::{ParquetFile, Provenance, Size, SLICE_ROWS};

/// Rows of a part that are in memory at a time.
const PART_ROWS: usize = 1 << 12;

/// A part being written, as an Arrow file with lz4.
pub struct PartFile {
    path: PathBuf,
    writer: FileWriter<BufWriter<File>>,
}

impl PartFile {
    /// Begins a part.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path, schema: &SchemaRef) -> Result<Self, TableError> {
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(path, error);
        let file = File::create(path).map_err(|error| failed(&error))?;
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME));
        let writer =
            options.and_then(|options| FileWriter::try_new_with_options(BufWriter::new(file), schema, options));
        Ok(PartFile { path: path.to_path_buf(), writer: writer.map_err(|error| failed(&error))? })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        for start in (0..rows.num_rows()).step_by(PART_ROWS) {
            let some = rows.slice(start, PART_ROWS.min(rows.num_rows() - start));
            self.writer.write(&some).map_err(|error| TableError::write(&self.path, &error))?;
        }
        Ok(())
    }

    /// Ends the part.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn finish(mut self) -> Result<(), TableError> {
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(&self.path, error);
        self.writer.finish().map_err(|error| failed(&error))?;
        let mut buffered = self.writer.into_inner().map_err(|error| failed(&error))?;
        buffered.flush().map_err(|error| failed(&error))
    }
}

/// Puts the parts of a table's file together.
///
/// # Errors
/// A part cannot be read, or the file cannot be written.
pub fn put_together(path: &Path, provenance: &Provenance, parts: &[PathBuf]) -> Result<Size, TableError> {
    let mut merge = Merge::open(parts)?;
    let mut file = ParquetFile::create(path, merge.schema.clone(), provenance)?;
    while let Some(rows) = merge.next_slice()? {
        file.write(&rows)?;
    }
    file.finish()
}

/// One part on its way into the whole.
struct Part {
    path: PathBuf,
    batches: FileReader<BufReader<File>>,
    /// The place of its batch among those held.
    batch: usize,
    row: usize,
    /// The users of that batch.
    users: Option<ArrayRef>,
}

/// A user as parts are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum User {
    Int(i64),
    Text(Vec<u8>),
}

struct Merge {
    schema: SchemaRef,
    parts: Vec<Part>,
    /// The batches that rows of the next slice are in.
    held: Vec<RecordBatch>,
    /// The parts that have rows left, by the user of their next one.
    next: BinaryHeap<Reverse<(User, usize)>>,
}

impl Merge {
    fn open(paths: &[PathBuf]) -> Result<Self, TableError> {
        let mut merge: Option<Merge> = None;
        for path in paths {
            let unreadable = |reason: String| TableError::Part { path: path.clone(), reason };
            let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
            let batches = FileReader::try_new_buffered(file, None).map_err(|error| unreadable(error.to_string()))?;
            let merge = merge.get_or_insert_with(|| Merge {
                schema: batches.schema(),
                parts: Vec::new(),
                held: Vec::new(),
                next: BinaryHeap::new(),
            });
            merge.parts.push(Part { path: path.clone(), batches, batch: 0, row: 0, users: None });
        }
        let none = || TableError::Part { path: PathBuf::new(), reason: "there is no part".to_string() };
        let mut merge = merge.ok_or_else(none)?;
        for part in 0..merge.parts.len() {
            merge.advance(part)?;
        }
        Ok(merge)
    }

    /// Takes the next batch of a part.
    fn advance(&mut self, number: usize) -> Result<(), TableError> {
        let part = &mut self.parts[number];
        let unreadable = |error: ArrowError| TableError::Part { path: part.path.clone(), reason: error.to_string() };
        part.users = None;
        part.row = 0;
        if let Some(rows) = part.batches.next().transpose().map_err(unreadable)? {
            let users = rows.column(0).clone();
            self.next.push(Reverse((user_at(&users, 0), number)));
            part.batch = self.held.len();
            part.users = Some(users);
            self.held.push(rows);
        }
        Ok(())
    }

    /// The next rows: a whole slice, or the last, shorter one.
    fn next_slice(&mut self) -> Result<Option<RecordBatch>, TableError> {
        let mut places = Vec::with_capacity(SLICE_ROWS);
        while places.len() < SLICE_ROWS {
            let Some(Reverse((user, number))) = self.next.pop() else { break };
            let part = &mut self.parts[number];
            let Some(users) = &part.users else { continue };
            while places.len() < SLICE_ROWS && part.row < users.len() && is_user(users, part.row, &user) {
                places.push((part.batch, part.row));
                part.row += 1;
            }
            if part.row < users.len() {
                self.next.push(Reverse((user_at(users, part.row), number)));
            } else {
                self.advance(number)?;
            }
        }
        if places.is_empty() {
            return Ok(None);
        }
        let columns = (0..self.schema.fields().len()).map(|column| {
            let arrays: Vec<&dyn Array> = self.held.iter().map(|batch| batch.column(column).as_ref()).collect();
            interleave(&arrays, &places)
        });
        let slice = columns
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| RecordBatch::try_new(self.schema.clone(), columns))
            .map_err(|error| TableError::Part { path: self.parts[0].path.clone(), reason: error.to_string() })?;
        self.let_go();
        Ok(Some(slice))
    }

    /// Lets go of batches whose rows have all been taken.
    fn let_go(&mut self) {
        let mut held = Vec::with_capacity(self.parts.len());
        for part in self.parts.iter_mut().filter(|part| part.users.is_some()) {
            held.push(self.held[part.batch].clone());
            part.batch = held.len() - 1;
        }
        self.held = held;
    }
}

fn user_at(users: &ArrayRef, row: usize) -> User {
    match users.as_primitive_opt::<Int64Type>() {
        Some(users) => User::Int(users.value(row)),
        None => User::Text(users.as_string::<i64>().value(row).as_bytes().to_vec()),
    }
}

fn is_user(users: &ArrayRef, row: usize, user: &User) -> bool {
    match (users.as_primitive_opt::<Int64Type>(), user) {
        (Some(users), User::Int(user)) => users.value(row) == *user,
        (None, User::Text(user)) => users.as_string::<i64>().value(row).as_bytes() == user.as_slice(),
        _ => false,
    }
}
