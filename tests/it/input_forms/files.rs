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
fn files_named_after_how_their_pages_are_compressed_are_found() {
    reading()
        .file("a.parquet.zst", &visit("ann"))
        .file("b.parquet.gz", &visit("bob"))
        .file("deep/c.PARQUET.Snappy", &visit("cid"))
        .file("d.parquet.tmp", &visit("dan"))
        .file("e.parquet.zst.bak", &visit("eve"))
        .file("_f.parquet.zst", &visit("flo"))
        .file("g.parquet~", &visit("gus"))
        .run()
        .users(["ann", "bob", "cid"])
        .counts("inputs.files", 3);
}

#[cfg(unix)]
mod links {
    use super::{reading, visit};
    use crate::input_forms::Reading;
    use std::os::unix::fs::symlink;

    /// Adds a link in `data`.
    fn linked(reading: Reading, name: &str, target: &str) -> Reading {
        let link = reading.sandbox.path().join("data").join(name);
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, link).unwrap();
        reading
    }

    fn by_date() -> Reading {
        reading().file("dt=2026-01-01/x.parquet", &visit("ann")).file("dt=2026-01-02/x.parquet", &visit("bob"))
    }

    #[test]
    fn a_link_to_a_folder_takes_no_value_away() {
        for link in ["latest", "current", "a/b/latest"] {
            let target = if link.contains('/') { "../../dt=2026-01-02" } else { "dt=2026-01-02" };
            let seen = linked(by_date(), link, target).session("property = \"dt\"").run();
            seen.sessions(["user_id", "dt"], ["ann 2026-01-01", "bob 2026-01-02"]).counts("inputs.files", 2);
            linked(by_date(), link, target).filter("dt = '2026-01-02'").run().users(["bob"]);
            for path in ["[\"data/latest\", \"data\"]", "[\"data\", \"data/l*\"]", "\"data/**/*.parquet\""] {
                let files = linked(by_date(), "latest", "dt=2026-01-02").input(&format!("path = {path}"));
                files
                    .session("property = \"dt\"")
                    .run()
                    .sessions(["user_id", "dt"], ["ann 2026-01-01", "bob 2026-01-02"]);
            }
        }
    }

    #[test]
    fn a_link_to_a_file_takes_no_value_away_and_one_in_a_folder_gives_one() {
        let seen = linked(by_date(), "a.parquet", "dt=2026-01-01/x.parquet").session("property = \"dt\"").run();
        seen.sessions(["user_id", "dt"], ["ann 2026-01-01", "bob 2026-01-02"]).counts("inputs.files", 2);
        let store = reading().file("store/one.parquet", &visit("ann"));
        let seen = linked(store, "dt=2026-01-03/x.parquet", "../store/one.parquet").session("property = \"dt\"").run();
        seen.sessions(["user_id", "dt"], ["ann 2026-01-03"]).counts("inputs.files", 1);
        let store = reading().file("store/one/x.parquet", &visit("ann"));
        let seen = linked(store, "dt=2026-01-03", "store/one").session("property = \"dt\"").run();
        seen.sessions(["user_id", "dt"], ["ann 2026-01-03"]).counts("inputs.files", 1);
    }

    #[test]
    fn links_back_into_a_folder_end() {
        let mut files = reading().file("a.parquet", &visit("ann")).file("b/c/d.parquet", &visit("bob"));
        for (name, target) in
            [("l1", "."), ("l2", "."), ("b/l3", ".."), ("b/c/l4", "../.."), ("b/l5", "c"), ("l6", "l6"), ("l7", "b/c")]
        {
            files = linked(files, name, target);
        }
        files.run().users(["ann", "bob"]).counts("inputs.files", 2);
        let files = linked(linked(reading().file("a.parquet", &visit("ann")), "l1", "."), "l2", ".");
        files.input("path = \"data/**/*.parquet\"").run().users(["ann"]).counts("inputs.files", 1);
    }

    #[test]
    fn a_link_that_leads_nowhere_is_named_where_it_would_be_read() {
        for name in ["b.parquet", "b.parquet.zst", "dt=2026-01-03"] {
            let files = linked(by_date(), name, "gone/b");
            files.fails(1, &[&format!("data/{name}\" is a link to \"gone/b\""), "mend the link"]);
        }
        let files = linked(by_date(), "b.parquet", "b.parquet");
        files.input("path = \"data/*.parquet\"").fails(1, &["data/b.parquet\" is a link to \"b.parquet\""]);
        let files = linked(by_date(), "b.parquet", "gone");
        files.input("path = \"data/b.parquet\"").fails(1, &["data/b.parquet\" is a link to \"gone\""]);
        linked(by_date(), "notes.txt", "gone").run().users(["ann", "bob"]);
        linked(by_date(), "folder", "gone").run().users(["ann", "bob"]);
    }

    #[test]
    fn what_is_no_file_is_refused_and_waited_for_by_no_one() {
        let pipe = |path: &std::path::Path| {
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        };
        let socket = |path: &std::path::Path| drop(std::os::unix::net::UnixListener::bind(path).unwrap());
        by_date().written("pipe.parquet", pipe).fails(1, &["data/pipe.parquet\" is no regular file"]);
        by_date().written("socket.parquet", socket).fails(1, &["data/socket.parquet\" is no regular file"]);
        linked(by_date(), "null.parquet", "/dev/null").fails(1, &["data/null.parquet\" is no regular file"]);
        by_date().input("path = \"/dev/zero\"").fails(1, &["/dev/zero\" is no regular file"]);
        // And what is not taken for Parquet is left alone.
        by_date().written("pipe", pipe).run().users(["ann", "bob"]);
    }
}

#[cfg(unix)]
#[test]
fn names_of_other_bytes_are_read() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let files = |name: &'static [u8]| {
        let beside = move |path: &std::path::Path| {
            let folder = path.with_file_name(OsStr::from_bytes(b"n\xe9"));
            std::fs::create_dir(&folder).unwrap();
            std::fs::rename(path.with_file_name("a.parquet"), folder.join(OsStr::from_bytes(name))).unwrap();
        };
        reading().file("a.parquet", &visit("ann")).file("b.parquet", &visit("bob")).written("x", beside)
    };
    files(b"caf\xe9.parquet").run().users(["ann", "bob"]);
    files(b"caf\xe9.parquet").input("path = \"data/*/*.parquet\"").run().users(["ann"]);
    files(b"caf\xe9.parquet").input("path = \"data/**/caf?.parquet\"").run().users(["ann"]);
    files(b"caf\xe9.txt").input("path = \"data/**/*.parquet\"").run().users(["bob"]);
    files(b"caf\xe9.txt").input("path = \"data/n?/*\"").run().users(["ann"]);
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
