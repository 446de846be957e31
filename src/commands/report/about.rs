//! What the tables are of, and how the run went.

use maud::{html, Markup};
use serde_json::{Map, Value};

use super::record::{count, Records};
use crate::job::file::SessionKeys;
use crate::job::fingerprint::Canonical;
use crate::job::Definition;
use crate::page::table::of_data;
use crate::summary::{bytes_text, counted, grouped};

/// The definition: in words, and key by key.
pub fn definition(definition: &Canonical) -> Markup {
    let keys = definition.to_json();
    let keys: Vec<(&String, &str)> =
        keys.as_object().into_iter().flatten().map(|(key, value)| (key, value.as_str().unwrap_or_default())).collect();
    html! { section {
        h2 { "What a session is" }
        @if let Some(sentence) = sentence(definition) { p { (sentence) } }
        p.soft { "Fingerprint " code { (definition.fingerprint()) } }
        details { summary { "All keys" }
            dl { @for (key, value) in &keys { dt { (key) } dd.mono { (of_data(value)) } } }
        }
    } }
}

/// A definition in one sentence; `None` where its keys are not known here.
pub fn sentence(definition: &Canonical) -> Option<String> {
    let json = definition.to_json();
    let mut keys = Map::new();
    for (key, value) in json.as_object()? {
        let Some(key) = key.strip_prefix("session.") else { continue };
        let text = value.as_str().unwrap_or_default();
        let list = if key.ends_with("_event") { serde_json::from_str::<Value>(text).ok() } else { None };
        keys.insert(key.to_string(), list.filter(Value::is_array).unwrap_or_else(|| value.clone()));
    }
    let keys: SessionKeys = serde_json::from_value(Value::Object(keys)).ok()?;
    Some(Definition::new(keys, &[]).ok()?.sentence())
}

/// How the run went.
pub fn run(records: &Records) -> Markup {
    let run = &records.last;
    let seconds = |stage: &Value| format!("{:.1} s", stage.as_f64().unwrap_or_default());
    let stages: Vec<(&String, &Value)> =
        run["seconds"].as_object().into_iter().flatten().filter(|(stage, _)| *stage != "total").collect();
    let inputs = &run["inputs"];
    let groups = (count(inputs, "row_groups_read"), count(inputs, "row_groups_skipped"));
    let files = &run["files"];
    html! { section {
        h2 { "How the run went" }
        dl {
            dt { "Started" } dd { (of_data(run["started"].as_str().unwrap_or_default())) }
            dt { "Took" } dd { (seconds(&run["seconds"]["total"]))
                @if !stages.is_empty() { span.soft { " (" @for (place, (stage, took)) in stages.iter().enumerate() {
                    @if place > 0 { ", " } (of_data(stage)) " " (seconds(took))
                } ")" } } }
            @if let Some(peak) = run["peak_memory_bytes"].as_u64() { dt { "Memory" } dd { (bytes_text(peak)) " at most" } }
            dt { "Read" } dd { (counted(count(inputs, "files"), "file")) " (" (bytes_text(count(inputs, "bytes"))) "), "
                (grouped(groups.0)) " of " (counted(groups.0 + groups.1, "row group")) }
            @if run["mode"] == "incremental" { dt { "Files" } dd {
                (grouped(count(files, "new"))) " new, " (grouped(count(files, "changed"))) " changed, "
                (grouped(count(files, "gone"))) " gone, " (grouped(count(files, "same"))) " as they were"
            } }
            @if let Some(why) = run["everything"].as_str() { dt { "All dates" } dd { (of_data(why)) } }
            @for (table, size) in run["tables"].as_object().into_iter().flatten() {
                dt { (of_data(table)) } dd { (counted(count(size, "rows"), "row")) ", " (bytes_text(count(size, "bytes"))) }
            }
            dt { "Dwell" } dd { (of_data(run["version"].as_str().unwrap_or_default())) }
        }
    } }
}
