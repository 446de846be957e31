//! Random tables under random definitions: every measure, formula and histogram against plain loops, and every
//! added column through what charts make of it.

use super::naive::{all_sessions, moment, outermost, rows, segments, Asked, Chart, Rows, Series, Session, TimeOn};
use super::{read_all, texts_of};
use crate::property::{case, cases, check, run_with, Case};
use crate::reference::{Kept, DEFAULT_BINS};
use crate::support::{first_difference, table_hashes};
use arrow::array::Array;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;

/// Segments and charts of all kinds.
pub const JOB: &str = r#"
[[segment]]
name = "kept"
where = "keep > 1"
[[segment]]
name = "order"
by = "order_id"
[[segment]]
name = "both"
by = ["order_id", "surface"]
where = "keep > 0"
[[segment]]
name = "viewers"
performed = [{ event = "view", at_least = 2 }, { event = "view", at_most = 1000000 }]
[[segment]]
name = "quiet"
performed = [{ event = "view", where = "keep > 0", at_most = 1 }]
[[segment]]
name = "new"
users = "new"
[[segment]]
name = "back"
where = "keep > 1"
users = "returning"

[[chart]]
name = "plain"
interval = "hour"
segments = ["all", "kept", "order", "both", "viewers", "quiet", "new", "back"]

[[chart]]
name = "filtered"
segments = ["all", "kept", "viewers", "new"]
min_length = "1m"
max_length = "6h"
contains = [{ event = "view", at_most = 2 }, { where = "keep > 0" }]

[[chart]]
name = "grouped"
interval = "week"
segments = ["all", "order", "new", "back"]
last = { property = "keep", op = ">=", value = 1 }
group_by = { first = "order_id", top = 1 }

[[chart]]
name = "by an event"
interval = "total"
segments = ["all", "kept", "new", "back"]
group_by = { last = "keep", event = "view", where = "order_id IS NOT NULL" }

[[chart]]
name = "events"
interval = "month"
segments = ["all", "kept"]
count = { event = "view", property = "keep" }
buckets = [1, 2, 4]

[[chart]]
name = "formula"
segments = ["all", "order"]
formula = "%: SESSIONTOTALS(A) / UNIQUES(B) - EVENTTOTALS(B) * 2 + PROPSUM(C) / (EVENTTOTALS(C) - 1) - PROPSUM(B)"
[[chart.series]]
group_by = { first = "order_id", where = "keep > 1", top = 2 }
[[chart.series]]
first = { property = "order_id", op = "is_not_set" }
[[chart.series]]
count = { event = "view", property = "keep" }

[[chart]]
name = "bounce"
interval = "week"
preset = "bounce_rate"
property = "order_id"
event = "view"
top = 1

[[chart]]
name = "several"
interval = "week"
segments = ["all", "order"]
formulas = ["sessionTotals(a) / Uniques(b)", "EVENTTOTALS(A)"]
[[chart.series]]
first = [{ property = "keep", op = "not_in", value = [1, 2] }, { property = "order_id", op = "not_glob", value = "[A1]*" }]
group_by = { first = "order_id", top = 1 }
[[chart.series]]
last = { property = "order_id", op = "not_contains", value = "A" }

[[chart]]
name = "any"
interval = "week"
segments = ["all", "order"]
group_by = { any = "order_id", event = "view", top = 2 }
count = { event = "view" }
buckets = [1, 2, 4]

[[chart]]
name = "three"
interval = "total"
segments = ["all", "both"]
group_by = [{ first = "keep", event = "view" }, { any = "keep", where = "keep > 0" }, { last = "order_id" }]
top = 3

[[chart]]
name = "first of any"
formula = "SESSIONTOTALS(A) / SESSIONTOTALS(B)"
[[chart.series]]
group_by = { first = "order_id" }
top = 2
[[chart.series]]
group_by = { any = "order_id" }

[[chart]]
name = "followed"
segments = ["all", "kept"]
sequence = { steps = [{ event = "view" }, { where = "keep > 0" }, { event = "view", where = "order_id IS NOT NULL" }], within = "1h" }

[[chart]]
name = "followed whenever"
sequence = { steps = [{ where = "keep > 1" }, { where = "keep > 0" }] }

[[chart]]
name = "steps"
interval = "week"
segments = ["all", "order"]
max_length = "2d"
group_by = { first = "order_id", top = 1 }
funnel = { steps = [{ event = "view" }, { where = "keep > 0" }, { event = "view", where = "order_id IS NOT NULL" }], within = "2h" }

[[chart]]
name = "equal steps"
interval = "total"
funnel = { steps = [{ where = "keep > 0" }, { where = "keep > 0", name = "again" }, { where = "keep > 1" }] }

[[chart]]
name = "time"
interval = "week"
segments = ["all", "order"]
time_on = { property = "keep", where = "order_id IS NOT NULL", cap = "10m", top = 1 }
group_by = { any = "order_id", top = 1 }

[[chart]]
name = "time on orders"
interval = "total"
segments = ["all", "kept"]
max_length = "2d"
time_on = { property = "order_id", event = "view", cap = "none" }

[[chart]]
name = "together"
interval = "month"
preset = "bounce_rate"
event = "view"
"#;

fn views(event: &Kept) -> bool {
    event.event.as_deref() == Some("view")
}

fn count(session: &Session<'_>, holds: fn(&Kept) -> bool) -> i64 {
    session.events.iter().filter(|event| holds(event)).count() as i64
}

fn first_order(session: &Session<'_>, holds: fn(&Kept) -> bool) -> Option<String> {
    outermost(session, false, holds, |event| event.property.clone()).map(|order| order.to_string())
}

/// The different values of some events of a session.
fn values(session: &Session<'_>, holds: fn(&Kept) -> bool, value: fn(&Kept) -> Option<String>) -> BTreeSet<String> {
    session.events.iter().filter(|event| holds(event)).filter_map(value).collect()
}

fn order(event: &Kept) -> Option<String> {
    event.property.as_ref().map(|order| order.to_string())
}

fn kept(event: &Kept) -> bool {
    event.keep.is_some_and(|keep| keep > 0)
}

fn three_steps() -> [fn(&Kept) -> bool; 3] {
    [views, kept, |event| views(event) && event.property.is_some()]
}

/// Whether different events follow each other that each pass one of these tests, in at most so many microseconds.
fn follow(session: &Session<'_>, steps: &[fn(&Kept) -> bool], within: i64) -> bool {
    fn from(session: &Session<'_>, steps: &[fn(&Kept) -> bool], taken: &mut Vec<usize>, within: i64) -> bool {
        let Some(step) = steps.get(taken.len()) else { return true };
        for place in 0..session.events.len() {
            let event = &session.events[place];
            let first = taken.first().map_or(event.time, |first| session.events[*first].time);
            let is_after =
                taken.last().is_none_or(|last| moment(session, &session.events[*last]) <= moment(session, event));
            if step(event) && !taken.contains(&place) && is_after && event.time - first <= within {
                taken.push(place);
                if from(session, steps, taken, within) {
                    return true;
                }
                taken.pop();
            }
        }
        false
    }
    from(session, steps, &mut Vec::new(), within)
}

/// A combination of three values, for each of several second ones.
fn by_three(session: &Session<'_>) -> BTreeSet<String> {
    let keep = outermost(session, false, views, |event| event.keep).map(|keep| keep.to_string());
    let last = outermost(session, true, |_| true, |event| event.property.clone()).map(|order| order.to_string());
    let keeps = values(session, |event| event.keep > Some(0), |event| event.keep.map(|keep| keep.to_string()));
    let mut seconds: Vec<Option<String>> = keeps.into_iter().map(Some).collect();
    if seconds.is_empty() {
        seconds.push(None);
    }
    let text = |value: &Option<String>| serde_json::to_string(value.as_deref().unwrap_or("(none)")).unwrap();
    let combined = |second: Option<String>| {
        let all = [keep.clone(), second, last.clone()];
        all.iter().any(Option::is_some).then(|| format!("[{}]", all.each_ref().map(text).join(",")))
    };
    seconds.into_iter().filter_map(combined).collect()
}

fn sum_of_views(session: &Session<'_>) -> f64 {
    session.events.iter().filter(|event| views(event)).filter_map(|event| event.keep).map(|keep| keep as f64).sum()
}

fn over(part: f64, whole: f64) -> Option<f64> {
    (whole != 0.0).then(|| part / whole)
}

fn charts() -> Vec<Chart> {
    let default_bins: Vec<i64> = DEFAULT_BINS.iter().map(|seconds| seconds * 1000).collect();
    let chart = |name, interval, segments, series| Chart {
        name,
        interval,
        segments,
        series,
        top: 100,
        ranked: 0,
        bins: default_bins.clone(),
        formula: None,
        formulas: Vec::new(),
        funnel: None,
        time_on: None,
    };
    let counted = Series { events: Some(|session| count(session, views)), sum: sum_of_views, ..all_sessions() };
    let filtered: fn(&Session<'_>) -> bool = |session| {
        (60_000..6 * 3_600_000).contains(&session.row.length_ms)
            && count(session, views) <= 2
            && count(session, |event| event.keep.is_some_and(|keep| keep > 0)) >= 1
    };
    let last_keep: fn(&Session<'_>) -> bool =
        |session| outermost(session, true, |_| true, |event| event.keep).is_some_and(|keep| keep >= 1);
    let by_event: fn(&Session<'_>) -> BTreeSet<String> = |session| {
        let keep = outermost(session, true, |event| views(event) && event.property.is_some(), |event| event.keep);
        keep.map(|keep| keep.to_string()).into_iter().collect()
    };
    let formula: fn(&[Asked]) -> Option<f64> = |asked| {
        let [a, b, c] = [asked[0], asked[1], asked[2]];
        let value = over(a[0], b[2])? - b[1] * 2.0 + over(c[3], c[1] - 1.0)? - b[3];
        Some(value * 100.0)
    };
    let of_order: fn(&Session<'_>) -> BTreeSet<String> = |session| first_order(session, |_| true).into_iter().collect();
    let no_glob: fn(&Session<'_>) -> bool = |session| {
        let keep = outermost(session, false, |_| true, |event| event.keep);
        let order = first_order(session, |_| true).map(|order| order.to_lowercase());
        keep.is_none_or(|keep| ![1, 2].contains(&keep)) && order.is_none_or(|order| !order.starts_with(['a', '1']))
    };
    let no_part: fn(&Session<'_>) -> bool = |session| {
        let order = outermost(session, true, |_| true, |event| event.property.clone()).map(|order| order.to_string());
        order.is_none_or(|order| !order.to_lowercase().contains('a'))
    };
    vec![
        chart(
            "plain",
            "hour",
            &["all", "kept", "order", "both", "viewers", "quiet", "new", "back"],
            vec![all_sessions()],
        ),
        chart(
            "filtered",
            "day",
            &["all", "kept", "viewers", "new"],
            vec![Series { passes: filtered, ..all_sessions() }],
        ),
        Chart {
            top: 1,
            ..chart(
                "grouped",
                "week",
                &["all", "order", "new", "back"],
                vec![Series { passes: last_keep, group: Some(of_order), ..all_sessions() }],
            )
        },
        chart(
            "by an event",
            "total",
            &["all", "kept", "new", "back"],
            vec![Series { group: Some(by_event), ..all_sessions() }],
        ),
        Chart { bins: vec![1, 2, 4], ..chart("events", "month", &["all", "kept"], vec![counted.clone()]) },
        Chart {
            top: 2,
            formula: Some(formula),
            ..chart(
                "formula",
                "day",
                &["all", "order"],
                vec![
                    Series {
                        group: Some(|session| {
                            let kept = |event: &Kept| event.keep.is_some_and(|keep| keep > 1);
                            first_order(session, kept).into_iter().collect()
                        }),
                        ..all_sessions()
                    },
                    Series { passes: |session| first_order(session, |_| true).is_none(), ..all_sessions() },
                    counted.clone(),
                ],
            )
        },
        Chart {
            formulas: vec![|asked| over(asked[0][0], asked[1][2]), |asked| Some(asked[0][1])],
            top: 1,
            ..chart(
                "several",
                "week",
                &["all", "order"],
                vec![
                    Series { passes: no_glob, group: Some(of_order), ..all_sessions() },
                    Series { passes: no_part, ..all_sessions() },
                ],
            )
        },
        Chart {
            top: 2,
            bins: vec![1, 2, 4],
            ..chart(
                "any",
                "week",
                &["all", "order"],
                vec![Series { group: Some(|session| values(session, views, order)), ..counted.clone() }],
            )
        },
        Chart {
            top: 3,
            ..chart(
                "three",
                "total",
                &["all", "both"],
                vec![Series { group: Some(by_three), none: r#"["(none)","(none)","(none)"]"#, ..all_sessions() }],
            )
        },
        Chart {
            top: 2,
            formula: Some(|asked| over(asked[0][0], asked[1][0])),
            ..chart(
                "first of any",
                "day",
                &["all"],
                vec![
                    Series { group: Some(of_order), ..all_sessions() },
                    Series { group: Some(|session| values(session, |_| true, order)), ..all_sessions() },
                ],
            )
        },
        chart(
            "followed",
            "day",
            &["all", "kept"],
            vec![Series { passes: |session| follow(session, &three_steps(), 3_600_000_000), ..all_sessions() }],
        ),
        chart(
            "followed whenever",
            "day",
            &["all"],
            vec![Series {
                passes: |session| {
                    let steps: [fn(&Kept) -> bool; 2] = [
                        |event| event.keep.is_some_and(|keep| keep > 1),
                        |event| event.keep.is_some_and(|keep| keep > 0),
                    ];
                    follow(session, &steps, i64::MAX)
                },
                ..all_sessions()
            }],
        ),
        Chart {
            top: 1,
            funnel: Some((three_steps().to_vec(), 7_200_000_000)),
            ..chart(
                "steps",
                "week",
                &["all", "order"],
                vec![Series {
                    passes: |session| session.row.length_ms < 2 * 86_400_000 && session.events.iter().any(views),
                    group: Some(of_order),
                    ..all_sessions()
                }],
            )
        },
        Chart {
            funnel: Some((vec![kept, kept, |event| event.keep.is_some_and(|keep| keep > 1)], i64::MAX)),
            ..chart(
                "equal steps",
                "total",
                &["all"],
                vec![Series { passes: |session| session.events.iter().any(kept), ..all_sessions() }],
            )
        },
        Chart {
            top: 1,
            time_on: Some(TimeOn {
                is_view: |event| event.property.is_some(),
                value: |event| event.keep.map(|keep| keep.to_string()),
                cap_ms: 600_000,
                top: 1,
            }),
            ..chart(
                "time",
                "week",
                &["all", "order"],
                vec![Series { group: Some(|session| values(session, |_| true, order)), ..all_sessions() }],
            )
        },
        Chart {
            time_on: Some(TimeOn { is_view: views, value: order, cap_ms: i64::MAX, top: 100 }),
            ..chart(
                "time on orders",
                "total",
                &["all", "kept"],
                vec![Series { passes: |session| session.row.length_ms < 2 * 86_400_000, ..all_sessions() }],
            )
        },
        Chart {
            formula: Some(|asked| over(asked[0][0], asked[1][0]).map(|rate| rate * 100.0)),
            ..chart(
                "together",
                "month",
                &["all"],
                vec![Series { passes: |session| count(session, views) == 1, ..all_sessions() }, all_sessions()],
            )
        },
        Chart {
            top: 1,
            ranked: 1,
            formula: Some(|asked| over(asked[0][0], asked[1][0]).map(|rate| rate * 100.0)),
            ..chart(
                "bounce",
                "week",
                &["all"],
                vec![
                    Series { passes: |session| count(session, views) == 1, group: Some(of_order), ..all_sessions() },
                    Series { group: Some(of_order), ..all_sessions() },
                ],
            )
        },
    ]
}

/// The rows that the program wrote, as the loops write them.
fn written(out: &Path) -> Rows {
    let optional = |text: &String| if text == "-" { "None".to_owned() } else { format!("Some({text})") };
    let table = |name: &str| read_all(&out.join(name));
    let key = |table: &arrow::array::RecordBatch| -> Vec<String> {
        let of = |name| texts_of(table, name);
        let group = |text: &String| if text == "-" { "None".to_owned() } else { format!("Some({text:?})") };
        let (charts, series, segments, groups) = (of("chart"), of("series"), of("segment"), of("group"));
        let starts = super::numbers_of(table, "interval_start");
        (0..table.num_rows())
            .map(|row| {
                let start = starts[row].unwrap() as i64;
                format!("{} {} {} {} {start}", charts[row], series[row], segments[row], group(&groups[row]))
            })
            .collect()
    };
    let measures = table("measures.parquet");
    let of = |name| texts_of(&measures, name);
    let float = |name| -> Vec<String> {
        super::numbers_of(&measures, name).into_iter().map(|number| format!("{number:?}")).collect()
    };
    let columns = ["total_sessions", "active_users", "new_users", "time_spent_ms"].map(of);
    let ratios = ["time_spent_per_user_ms", "avg_length_ms", "avg_per_user"].map(float);
    let percentiles =
        ["p50", "p75", "p90", "p95", "p99"].map(|percent| texts_of(&measures, &format!("length_{percent}_ms")));
    let several = ["formula_1", "formula_2"].map(float);
    let (max, zero, events) = (of("length_max_ms"), of("zero_length_sessions"), of("total_events"));
    let (per_session, formula, series) = (float("avg_events_per_session"), float("formula"), of("series"));
    let row = |(row, key): (usize, String)| {
        if series[row] == "formula" {
            return format!("{key} {} [{}, {}]", formula[row], several[0][row], several[1][row]);
        }
        let percentiles: Vec<String> = percentiles.iter().map(|column| optional(&column[row])).collect();
        format!(
            "{key} {} {} {} {} {} {} {} [{}] {} {} {} {}",
            columns[0][row],
            columns[1][row],
            columns[2][row],
            columns[3][row],
            ratios[0][row],
            ratios[1][row],
            ratios[2][row],
            percentiles.join(", "),
            optional(&max[row]),
            zero[row],
            optional(&events[row]),
            per_session[row],
        )
    };
    let mut rows = Rows { measures: key(&measures).into_iter().enumerate().map(row).collect(), ..Rows::default() };
    let histogram = table("histogram.parquet");
    let of = |name| texts_of(&histogram, name);
    let (starts, ends, units, sessions) = (of("bin_start"), of("bin_end"), of("unit"), of("sessions"));
    let shares = super::numbers_of(&histogram, "share");
    let row = |(row, key): (usize, String)| {
        let (start, end) = (optional(&starts[row]), optional(&ends[row]));
        format!("{key} {start} {end} {} {} {:?}", units[row], sessions[row], shares[row])
    };
    rows.histogram = key(&histogram).into_iter().enumerate().map(row).collect();
    let funnel = table("funnel.parquet");
    let of = |name| texts_of(&funnel, name);
    let (charts, segments, groups, starts) =
        (of("chart"), of("segment"), of("group"), super::numbers_of(&funnel, "interval_start"));
    let (steps, sessions, medians, p90s) = (of("step"), of("sessions"), of("median_ms"), of("p90_ms"));
    let [of_first, of_previous] = ["share_of_first", "share_of_previous"].map(|name| super::numbers_of(&funnel, name));
    let row = |row: usize| {
        let group = if groups[row] == "-" { "None".to_owned() } else { format!("Some({:?})", groups[row]) };
        let (median, p90) = (optional(&medians[row]), optional(&p90s[row]));
        let figures = format!("{} {:?} {:?} {median} {p90}", sessions[row], of_first[row], of_previous[row]);
        format!("{} {} {group} {} {} {figures}", charts[row], segments[row], starts[row].unwrap() as i64, steps[row])
    };
    rows.funnel = (0..funnel.num_rows()).map(row).collect();
    let time_on = table("time_on.parquet");
    let of = |name| texts_of(&time_on, name);
    let (charts, segments, groups, starts) =
        (of("chart"), of("segment"), of("group"), super::numbers_of(&time_on, "interval_start"));
    let (values, counts, medians) = (of("value"), ["views", "sessions", "time_ms"].map(of), of("p50_ms"));
    let averages = super::numbers_of(&time_on, "avg_ms");
    let nulls = time_on.column_by_name("value").unwrap().nulls().cloned();
    let row = |row: usize| {
        let group = if groups[row] == "-" { "None".to_owned() } else { format!("Some({:?})", groups[row]) };
        let is_null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let value = if is_null { "None".to_owned() } else { format!("Some({:?})", values[row]) };
        let figures = format!(
            "{} {} {} {:?} {}",
            counts[0][row],
            counts[1][row],
            counts[2][row],
            averages[row],
            optional(&medians[row])
        );
        format!("{} {} {group} {} {value} {figures}", charts[row], segments[row], starts[row].unwrap() as i64)
    };
    rows.time_on = (0..time_on.num_rows()).map(row).collect();
    rows.measures.sort();
    rows.histogram.sort();
    rows.funnel.sort();
    rows.time_on.sort();
    rows
}

fn agrees_with_the_loops(case: &Case) -> Result<(), String> {
    let out = run_with(case, &case.arrangements[0], &[], JOB)?;
    let segments = segments(&case.layout.read_back(&case.events), &case.definition);
    let mut expected = Rows::default();
    for chart in charts() {
        let Rows { measures, histogram, funnel, time_on } = rows(&chart, &segments, &case.definition);
        expected.funnel.extend(funnel);
        expected.time_on.extend(time_on);
        expected.measures.extend(measures);
        expected.histogram.extend(histogram);
    }
    expected.measures.sort();
    expected.histogram.sort();
    expected.funnel.sort();
    expected.time_on.sort();
    let actual = written(&out.out());
    first_difference("measures", &expected.measures, &actual.measures)
        .or_else(|| first_difference("histogram", &expected.histogram, &actual.histogram))
        .or_else(|| first_difference("funnel", &expected.funnel, &actual.funnel))
        .or_else(|| first_difference("time_on", &expected.time_on, &actual.time_on))
        .map_or(Ok(()), Err)
}

#[test]
fn charts_under_the_default_definition_agree_with_plain_loops() {
    check(cases() / 2, case(false, 1), agrees_with_the_loops);
}

#[test]
fn charts_under_custom_definitions_agree_with_plain_loops() {
    check(cases() / 2, case(true, 1), agrees_with_the_loops);
}

#[test]
fn charts_and_segments_are_the_same_bytes_in_any_order_files_and_number_of_threads() {
    let either = any::<bool>().prop_flat_map(|custom| case(custom, 2));
    check(cases() / 8, either, |case| {
        let mut hashes = Vec::new();
        for (arrangement, threads) in case.arrangements.iter().zip(["1", "8"]) {
            hashes.push(table_hashes(&run_with(case, arrangement, &["--threads", threads], JOB)?.out()));
        }
        let differ = hashes[0].keys().filter(|file| hashes[0].get(*file) != hashes[1].get(*file));
        let differ: Vec<&String> = differ.collect();
        (differ.is_empty() && hashes[0].len() == hashes[1].len())
            .then_some(())
            .ok_or(format!("these differ: {differ:?}"))
    });
}
