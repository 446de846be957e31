//! Text whose dictionary a writer gives up within a row group: each column in another row.

use crate::reference::{self, Cell, Definition, Event, Value};
use crate::support::{
    at, job_toml, outcome_difference, read_outcome, read_parquet, table_hashes, write_batch, write_events, ColumnType,
    Layout, Sandbox, PROPERTY,
};
use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::{WriterProperties, WriterVersion};
use std::path::Path;

const ROWS: usize = 100_000;
/// Rows of a row group that is read in pieces.
const ROWS_OF_PIECES: usize = 400_000;

/// A text that is one of fifty up to a row and one of many after that, and now and then nothing.
fn text(row: usize, few_until: usize, name: &str) -> Option<String> {
    match row % 997 {
        0 => None,
        1 => Some(String::new()),
        _ if row < few_until => Some(format!("{name}{}", row % 50)),
        // Some of those from before come again.
        _ if row.is_multiple_of(3) => Some(format!("{name}{}", row % 50)),
        _ => Some(format!("{name} with a longer name {}", row / 4)),
    }
}

/// So many events, whose texts become many after 70, 78, 85 and 92 hundredths of them.
fn events(rows: usize) -> Vec<Event> {
    let start = at("2026-01-03 00:00");
    let after = |hundredths: usize| rows / 100 * hundredths;
    let event = |row: usize| Event {
        users: vec![text(row, after(70), "u").map(Value::Text)],
        // A second each, and a silence every 5,000.
        time: Some(start + (row + row / 5_000 * 3_000) as i64 * 1_000_000),
        event: text(row, after(78), "e"),
        session_id: text(row, after(85), "s").map(Cell::Text),
        property: text(row, after(92), "p").map(Value::Text),
        ..Event::default()
    };
    (0..rows).map(event).collect()
}

/// The last rows are in files of their own: with more row groups than threads, each is read by one of them.
const FILES: usize = 70;

/// The same rows with dictionaries of so many bytes, nearly all of them in one row group.
fn rewrite(from: &Path, to: &Path, dictionary_bytes: usize) {
    let (schema, batches) = read_parquet(from);
    let rows = concat_batches(&schema, &batches).unwrap();
    let first = ROWS - FILES;
    (first..ROWS).for_each(|row| write_batch(&to.with_file_name(format!("{row}.parquet")), 1, &rows.slice(row, 1)));
    write_group(to, &rows.slice(0, first), dictionary_bytes, WriterVersion::PARQUET_1_0);
}

/// Rows in one row group, with dictionaries of so many bytes.
fn write_group(to: &Path, rows: &RecordBatch, dictionary_bytes: usize, version: WriterVersion) {
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_dictionary_enabled(dictionary_bytes > 0)
        .set_dictionary_page_size_limit(dictionary_bytes)
        .set_data_page_row_count_limit(2_000)
        .build();
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(to).unwrap(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// Which columns of text have codes in some pages and text in others.
fn overflowing(file: &Path) -> Vec<String> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&std::fs::File::open(file).unwrap()).unwrap();
    let columns = metadata.row_group(0).columns().iter().filter(|column| {
        let pages = column.page_encoding_stats_mask().unwrap();
        pages.is_set(Encoding::RLE_DICTIONARY) && pages.is_set(Encoding::PLAIN)
    });
    columns.map(|column| column.column_path().string()).filter(|name| !name.contains("time")).collect()
}

fn definitions() -> [Definition; 4] {
    let timeout = || Definition { timeout: Some(30 * 60 * 1_000_000), ..Definition::default() };
    let by_property = Definition { property: Some(PROPERTY.to_owned()), ..timeout() };
    let from_event = Definition { start_event: vec!["e7".to_owned()], ..timeout() };
    [Definition::default(), timeout(), by_property, from_event]
}

#[test]
fn rows_are_the_same_before_and_after_a_dictionary_overflows() {
    let layout = Layout { session_id: ColumnType::Text, ..Layout::default() };
    let sandbox = Sandbox::new();
    let events = events(ROWS);
    let written = sandbox.path().join("written.parquet");
    write_events(&written, &Layout { rows_per_group: ROWS, ..layout.clone() }, &events);
    rewrite(&written, &sandbox.path().join("overflows/events.parquet"), 8 << 10);
    rewrite(&written, &sandbox.path().join("text/events.parquet"), 0);
    let texts = overflowing(&sandbox.path().join("overflows/events.parquet"));
    assert_eq!(texts, ["user_id", "event_type", "session_id", PROPERTY]);

    for (number, definition) in definitions().iter().enumerate() {
        let expected = reference::run(&layout.read_back(&events), definition);
        sandbox.job(&job_toml(definition, &layout, &[]));
        let mut tables = Vec::new();
        // So many threads that the whole row group is laid out together; one, so that each batch is by itself.
        for (input, threads) in [("text", "2"), ("overflows", "64"), ("overflows", "1")] {
            let output = format!("{input}-{number}-{threads}");
            let ran = sandbox.dwell(&[
                "run",
                "job.toml",
                "--quiet",
                "--input",
                input,
                "--output",
                &output,
                "--threads",
                threads,
            ]);
            ran.expect_code(0);
            let out = sandbox.path().join(&output);
            assert_eq!(outcome_difference(&expected, &read_outcome(&out, definition)), None, "{output} {definition:?}");
            tables.push(table_hashes(&out));
        }
        assert!(tables.iter().all(|hashes| *hashes == tables[0]), "{definition:?}");
    }
}

#[test]
fn a_row_group_in_pieces_has_the_same_rows() {
    let layout = Layout { session_id: ColumnType::Text, ..Layout::default() };
    let sandbox = Sandbox::new();
    let events = events(ROWS_OF_PIECES);
    let written = sandbox.path().join("many/events.parquet");
    std::fs::create_dir_all(written.parent().unwrap()).unwrap();
    // So few rows each that none is read in pieces.
    write_events(&written, &Layout { rows_per_group: 10_000, ..layout.clone() }, &events);
    let (schema, batches) = read_parquet(&written);
    let rows = concat_batches(&schema, &batches).unwrap();
    let forms = [
        ("overflows", 64 << 10, WriterVersion::PARQUET_1_0),
        ("second", 64 << 10, WriterVersion::PARQUET_2_0),
        ("text", 0, WriterVersion::PARQUET_1_0),
    ];
    forms.iter().for_each(|(name, dictionary, version)| {
        write_group(&sandbox.path().join(name).join("events.parquet"), &rows, *dictionary, *version);
    });
    let texts = overflowing(&sandbox.path().join("overflows/events.parquet"));
    assert_eq!(texts, ["user_id", "event_type", "session_id", PROPERTY]);

    for (number, definition) in definitions().iter().enumerate() {
        sandbox.job(&job_toml(definition, &layout, &[]));
        let tables = |input: &str, threads: &str| {
            let output = format!("{input}-{number}-{threads}");
            let args = ["--quiet", "--input", input, "--output", &output, "--threads", threads];
            sandbox.dwell(&[["run", "job.toml"].as_slice(), &args].concat()).expect_code(0);
            sandbox.path().join(&output)
        };
        let whole = tables("many", "1");
        let expected = reference::run(&layout.read_back(&events), definition);
        assert_eq!(outcome_difference(&expected, &read_outcome(&whole, definition)), None, "{definition:?}");
        for (input, ..) in forms {
            for threads in ["2", "5"] {
                let pieces = tables(input, threads);
                assert_eq!(table_hashes(&pieces), table_hashes(&whole), "{input} {threads} {definition:?}");
            }
        }
    }
}
