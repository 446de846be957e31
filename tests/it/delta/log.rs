//! Fixtures: a table in `data` whose log is written by hand, and the same rows as plain files in `plain`.

use crate::reference::Event;
use crate::support::{read_run, table_hashes, write_batch, Layout, Sandbox};
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use serde_json::{json, Value};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a table is beside its files.
#[derive(Clone, Debug)]
pub struct Settings {
    pub schema: Value,
    pub partitioned_by: Vec<&'static str>,
    pub configuration: Value,
    pub protocol: Value,
}

impl Settings {
    /// The columns of events, and nothing special.
    pub fn ordinary() -> Settings {
        let schema = schema_of(&Layout::default().batch(&[]));
        let protocol = json!({"minReaderVersion": 1, "minWriterVersion": 2});
        Settings { schema, partitioned_by: Vec::new(), configuration: json!({}), protocol }
    }

    /// The same with one more column, which the table is partitioned by.
    pub fn by(mut self, column: &'static str, of_type: &str) -> Settings {
        let field = json!({"name": column, "type": of_type, "nullable": true, "metadata": {}});
        self.schema["fields"].as_array_mut().unwrap().push(field);
        self.partitioned_by.push(column);
        self
    }

    /// The same for readers that know these features.
    pub fn with_features(mut self, features: &[&str]) -> Settings {
        self.protocol = json!({
            "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features,
        });
        self
    }

    pub fn lines(&self) -> Vec<Value> {
        let schema = self.schema.to_string();
        let metadata = json!({
            "id": "t", "format": {"provider": "parquet", "options": {}}, "schemaString": schema,
            "partitionColumns": self.partitioned_by, "configuration": self.configuration,
        });
        vec![json!({"protocol": self.protocol}), json!({"metaData": metadata})]
    }
}

/// The schema of a table whose files have these columns.
pub fn schema_of(batch: &RecordBatch) -> Value {
    let field = |field: &arrow::datatypes::FieldRef| {
        let of_type = match field.data_type() {
            DataType::Utf8 => "string",
            DataType::Int64 => "long",
            DataType::Timestamp(..) => "timestamp",
            other => panic!("{other}"),
        };
        json!({"name": field.name(), "type": of_type, "nullable": true, "metadata": {}})
    };
    json!({"type": "struct", "fields": batch.schema().fields().iter().map(field).collect::<Vec<_>>()})
}

/// A table that grows commit by commit.
pub struct Lake<'s> {
    sandbox: &'s Sandbox,
    next: Cell<u64>,
}

impl Lake<'_> {
    /// A table with its first version, which has these files.
    pub fn new<'s>(sandbox: &'s Sandbox, settings: &Settings, files: &[Value]) -> Lake<'s> {
        let lake = Lake { sandbox, next: Cell::new(0) };
        lake.commit(&[settings.lines(), files.to_vec()].concat());
        lake
    }

    pub fn log(&self, name: &str) -> PathBuf {
        self.sandbox.path().join("data/_delta_log").join(name)
    }

    pub fn commit(&self, lines: &[Value]) {
        let version = self.next.replace(self.next.get() + 1);
        let path = self.log(&format!("{version:020}.json"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    }

    /// Writes a file of the table, in plain files, too; the action that adds it to the table.
    pub fn file(sandbox: &Sandbox, name: &str, events: &[Event]) -> Value {
        sandbox.events(name, &Layout::default(), events);
        write_batch(&sandbox.path().join("plain").join(name), 1000, &Layout::default().batch(events));
        add(sandbox, name, json!({}))
    }
}

/// The action that adds a file that lies in `data`.
pub fn add(sandbox: &Sandbox, name: &str, values: Value) -> Value {
    let bytes = std::fs::metadata(sandbox.path().join("data").join(name)).unwrap().len();
    json!({"add": {
        "path": name, "partitionValues": values, "size": bytes, "modificationTime": 1, "dataChange": true,
    }})
}

pub fn remove(name: &str) -> Value {
    json!({"remove": {"path": name, "deletionTimestamp": 1, "dataChange": true}})
}

impl Sandbox {
    /// The tables of a run over the plain files, by the hashes of their files.
    pub fn hashes_of_plain(&self, more: &[&str]) -> BTreeMap<String, (usize, u64)> {
        let out = self.path().join("of_plain");
        let _ = std::fs::remove_dir_all(&out);
        self.ends(0, &[&["--input", "plain", "--output", "of_plain"], more].concat());
        table_hashes(&out)
    }

    /// Runs over the table: it must come to what comes of the plain files, in tables and in counts of rows.
    pub fn is_as_plain_files(&self, more: &[&str]) {
        let _ = std::fs::remove_dir_all(self.out());
        self.ends(0, more);
        assert_eq!(table_hashes(&self.out()), self.hashes_of_plain(more));
        let told = |out: PathBuf| ["rows", "filtered", "rejected", "in_session"].map(|key| read_run(&out)[key].clone());
        assert_eq!(told(self.out()), told(self.path().join("of_plain")));
    }

    pub fn no_longer_plain(&self, name: &str) {
        std::fs::remove_file(self.path().join("plain").join(name)).unwrap();
    }
}
