//! Where lineage goes, by the variables and the file that OpenLineage's clients read, in their order: whether it is disabled,
//! `OPENLINEAGE__TRANSPORT__…`, the file that `OPENLINEAGE_CONFIG` names (else `openlineage.yml` here), `OPENLINEAGE_URL`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use yaml_rust2::{Yaml, YamlLoader};

use crate::schedulers::Environment;

/// Where lineage goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Config {
    /// To a server.
    Http {
        /// Its address, the endpoint's path included.
        url: String,
        /// The key that it knows us by.
        api_key: Option<String>,
        /// Headers to send along.
        headers: Vec<(String, String)>,
        /// How many seconds to wait for it.
        timeout_seconds: u64,
    },
    /// To a file: a line an event, or a file of its own for each.
    File {
        /// The file, or what the files' names begin with.
        path: PathBuf,
        /// Whether all go to one file.
        append: bool,
    },
    /// To the log.
    Console,
}

const DEFAULT_ENDPOINT: &str = "api/v1/lineage";
const DEFAULT_TIMEOUT: u64 = 5;

/// Settings by their path: `transport.type`.
type Settings = BTreeMap<String, String>;

impl Config {
    /// What the environment says; nothing where it says nothing, or that nothing is to be sent.
    ///
    /// # Errors
    /// What it says cannot be followed.
    pub fn of(environment: &Environment) -> Result<Option<Self>, String> {
        if environment.get("OPENLINEAGE_DISABLED").is_some_and(is_true) {
            return Ok(None);
        }
        let mut settings = Settings::new();
        for (name, value) in environment.under("OPENLINEAGE__") {
            let path: Vec<String> = name.split("__").map(simple).collect();
            match serde_json::from_str::<serde_json::Value>(value).ok().filter(serde_json::Value::is_object) {
                Some(object) => flatten_json(&path.join("."), &object, &mut settings),
                None => drop(settings.insert(path.join("."), value.to_string())),
            }
        }
        if !settings.contains_key("transport.type") {
            if let Some(file) = file(environment)? {
                // A variable goes over the file.
                settings = file.into_iter().chain(settings).collect();
            }
        }
        if settings.get("disabled").is_some_and(|value| is_true(value)) {
            return Ok(None);
        }
        if !settings.contains_key("transport.type") {
            let Some(url) = environment.get("OPENLINEAGE_URL") else { return Ok(None) };
            settings.insert("transport.type".to_string(), "http".to_string());
            settings.insert("transport.url".to_string(), url.to_string());
            let named =
                [("OPENLINEAGE_ENDPOINT", "transport.endpoint"), ("OPENLINEAGE_API_KEY", "transport.auth.apikey")];
            for (name, setting) in named {
                settings.extend(environment.get(name).map(|value| (setting.to_string(), value.to_string())));
            }
        }
        transport(&settings)
    }
}

fn transport(settings: &Settings) -> Result<Option<Config>, String> {
    let get =
        |name: &str| settings.get(&format!("transport.{name}")).map(String::as_str).filter(|value| !value.is_empty());
    match get("type").unwrap_or_default() {
        "noop" => Ok(None),
        "console" => Ok(Some(Config::Console)),
        "file" => {
            let path = get("logfilepath").ok_or("transport.log_file_path is missing")?;
            Ok(Some(Config::File { path: PathBuf::from(path), append: get("append").is_some_and(is_true) }))
        }
        "http" => {
            let base = get("url").ok_or("transport.url is missing")?;
            let endpoint = get("endpoint").unwrap_or(DEFAULT_ENDPOINT);
            let timeout = match get("timeout") {
                None => DEFAULT_TIMEOUT,
                Some(text) => text
                    .parse::<f64>()
                    .ok()
                    .filter(|seconds| (0.0..1e6).contains(seconds))
                    .map(|seconds| seconds.ceil() as u64)
                    .ok_or_else(|| format!("transport.timeout = {text:?} is no number of seconds"))?,
            };
            let headers = settings.iter().filter_map(|(name, value)| {
                let header = name
                    .strip_prefix("transport.headers.")
                    .or_else(|| name.strip_prefix("transport.customheaders."))?;
                Some((header.to_string(), value.clone()))
            });
            Ok(Some(Config::Http {
                url: format!("{}/{}", base.trim_end_matches('/'), endpoint.trim_start_matches('/')),
                api_key: get("auth.apikey").map(str::to_string),
                headers: headers.collect(),
                timeout_seconds: timeout.max(1),
            }))
        }
        other => Err(format!("transport.type = {other:?} is none that dwell knows: http, file, console or noop")),
    }
}

/// The settings of the configuration file.
fn file(environment: &Environment) -> Result<Option<Settings>, String> {
    let path = match environment.get("OPENLINEAGE_CONFIG") {
        Some(named) => PathBuf::from(named),
        None => PathBuf::from("openlineage.yml"),
    };
    if !path.exists() {
        return match environment.get("OPENLINEAGE_CONFIG") {
            Some(_) => Err(format!("OPENLINEAGE_CONFIG names {path:?}, and there is no such file")),
            None => Ok(None),
        };
    }
    let failed = |error: &dyn std::fmt::Display| format!("{path:?} cannot be read ({error})");
    let text = std::fs::read_to_string(&path).map_err(|error| failed(&error))?;
    let documents = YamlLoader::load_from_str(&text).map_err(|error| failed(&error))?;
    let mut settings = Settings::new();
    documents.iter().for_each(|document| flatten("", document, &mut settings));
    Ok(Some(settings))
}

fn flatten(path: &str, value: &Yaml, settings: &mut Settings) {
    let text = match value {
        Yaml::Hash(pairs) => {
            for (key, value) in pairs {
                flatten(&within(path, key.as_str().unwrap_or_default()), value, settings);
            }
            return;
        }
        Yaml::String(text) | Yaml::Real(text) => text.clone(),
        Yaml::Integer(number) => number.to_string(),
        Yaml::Boolean(truth) => truth.to_string(),
        _ => return,
    };
    settings.insert(path.to_string(), text);
}

fn flatten_json(path: &str, value: &serde_json::Value, settings: &mut Settings) {
    match value {
        serde_json::Value::Object(pairs) => {
            pairs.iter().for_each(|(key, value)| flatten_json(&within(path, key), value, settings));
        }
        serde_json::Value::String(text) => drop(settings.insert(path.to_string(), text.clone())),
        serde_json::Value::Null => {}
        other => drop(settings.insert(path.to_string(), other.to_string())),
    }
}

/// The path of a key; names of headers keep their letters.
fn within(path: &str, key: &str) -> String {
    match path {
        "" => simple(key),
        "transport.headers" | "transport.customheaders" => format!("{path}.{key}"),
        path => format!("{path}.{}", simple(key)),
    }
}

/// A key whichever way it is spelled: `log_file_path`, `LOG_FILE_PATH`, `logFilePath`.
fn simple(key: &str) -> String {
    key.chars().filter(|sign| *sign != '_').flat_map(char::to_lowercase).collect()
}

fn is_true(value: &str) -> bool {
    matches!(value.trim().to_lowercase().as_str(), "true" | "1" | "t" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<Config>, String> {
        Config::of(&Environment::new(variables.iter().map(|(name, value)| (name.to_string(), value.to_string()))))
    }

    fn http(url: &str, api_key: Option<&str>) -> Option<Config> {
        let api_key = api_key.map(str::to_string);
        Some(Config::Http { url: url.to_string(), api_key, headers: Vec::new(), timeout_seconds: 5 })
    }

    #[test]
    fn the_usual_variables_say_where_lineage_goes() {
        assert_eq!(of(&[]), Ok(None));
        let url = ("OPENLINEAGE_URL", "http://host:5000/");
        assert_eq!(of(&[url]), Ok(http("http://host:5000/api/v1/lineage", None)));
        assert_eq!(
            of(&[url, ("OPENLINEAGE_API_KEY", "k"), ("OPENLINEAGE_ENDPOINT", "/x")]),
            Ok(http("http://host:5000/x", Some("k")))
        );
        assert_eq!(of(&[url, ("OPENLINEAGE_DISABLED", "True")]), Ok(None));
        let typed = [
            ("OPENLINEAGE__TRANSPORT__TYPE", "http"),
            ("OPENLINEAGE__TRANSPORT__URL", "http://a"),
            ("OPENLINEAGE__TRANSPORT__AUTH", r#"{"type":"api_key","apiKey":"k"}"#),
        ];
        assert_eq!(of(&typed), Ok(http("http://a/api/v1/lineage", Some("k"))));
        let file = [
            ("OPENLINEAGE__TRANSPORT__TYPE", "file"),
            ("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", "l"),
            ("OPENLINEAGE__TRANSPORT__APPEND", "true"),
        ];
        assert_eq!(of(&file), Ok(Some(Config::File { path: "l".into(), append: true })));
        assert!(of(&[("OPENLINEAGE__TRANSPORT__TYPE", "kafka")]).expect_err("unknown").contains("kafka"));
        assert!(of(&[("OPENLINEAGE_CONFIG", "/no/such.yml")]).expect_err("gone").contains("/no/such.yml"));
    }

    #[test]
    fn a_file_of_settings_is_yaml_and_variables_go_over_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("o.yml");
        std::fs::write(&path, "transport:\n  type: http\n  url: http://a\n  timeout: 2.5\n  auth:\n    type: api_key\n    apiKey: k\n  custom_headers:\n    X-Team: data\n").expect("written");
        let config = path.to_string_lossy().into_owned();
        let found = of(&[("OPENLINEAGE_CONFIG", &config), ("OPENLINEAGE__TRANSPORT__URL", "http://b")]).expect("read");
        assert_eq!(
            found,
            Some(Config::Http {
                url: "http://b/api/v1/lineage".to_string(),
                api_key: Some("k".to_string()),
                headers: vec![("X-Team".to_string(), "data".to_string())],
                timeout_seconds: 3,
            })
        );
        std::fs::write(&path, "transport: [").expect("written");
        assert!(of(&[("OPENLINEAGE_CONFIG", &config)]).is_err());
    }
}
