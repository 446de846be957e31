//! Reading: the row groups of a file as batches of rows.

use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowFilter,
};
use parquet::arrow::ProjectionMask;
use parquet::bloom_filter::Sbbf;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use super::coded_rows::{cut, CodedRows, Part};
use super::decoded::settle;
use super::dictionaries::text_as_codes;
use super::footprint::Footprint;
use super::page_file::{rows_of_pages, Expansion, PageFile, Pages, RowsOfPages};
use crate::events::error::InputError;
use crate::events::normalise::project::Projection;
use crate::events::source::bounds::Range as Bounds;
use crate::events::source::delta::deleted::Deleted;
use crate::events::source::delta::table_file::TableView;
use crate::events::source::footer::decoded_schema;
use crate::events::source::metadata::read_metadata;
use crate::guard::{against_damage, Panicked};
use crate::storage::fetched::Fetched;
use crate::storage::object::Object;
use crate::storage::read_at::ReadAt;

/// Rows of a batch, at most: a batch's columns then stay in the cache of the thread that lays it out.
const BATCH_ROWS: usize = 1 << 17;
/// Rows of a batch of numbers and codes: so few that each column of the next one fits memory that the thread has already.
const NUMBER_ROWS: usize = 1 << 16;

/// Rows of a piece of a row group, at least: a dictionary is decoded once for each piece, and events are joined within one.
const PIECE_ROWS: usize = 1 << 17;

/// A file to read, and how.
#[derive(Clone, Debug)]
pub struct FileTask {
    /// The file.
    pub path: PathBuf,
    /// What it is in a store; `None` for a file on the disk.
    pub object: Option<Arc<Object>>,
    /// The table that it is of; `None` for a file of none.
    pub table: Option<Arc<TableView>>,
    /// Which of its rows are deleted, and none of the input; `None` where none is.
    pub deleted: Option<Arc<Deleted>>,
    /// Its row groups that are read.
    pub row_groups: Vec<usize>,
    /// What becomes of its rows.
    pub projection: Arc<Projection>,
    /// Whether text that the file has as codes of a dictionary may stay so.
    pub keeps_codes: bool,
    /// Bytes that the columns of a batch may take, about, where there is a limit.
    pub batch_bytes: Option<usize>,
}

/// Consecutive rows of a row group, to be read by themselves.
#[derive(Clone, Debug)]
pub struct Piece {
    row_group: usize,
    parts: Vec<Part>,
}

impl Piece {
    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows.len()).sum()
    }
}

/// A file whose footer has been read once more, for its row groups.
#[derive(Clone, Debug)]
pub struct OpenFile<'a> {
    task: &'a FileTask,
    metadata: Arc<ParquetMetaData>,
    schema: SchemaRef,
    mask: ProjectionMask,
    coded_rows: Arc<CodedRows>,
    expansion: Expansion,
    /// What was fetched of it, where it is an object.
    fetched: Option<Arc<Fetched>>,
}

impl FileTask {
    /// The same, where text that the file has as codes of a dictionary may stay so.
    pub fn keeping_codes(self) -> Self {
        FileTask { keeps_codes: true, ..self }
    }

    /// The same, where text is text.
    pub fn without_codes(self) -> Self {
        FileTask { keeps_codes: false, ..self }
    }

    /// Opens the file.
    ///
    /// # Errors
    /// It cannot be opened, its footer cannot be read any more, or there are fewer row groups in it.
    pub fn open(&self) -> Result<OpenFile<'_>, InputError> {
        self.open_with(&[])
    }

    /// Opens the file to read some columns beside those that the projection needs.
    ///
    /// # Errors
    /// As [`FileTask::open`].
    pub fn open_with(&self, more: &[String]) -> Result<OpenFile<'_>, InputError> {
        let local = if self.object.is_none() { Some(self.file()?) } else { None };
        let open = || -> Result<_, ParquetError> {
            let file: &dyn ReadAt = match (&local, &self.object) {
                (Some(file), _) => file,
                (None, Some(object)) => object.as_ref(),
                (None, None) => return Ok(None),
            };
            let metadata = read_metadata(file)?;
            let metadata = Arc::new(match &self.table {
                Some(table) => table.named(metadata)?,
                None => metadata,
            });
            if self.row_groups.iter().any(|number| *number >= metadata.num_row_groups()) {
                // Another file has come in its place.
                return Ok(None);
            }
            let mask = mask(&metadata, &[self.projection.columns(), more].concat());
            let schema = Arc::new(decoded_schema(&metadata)?);
            let coded_rows = match self.keeps_codes {
                true => CodedRows::new(file, &metadata, self.coded_columns(&schema))?,
                false => CodedRows::default(),
            };
            let expansion = Expansion::of(&metadata);
            let coded_rows = Arc::new(coded_rows);
            Ok(Some(OpenFile { task: self, metadata, schema, mask, coded_rows, expansion, fetched: None }))
        };
        self.decoded(open)?.ok_or_else(|| InputError::Changed { path: self.path.clone() })
    }

    /// The columns of text that may stay codes.
    fn coded_columns(&self, schema: &Schema) -> Vec<String> {
        let is_text =
            |name: &&String| schema.field_with_name(name).is_ok_and(|field| *field.data_type() == DataType::Utf8View);
        self.projection.coded_columns().iter().filter(is_text).cloned().collect()
    }

    fn file(&self) -> Result<File, InputError> {
        File::open(&self.path).map_err(|source| InputError::Open { path: self.path.clone(), source })
    }

    /// What a reader that panics over some damage makes of the file.
    fn decoded<T>(&self, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, InputError> {
        let damaged = |reason: String| InputError::Damaged { path: self.path.clone(), reason };
        match against_damage(read) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(damaged(what_is_wrong(&error))),
            Err(Panicked) => Err(damaged("the Parquet reader gave up".to_string())),
        }
    }
}

impl<'a> OpenFile<'a> {
    /// Where the columns that are read of a row group are.
    pub fn wanted(&self, number: usize) -> Vec<Range<u64>> {
        let row_group = self.metadata.row_group(number);
        let range = |leaf: usize| {
            let (start, length) = row_group.column(leaf).byte_range();
            start..start.saturating_add(length)
        };
        self.leaves().into_iter().map(range).collect()
    }

    /// Fetches what is read of a row group, where this is an object: the file with these bytes at hand. Of a file on the disk
    /// it is the same file.
    ///
    /// # Errors
    /// It cannot be read; it is another object now, or gone.
    pub fn fetch(&self, number: usize) -> Result<OpenFile<'a>, InputError> {
        let Some(object) = &self.task.object else { return Ok(self.clone()) };
        let fetched = object.fetch(self.wanted(number))?;
        Ok(OpenFile { fetched: Some(Arc::new(fetched)), ..self.clone() })
    }

    /// The same, as another task of the same file has it.
    ///
    /// # Errors
    /// As [`FileTask::open`].
    pub fn of_task<'t>(&self, task: &'t FileTask) -> Result<OpenFile<'t>, InputError> {
        Ok(OpenFile { fetched: self.fetched.clone(), ..task.open()? })
    }

    /// Keeps what was fetched, for whoever reads the same once more, while what is kept of all objects is at most so much.
    pub fn keep(&self, most: u64) {
        if let (Some(object), Some(fetched)) = (&self.task.object, &self.fetched) {
            object.keep(fetched, most);
        }
    }
}

impl OpenFile<'_> {
    /// The rows of one of its row groups in about equal pieces, one after the other, which threads read by themselves: as
    /// many as told, at most, and none so small that reading it by itself is not worth its while.
    pub fn pieces(&self, number: usize, most: usize) -> Vec<Piece> {
        let all = self.all_rows(number).rows.len();
        let count = (all / PIECE_ROWS).clamp(1, most.max(1));
        let all_pages = if count > 1 { self.rows_of_pages(number, &self.leaves()) } else { None };
        let count = if all_pages.is_some() { count } else { 1 };
        let pages = all_pages.or_else(|| self.pages_of_overflowing(number));
        let parts = self.coded_rows.parts(pages.as_ref(), &self.metadata, number);
        let of_row_group = |parts: Vec<Part>| Piece { row_group: number, parts };
        cut(&parts, count).into_iter().map(of_row_group).collect()
    }

    /// Where pages begin and end of the columns whose dictionaries overflow, if they tell; of all columns, where those tell
    /// it twice.
    fn pages_of_overflowing(&self, number: usize) -> Option<RowsOfPages> {
        let overflowing = self.coded_rows.overflowing(&self.metadata, number);
        if overflowing.is_empty() {
            return None;
        }
        match self.rows_of_pages(number, &overflowing)? {
            pages if pages.are_told_twice => self.rows_of_pages(number, &self.leaves()),
            pages => Some(pages),
        }
    }

    /// Where pages begin and end, if they tell. What cannot be read here is not read in pieces, and told when it is read.
    fn rows_of_pages(&self, number: usize, leaves: &[usize]) -> Option<RowsOfPages> {
        let file = self.pages_of_its_own().ok()?;
        self.task.decoded(|| rows_of_pages(file, self.metadata.row_group(number), leaves)).ok().flatten()
    }

    /// Those of all columns that are read.
    fn leaves(&self) -> Vec<usize> {
        let leaves = 0..self.metadata.file_metadata().schema_descr().num_columns();
        leaves.filter(|leaf| self.mask.leaf_included(*leaf)).collect()
    }

    /// The rows of a piece, batch by batch: text that they have as codes of a dictionary, and that may stay so, does as far
    /// as it goes.
    pub fn piece(&self, piece: Piece) -> Batches<'_> {
        Batches { file: self, row_group: piece.row_group, parts: piece.parts.into_iter(), filter: None, read: None }
    }

    /// The rows of a row group that a filter lets pass, with text as text: of others, only what it looks at is decoded.
    pub fn rows_where(&self, number: usize, filter: Option<RowFilter>) -> Batches<'_> {
        let parts = vec![self.all_rows(number)].into_iter();
        Batches { file: self, row_group: number, parts, filter, read: None }
    }

    fn all_rows(&self, number: usize) -> Part {
        Part { rows: 0..self.metadata.row_group(number).num_rows() as usize, coded: Vec::new() }
    }

    /// The rows of a row group, by their numbers from the first of the file.
    fn rows_in_file(&self, number: usize) -> Range<u64> {
        let rows = |group: &RowGroupMetaData| u64::try_from(group.num_rows()).unwrap_or(0);
        let first = self.metadata.row_groups()[..number].iter().map(rows).sum();
        first..first + rows(self.metadata.row_group(number))
    }

    /// A batch that begins at a row of a row group, without its deleted rows.
    fn not_deleted(&self, number: usize, first: usize, batch: RecordBatch) -> Result<RecordBatch, InputError> {
        let Some(deleted) = &self.task.deleted else { return Ok(batch) };
        let start = self.rows_in_file(number).start + first as u64;
        match deleted.kept(start..start + batch.num_rows() as u64) {
            Some(kept) => self.task.decoded(|| Ok(filter_record_batch(&batch, &kept)?)),
            None => Ok(batch),
        }
    }

    /// What one reader of a row group holds of its pages. What cannot be read here takes nothing, and is told when it is
    /// read.
    pub fn footprint(&self, number: usize) -> Footprint {
        let of = |file: PageFile| {
            self.task.decoded(|| Ok(Footprint::of(&file, self.metadata.row_group(number), &self.leaves())))
        };
        self.pages_of_its_own().and_then(of).unwrap_or_default()
    }

    /// The pages for one reader: whoever shares a file shares the place in it, too.
    fn pages_of_its_own(&self) -> Result<PageFile, InputError> {
        let pages = match (&self.fetched, &self.task.object) {
            (Some(fetched), Some(object)) => Pages::Fetched(Arc::clone(fetched), object.bytes),
            _ => Pages::File(Arc::new(self.task.file()?)),
        };
        Ok(PageFile::of(pages, self.expansion))
    }

    /// Reads a part of a row group.
    fn part(
        &self,
        number: usize,
        part: &Part,
        filter: Option<RowFilter>,
    ) -> Result<ParquetRecordBatchReader, InputError> {
        let file = self.pages_of_its_own()?;
        self.task.decoded(|| {
            let schema = self.schema_of(part);
            let rows = if self.are_numbers(&schema) { NUMBER_ROWS } else { BATCH_ROWS };
            let rows = rows.min(self.rows_of_batch(number));
            let mut builder = self
                .builder(file, schema)?
                .with_projection(self.mask.clone())
                .with_row_groups(vec![number])
                .with_batch_size(rows);
            if part.rows != self.all_rows(number).rows {
                builder = builder.with_offset(part.rows.start).with_limit(part.rows.len());
            }
            let Some(filter) = filter else { return builder.build() };
            // Once rows were filtered, nothing tells which they were.
            if let Some(rows) =
                self.task.deleted.as_ref().and_then(|deleted| deleted.selection(self.rows_in_file(number)))
            {
                builder = builder.with_row_selection(rows);
            }
            builder.with_row_filter(filter).build()
        })
    }

    /// Other rows came than a row group has: only so many.
    fn rows_missing(&self, number: usize, read: usize) -> InputError {
        let told = self.metadata.row_group(number).num_rows() as u64;
        InputError::RowsMissing { path: self.task.path.clone(), number, told, read: read as u64 }
    }

    /// What its footer says.
    pub fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }

    /// The smallest and the largest value of a whole column of a row group, where its statistics can be trusted.
    pub fn range(&self, number: usize, leaf: usize) -> Option<Bounds> {
        let descriptor = self.metadata.file_metadata().schema_descr().column(leaf);
        let field = self.schema.field_with_name(descriptor.path().parts().first()?).ok()?;
        Bounds::of(&self.metadata, number, leaf, field.data_type())
    }

    /// The columns named, with all that is in them.
    pub fn columns(&self, names: &[String]) -> ProjectionMask {
        mask(self.metadata(), names)
    }

    /// How many rows of a row group a batch may have, where its bytes are limited: by what its columns take in the file,
    /// not compressed.
    fn rows_of_batch(&self, number: usize) -> usize {
        /// Batches of fewer rows take longer to begin than to read.
        const LEAST: usize = 1 << 12;
        let Some(bytes) = self.task.batch_bytes else { return usize::MAX };
        let row_group = self.metadata.row_group(number);
        let columns = self.leaves().into_iter().map(|leaf| row_group.column(leaf).uncompressed_size().max(0) as usize);
        let row = columns.sum::<usize>() / (row_group.num_rows().max(1) as usize);
        (bytes / row.max(1)).max(LEAST)
    }

    /// The bloom filter of a column of a row group, where the file has one that can be read: any other says nothing.
    pub fn bloom_filter(&self, number: usize, leaf: usize) -> Option<Sbbf> {
        let column = self.metadata().row_group(number).column(leaf);
        let offset = u64::try_from(column.bloom_filter_offset()?).ok()?;
        let file = match &self.task.object {
            None => PageFile::new(self.task.file().ok()?, self.expansion),
            Some(object) => {
                // Without its length, it would take two requests to find out.
                let length = u64::try_from(column.bloom_filter_length()?).ok()?;
                let fetched = object.fetch(std::iter::once(offset..offset.saturating_add(length)).collect()).ok()?;
                PageFile::of(Pages::Fetched(Arc::new(fetched), object.bytes), self.expansion)
            }
        };
        let read = || self.builder(file, Arc::clone(&self.schema))?.get_row_group_column_bloom_filter(number, leaf);
        self.task.decoded(read).ok().flatten()
    }

    fn builder(
        &self,
        file: PageFile,
        schema: SchemaRef,
    ) -> Result<ParquetRecordBatchReaderBuilder<PageFile>, ParquetError> {
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

    /// The columns in the types in which a part of a row group is decoded.
    fn schema_of(&self, part: &Part) -> SchemaRef {
        if part.coded.is_empty() {
            return Arc::clone(&self.schema);
        }
        let fields = self.schema.fields().iter().map(|field| match part.coded.contains(field.name()) {
            true => Arc::new(field.as_ref().clone().with_data_type(text_as_codes())),
            false => Arc::clone(field),
        });
        Arc::new(Schema::new_with_metadata(fields.collect::<Fields>(), self.schema.metadata().clone()))
    }
}

/// The batches of some rows of a row group, without those that are deleted. That all of them come is checked, but for those that a filter has.
pub struct Batches<'a> {
    file: &'a OpenFile<'a>,
    row_group: usize,
    /// The parts that come after the one that is read.
    parts: std::vec::IntoIter<Part>,
    /// For the next of them.
    filter: Option<RowFilter>,
    read: Option<PartRead>,
}

/// A part of a row group that is being read.
struct PartRead {
    reader: ParquetRecordBatchReader,
    /// Its first row, and the one after its last.
    rows: Range<usize>,
    /// The row after the last that came.
    at: usize,
    is_filtered: bool,
}

impl PartRead {
    /// Whether more rows came than there are, or fewer.
    fn is_wrong(&self, is_done: bool) -> bool {
        !self.is_filtered && (self.at > self.rows.end || is_done && self.at < self.rows.end)
    }
}

impl Iterator for Batches<'_> {
    type Item = Result<RecordBatch, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(read) = &mut self.read {
                let decoded = self.file.task.decoded(|| Ok(read.reader.next().transpose()?.map(settle).transpose()?));
                let batch = match decoded {
                    Ok(batch) => batch,
                    Err(error) => return Some(Err(error)),
                };
                let first = read.at;
                read.at += batch.as_ref().map_or(0, RecordBatch::num_rows);
                if read.is_wrong(batch.is_none()) {
                    return Some(Err(self.file.rows_missing(self.row_group, read.at)));
                }
                if let Some(batch) = batch {
                    if read.is_filtered {
                        return Some(Ok(batch));
                    }
                    match self.file.not_deleted(self.row_group, first, batch) {
                        Ok(batch) if batch.num_rows() == 0 => continue,
                        other => return Some(other),
                    }
                }
            }
            let part = self.parts.next()?;
            let filter = self.filter.take();
            let is_filtered = filter.is_some();
            match self.file.part(self.row_group, &part, filter) {
                Ok(reader) => self.read = Some(PartRead { reader, at: part.rows.start, rows: part.rows, is_filtered }),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// What a reader says, without the names of the errors that it is wrapped in.
fn what_is_wrong(error: &ParquetError) -> String {
    const NAMES: [&str; 4] = ["External: ", "Parquet argument error: ", "Parquet error: ", "EOF: "];
    let text = error.to_string();
    let mut said = text.as_str();
    while let Some(rest) = NAMES.iter().find_map(|name| said.strip_prefix(name)) {
        said = rest;
    }
    said.to_string()
}

fn mask(metadata: &ParquetMetaData, columns: &[String]) -> ProjectionMask {
    let descriptor = metadata.file_metadata().schema_descr();
    let roots = descriptor.root_schema().get_fields().iter().enumerate();
    let needed = roots.filter(|(_, field)| columns.iter().any(|column| column == field.name()));
    ProjectionMask::roots(descriptor, needed.map(|(place, _)| place))
}
