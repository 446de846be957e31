//! `dwell schema`: the JSON schema of the job file, made of the types that it is read into, so that editors complete and check
//! what people type.

use schemars::generate::SchemaSettings;
use serde_json::{json, Value};

use super::file::JobFile;
use super::key_types;
use super::starts::{MONTHS, WEEKDAYS};

/// Keys that take one of a few words.
const WORDS: [(&str, &[&str]); 18] = [
    ("input.source", &["amplitude", "ga4", "posthog", "mixpanel", "snowplow", "rudderstack", "segment"]),
    ("input.user_type", &["text"]),
    ("input.time_unit", &["s", "ms", "us", "ns"]),
    ("input.aliases.since_unit", &["s", "ms", "us", "ns"]),
    ("session.id_unit", &["s", "ms", "us", "ns"]),
    ("session.gap_equal", &["split", "join"]),
    ("session.unclosed", &["keep", "drop"]),
    ("session.repeated_start", &["split", "continue"]),
    ("session.length_from", &["session_id", "first_event"]),
    ("session.at_midnight", &["join", "split"]),
    ("output.csv_formulas", &["quote", "keep"]),
    ("output.week_start", &WEEKDAYS),
    ("output.year_start", &MONTHS),
    ("chart.interval", &["hour", "day", "week", "month", "quarter", "year", "total"]),
    ("chart.preset", &["bounce_rate", "entry_rate", "exit_rate"]),
    ("chart.level", &["session", "event"]),
    ("chart.first.op", OPERATORS),
    ("chart.last.op", OPERATORS),
];

const OPERATORS: &[&str] = &[
    "is",
    "is_not",
    "contains",
    "not_contains",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
    "glob",
    "not_glob",
    ">",
    ">=",
    "<",
    "<=",
    "in",
    "not_in",
    "is_set",
    "is_not_set",
];

/// The schema, as JSON.
pub fn job_schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<JobFile>().to_value();
    tidy(&mut schema);
    schema["title"] = "A job of dwell".into();
    schema["description"] = "What `dwell run` makes of which events: dwell.toml".into();
    for (key, words) in WORDS {
        on_key(&mut schema, key, &|key| key["enum"] = json!(words));
    }
    for (key, example) in key_types::examples() {
        let example =
            format!("example = {example}").parse::<toml::Table>().ok().and_then(|mut table| table.remove("example"));
        if let Some(example) = example.and_then(|example| serde_json::to_value(example).ok()) {
            on_key(&mut schema, key, &|key| key["examples"] = json!([example]));
        }
    }
    schema
}

/// The schema as text.
pub fn schema_text() -> String {
    serde_json::to_string_pretty(&job_schema()).unwrap_or_default() + "\n"
}

/// Takes out what TOML does not have: null, and defaults that are null.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(parts) => parts.iter_mut().for_each(tidy),
        Value::Object(keys) => {
            keys.remove("default");
            if let Some(Value::Array(types)) = keys.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    keys.insert("type".to_string(), only);
                }
            }
            if let Some(Value::Array(variants)) = keys.get_mut("anyOf") {
                variants.retain(|variant| variant["type"] != "null");
                if let [only] = variants.as_mut_slice() {
                    let only = only.take();
                    keys.remove("anyOf");
                    // What is said of the key goes over what is said of its type.
                    if let Value::Object(only) = only {
                        for (key, value) in only {
                            keys.entry(key).or_insert(value);
                        }
                    }
                }
            }
            keys.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

/// Does something with a key of the schema, wherever it stands: those of a chart stand in its series, too.
fn on_key(schema: &mut Value, path: &str, change: &dyn Fn(&mut Value)) {
    within(schema, path, change);
    if let Some(of_series) = path.strip_prefix("chart.") {
        within(schema, &format!("chart.series.{of_series}"), change);
    }
}

fn within(schema: &mut Value, path: &str, change: &dyn Fn(&mut Value)) {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    for object in objects(schema) {
        let Some(key) = object.get_mut("properties").and_then(|keys| keys.get_mut(first)) else { continue };
        match rest {
            Some(rest) => within(key, rest, change),
            None => change(key),
        }
    }
}

/// The objects that a schema may be: itself, the items of its list, or any of its variants.
fn objects(schema: &mut Value) -> Vec<&mut Value> {
    if schema.get("properties").is_some() {
        return vec![schema];
    }
    if schema.get("anyOf").is_some() {
        let variants = schema["anyOf"].as_array_mut();
        return variants.into_iter().flatten().flat_map(objects).collect();
    }
    schema.get_mut("items").map(objects).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The keys of a schema by their paths.
    fn paths(schema: &mut Value, before: &str, found: &mut Vec<String>) {
        for object in objects(schema) {
            let Some(Value::Object(keys)) = object.get_mut("properties") else { continue };
            for (name, key) in keys.iter_mut() {
                let path = format!("{before}{name}");
                paths(key, &format!("{path}."), found);
                found.push(path);
            }
        }
    }

    #[test]
    fn every_key_of_a_job_is_in_the_schema_and_no_other() {
        let mut schema = job_schema();
        let mut found = Vec::new();
        paths(&mut schema, "", &mut found);
        for (key, _) in key_types::examples() {
            assert!(found.iter().any(|known| known == key), "{key} is not in the schema");
        }
        let sections = ["input", "session", "output", "storage", "segment", "column", "chart"];
        for key in found.iter().filter(|key| !sections.contains(&key.as_str())) {
            let plain = key.replace("chart.series.", "chart.");
            assert!(key_types::examples().any(|(known, _)| known == plain), "{key} is in the schema alone");
        }
        let text = schema_text();
        assert!(!text.contains("null"), "TOML has none");
        assert!(text.matches("\"additionalProperties\": false").count() > 10);
    }

    #[test]
    fn the_words_of_a_key_are_those_that_it_takes() {
        let schema = job_schema();
        for (key, words) in WORDS {
            let (section, rest) = key.split_once('.').expect("in a section");
            // Those of tables inside of a section need others beside them.
            if section == "chart" || rest.contains('.') {
                continue;
            }
            for word in words {
                let with = match key {
                    "session.gap_equal" => "timeout = '5m'\n",
                    "session.unclosed" => "end_event = 'x'\n",
                    "session.repeated_start" => "start_event = 'x'\n",
                    _ => "",
                };
                let text = format!("[{section}]\n{rest} = '{word}'\n{with}");
                let file = JobFile::parse(&text, Path::new("dwell.toml")).expect("parses");
                if let Err(error) = crate::job::Job::for_question(file.merge(with_input())) {
                    panic!("{text}: {error}");
                }
            }
            let listed = &schema["properties"][section]["properties"][rest]["enum"];
            assert_eq!(listed, &json!(words), "{key}");
        }
        let (_, intervals) = WORDS.iter().find(|(key, _)| *key == "chart.interval").expect("known");
        for interval in *intervals {
            let text = format!("[[chart]]\nname = 'x'\ninterval = '{interval}'\n");
            let file = JobFile::parse(&text, Path::new("dwell.toml")).expect("parses");
            assert!(
                crate::job::Chart::all_of(file.chart, &Default::default(), Default::default()).is_ok(),
                "{interval}"
            );
        }
    }

    fn with_input() -> JobFile {
        JobFile::parse("[input]\npath = 'events'\n", Path::new("x")).expect("parses")
    }
}
