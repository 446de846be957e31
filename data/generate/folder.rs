//! The folder that the events go to: one folder a day, with one file in it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use jiff::civil::Date;
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::failure::Failure;
use crate::table::Columns;

/// Where the files go, and how they are written.
pub struct Folder {
    path: PathBuf,
    properties: WriterProperties,
}

impl Folder {
    /// A new folder, or one that is there and empty: files of an earlier run would silently be
    /// read together with the new ones.
    pub fn create(path: &Path, compression: Compression, row_group: usize) -> Result<Self, Failure> {
        fs::create_dir_all(path).map_err(|source| Failure::file(path, source))?;
        let mut entries = fs::read_dir(path).map_err(|source| Failure::file(path, source))?;
        if entries.next().is_some() {
            return Err(Failure::NotEmpty(path.to_owned()));
        }
        let mut properties =
            WriterProperties::builder().set_compression(compression).set_max_row_group_row_count(Some(row_group));
        for column in Columns::WITHOUT_DICTIONARY {
            // From parts, for a name in text form would be parsed: `$insert_id` is one name.
            properties = properties.set_column_dictionary_enabled(vec![column.to_owned()].into(), false);
        }
        Ok(Self { path: path.to_owned(), properties: properties.build() })
    }

    /// Opens the file of a day.
    pub fn day(&self, date: Date, schema: SchemaRef) -> Result<DayFile, Failure> {
        let folder = self.path.join(format!("event_date={date}"));
        let path = folder.join("part-0.parquet");
        let file = fs::create_dir_all(&folder)
            .and_then(|()| File::create(&path))
            .map_err(|source| Failure::file(&path, source))?;
        let options = ArrowWriterOptions::new()
            .with_properties(self.properties.clone())
            // Readers should see Parquet's own types, as in a file from any other writer.
            .with_skip_arrow_metadata(true);
        match ArrowWriter::try_new_with_options(file, schema, options) {
            Ok(writer) => Ok(DayFile { path, writer }),
            Err(error) => Err(failed_to_write(&path, error)),
        }
    }
}

/// The file of one day, while it is written.
pub struct DayFile {
    path: PathBuf,
    writer: ArrowWriter<File>,
}

impl DayFile {
    /// Appends rows.
    pub fn append(&mut self, rows: &RecordBatch) -> Result<(), Failure> {
        let path = &self.path;
        self.writer.write(rows).map_err(|error| failed_to_write(path, error))
    }

    /// Writes the footer, without which the file cannot be read. Returns the size in bytes.
    pub fn finish(mut self) -> Result<u64, Failure> {
        match self.writer.finish() {
            Ok(_) => Ok(self.writer.bytes_written() as u64),
            Err(error) => Err(failed_to_write(&self.path, error)),
        }
    }
}

fn failed_to_write(path: &Path, error: ParquetError) -> Failure {
    Failure::file(path, io::Error::other(error))
}
