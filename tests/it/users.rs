//! Session numbers and the table of users: random tables against plain loops, and stories by hand.

use crate::charts::{read_all, run_story, sessions_of, texts_of, try_story, Happened, COLUMNS_AND_CHARTS};
use crate::property::{case, cases, check, run_with, Case};
use crate::support::{dated_files, first_difference, read_run, table_hashes, Sandbox};
use arrow::array::AsArray;
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// A session as its table has it.
#[derive(Clone, Debug)]
struct Numbered {
    /// The user, and the value of a segment of several.
    whose: (String, String),
    start: i64,
    id: Id,
    end: i64,
    /// Number, end of the one before and time since then, as the table has them.
    said: String,
    row: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Id {
    Int(i64),
    Text(String),
}

fn micros(batch: &arrow::array::RecordBatch, name: &str) -> Vec<i64> {
    batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>().values().to_vec()
}

fn table(folder: &Path, by: Option<&str>) -> Vec<Numbered> {
    let mut sessions = Vec::new();
    for (date, file) in dated_files(folder, "session_date") {
        let batch = read_all(&file);
        let texts = |name: &str| texts_of(&batch, name);
        let are_numbers = *batch.column_by_name("session_id").unwrap().data_type() == DataType::Int64;
        let ids = texts("session_id").into_iter().map(|id| match are_numbers {
            true => Id::Int(id.parse().unwrap()),
            false => Id::Text(id),
        });
        let users = texts("user_id");
        let values = by.map_or_else(|| vec![String::new(); users.len()], texts);
        let previous = batch.column_by_name("previous_end_time").unwrap();
        let previous = previous.as_primitive::<TimestampMicrosecondType>();
        let (numbers, since) = (texts("session_number"), texts("since_previous_ms"));
        let (starts, ends) = (micros(&batch, "start_time"), micros(&batch, "end_time"));
        for (row, id) in ids.enumerate() {
            let before = previous.iter().nth(row).unwrap().map_or("-".to_owned(), |end| end.to_string());
            sessions.push(Numbered {
                whose: (users[row].clone(), values[row].clone()),
                start: starts[row],
                row: format!("{date} {} {} {id:?}", users[row], values[row]),
                id,
                end: ends[row],
                said: format!("{} {before} {}", numbers[row], since[row]),
            });
        }
    }
    sessions
}

/// What each session's number is to be, by a look at all of them.
fn expected(sessions: &[Numbered]) -> Vec<String> {
    let order = |session: &Numbered| (session.start, session.id.clone());
    let of = |session: &Numbered| {
        let own = sessions.iter().filter(|other| other.whose == session.whose);
        let mut before: Vec<&Numbered> = own.filter(|other| order(other) < order(session)).collect();
        before.sort_by_key(|other| order(other));
        match before.last() {
            None => "1 - -".to_owned(),
            Some(last) => {
                let since = (session.start - last.end).div_euclid(1000);
                format!("{} {} {since}", before.len() + 1, last.end)
            }
        }
    };
    sessions.iter().map(|session| format!("{}: {}", session.row, of(session))).collect()
}

/// The table of users, by a look at the other tables.
fn users(out: &Path) -> Vec<String> {
    #[derive(Default)]
    struct User {
        dates: Vec<String>,
        events: i64,
        sessions: Vec<(i64, i64)>,
        spent: i64,
    }
    let mut users: BTreeMap<Id, User> = BTreeMap::new();
    let key =
        |batch: &arrow::array::RecordBatch, user: String| match *batch.column_by_name("user_id").unwrap().data_type()
            == DataType::Int64
        {
            true => Id::Int(user.parse().unwrap()),
            false => Id::Text(user),
        };
    for (date, file) in dated_files(&out.join("activity"), "activity_date") {
        let batch = read_all(&file);
        for (user, events) in texts_of(&batch, "user_id").into_iter().zip(texts_of(&batch, "events")) {
            let user = users.entry(key(&batch, user)).or_default();
            user.dates.push(date.to_string());
            user.events += events.parse::<i64>().unwrap();
        }
    }
    for (_, file) in dated_files(&out.join("sessions"), "session_date") {
        let batch = read_all(&file);
        let (starts, ends) = (micros(&batch, "start_time"), micros(&batch, "end_time"));
        let lengths = texts_of(&batch, "length_ms");
        for (row, user) in texts_of(&batch, "user_id").into_iter().enumerate() {
            let user = users.entry(key(&batch, user)).or_default();
            user.sessions.push((starts[row], ends[row]));
            user.spent += lengths[row].parse::<i64>().unwrap();
        }
    }
    let row = |(id, user): (Id, User)| {
        let dates = [user.dates.iter().min(), user.dates.iter().max()];
        let times =
            [user.sessions.iter().map(|(start, _)| *start).min(), user.sessions.iter().map(|(_, end)| *end).max()];
        let [first, last] = dates.map(|date| date.cloned().unwrap_or("-".to_owned()));
        let [start, end] = times.map(|time| time.map_or("-".to_owned(), |time| time.to_string()));
        let (days, events, sessions) = (user.dates.len(), user.events, user.sessions.len());
        format!("{id:?} {first} {last} {days} {events} {sessions} {} {start} {end}", user.spent)
    };
    users.into_iter().map(row).collect()
}

fn written_users(out: &Path) -> Vec<String> {
    let batch = read_all(&out.join("users/part-0.parquet"));
    let texts = |name: &str| texts_of(&batch, name);
    let are_numbers = *batch.column_by_name("user_id").unwrap().data_type() == DataType::Int64;
    let times = |name: &str| -> Vec<String> {
        let times = batch.column_by_name(name).unwrap().as_primitive::<TimestampMicrosecondType>().clone();
        times.iter().map(|time| time.map_or("-".to_owned(), |time| time.to_string())).collect()
    };
    let (starts, ends) = (times("first_session_start"), times("last_session_end"));
    let names = ["first_active_date", "last_active_date", "active_days", "events", "sessions", "time_spent_ms"];
    let columns: Vec<Vec<String>> = names.iter().map(|name| texts(name)).collect();
    let of = |(row, user): (usize, String)| {
        let id = if are_numbers { Id::Int(user.parse().unwrap()) } else { Id::Text(user) };
        let cells: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
        format!("{id:?} {} {} {}", cells.join(" "), starts[row], ends[row])
    };
    texts("user_id").into_iter().enumerate().map(of).collect()
}

/// As every job of these tests has it: the keys of `[output]` come last.
fn with_history(job: &str) -> String {
    format!("history = true\n{job}")
}

fn is_right(out: &Path) -> Result<(), String> {
    for (folder, by) in
        [("sessions", None), ("segments/kept/sessions", None), ("segments/order/sessions", Some("order_id"))]
    {
        let folder = out.join(folder);
        if !folder.exists() {
            continue;
        }
        let sessions = table(&folder, by);
        let said: Vec<String> = sessions.iter().map(|session| format!("{}: {}", session.row, session.said)).collect();
        if let Some(difference) = first_difference(&folder.to_string_lossy(), &expected(&sessions), &said) {
            return Err(difference);
        }
    }
    first_difference("users", &users(out), &written_users(out)).map_or(Ok(()), Err)
}

fn agrees_with_the_loops(case: &Case) -> Result<(), String> {
    let job = with_history(COLUMNS_AND_CHARTS);
    is_right(&run_with(case, &case.arrangements[0], &[], &job)?.out())
}

#[test]
fn numbers_under_the_default_definition_agree_with_plain_loops() {
    check(cases() / 8, case(false, 1), agrees_with_the_loops);
}

#[test]
fn numbers_under_custom_definitions_agree_with_plain_loops() {
    check(cases() / 8, case(true, 1), agrees_with_the_loops);
}

#[test]
fn numbers_are_the_same_bytes_in_any_order_files_number_of_threads_and_memory() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 2));
    check(cases() / 16, either, |case| {
        let job = with_history(COLUMNS_AND_CHARTS);
        let mut hashes = Vec::new();
        for (arrangement, threads) in case.arrangements.iter().zip(["1", "8"]) {
            hashes.push(table_hashes(&run_with(case, arrangement, &["--threads", threads], &job)?.out()));
        }
        (hashes[0] == hashes[1]).then_some(()).ok_or("the tables differ".to_owned())
    });
}

const STORY: &[Happened<'static>] = &[
    Happened("ann", "2026-01-01 10:00", "view", &[("page", "/a")]),
    Happened("ann", "2026-01-01 10:10", "view", &[("page", "/a")]),
    Happened("ann", "2026-01-02 09:00", "view", &[("page", "/b")]),
    Happened("bob", "2026-01-02 12:00", "buy", &[("page", "/a")]),
    Happened("ann", "2026-01-04 09:00", "buy", &[("page", "/a")]),
];

fn rows(out: &Path) -> Vec<String> {
    table(&out.join("sessions"), None)
        .into_iter()
        .map(|session| format!("{} {}", session.whose.0, session.said))
        .collect()
}

#[test]
fn history_by_hand() {
    let sandbox = run_story(
        STORY,
        &with_history(
            "[[column]]\nname = 'is_new'\nwhen = 'session_number = 1'\n\
             [[segment]]\nname = 'page'\nby = 'page'\n\
             [[chart]]\nname = 'returning'\ninterval = 'total'\nsessions = 'since_previous_ms >= 1000'\n\
             [[chart]]\nname = 'new'\ninterval = 'total'\ngroup_by = { column = 'is_new' }\n",
        ),
    );
    let at = |text: &str| crate::support::at(text);
    let minutes = |count: i64| count * 60_000;
    assert_eq!(
        rows(&sandbox.out()),
        [
            "ann 1 - -".to_owned(),
            format!("ann 2 {} {}", at("2026-01-01 10:10"), minutes(22 * 60 + 50)),
            "bob 1 - -".to_owned(),
            format!("ann 3 {} {}", at("2026-01-02 09:00"), minutes(48 * 60)),
        ]
    );
    assert_eq!(sessions_of(&sandbox.out(), "returning", "A"), ["all - 2"]);
    let mut new = sessions_of(&sandbox.out(), "new", "A");
    new.sort();
    assert_eq!(new, ["all false 2", "all true 2"]);
    let of_pages = table(&sandbox.out().join("segments/page/sessions"), Some("page"));
    let of_pages: Vec<String> =
        of_pages.iter().map(|session| format!("{:?} {}", session.whose, &session.said[..1])).collect();
    assert_eq!(of_pages, [r#"("ann", "/a") 1"#, r#"("ann", "/b") 1"#, r#"("bob", "/a") 1"#, r#"("ann", "/a") 2"#]);
    assert_eq!(
        written_users(&sandbox.out()),
        [
            format!(
                "Text(\"ann\") 2026-01-01 2026-01-04 3 4 3 600000 {} {}",
                at("2026-01-01 10:00"),
                at("2026-01-04 09:00")
            ),
            format!("Text(\"bob\") 2026-01-02 2026-01-02 1 1 1 0 {0} {0}", at("2026-01-02 12:00")),
        ]
    );
    // Charts of the tables alone know the columns, too.
    sandbox.dwell(&["charts", "job.toml"]).expect_code(0);
    assert_eq!(sessions_of(&sandbox.out(), "returning", "A"), ["all - 2"]);
}

/// Runs a job about some dates, and returns the dates whose sessions were renumbered.
fn renumbered(sandbox: &Sandbox, arguments: &[&str]) -> Vec<(String, String)> {
    sandbox.dwell(&[&["run", "job.toml", "--quiet"], arguments].concat()).expect_code(0);
    let run = read_run(&sandbox.out());
    let ranges = run["renumbered"]["ranges"].as_array().unwrap().clone();
    ranges.iter().map(|range| (range[0].as_str().unwrap().into(), range[1].as_str().unwrap().into())).collect()
}

#[test]
fn later_dates_are_renumbered_without_reading_their_events() {
    let job = with_history("");
    let sandbox = run_story(STORY, &job);
    // An early session comes late.
    crate::charts::write_story(
        &sandbox.path().join("data/late.parquet"),
        &[Happened("bob", "2026-01-01 08:00", "view", &[("page", "/b")])],
    );
    let day = |text: &str| (text.to_owned(), text.to_owned());
    assert_eq!(renumbered(&sandbox, &["--incremental"]), [day("2026-01-02")]);
    is_right(&sandbox.out()).unwrap();
    let full = Sandbox::new();
    let to = full.path().join("out");
    sandbox.dwell(&["run", "job.toml", "--quiet", "--output", to.to_str().unwrap()]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&to));
    // Nothing new: nothing is written.
    let ran = sandbox.dwell(&["run", "job.toml", "--incremental"]);
    ran.expect_code(0);
    assert!(ran.stdout.starts_with("Nothing new"), "{}", ran.stdout);
    // A window says what it renumbered, too.
    std::fs::remove_file(sandbox.path().join("data/late.parquet")).unwrap();
    assert_eq!(renumbered(&sandbox, &["--from", "2026-01-01", "--to", "2026-01-01"]), [day("2026-01-02")]);
    is_right(&sandbox.out()).unwrap();
}

#[test]
fn history_comes_and_goes_without_reading_events() {
    let sandbox = run_story(STORY, "");
    let without = table_hashes(&sandbox.out());
    let text = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    sandbox.job(&text.replace("[output]", "[output]\nhistory = true"));
    sandbox.dwell(&["run", "job.toml", "--incremental"]).expect_code(0);
    let run = read_run(&sandbox.out());
    assert_eq!(run["inputs"]["row_groups_read"], 0, "{run:#}");
    is_right(&sandbox.out()).unwrap();
    sandbox.job(&text);
    sandbox.dwell(&["run", "job.toml", "--incremental"]).expect_code(0);
    assert_eq!(read_run(&sandbox.out())["inputs"]["row_groups_read"], 0);
    assert_eq!(table_hashes(&sandbox.out()), without);
}

#[test]
fn names_of_history_are_taken_where_there_is_one() {
    let column = "[[column]]\nname = 'Session_Number'\nfirst = 'page'\n";
    try_story(STORY, column).1.expect_code(0);
    let (_, ran) = try_story(STORY, &with_history(column));
    ran.expect_code(2);
    assert!(ran.stderr.contains("Session_Number"), "{}", ran.stderr);
    let (_, ran) = try_story(STORY, "[[chart]]\nname = 'c'\nsessions = 'session_number = 1'\n");
    ran.expect_code(2);
    assert!(ran.stderr.contains("session_number"), "{}", ran.stderr);
}
