//! Columns whose values the log has.

use super::log::{add, Lake, Settings};
use crate::nightly::fixture::{folder, visits, TIMEOUT};
use crate::support::{read_run, Layout, Sandbox};
use serde_json::{json, Value};

/// Days 1 to 4, each in a file, with values of a column of a type; how many rows of all pass a condition over it.
fn passing(of_type: &str, values: [Option<&str>; 4], condition: &str) -> i64 {
    let sandbox = folder(TIMEOUT);
    let files: Vec<Value> = (0..4)
        .map(|place| {
            let name = format!("part-{place}.parquet");
            sandbox.events(&name, &Layout::default(), &visits(place + 1));
            add(&sandbox, &name, json!({"p": values[place as usize]}))
        })
        .collect();
    Lake::new(&sandbox, &Settings::ordinary().by("p", of_type), &files);
    let job = format!(
        "[input]\npath = 'data'\nwhere = \"{condition}\"\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n"
    );
    sandbox.job(&job.replace("path = 'out'", "path = 'out'\ntimezone = 'UTC'"));
    sandbox.ends(0, &[]);
    let run = read_run(&sandbox.out());
    run["rows"].as_i64().unwrap() - run["filtered"].as_i64().unwrap()
}

#[test]
fn values_are_of_the_types_that_the_table_tells() {
    let days = visits(1).len() as i64;
    let some = |values: [&'static str; 3]| [Some(values[0]), Some(values[1]), Some(values[2]), None];
    for (of_type, values, condition, files) in [
        ("date", ["2026-01-01", "2026-01-02", "2026-01-03"], "p >= DATE '2026-01-02'", 2),
        ("date", ["2026-01-01", "2026-01-02", ""], "p IS NULL", 2),
        ("string", ["007", "7", "a b/é%"], "p = '007' OR p = 'a b/é%'", 2),
        ("string", ["1", "2", "10"], "p > '10'", 1),
        ("integer", ["1", "2", "10"], "p > 1", 2),
        ("long", ["007", "2", "10"], "p = 7", 1),
        ("boolean", ["true", "false", "true"], "p", 2),
        ("double", ["1.5", "2", "-1e3"], "p < 1.6", 2),
        ("decimal(5,2)", ["1.50", "2.00", "3.25"], "p > 1.75", 2),
        (
            "timestamp",
            ["2026-01-01 00:00:00", "2026-01-01T01:00:00.5Z", "2026-01-02 00:00:00"],
            "p > TIMESTAMP '2026-01-01 00:30:00'",
            2,
        ),
    ] {
        assert_eq!(passing(of_type, some(values), condition), files * days, "{of_type}: {condition}");
    }
}

#[test]
fn they_are_columns_like_any_other() {
    let sandbox = folder(TIMEOUT);
    let countries = [("FR", "a.parquet"), ("DE", "b.parquet")];
    let files = countries.map(|(country, name)| {
        let _ =
            Lake::file(&sandbox, &format!("country={country}/{name}"), &visits(if country == "FR" { 1 } else { 2 }));
        add(&sandbox, &format!("country={country}/{name}"), json!({"country": country}))
    });
    Lake::new(&sandbox, &Settings::ordinary().by("country", "string"), &files);
    let job = std::fs::read_to_string(sandbox.path().join("job.toml")).unwrap();
    let chart = "\n[[chart]]\nname = 'c'\ninterval = 'day'\ngroup_by = { first = 'country' }\n\
                 [[segment]]\nname = 'fr'\nwhere = \"country = 'FR'\"\n";
    sandbox.job(&(job + chart));
    sandbox.is_as_plain_files(&[]);
}

#[test]
fn a_value_that_is_none_of_its_type_is_named() {
    let sandbox: Sandbox = folder(TIMEOUT);
    sandbox.events("a.parquet", &Layout::default(), &visits(1));
    let file = add(&sandbox, "a.parquet", json!({"day": "soon"}));
    Lake::new(&sandbox, &Settings::ordinary().by("day", "date"), &[file]);
    let ran = sandbox.ends(1, &[]);
    for word in ["a.parquet", "\"soon\"", "\"day\"", "date"] {
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
}
