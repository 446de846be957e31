//! `dwell identify` (SPEC 12): a mapping of devices to the users who signed in on them, against what the specification says in
//! plain loops, and the sample from end to end.

use crate::examples::with_sample;
use crate::property::{case, cases, check, laid_out, Case};
use crate::reference::{Definition, Event, Value, MINUTE};
use crate::support::{at, job_toml, read_parquet, read_run, text, under, ColumnType, Layout, Sandbox};
use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use std::collections::BTreeMap;

/// A device, the user, and from when on.
type Stretch = (Value, Value, i64);

/// Section 12: a row for each stretch of one user on a device; of several users at one time the smallest counts.
fn stretches(events: &[Event], definition: &Definition, as_text: [bool; 2]) -> Vec<Stretch> {
    let value = |value: &Option<Value>, as_text: bool| match value {
        Some(Value::Text(text)) if text.is_empty() => None,
        Some(Value::Int(number)) if as_text => Some(Value::Text(number.to_string())),
        other => other.clone(),
    };
    let mut signed_in: BTreeMap<Value, BTreeMap<i64, Value>> = BTreeMap::new();
    for event in events {
        let passes = definition.keep_above.is_none_or(|bound| event.keep.is_some_and(|keep| keep > bound));
        let user = value(&event.users[0], as_text[0]);
        let (Some(user), Some(device), Some(time)) = (user, value(&event.users[1], as_text[1]), event.time) else {
            continue;
        };
        let (min, max) = (definition.min_time, definition.max_time);
        let in_range = min.is_none_or(|min| min <= time) && max.is_none_or(|max| time < max);
        if passes && in_range && (crate::reference::YEAR_2000..crate::reference::YEAR_2100).contains(&time) {
            let known = signed_in.entry(device).or_default().entry(time).or_insert_with(|| user.clone());
            *known = known.clone().min(user);
        }
    }
    let mut all = Vec::new();
    for (device, times) in signed_in {
        let mut before = None;
        for (time, user) in times {
            if before.as_ref() != Some(&user) {
                all.push((device.clone(), user.clone(), time));
                before = Some(user);
            }
        }
    }
    all
}

/// The rows of a mapping, as they are in its file.
fn written(sandbox: &Sandbox) -> Vec<Stretch> {
    let (schema, batches) = read_parquet(&sandbox.path().join("aliases/part-0.parquet"));
    assert_eq!(schema.field(2).data_type().to_string(), "Timestamp(µs, \"UTC\")");
    let mut rows = Vec::new();
    for batch in batches {
        let values = |column: usize| -> Vec<Value> {
            let column = batch.column(column);
            match column.data_type() {
                DataType::Int64 => column.as_primitive::<Int64Type>().values().iter().map(|n| Value::Int(*n)).collect(),
                _ => column.as_string::<i32>().iter().map(|text| Value::Text(text.unwrap().to_owned())).collect(),
            }
        };
        let since = cast(batch.column(2), &DataType::Int64).unwrap();
        assert_eq!(since.null_count(), 0);
        let since = since.as_primitive::<Int64Type>().values().to_vec();
        rows.extend(values(0).into_iter().zip(values(1)).zip(since).map(|((from, to), since)| (from, to, since)));
    }
    rows
}

const IDENTIFY: [&str; 6] = ["identify", "job.toml", "--device", "device_id", "--output", "aliases"];

#[test]
fn random_devices_are_whose_the_specification_says() {
    let two_columns =
        proptest::strategy::Strategy::prop_filter(case(true, 1), "a device", |case| case.layout.users.len() == 2);
    check(cases() / 4, two_columns, |case: &Case| {
        let sandbox = laid_out(case, &case.arrangements[0]);
        sandbox.job(&job_toml(&case.definition, &case.layout, &[]));
        let ran = sandbox.dwell(&[&IDENTIFY[..], &["--memory-limit", "200MiB"]].concat());
        if ran.code != Some(0) {
            return Err(format!("exit code {:?}\n{}\n{}", ran.code, ran.stdout, ran.stderr));
        }
        let as_text = [0, 1].map(|column: usize| case.layout.users[column] == ColumnType::Text);
        let expected = stretches(&case.layout.read_back(&case.events).events, &case.definition, as_text);
        let found = written(&sandbox);
        if found != expected {
            return Err(format!("{found:#?}\nin place of\n{expected:#?}"));
        }
        Ok(())
    });
}

fn timeout() -> Definition {
    Definition { timeout: Some(30 * MINUTE), ..Definition::default() }
}

/// Events of users on devices, an empty name for none.
fn of_devices(events: &[(&str, &str, &str)]) -> Sandbox {
    let layout = Layout { users: vec![ColumnType::Text; 2], ..Layout::default() };
    let name = |name: &str| text(name).filter(|name| *name != Value::Text(String::new()));
    let event = |(time, user, device): &(&str, &str, &str)| Event {
        users: vec![name(user), name(device)],
        time: Some(at(time)),
        ..Event::default()
    };
    let sandbox = under(timeout()).layout(layout.clone()).laid_out("");
    sandbox.events("events.parquet", &layout, &events.iter().map(event).collect::<Vec<_>>());
    sandbox
}

#[test]
fn each_stretch_of_a_user_on_a_device_is_a_row() {
    let sandbox = of_devices(&[
        ("10:00", "", "d1"),
        ("10:05", "ann", "d1"),
        ("10:10", "", "d1"),
        ("10:15", "ann", "d1"),
        ("10:20", "bob", "d1"),
        ("10:25", "ann", "d1"),
        ("10:25", "abe", "d1"),
        ("10:00", "", "d2"),
        ("10:00", "zoe", ""),
    ]);
    let ran = sandbox.dwell(&IDENTIFY);
    ran.expect_code(0);
    let row = |from: &str, to: &str, since: &str| (text(from).unwrap(), text(to).unwrap(), at(since));
    let expected = [row("d1", "ann", "10:05"), row("d1", "bob", "10:20"), row("d1", "abe", "10:25")];
    assert_eq!(written(&sandbox), expected);
    for words in ["1 on which someone signed in, of 2", "one on 0 devices, several on 1", "d1 (3)", "[input.aliases]"] {
        assert!(ran.stdout.contains(words), "no {words:?} in\n{}", ran.stdout);
    }
}

#[test]
fn devices_of_too_many_users_are_left_out() {
    let sandbox = of_devices(&[
        ("10:00", "ann", "kiosk"),
        ("10:01", "bob", "kiosk"),
        ("10:02", "cid", "kiosk"),
        ("10:00", "ann", "d1"),
        ("10:01", "bob", "d1"),
    ]);
    let ran = sandbox.dwell(&[&IDENTIFY[..], &["--max-users-per-device", "2"]].concat());
    ran.expect_code(0);
    let devices: Vec<Value> = written(&sandbox).into_iter().map(|(device, ..)| device).collect();
    assert_eq!(devices, [text("d1").unwrap(), text("d1").unwrap()]);
    assert!(
        ran.stdout.contains("1 devices of more than 2 users") && ran.stdout.contains("kiosk (3)"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_wrong_is_named_and_a_mapping_that_was_there_stays() {
    let sandbox = of_devices(&[("10:00", "ann", "d1")]);
    sandbox.dwell(&IDENTIFY).expect_code(0);
    let before = written(&sandbox);
    std::fs::create_dir_all(sandbox.path().join("other")).unwrap();
    std::fs::write(sandbox.path().join("other/notes.txt"), "mine").unwrap();
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    for (arguments, words) in [
        (["--device", "devcie_id", "--output", "aliases"], ["(--device)", "did you mean \"device_id\""]),
        (["--device", "device_id", "--output", "other"], ["notes.txt", "another folder"]),
        (["--device", "device_id", "--output", "data"], ["data", "events.parquet"]),
        (["--device", "device_id", "--output", "out"], ["out", "output folder of a run"]),
        (["--device", "device_id", "--output", "s3://bucket/aliases"], ["--output", "local"]),
    ] {
        let ran = sandbox.dwell(&[&["identify", "job.toml"][..], &arguments].concat());
        ran.expect_code(2);
        words.iter().for_each(|word| assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr));
    }
    let ran = sandbox.dwell(&[
        "identify",
        "--input",
        "data",
        "--user",
        "device_id",
        "--device",
        "device_id",
        "--output",
        "new",
    ]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("--device") && ran.stderr.contains("--user"), "{}", ran.stderr);
    assert_eq!(written(&sandbox), before);
}

#[test]
fn the_sample_has_no_visit_cut_at_sign_in_any_more() {
    let sandbox = with_sample();
    let job = "[input]\npath = 'data/events'\nuser = ['user_id', 'device_id']\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n";
    sandbox.job(job);
    let cut = || -> (u64, String) {
        let ran = sandbox.dwell(&["doctor", "job.toml", "--format", "json"]);
        ran.expect_code(0);
        let answer: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let questions = answer["questions"].as_array().unwrap();
        let mut findings = questions.iter().flat_map(|question| question["findings"].as_array().unwrap());
        let finding = findings.find(|finding| finding["finding"] == "cut_at_sign_in").unwrap();
        (finding["count"].as_u64().unwrap(), finding.to_string())
    };
    let (before, said) = cut();
    assert!(before > 100 && said.contains("dwell identify job.toml --device device_id --output aliases"), "{said}");
    sandbox.dwell(&IDENTIFY).expect_code(0);
    sandbox.job(&format!("{job}[input.aliases]\npath = 'aliases'\nfrom = 'from'\nto = 'to'\nsince = 'since'\n"));
    let (after, said) = cut();
    assert!(after * 20 < before, "{before} before, {said}");
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    assert!(read_run(&sandbox.out())["aliased"].as_u64().unwrap() > 1000);
}
