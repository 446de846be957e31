//! `dwell charts`, and mistakes in charts and segments.

use super::{run_story, sessions_of, try_story, Happened};
use crate::support::{read_run, table_hashes};

const EVENTS: [Happened<'static>; 3] = [
    Happened("ann", "10:00", "view", &[("page", "A")]),
    Happened("ann", "10:05", "click", &[("page", "B")]),
    Happened("bob", "2026-01-06 11:00", "view", &[("page", "B")]),
];

const HEAD: &str = "[input]\npath = 'gone'\n[session]\ntimeout = '30m'\n[output]\npath = 'out'\n";

#[test]
fn charts_are_made_again_without_the_events() {
    let charts = "[[chart]]\nname = 'x'\ncontains = [{ event = 'click' }]\n";
    let told = run_story(&EVENTS, charts);
    let files = ["measures.parquet", "measures.csv", "histogram.parquet", "histogram.csv"];
    let read = || files.map(|file| std::fs::read(told.out().join(file)).unwrap());
    let before = read();
    std::fs::remove_dir_all(told.path().join("data")).unwrap();
    let ran = told.dwell(&["charts", "job.toml"]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("x, by day") && ran.stdout.contains("2026-01-05"), "{}", ran.stdout);
    assert!(read() == before, "the same charts of the same tables are the same bytes");
    // Other charts over the columns that are there.
    told.job(&format!("{HEAD}[[chart]]\nname = 'y'\ncontains = [{{ event = 'click', at_most = 0 }}]\n"));
    told.dwell(&["charts", "job.toml", "--quiet"]).expect_code(0);
    assert_eq!(sessions_of(&told.out(), "y", "A"), ["all - 0", "all - 1"]);
    // No job at all: the default chart.
    std::fs::remove_file(told.path().join("job.toml")).unwrap();
    told.dwell(&["charts", "--output", "out"]).expect_code(0);
    assert_eq!(sessions_of(&told.out(), "sessions", "A"), ["all - 1", "all - 1"]);
}

#[test]
fn a_chart_that_needs_a_column_that_is_not_there_says_which_run_would_add_it() {
    let told = run_story(&EVENTS, "");
    let before = std::fs::read(told.out().join("measures.parquet")).unwrap();
    for (chart, missing) in [
        ("[[chart]]\nname = 'x'\ncontains = [{ event = 'click' }]\n", "count_click = count of \"click\""),
        ("[[segment]]\nname = 's'\nwhere = 'true'\n[[chart]]\nname = 'x'\nsegments = 's'\n", "the segment's tables"),
    ] {
        told.job(&format!("{HEAD}{chart}"));
        let ran = told.dwell(&["charts", "job.toml"]);
        ran.expect_code(2);
        assert!(ran.stderr.contains(missing) && ran.stderr.contains("dwell run"), "{}", ran.stderr);
    }
    assert!(std::fs::read(told.out().join("measures.parquet")).unwrap() == before);
    let ran = told.dwell(&["charts", "--output", "nowhere"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("no tables") && !told.path().join("nowhere").exists(), "{}", ran.stderr);
}

#[test]
fn a_segment_of_another_condition_is_not_taken_for_this_one() {
    let segment = |condition: &str| {
        format!("[[segment]]\nname = 's'\nwhere = \"{condition}\"\n[[chart]]\nname = 'x'\nsegments = 's'\n")
    };
    let told = run_story(&EVENTS, &segment("event_type = 'view'"));
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["s - 1", "s - 1"]);
    told.job(&format!("{HEAD}{}", segment("event_type = 'click'")));
    let ran = told.dwell(&["charts", "job.toml"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("event_type = 'view'"), "{}", ran.stderr);
}

#[test]
fn a_run_of_some_dates_rebuilds_all_where_the_others_would_lack_a_column_and_says_so() {
    let told = run_story(&EVENTS, "");
    let head = HEAD.replace("gone", "data");
    let some = ["run", "job.toml", "--quiet", "--from", "2026-01-06", "--to", "2026-01-06"];
    for charts in
        ["[[chart]]\nname = 'x'\ncontains = [{ event = 'click' }]\n", "[[segment]]\nname = 's'\nby = 'page'\n"]
    {
        told.job(&format!("{head}{charts}"));
        told.dwell(&some).expect_code(0);
        let said = read_run(&told.out())["everything"].to_string();
        assert!(said.contains("all dates are rebuilt: the tables get other columns"), "{said}");
        let rebuilt = table_hashes(&told.out());
        told.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
        assert_eq!(table_hashes(&told.out()), rebuilt);
        told.dwell(&some).expect_code(0);
        assert_eq!(table_hashes(&told.out()), rebuilt);
    }
    assert!(told.out().join("segments/s/activity/activity_date=2026-01-05/part-0.parquet").exists());
    // A segment that is gone from the job goes from the folder.
    told.job(&head);
    told.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    assert!(!told.out().join("segments/s/activity/activity_date=2026-01-05").exists());
}

#[test]
fn an_empty_segment_has_tables_without_rows() {
    let job = "[[segment]]\nname = 's'\nwhere = \"page = 'Z'\"\n[[chart]]\nname = 'x'\nsegments = ['s', 'all']\n";
    let told = run_story(&EVENTS, job);
    assert!(told.out().join("segments/s/sessions/part-0.parquet").exists());
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["s - 0", "s - 0", "all - 1", "all - 1"]);
    told.dwell(&["charts", "job.toml"]).expect_code(0);
}

#[test]
fn mistakes_name_the_chart_and_the_way_out() {
    let chart = |keys: &str| format!("[[chart]]\nname = 'x'\n{keys}\n");
    for (job, words) in [
        (chart("intervall = 'day'"), &["chart.intervall", "did you mean `chart.interval`?"][..]),
        (chart("interval = 'weekly'"), &["[[chart]] \"x\"", "did you mean \"week\"?"]),
        (
            chart("segments = ['mobil']\n[[segment]]\nname = 'mobile'\nby = 'page'"),
            &["mobil", "did you mean \"mobile\"?"],
        ),
        ("[[chart]]\ninterval = 'day'\n".to_owned(), &["number 1", "chart.name"]),
        (chart("") + &chart(""), &["taken by another chart"]),
        (chart("contains = [{ at_least = 1 }]"), &["chart.contains.event"]),
        (
            chart("contains = [{ event = 'a', at_least = 3, at_most = 2 }]"),
            &["chart.contains.at_most", "nothing would be left"],
        ),
        (chart("contains = [{ event = 'a', at_least = 0 }]"), &["chart.contains.at_least", "no effect"]),
        (chart("contains = [{ event = 'a', at_leest = 1 }]"), &["chart.contains.at_leest", "at_least"]),
        (chart("count = 'events'"), &["chart.count", "sessions"]),
        (chart("count = { property = 'amt' }"), &["chart.count.event"]),
        (chart("buckets = [0, 1]"), &["chart.buckets", "no effect"]),
        (chart("count = { event = 'a' }\nbins = { max = '1h' }"), &["chart.bins", "no effect"]),
        (chart("min_length = '5m'\nmax_length = '5m'"), &["chart.min_length", "chart.max_length"]),
        (chart("min_length = 30"), &["chart.min_length", "unit"]),
        (chart("group_by = { event = 'a' }"), &["chart.group_by.first"]),
        (chart("group_by = { first = 'a', last = 'b' }"), &["chart.group_by.first", "chart.group_by.last"]),
        (chart("group_by = { first = 'page', top = 0 }"), &["chart.group_by.top"]),
        (chart("first = { property = 'page', op = 'is' }"), &["chart.first.value"]),
        (chart("first = { property = 'page', op = 'equals', value = 'a' }"), &["chart.first.op"]),
        (chart("first = { property = 'page', op = 'in', value = 'a' }"), &["take a list"]),
        (chart("first = { property = 'page', op = 'not_in', value = [] }"), &["take a list"]),
        (chart("first = { property = 'page', op = 'not_contain', value = 'a' }"), &["did you mean \"not_contains\"?"]),
        (chart("first = { property = 'page', op = 'ends_with', value = 1 }"), &["chart.first.value", "a text"]),
        (chart("first = { property = 'page', op = 'glob', value = 'a[b' }"), &["at character 2", "[a-z]"]),
        (chart("formula = 'SESSIONTOTALS(B)'"), &["character 15", "a series (A)"]),
        (chart("formula = '1 + 1'"), &["chart.formula", "SESSIONTOTALS(A)"]),
        (chart("count = { event = 'a' }\nformula = 'PROPSUM(A)'"), &["chart.count.property"]),
        (chart("preset = 'entry_rate'\nevent = 'a'"), &["chart.property"]),
        (chart("preset = 'bounce_rate'\nevent = 'a'\ntop = 5"), &["chart.top", "no effect without `chart.property`"]),
        (chart("preset = 'bounce_rate'\nevent = 'a'\nlevel = 'event'"), &["chart.level", "without `chart.property`"]),
        (chart("formula = 'UNIQUES(A)'\nformulas = ['UNIQUES(A)']"), &["chart.formula", "chart.formulas"]),
        (chart("formulas = []"), &["chart.formulas", "empty"]),
        (chart("formulas = ['UNIQUES(A)', 'HIST(A)']"), &["chart.formulas", "stands alone"]),
        (chart(&format!("formulas = [{}]", "'UNIQUES(A)', ".repeat(11))), &["chart.formulas", "at most 10"]),
        (
            chart(
                "formulas = ['UNIQUES(A)', 'UNIQUES(B)']\n[[chart.series]]\ngroup_by = { first = 'page' }\n\
                 [[chart.series]]\ngroup_by = { first = 'name' }",
            ),
            &["chart.formulas", "grouped by page, B by name"],
        ),
        (chart("preset = 'bounce_rate'\nproperty = 'page'"), &["chart.event"]),
        (chart("preset = 'bounce'\nproperty = 'page'"), &["did you mean \"bounce_rate\"?"]),
        (chart("preset = 'exit_rate'\nproperty = 'page'\nformula = 'UNIQUES(A)'"), &["chart.formula", "chart.preset"]),
        (chart("property = 'page'"), &["chart.property", "no effect"]),
        (chart("min_length = '5m'\n[[chart.series]]"), &["chart.min_length", "chart.series"]),
        (chart("group_by = { first = 'pagee' }"), &["pagee", "page"]),
        (chart("count = { event = 'a', property = 'page_views' }"), &["page_views"]),
        (chart("contains = [{ where = \"pag = 'A'\" }]"), &["the chart \"x\"", "did you mean page?"]),
        (chart("contains = [{ where = 'page = ' }]"), &["the chart \"x\""]),
        (chart("first = { property = 'page', op = '=', value = 'A' }"), &["chart.first.op", "did you mean \"is\"?"]),
        (chart("last = { op = 'is', value = 'A' }"), &["chart.last.property"]),
        (chart("formula = '1/2'"), &["`chart.formula` = \"1/2\" cannot be", "SESSIONTOTALS(A)"]),
        (chart("from = '2026-02-01'\nto = '2026-01-01'"), &["chart.from", "chart.to"]),
        ("[[segment]]\nname = 'all'\nby = 'page'\n".to_owned(), &["segment.name", "taken"]),
        ("[[segment]]\nname = 'a/b'\nby = 'page'\n".to_owned(), &["segment.name", "folder"]),
        ("[[segment]]\nname = 'a'\n".to_owned(), &["segment.where"]),
        ("[[segment]]\nname = 'a'\nby = []\n".to_owned(), &["segment.by", "empty"]),
        ("[[segment]]\nname = 'a'\nby = ['page', 'page']\n".to_owned(), &["segment.by", "page", "twice"]),
        ("[[segment]]\nname = 'a'\nby = ['page', 'Page']\n".to_owned(), &["segment.by", "Page", "another column"]),
        ("[[segment]]\nname = 'a'\nperformed = []\n".to_owned(), &["segment.performed"]),
        ("[[segment]]\nname = 'a'\nby = 'pagee'\n".to_owned(), &["pagee"]),
        ("[segment]\nname = 'a'\n".to_owned(), &["[[segment]]"]),
    ] {
        let (sandbox, ran) = try_story(&EVENTS, &job);
        assert_eq!(ran.code, Some(2), "{job}\n{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} for\n{job}\nin\n{}", ran.stderr);
        }
        assert!(!sandbox.out().exists(), "a wrong job leaves nothing: {job}");
    }
}

#[test]
fn a_condition_that_fails_on_a_value_is_named_with_who_asks_for_it_and_the_file() {
    const CONDITION: &str = "CAST(page AS INTEGER) > 0";
    let fine = "[[segment]]\nname = 'fine'\nwhere = \"page = 'A'\"\n";
    for (asks, of) in [
        (
            format!("[[chart]]\nname = 'x'\ncontains = [{{ event = 'click', where = '{CONDITION}' }}]\n"),
            "the chart \"x\"",
        ),
        (format!("[[segment]]\nname = 's'\nwhere = '{CONDITION}'\n"), "the segment \"s\""),
        (
            format!("[[segment]]\nname = 's'\nperformed = [{{ event = 'click', where = '{CONDITION}' }}]\n"),
            "`performed` of the segment \"s\"",
        ),
    ] {
        let ran = try_story(&EVENTS, &format!("{fine}{asks}")).1;
        ran.expect_code(2);
        for word in [CONDITION, of, ".parquet"] {
            assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
        }
    }
}

#[test]
fn rates_of_groups_say_which_interval_they_are_of() {
    let told = run_story(&EVENTS, "[[chart]]\nname = 'x'\npreset = 'entry_rate'\nproperty = 'page'\nevent = 'view'\n");
    let ran = told.dwell(&["charts", "job.toml"]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("only the last day, 2026-01-06; the others are in measures.csv"), "{}", ran.stdout);
    let rates: Vec<&str> = ran.stdout.lines().filter(|line| line.ends_with('%')).collect();
    assert!(rates.iter().any(|line| line.contains(" B ") && line.contains("100.0 %")), "{}", ran.stdout);
}

#[test]
fn tables_of_another_definition_are_not_measured_under_this_one() {
    let told = run_story(&EVENTS, "");
    let before = table_hashes(&told.out());
    let head = |input: &str, session: &str| {
        format!("[input]\npath = 'gone'\n{input}\n[session]\n{session}\n[output]\npath = 'out'\n")
    };
    for (input, session, said) in [
        ("", "timeout = '2h'", "session.timeout: 30m before, 2h now"),
        ("", "start_event = 'view'", "session.start_event: (not set) before"),
        ("where = \"page = 'A'\"", "timeout = '30m'", "input.where: (not set) before, page = 'A' now"),
    ] {
        told.job(&head(input, session));
        let ran = told.dwell(&["charts", "job.toml"]);
        ran.expect_code(2);
        assert!(ran.stderr.contains(said) && ran.stderr.contains("dwell run"), "{}", ran.stderr);
    }
    assert_eq!(table_hashes(&told.out()), before);
    // What the job leaves out may have been flags.
    told.job("[output]\npath = 'out'\n");
    told.dwell(&["charts", "job.toml"]).expect_code(0);
}

#[test]
fn event_types_that_no_event_has_are_warned_of_by_chart_and_segment() {
    let job = "[[segment]]\nname = 's'\nperformed = [{ event = 'clik' }]\n[[chart]]\nname = 'x'\nsegments = 's'\n\
               contains = [{ event = 'viev' }]\n";
    let told = run_story(&EVENTS, job);
    let ran = told.dwell(&["run", "job.toml"]);
    ran.expect_code(0);
    for said in [
        "no event has the type \"clik\" of the segment \"s\"; did you mean \"click\"?",
        "no event has the type \"viev\" of the chart \"x\"; did you mean \"view\"?",
    ] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
}

#[test]
fn filters_that_no_session_passes_are_warned_of_with_the_value_that_is_there() {
    let chart = |name: &str, filter: &str| format!("[[chart]]\nname = '{name}'\n{filter}\n");
    let events = [
        Happened("ann", "10:00", "view", &[("page", "/Blog/tents"), ("name", "Ann")]),
        Happened("bob", "11:00", "view", &[("page", "/item"), ("name", "Bob")]),
    ];
    let job = chart("a", "first = { property = 'name', op = 'is', value = 'bob' }")
        + &chart("b", "last = { property = 'page', op = 'contains', value = 'blok' }")
        + &chart("c", "sessions = 'event_count > 5'\nmax_length = '5s'")
        + &chart("d", "contains = [{ event = 'view', where = \"page = 'x'\" }]")
        + &chart(
            "e",
            "preset = 'bounce_rate'\nevent = 'view'\nfirst = { property = 'name', op = 'in', value = ['Bob'] }",
        )
        + &chart("f", "contains = [{ event = 'view', at_least = 2, at_most = 3 }]")
        + &chart(
            "g",
            "first = { property = 'name', op = 'is_set' }\nlast = { property = 'page', op = 'glob', value = '/item' }",
        );
    let told = run_story(&events, &job);
    let expected = [
        "the chart \"a\", first name of any event: is \"bob\"; did you mean \"Bob\"?",
        "the chart \"b\", last page of any event: contains \"blok\"; did you mean \"Blog\"?",
        "the chart \"c\", sessions: event_count > 5; check",
        "the chart \"d\", contains at least 1 of: count of \"view\" where page = 'x'; check",
    ];
    let warnings: Vec<String> = read_run(&told.out())["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| warning.as_str().unwrap().to_owned())
        .filter(|warning| warning.starts_with("no session passes"))
        .collect();
    assert_eq!(warnings.len(), expected.len(), "{warnings:#?}");
    for (warning, said) in warnings.iter().zip(expected) {
        assert!(warning.contains(said), "no {said:?} in {warning}");
    }
    let ran = told.dwell(&["charts", "job.toml"]);
    assert!(expected.iter().all(|said| ran.stderr.contains(said)), "{}", ran.stderr);
}

#[test]
fn a_sum_of_nothing_is_zero_and_has_no_sign() {
    let job = "[[chart]]\nname = 'x'\ncount = { event = 'click', property = 'amt' }\nformula = '$: PROPSUM(A)'\n";
    let told = run_story(&EVENTS, job);
    let ran = told.dwell(&["charts", "job.toml"]);
    let measures = std::fs::read_to_string(told.out().join("measures.csv")).unwrap();
    assert!(ran.stdout.contains("$0.00") && !measures.contains(",-0"), "{}{measures}", ran.stdout);
}
