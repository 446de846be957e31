//! Files whose schemas differ, read by name.

use super::{reading, reading_of, Reading};
use crate::cells::{dictionary, ints, of_type, table, texts, times, timestamp};
use arrow::array::{ArrayRef, BinaryArray, Float64Array, ListBuilder, NullArray, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, TimeUnit};
use std::sync::Arc;

fn both(a: &RecordBatch, b: &RecordBatch) -> Reading {
    reading().file("a.parquet", a).file("b.parquet", b)
}

/// One visit at 10:00 with one column more.
fn visit(user: &str, name: &str, value: ArrayRef) -> RecordBatch {
    table([("user_id", texts([user])), ("event_time", times(["10:00"])), (name, value)])
}

fn nulls(rows: usize) -> ArrayRef {
    Arc::new(NullArray::new(rows))
}

#[test]
fn columns_may_come_in_another_order() {
    let a = table([
        ("user_id", texts(["ann"])),
        ("event_time", times(["10:00"])),
        ("event_type", texts(["open"])),
        ("order_id", texts(["o1"])),
    ]);
    let b = table([
        ("order_id", texts(["o1"])),
        ("event_type", texts(["close"])),
        ("user_id", texts(["ann"])),
        ("event_time", times(["10:01"])),
    ]);
    both(&a, &b)
        .filter("order_id = 'o1'")
        .session("property = \"order_id\"")
        .run()
        .sessions(["user_id", "order_id", "first_event", "last_event", "event_count"], ["ann o1 open close 2"]);
}

#[test]
fn a_column_that_a_file_lacks_is_null_there() {
    let plain = table([("user_id", texts(["bob"])), ("event_time", times(["10:00"]))]);
    both(&visit("ann", "event_type", texts(["open"])), &plain)
        .run()
        .sessions(["user_id", "first_event"], ["ann open", "bob -"]);
    both(&visit("ann", "order_id", texts(["o1"])), &plain)
        .session("property = \"order_id\"")
        .run()
        .sessions(["user_id", "order_id"], ["ann o1"])
        .counts("out_of_session.no_property", 1);
    both(&plain, &visit("ann", "session_id", ints([5])))
        .session("max_gap = \"7d\"")
        .run()
        .sessions(["user_id", "session_id"], ["ann 5"])
        .counts("out_of_session.no_session_id", 1);
    both(&plain, &visit("ann", "insert_id", texts(["x"]))).input("dedup = \"insert_id\"").run().users(["ann", "bob"]);
    both(&plain, &visit("ann", "seq", ints([1]))).input("sequence = \"seq\"").run().users(["ann", "bob"]);
}

#[test]
fn a_file_that_lacks_the_user_or_the_time_has_its_rows_rejected() {
    let without_user = table([("event_time", times(["10:00"])), ("device_id", texts(["phone"]))]);
    let without_time = table([("user_id", texts(["cid"]))]);
    let whole = visit("ann", "n", ints([1]));
    both(&whole, &without_user).run().users(["ann"]).counts("rejected.no_user", 1);
    both(&whole, &without_user)
        .input("user = [\"user_id\", \"device_id\"]")
        .run()
        .users(["ann", "phone"])
        .counts("rejected.no_user", 0);
    both(&without_time, &whole).run().users(["ann"]).counts("rejected.no_time", 1);
}

#[test]
fn a_condition_sees_null_where_a_file_lacks_the_column() {
    let plain = table([("user_id", texts(["bob"])), ("event_time", times(["10:00"]))]);
    let files = || both(&visit("ann", "platform", texts(["ios"])), &plain);
    files().filter("platform = 'ios'").run().users(["ann"]).counts("filtered", 1);
    files().filter("platform <> 'web'").run().users(["ann"]);
    files().filter("platform IS NULL").run().users(["bob"]);
    files().filter("platform = 'ios' OR platform IS NULL").run().users(["ann", "bob"]);
    let files = || both(&visit("ann", "n", ints([7])), &plain);
    files().filter("n > 5").run().users(["ann"]);
    files().filter("n IS NULL").run().users(["bob"]);
    let files = || both(&visit("ann", "day", of_type(&times(["10:00"]), DataType::Date32)), &plain);
    files().filter("day = '2026-01-05'").run().users(["ann"]);
}

#[test]
fn integers_of_different_widths_are_one_column() {
    let users = |data_type: DataType, user: i64| {
        table([("user_id", of_type(&ints([user]), data_type)), ("event_time", times(["10:00"]))])
    };
    for (a, b) in [
        (DataType::Int32, DataType::Int64),
        (DataType::Int64, DataType::Int8),
        (DataType::UInt8, DataType::Int32),
        (DataType::UInt64, DataType::Int16),
        (DataType::UInt32, DataType::UInt64),
    ] {
        both(&users(a.clone(), 7), &users(b.clone(), 7))
            .run()
            .sessions(["user_id", "event_count"], ["7 2"])
            .has_type("user_id", &DataType::Int64);
        both(&users(a, 100), &users(b, 9)).filter("user_id > 50").run().users(["100"]);
    }
}

#[test]
fn session_ids_that_some_files_hold_as_floats_are_one_column() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![5.0]));
    both(&visit("ann", "session_id", ints([5])), &visit("ann", "session_id", floats))
        .session("max_gap = \"7d\"")
        .run()
        .sessions(["session_id", "event_count"], ["5 2"])
        .has_type("session_id", &DataType::Int64);
}

#[test]
fn times_of_different_units_and_zones_are_one_column() {
    let units = [TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let visit = |unit, zone| {
        let column = of_type(&times(["10:00:00.001"]), timestamp(unit, zone));
        table([("user_id", texts(["ann"])), ("event_time", column)])
    };
    let mut files = reading();
    for (place, unit) in units.into_iter().enumerate() {
        files = files.file(&format!("zone-{place}.parquet"), &visit(unit, Some("UTC")));
        files = files.file(&format!("none-{place}.parquet"), &visit(unit, None));
    }
    files.run().sessions(["start_time", "end_time", "event_count"], ["10:00:00.001 10:00:00.001 6"]);
}

#[test]
fn a_condition_over_times_holds_whatever_the_unit_of_a_file() {
    let units = [TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];
    let mut files = reading().filter("event_time >= '2026-01-05 10:00:00'");
    for (place, unit) in units.into_iter().enumerate() {
        let clocks = of_type(&times(["09:59:59.999", "10:00"]), timestamp(unit, Some("UTC")));
        let batch = table([("user_id", texts(["early", "late"])), ("event_time", clocks)]);
        files = files.file(&format!("{place}.parquet"), &batch);
    }
    files.run().sessions(["user_id", "event_count"], ["late 3"]).counts("filtered", 3);
}

#[test]
fn dictionaries_plain_and_large_text_are_one_column() {
    let forms = [
        texts(["open"]),
        dictionary(&texts(["open"])),
        of_type(&texts(["open"]), DataType::LargeUtf8),
        of_type(&texts(["open"]), DataType::Utf8View),
        Arc::new(BinaryArray::from(vec![&b"open"[..]])),
    ];
    let mut files = reading();
    for (place, form) in forms.iter().enumerate() {
        files = files.file(&format!("{place}.parquet"), &visit("ann", "event_type", Arc::clone(form)));
    }
    files.session("start_event = \"open\"").run().counts("sessions", 5).counts("in_session", 5);
    let mut files = reading();
    for (place, form) in forms.into_iter().enumerate() {
        let batch = table([("user_id", form), ("event_time", times(["10:00"]))]);
        files = files.file(&format!("{place}.parquet"), &batch);
    }
    files.run().sessions(["user_id", "event_count"], ["open 5"]);
}

#[test]
fn a_condition_over_text_holds_whether_it_is_in_a_dictionary_or_not() {
    let platforms = || texts([Some("ios"), Some("web"), None]);
    let batch = |platforms: ArrayRef, users: [&str; 3]| {
        table([("user_id", texts(users)), ("event_time", times(["10:00"; 3])), ("platform", platforms)])
    };
    let plain = batch(platforms(), ["a", "b", "c"]);
    let packed = batch(dictionary(&platforms()), ["d", "e", "f"]);
    both(&plain, &packed).filter("platform = 'ios'").run().users(["a", "d"]);
    both(&plain, &packed).filter("platform LIKE 'w%'").run().users(["b", "e"]);
    both(&plain, &packed).filter("platform IS NULL").run().users(["c", "f"]);
    both(&plain, &packed).filter("platform = 'ios' OR platform = 'web'").run().users(["a", "b", "d", "e"]);
    both(&plain, &packed).filter("LOWER(platform) = 'ios'").run().users(["a", "d"]);
}

#[test]
fn further_columns_of_any_type_do_no_harm() {
    let mut lists = ListBuilder::new(StringBuilder::new());
    lists.append_value([Some("x")]);
    let lists: ArrayRef = Arc::new(lists.finish());
    let decimals = of_type(&ints([1]), DataType::Decimal128(10, 2));
    both(&visit("ann", "tags", lists), &visit("bob", "price", decimals)).run().users(["ann", "bob"]);
}

#[test]
fn a_column_of_another_type_that_no_one_asks_for_does_no_harm() {
    both(&visit("ann", "n", ints([1])), &visit("bob", "n", texts(["x"]))).run().users(["ann", "bob"]);
}

#[test]
fn a_column_of_nothing_but_nulls_goes_with_any_type() {
    both(&visit("ann", "event_type", texts(["open"])), &visit("bob", "event_type", nulls(1)))
        .run()
        .sessions(["user_id", "first_event"], ["ann open", "bob -"]);
    both(&visit("ann", "order_id", nulls(1)), &visit("bob", "order_id", ints([4])))
        .session("property = \"order_id\"")
        .run()
        .sessions(["user_id", "order_id"], ["bob 4"])
        .counts("out_of_session.no_property", 1);
    both(&visit("ann", "session_id", nulls(1)), &visit("bob", "session_id", ints([4])))
        .session("max_gap = \"7d\"")
        .run()
        .sessions(["user_id", "session_id"], ["bob 4"])
        .counts("out_of_session.no_session_id", 1);
    both(&visit("ann", "n", nulls(1)), &visit("bob", "n", ints([4]))).filter("n > 3").run().users(["bob"]);
    both(&visit("ann", "n", nulls(1)), &visit("bob", "n", ints([4]))).filter("n IS NULL").run().users(["ann"]);
    let without_user = table([("user_id", nulls(1)), ("event_time", times(["10:00"]))]);
    both(&visit("ann", "n", ints([1])), &without_user).run().users(["ann"]).counts("rejected.no_user", 1);
    let without_time = table([("user_id", texts(["bob"])), ("event_time", nulls(1))]);
    both(&visit("ann", "n", ints([1])), &without_time).run().users(["ann"]).counts("rejected.no_time", 1);
}

#[test]
fn a_column_that_is_null_in_every_file_plays_its_role() {
    reading_of(&visit("ann", "event_type", nulls(1))).run().sessions(["user_id", "first_event"], ["ann -"]);
    reading_of(&visit("ann", "session_id", nulls(1)))
        .session("max_gap = \"7d\"")
        .run()
        .users([])
        .counts("out_of_session.no_session_id", 1);
    reading_of(&visit("ann", "order_id", nulls(1)))
        .session("property = \"order_id\"")
        .run()
        .users([])
        .counts("out_of_session.no_property", 1);
    reading_of(&visit("ann", "x", nulls(1))).filter("x IS NULL").run().users(["ann"]);
    reading_of(&visit("ann", "x", nulls(1))).filter("x = 'a'").run().users([]).counts("filtered", 1);
}

#[test]
fn a_column_that_is_null_in_every_file_is_null_beside_a_number_too() {
    reading_of(&visit("ann", "x", nulls(1))).filter("x > 1").run().users([]).counts("filtered", 1);
    reading_of(&visit("ann", "x", nulls(1))).filter("x > 1 OR user_id = 'ann'").run().users(["ann"]);
}

#[test]
fn types_that_cannot_be_one_column_are_an_error_that_names_both_files() {
    let user = |column: ArrayRef| table([("user_id", column), ("event_time", times(["10:00"]))]);
    both(&user(ints([1])), &user(texts(["ann"]))).fails(2, &["user_id", "a.parquet", "b.parquet", "integer", "text"]);
    let time = |column: ArrayRef| table([("user_id", texts(["ann"])), ("event_time", column)]);
    both(&time(times(["10:00"])), &time(texts(["2026-01-05T10:00:00Z"])))
        .fails(2, &["event_time", "a.parquet", "b.parquet", "timestamp", "text"]);
    let property = |column: ArrayRef| visit("ann", "order_id", column);
    both(&property(texts(["x"])), &property(ints([1])))
        .session("property = \"order_id\"")
        .fails(2, &["order_id", "a.parquet", "b.parquet"]);
    both(&property(texts(["x"])), &property(ints([1])))
        .filter("order_id = 'x'")
        .fails(2, &["order_id", "a.parquet", "b.parquet"]);
}

#[test]
fn many_files_of_alternating_schemas_are_read_whole() {
    let mut files = reading();
    for number in 0..12_i64 {
        let user = of_type(&ints([number % 3]), if number % 2 == 0 { DataType::Int32 } else { DataType::Int64 });
        let batch = match number % 4 {
            0 => table([("user_id", user), ("event_time", times(["10:00"]))]),
            1 => table([("event_time", times(["10:01"])), ("user_id", user)]),
            2 => table([("user_id", user), ("event_type", texts(["a"])), ("event_time", times(["10:02"]))]),
            _ => {
                table([("event_type", dictionary(&texts(["b"]))), ("user_id", user), ("event_time", times(["10:03"]))])
            }
        };
        files = files.file(&format!("{number:02}.parquet"), &batch);
    }
    files
        .run()
        .sessions(["user_id", "event_count", "first_event", "last_event"], ["0 4 - b", "1 4 - b", "2 4 - b"])
        .counts("rows", 12)
        .counts("inputs.files", 12);
}

#[test]
fn a_column_that_is_there_twice_is_named_where_it_is_needed() {
    let twice = table([
        ("user_id", texts(["ann"])),
        ("event_time", times(["10:00"])),
        ("note", texts(["a"])),
        ("note", texts(["b"])),
    ]);
    reading_of(&twice).filter("note = 'a'").fails(2, &["two columns that are called `note`", ".parquet"]);
    reading_of(&twice).run().counts("in_session", 1);
}
