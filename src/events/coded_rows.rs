//! Which rows of a row group have their text as codes of a dictionary: a writer gives up a dictionary that grows too
//! large, and goes on in text. Rows before that are codes still, which need not be told apart one by one.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{Encoding, EncodingMask, PageType};
use parquet::column::page::PageReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageEncodingStats, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader,
    ParquetStatisticsPolicy,
};
use parquet::file::reader::SerializedPageReader;

/// How pages of codes are encoded.
const CODES: [Encoding; 2] = [Encoding::RLE_DICTIONARY, Encoding::PLAIN_DICTIONARY];
/// Rows for which a reader of their own is worth its while, at least.
const LEAST_ROWS: usize = 1 << 16;

/// Consecutive rows of a row group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which.
    pub rows: Range<usize>,
    /// The columns of text that are codes of one dictionary in all of them.
    pub coded: Vec<String>,
}

/// Columns of text that may stay codes, and what footers tell of their pages.
#[derive(Debug, Default)]
pub struct CodedRows {
    /// Each with its place among the leaves.
    columns: Vec<(String, usize)>,
    /// The footer with the number of pages of each encoding; `None` where no column changes its encoding.
    pages: Option<ParquetMetaData>,
}

impl CodedRows {
    /// Of these columns of a file with this footer.
    ///
    /// # Errors
    /// The footer cannot be read any more.
    pub fn new(file: &File, metadata: &ParquetMetaData, columns: Vec<String>) -> Result<Self, ParquetError> {
        let leaves = metadata.file_metadata().schema_descr().columns();
        let leaf = |name: &String| leaves.iter().position(|leaf| leaf.path().parts() == std::slice::from_ref(name));
        let columns: Vec<_> = columns.into_iter().filter_map(|name| leaf(&name).map(|leaf| (name, leaf))).collect();
        let overflows = |leaf: usize| metadata.row_groups().iter().any(|group| overflows(group.column(leaf)));
        let overflowing: Vec<usize> = columns.iter().map(|(_, leaf)| *leaf).filter(|leaf| overflows(*leaf)).collect();
        if overflowing.is_empty() {
            return Ok(CodedRows { columns, pages: None });
        }
        // Most files can do without: footers of many columns take long to read in full.
        let options = ParquetMetaDataOptions::new()
            .with_encoding_stats_as_mask(false)
            .with_encoding_stats_policy(ParquetStatisticsPolicy::skip_except(&overflowing))
            .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
            .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let pages = ParquetMetaDataReader::new().with_metadata_options(Some(options)).parse_and_finish(file)?;
        Ok(CodedRows { columns, pages: Some(pages) })
    }

    /// Whether [`CodedRows::parts`] looks at pages: it needs the file then.
    pub fn looks_at_pages(&self) -> bool {
        self.pages.is_some()
    }

    /// The parts of a row group in each of which a column is codes in all rows or in none that matter; in order, all
    /// rows together. Without the file, columns that overflow are text.
    ///
    /// # Errors
    /// The head of a page cannot be read.
    pub fn parts(
        &self,
        file: Option<File>,
        metadata: &ParquetMetaData,
        row_group: usize,
    ) -> Result<Vec<Part>, ParquetError> {
        let pages = self.pages.as_ref().zip(file.map(Arc::new));
        let rows = metadata.row_group(row_group).num_rows() as usize;
        let mut coded = Vec::with_capacity(self.columns.len());
        for (name, leaf) in &self.columns {
            let column = metadata.row_group(row_group).column(*leaf);
            let end = match (is_coded(column), &pages) {
                (true, _) => rows,
                (false, Some((pages, file))) => rows_of_codes(file, pages.row_group(row_group).column(*leaf), rows)?,
                (false, None) => 0,
            };
            coded.push((name.as_str(), end));
        }
        Ok(parts(rows, &coded))
    }
}

/// Rows as parts, of columns each of which is codes up to some row.
fn parts(rows: usize, coded: &[(&str, usize)]) -> Vec<Part> {
    let mut ends: Vec<usize> = coded.iter().map(|(_, end)| *end).filter(|end| *end >= LEAST_ROWS).collect();
    ends.push(rows);
    ends.sort_unstable();
    ends.dedup();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let of_rows = |rows: Range<usize>| {
        let in_all = coded.iter().filter(|(_, end)| *end >= rows.end);
        Part { coded: in_all.map(|(name, _)| name.to_string()).collect(), rows }
    };
    starts.zip(&ends).map(|(start, end)| of_rows(start..*end)).collect()
}

/// Whether a column is in codes of a dictionary from its first page to its last, as far as its footer tells.
fn is_coded(column: &ColumnChunkMetaData) -> bool {
    let only = |pages: &EncodingMask| CODES.iter().any(|codes| pages.is_only(*codes));
    let only_codes = column.page_encoding_stats_mask().is_none_or(only);
    // Who does not list the encodings of pages hardly ever changes them within a column.
    column.dictionary_page_offset().is_some() && only_codes
}

/// Whether some of its pages are codes, and others are not.
fn overflows(column: &ColumnChunkMetaData) -> bool {
    let some = |pages: &EncodingMask| CODES.iter().any(|codes| pages.is_set(*codes));
    column.dictionary_page_offset().is_some()
        && column.page_encoding_stats_mask().is_some_and(some)
        && !is_coded(column)
}

/// The rows before a column's dictionary overflows; none where its pages do not have as many as the row group. Should a
/// writer mix encodings in another order, the reader makes codes of text where it expects codes: slower, and as true.
fn rows_of_codes(file: &Arc<File>, column: &ColumnChunkMetaData, all: usize) -> Result<usize, ParquetError> {
    let is_codes =
        |pages: &&PageEncodingStats| pages.page_type == PageType::DATA_PAGE && CODES.contains(&pages.encoding);
    let counted = column.page_encoding_stats().map(Vec::as_slice).unwrap_or_default();
    let mut left: i64 = counted.iter().filter(is_codes).map(|pages| i64::from(pages.count)).sum();
    let mut pages = SerializedPageReader::new(Arc::clone(file), column, all, None)?;
    let (mut of_codes, mut rows) = (0, 0);
    while let Some(page) = pages.peek_next_page()? {
        if page.num_rows.is_some() {
            // Pages of the second version tell rows beside values. Who skips pages goes by the one, who reads them by the
            // other: where a writer has them differ, columns would come apart.
            return Ok(0);
        }
        if !page.is_dict {
            // Outside of lists a value is a row.
            rows += page.num_levels.unwrap_or(0);
            if left > 0 {
                of_codes = rows;
            }
            left -= 1;
        }
        pages.skip_next_page()?;
    }
    Ok(if rows == all { of_codes } else { 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::file::properties::{WriterProperties, WriterVersion};

    fn part(rows: Range<usize>, coded: &[&str]) -> Part {
        Part { rows, coded: coded.iter().map(|name| name.to_string()).collect() }
    }

    #[test]
    fn rows_are_parted_where_a_column_stops_being_codes() {
        let (some, more, all) = (LEAST_ROWS, LEAST_ROWS * 2, LEAST_ROWS * 3);
        assert_eq!(parts(all, &[]), [part(0..all, &[])]);
        assert_eq!(parts(all, &[("a", all)]), [part(0..all, &["a"])]);
        assert_eq!(parts(all, &[("a", 0), ("b", LEAST_ROWS - 1)]), [part(0..all, &[])]);
        assert_eq!(
            parts(all, &[("a", more), ("b", some), ("c", all), ("d", some)]),
            [part(0..some, &["a", "b", "c", "d"]), part(some..more, &["a", "c"]), part(more..all, &["c"])]
        );
        assert_eq!(parts(10, &[("a", 10)]), [part(0..10, &["a"])]);
        assert_eq!(parts(0, &[("a", 0)]), [part(0..0, &["a"])]);
    }

    /// A file of two row groups, whose texts are few for `few` rows of each and all distinct after that.
    fn written(rows: usize, few: usize, version: WriterVersion) -> File {
        let text = |row: usize| if row < few { format!("{}", row % 100) } else { format!("text {row}") };
        let texts = StringArray::from_iter_values((0..rows).map(text));
        let columns: [(&str, ArrayRef); 3] = [
            ("number", Arc::new(Int64Array::from_iter_values(0..rows as i64))),
            ("text", Arc::new(texts)),
            ("same", Arc::new(StringArray::from_iter_values((0..rows).map(|_| "same")))),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let properties = WriterProperties::builder()
            .set_writer_version(version)
            .set_dictionary_page_size_limit(1 << 14)
            .set_data_page_row_count_limit(1_000)
            .set_max_row_group_row_count(Some(rows))
            .build();
        let mut file = tempfile::tempfile().expect("a folder for temporary files");
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).expect("a writer");
        (0..2).for_each(|_| writer.write(&batch).expect("room on disk"));
        writer.close().expect("room on disk");
        file
    }

    #[test]
    fn pages_tell_which_rows_are_codes() {
        let (rows, few) = (LEAST_ROWS + 30_000, LEAST_ROWS + 5_000);
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let file = written(rows, few, version);
            let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
            let names = ["text", "same", "nowhere"].map(str::to_string).to_vec();
            let coded = CodedRows::new(&file, &metadata, names).expect("a footer");
            for group in 0..2 {
                let file = file.try_clone().expect("a file");
                let parts = coded.parts(Some(file), &metadata, group).expect("heads of pages");
                if version == WriterVersion::PARQUET_2_0 {
                    assert_eq!(parts, [part(0..rows, &["same"])]);
                    continue;
                }
                let [codes, text] = parts.as_slice() else { panic!("{parts:?}") };
                // A thousand or so of the distinct texts still fit the dictionary, and pages are of whole batches.
                assert!((few..few + 5_000).contains(&codes.rows.end), "{codes:?}");
                assert_eq!(*codes, part(0..codes.rows.end, &["text", "same"]));
                assert_eq!(*text, part(codes.rows.end..rows, &["same"]));
            }
        }
    }

    #[test]
    fn pages_of_more_rows_than_the_row_group_has_are_not_parted() {
        let (rows, few) = (LEAST_ROWS + 30_000, LEAST_ROWS + 5_000);
        let file = Arc::new(written(rows, few, WriterVersion::PARQUET_1_0));
        let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
        let footer = ParquetMetaDataReader::new().with_metadata_options(Some(options)).parse_and_finish(&*file);
        let footer = footer.expect("a footer");
        let rows_of_codes = |all| rows_of_codes(&file, footer.row_group(0).column(1), all).expect("heads of pages");
        assert!(rows_of_codes(rows) > few);
        assert_eq!((rows_of_codes(rows - 1), rows_of_codes(rows + 1)), (0, 0));
    }

    #[test]
    fn a_file_whose_dictionaries_hold_has_its_footer_read_once() {
        let file = written(1_000, 1_000, WriterVersion::PARQUET_1_0);
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
        let coded = CodedRows::new(&file, &metadata, vec!["text".to_string()]).expect("a footer");
        assert!(!coded.looks_at_pages());
        assert_eq!(coded.parts(None, &metadata, 1).expect("no page is read"), [part(0..1_000, &["text"])]);
    }
}
