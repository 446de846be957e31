//! Files that are no Parquet, not whole, or damaged inside.

use super::{differences, file, moved, run, start, traces, tree, write_ordinary, Sandbox};
use crate::support::{at, at_ms, read_run};
use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

const ROWS: i64 = 20_000;
/// Pages are shorter than what is damaged, so that a page's header is hit wherever that begins.
const PAGE: usize = 1 << 10;
const DAMAGED: usize = 4 << 10;

/// Some thousand events in many small pages, as `data/large.parquet` beside the ordinary ones.
fn write_large(sandbox: &Sandbox) {
    write_ordinary(sandbox);
    let mixed = |row: i64| (row * 7919) % 10_007;
    let users: StringArray = (0..ROWS).map(|row| Some(format!("user-{}", mixed(row)))).collect();
    let times: TimestampMicrosecondArray = (0..ROWS).map(|row| Some(at("10:00") + mixed(row) * 1_000_003)).collect();
    let types: StringArray = (0..ROWS).map(|row| Some(format!("type {}", mixed(row)))).collect();
    let ids: Int64Array = (0..ROWS).map(|row| Some(at_ms("10:00") + mixed(row))).collect();
    let rows = RecordBatch::try_from_iter([
        ("user_id", Arc::new(users) as _),
        ("event_time", Arc::new(times.with_timezone("UTC")) as _),
        ("event_type", Arc::new(types) as _),
        ("session_id", Arc::new(ids) as _),
    ]);
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(PAGE)
        .set_write_batch_size(64)
        .build();
    let rows = rows.unwrap();
    let path = sandbox.path().join("data/large.parquet");
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), rows.schema(), Some(properties)).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

/// Where the values of each column lie in a file.
fn column_ranges(path: &Path) -> Vec<(String, Range<usize>)> {
    let reader = SerializedFileReader::new(std::fs::File::open(path).unwrap()).unwrap();
    let columns = reader.metadata().row_group(0).columns().to_vec();
    let range = |column: &parquet::file::metadata::ColumnChunkMetaData| {
        let (start, length) = column.byte_range();
        let start = usize::try_from(start).unwrap();
        (column.column_path().string(), start..start + usize::try_from(length).unwrap())
    };
    columns.iter().map(range).collect()
}

/// Flips the bits of some bytes of a file, each in a way of its own.
fn flip(path: &Path, range: Range<usize>) {
    let mut bytes = std::fs::read(path).unwrap();
    for (place, byte) in bytes[range].iter_mut().enumerate() {
        *byte ^= ((place * 37 + 0x54) % 255 + 1) as u8;
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_that_is_not_parquet_is_named() {
    for content in [&b"user_id,event_time\nann,2026-01-05\n"[..], b"x", b"PAR", b"\0\0\0\0\0\0\0\0\0\0\0\0"] {
        let words = ["\"data/notes.parquet\" is not a Parquet file", "input.path"];
        run(&[]).when(file("data/notes.parquet", content)).fails(1, &words);
    }
    run(&[]).input("notes.txt").when(file("notes.txt", b"hello")).fails(1, &["\"notes.txt\" is not a Parquet file"]);
}

#[test]
fn a_file_of_no_bytes_is_named() {
    run(&[])
        .when(file("data/empty.parquet", b""))
        .fails(1, &["\"data/empty.parquet\" is empty (0 bytes)", "input.path"]);
}

#[test]
fn a_file_that_breaks_off_is_named_wherever_it_does() {
    for share in [1, 10, 50, 90, 99] {
        let cut = move |sandbox: &Sandbox| {
            let path = sandbox.path().join("data/large.parquet");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() * share / 100]).unwrap();
        };
        run(&[]).over(write_large).when(cut).fails(1, &["\"data/large.parquet\" is cut short", "input.path"]);
    }
    for size in [4, 8, 11] {
        let cut = move |sandbox: &Sandbox| {
            let path = sandbox.path().join("data/large.parquet");
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..size]).unwrap();
        };
        run(&[]).over(write_large).when(cut).fails(1, &["\"data/large.parquet\"", "input.path"]);
    }
}

#[test]
fn a_damaged_page_of_any_column_names_its_file() {
    for (place, name) in ["user_id", "event_time", "event_type", "session_id"].iter().enumerate() {
        let damage = move |sandbox: &Sandbox| {
            let path = sandbox.path().join("data/large.parquet");
            let (column, range) = column_ranges(&path).swap_remove(place);
            assert_eq!(column, *name);
            assert!(range.len() > 3 * DAMAGED, "{column} is too short to have a middle: {range:?}");
            let middle = range.start + range.len() / 2;
            flip(&path, middle..middle + DAMAGED);
        };
        let words = ["\"data/large.parquet\" cannot be read", "damaged", "input.path"];
        for said in run(&[]).over(write_large).when(damage).fails(1, &words) {
            assert!(!said.contains("events.parquet"), "the good file: {said}");
        }
    }
}

#[test]
fn a_file_that_vanished_between_two_runs_is_not_missed_by_name_alone() {
    run(&[])
        .input("data/events.parquet")
        .when(moved("data/events.parquet", "data/events-1.parquet"))
        .fails(2, &["\"data/events.parquet\" does not exist", "did you mean \"data/events-1.parquet\"?"]);
}

/// Damages a file at `pieces` places between two offsets, one run each. Whether damage can be noticed depends on
/// what it hits; but if it is, the file is named and nothing changes, and no run ends in any other way.
fn survives(pieces: usize, size: usize, region: impl Fn(&Path) -> Range<usize>) {
    let case = run(&[]).over(write_large);
    let sandbox = case.prepare(true);
    let path = sandbox.path().join("data/large.parquet");
    let good = std::fs::read(&path).unwrap();
    let rows = || read_run(&sandbox.out())["rows"].clone();
    let all_rows = rows();
    let region = region(&path);
    let mut troubles = Vec::new();
    for piece in 0..pieces {
        let at = region.start + piece * (region.len() - size) / pieces;
        flip(&path, at..at + size);
        let before = tree(sandbox.path());
        let ran = start(&sandbox, &case.arguments(), None);
        let ended = match ran.code {
            // A name or type in the footer may have become another one.
            Some(0) => traces(&ran).is_empty() && rows() == all_rows,
            Some(2) => traces(&ran).is_empty(),
            Some(1) => traces(&ran).is_empty() && ran.stderr.contains("data/large.parquet"),
            _ => false,
        };
        let changed = if ran.code == Some(0) { Vec::new() } else { differences(&before, &tree(sandbox.path())) };
        if !ended || !changed.is_empty() {
            let context = format!("{size} bytes at {at} of {}", good.len());
            troubles.push(format!("{context}: exit code {:?}, {changed:?}\n{}", ran.code, ran.stderr));
        }
        std::fs::write(&path, &good).unwrap();
    }
    assert!(troubles.is_empty(), "{}", troubles.join("\n"));
}

#[test]
fn damage_anywhere_in_the_values_never_breaks_a_run_otherwise() {
    let values = |path: &Path| {
        let ranges = column_ranges(path);
        ranges[0].1.start..ranges[ranges.len() - 1].1.end
    };
    survives(40, 1, values);
    survives(40, 200, values);
}

#[test]
fn damage_anywhere_in_a_page_header_never_breaks_a_run_otherwise() {
    const HEADER: usize = 40;
    for column in 0..4 {
        survives(HEADER, 1, |path| {
            let start = column_ranges(path)[column].1.start;
            start..start + HEADER + 1
        });
    }
}

#[test]
fn damage_anywhere_in_the_footer_never_breaks_a_run_otherwise() {
    let footer = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        let length = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap());
        bytes.len() - 8 - length as usize..bytes.len()
    };
    survives(150, 1, footer);
    survives(50, 4, footer);
}
