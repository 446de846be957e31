//! What a run tells those who started it or watch it: metrics, lineage, messages to an orchestrator, exit codes, one line of
//! JSON; and the schema and manual that come with the program.

use crate::charts::{run_story, Happened};
use crate::support::{read_run, Ran, Sandbox};
use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;

const EVENTS: [Happened<'static>; 4] = [
    Happened("ann", "10:00", "view", &[("page", "A")]),
    Happened("ann", "10:05", "click", &[("page", "B")]),
    Happened("bob", "2026-01-06 11:00", "view", &[("page", "B")]),
    Happened("", "2026-01-06 11:10", "view", &[("page", "C")]),
];

/// A run of a sandbox's job with variables in its environment.
fn run_with(told: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_dwell"))
        .args(["run", "job.toml"])
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(told.path())
        .output()
        .unwrap();
    Ran {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The samples of a file of metrics by name and labels.
fn samples(told: &Sandbox) -> BTreeMap<String, f64> {
    let text = std::fs::read_to_string(told.path().join("m.prom")).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#')).map(|line| line.rsplit_once(' ').unwrap());
    samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

#[test]
fn metrics_say_what_a_run_did_and_how_it_ended() {
    let told = run_story(&EVENTS, "");
    run_with(&told, &["--metrics", "m.prom", "--quiet"], &[]).expect_code(0);
    let found = samples(&told);
    let fates = found.iter().filter(|(name, _)| name.starts_with("dwell_run_row_fates{"));
    assert_eq!(fates.map(|(_, rows)| rows).sum::<f64>(), 4.0);
    assert_eq!(found["dwell_run_rejected_rows{reason=\"no_user\"}"], 1.0);
    assert_eq!((found["dwell_run_sessions"], found["dwell_run_exit_code"]), (2.0, 0.0));
    assert_eq!(found["dwell_newest_date_timestamp_seconds"], 1_767_657_600.0, "2026-01-06");
    assert_eq!(found["dwell_run_table_rows{table=\"sessions\"}"], 2.0);
    // A run that fails says so, and what the tables are.
    run_with(&told, &["--metrics", "m.prom", "--min-sessions", "9"], &[]).expect_code(3);
    let failed = samples(&told);
    assert_eq!(failed["dwell_run_exit_code"], 3.0);
    assert!(failed.contains_key("dwell_newest_date_timestamp_seconds") && !failed.contains_key("dwell_run_sessions"));
    std::fs::write(told.path().join("job.toml"), "[input]\npth = 'x'\n").unwrap();
    run_with(&told, &["--metrics", "m.prom"], &[]).expect_code(2);
    assert_eq!(samples(&told)["dwell_run_exit_code"], 2.0);
    let ran = run_with(&told, &["--metrics", "no/folder/m.prom"], &[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("the metrics are not written"), "{}", ran.stderr);
}

#[test]
fn lineage_goes_to_a_file() {
    let told = run_story(&EVENTS, "");
    let to = |path: &'static str| {
        [
            ("OPENLINEAGE__TRANSPORT__TYPE", "file"),
            ("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", path),
            ("OPENLINEAGE__TRANSPORT__APPEND", "true"),
        ]
    };
    run_with(&told, &["--quiet"], &to("lineage.jsonl")).expect_code(0);
    run_with(&told, &["--quiet", "--min-sessions", "9"], &to("lineage.jsonl")).expect_code(3);
    let text = std::fs::read_to_string(told.path().join("lineage.jsonl")).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|event| event["eventType"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["START", "COMPLETE", "START", "FAIL"]);
    let sessions = events[1]["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|output| output["name"].as_str().unwrap().ends_with("/out/sessions"))
        .unwrap();
    assert_eq!(sessions["outputFacets"]["outputStatistics"]["rowCount"], 2);
    assert_eq!(sessions["facets"]["schema"]["fields"][0]["name"], "user_id");
    assert_eq!(events[1]["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"], 4);
    assert!(events[3]["run"]["facets"]["errorMessage"]["message"].as_str().unwrap().contains("--min-sessions"));
    // Nothing where nothing is asked for, and a wrong wish is a warning, not a failed run.
    run_with(&told, &["--quiet"], &[("OPENLINEAGE_DISABLED", "true"), ("OPENLINEAGE_URL", "http://127.0.0.1:9")])
        .expect_code(0);
    let ran = run_with(&told, &[], &[("OPENLINEAGE__TRANSPORT__TYPE", "kafka")]);
    ran.expect_code(0);
    assert!(ran.stderr.contains("kafka"), "{}", ran.stderr);
    assert_eq!(std::fs::read_dir(told.path()).unwrap().count(), 4, "job, data, out, lineage");
}

/// A variable as Dagster gives it.
fn packed(value: &Value) -> String {
    use std::io::Write;
    // base64 of zlib, by the tools of the system.
    let script =
        "import sys,zlib,base64;print(base64.b64encode(zlib.compress(sys.stdin.buffer.read())).decode(),end='')";
    let mut child = Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(value.to_string().as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn dagster_is_told_of_assets_checks_and_failures() {
    let told = run_story(&EVENTS, "");
    let messages = |assets: &[&str], arguments: &[&str], code: i32| -> Vec<Value> {
        let path = told.path().join("messages");
        let _ = std::fs::remove_file(&path);
        let context =
            serde_json::json!({ "data": { "asset_keys": assets, "extras": { "dwell_checks": ["max_rejected"] } } });
        let (context, to) = (packed(&context), packed(&serde_json::json!({ "path": path })));
        let variables = [("DAGSTER_PIPES_CONTEXT", context.as_str()), ("DAGSTER_PIPES_MESSAGES", to.as_str())];
        run_with(&told, arguments, &variables).expect_code(code);
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let methods = |messages: &[Value]| -> Vec<String> {
        let names = messages.iter().map(|message| message["method"].as_str().unwrap().to_owned());
        names.filter(|name| name != "log").collect()
    };
    let several = messages(&["shop/sessions", "shop/measures", "shop/other"], &["--max-rejected", "0.5"], 0);
    assert_eq!(
        methods(&several),
        ["opened", "report_asset_materialization", "report_asset_materialization", "report_asset_check", "closed"]
    );
    let made = several.iter().find(|message| message["params"]["asset_key"] == "shop/sessions").unwrap();
    assert_eq!(made["params"]["metadata"]["dagster/row_count"]["raw_value"], 2);
    assert_eq!(made["params"]["data_version"], read_run(&told.out())["fingerprint"]);
    let one = messages(&["everything"], &[], 0);
    assert_eq!(methods(&one), ["opened", "report_asset_materialization", "closed"]);
    assert_eq!(one[one.len() - 2]["params"]["metadata"]["sessions_rows"]["raw_value"], 2);
    let failed = messages(&["everything"], &["--max-rejected", "0.1"], 3);
    assert_eq!(methods(&failed), ["opened", "report_asset_check", "closed"]);
    let check = &failed[failed.len() - 2]["params"];
    assert!(check["passed"] == false && check["check_name"] == "max_rejected", "{check}");
    assert!(failed.last().unwrap()["params"]["exception"]["message"].as_str().unwrap().contains("--max-rejected"));
    let ran = run_with(&told, &[], &[("DAGSTER_PIPES_CONTEXT", "?")]);
    ran.expect_code(0);
    assert!(ran.stderr.contains("Dagster is told nothing of this run"), "{}", ran.stderr);
}

#[test]
fn a_scheduler_reads_one_line_and_may_choose_the_code_of_nothing_new() {
    let told = run_story(&EVENTS, "");
    let line = |ran: &Ran| -> Value {
        assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let ran = run_with(&told, &["--format", "json"], &[]);
    ran.expect_code(0);
    let said = line(&ran);
    assert!(said["sessions"] == 2 && said["nothing_new"] == false && said["dates"]["last"] == "2026-01-06", "{said}");
    assert_eq!(said["warnings"].as_array().unwrap().len(), 1, "one row was rejected: {said}");
    let ran =
        run_with(&told, &["--format", "json", "--incremental", "--exit-code-if-nothing-new", "99", "--quiet"], &[]);
    ran.expect_code(99);
    assert_eq!(line(&ran)["nothing_new"], true);
    run_with(&told, &["--incremental"], &[]).expect_code(0);
    run_with(&told, &["--exit-code-if-nothing-new", "99"], &[]).expect_code(2);
}

#[test]
fn a_warning_may_be_one_too_many() {
    let told = run_story(&EVENTS, "");
    let before = read_run(&told.out());
    let ran = run_with(&told, &["--fail-on-warning"], &[]);
    ran.expect_code(3);
    assert!(
        ran.stderr.contains("--fail-on-warning: the run warns of 1 thing") && ran.stderr.contains("were rejected"),
        "{}",
        ran.stderr
    );
    assert_eq!(read_run(&told.out()), before, "nothing has changed");
}

#[test]
fn the_schema_and_the_manual_come_with_the_program() {
    let sandbox = Sandbox::new();
    let ran = sandbox.dwell(&["schema"]);
    ran.expect_code(0);
    let schema: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(schema["properties"]["session"]["properties"]["timeout"]["examples"][0], "30m");
    let manual = sandbox.dwell(&["man"]);
    manual.expect_code(0);
    assert!(manual.stdout.contains(".TH dwell 1") && manual.stdout.contains("report"), "{}", manual.stdout);
    let of_run = sandbox.dwell(&["man", "run"]);
    assert!(
        of_run.stdout.contains(".TH dwell\\-run 1") || of_run.stdout.contains(".TH dwell-run 1"),
        "{}",
        &of_run.stdout[..200]
    );
    assert!(of_run.stdout.contains("max\\-rejected"));
    let wrong = sandbox.dwell(&["man", "rum"]);
    wrong.expect_code(2);
    assert!(wrong.stderr.contains("did you mean run?"), "{}", wrong.stderr);
}

#[test]
fn gaps_compare_and_doctor_have_pages_and_inspect_has_none() {
    let told = run_story(&EVENTS, "");
    std::fs::copy(told.path().join("job.toml"), told.path().join("b.toml")).unwrap();
    let other = std::fs::read_to_string(told.path().join("b.toml")).unwrap().replace("30m", "2m");
    std::fs::write(told.path().join("b.toml"), other).unwrap();
    let pages: [(&[&str], &[&str]); 3] = [
        (&["gaps", "job.toml"], &["How long users pause", "data-value=\"3\"", "1 gap"]),
        (
            &["compare", "job.toml", "b.toml"],
            &["2 sessions under A, 3 under B, 50.0 % more.", "session.timeout", "one of A is several of B"],
        ),
        (&["doctor", "job.toml"], &["What doctor finds", "rows that are in no session", "Is the data sound?"]),
    ];
    for (arguments, words) in pages {
        let ran = told.dwell(&[arguments, &["--format", "html"]].concat());
        ran.expect_code(0);
        assert!(ran.stdout.starts_with("<!DOCTYPE html>"), "{}", ran.stdout);
        for word in words.iter().filter(|word| **word != "Is the data sound?") {
            assert!(ran.stdout.contains(word), "{arguments:?}: {word}");
        }
        assert!(!ran.stdout.contains("http://") && !ran.stdout.contains("https://"), "nothing outside");
    }
    let ran = told.dwell(&["inspect", "job.toml", "--user", "ann", "--format", "html"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("inspect prints table, json or csv"), "{}", ran.stderr);
}

#[test]
fn charts_of_many_intervals_are_a_line_that_fits() {
    let days: Vec<String> =
        (1..=31).flat_map(|day| ["01", "02"].map(|month| format!("2026-{month}-{day:02} 12:00"))).collect();
    let days: Vec<String> = days
        .into_iter()
        .filter(|day| !["2026-02-29", "2026-02-30", "2026-02-31"].iter().any(|none| day.starts_with(none)))
        .collect();
    let names: Vec<String> = (0..9).map(|user| format!("u{user}")).collect();
    let mut events = Vec::new();
    for (place, day) in days.iter().enumerate() {
        events.extend(names.iter().take(1 + place % 9).map(|name| Happened(name, day, "view", &[])));
    }
    let told = run_story(&events, "");
    let ran = told.dwell(&["charts", "job.toml"]);
    ran.expect_code(0);
    let dots = ran.stdout.lines().filter(|line| line.chars().any(|sign| ('\u{2801}'..='\u{28ff}').contains(&sign)));
    assert!(dots.count() >= 3, "{}", ran.stdout);
    assert!(ran.stdout.contains("… 52 earlier ones are in measures.csv"), "{}", ran.stdout);
    assert!(ran.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ran.stdout);
}
