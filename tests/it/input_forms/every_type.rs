//! Every type of values in every place where a column can be named: it is read, or refused by name.

use crate::cells::{dictionary, ints, of_type, texts, times};
use crate::support::{at, write_batch, Ran, Sandbox};
use arrow::array::{
    new_null_array, Array, ArrayRef, BinaryArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray, Float64Array,
    Int32Array, Int64Array, ListArray, RecordBatch, StructArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use std::sync::Arc;

// ---- Types -------------------------------------------------------------------------------------------------

/// A list in each of three rows, the second of which is null: what the first row of `values` is, and nothing.
fn lists(values: ArrayRef) -> ArrayRef {
    let item = Arc::new(Field::new("item", values.data_type().clone(), true));
    let nulls = NullBuffer::from(vec![true, false, true]);
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 1, 1, 1]));
    Arc::new(ListArray::new(item, offsets, values, Some(nulls)))
}

fn structs(fields: &[(&str, ArrayRef)]) -> ArrayRef {
    let fields = fields
        .iter()
        .map(|(name, array)| (Arc::new(Field::new(*name, array.data_type().clone(), true)), Arc::clone(array)));
    Arc::new(StructArray::from(fields.collect::<Vec<_>>()))
}

fn maps(keys: ArrayRef, values: ArrayRef) -> ArrayRef {
    let key = Arc::new(Field::new("key", keys.data_type().clone(), false));
    let value = Arc::new(Field::new("value", values.data_type().clone(), true));
    let entries = StructArray::new(vec![key, value].into(), vec![keys, values], None);
    let field = Arc::new(Field::new("entries", entries.data_type().clone(), false));
    let offsets = OffsetBuffer::new(ScalarBuffer::from(vec![0, 1, 1, 1]));
    let nulls = NullBuffer::from(vec![true, false, true]);
    Arc::new(arrow::array::MapArray::new(field, offsets, entries, Some(nulls), false))
}

fn codes(values: ArrayRef) -> ArrayRef {
    let codes = Int32Array::from(vec![Some(0), None, Some(1)]);
    Arc::new(DictionaryArray::try_new(codes, values).unwrap())
}

/// A column of three rows of each type, the second one null.
fn types() -> Vec<(&'static str, ArrayRef)> {
    use DataType as T;
    let numbers = ints([Some(1), None, Some(2)]);
    let of = |data_type: DataType| of_type(&numbers, data_type);
    let text = texts([Some("a"), None, Some("b")]);
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.5), None, Some(f64::NAN)]));
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"a"[..]), None, Some(b"\xff\xfe")]));
    let fixed = |size: i32| -> ArrayRef {
        let rows = [Some(vec![b'a'; size as usize]), None, Some(vec![0xff; size as usize])];
        Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(rows.into_iter(), size).unwrap())
    };
    let far: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![Some(i64::MAX), None, Some(i64::MIN)]));
    let json = texts([Some("{\"a\":1,\"k\":\"v\"}"), None, Some("x")]);
    let one = ints([1]);
    let item = |data_type: DataType| Arc::new(Field::new("item", data_type, true));
    let params =
        structs(&[("key", texts(["k"])), ("value", structs(&[("s", texts([None::<&str>])), ("i", ints([5]))]))]);
    vec![
        ("null", new_null_array(&T::Null, 3)),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)]))),
        ("int8", of(T::Int8)),
        ("uint32", of(T::UInt32)),
        ("uint64", Arc::new(UInt64Array::from(vec![Some(1), None, Some(u64::MAX)]))),
        ("half", of(T::Float16)),
        ("float32", of_type(&floats, T::Float32)),
        ("float64", floats),
        ("decimal32", of(T::Decimal32(5, 2))),
        ("decimal64", of(T::Decimal64(12, 2))),
        ("decimal128", of(T::Decimal128(38, 2))),
        ("whole decimal", of(T::Decimal128(38, 0))),
        ("decimal256", of(T::Decimal256(60, 2))),
        ("date32", of_type(&of(T::Int32), T::Date32)),
        (
            "far date",
            of_type(&(Arc::new(Int32Array::from(vec![Some(i32::MAX), None, Some(i32::MIN)])) as ArrayRef), T::Date32),
        ),
        ("date64", of_type(&of(T::Int64), T::Date64)),
        ("time32 s", of_type(&of(T::Int32), T::Time32(TimeUnit::Second))),
        ("time32 ms", of_type(&of(T::Int32), T::Time32(TimeUnit::Millisecond))),
        ("time64 us", of(T::Time64(TimeUnit::Microsecond))),
        ("time64 ns", of(T::Time64(TimeUnit::Nanosecond))),
        ("duration", of(T::Duration(TimeUnit::Microsecond))),
        ("interval", new_null_array(&T::Interval(IntervalUnit::YearMonth), 3)),
        ("text", Arc::clone(&text)),
        ("large text", of_type(&text, T::LargeUtf8)),
        ("text view", of_type(&text, T::Utf8View)),
        ("bytes", Arc::clone(&bytes)),
        ("large bytes", of_type(&bytes, T::LargeBinary)),
        ("bytes view", of_type(&bytes, T::BinaryView)),
        ("sixteen bytes", fixed(16)),
        ("four bytes", fixed(4)),
        ("json", Arc::clone(&json)),
        ("list", lists(Arc::clone(&one))),
        ("large list", of_type(&lists(Arc::clone(&one)), T::LargeList(item(T::Int64)))),
        ("list view", of_type(&lists(Arc::clone(&one)), T::ListView(item(T::Int64)))),
        ("fixed list", new_null_array(&T::FixedSizeList(item(T::Int64), 2), 3)),
        ("list of lists", lists(lists(ints([1])).slice(0, 1))),
        ("list of structs", lists(structs(&[("a", Arc::clone(&one))]))),
        ("list of entries", lists(params)),
        ("list of names", lists(structs(&[("name", texts(["k"])), ("value", texts(["v"]))]))),
        ("struct", structs(&[("a", Arc::clone(&numbers))])),
        ("struct of a list", structs(&[("a", lists(Arc::clone(&one)))])),
        ("struct of odd ones", structs(&[("a", of(T::Decimal256(60, 2))), ("k", of(T::Float16))])),
        ("map", maps(texts(["k"]), texts(["v"]))),
        ("map by numbers", maps(ints([1]), texts(["v"]))),
        ("map of structs", maps(texts(["k"]), structs(&[("a", Arc::clone(&one))]))),
        ("map of lists", maps(texts(["k"]), lists(Arc::clone(&one)).slice(0, 1))),
        ("codes of text", dictionary(&text)),
        ("codes of numbers", codes(ints([10, 20]))),
        ("codes of truths", codes(Arc::new(BooleanArray::from(vec![true, false])))),
        ("codes of times", codes(times(["10:00", "11:00"]))),
        ("nanoseconds", of(T::Timestamp(TimeUnit::Nanosecond, None))),
        ("seconds", of(T::Timestamp(TimeUnit::Second, None))),
        ("far time", far),
        (
            "far milliseconds",
            of_type(
                &(Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(i64::MIN)])) as ArrayRef),
                T::Timestamp(TimeUnit::Millisecond, None),
            ),
        ),
        ("zoned", of(T::Timestamp(TimeUnit::Microsecond, Some("Asia/Kolkata".into())))),
        ("offset", of(T::Timestamp(TimeUnit::Millisecond, Some("+05:30".into())))),
        ("zone of elsewhere", of(T::Timestamp(TimeUnit::Microsecond, Some("Mars/Phobos".into())))),
    ]
}

/// Three users, and a column `x`.
fn events(x: ArrayRef) -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("user_id", texts(["ann", "bob", "cid"])),
        ("event_time", Arc::new(TimestampMicrosecondArray::from(vec![at("10:00"); 3]))),
        ("event_type", texts(["v"; 3])),
        ("x", x),
    ];
    let fields: Vec<Field> = columns.iter().map(|(name, of)| Field::new(*name, of.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

// ---- Places ------------------------------------------------------------------------------------------------

/// All types, each in each of some places, each of which is a job's lines after those of the input's path.
fn each_type_in(places: &[(&str, &str)]) {
    let mut faults = Vec::new();
    for (name, x) in types() {
        let sandbox = Sandbox::new();
        write_batch(&sandbox.path().join("data/a.parquet"), 1000, &events(x));
        for (place, lines) in places {
            let session = if lines.contains("[session]") { "" } else { "[session]\ntimeout = \"1h\"\n" };
            let _ = std::fs::remove_dir_all(sandbox.out());
            sandbox.job(&format!("[input]\npath = \"data\"\n{lines}\n{session}[output]\npath = \"out\"\n"));
            let ran = sandbox.dwell(&["run", "job.toml", "--quiet", "--threads", "1"]);
            faults.extend(fault(&ran).map(|what| format!("{name}, {place}: {what}")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What is wrong with a run that neither works nor refuses the column by name.
fn fault(ran: &Ran) -> Option<String> {
    let is_refused = ran.code == Some(2) && ["`x", "\"x", " x, "].iter().any(|name| ran.stderr.contains(name));
    let is_bad = ["bug in dwell", "panicked", "overflow"].iter().any(|word| ran.stderr.contains(word));
    let is_fine = (ran.code == Some(0) || is_refused || names_the_condition(ran)) && !is_bad;
    (!is_fine).then(|| format!("{:?} {}", ran.code, ran.stderr.trim()))
}

/// A condition that cannot be computed is shown whole.
fn names_the_condition(ran: &Ran) -> bool {
    ran.code == Some(2) && ran.stderr.contains("where")
}

#[test]
fn roles() {
    each_type_in(&[
        ("beside", ""),
        ("user", "user = \"x\""),
        ("second user", "user = [\"x\", \"user_id\"]"),
        ("user as text", "user = \"x\"\nuser_type = \"text\""),
        ("time", "time = \"x\""),
        ("time in seconds", "time = \"x\"\ntime_unit = \"s\""),
        ("event type", "event = \"x\""),
        ("session id", "session_id = \"x\"\n[session]"),
        ("property", "[session]\nproperty = \"x\""),
        ("inside", "[session]\nproperty = \"x.a\""),
        ("by key", "[session]\nproperty = \"x.k\""),
        ("sequence", "sequence = \"x\""),
        ("unique id", "dedup = \"x\""),
    ]);
}

#[test]
fn conditions() {
    each_type_in(&[
        ("is null", "where = \"x IS NULL\""),
        ("is not null", "where = \"x IS NOT NULL AND user_id <> lower('Q')\""),
        ("text", "where = \"x = 'a'\""),
        ("number", "where = \"x = 1\""),
        ("larger", "where = \"x > 1\""),
        ("time", "where = \"x < '2026-01-05'\""),
        ("itself", "where = \"x = x\""),
        ("as text", "where = \"CAST(x AS TEXT) <> 'q'\""),
        ("one of some", "where = \"x IN ('a', 'b')\""),
        ("like", "where = \"x LIKE 'a%'\""),
        ("first", "where = \"coalesce(x, x) IS NOT NULL\""),
        ("inside", "where = \"x.a = 1\""),
        ("by key", "where = \"x.k = 'v'\""),
        ("sum", "where = \"x + 1 > 1\""),
    ]);
}

#[test]
fn charts_and_segments() {
    let chart = |line: &str| format!("[[chart]]\nname = \"c\"\n{line}");
    let lines = [
        ("group", chart("group_by = { last = \"x\" }")),
        ("sum", chart("count = { event = \"v\", property = \"x\" }")),
        ("larger", chart("first = { property = \"x\", op = \">\", value = 1 }")),
        ("is", chart("first = { property = \"x\", op = \"is\", value = \"a\" }")),
        ("begins", chart("first = { property = \"x\", op = \"starts_with\", value = \"a\" }")),
        ("is there", chart("contains = [{ event = \"v\", where = \"x IS NOT NULL\" }]")),
        ("by", "[[segment]]\nname = \"s\"\nby = \"x\"".to_owned()),
        ("segment", "[[segment]]\nname = \"s\"\nwhere = \"x = x\"".to_owned()),
    ];
    // Sections of charts come last.
    let lines: Vec<(&str, String)> =
        lines.into_iter().map(|(place, line)| (place, format!("[session]\ntimeout = \"1h\"\n{line}\n"))).collect();
    let places: Vec<(&str, &str)> = lines.iter().map(|(place, line)| (*place, line.as_str())).collect();
    each_type_in(&places);
}

#[test]
fn shown_beside_events() {
    let mut faults = Vec::new();
    for (name, x) in types() {
        let sandbox = Sandbox::new();
        write_batch(&sandbox.path().join("data/a.parquet"), 1000, &events(x));
        let asked = ["inspect", "--input", "data", "--user", "ann", "--timeout", "1h", "--columns", "x"];
        let doctor = ["doctor", "--input", "data", "--timeout", "1h"];
        for ran in [sandbox.dwell(&asked), sandbox.dwell(&doctor)] {
            faults.extend(fault(&ran).map(|what| format!("{name}: {what}")));
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
