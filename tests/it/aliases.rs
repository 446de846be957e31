//! Section 12: users who have several names. Random mappings over random tables against the reference, and stories by hand.

use crate::property::{case, cases, check_any, laid_out, Case};
use crate::reference::{self, Alias, Definition, Value, HOUR, MINUTE};
use crate::support::{
    aliases_toml, at, job_toml, outcome_difference, read_run, text, under, write_aliases, write_batch, ColumnType,
    Layout, Sandbox, Story,
};
use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use proptest::option;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A row of a mapping before it is known which users there are: places among names, and hours from the first events on.
type Seed = (usize, usize, Option<i64>);

pub fn aliases(most: usize) -> impl Strategy<Value = Vec<Seed>> {
    prop::collection::vec((0..5usize, 0..7usize, option::weighted(0.8, -30..40i64)), 0..most)
}

/// The rows of a mapping for users like those of a layout. No two say something else of one name, at one time where there
/// are times.
pub fn of_layout(seeds: &[Seed], layout: &Layout, anchor: i64, with_since: bool) -> Vec<Alias> {
    let column = layout.users[0];
    let texts = ["ann", "bob", "1", "", "nobody", "zoe", "3"];
    let numbers = [Some(1), Some(-20), Some(3), None, Some(99), Some(77), Some(3)];
    let name = |place: usize| match column {
        ColumnType::Int => numbers[place].map(Value::Int),
        _ => (place != 3 || anchor % 2 == 0).then(|| Value::Text(texts[place].to_owned())),
    };
    let mut known = BTreeSet::new();
    let mut rows = Vec::new();
    for (from, to, hours) in seeds {
        let since = hours.filter(|_| with_since).map(|hours| anchor + hours * HOUR);
        let row = Alias { from: name(*from), to: name(*to), since };
        if known.insert((row.from.clone(), since)) {
            rows.push(row);
        }
    }
    rows
}

/// A case, its mapping, and whether that has times.
fn with_aliases(custom: bool) -> impl Strategy<Value = (Case, Vec<Alias>, bool)> {
    (case(custom, 1), aliases(12), any::<bool>()).prop_map(|(case, seeds, with_since)| {
        let case = Case { definition: Definition { from: None, to: None, ..case.definition }, ..case };
        let times = case.events.iter().filter_map(|event| event.time).filter(|time| *time > reference::YEAR_2000);
        let anchor = times.min().unwrap_or(reference::YEAR_2000);
        let rows = of_layout(&seeds, &case.layout, anchor, with_since);
        (case, rows, with_since)
    })
}

fn agrees_with_the_reference((case, aliases, with_since): &(Case, Vec<Alias>, bool)) -> Result<(), String> {
    let mut table = case.layout.read_back(&case.events);
    table.aliases = Some(aliases.clone());
    let expected = reference::run(&table, &case.definition);
    let sandbox = laid_out(case, &case.arrangements[0]);
    let (one, two) = aliases.split_at(aliases.len() / 2);
    write_aliases(&sandbox.path().join("aliases/one.parquet"), case.layout.users[0], *with_since, one);
    write_aliases(&sandbox.path().join("aliases/two.parquet"), case.layout.users[0], *with_since, two);
    sandbox.job(&(job_toml(&case.definition, &case.layout, &[]) + &aliases_toml(*with_since)));
    let ran = sandbox.run(&case.definition, &[]);
    if ran.code != Some(0) {
        return Err(format!("exit code {:?}\n{}\n{}", ran.code, ran.stdout, ran.stderr));
    }
    let mut actual = sandbox.outcome(&case.definition);
    // Where nothing was read, nothing says that there is a mapping.
    actual.counts.aliased = actual.counts.aliased.or(expected.counts.aliased.filter(|aliased| *aliased == 0));
    let expected = reference::Outcome {
        counts: reference::Counts { aliased: expected.counts.aliased.or(actual.counts.aliased), ..expected.counts },
        ..expected
    };
    outcome_difference(&expected, &actual).map_or(Ok(()), |difference| {
        Err(format!("{difference}\n{}\n{aliases:#?}", job_toml(&case.definition, &case.layout, &[])))
    })
}

#[test]
fn random_mappings_agree_with_the_reference() {
    let either = any::<bool>().prop_flat_map(with_aliases);
    check_any(cases() / 2, either, agrees_with_the_reference, |(case, aliases, _)| {
        format!("{:#?}\n{aliases:#?}", case.events)
    });
}

// ---- Stories ---------------------------------------------------------------------------------------------

fn timeout() -> Definition {
    Definition { timeout: Some(30 * MINUTE), ..Definition::default() }
}

fn alias(from: &str, to: &str, since: Option<&str>) -> Alias {
    let value = |name: &str| text(name);
    Alias { from: value(from), to: value(to), since: since.map(at) }
}

/// The user and the device of the last event.
fn by(story: Story, user: &str, device: &str) -> Story {
    let value = |name: &str| text(name).filter(|name| *name != Value::Text(String::new()));
    story.layout(Layout { users: vec![ColumnType::Text; 2], ..Layout::default() }).users([value(user), value(device)])
}

/// The sessions of a story under a mapping with times.
fn sessions(story: Story, aliases: &[Alias]) -> Vec<String> {
    let sandbox = story.laid_out(&aliases_toml(true));
    write_aliases(&sandbox.path().join("aliases/one.parquet"), ColumnType::Text, true, aliases);
    sandbox.run(&timeout(), &[]).expect_code(0);
    let row = |row: &reference::SessionRow| format!("{} {}", row.user_id, row.event_count);
    sandbox.outcome(&timeout()).sessions.iter().map(row).collect()
}

#[test]
fn a_visit_is_not_cut_where_its_user_signs_in() {
    let story = || {
        let story = by(under(timeout()).view("", "10:00"), "", "d1");
        let story = by(story.view("", "10:05"), "ann", "d1");
        by(story.view("", "10:10"), "", "d1")
    };
    assert_eq!(sessions(story(), &[]), ["ann 1", "d1 2"]);
    // First sign-in: what comes before it is ann's, too.
    assert_eq!(sessions(story(), &[alias("d1", "ann", Some("10:05"))]), ["ann 3"]);
}

#[test]
fn a_second_user_of_a_device_has_it_from_the_sign_in_on() {
    let story = by(under(timeout()).view("", "10:00"), "", "d1");
    let story = by(story.view("", "10:05"), "ann", "d1");
    let story = by(story.view("", "10:10"), "bob", "d1");
    let story = by(story.view("", "10:15"), "", "d1");
    let two = [alias("d1", "bob", Some("10:10")), alias("d1", "ann", Some("10:05"))];
    assert_eq!(sessions(story, &two), ["ann 2", "bob 2"]);
}

#[test]
fn devices_of_nobody_and_those_whose_user_is_null_stay() {
    let story = || by(by(under(timeout()).view("", "10:00"), "", "d1").view("", "10:01"), "", "d2");
    assert_eq!(sessions(story(), &[alias("d3", "ann", None)]), ["d1 1", "d2 1"]);
    let stays = Alias { to: None, ..alias("d1", "", None) };
    assert_eq!(sessions(story(), &[stays, alias("d2", "", None), alias("", "ann", None)]), ["d1 1", "d2 1"]);
}

#[test]
fn a_mapping_is_applied_once() {
    let story = by(by(under(timeout()).view("", "10:00"), "", "d1").view("", "10:01"), "ann", "");
    assert_eq!(sessions(story, &[alias("d1", "ann", None), alias("ann", "zoe", None)]), ["ann 1", "zoe 1"]);
}

fn refused(aliases: &[Alias], with_since: bool, keys: &str, words: &[&str]) {
    let sandbox = under(timeout()).view("ann", "10:00").laid_out(keys);
    write_aliases(&sandbox.path().join("aliases/one.parquet"), ColumnType::Text, with_since, aliases);
    let ran = sandbox.run(&timeout(), &[]);
    ran.expect_code(2);
    words.iter().for_each(|word| assert!(ran.stderr.contains(word), "no {word:?} in {}", ran.stderr));
    assert!(!sandbox.out().join("sessions").exists());
}

#[test]
fn rows_that_differ_for_one_name_are_named() {
    let two = [alias("d2", "ann", None), alias("d1", "ann", None), alias("d1", "bob", None)];
    refused(&two, false, &aliases_toml(false), &["\"d1\"", "input.aliases.since"]);
    let at_one_time = [alias("d1", "ann", Some("10:00")), alias("d1", "bob", Some("10:00"))];
    refused(&at_one_time, true, &aliases_toml(true), &["\"d1\"", "since one time"]);
    refused(&[alias("d1", "ann", None), alias("d1", "bob", None)], true, &aliases_toml(true), &["\"d1\""]);
}

#[test]
fn what_is_wrong_with_the_keys_is_named() {
    let keys = aliases_toml(true);
    for (keys, words) in [
        (keys.replace("\"aliases\"", "\"nothing\""), ["nothing", "input.aliases.path"]),
        (keys.replace("\"from\"", "\"form\""), ["input.aliases.from", "\"from\""]),
        (keys.replace("to = \"to\"\n", ""), ["input.aliases.to", "missing"]),
        (keys.replace("\"since\"", "\"sinec\""), ["input.aliases.since", "since"]),
        (keys.clone() + "since_unit = \"ms\"\n", ["input.aliases.since_unit", "no effect"]),
        (
            keys.replace("since = \"since\"\n", "since_unit = \"ms\"\n"),
            ["input.aliases.since_unit", "input.aliases.since"],
        ),
        (keys.clone() + "until = \"since\"\n", ["input.aliases.until", "since"]),
    ] {
        refused(&[alias("d1", "ann", None)], true, &keys, &words);
    }
}

#[test]
fn numbers_and_text_become_text() {
    let sandbox = under(timeout()).laid_out(&aliases_toml(false));
    let event = |user: i64| reference::Event {
        users: vec![Some(Value::Int(user))],
        time: Some(at("10:00")),
        ..reference::Event::default()
    };
    let layout = Layout { users: vec![ColumnType::Int], ..Layout::default() };
    sandbox.events("events.parquet", &layout, &[event(7), event(8)]);
    write_aliases(&sandbox.path().join("aliases/one.parquet"), ColumnType::Text, false, &[alias("7", "ann", None)]);
    sandbox.run(&timeout(), &[]).expect_code(0);
    let users: Vec<Value> = sandbox.outcome(&timeout()).sessions.into_iter().map(|row| row.user_id).collect();
    assert_eq!(users, [Value::Text("8".to_owned()), Value::Text("ann".to_owned())]);
}

#[test]
fn floats_are_the_whole_numbers_that_they_are_beside_text_and_others_nobody() {
    let sandbox = under(timeout()).laid_out(&aliases_toml(false));
    let event = |user: &str| reference::Event {
        users: vec![text(user)],
        time: Some(at("10:00")),
        ..reference::Event::default()
    };
    sandbox.events("events.parquet", &Layout::default(), &[event("d1"), event("d2"), event("2")]);
    let columns: [(&str, ArrayRef); 2] = [
        ("from", Arc::new(StringArray::from(vec!["d1", "d2", "d3"]))),
        ("to", Arc::new(Float64Array::from(vec![Some(2.0), Some(1.5), None]))),
    ];
    write_batch(&sandbox.path().join("aliases/one.parquet"), 10, &RecordBatch::try_from_iter(columns).unwrap());
    sandbox.run(&timeout(), &[]).expect_code(0);
    let users: Vec<String> = sandbox.outcome(&timeout()).sessions.iter().map(|row| row.user_id.to_string()).collect();
    assert_eq!(users, ["2", "d2"]);
}

#[test]
fn a_mapping_that_changed_has_everything_computed_and_one_that_did_not_nothing() {
    let story = by(by(under(timeout()).view("", "10:00"), "", "d1").view("", "10:01"), "ann", "");
    let sandbox = story.laid_out(&aliases_toml(true));
    let file = sandbox.path().join("aliases/one.parquet");
    let night = |aliases: &[Alias]| {
        write_aliases(&file, ColumnType::Text, true, aliases);
        sandbox.run(&timeout(), &["--incremental"]).expect_code(0).stdout.clone()
    };
    let users =
        || -> Vec<String> { sandbox.outcome(&timeout()).sessions.iter().map(|row| row.user_id.to_string()).collect() };
    night(&[]);
    assert_eq!(users(), ["ann", "d1"]);
    night(&[alias("d1", "ann", None)]);
    assert_eq!(users(), ["ann"]);
    assert!(read_run(&sandbox.out())["everything"].as_str().unwrap().contains("input.aliases"));
    let again = sandbox.dwell(&["run", "job.toml", "--incremental"]);
    assert!(again.stdout.contains("Nothing new"), "{}", again.stdout);
}

#[test]
fn inspect_finds_a_user_by_the_new_name_and_by_an_old_one() {
    let story = by(under(timeout()).view("", "10:00"), "", "d1");
    let story = by(story.view("", "10:05"), "ann", "d1");
    let story = by(story.view("", "10:10"), "bob", "d1");
    let story = by(story.view("", "10:11"), "", "d1");
    let sandbox = story.laid_out(&aliases_toml(true));
    let two = [alias("d1", "ann", Some("10:05")), alias("d1", "bob", Some("10:10"))];
    write_aliases(&sandbox.path().join("aliases/one.parquet"), ColumnType::Text, true, &two);
    let found = |user: &str| -> Vec<(String, u64)> {
        let ran = sandbox.dwell(&["inspect", "job.toml", "--user", user, "--format", "json"]);
        ran.expect_code(0);
        let found: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let of = |session: &serde_json::Value| {
            (session["user_id"].as_str().unwrap().to_owned(), session["event_count"].as_u64().unwrap())
        };
        found["sessions"].as_array().unwrap().iter().map(of).collect()
    };
    assert_eq!(found("ann"), [("ann".to_owned(), 2)]);
    assert_eq!(found("bob"), [("bob".to_owned(), 2)]);
    let mut both = found("d1");
    both.sort();
    assert_eq!(both, [("ann".to_owned(), 2), ("bob".to_owned(), 2)]);
}

#[test]
fn gaps_doctor_and_the_kernel_see_the_new_user() {
    let story = by(by(under(timeout()).view("", "10:00"), "", "d1").view("", "10:20"), "ann", "d1");
    let sandbox: Sandbox = story.laid_out(&aliases_toml(false));
    write_aliases(&sandbox.path().join("aliases/one.parquet"), ColumnType::Text, false, &[alias("d1", "ann", None)]);
    let ran = sandbox.dwell(&["gaps", "job.toml", "--format", "json"]);
    ran.expect_code(0);
    let gaps: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let own = gaps["timeouts"].as_array().unwrap().iter().find(|row| row["own"] == true).unwrap();
    assert_eq!((&gaps["users"], &own["sessions"]), (&1.into(), &1.into()), "{gaps:#}");
    let doctor = sandbox.dwell(&["doctor", "job.toml", "--format", "json"]);
    doctor.expect_code(0);
    let doctor: serde_json::Value = serde_json::from_str(&doctor.stdout).unwrap();
    assert_eq!(doctor["sessions"], 1, "{doctor:#}");
}
