//! Columns that are missing or of the wrong type, and conditions over columns.

use super::{column, job, run, Sandbox};
use crate::support::{write_batch, Layout};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int64Type};
use std::sync::Arc;

// ---- Roles -------------------------------------------------------------------------------------------------

#[test]
fn a_column_that_does_not_exist_is_named_with_its_key_and_the_nearest() {
    for (flags, key, wrong, near) in [
        (&["--user", "user"][..], "input.user", "user", "user_id"),
        (&["--user", "user_id", "--user", "devise_id"], "input.user", "devise_id", ""),
        (&["--time", "even_time"], "input.time", "even_time", "event_time"),
        (&["--event", "event_typ"], "input.event", "event_typ", "event_type"),
        (&["--session-id", "sesion_id"], "input.session_id", "sesion_id", "session_id"),
        (&["--dedup", "insertid"], "input.dedup", "insertid", "insert_id"),
        (&["--property", "Order_ID"], "session.property", "Order_ID", "order_id"),
    ] {
        let named = format!("there is no column `{wrong}` ({key})");
        let hint = if near.is_empty() { String::new() } else { format!("did you mean \"{near}\"?") };
        run(flags).fails(2, &[&named, &hint, "the columns are user_id, event_time, event_type"]);
    }
    job("[input]\nsequence = \"server_sequence\"\n").fails(2, &["`server_sequence` (input.sequence)", "server_seq"]);
    run(&["--property", "order_id.amount.value"]).when(column("order_id", integer())).fails(2, &["order_id.amount"]);
    run(&["--property", ""]).fails(2, &["`session.property` is empty"]);
}

fn integer() -> ArrayRef {
    Arc::new(Int64Array::from(vec![7]))
}

fn words() -> ArrayRef {
    Arc::new(StringArray::from(vec!["seven"]))
}

fn boolean() -> ArrayRef {
    Arc::new(BooleanArray::from(vec![true]))
}

fn float() -> ArrayRef {
    Arc::new(Float64Array::from(vec![7.5]))
}

fn date() -> ArrayRef {
    Arc::new(Date32Array::from(vec![20_000]))
}

fn clock() -> ArrayRef {
    Arc::new(Time64MicrosecondArray::from(vec![1]))
}

fn timestamp() -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(vec![1_767_607_200_000_000]))
}

fn list() -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(1)])]))
}

fn record() -> ArrayRef {
    Arc::new(StructArray::from(vec![(Arc::new(Field::new("inner", DataType::Int64, true)), integer())]))
}

/// A column of this name and each of these types is refused for a role.
fn refuses(flags: &[&str], name: &'static str, key: &str, types: &[fn() -> ArrayRef], takes: &str) {
    for make in types {
        let data_type = make().data_type().to_string();
        let said =
            run(flags).when(column(name, make())).fails(2, &[&format!("the column `{name}` ({key}) is "), takes]);
        assert!(said.iter().all(|said| said.contains(" is ") && said.contains(", but ")), "{data_type}: {said:?}");
    }
}

#[test]
fn a_user_is_text_an_integer_or_a_uuid() {
    let wrong = [boolean, date, clock, timestamp, list, record];
    refuses(&[], "user_id", "input.user", &wrong, "a user is text, an integer or a UUID");
}

#[test]
fn a_time_is_a_timestamp_text_or_an_integer() {
    let wrong = [boolean, float, clock, list, record];
    refuses(&[], "event_time", "input.time", &wrong, "a time is a timestamp, ISO-8601 text, or an integer");
}

#[test]
fn an_event_type_is_text() {
    let wrong = [integer, boolean, float, date, clock, timestamp, list, record];
    refuses(&[], "event_type", "input.event", &wrong, "an event type is text");
}

#[test]
fn a_session_id_is_an_integer_a_float_or_text() {
    let wrong = [boolean, date, clock, timestamp, list, record];
    refuses(&[], "session_id", "input.session_id", &wrong, "a session id is an integer, a whole-valued float or text");
}

#[test]
fn a_sequence_is_an_integer() {
    for make in [words, boolean, float, date, clock, timestamp, list, record] {
        job("[input]\nsequence = \"server_seq\"\n")
            .when(column("server_seq", make()))
            .fails(2, &["the column `server_seq` (input.sequence) is ", ", but a sequence is an integer"]);
    }
}

#[test]
fn a_unique_id_and_a_property_are_single_values() {
    let (dedup, property) = (["--dedup", "insert_id"], ["--property", "order_id"]);
    refuses(&dedup, "insert_id", "input.dedup", &[list, record], "a unique id is a single value");
    refuses(&property, "order_id", "session.property", &[list, record], "a property is a single value");
}

// ---- Files that differ -------------------------------------------------------------------------------------

/// Writes the ordinary events again, with another type of one column.
fn second_file(name: &'static str, value: fn() -> ArrayRef) -> impl Fn(&Sandbox) {
    move |sandbox| {
        let rows = super::rows_of(sandbox, super::EVENTS);
        column(name, value())(sandbox);
        super::moved(super::EVENTS, "data/second.parquet")(sandbox);
        write_batch(&sandbox.path().join(super::EVENTS), 1000, &rows);
    }
}

#[test]
fn files_whose_columns_cannot_be_one_are_both_named() {
    for (name, value) in [
        ("session_id", words as fn() -> ArrayRef),
        ("user_id", integer),
        ("event_time", integer),
        ("event_time", words),
        ("session_id", record),
    ] {
        let named = format!("the column `{name}` is ");
        let words = [&named, "\"data/events.parquet\"", "\"data/second.parquet\"", "cannot be one column"];
        run(&[]).when(second_file(name, value)).fails(2, &words);
    }
    let words = ["`keep`", "\"data/events.parquet\"", "\"data/second.parquet\"", "cannot be one column"];
    run(&["--where", "keep > 0"]).when(second_file("keep", boolean)).fails(2, &words);
}

/// A default column whose files disagree is not an absent one.
#[test]
fn a_default_column_that_cannot_be_one_is_not_passed_over() {
    let words = ["\"data/events.parquet\"", "\"data/second.parquet\"", "cannot be one column"];
    for value in [integer, boolean] {
        let case = run(&["--overwrite"]).when(second_file("event_type", value));
        case.fails(2, &[&["the column `event_type` is "][..], &words].concat());
    }
    let first = column("client_event_time", timestamp());
    let case = run(&["--overwrite"]).when(first).when(second_file("client_event_time", boolean));
    case.fails(2, &[&["the column `client_event_time` is "][..], &words].concat());
}

#[test]
fn columns_that_nobody_asks_for_may_differ_as_they_like() {
    run(&[]).when(second_file("keep", record)).works(|sandbox, _| {
        assert_eq!(crate::support::read_counts(&sandbox.out()).rows, 8);
    });
}

// ---- Conditions --------------------------------------------------------------------------------------------

/// The run fails, and below the condition an arrow points at its character of this index.
fn condition_fails(condition: &'static str, at: usize, words: &[&str]) {
    let mut all = vec!["`input.where`", condition];
    all.extend(words);
    for said in run(&["--where", condition]).fails(2, &all) {
        let lines: Vec<&str> = said.lines().collect();
        let shown = lines.iter().position(|line| line.trim_start() == condition).unwrap_or_else(|| panic!("{said}"));
        let indent = lines[shown].len() - condition.len();
        let arrow = lines.get(shown + 1).and_then(|line| line.find('^'));
        assert_eq!(arrow, Some(indent + at), "the arrow of:\n{said}");
    }
}

#[test]
fn a_condition_that_is_no_sql_is_shown_with_the_place_of_the_mistake() {
    condition_fails("keep > > 0", 7, &["Column: 8"]);
    condition_fails("keep > 0 keep", 9, &["Column: 10"]);
    condition_fails("keep > 0; drop table events", 8, &[]);
    condition_fails("keep >", 6, &[]);
    condition_fails("(keep > 0", 9, &[]);
    condition_fails("event_type = 'view", 13, &[]);
    run(&["--where", ""]).fails(2, &["`input.where` is empty"]);
    job("[input]\nwhere = '''\nkeep > 0\n  AND keep > > 1\n'''\n").fails(2, &["`input.where`", "Line: 2, Column: 14"]);
}

#[test]
fn an_unknown_column_of_a_condition_is_shown_with_its_place_and_the_nearest() {
    condition_fails("kep > 0", 0, &["no column `kep` at line 1, column 1", "did you mean keep?"]);
    condition_fails("keep > 0 AND evnt_type = 'x'", 13, &["no column `evnt_type` at line 1, column 14", "event_type"]);
    condition_fails("event_type = \"view\"", 13, &["no column `view`", "single quotes"]);
    condition_fails("xyzzy IS NULL", 0, &["no column `xyzzy`", "the columns are user_id, event_time"]);
    condition_fails("lower(evnt_type) = 'view'", 6, &["no column `evnt_type`", "event_type"]);
    job("[input]\nwhere = '''\nkeep > 0\n  AND kep > 1\n'''\n").fails(2, &["no column `kep` at line 2, column 7"]);
}

#[test]
fn a_condition_that_compares_what_cannot_be_compared_is_shown() {
    for condition in [
        "event_type > 5",
        "event_type = 5",
        "keep = 'many'",
        "event_type IN (1, 2)",
        "event_time > 'yesterday'",
        "event_time BETWEEN 'monday' AND 'friday'",
    ] {
        run(&["--where", condition]).fails(2, &["`input.where`", condition]);
    }
}

/// Of what a bare number would be a count is nowhere said: the unit is the file's.
#[test]
fn a_condition_that_compares_a_time_with_a_number_is_shown() {
    for condition in ["event_time > 5", "event_time >= 1767607200000", "event_time BETWEEN 1 AND 2"] {
        run(&["--where", condition, "--overwrite"]).fails(2, &["`input.where`", condition]);
    }
}

#[test]
fn a_condition_over_more_than_its_row_is_refused() {
    for condition in ["sum(keep) > 1", "count(*) > 1", "keep = max(keep)", "avg(keep) > 0 OR keep > 0"] {
        run(&["--where", condition]).fails(2, &["`input.where`", condition, "aggregate"]);
    }
    for condition in ["keep > (SELECT max(keep) FROM events)", "row_number() OVER (ORDER BY keep) = 1"] {
        run(&["--where", condition]).fails(2, &["`input.where`", condition]);
    }
}

#[test]
fn a_condition_that_is_neither_true_nor_false_is_refused() {
    for condition in ["keep", "keep + 1", "event_type", "'view'", "1", "upper(event_type)"] {
        run(&["--where", condition]).fails(2, &["`input.where`", condition]);
    }
}

#[test]
fn a_condition_that_fails_on_values_is_at_fault_and_not_the_file() {
    for condition in ["CAST(event_type AS INTEGER) > 0", "nonsense(keep) > 0", "event_type ~ '('"] {
        let said = run(&["--where", condition, "--overwrite"]).fails(2, &["`input.where`", condition]);
        assert!(said.iter().all(|said| !said.contains("damaged")), "{said:?}");
    }
}

#[test]
fn a_condition_over_an_empty_file_is_checked_too() {
    let empty = |sandbox: &Sandbox| {
        sandbox.events("events.parquet", &Layout::default(), &[]);
    };
    run(&["--where", "kep > 0"]).when(empty).fails(2, &["`input.where`", "did you mean keep?"]);
    run(&["--where", "event_type > 5", "--overwrite"]).when(empty).fails(2, &["`input.where`", "event_type > 5"]);
}

#[test]
fn a_file_of_another_schema_is_checked_too() {
    let without = |sandbox: &Sandbox| {
        let rows: RecordBatch = super::rows_of(sandbox, super::EVENTS);
        let place = rows.schema().index_of("keep").unwrap();
        let mut rows = rows;
        rows.remove_column(place);
        write_batch(&sandbox.path().join("data/a.parquet"), 1000, &rows);
    };
    // Absent there, so null, so not above 0.
    run(&["--where", "keep > 0", "--overwrite"])
        .when(without)
        .works(|sandbox, _| assert_eq!(crate::support::read_counts(&sandbox.out()).filtered, 4));
    run(&["--where", "keep > 'x'"]).when(without).fails(2, &["`input.where`", "keep > 'x'"]);
}
