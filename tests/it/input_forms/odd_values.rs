//! Values of types and annotations that few tools write, and values that cannot be read.

use super::nested::{structs, with_column};
use super::{reading, reading_of, Reading};
use crate::cells::{ints, of_type, table, texts, times};
use crate::support::{at, at_ms};
use arrow::array::{
    ArrayRef, BinaryArray, Decimal128Array, Decimal256Array, Float64Array, ListArray, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{i256, DataType, Field};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{encode_arrow_schema, ArrowWriter, ARROW_SCHEMA_META_KEY};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

// ---- Text by other names -----------------------------------------------------------------------------------

/// Events of two users in a dictionary, whose property is bytes with this annotation.
fn annotated(annotation: &str, with_dictionary: bool) -> Reading {
    let schema = format!(
        "message events {{ required binary user_id (UTF8); required int64 event_time (TIMESTAMP_MICROS); \
         optional binary event_type {annotation}; optional binary props {annotation}; }}"
    );
    let write = move |path: &Path| {
        let properties = WriterProperties::builder().set_dictionary_enabled(with_dictionary).build();
        let file = std::fs::File::create(path).unwrap();
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let texts = |texts: &[&str]| texts.iter().map(|text| ByteArray::from(*text)).collect::<Vec<_>>();
        let (free, pro) = (r#"{"plan":"free"}"#, r#"{"plan":"pro"}"#);
        let mut column = group.next_column().unwrap().unwrap();
        let users = texts(&["ann", "ann", "bob", "bob"]);
        column.typed::<ByteArrayType>().write_batch(&users, None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let times = ["10:00", "10:01", "10:02", "10:03"].map(at);
        column.typed::<Int64Type>().write_batch(&times, None, None).unwrap();
        column.close().unwrap();
        let optional: [(_, &[i16]); 2] =
            [(texts(&["open", "close", "open", "open"]), &[1; 4]), (texts(&[free, pro, pro]), &[1, 1, 1, 0])];
        for (values, there) in optional {
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<ByteArrayType>().write_batch(&values, Some(there), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
        writer.close().unwrap();
    };
    reading().written("events.parquet", write)
}

const ANNOTATIONS: [&str; 4] = ["(JSON)", "(ENUM)", "(STRING)", ""];

#[test]
fn text_is_text_whatever_it_is_called() {
    for annotation in ANNOTATIONS {
        for with_dictionary in [true, false] {
            let events = || annotated(annotation, with_dictionary);
            let passing = [
                ("props LIKE '%pro%'", 2),
                (r#"props = '{"plan":"free"}'"#, 1),
                (r#"props <> '{"plan":"free"}'"#, 2),
                (r#"props IN ('{"plan":"pro"}', 'x')"#, 2),
                ("props > '{'", 3),
                ("props IS NULL", 1),
                ("props.plan = 'pro'", 2),
            ];
            for (condition, rows) in passing {
                events().filter(condition).run().counts("in_session", rows);
            }
            events().run().sessions(["user_id", "first_event", "last_event"], ["ann open close", "bob open open"]);
            events().session("property = \"props\"").run().sessions(
                ["user_id", "props", "event_count"],
                [r#"ann {"plan":"free"} 1"#, r#"ann {"plan":"pro"} 1"#, r#"bob {"plan":"pro"} 1"#],
            );
            events()
                .input("user = \"props\"")
                .run()
                .users([r#"{"plan":"free"}"#, r#"{"plan":"pro"}"#])
                .counts("rejected.no_user", 1);
            events().input("dedup = \"props\"").run().sessions(["user_id", "event_count"], ["ann 2", "bob 2"]);
            events().input("session_id = \"props\"").session("max_gap = \"7d\"").run().counts("in_session", 3);
        }
    }
}

#[test]
fn a_writer_that_calls_bytes_text_is_not_taken_at_its_word() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"o1"[..], b"\xff\xfe", b"o1", b"o2"]));
    let batch = with_column("order", bytes);
    // What arrow keeps beside Parquet's schema says that they are text.
    let said = with_column("order", texts(["", "", "", ""])).schema();
    let said = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&said));
    let write = |path: &Path| {
        let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![said])).build();
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let file = std::fs::File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new_with_options(file, batch.schema(), options).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    reading()
        .written("events.parquet", write)
        .session("property = \"order\"")
        .run()
        .sessions(["order", "event_count"], ["o1 2", "o2 1"])
        .counts("out_of_session.no_property", 1)
        .warns(&["`order`", "no UTF-8", "1 of the rows"]);
}

fn with_orders(orders: ArrayRef) -> Reading {
    reading_of(&with_column("order", orders))
}

// ---- JSON --------------------------------------------------------------------------------------------------

#[test]
fn json_numbers_are_the_text_that_they_are_spelled_with() {
    let json = [
        r#"{"uid":100000000000000000001}"#,
        r#"{"uid":100000000000000000002}"#,
        r#"{"uid":1.50}"#,
        r#"{"uid":100000000000000000001}"#,
    ];
    reading_of(&with_column("p", texts(json)))
        .input("user = \"p.uid\"")
        .run()
        .sessions(["user_id", "event_count"], ["1.50 1", "100000000000000000001 2", "100000000000000000002 1"]);
    reading_of(&with_column("p", texts(json))).filter("p.uid > 1.4 AND p.uid < 2").run().counts("in_session", 1);
}

#[test]
fn json_is_read_as_others_write_it_and_counted_where_it_is_none() {
    let json = ["\u{feff}{\"o\": \"a\"}", r#"{"t": "cut \ud83d", "x": NaN, "o": "a"}"#, r#"{"o": "a"#, ""];
    reading_of(&with_column("p", texts(json)))
        .session("property = \"p.o\"")
        .run()
        .sessions(["p.o", "event_count"], ["a 2"])
        .counts("out_of_session.no_property", 2)
        .warns(&["`p`", "no JSON", "in 1 of the rows"]);
    // Asked for by several names, a row is counted once.
    reading_of(&with_column("p", texts(json)))
        .filter("p.o = 'a' OR p.t IS NULL")
        .input("dedup = \"p.x\"")
        .run()
        .warns(&["`p`", "in 1 of the rows"]);
}

// ---- Values that cannot be read ----------------------------------------------------------------------------

/// Four rows of which the second has no UTF-8.
fn broken() -> ArrayRef {
    Arc::new(BinaryArray::from(vec![&b"a"[..], b"\xff\xfe", b"a", b"a"]))
}

#[test]
fn bytes_that_are_no_text_are_a_fault_of_their_row() {
    let clocks: ArrayRef =
        Arc::new(BinaryArray::from(vec![&b"2026-01-05T10:00:00Z"[..], b"\xff\xfe", b"2026-01-05 10:01:00", b"soon"]));
    with_orders(clocks)
        .input("time = \"order\"")
        .run()
        .sessions(["user_id", "event_count"], ["ann 2"])
        .counts("rejected.no_time", 2);
    with_orders(broken()).input("user = \"order\"").run().users(["a"]).counts("rejected.no_user", 1);
    with_orders(broken())
        .input("event = \"order\"")
        .run()
        .sessions(["first_event", "event_count"], ["a 4"])
        .warns(&["`order`", "no UTF-8"]);
    with_orders(broken())
        .input("session_id = \"order\"")
        .session("max_gap = \"7d\"")
        .run()
        .sessions(["session_id", "event_count"], ["a 3"])
        .counts("out_of_session.no_session_id", 1);
    with_orders(broken()).filter("order = 'a'").run().counts("in_session", 3);
    with_orders(broken()).input("dedup = \"order\"").run().counts("duplicates", 2);
}

#[test]
fn times_beyond_the_calendar_are_text() {
    let infinity: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![Some(i64::MAX), Some(i64::MAX), Some(i64::MIN), None]));
    with_orders(Arc::clone(&infinity)).input("dedup = \"order\"").run().counts("duplicates", 1);
    with_orders(Arc::clone(&infinity)).filter("CAST(\"order\" AS TEXT) LIKE '294247-%'").run().counts("in_session", 2);
    with_orders(infinity).session("property = \"order\"").run().counts("out_of_session.no_property", 1);
}

#[test]
fn decimals_of_more_digits_than_any_number_has_are_spelled() {
    let wide = |numbers: [&str; 4]| -> ArrayRef {
        let numbers = numbers.map(|number| i256::from_string(number).unwrap());
        let decimals = Decimal256Array::from_iter_values(numbers);
        Arc::new(decimals.with_precision_and_scale(60, 2).unwrap())
    };
    let long = "12345678901234567890123456789012345678901234567890";
    let orders = || wide([long, "150", "-150", long]);
    with_orders(orders()).session("property = \"order\"").run().sessions(
        ["order", "event_count"],
        ["123456789012345678901234567890123456789012345678.90 2", "1.50 1", "-1.50 1"],
    );
    with_orders(orders()).filter("\"order\" > 1").run().counts("in_session", 3);
    with_orders(orders()).filter("\"order\" = 1.5").run().counts("in_session", 1);
}

// ---- Users -------------------------------------------------------------------------------------------------

/// Ann's four visits, of users of this column.
fn of_users(users: ArrayRef) -> Reading {
    with_orders(users).input("user = \"order\"")
}

#[test]
fn whole_floats_and_decimals_are_the_integers_they_are() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(7.0), None, Some(1.5), Some(f64::INFINITY)]));
    let decimals: ArrayRef =
        Arc::new(Decimal128Array::from(vec![Some(7), None, None, None]).with_precision_and_scale(38, 0).unwrap());
    for (users, counted) in [(floats, true), (decimals, false)] {
        let seen = of_users(users).run();
        seen.sessions(["user_id", "event_count"], ["7 1"])
            .has_type("user_id", &DataType::Int64)
            .counts("rejected.no_user", 3);
        if counted {
            seen.warns(&["`order`", "in 2 of the rows"]);
        }
    }
}

#[test]
fn users_are_text_where_one_does_not_fit() {
    let large = u64::MAX.to_string();
    let unsigned: ArrayRef = Arc::new(UInt64Array::from(vec![1, u64::MAX, 1, u64::MAX]));
    let decimals: ArrayRef = Arc::new(
        Decimal128Array::from(vec![1, i128::from(u64::MAX), 1, i128::from(u64::MAX)])
            .with_precision_and_scale(38, 0)
            .unwrap(),
    );
    for users in [unsigned, decimals] {
        of_users(Arc::clone(&users))
            .run()
            .sessions(["user_id", "event_count"], ["1 2", &format!("{large} 2")])
            .has_type("user_id", &DataType::Utf8);
        // The same of session ids and properties.
        with_orders(Arc::clone(&users))
            .input("session_id = \"order\"")
            .session("max_gap = \"7d\"")
            .run()
            .sessions(["session_id", "event_count"], ["1 2", &format!("{large} 2")]);
        with_orders(users)
            .session("property = \"order\"")
            .run()
            .sessions(["order", "event_count"], ["1 2", &format!("{large} 2")]);
    }
    // All that fit stay integers.
    let fits: ArrayRef = Arc::new(UInt64Array::from(vec![1, i64::MAX as u64, 1, 2]));
    of_users(fits).run().has_type("user_id", &DataType::Int64).counts("in_session", 4);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1e19, 1.0, 1e19, 2.0]));
    of_users(floats).run().users(["1", "10000000000000000000", "2"]);
    // Inside of a struct no footer is asked.
    let inside = structs([("id", Arc::new(UInt64Array::from(vec![1, u64::MAX, 1, 1])) as ArrayRef)]);
    with_orders(inside).input("user = \"order.id\"").run().users(["1", &large]);
}

#[test]
fn integers_in_one_file_and_text_in_the_next_are_text_if_the_job_says_so() {
    let file = |users: ArrayRef| table([("user_id", users), ("event_time", times(["10:00", "10:01"]))]);
    let both = || {
        let floats: ArrayRef = Arc::new(Float64Array::from(vec![7.0, 8.0]));
        reading()
            .file("a.parquet", &file(ints([7, 8])))
            .file("b.parquet", &file(texts(["7", "x"])))
            .file("c.parquet", &file(floats))
    };
    both().fails(2, &["user_id", "integer", "text", "a.parquet", "b.parquet", "input.user_type = \"text\""]);
    both()
        .input("user_type = \"text\"")
        .run()
        .sessions(["user_id", "event_count"], ["7 3", "8 2", "x 1"])
        .has_type("user_id", &DataType::Utf8);
    let numbers = || reading().file("a.parquet", &file(ints([7, 8])));
    numbers().input("user_type = \"text\"").run().has_type("user_id", &DataType::Utf8);
    numbers().input("user_type = \"integer\"").fails(2, &["input.user_type", "text"]);
}

// ---- Keys and values ---------------------------------------------------------------------------------------

/// A key, with its value as text, a whole number or a floating one.
type Parameter<'a> = (&'a str, Option<&'a str>, Option<i64>, Option<f64>);

/// Parameters as GA4 exports them: each row a list of keys and of values of several types.
fn parameters(rows: &[&[Parameter<'_>]], key: &str) -> ArrayRef {
    let all: Vec<_> = rows.iter().flat_map(|row| row.iter()).collect();
    let keys: ArrayRef = Arc::new(all.iter().map(|entry| Some(entry.0)).collect::<StringArray>());
    let text: ArrayRef = Arc::new(all.iter().map(|entry| entry.1).collect::<StringArray>());
    let numbers = ints(all.iter().map(|entry| entry.2));
    let floats: ArrayRef = Arc::new(all.iter().map(|entry| entry.3).collect::<Float64Array>());
    let values = structs([("string_value", text), ("int_value", numbers), ("double_value", floats)]);
    // The value before the key: names count, not places.
    let entries = structs([("value", values), (key, keys)]);
    let item = Arc::new(Field::new("element", entries.data_type().clone(), true));
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(|row| row.len()));
    Arc::new(ListArray::new(item, offsets, entries, None))
}

#[test]
fn a_list_of_keys_and_values_is_asked_by_key() {
    let id = at_ms("09:59");
    let page = |page: &'static str| ("page", Some(page), None, None);
    let session = ("ga_session_id", None, Some(id), None);
    let price = |price: f64| ("price", None, None, Some(price));
    let rows: [&[_]; 4] =
        [&[page("/"), session], &[session, page("/buy"), session], &[price(2.5)], &[page("/"), price(5.0)]];
    for key in ["key", "name"] {
        let events = || reading_of(&with_column("event_params", parameters(&rows, key)));
        events()
            .input("session_id = \"event_params.ga_session_id\"")
            .session("max_gap = \"7d\"")
            .run()
            .sessions(["session_id", "event_count", "start_time"], [&format!("{id} 2 09:59")])
            .counts("out_of_session.no_session_id", 2);
        events()
            .input("session_id = \"event_params.ga_session_id.int_value\"")
            .session("max_gap = \"7d\"")
            .run()
            .sessions(["session_id", "event_count"], [&format!("{id} 2")])
            .has_type("session_id", &DataType::Int64);
        let passing = [
            ("event_params.page = '/'", 2),
            ("event_params.price > 3", 1),
            ("event_params.price IN (2.5, 7)", 1),
            ("event_params.ga_session_id > 1000", 2),
            ("event_params.page IS NULL", 1),
            ("event_params.nothing IS NULL", 4),
            ("event_params.page LIKE '/b%' AND event_params.ga_session_id IS NOT NULL", 1),
        ];
        for (condition, rows) in passing {
            events().filter(condition).run().counts("in_session", rows);
        }
        events()
            .session("property = \"event_params.page\"")
            .run()
            .sessions(["event_params.page", "event_count"], ["/ 2", "/buy 1"]);
        events().input("dedup = \"event_params.ga_session_id\"").run().counts("duplicates", 1);
        events().input("event = \"event_params.page\"").run().sessions(["first_event", "last_event"], ["/ /"]);
        events().input("sequence = \"event_params.ga_session_id\"").run().counts("in_session", 4);
        events().session("property = \"event_params\"").fails(2, &["event_params", "a map"]);
    }
}

#[test]
fn keys_and_values_lie_in_structs_and_hold_plain_values_too() {
    let entries = structs([("key", texts(["a", "b", "a"])), ("value", texts(["x", "y", "z"]))]);
    let item = Arc::new(Field::new("item", entries.data_type().clone(), true));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 2, 3, 3, 3]));
    let lists: ArrayRef = Arc::new(ListArray::new(item, offsets, entries, None));
    with_orders(Arc::clone(&lists)).filter("order.a = 'x'").run().counts("in_session", 1);
    let inside = structs([("params", lists)]);
    with_orders(inside).session("property = \"order.params.a\"").run().sessions(["order.params.a"], ["x", "z"]);
}

#[test]
fn files_whose_keys_hold_other_fields_are_read_together() {
    let file = |value: ArrayRef| {
        let entries = structs([("key", texts(["k"])), ("value", value)]);
        let item = Arc::new(Field::new("item", entries.data_type().clone(), true));
        let lists: ArrayRef = Arc::new(ListArray::new(item, OffsetBuffer::from_lengths([1]), entries, None));
        table([("user_id", texts(["ann"])), ("event_time", times(["10:00"])), ("p", lists)])
    };
    let (text, number) = (structs([("s", texts(["5"]))]), structs([("i", ints([5]))]));
    let both = || reading().file("a.parquet", &file(Arc::clone(&text))).file("b.parquet", &file(Arc::clone(&number)));
    both().session("property = \"p.k\"").run().sessions(["p.k", "event_count"], ["5 2"]);
    both().session("property = \"p.k.i\"").run().sessions(["p.k.i", "event_count"], ["5 1"]);
    both().filter("p.k = 5").run().counts("in_session", 2);
}

// ---- Times as text -----------------------------------------------------------------------------------------

#[test]
fn times_as_text_have_their_zone() {
    let clocks = [
        ("2026-01-05 10:00:00 UTC", "10:00"),
        ("2026-01-05 10:00:00.123456 UTC", "10:00:00.123456"),
        ("2026-01-05T11:00:00[Europe/Paris]", "10:00"),
        ("2026-01-05T11:00:00+01:00[Europe/Paris]", "10:00"),
        ("2026-01-05T10:00:00Z[Europe/Paris]", "10:00"),
        ("2026-01-05T05:00:00[America/New_York]", "10:00"),
    ];
    for (text, clock) in clocks {
        let batch = table([("user_id", texts(["ann"])), ("event_time", texts([text]))]);
        reading_of(&batch).run().sessions(["start_time"], [clock]);
    }
    let unreadable = [
        "2026-01-05T10:00:00+05:00[Europe/Paris]",
        "2026-01-05T10:00:00[Nowhere/Land]",
        "2026-01-05 10:00:00+01:00 UTC",
    ];
    for text in unreadable {
        let batch = table([("user_id", texts(["ann"])), ("event_time", texts([text]))]);
        reading_of(&batch).run().counts("rejected.no_time", 1);
    }
}

#[test]
fn a_time_can_be_a_whole_decimal() {
    let decimals = of_type(&ints([at_ms("10:00"), at_ms("10:01")]), DataType::Decimal128(38, 0));
    let batch = table([("user_id", texts(["ann", "ann"])), ("event_time", decimals)]);
    reading_of(&batch).fails(2, &["event_time", "input.time_unit"]);
    reading_of(&batch).input("time_unit = \"ms\"").run().sessions(["start_time", "end_time"], ["10:00 10:01"]);
}
