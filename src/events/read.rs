//! Reading: the row groups of a file as batches of rows.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::arrow::ProjectionMask;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};

use super::error::InputError;
use super::footer::decoded_schema;
use super::project::Projection;
use crate::guard::{against_damage, Panicked};

/// Rows of a batch, at most: a batch's columns then stay in the cache of the thread that lays it out.
const BATCH_ROWS: usize = 1 << 17;

/// A file to read, and how.
#[derive(Clone, Debug)]
pub struct FileTask {
    /// The file.
    pub path: PathBuf,
    /// Its row groups that are read.
    pub row_groups: Vec<usize>,
    /// What becomes of its rows.
    pub projection: Arc<Projection>,
}

/// A file whose footer has been read once more, for its row groups.
#[derive(Debug)]
pub struct OpenFile<'a> {
    task: &'a FileTask,
    metadata: ArrowReaderMetadata,
    mask: ProjectionMask,
}

impl FileTask {
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
            let options = ArrowReaderOptions::new().with_schema(schema);
            Ok((ArrowReaderMetadata::try_new(metadata, options)?, mask))
        };
        let (metadata, mask) = self.decoded(open)?;
        Ok(OpenFile { task: self, metadata, mask })
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
            let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_projection(self.mask.clone())
                .with_row_groups(vec![number])
                .with_batch_size(BATCH_ROWS);
            match filter {
                Some(filter) => builder.with_row_filter(filter).build(),
                None => builder.build(),
            }
        })?;
        Ok(Batches { task: self.task, reader })
    }

    /// What its footer says.
    pub fn metadata(&self) -> &ParquetMetaData {
        self.metadata.metadata()
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
        self.task.decoded(|| {
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .get_row_group_column_bloom_filter(number, leaf)
        })
    }
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
