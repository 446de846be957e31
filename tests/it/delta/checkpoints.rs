//! Logs that begin with a checkpoint, of all forms that there are.

use super::log::{add, remove, Lake, Settings};
use crate::nightly::fixture::{day_file, folder, visits, TIMEOUT};
use crate::support::Sandbox;
use arrow::array::{
    Array, ArrayRef, Int32Array, Int64Array, MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{Field, Fields};
use parquet::arrow::ArrowWriter;
use serde_json::{json, Value};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

fn texts(lines: &[Value], at: &str) -> ArrayRef {
    Arc::new(lines.iter().map(|line| line.pointer(at).and_then(Value::as_str)).collect::<StringArray>())
}

fn numbers(lines: &[Value], at: &str) -> ArrayRef {
    Arc::new(lines.iter().map(|line| line.pointer(at).and_then(Value::as_i64)).collect::<Int64Array>())
}

fn maps(lines: &[Value], at: &str) -> ArrayRef {
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for line in lines {
        for (key, value) in line.pointer(at).and_then(Value::as_object).into_iter().flatten() {
            maps.keys().append_value(key);
            maps.values().append_option(value.as_str());
        }
        maps.append(line.pointer(at).is_some()).unwrap();
    }
    Arc::new(maps.finish())
}

/// One action of each line as a column.
fn action(lines: &[Value], name: &'static str, columns: Vec<(&str, ArrayRef)>) -> (&'static str, ArrayRef) {
    let fields: Fields = columns.iter().map(|(name, of)| Field::new(*name, of.data_type().clone(), true)).collect();
    let nulls = NullBuffer::from_iter(lines.iter().map(|line| line.get(name).is_some()));
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    (name, Arc::new(StructArray::new(fields, arrays, Some(nulls))))
}

/// Writes actions as the Parquet of a checkpoint.
fn write(path: &Path, lines: &[Value]) {
    let columns = [
        action(
            lines,
            "add",
            vec![
                ("path", texts(lines, "/add/path")),
                ("partitionValues", maps(lines, "/add/partitionValues")),
                ("size", numbers(lines, "/add/size")),
            ],
        ),
        action(
            lines,
            "metaData",
            vec![
                ("id", texts(lines, "/metaData/id")),
                ("schemaString", texts(lines, "/metaData/schemaString")),
                ("configuration", maps(lines, "/metaData/configuration")),
            ],
        ),
        action(
            lines,
            "protocol",
            vec![(
                "minReaderVersion",
                Arc::new(
                    lines
                        .iter()
                        .map(|line| {
                            line.pointer("/protocol/minReaderVersion").and_then(Value::as_i64).map(|v| v as i32)
                        })
                        .collect::<Int32Array>(),
                ) as ArrayRef,
            )],
        ),
        action(lines, "sidecar", vec![("path", texts(lines, "/sidecar/path"))]),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A table of three days whose log up to version 1 is gone, and a commit after that; `checkpoint` writes it.
fn with_checkpoint(checkpoint: impl Fn(&Lake<'_>, &[Value])) -> Sandbox {
    let sandbox = folder(TIMEOUT);
    let files: Vec<Value> = (1..=3).map(|day| Lake::file(&sandbox, &day_file(day), &visits(day))).collect();
    let settings = Settings::ordinary();
    let lake = Lake::new(&sandbox, &settings, &files[..1]);
    lake.commit(&files[1..]);
    checkpoint(&lake, &[settings.lines(), files].concat());
    lake.commit(&[remove(&day_file(1)), Lake::file(&sandbox, "new.parquet", &visits(4))]);
    sandbox.no_longer_plain(&day_file(1));
    for version in [0, 1] {
        std::fs::remove_file(lake.log(&format!("{version:020}.json"))).unwrap();
    }
    sandbox
}

const VERSION: &str = "00000000000000000001";

#[test]
fn a_checkpoint_of_one_file() {
    with_checkpoint(|lake, lines| write(&lake.log(&format!("{VERSION}.checkpoint.parquet")), lines))
        .is_as_plain_files(&[]);
}

#[test]
fn a_checkpoint_in_parts() {
    let part = |number: u32, of: u32| format!("{VERSION}.checkpoint.{number:010}.{of:010}.parquet");
    let sandbox = with_checkpoint(|lake, lines| {
        write(&lake.log(&part(1, 2)), &lines[..3]);
        write(&lake.log(&part(2, 2)), &lines[3..]);
        // One that is not whole is none.
        write(&lake.log(&part(1, 3)), &lines[..1]);
    });
    sandbox.is_as_plain_files(&[]);
    std::fs::remove_file(sandbox.path().join("data/_delta_log").join(part(2, 2))).unwrap();
    let ran = sandbox.ends(1, &["--overwrite"]);
    assert!(ran.stderr.contains("has no version 0") && ran.stderr.contains("version 2"), "{}", ran.stderr);
}

#[test]
fn a_checkpoint_with_sidecars() {
    let id = "80a083e8-7026-4e79-81be-64bd76c43a11";
    let of = |end: &str| format!("{VERSION}.checkpoint.{id}.{end}");
    for is_json in [true, false] {
        with_checkpoint(|lake, lines| {
            write(&lake.log("_sidecars/one.parquet"), &lines[2..4]);
            write(&lake.log("_sidecars/two.parquet"), &lines[4..]);
            let sidecar = |name: &str| json!({"sidecar": {"path": name, "sizeInBytes": 1, "modificationTime": 1}});
            let version = json!({"checkpointMetadata": {"version": 1}});
            let top = [&lines[..2], &[version, sidecar("one.parquet"), sidecar("two.parquet")]].concat();
            if is_json {
                let text: String = top.iter().map(|line| format!("{line}\n")).collect();
                std::fs::write(lake.log(&of("json")), text).unwrap();
            } else {
                write(&lake.log(&of("parquet")), &top);
            }
        })
        .is_as_plain_files(&[]);
    }
}

#[test]
fn a_checkpoint_that_is_damaged_is_named() {
    let name = format!("{VERSION}.checkpoint.parquet");
    let sandbox = with_checkpoint(|lake, _| std::fs::write(lake.log(&name), "PAR1").unwrap());
    let ran = sandbox.ends(1, &[]);
    assert!(ran.stderr.contains(&name), "{}", ran.stderr);
    let _ = add(&sandbox, "new.parquet", json!({}));
}
