//! `input.where` over plain columns.

use super::reading_of;
use crate::cells::{ints, of_type, table, texts, times, timestamp};
use crate::support::at;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, FixedSizeBinaryArray, Float64Array, RecordBatch, TimestampNanosecondArray,
};
use arrow::datatypes::{DataType, TimeUnit};
use std::sync::Arc;

const CLOCKS: [&str; 5] =
    ["2026-01-03 10:00", "2026-01-04 23:59:59", "2026-01-05 00:00", "2026-01-05 12:00", "2026-01-06 10:00"];

/// One event each of Ann, Bob, Cid, Dan and Eve.
fn events() -> RecordBatch {
    let prices: ArrayRef = Arc::new(Float64Array::from(vec![Some(0.5), Some(1.0), Some(f64::NAN), None, Some(2.5)]));
    let bots: ArrayRef = Arc::new(BooleanArray::from(vec![Some(true), Some(false), None, Some(false), Some(true)]));
    table([
        ("user_id", texts(["ann", "bob", "cid", "dan", "eve"])),
        ("event_time", times(CLOCKS)),
        ("platform", texts([Some("web"), Some("ios"), None, Some("android"), Some("web")])),
        ("page", texts([Some("/pricing"), Some("/pricing/pro"), Some("/it's"), None, Some("/Pricing")])),
        ("amount", ints([Some(5), Some(10), Some(15), None, Some(25)])),
        ("price", prices),
        ("is_bot", bots),
        ("day", of_type(&times(CLOCKS), DataType::Date32)),
        ("$insert_id", texts(["i1", "i2", "i3", "i4", "i5"])),
        ("page title", texts(["Home", "Home", "Shop", "Shop", "Shop"])),
    ])
}

/// The users whose events pass; all others count as filtered.
fn keeps<const N: usize>(condition: &str, users: [&str; N]) {
    let seen = reading_of(&events()).filter(condition).run();
    assert_eq!(crate::cells::lines(&seen.sandbox.out(), "sessions", &["user_id"]), users, "{condition}");
    seen.counts("filtered", 5 - N as i64).counts("in_session", N as i64).counts("rows", 5);
}

#[test]
fn values_are_compared() {
    keeps("platform = 'web'", ["ann", "eve"]);
    keeps("platform <> 'web'", ["bob", "dan"]);
    keeps("platform != 'web'", ["bob", "dan"]);
    keeps("'web' = platform", ["ann", "eve"]);
    keeps("amount > 10", ["cid", "eve"]);
    keeps("amount >= 10", ["bob", "cid", "eve"]);
    keeps("10 >= amount", ["ann", "bob"]);
    keeps("price < 2", ["ann", "bob"]);
    keeps("amount > price * 9", ["ann", "bob", "eve"]);
    keeps("user_id = \"page title\"", []);
}

#[test]
fn values_are_looked_for_in_lists() {
    keeps("platform IN ('web', 'ios')", ["ann", "bob", "eve"]);
    keeps("platform NOT IN ('web', 'ios')", ["dan"]);
    keeps("amount IN (5, 25, 30)", ["ann", "eve"]);
    keeps("amount NOT IN (5, 25)", ["bob", "cid"]);
    keeps("\"$insert_id\" IN ('i1', 'i5')", ["ann", "eve"]);
    keeps("platform IN ('linux')", []);
}

#[test]
fn ranges_include_both_ends() {
    keeps("amount BETWEEN 10 AND 15", ["bob", "cid"]);
    keeps("amount NOT BETWEEN 10 AND 15", ["ann", "eve"]);
    keeps("user_id BETWEEN 'b' AND 'cid'", ["bob", "cid"]);
}

#[test]
fn patterns_stand_for_any_text_or_one_character() {
    keeps("page LIKE '/pricing%'", ["ann", "bob"]);
    keeps("page NOT LIKE '/pricing%'", ["cid", "eve"]);
    keeps("page LIKE '%pro'", ["bob"]);
    keeps("user_id LIKE '_n_'", ["ann"]);
    keeps("user_id LIKE 'an'", []);
    keeps("page ILIKE '/pricing'", ["ann", "eve"]);
}

#[test]
fn quotes_in_text_are_doubled() {
    keeps("page = '/it''s'", ["cid"]);
}

#[test]
fn null_is_asked_for_by_name() {
    keeps("platform IS NULL", ["cid"]);
    keeps("platform IS NOT NULL", ["ann", "bob", "dan", "eve"]);
    keeps("amount IS NULL", ["dan"]);
}

#[test]
fn a_condition_that_is_null_does_not_keep_its_row() {
    keeps("platform <> 'x'", ["ann", "bob", "dan", "eve"]);
    keeps("NOT (platform = 'web')", ["bob", "dan"]);
    keeps("amount > 0 AND platform > ''", ["ann", "bob", "eve"]);
    keeps("platform = NULL", []);
}

#[test]
fn a_null_beside_a_truth_is_decided_by_it() {
    keeps("amount > 0 OR platform > ''", ["ann", "bob", "cid", "dan", "eve"]);
    keeps("amount > 20 OR platform = 'android'", ["dan", "eve"]);
    keeps("NOT (amount < 20 AND platform = 'web')", ["bob", "dan", "eve"]);
}

#[test]
fn and_binds_closer_than_or_and_brackets_closer_than_both() {
    keeps("platform = 'web' OR platform = 'ios' AND amount > 10", ["ann", "eve"]);
    keeps("(platform = 'web' OR platform = 'ios') AND amount >= 10", ["bob", "eve"]);
    keeps("NOT platform = 'web' AND amount = 10", ["bob"]);
}

#[test]
fn truth_values_are_conditions_by_themselves() {
    keeps("is_bot", ["ann", "eve"]);
    keeps("NOT is_bot", ["bob", "dan"]);
    keeps("is_bot = false", ["bob", "dan"]);
    keeps("is_bot IS TRUE", ["ann", "eve"]);
    keeps("true", ["ann", "bob", "cid", "dan", "eve"]);
}

#[test]
fn what_is_not_known_is_not_true() {
    keeps("is_bot IS NOT TRUE", ["bob", "cid", "dan"]);
    keeps("is_bot IS NOT FALSE", ["ann", "cid", "eve"]);
}

#[test]
fn names_with_signs_and_spaces_are_quoted() {
    keeps("\"$insert_id\" = 'i2'", ["bob"]);
    keeps("\"page title\" = 'Home' AND \"user_id\" > 'b'", ["bob"]);
}

#[test]
fn functions_of_values_can_be_compared() {
    keeps("LOWER(page) = '/pricing'", ["ann", "eve"]);
    keeps("COALESCE(platform, 'none') = 'none'", ["cid"]);
    keeps("amount % 10 = 5", ["ann", "cid", "eve"]);
    keeps("CASE WHEN amount > 10 THEN true ELSE false END", ["cid", "eve"]);
    keeps("CAST(amount AS VARCHAR) = '10'", ["bob"]);
}

#[test]
fn a_uuid_is_compared_as_the_text_it_is_written_as() {
    let uuids = FixedSizeBinaryArray::try_from_iter([[0x11_u8; 16], [0x22; 16]].into_iter()).unwrap();
    let batch = table([("user_id", Arc::new(uuids) as ArrayRef), ("event_time", times(["10:00"; 2]))]);
    let user = "11111111-1111-1111-1111-111111111111";
    reading_of(&batch).filter(&format!("user_id = '{user}'")).run().users([user]).counts("filtered", 1);
}

#[test]
fn bytes_are_compared_as_text() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"ios"[..], b"web"]));
    let batch = table([("user_id", texts(["ann", "bob"])), ("event_time", times(["10:00"; 2])), ("platform", bytes)]);
    reading_of(&batch).filter("platform = 'ios'").run().users(["ann"]);
    reading_of(&batch).filter("platform LIKE 'w%'").run().users(["bob"]);
}

#[test]
fn conditions_may_go_over_several_lines() {
    keeps("platform = 'web'\n  AND amount > 10\n", ["eve"]);
}

#[test]
fn dates_are_compared_with_dates_as_text() {
    keeps("day = '2026-01-05'", ["cid", "dan"]);
    keeps("day >= DATE '2026-01-05'", ["cid", "dan", "eve"]);
    keeps("day BETWEEN '2026-01-04' AND '2026-01-05'", ["bob", "cid", "dan"]);
    keeps("'2026-01-04' > day", ["ann"]);
    keeps("day <> '2026-01-05'", ["ann", "bob", "eve"]);
}

#[test]
fn dates_are_looked_for_in_lists_of_dates_as_text() {
    keeps("day IN ('2026-01-03', '2026-01-06')", ["ann", "eve"]);
    keeps("day NOT IN ('2026-01-03', '2026-01-06')", ["bob", "cid", "dan"]);
}

#[test]
fn times_are_taken_apart() {
    keeps("CAST(event_time AS DATE) = DATE '2026-01-05'", ["cid", "dan"]);
    keeps("CAST(event_time AS DATE) >= '2026-01-05'", ["cid", "dan", "eve"]);
    keeps("EXTRACT(hour FROM event_time) < 11", ["ann", "cid", "eve"]);
}

// ---- Times -------------------------------------------------------------------------------------------------

/// The five events with times of every type there is.
fn events_of_every_time() -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    for unit in [TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        for zone in [None, Some("UTC"), Some("Europe/Paris")] {
            let column = of_type(&times(CLOCKS), timestamp(unit, zone));
            batches.push(table([("user_id", texts(["ann", "bob", "cid", "dan", "eve"])), ("event_time", column)]));
        }
    }
    batches
}

fn keeps_of_every_time<const N: usize>(condition: &str, users: [&str; N]) {
    for batch in events_of_every_time() {
        let seen = reading_of(&batch).filter(condition).run();
        let kept = crate::cells::lines(&seen.sandbox.out(), "sessions", &["user_id"]);
        assert_eq!(kept, users, "{condition} over {}", batch.schema().field(1).data_type());
        seen.counts("filtered", 5 - N as i64);
    }
}

#[test]
fn times_are_compared_with_dates_as_text_whatever_their_unit_and_zone() {
    keeps_of_every_time("event_time >= '2026-01-05'", ["cid", "dan", "eve"]);
    keeps_of_every_time("event_time < '2026-01-05'", ["ann", "bob"]);
    keeps_of_every_time("'2026-01-05' <= event_time", ["cid", "dan", "eve"]);
}

#[test]
fn times_are_compared_with_times_as_text() {
    keeps_of_every_time("event_time > '2026-01-04 23:59:59'", ["cid", "dan", "eve"]);
    keeps_of_every_time("event_time = '2026-01-05T12:00:00Z'", ["dan"]);
    keeps_of_every_time("event_time >= '2026-01-05T13:00:00+01:00'", ["dan", "eve"]);
    keeps_of_every_time("event_time BETWEEN '2026-01-05' AND '2026-01-05 12:00:00'", ["cid", "dan"]);
    keeps_of_every_time("event_time >= '2026-01-05' AND event_time < '2026-01-06'", ["cid", "dan"]);
    keeps_of_every_time("NOT event_time < '2026-01-05'", ["cid", "dan", "eve"]);
}

#[test]
fn times_are_compared_with_times_and_dates_of_sql() {
    keeps_of_every_time("event_time >= TIMESTAMP '2026-01-05 12:00:00'", ["dan", "eve"]);
    keeps_of_every_time("event_time >= DATE '2026-01-05'", ["cid", "dan", "eve"]);
    keeps_of_every_time("event_time >= CAST('2026-01-05' AS DATE)", ["cid", "dan", "eve"]);
}

#[test]
fn times_are_looked_for_in_lists_of_times_as_text() {
    keeps_of_every_time("event_time IN ('2026-01-05', '2026-01-06 10:00:00')", ["cid", "eve"]);
}

#[test]
fn times_are_compared_with_times_that_are_reckoned() {
    keeps_of_every_time("event_time > TIMESTAMP '2026-01-06 00:00:00' - INTERVAL '12 hours'", ["eve"]);
    keeps_of_every_time("event_time >= DATE '2026-01-05' + INTERVAL '1 day'", ["eve"]);
    keeps_of_every_time("event_time < '2026-01-05' + INTERVAL '1 day'", ["ann", "bob", "cid", "dan"]);
}

#[test]
fn text_that_a_function_makes_is_understood_or_refused_but_never_taken_for_another() {
    for condition in
        ["event_time >= CONCAT('2026-01-05', ' 12:00:00')", "event_time >= REPLACE('2026-01-03 12:00:00', '03', '05')"]
    {
        let (sandbox, ran) = reading_of(&events()).filter(condition).play();
        if ran.code == Some(0) {
            let kept = crate::cells::lines(&sandbox.out(), "sessions", &["user_id"]);
            assert_eq!(kept, ["dan", "eve"], "{condition}");
        } else {
            assert!(ran.expect_code(2).stderr.contains("input.where"), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_time_in_nanoseconds_is_compared_before_it_is_floored() {
    let column: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![at("10:00") * 1_000, at("10:00") * 1_000 + 1]));
    let batch = table([("user_id", texts(["ann", "bob"])), ("event_time", column)]);
    reading_of(&batch)
        .filter("event_time > '2026-01-05 10:00:00'")
        .run()
        .sessions(["user_id", "start_time"], ["bob 10:00"]);
}

#[test]
fn text_that_is_no_time_beside_a_time_is_an_error_that_says_so() {
    reading_of(&events()).filter("event_time > 'noon'").fails(2, &["input.where", "noon"]);
}

// ---- What a condition cannot be ----------------------------------------------------------------------------

#[test]
fn a_column_that_does_not_exist_is_an_error_that_names_the_nearest() {
    reading_of(&events()).filter("platfrom = 'web'").fails(2, &["input.where", "platfrom", "platform"]);
    reading_of(&events()).filter("platform = \"web\"").fails(2, &["input.where", "web", "single quotes"]);
}

#[test]
fn what_is_no_sql_or_no_condition_is_an_error() {
    reading_of(&events()).filter("platform = = 'web'").fails(2, &["input.where"]);
    reading_of(&events()).filter("platform = 'web' amount").fails(2, &["input.where"]);
    reading_of(&events()).filter("amount + 1").fails(2, &["input.where"]);
    reading_of(&events()).filter("platform > 5").fails(2, &["input.where"]);
    reading_of(&events()).filter("COUNT(*) > 5").fails(2, &["input.where"]);
}

#[test]
fn what_is_reckoned_from_few_bits_does_not_wrap_around() {
    let kept = |data_type: DataType, values: [i64; 3], condition: &str| {
        let column = of_type(&ints(values.map(Some)), data_type);
        let events = table([
            ("user_id", texts(["ann", "bob", "cid"])),
            ("event_time", times(["2026-01-03 10:00"; 3])),
            ("value", column),
        ]);
        let seen = reading_of(&events).filter(condition).run();
        crate::cells::lines(&seen.sandbox.out(), "sessions", &["user_id"]).join(" ")
    };
    assert_eq!(kept(DataType::Int32, [1, 3_000_000, -5], "value * 1000 > 0"), "ann bob");
    assert_eq!(kept(DataType::UInt8, [10, 60, 250], "value + 200 > 250"), "bob cid");
    assert_eq!(kept(DataType::UInt8, [10, 60, 250], "value - 20 < 0"), "ann");
    assert_eq!(kept(DataType::UInt64, [10, 60, 250], "value - 20 < 0"), "ann");
    assert_eq!(kept(DataType::Int8, [10, 60, 100], "-value * 2 < -100"), "bob cid");
    assert_eq!(kept(DataType::Int8, [10, 60, 100], "(value + value) * value > 7000"), "bob cid");
    // Hours are small numbers, too.
    assert_eq!(kept(DataType::Int8, [1, 2, 3], "extract(hour from event_time) * 60 = 600"), "ann bob cid");
}

#[test]
fn a_decimal_number_is_not_compared_with_text() {
    let prices = of_type(&ints([Some(9), Some(20)]), DataType::Decimal128(10, 2));
    let events =
        table([("user_id", texts(["ann", "bob"])), ("event_time", times(["2026-01-03 10:00"; 2])), ("price", prices)]);
    for condition in ["price > '10'", "'10' < price", "price BETWEEN '10' AND '100'", "price IN ('10', '20')"] {
        reading_of(&events).filter(condition).fails(2, &["a number is compared with text", "without quotes"]);
    }
    let seen = reading_of(&events).filter("price > 10").run();
    assert_eq!(crate::cells::lines(&seen.sandbox.out(), "sessions", &["user_id"]), ["bob"]);
}

#[test]
fn what_cannot_be_asked_is_said_in_words() {
    let fails = |condition: &str, words: &[&str]| {
        reading_of(&events()).filter(condition).fails(2, &[&["`input.where`"], words].concat());
    };
    fails("platform SIMILAR TO 'x'", &["this is not known here: platform SIMILAR TO 'x'"]);
    fails("(platform, is_bot) = ('web', true)", &["this is not known here"]);
    fails("EXISTS (SELECT 1)", &["cannot have a query in it"]);
    fails("platform = (SELECT 'web')", &["cannot have a query in it"]);
    fails("platform IN (SELECT 'web')", &["cannot have a query in it"]);
}

#[test]
fn what_is_not_on_the_list_is_an_error_with_its_place_and_the_nearest_name() {
    let fails = |condition: &str, words: &[&str]| {
        reading_of(&events()).filter(condition).fails(2, &[&["`input.where`"], words].concat());
    };
    fails("lowre(page) = 'x'", &["there is no function lowre here; did you mean lower?", "line 1, column 1", "\n  ^"]);
    fails("amount > 1 AND xyzzy(page) = 'x'", &["there is no function xyzzy", "column 16", "abs, ceil"]);
    fails("lower(page, 'x') = 'x'", &["lower takes 1 arguments, not 2"]);
    fails("amount ^ 2 = 4", &["the operator ^ is not known here; write POWER"]);
    fails("page ~ 'x'", &["the operator ~ is not known here; write REGEXP_MATCHES"]);
    fails("amount & 1 = 1", &["the operator & is not known here"]);
    fails("COUNT(*) > 5", &["asked of each row by itself", "count"]);
    fails("event_time > now()", &["another value in each run"]);
    fails("event_time > CURRENT_TIMESTAMP", &["another value in each run"]);
    fails("CAST(page AS JSON) = 'x'", &["the type JSON is not known here", "VARCHAR"]);
    fails("CAST(page AS nonsense) = 'x'", &["the type nonsense is not known here"]);
    fails("EXTRACT(timezone FROM event_time) = 1", &["cannot be extracted", "isodow"]);
    fails("page COLLATE \"de\" = 'x'", &["not known here"]);
    fails("page = ANY('{a}')", &["not known here"]);
    fails("event_time AT TIME ZONE 'UTC' > '2026-01-01'", &["not known here"]);
    fails("sum(amount) OVER () > 1", &["asked of each row by itself"]);
    fails("page = X'41'", &["not known here"]);
    fails("amount = ?", &["not known here"]);
    fails("platform = 'web'; DROP TABLE x", &["goes on after a semicolon"]);
    fails("", &["`input.where`"]);
    fails("-- all of it", &["`input.where`"]);
    fails("platform = 'web", &["`input.where`"]);
    fails("SELECT 1", &["`input.where`"]);
    fails("platform = 'web'\nAND lowre(page) = 'x'", &["did you mean lower? (line 2, column 5)"]);
    keeps("platform = 'web' -- and nothing else", ["ann", "eve"]);
    keeps("platform = /* of the web */ 'web'", ["ann", "eve"]);
}

#[test]
fn what_is_too_long_or_too_deep_is_said() {
    let fails = |condition: String, words: &[&str]| {
        reading_of(&events()).filter(&condition).fails(2, &[&["`input.where`"], words].concat());
    };
    let around =
        |before: &str, after: &str, times: usize| format!("{}is_bot{}", before.repeat(times), after.repeat(times));
    for times in [200, 5_000, 100_000] {
        fails(around("(", ")", times), &["too"]);
        fails(around("NOT ", "", times), &["too"]);
        fails(around("", " IS TRUE", times), &["too"]);
        fails(around("", "::BOOLEAN", times), &["too"]);
        fails(around("(", " IS DISTINCT FROM is_bot)", times), &["too"]);
        fails(format!("amount{} > 0", " + amount".repeat(times)), &["too"]);
        fails(format!("amount > {}1", "- ".repeat(times)), &["too"]);
        fails(format!("{}amount{} > 0", "abs(".repeat(times), ")".repeat(times)), &["too"]);
        fails(format!("{} true {} END", "CASE WHEN is_bot THEN".repeat(times), "END ".repeat(times)), &["too"]);
    }
    for times in [3_000, 200_000] {
        fails(format!("{}'1 day' IS NULL", "INTERVAL ".repeat(times)), &["too"]);
        fails(format!("CAST(amount AS {}INT{}) = 1", "ARRAY<".repeat(times), ">".repeat(times)), &["too"]);
        fails(format!("\"{}\" = 1", "a".repeat(times)), &["there is no column `aaa"]);
    }
    fails(format!("is_bot{}", " AND is_bot".repeat(501)), &["more than 500 times AND and OR"]);
    fails(format!("page{} = 'x'", " || page".repeat(50_000)), &["too long"]);
    fails(format!("amount > {}", "(".repeat(1_000_000)), &["too"]);
    // What doubles with each level has its end before the memory has.
    let mut doubled = "is_bot".to_owned();
    for _ in 0..40 {
        doubled = format!("({doubled} BETWEEN false AND true)");
    }
    fails(doubled, &["too long to be computed"]);
    keeps(&around("(", ")", 40), ["ann", "eve"]);
    keeps(&format!("coalesce({}, 0) = 0", vec!["amount"; 99].join(", ")), ["dan"]);
    keeps(&format!("greatest({}, 12) = 12", vec!["amount"; 99].join(", ")), ["ann", "bob", "dan"]);
    keeps(&around("NOT ", "", 40), ["ann", "eve"]);
}

#[test]
fn long_lists_and_numbers_are_what_they_are() {
    let numbers = |count: i64| (-count..count).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    keeps(&format!("amount IN ({})", numbers(50_000)), ["ann", "bob", "cid", "eve"]);
    keeps(&format!("amount NOT IN ({})", numbers(10)), ["bob", "cid", "eve"]);
    keeps(&format!("amount NOT IN ({}, NULL)", numbers(200)), []);
    keeps(
        &format!("amount IN ({}, 25.0, 1e1, 15.5)", (100..400).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")),
        ["bob", "eve"],
    );
    let words = (0..1_000).map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", ");
    keeps(&format!("platform IN ({words}, 'web')"), ["ann", "eve"]);
    keeps(&format!("amount < {}", "9".repeat(10_000)), ["ann", "bob", "cid", "eve"]);
    keeps(
        "amount < 1e400 AND amount > -1e400 AND amount > 0.00000000000000000000000000000000000000000000000001",
        ["ann", "bob", "cid", "eve"],
    );
    keeps("page = '\u{1F468}\u{200D}\u{1F469}' OR page = '\u{0}' OR page = '/pricing'", ["ann"]);
}

#[test]
fn a_value_that_cannot_be_cast_names_the_file_and_the_way_out() {
    let words =
        ["`input.where`", "it fails on values of", "events.parquet", "'/pricing' is no whole number", "TRY_CAST"];
    reading_of(&events()).filter("CAST(page AS INTEGER) = 1").fails(2, &words);
    keeps("TRY_CAST(page AS INTEGER) IS NULL", ["ann", "bob", "cid", "dan", "eve"]);
    reading_of(&events()).filter("amount * 9223372036854775807 > 0").fails(2, &["has no room in 64 bits", "DOUBLE"]);
}

#[test]
fn unsigned_numbers_are_above_what_is_below_zero() {
    let ids: ArrayRef = Arc::new(arrow::array::UInt64Array::from(vec![5, 1 << 63, u64::MAX]));
    let events = table([("user_id", texts(["ann", "bob", "cid"])), ("event_time", times(["10:00"; 3])), ("h", ids)]);
    let kept = |condition: &str| {
        let seen = reading_of(&events).filter(condition).run();
        crate::cells::lines(&seen.sandbox.out(), "sessions", &["user_id"]).join(" ")
    };
    for all in ["h <> -1", "h > -1", "h NOT IN (-1)", "NOT (h <= -1)", "h >= 0", "h > -1.5", "h IS DISTINCT FROM -1"] {
        assert_eq!(kept(all), "ann bob cid", "{all}");
    }
    let many = (-300..0).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    assert_eq!(kept(&format!("h NOT IN ({many})")), "ann bob cid");
    assert_eq!(kept(&format!("h IN ({many}, 18446744073709551615)")), "cid");
    assert_eq!(kept("h = -1"), "");
    assert_eq!(kept("h = 18446744073709551615"), "cid");
    assert_eq!(kept("h > 9223372036854775807"), "bob cid");
    assert_eq!(kept("h % 10 = 5"), "ann cid");
}
