//! Rewrites a Parquet file with what its writer can choose chosen at random, by a number: files for the differential test.
//!
//! ```text
//! rewrite SEED ROWS_PER_GROUP FROM TO
//! ```

use std::error::Error;
use std::fs::File;

use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{BrotliLevel, Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, seed, rows, from, to] = arguments.as_slice() else {
        return Err("usage: rewrite SEED ROWS_PER_GROUP FROM TO".into());
    };
    let mut choice = Choice(seed.parse()?);
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(from)?)?.with_batch_size(1000);
    let schema = reader.schema().clone();
    let mut properties = file_properties(&mut choice, rows.parse()?)?;
    for field in schema.fields() {
        let column = ColumnPath::from(field.name().as_str());
        let has_dictionary = choice.of(&[true, true, false]);
        properties = properties.set_column_dictionary_enabled(column.clone(), has_dictionary);
        if let (false, Some(encoding)) = (has_dictionary, encoding(&mut choice, field.data_type())) {
            properties = properties.set_column_encoding(column.clone(), encoding);
        }
        let statistics = choice.of(&[
            EnabledStatistics::None,
            EnabledStatistics::Chunk,
            EnabledStatistics::Chunk,
            EnabledStatistics::Page,
        ]);
        properties = properties.set_column_statistics_enabled(column.clone(), statistics);
        properties = properties.set_column_bloom_filter_enabled(column, choice.of(&[true, false, false]));
    }
    let mut writer = ArrowWriter::try_new(File::create(to)?, schema, Some(properties.build()))?;
    for batch in reader.build()? {
        writer.write(&batch?)?;
    }
    writer.close()?;
    Ok(())
}

fn file_properties(
    choice: &mut Choice,
    rows: usize,
) -> Result<parquet::file::properties::WriterPropertiesBuilder, Box<dyn Error>> {
    let compression = choice.of(&[
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::GZIP(GzipLevel::default()),
        Compression::BROTLI(BrotliLevel::default()),
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
    ]);
    let version = choice.of(&[WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0]);
    println!("{compression:?} {version:?}");
    Ok(WriterProperties::builder()
        .set_compression(compression)
        .set_writer_version(version)
        .set_max_row_group_row_count(Some(rows))
        .set_write_batch_size(choice.of(&[1024, 16, 100]))
        .set_data_page_row_count_limit(choice.of(&[20_000, 33, 500]))
        .set_data_page_size_limit(choice.of(&[1 << 20, 100, 5_000]))
        .set_dictionary_page_size_limit(choice.of(&[1 << 20, 64, 2_000]))
        .set_statistics_truncate_length(choice.of(&[None, Some(1), Some(8), Some(64)]))
        .set_offset_index_disabled(choice.of(&[true, false]))
        .set_coerce_types(choice.of(&[true, false])))
}

fn encoding(choice: &mut Choice, of: &DataType) -> Option<Encoding> {
    match of {
        DataType::Utf8 | DataType::LargeUtf8 => {
            Some(choice.of(&[Encoding::PLAIN, Encoding::DELTA_BYTE_ARRAY, Encoding::DELTA_LENGTH_BYTE_ARRAY]))
        }
        DataType::Int32 | DataType::Int64 | DataType::Timestamp(..) | DataType::Date32 => {
            Some(choice.of(&[Encoding::PLAIN, Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT]))
        }
        DataType::Float32 | DataType::Float64 => Some(choice.of(&[Encoding::PLAIN, Encoding::BYTE_STREAM_SPLIT])),
        DataType::Boolean => Some(choice.of(&[Encoding::PLAIN, Encoding::RLE])),
        _ => None,
    }
}

/// Numbers that follow from the first one.
struct Choice(u64);

impl Choice {
    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        values[(self.0 >> 33) as usize % values.len()]
    }
}
