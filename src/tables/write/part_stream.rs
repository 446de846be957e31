//! Parts of tables as an Arrow IPC stream: how rows that kernels made elsewhere come to the run that puts them together.
//!
//! A kernel writes each part ([`PartFile`](super::parts::PartFile), the rows of a table on one date) as it stands on disk, in
//! pieces, and after all of them its counts. Whoever carries rows of this stream may mix those of several kernels, as long
//! as the pieces of a part come in their order, and adds [`END`] after the last one.
//!
//! | column | |
//! |---|---|
//! | `kernel` | tells one kernel from another |
//! | `table` | the folder of the table; [`COUNTS`] or [`END`] |
//! | `part` | of several parts that a kernel makes of one table and date, which |
//! | `date` | the date of the rows, in days since 1970-01-01 |
//! | `rows` | how many rows the part has; in the row of counts, how many parts the kernel made; in that of the end, how many kernels there were |
//! | `size` | how many bytes it has |
//! | `piece` | the bytes |

use std::collections::hash_map::RandomState;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::files::create_folder_of;
use crate::guard::against_damage;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;

/// In the place of a table, where a kernel says what became of its events.
pub const COUNTS: &str = "counts";
/// In the place of a table, where nothing more comes.
pub const END: &str = "end";

/// Bytes of a piece, at most: what carries it holds many of them at a time.
const PIECE_BYTES: u64 = 1 << 20;

/// A part, beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct PartHead<'a> {
    /// The folder of its table.
    pub table: &'a Path,
    /// Of several parts of one table and date, which.
    pub number: usize,
    /// The date of its rows.
    pub day: Day,
    /// How many rows it has.
    pub rows: u64,
}

/// Writes the parts of one kernel.
pub struct PartStream<W: Write> {
    kernel: String,
    writer: StreamWriter<W>,
    /// Parts that were written.
    parts: u64,
}

impl<W: Write> std::fmt::Debug for PartStream<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartStream").field("kernel", &self.kernel).finish_non_exhaustive()
    }
}

impl<W: Write> PartStream<W> {
    /// Begins a stream.
    ///
    /// # Errors
    /// Nobody reads it.
    pub fn begin(output: W) -> Result<Self, TableError> {
        let writer = StreamWriter::try_new(output, &schema()).map_err(|error| TableError::stream(&error))?;
        // Where several kernels begin at one time on several machines, their random state tells them apart.
        let kernel = format!("{:016x}", RandomState::new().build_hasher().finish());
        Ok(PartStream { kernel, writer, parts: 0 })
    }

    /// Writes a part that stands in a file.
    ///
    /// # Errors
    /// The file cannot be read; nobody reads the stream any more.
    pub fn write(&mut self, part: PartHead<'_>, file: &Path) -> Result<(), TableError> {
        let unreadable =
            |error: std::io::Error| TableError::Part { path: file.to_path_buf(), reason: error.to_string() };
        let mut opened = File::open(file).map_err(unreadable)?;
        let size = opened.metadata().map_err(unreadable)?.len();
        let mut sent = 0;
        self.parts += 1;
        while sent < size {
            let mut piece = Vec::new();
            (&mut opened).take(PIECE_BYTES).read_to_end(&mut piece).map_err(unreadable)?;
            if piece.is_empty() {
                return Err(unreadable(std::io::ErrorKind::UnexpectedEof.into()));
            }
            sent += piece.len() as u64;
            let table = part.table.to_string_lossy();
            let row = PartRow {
                kernel: &self.kernel,
                table: &table,
                part: part.number as i32,
                date: part.day.epoch_days(),
                rows: part.rows as i64,
                size: size as i64,
                piece: &piece,
            };
            write_row(&mut self.writer, row)?;
        }
        Ok(())
    }

    /// Writes what became of the kernel's events, and ends the stream.
    ///
    /// # Errors
    /// Nobody reads it any more.
    pub fn finish(mut self, counts: &str) -> Result<(), TableError> {
        let piece = counts.as_bytes();
        let (rows, size) = (self.parts as i64, piece.len() as i64);
        let row = PartRow { kernel: &self.kernel, table: COUNTS, part: 0, date: 0, rows, size, piece };
        write_row(&mut self.writer, row)?;
        self.writer.finish().and_then(|()| self.writer.flush()).map_err(|error| TableError::stream(&error))
    }
}

/// Writes a row.
fn write_row<W: Write>(writer: &mut StreamWriter<W>, row: PartRow<'_>) -> Result<(), TableError> {
    row.batch().and_then(|batch| writer.write(&batch)).map_err(|error| TableError::stream(&error))
}

fn schema() -> SchemaRef {
    let field = |name: &str, data_type: DataType| Field::new(name, data_type, false);
    Arc::new(Schema::new(vec![
        field("kernel", DataType::Utf8),
        field("table", DataType::Utf8),
        field("part", DataType::Int32),
        field("date", DataType::Int32),
        field("rows", DataType::Int64),
        field("size", DataType::Int64),
        field("piece", DataType::Binary),
    ]))
}

/// The parts that came of some kernels.
#[derive(Debug, Default)]
pub struct ReceivedParts {
    /// How many kernels there were.
    pub kernels: usize,
    /// How many numbers of parts there are, over all kernels. Parts of one number have the rows of the same users, in all tables.
    pub numbers: usize,
    /// How many rows there are of each table, by its folder, and date.
    pub rows: BTreeMap<PathBuf, BTreeMap<Day, u64>>,
    /// What each kernel says of its events.
    pub counts: Vec<String>,
}

/// A part that is coming in.
#[derive(Debug)]
struct Receiving {
    path: PathBuf,
    came: u64,
    size: u64,
}

/// Reads the parts of kernels up to the end, and writes each to the file that `place` says for a table's folder, a number and a
/// date; it says none for a table that the run does not make.
///
/// # Errors
/// The stream breaks off or is damaged, a part is not whole or of no table, or a file cannot be written.
pub fn receive(
    input: impl Read,
    place: impl Fn(&Path, usize, Day) -> Option<PathBuf>,
) -> Result<ReceivedParts, TableError> {
    let mut received = ReceivedParts::default();
    let mut numbers: BTreeMap<(String, i32), usize> = BTreeMap::new();
    let mut receiving: BTreeMap<(PathBuf, usize, Day), Receiving> = BTreeMap::new();
    let (mut begun, mut told) = (0_i64, 0_i64);
    let mut end: Option<i64> = None;
    let mut batches = Batches::open(input)?;
    while let Some(batch) = batches.next()? {
        if crate::cancel::check().is_err() {
            return Err(damaged("a signal came"));
        }
        for row in 0..batch.num_rows() {
            let row = PartRow::of(&batch, row);
            if end.is_some() {
                return Err(damaged("rows come after its end"));
            }
            match row.table {
                END => end = Some(row.rows),
                COUNTS => {
                    told += row.rows;
                    received.counts.push(String::from_utf8_lossy(row.piece).into_owned());
                }
                table => {
                    let next = numbers.len();
                    let number = *numbers.entry((row.kernel.to_string(), row.part)).or_insert(next);
                    let (table, day) = (PathBuf::from(table), Day::from_epoch_days(row.date));
                    let key = (table, number, day);
                    if !receiving.contains_key(&key) {
                        let Some(path) = place(&key.0, number, day) else {
                            return Err(damaged(&format!(
                                "a kernel made the table {:?}, which this job does not have: kernels and run need the \
                                 same job",
                                key.0
                            )));
                        };
                        create_folder_of(&path)?;
                        *received.rows.entry(key.0.clone()).or_default().entry(day).or_default() += row.rows as u64;
                        begun += 1;
                        receiving.insert(key.clone(), Receiving { path, came: 0, size: row.size as u64 });
                    }
                    if let Some(part) = receiving.get_mut(&key) {
                        part.add(row.piece)?;
                        // There may be millions.
                        if part.came == part.size {
                            receiving.remove(&key);
                        }
                    }
                }
            }
        }
    }
    let Some(kernels) = end else { return Err(damaged("it breaks off")) };
    received.kernels = received.counts.len();
    received.numbers = numbers.len();
    if received.kernels as i64 != kernels {
        return Err(damaged(&format!("{kernels} kernels were to make it, and {} did", received.kernels)));
    }
    if let Some(part) = receiving.values().next() {
        return Err(damaged(&format!("of a part of {} bytes only {} came", part.size, part.came)));
    }
    if begun != told {
        return Err(damaged(&format!("kernels made {told} parts, and {begun} came")));
    }
    Ok(received)
}

impl Receiving {
    fn add(&mut self, piece: &[u8]) -> Result<(), TableError> {
        self.came += piece.len() as u64;
        let opened = OpenOptions::new().create(true).append(true).open(&self.path);
        let written = opened.and_then(|mut file| file.write_all(piece));
        written.map_err(|error| TableError::write(&self.path, &error))
    }
}

/// A row of a stream of parts.
struct PartRow<'a> {
    kernel: &'a str,
    table: &'a str,
    part: i32,
    date: i32,
    rows: i64,
    size: i64,
    piece: &'a [u8],
}

impl<'a> PartRow<'a> {
    /// A row of a batch that has been checked to have the columns.
    fn of(batch: &'a RecordBatch, row: usize) -> Self {
        let whole = |column: usize| batch.column(column).as_primitive::<Int32Type>().value(row);
        let long = |column: usize| batch.column(column).as_primitive::<Int64Type>().value(row);
        PartRow {
            kernel: batch.column(0).as_string::<i32>().value(row),
            table: batch.column(1).as_string::<i32>().value(row),
            part: whole(2),
            date: whole(3),
            rows: long(4),
            size: long(5),
            piece: batch.column(6).as_binary::<i32>().value(row),
        }
    }

    /// The row as a batch of its own.
    fn batch(&self) -> Result<RecordBatch, ArrowError> {
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values([self.kernel])),
            Arc::new(StringArray::from_iter_values([self.table])),
            Arc::new(Int32Array::from_value(self.part, 1)),
            Arc::new(Int32Array::from_value(self.date, 1)),
            Arc::new(Int64Array::from_value(self.rows, 1)),
            Arc::new(Int64Array::from_value(self.size, 1)),
            Arc::new(BinaryArray::from_iter_values([self.piece])),
        ];
        RecordBatch::try_new(schema(), columns)
    }
}

/// The batches of a stream of parts.
struct Batches<R: Read>(StreamReader<R>);

impl<R: Read> Batches<R> {
    fn open(input: R) -> Result<Self, TableError> {
        let reader = match against_damage(|| StreamReader::try_new(input, None)) {
            Ok(Ok(reader)) => reader,
            Ok(Err(error)) => return Err(damaged(&format!("it cannot be read ({error})"))),
            Err(_) => return Err(damaged("it cannot be read")),
        };
        let types = |schema: &Schema| -> Vec<(String, DataType)> {
            schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
        };
        if types(&reader.schema()) != types(&schema()) {
            return Err(damaged("it has other columns than parts have: `dwell kernel --table parts` writes them"));
        }
        Ok(Batches(reader))
    }

    fn next(&mut self) -> Result<Option<RecordBatch>, TableError> {
        match against_damage(|| self.0.next().transpose()) {
            Ok(Ok(batch)) => Ok(batch),
            Ok(Err(error)) => Err(damaged(&error.to_string())),
            Err(_) => Err(damaged("it cannot be decoded")),
        }
    }
}

fn damaged(reason: &str) -> TableError {
    TableError::StreamOfParts { reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(parts: &[(&str, usize, i32, u64, &[u8])], counts: &str) -> Vec<RecordBatch> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("part");
        let mut written = Vec::new();
        let mut stream = PartStream::begin(&mut written).expect("begun");
        for (table, number, day, rows, bytes) in parts {
            std::fs::write(&file, bytes).expect("written");
            let day = Day::from_epoch_days(*day);
            let head = PartHead { table: Path::new(table), number: *number, day, rows: *rows };
            stream.write(head, &file).expect("written");
        }
        stream.finish(counts).expect("finished");
        StreamReader::try_new(written.as_slice(), None)
            .expect("a stream")
            .map(|batch| batch.expect("a batch"))
            .collect()
    }

    fn end(kernels: i64) -> RecordBatch {
        let row = PartRow { kernel: "", table: END, part: 0, date: 0, rows: kernels, size: 0, piece: b"" };
        row.batch().expect("a row")
    }

    fn carried(batches: &[RecordBatch]) -> Vec<u8> {
        let mut writer = StreamWriter::try_new(Vec::new(), &schema()).expect("begun");
        batches.iter().for_each(|batch| writer.write(batch).expect("written"));
        writer.finish().expect("finished");
        writer.into_inner().expect("bytes")
    }

    fn received(folder: &Path, bytes: &[u8]) -> Result<ReceivedParts, String> {
        let place = |table: &Path, number: usize, day: Day| {
            let known = table.starts_with("sessions") || table.starts_with("segments/a b");
            known.then(|| folder.join(number.to_string()).join(table).join(day.epoch_days().to_string()))
        };
        receive(bytes, place).map_err(|error| error.to_string())
    }

    #[test]
    fn parts_of_several_kernels_arrive_whole_and_apart() {
        let long: Vec<u8> = (0..2_500_000u32).map(|byte| (byte % 251) as u8).collect();
        let one = stream(&[("sessions", 0, 5, 3, b"abc"), ("sessions", 1, 5, 9, &long)], "{1}");
        let other = stream(&[("sessions", 0, 5, 4, b"xyz"), ("segments/a b/sessions", 0, -7, 1, b"s")], "{2}");
        // The rows of the two come mixed.
        let mut mixed: Vec<RecordBatch> = Vec::new();
        for place in 0..one.len().max(other.len()) {
            mixed.extend(one.get(place).cloned());
            mixed.extend(other.get(place).cloned());
        }
        mixed.push(end(2));
        let folder = tempfile::tempdir().expect("a folder");
        let received = received(folder.path(), &carried(&mixed)).expect("whole");
        assert_eq!((received.kernels, received.numbers), (2, 3));
        let mut counts = received.counts.clone();
        counts.sort();
        assert_eq!(counts, ["{1}", "{2}"]);
        let day = Day::from_epoch_days;
        assert_eq!(received.rows[Path::new("sessions")], BTreeMap::from([(day(5), 16)]));
        assert_eq!(received.rows[Path::new("segments/a b/sessions")], BTreeMap::from([(day(-7), 1)]));
        let mut contents: Vec<Vec<u8>> = (0..3)
            .filter_map(|number| std::fs::read(folder.path().join(number.to_string()).join("sessions/5")).ok())
            .collect();
        contents.sort();
        assert_eq!(
            contents,
            [b"abc".to_vec(), b"xyz".to_vec(), long]
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let fails = |batches: &[RecordBatch], word: &str| {
            let error = received(folder.path(), &carried(batches)).expect_err(word);
            assert!(error.contains(word), "{error}");
        };
        let part = stream(&[("sessions", 0, 1, 1, &vec![7; 1_500_000])], "{}");
        let with = |rows: &[RecordBatch], kernels: i64| [rows, &[end(kernels)]].concat();
        fails(&part, "breaks off");
        fails(&with(&part, 2), "2 kernels were to make it, and 1 did");
        fails(&with(&part[1..], 1), "of a part of 1500000 bytes only 451424 came");
        fails(&with(&stream(&[("events", 0, 1, 1, b"x")], "{}"), 1), "\"events\"");
        fails(&[with(&part, 1), part].concat(), "after its end");
        assert!(received(folder.path(), b"").is_err_and(|error| error.contains("cannot be read")));
        let text = received(folder.path(), b"{\"files\": []}\n").expect_err("no stream");
        assert!(text.contains("parts"), "{text}");
    }
}
