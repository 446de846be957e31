//! Dagster Pipes: messages to the orchestrator that started this process.
//!
//! `DAGSTER_PIPES_CONTEXT` and `DAGSTER_PIPES_MESSAGES` are each JSON, compressed by zlib, in base64. The first says what
//! the step is about, the second where messages go: a file, a line of JSON each, or one of the standard streams.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};

use base64::prelude::{Engine, BASE64_STANDARD};
use flate2::read::ZlibDecoder;
use serde_json::{json, Map, Value};

use super::run::{by_reason, count, fates, is_nothing_new, sizes, Ended};
use super::Environment;
use crate::job::options::Options;

/// The way to the orchestrator.
#[derive(Debug)]
pub struct Pipes {
    to: To,
    /// The assets of the step.
    assets: Vec<String>,
    /// The checks that the step declares by `extras = {"dwell_checks": […]}`.
    checks: BTreeSet<String>,
}

#[derive(Debug)]
enum To {
    File(File),
    Stdout,
    Stderr,
}

impl Pipes {
    /// Opens the way that the environment names, and says so there; one that cannot be opened is warned of.
    pub fn open(environment: &Environment) -> Option<Self> {
        let context = environment.get("DAGSTER_PIPES_CONTEXT")?;
        match Pipes::of(context, environment.get("DAGSTER_PIPES_MESSAGES").unwrap_or_default()) {
            Ok(mut pipes) => {
                pipes.send("opened", &json!({ "extras": {} }));
                Some(pipes)
            }
            Err(reason) => {
                tracing::warn!("Dagster is told nothing of this run: {reason}");
                None
            }
        }
    }

    fn of(context: &str, messages: &str) -> Result<Self, String> {
        let (context, messages) =
            (decoded("DAGSTER_PIPES_CONTEXT", context)?, decoded("DAGSTER_PIPES_MESSAGES", messages)?);
        let context = match (&context["data"], context["path"].as_str()) {
            (data @ Value::Object(_), _) => data.clone(),
            (_, Some(path)) => {
                let failed = |error: &dyn std::fmt::Display| format!("its context {path:?} cannot be read ({error})");
                let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
                serde_json::from_str(&text).map_err(|error| failed(&error))?
            }
            _ => return Err("DAGSTER_PIPES_CONTEXT has neither `data` nor `path`".to_string()),
        };
        let to = match (messages["path"].as_str(), messages["stdio"].as_str()) {
            (Some(path), _) => {
                let file = OpenOptions::new().append(true).create(true).open(path);
                To::File(file.map_err(|error| format!("its file of messages {path:?} cannot be opened ({error})"))?)
            }
            (_, Some("stdout")) => To::Stdout,
            (_, Some("stderr")) => To::Stderr,
            _ => return Err("DAGSTER_PIPES_MESSAGES names no file and no stream that dwell can write to; use PipesTempFileMessageReader".to_string()),
        };
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_string)).collect()
        };
        Ok(Pipes {
            to,
            assets: texts(&context["asset_keys"]),
            checks: texts(&context["extras"]["dwell_checks"]).into_iter().collect(),
        })
    }

    /// Says something.
    pub fn log(&mut self, level: &str, message: &str) {
        self.send("log", &json!({ "message": message, "level": level }));
    }

    /// Says what became of the run: an asset a table, a check a limit.
    pub fn end(&mut self, ended: &Ended<'_>, options: Option<&Options>) {
        if let Some(record) = ended.record {
            for warning in record["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                self.log("WARNING", warning);
            }
            self.assets(record);
            self.check_limits(options, Some(record), None);
        }
        match ended.error {
            None => self.send("closed", &json!({})),
            Some(message) => {
                self.log("ERROR", message);
                self.check_limits(options, None, Some(ended));
                let exception = json!({ "message": message, "name": format!("dwell ended with {}", ended.exit_code), "stack": [], "cause": null, "context": null });
                self.send("closed", &json!({ "exception": exception }));
            }
        }
    }

    /// Each table is an asset: the one of the step whose name ends as the table's does. Where a step has one asset alone, all of
    /// the run is that one.
    fn assets(&mut self, record: &Value) {
        let tables: Vec<(String, u64, u64)> =
            sizes(record).into_iter().map(|(table, rows, bytes)| (table.to_string(), rows, bytes)).collect();
        let mut metadata = Map::new();
        if is_nothing_new(record) {
            metadata.insert("nothing_new".to_string(), json!({ "raw_value": true, "type": "bool" }));
        } else {
            for key in ["rows", "sessions", "users"] {
                metadata.insert(key.to_string(), int(count(record, key)));
            }
            fates(record).into_iter().for_each(|(fate, rows)| drop(metadata.insert(format!("rows_{fate}"), int(rows))));
            for end in ["first", "last"] {
                if let Some(date) = record["dates"][end].as_str() {
                    metadata.insert(format!("{end}_date"), text(date));
                }
            }
            let seconds = record["seconds"]["total"].as_f64().unwrap_or_default();
            metadata.insert("seconds".to_string(), json!({ "raw_value": seconds, "type": "float" }));
            metadata.insert("fingerprint".to_string(), text(record["fingerprint"].as_str().unwrap_or_default()));
        }
        let assets = self.assets.clone();
        if let [only] = assets.as_slice() {
            for (table, rows, bytes) in &tables {
                metadata.insert(format!("{table}_rows"), int(*rows));
                metadata.insert(format!("{table}_bytes"), int(*bytes));
            }
            self.materialized(only, record, metadata);
            return;
        }
        for asset in &assets {
            let of_asset = |(table, ..): &&(String, u64, u64)| asset == table || asset.ends_with(&format!("/{table}"));
            let longest = tables.iter().filter(of_asset).max_by_key(|(table, ..)| table.len());
            if let Some((_, rows, bytes)) = longest {
                let mut metadata = metadata.clone();
                metadata.insert("dagster/row_count".to_string(), int(*rows));
                metadata.insert("bytes".to_string(), int(*bytes));
                self.materialized(asset, record, metadata);
            }
        }
    }

    fn materialized(&mut self, asset: &str, record: &Value, metadata: Map<String, Value>) {
        // What the definition and the code are is what the data is made with.
        let version = record["fingerprint"].as_str();
        self.send(
            "report_asset_materialization",
            &json!({ "asset_key": asset, "data_version": version, "metadata": metadata }),
        );
    }

    /// The limits of the run as checks, those that the step declares: Dagster refuses others.
    fn check_limits(&mut self, options: Option<&Options>, record: Option<&Value>, failed: Option<&Ended<'_>>) {
        let Some(limits) = options.map(|options| &options.limits) else { return };
        let all = [
            ("max_rejected", limits.max_rejected),
            ("max_out_of_session", limits.max_out_of_session),
            ("min_sessions", limits.min_sessions.map(|sessions| sessions as f64)),
            ("max_change", limits.max_change),
        ];
        let is_exceeded = |name: &str| {
            let flag = format!("--{}", name.replace('_', "-"));
            failed.and_then(|ended| ended.error).is_some_and(|message| message.contains(&flag))
        };
        // Where the run failed, only the limit that it exceeded has been judged for certain.
        let declared: Vec<(&str, f64)> = (all.into_iter())
            .filter_map(|(name, limit)| Some((name, limit?)))
            .filter(|(name, _)| self.checks.contains(*name) && (record.is_some() || is_exceeded(name)))
            .collect();
        // A limit is about sessions, where they are an asset.
        let of_sessions = self.assets.iter().find(|asset| asset.rsplit('/').next() == Some("sessions"));
        let Some(asset) = of_sessions.or(self.assets.first()).cloned() else { return };
        for (name, limit) in declared {
            let mut metadata = Map::from_iter([("limit".to_string(), json!({ "raw_value": limit, "type": "float" }))]);
            let key = if name == "max_rejected" { "rejected" } else { "out_of_session" };
            if let Some(record) = record.filter(|_| name != "max_change" && name != "min_sessions") {
                let found = by_reason(record, key).iter().map(|(_, rows)| rows).sum();
                metadata.insert(key.to_string(), int(found));
            }
            self.send(
                "report_asset_check",
                &json!({
                    "asset_key": asset, "check_name": name, "passed": record.is_some(), "severity": "ERROR", "metadata": metadata,
                }),
            );
        }
    }

    fn send(&mut self, method: &str, params: &Value) {
        let line = json!({ "__dagster_pipes_version": "0.1", "method": method, "params": params }).to_string() + "\n";
        let written = match &mut self.to {
            To::File(file) => file.write_all(line.as_bytes()),
            To::Stdout => std::io::stdout().write_all(line.as_bytes()),
            To::Stderr => std::io::stderr().write_all(line.as_bytes()),
        };
        if let Err(error) = written {
            tracing::warn!("Dagster is not told of `{method}`: {error}");
        }
    }
}

fn int(value: u64) -> Value {
    json!({ "raw_value": value, "type": "int" })
}

fn text(value: &str) -> Value {
    json!({ "raw_value": value, "type": "text" })
}

/// A variable of Dagster's as JSON.
fn decoded(name: &str, text: &str) -> Result<Value, String> {
    // Far more than a context has.
    const MOST: u64 = 64 << 20;
    let failed = |error: &dyn std::fmt::Display| format!("{name} cannot be read ({error})");
    let packed = BASE64_STANDARD.decode(text).map_err(|error| failed(&error))?;
    let mut json = String::new();
    ZlibDecoder::new(packed.as_slice()).take(MOST).read_to_string(&mut json).map_err(|error| failed(&error))?;
    serde_json::from_str(&json).map_err(|error| failed(&error))
}
