//! Reads columns of the files of a table.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::ProjectionMask;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::error::TableError;
use crate::guard::against_damage;

/// Reads some columns of a file as one batch of all of its rows, on this thread. Text comes as views, whether the file
/// has it in dictionaries or not: equal views are equal texts.
///
/// # Errors
/// The file cannot be read, or has no such column.
pub fn read_columns(path: &Path, columns: &BTreeSet<String>) -> Result<RecordBatch, TableError> {
    read_row_group(path, None, columns)
}

/// The same of one row group; of all of them where it is none.
///
/// # Errors
/// As [`read_columns`].
pub fn read_row_group(
    path: &Path,
    row_group: Option<usize>,
    columns: &BTreeSet<String>,
) -> Result<RecordBatch, TableError> {
    let failed = |reason: String| TableError::Read { path: path.to_path_buf(), reason };
    against_damage(|| read(path, row_group, columns))
        .unwrap_or_else(|_| Err("it is damaged".to_string()))
        .map_err(failed)
}

/// The columns of a file, without its rows.
///
/// # Errors
/// The file cannot be read.
pub fn schema_of(path: &Path) -> Result<SchemaRef, TableError> {
    let failed = |reason: String| TableError::Read { path: path.to_path_buf(), reason };
    let opened = against_damage(|| open(path)).unwrap_or_else(|_| Err("it is damaged".to_string()));
    opened.map(|(_, metadata)| Arc::clone(metadata.schema())).map_err(failed)
}

/// All rows of a file, so many at a time.
///
/// # Errors
/// The file cannot be read.
pub fn in_slices(
    path: &Path,
    rows: usize,
) -> Result<impl Iterator<Item = Result<RecordBatch, TableError>> + use<>, TableError> {
    slices(path, rows, None)
}

/// The same of some of its columns: those of these that it has.
///
/// # Errors
/// The file cannot be read.
pub fn columns_in_slices(
    path: &Path,
    rows: usize,
    columns: &[&str],
) -> Result<impl Iterator<Item = Result<RecordBatch, TableError>> + use<>, TableError> {
    slices(path, rows, Some(columns))
}

fn slices(
    path: &Path,
    rows: usize,
    columns: Option<&[&str]>,
) -> Result<impl Iterator<Item = Result<RecordBatch, TableError>> + use<>, TableError> {
    let named = path.to_path_buf();
    let failed = move |reason: String| TableError::Read { path: named.clone(), reason };
    let begin = || {
        let (file, metadata) = open(path)?;
        let mask = columns.map(|columns| {
            let fields = metadata.schema().fields().iter().enumerate();
            let places = fields.filter(|(_, field)| columns.contains(&field.name().as_str())).map(|(place, _)| place);
            ProjectionMask::roots(metadata.parquet_schema(), places)
        });
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata).with_batch_size(rows);
        reader.with_projection(mask.unwrap_or_else(ProjectionMask::all)).build().map_err(|error| error.to_string())
    };
    let mut reader = against_damage(begin).unwrap_or_else(|_| Err("it is damaged".to_string())).map_err(&failed)?;
    Ok(std::iter::from_fn(move || match against_damage(|| reader.next()) {
        Ok(rows) => rows.map(|rows| rows.map_err(|error| failed(error.to_string()))),
        Err(_) => Some(Err(failed("it is damaged".to_string()))),
    }))
}

/// How many rows a file has, by its footer.
///
/// # Errors
/// The file cannot be read.
pub fn row_count(path: &Path) -> Result<u64, TableError> {
    Ok(u64::try_from(footer_of(path)?.file_metadata().num_rows()).unwrap_or(0))
}

/// How many row groups a file has, by its footer.
///
/// # Errors
/// The file cannot be read.
pub fn row_group_count(path: &Path) -> Result<usize, TableError> {
    Ok(footer_of(path)?.num_row_groups())
}

fn footer_of(path: &Path) -> Result<ParquetMetaData, TableError> {
    let failed = |reason: String| TableError::Read { path: path.to_path_buf(), reason };
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    ParquetMetaDataReader::new().parse_and_finish(&file).map_err(|error| failed(error.to_string()))
}

fn read(path: &Path, row_group: Option<usize>, columns: &BTreeSet<String>) -> Result<RecordBatch, String> {
    let (file, metadata) = open(path)?;
    let fields = metadata.schema().fields();
    if let Some(missing) = columns.iter().find(|column| !fields.iter().any(|field| field.name() == *column)) {
        return Err(format!("it has no column `{missing}`"));
    }
    // By place: a name that has dots in it, as of a field inside of a column, is one column of the table.
    let places = fields.iter().enumerate().filter(|(_, field)| columns.contains(field.name())).map(|(place, _)| place);
    let mask = ProjectionMask::roots(metadata.parquet_schema(), places);
    let rows = match row_group {
        None => metadata.metadata().file_metadata().num_rows(),
        Some(number) => metadata.metadata().row_groups().get(number).map_or(0, RowGroupMetaData::num_rows),
    };
    let rows = usize::try_from(rows).map_err(|error| error.to_string())?;
    let mut reader = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    if let Some(number) = row_group {
        reader = reader.with_row_groups(vec![number]);
    }
    let mut reader = reader.with_projection(mask).with_batch_size(rows.max(1)).build().map_err(|e| e.to_string())?;
    let schema = RecordBatchReader::schema(&reader);
    let batch = reader.next().transpose().map_err(|error| error.to_string())?;
    let batch = batch.unwrap_or_else(|| RecordBatch::new_empty(schema));
    if batch.num_rows() != rows {
        return Err(format!("it has {} rows, and its footer says {rows}", batch.num_rows()));
    }
    Ok(batch)
}

/// Opens a file whose text is to be read as views.
fn open(path: &Path) -> Result<(File, ArrowReaderMetadata), String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|error| error.to_string())?;
    let fields: Vec<FieldRef> = metadata.schema().fields().iter().map(with_views).collect();
    let schema = Arc::new(Schema::new(fields));
    let options = ArrowReaderOptions::new().with_schema(schema);
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options);
    Ok((file, metadata.map_err(|error| error.to_string())?))
}

fn with_views(field: &FieldRef) -> FieldRef {
    if let DataType::List(element) = field.data_type() {
        return Arc::new(field.as_ref().clone().with_data_type(DataType::List(with_views(element))));
    }
    let values = match field.data_type() {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    if matches!(values, DataType::Utf8 | DataType::LargeUtf8) {
        return Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View));
    }
    Arc::clone(field)
}
