//! `dwell compare`: examples by hand, random tables against plain loops and against two runs, and mistakes.

mod mistakes;
mod printing;
mod random;
mod reading;
mod stories;

use crate::support::{Ran, Sandbox};
use serde_json::Value;

/// Writes a job file.
pub fn write_job(sandbox: &Sandbox, name: &str, text: &str) {
    std::fs::write(sandbox.path().join(name), text).unwrap();
}

/// Compares two job files, and returns the answer; all of it is in `compared`.
pub fn compare(sandbox: &Sandbox, a: &str, b: &str, flags: &[&str]) -> Result<Value, String> {
    let fixed = ["compare", a, b, "--quiet", "--format", "json", "--output", "compared"];
    let Ran { code, stdout, stderr } = sandbox.dwell(&[&fixed[..], flags].concat());
    match code {
        Some(0) => Ok(serde_json::from_str(&stdout).unwrap()),
        _ => Err(format!("exit code {code:?}\n{stdout}\n{stderr}")),
    }
}

/// The kinds of sessions that there are, with their number under each definition.
pub fn kinds(answer: &Value) -> Vec<(String, u64, u64)> {
    let kinds = answer["mapping"].as_object().unwrap().iter();
    let counts = kinds.map(|(kind, of)| (kind.clone(), of["a"].as_u64().unwrap(), of["b"].as_u64().unwrap()));
    counts.filter(|(_, a, b)| a + b > 0).collect()
}
