//! Every type of time: all are instants in microseconds, floored.

use super::{reading, reading_of, Reading};
use crate::cells::{of_type, table, texts, times, timestamp};
use crate::support::at;
use arrow::array::{Array, ArrayRef, Int32Array, Int64Array, TimestampNanosecondArray, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, TimeUnit};
use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::path::Path;
use std::sync::Arc;

const USERS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// One event a user, at the times of this column.
fn at_each(column: ArrayRef) -> Reading {
    let users = texts(USERS[..column.len()].iter().copied());
    reading_of(&table([("user_id", users), ("event_time", column)]))
}

const STARTS: [&str; 2] = ["user_id", "start_time"];

fn zones() -> [Option<&'static str>; 4] {
    [None, Some("UTC"), Some("+02:00"), Some("Europe/Paris")]
}

#[test]
fn timestamps_of_every_unit_are_instants_with_a_zone_and_utc_without() {
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        for zone in zones() {
            let instants = times([Some("10:00"), None, Some("2026-07-01 23:59:59")]);
            let column = of_type(&instants, timestamp(unit, zone));
            at_each(column)
                .run()
                .sessions(STARTS, ["a 10:00", "c 2026-07-01 23:59:59"])
                .has_type("start_time", &timestamp(TimeUnit::Microsecond, Some("UTC")))
                .counts("rejected.no_time", 1);
        }
    }
}

#[test]
fn nanoseconds_are_floored_to_microseconds() {
    let nanos = |time: &str, more: i64| at(time) * 1_000 + more;
    let column = TimestampNanosecondArray::from(vec![nanos("10:00", 1), nanos("10:00", 999), nanos("10:00", 1_000)]);
    for zone in [None, Some("UTC")] {
        let column: ArrayRef = Arc::new(column.clone().with_timezone_opt(zone));
        at_each(column).run().sessions(STARTS, ["a 10:00", "b 10:00", "c 10:00:00.000001"]);
    }
}

#[test]
fn times_before_1970_are_floored_downwards_where_min_time_admits_them() {
    let column = || -> ArrayRef { Arc::new(TimestampNanosecondArray::from(vec![-1, -1_000, -1_001, 0])) };
    at_each(column()).input("min_time = \"1960-01-01\"").run().sessions(
        STARTS,
        [
            "a 1969-12-31 23:59:59.999999",
            "b 1969-12-31 23:59:59.999999",
            "c 1969-12-31 23:59:59.999998",
            "d 1970-01-01 00:00",
        ],
    );
    at_each(column()).run().users([]).counts("rejected.time_out_of_range", 4);
}

#[test]
fn integers_count_the_unit_of_the_job() {
    let second = at("10:00") / 1_000_000;
    for (unit, per_second) in [("s", 1), ("ms", 1_000), ("us", 1_000_000), ("ns", 1_000_000_000)] {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![Some(second * per_second), None, Some(-per_second)]));
        at_each(column)
            .input(&format!("time_unit = \"{unit}\""))
            .input("min_time = \"1969-01-01\"")
            .run()
            .sessions(STARTS, ["c 1969-12-31 23:59:59", "a 10:00"])
            .counts("rejected.no_time", 1);
    }
}

#[test]
fn integer_nanoseconds_are_floored_also_before_1970() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![at("10:00") * 1_000 + 1_999, -1]));
    at_each(column)
        .input("time_unit = \"ns\"")
        .input("min_time = \"1960-01-01\"")
        .run()
        .sessions(STARTS, ["b 1969-12-31 23:59:59.999999", "a 10:00:00.000001"]);
}

#[test]
fn integer_times_may_be_of_any_width() {
    let second = at("10:00") / 1_000_000;
    let columns: [ArrayRef; 3] = [
        Arc::new(Int32Array::from(vec![i32::try_from(second).unwrap()])),
        Arc::new(UInt32Array::from(vec![u32::try_from(second).unwrap()])),
        Arc::new(UInt64Array::from(vec![u64::try_from(second).unwrap()])),
    ];
    for column in columns {
        at_each(column).input("time_unit = \"s\"").run().sessions(STARTS, ["a 10:00"]);
    }
}

#[test]
fn integers_that_no_time_can_be_are_rejected() {
    for unit in ["s", "ms", "us", "ns"] {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, i64::MIN, 0]));
        let seen = at_each(column).input(&format!("time_unit = \"{unit}\"")).run();
        let rejected = ["no_time", "time_out_of_range"]
            .map(|reason| crate::cells::number(&seen.sandbox.out(), &format!("rejected.{reason}")));
        assert_eq!(rejected.iter().sum::<i64>(), 3, "{unit}");
    }
}

#[test]
fn integers_without_a_unit_and_timestamps_with_one_are_errors() {
    let column: ArrayRef = Arc::new(Int64Array::from(vec![0]));
    at_each(column).fails(2, &["event_time", "input.time_unit"]);
    at_each(times(["10:00"])).input("time_unit = \"ms\"").fails(2, &["event_time", "input.time_unit"]);
}

#[test]
fn text_in_iso_8601_is_read_with_and_without_offset_fraction_and_t() {
    for (text, start) in [
        ("2026-01-05T10:00:00Z", "10:00"),
        ("2026-01-05T10:00:00", "10:00"),
        ("2026-01-05 10:00:00", "10:00"),
        ("2026-01-05 10:00:00Z", "10:00"),
        ("2026-01-05T12:00:00+02:00", "10:00"),
        ("2026-01-05 12:00:00+02:00", "10:00"),
        ("2026-01-05T12:00:00+0200", "10:00"),
        ("2026-01-05T12:00:00+02", "10:00"),
        ("2026-01-05T04:30:00-05:30", "10:00"),
        ("2026-01-05T10:00:00.5Z", "10:00:00.5"),
        ("2026-01-05T10:00:00.123", "10:00:00.123"),
        ("2026-01-05 10:00:00.123456", "10:00:00.123456"),
        ("2026-01-05T12:00:00.123456789+02:00", "10:00:00.123456"),
        ("2026-01-05T10:00:00,5Z", "10:00:00.5"),
        ("2026-01-05T10:00Z", "10:00"),
        ("2026-01-05T10:00", "10:00"),
        ("20260105T100000Z", "10:00"),
        ("2026-01-05", "00:00"),
        ("2026-01-06T00:30:00+02:00", "22:30"),
    ] {
        at_each(texts([text])).run().sessions(STARTS, [&format!("a {start}")]);
    }
}

#[test]
fn text_before_1970_is_floored_downwards() {
    at_each(texts(["1969-12-31T23:59:59.9999991Z", "1969-12-31T23:59:59"]))
        .input("min_time = \"1960-01-01\"")
        .run()
        .sessions(STARTS, ["a 1969-12-31 23:59:59.999999", "b 1969-12-31 23:59:59"]);
}

#[test]
fn text_that_is_no_time_is_rejected() {
    at_each(texts([
        Some("soon"),
        Some(""),
        None,
        Some("2026-02-30T10:00:00Z"),
        Some("1767607200"),
        Some("2026-01-05T10:00:00Z"),
    ]))
    .run()
    .sessions(STARTS, ["f 10:00"])
    .counts("rejected.no_time", 5);
}

#[test]
fn text_times_may_be_in_a_dictionary_or_large() {
    let column = texts(["2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"]);
    at_each(crate::cells::dictionary(&column)).run().sessions(STARTS, ["a 10:00", "b 10:00"]);
    at_each(of_type(&column, DataType::LargeUtf8)).run().sessions(STARTS, ["a 10:00", "b 10:00"]);
}

#[test]
fn the_time_of_the_client_is_preferred_and_another_column_can_be_named() {
    let batch = || {
        table([
            ("user_id", texts(["ann"])),
            ("event_time", times(["10:00"])),
            ("client_event_time", times(["11:00"])),
            ("received", times(["12:00"])),
        ])
    };
    reading_of(&batch()).run().sessions(["start_time"], ["11:00"]);
    reading_of(&batch()).input("time = \"event_time\"").run().sessions(["start_time"], ["10:00"]);
    reading_of(&batch()).input("time = \"received\"").run().sessions(["start_time"], ["12:00"]);
}

// ---- INT96 -------------------------------------------------------------------------------------------------

const DAY_NANOS: i128 = 86_400_000_000_000;

/// Nanoseconds since the epoch as the Julian day and the nanoseconds of it.
fn int96(nanos: i128) -> Int96 {
    let julian_day = u32::try_from(2_440_588 + nanos.div_euclid(DAY_NANOS)).unwrap();
    let of_day = u64::try_from(nanos.rem_euclid(DAY_NANOS)).unwrap();
    let mut value = Int96::new();
    value.set_data(of_day as u32, (of_day >> 32) as u32, julian_day);
    value
}

/// One event a user, at these nanoseconds, as most writers do it: the order of the column is that of its type.
fn write_int96(path: &Path, nanos: &[Option<i128>]) {
    write_int96_in_its_own_order(path, nanos);
    // In the footer, field 3 of the union is the order of INT96 and field 1 that of the type.
    let mut bytes = std::fs::read(path).unwrap();
    let orders = [0x1c, 0, 0, 0x3c, 0, 0];
    let place = bytes.windows(orders.len()).rposition(|window| window == orders).unwrap();
    bytes[place + 3] = 0x1c;
    std::fs::write(path, bytes).unwrap();
}

/// The same with the column order that the Parquet format has gained for INT96.
fn write_int96_in_its_own_order(path: &Path, nanos: &[Option<i128>]) {
    let schema = "message m { required binary user_id (UTF8); optional int96 event_time; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(std::fs::File::create(path).unwrap(), schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let users: Vec<ByteArray> = USERS[..nanos.len()].iter().map(|user| ByteArray::from(*user)).collect();
    column.typed::<ByteArrayType>().write_batch(&users, None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<Int96> = nanos.iter().flatten().map(|nanos| int96(*nanos)).collect();
    let levels: Vec<i16> = nanos.iter().map(|nanos| i16::from(nanos.is_some())).collect();
    column.typed::<Int96Type>().write_batch(&values, Some(&levels), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

fn int96_at(time: &str, more_nanos: i128) -> Option<i128> {
    Some(i128::from(at(time)) * 1_000 + more_nanos)
}

#[test]
fn int96_times_are_floored_to_microseconds() {
    let times = [int96_at("10:00", 0), int96_at("10:00", 1_999), None, int96_at("23:59:59.999999", 999)];
    reading()
        .written("a.parquet", |path| write_int96(path, &times))
        .run()
        .sessions(STARTS, ["a 10:00", "b 10:00:00.000001", "d 23:59:59.999999"])
        .counts("rejected.no_time", 1);
}

#[test]
fn int96_times_before_1970_are_floored_downwards() {
    reading()
        .written("a.parquet", |path| write_int96(path, &[Some(-1), Some(0), Some(-DAY_NANOS)]))
        .input("min_time = \"1960-01-01\"")
        .run()
        .sessions(STARTS, ["a 1969-12-31 23:59:59.999999", "c 1969-12-31 00:00", "b 1970-01-01 00:00"]);
}

#[test]
fn int96_times_can_be_filtered_by_text() {
    let times = [int96_at("09:00", 0), int96_at("10:00", 0), int96_at("11:00", 0)];
    reading()
        .written("a.parquet", |path| write_int96(path, &times))
        .filter("event_time >= '2026-01-05 10:00:00'")
        .run()
        .sessions(STARTS, ["b 10:00", "c 11:00"])
        .counts("filtered", 1);
}

#[test]
fn an_int96_time_that_64_bits_of_nanoseconds_cannot_hold_is_out_of_range_and_not_another_time() {
    // 2^64 nanoseconds after 10:00, in the year 2610.
    let far = int96_at("10:00", 1 << 64);
    reading()
        .written("a.parquet", |path| write_int96(path, &[int96_at("10:00", 0), far]))
        .run()
        .sessions(STARTS, ["a 10:00"])
        .counts("in_session", 1);
}

#[test]
fn int96_times_whose_column_declares_their_own_order_are_read() {
    let times = [int96_at("10:00", 0), int96_at("11:00", 0)];
    reading()
        .written("a.parquet", |path| write_int96_in_its_own_order(path, &times))
        .run()
        .sessions(STARTS, ["a 10:00", "b 11:00"]);
}

#[test]
fn times_with_a_fixed_offset_can_be_filtered_by_text() {
    let column = of_type(&times(["09:00", "10:00", "11:00"]), timestamp(TimeUnit::Microsecond, Some("+05:30")));
    at_each(column)
        .filter("event_time >= '2026-01-05 10:00:00'")
        .run()
        .sessions(STARTS, ["b 10:00", "c 11:00"])
        .counts("filtered", 1);
}

#[test]
fn a_column_of_half_floats_can_be_filtered_and_stands_in_nobodys_way() {
    let half: ArrayRef = of_type(&(Arc::new(Int32Array::from(vec![1, 2, 3])) as ArrayRef), DataType::Float16);
    let users = texts(USERS[..3].iter().copied());
    let batch = table([("user_id", users), ("event_time", times(["09:00", "10:00", "11:00"])), ("half", half)]);
    reading_of(&batch).run().users(["a", "b", "c"]);
    reading_of(&batch).filter("half > 1.5").run().users(["b", "c"]);
}
