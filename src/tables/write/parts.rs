//! Tables in parts: what memory does not hold of a date's rows is written part by part, and put together with the rest at
//! the end. A part has the rows of some users, all of them, in the order of the table; so parts are put together user by
//! user.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{cast_with_options, interleave, CastOptions};
use arrow::datatypes::{Int64Type, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileReader;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use arrow::ipc::CompressionType;
use arrow::record_batch::RecordBatch;

use super::parquet_file::SLICE_ROWS;
use crate::tables::error::TableError;

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

/// Parts that are put together at a time: each has a file open, and a slice in memory.
const MOST_PARTS: usize = 64;
/// Parts that all threads have open at a time: a process may have 1,024 files open, mostly.
const FILES: usize = 768;

/// The same rows in no more parts than can be put together at a time: others are put together first, and are gone then.
///
/// # Errors
/// A part cannot be read, or another one cannot be written.
pub fn in_fewer_parts(schema: &SchemaRef, mut parts: Vec<PathBuf>) -> Result<Vec<PathBuf>, TableError> {
    let most = (FILES / rayon::current_num_threads().max(1)).clamp(8, MOST_PARTS);
    while parts.len() > most {
        let several = |some: &[PathBuf]| -> Result<PathBuf, TableError> {
            let [first, _, ..] = some else { return Ok(some[0].clone()) };
            let whole = first.with_extension(format!("{}.arrow", some.len()));
            let mut file = PartFile::create(&whole, schema)?;
            let mut merge = Merge::new(&whole, SchemaRef::clone(schema), some, Box::new(std::iter::empty()))?;
            while let Some(rows) = merge.next_slice()? {
                file.write(&rows)?;
            }
            drop(merge);
            file.finish()?;
            // Not in the way of what comes next; what stays goes with the rest.
            some.iter().for_each(|part| drop(std::fs::remove_file(part)));
            Ok(whole)
        };
        parts = parts.chunks(most).map(several).collect::<Result<_, _>>()?;
    }
    Ok(parts)
}

/// Rows of a table, some at a time.
pub type Slices<'a> = Box<dyn Iterator<Item = Result<RecordBatch, TableError>> + 'a>;

/// One part on its way into the whole.
struct Part<'a> {
    slices: Slices<'a>,
    /// The place of the slice that is at hand among those held.
    slice: usize,
    row: usize,
    /// The users of that slice.
    users: Option<ArrayRef>,
}

/// A user as parts are ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum User {
    Int(i64),
    Text(Vec<u8>),
}

/// The rows of several parts in the order of the table.
pub struct Merge<'a> {
    /// What is written: it is named where something fails.
    path: &'a Path,
    schema: SchemaRef,
    parts: Vec<Part<'a>>,
    /// The slices that rows of the next one are in.
    held: Vec<RecordBatch>,
    /// The parts that have rows left, by the user of their next one.
    next: BinaryHeap<Reverse<(User, usize)>>,
    /// The user of the last row that was taken, and its part.
    last: Option<(User, usize)>,
}

impl<'a> Merge<'a> {
    /// The rows of files and those in memory, which come a few at a time; all of them become the file at `path`.
    ///
    /// # Errors
    /// A file cannot be read, or rows in memory cannot be had.
    pub fn new(
        path: &'a Path,
        schema: SchemaRef,
        files: &[PathBuf],
        in_memory: Slices<'a>,
    ) -> Result<Self, TableError> {
        let mut sources = files.iter().map(|file| read_part(file, &schema)).collect::<Result<Vec<_>, _>>()?;
        sources.push(in_memory);
        let parts = sources.into_iter().map(|slices| Part { slices, slice: 0, row: 0, users: None }).collect();
        let mut merge = Merge { path, schema, parts, held: Vec::new(), next: BinaryHeap::new(), last: None };
        (0..merge.parts.len()).try_for_each(|part| merge.advance(part))?;
        Ok(merge)
    }

    /// Takes the next slice of a part.
    fn advance(&mut self, number: usize) -> Result<(), TableError> {
        let part = &mut self.parts[number];
        part.users = None;
        part.row = 0;
        if let Some(rows) = part.slices.next().transpose()? {
            let users = rows.column(0).clone();
            self.next.push(Reverse((user_at(&users, 0), number)));
            part.slice = self.held.len();
            part.users = Some(users);
            self.held.push(rows);
        }
        Ok(())
    }

    /// The next rows: a whole slice, or the last, shorter one.
    ///
    /// # Errors
    /// A part cannot be read.
    pub fn next_slice(&mut self) -> Result<Option<RecordBatch>, TableError> {
        let mut places = Vec::with_capacity(SLICE_ROWS);
        while places.len() < SLICE_ROWS {
            let Some(Reverse((user, number))) = self.next.pop() else { break };
            if self.last.as_ref().is_some_and(|(last, from)| *last == user && *from != number) {
                return Err(TableError::UserInTwoParts { path: self.path.to_path_buf() });
            }
            let part = &mut self.parts[number];
            let Some(users) = &part.users else { continue };
            while places.len() < SLICE_ROWS && part.row < users.len() && is_user(users, part.row, &user) {
                places.push((part.slice, part.row));
                part.row += 1;
            }
            if part.row < users.len() {
                self.next.push(Reverse((user_at(users, part.row), number)));
            } else {
                self.advance(number)?;
            }
            self.last = Some((user, number));
        }
        if places.is_empty() {
            return Ok(None);
        }
        let columns = (0..self.schema.fields().len()).map(|column| {
            let arrays: Vec<&dyn Array> = self.held.iter().map(|slice| slice.column(column).as_ref()).collect();
            interleave(&arrays, &places)
        });
        let slice = columns
            .collect::<Result<Vec<_>, _>>()
            .and_then(|columns| RecordBatch::try_new(self.schema.clone(), columns))
            .map_err(|error| TableError::write(self.path, &error))?;
        self.let_go();
        Ok(Some(slice))
    }

    /// Lets go of slices whose rows have all been taken.
    fn let_go(&mut self) {
        let mut held = Vec::with_capacity(self.parts.len());
        for part in self.parts.iter_mut().filter(|part| part.users.is_some()) {
            held.push(self.held[part.slice].clone());
            part.slice = held.len() - 1;
        }
        self.held = held;
    }
}

/// The rows of a part on disk, in the columns of the table: a kernel elsewhere may have had its events in other types, as another
/// engine hands them on.
fn read_part<'a>(path: &Path, schema: &SchemaRef) -> Result<Slices<'a>, TableError> {
    let named = path.to_path_buf();
    let unreadable = move |reason: String| TableError::Part { path: named.clone(), reason };
    let file = File::open(path).map_err(|error| unreadable(error.to_string()))?;
    let batches = FileReader::try_new_buffered(file, None).map_err(|error| unreadable(error.to_string()))?;
    let schema = SchemaRef::clone(schema);
    let is_so = batches.schema().fields() == schema.fields();
    check_columns(&batches.schema(), &schema).map_err(&unreadable)?;
    let slice = move |rows: Result<RecordBatch, ArrowError>| if is_so { rows } else { in_types(&rows?, &schema) };
    Ok(Box::new(batches.map(move |rows| slice(rows).map_err(|error| unreadable(error.to_string())))))
}

/// Checks that a part has the columns of the table, and users of its kind.
fn check_columns(part: &SchemaRef, table: &SchemaRef) -> Result<(), String> {
    let names = |schema: &SchemaRef| schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let (come, wanted) = (names(part), names(table));
    if come != wanted {
        return Err(format!("it has the columns {come:?}, and the table has {wanted:?}"));
    }
    let is_number = |schema: &SchemaRef| schema.fields().first().is_some_and(|field| field.data_type().is_integer());
    if is_number(part) != is_number(table) {
        return Err(
            "its users are text and those of the table numbers, or the other way round: cast the column to one of \
                    them"
                .to_string(),
        );
    }
    Ok(())
}

/// Rows with the same columns in other types.
fn in_types(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let exact = CastOptions { safe: false, ..CastOptions::default() };
    let columns = rows.columns().iter().zip(schema.fields()).map(|(column, field)| {
        let failed = |error: ArrowError| {
            ArrowError::CastError(format!("the values of the column {:?} are of another type: {error}", field.name()))
        };
        cast_with_options(column, field.data_type(), &exact).map_err(failed)
    });
    RecordBatch::try_new(SchemaRef::clone(schema), columns.collect::<Result<_, _>>()?)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{DictionaryArray, Int64Array, LargeStringArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{Int32Type, Schema};

    /// A user, what the row is beside it, and a word.
    type Told = (i64, i64, &'static str);

    fn batch(rows: &[Told], is_text: bool) -> RecordBatch {
        let users: ArrayRef = match is_text {
            true => Arc::new(LargeStringArray::from_iter_values(rows.iter().map(|row| format!("{:06}", row.0)))),
            false => Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.0))),
        };
        let numbers = Int64Array::from_iter_values(rows.iter().map(|row| row.1));
        let words: DictionaryArray<Int32Type> = rows.iter().map(|row| row.2).collect();
        let columns = [users, Arc::new(numbers), Arc::new(words)];
        RecordBatch::try_from_iter(["user", "number", "word"].into_iter().zip(columns)).expect("columns of one length")
    }

    /// The rows of some of the users, in order, of which some have so many that several slices are theirs.
    fn rows(of: impl Fn(i64) -> bool) -> Vec<Told> {
        let count = |user: i64| if user % 400 == 7 { 9_000 } else { user % 13 };
        let of_user = |user: i64| (0..count(user)).map(move |row| (user, row, ["a", "b", "c"][(row % 3) as usize]));
        (0..1_000).filter(|user| of(*user)).flat_map(of_user).collect()
    }

    fn merged(folder: &Path, parts: &[Vec<Told>], in_memory: &[Told], is_text: bool) -> Vec<RecordBatch> {
        let schema: SchemaRef = Arc::new(Schema::new(batch(&[], is_text).schema().fields().clone()));
        let files: Vec<PathBuf> = (0..parts.len()).map(|part| folder.join(part.to_string())).collect();
        for (file, rows) in files.iter().zip(parts) {
            let mut part = PartFile::create(file, &schema).expect("made");
            rows.chunks(SLICE_ROWS).for_each(|rows| part.write(&batch(rows, is_text)).expect("written"));
            part.finish().expect("finished");
        }
        let slices = in_memory.chunks(SLICE_ROWS).map(|rows| Ok(batch(rows, is_text)));
        let mut merge = Merge::new(Path::new("whole"), schema, &files, Box::new(slices)).expect("readable");
        std::iter::from_fn(|| merge.next_slice().expect("readable")).collect()
    }

    #[test]
    fn parts_and_what_is_in_memory_become_one_table() {
        let folder = tempfile::tempdir().expect("a folder");
        let of = |share: i64| rows(move |user| user * 7 % 5 == share);
        let none = Vec::new;
        for (parts, in_memory, shares) in [
            (vec![of(0), of(1), of(2), of(3)], of(4), 0..5),
            (vec![of(0), none(), of(1)], none(), 0..2),
            (vec![of(3)], of(4), 3..5),
            (vec![none(), of(2)], none(), 2..3),
        ] {
            for is_text in [false, true] {
                let expected = batch(&rows(|user| shares.contains(&(user * 7 % 5))), is_text);
                let slices = merged(folder.path(), &parts, &in_memory, is_text);
                let lengths: Vec<usize> = slices.iter().map(RecordBatch::num_rows).collect();
                let (last, whole) = lengths.split_last().expect("rows");
                assert!(whole.iter().all(|rows| *rows == SLICE_ROWS) && *last <= SLICE_ROWS, "{lengths:?}");
                let together = concat_batches(&expected.schema(), &slices).expect("one schema");
                let text = |rows: &RecordBatch| arrow::compute::cast(rows.column(2), &arrow::datatypes::DataType::Utf8);
                assert_eq!(together.columns()[..2], expected.columns()[..2]);
                assert!(*text(&together).expect("words") == *text(&expected).expect("words"));
            }
        }
    }

    #[test]
    fn a_part_that_is_damaged_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("part");
        std::fs::write(&path, "ARROW1 and no more").expect("written");
        let schema = batch(&[], false).schema();
        let opened = Merge::new(Path::new("whole"), schema, std::slice::from_ref(&path), Box::new(std::iter::empty()));
        let error = opened.err().expect("it is damaged").to_string();
        assert!(error.contains(&format!("{path:?}")) && error.contains("check the disk"), "{error}");
    }
}
