//! Values of the wrong type or shape in a job: the message says what the key takes, with an example.

use super::{try_story, Happened};

#[test]
fn a_value_of_another_type_is_told_with_what_the_key_takes_and_an_example() {
    let chart = |keys: &str| format!("[[chart]]\nname = 'x'\n{keys}\n");
    let example = "for instance group_by = { first = \"utm_source\" }";
    for (job, words) in [
        (
            chart("group_by = 'page'"),
            &["`chart.group_by` in", "line 9", "is text, and takes keys in braces", example][..],
        ),
        (
            chart("group_by = ['page']"),
            &["is a list with text in it, and takes keys in braces or a list of such", example],
        ),
        (
            chart("group_by = { first = ['page'] }"),
            &["`chart.group_by.first`", "is a list, and takes text", "first = \"utm_source\""],
        ),
        (
            chart("group_by = { first = 'page', top = '5' }"),
            &["`chart.group_by.top`", "is text, and takes a whole number", "top = 10"],
        ),
        (
            chart("count = ['view']"),
            &[
                "`chart.count`",
                "is a list, and takes \"sessions\" or keys in braces",
                "count = { event = \"page_view\" }",
            ],
        ),
        (chart("count = { event = ['view'] }"), &["`chart.count.event`", "takes text"]),
        (chart("bins = [0, 10]"), &["`chart.bins`", "is a list, and takes keys in braces", "bins = { min = \"1m\""]),
        (chart("bins = { max = ['1m'] }"), &["`chart.bins.max`", "takes a duration in quotes"]),
        (chart("buckets = 5"), &["`chart.buckets`", "is a whole number, and takes a list of whole numbers"]),
        (chart("buckets = [0, '1']"), &["`chart.buckets`", "a list with text in it"]),
        (
            chart("contains = 'view'"),
            &["`chart.contains`", "is text, and takes a list of keys in braces", "[{ event ="],
        ),
        (chart("contains = ['view']"), &["`chart.contains`", "a list with text in it"]),
        (
            chart("contains = { event = 'view' }"),
            &["`chart.contains`", "is keys in braces, and takes a list of keys in braces"],
        ),
        (
            chart("contains = [{ event = 'view', at_least = 1.5 }]"),
            &["`chart.contains.at_least`", "a number with a fraction"],
        ),
        (
            chart("contains = [{ event = 'view', at_least = 99999999999999999999 }]"),
            &["`chart.contains.at_least`", "is a number of more than 64 bits, and takes a whole number"],
        ),
        (chart("first = 'page'"), &["`chart.first`", "takes keys in braces or a list of such", "op = \"is\""]),
        (chart("formula = ['UNIQUES(A)']"), &["`chart.formula`", "is a list, and takes text"]),
        (chart("segments = 5"), &["`chart.segments`", "takes text in quotes or a list of such"]),
        (chart("interval = 7"), &["`chart.interval`", "interval = \"week\""]),
        (chart("series = 'A'"), &["`chart.series`", "takes a list of keys in braces"]),
        (chart("[chart.series]\ncount = 'sessions'"), &["`chart.series`", "is keys in braces, and takes a list"]),
        (chart("[[chart.series]]\ngroup_by = 'page'"), &["`chart.series.group_by`", "line 10", example]),
        (chart("min_length = true"), &["`chart.min_length`", "is true or false, and takes a duration"]),
        (
            "[[segment]]\nname = 's'\nperformed = { event = 'x' }\n".to_owned(),
            &["`segment.performed`", "takes a list of keys in braces"],
        ),
        (
            "[[segment]]\nname = 's'\nby = ['page', 5]\n".to_owned(),
            &["`segment.by`", "a list with a whole number in it"],
        ),
        (
            "[[segment]]\nname = 's'\nwhere = true\n".to_owned(),
            &["`segment.where`", "is true or false, and takes text"],
        ),
    ] {
        let ran = try_story(&[Happened("ann", "10:00", "view", &[])], &job).1;
        assert_eq!(ran.code, Some(2), "{job}\n{}", ran.stderr);
        for word in words {
            assert!(ran.stderr.contains(word), "no {word:?} for\n{job}\nin\n{}", ran.stderr);
        }
        for word in ["struct", "expected", "invalid type"] {
            assert!(!ran.stderr.contains(word), "{}", ran.stderr);
        }
    }
}

#[test]
fn a_column_with_two_names_is_told_to_take_one() {
    let chart = |name: &str, column: &str| {
        format!("[[chart]]\nname = '{name}'\ncontains = [{{ event = 'purchase', column = '{column}' }}]\n")
    };
    let job = chart("a", "purchases") + &chart("b", "orders");
    let ran = try_story(&[Happened("ann", "10:00", "view", &[])], &job).1;
    ran.expect_code(2);
    for word in ["\"orders\"", "\"purchases\"", "count of \"purchase\"", "use one name in both places"] {
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("another name"), "{}", ran.stderr);
    let twice = "[[chart]]\nname = 'x'\nsegments = ['all', 'all']\n";
    let ran = try_story(&[Happened("ann", "10:00", "view", &[])], twice).1;
    ran.expect_code(2);
    assert!(ran.stderr.contains("names \"all\" twice; once is enough"), "{}", ran.stderr);
}
