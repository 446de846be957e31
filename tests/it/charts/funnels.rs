//! How far sessions come in steps.

use super::{read_all, run_story, sessions_of, texts_of, try_story, Happened};
use crate::support::read_run;
use std::path::Path;

const EVENTS: [Happened<'static>; 11] = [
    Happened("ann", "10:00", "look", &[("page", "A")]),
    Happened("ann", "10:02", "cart", &[]),
    Happened("ann", "10:03", "look", &[]),
    Happened("ann", "10:10", "buy", &[("amt", "70")]),
    Happened("bob", "11:00", "look", &[("page", "B")]),
    Happened("bob", "11:04", "cart", &[]),
    Happened("cat", "12:00", "cart", &[]),
    Happened("cat", "12:01", "look", &[("page", "A")]),
    Happened("dan", "2026-01-06 09:00", "look", &[]),
    Happened("dan", "2026-01-06 09:20", "cart", &[]),
    Happened("eve", "2026-01-06 10:00", "buy", &[]),
];

const STEPS: &str =
    "steps = [{ event = 'look' }, { name = 'in the cart', event = 'cart' }, { event = 'buy', where = 'amt > 50' }]";

fn job(more: &str, within: &str) -> String {
    format!("[[chart]]\nname = 'x'\n{more}\nfunnel = {{ {STEPS}{within} }}\n")
}

/// The rows of the table, but for its chart and its shares.
fn rows(out: &Path) -> Vec<String> {
    let table = read_all(&out.join("funnel.parquet"));
    let of = |name: &str| texts_of(&table, name);
    let columns = ["segment", "group", "step", "name", "sessions", "median_ms", "p90_ms"].map(of);
    (0..table.num_rows())
        .map(|row| columns.iter().map(|column| column[row].as_str()).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn a_funnel_counts_the_sessions_that_reach_each_step_and_their_times() {
    let told = run_story(&EVENTS, &job("interval = 'total'", ""));
    let expected = ["all - 1 look 4 - -", "all - 2 in the cart 3 240000 1200000", "all - 3 buy 1 480000 480000"];
    assert_eq!(rows(&told.out()), expected);
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["all - 4"]);
    let table = read_all(&told.out().join("funnel.parquet"));
    assert_eq!(super::numbers_of(&table, "share_of_first"), [Some(1.0), Some(0.75), Some(0.25)]);
    assert_eq!(super::numbers_of(&table, "share_of_previous"), [None, Some(0.75), Some(1.0 / 3.0)]);
    let csv = std::fs::read_to_string(told.out().join("funnel.csv")).unwrap();
    let lines: Vec<&str> = csv.lines().collect();
    let head =
        "chart,segment,group,interval_start,step,name,sessions,share_of_first,share_of_previous,median_ms,p90_ms";
    assert_eq!(lines[..2], [head, "x,all,,2026-01-05T00:00:00Z,1,look,4,1,,,"]);
    assert_eq!(read_run(&told.out())["tables"]["funnel"]["rows"], 3);
    // Day by day, and by page.
    let told = run_story(&EVENTS, &job("group_by = { first = 'page' }\ntop = 1", ""));
    let all = rows(&told.out());
    assert_eq!(all.len(), 3 * 2 * 3, "{all:?}");
    assert_eq!(all[..3], ["all A 1 look 2 - -", "all A 2 in the cart 1 120000 120000", "all A 3 buy 1 480000 480000"]);
    assert_eq!(all[3..6], ["all A 1 look 0 - -", "all A 2 in the cart 0 - -", "all A 3 buy 0 - -"]);
    assert_eq!(
        all[15..],
        ["all (none) 1 look 1 - -", "all (none) 2 in the cart 1 1200000 1200000", "all (none) 3 buy 0 - -"]
    );
}

#[test]
fn another_time_or_name_takes_the_tables_alone_and_inspect_lists_who_reached_a_step() {
    let told = run_story(&EVENTS, &job("interval = 'total'", ", within = '10m'"));
    let expected = ["all - 1 look 4 - -", "all - 2 in the cart 2 120000 240000", "all - 3 buy 1 480000 480000"];
    assert_eq!(rows(&told.out()), expected);
    let text = std::fs::read_to_string(told.path().join("job.toml")).unwrap();
    told.job(&text.replace("'10m'", "'599999999us'").replace("in the cart", "cart"));
    let ran = told.dwell(&["charts", "job.toml"]);
    assert!(ran.expect_code(0).stdout.contains("steps of all, all intervals"), "{}", ran.stdout);
    assert!(ran.stdout.lines().any(|line| line.contains("cart") && line.contains("50.0 %")), "{}", ran.stdout);
    assert_eq!(rows(&told.out())[1..], ["all - 2 cart 2 120000 240000", "all - 3 buy 0 - -"]);
    for (step, listed) in [("1", "dan cat bob ann"), ("2", "bob ann"), ("3", "")] {
        let ran = told.dwell(&["inspect", "job.toml", "--chart", "x", "--step", step, "--format", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&ran.expect_code(0).stdout).unwrap();
        let users: Vec<&str> =
            answer["rows"].as_array().unwrap().iter().map(|row| row["user_id"].as_str().unwrap()).collect();
        assert_eq!((users.join(" ").as_str(), &answer["step"].to_string()[..]), (listed, step));
    }
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "x", "--step", "4"]);
    assert!(ran.expect_code(2).stderr.contains("the steps are 1 to 3: look, cart, buy"), "{}", ran.stderr);
    let ran = told.dwell(&["report", "job.toml", "--output", "report.html"]);
    ran.expect_code(0);
    let page = std::fs::read_to_string(told.path().join("report.html")).unwrap();
    for said in ["Sessions that reach each step", "Of the one before"] {
        assert!(page.contains(said), "{said}");
    }
    // Where no chart is a funnel, there is no table of one.
    told.job(&text[..text.find("[[chart]]").unwrap()]);
    told.dwell(&["charts", "job.toml"]).expect_code(0);
    assert!(!told.out().join("funnel.parquet").exists() && !told.out().join("funnel.csv").exists());
    told.job(&text);
    told.dwell(&["run", "job.toml", "--incremental", "--quiet"]).expect_code(0);
    assert_eq!(rows(&told.out()), expected);
    told.job(&text[..text.find("[[chart]]").unwrap()]);
    told.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    assert!(!told.out().join("funnel.parquet").exists());
}

#[test]
fn a_funnel_has_no_place_beside_other_kinds_of_charts() {
    for (more, within, parts) in [
        ("count = { event = 'look' }", "", &["`chart.count`", "`chart.funnel`"][..]),
        ("formula = 'UNIQUES(A)'", "", &["`chart.formula`", "`chart.funnel`"]),
        ("preset = 'bounce_rate'\nevent = 'look'", "", &["`chart.preset`", "`chart.funnel`"]),
        ("buckets = [1, 2]", "", &["`chart.buckets`"]),
        ("", ", within = '5'", &["`chart.funnel.within`", "unit"]),
    ] {
        let ran = try_story(&EVENTS, &job(more, within)).1;
        ran.expect_code(2);
        assert!(parts.iter().all(|part| ran.stderr.contains(part)), "{more}: {}", ran.stderr);
    }
    let one = "[[chart]]\nname = 'x'\nfunnel = { steps = [{ event = 'look' }] }\n";
    let ran = try_story(&EVENTS, one).1;
    assert!(ran.expect_code(2).stderr.contains("one step"), "{}", ran.stderr);
    let told = run_story(&EVENTS, "[[chart]]\nname = 'x'\n");
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "x", "--step", "1"]);
    assert!(ran.expect_code(2).stderr.contains("is no funnel"), "{}", ran.stderr);
}
