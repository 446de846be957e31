//! All tables of a job, in parts, for the run that puts those of all kernels together (`dwell run --by-kernels`).

use std::fmt;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::ThreadPool;
use tempfile::TempDir;

use crate::commands::made_tables::{MadeTable, MadeTables, TableWriter};
use crate::error::Error;
use crate::pipeline;
use crate::pipeline::Made;
use crate::sessionize::table_rows::dated::Dated;
use crate::sessionize::table_rows::merge::ByDate;
use crate::sessionize::time::Day;
use crate::tables::error::TableError;
use crate::tables::schema::sessions::To;
use crate::tables::write::files::create_folder_of;
use crate::tables::write::parquet_file::Size;
use crate::tables::write::part_stream::{PartHead, PartStream};

/// Dates whose parts stand on the disk at a time, for each thread, before they go into the stream.
const DATES_AT_ONCE: usize = 4;

/// Writes the tables of a kernel in parts. The stream begins with the first of them: until all events are read, nothing goes out.
pub(super) struct PartsWriter<'a, W: Write> {
    pool: &'a ThreadPool,
    /// Where parts stand until they are sent; gone with the writer.
    folder: TempDir,
    output: Option<W>,
    stream: Option<PartStream<BufWriter<W>>>,
    /// The number of the next parts: how many times memory did not hold the rows so far.
    number: usize,
}

impl<W: Write> fmt::Debug for PartsWriter<'_, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartsWriter").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl<'a, W: Write> PartsWriter<'a, W> {
    /// Writes to `output`, by way of a folder within `within`.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub(super) fn new(pool: &'a ThreadPool, within: &Path, output: W) -> Result<Self, Error> {
        let made =
            std::fs::create_dir_all(within).and_then(|()| tempfile::Builder::new().prefix("dwell-").tempdir_in(within));
        let folder = made.map_err(|error| TableError::spill(within, &error))?;
        Ok(PartsWriter { pool, folder, output: Some(output), stream: None, number: 0 })
    }

    /// Writes rows, of which those of a user come together.
    ///
    /// # Errors
    /// The disk is full; nobody reads the stream; an interruption.
    pub(super) fn write(&mut self, tables: &MadeTables<'_>, made: &Made) -> Result<(), Error> {
        tables.each(made, self)?;
        self.number += 1;
        Ok(())
    }

    /// Ends the stream with what became of the events.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(super) fn finish(mut self, counts: &str) -> Result<(), Error> {
        self.begun()?;
        let stream = self.stream.take().ok_or_else(super::write::not_begun)?;
        Ok(stream.finish(counts)?)
    }

    fn begun(&mut self) -> Result<&mut PartStream<BufWriter<W>>, Error> {
        if let Some(output) = self.output.take() {
            self.stream = Some(PartStream::begin(BufWriter::with_capacity(1 << 18, output))?);
        }
        self.stream.as_mut().ok_or_else(super::write::not_begun)
    }
}

impl<W: Write> TableWriter for PartsWriter<'_, W> {
    fn table<R: Dated + Sync>(
        &mut self,
        table: MadeTable<'_, R>,
        file: impl Fn(&Path, To<'_>, Option<(&ByDate<'_, R>, Day)>) -> Result<Size, TableError> + Sync,
    ) -> Result<(), Error> {
        let MadeTable { place, rows, .. } = table;
        let (folder, number) = (place.folder(), self.number);
        let within = self.folder.path().to_path_buf();
        let days = rows.days();
        for days in days.chunks(self.pool.current_num_threads() * DATES_AT_ONCE) {
            let one = |day: &Day| -> Result<PathBuf, Error> {
                let path = within.join(place.part_of(number, *day));
                create_folder_of(&path)?;
                file(&path, To::Part, Some((&rows, *day)))?;
                Ok(path)
            };
            let written = pipeline::each(self.pool, days, one)?;
            let stream = self.begun()?;
            for (day, path) in days.iter().zip(written) {
                stream.write(PartHead { table: &folder, number, day: *day, rows: rows.rows_of(*day) }, &path)?;
                std::fs::remove_file(&path).map_err(|error| TableError::write(&path, &error))?;
            }
        }
        Ok(())
    }
}
