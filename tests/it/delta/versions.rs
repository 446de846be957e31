//! Which files a table is.

use super::log::{add, remove, Lake, Settings};
use crate::nightly::fixture::{day_file, folder, view, visits, TIMEOUT};
use crate::support::{read_run, Layout, Sandbox};
use serde_json::json;

fn table(sandbox: &Sandbox) -> Lake<'_> {
    let files: Vec<_> = (1..=3).map(|day| Lake::file(sandbox, &day_file(day), &visits(day))).collect();
    Lake::new(sandbox, &Settings::ordinary(), &files)
}

#[test]
fn the_files_of_a_table_are_those_of_its_log_and_not_those_that_lie_there() {
    let sandbox = folder(TIMEOUT);
    let lake = table(&sandbox);
    sandbox.events("left-over.parquet", &Layout::default(), &visits(9));
    sandbox.is_as_plain_files(&[]);
    assert_eq!(read_run(&sandbox.out())["inputs"]["files"], 3);
    lake.commit(&[remove(&day_file(2)), Lake::file(&sandbox, "rewritten.parquet", &visits(2)[..4])]);
    sandbox.no_longer_plain(&day_file(2));
    sandbox.is_as_plain_files(&[]);
    // A file that was removed, and added again.
    lake.commit(&[remove("rewritten.parquet")]);
    lake.commit(&[add(&sandbox, "rewritten.parquet", json!({}))]);
    sandbox.is_as_plain_files(&[]);
}

#[test]
fn a_table_is_read_however_it_is_named() {
    let sandbox = folder(TIMEOUT);
    table(&sandbox);
    let expected = sandbox.hashes_of_plain(&[]);
    let absolute = sandbox.path().join("data").display().to_string();
    for input in ["data", "data/", "./data", "dat?", &absolute] {
        let out = sandbox.path().join("out");
        let _ = std::fs::remove_dir_all(&out);
        sandbox.ends(0, &["--input", input]);
        assert_eq!(crate::support::table_hashes(&out), expected, "{input}");
    }
}

#[test]
fn a_table_and_plain_files_are_one_input() {
    let sandbox = folder(TIMEOUT);
    table(&sandbox);
    let more = [view("zoe", "2026-01-02 10:00")];
    crate::support::write_events(&sandbox.path().join("more/a.parquet"), &Layout::default(), &more);
    sandbox.ends(0, &["--input", "data", "--input", "more"]);
    assert_eq!(read_run(&sandbox.out())["inputs"]["files"], 4);
}

#[test]
fn files_are_found_by_paths_with_escapes_and_by_urls() {
    let sandbox = folder(TIMEOUT);
    let names = ["a b%é.parquet", "100%25.parquet"];
    let files: Vec<_> =
        names.iter().enumerate().map(|(day, name)| Lake::file(&sandbox, name, &visits(day as u32 + 1))).collect();
    let mut escaped = files.clone();
    escaped[0]["add"]["path"] = json!("a%20b%25%C3%A9.parquet");
    let url = format!("file://{}/data/100%2525.parquet", sandbox.path().display());
    escaped[1]["add"]["path"] = json!(url);
    Lake::new(&sandbox, &Settings::ordinary(), &escaped);
    sandbox.is_as_plain_files(&[]);
}

#[test]
fn columns_are_those_of_the_table_whichever_files_have_them() {
    let sandbox = folder(&format!("{TIMEOUT}[[segment]]\nname = 'x'\nwhere = \"plan = 'pro'\"\n"));
    let files = [Lake::file(&sandbox, &day_file(1), &visits(1))];
    let settings = Settings::ordinary();
    let lake = Lake::new(&sandbox, &settings, &files);
    sandbox.job(
        &(std::fs::read_to_string(sandbox.path().join("job.toml"))
            .unwrap()
            .replace("[input]", "[input]\nwhere = 'plan IS NULL'")),
    );
    sandbox.ends(2, &[]);
    // A column that the table has, and no file as yet.
    let mut with_plan = settings.clone();
    with_plan.schema["fields"].as_array_mut().unwrap().push(json!({
        "name": "plan", "type": "string", "nullable": true, "metadata": {},
    }));
    lake.commit(&with_plan.lines()[1..]);
    sandbox.ends(0, &[]);
    assert_eq!(read_run(&sandbox.out())["filtered"], 0);
    // A column that files have, and the table has not, is none.
    let mut without = settings;
    without.schema["fields"].as_array_mut().unwrap().retain(|field| field["name"] != "keep");
    lake.commit(&without.lines()[1..]);
    sandbox.job("[input]\npath = 'data'\nwhere = 'keep IS NULL'\n[output]\npath = 'out'\ntimezone = 'UTC'\n");
    let ran = sandbox.ends(2, &["--overwrite"]);
    assert!(ran.stderr.contains("no column"), "{}", ran.stderr);
}

/// Has the job name a version.
fn at_version(sandbox: &Sandbox, version: u64) {
    let job = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    let job = job.lines().filter(|line| !line.starts_with("version = ")).collect::<Vec<_>>().join("\n");
    sandbox.job(&job.replacen("[input]\n", &format!("[input]\nversion = {version}\n"), 1));
}

#[test]
fn the_version_that_a_job_names_is_read_as_it_was() {
    let sandbox = folder(TIMEOUT);
    let lake = table(&sandbox);
    let mut expected = Vec::new();
    let commits = [
        vec![],
        vec![remove(&day_file(2)), Lake::file(&sandbox, "rewritten.parquet", &visits(2)[..4])],
        vec![Lake::file(&sandbox, "more.parquet", &visits(9))],
    ];
    for commit in &commits {
        if !commit.is_empty() {
            lake.commit(commit);
        }
        let _ = std::fs::remove_dir_all(sandbox.out());
        sandbox.ends(0, &[]);
        expected.push(crate::support::table_hashes(&sandbox.out()));
    }
    assert!(expected[0] != expected[1] && expected[1] != expected[2]);
    for (version, expected) in expected.iter().enumerate() {
        at_version(&sandbox, version as u64);
        // It is no part of the definition.
        sandbox.ends(0, &[]);
        assert_eq!(crate::support::table_hashes(&sandbox.out()), *expected, "version {version}");
    }
    at_version(&sandbox, 3);
    let ran = sandbox.ends(2, &[]);
    assert!(ran.stderr.contains("no version 3") && ran.stderr.contains("its latest is 2"), "{}", ran.stderr);
    at_version(&sandbox, 1);
    let ran = sandbox.ends(2, &["--incremental"]);
    assert!(ran.stderr.contains("input.version"), "{}", ran.stderr);
    let more = [view("zoe", "2026-01-02 10:00")];
    crate::support::write_events(&sandbox.path().join("more/a.parquet"), &Layout::default(), &more);
    for inputs in [&["--input", "more"][..], &["--input", "data", "--input", "more"]] {
        let ran = sandbox.ends(2, inputs);
        assert!(
            ran.stderr.contains("a version of one Delta table") && ran.stderr.contains("plain files"),
            "{}",
            ran.stderr
        );
    }
    // Without the log from before it is not to be had.
    std::fs::remove_file(lake.log("00000000000000000000.json")).unwrap();
    let ran = sandbox.ends(2, &[]);
    assert!(ran.stderr.contains("cannot be read any more"), "{}", ran.stderr);
}
