//! How a diagnosis looks, and what goes wrong.

use super::{event, sound, with_events, within};
use crate::reference::Event;
use crate::support::{text, Layout, Ran, Sandbox};

/// Something of everything.
fn told() -> Sandbox {
    let long = "a very long name of an event, as generated names of events often are, with a number at its end: 42";
    let mut events = sound();
    events.extend([
        event("ann", "12:00", "mail"),
        within("13:00", "bob", "13:00", "session_start"),
        within("14:00", "bob", "14:40", long),
        within("15:00", "cid", "14:50", "view"),
        Event { users: vec![text("e\u{1b}[31mvil\nuser")], ..within("16:00", "x", "16:00", "view") },
        within("10:00", "dan", "2026-01-07 10:00", "view"),
    ]);
    with_events(&events)
}

fn asks(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    sandbox.dwell(&[&["doctor", "--input", "data"], arguments].concat())
}

#[test]
fn people_read_lines_of_at_most_a_hundred_columns_without_control_characters() {
    let ran = asks(&told(), &["--dedup", "insert_id", "--platform", "event_type"]);
    ran.expect_code(0);
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    for question in ["Why is my sessions table empty", "Why so many zero-length", "Is the data sound?", "not checked"] {
        assert!(ran.stdout.contains(question), "{}", ran.stdout);
    }
    assert!(ran.stdout.contains(r"e\u{1b}[31mvil\nuser (1)"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn commands_that_are_printed_can_be_typed() {
    let long = "keep IS NULL AND event_type <> 'something that nobody ever sends' AND user_id <> 'nobody at all, ever'";
    let ran = asks(&told(), &["--where", long]);
    let printed = ran.expect_code(0).stdout.clone();
    let mut commands = Vec::new();
    let mut lines = printed.lines();
    while let Some(line) = lines.next() {
        let Some(mut command) = line.trim_start().strip_prefix("$ ").map(str::to_owned) else { continue };
        while let Some(begun) = command.strip_suffix('\\') {
            command = begun.to_owned() + lines.next().unwrap().trim_start();
        }
        commands.push(command);
    }
    assert!(commands.iter().any(|command| command.starts_with("dwell gaps --input data --where 'keep IS NULL AND")));
    assert!(commands.iter().any(|command| command.contains(") AND user_id <> '\\''dan'\\''")), "{commands:#?}");
    assert!(commands.iter().all(|command| !command.contains('\n')));
}

#[test]
fn csv_has_a_row_for_each_part_and_says_the_same_as_json() {
    let sandbox = told();
    let printed = asks(&sandbox, &["--format", "csv"]).expect_code(0).stdout.clone();
    assert!(printed.lines().next().unwrap().ends_with("command") && printed.contains(",command\r\n"), "{printed}");
    let mut reader = csv::Reader::from_reader(printed.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| header.iter().position(|known| known == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let said = sandbox.asks(&[]);
    let totals: Vec<(&str, u64)> = (rows.iter().filter(|row| &row[column("part")] == "total"))
        .map(|row| (&row[column("finding")], row[column("count")].parse().unwrap()))
        .collect();
    let expected: Vec<(&str, u64)> = (said.findings())
        .map(|finding| (finding["finding"].as_str().unwrap(), finding["count"].as_u64().unwrap()))
        .collect();
    assert_eq!(totals, expected);
    let causes = rows.iter().filter(|row| &row[column("part")] == "cause" && &row[column("finding")] == "zero_length");
    let counted: u64 = causes.map(|row| row[column("count")].parse::<u64>().unwrap()).sum();
    assert_eq!(counted, said.figure("zero_length").0);
}

#[test]
fn fail_on_ends_with_3_and_prints_all_the_same() {
    let sandbox = told();
    let ran = asks(&sandbox, &["--fail-on", "warning"]);
    ran.expect_code(3);
    assert_eq!(ran.stdout, asks(&sandbox, &[]).expect_code(0).stdout);
    assert!(ran.stderr.starts_with("error: --fail-on warning: "), "{}", ran.stderr);
    let sandbox = with_events(&sound());
    asks(&sandbox, &["--fail-on", "warning"]).expect_code(0);
    asks(&sandbox, &["--fail-on", "notice"]).expect_code(0);
    // A notice is no warning.
    let sandbox = with_events(&[sound(), vec![within("2026-01-07 10:00", "ann", "2026-01-07 10:02", "view")]].concat());
    asks(&sandbox, &["--fail-on", "notice"]).expect_code(3);
}

#[test]
fn what_is_wrong_is_named() {
    let sandbox = told();
    let fails = |arguments: &[&str], code: i32, words: &[&str]| {
        let ran = sandbox.dwell(&[&["doctor"], arguments].concat());
        ran.expect_code(code);
        assert_eq!(ran.stdout, "");
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr);
        }
    };
    fails(&[], 2, &["input.path", "--input"]);
    fails(&["--input", "nowhere"], 2, &["nowhere"]);
    fails(&["--input", "data", "--user", "usr_id"], 2, &["usr_id", "user_id"]);
    fails(&["--input", "data", "--platform", "plattform"], 2, &["plattform", "--platform"]);
    fails(&["--input", "data", "--arrival", "event_type"], 2, &["--arrival", "event_type", "date or timestamp"]);
    fails(&["--input", "data", "--fail-on", "fine"], 2, &["fine", "warning"]);
    fails(&["--input", "data", "--format", "xml"], 2, &["xml", "json"]);
    fails(&["nojob.toml"], 2, &["nojob.toml"]);
    fails(&["--input", "data", "--timeout", "30"], 2, &["30m"]);
    std::fs::create_dir(sandbox.path().join("empty")).unwrap();
    fails(&["--input", "empty"], 2, &["empty"]);
    std::fs::write(sandbox.path().join("broken.parquet"), b"no parquet").unwrap();
    fails(&["--input", "broken.parquet"], 1, &["broken.parquet"]);
}

#[test]
fn a_job_with_charts_and_an_output_is_asked_about_and_its_output_left_alone() {
    let sandbox = told();
    sandbox.job(
        "[input]\npath = 'data'\n[output]\npath = 'out'\n[[chart]]\nname = 'x'\ngroup_by = { first = 'no_such_column' }\n",
    );
    let ran = sandbox.dwell(&["doctor", "job.toml"]);
    ran.expect_code(0);
    assert!(!sandbox.out().exists());
    assert!(ran.stdout.contains("$ dwell gaps job.toml\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("$ dwell compare job.toml other.toml\n"), "{}", ran.stdout);
}

#[test]
fn threads_and_memory_change_nothing_of_the_answer() {
    let sandbox = Sandbox::new();
    let one = |number: i64| {
        let user = format!("u{}", number % 97);
        let (session, time) = (format!("{:02}:00", number % 24), format!("{:02}:{:02}", number % 24, number % 60));
        within(&session, &user, &time, ["view", "click", "session_start"][number as usize % 3])
    };
    let all: Vec<Event> = (0..3000).map(one).collect();
    sandbox.events("a.parquet", &Layout { rows_per_group: 100, ..Layout::default() }, &all[..1500]);
    sandbox.events("b.parquet", &Layout::default(), &all[1500..]);
    let plain = asks(&sandbox, &["--format", "json"]).expect_code(0).stdout.clone();
    for arguments in [&["--threads", "1"][..], &["--threads", "7"], &["--memory-limit", "4GiB"]] {
        let other = asks(&sandbox, &[&["--format", "json"], arguments].concat());
        assert_eq!(other.expect_code(0).stdout, plain, "{arguments:?}");
    }
}

#[test]
fn an_answer_in_the_least_memory_is_the_same() {
    let sample = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/events").to_string_lossy().into_owned();
    let sandbox = Sandbox::new();
    let ask = |flags: &[&str]| {
        let arguments = ["doctor", "--input", &sample, "--format", "csv", "--dedup", "$insert_id", "--threads", "1"];
        sandbox.dwell(&[&arguments[..], flags].concat()).expect_code(0).stdout.clone()
    };
    // As much as the program takes: all events go to disk.
    assert_eq!(ask(&["--memory-limit", "136MiB"]), ask(&[]));
}
