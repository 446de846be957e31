//! Tables in a bucket: those of a local folder, whatever happens on the way there.

use super::server::{Asked, Fault, Server};
use super::{command, dwell};
use crate::support::{table_hashes, write_batch, Ran, Sandbox};
use arrow::array::{ArrayRef, Int64Array, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

type Hashes = BTreeMap<String, (usize, u64)>;

/// Writes a file of a few events of one date.
fn write(sandbox: &Sandbox, day: i64) {
    const ROWS: i64 = 30;
    let times = (0..ROWS).map(|row| 1_767_225_600_000_000 + day * 86_400_000_000 + row * 700_000_000);
    let columns: [(&str, ArrayRef); 2] = [
        ("user_id", Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| row % 3)))),
        ("event_time", Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))),
    ];
    let path = sandbox.path().join(format!("data/{day}.parquet"));
    write_batch(&path, 50, &RecordBatch::try_from_iter(columns).unwrap());
}

/// A sandbox with events of two dates, and an empty bucket.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    (0..2).for_each(|day| write(&sandbox, day));
    std::fs::create_dir(sandbox.path().join("bucket")).unwrap();
    sandbox
}

fn bucket(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join("bucket")
}

/// A job into the bucket, named after its copy.
fn job(sandbox: &Sandbox, server: &Server, name: &str, timeout: &str) -> String {
    let text = format!(
        "[input]\npath = 'data'\n[session]\ntimeout = '{timeout}'\n[output]\npath = 's3://bucket/out/'\ncopy = 'copy-{name}'\n{}",
        server.keys()
    );
    let file = format!("{name}.toml");
    std::fs::write(sandbox.path().join(&file), text).unwrap();
    file
}

fn run(sandbox: &Sandbox, server: &Server, name: &str, flags: &[&str]) -> Ran {
    let job = job(sandbox, server, name, "30m");
    dwell(sandbox, &[&["run", &job, "--quiet"], flags].concat(), &[])
}

fn local(sandbox: &Sandbox, flags: &[&str]) -> Hashes {
    let arguments = ["run", "--input", "data", "--timeout", "30m", "--quiet", "--output", "local"];
    dwell(sandbox, &[&arguments, flags].concat(), &[]).expect_code(0);
    table_hashes(&sandbox.path().join("local"))
}

fn stored(sandbox: &Sandbox) -> Hashes {
    let out = bucket(sandbox).join("out");
    if out.exists() {
        table_hashes(&out)
    } else {
        Hashes::new()
    }
}

fn changes(asked: &Asked) -> bool {
    asked.method == "PUT" || asked.method == "DELETE"
}

#[test]
fn tables_in_a_bucket_are_those_of_a_folder() {
    let sandbox = sandbox();
    let server = Server::over(&bucket(&sandbox));
    run(&sandbox, &server, "a", &["--incremental"]).expect_code(0);
    assert_eq!(stored(&sandbox), local(&sandbox, &[]));
    let first = server.asked();
    let files = first.iter().filter(|asked| asked.method == "PUT" && asked.key.contains("/stage/")).count() - 3;
    let placed = first.iter().filter(|asked| asked.method == "PUT" && !asked.key.contains("/stage/")).count() - 2;
    assert_eq!(files, placed, "each is staged and placed once");
    assert!(!bucket(&sandbox).join("out/_dwell/stage").exists());
    write(&sandbox, 2);
    run(&sandbox, &server, "a", &["--incremental"]).expect_code(0);
    assert_eq!(stored(&sandbox), local(&sandbox, &[]));
    let night: Vec<Asked> = server.asked();
    let stage = |asked: &&Asked| asked.key.contains("/stage/");
    let changed = night.iter().filter(|asked| asked.method == "PUT").filter(stage).count();
    let deleted = night.iter().filter(|asked| asked.method == "DELETE").count();
    assert_eq!(deleted, changed, "what was staged goes");
    // Listings come in pages of three here.
    let others = night.iter().filter(|asked| !asked.is_listing()).count();
    assert!(others <= 3 * changed + 10, "{others} requests for {changed} files");
    // Another machine, without a copy; and then dates that are no more.
    std::fs::remove_file(sandbox.path().join("data/2.parquet")).unwrap();
    run(&sandbox, &server, "b", &["--incremental", "--allow-removed"]).expect_code(0);
    assert_eq!(stored(&sandbox), local(&sandbox, &[]));
    // The first machine finds that its copy is old.
    run(&sandbox, &server, "a", &["--incremental"]).expect_code(0);
    assert_eq!(stored(&sandbox), local(&sandbox, &[]));
    assert!(!bucket(&sandbox).join("out/sessions/session_date=2026-01-03").exists());
}

#[test]
fn what_is_asked_of_tables_in_a_bucket_is_what_a_folder_answers() {
    let sandbox = sandbox();
    let server = Server::over(&bucket(&sandbox));
    run(&sandbox, &server, "a", &[]).expect_code(0);
    local(&sandbox, &[]);
    let chart = "\n[[chart]]\nname = \"x\"\ncount = \"sessions\"\ninterval = \"day\"\n";
    let of_store = job(&sandbox, &server, "b", "30m");
    for (file, output) in [("local.toml", "[output]\npath = 'local'\n".to_string()), (&of_store, String::new())] {
        let before = std::fs::read_to_string(sandbox.path().join(file)).unwrap_or_default();
        std::fs::write(sandbox.path().join(file), format!("{before}{output}{chart}")).unwrap();
        dwell(&sandbox, &["charts", file, "--quiet"], &[]).expect_code(0);
    }
    assert_eq!(stored(&sandbox), table_hashes(&sandbox.path().join("local")));
    assert!(stored(&sandbox).contains_key("measures.parquet"));
    for question in [&["history"][..], &["dbt"], &["report", "--output", "-"]] {
        let ask = |job: &str| {
            let ran = dwell(&sandbox, &[&question[..1], &[job], &question[1..]].concat(), &[]);
            ran.expect_code(0);
            ran.stdout
        };
        let (in_store, in_folder) = (ask(&of_store), ask("local.toml"));
        let folder = sandbox.path().join("local").canonicalize().unwrap();
        let expected = in_folder.replace(folder.to_str().unwrap(), "s3://bucket/out");
        match question[0] {
            // Runs of other times.
            "history" => assert_eq!(in_store.lines().count(), expected.lines().count()),
            "report" => assert!(in_store.contains("30 ") || !in_store.is_empty()),
            _ => assert_eq!(in_store, expected),
        }
    }
}

#[test]
fn tables_are_told_by_their_url() {
    let sandbox = sandbox();
    let server = Server::over(&bucket(&sandbox));
    let file = job(&sandbox, &server, "a", "30m");
    let empty = dwell(&sandbox, &["history", &file], &[]);
    empty.expect_code(2);
    assert!(empty.stderr.contains("no tables in \"s3://bucket/out\""), "{}", empty.stderr);
    let ran = dwell(&sandbox, &["run", &file], &[]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("in s3://bucket/out\n") && !ran.stdout.contains("copy-a"), "{}", ran.stdout);
    let other = job(&sandbox, &server, "a", "5m");
    let refused = dwell(&sandbox, &["run", &other, "--quiet"], &[]);
    refused.expect_code(2);
    assert!(refused.stderr.contains("\"s3://bucket/out\" were made under another definition"), "{}", refused.stderr);
    let dry = dwell(&sandbox, &["run", &other, "--dry-run"], &[]);
    assert!(dry.stdout.contains("s3://bucket/out") && !dry.stdout.contains("copy-a"), "{}", dry.stdout);
}

#[test]
fn a_prefix_with_something_else_is_refused() {
    let sandbox = sandbox();
    std::fs::create_dir(bucket(&sandbox).join("out")).unwrap();
    std::fs::write(bucket(&sandbox).join("out/mine.csv"), "x").unwrap();
    let server = Server::over(&bucket(&sandbox));
    let ran = run(&sandbox, &server, "a", &[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("not empty and not dwell's") && ran.stderr.contains("mine.csv"), "{}", ran.stderr);
    assert!(!server.asked().iter().any(changes), "nothing is written");
    // Its own tables are no events.
    let job = format!(
        "[input]\npath = 's3://bucket'\n[session]\ntimeout = '30m'\n[output]\npath = 's3://bucket/tables'\n{}",
        server.keys()
    );
    std::fs::copy(sandbox.path().join("data/0.parquet"), bucket(&sandbox).join("0.parquet")).unwrap();
    sandbox.job(&job);
    let ran = dwell(&sandbox, &["run", "job.toml", "--quiet"], &[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("s3://bucket/tables") && ran.stderr.contains("outside"), "{}", ran.stderr);
    sandbox.job(&job.replace("'s3://bucket'", "'S3://bucket'"));
    dwell(&sandbox, &["run", "job.toml", "--quiet"], &[]).expect_code(2);
}

#[test]
fn a_copy_is_a_folder_of_its_own() {
    let sandbox = sandbox();
    let server = Server::over(&bucket(&sandbox));
    run(&sandbox, &server, "a", &[]).expect_code(0);
    let mine = sandbox.path().join("copy-b/photos");
    std::fs::create_dir_all(&mine).unwrap();
    std::fs::write(mine.join("one.jpg"), "x").unwrap();
    local(&sandbox, &[]);
    std::fs::rename(sandbox.path().join("local"), sandbox.path().join("copy-c")).unwrap();
    for (copy, example) in [("b", "photos"), ("c", "activity")] {
        let file = job(&sandbox, &server, copy, "30m");
        for command in [&["history"][..], &["run", "--quiet"]] {
            let ran = dwell(&sandbox, &[&command[..1], &[&file], &command[1..]].concat(), &[]);
            ran.expect_code(2);
            assert!(ran.stderr.contains("`output.copy`") && ran.stderr.contains(example), "{}", ran.stderr);
        }
    }
    assert!(mine.join("one.jpg").exists() && sandbox.path().join("copy-c/sessions").exists());
    // The input is no copy either.
    let text = std::fs::read_to_string(sandbox.path().join("a.toml")).unwrap().replace("copy-a", "data");
    sandbox.job(&text);
    dwell(&sandbox, &["run", "job.toml", "--quiet"], &[]).expect_code(2);
    assert!(sandbox.path().join("data/0.parquet").exists());
}

#[test]
fn tables_that_are_removed_or_left_in_the_bucket_are_mended() {
    let sandbox = sandbox();
    let server = Server::over(&bucket(&sandbox));
    run(&sandbox, &server, "a", &["--incremental"]).expect_code(0);
    let expected = stored(&sandbox);
    let sessions = bucket(&sandbox).join("out/sessions");
    for flags in [&["--incremental"][..], &[]] {
        std::fs::remove_dir_all(&sessions).unwrap();
        let stray = bucket(&sandbox).join("out/activity/activity_date=2027-01-01/part-0.parquet");
        std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
        std::fs::write(&stray, "x").unwrap();
        run(&sandbox, &server, "a", flags).expect_code(0);
        assert_eq!(stored(&sandbox), expected, "{flags:?}");
    }
    // A file that somebody replaced is told by its ETag.
    let file = sessions.join("session_date=2026-01-01/part-0.parquet");
    std::fs::copy(sandbox.path().join("data/0.parquet"), &file).unwrap();
    run(&sandbox, &server, "a", &[]).expect_code(0);
    assert_eq!(stored(&sandbox), expected);
}

/// Faults that pass, played twice for each thing that is asked.
#[test]
fn faults_that_pass_change_nothing() {
    let faults: [(&str, Fault); 5] = [
        ("slow down", Fault::Error(503, "SlowDown")),
        ("conflict", Fault::Error(409, "ConditionalRequestConflict")),
        ("done, but told otherwise", Fault::Done(500, "InternalError")),
        ("done, but no answer", Fault::Done(503, "SlowDown")),
        ("cut", Fault::Cut),
    ];
    for (name, fault) in faults {
        let sandbox = sandbox();
        let played: Mutex<BTreeMap<String, usize>> = Mutex::default();
        let server = Server::with_faults(&bucket(&sandbox), move |asked, _| {
            let mut played = played.lock().unwrap();
            let times = played.entry(format!("{} {} {:?}", asked.method, asked.key, asked.query)).or_default();
            *times += 1;
            Some(fault.clone()).filter(|_| *times <= 2)
        });
        for _ in 0..2 {
            let ran = run(&sandbox, &server, "a", &["--incremental"]);
            assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
            assert_eq!(stored(&sandbox), local(&sandbox, &[]), "{name}");
            write(&sandbox, 5);
        }
    }
}

/// What happens at the moment of a request that changes something; each is counted.
struct Moments {
    left: AtomicUsize,
    child: Mutex<Option<Child>>,
}

/// A run is killed at each request that changes something, and the next one leaves what there is without a kill.
#[test]
fn a_run_killed_at_any_moment_is_undone_or_completed() {
    let mut decided = 0;
    for moment in 1.. {
        let sandbox = sandbox();
        let quiet = Server::over(&bucket(&sandbox));
        run(&sandbox, &quiet, "before", &["--incremental"]).expect_code(0);
        let old = stored(&sandbox);
        write(&sandbox, 2);
        std::fs::remove_file(sandbox.path().join("data/0.parquet")).unwrap();
        let flags = ["--incremental", "--allow-removed"];
        let new = local(&sandbox, &[]);
        let moments = Arc::new(Moments { left: AtomicUsize::new(moment), child: Mutex::default() });
        let of_server = Arc::clone(&moments);
        let server = Server::with_faults(&bucket(&sandbox), move |asked, _| {
            let is_over = changes(asked) && of_server.left.fetch_sub(1, Ordering::SeqCst) == 1;
            if is_over {
                let mut child = of_server.child.lock().unwrap();
                child.as_mut().unwrap().kill().unwrap();
                child.as_mut().unwrap().wait().unwrap();
            }
            // Half of them were carried out.
            is_over.then_some(if moment % 2 == 0 { Fault::Done(500, "X") } else { Fault::Error(500, "X") })
        });
        let file = job(&sandbox, &server, "killed", "30m");
        let mut command = command(&sandbox, &[&["run", &file, "--quiet"][..], &flags].concat(), &[]);
        {
            // The first request waits for it.
            let mut child = moments.child.lock().unwrap();
            *child = Some(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        }
        let status = loop {
            if let Some(status) = moments.child.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
                break status;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        };
        if status.success() {
            assert!(moment > 20 && decided > 10, "{moment} moments, {decided} of them decided");
            assert_eq!(stored(&sandbox), new);
            return;
        }
        // Each file is that of one run or of the other.
        let killed = stored(&sandbox);
        for (name, hash) in &killed {
            assert!(old.get(name) == Some(hash) || new.get(name) == Some(hash), "moment {moment}: {name}");
        }
        let is_decided = std::fs::read_to_string(bucket(&sandbox).join("out/_dwell/state.json")).unwrap();
        let is_decided = !is_decided.contains("\"pending\": null");
        decided += usize::from(is_decided);
        assert!(is_decided || killed == old || killed == new, "moment {moment}: undecided and mixed");
        // Whoever reads sees what was decided, whole.
        let file = job(&sandbox, &quiet, "reader", "30m");
        dwell(&sandbox, &["history", &file], &[]).expect_code(0);
        let seen = table_hashes(&sandbox.path().join("copy-reader"));
        assert_eq!(seen == new, is_decided || killed == new, "moment {moment}");
        assert!(seen == old || seen == new, "moment {moment}");
        // The next run needs nothing but the bucket.
        run(&sandbox, &quiet, "next", &flags).expect_code(0);
        assert_eq!(stored(&sandbox), new, "moment {moment}");
        assert!(!bucket(&sandbox).join("out/_dwell/stage").exists(), "moment {moment}: staged files are left");
    }
}

/// A run that is held up at a request that changes something, while another one does all that it does, changes nothing of it.
#[test]
fn a_run_that_is_overtaken_at_any_moment_changes_nothing() {
    let mut lost = 0;
    for moment in 1.. {
        let sandbox = Arc::new(sandbox());
        let quiet = Arc::new(Server::over(&bucket(&sandbox)));
        run(&sandbox, &quiet, "before", &["--incremental"]).expect_code(0);
        write(&sandbox, 2);
        let left = AtomicUsize::new(moment);
        let expected: Arc<Mutex<Option<Hashes>>> = Arc::default();
        let (of_server, other, hashes) = (Arc::clone(&sandbox), Arc::clone(&quiet), Arc::clone(&expected));
        let server = Server::with_faults(&bucket(&sandbox), move |asked, _| {
            if changes(asked) && left.fetch_sub(1, Ordering::SeqCst) == 1 {
                write(&of_server, 3);
                run(&of_server, &other, "other", &["--incremental"]).expect_code(0);
                *hashes.lock().unwrap() = Some(local(&of_server, &[]));
            }
            None
        });
        let ran = run(&sandbox, &server, "held", &["--incremental"]);
        let Some(expected) = expected.lock().unwrap().take() else {
            assert!(moment > 15 && lost > 3, "{moment} moments, {lost} of them lost");
            return;
        };
        assert_eq!(stored(&sandbox), expected, "moment {moment}: {:?} {}", ran.code, ran.stderr);
        if ran.code != Some(0) {
            lost += 1;
            assert_eq!(ran.code, Some(1), "{}", ran.stderr);
            assert!(ran.stderr.contains("was quicker (process "), "{}", ran.stderr);
        }
        // What is there goes on.
        run(&sandbox, &quiet, "next", &["--incremental"]).expect_code(0);
        assert_eq!(stored(&sandbox), expected, "moment {moment}");
    }
}

#[test]
fn a_store_that_does_not_keep_conditions_is_refused() {
    let sandbox = sandbox();
    let server = Server::over(&bucket(&sandbox)).without_conditions();
    let ran = run(&sandbox, &server, "a", &[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("conditional writes") && ran.stderr.contains("sync"), "{}", ran.stderr);
    assert!(!Path::new(&bucket(&sandbox).join("out/sessions")).exists());
}

#[test]
fn what_is_refused_is_told_with_the_permission() {
    let sandbox = sandbox();
    for (method, words) in [("PUT", "s3:PutObject"), ("GET", "s3:GetObject")] {
        let server = Server::with_faults(&bucket(&sandbox), move |asked, _| {
            (asked.method == method && !asked.is_listing()).then_some(Fault::Error(403, "AccessDenied"))
        });
        let ran = run(&sandbox, &server, "a", &[]);
        ran.expect_code(1);
        assert!(ran.stderr.contains(words) && ran.stderr.contains("s3://bucket/out/"), "{}", ran.stderr);
        assert!(stored(&sandbox).is_empty());
    }
}
