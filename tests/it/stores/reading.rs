//! What is read from a bucket is what is read from the disk.

use super::server::Server;
use super::{dwell, first_file, in_bucket};
use crate::property::{case, cases, check, laid_out};
use crate::support::{job_toml, table_hashes, Sandbox};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events")
}

/// Copies a folder into the sandbox's `data`.
fn copied(sandbox: &Sandbox, from: &Path, to: &str) {
    let to = sandbox.path().join("data").join(to);
    std::fs::create_dir_all(&to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => copied(sandbox, &entry.path(), to.join(entry.file_name()).to_str().unwrap()),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn tables_of_a_bucket_are_those_of_the_same_files() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 1));
    check(cases() / 8, either, |case| {
        let sandbox = laid_out(case, &case.arrangements[0]);
        let job = job_toml(&case.definition, &case.layout, &[]);
        sandbox.job(&job);
        let ran = sandbox.run(&case.definition, &["--output", "local"]);
        let server = Server::over(&sandbox.path().join("data"));
        sandbox.job(&(in_bucket(&job) + &server.keys()));
        for flags in [&["--threads", "2"][..], &["--threads", "1", "--memory-limit", "136MiB"]] {
            let stored = sandbox.run(&case.definition, flags);
            if stored.code != ran.code {
                return Err(format!("exit codes {:?}, {:?}: {}", ran.code, stored.code, stored.stderr));
            }
            let (expected, actual) = (table_hashes(&sandbox.path().join("local")), table_hashes(&sandbox.out()));
            if expected != actual {
                return Err(format!("other tables with {flags:?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn every_question_has_the_same_answer() {
    let sandbox = Sandbox::new();
    copied(&sandbox, &sample(), "");
    let server = Server::over(&sandbox.path().join("data"));
    let other = "\n[session]\ntimeout = \"30m\"\n";
    let write = |name: &str, text: String| std::fs::write(sandbox.path().join(name), text).unwrap();
    write("job.toml", format!("[input]\npath = \"data\"\n{other}"));
    write("stored.toml", format!("[input]\npath = \"s3://bucket\"\n{other}{}", server.keys()));
    let user = {
        let ran = dwell(&sandbox, &["doctor", "job.toml", "--quiet"], &[]);
        ran.expect_code(0);
        let (_, batches) = crate::support::read_parquet(&first_file(&sandbox.path().join("data")));
        let users =
            arrow::compute::cast(batches[0].column_by_name("user_id").unwrap(), &arrow::datatypes::DataType::Utf8);
        let users = users.unwrap();
        let users = arrow::array::AsArray::as_string::<i32>(&users);
        users.iter().flatten().next().unwrap().to_string()
    };
    for question in [
        &["doctor", "JOB", "--quiet", "--format", "json"][..],
        &["gaps", "JOB", "--quiet", "--format", "json"],
        &["inspect", "JOB", "--quiet", "--format", "json", "--user", &user],
        &["inspect", "JOB", "--quiet", "--format", "json", "--user", &user, "--memory-limit", "200MiB"],
        &["run", "JOB", "--quiet", "--output", "o", "--dry-run"],
    ] {
        let ask = |job: &str| {
            let arguments: Vec<&str> = question.iter().map(|word| if *word == "JOB" { job } else { word }).collect();
            let ran = dwell(&sandbox, &arguments, &[]);
            ran.expect_code(0);
            ran.stdout.replace("s3://bucket", "data").replace("stored.toml", "job.toml")
        };
        assert_eq!(ask("stored.toml"), ask("job.toml"), "{question:?}");
    }
    for (job, output) in [("job.toml", "compared"), ("stored.toml", "compared_stored")] {
        write("other.toml", std::fs::read_to_string(sandbox.path().join(job)).unwrap().replace("30m", "5m"));
        let ran =
            dwell(&sandbox, &["compare", job, "other.toml", "--quiet", "--format", "json", "--output", output], &[]);
        ran.expect_code(0);
    }
    let compared = |name: &str| {
        let mut hashes = table_hashes(&sandbox.path().join(name));
        // It names the jobs.
        assert!(hashes.remove("comparison.json").is_some());
        hashes
    };
    assert_eq!(compared("compared"), compared("compared_stored"));
}

/// What a run over some paths read, as its record has it.
fn read(sandbox: &Sandbox, server: &Server, paths: &str, more: &str) -> (u64, u64) {
    sandbox.job(&format!("[input]\npath = {paths}\n{more}{}", server.keys()));
    let _ = std::fs::remove_dir_all(sandbox.out());
    dwell(sandbox, &["run", "job.toml", "--quiet", "--output", "out"], &[]).expect_code(0);
    let run = crate::support::read_run(&sandbox.out());
    (run["inputs"]["files"].as_u64().unwrap(), run["rows"].as_u64().unwrap())
}

#[test]
fn paths_in_a_bucket_mean_what_paths_mean() {
    let sandbox = Sandbox::new();
    copied(&sandbox, &sample(), "a/day=1");
    copied(&sandbox, &sample(), "a/day=2");
    copied(&sandbox, &sample(), "a/_tmp");
    std::fs::write(sandbox.path().join("data/a/notes.txt"), "x").unwrap();
    std::fs::write(sandbox.path().join("data/a/_SUCCESS"), "").unwrap();
    let server = Server::over(&sandbox.path().join("data"));
    let one = read(&sandbox, &server, "'s3://bucket/a/day=1/'", "");
    let two = (one.0 * 2, one.1 * 2);
    assert!(one.0 > 0 && one.1 > 0);
    for (paths, expected) in [
        ("'s3://bucket'", two),
        ("'s3://bucket/a'", two),
        ("'s3://bucket/a/'", two),
        ("'s3://bucket/*'", two),
        ("'s3://bucket/a/day=*/*/*.parquet'", two),
        ("'s3://bucket/**/*.parquet'", two),
        ("'s3://bucket/a/day=2'", one),
        ("['s3://bucket/a/day=2', 's3://bucket/a/day=2/*']", one),
        ("['s3://bucket/a/day=2', 'data/a/day=1']", two),
    ] {
        assert_eq!(read(&sandbox, &server, paths, ""), expected, "{paths}");
    }
    let file = first_file(&sandbox.path().join("data/a/day=1"));
    let key = file.strip_prefix(sandbox.path().join("data")).unwrap().to_str().unwrap().to_string();
    assert_eq!(read(&sandbox, &server, &format!("'s3://bucket/{key}'"), "").0, 1);
    assert_eq!(read(&sandbox, &server, &format!("'{}/bucket/{key}?sig=a/b'", server.url()), "").0, 1);
    assert_eq!(read(&sandbox, &server, "'s3://bucket/a'", "where = 'day = 2'\n"), one);
    assert_eq!(read(&sandbox, &server, "'s3://bucket/a/*/*/*'", "where = 'day = 2'\n"), one);
}

#[test]
fn nothing_is_asked_for_in_folders_that_are_ruled_out() {
    let sandbox = Sandbox::new();
    for day in 1..=9 {
        copied(&sandbox, &sample(), &format!("a/day={day}"));
    }
    let server = Server::over(&sandbox.path().join("data"));
    let all = read(&sandbox, &server, "'s3://bucket/a'", "");
    for (condition, days) in
        [("day = 2 AND user_id IS NOT NULL", 1), ("day IN (2, 9)", 2), ("day > 2", 7), ("user_id <> ''", 9)]
    {
        server.asked();
        let (files, rows) = read(&sandbox, &server, "'s3://bucket/a'", &format!("where = \"{condition}\"\n"));
        assert_eq!((files, rows), (all.0 / 9 * days, all.1 / 9 * days), "{condition}");
        let ruled_out = crate::support::read_run(&sandbox.out())["inputs"]["folders_ruled_out"].as_u64().unwrap();
        let asked = server.asked();
        let read = (1..=9).filter(|day| asked.iter().any(|asked| asked.key.contains(&format!("day={day}/"))));
        assert_eq!((read.count() as u64, ruled_out), (days, 9 - days), "{condition}");
    }
    let none = dwell(&sandbox, &["run", "job.toml", "--where", "day > 9", "--output", "none"], &[]);
    none.expect_code(2);
    assert!(none.stderr.contains("leaves no file to read: it rules out all 9 folders"), "{}", none.stderr);
}

#[test]
fn tables_of_lakes_are_refused_by_name() {
    let sandbox = Sandbox::new();
    copied(&sandbox, &sample(), "delta/day=1");
    copied(&sandbox, &sample(), "ice/data");
    for (name, text) in [("delta/_delta_log/0.json", "{}"), ("ice/metadata/v1.metadata.json", "{}")] {
        let path = sandbox.path().join("data").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let server = Server::over(&sandbox.path().join("data"));
    for (path, format) in [
        ("s3://bucket", "Delta Lake"),
        ("s3://bucket/delta", "without a version of a Delta table"),
        ("s3://bucket/delta/day=1", "Delta Lake"),
        ("s3://bucket/delta/day=*/*/*.parquet", "Delta Lake"),
        ("s3://bucket/ice", "Iceberg"),
        ("s3://bucket/ice/data", "Iceberg"),
    ] {
        sandbox.job(&format!("[input]\npath = '{path}'\n{}", server.keys()));
        let ran = dwell(&sandbox, &["run", "job.toml", "--quiet", "--output", "out"], &[]);
        ran.expect_code(2);
        assert!(ran.stderr.contains(format) && ran.stderr.contains("s3://bucket/"), "{path}: {}", ran.stderr);
    }
}
