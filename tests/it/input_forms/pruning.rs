//! Row groups and files that a condition rules out, and the latest time over all rows.

use super::{reading, reading_of, Reading};
use crate::cells::{dictionary, ints, of_type, table, texts, times};
use crate::support::write_batch;
use arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt32Array, UInt64Array};
use arrow::datatypes::DataType;
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ParquetMetaDataReader, ParquetMetaDataWriter};
use parquet::file::statistics::{Statistics, ValueStatistics};
use std::path::Path;
use std::sync::Arc;

/// Forty rows in order of every column, one user each ten.
fn sorted() -> RecordBatch {
    let clock = |row: i64| format!("2026-01-{:02} {:02}:00", 1 + row / 10, row % 10);
    let clocks: Vec<String> = (0..40).map(clock).collect();
    let words: Vec<String> = (0..40).map(|row| format!("w{row:02}")).collect();
    let clocks = times(clocks.iter().map(String::as_str));
    let prices: ArrayRef = Arc::new((0..40).map(|row| Some(f64::from(row) + 0.5)).collect::<Float64Array>());
    table([
        ("user_id", texts((0..40).map(|row| ["ann", "bob", "cid", "dan"][row / 10]))),
        ("n", ints(0..40)),
        ("small", of_type(&ints(0..40), DataType::Int8)),
        ("word", texts(words.iter().map(String::as_str))),
        ("packed", dictionary(&texts(words.iter().map(String::as_str)))),
        ("price", prices),
        ("day", of_type(&clocks, DataType::Date32)),
        ("mixed", ints((0..40).map(|row| row * 7 % 40))),
        ("event_time", clocks),
    ])
}

fn in_groups_of_ten() -> Reading {
    reading().groups("events.parquet", 10, &sorted())
}

/// So many rows pass, and so many of the four row groups are skipped.
fn reads(condition: &str, passed: i64, skipped: i64) {
    let seen = in_groups_of_ten().filter(condition).run();
    let is = |path| crate::cells::number(&seen.sandbox.out(), path);
    assert_eq!((is("in_session"), is("filtered"), is("rows")), (passed, 40 - passed, 40), "{condition}");
    let groups = (is("inputs.row_groups_read"), is("inputs.row_groups_skipped"));
    assert_eq!(groups, (4 - skipped, skipped), "{condition}: row groups read and skipped");
}

#[test]
fn without_a_condition_every_row_group_is_read() {
    in_groups_of_ten()
        .run()
        .counts("inputs.row_groups_read", 4)
        .counts("inputs.row_groups_skipped", 0)
        .counts("filtered", 0);
}

#[test]
fn row_groups_in_which_no_number_can_match_are_skipped_and_count_as_filtered() {
    reads("n >= 25", 15, 2);
    reads("n > 29", 10, 3);
    reads("n < 10", 10, 3);
    reads("n <= 10", 11, 2);
    reads("n = 17", 1, 3);
    reads("17 = n", 1, 3);
    reads("20 > n", 20, 2);
    reads("n = 1000", 0, 4);
    reads("small >= 25", 15, 2);
}

#[test]
fn row_groups_in_which_no_text_can_match_are_skipped() {
    reads("word >= 'w25'", 15, 2);
    reads("word = 'w17'", 1, 3);
    reads("word < 'w1'", 10, 3);
}

#[test]
fn row_groups_in_which_no_text_of_a_dictionary_can_match_are_skipped() {
    reads("packed = 'w17'", 1, 3);
    reads("packed >= 'w25'", 15, 2);
}

#[test]
fn row_groups_in_which_no_time_can_match_are_skipped() {
    reads("event_time >= '2026-01-03'", 20, 2);
    reads("event_time < '2026-01-02'", 10, 3);
    reads("event_time >= TIMESTAMP '2026-01-04 05:00:00'", 5, 3);
    reads("event_time BETWEEN '2026-01-02' AND '2026-01-02 23:00:00'", 10, 3);
    reads("day >= '2026-01-03'", 20, 2);
    reads("day = DATE '2026-01-02'", 10, 3);
}

#[test]
fn each_part_of_a_condition_can_rule_a_row_group_out() {
    reads("n >= 15 AND word < 'w30'", 15, 2);
    reads("n BETWEEN 12 AND 18", 7, 3);
    reads("n >= 10 AND mixed = 7", 0, 1);
    reads("n < 5 AND n > 35", 0, 4);
}

#[test]
fn a_column_out_of_order_rules_no_row_group_out() {
    reads("mixed >= 20", 20, 0);
}

#[test]
fn alternatives_rule_out_the_row_groups_in_which_none_can_match() {
    reads("n < 5 OR n >= 35", 10, 2);
    reads("n = 3 OR n = 12", 2, 2);
}

#[test]
fn a_list_rules_out_the_row_groups_in_which_no_value_can_be() {
    reads("n IN (3, 12)", 2, 2);
    reads("word IN ('w03', 'w12')", 2, 2);
}

#[test]
fn floating_values_rule_row_groups_out_from_below_only() {
    reads("price < 15", 15, 2);
    // NaN is above everything, and statistics leave it out.
    reads("price > 25", 15, 0);
}

#[test]
fn rows_pass_the_same_whatever_the_row_groups_are() {
    for condition in ["n >= 25", "n < 5 OR n >= 35", "word = 'w03' OR n = 12", "price > 25", "day <> '2026-01-02'"] {
        let tables = |rows_per_group| {
            let seen = reading().groups("a.parquet", rows_per_group, &sorted()).filter(condition).run();
            crate::support::table_hashes(&seen.sandbox.out())
        };
        assert_eq!(tables(1), tables(1000), "{condition}");
        assert_eq!(tables(7), tables(1000), "{condition}");
    }
}

#[test]
fn nulls_in_a_row_group_are_not_mistaken_for_values() {
    let batch = table([
        ("user_id", texts(["ann", "bob", "cid", "dan"])),
        ("event_time", times(["10:00"; 4])),
        ("n", ints([None, None, Some(1), None])),
    ]);
    let rows = |condition: &str| reading().groups("a.parquet", 2, &batch).filter(condition).run();
    rows("n = 1").users(["cid"]);
    rows("n IS NULL").users(["ann", "bob", "dan"]).counts("inputs.row_groups_read", 2);
    rows("n > 1").users([]);
}

#[test]
fn a_file_that_is_ruled_out_whole_still_counts_as_input() {
    let other = table([("user_id", texts(["eve"])), ("event_time", times(["10:00"])), ("n", ints([1000]))]);
    reading()
        .groups("a.parquet", 10, &sorted())
        .file("b.parquet", &other)
        .filter("n > 100")
        .run()
        .users(["eve"])
        .counts("inputs.files", 2)
        .counts("inputs.row_groups_read", 1)
        .counts("inputs.row_groups_skipped", 4)
        .counts("filtered", 40);
}

// ---- Bounds that lie ---------------------------------------------------------------------------------------

/// Writes a table of one row group whose footer says this of a column.
fn write_with_bounds(path: &Path, batch: &RecordBatch, column: &str, statistics: &Statistics) {
    write_batch(path, 1_000, batch);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&std::fs::File::open(path).unwrap()).unwrap();
    let bytes = std::fs::read(path).unwrap();
    let length = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
    let mut changed = bytes[..bytes.len() - 8 - length].to_vec();
    let of_group = |group: &parquet::file::metadata::RowGroupMetaData| {
        let columns = group.columns().iter().map(|chunk| match chunk.column_path().string() == column {
            true => chunk.clone().into_builder().set_statistics(statistics.clone()).build().unwrap(),
            false => chunk.clone(),
        });
        group.clone().into_builder().set_column_metadata(columns.collect()).build().unwrap()
    };
    let groups = metadata.row_groups().iter().map(of_group).collect();
    let metadata = metadata.into_builder().set_row_groups(groups).build();
    ParquetMetaDataWriter::new(&mut changed, &metadata).finish().unwrap();
    std::fs::write(path, changed).unwrap();
}

/// A least and a greatest value, where old writers have them or where new ones do.
macro_rules! bounds {
    ($min:expr, $max:expr, $are_old:expr) => {
        Statistics::from(ValueStatistics::new(Some($min), Some($max), None, Some(0), $are_old))
    };
}

/// One user a value, named `a`, `b` and so on.
fn of_values(values: ArrayRef) -> RecordBatch {
    let users: Vec<String> = (0..values.len() as u8).map(|row| char::from(b'a' + row).to_string()).collect();
    let users = texts(users.iter().map(String::as_str));
    let clocks = times(std::iter::repeat_n("10:00", values.len()));
    table([("user_id", users), ("event_time", clocks), ("x", values)])
}

/// The users that pass over a file with such bounds of `x`, and whether its row group is read.
fn passing(values: ArrayRef, statistics: &Statistics, condition: &str) -> (String, bool) {
    let write = |path: &Path| write_with_bounds(path, &of_values(values), "x", statistics);
    let seen = reading().written("a.parquet", write).filter(condition).run();
    let users = crate::cells::lines(&seen.sandbox.out(), "sessions", &["user_id"]).join(" ");
    (users, crate::cells::number(&seen.sandbox.out(), "inputs.row_groups_read") == 1)
}

#[test]
fn not_a_number_is_no_bound() {
    let floats = || Arc::new(Float64Array::from(vec![1.0, 7.0, f64::NAN])) as ArrayRef;
    for (min, max) in [(f64::NAN, f64::NAN), (1.0, f64::NAN), (f64::NAN, 7.0)] {
        for are_old in [false, true] {
            let passing = |condition| passing(floats(), &bounds!(min, max, are_old), condition);
            assert_eq!(passing("x < 5"), ("a".to_owned(), true), "{min} to {max}");
            assert_eq!(passing("x = 7"), ("b".to_owned(), true), "{min} to {max}");
            assert_eq!(passing("x > 5"), ("b c".to_owned(), true), "{min} to {max}");
        }
    }
}

#[test]
fn bounds_of_either_zero_are_those_of_both() {
    let zeros = || Arc::new(Float64Array::from(vec![-0.0, 0.0])) as ArrayRef;
    for (min, max) in [(0.0, 0.0), (-0.0, -0.0), (0.0, -0.0), (-0.0, 0.0)] {
        assert_eq!(passing(zeros(), &bounds!(min, max, false), "x = 0.0").0, "a b");
        assert_eq!(passing(zeros(), &bounds!(min, max, false), "x <= -0.0").0, "a b");
    }
}

#[test]
fn bounds_of_unsigned_numbers_in_signed_order_say_nothing() {
    let numbers = || Arc::new(UInt32Array::from(vec![5, u32::MAX])) as ArrayRef;
    for (min, max) in [(5, -1), (-1, 5)] {
        for are_old in [true, false] {
            let passing = |condition| passing(numbers(), &bounds!(min, max, are_old), condition).0;
            assert_eq!(passing("x = 4294967295"), "b");
            assert_eq!(passing("x > 100"), "b");
            assert_eq!(passing("x < 100"), "a");
        }
    }
}

#[test]
fn bounds_of_unsigned_numbers_in_their_order_rule_row_groups_out() {
    let numbers = || Arc::new(UInt32Array::from(vec![5, u32::MAX])) as ArrayRef;
    assert_eq!(passing(numbers(), &bounds!(5i32, -1, false), "x < 5"), (String::new(), false));
    let numbers = || Arc::new(UInt64Array::from(vec![5, u64::MAX])) as ArrayRef;
    assert_eq!(passing(numbers(), &bounds!(5i64, -1, false), "x < 5"), (String::new(), false));
    assert_eq!(passing(numbers(), &bounds!(5i64, -1, false), "x > 18446744073709551614"), ("b".to_owned(), true));
    assert_eq!(passing(numbers(), &bounds!(5i64, -1, true), "x < 5"), (String::new(), true));
    let small = || of_type(&ints([5, 200]), DataType::UInt8);
    assert_eq!(passing(small(), &bounds!(5i32, 200, false), "x > 200"), (String::new(), false));
}

#[test]
fn a_least_value_above_the_greatest_says_nothing() {
    assert_eq!(passing(ints([1, 9]), &bounds!(9i64, 1, false), "x = 1"), ("a".to_owned(), true));
    let words = || texts(["b", "d"]);
    let text = |text: &str| ByteArray::from(text);
    assert_eq!(passing(words(), &bounds!(text("d"), text("b"), false), "x = 'b'"), ("a".to_owned(), true));
}

#[test]
fn old_bounds_of_text_are_in_another_order() {
    let words = || texts(["a", "é"]);
    let text = |text: &str| ByteArray::from(text);
    // As signed bytes, é is before a.
    assert_eq!(passing(words(), &bounds!(text("é"), text("a"), true), "x = 'é'"), ("b".to_owned(), true));
    assert_eq!(passing(words(), &bounds!(text("a"), text("b"), true), "x = 'é'"), ("b".to_owned(), true));
    assert!(passing(words(), &bounds!(text("a"), text("é"), false), "x = 'z'").1);
    assert!(!passing(words(), &bounds!(text("a"), text("é"), false), "x = 'ü'").1);
}

#[test]
fn bounds_that_the_type_has_no_room_for_say_nothing() {
    let small = || of_type(&ints([1, 9]), DataType::Int8);
    assert_eq!(passing(small(), &bounds!(1_000i32, 2_000, false), "x = 9"), ("b".to_owned(), true));
    let small = || of_type(&ints([1, 9]), DataType::UInt8);
    assert_eq!(passing(small(), &bounds!(1_000i32, 2_000, false), "x = 9"), ("b".to_owned(), true));
}

#[test]
fn bounds_of_too_few_bytes_say_nothing() {
    let short = bounds!(ByteArray::from(vec![7]), ByteArray::from(vec![8]), false);
    assert_eq!(passing(ints([1, 9]), &short, "x = 9"), ("b".to_owned(), true));
}

#[test]
fn bounds_of_times_that_lie_tell_no_latest_time() {
    // The times of the file are not what its footer says, the least after the greatest: it is read to know them.
    let clocks = times(["10:00", "10:30"]);
    let users = texts(["ann", "bob"]);
    let batch = table([("user_id", users), ("event_time", clocks), ("keep", ints([1, 0]))]);
    let statistics = bounds!(crate::support::at("10:30"), crate::support::at("10:00"), false);
    let write = |path: &Path| write_with_bounds(path, &batch, "event_time", &statistics);
    reading().written("a.parquet", write).filter("keep > 0").run().sessions(REASON, ["ann timeout"]);
}

// ---- The latest time ---------------------------------------------------------------------------------------

/// Ann's event at 10:00, which passes, and something later that does not.
fn ann_and(user: Option<&str>, time: &str) -> RecordBatch {
    table([("user_id", texts([Some("ann"), user])), ("event_time", times(["10:00", time])), ("keep", ints([1, 0]))])
}

const REASON: [&str; 2] = ["user_id", "end_reason"];

#[test]
fn a_filtered_row_later_than_the_timeout_ends_the_session() {
    for rows_per_group in [1, 2] {
        let ended =
            |time| reading().groups("a.parquet", rows_per_group, &ann_and(Some("bob"), time)).filter("keep > 0").run();
        ended("10:29:59.999999").sessions(REASON, ["ann end_of_data"]);
        ended("10:30").sessions(REASON, ["ann timeout"]);
    }
}

#[test]
fn a_filtered_row_without_a_user_tells_the_latest_time_too() {
    reading_of(&ann_and(None, "10:30")).filter("keep > 0").run().sessions(REASON, ["ann timeout"]);
}

#[test]
fn a_rejected_row_tells_the_latest_time_where_its_time_is_possible() {
    reading_of(&ann_and(None, "10:30")).run().sessions(REASON, ["ann timeout"]).counts("rejected.no_user", 1);
    reading_of(&ann_and(Some("bob"), "2101-01-01 00:00"))
        .run()
        .sessions(REASON, ["ann end_of_data"])
        .counts("rejected.time_out_of_range", 1);
}

#[test]
fn a_filtered_row_with_an_impossible_time_tells_nothing() {
    for rows_per_group in [1, 2] {
        reading()
            .groups("a.parquet", rows_per_group, &ann_and(Some("bob"), "2101-01-01 00:00"))
            .filter("keep > 0")
            .run()
            .sessions(REASON, ["ann end_of_data"]);
    }
}

#[test]
fn files_of_a_folder_that_is_ruled_out_say_nothing_of_the_latest_time() {
    let visit = |user: &str, time: &str| table([("user_id", texts([user])), ("event_time", times([time]))]);
    let files = |time: &str| {
        reading()
            .file("country=FR/a.parquet", &visit("ann", "10:00"))
            .file("country=US/b.parquet", &visit("bob", time))
            .filter("country = 'FR'")
    };
    files("10:29").run().sessions(REASON, ["ann end_of_data"]);
    files("10:30").run().sessions(REASON, ["ann end_of_data"]);
    // One beside such folders may: then none is ruled out, as it could have the column inside.
    files("10:29").file("c.parquet", &visit("cid", "10:30")).run().sessions(REASON, ["ann timeout"]);
}

#[test]
fn text_and_integer_times_of_filtered_rows_tell_the_latest_time() {
    let users = texts(["ann", "bob"]);
    let keep = ints([1, 0]);
    let column = texts(["2026-01-05T10:00:00Z", "2026-01-05T10:30:00Z"]);
    let batch = table([("user_id", users.clone()), ("event_time", column), ("keep", keep.clone())]);
    reading_of(&batch).filter("keep > 0").run().sessions(REASON, ["ann timeout"]);
    let column = ints(["10:00", "10:30"].map(crate::support::at_ms));
    let batch = table([("user_id", users), ("event_time", column), ("keep", keep)]);
    reading_of(&batch).filter("keep > 0").input("time_unit = \"ms\"").run().sessions(REASON, ["ann timeout"]);
}
