//! A file as a Parquet reader goes through it: the head of a page, then the page; and what heads tell.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};

/// Bytes of most heads of pages, at most; of longer ones, so many come at a time.
const HEAD_BYTES: usize = 1 << 8;

/// A file that one reader has for itself: of a head it takes a few hundred bytes instead of thousands, which mostly are
/// the page that is read next, and all it reads comes from the one handle.
#[derive(Clone, Debug)]
pub struct PageFile(Arc<File>);

impl PageFile {
    /// Pages of this file.
    pub fn new(file: File) -> Self {
        PageFile(Arc::new(file))
    }
}

impl Length for PageFile {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl ChunkReader for PageFile {
    type T = BufReader<Arc<File>>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let mut file = Arc::clone(&self.0);
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::with_capacity(HEAD_BYTES, file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut file = self.0.as_ref();
        file.seek(SeekFrom::Start(start))?;
        let mut page = Vec::with_capacity(length);
        let read = file.take(length as u64).read_to_end(&mut page)?;
        if read < length {
            return Err(ParquetError::EOF(format!("of {length} bytes at byte {start}, the file has {read}")));
        }
        Ok(page.into())
    }
}

/// What the heads of pages tell of their rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowsOfPages {
    /// The rows of each page, of each leaf that was asked for.
    pub of_leaves: BTreeMap<usize, Vec<usize>>,
    /// Whether some tell them twice, as pages of the second version do.
    pub are_told_twice: bool,
}

/// The rows of each page of some leaves of a row group, as the heads of the pages tell; `None` where those of one are not
/// all rows of the row group, where a leaf is in a list, or where a page tells them twice, and not the same. Whoever skips
/// pages goes by their rows, whoever reads them by their values: where a writer has them differ, columns would come apart.
///
/// # Errors
/// The head of a page cannot be read.
pub fn rows_of_pages(
    file: PageFile,
    row_group: &RowGroupMetaData,
    leaves: &[usize],
) -> Result<Option<RowsOfPages>, ParquetError> {
    let (file, all) = (Arc::new(file), row_group.num_rows() as usize);
    let mut told = RowsOfPages::default();
    for leaf in leaves {
        let column = row_group.column(*leaf);
        if column.column_descr().max_rep_level() > 0 {
            // A value is a row outside of lists only.
            return Ok(None);
        }
        let mut pages = SerializedPageReader::new(Arc::clone(&file), column, all, None)?;
        let mut rows = Vec::new();
        while let Some(page) = pages.peek_next_page()? {
            if !page.is_dict {
                let values = page.num_levels.unwrap_or(0);
                if page.num_rows.is_some_and(|rows| rows != values) {
                    return Ok(None);
                }
                told.are_told_twice |= page.num_rows.is_some();
                rows.push(values);
            }
            pages.skip_next_page()?;
        }
        if rows.iter().sum::<usize>() != all {
            return Ok(None);
        }
        told.of_leaves.insert(*leaf, rows);
    }
    Ok(Some(told))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, ListArray};
    use arrow::datatypes::Int64Type;
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
    use parquet::file::properties::{WriterProperties, WriterVersion};

    const ROWS: usize = 5_000;

    fn written(version: WriterVersion) -> (File, ParquetMetaData) {
        let numbers = Int64Array::from_iter((0..ROWS as i64).map(|row| Some(row).filter(|row| row % 7 > 0)));
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>((0..ROWS).map(|_| Some([Some(1), None])));
        let columns: [(&str, ArrayRef); 2] = [("number", Arc::new(numbers)), ("list", Arc::new(list))];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let properties =
            WriterProperties::builder().set_writer_version(version).set_data_page_row_count_limit(1_000).build();
        let mut file = tempfile::tempfile().expect("a folder for temporary files");
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("room on disk");
        writer.close().expect("room on disk");
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
        (file, metadata)
    }

    #[test]
    fn heads_of_pages_tell_their_rows_outside_of_lists() {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let (file, metadata) = written(version);
            let file = PageFile::new(file);
            let of = |leaves: &[usize]| rows_of_pages(file.clone(), metadata.row_group(0), leaves).expect("heads");
            let told = of(&[0]).expect("told");
            assert!(told.of_leaves[&0].len() > 3 && told.of_leaves[&0].iter().sum::<usize>() == ROWS);
            assert_eq!(told.are_told_twice, version == WriterVersion::PARQUET_2_0);
            assert_eq!((of(&[]).expect("told"), of(&[1]), of(&[0, 1])), (RowsOfPages::default(), None, None));
        }
    }

    #[test]
    fn pages_of_other_rows_than_those_of_the_row_group_tell_nothing() {
        let (file, metadata) = written(WriterVersion::PARQUET_1_0);
        for rows in [ROWS as i64 - 1, ROWS as i64 + 1] {
            let other = metadata.row_group(0).clone().into_builder().set_num_rows(rows).build().expect("a row group");
            let file = PageFile::new(file.try_clone().expect("a file"));
            assert_eq!(rows_of_pages(file, &other, &[0]).expect("heads"), None);
        }
    }

    #[test]
    fn a_page_beyond_the_end_of_the_file_is_told() {
        let (file, _) = written(WriterVersion::PARQUET_1_0);
        let end = file.metadata().expect("a file").len();
        let error = PageFile::new(file).get_bytes(end - 3, 10).expect_err("there is not as much").to_string();
        assert!(error.contains("has 3"), "{error}");
    }
}
