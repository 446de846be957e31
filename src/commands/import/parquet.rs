//! Parquet files of events.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::tables::error::TableError;
use crate::tables::write::files::create_folder_of;

/// Rows of a row group, at most.
const ROW_GROUP_ROWS: usize = 1 << 20;

/// A Parquet file of events being written.
pub struct EventsFile {
    path: PathBuf,
    writer: ArrowWriter<BufWriter<File>>,
    /// A row group ends where it takes so many bytes.
    most: usize,
}

impl EventsFile {
    /// Begins a file, and the folder that it is in; a row group takes about `most` bytes, or fewer.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn create(path: &Path, schema: SchemaRef, most: usize) -> Result<Self, TableError> {
        create_folder_of(path)?;
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(path, error);
        // The arrow schema would only tell readers what the Parquet schema says already.
        let options = ArrowWriterOptions::new().with_properties(properties(&schema)).with_skip_arrow_metadata(true);
        let file = BufWriter::new(File::create(path).map_err(|error| failed(&error))?);
        let writer = ArrowWriter::try_new_with_options(file, schema, options).map_err(|error| failed(&error))?;
        Ok(EventsFile { path: path.to_path_buf(), writer, most })
    }

    /// Adds rows.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn write(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        let mut written = self.writer.write(rows);
        if written.is_ok() && self.writer.memory_size() > self.most {
            written = self.writer.flush();
        }
        written.map_err(|error| TableError::write(&self.path, &error))
    }

    /// Ends the file and has the disk confirm it; its size in bytes.
    ///
    /// # Errors
    /// The disk is full, or the file cannot be written.
    pub fn finish(self) -> Result<u64, TableError> {
        let path = self.path;
        let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(&path, error);
        let mut buffered = self.writer.into_inner().map_err(|error| failed(&error))?;
        buffered.flush().map_err(|error| failed(&error))?;
        let file = buffered.into_inner().map_err(|error| failed(error.error()))?;
        file.sync_all().map_err(|error| failed(&error))?;
        Ok(file.metadata().map_err(|error| failed(&error))?.len())
    }
}

fn properties(schema: &SchemaRef) -> WriterProperties {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_created_by("dwell".to_string());
    let instants = schema.fields().iter().filter(|field| matches!(field.data_type(), DataType::Timestamp(..)));
    // Instants hardly repeat, and neighbours differ by less than their eight bytes hold.
    let without_dictionary = |properties: WriterPropertiesBuilder, column: ColumnPath| {
        properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
    };
    // Names with dots are names as they are: no path is meant.
    let columns = instants.map(|field| ColumnPath::new(vec![field.name().clone()]));
    columns.fold(properties, without_dictionary).build()
}
