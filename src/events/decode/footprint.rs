//! What it takes to read a row group, beside its batches: a reader holds a page of each column, and its dictionary as long
//! as there are rows. Most writers end pages and dictionaries at a megabyte; some put a column of a row group in one page.

use parquet::basic::Type;
use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};

use super::page_file::PageFile;
use crate::events::source::metadata::PageHead;

/// Columns of fewer bytes than this are not looked at: their pages are few and small.
const LEAST_BYTES: i64 = 1 << 22;

/// Bytes that one reader of some columns of a row group holds of their pages, about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// With text as text.
    pub plain: u64,
    /// With text as codes, where the file has it as codes: what is made of a dictionary is made by each reader.
    pub coded: u64,
}

/// The largest pages of a column.
#[derive(Clone, Copy, Debug, Default)]
struct Largest {
    /// Its dictionary, and how many values that has.
    dictionary: u64,
    values: u64,
    /// A page of values: as it is in the file, and decompressed.
    page: u64,
}

impl Footprint {
    /// Of the columns at these places among the leaves of a row group, as far as the heads of their pages tell.
    pub fn of(file: &PageFile, row_group: &RowGroupMetaData, leaves: &[usize]) -> Self {
        let columns = leaves.iter().map(|leaf| row_group.column(*leaf));
        let large = columns.filter(|column| column.uncompressed_size() >= LEAST_BYTES);
        let of_column = |column| Footprint::of_largest(largest(file, column), column.column_type());
        large.map(of_column).fold(Footprint::default(), |all, one| Footprint {
            plain: all.plain + one.plain,
            coded: all.coded + one.coded,
        })
    }

    fn of_largest(Largest { dictionary, values, page }: Largest, of_type: Type) -> Self {
        /// What is at hand of each text of a dictionary.
        const VIEW: u64 = 16;
        if of_type != Type::BYTE_ARRAY {
            return Footprint { plain: page + dictionary, coded: page + dictionary };
        }
        /// A dictionary as codes is there as it was decoded, as text with offsets, as the users or values of the kernel,
        /// and in part in the table that tells them apart.
        const COPIES: u64 = 4;
        Footprint { plain: page + dictionary + values * VIEW, coded: page + dictionary * COPIES }
    }
}

/// Goes through the heads of a column's pages, as far as they can be read.
fn largest(file: &PageFile, column: &ColumnChunkMetaData) -> Largest {
    let size = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
    let mut largest = Largest::default();
    let (start, length) = column.byte_range();
    let mut at = start;
    while at < start + length {
        let Some(PageHead { head_bytes, uncompressed, compressed, values, is_dictionary }) = file.head(at) else {
            break;
        };
        match is_dictionary {
            true => (largest.dictionary, largest.values) = (size(uncompressed), size(values.unwrap_or(0))),
            // What is not compressed is there once.
            false if compressed == uncompressed => largest.page = largest.page.max(size(uncompressed)),
            false => largest.page = largest.page.max(size(uncompressed) + size(compressed)),
        }
        at += head_bytes + size(compressed);
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::decode::page_file::Expansion;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use arrow::record_batch::RecordBatch;
    use parquet::arrow::ArrowWriter;
    use parquet::file::metadata::ParquetMetaDataReader;
    use parquet::file::properties::WriterProperties;
    use std::sync::Arc;

    #[test]
    fn large_dictionaries_and_pages_are_told_by_heads() {
        const ROWS: usize = 600_000;
        let numbers = Int64Array::from_iter_values((0..ROWS as i64).map(|row| row * 7_919));
        let texts = StringArray::from_iter_values((0..ROWS).map(|row| format!("user-{:07}", row / 2)));
        let same = StringArray::from_iter_values((0..ROWS).map(|_| "same"));
        let columns: [(&str, ArrayRef); 3] =
            [("number", Arc::new(numbers)), ("text", Arc::new(texts)), ("same", Arc::new(same))];
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        let properties = WriterProperties::builder()
            .set_dictionary_page_size_limit(1 << 30)
            .set_column_dictionary_enabled("number".into(), false)
            .set_data_page_size_limit(1 << 30)
            .set_data_page_row_count_limit(ROWS)
            .set_write_batch_size(ROWS)
            .build();
        let mut file = tempfile::tempfile().expect("a folder for temporary files");
        let mut writer = ArrowWriter::try_new(&mut file, batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("room on disk");
        writer.close().expect("room on disk");
        let metadata = ParquetMetaDataReader::new().parse_and_finish(&file).expect("a footer");
        let file = PageFile::new(file, Expansion::of(&metadata));
        let of = |leaves: &[usize]| Footprint::of(&file, metadata.row_group(0), leaves);
        // 300,000 texts of twelve bytes, with their lengths; codes of them take three bytes a row at most.
        let (dictionary, page) = (300_000 * 16, 600_000 * 3);
        let text = of(&[1]);
        assert!((dictionary * 2..dictionary * 2 + page).contains(&text.plain), "{text:?}");
        assert!((dictionary * 4..dictionary * 4 + page).contains(&text.coded), "{text:?}");
        let number = of(&[0]);
        assert!(number.plain >= 8 * ROWS as u64 && number.plain == number.coded, "{number:?}");
        assert_eq!(of(&[2]), Footprint::default());
        assert_eq!(of(&[0, 1, 2]).plain, text.plain + number.plain);
    }
}
