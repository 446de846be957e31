//! The file of a mapping: a row for each stretch of one user on a device.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use arrow::record_batch::RecordBatch;

use super::stretches::Stretches;
use crate::error::Error;
use crate::events::source::roles::KeyType;
use crate::job::fingerprint::Canonical;
use crate::job::JobError;
use crate::pipeline::question::Question;
use crate::sessionize::layout::columns::KeyColumn;
use crate::tables::error::TableError;
use crate::tables::folder::{absolute, check_apart};
use crate::tables::write::files::sync_folder;
use crate::tables::write::parquet_file::{ParquetFile, Provenance, SLICE_ROWS};

/// What the file is called.
pub const FILE: &str = "part-0.parquet";
/// What it is called until it is whole.
const STAGED: &str = "part-0.parquet.new";

/// A folder for a mapping.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder that has nothing but a mapping, or is not there yet.
    ///
    /// # Errors
    /// It is something else.
    pub fn new(path: &Path) -> Result<Self, Error> {
        let refuse = |hint: String| {
            Err(JobError::Unfit {
                key: "--output",
                value: format!("{path:?}"),
                hint: format!("{hint}; name another folder"),
            })
        };
        if absolute(path).ancestors().any(|folder| folder.join("_dwell").exists()) {
            return Ok(refuse("it is the output folder of a run, or within one".to_string())?);
        }
        if path.exists() && !path.is_dir() {
            return Ok(refuse("it is a file".to_string())?);
        }
        let entries = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let is_own = |name: &std::ffi::OsString| name == FILE || name == STAGED;
        match entries.into_iter().find(|name| !is_own(name)) {
            Some(other) => Ok(refuse(format!("it holds {other:?}, which is no mapping that dwell identify wrote"))?),
            None => Ok(Folder(path.to_path_buf())),
        }
    }

    /// Makes sure that the mapping is not read as events the next time.
    ///
    /// # Errors
    /// It would be.
    pub fn check_apart(&self, question: &Question) -> Result<(), Error> {
        Ok(check_apart(&self.0, &question.job.input.paths, &question.plan.files())?)
    }

    /// Writes the mapping beside its place, and puts it there whole; how many rows it has.
    ///
    /// # Errors
    /// The file cannot be written; an interruption. What was there before stays then.
    pub fn write(
        &self,
        all: &[Stretches],
        device_type: KeyType,
        user_type: KeyType,
        definition: &Canonical,
    ) -> Result<u64, Error> {
        let failed = |path: &Path, error: std::io::Error| Error::from(TableError::write(path, &error));
        fs::create_dir_all(&self.0).map_err(|error| failed(&self.0, error))?;
        let (staged, file) = (self.0.join(STAGED), self.0.join(FILE));
        let put = || -> Result<u64, Error> {
            let rows = write_rows(&staged, all, device_type, user_type, &Provenance::of(definition))?;
            File::open(&staged).and_then(|file| file.sync_all()).map_err(|error| failed(&staged, error))?;
            crate::cancel::check()?;
            fs::rename(&staged, &file).map_err(|error| failed(&file, error))?;
            sync_folder(&self.0)?;
            Ok(rows)
        };
        let done = put();
        if done.is_err() {
            let _ = fs::remove_file(&staged);
        }
        done
    }
}

/// Writes the rows of all partitions in order of device, then of time.
fn write_rows(
    path: &Path,
    all: &[Stretches],
    device_type: KeyType,
    user_type: KeyType,
    provenance: &Provenance,
) -> Result<u64, Error> {
    // Where the rows of each device begin and end; a device is in one partition.
    let mut devices: Vec<(usize, std::ops::Range<usize>)> = Vec::new();
    for (partition, of) in all.iter().enumerate() {
        let mut first = 0;
        for rows in of.rows.chunk_by(|a, b| a.0 == b.0) {
            devices.push((partition, first..first + rows.len()));
            first += rows.len();
        }
    }
    let device = |(partition, rows): &(usize, std::ops::Range<usize>)| {
        (&all[*partition].devices, all[*partition].rows[rows.start].0 as usize)
    };
    devices.sort_unstable_by(|a, b| {
        let ((keys, row), (others, other)) = (device(a), device(b));
        keys.compare(row, others, other)
    });
    let field = |name: &str, of: KeyType| {
        Field::new(name, if of == KeyType::Text { DataType::Utf8 } else { DataType::Int64 }, false)
    };
    let since = Field::new("since", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false);
    let schema = Arc::new(Schema::new(vec![field("from", device_type), field("to", user_type), since]));
    let mut file = ParquetFile::create(path, Arc::clone(&schema), provenance)?;
    let mut rows = devices.iter().flat_map(|(partition, rows)| {
        let of = &all[*partition];
        of.rows[rows.clone()].iter().map(move |row| (of, row))
    });
    let mut written = 0;
    loop {
        crate::cancel::check()?;
        let slice: Vec<_> = rows.by_ref().take(SLICE_ROWS).collect();
        if slice.is_empty() && written > 0 {
            break;
        }
        let from = keys(slice.iter().map(|(of, row)| (&of.devices, row.0 as usize)), device_type);
        let to = keys(slice.iter().map(|(of, row)| (&of.users, row.1 as usize)), user_type);
        let since =
            TimestampMicrosecondArray::from_iter_values(slice.iter().map(|(_, row)| row.2)).with_timezone("UTC");
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![from, to, Arc::new(since)]);
        file.write(&batch.map_err(|error| TableError::write(path, &error))?)?;
        written += slice.len() as u64;
        if slice.len() < SLICE_ROWS {
            break;
        }
    }
    file.finish()?;
    Ok(written)
}

fn keys<'k>(keys: impl Iterator<Item = (&'k KeyColumn, usize)>, of: KeyType) -> ArrayRef {
    // Text that came out of text columns.
    let text = |(keys, row): (&'k KeyColumn, usize)| {
        std::str::from_utf8(keys.text(row).unwrap_or_default()).unwrap_or_default()
    };
    match of {
        KeyType::Text => Arc::new(StringArray::from_iter_values(keys.map(text))),
        _ => Arc::new(Int64Array::from_iter_values(keys.filter_map(|(keys, row)| keys.int(row)))),
    }
}
