//! `key=value` folders as columns.

use super::{reading, Reading};
use crate::cells::{ints, table, texts, times};
use crate::support::{table_hashes, write_batch, Sandbox};
use arrow::array::RecordBatch;
use arrow::datatypes::DataType;

/// One visit of a user, of an amount.
fn visit(user: &str, amount: i64) -> RecordBatch {
    table([("user_id", texts([user])), ("event_time", times(["10:00"])), ("amount", ints([amount]))])
}

/// One file a country; that of Dan's is not known.
fn by_country() -> Reading {
    reading()
        .file("country=FR/a.parquet", &visit("ann", 1))
        .file("country=US/b.parquet", &visit("bob", 10))
        .file("country=Saint%20Lucia/c.parquet", &visit("cid", 1))
        .file("country=__HIVE_DEFAULT_PARTITION__/d.parquet", &visit("dan", 10))
}

/// One file a date and hour.
fn by_date() -> Reading {
    reading()
        .file("event_date=2026-01-01/hour=7/a.parquet", &visit("ann", 1))
        .file("event_date=2026-01-02/hour=9/b.parquet", &visit("bob", 1))
        .file("event_date=2026-01-03/hour=10/c.parquet", &visit("cid", 1))
        .file("event_date=__HIVE_DEFAULT_PARTITION__/hour=11/d.parquet", &visit("dan", 1))
}

#[test]
fn a_folder_of_text_can_be_compared() {
    by_country().filter("country = 'FR'").run().users(["ann"]).counts("inputs.folders_ruled_out", 3);
    by_country().filter("country LIKE 'Saint%'").run().users(["cid"]);
}

#[test]
fn the_default_partition_is_null() {
    by_country().filter("country IS NULL").run().users(["dan"]);
    by_country().filter("country IS NOT NULL").run().users(["ann", "bob", "cid"]);
    by_country().filter("country <> 'FR'").run().users(["bob", "cid"]);
    by_country().filter("NOT (country = 'FR')").run().users(["bob", "cid"]);
}

#[test]
fn escaped_characters_of_a_folder_are_themselves() {
    by_country().filter("country = 'Saint Lucia'").run().users(["cid"]);
    reading()
        .file("city=Saint%2FDenis/a.parquet", &visit("ann", 1))
        .file("city=K%C3%B6ln/b.parquet", &visit("bob", 1))
        .file("city=100%25/c.parquet", &visit("cid", 1))
        .session("property = \"city\"")
        .run()
        .sessions(["user_id", "city"], ["ann Saint/Denis", "bob Köln", "cid 100%"]);
}

#[test]
fn files_of_a_folder_that_is_ruled_out_are_no_part_of_the_input() {
    let three = table([("user_id", texts(["ann", "bob", "cid"])), ("event_time", times(["10:00"; 3]))]);
    let files = || reading().groups("country=FR/a.parquet", 2, &three).groups("country=US/b.parquet", 1, &three);
    files()
        .filter("country = 'FR'")
        .run()
        .users(["ann", "bob", "cid"])
        .counts("rows", 3)
        .counts("filtered", 0)
        .counts("in_session", 3)
        .counts("inputs.files", 1)
        .counts("inputs.folders_ruled_out", 1)
        .counts("inputs.row_groups_read", 2)
        .counts("inputs.row_groups_skipped", 0);
    // They need not be readable, or have the columns.
    let damaged = files();
    std::fs::write(damaged.sandbox.path().join("data/country=US/b.parquet"), "no Parquet").unwrap();
    damaged.filter("country = 'FR'").run().users(["ann", "bob", "cid"]);
    let other = table([("visitor", texts(["dan"]))]);
    files().file("country=US/b.parquet", &other).filter("country = 'FR'").run().users(["ann", "bob", "cid"]);
    // And their times are none of the data: its end is where what is left ends.
    let late = table([("user_id", texts(["dan"])), ("event_time", times(["23:00"]))]);
    reading()
        .file("country=FR/a.parquet", &visit("ann", 1))
        .file("country=US/b.parquet", &late)
        .filter("country = 'FR'")
        .session("timeout = \"30m\"")
        .run()
        .sessions(["user_id", "end_reason"], ["ann end_of_data"]);
}

#[test]
fn that_all_folders_are_ruled_out_is_an_error() {
    by_country().filter("country = 'XX'").fails(
        2,
        &[
            "`country = 'XX'` leaves no file to read",
            "all 4 folders",
            "from data/country=FR to data/country=__HIVE_DEFAULT_PARTITION__",
            "input.where",
        ],
    );
}

#[test]
fn a_folder_that_is_ruled_out_is_known_for_what_its_key_holds() {
    // Text, by that of bob.
    by_value(["7", "x", "12"])
        .filter("k <> 'x'")
        .session("property = \"k\"")
        .run()
        .sessions(["user_id", "k"], ["ann 7", "cid 12"])
        .has_type("k", &DataType::Utf8);
}

#[test]
fn nights_over_folders_are_full_runs_over_them() {
    let sandbox = Sandbox::new();
    sandbox.job(
        "[input]\npath = \"data\"\nwhere = \"day >= '2026-01-02'\"\n[session]\ntimeout = \"30m\"\n[output]\npath = \"out\"\n",
    );
    let add = |day: &str, name: &str, user: &str| {
        let events = table([("user_id", texts([user])), ("event_time", times(["10:00"]))]);
        write_batch(&sandbox.path().join(format!("data/day={day}/{name}.parquet")), 10, &events);
    };
    add("2026-01-01", "a", "ann");
    add("2026-01-02", "b", "bob");
    sandbox.dwell(&["run", "job.toml"]).expect_code(0);
    // One more in a folder that is ruled out is no news; that one is gone neither.
    add("2026-01-01", "c", "cid");
    std::fs::remove_file(sandbox.path().join("data/day=2026-01-01/a.parquet")).unwrap();
    let ran = sandbox.dwell(&["run", "job.toml", "--incremental"]);
    let nothing = &ran.expect_code(0).stdout;
    assert!(nothing.contains("othing"), "{nothing}");
    add("2026-01-03", "d", "dan");
    sandbox.dwell(&["run", "job.toml", "--incremental"]).expect_code(0);
    sandbox.dwell(&["run", "job.toml", "--output", "full"]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&sandbox.path().join("full")));
}

#[test]
fn a_folder_of_integers_is_compared_as_numbers() {
    by_date().filter("hour < 10").run().users(["ann", "bob"]).counts("inputs.folders_ruled_out", 2);
    by_date().filter("hour BETWEEN 9 AND 10").run().users(["bob", "cid"]);
}

#[test]
fn a_folder_of_dates_is_compared_as_dates() {
    by_date().filter("event_date >= '2026-01-02'").run().users(["bob", "cid"]).counts("inputs.folders_ruled_out", 2);
    by_date().filter("event_date > DATE '2026-01-02'").run().users(["cid"]);
    by_date().filter("event_date BETWEEN '2026-01-01' AND '2026-01-02'").run().users(["ann", "bob"]);
    by_date().filter("event_date <> '2026-01-01'").run().users(["bob", "cid"]);
    by_date().filter("event_date IS NULL").run().users(["dan"]);
}

#[test]
fn a_folder_can_be_in_a_list() {
    by_country().filter("country IN ('FR', 'US')").run().users(["ann", "bob"]);
    by_date().filter("hour IN (7, 11)").run().users(["ann", "dan"]);
    by_date().filter("event_date IN ('2026-01-01', '2026-01-03')").run().users(["ann", "cid"]);
}

#[test]
fn a_folder_of_integers_in_part_is_text() {
    reading()
        .file("version=12/a.parquet", &visit("ann", 1))
        .file("version=13-beta/b.parquet", &visit("bob", 1))
        .filter("version >= '13'")
        .session("property = \"version\"")
        .run()
        .sessions(["user_id", "version"], ["bob 13-beta"])
        .has_type("version", &DataType::Utf8);
}

/// The days of a week in folders of a key, a user each.
fn by_value<const N: usize>(values: [&str; N]) -> Reading {
    let users = ["ann", "bob", "cid", "dan"];
    let file = |reading: Reading, (value, user): (&str, &str)| {
        reading.file(&format!("k={value}/{user}.parquet"), &visit(user, 1))
    };
    values.into_iter().zip(users).fold(reading(), file)
}

fn properties<const N: usize, const S: usize>(values: [&str; N], of: DataType, expected: [&str; S]) {
    let seen = by_value(values).session("property = \"k\"").run();
    seen.sessions(["user_id", "k"], expected).has_type("k", &of);
}

#[test]
fn a_folder_is_of_integers_only_where_each_is_spelled_as_one_is_printed() {
    properties(["7", "-7", "0"], DataType::Int64, ["ann 7", "bob -7", "cid 0"]);
    properties(["7", "9223372036854775807"], DataType::Int64, ["ann 7", "bob 9223372036854775807"]);
    properties(["007", "7"], DataType::Utf8, ["ann 007", "bob 7"]);
    properties(["07", "10"], DataType::Utf8, ["ann 07", "bob 10"]);
    properties(["7", "+7", "-0"], DataType::Utf8, ["ann 7", "bob +7", "cid -0"]);
    properties(["7", " 7"], DataType::Utf8, ["ann 7", "bob  7"]);
    properties(["7", "9223372036854775808"], DataType::Utf8, ["ann 7", "bob 9223372036854775808"]);
    properties(["7", "2026-01-01"], DataType::Utf8, ["ann 7", "bob 2026-01-01"]);
    properties(["2026-01-01", "2026-1-2"], DataType::Utf8, ["ann 2026-01-01", "bob 2026-1-2"]);
    by_value(["007", "7"]).filter("k = '007'").run().users(["ann"]);
    by_value(["007", "7"]).filter("k = '7'").run().users(["bob"]);
}

#[test]
fn a_folder_without_a_value_is_empty_text_and_no_property() {
    by_value(["", "x"]).filter("k = ''").run().users(["ann"]);
    by_value(["", "x"]).filter("k IS NULL").fails(2, &["leaves no file to read", "data/k= to data/k=x"]);
    let seen = by_value(["", "x"]).session("property = \"k\"").run();
    seen.sessions(["user_id", "k"], ["bob x"]).counts("out_of_session.no_property", 1);
}

#[test]
fn keys_are_told_apart_by_case() {
    let files = || reading().file("Day=1/a.parquet", &visit("ann", 1)).file("day=2/b.parquet", &visit("bob", 1));
    files().filter("day IS NULL").run().users(["ann"]);
    files().filter("\"Day\" = 1").run().users(["ann"]);
}

#[test]
fn folders_of_keys_that_begin_with_an_underscore_are_read() {
    let files = || {
        reading()
            .file("_day=1/a.parquet", &visit("ann", 1))
            .file("_day=2/b.parquet", &visit("bob", 1))
            .file("_day=2/_c.parquet", &visit("cid", 1))
            .file("_tmp/d.parquet", &visit("dan", 1))
    };
    files().run().users(["ann", "bob"]);
    files().input("path = \"data/*/*.parquet\"").run().users(["ann", "bob"]);
    files().filter("_day = 2").run().users(["bob"]).counts("inputs.folders_ruled_out", 1);
}

#[test]
fn a_folder_holds_where_its_files_have_a_column_of_its_name_too() {
    // As the file has it, and its statistics do: not the folder's value.
    let inside = |user| {
        table([("user_id", texts([user])), ("event_time", times(["10:00"])), ("k", ints([99])), ("n", ints([1]))])
    };
    let files = || reading().file("k=1/a.parquet", &inside("ann")).file("k=2/b.parquet", &inside("bob"));
    files().filter("k = 1").run().users(["ann"]).counts("inputs.folders_ruled_out", 1);
    files().filter("k = 99").fails(2, &["`k = 99` leaves no file to read", "k=1", "k=2"]);
    files().filter("k = 1 OR n > 5").run().users(["ann"]);
    files().filter("k + n = 3").run().users(["bob"]);
    files().session("property = \"k\"").run().sessions(["user_id", "k"], ["ann 1", "bob 2"]);
    // One that is in no such folder, and has it inside, has it as all of them do.
    files().file("c.parquet", &inside("cid")).filter("k = 99").run().users(["ann", "bob", "cid"]);
    let without = table([("user_id", texts(["dan"])), ("event_time", times(["10:00"]))]);
    files().file("d.parquet", &without).filter("k IS NULL").run().users(["dan"]);
    reading()
        .file("k=1/a.parquet", &without)
        .file("c.parquet", &inside("cid"))
        .filter("k = 1")
        .fails(2, &["`k`", "data/k=1/a.parquet", "inside of \"data/c.parquet\""]);
}

#[cfg(unix)]
#[test]
fn values_of_other_bytes_are_escaped() {
    use std::os::unix::ffi::OsStrExt;
    let files = || {
        let reading = reading().file("k=ok/a.parquet", &visit("ann", 1)).file("b.parquet", &visit("bob", 1));
        let data = reading.sandbox.path().join("data");
        let folder = data.join(std::ffi::OsStr::from_bytes(b"k=\xe9t\xe9"));
        std::fs::create_dir(&folder).unwrap();
        std::fs::rename(data.join("b.parquet"), folder.join(std::ffi::OsStr::from_bytes(b"\xe9.parquet"))).unwrap();
        reading
    };
    files().session("property = \"k\"").run().sessions(["user_id", "k"], ["ann ok", "bob %E9t%E9"]);
    files().filter("k = '%E9t%E9'").run().users(["bob"]);
    files().input("path = \"data/*/*.parquet\"").run().users(["ann", "bob"]);
    files().input("path = \"data/k=?t?/*\"").run().users(["bob"]);
}

#[test]
fn a_condition_may_mix_a_folder_and_a_column() {
    by_country().filter("country = 'FR' OR amount > 5").run().users(["ann", "bob", "dan"]);
    by_country().filter("country = 'US' AND amount > 5").run().users(["bob"]).counts("inputs.folders_ruled_out", 3);
    by_country().filter("country IS NULL AND amount > 50").run().users([]);
    by_date().filter("event_date >= '2026-01-02' OR hour = 7 AND amount = 1").run().users(["ann", "bob", "cid"]);
    by_date().filter("hour + amount = 10").run().users(["bob"]);
}

#[test]
fn a_folder_can_be_the_property() {
    let property = |name: &str| format!("property = \"{name}\"");
    by_country()
        .session(&property("country"))
        .run()
        .sessions(["user_id", "country"], ["ann FR", "bob US", "cid Saint Lucia"])
        .counts("out_of_session.no_property", 1);
    by_date()
        .session(&property("hour"))
        .run()
        .sessions(["user_id", "hour"], ["ann 7", "bob 9", "cid 10", "dan 11"])
        .has_type("hour", &DataType::Int64);
    by_date()
        .session(&property("event_date"))
        .run()
        .sessions(["user_id", "event_date"], ["ann 2026-01-01", "bob 2026-01-02", "cid 2026-01-03"])
        .has_type("event_date", &DataType::Date32);
}

#[test]
fn events_of_one_user_in_two_folders_are_two_sessions_by_property_and_one_without() {
    let files =
        || reading().file("country=FR/a.parquet", &visit("ann", 1)).file("country=US/b.parquet", &visit("ann", 1));
    files().run().sessions(["user_id", "event_count"], ["ann 2"]);
    files()
        .session("property = \"country\"")
        .run()
        .sessions(["user_id", "country", "event_count"], ["ann FR 1", "ann US 1"]);
}

#[test]
fn a_folder_can_be_the_event_type_or_the_user() {
    by_country()
        .input("event = \"country\"")
        .run()
        .sessions(["user_id", "first_event"], ["ann FR", "bob US", "cid Saint Lucia", "dan -"]);
    by_date().input("user = \"hour\"").run().users(["7", "9", "10", "11"]).has_type("user_id", &DataType::Int64);
}

#[test]
fn a_folder_key_that_some_files_lack_is_null_there() {
    let files = || reading().file("country=FR/a.parquet", &visit("ann", 1)).file("b.parquet", &visit("bob", 1));
    files().filter("country IS NULL").run().users(["bob"]);
    files().filter("country = 'FR'").run().users(["ann"]);
}

#[test]
fn a_chart_may_be_grouped_by_a_folder_alone() {
    let sandbox = Sandbox::new();
    let two = table([("user_id", texts(["ann", "bob"])), ("event_time", times(["10:00"; 2]))]);
    for date in ["2026-01-01", "2026-01-02"] {
        let path = sandbox.path().join(format!("data/event_date={date}/a.parquet"));
        write_batch(&path, 1000, &two);
    }
    sandbox.job(
        "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n\
         [[chart]]\nname = 'x'\ngroup_by = { first = 'event_date' }\n",
    );
    let ran = sandbox.dwell(&["run", "job.toml"]);
    assert_eq!(ran.expect_code(0).stderr, "");
    let measures = std::fs::read_to_string(sandbox.out().join("measures.csv")).unwrap();
    let sessions: Vec<&str> = measures.lines().skip(1).map(|line| line.split(',').nth(5).unwrap()).collect();
    assert_eq!(sessions, ["2"], "both events of a user are one session, of the smallest date:\n{measures}");
    assert!(measures.contains("2026-01-01"), "{measures}");
}
