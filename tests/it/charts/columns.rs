//! Declared columns: random tables under random definitions against plain loops, and stories by hand.

use super::naive::Session;
use super::{read_all, run_story, sessions_of, texts_of, try_story, Happened};
use crate::cells::{ints, table, texts, times};
use crate::property::{case, cases, check, run_with, Case};
use crate::reference::{self, Kept};
use crate::support::{dated_files, first_difference, read_run, table_hashes, write_batch, Sandbox};
use arrow::array::{ArrayRef, Float64Array};
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;

/// A column of every kind, and charts that use them.
pub const JOB: &str = r#"
[[segment]]
name = "kept"
where = "keep > 1"
[[segment]]
name = "order"
by = "order_id"

[[column]]
name = "first_order"
first = "order_id"
[[column]]
name = "last_keep"
last = "keep"
event = ["view", "close", "no such type"]
where = "order_id IS NOT NULL"
[[column]]
name = "views"
count = "view"
[[column]]
name = "total"
sum = "keep"
event = "view"
[[column]]
name = "engaged"
when = "views >= 1 AND total > 2"
[[column]]
name = "least"
min = "keep"
[[column]]
name = "greatest"
max = "order_id"
where = "keep > 0"
[[column]]
name = "orders"
distinct = "order_id"
[[column]]
name = "kept_events"
count = "*"
where = "keep > 1"
[[column]]
name = "late"
when = "last_keep > 1"

[[chart]]
name = "engaged"
sessions = "engaged OR orders > 1"
group_by = { column = "first_order" }
segments = ["all", "kept"]
[[chart]]
name = "by truth"
interval = "total"
group_by = { column = "late" }
contains = [{ event = "view" }]
"#;

const NAMES: [&str; 10] =
    ["first_order", "last_keep", "views", "engaged", "total", "least", "greatest", "orders", "kept_events", "late"];

fn views(event: &Kept) -> bool {
    event.event.as_deref() == Some("view")
}

/// The first or last value that is there: by time and what else orders events, then by unique id, then by value.
fn outermost<T: Ord + Clone>(
    session: &Session<'_>,
    last: bool,
    holds: impl Fn(&Kept) -> bool,
    value: impl Fn(&Kept) -> Option<T>,
) -> Option<T> {
    let definition = session.definition;
    let place = |event: &Kept| {
        let id = event.dedup.clone().filter(|_| definition.dedup);
        (event.time, event.sequence, definition.rank(&event.event), event.event.clone(), id)
    };
    let valued = session.events.iter().filter(|event| holds(event));
    let valued = valued.filter_map(|event| Some((place(event), value(event)?)));
    let found = if last { valued.max() } else { valued.min() };
    found.map(|(_, value)| value)
}

fn text(value: Option<impl ToString>) -> String {
    value.map_or("-".to_owned(), |value| value.to_string())
}

/// What the columns of a session hold, in the order of the names.
fn expected(session: &Session<'_>) -> Vec<String> {
    let events = session.events;
    let keeps =
        |holds: fn(&Kept) -> bool| events.iter().filter(move |event| holds(event)).filter_map(|event| event.keep);
    let orders = || events.iter().filter_map(|event| event.property.clone());
    let in_list = |event: &Kept| matches!(event.event.as_deref(), Some("view" | "close")) && event.property.is_some();
    let last_keep = outermost(session, true, in_list, |event| event.keep);
    let viewed = events.iter().filter(|event| views(event)).count();
    let total: i64 = keeps(views).sum();
    let of_kept = events.iter().filter(|event| event.keep.is_some_and(|keep| keep > 0));
    vec![
        text(outermost(session, false, |_| true, |event| event.property.clone())),
        text(last_keep),
        viewed.to_string(),
        (viewed >= 1 && total > 2).to_string(),
        total.to_string(),
        text(keeps(|_| true).min()),
        text(of_kept.filter_map(|event| event.property.clone()).max()),
        orders().collect::<std::collections::BTreeSet<_>>().len().to_string(),
        events.iter().filter(|event| event.keep.is_some_and(|keep| keep > 1)).count().to_string(),
        text(last_keep.map(|keep| keep > 1)),
    ]
}

/// The rows of a sessions table with their declared columns, as text.
fn written(table: &Path) -> Vec<String> {
    let mut rows = Vec::new();
    for (date, file) in dated_files(table, "session_date") {
        let batch = read_all(&file);
        let columns = ["user_id", "session_id"].iter().chain(&NAMES).map(|name| texts_of(&batch, name));
        let columns: Vec<Vec<String>> = columns.collect();
        let whole = |text: &String| text.strip_suffix(".0").unwrap_or(text).to_owned();
        rows.extend((0..batch.num_rows()).map(|row| {
            let texts: Vec<String> = columns.iter().map(|column| whole(&column[row])).collect();
            format!("{date} {}", texts.join(" | "))
        }));
    }
    rows
}

/// Which events a segment has.
type Passes<'a> = &'a dyn Fn(&reference::Event) -> bool;

fn agrees_with_the_loops(case: &Case) -> Result<(), String> {
    let sandbox = run_with(case, &case.arrangements[0], &[], JOB)?;
    let table = case.layout.read_back(&case.events);
    let segments: [(&str, Passes<'_>); 2] =
        [("sessions", &|_| true), ("segments/kept/sessions", &|event| event.keep.is_some_and(|keep| keep > 1))];
    for (folder, passes) in segments {
        let detail = reference::detail(&table, &case.definition, passes);
        let row = |(row, events): &(reference::SessionRow, Vec<Kept>)| {
            let session = Session { row, events, definition: &case.definition };
            let mut texts = vec![row.user_id.to_string(), row.session_id.to_string()];
            texts.extend(expected(&session));
            format!("{} {}", row.date, texts.join(" | "))
        };
        let rows: Vec<String> = detail.sessions.iter().map(row).collect();
        if let Some(difference) = first_difference(folder, &rows, &written(&sandbox.out().join(folder))) {
            return Err(difference);
        }
    }
    Ok(())
}

#[test]
fn columns_under_the_default_definition_agree_with_plain_loops() {
    check(cases() / 2, case(false, 1), agrees_with_the_loops);
}

#[test]
fn columns_under_custom_definitions_agree_with_plain_loops() {
    check(cases() / 2, case(true, 1), agrees_with_the_loops);
}

#[test]
fn columns_are_the_same_bytes_in_any_order_files_number_of_threads_and_memory() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 2));
    check(cases() / 8, either, |case| {
        let mut hashes = Vec::new();
        for (arrangement, threads) in case.arrangements.iter().zip(["1", "8"]) {
            hashes.push(table_hashes(&run_with(case, arrangement, &["--threads", threads], JOB)?.out()));
        }
        (hashes[0] == hashes[1]).then_some(()).ok_or("the tables differ".to_owned())
    });
}

#[test]
fn no_value_depends_on_another_column_being_read() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 1));
    check(cases() / 8, either, |case| {
        let alone = |name: &str| {
            let own = JOB;
            let head = own.find("[[column]]").unwrap();
            let blocks: Vec<&str> = own[head..own.find("[[chart]]").unwrap()].split_inclusive("\n[[column]]").collect();
            let block = blocks.iter().find(|block| block.contains(&format!("name = \"{name}\""))).unwrap();
            format!("[[column]]\n{}", block.replace("[[column]]", ""))
        };
        let all = run_with(case, &case.arrangements[0], &[], JOB)?;
        for name in ["first_order", "last_keep", "greatest"] {
            let one = run_with(case, &case.arrangements[0], &[], &alone(name))?;
            let values = |out: &Path| -> Vec<Vec<String>> {
                let files = dated_files(&out.join("sessions"), "session_date");
                files.iter().map(|(_, file)| texts_of(&read_all(file), name)).collect()
            };
            if values(&one.out()) != values(&all.out()) {
                return Err(format!("{name} differs"));
            }
        }
        Ok(())
    });
}

const STORY: &[Happened<'static>] = &[
    Happened("ann", "2026-01-01 10:00", "view", &[("page", "/home"), ("amt", "1.5")]),
    Happened("ann", "2026-01-01 10:05", "buy", &[("page", "/pay"), ("amt", "20")]),
    Happened("ann", "2026-01-01 12:00", "view", &[("page", "/help")]),
    Happened("bob", "2026-01-02 09:00", "buy", &[("page", ""), ("amt", "3")]),
];

fn column(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let files = dated_files(&sandbox.out().join("sessions"), "session_date");
    files.iter().flat_map(|(_, file)| texts_of(&read_all(file), name)).collect()
}

#[test]
fn columns_by_hand() {
    let sandbox = run_story(
        STORY,
        "[[column]]\nname = 'entry'\nfirst = 'page'\n[[column]]\nname = 'spent'\nsum = 'amt'\n\
         [[column]]\nname = 'least'\nmin = 'page'\n[[column]]\nname = 'pages'\ndistinct = 'page'\n\
         [[column]]\nname = 'bounced'\nwhen = \"event_count = 1 AND entry <> ''\"\n\
         [[column]]\nname = 'rich'\nwhen = 'spent > 2 AND NOT bounced'\n\
         [[chart]]\nname = 'entries'\ninterval = 'total'\ngroup_by = { column = 'entry' }\n\
         [[chart]]\nname = 'rich ones'\ninterval = 'total'\nsessions = \"rich AND end_reason <> 'x'\"\n\
         group_by = { column = 'bounced' }\n",
    );
    assert_eq!(column(&sandbox, "entry"), ["/home", "/help", ""]);
    assert_eq!(column(&sandbox, "spent"), ["21.5", "0.0", "3.0"]);
    assert_eq!(column(&sandbox, "least"), ["/home", "/help", ""]);
    assert_eq!(column(&sandbox, "pages"), ["2", "1", "1"]);
    assert_eq!(column(&sandbox, "bounced"), ["false", "true", "false"]);
    assert_eq!(column(&sandbox, "rich"), ["true", "false", "true"]);
    let mut entries = sessions_of(&sandbox.out(), "entries", "A");
    entries.sort();
    assert_eq!(entries, ["all  1", "all /help 1", "all /home 1"]);
    assert_eq!(sessions_of(&sandbox.out(), "rich ones", "A"), ["all false 2"]);
    // Of the tables alone, too.
    sandbox.dwell(&["charts", "job.toml"]).expect_code(0);
    assert_eq!(sessions_of(&sandbox.out(), "rich ones", "A"), ["all false 2"]);
}

#[test]
fn mistakes_name_the_column_and_the_way_out() {
    let told = |job: &str| {
        let (_, ran) = try_story(STORY, job);
        ran.expect_code(2);
        ran.stderr
    };
    let column = |keys: &str| told(&format!("[[column]]\nname = 'a'\n{keys}\n"));
    for (told, parts) in [
        (column("first = 'pge'"), &["pge", "the column \"a\"", "\"page\""][..]),
        (column("sum = 'event_time'"), &["column.sum", "event_time", "a sum is of numbers"]),
        (column("when = 'spnt > 1'"), &["the column \"a\"", "spnt"]),
        (column("when = 'length_ms'"), &["the column \"a\"", "true or false"]),
        (column("when = 'a'"), &["the column \"a\"", "no column `a`"]),
        (column("first = 'page'\nwhere = 'amt >'"), &["the column \"a\""]),
        (column("count = 'view'\n[[column]]\nname = 'A'\ncount = 'buy'"), &["`column.name`", "A"]),
        (column("when = 'CAST(first_event AS BIGINT) > 1'"), &["the column \"a\"", "first_event"]),
        (
            column("count = 'view'\n[[chart]]\nname = 'c'\ngroup_by = { column = 'length' }"),
            &["`chart.group_by.column`", "length_ms"],
        ),
        (column("count = 'view'\n[[chart]]\nname = 'c'\nsessions = 'b > 1'"), &["the chart \"c\"", "`b`"]),
        (
            column("count = 'view'\n[[chart]]\nname = 'c'\ngroup_by = { column = 'a', event = 'view' }"),
            &["`chart.group_by.event`", "no effect"],
        ),
    ] {
        assert!(parts.iter().all(|part| told.contains(part)), "{parts:?}: {told}");
    }
}

#[test]
fn a_sum_that_does_not_fit_is_an_error() {
    use arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
    use std::sync::Arc;
    let sandbox = Sandbox::new();
    let columns: [(&str, ArrayRef); 3] = [
        ("user_id", Arc::new(StringArray::from(vec!["ann"; 3]))),
        ("event_time", Arc::new(TimestampMicrosecondArray::from(vec![crate::support::at("2026-01-01 10:00"); 3]))),
        ("n", Arc::new(Int64Array::from(vec![i64::MAX, 1, -5]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    write_batch(&sandbox.path().join("data/events.parquet"), 10, &batch);
    let job = |which: &str| {
        format!("[input]\npath = 'data'\n{which}[session]\ntimeout = '30m'\n[output]\npath = 'out'\n[[column]]\nname = 'all of it'\nsum = 'n'\n")
    };
    // The order in which numbers are added is no matter.
    sandbox.job(&job(""));
    sandbox.dwell(&["run", "job.toml"]).expect_code(0);
    assert_eq!(column(&sandbox, "all of it"), [(i64::MAX - 4).to_string()]);
    sandbox.job(&job("where = 'n > 0'\n"));
    let ran = sandbox.dwell(&["run", "job.toml", "--overwrite"]);
    ran.expect_code(2);
    assert!(ran.stderr.contains("\"all of it\"") && ran.stderr.contains("64 bits"), "{}", ran.stderr);
}

#[test]
fn types_of_values_follow_all_files_also_those_of_a_later_night() {
    let sandbox = Sandbox::new();
    let columns = "[[column]]\nname = 'last_price'\nlast = 'price'\n[[column]]\nname = 'spent'\nsum = 'price'\n\
                   [[chart]]\nname = 'x'\ngroup_by = { first = 'price' }\n";
    let job =
        |out: &str| format!("[input]\npath = 'data'\n[session]\ntimeout = '30m'\n[output]\npath = '{out}'\n{columns}");
    sandbox.job(&job("out"));
    let night = |file: &str, time: &str, price: ArrayRef| {
        let events = table([("user_id", texts(["ann"])), ("event_time", times([time])), ("price", price)]);
        write_batch(&sandbox.path().join(file), 1000, &events);
        sandbox.dwell(&["run", "job.toml", "--incremental", "--quiet"]).expect_code(0);
    };
    night("data/a.parquet", "2026-01-01 10:00", ints([1]));
    night("data/b.parquet", "2026-01-05 10:00", Arc::new(Float64Array::from(vec![1.5])));
    assert!(read_run(&sandbox.out())["everything"].to_string().contains("the tables get other columns"));
    let nights = table_hashes(&sandbox.out());
    sandbox.job(&job("full"));
    sandbox.dwell(&["run", "job.toml", "--quiet"]).expect_code(0);
    assert_eq!(nights, table_hashes(&sandbox.path().join("full")));
    sandbox.job(&job("out"));
    sandbox.dwell(&["charts", "job.toml"]).expect_code(0);
}
