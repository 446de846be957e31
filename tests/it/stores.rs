//! Events in object stores (SPEC 1): the tables of what is in a bucket are those of the same files on the disk, whatever
//! requests go wrong on the way, and what cannot be mended is told in words that help.

mod faults;
mod messages;
mod reading;
mod requests;
pub mod server;
mod writing;

use crate::support::{Ran, Sandbox};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The program in a sandbox, without anything that the environment says of clouds; with what is given here.
pub fn dwell(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let output = command(sandbox, arguments, variables).output().unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn command(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dwell"));
    for (name, _) in std::env::vars() {
        if ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|cloud| name.starts_with(cloud)) || name.contains("_proxy") {
            command.env_remove(name);
        }
    }
    let home = sandbox.path().join("home");
    command.env("HOME", home).env("AWS_EC2_METADATA_DISABLED", "true").envs(variables.iter().copied());
    command.args(arguments).current_dir(sandbox.path());
    command
}

/// A job over files, as one over the same files in a bucket.
pub fn in_bucket(job: &str) -> String {
    let stored = job.replacen("path = \"data\"", "path = \"s3://bucket\"", 1);
    assert_ne!(stored, job, "the job names its input otherwise");
    stored
}

/// A file, or the first one in a folder.
fn first_file(path: &Path) -> PathBuf {
    let first = || std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).min().unwrap();
    if path.is_dir() {
        first_file(&first())
    } else {
        path.to_path_buf()
    }
}
