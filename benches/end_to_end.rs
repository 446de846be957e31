//! The whole run over two million events, from files to files, under a timeout and by session id.
//!
//! ```text
//! cargo bench --bench end_to_end
//! ```
#![allow(clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::Command;

use divan::counter::ItemsCount;
use divan::Bencher;

const EVENTS: usize = 2_000_000;

fn main() {
    divan::main();
}

/// Writes the events next to this program's other results, once.
fn events() -> String {
    let dwell = Path::new(env!("CARGO_BIN_EXE_dwell"));
    let folder = dwell.with_file_name("bench-events-2000000");
    if !folder.exists() {
        let generate = dwell.with_file_name("examples").join("generate");
        let events = EVENTS.to_string();
        let arguments = ["--events", &events, "--columns", "bench", "--out"];
        let made = Command::new(&generate).args(arguments).arg(&folder).status();
        let hint = "build the generator first: cargo build --release --example generate";
        assert!(made.expect(hint).success(), "{hint}");
    }
    folder.to_string_lossy().into_owned()
}

fn run(input: &str, output: &Path, definition: &[&str]) -> serde_json::Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dwell"));
    command.args(["run", "--quiet", "--input", input, "--output"]).arg(output).args(definition);
    assert!(command.status().expect("dwell runs").success());
    let record = std::fs::read_to_string(output.join("run.json")).expect("a record");
    serde_json::from_str(&record).expect("JSON")
}

#[divan::bench(args = ["timeout", "session_id"], sample_count = 10)]
fn whole_run(bencher: Bencher<'_, '_>, definition: &str) {
    let input = events();
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out");
    let flags: &[&str] = if definition == "timeout" { &["--timeout", "30m"] } else { &[] };
    let record = run(&input, &output, flags);
    let number = |key: &str| record[key].as_u64().expect("a number");
    let out: u64 = record["out_of_session"].as_object().expect("reasons").values().filter_map(|n| n.as_u64()).sum();
    assert_eq!(number("rows"), EVENTS as u64);
    assert_eq!(number("in_session") + out, EVENTS as u64);
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| run(&input, &output, flags));
}
