//! Footers: what each file holds, without reading it.

use std::fs::File;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::SystemTime;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};
use parquet::file::FOOTER_SIZE;
use polars::error::PolarsResult;
use polars::frame::DataFrame;

use super::bounds::Range;
use super::delta::deleted::Deleted;
use super::input_file::InputFile;
use super::kind::Kind;
use super::metadata::{footer_bytes, metadata_of, FooterFault, MOST_INSIDE};
use crate::events::bridge::to_polars;
use crate::events::decode::decoded::{decoded, settled};
use crate::events::derive::columns::DerivedColumns;
use crate::events::error::InputError;
use crate::guard::against_damage;
use crate::job::fingerprint::digest;
use crate::storage::error::StorageError;
use crate::storage::object::{Object, TAIL};
use crate::storage::read_at::ReadAt;

/// What a stream is called where a file would be named.
const STREAM_NAME: &str = "<stdin>";

/// What one file holds.
#[derive(Clone, Debug)]
pub struct Footer {
    /// The file.
    pub file: InputFile,
    /// Its size.
    pub bytes: u64,
    /// When it was written last, where the file system tells.
    pub modified: Option<SystemTime>,
    /// Bytes of its footer.
    pub footer_bytes: u64,
    /// A hash of its footer, which tells of two files of one size and time that they differ, but not that they
    /// are the same.
    pub hash: String,
    /// Its columns, shared with other files of the same schema.
    pub schema: Arc<FileSchema>,
    /// Its row groups.
    pub row_groups: Vec<RowGroup>,
    /// Which of its rows its table has deleted; `None` where none is.
    pub deleted: Option<Arc<Deleted>>,
}

impl Footer {
    /// What is known of a stream before it comes: its columns, and that there are rows.
    pub fn of_stream(schema: FileSchema) -> Self {
        let file = InputFile {
            path: PathBuf::from(STREAM_NAME),
            hive: Vec::new(),
            folder_kinds: None,
            object: None,
            table: None,
        };
        let row_groups = vec![RowGroup { rows: 1, deleted: 0, ranges: Vec::new() }];
        Footer {
            file,
            bytes: 0,
            modified: None,
            footer_bytes: 0,
            hash: String::new(),
            schema: Arc::new(schema),
            row_groups,
            deleted: None,
        }
    }

    /// Whether it is that of a stream: every file's has a hash.
    pub fn is_stream(&self) -> bool {
        self.hash.is_empty() && self.file.path.as_os_str() == STREAM_NAME
    }

    /// Rows in the file, but for those that are deleted.
    pub fn rows(&self) -> u64 {
        self.row_groups.iter().map(|group| group.rows).sum()
    }

    /// Whether the file on disk is still the one whose footer this is, by size and time. An object needs no second look: it
    /// is only ever read on the condition that it is the one that was found.
    pub fn is_current(&self) -> bool {
        if self.file.object.is_some() {
            return true;
        }
        let on_disk = std::fs::metadata(&self.file.path);
        on_disk.is_ok_and(|on_disk| on_disk.len() == self.bytes && on_disk.modified().ok() == self.modified)
    }
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct FileSchema {
    /// Names and types of the values that go on: files are read together only where these, and what they hold, are equal.
    exact: Vec<(String, DataType)>,
    /// Names and what can be done with the values.
    pub columns: Vec<(String, Kind)>,
    /// Those among them that are made of others.
    pub derived: Arc<DerivedColumns>,
}

impl FileSchema {
    /// Of columns in the types in which they are decoded.
    pub fn of(decoded: Vec<(String, DataType)>) -> Self {
        let columns = decoded.iter().map(|(name, data_type)| (name.clone(), Kind::of(data_type))).collect();
        let exact = decoded.into_iter().map(|(name, data_type)| (name, settled(&data_type))).collect();
        FileSchema { exact, columns, derived: Arc::default() }
    }

    /// The same with one more column, which is the last of these derived ones.
    pub fn with_derived(&self, name: &str, data_type: DataType, derived: &Arc<DerivedColumns>) -> Self {
        let (mut exact, mut columns) = (self.exact.clone(), self.columns.clone());
        columns.push((name.to_string(), Kind::of(&data_type)));
        exact.push((name.to_string(), data_type));
        FileSchema { exact, columns, derived: Arc::clone(derived) }
    }

    /// Some of its columns without rows.
    ///
    /// # Errors
    /// A type that polars does not have.
    pub fn no_rows(&self, columns: &[String]) -> PolarsResult<DataFrame> {
        let needed = self.exact.iter().filter(|(name, _)| columns.contains(name));
        let fields: Vec<Field> = needed.map(|(name, of)| Field::new(name, of.clone(), true)).collect();
        to_polars(&RecordBatch::new_empty(Arc::new(Schema::new(fields))))
    }

    /// The type of a column's values.
    pub fn data_type(&self, name: &str) -> Option<&DataType> {
        self.exact.iter().find(|(column, _)| column == name).map(|(_, data_type)| data_type)
    }

    /// What a column holds.
    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.columns.iter().find(|(column, _)| column == name).map(|(_, kind)| kind)
    }
}

/// A row group.
#[derive(Clone, Debug)]
pub struct RowGroup {
    /// Its rows, but for those that are deleted.
    pub rows: u64,
    /// How many of its rows are deleted. `ranges` are over all rows: a smallest or largest value may be that of a deleted one.
    pub deleted: u64,
    /// Smallest and largest values of the columns that were asked for, in their order.
    pub ranges: Vec<Option<Range>>,
}

/// Reads the footers of all files, on all threads, with the ranges of the columns named.
///
/// # Errors
/// The first file, in order, that cannot be opened or is no whole Parquet file.
pub fn read_footers(files: Vec<InputFile>, ranges_of: &[String]) -> Result<Vec<Footer>, InputError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    // Who asks for an object waits for the answer: as many ask as may.
    let askers = files.iter().filter_map(|file| file.object.as_deref()).map(Object::concurrency).max();
    let threads = askers.map_or(threads, |askers| askers.max(threads));
    let mut footers: Vec<Footer> = Vec::with_capacity(files.len());
    let mut schemas: Vec<Arc<FileSchema>> = Vec::new();
    for footer in read_on_threads(&files, ranges_of, threads) {
        let mut footer = footer?;
        // Thousands of files usually share a few schemas: keep each once.
        match schemas.iter().find(|known| known.exact == footer.schema.exact && known.columns == footer.schema.columns)
        {
            Some(known) => footer.schema = Arc::clone(known),
            None => schemas.push(Arc::clone(&footer.schema)),
        }
        footers.push(footer);
    }
    Ok(footers)
}

fn read_on_threads(files: &[InputFile], ranges_of: &[String], threads: usize) -> Vec<Result<Footer, InputError>> {
    let share = files.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let read = |files: &[InputFile]| files.iter().map(|file| read_guarded(file, ranges_of)).collect::<Vec<_>>();
        let spawn = |files| std::thread::Builder::new().spawn_scoped(scope, move || read(files));
        let shares: Vec<_> = files.chunks(share).map(|files| spawn(files).map_err(|_| files)).collect();
        // No share panics over a file: each is read on its guard. Where the system gives no thread, a share is read here.
        let done = |share: ScopedJoinHandle<'_, _>| share.join().unwrap_or_else(|panic| resume_unwind(panic));
        shares.into_iter().flat_map(|share| share.map_or_else(read, done)).collect()
    })
}

/// A reader that panics over a file would take those with it that it has not come to.
fn read_guarded(file: &InputFile, ranges_of: &[String]) -> Result<Footer, InputError> {
    against_damage(|| read_footer(file, ranges_of)).unwrap_or_else(|_| {
        let problem = "is damaged: its footer cannot be read".to_string();
        Err(InputError::NotParquet { path: file.path.clone(), problem })
    })
}

fn read_footer(file: &InputFile, ranges_of: &[String]) -> Result<Footer, InputError> {
    if let Some(object) = &file.object {
        return footer_of_object(file, object, ranges_of);
    }
    let path = file.path.clone();
    let open = |source| InputError::Open { path: path.clone(), source };
    // Opening a pipe would wait for whoever writes to it.
    if !std::fs::metadata(&path).map_err(open)?.is_file() {
        return Err(InputError::NotParquet { path, problem: "is no regular file".to_string() });
    }
    let reader = File::open(&path).map_err(open)?;
    let on_disk = reader.metadata().map_err(open)?;
    let (footer, _) = footer_of(file, &reader, on_disk.len(), ranges_of)?;
    Ok(Footer { modified: on_disk.modified().ok(), ..footer })
}

/// Of an object, the footer stays at hand, with row groups that were fetched with it: nothing is asked for twice.
fn footer_of_object(file: &InputFile, object: &Object, ranges_of: &[String]) -> Result<Footer, InputError> {
    let (footer, metadata) = footer_of(file, object, object.bytes, ranges_of)?;
    let tail = object.bytes.saturating_sub(TAIL);
    let groups = metadata.row_groups().iter().map(|group| {
        let columns = group.columns().iter().map(ColumnChunkMetaData::byte_range);
        columns.map(|(start, _)| start).min().unwrap_or(object.bytes)
    });
    let groups = groups.filter(|start| *start >= tail).min();
    let footer_begins = object.bytes.saturating_sub(footer.footer_bytes + FOOTER_SIZE as u64);
    object.forget_before(groups.unwrap_or(footer_begins).min(footer_begins));
    Ok(Footer { modified: Some(object.modified), ..footer })
}

fn footer_of(
    file: &InputFile,
    reader: &dyn ReadAt,
    bytes: u64,
    ranges_of: &[String],
) -> Result<(Footer, ParquetMetaData), InputError> {
    let file = file.clone();
    let path = file.path.clone();
    if bytes == 0 {
        return Err(InputError::NotParquet { path, problem: "is empty (0 bytes)".to_string() });
    }
    let told = footer_bytes(reader).map_err(|fault| not_parquet(&path, bytes, reader, fault))?;
    let metadata = metadata_of(reader, &told, None).map_err(|fault| not_parquet(&path, bytes, reader, fault))?;
    let metadata = match &file.table {
        Some(file) => file.table.named(metadata).map_err(|error| unnamed(&path, &error))?,
        None => metadata,
    };
    let schema =
        decoded_schema(&metadata).map_err(|error| not_parquet(&path, bytes, reader, FooterFault::from(error)))?;
    if let Some(problem) = metadata.row_groups().iter().find_map(problem_of_rows) {
        return Err(InputError::NotParquet { path, problem });
    }
    let mut row_groups = row_groups(&metadata, &schema, ranges_of);
    let deleted = deleted_of(&file, &mut row_groups)?;
    // Of a table's file, its log says which columns it has.
    let is_read = |name: &str| file.table.as_ref().is_none_or(|file| file.table.is_in_files(name));
    let fields = schema.fields().iter().filter(|field| is_read(field.name()));
    let exact = fields.map(|field| (field.name().clone(), field.data_type().clone())).collect();
    let (hash, schema) = (digest(&told), Arc::new(FileSchema::of(exact)));
    let footer_bytes = told.len() as u64;
    Ok((Footer { file, bytes, modified: None, footer_bytes, hash, schema, row_groups, deleted }, metadata))
}

/// That the columns of a table's file are not those of the table.
fn unnamed(path: &Path, error: &ParquetError) -> InputError {
    InputError::Damaged { path: path.to_path_buf(), reason: error.to_string() }
}

/// Reads which rows of a file are deleted, and subtracts them from the rows of its row groups.
fn deleted_of(file: &InputFile, row_groups: &mut [RowGroup]) -> Result<Option<Arc<Deleted>>, InputError> {
    let Some(deletions) = file.table.as_ref().and_then(|file| file.deletions.as_ref()) else { return Ok(None) };
    let all = row_groups.iter().map(|group| group.rows).sum();
    let deleted = deletions.read(&file.path, all)?;
    let mut first = 0;
    for group in row_groups {
        group.deleted = deleted.count(first..first + group.rows);
        first += group.rows;
        group.rows -= group.deleted;
    }
    Ok(Some(Arc::new(deleted)))
}

/// Rows of a row group, at most: more are no rows, but damage, and would be no number when added up.
const MOST_ROWS: i64 = 1 << 40;

/// What is wrong with the rows that a row group counts, before they are read.
fn problem_of_rows(group: &RowGroupMetaData) -> Option<String> {
    let has_values =
        |column: &ColumnChunkMetaData| column.column_descr().max_rep_level() == 0 && column.num_values() > 0;
    match group.num_rows() {
        ..0 => Some("is damaged: a row group has less than no rows".to_string()),
        rows if rows > MOST_ROWS => Some(format!("is damaged: a row group counts {rows} rows")),
        // Nobody would miss them: it is not read.
        0 if group.columns().iter().any(has_values) => {
            Some("is damaged: a row group has values, but counts no rows".to_string())
        }
        _ => None,
    }
}

/// The columns of a file, in the types in which they are decoded.
///
/// # Errors
/// A Parquet type that arrow does not have.
pub fn decoded_schema(metadata: &ParquetMetaData) -> Result<Schema, ParquetError> {
    let file = metadata.file_metadata();
    let descriptor = file.schema_descr();
    let plain = parquet_to_arrow_schema(descriptor, None)?;
    // A schema hint that arrow cannot read must not stop a file that Parquet can.
    let schema = parquet_to_arrow_schema(descriptor, file.key_value_metadata()).unwrap_or_else(|_| plain.clone());
    let is_int96 = |name: &str| {
        let mut roots = descriptor.root_schema().get_fields().iter();
        roots.any(|root| root.name() == name && root.is_primitive() && root.get_physical_type() == Type::INT96)
    };
    let fields = plain.fields().iter().zip(schema.fields()).map(|(plain, field)| {
        let data_type = match decoded(plain.data_type(), field.data_type()) {
            // Nanoseconds in 64 bits would not hold all of its times.
            DataType::Timestamp(_, zone) if is_int96(field.name()) => DataType::Timestamp(TimeUnit::Microsecond, zone),
            other => other,
        };
        field.as_ref().clone().with_data_type(data_type)
    });
    Ok(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

fn not_parquet(path: &Path, bytes: u64, file: &dyn ReadAt, fault: FooterFault) -> InputError {
    let path = path.to_path_buf();
    let error = match fault {
        FooterFault::Io(source) => return unread(path, source),
        FooterFault::Encrypted => return InputError::Encrypted { path },
        FooterFault::TooDeep => {
            let problem =
                format!("has a schema of more than {MOST_INSIDE} groups inside each other, too deep to be read");
            return InputError::NotParquet { path, problem };
        }
        FooterFault::Unreadable(error) => error,
    };
    let first = first_bytes(file);
    let format = OTHER_FORMATS.iter().find(|(magic, _)| first.starts_with(magic)).map(|(_, format)| *format);
    let problem = match format {
        _ if first.starts_with(b"PAR1") => {
            format!("is cut short or damaged: it begins as a Parquet file, but its footer cannot be read ({error})")
        }
        _ if first.starts_with(b"PARE") => return InputError::Encrypted { path },
        Some(Format::Compressed(by)) => return InputError::Compressed { path, by },
        Some(Format::Other(name)) => format!("is not a Parquet file, but {name}"),
        None => format!("is not a Parquet file ({bytes} bytes that do not begin with PAR1)"),
    };
    InputError::NotParquet { path, problem }
}

/// What a file is that is no Parquet.
#[derive(Clone, Copy, Debug)]
enum Format {
    /// Something compressed, by the program that does.
    Compressed(&'static str),
    /// Another format, by its name.
    Other(&'static str),
}

/// How files of other formats begin.
const OTHER_FORMATS: [(&[u8], Format); 10] = [
    (b"\x28\xb5\x2f\xfd", Format::Compressed("zstd")),
    (b"\x1f\x8b", Format::Compressed("gzip")),
    (b"BZh", Format::Compressed("bzip2")),
    (b"\xfd7zXZ\0", Format::Compressed("xz")),
    (b"\x04\x22\x4d\x18", Format::Compressed("lz4")),
    (b"\xff\x06\0\0sNaPpY", Format::Compressed("snappy")),
    (b"PK\x03\x04", Format::Compressed("zip")),
    (b"ORC", Format::Other("ORC")),
    (b"Obj\x01", Format::Other("Avro")),
    (b"ARROW1", Format::Other("Arrow")),
];

fn first_bytes(file: &dyn ReadAt) -> Vec<u8> {
    file.read_at(0, 16).unwrap_or_default()
}

/// What a store says goes before what the system says.
fn unread(path: PathBuf, source: std::io::Error) -> InputError {
    match source.get_ref().and_then(|inner| inner.downcast_ref::<StorageError>()) {
        Some(error) => InputError::Storage(error.clone()),
        None => InputError::Open { path, source },
    }
}

fn leaf_of(metadata: &ParquetMetaData, name: &str) -> Option<usize> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.iter().position(|column| column.path().parts() == [name.to_string()])
}

/// The row groups of a file, with the ranges of the columns named.
fn row_groups(metadata: &ParquetMetaData, schema: &Schema, ranges_of: &[String]) -> Vec<RowGroup> {
    let leaf = |name: &String| Some((leaf_of(metadata, name)?, schema.field_with_name(name).ok()?.data_type()));
    let leaves: Vec<Option<(usize, &DataType)>> = ranges_of.iter().map(leaf).collect();
    let groups = metadata.row_groups().iter().enumerate().map(|(number, group)| {
        let range = |(leaf, decoded): (usize, &DataType)| Range::of(metadata, number, leaf, decoded);
        let ranges = leaves.iter().map(|leaf| leaf.and_then(range)).collect();
        RowGroup { rows: u64::try_from(group.num_rows()).unwrap_or(0), deleted: 0, ranges }
    });
    groups.collect()
}
