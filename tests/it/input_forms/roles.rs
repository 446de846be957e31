//! Every type that a role takes, but for times.

use super::{reading, reading_of, Reading};
use crate::cells::{dictionary, ints, of_type, table, texts, times};
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float32Array, Float64Array,
    StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Int8Type};
use parquet::data_type::{ByteArray, ByteArrayType, FixedLenByteArray, FixedLenByteArrayType};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

const INTEGERS: [DataType; 8] = [
    DataType::Int8,
    DataType::Int16,
    DataType::Int32,
    DataType::Int64,
    DataType::UInt8,
    DataType::UInt16,
    DataType::UInt32,
    DataType::UInt64,
];

const TEXTS: [DataType; 3] = [DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View];

/// The bytes of a UUID that ends in `last`, and how it is written.
fn uuid(last: u8) -> [u8; 16] {
    [0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3, 0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, last]
}

fn uuid_text(last: u8) -> String {
    format!("123e4567-e89b-12d3-a456-4266141740{last:02x}")
}

fn uuids<const N: usize>(lasts: [Option<u8>; N]) -> ArrayRef {
    let values = lasts.into_iter().map(|last| last.map(uuid));
    Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(values, 16).unwrap())
}

/// Three visits, all at 10:00, of users in this column.
fn visits_of(users: ArrayRef) -> Reading {
    reading_of(&table([("user_id", users), ("event_time", times(["10:00"; 3]))]))
}

// ---- Users -------------------------------------------------------------------------------------------------

#[test]
fn users_of_every_integer_type_are_integers_in_order_of_number() {
    for data_type in INTEGERS {
        let users = of_type(&ints([9, 100, 9]), data_type);
        visits_of(users)
            .run()
            .sessions(["user_id", "event_count"], ["9 2", "100 1"])
            .has_type("user_id", &DataType::Int64);
    }
}

#[test]
fn negative_and_zero_users_are_users() {
    visits_of(ints([-5, 0, i64::MIN])).run().users(["-9223372036854775808", "-5", "0"]).counts("rejected.no_user", 0);
}

#[test]
fn null_integer_users_are_rejected() {
    for data_type in INTEGERS {
        let users = of_type(&ints([Some(7), None, Some(7)]), data_type);
        visits_of(users).run().sessions(["user_id", "event_count"], ["7 2"]).counts("rejected.no_user", 1);
    }
}

#[test]
fn unsigned_users_are_text_where_no_signed_integer_holds_one() {
    let users: ArrayRef = Arc::new(UInt64Array::from(vec![1, u64::MAX, 2]));
    visits_of(users).run().users(["1", "18446744073709551615", "2"]).has_type("user_id", &DataType::Utf8);
}

#[test]
fn users_of_every_text_type_are_text_in_order_of_bytes() {
    for data_type in TEXTS {
        let users = of_type(&texts(["9", "100", "9"]), data_type);
        visits_of(users)
            .run()
            .sessions(["user_id", "event_count"], ["100 1", "9 2"])
            .has_type("user_id", &DataType::Utf8);
    }
}

#[test]
fn users_in_a_dictionary_are_text() {
    visits_of(dictionary(&texts([Some("bob"), None, Some("")])))
        .run()
        .users(["bob"])
        .has_type("user_id", &DataType::Utf8)
        .counts("rejected.no_user", 2);
    let keys = arrow::array::Int8Array::from(vec![1, 0, 1]);
    let names = StringArray::from(vec!["ann", "bob"]);
    visits_of(Arc::new(DictionaryArray::<Int8Type>::new(keys, Arc::new(names))))
        .run()
        .sessions(["user_id", "event_count"], ["ann 1", "bob 2"]);
}

#[test]
fn users_that_are_uuids_are_written_with_hyphens() {
    visits_of(uuids([Some(2), Some(1), None]))
        .run()
        .users([&uuid_text(1), &uuid_text(2)])
        .has_type("user_id", &DataType::Utf8)
        .counts("rejected.no_user", 1);
}

#[test]
fn users_of_parquets_own_uuid_type_are_written_with_hyphens() {
    let write = |path: &Path| {
        let schema =
            "message m { required fixed_len_byte_array(16) user_id (UUID); required binary event_time (UTF8); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let file = std::fs::File::create(path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let user = FixedLenByteArray::from(uuid(7).to_vec());
        column.typed::<FixedLenByteArrayType>().write_batch(&[user], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let time = ByteArray::from("2026-01-05T10:00:00Z");
        column.typed::<ByteArrayType>().write_batch(&[time], None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    };
    reading()
        .written("a.parquet", write)
        .run()
        .sessions(["user_id", "start_time"], [&format!("{} 10:00", uuid_text(7))]);
}

#[test]
fn users_in_bytes_are_read_as_text() {
    let bytes = |data_type| {
        let users: ArrayRef = Arc::new(BinaryArray::from(vec![Some("zoë".as_bytes()), Some(b""), None]));
        of_type(&users, data_type)
    };
    for data_type in [DataType::Binary, DataType::LargeBinary] {
        visits_of(bytes(data_type))
            .run()
            .users(["zoë"])
            .has_type("user_id", &DataType::Utf8)
            .counts("rejected.no_user", 2);
    }
}

#[test]
fn a_list_of_user_columns_takes_the_first_that_has_a_value_whatever_their_types() {
    let batch = |first: ArrayRef, second: ArrayRef| {
        let clocks = times(["10:00"; 3]);
        reading_of(&table([("user_id", first), ("device_id", second), ("event_time", clocks)]))
            .input("user = [\"user_id\", \"device_id\"]")
    };
    batch(ints([Some(7), None, None]), texts([Some("a"), Some("b"), Some("")]))
        .run()
        .users(["7", "b"])
        .has_type("user_id", &DataType::Utf8)
        .counts("rejected.no_user", 1);
    batch(texts([Some("a"), Some(""), None]), of_type(&ints([1, 2, 3]), DataType::Int32)).run().users(["2", "3", "a"]);
    batch(uuids([Some(1), None, None]), ints([Some(1), Some(2), None]))
        .run()
        .users([&uuid_text(1), "2"])
        .counts("rejected.no_user", 1);
    batch(dictionary(&texts([Some("a"), None, Some("")])), of_type(&texts(["x", "y", "z"]), DataType::LargeUtf8))
        .run()
        .users(["a", "y", "z"]);
    batch(of_type(&ints([Some(1), None, None]), DataType::UInt8), ints([Some(9), Some(300), None]))
        .run()
        .users(["1", "300"])
        .has_type("user_id", &DataType::Int64);
}

#[test]
fn one_user_under_two_types_of_column_is_one_user() {
    let batch = table([
        ("user_id", ints([Some(7), None, Some(7)])),
        ("login", texts(["x", "7", "y"])),
        ("event_time", times(["10:00", "10:01", "10:02"])),
    ]);
    reading_of(&batch).input("user = [\"user_id\", \"login\"]").run().sessions(["user_id", "event_count"], ["7 3"]);
}

#[test]
fn users_that_are_truth_values_are_an_error_that_says_what_a_user_is() {
    visits_of(Arc::new(BooleanArray::from(vec![true, false, true]))).fails(2, &["user_id", "input.user", "integer"]);
}

// ---- Event types -------------------------------------------------------------------------------------------

/// Ann's three visits, of types in this column.
fn visits_with(name: &str, values: ArrayRef) -> Reading {
    let batch =
        table([("user_id", texts(["ann"; 3])), ("event_time", times(["10:00", "10:01", "10:02"])), (name, values)]);
    reading_of(&batch)
}

#[test]
fn event_types_are_text_of_any_type_or_in_a_dictionary() {
    let ends = ["first_event", "last_event"];
    for data_type in TEXTS {
        let types = of_type(&texts(["open", "view", "close"]), data_type);
        visits_with("event_type", types).run().sessions(ends, ["open close"]).has_type("first_event", &DataType::Utf8);
    }
    let types = dictionary(&texts([Some("open"), Some("view"), None]));
    visits_with("event_type", types).run().sessions(ends, ["open -"]).has_type("last_event", &DataType::Utf8);
}

#[test]
fn a_dictionary_of_event_types_cuts_like_text() {
    let types = dictionary(&texts(["open", "view", "open"]));
    visits_with("event_type", types)
        .session("start_event = \"open\"")
        .run()
        .sessions(["start_time", "event_count", "end_reason"], ["10:00 2 start_event", "10:02 1 end_of_data"]);
}

#[test]
fn without_an_event_type_column_first_and_last_types_are_null() {
    visits_with("other", texts(["a", "b", "c"]))
        .run()
        .sessions(["first_event", "last_event", "event_count"], ["- - 3"])
        .has_type("first_event", &DataType::Utf8);
}

#[test]
fn an_event_type_column_can_have_another_name() {
    visits_with("action", texts(["a", "b", "c"]))
        .input("event = \"action\"")
        .run()
        .sessions(["first_event", "last_event"], ["a c"]);
}

#[test]
fn an_event_type_column_that_is_named_has_to_exist() {
    let words = ["actoin", "input.event", "action", "user_id", "event_time"];
    visits_with("action", texts(["a", "b", "c"])).input("event = \"actoin\"").fails(2, &words);
}

// ---- Session ids -------------------------------------------------------------------------------------------

/// Three visits under the default definition.
fn ids(ids: ArrayRef) -> Reading {
    visits_with("session_id", ids).session("max_gap = \"7d\"")
}

#[test]
fn integer_session_ids_are_integers_of_any_width() {
    for data_type in INTEGERS {
        let values = of_type(&ints([Some(7), None, Some(7)]), data_type);
        ids(values)
            .run()
            .sessions(["session_id", "event_count", "start_time"], ["7 2 10:00"])
            .has_type("session_id", &DataType::Int64)
            .counts("out_of_session.no_session_id", 1);
    }
}

#[test]
fn an_id_in_milliseconds_is_a_time_as_an_integer_a_float_and_text() {
    let millis = crate::support::at_ms("09:59");
    let text = millis.to_string();
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(millis as f64), None, Some(millis as f64)]));
    let columns = [
        (ints([Some(millis), None, Some(millis)]), DataType::Int64),
        (floats, DataType::Int64),
        (texts([Some(text.as_str()), None, Some(text.as_str())]), DataType::Utf8),
        (dictionary(&texts([Some(text.as_str()), None, Some(text.as_str())])), DataType::Utf8),
    ];
    for (column, data_type) in columns {
        ids(column)
            .run()
            .sessions(
                ["session_id", "start_time", "length_ms", "event_count"],
                [&format!("{millis} 09:59 {} 2", 3 * 60_000)],
            )
            .has_type("session_id", &data_type)
            .counts("out_of_session.no_session_id", 1);
    }
}

#[test]
fn a_float_id_is_an_integer_where_it_is_whole() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(5.0), Some(-1.0), Some(5.5)]));
    ids(floats).run().sessions(["session_id", "event_count"], ["5 1"]).counts("out_of_session.no_session_id", 2);
    let floats: ArrayRef = Arc::new(Float32Array::from(vec![Some(5.0), Some(f32::NAN), Some(5.0)]));
    ids(floats).run().sessions(["session_id", "event_count"], ["5 2"]).counts("out_of_session.no_session_id", 1);
}

#[test]
fn text_ids_stay_text() {
    ids(texts(["a", "b", "a"]))
        .run()
        .sessions(["session_id", "event_count", "end_reason"], ["a 2 session_id", "b 1 session_id"])
        .has_type("session_id", &DataType::Utf8);
}

#[test]
fn a_uuid_of_another_column_can_be_the_session_id() {
    let words = ["visit", "input.session_id"];
    // SPEC 1 takes integers, whole-valued floats and text.
    visits_with("visit", uuids([Some(1); 3]))
        .input("session_id = \"visit\"")
        .session("max_gap = \"7d\"")
        .fails(2, &words);
}

// ---- Sequence and unique ids -------------------------------------------------------------------------------

#[test]
fn a_sequence_of_any_integer_type_orders_events_of_one_time() {
    for data_type in INTEGERS {
        let batch = table([
            ("user_id", texts(["ann"; 3])),
            ("event_time", times(["10:00"; 3])),
            ("event_type", texts(["a", "b", "c"])),
            ("seq", of_type(&ints([Some(3), Some(2), None]), data_type)),
        ]);
        reading_of(&batch).input("sequence = \"seq\"").run().sessions(["first_event", "last_event"], ["c a"]);
    }
}

#[test]
fn unique_ids_of_any_type_drop_repetitions() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), Some(1.5), None]));
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(true), None]));
    let columns = [
        texts([Some("x"), Some("x"), None]),
        of_type(&texts([Some("x"), Some("x"), None]), DataType::LargeUtf8),
        dictionary(&texts([Some("x"), Some("x"), None])),
        ints([Some(1), Some(1), None]),
        of_type(&ints([Some(1), Some(1), None]), DataType::Int8),
        of_type(&ints([Some(1), Some(1), None]), DataType::UInt64),
        uuids([Some(1), Some(1), None]),
        Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), Some(b"x"), None])),
        floats,
        truths,
        times([Some("10:00"), Some("10:00"), None]),
        of_type(&times([Some("10:00"), Some("10:00"), None]), DataType::Date32),
    ];
    for column in columns {
        visits_with("insert_id", column)
            .input("dedup = \"insert_id\"")
            .run()
            .sessions(["user_id", "event_count"], ["ann 2"])
            .counts("duplicates", 1);
    }
}

#[test]
fn unique_ids_can_be_decimals() {
    let ids = of_type(&ints([Some(1), Some(1), Some(2)]), DataType::Decimal128(38, 0));
    visits_with("insert_id", ids)
        .input("dedup = \"insert_id\"")
        .run()
        .sessions(["user_id", "event_count"], ["ann 2"])
        .counts("duplicates", 1);
}

#[test]
fn unique_ids_can_be_digests() {
    let digests = [[1u8; 20], [1; 20], [2; 20]];
    let ids: ArrayRef = Arc::new(FixedSizeBinaryArray::try_from_iter(digests.into_iter()).unwrap());
    visits_with("insert_id", ids)
        .input("dedup = \"insert_id\"")
        .run()
        .sessions(["user_id", "event_count"], ["ann 2"])
        .counts("duplicates", 1);
}

#[test]
fn unique_ids_beyond_signed_integers_are_told_apart() {
    let ids: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX, u64::MAX - 1]));
    visits_with("insert_id", ids).input("dedup = \"insert_id\"").run().counts("duplicates", 1);
}

// ---- Properties --------------------------------------------------------------------------------------------

#[test]
fn a_property_is_written_as_it_was_read() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), Some(1.5), None]));
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(true), None]));
    let columns = [
        (texts([Some("x"), Some("x"), None]), "x", DataType::Utf8),
        (dictionary(&texts([Some("x"), Some("x"), None])), "x", DataType::Utf8),
        (ints([Some(-4), Some(-4), None]), "-4", DataType::Int64),
        (of_type(&ints([Some(4), Some(4), None]), DataType::UInt16), "4", DataType::Int64),
        (floats, "1.5", DataType::Float64),
        (truths, "true", DataType::Boolean),
        (of_type(&times([Some("10:00"), Some("10:00"), None]), DataType::Date32), "2026-01-05", DataType::Date32),
    ];
    for (column, value, data_type) in columns {
        visits_with("order", column)
            .session("property = \"order\"")
            .run()
            .sessions(["order", "event_count", "end_reason"], [&format!("{value} 2 property")])
            .has_type("order", &data_type)
            .counts("out_of_session.no_property", 1);
    }
}

#[test]
fn a_property_can_be_a_time_or_a_uuid() {
    visits_with("order", times([Some("09:00"), Some("09:00"), None]))
        .session("property = \"order\"")
        .run()
        .sessions(["order", "event_count"], ["09:00 2"]);
    visits_with("order", uuids([Some(1), Some(1), None]))
        .session("property = \"order\"")
        .run()
        .sessions(["order", "event_count"], [&format!("{} 2", uuid_text(1))]);
}
