//! Flags and keys of the job file.

use super::{counted, state, with_events, JOB};
use crate::cells::{dictionary, ints, lines, texts, times};
use crate::support::{at_ms, table_hashes, Sandbox};

/// A flag and the key that says the same.
struct Key {
    /// Further lines of the job, without which neither has an effect: section and line.
    beside: &'static [(&'static str, &'static str)],
    flag: &'static [&'static str],
    section: &'static str,
    line: &'static str,
    /// The key with another value.
    other: &'static str,
}

const TIMEOUT: (&str, &str) = ("session", "timeout = \"30m\"");

const KEYS: [Key; 19] = [
    Key {
        beside: &[],
        flag: &["--user", "user_id", "--user", "device_id"],
        section: "input",
        line: "user = [\"user_id\", \"device_id\"]",
        other: "user = \"device_id\"",
    },
    Key {
        beside: &[],
        flag: &["--time", "received"],
        section: "input",
        line: "time = \"received\"",
        other: "time = \"event_time\"",
    },
    Key {
        beside: &[("input", "time = \"sent\"")],
        flag: &["--time-unit", "ms"],
        section: "input",
        line: "time_unit = \"ms\"",
        other: "time_unit = \"s\"",
    },
    Key {
        beside: &[],
        flag: &["--event", "kind"],
        section: "input",
        line: "event = \"kind\"",
        other: "event = \"event_type\"",
    },
    Key {
        beside: &[],
        flag: &["--session-id", "visit"],
        section: "input",
        line: "session_id = \"visit\"",
        other: "session_id = \"session_id\"",
    },
    Key {
        beside: &[],
        flag: &["--dedup", "insert_id"],
        section: "input",
        line: "dedup = \"insert_id\"",
        other: "dedup = \"order_id\"",
    },
    Key {
        beside: &[],
        flag: &["--where", "event_type <> 'push'"],
        section: "input",
        line: "where = \"event_type <> 'push'\"",
        other: "where = \"event_type = 'push'\"",
    },
    Key {
        beside: &[],
        flag: &["--inactive", "push", "--inactive", "view"],
        section: "input",
        line: "inactive = [\"push\", \"view\"]",
        other: "inactive = \"open\"",
    },
    Key {
        beside: &[],
        flag: &["--property", "order_id"],
        section: "session",
        line: "property = \"order_id\"",
        other: "property = \"visit\"",
    },
    Key {
        beside: &[],
        flag: &["--start-event", "open", "--start-event", "push"],
        section: "session",
        line: "start_event = [\"open\", \"push\"]",
        other: "start_event = \"close\"",
    },
    Key {
        beside: &[],
        flag: &["--end-event", "close"],
        section: "session",
        line: "end_event = \"close\"",
        other: "end_event = \"view\"",
    },
    Key {
        beside: &[],
        flag: &["--timeout", "10m"],
        section: "session",
        line: "timeout = \"10m\"",
        other: "timeout = \"1h\"",
    },
    Key {
        beside: &[],
        flag: &["--max-gap", "20m"],
        section: "session",
        line: "max_gap = \"20m\"",
        other: "max_gap = \"none\"",
    },
    Key {
        beside: &[TIMEOUT],
        flag: &["--gap-equal", "join"],
        section: "session",
        line: "gap_equal = \"join\"",
        other: "gap_equal = \"split\"",
    },
    Key {
        beside: &[],
        flag: &["--max-length", "none"],
        section: "session",
        line: "max_length = \"none\"",
        other: "max_length = \"1m\"",
    },
    Key {
        beside: &[],
        flag: &["--length-from", "first_event"],
        section: "session",
        line: "length_from = \"first_event\"",
        other: "length_from = \"session_id\"",
    },
    Key {
        beside: &[],
        flag: &["--id-unit", "s"],
        section: "session",
        line: "id_unit = \"s\"",
        other: "id_unit = \"ms\"",
    },
    Key {
        beside: &[TIMEOUT],
        flag: &["--timezone", "Asia/Tokyo"],
        section: "output",
        line: "timezone = \"Asia/Tokyo\"",
        other: "timezone = \"UTC\"",
    },
    Key {
        beside: &[],
        flag: &["--input", "more"],
        section: "input",
        line: "path = \"more\"",
        other: "path = \"data\"",
    },
];

/// Events on which every key has an effect.
fn write_events(sandbox: &Sandbox) {
    let ids = [at_ms("09:59"), at_ms("09:58")];
    let clocks = ["10:00", "10:10", "10:10:30", "10:40", "11:10", "23:30", "10:00", "10:05", "2026-01-06 10:30"];
    let sent: Vec<i64> = clocks.iter().map(|clock| at_ms(clock) + 3_600_000).collect();
    let received =
        ["11:00", "11:10", "11:10:30", "11:40", "12:10", "2026-01-06 00:30", "11:00", "11:05", "2026-01-06 11:30"];
    let users =
        [Some("ann"), Some("ann"), Some("ann"), Some("ann"), Some("ann"), Some("ann"), Some("bob"), None, Some("bob")];
    let columns = || {
        [
            ("user_id", texts(users)),
            ("device_id", texts(["phone"; 6].into_iter().chain(["tablet"; 3]))),
            ("event_time", times(clocks)),
            ("received", times(received)),
            ("sent", ints(sent.clone())),
            ("event_type", texts(["open", "view", "view", "close", "view", "push", "open", "view", "view"])),
            ("kind", dictionary(&texts(["a", "b", "c", "d", "e", "f", "g", "h", "i"]))),
            ("session_id", ints([ids[0], ids[0], ids[0], ids[0], ids[0], -1, ids[1], ids[1], ids[1]])),
            ("visit", texts(["v1", "v1", "v2", "v2", "v2", "v3", "v1", "v1", "v2"])),
            ("insert_id", texts(["i1", "i2", "i2", "i3", "i4", "i5", "i6", "i7", "i8"])),
            (
                "order_id",
                texts([Some("o1"), Some("o1"), Some("o2"), Some("o2"), None, Some("o3"), None, None, Some("o4")]),
            ),
        ]
    };
    sandbox.columns("a.parquet", columns());
    let more = sandbox.path().join("more");
    std::fs::create_dir(&more).unwrap();
    std::fs::copy(sandbox.path().join("data/a.parquet"), more.join("a.parquet")).unwrap();
    sandbox.columns("../more/b.parquet", columns());
}

/// A job of these lines.
fn job(lines: &[(&str, &str)]) -> String {
    let paths = [("input", "path = \"data\""), ("output", "path = \"out\"")];
    let given = |key: &str| lines.iter().any(|(_, line)| line.starts_with(key));
    let all: Vec<_> = paths.iter().filter(|_| !given("path")).chain(lines).copied().collect();
    let mut text = String::new();
    for section in ["input", "session", "output"] {
        text += &format!("[{section}]\n");
        let own = all.iter().filter(|(of, _)| *of == section).map(|(_, line)| format!("{line}\n"));
        text.extend(own);
        if section == "output" && given("path") {
            text += "path = \"out\"\n";
        }
    }
    text
}

/// A run of a job: its tables and its counts.
fn made(lines: &[(&str, &str)], flags: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    write_events(&sandbox);
    sandbox.job(&job(lines)).runs(&[&["job.toml", "--quiet"], flags].concat());
    sandbox
}

fn assert_same(a: &Sandbox, b: &Sandbox, what: &str) {
    assert_eq!(counted(&a.out()), counted(&b.out()), "{what}");
    assert_eq!(table_hashes(&a.out()), table_hashes(&b.out()), "{what}");
}

/// What is in the tables, without the definition that they carry.
fn rows(sandbox: &Sandbox) -> Vec<String> {
    let columns = ["user_id", "session_id", "start_time", "length_ms", "event_count", "first_event", "last_event"];
    let mut rows = lines(&sandbox.out(), "sessions", &columns);
    rows.extend(sandbox.activity());
    rows
}

#[test]
fn every_flag_says_the_same_as_its_key() {
    for Key { beside, flag, section, line, .. } in &KEYS {
        let by_key = made(&[beside, &[(*section, *line)][..]].concat(), &[]);
        let by_flag = made(beside, flag);
        assert_same(&by_key, &by_flag, line);
    }
}

#[test]
fn every_flag_wins_over_its_key() {
    for Key { beside, flag, section, line, other } in &KEYS {
        let by_key = made(&[beside, &[(*section, *line)][..]].concat(), &[]);
        let by_both = made(&[beside, &[(*section, *other)][..]].concat(), flag);
        assert_same(&by_key, &by_both, line);
    }
}

#[test]
fn every_key_has_an_effect() {
    for Key { beside, section, line, other, .. } in &KEYS {
        let by_key = made(&[beside, &[(*section, *line)][..]].concat(), &[]);
        let by_other = made(&[beside, &[(*section, *other)][..]].concat(), &[]);
        assert_ne!(rows(&by_key), rows(&by_other), "{line} and {other} make the same tables");
    }
}

#[test]
fn a_list_of_inputs_can_be_flags() {
    let by_key = made(&[("input", "path = [\"data/a.parquet\", \"more/b.parquet\"]")], &[]);
    let apart = made(&[("input", "path = \"none\"")], &["--input", "data/a.parquet", "--input", "more/b.parquet"]);
    assert_same(&by_key, &apart, "--input A --input B");
}

#[test]
fn the_output_flag_wins_over_its_key() {
    let sandbox = with_events(&super::three_days());
    sandbox.runs(&["job.toml", "--output", "elsewhere/deep"]);
    assert!(!sandbox.out().exists(), "the folder of the job was written too");
    let elsewhere = sandbox.path().join("elsewhere/deep");
    assert_eq!(lines(&elsewhere, "sessions", &["user_id"]).len(), 6);
    sandbox.runs(&["job.toml"]);
    assert_eq!(table_hashes(&elsewhere), table_hashes(&sandbox.out()));
}

#[test]
fn a_run_needs_no_job_file() {
    let sandbox = with_events(&super::three_days());
    sandbox.runs(&["job.toml"]);
    let by_job = table_hashes(&sandbox.out());
    std::fs::remove_file(sandbox.path().join("job.toml")).unwrap();
    sandbox.runs(&["--input", "data", "--output", "second", "--timeout", "30m"]);
    assert_eq!(table_hashes(&sandbox.path().join("second")), by_job);
}

#[test]
fn dwell_toml_in_the_current_folder_is_the_job_where_none_is_named() {
    let sandbox = with_events(&super::three_days());
    sandbox.runs(&["job.toml"]);
    let named = table_hashes(&sandbox.out());
    std::fs::write(sandbox.path().join("dwell.toml"), JOB.replace("\"out\"", "\"second\"")).unwrap();
    sandbox.runs(&[]);
    assert_eq!(table_hashes(&sandbox.path().join("second")), named);
    sandbox.runs(&["--output", "third"]);
    assert_eq!(table_hashes(&sandbox.path().join("third")), named);
}

#[test]
fn dwell_toml_is_not_looked_at_where_a_job_is_named() {
    let sandbox = with_events(&super::three_days());
    std::fs::write(sandbox.path().join("dwell.toml"), "[output]\npath = \"second\"\n[session]\nproperty = \"x\"\n")
        .unwrap();
    sandbox.runs(&["job.toml"]);
    assert_eq!(sandbox.sessions().len(), 6);
    assert!(!sandbox.path().join("second").exists());
}

#[test]
fn paths_of_a_job_are_relative_to_the_current_folder() {
    let sandbox = with_events(&super::three_days());
    std::fs::create_dir(sandbox.path().join("jobs")).unwrap();
    std::fs::rename(sandbox.path().join("job.toml"), sandbox.path().join("jobs/nightly.toml")).unwrap();
    sandbox.runs(&["jobs/nightly.toml"]);
    assert_eq!(sandbox.sessions().len(), 6);
}

// ---- What is refused ---------------------------------------------------------------------------------------

/// The job is refused in these words, and the tables of an earlier run stay as they were.
fn is_refused(job: &str, arguments: &[&str], words: &[&str]) {
    let sandbox = with_events(&super::three_days());
    sandbox.runs(&["job.toml"]);
    let before = state(&sandbox.out());
    let ran = sandbox.job(job).dwell(&[&["run", "job.toml"], arguments].concat());
    ran.expect_code(2);
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
    }
    assert_eq!(ran.stdout, "");
    assert_eq!(state(&sandbox.out()), before);
}

#[test]
fn unknown_keys_are_refused_with_their_line_and_the_nearest_key() {
    is_refused(&JOB.replace("timeout", "timout"), &[], &["session.timout", "line 4", "session.timeout"]);
    is_refused(&JOB.replace("[input]", "[inputs]"), &[], &["inputs", "line 1", "input"]);
    is_refused(&format!("timezone = \"UTC\"\n{JOB}"), &[], &["timezone", "[output]"]);
    is_refused(&format!("{JOB}[input.more]\nx = 1\n"), &[], &["input"]);
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    is_refused(&JOB.replace("\"30m\"", "30"), &[], &["session.timeout", "30"]);
    is_refused(&JOB.replace("\"30m\"", "true"), &[], &["job.toml", "timeout"]);
    is_refused(&JOB.replace("\"data\"", "5"), &[], &["job.toml", "path"]);
    is_refused("[input\n", &[], &["job.toml"]);
}

#[test]
fn unknown_flags_and_values_are_refused() {
    is_refused(JOB, &["--timout", "5m"], &["--timout", "--timeout"]);
    is_refused(JOB, &["--only", "session"], &["session", "sessions", "activity", "charts"]);
    is_refused(JOB, &["--threads", "0"], &["--threads"]);
    is_refused(JOB, &["--log-format", "xml"], &["xml", "json"]);
    is_refused(JOB, &["--timezone", "Europe/Pariss"], &["output.timezone", "Europe/Paris"]);
    is_refused(JOB, &["--from", "2026-13-01"], &["--from", "2026-13-01"]);
    is_refused(JOB, &["--from", "2026-01-07", "--to", "2026-01-05"], &["--from", "--to"]);
}

#[test]
fn a_job_without_input_or_output_is_refused() {
    is_refused("[output]\npath = \"out\"\n", &[], &["input.path", "--input"]);
    is_refused("[input]\npath = \"data\"\n", &[], &["output.path", "--output"]);
}

#[test]
fn a_job_file_that_does_not_exist_is_refused_by_name() {
    let sandbox = with_events(&super::three_days());
    let ran = sandbox.dwell(&["run", "nightly.toml"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("nightly.toml"), "{}", ran.stderr);
    assert!(!sandbox.out().exists());
}
