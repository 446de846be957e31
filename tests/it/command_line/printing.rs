//! What is printed, and where.

use super::{event, three_days, view, with_events};
use crate::cells::number;
use crate::reference::Event;
use crate::support::{Ran, Sandbox};
use std::fs::File;
use std::process::{Command, Stdio};

/// Neither colours nor moves of the cursor.
fn is_plain(ran: &Ran) {
    for (name, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        let control = text.chars().find(|sign| sign.is_control() && *sign != '\n');
        assert_eq!(control, None, "a control character in {name}: {text:?}");
    }
}

/// A session of a minute and one event, of ten minutes and three, and of no length; an event out of session,
/// a row without a user, and an event type that no event has.
fn told() -> Sandbox {
    let mut events = vec![
        event("ann", "10:00", "open"),
        view("ann", "10:05"),
        view("ann", "10:10"),
        event("bob", "10:00", "open"),
        view("bob", "10:01"),
        event("cid", "10:00", "open"),
        view("dan", "10:00"),
        Event { users: vec![None], ..view("", "10:00") },
    ];
    events.extend((0..192).map(|number| view("dan", &format!("12:{:02}:{:02}", number / 60, number % 60))));
    let sandbox = with_events(&events);
    sandbox.job(
        "[input]\npath = \"data\"\n[session]\ntimeout = \"30m\"\nstart_event = [\"open\", \"opne\"]\n[output]\npath = \"out\"\n",
    );
    sandbox
}

#[test]
fn a_run_ends_with_a_summary_on_stdout() {
    let sandbox = told();
    let printed = sandbox.runs(&["job.toml"]).stdout;
    let line = |name: &str| {
        let found = printed.lines().find(|line| line.starts_with(name));
        found.unwrap_or_else(|| panic!("no line {name} in:\n{printed}")).to_owned()
    };
    assert!(line("Sessions").contains(" 3 "), "{printed}");
    assert!(line("Users").contains(" 4 "), "{printed}");
    // 10 min, 1 min and nothing.
    let length = line("Length");
    assert!(length.contains("3 min 40 s average"), "{printed}");
    assert!(length.contains("1 min median"), "{printed}");
    assert!(length.contains("33.3 % of sessions have length 0"), "{printed}");
    // 193 of the 199 events of users.
    let out = line("Out of session");
    assert!(out.contains("97.0 %") && out.contains("199") && out.contains("no_start 193"), "{printed}");
    assert!(line("Left out").contains("1 rejected (no_user 1) of 200 rows"), "{printed}");
    assert!(line("Tables").contains("out"), "{printed}");
}

#[test]
fn the_summary_draws_the_histogram_as_bars() {
    let printed = told().runs(&["job.toml"]).stdout;
    let bars: Vec<&str> = printed.lines().filter(|line| line.contains('%') && line.contains(" to ")).collect();
    assert_eq!(bars.len(), 9, "a bar for each default bin:\n{printed}");
    let of = |label: &str| {
        let found = bars.iter().find(|line| line.trim_start().starts_with(label));
        *found.unwrap_or_else(|| panic!("no bar {label} in:\n{printed}"))
    };
    for (label, sessions) in [("0 s to 3 s", 1), ("1 min to 3 min", 1), ("10 min to 30 min", 1), ("3 min to 10 min", 0)]
    {
        let drawn = of(label).matches('█').count();
        assert_eq!(drawn > 0, sessions > 0, "{label}:\n{printed}");
        assert!(of(label).contains(&format!(" {sessions} ")), "{label}:\n{printed}");
    }
}

#[test]
fn a_summary_of_nothing_is_printed_too() {
    let sandbox = with_events(&three_days());
    let ran = sandbox.runs(&["job.toml", "--where", "keep > 5"]);
    let line = ran.stdout.lines().find(|line| line.starts_with("Sessions")).unwrap();
    assert!(line.contains('0'), "{}", ran.stdout);
    assert!(ran.stderr.contains("warning: ") && ran.stderr.contains("keep > 5"), "{}", ran.stderr);
    is_plain(&ran);
}

#[test]
fn warnings_go_to_stderr_and_say_what_to_do() {
    let sandbox = told();
    let ran = sandbox.runs(&["job.toml"]);
    let warning = ran.stderr.lines().find(|line| line.contains("opne")).unwrap_or_else(|| panic!("{}", ran.stderr));
    assert!(warning.starts_with("warning: ") && warning.contains("open"), "{warning}");
    assert!(!ran.stdout.contains("warning"), "{}", ran.stdout);
    let run = crate::support::read_run(&sandbox.out());
    let warnings: Vec<&str> = run["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    assert_eq!(warnings.len(), ran.stderr.lines().count());
    assert!(warnings.iter().any(|text| text.contains("opne")));
}

#[test]
fn a_quiet_run_prints_nothing_and_writes_the_same() {
    let sandbox = told();
    let ran = sandbox.runs(&["job.toml", "--quiet"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    assert_eq!((number(&sandbox.out(), "sessions"), number(&sandbox.out(), "rows")), (3, 200));
    let loud = told();
    loud.runs(&["job.toml"]);
    assert_eq!(super::counted(&sandbox.out()), super::counted(&loud.out()));
}

#[test]
fn a_quiet_run_that_fails_says_why_on_stderr() {
    let sandbox = told();
    let ran = sandbox.dwell(&["run", "job.toml", "--quiet", "--user", "nobody"]);
    ran.expect_code(2);
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("nobody"), "{}", ran.stderr);
    assert!(!sandbox.out().exists());
}

#[test]
fn logs_in_json_are_one_object_a_line() {
    let sandbox = told();
    let ran = sandbox.runs(&["job.toml", "--log-format", "json"]);
    let lines: Vec<serde_json::Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(!lines.is_empty(), "the warning is not logged");
    assert!(lines.iter().all(serde_json::Value::is_object));
    let warning = lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains("opne")));
    let warning = warning.unwrap_or_else(|| panic!("{}", ran.stderr));
    assert_eq!(warning["level"], "WARN");
    assert!(ran.stdout.contains("Sessions"), "{}", ran.stdout);
    is_plain(&ran);
}

#[test]
fn errors_are_json_too_where_logs_are() {
    let sandbox = told();
    let ran = sandbox.dwell(&["run", "job.toml", "--log-format", "json", "--where", "platfrom = 'x'"]);
    ran.expect_code(2);
    let line: serde_json::Value =
        serde_json::from_str(ran.stderr.trim_end()).unwrap_or_else(|error| panic!("{error}: {}", ran.stderr));
    assert_eq!(line["level"], "ERROR");
    assert!(line["message"].as_str().unwrap().contains("platfrom"));
    assert_eq!(ran.stderr.lines().count(), 1);
}

#[test]
fn no_control_characters_are_printed_off_a_terminal() {
    let sandbox = told();
    is_plain(&sandbox.runs(&["job.toml", "--dry-run"]));
    is_plain(&sandbox.runs(&["job.toml"]));
    is_plain(&sandbox.runs(&["job.toml", "--quiet"]));
    is_plain(&sandbox.runs(&["job.toml", "--help"]));
    is_plain(sandbox.dwell(&["run", "job.toml", "--user", "nobody"]).expect_code(2));
    is_plain(sandbox.dwell(&["run", "job.toml", "--where", "a = = b"]).expect_code(2));
    is_plain(sandbox.dwell(&["run", "job.toml", "--timout", "5m"]).expect_code(2));
    is_plain(sandbox.dwell(&["run", "job.toml", "--max-rejected", "0"]).expect_code(3));
    assert_eq!(number(&sandbox.out(), "rejected.no_user"), 1);
}

#[test]
fn completions_name_the_flags() {
    let sandbox = told();
    for shell in ["bash", "zsh", "fish"] {
        let ran = sandbox.dwell(&["completions", shell]);
        ran.expect_code(0);
        let named = if shell == "fish" { "-l timeout" } else { "--timeout" };
        assert!(ran.stdout.contains(named), "{shell}:\n{}", ran.stdout);
        assert!(ran.stdout.contains("dwell"), "{shell}");
        assert_eq!(ran.stderr, "");
    }
    sandbox.dwell(&["completions", "tcsh"]).expect_code(2);
}

#[test]
fn help_lists_the_flags() {
    let sandbox = told();
    let help = sandbox.runs(&["--help"]).stdout;
    for flag in [
        "--input",
        "--output",
        "--user",
        "--time",
        "--time-unit",
        "--event",
        "--session-id",
        "--dedup",
        "--where",
        "--inactive",
        "--property",
        "--start-event",
        "--end-event",
        "--timeout",
        "--max-gap",
        "--gap-equal",
        "--max-length",
        "--length-from",
        "--timezone",
        "--from",
        "--to",
        "--only",
        "--threads",
        "--max-rejected",
        "--dry-run",
        "--overwrite",
        "--quiet",
        "--log-format",
    ] {
        assert!(help.contains(&format!("{flag} ")) || help.contains(&format!("{flag}\n")), "no {flag} in:\n{help}");
    }
    assert!(sandbox.dwell(&["--help"]).expect_code(0).stdout.contains("completions"));
    assert!(!sandbox.out().exists());
}

#[test]
fn the_version_is_that_of_the_package_and_of_run_json() {
    let sandbox = told();
    let ran = sandbox.dwell(&["--version"]);
    ran.expect_code(0);
    assert_eq!(ran.stdout.trim(), format!("dwell {}", env!("CARGO_PKG_VERSION")));
    sandbox.runs(&["job.toml"]);
    assert_eq!(crate::support::read_run(&sandbox.out())["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn without_a_command_the_program_says_how_it_is_used() {
    let sandbox = told();
    let ran = sandbox.dwell(&[]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("run") && ran.stderr.contains("completions"), "{}", ran.stderr);
}

/// The exit code where stdout or stderr is a disk that is full.
fn code_on_a_full_disk(sandbox: &Sandbox, arguments: &[&str], stdout: bool) -> i32 {
    let full = || Stdio::from(File::options().write(true).open("/dev/full").unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_dwell"));
    let command = command.args(arguments).current_dir(sandbox.path());
    let status = match stdout {
        true => command.stdout(full()).stderr(Stdio::null()).status(),
        false => command.stdout(Stdio::null()).stderr(full()).status(),
    };
    status.unwrap().code().unwrap()
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error_and_a_log_that_cannot_is_none() {
    let sandbox = told();
    // A warning, a problem and a line for each stage have nowhere to go.
    for arguments in [&["run", "job.toml"][..], &["run", "job.toml", "--log-format", "json"]] {
        assert_eq!(code_on_a_full_disk(&sandbox, arguments, false), 0, "{arguments:?}");
    }
    assert_eq!(code_on_a_full_disk(&sandbox, &["run", "job.toml", "--input", "nowhere"], false), 2);
    for arguments in [
        &["run", "job.toml"][..],
        &["doctor", "job.toml"],
        &["gaps", "job.toml"],
        &["inspect", "job.toml", "--user", "ann", "--format", "csv"],
        &["charts", "job.toml"],
        &["history", "job.toml"],
    ] {
        assert_eq!(code_on_a_full_disk(&sandbox, arguments, true), 1, "{arguments:?}");
    }
}

#[test]
fn tables_that_are_empty_as_all_sessions_are_too_long_are_warned_of() {
    let sandbox = told();
    let ran = sandbox.runs(&["job.toml", "--max-length", "1us"]);
    assert!(!ran.stderr.contains("longer than"), "some have no length: {}", ran.stderr);
    sandbox.job("[input]\npath = \"data\"\nwhere = \"user_id = 'ann'\"\n[session]\ntimeout = \"30m\"\n[output]\npath = \"two\"\n");
    let ran = sandbox.runs(&["job.toml", "--max-length", "1m"]);
    assert!(ran.stderr.contains("all sessions (1) are longer than `session.max_length`"), "{}", ran.stderr);
}
