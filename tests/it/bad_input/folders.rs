//! Output folders: where they lie, whose they are, and what they were made under.

use super::{file, job, moved, ordinary, run, schemas, start, tree, Case, Sandbox, Tree};
use crate::support::{read_metadata, read_run, table_hashes, Layout};
use std::fs::File;
use std::path::{Path, PathBuf};

// ---- Where they lie ----------------------------------------------------------------------------------------

#[test]
fn an_output_inside_the_input_is_refused_however_it_is_spelled() {
    for (input, output) in [
        ("data", "data/out"),
        ("data", "data"),
        ("data", "data/a/b/c"),
        ("data/", "./data/out"),
        ("./data", "other/../data/out"),
        ("data/**/*.parquet", "data/out"),
        ("data/**", "data/out"),
        (".", "elsewhere"),
    ] {
        is_inside(input, output);
    }
}

#[test]
fn an_output_below_the_current_folder_is_inside_a_glob_that_begins_there() {
    is_inside("**/*.parquet", "data/out");
    is_inside("**/*.parquet", "elsewhere");
    is_inside("**", "elsewhere");
}

/// The second run would find the tables of the first, and not before then would anyone notice.
#[test]
fn an_output_that_a_glob_will_find_is_refused_before_it_is_there() {
    is_inside("data/*", "data/out");
    is_inside("data/*/*.parquet", "data/out");
}

fn is_inside(input: &str, output: &str) {
    let with_folders = |sandbox: &Sandbox| {
        sandbox.events("a/events.parquet", &Layout::default(), &ordinary());
        std::fs::create_dir(sandbox.path().join("other")).unwrap();
    };
    let case = run(&[]).when(with_folders).input(input).output(output);
    case.fails(2, &[&format!("{output:?}"), &format!("inside the input {input:?}"), "output.path", "--output"]);
}

#[test]
fn an_output_beside_the_files_of_a_glob_is_fine() {
    for input in ["data/*.parquet", "data/e*.parquet", "data/events.parquet"] {
        run(&[]).input(input).output("data/out").works(|sandbox, _| {
            start(sandbox, &run(&[]).input(input).output("data/out").arguments(), None).expect_code(0);
        });
    }
}

#[test]
fn a_link_into_the_input_is_inside_of_it_too() {
    let link = |sandbox: &Sandbox| std::os::unix::fs::symlink("data", sandbox.path().join("link")).unwrap();
    run(&[]).when(link).output("link/out").fails(2, &["\"link/out\"", "inside the input \"data\"", "output.path"]);
    run(&[]).when(link).input("link").output("data/out").fails(2, &["inside the input \"link\"", "output.path"]);
}

#[test]
fn an_input_inside_the_output_is_refused() {
    let said = run(&[])
        .when(moved("data", "new/raw"))
        .input("new/raw")
        .output("new")
        .fails(2, &["\"new\"", "new/raw", "input", "output.path"]);
    for said in said {
        assert!(!said.contains("\"new\" lies inside"), "it is the other way round: {said}");
    }
    let sandbox = run(&[]).prepare(true);
    let before = tree(sandbox.path());
    for input in ["out/sessions", "out", "out/measures.parquet", "out/**/*.parquet"] {
        let arguments = ["run", "--input", input, "--output", "out"].map(str::to_owned);
        let ran = start(&sandbox, &arguments, None);
        ran.expect_code(2);
        super::assert_one_clean_error(&ran, input);
        super::assert_untouched(&before, &tree(sandbox.path()), input);
    }
}

#[test]
fn an_output_that_is_a_file_is_refused() {
    let words = ["\"notes.txt\" is a file", "output.path", "folder"];
    run(&[]).when(file("notes.txt", b"mine")).output("notes.txt").fails(2, &words);
    run(&["--overwrite"]).when(file("notes.txt", b"mine")).output("notes.txt").fails(2, &words);
    run(&[]).output("data/events.parquet").fails(2, &["data/events.parquet", "output.path"]);
}

#[test]
fn an_output_below_a_file_cannot_be_written() {
    for output in ["notes.txt/out", "notes.txt/a/b/out"] {
        let words = ["notes.txt", "cannot be written", "check the folder"];
        run(&[]).when(file("notes.txt", b"mine")).output(output).fails(1, &words);
    }
}

// ---- Whose they are ----------------------------------------------------------------------------------------

#[test]
fn a_folder_that_is_not_dwells_is_refused_also_with_overwrite() {
    for flags in [&[][..], &["--overwrite"]] {
        for (name, path) in
            [("thesis.txt", "mine/thesis.txt"), ("photos", "mine/photos/a.jpg"), (".git", "mine/.git/x")]
        {
            let words = ["\"mine\"", "not dwell's", name, "output.path", "--output"];
            run(flags).when(file(path, b"mine")).output("mine").fails(2, &words);
        }
        // Tables alone do not make it dwell's.
        let tables = file("mine/sessions/part-0.parquet", b"PAR1");
        run(flags).when(tables).output("mine").fails(2, &["\"mine\"", "not dwell's", "sessions", "output.path"]);
    }
}

#[test]
fn an_empty_folder_is_as_good_as_none() {
    let empty = |sandbox: &Sandbox| std::fs::create_dir(sandbox.path().join("new")).unwrap();
    run(&[]).when(empty).output("new").works(|sandbox, _| {
        schemas(&sandbox.path().join("new"));
    });
    // And stays, empty, where the run fails.
    run(&["--max-rejected", "0"])
        .when(empty)
        .when(|sandbox| {
            let mut events = ordinary();
            events[0].time = None;
            sandbox.events("events.parquet", &Layout::default(), &events);
        })
        .output("new")
        .fails(3, &["--max-rejected"]);
}

#[test]
fn folders_made_on_the_way_to_an_output_go_where_the_run_fails() {
    run(&["--max-rejected", "0"])
        .when(|sandbox| {
            let mut events = ordinary();
            events[0].time = None;
            sandbox.events("events.parquet", &Layout::default(), &events);
        })
        .output("a/b/c")
        .fails(3, &["--max-rejected"]);
}

#[test]
fn a_folder_whose_record_is_damaged_is_left_alone() {
    for record in [
        &b""[..],
        b"{",
        b"[]",
        b"{\"format\": 999, \"fingerprint\": \"x\", \"definition\": []}",
        b"\xff\xfe",
        b"{\"format\": \"one\"}",
        b"null",
    ] {
        for flags in [&[][..], &["--overwrite"]] {
            let words = ["out/_dwell/folder.json\" cannot be read", "restore it", "another folder"];
            run(flags).when(file("out/_dwell/folder.json", record)).fails(1, &words);
        }
    }
}

// ---- What they were made under -----------------------------------------------------------------------------

#[test]
fn another_definition_names_the_keys_that_differ_with_both_values() {
    let after = |flags: &[&str], flags_before: &[&str], words: &[&str]| {
        let sandbox = run(flags).after_a_run_with(flags_before).prepare(true);
        let before = tree(sandbox.path());
        let ran = start(&sandbox, &run(flags).arguments(), None);
        ran.expect_code(2);
        super::assert_one_clean_error(&ran, "another definition");
        for word in ["\"out\"", "another definition", "--overwrite"].iter().chain(words) {
            assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
        }
        super::assert_untouched(&before, &tree(sandbox.path()), "another definition");
        // Whatever the window or the tables asked for.
        let with = |more: &[&str], code: i32| {
            let arguments = [run(flags).arguments(), super::owned(more)].concat();
            let ran = start(&sandbox, &arguments, None);
            ran.expect_code(code);
            super::assert_untouched(&before, &tree(sandbox.path()), &format!("{more:?}"));
            ran
        };
        with(&["--from", "2026-01-05", "--to", "2026-01-05"], 2);
        with(&["--only", "charts"], 2);
        // What a run would do is what was asked for, and an answer.
        let plan = with(&["--dry-run"], 0).stdout;
        for word in ["would be refused", "another definition"].iter().chain(words) {
            assert!(plan.contains(word), "no {word:?} in:\n{plan}");
        }
    };
    after(&["--timeout", "5m"], &["--timeout", "30m"], &["session.timeout", "30m", "5m"]);
    after(&["--timeout", "5m"], &[], &["session.timeout: (not set) before, 5m now", "session.length_from"]);
    after(&[], &["--timeout", "5m"], &["session.timeout: 5m before, (not set) now"]);
    after(&["--timezone", "Asia/Tokyo"], &[], &["output.timezone: UTC before, Asia/Tokyo now"]);
    after(&["--where", "keep > 0"], &[], &["input.where: (not set) before, keep > 0 now"]);
    after(&["--inactive", "click"], &["--inactive", "view"], &["input.inactive", "click", "view"]);
    after(&["--user", "order_id"], &[], &["input.user", "user_id", "order_id"]);
    after(&["--max-length", "2d"], &[], &["session.max_length: 1d before, 2d now"]);
    after(&["--dedup", "insert_id"], &[], &["input.dedup", "insert_id"]);
}

#[test]
fn a_column_of_another_type_is_another_definition() {
    let sandbox = run(&[]).prepare(true);
    let layout = Layout { session_id: crate::support::ColumnType::Text, ..Layout::default() };
    let mut events = ordinary();
    for event in &mut events {
        event.session_id = Some(crate::reference::Cell::Text("s".to_owned()));
    }
    sandbox.events("events.parquet", &layout, &events);
    let before = tree(sandbox.path());
    let ran = start(&sandbox, &run(&[]).arguments(), None);
    ran.expect_code(2);
    for word in ["input.session_id", "integer", "text", "--overwrite"] {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
    }
    super::assert_untouched(&before, &tree(sandbox.path()), "another type");
}

/// All Parquet files of a folder.
fn parquet_files(out: &Path) -> Vec<PathBuf> {
    let files = tree(out).into_iter().filter(|(_, content)| content.is_some()).map(|(name, _)| out.join(name));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).collect()
}

/// Everything but `run.json` and the records of runs, which tell of the run.
fn lasting(out: &Path) -> Tree {
    let mut lasting = tree(out);
    lasting.remove(Path::new("run.json")).expect("a run.json");
    lasting.retain(|name, _| !name.starts_with("_dwell/runs"));
    lasting
}

fn assert_all_of_one_definition(out: &Path) {
    let run = read_run(out);
    let files = parquet_files(out);
    assert!(files.len() >= 4, "{files:?}");
    for path in files {
        assert_eq!(read_metadata(&path)["dwell.fingerprint"], run["fingerprint"], "{}", path.display());
    }
}

#[test]
fn overwrite_rebuilds_all_under_the_new_definition_and_going_back_brings_the_old_bytes() {
    // Under the second, there is nothing on the first date.
    let second: Case = job("[session]\ntimeout = \"30m\"\n[output]\nsince = \"2026-01-06\"\n");
    let sandbox = second.prepare(true);
    let (tables, files) = (table_hashes(&sandbox.out()), lasting(&sandbox.out()));
    assert_all_of_one_definition(&sandbox.out());

    start(&sandbox, &second.arguments(), None).expect_code(2);
    let mut arguments = second.arguments();
    arguments.push("--overwrite".to_owned());
    start(&sandbox, &arguments, None).expect_code(0);
    assert_all_of_one_definition(&sandbox.out());
    assert_ne!(table_hashes(&sandbox.out()), tables);
    assert!(!sandbox.out().join("sessions/session_date=2026-01-05").exists(), "a date of the old definition");
    // It is the folder's own now, and no flag is needed.
    start(&sandbox, &second.arguments(), None).expect_code(0);

    start(&sandbox, &run(&[]).arguments(), None).expect_code(2);
    start(&sandbox, &run(&["--overwrite"]).arguments(), None).expect_code(0);
    assert_all_of_one_definition(&sandbox.out());
    assert_eq!(table_hashes(&sandbox.out()), tables);
    super::assert_untouched(&files, &lasting(&sandbox.out()), "there and back");
}

#[test]
fn overwrite_of_some_tables_is_refused_where_all_would_have_to_go() {
    for only in ["sessions", "activity", "charts"] {
        let sandbox = run(&[]).prepare(true);
        let before = tree(sandbox.path());
        let ran = start(&sandbox, &run(&["--timeout", "5m", "--overwrite", "--only", only]).arguments(), None);
        ran.expect_code(2);
        assert!(ran.stderr.contains("--only") && ran.stderr.contains("remove"), "{}", ran.stderr);
        super::assert_untouched(&before, &tree(sandbox.path()), "a rebuild of one table");
    }
}

#[test]
fn what_is_not_dwells_in_a_table_folder_stays_and_is_not_read() {
    let sandbox = run(&[]).prepare(true);
    let date = std::fs::read_dir(sandbox.out().join("sessions")).unwrap().flatten().next().unwrap().path();
    let strangers = [sandbox.out().join("sessions/notes.txt"), date.join(".DS_Store")];
    for stranger in &strangers {
        std::fs::write(stranger, "").unwrap();
    }
    start(&sandbox, &run(&["--from", "2030-01-01", "--to", "2030-01-01"]).arguments(), None).expect_code(0);
    start(&sandbox, &run(&[]).arguments(), None).expect_code(0);
    assert!(strangers.iter().all(|stranger| stranger.exists()));
}

#[test]
fn overwrite_of_a_few_dates_is_refused_where_all_would_have_to_go() {
    let flags = ["--timeout", "5m", "--overwrite", "--from", "2026-01-05", "--to", "2026-01-05"];
    let sandbox = run(&[]).prepare(true);
    let before = tree(sandbox.path());
    let ran = start(&sandbox, &run(&flags).arguments(), None);
    ran.expect_code(2);
    for word in ["--overwrite", "--from", "--to", "remove"] {
        assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
    }
    super::assert_one_clean_error(&ran, "a rebuild of one date");
    super::assert_untouched(&before, &tree(sandbox.path()), "a rebuild of one date");
}

#[test]
fn overwrite_that_fails_leaves_the_old_definition_in_place() {
    let damaged = file("data/notes.parquet", b"hello");
    run(&["--timeout", "5m", "--overwrite"]).when(damaged).fails(1, &["\"data/notes.parquet\""]);
    run(&["--timeout", "5m", "--overwrite", "--max-rejected", "0"])
        .when(|sandbox| {
            let mut events = ordinary();
            events[0].time = None;
            sandbox.events("events.parquet", &Layout::default(), &events);
        })
        .fails(3, &["--max-rejected"]);
}

// ---- Two at once -------------------------------------------------------------------------------------------

#[test]
fn a_folder_that_another_run_holds_is_left_alone_and_the_holder_named() {
    for after_a_run in [false, true] {
        let sandbox = run(&[]).prepare(after_a_run);
        let path = sandbox.out().join("_dwell/lock");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "process 4711 since 2026-01-05 10:00:00 UTC\n").unwrap();
        let lock = File::options().read(true).write(true).open(&path).unwrap();
        lock.lock().unwrap();
        let before = tree(sandbox.path());
        for flags in [&[][..], &["--overwrite"], &["--from", "2026-01-05"]] {
            let ran = start(&sandbox, &run(flags).arguments(), None);
            ran.expect_code(1);
            for word in ["another run", "\"out\"", "process 4711 since 2026-01-05", "wait"] {
                assert!(ran.stderr.contains(word), "no {word:?} in:\n{}", ran.stderr);
            }
            super::assert_one_clean_error(&ran, "locked");
            super::assert_untouched(&before, &tree(sandbox.path()), "locked");
            let held = std::fs::read_to_string(&path).unwrap();
            assert_eq!(held, "process 4711 since 2026-01-05 10:00:00 UTC\n", "the lock is its holder's");
        }
        drop(lock);
        start(&sandbox, &run(&[]).arguments(), None).expect_code(0);
    }
}
