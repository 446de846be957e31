//! What cannot be compared, and where it cannot be written.

use super::write_job;
use crate::reference::{Event, Value};
use crate::support::{at, text, ColumnType, Layout, Sandbox};

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    let event = Event { users: vec![text("ann"), Some(Value::Int(7))], time: Some(at("10:00")), ..Event::default() };
    let layout = Layout { users: vec![ColumnType::Text, ColumnType::Int], ..Layout::default() };
    sandbox.events("one.parquet", &layout, std::slice::from_ref(&event)).events("two.parquet", &layout, &[event]);
    write_job(&sandbox, "a.toml", "[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n");
    sandbox
}

fn refused(sandbox: &Sandbox, arguments: &[&str], code: i32, words: &[&str]) {
    let ran = sandbox.dwell(&[&["compare"], arguments].concat());
    ran.expect_code(code);
    assert!(ran.stdout.is_empty() && !ran.stderr.contains("panicked"), "{}\n{}", ran.stdout, ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "no {word:?} in\n{}", ran.stderr);
    }
}

#[test]
fn mistakes_name_the_job_and_the_way_out() {
    for (b, words) in [
        ("[input]\npath = 'dat'\n", &["b.toml: ", "dat"][..]),
        ("[input]\npath = 'data'\nuser = 'usr_id'\n", &["b.toml: ", "usr_id", "user_id"]),
        ("[input]\npath = 'data'\n[session]\ntimeout = '5'\n", &["b.toml: ", "session.timeout", "5m"]),
        ("[input]\npath = 'data'\n[session]\ntimout = '5m'\n", &["b.toml", "session.timeout"]),
        ("[input]\npath = 'data'\nwhere = 'keeep > 0'\n", &["b.toml: ", "keeep"]),
        ("[session]\ntimeout = '5m'\n", &["b.toml: ", "input.path"]),
        (
            "[input]\npath = 'data/one.parquet'\n[session]\ntimeout = '5m'\n",
            &["two.parquet", "read by a.toml alone", "--input"],
        ),
        (
            "[input]\npath = 'data'\nuser = 'device_id'\n[session]\ntimeout = '5m'\n",
            &["numbers", "device_id", "text", "user_id", "input.user"],
        ),
        (
            "[input]\npath = 'data'\ntime = 'server_seq'\ntime_unit = 's'\n[session]\ntimeout = '5m'\n",
            &["event_time", "server_seq in s", "input.time"],
        ),
    ] {
        let sandbox = sandbox();
        write_job(&sandbox, "b.toml", b);
        refused(&sandbox, &["a.toml", "b.toml", "--output", "compared"], 2, words);
        assert!(!sandbox.path().join("compared").exists(), "a wrong job leaves nothing: {b}");
    }
}

#[test]
fn both_jobs_have_to_be_named_and_be_there() {
    let sandbox = sandbox();
    refused(&sandbox, &["a.toml"], 2, &["<B.toml>"]);
    refused(&sandbox, &["a.toml", "nowhere.toml"], 2, &["nowhere.toml", "check the path"]);
}

#[test]
fn an_input_can_be_given_for_both() {
    let sandbox = sandbox();
    write_job(&sandbox, "b.toml", "[input]\npath = 'elsewhere'\n[session]\ntimeout = '5m'\n");
    let ran = sandbox.dwell(&["compare", "a.toml", "b.toml", "--input", "data/one.parquet", "--format", "csv"]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("total,,rows,1,1,0,1"), "{}", ran.stdout);
    // One folder by another name is the same files.
    write_job(&sandbox, "b.toml", "[input]\npath = './data/*.parquet'\n[session]\ntimeout = '5m'\n");
    let ran = sandbox.dwell(&["compare", "a.toml", "b.toml", "--format", "csv"]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("total,,rows,2,2,0,1"), "{}", ran.stdout);
}

#[test]
fn all_of_it_goes_into_a_folder_of_its_own() {
    let sandbox = sandbox();
    write_job(&sandbox, "b.toml", "[input]\npath = 'data'\n[session]\ntimeout = '5m'\n[output]\npath = 'later'\n");
    let path = |name: &str| sandbox.path().join(name);
    let compare = |folder: &str| sandbox.dwell(&["compare", "a.toml", "b.toml", "--quiet", "--output", folder]);
    sandbox.dwell(&["run", "a.toml", "--quiet"]).expect_code(0);
    std::fs::create_dir(path("mine")).unwrap();
    std::fs::write(path("mine/notes.txt"), "").unwrap();
    for (folder, words) in [
        ("out", &["is the output folder of a run", "--output"][..]),
        ("out/sessions/new", &["is within the output folder of a run"]),
        ("later", &["is where runs of b.toml write to"]),
        ("later/x", &["is where runs of b.toml write to"]),
        ("mine", &["notes.txt", "no comparison's"]),
        ("a.toml", &["is a file"]),
        ("data/compared", &["data"]),
    ] {
        refused(&sandbox, &["a.toml", "b.toml", "--output", folder], 2, words);
    }
    assert!(!path("later").exists() && !path("data/compared").exists() && !path("out/sessions/new").exists());
    compare("compared").expect_code(0);
    let before = std::fs::read(path("compared/sessions.parquet")).unwrap();
    // What a comparison that was killed left does not matter to the next one.
    std::fs::write(path("compared/users.parquet.new"), "half").unwrap();
    compare("compared").expect_code(0);
    assert!(std::fs::read(path("compared/sessions.parquet")).unwrap() == before);
    assert_eq!(std::fs::read_dir(path("compared")).unwrap().count(), 4, "nothing else is left");
}

#[test]
fn a_damaged_file_ends_it_with_its_name_and_nothing_is_written() {
    let sandbox = sandbox();
    write_job(&sandbox, "b.toml", "[input]\npath = 'data'\n[session]\ntimeout = '5m'\n");
    let file = sandbox.path().join("data/two.parquet");
    let bytes = std::fs::read(&file).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    refused(&sandbox, &["a.toml", "b.toml", "--output", "compared"], 1, &["two.parquet"]);
    assert!(!sandbox.path().join("compared").exists());
}
