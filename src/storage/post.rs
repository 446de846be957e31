//! A request that hands text over: for those who want to be told what a run does.

use std::time::Duration;

use super::client::{no_runtime, runtime};

/// Sends JSON to a web server, http or https, with these headers, and waits for its answer as long as `timeout`.
///
/// # Errors
/// It does not get there, or the server does not take it; why.
pub fn post_json(url: &str, headers: &[(String, String)], json: String, timeout: Duration) -> Result<(), String> {
    let sent = async {
        let client = reqwest::Client::builder().timeout(timeout).build()?;
        let mut request = client.post(url).header("Content-Type", "application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.body(json).send().await
    };
    let runtime = runtime().map_err(|error| no_runtime(&error).to_string())?;
    let answer = runtime.block_on(sent).map_err(|error| innermost(&error.without_url()))?;
    match answer.status() {
        status if status.is_success() => Ok(()),
        status => Err(format!("the server answers {status}")),
    }
}

/// The reason that an error comes from.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut reason = error;
    while let Some(source) = reason.source() {
        reason = source;
    }
    reason.to_string()
}
