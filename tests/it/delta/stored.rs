//! Tables in a bucket: what is read of them, and by how many requests.

use super::deletions::{inline, with};
use super::log::{add, remove, Settings};
use crate::nightly::fixture::{day_file, folder, visits, TIMEOUT};
use crate::stores::dwell;
use crate::stores::server::{Asked, Server};
use crate::support::{table_hashes, Layout, Sandbox};
use serde_json::{json, Value};

/// A table in `data/lake` of four days, one of which it has removed, with deleted rows and a path that is a URL.
fn table(sandbox: &Sandbox) -> Vec<Value> {
    let name = |day: u32| format!("lake/city=a b%25/{}", day_file(day));
    let files = (1..=5).map(|day| {
        sandbox.events(&name(day), &Layout::default(), &visits(day));
        let mut file = add(sandbox, &name(day), json!({"city": "a b%"}));
        file["add"]["path"] = json!(format!("city=a%20b%2525/{}", day_file(day)));
        file
    });
    let mut files: Vec<Value> = files.collect();
    files[2] = with(files[2].clone(), &inline(&[0, 9]));
    files[3]["add"]["path"] = json!(format!("s3a://bucket/lake/city=a%20b%2525/{}", day_file(4)));
    files
}

fn commit(sandbox: &Sandbox, version: u64, lines: &[Value]) {
    let path = sandbox.path().join(format!("data/lake/_delta_log/{version:020}.json"));
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, lines.iter().map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

fn laid_out(sandbox: &Sandbox) -> Vec<Value> {
    let settings = Settings::ordinary().by("city", "string").with_features(&["deletionVectors"]);
    let files = table(sandbox);
    commit(sandbox, 0, &[settings.lines(), files.clone()].concat());
    commit(sandbox, 1, &[remove(files[1]["add"]["path"].as_str().unwrap())]);
    files
}

fn run(sandbox: &Sandbox, server: &Server, url: &str, flags: &[&str]) -> Vec<Asked> {
    let of_job = "where = \"city = 'a b%'\"\n[session]\ntimeout = '30m'\n[output]\ntimezone = 'UTC'\n";
    sandbox.job(&format!("[input]\npath = '{url}'\n{of_job}{}", server.keys()));
    let before = server.asked().len();
    dwell(sandbox, &[&["run", "job.toml", "--quiet", "--output", "out"], flags].concat(), &[]).expect_code(0);
    server.asked().split_off(before.min(server.asked().len()))
}

/// The same rows as plain files, as a run over them makes them.
fn expected(sandbox: &Sandbox, days: &[(u32, &[u64])]) -> std::collections::BTreeMap<String, (usize, u64)> {
    let plain = sandbox.path().join("plain");
    let _ = std::fs::remove_dir_all(&plain);
    for (day, deleted) in days {
        let path = plain.join("city=a b%25").join(day_file(*day));
        crate::support::write_events(&path, &Layout::default(), &super::deletions::without(&visits(*day), deleted));
    }
    sandbox.job(
        "[input]\npath = 'plain'\nwhere = \"city = 'a b%'\"\n[session]\ntimeout = '30m'\n[output]\ntimezone = 'UTC'\n",
    );
    let out = sandbox.path().join("of_plain");
    let _ = std::fs::remove_dir_all(&out);
    sandbox.ends(0, &["--output", "of_plain"]);
    table_hashes(&out)
}

#[test]
fn a_table_in_a_bucket_is_read_as_on_the_disk_and_nothing_twice() {
    let sandbox = folder(TIMEOUT);
    laid_out(&sandbox);
    let expected = expected(&sandbox, &[(1, &[]), (3, &[0, 9]), (4, &[]), (5, &[])]);
    let server = Server::over(&sandbox.path().join("data"));
    let asked = run(&sandbox, &server, "s3://bucket/lake", &[]);
    assert_eq!(table_hashes(&sandbox.out()), expected);
    // One listing, in pages.
    let is_first = |asked: &&Asked| asked.is_listing() && asked.query("continuation-token").is_none();
    assert_eq!(asked.iter().filter(is_first).count(), 1);
    let mut read: Vec<(&str, &Option<String>)> =
        asked.iter().filter(|asked| !asked.is_listing()).map(|asked| (asked.key.as_str(), &asked.range)).collect();
    // Two commits and four files, each small enough for one request.
    assert_eq!(read.len(), 6, "{read:?}");
    read.sort();
    read.dedup();
    assert_eq!(read.len(), 6);
    assert!(!read.iter().any(|(key, _)| key.contains(&day_file(2))), "{read:?}");
    assert!(asked.iter().filter(|asked| !asked.is_listing()).all(|asked| asked.if_match.is_some()));
}

#[test]
fn a_night_over_a_table_in_a_bucket_reads_its_log_and_what_is_new() {
    let sandbox = folder(TIMEOUT);
    let files = laid_out(&sandbox);
    let server = Server::over(&sandbox.path().join("data"));
    run(&sandbox, &server, "s3://bucket/lake/", &["--incremental"]);
    let asked = run(&sandbox, &server, "s3://bucket/lake/", &["--incremental"]);
    let data = |asked: &[Asked]| asked.iter().filter(|asked| asked.key.ends_with(".parquet")).count();
    assert_eq!(data(&asked), 0);
    // One file is removed, of another more rows are.
    let path = |place: usize| files[place]["add"]["path"].as_str().unwrap();
    let mut before = remove(path(2));
    before["remove"]["deletionVector"] = files[2]["add"]["deletionVector"].clone();
    commit(&sandbox, 2, &[remove(path(0)), before, with(files[2].clone(), &inline(&[0, 4, 9]))]);
    run(&sandbox, &server, "s3://bucket/lake", &["--incremental"]);
    assert_eq!(
        (sandbox.told("files", "gone"), sandbox.told("files", "changed"), sandbox.told("files", "same")),
        (1, 1, 2)
    );
    let hashes = table_hashes(&sandbox.out());
    assert_eq!(hashes, expected(&sandbox, &[(3, &[0, 4, 9]), (4, &[]), (5, &[])]));
}

#[test]
fn parts_of_tables_in_buckets_and_files_elsewhere_are_named() {
    let sandbox = folder(TIMEOUT);
    let files = laid_out(&sandbox);
    let server = Server::over(&sandbox.path().join("data"));
    let fails = |url: &str, code: i32, words: &[&str]| {
        sandbox.job(&format!("[input]\npath = '{url}'\n{}", server.keys()));
        let ran = dwell(&sandbox, &["run", "job.toml", "--quiet", "--output", "out"], &[]);
        ran.expect_code(code);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} in: {}", ran.stderr);
        }
    };
    for url in ["s3://bucket", "s3://bucket/lake/*/*.parquet", "s3://bucket/lake/city=a b%25"] {
        fails(url, 2, &["s3://bucket/lake", "is a Delta Lake table", "name the table itself"]);
    }
    let mut elsewhere = files[0].clone();
    elsewhere["add"]["path"] = json!("s3://another/a.parquet");
    commit(&sandbox, 2, &[elsewhere]);
    fails("s3://bucket/lake", 2, &["s3://another/a.parquet", "shallow clone"]);
    let mut missing = files[0].clone();
    missing["add"]["path"] = json!("gone.parquet");
    commit(&sandbox, 2, &[missing]);
    fails("s3://bucket/lake", 1, &["s3://bucket/lake/gone.parquet", "is not there"]);
}
