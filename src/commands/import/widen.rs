//! Brings files of earlier imports to the columns that there are now, where a column has come to hold values of another kind.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use jiff::tz::TimeZone;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use rayon::prelude::*;
use std::sync::Arc;

use super::columns::Column;
use super::folder::{Done, Folder};
use super::kinds::EXACT;
use super::parquet::EventsFile;
use super::rows::data_type;
use crate::error::Error;
use crate::job::dates::instant_text;
use crate::sessionize::time::Timestamp;
use crate::tables::error::TableError;

/// The columns that hold another kind than before.
pub fn widened(before: &[Column], now: &[Column]) -> Vec<Column> {
    let differs = |column: &&Column| {
        let known = before.iter().find(|known| known.name == column.name);
        known.is_some_and(|known| data_type(known.kind) != data_type(column.kind))
    };
    now.iter().filter(differs).cloned().collect()
}

/// Has all files of a folder hold what its columns hold, and remembers when that is done; how many were written anew.
///
/// # Errors
/// A file cannot be read or written. Whoever comes next goes on.
pub fn widen(folder: &mut Folder, most: usize) -> Result<u64, Error> {
    folder.state.widening = true;
    folder.save()?;
    let paths: Vec<String> = folder.state.files.values().flat_map(Done::parquet).collect();
    let (columns, place) = (&folder.state.columns, |path: &String| (folder.place(path), folder.staged(path)));
    let rewritten = paths.par_iter().map(|path| {
        let (path, staged) = place(path);
        Ok(u64::from(widen_file(&path, &staged, columns, most)?))
    });
    let rewritten: u64 = rewritten.collect::<Result<Vec<u64>, Error>>()?.into_iter().sum();
    folder.state.widening = false;
    folder.save()?;
    Ok(rewritten)
}

/// Writes a file anew where it has a column of another kind; whether it did.
fn widen_file(path: &Path, staged: &Path, columns: &[Column], most: usize) -> Result<bool, Error> {
    crate::cancel::check()?;
    let failed = |error: &(dyn std::error::Error + 'static)| TableError::write(path, error);
    let unread =
        |error: &dyn std::fmt::Display| TableError::Read { path: path.to_path_buf(), reason: error.to_string() };
    let file = match File::open(path) {
        // Its day was removed: there is nothing to bring to other columns.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        file => file.map_err(|error| unread(&error))?,
    };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| unread(&error))?;
    let before = Arc::clone(reader.schema());
    let now: SchemaRef =
        Arc::new(Schema::new(before.fields().iter().map(|field| as_now(field, columns)).collect::<Vec<_>>()));
    if before.fields().iter().zip(now.fields()).all(|(before, now)| before.data_type() == now.data_type()) {
        return Ok(false);
    }
    let mut written = EventsFile::create(staged, Arc::clone(&now), most)?;
    for rows in reader.with_batch_size(1 << 13).build().map_err(|error| unread(&error))? {
        let rows = rows.map_err(|error| unread(&error))?;
        let columns = rows.columns().iter().zip(now.fields()).map(|(column, field)| as_kind(column, field.data_type()));
        let columns = columns.collect::<Result<Vec<_>, _>>().map_err(|error| failed(&error))?;
        written.write(&RecordBatch::try_new(Arc::clone(&now), columns).map_err(|error| failed(&error))?)?;
    }
    written.finish()?;
    fs::rename(staged, path).map_err(|error| failed(&error))?;
    Ok(true)
}

/// The values of a column as those of another type. Whole numbers that stood beside fractions are spelled as such: one that
/// comes later, in a column of text, is equal to them.
fn as_kind(column: &ArrayRef, kind: &DataType) -> Result<ArrayRef, ArrowError> {
    if let (Some(instants), DataType::Utf8) = (column.as_primitive_opt::<TimestampMicrosecondType>(), kind) {
        let text = |micros: i64| instant_text(Timestamp::from_micros(micros), &TimeZone::UTC);
        return Ok(Arc::new(instants.iter().map(|micros| micros.map(text)).collect::<StringArray>()));
    }
    let values = cast(column, kind)?;
    let (Some(numbers), Some(texts)) = (column.as_primitive_opt::<Float64Type>(), values.as_string_opt::<i32>()) else {
        return Ok(values);
    };
    let whole =
        |number: f64| (number.fract() == 0.0 && number.abs() <= EXACT as f64).then(|| (number as i64).to_string());
    let one = |(number, text): (Option<f64>, Option<&str>)| {
        Some(whole(number?).unwrap_or_else(|| text.unwrap_or_default().to_string()))
    };
    Ok(Arc::new(numbers.iter().zip(texts).map(one).collect::<StringArray>()))
}

fn as_now(field: &Field, columns: &[Column]) -> Field {
    let known = columns.iter().find(|column| column.name == *field.name());
    let kind = known.map_or_else(|| field.data_type().clone(), |column| data_type(column.kind));
    Field::new(field.name(), kind, true)
}
