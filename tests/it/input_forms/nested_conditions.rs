//! Conditions over values inside of structs, maps and JSON text.

use super::nested::{int_maps, structs, text_maps};
use super::{reading, reading_of, Reading};
use crate::cells::{ints, table, texts, times};
use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use std::sync::Arc;

/// One event a user, of this column and a price of 10.
fn each(column: ArrayRef) -> RecordBatch {
    table([
        ("user_id", texts(["ann", "bob", "cid", "dan"])),
        ("event_time", times(["10:00"; 4])),
        ("price", ints([10; 4])),
        ("event_properties", column),
    ])
}

fn where_holds(column: &ArrayRef, condition: &str) -> Reading {
    reading_of(&each(Arc::clone(column))).filter(condition)
}

fn json() -> ArrayRef {
    texts([
        r#"{"order_id": "o1", "amount": 9, "gift": true}"#,
        r#"{"order_id": "o2", "amount": 10.5, "gift": false}"#,
        r#"{"order_id": "o1", "amount": 100}"#,
        r#"{"order_id": null, "amount": "many"}"#,
    ])
}

fn fields() -> ArrayRef {
    let amounts: ArrayRef = Arc::new(Float64Array::from(vec![Some(9.0), Some(10.5), Some(100.0), None]));
    structs([("order_id", texts([Some("o1"), Some("o2"), Some("o1"), None])), ("amount", amounts)])
}

#[test]
fn text_inside_a_column_is_compared_as_text() {
    let map = text_maps(&[
        Some(&[("order_id", Some("o1"))]),
        Some(&[("order_id", Some("o2"))]),
        Some(&[("x", Some("y")), ("order_id", Some("o1"))]),
        None,
    ]);
    for column in [json(), fields(), map] {
        where_holds(&column, "event_properties.order_id = 'o1'").run().users(["ann", "cid"]).counts("filtered", 2);
        where_holds(&column, "event_properties.order_id <> 'o1'").run().users(["bob"]);
        where_holds(&column, "event_properties.order_id LIKE 'o%'").run().users(["ann", "bob", "cid"]);
        where_holds(&column, "event_properties.order_id IS NULL").run().users(["dan"]);
        where_holds(&column, "\"event_properties.order_id\" = 'o2'").run().users(["bob"]);
        where_holds(&column, "\"event_properties\".\"order_id\" = 'o2'").run().users(["bob"]);
        where_holds(&column, "event_properties.order_id = 'o1' AND user_id > 'b'").run().users(["cid"]);
    }
}

#[test]
fn numbers_inside_a_column_are_compared_as_numbers() {
    for column in [json(), fields()] {
        where_holds(&column, "event_properties.amount > 10").run().users(["bob", "cid"]);
        where_holds(&column, "10 < event_properties.amount").run().users(["bob", "cid"]);
        where_holds(&column, "event_properties.amount = 9").run().users(["ann"]);
        where_holds(&column, "event_properties.amount <> 9").run().users(["bob", "cid"]);
        where_holds(&column, "event_properties.amount >= 10.5").run().users(["bob", "cid"]);
        where_holds(&column, "event_properties.amount > -5").run().users(["ann", "bob", "cid"]);
        where_holds(&column, "event_properties.amount BETWEEN 9 AND 11").run().users(["ann", "bob"]);
        where_holds(&column, "event_properties.amount * 2 > 20").run().users(["bob", "cid"]);
        where_holds(&column, "NOT event_properties.amount > 10").run().users(["ann"]);
    }
}

#[test]
fn integers_in_maps_and_structs_are_compared_as_numbers() {
    let map = int_maps(&[
        Some(&[("amount", Some(9))]),
        Some(&[("amount", Some(11))]),
        Some(&[("x", Some(5)), ("amount", Some(100))]),
        Some(&[("x", Some(100))]),
    ]);
    for column in [map, structs([("amount", ints([Some(9), Some(11), Some(100), None]))])] {
        where_holds(&column, "event_properties.amount > 10").run().users(["bob", "cid"]).counts("filtered", 2);
        where_holds(&column, "event_properties.amount IS NULL").run().users(["dan"]);
        where_holds(&column, "event_properties.amount > price").run().users(["bob", "cid"]);
    }
}

#[test]
fn values_inside_a_column_can_be_in_a_list() {
    for column in [json(), fields()] {
        where_holds(&column, "event_properties.order_id IN ('o2', 'o3')").run().users(["bob"]);
        where_holds(&column, "event_properties.amount IN (9, 100)").run().users(["ann", "cid"]);
    }
    let map = int_maps(&[Some(&[("amount", Some(9))]), Some(&[("amount", Some(11))]), None, Some(&[])]);
    where_holds(&map, "event_properties.amount IN (9, 100)").run().users(["ann"]);
}

#[test]
fn a_number_in_json_beside_a_column_of_numbers_is_a_number() {
    where_holds(&json(), "event_properties.amount > price").run().users(["bob", "cid"]);
    where_holds(&json(), "price < event_properties.amount").run().users(["bob", "cid"]);
}

#[test]
fn one_value_in_json_can_be_text_and_a_number_in_one_condition() {
    where_holds(&json(), "event_properties.amount > 10 OR event_properties.amount = 'many'")
        .run()
        .users(["bob", "cid", "dan"]);
}

#[test]
fn truth_values_in_json_are_text() {
    where_holds(&json(), "event_properties.gift = 'true'").run().users(["ann"]);
    where_holds(&json(), "event_properties.gift IS NULL").run().users(["cid", "dan"]);
}

#[test]
fn keys_with_signs_in_them_can_be_quoted() {
    let column = texts([r#"{"$revenue": 5}"#, r#"{"$revenue": 50}"#, r#"{"page title": "Home"}"#, "{}"]);
    where_holds(&column, "\"event_properties.$revenue\" > 9").run().users(["bob"]);
    where_holds(&column, "event_properties.\"$revenue\" < 9").run().users(["ann"]);
    where_holds(&column, "event_properties.\"page title\" = 'Home'").run().users(["cid"]);
}

#[test]
fn a_key_that_no_row_has_is_null_in_json_and_maps() {
    where_holds(&json(), "event_properties.nothing IS NULL").run().users(["ann", "bob", "cid", "dan"]);
    where_holds(&json(), "event_properties.nothing = 'x'").run().users([]).counts("filtered", 4);
}

#[test]
fn a_column_inside_files_that_lack_it_is_null_there() {
    let without = table([("user_id", texts(["eve"])), ("event_time", times(["10:00"]))]);
    let files = |column: ArrayRef| reading().file("a.parquet", &each(column)).file("b.parquet", &without);
    for column in [json(), fields()] {
        files(Arc::clone(&column)).filter("event_properties.order_id IS NULL").run().users(["dan", "eve"]);
        files(Arc::clone(&column)).filter("event_properties.amount > 10").run().users(["bob", "cid"]);
        files(Arc::clone(&column)).filter("event_properties.order_id = 'o1'").run().users(["ann", "cid"]);
    }
}
