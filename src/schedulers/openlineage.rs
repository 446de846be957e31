//! OpenLineage: events that say which datasets a run reads and writes, to a file or over HTTP, by the variables that its
//! clients know: `OPENLINEAGE_DISABLED`, `OPENLINEAGE_CONFIG`, `OPENLINEAGE__TRANSPORT__…`, `OPENLINEAGE_URL` with
//! `OPENLINEAGE_ENDPOINT` and `OPENLINEAGE_API_KEY`, `OPENLINEAGE_NAMESPACE`, and `OPENLINEAGE_PARENT_ID` for the run that
//! started this one.

pub mod config;
pub mod transport;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;

use arrow::datatypes::Schema;
use serde_json::{json, Map, Value};

use super::run::{count, is_nothing_new, sizes, Ended};
use super::Environment;
use crate::job::Job;
use crate::storage::location::is_url;
use crate::tables::folder::absolute;
use config::Config;
use transport::Transport;

/// The namespace of jobs where none is named.
const DEFAULT_NAMESPACE: &str = "default";
/// The namespace of local files.
const FILES: &str = "file";
const PRODUCER: &str = concat!("urn:dwell:", env!("CARGO_PKG_VERSION"));
const SPEC: &str = "https://openlineage.io/spec";

/// The way to who collects lineage.
#[derive(Debug)]
pub struct Lineage {
    transport: Transport,
    namespace: String,
    parent: Option<Parent>,
    run_id: String,
}

/// The run that started this one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Parent {
    namespace: String,
    name: String,
    run_id: String,
}

impl Lineage {
    /// The way that the environment names, if it names one; what it cannot mean is warned of.
    pub fn of(environment: &Environment) -> Option<Self> {
        let config = match Config::of(environment) {
            Ok(config) => config?,
            Err(reason) => {
                tracing::warn!("no lineage is sent: {reason}");
                return None;
            }
        };
        Some(Lineage {
            transport: Transport::new(config),
            namespace: environment.get("OPENLINEAGE_NAMESPACE").unwrap_or(DEFAULT_NAMESPACE).to_string(),
            parent: environment.get("OPENLINEAGE_PARENT_ID").and_then(Parent::of),
            run_id: new_run_id(),
        })
    }

    /// Says that a run begins.
    pub fn start(&mut self, job: &Job) {
        self.send("START", &jiff::Timestamp::now(), job, None);
    }

    /// Says that it ended.
    pub fn end(&self, job: &Job, ended: &Ended<'_>) {
        let event = if ended.record.is_some() { "COMPLETE" } else { "FAIL" };
        self.send(event, &ended.at, job, Some(ended));
    }

    fn send(&self, event: &str, at: &jiff::Timestamp, job: &Job, ended: Option<&Ended<'_>>) {
        let event = self.event(event, at, job, ended);
        if let Err(reason) = self.transport.send(&event) {
            tracing::warn!("lineage is not sent: {reason}");
        }
    }

    fn event(&self, event: &str, at: &jiff::Timestamp, job: &Job, ended: Option<&Ended<'_>>) -> Value {
        let output = path_text(job.output.place.name());
        json!({
            "eventType": event,
            "eventTime": at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            "run": { "runId": self.run_id, "facets": self.run_facets(ended) },
            "job": {
                "namespace": self.namespace,
                "name": format!("dwell.{}", output.rsplit("://").next().unwrap_or_default().trim_start_matches('/').replace('/', ".")),
                "facets": { "jobType": facet("2-0-4/JobTypeJobFacet", json!({
                    "processingType": "BATCH", "integration": "DWELL", "jobType": "JOB",
                })) },
            },
            "inputs": inputs(job, ended),
            "outputs": outputs(&output, ended),
            "producer": PRODUCER,
            "schemaURL": format!("{SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"),
        })
    }

    fn run_facets(&self, ended: Option<&Ended<'_>>) -> Map<String, Value> {
        let engine = json!({ "name": "dwell", "version": env!("CARGO_PKG_VERSION") });
        let mut facets =
            Map::from_iter([("processing_engine".to_string(), facet("1-1-1/ProcessingEngineRunFacet", engine))]);
        if let Some(parent) = &self.parent {
            let parent = json!({
                "run": { "runId": parent.run_id },
                "job": { "namespace": parent.namespace, "name": parent.name },
            });
            facets.insert("parent".to_string(), facet("1-2-0/ParentRunFacet", parent));
        }
        if let Some(message) = ended.and_then(|ended| ended.error) {
            let error = json!({ "message": message, "programmingLanguage": "Rust" });
            facets.insert("errorMessage".to_string(), facet("1-0-1/ErrorMessageRunFacet", error));
        }
        facets
    }
}

/// The input's paths, as they are named; the counts are those of all of them together, and stand at the first one.
fn inputs(job: &Job, ended: Option<&Ended<'_>>) -> Vec<Value> {
    let record = ended.and_then(|ended| ended.record).filter(|record| !is_nothing_new(record));
    let input = |(place, path): (usize, &String)| {
        let mut dataset = dataset(&path_text(Path::new(path)), json!({}));
        if let Some(record) = record.filter(|_| place == 0) {
            let inputs = &record["inputs"];
            let counts = json!({
                "rowCount": count(record, "rows"), "size": count(inputs, "bytes"), "fileCount": count(inputs, "files"),
            });
            dataset["inputFacets"] =
                json!({ "inputStatistics": facet("1-0-0/InputStatisticsInputDatasetFacet", counts) });
        }
        dataset
    };
    job.input.paths.iter().enumerate().map(input).collect()
}

/// The tables of the folder: those that the run wrote with what it wrote, the others as they are.
fn outputs(output: &str, ended: Option<&Ended<'_>>) -> Vec<Value> {
    let Some(ended) = ended else {
        // Before a run, there may be no table yet.
        return vec![dataset(&format!("{output}/sessions"), json!({}))];
    };
    let written = ended.record.map(sizes).unwrap_or_default();
    let known = ended.tables.schemas.iter().map(|(table, _)| table.as_str());
    let mut names: Vec<&str> = written.iter().map(|(table, ..)| *table).collect();
    names.extend(known.filter(|known| !written.iter().any(|(table, ..)| table == known)));
    let one = |table: &str| {
        // A segment's table has the columns of that of all events.
        let schema = ended.tables.schema(table.rsplit('/').next().unwrap_or(table));
        let facets: Map<String, Value> =
            schema.map(|schema| ("schema".to_string(), schema_facet(schema))).into_iter().collect();
        let mut dataset = dataset(&format!("{output}/{table}"), facets.into());
        if let Some((_, rows, bytes)) = written.iter().find(|(name, ..)| *name == table) {
            let counts = json!({ "rowCount": rows, "size": bytes });
            dataset["outputFacets"] =
                json!({ "outputStatistics": facet("1-0-2/OutputStatisticsOutputDatasetFacet", counts) });
        }
        dataset
    };
    names.into_iter().map(one).collect()
}

fn schema_facet(schema: &Schema) -> Value {
    let field =
        |field: &arrow::datatypes::FieldRef| json!({ "name": field.name(), "type": field.data_type().to_string() });
    let fields: Vec<Value> = schema.fields().iter().map(field).collect();
    facet("1-2-0/SchemaDatasetFacet", json!({ "fields": fields }))
}

/// A facet by its version and name, with who says it.
fn facet(name: &str, mut content: Value) -> Value {
    let plain = name.split('/').next_back().unwrap_or(name);
    content["_producer"] = PRODUCER.into();
    content["_schemaURL"] = format!("{SPEC}/facets/{name}.json#/$defs/{plain}").into();
    content
}

/// A path as it is known everywhere on this machine; a URL is known everywhere.
fn path_text(path: &Path) -> String {
    match path.to_str().filter(|path| is_url(path)) {
        Some(url) => url.to_string(),
        None => absolute(path).to_string_lossy().into_owned(),
    }
}

/// A dataset, by OpenLineage's rules for names: of an object, the bucket is the namespace.
fn dataset(path: &str, facets: Value) -> Value {
    let in_store = path.split_once("://").and_then(|(scheme, rest)| {
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        is_url(path).then(|| (format!("{scheme}://{bucket}"), key))
    });
    let (namespace, name) = in_store.unwrap_or_else(|| (FILES.to_string(), path));
    json!({ "namespace": namespace, "name": name, "facets": facets })
}

impl Parent {
    /// Of `namespace/name/run id`; a namespace may have slashes, too.
    fn of(text: &str) -> Option<Self> {
        let (rest, run_id) = text.rsplit_once('/')?;
        let (namespace, name) = rest.rsplit_once('/')?;
        Some(Parent { namespace: namespace.to_string(), name: name.to_string(), run_id: run_id.to_string() })
    }
}

/// A new UUID of version 7: the time, and numbers that no other run has.
fn new_run_id() -> String {
    let millis = jiff::Timestamp::now().as_millisecond().unsigned_abs();
    let random = || {
        // The standard library's hashers have keys that the system made at random.
        let mut hasher = RandomState::new().build_hasher();
        hasher.write_u32(std::process::id());
        hasher.finish()
    };
    let (a, b) = (random(), random());
    format!(
        "{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}",
        (millis >> 16) & 0xffff_ffff,
        millis & 0xffff,
        a & 0xfff,
        0x8000 | ((a >> 12) & 0x3fff),
        b & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datasets_in_a_store_are_in_their_bucket() {
        let named = |path: &str| {
            let dataset = dataset(&path_text(Path::new(path)), json!({}));
            (dataset["namespace"].as_str().map(str::to_string), dataset["name"].as_str().map(str::to_string))
        };
        let told = |namespace: &str, name: &str| (Some(namespace.to_string()), Some(name.to_string()));
        assert_eq!(named("s3://b/a/x.parquet"), told("s3://b", "a/x.parquet"));
        assert_eq!(named("gs://b"), told("gs://b", ""));
        assert_eq!(named("/data/events"), told("file", "/data/events"));
    }

    #[test]
    fn run_ids_are_uuids_and_parents_have_three_parts() {
        let (a, b) = (new_run_id(), new_run_id());
        assert_ne!(a, b);
        let lengths: Vec<usize> = a.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert!(a.as_bytes()[14] == b'7' && matches!(a.as_bytes()[19], b'8' | b'9' | b'a' | b'b'), "{a}");
        let parent =
            Parent::of("food://delivery/orders/0190").map(|parent| (parent.namespace, parent.name, parent.run_id));
        assert_eq!(parent, Some(("food://delivery".to_string(), "orders".to_string(), "0190".to_string())));
        assert_eq!(Parent::of("orders"), None);
    }
}
