//! Column mapping: files have columns under other names than the table, or by numbers.

use super::log::{add, schema_of, Lake, Settings};
use crate::nightly::fixture::{day_file, folder, visits, TIMEOUT};
use crate::support::{write_batch, Layout, Sandbox};
use arrow::array::{ArrayRef, RecordBatch, StringArray, StructArray};
use arrow::datatypes::{DataType, Field, Fields, Schema};
use serde_json::{json, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// A day's events with a struct of a plan and of a colour.
fn batch(day: u32, names: [&str; 3]) -> RecordBatch {
    let events = Layout::default().batch(&visits(day));
    let rows = events.num_rows();
    let texts = |text: &'static str| -> ArrayRef { Arc::new(StringArray::from_iter_values((0..rows).map(|_| text))) };
    let plan = if day.is_multiple_of(2) { "pro" } else { "free" };
    let fields: Fields = names[1..].iter().map(|name| Field::new(*name, DataType::Utf8, true)).collect();
    let properties = StructArray::new(fields.clone(), vec![texts(plan), texts("red")], None);
    let mut columns = events.schema().fields().to_vec();
    columns.push(Arc::new(Field::new(names[0], DataType::Struct(fields), true)));
    let arrays = events.columns().iter().cloned().chain([Arc::new(properties) as ArrayRef]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(columns)), arrays).unwrap()
}

const PROPERTIES: [&str; 3] = ["properties", "plan", "colour"];

/// The number and the name in files of a column of the table.
fn in_files(place: usize, by_id: bool, name: &str) -> String {
    // By ids, what files say of names is of no account: here they are those of other columns.
    if by_id {
        format!("n{}", (place + 3) % 11)
    } else {
        format!("col-{place}-{name}")
    }
}

/// The same batch as files have it.
fn mapped(batch: &RecordBatch, by_id: bool) -> RecordBatch {
    let renamed = |place: usize, field: &Field| {
        let id = HashMap::from([("PARQUET:field_id".to_string(), (place + 1).to_string())]);
        let field = field.clone().with_name(in_files(place, by_id, field.name()));
        if by_id {
            field.with_metadata(id)
        } else {
            field
        }
    };
    let schema = batch.schema();
    let fields = schema.fields().iter().enumerate().map(|(place, field)| match field.data_type() {
        DataType::Struct(inner) => {
            let inner = inner.iter().enumerate().map(|(at, field)| renamed(100 + at, field)).collect::<Fields>();
            renamed(place, field).with_data_type(DataType::Struct(inner))
        }
        _ => renamed(place, field),
    });
    let fields: Vec<Field> = fields.collect();
    let arrays = batch.columns().iter().zip(&fields).map(|(array, field)| {
        match (field.data_type(), array.as_any().downcast_ref::<StructArray>()) {
            (DataType::Struct(inner), Some(of)) => {
                Arc::new(StructArray::new(inner.clone(), of.columns().to_vec(), None)) as ArrayRef
            }
            _ => Arc::clone(array),
        }
    });
    let arrays = arrays.collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap()
}

fn settings(by_id: bool) -> Settings {
    let mut settings = Settings::ordinary().with_features(&["columnMapping"]);
    settings.schema = schema_of(&Layout::default().batch(&[]));
    settings.configuration = json!({"delta.columnMapping.mode": if by_id { "id" } else { "name" }});
    let told = |place: usize, name: &str| json!({"delta.columnMapping.id": place + 1, "delta.columnMapping.physicalName": in_files(place, by_id, name)});
    let fields = settings.schema["fields"].as_array_mut().unwrap();
    for (place, field) in fields.iter_mut().enumerate() {
        let name = field["name"].as_str().unwrap().to_string();
        field["metadata"] = told(place, &name);
    }
    let inner = |at: usize| json!({"name": PROPERTIES[at + 1], "type": "string", "nullable": true, "metadata": told(100 + at, PROPERTIES[at + 1])});
    let last = fields.len();
    fields.push(json!({
        "name": PROPERTIES[0], "nullable": true, "metadata": told(last, PROPERTIES[0]),
        "type": {"type": "struct", "fields": [inner(0), inner(1)]},
    }));
    settings
}

fn table(settings: &Settings, by_id: bool) -> Sandbox {
    let sandbox = folder(TIMEOUT);
    let files: Vec<Value> = (1..=4)
        .map(|day| {
            let batch = batch(day, PROPERTIES);
            write_batch(&sandbox.path().join("plain").join(day_file(day)), 1000, &batch);
            write_batch(&sandbox.path().join("data").join(day_file(day)), 1000, &mapped(&batch, by_id));
            add(&sandbox, &day_file(day), json!({}))
        })
        .collect();
    Lake::new(&sandbox, settings, &files);
    let job = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    sandbox.job(&(job + "\n[[segment]]\nname = 'pro'\nwhere = \"properties.plan = 'pro'\"\n"));
    sandbox
}

#[test]
fn columns_have_the_names_of_the_table() {
    for by_id in [false, true] {
        let sandbox = table(&settings(by_id), by_id);
        sandbox.is_as_plain_files(&[]);
        sandbox.is_as_plain_files(&["--where", "properties.plan = 'pro' AND user_id <> 'bob'"]);
        let inspect = |input: &str| sandbox.dwell(&["inspect", "job.toml", "--input", input, "--user", "ann"]).stdout;
        assert_eq!(inspect("data"), inspect("plain"));
        assert!(inspect("data").contains("ann"));
    }
}

#[test]
fn columns_that_are_renamed_or_dropped_are_so_in_all_files() {
    let before = settings(false);
    let sandbox = table(&before, false);
    sandbox.night(&[]);
    let mut after = before.clone();
    let fields = after.schema["fields"].as_array_mut().unwrap();
    fields.retain(|field| field["name"] != "keep");
    let renamed = fields.iter_mut().find(|field| field["name"] == "event_type").unwrap();
    renamed["name"] = json!("keep");
    let commit: String = after.lines()[1..].iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(sandbox.path().join("data/_delta_log/00000000000000000001.json"), commit).unwrap();
    // What the run before read under this name is another column now.
    let ran = sandbox.ends(2, &["--overwrite", "--where", "event_type = 'view'"]);
    assert!(ran.stderr.contains("event_type"), "{}", ran.stderr);
    let job = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    sandbox.job(&job.replace("[input]", "[input]\nevent = 'keep'"));
    sandbox.ends(0, &["--overwrite", "--where", "keep = 'view'"]);
    assert_eq!(crate::support::read_run(&sandbox.out())["filtered"], 0);
}

#[test]
fn files_without_ids_are_not_read_by_ids() {
    let sandbox = table(&settings(true), false);
    let ran = sandbox.ends(1, &[]);
    assert!(
        ran.stderr.contains("2026-01-01.parquet") && ran.stderr.contains("delta.columnMapping.mode = id"),
        "{}",
        ran.stderr
    );
}
