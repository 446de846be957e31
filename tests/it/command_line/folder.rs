//! What lies in the output folder, and limits a run keeps.

use super::{names, state, three_days, view, with_events, JOB};
use crate::cells::{lines, lines_of_file};
use crate::reference::{Cell, Event};
use crate::support::{
    dated_files, read_counts, read_metadata, read_parquet, read_run, table_hashes, uncounted_rows, Layout, Sandbox,
};
use std::path::Path;

/// The only file of a table without rows.
fn empty_file(table: &Path) -> std::path::PathBuf {
    let mut entries = std::fs::read_dir(table).unwrap().map(|entry| entry.unwrap().path());
    let (file, none) = (entries.next().unwrap(), entries.next());
    assert!(none.is_none() && file.is_file(), "{} and {none:?}", file.display());
    file
}

#[test]
fn a_table_without_rows_is_one_file_without_rows_in_its_folder() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml", "--where", "keep > 5"]);
    let full = with_events(&three_days());
    full.runs(&["job.toml"]);
    for (table, column) in [("sessions", "session_date"), ("activity", "activity_date")] {
        let file = empty_file(&sandbox.out().join(table));
        let (schema, batches) = read_parquet(&file);
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 0);
        let dated = dated_files(&full.out().join(table), column);
        assert_eq!(schema.fields(), read_parquet(&dated[0].1).0.fields(), "columns of the empty {table}");
        assert_eq!(file.extension().unwrap(), "parquet");
    }
    for chart in ["measures.parquet", "histogram.parquet"] {
        assert_eq!(lines_of_file(&sandbox.out().join(chart), &["chart"]), [""; 0]);
    }
    let counts = read_counts(&sandbox.out());
    assert_eq!((counts.rows, counts.filtered, counts.sessions, uncounted_rows(&counts)), (9, 9, 0, 0));
}

#[test]
fn one_table_can_be_empty_beside_another() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml", "--start-event", "open"]);
    empty_file(&sandbox.out().join("sessions"));
    assert_eq!(sandbox.activity().len(), 6);
    assert_eq!(read_counts(&sandbox.out()).out_of_session["no_start"], 9);
}

#[test]
fn the_file_of_an_empty_table_goes_when_rows_come_and_comes_when_rows_go() {
    let sandbox = with_events(&three_days());
    let with_condition = JOB.replace("path = \"data\"", "path = \"data\"\nwhere = \"user_id <> 'dan'\"");
    let nobody = [view("dan", "10:00")];
    sandbox.job(&with_condition).events("events.parquet", &Layout::default(), &nobody).runs(&["job.toml"]);
    empty_file(&sandbox.out().join("sessions"));
    sandbox.events("events.parquet", &Layout::default(), &three_days()).runs(&["job.toml"]);
    // `dated_files` finds nothing beside the dates.
    assert_eq!((sandbox.sessions().len(), sandbox.activity().len()), (6, 6));
    sandbox.events("events.parquet", &Layout::default(), &nobody).runs(&["job.toml"]);
    empty_file(&sandbox.out().join("sessions"));
    empty_file(&sandbox.out().join("activity"));
}

#[test]
fn a_window_that_fills_an_empty_table_removes_its_file() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml", "--from", "2026-02-01", "--to", "2026-02-01"]);
    empty_file(&sandbox.out().join("sessions"));
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    assert_eq!((sandbox.sessions().len(), sandbox.activity().len()), (2, 2));
}

#[test]
fn a_window_that_empties_a_table_leaves_one_file_without_rows() {
    let sandbox = with_events(&three_days()[3..6]);
    sandbox.runs(&["job.toml"]);
    sandbox.events("events.parquet", &Layout::default(), &three_days()[..3]);
    sandbox.runs(&["job.toml", "--from", "2026-01-06", "--to", "2026-01-06"]);
    empty_file(&sandbox.out().join("sessions"));
    empty_file(&sandbox.out().join("activity"));
}

#[test]
fn an_input_without_rows_makes_empty_tables() {
    let sandbox = with_events(&[]);
    let ran = sandbox.runs(&["job.toml"]);
    empty_file(&sandbox.out().join("sessions"));
    empty_file(&sandbox.out().join("activity"));
    assert_eq!(read_counts(&sandbox.out()).rows, 0);
    assert!(ran.stderr.starts_with("warning: "), "{}", ran.stderr);
}

#[test]
fn every_parquet_file_carries_format_definition_and_fingerprint() {
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    let run = read_run(&sandbox.out());
    let fingerprint = run["fingerprint"].as_str().unwrap();
    let files: Vec<String> = names(&sandbox.out()).into_iter().filter(|name| name.ends_with(".parquet")).collect();
    assert_eq!(files.len(), 8, "{files:?}");
    let mut definitions = Vec::new();
    for name in files {
        let metadata = read_metadata(&sandbox.out().join(&name));
        assert!(metadata["dwell.format"].parse::<u32>().is_ok(), "{name}: {metadata:?}");
        assert_eq!(metadata["dwell.fingerprint"], fingerprint, "{name}");
        definitions.push(metadata["dwell.definition"].clone());
    }
    definitions.dedup();
    assert_eq!(definitions.len(), 1);
    assert!(definitions[0].contains("session.timeout") && definitions[0].contains("30m"), "{}", definitions[0]);
    assert!(run["definition"].to_string().contains("session.timeout"), "{}", run["definition"]);
}

#[test]
fn another_definition_has_another_fingerprint_and_other_files_and_threads_have_not() {
    let fingerprint = |arguments: &[&str]| {
        let sandbox = with_events(&three_days());
        std::fs::rename(sandbox.path().join("data"), sandbox.path().join("input")).unwrap();
        sandbox.runs(&[&["job.toml", "--input", "input"], arguments].concat());
        read_run(&sandbox.out())["fingerprint"].clone()
    };
    let sandbox = with_events(&three_days());
    sandbox.runs(&["job.toml"]);
    let plain = read_run(&sandbox.out())["fingerprint"].clone();
    assert_eq!(fingerprint(&[]), plain);
    assert_eq!(fingerprint(&["--threads", "2", "--only", "charts", "--from", "2026-01-06"]), plain);
    for arguments in [
        ["--timeout", "31m"],
        ["--timezone", "Europe/Paris"],
        ["--where", "keep > 0"],
        ["--inactive", "x"],
        ["--max-length", "2d"],
        ["--gap-equal", "join"],
        ["--dedup", "insert_id"],
        ["--event", "order_id"],
    ] {
        assert_ne!(fingerprint(&arguments), plain, "{arguments:?}");
    }
}

#[test]
fn the_order_of_event_types_in_a_job_means_nothing() {
    let made = |types: &str| {
        let sandbox = with_events(&three_days());
        let job = JOB.replace("timeout = \"30m\"", &format!("start_event = {types}"));
        sandbox.job(&job).runs(&["job.toml"]);
        table_hashes(&sandbox.out())
    };
    assert_eq!(made("[\"view\", \"open\"]"), made("[\"open\", \"view\", \"open\"]"));
}

// ---- Counts ------------------------------------------------------------------------------------------------

/// Events of which every kind of row is one.
fn of_every_kind() -> Sandbox {
    let id = |event: Event, id: i64| Event { session_id: Some(Cell::Int(id)), ..event };
    let unique = |event: Event, id: &str| Event { dedup: Some(id.to_owned()), ..event };
    let events = [
        id(unique(view("ann", "10:00"), "i1"), 5),
        id(unique(view("ann", "10:01"), "i2"), 5),
        id(unique(view("ann", "10:02"), "i2"), 5),
        id(view("bob", "10:00"), -1),
        id(view("bob", "2026-01-01 10:00"), 6),
        id(view("cid", "2026-01-05 01:00"), 7),
        id(view("cid", "2026-01-06 02:00"), 7),
        id(super::event("ann", "10:05", "push"), 5),
        Event { users: vec![None], ..view("", "10:00") },
        Event { time: None, ..view("ann", "10:00") },
        view("ann", "1999-12-31 23:59"),
        Event { keep: Some(0), ..view("ann", "10:00") },
    ];
    let sandbox = with_events(&events);
    sandbox.job(
        "[input]\npath = \"data\"\nwhere = \"keep > 0\"\ndedup = \"insert_id\"\ninactive = \"push\"\n\
         [output]\npath = \"out\"\nsince = \"2026-01-05\"\n",
    );
    sandbox
}

#[test]
fn the_counts_of_run_json_add_up() {
    let sandbox = of_every_kind();
    sandbox.runs(&["job.toml"]);
    let counts = read_counts(&sandbox.out());
    assert_eq!(uncounted_rows(&counts), 0, "{counts:#?}");
    assert_eq!((counts.rows, counts.filtered, counts.duplicates, counts.inactive), (12, 1, 1, 1));
    assert_eq!((counts.outside_window, counts.in_session, counts.sessions), (1, 4, 1));
    let of = |reasons: &std::collections::BTreeMap<String, i64>| {
        reasons.iter().map(|(reason, count)| format!("{reason} {count}")).collect::<Vec<_>>()
    };
    assert_eq!(of(&counts.rejected), ["no_time 1", "no_user 1", "time_out_of_range 1"]);
    assert_eq!(of(&counts.out_of_session), ["no_session_id 1"]);
    assert_eq!(of(&counts.excluded), ["max_length 1"]);
    assert_eq!(counts.users, 3);
}

#[test]
fn run_json_tells_the_inputs_the_tables_and_the_time() {
    let sandbox = with_events(&three_days());
    let more = Layout { rows_per_group: 1, ..Layout::default() };
    sandbox.events("more.parquet", &more, &[view("cid", "12:00"), view("cid", "12:01")]).runs(&["job.toml"]);
    let run = read_run(&sandbox.out());
    let size = |path: &Path| i64::try_from(std::fs::metadata(path).unwrap().len()).unwrap();
    let data = sandbox.path().join("data");
    assert_eq!(run["inputs"]["files"], 2);
    assert_eq!(run["inputs"]["bytes"], size(&data.join("events.parquet")) + size(&data.join("more.parquet")));
    assert_eq!(run["inputs"]["row_groups_read"], 3);
    assert_eq!(run["inputs"]["row_groups_skipped"], 0);

    let bytes = |starts: &str| -> i64 {
        names(&sandbox.out())
            .iter()
            .filter(|name| name.starts_with(starts))
            .map(|name| size(&sandbox.out().join(name)))
            .sum()
    };
    for (table, rows) in [("sessions", 7), ("activity", 7), ("measures", 3), ("histogram", 27)] {
        let told = &run["tables"][table];
        assert_eq!((&told["rows"], &told["bytes"]), (&rows.into(), &bytes(table).into()), "{table} in {run:#}");
    }
    assert_eq!(lines(&sandbox.out(), "sessions", &["user_id"]).len(), 7);
    let dates = &run["dates"];
    assert_eq!((&dates["first"], &dates["last"]), (&"2026-01-05".into(), &"2026-01-07".into()));
    assert_eq!(run["warnings"].as_array().unwrap().len(), 0);
    assert!(run["peak_memory_bytes"].as_i64().unwrap() > 1_000_000);
    let seconds: Vec<f64> = run["seconds"].as_object().unwrap().values().map(|each| each.as_f64().unwrap()).collect();
    assert!(seconds.len() > 1 && seconds.iter().all(|each| (0.0..600.0).contains(each)), "{seconds:?}");
}

#[test]
fn users_in_run_json_are_those_of_the_activity_table() {
    let sandbox = of_every_kind();
    sandbox.runs(&["job.toml"]);
    let mut users = lines(&sandbox.out(), "activity", &["user_id"]);
    users.sort();
    users.dedup();
    assert_eq!(users, ["ann", "bob", "cid"]);
    assert_eq!(read_counts(&sandbox.out()).users, 3);
}

// ---- Limits ------------------------------------------------------------------------------------------------

/// Twenty rows, one of which is rejected.
fn one_in_twenty() -> Sandbox {
    let mut events: Vec<Event> = (0..19).map(|minute| view("ann", &format!("10:{minute:02}"))).collect();
    events.push(Event { users: vec![None], ..view("", "10:00") });
    with_events(&events)
}

#[test]
fn a_share_of_rejected_rows_up_to_the_limit_is_accepted() {
    for limit in ["5%", "0.05", "5.0%", "100%", "1", "0.5"] {
        let sandbox = one_in_twenty();
        sandbox.runs(&["job.toml", "--max-rejected", limit]);
        assert_eq!(read_counts(&sandbox.out()).rejected["no_user"], 1, "{limit}");
    }
}

#[test]
fn a_share_of_rejected_rows_over_the_limit_changes_nothing_and_says_why() {
    for limit in ["4.9%", "0.049", "0", "0%", "1%"] {
        let sandbox = one_in_twenty();
        sandbox.runs(&["job.toml"]);
        let before = state(&sandbox.out());
        sandbox.events(
            "more.parquet",
            &Layout::default(),
            &[view("bob", "11:00"), Event { users: vec![None], ..view("", "11:00") }],
        );
        let ran = sandbox.dwell(&["run", "job.toml", "--max-rejected", limit]);
        ran.expect_code(3);
        assert!(ran.stderr.contains("no_user") && ran.stderr.contains("22"), "{limit}: {}", ran.stderr);
        assert_eq!(state(&sandbox.out()), before, "{limit}");
    }
}

#[test]
fn a_limit_that_is_no_share_is_refused() {
    for limit in ["5", "-1%", "101%", "few", "NaN", ""] {
        let sandbox = one_in_twenty();
        let ran = sandbox.dwell(&["run", "job.toml", &format!("--max-rejected={limit}")]);
        ran.expect_code(2);
        assert!(ran.stderr.contains("--max-rejected"), "{limit}: {}", ran.stderr);
        assert!(!sandbox.out().exists(), "{limit}");
    }
}

#[test]
fn the_number_of_threads_changes_no_byte() {
    let made = |threads: &str| {
        let sandbox = Sandbox::new();
        let users = ["ann", "bob", "cid", "dan", "eve", "flo", "gus"];
        let layout = Layout { rows_per_group: 37, ..Layout::default() };
        for file in 0..5 {
            let visit = |row: usize| {
                let clock =
                    format!("2026-01-{:02} {:02}:{:02}:{:02}", 5 + row % 3, row * 7 % 24, row * 13 % 60, row % 60);
                super::event(users[(row + file) % 7], &clock, ["open", "view", "buy"][row % 3])
            };
            let events: Vec<Event> = (0..400).map(visit).collect();
            sandbox.events(&format!("{file}.parquet"), &layout, &events);
        }
        sandbox.job(JOB).runs(&["job.toml", "--threads", threads]);
        assert_eq!(read_counts(&sandbox.out()).rows, 2000);
        (table_hashes(&sandbox.out()), super::counted(&sandbox.out()))
    };
    let one = made("1");
    assert!(one.0.len() > 8);
    assert!(one == made("3"), "one and three threads differ");
    assert!(one == made("16"), "one and sixteen threads differ");
}
