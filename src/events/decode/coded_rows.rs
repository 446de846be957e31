//! Which rows of a row group have their text as codes of a dictionary: a writer gives up a dictionary that grows too
//! large, and goes on in text. Rows before that are codes still, which need not be told apart one by one.

use std::ops::Range;

use parquet::basic::{Encoding, EncodingMask, PageType};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageEncodingStats, ParquetMetaData, ParquetMetaDataOptions, ParquetStatisticsPolicy,
};

use super::page_file::RowsOfPages;
use crate::events::source::metadata::{footer_bytes, metadata_of};
use crate::storage::read_at::ReadAt;

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

impl Part {
    /// Those of its rows that are within others; `None` where there are none, unless it has none at all.
    fn within(&self, rows: &Range<usize>) -> Option<Self> {
        let within = self.rows.start.max(rows.start)..self.rows.end.min(rows.end);
        (!within.is_empty() || self.rows.is_empty()).then(|| Part { rows: within, coded: self.coded.clone() })
    }
}

/// Parts, which follow each other, as so many pieces of about as many rows each.
pub fn cut(parts: &[Part], count: usize) -> Vec<Vec<Part>> {
    let all = parts.last().map_or(0, |last| last.rows.end);
    let bounds = (0..count).map(|piece| all * piece / count..all * (piece + 1) / count);
    bounds.map(|rows| parts.iter().filter_map(|part| part.within(&rows)).collect()).collect()
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
    pub fn new(file: &dyn ReadAt, metadata: &ParquetMetaData, columns: Vec<String>) -> Result<Self, ParquetError> {
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
        let pages = metadata_of(file, &footer_bytes(file)?, Some(&options))?;
        Ok(CodedRows { columns, pages: Some(pages) })
    }

    /// The leaves whose pages [`CodedRows::parts`] goes by.
    pub fn overflowing(&self, metadata: &ParquetMetaData, row_group: usize) -> Vec<usize> {
        let overflows = |leaf: &usize| overflows(metadata.row_group(row_group).column(*leaf));
        self.columns.iter().map(|(_, leaf)| *leaf).filter(overflows).collect()
    }

    /// The parts of a row group in each of which a column is codes in all rows or in none that matter; in order, all
    /// rows together. `pages` has the rows of each page of each leaf; without them, columns that overflow are text.
    pub fn parts(&self, pages: Option<&RowsOfPages>, metadata: &ParquetMetaData, row_group: usize) -> Vec<Part> {
        let rows = metadata.row_group(row_group).num_rows() as usize;
        let end = |leaf: usize| match (is_coded(metadata.row_group(row_group).column(leaf)), &self.pages, pages) {
            (true, ..) => rows,
            (false, Some(counted), Some(pages)) => {
                let codes = pages_of_codes(counted.row_group(row_group).column(leaf));
                pages.of_leaves.get(&leaf).map_or(0, |rows| rows.iter().take(codes).sum())
            }
            (false, ..) => 0,
        };
        let coded: Vec<_> = self.columns.iter().map(|(name, leaf)| (name.as_str(), end(*leaf))).collect();
        parts(rows, &coded)
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

/// The pages before a column's dictionary overflows. Should a writer mix encodings in another order, the reader makes codes
/// of text where it expects codes: slower, and as true.
fn pages_of_codes(column: &ColumnChunkMetaData) -> usize {
    let is_data = |page_type| matches!(page_type, PageType::DATA_PAGE | PageType::DATA_PAGE_V2);
    let is_codes = |pages: &&PageEncodingStats| is_data(pages.page_type) && CODES.contains(&pages.encoding);
    let counted = column.page_encoding_stats().map(Vec::as_slice).unwrap_or_default();
    counted.iter().filter(is_codes).map(|pages| usize::try_from(pages.count).unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    use crate::events::decode::page_file::{rows_of_pages, Expansion, PageFile};
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaDataReader;
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

    #[test]
    fn a_part_is_cut_where_others_begin_and_end() {
        let codes = part(10..20, &["a"]);
        assert_eq!(codes.within(&(0..30)), Some(codes.clone()));
        assert_eq!(codes.within(&(12..15)), Some(part(12..15, &["a"])));
        assert_eq!(codes.within(&(15..30)), Some(part(15..20, &["a"])));
        assert_eq!((codes.within(&(0..10)), codes.within(&(20..30))), (None, None));
        assert_eq!(part(0..0, &[]).within(&(0..0)), Some(part(0..0, &[])));
    }

    #[test]
    fn pieces_have_all_rows_once() {
        let parts = [part(0..7, &["a", "b"]), part(7..10, &["b"]), part(10..12, &[])];
        assert_eq!(cut(&parts, 1), [parts.to_vec()]);
        assert_eq!(
            cut(&parts, 3),
            [
                vec![part(0..4, &["a", "b"])],
                vec![part(4..7, &["a", "b"]), part(7..8, &["b"])],
                vec![part(8..10, &["b"]), part(10..12, &[])],
            ]
        );
        for count in 1..15 {
            let pieces = cut(&parts, count);
            let rows: Vec<usize> = pieces.iter().flatten().flat_map(|part| part.rows.clone()).collect();
            assert_eq!((pieces.len(), rows), (count, (0..12).collect()));
        }
        assert_eq!(cut(&[part(0..0, &["a"])], 1), [[part(0..0, &["a"])]]);
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
                assert_eq!(coded.overflowing(&metadata, group), [1]);
                let pages = PageFile::new(file.try_clone().expect("a file"), Expansion::of(&metadata));
                let pages = rows_of_pages(pages, metadata.row_group(group), &[0, 1, 2]).expect("heads of pages");
                let parts = coded.parts(pages.as_ref(), &metadata, group);
                let [codes, text] = parts.as_slice() else { panic!("{parts:?}") };
                // A thousand or so of the distinct texts still fit the dictionary, and pages are of whole batches.
                assert!((few..few + 5_000).contains(&codes.rows.end), "{codes:?}");
                assert_eq!(*codes, part(0..codes.rows.end, &["text", "same"]));
                assert_eq!(*text, part(codes.rows.end..rows, &["same"]));
                assert_eq!(coded.parts(None, &metadata, group), [part(0..rows, &["same"])]);
            }
        }
    }

    #[test]
    fn a_file_whose_dictionaries_hold_has_its_footer_read_once() {
        let file = written(1_000, 1_000, WriterVersion::PARQUET_1_0);
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
        let coded = CodedRows::new(&file, &metadata, vec!["text".to_string()]).expect("a footer");
        assert!(coded.pages.is_none() && coded.overflowing(&metadata, 1).is_empty());
        assert_eq!(coded.parts(None, &metadata, 1), [part(0..1_000, &["text"])]);
    }
}
