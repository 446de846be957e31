//! `dwell init`: the job that it writes names the columns that are there, and runs.

use crate::cells::{ints, table, texts, times};
use crate::support::{at_ms, read_run, write_batch, Ran, Sandbox};
use arrow::array::RecordBatch;

fn over(batch: &RecordBatch) -> Sandbox {
    let sandbox = Sandbox::new();
    write_batch(&sandbox.path().join("data/events.parquet"), 1000, batch);
    sandbox
}

impl Sandbox {
    fn init(&self, flags: &[&str]) -> Ran {
        self.dwell(&[&["init", "--input", "data"], flags].concat())
    }

    /// The job that was written, without comments.
    fn keys(&self) -> toml::Table {
        std::fs::read_to_string(self.path().join("dwell.toml")).unwrap().parse().unwrap()
    }
}

const CLOCKS: [&str; 4] = ["10:00", "10:04", "10:05", "14:00"];

#[test]
fn columns_are_found_by_usual_names_and_the_job_runs() {
    let sandbox = over(&table([
        ("deviceId", texts(["d"; 4])),
        ("UserID", texts(["ann"; 4])),
        ("ts", ints(CLOCKS.map(at_ms))),
        ("received_at", times(CLOCKS)),
        ("eventName", texts(["view"; 4])),
        ("eventID", ints([17; 4])),
        ("messageId", texts(["1", "2", "2", "3"])),
    ]));
    let ran = sandbox.init(&[]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("dwell.toml is written, for 4 rows in one file"), "{}", ran.stdout);
    let keys = sandbox.keys();
    let input = keys["input"].as_table().unwrap();
    let named = |key: &str| input[key].as_str().unwrap();
    assert_eq!(
        ["user", "time", "time_unit", "event", "dedup"].map(named),
        ["UserID", "ts", "ms", "eventName", "messageId"]
    );
    assert_eq!(keys["session"]["timeout"].as_str(), Some("30m"));
    let text = std::fs::read_to_string(sandbox.path().join("dwell.toml")).unwrap();
    assert!(text.contains("also there: deviceId") && text.contains("also there: received_at"), "{text}");

    sandbox.dwell(&["run"]).expect_code(0);
    let record = read_run(&sandbox.path().join("sessions"));
    assert_eq!((&record["sessions"], &record["duplicates"]), (&2.into(), &1.into()));
}

#[test]
fn units_of_times_are_those_of_this_century() {
    for (unit, of_ms) in [("s", 0.001), ("ms", 1.0), ("us", 1e3), ("ns", 1e6)] {
        let count = |clock| (at_ms(clock) as f64 * of_ms) as i64;
        let sandbox = over(&table([("user_id", texts(["ann"; 4])), ("time", ints(CLOCKS.map(count)))]));
        sandbox.init(&[]).expect_code(0);
        assert_eq!(sandbox.keys()["input"]["time_unit"].as_str(), Some(unit));
    }
}

#[test]
fn session_ids_define_sessions_where_they_are_there() {
    let events = [
        ("user_id", texts(["ann"; 4])),
        ("event_time", times(CLOCKS)),
        ("session_id", ints(["10:00", "10:00", "10:00", "14:00"].map(at_ms))),
    ];
    let sandbox = over(&table(events));
    sandbox.init(&["--output", "tables", "--timezone", "Europe/Paris"]).expect_code(0);
    assert!(!sandbox.keys().contains_key("session"));
    sandbox.dwell(&["run"]).expect_code(0);
    let record = read_run(&sandbox.path().join("tables"));
    assert_eq!(record["sessions"], 2);
    assert_eq!(record["definition"]["output.timezone"], "Europe/Paris");
}

#[test]
fn an_export_gets_the_preset_of_its_tool() {
    let sandbox = over(&table([
        ("amplitude_id", ints([77; 4])),
        ("session_id", ints([1; 4])),
        ("event_type", texts(["view"; 4])),
        ("client_event_time", times(CLOCKS)),
    ]));
    sandbox.init(&[]).expect_code(0);
    let keys = sandbox.keys();
    assert_eq!(keys["input"]["source"].as_str(), Some("amplitude"));
    assert_eq!(keys["input"].get("user"), None);
    sandbox.dwell(&["run"]).expect_code(0);
}

#[test]
fn what_the_user_names_stays() {
    let events = [("who", texts(["ann"; 4])), ("when", times(CLOCKS)), ("user_id", texts(["x"; 4]))];
    let sandbox = over(&table(events));
    sandbox.init(&["--user", "who", "--user", "user_id", "--time", "when"]).expect_code(0);
    let keys = sandbox.keys();
    assert_eq!(keys["input"]["user"].as_array().map(Vec::len), Some(2));
    assert_eq!(keys["input"]["time"].as_str(), Some("when"));
    sandbox.dwell(&["run"]).expect_code(0);
}

#[test]
fn a_job_that_is_there_stays_and_what_is_missing_is_said() {
    let sandbox = over(&table([("who", texts(["ann"; 4])), ("event_time", times(CLOCKS))]));
    let ran = sandbox.init(&[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("--user") && ran.stderr.contains("who, event_time"), "{}", ran.stderr);
    assert!(!sandbox.path().join("dwell.toml").exists());

    sandbox.init(&["--user", "who"]).expect_code(0);
    let before = std::fs::read(sandbox.path().join("dwell.toml")).unwrap();
    let again = sandbox.init(&["--user", "who"]);
    again.expect_code(2);
    assert!(again.stderr.contains("dwell.toml") && again.stderr.contains("not written over"), "{}", again.stderr);
    assert_eq!(std::fs::read(sandbox.path().join("dwell.toml")).unwrap(), before);
    sandbox.dwell(&["init", "other.toml", "--input", "data", "--user", "who"]).expect_code(0);
    assert!(sandbox.path().join("other.toml").exists());
}
