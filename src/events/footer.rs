//! Footers: what each file holds, without reading it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::Arc;
use std::thread::ScopedJoinHandle;
use std::time::SystemTime;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;
use parquet::arrow::parquet_to_arrow_schema;
use parquet::basic::Type;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;
use polars::error::PolarsResult;
use polars::frame::DataFrame;

use super::bridge::to_polars;
use super::error::InputError;
use super::find::InputFile;
use super::kind::Kind;
use crate::guard::against_damage;
use crate::job::fingerprint::digest;

/// What one file holds.
#[derive(Clone, Debug)]
pub struct Footer {
    /// The file.
    pub file: InputFile,
    /// Its size.
    pub bytes: u64,
    /// When it was written last, where the file system tells.
    pub modified: Option<SystemTime>,
    /// A hash of its footer, which tells of two files of one size and time that they differ, but not that they
    /// are the same.
    pub hash: String,
    /// Its columns, shared with other files of the same schema.
    pub schema: Arc<FileSchema>,
    /// Its row groups.
    pub row_groups: Vec<RowGroup>,
}

impl Footer {
    /// Rows in the file.
    pub fn rows(&self) -> u64 {
        self.row_groups.iter().map(|group| group.rows).sum()
    }

    /// Whether the file on disk is still the one whose footer this is, by size and time.
    pub fn is_current(&self) -> bool {
        let on_disk = std::fs::metadata(&self.file.path);
        on_disk.is_ok_and(|on_disk| on_disk.len() == self.bytes && on_disk.modified().ok() == self.modified)
    }
}

/// The columns of a file.
#[derive(Clone, Debug)]
pub struct FileSchema {
    /// Names and types as they are decoded: files are read together only where these are equal.
    exact: Vec<(String, DataType)>,
    /// Names and what can be done with the values.
    pub columns: Vec<(String, Kind)>,
}

impl FileSchema {
    /// Of columns in the types in which they are decoded.
    pub fn of(exact: Vec<(String, DataType)>) -> Self {
        let columns = exact.iter().map(|(name, data_type)| (name.clone(), Kind::of(data_type))).collect();
        FileSchema { exact, columns }
    }

    /// Some of its columns, as they are decoded, without rows.
    ///
    /// # Errors
    /// A type that polars does not have.
    pub fn no_rows(&self, columns: &[String]) -> PolarsResult<DataFrame> {
        let needed = self.exact.iter().filter(|(name, _)| columns.contains(name));
        let fields: Vec<Field> = needed.map(|(name, of)| Field::new(name, of.clone(), true)).collect();
        to_polars(&RecordBatch::new_empty(Arc::new(Schema::new(fields))))
    }

    /// The type of a column as it is decoded.
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
    /// Its rows.
    pub rows: u64,
    /// Smallest and largest values of the columns that were asked for, in their order.
    pub ranges: Vec<Option<Range>>,
}

/// The smallest and the largest value of a column in a row group.
#[derive(Clone, Debug, PartialEq)]
pub enum Range {
    /// Integers, dates and times, in the unit of the file.
    Int(i64, i64),
    /// Floating values.
    Float(f64, f64),
    /// Text; the bounds may be cut short, so they hold, but need not be values.
    Text(String, String),
}

/// Reads the footers of all files, on all threads, with the ranges of the columns named.
///
/// # Errors
/// The first file, in order, that cannot be opened or is no whole Parquet file.
pub fn read_footers(files: Vec<InputFile>, ranges_of: &[String]) -> Result<Vec<Footer>, InputError> {
    let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut footers: Vec<Footer> = Vec::with_capacity(files.len());
    let mut schemas: Vec<Arc<FileSchema>> = Vec::new();
    for footer in read_on_threads(&files, ranges_of, threads) {
        let mut footer = footer?;
        // Thousands of files usually share a few schemas: keep each once.
        match schemas.iter().find(|known| known.exact == footer.schema.exact) {
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
    let file = file.clone();
    let path = file.path.clone();
    let open = |source| InputError::Open { path: path.clone(), source };
    // Opening a pipe would wait for whoever writes to it.
    if !std::fs::metadata(&path).map_err(open)?.is_file() {
        return Err(InputError::NotParquet { path, problem: "is no regular file".to_string() });
    }
    let reader = File::open(&path).map_err(open)?;
    let on_disk = reader.metadata().map_err(open)?;
    let (bytes, modified) = (on_disk.len(), on_disk.modified().ok());
    if bytes == 0 {
        return Err(InputError::NotParquet { path, problem: "is empty (0 bytes)".to_string() });
    }
    let metadata =
        ParquetMetaDataReader::new().parse_and_finish(&reader).map_err(|error| not_parquet(&path, bytes, &error))?;
    let schema = decoded_schema(&metadata).map_err(|error| not_parquet(&path, bytes, &error))?;
    // Of a file that is Parquet: of any other, its length would be any number.
    let hash = hash_of_footer(&reader).unwrap_or_default();
    if metadata.row_groups().iter().any(|group| group.num_rows() < 0) {
        return Err(InputError::NotParquet {
            path,
            problem: "is damaged: a row group has less than no rows".to_string(),
        });
    }
    let leaves: Vec<Option<usize>> = ranges_of.iter().map(|name| leaf_of(&metadata, name)).collect();
    let row_groups = metadata.row_groups().iter().map(|group| row_group(group, &leaves)).collect();
    let exact = schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
    Ok(Footer { file, bytes, modified, hash, schema: Arc::new(FileSchema::of(exact)), row_groups })
}

/// 32 hexadecimal digits over the bytes of a footer.
fn hash_of_footer(mut file: &File) -> std::io::Result<String> {
    let mut length = [0; 4];
    file.seek(SeekFrom::End(-8))?;
    file.read_exact(&mut length)?;
    let length = u64::from(u32::from_le_bytes(length));
    let start = file.seek(SeekFrom::End(0))?.saturating_sub(length + 8);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes)?;
    Ok(digest(&bytes))
}

/// The columns of a file, in the types in which they are decoded: text as views, which are quick to make and to
/// compare, and nothing that polars does not have.
///
/// # Errors
/// A Parquet type that arrow does not have.
pub fn decoded_schema(metadata: &ParquetMetaData) -> Result<Schema, ParquetError> {
    let file = metadata.file_metadata();
    let descriptor = file.schema_descr();
    // A schema hint that arrow cannot read must not stop a file that Parquet can.
    let schema = parquet_to_arrow_schema(descriptor, file.key_value_metadata())
        .or_else(|_| parquet_to_arrow_schema(descriptor, None))?;
    let is_int96 = |place: usize| {
        let root = &descriptor.root_schema().get_fields()[place];
        root.is_primitive() && root.get_physical_type() == Type::INT96
    };
    let fields = schema.fields().iter().enumerate().map(|(place, field)| {
        let data_type = match field.data_type() {
            // Nanoseconds in 64 bits would not hold all of its times.
            DataType::Timestamp(_, zone) if is_int96(place) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            other => decoded(other),
        };
        field.as_ref().clone().with_data_type(data_type)
    });
    Ok(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}

fn decoded(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, values) => decoded(values),
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        // An offset is no zone to polars; the instants are the same.
        DataType::Timestamp(unit, Some(zone)) if zone.starts_with(['+', '-']) => {
            DataType::Timestamp(*unit, Some("UTC".into()))
        }
        other => other.clone(),
    }
}

fn not_parquet(path: &Path, bytes: u64, error: &ParquetError) -> InputError {
    let starts_right = std::fs::File::open(path).ok().is_some_and(|mut file| {
        let mut magic = [0; 4];
        std::io::Read::read_exact(&mut file, &mut magic).is_ok() && &magic == b"PAR1"
    });
    let problem = if starts_right {
        format!("is cut short or damaged: it begins as a Parquet file, but its footer cannot be read ({error})")
    } else {
        format!("is not a Parquet file ({bytes} bytes that do not begin with PAR1)")
    };
    InputError::NotParquet { path: path.to_path_buf(), problem }
}

fn leaf_of(metadata: &ParquetMetaData, name: &str) -> Option<usize> {
    let columns = metadata.file_metadata().schema_descr().columns();
    columns.iter().position(|column| column.path().parts() == [name.to_string()])
}

fn row_group(group: &RowGroupMetaData, leaves: &[Option<usize>]) -> RowGroup {
    let ranges = leaves.iter().map(|leaf| range(group.column((*leaf)?).statistics()?)).collect();
    RowGroup { rows: u64::try_from(group.num_rows()).unwrap_or(0), ranges }
}

fn range(statistics: &Statistics) -> Option<Range> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_string);
    match statistics {
        Statistics::Int32(values) => Some(Range::Int(i64::from(*values.min_opt()?), i64::from(*values.max_opt()?))),
        Statistics::Int64(values) => Some(Range::Int(*values.min_opt()?, *values.max_opt()?)),
        Statistics::Float(values) => Some(Range::Float(f64::from(*values.min_opt()?), f64::from(*values.max_opt()?))),
        Statistics::Double(values) => Some(Range::Float(*values.min_opt()?, *values.max_opt()?)),
        Statistics::ByteArray(values) if !values.is_min_max_backwards_compatible() => {
            Some(Range::Text(text(values.min_opt()?.data())?, text(values.max_opt()?.data())?))
        }
        _ => None,
    }
}
