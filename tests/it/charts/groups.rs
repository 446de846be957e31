//! Groups and segments whose values are spelled like something else, and events that have no value.

use arrow::array::AsArray;

use super::{formula_of, read_all, run_story, sessions_of, texts_of, try_story, Happened};
use crate::support::read_run;

/// A session for each of these values; `-` for none.
fn values<'a>(users: &'a [String], properties: &'a [[(&'a str, &'a str); 1]]) -> Vec<Happened<'a>> {
    let properties = properties.iter().map(|of| if of[0].1 == "-" { &[][..] } else { &of[..] });
    users.iter().zip(properties).map(|(user, page)| Happened(user, "10:00", "view", page)).collect()
}

fn story(pages: &[&str], job: &str) -> crate::support::Sandbox {
    let users: Vec<String> = (0..pages.len()).map(|user| format!("u{user}")).collect();
    let properties: Vec<[(&str, &str); 1]> = pages.iter().map(|page| [("page", *page)]).collect();
    run_story(&values(&users, &properties), job)
}

#[test]
fn a_value_spelled_none_or_other_is_not_the_group_of_that_name() {
    let job = "[[chart]]\nname = 'x'\ngroup_by = { first = 'page' }\n\
               [[chart]]\nname = 'top'\ngroup_by = { first = 'page', top = 3 }\n\
               [[segment]]\nname = 's'\nby = 'page'\n[[chart]]\nname = 'by'\nsegments = 's'\n";
    let told = story(&["(none)", "(none)", "(none)", "-", "(other)", "(other)", "\\(none)", "\\(none)", "a", ""], job);
    let groups = sessions_of(&told.out(), "x", "A");
    assert_eq!(groups, ["all \\(none) 3", "all (other) 2", "all \\\\(none) 2", "all  1", "all a 1", "all (none) 1"]);
    let top = sessions_of(&told.out(), "top", "A");
    assert_eq!(top, ["all \\(none) 3", "all \\(other) 2", "all \\\\(none) 2", "all (other) 2", "all (none) 1"]);
    let segments = sessions_of(&told.out(), "by", "A");
    assert_eq!(segments, ["s=(none) - 2", "s=(other) - 2", "s=\\(none) - 3", "s=\\\\(none) - 2", "s=a - 1"]);
    // Tables and histograms say the same; the segment's own column has the values as they are.
    let csv = std::fs::read_to_string(told.out().join("histogram.csv")).unwrap();
    assert!(csv.contains("x,A,all,\\(none),2026-01-05") && csv.contains("top,A,all,(other),2026-01-05"), "{csv}");
    let table = read_all(&told.out().join("segments/s/sessions/session_date=2026-01-05/part-0.parquet"));
    assert_eq!(texts_of(&table, "page")[0], "(none)");
}

#[test]
fn text_that_a_spreadsheet_would_run_is_quoted_in_csv_unless_the_job_keeps_it() {
    let job = "[[chart]]\nname = '=c'\ngroup_by = { first = 'page' }\n[[segment]]\nname = '+s'\nby = 'page'\n\
               [[chart]]\nname = '@y'\nsegments = '+s'\n";
    let pages = ["=1+1", "@SUM(A1)", "-5", "-5+1", "'=1+1", "plain", "\t=x"];
    let told = story(&pages, job);
    let csv = std::fs::read_to_string(told.out().join("measures.csv")).unwrap();
    let cells: Vec<Vec<&str>> = csv.lines().skip(1).map(|line| line.split(',').collect()).collect();
    let groups: Vec<&str> = cells.iter().filter(|cells| cells[0] == "'=c").map(|cells| cells[3]).collect();
    assert_eq!(groups, ["'\t=x", "''=1+1", "-5", "'-5+1", "'=1+1", "'@SUM(A1)", "plain"]);
    assert!(cells.iter().any(|cells| cells[0] == "'@y" && cells[2] == "'+s==1+1"), "{csv}");
    let parquet = read_all(&told.out().join("measures.parquet"));
    assert!(
        texts_of(&parquet, "group").contains(&"=1+1".to_owned())
            && texts_of(&parquet, "chart").contains(&"=c".to_owned())
    );
    // The switch is no part of the definition: the next night makes the charts anew, and nothing else.
    let before = std::fs::read_to_string(told.path().join("job.toml")).unwrap();
    told.dwell(&["run", "job.toml", "--quiet", "--incremental"]).expect_code(0);
    told.job(&before.replace("path = 'out'\n", "path = 'out'\ncsv_formulas = 'keep'\n"));
    let ran = told.dwell(&["run", "job.toml", "--incremental"]);
    ran.expect_code(0);
    assert!(ran.stdout.contains("the charts are made again"), "{}", ran.stdout);
    let kept = std::fs::read_to_string(told.out().join("measures.csv")).unwrap();
    assert!(kept.contains("=c,A,all,=1+1,") && kept.contains("@y,A,+s==1+1,"), "{kept}");
    told.job(&before);
    told.dwell(&["charts", "job.toml", "--quiet"]).expect_code(0);
    assert_eq!(std::fs::read_to_string(told.out().join("measures.csv")).unwrap(), csv);
    told.job(&before.replace("path = 'out'\n", "path = 'out'\ncsv_formulas = 'keeep'\n"));
    let ran = told.dwell(&["charts", "job.toml"]);
    ran.expect_code(2);
    assert!(
        ran.stderr.contains("output.csv_formulas") && ran.stderr.contains("did you mean \"keep\"?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_commands_print_as_csv_is_run_by_no_spreadsheet_either() {
    let events =
        [Happened("=u", "10:00", "@view", &[("page", "-1")]), Happened("=u", "10:01", "=x", &[("page", "+a")])];
    let told = run_story(&events, "");
    let ran = told.dwell(&["inspect", "job.toml", "--user", "=u", "--columns", "page", "--format", "csv"]);
    ran.expect_code(0);
    for cell in ["'=u,", ",'@view,-1", ",'=x,'+a"] {
        assert!(ran.stdout.contains(cell), "{cell}: {}", ran.stdout);
    }
}

#[test]
fn events_that_a_segment_is_not_of_are_counted() {
    let events = [
        Happened("ann", "10:00", "view", &[("page", "A")]),
        Happened("ann", "10:01", "view", &[]),
        Happened("bob", "10:00", "view", &[("page", "")]),
        Happened("bob", "10:00", "click", &[("page", "B")]),
        Happened("cat", "10:00", "click", &[]),
    ];
    let job = "[[segment]]\nname = 'p'\nby = 'page'\n[[segment]]\nname = 'w'\nby = ['page']\nwhere = \"event_type = 'view'\"\n[[segment]]\nname = 'v'\nwhere = \"event_type = 'view'\"\n\
               [[segment]]\nname = 'clickers'\nperformed = [{ event = 'click' }]\n";
    let (told, ran) = try_story(&events, job);
    ran.expect_code(0);
    let run = read_run(&told.out());
    let of = |segment: &str, key: &str| run["segments"][segment][key].clone();
    assert_eq!(of("p", "left_out"), serde_json::json!({}));
    assert_eq!(of("w", "left_out"), serde_json::json!({ "filtered": 2 }));
    assert_eq!(of("v", "left_out"), serde_json::json!({ "filtered": 2 }));
    assert_eq!(of("clickers", "left_out"), serde_json::json!({}));
    assert_eq!([of("p", "events"), of("w", "events"), of("v", "events"), of("clickers", "events")], [5, 3, 3, 5]);
    // Of each of the two who have a page and none, a user for each.
    assert_eq!([of("p", "users"), of("w", "users"), of("v", "users")], [5, 3, 2]);
    assert_eq!(run["warnings"], serde_json::json!([]));
}

/// Visits of pages, user by user.
const PAGES: [Happened<'static>; 7] = [
    Happened("ann", "10:00", "view", &[("page", "B"), ("name", "x")]),
    Happened("ann", "10:01", "view", &[("page", "A")]),
    Happened("ann", "10:02", "click", &[("page", "C"), ("name", "y")]),
    Happened("ann", "10:03", "view", &[("page", "B")]),
    Happened("bob", "11:00", "view", &[("page", "A"), ("name", "(none)")]),
    Happened("cat", "12:00", "view", &[("name", "x")]),
    Happened("dan", "13:00", "click", &[]),
];

#[test]
fn a_session_counts_once_under_each_value_that_it_has_seen() {
    let job = "
        [[chart]]
        name = 'any'
        group_by = { any = 'page', event = 'view' }
        bins = { min = '1s', max = '1h' }
        [[chart]]
        name = 'top'
        group_by = { any = 'page' }
        top = 1
        [[chart]]
        name = 'filtered'
        contains = [{ event = 'click' }]
        group_by = { any = 'page' }";
    let told = run_story(&PAGES, job);
    assert_eq!(sessions_of(&told.out(), "any", "A"), ["all A 2", "all B 1", "all (none) 2"]);
    // B and C are others: of ann, whose visit has both, once.
    assert_eq!(sessions_of(&told.out(), "top", "A"), ["all A 2", "all (other) 1", "all (none) 2"]);
    assert_eq!(sessions_of(&told.out(), "filtered", "A"), ["all A 1", "all B 1", "all C 1", "all (none) 1"]);
    let table = read_all(&told.out().join("sessions/session_date=2026-01-05/part-0.parquet"));
    let lists = |name: &str| -> Vec<Vec<String>> {
        let column = table.column_by_name(name).unwrap().as_list::<i32>().clone();
        column
            .iter()
            .map(|list| list.unwrap().as_string::<i32>().iter().map(|page| page.unwrap().to_owned()).collect())
            .collect()
    };
    assert_eq!(lists("values_page_of_view"), [vec!["B", "A"], vec!["A"], vec![], vec![]]);
    assert_eq!(lists("values_page"), [vec!["B", "A", "C"], vec!["A"], vec![], vec![]]);
    // What the tables have is enough, also of fewer sessions and other groups.
    let text = std::fs::read_to_string(told.path().join("job.toml")).unwrap();
    told.job(&text.replace("top = 1", "top = 2"));
    told.dwell(&["charts", "job.toml", "--quiet"]).expect_code(0);
    assert_eq!(sessions_of(&told.out(), "top", "A"), ["all A 2", "all B 1", "all (other) 1", "all (none) 2"]);
    for (flags, users) in [
        (&["--group", "A"][..], "bob ann"),
        (&["--group", "B"], "ann"),
        (&["--group", "(other)"], "ann"),
        (&["--group", "(none)"], "dan cat"),
        // All of them together: each once.
        (&[], "dan cat bob ann"),
    ] {
        let ran = told.dwell(&[&["inspect", "job.toml", "--chart", "top", "--format", "json"], flags].concat());
        let answer: serde_json::Value = serde_json::from_str(&ran.expect_code(0).stdout).unwrap();
        let listed: Vec<&str> =
            answer["rows"].as_array().unwrap().iter().map(|row| row["user_id"].as_str().unwrap()).collect();
        assert_eq!(listed.join(" "), users, "{flags:?}");
        assert_eq!(answer["sessions"], listed.len());
    }
    let ran = told.dwell(&["inspect", "job.toml", "--chart", "any", "--group", "B", "--format", "csv"]);
    assert!(ran.expect_code(0).stdout.contains(r#""[""B"",""A""]""#), "{}", ran.stdout);
}

#[test]
fn combinations_of_groups_are_json_and_only_the_one_of_nothing_is_never_folded() {
    let job = "
        [[chart]]
        name = 'two'
        group_by = [{ first = 'name' }, { any = 'page', event = 'view' }]
        [[chart]]
        name = 'kept'
        group_by = [{ first = 'name' }, { any = 'page', event = 'view' }]
        top = 1
        [[chart]]
        name = 'one'
        group_by = [{ last = 'name' }]";
    let told = run_story(&PAGES, job);
    let two = sessions_of(&told.out(), "two", "A");
    let expected = [
        r#"all ["\\(none)","A"] 1"#,
        r#"all ["x","(none)"] 1"#,
        r#"all ["x","A"] 1"#,
        r#"all ["x","B"] 1"#,
        r#"all ["(none)","(none)"] 1"#,
    ];
    assert_eq!(two, expected);
    let kept = sessions_of(&told.out(), "kept", "A");
    assert_eq!(kept, [expected[0], "all (other) 2", expected[4]]);
    // A list of one is that one.
    assert_eq!(sessions_of(&told.out(), "one", "A"), [r"all \(none) 1", "all x 1", "all y 1", "all (none) 1"]);
    let listed = |group: &str| {
        let ran = told.dwell(&["inspect", "job.toml", "--chart", "kept", "--group", group, "--format", "csv"]);
        ran.expect_code(0).stdout.lines().skip(1).map(|line| line[..3].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(r#"["\\(none)","A"]"#), ["bob"]);
    assert_eq!(listed("(other)"), ["cat", "ann"]);
    assert_eq!(listed(r#"["(none)","(none)"]"#), ["dan"]);
}

#[test]
fn groups_that_cannot_be_are_refused_with_the_way_out() {
    let events = [Happened("ann", "10:00", "view", &[("page", "A"), ("name", "x")])];
    for (keys, parts) in [
        ("group_by = []", &["`chart.group_by`", "empty"][..]),
        ("group_by = [{ any = 'page' }, { any = 'name' }]", &["`chart.group_by`", "two of `any`", "one of them"]),
        ("group_by = [{ first = 'page' }, { first = 'page' }]", &["the same value twice"]),
        (
            "group_by = [{ first = 'page' }, { last = 'page' }, { first = 'name' }, { last = 'name' }]",
            &["`chart.group_by`", "at most three"],
        ),
        ("group_by = [{ first = 'page', top = 3 }, { last = 'page' }]", &["`chart.group_by.top`", "beside `group_by`"]),
        ("group_by = { first = 'page', top = 3 }\ntop = 3", &["`chart.group_by.top`", "`chart.top`"]),
        ("top = 3", &["`chart.top`", "`chart.group_by`"]),
        ("group_by = { first = 'page', any = 'page' }", &["`chart.group_by.first`", "`chart.group_by.any`", "list"]),
        ("top = 3\n[[chart.series]]\n", &["`chart.top`", "[[chart.series]]"]),
        (
            "formula = 'SESSIONTOTALS(A) / SESSIONTOTALS(B)'\n[[chart.series]]\ngroup_by = { any = 'page' }\n\
             [[chart.series]]\ngroup_by = [{ first = 'page' }, { first = 'name' }]\n",
            &["A is grouped by page, B by page and name"],
        ),
    ] {
        let ran = try_story(&events, &format!("[[chart]]\nname = 'x'\n{keys}")).1;
        ran.expect_code(2);
        assert!(parts.iter().all(|part| ran.stderr.contains(part)), "{keys}: {}", ran.stderr);
    }
}

#[test]
fn the_first_hundred_values_of_a_session_are_kept_and_a_warning_counts_those_with_more() {
    let pages: Vec<String> = (0..103).map(|page| format!("{:03}", 500 - page)).collect();
    let mut events = Vec::new();
    // Two pages at a time: of these, the smaller one comes first.
    for (place, page) in pages.iter().enumerate() {
        let time: &'static str = Box::leak(format!("10:{:02}", place / 2).into_boxed_str());
        let properties: &'static [(&str, &str)] =
            Box::leak(Box::new([("page", &*Box::leak(page.clone().into_boxed_str()))]));
        events.push(Happened("ann", time, "view", properties));
    }
    events.push(Happened("bob", "10:00", "view", &[("page", "449")]));
    let job = "[[chart]]\nname = 'x'\ngroup_by = { any = 'page', top = 200 }\n[[segment]]\nname = 'all of it'\nwhere = 'true'\n";
    let (told, ran) = try_story(&events, job);
    ran.expect_code(0);
    let groups = sessions_of(&told.out(), "x", "A");
    assert_eq!(groups.len(), 100);
    let has = |page: &str, sessions: i64| groups.contains(&format!("all {page} {sessions}"));
    // The first 50 pairs, and bob's page, which is one of them.
    assert!(
        has("500", 1) && has("449", 2) && has("401", 1) && has("402", 1) && !has("400", 1) && !has("399", 1),
        "{groups:?}"
    );
    let said = "1 session has more than 100 different values for the column `values_page`";
    let warnings = read_run(&told.out())["warnings"].as_array().unwrap().clone();
    assert!(warnings.len() == 1 && warnings[0].as_str().unwrap().contains(said), "{warnings:?}");
}

#[test]
fn a_formula_over_series_that_are_grouped_by_different_properties_is_an_error() {
    let events = [Happened("ann", "10:00", "view", &[("page", "A"), ("name", "x")])];
    let job = |a: &str, b: &str, formula: &str| {
        let formula = if formula.is_empty() { String::new() } else { format!("formula = '{formula}'\n") };
        format!("[[chart]]\nname = 'x'\n{formula}[[chart.series]]\n{a}\n[[chart.series]]\n{b}\n")
    };
    let by = |key: &str, property: &str| format!("group_by = {{ {key} = '{property}' }}");
    let rate = "SESSIONTOTALS(A) / SESSIONTOTALS(B)";
    let (sandbox, ran) = try_story(&events, &job(&by("first", "page"), &by("first", "name"), rate));
    ran.expect_code(2);
    for word in ["[[chart]] \"x\"", "chart.formula", "A is grouped by page, B by name", "by one property"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert!(!sandbox.out().exists());
    // Entries over exits of a page, a group over all, and series without a formula are fine.
    for (a, b, formula) in [
        (by("first", "page"), by("last", "page"), rate),
        (by("first", "page"), String::new(), rate),
        (by("first", "page"), by("first", "name"), "SESSIONTOTALS(A)"),
        (by("first", "page"), by("first", "name"), ""),
    ] {
        try_story(&events, &job(&a, &b, formula)).1.expect_code(0);
    }
    let told = run_story(&events, &job(&by("first", "page"), &by("last", "page"), rate));
    assert_eq!(formula_of(&told.out(), "x"), ["A 1.00"]);
}

#[test]
fn each_property_keeps_its_own_largest_groups() {
    let mut events = Vec::new();
    for (user, page, name) in
        [("a", "P", "z"), ("b", "P", "z"), ("c", "Q", "z"), ("d", "Q", "y"), ("e", "P", "x"), ("f", "R", "y")]
    {
        let properties: &'static [(&str, &str)] = Box::leak(Box::new([("page", page), ("name", name)]));
        events.push(Happened(user, "10:00", "view", properties));
    }
    let job = "[[chart]]\nname = 'x'\n[[chart.series]]\ngroup_by = { first = 'page', top = 2 }\n[[chart.series]]\ngroup_by = { first = 'name' }\n";
    let told = run_story(&events, job);
    assert_eq!(sessions_of(&told.out(), "x", "A"), ["all P 3", "all Q 2", "all (other) 1"]);
    assert_eq!(sessions_of(&told.out(), "x", "B"), ["all z 3", "all y 2", "all (other) 1"]);
}
