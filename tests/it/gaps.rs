//! `dwell gaps`: every timeout's figures are those of a run under it, and the histogram is what users did.

use crate::property::{case, cases, check, laid_out, Case};
use crate::reference::{self, Definition, Event, GapEqual, Limit, DAY, HOUR, MILLI, MINUTE, SECOND};
use crate::support::{at, job_toml, read_run, text, Layout, Ran, Sandbox};
use proptest::prelude::*;
use serde_json::{json, Value};

const USUAL: [i64; 11] = [1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120];

/// What a run under a timeout comes to.
#[derive(Debug, PartialEq)]
struct Figures {
    sessions: i64,
    excluded: i64,
    zero_length: i64,
    median_ms: Option<i64>,
}

impl Figures {
    fn of_gaps(row: &Value) -> Figures {
        Figures {
            sessions: row["sessions"].as_i64().unwrap(),
            excluded: row["excluded"].as_i64().unwrap(),
            zero_length: row["zero_length_sessions"].as_i64().unwrap(),
            median_ms: row["median_length_ms"].as_i64(),
        }
    }

    fn of_reference(case: &Case, definition: &Definition) -> Figures {
        let outcome = reference::run(&case.layout.read_back(&case.events), definition);
        Figures {
            sessions: outcome.counts.sessions,
            excluded: outcome.counts.excluded.values().sum(),
            zero_length: outcome.counts.zero_length_sessions,
            median_ms: median(outcome.sessions.iter().map(|row| row.length_ms).collect()),
        }
    }

    fn of_run(sandbox: &Sandbox, definition: &Definition) -> Figures {
        let outcome = sandbox.outcome(definition);
        Figures {
            sessions: outcome.counts.sessions,
            excluded: outcome.counts.excluded.values().sum(),
            zero_length: outcome.counts.zero_length_sessions,
            median_ms: median(outcome.sessions.iter().map(|row| row.length_ms).collect()),
        }
    }
}

fn median(mut lengths: Vec<i64>) -> Option<i64> {
    lengths.sort_unstable();
    lengths.get(lengths.len().div_ceil(2).checked_sub(1)?).copied()
}

/// The definition with this timeout.
fn with_timeout(definition: &Definition, timeout: i64) -> Definition {
    Definition {
        timeout: Some(timeout),
        timeouts: None,
        max_gap: None,
        length_from: None,
        id_unit: None,
        from: None,
        to: None,
        ..definition.clone()
    }
}

fn answer(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let ran = sandbox.dwell(&[&["gaps", "job.toml", "--format", "json"], arguments].concat());
    ran.expect_code(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

fn asked(case: &Case, arguments: &[&str]) -> Value {
    let sandbox = laid_out(case, &case.arrangements[0]);
    sandbox.job(&job_toml(&case.definition, &case.layout, &[]));
    answer(&sandbox, arguments)
}

fn timeouts(answer: &Value) -> Vec<(i64, &Value)> {
    let rows = answer["timeouts"].as_array().unwrap();
    let same = rows.iter().filter(|row| !row["timeout_ms"].is_null());
    same.map(|row| ((row["timeout_ms"].as_f64().unwrap() * 1e3) as i64, row)).collect()
}

#[test]
fn each_timeout_agrees_with_a_run_under_it() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 1));
    check(cases() / 4, either, |case| {
        let answer = asked(case, &["--timeouts", "1ms,26h", "--timeouts", "30d"]);
        let rows = timeouts(&answer);
        let own = case.definition.timeout;
        let mut expected: Vec<i64> = USUAL.iter().map(|minutes| minutes * MINUTE).collect();
        expected.extend([MILLI, 26 * HOUR, 30 * DAY].into_iter().chain(own));
        expected.sort_unstable();
        expected.dedup();
        if rows.iter().map(|(timeout, _)| *timeout).ne(expected.iter().copied()) {
            return Err(format!("tried {rows:#?}"));
        }
        for (place, (timeout, row)) in rows.iter().enumerate() {
            let definition = with_timeout(&case.definition, *timeout);
            let said = Figures::of_gaps(row);
            let by_reference = Figures::of_reference(case, &definition);
            if said != by_reference {
                return Err(format!("{}: {said:?}, by the reference {by_reference:?}", row["timeout"]));
            }
            // The reference agrees with runs by tests of its own; some are run all the same.
            if place % 5 == case.events.len() % 5 {
                let sandbox = laid_out(case, &case.arrangements[0]);
                sandbox.job(&job_toml(&definition, &case.layout, &[]));
                sandbox.run(&definition, &["--only", "sessions"]).expect_code(0);
                if read_run(&sandbox.out())["sessions"].as_i64() != Some(said.sessions) {
                    return Err(format!("{}: {said:?}, but a run has other sessions", row["timeout"]));
                }
            }
            if row["own"] != json!(own == Some(*timeout)) {
                return Err(format!("whose is {row}?"));
            }
        }
        own_by_column(case, &answer)
    });
}

/// Timeouts by a column are the last row, as they are.
fn own_by_column(case: &Case, answer: &Value) -> Result<(), String> {
    let row = answer["timeouts"].as_array().unwrap().iter().find(|row| row["timeout_ms"].is_null());
    let definition = Definition { from: None, to: None, ..case.definition.clone() };
    match (row, &definition.timeouts) {
        (None, None) => Ok(()),
        (Some(row), Some(_)) => {
            let (said, by_reference) = (Figures::of_gaps(row), Figures::of_reference(case, &definition));
            match said == by_reference && row["own"] == json!(true) && row["timeout"] == json!("by surface") {
                true => Ok(()),
                false => Err(format!("{row}: by the reference {by_reference:?}")),
            }
        }
        (row, timeouts) => Err(format!("{row:?} under {timeouts:?}")),
    }
}

#[test]
fn a_run_under_the_same_timeout_says_the_same() {
    let sandbox = visits(&Definition::default());
    let rows = answer(&sandbox, &[]);
    for (timeout, row) in timeouts(&rows) {
        let definition = with_timeout(&Definition::default(), timeout);
        sandbox.job(&job_toml(&definition, &Layout::default(), &[]));
        sandbox.run(&definition, &["--overwrite"]).expect_code(0);
        assert_eq!(Figures::of_gaps(row), Figures::of_run(&sandbox, &definition), "{}", row["timeout"]);
    }
}

#[test]
fn gaps_are_what_lies_between_the_sessions_that_shorter_timeouts_make() {
    check(cases() / 4, case(true, 1), |case| {
        // Nothing but the timeout cuts, and every session is in the table: then each gap of a timeout or more adds one.
        let timeout_only = Definition {
            start_event: Vec::new(),
            end_event: Vec::new(),
            unclosed: None,
            repeated_start: None,
            at_midnight: None,
            new_on_change: Vec::new(),
            gap_equal: Some(GapEqual::Split),
            max_length: Some(Limit::Never),
            since: None,
            until: None,
            ..with_timeout(&case.definition, MINUTE)
        };
        let case = Case { definition: timeout_only.clone(), ..case.clone() };
        let answer = asked(&case, &[]);
        let table = case.layout.read_back(&case.events);
        let sessions = |timeout: i64| {
            reference::run(&table, &Definition { timeout: Some(timeout), ..timeout_only.clone() }).counts.sessions
        };
        let from = |gap: i64| if gap > 0 { sessions(gap) } else { sessions(1) };
        for bin in answer["histogram"].as_array().unwrap() {
            let start = bin["from_ms"].as_i64().unwrap() * MILLI;
            let end = bin["to_ms"].as_i64().map_or(i64::MAX, |end| end * MILLI);
            if start == 0 {
                // No timeout cuts gaps of nothing: these are what the others leave.
                continue;
            }
            if from(start) - from(end) != bin["gaps"].as_i64().unwrap() {
                return Err(format!("{bin}: {} sessions from it, {} after it", from(start), from(end)));
            }
        }
        let all: i64 = answer["histogram"].as_array().unwrap().iter().map(|bin| bin["gaps"].as_i64().unwrap()).sum();
        let events = answer["events"].as_i64().unwrap() - answer["no_property"].as_i64().unwrap();
        if all != answer["gaps"].as_i64().unwrap() || all != events - sessions(i64::MAX) {
            return Err(format!("{all} gaps of {events} events"));
        }
        for (timeout, row) in timeouts(&answer) {
            let near = sessions(timeout - timeout / 10) - sessions(timeout + timeout / 10 + 1);
            if timeout % 10 == 0 && row["gaps_near"].as_i64() != Some(near) {
                return Err(format!("{near} gaps are near {row}"));
            }
        }
        Ok(())
    });
}

#[test]
fn threads_memory_and_the_order_of_files_change_nothing() {
    const LEAST: &str = "136MiB";
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 3));
    check(cases() / 16, either, |case| {
        let ways: [&[&str]; 3] =
            [&["--threads", "1", "--memory-limit", LEAST], &["--threads", "2"], &["--threads", "8"]];
        let mut answers = case.arrangements.iter().zip(ways).map(|(arrangement, flags)| {
            let sandbox = laid_out(case, arrangement);
            sandbox.job(&job_toml(&case.definition, &case.layout, &[]));
            answer(&sandbox, flags)
        });
        let first = answers.next().unwrap();
        answers.try_for_each(|other| match first == other {
            true => Ok(()),
            false => Err(format!("{first:#}\n{other:#}")),
        })
    });
}

fn event(user: &str, time: i64) -> Event {
    Event { users: vec![text(user)], time: Some(time), event: Some("view".to_owned()), ..Event::default() }
}

/// 60 users on three days, each day with a visit of ten views, five to fifty seconds apart.
fn visits(definition: &Definition) -> Sandbox {
    let mut events = Vec::new();
    for user in 0..60 {
        for day in 0..3 {
            let mut time = at("09:00") + day * DAY + user * 7 * MINUTE;
            for view in 0..10 {
                events.push(event(&format!("user {user:02}"), time));
                time += (5 + (user * 13 + view * 29) % 45) * SECOND;
            }
        }
    }
    with_job(definition, &events)
}

fn with_job(definition: &Definition, events: &[Event]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.events("events.parquet", &Layout::default(), events);
    sandbox.job(&job_toml(definition, &Layout::default(), &[]));
    sandbox
}

fn half_an_hour() -> Definition {
    Definition { timeout: Some(30 * MINUTE), ..Definition::default() }
}

fn told(sandbox: &Sandbox, arguments: &[&str]) -> Ran {
    let ran = sandbox.dwell(&[&["gaps", "job.toml"], arguments].concat());
    ran.expect_code(0);
    let control = ran.stdout.chars().find(|sign| sign.is_control() && *sign != '\n');
    assert_eq!(control, None, "a control character: {:?}", ran.stdout);
    let widest = ran.stdout.lines().map(|line| line.chars().count()).max().unwrap();
    assert!(widest <= 100, "{widest} columns:\n{}", ran.stdout);
    ran
}

#[test]
fn a_valley_is_named_with_the_timeouts_in_it() {
    let sandbox = visits(&half_an_hour());
    let printed = told(&sandbox, &[]).stdout;
    assert!(printed.contains("1,800 of 60 users"), "{printed}");
    assert!(printed.contains("Valley: 1 min to 16 h"), "{printed}");
    assert!(printed.contains("timeouts in it: 1m, 2m, 5m, 10m, 15m, 20m, 30m, 45m, 1h, 1h30m, 2h"), "{printed}");
    let own = printed.lines().find(|line| line.trim_start().starts_with("30m ")).unwrap();
    assert!(own.contains(" 180 ") && own.ends_with('*'), "{printed}");
    let valleys = answer(&sandbox, &[])["valleys"].clone();
    assert_eq!(valleys.as_array().unwrap().len(), 1, "{valleys}");
    assert_eq!((&valleys[0]["from_ms"], &valleys[0]["to_ms"]), (&json!(60_000), &json!(57_600_000)));
}

#[test]
fn no_valley_is_named_where_pauses_are_of_one_kind() {
    let events: Vec<Event> =
        (0..400).map(|number| event("ann", at("10:00") + number * (number % 50 + 1) * 20 * SECOND)).collect();
    let printed = told(&with_job(&half_an_hour(), &events), &[]).stdout;
    assert!(printed.contains("No valley:"), "{printed}");
    assert_eq!(answer(&with_job(&half_an_hour(), &events), &[])["valleys"], json!([]));
}

#[test]
fn a_job_by_session_id_is_asked_what_a_timeout_would_do_instead() {
    let sandbox = visits(&Definition { max_gap: Some(Limit::Of(DAY)), ..Definition::default() });
    let printed = told(&sandbox, &[]).stdout;
    assert!(printed.contains("by session id, and no timeout has a part in it"), "{printed}");
    assert!(!printed.contains("the job's own"), "{printed}");
    // Nor is there need of ids.
    let events: Vec<Event> = vec![event("ann", at("10:00")), event("ann", at("10:10"))];
    let layout = Layout { without: vec!["session_id"], ..Layout::default() };
    let sandbox = Sandbox::new();
    sandbox.events("events.parquet", &layout, &events);
    let ran = sandbox.dwell(&["gaps", "--input", "data", "--format", "csv"]);
    ran.expect_code(0);
    let lines: Vec<&str> = ran.stdout.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "timeout,timeout_ms,own,sessions,excluded,median_length_ms,zero_length_sessions,zero_length_share,\
         gaps_near,gaps_near_share"
    );
    assert_eq!(lines[4], "10m,600000,false,2,0,0,2,1.0,1,1.0");
    assert_eq!(lines[5], "15m,900000,false,1,0,600000,0,0.0,0,0.0");
    assert_eq!(lines.len(), 13, "eleven timeouts, the header and the end");
}

#[test]
fn without_gaps_it_says_so() {
    let alone = [event("ann", at("10:00")), event("bob", at("10:00"))];
    let printed = told(&with_job(&half_an_hour(), &alone), &[]).stdout;
    assert!(printed.contains("2 of 2 users") && printed.contains("no gaps to look at"), "{printed}");
    let printed = told(&with_job(&half_an_hour(), &[]), &[]).stdout;
    assert!(printed.contains("0 of 0 users"), "{printed}");
    let answer = answer(&with_job(&half_an_hour(), &[]), &[]);
    assert_eq!(answer["timeouts"][0]["median_length_ms"], Value::Null);
    assert_eq!(answer["histogram"][0]["share"], Value::Null);
}

#[test]
fn a_timeout_that_is_none_is_an_error_that_offers_a_unit() {
    let sandbox = visits(&half_an_hour());
    for (timeouts, words) in [("3", "did you mean 3m?"), ("5m,abc", "abc"), ("0s", "zero")] {
        let ran = sandbox.dwell(&["gaps", "job.toml", "--timeouts", timeouts]);
        ran.expect_code(2);
        assert!(ran.stderr.contains("--timeouts") && ran.stderr.contains(words), "{}", ran.stderr);
    }
    let ran = sandbox.dwell(&["gaps", "--input", "nowhere"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("nowhere"), "{}", ran.stderr);
}

#[test]
fn nothing_is_written() {
    let sandbox = visits(&half_an_hour());
    told(&sandbox, &[]);
    assert!(!sandbox.out().exists(), "a question made an output folder");
}
