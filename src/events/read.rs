//! Reading: the row groups of a file as batches of rows.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::arrow::ProjectionMask;
use parquet::basic::{Encoding, EncodingMask};
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::dictionaries::text_as_codes;
use super::error::InputError;
use super::footer::decoded_schema;
use super::project::Projection;
use crate::guard::{against_damage, Panicked};

/// Rows of a batch, at most: a batch's columns then stay in the cache of the thread that lays it out.
const BATCH_ROWS: usize = 1 << 17;
/// Rows of a batch of numbers and codes: so few that each column of the next one fits memory that the thread has already.
const NUMBER_ROWS: usize = 1 << 16;

/// A file to read, and how.
#[derive(Clone, Debug)]
pub struct FileTask {
    /// The file.
    pub path: PathBuf,
    /// Its row groups that are read.
    pub row_groups: Vec<usize>,
    /// What becomes of its rows.
    pub projection: Arc<Projection>,
    /// Whether text that the file has as codes of a dictionary may stay so.
    pub keeps_codes: bool,
}

/// A file whose footer has been read once more, for its row groups.
#[derive(Debug)]
pub struct OpenFile<'a> {
    task: &'a FileTask,
    metadata: Arc<ParquetMetaData>,
    schema: SchemaRef,
    mask: ProjectionMask,
}

impl FileTask {
    /// The same, where text that the file has as codes of a dictionary may stay so.
    pub fn keeping_codes(self) -> Self {
        FileTask { keeps_codes: true, ..self }
    }

    /// Opens the file.
    ///
    /// # Errors
    /// It cannot be opened, or its footer cannot be read any more.
    pub fn open(&self) -> Result<OpenFile<'_>, InputError> {
        self.open_with(&[])
    }

    /// Opens the file to read some columns beside those that the projection needs.
    ///
    /// # Errors
    /// As [`FileTask::open`].
    pub fn open_with(&self, more: &[String]) -> Result<OpenFile<'_>, InputError> {
        let file = self.file()?;
        let open = || -> Result<_, ParquetError> {
            let metadata = Arc::new(ParquetMetaDataReader::new().parse_and_finish(&file)?);
            let mask = mask(&metadata, &[self.projection.columns(), more].concat());
            let schema = Arc::new(decoded_schema(&metadata)?);
            Ok(OpenFile { task: self, metadata, schema, mask })
        };
        self.decoded(open)
    }

    fn file(&self) -> Result<File, InputError> {
        File::open(&self.path).map_err(|source| InputError::Open { path: self.path.clone(), source })
    }

    /// What a reader that panics over some damage makes of the file.
    fn decoded<T>(&self, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, InputError> {
        let damaged = |reason: String| InputError::Damaged { path: self.path.clone(), reason };
        match against_damage(read) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(damaged(error.to_string())),
            Err(Panicked) => Err(damaged("the Parquet reader gave up".to_string())),
        }
    }
}

impl OpenFile<'_> {
    /// The rows of one of its row groups, batch by batch.
    ///
    /// # Errors
    /// The file cannot be opened any more, or the row group's columns cannot be found.
    pub fn row_group(&self, number: usize) -> Result<Batches<'_>, InputError> {
        self.rows_where(number, None)
    }

    /// As [`OpenFile::row_group`], of the rows that a filter lets pass: of others, only what it looks at is decoded.
    ///
    /// # Errors
    /// As [`OpenFile::row_group`].
    pub fn rows_where(&self, number: usize, filter: Option<RowFilter>) -> Result<Batches<'_>, InputError> {
        // A file of its own: whoever shares one shares the place in it, too.
        let file = self.task.file()?;
        let reader = self.task.decoded(|| {
            let schema = self.schema_of(number);
            let rows = if self.are_numbers(&schema) { NUMBER_ROWS } else { BATCH_ROWS };
            let builder = self
                .builder(file, schema)?
                .with_projection(self.mask.clone())
                .with_row_groups(vec![number])
                .with_batch_size(rows);
            match filter {
                Some(filter) => builder.with_row_filter(filter).build(),
                None => builder.build(),
            }
        })?;
        Ok(Batches { task: self.task, reader })
    }

    /// What its footer says.
    pub fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// The columns named, with all that is in them.
    pub fn columns(&self, names: &[String]) -> ProjectionMask {
        mask(self.metadata(), names)
    }

    /// The bloom filter of a column of a row group, where the file has one.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn bloom_filter(&self, number: usize, leaf: usize) -> Result<Option<Sbbf>, InputError> {
        if self.metadata().row_group(number).column(leaf).bloom_filter_offset().is_none() {
            return Ok(None);
        }
        let file = self.task.file()?;
        self.task
            .decoded(|| self.builder(file, Arc::clone(&self.schema))?.get_row_group_column_bloom_filter(number, leaf))
    }

    fn builder(&self, file: File, schema: SchemaRef) -> Result<ParquetRecordBatchReaderBuilder<File>, ParquetError> {
        let options = ArrowReaderOptions::new().with_schema(schema);
        let metadata = ArrowReaderMetadata::try_new(Arc::clone(&self.metadata), options)?;
        Ok(ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata))
    }

    /// Whether all columns that are needed are of few bytes a row.
    fn are_numbers(&self, schema: &Schema) -> bool {
        let is_number =
            |data_type: &DataType| data_type.is_primitive() || matches!(data_type, DataType::Dictionary(..));
        let needed = |field: &&Arc<Field>| self.task.projection.columns().contains(field.name());
        schema.fields().iter().filter(needed).all(|field| is_number(field.data_type()))
    }

    /// The columns of a row group in the types in which they are decoded: text that it has as codes of one dictionary,
    /// and that may stay so, does.
    fn schema_of(&self, number: usize) -> SchemaRef {
        let coded = self.task.projection.coded_columns();
        let group = self.metadata.row_group(number);
        let stays = |field: &Field| {
            self.task.keeps_codes
                && *field.data_type() == DataType::Utf8View
                && coded.contains(field.name())
                && is_coded(group, field.name())
        };
        if !self.schema.fields().iter().any(|field| stays(field)) {
            return Arc::clone(&self.schema);
        }
        let fields = self.schema.fields().iter().map(|field| match stays(field) {
            true => Arc::new(field.as_ref().clone().with_data_type(text_as_codes())),
            false => Arc::clone(field),
        });
        Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), self.schema.metadata().clone()))
    }
}

/// Whether a column of a row group is in codes of a dictionary from its first page to its last, as far as its footer
/// tells.
fn is_coded(group: &RowGroupMetaData, name: &str) -> bool {
    let column = group.columns().iter().find(|column| column.column_path().parts() == [name.to_string()]);
    column.is_some_and(|column| {
        let only_codes =
            |pages: &EncodingMask| pages.is_only(Encoding::RLE_DICTIONARY) || pages.is_only(Encoding::PLAIN_DICTIONARY);
        // Who does not list the encodings of pages hardly ever changes them within a column.
        column.dictionary_page_offset().is_some() && column.page_encoding_stats_mask().is_none_or(only_codes)
    })
}

/// The batches of a row group.
#[derive(Debug)]
pub struct Batches<'a> {
    task: &'a FileTask,
    reader: ParquetRecordBatchReader,
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        let reader = &mut self.reader;
        self.task.decoded(|| reader.next().transpose().map_err(ParquetError::from)).transpose()
    }
}

fn mask(metadata: &ParquetMetaData, columns: &[String]) -> ProjectionMask {
    let descriptor = metadata.file_metadata().schema_descr();
    let roots = descriptor.root_schema().get_fields().iter().enumerate();
    let needed = roots.filter(|(_, field)| columns.iter().any(|column| column == field.name()));
    ProjectionMask::roots(descriptor, needed.map(|(place, _)| place))
}
