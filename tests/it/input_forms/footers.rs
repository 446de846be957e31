//! Footers that writers get wrong: what can be known all the same is read, and the rest refused by name.

use super::{reading, Reading};
use crate::cells::{ints, table, texts, times};
use crate::footer::{change, column, fields, i32, i64, Opened, Thrift};
use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use std::path::Path;

/// A row each of these users, ten minutes apart.
fn visits<const N: usize>(users: [&str; N]) -> RecordBatch {
    let clocks = ["10:00", "10:10", "10:20", "10:30", "10:40", "10:50"];
    let clocks = times(clocks.into_iter().take(N));
    table([("user_id", texts(users)), ("event_time", clocks), ("n", ints((0..N as i64).map(Some)))])
}

/// A file of two row groups of three rows each, with a footer changed.
fn changed(how: impl FnOnce(&mut Opened)) -> Reading {
    let reading = reading().groups("a.parquet", 3, &visits(["ann", "bob", "ann", "bob", "ann", "bob"]));
    change(&reading.sandbox.path().join("data/a.parquet"), how);
    reading
}

// ---- How many rows there are --------------------------------------------------------------------------------

#[test]
fn rows_are_those_of_the_row_groups_whatever_the_file_counts() {
    for told in [0, 1, 2, 5, 7, 100, -1, i64::MAX] {
        let files = || changed(|footer| footer.set(&[], 3, i64(told)));
        let seen = files().run();
        seen.sessions(["user_id", "event_count"], ["ann 3", "bob 3"]);
        seen.counts("rows", 6).counts("filtered", 0).counts("in_session", 6);
        files().filter("n > 3").run().counts("rows", 6).counts("filtered", 4).counts("inputs.row_groups_skipped", 1);
        files().filter("n % 2 = 0").run().users(["ann"]).counts("rows", 6).counts("filtered", 3);
    }
}

#[test]
fn a_row_group_that_has_other_rows_than_it_says_is_named() {
    for (told, read) in [(1, 3), (2, 3), (4, 3), (9, 3), (100_000, 3), (1 << 31, 3), (1 << 40, 3)] {
        for group in [0, 1] {
            let says = format!("row group {group} says that it has {told} rows, and {read} were read");
            let words = ["data/a.parquet\" is damaged", &says, "input.path"];
            let files = || changed(|footer| footer.set(&[4, group], 3, i64(told)));
            files().fails(1, &words);
            files().filter("n >= 0").fails(1, &words);
            files().filter("user_id = 'ann' OR n % 2 = 1").fails(1, &words);
        }
    }
}

#[test]
fn row_groups_of_less_than_no_rows_and_of_values_without_rows_are_damaged() {
    for told in [-1, i64::MIN] {
        let files = changed(|footer| footer.set(&[4, 1], 3, i64(told)));
        files.fails(1, &["data/a.parquet\" is damaged", "less than no rows"]);
    }
    let files = changed(|footer| footer.set(&[4, 1], 3, i64(i64::MAX)));
    files.fails(1, &["data/a.parquet\" is damaged", "a row group counts 9223372036854775807 rows"]);
    let files = changed(|footer| footer.set(&[4, 1], 3, i64(0)));
    files.fails(1, &["data/a.parquet\" is damaged", "has values, but counts no rows"]);
}

#[test]
fn rows_that_leave_are_counted_where_they_do() {
    let seen = changed(|_| ()).filter("n >= 3 AND n <> 4").run();
    seen.counts("rows", 6).counts("filtered", 4).counts("in_session", 2).counts("inputs.row_groups_skipped", 1);
}

// ---- Schemas -------------------------------------------------------------------------------------------------

/// Puts a column inside of so many groups.
fn nest(footer: &mut Opened, groups: usize) {
    let Thrift::List(_, schema) = footer.at(&[2]) else { panic!("no schema") };
    let at = schema.len() - 1;
    let group =
        |number: usize| fields([(3, i32(1)), (4, Thrift::Bytes(format!("g{number}").into_bytes())), (5, i32(1))]);
    schema.splice(at..at, (0..groups).map(group));
    // Without the types that arrow noted of it.
    let Thrift::Struct(all) = &mut footer.footer else { panic!("no footer") };
    all.remove(&5);
    for row_group in 0..2 {
        let path = (0..groups).map(|number| format!("g{number}")).chain(["n".to_owned()]);
        let path = path.map(|name| Thrift::Bytes(name.into_bytes())).collect();
        footer.set(&column(row_group, 2), 3, Thrift::List(8, path));
    }
}

#[test]
fn a_schema_is_as_deep_as_the_stack_and_no_deeper() {
    for groups in [1, 50, 99, 100] {
        changed(|footer| nest(footer, groups)).run().users(["ann", "bob"]);
    }
    for groups in [101, 2_000, 50_000] {
        let words = ["data/a.parquet\"", "more than 100 groups inside each other"];
        changed(|footer| nest(footer, groups)).fails(1, &words);
    }
}

#[test]
fn a_schema_that_counts_fields_that_it_lacks_is_damaged() {
    for told in [4, 1_000, (1 << 31) - 1] {
        let files = changed(|footer| footer.set(&[2, 0], 5, i32(told)));
        files.fails(1, &["data/a.parquet\"", "lacks fields that it counts"]);
    }
}

#[test]
fn columns_may_have_any_name_and_be_many() {
    let odd = ["", " ", "a.b", "a\"b", "a\nb", "a`b", "ü", "user_id ", "'"];
    let mut columns = vec![("user_id".to_owned(), texts(["ann"])), ("event_time".to_owned(), times(["10:00"]))];
    columns.extend(odd.iter().map(|name| ((*name).to_owned(), texts([*name]))));
    columns.extend((0..3_000).map(|number| (format!("c{number}"), ints([number]))));
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let files = || reading().file("a.parquet", &batch);
    files().run().users(["ann"]);
    for name in odd {
        let quoted = name.replace('"', "\"\"");
        files().filter(&format!("\"{quoted}\" = '{}'", name.replace('\'', "''"))).run().users(["ann"]);
        let seen = files().input(&format!("user = {}", toml::Value::String(name.to_owned())));
        if !name.is_empty() {
            seen.run().users([name]);
        }
    }
    files().filter("c2999 = 2999 AND c0 = 0").run().users(["ann"]);
}

// ---- Pages ---------------------------------------------------------------------------------------------------

/// Users and times as dictionaries, which begin each column.
fn with_dictionaries(path: &Path) {
    let batch = visits(["ann", "bob", "ann", "bob", "ann", "bob"]);
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).set_dictionary_enabled(true);
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// What a footer says of a column.
fn number(footer: &mut Opened, place: i16, field: i16) -> i64 {
    match footer.at(&column(0, place)) {
        Thrift::Struct(fields) => match fields.get(&field) {
            Some(Thrift::Int(_, value)) => *value,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

const SIZE: i16 = 7;
const DATA_PAGE: i16 = 9;
const DICTIONARY_PAGE: i16 = 11;

fn of_dictionaries(how: impl FnOnce(&mut Opened)) -> Reading {
    let reading = reading().written("a.parquet", with_dictionaries);
    change(&reading.sandbox.path().join("data/a.parquet"), how);
    reading
}

/// As older writers have it: the dictionary is where the data begin, and its own offset is 0 or not there.
#[test]
fn a_dictionary_whose_offset_is_zero_is_where_the_column_begins() {
    for told in [0, -1, i64::MAX] {
        let files = of_dictionaries(|footer| {
            for place in 0..3 {
                let start = number(footer, place, DICTIONARY_PAGE);
                footer.set(&column(0, place), DATA_PAGE, i64(start));
                footer.set(&column(0, place), DICTIONARY_PAGE, i64(told));
            }
        });
        files.filter("user_id = 'ann'").run().sessions(["user_id", "event_count"], ["ann 3"]);
    }
}

/// Numbers of fields that a writer took for itself mean something else today.
#[test]
fn fields_of_other_types_than_they_are_known_to_be_are_passed_over() {
    let files = of_dictionaries(|footer| {
        for place in 0..3 {
            let own = fields([(1, i32(1)), (2, i64(7)), (5, fields([(1, i32(39))]))]);
            footer.set(&column(0, place), 15, Thrift::List(12, vec![own]));
        }
    });
    files.run().sessions(["user_id", "event_count"], ["ann 3", "bob 3"]);
}

/// As parquet-mr had it before 1.2.9: the size of a column is without the head of its dictionary.
#[test]
fn a_column_that_forgets_the_head_of_its_dictionary_is_read_to_its_end() {
    for (writer, reads) in [("parquet-mr", true), ("parquet-mr version 1.2.8 (build x)", true), ("other", false)] {
        let files = of_dictionaries(|footer| {
            footer.set(&[], 6, Thrift::Bytes(writer.as_bytes().to_vec()));
            for place in 0..3 {
                let size = number(footer, place, SIZE);
                footer.set(&column(0, place), SIZE, i64(size - 14));
            }
        });
        if reads {
            files.run().sessions(["user_id", "event_count"], ["ann 3", "bob 3"]);
        } else {
            files.fails(1, &["data/a.parquet\" cannot be read", "damaged"]);
        }
    }
}

// ---- What is no plain Parquet --------------------------------------------------------------------------------

#[test]
fn an_encrypted_file_is_said_to_be_encrypted() {
    let words = ["data/a.parquet\" is encrypted", "without encryption", "input.path"];
    let magic = |path: &Path| std::fs::write(path, [b"PARE", &[0; 500][..], b"PARE"].concat()).unwrap();
    reading().written("a.parquet", magic).fails(1, &words);
    // A footer that can be read, of columns that cannot.
    changed(|footer| footer.set(&[], 8, fields([(1, fields([]))]))).fails(1, &words);
}

#[test]
fn a_file_that_is_something_else_is_said_to_be_that() {
    for (begins, says) in [
        (&b"\x28\xb5\x2f\xfd and so on and on"[..], "is compressed as a whole by zstd"),
        (b"\x1f\x8b\x08 and so on and on", "is compressed as a whole by gzip"),
        (b"BZh91AY and so on and on", "is compressed as a whole by bzip2"),
        (b"\xfd7zXZ\0 and so on and on", "is compressed as a whole by xz"),
        (b"\x04\x22\x4d\x18 and so on and on", "is compressed as a whole by lz4"),
        (b"PK\x03\x04 and so on and on", "is compressed as a whole by zip"),
        (b"ORC and so on and on", "is not a Parquet file, but ORC"),
        (b"Obj\x01 and so on and on", "is not a Parquet file, but Avro"),
        (b"ARROW1\0\0 and so on and on", "is not a Parquet file, but Arrow"),
        (b"user_id,event_time\n", "is not a Parquet file (19 bytes"),
    ] {
        let files = reading().written("a.parquet.zst", |path| std::fs::write(path, begins).unwrap());
        files.fails(1, &["data/a.parquet.zst\"", says, "input.path"]);
    }
}
