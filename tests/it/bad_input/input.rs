//! Input paths, and inputs that are empty or all wrong: the one is an error, the other is not.

use super::{column, file, moved, no_column, ordinary, ordinary_schemas, run, schemas, write_ordinary, Case, Sandbox};
use crate::reference::{Cell, Event, Outcome};
use crate::support::{
    at, read_counts, read_outcome, read_run, text, uncounted_rows, ColumnType, Layout, Ran, TimeType, Unit,
};
use arrow::array::{new_null_array, ArrayRef, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use std::sync::Arc;

// ---- Paths -------------------------------------------------------------------------------------------------

#[test]
fn a_path_that_does_not_exist_is_named_with_the_nearest_beside_it() {
    run(&[]).input("dta").fails(2, &["\"dta\" does not exist", "did you mean \"data\"?", "input.path"]);
    run(&[]).input("data/event.parquet").fails(2, &["\"data/event.parquet\"", "did you mean \"data/events.parquet\"?"]);
    let said = run(&[]).input("zzzzzzzz").fails(2, &["\"zzzzzzzz\" does not exist", "input.path"]);
    assert!(said.iter().all(|said| !said.contains("did you mean")), "nothing is near: {said:?}");
    run(&["--input", "more"]).fails(2, &["\"more\" does not exist"]);
}

#[test]
fn a_part_of_a_delta_table_is_refused_and_a_log_without_a_table() {
    let a_date = |sandbox: &Sandbox| {
        sandbox.events("event_date=2026-01-05/a.parquet", &Layout::default(), &ordinary());
    };
    let part = (2, ["data\" is a Delta Lake table", "a part of it", "name the table itself", "input.path"]);
    let whole = (1, ["data/_delta_log\"", "it has no `protocol`", "up to version 0", "restore it"]);
    for (input, (code, words)) in [
        ("data", whole),
        ("dat?", whole),
        ("data/events.parquet", part),
        ("data/*.parquet", part),
        ("data/event_date=2026-01-05", part),
    ] {
        run(&[])
            .when(a_date)
            .when(file("data/_delta_log/00000000000000000000.json", b"{}"))
            .input(input)
            .fails(code, &words);
    }
}

#[test]
fn an_iceberg_table_is_refused_however_it_is_named() {
    for (metadata, input) in [
        ("data/metadata/v1.metadata.json", "data"),
        ("data/metadata/00000-5f2e.gz.metadata.json", "data"),
        ("data/metadata/version-hint.text", "data/"),
        ("data/metadata/v1.metadata.json", "dat?"),
    ] {
        iceberg(metadata).input(input).fails(2, &ICEBERG);
    }
}

/// Like those of a Delta table, they may be files that the table has deleted.
#[test]
fn the_files_of_an_iceberg_table_are_refused_too() {
    for input in ["data/data", "data/data/events.parquet", "data/data/*.parquet"] {
        iceberg("data/metadata/v1.metadata.json").input(input).fails(2, &ICEBERG);
    }
}

const ICEBERG: [&str; 4] = ["Iceberg table", "not supported yet", "export", "input.path"];

fn iceberg(metadata: &'static str) -> Case {
    let case = run(&[]).when(moved("data/events.parquet", "data/data/events.parquet"));
    case.when(file(metadata, b"{}")).when(file("data/metadata/snap-1.avro", b"Obj"))
}

#[test]
fn a_folder_without_a_parquet_file_is_named() {
    let words = ["the folder \"data\" has no *.parquet file", "_ or .", "input.path"];
    run(&[]).when(moved("data/events.parquet", "elsewhere.parquet")).fails(2, &words);
    run(&[])
        .when(moved("data/events.parquet", "data/_staging/events.parquet"))
        .when(file("data/.hidden.parquet", b"x"))
        .when(file("data/events.csv", b"user_id,event_time\n"))
        .fails(2, &words);
}

#[test]
fn a_glob_that_matches_nothing_or_cannot_be_read_is_named() {
    for glob in ["data/*.pqt", "date/*.parquet", "data/**/part-*.parquet", "data/2026-??"] {
        run(&[]).input(glob).fails(2, &[&format!("the glob \"{glob}\""), "matches no file", "input.path"]);
    }
    run(&[]).input("data/[a.parquet").fails(2, &["\"data/[a.parquet\"", "input.path"]);
}

#[test]
fn a_url_of_no_store_is_refused_with_those_there_are() {
    for url in ["ftp://server/events", "hdfs://server/events/*.parquet"] {
        run(&[]).input(url).fails(2, &[url, "the schemes are s3, gs, az, abfss, http and https"]);
    }
}

#[test]
fn an_output_at_a_url_that_nothing_can_be_written_to_is_refused() {
    run(&[]).output("ftp://host/out").fails(2, &["ftp://host/out", "the schemes are s3, gs, az"]);
    run(&[]).output("s3a://bucket/out").fails(2, &["write it as s3://bucket/out"]);
    run(&[]).output("https://host/out").fails(2, &["https://host/out", "a web server is only read from"]);
}

#[test]
fn a_missing_input_or_output_names_its_key_and_flag() {
    run(&[]).without_input().fails(2, &["`input.path` is missing", "job file", "--input"]);
    run(&[]).without_output().fails(2, &["`output.path` is missing", "job file", "--output"]);
    run(&[]).input("").fails(2, &["`input.path` is empty"]);
    run(&[]).output("").fails(2, &["`output.path` is empty"]);
}

// ---- Nothing to do -----------------------------------------------------------------------------------------

fn write_no_events(name: &'static str) -> impl Fn(&Sandbox) {
    move |sandbox| {
        sandbox.events(name, &Layout::default(), &[]);
    }
}

/// All tables are there, have the columns they always have, and no row.
fn assert_empty(sandbox: &Sandbox, warning: &str) {
    assert_no_sessions(sandbox, warning);
    let outcome = outcome(sandbox);
    assert_eq!(outcome.activity, []);
    assert_eq!(outcome.counts.users, 0);
    assert_eq!(schemas(&sandbox.out()), ordinary_schemas());
}

fn assert_no_sessions(sandbox: &Sandbox, warning: &str) {
    let outcome = outcome(sandbox);
    assert_eq!(outcome.sessions, []);
    assert_eq!(outcome.counts.sessions, 0);
    assert_eq!(uncounted_rows(&outcome.counts), 0);
    let run = read_run(&sandbox.out());
    let warnings: Vec<&str> = run["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert!(warnings.iter().any(|one| one.contains(warning)), "no {warning:?} in {warnings:?}");
}

fn outcome(sandbox: &Sandbox) -> Outcome {
    read_outcome(&sandbox.out(), &crate::reference::Definition::default())
}

fn assert_warns(ran: &Ran, words: &[&str]) {
    let warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    for word in words {
        assert!(warnings.iter().any(|line| line.contains(word)), "no {word:?} in:\n{}", ran.stderr);
    }
}

#[test]
fn a_file_without_rows_makes_empty_tables() {
    run(&[]).when(write_no_events("events.parquet")).works(|sandbox, ran| {
        assert_eq!(read_counts(&sandbox.out()).rows, 0);
        assert_empty(sandbox, "no rows");
        assert_warns(ran, &["no rows", "input.path"]);
    });
}

#[test]
fn a_file_without_rows_beside_others_counts_for_nothing() {
    run(&[]).when(write_no_events("empty.parquet")).works(|sandbox, ran| {
        assert_eq!(read_counts(&sandbox.out()).rows, 4);
        assert_eq!(outcome(sandbox).sessions.len(), 3);
        assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
    });
}

fn each_event(change: impl Fn(&mut Event) + 'static) -> impl Fn(&Sandbox) {
    each_event_in(Layout::default(), change)
}

fn each_event_in(layout: Layout, change: impl Fn(&mut Event) + 'static) -> impl Fn(&Sandbox) {
    move |sandbox| {
        let mut events = ordinary();
        events.iter_mut().for_each(&change);
        sandbox.events("events.parquet", &layout, &events);
    }
}

#[test]
fn events_without_a_user_are_rejected_and_the_warning_names_the_column() {
    for user in [None, text("")] {
        run(&[]).when(each_event(move |event| event.users = vec![user.clone()])).works(|sandbox, ran| {
            assert_empty(sandbox, "4 of 4 rows were rejected");
            assert_eq!(read_counts(&sandbox.out()).rejected["no_user"], 4);
            assert_warns(ran, &["4 of 4 rows were rejected", "no_user", "`user_id`", "look at"]);
        });
    }
    // A column of the type null: of a table that some tool made of nothing but missing values.
    run(&["--overwrite"]).when(column("user_id", new_null_array(&DataType::Null, 1))).works(|sandbox, ran| {
        assert_no_sessions(sandbox, "4 of 4 rows were rejected");
        assert_warns(ran, &["4 of 4 rows were rejected", "no_user", "`user_id`", "look at"]);
    });
}

#[test]
fn events_without_a_time_are_rejected_and_the_warning_names_the_column() {
    run(&[]).when(each_event(|event| event.time = None)).works(|sandbox, ran| {
        assert_empty(sandbox, "4 of 4 rows were rejected");
        assert_eq!(read_counts(&sandbox.out()).rejected["no_time"], 4);
        assert_warns(ran, &["4 of 4 rows were rejected", "no_time", "`event_time`", "look at"]);
    });
    let iso = Layout { time: TimeType::Iso, ..Layout::default() };
    run(&["--overwrite"]).when(each_event_in(iso, |event| event.time = None)).works(|sandbox, ran| {
        assert_no_sessions(sandbox, "4 of 4 rows were rejected");
        assert_warns(ran, &["no_time", "`event_time`"]);
    });
}

#[test]
fn times_out_of_range_are_rejected_rows_and_no_error() {
    let out_of_range = |events: &mut [Event]| {
        events[0].time = Some(at("1999-12-31 23:59:59.999999"));
        events[1].time = Some(at("2100-01-01 00:00"));
    };
    run(&[])
        .when(move |sandbox| {
            let mut events = ordinary();
            out_of_range(&mut events);
            sandbox.events("events.parquet", &Layout::default(), &events);
        })
        .works(|sandbox, ran| {
            let counts = read_counts(&sandbox.out());
            assert_eq!(counts.rejected, [("time_out_of_range".to_owned(), 2)].into());
            assert_eq!((counts.rows, counts.in_session, counts.sessions), (4, 2, 2));
            assert_warns(ran, &["2 of 4 rows were rejected", "`event_time`", "input.min_time", "input.max_time"]);
        });
    let extreme = TimestampMicrosecondArray::from(vec![i64::MAX]).with_timezone("UTC");
    run(&[]).when(column("event_time", Arc::new(extreme))).works(|sandbox, ran| {
        assert_empty(sandbox, "4 of 4 rows were rejected");
        assert_warns(ran, &["time_out_of_range", "`event_time`"]);
    });
}

#[test]
fn integers_of_another_unit_are_out_of_range_and_the_warning_says_where_to_look() {
    let seconds = || Arc::new(Int64Array::from(vec![at("10:00") / 1_000_000])) as ArrayRef;
    run(&["--time-unit", "us", "--overwrite"]).when(column("event_time", seconds())).works(|sandbox, ran| {
        assert_no_sessions(sandbox, "4 of 4 rows were rejected");
        assert_warns(ran, &["time_out_of_range", "`event_time`", "input.time_unit"]);
    });
}

#[test]
fn integers_that_no_unit_makes_a_time_of_are_out_of_range() {
    run(&["--time-unit", "s", "--overwrite"])
        .when(column("event_time", Arc::new(Int64Array::from(vec![i64::MAX]))))
        .works(|sandbox, _| assert_no_sessions(sandbox, "4 of 4 rows were rejected"));
}

#[test]
fn no_valid_session_id_makes_an_empty_sessions_table_and_a_warning_with_ways_out() {
    let check = |sandbox: &Sandbox, ran: &Ran| {
        assert_no_sessions(sandbox, "no event has a valid session id");
        let outcome = outcome(sandbox);
        assert_eq!(outcome.counts.out_of_session["no_session_id"], 4);
        assert_eq!(outcome.counts.users, 2);
        assert_warns(ran, &["no event has a valid session id in `session_id`", "--session-id", "--timeout 30m"]);
    };
    for id in [None, Some(Cell::Int(-1))] {
        run(&[]).when(each_event(move |event| event.session_id = id.clone())).works(|sandbox, ran| {
            check(sandbox, ran);
            assert_eq!(schemas(&sandbox.out()), ordinary_schemas());
        });
    }
    for id in ["", "-1", "none"] {
        let layout = Layout { session_id: ColumnType::Text, ..Layout::default() };
        let change = move |event: &mut Event| event.session_id = Some(Cell::Text(id.to_owned()));
        run(&["--overwrite"]).when(each_event_in(layout, change)).works(check);
    }
    run(&["--overwrite"]).when(column("session_id", new_null_array(&DataType::Null, 1))).works(check);
}

#[test]
fn a_condition_that_nothing_passes_makes_empty_tables_and_a_warning() {
    run(&["--where", "keep > 100", "--overwrite"]).works(|sandbox, ran| {
        assert_empty(sandbox, "no row passes");
        assert_eq!(read_counts(&sandbox.out()).filtered, 4);
        assert_warns(ran, &["no row passes `input.where` (keep > 100)", "check the condition"]);
    });
}

#[test]
fn an_event_type_that_no_event_has_is_a_warning_with_the_nearest() {
    run(&["--start-event", "veiw", "--overwrite"]).works(|sandbox, ran| {
        assert_no_sessions(sandbox, "\"veiw\"");
        assert_warns(ran, &["\"veiw\" of `session.start_event`", "did you mean \"view\"?"]);
    });
}

// ---- Limits ------------------------------------------------------------------------------------------------

#[test]
fn more_rejected_rows_than_allowed_are_exit_code_3_and_as_many_are_fine() {
    let one_without_user = |sandbox: &Sandbox| {
        write_ordinary(sandbox);
        let mut events = ordinary();
        events[1].users = vec![None];
        sandbox.events("events.parquet", &Layout::default(), &events);
    };
    for limit in ["0.24", "24%", "0"] {
        let words = ["1 of 4 rows were rejected", "no_user 1", "0.25", "--max-rejected", "as they were"];
        run(&["--max-rejected", limit]).when(one_without_user).fails(3, &words);
    }
    for limit in ["0.25", "25%", "1"] {
        run(&["--max-rejected", limit])
            .when(one_without_user)
            .works(|sandbox, _| assert_eq!(read_counts(&sandbox.out()).rejected["no_user"], 1));
    }
    for limit in ["1.5", "-1", "101%", "few", "nan"] {
        let flag = format!("--max-rejected={limit}");
        run(&[&flag]).fails(2, &["--max-rejected", limit, "0.05 or 5%"]);
    }
}

// ---- Columns that are not there ----------------------------------------------------------------------------

#[test]
fn a_time_column_of_integers_needs_a_unit_and_no_other_takes_one() {
    let millis = || Arc::new(Int64Array::from(vec![at("10:00") / 1000])) as ArrayRef;
    let words = ["the time column `event_time` is integer", "input.time_unit", "--time-unit", "s, ms, us or ns"];
    run(&[]).when(column("event_time", millis())).fails(2, &words);
    run(&["--time-unit", "ms"]).fails(2, &["`input.time_unit` has no effect", "`event_time` is timestamp", "remove"]);
    let iso = Layout { time: TimeType::Iso, ..Layout::default() };
    run(&["--time-unit", "ms"])
        .when(each_event_in(iso, |_| ()))
        .fails(2, &["`input.time_unit` has no effect", "`event_time` is text", "remove"]);
    let wrong = ["`input.time_unit` = \"min\"", "s, ms, us or ns"];
    run(&["--time-unit", "min"]).fails(2, &wrong);
    let layout = Layout { time: TimeType::Int(Unit::Millis), ..Layout::default() };
    run(&["--time-unit", "ms", "--overwrite"])
        .when(each_event_in(layout, |_| ()))
        .works(|sandbox, _| assert_eq!(outcome(sandbox).sessions.len(), 3));
}

#[test]
fn an_absent_default_column_says_how_to_name_another() {
    for (name, key, flag) in [
        ("user_id", "input.user", "--user"),
        ("event_time", "input.time", "--time"),
        ("session_id", "input.session_id", "--session-id"),
    ] {
        let words = [&format!("there is no column `{name}`"), key, flag, "the columns are", "order_id"];
        run(&[]).when(no_column(name)).fails(2, &words);
    }
    let words = ["there is no column `event_type`", "input.event", "--event"];
    run(&["--start-event", "view"]).when(no_column("event_type")).fails(2, &words);
    run(&["--inactive", "view"]).when(no_column("event_type")).fails(2, &words);
}
