//! Text whose dictionary a writer gives up within a row group: each column in another row.

use crate::reference::{self, Cell, Definition, Event, Value};
use crate::support::{
    at, job_toml, outcome_difference, read_outcome, read_parquet, table_hashes, write_batch, write_events, ColumnType,
    Layout, Sandbox, PROPERTY,
};
use arrow::compute::concat_batches;
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::file::metadata::ParquetMetaDataReader;
use parquet::file::properties::WriterProperties;
use std::path::Path;

const ROWS: usize = 100_000;

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

fn events() -> Vec<Event> {
    let start = at("2026-01-03 00:00");
    let event = |row: usize| Event {
        users: vec![text(row, 70_000, "u").map(Value::Text)],
        // A second each, and a silence every 5,000.
        time: Some(start + (row + row / 5_000 * 3_000) as i64 * 1_000_000),
        event: text(row, 78_000, "e"),
        session_id: text(row, 85_000, "s").map(Cell::Text),
        property: text(row, 92_000, "p").map(Value::Text),
        ..Event::default()
    };
    (0..ROWS).map(event).collect()
}

/// The last rows are in files of their own: with more row groups than threads, each is read by one of them.
const FILES: usize = 70;

/// The same rows with dictionaries of so many bytes, nearly all of them in one row group.
fn rewrite(from: &Path, to: &Path, dictionary_bytes: usize) {
    let (schema, batches) = read_parquet(from);
    let rows = concat_batches(&schema, &batches).unwrap();
    let first = ROWS - FILES;
    (first..ROWS).for_each(|row| write_batch(&to.with_file_name(format!("{row}.parquet")), 1, &rows.slice(row, 1)));
    let rows = rows.slice(0, first);
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(dictionary_bytes > 0)
        .set_dictionary_page_size_limit(dictionary_bytes)
        .set_data_page_row_count_limit(2_000)
        .build();
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(std::fs::File::create(to).unwrap(), schema, Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

/// Which columns have codes in some pages and text in others.
fn overflowing(file: &Path) -> Vec<String> {
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&std::fs::File::open(file).unwrap()).unwrap();
    let columns = metadata.row_group(0).columns().iter().filter(|column| {
        let pages = column.page_encoding_stats_mask().unwrap();
        pages.is_set(Encoding::RLE_DICTIONARY) && pages.is_set(Encoding::PLAIN)
    });
    columns.map(|column| column.column_path().string()).collect()
}

#[test]
fn rows_are_the_same_before_and_after_a_dictionary_overflows() {
    let layout = Layout { session_id: ColumnType::Text, ..Layout::default() };
    let sandbox = Sandbox::new();
    let events = events();
    let written = sandbox.path().join("written.parquet");
    write_events(&written, &Layout { rows_per_group: ROWS, ..layout.clone() }, &events);
    rewrite(&written, &sandbox.path().join("overflows/events.parquet"), 8 << 10);
    rewrite(&written, &sandbox.path().join("text/events.parquet"), 0);
    let mut texts = overflowing(&sandbox.path().join("overflows/events.parquet"));
    texts.retain(|name| !name.contains("time"));
    assert_eq!(texts, ["user_id", "event_type", "session_id", PROPERTY]);

    let timeout = || Definition { timeout: Some(30 * 60 * 1_000_000), ..Definition::default() };
    let by_property = Definition { property: Some(PROPERTY.to_owned()), ..timeout() };
    let from_event = Definition { start_event: vec!["e7".to_owned()], ..timeout() };
    for (number, definition) in [Definition::default(), timeout(), by_property, from_event].iter().enumerate() {
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
