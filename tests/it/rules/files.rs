//! Section 4: the files.

use super::*;

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[test]
fn the_tables_have_the_columns_and_types_of_their_description() {
    let told = under(by_order()).view("ann", "10:00").order("a").run();
    let out = told.sandbox.out();
    let (_, sessions) = dated_files(&out.join("sessions"), "session_date").remove(0);
    let (schema, _) = read_parquet(&sessions);
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let expected = [
        "user_id",
        "session_id",
        PROPERTY,
        "start_time",
        "end_time",
        "length_ms",
        "event_count",
        "first_event",
        "last_event",
        "end_reason",
    ];
    assert_eq!(names, expected);
    let data_type = |name: &str| schema.field_with_name(name).unwrap().data_type();
    for name in ["user_id", PROPERTY, "first_event", "last_event", "end_reason"] {
        assert!(is_text(data_type(name)), "{name}: {}", data_type(name));
    }
    assert_eq!((data_type("session_id"), data_type("length_ms")), (&DataType::Int64, &DataType::Int64));
    assert_eq!(data_type("event_count"), &DataType::UInt32);
    for name in ["start_time", "end_time"] {
        let DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) = data_type(name) else {
            panic!("{name}: {}", data_type(name));
        };
        assert!(["UTC", "+00:00"].contains(&zone.as_ref()), "{name}: {zone}");
    }

    let (_, activity) = dated_files(&out.join("activity"), "activity_date").remove(0);
    let (schema, _) = read_parquet(&activity);
    let types: Vec<_> = schema.fields().iter().map(|field| (field.name().as_str(), field.data_type())).collect();
    assert_eq!(types[0].0, "user_id");
    assert_eq!(types[1..], [("events", &DataType::UInt32), ("hours", &DataType::UInt32)]);
}

#[test]
fn without_a_property_there_is_no_column_for_one() {
    let told = by_default().view("ann", "10:00").id(1).run();
    let (_, file) = dated_files(&told.sandbox.out().join("sessions"), "session_date").remove(0);
    let (schema, _) = read_parquet(&file);
    assert_eq!(schema.fields().len(), 9, "{schema}");
}

#[test]
fn the_tables_are_compressed_with_zstd_and_describe_themselves() {
    let told = under(timeout(MINUTE)).view("ann", "10:00").run();
    let out = told.sandbox.out();
    for (table, column) in [("sessions", "session_date"), ("activity", "activity_date")] {
        let (_, path) = dated_files(&out.join(table), column).remove(0);
        let metadata = read_metadata(&path);
        assert!(metadata["dwell.format"].parse::<u32>().is_ok(), "{metadata:?}");
        assert!(!metadata["dwell.definition"].is_empty());
        assert!(!metadata["dwell.fingerprint"].is_empty());
        let reader = SerializedFileReader::new(std::fs::File::open(&path).unwrap()).unwrap();
        for chunk in reader.metadata().row_group(0).columns() {
            assert!(matches!(chunk.compression(), Compression::ZSTD(_)), "{}", chunk.column_path());
        }
    }
}

#[test]
fn a_table_without_rows_has_one_file_without_rows() {
    // Reading the tables back checks that each has exactly one file.
    let told = under(timeout(MINUTE)).run();
    told.sessions([]).activity([]).each(|told| told.measures.len() + told.histogram.len(), 0);
    let out = told.sandbox.out();
    assert_eq!(dated_files(&out.join("sessions"), "session_date"), []);
    assert_eq!(dated_files(&out.join("activity"), "activity_date"), []);
}

#[test]
fn sessions_are_sorted_by_user_and_session_id() {
    by_default()
        .view("bob", "10:00")
        .id(3)
        .view("ann", "10:00")
        .id(20)
        .view("ann", "10:01")
        .id(4)
        .view("Zed", "10:00")
        .id(1)
        .run()
        .each(
            |told| {
                let key = |row: &crate::reference::SessionRow| (row.user_id.clone(), row.session_id.clone());
                told.sessions.iter().map(key).collect::<Vec<_>>()
            },
            vec![(word("Zed"), int(1)), (word("ann"), int(4)), (word("ann"), int(20)), (word("bob"), int(3))],
        );
}
