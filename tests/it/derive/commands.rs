//! Other commands than `run`, and runs after the first.

use super::*;

fn answer(sandbox: &Sandbox, arguments: &[&str]) -> String {
    sandbox.dwell(arguments).expect_code(0).stdout.clone()
}

#[test]
fn inspect_shows_it_and_finds_users_by_it() {
    let input =
        format!("{}\nuser = 'who'", CHANNEL.replace("derive = {", "derive = { who = \"CONCAT('u-', user_id)\","));
    let sandbox = run_with(STORY, &input, "timeout = '30m'\nproperty = 'channel'", "");
    let told =
        answer(&sandbox, &["inspect", "job.toml", "--user", "u-ann", "--columns", "channel", "--columns", "page"]);
    for part in ["u-ann", "search", "direct", "/google/a"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert!(!told.contains("u-bob"), "{told}");
    sandbox.dwell(&["inspect", "job.toml", "--user", "ann"]).expect_code(2);
}

#[test]
fn doctor_gaps_compare_and_identify_know_it() {
    let input = format!("{}\nuser = 'who'", CHANNEL.replace("derive = {", "derive = { who = \"UPPER(user_id)\","));
    let sandbox = run_with(STORY, &input, "timeout = '30m'\nproperty = 'channel'", "");
    answer(&sandbox, &["doctor", "job.toml"]);
    answer(&sandbox, &["gaps", "job.toml"]);
    let text = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    std::fs::write(sandbox.path().join("b.toml"), text.replace("'other' END", "'search' END")).unwrap();
    let told = answer(&sandbox, &["compare", "job.toml", "b.toml", "--format", "json", "--quiet"]);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    // Under the second, ann's three pages are one group.
    let sessions = |side: &str| -> i64 {
        told["mapping"].as_object().unwrap().values().map(|kind| kind[side].as_i64().unwrap()).sum()
    };
    assert_eq!((sessions("a"), sessions("b")), (5, 4), "{told:#}");
    assert!(told.to_string().contains("input.derive"), "{told:#}");
    let device = "[input.derive]\ndevice = \"CONCAT('d-', type)\"\n";
    let events = [
        Happened("", "2026-01-01 10:00", "view", &[("type", "1")]),
        Happened("ann", "2026-01-01 10:05", "view", &[("type", "1")]),
    ];
    let sandbox = run_with(&events, "user = ['user_id', 'device']", "timeout = '30m'", device);
    let flags = ["identify", "job.toml", "--user", "user_id", "--device", "device", "--output", "aliases"];
    answer(&sandbox, &flags);
    let mapping = read_all(&sandbox.path().join("aliases/part-0.parquet"));
    assert_eq!((texts_of(&mapping, "from"), texts_of(&mapping, "to")), (vec!["d-1".into()], vec!["ann".into()]));
}

/// What a run after another one, with another expression in its job, reads.
fn again(sandbox: &Sandbox, job: &str, flags: &[&str]) -> Ran {
    sandbox.job(job);
    sandbox.dwell(&[&["run", "job.toml"], flags].concat())
}

#[test]
fn another_expression_of_a_column_takes_events_and_one_of_the_definition_another_folder() {
    let job = |input: &str, session: &str, rest: &str| {
        format!(
            "[input]\npath = 'data'\n{input}\n[session]\ntimeout = '30m'\n{session}\n[output]\npath = 'out'\n{rest}"
        )
    };
    let other = CHANNEL.replace("'direct'", "'nothing'");
    let column = "[[column]]\nname = 'came_by'\nlast = 'channel'\n[[segment]]\nname = 's'\nby = 'channel'\n";
    let sandbox = run_with(STORY, CHANNEL, "timeout = '30m'", column);
    let fingerprint = |sandbox: &Sandbox| read_run(&sandbox.out())["fingerprint"].clone();
    let read = |sandbox: &Sandbox| read_run(&sandbox.out())["inputs"]["row_groups_read"].as_i64();
    let first = fingerprint(&sandbox);
    let ran = again(&sandbox, &job(CHANNEL, "", column), &["--incremental"]);
    assert!(ran.expect_code(0).stdout.starts_with("Nothing new"), "{}", ran.stdout);
    // Charts of tables that have other values are refused.
    sandbox.job(&job(&other, "", column));
    let ran = sandbox.dwell(&["charts", "job.toml"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("nothing"), "{}", ran.stderr);
    again(&sandbox, &job(&other, "", column), &["--incremental"]).expect_code(0);
    assert_eq!((fingerprint(&sandbox), read(&sandbox)), (first.clone(), Some(1)));
    assert_eq!(sessions(&sandbox, &["came_by"])[0], "nothing");
    sandbox.dwell(&["charts", "job.toml"]).expect_code(0);
    let full = sandbox.path().join("full");
    sandbox.dwell(&["run", "job.toml", "--quiet", "--output", full.to_str().unwrap()]).expect_code(0);
    assert_eq!(table_hashes(&sandbox.out()), table_hashes(&full));
    // Of the definition.
    again(&sandbox, &job(&other, "property = 'channel'", ""), &["--overwrite"]).expect_code(0);
    let with_property = fingerprint(&sandbox);
    assert_ne!(with_property, first);
    let definition = read_run(&sandbox.out())["definition"].to_string();
    assert!(definition.contains("input.derive") && definition.contains("'nothing'"), "{definition}");
    sandbox.job(&job(CHANNEL, "property = 'channel'", ""));
    let ran = sandbox.dwell(&["charts", "job.toml"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("input.derive.channel"), "{}", ran.stderr);
    let refused = again(&sandbox, &job(CHANNEL, "property = 'channel'", ""), &["--incremental"]);
    refused.expect_code(2);
    assert!(refused.stderr.contains("input.derive"), "{}", refused.stderr);
    again(&sandbox, &job(CHANNEL, "property = 'channel'", ""), &["--overwrite"]).expect_code(0);
    assert_ne!(fingerprint(&sandbox), with_property);
}
