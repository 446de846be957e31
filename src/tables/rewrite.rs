//! A sessions table written anew from itself, with other columns of the same events (SPEC 8): names and their order may be
//! others, columns may be gone, and conditions over columns of the session are computed again. The file is, byte for byte, what a
//! run over the events would write.

use std::path::Path;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::error::TableError;
use super::numbering::{Corrections, Said};
use super::read::in_slices;
use super::schema::added::Origin;
use super::schema::made_with::MadeWith;
use super::schema::sessions::{history_columns, TableColumns, SESSIONS, SESSION_NUMBER};
use super::write::parquet_file::{ParquetFile, Provenance, Size, SLICE_ROWS};
use crate::sessionize::time::Timestamp;

/// Writes the rows of the sessions file at `from` to another one, with these columns. Sessions that are numbered by user have the
/// numbers that the file says, but for `corrections`.
///
/// # Errors
/// The file cannot be read or lacks what a column holds, or the other one cannot be written.
pub fn rewrite(
    from: &Path,
    to: &Path,
    columns: &TableColumns,
    provenance: &Provenance,
    mut corrections: Option<Corrections>,
) -> Result<Size, TableError> {
    let made_with = MadeWith::read(from)?;
    let schema = columns.schema(SESSIONS);
    let origins = columns.session_origins();
    let mut names: Vec<(&Field, &str)> = Vec::new();
    for (field, origin) in schema.fields().iter().zip(&origins) {
        let name = match origin {
            Origin::Name => Some(field.name().as_str()),
            Origin::Contents(contents) => made_with.name_of(contents),
            Origin::Computed | Origin::History => continue,
        };
        let lacks = || TableError::Lacks { path: from.to_path_buf(), what: field.name().clone() };
        names.push((field.as_ref(), name.ok_or_else(lacks)?));
    }
    let mut file = ParquetFile::create(to, Arc::clone(&schema), provenance)?;
    let mut first_row = 0;
    for rows in in_slices(from, SLICE_ROWS)? {
        let rows = rows?;
        let found = names.iter().map(|(field, name)| found(from, &rows, name, field));
        let mut own = found.collect::<Result<Vec<ArrayRef>, TableError>>()?;
        // Those of history are the last of them.
        let history = if columns.have_history() { 3 } else { 0 };
        let of_events = own.split_off(columns.own_columns() - history);
        if columns.have_history() {
            own.extend(history_of(from, &rows, first_row, corrections.as_mut())?);
        }
        first_row += rows.num_rows() as u64;
        let whole = columns.completed(own, of_events).and_then(|all| RecordBatch::try_new(Arc::clone(&schema), all));
        file.write(&whole.map_err(|error| TableError::of_rows(to, &error))?)?;
    }
    file.finish()
}

/// The columns of history of some rows.
fn history_of(
    from: &Path,
    rows: &RecordBatch,
    first_row: u64,
    mut corrections: Option<&mut Corrections>,
) -> Result<[ArrayRef; 3], TableError> {
    let said = Said::of(from, rows)?;
    let mut numbers = Vec::with_capacity(rows.num_rows());
    for row in 0..rows.num_rows() {
        let corrected = match &mut corrections {
            Some(corrections) => corrections.of(first_row + row as u64)?,
            None => None,
        };
        let lacks = || TableError::Lacks { path: from.to_path_buf(), what: SESSION_NUMBER.to_string() };
        numbers.push(corrected.or_else(|| said.numbered(row)).ok_or_else(lacks)?);
    }
    let starts: Vec<Timestamp> = (0..rows.num_rows()).map(|row| said.start(row)).collect();
    Ok(history_columns(&starts, &numbers))
}

/// A column of some rows, in the type of a field.
fn found(from: &Path, rows: &RecordBatch, name: &str, field: &Field) -> Result<ArrayRef, TableError> {
    let failed = |reason: String| TableError::Read { path: from.to_path_buf(), reason };
    let column = rows.column_by_name(name).ok_or_else(|| failed(format!("it has no column `{name}`")))?;
    let wanted = field.data_type();
    if column.data_type() == wanted {
        return Ok(Arc::clone(column));
    }
    let is_text = *column.data_type() == DataType::Utf8View;
    let fitted = match wanted {
        DataType::LargeUtf8 if is_text => cast(column, wanted),
        // In its own order of values, as the words of a run are.
        DataType::Dictionary(_, words) if is_text => cast(column, words).and_then(|words| cast(&words, wanted)),
        DataType::List(_) => cast(column, wanted),
        _ => Err(ArrowError::CastError(format!("it holds {} and would hold {wanted}", column.data_type()))),
    };
    fitted.map_err(|error| failed(format!("the column `{name}`: {error}")))
}
