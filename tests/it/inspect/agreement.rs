//! Random tables under random definitions: what inspect says of each user is what the tables and the reference say.

use super::super::property::{case, cases, check, laid_out, Case};
use crate::reference::{self, Definition, Kept, SessionRow, Value as Key};
use crate::support::{job_toml, ColumnType, Sandbox, TimeType};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeMap;

/// All persons of random tables, in all their spellings.
const PERSONS: [&str; 5] = ["ann", "bob", "1", "-20", "3"];

fn micros(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<Timestamp>().unwrap().as_microsecond()
}

fn key(value: &Value) -> Key {
    match value {
        Value::Number(number) => Key::Int(number.as_i64().unwrap()),
        Value::String(text) => Key::Text(text.clone()),
        other => panic!("{other} is no key"),
    }
}

fn word(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// A session that is in the table, as the table has it.
fn row(session: &Value, definition: &Definition) -> SessionRow {
    let calendar = reference::Calendar::new(definition.timezone.as_deref());
    let start = micros(&session["start_time"]);
    SessionRow {
        date: calendar.date(start),
        user_id: key(&session["user_id"]),
        session_id: key(&session["session_id"]),
        property: Some(&session["property"]).filter(|value| !value.is_null()).map(key),
        start_time: start,
        end_time: micros(&session["end_time"]),
        length_ms: session["length_ms"].as_i64().unwrap(),
        event_count: session["event_count"].as_i64().unwrap(),
        first_event: word(&session["first_event"]),
        last_event: word(&session["last_event"]),
        end_reason: word(&session["end_reason"]).unwrap(),
    }
}

fn in_table(answer: &Value) -> Vec<&Value> {
    answer["sessions"].as_array().unwrap().iter().filter(|session| session["in_table"] == true).collect()
}

/// The order of the table.
fn sorted(mut rows: Vec<SessionRow>) -> Vec<SessionRow> {
    rows.sort_by(|a, b| (a.date, &a.user_id, &a.session_id).cmp(&(b.date, &b.user_id, &b.session_id)));
    rows
}

/// A run and the answers about all persons who have a row.
fn asked(case: &Case) -> (Sandbox, Vec<Value>) {
    let sandbox = laid_out(case, &case.arrangements[0]);
    sandbox.job(&job_toml(&case.definition, &case.layout, &[]));
    sandbox.run(&Definition { from: None, to: None, ..case.definition.clone() }, &[]).expect_code(0);
    let answers = PERSONS.iter().filter_map(|person| {
        let ran = sandbox.inspect(&["--user", person, "--all", "--format", "json"]);
        // Not everybody is there, and where users are numbers, some cannot be.
        let absent = ran.code == Some(2) && (ran.stderr.contains("has no row") || ran.stderr.contains("is no number"));
        (!absent).then(|| {
            ran.expect_code(0);
            serde_json::from_str(&ran.stdout).unwrap()
        })
    });
    let answers = answers.collect();
    (sandbox, answers)
}

fn events(session: &Value) -> Vec<(i64, Option<String>)> {
    let events = session["events"].as_array().unwrap().iter();
    events.map(|event| (micros(&event["time"]), word(&event["event_type"]))).collect()
}

fn agrees(case: &Case) -> Result<(), String> {
    let definition = Definition { from: None, to: None, ..case.definition.clone() };
    let case = Case { definition: definition.clone(), ..case.clone() };
    let (sandbox, answers) = asked(&case);
    let outcome = sandbox.outcome(&definition);
    let said: Vec<SessionRow> = answers.iter().flat_map(in_table).map(|session| row(session, &definition)).collect();
    if sorted(said.clone()) != sorted(outcome.sessions.clone()) {
        return Err(format!("tables: {:#?}\ninspect: {:#?}", sorted(outcome.sessions), sorted(said)));
    }
    // And the events of each, which no table has.
    let detail = reference::detail(&case.layout.read_back(&case.events), &definition, &|_| true);
    let told = |kept: &Kept| (kept.time, kept.event.clone());
    let by_reference: BTreeMap<String, Vec<_>> = detail
        .sessions
        .iter()
        .map(|(row, events)| (format!("{:?} {:?}", row.user_id, row.session_id), events.iter().map(told).collect()))
        .collect();
    let by_inspect: BTreeMap<String, Vec<_>> = answers
        .iter()
        .flat_map(in_table)
        .map(|session| (format!("{:?} {:?}", key(&session["user_id"]), key(&session["session_id"])), events(session)))
        .collect();
    // Ids are only unique by date: then these are some of them, and of the same ones.
    if by_reference != by_inspect {
        return Err(format!("reference: {by_reference:#?}\ninspect: {by_inspect:#?}"));
    }
    if definition.since.is_none() && definition.until.is_none() {
        counts_agree(&answers, &outcome)?;
    }
    Ok(())
}

/// Every row of somebody is somewhere.
fn counts_agree(answers: &[Value], outcome: &reference::Outcome) -> Result<(), String> {
    let mut reasons: BTreeMap<String, i64> = BTreeMap::new();
    let mut count = |word: Option<String>| *reasons.entry(word.unwrap()).or_default() += 1;
    let (mut inside, mut excluded) = (0, 0);
    for answer in answers {
        answer["out_of_session"].as_array().unwrap().iter().for_each(|event| count(word(&event["reason"])));
        for left_out in answer["left_out"].as_array().unwrap() {
            count(word(&left_out["reason"]).or_else(|| word(&left_out["status"])));
        }
        for session in answer["sessions"].as_array().unwrap() {
            inside += session["event_count"].as_i64().unwrap();
            excluded += i64::from(session["in_table"] == false);
        }
    }
    let counts = &outcome.counts;
    let mut expected: BTreeMap<String, i64> = counts.out_of_session.clone();
    expected.extend(counts.rejected.iter().filter(|(reason, _)| *reason != "no_user").map(|(r, n)| (r.clone(), *n)));
    expected.extend([("duplicate".to_owned(), counts.duplicates), ("inactive".to_owned(), counts.inactive)]);
    expected.retain(|_, count| *count > 0);
    let all_excluded: i64 = counts.excluded.values().sum();
    if reasons != expected || inside != counts.in_session || excluded != all_excluded {
        return Err(format!("inspect: {reasons:?} {inside} {excluded}\ncounts: {counts:#?}"));
    }
    Ok(())
}

#[test]
fn sessions_by_id_are_those_of_the_table() {
    check(cases() / 8, case(false, 1), agrees);
}

#[test]
fn custom_sessions_are_those_of_the_table() {
    check(cases() / 6, case(true, 1), agrees);
}

#[test]
fn a_session_is_found_by_its_id_alone() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 1));
    check(cases() / 8, either, |case| {
        // Ids of custom sessions are milliseconds: a table of seconds would have few of them.
        let definition = Definition { from: None, to: None, ..case.definition.clone() };
        let sandbox = laid_out(case, &case.arrangements[0]);
        sandbox.job(&job_toml(&definition, &case.layout, &[]));
        sandbox.run(&definition, &["--only", "sessions"]).expect_code(0);
        let sessions = crate::support::read_sessions(&sandbox.out(), &definition);
        for expected in sessions.iter().step_by(sessions.len().div_ceil(5).max(1)) {
            let id = expected.session_id.to_string();
            let answer = sandbox.answer(&["--session", &id]);
            let found: Vec<SessionRow> =
                in_table(&answer).into_iter().map(|session| row(session, &definition)).collect();
            let same: Vec<&SessionRow> = sessions.iter().filter(|row| row.session_id == expected.session_id).collect();
            if !found.contains(expected) || found.len() != same.len() {
                return Err(format!("session {id}: {expected:#?}\nfound {found:#?}"));
            }
            let owner = expected.user_id.to_string();
            let answer = sandbox.answer(&["--session", &id, "--user", &owner]);
            let users: Vec<Key> = answer["sessions"].as_array().unwrap().iter().map(|s| key(&s["user_id"])).collect();
            if users.is_empty() || users.iter().any(|user| user.to_string() != owner) {
                return Err(format!("session {id} of {owner}: {users:?}"));
            }
        }
        Ok(())
    });
}

#[test]
fn threads_and_the_order_of_files_change_nothing() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 2));
    check(cases() / 16, either, |case| {
        let user = if case.layout.users.contains(&ColumnType::Text) { "ann" } else { "1" };
        let ways: [&[&str]; 2] = [&["--threads", "1"], &["--threads", "8"]];
        let mut said = case.arrangements.iter().zip(ways).map(|(arrangement, threads)| {
            let sandbox = laid_out(case, arrangement);
            sandbox.job(&job_toml(&case.definition, &case.layout, &[]));
            let columns = ["--columns", "keep,order_id,insert_id"];
            // Rejected times are shown as they are in the file, and these tables spell them by their place in it.
            let all: &[&str] = if case.layout.time == TimeType::Iso { &[] } else { &["--all"] };
            let mut ran = sandbox.inspect(&[&["--user", user], threads, &columns, all].concat());
            // How much was read depends on the files, of course.
            ran.stdout = ran.stdout.lines().filter(|line| !line.starts_with("Searched")).collect();
            ran.stderr = String::new();
            (ran.code, ran.stdout)
        });
        let (one, other) = (said.next().unwrap(), said.next().unwrap());
        match one == other {
            true => Ok(()),
            false => Err(format!("{one:?}\n{other:?}")),
        }
    });
}
