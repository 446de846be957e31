//! Values inside of structs, maps and JSON text, all by one spelling.

use super::{reading, reading_of, Reading};
use crate::cells::{dictionary, ints, of_type, table, texts, times};
use crate::support::at_ms;
use arrow::array::{Array, ArrayRef, BinaryArray, Int64Builder, MapBuilder, RecordBatch, StringBuilder, StructArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Field};
use std::sync::Arc;

// ---- Columns with values inside ----------------------------------------------------------------------------

pub fn structs<const N: usize>(fields: [(&str, ArrayRef); N]) -> ArrayRef {
    let fields = fields.map(|(name, array)| (Arc::new(Field::new(name, array.data_type().clone(), true)), array));
    Arc::new(StructArray::from(fields.to_vec()))
}

/// The entries of one row's map.
type Entries<'a, V> = &'a [(&'a str, Option<V>)];

/// A map of text; a row that is `None` is null.
pub fn text_maps(rows: &[Option<Entries<'_, &str>>]) -> ArrayRef {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value) in row.iter().copied().flatten() {
            builder.keys().append_value(key);
            builder.values().append_option(*value);
        }
        builder.append(row.is_some()).unwrap();
    }
    Arc::new(builder.finish())
}

pub fn int_maps(rows: &[Option<Entries<'_, i64>>]) -> ArrayRef {
    let mut builder = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
    for row in rows {
        for (key, value) in row.iter().copied().flatten() {
            builder.keys().append_value(key);
            builder.values().append_option(*value);
        }
        builder.append(row.is_some()).unwrap();
    }
    Arc::new(builder.finish())
}

/// Ann's four visits, a minute apart.
pub fn with_column(name: &str, column: ArrayRef) -> RecordBatch {
    let clocks = ["10:00", "10:01", "10:02", "10:03"];
    table([("user_id", texts(["ann"; 4])), ("event_time", times(clocks)), (name, column)])
}

fn visits(column: ArrayRef) -> Reading {
    reading_of(&with_column("event_properties", column))
}

const JSON: [&str; 4] = [
    r#"{"order_id": "o1", "page": "/"}"#,
    r#"{"page": "/", "order_id": "o2"}"#,
    r#"{"order_id": "o1"}"#,
    r#"{"page": "/"}"#,
];

// ---- As a property -----------------------------------------------------------------------------------------

/// The sessions of `event_properties.order_id`, the same in every form.
fn are_two_orders(column: ArrayRef, [first, second]: [&str; 2], data_type: &DataType) {
    let lines = [format!("{first} 10:00 10:02 2"), format!("{second} 10:01 10:01 1")];
    visits(column)
        .session("property = \"event_properties.order_id\"")
        .run()
        .sessions(["event_properties.order_id", "start_time", "end_time", "event_count"], [&lines[0], &lines[1]])
        .has_type("event_properties.order_id", data_type)
        .counts("out_of_session.no_property", 1);
}

#[test]
fn a_field_of_a_struct_can_be_the_property() {
    let orders = texts([Some("o1"), Some("o2"), Some("o1"), None]);
    are_two_orders(structs([("page", texts(["/"; 4])), ("order_id", orders)]), ["o1", "o2"], &DataType::Utf8);
    let orders = ints([Some(1), Some(20), Some(1), None]);
    are_two_orders(structs([("order_id", orders), ("page", texts(["/"; 4]))]), ["1", "20"], &DataType::Int64);
    let orders = dictionary(&texts([Some("o1"), Some("o2"), Some("o1"), None]));
    are_two_orders(structs([("order_id", orders)]), ["o1", "o2"], &DataType::Utf8);
}

#[test]
fn a_struct_that_is_null_has_null_fields() {
    let orders = texts([Some("o1"), Some("o2"), Some("o1"), Some("o3")]);
    let fields = vec![Arc::new(Field::new("order_id", DataType::Utf8, true))];
    let valid = NullBuffer::from(vec![true, true, true, false]);
    let column = StructArray::new(fields.into(), vec![orders], Some(valid));
    are_two_orders(Arc::new(column), ["o1", "o2"], &DataType::Utf8);
}

#[test]
fn a_key_of_a_map_can_be_the_property() {
    let column = text_maps(&[
        Some(&[("page", Some("/")), ("order_id", Some("o1"))]),
        Some(&[("order_id", Some("o2"))]),
        Some(&[("order_id", Some("o1")), ("page", None)]),
        Some(&[("page", Some("o1"))]),
    ]);
    are_two_orders(column, ["o1", "o2"], &DataType::Utf8);
    let column = int_maps(&[
        Some(&[("order_id", Some(1))]),
        Some(&[("x", Some(1)), ("order_id", Some(20))]),
        Some(&[("order_id", Some(1))]),
        Some(&[]),
    ]);
    are_two_orders(column, ["1", "20"], &DataType::Int64);
}

#[test]
fn a_map_that_is_null_and_a_key_without_a_value_are_null() {
    let orders: &[_] = &[("order_id", Some("o1"))];
    let column = text_maps(&[Some(orders), None, Some(&[("order_id", None)]), Some(orders)]);
    visits(column)
        .session("property = \"event_properties.order_id\"")
        .run()
        .sessions(["event_properties.order_id", "event_count"], ["o1 2"])
        .counts("out_of_session.no_property", 2);
}

#[test]
fn a_key_of_json_text_can_be_the_property() {
    are_two_orders(texts(JSON), ["o1", "o2"], &DataType::Utf8);
    are_two_orders(of_type(&texts(JSON), DataType::LargeUtf8), ["o1", "o2"], &DataType::Utf8);
    are_two_orders(dictionary(&texts(JSON)), ["o1", "o2"], &DataType::Utf8);
    let bytes = BinaryArray::from(JSON.map(str::as_bytes).to_vec());
    are_two_orders(Arc::new(bytes), ["o1", "o2"], &DataType::Utf8);
}

#[test]
fn numbers_and_truth_values_in_json_are_text() {
    let json = [r#"{"order_id": 1}"#, r#"{"order_id": true}"#, r#"{"order_id": "1"}"#, "{}"];
    are_two_orders(texts(json), ["1", "true"], &DataType::Utf8);
}

#[test]
fn what_is_no_scalar_in_json_and_what_is_no_json_is_null() {
    let json =
        [Some("{\"order_id\": {\"a\": 1}}"), Some("{\"order_id\": [1]}"), Some("{\"order_id\": null}"), Some("{order")];
    visits(texts(json))
        .session("property = \"event_properties.order_id\"")
        .run()
        .users([])
        .counts("out_of_session.no_property", 4);
    visits(texts([Some("[1]"), Some("3"), Some(""), None]))
        .session("property = \"event_properties.order_id\"")
        .run()
        .users([])
        .counts("out_of_session.no_property", 4);
}

#[test]
fn paths_go_several_levels_deep() {
    let property = "event_properties.cart.id";
    let expect = |column: ArrayRef| {
        visits(column)
            .session(&format!("property = \"{property}\""))
            .run()
            .sessions([property, "event_count"], ["c1 2", "c2 1"])
            .counts("out_of_session.no_property", 1);
    };
    let json = [
        r#"{"cart": {"id": "c1"}}"#,
        r#"{"cart": {"id": "c2", "n": 1}}"#,
        r#"{"x": 1, "cart": {"id": "c1"}}"#,
        r#"{"cart": "id"}"#,
    ];
    expect(texts(json));
    let carts = || texts([Some("c1"), Some("c2"), Some("c1"), None]);
    expect(structs([("cart", structs([("id", carts())]))]));
    // JSON text inside a struct.
    let inner = [r#"{"id": "c1"}"#, r#"{"id": "c2"}"#, r#"{"id": "c1"}"#, "{}"];
    expect(structs([("cart", texts(inner))]));
    // A map inside a struct.
    let map = text_maps(&[Some(&[("id", Some("c1"))]), Some(&[("id", Some("c2"))]), Some(&[("id", Some("c1"))]), None]);
    expect(structs([("cart", map)]));
    // One key that has a dot in it.
    let key = |id: &'static str| [("cart.id", Some(id))];
    let (one, two) = (key("c1"), key("c2"));
    expect(text_maps(&[Some(&one), Some(&two), Some(&one), None]));
    expect(structs([("cart.id", carts())]));
    let json = [r#"{"cart.id": "c1"}"#, r#"{"cart.id": "c2"}"#, r#"{"cart.id": "c1"}"#, "{}"];
    expect(texts(json));
}

#[test]
fn a_column_of_exactly_that_name_wins_over_a_path() {
    let batch = table([
        ("user_id", texts(["ann"; 2])),
        ("event_time", times(["10:00", "10:01"])),
        ("event_properties", texts([r#"{"order_id": "inside"}"#; 2])),
        ("event_properties.order_id", texts(["o1", "o2"])),
    ]);
    reading_of(&batch)
        .session("property = \"event_properties.order_id\"")
        .run()
        .sessions(["event_properties.order_id"], ["o1", "o2"]);
    reading_of(&batch).filter("event_properties.order_id = 'o2'").run().sessions(["start_time"], ["10:01"]);
}

#[test]
fn a_column_whose_name_has_a_dot_can_hold_values_too() {
    let batch = with_column("event.properties", texts(JSON));
    reading_of(&batch)
        .session("property = \"event.properties.order_id\"")
        .run()
        .sessions(["event.properties.order_id", "event_count"], ["o1 2", "o2 1"]);
}

// ---- In the other roles ------------------------------------------------------------------------------------

/// Four events at 10:00 to 10:03 that tell everything in `payload`, in each form.
fn payloads() -> Vec<RecordBatch> {
    let user = ["ann", "bob", "ann", ""];
    let kind = ["open", "view", "close", "view"];
    let json = |row: usize| {
        let sent = at_ms("10:00") + 60_000 * row as i64;
        format!(
            r#"{{"user": "{}", "number": {row}, "kind": "{}", "sent": {sent}, "iso": "2026-01-05T12:0{row}:00+02:00", "id": {}, "order": {}}}"#,
            user[row],
            kind[row],
            row / 2,
            3 - row
        )
    };
    let json: Vec<String> = (0..4).map(json).collect();
    let sent: Vec<i64> = (0..4).map(|row| at_ms("10:00") + 60_000 * row).collect();
    let iso: Vec<String> = (0..4).map(|row| format!("2026-01-05T12:0{row}:00+02:00")).collect();
    let fields = structs([
        ("user", texts(user)),
        ("number", ints(0..4)),
        ("kind", texts(kind)),
        ("sent", ints(sent.clone())),
        ("iso", texts(iso.iter().map(String::as_str))),
        ("id", ints([0, 0, 1, 1])),
        ("order", ints([3, 2, 1, 0])),
    ]);
    let forms = [texts(json.iter().map(String::as_str)), fields];
    forms
        .map(|form| table([("user_id", texts(["x"; 4])), ("event_time", times(["09:00"; 4])), ("payload", form)]))
        .to_vec()
}

#[test]
fn a_user_can_be_inside_a_column() {
    for batch in payloads() {
        reading_of(&batch)
            .input("user = \"payload.user\"")
            .run()
            .sessions(["user_id", "event_count"], ["ann 2", "bob 1"])
            .counts("rejected.no_user", 1);
        reading_of(&batch)
            .input("user = [\"payload.user\", \"payload.number\"]")
            .run()
            .sessions(["user_id", "event_count"], ["3 1", "ann 2", "bob 1"]);
    }
}

#[test]
fn a_number_as_user_is_an_integer_in_a_struct_and_text_in_json() {
    let [json, fields] = payloads().try_into().unwrap();
    let users = |batch: &RecordBatch| reading_of(batch).input("user = \"payload.number\"").run();
    users(&json).users(["0", "1", "2", "3"]).has_type("user_id", &DataType::Utf8);
    users(&fields).users(["0", "1", "2", "3"]).has_type("user_id", &DataType::Int64);
}

#[test]
fn a_time_inside_a_column_can_be_a_number_with_a_unit() {
    for batch in payloads() {
        reading_of(&batch)
            .input("time = \"payload.sent\"")
            .input("time_unit = \"ms\"")
            .run()
            .sessions(["start_time", "end_time", "event_count"], ["10:00 10:03 4"]);
    }
}

#[test]
fn a_time_inside_a_column_can_be_iso_text() {
    for batch in payloads() {
        reading_of(&batch)
            .input("time = \"payload.iso\"")
            .run()
            .sessions(["start_time", "end_time", "event_count"], ["10:00 10:03 4"]);
    }
}

#[test]
fn a_time_in_a_struct_can_be_a_timestamp() {
    let column = structs([("at", times([Some("10:30"), Some("10:31"), None, Some("10:32")]))]);
    visits(column)
        .input("time = \"event_properties.at\"")
        .run()
        .sessions(["start_time", "end_time", "event_count"], ["10:30 10:32 3"])
        .counts("rejected.no_time", 1);
}

#[test]
fn json_times_that_are_no_times_are_rejected() {
    let json = [r#"{"sent": "soon"}"#, "{}", r#"{"sent": {"x": 1}}"#, "{"];
    visits(texts(json)).input("time = \"event_properties.sent\"").run().users([]).counts("rejected.no_time", 4);
    visits(texts(json))
        .input("time = \"event_properties.sent\"")
        .input("time_unit = \"s\"")
        .run()
        .users([])
        .counts("rejected.no_time", 4);
}

#[test]
fn json_times_written_with_a_fraction_are_numbers_too() {
    let second = at_ms("10:00") / 1_000;
    let json = [format!(r#"{{"sent": {second}.0}}"#), format!(r#"{{"sent": {second}}}"#), "{}".into(), "{}".into()];
    visits(texts(json.each_ref().map(String::as_str)))
        .input("time = \"event_properties.sent\"")
        .input("time_unit = \"s\"")
        .run()
        .sessions(["start_time", "event_count"], ["10:00 2"]);
}

#[test]
fn an_event_type_can_be_inside_a_column() {
    for batch in payloads() {
        reading_of(&batch)
            .input("event = \"payload.kind\"")
            .input("time = \"payload.iso\"")
            .session("start_event = \"open\"")
            .session("end_event = \"close\"")
            .run()
            .sessions(
                ["start_time", "end_time", "first_event", "last_event", "end_reason"],
                ["10:00 10:02 open close end_event"],
            )
            .counts("out_of_session.no_start", 1);
    }
}

#[test]
fn a_session_id_can_be_inside_a_column() {
    let [json, fields] = payloads().try_into().unwrap();
    let by_id =
        |batch: &RecordBatch| reading_of(batch).input("session_id = \"payload.id\"").session("max_gap = \"7d\"").run();
    by_id(&json).sessions(["session_id", "event_count"], ["0 2", "1 2"]).has_type("session_id", &DataType::Utf8);
    by_id(&fields).sessions(["session_id", "event_count"], ["0 2", "1 2"]).has_type("session_id", &DataType::Int64);
}

#[test]
fn a_session_id_in_json_that_is_a_time_starts_its_session() {
    let id = at_ms("09:59");
    let json = format!(r#"{{"session_id": {id}}}"#);
    let none = [r#"{"session_id": -1}"#, r#"{"session_id": null}"#];
    visits(texts([json.as_str(), none[0], json.as_str(), none[1]]))
        .input("session_id = \"event_properties.session_id\"")
        .session("max_gap = \"7d\"")
        .run()
        .sessions(["session_id", "start_time", "length_ms", "event_count"], [&format!("{id} 09:59 180000 2")])
        .counts("out_of_session.no_session_id", 2);
}

#[test]
fn unique_ids_can_be_inside_a_column() {
    let [json, fields] = payloads().try_into().unwrap();
    for batch in [&json, &fields] {
        reading_of(batch)
            .input("dedup = \"payload.id\"")
            .run()
            .sessions(["event_count"], ["2"])
            .counts("duplicates", 2);
        reading_of(batch).input("dedup = \"payload.iso\"").run().sessions(["event_count"], ["4"]);
    }
}

#[test]
fn a_sequence_can_be_inside_a_column() {
    for batch in payloads() {
        reading_of(&batch)
            .input("sequence = \"payload.order\"")
            .input("event = \"payload.kind\"")
            .run()
            .sessions(["first_event", "last_event"], ["view open"]);
    }
}

#[test]
fn a_field_that_a_struct_has_not_is_an_error_that_names_it() {
    let column = structs([("order_id", texts(["o1"; 4]))]);
    let words = ["event_properties.oder_id", "session.property", "event_properties"];
    visits(column).session("property = \"event_properties.oder_id\"").fails(2, &words);
}

#[test]
fn a_struct_as_a_whole_is_no_property() {
    let column = structs([("order_id", texts(["o1"; 4]))]);
    visits(column)
        .session("property = \"event_properties\"")
        .fails(2, &["event_properties", "session.property", "struct"]);
}

#[test]
fn structs_whose_fields_differ_between_files_are_read_by_name() {
    let a = with_column("p", structs([("order_id", texts(["o1"; 4])), ("x", ints([1; 4]))]));
    let b = with_column("p", structs([("y", ints([1; 4])), ("order_id", texts(["o1"; 4]))]));
    let c = with_column("p", structs([("y", ints([1; 4]))]));
    reading()
        .file("a.parquet", &a)
        .file("b.parquet", &b)
        .file("c.parquet", &c)
        .session("property = \"p.order_id\"")
        .run()
        .sessions(["p.order_id", "event_count"], ["o1 8"])
        .counts("out_of_session.no_property", 4);
}
