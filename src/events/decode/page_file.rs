//! A file, or what was fetched of an object, as a Parquet reader goes through it: the head of a page, then the page; and what
//! heads tell.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::buf::{Buf, Reader};
use bytes::Bytes;
use parquet::basic::CompressionCodec;
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};

use crate::events::source::metadata::PageHead;
use crate::storage::fetched::Fetched;

/// Bytes of most heads of pages, at most; of longer ones, so many come at a time.
const HEAD_BYTES: usize = 1 << 8;

/// A file that one reader has for itself: of a head it takes a few hundred bytes instead of thousands, which mostly are
/// the page that is read next, and all it reads comes from the one handle.
#[derive(Clone, Debug)]
pub struct PageFile {
    pages: Pages,
    most: Expansion,
}

/// Where pages are.
#[derive(Clone, Debug)]
pub enum Pages {
    /// In a file.
    File(Arc<File>),
    /// In memory: what is needed of an object of so many bytes.
    Fetched(Arc<Fetched>, u64),
}

impl PageFile {
    /// Pages of this file, which become no larger than this.
    pub fn new(file: File, most: Expansion) -> Self {
        PageFile::of(Pages::File(Arc::new(file)), most)
    }

    /// Pages that are here, which become no larger than this.
    pub fn of(pages: Pages, most: Expansion) -> Self {
        PageFile { pages, most }
    }

    /// The head of the page at a byte; `None` where there is none that can be read.
    pub fn head(&self, at: u64) -> Option<PageHead> {
        /// Heads with the smallest and the largest text of their page are longer than others.
        const LONG_BYTES: u64 = 1 << 16;
        let read = |most: u64| {
            let mut file = match &self.pages {
                Pages::File(file) => file.as_ref(),
                Pages::Fetched(fetched, _) => return PageHead::of(&fetched.from(at)?),
            };
            file.seek(SeekFrom::Start(at)).ok()?;
            let mut head = Vec::new();
            file.take(most).read_to_end(&mut head).ok()?;
            PageHead::of(&head)
        };
        read(HEAD_BYTES as u64).or_else(|| read(LONG_BYTES))
    }
}

/// How much larger pages become when they are decompressed, at most: what a damaged head tells, memory is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes that any page may have.
    free: u64,
    /// Bytes for each compressed one.
    times: u64,
}

impl Expansion {
    /// Of a page that is not compressed.
    const NONE: Self = Expansion { free: 1 << 24, times: 1 };

    /// Of a file with this footer.
    pub fn of(metadata: &ParquetMetaData) -> Self {
        let columns = metadata.row_groups().iter().flat_map(|group| group.columns());
        columns.map(|column| Self::of_codec(column.compression_codec())).fold(Self::NONE, |most, next| Expansion {
            free: most.free.max(next.free),
            times: most.times.max(next.times),
        })
    }

    fn of_codec(codec: CompressionCodec) -> Self {
        let times = match codec {
            CompressionCodec::UNCOMPRESSED => return Self::NONE,
            // The longest copy, of 64 bytes, takes three.
            CompressionCodec::SNAPPY => 22,
            // A byte of a length stands for 255.
            CompressionCodec::LZ4 | CompressionCodec::LZ4_RAW => 256,
            // Of the longest matches, of 258 bytes, four are a byte.
            CompressionCodec::GZIP => 1_032,
            // These know no bound: a page of gigabytes that is next to nothing is nobody's.
            _ => return Expansion { free: 1 << 28, times: 10_000 },
        };
        Expansion { times, ..Self::NONE }
    }

    /// What cannot be about a page with this head.
    fn objection(self, head: PageHead) -> Option<String> {
        let PageHead { uncompressed, compressed, values, is_dictionary, .. } = head;
        let (all, packed) = (u64::try_from(uncompressed).unwrap_or(0), u64::try_from(compressed).unwrap_or(0));
        if all > self.free && all > packed.saturating_mul(self.times) {
            return Some(format!("a page of {compressed} bytes would be {uncompressed} bytes when decompressed"));
        }
        let values = values.filter(|values| is_dictionary && *values > uncompressed)?;
        Some(format!("a dictionary of {uncompressed} bytes would have {values} values"))
    }
}

impl Length for PageFile {
    fn len(&self) -> u64 {
        match &self.pages {
            Pages::File(file) => file.len(),
            Pages::Fetched(_, bytes) => *bytes,
        }
    }
}

/// Of an object, what was not asked for is not here: a footer tells of other bytes than its pages do.
fn not_fetched(start: u64) -> ParquetError {
    ParquetError::EOF(format!("nothing was fetched at byte {start}: the footer tells of other columns than there are"))
}

impl ChunkReader for PageFile {
    type T = HeadReader;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        let bytes = match &self.pages {
            Pages::File(file) => {
                let mut file = Arc::clone(file);
                file.seek(SeekFrom::Start(start))?;
                Heads::File(BufReader::with_capacity(HEAD_BYTES, file))
            }
            Pages::Fetched(fetched, _) => {
                Heads::Fetched(fetched.from(start).ok_or_else(|| not_fetched(start))?.reader())
            }
        };
        Ok(HeadReader { bytes, unchecked: Some(self.most) })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut file = match &self.pages {
            Pages::File(file) => file.as_ref(),
            Pages::Fetched(fetched, _) => return fetched.get(start, length).ok_or_else(|| not_fetched(start)),
        };
        let left = file.seek(SeekFrom::End(0))?.saturating_sub(start);
        file.seek(SeekFrom::Start(start))?;
        // A damaged head may tell of more than there is memory for.
        let mut page = Vec::with_capacity(length.min(usize::try_from(left).unwrap_or(length)));
        let read = file.take(length as u64).read_to_end(&mut page)?;
        if read < length {
            return Err(ParquetError::EOF(format!("of {length} bytes at byte {start}, the file has {read}")));
        }
        Ok(page.into())
    }
}

/// The head of a page, which is looked at before it is believed.
#[derive(Debug)]
pub struct HeadReader {
    bytes: Heads,
    unchecked: Option<Expansion>,
}

/// Where a head is read from.
#[derive(Debug)]
enum Heads {
    File(BufReader<Arc<File>>),
    Fetched(Reader<Bytes>),
}

impl Heads {
    fn buffer(&mut self) -> std::io::Result<&[u8]> {
        match self {
            Heads::File(bytes) => bytes.fill_buf(),
            Heads::Fetched(bytes) => bytes.fill_buf(),
        }
    }
}

impl Read for HeadReader {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if let Some(most) = self.unchecked.take() {
            // What is longer is read all the same: what matters is at its beginning.
            let head = PageHead::of(self.bytes.buffer()?);
            if let Some(objection) = head.and_then(|head| most.objection(head)) {
                return Err(std::io::Error::new(ErrorKind::InvalidData, objection));
            }
        }
        match &mut self.bytes {
            Heads::File(bytes) => bytes.read(into),
            Heads::Fetched(bytes) => bytes.read(into),
        }
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
    use parquet::file::metadata::ParquetMetaDataReader;
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
            let file = PageFile::new(file, Expansion::NONE);
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
            let file = PageFile::new(file.try_clone().expect("a file"), Expansion::NONE);
            assert_eq!(rows_of_pages(file, &other, &[0]).expect("heads"), None);
        }
    }

    #[test]
    fn heads_that_cannot_be_are_objected_to() {
        let head = |compressed, uncompressed| PageHead { compressed, uncompressed, ..PageHead::default() };
        let objects = |codec, compressed, uncompressed| {
            Expansion::of_codec(codec).objection(head(compressed, uncompressed)).is_some()
        };
        let most = i64::from(i32::MAX);
        for codec in
            [CompressionCodec::SNAPPY, CompressionCodec::LZ4_RAW, CompressionCodec::GZIP, CompressionCodec::ZSTD]
        {
            assert!(objects(codec, 100, most) && !objects(codec, most / 20, most) && !objects(codec, 1, 1 << 24));
        }
        assert!(
            objects(CompressionCodec::SNAPPY, 1 << 20, 1 << 25) && !objects(CompressionCodec::ZSTD, 1 << 20, 1 << 30)
        );
        assert!(!objects(CompressionCodec::ZSTD, 100, 1 << 28) && objects(CompressionCodec::ZSTD, 100, (1 << 28) + 1));
        let dictionary = |values| PageHead { values: Some(values), is_dictionary: true, ..head(10, 40) };
        let objection = |values| Expansion::NONE.objection(dictionary(values));
        assert_eq!((objection(40), objection(0), objection(-1)), (None, None, None));
        assert!(objection(41).is_some() && objection(most).is_some_and(|said| said.contains("dictionary of 40 bytes")));
    }

    #[test]
    fn a_page_beyond_the_end_of_the_file_is_told() {
        let (file, _) = written(WriterVersion::PARQUET_1_0);
        let end = file.metadata().expect("a file").len();
        let error =
            PageFile::new(file, Expansion::NONE).get_bytes(end - 3, 10).expect_err("there is not as much").to_string();
        assert!(error.contains("has 3"), "{error}");
    }
}
