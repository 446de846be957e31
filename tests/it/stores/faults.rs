//! Requests that go wrong: what passes changes nothing, what stays is told, and nothing is left half-written.

use super::dwell;
use super::server::{Asked, Fault, Server};
use crate::support::{table_hashes, Ran, Sandbox};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

/// A sandbox with the sample as a bucket's files.
pub fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events");
    copy(&sample, &sandbox.path().join("data"));
    sandbox
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

pub fn run(sandbox: &Sandbox, server: &Server, more: &str) -> Ran {
    sandbox.job(&format!("[input]\npath = 's3://bucket'\n[session]\ntimeout = '30m'\n{}{more}", server.keys()));
    dwell(sandbox, &["run", "job.toml", "--quiet", "--output", "out"], &[])
}

fn expected(sandbox: &Sandbox) -> BTreeMap<String, (usize, u64)> {
    let arguments = ["run", "--input", "data", "--timeout", "30m", "--quiet", "--output", "local"];
    dwell(sandbox, &arguments, &[]).expect_code(0);
    table_hashes(&sandbox.path().join("local"))
}

/// Plays a fault the first two times that something is asked for.
fn twice(fault: impl Fn(&Asked) -> Option<Fault> + Send + Sync + 'static) -> impl Fn(&Asked, usize) -> Option<Fault> {
    let played: Mutex<BTreeMap<String, usize>> = Mutex::default();
    move |asked, _| {
        let mut played = played.lock().unwrap();
        let times = played.entry(format!("{} {:?} {:?}", asked.key, asked.range, asked.query)).or_default();
        *times += 1;
        fault(asked).filter(|_| *times <= 2)
    }
}

#[test]
fn what_passes_changes_nothing() {
    let sandbox = sandbox();
    let expected = expected(&sandbox);
    type Play = fn(&Asked) -> Option<Fault>;
    let faults: [(&str, Play); 6] = [
        ("slow down", |_| Some(Fault::Error(503, "SlowDown"))),
        ("too many", |_| Some(Fault::Error(429, "TooManyRequests"))),
        ("broken inside", |_| Some(Fault::Error(500, "InternalError"))),
        ("cut", |_| Some(Fault::Cut)),
        ("short", |asked| Some(Fault::Short).filter(|_| !asked.is_listing())),
        ("late", |_| Some(Fault::Late(Duration::from_millis(100)))),
    ];
    for (name, fault) in faults {
        let server = Server::with_faults(&sandbox.path().join("data"), twice(fault));
        let ran = run(&sandbox, &server, "");
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
        assert_eq!(table_hashes(&sandbox.out()), expected, "{name}");
        std::fs::remove_dir_all(sandbox.out()).unwrap();
    }
}

#[test]
fn what_stays_ends_the_run_and_leaves_the_tables_as_they_were() {
    let sandbox = sandbox();
    let data = sandbox.path().join("data");
    run(&sandbox, &Server::over(&data), "").expect_code(0);
    let before = table_hashes(&sandbox.out());
    type Lasting = (&'static str, fn(&Asked) -> bool, Fault, i32, &'static [&'static str]);
    let faults: [Lasting; 5] = [
        (
            "listing denied",
            Asked::is_listing,
            Fault::Error(403, "AccessDenied"),
            1,
            &["s3:ListBucket", "arn:aws:s3:::bucket"],
        ),
        (
            "reading denied",
            |asked| !asked.is_listing(),
            Fault::Error(403, "AccessDenied"),
            1,
            &["s3:GetObject", ".parquet"],
        ),
        ("clock", |_| true, Fault::Error(403, "RequestTimeTooSkewed"), 1, &["clock of this machine"]),
        (
            "changed",
            |asked| asked.if_match.is_some(),
            Fault::Error(412, "PreconditionFailed"),
            1,
            &["changed while it was read", ".parquet"],
        ),
        (
            "vanished",
            |asked| asked.if_match.is_some(),
            Fault::Error(404, "NoSuchKey"),
            1,
            &["vanished while it was read", ".parquet"],
        ),
    ];
    for (name, is_meant, fault, code, words) in faults {
        let server = Server::with_faults(&data, move |asked, _| is_meant(asked).then(|| fault.clone()));
        let ran = run(&sandbox, &server, "");
        assert_eq!(ran.code, Some(code), "{name}: {}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "{name}: {}", ran.stderr);
        }
        assert_eq!(table_hashes(&sandbox.out()), before, "{name}");
    }
}

#[test]
fn an_object_that_is_replaced_while_it_is_read_is_named() {
    let sandbox = sandbox();
    let data = sandbox.path().join("data");
    let root = data.clone();
    let replaced = Mutex::new(false);
    let server = Server::with_faults(&data, move |asked, _| {
        let mut replaced = replaced.lock().unwrap();
        // Once a footer is read, another file comes in its place.
        if !*replaced && asked.if_match.is_some() && !asked.is_listing() {
            *replaced = true;
            let path = root.join(&asked.key);
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).unwrap();
        }
        None
    });
    let ran = run(&sandbox, &server, "");
    ran.expect_code(1);
    assert!(ran.stderr.contains("changed while it was read") && ran.stderr.contains("s3://bucket/"), "{}", ran.stderr);
    assert!(!sandbox.out().join("sessions").exists());
}

#[test]
fn a_service_that_stays_away_is_given_up_in_time() {
    let sandbox = sandbox();
    let server = Server::with_faults(&sandbox.path().join("data"), |_, _| Some(Fault::Error(503, "SlowDown")));
    sandbox.job(&format!(
        "[input]\npath = 's3://bucket'\n{}",
        server.keys().replace("retry_timeout = '20s'", "retry_timeout = '1s'")
    ));
    let begun = std::time::Instant::now();
    let ran = dwell(&sandbox, &["run", "job.toml", "--quiet", "--output", "out"], &[]);
    ran.expect_code(1);
    assert!(ran.stderr.contains("503 SlowDown") && ran.stderr.contains("attempts"), "{}", ran.stderr);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
