//! `input.path`: files, folders, globs, and lists of these.

use super::{reading, reading_of};
use crate::cells::{ints, table, texts, times};
use arrow::array::RecordBatch;

/// One visit of a user.
fn visit(user: &str) -> RecordBatch {
    table([("user_id", texts([user])), ("event_time", times(["10:00"]))])
}

#[test]
fn one_file_is_read_whatever_its_name() {
    let seen = reading().file("events.parquet", &visit("ann")).file("bob.data", &visit("bob"));
    seen.input("path = \"data/bob.data\"").run().users(["bob"]).counts("inputs.files", 1).counts("rows", 1);
}

#[test]
fn a_folder_is_searched_through_all_of_its_folders() {
    reading()
        .file("a.parquet", &visit("ann"))
        .file("2026/b.parquet", &visit("bob"))
        .file("2026/01/05/c.parquet", &visit("cid"))
        .run()
        .users(["ann", "bob", "cid"])
        .counts("inputs.files", 3);
}

#[test]
fn names_in_a_folder_that_begin_with_an_underscore_or_a_dot_are_skipped() {
    reading()
        .file("a.parquet", &visit("ann"))
        .file("_b.parquet", &visit("bob"))
        .file(".c.parquet", &visit("cid"))
        .file("_temporary/0/d.parquet", &visit("dan"))
        .file(".staging/e.parquet", &visit("eve"))
        .file("2026/_f.parquet", &visit("flo"))
        .run()
        .users(["ann"])
        .counts("inputs.files", 1)
        .counts("rows", 1);
}

#[test]
fn other_files_in_a_folder_are_no_events() {
    let beside = |name: &'static str| {
        move |path: &std::path::Path| std::fs::write(path.with_file_name(name), "no Parquet").unwrap()
    };
    reading()
        .file("a.parquet", &visit("ann"))
        .written("x", beside("_SUCCESS"))
        .written("x", beside("notes.txt"))
        .written("x", beside("a.parquet.crc"))
        .run()
        .users(["ann"])
        .counts("inputs.files", 1);
}

#[test]
fn a_glob_names_the_files_it_matches() {
    let files = || {
        reading()
            .file("2025-12/a.parquet", &visit("ann"))
            .file("2026-01/b.parquet", &visit("bob"))
            .file("2026-02/c.parquet", &visit("cid"))
            .file("2026-02/deep/d.parquet", &visit("dan"))
    };
    files().input("path = \"data/2026-*/*.parquet\"").run().users(["bob", "cid"]).counts("inputs.files", 2);
    files().input("path = \"data/2026-0[2-9]/?.parquet\"").run().users(["cid"]);
}

#[test]
fn two_stars_in_a_glob_match_folders_of_any_depth() {
    reading()
        .file("a.parquet", &visit("ann"))
        .file("2026-01/b.parquet", &visit("bob"))
        .file("2026-02/deep/c.parquet", &visit("cid"))
        .input("path = \"data/**/*.parquet\"")
        .run()
        .users(["ann", "bob", "cid"]);
}

#[test]
fn folders_that_a_glob_matches_are_searched() {
    reading()
        .file("2025-12/a.parquet", &visit("ann"))
        .file("2026-01/b.parquet", &visit("bob"))
        .file("2026-01/05/c.parquet", &visit("cid"))
        .file("2026-01/_d.parquet", &visit("dan"))
        .input("path = \"data/2026-*\"")
        .run()
        .users(["bob", "cid"]);
}

#[test]
fn a_file_whose_name_looks_like_a_glob_is_itself() {
    reading()
        .file("a[1].parquet", &visit("ann"))
        .file("a1.parquet", &visit("bob"))
        .input("path = \"data/a[1].parquet\"")
        .run()
        .users(["ann"]);
}

#[test]
fn a_list_may_mix_files_folders_and_globs() {
    reading()
        .file("one/a.parquet", &visit("ann"))
        .file("one/b.parquet", &visit("bob"))
        .file("two/c.parquet", &visit("cid"))
        .file("three/d.parquet", &visit("dan"))
        .file("three/e.txt", &visit("eve"))
        .input("path = [\"data/one/a.parquet\", \"data/two\", \"data/three/*.parquet\"]")
        .run()
        .users(["ann", "cid", "dan"])
        .counts("inputs.files", 3);
}

#[test]
fn a_file_named_several_times_is_read_once() {
    let files = || reading().file("a.parquet", &visit("ann")).file("b.parquet", &visit("bob"));
    for path in [
        "[\"data/a.parquet\", \"data/a.parquet\", \"data\"]",
        "[\"data\", \"./data/a.parquet\"]",
        "[\"data/*.parquet\", \"data/../data/b.parquet\", \"data\"]",
    ] {
        let seen = files().input(&format!("path = {path}")).run();
        seen.sessions(["user_id", "event_count"], ["ann 1", "bob 1"]).counts("inputs.files", 2).counts("rows", 2);
    }
}

#[test]
fn the_order_in_which_files_are_named_changes_no_byte() {
    let files = || reading().file("a.parquet", &visit("ann")).file("b.parquet", &visit("bob"));
    let ab = files().input("path = [\"data/a.parquet\", \"data/b.parquet\"]").run();
    let ba = files().input("path = [\"data/b.parquet\", \"data/a.parquet\"]").run();
    assert_eq!(crate::support::table_hashes(&ab.sandbox.out()), crate::support::table_hashes(&ba.sandbox.out()));
}

#[test]
fn a_file_without_rows_is_read_beside_others() {
    let none = visit("ann").slice(0, 0);
    reading().file("a.parquet", &none).file("b.parquet", &visit("bob")).run().users(["bob"]).counts("inputs.files", 2);
}

#[test]
fn row_groups_of_any_size_are_one_table() {
    let users = ["ann", "bob", "ann", "bob", "ann"];
    let clocks = ["10:00", "10:01", "10:02", "10:03", "10:04"];
    let batch = table([("user_id", texts(users)), ("event_time", times(clocks))]);
    for rows_per_group in [1, 2, 5] {
        let seen = reading().groups("a.parquet", rows_per_group, &batch).run();
        seen.sessions(["user_id", "event_count"], ["ann 3", "bob 2"]);
        seen.counts("inputs.row_groups_read", 5_usize.div_ceil(rows_per_group) as i64);
    }
}

#[test]
fn columns_that_no_one_asks_for_are_left_alone() {
    let batch = table([("user_id", texts(["ann"])), ("event_time", times(["10:00"])), ("n", ints([1]))]);
    reading_of(&batch).run().sessions(["user_id", "event_count"], ["ann 1"]);
}

#[test]
fn the_input_is_the_same_after_a_run_as_before() {
    let input = reading().file("a.parquet", &visit("ann")).file("country=FR/b.parquet", &visit("bob"));
    let folder = input.sandbox.path().join("data");
    let state = |folder: &std::path::Path| {
        let modified =
            |name: &String| (name.clone(), std::fs::metadata(folder.join(name)).unwrap().modified().unwrap());
        let hashes = crate::support::table_hashes(folder);
        let modified: Vec<_> = hashes.keys().map(modified).collect();
        (hashes, modified)
    };
    let before = state(&folder);
    let seen = input.run();
    assert_eq!(state(&seen.sandbox.path().join("data")), before);
    assert_eq!(before.0.len(), 2);
}
