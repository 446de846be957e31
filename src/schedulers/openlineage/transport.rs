//! How an event of lineage gets there.

use std::fs::OpenOptions;
use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use super::config::Config;
use crate::storage::post::post_json;

/// A way for events.
#[derive(Debug)]
pub struct Transport(Config);

impl Transport {
    /// To where it is configured.
    pub fn new(config: Config) -> Self {
        Transport(config)
    }

    /// Sends an event.
    ///
    /// # Errors
    /// It does not get there; with where that is, and why.
    pub fn send(&self, event: &Value) -> Result<(), String> {
        match &self.0 {
            Config::Console => {
                tracing::info!(event = %event, "lineage");
                Ok(())
            }
            Config::File { path, append } => {
                let mut name = path.clone().into_os_string();
                if !append {
                    // As OpenLineage's own clients name the file of an event.
                    let time = event["eventTime"].as_str().unwrap_or_default().replace(':', "-");
                    name.push(format!(
                        "-{time}-{}.json",
                        event["eventType"].as_str().unwrap_or_default().to_lowercase()
                    ));
                }
                let file = OpenOptions::new().create(true).append(true).open(&name);
                let line = format!("{event}\n");
                file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|error| format!("{name:?}: {error}"))
            }
            Config::Http { url, api_key, headers, timeout_seconds } => {
                let key = api_key.iter().map(|key| ("Authorization".to_string(), format!("Bearer {key}")));
                let headers: Vec<(String, String)> = key.chain(headers.iter().cloned()).collect();
                let timeout = Duration::from_secs(*timeout_seconds);
                post_json(url, &headers, event.to_string(), timeout).map_err(|reason| format!("{url}: {reason}"))
            }
        }
    }
}
