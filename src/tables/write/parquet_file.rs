//! Parquet files whose bytes follow from their rows alone.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::array::{make_array, Array, ArrayRef};
use arrow::datatypes::{DataType, Field, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::job::fingerprint::Canonical;
use crate::tables::error::TableError;
use crate::tables::folder::FORMAT;

/// Rows handed to the writer at a time. Fixed: page boundaries follow the slices, and may follow nothing
/// else. A column of so many is small enough that its memory is used again for the next one.
pub const SLICE_ROWS: usize = 1 << 13;
/// Rows of a row group.
pub const ROW_GROUP_ROWS: usize = 1 << 20;

/// The metadata of a field whose values repeat, so that they are written once, as a dictionary.
pub const REPEATS: &str = "dwell.repeats";

/// What a table file says of itself.
#[derive(Clone, Debug)]
pub struct Provenance {
    definition: String,
    fingerprint: String,
    /// What it was made with besides: keys and values.
    made_with: Vec<(&'static str, String)>,
}

impl Provenance {
    /// Made under this definition.
    pub fn of(definition: &Canonical) -> Self {
        Provenance { definition: definition.text(), fingerprint: definition.fingerprint(), made_with: Vec::new() }
    }

    /// What is said, key by key.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("dwell.format", FORMAT.to_string()),
            ("dwell.definition", self.definition.clone()),
            ("dwell.fingerprint", self.fingerprint.clone()),
        ];
        pairs.extend(self.made_with.iter().cloned());
        pairs
    }

    /// Made with this, too.
    pub fn with(&self, made_with: Vec<(&'static str, String)>) -> Self {
        Provenance { made_with, ..self.clone() }
    }
}

/// Rows and bytes of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Files.
    pub files: u64,
    /// Rows.
    pub rows: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

impl Size {
    /// Adds another part's size to this.
    pub fn merge(&mut self, other: Size) {
        self.files += other.files;
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// A Parquet file being written.
pub struct ParquetFile {
    path: PathBuf,
    writer: ArrowWriter<BufWriter<File>>,
    rows: u64,
}

impl std::fmt::Debug for ParquetFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ParquetFile").field("path", &self.path).field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// The type of a field's values, which lists have inside of them.
fn value_type(field: &Field) -> &DataType {
    match field.data_type() {
        DataType::List(element) => element.data_type(),
        other => other,
    }
}

/// The column of a field's values, which lists have inside of them.
fn values_of(field: &Field) -> ColumnPath {
    let inside = match field.data_type() {
        DataType::List(element) => vec!["list".to_string(), element.name().clone()],
        _ => Vec::new(),
    };
    ColumnPath::new(std::iter::once(field.name().clone()).chain(inside).collect())
}

impl ParquetFile {
    /// Begins a file.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path, schema: SchemaRef, provenance: &Provenance) -> Result<Self, TableError> {
        let pair = |(key, value): (&str, String)| KeyValue::new(key.to_string(), value);
        let metadata = provenance.pairs().into_iter().map(pair).collect();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_created_by("dwell".to_string())
            // Ids, times and lengths hardly repeat: a dictionary of them is built only to be given up.
            .set_dictionary_enabled(false)
            .set_key_value_metadata(Some(metadata));
        // Words are in a dictionary, which tells which there are: their range says nothing more.
        let words = schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::Dictionary(..)));
        let properties = words.fold(properties, |properties, field| {
            let column = ColumnPath::from(field.name().as_str());
            properties
                .set_column_dictionary_enabled(column.clone(), true)
                .set_column_statistics_enabled(column, EnabledStatistics::None)
        });
        let numbers = schema.fields().iter().filter(|field| {
            matches!(value_type(field), DataType::Int64 | DataType::UInt32 | DataType::Timestamp(..))
                && !field.metadata().contains_key(REPEATS)
        });
        // Neighbours differ by less than their eight bytes hold.
        let properties = numbers.fold(properties, |properties, field| {
            properties.set_column_encoding(values_of(field), Encoding::DELTA_BINARY_PACKED)
        });
        let repeating = schema.fields().iter().filter(|field| field.metadata().contains_key(REPEATS));
        let properties = repeating
            .fold(properties, |properties, field| properties.set_column_dictionary_enabled(values_of(field), true));
        let properties = properties.build();
        // The arrow schema would only tell readers what the Parquet schema says already.
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = File::create(path).map_err(|error| TableError::write(path, &error))?;
        let writer = ArrowWriter::try_new_with_options(BufWriter::new(file), schema, options)
            .map_err(|error| TableError::write(path, &error))?;
        Ok(ParquetFile { path: path.to_path_buf(), writer, rows: 0 })
    }

    /// Adds rows: a slice of [`SLICE_ROWS`], or the last, shorter one.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        self.rows += rows.num_rows() as u64;
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(&self.path, error);
        let rows = without_idle_nulls(rows).map_err(|error| failed(&error))?;
        self.writer.write(&rows).map_err(|error| failed(&error))
    }

    /// Ends the file. The disk has not confirmed it yet: that is for [`super::syncer`].
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn finish(self) -> Result<Size, TableError> {
        let path = self.path;
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(&path, error);
        let mut buffered = self.writer.into_inner().map_err(|error| failed(&error))?;
        buffered.flush().map_err(|error| failed(&error))?;
        let file = buffered.into_inner().map_err(|error| failed(error.error()))?;
        let bytes = file.metadata().map_err(|error| failed(&error))?.len();
        Ok(Size { files: 1, rows: self.rows, bytes })
    }
}

/// The same rows, of whose columns none says which values are null where none is: it would be written in other bytes than a
/// column that says nothing.
fn without_idle_nulls(rows: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let is_idle = |column: &ArrayRef| column.nulls().is_some_and(|nulls| nulls.null_count() == 0);
    if !rows.columns().iter().any(is_idle) {
        return Ok(rows.clone());
    }
    let without = |column: &ArrayRef| match is_idle(column) {
        true => Ok(make_array(column.to_data().into_builder().nulls(None).build()?)),
        false => Ok(ArrayRef::clone(column)),
    };
    let columns = rows.columns().iter().map(without).collect::<Result<Vec<ArrayRef>, ArrowError>>()?;
    RecordBatch::try_new(rows.schema(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::UInt32Array;
    use arrow::buffer::NullBuffer;
    use std::sync::Arc;

    #[test]
    fn a_column_is_the_same_bytes_whether_or_not_it_says_that_nothing_is_null() {
        let folder = tempfile::tempdir().expect("a folder");
        let schema: SchemaRef = Arc::new(arrow::datatypes::Schema::new(vec![Field::new("n", DataType::UInt32, true)]));
        let write = |name: &str, says: bool| {
            let path = folder.path().join(name);
            let provenance =
                Provenance { definition: String::new(), fingerprint: String::new(), made_with: Vec::new() };
            let mut file = ParquetFile::create(&path, Arc::clone(&schema), &provenance).expect("made");
            for slice in 0..40u32 {
                // Some slices have nulls, and others none.
                let values = (0..SLICE_ROWS as u32).map(|row| row * 7 % 1000 + slice);
                let nulls = match slice % 3 {
                    0 => Some(NullBuffer::from_iter((0..SLICE_ROWS).map(|row| row % 13 != 5))),
                    _ => says.then(|| NullBuffer::new_valid(SLICE_ROWS)),
                };
                let column = UInt32Array::new(values.collect::<Vec<u32>>().into(), nulls);
                file.write(&RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).expect("rows"))
                    .expect("written");
            }
            file.finish().expect("finished");
            std::fs::read(&path).expect("readable")
        };
        assert_eq!(write("says", true), write("says nothing", false));
    }
}
